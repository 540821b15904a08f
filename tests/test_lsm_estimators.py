"""The liquid estimators among scikit-learn's tools, from a user's point of view, and when they are interrupted."""

from __future__ import annotations

import copy
import io
import pickle
import signal
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr

import joblib
import numpy as np
import pandas as pd
import pytest
from reference import assert_same_bits
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor
from reservoirs.encoding import DeltaEncoder, Events, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.lsm import LIF, DoubleExponentialSynapse, ExponentialSynapse, TsodyksMarkram, _present
from reservoirs.topology import Column

LIVELY = {"topology": Column((3, 3, 3)), "input_weight": 30.0, "n_jobs": 1}
SEEDED = {**LIVELY, "random_state": 0}
CLASSES = [LiquidStateMachine, LSMClassifier, LSMRegressor]

ROWS_ARE_STEPS = dict.fromkeys(
    ("check_methods_sample_order_invariance", "check_methods_subset_invariance"),
    "rows are time steps: a row's result depends on the rows before it",
)


def expected_failed_checks(estimator):
    return ROWS_ARE_STEPS if getattr(estimator, "target", None) == "step" else {}


@parametrize_with_checks(
    [
        LiquidStateMachine(**LIVELY),
        LiquidStateMachine(encoder=LatencyEncoder(), features="traces", **LIVELY),
        # The checks' two columns of numbers are a series of two rows: long ones, or they excite nobody.
        LSMClassifier(row_duration=20.0, features=("counts", "potentials"), **LIVELY),
        LSMClassifier(
            encoder=RateEncoder(duration=200.0, normalization="max"),
            readout="ridge",
            **{**LIVELY, "input_weight": 8.0, "input_density": 0.6},
        ),
        LSMRegressor(encoder=DeltaEncoder(), **LIVELY),
        LSMRegressor(target="step", features="traces", row_duration=3.0, **LIVELY),
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def table(rng):
    """Two classes of rows: the first or the last half is larger."""
    labels = np.arange(40) % 2
    X = rng.uniform(0, 0.3, (40, 10))
    X[labels == 0, :5] += 0.7
    X[labels == 1, 5:] += 0.7
    return X, labels


@pytest.fixture
def series(rng):
    """Noise, and how much of it there was lately."""
    X = [np.repeat(rng.uniform(0, 1, n), 4)[:, None] for n in (30, 20, 45)]
    return X, [np.convolve(x[:, 0], np.ones(6) / 6)[: len(x)] for x in X]


@pytest.fixture
def recordings(rng):
    return [
        Events.from_arrays(rng.integers(0, 50_000, 60), rng.integers(0, 4, 60), shape=(2, 2), duration=50_000)
        for _ in range(12)
    ]


def fitted(table, series, recordings):
    """Fitted estimators, what they are used by, and on what."""
    X, labels = table
    rates = RateEncoder(duration=50.0)
    plastic = {"synapse": ExponentialSynapse(), "short_term": TsodyksMarkram(), "delay": stats.uniform(1, 5)}
    steps = {"target": "step", "features": "traces", "row_duration": 2.0}
    return [
        (LiquidStateMachine(**plastic, **SEEDED).fit(recordings), "transform", recordings),
        (LiquidStateMachine(encoder=rates, weight_dtype="int8", dtype="float64", **SEEDED).fit(X), "transform", X),
        (LSMClassifier(encoder=rates, **SEEDED).fit(X, labels), "decision_function", X),
        (LSMClassifier(encoder=rates, readout="ridge", **SEEDED).fit(X, labels), "decision_function", X),
        (LSMRegressor(**steps, **SEEDED).fit(*series), "predict", series[0]),
        (LSMRegressor(encoder=PopulationEncoder(), readout=Ridge(), **SEEDED).fit(X, X[:, :2]), "predict", X),
    ]


# Parameters, copies and pickles


@pytest.mark.parametrize("cls", CLASSES)
def test_parameters_survive_clone_and_set_params(cls):
    names = cls().get_params()
    assert list(cls._get_param_names()) == sorted(names)
    changed = cls(**{name: object() for name in names})  # nothing is checked or copied before fit
    assert changed.set_params(**changed.get_params()) is changed
    model = cls(neuron=LIF(tau_mem=20.0), encoder=RateEncoder(), sample_times=[1.0, 2.0])
    assert repr(clone(model)) == repr(model)
    assert clone(model).neuron is not model.neuron
    model.set_params(neuron__tau_mem=5.0, encoder__duration=9.0)
    assert (model.neuron.tau_mem, model.encoder.duration) == (5.0, 9.0)
    assert model.get_params()["neuron__tau_mem"] == 5.0
    assert "LIF(tau_mem=5.0)" in repr(model)
    assert "RateEncoder" in model._repr_html_()


@pytest.mark.parametrize("cls", CLASSES)
def test_docstrings_tell_every_parameter(cls):
    described = {name.strip() for line in cls.__doc__.split("\n") if " : " in line for name in line.split(" : ")[:1]}
    assert set(cls().get_params()) <= described
    assert "%(" not in cls.__doc__


def test_fits_leave_parameters_alone(table, series, recordings):
    for model, _, _ in fitted(table, series, recordings):
        given = {**model.get_params(deep=False), "random_state": 3}
        again = type(model)(**given)
        before = {name: pickle.dumps(value) for name, value in given.items()}
        if isinstance(model, LSMRegressor) and model.target == "step":
            again.fit(*series)
        else:
            X = recordings if model.encoder is None else table[0]
            again.fit(X, np.arange(len(X)) % 2)
        assert all(value is given[name] for name, value in again.get_params(deep=False).items())
        assert {name: pickle.dumps(value) for name, value in given.items()} == before
        learned = {name for name in vars(again) if name.endswith("_")}
        assert set(vars(again)) - learned == set(given)


def test_copies_and_pickles_give_the_same_bits(table, series, recordings, tmp_path):
    for model, method, X in fitted(table, series, recordings):
        expected = getattr(model, method)(X)
        joblib.dump(model, tmp_path / "model")
        copies = [pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")]
        copies += [copy.deepcopy(model), copy.copy(model)]
        for other in copies:
            assert_same_bits(getattr(other, method)(X), expected)
            assert vars(other).keys() == vars(model).keys()
        assert "_network_" not in model.__getstate__()


def test_what_is_set_after_the_fit_does_not_change_the_liquid(rng):
    close = [Events.from_arrays(np.arange(0, 40_000, 1000), [0] * 40, shape=1, duration=60_000)]
    model = LiquidStateMachine(input_density=0.8, **SEEDED).fit(close)
    expected = model.transform(close)
    later = {"input_refractory": False, "weight_dtype": "int8", "dtype": "float64", "preset": "maass-2002", "dt": 9.0}
    model.set_params(**later, neuron=LIF(), encoder=RateEncoder(), random_state=5)
    for other in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_same_bits(other.transform(close), expected)
        assert other.transform([np.ones((5, 1))]).dtype == np.float32
    again = model.set_params(**{**later, "dt": 1.0, "short_term": False, "encoder": None}).fit(close)
    assert (again.transform(close) != expected).any()
    rates = LiquidStateMachine(encoder=RateEncoder(duration=20.0), **SEEDED).fit(np.ones((2, 3)))
    expected = rates.transform(np.ones((2, 3)))
    assert_same_bits(rates.set_params(encoder=None).transform(np.ones((2, 3))), expected)


# Searches and pipelines


def test_search_over_parts(table):
    model = LSMClassifier(
        **SEEDED,
        neuron=LIF(),
        encoder=RateEncoder(duration=20.0),
        readout="ridge",
    )
    grid = {"topology__length_scale": [1.0, 3.0], "neuron__tau_mem": [20.0], "encoder__duration": [20.0, 40.0]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(*table)
    assert search.best_score_ > 0.9
    best = search.best_estimator_
    assert best.encoder_.duration == search.best_params_["encoder__duration"]
    assert model.encoder.duration == 20.0
    assert model.topology.length_scale == 3.0


def test_search_over_recordings(recordings):
    labels = np.arange(12) % 3
    search = GridSearchCV(LSMClassifier(**SEEDED, neuron=LIF()), {"neuron__v_thresh": [5.0, 20.0]}, cv=2, n_jobs=2)
    assert search.fit(recordings, labels).predict(recordings).shape == (12,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_search_over_series(series):
    model = LSMRegressor(target="step", features="traces", row_duration=2.0, **SEEDED)
    search = GridSearchCV(model, {"alpha": [1e-6, 1e6], "tau_trace": [10.0]}, cv=3, n_jobs=2).fit(*series)
    assert search.best_params_["alpha"] == 1e-6


def test_fit_of_steps_has_the_same_bits_for_any_threads(rng):
    X = [rng.uniform(0, 4, (length, 2)) for length in [150, 3, *range(60, 77)]]
    y = [x.cumsum(axis=0) for x in X]
    model = LSMRegressor(target="step", features="traces", **SEEDED)
    one, three = (clone(model).set_params(n_jobs=n).fit(X, y) for n in (1, 3))
    assert_same_bits(one.coef_, three.coef_)
    assert_same_bits(one.predict(X), three.predict(X))
    assert_same_bits(one.predict(X[5:6]), one.predict(X)[5:6])


def test_fit_and_prediction_of_steps_keep_no_features(rng):
    """20,000 steps of 1000 units would be 80 MB in float32 and 160 MB in the sums' float64."""
    X = rng.uniform(0, 4, (20_000, 1))
    model = LSMRegressor("nalsm-1000", target="step", features="traces", input_weight=1.0, random_state=0, n_jobs=1)
    model.set_params(alpha=1.0).fit(X[:50], X[:50])
    tracemalloc.start()
    model.fit(X, X).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6  # of which the Gram matrix, its copy and the liquid are 30


def test_pipelines(table, series):
    X, y = table
    liquid = LiquidStateMachine(encoder=RateEncoder(duration=50.0), **SEEDED)
    whole = make_pipeline(MinMaxScaler(), liquid, StandardScaler(), LogisticRegression()).fit(X, y)
    assert whole.score(X, y) > 0.9
    scaled = MinMaxScaler().fit_transform(X)
    features = StandardScaler().fit_transform(clone(liquid).fit_transform(scaled))
    np.testing.assert_array_equal(whole[:-1].transform(X), features)
    # The encoder may also be a step of its own.
    encoder = RateEncoder(duration=50.0, random_state=1)
    apart = make_pipeline(encoder, LiquidStateMachine(**SEEDED)).fit_transform(X)
    together = LiquidStateMachine(encoder=encoder, **SEEDED).fit_transform(X)
    assert_same_bits(apart, together)
    temporal = make_pipeline(DeltaEncoder(), LSMRegressor(**SEEDED)).fit(series[0], [1.0, 2.0, 3.0])
    assert temporal.predict(series[0]).shape == (3,)


def test_built_in_and_given_readouts(table):
    X, y = table
    parameters = {"encoder": RateEncoder(duration=50.0), "dtype": "float64", **SEEDED}
    features = LiquidStateMachine(**parameters).fit_transform(X)
    ridge = LSMRegressor(alpha=1e-3, **parameters).fit(X, X[:, :2])
    assert ridge.alpha_ == 1e-3
    assert ridge.coef_.shape == (2, 27)
    np.testing.assert_allclose(ridge.predict(X), Ridge(1e-3).fit(features, X[:, :2]).predict(features), atol=1e-8)
    np.testing.assert_allclose(
        LSMRegressor(readout=Ridge(1e-3), **parameters).fit(X, X[:, :2]).predict(X), ridge.predict(X)
    )
    assert LSMRegressor(**parameters).fit(X, X[:, 0]).predict(X).shape == (40,)
    assert LSMRegressor(readout=Ridge(), **parameters).fit(X, X[:, :1]).predict(X).shape == (40, 1)
    names = np.array(["low", "high"])[y]
    for readout in ("logistic", "ridge", RandomForestClassifier(10, random_state=0)):
        model = LSMClassifier(readout=readout, **parameters).fit(X, names)
        assert model.classes_.tolist() == ["high", "low"]
        assert model.score(X, names) > 0.9
        if readout != "ridge":
            np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    logistic = LSMClassifier(alpha=0.5, **parameters).fit(X, y).readout_[-1]
    scaled = StandardScaler().fit_transform(features)
    by_hand = LogisticRegression(C=1 / (0.5 * 40), tol=1e-3).fit(scaled, y)
    np.testing.assert_allclose(logistic.coef_, by_hand.coef_, rtol=1e-3, atol=1e-6)


def test_ridge_predictions_do_not_depend_on_the_batch(table):
    X, y = table
    parameters = {"encoder": RateEncoder(duration=50.0), "n_bins": 20, **SEEDED}
    classifier = LSMClassifier(readout="ridge", **parameters).fit(X, y)
    regressor = LSMRegressor(**parameters).fit(X, X[:, :3])
    for predict in (classifier.decision_function, regressor.predict):
        expected = predict(X)
        for part in (slice(0, 1), slice(7, 12), slice(39, 40)):
            assert_same_bits(predict(X[part]), expected[part].copy())


def test_steps_of_series(series):
    X, y = series
    parameters = {"target": "step", "features": "traces", "row_duration": 4.0, **SEEDED}
    model = LSMRegressor(**parameters).fit(X, y)
    predicted = model.predict(X)
    assert [each.shape for each in predicted] == [each.shape for each in y]
    true, flat = np.concatenate(y), np.concatenate(predicted)
    assert model.score(X, y) == r2_score(true, flat) > 0.3
    weights = np.linspace(0, 1, len(true))
    assert model.score(X, y, sample_weight=weights) == r2_score(true, flat, sample_weight=weights)
    np.testing.assert_array_equal(model.predict(X[0]), predicted[0])  # a 2-D X is one sequence
    stack, targets = np.stack([X[0][:80], X[2][:80]]), np.stack([y[0][:80], y[2][:80]])
    model.fit(stack, targets)
    assert model.predict(stack).shape == (2, 80)
    assert model.score(stack, targets) == r2_score(targets.ravel(), model.predict(stack).ravel())
    model.fit(stack, targets[:, :, None])
    assert model.predict(stack).shape == (2, 80, 1)
    assert model.score(stack, targets[:, :, None]) == r2_score(targets.ravel(), model.predict(stack).ravel())
    encoded = LSMRegressor(**{**parameters, "encoder": PopulationEncoder(n_fields=5, row_duration=4.0)}).fit(X, y)
    assert encoded.score(X, y) > 0.3


# Data frames and seeds


def test_data_frames(table):
    X, y = table
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)], index=pd.date_range("2020", periods=40))
    for encoder in (None, RateEncoder(duration=30.0), DeltaEncoder()):
        liquid = LiquidStateMachine(encoder=encoder, features=("counts", "latency"), **SEEDED)
        out = liquid.set_output(transform="pandas").fit(frame).transform(frame)
        assert list(out.columns) == list(liquid.get_feature_names_out())
        assert list(out.columns[[0, -1]]) == ["liquidstatemachine0", "liquidstatemachine53"]
        assert (out.index == frame.index).all()
        np.testing.assert_array_equal(out, clone(liquid).set_output(transform="default").fit_transform(X))
        model = LSMClassifier(encoder=encoder, **SEEDED).fit(frame, pd.Series(y, index=frame.index))
        assert list(model.feature_names_in_) == list(frame.columns)
        assert model.n_features_in_ == 10
        np.testing.assert_array_equal(
            model.predict(frame), LSMClassifier(encoder=encoder, **SEEDED).fit(X, y).predict(X)
        )
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[frame.columns[::-1]])
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X)
        assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("features", ["counts", "traces", ("potentials", "latency", "intervals")])
