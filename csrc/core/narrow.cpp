// Recurrent weights in 16 or 8 bits. A network takes such a form where it holds every weight exactly, so that whoever
// wants narrow weights rounds them, and all else, from streams to files, sees an ordinary matrix.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reservoirs/network.hpp"
#include "table.hpp"

namespace reservoirs {

namespace {

constexpr int kLargestInteger = 127;

template <class T>
bool to_bfloat16(const Aligned<T>& weights, Aligned<std::uint16_t>& halves) {
    halves.assign(weights.size(), 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const auto x = static_cast<float>(weights[i]);
        std::uint32_t bits;
        std::memcpy(&bits, &x, sizeof bits);
        if ((bits & 0xFFFF) != 0 || static_cast<T>(x) != weights[i]) return false;
        halves[i] = static_cast<std::uint16_t>(bits >> 16);
    }
    return true;
}

// The largest weight of every row is 127 times its scale.
template <class T>
bool to_int8(const Aligned<T>& weights, const std::vector<std::int64_t>& block_start, Aligned<T>& scales,
             Aligned<std::int8_t>& integers) {
    integers.assign(weights.size(), 0);
    scales.assign((block_start.size() - 1) * kBlockRows, T(0));
    for (std::size_t block = 0; block + 1 < block_start.size(); ++block) {
        const auto first = static_cast<std::size_t>(block_start[block] * kBlockRows);
        const auto last = static_cast<std::size_t>(block_start[block + 1] * kBlockRows);
        T* scale = scales.data() + block * kBlockRows;
        for (std::size_t i = first; i < last; ++i) {
            T& largest = scale[i % kBlockRows];
            largest = std::max(largest, std::abs(weights[i]));
        }
        for (int r = 0; r < kBlockRows; ++r) scale[r] = scale[r] / kLargestInteger;
        for (std::size_t i = first; i < last; ++i) {
            if (weights[i] == 0) continue;
            const T quotient = std::round(weights[i] / scale[i % kBlockRows]);
            // Whatever is not finite does not fit either.
            if (!(std::abs(quotient) <= kLargestInteger)) return false;
            if (quotient * scale[i % kBlockRows] != weights[i]) return false;
            integers[i] = static_cast<std::int8_t>(quotient);
        }
    }
    return true;
}

}  // namespace

template <class T>
void Network<T>::narrow(Packed& packed) {
    if (to_int8(packed.weights, packed.block_start, packed.scales, packed.weights8)) {
        packed.storage = Storage::int8;
    } else if (to_bfloat16(packed.weights, packed.weights16)) {
        packed.storage = Storage::bfloat16;
    }
    if (packed.storage != Storage::own) packed.weights = {};
    if (packed.storage != Storage::bfloat16) packed.weights16 = {};
    if (packed.storage != Storage::int8) packed.weights8 = {}, packed.scales = {};
}

template <class T>
void Network<T>::widen(Packed& packed) const {
    if (packed.storage == Storage::own) return;
    const StageStep<T> a = stage_step(packed, -1);
    packed.weights.resize(static_cast<std::size_t>(packed.block_start.back() * kBlockRows));
    for (std::size_t block = 0; block + 1 < packed.block_start.size(); ++block) {
        const std::int64_t first = packed.block_start[block];
        kernels<T>().widen[static_cast<int>(packed.storage)](a, static_cast<std::int64_t>(block), first,
                                                             packed.block_start[block + 1],
                                                             packed.weights.data() + first * kBlockRows);
    }
    packed.storage = Storage::own;
    packed.weights16 = {};
    packed.weights8 = {};
    packed.scales = {};
}

template void Network<float>::narrow(Packed&);
template void Network<double>::narrow(Packed&);
template void Network<float>::widen(Packed&) const;
template void Network<double>::widen(Packed&) const;

}  // namespace reservoirs
