#include "reservoirs/stream.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace reservoirs {

namespace {

template <class T>
T standardised(T value, const Scaling& scaling, std::int64_t i) {
    if (scaling.mean.empty()) return value;
    const auto at = static_cast<std::size_t>(i);
    return static_cast<T>((static_cast<double>(value) - scaling.mean[at]) / scaling.scale[at]);
}

template <class T>
T original(T value, const Scaling& scaling, std::int64_t i) {
    if (scaling.mean.empty()) return value;
    const auto at = static_cast<std::size_t>(i);
    return static_cast<T>(static_cast<double>(value) * scaling.scale[at] + scaling.mean[at]);
}

[[noreturn]] void refuse(const char* name, std::int64_t i, const char* what) {
    throw std::invalid_argument(std::string(name) + "[" + std::to_string(i) + "] is " + what);
}

// Writes a row's values, standardised, and `instead` of those that are missing. Returns false if the row is to be
// skipped.
template <class T>
bool admit(const T* values, std::int64_t n, const char* name, const Scaling& scaling, Missing missing, const T* instead,
           T* to) {
    for (std::int64_t i = 0; i < n; ++i) {
        const T value = values ? values[i] : std::numeric_limits<T>::quiet_NaN();
        if (std::isfinite(value)) {
            to[i] = standardised(value, scaling, i);
        } else if (!std::isnan(value)) {
            refuse(name, i, "infinite");
        } else if (missing == Missing::skip) {
            return false;
        } else if (missing == Missing::error) {
            refuse(name, i, "missing (NaN), which missing='error' refuses");
        } else if (!instead) {
            refuse(name, i, "missing (NaN), and nothing predicts it");
        } else {
            to[i] = instead[i];
        }
    }
    return true;
}

}  // namespace

template <class T>
Stream<T>::Stream(StreamSpec<T> spec)
    : memory_(std::move(spec.memory)),
      readout_(std::move(spec.readout)),
      learner_(std::move(spec.learner)),
      n_fed_back_(spec.n_fed_back),
      forecasts_(spec.forecasts),
      increments_(spec.increments),
      of_external_(std::move(spec.of_external)),
      of_series_(std::move(spec.of_series)),
      missing_(spec.missing) {
    const std::int64_t n_outputs = readout_ ? readout_->n_outputs() : spec.n_given;
    const auto fits = [](const Scaling& scaling, std::int64_t n) {
        return scaling.mean.size() == scaling.scale.size() &&
               (scaling.mean.empty() || static_cast<std::int64_t>(scaling.mean.size()) == n);
    };
    const bool learner_fits = !learner_ || (readout_ && learner_->n_features() == readout_->n_features() &&
                                            learner_->readout().n_outputs() == n_outputs);
    if (n_fed_back_ < 0 || n_fed_back_ > memory_->n_inputs() || (n_fed_back_ > 0 && n_fed_back_ != n_outputs) ||
        (readout_ && readout_->n_features() != memory_->n_features()) ||
        ((forecasts_ || increments_) && n_fed_back_ < 1) || !fits(of_external_, n_external()) ||
        !fits(of_series_, n_fed_back_) || !learner_fits) {
        throw std::invalid_argument("the parts of the stream do not fit together");
    }
    if (learner_) {
        learned_ = std::make_unique<LinearReadout<T>>(*readout_);
        learned_->assign(learner_->readout());
    }
    input_.resize(static_cast<std::size_t>(memory_->n_inputs()));
    features_.resize(static_cast<std::size_t>(memory_->n_features()));
    outputs_.resize(static_cast<std::size_t>(n_outputs));
    truth_.resize(outputs_.size());
    row_.resize(learner_ ? features_.size() : 0);
    next_ = input_;
}

template <class T>
Stream<T>::Stream(const Stream& other)
    : memory_(other.memory_->clone()),
      readout_(other.readout_),
      learned_(other.learned_ ? std::make_unique<LinearReadout<T>>(*other.learned_) : nullptr),
      learner_(other.learner_ ? other.learner_->clone() : nullptr),
      n_fed_back_(other.n_fed_back_),
      forecasts_(other.forecasts_),
      increments_(other.increments_),
      of_external_(other.of_external_),
      of_series_(other.of_series_),
      missing_(other.missing_),
      started_(other.started_),
      lesson_(other.lesson_),
      input_(other.input_),
      next_(other.next_),
      features_(other.features_),
      outputs_(other.outputs_),
      row_(other.row_),
      truth_(other.truth_) {}

