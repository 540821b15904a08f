// What all rules share: who is connected to whom, the spikes of a step, weights
// that are put back.

#include <algorithm>

#include "reservoirs/plasticity.hpp"

namespace reservoirs {

namespace {

template <class T>
Incoming by_target(const Wiring<T>& wiring, int kind, bool with_synapses) {
    const Synapses<T>& synapses = wiring.synapses(kind);
    const auto each = [&](const auto& use) {
        for (std::uint32_t j = 0; j < synapses.n_sources(); ++j) {
            if (kind != kInput && (wiring.excitatory[j] != 0) != (kind == kExcitatory)) continue;
            for (std::int64_t k = synapses.begin(j); k < synapses.begin(j + 1); ++k) {
                use(Entering{static_cast<std::uint32_t>(k), j}, synapses.unit(j, k, wiring.shape));
            }
        }
    };
    Incoming to;
    to.start.assign(static_cast<std::size_t>(wiring.n_units()) + 1, 0);
    each([&](Entering, std::uint32_t i) { ++to.start[i + 1]; });
    for (std::size_t i = 1; i < to.start.size(); ++i) to.start[i] += to.start[i - 1];
    if (!with_synapses) return to;
    to.synapses.resize(static_cast<std::size_t>(to.start.back()));
    std::vector<std::int64_t> next(to.start.begin(), to.start.end() - 1);
    each([&](Entering one, std::uint32_t i) { to.synapses[static_cast<std::size_t>(next[i]++)] = one; });
    return to;
}

void unmark(std::vector<char>& marks, const std::vector<std::uint32_t>& marked) {
    for (const std::uint32_t each : marked) marks[each] = 0;
}

}  // namespace

template <class T>
Wiring<T>::Wiring(const Synapses<T>& recurrent_synapses, const Synapses<T>& input_synapses, RingShape ring,
                  std::int64_t n_padded, std::vector<char> is_excitatory, const bool* columns)
    : recurrent(recurrent_synapses),
      input(input_synapses),
      shape(ring),
      padded(n_padded),
      excitatory(std::move(is_excitatory)) {
    for (int kind = 0; kind < kSourceKinds; ++kind) {
        incoming[kind] = by_target(*this, kind, columns[kind]);
    }
}

template <class T>
Learning<T>::Learning(std::shared_ptr<const Wiring<T>> wiring, const Rules<T>& rules) : wiring_(std::move(wiring)) {
    plastic_.recurrent = wiring_->recurrent.weights();
    plastic_.input = wiring_->input.weights();
    const auto n_units = static_cast<std::size_t>(wiring_->n_units());
    const auto n_inputs = static_cast<std::size_t>(wiring_->n_inputs());
    plastic_.touched[0].assign(n_units, 0);
    plastic_.touched[1].assign(n_inputs, 0);
    step_.unit_spiked.assign(n_units, 0);
    step_.input_spiked.assign(n_inputs, 0);
    for (const auto& rule : rules) learners_.push_back(rule->learner(wiring_, plastic_, learners_.empty()));
    begin(false);
}

template <class T>
void Learning<T>::begin(bool go_on) {
    unmark(step_.unit_spiked, step_.units);
    unmark(step_.input_spiked, step_.inputs);
    step_.units.clear();
    step_.inputs.clear();
    if (!go_on) {
        restore(kExcitatory);
        restore(kInput);
        std::fill(plastic_.raised.begin(), plastic_.raised.end(), T(0));
    }
    std::fill(plastic_.current.begin(), plastic_.current.end(), T(0));
    for (const auto& learner : learners_) learner->begin(go_on, plastic_);
}

template <class T>
void Learning<T>::restore(int kind) {
    const Synapses<T>& synapses = wiring_->synapses(kind);
    const Aligned<T>& original = synapses.weights();
    std::vector<char>& touched = plastic_.touched_of(kind);
    for (std::uint32_t j = 0; j < touched.size(); ++j) {
        if (!touched[j]) continue;
        std::copy(original.begin() + synapses.begin(j), original.begin() + synapses.begin(j + 1),
                  plastic_.weights(kind).begin() + synapses.begin(j));
        touched[j] = 0;
    }
}

template <class T>
void Learning<T>::deliver(int kind, const Spiking<T>& spikes, const Arrivals<T>& to) {
    if (!learners_.empty() && learners_.front()->delivers(kind)) {
        learners_.front()->deliver(kind, spikes, to, plastic_);
    } else {
        wiring_->synapses(kind).deliver(spikes, plastic_.weights(kind).data(), to);
    }
}

template <class T>
void Learning<T>::spike_units(const std::uint32_t* units, std::int64_t n, const T* factors, const Arrivals<T>& to) {
    unmark(step_.unit_spiked, step_.units);
    step_.units.assign(units, units + n);
    for (const std::uint32_t j : step_.units) step_.unit_spiked[j] = 1;
    for (const auto& learner : learners_) learner->begin_step(step_);
    // In their order, which the sums of arrivals keep: runs of one kind.
    for (std::int64_t first = 0, last = 0; first < n; first = last) {
        const bool is_excitatory = wiring_->excitatory[units[first]] != 0;
        while (last < n && (wiring_->excitatory[units[last]] != 0) == is_excitatory) ++last;
        deliver(is_excitatory ? kExcitatory : kInhibitory,
                {units + first, last - first, factors == nullptr ? nullptr : factors + first}, to);
    }
}

template <class T>
void Learning<T>::spike_inputs(const std::uint32_t* inputs, std::int64_t n, const T* factors, const Arrivals<T>& to) {
    unmark(step_.input_spiked, step_.inputs);
    step_.inputs.assign(inputs, inputs + n);
    for (const std::uint32_t c : step_.inputs) step_.input_spiked[c] = 1;
    deliver(kInput, {inputs, n, factors}, to);
}

template <class T>
void Learning<T>::end_step() {
    std::fill(plastic_.current.begin(), plastic_.current.end(), T(0));
    for (const auto& learner : learners_) learner->end_step(step_, plastic_);
}

template struct Wiring<float>;
template struct Wiring<double>;
template class Learning<float>;
template class Learning<double>;

}  // namespace reservoirs
