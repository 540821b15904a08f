// Networks: sequences in lanes and alone, readouts, closed loops (of NVAR, too), and what is refused.

#include "networks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "check.hpp"
#include "numbers.hpp"
#include "reservoirs/network.hpp"
#include "reservoirs/nvar.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

// A network, the arrays it is made of, and the loop over them that says what it should do.
template <class T>
struct Model {
    std::vector<int64_t> stages;
    int64_t n_units = 0;
    int64_t n_inputs;
    Activation activation;
    std::vector<T> dense, input_weights, bias, leak, keep, values;
    std::vector<int64_t> row_start{0};
    std::vector<std::int32_t> columns;

    bool mixes, potentials;
    int64_t n_remembered;
    int64_t n_state;
    std::vector<T> gates;
    Storage storage = Storage::own;

    Model(std::vector<int64_t> stages_, int64_t n_inputs_, double density, Activation activation_, Numbers& numbers,
          bool mixes_ = false, bool potentials_ = false, int64_t n_remembered_ = 0, bool gated = false)
        : stages(std::move(stages_)),
          n_inputs(n_inputs_),
          activation(activation_),
          mixes(mixes_),
          potentials(potentials_),
          n_remembered(n_remembered_) {
        for (const int64_t size : stages) n_units += size;
        n_state = n_remembered > 0 ? n_remembered * (n_units + n_inputs) : n_units;
        dense.assign(at(n_units * n_state), T(0));
        for (int64_t i = 0; i < n_units; ++i) {
            for (int64_t j = 0; j < n_state; ++j) {
                const auto weight = static_cast<T>(numbers.next() / 4);
                if (numbers.next() >= 2 * density - 1) continue;
                dense[at(i * n_state + j)] = weight;
                values.push_back(weight);
                columns.push_back(static_cast<std::int32_t>(j));
            }
            row_start.push_back(static_cast<int64_t>(columns.size()));
        }
        input_weights = numbers.take<T>(stages[0] * n_inputs);
        bias = numbers.take<T>(n_units);
        for (const T x : numbers.take<T>(n_units)) leak.push_back(T(0.5) + x / 2);
        for (const T a : leak) keep.push_back(mixes || potentials ? a - T(0.75) : T(1) - a);
        if (gated) gates = numbers.take<T>(n_units * n_inputs);
    }

    // Makes the weights such that they are stored in fewer bits.
    Model stored(Storage as) const {
        Model model = *this;
        model.storage = as;
        for (int64_t i = 0, k = 0; i < n_units; ++i) {
            for (const int64_t first = k; k < row_start[at(i + 1)]; ++k) {
                T& weight = model.values[at(k)];
                weight = std::round(weight * 128) / 512;
                // Scales of 8 bits are the largest weight of a row divided by 127.
                if (as == Storage::int8 && k == first) weight = T(127) / 512;
                model.dense[at(i * n_state + columns[at(k)])] = weight;
            }
        }
        return model;
    }

    // Makes every block of 16 units read strips of 16 units, turned; all leak alike.
    Model in_strips(Numbers& numbers) const {
        Model model = *this;
        model.dense.assign(dense.size(), T(0));
        model.values.clear();
        model.columns.clear();
        model.row_start = {0};
        for (int64_t i = 0; i < n_units; ++i) {
            for (int64_t strip = 0; strip + 16 <= n_units; strip += 16) {
                const int64_t j = strip + (i + 5 * (i / 16)) % 16;
                model.values.push_back(static_cast<T>(numbers.next() / 4));
                model.columns.push_back(static_cast<std::int32_t>(j));
                model.dense[at(i * n_state + j)] = model.values.back();
            }
            model.row_start.push_back(static_cast<int64_t>(model.columns.size()));
        }
        model.leak.assign(leak.size(), T(0.25));
        model.keep.assign(keep.size(), T(0.75));
        return model;
    }

