// What every instruction set provides: one table of functions a data type. Kernels see plain pointers and sizes, hold
// no state, allocate nothing and throw nothing.
//
// Layouts
//   rows    The units of a network are stored in blocks of kBlockRows. A block holds, for each of its slots k, the
//           k-th weight of every row side by side (and, when sparse, the column each weight reads from), so that
//           vectors run across rows and each row's sum keeps one order: bias, inputs, then columns in ascending order.
//   lanes   Several sequences in lockstep: value i of lane l lies at [i * n_lanes + l]. One read of a weight serves
//   all.
#pragma once

#include <cstdint>

#include "reservoirs/simd.hpp"

namespace reservoirs {

constexpr int kBlockRows = 16;
constexpr int kReadoutStripes = 16;
// Lanes come in groups of these two sizes in bytes, whatever the level's vector width.
constexpr int kNarrowLaneBytes = 64;
constexpr int kWideLaneBytes = 128;

enum class Activation { tanh, relu, logistic, identity };
constexpr int kActivations = 4;

// One step of one stage of a network, for one sequence or a group of lanes.
template <class T>
struct StageStep {
    std::int64_t first_block;
    std::int64_t last_block;
    const std::int64_t* block_start;  // slot at which each block begins; slots hold kBlockRows weights
    const T* weights;
    const void* columns;  // std::uint16_t or std::uint32_t; unused when dense
    std::int64_t n_columns;
    const T* bias;
    const T* leak;
    const T* keep;           // 1 - leak
    const T* input_weights;  // [input][row], input_stride apart
    std::int64_t input_stride;
    std::int64_t n_inputs;
    const T* state;
    const T* input;
    T* next;  // out: keep x + leak f(bias + W_in u + W x)
};

template <class T>
struct Readout {
    std::int64_t n_rows;
    std::int64_t n_features;
    std::int64_t row_stride;
    std::int64_t n_outputs;
    std::int64_t output_stride;
    const T* rows;
    const T* coef;  // [output][feature], zero-padded to coef_stride
    std::int64_t coef_stride;
    const T* intercept;
    T* outputs;
};

// Of lane-wise functions, [0] is for narrow and [1] for wide groups of lanes.
template <class T>
struct Kernels {
    void (*sparse16_step[kActivations])(const StageStep<T>&);
    void (*sparse32_step[kActivations])(const StageStep<T>&);
    void (*dense_step[kActivations])(const StageStep<T>&);
    void (*sparse16_step_lanes[2][kActivations])(const StageStep<T>&);
    void (*sparse32_step_lanes[2][kActivations])(const StageStep<T>&);
    void (*dense_step_lanes[2][kActivations])(const StageStep<T>&);
    // Writes unit u of lane l to rows[l][u]; a lane whose row is null is skipped.
    void (*unpack_lanes[2])(const T* lanes, std::int64_t n_units, T* const* rows);
    // Copies a row past the caches, for outputs too large to be read again from them.
    void (*stream_row)(const T* from, std::int64_t n, T* to);
    void (*readout)(const Readout<T>&);
    // Elementwise functions over n values, for the tests of their accuracy.
    void (*tanh)(const T* x, std::int64_t n, T* y);
    void (*exp)(const T* x, std::int64_t n, T* y);
    void (*logistic)(const T* x, std::int64_t n, T* y);
};

// The table of the level in use.
template <class T>
const Kernels<T>& kernels();

}  // namespace reservoirs
