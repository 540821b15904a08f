// Vectors of the level's native width. Every kernel body is written against these few functions, so one plain source
// serves every instruction set. GCC and clang have vector types; elsewhere (MSVC) an array of lanes does the same.
//
// All multiply-adds go through fma(): fused, at every level, so that every level gives the same bits. The build turns
// contraction off, so no other multiplication and addition are ever joined.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(RSV_LEVEL_V3) || defined(RSV_LEVEL_V4)
#include <immintrin.h>
#elif defined(RSV_LEVEL_NEON)
#include <arm_neon.h>
#endif

// For the parts of the innermost loops: GCC stops inlining where a file has grown large, and sums then go through
// memory. Sanitizers check every access of what is inlined, and would take an hour over it.
#if defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RSV_INLINE [[gnu::always_inline]] inline
#define RSV_INLINE_LAMBDA __attribute__((always_inline))
#else
#define RSV_INLINE inline
#define RSV_INLINE_LAMBDA
#endif

namespace {

// For an innermost loop whose sums would leave their registers to the constants of what surrounds it.
#if defined(__GNUC__)
#define RSV_APART [[gnu::noinline]]
#else
#define RSV_APART
#endif

// act(0), act(1), ..., act(n - 1), written out. Arrays of sums stay in registers only where every index is a constant
// early on; GCC unrolls loops around other loops too late or not at all (measured: 1.3 to 1.7 times as fast).
template <int n, class Act>
RSV_INLINE void repeat(const Act& act) {
    if constexpr (n > 1) repeat<n - 1>(act);
    act(n - 1);
}

// Before an innermost loop: two rounds of it at a time.
#if defined(__GNUC__)
#define RSV_TWO_ROUNDS _Pragma("GCC unroll 2")
#else
#define RSV_TWO_ROUNDS
#endif

// Into the first cache or, for what is read later, into the second. Functions that are always inlined or not there at
// all: GCC 12 takes a call of one that only prefetches for a call without effect.
#if defined(__GNUC__)
RSV_INLINE void prefetch(const void* p) {
    __builtin_prefetch(p);
}
RSV_INLINE void prefetch_early(const void* p) {
    __builtin_prefetch(p, 0, 2);
}
#else
inline void prefetch(const void*) {}
inline void prefetch_early(const void*) {}
#endif

#if defined(RSV_LEVEL_V4)
constexpr int kVectorBytes = 64;
#elif defined(RSV_LEVEL_V3)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct IntOf;
template <>
struct IntOf<float> {
    using type = std::int32_t;
};
template <>
struct IntOf<double> {
    using type = std::int64_t;
};

template <class T>
constexpr int kWidth = kVectorBytes / static_cast<int>(sizeof(T));

#if defined(__GNUC__)

template <class E>
struct VectorOf {
    typedef E type __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VectorOf<T>::type;
template <class T>
using IVec = typename VectorOf<typename IntOf<T>::type>::type;

#else

template <class E>
struct Lanes {
    static constexpr int n = kVectorBytes / static_cast<int>(sizeof(E));
    E lane[n];
    E operator[](int i) const { return lane[i]; }
    E& operator[](int i) { return lane[i]; }
};
template <class T>
using Vec = Lanes<T>;
template <class T>
using IVec = Lanes<typename IntOf<T>::type>;

#define RSV_LANEWISE(OP)                                                                          \
    template <class E>                                                                            \
    inline Lanes<E> operator OP(Lanes<E> a, Lanes<E> b) {                                         \
        for (int i = 0; i < Lanes<E>::n; ++i) a.lane[i] = static_cast<E>(a.lane[i] OP b.lane[i]); \
        return a;                                                                                 \
    }
RSV_LANEWISE(+)
RSV_LANEWISE(-)
RSV_LANEWISE(*)
RSV_LANEWISE(/)
RSV_LANEWISE(&)
RSV_LANEWISE(|)
RSV_LANEWISE(^)
#undef RSV_LANEWISE

#endif

template <class T>
inline Vec<T> load(const T* from) {
    Vec<T> v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
inline void store(T* to, Vec<T> v) {
    std::memcpy(to, &v, sizeof v);
}

// A vector of numbers that are stored as the upper halves of float32. By hand: GCC 12 would go lane by lane.
template <class T>
inline Vec<T> load_bfloat16(const std::uint16_t* from) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        const __m256i upper = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
        return (Vec<T>)_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16);
    } else {
        const __m128i upper = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm512_cvtps_pd((__m256)_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16));
    }
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        const __m128i upper = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16);
    } else {
        const __m128i upper = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm256_cvtps_pd((__m128)_mm_slli_epi32(_mm_cvtepu16_epi32(upper), 16));
    }
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) {
        const std::uint32_t bits = static_cast<std::uint32_t>(from[i]) << 16;
        float wide;
        std::memcpy(&wide, &bits, sizeof wide);
        v[i] = wide;
    }
    return v;
