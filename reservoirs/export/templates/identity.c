NAME_HELPER float name_activation(float x) { return x; }
