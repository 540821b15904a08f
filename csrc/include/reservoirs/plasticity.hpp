// Rules that change a liquid while it runs: its weights, its thresholds, a
// current of their own. A list of rules acts in its order at the end of every
// step, after the step's spikes were delivered by the weights of before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reservoirs/aligned.hpp"
#include "reservoirs/synapses.hpp"

namespace reservoirs {

// Kinds of sources. Those of units are split by sign, which no rule changes.
enum SourceKind { kExcitatory, kInhibitory, kInput };
constexpr int kSourceKinds = 3;

// Which synapses a rule changes: by kind of source, onto excitatory (0) and
// inhibitory (1) targets.
struct Blocks {
    bool onto[kSourceKinds][2] = {};

    bool any(int kind) const { return onto[kind][0] || onto[kind][1]; }
    bool any() const { return any(kExcitatory) || any(kInhibitory) || any(kInput); }
    bool all(int kind) const { return onto[kind][0] && onto[kind][1]; }
};

// A synapse's place and its source.
struct Entering {
    std::uint32_t synapse;
    std::uint32_t source;
};

// Synapses by target: those of unit i are [start[i], start[i + 1]).
struct Incoming {
    std::vector<std::int64_t> start;
    std::vector<Entering> synapses;  // empty unless a rule needs them
};

// What rules have to know of a liquid; it does not change.
template <class T>
struct Wiring {
    // excitatory: by unit. columns: the kinds of sources whose synapses have to
    // be found by target.
    Wiring(const Synapses<T>& recurrent_synapses, const Synapses<T>& input_synapses, RingShape ring,
           std::int64_t n_padded, std::vector<char> is_excitatory, const bool* columns);

    std::int64_t n_units() const { return recurrent.n_sources(); }
    std::int64_t n_inputs() const { return input.n_sources(); }
    const Synapses<T>& synapses(int kind) const { return kind == kInput ? input : recurrent; }
    std::uint32_t offset(int kind, std::uint32_t source) const {
        return kind == kInput ? 0 : recurrent.channel_offset(source);
    }

    const Synapses<T>& recurrent;
    const Synapses<T>& input;
    RingShape shape;
    std::int64_t padded;
    std::vector<char> excitatory;
    Incoming incoming[kSourceKinds];
};

// What rules change, of one presentation.
template <class T>
struct Plastic {
    Aligned<T> recurrent;
    Aligned<T> input;
    std::vector<char> touched[2];  // sources whose weights may have changed: units, inputs
    Aligned<T> raised;             // thresholds by so much; empty: no rule does
    Aligned<T> current;            // into all units at the next step; empty: no rule does

    Aligned<T>& weights(int kind) { return kind == kInput ? input : recurrent; }
    std::vector<char>& touched_of(int kind) { return touched[kind == kInput]; }
};

// The spikes of a step.
struct Step {
    std::vector<std::uint32_t> units;  // ascending
    std::vector<std::uint32_t> inputs;
    std::vector<char> unit_spiked;
    std::vector<char> input_spiked;

    const std::vector<char>& spiked(int kind) const { return kind == kInput ? input_spiked : unit_spiked; }
};

// A rule at work on one presentation after another.
template <class T>
class Learner {
public:
    virtual ~Learner() = default;

    // Begins a presentation; what is learned slowly and traces begin anew, unless
    // they go on.
    virtual void begin(bool go_on, Plastic<T>& plastic) = 0;

    // The units of a step have fired.
    virtual void begin_step(const Step& /*step*/) {}

    // The first rule of a list may deliver spikes of a kind of sources and change
    // their weights in one go.
    virtual bool delivers(int /*kind*/) const { return false; }
    virtual void deliver(int /*kind*/, const Spiking<T>& /*spikes*/, const Arrivals<T>& /*to*/, Plastic<T>&) {}

    // What is left to do at the end of a step.
    virtual void end_step(const Step& step, Plastic<T>& plastic) = 0;

    // What there is to see of it: named numbers, of every step or of the last.
    virtual std::vector<std::pair<std::string, std::vector<T>>> record() const { return {}; }
};

// A rule: what does not change while it works.
template <class T>
class Rule {
public:
    virtual ~Rule() = default;
    // Whether synapses from such sources have to be found by their targets.
    virtual bool needs_columns(int /*kind*/, bool /*is_first*/) const { return false; }
    // Throws std::invalid_argument for what does not fit the liquid. is_first: of
    // the list.
    virtual std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                                bool is_first) const = 0;
};

template <class T>
using Rules = std::vector<std::shared_ptr<const Rule<T>>>;

// A list of rules, and what they change.
template <class T>
class Learning {
public:
    Learning(std::shared_ptr<const Wiring<T>> wiring, const Rules<T>& rules);

    // Weights and all that rules keep are those of the liquid, or go on.
    void begin(bool go_on);

    // A step, in this order. Factors scale deliveries; null for ones.
    void spike_units(const std::uint32_t* units, std::int64_t n, const T* factors, const Arrivals<T>& to);
    void spike_inputs(const std::uint32_t* inputs, std::int64_t n, const T* factors, const Arrivals<T>& to);
    void end_step();

    const Plastic<T>& plastic() const { return plastic_; }
    const std::vector<std::unique_ptr<Learner<T>>>& learners() const { return learners_; }

private:
    void restore(int kind);
    void deliver(int kind, const Spiking<T>& spikes, const Arrivals<T>& to);

    std::shared_ptr<const Wiring<T>> wiring_;
    Plastic<T> plastic_;
    Step step_;
    std::vector<std::unique_ptr<Learner<T>>> learners_;
};

}  // namespace reservoirs
