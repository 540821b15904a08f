#include "reservoirs/online.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "table.hpp"

namespace reservoirs {

namespace {

template <class T>
Aligned<T> padded(std::int64_t n) {
    return Aligned<T>(static_cast<std::size_t>(whole_stripes(n)), T(0));
}

std::int64_t place_of_column(std::int64_t j) {
    std::int64_t place = 0;
    for (std::int64_t i = 0; i < j; ++i) place += whole_stripes(i);
    return place;
}

}  // namespace

template <class T>
OnlineReadout<T>::OnlineReadout(const LinearReadout<T>& start)
    : x_(padded<T>(start.n_features())),
      gain_(padded<T>(start.n_features())),
      readout_(start),
      error_(static_cast<std::size_t>(start.n_outputs())) {}

template <class T>
void OnlineReadout<T>::learn(const T* x, const T* y) {
    const std::int64_t n = readout_.n_features();
    std::copy_n(x, n, x_.begin());
    const T squared_norm = kernels<T>().dot(x_.data(), x_.data(), n);
    // So that nothing that is made of squares overflows, nor then underflows.
    if (!(squared_norm < std::sqrt(std::numeric_limits<T>::max()))) {
        throw std::invalid_argument("features are NaN, infinite or huge: the reservoir diverged");
    }
    readout_.apply(x, 1, n, error_.data());
    for (std::size_t o = 0; o < error_.size(); ++o) {
        error_[o] = y[o] - error_[o];
        if (!std::isfinite(error_[o])) throw std::invalid_argument("y or the error is NaN, infinite or huge");
    }
    std::fill(gain_.begin(), gain_.end(), T(0));
    readout_.correct(error_.data(), gain_.data(), find_gain(squared_norm));
}

template <class T>
LeastMeanSquares<T>::LeastMeanSquares(const LinearReadout<T>& start, T learning_rate, bool normalised)
    : OnlineReadout<T>(start), learning_rate_(learning_rate), normalised_(normalised) {}

template <class T>
std::unique_ptr<OnlineReadout<T>> LeastMeanSquares<T>::clone() const {
    return std::make_unique<LeastMeanSquares>(*this);
}

template <class T>
T LeastMeanSquares<T>::find_gain(T squared_norm) {
    const T rate = normalised_ ? learning_rate_ / (T(1) + squared_norm) : learning_rate_;
    std::transform(this->x_.begin(), this->x_.end(), this->gain_.begin(), [rate](T x) { return rate * x; });
    return rate;
}

template <class T>
RecursiveLeastSquares<T>::RecursiveLeastSquares(const LinearReadout<T>& start, T forgetting, T penalty,
                                                const FeatureMoments<T>& known)
    : OnlineReadout<T>(start), forgetting_(forgetting), weight_(known.weight) {
    const std::int64_t n = start.n_features();
    if (!(forgetting > 0 && forgetting <= 1)) throw std::invalid_argument("forgetting must be in (0, 1]");
    if (!(penalty > 0) || !std::isfinite(1 / penalty)) throw std::invalid_argument("the penalty must be positive");
    if (!(weight_ >= 0) || !std::isfinite(weight_))
        throw std::invalid_argument("the weight must be finite, at least 0");
    T left = 1;  // of the penalty, from one turn to the next; the C library's power has other bits on other machines
    for (std::int64_t i = 0; i < n; ++i) left *= forgetting;
    if (!std::isfinite(1 / (penalty * left)))
        throw std::invalid_argument("forgetting is too fast for so many features");
    restored_ = penalty * (T(1) - left);
    columns_.assign(static_cast<std::size_t>(place_of_column(n)), T(0));
    diagonal_.assign(static_cast<std::size_t>(n), T(1) / penalty);
    mean_ = deviation_ = scratch_ = padded<T>(n);
    if (known.mean) std::copy_n(known.mean, n, mean_.begin());
    if (known.diagonal) std::copy_n(known.diagonal, n, diagonal_.begin());
    for (const T d : diagonal_) {
        if (!(d > 0) || !std::isfinite(d)) throw std::invalid_argument("the diagonal must be positive and finite");
    }
    T* column = columns_.data();
    for (std::int64_t j = 0; known.factor && j < n; column += whole_stripes(j++)) {
        for (std::int64_t i = 0; i < j; ++i) column[i] = known.factor[i * n + j];
    }
}

template <class T>
std::unique_ptr<OnlineReadout<T>> RecursiveLeastSquares<T>::clone() const {
    return std::make_unique<RecursiveLeastSquares>(*this);
}

template <class T>
T RecursiveLeastSquares<T>::find_gain(T) {
    const Kernels<T>& k = kernels<T>();
    const std::int64_t n = this->n_features();
    Aligned<T>& gain = this->gain_;
    const T faded = forgetting_ * weight_;
    const T total = faded + T(1);
    const T share = faded / total;
    std::transform(this->x_.begin(), this->x_.end(), mean_.begin(), deviation_.begin(), [](T x, T m) { return x - m; });
    FactorUpdate<T> update{n, 0, deviation_.data(), share, forgetting_, columns_.data(), diagonal_.data(), gain.data()};
    const T scale = share / k.update_factor(update);
    for (T& each : gain) each = scale * each;
    const T left = (T(1) - k.dot(gain.data(), deviation_.data(), n)) / total;
    const T of_intercept = left - k.dot(gain.data(), mean_.data(), n);
    k.add_scaled(T(1) / total, deviation_.data(), whole_stripes(n), mean_.data());
    weight_ = total;
    if (restored_ > 0) {
        std::fill(scratch_.begin(), scratch_.end(), T(0));
        update = {n, turn_, nullptr, restored_, T(1), columns_.data(), diagonal_.data(), scratch_.data()};
        k.update_factor_of_unit(update);
        turn_ = turn_ + 1 < n ? turn_ + 1 : 0;
    }
    return of_intercept;
}

template <class T>
void RecursiveLeastSquares<T>::store_factor(T* factor, T* diagonal) const {
    const auto n = static_cast<std::int64_t>(diagonal_.size());
    std::copy(diagonal_.begin(), diagonal_.end(), diagonal);
    const T* column = columns_.data();
    for (std::int64_t j = 0; j < n; column += whole_stripes(j++)) {
        for (std::int64_t i = 0; i < n; ++i) factor[i * n + j] = i < j ? column[i] : i == j ? T(1) : T(0);
    }
}

template class OnlineReadout<float>;
template class OnlineReadout<double>;
template class LeastMeanSquares<float>;
template class LeastMeanSquares<double>;
template class RecursiveLeastSquares<float>;
template class RecursiveLeastSquares<double>;

}  // namespace reservoirs
