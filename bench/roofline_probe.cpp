// What this machine can do at best, for bench/roofline.py: loads from buffers of a size, multiply-adds, loads and sums
// at scattered places. Each probe runs on every thread for a while and returns how much all of them did in a second.
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
void keep(V& value) {
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
T* aligned(std::vector<char>& memory, int64_t n) {
    memory.assign(static_cast<size_t>(n) * sizeof(T) + 64, 1);
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    return reinterpret_cast<T*>((address + 63) / 64 * 64);
}

// Seconds this thread has had a processor: what else runs on the machine does not count.
double busy() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// `make` returns, for one thread, what does one pass.
template <class Make>
double a_second(double seconds, int n_threads, double of_pass, const Make& make) {
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
    for (std::thread& thread : threads) thread.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    return sum;
}

constexpr int64_t kIndices = 8192;

std::vector<uint16_t> places(int64_t n, int64_t n_indices = kIndices) {
    std::mt19937 random(0);
    std::vector<uint16_t> at(static_cast<size_t>(n_indices));
    for (uint16_t& each : at) each = static_cast<uint16_t>(random() % static_cast<uint32_t>(n));
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

// A vector from scattered places: one by one, as compilers make it
template <class T>
struct OneByOne {
    Vec<T> operator()(const T* x, const uint16_t* at) const {
        Vec<T> v;
        for (size_t i = 0; i < kBytes / sizeof(T); ++i) v[i] = x[at[i]];
        return v;
    }
};

#if defined(__AVX2__) && defined(__GNUC__)
// by loads and inserts, columns four at a time: the way of our kernels
inline __m128 four(const float* x, const uint16_t* at) {
    uint64_t c;
    std::memcpy(&c, at, sizeof c);
    __m128 v = _mm_load_ss(x + (c & 0xFFFF));
    v = _mm_insert_ps(v, _mm_load_ss(x + (c >> 16 & 0xFFFF)), 0x10);
    v = _mm_insert_ps(v, _mm_load_ss(x + (c >> 32 & 0xFFFF)), 0x20);
    return _mm_insert_ps(v, _mm_load_ss(x + (c >> 48)), 0x30);
}

inline __m256d four(const double* x, const uint16_t* at) {
    uint64_t c;
    std::memcpy(&c, at, sizeof c);
    const __m128d low = _mm_loadh_pd(_mm_load_sd(x + (c & 0xFFFF)), x + (c >> 16 & 0xFFFF));
    const __m128d high = _mm_loadh_pd(_mm_load_sd(x + (c >> 32 & 0xFFFF)), x + (c >> 48));
    return _mm256_set_m128d(high, low);
}

inline __m256 half(const float* x, const uint16_t* at) {
    return _mm256_set_m128(four(x, at + 4), four(x, at));
}
inline __m256d half(const double* x, const uint16_t* at) {
    return four(x, at);
}

// or by the instruction for it.
inline __m256 gathered(const float* x, const uint16_t* at) {
    return _mm256_i32gather_ps(x, _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))), 4);
}

inline __m256d gathered(const double* x, const uint16_t* at) {
    return _mm256_i32gather_pd(x, _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))), 8);
}

#if defined(__AVX512DQ__)
inline Vec<float> joined(__m256 low, __m256 high) {
    return (Vec<float>)_mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}
inline Vec<double> joined(__m256d low, __m256d high) {
    return (Vec<double>)_mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
}
#endif

template <class T, bool kGather>
struct ByHalves {
    static auto one(const T* x, const uint16_t* at) {
        if constexpr (kGather)
            return gathered(x, at);
        else
            return half(x, at);
    }
    Vec<T> operator()(const T* x, const uint16_t* at) const {
#if defined(__AVX512DQ__)
        return joined(one(x, at), one(x, at + 32 / sizeof(T)));
#else
        return (Vec<T>)one(x, at);
#endif
    }
};
template <class T>
using Inserts = ByHalves<T, false>;
template <class T>
using Gathers = ByHalves<T, true>;
#else
template <class T>
using Inserts = OneByOne<T>;
template <class T>
using Gathers = OneByOne<T>;
#endif

