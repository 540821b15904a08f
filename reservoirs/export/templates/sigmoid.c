static float name_activation(float x)
{
    const float magnitude = name_float_of(name_bits_of(x) & 0x7FFFFFFFu);
    const float size = magnitude > 110.0f ? 110.0f : magnitude;
    const float magic = 12582912.0f; /* 1.5 * 2^23 */
    const float n = name_fma(size, -1.44269504f, magic) - magic;
    const float r = name_fma(n, 0.952327105e-9f, name_fma(n, -0.346573591f, size * -0.5f));
    const float q = name_coth(r * r);
    const float d = q - r;
    /* 2^n in two factors: it may itself be too small for a normal number. */
    const float biased = magic + 127.0f;
    const float first = name_fma(n, 0.5f, biased);
    const float second = (n - (first - biased)) + biased;
    const float e = (q + r) * name_power_of_two(first) * name_power_of_two(second);
    return (0.0f > x ? e : d) / (d + e);
}
