#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>

#include "register.hpp"
#include "reservoirs/unit_rules.hpp"
#include "table.hpp"

namespace reservoirs::bindings {

namespace {

using Reals = Array<double>;
using Parts = std::vector<const Network<double>*>;

UnitRun describe(const Parts& parts, std::size_t n_parts, const std::string& activation, const Reals& leak,
                 const Reals& inputs, Reals& state) {
    if (parts.size() != n_parts) throw std::invalid_argument("a rule needs " + std::to_string(n_parts) + " parts");
    if (activation != "tanh" && activation != "sigmoid") {
        throw std::invalid_argument("unknown activation '" + activation + "'");
    }
    if (inputs.ndim() != 2) throw std::invalid_argument("inputs must be 2-D");
    const std::int64_t n_units = parts[0]->n_units();
    for (const Network<double>* part : parts) {
        const bool fits = part->n_units() == n_units && (part->n_inputs() == 0 || part->n_inputs() == inputs.shape(1));
        if (!fits) throw std::invalid_argument("the parts do not fit together, or the inputs");
    }
    expect_shape("leak", leak, {n_units});
    expect_shape("state", state, {n_units});
    return {parts,           activation == "tanh" ? Activation::tanh : Activation::logistic,
            leak.data(),     inputs.data(),
            inputs.shape(0), state.mutable_data()};
}

void intrinsic_plasticity(const Parts& parts, const std::string& activation, const Reals& leak, const Reals& inputs,
                          Reals& state, double mean, double std, double rate, double rate_fall, double least_gain,
                          Reals& gain, Reals& bias) {
    const UnitRun run = describe(parts, 1, activation, leak, inputs, state);
    expect_shape("gain", gain, {leak.shape(0)});
    expect_shape("bias", bias, {leak.shape(0)});
    const IntrinsicPlasticity rule{mean, std, {rate, rate_fall}, least_gain, gain.mutable_data(), bias.mutable_data()};
    const py::gil_scoped_release unlocked;
    run_rule(run, rule);
}

void divisive_gain(const Parts& parts, const std::string& activation, const Reals& leak, const Reals& inputs,
                   Reals& state, double std, double rate, double rate_fall, double least_division, const Reals& bias,
                   Reals& division) {
    const UnitRun run = describe(parts, 1, activation, leak, inputs, state);
    expect_shape("bias", bias, {leak.shape(0)});
    expect_shape("division", division, {leak.shape(0)});
    const DivisiveGain rule{std, {rate, rate_fall}, least_division, bias.data(), division.mutable_data()};
    const py::gil_scoped_release unlocked;
    run_rule(run, rule);
}

void multi_scale(const Parts& parts, const Reals& leak, const Reals& inputs, Reals& state,
                 const std::array<double, 4>& smoothing, const std::array<double, 4>& rates, double brake,
                 const Reals& target_rate, const std::optional<Reals>& target_variance, const Reals& excitation_scale,
                 const Reals& inhibition_scale, Reals& bias, Reals& excitation, Reals& inhibition, Reals& averages,
                 Reals& variance) {
    const UnitRun run = describe(parts, 3, "sigmoid", leak, inputs, state);
    const py::ssize_t n = leak.shape(0);
    expect_shape("target_rate", target_rate, {n});
    if (target_variance) expect_shape("target_variance", *target_variance, {n});
    expect_shape("excitation_scale", excitation_scale, {n});
    expect_shape("inhibition_scale", inhibition_scale, {n});
    for (Reals* array : {&bias, &excitation, &inhibition, &variance}) expect_shape("bias and factors", *array, {n});
    expect_shape("averages", averages, {4, n});
    const MultiScale rule{smoothing,
                          rates,
                          brake,
                          target_rate.data(),
                          target_variance ? target_variance->data() : nullptr,
                          excitation_scale.data(),
                          inhibition_scale.data(),
                          bias.mutable_data(),
                          excitation.mutable_data(),
                          inhibition.mutable_data(),
                          averages.mutable_data(),
                          variance.mutable_data()};
    const py::gil_scoped_release unlocked;
    run_rule(run, rule);
}

}  // namespace

void register_unit_rules(py::module_& m) {
    m.def("intrinsic_plasticity", &intrinsic_plasticity, py::arg("parts"), py::arg("activation"),
          py::arg("leak").noconvert(), py::arg("inputs").noconvert(), py::arg("state").noconvert(), py::arg("mean"),
          py::arg("std"), py::arg("rate"), py::arg("rate_fall"), py::arg("least_gain"), py::arg("gain").noconvert(),
          py::arg("bias").noconvert());
    m.def("divisive_gain", &divisive_gain, py::arg("parts"), py::arg("activation"), py::arg("leak").noconvert(),
          py::arg("inputs").noconvert(), py::arg("state").noconvert(), py::arg("std"), py::arg("rate"),
          py::arg("rate_fall"), py::arg("least_division"), py::arg("bias").noconvert(),
          py::arg("division").noconvert());
    m.def("multi_scale", &multi_scale, py::arg("parts"), py::arg("leak").noconvert(), py::arg("inputs").noconvert(),
          py::arg("state").noconvert(), py::arg("smoothing"), py::arg("rates"), py::arg("brake"),
          py::arg("target_rate").noconvert(), py::arg("target_variance").noconvert(),
          py::arg("excitation_scale").noconvert(), py::arg("inhibition_scale").noconvert(), py::arg("bias").noconvert(),
          py::arg("excitation").noconvert(), py::arg("inhibition").noconvert(), py::arg("averages").noconvert(),
          py::arg("variance").noconvert());
}

}  // namespace reservoirs::bindings
