// The yardstick of bench/liquid_speed.py: the least code that runs a spiking liquid fast, event by event.
//
// LIF units, one exponential current each, static weights, every delay one step, float32. A unit that fires adds its row
// of weights to the currents of its targets; one that does not costs nothing but its own update. No options, no checks.
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// Synapses grouped by the unit they come from: those of unit j are start[j] .. start[j + 1] - 1.
struct Synapses {
    const int64_t *start;
    const uint16_t *target;
    const float *weight;

    // Ask for a row before its turn: it lies in L2 or beyond. (GCC drops calls of a function that only prefetches.)
    [[gnu::always_inline]] void fetch(int32_t j) const {
        for (int64_t k = start[j]; k < start[j + 1]; k += 32) __builtin_prefetch(target + k);
        for (int64_t k = start[j]; k < start[j + 1]; k += 16) __builtin_prefetch(weight + k);
    }

    void deliver(int32_t j, float *__restrict current) const {
        int64_t k = start[j];
        for (; k + 16 <= start[j + 1]; k += 16) {
            float block[16];  // All read before the first write below: then no read waits for a write to be done.
            std::memcpy(block, weight + k, sizeof block);
            for (int b = 0; b < 16; ++b) current[target[k + b]] += block[b];
        }
        for (; k < start[j + 1]; ++k) current[target[k]] += weight[k];
    }

    int64_t deliver_all(const int32_t *units, int64_t n, float *current) const {
        int64_t events = 0;
        for (int64_t i = 0; i < n; ++i) {
            if (i + 2 < n) fetch(units[i + 2]);
            deliver(units[i], current);
            events += start[units[i] + 1] - start[units[i]];
        }
        return events;
    }
};

}  // namespace

// Run n_steps from rest and count every unit's spikes; the input spikes of step t are
// input[input_start[t] .. input_start[t + 1] - 1]. Returns the number of synaptic events.
extern "C" int64_t run_liquid(int64_t n_units, const int64_t *start, const uint16_t *target, const float *weight,
                              const int64_t *start_in, const uint16_t *target_in, const float *weight_in, float decay,
                              float gain, float current_decay, float threshold, int32_t refractory, int64_t n_steps,
                              const int64_t *input_start, const int32_t *input, int32_t *counts) {
    const Synapses recurrent{start, target, weight}, entering{start_in, target_in, weight_in};
    std::vector<float> potentials(n_units), currents(n_units);
    std::vector<int32_t> rests(n_units), fired(n_units);
    std::vector<uint8_t> spikes((n_units + 7) / 8 * 8);
    float *const v = potentials.data(), *const g = currents.data();
    int32_t *const rest = rests.data();
    uint8_t *const spike = spikes.data();
    int64_t n_fired = 0, events = 0;
    for (int64_t t = 0; t < n_steps; ++t) {
        for (int64_t i = 0; i < n_fired; ++i) ++counts[fired[i]];
        events += recurrent.deliver_all(fired.data(), n_fired, g);
        events += entering.deliver_all(input + input_start[t], input_start[t + 1] - input_start[t], g);
#pragma GCC ivdep
        for (int64_t i = 0; i < n_units; ++i) {  // the compiler makes vectors of this
            const bool rests_now = rest[i] > 0;
            const float moved = rests_now ? v[i] : decay * v[i] + gain * g[i];
            const bool fires = moved >= threshold;
            g[i] *= current_decay;
            v[i] = fires ? 0.0f : moved;
            rest[i] = fires ? refractory : rests_now ? rest[i] - 1 : 0;
            spike[i] = fires;
        }
        n_fired = 0;
        for (int64_t i = 0; i < n_units; i += 8) {  // few fire: eight flags are looked at in one go
            uint64_t flags;
            std::memcpy(&flags, spike + i, sizeof flags);
            for (; flags; flags &= flags - 1) fired[n_fired++] = int32_t(i + __builtin_ctzll(flags) / 8);
        }
    }
    return events;
}
