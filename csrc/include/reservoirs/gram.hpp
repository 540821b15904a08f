// The sums that ridge regression is fitted from.
#pragma once

#include <cstdint>

namespace reservoirs {

// Samples, one a row: features in either precision, and other columns to be multiplied with them.
template <class T>
struct Samples {
    std::int64_t n_rows;
    std::int64_t n_features;
    std::int64_t n_others;
    const T* features;     // [row][feature]
    const double* shift;   // taken off the features
    const double* others;  // [row][other]
};

// With x the shifted features and z the others adds x^T x to the lower triangle of `gram`, column after column, and
// x^T z to `products`, row after row. The bits do not depend on the number of threads.
template <class T>
void add_products(const Samples<T>& samples, double* gram, double* products, int n_threads);

// In double precision; infinite or NaN if a number is, or if it overflows.
template <class T>
double sum_of_squares(const T* numbers, std::int64_t n, int n_threads);

}  // namespace reservoirs
