#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "register.hpp"
#include "reservoirs/liquid.hpp"
#include "reservoirs/liquid_memory.hpp"
#include "table.hpp"

namespace reservoirs::bindings {

namespace {

template <class T>
using Maybe = std::optional<Array<T>>;

template <class T>
const T* data_of(const Maybe<T>& array) {
    return array ? array->data() : nullptr;
}

template <class T>
void expect_if_given(const char* name, const Maybe<T>& array, std::initializer_list<py::ssize_t> shape) {
    if (array) expect_shape(name, *array, shape);
}

SynapseKind synapse_named(const std::string& name) {
    if (name == "delta") return SynapseKind::delta;
    if (name == "exponential") return SynapseKind::exponential;
    if (name == "double") return SynapseKind::double_exponential;
    throw std::invalid_argument("unknown synapse '" + name + "'");
}

NeuronModel neuron_named(const std::string& name) {
    if (name == "lif") return NeuronModel::lif;
    if (name == "izhikevich") return NeuronModel::izhikevich;
    throw std::invalid_argument("unknown neuron '" + name + "'");
}

LiquidFeature feature_named(const std::string& name) {
    if (name == "counts") return LiquidFeature::counts;
    if (name == "traces") return LiquidFeature::traces;
    if (name == "potentials") return LiquidFeature::potentials;
    if (name == "latency") return LiquidFeature::latency;
    if (name == "intervals") return LiquidFeature::intervals;
    throw std::invalid_argument("unknown feature '" + name + "'");
}

template <class T>
SynapseSpec<T> synapses(const std::string& prefix, const Array<std::int64_t>& start, const Array<std::int32_t>& targets,
                        const Array<T>& weights) {
    if (start.ndim() != 1 || start.shape(0) < 1) throw std::invalid_argument(prefix + "start must be 1-D");
    expect_shape((prefix + "targets").c_str(), targets, {start.data()[start.shape(0) - 1]});
    expect_shape((prefix + "weights").c_str(), weights, {targets.shape(0)});
    SynapseSpec<T> spec;
    spec.n_sources = start.shape(0) - 1;
    spec.start = start.data();
    spec.targets = targets.data();
    spec.weights = weights.data();
    return spec;
}

template <class T>
std::shared_ptr<Liquid<T>> make_liquid(const std::string& neuron, const Array<T>& parameters, const Array<T>& v_init,
                                       const Maybe<T>& u_init, bool soft_reset, bool hold, bool adaptive,
                                       const std::string& synapse, const Array<T>& decay, const Maybe<T>& rise,
                                       const Maybe<T>& norm, bool nearest, const Array<std::int64_t>& start,
                                       const Array<std::int32_t>& targets, const Array<T>& weights,
                                       const Maybe<std::int32_t>& delays, const Maybe<std::uint8_t>& source_channel,
                                       const Maybe<T>& utilisation, const Maybe<T>& depression,
                                       const Maybe<T>& facilitation, const Array<std::int64_t>& input_start,
                                       const Array<std::int32_t>& input_targets, const Array<T>& input_weights,
                                       int input_refractory, bool narrow) {
    LiquidSpec<T> spec;
    spec.model = neuron_named(neuron);
    spec.kind = synapse_named(synapse);
    if (v_init.ndim() != 1 || decay.ndim() != 2) throw std::invalid_argument("v_init must be 1-D and decay 2-D");
    const py::ssize_t n = v_init.shape(0);
    const py::ssize_t n_channels = decay.shape(0);
    const bool izhikevich = spec.model == NeuronModel::izhikevich;
    expect_shape("parameters", parameters, {izhikevich ? int{kIzhikevichRows} : int{kLifRows}, n});
    expect_if_given("u_init", u_init, {n});
    expect_shape("decay", decay, {n_channels, n});
    expect_if_given("rise", rise, {n_channels, n});
    expect_if_given("norm", norm, {n_channels, n});
    expect_shape("start", start, {n + 1});
    if (n_channels < 1 || n_channels > 2) throw std::invalid_argument("decay must have one or two rows");
    if (izhikevich != u_init.has_value()) throw std::invalid_argument("u_init belongs to Izhikevich neurons");
    if (spec.kind == SynapseKind::double_exponential && !(rise && norm)) {
        throw std::invalid_argument("double exponential synapses need rise and norm");
    }
    if (input_refractory < -1 || input_refractory > 100000)
        throw std::invalid_argument("input_refractory out of range");
    if (nearest && spec.kind != SynapseKind::exponential) {
        throw std::invalid_argument("nearest-spike kernels are exponential");
    }
    spec.recurrent = synapses("", start, targets, weights);
    spec.input = synapses("input_", input_start, input_targets, input_weights);
    const py::ssize_t n_synapses = targets.shape(0);
    expect_if_given("delays", delays, {n_synapses});
    expect_if_given("source_channel", source_channel, {n});
    expect_if_given("utilisation", utilisation, {n_synapses});
    expect_if_given("depression", depression, {n_synapses});
    expect_if_given("facilitation", facilitation, {n_synapses});
    if (utilisation.has_value() != depression.has_value() || utilisation.has_value() != facilitation.has_value()) {
        throw std::invalid_argument("short-term plasticity needs utilisation, depression and facilitation");
    }
    spec.n_units = n;
    spec.soft_reset = soft_reset;
    spec.hold = hold;
    spec.adaptive = adaptive && !izhikevich;
    spec.parameters = parameters.data();
    spec.v_init = v_init.data();
    spec.u_init = data_of(u_init);
    spec.n_channels = static_cast<int>(n_channels);
    spec.decay = decay.data();
    spec.rise = data_of(rise);
    spec.norm = data_of(norm);
    spec.nearest = nearest;
    spec.recurrent.delays = data_of(delays);
    spec.recurrent.source_channel = data_of(source_channel);
    spec.recurrent.utilisation = data_of(utilisation);
    spec.recurrent.depression = data_of(depression);
    spec.recurrent.facilitation = data_of(facilitation);
    spec.input_refractory = input_refractory;
    spec.narrow = narrow;
    const py::gil_scoped_release unlocked;
    return std::make_shared<Liquid<T>>(spec);
}

template <class T>
class Batch {
public:
    Batch(std::shared_ptr<const Liquid<T>> liquid, std::int64_t n_slots, T trace_decay, bool intervals,
          const std::vector<std::int32_t>& recorded, const std::vector<std::int32_t>& watched,
          const std::vector<std::shared_ptr<Rule<T>>>& rules, const std::vector<bool>& excitatory, bool keep_learned)
        : batch_(std::move(liquid), n_slots, trace_decay, intervals, recorded, watched, {rules.begin(), rules.end()},
                 {excitatory.begin(), excitatory.end()}, keep_learned) {}

