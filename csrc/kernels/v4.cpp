#define RSV_LEVEL_V4
#define RSV_TABLE(name) name##_v4
#include "table.inl"
