// From lanes (unit by unit, sequences side by side) to rows (sequence by sequence, units side by side).

namespace {

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define RSV_SHUFFLES
#endif
#endif

#if defined(RSV_SHUFFLES)

template <class T, int... i>
inline Vec<T> interleave_low(Vec<T> a, Vec<T> b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (i % 2 == 0 ? i / 2 : kWidth<T> + i / 2)...);
}

template <class T, int... i>
inline Vec<T> interleave_high(Vec<T> a, Vec<T> b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (kWidth<T> / 2 + (i % 2 == 0 ? i / 2 : kWidth<T> + i / 2))...);
}

// A perfect shuffle of rows i and i + n/2, log2(n) times, transposes n x n values.
template <class T>
inline void transpose(Vec<T>* tile) {
    constexpr int n = kWidth<T>;
    using Places = std::make_integer_sequence<int, n>;
    for (int stage = 1; stage < n; stage *= 2) {
        Vec<T> next[n];
        for (int i = 0; i < n / 2; ++i) {
            next[2 * i] = interleave_low<T>(tile[i], tile[i + n / 2], Places{});
            next[2 * i + 1] = interleave_high<T>(tile[i], tile[i + n / 2], Places{});
        }
        for (int i = 0; i < n; ++i) tile[i] = next[i];
    }
}

#else

template <class T>
inline void transpose(Vec<T>* tile) {
    for (int i = 0; i < kWidth<T>; ++i) {
        for (int j = 0; j < i; ++j) {
            const T swapped = tile[i][j];
            tile[i][j] = tile[j][i];
            tile[j][i] = swapped;
        }
    }
}

#endif

// `count` units from `unit` on; a whole vector of them unless they are the last.
template <class T, int kLaneBytes, bool kWhole>
inline void unpack_units(const T* lanes, std::int64_t unit, std::int64_t count, T* const* rows) {
    constexpr int n = kWidth<T>;
    constexpr int n_lanes = kLaneBytes / static_cast<int>(sizeof(T));
    for (int lane = 0; lane < n_lanes; lane += n) {
        Vec<T> tile[n];
        for (int i = 0; i < n; ++i) {
            // Past the last unit any value will do: it is not written.
            tile[i] = load<T>(lanes + (unit + (kWhole || i < count ? i : 0)) * n_lanes + lane);
        }
        transpose<T>(tile);
        for (int i = 0; i < n; ++i) {
            T* row = rows[lane + i];
            if (row == nullptr) continue;
            if constexpr (kWhole) {
                store<T>(row + unit, tile[i]);
            } else {
                std::memcpy(row + unit, &tile[i], static_cast<std::size_t>(count) * sizeof(T));
            }
        }
    }
}

template <class T, int kLaneBytes>
void unpack_lanes(const T* lanes, std::int64_t n_units, T* const* rows) {
    std::int64_t unit = 0;
    for (; unit + kWidth<T> <= n_units; unit += kWidth<T>) {
        unpack_units<T, kLaneBytes, true>(lanes, unit, kWidth<T>, rows);
    }
    if (unit < n_units) unpack_units<T, kLaneBytes, false>(lanes, unit, n_units - unit, rows);
}

// Stores past the caches need whole aligned vectors; the ends of the row are copied as usual.
template <class T>
void stream_row(const T* from, std::int64_t n, T* to) {
#if (defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)) && defined(__GNUC__)
    const auto misplaced = reinterpret_cast<std::uintptr_t>(to) % kVectorBytes;
    std::int64_t i = misplaced == 0 ? 0 : static_cast<std::int64_t>((kVectorBytes - misplaced) / sizeof(T));
    // A row that begins between two numbers never meets a whole vector.
    if (i > n || misplaced % sizeof(T) != 0) i = n;
    std::memcpy(to, from, static_cast<std::size_t>(i) * sizeof(T));
    for (; i + kWidth<T> <= n; i += kWidth<T>) stream<T>(to + i, load<T>(from + i));
    std::memcpy(to + i, from + i, static_cast<std::size_t>(n - i) * sizeof(T));
#else
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
#endif
}

}  // namespace
