#define RSV_LEVEL_V3
#define RSV_TABLE(name) name##_v3
#include "table.inl"
