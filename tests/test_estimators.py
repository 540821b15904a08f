"""The estimators among scikit-learn's tools: its own checks, clones, searches, pipelines, pickles and data frames."""

from __future__ import annotations

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_fit_score_takes_y,
    check_n_features_in_after_fitting,
    parametrize_with_checks,
)

from reservoirs import NVAR, EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, LegendreMemory

SMALL = {"n_units": 20, "n_jobs": 1}
SEEDED = {**SMALL, "random_state": 0}

ROWS_ARE_STEPS = dict.fromkeys(
    ("check_methods_sample_order_invariance", "check_methods_subset_invariance"),
    "rows are time steps: a row's result depends on the rows before it",
)
# What the calls fit(y, X=None), predict(y, X=None) and score(y, X=None) of forecasters rule out.
SERIES_FIRST = {
    "check_fit_score_takes_y": "wants the second argument to be called y: see test_only_the_names_of_arguments_differ",
    "check_n_features_in_after_fitting": "passes the second argument as y: see test_only_the_names_of_arguments_differ",
    "check_fit1d": "a forecaster takes 1-D series",
}


def expected_failed_checks(estimator):
    if isinstance(estimator, ESNClassifier):
        return {}
    return ROWS_ARE_STEPS | (SERIES_FIRST if isinstance(estimator, ESNForecaster | NVAR) else {})


# Forecasters are fitted with two arguments there and predict with one.
@pytest.mark.filterwarnings("ignore:the fit had 1 exogenous variables, but X=None:UserWarning")
@parametrize_with_checks(
    [
        EchoStateNetwork(**SMALL),
        LegendreMemory(n_jobs=1),
        ESNRegressor(**SMALL),
        ESNRegressor(**SMALL, topology="hadamard"),
        ESNRegressor(**SMALL, topology="circulant"),
        ESNClassifier(**SMALL),
        ESNForecaster(**SMALL),
        NVAR(),
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class Renamed:
    def fit(self, X, y=None):
        return super().fit(X, y)

    def partial_fit(self, X, y=None):
        return super().partial_fit(X, y)

    def predict(self, X, y=None):
        return super().predict(X, y)

    def score(self, X, y=None):
        return super().score(X, y)


class RenamedForecaster(Renamed, ESNForecaster):
    pass


class RenamedNVAR(Renamed, NVAR):
    pass


@pytest.mark.parametrize("forecaster", [RenamedForecaster(**SMALL), RenamedNVAR()])
@pytest.mark.parametrize("check", [check_fit_score_takes_y, check_n_features_in_after_fitting])
def test_only_the_names_of_arguments_differ(forecaster, check):
    check(type(forecaster).__name__, forecaster)


def waves(n_timesteps, period, rng):
    phase = rng.uniform(0, 2 * np.pi)
    angle = phase + 2 * np.pi * np.arange(n_timesteps) / period
    return np.column_stack([np.sin(angle), np.cos(angle)]) + 0.05 * rng.standard_normal((n_timesteps, 2))


@pytest.fixture
def regression(rng):
    u = rng.uniform(-1, 1, (300, 2))
    return u, np.vstack([np.zeros((1, 2)), u[:-1]]) @ [1.0, -0.5]


@pytest.fixture
def labelled(rng):
    periods = np.tile([6, 20], 15)
    return [waves(n, period, rng) for n, period in zip(rng.integers(30, 60, 30), periods, strict=True)], [
        "fast" if period == 6 else "slow" for period in periods
    ]


@pytest.fixture
def sine():
    return np.sin(np.arange(300) / 4) + 0.3 * np.cos(np.arange(300) / 7)


def fitted_estimators(regression, labelled, sine):
    X, y = regression
    return [
        (EchoStateNetwork(n_layers=2, **SEEDED).fit(X), "transform", X),
        (ESNRegressor(feedback_scaling=0.1, **SEEDED).fit(X, y), "predict", X),
        (ESNRegressor(readout=Ridge(), dtype="float32", **SEEDED).fit(X, y), "predict", X),
        (ESNRegressor(**SEEDED).partial_fit(X, y), "predict", X),
        (ESNClassifier(**SEEDED).fit(*labelled), "decision_function", labelled[0]),
        (ESNForecaster(dtype="float32", **SEEDED).fit(sine), "forecast", 20),
        (NVAR(delays=3).fit(sine, sine**2), "predict", np.arange(9.0)),
    ]


@pytest.mark.filterwarnings("ignore:the fit had 1 exogenous variables, but X=None:UserWarning")
def test_copies_and_pickles_give_the_same_bits(regression, labelled, sine, tmp_path):
    for estimator, method, argument in fitted_estimators(regression, labelled, sine):
        expected = getattr(estimator, method)(argument)
        joblib.dump(estimator, tmp_path / "model")
        copies = [
            pickle.loads(pickle.dumps(estimator)),
            joblib.load(tmp_path / "model"),
            copy.deepcopy(estimator),
            copy.copy(estimator),
        ]
        for other in copies:
            np.testing.assert_array_equal(getattr(other, method)(argument), expected)
            assert vars(other).keys() == vars(estimator).keys()


def test_a_pickle_holds_no_compiled_objects(regression):
    model = ESNRegressor(**SEEDED).fit(*regression)
    assert not {"_network_", "_linear_"} & model.__getstate__().keys()
    assert {"_network_", "_linear_"} <= vars(model).keys()


def test_a_restored_regressor_goes_on_learning(regression):
    X, y = regression
    model = pickle.loads(pickle.dumps(ESNRegressor(washout=0, **SEEDED).fit(X[:200], y[:200])))
    expected = ESNRegressor(washout=0, **SEEDED).fit([X[:200], X[200:]], [y[:200], y[200:]])
    np.testing.assert_allclose(model.partial_fit(X[200:], y[200:]).predict(X), expected.predict(X), atol=1e-8)


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster, NVAR])
def test_parameters_survive_clone_and_set_params(cls):
    names = cls().get_params()
    assert list(cls._get_param_names()) == sorted(names)
    changed = cls(**{name: object() for name in names})  # nothing is checked or copied before fit
    again = changed.set_params(**changed.get_params())
    assert again is changed
    model = cls(alpha=[1, 2]) if "alpha" in names else cls(leak_rate=[0.5])
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == f"{cls.__name__}({'alpha=[1, 2]' if 'alpha' in names else 'leak_rate=[0.5]'})"


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster])
def test_parameters_have_one_default(cls):
    """The defaults in the signature are those its docstring tells."""
    for name, value in vars(__import__(cls.__module__, fromlist=["_DEFAULTS"]))["_DEFAULTS"].items():
        assert cls().get_params()[name] == value
        assert f"default={value}" in next(line for line in cls.__doc__.splitlines() if line.strip().startswith(name))


