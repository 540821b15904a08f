"""The search finds what scikit-learn's searches over our estimators find, from runs and sums that are shared."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from reservoirs import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor
from reservoirs.esn import ES2N
from reservoirs.search import ReservoirSearchCV
from reservoirs.search._family import Family
from reservoirs.search._lockstep import _sections, _strands
from reservoirs.sequences import Sequences
from reservoirs.topology import CycleWithJumps, EITopology

SMALL = {"n_units": 30, "n_jobs": 1, "random_state": 0}
RNG = np.random.default_rng(0)
U = RNG.uniform(-1, 1, (260, 2))
Y = np.vstack([np.zeros((1, 2)), U[:-1]]) @ [1.0, -0.5] + 0.01 * RNG.standard_normal(260)
WAVE = np.sin(np.arange(300) / 4) + 0.3 * np.cos(np.arange(300) / 7) + 0.01 * RNG.standard_normal(300)
SEQUENCES = [U[:50], U[50:90], U[90:150], U[150:160], U[160:260]]
TARGETS = [Y[:50], Y[50:90], Y[90:150], Y[150:160], Y[160:260]]
LABELLED = [
    np.sin(np.arange(n) / (2 + 3 * (i % 2)))[:, None] + 0.1 * RNG.standard_normal((n, 1))
    for i, n in enumerate(range(20, 44))
]
LABELS = [("fast", "slow")[i % 2] for i in range(24)]
GRID = {
    "spectral_radius": [0.5, 0.9],
    "leak_rate": [0.4, 1.0],
    "input_scaling": [0.2, 1.0],
    "bias_scaling": [0.3],
    "alpha": [1e-2, (3e-2, 1.0, 100.0)],
}
# Rounding of states, 1e-16 after scales of order 1, times what a readout makes of it: the condition number of X'X with
# these penalties, under 1e6. GridSearchCV's own scores move as much when inputs move by their last bit.
TOLERANCE = {"rtol": 0, "atol": 1e-9}


def grid_searches(estimator, grid, *data, **options):
    ours = ReservoirSearchCV(estimator, grid, **options).fit(*data)
    return ours, GridSearchCV(estimator, grid, **options).fit(*data)


def assert_same_results(ours, theirs, tolerance=TOLERANCE):
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    for key, expected in theirs.cv_results_.items():
        actual = ours.cv_results_[key]
        if key == "params":
            assert actual == expected
        elif key.startswith("param_"):
            assert actual.tolist() == expected.tolist()
        elif "_score" in key and "time" not in key and not key.startswith("rank"):
            np.testing.assert_allclose(actual, expected, **tolerance)
    assert ours.best_params_ == theirs.best_params_
    assert ours.n_splits_ == theirs.n_splits_


@pytest.fixture
def no_fit_alone(monkeypatch):
    """Let only the fit on all the data go through `fit`."""

    def refuse(self, *args, **kwargs):
        raise AssertionError("a candidate was fitted alone")

    monkeypatch.setattr(ESNRegressor, "fit", refuse)
    monkeypatch.setattr(ESNForecaster, "fit", refuse)
    monkeypatch.setattr(ESNClassifier, "fit", refuse)


@pytest.mark.parametrize(
    ("estimator", "data", "cv"),
    [
        (ESNRegressor(**SMALL), (U, Y), TimeSeriesSplit(4)),
        (ESNRegressor(**SMALL, features="states+input+squares", washout=7), (U, np.c_[Y, U]), TimeSeriesSplit(3)),
        (ESNRegressor(**SMALL), (U, Y), KFold(3)),
        (ESNRegressor(**SMALL, features="states"), (SEQUENCES, TARGETS), KFold(3)),
        (ESNRegressor(**SMALL), (U.reshape(13, 20, 2), Y.reshape(13, 20)), ShuffleSplit(4, random_state=0)),
        (ESNForecaster(**SMALL), (WAVE,), TimeSeriesSplit(3)),
        (ESNForecaster(**SMALL), (U, Y), TimeSeriesSplit(3)),
        (ESNForecaster(**SMALL), (SEQUENCES,), KFold(2)),
        (ESNClassifier(**SMALL), (LABELLED, LABELS), None),
        (
            ESNClassifier(**SMALL, pooling="both", features="states+input+squares", washout="auto"),
            (LABELLED, LABELS),
            4,
        ),
        (ESNClassifier(**SMALL, readout=LogisticRegression()), (LABELLED, LABELS), 3),
        (ESNClassifier(**SMALL), (U[:, :1].reshape(26, 10), [0, 1] * 13), 3),
    ],
)
def test_scores_are_those_of_grid_search(estimator, data, cv):
    ours, theirs = grid_searches(estimator, GRID, *data, cv=cv, return_train_score=True)
    assert_same_results(ours, theirs)
    X = data[0]
    method = "decision_function" if isinstance(estimator, ESNClassifier) else "predict"
    if not (isinstance(estimator, ESNForecaster) and len(data) == 2):
        np.testing.assert_array_equal(
            np.concatenate([*getattr(ours, method)(X)], axis=None),
            np.concatenate([*getattr(theirs, method)(X)], axis=None),
        )
        assert ours.score(*data) == theirs.score(*data)


@pytest.mark.parametrize(
    ("estimator", "data"),
    [(ESNRegressor(**SMALL), (U, Y)), (ESNForecaster(**SMALL), (WAVE,)), (ESNClassifier(**SMALL), (LABELLED, LABELS))],
)
def test_candidates_share_their_runs(estimator, data, no_fit_alone):
    grid = GRID | {"n_units": [20, 30]}
    search = ReservoirSearchCV(estimator, grid, refit=False, error_score="raise").fit(*data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    "given",
    [
        {"topology": "cycle"},
        {"topology": CycleWithJumps()},
        {"topology": EITopology(in_degree=10), "spectral_radius": None, "bias_scaling": 0.0, "activation": "sigmoid"},
        {"topology": np.random.default_rng(1).normal(size=(30, 30)) / 30},
        {"connectivity": 0.8},
        {"dynamics": ES2N()},
        {"n_layers": 2},
        {"recurrent_delay": 3},
        {"multiplicative_scaling": 0.3},
        {"leak_rate": np.linspace(0.2, 1, 30)},
        {"spectral_radius": 0.0},
        {"dtype": "float32"},
        {"weight_dtype": "int8"},
        {"weight_dtype": "bfloat16"},
    ],
    ids=lambda given: "-".join(given),
)
def test_networks_of_all_kinds(given):
    grid = {"input_scaling": [0.2, [0.5, -1.0]], "alpha": [0.01, 1.0]}
    if "EITopology" in str(given):
        grid["input_scaling"] = [0.2, 0.4]
    else:
        grid["bias_scaling"] = [0.0, 0.4]
    if "leak_rate" not in given:
        grid["leak_rate"] = [0.5, 0.9]
    if "spectral_radius" not in given:
        grid["spectral_radius"] = [0.4, 0.8]
    tolerance = {"rtol": 0, "atol": 1e-3} if "dtype" in given else TOLERANCE
    for estimator in (ESNRegressor(**SMALL | given), ESNForecaster(**SMALL | given)):
        ours, theirs = grid_searches(
            estimator, grid, U, Y if isinstance(estimator, ESNRegressor) else None, cv=TimeSeriesSplit(2)
        )
        assert_same_results(ours, theirs, tolerance)


@pytest.mark.parametrize(
    "estimator",
    [
        ESNRegressor(**SMALL, readout=Ridge(0.1)),
        ESNRegressor(**SMALL, feedback_scaling=0.1),
        ESNRegressor(**SMALL, state_noise=1e-3),
        make_pipeline(EchoStateNetwork(**SMALL), Ridge()),
        Ridge(),
    ],
)
def test_what_cannot_be_shared_is_fitted_alone(estimator):
    grid = {"echostatenetwork__leak_rate": [0.5, 1]} if hasattr(estimator, "steps") else {"alpha": [0.1, 10.0]}
    ours, theirs = grid_searches(estimator, grid, U, Y, cv=TimeSeriesSplit(2))
    assert_same_results(ours, theirs, {"rtol": 1e-12})


@pytest.mark.parametrize(
    ("estimator", "data", "cv"),
    [
        (ESNRegressor(**SMALL), (U, Y), TimeSeriesSplit(3)),
        (ESNForecaster(**SMALL), (WAVE,), TimeSeriesSplit(3)),
        (ESNClassifier(**SMALL), (LABELLED, LABELS), 3),
    ],
)
def test_another_washout_is_no_other_run(estimator, data, cv, monkeypatch):
    counts = []
    lockstep = Family.lockstep

    def counted(self, scales, inputs):
        counts.append(len(scales) * len(inputs.values))
        return lockstep(self, scales, inputs)

    monkeypatch.setattr(Family, "lockstep", counted)
    # Not every combination, and "auto" is another number in every split.
    grid = [{"washout": [0, 5, "auto"], "alpha": [0.01, 1.0], "leak_rate": [0.5, 1.0]}, {"washout": [12]}]
    ours, theirs = grid_searches(estimator, grid, *data, cv=cv)
    assert_same_results(ours, theirs)
    n_rows = sum(counts)
    counts.clear()
    ReservoirSearchCV(estimator, [{"leak_rate": [0.5, 1.0]}, {}], cv=cv, refit=False).fit(*data)
    assert n_rows == sum(counts)


def test_random_search():
    distributions = {"spectral_radius": [0.3, 0.6, 0.9], "alpha": [1e-2, 1.0], "leak_rate": [0.2, 0.5, 1.0]}
    options = {"n_iter": 6, "random_state": 3, "cv": TimeSeriesSplit(2)}
    ours = ReservoirSearchCV(ESNRegressor(**SMALL), param_distributions=distributions, **options).fit(U, Y)
    theirs = RandomizedSearchCV(ESNRegressor(**SMALL), distributions, **options).fit(U, Y)
    assert_same_results(ours, theirs)


def closed_loop_error(model, y, X=None):
    return -mean_squared_error(y[20:30], model.forecast(10, warmup=y[:20]))


def continues_the_training_series(model, y, X=None):
    return -mean_squared_error(y[:5], model.forecast(5))


@pytest.mark.parametrize("scoring", [closed_loop_error, continues_the_training_series])
def test_scorers_may_forecast(scoring):
    grid = GRID | {"alpha": [1e-2, 1.0]}
    ours, theirs = grid_searches(ESNForecaster(**SMALL), grid, WAVE, cv=TimeSeriesSplit(3), scoring=scoring)
    assert_same_results(ours, theirs, {"rtol": 1e-7})
    assert ours.forecast(4).shape == (4,)


def predictions_of_other_rows(model, X, y):
    return float(model.predict(X[5:15]).sum() + model.predict(X.copy()).sum() + model.coef_.sum() + model.W_.sum())


def test_models_are_whole_for_scorers():
    """What is known beforehand is used for the rows it belongs to only."""
    ours, theirs = grid_searches(
        ESNRegressor(**SMALL), GRID, U, Y, cv=TimeSeriesSplit(2), scoring=predictions_of_other_rows
    )
    assert_same_results(ours, theirs, {"rtol": 1e-9})


def test_several_scores():
    scoring = {"r2": "r2", "mse": make_scorer(mean_squared_error, greater_is_better=False)}
    ours, theirs = grid_searches(
        ESNRegressor(**SMALL), GRID, U, Y, cv=TimeSeriesSplit(2), scoring=scoring, refit="mse", return_train_score=True
    )
    assert_same_results(ours, theirs)
    assert ours.multimetric_
    assert ours.score(U, Y) == theirs.score(U, Y)
    names = ReservoirSearchCV(ESNRegressor(**SMALL), GRID, scoring=["r2"], refit=False).fit(U, Y)
    assert not hasattr(names, "best_index_")
    with pytest.raises(ValueError, match="refit=True must be False, a callable or, of several scores"):
        ReservoirSearchCV(ESNRegressor(**SMALL), GRID, scoring=["r2"]).fit(U, Y)


def test_refit_may_be_callable():
    search = ReservoirSearchCV(ESNRegressor(**SMALL), {"alpha": [1.0, 0.1]}, refit=lambda results: 1).fit(U, Y)
    assert search.best_params_ == {"alpha": 0.1}
    assert not hasattr(search, "best_score_")
    with pytest.raises(ValueError, match=r"refit\(cv_results_\)=2 is no index of 2 candidates"):
        ReservoirSearchCV(ESNRegressor(**SMALL), {"alpha": [1.0, 0.1]}, refit=lambda results: 2).fit(U, Y)


def test_groups_stay_together():
    groups = [0, 0, 1, 1, 2]
    ours = ReservoirSearchCV(ESNRegressor(**SMALL), GRID, cv=GroupKFold(3)).fit(SEQUENCES, TARGETS, groups=groups)
    theirs = GridSearchCV(ESNRegressor(**SMALL), GRID, cv=GroupKFold(3)).fit(SEQUENCES, TARGETS, groups=groups)
    assert_same_results(ours, theirs)


def test_one_series_is_tested_on_what_comes_later():
    ours = ReservoirSearchCV(ESNRegressor(**SMALL), {"alpha": [0.1, 1.0]}).fit(U, Y)
    theirs = GridSearchCV(ESNRegressor(**SMALL), {"alpha": [0.1, 1.0]}, cv=TimeSeriesSplit(5)).fit(U, Y)
    assert_same_results(ours, theirs)
    assert ReservoirSearchCV(ESNRegressor(**SMALL), {"alpha": [0.1]}).fit(SEQUENCES, TARGETS).n_splits_ == 5


def test_a_candidate_that_diverges_fails_alone():
    grid = {"spectral_radius": [0.5, 1e6], "alpha": [0.01, 1.0]}
    search = ReservoirSearchCV(ESNRegressor(**SMALL, activation="identity"), grid, cv=TimeSeriesSplit(2))
    with (
        pytest.warns(UserWarning, match="mean test scores 'score' are not finite"),
        pytest.warns(
            FitFailedWarning,
            match=r"4 of 8 fits failed; their scores are nan. The first error was: ValueError\('features",
        ),
    ):
        search.fit(U, Y)
    finite = np.isfinite(search.cv_results_["mean_test_score"])
    assert [params["spectral_radius"] for params in search.cv_results_["params"]] == [0.5, 1e6, 0.5, 1e6]
    assert finite.tolist() == [True, False, True, False]
    assert search.cv_results_["rank_test_score"][~finite].tolist() == [3, 3]
    with pytest.raises(ValueError, match="the reservoir diverged"):
        clone(search).set_params(error_score="raise").fit(U, Y)
    classifier = ReservoirSearchCV(ESNClassifier(**SMALL, activation="identity"), grid, error_score=-1.0)
    with pytest.warns(FitFailedWarning):
        classifier.fit([20 * x for x in LABELLED] * 4, LABELS * 4)


def test_errors():
    search = ReservoirSearchCV(ESNRegressor(**SMALL), {"leak_rate": [0.5, 2.0]}, cv=TimeSeriesSplit(2))
    with (
        pytest.warns(UserWarning, match="not finite"),
        pytest.warns(FitFailedWarning, match="leak_rate=2.0 must be a finite number in"),
    ):
        search.fit(U, Y)
    with pytest.raises(ValueError, match=r"all 2 fits failed.*leak_rate=3\.0"):
        clone(search).set_params(param_grid={"leak_rate": [3.0]}).fit(U, Y)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        clone(search).set_params(param_grid={"nonsense": [3.0]}, error_score="raise").fit(U, Y)
    for grids in ({}, {"param_grid": GRID, "param_distributions": GRID}):
        with pytest.raises(ValueError, match=r"param_grid=.*param_distributions=.*: give one of them"):
            ReservoirSearchCV(ESNRegressor(), **grids).fit(U, Y)
    with pytest.raises(ValueError, match="n_iter=0 must be an integer of at least 1"):
        ReservoirSearchCV(ESNRegressor(), param_distributions=GRID, n_iter=0).fit(U, Y)

    def broken(model, X, y):
        raise ValueError("no score today")

    with pytest.warns(UserWarning, match="not finite"), pytest.warns(UserWarning, match="no score today"):
        clone(search).set_params(param_grid={"alpha": [1.0]}, scoring=broken, refit=False).fit(U, Y)
    with pytest.raises(ValueError, match="no score today"):
        clone(search).set_params(scoring=broken, error_score="raise").fit(U, Y)


def test_a_failed_fit_leaves_the_search_as_it_was():
    search = ReservoirSearchCV(ESNRegressor(**SMALL), {"alpha": [0.1, 1.0]}).fit(U, Y)
    before = dict(vars(search))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        search.fit(U, Y[:-1])
    assert vars(search) == before


def test_tables_and_pickles():
    frame = pd.DataFrame(U, columns=["a", "b"])
    grid = [{"alpha": [0.1, 1.0]}, {"leak_rate": [0.5]}]
    search = ReservoirSearchCV(ESNRegressor(**SMALL), grid).fit(frame, pd.Series(Y))
    assert len(pd.DataFrame(search.cv_results_)) == 3
    assert search.cv_results_["param_alpha"].mask.tolist() == [False, False, True]
    assert search.feature_names_in_.tolist() == ["a", "b"]
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(frame), search.predict(frame))
    assert not hasattr(search, "decision_function")
    assert not hasattr(search, "forecast")


def test_members_are_the_networks_drawn_with_their_parameters():
    inputs = Sequences(U, np.array([0, len(U)]), "single")
    family = Family.of(ESNRegressor(**SMALL), inputs)
    changed = {"spectral_radius": 0.3, "leak_rate": 0.25, "input_scaling": [0.5, 2.0], "bias_scaling": 0.1}
    member, scale = family.member(changed)
    drawn = ESNRegressor(**SMALL, **changed).fit(U, Y)
    for name in ("W_", "W_in_", "bias_", "leak_rate_"):
        actual, expected = getattr(member, name), getattr(drawn, name)
        np.testing.assert_allclose(np.asarray((actual - expected).sum()), 0, atol=1e-12)
    lanes, driving = family.lockstep([scale, scale], inputs)
    features = lanes.features(driving)
    np.testing.assert_allclose(features[: len(U)], drawn._harvester().features(inputs), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(features[: len(U)], features[len(U) :])


def test_strands_are_what_differs():
    a, b = U[:30], U[30:50]
    strands, of_parts = _strands([a[:10], b, a, a[:20], b[:5], a[5:]], prefixes=True)
    assert [len(strand) for strand in strands] == [30, 25, 20]
    assert of_parts == [0, 2, 0, 0, 2, 1]
    strands, of_parts = _strands([a[:10], a, a], prefixes=False)
    assert [len(strand) for strand in strands] == [30, 10]
    assert of_parts == [1, 0, 0]


def test_sections_know_their_splits():
    assert _sections([(1, 5, 0), (1, 9, 1), (3, 5, 1), (20, 30, 2)]) == [
        (1, 3, (0, 1)),
        (3, 5, (0, 1, 1)),
        (5, 9, (1,)),
        (20, 30, (2,)),
    ]


ROWS_ARE_STEPS = dict.fromkeys(
    ("check_methods_sample_order_invariance", "check_methods_subset_invariance"),
    "rows are time steps: a row's result depends on the rows before it",
)
SERIES_FIRST = {"check_fit1d": "a forecaster takes 1-D series"}


def expected_failed_checks(search):
    if isinstance(search.estimator, ESNClassifier):
        return {}
    return ROWS_ARE_STEPS | (SERIES_FIRST if isinstance(search.estimator, ESNForecaster) else {})


# Forecasters are fitted with two arguments there and predict with one.
@pytest.mark.filterwarnings("ignore:the fit had 1 exogenous variables, but X=None:UserWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(
    [
        ReservoirSearchCV(estimator, {"alpha": [0.1, 1.0]}, cv=2, error_score="raise")
        for estimator in (ESNRegressor(**SMALL), ESNClassifier(**SMALL), ESNForecaster(**SMALL))
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
