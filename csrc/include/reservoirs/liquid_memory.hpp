// A liquid that is shown one row, or one piece of a recording, after another.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reservoirs/liquid.hpp"
#include "reservoirs/memory.hpp"

namespace reservoirs {

enum class LiquidFeature { counts, traces, potentials, latency, intervals };

struct LiquidReading {
    std::vector<LiquidFeature> features;
    bool by_row = false;  // counts since the row before, and not of all so far
    bool shares = false;  // counts divided by their sum, if not by row
    double trace_decay = 0;
};

// In double whatever the liquid computes in, so that states hold steps and counts exactly. Features have the bits of T.
template <class T>
class LiquidMemory final : public Memory<double> {
public:
    // Rows are currents for so many steps each; 0: what they mean is said before each step. n_inputs: their width.
    LiquidMemory(std::shared_ptr<const Liquid<T>> liquid, std::int64_t n_inputs, std::int64_t steps_per_row,
                 LiquidReading reading);
    std::unique_ptr<Memory<double>> clone() const override;

    // What the next step shows instead of its row. They throw std::invalid_argument for what does not fit.
    void show_events(std::int64_t n_steps, std::int64_t n_events, const std::int32_t* steps,
                     const std::int32_t* inputs);
    void show_rates(std::int64_t n_steps, const double* probabilities, std::uint64_t seed);
    std::int64_t n_channels() const { return liquid_->n_inputs(); }

    std::int64_t n_inputs() const override { return n_inputs_; }
    std::int64_t n_features() const override;
    void step(const double* input, double* features) override;
    bool ready() const override { return true; }
    void reset() override;

    std::int64_t n_state() const override { return batch_.n_state(); }
    void store(double* state) const override { batch_.store(0, state); }
    void load(const double* state) override { batch_.load(0, state); }

private:
    void read(double* features) const;

    std::shared_ptr<const Liquid<T>> liquid_;
    std::int64_t n_inputs_;
    std::int64_t steps_per_row_;
    LiquidReading reading_;
    LiquidBatch<T> batch_;
    std::int64_t n_shown_ = 0;  // steps that are to be taken
    Samples<T> samples_;
    std::vector<T> row_;
    std::vector<T> counts_;
    std::vector<T> traces_;
    std::vector<T> potentials_;
};

}  // namespace reservoirs
