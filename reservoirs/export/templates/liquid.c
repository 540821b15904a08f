#if NAME_MULTIPLIES
/* A product that no compiler joins with the sum it goes to. */
NAME_HELPER float name_product(float a, float b)
{
    volatile float product;
    product = a * b;
    return product;
}

#endif
#if NAME_RENEWS > 0
/* What a spike adds where an earlier one of its source has not yet decayed: the kernel is renewed, it does not add up. */
static float name_renewal(const name_state *s, uint32_t last, size_t channel)
{
    const uint32_t ago = s->steps + 1u - last;
    if (last == 0 || ago >= NAME_RENEWS) return 1.0f;
    return NAME_READF(&name_renewed[channel * NAME_RENEWS + ago]);
}

#endif
/* A unit's spike to its targets, each after its delay: arrivals are a ring of rows, one a step, a part for each channel. */
static void name_send(name_state *s, size_t source)
{
    uint32_t k = NAME_LINKS_BEGIN(source);
    const uint32_t end = NAME_LINKS_BEGIN(source + 1);
    const size_t channel = NAME_CHANNEL(source);
#if NAME_SCALES_LINKS
#if NAME_RENEWS > 0
    const float factor = name_renewal(s, s->last[source], channel) * NAME_SCALE(source);
    s->last[source] = s->steps + 1u;
#else
    const float factor = NAME_SCALE(source);
#endif
#endif
    for (; k < end; ++k) {
        size_t row = (size_t)s->now + NAME_DELAY(k) - 1u;
        if (row >= NAME_ROWS) row -= NAME_ROWS;
#if NAME_SCALES_LINKS
        s->arrivals[(row * NAME_CHANNELS + channel) * NAME_UNITS + NAME_TARGET(k)] += name_product(factor, NAME_WEIGHT(k));
#else
        s->arrivals[(row * NAME_CHANNELS + channel) * NAME_UNITS + NAME_TARGET(k)] += NAME_WEIGHT(k);
#endif
    }
}

/* Who is at the threshold fires. */
static void name_fire(name_state *s)
{
    size_t i;
    s->n_fired = 0;
    for (i = 0; i < NAME_UNITS; ++i) {
#if NAME_ADAPTS
        const int fires = s->v[i] >= NAME_THRESH(i) + s->adaptation[i] && s->blocked[i] == 0;
#else
        const int fires = s->v[i] >= NAME_THRESH(i) && s->blocked[i] == 0;
#endif
        if (s->blocked[i] > 0) --s->blocked[i];
#if NAME_ADAPTS
        s->adaptation[i] = name_fma(NAME_ADAPT_DECAY(i), s->adaptation[i], fires ? NAME_ADAPT_STEP(i) : 0.0f);
#endif
        if (!fires) continue;
        s->blocked[i] = NAME_REFRACTORY(i);
#if NAME_SOFT_RESET
        s->v[i] = s->v[i] - (NAME_THRESH(i) - NAME_RESET(i));
#else
        s->v[i] = NAME_RESET(i);
#endif
        s->fired[s->n_fired++] = (name_unit)i;
        name_send(s, i);
    }
}

/* An input's spike, or its number, to all its targets. */
static void name_send_input(name_state *s, size_t source, float *row, float number)
{
    uint32_t k = NAME_INPUT_LINKS_BEGIN(source);
    const uint32_t end = NAME_INPUT_LINKS_BEGIN(source + 1);
#if NAME_SCALES_INPUTS
    const float factor = number * NAME_INPUT_SCALE(source);
    for (; k < end; ++k) row[NAME_INPUT_TARGET(k)] += name_product(factor, NAME_INPUT_WEIGHT(k));
#else
    for (; k < end; ++k) row[NAME_INPUT_TARGET(k)] += NAME_INPUT_WEIGHT(k);
    (void)number;
#endif
    (void)s;
}

static void name_spike_input(name_state *s, size_t source)
{
    float *row = s->arrivals + (size_t)s->now * NAME_CHANNELS * NAME_UNITS;
#if NAME_RENEWS > 0
    name_send_input(s, source, row, name_renewal(s, s->last_input[source], 0));
    s->last_input[source] = s->steps + 1u;
#else
    name_send_input(s, source, row, 1.0f);
#endif
}

#if NAME_RELAYS
/* Inputs are neurons: an event makes one spike a step later, or when it is no longer blocked; until then others are lost.
   The waiting are kept in the order of their events. */
