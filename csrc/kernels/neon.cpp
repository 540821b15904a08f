#define RSV_LEVEL_NEON
#define RSV_TABLE(name) name##_neon
#include "table.inl"
