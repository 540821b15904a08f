// bias + W_in u + W x: the hot loops. Every row's sum runs over bias, inputs, then columns in ascending order, one fused
// multiply-add at a time, whichever of these functions computes it.

namespace {

using reservoirs::kBlockRows;
using reservoirs::RowSums;

// Elements of one vector from n places. Loads and inserts rather than the gather instructions: those are microcoded on
// AMD (measured 1.8 times slower on Zen 5) and slowed by security microcode on several Intel generations.
template <class T, class Index>
inline Vec<T> gather(const T* from, const Index* at) {
#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        __m128 quad[kWidth<T> / 4];
        for (int q = 0; q < kWidth<T> / 4; ++q) {
            __m128 v = _mm_load_ss(from + at[4 * q]);
            v = _mm_insert_ps(v, _mm_load_ss(from + at[4 * q + 1]), 0x10);
            v = _mm_insert_ps(v, _mm_load_ss(from + at[4 * q + 2]), 0x20);
            quad[q] = _mm_insert_ps(v, _mm_load_ss(from + at[4 * q + 3]), 0x30);
        }
        return join(quad);
    } else {
        __m128d pair[kWidth<T> / 2];
        for (int p = 0; p < kWidth<T> / 2; ++p) {
            pair[p] = _mm_loadh_pd(_mm_load_sd(from + at[2 * p]), from + at[2 * p + 1]);
        }
        return join(pair);
    }
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = from[at[i]];
    return v;
#endif
}

// Vectors that hold one block's rows.
template <class T>
constexpr int kBlockVectors = kBlockRows / kWidth<T>;

template <class T>
inline void begin_block(const RowSums<T>& a, std::int64_t row, Vec<T>* sum) {
    for (int h = 0; h < kBlockVectors<T>; ++h) sum[h] = load<T>(a.bias + row + h * kWidth<T>);
    for (std::int64_t j = 0; j < a.n_inputs; ++j) {
        const Vec<T> u = broadcast<T>(a.input[j]);
        const T* weight = a.input_weights + j * a.input_stride + row;
        for (int h = 0; h < kBlockVectors<T>; ++h) sum[h] = fma<T>(load<T>(weight + h * kWidth<T>), u, sum[h]);
    }
}

template <class T>
inline void end_block(const RowSums<T>& a, std::int64_t row, const Vec<T>* sum) {
    for (int h = 0; h < kBlockVectors<T>; ++h) store<T>(a.sums + row + h * kWidth<T>, sum[h]);
}

template <class T, class Index>
void sparse_sums(const RowSums<T>& a) {
    const Index* columns = static_cast<const Index*>(a.columns);
    for (std::int64_t block = a.first_block; block < a.last_block; ++block) {
        Vec<T> sum[kBlockVectors<T>];
        begin_block<T>(a, block * kBlockRows, sum);
        for (std::int64_t slot = a.block_start[block]; slot < a.block_start[block + 1]; ++slot) {
            const T* weight = a.weights + slot * kBlockRows;
            const Index* column = columns + slot * kBlockRows;
            for (int h = 0; h < kBlockVectors<T>; ++h) {
                const Vec<T> x = gather<T, Index>(a.state, column + h * kWidth<T>);
                sum[h] = fma<T>(load<T>(weight + h * kWidth<T>), x, sum[h]);
            }
        }
        end_block<T>(a, block * kBlockRows, sum);
    }
}

// Several blocks at a time: enough independent sums to hide the latency of the multiply-add.
template <class T, int kBlocks>
inline void dense_blocks(const RowSums<T>& a, std::int64_t block) {
    Vec<T> sum[kBlocks][kBlockVectors<T>];
    for (int b = 0; b < kBlocks; ++b) begin_block<T>(a, (block + b) * kBlockRows, sum[b]);
    const std::int64_t block_size = a.n_columns * kBlockRows;
    const T* weights = a.weights + block * block_size;
    for (std::int64_t c = 0; c < a.n_columns; ++c) {
        const Vec<T> x = broadcast<T>(a.state[c]);
        for (int b = 0; b < kBlocks; ++b) {
            const T* weight = weights + b * block_size + c * kBlockRows;
            for (int h = 0; h < kBlockVectors<T>; ++h) sum[b][h] = fma<T>(load<T>(weight + h * kWidth<T>), x, sum[b][h]);
        }
    }
    for (int b = 0; b < kBlocks; ++b) end_block<T>(a, (block + b) * kBlockRows, sum[b]);
}

