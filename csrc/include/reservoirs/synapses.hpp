// Synapses of a liquid, in the form that delivers spikes fastest.
#pragma once

#include <cstdint>
#include <vector>

#include "reservoirs/aligned.hpp"

namespace reservoirs {

// Synapses grouped by the source they leave.
template <class T>
struct SynapseSpec {
    std::int64_t n_sources = 0;
    const std::int64_t* start = nullptr;    // [n_sources + 1]
    const std::int32_t* targets = nullptr;  // units
    const T* weights = nullptr;
    const std::int32_t* delays = nullptr;          // steps, at least 1; null: 1 everywhere
    const std::uint8_t* source_channel = nullptr;  // null: channel 0
    const T* utilisation = nullptr;                // short-term plasticity: U, and dt / D, dt / F; null: none
    const T* depression = nullptr;
    const T* facilitation = nullptr;
};

// Where spikes arrive: the slot of a ring of steps that `base` names, and those after it.
template <class T>
struct Arrivals {
    T* ring;
    std::uint32_t base;
    std::uint32_t mask;
};

// Some sources that spike, and what their deliveries are multiplied by; null for ones.
template <class T>
struct Spiking {
    const std::uint32_t* sources;
    std::int64_t n;
    const T* factors;
};

// How the ring lies in memory: [step][channel][unit], strides in elements.
struct RingShape {
    std::int64_t channel_stride;
    std::int64_t slot_stride;  // a power of two
};

template <class T>
class Synapses {
public:
    // Throws std::invalid_argument for what would not be safe to run. narrow: weights as 8-bit integers times one
    // factor a source.
    Synapses(const char* name, const SynapseSpec<T>& spec, std::int64_t n_units, RingShape shape, bool narrow);

    std::int64_t n_sources() const { return static_cast<std::int64_t>(start_.size()) - 1; }
    std::int64_t size() const { return start_.back(); }
    std::int64_t fan_out(std::uint32_t source) const { return start_[source + 1] - start_[source]; }
    bool is_dynamic() const { return !utilisation_.empty(); }
    const Aligned<T>& utilisation() const { return utilisation_; }
    std::int64_t nbytes() const;

    // For rules that change weights: those of source j are [begin(j), begin(j + 1)).
    const Aligned<T>& weights() const { return weights_; }
    std::int64_t begin(std::uint32_t source) const { return start_[source]; }
    std::uint32_t channel_offset(std::uint32_t source) const {
        return channel_offset_.empty() ? 0 : channel_offset_[source];
    }
    template <class Use>
    void with_addresses(const Use& use) const {
        if (addresses32_.empty()) {
            use(addresses16_.data());
        } else {
            use(addresses32_.data());
        }
    }
    std::uint32_t unit(std::uint32_t source, std::int64_t synapse, RingShape shape) const {
        const auto at = static_cast<std::size_t>(synapse);
        const std::uint32_t address = addresses32_.empty() ? addresses16_[at] : addresses32_[at];
        return (address & static_cast<std::uint32_t>(shape.slot_stride - 1)) - channel_offset(source);
    }

    // Delivers a spike of each of n sources. `factors` has room for n and is overwritten; if `scaled`, it holds what
    // the weights of each source are multiplied by.
    void deliver(const std::uint32_t* sources, std::int64_t n, T* factors, bool scaled, const Arrivals<T>& to) const;

    // The same through weights that learn.
    void deliver(const Spiking<T>& spikes, const T* weights, const Arrivals<T>& to) const;

    // For kernels that deliver.
    int address_form() const;
    const void* addresses() const;
    const std::int64_t* starts() const { return start_.data(); }
    const std::uint32_t* channel_offsets() const { return channel_offset_.empty() ? nullptr : channel_offset_.data(); }
    T* first_arrival(const Arrivals<T>& to) const;
    bool scatters() const;  // whether those with gathers and scatters may and should be used

    // Delivers a spike of one source through short-term plasticity, `interval` steps after its last (0: its first). u
    // and r are the state of all synapses.
    void deliver_dynamic(std::uint32_t source, std::int64_t interval, T* u, T* r, const Arrivals<T>& to) const;

private:
    void narrow_down(const SynapseSpec<T>& spec);
    bool is_distinct() const;
    bool scatters_deliveries() const;

    bool ring_;
    bool distinct_;  // no source reaches a place in the ring twice
    std::vector<std::int64_t> start_;
    std::vector<std::uint32_t> channel_offset_;  // empty: 0
    // A synapse's address is its place in the ring, from the slot of the next step on. One of the two is used.
    Aligned<std::uint16_t> addresses16_;
    Aligned<std::uint32_t> addresses32_;
    // One of the two is used.
    Aligned<T> weights_;
    Aligned<std::int8_t> narrow_;
    std::vector<T> row_scale_;
    Aligned<T> utilisation_;
    Aligned<T> depression_;
    Aligned<T> facilitation_;
};

// The longest delay in steps.
template <class T>
std::int64_t longest_delay(const SynapseSpec<T>& spec);

}  // namespace reservoirs
