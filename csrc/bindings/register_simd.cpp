#include <pybind11/stl.h>

#include "register.hpp"
#include "reservoirs/simd.hpp"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace reservoirs::bindings {

namespace {

std::vector<std::string> available_names() {
    std::vector<std::string> names;
    for (const SimdLevel level : available_simd_levels()) names.emplace_back(simd_level_name(level));
    return names;
}

py::dict build_info() {
    py::dict info;
    info["compiler"] = RSV_COMPILER;
    info["build_type"] = RSV_BUILD_TYPE;
#if defined(_OPENMP)
    info["openmp"] = true;
#else
    info["openmp"] = false;
#endif
    return info;
}

int max_threads() {
#if defined(_OPENMP)
    return omp_get_max_threads();
#else
    return 1;
#endif
}

}  // namespace

void register_simd(py::module_& m) {
    m.def("simd_level", [] { return std::string(simd_level_name(simd_level())); });
    m.def("available_simd_levels", &available_names);
    m.def("set_simd_level", &set_simd_level, py::arg("name"));
    m.def("build_info", &build_info);
    m.def("max_threads", &max_threads);
    // An impossible RESERVOIRS_SIMD should fail at import, not in the middle of a fit.
    simd_level();
}

}  // namespace reservoirs::bindings
