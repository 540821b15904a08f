#include <algorithm>
#include <stdexcept>
#include <string>

#include "reservoirs/network.hpp"
#include "table.hpp"
#include "threads.hpp"

namespace reservoirs {

template <class T>
LinearReadout<T>::LinearReadout(const T* coef, const T* intercept, std::int64_t n_outputs, std::int64_t n_features)
    : n_outputs_(n_outputs),
      n_features_(n_features),
      stride_(whole_stripes(n_features)),
      coef_(static_cast<std::size_t>(n_outputs * stride_), T(0)),
      intercept_(intercept, intercept + n_outputs) {
    for (std::int64_t o = 0; o < n_outputs; ++o) {
        std::copy_n(coef + o * n_features, n_features, coef_.data() + o * stride_);
    }
}

template <class T>
void LinearReadout<T>::apply(const T* rows, std::int64_t n_rows, std::int64_t row_stride, T* outputs) const {
    Readout<T> a{};
    a.n_rows = n_rows;
    a.n_features = n_features_;
    a.row_stride = row_stride;
    a.n_outputs = n_outputs_;
    a.output_stride = n_outputs_;
    a.rows = rows;
    a.coef = coef_.data();
    a.coef_stride = stride_;
    a.intercept = intercept_.data();
    a.outputs = outputs;
    kernels<T>().readout(a);
}

template <class T>
void LinearReadout<T>::correct(const T* error, const T* gain, T gain_of_intercept) {
    for (std::int64_t o = 0; o < n_outputs_; ++o) {
        kernels<T>().add_scaled(error[o], gain, stride_, coef_.data() + o * stride_);
        T& intercept = intercept_[static_cast<std::size_t>(o)];
        intercept = intercept + error[o] * gain_of_intercept;
    }
}

template <class T>
template <class U>
void LinearReadout<T>::assign(const LinearReadout<U>& other) {
    const auto convert = [](U x) { return static_cast<T>(x); };
    for (std::int64_t o = 0; o < n_outputs_; ++o) {
        std::transform(other.coef(o), other.coef(o) + n_features_, coef_.data() + o * stride_, convert);
    }
    std::transform(other.intercept(), other.intercept() + n_outputs_, intercept_.begin(), convert);
}

template <class T>
void gather_features(const Network<T>& network, const T* shown, const T* input, bool with_input, bool with_squares,
                     T* features) {
    network.store_units(shown, features);
    T* next = features + network.n_units();
    if (with_input) next = std::copy_n(input, network.n_inputs(), next);
    if (with_squares) std::transform(features, features + network.n_units(), next, [](T x) { return x * x; });
}

namespace {

// What a sequence is fed with and what is read out of it.
template <class T>
class Loop {
public:
    Loop(const Network<T>& network, const ClosedLoop<T>& job)
        : network_(network),
          job_(job),
          n_outputs_(job.readout->n_outputs()),
          input_(static_cast<std::size_t>(network.n_inputs())),
          features_(static_cast<std::size_t>(job.readout->n_features())) {}

    void begin(std::int64_t sequence) {
        sequence_ = sequence;
        std::copy_n(job_.fed_back + sequence * n_outputs_, n_outputs_, fed_back());
    }
    const T* input(std::int64_t t) {
        const std::int64_t n_external = network_.n_inputs() - n_outputs_;
        std::copy_n(job_.external + (sequence_ * job_.n_steps + t) * n_external, n_external, input_.data());
        return input_.data();
    }
    // What this step gives is fed to the next.
    void read(const T* shown) {
        gather_features(network_, shown, input_.data(), job_.with_input, job_.with_squares, features_.data());
        job_.readout->apply(features_.data(), 1, job_.readout->n_features(), fed_back());
    }
    void write(std::int64_t t) const {
        std::copy_n(fed_back(), n_outputs_, job_.outputs + (sequence_ * job_.n_steps + t) * n_outputs_);
    }
    void end() const { std::copy_n(fed_back(), n_outputs_, job_.fed_back + sequence_ * n_outputs_); }

private:
    T* fed_back() { return input_.data() + input_.size() - n_outputs_; }
    const T* fed_back() const { return input_.data() + input_.size() - n_outputs_; }

