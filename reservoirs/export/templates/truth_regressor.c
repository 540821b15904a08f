NAME_HELPER float name_truth(const name_state *s, const float *y, size_t k)
{
    (void)s;
    return y[k];
}
