#include "register.hpp"

PYBIND11_MODULE(_core, m) {
    m.doc() = "The compiled core of reservoirs. Private: use the estimators.";
    reservoirs::bindings::register_simd(m);
    reservoirs::bindings::register_math(m);
    reservoirs::bindings::register_network(m);
    reservoirs::bindings::register_gram(m);
    reservoirs::bindings::register_inhibition(m);
    reservoirs::bindings::register_nvar(m);
    reservoirs::bindings::register_online(m);
    reservoirs::bindings::register_stream(m);
    reservoirs::bindings::register_plasticity(m);
    reservoirs::bindings::register_liquid(m);
    reservoirs::bindings::register_unit_rules(m);
    reservoirs::bindings::register_sorn(m);
}