// The rate of that way which was the fastest at first: the speed of a virtual machine changes, and the best of three
// would be a lucky moment's.
template <class T, class Rate>
double fastest_way(const Rate& rate) {
    static const int fastest = [&] {
        double best[3] = {};
        for (int turn = 0; turn < 5; ++turn) {
            const double rates[] = {rate(OneByOne<T>()), rate(Inserts<T>()), rate(Gathers<T>())};
            for (int i = 0; i < 3; ++i) best[i] = std::max(best[i], rates[i]);
        }
        return static_cast<int>(std::max_element(best, best + 3) - best);
    }();
    return fastest == 0 ? rate(OneByOne<T>()) : fastest == 1 ? rate(Inserts<T>()) : rate(Gathers<T>());
}

template <class T>
double scattered_loads(int64_t n, double seconds, int n_threads) {
    constexpr int kSums = 4, kWidth = kBytes / sizeof(T);
    return fastest_way<T>([&](auto way) {
        return a_second(seconds, n_threads, kIndices, [=] {
            return [way, places = places(n), memory = std::vector<T>(static_cast<size_t>(n), T(1))] {
                const T* const x = memory.data();
                const uint16_t* const at = places.data();
                Vec<T> sum[kSums] = {};
                for (int64_t i = 0; i < kIndices; i += kSums * kWidth) {
                    for (int k = 0; k < kSums; ++k) sum[k] += way(x, at + i + k * kWidth);
                }
                keep_sum(sum);
            };
        });
    });
}

// A step of a network without its activations: sums of links, each a weight times a state, and for every unit a bias
// and an input weight, all of them loaded, and a state stored.
constexpr int64_t kBlock = 16, kTogether = 4;

template <class T>
struct Step {
    int64_t n_blocks, n_slots;
    std::vector<uint16_t> at;
    std::vector<char> memory;
    T *weights, *bias, *input, *state, *next;

    // So many states a unit, and so many places a link of each block.
    Step(int64_t n_units, int64_t n_links, int64_t n_states, int64_t n_places)
        : n_blocks(std::max<int64_t>(1, n_units / (kTogether * kBlock)) * kTogether),
          n_slots(std::max<int64_t>(1, n_links / (n_blocks * kBlock))) {
        at = places(n_blocks * kBlock - kBlock, n_blocks * n_slots * n_places);
        const int64_t n = n_blocks * kBlock, all = n * n_slots;
        weights = aligned<T>(memory, all + 2 * n + 2 * n * n_states);
        std::fill_n(weights, all + 2 * n + 2 * n * n_states, T(0.01));
        bias = weights + all;
        input = bias + n;
        state = input + n;
        next = state + n * n_states;
    }
    Step(Step&&) = default;  // the arrays lie in memory, which a copy would not have
    double n_links() const { return static_cast<double>(n_blocks * kBlock * n_slots); }
};