#endif
}

template <class T>
inline Vec<T> load_int8(const std::int8_t* from) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
    } else {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm512_cvtepi32_pd(_mm256_cvtepi8_epi32(bytes));
    }
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
        return (Vec<T>)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    } else {
        std::int32_t bytes;
        std::memcpy(&bytes, from, sizeof bytes);
        return (Vec<T>)_mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(bytes)));
    }
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = static_cast<T>(from[i]);
    return v;
#endif
}

template <class T>
inline Vec<T> broadcast(T x) {
#if defined(__GNUC__)
    return x - Vec<T>{};  // x - 0 is x, bit for bit; GCC makes one broadcast of it, and of a loop it does not
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = x;
    return v;
#endif
}

template <class T>
inline IVec<T> broadcast_int(typename IntOf<T>::type x) {
#if defined(__GNUC__)
    return x - IVec<T>{};
#else
    IVec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = x;
    return v;
#endif
}

template <class T>
inline IVec<T> as_int(Vec<T> v) {
    IVec<T> i;
    std::memcpy(&i, &v, sizeof i);
    return i;
}

template <class T>
inline Vec<T> as_real(IVec<T> i) {
    Vec<T> v;
    std::memcpy(&v, &i, sizeof v);
    return v;
}

// All bits set where a > b; clear where either is NaN.
template <class T>
inline IVec<T> greater(Vec<T> a, Vec<T> b) {
#if defined(__GNUC__)
    return a > b;
#else
    IVec<T> mask;
    for (int i = 0; i < kWidth<T>; ++i) mask[i] = a[i] > b[i] ? -1 : 0;
    return mask;
#endif
}

// All bits set where a >= b; clear where either is NaN.
template <class T>
inline IVec<T> at_least(Vec<T> a, Vec<T> b) {
#if defined(__GNUC__)
    return a >= b;
#else
    IVec<T> mask;
    for (int i = 0; i < kWidth<T>; ++i) mask[i] = a[i] >= b[i] ? -1 : 0;
    return mask;
#endif
}

// One bit a lane.
template <class T>
inline std::uint32_t mask_bits(IVec<T> mask) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return _mm512_movepi32_mask((__m512i)mask);
    else
        return _mm512_movepi64_mask((__m512i)mask);
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)mask));
    else
        return static_cast<std::uint32_t>(_mm256_movemask_pd((__m256d)mask));
#else
    std::uint32_t bits = 0;
    for (int i = 0; i < kWidth<T>; ++i) bits |= (mask[i] < 0 ? 1u : 0u) << i;
    return bits;
#endif
}

inline int lowest_bit(std::uint32_t bits) {
#if defined(__GNUC__)
    return __builtin_ctz(bits);
#else
    int i = 0;
    while ((bits >> i & 1u) == 0) ++i;
    return i;
#endif
}

template <class T>
inline Vec<T> select(IVec<T> mask, Vec<T> yes, Vec<T> no) {
#if defined(__GNUC__)
    return mask ? yes : no;
#else
    for (int i = 0; i < kWidth<T>; ++i) no[i] = mask[i] ? yes[i] : no[i];
    return no;
#endif
}

// The smaller (larger) of each pair; b where either is NaN.
template <class T>
inline Vec<T> minimum(Vec<T> a, Vec<T> b) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_min_ps((__m512)a, (__m512)b);
    else
        return (Vec<T>)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_min_ps((__m256)a, (__m256)b);
    else
        return (Vec<T>)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
    return select<T>(greater<T>(b, a), a, b);
#endif
}

template <class T>
inline Vec<T> maximum(Vec<T> a, Vec<T> b) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_max_ps((__m512)a, (__m512)b);
    else
        return (Vec<T>)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_max_ps((__m256)a, (__m256)b);
    else
        return (Vec<T>)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
    return select<T>(greater<T>(a, b), a, b);
#endif
}

template <class T>
inline IVec<T> sign_mask() {
    return as_int<T>(broadcast<T>(T(-0.0)));
}

template <class T>
inline Vec<T> negative(Vec<T> x) {
#if defined(__GNUC__)
    return -x;  // which fma() takes as it is
#else
    return as_real<T>(as_int<T>(x) ^ sign_mask<T>());
#endif
}

template <class T>
inline Vec<T> magnitude(Vec<T> x) {
    return as_real<T>(as_int<T>(x) ^ (as_int<T>(x) & sign_mask<T>()));
}

