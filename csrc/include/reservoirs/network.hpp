// The echo-state network over many sequences:
//     x(t) = k x(t-1) + a f(z),  z = W_in u(t) + W x(t-1) + b,
// with a gain a and a kept share k for each unit (k = 1 - a for leaky units), where
//   - a unit may keep a share of a mixture M x(t-1) of the states instead of its own;
//   - the state may be a potential v(t) = k v(t-1) + a z, which sends, and shows, the rate x(t) = f(v(t));
//   - links may be late: W then reads the states and inputs of several steps, which are remembered;
//   - inputs may gate what units send: W reads (1 + G u(t)) x(t-1), unit by unit.
//
// Deep networks are one network whose units are split into stages that are updated one after another within a step: W
// may then also read, from the units of earlier stages, the values of the present step (Gallicchio, Micheli and
// Pedrelli 2017). Only the first stage sees the input.
//
// Inside, each stage is padded to whole blocks of rows; callers see the units side by side without padding.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reservoirs/aligned.hpp"

namespace reservoirs {

enum class Activation;
enum class Storage;
template <class T>
struct Kernels;
template <class T>
struct StageStep;
class Meeting;

// A matrix with a row for each unit, and, unless said otherwise, a column.
template <class T>
struct MatrixSpec {
    // Either compressed sparse rows, columns ascending within a row ...
    const std::int64_t* row_start = nullptr;
    const std::int32_t* columns = nullptr;
    const T* values = nullptr;
    // ... or a dense row-major matrix ...
    const T* dense = nullptr;
    // ... or the Hadamard matrix, (-1)^(bits set in both i and j), with a factor for each column.
    const T* factors = nullptr;
    // ... or circulant blocks of n_points complex numbers, given by their spectra: [group][frequency][part][block].
    const T* spectra = nullptr;
    std::int64_t n_points = 0;

    bool is_transform() const { return factors != nullptr || spectra != nullptr; }
};

// What a network is made of. Pointers are read during construction only.
template <class T>
struct NetworkSpec {
    std::vector<std::int64_t> stage_sizes;
    std::int64_t n_inputs;
    MatrixSpec<T> weights;
    std::optional<MatrixSpec<T>> mixing;  // M; none: every unit keeps a share of its own state
    const T* input_weights;               // [first-stage unit][input], row-major
    const T* bias;                        // [unit]
    const T* leak;                        // [unit] a
    const T* keep;                        // [unit] k
    Activation activation;
    bool potentials = false;  // whether the state is a potential
    // D > 0: W is sparse and has D (n_units + n_inputs) columns, x(t-1), u(t-1), x(t-2), ..., u(t-D).
    std::int64_t n_remembered = 0;
    const T* gates = nullptr;  // [unit][input], row-major: G, if any
};

// One stretch of a sequence: rows [begin, end) of the inputs. Rows from store_from on are written to the output, the
// first of them to out_row.
struct Stretch {
    std::int64_t begin;
    std::int64_t end;
    std::int64_t store_from;
    std::int64_t out_row;
};

// Gaussian noise added to every state after its update.
struct StateNoise {
    double scale = 0;
    std::uint64_t seed = 0;
    const std::int64_t* sequence = nullptr;    // [stretch] the sequence's number
    const std::int64_t* first_step = nullptr;  // [stretch] the time of row `begin` within its sequence
};

template <class T>
struct Harvest {
    const T* inputs;  // [row][input]
    std::vector<Stretch> stretches;
    T* states;  // [stretch][n_state], in and out
    T* out = nullptr;
    std::int64_t out_stride = 0;
    bool past_caches = false;  // whether out is too large to be read again from the caches
    StateNoise noise;
    const T* leak = nullptr;  // [stretch] in place of every unit's a and k; null: the units' own
    const T* keep = nullptr;
    int n_threads = 1;
};

// A linear readout of [states | inputs | squared states].
template <class T>
class LinearReadout {
public:
    // coef is [output][feature], row-major.
    LinearReadout(const T* coef, const T* intercept, std::int64_t n_outputs, std::int64_t n_features);

    void apply(const T* rows, std::int64_t n_rows, std::int64_t row_stride, T* outputs) const;
    // coef += error gain^T, the gain padded with zeros to whole stripes; intercept += error gain_of_intercept.
    void correct(const T* error, const T* gain, T gain_of_intercept);
    // Takes over the numbers of a readout of the same size.
    template <class U>
    void assign(const LinearReadout<U>& other);
    std::int64_t n_outputs() const { return n_outputs_; }
    std::int64_t n_features() const { return n_features_; }
    const T* coef(std::int64_t output) const { return coef_.data() + output * stride_; }
    const T* intercept() const { return intercept_.data(); }

private:
    std::int64_t n_outputs_;
    std::int64_t n_features_;
    std::int64_t stride_;
    Aligned<T> coef_;
    Aligned<T> intercept_;
};

// The network runs on its own outputs: its inputs are the external inputs of the step, then the outputs before.
template <class T>
struct ClosedLoop {
    std::int64_t n_sequences;
    std::int64_t n_steps;
    const T* external;  // [sequence][step][external input]
    T* states;          // [sequence][n_state], in and out
    T* fed_back;        // [sequence][output], in and out
    const LinearReadout<T>* readout;
    bool with_input;
    bool with_squares;
    T* outputs;  // [sequence][step][output]
    int n_threads = 1;
};

template <class T>
class InhibitionLearner;

template <class T>
class Network {
public:
    // Throws std::invalid_argument where the parts do not fit together.
    explicit Network(const NetworkSpec<T>& spec);

