// What this machine can do at best, for bench/roofline.py: loads from buffers of a size, multiply-adds, loads and sums at
// scattered places. Each probe runs on every thread for a while and returns how much all of them did in a second.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>
#include <vector>
#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class T>
struct VectorOf {
    typedef T type __attribute__((vector_size(kBytes)));
};
template <class T>
using Vec = typename VectorOf<T>::type;

// Makes the compiler believe that the value is used, and that memory may have changed.
template <class V>
void keep(V &value) {
    asm volatile("" : : "r"(&value) : "memory");
}

// The same of an array. Were its own address taken, its sums could alias what is loaded and would go through memory.
template <class V, int n>
void keep_sum(const V (&values)[n]) {
    V total = values[0];
    for (int i = 1; i < n; ++i) total += values[i];
    keep(total);
}

template <class T>
T *aligned(std::vector<char> &memory, int64_t n) {
    memory.assign(static_cast<size_t>(n) * sizeof(T) + 64, 1);
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    return reinterpret_cast<T *>((address + 63) / 64 * 64);
}

// Seconds this thread has had a processor: what else runs on the machine does not count.
double busy() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// `make` returns, for one thread, what does one pass.
template <class Make>
double a_second(double seconds, int n_threads, double of_pass, const Make &make) {
    std::vector<double> rates(static_cast<size_t>(n_threads));
    std::vector<std::thread> threads;
    for (int i = 0; i < n_threads; ++i) {
        threads.emplace_back([&, i] {
            auto pass = make();
            pass();
            // Asking for the time takes as long as many short passes.
            double n = 1, spent = 0;
            while (spent < seconds) {
                n *= 2;
                const double begin = busy();
                for (double pass_number = 0; pass_number < n; ++pass_number) pass();
                spent = busy() - begin;
            }
            rates[static_cast<size_t>(i)] = n * of_pass / spent;
        });
    }
    for (std::thread &thread : threads) thread.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    return sum;
}

constexpr int64_t kIndices = 8192;

std::vector<uint16_t> places(int64_t n, int64_t n_indices = kIndices) {
    std::mt19937 random(0);
    std::vector<uint16_t> at(static_cast<size_t>(n_indices));
    for (uint16_t &each : at) each = static_cast<uint16_t>(random() % static_cast<uint32_t>(n));
    return at;
}

template <class T>
double multiply_adds(double seconds, int n_threads) {
    constexpr int kSums = 12, kTimes = 4096;
    const double of_pass = static_cast<double>(kSums) * kTimes * (kBytes / sizeof(T));
    return a_second(seconds, n_threads, of_pass, [] {
        return [] {
            Vec<T> sum[kSums] = {}, a = Vec<T>{} + T(0.5), b = Vec<T>{} + T(0.25);
            keep(a);
            keep(b);
            for (int t = 0; t < kTimes; ++t) {
                for (int i = 0; i < kSums; ++i) sum[i] = sum[i] * a + b;
            }
            keep_sum(sum);
        };
    });
}

// One add for each load, as compilers make it.
template <class T>
void sum_scattered(const T *x, const uint16_t *at) {
    T sum[8] = {};
    for (int64_t i = 0; i < kIndices; i += 8) {
        for (int k = 0; k < 8; ++k) sum[k] += x[at[i + k]];
    }
    keep_sum(sum);
}

#if defined(__AVX2__) && defined(__GNUC__)
// Loads and inserts, columns four at a time: the way of our kernels.
inline __m128 four(const float *x, const uint16_t *at) {
    uint64_t c;
    std::memcpy(&c, at, sizeof c);
    __m128 v = _mm_load_ss(x + (c & 0xFFFF));
    v = _mm_insert_ps(v, _mm_load_ss(x + (c >> 16 & 0xFFFF)), 0x10);
    v = _mm_insert_ps(v, _mm_load_ss(x + (c >> 32 & 0xFFFF)), 0x20);
    return _mm_insert_ps(v, _mm_load_ss(x + (c >> 48)), 0x30);
}

inline __m256d four(const double *x, const uint16_t *at) {
    uint64_t c;
    std::memcpy(&c, at, sizeof c);
    const __m128d low = _mm_loadh_pd(_mm_load_sd(x + (c & 0xFFFF)), x + (c >> 16 & 0xFFFF));
    const __m128d high = _mm_loadh_pd(_mm_load_sd(x + (c >> 32 & 0xFFFF)), x + (c >> 48));
    return _mm256_set_m128d(high, low);
}

