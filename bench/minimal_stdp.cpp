// The yardstick of the STDP rows of bench/liquid_speed.py: a liquid that learns, event by event, as one writes it down.
//
// LIF units, one exponential current each, every delay one step, float32. A source that spikes visits its row: deliver,
// then depress; a unit that spikes visits what comes into it: potentiate. Each synapse is visited once a step.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

// Synapses by the source they leave, and, for potentiation, by the unit they come into.
struct Synapses {
    const int64_t *start;
    const uint16_t *target;
    float *weight;
    const int64_t *start_into;
    const uint32_t *synapse_into;
    const uint16_t *source_into;
};

struct Traces {
    std::vector<float> x;
    std::vector<uint8_t> spiked;

    explicit Traces(int64_t n) : x(n), spiked(n) {}

    void mark(const int32_t *spikes, int64_t n, uint8_t mark) {
        for (int64_t i = 0; i < n; ++i) spiked[spikes[i]] = mark;
    }

    void move(const int32_t *spikes, int64_t n, float step, float decay) {
        for (int64_t i = 0; i < n; ++i) x[spikes[i]] += step;
        for (float &each : x) each *= decay;
    }
};

}  // namespace

extern "C" {

struct StdpConstants {
    float decay, gain, current_decay, threshold;
    int32_t refractory, hold;
    float a_plus, a_minus, trace_step, trace_decay, w_max;
    float astro_rate, astro_units, astro_inputs, astro_bias;
    int32_t n_excitatory, plastic_inhibitory, plastic_input;
};

// Run n_steps from rest and count every unit's spikes; weights change in place. The first units are excitatory; the
// input spikes of step t are input[input_start[t] .. input_start[t + 1] - 1]. Returns the number of synaptic events.
int64_t run_stdp(int64_t n_units, int64_t n_inputs, Synapses *synapses, const StdpConstants *constants, int64_t n_steps,
                 const int64_t *input_start, const int32_t *input, int32_t *counts) {
    const Synapses recurrent = synapses[0], entering = synapses[1];
    const StdpConstants c = *constants;
    std::vector<float> v(n_units), g(n_units);
    std::vector<int32_t> rest(n_units), fired;
    std::vector<uint8_t> spikes(n_units);
    Traces units(n_units), inputs(n_inputs);
    float a_minus = c.a_minus;
    int64_t events = 0;

    // gain: of a coincidence with the target's spike; loss: with its trace.
    const auto leave = [&](const Synapses &of, int32_t j, bool plastic, float gain, float loss, float low, float high) {
        events += of.start[j + 1] - of.start[j];
        for (int64_t k = of.start[j]; k < of.start[j + 1]; ++k) {
            const int i = of.target[k];
            g[i] += of.weight[k];
            if (!plastic) continue;
            const float w = of.weight[k] + ((units.spiked[i] ? gain : 0.0f) - loss * units.x[i]);
            of.weight[k] = std::min(std::max(w, low), high);
        }
    };
    const auto come_in = [&](const Synapses &of, int32_t i, const Traces &from, int first, int last, float gain,
                             float low, float high) {
        for (int64_t e = of.start_into[i]; e < of.start_into[i + 1]; ++e) {
            const int j = of.source_into[e];
            if (j < first || j >= last || from.spiked[j]) continue;
            float &w = of.weight[of.synapse_into[e]];
            w = std::min(std::max(w + gain * from.x[j], low), high);
        }
    };

    for (int64_t t = 0; t < n_steps; ++t) {
        const int32_t *now = input + input_start[t];
        const int64_t n_now = input_start[t + 1] - input_start[t];
        units.mark(fired.data(), fired.size(), 1);
        inputs.mark(now, n_now, 1);
        for (const int32_t j : fired) {
            ++counts[j];
            if (j < c.n_excitatory) {
                leave(recurrent, j, true, c.a_plus * units.x[j], a_minus, 0.0f, c.w_max);
            } else {
                leave(recurrent, j, c.plastic_inhibitory, -a_minus * units.x[j], -c.a_plus, -c.w_max, 0.0f);
            }
        }
        for (int64_t s = 0; s < n_now; ++s) {
            leave(entering, now[s], c.plastic_input, c.a_plus * inputs.x[now[s]], a_minus, -c.w_max, c.w_max);
        }
        for (const int32_t i : fired) {
            come_in(recurrent, i, units, 0, c.n_excitatory, c.a_plus, 0.0f, c.w_max);
            if (c.plastic_inhibitory) {
                come_in(recurrent, i, units, c.n_excitatory, int(n_units), -a_minus, -c.w_max, 0.0f);
            }
            if (c.plastic_input) come_in(entering, i, inputs, 0, int(n_inputs), c.a_plus, -c.w_max, c.w_max);
        }
        units.mark(fired.data(), fired.size(), 0);
        inputs.mark(now, n_now, 0);
        units.move(fired.data(), fired.size(), c.trace_step, c.trace_decay);
        inputs.move(now, n_now, c.trace_step, c.trace_decay);
        const float drive = c.astro_units * float(fired.size()) - c.astro_inputs * float(n_now) + c.astro_bias;
        a_minus += c.astro_rate * (drive - a_minus);
#pragma GCC ivdep
        for (int64_t i = 0; i < n_units; ++i) {  // the compiler makes vectors of this
            const bool rests = rest[i] > 0;
            const float moved = rests && c.hold ? v[i] : c.decay * v[i] + c.gain * g[i];
            const bool fires = moved >= c.threshold && !rests;
            g[i] *= c.current_decay;
            v[i] = fires ? 0.0f : moved;
            rest[i] = fires ? c.refractory : rests ? rest[i] - 1 : 0;
            spikes[i] = fires;
        }
        fired.clear();
        for (int64_t i = 0; i < n_units; ++i) {
            if (spikes[i]) fired.push_back(int32_t(i));
        }
    }
    return events;
}
}
