// keep y + leak f(bias + W_in u + W x): the hot loops. Every row's sum runs over bias, inputs, then columns in
// ascending order, one fused multiply-add at a time, whichever of these functions computes it.
//
// Sums of a few blocks wait in registers for their activations, which are computed together and beside the loads of the
// next blocks: one activation alone is a chain of dependent instructions so long that the processor would wait for it
// (measured: a tenth of a step, and as much again where sums wait in memory).

namespace {

using reservoirs::Activation;
using reservoirs::kBlockRows;
using reservoirs::PerUnit;
using reservoirs::SlotRange;
using reservoirs::slots_of_part;
using reservoirs::StageStep;
using reservoirs::Storage;

template <class T>
inline Vec<T> load(const PerUnit<T>& parameter, std::int64_t i) {
    return load(parameter.values + i * parameter.stride);
}

template <class T, Activation kind>
inline Vec<T> activate(Vec<T> z) {
    if constexpr (kind == Activation::tanh) return vec_tanh<T>(z);
    if constexpr (kind == Activation::logistic) return vec_logistic<T>(z);
    if constexpr (kind == Activation::relu) return maximum<T>(broadcast<T>(0), z);
    return z;
}

template <class T, Activation kind>
inline Vec<T> activated(Vec<T> z) {
    // + 0 turns a negative zero into a positive one: padding a row with zero weights may not change a bit.
    return activate<T, kind>(z + broadcast<T>(0));
}

// New states of the units from `row` on.
template <class T, Activation kind>
RSV_INLINE Vec<T> updated(const StageStep<T>& a, std::int64_t row, Vec<T> z) {
    const Vec<T> x = activated<T, kind>(z);
    return a.keeps ? fma<T>(load<T>(a.leak, row), x, load<T>(a.keep, row) * load<T>(a.carried + row)) : x;
}

template <class T>
void product(const T* x, const T* y, std::int64_t n, T* z) {
    for (std::int64_t i = 0; i < n; i += kWidth<T>) store<T>(z + i, load<T>(x + i) * load<T>(y + i));
}

// Four column numbers in one load.
inline void unpack_columns(const std::uint16_t* at, std::size_t* column) {
    std::uint64_t packed;
    std::memcpy(&packed, at, sizeof packed);
    // Little-endian, as everything this package is built for. One instruction each (measured: 1.1 times as fast).
#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
    column[0] = packed & 0xFFFF;
    column[1] = _bextr_u64(packed, 16, 16);
    column[2] = _bextr_u64(packed, 32, 16);
    column[3] = packed >> 48;
#else
    for (int i = 0; i < 4; ++i) column[i] = (packed >> (16 * i)) & 0xFFFF;
#endif
}

inline void unpack_columns(const std::uint32_t* at, std::size_t* column) {
    for (int i = 0; i < 4; ++i) column[i] = at[i];
}

// Elements of one vector from as many places: with loads and inserts, or with the one instruction there is for it.
template <class T, class Index>
RSV_INLINE Vec<T> load_each(const T* from, const Index* at) {
#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
    std::size_t column[4];
    if constexpr (sizeof(T) == 4) {
        __m128 quad[kWidth<T> / 4];
        for (int q = 0; q < kWidth<T> / 4; ++q) {
            unpack_columns(at + 4 * q, column);
            __m128 v = _mm_load_ss(from + column[0]);
            v = _mm_insert_ps(v, _mm_load_ss(from + column[1]), 0x10);
            v = _mm_insert_ps(v, _mm_load_ss(from + column[2]), 0x20);
            quad[q] = _mm_insert_ps(v, _mm_load_ss(from + column[3]), 0x30);
        }
        return join(quad);
    } else {
        __m128d pair[kWidth<T> / 2];
        for (int q = 0; q < kWidth<T> / 4; ++q) {
            unpack_columns(at + 4 * q, column);
            pair[2 * q] = _mm_loadh_pd(_mm_load_sd(from + column[0]), from + column[1]);
            pair[2 * q + 1] = _mm_loadh_pd(_mm_load_sd(from + column[2]), from + column[3]);
        }
        return join(pair);
    }
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = from[at[i]];
    return v;
#endif
}

#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
constexpr bool kGathers = true;

template <class T, class Index>
RSV_INLINE Vec<T> gather(const T* from, const Index* at) {
    constexpr bool kWords = sizeof(Index) == 2;
    const void* const places = at;
    if constexpr (kWidth<T> == 16) {
        const __m512i place = kWords ? _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(places)))
                                     : _mm512_loadu_si512(places);
        return (Vec<T>)_mm512_i32gather_ps(place, from, 4);
    } else if constexpr (kWidth<T> == 8) {
        const __m256i place = kWords ? _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(places)))
                                     : _mm256_loadu_si256(static_cast<const __m256i*>(places));
        if constexpr (sizeof(T) == 4)
            return (Vec<T>)_mm256_i32gather_ps(from, place, 4);
        else
            return (Vec<T>)_mm512_i32gather_pd(place, from, 8);
    } else {
        const __m128i place = kWords ? _mm_cvtepu16_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(places)))
                                     : _mm_loadu_si128(static_cast<const __m128i*>(places));
        return (Vec<T>)_mm256_i32gather_pd(from, place, 8);
    }
}
#else
constexpr bool kGathers = false;

