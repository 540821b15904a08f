// Liquids, at the SIMD level in force: the same bits however they are run, and what must be refused.

#include "reservoirs/liquid.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "check.hpp"
#include "liquid.hpp"
#include "numbers.hpp"
#include "reservoirs/homeostasis.hpp"
#include "reservoirs/liquid_memory.hpp"
#include "reservoirs/stdp.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

struct Kind {
    NeuronModel model;
    SynapseKind synapse;
    int n_channels;
    std::int32_t max_delay;
    bool nearest;
    bool short_term;
    bool narrow;
    int input_refractory;
};

// The arrays of a liquid, exactly as long as they have to be.
template <class T>
struct Arrays {
    std::vector<T> parameters, v_init, u_init, decay, rise, norm, weights, input_weights, utilisation, rates;
    std::vector<int64_t> start{0}, input_start{0};
    std::vector<std::int32_t> targets, delays, input_targets;
    std::vector<std::uint8_t> channel;
    Kind kind;
    int64_t n_units;

    Arrays(const Kind& which, int64_t n, int64_t n_inputs, Numbers& numbers) : kind(which), n_units(n) {
        const bool lif = kind.model == NeuronModel::lif;
        const std::vector<double> lif_rows{0.9, 1, 0.3, 1, 0, 2, -5, 0.9, 0.1};
        const std::vector<double> izhikevich_rows{0.02, 2.5, 70, 0.5, 0.004, 0.02, 0, 30, -65, 8};
        for (const double row : lif ? lif_rows : izhikevich_rows) parameters.insert(parameters.end(), at(n), T(row));
        v_init.assign(at(n), lif ? T(0) : T(-65));
        u_init.assign(at(lif ? 0 : n), T(-13));
        const int64_t of_channels = n * kind.n_channels;
        decay.assign(at(of_channels), T(0.75));
        rise.assign(at(of_channels), T(0.5));
        norm.assign(at(of_channels), T(2));
        for (int64_t j = 0; j < n; ++j) {
            channel.push_back(static_cast<std::uint8_t>(j % kind.n_channels));
            connect(7, numbers, targets, weights);
            start.push_back(static_cast<int64_t>(targets.size()));
        }
        for (int64_t c = 0; c < n_inputs; ++c) {
            connect(5, numbers, input_targets, input_weights);
            input_start.push_back(static_cast<int64_t>(input_targets.size()));
        }
        for (const T x : numbers.take<T>(start.back())) {
            delays.push_back(1 + static_cast<std::int32_t>((x + 1) / 2 * static_cast<T>(kind.max_delay)));
            utilisation.push_back((x + 1) / 2);
            rates.push_back(T(0.05));
        }
    }

    void connect(int64_t n, Numbers& numbers, std::vector<std::int32_t>& to, std::vector<T>& by) {
        const double size = kind.model == NeuronModel::lif ? 0.6 : 10;
        for (int64_t k = 0; k < n; ++k) {
            to.push_back(static_cast<std::int32_t>((numbers.next() + 1) / 2 * static_cast<double>(n_units)));
            by.push_back(static_cast<T>(size * (numbers.next() + 0.2)));
        }
    }

    LiquidSpec<T> spec() const {
        LiquidSpec<T> spec;
        spec.n_units = n_units;
        spec.model = kind.model;
        spec.parameters = parameters.data();
        spec.v_init = v_init.data();
        spec.u_init = kind.model == NeuronModel::lif ? nullptr : u_init.data();
        spec.kind = kind.synapse;
        spec.n_channels = kind.n_channels;
        spec.decay = decay.data();
        spec.rise = rise.data();
        spec.norm = norm.data();
        spec.nearest = kind.nearest;
        spec.recurrent.n_sources = n_units;
        spec.recurrent.start = start.data();
        spec.recurrent.targets = targets.data();
        spec.recurrent.weights = weights.data();
        spec.recurrent.delays = kind.max_delay > 1 ? delays.data() : nullptr;
        spec.recurrent.source_channel = channel.data();
        if (kind.short_term) {
            spec.recurrent.utilisation = utilisation.data();
            spec.recurrent.depression = spec.recurrent.facilitation = rates.data();
        }
        spec.input.n_sources = static_cast<int64_t>(input_start.size()) - 1;
        spec.input.start = input_start.data();
        spec.input.targets = input_targets.data();
        spec.input.weights = input_weights.data();
        spec.input_refractory = kind.input_refractory;
        spec.narrow = kind.narrow;
        return spec;
    }
};

