// Streams and readouts that learn, on arrays exactly as long as they have to be.

#include "streams.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "check.hpp"
#include "numbers.hpp"
#include "reservoirs/nvar.hpp"
#include "reservoirs/online.hpp"
#include "reservoirs/stream.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

template <class T>
std::shared_ptr<Network<T>> make_network(int64_t n_units, int64_t n_inputs, Numbers& numbers) {
    std::vector<T> dense = numbers.take<T>(n_units * n_units);
    for (T& weight : dense) weight /= static_cast<T>(n_units);
    const std::vector<T> input_weights = numbers.take<T>(n_units * n_inputs), bias = numbers.take<T>(n_units);
    const std::vector<T> leak(at(n_units), T(0.75)), keep(at(n_units), T(0.25));
    NetworkSpec<T> spec;
    spec.stage_sizes = {n_units};
    spec.n_inputs = n_inputs;
    spec.weights.dense = dense.data();
    spec.input_weights = input_weights.data();
    spec.bias = bias.data();
    spec.leak = leak.data();
    spec.keep = keep.data();
    spec.activation = Activation::tanh;
    return std::make_shared<Network<T>>(spec);
}

template <class T>
std::shared_ptr<LinearReadout<T>> make_readout(int64_t n_outputs, int64_t n_features, Numbers& numbers) {
    const std::vector<T> coef = numbers.take<T>(n_outputs * n_features), intercept = numbers.take<T>(n_outputs);
    return std::make_shared<LinearReadout<T>>(coef.data(), intercept.data(), n_outputs, n_features);
}

// A stream that feeds its outputs back does what a closed loop does.
template <class T>
void test_closed_loop(Numbers& numbers) {
    const int64_t n_units = 21, n_external = 2, n_outputs = 3, n_steps = 9;
    const auto network = make_network<T>(n_units, n_external + n_outputs, numbers);
    const auto readout = make_readout<T>(n_outputs, n_units + n_external + n_outputs, numbers);
    const std::vector<T> external = numbers.take<T>(n_steps * n_external);
    std::vector<T> states(at(n_units)), fed_back(at(n_outputs)), expected(at(n_steps * n_outputs));
    ClosedLoop<T> job{1,    n_steps, external.data(), states.data(), fed_back.data(), readout.get(),
                      true, false,   expected.data()};
    network->closed_loop(job);
    StreamSpec<T> spec;
    spec.memory = std::make_unique<NetworkMemory<T>>(network, true, false);
    spec.readout = readout;
    spec.n_fed_back = n_outputs;
    Stream<T> stream(std::move(spec));
    std::vector<T> outputs(expected.size());
    for (int64_t t = 0; t < n_steps; ++t) {
        stream.step(external.data() + t * n_external, nullptr, outputs.data() + t * n_outputs);
    }
    CHECK(same_bits(outputs, expected));
    std::vector<T> state(at(stream.n_state()));
    stream.store(state.data());
    stream.reset();
    stream.load(state.data());
    CHECK(std::equal(states.begin(), states.end(), state.begin()));
    const std::vector<T> bad{T(0), std::numeric_limits<T>::quiet_NaN()};
    CHECK_REFUSED((stream.step(bad.data(), nullptr, outputs.data()), 0));
}

// A forecaster with one variable and what it remembers of it; its copies go on by themselves.
template <class T>
void test_forecasts(Numbers& numbers) {
    const NvarSpec nvar{2, 3, 2, 2, {0, 5, 1, -1}};
    StreamSpec<T> spec;
    spec.memory = std::make_unique<DelayLine<T>>(nvar);
    spec.readout = make_readout<T>(1, 8, numbers);
    const LinearReadout<double> start(std::vector<double>(8).data(), std::vector<double>(1).data(), 1, 8);
    spec.learner = std::make_unique<RecursiveLeastSquares<double>>(start, 0.9, 0.1, FeatureMoments<double>{});
    spec.n_fed_back = 1;
    spec.forecasts = spec.increments = true;
    spec.of_external = {{1.0}, {2.0}};
    spec.of_series = {{0.5}, {0.25}};
    spec.missing = Missing::hold;
    Stream<T> stream(std::move(spec));
    T output;
    CHECK_REFUSED((stream.step(&output, &output, &output), 0));
    for (int64_t t = 0; t < 40; ++t) {
        const std::vector<T> x = numbers.take<T>(1), y = numbers.take<T>(1);
        const double truth = static_cast<double>(y[0]);
        if (t > 0) stream.learn(&truth);
        stream.step(x.data(), t == 0 || t == 17 ? nullptr : y.data(), &output);
        CHECK(stream.ready() == (t > 4));
    }
    Stream<T> alone = stream.running_on();
    const T x = 1;
    alone.step(&x, nullptr, &output);
    CHECK(std::isfinite(output));
    const double infinite = std::numeric_limits<double>::infinity();
    CHECK_REFUSED((stream.learn(&infinite), 0));
}