template <class T, class Index>
RSV_INLINE Vec<T> gather(const T* from, const Index* at) {
    return load_each<T, Index>(from, at);
}
#endif

// Vectors that hold one block's rows.
template <class T>
constexpr int kBlockVectors = kBlockRows / kWidth<T>;

// Blocks whose sums are so many vectors.
template <class T>
constexpr int blocks_in(int n_vectors) {
    return kBlockVectors<T> < n_vectors ? n_vectors / kBlockVectors<T> : 1;
}

template <class T, int kBlocks>
using BlockSums = Vec<T>[kBlocks][kBlockVectors<T>];

// act(b, h, row of the first unit in vector h of block b)
template <class T, int kBlocks, class Act>
RSV_INLINE void each_vector(std::int64_t block, const Act& act) {
    repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA {
        repeat<kBlockVectors<T>>([&](int h) RSV_INLINE_LAMBDA { act(b, h, (block + b) * kBlockRows + h * kWidth<T>); });
    });
}

template <class T, int kBlocks>
RSV_INLINE void begin_blocks(const StageStep<T>& a, std::int64_t block, BlockSums<T, kBlocks>& sum) {
    each_vector<T, kBlocks>(
        block, [&](int b, int h, std::int64_t row) RSV_INLINE_LAMBDA { sum[b][h] = load<T>(a.bias + row); });
    const T* weights = a.input_weights;
    for (std::int64_t j = 0; j < a.n_inputs; ++j, weights += a.input_stride) {
        const Vec<T> u = broadcast<T>(a.input[j]);
        each_vector<T, kBlocks>(block, [&](int b, int h, std::int64_t row) RSV_INLINE_LAMBDA {
            sum[b][h] = fma<T>(load<T>(weights + row), u, sum[b][h]);
        });
    }
}

// From sums to new states.
template <class T, Activation kind, int kBlocks>
RSV_INLINE void finish_blocks(const StageStep<T>& a, std::int64_t block, const BlockSums<T, kBlocks>& sum) {
    each_vector<T, kBlocks>(block, [&](int b, int h, std::int64_t row) RSV_INLINE_LAMBDA {
        store<T>(a.next + row, updated<T, kind>(a, row, sum[b][h]));
    });
}

// What weights of a block are stored as, and the numbers they stand for.
template <class T, Storage storage>
class BlockWeights {
public:
    RSV_INLINE BlockWeights(const StageStep<T>& a, std::int64_t block)
        : stored_(static_cast<const Stored*>(a.weights)) {
        if constexpr (storage == Storage::int8) {
            for (int h = 0; h < kBlockVectors<T>; ++h)
                scale_[h] = load<T>(a.scales + block * kBlockRows + h * kWidth<T>);
        }
    }
    // Vector h of a slot.
    RSV_INLINE Vec<T> get(std::int64_t slot, int h) const {
        const Stored* at = stored_ + slot * kBlockRows + h * kWidth<T>;
        if constexpr (storage == Storage::own) return load<T>(at);
        if constexpr (storage == Storage::bfloat16) return load_bfloat16<T>(at);
        if constexpr (storage == Storage::int8) return load_int8<T>(at) * scale_[h];
    }

private:
    using Narrow = std::conditional_t<storage == Storage::int8, std::int8_t, std::uint16_t>;
    using Stored = std::conditional_t<storage == Storage::own, T, Narrow>;
    const Stored* stored_;
    Vec<T> scale_[kBlockVectors<T>];
};

