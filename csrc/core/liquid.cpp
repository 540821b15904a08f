#include "reservoirs/liquid.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "table.hpp"

namespace reservoirs {

namespace {

// Whole vectors of the widest level.
constexpr std::int64_t kUnitsPadding = 16;
constexpr std::int64_t kLargestRing = std::int64_t{1} << 31;
// What a nearest-spike kernel has left after so long is lost in 1 - left, whatever the precision.
constexpr double kNegligible = 0x1.0p-60;
template <class T>
constexpr T kZero = 0;
constexpr std::size_t kLongestRenewal = std::size_t{1} << 20;

std::int64_t power_of_two_from(std::int64_t n) {
    std::int64_t power = 1;
    while (power < n) power *= 2;
    return power;
}

template <class T>
Aligned<T> padded_with(T fill, const T* values, std::int64_t n, std::int64_t padded) {
    Aligned<T> all(static_cast<std::size_t>(values == nullptr ? 0 : padded), fill);
    if (values != nullptr) std::copy_n(values, n, all.data());
    return all;
}

template <class T>
std::vector<T> renewal_of(const T* decay, std::int64_t n_units) {
    for (std::int64_t i = 1; i < n_units; ++i) {
        if (decay[i] != decay[0]) throw std::invalid_argument("nearest-spike kernels need one decay a channel");
    }
    std::vector<T> added{T(0)};
    for (double left = decay[0]; left > kNegligible && added.size() < kLongestRenewal; left *= decay[0]) {
        added.push_back(static_cast<T>(1.0 - left));
    }
    return added;
}

template <class T>
const LiquidSpec<T>& checked(const LiquidSpec<T>& spec) {
    if (spec.n_units < 1 || spec.recurrent.n_sources != spec.n_units) {
        throw std::invalid_argument("a liquid needs units, and recurrent synapses grouped by them");
    }
    if (spec.nearest && spec.recurrent.utilisation != nullptr) {
        throw std::invalid_argument("nearest-spike kernels and short-term plasticity exclude each other");
    }
    if (spec.narrow && spec.recurrent.utilisation != nullptr) {
        throw std::invalid_argument("narrow weights and short-term plasticity exclude each other");
    }
    for (std::int64_t j = 0; spec.recurrent.source_channel != nullptr && j < spec.n_units; ++j) {
        if (spec.recurrent.source_channel[j] >= spec.n_channels) {
            throw std::invalid_argument("source_channel names a channel that is not there");
        }
    }
    return spec;
}

}  // namespace

template <class T>
Liquid<T>::Parameter::Parameter(const T* values, std::int64_t n_units, std::int64_t padded, bool may_share, T fill)
    : shared_(may_share && std::all_of(values, values + n_units, [values](T value) { return value == values[0]; })) {
    if (shared_) {
        values_.assign(static_cast<std::size_t>(kUnitsPadding), values[0]);
    } else {
        values_ = padded_with(fill, values, n_units, padded);
    }
}

template <class T>
PerUnit<T> Liquid<T>::Parameter::view() const {
    return {values_.data(), shared_ ? 0 : 1};
}

template <class T>
Liquid<T>::Liquid(const LiquidSpec<T>& spec)
    : n_units_(checked(spec).n_units),
      padded_((spec.n_units + kUnitsPadding - 1) / kUnitsPadding * kUnitsPadding),
      model_(spec.model),
      soft_reset_(spec.soft_reset),
      hold_(spec.hold),
      adaptive_(spec.adaptive),
      kind_(spec.kind),
      n_channels_(spec.n_channels),
      input_refractory_(spec.input_refractory),
      slot_stride_(power_of_two_from(padded_ * spec.n_channels)),
      n_steps_ahead_(power_of_two_from(longest_delay(spec.recurrent))),
      v_init_(padded_with(T(0), spec.v_init, n_units_, padded_)),
      u_init_(padded_with(T(0), spec.u_init, n_units_, padded_)),
      nothing_(&kZero<T>, 1, padded_, true, T(0)),
      source_channel_(static_cast<std::size_t>(n_units_), 0),
      recurrent_("recurrent", spec.recurrent, n_units_, {padded_, slot_stride_}, spec.narrow),
      input_("input", spec.input, n_units_, {padded_, slot_stride_}, spec.narrow) {
    if (slot_stride_ * n_steps_ahead_ > kLargestRing) {
        throw std::invalid_argument("so many units with delays of so many steps need too much memory");
    }
    const auto rows_of = [this](const T* values, int n, bool may_share = true, int unreachable = -1) {
        std::vector<Parameter> rows;
        for (int r = 0; values != nullptr && r < n; ++r) {
            const T fill = r == unreachable ? std::numeric_limits<T>::infinity() : T(0);
            rows.emplace_back(values + r * n_units_, n_units_, padded_, may_share, fill);
        }
        return rows;
    };
    // What fills up the last vector never spikes: as a LIF neuron it is blocked for good, as one of Izhikevich's it has
    // no dynamics and no peak that it could reach.
    if (model_ == NeuronModel::lif) {
        parameters_ = rows_of(spec.parameters, kLifRows);
    } else {
        parameters_ = rows_of(spec.parameters, kIzhikevichRows, n_units_ == padded_, kIzhPeak);
    }
    decay_ = rows_of(spec.decay, n_channels_);
    rise_ = rows_of(spec.rise, n_channels_);
    norm_ = rows_of(spec.norm, n_channels_);
    if (spec.recurrent.source_channel != nullptr) {
        source_channel_.assign(spec.recurrent.source_channel, spec.recurrent.source_channel + n_units_);
    }
    for (int c = 0; spec.nearest && c < n_channels_; ++c) {
        renewal_.push_back(renewal_of(spec.decay + c * n_units_, n_units_));
    }
}

template class Liquid<float>;
template class Liquid<double>;

}  // namespace reservoirs