    std::int64_t n_units() const { return n_units_; }
    std::int64_t n_inputs() const { return n_inputs_; }
    // Values of a state, which a sequence goes on from: the units', or for each remembered step the units' and inputs.
    std::int64_t n_state() const { return n_state_; }
    // How the recurrent weights are stored.
    Storage storage() const { return weights_.storage; }
    // Multiply-adds of one step of one sequence.
    std::int64_t work() const;

    void harvest(const Harvest<T>& job) const;
    void closed_loop(const ClosedLoop<T>& job) const;

    // The state of one sequence, or of lanes, in the inner layout. A slot holds one step: the rows of the units, a
    // zero, and, if they are remembered, the inputs. Slots follow one another from the present one into the past.
    struct Workspace {
        Aligned<T> slots;
        std::int64_t slot_size;
        std::int64_t present;  // number of the present slot
        Aligned<T> rates;      // f of the state, where that is a potential
        Aligned<T> mixed;      // M times the state, if there is an M
        Aligned<T> gated;      // what units send, if inputs gate that
        Aligned<T> leak;       // in place of the units' own, of each row or each lane; empty: the units' own
        Aligned<T> keep;
        Aligned<T> wide;         // weights of a block, where lanes use narrow ones
        Aligned<T> transformed;  // what a transform is on the way
        Aligned<T> sums;         // of lanes, for which more columns are to come

        T* state() { return slots.data() + present * slot_size; }
        const T* state() const { return slots.data() + present * slot_size; }
    };
    Workspace make_workspace(std::int64_t n_lanes = 1) const;
    // One step of one sequence.
    void step(const T* input, Workspace& w) const;
    void load_state(const T* state, Workspace& w) const;
    void store_state(const Workspace& w, T* state) const;
    // What the units show: the states, or their rates.
    void store_shown(const Workspace& w, T* units) const;
    // The same as they lie, and from such to the outer layout.
    const T* shown(const Workspace& w) const { return potentials_ ? w.rates.data() : w.state(); }
    void store_units(const T* from, T* units) const;

private:
    friend class InhibitionLearner<T>;
    struct Stage {
        std::int64_t first_unit;
        std::int64_t n_units;
        std::int64_t first_block;
        std::int64_t last_block;
    };
    // A part of a state: where it lies in the inner and in the outer layout.
    struct Part {
        std::int64_t inner;
        std::int64_t outer;
        std::int64_t size;
    };
    struct LaneWorkspace;
    void write_row(const Kernels<T>& k, const Workspace& w, bool past_caches, T* row) const;
    struct Group;

    enum class Links { sparse, dense, hadamard, circulant };
    // A matrix in blocks of rows.
    struct Packed {
        Links links = Links::sparse;
        std::int64_t n_points = 0;              // of circulant blocks
        std::vector<std::int64_t> block_start;  // slots, of a dense one too; circulant: groups
        std::vector<std::uint8_t> turns;        // [block] of the slots of a sparse one
        Storage storage{};                      // which of these holds the weights
        Aligned<T> weights;                     // of Hadamard's: factors of columns, with zeros to a power of two
        Aligned<std::uint16_t> weights16;
        Aligned<std::int8_t> weights8;
        Aligned<T> scales;  // [row] of weights8
        Aligned<std::uint16_t> columns16;
        Aligned<std::uint32_t> columns32;
        // [slot] the first value's column, if those of every slot read columns that follow one another.
        Aligned<std::uint16_t> first_columns16;
        Aligned<std::uint32_t> first_columns32;

