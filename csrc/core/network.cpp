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
Network<T>::Network(const NetworkSpec<T>& spec)
    : n_inputs_(spec.n_inputs), activation_(spec.activation), potentials_(spec.potentials) {
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
        keep_[at] = spec.keep[unit];
    }
    input_stride_ = stages_[0].last_block * kBlockRows;
    input_weights_.assign(static_cast<std::size_t>(n_inputs_ * input_stride_), T(0));
    for (std::int64_t unit = 0; unit < stages_[0].n_units; ++unit) {
        for (std::int64_t j = 0; j < n_inputs_; ++j) {
            input_weights_[static_cast<std::size_t>(j * input_stride_ + unit)] =
                spec.input_weights[unit * n_inputs_ + j];
        }
    }
    weights_ = pack(spec.weights);
    if (spec.mixing) {
        mixing_ = pack(*spec.mixing);
        zeros_.assign(rows, T(0));
        ones_.assign(rows, T(1));
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
typename Network<T>::Packed Network<T>::pack(const MatrixSpec<T>& matrix) const {
    return matrix.dense != nullptr ? pack_dense(matrix) : pack_sparse(matrix);
}

template <class T>
typename Network<T>::Packed Network<T>::pack_sparse(const MatrixSpec<T>& matrix) const {
    const std::int64_t zero_slot = n_rows();
    Packed packed{false, {0}, {}, {}, {}, {}};
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
    std::vector<std::int64_t> places(static_cast<std::size_t>(n_units_));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) places[static_cast<std::size_t>(unit)] = place(unit);
    const auto size = static_cast<std::size_t>(packed.block_start.back() * kBlockRows);
    packed.weights.assign(size, T(0));
    packed.columns32.assign(size, static_cast<std::uint32_t>(zero_slot));
    for (std::int64_t unit = 0; unit < n_units_; ++unit) {
        const std::int64_t row = places[static_cast<std::size_t>(unit)];
        std::int64_t slot = packed.block_start[static_cast<std::size_t>(row / kBlockRows)];
        std::int64_t previous = -1;
        for (std::int64_t at = matrix.row_start[unit]; at < matrix.row_start[unit + 1]; ++at, ++slot) {
            const std::int64_t column = matrix.columns[at];
            if (column <= previous || column >= n_units_) {
                throw std::invalid_argument("the columns of row " + std::to_string(unit) +
                                            " are not ascending within [0, " + std::to_string(n_units_) + ")");
            }
            previous = column;
            const auto to = static_cast<std::size_t>(slot * kBlockRows + row % kBlockRows);
            packed.weights[to] = matrix.values[at];
            packed.columns32[to] = static_cast<std::uint32_t>(places[static_cast<std::size_t>(column)]);
        }
    }
    packed.first_columns = find_first_columns(packed);
    if (zero_slot <= 0xFFFF) {
        packed.columns16.assign(packed.columns32.begin(), packed.columns32.end());
        packed.columns32 = {};
    }
    return packed;
}

template <class T>
std::vector<std::uint32_t> Network<T>::find_first_columns(const Packed& packed) const {
    std::vector<std::uint32_t> first_columns(static_cast<std::size_t>(packed.block_start.back()));
    for (const Stage& stage : stages_) {
        for (std::int64_t block = stage.first_block; block < stage.last_block; ++block) {
            const std::int64_t n =
                std::min<std::int64_t>(kBlockRows, stage.n_units - (block - stage.first_block) * kBlockRows);
            const auto begin = static_cast<std::size_t>(packed.block_start[static_cast<std::size_t>(block)]);
            const auto end = static_cast<std::size_t>(packed.block_start[static_cast<std::size_t>(block) + 1]);
            for (std::size_t slot = begin; slot < end; ++slot) {
                const std::uint32_t* column = packed.columns32.data() + slot * kBlockRows;
                // Rows beyond the last unit read too: with weights of zero, but within the state.
                if (column[0] + kBlockRows > n_rows()) return {};
                for (std::int64_t r = 1; r < n; ++r) {
                    if (column[r] != column[0] + r) return {};
                }
                first_columns[slot] = column[0];
            }
        }
    }
    return first_columns;
}

