// Presentations to a liquid, step by step.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <type_traits>

#include "reservoirs/liquid.hpp"
#include "spike_sources.hpp"
#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

namespace {

constexpr std::int64_t kNever = -1;
constexpr std::int64_t kNotKnown = -1;

// Which plasticity answers a spike. The loop over steps is compiled once for each, so that what a liquid does not have
// costs it nothing.
enum class Plasticity { none, renewal, short_term, rules };

}  // namespace

// Slots run at the same time: two must not share a cache line, nor the pair of lines that processors fetch together
// (measured: two threads 1.98 times as fast as one instead of 1.73).
template <class T>
struct alignas(128) LiquidBatch<T>::Slot {
    std::int64_t length = 0;
    std::int64_t step = 0;
    std::int64_t origin = 0;  // the step at which what is shown began
    bool begun = true;        // false: its state is still that of the presentation before
    LiquidTotals totals;

    Aligned<T> v;
    Aligned<T> blocked;
    Aligned<T> extra;  // what the threshold has risen by, or Izhikevich's u
    Aligned<T> arrivals;
    Aligned<T> falling;
    Aligned<T> rising;
    Aligned<T> current;
    Aligned<T> trace;
    Aligned<T> utilised;
    Aligned<T> resources;
    std::vector<std::uint32_t> spikes;
    std::vector<T> factors;
    std::unique_ptr<Learning<T>> learning;
    Aligned<T> thresholds;  // those that rules have raised
    Aligned<T> added;       // currents from inputs and rules

    std::vector<std::int64_t> counts;
    std::vector<std::int64_t> counts_sampled;
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> last;
    std::vector<T> sum_squares;
    std::vector<RecordedSpike> recorded;
    std::vector<T> watched;

    GivenSpikes given;
    DrawnSpikes drawn;
    Relay relay;
    std::vector<std::int64_t> input_last;
    std::vector<T> input_factors;
    // Numbers as inputs: what each row injects holds for some steps.
    const T* rows = nullptr;
    std::vector<std::uint32_t> all_inputs;
    Aligned<T> external;
};

template <class T>
LiquidBatch<T>::LiquidBatch(std::shared_ptr<const Liquid<T>> liquid, std::int64_t n_slots, T trace_decay,
                            bool intervals, const std::vector<std::int32_t>& recorded,
                            std::vector<std::int32_t> watched, const Rules<T>& rules, std::vector<char> excitatory,
                            bool keep_learned)
    : liquid_(std::move(liquid)),
      trace_decay_(trace_decay),
      intervals_(intervals),
      watched_(std::move(watched)),
      keep_learned_(keep_learned) {
    if (n_slots < 1) throw std::invalid_argument("n_slots must be at least 1");
    if (!(trace_decay >= 0 && trace_decay < 1)) throw std::invalid_argument("trace_decay must be in [0, 1)");
    const auto check = [this](std::int32_t unit) {
        if (unit < 0 || unit >= liquid_->n_units()) throw std::invalid_argument("recorded and watched must be units");
    };
    std::for_each(recorded.begin(), recorded.end(), check);
    std::for_each(watched_.begin(), watched_.end(), check);
    if (!recorded.empty()) is_recorded_.assign(static_cast<std::size_t>(liquid_->n_units()), false);
    for (const std::int32_t unit : recorded) is_recorded_[static_cast<std::size_t>(unit)] = true;
    for (std::int64_t s = 0; s < n_slots; ++s) slots_.push_back(std::make_unique<Slot>());
    if (rules.empty()) return;
    if (liquid_->recurrent_.is_dynamic() ||
        liquid_->recurrent_.weights().empty() != (liquid_->recurrent_.size() == 0)) {
        throw std::invalid_argument("learning excludes short-term plasticity and narrow weights");
    }
    if (static_cast<std::int64_t>(excitatory.size()) != liquid_->n_units()) {
        throw std::invalid_argument("excitatory must have an entry for each unit");
    }
    bool columns[kSourceKinds] = {};
    for (const auto& rule : rules) {
        for (int kind = 0; kind < kSourceKinds; ++kind) {
            columns[kind] = columns[kind] || rule->needs_columns(kind, rule == rules.front());
        }
    }
    const auto wiring = std::make_shared<const Wiring<T>>(liquid_->recurrent_, liquid_->input_,
                                                          RingShape{liquid_->padded_, liquid_->slot_stride_},
                                                          liquid_->padded_, std::move(excitatory), columns);
    for (const auto& slot : slots_) slot->learning = std::make_unique<Learning<T>>(wiring, rules);
}

