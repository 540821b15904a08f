/* 2^30 tanh(z / 2^24) to 24 bits: four terms of the series about the nearest table entry t, which is in 2^-31. With s = 1 - t^2
   these are s, -ts, -s (1 - 3 t^2) / 3 and ts (2 - 3 t^2) / 3. No product has more than 32 bits. */
static int32_t name_tanh(int64_t z)
{
    const int64_t most = 6 * 16777216 - 1;
    const int negative = z < 0;
    const int64_t magnitude = negative ? -z : z;
    const int32_t size = (int32_t)(magnitude > most ? most : magnitude);
    const int32_t i = (size + 524288) >> 20;
    const int32_t d = size - i * 1048576, short_d = d >> 4;
    const uint32_t t = NAME_READ32(&name_tanh_table[i]), high = t >> 16;
    const uint32_t square = high * high + ((high * (t & 65535u)) >> 15), one_less = 1073741824u - square;
    const int32_t third = 10923, short_square = (int32_t)(square >> 15), s = (int32_t)(one_less >> 15);
    const int32_t ts = ((int32_t)high * s) >> 14;
    int32_t term = -((s * (third - short_square)) >> 15);
    uint32_t y;
    term += (short_d * (((ts >> 1) * (2 * third - short_square)) >> 15)) >> 20;
    term = -ts + ((short_d * term) >> 19);
    term = (int32_t)(one_less >> 8) + ((short_d * term) >> 14);
    y = (t + (uint32_t)((d * (term >> 11) + ((d * (term & 2047)) >> 11)) >> 4) + 1u) >> 1;
    if (y > 1073741823u) y = 1073741823u;
    return negative ? -(int32_t)y : (int32_t)y;
}

