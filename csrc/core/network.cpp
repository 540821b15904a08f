#include "reservoirs/network.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

namespace {

constexpr std::int64_t blocks_for(std::int64_t n) {
    return (n + kBlockRows - 1) / kBlockRows;
}

constexpr std::int64_t kMostRemembered = 100'000;

// One for a sparse row's unused slots to read: its value stays zero.
constexpr std::int64_t kZeroSlot = 1;

// In multiply-adds. Threads that share a step meet after it, which takes as long as some hundred of each; and before
// they can begin, all have to be woken, which takes as long as a million, and a step has to be timed on one of them.
constexpr std::int64_t kLeastShare = 1 << 13;
constexpr std::int64_t kLeastShared = 1 << 22;
constexpr std::int64_t kTimed = 1 << 17;
constexpr std::int64_t kFewestSteps = 2;

// Groups of lanes run together through dense weights that do not fit a core's own cache, so many at least, and more as
// long as their states do fit (measured on a Xeon with AMX with 64 sequences through 1000 units: 1.1 times as fast, 1.3
// in double precision). States that do not are gone through in parts that do.
constexpr std::int64_t kCache = 1 << 19;
constexpr std::int64_t kFewestGroups = 4;

// Lanes through many sparse links take some slots of all rows, then the next, so many at least: columns ascend along a
// row, so that a part reads states that about fit the first cache.
constexpr std::int64_t kFirstCache = 1 << 15;
constexpr std::int64_t kFewestSlots = 16;

}  // namespace

