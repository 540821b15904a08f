#include "reservoirs/nvar.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace reservoirs {

namespace {

NvarSpec checked(NvarSpec spec) {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    if (spec.n_delays < 1 || spec.stride < 1 || spec.n_delays > kMost || spec.stride > kMost) {
        throw std::invalid_argument("n_delays and stride must be at least 1 and at most 2^31");
    }
    if (spec.n_variables < 1 || spec.order < 1) throw std::invalid_argument("nothing to multiply or predict");
    for (std::size_t i = 0; i < spec.monomials.size(); ++i) {
        const bool first = i % static_cast<std::size_t>(spec.order) == 0;
        const std::int32_t place = spec.monomials[i];
        if (place < (first ? 0 : -1) || place >= spec.n_delays * spec.n_variables) {
            throw std::invalid_argument("a monomial leaves the delayed values");
        }
    }
    return spec;
}

}  // namespace

template <class T>
DelayLine<T>::DelayLine(NvarSpec spec)
    : spec_(checked(std::move(spec))),
      depth_((spec_.n_delays - 1) * spec_.stride),
      past_(static_cast<std::size_t>(depth_ * spec_.n_variables)) {}

template <class T>
std::unique_ptr<Memory<T>> DelayLine<T>::clone() const {
    return std::make_unique<DelayLine>(*this);
}

template <class T>
std::int64_t DelayLine<T>::n_features() const {
    return spec_.n_variables * spec_.n_delays + static_cast<std::int64_t>(spec_.monomials.size()) / spec_.order;
}

template <class T>
void DelayLine<T>::step(const T* input, T* features) {
    const std::int64_t d = spec_.n_variables;
    T* next = std::copy_n(input, d, features);
    for (std::int64_t k = 1; k < spec_.n_delays; ++k) {
        const std::int64_t row = (at_ + depth_ - k * spec_.stride) % depth_;
        next = std::copy_n(past_.data() + row * d, d, next);
    }
    const std::int32_t* const end = spec_.monomials.data() + spec_.monomials.size();
    for (const std::int32_t* factor = spec_.monomials.data(); factor < end; factor += spec_.order) {
        T product = features[factor[0]];
        for (std::int64_t f = 1; f < spec_.order && factor[f] >= 0; ++f) product = product * features[factor[f]];
        *next++ = product;
    }
    n_rows_ = std::min(n_rows_ + 1, depth_ + 2);
    if (depth_ == 0) return;
    std::copy_n(input, d, past_.data() + at_ * d);
    at_ = at_ + 1 < depth_ ? at_ + 1 : 0;
}

template <class T>
void DelayLine<T>::reset() {
    std::fill(past_.begin(), past_.end(), T(0));
    n_rows_ = at_ = 0;
}

template <class T>
void DelayLine<T>::store(T* state) const {
    T* const end = std::rotate_copy(past_.begin(), past_.begin() + at_ * spec_.n_variables, past_.end(), state);
    *end = static_cast<T>(n_rows_);
}

template <class T>
void DelayLine<T>::load(const T* state) {
    std::copy_n(state, past_.size(), past_.begin());
    at_ = 0;
    const T n_rows = state[past_.size()];
    n_rows_ = n_rows >= static_cast<T>(depth_ + 2) ? depth_ + 2 : n_rows > 0 ? static_cast<std::int64_t>(n_rows) : 0;
}

template <class T>
void nvar_closed_loop(const NvarSpec& spec, const NvarLoop<T>& job) {
    DelayLine<T> line(spec);
    const std::int64_t n_outputs = job.readout->n_outputs();
    const std::int64_t n_external = spec.n_variables - n_outputs;
    if (n_outputs < 1 || n_external < 0 || job.readout->n_features() != line.n_features()) {
        throw std::invalid_argument("the readout does not fit the features");
    }
    std::vector<T> state(static_cast<std::size_t>(line.n_state()));
    std::vector<T> input(static_cast<std::size_t>(spec.n_variables));
    std::vector<T> features(static_cast<std::size_t>(line.n_features()));
    std::copy_n(job.history, state.size() - 1, state.begin());
    line.load(state.data());
    for (std::int64_t t = 0; t < job.n_steps; ++t) {
        T* const end = std::copy_n(job.external + t * n_external, n_external, input.data());
        std::copy_n(job.fed_back, n_outputs, end);
        line.step(input.data(), features.data());
        T* y = job.outputs + t * n_outputs;
        job.readout->apply(features.data(), 1, line.n_features(), y);
        for (std::int64_t o = 0; o < n_outputs; ++o) {
            y[o] = job.fed_back[o] + y[o];
            job.fed_back[o] = y[o];
        }
    }
    line.store(state.data());
    std::copy_n(state.begin(), state.size() - 1, job.history);
}

template class DelayLine<float>;
template class DelayLine<double>;
template void nvar_closed_loop<float>(const NvarSpec&, const NvarLoop<float>&);
template void nvar_closed_loop<double>(const NvarSpec&, const NvarLoop<double>&);

}  // namespace reservoirs
