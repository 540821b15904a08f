/* From a number to the units of drive i, fractions of the largest pre-activation a drive of 1 makes. Truncated, so that
   there is no sum for a compiler to contract. What is out of range, or not a number, is counted. */
static int32_t name_fixed(name_state *s, float value, size_t i)
{
    const float scaled = value * NAME_READF(&name_drive_scales[i]);
    if (scaled > -1073741824.0f && scaled < 1073741824.0f) return (int32_t)scaled;
    ++s->saturated;
    if (scaled > 0.0f) return 1073741823;
    return scaled < 0.0f ? -1073741823 : 0;
}

