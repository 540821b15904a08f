#define RSV_LEVEL_BASE
#define RSV_TABLE(name) name##_base
#include "table.inl"
