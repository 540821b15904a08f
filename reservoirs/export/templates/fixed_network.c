#if NAME_WIDE == 0
/* Products of 8 and 32 bits: at once where an instruction makes 64 bits of them, or else of halves. The bits are the same. */
#if !defined(NAME_HALVES) && !(defined(__ARM_ARCH) && __ARM_ARCH >= 7) && UINTPTR_MAX <= 0xFFFFFFFFu
#define NAME_HALVES
#endif
#endif

/* share x / 2^15, rounded down, for a share of at most 1, which is 2^15: with no product of more than 32 bits. */
static inline int32_t name_share(int32_t share, int32_t x)
{
    return share * (x >> 15) + ((share * (x & 32767)) >> 15);
}

/* x <- x + leak (f(bias + W_in u + W x) - x) with states of 2^-30. Weights are scaled so that no sum can overflow. */
static void name_advance(name_state *s, const int32_t *u)
{
    static const size_t ends[] = {NAME_STAGE_ENDS};
    size_t stage, unit = 0, link = 0, i;
    for (stage = 0; stage < sizeof ends / sizeof ends[0]; ++stage) {
        const size_t begin = unit;
        for (; unit < ends[stage]; ++unit) {
            size_t n = NAME_LINKS(unit);
            const int32_t before = s->x[unit];
            int64_t z = 0, sum = 0;
#if NAME_WIDE == 0
#if defined(NAME_HALVES)
            int32_t high = 0, low = 0;
#endif
#endif
            if (stage == 0) {
                for (i = 0; i < NAME_DRIVES; ++i) z += name_share(NAME_INPUT_WEIGHT(unit * NAME_DRIVES + i), u[i]);
            }
#if NAME_WIDE
            for (; n > 0; --n, ++link) sum += (int64_t)NAME_WEIGHT(link) * s->x[NAME_COLUMN(unit, link)];
            sum >>= 15;
#else
#if defined(NAME_HALVES)
            for (; n > 0; --n, ++link) {
                const int32_t x = s->x[NAME_COLUMN(unit, link)], weight = NAME_WEIGHT(link);
                high += weight * (int16_t)(x >> 16);
                low += weight * (uint16_t)(x & 65535);
            }
            sum = (int64_t)high * 65536 + low;
#else
            for (; n > 0; --n, ++link) sum += (int64_t)NAME_WEIGHT(link) * s->x[NAME_COLUMN(unit, link)];
#endif
#endif
            z += (sum * (int32_t)NAME_READ32(&name_row_scales[unit])) >> NAME_ROW_BITS;
            z += (int32_t)NAME_READ32(&name_bias[unit]);
            s->next[unit] = before + name_share(NAME_LEAK(unit), name_activation(z) - before);
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
        const int64_t x = s->x[i - (NAME_FEATURES - NAME_UNITS)];
        return (int32_t)((x * x) >> 36);
    }
#endif
    return s->x[i] >> 6;
}

/* What a sum of products of coefficients is worth: output k without the others. */
static float name_output(int64_t sum, size_t k)
{
    volatile float scaled; /* volatile: so that no compiler joins the product with the sum */
    scaled = (float)sum * NAME_READF(&name_coef_scales[k]);
    return NAME_READF(&name_intercept[k]) + scaled;
}

