void host_run(void *state, const float *u, size_t n, float *y)
{
    size_t t;
    name_init((name_state *)state);
    for (t = 0; t < n; ++t) name_step((name_state *)state, u + t * NAME_INPUTS, y + t * NAME_OUTPUTS);
}
