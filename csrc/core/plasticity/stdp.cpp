#include "reservoirs/stdp.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "visits.hpp"

namespace reservoirs {

namespace {

// No rate of depression gets beyond this, so that no product with a trace
// becomes infinite.
template <class T>
constexpr T kLargestRate = T(1e30);

// Synapses by target, of those sources of a kind that have spiked: only these
// have a trace.
template <class T>
class ActiveColumns {
public:
    void begin(const Wiring<T>& wiring, int kind) {
        const Incoming& all = wiring.incoming[kind];
        // Not set to zero: few of its pages may ever be used.
        if (!synapses_) synapses_.reset(new Entering[static_cast<std::size_t>(all.start.back())]);
        end_.assign(all.start.begin(), all.start.end() - 1);
        known_.assign(static_cast<std::size_t>(wiring.synapses(kind).n_sources()), 0);
    }

    void add(const Wiring<T>& wiring, int kind, std::uint32_t source) {
        if (std::exchange(known_[source], char{1})) return;
        const Synapses<T>& synapses = wiring.synapses(kind);
        Entering* const lists = synapses_.get();
        std::int64_t* const end = end_.data();
        const std::int64_t last = synapses.begin(source + 1);
        for (std::int64_t k = synapses.begin(source); k < last; ++k) {
            lists[end[synapses.unit(source, k, wiring.shape)]++] = {static_cast<std::uint32_t>(k), source};
        }
    }

    const Entering* begin_of(const Wiring<T>& wiring, int kind, std::uint32_t unit) const {
        return synapses_.get() + wiring.incoming[kind].start[unit];
    }
    const Entering* end_of(std::uint32_t unit) const { return synapses_.get() + end_[unit]; }

private:
    std::unique_ptr<Entering[]> synapses_;
    std::vector<std::int64_t> end_;  // of each unit's, those of the unit after it
                                     // beginning where all would end
    std::vector<char> known_;
};

// What a list begins with, into the first cache.
inline void prefetch_list(const Entering* list) {
#if defined(__GNUC__)
    constexpr std::size_t kLines = 4, kCacheLine = 64;
    for (std::size_t line = 0; line < kLines; ++line) __builtin_prefetch(list + line * kCacheLine / sizeof(Entering));
#else
    static_cast<void>(list);
#endif
}

template <class T>
class PairLearner : public Learner<T> {
public:
    PairLearner(const StdpRule<T>& rule, std::shared_ptr<const Wiring<T>> wiring, bool is_first)
        : rule_(rule),
          wiring_(std::move(wiring)),
          rest_(rule.changed),
          n_regions_(std::max<std::size_t>(1, rule.astrocyte.share.size())),
          units_{rule.trace_step, rule.trace_decay, rule.nearest, {}},
          inputs_{rule.trace_step, rule.trace_decay, rule.nearest, {}} {
        if (rule.astrocyte.cells.model) cells_.emplace(rule.astrocyte.cells);
        for (int kind = 0; kind < kSourceKinds; ++kind) {
            delivers_[kind] = rule.delivers(kind, is_first);
            if (delivers_[kind]) rest_.onto[kind][0] = rest_.onto[kind][1] = false;
        }
    }

    void begin(bool go_on, Plastic<T>&) override {
        if (!go_on || units_.values.empty()) {
            units_.begin(wiring_->padded);
            inputs_.begin(wiring_->n_inputs());
            calcium_.assign(rule_.gated ? wiring_->excitatory.size() : 0, T(0));
            for (int kind = 0; kind < kSourceKinds; ++kind) {
                if (delivers_[kind]) columns_[kind].begin(*wiring_, kind);
            }
        }
        depression_.clear();
        a_plus_ = rule_.a_plus;
        a_minus_.assign(n_regions_, rule_.a_minus);
        drive_units_ = rule_.astrocyte.units;
        drive_inputs_ = rule_.astrocyte.inputs;
        bias_ = rule_.astrocyte.bias;
        per_calcium_ = rule_.astrocyte.per_calcium;
        if (cells_) cells_->begin();
        prepare();
    }

    void begin_step(const Step& step) override {
        depression_.insert(depression_.end(), a_minus_.begin(), a_minus_.end());
        // By the sign rows tell, as they are delivered, which of their targets spike.
        for (const std::uint32_t i : step.units) units_.values[i] = -units_.values[i];
    }

    bool delivers(int kind) const override { return delivers_[kind]; }

