#if NAME_DELTA
/* How many spikes are due to a number, falls negative: by so many thresholds it is away from what was sent. */
typedef int32_t name_code;

static name_code name_encode(name_state *s, float x, size_t i)
{
    const name_wide moved = name_wide_add(name_wide_of(x), name_wide_of(-s->first[i]));
    const name_wide due = name_wide_add(name_wide_div(moved, name_wide_at(&name_threshold[i])), s->minus_sent[i]);
    const int falls = name_wide_less(due, name_wide_of_count(0));
    const name_wide back = name_wide_of(falls ? 1.0f : -1.0f);
    const name_wide size = falls ? name_wide_mul(due, name_wide_of(-1.0f)) : due;
    uint32_t low = 0, high = NAME_MOST_SPIKES; /* the whole part of size lies from low to high */
    while (low < high) {
        const uint32_t middle = high - (high - low) / 2u;
        if (name_wide_less(size, name_wide_of_count(middle))) {
            high = middle - 1u;
        } else {
            low = middle;
        }
    }
    s->minus_sent[i] = name_wide_add(s->minus_sent[i], name_wide_mul(name_wide_of_count(low), back));
    return falls ? -(int32_t)low : (int32_t)low;
}

/* First all falls, then all rises; n spikes spread evenly over the row, those within a step being one. */
static int name_spikes(const name_code *code, size_t channel, uint32_t step)
{
    const int32_t due = channel < NAME_COLUMNS ? -code[channel] : code[channel - NAME_COLUMNS];
    const uint32_t n = due > 0 ? (uint32_t)due : 0u;
    return (step * n + NAME_CODE_STEPS - 1u) / NAME_CODE_STEPS * NAME_CODE_STEPS < (step + 1u) * n;
}
#else
/* A number spikes in the first step whose interval contains it. */
typedef float name_code;

static inline name_code name_encode(name_state *s, float x, size_t i)
{
    (void)s;
    (void)i;
    return x;
}

static int name_within(float x, size_t channel, uint32_t step)
{
#if NAME_BOUNDED_ABOVE
    if (!(x < NAME_CODE_BELOW(step * NAME_INPUTS + channel))) return 0;
    return x >= NAME_CODE_LEAST(step * NAME_INPUTS + channel);
#else
    (void)channel;
    return x >= NAME_CODE_LEAST(step);
#endif
}

static int name_spikes(const name_code *code, size_t channel, uint32_t step)
{
    const float x = code[channel / (NAME_INPUTS / NAME_COLUMNS)];
    if (step >= NAME_CODE_STEPS) return 0;
    return name_within(x, channel, step) && !(step > 0 && name_within(x, channel, step - 1u));
}
#endif

void name_push(name_state *s, const float *u)
{
    name_code code[NAME_COLUMNS];
    uint16_t channels[NAME_INPUTS];
    uint32_t step;
    size_t i;
    for (i = 0; i < NAME_COLUMNS; ++i) {
        const float x = name_scaled(u[i], i);
#if NAME_DELTA
        if (s->steps == 0) s->first[i] = x;
#endif
        code[i] = name_encode(s, x, i);
    }
    for (step = 0; step < NAME_ROW_STEPS; ++step) {
        size_t n = 0;
        for (i = 0; i < NAME_INPUTS; ++i) {
            if (name_spikes(code, i, step)) channels[n++] = (uint16_t)i;
        }
        name_step(s, channels, n);
    }
}