template <class T>
Network<T>::Network(const NetworkSpec<T>& spec)
    : n_inputs_(spec.n_inputs),
      activation_(spec.activation),
      potentials_(spec.potentials),
      n_remembered_(spec.n_remembered) {
    if (spec.stage_sizes.empty()) throw std::invalid_argument("a network needs at least one stage");
    if (spec.n_inputs < 0) throw std::invalid_argument("the number of inputs is negative");
    std::int64_t block = 0;
    for (const std::int64_t size : spec.stage_sizes) {
        if (size < 1) throw std::invalid_argument("a stage needs at least one unit, got " + std::to_string(size));
        stages_.push_back({n_units_, size, block, block + blocks_for(size)});
        n_units_ += size;
        block += blocks_for(size);
    }
    const bool remembers = n_remembered_ != 0;
    if (n_remembered_ < 0 || n_remembered_ > kMostRemembered) {
        throw std::invalid_argument("a network remembers up to " + std::to_string(kMostRemembered) + " steps, not " +
                                    std::to_string(n_remembered_));
    }
    if (remembers && (stages_.size() > 1 || potentials_ || spec.weights.dense != nullptr)) {
        throw std::invalid_argument("only one stage with sparse weights, whose state is no potential, remembers steps");
    }
    if (spec.gates != nullptr && (stages_.size() > 1 || remembers)) {
        throw std::invalid_argument("inputs gate one stage only, which remembers no steps");
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
    leaks_alike_ = leaks_are_alike(spec);
    keeps_ = keeps(spec);
    input_stride_ = stages_[0].last_block * kBlockRows;
    input_weights_.assign(static_cast<std::size_t>(n_inputs_ * input_stride_), T(0));
    for (std::int64_t unit = 0; unit < stages_[0].n_units; ++unit) {
        for (std::int64_t j = 0; j < n_inputs_; ++j) {
            input_weights_[static_cast<std::size_t>(j * input_stride_ + unit)] =
                spec.input_weights[unit * n_inputs_ + j];
        }
    }
    slot_size_ = blocks_for(n_rows() + kZeroSlot + (remembers ? n_inputs_ : 0)) * kBlockRows;
    if (spec.weights.is_transform() && (stages_.size() > 1 || remembers)) {
        throw std::invalid_argument("only one stage that remembers no steps is transformed");
    }
    for (const Stage& stage : stages_) {
        shown_parts_.push_back({stage.first_block * kBlockRows, stage.first_unit, stage.n_units});
    }
    state_parts_ = shown_parts_;
    n_state_ = n_units_;
    if (remembers) {
        state_parts_.clear();
        for (std::int64_t slot = 0; slot < n_remembered_; ++slot) {
            const std::int64_t outer = slot * (n_units_ + n_inputs_);
            state_parts_.push_back({slot * slot_size_, outer, n_units_});
            state_parts_.push_back({slot * slot_size_ + n_rows() + kZeroSlot, outer + n_units_, n_inputs_});
        }
        n_state_ = n_remembered_ * (n_units_ + n_inputs_);
    }
    weights_ = pack(spec.weights, remembers ? n_state_ : n_units_);
    turn_sums(weights_.turns);
    if (weights_.links == Links::hadamard) slot_size_ = std::max(slot_size_, weights_.size());
    if (!weights_.is_transform()) narrow(weights_);
    if (spec.mixing) mixing_ = pack(*spec.mixing, n_units_);
    if (spec.gates != nullptr) {
        no_links_.emplace();
        no_links_->block_start.assign(static_cast<std::size_t>(block) + 1, 0);
        no_links_->turns.assign(static_cast<std::size_t>(block), 0);
        gates_.assign(input_weights_.size(), T(0));
        for (std::int64_t unit = 0; unit < n_units_; ++unit) {
            for (std::int64_t j = 0; j < n_inputs_; ++j) {
                gates_[static_cast<std::size_t>(j * input_stride_ + unit)] = spec.gates[unit * n_inputs_ + j];
            }
        }
    }
    zeros_.assign(rows, T(0));
    ones_.assign(rows, T(1));
}

// Whether the first block's leak and keep will do for all rows, of which those beyond the last unit must stay 0.
template <class T>
bool Network<T>::leaks_are_alike(const NetworkSpec<T>& spec) const {
    const auto differs = [](const T* values) { return [=](T x) { return x != values[0]; }; };
    return stages_[0].n_units >= kBlockRows && activation_ != Activation::logistic &&
           std::none_of(spec.leak, spec.leak + n_units_, differs(spec.leak)) &&
           std::none_of(spec.keep, spec.keep + n_units_, differs(spec.keep));
}

// Whether anything of a state stays. Logistic units are taken to: those beyond the last must stay 0.
template <class T>
bool Network<T>::keeps(const NetworkSpec<T>& spec) const {
    const auto differs_from = [](T value) { return [=](T x) { return x != value; }; };
    return activation_ == Activation::logistic || std::any_of(spec.leak, spec.leak + n_units_, differs_from(T(1))) ||
           std::any_of(spec.keep, spec.keep + n_units_, differs_from(T(0)));
}

template <class T>
std::int64_t Network<T>::place(std::int64_t unit) const {
    for (const Stage& stage : stages_) {
        if (unit < stage.first_unit + stage.n_units) return stage.first_block * kBlockRows + unit - stage.first_unit;
    }
    throw std::invalid_argument("unit " + std::to_string(unit) + " is not in the network");
}

template <class T>
std::int64_t Network<T>::place_of_column(std::int64_t column) const {
    if (n_remembered_ == 0) return place(column);
    const std::int64_t slot = column / (n_units_ + n_inputs_);
    const std::int64_t within = column % (n_units_ + n_inputs_);
    return slot * slot_size_ + (within < n_units_ ? place(within) : n_rows() + kZeroSlot + within - n_units_);
}

template <class T>
std::int64_t Network<T>::work() const {
    const auto size = [](const Packed& m) {
        std::int64_t n = m.is_transform() ? m.size() : m.block_start.back() * kBlockRows;
        // Sums and differences take as long.
        if (m.links == Links::hadamard) {
            for (std::int64_t half = 1; half < m.size(); half *= 2) n += m.size();
        }
        // There and back, with two of them or a multiply-add and a product for each number.
        for (std::int64_t half = 1; half < m.n_points; half *= 2) n += 4 * m.size();
        return n;
    };
    const std::int64_t mixing = mixing_ ? size(*mixing_) : 0;
    return size(weights_) + mixing + static_cast<std::int64_t>(input_weights_.size()) + 8 * n_rows();
}

template <class T>
typename Network<T>::Kernel Network<T>::kernel(const Kernels<T>& k, const Packed& m, Activation activation, int lanes) {
    const auto f = static_cast<std::size_t>(activation);
    const auto s = static_cast<std::size_t>(m.storage);
    if (m.links == Links::hadamard) return k.hadamard_step[f];
    if (m.links == Links::circulant) return k.circulant_step[f];
    if (m.links == Links::dense) return lanes < 0 ? k.dense_step[s][f] : k.dense_step_lanes[lanes][f];
    if (lanes < 0 && !m.first_columns16.empty()) return k.consecutive16_step[s][f];
    if (lanes < 0 && !m.first_columns32.empty()) return k.consecutive32_step[s][f];
    if (m.columns32.empty()) return lanes < 0 ? k.sparse16_step[k.gathers][s][f] : k.sparse16_step_lanes[lanes][f];
    return lanes < 0 ? k.sparse32_step[k.gathers][s][f] : k.sparse32_step_lanes[lanes][f];
}

template <class T>
StageStep<T> Network<T>::stage_step(const Packed& m, int lanes) const {
    StageStep<T> a{};
    a.block_start = m.block_start.data();
    a.turns = m.turns.data();
    a.weights = m.weights.data();
    if (m.storage == Storage::bfloat16) a.weights = m.weights16.data();
    if (m.storage == Storage::int8) a.weights = m.weights8.data();
    a.scales = m.scales.data();
    a.columns = m.columns32.empty() ? static_cast<const void*>(m.columns16.data()) : m.columns32.data();
    if (lanes < 0 && !m.first_columns16.empty()) a.columns = m.first_columns16.data();
    if (lanes < 0 && !m.first_columns32.empty()) a.columns = m.first_columns32.data();
    a.n_columns = n_rows();
    if (m.links == Links::hadamard) a.n_columns = m.size();
    if (m.links == Links::circulant) a.n_columns = n_units_;
    a.n_points = m.n_points;
    a.n_parts = 1;
    a.n_groups = 1;
    return a;
}

template <class T>
void Network<T>::mix(const Kernels<T>& k, int lanes, Workspace& w) const {
    StageStep<T> a = stage_step(*mixing_, lanes);
    a.last_block = stages_.back().last_block;
    a.bias = zeros_.data();
    a.state = w.state();
    a.next = w.mixed.data();
    kernel(k, *mixing_, Activation::identity, lanes)(a);
}

template <class T>
void Network<T>::gate(const Kernels<T>& k, int lanes, const T* input, Workspace& w) const {
    const T* sent = shown(w);
    StageStep<T> a = stage_step(*no_links_, lanes);
    a.last_block = stages_.back().last_block;
    a.bias = ones_.data();
    a.input_weights = gates_.data();
    a.input_stride = input_stride_;
    a.n_inputs = n_inputs_;
    a.input = input;
    a.state = sent;
    a.next = w.gated.data();
    kernel(k, *no_links_, Activation::identity, lanes)(a);
    k.product(w.gated.data(), sent, n_rows() * (w.slot_size / slot_size_), w.gated.data());
}

template <class T>
T* Network<T>::next_slot(Workspace& w) const {
    // Without a past the state moves to and fro between two slots.
    if (n_remembered_ <= 1) return w.slots.data() + (1 - w.present) * w.slot_size;
    if (w.present == 0) {
        w.present = n_remembered_;
        std::copy_n(w.slots.data(), n_remembered_ * w.slot_size, w.state());
    }
    return w.state() - w.slot_size;
}

template <class T>
void Network<T>::run(const Kernels<T>& k, int lanes, StageStep<T>* steps, std::int64_t n_steps, Workspace& w) const {
    const Kernel of_blocks = kernel(k, weights_, potentials_ ? Activation::identity : activation_, lanes);
    const bool is_wide = weights_.storage == Storage::own;
    if (lanes < 0) return of_blocks(steps[0]);
    const StageStep<T> all = steps[0];
    const std::int64_t n_parts = parts_of_step(n_steps, w);
    for (std::int64_t part = 0; part < n_parts; ++part) {
        for (StageStep<T>* step = steps; step < steps + n_steps; ++step) {
            step->part = part;
            step->n_parts = n_parts;
            step->group = step - steps;
            step->n_groups = n_steps;
        }
        if (n_steps == 1 && is_wide) {
            of_blocks(steps[0]);
            continue;
        }
        for (std::int64_t i = all.first_block; i < all.last_block; ++i) {
            const std::int64_t block = all.backwards ? all.first_block + all.last_block - 1 - i : i;
            // Lanes share each weight, so to widen it first costs little, and they need no kernels of their own.
            if (!is_wide) {
                const SlotRange slots = slots_of_part(steps[0], block);
                k.widen[static_cast<int>(weights_.storage)](all, block, slots.first, slots.last, w.wide.data());
                for (StageStep<T>* step = steps; step < steps + n_steps; ++step) {
                    step->weights = w.wide.data();
                    step->first_slot = slots.first;
                }
            }
            for (StageStep<T>* step = steps; step < steps + n_steps; ++step) {
                step->first_block = block;
                step->last_block = block + 1;
                step->is_followed = is_wide && i + 1 < all.last_block;
                of_blocks(*step);
            }
        }
    }
}

template <class T>
std::int64_t Network<T>::groups_together(std::int64_t n_lanes) const {
    const std::int64_t of_states = slot_size_ * n_lanes * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t of_weights = work() * static_cast<std::int64_t>(sizeof(T));
    if (!is_plain() || weights_.links != Links::dense || of_weights <= kCache) return 1;
    return std::clamp<std::int64_t>(kCache / of_states, kFewestGroups, kMostGroups);
}

template <class T>
std::int64_t Network<T>::parts_of_step(std::int64_t n_groups, const Workspace& w) const {
    if (w.sums.empty()) return 1;
    const std::int64_t of_states = n_groups * w.slot_size * static_cast<std::int64_t>(sizeof(T));
    if (weights_.links != Links::dense) {
        return std::clamp<std::int64_t>(of_states / kFirstCache, 1, slots_of_a_row() / kFewestSlots);
    }
    // One group reads all weights once in any case.
    return n_groups == 1 ? 1 : (of_states + kCache - 1) / kCache;
}

template <class T>
std::int64_t Network<T>::slots_of_a_row() const {
    return weights_.block_start.back() / static_cast<std::int64_t>(weights_.block_start.size() - 1);
}

template <class T>
StageStep<T> Network<T>::first_step(int lanes, const T* input, T* next, Workspace& w) const {
    StageStep<T> a = stage_step(weights_, lanes);
    a.bias = bias_.data();
    const std::int64_t stride = leaks_alike_ ? 0 : 1;
    a.leak = {leak_.data(), stride};
    a.keep = {keep_.data(), stride};
    if (!w.leak.empty() && lanes < 0) {
        a.leak = {w.leak.data(), 1};
        a.keep = {w.keep.data(), 1};
    } else if (!w.leak.empty()) {
        a.leak_of_lanes = w.leak.data();
        a.keep_of_lanes = w.keep.data();
    }
    a.input_weights = input_weights_.data();
    a.input_stride = input_stride_;
    a.n_inputs = n_inputs_;
    a.input = input;
    a.state = no_links_ ? w.gated.data() : shown(w);
    a.carried = mixing_ ? w.mixed.data() : w.state();
    a.keeps = keeps_ || !w.leak.empty();
    a.transformed = w.transformed.data();
    a.sums = w.sums.data();
    a.next = next;
    a.backwards = w.present % 2 != 0;
    return a;
}

template <class T>
void Network<T>::advance(const Kernels<T>& k, int lanes, const T* input, Workspace& w) const {
    if (mixing_) mix(k, lanes, w);
    if (no_links_) gate(k, lanes, input, w);
    T* next = next_slot(w);
    StageStep<T> a = first_step(lanes, input, next, w);
    const std::int64_t n_lanes = w.slot_size / slot_size_;
    if (stages_.size() == 1) {
        a.last_block = stages_[0].last_block;
        run(k, lanes, &a, 1, w);
        if (n_remembered_ > 0) std::copy_n(input, n_inputs_ * n_lanes, next + (n_rows() + kZeroSlot) * n_lanes);
        w.present = (next - w.slots.data()) / w.slot_size;
        return;
    }
    for (const Stage& stage : stages_) {
        StageStep<T> of_stage = a;
        of_stage.first_block = stage.first_block;
        of_stage.last_block = stage.last_block;
        run(k, lanes, &of_stage, 1, w);
        // Later stages read the present values of this one.
        const std::int64_t begin = stage.first_block * kBlockRows * n_lanes;
        const std::int64_t size = stage.last_block * kBlockRows * n_lanes - begin;
        std::copy_n(next + begin, size, w.state() + begin);
        if (potentials_) k.activate[static_cast<int>(activation_)](next + begin, size, w.rates.data() + begin);
        a.n_inputs = 0;
    }
}

template <class T>
bool Network<T>::is_plain() const {
    return stages_.size() == 1 && n_remembered_ == 0 && !potentials_ && !mixing_ && !no_links_;
}

template <class T>
int Network<T>::team_for_steps(std::int64_t n_steps, int n_threads) const {
    const bool is_long = n_steps >= std::max(kFewestSteps, kLeastShared / work());
    if (!is_plain() || weights_.links == Links::hadamard || !is_long || !Meeting::is_advised()) return 1;
    return team_size(std::min(n_threads, n_processors()), std::min(work() / kLeastShare, stages_[0].last_block));
}

template <class T>
std::int64_t Network<T>::n_steps_to_time() const {
    return std::max<std::int64_t>(1, kTimed / work());
}

// Blocks with as many links as everyone else's.
template <class T>
void Network<T>::take_share(const Member& member, StageStep<T>& step) const {
    const std::vector<std::int64_t>& start = weights_.block_start;
    const auto end_of = [&](int i) {
        if (i == member.n_threads) return stages_[0].last_block;
        return std::lower_bound(start.begin(), start.end(), start.back() * i / member.n_threads) - start.begin();
    };
    step.first_block = end_of(member.thread);
    step.last_block = end_of(member.thread + 1);
}

template <class T>
void Network<T>::settle(const Kernels<T>& k, Workspace& w) const {
    if (potentials_) k.activate[static_cast<int>(activation_)](w.state(), w.slot_size, w.rates.data());
}

template <class T>
bool Network<T>::goes_in_parts() const {
    if (!is_plain() || weights_.is_transform()) return false;
    return weights_.links == Links::dense || slots_of_a_row() >= 2 * kFewestSlots;
}

template <class T>
typename Network<T>::Workspace Network<T>::make_workspace(std::int64_t n_lanes) const {
    const std::int64_t size = slot_size_ * n_lanes;
    const Aligned<T> slot(static_cast<std::size_t>(size), T(0));
    const auto n_slots = static_cast<std::size_t>(2 * std::max<std::int64_t>(1, n_remembered_));
    Workspace w{Aligned<T>(slot.size() * n_slots, T(0)),
                size,
                0,
                potentials_ ? slot : Aligned<T>(),
                mixing_ ? slot : Aligned<T>(),
                no_links_ ? slot : Aligned<T>(),
                {},
                {},
                {},
                weights_.links == Links::hadamard ? Aligned<T>(weights_.weights.size(), T(0)) : Aligned<T>(),
                n_lanes > 1 && goes_in_parts() ? slot : Aligned<T>()};
    if (n_lanes > 1 && weights_.storage != Storage::own) {
        const auto& start = weights_.block_start;
        std::int64_t longest = 0;
        for (std::size_t block = 1; block < start.size(); ++block) {
            longest = std::max(longest, start[block] - start[block - 1]);
        }
        w.wide.resize(static_cast<std::size_t>(longest * kBlockRows));
    }
    settle(kernels<T>(), w);
    return w;
}

template <class T>
void Network<T>::load_state(const T* state, Workspace& w) const {
    // The padding too: a sequence that diverged before may have left NaN there, and 0 * NaN is NaN.
    w.present = 0;
    std::fill(w.slots.begin(), w.slots.end(), T(0));
    for (const Part& part : state_parts_) std::copy_n(state + part.outer, part.size, w.state() + part.inner);
    settle(kernels<T>(), w);
}

template <class T>
void Network<T>::store_state(const Workspace& w, T* state) const {
    for (const Part& part : state_parts_) std::copy_n(w.state() + part.inner, part.size, state + part.outer);
}

template <class T>
void Network<T>::store_shown(const Workspace& w, T* units) const {
    store_units(shown(w), units);
}

template <class T>
void Network<T>::store_units(const T* from, T* units) const {
    for (const Part& part : shown_parts_) std::copy_n(from + part.inner, part.size, units + part.outer);
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