constexpr int64_t kSteps = 300;
constexpr int64_t kSlots = 5;
constexpr int64_t kInputs = 11;

// What was seen of some presentations.
template <class T>
struct Seen {
    std::vector<T> counts, traces, potentials;
    std::vector<std::int32_t> spikes;
    int64_t n_spikes = 0;
};

enum class Shown { rates, events, currents };

template <class T>
void begin(LiquidBatch<T>& batch, Shown shown) {
    const std::vector<int64_t> lengths{kSteps, kSteps - 1, 1, 0, kSteps};
    Numbers numbers{9};
    if (shown == Shown::rates) {
        std::vector<double> probabilities(at(kSlots * kInputs));
        for (double& p : probabilities) p = std::max(0.0, numbers.next() / 2);
        probabilities[0] = 1;
        batch.begin_rates(lengths, probabilities.data(), 77);
    } else if (shown == Shown::events) {
        std::vector<int64_t> offsets{0};
        std::vector<std::int32_t> steps, inputs;
        for (int64_t s = 0; s < kSlots; ++s) {
            for (std::int32_t e = 0; e < 200; ++e) {
                steps.push_back(e);
                inputs.push_back(static_cast<std::int32_t>((e * e + s) % kInputs));
            }
            offsets.push_back(static_cast<int64_t>(steps.size()));
        }
        batch.begin_events(lengths, offsets.data(), steps.data(), inputs.data());
    } else {
        const std::vector<int64_t> n_rows{kSteps / 3, 50, 1, 0, kSteps / 3};
        int64_t total = 0;
        for (const int64_t n : n_rows) total += n;
        const std::vector<T> rows = numbers.take<T>(total * kInputs);
        batch.begin_currents(n_rows, rows.data(), 3);
    }
}

template <class T>
Seen<T> run(const Arrays<T>& arrays, Shown shown, int64_t stretch, int n_threads) {
    auto liquid = std::make_shared<const Liquid<T>>(arrays.spec());
    std::vector<std::int32_t> all(at(arrays.n_units));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
    LiquidBatch<T> batch(liquid, kSlots, T(0.875), true, all, {0});
    begin(batch, shown);
    Seen<T> seen;
    for (int64_t t = 0; t < kSteps; t += stretch) {
        Samples<T> samples;
        for (int64_t s = 0; s < kSlots; ++s) {
            for (int64_t step = t; step < std::min(t + stretch, batch.view(s).length); ++step) {
                if (step % 50 == 49) samples.when.push_back({s, step});
            }
        }
        const std::size_t n = samples.when.size() * at(arrays.n_units);
        std::vector<T> counts(n), traces(n), potentials(n);
        samples.counts = counts.data();
        samples.traces = traces.data();
        samples.potentials = potentials.data();
        batch.advance(stretch, samples, n_threads);
        // In the order of stretches: only runs that are cut alike can be compared through these.
        seen.counts.insert(seen.counts.end(), counts.begin(), counts.end());
        seen.traces.insert(seen.traces.end(), traces.begin(), traces.end());
        seen.potentials.insert(seen.potentials.end(), potentials.begin(), potentials.end());
    }
    for (int64_t s = 0; s < kSlots; ++s) {
        for (const RecordedSpike& spike : batch.view(s).recorded) {
            seen.spikes.insert(seen.spikes.end(), {static_cast<std::int32_t>(s), spike.step, spike.unit});
        }
        seen.n_spikes += batch.view(s).totals.spikes;
        CHECK(batch.view(s).steps_done == batch.view(s).length);
    }
    CHECK(static_cast<int64_t>(seen.spikes.size()) == 3 * seen.n_spikes);
    return seen;
}

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {NeuronModel::lif, SynapseKind::exponential, 1, 1, false, false, false, -1},
        {NeuronModel::lif, SynapseKind::exponential, 2, 1, true, false, false, 2},
        {NeuronModel::lif, SynapseKind::double_exponential, 2, 9, false, false, true, -1},
        {NeuronModel::lif, SynapseKind::delta, 1, 3, false, true, false, 0},
        {NeuronModel::izhikevich, SynapseKind::exponential, 1, 1, true, false, true, -1},
        {NeuronModel::izhikevich, SynapseKind::delta, 2, 20, false, true, false, 1},
    };
    return all;
}