template <class T>
LiquidBatch<T>::~LiquidBatch() = default;

// What is shown at once has steps of 32 bits; what goes on for ever, of which states are kept in double, of 53.
constexpr std::int64_t kMostSteps = (std::int64_t{1} << 31) - 1;
constexpr std::int64_t kMostInAll = std::int64_t{1} << 53;

template <class T>
void LiquidBatch<T>::check(const std::vector<std::int64_t>& lengths, bool goes_on) const {
    if (static_cast<std::int64_t>(lengths.size()) > (goes_on ? n_begun_ : n_slots())) {
        throw std::invalid_argument("there are fewer slots than lengths");
    }
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        const Slot& slot = *slots_[s];
        if (goes_on && slot.begun && slot.step < slot.length) throw std::invalid_argument("a slot is not at its end");
        if (lengths[s] < 0 || lengths[s] > kMostSteps || (goes_on && lengths[s] > kMostInAll - slot.length)) {
            throw std::invalid_argument("a liquid takes at most 2147483647 steps at once");
        }
    }
}

// What takes time is put off to the parallel loop.
template <class T>
void LiquidBatch<T>::begin(const std::vector<std::int64_t>& lengths, bool goes_on) {
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        Slot& slot = *slots_[s];
        if (goes_on) {
            if (!slot.begun) clear(slot);
            slot.begun = true;
            slot.origin = slot.step;
            slot.length += lengths[s];
            show(s);
        } else {
            slot.length = lengths[s];
            slot.step = slot.origin = 0;
            slot.begun = false;
        }
    }
    n_begun_ = static_cast<std::int64_t>(lengths.size());
}

template <class T>
void LiquidBatch<T>::start(std::size_t s) const {
    clear(*slots_[s]);
    show(s);
    slots_[s]->begun = true;
}

template <class T>
void LiquidBatch<T>::clear(Slot& slot) const {
    const Liquid<T>& l = *liquid_;
    const auto n_units = static_cast<std::size_t>(l.n_units_);
    const auto n_inputs = static_cast<std::size_t>(l.n_inputs());
    const auto padded = static_cast<std::size_t>(l.padded_);
    const std::size_t of_channels = padded * static_cast<std::size_t>(l.n_channels_);
    slot.totals = {};
    slot.v = l.v_init_;
    slot.blocked.assign(padded, std::numeric_limits<T>::infinity());
    std::fill_n(slot.blocked.begin(), n_units, T(0));
    slot.extra = l.u_init_;
    if (l.adaptive_) slot.extra.assign(padded, T(0));
    slot.arrivals.assign(static_cast<std::size_t>(l.slot_stride_ * l.n_steps_ahead_), T(0));
    slot.falling.assign(of_channels, T(0));
    slot.rising.assign(of_channels, T(0));
    slot.current.assign(padded, T(0));
    slot.trace.assign(has_traces() ? padded : 0, T(0));
    slot.utilised = l.recurrent_.utilisation();
    slot.resources.assign(slot.utilised.size(), T(1));
    slot.spikes.resize(padded + kBlockRows);
    slot.factors.resize(padded);
    slot.counts.assign(n_units, 0);
    slot.counts_sampled.assign(n_units, 0);
    slot.first.assign(n_units, kNever);
    slot.last.assign(n_units, kNever);
    slot.sum_squares.assign(intervals_ ? n_units : 0, T(0));
    slot.recorded.clear();
    slot.watched.clear();
    slot.input_last.assign(n_inputs, kNever);
    slot.input_factors.resize(n_inputs);
    if (slot.learning) {
        slot.learning->begin(keep_learned_);
        slot.thresholds.resize(slot.learning->plastic().raised.size());
        slot.added.resize(slot.learning->plastic().current.size());
    }
    if (l.input_refractory_ >= 0) slot.relay.begin(l.n_inputs(), l.input_refractory_);
    slot.external.assign(padded, T(0));
    slot.all_inputs.resize(n_inputs);
    std::iota(slot.all_inputs.begin(), slot.all_inputs.end(), 0u);
}

