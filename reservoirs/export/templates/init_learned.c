void name_init(name_state *s)
{
    size_t i;
    memset(s, 0, sizeof *s);
#if NAME_POTENTIALS
    name_show(s, 0, NAME_UNITS);
#endif
    for (i = 0; i < NAME_OUTPUTS * NAME_FEATURES; ++i) s->coef[i] = NAME_READF(&name_coef[i]);
    for (i = 0; i < NAME_OUTPUTS; ++i) s->intercept[i] = NAME_READF(&name_intercept[i]);
#if NAME_RLS
    for (i = 0; i < NAME_FEATURES; ++i) s->diagonal[i] = NAME_DIAGONAL;
    s->weight = NAME_PENALTY;
#endif
}
