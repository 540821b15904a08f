static uint32_t name_hashed(uint32_t hash, float x) { return (hash ^ name_bits_of(x)) * 16777619u; }

#if NAME_ENCODES
/* Rows of numbers; the hash of all potentials after each. 0, or the number of the first wrong one. */
static int name_test_rows(name_state *s)
{
    size_t t, i;
    name_init(s);
    for (t = 0; t < NAME_TEST_ROWS; ++t) {
        float row[NAME_COLUMNS];
        uint32_t hash = 2166136261u;
        for (i = 0; i < NAME_COLUMNS; ++i) row[i] = NAME_READF(&name_test_numbers[t * NAME_COLUMNS + i]);
#if NAME_ROW_A_SAMPLE
        name_init(s);
#endif
        name_push(s, row);
        for (i = 0; i < NAME_UNITS; ++i) hash = name_hashed(hash, s->v[i]);
        if (hash != NAME_READ32(&name_test_row_hashes[t])) return (int)t + 1;
    }
    return 0;
}

#endif
/* Random spikes; the hash of all potentials after each step, then that of what is read. */
int name_self_test(name_state *s)
{
    uint32_t random = 1u, hash;
    size_t t, i;
#if NAME_OUTPUTS > 0
    float read[NAME_OUTPUTS];
#endif
    name_init(s);
    for (t = 0; t < NAME_TEST_STEPS; ++t) {
        uint16_t channels[NAME_TEST_SPIKES];
        size_t n = 0;
        for (i = 0; i < NAME_INPUTS; ++i) {
            random = random * 1664525u + 1013904223u;
            if (random >> 16 < NAME_TEST_ODDS && n < NAME_TEST_SPIKES) channels[n++] = (uint16_t)i;
        }
        name_step(s, channels, n);
        hash = 2166136261u;
        for (i = 0; i < NAME_UNITS; ++i) hash = name_hashed(hash, s->v[i]);
        if (hash != NAME_READ32(&name_test_hashes[t])) return (int)t + 1;
    }
    hash = 2166136261u;
#if NAME_CLASSIFIES
    (void)name_decide(s, read);
    for (i = 0; i < NAME_OUTPUTS; ++i) hash = name_hashed(hash, read[i]);
#elif NAME_OUTPUTS > 0
    name_read(s, read);
    for (i = 0; i < NAME_OUTPUTS; ++i) hash = name_hashed(hash, read[i]);
#elif NAME_SHARES
    for (i = 0; i < NAME_FEATURES; ++i) hash = name_hashed(hash, name_feature(s, i, name_total(s)));
#else
    for (i = 0; i < NAME_FEATURES; ++i) hash = name_hashed(hash, name_feature(s, i, 1u));
#endif
    if (hash != NAME_READ32(&name_test_hashes[NAME_TEST_STEPS])) return (int)NAME_TEST_STEPS + 1;
#if NAME_ENCODES
    if (name_test_rows(s)) return (int)NAME_TEST_STEPS + 2;
#endif
    return 0;
}
