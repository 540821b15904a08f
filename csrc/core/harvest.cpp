// Many sequences through one network. Sequences of similar length run in lockstep lanes that share each read of the
// weights; the few that are left over, or outlast their group, run alone. Which way a sequence goes changes no bit of
// its states, so groups may be formed to suit the number of threads.

#include <algorithm>
#include <atomic>
#include <numeric>

#include "reservoirs/network.hpp"
#include "reservoirs/random.hpp"
#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

namespace {

// A narrow group of lanes costs about as much as this many sequences alone (measured on Zen 5: 4.1 to 4.4).
constexpr std::int64_t kFewestLanes = 5;

template <class T>
constexpr int lanes_in(int width) {
    return (width == 0 ? kNarrowLaneBytes : kWideLaneBytes) / static_cast<int>(sizeof(T));
}

std::int64_t length(const Stretch& s) {
    return s.end - s.begin;
}

// So many or some more, such that every thread gets as many as the others.
std::int64_t whole_shares(std::int64_t n, std::int64_t n_threads) {
    return (n + n_threads - 1) / n_threads * n_threads;
}

std::int64_t lanes_a_group(std::int64_t n_sequences, std::int64_t most, std::int64_t n_threads) {
    const std::int64_t n_groups = whole_shares((n_sequences + most - 1) / most, n_threads);
    return (n_sequences + n_groups - 1) / n_groups;
}

template <class T>
void add_noise(const StateNoise& noise, std::size_t index, std::int64_t offset, std::int64_t first_unit,
               std::int64_t n_units, std::int64_t stride, T* state) {
    const NoiseKey key{noise.seed, static_cast<std::uint32_t>(noise.sequence[index]),
                       static_cast<std::uint64_t>(noise.first_step[index] + offset)};
    for (std::int64_t i = 0; i < n_units; ++i) {
        const double value = normal(key, RandomStream::state_noise, static_cast<std::uint32_t>(first_unit + i));
        state[i * stride] = state[i * stride] + static_cast<T>(noise.scale * value);
    }
}

// Two threads that write to new memory at the same time are given a page each, of which one is thrown away (measured:
// half as long again). So one of them goes ahead.
template <class T>
void touch_pages(T* row, std::int64_t n) {
    constexpr std::int64_t page = 4096 / sizeof(T);
    for (std::int64_t i = 0; i < n; i += page) row[i] = T(0);
    row[n - 1] = T(0);
}

}  // namespace

// Stretches `order[0..count)`, longest first.
template <class T>
struct Network<T>::Group {
    const std::size_t* order;
    std::int64_t count;
    int width;  // 0 narrow, 1 wide, -1: one sequence alone
};

template <class T>
struct Network<T>::LaneWorkspace {
    Workspace units;
    Aligned<T> input;
    Aligned<T> unpacked;   // [lane][unit], for outputs that bypass the caches
    std::vector<T*> rows;  // [lane] where unpacked states go
    const Group* group = nullptr;
    std::int64_t running = 0;  // lanes that have not ended

    // Whether there is a row to write to: row_of(lane), null for a lane that has none.
    template <class RowOf>
    bool point_rows(const RowOf& row_of) {
        for (std::size_t lane = 0; lane < rows.size(); ++lane) {
            const auto i = static_cast<std::int64_t>(lane);
            rows[lane] = i < group->count ? row_of(i) : nullptr;
        }
        return std::any_of(rows.begin(), rows.end(), [](const T* row) { return row != nullptr; });
    }
    void unpack(const Kernels<T>& k, const T* from, const std::vector<Part>& parts) {
        for (const Part& part : parts) {
            k.unpack_lanes[group->width](from + part.inner * n_lanes(), part.size, rows.data());
            for (T*& row : rows) row = row == nullptr ? nullptr : row + part.size;
        }
    }
    std::int64_t n_lanes() const { return static_cast<std::int64_t>(rows.size()); }
};

template <class T>
void Network<T>::write_row(const Kernels<T>& k, const Workspace& w, bool past_caches, T* row) const {
    if (!past_caches) return store_shown(w, row);
    for (const Part& part : shown_parts_) k.stream_row(shown(w) + part.inner, part.size, row + part.outer);
}

template <class T>
void Network<T>::begin_alone(const Harvest<T>& job, std::size_t index, Workspace& w) const {
    if (job.leak != nullptr) {
        w.leak.assign(static_cast<std::size_t>(n_rows()), job.leak[index]);
        w.keep.assign(static_cast<std::size_t>(n_rows()), job.keep[index]);
    }
    load_state(job.states + static_cast<std::int64_t>(index) * n_state_, w);
}