    void begin_events(const std::vector<std::int64_t>& lengths, const Array<std::int64_t>& offsets,
                      const Array<std::int32_t>& steps, const Array<std::int32_t>& inputs) {
        const auto n = static_cast<py::ssize_t>(lengths.size());
        expect_shape("offsets", offsets, {n + 1});
        const std::int64_t* at = offsets.data();
        if (at[0] < 0 || !std::is_sorted(at, at + n + 1)) throw std::invalid_argument("offsets must not decrease");
        if (steps.ndim() != 1 || at[n] > steps.shape(0)) throw std::invalid_argument("offsets leave the events");
        expect_shape("inputs", inputs, {steps.shape(0)});
        const py::gil_scoped_release unlocked;
        batch_.begin_events(lengths, at, steps.data(), inputs.data());
    }

    void begin_rates(const std::vector<std::int64_t>& lengths, const Array<double>& probabilities, std::uint64_t seed) {
        expect_shape("probabilities", probabilities,
                     {static_cast<py::ssize_t>(lengths.size()), batch_.liquid().n_inputs()});
        const py::gil_scoped_release unlocked;
        batch_.begin_rates(lengths, probabilities.data(), seed);
    }

    void begin_currents(const std::vector<std::int64_t>& n_rows, const Array<T>& rows, std::int64_t steps_per_row) {
        std::int64_t total = 0;
        for (const std::int64_t n : n_rows) total += n;
        expect_shape("rows", rows, {total, batch_.liquid().n_inputs()});
        const py::gil_scoped_release unlocked;
        batch_.begin_currents(n_rows, rows.data(), steps_per_row);
    }

