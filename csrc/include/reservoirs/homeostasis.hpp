// Rules that bring the units of a liquid to rates of their own: by inhibition
// (Vogels et al. 2011), by thresholds, by scaling what comes in (van Rossum, Bi
// and Turrigiano 2000).
#pragma once

#include "reservoirs/plasticity.hpp"

namespace reservoirs {

// Sizes of inhibitory weights change by learning_rate (s_j (x_i - alpha_i) +
// s_i x_j), within [0, w_max]; traces x are of the time before this step's
// update.
template <class T>
class InhibitoryRule : public Rule<T> {
public:
    T learning_rate;
    T trace_decay;
    T w_max;
    T fade;
    std::vector<T> alpha;  // by unit
    Blocks changed;

    bool needs_columns(int kind, bool) const override { return changed.any(kind); }
    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

// Thresholds are raised by learning_rate (s_i - target_i), in all by no more
// than `most` up or down.
template <class T>
class ThresholdRule : public Rule<T> {
public:
    T learning_rate;
    T most;
    T fade;
    std::vector<T> target;  // spikes a step, by unit

    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

// Every `interval` steps all weights are multiplied by 1 + learning_rate
// (target_i - r_i), but at least 0, and cut to their bounds; r <- rate_decay r
// + (1 - rate_decay) s.
template <class T>
class ScalingRule : public Rule<T> {
public:
    T learning_rate;
    T rate_decay;
    T w_max;
    T fade;
    std::int64_t interval;
    std::vector<T> target;  // spikes a step, by unit
    Blocks changed;

    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

}  // namespace reservoirs
