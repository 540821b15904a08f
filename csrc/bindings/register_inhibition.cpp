#include "register.hpp"
#include "reservoirs/inhibition.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
InhibitionLearner<T> make_learner(const Network<T>& network, const Array<T>& targets, T rate) {
    expect_shape("targets", targets, {network.n_units()});
    return InhibitionLearner<T>(network, targets.data(), rate);
}

template <class T>
Array<T> run(InhibitionLearner<T>& learner, const Array<T>& inputs) {
    const py::ssize_t n_rows = inputs.ndim() == 2 ? inputs.shape(0) : 0;
    if (n_rows < 1) throw std::invalid_argument("inputs must be 2-D with at least one row");
    expect_shape("inputs", inputs, {n_rows, learner.n_inputs()});
    Array<T> mean_shown(learner.n_units());
    const py::gil_scoped_release unlocked;
    learner.run(inputs.data(), n_rows, mean_shown.mutable_data());
    return mean_shown;
}

template <class T>
Array<T> weights(const InhibitionLearner<T>& learner) {
    const std::vector<T> values = learner.weights();
    return Array<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class T>
void register_learner(py::module_& m, const char* name) {
    py::class_<InhibitionLearner<T>>(m, name)
        .def(py::init(&make_learner<T>), py::arg("network"), py::arg("targets").noconvert(), py::arg("rate"))
        .def("reset", &InhibitionLearner<T>::reset)
        .def("run", &run<T>, py::arg("inputs").noconvert())
        .def_property_readonly("weights", &weights<T>);
}

}  // namespace

void register_inhibition(py::module_& m) {
    register_learner<float>(m, "InhibitionLearner32");
    register_learner<double>(m, "InhibitionLearner64");
}

}  // namespace reservoirs::bindings
