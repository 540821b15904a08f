/* W x for weights (-1)^(bits set in both i and j) factors[j]: sums and differences of numbers that lie a half, a
   quarter, ... of all apart, down to neighbours. */
static void name_transform(const float *x, float *sums)
{
    size_t half, begin, i;
    for (i = 0; i < NAME_TRANSFORM; ++i) {
        sums[i] = i < NAME_UNITS ? name_product(NAME_READF(&name_factors[i]), x[i]) : 0.0f;
    }
    for (half = NAME_TRANSFORM / 2; half > 0; half /= 2) {
        for (begin = 0; begin < NAME_TRANSFORM; begin += 2 * half) {
            for (i = begin; i < begin + half; ++i) {
                const float a = sums[i], b = sums[i + half];
                sums[i] = a + b;
                sums[i + half] = a - b;
            }
        }
    }
}
