#include "reservoirs/gram.hpp"

#include <algorithm>
#include <numeric>

#include "reservoirs/aligned.hpp"
#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

namespace {

// So many rows of two groups of panels lie in the second cache together.
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kGroup = 2;
// Below so many multiply-adds a team takes longer to gather than they do.
constexpr std::int64_t kLeastWork = std::int64_t{1} << 20;

// Features and others side by side, cut into panels.
template <class T>
class Panels {
public:
    explicit Panels(const Samples<T>& samples)
        : samples_(samples),
          n_columns_(samples.n_features + samples.n_others),
          n_panels_((n_columns_ + kPanel - 1) / kPanel),
          packed_(static_cast<std::size_t>(n_panels_ * kPanel * std::min(kRows, samples.n_rows))),
          shift_(static_cast<std::size_t>(n_panels_ * kPanel)) {
        std::copy_n(samples.shift, samples.n_features, shift_.begin());
    }

    std::int64_t n_panels() const { return n_panels_; }
    std::int64_t n_columns() const { return n_columns_; }

    void pack(std::int64_t panel, std::int64_t first_row, std::int64_t n_rows) {
        const std::int64_t begin = panel * kPanel, p = samples_.n_features, m = samples_.n_others;
        const std::int64_t n = std::clamp<std::int64_t>(p - begin, 0, kPanel);
        double* const to = packed_.data() + begin * n_rows;
        // The row begins here even if the panel begins behind its features.
        const T* const from = samples_.features + first_row * p + std::min(begin, p);
        kernels<T>().pack_panel(from, p, n_rows, n, shift_.data() + begin, to);
        const std::int64_t end = std::min(begin + kPanel, n_columns_);
        for (std::int64_t row = 0; row < n_rows; ++row) {
            const double* const others = samples_.others + (first_row + row) * m;
            for (std::int64_t i = begin + n; i < end; ++i) to[row * kPanel + i - begin] = others[i - p];
        }
    }

    // Adds the products of the columns of two panels, the first not behind the second.
    void multiply(std::int64_t first, std::int64_t second, std::int64_t n_rows, double* gram, double* products) const {
        alignas(64) double product[kPanel * kPanel];
        const std::int64_t j0 = first * kPanel, i0 = second * kPanel, p = samples_.n_features, m = samples_.n_others;
        kernels<double>().panel_product(packed_.data() + j0 * n_rows, packed_.data() + i0 * n_rows, n_rows, product);
        const std::int64_t j_end = std::min(j0 + kPanel, p), i_end = std::min(i0 + kPanel, n_columns_);
        for (std::int64_t j = j0; j < j_end; ++j) {
            const double* const of_j = product + (j - j0) * kPanel;
            for (std::int64_t i = std::max(i0, j); i < std::min(i_end, p); ++i) gram[j * p + i] += of_j[i - i0];
            for (std::int64_t i = std::max(i0, p); i < i_end; ++i) products[j * m + i - p] += of_j[i - i0];
        }
    }

private:
    const Samples<T>& samples_;
    std::int64_t n_columns_;
    std::int64_t n_panels_;
    Aligned<double> packed_;  // [panel][row][column]
    Aligned<double> shift_;
};

}  // namespace

template <class T>
void add_products(const Samples<T>& samples, double* gram, double* products, int n_threads) {
    Panels<T> panels(samples);
    const std::int64_t n = panels.n_panels(), n_groups = (n + kGroup - 1) / kGroup;
    const std::int64_t n_pairs = n_groups * (n_groups + 1) / 2;
    Aligned<std::int64_t> pairs(static_cast<std::size_t>(2 * n_pairs));
    for (std::int64_t second = 0, at = 0; second < n_groups; ++second) {
        for (std::int64_t first = 0; first <= second; ++first, at += 2) {
            pairs[static_cast<std::size_t>(at)] = first * kGroup;
            pairs[static_cast<std::size_t>(at + 1)] = second * kGroup;
        }
    }
    for (std::int64_t row = 0; row < samples.n_rows; row += kRows) {
        const std::int64_t n_rows = std::min(kRows, samples.n_rows - row);
        const bool alone = n_rows * panels.n_columns() * panels.n_columns() < 2 * kLeastWork;
        const int team = alone ? 1 : team_size(n_threads, n_pairs);
        parallel_for(n, team, [&](std::int64_t panel, int) { panels.pack(panel, row, n_rows); });
        parallel_for(n_pairs, team, [&](std::int64_t pair, int) {
            const std::int64_t j0 = pairs[static_cast<std::size_t>(2 * pair)];
            const std::int64_t i0 = pairs[static_cast<std::size_t>(2 * pair + 1)];
            for (std::int64_t i = i0; i < std::min(i0 + kGroup, n); ++i) {
                for (std::int64_t j = j0; j < std::min(j0 + kGroup, i + 1); ++j) {
                    panels.multiply(j, i, n_rows, gram, products);
                }
            }
        });
    }
}

template <class T>
double sum_of_squares(const T* numbers, std::int64_t n, int n_threads) {
    constexpr std::int64_t kPart = std::int64_t{1} << 16;
    const std::int64_t n_parts = (n + kPart - 1) / kPart;
    Aligned<double> sums(static_cast<std::size_t>(n_parts));
    parallel_for(n_parts, team_size(n_threads, n_parts), [&](std::int64_t part, int) {
        const std::int64_t begin = part * kPart;
        sums[static_cast<std::size_t>(part)] = kernels<T>().sum_of_squares(numbers + begin, std::min(kPart, n - begin));
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template void add_products<float>(const Samples<float>&, double*, double*, int);
template void add_products<double>(const Samples<double>&, double*, double*, int);
template double sum_of_squares<float>(const float*, std::int64_t, int);
template double sum_of_squares<double>(const double*, std::int64_t, int);

}  // namespace reservoirs
