/* Reads what is to be read after every so many steps; returns a classifier's decision. */
static int host_read(void *state, float *out)
{
#if NAME_CLASSIFIES
    return name_decide((const name_state *)state, out);
#else
    name_read((name_state *)state, out);
    return 0;
#endif
}

int host_spikes(void *state, const int32_t *steps, const uint16_t *channels, size_t n_spikes, size_t n_steps, size_t every,
                float *out)
{
    size_t t, first = 0, last = 0;
    int decision = 0;
    name_init((name_state *)state);
    for (t = 0; t < n_steps; ++t) {
        for (first = last; last < n_spikes && (size_t)steps[last] == t; ++last) {}
        name_step((name_state *)state, channels + first, last - first);
        if ((t + 1) % every == 0) decision = host_read(state, out + t / every * NAME_READ);
    }
    return decision;
}

#if NAME_PUSHES
int host_numbers(void *state, const float *u, size_t n_rows, size_t every, float *out)
{
    size_t t;
    int decision = 0;
    name_init((name_state *)state);
    for (t = 0; t < n_rows; ++t) {
#if NAME_ENCODES
        name_push((name_state *)state, u + t * NAME_COLUMNS);
#else
        name_push((name_state *)state, u + t * NAME_INPUTS);
#endif
        if ((t + 1) % every == 0) decision = host_read(state, out + t / every * NAME_READ);
    }
    return decision;
}
#endif
