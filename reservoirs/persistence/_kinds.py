"""The classes that files may hold, and what each of them learns: the only names that a file can call upon."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from .._estimator import Estimator
from ..adaptation import (
    SORN,
    Adaptation,
    DivisiveGainControl,
    DormantRecycling,
    EIBalance,
    GainWhitening,
    InputMatching,
    IntrinsicPlasticity,
    MultiScaleHomeostasis,
    SynapticTurnover,
    VogelsInhibition,
)
from ..encoding import BSAEncoder, Cochlea, DeltaEncoder, LatencyEncoder, PopulationEncoder, RateEncoder
from ..encoding._base import Encoder
from ..esn import (
    ES2N,
    ContractingModules,
    EchoStateNetwork,
    ESNClassifier,
    ESNForecaster,
    ESNRegressor,
    Euler,
    Leaky,
    LegendreMemory,
    Voltage,
)
from ..lsm import (
    APSTDP,
    LIF,
    STDP,
    AdaptiveLIF,
    AstrocyteSTDP,
    AstrocyteUnits,
    DeltaSynapse,
    DoubleExponentialSynapse,
    ExponentialSynapse,
    GChI,
    HomeostaticThreshold,
    InhibitorySTDP,
    Izhikevich,
    Izhikevich2007,
    LiquidStateMachine,
    LiRinzel,
    LSMClassifier,
    LSMRegressor,
    SlowInwardCurrent,
    SynapticScaling,
    TripletSTDP,
    TsodyksMarkram,
)
from ..lsm.neurons import CompiledNeurons
from ..lsm.plasticity import Plasticity
from ..lsm.synapses import CompiledPlasticity, CompiledSynapses
from ..nvar import NVAR
from ..readout import Gram
from ..topology import (
    CirculantWeights,
    Column,
    Connectome,
    CycleWithJumps,
    EITopology,
    ErdosRenyi,
    FixedInDegree,
    HadamardWeights,
    Modular,
    ReceptiveFields,
    SmallWorld,
    Wave,
)
from ._checks import (
    FLAG,
    NOTHING,
    STEPS,
    TEXT,
    WHOLE,
    Table,
    array,
    called,
    either,
    find_fault,
    floats,
    many,
    mapping,
    matrix,
    number,
    of,
    size,
    telling,
)


@dataclass(frozen=True)
class Kind:
    """A class that files may hold.

    Attributes
    ----------
    cls : type
    learned : mapping of str to Check
        What its objects have beside their parameters.
    not_saved : tuple of str
        Parameters that have to be left at their defaults.
    """

    cls: type
    learned: Table
    not_saved: tuple[str, ...] = ()

    def take_apart(self, thing: Any, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return an object's parameters, and what it has learned."""
        learned = dict(thing.__getstate__())
        learned.pop("_sklearn_version", None)
        parameters = {name: learned.pop(name) for name in self._defaults}
        if not self._is_ours:
            # It adds and removes parameters: those in use have the best chance to be there tomorrow.
            parameters = {name: value for name, value in parameters.items() if not _same(value, self._defaults[name])}
        if unsaved := sorted(parameters.keys() & self.not_saved):
            raise TypeError(f"{called(path)} has {unsaved[0]}={parameters[unsaved[0]]!r}, which cannot be saved")
        if fault := find_fault(self.learned, learned):
            raise ValueError(f"{called(path)} cannot be saved: it {fault}")
        return parameters, learned

    def put_together(self, parameters: dict[str, Any], learned: dict[str, Any], path: str) -> Any:
        """Return the object."""
        if unknown := sorted(parameters.keys() - (self._defaults.keys() - self.not_saved)):
            raise ValueError(f"{called(path)}: {self.cls.__name__} has no parameter {unknown[0]!r} that may be loaded")
        if fault := find_fault(self.learned, learned):
            raise ValueError(f"{called(path)}: {self.cls.__name__} {fault}")
        # What is infinite in float32 was so in the fit.
        with telling(path), np.errstate(divide="raise", invalid="raise", over="ignore"):
            return self._built(parameters, learned)

    def _built(self, parameters: dict[str, Any], learned: dict[str, Any]) -> Any:
        if is_dataclass(self.cls):
            return self.cls(**learned)
        thing = self.cls(**parameters)
        vars(thing).update(learned)
        if isinstance(thing, Estimator) and hasattr(thing, "n_features_in_"):
            thing._compile()
        return thing

    @property
    def _defaults(self) -> dict[str, Any]:
        if not issubclass(self.cls, BaseEstimator):
            return {}
        signature = inspect.signature(self.cls).parameters
        return {name: parameter.default for name, parameter in signature.items()}

    @property
    def _is_ours(self) -> bool:
        return not self.cls.__module__.startswith("sklearn.")


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