    void deliver(int kind, const Spiking<T>& spikes, const Arrivals<T>& to, Plastic<T>& plastic) override {
        const Synapses<T>& synapses = wiring_->synapses(kind);
        for (std::int64_t s = 0; s < spikes.n; ++s) {
            plastic.touched_of(kind)[spikes.sources[s]] = 1;
            columns_[kind].add(*wiring_, kind, spikes.sources[s]);
        }
        const auto [lowest, highest] = bounds_of(kind, rule_.w_max);
        kernels<T>().plastic_rows[synapses.scatters()][synapses.address_form()](
            {synapses.starts(), synapses.addresses(), plastic.weights(kind).data(), spikes.sources, spikes.n,
             spikes.factors, kind == kInput ? nullptr : synapses.channel_offsets(), traces(kind).values.data(),
             units_.values.data(), gains_[kind == kInhibitory].data(), rates_[kind == kInhibitory].data(),
             n_regions_ == 1, static_cast<std::uint32_t>(wiring_->shape.slot_stride - 1), lowest, highest,
             synapses.first_arrival(to), to.base, to.mask});
    }

    void end_step(const Step& step, Plastic<T>& plastic) override {
        for (const std::uint32_t i : step.units) units_.values[i] = std::abs(units_.values[i]);
        change_columns(step, plastic);
        if (rest_.any())
            visit(*wiring_, rest_, step, plastic, [this](const Pairing& of, T w) { return changed(of, w); });
        for (T& c : calcium_) c -= rule_.calcium_rate * c;
        for (std::size_t s = 0; rule_.gated && s < step.units.size(); ++s) calcium_[step.units[s]] += T(1);
        units_.move(step.units);
        if (rule_.changed.any(kInput)) inputs_.move(step.inputs);
        if (cells_) {
            move_cells(step);
        } else {
            move_astrocyte(step);
        }
        for (T* value : {&a_plus_, &drive_units_, &drive_inputs_, &bias_, &per_calcium_}) *value *= rule_.fade;
        prepare();
    }

    std::vector<std::pair<std::string, std::vector<T>>> record() const override {
        return {{"depression", depression_}};
    }

private:
    const Trace<T>& traces(int kind) const { return kind == kInput ? inputs_ : units_; }
    T minus_of(std::uint32_t unit) const { return a_minus_[n_regions_ == 1 ? 0 : rule_.astrocyte.region[unit]]; }
    // The share of its source's trace that a synapse from this kind of sources gains when its target spikes, and that
    // of its target's which it loses when its source does.
    T gain(int kind, std::uint32_t unit) const { return kind == kInhibitory ? -minus_of(unit) : a_plus_; }
    T rate(int kind, std::uint32_t unit) const { return kind == kInhibitory ? -a_plus_ : minus_of(unit); }

    // For the deliveries of the next step.
    void prepare() {
        const std::size_t n = n_regions_ == 1 ? 1 : wiring_->excitatory.size();
        for (const int kind : {kExcitatory, kInhibitory}) {
            std::vector<T>& gains = gains_[kind == kInhibitory];
            std::vector<T>& rates = rates_[kind == kInhibitory];
            gains.resize(n);
            rates.resize(n);
            for (std::uint32_t i = 0; i < n; ++i) {
                gains[i] = gain(kind, i);
                rates[i] = rate(kind, i);
            }
        }
    }

    T changed(const Pairing& of, T w) const {
        const auto [lowest, highest] = bounds_of(of.kind, rule_.w_max);
        T causal = of.target_spiked ? gain(of.kind, of.target) * traces(of.kind).values[of.source] : T(0);
        T acausal = of.source_spiked ? rate(of.kind, of.target) * units_.values[of.target] : T(0);
        if (rule_.multiplicative) {
            const T above = (highest - w) / (highest - lowest);
            const T below = (w - lowest) / (highest - lowest);
            causal *= of.kind == kInhibitory ? below : above;
            acausal *= of.kind == kInhibitory ? above : below;
        }
        const T change = causal - acausal;
        if (rule_.gated && !passes(change, calcium_[of.target] - rule_.calcium_threshold)) return w;
        return within(w + change, lowest, highest);
    }

    bool passes(T change, T calcium) const {
        return change > 0 ? calcium > 0 && calcium < rule_.calcium_width
                          : calcium < 0 && calcium > -rule_.calcium_width;
    }

