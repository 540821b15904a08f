int host_run(void *state, const float *u, size_t n, float *scores)
{
    size_t t;
    name_init((name_state *)state);
    for (t = 0; t < n; ++t) name_push((name_state *)state, u + t * NAME_INPUTS);
    return name_decide((const name_state *)state, scores);
}
