/* 16 partial sums (entry i goes to sum i modulo 16), added pairwise, halves first. */
static float name_dot(const float *a, const float *b, size_t n)
{
    float sum[16] = {0};
    size_t i, half;
    for (i = 0; i < n; ++i) sum[i % 16] = name_fma(a[i], b[i], sum[i % 16]);
    for (; i % 16 != 0; ++i) sum[i % 16] = sum[i % 16] + 0.0f;
    for (half = 8; half > 0; half /= 2) {
        for (i = 0; i < half; ++i) sum[i] = sum[i] + sum[i + half];
    }
    return sum[0];
}

/* What is learned from: the features of the step. */
static void name_remember(name_state *s, const float *u)
{
    size_t i;
    for (i = 0; i < NAME_FEATURES; ++i) s->features[i] = name_feature(s, u, i);
    s->lesson = 1;
}

static float name_output(const name_state *s, const float *u, size_t output)
{
    (void)u;
    return s->intercept[output] + name_dot(s->features, s->coef + output * NAME_FEATURES, NAME_FEATURES);
}