template <class T>
std::uint64_t test_runs() {
    std::uint64_t hash = 0;
    for (const Kind& kind : kinds()) {
        for (const int64_t n_units : {1, 16, 37}) {
            Numbers numbers{static_cast<std::uint32_t>(n_units)};
            const Arrays<T> arrays(kind, n_units, kInputs, numbers);
            for (const Shown shown : {Shown::rates, Shown::events, Shown::currents}) {
                const Seen<T> whole = run(arrays, shown, kSteps, 1);
                const Seen<T> cut = run(arrays, shown, 7, 3);
                CHECK(whole.spikes == cut.spikes);
                CHECK(same_bits(whole.counts, run(arrays, shown, kSteps, 2).counts));
                CHECK(n_units == 1 || whole.n_spikes > 0);
                hash = 31 * hash + hash_of(whole.spikes) + hash_of(whole.traces) + hash_of(whole.potentials);
            }
        }
    }
    return hash;
}

// Weights that learn stay within their bounds, and threads and stretches change no bit.
template <class T>
void test_learning() {
    for (const bool keep : {false, true}) {
        Numbers numbers{3};
        Arrays<T> arrays({NeuronModel::lif, SynapseKind::exponential, 2, 3, true, false, false, 2}, 37, kInputs,
                         numbers);
        for (std::size_t j = 0; j < arrays.channel.size(); ++j) {
            for (int64_t k = arrays.start[j]; k < arrays.start[j + 1]; ++k) {
                arrays.weights[at(k)] = std::fabs(arrays.weights[at(k)]) * (arrays.channel[j] == 0 ? 1 : -1);
            }
        }
        StdpRule<T> rule;
        rule.a_plus = rule.a_minus = T(0.15);
        rule.trace_step = T(0.1);
        rule.trace_decay = T(0.9);
        rule.w_max = T(3);
        rule.fade = T(1);
        rule.astrocyte.rate = T(0.01);
        rule.astrocyte.units = rule.astrocyte.inputs = T(0.1);
        rule.astrocyte.bias = T(0.15);
        for (auto& onto : rule.changed.onto) onto[0] = onto[1] = true;
        const std::size_t n = arrays.channel.size();
        InhibitoryRule<T> inhibition;
        inhibition.learning_rate = T(0.1);
        inhibition.trace_decay = T(0.9);
        inhibition.w_max = T(3);
        inhibition.fade = T(1);
        inhibition.alpha.assign(n, T(0.5));
        inhibition.changed.onto[kInhibitory][0] = true;
        ThresholdRule<T> thresholds;
        thresholds.learning_rate = T(0.1);
        thresholds.most = T(0.5);
        thresholds.fade = T(1);
        thresholds.target.assign(n, T(0.1));
        ScalingRule<T> scaling;
        scaling.learning_rate = T(0.1);
        scaling.rate_decay = T(0.9);
        scaling.w_max = T(3);
        scaling.fade = T(1);
        scaling.interval = 10;
        scaling.target.assign(n, T(0.1));
        scaling.changed = rule.changed;
        const Rules<T> rules{
            std::make_shared<const StdpRule<T>>(rule), std::make_shared<const InhibitoryRule<T>>(inhibition),
            std::make_shared<const ThresholdRule<T>>(thresholds), std::make_shared<const ScalingRule<T>>(scaling)};
        std::vector<char> excitatory;
        for (const std::uint8_t channel : arrays.channel) excitatory.push_back(channel == 0);
        auto liquid = std::make_shared<const Liquid<T>>(arrays.spec());
        LiquidBatch<T> whole(liquid, kSlots, T(0), false, {}, {}, rules, excitatory, keep);
        LiquidBatch<T> cut(liquid, kSlots, T(0), false, {}, {}, rules, excitatory, keep);
        for (int again = 0; again < 2; ++again) {
            begin(whole, Shown::rates);
            begin(cut, Shown::rates);
            whole.advance(kSteps, {}, 1);
            for (int64_t t = 0; t < kSteps; t += 7) cut.advance(7, {}, 3);
        }
        for (int64_t s = 0; s < kSlots; ++s) {
            const auto& weights = whole.learned(s).plastic().recurrent;
            CHECK(weights == cut.learned(s).plastic().recurrent);
            CHECK(whole.learned(s).plastic().input == cut.learned(s).plastic().input);
            for (std::size_t j = 0; j < arrays.channel.size(); ++j) {
                for (int64_t k = arrays.start[j]; k < arrays.start[j + 1]; ++k) {
                    const T w = arrays.channel[j] == 0 ? weights[at(k)] : -weights[at(k)];
                    CHECK(w >= 0 && w <= 3);
                }
            }
        }
    }
}

