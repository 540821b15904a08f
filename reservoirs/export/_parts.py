"""A fitted estimator taken apart into the float32 numbers that the C code is written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..esn import ESNClassifier, ESNForecaster, ESNRegressor
from ..esn.dynamics import check_dynamics
from ..nvar import NVAR
from ..topology import CirculantWeights, HadamardWeights

Kind = Literal["regressor", "forecaster", "classifier"]
_OF_NETWORK = ("W_", "mixing_", "W_in_", "W_fb_", "bias_", "leak_rate_", "last_state_", "last_row_")
# What the C code's integer twin of double can hold without a thought about overflow and subnormal numbers.
_LEAST, _MOST = 1e-60, 1e60


@dataclass(frozen=True)
class Affine:
    """One step of a scaling, for each column: computed in double, which the results of most steps do not stay in.

    Attributes
    ----------
    action : {"add", "mul", "div", "clip"}
    constants : float64 ndarray of shape (n_columns,), for "clip" of shape (2,)
    narrow : bool
        Whether the result is rounded to float32.
    """

    action: str
    constants: np.ndarray
    narrow: bool = True


@dataclass(frozen=True)
class Network:
    """An echo-state network; the columns of `W_in` belong to the inputs, then to what is fed back.

    A unit adds `gain` times its activation to what it keeps of the past: the share `keep` of its state, or of what
    `linear` makes of all states. Where the states are `potentials`, units send and show the activation of these.
    """

    W: Any  # CSR or HadamardWeights, float32
    linear: Any  # CSR, float32, or None
    W_in: np.ndarray
    bias: np.ndarray
    gain: np.ndarray
    keep: np.ndarray
    potentials: bool
    activation: str
    stage_ends: list[int]
    with_inputs: bool
    with_squares: bool

    @property
    def n_features(self) -> int:
        """Width of what the readout sees."""
        return len(self.bias) * (1 + self.with_squares) + int(self.W_in.shape[1]) * self.with_inputs


@dataclass(frozen=True)
class DelayLine:
    """What NVAR remembers and multiplies."""

    n_variables: int
    delays: int
    stride: int
    monomials: np.ndarray

    @property
    def depth(self) -> int:
        """Rows remembered."""
        return (self.delays - 1) * self.stride

    @property
    def n_features(self) -> int:
        """Width of what the readout sees."""
        return self.n_variables * self.delays + len(self.monomials)


@dataclass(frozen=True)
class Parts:
    """Everything the C code does.

    Attributes
    ----------
    kind : {"regressor", "forecaster", "classifier"}
    estimator : estimator
        The float32 estimator that the C code equals; without the scalers of a pipeline.
    reference : estimator or Pipeline
        The same with the scalers.
    core : Network or DelayLine
    coef, intercept : ndarray
        Of the readout: float32, or float64 for a classifier, whose pooling and readout Python computes in float64.
    n_inputs : int
        Numbers of an input row; for a forecaster the variables of its series.
    n_exogenous : int
        Exogenous variables of a forecaster.
    n_outputs : int
        Outputs, or scores of a classifier.
    feeds_back : bool
        Whether a regressor's outputs are inputs of the next step.
    scaling : list of Affine
        What the scalers of a pipeline do to an input row.
    standardise, standardise_x, restore : list of Affine
        What a forecaster does to its series, its exogenous series and its outputs.
    """

    kind: Kind
    estimator: Any
    reference: Any
    core: Network | DelayLine
    coef: np.ndarray
    intercept: np.ndarray
    n_inputs: int
    n_exogenous: int
    n_outputs: int
    feeds_back: bool = False
    scaling: list[Affine] = field(default_factory=list)
    standardise: list[Affine] = field(default_factory=list)
    standardise_x: list[Affine] = field(default_factory=list)
    restore: list[Affine] = field(default_factory=list)


def take_apart(model: Any) -> Parts:
    """Check that `model` can be exported, convert it to float32 and return its parts."""
    scalers, final = steps_of(model)
    if not isinstance(final, ESNRegressor | ESNForecaster | ESNClassifier | NVAR):
        raise ValueError(
            f"model={model!r} cannot be exported; expected an ESNRegressor, ESNForecaster, ESNClassifier, NVAR or "
            "liquid, or a Pipeline of StandardScaler or MinMaxScaler and one of these"
        )
    check_is_fitted(final)
    if hasattr(final, "readout_"):
        raise ValueError(f"readout={final.readout!r} cannot be exported; only readout=None, ridge regression, can")
    if not isinstance(final, NVAR) and not final._is_plain:
        raise ValueError("a network with recurrent_delay, input_delay or multiplicative_scaling cannot be exported")
    scaling = scaling_of(scalers, type(final).__name__, final._width_)
    final = _as_float32(final)
    parts = _of_forecaster(final) if isinstance(final, ESNForecaster | NVAR) else _of_network_model(final)
    reference = with_last_step(model, final)
    for step in [*parts["standardise"], *parts["standardise_x"], *parts["restore"]]:
        _check_range(step.constants)
    return Parts(estimator=final, reference=reference, scaling=scaling, **parts)


def scaling_of(scalers: list[Any], name: str, width: int) -> list[Affine]:
    """Check the scalers before an estimator with rows of this width and return what they do."""
    for scaler in scalers:
        check_is_fitted(scaler)
        if scaler.n_features_in_ != width:
            raise ValueError(
                f"{scaler!r} scales {scaler.n_features_in_} columns, but a time step of {name} has {width} features: "
                "only scalers of a time step's features can be exported"
            )
    steps = [step for scaler in scalers for step in _scaling(scaler)]
    for step in steps:
        _check_range(step.constants)
    return steps


def with_last_step(model: Any, final: Any) -> Any:
    """Return the model with its last step, or itself if it is no pipeline, replaced."""
    return Pipeline([*model.steps[:-1], (model.steps[-1][0], final)]) if isinstance(model, Pipeline) else final


def steps_of(model: Any) -> tuple[list[Any], Any]:
    """Return the scalers of a pipeline and its last step; for another model none, and itself."""
    if not isinstance(model, Pipeline):
        return [], model
    steps = [step for _, step in model.steps if step is not None and not isinstance(step, str)]
    for step in steps[:-1]:
        if not isinstance(step, StandardScaler | MinMaxScaler):
            raise ValueError(
                f"the pipeline's step {step!r} cannot be exported; only StandardScaler and MinMaxScaler can"
            )
    return steps[:-1], steps[-1]


def _as_float32(model: Any) -> Any:
    """Return a copy that computes in float32, with its weights rounded to it."""
    copy = model._fresh(learned=True)
    copy.dtype = "float32"
    for name in _OF_NETWORK:
        if hasattr(copy, name):
            setattr(copy, name, getattr(copy, name).astype(np.float32))
    copy._compile()
    return copy


def _of_network_model(model: ESNRegressor | ESNClassifier) -> dict[str, Any]:
    classifies = isinstance(model, ESNClassifier)
    dtype = np.float64 if classifies else np.float32
    return {
        "kind": "classifier" if classifies else "regressor",
        "core": _network(model),
        "coef": model.coef_.astype(dtype),
        "intercept": model.intercept_.astype(dtype),
        "n_inputs": model._width_,
        "n_exogenous": 0,
        "n_outputs": len(model.coef_),
        "feeds_back": hasattr(model, "W_fb_"),
        "standardise": [],
        "standardise_x": [],
        "restore": [],
    }


def _of_forecaster(model: ESNForecaster | NVAR) -> dict[str, Any]:
    n_outputs, n_exogenous = len(model.y_mean_), len(model.X_mean_)
    return {
        "kind": "forecaster",
        "core": _network(model) if isinstance(model, ESNForecaster) else _delay_line(model),
        "coef": model.coef_.astype(np.float32),
        "intercept": model.intercept_.astype(np.float32),
        "n_inputs": n_outputs,
        "n_exogenous": n_exogenous,
        "n_outputs": n_outputs,
        # As ForecasterMixin computes: all in double, rounded once at the end.
        "standardise": [Affine("add", -model.y_mean_, narrow=False), Affine("div", model.y_scale_)],
        "standardise_x": [Affine("add", -model.X_mean_, narrow=False), Affine("div", model.X_scale_)],
        "restore": [Affine("mul", model.y_scale_, narrow=False), Affine("add", model.y_mean_)],
    }


def _network(model: Any) -> Network:
    dynamics, leak_rate = check_dynamics(model.dynamics), model.leak_rate_
    linear = dynamics._linear(getattr(model, "mixing_", None), leak_rate)
    if linear is not None and dynamics._potentials:
        raise ValueError(f"dynamics={dynamics!r} cannot be exported: it mixes potentials")
    n_units = len(model.W_in_)
    n_stages = len(model.bias_) // n_units
    return Network(
        W=_rows(model.W_),
        linear=None if linear is None else _rows(linear),
        W_in=np.hstack([model.W_in_, getattr(model, "W_fb_", model.W_in_[:, :0])]),
        bias=model.bias_,
        gain=dynamics._gain(leak_rate),
        keep=dynamics._keep(leak_rate),
        potentials=dynamics._potentials,
        activation=model._activation,
        stage_ends=[n_units * (i + 1) for i in range(n_stages)],
        with_inputs="input" in model.features,
        with_squares="squares" in model.features,
    )


def _rows(matrix: Any) -> Any:
    if isinstance(matrix, HadamardWeights):
        return matrix
    if isinstance(matrix, CirculantWeights):
        raise ValueError(
            "circulant weights are for networks too large for devices and are not exported; topology='hadamard' is"
        )
    rows = sparse.csr_array(matrix)
    rows.sort_indices()
    return rows


def _delay_line(model: NVAR) -> DelayLine:
    n_variables = len(model.y_mean_) + len(model.X_mean_)
    return DelayLine(n_variables, int(model.delays), int(model.stride), model.monomials_)


def _scaling(scaler: Any) -> list[Affine]:
    """Return what a scaler does to float32 rows; each of its operations rounds to float32."""
    steps: list[Affine] = []
    if isinstance(scaler, StandardScaler):
        if scaler.with_mean:
            steps.append(Affine("add", -np.asarray(scaler.mean_, np.float64)))
        if scaler.with_std:
            steps.append(Affine("div", np.asarray(scaler.scale_, np.float64)))
    else:
        steps.append(Affine("mul", np.asarray(scaler.scale_, np.float64)))
        steps.append(Affine("add", np.asarray(scaler.min_, np.float64)))
        if scaler.clip:
            steps.append(Affine("clip", np.asarray(scaler.feature_range, np.float64)))
    # Versions of scikit-learn differ in whether they round these constants to float32 first: ask the one at hand.
    rounded = [Affine(step.action, step.constants.astype(np.float32).astype(np.float64)) for step in steps]
    probe = np.random.default_rng(0).normal(size=(256, scaler.n_features_in_)).astype(np.float32)
    if isinstance(scaler, MinMaxScaler):
        probe = (probe * scaler.data_range_ + scaler.data_min_).astype(np.float32)
    elif scaler.with_mean:
        probe = (probe * (scaler.scale_ if scaler.with_std else 1.0) + scaler.mean_).astype(np.float32)
    expected = scaler.transform(probe)
    for candidate in (steps, rounded):
        if np.array_equal(apply(candidate, probe), expected):
            return candidate
    raise ValueError(f"{scaler!r} of this version of scikit-learn computes in an unknown way and cannot be exported")


def apply(steps: list[Affine], rows: np.ndarray) -> np.ndarray:
    """Do to float32 rows what the C code does."""
    for step in steps:
        wide = rows.astype(np.float64)
        if step.action == "clip":
            wide = np.clip(wide, *step.constants.astype(np.float32))
        else:
            wide = {"add": np.add, "mul": np.multiply, "div": np.divide}[step.action](wide, step.constants)
        rows = wide.astype(np.float32) if step.narrow else wide
    return rows


def _check_range(constants: np.ndarray) -> None:
    size = np.abs(constants[constants != 0])
    if not ((size >= _LEAST) & (size <= _MOST)).all():
        raise ValueError(
            f"the scaling holds {size[(size < _LEAST) | (size > _MOST)][0]:g}; expected 0 or sizes from {_LEAST:g} to "
            f"{_MOST:g}"
        )
