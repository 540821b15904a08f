"""Streams: the bits of batches, states, missing values, and readouts that learn meanwhile."""

from __future__ import annotations

import pickle
import re
from copy import copy, deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import LEVELS, assert_same_bits, simd_level
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import reservoirs
from reservoirs import (
    NVAR,
    EchoStateNetwork,
    ESNClassifier,
    ESNForecaster,
    ESNRegressor,
    LegendreMemory,
    LSMRegressor,
    load,
    save,
)
from reservoirs.datasets import lorenz, mackey_glass
from reservoirs.streaming import LMS, NLMS, RLS
from reservoirs.topology import Column

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
RNG = np.random.default_rng(0)
U = RNG.uniform(-1, 1, (120, 2))
Y = np.roll(U, 2, axis=0) * [1.0, -0.5]
EXOGENOUS = RNG.normal(size=(300, 2))
SERIES = {"one": mackey_glass(300), "three": lorenz(300, dt=0.025)}
FORECASTERS = {
    "esn": partial(ESNForecaster, n_units=30, random_state=0),
    "nvar": partial(NVAR, delays=3, stride=2, alpha=1e-3),
    "nvar without past": partial(NVAR, delays=1, alpha=1e-3),
}
every_forecaster = pytest.mark.parametrize("make", FORECASTERS.values(), ids=FORECASTERS)


def regressor(**options: Any) -> ESNRegressor:
    return ESNRegressor(**{"n_units": 30, "random_state": 0, "alpha": 1e-4, "washout": 0, **options})


def test_every_estimator_streams() -> None:
    public = [getattr(reservoirs, name) for name in reservoirs.__all__]
    estimators = [each for each in public if isinstance(each, type) and issubclass(each, BaseEstimator)]
    assert len(estimators) >= 9
    for estimator in estimators:
        assert hasattr(estimator, "stream"), estimator


@every_dtype
@pytest.mark.parametrize(
    "make", [partial(EchoStateNetwork, features="states+input+squares"), LegendreMemory], ids=("network", "legendre")
)
def test_transformers(dtype: str, make: Any) -> None:
    model = make(dtype=dtype).fit(U)
    stream = model.stream()
    assert_same_bits(rows_of(stream, U, dtype), model.transform(U))
    assert_same_bits(stream.forecast(9, U[:9]), rows_of(stream, U[:9], dtype))


def rows_of(stream: Any, rows: Any, dtype: Any = float) -> np.ndarray:
    return np.array([stream.step(row) for row in rows]).astype(dtype)


# The bits of batches.


@every_dtype
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("feedback_scaling", [0.0, 0.3])
@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=("2-D", "1-D"))
def test_regressors(dtype: str, level: str, feedback_scaling: float, y: np.ndarray) -> None:
    model = regressor(feedback_scaling=feedback_scaling, dtype=dtype, n_layers=2).fit(U, y)
    with simd_level(level):
        stream = model.stream()
        for _ in range(2):
            assert_same_bits(rows_of(stream, U, dtype), model.predict(U))
            stream.reset()
        assert_same_bits(stream.forecast(len(U), U), model.predict(U))


@every_dtype
@every_forecaster
@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_forecasters(dtype: str, make: Any, series: np.ndarray) -> None:
    model = make(dtype=dtype).fit(series)
    stream = model.stream()
    assert_same_bits(rows_of(stream, series, dtype)[:-1], model.predict(series)[1:])
    before = stream.state
    assert_same_bits(stream.forecast(25), model.forecast(25, warmup=series))
    assert_same_bits(stream.state, before)
    # The first call may be without a row, which no prediction needs.
    stream.reset()
    first = stream.step(None) if model.stream(missing="hold") else None
    assert_same_bits(np.array(first, dtype), model.predict(series)[0])
    assert_same_bits(rows_of(stream, series[:5], dtype), model.predict(series)[1:6])


