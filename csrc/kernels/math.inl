// tanh, exp and the logistic function on vectors, from the functions of vec.inl alone: no table, no branch, no library.
//
// All three write the argument as n steps of log 2 plus a small rest, and tanh and the logistic function take the rest
// through q = r coth(r), because exp(2r) = (q + r) / (q - r). q is even and smooth, so a short polynomial in r * r
// reaches full precision, and the quotient it asks for merges with the one division those functions need anyway.

namespace {

// The polynomials are minimax fits (Remez in 200-bit arithmetic, then rounded), the error relative to the function:
// kCoth: r coth(r) in powers of r * r, |r| <= log(2)/4; float 2^-28.7, double 2^-60.0. The leading 1 is held fixed so
//     that tiny arguments come back unchanged.
// kExp: (exp(r) - 1 - r) / (r * r) in powers of r, |r| <= log(2)/2; error of exp(r): float 2^-28.2, double 2^-57.9.
// kTanhLimit and kLogisticLimit are past the point where the result is exactly 1 or 0; kExpLow and kExpHigh likewise
// past the last finite, nonzero result, yet near enough that half the exponent still fits a normal number.
template <class T>
struct MathConstants;

template <>
struct MathConstants<float> {
    static constexpr int kMantissaBits = 23;
    static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the integer in the low bits
    static constexpr float kBias = 127.0f;
    static constexpr float kLog2E = 1.44269504f;
    static constexpr float kLn2High = 0.693147182f;
    static constexpr float kLn2Low = -1.90465421e-9f;
    static constexpr float kTanhLimit = 10.0f;
    static constexpr float kLogisticLimit = 110.0f;
    static constexpr float kExpLow = -110.0f;
    static constexpr float kExpHigh = 90.0f;
    static constexpr float kCoth[] = {1.0f, 0.33333251513813202752f, -0.022134043476881890904f};
    static constexpr float kExp[] = {0.49999993451454945604f, 0.16666520681030941742f, 0.041668387376148620897f,
                                     0.0083687108069013748769f, 0.0013814615571929033181f};
};

template <>
struct MathConstants<double> {
    static constexpr int kMantissaBits = 52;
    static constexpr double kRound = 6755399441055744.0;
    static constexpr double kBias = 1023.0;
    static constexpr double kLog2E = 1.4426950408889634074;
    static constexpr double kLn2High = 0.69314718055994530942;
    static constexpr double kLn2Low = 2.3190468138462995584e-17;
    static constexpr double kTanhLimit = 20.0;
    static constexpr double kLogisticLimit = 760.0;
    static constexpr double kExpLow = -760.0;
    static constexpr double kExpHigh = 720.0;
    static constexpr double kCoth[] = {1.0,
                                       0.33333333333333204252,
                                       -0.022222222221612616601,
                                       0.0021164020228966490984,
                                       -0.00021163395019681805705,
                                       0.000021187292183672552709};
    static constexpr double kExp[] = {0.50000000000000106173,    0.16666666666666412755,   0.041666666666530259663,
                                      0.0083333333334943485179,  0.0013888888943599764706, 0.00019841269506746667414,
                                      0.00002480149313363172462, 2.7557586291669660632e-6, 2.7630234972619825666e-7,
                                      2.500006635260455318e-8};
};

template <class T, int N, int I = 0>
inline Vec<T> polynomial(const T (&coefficients)[N], Vec<T> x) {
    if constexpr (I + 1 == N)
        return broadcast<T>(coefficients[I]);
    else
        return fma<T>(polynomial<T, N, I + 1>(coefficients, x), x, broadcast<T>(coefficients[I]));
}

// The limit comes first so that a NaN stays.
template <class T>
inline Vec<T> at_most(Vec<T> x, T limit) {
    return minimum<T>(broadcast<T>(limit), x);
}

// 2^n from n + kRound + kBias: the low bits hold the biased exponent already, and the shift drops everything above.
template <class T>
inline Vec<T> power_of_two(Vec<T> rounded) {
    return as_real<T>(shift_left<T>(as_int<T>(rounded), MathConstants<T>::kMantissaBits));
}

// x * 2^n in two factors, because 2^n itself may lie outside the normal range: only the second product can round.
template <class T>
inline Vec<T> scale(Vec<T> x, Vec<T> n) {
    using C = MathConstants<T>;
    const Vec<T> magic = broadcast<T>(C::kRound + C::kBias);
    const Vec<T> first = fma<T>(n, broadcast<T>(T(0.5)), magic);
    const Vec<T> second = (n - (first - magic)) + magic;
    return x * power_of_two<T>(first) * power_of_two<T>(second);
}

// With |x| = n log(2)/2 + r, s = 2^n and u = q + r:
//     tanh |x| = (s u - (q - r)) / (s u + (q - r)) = (w u + r) / (w u + q), w = (s - 1)/2.
// Nothing cancels for small x (there w = 0, and the result is r / q), and q > r keeps the quotient from passing 1.
// Taking the bias one lower gives s / 2 for nothing. One step of reduction is enough: n is below 60, and where n is
// not small tanh is flat.
template <class T>
inline Vec<T> vec_tanh(Vec<T> x) {
    using C = MathConstants<T>;
    const Vec<T> size = at_most<T>(magnitude<T>(x), C::kTanhLimit);
    const Vec<T> magic = broadcast<T>(C::kRound + C::kBias - T(1));
    const Vec<T> rounded = fma<T>(size, broadcast<T>(T(2) * C::kLog2E), magic);
    const Vec<T> r = fma<T>(rounded - magic, broadcast<T>(T(-0.5) * C::kLn2High), size);
    const Vec<T> w = power_of_two<T>(rounded) - broadcast<T>(T(0.5));
    const Vec<T> q = polynomial<T>(C::kCoth, r * r);
    const Vec<T> u = q + r;
    return with_sign<T>(fma<T>(w, u, r) / fma<T>(w, u, q), x);
}

template <class T>
inline Vec<T> vec_exp(Vec<T> x) {
    using C = MathConstants<T>;
    x = at_most<T>(maximum<T>(broadcast<T>(C::kExpLow), x), C::kExpHigh);
    const Vec<T> magic = broadcast<T>(C::kRound);
    const Vec<T> n = fma<T>(x, broadcast<T>(C::kLog2E), magic) - magic;
    // The first step is exact, so the error of the rest is the rounding of the second alone, however large n is.
    const Vec<T> r = fma<T>(n, broadcast<T>(-C::kLn2Low), fma<T>(n, broadcast<T>(-C::kLn2High), x));
    const Vec<T> value = fma<T>(r * r, polynomial<T>(C::kExp, r), r) + broadcast<T>(T(1));
    return scale<T>(value, n);
}

// 1 / (1 + exp(-x)). With -|x|/2 = n log(2)/2 + r, exp(-|x|) = 2^n (q + r) / (q - r) = e / d, and the result is
// d / (d + e) for positive x, e / (d + e) for negative: the small tail is never made by subtraction from 1.
template <class T>
inline Vec<T> vec_logistic(Vec<T> x) {
    using C = MathConstants<T>;
    const Vec<T> size = at_most<T>(magnitude<T>(x), C::kLogisticLimit);
    const Vec<T> magic = broadcast<T>(C::kRound);
    const Vec<T> n = fma<T>(size, broadcast<T>(-C::kLog2E), magic) - magic;
    const Vec<T> half = size * broadcast<T>(T(-0.5));
    const Vec<T> r =
        fma<T>(n, broadcast<T>(T(-0.5) * C::kLn2Low), fma<T>(n, broadcast<T>(T(-0.5) * C::kLn2High), half));
    const Vec<T> q = polynomial<T>(C::kCoth, r * r);
    const Vec<T> d = q - r;
    const Vec<T> e = scale<T>(q + r, n);
    return select<T>(greater<T>(broadcast<T>(T(0)), x), e, d) / (d + e);
}

// log of positive normal numbers: with x = 2^n m, sqrt(1/2) <= m < sqrt(2), log m = 2 artanh((m - 1) / (m + 1)), whose
// series in the square of that quotient (at most 0.0295) is cut where the rest is below the last bit.
template <class T>
inline Vec<T> vec_log(Vec<T> x) {
    using C = MathConstants<T>;
    constexpr int kTerms = sizeof(T) == 4 ? 5 : 10;
    const IVec<T> one = as_int<T>(broadcast<T>(T(1)));
    const IVec<T> half = as_int<T>(broadcast<T>(T(0.70710678118654752440)));
    // The distance in steps of the exponent from sqrt(1/2), an integer in the low bits of kRound.
    const IVec<T> shifted = (as_int<T>(x) - half) + one;
    const IVec<T> exponent = shift_right<T>(shifted, C::kMantissaBits);
    const Vec<T> n = as_real<T>(as_int<T>(broadcast<T>(C::kRound)) + exponent) - broadcast<T>(C::kRound + C::kBias);
    const IVec<T> mantissa = as_int<T>(x) - shift_left<T>(exponent, C::kMantissaBits) + one;
    const Vec<T> m = as_real<T>(mantissa);
    const Vec<T> s = (m - broadcast<T>(T(1))) / (m + broadcast<T>(T(1)));
    const Vec<T> square = s * s;
    Vec<T> series = broadcast<T>(T(1) / T(2 * kTerms + 1));
    for (int k = kTerms - 1; k > 0; --k) series = fma<T>(series, square, broadcast<T>(T(1) / T(2 * k + 1)));
    const Vec<T> twice = s + s;
    const Vec<T> rest = fma<T>(twice * square, series, n * broadcast<T>(C::kLn2Low));
    return fma<T>(n, broadcast<T>(C::kLn2High), twice + rest);
}

}  // namespace
