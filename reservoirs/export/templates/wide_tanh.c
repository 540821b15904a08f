/* 2^30 tanh(z / 2^24): four terms of the series about the nearest table entry t, in 2^-31. With s = 1 - t^2 these are s, -ts,
   -s (1 - 3 t^2) / 3 and ts (2 - 3 t^2) / 3. */
static int32_t name_tanh(int64_t z)
{
    const int64_t third = 715827883, most = 6 * 16777216 - 1;
    const int negative = z < 0;
    const int64_t magnitude = negative ? -z : z;
    const int32_t size = (int32_t)(magnitude > most ? most : magnitude);
    const int32_t i = (size + 524288) >> 20;
    const int32_t d = size - i * 1048576;
    const int64_t t = (int64_t)NAME_READ32(&name_tanh_table[i]);
    const int64_t square = (t * t) >> 31, s = 2147483648ll - square, ts = (t * s) >> 31;
    int64_t term = -((s * (third - square)) >> 31) + ((d * ((ts * (2 * third - square)) >> 31)) >> 24);
    int32_t y;
    term = -ts + ((d * term) >> 24);
    term = s + ((d * term) >> 24);
    term = (t + ((d * term) >> 24) + 1) >> 1;
    y = (int32_t)(term > 1073741823 ? 1073741823 : term);
    return negative ? -y : y;
}

