#include "reservoirs/network.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "table.hpp"

namespace reservoirs {

namespace {

constexpr std::int64_t blocks_for(std::int64_t n_units) {
    return (n_units + kBlockRows - 1) / kBlockRows;
}

// One for a sparse row's unused slots to read: its value stays zero.
constexpr std::int64_t kZeroSlot = 1;

}  // namespace

template <class T>
Network<T>::Network(const NetworkSpec<T>& spec) : n_inputs_(spec.n_inputs), activation_(spec.activation) {
    if (spec.stage_sizes.empty()) throw std::invalid_argument("a network needs at least one stage");
    if (spec.n_inputs < 0) throw std::invalid_argument("the number of inputs is negative");
    std::int64_t block = 0;
    for (const std::int64_t size : spec.stage_sizes) {
        if (size < 1) throw std::invalid_argument("a stage needs at least one unit, got " + std::to_string(size));
        stages_.push_back({n_units_, size, block, block + blocks_for(size)});
        n_units_ += size;
        block += blocks_for(size);
    }
    const auto rows = static_cast<std::size_t>(block * kBlockRows);
    bias_.assign(rows, T(0));
    leak_.assign(rows, T(0));
    keep_.assign(rows, T(1));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const auto at = static_cast<std::size_t>(place(unit));
        bias_[at] = spec.bias[unit];
        leak_[at] = spec.leak[unit];
        keep_[at] = T(1) - spec.leak[unit];
    }
    input_stride_ = stages_[0].last_block * kBlockRows;
    input_weights_.assign(static_cast<std::size_t>(n_inputs_ * input_stride_), T(0));
    for (std::int64_t unit = 0; unit < stages_[0].n_units; ++unit) {
        for (std::int64_t j = 0; j < n_inputs_; ++j) {
            input_weights_[static_cast<std::size_t>(j * input_stride_ + unit)] =
                spec.input_weights[unit * n_inputs_ + j];
        }
    }
    dense_ = spec.dense != nullptr;
    if (dense_) {
        pack_dense(spec);
    } else {
        pack_sparse(spec);
    }
}

template <class T>
std::int64_t Network<T>::place(std::int64_t unit) const {
    for (const Stage& stage : stages_) {
        if (unit < stage.first_unit + stage.n_units) return stage.first_block * kBlockRows + unit - stage.first_unit;
    }
    throw std::invalid_argument("unit " + std::to_string(unit) + " is not in the network");
}

template <class T>
void Network<T>::pack_sparse(const NetworkSpec<T>& spec) {
    const std::int64_t zero_slot = n_rows();
    block_start_.assign(1, 0);
    for (const Stage& stage : stages_) {
        for (std::int64_t first = 0; first < stage.n_units; first += kBlockRows) {
            std::int64_t longest = 0;
            for (std::int64_t r = first; r < std::min(first + kBlockRows, stage.n_units); ++r) {
                const std::int64_t unit = stage.first_unit + r;
                longest = std::max(longest, spec.row_start[unit + 1] - spec.row_start[unit]);
            }
            block_start_.push_back(block_start_.back() + longest);
        }
    }
    std::vector<std::int64_t> places(static_cast<std::size_t>(n_units_));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) places[static_cast<std::size_t>(unit)] = place(unit);
    const auto size = static_cast<std::size_t>(block_start_.back() * kBlockRows);
    weights_.assign(size, T(0));
    columns32_.assign(size, static_cast<std::uint32_t>(zero_slot));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const std::int64_t row = places[static_cast<std::size_t>(unit)];
        std::int64_t slot = block_start_[static_cast<std::size_t>(row / kBlockRows)];
        std::int64_t previous = -1;
        for (std::int64_t at = spec.row_start[unit]; at < spec.row_start[unit + 1]; ++at, ++slot) {
            const std::int64_t column = spec.columns[at];
            if (column <= previous || column >= n_units_) {
                throw std::invalid_argument("the columns of row " + std::to_string(unit) +
                                            " are not ascending within [0, " + std::to_string(n_units_) + ")");
            }
            previous = column;
            const auto to = static_cast<std::size_t>(slot * kBlockRows + row % kBlockRows);
            weights_[to] = spec.values[at];
            columns32_[to] = static_cast<std::uint32_t>(places[static_cast<std::size_t>(column)]);
        }
    }
    if (zero_slot <= 0xFFFF) {
        columns16_.assign(columns32_.begin(), columns32_.end());
        columns32_ = {};
    }
}

