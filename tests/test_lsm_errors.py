"""Every error message of the liquid estimators once: each names the argument, what it is, and what would be right."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor
from reservoirs.encoding import DeltaEncoder, Events, LatencyEncoder, RateEncoder
from reservoirs.lsm import LIF, DeltaSynapse, ExponentialSynapse, TsodyksMarkram
from reservoirs.topology import Column, Connectome

RNG = np.random.default_rng(0)
SMALL = {"topology": Column((2, 2, 2)), "random_state": 0, "n_jobs": 1, "input_weight": 20.0}
SERIES = [RNG.uniform(0, 1, (n, 3)) for n in (20, 7, 12, 20)]
TABLE = RNG.uniform(0, 1, (6, 9))
LABELS = [0, 1, 0, 1]
EVENTS = [
    Events.from_arrays([0, 2000], [0, 2], shape=3, duration=9000),
    Events.from_arrays([], [], shape=3, duration=7000),
]


def raises(message, error=ValueError):
    """Expect an error with this text in its message."""
    return pytest.raises(error, match=re.escape(message))


def use(cls, X=SERIES, y=LABELS, **parameters):
    """Fit and use an estimator."""
    model = cls(**{**SMALL, **parameters})
    return model.fit_transform(X) if cls is LiquidStateMachine else model.fit(X, y).predict(X)


# Parameters

PARAMETERS = [
    ("preset", "nalsm", "preset='nalsm' is not one of 'nalsm-1000', 'nalsm-8000', 'receptive-fields-8000'"),
    ("topology", "column", "topology='column' must be a graph such as Column((10, 10, 10))"),
    ("topology", 1000, "topology=1000 must be a graph such as Column((10, 10, 10))"),
    ("topology", False, "topology=False must be a graph such as Column((10, 10, 10))"),
    ("topology", Column, "topology=<class 'reservoirs.topology.column.Column'> must be a graph such as"),
    ("topology", Column((0, 3)), "shape=(0, 3) must be three integers of at least 1, such as (10, 10, 10)"),
    ("topology", Connectome(np.ones((2, 3))), "(2, 3)"),
    ("neuron", "lif", "neuron='lif' must be a model of neurons such as LIF()"),
    ("neuron", LIF, "neuron=<class 'reservoirs.lsm.neurons.LIF'> must be a model of neurons such as LIF()"),
    ("neuron", DeltaSynapse(), "neuron=DeltaSynapse() must be a model of neurons such as LIF()"),
    ("neuron", LIF(tau_mem=0.0), "tau_mem=0.0 must be a finite number in (0, inf)"),
    ("synapse", "delta", "synapse='delta' must be a model of synapses such as ExponentialSynapse()"),
    ("synapse", LIF(), "synapse=LIF() must be a model of synapses such as ExponentialSynapse()"),
    ("synapse", ExponentialSynapse(-1.0), "tau_syn=-1.0 must be a finite number in (0, inf)"),
    ("weight", -1.0, "weight=-1.0 must be a finite number in [0, inf)"),
    ("weight", {"exc": 1.0, "inh": 2.0}, "weight has the keys ['exc', 'inh']; expected ['EE', 'EI', 'IE', 'II']"),
    ("weight", np.ones(3), "weight has shape (3,) and dtype float64; expected numbers of shape"),
    ("weight", "large", "weight='large' must be a number"),
    ("weight_sign", "both", "weight_sign='both' is not one of 'dale', 'random'"),
    ("balance", 1.5, "balance=1.5 must be a finite number in (-inf, 1]"),
    ("balance", "even", "balance='even' must be a finite number in (-inf, 1]"),
    ("frac_exc", 1.5, "frac_exc=1.5 must be a finite number in [0, 1]"),
    ("delay", 0.0, "delay=0.0 must be a finite number in (0, 65536]"),
    ("delay", 1e5, "delay=100000.0 must be a finite number in (0, 65536]"),
    ("delay", False, "delay=False must be a finite number in (0, 65536]"),
    ("delay", {"EE": 1.0}, "delay has the keys ['EE']; expected ['EE', 'EI', 'IE', 'II']"),
    ("delay", stats.uniform(-9, 1), "delay: the distribution lies almost wholly outside of (0, 65536]"),
    ("short_term", True, "short_term=True must be TsodyksMarkram(...), False or None"),
    (
        "short_term",
        TsodyksMarkram(),
        "short-term plasticity needs synapses with kernel='additive', or short_term=False",
    ),
    ("input_topology", True, "input_topology=True must be False or a wiring such as ReceptiveFields((28, 28))"),
    ("input_density", 0.0, "input_density=0.0 must be a finite number in (0, 1]"),
    ("input_density", 2, "input_density=2 must be a finite number in (0, 1]"),
    ("input_weight", -1.0, "input_weight=-1.0 must be a finite number in [0, inf)"),
    ("input_weight", {"E": 1.0, "I": 2.0}, "input_weight has the keys ['E', 'I']; expected ['exc', 'inh']"),
    ("input_sign", "negative", "input_sign='negative' is not one of 'random', 'positive'"),
    ("input_refractory", -1.0, "input_refractory=-1.0 must be a finite number in [0, 100000]"),
    ("input_refractory", True, "input_refractory=True must be a finite number in [0, 100000]"),
    ("input_refractory", 1e6, "input_refractory=1000000.0 must be a finite number in [0, 100000]"),
    ("dt", 0.0, "dt=0.0 must be a finite number in (0, inf)"),
    ("dt", False, "dt=False must be a finite number in (0, inf)"),
    ("encoder", "rate", "encoder='rate' must be None or an encoder such as RateEncoder()"),
    ("encoder", RateEncoder, "must be None or an encoder such as RateEncoder()"),
    ("row_duration", 0.0, "row_duration=0.0 is less than 1 step of dt=1.0 ms"),
    ("row_duration", 0.2, "row_duration=0.2 is less than 1 step of dt=1.0 ms"),
    ("row_duration", "long", "row_duration='long' must be a finite number in [0, inf)"),
    ("features", "states", "features='states' is not one of 'counts', 'traces', 'potentials', 'latency', 'intervals'"),
    ("features", 5, "features=5 is not one of 'counts', 'traces', 'potentials', 'latency', 'intervals'"),
    ("features", None, "features=None is not one of"),
    ("features", (), "features=() must name at least one feature, each once"),
    ("features", ["counts", "counts"], "features=['counts', 'counts'] must name at least one feature, each once"),
    ("n_bins", 0, "n_bins=0 must be an integer of at least 1"),
    ("n_bins", 8, "n_bins=8 is more than the 7 steps of the shortest sample"),
    ("sample_times", 0, "sample_times=0 must be an integer of at least 1"),
    ("sample_times", 1.5, "sample_times=1.5 must be an integer of at least 1"),
    ("sample_times", [], "sample_times has shape (0,); expected a number of times or a list of times in ms"),
    ("sample_times", [[1.0]], "sample_times has shape (1, 1); expected a number of times or a list of times in ms"),
    ("sample_times", ["end"], "sample_times[0]='end' must be a finite number in [0, inf)"),
    ("sample_times", [1.0, np.nan], "sample_times[1]=nan must be a finite number in [0, inf)"),
    ("sample_times", [0.0, 3.0], "sample_times=[0.0, 3.0] must increase by at least one step of dt=1.0 ms"),
    ("sample_times", [3.0, 3.2], "sample_times=[3.0, 3.2] must increase by at least one step of dt=1.0 ms"),
    ("tau_trace", 0.0, "tau_trace=0.0 must be a finite number in (0, inf)"),
    ("normalize", "l2", "normalize='l2' is not one of 'l1'"),
    ("weight_dtype", "int4", "weight_dtype='int4' is not one of 'int8'"),
    ("dtype", None, "dtype=None must be 'float32' or 'float64'"),
    ("dtype", "float16", "dtype='float16' must be 'float32' or 'float64'"),
    ("n_jobs", 0, "n_jobs=0 must be None or a non-zero integer (-1 means all processors)"),
    ("random_state", "seed", "'seed' cannot be used to seed"),
]


@pytest.mark.parametrize("cls", [LiquidStateMachine, LSMClassifier, LSMRegressor])
@pytest.mark.parametrize(("name", "value", "message"), PARAMETERS, ids=lambda value: str(value)[:20])
def test_impossible_parameters(cls, name, value, message):
    with raises(message):
        use(cls, **{name: value})


def test_times_beyond_the_end():
    for features in ("traces", "potentials"):
        with raises("sample_times=8 is more than the 7 steps of the shortest sample"):
            use(LiquidStateMachine, features=features, sample_times=8)
        with raises("sample_times go to step 8, but the shortest sample has 7 steps"):
            use(LiquidStateMachine, features=features, sample_times=[2.0, 8.0])
    # What is not read may be anything.
    use(LiquidStateMachine, features="latency", sample_times=8, n_bins=8)


@pytest.mark.parametrize("duration", [0.0, 0.4, -1, "all"])
def test_duration_of_events(duration):
    with raises(f"duration={duration!r}"):
        use(LiquidStateMachine, EVENTS, duration=duration)


def test_narrow_weights_do_not_change():
    parameters = {"synapse": ExponentialSynapse(), "short_term": TsodyksMarkram()}
    with raises("weight_dtype='int8' needs short_term=False"):
        use(LiquidStateMachine, weight_dtype="int8", **parameters)


@pytest.mark.parametrize(
    ("cls", "name", "value", "message"),
    [
        (LSMClassifier, "readout", "svm", "readout='svm' is not one of 'logistic', 'ridge'"),
        (LSMClassifier, "readout", None, "readout=None must be 'logistic', 'ridge' or an object of scikit-learn"),
        (LSMClassifier, "readout", LogisticRegression, "must be 'logistic', 'ridge' or an object of scikit-learn"),
        (LSMClassifier, "alpha", -1.0, "alpha=-1.0 must be a finite number in (0, inf)"),
        (LSMClassifier, "alpha", [1.0, 2.0], "alpha=[1.0, 2.0] must be a finite number in (0, inf)"),
        (LSMClassifier, "readout", Ridge(), "readout=Ridge() is a regressor; labels need a classifier"),
        (LSMRegressor, "readout", "logistic", "readout='logistic' is not one of 'ridge'"),
        (LSMRegressor, "readout", 5, "readout=5 must be 'ridge' or an object of scikit-learn that can be fitted"),
        (LSMRegressor, "readout", Ridge, "must be 'ridge' or an object of scikit-learn that can be fitted"),
        (LSMRegressor, "alpha", -1.0, "alpha must be finite and >= 0, got -1"),
        (LSMRegressor, "alpha", [], "alpha"),
        (LSMRegressor, "target", "row", "target='row' is not one of 'sample', 'step'"),
    ],
)
def test_impossible_readouts(cls, name, value, message, monkeypatch):
    # Before the samples are shown, which may take hours.
    monkeypatch.setattr(cls, "_draw", None)
    with raises(message):
        use(cls, **{name: value})


def test_ridge_penalties_of_a_classifier():
    with raises("alpha must be finite and >= 0, got -1"):
        use(LSMClassifier, readout="ridge", alpha=-1)


# Inputs

NAN, INF = SERIES[0].copy(), SERIES[0].copy()
NAN[3, 1], INF[3, 1] = np.nan, np.inf

INPUTS = [
    (None, [], "X holds no sequence; expected at least one of shape (n_timesteps, n_features)"),
    (None, [SERIES[0], NAN], "Input X[1] contains NaN"),
    (None, [SERIES[0], INF], "Input X[1] contains infinity"),
    (None, [SERIES[0], SERIES[1][:, :2]], "X[1] has 2 features, but X[0] has 3: all sequences need the same width"),
    (None, NAN, "Input X contains NaN"),
    (None, SERIES[0][0], "X: Expected 2D array, got 1D array instead"),
    (None, np.zeros((2, 2, 2, 2)), "X: Found array with dim 4"),
    (None, np.zeros((0, 3)), "X: Found array with 0 sample(s)"),
    (None, 3.0, "X: Expected 2D array, got scalar array instead"),
    (None, [*EVENTS, SERIES[0]], "X[2] is a ndarray, but others are Events: all must be"),
    (None, [SERIES[0], *EVENTS], "X[0] is a ndarray, but others are Events: all must be"),
    (
        None,
        [*EVENTS, Events.from_arrays([1], [0], shape=4)],
        "X[2] has 4 channels, but LiquidStateMachine is expecting 3",
    ),
    (RateEncoder(), EVENTS, "X holds Events, but encoder=RateEncoder("),
    (DeltaEncoder(), EVENTS[0], "X holds Events, but encoder=DeltaEncoder() takes numbers: events need encoder=None"),
    (RateEncoder(), TABLE - 0.5, "is negative: Negative values in data passed to RateEncoder"),
    (LatencyEncoder(), TABLE - 0.5, "is negative: Negative values in data passed to LatencyEncoder"),
    (RateEncoder(), NAN, "Input X contains NaN"),
    (RateEncoder(), [], "Expected 2D array, got 1D array instead"),
    (DeltaEncoder(), [], "X holds no sequence; expected at least one of shape (n_timesteps, n_features)"),
    (DeltaEncoder(), [SERIES[0], NAN], "Input X[1] contains NaN"),
    (RateEncoder(duration=0.5), TABLE, "duration=0.5 must be a multiple of dt=1.0"),
    (RateEncoder(dt=0.5), TABLE, "encoder has dt=0.5, but the liquid has dt=1.0: they must be equal"),
    (DeltaEncoder(threshold=-1.0), SERIES, "threshold=-1.0 must be a finite number in (0, inf)"),
]


@pytest.mark.parametrize(("encoder", "given", "message"), INPUTS)
def test_impossible_inputs(encoder, given, message):
    with raises(message):
        use(LiquidStateMachine, given, encoder=encoder)


@pytest.mark.parametrize(("encoder", "given", "message"), INPUTS[:-3])
def test_impossible_inputs_after_the_fit(encoder, given, message):
    X = {None: SERIES, RateEncoder: TABLE, LatencyEncoder: TABLE, DeltaEncoder: SERIES}[encoder and type(encoder)]
    if X is TABLE and given is NAN:
        given = np.where(TABLE > 0.9, np.nan, TABLE)
    model = LiquidStateMachine(encoder=encoder, **SMALL).fit(X)
    with raises(message):
        model.transform(given)
    with raises(message):
        model.simulate(given)


def test_sparse_input():
    with raises("Sparse data was passed", TypeError):
        use(LiquidStateMachine, sparse.csr_array(TABLE), encoder=RateEncoder())


def test_width_of_inputs():
    for encoder in (None, DeltaEncoder()):
        model = LiquidStateMachine(encoder=encoder, **SMALL).fit(SERIES)
        with raises("X has 2 features a time step, but LiquidStateMachine is expecting 3 features as input"):
            model.transform([SERIES[0][:, :2]])
    model = LiquidStateMachine(encoder=RateEncoder(), **SMALL).fit(TABLE)
    with raises("X has 5 features, but RateEncoder is expecting 9 features as input"):
        model.transform(TABLE[:, :5])
    model = LiquidStateMachine(**SMALL).fit(EVENTS)
    with raises("X[0] has 7 channels, but LiquidStateMachine is expecting 3"):
        model.transform([Events.from_arrays([1], [0], shape=7)])
    with raises("X has 2 features a time step, but LiquidStateMachine is expecting 3 features as input"):
        model.transform([SERIES[0][:, :2]])
    # The same width may come as currents or as events.
    assert model.transform(SERIES).shape == (4, 8)
    assert LiquidStateMachine(**SMALL).fit(SERIES).transform(EVENTS).shape == (2, 8)


@pytest.mark.parametrize("features", ["latency", "intervals", ("counts", "latency")])
def test_features_of_rows(features):
    for cls, parameters in ((LiquidStateMachine, {"per_row": True}), (LSMRegressor, {"target": "step"})):
        with raises("is of whole samples; of time steps there are ('counts', 'traces', 'potentials')"):
            use(cls, y=[x[:, 0] for x in SERIES], features=features, **parameters)


@pytest.mark.parametrize(("encoder", "X"), [(None, EVENTS), (RateEncoder(), TABLE), (LatencyEncoder(), TABLE)])
def test_rows_in_time(encoder, X):
    with raises("X has no rows in time: time steps need sequences of numbers, shown as they are or encoded"):
        use(LiquidStateMachine, X, encoder=encoder, per_row=True)
    with raises("target='step' needs sequences of numbers as X, shown as they are or encoded in time"):
        use(LSMRegressor, X, X, encoder=encoder, target="step")


@pytest.mark.parametrize(
    "parameters",
    [
        {"encoder": DeltaEncoder(row_duration=2.5)},
        {"encoder": DeltaEncoder(row_duration=0.5)},
        {"encoder": DeltaEncoder(row_duration=2.0), "duration": 10.0},
    ],
)
def test_rows_are_whole_steps(parameters):
    message = "time steps need rows of whole steps, shown to the end"
    with raises(message):
        use(LiquidStateMachine, per_row=True, **parameters)
    with raises(message):
        use(LSMRegressor, y=[x[:, 0] for x in SERIES], target="step", **parameters)
    assert np.isfinite(use(LiquidStateMachine, **parameters)).all()


# Targets


@pytest.mark.parametrize(
    ("cls", "y", "message"),
    [
        (LSMClassifier, None, "requires y to be passed, but the target y is None"),
        (LSMClassifier, [0, 1], "y has 2 labels, but X has 4 sequences"),
        (LSMClassifier, [1, 1, 1, 1], "y holds one class only, 1; a classifier needs at least 2 classes"),
        (LSMClassifier, [0.5, 1.2, 0, 1], "y: Unknown label type: continuous"),
        (LSMClassifier, [0, 1, np.nan, 0], "Input y contains NaN"),
        (LSMClassifier, np.eye(4), "y should be a 1d array"),
        (LSMRegressor, None, "requires y to be passed, but the target y is None"),
        (LSMRegressor, [0, 1], "y has shape (2,), but X has 4 samples"),
        (LSMRegressor, np.zeros((4, 1, 1)), "y has shape (4, 1, 1); expected (n_samples,) or (n_samples, n_outputs)"),
        (LSMRegressor, [0, 1, np.inf, 0], "Input y contains infinity"),
    ],
)
def test_impossible_targets(cls, y, message):
    with raises(message):
        use(cls, y=y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (SERIES[:2], "y holds 2 sequences, but X holds 4 sequences: one target array for each is needed"),
        ([x[:5] for x in SERIES], "y[0] has 5 time steps, but X has 20"),
        (LABELS, "y[0] has shape (); expected (n_timesteps,) or (n_timesteps, n_outputs)"),
    ],
)
def test_impossible_targets_of_steps(y, message):
    with raises(message):
        use(LSMRegressor, y=y, target="step")


# Calls


def test_unfitted():
    for cls, methods in (
        (LiquidStateMachine, ("transform", "simulate")),
        (LSMClassifier, ("predict", "decision_function", "predict_proba")),
        (LSMRegressor, ("predict",)),
    ):
        for method in methods:
            with raises(f"This {cls.__name__} instance is not fitted yet", NotFittedError):
                getattr(cls(), method)(SERIES)
    with raises("This LiquidStateMachine instance is not fitted yet", NotFittedError):
        LiquidStateMachine().get_feature_names_out()


def test_ridge_gives_no_probabilities():
    model = LSMClassifier(readout="ridge", **SMALL)
    for _ in range(2):
        with raises("This 'LSMClassifier' has no attribute 'predict_proba'", AttributeError):
            model.predict_proba  # noqa: B018
        model.fit(SERIES, LABELS)
    model.set_params(readout="logistic")  # the fitted readout counts
    assert not hasattr(model, "predict_proba")


@pytest.mark.parametrize("units", [[8], [-1], [0.5], 3, ["a"], [[1, 2]], np.ones(3, bool)])
def test_units_to_record(units):
    model = LiquidStateMachine(**SMALL).fit(SERIES)
    for name in ("record", "watch"):
        with raises(f"{name}={units!r} must be a list of units from 0 to 7, or a mask of all"):
            model.simulate(SERIES, **{name: units})
