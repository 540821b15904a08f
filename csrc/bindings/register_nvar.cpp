#include "register.hpp"
#include "reservoirs/nvar.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
Array<T> closed_loop(const LinearReadout<T>& readout, const Array<std::int32_t>& monomials, std::int64_t n_delays,
                     std::int64_t stride, const Array<T>& external, Array<T>& history, Array<T>& fed_back) {
    if (monomials.ndim() != 2 || external.ndim() != 2)
        throw std::invalid_argument("monomials and external must be 2-D");
    if (monomials.shape(1) < 1 || readout.n_outputs() < 1)
        throw std::invalid_argument("nothing to multiply or predict");
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    if (n_delays < 1 || stride < 1 || n_delays > kMost || stride > kMost) {
        throw std::invalid_argument("n_delays and stride must be at least 1 and at most 2^31");
    }
    const std::int64_t n_variables = external.shape(1) + readout.n_outputs();
    expect_shape("history", history, {(n_delays - 1) * stride, n_variables});
    expect_shape("fed_back", fed_back, {readout.n_outputs()});
    if (readout.n_features() != n_delays * n_variables + monomials.shape(0)) {
        throw std::invalid_argument("the readout does not fit the features");
    }
    for (py::ssize_t i = 0; i < monomials.size(); ++i) {
        const std::int32_t place = monomials.data()[i];
        const bool first = i % monomials.shape(1) == 0;
        if (place < (first ? 0 : -1) || place >= n_delays * n_variables) {
            throw std::invalid_argument("a monomial leaves the delayed values");
        }
    }
    Array<T> outputs({external.shape(0), static_cast<py::ssize_t>(readout.n_outputs())});
    const NvarLoop<T> job{n_delays,
                          stride,
                          n_variables,
                          monomials.shape(0),
                          monomials.shape(1),
                          monomials.data(),
                          external.shape(0),
                          external.data(),
                          history.mutable_data(),
                          fed_back.mutable_data(),
                          &readout,
                          outputs.mutable_data()};
    const py::gil_scoped_release unlocked;
    nvar_closed_loop(job);
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
