#include "register.hpp"
#include "reservoirs/sorn.hpp"

namespace reservoirs::bindings {

namespace {

using Reals = Array<double>;

Reals sorn(const Array<std::int32_t>& sources, Reals& weights, const Reals& to_inhibitory, const Reals& to_excitatory,
           Reals& threshold_exc, const Reals& threshold_inh, double stdp_rate, double ip_rate, double target_rate,
           const Reals& drive, Reals& x, Reals& y) {
    if (sources.ndim() != 2 || drive.ndim() != 2) throw std::invalid_argument("sources and drive must be 2-D");
    const py::ssize_t n_exc = sources.shape(0), in_degree = sources.shape(1), n_inh = threshold_inh.size();
    expect_shape("weights", weights, {n_exc, in_degree});
    expect_shape("to_inhibitory", to_inhibitory, {n_exc, n_inh});
    expect_shape("to_excitatory", to_excitatory, {n_inh, n_exc});
    expect_shape("threshold_exc", threshold_exc, {n_exc});
    expect_shape("threshold_inh", threshold_inh, {n_inh});
    expect_shape("drive", drive, {drive.shape(0), n_exc});
    expect_shape("x", x, {n_exc});
    expect_shape("y", y, {n_inh});
    for (py::ssize_t i = 0; i < sources.size(); ++i) {
        if (sources.data()[i] < 0 || sources.data()[i] >= n_exc) throw std::invalid_argument("a source is no unit");
    }
    Reals states({drive.shape(0), n_exc});
    const Sorn network{n_exc,
                       n_inh,
                       in_degree,
                       sources.data(),
                       weights.mutable_data(),
                       to_inhibitory.data(),
                       to_excitatory.data(),
                       threshold_exc.mutable_data(),
                       threshold_inh.data(),
                       stdp_rate,
                       ip_rate,
                       target_rate};
    const py::gil_scoped_release unlocked;
    run_sorn(network, drive.data(), drive.shape(0), x.mutable_data(), y.mutable_data(), states.mutable_data());
    return states;
}

}  // namespace

void register_sorn(py::module_& m) {
    m.def("sorn", &sorn, py::arg("sources").noconvert(), py::arg("weights").noconvert(),
          py::arg("to_inhibitory").noconvert(), py::arg("to_excitatory").noconvert(),
          py::arg("threshold_exc").noconvert(), py::arg("threshold_inh").noconvert(), py::arg("stdp_rate"),
          py::arg("ip_rate"), py::arg("target_rate"), py::arg("drive").noconvert(), py::arg("x").noconvert(),
          py::arg("y").noconvert());
}

}  // namespace reservoirs::bindings