    // Makes new states hold nothing of the old.
    Model without_leak() const {
        Model model = *this;
        model.leak.assign(leak.size(), T(1));
        model.keep.assign(keep.size(), T(0));
        return model;
    }

    Network<T> network(bool as_dense) const {
        NetworkSpec<T> spec;
        spec.stage_sizes = stages;
        spec.n_inputs = n_inputs;
        // The mixing, in the other form, has the recurrent weights: one matrix shows as well as two what reads it.
        const MatrixSpec<T> rows{nullptr, nullptr, nullptr, dense.data()};
        const MatrixSpec<T> links{row_start.data(), columns.data(), values.data(), nullptr};
        spec.weights = as_dense ? rows : links;
        if (mixes) spec.mixing = as_dense ? links : rows;
        spec.input_weights = input_weights.data();
        spec.bias = bias.data();
        spec.leak = leak.data();
        spec.keep = keep.data();
        spec.activation = activation;
        spec.potentials = potentials;
        spec.n_remembered = n_remembered;
        if (!gates.empty()) spec.gates = gates.data();
        return Network<T>(spec);
    }

    T activate(T z) const {
        if (activation == Activation::relu) return z > 0 ? z : T(0);
        if (activation != Activation::identity) kernels<T>().activate[static_cast<int>(activation)](&z, 1, &z);
        return z;
    }

    // What units in these states show.
    std::vector<T> shown(const T* x) const {
        std::vector<T> y(x, x + n_units);
        for (T& value : y) value = potentials ? activate(value) : value;
        return y;
    }

    // What units in these states send, and have sent.
    std::vector<T> sent(const T* u, const T* x) const {
        if (n_remembered > 0) return std::vector<T>(x, x + n_state);
        std::vector<T> y = shown(x);
        for (int64_t i = 0; i < n_units && !gates.empty(); ++i) {
            T gate = 1;
            for (int64_t j = 0; j < n_inputs; ++j) gate = std::fma(gates[at(i * n_inputs + j)], u[j], gate);
            y[at(i)] *= gate;
        }
        return y;
    }

    T mixed(int64_t i, const T* x) const {
        T sum = 0;
        for (int64_t k = row_start[at(i)]; k < row_start[at(i + 1)]; ++k) {
            sum = std::fma(values[at(k)], x[columns[at(k)]], sum);
        }
        return sum;
    }

    void step(const T* u, T* x) const {
        const std::vector<T> past(x, x + n_state);
        std::vector<T> carried(x, x + n_units);
        for (int64_t i = 0; i < n_units && mixes; ++i) carried[at(i)] = mixed(i, x);
        int64_t first = 0;
        for (const int64_t size : stages) {
            const std::vector<T> before = sent(u, x);
            for (int64_t i = first; i < first + size; ++i) {
                T sum = bias[at(i)];
                for (int64_t j = 0; j < n_inputs && first == 0; ++j) {
                    sum = std::fma(input_weights[at(i * n_inputs + j)], u[j], sum);
                }
                for (int64_t k = row_start[at(i)]; k < row_start[at(i + 1)]; ++k) {
                    sum = std::fma(values[at(k)], before[at(columns[at(k)])], sum);
                }
                const T kept = keep[at(i)] * carried[at(i)];
                sum += T(0);
                x[i] = std::fma(leak[at(i)], potentials ? sum : activate(sum), kept);
            }
            first += size;
        }
        if (n_remembered > 0) {
            std::copy_n(past.data(), n_state - n_units - n_inputs, std::copy_n(u, n_inputs, x + n_units));
        }
    }
};

