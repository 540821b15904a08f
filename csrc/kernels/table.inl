// The body of one level: every kernel, compiled with the including file's instruction set, and the table of them.
// Everything but the tables has internal linkage, so that code for a newer processor can never be linked in for all.

#include <type_traits>
#include <utility>

#include "table.hpp"

// The order matters: each uses those before it.
// clang-format off
#include "vec.inl"
#include "math.inl"
#include "step.inl"
#include "inhibition.inl"
#include "lanes.inl"
#include "hadamard.inl"
#include "circulant.inl"
#include "readout.inl"
#include "online.inl"
#include "gram.inl"
#include "liquid.inl"
#include "delivery.inl"
#include "scattered.inl"
// clang-format on

namespace {

using reservoirs::AddressForm;
using reservoirs::Kernels;
using reservoirs::kNarrowLaneBytes;
using reservoirs::kWideLaneBytes;
using reservoirs::SynapseKind;
using reservoirs::WeightForm;

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

template <class T, Activation kind, Storage storage>
constexpr void add_steps_of(Kernels<T>& k) {
    constexpr int f = static_cast<int>(kind), s = static_cast<int>(storage);
    k.sparse16_step[0][s][f] = step_blocks<T, kind, ScatteredLinks<T, std::uint16_t, storage, false>>;
    k.sparse16_step[1][s][f] = step_blocks<T, kind, ScatteredLinks<T, std::uint16_t, storage, kGathers>>;
    k.sparse32_step[0][s][f] = step_blocks<T, kind, ScatteredLinks<T, std::uint32_t, storage, false>>;
    k.sparse32_step[1][s][f] = step_blocks<T, kind, ScatteredLinks<T, std::uint32_t, storage, kGathers>>;
    k.consecutive16_step[s][f] = step_blocks<T, kind, ConsecutiveLinks<T, std::uint16_t, storage>>;
    k.consecutive32_step[s][f] = step_blocks<T, kind, ConsecutiveLinks<T, std::uint32_t, storage>>;
    k.dense_step[s][f] = step_blocks<T, kind, AllLinks<T, storage>>;
    k.widen[s] = widen<T, storage>;
}

template <class T, Activation kind>
constexpr void add_steps(Kernels<T>& k) {
    constexpr int f = static_cast<int>(kind);
    k.activate[f] = apply<T, activate<T, kind>>;
    k.hadamard_step[f] = hadamard_step<T, kind>;
    k.circulant_step[f] = circulant_step<T, kind>;
    add_steps_of<T, kind, Storage::own>(k);
    add_steps_of<T, kind, Storage::bfloat16>(k);
    add_steps_of<T, kind, Storage::int8>(k);
    k.sparse16_step_lanes[0][f] = sparse_step_lanes<T, kind, std::uint16_t, kNarrowLaneBytes>;
    k.sparse16_step_lanes[1][f] = sparse_step_lanes<T, kind, std::uint16_t, kWideLaneBytes>;
    k.sparse32_step_lanes[0][f] = sparse_step_lanes<T, kind, std::uint32_t, kNarrowLaneBytes>;
    k.sparse32_step_lanes[1][f] = sparse_step_lanes<T, kind, std::uint32_t, kWideLaneBytes>;
    k.dense_step_lanes[0][f] = dense_step_lanes<T, kind, kNarrowLaneBytes>;
    k.dense_step_lanes[1][f] = dense_step_lanes<T, kind, kWideLaneBytes>;
}

template <class T, AddressForm form>
constexpr void add_deliveries(Kernels<T>& k) {
    constexpr int a = static_cast<int>(form);
    constexpr int plain = static_cast<int>(WeightForm::plain);
    constexpr int scaled = static_cast<int>(WeightForm::scaled);
    constexpr int narrow = static_cast<int>(WeightForm::narrow);
    k.deliver[0][a][plain] = k.deliver[1][a][plain] = deliver<T, form, WeightForm::plain>;
    k.deliver[0][a][scaled] = k.deliver[1][a][scaled] = deliver<T, form, WeightForm::scaled>;
    k.deliver[0][a][narrow] = k.deliver[1][a][narrow] = deliver<T, form, WeightForm::narrow>;
    k.deliver_dynamic[a] = deliver_dynamic<T, form>;
    k.plastic_rows[0][a] = k.plastic_rows[1][a] = plastic_rows<T, form>;
#if defined(RSV_SCATTERS)
    k.deliver[1][a][plain] = scattered_deliver<T, form, WeightForm::plain>;
    k.deliver[1][a][scaled] = scattered_deliver<T, form, WeightForm::scaled>;
    k.deliver[1][a][narrow] = scattered_deliver<T, form, WeightForm::narrow>;
    k.plastic_rows[1][a] = scattered_plastic_rows<T, form>;
#endif
}

template <class T, SynapseKind kind>
constexpr void add_currents(Kernels<T>& k) {
    constexpr int c = static_cast<int>(kind);
    k.currents[c] = currents<T, kind>;
    k.integrate_lif[c][0] = integrate_lif<T, kind, false>;
    k.integrate_lif[c][1] = integrate_lif<T, kind, true>;
    k.integrate_and_fire[c][0][0] = integrate_and_fire<T, kind, false, false>;
    k.integrate_and_fire[c][0][1] = integrate_and_fire<T, kind, false, true>;
    k.integrate_and_fire[c][1][0] = integrate_and_fire<T, kind, true, false>;
    k.integrate_and_fire[c][1][1] = integrate_and_fire<T, kind, true, true>;
    k.integrate_izhikevich[c] = integrate_izhikevich<T, kind>;
}

template <class T>
constexpr void add_liquid(Kernels<T>& k) {
    k.fire_lif[0][0] = fire_lif<T, false, false>;
    k.fire_lif[0][1] = fire_lif<T, false, true>;
    k.fire_lif[1][0] = fire_lif<T, true, false>;
    k.fire_lif[1][1] = fire_lif<T, true, true>;
    k.fire_izhikevich = fire_izhikevich<T>;
    add_currents<T, SynapseKind::delta>(k);
    add_currents<T, SynapseKind::exponential>(k);
    add_currents<T, SynapseKind::double_exponential>(k);
    add_deliveries<T, AddressForm::word>(k);
    add_deliveries<T, AddressForm::wide>(k);
    add_deliveries<T, AddressForm::ring>(k);
    k.multiply = multiply<T>;
    k.draw_events = draw_events;
}

template <class T>
constexpr Kernels<T> make_table() {
    Kernels<T> k{};
    add_steps<T, Activation::tanh>(k);
    add_steps<T, Activation::relu>(k);
    add_steps<T, Activation::logistic>(k);
    add_steps<T, Activation::identity>(k);
    k.unpack_lanes[0] = unpack_lanes<T, kNarrowLaneBytes>;
    k.unpack_lanes[1] = unpack_lanes<T, kWideLaneBytes>;
    k.stream_row = stream_row<T>;
    k.learn_inhibition = learn_inhibition<T>;
    k.readout = readout<T>;
    k.dot = dot<T>;
    k.add_scaled = add_scaled<T>;
    k.pack_panel = pack_panel<T>;
    k.add_panel_products = add_panel_products;
    k.sum_of_squares = sum_of_squares<T>;
    k.update_factor = update_factor<T, false>;
    k.update_factor_of_unit = update_factor<T, true>;
    k.product = product<T>;
    k.exp = apply<T, vec_exp<T>>;
    k.log = apply<T, vec_log<T>>;
    add_liquid<T>(k);
    return k;
}

}  // namespace

namespace reservoirs {
extern const Kernels<float> RSV_TABLE(float_kernels);
extern const Kernels<double> RSV_TABLE(double_kernels);
const Kernels<float> RSV_TABLE(float_kernels) = make_table<float>();
const Kernels<double> RSV_TABLE(double_kernels) = make_table<double>();
}  // namespace reservoirs