template <class T, Storage storage>
void widen(const StageStep<T>& a, std::int64_t block, std::int64_t first, std::int64_t last, T* to) {
    const BlockWeights<T, storage> weights(a, block);
    for (std::int64_t slot = first; slot < last; ++slot) {
        for (int h = 0; h < kBlockVectors<T>; ++h, to += kWidth<T>) store<T>(to, weights.get(slot, h));
    }
}

template <class T, class Index, Storage storage, bool kGather>
struct ScatteredLinks {
    static constexpr int kTogether = blocks_in<T>(4);

    template <int kBlocks>
    RSV_INLINE static void add(const StageStep<T>& a, std::int64_t first, BlockSums<T, kBlocks>& sum) {
        repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA {
            const std::int64_t block = first + b;
            const BlockWeights<T, storage> weights(a, block);
            for (std::int64_t slot = a.block_start[block]; slot < a.block_start[block + 1]; ++slot) {
                const Index* column = static_cast<const Index*>(a.columns) + slot * kBlockRows;
                repeat<kBlockVectors<T>>([&](int h) RSV_INLINE_LAMBDA {
                    const Index* at = column + h * kWidth<T>;
                    const Vec<T> x = kGather ? gather<T, Index>(a.state, at) : load_each<T, Index>(a.state, at);
                    sum[b][h] = fma<T>(weights.get(slot, h), x, sum[b][h]);
                });
            }
        });
    }
};

// The slots of a block, turned, read columns that follow one another: one load instead of many. Sums are turned back
// once a block. Several blocks at a time: the multiply-adds of one alone wait for each other.
template <class T, class Index, Storage storage>
struct ConsecutiveLinks {
    static constexpr int kTogether = blocks_in<T>(4);

    template <int kBlocks>
    RSV_INLINE static void add(const StageStep<T>& a, std::int64_t block, BlockSums<T, kBlocks>& sum) {
        const std::int64_t* start = a.block_start + block;
        const auto add_slot = [&](int b, std::int64_t slot) RSV_INLINE_LAMBDA {
            const BlockWeights<T, storage> weights(a, block + b);
            const T* x = a.state + static_cast<const Index*>(a.columns)[slot];
            repeat<kBlockVectors<T>>([&](int h) RSV_INLINE_LAMBDA {
                sum[b][h] = fma<T>(weights.get(slot, h), load<T>(x + h * kWidth<T>), sum[b][h]);
            });
        };
        const std::int64_t n_slots = start[1] - start[0];
        bool alike = true;
        for (int b = 1; b < kBlocks; ++b) alike = alike && start[b + 1] - start[b] == n_slots;
        if (alike) {
            RSV_TWO_ROUNDS  // measured: 1.03 times as fast
            for (std::int64_t slot = start[0]; slot < start[1]; ++slot) {
                repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA { add_slot(b, slot + b * n_slots); });
            }
        } else {
            repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA {
                for (std::int64_t slot = start[b]; slot < start[b + 1]; ++slot) add_slot(b, slot);
            });
        }
        repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA { turn<T>(sum[b], a.turns[block + b]); });
    }
};

// Each read of a state serves several blocks: enough independent sums to hide the latency of the multiply-add.
template <class T, Storage storage>
struct AllLinks {
    static constexpr int kTogether = blocks_in<T>(8);

