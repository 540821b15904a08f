int name_learn(name_state *s, const float *y)
{
    const float squared = name_dot(s->features, s->features, NAME_FEATURES);
    float error[NAME_OUTPUTS], of_intercept;
    size_t i, k;
    /* Below the root of the largest number: so that nothing that is made of squares overflows. */
    if (!s->lesson || !(squared < 1.84467430e19f)) return 1;
    for (k = 0; k < NAME_OUTPUTS; ++k) {
        error[k] = name_truth(s, y, k) - name_output(s, NULL, k);
        if (!(error[k] <= FLT_MAX && error[k] >= -FLT_MAX)) return 1;
    }
    of_intercept = name_find_gain(s, squared);
    for (k = 0; k < NAME_OUTPUTS; ++k) {
        float *coef = s->coef + k * NAME_FEATURES;
        for (i = 0; i < NAME_FEATURES; ++i) coef[i] = name_fma(error[k], s->gain[i], coef[i]);
        s->intercept[k] = s->intercept[k] + name_product(error[k], of_intercept);
    }
#if NAME_RLS && NAME_FORGETS
    (void)name_update_factor(s, NULL, (size_t)s->turn, NAME_RESTORED, 1.0f);
    s->turn = s->turn + 1u < NAME_FEATURES ? s->turn + 1u : 0;
#endif
    return 0;
}

void name_restart(name_state *s)
{
    memset(s, 0, offsetof(name_state, coef)); /* what is learned comes last */
#if NAME_POTENTIALS
    name_show(s, 0, NAME_UNITS);
#endif
}