def test_names_count_features(recordings, features):
    liquid = LiquidStateMachine(features=features, n_bins=3, sample_times=[5.0, 9.0], **SEEDED).fit(recordings)
    assert len(liquid.get_feature_names_out()) == liquid.transform(recordings).shape[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_state(table, dtype):
    X, _ = table

    def features(random_state):
        model = LiquidStateMachine(encoder=RateEncoder(duration=50.0), dtype=dtype, **LIVELY)
        return model.set_params(random_state=random_state).fit_transform(X)

    assert features(3).dtype == dtype
    assert_same_bits(features(3), features(3))
    assert_same_bits(features(np.random.RandomState(3)), features(3))
    assert (features(3) != features(4)).any()
    assert (features(None) != features(None)).any()
    shared = np.random.RandomState(3)
    assert (features(shared) != features(shared)).any()


def test_kinds_of_values_have_streams_of_their_own(recordings):
    def drawn(**parameters):
        model = LiquidStateMachine(**{**SEEDED, "weight": stats.uniform(1, 2), **parameters}).fit(recordings)
        return model.W_.toarray(), model.W_in_.toarray()

    recurrent, inputs = drawn()
    for parameters in ({"delay": stats.uniform(1, 9)}, {"neuron": LIF(tau_mem=stats.uniform(10, 50))}):
        np.testing.assert_array_equal(drawn(**parameters)[0], recurrent)
        np.testing.assert_array_equal(drawn(**parameters)[1], inputs)
    np.testing.assert_array_equal(drawn(input_density=0.5)[0], recurrent)
    np.testing.assert_array_equal(drawn(weight=1.0)[1], inputs)
    np.testing.assert_array_equal(drawn(weight=1.0)[0] != 0, recurrent != 0)


def test_fit_transform_is_fit_and_transform(table, recordings):
    for X, encoder in ((table[0], RateEncoder(duration=30.0)), (recordings, None)):
        model = LiquidStateMachine(encoder=encoder, **SEEDED)
        assert_same_bits(model.fit_transform(X), clone(model).fit(X).transform(X))
        assert_same_bits(model.fit(X[:2]).transform(X), clone(model).fit(X[:2]).transform(X))


# Failures and interrupts


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["_draw", "_compile", "_stretches"])
def test_a_fit_that_fails_changes_nothing(table, series, recordings, monkeypatch, where):
    for model, method, X in fitted(table, series, recordings):
        expected, before = getattr(model, method)(X), pickle.dumps(model)
        shown = vars(model).copy()
        targets = series[1] if isinstance(X, list) and X is series[0] else np.arange(len(X)) % 2
        with monkeypatch.context() as patch:
            patch.setattr(_present.Presenter if where == "_stretches" else type(model), where, interrupted)
            with pytest.raises(KeyboardInterrupt):
                model.fit_transform(X) if method == "transform" else model.fit(X, targets)
        with pytest.raises(ValueError, match=r"expected at least one|Expected 2D array"):
            model.fit([], targets)
        assert vars(model) == shown
        assert pickle.dumps(model) == before
        assert_same_bits(getattr(model, method)(X), expected)