    template <int kBlocks>
    RSV_INLINE static void add(const StageStep<T>& a, std::int64_t block, BlockSums<T, kBlocks>& sum) {
        for (std::int64_t c = 0; c < a.n_columns; ++c) {
            const Vec<T> x = broadcast<T>(a.state[c]);
            repeat<kBlocks>([&](int b) RSV_INLINE_LAMBDA {
                const BlockWeights<T, storage> weights(a, block + b);
                const std::int64_t slot = (block + b) * a.n_columns + c;
                repeat<kBlockVectors<T>>(
                    [&](int h) RSV_INLINE_LAMBDA { sum[b][h] = fma<T>(weights.get(slot, h), x, sum[b][h]); });
            });
        }
    }
};

template <class T, Activation kind, class Links>
void step_blocks(const StageStep<T>& step) {
    constexpr int kTogether = Links::kTogether;
    const StageStep<T> a = step;  // a copy no store can alias: its fields stay in registers
    const std::int64_t n_groups = (a.last_block - a.first_block) / kTogether;
    const std::int64_t first_of_rest = a.first_block + n_groups * kTogether;
    const auto step_rest = [&]() RSV_INLINE_LAMBDA {
        for (std::int64_t block = first_of_rest; block < a.last_block; ++block) {
            BlockSums<T, 1> sum;
            begin_blocks<T, 1>(a, block, sum);
            Links::template add<1>(a, block, sum);
            finish_blocks<T, kind, 1>(a, block, sum);
        }
    };
    if (a.backwards || n_groups == 0) step_rest();
    if (n_groups == 0) return;
    const std::int64_t by = a.backwards ? -kTogether : kTogether;
    std::int64_t block = a.backwards ? first_of_rest - kTogether : a.first_block;
    BlockSums<T, kTogether> ready;
    begin_blocks<T, kTogether>(a, block, ready);
    Links::template add<kTogether>(a, block, ready);
    for (std::int64_t group = 1; group < n_groups; ++group) {
        block += by;
        BlockSums<T, kTogether> sum;
        begin_blocks<T, kTogether>(a, block, sum);
        Links::template add<kTogether>(a, block, sum);
        finish_blocks<T, kind, kTogether>(a, block - by, ready);
        each_vector<T, kTogether>(0, [&](int b, int h, std::int64_t) RSV_INLINE_LAMBDA { ready[b][h] = sum[b][h]; });
    }
    finish_blocks<T, kind, kTogether>(a, block, ready);
    if (!a.backwards) step_rest();
}

// Rows of a tile: some that follow one another in a block, whose last its first follows.
struct TileRows {
    std::int64_t first_of_block;
    unsigned first;
    std::int64_t operator[](int i) const { return first_of_block + (first + static_cast<unsigned>(i)) % kBlockRows; }
};

// Their sums, all lanes of each.
template <class T, int kRows, int kVectors>
using LaneSums = Vec<T>[kRows][kVectors];

// act(i, v)
template <int kRows, int kVectors, class Act>
RSV_INLINE void each_of_tile(const Act& act) {
    repeat<kRows>([&](int i) RSV_INLINE_LAMBDA { repeat<kVectors>([&](int v) RSV_INLINE_LAMBDA { act(i, v); }); });
}

template <class T, int kRows, int kVectors>
RSV_INLINE void begin_lanes(const StageStep<T>& a, std::int64_t at, LaneSums<T, kRows, kVectors>& sum) {
    each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA { sum[i][v] = broadcast<T>(a.bias[at + i]); });
    for (std::int64_t j = 0; j < a.n_inputs; ++j) {
        const T* weights = a.input_weights + j * a.input_stride + at;
        const T* u = a.input + j * kVectors * kWidth<T>;
        each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA {
            sum[i][v] = fma<T>(broadcast<T>(weights[i]), load<T>(u + v * kWidth<T>), sum[i][v]);
        });
    }
}

// Whose leak rates tell what share of a state is kept.
enum class Leaks { none, of_units, of_lanes };

// act(which) with a constant of them.
template <class T, class Act>
RSV_INLINE void with_leaks(const StageStep<T>& a, const Act& act) {
    if (!a.keeps)
        act(std::integral_constant<Leaks, Leaks::none>());
    else if (a.leak_of_lanes == nullptr)
        act(std::integral_constant<Leaks, Leaks::of_units>());
    else
        act(std::integral_constant<Leaks, Leaks::of_lanes>());
}