template <class T>
void LiquidBatch<T>::show(std::size_t s) const {
    Slot& slot = *slots_[s];
    const std::int64_t n_inputs = liquid_->n_inputs();
    const std::int64_t first = shown_.offsets.empty() ? 0 : shown_.offsets[s];
    if (shown_.source == Source::given) {
        slot.given.begin(shown_.steps.data() + first, shown_.inputs.data() + first, shown_.offsets[s + 1] - first,
                         n_inputs);
    } else if (shown_.source == Source::drawn) {
        slot.drawn.begin(shown_.probabilities.data() + static_cast<std::int64_t>(s) * n_inputs, n_inputs, shown_.seed,
                         slot.length - slot.origin);
    } else {
        slot.rows = shown_.rows.data() + first * n_inputs;
    }
}

template <class T>
void LiquidBatch<T>::begin_events(const std::vector<std::int64_t>& lengths, const std::int64_t* offsets,
                                  const std::int32_t* steps, const std::int32_t* inputs, bool goes_on) {
    check(lengths, goes_on);
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        for (std::int64_t e = offsets[s]; e < offsets[s + 1]; ++e) {
            if (inputs[e] < 0 || inputs[e] >= liquid_->n_inputs()) {
                throw std::invalid_argument("an event names an input that is not there");
            }
            if (steps[e] < 0 || (e > offsets[s] && steps[e] < steps[e - 1])) {
                throw std::invalid_argument("events must be in the order of their steps");
            }
        }
    }
    shown_.source = Source::given;
    shown_.offsets.assign(offsets, offsets + lengths.size() + 1);
    shown_.steps.assign(steps, steps + shown_.offsets.back());
    shown_.inputs.assign(inputs, inputs + shown_.offsets.back());
    begin(lengths, goes_on);
}

template <class T>
void LiquidBatch<T>::begin_rates(const std::vector<std::int64_t>& lengths, const double* probabilities,
                                 std::uint64_t seed, bool goes_on) {
    check(lengths, goes_on);
    const std::int64_t n_inputs = liquid_->n_inputs();
    const std::int64_t n = static_cast<std::int64_t>(lengths.size()) * n_inputs;
    if (!std::all_of(probabilities, probabilities + n, [](double p) { return p >= 0 && p <= 1; })) {
        throw std::invalid_argument("probabilities must be in [0, 1]");
    }
    shown_.source = Source::drawn;
    shown_.offsets.clear();
    shown_.probabilities.assign(probabilities, probabilities + n);
    shown_.seed = seed;
    begin(lengths, goes_on);
}

template <class T>
void LiquidBatch<T>::begin_currents(const std::vector<std::int64_t>& n_rows, const T* rows, std::int64_t steps_per_row,
                                    bool goes_on) {
    if (steps_per_row < 1) throw std::invalid_argument("steps_per_row must be at least 1");
    std::vector<std::int64_t> lengths;
    // What is too many to multiply is too many.
    for (const std::int64_t n : n_rows) {
        lengths.push_back(n > kMostSteps / steps_per_row ? kMostSteps + 1 : n * steps_per_row);
    }
    check(lengths, goes_on);
    shown_.source = Source::currents;
    shown_.offsets.assign(1, 0);
    shown_.steps_per_row = steps_per_row;
    for (const std::int64_t n : n_rows) shown_.offsets.push_back(shown_.offsets.back() + n);
    shown_.rows.assign(rows, rows + shown_.offsets.back() * liquid_->n_inputs());
    begin(lengths, goes_on);
}

