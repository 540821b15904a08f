// What every instruction set provides: one table of functions a data type. Kernels see plain pointers and sizes, hold
// no state, allocate nothing and throw nothing.
//
// Layouts
//   rows    The units of a network are stored in blocks of kBlockRows. A block holds, for each of its slots k, the
//           k-th weight of every row side by side (and, when sparse, the column each weight reads from), so that
//           vectors run across rows and each row's sum keeps one order: bias, inputs, then columns in ascending order.
//           A block's slots may be turned: value i of each is then that of row (i - turn) mod kBlockRows.
//   lanes   Several sequences in lockstep: value i of lane l lies at [i * n_lanes + l]. One read of a weight serves
//   all.
#pragma once

#include <cstdint>

#include "reservoirs/simd.hpp"

namespace reservoirs {

constexpr int kBlockRows = 16;
constexpr int kReadoutStripes = 16;
// Complex numbers that the state of a circulant block is, at most.
constexpr int kMostPoints = 16;
// Lanes come in groups of these two sizes in bytes, whatever the level's vector width.
constexpr int kNarrowLaneBytes = 64;
constexpr int kWideLaneBytes = 128;

enum class Activation { tanh, relu, logistic, identity };
constexpr int kActivations = 4;

// How recurrent weights are stored: as numbers of the network's own precision, as the upper halves of float32, or as
// integers times a scale for each row. A form is chosen only where it holds every weight exactly, so it changes no bit.
enum class Storage { own, bfloat16, int8 };
constexpr int kStorages = 3;

enum class SynapseKind { delta, exponential, double_exponential };
constexpr int kSynapseKinds = 3;

// A value for each unit, or, with stride 0, one vector that all vectors of units share: it stays in a register's reach
// where an array would push others out of the first cache.
template <class T>
struct PerUnit {
    const T* values;
    std::int64_t stride;
};

// One step of one stage of a network, for one sequence or a group of lanes.
template <class T>
struct StageStep {
    std::int64_t first_block;
    std::int64_t last_block;
    // The last block first. Where weights do not fit a cache, steps that take turns find in it what the one before read
    // last, and those that all begin at the same end find nothing (measured: up to 1.6 times as fast).
    bool backwards;
    const std::int64_t* block_start;  // slot at which each block begins; slots hold kBlockRows weights
    const std::uint8_t* turns;        // [block]; dense: unused
    std::int64_t first_slot;          // that weights begin with; lanes only, 0 elsewhere
    const void* weights;  // [slot][row] T, std::uint16_t or std::int8_t, as stored; lanes: T; transform: [row];
                          // circulant: [group][frequency][part][block]
    const T* scales;      // [row] of weights stored as integers
    // std::uint16_t or std::uint32_t, [slot][row]; consecutive: [slot], of the first value; dense: unused
    const void* columns;
    // Lanes may take the slots of all blocks in parts, one after another. Sums that wait for the next part lie in
    // `sums`.
    std::int64_t part;
    std::int64_t n_parts;
    T* sums;  // [row][lane]
    // Groups of lanes may take turns at each block, of which this is one. Where another block comes after the last,
    // each asks for a share of its weights.
    std::int64_t group;
    std::int64_t n_groups;
    bool is_followed;
    // transform: a power of two, as many as state and transformed have numbers; circulant: units that send
    std::int64_t n_columns;
    std::int64_t n_points;  // circulant: complex numbers of a block, 1 to kMostPoints, a power of two
    T* transformed;
    const T* bias;  // turned as the slots are, and so are the input weights
    PerUnit<T> leak;
    PerUnit<T> keep;
    const T* leak_of_lanes;  // [lane] in place of each row's; null: each row's
    const T* keep_of_lanes;
    const T* input_weights;  // [input][row], input_stride apart
    std::int64_t input_stride;
    std::int64_t n_inputs;
    const T* state;    // x, what the units send
    const T* carried;  // y, what they keep a share of: x itself for leaky units
    bool keeps;        // false: the leak rate of all is 1, next holds nothing of y
    const T* input;
    T* next;  // out: keep y + leak f(bias + W_in u + W x)
};

struct SlotRange {
    std::int64_t first;
    std::int64_t last;
};

// A block's slots in this part of the step. Static: what instruction sets share is linked once for all of them.
template <class T>
static SlotRange slots_of_part(const StageStep<T>& step, std::int64_t block) {
    const std::int64_t begin = step.block_start[block], n = step.block_start[block + 1] - begin;
    if (step.n_parts == 1) return {begin, begin + n};
    return {begin + n * step.part / step.n_parts, begin + n * (step.part + 1) / step.n_parts};
}

// Inhibitory links stop short of 0 by this much, so that they can be told from unused slots.
constexpr double kLeastInhibition = 1e-30;

// What inhibitory links learn from one step: w < 0 becomes w + rate (target - shown), but stays below 0.
template <class T>
struct InhibitionStep {
    std::int64_t n_blocks;
    const std::int64_t* block_start;
    const std::int64_t* first_slot;  // of each block, the first that holds a link to learn
    const T* targets;
    const T* shown;
    T rate;
    T* weights;
    T* sums;  // adds up what is shown
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

// The length of a vector of features with its padding.
constexpr std::int64_t whole_stripes(std::int64_t n) {
    return (n + kReadoutStripes - 1) / kReadoutStripes * kReadoutStripes;
}

// What a readout that learns knows of its features: P = U D U^T.
template <class T>
struct FactorUpdate {
    std::int64_t n_features;
    std::int64_t first;  // columns before this one stay as they are
    const T* x;          // the row learned from; unused where that is the unit vector `first`
    T weight;            // above 0
    T forgetting;        // in (0, 1]
    T* columns;          // of U, above its diagonal of ones, each padded with zeros to whole stripes
    T* diagonal;         // D
    T* gain;             // out, from zeros: P x
};

// Sums of products take so many columns at a time: whole tiles of registers at every level.
constexpr int kPanel = 24;

// Liquids. Units come in whole vectors: those past the last never spike.

template <class T>
struct LifUnits {
    std::int64_t n_units;
    PerUnit<T> thresh;
    PerUnit<T> reset;
    PerUnit<T> refractory;  // steps blocked after a spike
    PerUnit<T> adapt_decay;
    PerUnit<T> adapt_step;
    PerUnit<T> decay;
    PerUnit<T> gain;
    PerUnit<T> drift;
    PerUnit<T> floor;
    T* v;
    T* blocked;     // steps until a spike is allowed
    T* adaptation;  // what the threshold has risen by
    std::uint32_t* spikes;
};

template <class T>
struct IzhikevichUnits {
    std::int64_t n_units;
    PerUnit<T> q2;
    PerUnit<T> q1;
    PerUnit<T> q0;
    PerUnit<T> k;
    PerUnit<T> uab;
    PerUnit<T> ua;
    PerUnit<T> uc;
    PerUnit<T> peak;
    PerUnit<T> c;
    PerUnit<T> d;
    T* v;
    T* u;
    std::uint32_t* spikes;
};

template <class T>
struct SynapticCurrents {
    std::int64_t n_units;
    PerUnit<T> decay;
    PerUnit<T> rise_decay;
    PerUnit<T> norm;
    T* arrivals;  // of this step; cleared
    T* falling;
    T* rising;
    PerUnit<T> before;  // what is added to
    T* current;         // out
};

// The synapses of some sources, and where their spikes arrive: arrivals[(base + address) & mask] += scale weight.
template <class T>
struct Delivery {
    const std::int64_t* start;
    const void* addresses;  // std::uint16_t or std::uint32_t
    const void* weights;    // T or std::int8_t
    const std::uint32_t* sources;
    std::int64_t n_sources;
    const T* scales;  // one a source
    T* arrivals;
    std::uint32_t base;
    std::uint32_t mask;
};

// Short-term plasticity: one source, so many steps after its spike before (0: its first).
template <class T>
struct DynamicDelivery {
    std::int64_t begin;
    std::int64_t end;
    const void* addresses;
    const T* weights;
    const T* utilisation;
    const T* depression;
    const T* facilitation;
    T* u;
    T* r;
    T interval;
    T* arrivals;
    std::uint32_t base;
    std::uint32_t mask;
};

// Synapses of some sources that spike: they deliver, then change by gain_i trace_j - rate_i trace_i, within bounds; the
// gain counts only where the target spikes, too. A target is its address, taken modulo the unit mask, less the offset
// of its source.
template <class T>
struct PlasticRows {
    const std::int64_t* start;
    const void* addresses;
    T* weights;
    const std::uint32_t* sources;
    std::int64_t n_sources;
    const T* scales;               // of deliveries, one a source; null: 1
    const std::uint32_t* offsets;  // by source; null: 0
    const T* traces;               // by source, whatever their sign
    const T* target_traces;        // by unit, those of units that spike negative, a zero as well
    const T* gains;                // by unit, or alike: one for all
    const T* rates;
    bool alike;
    std::uint32_t unit_mask;
    T lowest;
    T highest;
    T* arrivals;
    std::uint32_t base;
    std::uint32_t mask;
};

enum class AddressForm { word, wide, ring };  // 16 bits; 32 bits; 32 bits around a ring of steps
enum class WeightForm { plain, scaled, narrow };
constexpr int kAddressForms = 3;
constexpr int kWeightForms = 3;

// Bernoulli events of inputs, each a step apart from the one before by 1 + floor(log(uniform) / log(1 - p)).
struct BernoulliEvents {
    std::int64_t n_inputs;
    const std::uint32_t* inputs;
    const double* inverse_log;  // 1 / log(1 - p)
    double* next;               // step of the next event
    std::uint32_t* n_drawn;
    std::uint64_t seed;
    std::uint64_t content;
    double end;            // events before this step are made
    std::int64_t stride;   // room for the events of one input
    std::uint32_t* steps;  // [input][event]
    std::uint32_t* counts;
};

// Of lane-wise functions, [0] is for narrow and [1] for wide groups of lanes.
template <class T>
struct Kernels {
    // [0] with loads and inserts, [1] with gather instructions, where there are any.
    void (*sparse16_step[2][kStorages][kActivations])(const StageStep<T>&);
    void (*sparse32_step[2][kStorages][kActivations])(const StageStep<T>&);
    bool gathers;  // which of them are faster on this processor
    void (*consecutive16_step[kStorages][kActivations])(const StageStep<T>&);
    void (*consecutive32_step[kStorages][kActivations])(const StageStep<T>&);
    void (*dense_step[kStorages][kActivations])(const StageStep<T>&);
    void (*hadamard_step[kActivations])(const StageStep<T>&);
    void (*circulant_step[kActivations])(const StageStep<T>&);
    // Weights of one block's slots [first, last) from the form they are stored in.
    void (*widen[kStorages])(const StageStep<T>& a, std::int64_t block, std::int64_t first, std::int64_t last, T* to);
    void (*sparse16_step_lanes[2][kActivations])(const StageStep<T>&);
    void (*sparse32_step_lanes[2][kActivations])(const StageStep<T>&);
    void (*dense_step_lanes[2][kActivations])(const StageStep<T>&);
    // Writes unit u of lane l to rows[l][u]; a lane whose row is null is skipped.
    void (*unpack_lanes[2])(const T* lanes, std::int64_t n_units, T* const* rows);
    // Copies a row past the caches, for outputs too large to be read again from them.
    void (*stream_row)(const T* from, std::int64_t n, T* to);
    void (*learn_inhibition)(const InhibitionStep<T>&);
    void (*readout)(const Readout<T>&);
    T (*dot)(const T* a, const T* b, std::int64_t n);
    void (*add_scaled)(T a, const T* x, std::int64_t n, T* y);
    // panel[row][column] = rows[row][column] - shift[column]
    void (*pack_panel)(const T* rows, std::int64_t stride, std::int64_t n_rows, std::int64_t n_columns,
                       const double* shift, double* panel);
    // sums[j * stride + i] += sum over rows of a[row][j] b[row][i], of a panel and of panels side by side
    void (*add_panel_products)(const double* a, const double* b, std::int64_t n_panels, std::int64_t n_rows,
                               double* sums, std::int64_t stride);
    double (*sum_of_squares)(const T* x, std::int64_t n);
    // Return forgetting + weight x^T P x.
    T (*update_factor)(const FactorUpdate<T>&);
    T (*update_factor_of_unit)(const FactorUpdate<T>&);
    // Elementwise functions over n values; exp and log are for the tests of their accuracy.
    void (*activate[kActivations])(const T* x, std::int64_t n, T* y);
    // z = x y, for whole blocks of rows.
    void (*product)(const T* x, const T* y, std::int64_t n, T* z);
    void (*exp)(const T* x, std::int64_t n, T* y);
    void (*log)(const T* x, std::int64_t n, T* y);
    // They write the units that spike, in ascending order and up to a whole vector too many, and return how many do.
    std::int64_t (*fire_lif[2][2])(const LifUnits<T>&);  // [soft reset][adaptive]
    std::int64_t (*fire_izhikevich)(const IzhikevichUnits<T>&);
    // The currents of all channels but the last go first, one by one.
    void (*currents[kSynapseKinds])(const SynapticCurrents<T>&);
    void (*integrate_lif[kSynapseKinds][2])(const SynapticCurrents<T>&, const LifUnits<T>&);  // [hold while refractory]
    // And what fire_lif would do right after it, of units that do not adapt: [hold while refractory][soft reset]
    std::int64_t (*integrate_and_fire[kSynapseKinds][2][2])(const SynapticCurrents<T>&, const LifUnits<T>&);
    void (*integrate_izhikevich[kSynapseKinds])(const SynapticCurrents<T>&, const IzhikevichUnits<T>&);
    // [1] with gathers and scatters, where there are any, for rows that reach no place twice.
    void (*deliver[2][kAddressForms][kWeightForms])(const Delivery<T>&);
    void (*deliver_dynamic[kAddressForms])(const DynamicDelivery<T>&);
    void (*plastic_rows[2][kAddressForms])(const PlasticRows<T>&);
    void (*multiply)(T* x, std::int64_t n, T factor);
    void (*draw_events)(const BernoulliEvents&);
};

// The table of the level in use.
template <class T>
const Kernels<T>& kernels();

}  // namespace reservoirs
