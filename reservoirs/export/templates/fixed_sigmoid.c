static inline int32_t name_activation(int64_t z) { return (name_tanh(z >> 1) + 32768) >> 1; }

