// A liquid: recurrent spiking neurons, compiled for event-driven stepping. Work a step is a few vector passes over the
// units, plus the synapses of those units and inputs that spiked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "reservoirs/aligned.hpp"
#include "reservoirs/plasticity.hpp"
#include "reservoirs/synapses.hpp"

namespace reservoirs {

enum class NeuronModel { lif, izhikevich };
enum class SynapseKind;
template <class T>
struct PerUnit;

// Rows of LiquidSpec::parameters. LIF: v <- decay v + gain I + drift.
enum LifRow {
    kLifDecay,
    kLifGain,
    kLifDrift,
    kLifThresh,
    kLifReset,
    kLifRefractory,
    kLifFloor,
    kLifAdaptDecay,
    kLifAdaptStep,
    kLifRows
};
// Izhikevich, scaled by the half step: v <- v + q2 v v + q1 v + q0 + k (I - u), twice; u <- u + uab v - ua u + uc.
enum IzhikevichRow { kIzhQ2, kIzhQ1, kIzhQ0, kIzhK, kIzhUab, kIzhUa, kIzhUc, kIzhPeak, kIzhC, kIzhD, kIzhikevichRows };

template <class T>
struct LiquidSpec {
    std::int64_t n_units = 0;
    NeuronModel model = NeuronModel::lif;
    bool soft_reset = false;
    bool hold = false;  // the potential stands still while refractory
    bool adaptive = false;
    const T* parameters = nullptr;  // [row][unit]
    const T* v_init = nullptr;
    const T* u_init = nullptr;  // Izhikevich only
    SynapseKind kind{};
    int n_channels = 1;
    const T* decay = nullptr;  // [channel][unit]
    const T* rise = nullptr;
    const T* norm = nullptr;
    bool nearest = false;  // a spike resets its source's kernel instead of adding to it
    SynapseSpec<T> recurrent;
    SynapseSpec<T> input;
    // Inputs relay events as neurons that one event fires, blocked for so many steps; -1: events are spikes at once.
    int input_refractory = -1;
    bool narrow = false;  // weights as 8-bit integers times one factor a source
};

template <class T>
class Liquid {
public:
    // Copies what it needs. Throws std::invalid_argument for what would not be safe to run.
    explicit Liquid(const LiquidSpec<T>& spec);

    std::int64_t n_units() const { return n_units_; }
    std::int64_t n_inputs() const { return input_.n_sources(); }
    std::int64_t n_synapses() const { return recurrent_.size() + input_.size(); }
    std::int64_t nbytes() const { return recurrent_.nbytes() + input_.nbytes(); }

private:
    template <class>
    friend class LiquidBatch;

    PerUnit<T> row(int which) const { return parameters_[static_cast<std::size_t>(which)].view(); }

    // A parameter of all units, kept once where it is the same.
    class Parameter {
    public:
        // What fills it up to whole vectors, unless it is shared, is `fill`.
        Parameter(const T* values, std::int64_t n_units, std::int64_t padded, bool may_share, T fill);
        PerUnit<T> view() const;

    private:
        Aligned<T> values_;
        bool shared_;
    };

    std::int64_t n_units_;
    std::int64_t padded_;  // units and, up to whole vectors, some that never spike
    NeuronModel model_;
    bool soft_reset_;
    bool hold_;
    bool adaptive_;
    SynapseKind kind_;
    int n_channels_;
    int input_refractory_;
    std::int64_t slot_stride_;    // a power of two
    std::int64_t n_steps_ahead_;  // the ring of future steps, a power of two
    std::vector<Parameter> parameters_;
    Aligned<T> v_init_;
    Aligned<T> u_init_;
    std::vector<Parameter> decay_;  // by channel
    std::vector<Parameter> rise_;
    std::vector<Parameter> norm_;
    Parameter nothing_;
    // Nearest-spike kernels: what a spike adds n steps after the one before, by channel; 1 past the end.
    std::vector<std::vector<T>> renewal_;
    std::vector<std::uint8_t> source_channel_;
    Synapses<T> recurrent_;
    Synapses<T> input_;
};

// Readings of a slot after a step.
struct SampleTime {
    std::int64_t slot;
    std::int64_t step;
};

template <class T>
struct Samples {
    std::vector<SampleTime> when;  // in ascending order
    T* counts = nullptr;           // [sample][unit]: spikes since the sample before
    T* traces = nullptr;           // [sample][unit]: exponentially filtered spikes
    T* potentials = nullptr;       // [sample][unit]
};

struct RecordedSpike {
    std::int32_t step;
    std::int32_t unit;
};

struct LiquidTotals {
    std::int64_t steps = 0;
    std::int64_t spikes = 0;
    std::int64_t input_spikes = 0;
    std::int64_t events = 0;  // spikes times the synapses they went through
};

// Presentations to one liquid, each in a slot of its own with all of its state. Slots run in parallel; what happens in
// one depends on nothing but its input.
template <class T>
class LiquidBatch {
public:
    // trace_decay: of the exponentially filtered spikes, a step; 0 for none. recorded: units whose spikes are kept.
    // watched: units whose potentials are kept.
    // rules: what changes while a slot runs; it begins as the liquid's, or as the slot's last presentation left it if
    // it is kept. excitatory: which units are, if there are rules.
    LiquidBatch(std::shared_ptr<const Liquid<T>> liquid, std::int64_t n_slots, T trace_decay, bool intervals,
                const std::vector<std::int32_t>& recorded, std::vector<std::int32_t> watched,
                const Rules<T>& rules = {}, std::vector<char> excitatory = {}, bool keep_learned = false);
    ~LiquidBatch();