template <class T>
void insert_scattered(const T *x, const uint16_t *at) {
    decltype(four(x, at)) sum[4] = {};
    for (int64_t i = 0; i < kIndices; i += 16) {
        for (int k = 0; k < 4; ++k) sum[k] += four(x, at + i + 4 * k);
    }
    keep_sum(sum);
}

inline __m256 gathered(const float *x, const uint16_t *at) {
    return _mm256_i32gather_ps(x, _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(at))), 4);
}

inline __m256d gathered(const double *x, const uint16_t *at) {
    return _mm256_i32gather_pd(x, _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(at))), 8);
}

template <class T>
void gather_scattered(const T *x, const uint16_t *at) {
    constexpr int n = 32 / sizeof(T);
    decltype(gathered(x, at)) sum[4] = {};
    for (int64_t i = 0; i < kIndices; i += 4 * n) {
        for (int k = 0; k < 4; ++k) sum[k] += gathered(x, at + i + n * k);
    }
    keep_sum(sum);
}
#else
template <class T>
constexpr auto insert_scattered = sum_scattered<T>;
template <class T>
constexpr auto gather_scattered = sum_scattered<T>;
#endif

// Of the ways to load from scattered places, that which was the fastest at first: the speed of a virtual machine changes,
// and the best of three would be a lucky moment's.
template <class T>
double scattered_loads(int64_t n, double seconds, int n_threads) {
    using Way = void (*)(const T *, const uint16_t *);
    const auto rate = [&](Way way) {
        return a_second(seconds, n_threads, kIndices, [n, way] {
            return [way, at = places(n), x = std::vector<T>(static_cast<size_t>(n), T(1))] { way(x.data(), at.data()); };
        });
    };
    static const Way fastest = [&] {
        const Way ways[] = {sum_scattered<T>, insert_scattered<T>, gather_scattered<T>};
        double best[3] = {};
        for (int turn = 0; turn < 5; ++turn) {
            for (int i = 0; i < 3; ++i) best[i] = std::max(best[i], rate(ways[i]));
        }
        return ways[std::max_element(best, best + 3) - best];
    }();
    return rate(fastest);
}

// Weights in order, each vector of them with one of states from any place among n: what a strip of links needs.
template <class T>
double strips(int64_t n, int64_t n_weights, double seconds, int n_threads) {
    constexpr int kSums = 8, kWidth = kBytes / sizeof(T);
    const int64_t n_loads = n_weights / (kSums * kWidth) * kSums;
    return a_second(seconds, n_threads, static_cast<double>(n_loads * kWidth), [n, n_loads] {
        return [at = places(n - kWidth, n_loads), x = std::vector<T>(static_cast<size_t>(n), T(1)),
                memory = std::vector<char>(), weights = static_cast<Vec<T> *>(nullptr)]() mutable {
            const auto n_vectors = static_cast<int64_t>(at.size());
            if (memory.empty()) weights = aligned<Vec<T>>(memory, n_vectors);
            const Vec<T> *const w = weights;
            const uint16_t *const place = at.data();
            const T *const from = x.data();
            Vec<T> sum[kSums] = {};
            for (int64_t i = 0; i < n_vectors; i += kSums) {
                for (int k = 0; k < kSums; ++k) {
                    Vec<T> state;
                    std::memcpy(&state, from + place[i + k], sizeof state);
                    sum[k] += w[i + k] * state;
                }
            }
            keep_sum(sum);
        };
    });
}

}  // namespace