template <class T, Activation kind, Leaks leaks, int kRows, int kVectors>
RSV_INLINE void finish_lanes(const StageStep<T>& a, TileRows rows, const LaneSums<T, kRows, kVectors>& sum) {
    each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA {
        const std::int64_t at = (rows[i] * kVectors + v) * kWidth<T>;
        Vec<T> x = activated<T, kind>(sum[i][v]);
        if constexpr (leaks == Leaks::of_units) {
            const Vec<T> keep = broadcast<T>(a.keep.values[rows[i] * a.keep.stride]);
            x = fma<T>(broadcast<T>(a.leak.values[rows[i] * a.leak.stride]), x, keep * load<T>(a.carried + at));
        }
        if constexpr (leaks == Leaks::of_lanes) {
            const Vec<T> keep = load<T>(a.keep_of_lanes + v * kWidth<T>);
            x = fma<T>(load<T>(a.leak_of_lanes + v * kWidth<T>), x, keep * load<T>(a.carried + at));
        }
        store<T>(a.next + at, x);
    });
}

// Where sums wait between the parts of a step: those of a row, and of the rows behind it.
template <class T, int kVectors>
RSV_INLINE T* waiting(const StageStep<T>& a, std::int64_t row) {
    return a.sums + row * kVectors * kWidth<T>;
}

template <class T, class Index, int kRows, int kVectors>
RSV_INLINE void add_slots(const StageStep<T>& a, SlotRange slots, int first_row, LaneSums<T, kRows, kVectors>& sum) {
    const Index* columns = static_cast<const Index*>(a.columns);
    const T* weights = static_cast<const T*>(a.weights) - a.first_slot * kBlockRows;
    for (std::int64_t slot = slots.first; slot < slots.last; ++slot) {
        const std::int64_t at = slot * kBlockRows + first_row;
        repeat<kRows>([&](int i) RSV_INLINE_LAMBDA {
            const Vec<T> weight = broadcast<T>(weights[at + i]);
            const T* x = a.state + static_cast<std::int64_t>(columns[at + i]) * kVectors * kWidth<T>;
            repeat<kVectors>(
                [&](int v) RSV_INLINE_LAMBDA { sum[i][v] = fma<T>(weight, load<T>(x + v * kWidth<T>), sum[i][v]); });
        });
    }
}

// The activations of a tile are computed beside the sums of the next, which wait for the second cache while they wait
// for each other. kGoesOn: sums have been begun by parts of this step.
template <class T, Activation kind, class Index, int kLaneBytes, Leaks leaks, bool kGoesOn>
void sparse_step_tiles(const StageStep<T>& step) {
    const StageStep<T> a = step;  // a copy no store can alias: its fields stay in registers
    constexpr int kVectors = kLaneBytes / kVectorBytes;
    // Double precision divides for so long that a tile of four rows is done in bursts (measured on a Xeon with AMX: 1.1
    // times as long).
    constexpr int kRows = kVectorBytes == 64 ? (sizeof(T) == 4 ? 4 : 4 / kVectors) : kVectors <= 2 ? 2 : 1;
    // Not set: GCC would begin the activations of zeros for the first tile, in registers that sums need.
    LaneSums<T, kRows, kVectors> ready;
    TileRows rows_of_ready{};
    for (std::int64_t block = a.first_block; block < a.last_block; ++block) {
        const SlotRange slots = slots_of_part(a, block);
        for (int r = 0; r < kBlockRows; r += kRows) {
            const TileRows rows{block * kBlockRows, static_cast<unsigned>(kBlockRows + r - a.turns[block])};
            LaneSums<T, kRows, kVectors> sum;
            if constexpr (kGoesOn) {
                std::memcpy(sum, waiting<T, kVectors>(a, block * kBlockRows + r), sizeof sum);
            } else {
                begin_lanes<T, kRows, kVectors>(a, block * kBlockRows + r, sum);
            }
            add_slots<T, Index, kRows, kVectors>(a, slots, r, sum);
            if (block > a.first_block || r > 0) finish_lanes<T, kind, leaks, kRows, kVectors>(a, rows_of_ready, ready);
            each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA { ready[i][v] = sum[i][v]; });
            rows_of_ready = rows;
        }
    }
    finish_lanes<T, kind, leaks, kRows, kVectors>(a, rows_of_ready, ready);
}

