/* One output: 16 partial sums (feature i goes to sum i modulo 16), added pairwise, halves first. */
static float name_output(const name_state *s, const float *u, size_t output)
{
    float sum[16] = {0};
    size_t i, half;
    for (i = 0; i < NAME_FEATURES; ++i) {
        const float weight = NAME_READF(&name_coef[output * NAME_FEATURES + i]);
        sum[i % 16] = name_fma(name_feature(s, u, i), weight, sum[i % 16]);
    }
    for (; i % 16 != 0; ++i) sum[i % 16] = sum[i % 16] + 0.0f;
    for (half = 8; half > 0; half /= 2) {
        for (i = 0; i < half; ++i) sum[i] = sum[i] + sum[i + half];
    }
    return NAME_READF(&name_intercept[output]) + sum[0];
}
