#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "register.hpp"
#include "reservoirs/astrocyte.hpp"
#include "reservoirs/homeostasis.hpp"
#include "reservoirs/stdp.hpp"
#include "reservoirs/triplet.hpp"

namespace reservoirs::bindings {

namespace {

using Flags = std::vector<bool>;

std::vector<char> as_flags(const Flags& from) {
    return {from.begin(), from.end()};
}

// By kind of source, then onto excitatory and inhibitory units.
Blocks as_blocks(const std::vector<Flags>& from) {
    Blocks blocks;
    if (from.size() != kSourceKinds) throw std::invalid_argument("blocks must have three rows");
    for (std::size_t kind = 0; kind < from.size(); ++kind) {
        if (from[kind].size() != 2) throw std::invalid_argument("blocks must have two columns");
        std::copy(from[kind].begin(), from[kind].end(), blocks.onto[kind]);
    }
    return blocks;
}

using Row = std::array<double, 3>;

// Every parameter by its name.
LiRinzel li_rinzel(const py::dict& p) {
    const auto value = [&p](const char* name) { return p[name].cast<double>(); };
    return {value("ca_tot"), value("ip3_0"),    value("kd_ip3_1"),  value("kd_ip3_2"),  value("kd_act"),
            value("kd_inh"), value("km_serca"), value("rate_ip3r"), value("rate_leak"), value("rate_serca"),
            value("k_ip3r"), value("ratio_er"), value("tau_ip3"),   value("delta_ip3"), p["initial"].cast<Row>()};
}

GChI g_chi(const py::dict& p) {
    const auto value = [&p](const char* name) { return p[name].cast<double>(); };
    return {value("o_p"),       value("k_p"),
            value("c_t"),       value("rho"),
            value("omega_c"),   value("omega_l"),
            value("d_1"),       value("d_2"),
            value("d_3"),       value("d_5"),
            value("o_2"),       value("o_beta"),
            value("o_n"),       value("omega_n"),
            value("k_kc"),      value("zeta"),
            value("o_delta"),   value("kappa"),
            value("k_delta"),   value("omega_5p"),
            value("k_d"),       value("k_3"),
            value("o_3k"),      value("omega_glu"),
            value("delta_glu"), p["initial"].cast<std::array<double, 5>>()};
}

// The state of a cell after each step of so many milliseconds, each beginning with so many spikes.
Array<double> run_cell(const CalciumModel& model, const Array<double>& n_spikes, double milliseconds) {
    const auto cell = model.copy();
    const auto n_variables = static_cast<py::ssize_t>(cell->state().size());
    if (n_spikes.ndim() != 1) throw std::invalid_argument("n_spikes must be 1-D");
    Array<double> states({n_spikes.shape(0), n_variables});
    for (py::ssize_t t = 0; t < n_spikes.shape(0); ++t) {
        if (n_spikes.at(t) > 0) cell->stimulate(n_spikes.at(t));
        cell->run(milliseconds);
        const std::vector<double> state = cell->state();
        std::copy(state.begin(), state.end(), states.mutable_data() + t * n_variables);
    }
    return states;
}

template <class T>
std::shared_ptr<StdpRule<T>> make_stdp(T a_plus, T a_minus, T trace_step, T trace_decay, T w_max, T fade, bool nearest,
                                       bool multiplicative, const std::vector<Flags>& blocks, T astro_rate,
                                       T astro_units, T astro_inputs, T astro_bias, const Flags& senses_units,
                                       const Flags& senses_inputs, const std::vector<std::uint32_t>& region,
                                       const std::vector<T>& share, const std::shared_ptr<CalciumModel>& cell,
                                       double cell_milliseconds, double cell_gain, double cell_rest, T per_calcium,
                                       bool gated, T calcium_rate, T calcium_threshold, T calcium_width) {
    auto rule = std::make_shared<StdpRule<T>>();
    rule->a_plus = a_plus;
    rule->a_minus = a_minus;
    rule->trace_step = trace_step;
    rule->trace_decay = trace_decay;
    rule->w_max = w_max;
    rule->fade = fade;
    rule->nearest = nearest;
    rule->multiplicative = multiplicative;
    rule->changed = as_blocks(blocks);
    rule->astrocyte = {
        astro_rate, astro_units, astro_inputs, astro_bias, as_flags(senses_units), as_flags(senses_inputs), region,
        share,      {},          cell_rest,    per_calcium};
    if (cell) {
        rule->astrocyte.cells = {cell,      cell_milliseconds,
                                 cell_gain, as_flags(senses_units),
                                 region,    static_cast<std::uint32_t>(std::max<std::size_t>(1, share.size()))};
    }
    rule->gated = gated;
    rule->calcium_rate = calcium_rate;
    rule->calcium_threshold = calcium_threshold;
    rule->calcium_width = calcium_width;
    return rule;
}

template <class T>
std::shared_ptr<TripletRule<T>> make_triplet(T a2_plus, T a3_plus, T a2_minus, T a3_minus, T decay_plus, T decay_minus,
                                             T decay_x, T decay_y, T w_max, T fade, bool nearest,
                                             const std::vector<Flags>& blocks) {
    auto rule = std::make_shared<TripletRule<T>>();
    rule->a2_plus = a2_plus;
    rule->a3_plus = a3_plus;
    rule->a2_minus = a2_minus;
    rule->a3_minus = a3_minus;
    rule->decay_plus = decay_plus;
    rule->decay_minus = decay_minus;
    rule->decay_x = decay_x;
    rule->decay_y = decay_y;
    rule->w_max = w_max;
    rule->fade = fade;
    rule->nearest = nearest;
    rule->changed = as_blocks(blocks);
    return rule;
}

template <class T>
std::shared_ptr<InhibitoryRule<T>> make_inhibitory(T learning_rate, T trace_decay, T w_max, T fade,
                                                   const std::vector<T>& alpha, const std::vector<Flags>& blocks) {
    auto rule = std::make_shared<InhibitoryRule<T>>();
    rule->learning_rate = learning_rate;
    rule->trace_decay = trace_decay;
    rule->w_max = w_max;
    rule->fade = fade;
    rule->alpha = alpha;
    rule->changed = as_blocks(blocks);
    return rule;
}

template <class T>
std::shared_ptr<ThresholdRule<T>> make_threshold(T learning_rate, T most, T fade, const std::vector<T>& target) {
    auto rule = std::make_shared<ThresholdRule<T>>();
    rule->learning_rate = learning_rate;
    rule->most = most;
    rule->fade = fade;
    rule->target = target;
    return rule;
}

template <class T>
std::shared_ptr<ScalingRule<T>> make_scaling(T learning_rate, T rate_decay, T w_max, T fade, std::int64_t interval,
                                             const std::vector<T>& target, const std::vector<Flags>& blocks) {
    auto rule = std::make_shared<ScalingRule<T>>();
    rule->learning_rate = learning_rate;
    rule->rate_decay = rate_decay;
    rule->w_max = w_max;
    rule->fade = fade;
    rule->interval = interval;
    rule->target = target;
    rule->changed = as_blocks(blocks);
    return rule;
}

template <class T>
std::shared_ptr<SlowCurrentRule<T>> make_slow_current(const std::shared_ptr<CalciumModel>& cell, double milliseconds,
                                                      double gain, double threshold, const std::vector<T>& scale,
                                                      const Flags& senses, const std::vector<std::uint32_t>& region,
                                                      std::uint32_t n_regions) {
    auto rule = std::make_shared<SlowCurrentRule<T>>();
    rule->cells = {cell, milliseconds, gain, as_flags(senses), region, n_regions};
    rule->threshold = threshold;
    rule->scale = scale;
    return rule;
}

template <class T>
std::shared_ptr<SlowUnitsRule<T>> make_slow_units(T rise, T decay, const std::vector<std::int64_t>& sensed_start,
                                                  const std::vector<std::uint32_t>& sensed_by,
                                                  const std::vector<std::int64_t>& driven_start,
                                                  const std::vector<std::uint32_t>& driven,
                                                  const std::vector<T>& weights) {
    auto rule = std::make_shared<SlowUnitsRule<T>>();
    rule->rise = rise;
    rule->decay = decay;
    rule->sensed_start = sensed_start;
    rule->sensed_by = sensed_by;
    rule->driven_start = driven_start;
    rule->driven = driven;
    rule->weights = weights;
    return rule;
}

template <template <class> class Kind, class T>
using RuleClass = py::class_<Kind<T>, Rule<T>, std::shared_ptr<Kind<T>>>;

template <class T>
void register_rules(py::module_& m, const std::string& suffix) {
    py::class_<Rule<T>, std::shared_ptr<Rule<T>>>(m, ("Rule" + suffix).c_str());
    const std::vector<Flags> all(kSourceKinds, Flags(2, true));
    RuleClass<StdpRule, T>(m, ("StdpRule" + suffix).c_str())
        .def(py::init(&make_stdp<T>), py::kw_only(), py::arg("a_plus"), py::arg("a_minus"), py::arg("trace_step"),
             py::arg("trace_decay"), py::arg("w_max"), py::arg("fade") = T(1), py::arg("nearest") = false,
             py::arg("multiplicative") = false, py::arg("blocks") = all, py::arg("astro_rate") = T(0),
             py::arg("astro_units") = T(0), py::arg("astro_inputs") = T(0), py::arg("astro_bias") = T(0),
             py::arg("senses_units") = Flags(), py::arg("senses_inputs") = Flags(),
             py::arg("region") = std::vector<std::uint32_t>(), py::arg("share") = std::vector<T>(),
             py::arg("cell") = std::shared_ptr<CalciumModel>(), py::arg("cell_milliseconds") = 1.0,
             py::arg("cell_gain") = 1.0, py::arg("cell_rest") = 0.0, py::arg("per_calcium") = T(0),
             py::arg("gated") = false, py::arg("calcium_rate") = T(0), py::arg("calcium_threshold") = T(0),
             py::arg("calcium_width") = T(0));
    RuleClass<TripletRule, T>(m, ("TripletRule" + suffix).c_str())
        .def(py::init(&make_triplet<T>), py::kw_only(), py::arg("a2_plus"), py::arg("a3_plus"), py::arg("a2_minus"),
             py::arg("a3_minus"), py::arg("decay_plus"), py::arg("decay_minus"), py::arg("decay_x"), py::arg("decay_y"),
             py::arg("w_max"), py::arg("fade") = T(1), py::arg("nearest") = false, py::arg("blocks") = all);
    RuleClass<InhibitoryRule, T>(m, ("InhibitoryRule" + suffix).c_str())
        .def(py::init(&make_inhibitory<T>), py::kw_only(), py::arg("learning_rate"), py::arg("trace_decay"),
             py::arg("w_max"), py::arg("fade") = T(1), py::arg("alpha"), py::arg("blocks"));
    RuleClass<ThresholdRule, T>(m, ("ThresholdRule" + suffix).c_str())
        .def(py::init(&make_threshold<T>), py::kw_only(), py::arg("learning_rate"), py::arg("most"),
             py::arg("fade") = T(1), py::arg("target"));
    RuleClass<ScalingRule, T>(m, ("ScalingRule" + suffix).c_str())
        .def(py::init(&make_scaling<T>), py::kw_only(), py::arg("learning_rate"), py::arg("rate_decay"),
             py::arg("w_max"), py::arg("fade") = T(1), py::arg("interval"), py::arg("target"), py::arg("blocks"));
    RuleClass<SlowCurrentRule, T>(m, ("SlowCurrentRule" + suffix).c_str())
        .def(py::init(&make_slow_current<T>), py::kw_only(), py::arg("cell"), py::arg("cell_milliseconds"),
             py::arg("cell_gain"), py::arg("threshold"), py::arg("scale"), py::arg("senses") = Flags(),
             py::arg("region") = std::vector<std::uint32_t>(), py::arg("n_regions") = 1);
    RuleClass<SlowUnitsRule, T>(m, ("SlowUnitsRule" + suffix).c_str())
        .def(py::init(&make_slow_units<T>), py::kw_only(), py::arg("rise"), py::arg("decay"), py::arg("sensed_start"),
             py::arg("sensed_by"), py::arg("driven_start"), py::arg("driven"), py::arg("weights"));
}

}  // namespace

void register_plasticity(py::module_& m) {
    py::class_<CalciumModel, std::shared_ptr<CalciumModel>>(m, "CalciumModel")
        .def("run", &run_cell, py::arg("n_spikes").noconvert(), py::arg("milliseconds"));
    py::class_<Cell<LiRinzel>, CalciumModel, std::shared_ptr<Cell<LiRinzel>>>(m, "LiRinzel")
        .def(py::init([](const py::dict& p) { return std::make_shared<Cell<LiRinzel>>(li_rinzel(p)); }));
    py::class_<Cell<GChI>, CalciumModel, std::shared_ptr<Cell<GChI>>>(m, "GChI").def(
        py::init([](const py::dict& p) { return std::make_shared<Cell<GChI>>(g_chi(p)); }));
    register_rules<float>(m, "32");
    register_rules<double>(m, "64");
}

}  // namespace reservoirs::bindings
