/* z = bias + W_in u + W x, each sum in this order; layers see the new states below them. */
#if NAME_POTENTIALS
/* v <- keep v + gain z, and x = f(v). */
static void name_show(name_state *s, size_t begin, size_t end)
{
    for (; begin < end; ++begin) s->x[begin] = name_activation(s->v[begin]);
}

#elif NAME_MIXES
/* x <- keep (linear x) + gain f(z). */
#else
/* x <- keep x + gain f(z). */
#endif
static void name_advance(name_state *s, const float *u)
{
    static const size_t ends[] = {NAME_STAGE_ENDS};
    size_t stage, unit = 0, i;
#if NAME_MIXES
    size_t linear = 0;
#endif
#if NAME_TRANSFORM
    name_transform(s->x, s->next);
#else
    size_t link = 0;
#endif
    for (stage = 0; stage < sizeof ends / sizeof ends[0]; ++stage) {
        const size_t begin = unit;
        for (; unit < ends[stage]; ++unit) {
            float sum = NAME_READF(&name_bias[unit]);
#if NAME_MIXES
            float carried = 0.0f;
#elif NAME_POTENTIALS == 0
            const float carried = s->x[unit];
#endif
            if (stage == 0) {
                for (i = 0; i < NAME_DRIVES; ++i) {
                    sum = name_fma(NAME_READF(&name_input_weights[unit * NAME_DRIVES + i]), u[i], sum);
                }
            }
#if NAME_TRANSFORM
            sum = sum + s->next[unit];
#else
            for (size_t n = NAME_LINKS(unit); n > 0; --n, ++link) {
                sum = name_fma(NAME_READF(&name_weights[link]), s->x[NAME_COLUMN(unit, link)], sum);
            }
#endif
#if NAME_POTENTIALS
            s->v[unit] = name_fma(NAME_GAIN(unit), sum + 0.0f, NAME_KEEP(unit) * s->v[unit]);
        }
        name_show(s, begin, unit);
#else
#if NAME_MIXES
            for (size_t n = NAME_LINEAR_LINKS(unit); n > 0; --n, ++linear) {
                carried = name_fma(NAME_READF(&name_linear_weights[linear]), s->x[NAME_LINEAR_COLUMN(unit, linear)], carried);
            }
            carried = carried + 0.0f;
#endif
            s->next[unit] = name_fma(NAME_GAIN(unit), name_activation(sum + 0.0f), NAME_KEEP(unit) * carried);
        }
        for (i = begin; i < unit; ++i) s->x[i] = s->next[i];
#endif
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