// Sequences of the given lengths, in lanes or alone as the core pleases, from the third step on stored.
template <class T>
void test_harvest(const Model<T>& model, const std::vector<int64_t>& lengths, Numbers& numbers) {
    const int64_t n = model.n_units, n_state = model.n_state;
    const auto n_sequences = static_cast<int64_t>(lengths.size());
    std::vector<Stretch> stretches;
    int64_t n_rows = 0;
    int64_t n_stored = 0;
    for (const int64_t length : lengths) {
        stretches.push_back({n_rows, n_rows + length, n_rows + 2, n_stored});
        n_rows += length;
        n_stored += std::max<int64_t>(0, length - 2);
    }
    const std::vector<T> inputs = numbers.take<T>(n_rows * model.n_inputs);
    const std::vector<T> start = numbers.take<T>(n_sequences * n_state);
    std::vector<T> expected_states = start;
    std::vector<T> expected(at(n_stored * n));
    for (int64_t s = 0; s < n_sequences; ++s) {
        T* x = expected_states.data() + s * n_state;
        const Stretch& stretch = stretches[at(s)];
        for (int64_t row = stretch.begin; row < stretch.end; ++row) {
            model.step(inputs.data() + row * model.n_inputs, x);
            if (row < stretch.store_from) continue;
            const std::vector<T> row_shown = model.shown(x);
            std::copy_n(row_shown.data(), n, expected.data() + (stretch.out_row + row - stretch.store_from) * n);
        }
    }
    for (const bool as_dense : {false, true}) {
        if (as_dense && model.n_remembered > 0) continue;
        const Network<T> network = model.network(as_dense);
        // No weights, or a few, happen to fit 8 bits.
        CHECK(network.storage() == model.storage || network.storage() == Storage::int8);
        for (const int n_threads : {1, 3}) {
            std::vector<T> states = start;
            std::vector<T> out(expected.size());
            Harvest<T> job;
            job.inputs = inputs.data();
            job.stretches = stretches;
            job.states = states.data();
            job.out = out.data();
            job.out_stride = n;
            job.n_threads = n_threads;
            job.past_caches = n_threads > 1;
            network.harvest(job);
            CHECK(same_bits(out, expected));
            CHECK(same_bits(states, expected_states));
        }
    }
}

template <class T>
void test_lengths(const Model<T>& model, Numbers& numbers) {
    test_harvest(model, {4}, numbers);
    test_harvest(model, {4, 1, 7}, numbers);
    std::vector<int64_t> ragged;
    for (int64_t i = 0; i < 35; ++i) ragged.push_back((i * 37) % 8);
    test_harvest(model, ragged, numbers);
    test_harvest(model, std::vector<int64_t>(7, 3), numbers);
}

template <class T>
void test_shapes() {
    Numbers numbers{1};
    const std::vector<std::vector<int64_t>> shapes{{1}, {16}, {33}, {50}, {3, 3}, {17, 17, 17}};
    int kind = 0;
    for (const auto& stages : shapes) {
        for (const double density : {0.0, 0.2, 1.0}) {
            const Model<T> model(stages, kind % 4, density, static_cast<Activation>(kind % kActivations), numbers,
                                 kind % 3 == 1, kind % 3 == 2);
            ++kind;
            test_lengths(model, numbers);
            if (model.values.empty()) continue;
            test_lengths(model.stored(Storage::bfloat16), numbers);
            test_lengths(model.stored(Storage::int8), numbers);
        }
    }
    // Long enough, and with steps large enough, for two processors to share them.
    test_harvest(Model<T>({150}, 2, 0.9, Activation::tanh, numbers), {6000}, numbers);
    for (const int64_t n_remembered : {1, 2, 5}) {
        const Model<T> late({33}, n_remembered % 3, 0.2, Activation::tanh, numbers, false, false, n_remembered);
        test_lengths(late, numbers);
    }
    for (const int64_t n_units : {16, 50, 150}) {
        const Activation activation = n_units == 50 ? Activation::logistic : Activation::tanh;
        const Model<T> strips = Model<T>({n_units}, 2, 0.5, activation, numbers).in_strips(numbers);
        test_lengths(strips, numbers);
        test_lengths(strips.without_leak(), numbers);
        test_lengths(strips.stored(Storage::bfloat16), numbers);
        test_lengths(strips.stored(Storage::int8), numbers);
    }
    for (const int64_t n_units : {9, 50}) {
        for (const bool mixes : {false, true}) {
            const Model<T> model({n_units, 20}, 2, 0.4, Activation::tanh, numbers, mixes);
            test_lengths(model.without_leak(), numbers);
            test_lengths(model.stored(Storage::int8).without_leak(), numbers);
        }
    }
    for (const bool potentials : {false, true}) {
        test_lengths(Model<T>({17}, 2, 0.4, Activation::tanh, numbers, false, potentials, 0, true), numbers);
    }
}

