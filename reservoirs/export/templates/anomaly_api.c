/* How unusual it is that the last step should have given y[NAME_OUTPUTS]: the squared residual, less its running mean, over
   its running variance; about 1 usually. As reservoirs.metrics.anomaly_scores. FLT_MAX, and nothing changes, if a number is
   not finite. */
float name_anomaly(name_state *s, const float *y);