    // Synapses into units that spike. Those of sources that spike as well have
    // been changed already.
    void change_columns(const Step& step, Plastic<T>& plastic) {
        for (int kind = 0; kind < kSourceKinds; ++kind) {
            if (!delivers_[kind]) continue;
            Trace<T>& of = kind == kInput ? inputs_ : units_;
            const auto& spikes = kind == kInput ? step.inputs : step.units;
            put_aside_.clear();
            for (const std::uint32_t j : spikes) put_aside_.push_back(std::exchange(of.values[j], T(0)));
            const auto [lowest, highest] = bounds_of(kind, rule_.w_max);
            const T* traces_of = of.values.data();
            T* weights = plastic.weights(kind).data();
            for (std::size_t s = 0; s < step.units.size(); ++s) {
                // Short lists, too far from each other to be foreseen.
                if (s + 2 < step.units.size())
                    prefetch_list(columns_[kind].begin_of(*wiring_, kind, step.units[s + 2]));
                const std::uint32_t i = step.units[s];
                const T gained = gain(kind, i);
                const Entering* end = columns_[kind].end_of(i);
                for (const Entering* one = columns_[kind].begin_of(*wiring_, kind, i); one != end; ++one) {
                    T& w = weights[one->synapse];
                    w = within(w + gained * traces_of[one->source], lowest, highest);
                }
            }
            for (std::size_t s = 0; s < spikes.size(); ++s) of.values[spikes[s]] = put_aside_[s];
        }
    }

    void move_astrocyte(const Step& step) {
        const AstrocyteSpec<T>& spec = rule_.astrocyte;
        sensed_.assign(n_regions_, T(0));
        for (const std::uint32_t i : step.units) {
            if (spec.senses_units.empty() || spec.senses_units[i])
                sensed_[n_regions_ == 1 ? 0 : spec.region[i]] += T(1);
        }
        T n_inputs = 0;
        for (const std::uint32_t c : step.inputs) {
            if (spec.senses_inputs.empty() || spec.senses_inputs[c]) n_inputs += T(1);
        }
        for (std::size_t r = 0; r < n_regions_; ++r) {
            const T of_inputs = n_regions_ == 1 ? n_inputs : spec.share[r] * n_inputs;
            const T drive = drive_units_ * sensed_[r] - drive_inputs_ * of_inputs + bias_;
            a_minus_[r] = within(a_minus_[r] + spec.rate * (drive - a_minus_[r]), -kLargestRate<T>, kLargestRate<T>);
            a_minus_[r] *= rule_.fade;
        }
    }

    void move_cells(const Step& step) {
        cells_->step(step);
        for (std::size_t r = 0; r < n_regions_; ++r) {
            const auto risen = static_cast<T>(cells_->calcium(r) - rule_.astrocyte.rest);
            a_minus_[r] = rule_.fade * (bias_ + per_calcium_ * risen);
        }
    }

    StdpRule<T> rule_;
    std::shared_ptr<const Wiring<T>> wiring_;
    bool delivers_[kSourceKinds];
    Blocks rest_;  // what it does not deliver
    std::size_t n_regions_;
    Trace<T> units_;
    Trace<T> inputs_;
    std::vector<T> calcium_;
    T a_plus_ = 0;
    std::vector<T> a_minus_;  // by region
    T drive_units_ = 0;
    T drive_inputs_ = 0;
    T bias_ = 0;
    T per_calcium_ = 0;
    std::optional<Cells> cells_;
    std::vector<T> gains_[2];  // [0]: of excitatory sources and inputs, [1]: of inhibitory ones
    std::vector<T> rates_[2];
    ActiveColumns<T> columns_[kSourceKinds];
    std::vector<T> put_aside_;
    std::vector<T> sensed_;
    std::vector<T> depression_;
};

}  // namespace

template <class T>
std::unique_ptr<Learner<T>> StdpRule<T>::learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>&,
                                                 bool is_first) const {
    const auto fits = [](const auto& values, std::int64_t n) {
        return values.empty() || static_cast<std::int64_t>(values.size()) == n;
    };
    const bool in_regions = std::all_of(astrocyte.region.begin(), astrocyte.region.end(),
                                        [this](std::uint32_t r) { return r < astrocyte.share.size(); });
    if (!fits(astrocyte.senses_units, wiring->n_units()) || !fits(astrocyte.senses_inputs, wiring->n_inputs()) ||
        !fits(astrocyte.region, wiring->n_units()) || !in_regions ||
        astrocyte.region.empty() != astrocyte.share.empty()) {
        throw std::invalid_argument("what the astrocyte senses must have an entry for each unit or input");
    }
    if (astrocyte.cells.model) Cells::check(astrocyte.cells, wiring->n_units());
    return std::make_unique<PairLearner<T>>(*this, std::move(wiring), is_first);
}

template class StdpRule<float>;
template class StdpRule<double>;

}  // namespace reservoirs