template <class V, class T>
V vector_at(const T* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

// Links of so many blocks together, whose vectors of states `load` takes from where a slot says.
template <class T, int64_t kBlocks, class Load>
void sum_blocks(Step<T>& step, const Load& load) {
    constexpr int kWidth = kBytes / sizeof(T), kVectors = kBlock / kWidth;
    const Step<T>& s = step;
    const T *const w = s.weights, *const x = s.state;
    const uint16_t* const at = s.at.data();
    T* const next = s.next;
    const int64_t n_slots = s.n_slots;
    for (int64_t block = 0; block < s.n_blocks; block += kBlocks) {
        Vec<T> sum[kBlocks * kVectors];
        for (int i = 0; i < kBlocks * kVectors; ++i) {
            const int64_t unit = block * kBlock + i * kWidth;
            sum[i] = vector_at<Vec<T>>(s.bias + unit) + vector_at<Vec<T>>(s.input + unit);
        }
        for (int64_t slot = block * n_slots; slot < (block + 1) * n_slots; ++slot) {
            for (int i = 0; i < kBlocks * kVectors; ++i) {
                const int64_t of = slot + i / kVectors * n_slots;
                sum[i] += vector_at<Vec<T>>(w + of * kBlock + i % kVectors * kWidth) * load(x, at, of, i % kVectors);
            }
        }
        for (int i = 0; i < kBlocks * kVectors; ++i) {
            const int64_t unit = block * kBlock + i * kWidth;
            std::memcpy(next + unit, &sum[i], sizeof sum[i]);
        }
    }
    keep(step);
}

template <class T>
double strips(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    constexpr int kWidth = kBytes / sizeof(T);
    const auto one_strip = [](const T* x, const uint16_t* at, int64_t slot, int h) {
        return vector_at<Vec<T>>(x + at[slot] + h * kWidth);
    };
    const auto aligned_strips = [=] {
        Step<T> step(n_units, n_links, 1, 1);
        for (uint16_t& at : step.at) at -= at % kBlock;
        return step;
    };
    return a_second(seconds, n_threads, aligned_strips().n_links(), [=] {
        return [=, step = aligned_strips()]() mutable { sum_blocks<T, kTogether>(step, one_strip); };
    });
}

template <class T>
double scattered_links(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    constexpr int kWidth = kBytes / sizeof(T);
    const auto rate = [&](auto way) {
        const auto load = [way](const T* x, const uint16_t* at, int64_t slot, int h) {
            return way(x, at + slot * kBlock + h * kWidth);
        };
        return a_second(seconds, n_threads, Step<T>(n_units, n_links, 1, kBlock).n_links(), [=] {
            return [=, step = Step<T>(n_units, n_links, 1, kBlock)]() mutable { sum_blocks<T, 1>(step, load); };
        });
    };
    return fastest_way<T>(rate);
}

// The same of sequences side by side: groups of 128 bytes a unit, that a weight is multiplied with.
template <class T>
double scattered_lanes(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    constexpr int kVectors = 128 / kBytes, kRows = 4, kWidth = kBytes / sizeof(T);
    return a_second(seconds, n_threads, Step<T>(n_units, n_links, 1, 1).n_links(), [=] {
        return [=, step = Step<T>(n_units, n_links, kVectors * kWidth, kBlock)]() mutable {
            const Step<T>& s = step;
            const T *const w = s.weights, *const x = s.state;
            const uint16_t* const at = s.at.data();
            T* const next = s.next;
            const int64_t n_slots = s.n_slots;
            for (int64_t row = 0; row < s.n_blocks * kBlock; row += kRows) {
                Vec<T> sum[kRows * kVectors];
                for (int i = 0; i < kRows * kVectors; ++i) {
                    sum[i] = Vec<T>{} + (s.bias[row + i / kVectors] + s.input[row + i / kVectors]);
                }
                const int64_t first = row / kBlock * n_slots * kBlock + row % kBlock;
                for (int64_t link = first; link < first + n_slots * kBlock; link += kBlock) {
                    for (int i = 0; i < kRows * kVectors; ++i) {
                        const int64_t of = link + i / kVectors;
                        sum[i] += w[of] * vector_at<Vec<T>>(x + (at[of] * kVectors + i % kVectors) * kWidth);
                    }
                }
                for (int i = 0; i < kRows * kVectors; ++i) {
                    const int64_t place = (row * kVectors + i) * kWidth;
                    std::memcpy(next + place, &sum[i], sizeof sum[i]);
                }
            }
            keep(step);
        };
    });
}

// Synapses one by one.
struct Alone {
    static constexpr int64_t kLanes = 1;
    explicit Alone(int64_t = 0) {}

    static uint16_t indices(const uint16_t* from) { return *from; }
    static float take(const float* from) { return *from; }
    static void give(float* to, float x) { *to = x; }
    static float pick(const float* from, uint16_t at) { return from[at]; }
    static void put(float* to, uint16_t at, float x) { to[at] = x; }
};

#if defined(__AVX512BW__) && defined(__AVX512VL__)
// A vector of synapses of one source, or what is left of them, by gathers and scatters.
struct Together {
    static constexpr int64_t kLanes = 16;
    __mmask16 used;

    explicit Together(int64_t left = kLanes) : used(static_cast<__mmask16>(left < kLanes ? (1u << left) - 1 : 0xFFFF)) {}

    __m512i indices(const uint16_t* from) const {
        return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(used, from));
    }
    __m512 take(const float* from) const { return _mm512_maskz_loadu_ps(used, from); }
    void give(float* to, __m512 x) const { _mm512_mask_storeu_ps(to, used, x); }
    __m512 pick(const float* from, __m512i at) const { return _mm512_mask_i32gather_ps(__m512{}, used, at, from, 4); }
    void put(float* to, __m512i at, __m512 x) const { _mm512_mask_i32scatter_ps(to, used, at, x, 4); }
};

