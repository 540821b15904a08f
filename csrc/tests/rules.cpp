// Rules of adaptation: their bits are the same at every level, and what they promise of signs and sums holds.

#include "rules.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "numbers.hpp"
#include "reservoirs/simd.hpp"
#include "reservoirs/sorn.hpp"
#include "reservoirs/unit_rules.hpp"
#include "table.hpp"

using namespace reservoirs;
using std::int64_t;

namespace {

constexpr int64_t kUnits = 19;
constexpr int64_t kInputs = 2;
constexpr int64_t kSteps = 40;

using Reals = std::vector<double>;

// A network that only sums: links of one sign, or all of them where sign is 0.
Network<double> summing(Numbers& numbers, int sign, int64_t n_inputs) {
    Reals weights = numbers.take<double>(kUnits * kUnits);
    for (double& w : weights) w = sign == 0 ? w / 2 : sign * std::fabs(w) / 2;
    const Reals inputs = numbers.take<double>(kUnits * n_inputs);
    const Reals zeros(at(kUnits), 0.0), ones(at(kUnits), 1.0);
    NetworkSpec<double> spec;
    spec.stage_sizes = {kUnits};
    spec.n_inputs = n_inputs;
    spec.weights.dense = weights.data();
    spec.input_weights = inputs.data();
    spec.bias = zeros.data();
    spec.leak = ones.data();
    spec.keep = zeros.data();
    spec.activation = Activation::identity;
    return Network<double>(spec);
}

void check_finite(const Reals& values) {
    for (const double value : values) CHECK(std::isfinite(value));
}

Reals after_gains(Activation activation) {
    Numbers numbers{7};
    const Network<double> all = summing(numbers, 0, kInputs);
    const Reals inputs = numbers.take<double>(kSteps * kInputs);
    const Reals leak(at(kUnits), 0.75);
    Reals state(at(kUnits), 0.0), gain(at(kUnits), 1.0), bias(at(kUnits), 0.0), division(at(kUnits), 0.0);
    const UnitRun run{{&all}, activation, leak.data(), inputs.data(), kSteps, state.data()};
    run_rule(run, IntrinsicPlasticity{0.2, 0.3, {0.01, 0.0001}, 1e-3, gain.data(), bias.data()});
    run_rule(run, DivisiveGain{0.5, {0.1, 0.001}, -0.9, bias.data(), division.data()});
    for (const double g : gain) CHECK(g >= 1e-3);
    for (const double d : division) CHECK(d >= -0.9);
    state.insert(state.end(), gain.begin(), gain.end());
    state.insert(state.end(), bias.begin(), bias.end());
    state.insert(state.end(), division.begin(), division.end());
    check_finite(state);
    return state;
}

Reals after_scales(bool spread) {
    Numbers numbers{11};
    const Network<double> excitation = summing(numbers, 1, 0);
    const Network<double> inhibition = summing(numbers, -1, 0);
    const Network<double> drive = summing(numbers, 0, kInputs);
    const Reals inputs = numbers.take<double>(kSteps * kInputs);
    const Reals ones(at(kUnits), 1.0), target(at(kUnits), 0.3), variance_wanted(at(kUnits), 0.01);
    Reals state(at(kUnits), 0.0), bias(at(kUnits), 0.0), exc = ones, inh = ones, averages(at(4 * kUnits), 0.3),
                                                         variance(at(kUnits), 0.01);
    const UnitRun run{
        {&excitation, &inhibition, &drive}, Activation::logistic, ones.data(), inputs.data(), kSteps, state.data()};
    MultiScale rule{};
    rule.smoothing = {0.2, 0.02, 0.002, 0.0002};
    rule.rate = {0.16, 0.2, 0.5, 0.01};
    rule.brake = 0.8;
    rule.target_rate = target.data();
    rule.target_variance = spread ? variance_wanted.data() : nullptr;
    rule.excitation_scale = ones.data();
    rule.inhibition_scale = ones.data();
    rule.bias = bias.data();
    rule.excitation = exc.data();
    rule.inhibition = inh.data();
    rule.averages = averages.data();
    rule.variance = variance.data();
    run_rule(run, rule);
    for (const double e : exc) CHECK(e > 0);
    for (const double i : inh) CHECK(i >= 0);
    for (const Reals* more : {&bias, &exc, &inh, &averages, &variance}) {
        state.insert(state.end(), more->begin(), more->end());
    }
    check_finite(state);
    return state;
}

void test_sorn() {
    constexpr int64_t n_inh = 5, in_degree = 3;
    Numbers numbers{3};
    std::vector<std::int32_t> sources;
    for (int64_t i = 0; i < kUnits * in_degree; ++i) sources.push_back(static_cast<std::int32_t>((5 * i + 1) % kUnits));
    Reals weights(at(kUnits * in_degree), 1.0 / in_degree), threshold(at(kUnits), 0.2);
    const Reals to_inh(at(kUnits * n_inh), 1.0 / kUnits), to_exc(at(n_inh * kUnits), 1.0 / n_inh);
    const Reals threshold_inh(at(n_inh), 0.3), drive = numbers.take<double>(kSteps * kUnits);
    Reals x(at(kUnits), 0.0), y(at(n_inh), 0.0), states(at(kSteps * kUnits));
    const Sorn sorn{kUnits,
                    n_inh,
                    in_degree,
                    sources.data(),
                    weights.data(),
                    to_inh.data(),
                    to_exc.data(),
                    threshold.data(),
                    threshold_inh.data(),
                    0.01,
                    0.01,
                    0.1};
    run_sorn(sorn, drive.data(), kSteps, x.data(), y.data(), states.data());
    for (const double state : states) CHECK(state == 0 || state == 1);
    for (int64_t i = 0; i < kUnits; ++i) {
        double total = 0;
        for (int64_t k = 0; k < in_degree; ++k) {
            CHECK(weights[at(i * in_degree + k)] >= 0);
            total += weights[at(i * in_degree + k)];
        }
        CHECK(std::fabs(total - 1) < 1e-12);
    }
}

}  // namespace

void test_rules() {
    // The static ones are of the first level.
    static const Reals tanh = after_gains(Activation::tanh), logistic = after_gains(Activation::logistic);
    static const Reals rates = after_scales(false), spread = after_scales(true);
    CHECK(same_bits(tanh, after_gains(Activation::tanh)));
    CHECK(same_bits(logistic, after_gains(Activation::logistic)));
    CHECK(same_bits(rates, after_scales(false)));
    CHECK(same_bits(spread, after_scales(true)));
    test_sorn();
}