    void advance(std::int64_t n_steps, const Maybe<std::int64_t>& samples, Maybe<T> counts, Maybe<T> traces,
                 Maybe<T> potentials, int n_threads) {
        if (n_steps < 0) throw std::invalid_argument("n_steps must not be negative");
        Samples<T> to;
        const py::ssize_t n = samples ? samples->shape(0) : 0;
        expect_if_given("samples", samples, {n, 2});
        for (py::ssize_t i = 0; i < n; ++i) to.when.push_back({samples->at(i, 0), samples->at(i, 1)});
        const py::ssize_t n_units = batch_.liquid().n_units();
        expect_if_given("counts", counts, {n, n_units});
        expect_if_given("traces", traces, {n, n_units});
        expect_if_given("potentials", potentials, {n, n_units});
        if (counts) to.counts = counts->mutable_data();
        if (traces) to.traces = traces->mutable_data();
        if (potentials) to.potentials = potentials->mutable_data();
        const py::gil_scoped_release unlocked;
        batch_.advance(n_steps, to, n_threads);
    }

    // The spikes recorded since the last call: slots, steps and units.
    py::tuple spikes() {
        std::size_t n = 0;
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) n += batch_.view(s).recorded.size();
        const auto size = static_cast<py::ssize_t>(n);
        Array<std::int32_t> slots(size), steps(size), units(size);
        std::int32_t *slot = slots.mutable_data(), *step = steps.mutable_data(), *unit = units.mutable_data();
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) {
            for (const RecordedSpike& spike : batch_.view(s).recorded) {
                *slot++ = static_cast<std::int32_t>(s);
                *step++ = spike.step;
                *unit++ = spike.unit;
            }
        }
        return py::make_tuple(slots, steps, units);
    }

