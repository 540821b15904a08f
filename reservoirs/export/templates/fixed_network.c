#if NAME_WIDE
/* x <- (1 - leak) x + leak f(bias + W_in u + W x) with states of 2^-30. */
typedef int32_t name_state_number;
typedef int64_t name_row_sum;
#else
/* x <- (1 - leak) x + leak f(bias + W_in u + W x) with states of 2^-15: each unit's weights are scaled so that their sum
   cannot leave 32 bits. */
typedef int16_t name_state_number;
typedef int32_t name_row_sum;
#endif
static void name_advance(name_state *s, const int32_t *u)
{
    static const size_t ends[] = {NAME_STAGE_ENDS};
    size_t stage, unit = 0, link = 0, i;
    for (stage = 0; stage < sizeof ends / sizeof ends[0]; ++stage) {
        const size_t begin = unit;
        for (; unit < ends[stage]; ++unit) {
            size_t n = NAME_LINKS(unit);
            name_row_sum sum = 0;
            int64_t z = 0;
            const name_row_sum leak = NAME_LEAK(unit), before = s->x[unit];
            if (stage == 0) {
                for (i = 0; i < NAME_DRIVES; ++i) z += (int64_t)NAME_INPUT_WEIGHT(unit * NAME_DRIVES + i) * u[i];
            }
            for (; n > 0; --n, ++link) sum += (name_row_sum)NAME_WEIGHT(link) * s->x[NAME_COLUMN(unit, link)];
#if NAME_WIDE
            sum >>= 15;
#endif
            z >>= NAME_INPUT_BITS;
            z += ((int64_t)sum * (int32_t)NAME_READ32(&name_row_scales[unit])) >> NAME_ROW_BITS;
            z += (int32_t)NAME_READ32(&name_bias[unit]);
            s->next[unit] = (name_state_number)(((32768 - leak) * before + leak * name_activation(z) + 16384) >> 15);
        }
        for (i = begin; i < unit; ++i) s->x[i] = s->next[i];
    }
}

static int32_t name_feature(const name_state *s, const int32_t *u, size_t i)
{
#if NAME_WITH_INPUTS
    if (i >= NAME_UNITS && i < NAME_UNITS + NAME_DRIVES) return u[i - NAME_UNITS];
#else
    (void)u;
#endif
#if NAME_WITH_SQUARES
    if (i >= NAME_UNITS) {
        const name_row_sum x = s->x[i - (NAME_FEATURES - NAME_UNITS)];
        return (int32_t)((x * x) >> (2 * NAME_STATE_BITS - NAME_FEATURE_BITS));
    }
#endif
    return s->x[i] >> (NAME_STATE_BITS - NAME_FEATURE_BITS);
}

/* What a sum of products of coefficients is worth: output k without the others. */
static float name_output(int64_t sum, size_t k)
{
    volatile float scaled; /* volatile: so that no compiler joins the product with the sum */
    scaled = (float)sum * NAME_READF(&name_coef_scales[k]);
    return NAME_READF(&name_intercept[k]) + scaled;
}