// A part of a step, of which more parts are to come.
template <class T, class Index, int kLaneBytes>
RSV_APART void sparse_sum_tiles(const StageStep<T>& step) {
    const StageStep<T> a = step;
    constexpr int kVectors = kLaneBytes / kVectorBytes;
    constexpr int kRows = kVectors < 8 ? 8 / kVectors : 1;  // sums enough to hide how long a multiply-add takes
    for (std::int64_t block = a.first_block; block < a.last_block; ++block) {
        const SlotRange slots = slots_of_part(a, block);
        for (int r = 0; r < kBlockRows; r += kRows) {
            T* const kept = waiting<T, kVectors>(a, block * kBlockRows + r);
            LaneSums<T, kRows, kVectors> sum;
            if (a.part == 0) {
                begin_lanes<T, kRows, kVectors>(a, block * kBlockRows + r, sum);
            } else {
                std::memcpy(sum, kept, sizeof sum);
            }
            add_slots<T, Index, kRows, kVectors>(a, slots, r, sum);
            std::memcpy(kept, sum, sizeof sum);
        }
    }
}

// Where one loop asks whose the leaks are, GCC begins all ways before it asks, and sums leave their registers.
template <class T, Activation kind, class Index, int kLaneBytes>
void sparse_step_lanes(const StageStep<T>& step) {
    if (step.part + 1 < step.n_parts) return sparse_sum_tiles<T, Index, kLaneBytes>(step);
    with_leaks(step, [&](auto leaks) {
        (step.part > 0 ? sparse_step_tiles<T, kind, Index, kLaneBytes, leaks.value, true>
                       : sparse_step_tiles<T, kind, Index, kLaneBytes, leaks.value, false>)(step);
    });
}

// Rows of a block that share each read of the state, and the lanes of their sums: what fits the registers.
template <class T, int kLaneBytes>
struct DenseTile {
    static constexpr int kVectors = kLaneBytes / kVectorBytes;
    static constexpr int kRows = (kVectorBytes == 64 ? 16 : 8) / kVectors;
    static_assert(kBlockRows % kRows == 0, "a tile stays within its block");
    using Sums = LaneSums<T, kRows, kVectors>;

    // The tiles of a block go through so many columns one after another, whose states then stay in the first cache.
    static constexpr std::int64_t kStretch = 128;
    // Stretches are too short for processors to foresee what comes. Whoever reads a line first asks for it so many
    // columns ahead (with the above, measured on a Xeon with AMX at 1000 units: 1.2 times as fast).
    static constexpr std::int64_t kAhead = 16;
    // From so many columns on, weights come from memory, which is asked for a block ahead (measured on Zen 5 at 3000
    // units: 2.1 times as fast, 2.5 in double precision).
    static constexpr std::int64_t kManyColumns = 2000;

    // What a tile asks for while it is at work: little with each column, because caches that cores share are too slow
    // for bursts (measured on a Xeon with AMX in double precision: 1.05 times as fast at 1000 units, 1.25 at 3000).
    struct Ahead {
        const char* at;
        std::int64_t step;  // in bytes; 0: nothing to ask for
    };