@every_dtype
@every_forecaster
def test_forecasters_with_exogenous_series(dtype: str, make: Any) -> None:
    y, X = SERIES["one"], EXOGENOUS
    model = make(dtype=dtype).fit(y, X)
    stream = model.stream()
    with pytest.raises(ValueError, match=r"step\(None, X\)"):
        stream.step(y[0], X[1])
    rows = np.array([stream.step(None, X[0]), *map(stream.step, y[:-1], X[1:])]).astype(dtype)
    assert_same_bits(rows, model.predict(y, X))
    expected = model.forecast(9, np.concatenate([X[-1:], X[:8]]), warmup=y[:-1], warmup_X=X[:-1])
    assert_same_bits(stream.forecast(9, X[:8]), expected)
    with pytest.raises(ValueError, match=r"X=None"):
        stream.forecast(9)
    with pytest.raises(ValueError, match=r"expected \(8, 2\)"):
        stream.forecast(9, X[:9])


ESTIMATORS = {"tree": DecisionTreeRegressor(random_state=0), "ridge": Ridge(1e-3)}


@every_dtype
@pytest.mark.parametrize("feedback_scaling", [0.0, 0.3])
@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=("2-D", "1-D"))
@pytest.mark.parametrize("readout", ESTIMATORS)
def test_regressors_with_any_readout(dtype: str, feedback_scaling: float, y: np.ndarray, readout: str) -> None:
    model = regressor(feedback_scaling=feedback_scaling, dtype=dtype, readout=ESTIMATORS[readout]).fit(U, y)
    stream = model.stream(missing="skip")
    outputs, expected = rows_of(stream, U, dtype), model.predict(U)
    same = assert_same_bits if readout == "tree" else partial(assert_allclose, rtol=0, atol=1e-4)
    same(outputs, expected)
    assert_same_bits(np.array(stream.step([np.nan, 0.0]), dtype), outputs[-1])
    stream.reset()
    assert_same_bits(stream.forecast(len(U), U), outputs)
    assert_same_bits(rows_of(stream.copy(), U, dtype), outputs)
    assert stream.estimator().predict(U).shape == expected.shape
    with pytest.raises(ValueError, match="needs ridge regression"):
        model.stream(learner=NLMS())


@every_dtype
@pytest.mark.parametrize("exogenous", [False, True])
@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_forecasters_with_any_readout(dtype: str, exogenous: bool, series: np.ndarray) -> None:
    X = EXOGENOUS if exogenous else None
    model = FORECASTERS["esn"](dtype=dtype, readout=DecisionTreeRegressor(random_state=0)).fit(series, X)
    stream = model.stream(missing="predict")
    if exogenous:
        rows = [stream.step(None, EXOGENOUS[0]), *map(stream.step, series[:-1], EXOGENOUS[1:])]
        assert_same_bits(np.array(rows).astype(dtype), model.predict(series, X))
        ahead = np.concatenate([EXOGENOUS[-1:], EXOGENOUS[:8]])
        expected = model.forecast(9, ahead, warmup=series[:-1], warmup_X=EXOGENOUS[:-1])
        assert_same_bits(stream.forecast(9, EXOGENOUS[:8]), expected)
        return
    assert_same_bits(rows_of(stream, series, dtype)[:-1], model.predict(series)[1:])
    before = stream.state
    expected = model.forecast(25, warmup=series)
    assert_same_bits(stream.forecast(25), expected)
    assert_same_bits(stream.state, before)
    assert_same_bits(rows_of(stream, [None] * 24, dtype), expected[1:])
    # Of the first row, too, the prediction stands in.
    stream.reset()
    stream.step(series[0] * np.nan)
    linear = model.stream(missing="predict")
    linear.step(None)
    linear.step(None)
    assert_same_bits(stream.state, linear.state)


def refuse(*_: Any) -> None:
    raise ValueError("not now")


