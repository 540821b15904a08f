#include "register.hpp"

namespace reservoirs::bindings {

NvarSpec make_nvar_spec(const Array<std::int32_t>& monomials, std::int64_t n_variables, std::int64_t n_delays,
                        std::int64_t stride) {
    if (monomials.ndim() != 2) throw std::invalid_argument("monomials must be 2-D");
    return {n_variables, n_delays, stride, monomials.shape(1), {monomials.data(), monomials.data() + monomials.size()}};
}

namespace {

template <class T>
Array<T> closed_loop(const LinearReadout<T>& readout, const Array<std::int32_t>& monomials, std::int64_t n_delays,
                     std::int64_t stride, const Array<T>& external, Array<T>& history, Array<T>& fed_back) {
    if (external.ndim() != 2) throw std::invalid_argument("external must be 2-D");
    const NvarSpec spec = make_nvar_spec(monomials, external.shape(1) + readout.n_outputs(), n_delays, stride);
    expect_shape("history", history, {(n_delays - 1) * stride, static_cast<py::ssize_t>(spec.n_variables)});
    expect_shape("fed_back", fed_back, {readout.n_outputs()});
    Array<T> outputs({external.shape(0), static_cast<py::ssize_t>(readout.n_outputs())});
    const NvarLoop<T> job{external.shape(0),       external.data(), history.mutable_data(),
                          fed_back.mutable_data(), &readout,        outputs.mutable_data()};
    const py::gil_scoped_release unlocked;
    nvar_closed_loop(spec, job);
    return outputs;
}

template <class T>
void register_type(py::module_& m) {
    m.def("nvar_closed_loop", &closed_loop<T>, py::arg("readout"), py::arg("monomials").noconvert(),
          py::arg("n_delays"), py::arg("stride"), py::arg("external").noconvert(), py::arg("history").noconvert(),
          py::arg("fed_back").noconvert());
}

}  // namespace

void register_nvar(py::module_& m) {
    register_type<float>(m);
    register_type<double>(m);
}

}  // namespace reservoirs::bindings