// Row after row, with copies and states in between, is what all at once is.
template <class T>
void test_row_by_row() {
    for (const Kind& kind : kinds()) {
        Numbers numbers{5};
        const int64_t n_units = 37, n_rows = 40, steps_per_row = 3;
        const Arrays<T> arrays(kind, n_units, kInputs, numbers);
        auto liquid = std::make_shared<const Liquid<T>>(arrays.spec());
        const std::vector<T> rows = numbers.take<T>(n_rows * kInputs);
        LiquidBatch<T> batch(liquid, 1, T(0.875), true, {}, {});
        batch.begin_currents({n_rows}, rows.data(), steps_per_row);
        Samples<T> samples;
        for (int64_t t = 0; t < n_rows; ++t) samples.when.push_back({0, (t + 1) * steps_per_row - 1});
        std::vector<T> counts(at(n_rows * n_units)), traces(counts), potentials(counts);
        samples.counts = counts.data();
        samples.traces = traces.data();
        samples.potentials = potentials.data();
        batch.advance(n_rows * steps_per_row, samples, 1);
        const LiquidReading reading{
            {LiquidFeature::traces, LiquidFeature::counts, LiquidFeature::potentials}, true, false, 0.875};
        std::unique_ptr<Memory<double>> memory =
            std::make_unique<LiquidMemory<T>>(liquid, kInputs, steps_per_row, reading);
        LiquidMemory<T> other(liquid, kInputs, steps_per_row, reading);
        std::vector<double> state(at(memory->n_state())), features(at(memory->n_features()));
        for (int64_t t = 0; t < n_rows; ++t) {
            if (t % 7 == 6) memory = memory->clone();
            memory->store(state.data());
            other.load(state.data());
            const std::vector<double> row(rows.data() + t * kInputs, rows.data() + (t + 1) * kInputs);
            for (Memory<double>* each : {memory.get(), static_cast<Memory<double>*>(&other)}) {
                each->step(row.data(), features.data());
                for (int64_t i = 0; i < n_units; ++i) {
                    CHECK(features[at(i)] == static_cast<double>(traces[at(t * n_units + i)]));
                    CHECK(features[at(n_units + i)] == static_cast<double>(counts[at(t * n_units + i)]));
                    CHECK(features[at(2 * n_units + i)] == static_cast<double>(potentials[at(t * n_units + i)]));
                }
            }
        }
        // Of integers, what is none or out of range.
        for (const double bad : {0.5, -7.0, 1e300}) {
            std::vector<double> wrong = state;
            wrong[at(n_units)] = bad;
            CHECK_REFUSED((other.load(wrong.data()), 0));
        }
        const std::vector<std::int32_t> beyond{0, kInputs};
        CHECK_REFUSED((other.show_events(2, 2, beyond.data(), beyond.data()), 0));
        CHECK_REFUSED((other.show_events(int64_t{1} << 31, 0, nullptr, nullptr), 0));
        CHECK_REFUSED((batch.begin_currents({1, 1}, rows.data(), 1, true), 0));
        LiquidMemory<T> encoded(liquid, 1, 0, reading);
        CHECK_REFUSED((encoded.step(features.data(), features.data()), 0));
    }
}