@pytest.mark.parametrize(
    "make",
    [
        lambda: regressor(readout=DummyRegressor()).fit(U, Y),
        lambda: FORECASTERS["esn"](readout=DummyRegressor()).fit(U),
        lambda: ESNClassifier(12, readout=DummyClassifier()).fit([U, -U], [0, 1]),
        lambda: LSMRegressor(topology=Column((2, 2, 2)), target="step", readout=DummyRegressor()).fit(U, Y),
    ],
    ids=["regressor", "forecaster", "classifier", "liquid"],
)
def test_a_step_whose_readout_raises_changes_nothing(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make()
    stream = model.stream()
    for n_before in (0, 3):
        rows_of(stream, U[:n_before])
        before = stream.state
        monkeypatch.setattr(model.readout_, "predict", refuse)
        with pytest.raises(ValueError, match="not now"):
            stream.step(U[0])
        monkeypatch.undo()
        assert_same_bits(stream.state, before)


@pytest.mark.parametrize("readout", [None, DecisionTreeRegressor(random_state=0)], ids=["ridge", "tree"])
def test_a_later_fit_does_not_reach_a_stream(readout: Any) -> None:
    model = regressor(readout=readout).fit(U, Y)
    expected, stream = model.predict(U), model.stream()
    outputs = rows_of(stream, U[:9])
    model.set_params(n_units=12).fit(U, -Y[:, 0])
    assert_same_bits(np.concatenate([outputs, rows_of(stream, U[9:])]), expected)
    assert_same_bits(stream.estimator().predict(U), expected)


@pytest.mark.parametrize("readout", [None, LogisticRegression()], ids=["ridge", "logistic"])
def test_a_later_fit_does_not_reach_a_stream_of_labels(readout: Any) -> None:
    model = ESNClassifier(12, readout=readout, random_state=0).fit([U, -U, Y], [0, 1, 2])
    expected, stream = model.decision_function([U]), model.stream()
    model.fit([U, -U], ["a", "b"])
    assert rows_of(stream, U, object)[-1] == 0
    assert_allclose(stream.decision_function(), expected[0], rtol=1e-6)


@pytest.mark.parametrize("duplicate", [copy, deepcopy])
def test_copies_of_the_standard_library_are_independent(duplicate: Any) -> None:
    model = regressor().fit(U, Y)
    stream = model.stream()
    other = duplicate(stream)
    rows_of(other, U[:5])
    assert_same_bits(rows_of(stream, U), model.predict(U))


def test_a_readout_that_diverges_tells_so() -> None:
    model = regressor(activation="identity", spectral_radius=3.0, readout=DummyRegressor()).fit(U[:20], Y[:20])
    stream = model.stream()
    with np.errstate(all="ignore"):
        outputs = rows_of(stream, np.tile(U, (20, 1)))
    assert np.isfinite(outputs[0]).all()
    assert np.isnan(outputs[-1]).all()


@every_dtype
@pytest.mark.parametrize("pooling", ["mean", "last", "both"])
@pytest.mark.parametrize("readout", [None, LogisticRegression()], ids=("ridge", "logistic"))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(dtype: str, pooling: str, readout: Any, n_classes: int) -> None:
    X = [RNG.normal(c, 1, (n, 2)) for c in range(n_classes) for n in (20, 30, 25)]
    labels = np.repeat(np.array(["a", "b", "c"])[:n_classes], 3)
    model = ESNClassifier(
        n_units=20, pooling=pooling, readout=readout, washout=3, features="states+input", dtype=dtype, random_state=0
    ).fit(X, labels)
    stream = model.stream()
    for t, row in enumerate(X[4], 1):
        label = stream.step(row)
        if t <= 3:
            assert label is None
            with pytest.raises(ValueError, match="washout=3"):
                stream.decision_function()
            continue
        so_far = [X[4][:t]]
        assert label == model.predict(so_far)[0]
        assert_same_bits(np.array(stream.decision_function()), model.decision_function(so_far)[0].copy())
        if readout is not None:
            assert_same_bits(stream.predict_proba(), model.predict_proba(so_far)[0])
    if readout is None:
        with pytest.raises(AttributeError, match="probabilities"):
            stream.predict_proba()
    other, again = stream.copy(), model.stream()
    again.state = stream.state
    stream.reset()
    assert stream.step(X[0][0]) is None
    assert other.step(row) == again.step(row)
    assert_same_bits(np.array(other.decision_function()), np.array(again.decision_function()))


def test_rows_come_in_many_forms() -> None:
    model = regressor().fit(U[:, :1], Y[:, 0])
    expected = model.predict(U[:, :1])
    for convert in (
        list,
        tuple,
        np.asfortranarray,
        lambda r: r.astype(object),
        lambda r: np.repeat(r, 2)[::2],
        lambda r: float(r[0]),
    ):
        stream = model.stream()
        assert_same_bits(np.array([stream.step(convert(row)) for row in U[:, :1]]), expected)
    stream = model.stream()
    assert isinstance(stream.step(np.int32(0)), float)
    assert stream.step(0) != stream.step(np.float32(0.5))


def test_pipelines_scale_row_by_row() -> None:
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(U, Y)
    stream, scalers = pipeline[-1].stream(), pipeline[:-1]
    outputs = rows_of(stream, (scalers.transform([row])[0] for row in U))
    assert_same_bits(outputs, pipeline.predict(U))


# What a stream remembers.


STREAMS = {
    "network": lambda **o: EchoStateNetwork(n_units=20, random_state=0).fit(U).stream(**o),
    "legendre": lambda **o: LegendreMemory(order=6, window=20.0).fit(U).stream(**o),
    "regressor": lambda **o: regressor().fit(U, Y).stream(**o),
    "feedback": lambda **o: regressor(feedback_scaling=0.5).fit(U, Y).stream(**o),
    "forecaster": lambda **o: FORECASTERS["esn"]().fit(U).stream(**o),
    "nvar": lambda **o: FORECASTERS["nvar"]().fit(U).stream(**o),
}
every_stream = pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)