    // One stretch.
    RSV_APART static void add(const T* weights, const T* state, std::int64_t n_columns, int first_row, Ahead ahead,
                              Sums& sums) {
        Sums sum;
        each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA { sum[i][v] = sums[i][v]; });
        const T* w = weights + first_row;
        const T* x = state;
        const auto add_columns = [&](auto ask_weights, auto ask_states, auto ask_ahead) RSV_INLINE_LAMBDA {
            for (std::int64_t c = 0; c < n_columns; ++c, w += kBlockRows, x += kVectors * kWidth<T>) {
                if constexpr (ask_weights.value) prefetch(w + kAhead * kBlockRows);
                if constexpr (ask_states.value) {
                    for (int i = 0; i < kLaneBytes; i += 64) {
                        prefetch(x + kAhead * kVectors * kWidth<T> + i / static_cast<int>(sizeof(T)));
                    }
                }
                if constexpr (ask_ahead.value) {
                    prefetch_early(ahead.at);
                    ahead.at += ahead.step;
                }
                each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA {
                    sum[i][v] = fma<T>(broadcast<T>(w[i]), load<T>(x + v * kWidth<T>), sum[i][v]);
                });
            }
        };
        using No = std::false_type;
        using Yes = std::true_type;
        const bool begins_line = first_row * static_cast<int>(sizeof(T)) % 64 == 0;
        if (ahead.step == 0) {
            first_row == 0 ? add_columns(Yes(), Yes(), No())
            : begins_line  ? add_columns(Yes(), No(), No())
                           : add_columns(No(), No(), No());
        } else {
            first_row == 0 ? add_columns(Yes(), Yes(), Yes())
            : begins_line  ? add_columns(Yes(), No(), Yes())
                           : add_columns(No(), No(), Yes());
        }
        each_of_tile<kRows, kVectors>([&](int i, int v) RSV_INLINE_LAMBDA { sums[i][v] = sum[i][v]; });
    }
};

template <class T, Activation kind, int kLaneBytes>
void dense_step_lanes(const StageStep<T>& step) {
    using Tile = DenseTile<T, kLaneBytes>;
    constexpr int kRows = Tile::kRows, kVectors = Tile::kVectors;
    const StageStep<T> a = step;  // a copy no store can alias: its fields stay in registers
    for (std::int64_t i = a.first_block; i < a.last_block; ++i) {
        const std::int64_t block = a.backwards ? a.first_block + a.last_block - 1 - i : i;
        const SlotRange slots = slots_of_part(a, block);
        const std::int64_t first_column = slots.first - a.block_start[block];
        const std::int64_t last_column = slots.last - a.block_start[block];
        typename Tile::Sums sums[kBlockRows / kRows];
        for (int row = 0; row < kBlockRows; row += kRows) {
            if (a.part == 0)
                begin_lanes<T, kRows, kVectors>(a, block * kBlockRows + row, sums[row / kRows]);
            else
                std::memcpy(&sums[row / kRows], waiting<T, kVectors>(a, block * kBlockRows + row), sizeof sums[0]);
        }
        const T* weights = static_cast<const T*>(a.weights) + (slots.first - a.first_slot) * kBlockRows;
        const std::int64_t n_columns = last_column - first_column;
        const bool asks =
            (a.is_followed || i + 1 < a.last_block) && (a.n_groups > 1 || a.n_columns >= Tile::kManyColumns);
        const std::int64_t to_next = asks ? (a.backwards ? -a.n_columns : a.n_columns) * kBlockRows : 0;
        const std::int64_t asked = asks ? kRows * static_cast<std::int64_t>(sizeof(T)) / a.n_groups : 0;
        const char* ahead = reinterpret_cast<const char*>(weights + to_next);
        ahead += a.group * n_columns * asked * (kBlockRows / kRows);
        for (std::int64_t first = 0; first < n_columns; first += Tile::kStretch) {
            const std::int64_t rest = n_columns - first;
            const std::int64_t n = rest < Tile::kStretch ? rest : Tile::kStretch;
            for (int row = 0; row < kBlockRows; row += kRows) {
                const T* x = a.state + (first_column + first) * kVectors * kWidth<T>;
                Tile::add(weights + first * kBlockRows, x, n, row, {ahead, asked}, sums[row / kRows]);
                ahead += n * asked;
            }
        }
        if (a.part + 1 < a.n_parts) {
            std::memcpy(waiting<T, kVectors>(a, block * kBlockRows), sums, sizeof sums);
            continue;
        }
        for (int row = 0; row < kBlockRows; row += kRows) {
            const TileRows rows{block * kBlockRows, static_cast<unsigned>(row)};
            with_leaks(a, [&](auto leaks) RSV_INLINE_LAMBDA {
                finish_lanes<T, kind, leaks.value, kRows, kVectors>(a, rows, sums[row / kRows]);
            });
        }
    }
}

}  // namespace