    py::list potentials() {
        py::list of_slots;
        const py::ssize_t n = batch_.n_watched();
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) {
            const std::vector<T>& watched = batch_.view(s).watched;
            const py::ssize_t n_steps = n == 0 ? 0 : static_cast<py::ssize_t>(watched.size()) / n;
            Array<T> values({n_steps, n});
            std::copy(watched.begin(), watched.end(), values.mutable_data());
            of_slots.append(values);
        }
        return of_slots;
    }

    template <class U, class V>
    Array<U> of_units(const V* (*pick)(const typename LiquidBatch<T>::View&)) const {
        const py::ssize_t n_units = batch_.liquid().n_units();
        Array<U> all({static_cast<py::ssize_t>(batch_.n_begun()), n_units});
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) {
            const V* const values = pick(batch_.view(s));
            std::transform(values, values + n_units, all.mutable_data() + s * n_units,
                           [](V value) { return static_cast<U>(value); });
        }
        return all;
    }

    using View = typename LiquidBatch<T>::View;
    using Steps = Array<std::int32_t>;  // which one presentation fits
    Steps counts() const {
        return of_units<std::int32_t, std::int64_t>([](const View& view) { return view.counts; });
    }
    Steps first() const {
        return of_units<std::int32_t, std::int64_t>([](const View& view) { return view.first; });
    }
    Steps last() const {
        return of_units<std::int32_t, std::int64_t>([](const View& view) { return view.last; });
    }

    Array<T> sum_squares() const {
        if (!batch_.has_intervals()) throw std::invalid_argument("this batch keeps no intervals");
        return of_units<T, T>([](const View& view) { return view.sum_squares; });
    }

    py::dict totals() const {
        LiquidTotals sum;
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) {
            const LiquidTotals& one = batch_.view(s).totals;
            sum.steps += one.steps;
            sum.spikes += one.spikes;
            sum.input_spikes += one.input_spikes;
            sum.events += one.events;
        }
        using namespace py::literals;
        return py::dict("steps"_a = sum.steps, "spikes"_a = sum.spikes, "input_spikes"_a = sum.input_spikes,
                        "events"_a = sum.events);
    }

    template <void (LiquidBatch<T>::*store)(std::int64_t, double*) const>
    Array<double> of_slots(py::ssize_t width) const {
        Array<double> all({static_cast<py::ssize_t>(batch_.n_begun()), width * batch_.liquid().n_units()});
        for (std::int64_t s = 0; s < batch_.n_begun(); ++s) (batch_.*store)(s, all.mutable_data(s, 0));
        return all;
    }
    Array<double> latency() const { return of_slots<&LiquidBatch<T>::store_latency>(1); }
    Array<double> intervals() const { return of_slots<&LiquidBatch<T>::store_intervals>(2); }

    void clear_kept() { batch_.clear_kept(); }

    // Recurrent and input weights in the order they were given, what thresholds were raised by (or nothing), and for
    // each rule a dict of what there is to see of it.
    py::tuple learned(std::int64_t slot) const {
        if (slot < 0 || slot >= batch_.n_begun()) throw std::invalid_argument("there is no such slot");
        const Learning<T>& learning = batch_.learned(slot);
        const Plastic<T>& plastic = learning.plastic();
        py::list records;
        for (const auto& learner : learning.learners()) {
            py::dict record;
            for (const auto& [name, values] : learner->record()) record[py::str(name)] = as_array(values);
            records.append(record);
        }
        Aligned<T> raised = plastic.raised;
        if (!raised.empty()) raised.resize(static_cast<std::size_t>(batch_.liquid().n_units()));
        return py::make_tuple(as_array(plastic.recurrent), as_array(plastic.input), as_array(raised), records);
    }

private:
    template <class Values>
    static Array<T> as_array(const Values& values) {
        return Array<T>(static_cast<py::ssize_t>(values.size()), values.data());
    }

    LiquidBatch<T> batch_;
};

