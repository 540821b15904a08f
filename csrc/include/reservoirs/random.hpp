// Counter-based random numbers: a value is a pure function of (key, stream, sequence, step, index), so it is the same
// for any number of threads, any order of sequences and any chunking of time.
#pragma once

#include <array>
#include <cstdint>

namespace reservoirs {

// Each use of randomness has a stream of its own.
enum class RandomStream : std::uint32_t { state_noise = 1 };

// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// The natural logarithm of a positive normal number, from arithmetic alone.
double natural_logarithm(double x);

// The quantile function of the standard normal distribution, 0 < p < 1 (Wichura 1988, algorithm AS 241, relative error
// about 1e-16). It calls nothing of the C library but sqrt, which IEEE 754 rounds the same way everywhere.
double normal_quantile(double p);

struct NoiseKey {
    std::uint64_t seed;
    std::uint32_t sequence;
    std::uint64_t step;
};

// Standard normal number `index` of one step of one sequence.
double normal(const NoiseKey& key, RandomStream stream, std::uint32_t index);

}  // namespace reservoirs
