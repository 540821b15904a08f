// The instruction sets the kernels are compiled for, and the one in use.
#pragma once

#include <string>
#include <vector>

namespace reservoirs {

// `base` runs on every machine of the architecture; `v3` is AVX2 + FMA, `v4` AVX-512 (x86-64 micro-architecture
// levels); `neon` is AArch64. All give the same bits.
enum class SimdLevel { base, v3, v4, neon };

const char* simd_level_name(SimdLevel level);

// Slowest first. Only what this build contains and this processor and operating system run.
std::vector<SimdLevel> available_simd_levels();

SimdLevel simd_level();

// Takes effect for the calls that start afterwards. Throws std::invalid_argument for a name that is unknown or a level
// that is not available here. The environment variable RESERVOIRS_SIMD sets the first level the same way.
void set_simd_level(const std::string& name);

}  // namespace reservoirs
