void name_step(name_state *s, const float *u, float *y)
{
    float drive[NAME_DRIVES];
    size_t i;
    for (i = 0; i < NAME_INPUTS; ++i) drive[i] = name_scaled(u[i], i);
#if NAME_FEEDS_BACK
    for (i = 0; i < NAME_OUTPUTS; ++i) drive[NAME_INPUTS + i] = s->fed_back[i];
#endif
    name_run(s, drive, y);
#if NAME_SCORES_ANOMALIES
    for (i = 0; i < NAME_OUTPUTS; ++i) s->predicted[i] = y[i];
#endif
#if NAME_FEEDS_BACK
    for (i = 0; i < NAME_OUTPUTS; ++i) s->fed_back[i] = y[i];
#endif
}
