int name_self_test(name_state *s)
{
    size_t t, i;
    name_init(s);
    for (t = 0; t < NAME_TEST_STEPS; ++t) {
        float u[NAME_INPUTS], y[NAME_OUTPUTS];
        for (i = 0; i < NAME_INPUTS; ++i) u[i] = NAME_READF(&name_test_inputs[t * NAME_INPUTS + i]);
        name_step(s, u, y);
        for (i = 0; i < NAME_OUTPUTS; ++i) {
            if (name_bits_of(y[i]) != name_bits_of(NAME_READF(&name_test_outputs[t * NAME_OUTPUTS + i]))) return (int)t + 1;
        }
    }
    return 0;
}