// Potentials that somebody looks at must not have been reset yet: without, units integrate and fire in one pass.
template <class T>
void test_one_pass(bool alike) {
    Numbers numbers{11};
    constexpr int64_t kUnits = 40;
    Arrays<T> arrays(kinds()[0], kUnits, kInputs, numbers);
    for (T& value : arrays.parameters) {
        const T factor = T(1) + T(numbers.next()) / 4;
        if (!alike && value < T(1.5)) value *= factor;  // refractory periods are whole steps
    }
    const auto liquid = std::make_shared<const Liquid<T>>(arrays.spec());
    const std::vector<double> probabilities(at(kInputs), 0.3);
    std::vector<T> counts[2];
    for (const bool watched : {false, true}) {
        LiquidBatch<T> batch(liquid, 1, T(0), false, {},
                             watched ? std::vector<std::int32_t>{0} : std::vector<std::int32_t>{});
        batch.begin_rates({kSteps}, probabilities.data(), 3);
        counts[watched].resize(at(kUnits));
        Samples<T> samples;
        samples.when = {{0, kSteps - 1}};
        samples.counts = counts[watched].data();
        batch.advance(kSteps, samples, 1);
    }
    CHECK(std::any_of(counts[0].begin(), counts[0].end(), [](T n) { return n > 0; }));
    CHECK(std::any_of(counts[0].begin(), counts[0].end(), [](T n) { return n < kSteps / 4; }));
    CHECK(same_bits(counts[0], counts[1]));
}

template <class T>
void test_refusals() {
    Numbers numbers{1};
    const Kind plain = kinds()[0];
    const auto refuse = [&](const auto& spoil) {
        Arrays<T> arrays(plain, 4, 2, numbers);
        spoil(arrays);
        CHECK_REFUSED(Liquid<T>(arrays.spec()));
    };
    refuse([](Arrays<T>& a) { a.targets[0] = 4; });
    refuse([](Arrays<T>& a) { a.targets[0] = -1; });
    refuse([](Arrays<T>& a) { a.start[1] = 100; });
    refuse([](Arrays<T>& a) { a.start[0] = 1; });
    refuse([](Arrays<T>& a) { a.channel[0] = 1; });
    refuse([](Arrays<T>& a) { a.kind.max_delay = 2, a.delays[3] = 0; });
    refuse([](Arrays<T>& a) { a.kind.nearest = a.kind.short_term = true; });
    refuse([](Arrays<T>& a) { a.kind.nearest = true, a.decay[1] = T(0.5); });
    const Arrays<T> arrays(plain, 4, 2, numbers);
    auto liquid = std::make_shared<const Liquid<T>>(arrays.spec());
    CHECK_REFUSED(LiquidBatch<T>(liquid, 0, T(0), false, {}, {}));
    CHECK_REFUSED(LiquidBatch<T>(liquid, 1, T(1), false, {}, {}));
    CHECK_REFUSED(LiquidBatch<T>(liquid, 1, T(0), false, {4}, {}));
    LiquidBatch<T> batch(liquid, 1, T(0), false, {}, {});
    const std::vector<double> wrong{0.5, 1.5};
    CHECK_REFUSED(batch.begin_rates({10}, wrong.data(), 0));
    const std::vector<int64_t> offsets{0, 2};
    const std::vector<std::int32_t> backwards{1, 0}, inputs{0, 1}, beyond{0, 2};
    CHECK_REFUSED(batch.begin_events({10}, offsets.data(), backwards.data(), inputs.data()));
    CHECK_REFUSED(batch.begin_events({10}, offsets.data(), inputs.data(), beyond.data()));
    batch.begin_events({10}, offsets.data(), inputs.data(), inputs.data());
    Samples<T> late;
    late.when = {{0, 10}};
    CHECK_REFUSED(batch.advance(20, late, 1));
}

}  // namespace

void test_liquids() {
    test_refusals<float>();
    test_refusals<double>();
    for (const bool alike : {false, true}) {
        test_one_pass<float>(alike);
        test_one_pass<double>(alike);
    }
    test_learning<float>();
    test_learning<double>();
    test_row_by_row<float>();
    test_row_by_row<double>();
    const std::uint64_t of_float = test_runs<float>();
    const std::uint64_t of_double = test_runs<double>();
    constexpr std::uint64_t kFloat = 8552057853759899445u;
    constexpr std::uint64_t kDouble = 15249889422408925143u;
    if (of_float != kFloat || of_double != kDouble) {
        std::fprintf(stderr, "hashes %llu %llu\n", static_cast<unsigned long long>(of_float),
                     static_cast<unsigned long long>(of_double));
    }
    CHECK(of_float == kFloat && of_double == kDouble);
}