@every_stream
@pytest.mark.parametrize("missing", ["error", "hold", "skip"])
def test_states_and_copies(make: Any, missing: str) -> None:
    stream = make(missing=missing)
    start = stream.state
    rows_of(stream, U[:20])
    middle, copied = stream.state, stream.copy()
    expected = rows_of(stream, U[20:40])
    assert_same_bits(rows_of(copied, U[20:40]), expected)
    other = make(missing=missing)
    other.state = middle
    holes = [row * np.nan for row in U[:2]] if missing != "error" else []
    assert_same_bits(rows_of(other, U[20:40]), expected)
    assert_same_bits(rows_of(other, [*holes, *U[40:50]]), rows_of(stream, [*holes, *U[40:50]]))
    other.state = start
    stream.reset()
    assert_same_bits(rows_of(other, U[:9]), rows_of(stream, U[:9]))


@every_stream
def test_what_is_refused_changes_nothing(make: Any) -> None:
    stream = make()
    rows_of(stream, U[:7])
    before = stream.state
    for row in ([1.0], [[1.0, 2.0]], [1.0, np.nan], [np.inf, 0.0], [np.nan, np.inf], ["a", "b"], None, 1.0):
        with pytest.raises(ValueError, match=r"[uy]"):
            stream.step(row)
    for state in (before[:-1], before * np.nan, "state", None):
        with pytest.raises(ValueError, match="state"):
            stream.state = state
    with pytest.raises(ValueError, match=r"no learner|y must have shape \(0,\)"):
        stream.learn(U[0])
    assert_same_bits(stream.state, before)
    with pytest.raises(TypeError, match=r"Stream cannot be saved or pickled: keep its `state`"):
        pickle.dumps(stream)
    with pytest.raises(TypeError, match="is not an estimator"):
        save(stream, "x.npz")


def test_forecasts_of_short_series_are_refused() -> None:
    stream = FORECASTERS["nvar"]().fit(U).stream()
    for row in U[:4]:
        stream.step(row)
        with pytest.raises(ValueError, match="too few rows"):
            stream.forecast(3)
    stream.step(U[4])
    assert stream.forecast(3).shape == (3, 2)
    for n_steps in (0, 1.5):
        with pytest.raises(ValueError, match="n_steps"):
            stream.forecast(n_steps)
    empty = FORECASTERS["esn"]().fit(U).stream()
    assert_same_bits(empty.forecast(3)[0], np.asarray(empty.step(None) if empty.reset() is None else 0))


# Missing values.


@every_stream
def test_hold_takes_the_value_of_the_row_before(make: Any) -> None:
    rows = U[:30].copy()
    rows[0, 1] = rows[4, 0] = rows[11] = rows[12, 0] = np.nan
    start = getattr(make()._estimator, "y_mean_", np.zeros(2))
    filled = rows.copy()
    for t, row in enumerate(filled):
        row[np.isnan(row)] = (filled[t - 1] if t else start)[np.isnan(row)]
    assert_allclose(rows_of(make(missing="hold"), rows), rows_of(make(), filled), rtol=0, atol=1e-12)


