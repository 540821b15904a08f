// The one place that knows OpenMP. Loops are parallel over whole sequences; only where a single sequence has large
// steps do threads share each of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

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

using Clock = std::chrono::steady_clock;

// Where the threads of a team wait for each other, every few microseconds: too often to sleep. What they gain depends
// on how far apart their processors are and on what else these do, so the first of them compares the time that steps
// take with what they would take on one thread; a team that loses time is given up, and for ten times as long as it has
// lost there is no other.
class Meeting {
public:
    static bool is_advised() { return Clock::now().time_since_epoch().count() >= not_before_.load(); }

    Meeting(int n_seats, Clock::duration step_alone)
        : step_alone_(step_alone),
          most_lost_(std::max<Clock::duration>(kMostLost, step_alone)),
          seats_(static_cast<std::size_t>(n_seats)) {}

    // How many of a team should meet for so many steps: to find out that it does not pay may take a millisecond.
    int size(int team, std::int64_t n_steps) const { return n_steps * step_alone_ < 4 * kMostLost ? 1 : team; }

    // Whether to stay together: the same for all.
    bool wait(int thread, int n_threads) {
        std::atomic<std::uint64_t>& own = seats_[static_cast<std::size_t>(thread)].arrival;
        const std::uint64_t arrival = (own.load(std::memory_order_relaxed) | 1) + 1;
        bool is_last = thread == 0 && loses_time();
        own.store(arrival + (is_last ? 1 : 0), std::memory_order_release);
        std::int64_t n_looks = 0;
        for (int other = 0; other < n_threads; ++other) {
            const std::atomic<std::uint64_t>& theirs = seats_[static_cast<std::size_t>(other)].arrival;
            std::uint64_t seen = theirs.load(std::memory_order_acquire);
            for (; seen < arrival; seen = theirs.load(std::memory_order_acquire), ++n_looks) pause();
            // Whoever is one step ahead may have decided already to part after that one.
            is_last = is_last || seen == arrival + 1;
        }
        if (thread == 0) has_waited(n_looks);
        return !is_last;
    }

    // For those who part: the first goes on faster while they do not look for work.
    void sleep() const {
        while (!over_.load(std::memory_order_acquire)) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    void end() { over_.store(true, std::memory_order_release); }

private:
    // Each in a line of its own, which one writes and the others read.
    struct alignas(128) Seat {
        std::atomic<std::uint64_t> arrival{0};  // twice the number of the meeting; one more: the last
    };

    // The first looks at the clock every so many steps, and after one for which it has waited as long as for a thread
    // that has no processor.
    static constexpr int kStepsAtOnce = 64;
    static constexpr std::int64_t kManyLooks = 1000;
    static constexpr std::chrono::milliseconds kMostLost{1};  // or a step, if that is longer: the time of each varies

    void has_waited(std::int64_t n_looks) {
        is_late_ = n_looks > kManyLooks;
        if (n_steps_ >= 0) return;
        n_steps_ = 0;
        since_ = Clock::now();
    }
    bool loses_time() {
        if (n_steps_ < 0 || (++n_steps_ < kStepsAtOnce && !is_late_)) return false;
        const Clock::time_point now = Clock::now();
        gained_ = std::min(20 * most_lost_, gained_ + n_steps_ * step_alone_ - (now - since_));
        since_ = now;
        n_steps_ = 0;
        if (gained_ >= -most_lost_) return false;
        not_before_.store((now - 10 * gained_).time_since_epoch().count());
        return true;
    }

    static inline std::atomic<Clock::rep> not_before_{0};

    const Clock::duration step_alone_;
    const Clock::duration most_lost_;
    std::int64_t n_steps_ = -1;  // since it looked; below 0: until all are awake
    Clock::time_point since_;
    bool is_late_ = false;
    Clock::duration gained_{0};
    std::vector<Seat> seats_;
    std::atomic<bool> over_{false};
};

// Makes the first of so many steps on one thread, a few at a time, by run(from, until); returns how many and how long
// one takes at least. Some that take a millisecond are enough: so long a time is no accident.
template <class Run>
std::pair<std::int64_t, Clock::duration> time_alone(std::int64_t n_steps, std::int64_t n_at_once, const Run& run) {
    constexpr int kTimes = 4;
    constexpr std::chrono::milliseconds kLongEnough{1};
    Clock::duration least = Clock::duration::max();
    std::int64_t done = 0;
    for (int i = 0; i < kTimes && done + n_at_once <= n_steps && (i == 0 || least < kLongEnough); ++i) {
        const Clock::time_point begin = Clock::now();
        run(done, done + n_at_once);
        least = std::min(least, Clock::now() - begin);
        done += n_at_once;
    }
    return {done, least / n_at_once};
}

}  // namespace reservoirs
