// Inhibitory weights that learn while a network runs, after Srinivasan, Plenz and Girvan (2025): after every step each
// link w < 0 onto unit i becomes min(w - rate (r_i - target_i), 0), where r_i is what the unit shows.
#pragma once

#include <cstdint>
#include <vector>

#include "reservoirs/network.hpp"

namespace reservoirs {

template <class T>
class InhibitionLearner {
public:
    // The network's recurrent weights are sparse; it is copied. One target a unit.
    InhibitionLearner(const Network<T>& network, const T* targets, T rate);

    std::int64_t n_units() const { return network_.n_units(); }
    std::int64_t n_inputs() const { return network_.n_inputs(); }
    // Back to the zero state, with the weights as they are.
    void reset() { workspace_ = network_.make_workspace(); }
    // Goes on for so many rows [row][input], and writes what each unit showed on average.
    void run(const T* inputs, std::int64_t n_rows, T* mean_shown);
    // The weights as they are now, in the order of compressed sparse rows.
    std::vector<T> weights() const;

private:
    Network<T> network_;
    typename Network<T>::Workspace workspace_;
    Aligned<T> targets_;  // [row]
    Aligned<T> sums_;     // [row]
    T rate_;
    std::vector<std::int64_t> first_slot_;  // [block] before it the block has no link to learn
};

}  // namespace reservoirs
