/* What the readout sees: z (the variables now and at each delay), then products of its entries, from left to right. */
static float name_feature(const name_state *s, const float *z, size_t i)
{
    float product;
    size_t f;
    (void)s;
    if (i < NAME_LINEAR) return z[i];
#if NAME_ORDER > 1
    i = (i - NAME_LINEAR) * NAME_ORDER;
    product = z[NAME_FACTOR(i)];
    for (f = 1; f < NAME_ORDER && NAME_FACTOR(i + f) != NAME_NO_FACTOR; ++f) product = product * z[NAME_FACTOR(i + f)];
    return product;
#else
    (void)product, (void)f;
    return 0.0f;
#endif
}
