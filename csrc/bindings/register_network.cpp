#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>
#include <variant>

#include "register.hpp"
#include "reservoirs/network.hpp"
#include "table.hpp"

namespace reservoirs::bindings {

namespace {

Activation activation_named(const std::string& name) {
    if (name == "tanh") return Activation::tanh;
    if (name == "relu") return Activation::relu;
    if (name == "sigmoid") return Activation::logistic;
    if (name == "identity") return Activation::identity;
    throw std::invalid_argument("unknown activation '" + name + "'");
}

// Compressed sparse rows (row_start, columns, values), a dense matrix, or, 1-D, the factors of a Hadamard matrix, or,
// 4-D, the spectra of circulant blocks.
template <class T>
using Matrix = std::variant<std::tuple<Array<std::int64_t>, Array<std::int32_t>, Array<T>>, Array<T>>;

template <class T>
MatrixSpec<T> describe(const Matrix<T>& matrix, const char* name, std::int64_t n_units) {
    MatrixSpec<T> spec;
    if (const auto* dense = std::get_if<Array<T>>(&matrix)) {
        if (dense->ndim() == 1) {
            expect_shape(name, *dense, {n_units});
            spec.factors = dense->data();
            return spec;
        }
        if (dense->ndim() == 4) {
            spec.n_points = std::clamp<std::int64_t>(dense->shape(1), 1, kMostPoints);
            const std::int64_t group = 2 * spec.n_points * kBlockRows;
            expect_shape(name, *dense, {(n_units + group - 1) / group, spec.n_points, 2, kBlockRows});
            spec.spectra = dense->data();
            return spec;
        }
        expect_shape(name, *dense, {n_units, n_units});
        spec.dense = dense->data();
        return spec;
    }
    const auto& [row_start, columns, values] = std::get<0>(matrix);
    expect_shape("row_start", row_start, {n_units + 1});
    expect_shape("columns", columns, {values.size()});
    expect_shape("values", values, {values.size()});
    const std::int64_t* start = row_start.data();
    for (std::int64_t i = 0; i < n_units; ++i) {
        if (start[i] > start[i + 1]) throw std::invalid_argument("row_start must not decrease");
    }
    if (start[0] != 0 || start[n_units] != values.size()) throw std::invalid_argument("row_start must span values");
    spec.row_start = start;
    spec.columns = columns.data();
    spec.values = values.data();
    return spec;
}

template <class T>
std::shared_ptr<Network<T>> make_network(const std::vector<std::int64_t>& stage_sizes, const Matrix<T>& weights,
                                         const Array<T>& input_weights, const Array<T>& bias, const Array<T>& leak,
                                         const Array<T>& keep, const std::string& activation,
                                         const std::optional<Matrix<T>>& mixing, bool potentials,
                                         std::int64_t n_remembered, const std::optional<Array<T>>& gates) {
    if (stage_sizes.empty() || input_weights.ndim() != 2) throw std::invalid_argument("input_weights must be 2-D");
    expect_shape("input_weights", input_weights, {stage_sizes[0], input_weights.shape(1)});
    std::int64_t n_units = 0;
    for (const std::int64_t size : stage_sizes) n_units += size;
    expect_shape("bias", bias, {n_units});
    expect_shape("leak", leak, {n_units});
    expect_shape("keep", keep, {n_units});
    NetworkSpec<T> spec;
    spec.stage_sizes = stage_sizes;
    spec.n_inputs = input_weights.shape(1);
    spec.input_weights = input_weights.data();
    spec.bias = bias.data();
    spec.leak = leak.data();
    spec.keep = keep.data();
    spec.activation = activation_named(activation);
    spec.potentials = potentials;
    spec.n_remembered = n_remembered;
    if (gates) {
        expect_shape("gates", *gates, {n_units, input_weights.shape(1)});
        spec.gates = gates->data();
    }
    spec.weights = describe(weights, "weights", n_units);
    if (mixing) spec.mixing = describe(*mixing, "mixing", n_units);
    if (mixing && spec.mixing->is_transform()) throw std::invalid_argument("mixing must be a matrix");
    return std::make_shared<Network<T>>(spec);
}

template <class T>
void harvest(const Network<T>& network, const Array<T>& inputs, const Array<std::int64_t>& stretches, Array<T>& states,
             std::optional<Array<T>> out, double noise_scale, std::uint64_t noise_seed,
             const std::optional<Array<std::int64_t>>& noise_places, const std::optional<Array<T>>& leak_keep,
             bool past_caches, int n_threads) {
    const py::ssize_t n_rows = inputs.ndim() == 2 ? inputs.shape(0) : -1;
    const py::ssize_t n = stretches.ndim() == 2 ? stretches.shape(0) : -1;
    expect_shape("inputs", inputs, {n_rows, network.n_inputs()});
    expect_shape("stretches", stretches, {n, 4});
    expect_shape("states", states, {n, network.n_state()});
    if (out && (out->ndim() != 2 || out->shape(1) < network.n_units())) {
        throw std::invalid_argument("out must be 2-D with a column for every unit");
    }
    Harvest<T> job;
    const auto row = stretches.template unchecked<2>();
    for (py::ssize_t s = 0; s < n; ++s) {
        const Stretch stretch{row(s, 0), row(s, 1), row(s, 2), row(s, 3)};
        if (stretch.begin < 0 || stretch.end < stretch.begin || stretch.end > n_rows) {
            throw std::invalid_argument("a stretch leaves the inputs");
        }
        if (out && stretch.begin < stretch.end && stretch.store_from < stretch.end) {
            const std::int64_t stored = stretch.end - stretch.store_from;
            const bool inside = stretch.store_from >= stretch.begin && stretch.out_row >= 0 &&
                                stored <= out->shape(0) && stretch.out_row <= out->shape(0) - stored;
            if (!inside) throw std::invalid_argument("a stretch leaves the output");
        }
        job.stretches.push_back(stretch);
    }
    if (out) {
        job.out = out->mutable_data();
        job.out_stride = out->shape(1);
        job.past_caches = past_caches;
    }
    if (noise_scale > 0) {
        if (!noise_places) throw std::invalid_argument("noise needs the sequences' numbers and times");
        expect_shape("noise_places", *noise_places, {2, n});
        job.noise = {noise_scale, noise_seed, noise_places->data(), noise_places->data() + n};
    }
    if (leak_keep) {
        expect_shape("leak_keep", *leak_keep, {2, n});
        job.leak = leak_keep->data();
        job.keep = leak_keep->data() + n;
    }
    job.inputs = inputs.data();
    job.states = states.mutable_data();
    job.n_threads = n_threads;
    const py::gil_scoped_release unlocked;
    network.harvest(job);
}

template <class T>
Array<T> closed_loop(const Network<T>& network, const LinearReadout<T>& readout, const Array<T>& external,
                     Array<T>& states, Array<T>& fed_back, bool with_input, bool with_squares, int n_threads) {
    if (external.ndim() != 3) throw std::invalid_argument("external must be 3-D");
    const py::ssize_t n = external.shape(0);
    const py::ssize_t n_steps = external.shape(1);
    expect_shape("external", external, {n, n_steps, network.n_inputs() - readout.n_outputs()});
    expect_shape("states", states, {n, network.n_state()});
    expect_shape("fed_back", fed_back, {n, readout.n_outputs()});
    Array<T> outputs({n, n_steps, static_cast<py::ssize_t>(readout.n_outputs())});
    const ClosedLoop<T> job{n,        n_steps,    external.data(), states.mutable_data(),  fed_back.mutable_data(),
                            &readout, with_input, with_squares,    outputs.mutable_data(), n_threads};
    const py::gil_scoped_release unlocked;
    network.closed_loop(job);
    return outputs;
}

template <class T>
std::shared_ptr<LinearReadout<T>> make_readout(const Array<T>& coef, const Array<T>& intercept) {
    if (coef.ndim() != 2) throw std::invalid_argument("coef must be 2-D");
    expect_shape("intercept", intercept, {coef.shape(0)});
    return std::make_shared<LinearReadout<T>>(coef.data(), intercept.data(), coef.shape(0), coef.shape(1));
}

template <class T>
Array<T> apply_readout(const LinearReadout<T>& readout, const Array<T>& rows) {
    expect_shape("rows", rows, {rows.ndim() == 2 ? rows.shape(0) : -1, readout.n_features()});
    Array<T> outputs({rows.shape(0), static_cast<py::ssize_t>(readout.n_outputs())});
    const py::gil_scoped_release unlocked;
    readout.apply(rows.data(), rows.shape(0), readout.n_features(), outputs.mutable_data());
    return outputs;
}

template <class T>
std::string storage_name(const Network<T>& network) {
    if (network.storage() == Storage::bfloat16) return "bfloat16";
    if (network.storage() == Storage::int8) return "int8";
    return sizeof(T) == 4 ? "float32" : "float64";
}

template <class T>
void register_type(py::module_& m, const std::string& suffix) {
    py::class_<LinearReadout<T>, std::shared_ptr<LinearReadout<T>>>(m, ("LinearReadout" + suffix).c_str())
        .def(py::init(&make_readout<T>), py::arg("coef").noconvert(), py::arg("intercept").noconvert())
        .def("apply", &apply_readout<T>, py::arg("rows").noconvert());
    py::class_<Network<T>, std::shared_ptr<Network<T>>>(m, ("Network" + suffix).c_str())
        .def(py::init(&make_network<T>), py::arg("stage_sizes"), py::arg("weights").noconvert(),
             py::arg("input_weights").noconvert(), py::arg("bias").noconvert(), py::arg("leak").noconvert(),
             py::arg("keep").noconvert(), py::arg("activation"), py::arg("mixing").noconvert() = py::none(),
             py::arg("potentials") = false, py::arg("n_remembered") = 0, py::arg("gates").noconvert() = py::none())
        .def_property_readonly("n_units", &Network<T>::n_units)
        .def_property_readonly("n_inputs", &Network<T>::n_inputs)
        .def_property_readonly("n_state", &Network<T>::n_state)
        .def_property_readonly("storage", &storage_name<T>)
        .def_property_readonly("work", &Network<T>::work)
        .def("harvest", &harvest<T>, py::arg("inputs").noconvert(), py::arg("stretches").noconvert(),
             py::arg("states").noconvert(), py::arg("out").noconvert() = py::none(), py::arg("noise_scale") = 0.0,
             py::arg("noise_seed") = 0, py::arg("noise_places").noconvert() = py::none(),
             py::arg("leak_keep").noconvert() = py::none(), py::arg("past_caches") = false, py::arg("n_threads") = 1)
        .def("closed_loop", &closed_loop<T>, py::arg("readout"), py::arg("external").noconvert(),
             py::arg("states").noconvert(), py::arg("fed_back").noconvert(), py::arg("with_input") = false,
             py::arg("with_squares") = false, py::arg("n_threads") = 1);
}

}  // namespace

void register_network(py::module_& m) {
    register_type<float>(m, "32");
    register_type<double>(m, "64");
}

}  // namespace reservoirs::bindings