def test_an_unfitted_model_stays_unfitted(recordings, monkeypatch):
    model = LSMClassifier(**SEEDED)
    monkeypatch.setattr(_present.Presenter, "_stretches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(recordings, np.arange(12) % 2)
    assert vars(model).keys() == model.get_params(deep=False).keys()


def interrupt_latency(call, after=0.2):
    """Press Ctrl-C during a call; return the seconds until it was honoured, or on a busy machine those we worked."""
    pressed = []

    def press():
        pressed.append((time.perf_counter(), time.process_time()))
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(after, press)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        while True:  # a fast machine may finish the first call before
            call()
    except KeyboardInterrupt:
        return min(time.perf_counter() - pressed[0][0], time.process_time() - pressed[0][1])
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, handler)


# Some seconds of work each.
MANY = np.random.default_rng(0).uniform(0, 1, (2000, 100))
LONG = np.zeros((400_000, 1))
BUSY = {"encoder": RateEncoder(), "random_state": 0, "input_weight": 3.0}
CALLS = {
    "transform": (LiquidStateMachine(**BUSY).fit, lambda model: model.transform(MANY)),
    "a large liquid": (LiquidStateMachine("nalsm-8000", **BUSY).fit, lambda model: model.transform(MANY)),
    "fit": (LSMClassifier(**BUSY).fit, lambda model: model.fit(MANY, np.arange(2000) % 2)),
    "predict": (LSMRegressor(**BUSY).fit, lambda model: model.predict(MANY)),
    "simulate": (LiquidStateMachine(**BUSY).fit, lambda model: model.simulate(MANY, record=[0])),
    "one long sample": (LiquidStateMachine(random_state=0).fit, lambda model: model.transform([LONG])),
}