// One slot on its way through time, for one kind of plasticity.
template <class T>
template <auto plasticity>
class LiquidBatch<T>::Run {
public:
    Run(const LiquidBatch& batch, Slot& slot) : batch_(batch), liquid_(*batch.liquid_), slot_(slot) {}

    void steps(std::int64_t n, SampleRange samples, const Samples<T>& to) {
        const std::int64_t end = slot_.step + std::min(n, slot_.length - slot_.step);
        std::int64_t n_spikes = kNotKnown;
        for (; slot_.step < end; ++slot_.step) {
            if (n_spikes == kNotKnown) n_spikes = fire();
            deliver({slot_.spikes.data(), n_spikes});
            drive();
            observe(n_spikes);
            const bool is_sampled = samples.begin < samples.end && to.when[samples.begin].step == slot_.step;
            const bool is_seen = !batch_.watched_.empty() || (is_sampled && to.potentials != nullptr);
            n_spikes = integrate(slot_.step + 1 < end && !is_seen);
            if constexpr (plasticity == Plasticity::rules) slot_.learning->end_step();
            for (const std::int32_t unit : batch_.watched_)
                slot_.watched.push_back(slot_.v[static_cast<std::size_t>(unit)]);
            if (is_sampled) sample(samples.begin++, to);
        }
    }

private:
    LifUnits<T> lif() const {
        const Liquid<T>& l = liquid_;
        return {l.padded_,
                thresholds(),
                l.row(kLifReset),
                l.row(kLifRefractory),
                l.row(kLifAdaptDecay),
                l.row(kLifAdaptStep),
                l.row(kLifDecay),
                l.row(kLifGain),
                l.row(kLifDrift),
                l.row(kLifFloor),
                slot_.v.data(),
                slot_.blocked.data(),
                slot_.extra.data(),
                slot_.spikes.data()};
    }

    bool thresholds_change() const {
        if constexpr (plasticity == Plasticity::rules) return !slot_.learning->plastic().raised.empty();
        return false;
    }

    PerUnit<T> thresholds() const {
        const PerUnit<T> drawn = liquid_.row(kLifThresh);
        if constexpr (plasticity == Plasticity::rules) {
            const Aligned<T>& raised = slot_.learning->plastic().raised;
            if (!thresholds_change()) return drawn;
            for (std::size_t i = 0; i < raised.size(); ++i) {
                slot_.thresholds[i] = drawn.values[drawn.stride == 0 ? 0 : i] + raised[i];
            }
            return {slot_.thresholds.data(), 1};
        }
        return drawn;
    }

    IzhikevichUnits<T> izhikevich() const {
        const Liquid<T>& l = liquid_;
        return {l.padded_,      l.row(kIzhQ2),  l.row(kIzhQ1),      l.row(kIzhQ0),      l.row(kIzhK),
                l.row(kIzhUab), l.row(kIzhUa),  l.row(kIzhUc),      l.row(kIzhPeak),    l.row(kIzhC),
                l.row(kIzhD),   slot_.v.data(), slot_.extra.data(), slot_.spikes.data()};
    }

    std::int64_t fire() {
        if (liquid_.model_ == NeuronModel::izhikevich) return kernels_.fire_izhikevich(izhikevich());
        return kernels_.fire_lif[liquid_.soft_reset_][liquid_.adaptive_](lif());
    }

    Arrivals<T> arrivals() const {
        const std::int64_t slot = slot_.step & (liquid_.n_steps_ahead_ - 1);
        return {slot_.arrivals.data(), static_cast<std::uint32_t>(slot * liquid_.slot_stride_),
                static_cast<std::uint32_t>(liquid_.slot_stride_ * liquid_.n_steps_ahead_ - 1)};
    }

    bool is_renewed() const {
        if constexpr (plasticity == Plasticity::rules) return !liquid_.renewal_.empty();
        return plasticity == Plasticity::renewal;
    }

