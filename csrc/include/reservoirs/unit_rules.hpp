// Rules that change, step by step, what belongs to a unit: its gain, its bias, how much its links count.
//
// What a unit receives is made of parts that a rule weighs by itself, such as excitation and inhibition. Each part is a
// network that only sums: activation identity, leak rate 1, no bias. All rules run in double precision.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "reservoirs/network.hpp"

namespace reservoirs {

// One sequence through the units: x <- (1 - leak) x + leak f(what the rule makes of the parts).
struct UnitRun {
    std::vector<const Network<double>*> parts;
    Activation activation;
    const double* leak;    // [unit]
    const double* inputs;  // [step][input]
    std::int64_t n_steps;
    double* state;  // [unit], in and out
};

// A learning rate that falls by the same amount every step.
struct FallingRate {
    double rate;
    double fall;
};

// Parts: all links and inputs. tanh units: Schrauwen et al. (2008), logistic units: Triesch (2005).
struct IntrinsicPlasticity {
    double mean;
    double std;  // of tanh units only
    FallingRate rate;
    double least_gain;
    double* gain;  // [unit], in and out
    double* bias;  // [unit], in and out
};

// Parts: all links and inputs, divided by 1 + division so that their mean square becomes that of `std`.
struct DivisiveGain {
    double std;
    FallingRate rate;
    double least_division;
    const double* bias;  // [unit]
    double* division;    // [unit], in and out
};

// Parts: excitatory links, inhibitory links, inputs.
struct MultiScale {
    std::array<double, 4> smoothing;  // 1 / tau
    std::array<double, 4> rate;
    double brake;  // strength of the division of fast rates
    const double* target_rate;
    const double* target_variance;   // [unit], or null
    const double* excitation_scale;  // [unit] rate-weighted excitation and inhibition a unit has: how much a change of
    const double* inhibition_scale;  // its factor changes what it receives
    double* bias;                    // [unit], in and out, as all that follows
    double* excitation;
    double* inhibition;
    double* averages;  // [4][unit]
    double* variance;
};

void run_rule(const UnitRun& run, const IntrinsicPlasticity& rule);
void run_rule(const UnitRun& run, const DivisiveGain& rule);
void run_rule(const UnitRun& run, const MultiScale& rule);

}  // namespace reservoirs