@pytest.mark.parametrize("n_jobs", [1, 16])
@pytest.mark.parametrize("call", CALLS)
def test_interrupts_are_honoured_within_half_a_second(call, n_jobs):
    fit, run = CALLS[call]
    model = clone(fit.__self__).set_params(n_jobs=n_jobs)
    X = [LONG[:5]] if call == "one long sample" else MANY[:8]
    model.fit(X, np.arange(len(X)) % 2)
    before = pickle.dumps(model)
    assert interrupt_latency(lambda: run(model)) < 0.5
    assert pickle.dumps(model) == before
    model.transform(X) if hasattr(model, "transform") else model.predict(X)


def test_threads_may_share_a_fitted_model(table, series, recordings):
    for model, method, X in fitted(table, series, recordings):
        model.set_params(n_jobs=2)
        expected = getattr(model, method)(X)
        with ThreadPoolExecutor(8) as pool:
            for got in pool.map(getattr(model, method), [X] * 16):
                assert_same_bits(got, expected)


# Progress


def progress_of(model, X):
    shown = io.StringIO()
    with redirect_stderr(shown):
        model.transform(X)
    return shown.getvalue()


def test_progress(recordings, monkeypatch):
    monkeypatch.setattr(_present, "_SAMPLES_A_THREAD", 1)
    model = LiquidStateMachine(**SEEDED).fit(recordings)
    assert progress_of(model, recordings) == ""
    pytest.importorskip("tqdm")
    model.set_params(verbose=True)
    assert "12/12" in progress_of(model, recordings)


