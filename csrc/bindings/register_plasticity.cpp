#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "register.hpp"
#include "reservoirs/stdp.hpp"

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

template <class T>
std::shared_ptr<StdpRule<T>> make_stdp(T a_plus, T a_minus, T trace_step, T trace_decay, T w_max, T fade, bool nearest,
                                       bool multiplicative, const std::vector<Flags>& blocks, T astro_rate,
                                       T astro_units, T astro_inputs, T astro_bias, const Flags& senses_units,
                                       const Flags& senses_inputs, const std::vector<std::uint32_t>& region,
                                       const std::vector<T>& share, bool gated, T calcium_rate, T calcium_threshold,
                                       T calcium_width) {
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
        astro_rate, astro_units, astro_inputs, astro_bias, as_flags(senses_units), as_flags(senses_inputs),
        region,     share};
    rule->gated = gated;
    rule->calcium_rate = calcium_rate;
    rule->calcium_threshold = calcium_threshold;
    rule->calcium_width = calcium_width;
    return rule;
}

template <class T>
void register_rules(py::module_& m, const std::string& suffix) {
    py::class_<Rule<T>, std::shared_ptr<Rule<T>>>(m, ("Rule" + suffix).c_str());
    const std::vector<Flags> all(kSourceKinds, Flags(2, true));
    py::class_<StdpRule<T>, Rule<T>, std::shared_ptr<StdpRule<T>>>(m, ("StdpRule" + suffix).c_str())
        .def(py::init(&make_stdp<T>), py::kw_only(), py::arg("a_plus"), py::arg("a_minus"), py::arg("trace_step"),
             py::arg("trace_decay"), py::arg("w_max"), py::arg("fade") = T(1), py::arg("nearest") = false,
             py::arg("multiplicative") = false, py::arg("blocks") = all, py::arg("astro_rate") = T(0),
             py::arg("astro_units") = T(0), py::arg("astro_inputs") = T(0), py::arg("astro_bias") = T(0),
             py::arg("senses_units") = Flags(), py::arg("senses_inputs") = Flags(),
             py::arg("region") = std::vector<std::uint32_t>(), py::arg("share") = std::vector<T>(),
             py::arg("gated") = false, py::arg("calcium_rate") = T(0), py::arg("calcium_threshold") = T(0),
             py::arg("calcium_width") = T(0));
}

}  // namespace

void register_plasticity(py::module_& m) {
    register_rules<float>(m, "32");
    register_rules<double>(m, "64");
}

}  // namespace reservoirs::bindings
