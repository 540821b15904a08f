static void name_run(name_state *s, const float *u, float *y)
{
    size_t i;
    name_advance(s, u);
#if NAME_LEARNS
    name_remember(s, u);
#endif
    for (i = 0; i < NAME_OUTPUTS; ++i) y[i] = name_output(s, u, i);
}