        bool is_transform() const { return links == Links::hadamard || links == Links::circulant; }
        std::int64_t size() const { return static_cast<std::int64_t>(weights.size()); }
    };
    Packed pack(const MatrixSpec<T>& matrix, std::int64_t n_columns) const;
    Packed pack_sparse(const MatrixSpec<T>& matrix, std::int64_t n_columns) const;
    void turn_to_strips(Packed& packed) const;
    int turn_of_strips(const Packed& packed, std::int64_t block, std::int64_t n_rows_left) const;
    static void turn_slots(Packed& packed, const std::vector<std::uint8_t>& turns);
    void turn_sums(const std::vector<std::uint8_t>& turns);
    // For who looks for the weight of a row at its place in the block.
    void turn_back();
    Packed pack_dense(const MatrixSpec<T>& matrix) const;
    Packed pack_hadamard(const MatrixSpec<T>& matrix) const;
    Packed pack_circulant(const MatrixSpec<T>& matrix) const;
    // Stores the weights in the narrowest form that holds all of them exactly, or, for who changes them, in T.
    static void narrow(Packed& packed);
    void widen(Packed& packed) const;
    bool leaks_are_alike(const NetworkSpec<T>& spec) const;
    bool keeps(const NetworkSpec<T>& spec) const;
    std::int64_t place(std::int64_t unit) const;
    std::int64_t place_of_column(std::int64_t column) const;
    std::int64_t n_rows() const { return static_cast<std::int64_t>(bias_.size()); }
    T* next_slot(Workspace& w) const;
    // lanes: -1 for one sequence, else the width of the group. The new state becomes the present one; whoever is done
    // with changing it calls `settle`, which brings the rates up to it.
    void advance(const Kernels<T>& k, int lanes, const T* input, Workspace& w) const;
    // The step of the first stage, for all but which blocks.
    StageStep<T> first_step(int lanes, const T* input, T* next, Workspace& w) const;
    void mix(const Kernels<T>& k, int lanes, Workspace& w) const;
    void gate(const Kernels<T>& k, int lanes, const T* input, Workspace& w) const;
    using Kernel = void (*)(const StageStep<T>&);
    static Kernel kernel(const Kernels<T>& k, const Packed& m, Activation activation, int lanes);
    StageStep<T> stage_step(const Packed& m, int lanes) const;
    // Steps of as many groups of lanes, or of one sequence: the same blocks of each. A block's weights are read once.
    void run(const Kernels<T>& k, int lanes, StageStep<T>* steps, std::int64_t n_steps, Workspace& w) const;
    void settle(const Kernels<T>& k, Workspace& w) const;
    void begin_alone(const Harvest<T>& job, std::size_t index, Workspace& w) const;
    void run_alone(const Kernels<T>& k, const Harvest<T>& job, std::size_t index, std::int64_t from,
                   Workspace& w) const;
    // Whether a step is nothing but the kernel of one stage.
    bool is_plain() const;
    // A thread of a team that shares each step of the only sequence through a plain network.
    struct Member {
        int thread;
        int n_threads;
        Meeting* meeting;
    };
    // How many threads may gain by that, and how many steps tell how long one takes on a single thread.
    int team_for_steps(std::int64_t n_steps, int n_threads) const;
    std::int64_t n_steps_to_time() const;
    void take_share(const Member& member, StageStep<T>& step) const;
    void run_rows(const Kernels<T>& k, const Harvest<T>& job, std::size_t index, std::int64_t from, std::int64_t until,
                  Workspace& w, const Member& member) const;
    void run_together(const Kernels<T>& k, const Harvest<T>& job, int team) const;
    void close_loop_together(const Kernels<T>& k, const ClosedLoop<T>& job, int team) const;
    // How many groups of lanes gain by sharing each read of a weight as well.
    static constexpr std::int64_t kMostGroups = 8;
    std::int64_t groups_together(std::int64_t n_lanes) const;
    // Whether lanes may take steps in parts, and in how many: what states a part reads should fit a cache.
    bool goes_in_parts() const;
    std::int64_t parts_of_step(std::int64_t n_groups, const Workspace& w) const;
    std::int64_t slots_of_a_row() const;
    void begin_lanes(const Kernels<T>& k, const Harvest<T>& job, const Group& group, LaneWorkspace& lanes) const;
    bool begin_row(const Kernels<T>& k, const Harvest<T>& job, std::int64_t t, LaneWorkspace& lanes,
                   Workspace& alone) const;
    void advance_lanes(const Kernels<T>& k, int width, LaneWorkspace* const* running, std::int64_t n_running) const;
    void end_row(const Kernels<T>& k, const Harvest<T>& job, std::int64_t t, LaneWorkspace& lanes) const;
    void run_lanes(const Kernels<T>& k, const Harvest<T>& job, const Group* groups, std::int64_t n_groups,
                   LaneWorkspace* lanes, Workspace& alone) const;

    std::int64_t n_units_ = 0;
    std::int64_t n_inputs_ = 0;
    Activation activation_;
    bool potentials_;
    std::vector<Stage> stages_;
    std::int64_t n_remembered_;
    std::int64_t slot_size_ = 0;  // of one sequence
    std::int64_t n_state_ = 0;
    std::vector<Part> shown_parts_;  // of what the units show
    std::vector<Part> state_parts_;
    Packed weights_;
    std::optional<Packed> mixing_;
    std::optional<Packed> no_links_;  // what gates are computed with
    Aligned<T> gates_;                // [input][row]
    Aligned<T> input_weights_;        // [input][first-stage row], turned as the slots of the weights are
    std::int64_t input_stride_ = 0;
    Aligned<T> bias_;  // turned likewise
    bool leaks_alike_;
    bool keeps_;
    Aligned<T> leak_;
    Aligned<T> keep_;
    Aligned<T> zeros_;  // [row]
    Aligned<T> ones_;
};

// What a readout sees of one time step: what the units show, then if asked the inputs, then if asked the squares.
template <class T>
void gather_features(const Network<T>& network, const T* shown, const T* input, bool with_input, bool with_squares,
                     T* features);

}  // namespace reservoirs
