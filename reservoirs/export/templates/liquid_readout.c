/* The outputs, in double as in Python. */
static void name_outputs(const name_state *s, name_wide *outputs)
{
#if NAME_SHARES
    const uint32_t total = name_total(s);
#else
    const uint32_t total = 1u;
#endif
    size_t i, k;
    for (k = 0; k < NAME_OUTPUTS; ++k) outputs[k] = name_wide_of_count(0);
    for (i = 0; i < NAME_FEATURES; ++i) {
        const float x = name_feature(s, i, total);
        const name_wide feature = name_wide_of(x);
        if (!(x < 0.0f || x > 0.0f)) continue; /* most units are silent */
        for (k = 0; k < NAME_OUTPUTS; ++k) {
            outputs[k] = name_wide_add(outputs[k], name_wide_mul(name_wide_at(&name_coef[k * NAME_FEATURES + i]), feature));
        }
    }
    for (k = 0; k < NAME_OUTPUTS; ++k) outputs[k] = name_wide_add(outputs[k], name_wide_at(&name_intercept[k]));
}