@every_stream
def test_skip_leaves_rows_out(make: Any) -> None:
    rows = np.repeat(U[:20], 2, axis=0)
    rows[1::2, 0] = np.nan
    outputs = rows_of(make(missing="skip"), rows)
    assert_same_bits(outputs[::2].copy(), rows_of(make(), U[:20]))
    assert_same_bits(outputs[1::2].copy(), outputs[::2].copy())


@every_forecaster
def test_predictions_stand_in(make: Any) -> None:
    model = make().fit(U)
    stream = model.stream(missing="predict")
    rows_of(stream, U[:50])
    expected = model.forecast(12, warmup=U[:50])
    assert_same_bits(rows_of(stream, [None] * 11), expected[1:])
    stream = model.stream(missing="predict")
    prediction = rows_of(stream, U[:50])[-1]
    half = np.array([U[50, 0], np.nan])
    whole = model.stream()
    rows_of(whole, U[:50])
    assert_allclose(stream.step(half), whole.step([U[50, 0], prediction[1]]), rtol=1e-9)


def test_nothing_predicts_inputs() -> None:
    for model in (regressor().fit(U, Y), EchoStateNetwork(n_units=12, random_state=0).fit(U)):
        with pytest.raises(ValueError, match="missing='predict' is not one of"):
            model.stream(missing="predict")
    stream = FORECASTERS["esn"]().fit(SERIES["one"], EXOGENOUS).stream(missing="predict")
    with pytest.raises(ValueError, match=r"X\[1\] is missing \(NaN\), and nothing predicts it"):
        stream.step(None, [0.0, np.nan])


# Learning.


def taught(stream: Any, rows: Any, truths: Any) -> Any:
    for row, truth in zip(rows, truths, strict=True):
        stream.step(row)
        stream.learn(truth)
    return stream


def test_recursive_ridge_regression_from_nothing_equals_a_fit() -> None:
    network = EchoStateNetwork(n_units=30, features="states+input", random_state=0).fit(U)
    stream = taught(network.stream(learner=RLS(alpha=1e-4), n_outputs=2), U, Y)
    fitted = regressor().fit(U, Y)
    assert_same_bits(network.W_.toarray(), fitted.W_.toarray())
    assert_allclose(stream.coef_, fitted.coef_, rtol=0, atol=1e-8)
    assert_allclose(stream.intercept_, fitted.intercept_, rtol=0, atol=1e-8)