// Groups of lanes that share each read of weights which fill more than a cache.
template <class T>
void test_large_batches() {
    Numbers numbers{5};
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < 70; ++i) lengths.push_back((i * 37) % 4);
    const Model<T> model({380}, 1, 1.0, Activation::tanh, numbers);
    test_harvest(model, lengths, numbers);
    test_harvest(model.stored(Storage::int8), lengths, numbers);
    // States that do not fit a cache.
    for (int64_t i = 70; i < 128; ++i) lengths.push_back((i * 37) % 4);
    const Model<T> larger({1100}, 1, 1.0, Activation::tanh, numbers);
    test_harvest(larger, lengths, numbers);
    test_harvest(larger.without_leak(), lengths, numbers);
    test_harvest(larger.stored(Storage::int8), lengths, numbers);
    // So many links that lanes go through them in parts.
    const Model<T> sparse({1100}, 1, 0.08, Activation::tanh, numbers);
    test_harvest(sparse, lengths, numbers);
    test_harvest(sparse.without_leak(), lengths, numbers);
    test_harvest(sparse.stored(Storage::int8), lengths, numbers);
}

// Whichever way states are gathered and blocks are ordered, steps give the same bits: a processor takes one way only.
template <class T, class Index>
void test_ways_to_gather(const decltype(Kernels<T>::sparse16_step)& ways) {
    Numbers numbers{6};
    constexpr int64_t kColumns = 90;
    const std::vector<T> state = numbers.take<T>(kColumns);
    for (const int64_t n_blocks : {1, 4, 7}) {
        const int64_t n_rows = n_blocks * kBlockRows;
        std::vector<int64_t> block_start{0};
        for (int64_t block = 0; block < n_blocks; ++block) block_start.push_back(block_start.back() + (block * 5) % 3);
        const int64_t n_weights = block_start.back() * kBlockRows;
        const std::vector<T> weights = numbers.take<T>(n_weights), bias = numbers.take<T>(n_rows);
        const std::vector<T> scales = numbers.take<T>(n_rows), leak = numbers.take<T>(n_rows);
        std::vector<std::int8_t> weights8;
        std::vector<std::uint16_t> weights16;
        std::vector<Index> columns;
        for (int64_t i = 0; i < n_weights; ++i) {
            weights8.push_back(static_cast<std::int8_t>(127 * numbers.next()));
            weights16.push_back(static_cast<std::uint16_t>(0x3E00 + 256 * numbers.next()));  // about 1/8
            columns.push_back(static_cast<Index>((1 + numbers.next()) * kColumns / 2));
        }
        const void* const stored[] = {weights.data(), weights16.data(), weights8.data()};
        for (std::size_t storage = 0; storage < kStorages; ++storage) {
            std::vector<T> expected;
            for (const bool gathers : {false, true}) {
                for (const bool backwards : {false, true}) {
                    std::vector<T> next(at(n_rows));
                    StageStep<T> step{};
                    step.last_block = n_blocks;
                    step.backwards = backwards;
                    step.block_start = block_start.data();
                    step.weights = stored[storage];
                    step.scales = scales.data();
                    step.columns = columns.data();
                    step.bias = bias.data();
                    step.leak = step.keep = {leak.data(), 1};
                    step.state = state.data();
                    step.carried = bias.data();
                    step.keeps = true;
                    step.next = next.data();
                    ways[gathers][storage][static_cast<std::size_t>(Activation::tanh)](step);
                    if (expected.empty()) expected = next;
                    CHECK(same_bits(next, expected));
                }
            }
        }
    }
}