template <class Probe>
double of_the_faster(const Probe& probe) {
    return std::max(probe(Alone()), probe(Together()));
}
#else
template <class Probe>
double of_the_faster(const Probe& probe) {
    return probe(Alone());
}
#endif

// Rows of synapses in the order in which their sources spike.
struct Rows {
    const int64_t* start;
    const uint16_t* targets;
    int64_t n_sources;
    const int32_t* spikes;
    int64_t n_spikes;
    int64_t n_units;

    int64_t n_synapses() const { return start[n_sources]; }
    double n_visits() const {
        int64_t n = 0;
        for (int64_t s = 0; s < n_spikes; ++s) n += start[spikes[s] + 1] - start[spikes[s]];
        return static_cast<double>(n);
    }
    // visit(synapse, lanes), row after row.
    template <class Way, class Visit>
    void each(Way, const Visit& visit) const {
        for (int64_t s = 0; s < n_spikes; ++s) {
            const int64_t end = start[spikes[s] + 1];
            for (int64_t k = start[spikes[s]]; k < end; k += Way::kLanes) visit(k, Way(end - k));
        }
    }
};

}  // namespace

extern "C" {

// Bytes, from a buffer of so many.
double probe_loads(int64_t bytes, double seconds, int n_threads) {
    constexpr int kSums = 8;
    const int64_t n = bytes / (kSums * kBytes) * kSums;
    return a_second(seconds, n_threads, static_cast<double>(n * kBytes), [n] {
        return [n, memory = std::vector<char>(), from = static_cast<Vec<float>*>(nullptr)]() mutable {
            if (memory.empty()) from = aligned<Vec<float>>(memory, n);
            const Vec<float>* const x = from;
            Vec<float> sum[kSums] = {};
            for (int64_t i = 0; i < n; i += kSums) {
                for (int k = 0; k < kSums; ++k) sum[k] += x[i + k];
            }
            keep_sum(sum);
        };
    });
}

double probe_multiply_adds32(double seconds, int n_threads) {
    return multiply_adds<float>(seconds, n_threads);
}
double probe_multiply_adds64(double seconds, int n_threads) {
    return multiply_adds<double>(seconds, n_threads);
}

// Numbers, from places among n.
double probe_scattered_loads32(int64_t n, double seconds, int n_threads) {
    return scattered_loads<float>(n, seconds, n_threads);
}
double probe_scattered_loads64(int64_t n, double seconds, int n_threads) {
    return scattered_loads<double>(n, seconds, n_threads);
}

// Links of steps of so many units.
double probe_scattered_links32(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return scattered_links<float>(n_units, n_links, seconds, n_threads);
}
double probe_scattered_links64(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return scattered_links<double>(n_units, n_links, seconds, n_threads);
}
double probe_strips32(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return strips<float>(n_units, n_links, seconds, n_threads);
}
double probe_strips64(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return strips<double>(n_units, n_links, seconds, n_threads);
}
double probe_scattered_lanes32(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return scattered_lanes<float>(n_units, n_links, seconds, n_threads);
}
double probe_scattered_lanes64(int64_t n_units, int64_t n_links, double seconds, int n_threads) {
    return scattered_lanes<double>(n_units, n_links, seconds, n_threads);
}

// Synapses whose weights are added to what their targets get.
double probe_delivery(const int64_t* start, const uint16_t* targets, int64_t n_sources, const int32_t* spikes,
                      int64_t n_spikes, int64_t n_units, double seconds, int n_threads) {
    const Rows rows{start, targets, n_sources, spikes, n_spikes, n_units};
    return of_the_faster([&](auto way) {
        return a_second(seconds, n_threads, rows.n_visits(), [rows, way] {
            return [rows, way, to = std::vector<float>(static_cast<size_t>(rows.n_units)),
                    weights = std::vector<float>(static_cast<size_t>(rows.n_synapses()), 1.0f)]() mutable {
                float* const arrived = to.data();
                const float* const weight = weights.data();
                rows.each(way, [&](int64_t k, auto some) {
                    const auto at = some.indices(rows.targets + k);
                    some.put(arrived, at, some.pick(arrived, at) + some.take(weight + k));
                });
                keep(to);
            };
        });
    });
}

// The same, where each weight is changed by a number of its target and written back: the least a plastic synapse does
// as its source spikes.
double probe_plastic_delivery(const int64_t* start, const uint16_t* targets, int64_t n_sources, const int32_t* spikes,
                              int64_t n_spikes, int64_t n_units, double seconds, int n_threads) {
    const Rows rows{start, targets, n_sources, spikes, n_spikes, n_units};
    return of_the_faster([&](auto way) {
        return a_second(seconds, n_threads, rows.n_visits(), [rows, way] {
            return [rows, way, to = std::vector<float>(static_cast<size_t>(rows.n_units)),
                    traces = std::vector<float>(static_cast<size_t>(rows.n_units)),
                    weights = std::vector<float>(static_cast<size_t>(rows.n_synapses()), 1.0f)]() mutable {
                float *const arrived = to.data(), *const weight = weights.data();
                const float* const trace = traces.data();
                rows.each(way, [&](int64_t k, auto some) {
                    const auto at = some.indices(rows.targets + k);
                    const auto before = some.take(weight + k);
                    const auto change = some.pick(trace, at) * 0.5f;
                    some.put(arrived, at, some.pick(arrived, at) + before);
                    some.give(weight + k, before - change);
                });
                keep(to);
                keep(weights);
            };
        });
    });
}

// Synapses into the units that spike, each changed by its source's trace.
double probe_entering_visits(const int64_t* start, const uint16_t* targets, int64_t n_sources, const int32_t* spikes,
                             int64_t n_spikes, int64_t n_units, double seconds, int n_threads) {
    struct Entering {
        uint32_t synapse, source;
    };
    const int64_t n_synapses = start[n_sources];
    std::vector<int64_t> begin(static_cast<size_t>(n_units) + 1);
    for (int64_t k = 0; k < n_synapses; ++k) ++begin[targets[k] + 1u];
    for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    std::vector<Entering> lists(static_cast<size_t>(n_synapses));
    std::vector<int64_t> end(begin.begin(), begin.end() - 1);
    for (int64_t source = 0; source < n_sources; ++source) {
        for (int64_t k = start[source]; k < start[source + 1]; ++k) {
            lists[static_cast<size_t>(end[targets[k]]++)] = {static_cast<uint32_t>(k), static_cast<uint32_t>(source)};
        }
    }
    const Rows rows{begin.data(), targets, n_units, spikes, n_spikes, n_units};
    return a_second(seconds, n_threads, rows.n_visits(), [&] {
        return [rows, lists, traces = std::vector<float>(static_cast<size_t>(n_sources), 0.5f),
                weights = std::vector<float>(static_cast<size_t>(n_synapses), 1.0f)]() mutable {
            const Entering* const list = lists.data();
            const float* const trace = traces.data();
            float* const weight = weights.data();
            rows.each(Alone(), [&](int64_t k, Alone) { weight[list[k].synapse] += 1e-9f * trace[list[k].source]; });
            keep(weights);
        };
    });
}
}
