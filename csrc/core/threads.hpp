// The one place that knows OpenMP. Loops are parallel over whole sequences; only where a single sequence has large
// steps do threads share each of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace reservoirs {

// More threads than this cannot help, and OpenMP ends the process where it cannot create them.
inline int most_threads() {
#if defined(_OPENMP)
    return std::max(64, 4 * omp_get_num_procs());
#else
    return 1;
#endif
}

// How many can run at the same time.
inline int n_processors() {
#if defined(_OPENMP)
    return omp_get_num_procs();
#else
    return 1;
#endif
}

inline int team_size(int n_threads, std::int64_t n_tasks) {
    return static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>({n_threads, n_tasks, most_threads()})));
}

// Calls body(task, thread) for every task. The body may neither allocate nor throw: no exception leaves the region.
template <class Body>
void parallel_for(std::int64_t n_tasks, int team, const Body& body) {
#if defined(_OPENMP)
#pragma omp parallel for schedule(dynamic, 1) num_threads(team) if (team > 1)
    for (std::int64_t task = 0; task < n_tasks; ++task) body(task, omp_get_thread_num());
#else
    static_cast<void>(team);
    for (std::int64_t task = 0; task < n_tasks; ++task) body(task, 0);
#endif
}

// Calls body(thread, n_threads) on every thread of a team, which may be smaller than asked for.
template <class Body>
void in_team(int team, const Body& body) {
#if defined(_OPENMP)
#pragma omp parallel num_threads(team) if (team > 1)
    body(omp_get_thread_num(), omp_get_num_threads());
#else
    static_cast<void>(team);
    body(0, 1);
#endif
}

inline void pause() {
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_ia32_pause();  // what shares the core may go on meanwhile
#endif
}

// Where the threads of a team wait for each other, every few microseconds: too often to sleep. Whoever has lost its
// processor to another process keeps all others waiting, so a team that has lost much time that way is given up.
class Meeting {
public:
    // Whether to stay together: the same for all.
    bool wait(int n_threads) {
        const unsigned round = round_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads) {
            arrived_.store(0, std::memory_order_relaxed);
            const Clock::duration lost{lost_.load(std::memory_order_relaxed)};
            together_ = lost <= kSpare || lost <= (Clock::now() - begin_) / 3;
            round_.store(round + 1, std::memory_order_release);
        } else if (!released(round)) {
            const Clock::time_point begin = Clock::now();
            while (!released(round)) continue;
            lost_.fetch_add((Clock::now() - begin).count(), std::memory_order_relaxed);
        }
        return together_;
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr int kLooks = 64;
    static constexpr std::chrono::milliseconds kSpare{1};

    bool released(unsigned round) const {
        for (int look = 0; look < kLooks; ++look) {
            if (round_.load(std::memory_order_acquire) != round) return true;
            pause();
        }
        return false;
    }

    const Clock::time_point begin_ = Clock::now();
    bool together_ = true;
    std::atomic<Clock::rep> lost_{0};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<unsigned> round_{0};
};

}  // namespace reservoirs
