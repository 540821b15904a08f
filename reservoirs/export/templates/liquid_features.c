void name_read(name_state *s, float *x)
{
#if NAME_SHARES
    const uint32_t total = name_total(s);
#else
    const uint32_t total = 1u;
#endif
    size_t k;
    for (k = 0; k < NAME_FEATURES; ++k) x[k] = name_feature(s, k, total);
#if NAME_BY_ROW && NAME_COUNTS
    memset(s->count, 0, sizeof s->count);
#endif
}
