/* Learn that the last step should have given y[NAME_OUTPUTS]. 0; or 1, and nothing changes, if there was no step to learn
   from, or a number is not finite or huge. */
int name_learn(name_state *s, const float *y);

/* Start anew with what was learned. name_init forgets it. */
void name_restart(name_state *s);