template <class T>
typename Network<T>::Packed Network<T>::pack_dense(const MatrixSpec<T>& matrix) const {
    Packed packed{true, {}, Aligned<T>(static_cast<std::size_t>(n_rows() * n_rows()), T(0)), {}, {}, {}};
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

template <class T>
std::int64_t Network<T>::work() const {
    const std::size_t mixing = mixing_ ? mixing_->weights.size() : 0;
    return static_cast<std::int64_t>(weights_.weights.size() + mixing + input_weights_.size()) + 8 * n_rows();
}

template <class T>
typename Network<T>::Kernel Network<T>::kernel(const Kernels<T>& k, const Packed& m, Activation activation, int lanes) {
    const auto f = static_cast<std::size_t>(activation);
    if (m.dense) return lanes < 0 ? k.dense_step[f] : k.dense_step_lanes[lanes][f];
    if (lanes < 0 && !m.first_columns.empty()) return k.consecutive_step[f];
    if (m.columns32.empty()) return lanes < 0 ? k.sparse16_step[f] : k.sparse16_step_lanes[lanes][f];
    return lanes < 0 ? k.sparse32_step[f] : k.sparse32_step_lanes[lanes][f];
}

template <class T>
StageStep<T> Network<T>::stage_step(const Packed& m, int lanes) const {
    StageStep<T> a{};
    a.block_start = m.block_start.data();
    a.weights = m.weights.data();
    a.columns = m.columns32.empty() ? static_cast<const void*>(m.columns16.data()) : m.columns32.data();
    if (lanes < 0 && !m.first_columns.empty()) a.columns = m.first_columns.data();
    a.n_columns = n_rows();
    return a;
}

template <class T>
void Network<T>::mix(const Kernels<T>& k, int lanes, Workspace& w) const {
    StageStep<T> a = stage_step(*mixing_, lanes);
    a.last_block = stages_.back().last_block;
    a.bias = zeros_.data();
    a.leak = ones_.data();
    a.keep = zeros_.data();
    a.state = w.state.data();
    a.carried = w.state.data();
    a.next = w.mixed.data();
    kernel(k, *mixing_, Activation::identity, lanes)(a);
}

template <class T>
void Network<T>::advance(const Kernels<T>& k, int lanes, const T* input, Workspace& w) const {
    if (mixing_) mix(k, lanes, w);
    const auto step = kernel(k, weights_, potentials_ ? Activation::identity : activation_, lanes);
    StageStep<T> a = stage_step(weights_, lanes);
    a.bias = bias_.data();
    a.leak = leak_.data();
    a.keep = keep_.data();
    a.input_weights = input_weights_.data();
    a.input_stride = input_stride_;
    a.n_inputs = n_inputs_;
    a.input = input;
    a.state = shown(w).data();
    a.carried = mixing_ ? w.mixed.data() : w.state.data();
    a.next = w.next.data();
    if (stages_.size() == 1) {
        a.last_block = stages_[0].last_block;
        step(a);
        std::swap(w.state, w.next);
        return;
    }
    const auto row_size = static_cast<std::int64_t>(w.state.size()) / (n_rows() + kZeroSlot);
    for (const Stage& stage : stages_) {
        a.first_block = stage.first_block;
        a.last_block = stage.last_block;
        step(a);
        // Later stages read the present values of this one.
        const std::int64_t begin = stage.first_block * kBlockRows * row_size;
        const std::int64_t size = stage.last_block * kBlockRows * row_size - begin;
        std::copy_n(w.next.data() + begin, size, w.state.data() + begin);
        if (potentials_) k.activate[static_cast<int>(activation_)](w.next.data() + begin, size, w.rates.data() + begin);
        a.n_inputs = 0;
    }
}

template <class T>
void Network<T>::settle(const Kernels<T>& k, Workspace& w) const {
    if (!potentials_) return;
    k.activate[static_cast<int>(activation_)](w.state.data(), static_cast<std::int64_t>(w.state.size()),
                                              w.rates.data());
}

template <class T>
typename Network<T>::Workspace Network<T>::make_workspace(std::int64_t n_lanes) const {
    const Aligned<T> zeros(static_cast<std::size_t>((n_rows() + kZeroSlot) * n_lanes), T(0));
    Workspace w{zeros, zeros, potentials_ ? zeros : Aligned<T>(), mixing_ ? zeros : Aligned<T>()};
    settle(kernels<T>(), w);
    return w;
}

template <class T>
void Network<T>::load_state(const T* units, Workspace& w) const {
    // The padding too: a sequence that diverged before may have left NaN there, and 0 * NaN is NaN.
    std::fill(w.state.begin(), w.state.end(), T(0));
    for (const Stage& stage : stages_) {
        std::copy_n(units + stage.first_unit, stage.n_units, w.state.data() + stage.first_block * kBlockRows);
    }
    settle(kernels<T>(), w);
}

template <class T>
void Network<T>::store(const Aligned<T>& from, T* units) const {
    for (const Stage& stage : stages_) {
        std::copy_n(from.data() + stage.first_block * kBlockRows, stage.n_units, units + stage.first_unit);
    }
}

template <class T>
void Network<T>::store_state(const Workspace& w, T* units) const {
    store(w.state, units);
}

template <class T>
void Network<T>::store_shown(const Workspace& w, T* units) const {
    store(shown(w), units);
}

template <class T>
void Network<T>::step(const T* input, Workspace& w) const {
    const Kernels<T>& k = kernels<T>();
    advance(k, -1, input, w);
    settle(k, w);
}

template class Network<float>;
template class Network<double>;

}  // namespace reservoirs