def test_search_over_splits_in_time(regression):
    estimator = ESNRegressor(**SEEDED, bias_scaling=0.2)
    grid = {"input_scaling": [1e-6, 0.1], "alpha": [1e-6, 1e3]}
    search = GridSearchCV(estimator, grid, cv=TimeSeriesSplit(3), n_jobs=2).fit(*regression)
    assert search.best_params_ == {"input_scaling": 0.1, "alpha": 1e-6}
    assert search.best_score_ > 0.7


def test_search_over_splits_of_sequences(regression):
    X, y = regression
    search = GridSearchCV(ESNRegressor(**SEEDED), {"alpha": [1e-6, 1e4]}, cv=KFold(3), n_jobs=2)
    search.fit([X[:90], X[90:150], X[150:]], [y[:90], y[90:150], y[150:]])
    assert search.best_params_ == {"alpha": 1e-6}
    search.fit(X.reshape(6, 50, 2), y.reshape(6, 50))
    assert search.best_params_ == {"alpha": 1e-6}
    assert search.predict(X).shape == (300,)


def test_search_over_labelled_sequences(labelled):
    search = GridSearchCV(ESNClassifier(**SEEDED), {"pooling": ["mean", "last"], "leak_rate": [0.3, 1]}, cv=3, n_jobs=2)
    search.fit(*labelled)
    assert search.best_score_ > 0.9
    array = np.stack([x[:30] for x in labelled[0]])
    assert search.fit(array, labelled[1]).best_score_ > 0.9
    assert cross_val_score(ESNClassifier(**SEEDED), array[:, :, 0], labelled[1], cv=3).mean() > 0.7


def test_search_over_a_series(sine):
    search = GridSearchCV(ESNForecaster(**SEEDED), {"alpha": [1e-6, 1e4]}, cv=TimeSeriesSplit(3), n_jobs=2).fit(sine)
    assert search.best_params_ == {"alpha": 1e-6}
    assert search.best_estimator_.forecast(5).shape == (5,)


def test_pipelines(regression):
    X, y = regression
    scaler = StandardScaler().fit(X)
    by_hand = ESNRegressor(**SEEDED).fit(scaler.transform(X), y).predict(scaler.transform(X))
    in_pipeline = make_pipeline(StandardScaler(), ESNRegressor(**SEEDED)).fit(X, y)
    np.testing.assert_array_equal(in_pipeline.predict(X), by_hand)

    states = EchoStateNetwork(**SEEDED).fit_transform(X)
    by_hand = Ridge(1e-3).fit(states, y).predict(states)
    in_pipeline = make_pipeline(EchoStateNetwork(**SEEDED), Ridge(1e-3)).fit(X, y)
    np.testing.assert_array_equal(in_pipeline.predict(X), by_hand)


