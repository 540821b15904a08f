/* x <- (1 - leak) x + leak f(bias + W_in u + W x), each sum in this order; layers see the new states below them. */
static void name_advance(name_state *s, const float *u)
{
    static const size_t ends[] = {NAME_STAGE_ENDS};
    size_t stage, unit = 0, link = 0, i;
    for (stage = 0; stage < sizeof ends / sizeof ends[0]; ++stage) {
        const size_t begin = unit;
        for (; unit < ends[stage]; ++unit) {
            float sum = NAME_READF(&name_bias[unit]);
            size_t n = NAME_LINKS(unit);
            const float leak = NAME_LEAK(unit);
            if (stage == 0) {
                for (i = 0; i < NAME_DRIVES; ++i) {
                    sum = name_fma(NAME_READF(&name_input_weights[unit * NAME_DRIVES + i]), u[i], sum);
                }
            }
            for (; n > 0; --n, ++link) {
                sum = name_fma(NAME_READF(&name_weights[link]), s->x[NAME_COLUMN(unit, link)], sum);
            }
            s->next[unit] = name_fma(leak, name_activation(sum + 0.0f), (1.0f - leak) * s->x[unit]);
        }
        for (i = begin; i < unit; ++i) s->x[i] = s->next[i];
    }
}

/* What the readout sees: the states, then if asked the inputs, then if asked the squared states. */
static float name_feature(const name_state *s, const float *u, size_t i)
{
#if NAME_WITH_INPUTS
    if (i >= NAME_UNITS && i < NAME_UNITS + NAME_DRIVES) return u[i - NAME_UNITS];
#else
    (void)u;
#endif
#if NAME_WITH_SQUARES
    if (i >= NAME_UNITS) {
        const float x = s->x[i - (NAME_FEATURES - NAME_UNITS)];
        return x * x;
    }
#endif
    return s->x[i];
}