    T renewal(int channel, std::int64_t last) const {
        const std::vector<T>& added = liquid_.renewal_[static_cast<std::size_t>(channel)];
        const auto n = static_cast<std::size_t>(slot_.step - last);
        return last == kNever || n >= added.size() ? T(1) : added[n];
    }

    void deliver(InputList spikes) {
        if constexpr (plasticity == Plasticity::short_term) {
            for (std::int64_t s = 0; s < spikes.n; ++s) {
                const std::uint32_t j = spikes.inputs[s];
                const std::int64_t interval = slot_.last[j] == kNever ? 0 : slot_.step - slot_.last[j];
                liquid_.recurrent_.deliver_dynamic(j, interval, slot_.utilised.data(), slot_.resources.data(),
                                                   arrivals());
            }
        } else {
            const bool renewed = is_renewed();
            for (std::int64_t s = 0; renewed && s < spikes.n; ++s) {
                const std::uint32_t j = spikes.inputs[s];
                slot_.factors[static_cast<std::size_t>(s)] = renewal(liquid_.source_channel_[j], slot_.last[j]);
            }
            if constexpr (plasticity == Plasticity::rules) {
                slot_.learning->spike_units(spikes.inputs, spikes.n, renewed ? slot_.factors.data() : nullptr,
                                            arrivals());
            } else {
                liquid_.recurrent_.deliver(spikes.inputs, spikes.n, slot_.factors.data(), renewed, arrivals());
            }
        }
        for (std::int64_t s = 0; s < spikes.n; ++s) slot_.totals.events += liquid_.recurrent_.fan_out(spikes.inputs[s]);
    }

    // What the inputs do at this step.
    void drive() {
        if (batch_.shown_.source == Source::currents) {
            inject();
        } else {
            deliver_input(input_spikes());
        }
    }

    InputList input_spikes() {
        const std::int64_t t = slot_.step - slot_.origin;
        const InputList events = batch_.shown_.source == Source::given ? slot_.given.at(t) : slot_.drawn.at(t);
        return liquid_.input_refractory_ >= 0 ? slot_.relay.pass(slot_.step, events) : events;
    }

    void deliver_input(InputList spikes) {
        const bool renewed = is_renewed();
        for (std::int64_t s = 0; s < spikes.n; ++s) {
            const std::uint32_t c = spikes.inputs[s];
            if (renewed) {
                slot_.input_factors[static_cast<std::size_t>(s)] = renewal(0, slot_.input_last[c]);
                slot_.input_last[c] = slot_.step;
            }
            slot_.totals.events += liquid_.input_.fan_out(c);
        }
        slot_.totals.input_spikes += spikes.n;
        if constexpr (plasticity == Plasticity::rules) {
            slot_.learning->spike_inputs(spikes.inputs, spikes.n, renewed ? slot_.input_factors.data() : nullptr,
                                         arrivals());
        } else {
            liquid_.input_.deliver(spikes.inputs, spikes.n, slot_.input_factors.data(), renewed, arrivals());
        }
    }

    // Numbers are currents: every unit gets the inputs times their weights for as long as the row lasts.
    void inject() {
        const std::int64_t steps_per_row = batch_.shown_.steps_per_row;
        const std::int64_t t = slot_.step - slot_.origin;
        if (t % steps_per_row != 0) return;
        const std::int64_t n = liquid_.n_inputs();
        std::fill(slot_.external.begin(), slot_.external.end(), T(0));
        std::copy_n(slot_.rows + t / steps_per_row * n, n, slot_.input_factors.data());
        const Arrivals<T> here{slot_.external.data(), 0, 0};
        liquid_.input_.deliver(slot_.all_inputs.data(), n, slot_.input_factors.data(), true, here);
    }

    SynapticCurrents<T> channel(std::size_t c) const {
        const std::int64_t at = static_cast<std::int64_t>(c) * liquid_.padded_;
        const auto row = [this, c](const auto& rows) {
            return rows.empty() ? liquid_.nothing_.view() : rows[c].view();
        };
        const PerUnit<T> before = c == 0 ? from_outside() : PerUnit<T>{slot_.current.data(), 1};
        const Arrivals<T> now = arrivals();
        return {liquid_.padded_,          row(liquid_.decay_),       row(liquid_.rise_),       row(liquid_.norm_),
                now.ring + now.base + at, slot_.falling.data() + at, slot_.rising.data() + at, before,
                slot_.current.data()};
    }

