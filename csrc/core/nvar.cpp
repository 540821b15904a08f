#include "reservoirs/nvar.hpp"

#include <algorithm>
#include <vector>

namespace reservoirs {

template <class T>
void nvar_closed_loop(const NvarLoop<T>& job) {
    const std::int64_t d = job.n_variables;
    const std::int64_t n_outputs = job.readout->n_outputs();
    const std::int64_t n_linear = d * job.n_delays;
    const std::int64_t depth = (job.n_delays - 1) * job.stride;
    std::vector<T> past(job.history, job.history + depth * d);  // a ring: step t - depth lies where step t will
    std::vector<T> now(static_cast<std::size_t>(d));
    std::vector<T> features(static_cast<std::size_t>(n_linear + job.n_monomials));
    for (std::int64_t t = 0; t < job.n_steps; ++t) {
        T* const end = std::copy_n(job.external + t * (d - n_outputs), d - n_outputs, now.data());
        std::copy_n(job.fed_back, n_outputs, end);
        std::copy_n(now.data(), d, features.data());
        for (std::int64_t k = 1; k < job.n_delays; ++k) {
            const std::int64_t ago = (t + depth - k * job.stride) % depth;
            std::copy_n(past.data() + ago * d, d, features.data() + k * d);
        }
        for (std::int64_t m = 0; m < job.n_monomials; ++m) {
            const std::int32_t* factor = job.monomials + m * job.order;
            T product = features[static_cast<std::size_t>(factor[0])];
            for (std::int64_t f = 1; f < job.order && factor[f] >= 0; ++f) {
                product = product * features[static_cast<std::size_t>(factor[f])];
            }
            features[static_cast<std::size_t>(n_linear + m)] = product;
        }
        T* y = job.outputs + t * n_outputs;
        job.readout->apply(features.data(), 1, n_linear + job.n_monomials, y);
        for (std::int64_t o = 0; o < n_outputs; ++o) {
            y[o] = job.fed_back[o] + y[o];
            job.fed_back[o] = y[o];
        }
        if (depth > 0) std::copy_n(now.data(), d, past.data() + (t % depth) * d);
    }
    for (std::int64_t i = 0; i < depth; ++i) {
        std::copy_n(past.data() + ((job.n_steps + i) % depth) * d, d, job.history + i * d);
    }
}

template void nvar_closed_loop<float>(const NvarLoop<float>&);
template void nvar_closed_loop<double>(const NvarLoop<double>&);

}  // namespace reservoirs
