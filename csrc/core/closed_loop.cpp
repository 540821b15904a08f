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
void gather_features(const Network<T>& network, const typename Network<T>::Workspace& workspace, const T* input,
                     bool with_input, bool with_squares, T* features) {
    network.store_shown(workspace, features);
    T* next = features + network.n_units();
    if (with_input) next = std::copy_n(input, network.n_inputs(), next);
    if (with_squares) std::transform(features, features + network.n_units(), next, [](T x) { return x * x; });
}

template <class T>
void Network<T>::closed_loop(const ClosedLoop<T>& job) const {
    const std::int64_t n_outputs = job.readout->n_outputs();
    const std::int64_t n_external = n_inputs_ - n_outputs;
    const std::int64_t n_features = n_units_ * (job.with_squares ? 2 : 1) + (job.with_input ? n_inputs_ : 0);
    if (n_external < 0 || n_features != job.readout->n_features()) {
        throw std::invalid_argument("the readout has " + std::to_string(n_outputs) + " outputs and " +
                                    std::to_string(job.readout->n_features()) + " features; the network has " +
                                    std::to_string(n_inputs_) + " inputs and gives " + std::to_string(n_features));
    }
    struct Buffers {
        Workspace workspace;
        std::vector<T> input;
        std::vector<T> features;
    };
    const int team = team_size(job.n_threads, job.n_sequences);
    std::vector<Buffers> buffers;
    for (int i = 0; i < team; ++i) {
        buffers.push_back({make_workspace(), std::vector<T>(static_cast<std::size_t>(n_inputs_)),
                           std::vector<T>(static_cast<std::size_t>(n_features))});
    }
    parallel_for(job.n_sequences, team, [&](std::int64_t s, int thread) {
        Buffers& b = buffers[static_cast<std::size_t>(thread)];
        T* state = job.states + s * n_state_;
        T* fed_back = job.fed_back + s * n_outputs;
        load_state(state, b.workspace);
        for (std::int64_t t = 0; t < job.n_steps; ++t) {
            T* const end = std::copy_n(job.external + (s * job.n_steps + t) * n_external, n_external, b.input.data());
            std::copy_n(fed_back, n_outputs, end);
            step(b.input.data(), b.workspace);
            gather_features(*this, b.workspace, b.input.data(), job.with_input, job.with_squares, b.features.data());
            T* y = job.outputs + (s * job.n_steps + t) * n_outputs;
            job.readout->apply(b.features.data(), 1, n_features, y);
            std::copy_n(y, n_outputs, fed_back);
        }
        store_state(b.workspace, state);
    });
}

template class LinearReadout<float>;
template class LinearReadout<double>;
template void LinearReadout<float>::assign(const LinearReadout<double>&);
template void LinearReadout<double>::assign(const LinearReadout<double>&);
template void LinearReadout<double>::assign(const LinearReadout<float>&);
template void gather_features<float>(const Network<float>&, const Network<float>::Workspace&, const float*, bool, bool,
                                     float*);
template void gather_features<double>(const Network<double>&, const Network<double>::Workspace&, const double*, bool,
                                      bool, double*);
template void Network<float>::closed_loop(const ClosedLoop<float>&) const;
template void Network<double>::closed_loop(const ClosedLoop<double>&) const;

}  // namespace reservoirs
