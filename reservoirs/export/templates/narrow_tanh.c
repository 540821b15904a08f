/* 2^15 tanh(z / 2^18): from the nearest table entry, whose derivatives tanh itself tells. */
static int32_t name_tanh(int64_t z)
{
    const int negative = z < 0;
    const uint32_t size = (uint32_t)(negative ? (z < -1572863 ? 1572863 : -z) : (z > 1572863 ? 1572863 : z));
    const uint32_t i = (size + 8192u) >> 14;
    const int32_t d = (int32_t)size - (int32_t)(i << 14);
    const uint32_t t = NAME_READ16(&name_tanh_table[i]);
    const uint32_t slope = 65536u - (t * t >> 16);
    const uint32_t curve = (((uint32_t)(d * d) >> 10) * (t * slope >> 16)) >> 26;
    const int32_t y = ((int32_t)t + (d * (int32_t)slope >> 18) - (int32_t)curve + 1) >> 1;
    const int32_t bounded = y > 32767 ? 32767 : y;
    return negative ? -bounded : bounded;
}

