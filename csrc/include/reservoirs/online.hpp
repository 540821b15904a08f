// Linear readouts that learn a row at a time: recursive least squares and (normalised) least mean squares.
//
// For a row of features x with the true outputs y, all of them do
//     e = y - (W x + b),    W += e k^T,    b += e c
// and differ in the gains k and c.
#pragma once

#include <cstdint>
#include <memory>

#include "reservoirs/aligned.hpp"
#include "reservoirs/network.hpp"

namespace reservoirs {

template <class T>
class OnlineReadout {
public:
    virtual ~OnlineReadout() = default;
    virtual std::unique_ptr<OnlineReadout> clone() const = 0;

    // Learns x[feature] -> y[output]. Throws std::invalid_argument, and changes nothing, where numbers are not finite
    // or too large to be squared.
    void learn(const T* x, const T* y);
    const LinearReadout<T>& readout() const { return readout_; }
    std::int64_t n_features() const { return readout_.n_features(); }

protected:
    explicit OnlineReadout(const LinearReadout<T>& start);
    // Writes k to gain_, which begins as zeros; returns c. The squared norm of x is known.
    virtual T find_gain(T squared_norm) = 0;

    Aligned<T> x_;
    Aligned<T> gain_;

private:
    LinearReadout<T> readout_;
    Aligned<T> error_;
};

// k = rate x / (1 + x^T x) and c = rate / (1 + x^T x), where 1 is the constant feature of the intercept; without the
// division if not normalised.
template <class T>
class LeastMeanSquares final : public OnlineReadout<T> {
public:
    LeastMeanSquares(const LinearReadout<T>& start, T learning_rate, bool normalised);
    std::unique_ptr<OnlineReadout<T>> clone() const override;

private:
    T find_gain(T squared_norm) override;

    T learning_rate_;
    bool normalised_;
};

// What recursive least squares knows of the features it has seen.
template <class T>
struct FeatureMoments {
    const T* factor = nullptr;    // [row][column] of U, of which what is above the diagonal is read; null: ones alone
    const T* diagonal = nullptr;  // D, all positive; null: 1 / penalty
    const T* mean = nullptr;      // null: zeros
    T weight = 0;                 // of all rows seen
};

// Recursive least squares with forgetting L and an intercept that is not penalised. Features are centred on their mean
// m so far, s is the weight of all rows so far, and P = U D U^T the inverse of their scatter matrix plus the penalty:
//     g = L s / (L s + 1),   s' = L s + 1,   d = x - m
//     k = g P d / (L + g d^T P d),           c = (1 - k^T d) / s' - k^T m
//     P' = (L P^-1 + g d d^T)^-1,            m' = m + d / s'
// With L < 1 the penalty would be forgotten too, and P grow without bound in directions that no row tells of. So after
// each row one feature, in turn, gets back what it has lost since its last turn: P'^-1 += penalty (1 - L^n) on its
// place of the diagonal. Then P^-1 never falls below penalty L^n, and P never exceeds 1 / (penalty L^n).
template <class T>
class RecursiveLeastSquares final : public OnlineReadout<T> {
public:
    RecursiveLeastSquares(const LinearReadout<T>& start, T forgetting, T penalty, const FeatureMoments<T>& known);
    std::unique_ptr<OnlineReadout<T>> clone() const override;

    // U, with its ones and zeros, and D.
    void store_factor(T* factor, T* diagonal) const;
    const T* mean() const { return mean_.data(); }
    T weight() const { return weight_; }

private:
    T find_gain(T squared_norm) override;

    T forgetting_;
    T restored_;  // to the diagonal at each turn
    std::int64_t turn_ = 0;
    T weight_;
    Aligned<T> columns_;
    Aligned<T> diagonal_;
    Aligned<T> mean_;
    Aligned<T> deviation_;
    Aligned<T> scratch_;
};

}  // namespace reservoirs
