static void name_run(name_state *s, const float *drive, float *y)
{
    int32_t u[NAME_DRIVES];
    size_t i, k;
    for (i = 0; i < NAME_DRIVES; ++i) u[i] = name_fixed(s, drive[i], i);
    name_advance(s, u);
    for (k = 0; k < NAME_OUTPUTS; ++k) {
        int64_t sum = 0;
        for (i = 0; i < NAME_FEATURES; ++i) {
            sum += (int64_t)NAME_COEF(k * NAME_FEATURES + i) * name_feature(s, u, i);
        }
        y[k] = name_output(sum, k);
    }
}