template <class T>
void dense_sums(const RowSums<T>& a) {
    constexpr int kBlocks = kBlockVectors<T> < 8 ? 8 / kBlockVectors<T> : 1;
    std::int64_t block = a.first_block;
    for (; block + kBlocks <= a.last_block; block += kBlocks) dense_blocks<T, kBlocks>(a, block);
    for (; block < a.last_block; ++block) dense_blocks<T, 1>(a, block);
}

template <class T, int kVectors>
inline void begin_lanes(const RowSums<T>& a, std::int64_t row, Vec<T>* sum) {
    constexpr int n_lanes = kVectors * kWidth<T>;
    for (int v = 0; v < kVectors; ++v) sum[v] = broadcast<T>(a.bias[row]);
    for (std::int64_t j = 0; j < a.n_inputs; ++j) {
        const Vec<T> weight = broadcast<T>(a.input_weights[j * a.input_stride + row]);
        const T* u = a.input + j * n_lanes;
        for (int v = 0; v < kVectors; ++v) sum[v] = fma<T>(weight, load<T>(u + v * kWidth<T>), sum[v]);
    }
}

template <class T, int kVectors>
inline void end_lanes(const RowSums<T>& a, std::int64_t row, const Vec<T>* sum) {
    constexpr int n_lanes = kVectors * kWidth<T>;
    for (int v = 0; v < kVectors; ++v) store<T>(a.sums + row * n_lanes + v * kWidth<T>, sum[v]);
}

template <class T, class Index, int kLaneBytes>
void sparse_sums_lanes(const RowSums<T>& a) {
    constexpr int kVectors = kLaneBytes / kVectorBytes;
    constexpr int n_lanes = kVectors * kWidth<T>;
    const Index* columns = static_cast<const Index*>(a.columns);
    for (std::int64_t block = a.first_block; block < a.last_block; ++block) {
        for (int r = 0; r < kBlockRows; ++r) {
            const std::int64_t row = block * kBlockRows + r;
            Vec<T> sum[kVectors];
            begin_lanes<T, kVectors>(a, row, sum);
            for (std::int64_t slot = a.block_start[block]; slot < a.block_start[block + 1]; ++slot) {
                const Vec<T> weight = broadcast<T>(a.weights[slot * kBlockRows + r]);
                const T* x = a.state + static_cast<std::int64_t>(columns[slot * kBlockRows + r]) * n_lanes;
                for (int v = 0; v < kVectors; ++v) sum[v] = fma<T>(weight, load<T>(x + v * kWidth<T>), sum[v]);
            }
            end_lanes<T, kVectors>(a, row, sum);
        }
    }
}

// A tile of rows shares each read of the state; its size is what fits the registers.
template <class T, int kLaneBytes>
void dense_sums_lanes(const RowSums<T>& a) {
    constexpr int kVectors = kLaneBytes / kVectorBytes;
    constexpr int n_lanes = kVectors * kWidth<T>;
    constexpr int kTile = (kVectorBytes == 64 ? 16 : 8) / kVectors;
    static_assert(kBlockRows % kTile == 0, "a tile stays within its block");
    for (std::int64_t row = a.first_block * kBlockRows; row < a.last_block * kBlockRows; row += kTile) {
        Vec<T> sum[kTile][kVectors];
        for (int i = 0; i < kTile; ++i) begin_lanes<T, kVectors>(a, row + i, sum[i]);
        const T* weights = a.weights + (row / kBlockRows) * a.n_columns * kBlockRows + row % kBlockRows;
        for (std::int64_t c = 0; c < a.n_columns; ++c) {
            Vec<T> x[kVectors];
            for (int v = 0; v < kVectors; ++v) x[v] = load<T>(a.state + c * n_lanes + v * kWidth<T>);
            for (int i = 0; i < kTile; ++i) {
                const Vec<T> weight = broadcast<T>(weights[c * kBlockRows + i]);
                for (int v = 0; v < kVectors; ++v) sum[i][v] = fma<T>(weight, x[v], sum[i][v]);
            }
        }
        for (int i = 0; i < kTile; ++i) end_lanes<T, kVectors>(a, row + i, sum[i]);
    }
}

}  // namespace