template <class T>
std::vector<T> naive_readout(const std::vector<T>& row, const std::vector<T>& coef, const std::vector<T>& intercept) {
    std::vector<T> outputs;
    for (std::size_t o = 0; o < intercept.size(); ++o) {
        std::array<T, kReadoutStripes> stripe{};
        for (std::size_t i = 0; i < row.size(); ++i) {
            T& sum = stripe[i % kReadoutStripes];
            sum = std::fma(row[i], coef[o * row.size() + i], sum);
        }
        for (std::size_t half = kReadoutStripes / 2; half > 0; half /= 2) {
            for (std::size_t s = 0; s < half; ++s) stripe[s] += stripe[s + half];
        }
        outputs.push_back(intercept[o] + stripe[0]);
    }
    return outputs;
}

template <class T>
void test_readouts() {
    Numbers numbers{2};
    for (const int64_t n_features : {0, 1, 15, 16, 17, 100}) {
        for (const int64_t n_outputs : {1, 2, 7, 8, 9, 33}) {
            const auto coef = numbers.take<T>(n_outputs * n_features);
            const auto intercept = numbers.take<T>(n_outputs);
            const auto row = numbers.take<T>(n_features);
            const LinearReadout<T> readout(coef.data(), intercept.data(), n_outputs, n_features);
            std::vector<T> outputs(at(n_outputs));
            readout.apply(row.data(), 1, n_features, outputs.data());
            CHECK(same_bits(outputs, naive_readout(row, coef, intercept)));
        }
    }
}

template <class T>
void test_closed_loop() {
    Numbers numbers{3};
    const int64_t n_sequences = 6, n_steps = 8, n_external = 2, n_outputs = 3;
    const Model<T> model({19}, n_external + n_outputs, 0.3, Activation::tanh, numbers);
    const Network<T> network = model.network(false);
    const int64_t n_features = 2 * model.n_units + model.n_inputs;
    const auto coef = numbers.take<T>(n_outputs * n_features);
    const auto intercept = numbers.take<T>(n_outputs);
    const auto external = numbers.take<T>(n_sequences * n_steps * n_external);
    auto states = numbers.take<T>(n_sequences * model.n_units);
    auto fed_back = numbers.take<T>(n_sequences * n_outputs);
    auto x = states;
    auto y = fed_back;
    std::vector<T> expected;
    for (int64_t s = 0; s < n_sequences; ++s) {
        for (int64_t t = 0; t < n_steps; ++t) {
            const T* of_step = external.data() + (s * n_steps + t) * n_external;
            std::vector<T> input(of_step, of_step + n_external);
            input.insert(input.end(), y.begin() + s * n_outputs, y.begin() + (s + 1) * n_outputs);
            T* const units = x.data() + s * model.n_units;
            model.step(input.data(), units);
            std::vector<T> row(units, units + model.n_units);
            row.insert(row.end(), input.begin(), input.end());
            for (int64_t i = 0; i < model.n_units; ++i) row.push_back(units[i] * units[i]);
            const auto outputs = naive_readout(row, coef, intercept);
            std::copy(outputs.begin(), outputs.end(), y.begin() + s * n_outputs);
            expected.insert(expected.end(), outputs.begin(), outputs.end());
        }
    }
    const LinearReadout<T> readout(coef.data(), intercept.data(), n_outputs, n_features);
    std::vector<T> outputs(expected.size());
    const ClosedLoop<T> job{
        n_sequences, n_steps, external.data(), states.data(), fed_back.data(), &readout, true, true, outputs.data(), 2};
    network.closed_loop(job);
    CHECK(same_bits(outputs, expected));
    CHECK(same_bits(states, x));
    CHECK(same_bits(fed_back, y));
    ClosedLoop<T> without_squares = job;
    without_squares.with_squares = false;
    CHECK_REFUSED(network.closed_loop(without_squares));
}