template <class T>
void register_type(py::module_& m, const std::string& suffix) {
    py::class_<Liquid<T>, std::shared_ptr<Liquid<T>>>(m, ("Liquid" + suffix).c_str())
        .def(py::init(&make_liquid<T>), py::kw_only(), py::arg("neuron"), py::arg("parameters").noconvert(),
             py::arg("v_init").noconvert(), py::arg("u_init").noconvert() = py::none(), py::arg("soft_reset") = false,
             py::arg("hold") = false, py::arg("adaptive") = false, py::arg("synapse"), py::arg("decay").noconvert(),
             py::arg("rise").noconvert() = py::none(), py::arg("norm").noconvert() = py::none(),
             py::arg("nearest") = false, py::arg("start").noconvert(), py::arg("targets").noconvert(),
             py::arg("weights").noconvert(), py::arg("delays").noconvert() = py::none(),
             py::arg("source_channel").noconvert() = py::none(), py::arg("utilisation").noconvert() = py::none(),
             py::arg("depression").noconvert() = py::none(), py::arg("facilitation").noconvert() = py::none(),
             py::arg("input_start").noconvert(), py::arg("input_targets").noconvert(),
             py::arg("input_weights").noconvert(), py::arg("input_refractory") = -1, py::arg("narrow") = false)
        .def_property_readonly("n_units", &Liquid<T>::n_units)
        .def_property_readonly("n_inputs", &Liquid<T>::n_inputs)
        .def_property_readonly("n_synapses", &Liquid<T>::n_synapses)
        .def_property_readonly("nbytes", &Liquid<T>::nbytes);
    using B = Batch<T>;
    py::class_<B>(m, ("LiquidBatch" + suffix).c_str())
        .def(py::init<std::shared_ptr<Liquid<T>>, std::int64_t, T, bool, const std::vector<std::int32_t>&,
                      const std::vector<std::int32_t>&, const std::vector<std::shared_ptr<Rule<T>>>&,
                      const std::vector<bool>&, bool>(),
             py::arg("liquid").none(false), py::arg("n_slots"), py::arg("trace_decay") = T(0),
             py::arg("intervals") = false, py::arg("recorded") = std::vector<std::int32_t>(),
             py::arg("watched") = std::vector<std::int32_t>(),
             py::arg("rules") = std::vector<std::shared_ptr<Rule<T>>>(), py::arg("excitatory") = std::vector<bool>(),
             py::arg("keep_learned") = false)
        .def("begin_events", &B::begin_events, py::arg("lengths"), py::arg("offsets").noconvert(),
             py::arg("steps").noconvert(), py::arg("inputs").noconvert())
        .def("begin_rates", &B::begin_rates, py::arg("lengths"), py::arg("probabilities").noconvert(), py::arg("seed"))
        .def("begin_currents", &B::begin_currents, py::arg("n_rows"), py::arg("rows").noconvert(),
             py::arg("steps_per_row") = 1)
        .def("advance", &B::advance, py::arg("n_steps"), py::arg("samples").noconvert() = py::none(),
             py::arg("counts").noconvert() = py::none(), py::arg("traces").noconvert() = py::none(),
             py::arg("potentials").noconvert() = py::none(), py::arg("n_threads") = 1)
        .def("spikes", &B::spikes)
        .def("watched", &B::potentials)
        .def("clear_kept", &B::clear_kept)
        .def("learned", &B::learned, py::arg("slot"))
        .def_property_readonly("counts", &B::counts)
        .def_property_readonly("first", &B::first)
        .def_property_readonly("last", &B::last)
        .def_property_readonly("sum_squares", &B::sum_squares)
        .def_property_readonly("latency", &B::latency)
        .def_property_readonly("intervals", &B::intervals)
        .def_property_readonly("totals", &B::totals);
    using M = LiquidMemory<T>;
    py::class_<M, Memory<double>>(m, ("LiquidMemory" + suffix).c_str())
        .def(py::init([](std::shared_ptr<Liquid<T>> liquid, std::int64_t n_inputs, std::int64_t steps_per_row,
                         const std::vector<std::string>& features, bool by_row, bool shares, double trace_decay) {
                 LiquidReading reading{{}, by_row, shares, trace_decay};
                 for (const std::string& name : features) reading.features.push_back(feature_named(name));
                 return std::make_unique<M>(std::move(liquid), n_inputs, steps_per_row, std::move(reading));
             }),
             py::arg("liquid").none(false), py::arg("n_inputs"), py::arg("steps_per_row"), py::arg("features"),
             py::arg("by_row"), py::arg("shares"), py::arg("trace_decay"))
        .def(
            "show_events",
            [](M& memory, std::int64_t n_steps, const Array<std::int32_t>& steps, const Array<std::int32_t>& inputs) {
                if (steps.ndim() != 1) throw std::invalid_argument("steps must be 1-D");
                expect_shape("inputs", inputs, {steps.shape(0)});
                memory.show_events(n_steps, steps.shape(0), steps.data(), inputs.data());
            },
            py::arg("n_steps"), py::arg("steps").noconvert(), py::arg("inputs").noconvert())
        .def(
            "show_rates",
            [](M& memory, std::int64_t n_steps, const Array<double>& probabilities, std::uint64_t seed) {
                expect_shape("probabilities", probabilities, {memory.n_channels()});
                memory.show_rates(n_steps, probabilities.data(), seed);
            },
            py::arg("n_steps"), py::arg("probabilities"), py::arg("seed"));
}

}  // namespace

void register_liquid(py::module_& m) {
    register_type<float>(m, "32");
    register_type<double>(m, "64");
}

}  // namespace reservoirs::bindings