template <class T>
void Network<T>::pack_dense(const NetworkSpec<T>& spec) {
    weights_.assign(static_cast<std::size_t>(n_rows() * n_rows()), T(0));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const std::int64_t row = place(unit);
        T* block = weights_.data() + (row / kBlockRows) * n_rows() * kBlockRows + row % kBlockRows;
        for (const Stage& stage : stages_) {
            const T* from = spec.dense + unit * n_units_ + stage.first_unit;
            for (std::int64_t c = 0; c < stage.n_units; ++c) {
                block[(stage.first_block * kBlockRows + c) * kBlockRows] = from[c];
            }
        }
    }
}

template <class T>
std::int64_t Network<T>::work() const {
    return static_cast<std::int64_t>(weights_.size() + input_weights_.size()) + 8 * n_rows();
}

template <class T>
void Network<T>::advance(const Kernels<T>& k, int lanes, const T* input, Aligned<T>& state, Aligned<T>& next) const {
    const auto f = static_cast<std::size_t>(activation_);
    const auto step = dense_               ? (lanes < 0 ? k.dense_step[f] : k.dense_step_lanes[lanes][f])
                      : columns32_.empty() ? (lanes < 0 ? k.sparse16_step[f] : k.sparse16_step_lanes[lanes][f])
                                           : (lanes < 0 ? k.sparse32_step[f] : k.sparse32_step_lanes[lanes][f]);
    StageStep<T> a{};
    a.block_start = block_start_.data();
    a.weights = weights_.data();
    a.columns = columns32_.empty() ? static_cast<const void*>(columns16_.data()) : columns32_.data();
    a.n_columns = n_rows();
    a.bias = bias_.data();
    a.leak = leak_.data();
    a.keep = keep_.data();
    a.input_weights = input_weights_.data();
    a.input_stride = input_stride_;
    a.n_inputs = n_inputs_;
    a.input = input;
    a.state = state.data();
    a.next = next.data();
    if (stages_.size() == 1) {
        a.last_block = stages_[0].last_block;
        step(a);
        std::swap(state, next);
        return;
    }
    const auto row_size = static_cast<std::int64_t>(state.size()) / (n_rows() + kZeroSlot);
    for (const Stage& stage : stages_) {
        a.first_block = stage.first_block;
        a.last_block = stage.last_block;
        step(a);
        // Later stages read the present values of this one.
        const std::int64_t begin = stage.first_block * kBlockRows * row_size;
        const std::int64_t end = stage.last_block * kBlockRows * row_size;
        std::copy(next.begin() + begin, next.begin() + end, state.begin() + begin);
        a.n_inputs = 0;
    }
}

template <class T>
typename Network<T>::Workspace Network<T>::make_workspace() const {
    const auto size = static_cast<std::size_t>(n_rows() + kZeroSlot);
    return {Aligned<T>(size, T(0)), Aligned<T>(size, T(0))};
}

template <class T>
void Network<T>::load_state(const T* units, Workspace& w) const {
    // The padding too: a sequence that diverged before may have left NaN there, and 0 * NaN is NaN.
    std::fill(w.state.begin(), w.state.end(), T(0));
    for (const Stage& stage : stages_) {
        std::copy_n(units + stage.first_unit, stage.n_units, w.state.data() + stage.first_block * kBlockRows);
    }
}

template <class T>
void Network<T>::store_state(const Workspace& w, T* units) const {
    for (const Stage& stage : stages_) {
        std::copy_n(w.state.data() + stage.first_block * kBlockRows, stage.n_units, units + stage.first_unit);
    }
}

template <class T>
void Network<T>::step(const T* input, Workspace& w) const {
    advance(kernels<T>(), -1, input, w.state, w.next);
}

template class Network<float>;
template class Network<double>;

}  // namespace reservoirs