    // Currents that are no synapse's.
    PerUnit<T> from_outside() const {
        const bool injected = batch_.shown_.source == Source::currents;
        if constexpr (plasticity == Plasticity::rules) {
            const Aligned<T>& of_rules = slot_.learning->plastic().current;
            if (!of_rules.empty() && !injected) return {of_rules.data(), 1};
            if (!of_rules.empty()) {
                std::transform(of_rules.begin(), of_rules.end(), slot_.external.begin(), slot_.added.begin(),
                               std::plus<T>());
                return {slot_.added.data(), 1};
            }
        }
        return injected ? PerUnit<T>{slot_.external.data(), 1} : liquid_.nothing_.view();
    }

    // Returns the spikes of the next step if they may be known before it begins and can be found in the same pass.
    std::int64_t integrate(bool may_fire) {
        const int kind = static_cast<int>(liquid_.kind_);
        const std::size_t last = liquid_.decay_.size() - 1;
        for (std::size_t c = 0; c < last; ++c) kernels_.currents[kind](channel(c));
        if (liquid_.model_ == NeuronModel::izhikevich) {
            kernels_.integrate_izhikevich[kind](channel(last), izhikevich());
        } else if (may_fire && !liquid_.adaptive_ && !thresholds_change()) {
            return kernels_.integrate_and_fire[kind][liquid_.hold_][liquid_.soft_reset_](channel(last), lif());
        } else {
            kernels_.integrate_lif[kind][liquid_.hold_](channel(last), lif());
        }
        return kNotKnown;
    }

    void observe(std::int64_t n_spikes) {
        ++slot_.totals.steps;
        slot_.totals.spikes += n_spikes;
        if (!slot_.trace.empty()) kernels_.multiply(slot_.trace.data(), liquid_.padded_, batch_.trace_decay_);
        const std::int64_t t = slot_.step;
        for (std::int64_t s = 0; s < n_spikes; ++s) {
            const std::uint32_t j = slot_.spikes[static_cast<std::size_t>(s)];
            ++slot_.counts[j];
            if (!slot_.trace.empty()) slot_.trace[j] += T(1);
            if (slot_.first[j] == kNever) {
                slot_.first[j] = t;
            } else if (!slot_.sum_squares.empty()) {
                const T interval = static_cast<T>(t - slot_.last[j]);
                slot_.sum_squares[j] += interval * interval;
            }
            slot_.last[j] = t;
            if (!batch_.is_recorded_.empty() && batch_.is_recorded_[j]) {
                slot_.recorded.push_back({static_cast<std::int32_t>(t), static_cast<std::int32_t>(j)});
            }
        }
    }

    void sample(std::size_t at, const Samples<T>& to) {
        const auto n = static_cast<std::size_t>(liquid_.n_units_);
        if (to.counts != nullptr) {
            for (std::size_t i = 0; i < n; ++i) {
                to.counts[at * n + i] =
                    static_cast<T>(static_cast<std::int32_t>(slot_.counts[i] - slot_.counts_sampled[i]));
            }
            slot_.counts_sampled = slot_.counts;
        }
        if (to.traces != nullptr) std::copy_n(slot_.trace.data(), n, to.traces + at * n);
        if (to.potentials != nullptr) std::copy_n(slot_.v.data(), n, to.potentials + at * n);
    }

    const LiquidBatch& batch_;
    const Liquid<T>& liquid_;
    Slot& slot_;
    const Kernels<T>& kernels_ = kernels<T>();
};

