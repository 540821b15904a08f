/* The past is a ring: the row of NAME_DEPTH steps ago lies where this one will. y holds the row before at first. */
static void name_run(name_state *s, const float *u, float *y)
{
    float z[NAME_LINEAR];
    size_t i;
    for (i = 0; i < NAME_DRIVES; ++i) z[i] = u[i];
#if NAME_DEPTH > 0
    for (; i < NAME_LINEAR; ++i) {
        const size_t ago = i / NAME_DRIVES * NAME_STRIDE;
        z[i] = s->past[(s->at + NAME_DEPTH - ago) % NAME_DEPTH * NAME_DRIVES + i % NAME_DRIVES];
    }
    for (i = 0; i < NAME_DRIVES; ++i) s->past[s->at * NAME_DRIVES + i] = u[i];
    s->at = (s->at + 1u) % NAME_DEPTH;
#endif
    /* Rows that lack some of their past are predicted to be like the row before. */
    if (s->seen <= NAME_DEPTH) {
        ++s->seen;
#if NAME_LEARNS
        s->lesson = 0;
#endif
        for (i = 0; i < NAME_OUTPUTS; ++i) y[i] = u[NAME_EXOGENOUS + i];
        return;
    }
#if NAME_LEARNS
    name_remember(s, z);
    for (i = 0; i < NAME_OUTPUTS; ++i) s->before[i] = u[NAME_EXOGENOUS + i];
#endif
    for (i = 0; i < NAME_OUTPUTS; ++i) y[i] = u[NAME_EXOGENOUS + i] + name_output(s, z, i);
}
