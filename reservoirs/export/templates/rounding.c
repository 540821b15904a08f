/* 2^n from n + 1.5 * 2^23 + 127: the low bits hold the biased exponent, and the shift drops everything above. */
NAME_HELPER float name_power_of_two(float rounded) { return name_float_of(name_bits_of(rounded) << 23); }

/* r coth(r) in powers of r * r. */
NAME_HELPER float name_coth(float square)
{
    return name_fma(name_fma(-0.022134043f, square, 0.33333251f), square, 1.0f);
}