template <class T>
void LiquidBatch<T>::advance(std::int64_t n_steps, const Samples<T>& samples, int n_threads) {
    std::vector<SampleRange> of_slot(slots_.size());
    for (std::size_t i = 0; i < samples.when.size(); ++i) {
        const SampleTime& when = samples.when[i];
        const bool known = when.slot >= 0 && when.slot < n_begun_;
        const Slot* slot = known ? slots_[static_cast<std::size_t>(when.slot)].get() : nullptr;
        if (!known || when.step < slot->step ||
            when.step - slot->step >= std::min(n_steps, slot->length - slot->step)) {
            throw std::invalid_argument("a sample lies outside the steps that are taken");
        }
        if (i > 0 && (when.slot < samples.when[i - 1].slot ||
                      (when.slot == samples.when[i - 1].slot && when.step <= samples.when[i - 1].step))) {
            throw std::invalid_argument("samples must be in ascending order");
        }
        SampleRange& range = of_slot[static_cast<std::size_t>(when.slot)];
        if (range.end == 0) range.begin = i;
        range.end = i + 1;
    }
    if (samples.traces != nullptr && !has_traces()) throw std::invalid_argument("this batch keeps no traces");
    std::atomic<bool> out_of_memory{false};
    parallel_for(n_begun_, team_size(n_threads, n_begun_), [&](std::int64_t s, int) {
        Slot& slot = *slots_[static_cast<std::size_t>(s)];
        const SampleRange range = of_slot[static_cast<std::size_t>(s)];
        try {
            if (!slot.begun) start(static_cast<std::size_t>(s));
            // Only lists grow: of recorded spikes, watched potentials, spikes to learn from
            if (slot.learning) {
                Run<Plasticity::rules>(*this, slot).steps(n_steps, range, samples);
            } else if (liquid_->recurrent_.is_dynamic()) {
                Run<Plasticity::short_term>(*this, slot).steps(n_steps, range, samples);
            } else if (!liquid_->renewal_.empty()) {
                Run<Plasticity::renewal>(*this, slot).steps(n_steps, range, samples);
            } else {
                Run<Plasticity::none>(*this, slot).steps(n_steps, range, samples);
            }
        } catch (const std::bad_alloc&) {
            out_of_memory = true;
        }
    });
    if (out_of_memory) throw std::bad_alloc();
}

template <class T>
typename LiquidBatch<T>::View LiquidBatch<T>::view(std::int64_t s) const {
    const Slot& slot = *slots_.at(static_cast<std::size_t>(s));
    if (!slot.begun) start(static_cast<std::size_t>(s));
    return {slot.length,       slot.step,        slot.counts.data(),
            slot.first.data(), slot.last.data(), slot.sum_squares.data(),
            slot.recorded,     slot.watched,     slot.totals};
}

template <class T>
void LiquidBatch<T>::store_latency(std::int64_t s, double* latency) const {
    const View of = view(s);
    std::transform(of.first, of.first + liquid_->n_units(), latency, [&of](std::int64_t first) {
        return first == kNever ? 1.0 : static_cast<double>(first) / static_cast<double>(of.length);
    });
}

template <class T>
void LiquidBatch<T>::store_intervals(std::int64_t s, double* intervals) const {
    if (!intervals_) throw std::invalid_argument("this batch keeps no intervals");
    const View of = view(s);
    const std::int64_t n_units = liquid_->n_units();
    for (std::int64_t i = 0; i < n_units; ++i, ++intervals) {
        const auto n = static_cast<double>(of.counts[i] - 1);
        const double mean = n > 0 ? static_cast<double>(of.last[i] - of.first[i]) / n : 1.0;
        const double variance = n > 0 ? static_cast<double>(of.sum_squares[i]) / n - mean * mean : 0.0;
        intervals[0] = n > 0 ? mean / static_cast<double>(of.length) : 1.0;
        intervals[n_units] = std::sqrt(std::max(variance, 0.0)) / mean;
    }
}