static void name_relay(name_state *s, const uint16_t *channels, size_t n)
{
    size_t i, kept = 0;
    for (i = 0; i < s->n_waiting; ++i) {
        const uint16_t c = s->waiting[i];
        if (s->free_from[c] == s->steps) {
            name_spike_input(s, c);
            s->free_from[c] = s->steps + NAME_INPUT_REFRACTORY + 1u;
            s->waits[c] = 0;
        } else {
            s->waiting[kept++] = c;
        }
    }
    for (i = 0; i < n; ++i) {
        const uint16_t c = channels[i];
        if (c >= NAME_INPUTS || s->waits[c]) continue;
        s->waits[c] = 1;
        if (s->free_from[c] < s->steps + 1u) s->free_from[c] = s->steps + 1u;
        s->waiting[kept++] = c;
    }
    s->n_waiting = (uint16_t)kept;
}

#endif
/* What arrived becomes current, and the potentials move on. */
static void name_flow(name_state *s)
{
    float *arrived = s->arrivals + (size_t)s->now * NAME_CHANNELS * NAME_UNITS;
    size_t i, c;
    for (i = 0; i < NAME_UNITS; ++i) {
#if NAME_NUMBERS
        float current = s->external[i];
#else
        float current = 0.0f;
#endif
        float v;
        for (c = 0; c < NAME_CHANNELS; ++c) {
            const size_t at = c * NAME_UNITS + i;
#if NAME_EXPONENTIALS == 0
            current = current + arrived[at];
#else
            const float falling = s->falling[at] + arrived[at];
            s->falling[at] = falling * NAME_FALL(c, i);
#if NAME_EXPONENTIALS == 1
            current = current + falling;
#else
            {
                const float rising = s->rising[at] + arrived[at];
                s->rising[at] = rising * NAME_RISE(c, i);
                current = name_fma(NAME_NORM(c, i), falling - rising, current);
            }
#endif
#endif
            arrived[at] = 0.0f;
        }
        v = name_fma(NAME_DECAY(i), s->v[i], name_fma(NAME_GAIN(i), current, NAME_DRIFT(i)));
#if NAME_HOLDS
        if (s->blocked[i] > 0) v = s->v[i];
#endif
#if NAME_BOUNDED
        v = v > NAME_FLOOR(i) ? v : NAME_FLOOR(i);
#endif
        s->v[i] = v;
    }
}

static void name_observe(name_state *s)
{
    size_t k;
#if NAME_TRACES
    for (k = 0; k < NAME_UNITS; ++k) s->trace[k] = name_product(s->trace[k], NAME_TRACE_DECAY);
#endif
    for (k = 0; k < s->n_fired; ++k) {
#if NAME_TRACES
        s->trace[s->fired[k]] += 1.0f;
#endif
#if NAME_COUNTS
        ++s->count[s->fired[k]];
#endif
    }
}

static void name_advance(name_state *s, const uint16_t *channels, size_t n)
{
    size_t i;
    name_fire(s);
#if NAME_RELAYS
    if (n > 0 || s->n_waiting > 0) name_relay(s, channels, n);
    (void)i;
#else
    for (i = 0; i < n; ++i) {
        if (channels[i] < NAME_INPUTS) name_spike_input(s, channels[i]);
    }
#endif
    name_flow(s);
    name_observe(s);
    ++s->steps;
    if (++s->now == NAME_ROWS) s->now = 0;
}

void name_step(name_state *s, const uint16_t *channels, size_t n)
{
#if NAME_NUMBERS
    memset(s->external, 0, sizeof s->external);
#endif
    name_advance(s, channels, n);
}

#if NAME_NUMBERS
void name_push(name_state *s, const float *u)
{
    size_t i;
    memset(s->external, 0, sizeof s->external);
    for (i = 0; i < NAME_INPUTS; ++i) name_send_input(s, i, s->external, name_scaled(u[i], i));
    for (i = 0; i < NAME_ROW_STEPS; ++i) name_advance(s, NULL, 0);
}

#endif
void name_init(name_state *s)
{
    size_t i;
    memset(s, 0, sizeof *s);
    for (i = 0; i < NAME_UNITS; ++i) s->v[i] = NAME_V_INIT(i);
}

#if NAME_SHARES
static uint32_t name_total(const name_state *s)
{
    uint32_t total = 0;
    size_t i;
    for (i = 0; i < NAME_UNITS; ++i) total += s->count[i];
    return total > 0 ? total : 1u;
}

#endif
/* Feature k of a sample with so many spikes: all counts, all traces, all potentials, or those of them that are read. */
static float name_feature(const name_state *s, size_t k, uint32_t total)
{
    const size_t i = k % NAME_UNITS;
    (void)total;
#if NAME_TRACES
    if (k / NAME_UNITS == NAME_TRACES_AT) return s->trace[i];
#endif
#if NAME_POTENTIALS
    if (k / NAME_UNITS == NAME_POTENTIALS_AT) return s->v[i];
#endif
#if NAME_SHARES
    return (float)s->count[i] / (float)total;
#elif NAME_COUNTS
    return (float)s->count[i];
#else
    return 0.0f;
#endif
}