// One meeting a step is enough: rows are written to the slot that nobody reads before the next meeting. Where threads
// keep each other waiting, the first goes on alone.
template <class T>
void Network<T>::run_rows(const Kernels<T>& k, const Harvest<T>& job, std::size_t index, std::int64_t from,
                          std::int64_t until, Workspace& w, const Member& member) const {
    const Stretch& s = job.stretches[index];
    T* const slots[] = {w.state(), next_slot(w)};
    StageStep<T> step = first_step(-1, nullptr, nullptr, w);
    take_share(member, step);
    // act(place in a slot, place in a row, how many), for the units among them
    const auto each_part = [&](const auto& act) {
        for (const Part& part : shown_parts_) {
            const std::int64_t first = std::max(part.inner, step.first_block * kBlockRows);
            const std::int64_t last = std::min(part.inner + part.size, step.last_block * kBlockRows);
            if (first < last) act(first, part.outer + first - part.inner, last - first);
        }
    };
    const Kernel of_blocks = kernel(k, weights_, activation_, -1);
    bool together = member.n_threads > 1;
    for (std::int64_t t = from; t < until; ++t) {
        T* const next = slots[(t - from + 1) % 2];
        step.input = job.inputs + (s.begin + t) * n_inputs_;
        step.state = step.carried = slots[(t - from) % 2];
        step.next = next;
        step.backwards = (t - from) % 2 != 0;
        of_blocks(step);
        if (job.noise.scale > 0) {
            each_part([&](std::int64_t inner, std::int64_t outer, std::int64_t n) {
                add_noise(job.noise, index, t, outer, n, 1, next + inner);
            });
        }
        if (job.out != nullptr && s.begin + t >= s.store_from) {
            T* const row = job.out + (s.out_row + s.begin + t - s.store_from) * job.out_stride;
            each_part([&](std::int64_t inner, std::int64_t outer, std::int64_t n) {
                if (job.past_caches) return k.stream_row(next + inner, n, row + outer);
                std::copy_n(next + inner, n, row + outer);
            });
            if (together && member.thread == 0 && t + 1 < until) touch_pages(row + job.out_stride, n_units_);
        }
        if (together && !member.meeting->wait(member.thread, member.n_threads)) {
            if (member.thread > 0) return member.meeting->sleep();
            together = false;
            take_share({0, 1, nullptr}, step);
        }
    }
}

template <class T>
void Network<T>::run_alone(const Kernels<T>& k, const Harvest<T>& job, std::size_t index, std::int64_t from,
                           Workspace& w) const {
    const Stretch& s = job.stretches[index];
    begin_alone(job, index, w);
    if (is_plain()) {
        run_rows(k, job, index, from, length(s), w, {0, 1, nullptr});
        w.present = (w.present + length(s) - from) % 2;
        return store_state(w, job.states + static_cast<std::int64_t>(index) * n_state_);
    }
    for (std::int64_t row = s.begin + from; row < s.end; ++row) {
        advance(k, -1, job.inputs + row * n_inputs_, w);
        if (job.noise.scale > 0) {
            for (const Part& part : shown_parts_) {
                add_noise(job.noise, index, row - s.begin, part.outer, part.size, 1, w.state() + part.inner);
            }
        }
        settle(k, w);
        if (job.out != nullptr && row >= s.store_from) {
            write_row(k, w, job.past_caches, job.out + (s.out_row + row - s.store_from) * job.out_stride);
        }
    }
    store_state(w, job.states + static_cast<std::int64_t>(index) * n_state_);
}

template <class T>
void Network<T>::run_together(const Kernels<T>& k, const Harvest<T>& job, int team) const {
    Workspace w = make_workspace();
    begin_alone(job, 0, w);
    const auto rows = [&](std::int64_t from, std::int64_t until, const Member& member) {
        run_rows(k, job, 0, from, until, w, member);
    };
    const auto alone = [&](std::int64_t from, std::int64_t until) {
        rows(from, until, {0, 1, nullptr});
        w.present = (w.present + until - from) % 2;
    };
    const std::int64_t until = length(job.stretches[0]);
    const auto [begin, step_alone] = time_alone(until, n_steps_to_time(), alone);
    const std::int64_t from = begin;
    Meeting meeting(team, step_alone);
    in_team(meeting.size(team, until - from), [&](int thread, int n_threads) {
        rows(from, until, {thread, n_threads, &meeting});
        if (thread == 0) meeting.end();
        // Streamed stores are weakly ordered: the output may be read as soon as the region ends.
        std::atomic_thread_fence(std::memory_order_seq_cst);
    });
    w.present = (w.present + until - from) % 2;
    store_state(w, job.states);
}

