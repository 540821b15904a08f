"""Every error message of the estimators once: each names the argument, what it is, and what would be right."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from reservoirs import NVAR, EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, set_simd_level
from reservoirs.streaming import RLS

SMALL = {"n_units": 20, "random_state": 0}
X = np.random.default_rng(0).uniform(-1, 1, (40, 3))
Y = X[:, 0]
NAN, INF = X.copy(), X.copy()
NAN[7, 1], INF[7, 1] = np.nan, np.inf


def raises(message, error=ValueError):
    """Expect an error with this text in its message."""
    return pytest.raises(error, match=re.escape(message))


# Parameters

RESERVOIR = [
    ("n_units", 0, "n_units=0 must be an integer of at least 1"),
    ("n_units", 2.5, "n_units=2.5 must be an integer of at least 1"),
    ("n_units", True, "n_units=True must be an integer of at least 1"),
    ("n_units", "many", "n_units='many' must be an integer of at least 1"),
    ("spectral_radius", -0.1, "spectral_radius=-0.1 must be a finite number in [0, inf)"),
    ("spectral_radius", "large", "spectral_radius='large' must be a finite number in [0, inf)"),
    ("spectral_radius", np.nan, "spectral_radius=nan must be a finite number in [0, inf)"),
    ("leak_rate", 0.0, "leak_rate=0.0 must be a finite number in (0, 1]"),
    ("leak_rate", 1.5, "leak_rate=1.5 must be a finite number in (0, 1]"),
    ("leak_rate", [0.5] * 19 + [0.0], "leak_rate[19]=0.0 must be a finite number in (0, 1]"),
    ("leak_rate", [0.5, 0.5], "leak_rate has shape (2,); expected a number or an array of shape (20,)"),
    ("input_scaling", np.inf, "input_scaling=inf must be a finite number in (-inf, inf)"),
    ("input_scaling", "auto", "input_scaling='auto' must be a finite number in (-inf, inf)"),
    ("bias_scaling", -1, "bias_scaling=-1 must be a finite number in [0, inf)"),
    ("connectivity", 21, "connectivity=21 asks for more synapses than pairs: a row has 20 columns"),
    ("connectivity", 0, "connectivity must be an int of at least 1 (nonzeros per row) or a float in (0, 1]"),
    ("connectivity", 1.5, "connectivity must be an int of at least 1 (nonzeros per row) or a float in (0, 1]"),
    ("topology", "ring", "topology='ring' is not one of 'random', 'blocked', 'hadamard', 'circulant'"),
    ("topology", np.ones((2, 3)), "topology has shape (2, 3); a given matrix must be square and not empty"),
    ("topology", np.ones((0, 0)), "topology has shape (0, 0); a given matrix must be square and not empty"),
    ("topology", np.full((2, 2), np.nan), "topology contains NaN or infinite weights"),
    ("topology", sparse.csr_array([[0.0, np.inf], [1.0, 0.0]]), "topology contains NaN or infinite weights"),
    ("topology", 7, "topology has shape (); a given matrix must be square and not empty"),
    ("topology", [["a"]], "topology=[['a']] is neither a matrix of numbers nor one of"),
    ("activation", "softplus", "activation='softplus' is not one of 'tanh', 'relu', 'sigmoid', 'identity'"),
    ("activation", np.tanh, "is not one of 'tanh', 'relu', 'sigmoid', 'identity'"),
    ("state_noise", -0.1, "state_noise=-0.1 must be a finite number in [0, inf)"),
    ("features", "inputs", "features='inputs' is not one of 'states', 'states+input', 'states+squares'"),
    ("n_layers", 0, "n_layers=0 must be an integer of at least 1"),
    ("washout", -1, "washout=-1 must be an integer of at least 0, or 'auto'"),
    ("washout", "none", "washout='none' must be an integer of at least 0, or 'auto'"),
    ("weight_dtype", "int4", "weight_dtype='int4' is not one of 'bfloat16', 'int8'"),
    ("weight_dtype", np.int8, "is not one of 'bfloat16', 'int8'"),
    ("dtype", "float16", "dtype='float16' must be None, 'float32' or 'float64'"),
    ("dtype", "number", "dtype='number' must be None, 'float32' or 'float64'"),
    ("n_jobs", 0, "n_jobs=0 must be None or a non-zero integer (-1 means all processors)"),
    ("n_jobs", 1.5, "n_jobs=1.5 must be None or a non-zero integer (-1 means all processors)"),
    ("random_state", "seed", "'seed' cannot be used to seed"),
]


def fit(cls, **parameters):
    model = cls(**parameters) if parameters or cls is NVAR else cls(**SMALL)
    if cls is ESNClassifier:
        return model.fit([X, -X], [0, 1])
    return model.fit(X, Y) if cls is ESNRegressor else model.fit(X)


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster])
@pytest.mark.parametrize(("name", "value", "message"), RESERVOIR, ids=lambda value: str(value)[:20])
def test_impossible_parameters(cls, name, value, message):
    with raises(message):
        fit(cls, **SMALL | {name: value})


@pytest.mark.parametrize(
    ("cls", "name", "value", "message"),
    [
        (EchoStateNetwork, "feedback_scaling", -1.0, "feedback_scaling=-1.0 must be a finite number in [0, inf)"),
        (ESNRegressor, "feedback_scaling", "no", "feedback_scaling='no' must be a finite number in [0, inf)"),
        (ESNClassifier, "pooling", "max", "pooling='max' is not one of 'mean', 'last', 'both'"),
        (NVAR, "delays", 0, "delays=0 must be an integer of at least 1"),
        (NVAR, "stride", 0.5, "stride=0.5 must be an integer of at least 1"),
        (NVAR, "order", -1, "order=-1 must be an integer of at least 1"),
        (NVAR, "dtype", int, "must be None, 'float32' or 'float64'"),
        (NVAR, "delays", 40, "y has a series of 40 time steps; delays=40 and stride=1 need at least 41"),
        *[
            (cls, "alpha", value, "alpha")
            for cls in (ESNRegressor, ESNClassifier, ESNForecaster, NVAR)
            for value in (-1.0, [], [1.0, np.nan], "auto", None)
        ],
    ],
)
def test_impossible_parameters_of_one_estimator(cls, name, value, message):
    with raises(message):
        fit(cls, **{name: value})


def test_input_scaling_has_one_number_a_feature():
    with raises("input_scaling has shape (2,); expected a number or an array of shape (3,)"):
        EchoStateNetwork(input_scaling=[1, 2], **SMALL).fit(X)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_nilpotent_matrix_cannot_be_scaled(form):
    with raises("nilpotent"):
        EchoStateNetwork(topology=form(np.eye(5, k=-1)), spectral_radius=0.9).fit(X)


def test_links_of_a_cycle_have_a_weight():
    with raises("spectral_radius=0 must be positive for topology='cycle', where it is the weight of every link"):
        EchoStateNetwork(topology="cycle", spectral_radius=0).fit(X)


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNForecaster])
def test_washout_leaves_something(cls):
    with raises("washout=40 leaves nothing of sequences of at most 40 time steps"):
        fit(cls, washout=40, **SMALL)


def test_washout_leaves_something_later():
    with raises("washout=10 leaves nothing of sequences of at most 10 time steps"):
        EchoStateNetwork(washout=10, **SMALL).fit(X).transform(X[:10])
    with raises("washout=10 leaves nothing of sequences of at most 10 time steps"):
        ESNRegressor(washout=10, **SMALL).partial_fit(X, Y).partial_fit(X[:10], Y[:10])
    with raises("washout=10 leaves nothing of a sequence of 9 time steps"):
        ESNClassifier(washout=10, **SMALL).fit([X, -X], [0, 1]).predict([X, X[:9]])


# Inputs

INPUTS = [
    (NAN, "Input X contains NaN"),
    (INF, "Input X contains infinity"),
    ([X, NAN], "Input X[1] contains NaN"),
    ([X, X[:, :2]], "X[1] has 2 features, but X[0] has 3: all sequences need the same width"),
    ([X, Y], "X[1]: Expected 2D array, got 1D array instead"),
    ([X, X[:0]], "X[1]: Found array with 0 sample(s)"),
    ([[[1.0], [2.0, 3.0]]], "X[0]: setting an array element with a sequence"),
    ([Y, Y[:9]], "X: setting an array element with a sequence"),
    ([], "X holds no sequence; expected at least one of shape (n_timesteps, n_features)"),
    (np.zeros((0, 5, 2)), "X holds no sequence; expected at least one of shape (n_timesteps, n_features)"),
    (np.zeros((0, 3)), "X: Found array with 0 sample(s)"),
    (np.zeros((5, 0)), "X: Found array with 0 feature(s)"),
    (np.zeros((2, 2, 2, 2)), "X: Found array with dim 4"),
    (1.0, "X: Expected 2D array, got scalar array instead"),
    (np.array([["a", "b"]]), "X: could not convert string to float"),
    (X + 1j, "X: Complex data not supported"),
]


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster, NVAR])
@pytest.mark.parametrize(("given", "message"), INPUTS)
def test_impossible_inputs(cls, given, message):
    if cls in (ESNForecaster, NVAR):
        message = re.sub(r"\bX\b", "y", message)
    with raises(message):
        cls().fit(given, [0, 1]) if cls in (ESNRegressor, ESNClassifier) else cls().fit(given)
    fitted = fit(cls)
    with raises(message):
        fitted.transform(given) if cls is EchoStateNetwork else fitted.predict(given)


def test_sparse_inputs():
    with raises("Sparse data was passed for X, but dense data is required", TypeError):
        EchoStateNetwork(**SMALL).fit(sparse.csr_array(X))


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNForecaster, NVAR])
def test_width_of_inputs(cls):
    name = "y" if cls in (ESNForecaster, NVAR) else "X"
    fitted = fit(cls)
    use = fitted.transform if cls is EchoStateNetwork else fitted.predict
    with raises(f"X has 2 features, but {cls.__name__} is expecting 3 features as input"):
        use(X[:, :2])
    with raises("is expecting 3 features as input. (is time the first axis?)"):
        use(X.T)
    with raises(f"{name} has 2 features a time step, but {cls.__name__} is expecting 3 features as input"):
        use([X[:, :2]])
    with raises("is expecting 3 features as input (is time the first axis?)"):
        use(np.stack([X.T, X.T]))
    with raises("Reshape your data"):
        use(Y)


def test_width_of_labelled_sequences():
    model = ESNClassifier(**SMALL).fit([X, -X], [0, 1])
    with raises("X has 1 features a time step, but ESNClassifier is expecting 3 features as input"):
        model.predict(X)  # each row a univariate series of 3 steps
    with raises("X has 2 features a time step, but ESNClassifier is expecting 3 features as input"):
        model.predict([X[:, :2]])
    table = ESNClassifier(**SMALL).fit(np.vstack([X, -X]), [0] * 40 + [1] * 40)
    with raises("X has 3 features a time step, but ESNClassifier is expecting 1 features as input"):
        table.predict([X])


# Targets


@pytest.mark.parametrize(
    ("inputs", "y", "message"),
    [
        (X, None, "requires y to be passed, but the target y is None"),
        (X, Y[:39], "y has 39 time steps, but X has 40"),
        (X, 3.0, "y has shape (); expected (n_timesteps,) or (n_timesteps, n_outputs)"),
        (X, np.zeros((40, 1, 1)), "y has shape (40, 1, 1); expected (n_timesteps,) or (n_timesteps, n_outputs)"),
        (X, NAN[:, 1], "Input y contains NaN"),
        (X, ["a"] * 40, "y: could not convert string to float"),
        ([X, X], [Y], "y holds 1 sequences, but X holds 2 sequences: one target array for each is needed"),
        ([X, X], 5, "y holds 5, but X holds 2 sequences: one target array for each is needed"),
        ([X, X], [Y, Y[:9]], "y[1] has 9 time steps, but X has 40"),
        ([X, X], [Y, INF[:, 1]], "Input y[1] contains infinity"),
        ([X, X], [0, 1], "y[0] has shape (); expected (n_timesteps,) or (n_timesteps, n_outputs)"),
        ([X, X], [X, X[:, :2]], "y has targets of shapes [(2,), (3,)] a time step: all sequences need the same"),
    ],
)
def test_impossible_targets(inputs, y, message):
    with raises(message):
        ESNRegressor(**SMALL).fit(inputs, y)
    with raises(message if y is not None else "y=None, but feedback_scaling > 0 needs the outputs"):
        EchoStateNetwork(feedback_scaling=1.0, **SMALL).fit(inputs, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([0], "y has 1 labels, but X has 2 sequences"),
        ([1, 1], "y holds one class only, 1; a classifier needs at least 2 classes"),
        ([0.5, 1.2], "y: Unknown label type: continuous"),
        ([0, np.nan], "Input y contains NaN"),
        ([[0, 1], [1, 0]], "y should be a 1d array, got an array of shape (2, 2) instead"),
    ],
)
def test_impossible_labels(y, message):
    with raises(message):
        ESNClassifier(**SMALL).fit([X, -X], y)


def test_outputs_of_the_parts_of_a_fit():
    with raises("y has 3 outputs, but earlier parts had 1"):
        ESNRegressor(**SMALL).partial_fit(X, Y).partial_fit(X, X)


# Calls


@pytest.mark.parametrize(
    ("cls", "method", "argument"),
    [
        (EchoStateNetwork, "transform", (X,)),
        (EchoStateNetwork, "stream", ()),
        (ESNRegressor, "predict", (X,)),
        (ESNRegressor, "score", (X, Y)),
        (ESNRegressor, "stream", ()),
        (ESNClassifier, "predict", ([X],)),
        (ESNClassifier, "decision_function", ([X],)),
        (ESNForecaster, "predict", (X,)),
        (ESNForecaster, "forecast", (3,)),
        (NVAR, "forecast", (3,)),
        (NVAR, "score", (X,)),
    ],
)
def test_unfitted(cls, method, argument):
    with raises(f"This {cls.__name__} instance is not fitted yet", NotFittedError):
        getattr(cls(), method)(*argument)


def test_unfitted_probabilities():
    with raises("This ESNClassifier instance is not fitted yet", NotFittedError):
        ESNClassifier(readout=LogisticRegression()).predict_proba([X])
    with raises("This ESNClassifier instance is not fitted yet", NotFittedError):
        ESNClassifier(readout=RidgeClassifier()).predict([X])
    with raises("This 'ESNClassifier' has no attribute 'predict_proba'", AttributeError):
        ESNClassifier().predict_proba  # noqa: B018


def test_feedback_needs_outputs():
    esn = EchoStateNetwork(feedback_scaling=1.0, **SMALL).fit(X, Y)
    with raises("y=None, but feedback_scaling > 0 needs the outputs of every time step as y"):
        esn.transform(X)
    with raises("y has 2 outputs, but the fit had 1"):
        esn.transform(X, X[:, :2])


def test_readouts_that_cannot():
    with raises("readout=Ridge() is a regressor; labels need a classifier"):
        ESNClassifier(readout=Ridge(), **SMALL).fit([X, X], [0, 1])
    with raises("readout=Ridge() cannot be fitted in parts; partial_fit needs readout=None"):
        ESNRegressor(readout=Ridge(), **SMALL).partial_fit(X, Y)
    with raises("learner=RLS() needs ridge regression: another readout= cannot learn on the stream"):
        ESNRegressor(readout=Ridge(), **SMALL).fit(X, Y).stream(learner=RLS())


def test_steps_of_a_stream():
    stream = EchoStateNetwork(**SMALL).fit(X).stream()
    with raises("u must have shape (3,)"):
        stream.step([1.0, 2.0])
    with raises("state must have shape (20,)"):
        stream.state = np.zeros(3)


@pytest.mark.parametrize("forecaster", [ESNForecaster(**SMALL), NVAR()])
def test_impossible_forecasts(forecaster):
    plain = forecaster.fit(X)
    for n_steps in (0, 2.0, None):
        with raises(f"n_steps={n_steps!r} must be an integer of at least 1"):
            plain.forecast(n_steps)
    with raises("X has 1 exogenous variables, but the fit had 0"):
        plain.forecast(5, Y[:5])
    with raises("warmup_X has 1 exogenous variables, but the fit had 0"):
        plain.forecast(5, warmup=X, warmup_X=Y)
    with raises("X has 2 features, but"):
        plain.forecast(5, warmup=X[:, :2])
    with raises("warmup: expected a 2D array of 3 variables, got a 1D array instead. Reshape your data"):
        plain.forecast(5, warmup=Y)
    with raises("Input warmup contains NaN"):
        plain.forecast(5, warmup=NAN)


@pytest.mark.parametrize("forecaster", [ESNForecaster(**SMALL), NVAR()])
def test_impossible_exogenous_series(forecaster):
    with raises("y has a series of 1 time step"):
        forecaster.fit(X[:1])
    with raises("X has series of [39] time steps, but those it belongs to have [40]"):
        forecaster.fit(X, Y[:39])
    with raises("Input X[0] contains NaN"):
        forecaster.fit(X, NAN)
    with raises("X has series of [40] time steps, but those it belongs to have [40, 40]"):
        forecaster.fit([X, X], Y)
    model = forecaster.fit(X, Y)
    with raises("X has 2 exogenous variables, but the fit had 1"):
        model.predict(X, X[:, :2])
    with raises("X has shape (4,); expected 5 time steps for each of 1 series"):
        model.forecast(5, Y[:4])
    with raises("X has shape (3, 5, 1); expected 5 time steps for each of 2 series"):
        model.forecast(5, np.zeros((3, 5, 1)), warmup=[X, X], warmup_X=[X[:, :1], X[:, :1]])
    with raises("X has shape (1, 1, 5, 1); expected 5 time steps for each of 1 series"):
        model.forecast(5, np.zeros((1, 1, 5, 1)))
    with raises("warmup_X has series of [39] time steps, but those it belongs to have [40]"):
        model.forecast(5, Y[:5], warmup=X, warmup_X=Y[:39])
    with raises("warmup_X was given without warmup: give both, or neither to continue the training series"):
        model.forecast(5, Y[:5], warmup_X=Y)


def test_warm_ups_fill_the_delays():
    model = NVAR(delays=3, stride=2).fit(X)
    with raises("warmup has a series of 4 time steps; delays=3 and stride=2 need at least 5"):
        model.forecast(5, warmup=X[:4])
    assert model.forecast(5, warmup=X[:5]).shape == (5, 3)


def test_unknown_simd_level():
    with raises("avx9"):
        set_simd_level("avx9")
