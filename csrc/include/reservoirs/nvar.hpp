// Next-generation reservoir (Gauthier, Bollt, Griffith and Barbosa 2021): delayed values and their products, exact and
// without random numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reservoirs/memory.hpp"
#include "reservoirs/network.hpp"

namespace reservoirs {

struct NvarSpec {
    std::int64_t n_variables;
    std::int64_t n_delays;
    std::int64_t stride;
    std::int64_t order;
    // [product][factor]: places in the delayed values, most recent first; -1: no factor
    std::vector<std::int32_t> monomials;
};

// The last (n_delays - 1) stride rows. Its features: the delayed values, then their products.
template <class T>
class DelayLine final : public Memory<T> {
public:
    // Throws std::invalid_argument where the parts do not fit together.
    explicit DelayLine(NvarSpec spec);
    std::unique_ptr<Memory<T>> clone() const override;

    std::int64_t n_inputs() const override { return spec_.n_variables; }
    std::int64_t n_features() const override;
    void step(const T* input, T* features) override;
    // The first row has no row before it that would be a part of it: it is no past.
    bool ready() const override { return n_rows_ > depth_ + 1; }
    void reset() override;

    // The rows, oldest first, and how many there have been.
    std::int64_t n_state() const override { return depth_ * spec_.n_variables + 1; }
    void store(T* state) const override;
    void load(const T* state) override;

private:
    NvarSpec spec_;
    std::int64_t depth_;
    std::int64_t n_rows_ = 0;  // up to what makes it ready
    std::int64_t at_ = 0;      // where the oldest row of the ring lies
    std::vector<T> past_;
};

// It runs on its own outputs.
template <class T>
struct NvarLoop {
    std::int64_t n_steps;
    const T* external;                // [step][external input]
    T* history;                       // [(n_delays - 1) stride][variable], oldest first, in and out
    T* fed_back;                      // [output], in and out
    const LinearReadout<T>* readout;  // of the features, gives the increment of the outputs
    T* outputs;                       // [step][output]
};

template <class T>
void nvar_closed_loop(const NvarSpec& spec, const NvarLoop<T>& job);

}  // namespace reservoirs
