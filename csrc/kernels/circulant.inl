// The step of a network whose recurrent weights are complex circulant blocks: each gets the discrete Fourier transform
// of 2 n states, times a spectrum, transformed back. Blocks come side by side in groups of kBlockRows, [point][real and
// imaginary part][block], so that vectors run across blocks and the same numbers are added in the same order whatever
// their width. Each group hears the one before, and the first the last that is whole.

namespace {

using reservoirs::kMostPoints;

template <class T>
struct Complex {
    Vec<T> re, im;
};

template <class T>
RSV_INLINE Complex<T> operator+(const Complex<T>& a, const Complex<T>& b) {
    return {a.re + b.re, a.im + b.im};
}

template <class T>
RSV_INLINE Complex<T> operator-(const Complex<T>& a, const Complex<T>& b) {
    return {a.re - b.re, a.im - b.im};
}

template <class T>
RSV_INLINE Complex<T> operator*(const Complex<T>& a, const Complex<T>& b) {
    return {fma<T>(negative<T>(a.im), b.im, a.re * b.re), fma<T>(a.im, b.re, a.re * b.im)};
}

// cos(2 pi k / kMostPoints) of the first quarter of a turn, from which symmetry makes all others.
constexpr double kCosines[] = {1, 0.92387953251128675613, 0.70710678118654752440, 0.38268343236508977173};

// Times exp(-2 pi i k / n), or, back, exp(2 pi i k / n), for k below n / 2.
template <class T, int n, bool kBack>
RSV_INLINE Complex<T> rotated(const Complex<T>& a, int k) {
    const int sixteenths = k * (kMostPoints / n);
    if (sixteenths == 0) return a;
    if (sixteenths == kMostPoints / 4) {
        if constexpr (kBack) return {negative<T>(a.im), a.re};
        return {a.im, negative<T>(a.re)};
    }
    const int from_quarter = kMostPoints / 4 - sixteenths;
    const auto cosine =
        static_cast<T>(from_quarter > 0 ? kCosines[sixteenths] : -kCosines[kMostPoints / 2 - sixteenths]);
    const auto sine = static_cast<T>(kCosines[from_quarter > 0 ? from_quarter : -from_quarter]);
    return a * Complex<T>{broadcast<T>(cosine), broadcast<T>(kBack ? sine : -sine)};
}

// In place, by halves: the frequencies come out with their bits reversed.
template <class T, int n>
RSV_INLINE void transform_there(Complex<T>* v) {
    if constexpr (n > 1) {
        repeat<n / 2>([&](int k) RSV_INLINE_LAMBDA {
            const Complex<T> a = v[k], b = v[k + n / 2];
            v[k] = a + b;
            v[k + n / 2] = rotated<T, n, false>(a - b, k);
        });
        transform_there<T, n / 2>(v);
        transform_there<T, n / 2>(v + n / 2);
    }
}

// And back, but for a factor of n, which the spectra hold.
template <class T, int n>
RSV_INLINE void transform_back(Complex<T>* v) {
    if constexpr (n > 1) {
        transform_back<T, n / 2>(v);
        transform_back<T, n / 2>(v + n / 2);
        repeat<n / 2>([&](int k) RSV_INLINE_LAMBDA {
            const Complex<T> a = v[k], b = rotated<T, n, true>(v[k + n / 2], k);
            v[k] = a + b;
            v[k + n / 2] = a - b;
        });
    }
}

// What a vector of blocks sends on.
template <class T, int n>
RSV_APART void convolve(const T* state, const T* spectra, T* sums) {
    Complex<T> v[n];
    repeat<n>([&](int k) RSV_INLINE_LAMBDA {
        v[k] = {load<T>(state + 2 * k * kBlockRows), load<T>(state + (2 * k + 1) * kBlockRows)};
    });
    transform_there<T, n>(v);
    repeat<n>([&](int k) RSV_INLINE_LAMBDA {
        v[k] = v[k] * Complex<T>{load<T>(spectra + 2 * k * kBlockRows), load<T>(spectra + (2 * k + 1) * kBlockRows)};
    });
    transform_back<T, n>(v);
    repeat<n>([&](int k) RSV_INLINE_LAMBDA {
        store<T>(sums + 2 * k * kBlockRows, v[k].re);
        store<T>(sums + (2 * k + 1) * kBlockRows, v[k].im);
    });
}

template <class T>
void convolve_group(std::int64_t n_points, const T* state, const T* spectra, T* sums) {
    for (int i = 0; i < kBlockRows; i += kWidth<T>) {
        if (n_points == 16) convolve<T, 16>(state + i, spectra + i, sums + i);
        if (n_points == 8) convolve<T, 8>(state + i, spectra + i, sums + i);
        if (n_points == 4) convolve<T, 4>(state + i, spectra + i, sums + i);
        if (n_points == 2) convolve<T, 2>(state + i, spectra + i, sums + i);
        if (n_points == 1) convolve<T, 1>(state + i, spectra + i, sums + i);
    }
}

// What the first group hears: of the last whole group the next blocks, so that all blocks are one ring; if none is
// whole, itself, but not what padding shows.
template <class T>
void close_ring(const StageStep<T>& a, std::int64_t size, T* sent) {
    const std::int64_t n_in_ring = a.n_columns / size * size;
    if (n_in_ring == 0) {
        std::memset(sent, 0, static_cast<std::size_t>(size) * sizeof(T));
        std::memcpy(sent, a.state, static_cast<std::size_t>(a.n_columns) * sizeof(T));
        return;
    }
    const T* const last = a.state + n_in_ring - size;
    for (std::int64_t k = 0; k < size; k += kBlockRows) {
        std::memcpy(sent + k, last + k + 1, (kBlockRows - 1) * sizeof(T));
        sent[k + kBlockRows - 1] = last[k];
    }
}

template <class T, Activation kind>
void circulant_step(const StageStep<T>& a) {
    const std::int64_t size = 2 * a.n_points * kBlockRows;
    const std::int64_t first = a.first_block * kBlockRows, last = a.last_block * kBlockRows;
    const std::int64_t n_groups = (last - first + size - 1) / size;
    alignas(kVectorBytes) T sent[2 * kMostPoints * kBlockRows], sums[2 * kMostPoints * kBlockRows];
    for (std::int64_t g = 0; g < n_groups; ++g) {
        const std::int64_t row = first + (a.backwards ? n_groups - 1 - g : g) * size;
        const T* state = a.state + row - size;
        if (row == 0) {
            close_ring(a, size, sent);
            state = sent;
        }
        convolve_group(a.n_points, state, static_cast<const T*>(a.weights) + row, sums);
        const std::int64_t end = row + size < last ? row + size : last;
        for (std::int64_t i = row; i < end; i += kWidth<T>) finish<T, kind>(a, i, load<T>(sums + (i - row)));
    }
}

}  // namespace
