/* Least mean squares: a step along the features. Returns the step along the bias' own constant feature. */
static float name_find_gain(name_state *s, float squared)
{
#if NAME_NORMALISED
    const float rate = NAME_LEARNING_RATE / (1.0f + squared);
#else
    const float rate = NAME_LEARNING_RATE;
    (void)squared;
#endif
    size_t i;
    for (i = 0; i < NAME_FEATURES; ++i) s->gain[i] = rate * s->features[i];
    return rate;
}