# scikit-learn's own: what it keeps of data frames, and set_output.
_INPUT: Table = {
    "n_features_in_": WHOLE,
    "feature_names_in_?": array("OU", "names"),
    "_sklearn_output_config?": mapping({"transform?": either(TEXT, NOTHING)}),
}
_LABELS: Table = {"classes_": array("biufUSO", "classes")}
_READOUT: Table = {
    "coef_?": floats("outputs", "features"),
    "intercept_?": floats("outputs"),
    "alpha_?": number(),
    "readout_?": of(Pipeline, LogisticRegression),
    "_gram_?": either(NOTHING, of(Gram)),
}
_NETWORK: Table = {
    **_INPUT,
    "_width_": WHOLE,
    "washout_": WHOLE,
    "W_": either(matrix("csr", "units", "units"), floats("units", "units"), of(HadamardWeights, CirculantWeights)),
    "mixing_?": either(matrix("csr", "units", "units"), floats("units", "units")),
    "W_in_": floats("units of a layer", "inputs"),
    "recurrent_delay_?": matrix("csr", "units", "units"),
    "input_delay_?": floats("units of a layer", "inputs"),
    "W_mul_?": floats("units of a layer", "inputs"),
    "W_fb_?": floats("units of a layer", "fed back"),
    "bias_": floats("units"),
    "leak_rate_": floats("units"),
    "adaptation_?": either(of(Adaptation), many(of(Adaptation))),
    "_noise_seed_": WHOLE,
    "_n_sequences_seen_?": WHOLE,
}
_SERIES: Table = {
    "_one_dimensional_": FLAG,
    "y_mean_": floats("outputs"),
    "y_scale_": floats("outputs"),
    "X_mean_": floats("exogenous"),
    "X_scale_": floats("exogenous"),
    "last_row_": floats("outputs"),
}
_ENCODER: Table = {**_INPUT, "n_channels_": WHOLE}
_COCHLEA: Table = {
    "_sklearn_output_config?": _INPUT["_sklearn_output_config?"],
    **dict.fromkeys(("center_frequencies_", "bandwidths_", "scale_"), floats("bands")),
    "level_": number(),
}
_LIQUID: Table = {
    **_INPUT,
    "_width_?": WHOLE,
    "_seed_": WHOLE,
    "_dt_": number(),
    "encoder_?": of(Encoder),
    "W_": matrix("csc", "units", "units"),
    "_n_inputs_": size("inputs"),
    "W_in_": matrix("csc", "units", "inputs"),
    "excitatory_": array("b", "units"),
    "positions_?": array("if", "units", "axes"),
    "delay_": either(number(), floats("synapses")),
    "_neurons_": of(CompiledNeurons),
    "_synapses_": of(CompiledSynapses),
    "plasticity_?": either(of(Plasticity), many(of(Plasticity))),
    "_short_term_": either(NOTHING, of(CompiledPlasticity)),
    "_options_": mapping({"input_refractory": STEPS, "narrow": FLAG}),
}
_DRAWN_UNITS = either(NOTHING, floats("channels", "units"))

