#include <pybind11/stl.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include "register.hpp"
#include "reservoirs/stream.hpp"

namespace reservoirs::bindings {

namespace {

// A row a caller gives. Arrays of the right kind are read where they are, which is all that a quick step has time for.
template <class T>
class Row {
public:
    Row(py::handle given, std::int64_t n, const char* name) {
        if (given.is_none()) return;
        auto* const object = given.ptr();
        if (Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_) {
            const auto* const array = py::detail::array_proxy(object);
            static const PyObject* const dtype = py::dtype::of<T>().release().ptr();
            const bool in_order =
                n == 1 || (array->nd == 1 && array->strides[0] == static_cast<py::ssize_t>(sizeof(T)));
            if (array->nd == 1 && array->dimensions[0] == n && array->descr == dtype && in_order) {
                values_ = reinterpret_cast<const T*>(array->data);
                return;
            }
        } else if (n == 1 && PyFloat_Check(object)) {
            number_ = static_cast<T>(PyFloat_AS_DOUBLE(object));
            values_ = &number_;
            return;
        }
        converted_ = Loose::ensure(given);
        const bool fits =
            converted_ && ((converted_.ndim() == 1 && converted_.shape(0) == n) || (converted_.ndim() == 0 && n == 1));
        if (!fits) {
            PyErr_Clear();
            throw std::invalid_argument(std::string(name) + " must have shape (" + std::to_string(n) +
                                        ",), of numbers");
        }
        values_ = converted_.data();
    }
    Row(const Row&) = delete;
    Row& operator=(const Row&) = delete;

    // Null for None.
    const T* values() const { return values_; }

private:
    using Loose = py::array_t<T, py::array::c_style | py::array::forcecast>;

