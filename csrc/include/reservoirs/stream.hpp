// One sequence, a row at a time: what fitted models do in a loop over whole sequences, bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reservoirs/memory.hpp"
#include "reservoirs/online.hpp"

namespace reservoirs {

// What happens where a row has values that are NaN. Infinite ones are always refused.
enum class Missing {
    error,    // std::invalid_argument, and nothing changes
    hold,     // the value of the row before
    predict,  // of a series: the prediction of it
    skip      // nothing happens
};

// Standardisation in double, rounded to T once on the way in and once on the way out. Empty: none.
struct Scaling {
    std::vector<double> mean;
    std::vector<double> scale;
};

template <class T>
struct StreamSpec {
    std::unique_ptr<Memory<T>> memory;
    std::shared_ptr<const LinearReadout<T>> readout;  // null: the outputs are the features, unless
    std::int64_t n_given = 0;                         // so many outputs are given from outside after each step
    std::unique_ptr<OnlineReadout<double>> learner;   // null: the readout stays as it is
    std::int64_t n_fed_back = 0;                      // the last inputs of the memory; all outputs or none
    bool forecasts = false;   // the outputs predict the next row of a series, whose true rows are the inputs fed back
    bool increments = false;  // the readout gives by how much the outputs differ from the inputs fed back
    Scaling of_external;
    Scaling of_series;
    Missing missing = Missing::error;
};

template <class T>
class Stream {
public:
    explicit Stream(StreamSpec<T> spec);
    Stream(const Stream& other);
    // A copy that does not learn, and takes what is missing from its own predictions.
    Stream running_on() const;

    std::int64_t n_external() const { return memory_->n_inputs() - n_fed_back_; }
    std::int64_t n_outputs() const { return static_cast<std::int64_t>(outputs_.size()); }
    // Without a readout the features.
    std::int64_t n_returned() const { return readout_ ? n_outputs() : memory_->n_features(); }
    Memory<T>& memory() { return *memory_; }
    bool forecasts() const { return forecasts_; }
    bool started() const { return started_; }
    bool ready() const { return memory_->ready(); }

    // From the external inputs and, of a stream that forecasts, the last true row of the series, either null if
    // missing, to the outputs. Before the first true row a forecast of the row after it needs one step without.
    void step(const T* external, const T* series, T* outputs);
    // What a step would make of its external inputs; false if it would skip them.
    bool admit_external(const T* external, T* to) const;
    // Says what the outputs of the last step are.
    void give_outputs(const T* outputs);
    // The outputs of the step before.
    void store_outputs(T* outputs) const;
    // Learns what the outputs of the last step should have been.
    void learn(const double* truth);
    void reset();

    std::int64_t n_state() const;
    void store(T* state) const;
    void load(const T* state);
    const OnlineReadout<double>* learner() const { return learner_.get(); }

private:
    enum class Lesson { none, skipped, due };

    void advance();
    void store_returned(T* to) const;

    std::unique_ptr<Memory<T>> memory_;
    std::shared_ptr<const LinearReadout<T>> readout_;
    std::unique_ptr<LinearReadout<T>> learned_;  // the learner's, in T
    std::unique_ptr<OnlineReadout<double>> learner_;
    std::int64_t n_fed_back_;
    bool forecasts_;
    bool increments_;
    Scaling of_external_;
    Scaling of_series_;
    Missing missing_;
    bool started_ = false;
    Lesson lesson_ = Lesson::none;
    std::vector<T> input_;  // external, then fed back; standardised
    std::vector<T> next_;
    std::vector<T> features_;
    std::vector<T> outputs_;  // standardised
    std::vector<double> row_;
    std::vector<double> truth_;
};

// scores[row][output]: a sum over features, ascending, no step of it fused, then the intercept.
void class_scores(const double* rows, std::int64_t n_rows, std::int64_t n_features, const double* coef,
                  const double* intercept, std::int64_t n_outputs, double* scores);
// What stands for a whole sequence so far: the mean of its features after the washout, the last of them, or both.
template <class T>
class PooledStream {
public:
    // coef and intercept as in class_scores, of what is pooled; null: it never decides. learner: begins with these.
    PooledStream(std::unique_ptr<Memory<T>> memory, std::int64_t washout, bool with_mean, bool with_last,
                 Missing missing, const double* coef, const double* intercept, std::int64_t n_outputs,
                 std::unique_ptr<OnlineReadout<double>> learner = nullptr);
    PooledStream(const PooledStream& other);

    std::int64_t n_inputs() const { return memory_->n_inputs(); }
    std::int64_t n_pooled() const;
    Memory<T>& memory() { return *memory_; }
    // Without the washout.
    std::int64_t n_pooled_rows() const { return n_seen_ > washout_ ? n_seen_ - washout_ : 0; }

    void step(const T* row);
    bool admit_external(const T* row, T* to) const;
    void pool(double* pooled) const;
    // The class: of one output, whether it is positive; of several, the first largest. -1 before there are rows.
    std::int64_t decide();
    // Learns which class the rows so far are of.
    void learn(std::int64_t code);
    const OnlineReadout<double>* learner() const { return learner_.get(); }
    void reset();

    std::int64_t n_state() const;
    void store(double* state) const;
    void load(const double* state);

private:
    std::unique_ptr<Memory<T>> memory_;
    std::int64_t washout_;
    bool with_mean_;
    bool with_last_;
    Missing missing_;
    std::int64_t n_seen_ = 0;
    std::vector<T> input_;
    std::vector<T> next_;
    std::vector<T> features_;
    std::vector<double> sums_;
    std::vector<double> pooled_;
    std::vector<double> coef_;
    std::vector<double> intercept_;
    std::vector<double> scores_;
    std::unique_ptr<OnlineReadout<double>> learner_;
};

}  // namespace reservoirs
