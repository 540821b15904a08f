int name_decide(const name_state *s, float *scores)
{
    name_wide score[NAME_OUTPUTS];
    name_outputs(s, score);
    return name_best(score, scores);
}
