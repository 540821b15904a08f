// Visiting the synapses that a step's spikes concern, each once, whatever has
// spiked: source, target or both.
#pragma once

#include "reservoirs/plasticity.hpp"
#include "table.hpp"

namespace reservoirs {

// A synapse from source j to unit i.
struct Pairing {
    int kind;
    std::uint32_t source;
    std::uint32_t target;
    bool source_spiked;
    bool target_spiked;
};

// w = change(pairing, w) for all synapses of these blocks whose source or
// target has spiked.
template <class T, class Change>
void visit(const Wiring<T>& wiring, const Blocks& blocks, const Step& step, Plastic<T>& plastic, const Change& change) {
    const auto outgoing = [&](int kind, std::uint32_t j) {
        if (!blocks.any(kind)) return;
        const Synapses<T>& synapses = wiring.synapses(kind);
        T* weights = plastic.weights(kind).data();
        plastic.touched_of(kind)[j] = 1;
        for (std::int64_t k = synapses.begin(j); k < synapses.begin(j + 1); ++k) {
            const std::uint32_t i = synapses.unit(j, k, wiring.shape);
            if (!blocks.onto[kind][wiring.excitatory[i] == 0]) continue;
            weights[k] = change(Pairing{kind, j, i, true, step.unit_spiked[i] != 0}, weights[k]);
        }
    };
    for (const std::uint32_t j : step.units) outgoing(wiring.excitatory[j] ? kExcitatory : kInhibitory, j);
    for (const std::uint32_t c : step.inputs) outgoing(kInput, c);
    for (int kind = 0; kind < kSourceKinds; ++kind) {
        const Incoming& incoming = wiring.incoming[kind];
        const std::vector<char>& spiked = step.spiked(kind);
        T* weights = plastic.weights(kind).data();
        for (const std::uint32_t i : step.units) {
            if (!blocks.onto[kind][wiring.excitatory[i] == 0]) continue;
            for (std::int64_t e = incoming.start[i]; e < incoming.start[i + 1]; ++e) {
                const Entering one = incoming.synapses[static_cast<std::size_t>(e)];
                if (spiked[one.source]) continue;  // its row has been visited
                T& w = weights[one.synapse];
                w = change(Pairing{kind, one.source, i, false, true}, w);
            }
        }
    }
}

template <class T>
inline T within(T x, T lowest, T highest) {
    x = x > lowest ? x : lowest;
    return x < highest ? x : highest;
}

// Where weights of a kind may lie.
template <class T>
struct Bounds {
    T lowest;
    T highest;
};

template <class T>
Bounds<T> bounds_of(int kind, T w_max) {
    return {kind == kExcitatory ? T(0) : -w_max, kind == kInhibitory ? T(0) : w_max};
}

// An exponential trace of the spikes of some sources.
template <class T>
struct Trace {
    T step;
    T decay;
    bool nearest;  // a spike sets it instead of adding to it
    Aligned<T> values;

    // Whole vectors: these are multiplied beyond the last source.
    void begin(std::int64_t n) {
        values.assign(static_cast<std::size_t>((n + kBlockRows - 1) / kBlockRows * kBlockRows), T(0));
    }
    void move(const std::vector<std::uint32_t>& spikes) {
        for (const std::uint32_t j : spikes) values[j] = nearest ? step : values[j] + step;
        kernels<T>().multiply(values.data(), static_cast<std::int64_t>(values.size()), decay);
    }
};

}  // namespace reservoirs