// `size`, which is not negative, with the sign of x.
template <class T>
inline Vec<T> with_sign(Vec<T> size, Vec<T> x) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    constexpr int kMaskedOr = 0xEA;  // (a & b) | c
    return (Vec<T>)_mm512_ternarylogic_epi64((__m512i)x, (__m512i)sign_mask<T>(), (__m512i)size, kMaskedOr);
#else
    return as_real<T>((as_int<T>(x) & sign_mask<T>()) | as_int<T>(size));
#endif
}

template <class T>
inline IVec<T> shift_left(IVec<T> v, int bits) {
#if defined(__GNUC__)
    return v << bits;
#else
    for (int i = 0; i < kWidth<T>; ++i) {
        using U = std::make_unsigned_t<typename IntOf<T>::type>;
        v[i] = static_cast<typename IntOf<T>::type>(static_cast<U>(v[i]) << bits);
    }
    return v;
#endif
}

// As of unsigned integers.
template <class T>
inline IVec<T> shift_right(IVec<T> v, int bits) {
    using U = std::make_unsigned_t<typename IntOf<T>::type>;
#if defined(__GNUC__)
    typedef U Unsigned __attribute__((vector_size(kVectorBytes)));
    return (IVec<T>)((Unsigned)v >> bits);
#else
    for (int i = 0; i < kWidth<T>; ++i) v[i] = static_cast<typename IntOf<T>::type>(static_cast<U>(v[i]) >> bits);
    return v;
#endif
}

template <class Index>
constexpr Index kRing[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                             0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Values `by` places further on, where n vectors are a ring of 16.
template <class T, int n>
inline void turn(Vec<T> (&v)[n], int by) {
    static_assert(n * kWidth<T> == 16, "a block of rows");
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        v[0] = (Vec<T>)_mm512_permutexvar_ps(_mm512_loadu_si512(kRing<std::int32_t> + by), (__m512)v[0]);
    } else {
        const __m512i places = _mm512_loadu_si512(kRing<std::int64_t> + by);
        const __m512d first = (__m512d)v[0], second = (__m512d)v[1];
        v[0] = (Vec<T>)_mm512_permutex2var_pd(first, places, second);
        v[1] = (Vec<T>)_mm512_permutex2var_pd(second, places, first);
    }
#else
#if defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4) {
        const __m256i places = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kRing<std::int32_t> + by));
        const __m256 first = _mm256_permutevar8x32_ps((__m256)v[0], places);
        const __m256 second = _mm256_permutevar8x32_ps((__m256)v[1], places);
        const __m256 is_of_other = (__m256)_mm256_slli_epi32(places, 28);
        v[0] = (Vec<T>)_mm256_blendv_ps(first, second, is_of_other);
        v[1] = (Vec<T>)_mm256_blendv_ps(second, first, is_of_other);
        return;
    }
#endif
    T twice[32];
    for (int h = 0; h < n; ++h) {
        store<T>(twice + h * kWidth<T>, v[h]);
        store<T>(twice + 16 + h * kWidth<T>, v[h]);
    }
    for (int h = 0; h < n; ++h) v[h] = load<T>(twice + by + h * kWidth<T>);
#endif
}

// a * b + c, rounded once. The baseline has no such instruction: it calls the C library, correct and slow.
template <class T>
inline Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
    else
        return (Vec<T>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
    else
        return (Vec<T>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(RSV_LEVEL_NEON) && defined(__GNUC__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
    else
        return (Vec<T>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    Vec<T> v;
    for (int i = 0; i < kWidth<T>; ++i) v[i] = std::fma(a[i], b[i], c[i]);
    return v;
#endif
}

#if defined(RSV_LEVEL_V4) && defined(__GNUC__)
template <class T>
inline void stream(T* to, Vec<T> v) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), (__m512i)v);
}
inline Vec<float> join(const __m128* quad) {
    const __m256 low = _mm256_set_m128(quad[1], quad[0]);
    const __m256 high = _mm256_set_m128(quad[3], quad[2]);
    return (Vec<float>)_mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}
inline Vec<double> join(const __m128d* pair) {
    const __m256d low = _mm256_set_m128d(pair[1], pair[0]);
    const __m256d high = _mm256_set_m128d(pair[3], pair[2]);
    return (Vec<double>)_mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
}
#elif defined(RSV_LEVEL_V3) && defined(__GNUC__)
template <class T>
inline void stream(T* to, Vec<T> v) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), (__m256i)v);
}
inline Vec<float> join(const __m128* quad) {
    return (Vec<float>)_mm256_set_m128(quad[1], quad[0]);
}
inline Vec<double> join(const __m128d* pair) {
    return (Vec<double>)_mm256_set_m128d(pair[1], pair[0]);
}
#endif

}  // namespace
