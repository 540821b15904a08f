void name_push(name_state *s, const float *u)
{
    int32_t drive[NAME_DRIVES];
    size_t i;
    for (i = 0; i < NAME_INPUTS; ++i) drive[i] = name_fixed(s, name_scaled(u[i], i), i);
    name_advance(s, drive);
    ++s->rows;
#if NAME_POOLS_MEAN
    for (i = 0; s->rows > NAME_WASHOUT && i < NAME_FEATURES; ++i) s->sum[i] += name_feature(s, drive, i);
#endif
#if NAME_POOLS_LAST && NAME_WITH_INPUTS
    for (i = 0; i < NAME_DRIVES; ++i) s->drive[i] = drive[i];
#endif
}

static int32_t name_pooled(const name_state *s, size_t i)
{
#if NAME_POOLS_MEAN
    if (i < NAME_FEATURES) return (int32_t)(s->sum[i] / (int64_t)(s->rows - NAME_WASHOUT));
#endif
#if NAME_POOLS_LAST && NAME_WITH_INPUTS
    return name_feature(s, s->drive, i % NAME_FEATURES);
#elif NAME_POOLS_LAST
    return name_feature(s, NULL, i % NAME_FEATURES);
#else
    return 0;
#endif
}

int name_decide(const name_state *s, float *scores)
{
    int64_t sum[NAME_SCORES] = {0};
    float most = 0.0f;
    size_t i, k;
    int best = 0;
    if (s->rows <= NAME_WASHOUT) return -1;
    for (i = 0; i < NAME_POOLED; ++i) {
        const int64_t feature = name_pooled(s, i);
        for (k = 0; k < NAME_SCORES; ++k) sum[k] += NAME_COEF(k * NAME_POOLED + i) * feature;
    }
    for (k = 0; k < NAME_SCORES; ++k) {
        const float score = name_output(sum[k], k);
        if (scores) scores[k] = score;
#if NAME_SCORES > 1
        if (k == 0 || score > most) {
            most = score;
            best = (int)k;
        }
#else
        best = score > most;
#endif
    }
    return best;
}
