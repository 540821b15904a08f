/* Bierman's update of P = U D U^T (D diagonal, U with ones on its diagonal, kept by columns) to
   (P^-1 forgetting + weight x x^T)^-1. D is only ever multiplied by positive numbers. x may be NULL: the unit vector
   `first`. gain becomes P x, from zeros. */
static float name_update_factor(name_state *s, const float *x, size_t first, float weight, float forgetting)
{
    float alpha = forgetting;
    float *column = s->columns + (first * (first + 1u) / 2u - first);
    size_t i, j;
    for (i = 0; i < NAME_FEATURES; ++i) s->gain[i] = 0.0f;
    for (j = first; j < NAME_FEATURES; ++j) {
        const float f = x ? x[j] + name_dot(x, column, j) : j == first ? 1.0f : column[first];
        const float v = s->diagonal[j] * f;
        const float weighted = weight * f;
        const float next = alpha + name_product(weighted, v);
        const float c = -weighted / alpha;
        for (i = 0; i < j; ++i) {
            const float u = column[i];
            column[i] = name_fma(c, s->gain[i], u);
            s->gain[i] = name_fma(u, v, s->gain[i]);
        }
        s->gain[j] = v;
        s->diagonal[j] = s->diagonal[j] * (alpha / (next * forgetting));
        alpha = next;
        column += j;
    }
    return alpha;
}

/* Recursive least squares, centred on the mean of all rows so far: so the bias is not penalised. Each step gives one
   feature, in turn, what it lost of its penalty by forgetting. */
static float name_find_gain(name_state *s, float squared)
{
    const float faded = name_product(NAME_FORGETTING, s->weight);
    const float total = faded + 1.0f;
    const float share = faded / total;
    float scale, left, of_intercept;
    size_t i;
    (void)squared;
    for (i = 0; i < NAME_FEATURES; ++i) s->deviation[i] = s->features[i] - s->mean[i];
    scale = share / name_update_factor(s, s->deviation, 0, share, NAME_FORGETTING);
    for (i = 0; i < NAME_FEATURES; ++i) s->gain[i] = scale * s->gain[i];
    left = (1.0f - name_dot(s->gain, s->deviation, NAME_FEATURES)) / total;
    of_intercept = left - name_dot(s->gain, s->mean, NAME_FEATURES);
    scale = 1.0f / total;
    for (i = 0; i < NAME_FEATURES; ++i) s->mean[i] = name_fma(scale, s->deviation[i], s->mean[i]);
    s->weight = total;
    return of_intercept;
}
