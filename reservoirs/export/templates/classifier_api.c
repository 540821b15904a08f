/* Start a sequence. */
void name_init(name_state *s);

/* Take the inputs u[NAME_INPUTS] of one time step. */
void name_push(name_state *s, const float *u);

#if NAME_INTEGERS > 0
/* The class of the rows since name_init, as a number in the list above; -1 if there are too few. More rows may follow.
   scores[NAME_SCORES] may be NULL. */
#else
/* The class of the rows since name_init, as a number in the list above; -1 if there are too few. More rows may follow.
   scores[NAME_SCORES] may be NULL. They are computed in double, as in Python, and added from the first feature to the
   last, where Python's order is NumPy's affair: before they are rounded to float, the two differ by less than 2^-52
   times the number of features times the sum of |weight * feature|. The class is Python's unless the best two scores
   are nearer than that. */
#endif
int name_decide(const name_state *s, float *scores);

/* 0 if this machine computes the bits that Python computed, else the first score, from 1, that differs. Uses s. */
int name_self_test(name_state *s);
