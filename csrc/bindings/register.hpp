// Bindings only translate: arrays in, arrays out, the interpreter lock released, errors as ValueError. Python has
// already validated for its users; what is checked again here is what memory safety needs.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

#include "reservoirs/nvar.hpp"

namespace reservoirs::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
void expect_shape(const char* name, const Array<T>& array, std::initializer_list<py::ssize_t> shape) {
    bool same = array.ndim() == static_cast<py::ssize_t>(shape.size());
    py::ssize_t axis = 0;
    for (const py::ssize_t n : shape) same = same && array.shape(axis++) == n;
    if (same) return;
    std::string text;
    for (const py::ssize_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
    throw std::invalid_argument(std::string(name) + " must have shape (" + text + ")");
}

NvarSpec make_nvar_spec(const Array<std::int32_t>& monomials, std::int64_t n_variables, std::int64_t n_delays,
                        std::int64_t stride);

void register_simd(py::module_& m);
void register_math(py::module_& m);
void register_network(py::module_& m);
void register_gram(py::module_& m);
void register_inhibition(py::module_& m);
void register_nvar(py::module_& m);
void register_online(py::module_& m);
void register_stream(py::module_& m);
void register_plasticity(py::module_& m);
void register_liquid(py::module_& m);
void register_unit_rules(py::module_& m);
void register_sorn(py::module_& m);

}  // namespace reservoirs::bindings
