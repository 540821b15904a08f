/* Start a sample, with the liquid at rest. */
void name_init(name_state *s);

/* One step: channels[n] are the inputs that spike in it, each once, in ascending order; those of NAME_INPUTS and more are
   ignored. After it s->fired[0 .. s->n_fired) are the units that fired. Start anew before 2^32 steps are over. */
void name_step(name_state *s, const uint16_t *channels, size_t n);

#if NAME_NUMBERS
/* A row u[NAME_INPUTS] of numbers, which are currents, for as many steps as it lasts. A sample is of spikes or of numbers. */
void name_push(name_state *s, const float *u);

#endif
#if NAME_ENCODES
/* A row u[NAME_COLUMNS] of numbers, encoded as spikes, for as many steps as it lasts. */
void name_push(name_state *s, const float *u);

#endif
#if NAME_CLASSIFIES
/* The class of the steps since name_init, as a number in the list above. scores[NAME_SCORES] may be NULL. */
int name_decide(const name_state *s, float *scores);
#elif NAME_BY_ROW && NAME_OUTPUTS > 0
/* The outputs y[NAME_OUTPUTS], to be called after each row. */
void name_read(name_state *s, float *y);
#elif NAME_OUTPUTS > 0
/* The outputs y[NAME_OUTPUTS] of the steps since name_init. */
void name_read(name_state *s, float *y);
#else
/* The features x[NAME_FEATURES]. */
void name_read(name_state *s, float *x);
#endif

/* 0 if this machine computes the bits that Python computed, else the first step, from 1, that differs, one more if only
   what is read at the end does, and two more if only a row of numbers does. Uses s. */
int name_self_test(name_state *s);
