// The self-organising recurrent network of Lazar, Pipa and Triesch (2009): binary units, and three rules.
//     x <- [W x + drive - I y > T],  y <- [E x > S]   (W x and I y of the step before)
//     W_ij <- max(W_ij + eta (x_i x'_j - x'_i x_j), 0) on existing links, x' being x of the step before,
//     then rows that may have changed are divided by their sum;  T_i <- T_i + eta_ip (x_i - h)
#pragma once

#include <cstdint>

namespace reservoirs {

struct Sorn {
    std::int64_t n_exc;
    std::int64_t n_inh;
    std::int64_t in_degree;
    const std::int32_t* sources;  // [excitatory unit][link]
    double* weights;              // [excitatory unit][link], in and out
    const double* to_inhibitory;  // [excitatory unit][inhibitory unit]
    const double* to_excitatory;  // [inhibitory unit][excitatory unit]
    double* threshold_exc;        // in and out
    const double* threshold_inh;
    double stdp_rate;
    double ip_rate;
    double target_rate;
};

// States are zeros and ones; x and y go in and out, states [step][excitatory unit] out.
void run_sorn(const Sorn& sorn, const double* drive, std::int64_t n_steps, double* x, double* y, double* states);

}  // namespace reservoirs