template <class T>
void Network<T>::begin_lanes(const Kernels<T>& k, const Harvest<T>& job, const Group& group,
                             LaneWorkspace& lanes) const {
    const std::int64_t n_lanes = lanes.n_lanes();
    lanes.group = &group;
    lanes.running = group.count;
    std::fill(lanes.units.slots.begin(), lanes.units.slots.end(), T(0));
    std::fill(lanes.input.begin(), lanes.input.end(), T(0));
    lanes.units.present = 0;
    for (const Part& part : state_parts_) {
        T* to = lanes.units.state() + part.inner * n_lanes;
        for (std::int64_t lane = 0; lane < group.count; ++lane) {
            const T* from = job.states + static_cast<std::int64_t>(group.order[lane]) * n_state_ + part.outer;
            for (std::int64_t i = 0; i < part.size; ++i) to[i * n_lanes + lane] = from[i];
        }
    }
    settle(k, lanes.units);
    if (job.leak == nullptr) return;
    lanes.units.leak.assign(static_cast<std::size_t>(n_lanes), T(0));
    lanes.units.keep.assign(static_cast<std::size_t>(n_lanes), T(0));
    for (std::int64_t lane = 0; lane < group.count; ++lane) {
        lanes.units.leak[static_cast<std::size_t>(lane)] = job.leak[group.order[lane]];
        lanes.units.keep[static_cast<std::size_t>(lane)] = job.keep[group.order[lane]];
    }
}

// Lanes end from the back: the shortest come last. Where too few are left to share, they go on alone, and false is
// returned.
template <class T>
bool Network<T>::begin_row(const Kernels<T>& k, const Harvest<T>& job, std::int64_t t, LaneWorkspace& lanes,
                           Workspace& alone) const {
    const std::size_t* order = lanes.group->order;
    std::int64_t running = lanes.running;
    while (running > 0 && length(job.stretches[order[running - 1]]) <= t) --running;
    const bool disband = running < kFewestLanes;
    if (running < lanes.running || disband) {
        const std::int64_t first_ended = disband ? 0 : running;
        lanes.point_rows([&](std::int64_t lane) {
            return lane >= first_ended && lane < lanes.running
                       ? job.states + static_cast<std::int64_t>(order[lane]) * n_state_
                       : nullptr;
        });
        lanes.unpack(k, lanes.units.state(), state_parts_);
        lanes.running = running;
    }
    if (disband) {
        for (std::int64_t lane = 0; lane < running; ++lane) run_alone(k, job, order[lane], t, alone);
        return false;
    }
    for (std::int64_t lane = 0; lane < running; ++lane) {
        const T* u = job.inputs + (job.stretches[order[lane]].begin + t) * n_inputs_;
        for (std::int64_t j = 0; j < n_inputs_; ++j) {
            lanes.input[static_cast<std::size_t>(j * lanes.n_lanes() + lane)] = u[j];
        }
    }
    return true;
}

template <class T>
void Network<T>::advance_lanes(const Kernels<T>& k, int width, LaneWorkspace* const* running,
                               std::int64_t n_running) const {
    if (n_running == 1) return advance(k, width, running[0]->input.data(), running[0]->units);
    StageStep<T> steps[kMostGroups];
    for (std::int64_t i = 0; i < n_running; ++i) {
        Workspace& w = running[i]->units;
        steps[i] = first_step(width, running[i]->input.data(), next_slot(w), w);
        steps[i].last_block = stages_[0].last_block;
        w.present = (w.present + 1) % 2;
    }
    run(k, width, steps, n_running, running[0]->units);
}

template <class T>
void Network<T>::end_row(const Kernels<T>& k, const Harvest<T>& job, std::int64_t t, LaneWorkspace& lanes) const {
    const std::size_t* order = lanes.group->order;
    if (job.noise.scale > 0) {
        for (const Part& part : shown_parts_) {
            T* state = lanes.units.state() + part.inner * lanes.n_lanes();
            for (std::int64_t lane = 0; lane < lanes.running; ++lane) {
                add_noise(job.noise, order[lane], t, part.outer, part.size, lanes.n_lanes(), state + lane);
            }
        }
    }
    settle(k, lanes.units);
    if (job.out == nullptr) return;
    const auto out_row = [&](std::int64_t lane) -> T* {
        if (lane >= lanes.running) return nullptr;
        const Stretch& s = job.stretches[order[lane]];
        if (s.begin + t < s.store_from) return nullptr;
        return job.out + (s.out_row + s.begin + t - s.store_from) * job.out_stride;
    };
    if (!job.past_caches) {
        if (lanes.point_rows(out_row)) lanes.unpack(k, shown(lanes.units), shown_parts_);
        return;
    }
    lanes.point_rows([&](std::int64_t lane) { return lanes.unpacked.data() + lane * n_units_; });
    lanes.unpack(k, shown(lanes.units), shown_parts_);
    for (std::int64_t lane = 0; lane < lanes.running; ++lane) {
        T* row = out_row(lane);
        if (row != nullptr) k.stream_row(lanes.unpacked.data() + lane * n_units_, n_units_, row);
    }
}

