// Next-generation reservoir (Gauthier, Bollt, Griffith and Barbosa 2021): delayed values and their products, exact and
// without random numbers, running on its own outputs.
#pragma once

#include <cstdint>

#include "reservoirs/network.hpp"

namespace reservoirs {

template <class T>
struct NvarLoop {
    std::int64_t n_delays;
    std::int64_t stride;
    std::int64_t n_variables;  // external inputs, then outputs
    std::int64_t n_monomials;
    std::int64_t order;
    const std::int32_t*
        monomials;  // [monomial][factor]: places in the delayed values, most recent first; -1: no factor
    std::int64_t n_steps;
    const T* external;                // [step][external input]
    T* history;                       // [(n_delays - 1) stride][variable], oldest first, in and out
    T* fed_back;                      // [output], in and out
    const LinearReadout<T>* readout;  // of [delayed values | monomials], gives the increment of the outputs
    T* outputs;                       // [step][output]
};

template <class T>
void nvar_closed_loop(const NvarLoop<T>& job);

}  // namespace reservoirs