template <class T>
void test_pooling(Numbers& numbers) {
    const int64_t n_units = 5, n_features = 8;
    const std::vector<double> coef = numbers.take<double>(2 * 2 * n_features), intercept{0.5, -0.5};
    PooledStream<T> stream(std::make_unique<NetworkMemory<T>>(make_network<T>(n_units, 3, numbers), true, false), 2,
                           true, true, Missing::skip, coef.data(), intercept.data(), 2);
    for (int64_t t = 1; t < 8; ++t) {
        stream.step(t == 4 ? nullptr : numbers.take<T>(3).data());
        CHECK((stream.decide() < 0) == (t <= 2));
    }
    CHECK(stream.n_pooled_rows() == 4);
    std::vector<double> pooled(at(stream.n_pooled())), state(at(stream.n_state())), scores(2);
    stream.pool(pooled.data());
    class_scores(pooled.data(), 1, stream.n_pooled(), coef.data(), intercept.data(), 2, scores.data());
    CHECK(stream.decide() == (scores[1] > scores[0]));
    stream.store(state.data());
    PooledStream<T> copy(stream);
    copy.reset();
    CHECK(copy.decide() < 0);
    copy.load(state.data());
    CHECK(copy.decide() == stream.decide());
    CHECK_REFUSED((stream.learn(0), 0));
    // Told often enough what the rows so far are, it says so.
    const LinearReadout<double> start(coef.data(), intercept.data(), 2, stream.n_pooled());
    PooledStream<T> pupil(std::make_unique<NetworkMemory<T>>(make_network<T>(n_units, 3, numbers), true, false), 0,
                          true, true, Missing::skip, coef.data(), intercept.data(), 2,
                          std::make_unique<LeastMeanSquares<double>>(start, 0.5, true));
    CHECK_REFUSED((pupil.learn(0), 0));
    pupil.step(numbers.take<T>(3).data());
    CHECK_REFUSED((pupil.learn(2), 0));
    for (const int64_t code : {1, 0, 1}) {
        for (int again = 0; again < 30; ++again) pupil.learn(code);
        CHECK(pupil.decide() == code && PooledStream<T>(pupil).decide() == code);
    }
}

// Least squares of y = 2 x + 1, whatever the number of features beside x.
template <class T>
void test_learning(Numbers& numbers) {
    for (int64_t n = 1; n < 36; n += 7) {
        const std::vector<T> zeros(at(n)), zero(1);
        const LinearReadout<T> start(zeros.data(), zero.data(), 1, n);
        RecursiveLeastSquares<T> rls(start, T(0.99), T(1e-3), {});
        LeastMeanSquares<T> lms(start, T(0.5), true);
        for (int64_t t = 0; t < 60 * n + 60; ++t) {
            const std::vector<T> x = numbers.take<T>(n);
            const T y = 2 * x[0] + 1;
            rls.learn(x.data(), &y);
            lms.learn(x.data(), &y);
        }
        for (const OnlineReadout<T>* online :
             {static_cast<OnlineReadout<T>*>(&rls), static_cast<OnlineReadout<T>*>(&lms)}) {
            CHECK(std::fabs(online->readout().coef(0)[0] - 2) < T(0.05));
            CHECK(std::fabs(online->readout().intercept()[0] - 1) < T(0.05));
        }
        std::vector<T> factor(at(n * n)), diagonal(at(n));
        rls.store_factor(factor.data(), diagonal.data());
        FeatureMoments<T> known{factor.data(), diagonal.data(), rls.mean(), rls.weight()};
        RecursiveLeastSquares<T> again(rls.readout(), T(1), T(1e-3), known);
        std::vector<T> same(at(n * n));
        again.store_factor(same.data(), diagonal.data());
        CHECK(same_bits(same, factor));
        diagonal[0] = 0;
        CHECK_REFUSED((RecursiveLeastSquares<T>(start, T(1), T(1), known), 0));
    }
}

template <class T>
void test_type() {
    Numbers numbers{21};
    test_closed_loop<T>(numbers);
    test_forecasts<T>(numbers);
    test_pooling<T>(numbers);
    test_learning<T>(numbers);
}

}  // namespace

void test_streams() {
    test_type<float>();
    test_type<double>();
}