_ALL = (
    Kind(EchoStateNetwork, _NETWORK),
    Kind(LegendreMemory, _NETWORK),
    Kind(
        ESNRegressor,
        {
            **_NETWORK,
            **_READOUT,
            "_one_dimensional_": FLAG,
            "_n_outputs_": size("outputs"),
        },
    ),
    Kind(ESNClassifier, {**_NETWORK, **_READOUT, **_LABELS}),
    Kind(ESNForecaster, {**_NETWORK, **_READOUT, **_SERIES, "last_state_": floats("state")}),
    Kind(
        NVAR,
        {
            **_INPUT,
            "_width_": WHOLE,
            **_SERIES,
            "coef_": floats("outputs", "features"),
            "intercept_": floats("outputs"),
            "alpha_": number(),
            "_gram_?": either(NOTHING, of(Gram)),
            "_depth_": size("depth"),
            "monomials_": array("i", "products", "order"),
            "last_state_": floats("depth", "variables"),
        },
    ),
    Kind(LiquidStateMachine, _LIQUID),
    Kind(LSMClassifier, {**_LIQUID, **_READOUT, **_LABELS}),
    Kind(LSMRegressor, {**_LIQUID, **_READOUT, "_one_dimensional_": FLAG}),
    Kind(RateEncoder, {**_ENCODER, "scale_": number(), "seed_": WHOLE}),
    Kind(LatencyEncoder, {**_ENCODER, "scale_": number()}),
    Kind(
        PopulationEncoder,
        {
            **_ENCODER,
            "_width_": WHOLE,
            "centers_": floats("features", "fields"),
            "widths_": floats("features"),
            "seed_": WHOLE,
        },
    ),
    Kind(Cochlea, _COCHLEA),
    Kind(DeltaEncoder, {**_ENCODER, "_width_": WHOLE, "threshold_": floats("features")}),
    Kind(
        BSAEncoder,
        {
            **_ENCODER,
            "_width_": WHOLE,
            "filter_": floats("taps"),
            "low_": floats("features"),
            "span_": floats("features"),
        },
    ),
    *(Kind(dynamics, {}) for dynamics in (ES2N, ContractingModules, Euler, Leaky, Voltage)),
    *(Kind(part, {}) for part in (LIF, AdaptiveLIF, Izhikevich, Izhikevich2007, DeltaSynapse, ExponentialSynapse)),
    *(Kind(part, {}) for part in (DoubleExponentialSynapse, TsodyksMarkram)),
    *(Kind(rule, {}) for rule in (STDP, AstrocyteSTDP, APSTDP, TripletSTDP, InhibitorySTDP, HomeostaticThreshold)),
    *(Kind(rule, {}) for rule in (SynapticScaling, SlowInwardCurrent, AstrocyteUnits, LiRinzel, GChI)),
    Kind(
        EIBalance,
        {
            "target_rate_": floats("units"),
            "mean_rate_": floats("units"),
            "local_balance_": floats("units"),
            "global_balance_": number(-np.inf),
            "adaptation_curve_": floats("windows"),
        },
    ),
    Kind(
        IntrinsicPlasticity,
        {"gain_": floats("units"), "divergence_": floats("runs"), "spectral_radius_": number()},
    ),
    Kind(DivisiveGainControl, {"gain_": floats("units")}),
    Kind(InputMatching, {"correlation_time_": floats("inputs")}),
    Kind(
        GainWhitening,
        {
            **_INPUT,
            "gains_": floats("features", "features"),
            "whitening_": floats("features", "features"),
            "mean_": floats("features"),
            "scale_": number(),
        },
    ),
    Kind(
        MultiScaleHomeostasis,
        {
            "target_rate_": floats("units"),
            "mean_rate_": floats("units"),
            "adaptation_curve_": floats("windows"),
        },
    ),
    Kind(VogelsInhibition, {"target_rate_": floats("units"), "mean_rate_": floats("units")}),
    Kind(
        SORN,
        {
            **_INPUT,
            "_width_": WHOLE,
            "sources_": array("i", "units", "links"),
            "weights_": floats("units", "links"),
            "W_ei_": floats("units", "inhibitory"),
            "W_ie_": floats("inhibitory", "units"),
            "threshold_exc_": floats("units"),
            "threshold_inh_": floats("inhibitory"),
            "input_units_": array("i", "inputs", "driven"),
            "mean_rate_": floats("units"),
        },
    ),
    Kind(SynapticTurnover, {"n_replaced_": WHOLE}),
    Kind(DormantRecycling, {"dormant_": array("b", "units"), "n_dormant_": array("i", "runs")}),
    *(Kind(graph, {}) for graph in (Column, Connectome, ErdosRenyi, FixedInDegree, Modular, SmallWorld)),
    *(Kind(topology, {}) for topology in (CycleWithJumps, EITopology, Wave)),
    Kind(HadamardWeights, {"factors": floats("units")}),
    Kind(CirculantWeights, {"spectra": floats("groups", "frequencies", "parts", "blocks"), "n_units": WHOLE}),
    Kind(ReceptiveFields, {}),
    Kind(
        CompiledNeurons,
        {
            "model": TEXT,
            # A potential without a lower bound has it at minus infinity.
            "parameters": floats("coefficients", "units", infinite=True),
            "v_init": floats("units"),
            "u_init": either(NOTHING, floats("units")),
            "soft_reset": FLAG,
            "hold": FLAG,
            "adaptive": FLAG,
        },
    ),
    Kind(
        CompiledSynapses,
        {
            "kind": TEXT,
            "decay": floats("channels", "units"),
            "rise": _DRAWN_UNITS,
            "norm": _DRAWN_UNITS,
            "nearest": FLAG,
        },
    ),
    Kind(
        CompiledPlasticity,
        {name: floats("synapses") for name in ("utilisation", "depression", "facilitation")},
    ),
    Kind(
        Gram,
        {
            "n_samples": WHOLE,
            "n_features": size("features"),
            "n_targets": size("targets"),
            "_x_shift": floats("features"),
            "_y_shift": floats("targets"),
            # The core adds to its columns in place.
            "_gram": floats("features", "features", order="F"),
            "_cross": floats("features", "targets"),
            "_x_sum": floats("features"),
            "_y_sum": floats("targets"),
            "_y_squares": floats("targets"),
        },
    ),
    Kind(
        StandardScaler,
        {
            **_INPUT,
            "n_samples_seen_": either(number(), array("if", "features")),
            "mean_": either(NOTHING, floats("features")),
            "var_": either(NOTHING, floats("features")),
            "scale_": either(NOTHING, floats("features")),
        },
    ),
    Kind(
        MinMaxScaler,
        {
            **_INPUT,
            "n_samples_seen_": either(number(), array("if", "features")),
            **{name: floats("features") for name in ("scale_", "min_", "data_min_", "data_max_", "data_range_")},
        },
    ),
    Kind(
        LogisticRegression,
        {
            **_INPUT,
            **_LABELS,
            "n_iter_": array("i", "fits"),
            "coef_": floats("outputs", "features"),
            "intercept_": floats("outputs"),
        },
    ),
    # A memory is a folder of pickles.
    Kind(Pipeline, {"_sklearn_output_config?": _INPUT["_sklearn_output_config?"]}, not_saved=("memory",)),
)

KINDS = {kind.cls.__name__: kind for kind in _ALL}
