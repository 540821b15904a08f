// Chooses the instruction set, and within it what only a clock can tell, once, when the first kernel is asked for.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

#include "table.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace reservoirs {

#define RSV_DECLARE(level)                             \
    extern const Kernels<float> float_kernels_##level; \
    extern const Kernels<double> double_kernels_##level;

RSV_DECLARE(base)
#if defined(RSV_WITH_X86_LEVELS)
RSV_DECLARE(v3)
RSV_DECLARE(v4)
#endif
#if defined(RSV_WITH_NEON)
RSV_DECLARE(neon)
#endif
#undef RSV_DECLARE

namespace {

struct Level {
    SimdLevel level;
    const char* name;
    Kernels<float> of_float;
    Kernels<double> of_double;
    bool runs_here;
};

#if defined(RSV_WITH_X86_LEVELS)
#if defined(_MSC_VER)
struct CpuId {
    int eax, ebx, ecx, edx;
};

CpuId cpuid(int leaf) {
    int r[4];
    __cpuidex(r, leaf, 0);
    return {r[0], r[1], r[2], r[3]};
}

// The operating system must save the wide registers as well, which XCR0 tells.
bool os_saves(unsigned long long mask) {
    const bool has_xsave = (cpuid(1).ecx >> 27) & 1;
    return has_xsave && (_xgetbv(0) & mask) == mask;
}

bool has_feature(int bit) {
    return (cpuid(7).ebx >> bit) & 1;
}

// Fused multiply-add; BMI, AVX2, BMI2.
bool cpu_runs_v3() {
    return os_saves(0x6) && ((cpuid(1).ecx >> 12) & 1) && has_feature(3) && has_feature(5) && has_feature(8);
}

// AVX-512 F, DQ, CD, BW, VL.
bool cpu_runs_v4() {
    return cpu_runs_v3() && os_saves(0xe6) && has_feature(16) && has_feature(17) && has_feature(28) &&
           has_feature(30) && has_feature(31);
}
#else
bool cpu_runs_v3() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

bool cpu_runs_v4() {
    return cpu_runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif
#endif

// Seconds of a step through scattered links, alternately one way and the other; the fastest of a few turns.
template <class T>
std::array<double, 2> time_steps(const std::array<void (*)(const StageStep<T>&), 2>& ways) {
    constexpr std::int64_t kBlocks = 16, kSlots = 8, kRows = kBlocks * kBlockRows;
    constexpr int kTurns = 20;
    std::array<std::int64_t, kBlocks + 1> block_start;
    for (std::size_t block = 0; block <= kBlocks; ++block)
        block_start[block] = static_cast<std::int64_t>(block) * kSlots;
    std::array<std::uint16_t, kRows * kSlots> columns;
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<std::uint16_t>(i * 89 % kRows);
    const std::vector<T> weights(columns.size(), T(0)), units(kRows, T(0));
    std::vector<T> next(kRows);
    StageStep<T> step{};
    step.last_block = kBlocks;
    step.block_start = block_start.data();
    step.columns = columns.data();
    step.weights = weights.data();
    step.bias = step.state = step.carried = units.data();
    step.leak = step.keep = {units.data(), 0};
    step.next = next.data();
    std::array<double, 2> seconds{1, 1};
    for (int turn = 0; turn < kTurns; ++turn) {
        for (std::size_t way = 0; way < 2; ++way) {
            const auto begin = std::chrono::steady_clock::now();
            ways[way](step);
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
            seconds[way] = std::min(seconds[way], taken.count());
        }
    }
    return seconds;
}

// Gather instructions are microcoded on some processors (1.8 times as slow as loads and inserts on Zen 5) and slowed by
// security microcode on others, but on a Xeon with AMX steps with them are 1.5 times as fast.
template <class T>
Kernels<T> with_faster_gathers(Kernels<T> k) {
    constexpr auto kIdentity = static_cast<std::size_t>(Activation::identity);
    const auto with_loads = k.sparse16_step[0][0][kIdentity], with_gathers = k.sparse16_step[1][0][kIdentity];
    if (with_loads == with_gathers) return k;
    const auto [loads, gathers] = time_steps<T>({with_loads, with_gathers});
    k.gathers = gathers < loads;
    return k;
}

Level make_level(SimdLevel level, const char* name, const Kernels<float>& of_float, const Kernels<double>& of_double,
                 bool runs_here) {
    if (!runs_here) return {level, name, of_float, of_double, false};
    return {level, name, with_faster_gathers(of_float), with_faster_gathers(of_double), true};
}

const auto& levels() {
    static const std::array all{
        make_level(SimdLevel::base, "base", float_kernels_base, double_kernels_base, true),
#if defined(RSV_WITH_X86_LEVELS)
        make_level(SimdLevel::v3, "v3", float_kernels_v3, double_kernels_v3, cpu_runs_v3()),
        make_level(SimdLevel::v4, "v4", float_kernels_v4, double_kernels_v4, cpu_runs_v4()),
#endif
#if defined(RSV_WITH_NEON)
        make_level(SimdLevel::neon, "neon", float_kernels_neon, double_kernels_neon, true),
#endif
    };
    return all;
}

const Level* find_level(const std::string& name, const char* asked_by) {
    std::string usable;
    for (const Level& level : levels()) {
        if (!level.runs_here) continue;
        if (name == level.name) return &level;
        usable += usable.empty() ? level.name : std::string(", ") + level.name;
    }
    throw std::invalid_argument(asked_by + ("'" + name) +
                                "': this SIMD level is not available here; available: " + usable);
}

const Level* first_level() {
    const char* forced = std::getenv("RESERVOIRS_SIMD");
    if (forced != nullptr && *forced != '\0') return find_level(forced, "RESERVOIRS_SIMD=");
    const Level* best = nullptr;
    for (const Level& level : levels()) {
        if (level.runs_here) best = &level;
    }
    return best;
}

std::atomic<const Level*>& chosen() {
    static std::atomic<const Level*> level{first_level()};
    return level;
}

}  // namespace

const char* simd_level_name(SimdLevel level) {
    for (const Level& entry : levels()) {
        if (entry.level == level) return entry.name;
    }
    return "unknown";
}

std::vector<SimdLevel> available_simd_levels() {
    std::vector<SimdLevel> available;
    for (const Level& level : levels()) {
        if (level.runs_here) available.push_back(level.level);
    }
    return available;
}

SimdLevel simd_level() {
    return chosen().load()->level;
}

void set_simd_level(const std::string& name) {
    chosen().store(find_level(name, "set_simd_level: name="));
}

template <>
const Kernels<float>& kernels<float>() {
    return chosen().load()->of_float;
}

template <>
const Kernels<double>& kernels<double>() {
    return chosen().load()->of_double;
}

}  // namespace reservoirs