// One product of two delayed values: y(t) = y(t-1) + c + a y(t-1) + b y(t-1) y(t-3).
template <class T>
void test_nvar() {
    const T coef[] = {T(0.25), T(0), T(-0.5)}, intercept[] = {T(0.125)};
    const LinearReadout<T> readout(coef, intercept, 1, 3);
    std::vector<T> y{T(0.5), T(0.25), T(1)}, history(y.begin(), y.end() - 1), fed_back{y.back()}, outputs(7);
    const NvarSpec spec{1, 2, 2, 2, {0, 1}};
    nvar_closed_loop<T>(spec, {7, nullptr, history.data(), fed_back.data(), &readout, outputs.data()});
    for (const T output : outputs) {
        const T last = y.back();
        const T before = y[y.size() - 3];
        const auto change = naive_readout<T>({last, before, last * before}, {coef, coef + 3}, {intercept[0]});
        y.push_back(last + change[0]);
        CHECK(output == y.back());
    }
    CHECK(same_bits(history, std::vector<T>(y.end() - 3, y.end() - 1)));
}

template <class T>
void test_refusals() {
    Numbers numbers{4};
    Model<T> model({4}, 1, 1.0, Activation::tanh, numbers);
    std::swap(model.columns[0], model.columns[1]);
    CHECK_REFUSED(model.network(false));
    model.columns[0] = 4;
    CHECK_REFUSED(model.network(false));
    model.columns[0] = -1;
    CHECK_REFUSED(model.network(false));
    model.stages = {};
    CHECK_REFUSED(model.network(true));
    model.stages = {4, 0};
    CHECK_REFUSED(model.network(true));
}

// The same bits on every processor, noise included. A change means that saved models predict differently.
template <class T>
void test_pinned_bits(Activation activation, std::uint64_t expected) {
    Numbers numbers{11};
    const Model<T> model({33, 20}, 2, 0.3, activation, numbers);
    const std::vector<T> inputs = numbers.take<T>(30 * 40 * 2);
    std::vector<T> states(at(40 * model.n_units));
    std::vector<T> out(at(30 * 40 * model.n_units));
    std::vector<int64_t> sequence, first_step(40, 5);
    Harvest<T> job;
    for (int64_t s = 0; s < 40; ++s) {
        sequence.push_back(s);
        job.stretches.push_back({30 * s, 30 * s + 30 - s % 7, 30 * s, 30 * s});
    }
    job.inputs = inputs.data();
    job.states = states.data();
    job.out = out.data();
    job.out_stride = model.n_units;
    job.noise = {0.01, 12345, sequence.data(), first_step.data()};
    model.network(false).harvest(job);
    if (hash_of(out) != expected) std::fprintf(stderr, "hash %llu\n", static_cast<unsigned long long>(hash_of(out)));
    CHECK(hash_of(out) == expected);
}

template <class T>
void test_type() {
    test_shapes<T>();
    test_large_batches<T>();
    test_ways_to_gather<T, std::uint16_t>(kernels<T>().sparse16_step);
    test_ways_to_gather<T, std::uint32_t>(kernels<T>().sparse32_step);
    test_readouts<T>();
    test_closed_loop<T>();
    test_nvar<T>();
    test_refusals<T>();
}

}  // namespace

void test_networks() {
    test_type<float>();
    test_type<double>();
    test_pinned_bits<float>(Activation::tanh, 9386703042910919459u);
    test_pinned_bits<double>(Activation::logistic, 6122729817652143313u);
}
