NAME_HELPER float name_activation(float x) { return 0.0f > x ? 0.0f : x; }
