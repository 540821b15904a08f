/* Start a sequence. */
void name_init(name_state *s);

/* From the inputs u[NAME_INPUTS] of one time step to its outputs y[NAME_OUTPUTS]. */
void name_step(name_state *s, const float *u, float *y);

/* 0 if this machine computes the bits that Python computed, else the first step, from 1, that differs. Uses s. */
int name_self_test(name_state *s);