template <class T>
Stream<T> Stream<T>::running_on() const {
    Stream copy(*this);
    copy.learner_.reset();
    copy.missing_ = Missing::predict;
    return copy;
}

template <class T>
void Stream<T>::step(const T* external, const T* series, T* outputs) {
    const T* const held = input_.data() + n_external();
    if (forecasts_ && !started_ && series) {
        if (n_external() > 0)
            throw std::invalid_argument("the first step has no y: step(None, X) predicts the first row");
        admit(series, n_fed_back_, "y", of_series_, missing_, held, next_.data());
        advance();
    }
    const T* const series_instead = missing_ == Missing::hold ? held : outputs_.data();
    T* const fed_back = next_.data() + n_external();
    bool taken = admit_external(external, next_.data());
    if (forecasts_ && started_) {
        taken = admit(series, n_fed_back_, "y", of_series_, missing_, series_instead, fed_back) && taken;
    } else {
        std::copy_n(outputs_.begin(), n_fed_back_, fed_back);  // zeros at the start
    }
    if (taken) {
        std::swap(input_, next_);
        advance();
    } else {
        lesson_ = Lesson::skipped;
    }
    store_returned(outputs);
}

template <class T>
bool Stream<T>::admit_external(const T* external, T* to) const {
    const T* const instead = missing_ == Missing::hold ? input_.data() : nullptr;
    return admit(external, n_external(), forecasts_ ? "X" : "u", of_external_, missing_, instead, to);
}

template <class T>
void Stream<T>::give_outputs(const T* outputs) {
    if (readout_) throw std::invalid_argument("the outputs are the readout's");
    std::copy_n(outputs, n_outputs(), outputs_.begin());
}

template <class T>
void Stream<T>::advance() {
    memory_->step(input_.data(), features_.data());
    started_ = true;
    lesson_ = memory_->ready() ? Lesson::due : Lesson::skipped;
    if (!readout_) return;
    const LinearReadout<T>& readout = learned_ ? *learned_ : *readout_;
    const T* const before = input_.data() + n_external();
    if (memory_->ready()) {
        readout.apply(features_.data(), 1, memory_->n_features(), outputs_.data());
        if (increments_)
            std::transform(before, before + n_fed_back_, outputs_.begin(), outputs_.begin(), std::plus<T>());
    } else {
        std::copy_n(before, n_fed_back_, outputs_.begin());
    }
}

template <class T>
void Stream<T>::store_returned(T* to) const {
    if (readout_) {
        store_outputs(to);
    } else {
        std::copy(features_.begin(), features_.end(), to);
    }
}

template <class T>
void Stream<T>::store_outputs(T* outputs) const {
    for (std::int64_t o = 0; o < n_outputs(); ++o)
        outputs[o] = original(outputs_[static_cast<std::size_t>(o)], of_series_, o);
}

template <class T>
void Stream<T>::learn(const double* truth) {
    if (!learner_) throw std::invalid_argument("the stream has no learner");
    if (lesson_ == Lesson::none && !forecasts_) throw std::invalid_argument("learn(y) comes after a step");
    for (std::int64_t o = 0; o < n_outputs(); ++o) {
        const auto at = static_cast<std::size_t>(o);
        const double value = truth[o];
        if (std::isnan(value) && missing_ != Missing::error) return;
        if (std::isnan(value)) refuse("y", o, "missing (NaN), which missing='error' refuses");
        truth_[at] = value;
        if (forecasts_) {
            // As a fit sees the series.
            const T row = standardised(static_cast<T>(value), of_series_, o);
            truth_[at] =
                static_cast<double>(increments_ ? row - input_[static_cast<std::size_t>(n_external() + o)] : row);
        }
    }
    if (lesson_ != Lesson::due) return;
    std::copy(features_.begin(), features_.end(), row_.begin());
    learner_->learn(row_.data(), truth_.data());
    learned_->assign(learner_->readout());
}