    const Network<T>& network_;
    const ClosedLoop<T>& job_;
    std::int64_t n_outputs_;
    std::int64_t sequence_ = 0;
    std::vector<T> input_;  // the last of it what is fed back
    std::vector<T> features_;
};

}  // namespace

template <class T>
void Network<T>::closed_loop(const ClosedLoop<T>& job) const {
    const std::int64_t n_outputs = job.readout->n_outputs();
    const std::int64_t n_features = n_units_ * (job.with_squares ? 2 : 1) + (job.with_input ? n_inputs_ : 0);
    if (n_inputs_ < n_outputs || n_features != job.readout->n_features()) {
        throw std::invalid_argument("the readout has " + std::to_string(n_outputs) + " outputs and " +
                                    std::to_string(job.readout->n_features()) + " features; the network has " +
                                    std::to_string(n_inputs_) + " inputs and gives " + std::to_string(n_features));
    }
    const int sharing = job.n_sequences == 1 ? team_for_steps(job.n_steps, job.n_threads) : 1;
    if (sharing > 1) return close_loop_together(kernels<T>(), job, sharing);
    const int team = team_size(job.n_threads, job.n_sequences);
    std::vector<Workspace> workspaces(static_cast<std::size_t>(team), make_workspace());
    std::vector<Loop<T>> loops(static_cast<std::size_t>(team), Loop<T>(*this, job));
    parallel_for(job.n_sequences, team, [&](std::int64_t s, int thread) {
        Workspace& w = workspaces[static_cast<std::size_t>(thread)];
        Loop<T>& loop = loops[static_cast<std::size_t>(thread)];
        load_state(job.states + s * n_state_, w);
        loop.begin(s);
        for (std::int64_t t = 0; t < job.n_steps; ++t) {
            step(loop.input(t), w);
            loop.read(shown(w));
            loop.write(t);
        }
        loop.end();
        store_state(w, job.states + s * n_state_);
    });
}

// Every thread reads the outputs out of all units for itself, which takes less time than to wait for another.
template <class T>
void Network<T>::close_loop_together(const Kernels<T>& k, const ClosedLoop<T>& job, int team) const {
    Workspace w = make_workspace();
    load_state(job.states, w);
    T* const slots[] = {w.state(), next_slot(w)};
    const auto rows = [&](Loop<T>& loop, std::int64_t from, std::int64_t until, const Member& member) {
        StageStep<T> step = first_step(-1, nullptr, nullptr, w);
        take_share(member, step);
        bool together = member.n_threads > 1;
        for (std::int64_t t = from; t < until; ++t) {
            step.input = loop.input(t);
            step.state = step.carried = slots[t % 2];
            step.next = slots[(t + 1) % 2];
            step.backwards = t % 2 != 0;
            kernel(k, weights_, activation_, -1)(step);
            if (together && !member.meeting->wait(member.thread, member.n_threads)) {
                if (member.thread > 0) return member.meeting->sleep();
                together = false;
                take_share({0, 1, nullptr}, step);
            }
            loop.read(step.next);
            if (member.thread == 0) loop.write(t);
        }
        if (member.thread == 0) loop.end();
    };
    Loop<T> first(*this, job);
    first.begin(0);
    const auto [begin, step_alone] =
        time_alone(job.n_steps, n_steps_to_time(),
                   [&](std::int64_t from, std::int64_t until) { rows(first, from, until, {0, 1, nullptr}); });
    const std::int64_t from = begin;
    std::vector<Loop<T>> loops(static_cast<std::size_t>(team), first);
    Meeting meeting(team, step_alone);
    in_team(meeting.size(team, job.n_steps - from), [&](int thread, int n_threads) {
        rows(loops[static_cast<std::size_t>(thread)], from, job.n_steps, {thread, n_threads, &meeting});
        if (thread == 0) meeting.end();
    });
    w.present = (w.present + job.n_steps) % 2;
    store_state(w, job.states);
}

template class LinearReadout<float>;
template class LinearReadout<double>;
template void LinearReadout<float>::assign(const LinearReadout<double>&);
template void LinearReadout<double>::assign(const LinearReadout<double>&);
template void LinearReadout<double>::assign(const LinearReadout<float>&);
template void gather_features<float>(const Network<float>&, const float*, const float*, bool, bool, float*);
template void gather_features<double>(const Network<double>&, const double*, const double*, bool, bool, double*);
template void Network<float>::closed_loop(const ClosedLoop<float>&) const;
template void Network<double>::closed_loop(const ClosedLoop<double>&) const;

}  // namespace reservoirs
