// Single functions of the core, for tests of their accuracy and known answers.

#include <pybind11/stl.h>

#include "register.hpp"
#include "reservoirs/random.hpp"
#include "table.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
using Elementwise = void (*)(const T*, std::int64_t, T*);

template <class T>
void def_elementwise(py::module_& m, const char* name, Elementwise<T> (*function)(const Kernels<T>&)) {
    m.def(
        name,
        [function](const Array<T>& x) {
            Array<T> y(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
            function(kernels<T>())(x.data(), x.size(), y.mutable_data());
            return y;
        },
        py::arg("x").noconvert());
}

template <class T>
void def_add_rows(py::module_& m) {
    m.def(
        "add_rows",
        [](const Array<T>& rows, const Array<std::int64_t>& bounds, Array<double>& sums) {
            if (rows.ndim() != 2 || bounds.ndim() != 2) throw std::invalid_argument("rows and bounds must be 2-D");
            const py::ssize_t n = bounds.shape(0);
            expect_shape("bounds", bounds, {n, 2});
            expect_shape("sums", sums, {n, rows.shape(1)});
            const auto bound = bounds.template unchecked<2>();
            for (py::ssize_t s = 0; s < n; ++s) {
                double* sum = sums.mutable_data() + s * rows.shape(1);
                if (bound(s, 0) < 0 || bound(s, 1) > rows.shape(0)) throw std::invalid_argument("bounds leave rows");
                for (std::int64_t r = bound(s, 0); r < bound(s, 1); ++r) {
                    const T* row = rows.data() + r * rows.shape(1);
                    for (py::ssize_t i = 0; i < rows.shape(1); ++i) sum[i] += static_cast<double>(row[i]);
                }
            }
        },
        py::arg("rows").noconvert(), py::arg("bounds").noconvert(), py::arg("sums").noconvert());
}

template <class T>
void register_type(py::module_& m) {
    using Table = const Kernels<T>&;
    def_elementwise<T>(m, "tanh", [](Table k) { return k.activate[static_cast<int>(Activation::tanh)]; });
    def_elementwise<T>(m, "logistic", [](Table k) { return k.activate[static_cast<int>(Activation::logistic)]; });
    def_elementwise<T>(m, "exp", [](Table k) { return k.exp; });
    def_elementwise<T>(m, "log", [](Table k) { return k.log; });
    def_add_rows<T>(m);
}

}  // namespace

void register_math(py::module_& m) {
    register_type<float>(m);
    register_type<double>(m);
    m.def("philox",
          [](std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) { return philox(counter, key); });
    m.def("normal_quantile", py::vectorize([](double p) { return normal_quantile(p); }));
    m.def(
        "state_noise",
        [](std::uint64_t seed, std::uint32_t sequence, std::uint64_t step, std::uint32_t index) {
            return normal({seed, sequence, step}, RandomStream::state_noise, index);
        },
        py::arg("seed"), py::arg("sequence"), py::arg("step"), py::arg("index"));
}

}  // namespace reservoirs::bindings
