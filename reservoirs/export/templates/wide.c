/* A few sums that Python makes in double: by the compiler's double where that has 53 bits, else in integers on the bits.
   The exporter keeps every constant within [1e-60, 1e60] or zero, so nothing here overflows or is subnormal. */

#if !defined(NAME_INTEGER_DOUBLES)

NAME_HELPER name_wide name_wide_of(float x) { return (double)x; }

NAME_HELPER name_wide name_wide_of_count(uint32_t n) { return (double)n; }

NAME_HELPER float name_narrow(name_wide a) { return (float)a; }

NAME_HELPER name_wide name_wide_add(name_wide a, name_wide b) { return a + b; }

NAME_HELPER name_wide name_wide_div(name_wide a, name_wide b) { return a / b; }

NAME_HELPER int name_wide_less(name_wide a, name_wide b) { return a < b; }

NAME_HELPER name_wide name_wide_mul(name_wide a, name_wide b)
{
    const volatile double product = a * b; /* volatile: so that no compiler joins it with a later sum */
    return product;
}

NAME_HELPER name_wide name_wide_at(const uint64_t *bits)
{
    double x;
    memcpy(&x, bits, sizeof x);
    return x;
}

#else

/* m * 2^exponent, rounded to 53 bits, ties to even. */
NAME_HELPER name_wide name_wide_rounded(uint64_t sign, uint64_t m, int exponent)
{
    int zeros;
    uint64_t kept, rest;
    if (m == 0) return sign;
    zeros = name_leading_zeros(m);
    m <<= zeros;
    kept = m >> 11;
    rest = m << 53;
    kept += rest > 1ull << 63 || (rest == 1ull << 63 && (kept & 1u) != 0);
    return sign | (((uint64_t)(exponent - zeros + 63 + 1022) << 52) + kept);
}

NAME_HELPER uint64_t name_wide_sign(name_wide a) { return a & 1ull << 63; }

NAME_HELPER int name_wide_exponent(name_wide a) { return (int)(a >> 52 & 2047u) - 1075; }

NAME_HELPER uint64_t name_wide_digits(name_wide a)
{
    return (a << 1) == 0 ? 0 : (a & ((1ull << 52) - 1u)) | 1ull << 52;
}

NAME_HELPER name_wide name_wide_of(float x)
{
    const uint32_t bits = name_bits_of(x);
    const int exponent = (int)(bits >> 23 & 255u);
    const uint32_t digits = bits & 0x7FFFFFu;
    return name_wide_rounded((uint64_t)(bits >> 31) << 63, exponent > 0 ? digits | 0x800000u : digits,
                             (exponent > 0 ? exponent : 1) - 150);
}

NAME_HELPER name_wide name_wide_of_count(uint32_t n) { return name_wide_rounded(0, n, 0); }

NAME_HELPER float name_narrow(name_wide a)
{
    const uint32_t sign = (uint32_t)(a >> 32) & 0x80000000u;
    const uint64_t digits = name_wide_digits(a);
    return digits == 0 ? name_float_of(sign) : name_rounded(sign, digits, name_wide_exponent(a));
}

NAME_HELPER name_wide name_wide_add(name_wide a, name_wide b)
{
    uint64_t m, smaller;
    int exponent;
    if ((a << 1) < (b << 1)) {
        const name_wide swapped = a;
        a = b;
        b = swapped;
    }
    if ((b << 1) == 0) return (a << 1) == 0 ? a & b : a;
    exponent = name_wide_exponent(a);
    m = name_wide_digits(a) << 10;
    smaller = name_jam(name_wide_digits(b) << 10, exponent - name_wide_exponent(b));
    if (name_wide_sign(a) == name_wide_sign(b)) return name_wide_rounded(name_wide_sign(a), m + smaller, exponent - 10);
    if (m == smaller) return 0;
    return name_wide_rounded(name_wide_sign(a), m - smaller, exponent - 10);
}

NAME_HELPER name_wide name_wide_mul(name_wide a, name_wide b)
{
    const uint64_t low27 = (1ull << 27) - 1u, low44 = (1ull << 44) - 1u, low54 = (1ull << 54) - 1u;
    const uint64_t m = name_wide_digits(a), n = name_wide_digits(b);
    const uint64_t middle = (m >> 27) * (n & low27) + (m & low27) * (n >> 27);
    const uint64_t low = (m & low27) * (n & low27) + ((middle & low27) << 27);
    const uint64_t high = (m >> 27) * (n >> 27) + (middle >> 27) + (low >> 54);
    return name_wide_rounded(name_wide_sign(a) ^ name_wide_sign(b),
                             high << 10 | (low & low54) >> 44 | ((low & low44) != 0),
                             name_wide_exponent(a) + name_wide_exponent(b) + 44);
}

NAME_HELPER name_wide name_wide_div(name_wide a, name_wide b)
{
    const uint64_t divisor = name_wide_digits(b);
    uint64_t rest = name_wide_digits(a), quotient = 0;
    int i;
    for (i = 0; i < 56; ++i) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1u;
        }
        rest <<= 1;
    }
    return name_wide_rounded(name_wide_sign(a) ^ name_wide_sign(b), quotient << 1 | (rest != 0),
                             name_wide_exponent(a) - name_wide_exponent(b) - 56);
}

NAME_HELPER int name_wide_less(name_wide a, name_wide b)
{
    if ((a << 1) == 0 && (b << 1) == 0) return 0;
    if (name_wide_sign(a) != name_wide_sign(b)) return name_wide_sign(a) != 0;
    return name_wide_sign(a) != 0 ? b < a : a < b;
}

NAME_HELPER name_wide name_wide_at(const uint64_t *bits)
{
    name_wide a;
#if defined(__AVR__)
    memcpy_P(&a, bits, sizeof a);
#else
    memcpy(&a, bits, sizeof a);
#endif
    return a;
}

#endif
