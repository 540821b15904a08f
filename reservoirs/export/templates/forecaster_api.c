/* Start a series. */
void name_init(name_state *s);

#if NAME_EXOGENOUS > 0
/* From the true y_now[NAME_OUTPUTS], and what is known of the next row, x_next[NAME_EXOGENOUS], to a prediction of that
   row. Where y_now is missing pass NULL: its prediction stands in. The first call of a series, before any row is known,
   passes NULL too. */
void name_step(name_state *s, const float *y_now, const float *x_next, float *y_next);

/* The n rows after the one predicted last, y[n][NAME_OUTPUTS], given x[n][NAME_EXOGENOUS]. s stays as it is; scratch is
   lost. */
void name_forecast(const name_state *s, name_state *scratch, size_t n, const float *x, float *y);
#else
/* From the true y_now[NAME_OUTPUTS] to a prediction of the next row. Where y_now is missing pass NULL: its prediction
   stands in. The first call of a series, before any row is known, passes NULL too. */
void name_step(name_state *s, const float *y_now, float *y_next);

/* The n rows after the one predicted last, y[n][NAME_OUTPUTS]. s stays as it is; scratch is lost. */
void name_forecast(const name_state *s, name_state *scratch, size_t n, float *y);
#endif

/* 0 if this machine computes the bits that Python computed, else the first step, from 1, that differs. Uses s. */
int name_self_test(name_state *s);
