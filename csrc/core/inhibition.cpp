#include "reservoirs/inhibition.hpp"

#include <algorithm>
#include <stdexcept>

#include "table.hpp"

namespace reservoirs {

template <class T>
InhibitionLearner<T>::InhibitionLearner(const Network<T>& network, const T* targets, T rate)
    : network_(network), workspace_(network_.make_workspace()), rate_(rate) {
    const auto& packed = network_.weights_;
    if (packed.links != Network<T>::Links::sparse) throw std::invalid_argument("the recurrent weights must be sparse");
    network_.widen(network_.weights_);
    network_.turn_back();
    if (network_.n_remembered_ > 0) throw std::invalid_argument("inhibition does not learn online over delays");
    const auto rows = static_cast<std::size_t>(network_.n_rows());
    targets_.assign(rows, T(0));
    sums_.assign(rows, T(0));
    for (std::int64_t unit = 0; unit < n_units(); ++unit) {
        targets_[static_cast<std::size_t>(network_.place(unit))] = targets[unit];
    }
    const auto& start = network_.weights_.block_start;
    const T* weights = network_.weights_.weights.data();
    for (std::size_t block = 0; block + 1 < start.size(); ++block) {
        const T* begin = weights + start[block] * kBlockRows;
        const T* end = weights + start[block + 1] * kBlockRows;
        const T* first = std::find_if(begin, end, [](T w) { return w < 0; });
        first_slot_.push_back((first - weights) / kBlockRows);
    }
}

template <class T>
void InhibitionLearner<T>::run(const T* inputs, std::int64_t n_rows, T* mean_shown) {
    const Kernels<T>& k = kernels<T>();
    std::fill(sums_.begin(), sums_.end(), T(0));
    InhibitionStep<T> a{};
    a.n_blocks = static_cast<std::int64_t>(first_slot_.size());
    a.block_start = network_.weights_.block_start.data();
    a.first_slot = first_slot_.data();
    a.targets = targets_.data();
    a.rate = rate_;
    a.weights = network_.weights_.weights.data();
    a.sums = sums_.data();
    for (std::int64_t row = 0; row < n_rows; ++row) {
        network_.step(inputs + row * n_inputs(), workspace_);
        a.shown = network_.shown(workspace_);
        k.learn_inhibition(a);
    }
    network_.store_units(sums_.data(), mean_shown);
    std::transform(mean_shown, mean_shown + n_units(), mean_shown, [&](T sum) { return sum / static_cast<T>(n_rows); });
}

template <class T>
std::vector<T> InhibitionLearner<T>::weights() const {
    const auto& packed = network_.weights_;
    const auto is_link = [&](std::size_t at) {
        const std::int64_t column = packed.columns32.empty() ? packed.columns16[at] : packed.columns32[at];
        return column < network_.n_rows();
    };
    std::vector<T> values;
    for (std::int64_t unit = 0; unit < n_units(); ++unit) {
        const std::int64_t row = network_.place(unit);
        const auto block = static_cast<std::size_t>(row / kBlockRows);
        for (std::int64_t slot = packed.block_start[block]; slot < packed.block_start[block + 1]; ++slot) {
            const auto at = static_cast<std::size_t>(slot * kBlockRows + row % kBlockRows);
            if (!is_link(at)) break;
            values.push_back(packed.weights[at] == T(-kLeastInhibition) ? T(0) : packed.weights[at]);
        }
    }
    return values;
}

template class InhibitionLearner<float>;
template class InhibitionLearner<double>;

}  // namespace reservoirs
