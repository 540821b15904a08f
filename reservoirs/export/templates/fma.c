/* The fused multiply-add: a * b + c, rounded once. Every sum below is made of it, as in Python, where there is one order
   and one rounding on every machine. By the processor where it can; else in double, where the product is exact and a sum
   rounded to odd keeps what the last rounding needs to know; else in integers. Three ways, the same bits. */
#define NAME_BY_PROCESSOR 1
#define NAME_BY_DOUBLE 2
#define NAME_BY_INTEGERS 3
#if !defined(NAME_FMA)
#if defined(__GNUC__) && (defined(__FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA) || \
                          defined(__aarch64__) || defined(__riscv_flen))
#define NAME_FMA NAME_BY_PROCESSOR
#elif DBL_MANT_DIG == 53 && (defined(__x86_64__) || defined(_M_X64) || defined(__SSE2__))
#define NAME_FMA NAME_BY_DOUBLE
#else
#define NAME_FMA NAME_BY_INTEGERS
#endif
#endif

NAME_HELPER float name_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

NAME_HELPER uint32_t name_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#if NAME_FMA == NAME_BY_INTEGERS || defined(NAME_INTEGER_DOUBLES)

NAME_HELPER int name_leading_zeros(uint64_t m)
{
#if defined(__GNUC__)
    return __builtin_clzll(m);
#else
    int n = 0;
    while ((m >> 63) == 0) {
        m <<= 1;
        ++n;
    }
    return n;
#endif
}

/* Shift right; a one that falls out stays visible in the last bit. */
NAME_HELPER uint64_t name_jam(uint64_t m, int by)
{
    if (by == 0) return m;
    if (by > 63) return m != 0;
    return m >> by | ((m << (64 - by)) != 0);
}

/* m * 2^exponent, m not 0, rounded to the nearest float, ties to even. */
NAME_HELPER float name_rounded(uint32_t sign, uint64_t m, int exponent)
{
    uint32_t top, rest;
    int biased, zeros;
    if (m >> 58 == 0) {
        zeros = name_leading_zeros(m);
        m <<= zeros;
        exponent -= zeros;
    }
    /* Small processors are fast at 32 bits only: 24 that stay, 8 to round by, the last of which stands for all below. */
    top = (uint32_t)(m >> 32);
    zeros = 0;
    while (top >> 31 == 0) {
        top <<= 1;
        ++zeros;
    }
    top |= (uint32_t)m != 0;
    biased = exponent - zeros + 63 + 127;
    if (biased >= 255) return name_float_of(sign | 0x7F800000u);
    if (biased < 1) {
        top = (uint32_t)name_jam(top, 1 - biased);
        biased = 1;
    }
    rest = top & 255u;
    top >>= 8;
    top += rest > 128u || (rest == 128u && (top & 1u) != 0);
    return name_float_of(sign | (((uint32_t)(biased - 1) << 23) + top));
}

#endif

#if NAME_FMA == NAME_BY_PROCESSOR

NAME_HELPER float name_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

#elif NAME_FMA == NAME_BY_DOUBLE

NAME_HELPER float name_fma(float a, float b, float c)
{
    const double product = (double)a * (double)b;
    const double sum = product + (double)c;
    const double of_c = sum - product;
    const double lost = (product - (sum - of_c)) + ((double)c - of_c);
    double odd = sum;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if ((bits & 1u) == 0 && (lost < 0.0 || lost > 0.0)) {
        bits = (lost > 0.0) == (sum > 0.0) ? bits + 1u : bits - 1u;
        memcpy(&odd, &bits, sizeof odd);
    }
    return (float)odd;
}

#else

NAME_HELPER float name_fma(float a, float b, float c)
{
    const uint32_t bits_a = name_bits_of(a), bits_b = name_bits_of(b), bits_c = name_bits_of(c);
    int exponent_a = (int)(bits_a >> 23 & 255u), exponent_b = (int)(bits_b >> 23 & 255u);
    int exponent_c = (int)(bits_c >> 23 & 255u), exponent, up;
    uint32_t a_digits = bits_a & 0x7FFFFFu, b_digits = bits_b & 0x7FFFFFu, c_digits = bits_c & 0x7FFFFFu;
    uint32_t sign = (bits_a ^ bits_b) & 0x80000000u;
    uint64_t m, other;
    if (exponent_a == 255 || exponent_b == 255) return a * b + c;
    if (exponent_c == 255) return c + c;
    if (exponent_a > 0) a_digits |= 0x800000u; else exponent_a = 1;
    if (exponent_b > 0) b_digits |= 0x800000u; else exponent_b = 1;
    if (exponent_c > 0) c_digits |= 0x800000u; else exponent_c = 1;
    if (a_digits == 0 || b_digits == 0) return a * b + c;
    /* Leading ones at bits 61 or 62 and at 62, lower for subnormal numbers. Below are 15 and 39 zeros: what is shifted out
       past those is so much smaller than the other that the rounding only needs to know that it was there. */
    m = (uint64_t)a_digits * b_digits << 15;
    other = (uint64_t)c_digits << 39;
    exponent = exponent_a + exponent_b - 315;
    up = exponent - (exponent_c - 189);
    if (up >= 0) {
        other = name_jam(other, up);
    } else {
        m = name_jam(m, -up);
        exponent -= up;
    }
    if (sign == (bits_c & 0x80000000u)) {
        m += other;
    } else if (m >= other) {
        m -= other;
        if (m == 0) return 0.0f;
    } else {
        m = other - m;
        sign ^= 0x80000000u;
    }
    return name_rounded(sign, m, exponent);
}

#endif
