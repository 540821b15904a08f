#include "reservoirs/gram.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "reservoirs/aligned.hpp"
#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

namespace {

// So many rows of a group of panels stay in the second cache while a few others at a time pass by (measured on a Xeon:
// 1.2 times as fast as groups of 2).
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kGroup = 8;
constexpr std::int64_t kAtOnce = 2;
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

    // Adds the products of the columns of a panel and of those in panels `begin` to `end`, none before it.
    void multiply(std::int64_t panel, std::int64_t begin, std::int64_t end, std::int64_t n_rows, double* gram,
                  double* products) const {
        const std::int64_t p = samples_.n_features;
        // Those past the diagonal that hold nothing but features.
        const std::int64_t first = std::min(std::max(begin, panel + 1), end), last = std::clamp(p / kPanel, first, end);
        if (first < last) add(panel, first, last, n_rows, gram + (panel * p + first) * kPanel, p);
        for (std::int64_t other = begin; other < first; ++other) multiply_apart(panel, other, n_rows, gram, products);
        for (std::int64_t other = last; other < end; ++other) multiply_apart(panel, other, n_rows, gram, products);
    }

private:
    void add(std::int64_t panel, std::int64_t begin, std::int64_t end, std::int64_t n_rows, double* sums,
             std::int64_t stride) const {
        const double* const columns = packed_.data();
        kernels<double>().add_panel_products(columns + panel * kPanel * n_rows, columns + begin * kPanel * n_rows,
                                             end - begin, n_rows, sums, stride);
    }

    // Only what lies on the diagonal or below, and the products with others in their own place.
    void multiply_apart(std::int64_t first, std::int64_t second, std::int64_t n_rows, double* gram,
                        double* products) const {
        alignas(64) double sums[kPanel * kPanel] = {};
        add(first, second, second + 1, n_rows, sums, kPanel);
        const std::int64_t j0 = first * kPanel, i0 = second * kPanel, p = samples_.n_features, m = samples_.n_others;
        const std::int64_t j_end = std::min(j0 + kPanel, p), i_end = std::min(i0 + kPanel, n_columns_);
        for (std::int64_t j = j0; j < j_end; ++j) {
            const double* const of_j = sums + (j - j0) * kPanel;
            for (std::int64_t i = std::max(i0, j); i < std::min(i_end, p); ++i) gram[j * p + i] += of_j[i - i0];
            for (std::int64_t i = std::max(i0, p); i < i_end; ++i) products[j * m + i - p] += of_j[i - i0];
        }
    }

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
    const std::int64_t n = panels.n_panels();
    // A task is some panels of the first factor and a group of the second: the longest first.
    struct Task {
        std::int64_t panel, group;
    };
    std::vector<Task> tasks;
    for (std::int64_t group = (n - 1) / kGroup * kGroup; group >= 0; group -= kGroup) {
        for (std::int64_t panel = 0; panel < std::min(group + kGroup, n); panel += kAtOnce)
            tasks.push_back({panel, group});
    }
    const auto n_tasks = static_cast<std::int64_t>(tasks.size());
    for (std::int64_t row = 0; row < samples.n_rows; row += kRows) {
        const std::int64_t n_rows = std::min(kRows, samples.n_rows - row);
        const bool alone = n_rows * panels.n_columns() * panels.n_columns() < 2 * kLeastWork;
        const int team = alone ? 1 : team_size(n_threads, n_tasks);
        parallel_for(n, team, [&](std::int64_t panel, int) { panels.pack(panel, row, n_rows); });
        parallel_for(n_tasks, team, [&](std::int64_t index, int) {
            const auto [first, group] = tasks[static_cast<std::size_t>(index)];
            const std::int64_t end = std::min(group + kGroup, n);
            for (std::int64_t panel = first; panel < std::min(first + kAtOnce, end); ++panel) {
                panels.multiply(panel, std::max(panel, group), end, n_rows, gram, products);
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
