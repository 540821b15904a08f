/* In the units of the readout: standardised, and of NVAR what is added to the row before. */
NAME_HELPER float name_truth(const name_state *s, const float *y, size_t k)
{
#if NAME_INCREMENTS
    return name_standardised(name_scaled(y[k], k), k) - s->before[k];
#else
    (void)s;
    return name_standardised(name_scaled(y[k], k), k);
#endif
}
