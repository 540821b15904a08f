#include "register.hpp"
#include "reservoirs/gram.hpp"
#include "reservoirs/tridiagonal.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
void products(const Array<T>& features, const Array<double>& shift, const Array<double>& others,
              py::array_t<double, py::array::f_style>& gram, Array<double>& of_others, int n_threads) {
    if (features.ndim() != 2 || others.ndim() != 2) throw std::invalid_argument("features and others must be 2-D");
    const py::ssize_t n = features.shape(0), p = features.shape(1), m = others.shape(1);
    expect_shape("shift", shift, {p});
    expect_shape("others", others, {n, m});
    expect_shape("products", of_others, {p, m});
    if (gram.ndim() != 2 || gram.shape(0) != p || gram.shape(1) != p) {
        throw std::invalid_argument("gram must have a row and a column a feature");
    }
    const Samples<T> samples{n, p, m, features.data(), shift.data(), others.data()};
    double *const sums = gram.mutable_data(), *const rest = of_others.mutable_data();
    const py::gil_scoped_release unlocked;
    add_products(samples, sums, rest, n_threads);
}

template <class T>
double squares(const Array<T>& numbers, int n_threads) {
    const T* const data = numbers.data();
    const py::ssize_t n = numbers.size();
    const py::gil_scoped_release unlocked;
    return sum_of_squares(data, n, n_threads);
}

template <class T>
void register_type(py::module_& m) {
    m.def("add_products", &products<T>, py::arg("features").noconvert(), py::arg("shift").noconvert(),
          py::arg("others").noconvert(), py::arg("gram").noconvert(), py::arg("products").noconvert(),
          py::arg("n_threads"));
    m.def("sum_of_squares", &squares<T>, py::arg("numbers").noconvert(), py::arg("n_threads"));
}

bool spectrum(Array<double>& diagonal, Array<double>& beside, Array<double>& vectors) {
    if (diagonal.ndim() != 1 || vectors.ndim() != 2) throw std::invalid_argument("one diagonal, vectors in columns");
    const py::ssize_t n = diagonal.size(), m = vectors.shape(1);
    expect_shape("beside", beside, {std::max<py::ssize_t>(n - 1, 0)});
    expect_shape("vectors", vectors, {n, m});
    double *const values = diagonal.mutable_data(), *const links = beside.mutable_data();
    double* const rows = vectors.mutable_data();
    const py::gil_scoped_release unlocked;
    return tridiagonal_spectrum(n, values, links, m, rows);
}

}  // namespace

void register_gram(py::module_& m) {
    register_type<float>(m);
    register_type<double>(m);
    m.def("tridiagonal_spectrum", &spectrum, py::arg("diagonal").noconvert(), py::arg("beside").noconvert(),
          py::arg("vectors").noconvert());
}

}  // namespace reservoirs::bindings