def test_progress_without_tqdm(recordings, monkeypatch):
    monkeypatch.setattr(_present, "_SAMPLES_A_THREAD", 1)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model = LiquidStateMachine(verbose=True, **SEEDED).fit(recordings)
    lines = progress_of(model, recordings * 2).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "24 of 24 samples"
    assert progress_of(model, recordings[:1]) == "1 of 1 samples\n"


# What users write


def test_digits():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X[:500], y[:500], random_state=0)
    model = LSMClassifier(
        topology=Column((5, 5, 5)), encoder=RateEncoder(duration=100.0), input_weight=2.0, random_state=0
    )
    model.fit(X_train, y_train)
    assert model.score(X_test, y_test) > 0.75
    assert model.predict_proba(X_test[:3]).shape == (3, 10)
    first = model.predict(X_test[:1])
    assert first == model.predict(X_test)[0]


def test_which_of_two_channels_came_first():
    rng = np.random.default_rng(0)

    def recording(label):
        first, second = np.sort(rng.integers(0, 60_000, 2))
        return Events.from_arrays([first, second], [label, 1 - label], shape=2, duration=80_000)

    labels = np.arange(120) % 2
    X = [recording(label) for label in labels]
    model = LSMClassifier(
        topology=Column((4, 4, 4)),
        neuron=LIF(tau_mem=30.0),
        synapse=DoubleExponentialSynapse(4.0, 20.0),
        input_weight=60.0,
        input_density=0.8,
        features=("counts", "traces", "potentials"),
        n_bins=4,
        sample_times=4,
        random_state=0,
    )
    assert cross_val_score(model, X, labels, cv=3).mean() > 0.85  # counts of events say nothing


def test_what_neurons_did():
    liquid = LiquidStateMachine("maass-2002", random_state=0, input_weight=30.0)
    pulses = Events.from_arrays(np.arange(0, 200_000, 20_000), [0] * 10, shape=1, duration=200_000)
    (seen,) = liquid.fit(pulses).simulate(pulses, watch=[0])
    assert seen.duration == 200.0
    assert seen.potentials.shape == (2000, 1)
    assert seen.spike_times.max() < 200
    assert seen.counts.sum() == len(seen.spike_times) > 0
