#include "reservoirs/sorn.hpp"

#include <algorithm>
#include <vector>

namespace reservoirs {

namespace {

// Adds the rows of the units that are active.
void add_rows(const double* rows, const double* active, std::int64_t n_units, std::int64_t width, double* sums) {
    for (std::int64_t i = 0; i < n_units; ++i) {
        if (active[i] == 0) continue;
        const double* row = rows + i * width;
        for (std::int64_t j = 0; j < width; ++j) sums[j] += row[j];
    }
}

void learn(const Sorn& s, const double* before, const double* x) {
    for (std::int64_t i = 0; i < s.n_exc; ++i) {
        if (x[i] == 0 && before[i] == 0) continue;
        double* weights = s.weights + i * s.in_degree;
        double total = 0;
        for (std::int64_t k = 0; k < s.in_degree; ++k) {
            const std::int32_t j = s.sources[i * s.in_degree + k];
            weights[k] = std::max(weights[k] + s.stdp_rate * (x[i] * before[j] - before[i] * x[j]), 0.0);
            total += weights[k];
        }
        if (total == 0) continue;
        for (std::int64_t k = 0; k < s.in_degree; ++k) weights[k] /= total;
    }
}

}  // namespace

void run_sorn(const Sorn& s, const double* drive, std::int64_t n_steps, double* x, double* y, double* states) {
    std::vector<double> before(x, x + s.n_exc), inhibition(static_cast<std::size_t>(s.n_exc)),
        excitation(static_cast<std::size_t>(s.n_inh));
    for (std::int64_t t = 0; t < n_steps; ++t) {
        std::copy_n(x, s.n_exc, before.begin());
        std::fill(inhibition.begin(), inhibition.end(), 0.0);
        add_rows(s.to_excitatory, y, s.n_inh, s.n_exc, inhibition.data());
        for (std::int64_t i = 0; i < s.n_exc; ++i) {
            double sum = 0;
            for (std::int64_t k = 0; k < s.in_degree; ++k) {
                const std::int64_t link = i * s.in_degree + k;
                sum += s.weights[link] * before[static_cast<std::size_t>(s.sources[link])];
            }
            const double received = sum - inhibition[static_cast<std::size_t>(i)] + drive[t * s.n_exc + i];
            x[i] = received > s.threshold_exc[i] ? 1 : 0;
        }
        std::fill(excitation.begin(), excitation.end(), 0.0);
        add_rows(s.to_inhibitory, x, s.n_exc, s.n_inh, excitation.data());
        for (std::int64_t k = 0; k < s.n_inh; ++k) y[k] = excitation[static_cast<std::size_t>(k)] > s.threshold_inh[k];
        if (s.stdp_rate > 0) learn(s, before.data(), x);
        for (std::int64_t i = 0; i < s.n_exc; ++i) s.threshold_exc[i] += s.ip_rate * (x[i] - s.target_rate);
        std::copy_n(x, s.n_exc, states + t * s.n_exc);
    }
}

}  // namespace reservoirs
