#if NAME_EXOGENOUS > 0
void name_step(name_state *s, const float *y_now, const float *x_next, float *y_next)
#else
void name_step(name_state *s, const float *y_now, float *y_next)
#endif
{
    float drive[NAME_DRIVES];
    size_t i;
#if NAME_EXOGENOUS > 0
    for (i = 0; i < NAME_EXOGENOUS; ++i) drive[i] = name_standardised_x(x_next[i], i);
#endif
    for (i = 0; i < NAME_OUTPUTS; ++i) {
        drive[NAME_EXOGENOUS + i] = y_now ? name_standardised(name_scaled(y_now[i], i), i) : s->fed_back[i];
    }
    name_run(s, drive, s->fed_back);
    for (i = 0; i < NAME_OUTPUTS; ++i) y_next[i] = name_original(s->fed_back[i], i);
#if NAME_SCORES_ANOMALIES
    for (i = 0; i < NAME_OUTPUTS; ++i) s->predicted[i] = y_next[i];
#endif
}

#if NAME_EXOGENOUS > 0
void name_forecast(const name_state *s, name_state *scratch, size_t n, const float *x, float *y)
#else
void name_forecast(const name_state *s, name_state *scratch, size_t n, float *y)
#endif
{
    size_t t;
    *scratch = *s;
#if NAME_EXOGENOUS > 0
    for (t = 0; t < n; ++t) name_step(scratch, NULL, x + t * NAME_EXOGENOUS, y + t * NAME_OUTPUTS);
#else
    for (t = 0; t < n; ++t) name_step(scratch, NULL, y + t * NAME_OUTPUTS);
#endif
}