template <class T>
void Network<T>::run_lanes(const Kernels<T>& k, const Harvest<T>& job, const Group* groups, std::int64_t n_groups,
                           LaneWorkspace* lanes, Workspace& alone) const {
    LaneWorkspace* running[kMostGroups];
    for (std::int64_t i = 0; i < n_groups; ++i) {
        running[i] = lanes + i;
        begin_lanes(k, job, groups[i], lanes[i]);
    }
    for (std::int64_t t = 0;; ++t) {
        const auto ended = [&](LaneWorkspace* group) { return !begin_row(k, job, t, *group, alone); };
        n_groups = std::remove_if(running, running + n_groups, ended) - running;
        if (n_groups == 0) return;
        advance_lanes(k, groups[0].width, running, n_groups);
        for (std::int64_t i = 0; i < n_groups; ++i) end_row(k, job, t, *running[i]);
    }
}

template <class T>
void Network<T>::harvest(const Harvest<T>& job) const {
    const auto n_sequences = static_cast<std::int64_t>(job.stretches.size());
    if (n_sequences == 0) return;
    const int sharing = n_sequences == 1 ? team_for_steps(length(job.stretches[0]), job.n_threads) : 1;
    if (sharing > 1) return run_together(kernels<T>(), job, sharing);
    std::vector<std::size_t> order(job.stretches.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return length(job.stretches[a]) > length(job.stretches[b]); });
    const std::int64_t n_threads = std::max(1, job.n_threads);
    std::int64_t together = lanes_a_group(n_sequences, lanes_in<T>(1), n_threads);
    // A transform fills vectors by itself, and reads next to no weights that lanes could share.
    const bool one_by_one = together < kFewestLanes || weights_.is_transform();
    const int width = one_by_one ? -1 : together <= lanes_in<T>(0) ? 0 : 1;
    if (width < 0) together = 1;
    std::vector<Group> groups;
    for (std::int64_t first = 0; first < n_sequences; first += together) {
        groups.push_back({order.data() + first, std::min(together, n_sequences - first), width});
    }

    const auto n_groups = static_cast<std::int64_t>(groups.size());
    const std::int64_t most_together = width < 0 ? 1 : groups_together(lanes_in<T>(width));
    const std::int64_t n_tasks =
        std::min(n_groups, whole_shares((n_groups + most_together - 1) / most_together, n_threads));
    const std::int64_t n_together = (n_groups + n_tasks - 1) / n_tasks;
    const int team = team_size(job.n_threads, n_tasks);
    std::vector<Workspace> alone;
    std::vector<LaneWorkspace> lanes;  // [thread][group]
    for (int i = 0; i < team; ++i) alone.push_back(make_workspace());
    for (std::int64_t i = 0; width >= 0 && i < team * n_together; ++i) {
        const auto n_lanes = static_cast<std::size_t>(lanes_in<T>(width));
        const std::size_t unpacked = job.past_caches ? static_cast<std::size_t>(n_units_) * n_lanes : 0;
        lanes.push_back({make_workspace(lanes_in<T>(width)), Aligned<T>(static_cast<std::size_t>(n_inputs_) * n_lanes),
                         Aligned<T>(unpacked), std::vector<T*>(n_lanes)});
    }
    const Kernels<T>& k = kernels<T>();
    parallel_for(n_tasks, team, [&](std::int64_t task, int thread) {
        Workspace& w = alone[static_cast<std::size_t>(thread)];
        const std::int64_t first = task * n_groups / n_tasks;
        const std::int64_t last = (task + 1) * n_groups / n_tasks;
        const Group* group = groups.data() + first;
        if (width < 0) {
            run_alone(k, job, group->order[0], 0, w);
        } else {
            run_lanes(k, job, group, last - first, lanes.data() + thread * n_together, w);
        }
        // Streamed stores are weakly ordered: other threads may read the output as soon as the region ends.
        std::atomic_thread_fence(std::memory_order_seq_cst);
    });
}

template void Network<float>::harvest(const Harvest<float>&) const;
template void Network<double>::harvest(const Harvest<double>&) const;

}  // namespace reservoirs