template <class T>
template <class Visit>
void LiquidBatch<T>::visit_state(Slot& slot, std::int64_t last_step, const Visit& visit) const {
    const std::int64_t n = liquid_->n_units_, padded = liquid_->padded_;
    constexpr double least = std::numeric_limits<double>::lowest(), most = std::numeric_limits<double>::max();
    const auto numbers = [&](Aligned<T>& values) {
        // Of several channels, one after another. What fills up the last vector stays as it is.
        const auto n_values = static_cast<std::int64_t>(values.size());
        for (std::int64_t i = 0; i < n_values; i += padded) {
            visit(values.data() + i, std::min(n_values, n), least, most);
        }
    };
    const auto integers = [&](std::vector<std::int64_t>& values, double from) {
        visit(values.data(), static_cast<std::int64_t>(values.size()), from, static_cast<double>(last_step));
    };
    const auto all = [&](auto& values) { visit(values.data(), static_cast<std::int64_t>(values.size()), least, most); };
    numbers(slot.v);
    visit(&slot.step, 1, 0.0, static_cast<double>(kMostInAll));
    numbers(slot.blocked);
    numbers(slot.extra);
    all(slot.arrivals);
    numbers(slot.falling);
    numbers(slot.rising);
    numbers(slot.trace);
    all(slot.utilised);
    all(slot.resources);
    integers(slot.counts, 0);
    integers(slot.counts_sampled, 0);
    integers(slot.first, kNever);
    integers(slot.last, kNever);
    all(slot.sum_squares);
    integers(slot.input_last, kNever);
    if (liquid_->input_refractory_ >= 0) slot.relay.visit_state(last_step, visit);
}

template <class T>
std::int64_t LiquidBatch<T>::n_state() const {
    std::int64_t total = 0;
    Slot& slot = *slots_.front();
    if (!slot.begun) start(0);
    visit_state(slot, slot.step, [&total](const auto*, std::int64_t n, double, double) { total += n; });
    return total;
}

template <class T>
void LiquidBatch<T>::store(std::int64_t s, double* state) const {
    Slot& slot = *slots_.at(static_cast<std::size_t>(s));
    if (slot.learning) throw std::invalid_argument("the state of a liquid that learns cannot be kept");
    if (!slot.begun) start(static_cast<std::size_t>(s));
    visit_state(slot, slot.step, [&state](const auto* values, std::int64_t n, double, double) {
        state = std::transform(values, values + n, state, [](auto value) { return static_cast<double>(value); });
    });
}

template <class T>
void LiquidBatch<T>::load(std::int64_t s, const double* state) {
    Slot& slot = *slots_.at(static_cast<std::size_t>(s));
    if (slot.learning) throw std::invalid_argument("the state of a liquid that learns cannot be kept");
    if (!slot.begun) start(static_cast<std::size_t>(s));
    const double step = state[liquid_->n_units_];
    const std::int64_t last_step = step >= 0 && step <= kMostInAll ? static_cast<std::int64_t>(step) : 0;
    const double* given = state;
    visit_state(slot, last_step, [&given](const auto* values, std::int64_t n, double least, double most) {
        const bool whole = std::is_integral_v<std::remove_reference_t<decltype(*values)>>;
        const bool fits = std::all_of(given, given + n, [=](double value) {
            return value >= least && value <= most && (!whole || value == std::floor(value));
        });
        if (!fits) throw std::invalid_argument("state is not one of this liquid's");
        given += n;
    });
    visit_state(slot, last_step, [&state](auto* values, std::int64_t n, double, double) {
        using Value = std::remove_reference_t<decltype(*values)>;
        std::transform(state, state + n, values, [](double value) { return static_cast<Value>(value); });
        state += n;
    });
    slot.origin = slot.length = slot.step;
}

template <class T>
const Learning<T>& LiquidBatch<T>::learned(std::int64_t s) const {
    const Slot& slot = *slots_.at(static_cast<std::size_t>(s));
    if (!slot.learning) throw std::invalid_argument("this batch does not learn");
    if (!slot.begun) start(static_cast<std::size_t>(s));
    return *slot.learning;
}

template <class T>
void LiquidBatch<T>::clear_kept() {
    for (const auto& slot : slots_) {
        slot->recorded.clear();
        slot->watched.clear();
    }
}

template class LiquidBatch<float>;
template class LiquidBatch<double>;

}  // namespace reservoirs
