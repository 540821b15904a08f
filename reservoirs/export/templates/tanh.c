static float name_activation(float x)
{
    const uint32_t sign = name_bits_of(x) & 0x80000000u;
    const float magnitude = name_float_of(name_bits_of(x) ^ sign);
    const float size = magnitude > 10.0f ? 10.0f : magnitude;
    const float magic = 12583038.0f; /* 1.5 * 2^23 + 126 */
    const float rounded = name_fma(size, 2.88539009f, magic);
    const float r = name_fma(rounded - magic, -0.346573591f, size);
    const float w = name_power_of_two(rounded) - 0.5f;
    const float q = name_coth(r * r);
    const float u = q + r;
    const float quotient = name_fma(w, u, r) / name_fma(w, u, q);
    return name_float_of(name_bits_of(quotient) | sign);
}