def test_a_pipeline_with_a_memory_harvests_once_a_split(regression, tmp_path, monkeypatch):
    calls = []
    harvest = EchoStateNetwork.fit_transform

    def counted(self, *args, **kwargs):
        calls.append(self)
        return harvest(self, *args, **kwargs)

    monkeypatch.setattr(EchoStateNetwork, "fit_transform", counted)
    pipeline = make_pipeline(EchoStateNetwork(**SEEDED), Ridge(), memory=str(tmp_path))
    grid = {"ridge__alpha": [1e-4, 1e-2, 1.0, 100.0]}
    GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(3), refit=False).fit(*regression)
    assert len(calls) == 3


def test_a_network_and_a_ridge_are_a_regressor(regression):
    X, y = regression
    both = make_pipeline(EchoStateNetwork(features="states+input", **SEEDED), Ridge(1e-3)).fit(X, y)
    one = ESNRegressor(features="states+input", alpha=1e-3, washout=0, **SEEDED).fit(X, y)
    np.testing.assert_allclose(one.predict(X), both.predict(X), atol=1e-9)


def test_transformed_targets(regression):
    X, y = regression
    model = TransformedTargetRegressor(ESNRegressor(**SEEDED), transformer=StandardScaler()).fit(X, 1000 + 50 * y)
    inner = ESNRegressor(**SEEDED).fit(X, (y - y.mean()) / y.std())
    np.testing.assert_allclose(model.predict(X), 1000 + 50 * (inner.predict(X) * y.std() + y.mean()), rtol=1e-10)


def test_data_frames(regression):
    X, y = regression
    frame = pd.DataFrame(X, columns=["a", "b"], index=pd.date_range("2020", periods=300))
    network = EchoStateNetwork(**SEEDED).set_output(transform="pandas").fit(frame)
    out = network.transform(frame)
    assert list(out.columns) == list(network.get_feature_names_out())
    assert list(out.columns[[0, -1]]) == ["echostatenetwork0", "echostatenetwork19"]
    assert (out.index == frame.index).all()
    np.testing.assert_array_equal(out, EchoStateNetwork(**SEEDED).fit_transform(X))

    model = ESNRegressor(**SEEDED).fit(frame, pd.Series(y, index=frame.index))
    assert list(model.feature_names_in_) == ["a", "b"]
    assert model.n_features_in_ == 2
    np.testing.assert_array_equal(model.predict(frame), ESNRegressor(**SEEDED).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    assert not hasattr(model.fit(X, y), "feature_names_in_")

    several = ESNForecaster(**SEEDED).fit(frame)
    assert list(several.feature_names_in_) == ["a", "b"]
    assert several.forecast(3).shape == (3, 2)
    assert ESNForecaster(**SEEDED).fit(frame["a"]).forecast(3).shape == (3,)


def test_names_of_features_count_inputs_and_squares():
    network = EchoStateNetwork(features="states+input+squares", n_layers=2, **SEEDED).fit(np.zeros((5, 3)))
    assert len(network.get_feature_names_out()) == 40 + 3 + 40


def test_random_state(regression):
    X, _ = regression

    def states(random_state):
        return EchoStateNetwork(**{**SMALL, "random_state": random_state}).fit_transform(X)

    np.testing.assert_array_equal(states(3), states(3))
    np.testing.assert_array_equal(states(np.random.RandomState(3)), states(3))
    assert (states(3) != states(4)).any()
    assert (states(None) != states(None)).any()
    shared = np.random.RandomState(3)
    assert (states(shared) != states(shared)).any()


def test_one_more_input_leaves_the_recurrent_weights(regression):
    X, _ = regression
    narrow, wide = EchoStateNetwork(**SEEDED).fit(X[:, :1]), EchoStateNetwork(**SEEDED).fit(X)
    np.testing.assert_array_equal(narrow.W_.toarray(), wide.W_.toarray())
    np.testing.assert_array_equal(narrow.bias_, wide.bias_)


def test_scores_take_weights(regression, labelled, rng):
    X, y = regression
    weights = rng.uniform(0, 1, len(y))
    model = ESNRegressor(alpha=10.0, **SEEDED).fit(X, y)
    assert model.score(X, y, sample_weight=weights) == r2_score(y, model.predict(X), sample_weight=weights)
    assert model.score(X, y, sample_weight=weights) != model.score(X, y)
    halves = [X[:100], X[100:]], [y[:100], y[100:]]
    assert model.score(*halves, sample_weight=weights) == r2_score(
        y, np.concatenate(model.predict(halves[0])), sample_weight=weights
    )
    sequences, labels = labelled
    weights = rng.uniform(0, 1, len(labels))
    classifier = ESNClassifier(alpha=1e3, **SEEDED).fit(sequences, labels)
    assert classifier.score(sequences, labels, sample_weight=weights) == accuracy_score(
        labels, classifier.predict(sequences), sample_weight=weights
    )