    const T* values_ = nullptr;
    T number_ = 0;
    Loose converted_ = py::reinterpret_steal<Loose>(py::handle());
};

Missing missing_named(const std::string& name) {
    const std::map<std::string, Missing> names{
        {"error", Missing::error}, {"hold", Missing::hold}, {"predict", Missing::predict}, {"skip", Missing::skip}};
    const auto found = names.find(name);
    if (found == names.end()) throw std::invalid_argument("unknown policy '" + name + "'");
    return found->second;
}

template <class T>
Stream<T> make_stream(const Memory<T>& memory, std::shared_ptr<LinearReadout<T>> readout, std::int64_t n_given,
                      const OnlineReadout<double>* learner, bool feeds_back, bool forecasts, bool increments,
                      const std::pair<std::vector<double>, std::vector<double>>& of_external,
                      const std::pair<std::vector<double>, std::vector<double>>& of_series,
                      const std::string& missing) {
    StreamSpec<T> spec;
    spec.memory = memory.clone();
    spec.readout = std::move(readout);
    if (learner) spec.learner = learner->clone();
    spec.n_given = spec.readout ? 0 : n_given;
    spec.n_fed_back = !feeds_back ? 0 : spec.readout ? spec.readout->n_outputs() : n_given;
    if (feeds_back && spec.n_fed_back < 1) throw std::invalid_argument("a stream that feeds back needs outputs");
    spec.forecasts = forecasts;
    spec.increments = increments;
    spec.of_external = {of_external.first, of_external.second};
    spec.of_series = {of_series.first, of_series.second};
    spec.missing = missing_named(missing);
    return Stream<T>(std::move(spec));
}

// A step keeps the interpreter's lock: it is shorter than giving the lock away.
template <class T>
Array<T> step(Stream<T>& stream, py::handle external, py::handle series) {
    const char* const name = stream.forecasts() ? "X" : "u";
    const Row<T> given(external, stream.n_external(), name);
    const Row<T> true_row(series, stream.n_outputs(), "y");
    Array<T> outputs(stream.n_returned());
    stream.step(given.values(), true_row.values(), outputs.mutable_data());
    return outputs;
}

// Models of one output that was fitted as 1-D.
template <class T>
double step_number(Stream<T>& stream, py::handle external, py::handle series) {
    if (stream.n_returned() != 1) throw std::invalid_argument("the outputs are not one number");
    const Row<T> given(external, stream.n_external(), stream.forecasts() ? "X" : "u");
    const Row<T> true_row(series, stream.n_outputs(), "y");
    T output;
    stream.step(given.values(), true_row.values(), &output);
    return static_cast<double>(output);
}

template <class T>
Array<T> run(Stream<T>& stream, const Array<T>& external) {
    const py::ssize_t n = external.ndim() == 2 ? external.shape(0) : -1;
    expect_shape("external", external, {n, static_cast<py::ssize_t>(stream.n_external())});
    Array<T> outputs({n, static_cast<py::ssize_t>(stream.n_returned())});
    const T* row = external.data();
    T* to = outputs.mutable_data();
    const py::gil_scoped_release unlocked;
    for (py::ssize_t t = 0; t < n; ++t, row += stream.n_external(), to += stream.n_returned()) {
        stream.step(row, nullptr, to);
    }
    return outputs;
}

template <class T>
void learn(Stream<T>& stream, py::handle y) {
    const Row<double> truth(y, stream.n_outputs(), "y");
    const std::vector<double> none(static_cast<std::size_t>(stream.n_outputs()),
                                   std::numeric_limits<double>::quiet_NaN());
    stream.learn(truth.values() ? truth.values() : none.data());
}

template <class T>
Array<T> last_outputs(const Stream<T>& stream) {
    Array<T> outputs(stream.n_outputs());
    stream.store_outputs(outputs.mutable_data());
    return outputs;
}

template <class T>
void give_outputs(Stream<T>& stream, py::handle given) {
    const Row<T> outputs(given, stream.n_outputs(), "outputs");
    if (!outputs.values()) throw std::invalid_argument("outputs must be numbers");
    stream.give_outputs(outputs.values());
}

template <class S, class T>
py::object admitted(const S& stream, py::handle u, std::int64_t n) {
    const Row<T> row(u, n, "u");
    Array<T> to(n);
    if (!stream.admit_external(row.values(), to.mutable_data())) return py::none();
    return std::move(to);
}

template <class S, class N>
Array<N> state(const S& stream) {
    Array<N> values(stream.n_state());
    stream.store(values.mutable_data());
    return values;
}

template <class S, class N>
void set_state(S& stream, py::handle given) {
    const Row<N> values(given, stream.n_state(), "state");
    if (!values.values()) throw std::invalid_argument("state must be numbers");
    for (std::int64_t i = 0; i < stream.n_state(); ++i) {
        if (!std::isfinite(values.values()[i])) throw std::invalid_argument("state contains NaN or infinite values");
    }
    stream.load(values.values());
}

template <class T>
PooledStream<T> make_pooled(const Memory<T>& memory, std::int64_t washout, bool with_mean, bool with_last,
                            const std::string& missing, const std::optional<Array<double>>& coef,
                            const std::optional<Array<double>>& intercept, const OnlineReadout<double>* learner) {
    const std::int64_t n_pooled = memory.n_features() * (with_mean + with_last);
    const py::ssize_t n_outputs = coef && intercept ? intercept->size() : 0;
    if (coef) expect_shape("coef", *coef, {n_outputs, static_cast<py::ssize_t>(n_pooled)});
    if (intercept) expect_shape("intercept", *intercept, {n_outputs});
    return PooledStream<T>(memory.clone(), washout, with_mean, with_last, missing_named(missing),
                           coef && intercept ? coef->data() : nullptr, intercept ? intercept->data() : nullptr,
                           n_outputs, learner ? learner->clone() : nullptr);
}

template <class T>
void register_type(py::module_& m, const std::string& suffix) {
    py::class_<Memory<T>>(m, ("Memory" + suffix).c_str())
        .def_property_readonly("n_inputs", &Memory<T>::n_inputs)
        .def_property_readonly("n_features", &Memory<T>::n_features);
    py::class_<NetworkMemory<T>, Memory<T>>(m, ("NetworkMemory" + suffix).c_str())
        .def(py::init<std::shared_ptr<Network<T>>, bool, bool>(), py::arg("network").none(false), py::arg("with_input"),
             py::arg("with_squares"));
    py::class_<DelayLine<T>, Memory<T>>(m, ("DelayLine" + suffix).c_str())
        .def(py::init([](const Array<std::int32_t>& monomials, std::int64_t n_variables, std::int64_t n_delays,
                         std::int64_t stride) {
                 return DelayLine<T>(make_nvar_spec(monomials, n_variables, n_delays, stride));
             }),
             py::arg("monomials").noconvert(), py::arg("n_variables"), py::arg("n_delays"), py::arg("stride"));
    const std::pair<std::vector<double>, std::vector<double>> unscaled;
    using S = Stream<T>;
    py::class_<S>(m, ("Stream" + suffix).c_str())
        .def(py::init(&make_stream<T>), py::arg("memory"), py::arg("readout"), py::arg("n_given") = 0,
             py::arg("learner") = nullptr, py::arg("feeds_back") = false, py::arg("forecasts") = false,
             py::arg("increments") = false, py::arg("of_external") = unscaled, py::arg("of_series") = unscaled,
             py::arg("missing") = "error")
        .def(
            "step", [](S& stream, py::handle u) { return step(stream, u, py::none()); }, py::arg("u"))
        .def(
            "step_number", [](S& stream, py::handle u) { return step_number(stream, u, py::none()); }, py::arg("u"))
        .def(
            "step_forecast", [](S& stream, py::handle y, py::handle X) { return step(stream, X, y); }, py::arg("y"),
            py::arg("X"))
        .def(
            "step_forecast_number", [](S& stream, py::handle y, py::handle X) { return step_number(stream, X, y); },
            py::arg("y"), py::arg("X"))
        .def("run", &run<T>, py::arg("external").noconvert())
        .def("learn", &learn<T>, py::arg("y"))
        .def("reset", &S::reset)
        .def("copy", [](const S& stream) { return S(stream); })
        .def("running_on", &S::running_on)
        .def_property("outputs", &last_outputs<T>, &give_outputs<T>)
        .def_property_readonly("memory", &S::memory, py::return_value_policy::reference_internal)
        .def(
            "admitted", [](const S& stream, py::handle u) { return admitted<S, T>(stream, u, stream.n_external()); },
            py::arg("u"))
        .def_property_readonly("n_external", &S::n_external)
        .def_property_readonly("started", &S::started)
        .def_property_readonly("ready", &S::ready)
        .def_property_readonly("learner", &S::learner, py::return_value_policy::reference_internal)
        .def_property("state", &state<S, T>, &set_state<S, T>);
    using P = PooledStream<T>;
    py::class_<P>(m, ("PooledStream" + suffix).c_str())
        .def(py::init(&make_pooled<T>), py::arg("memory"), py::arg("washout"), py::arg("with_mean"),
             py::arg("with_last"), py::arg("missing"), py::arg("coef").noconvert() = py::none(),
             py::arg("intercept").noconvert() = py::none(), py::arg("learner") = nullptr)
        .def("learn", &P::learn, py::arg("code"))
        .def_property_readonly("learner", &P::learner, py::return_value_policy::reference_internal)
        .def(
            "step",
            [](P& stream, py::handle u) {
                const Row<T> row(u, stream.n_inputs(), "u");
                stream.step(row.values());
                return stream.decide();
            },
            py::arg("u"))
        .def_property_readonly("n_pooled_rows", &P::n_pooled_rows)
        .def_property_readonly("memory", &P::memory, py::return_value_policy::reference_internal)
        .def(
            "admitted", [](const P& stream, py::handle u) { return admitted<P, T>(stream, u, stream.n_inputs()); },
            py::arg("u"))
        .def("pool",
             [](const P& stream) {
                 Array<double> pooled({py::ssize_t(1), static_cast<py::ssize_t>(stream.n_pooled())});
                 stream.pool(pooled.mutable_data());
                 return pooled;
             })
        .def("reset", &P::reset)
        .def("copy", [](const P& stream) { return P(stream); })
        .def_property("state", &state<P, double>, &set_state<P, double>);
}

}  // namespace

void register_stream(py::module_& m) {
    register_type<float>(m, "32");
    register_type<double>(m, "64");
    m.def(
        "class_scores",
        [](const Array<double>& rows, const Array<double>& coef, const Array<double>& intercept) {
            const py::ssize_t n = rows.ndim() == 2 ? rows.shape(0) : -1;
            const py::ssize_t n_outputs = intercept.size();
            expect_shape("rows", rows, {n, coef.ndim() == 2 ? coef.shape(1) : -1});
            expect_shape("coef", coef, {n_outputs, coef.shape(1)});
            expect_shape("intercept", intercept, {n_outputs});
            Array<double> scores({n, n_outputs});
            const py::gil_scoped_release unlocked;
            class_scores(rows.data(), n, coef.shape(1), coef.data(), intercept.data(), n_outputs,
                         scores.mutable_data());
            return scores;
        },
        py::arg("rows").noconvert(), py::arg("coef").noconvert(), py::arg("intercept").noconvert());
}

}  // namespace reservoirs::bindings
