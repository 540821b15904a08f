// Pair-based spike-timing-dependent plasticity, whose depression an astrocyte
// may set (Ivanov and Michmizos 2021), or whose direction the calcium of the
// target (AP-STDP).
#pragma once

#include "reservoirs/astrocyte.hpp"
#include "reservoirs/plasticity.hpp"

namespace reservoirs {

// What sets a_minus, for the units of each region apart.
template <class T>
struct AstrocyteSpec {
    T rate = 0;  // dt / tau; 0: a_minus is constant
    T units = 0;
    T inputs = 0;
    T bias = 0;
    std::vector<char> senses_units;  // empty: all
    std::vector<char> senses_inputs;
    std::vector<std::uint32_t> region;  // of each unit; empty: one region
    std::vector<T> share;               // of the inputs' spikes that each region takes for its own
    // Or, with cells: a_minus = bias + per_calcium (Ca - rest), and `rate` and
    // the drives mean nothing.
    Cells::Spec cells;
    double rest = 0;
    T per_calcium = 0;
};

// With traces x, spikes s, from j to i, all of the time before this step's
// update:
//     excitatory and input synapses:  dw = a_plus x_j s_i - a_minus x_i s_j
//     inhibitory synapses:            dw = a_plus x_i s_j - a_minus x_j s_i
// then w is cut to [0, w_max], [-w_max, 0] and, for inputs, [-w_max, w_max];
// then x <- trace_decay (x + trace_step s); then a_minus <- a_minus + rate
// (units n_units - inputs n_inputs + bias - a_minus), n_units and n_inputs
// being the spikes of this step that the astrocyte senses; then a_plus, a_minus
// and the three drives of the astrocyte are multiplied by fade.
template <class T>
class StdpRule : public Rule<T> {
public:
    T a_plus;
    T a_minus;
    T trace_step;
    T trace_decay;
    T w_max;
    T fade;
    // Terms that raise a weight are multiplied by its share of the room above,
    // those that lower it by that below.
    bool multiplicative = false;
    bool nearest = false;
    Blocks changed;
    AstrocyteSpec<T> astrocyte;
    // Calcium c <- c - calcium_rate c + s of the target: dw > 0 only for c in
    // (threshold, threshold + width), dw < 0 only for c in (threshold - width,
    // threshold).
    bool gated = false;
    T calcium_rate = 0;
    T calcium_threshold = 0;
    T calcium_width = 0;

    // Whether rows are delivered and changed in one go, and columns are kept of
    // what has spiked.
    bool delivers(int kind, bool is_first) const { return is_first && !multiplicative && !gated && changed.all(kind); }
    bool needs_columns(int kind, bool is_first) const override {
        return changed.any(kind) && !delivers(kind, is_first);
    }
    std::unique_ptr<Learner<T>> learner(std::shared_ptr<const Wiring<T>> wiring, Plastic<T>& plastic,
                                        bool is_first) const override;
};

}  // namespace reservoirs