extern "C" {

// Bytes, from a buffer of so many.
double probe_loads(int64_t bytes, double seconds, int n_threads) {
    constexpr int kSums = 8;
    const int64_t n = bytes / (kSums * kBytes) * kSums;
    return a_second(seconds, n_threads, static_cast<double>(n * kBytes), [n] {
        return [n, memory = std::vector<char>(), from = static_cast<Vec<float> *>(nullptr)]() mutable {
            if (memory.empty()) from = aligned<Vec<float>>(memory, n);
            const Vec<float> *const x = from;
            Vec<float> sum[kSums] = {};
            for (int64_t i = 0; i < n; i += kSums) {
                for (int k = 0; k < kSums; ++k) sum[k] += x[i + k];
            }
            keep_sum(sum);
        };
    });
}

// Groups of lanes, 128 bytes each, from places among n: what sequences side by side read of one unit.
double probe_scattered_lanes(int64_t n, double seconds, int n_threads) {
    constexpr int kVectors = 128 / kBytes, kSums = 8;
    return a_second(seconds, n_threads, kIndices, [n] {
        return [at = places(n), n, memory = std::vector<char>(), from = static_cast<Vec<float> *>(nullptr)]() mutable {
            if (memory.empty()) from = aligned<Vec<float>>(memory, n * kVectors);
            const Vec<float> *const x = from;
            const uint16_t *const place = at.data();
            Vec<float> sum[kSums] = {};
            for (int64_t i = 0; i < kIndices; i += kSums / kVectors) {
                for (int k = 0; k < kSums; ++k) sum[k] += x[place[i + k / kVectors] * kVectors + k % kVectors];
            }
            keep_sum(sum);
        };
    });
}

double probe_multiply_adds32(double seconds, int n_threads) { return multiply_adds<float>(seconds, n_threads); }
double probe_multiply_adds64(double seconds, int n_threads) { return multiply_adds<double>(seconds, n_threads); }

double probe_strips32(int64_t n, int64_t n_weights, double seconds, int n_threads) {
    return strips<float>(n, n_weights, seconds, n_threads);
}
double probe_strips64(int64_t n, int64_t n_weights, double seconds, int n_threads) {
    return strips<double>(n, n_weights, seconds, n_threads);
}

// Numbers, from places among n.
double probe_scattered_loads32(int64_t n, double seconds, int n_threads) {
    return scattered_loads<float>(n, seconds, n_threads);
}
double probe_scattered_loads64(int64_t n, double seconds, int n_threads) {
    return scattered_loads<double>(n, seconds, n_threads);
}

// float32 weights of n_synapses added at places among n, which spikes do.
double probe_scattered_sums(int64_t n, int64_t n_synapses, double seconds, int n_threads) {
    return a_second(seconds, n_threads, static_cast<double>(n_synapses), [n, n_synapses] {
        return [at = places(n, n_synapses), to = std::vector<float>(static_cast<size_t>(n)),
                weights = std::vector<float>(static_cast<size_t>(n_synapses), 1.0f)]() mutable {
            for (size_t i = 0; i < at.size(); ++i) to[at[i]] += weights[i];
            keep(to);
        };
    });
}

// The same, where each weight is changed by two numbers of its target and written back: the least a plastic synapse does.
double probe_plastic_visits(int64_t n, int64_t n_synapses, double seconds, int n_threads) {
    struct Pair {
        float gain, loss;
    };
    return a_second(seconds, n_threads, static_cast<double>(n_synapses), [n, n_synapses] {
        return [at = places(n, n_synapses), to = std::vector<float>(static_cast<size_t>(n)),
                of = std::vector<Pair>(static_cast<size_t>(n)),
                weights = std::vector<float>(static_cast<size_t>(n_synapses), 1.0f)]() mutable {
            for (size_t i = 0; i < at.size(); ++i) {
                const float weight = weights[i];
                const Pair pair = of[at[i]];
                to[at[i]] += weight;
                weights[i] = weight + pair.gain * 0.5f - pair.loss;
            }
            keep(to);
            keep(weights);
        };
    });
}

// Weights at scattered places among n_synapses, each changed by its source's trace: what synapses into units that spike
// do, in ascending order for each unit.
double probe_entering_visits(int64_t n, int64_t n_synapses, double seconds, int n_threads) {
    struct Entering {
        uint32_t synapse;
        uint32_t source;
    };
    const int64_t n_a_unit = n_synapses / n;
    return a_second(seconds, n_threads, static_cast<double>(n * n_a_unit), [n, n_a_unit] {
        std::mt19937 random(0);
        std::vector<Entering> lists;
        for (int64_t i = 0; i < n; ++i) {
            for (int64_t k = 0; k < n_a_unit; ++k) {
                const auto source = static_cast<uint32_t>((k * n + random() % static_cast<uint32_t>(n)) / n_a_unit);
                const auto nth = random() % static_cast<uint32_t>(n_a_unit);
                lists.push_back({static_cast<uint32_t>(source * n_a_unit + nth), source});
            }
        }
        return [lists, traces = std::vector<float>(static_cast<size_t>(n), 0.5f),
                weights = std::vector<float>(static_cast<size_t>(n * n_a_unit), 1.0f)]() mutable {
            for (const Entering &one : lists) weights[one.synapse] += 1e-9f * traces[one.source];
            keep(weights);
        };
    });
}
}
