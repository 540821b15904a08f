// The body of one level: every kernel, compiled with the including file's instruction set, and the table of them.
// Everything but the tables has internal linkage, so that code for a newer processor can never be linked in for all.

#include <type_traits>
#include <utility>

#include "table.hpp"

// The order matters: each uses those before it.
// clang-format off
#include "vec.inl"
#include "math.inl"
#include "sums.inl"
#include "update.inl"
#include "lanes.inl"
#include "readout.inl"
// clang-format on

namespace {

using reservoirs::Kernels;
using reservoirs::kNarrowLaneBytes;
using reservoirs::kWideLaneBytes;

template <class T, Vec<T> (*function)(Vec<T>)>
void apply(const T* x, std::int64_t n, T* y) {
    for (std::int64_t i = 0; i < n; i += kWidth<T>) {
        T buffer[kWidth<T>] = {};
        const std::size_t size = static_cast<std::size_t>(n - i < kWidth<T> ? n - i : kWidth<T>) * sizeof(T);
        std::memcpy(buffer, x + i, size);
        store<T>(buffer, function(load<T>(buffer)));
        std::memcpy(y + i, buffer, size);
    }
}

template <class T>
constexpr Kernels<T> make_table() {
    Kernels<T> k{};
    k.sparse16_sums = sparse_sums<T, std::uint16_t>;
    k.sparse32_sums = sparse_sums<T, std::uint32_t>;
    k.dense_sums = dense_sums<T>;
    k.sparse16_sums_lanes[0] = sparse_sums_lanes<T, std::uint16_t, kNarrowLaneBytes>;
    k.sparse16_sums_lanes[1] = sparse_sums_lanes<T, std::uint16_t, kWideLaneBytes>;
    k.sparse32_sums_lanes[0] = sparse_sums_lanes<T, std::uint32_t, kNarrowLaneBytes>;
    k.sparse32_sums_lanes[1] = sparse_sums_lanes<T, std::uint32_t, kWideLaneBytes>;
    k.dense_sums_lanes[0] = dense_sums_lanes<T, kNarrowLaneBytes>;
    k.dense_sums_lanes[1] = dense_sums_lanes<T, kWideLaneBytes>;
    k.update[static_cast<int>(Activation::tanh)] = update<T, Activation::tanh>;
    k.update[static_cast<int>(Activation::relu)] = update<T, Activation::relu>;
    k.update[static_cast<int>(Activation::logistic)] = update<T, Activation::logistic>;
    k.update[static_cast<int>(Activation::identity)] = update<T, Activation::identity>;
    k.update_lanes[0][static_cast<int>(Activation::tanh)] = update_lanes<T, Activation::tanh, kNarrowLaneBytes>;
    k.update_lanes[0][static_cast<int>(Activation::relu)] = update_lanes<T, Activation::relu, kNarrowLaneBytes>;
    k.update_lanes[0][static_cast<int>(Activation::logistic)] = update_lanes<T, Activation::logistic, kNarrowLaneBytes>;
    k.update_lanes[0][static_cast<int>(Activation::identity)] = update_lanes<T, Activation::identity, kNarrowLaneBytes>;
    k.update_lanes[1][static_cast<int>(Activation::tanh)] = update_lanes<T, Activation::tanh, kWideLaneBytes>;
    k.update_lanes[1][static_cast<int>(Activation::relu)] = update_lanes<T, Activation::relu, kWideLaneBytes>;
    k.update_lanes[1][static_cast<int>(Activation::logistic)] = update_lanes<T, Activation::logistic, kWideLaneBytes>;
    k.update_lanes[1][static_cast<int>(Activation::identity)] = update_lanes<T, Activation::identity, kWideLaneBytes>;
    k.unpack_lanes[0] = unpack_lanes<T, kNarrowLaneBytes>;
    k.unpack_lanes[1] = unpack_lanes<T, kWideLaneBytes>;
    k.readout = readout<T>;
    k.tanh = apply<T, vec_tanh<T>>;
    k.exp = apply<T, vec_exp<T>>;
    k.logistic = apply<T, vec_logistic<T>>;
    return k;
}

}  // namespace

namespace reservoirs {
extern const Kernels<float> RSV_TABLE(float_kernels);
extern const Kernels<double> RSV_TABLE(double_kernels);
const Kernels<float> RSV_TABLE(float_kernels) = make_table<float>();
const Kernels<double> RSV_TABLE(double_kernels) = make_table<double>();
}  // namespace reservoirs
