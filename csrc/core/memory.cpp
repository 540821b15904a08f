#include "reservoirs/memory.hpp"

#include <utility>

namespace reservoirs {

template <class T>
NetworkMemory<T>::NetworkMemory(std::shared_ptr<const Network<T>> network, bool with_input, bool with_squares)
    : network_(std::move(network)),
      with_input_(with_input),
      with_squares_(with_squares),
      workspace_(network_->make_workspace()) {}

template <class T>
std::unique_ptr<Memory<T>> NetworkMemory<T>::clone() const {
    return std::make_unique<NetworkMemory>(*this);
}

template <class T>
std::int64_t NetworkMemory<T>::n_features() const {
    return network_->n_units() * (with_squares_ ? 2 : 1) + (with_input_ ? network_->n_inputs() : 0);
}

template <class T>
void NetworkMemory<T>::step(const T* input, T* features) {
    network_->step(input, workspace_);
    gather_features(*network_, network_->shown(workspace_), input, with_input_, with_squares_, features);
}

template <class T>
void NetworkMemory<T>::reset() {
    workspace_ = network_->make_workspace();
}

template class NetworkMemory<float>;
template class NetworkMemory<double>;

}  // namespace reservoirs
