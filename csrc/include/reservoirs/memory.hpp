// What turns the inputs of one time step after another into features, and remembers of the steps before what it needs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reservoirs/network.hpp"

namespace reservoirs {

template <class T>
class Memory {
public:
    virtual ~Memory() = default;
    virtual std::unique_ptr<Memory> clone() const = 0;

    virtual std::int64_t n_inputs() const = 0;
    virtual std::int64_t n_features() const = 0;
    virtual void step(const T* input, T* features) = 0;
    // Whether the last step had all the past its features need.
    virtual bool ready() const = 0;
    virtual void reset() = 0;

    virtual std::int64_t n_state() const = 0;
    virtual void store(T* state) const = 0;
    virtual void load(const T* state) = 0;
};

// The states of an echo-state network.
template <class T>
class NetworkMemory final : public Memory<T> {
public:
    NetworkMemory(std::shared_ptr<const Network<T>> network, bool with_input, bool with_squares);
    std::unique_ptr<Memory<T>> clone() const override;

    std::int64_t n_inputs() const override { return network_->n_inputs(); }
    std::int64_t n_features() const override;
    void step(const T* input, T* features) override;
    bool ready() const override { return true; }
    void reset() override;

    std::int64_t n_state() const override { return network_->n_state(); }
    void store(T* state) const override { network_->store_state(workspace_, state); }
    void load(const T* state) override { network_->load_state(state, workspace_); }

private:
    std::shared_ptr<const Network<T>> network_;
    bool with_input_;
    bool with_squares_;
    typename Network<T>::Workspace workspace_;
};

}  // namespace reservoirs
