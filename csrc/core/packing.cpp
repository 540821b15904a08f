// From a matrix as it is given to weights as the kernels read them.

#include <algorithm>
#include <stdexcept>
#include <string>

#include "reservoirs/network.hpp"
#include "table.hpp"

namespace reservoirs {

namespace {

// Numbers that a transform of n is made of.
std::int64_t transform_size(std::int64_t n) {
    std::int64_t size = kBlockRows;
    while (size < n) size *= 2;
    return size;
}

}  // namespace

template <class T>
typename Network<T>::Packed Network<T>::pack(const MatrixSpec<T>& matrix, std::int64_t n_columns) const {
    if (matrix.factors != nullptr) return pack_hadamard(matrix);
    if (matrix.spectra != nullptr) return pack_circulant(matrix);
    return matrix.dense != nullptr ? pack_dense(matrix) : pack_sparse(matrix, n_columns);
}

template <class T>
typename Network<T>::Packed Network<T>::pack_hadamard(const MatrixSpec<T>& matrix) const {
    Packed packed;
    packed.links = Links::hadamard;
    packed.block_start = {0};
    packed.weights.assign(static_cast<std::size_t>(transform_size(n_units_)), T(0));
    std::copy_n(matrix.factors, n_units_, packed.weights.begin());
    return packed;
}

template <class T>
typename Network<T>::Packed Network<T>::pack_circulant(const MatrixSpec<T>& matrix) const {
    const std::int64_t n_points = matrix.n_points;
    if (n_points < 1 || n_points > kMostPoints || (n_points & (n_points - 1)) != 0) {
        throw std::invalid_argument("a circulant block has a power of two of up to " + std::to_string(kMostPoints) +
                                    " frequencies, not " + std::to_string(n_points));
    }
    Packed packed;
    packed.links = Links::circulant;
    packed.n_points = n_points;
    // The kernel's transforms reverse the bits of frequencies, and leave out a factor of 1 / n_points.
    const auto reversed = [n_points](std::int64_t frequency) {
        std::int64_t place = 0;
        for (std::int64_t bit = n_points / 2; bit > 0; bit /= 2, frequency /= 2) place += frequency % 2 * bit;
        return place;
    };
    const std::int64_t group = 2 * n_points * kBlockRows;
    const std::int64_t n_groups = (n_units_ + group - 1) / group;
    packed.weights.resize(static_cast<std::size_t>(n_groups * group));
    const std::int64_t n_parts = 2 * kBlockRows;
    for (std::int64_t row = 0; row < packed.size(); row += n_parts) {
        const std::int64_t frequency = row / n_parts % n_points;
        const T* const from = matrix.spectra + row;
        T* const to = packed.weights.data() + row + (reversed(frequency) - frequency) * n_parts;
        std::transform(from, from + n_parts, to, [n_points](T x) { return x / static_cast<T>(n_points); });
    }
    // For threads that share a step: so that all take whole groups.
    for (std::int64_t block = 0; block <= n_rows() / kBlockRows; ++block) {
        packed.block_start.push_back(block * kBlockRows / group);
    }
    return packed;
}

template <class T>
typename Network<T>::Packed Network<T>::pack_sparse(const MatrixSpec<T>& matrix, std::int64_t n_columns) const {
    const std::int64_t zero_slot = n_rows();
    Packed packed;
    packed.block_start = {0};
    for (const Stage& stage : stages_) {
        for (std::int64_t first = 0; first < stage.n_units; first += kBlockRows) {
            std::int64_t longest = 0;
            for (std::int64_t r = first; r < std::min(first + kBlockRows, stage.n_units); ++r) {
                const std::int64_t unit = stage.first_unit + r;
                longest = std::max(longest, matrix.row_start[unit + 1] - matrix.row_start[unit]);
            }
            packed.block_start.push_back(packed.block_start.back() + longest);
        }
    }
    std::vector<std::int64_t> places(static_cast<std::size_t>(n_columns));
    for (std::int64_t c = 0; c < n_columns; ++c) places[static_cast<std::size_t>(c)] = place_of_column(c);
    const auto size = static_cast<std::size_t>(packed.block_start.back() * kBlockRows);
    packed.weights.assign(size, T(0));
    packed.columns32.assign(size, static_cast<std::uint32_t>(zero_slot));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const std::int64_t row = place(unit);
        std::int64_t slot = packed.block_start[static_cast<std::size_t>(row / kBlockRows)];
        std::int64_t previous = -1;
        for (std::int64_t at = matrix.row_start[unit]; at < matrix.row_start[unit + 1]; ++at, ++slot) {
            const std::int64_t column = matrix.columns[at];
            if (column <= previous || column >= n_columns) {
                throw std::invalid_argument("the columns of row " + std::to_string(unit) +
                                            " are not ascending within [0, " + std::to_string(n_columns) + ")");
            }
            previous = column;
            const auto to = static_cast<std::size_t>(slot * kBlockRows + row % kBlockRows);
            packed.weights[to] = matrix.values[at];
            packed.columns32[to] = static_cast<std::uint32_t>(places[static_cast<std::size_t>(column)]);
        }
    }
    packed.turns.assign(packed.block_start.size() - 1, 0);
    turn_to_strips(packed);
    if (std::max<std::int64_t>(1, n_remembered_) * slot_size_ <= 0x10000) {
        packed.columns16.assign(packed.columns32.begin(), packed.columns32.end());
        packed.columns32 = {};
        packed.first_columns16.assign(packed.first_columns32.begin(), packed.first_columns32.end());
        packed.first_columns32 = {};
    }
    return packed;
}

template <class T>
typename Network<T>::Packed Network<T>::pack_dense(const MatrixSpec<T>& matrix) const {
    Packed packed;
    packed.links = Links::dense;
    for (std::int64_t row = 0; row <= n_rows(); row += kBlockRows) {
        packed.block_start.push_back(row / kBlockRows * n_rows());
    }
    packed.weights.assign(static_cast<std::size_t>(n_rows() * n_rows()), T(0));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const std::int64_t row = place(unit);
        T* block = packed.weights.data() + (row / kBlockRows) * n_rows() * kBlockRows + row % kBlockRows;
        for (const Stage& stage : stages_) {
            const T* from = matrix.dense + unit * n_units_ + stage.first_unit;
            for (std::int64_t c = 0; c < stage.n_units; ++c) {
                block[(stage.first_block * kBlockRows + c) * kBlockRows] = from[c];
            }
        }
    }
    return packed;
}

template Network<float>::Packed Network<float>::pack(const MatrixSpec<float>&, std::int64_t) const;
template Network<double>::Packed Network<double>::pack(const MatrixSpec<double>&, std::int64_t) const;

}  // namespace reservoirs
