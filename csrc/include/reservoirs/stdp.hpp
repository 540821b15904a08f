// Spike-timing-dependent plasticity whose depression an astrocyte may set (Ivanov and Michmizos 2021).
#pragma once

#include <cstdint>
#include <vector>

#include "reservoirs/aligned.hpp"
#include "reservoirs/synapses.hpp"

namespace reservoirs {

// With traces x, spikes s, from j to i, all of the time before this step's update:
//     excitatory and input synapses:  dw = a_plus x_j s_i - a_minus x_i s_j
//     inhibitory synapses:            dw = a_plus x_i s_j - a_minus x_j s_i
// then w is cut to [0, w_max], [-w_max, 0] and, for inputs, [-w_max, w_max]; then x <- trace_decay (x + trace_step s);
// then a_minus <- a_minus + astro_rate (astro_units n_units - astro_inputs n_inputs + astro_bias - a_minus), n_units
// and n_inputs being the spikes of this step that the astrocyte senses; then a_plus, a_minus and the three drives of
// the astrocyte are multiplied by fade.
template <class T>
struct StdpRule {
    T a_plus;
    T a_minus;
    T trace_step;
    T trace_decay;
    T w_max;
    T astro_rate;  // 0: a_minus is constant
    T astro_units;
    T astro_inputs;
    T astro_bias;
    T fade;
    std::vector<char> excitatory;    // by unit
    std::vector<char> senses_units;  // empty: all
    std::vector<char> senses_inputs;
};

// The weights of one presentation, and what their changes depend on.
//
// Excitatory and input synapses are visited only when their source spikes. What the target's spikes have added since
// the source's last one is replayed then, in the order of time: these are the sums that visiting the synapse at every
// spike of its target would give, bit for bit, because between two spikes of the source a weight only grows, so cutting
// it once is enough. Inhibitory synapses, of which there are few, are visited at their target's spikes as well.
template <class T>
class StdpState {
public:
    StdpState(const StdpRule<T>& rule, const Synapses<T>& recurrent, const Synapses<T>& input, RingShape shape);

    // Begins a presentation with the rates of the rule. Weights and traces are those of the liquid and zero, or go on.
    void begin(bool go_on);

    // A step: the spikes of the liquid, then those of the inputs. Factors scale deliveries; null for ones.
    void spike_units(const std::uint32_t* units, std::int64_t n, const T* factors, const Arrivals<T>& to);
    void spike_inputs(const std::uint32_t* inputs, std::int64_t n, const T* factors, const Arrivals<T>& to);
    void end_step();

    // Brings all weights up to date.
    void settle();
    const Aligned<T>& recurrent_weights() const { return recurrent_.weights; }
    const Aligned<T>& input_weights() const { return input_.weights; }
    // a_minus before each step.
    const std::vector<T>& depression() const { return depression_; }

private:
    // Steps are counted since all weights were last up to date.
    static constexpr std::int32_t kBefore = -1;
    static constexpr std::int32_t kNever = -2;

    struct Sources {
        const Synapses<T>* synapses;
        Aligned<T> weights;
        std::vector<char> touched;
        std::vector<std::int32_t> last;  // spike
        std::vector<T> trace_after_last;
        Aligned<T> trace;
        T lowest;
    };
    struct LoggedSpike {
        std::int32_t step;
        std::int32_t before;  // the same unit's spike before, as an index
    };
    struct Incoming {
        std::int64_t synapse;
        std::uint32_t source;
    };

    void restart(Sources& of);
    void forget_past();
    void restore(Sources& of);
    void note_spikes(Sources& of, const std::uint32_t* spikes, std::int64_t n);
    void prepare(const Sources& of, std::uint32_t j);
    T replayed(T w, std::uint32_t unit, std::int32_t since);
    template <class Address>
    void visit(Sources& of, std::uint32_t j, T factor, const Address* addresses, std::uint32_t offset,
               const Arrivals<T>& to);
    template <class Address>
    void visit_inhibitory(std::uint32_t j, T factor, const Address* addresses, std::uint32_t offset,
                          const Arrivals<T>& to);
    void strengthen_inhibition(const std::uint32_t* units, std::int64_t n);
    void settle(Sources& of);

    StdpRule<T> rule_;
    RingShape shape_;
    Sources recurrent_;
    Sources input_;
    std::vector<std::int64_t> incoming_start_;  // of inhibitory synapses, by target
    std::vector<Incoming> incoming_;

    std::int32_t clock_ = 0;
    T a_plus_ = 0;
    T a_minus_ = 0;
    T drive_units_ = 0;
    T drive_inputs_ = 0;
    T bias_ = 0;
    std::int64_t sensed_units_ = 0;
    std::int64_t sensed_inputs_ = 0;
    std::vector<T> potentiation_;  // a_plus of each step
    std::vector<T> depression_;
    std::vector<std::int32_t> fired_;   // step of each unit's last spike, this one's included
    std::vector<std::int32_t> latest_;  // its index in the log
    std::vector<LoggedSpike> log_;
    std::vector<std::int32_t> replay_;
    std::vector<T> growth_;  // what a spike of the target adds, by steps since the source's last spike
    std::vector<std::uint32_t> unit_spikes_;
    std::vector<std::uint32_t> input_spikes_;
};

}  // namespace reservoirs