    // Each begins one presentation a length, of which there are at most as many as slots; or, if it goes on, lengthens
    // those that were begun and are over by what it shows. They throw std::invalid_argument for input that does not
    // fit, and leave the batch as it was then.
    void begin_events(const std::vector<std::int64_t>& lengths, const std::int64_t* offsets, const std::int32_t* steps,
                      const std::int32_t* inputs, bool goes_on = false);
    // Bernoulli spikes with probabilities [slot][input] a step.
    void begin_rates(const std::vector<std::int64_t>& lengths, const double* probabilities, std::uint64_t seed,
                     bool goes_on = false);
    // Rows of numbers [row][input], those of one slot after another's: currents of so many steps each.
    void begin_currents(const std::vector<std::int64_t>& n_rows, const T* rows, std::int64_t steps_per_row,
                        bool goes_on = false);

    // Takes every presentation on by at most n_steps.
    void advance(std::int64_t n_steps, const Samples<T>& samples, int n_threads);

    struct View {
        std::int64_t length;
        std::int64_t steps_done;
        const std::int64_t* counts;  // [unit]
        const std::int64_t* first;   // step of the first and the last spike, -1 for none
        const std::int64_t* last;
        const T* sum_squares;  // of the intervals between spikes, in steps; only with intervals
        const std::vector<RecordedSpike>& recorded;
        const std::vector<T>& watched;  // [step][watched unit]
        const LiquidTotals& totals;
    };
    View view(std::int64_t slot) const;
    // Of every unit, the step of its first spike as a share of the length, 1 where there is none.
    void store_latency(std::int64_t slot, double* latency) const;
    // Mean of the intervals between its spikes as a share of the length, 1 without; then, after those of all units,
    // their coefficients of variation, 0 without.
    void store_intervals(std::int64_t slot, double* intervals) const;

    const Liquid<T>& liquid() const { return *liquid_; }
    std::int64_t n_slots() const { return static_cast<std::int64_t>(slots_.size()); }
    std::int64_t n_begun() const { return n_begun_; }
    std::int64_t n_watched() const { return static_cast<std::int64_t>(watched_.size()); }
    bool has_intervals() const { return intervals_; }
    bool has_traces() const { return trace_decay_ > 0; }

    // What a slot without rules has to remember when what it is shown goes on, the potentials first. What cannot be is
    // refused with std::invalid_argument, and changes nothing.
    std::int64_t n_state() const;
    void store(std::int64_t slot, double* state) const;
    void load(std::int64_t slot, const double* state);

    // What a slot has learned. Throws std::invalid_argument without learning.
    const Learning<T>& learned(std::int64_t slot) const;

    // Forgets the recorded spikes and watched potentials so far.
    void clear_kept();

private:
    struct Slot;
    struct SampleRange {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    template <auto plasticity>
    class Run;

    enum class Source { given, drawn, currents };
    // What the presentations show; which fields are used depends on the source.
    struct Shown {
        Source source = Source::given;
        std::vector<std::int64_t> offsets;  // of each presentation's events or rows
        std::vector<std::int32_t> steps;
        std::vector<std::int32_t> inputs;
        std::vector<double> probabilities;
        std::uint64_t seed = 0;
        std::vector<T> rows;
        std::int64_t steps_per_row = 1;
    };

    void begin(const std::vector<std::int64_t>& lengths, bool goes_on);
    void check(const std::vector<std::int64_t>& lengths, bool goes_on) const;
    void start(std::size_t slot) const;
    void clear(Slot& slot) const;
    void show(std::size_t slot) const;
    // Calls visit(values, n, least, most) for all arrays of a slot's state; bounds matter to integers, of which those
    // that are steps or counts are at most the last step.
    template <class Visit>
    void visit_state(Slot& slot, std::int64_t last_step, const Visit& visit) const;

    std::shared_ptr<const Liquid<T>> liquid_;
    T trace_decay_;
    bool intervals_;
    std::vector<bool> is_recorded_;  // empty: none
    std::vector<std::int32_t> watched_;
    bool keep_learned_;
    Shown shown_;
    std::int64_t n_begun_ = 0;
    std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace reservoirs
