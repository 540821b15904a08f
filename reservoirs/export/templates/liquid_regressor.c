void name_read(name_state *s, float *y)
{
    name_wide wide[NAME_OUTPUTS];
    size_t k;
    name_outputs(s, wide);
    for (k = 0; k < NAME_OUTPUTS; ++k) y[k] = name_narrow(wide[k]);
#if NAME_BY_ROW && NAME_COUNTS
    memset(s->count, 0, sizeof s->count);
#endif
}
