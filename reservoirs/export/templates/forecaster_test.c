int name_self_test(name_state *s)
{
    size_t t, i;
    name_init(s);
    for (t = 0; t < NAME_TEST_STEPS; ++t) {
        float now[NAME_OUTPUTS], y[NAME_OUTPUTS];
        const int given = t > 0 && t <= NAME_TEST_GIVEN;
#if NAME_EXOGENOUS > 0
        float x[NAME_EXOGENOUS];
        for (i = 0; i < NAME_EXOGENOUS; ++i) x[i] = NAME_READF(&name_test_x[t * NAME_EXOGENOUS + i]);
#endif
        for (i = 0; given && i < NAME_OUTPUTS; ++i) now[i] = NAME_READF(&name_test_inputs[(t - 1) * NAME_OUTPUTS + i]);
#if NAME_EXOGENOUS > 0
        name_step(s, given ? now : NULL, x, y);
#else
        name_step(s, given ? now : NULL, y);
#endif
        for (i = 0; i < NAME_OUTPUTS; ++i) {
            if (name_bits_of(y[i]) != name_bits_of(NAME_READF(&name_test_outputs[t * NAME_OUTPUTS + i]))) return (int)t + 1;
        }
    }
    return 0;
}
