// The step of a network whose recurrent weights are H D: a diagonal, then the Hadamard matrix (-1)^bits(i & j), whose
// product with a vector is log2 n stages of sums and differences. Stages join numbers n/2 apart first, neighbours
// last, whatever the vectors' width, so all levels add the same numbers in the same order; zeros behind the last unit
// are copied without rounding, so padding changes no bit either.

namespace {

template <class T, int kHalf>
struct Signs {
    alignas(kVectorBytes) T at[kWidth<T>];
    constexpr Signs() : at() {
        for (int i = 0; i < kWidth<T>; ++i) at[i] = (i & kHalf) == 0 ? T(1) : T(-1);
    }
};

#if defined(RSV_SHUFFLES)

template <class T, int kHalf, int... i>
RSV_INLINE Vec<T> exchanged(Vec<T> v, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(v, v, (i ^ kHalf)...);
}

#else

template <class T, int kHalf, int... i>
RSV_INLINE Vec<T> exchanged(Vec<T> v, std::integer_sequence<int, i...>) {
    Vec<T> w;
    for (int j = 0; j < kWidth<T>; ++j) w[j] = v[j ^ kHalf];
    return w;
}

#endif

// The stages within a vector, from halves to neighbours.
template <class T, int kHalf = kWidth<T> / 2>
RSV_INLINE Vec<T> butterflies_within(Vec<T> v) {
    if constexpr (kHalf == 0) {
        return v;
    } else {
        constexpr Signs<T, kHalf> signs;
        const Vec<T> other = exchanged<T, kHalf>(v, std::make_integer_sequence<int, kWidth<T>>{});
        return butterflies_within<T, kHalf / 2>(fma<T>(load<T>(signs.at), v, other));
    }
}

template <class T, int kRadix>
RSV_INLINE void butterflies(Vec<T>* v) {
    for (int half = kRadix / 2; half > 0; half /= 2) {
        for (int i = 0; i < kRadix; ++i) {
            if ((i & half) != 0) continue;
            const Vec<T> a = v[i], b = v[i + half];
            v[i] = a + b;
            v[i + half] = a - b;
        }
    }
}

// Vectors that are in registers at once.
constexpr int kMostTogether = 8;

// What a vector is made of at the first stage, and at later ones.
template <class T, bool kFirst>
RSV_INLINE Vec<T> transformed(const T* from, const T* factors, std::int64_t row) {
    if constexpr (kFirst) return load<T>(from + row) * load<T>(factors + row);
    return load<T>(from + row);
}

// Stages of numbers n/2, ... n/kRadix apart, of those from `row` on.
template <class T, int kRadix, bool kFirst>
RSV_INLINE void pass(const StageStep<T>& a, std::int64_t row, std::int64_t n) {
    const std::int64_t apart = n / kRadix;
    const T* const from = kFirst ? a.state : a.transformed;
    const T* const factors = static_cast<const T*>(a.weights);
    T* const to = a.transformed;
    for (std::int64_t i = row; i < row + apart; i += kWidth<T>) {
        Vec<T> v[kRadix];
        for (int j = 0; j < kRadix; ++j) v[j] = transformed<T, kFirst>(from, factors, i + j * apart);
        butterflies<T, kRadix>(v);
        for (int j = 0; j < kRadix; ++j) store<T>(to + i + j * apart, v[j]);
    }
}

// New states of a vector of units, from what the transform has added up for them.
template <class T, Activation kind>
RSV_INLINE void finish(const StageStep<T>& a, std::int64_t row, Vec<T> heard) {
    Vec<T> sum = load<T>(a.bias + row);
    for (std::int64_t k = 0; k < a.n_inputs; ++k) {
        sum = fma<T>(load<T>(a.input_weights + k * a.input_stride + row), broadcast<T>(a.input[k]), sum);
    }
    store<T>(a.next + row, updated<T, kind>(a, row, sum + heard));
}

// The last stages of kRadix vectors from `row` on, and what becomes of these units.
template <class T, Activation kind, int kRadix, bool kFirst>
RSV_INLINE void last_pass(const StageStep<T>& a, std::int64_t row) {
    const T* const from = kFirst ? a.state : a.transformed;
    Vec<T> v[kRadix];
    for (int j = 0; j < kRadix; ++j) {
        v[j] = transformed<T, kFirst>(from, static_cast<const T*>(a.weights), row + j * kWidth<T>);
    }
    butterflies<T, kRadix>(v);
    for (int j = 0; j < kRadix; ++j) v[j] = butterflies_within<T>(v[j]);
    const std::int64_t n_left = (a.last_block * kBlockRows - row) / kWidth<T>;
    for (int j = 0; j < kRadix; ++j) {
        if (j >= n_left) continue;
        finish<T, kind>(a, row + j * kWidth<T>, v[j]);
    }
}

// Depth first: what fits the first cache stays there for all its stages.
template <class T, Activation kind, bool kFirst>
void transform(const StageStep<T>& a, std::int64_t row, std::int64_t n) {
    if (row >= a.last_block * kBlockRows) return;
    const std::int64_t n_vectors = n / kWidth<T>;
    if (n_vectors <= kMostTogether) {
        if (n_vectors == 8) return last_pass<T, kind, 8, kFirst>(a, row);
        if (n_vectors == 4) return last_pass<T, kind, 4, kFirst>(a, row);
        if (n_vectors == 2) return last_pass<T, kind, 2, kFirst>(a, row);
        return last_pass<T, kind, 1, kFirst>(a, row);
    }
    const std::int64_t n_parts = n_vectors / kMostTogether < 8 ? n_vectors / kMostTogether : 8;
    if (n_parts == 8) pass<T, 8, kFirst>(a, row, n);
    if (n_parts == 4) pass<T, 4, kFirst>(a, row, n);
    if (n_parts == 2) pass<T, 2, kFirst>(a, row, n);
    n /= n_parts;
    for (std::int64_t part = 0; part < n_parts; ++part) transform<T, kind, false>(a, row + part * n, n);
}

template <class T, Activation kind>
void hadamard_step(const StageStep<T>& step) {
    transform<T, kind, true>(step, 0, step.n_columns);
}

}  // namespace
