#include "reservoirs/stdp.hpp"

#include <algorithm>

namespace reservoirs {

namespace {

// Steps of the past that are kept to be replayed: so many cost little memory, and settling them little time.
constexpr std::int32_t kReplayedSteps = 2048;

}  // namespace

template <class T>
StdpState<T>::StdpState(const StdpRule<T>& rule, const Synapses<T>& recurrent, const Synapses<T>& input,
                        RingShape shape)
    : rule_(rule), shape_(shape) {
    const auto of = [](const Synapses<T>& synapses, T lowest) {
        const auto n = static_cast<std::size_t>(synapses.n_sources());
        Sources sources;
        sources.synapses = &synapses;
        sources.weights = synapses.weights();
        sources.touched.assign(n, 0);
        sources.lowest = lowest;
        return sources;
    };
    recurrent_ = of(recurrent, T(0));
    input_ = of(input, -rule.w_max);
    const auto n_units = static_cast<std::size_t>(recurrent.n_sources());
    incoming_start_.assign(n_units + 1, 0);
    const auto each_inhibitory = [&](const auto& use) {
        for (std::uint32_t j = 0; j < n_units; ++j) {
            if (rule_.excitatory[j]) continue;
            for (std::int64_t k = recurrent.begin(j); k < recurrent.begin(j + 1); ++k) {
                use(j, k, recurrent.unit(j, k, shape_));
            }
        }
    };
    each_inhibitory([&](std::uint32_t, std::int64_t, std::uint32_t unit) { ++incoming_start_[unit + 1]; });
    for (std::size_t i = 0; i < n_units; ++i) incoming_start_[i + 1] += incoming_start_[i];
    incoming_.resize(static_cast<std::size_t>(incoming_start_.back()));
    std::vector<std::int64_t> next(incoming_start_.begin(), incoming_start_.end() - 1);
    each_inhibitory([&](std::uint32_t j, std::int64_t k, std::uint32_t unit) {
        incoming_[static_cast<std::size_t>(next[unit]++)] = {k, j};
    });
    begin(false);
}

template <class T>
void StdpState<T>::begin(bool go_on) {
    if (!go_on) {
        restore(recurrent_);
        restore(input_);
        restart(recurrent_);
        restart(input_);
        fired_.assign(rule_.excitatory.size(), kNever);
        forget_past();
    }
    depression_.clear();
    a_plus_ = rule_.a_plus;
    a_minus_ = rule_.a_minus;
    drive_units_ = rule_.astro_units;
    drive_inputs_ = rule_.astro_inputs;
    bias_ = rule_.astro_bias;
}

// Makes this step 0. What was before must have been replayed.
template <class T>
void StdpState<T>::forget_past() {
    clock_ = 0;
    std::fill(fired_.begin(), fired_.end(), kNever);
    latest_.assign(rule_.excitatory.size(), kNever);
    log_.clear();
    potentiation_.clear();
}

template <class T>
void StdpState<T>::restart(Sources& of) {
    of.last.assign(of.touched.size(), kNever);
    of.trace_after_last.assign(of.touched.size(), T(0));
    of.trace.assign(of.touched.size(), T(0));
}

template <class T>
void StdpState<T>::restore(Sources& of) {
    const Aligned<T>& original = of.synapses->weights();
    for (std::uint32_t j = 0; j < of.touched.size(); ++j) {
        if (!of.touched[j]) continue;
        std::copy(original.begin() + of.synapses->begin(j), original.begin() + of.synapses->begin(j + 1),
                  of.weights.begin() + of.synapses->begin(j));
        of.touched[j] = 0;
    }
}

// growth_[m]: what a spike of the target m + 1 steps after the source's last spike adds.
template <class T>
void StdpState<T>::prepare(const Sources& of, std::uint32_t j) {
    growth_.clear();
    if (of.last[j] == kNever) return;
    T trace = of.trace_after_last[j];
    for (std::int32_t t = of.last[j] + 1; t < clock_; ++t) {
        growth_.push_back(potentiation_[static_cast<std::size_t>(t)] * trace);
        trace *= rule_.trace_decay;
    }
}

template <class T>
T StdpState<T>::replayed(T w, std::uint32_t unit, std::int32_t since) {
    // The log leads back in time, and rounding asks for the order of time.
    replay_.clear();
    for (std::int32_t at = latest_[unit]; at != kNever; at = log_[static_cast<std::size_t>(at)].before) {
        const std::int32_t step = log_[static_cast<std::size_t>(at)].step;
        if (step <= since) break;
        replay_.push_back(step - since - 1);
    }
    if (replay_.empty()) return w;
    for (auto after = replay_.rbegin(); after != replay_.rend(); ++after)
        w += growth_[static_cast<std::size_t>(*after)];
    return std::min(w, rule_.w_max);
}

template <class T>
template <class Address>
void StdpState<T>::visit(Sources& of, std::uint32_t j, T factor, const Address* addresses, std::uint32_t offset,
                         const Arrivals<T>& to) {
    const std::int32_t since = of.last[j];
    const T causal = a_plus_ * of.trace[j];
    const auto unit_mask = static_cast<std::uint32_t>(shape_.slot_stride - 1);
    const T* traces = recurrent_.trace.data();
    T* weights = of.weights.data();
    for (std::int64_t k = of.synapses->begin(j); k < of.synapses->begin(j + 1); ++k) {
        const std::uint32_t unit = (addresses[k] & unit_mask) - offset;
        T w = weights[k];
        // The log ends with the step before.
        if (since != kNever && latest_[unit] != kNever) w = replayed(w, unit, since);
        to.ring[(to.base + addresses[k]) & to.mask] += factor * w;
        const T grown = fired_[unit] == clock_ ? causal : T(0);
        w += grown - a_minus_ * traces[unit];
        weights[k] = std::min(std::max(w, of.lowest), rule_.w_max);
    }
}

template <class T>
template <class Address>
void StdpState<T>::visit_inhibitory(std::uint32_t j, T factor, const Address* addresses, std::uint32_t offset,
                                    const Arrivals<T>& to) {
    const T causal = a_minus_ * recurrent_.trace[j];
    const auto unit_mask = static_cast<std::uint32_t>(shape_.slot_stride - 1);
    const T* traces = recurrent_.trace.data();
    T* weights = recurrent_.weights.data();
    for (std::int64_t k = recurrent_.synapses->begin(j); k < recurrent_.synapses->begin(j + 1); ++k) {
        const std::uint32_t unit = (addresses[k] & unit_mask) - offset;
        to.ring[(to.base + addresses[k]) & to.mask] += factor * weights[k];
        const T sunk = fired_[unit] == clock_ ? causal : T(0);
        const T w = weights[k] + (a_plus_ * traces[unit] - sunk);
        weights[k] = std::min(std::max(w, -rule_.w_max), T(0));
    }
}

template <class T>
void StdpState<T>::spike_units(const std::uint32_t* units, std::int64_t n, const T* factors, const Arrivals<T>& to) {
    potentiation_.push_back(a_plus_);
    depression_.push_back(a_minus_);
    for (std::int64_t s = 0; s < n; ++s) fired_[units[s]] = clock_;
    for (std::int64_t s = 0; s < n; ++s) {
        const std::uint32_t j = units[s];
        const T factor = factors == nullptr ? T(1) : factors[s];
        const std::uint32_t offset = recurrent_.synapses->channel_offset(j);
        recurrent_.touched[j] = 1;
        prepare(recurrent_, j);
        recurrent_.synapses->with_addresses([&](const auto* addresses) {
            if (rule_.excitatory[j]) {
                visit(recurrent_, j, factor, addresses, offset, to);
            } else {
                visit_inhibitory(j, factor, addresses, offset, to);
            }
        });
    }
    strengthen_inhibition(units, n);
    unit_spikes_.assign(units, units + n);
}

template <class T>
void StdpState<T>::strengthen_inhibition(const std::uint32_t* units, std::int64_t n) {
    for (std::int64_t s = 0; s < n; ++s) {
        for (std::int64_t k = incoming_start_[units[s]]; k < incoming_start_[units[s] + 1]; ++k) {
            const Incoming& synapse = incoming_[static_cast<std::size_t>(k)];
            // A source that spikes as well has done so already.
            if (fired_[synapse.source] == clock_ || recurrent_.last[synapse.source] == kNever) continue;
            recurrent_.touched[synapse.source] = 1;
            T& weight = recurrent_.weights[static_cast<std::size_t>(synapse.synapse)];
            const T w = weight - a_minus_ * recurrent_.trace[synapse.source];
            weight = std::min(std::max(w, -rule_.w_max), T(0));
        }
    }
}

template <class T>
void StdpState<T>::spike_inputs(const std::uint32_t* inputs, std::int64_t n, const T* factors, const Arrivals<T>& to) {
    for (std::int64_t s = 0; s < n; ++s) {
        const std::uint32_t c = inputs[s];
        input_.touched[c] = 1;
        prepare(input_, c);
        input_.synapses->with_addresses(
            [&](const auto* addresses) { visit(input_, c, factors == nullptr ? T(1) : factors[s], addresses, 0, to); });
    }
    input_spikes_.assign(inputs, inputs + n);
}

template <class T>
void StdpState<T>::note_spikes(Sources& of, const std::uint32_t* spikes, std::int64_t n) {
    for (std::int64_t s = 0; s < n; ++s) of.trace[spikes[s]] += rule_.trace_step;
    for (T& trace : of.trace) trace *= rule_.trace_decay;
    for (std::int64_t s = 0; s < n; ++s) {
        of.last[spikes[s]] = clock_;
        of.trace_after_last[spikes[s]] = of.trace[spikes[s]];
    }
}

template <class T>
void StdpState<T>::end_step() {
    const auto n_units = static_cast<std::int64_t>(unit_spikes_.size());
    const auto n_inputs = static_cast<std::int64_t>(input_spikes_.size());
    for (const std::uint32_t j : unit_spikes_) {
        log_.push_back({clock_, latest_[j]});
        latest_[j] = static_cast<std::int32_t>(log_.size()) - 1;
    }
    note_spikes(recurrent_, unit_spikes_.data(), n_units);
    note_spikes(input_, input_spikes_.data(), n_inputs);
    const auto sensed = [](const std::vector<std::uint32_t>& spikes, const std::vector<char>& senses) {
        if (senses.empty()) return static_cast<std::int64_t>(spikes.size());
        return static_cast<std::int64_t>(
            std::count_if(spikes.begin(), spikes.end(), [&](std::uint32_t j) { return senses[j] != 0; }));
    };
    const T drive = drive_units_ * static_cast<T>(sensed(unit_spikes_, rule_.senses_units)) -
                    drive_inputs_ * static_cast<T>(sensed(input_spikes_, rule_.senses_inputs)) + bias_;
    a_minus_ += rule_.astro_rate * (drive - a_minus_);
    for (T* value : {&a_plus_, &a_minus_, &drive_units_, &drive_inputs_, &bias_}) *value *= rule_.fade;
    // The past must not grow without end.
    if (++clock_ == kReplayedSteps) settle();
}

template <class T>
void StdpState<T>::settle(Sources& of) {
    const auto unit_mask = static_cast<std::uint32_t>(shape_.slot_stride - 1);
    for (std::uint32_t j = 0; j < of.last.size(); ++j) {
        if (of.last[j] == kNever) continue;
        if (&of == &input_ || rule_.excitatory[j]) {
            prepare(of, j);
            const std::uint32_t offset = &of == &recurrent_ ? of.synapses->channel_offset(j) : 0;
            of.synapses->with_addresses([&](const auto* addresses) {
                for (std::int64_t k = of.synapses->begin(j); k < of.synapses->begin(j + 1); ++k) {
                    T& w = of.weights[static_cast<std::size_t>(k)];
                    w = replayed(w, (addresses[k] & unit_mask) - offset, of.last[j]);
                }
            });
        }
        of.last[j] = kBefore;
        of.trace_after_last[j] = of.trace[j];
    }
}

template <class T>
void StdpState<T>::settle() {
    settle(recurrent_);
    settle(input_);
    forget_past();
}

template class StdpState<float>;
template class StdpState<double>;

}  // namespace reservoirs
