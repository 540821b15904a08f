size_t host_state_bytes(void) { return sizeof(name_state); }
int host_self_test(void *state) { return name_self_test((name_state *)state); }

