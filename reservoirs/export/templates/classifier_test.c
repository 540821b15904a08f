int name_self_test(name_state *s)
{
    float scores[NAME_SCORES];
    size_t t, i;
    name_init(s);
    for (t = 0; t < NAME_TEST_STEPS; ++t) {
        float u[NAME_INPUTS];
        for (i = 0; i < NAME_INPUTS; ++i) u[i] = NAME_READF(&name_test_inputs[t * NAME_INPUTS + i]);
        name_push(s, u);
    }
    if (name_decide(s, scores) < 0) return 1;
    for (i = 0; i < NAME_SCORES; ++i) {
        if (name_bits_of(scores[i]) != name_bits_of(NAME_READF(&name_test_outputs[i]))) return (int)i + 1;
    }
    return 0;
}
