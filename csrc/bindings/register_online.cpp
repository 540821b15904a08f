#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "register.hpp"
#include "reservoirs/online.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
std::shared_ptr<LeastMeanSquares<T>> make_lms(const LinearReadout<T>& start, T learning_rate, bool normalised) {
    return std::make_shared<LeastMeanSquares<T>>(start, learning_rate, normalised);
}

template <class T>
std::shared_ptr<RecursiveLeastSquares<T>> make_rls(const LinearReadout<T>& start, T forgetting, T penalty,
                                                   const std::optional<Array<T>>& factor,
                                                   const std::optional<Array<T>>& diagonal,
                                                   const std::optional<Array<T>>& mean, T weight) {
    const py::ssize_t n = start.n_features();
    FeatureMoments<T> known;
    if (factor) expect_shape("factor", *factor, {n, n});
    if (diagonal) expect_shape("diagonal", *diagonal, {n});
    if (mean) expect_shape("mean", *mean, {n});
    known.factor = factor ? factor->data() : nullptr;
    known.diagonal = diagonal ? diagonal->data() : nullptr;
    known.mean = mean ? mean->data() : nullptr;
    known.weight = weight;
    return std::make_shared<RecursiveLeastSquares<T>>(start, forgetting, penalty, known);
}

template <class T>
void learn(OnlineReadout<T>& online, const Array<T>& x, const Array<T>& y) {
    const py::ssize_t n = x.ndim() == 2 ? x.shape(0) : -1;
    expect_shape("x", x, {n, online.n_features()});
    expect_shape("y", y, {n, online.readout().n_outputs()});
    const py::gil_scoped_release unlocked;
    for (py::ssize_t t = 0; t < n; ++t) {
        online.learn(x.data() + t * online.n_features(), y.data() + t * online.readout().n_outputs());
    }
}

template <class T>
Array<T> coef(const OnlineReadout<T>& online) {
    const LinearReadout<T>& readout = online.readout();
    Array<T> coef({static_cast<py::ssize_t>(readout.n_outputs()), static_cast<py::ssize_t>(readout.n_features())});
    for (std::int64_t o = 0; o < readout.n_outputs(); ++o) {
        std::copy_n(readout.coef(o), readout.n_features(), coef.mutable_data() + o * readout.n_features());
    }
    return coef;
}

template <class T>
Array<T> intercept(const OnlineReadout<T>& online) {
    return Array<T>(online.readout().n_outputs(), online.readout().intercept());
}

template <class T>
py::tuple moments(const RecursiveLeastSquares<T>& rls) {
    const py::ssize_t n = rls.n_features();
    Array<T> factor({n, n});
    Array<T> diagonal(n);
    rls.store_factor(factor.mutable_data(), diagonal.mutable_data());
    return py::make_tuple(factor, diagonal, Array<T>(n, rls.mean()), rls.weight());
}

template <class T>
void register_type(py::module_& m, const std::string& suffix) {
    using Readout = OnlineReadout<T>;
    py::class_<Readout, std::shared_ptr<Readout>>(m, ("OnlineReadout" + suffix).c_str())
        .def("learn", &learn<T>, py::arg("x").noconvert(), py::arg("y").noconvert())
        .def_property_readonly("coef", &coef<T>)
        .def_property_readonly("intercept", &intercept<T>);
    py::class_<LeastMeanSquares<T>, Readout, std::shared_ptr<LeastMeanSquares<T>>>(m, ("LMS" + suffix).c_str())
        .def(py::init(&make_lms<T>), py::arg("start"), py::arg("learning_rate"), py::arg("normalised"));
    py::class_<RecursiveLeastSquares<T>, Readout, std::shared_ptr<RecursiveLeastSquares<T>>>(m,
                                                                                             ("RLS" + suffix).c_str())
        .def(py::init(&make_rls<T>), py::arg("start"), py::arg("forgetting"), py::arg("penalty"),
             py::arg("factor").noconvert() = py::none(), py::arg("diagonal").noconvert() = py::none(),
             py::arg("mean").noconvert() = py::none(), py::arg("weight") = T(0))
        .def_property_readonly("moments", &moments<T>);
}

}  // namespace

void register_online(py::module_& m) {
    register_type<float>(m, "32");
    register_type<double>(m, "64");
}

}  // namespace reservoirs::bindings
