void name_push(name_state *s, const float *u)
{
    float drive[NAME_DRIVES];
    size_t i;
    for (i = 0; i < NAME_INPUTS; ++i) drive[i] = name_scaled(u[i], i);
    name_advance(s, drive);
    ++s->rows;
#if NAME_POOLS_MEAN
    for (i = 0; s->rows > NAME_WASHOUT && i < NAME_FEATURES; ++i) {
        s->sum[i] = name_wide_add(s->sum[i], name_wide_of(name_feature(s, drive, i)));
    }
#endif
#if NAME_POOLS_LAST && NAME_WITH_INPUTS
    for (i = 0; i < NAME_DRIVES; ++i) s->drive[i] = drive[i];
#endif
}

static name_wide name_pooled(const name_state *s, size_t i)
{
#if NAME_POOLS_MEAN
    if (i < NAME_FEATURES) return name_wide_div(s->sum[i], name_wide_of_count(s->rows - NAME_WASHOUT));
#endif
#if NAME_POOLS_LAST && NAME_WITH_INPUTS
    return name_wide_of(name_feature(s, s->drive, i % NAME_FEATURES));
#elif NAME_POOLS_LAST
    return name_wide_of(name_feature(s, NULL, i % NAME_FEATURES));
#else
    return name_wide_of_count(0);
#endif
}

int name_decide(const name_state *s, float *scores)
{
    name_wide score[NAME_SCORES];
    size_t i, k;
    if (s->rows <= NAME_WASHOUT) return -1;
    for (k = 0; k < NAME_SCORES; ++k) score[k] = name_wide_of_count(0);
    for (i = 0; i < NAME_POOLED; ++i) {
        const name_wide feature = name_pooled(s, i);
        for (k = 0; k < NAME_SCORES; ++k) {
            score[k] = name_wide_add(score[k], name_wide_mul(name_wide_at(&name_coef[k * NAME_POOLED + i]), feature));
        }
    }
    for (k = 0; k < NAME_SCORES; ++k) score[k] = name_wide_add(score[k], name_wide_at(&name_intercept[k]));
    return name_best(score, scores);
}
