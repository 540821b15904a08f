/* The class of the largest of some scores, the first if there are several; of one score, whether it is positive. */
static int name_best(const name_wide *score, float *scores)
{
    int best = 0;
    size_t k;
    for (k = 0; k < NAME_SCORES; ++k) {
        if (scores) scores[k] = name_narrow(score[k]);
        if (name_wide_less(score[best], score[k])) best = (int)k;
    }
#if NAME_SCORES == 1
    best = name_wide_less(name_wide_of_count(0), score[0]);
#endif
    return best;
}
