// The one place that knows OpenMP. Loops are parallel over whole sequences, never within a step.
#pragma once

#include <algorithm>
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

}  // namespace reservoirs
