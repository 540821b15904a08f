/* Row t is predicted from the true row before, from the predicted one where that is not among those given. */
void host_run(void *state, const float *y, size_t n_given, const float *x, size_t n, float *out)
{
    size_t t;
    (void)x;
    name_init((name_state *)state);
    for (t = 0; t < n; ++t) {
        const float *now = t > 0 && t <= n_given ? y + (t - 1) * NAME_OUTPUTS : NULL;
#if NAME_EXOGENOUS > 0
        name_step((name_state *)state, now, x + t * NAME_EXOGENOUS, out + t * NAME_OUTPUTS);
#else
        name_step((name_state *)state, now, out + t * NAME_OUTPUTS);
#endif
    }
}
