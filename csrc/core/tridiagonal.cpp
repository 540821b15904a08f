#include "reservoirs/tridiagonal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reservoirs {

namespace {

constexpr int kMostSweeps = 60;
constexpr double kEps = std::numeric_limits<double>::epsilon() / 2;
// Of the largest number: links below it move no eigenvalue by more than a hundredth of what rounding does.
constexpr double kNothing = kEps / 100;

struct Tridiagonal {
    std::int64_t n;
    double* diagonal;
    double* beside;
    std::int64_t n_vectors;
    double* vectors;

    double largest() const {
        double most = 0;
        for (std::int64_t i = 0; i < n; ++i) most = std::max(most, std::abs(diagonal[i]));
        for (std::int64_t i = 0; i + 1 < n; ++i) most = std::max(most, std::abs(beside[i]));
        return most;
    }

    // By a power of two.
    void scale(int exponent) {
        for (std::int64_t i = 0; i < n; ++i) diagonal[i] = std::scalbn(diagonal[i], exponent);
        for (std::int64_t i = 0; i + 1 < n; ++i) beside[i] = std::scalbn(beside[i], exponent);
    }

    // The last row of the block that begins here and is linked to nothing after it.
    std::int64_t end_of_block(std::int64_t row) const {
        while (row + 1 < n) {
            const double around = std::abs(diagonal[row]) + std::abs(diagonal[row + 1]);
            if (std::abs(beside[row]) <= kEps * around + kNothing) break;
            ++row;
        }
        return row;
    }

    // A step of implicit QL with Wilkinson's shift: the bulge that it makes at the end of a block is chased to its
    // head.
    void sweep(std::int64_t first, std::int64_t last) {
        const double half = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
        const double root = std::copysign(std::sqrt(half * half + 1), half);
        double g = diagonal[last] - diagonal[first] + beside[first] / (half + root);
        double c = 1, s = 1, taken = 0;
        for (std::int64_t i = last - 1; i >= first; --i) {
            const double f = s * beside[i], b = c * beside[i], r = std::sqrt(f * f + g * g);
            if (i + 1 < last) beside[i + 1] = r;
            if (r == 0) {  // the block has come apart
                diagonal[i + 1] -= taken;
                return;
            }
            const double inverse = 1 / r;
            s = f * inverse;
            c = g * inverse;
            const double rest = diagonal[i + 1] - taken, t = (diagonal[i] - rest) * s + 2 * c * b;
            taken = s * t;
            diagonal[i + 1] = rest + taken;
            g = c * t - b;
            rotate(i, c, s);
        }
        diagonal[first] -= taken;
        beside[first] = g;
    }

    void rotate(std::int64_t i, double c, double s) {
        double *const a = vectors + i * n_vectors, *const b = a + n_vectors;
        for (std::int64_t k = 0; k < n_vectors; ++k) {
            const double above = a[k], below = b[k];
            a[k] = c * above - s * below;
            b[k] = s * above + c * below;
        }
    }
};

}  // namespace

bool tridiagonal_spectrum(std::int64_t n, double* diagonal, double* beside, std::int64_t n_vectors, double* vectors) {
    Tridiagonal matrix{n, diagonal, beside, n_vectors, vectors};
    const double largest = matrix.largest();
    if (largest == 0) return true;
    const int exponent = std::ilogb(largest);
    matrix.scale(-exponent);
    for (std::int64_t first = 0; first < n; ++first) {
        for (int sweeps = 0;; ++sweeps) {
            const std::int64_t last = matrix.end_of_block(first);
            if (last == first) break;
            if (sweeps == kMostSweeps) return false;
            matrix.sweep(first, last);
        }
    }
    matrix.scale(exponent);
    return true;
}

}  // namespace reservoirs