template <class T>
void Stream<T>::reset() {
    memory_->reset();
    started_ = false;
    lesson_ = Lesson::none;
    std::fill(input_.begin(), input_.end(), T(0));
    std::fill(outputs_.begin(), outputs_.end(), T(0));
    std::fill(features_.begin(), features_.end(), T(0));
}

template <class T>
std::int64_t Stream<T>::n_state() const {
    return memory_->n_state() + n_fed_back_ + (missing_ == Missing::hold ? memory_->n_inputs() : 0) +
           (forecasts_ ? 1 : 0);
}

template <class T>
void Stream<T>::store(T* state) const {
    memory_->store(state);
    state = std::copy_n(outputs_.begin(), n_fed_back_, state + memory_->n_state());
    if (missing_ == Missing::hold) state = std::copy(input_.begin(), input_.end(), state);
    if (forecasts_) *state = T(started_);
}

template <class T>
void Stream<T>::load(const T* state) {
    memory_->load(state);
    state += memory_->n_state();
    std::copy_n(state, n_fed_back_, outputs_.begin());
    state += n_fed_back_;
    std::fill(input_.begin(), input_.end(), T(0));
    if (missing_ == Missing::hold) {
        std::copy_n(state, input_.size(), input_.begin());
        state += input_.size();
    }
    started_ = !forecasts_ || *state != 0;
    lesson_ = Lesson::none;
}

void class_scores(const double* rows, std::int64_t n_rows, std::int64_t n_features, const double* coef,
                  const double* intercept, std::int64_t n_outputs, double* scores) {
    for (std::int64_t r = 0; r < n_rows; ++r, rows += n_features, scores += n_outputs) {
        std::fill_n(scores, n_outputs, 0.0);
        for (std::int64_t i = 0; i < n_features; ++i) {
            for (std::int64_t o = 0; o < n_outputs; ++o) scores[o] = scores[o] + coef[o * n_features + i] * rows[i];
        }
        for (std::int64_t o = 0; o < n_outputs; ++o) scores[o] = scores[o] + intercept[o];
    }
}

template <class T>
PooledStream<T>::PooledStream(std::unique_ptr<Memory<T>> memory, std::int64_t washout, bool with_mean, bool with_last,
                              Missing missing, const double* coef, const double* intercept, std::int64_t n_outputs,
                              std::unique_ptr<OnlineReadout<double>> learner)
    : memory_(std::move(memory)),
      washout_(washout),
      with_mean_(with_mean),
      with_last_(with_last),
      missing_(missing),
      input_(static_cast<std::size_t>(memory_->n_inputs())),
      next_(input_),
      features_(static_cast<std::size_t>(memory_->n_features())),
      sums_(features_.size()),
      learner_(std::move(learner)) {
    const bool learner_fits =
        !learner_ || (coef && learner_->n_features() == n_pooled() && learner_->readout().n_outputs() == n_outputs);
    if (washout < 0 || missing == Missing::predict || !learner_fits) {
        throw std::invalid_argument("the parts of the stream do not fit");
    }
    if (!coef) return;
    pooled_.resize(static_cast<std::size_t>(n_pooled()));
    coef_.assign(coef, coef + n_outputs * n_pooled());
    intercept_.assign(intercept, intercept + n_outputs);
    scores_.resize(intercept_.size());
}

template <class T>
std::int64_t PooledStream<T>::decide() {
    if (n_pooled_rows() == 0 || scores_.empty()) return -1;
    pool(pooled_.data());
    const auto n_outputs = static_cast<std::int64_t>(scores_.size());
    class_scores(pooled_.data(), 1, n_pooled(), coef_.data(), intercept_.data(), n_outputs, scores_.data());
    if (n_outputs == 1) return scores_[0] > 0;
    return std::max_element(scores_.begin(), scores_.end()) - scores_.begin();
}

