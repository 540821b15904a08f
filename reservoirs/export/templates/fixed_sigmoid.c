static inline int32_t name_activation(int64_t z)
{
    return (int32_t)((name_tanh(z >> 1) + ((int64_t)1073741824)) >> 1);
}