def test_recursive_ridge_regression_goes_on_from_a_fit() -> None:
    first, second = U[:70], U[70:]
    stream = taught(regressor().fit(first, Y[:70]).stream(learner=RLS()), second, Y[70:])
    fitted = regressor().fit([first, second], [Y[:70], Y[70:]])
    assert_allclose(stream.coef_, fitted.coef_, rtol=0, atol=1e-8)
    assert_allclose(stream.intercept_, fitted.intercept_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("make", [FORECASTERS["esn"], FORECASTERS["nvar"]], ids=["esn", "nvar"])
def test_forecasters_learn_what_least_squares_say(make: Any) -> None:
    y, alpha = SERIES["three"], 0.1
    model = make().fit(y[:200])
    stream = model.stream(learner=RLS(alpha=alpha))
    features, targets, before = [], [], y[200]
    for row in y[200:]:
        stream.learn(row)
        if stream._core.started and stream._core.ready:
            features.append(last_features(model, y[200 : 200 + len(targets) + n_before(model)]))
            targets.append(target(model, row, before))
        stream.step(row)
        before = row
    z = np.column_stack([np.array(features), np.ones(len(features))])
    start = np.column_stack([model.coef_, model.intercept_])
    # The penalty draws to the fitted weights.
    change = np.linalg.solve(z.T @ z + alpha * np.eye(z.shape[1]), z.T @ (np.array(targets) - z @ start.T)).T
    assert_allclose(np.column_stack([stream.coef_, stream.intercept_]), start + change, rtol=0, atol=1e-7)


def standardised(model: Any, rows: np.ndarray) -> np.ndarray:
    return (rows - model.y_mean_) / model.y_scale_


def n_before(model: Any) -> int:
    return model._depth_ + 1 if isinstance(model, NVAR) else 1


def target(model: Any, row: np.ndarray, before: np.ndarray) -> np.ndarray:
    now = standardised(model, row)
    return now - standardised(model, before) if isinstance(model, NVAR) else now


def last_features(model: Any, rows: np.ndarray) -> np.ndarray:
    past = standardised(model, rows)
    if isinstance(model, NVAR):
        linear = np.concatenate([past[len(past) - 1 - k * model.stride] for k in range(model.delays)])
        products = [np.prod([linear[f] for f in factors if f >= 0]) for factors in model.monomials_]
        return np.concatenate([linear, products])
    stream = EchoStateNetwork(
        n_units=30, topology=model.W_, spectral_radius=None, features="states+input", random_state=0
    ).fit(past)
    stream.W_in_, stream.bias_, stream.leak_rate_ = model.W_in_, model.bias_, model.leak_rate_
    stream._compile()
    return stream.transform(np.concatenate([np.zeros((1, past.shape[1])), past]))[-1]


@every_dtype
@pytest.mark.parametrize("learner", [RLS(alpha=1e-2), RLS(0.99, alpha=1e-2), NLMS(0.5), LMS(0.05)], ids=str)
def test_every_learner_lessens_the_error(dtype: str, learner: Any) -> None:
    network = EchoStateNetwork(n_units=30, input_scaling=1.0, dtype=dtype, random_state=0).fit(U)
    stream = network.stream(learner=learner, n_outputs=2)
    errors = []
    for row, truth in zip(np.tile(U, (5, 1)), np.tile(U[:, ::-1], (5, 1)), strict=True):
        errors.append(np.abs(stream.step(row) - truth).mean())
        stream.learn(truth)
    assert np.mean(errors[-100:]) < 0.5 * np.mean(errors[:100])


def test_learning_is_a_streams_own_and_can_be_taken_over(tmp_path: Any) -> None:
    model = regressor(feedback_scaling=0.2).fit(U, Y)
    before = model.predict(U)
    stream = taught(model.stream(learner=RLS(alpha=1e-2)), U, -Y)
    assert_same_bits(model.predict(U), before)
    copied = stream.copy()
    taught(stream, U, Y)
    assert not np.array_equal(copied.coef_, stream.coef_)
    learned = copied.estimator()
    copied.reset()
    assert_same_bits(rows_of(copied, U), learned.predict(U))
    save(learned, tmp_path / "model.npz")
    assert_same_bits(load(tmp_path / "model.npz").predict(U), learned.predict(U))
    assert_same_bits(model.stream().estimator().predict(U), before)
    with pytest.raises(ValueError, match="EchoStateNetwork has no readout"):
        EchoStateNetwork(n_units=12).fit(U).stream(learner=NLMS()).estimator()


def test_missing_truths_teach_nothing() -> None:
    model = regressor().fit(U, Y)
    stream = model.stream(learner=NLMS(), missing="skip")
    for truth in (np.array([np.nan, 1.0]), None, [0.0, 0.0]):
        stream.step(U[0] if truth is None or truth[0] != 0 else U[0] * np.nan)
        stream.learn(truth)
    assert_same_bits(stream.coef_, model.coef_)
    stream = model.stream(learner=NLMS())
    with pytest.raises(ValueError, match="comes after a step"):
        stream.learn(Y[0])
    stream.step(U[0])
    for truth in ([np.nan, 1.0], None, [np.inf, 0.0], [1.0]):
        with pytest.raises(ValueError, match="y"):
            stream.learn(truth)
    assert_same_bits(stream.coef_, model.coef_)


def test_force_learning_makes_a_chaotic_network_generate_a_pattern() -> None:
    # Sussillo and Abbott 2009: g = 1.5, the readout fed back while it learns, from zero; period 60 tau / 10.
    period, n_periods = 60, 30
    t = np.arange(period * n_periods)
    pattern = (np.sin(2 * np.pi * t / period) + 0.5 * np.sin(4 * np.pi * t / period))[:, None] / 1.5
    nothing = np.zeros((len(t), 1))
    network = EchoStateNetwork(
        n_units=300, spectral_radius=1.5, connectivity=0.1, leak_rate=0.3, feedback_scaling=1.0, bias_scaling=0.0,
        random_state=0,
    ).fit(nothing, pattern)  # fmt: skip
    stream = network.stream(learner=RLS(alpha=1.0))
    rows_of(stream, nothing[:100])
    stream.state = np.concatenate([np.random.default_rng(1).uniform(-0.5, 0.5, 300), [0.0]])
    wild = stream.forecast(5 * period, nothing[: 5 * period])
    taught(stream, nothing, pattern)
    free = stream.forecast(5 * period, nothing[: 5 * period])
    truth = pattern[: 5 * period]
    assert np.sqrt(np.mean((free - truth) ** 2) / truth.var()) < 0.05
    assert np.sqrt(np.mean((wild - truth) ** 2) / truth.var()) > 0.5


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        ("rls", "learner='rls' must be None, or one of"),
        (RLS, "must be None, or one of"),
        (RLS(0.0, alpha=1.0), r"forgetting=0.0 must be a finite number in \(0, 1\]"),
        (RLS(1.1, alpha=1.0), "forgetting=1.1"),
        (RLS(1e-20, alpha=1.0), "forgetting is too fast"),
        (RLS(alpha=0.0), "alpha=0.0"),
        (RLS(alpha=-1.0), "alpha=-1.0"),
        (NLMS(2.5), "learning_rate=2.5"),
        (NLMS(0.0), "learning_rate=0.0"),
        (LMS(-1.0), "learning_rate=-1.0"),
    ],
)
def test_impossible_learners(learner: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regressor().fit(U, Y).stream(learner=learner)


def test_nothing_to_go_on_from() -> None:
    with pytest.raises(ValueError, match="RLS needs an alpha"):
        EchoStateNetwork(n_units=12, random_state=0).fit(U).stream(learner=RLS())
    with pytest.raises(ValueError, match="RLS needs an alpha"):
        FORECASTERS["nvar"]().fit(U).stream(learner=RLS()).estimator().stream(learner=RLS())
    with pytest.raises(ValueError, match=r"alpha_=0\.0"):
        regressor(alpha=0.0).fit(U, Y).stream(learner=RLS())
    with pytest.warns(LinAlgWarning):
        singular = regressor(alpha=1e-300).fit(np.zeros((50, 1)), U[:50, 0])
    with pytest.raises(ValueError, match="singular"):
        singular.stream(learner=RLS())
    with pytest.raises(ValueError, match="n_outputs=2, but without a learner"):
        EchoStateNetwork(n_units=12).fit(U).stream(n_outputs=2)
    with pytest.raises(ValueError, match="n_outputs=1, but the fit fed back 2"):
        EchoStateNetwork(n_units=12, feedback_scaling=1.0).fit(U, Y).stream(learner=NLMS(), n_outputs=1)


def test_learners_are_parameters() -> None:
    learner = RLS(0.9, alpha=2.0)
    assert learner.get_params() == {"forgetting": 0.9, "alpha": 2.0}
    assert repr(learner.set_params(forgetting=0.8)) == "RLS(alpha=2.0, forgetting=0.8)"


@pytest.mark.parametrize("forgetting", [1.0, 0.99])
def test_a_hundred_thousand_steps(forgetting: float) -> None:
    # Most of the time nothing happens, which is what makes covariances blow up. bench/online_stability.py takes 1e7.
    stream = EchoStateNetwork(n_units=10, random_state=0).fit(U[:, :1]).stream(learner=RLS(forgetting, alpha=1e-3))
    for t in range(100_000):
        u = np.sin(t / 7) if t % 10_000 < 1000 else 0.0
        stream.step(u)
        stream.learn(2 * u)
    factor, diagonal, _, _ = stream._core.learner.moments
    assert (diagonal > 0).all()
    assert np.linalg.eigvalsh((factor * diagonal) @ factor.T).max() < 1.01 / (1e-3 * forgetting**10)
    assert abs(stream.step(0.0)) < 1e-2


def test_the_snippets_of_the_page_run() -> None:
    page = (Path(__file__).parents[1] / "docs" / "streaming.md").read_text()
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(snippet, names)
    assert np.abs(names["free"] - names["pattern"][:300]).max() < 0.1
    assert np.abs(names["adapted"].predict(names["u"][1500:]) - names["target"][1500:]).mean() < 0.05