template <class T>
PooledStream<T>::PooledStream(const PooledStream& other)
    : memory_(other.memory_->clone()),
      washout_(other.washout_),
      with_mean_(other.with_mean_),
      with_last_(other.with_last_),
      missing_(other.missing_),
      n_seen_(other.n_seen_),
      input_(other.input_),
      next_(other.next_),
      features_(other.features_),
      sums_(other.sums_),
      pooled_(other.pooled_),
      coef_(other.coef_),
      intercept_(other.intercept_),
      scores_(other.scores_),
      learner_(other.learner_ ? other.learner_->clone() : nullptr) {}

template <class T>
void PooledStream<T>::learn(std::int64_t code) {
    if (!learner_) throw std::invalid_argument("the stream has no learner");
    if (n_pooled_rows() == 0) throw std::invalid_argument("no rows so far to learn from");
    const auto n_outputs = static_cast<std::int64_t>(scores_.size());
    if (code < 0 || code >= std::max<std::int64_t>(2, n_outputs)) throw std::invalid_argument("there is no such class");
    std::vector<double> truth(scores_.size(), -1.0);
    if (n_outputs > 1) {
        truth[static_cast<std::size_t>(code)] = 1.0;
    } else if (code == 1) {
        truth[0] = 1.0;
    }
    pool(pooled_.data());
    learner_->learn(pooled_.data(), truth.data());
    const LinearReadout<double>& readout = learner_->readout();
    for (std::int64_t o = 0; o < n_outputs; ++o) {
        std::copy_n(readout.coef(o), n_pooled(), coef_.data() + o * n_pooled());
    }
    std::copy_n(readout.intercept(), n_outputs, intercept_.data());
}

template <class T>
std::int64_t PooledStream<T>::n_pooled() const {
    return memory_->n_features() * (with_mean_ + with_last_);
}

template <class T>
bool PooledStream<T>::admit_external(const T* row, T* to) const {
    return admit(row, n_inputs(), "u", Scaling(), missing_, input_.data(), to);
}

template <class T>
void PooledStream<T>::step(const T* row) {
    if (!admit_external(row, next_.data())) return;
    std::swap(input_, next_);
    memory_->step(input_.data(), features_.data());
    if (++n_seen_ <= washout_) return;
    std::transform(sums_.begin(), sums_.end(), features_.begin(), sums_.begin(),
                   [](double sum, T feature) { return sum + static_cast<double>(feature); });
}

template <class T>
void PooledStream<T>::pool(double* pooled) const {
    const auto n = static_cast<double>(n_pooled_rows());
    if (with_mean_) pooled = std::transform(sums_.begin(), sums_.end(), pooled, [n](double sum) { return sum / n; });
    if (with_last_) std::copy(features_.begin(), features_.end(), pooled);
}

template <class T>
void PooledStream<T>::reset() {
    memory_->reset();
    n_seen_ = 0;
    std::fill(input_.begin(), input_.end(), T(0));
    std::fill(features_.begin(), features_.end(), T(0));
    std::fill(sums_.begin(), sums_.end(), 0.0);
}

template <class T>
std::int64_t PooledStream<T>::n_state() const {
    return memory_->n_state() + memory_->n_inputs() + 2 * memory_->n_features() + 1;
}

template <class T>
void PooledStream<T>::store(double* state) const {
    std::vector<T> memory(static_cast<std::size_t>(memory_->n_state()));
    memory_->store(memory.data());
    state = std::copy(memory.begin(), memory.end(), state);
    state = std::copy(input_.begin(), input_.end(), state);
    state = std::copy(features_.begin(), features_.end(), state);
    state = std::copy(sums_.begin(), sums_.end(), state);
    *state = static_cast<double>(n_seen_);
}

template <class T>
void PooledStream<T>::load(const double* state) {
    const auto narrow = [&state](std::vector<T>& to) {
        for (T& value : to) value = static_cast<T>(*state++);
    };
    std::vector<T> memory(static_cast<std::size_t>(memory_->n_state()));
    narrow(memory);
    memory_->load(memory.data());
    narrow(input_);
    narrow(features_);
    std::copy_n(state, sums_.size(), sums_.begin());
    state += sums_.size();
    n_seen_ = *state >= 0 && *state < 1e18 ? static_cast<std::int64_t>(*state) : 0;
}

template class Stream<float>;
template class Stream<double>;
template class PooledStream<float>;
template class PooledStream<double>;

}  // namespace reservoirs
