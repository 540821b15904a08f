"""Fitting in parts, and learning on from a fit: what comes of it is one fit on all of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import assert_same_bits
from sklearn.linear_model import LogisticRegression, Ridge

from reservoirs import NVAR, ESNClassifier, ESNForecaster, LSMClassifier, LSMRegressor, load, save
from reservoirs.datasets import lorenz
from reservoirs.encoding import RateEncoder
from reservoirs.streaming import NLMS, RLS
from reservoirs.topology import Column

RNG = np.random.default_rng(0)
A = lorenz(250, dt=0.025)
B = A[::-1].copy()  # of the same mean and deviation, which the first part sets for all
X = RNG.normal(size=(250, 2))
FORECASTERS = {
    "esn": partial(ESNForecaster, n_units=30, washout=0, alpha=1e-3, random_state=0),
    "noisy": partial(ESNForecaster, n_units=30, washout=5, state_noise=0.01, random_state=0),
    "nvar": partial(NVAR, delays=3, stride=2, alpha=1e-2),
}
every_forecaster = pytest.mark.parametrize("make", FORECASTERS.values(), ids=FORECASTERS)
SERIES = [RNG.normal(c / 2, 1, (n, 2)) for n in (20, 30, 25, 18) for c in range(3)]
LABELS = np.array(["a", "b", "c"] * 4)
SMALL = {"topology": Column((3, 3, 4)), "input_weight": 3.0, "input_density": 0.5, "random_state": 0}
CLASSIFIERS = {
    "esn": partial(ESNClassifier, n_units=20, pooling="both", alpha=1e-2, washout=3, random_state=0),
    "noisy": partial(ESNClassifier, n_units=20, alpha=1e-2, state_noise=0.01, random_state=0),
    "lsm": partial(LSMClassifier, **SMALL, readout="ridge", alpha=1.0),
}
every_classifier = pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)


def assert_same_readout(one: Any, other: Any) -> None:
    assert_allclose(one.coef_, other.coef_, rtol=0, atol=1e-8)
    assert_allclose(one.intercept_, other.intercept_, rtol=0, atol=1e-8)


# Forecasters.


@every_forecaster
@pytest.mark.parametrize("exogenous", [False, True])
def test_forecasters(make: Any, exogenous: bool) -> None:
    of_a, of_b = ((X,), (X[::-1],)) if exogenous else ((), ())
    whole = make().fit([A, B], [X, X[::-1]] if exogenous else None)
    for first in ("fit", "partial_fit"):
        parts = getattr(make(), first)(A, *of_a).partial_fit(B, *of_b)
        assert_same_readout(parts, whole)
        assert parts.alpha_ == whole.alpha_
        ahead = {"X": X[:9]} if exogenous else {}
        assert_allclose(parts.forecast(9, **ahead), whole.forecast(9, **ahead), atol=1e-5)


@every_forecaster
def test_series_of_one_variable(make: Any) -> None:
    parts = make().fit(A[:, 0]).partial_fit(B[:, 0])
    assert_same_readout(parts, make().fit([A[:, :1], B[:, :1]]))
    assert parts.predict(A[:, 0]).shape == (250,)


@pytest.mark.parametrize("name", ["esn", "nvar"])
def test_streams_of_forecasters_go_on_from_a_fit(name: str) -> None:
    stream = FORECASTERS[name]().fit(A).stream(learner=RLS())
    stream.step(None)
    for row in B:
        stream.learn(row)
        stream.step(row)
    assert_same_readout(stream, FORECASTERS[name]().fit([A, B]))


@every_forecaster
def test_what_parts_must_have(make: Any) -> None:
    model = make().fit(A, X)
    before = model.predict(A, X)
    for y, exogenous, message in (
        (B, None, "X=None, but the first part had 2 exogenous variables"),
        (B, X[:, :1], "X has 1 exogenous variables, but the fit had 2"),
        (B[:, :2], X, "2 features"),
        (B[:1], X[:1], "1 time step"),
        (B * np.nan, X, "NaN"),
        (B * 1e200, X, "huge"),
    ):
        with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
            model.partial_fit(y, exogenous)
    assert_same_bits(model.predict(A, X), before)


# Classifiers.


@every_classifier
def test_classifiers(make: Any) -> None:
    whole = make().fit(SERIES, LABELS)
    parts = make().partial_fit(SERIES[:5], LABELS[:5], classes=["c", "b", "a"]).partial_fit(SERIES[5:], LABELS[5:])
    assert_same_readout(parts, whole)
    assert_same_readout(make().fit(SERIES[:5], LABELS[:5]).partial_fit(SERIES[5:], LABELS[5:], ["a", "b", "c"]), whole)
    assert parts.classes_.tolist() == ["a", "b", "c"]
    # A class may come late.
    late = make().partial_fit(SERIES[::3], LABELS[::3], ["a", "b", "c"])
    assert set(late.predict(SERIES)) <= {"a", "b", "c"}
    assert_same_readout(make().fit(SERIES[:9:3] + SERIES[1::3], [0] * 3 + [1] * 4), make().partial_fit(
        SERIES[:9:3], [0] * 3, classes=[0, 1]).partial_fit(SERIES[1::3], [1] * 4))  # fmt: skip


@pytest.mark.parametrize("name", ["esn", "lsm"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_streams_of_classifiers_learn_labels(name: str, n_classes: int) -> None:
    make, here = CLASSIFIERS[name], np.isin(LABELS, ["a", "b", "c"][:n_classes])
    series, labels = [each for each, is_here in zip(SERIES, here, strict=True) if is_here], LABELS[here]
    stream = make().fit(series[:6], labels[:6]).stream(learner=RLS())
    for sequence, label in zip(series[6:], labels[6:], strict=True):
        stream.reset()
        for row in sequence:
            said = stream.step(row)
        stream.learn(label)
    whole = make().fit(series, labels)
    assert_same_readout(stream, whole)
    learned, copied = stream.estimator(), stream.copy()
    stream.reset()
    said = [stream.step(row) for row in series[0]]
    assert said[-1] == learned.predict(series[:1])[0] == whole.predict(series[:1])[0]
    assert_same_bits(np.array(stream.decision_function()), learned.decision_function(series[:1])[0].copy())
    copied.learn(labels[0])
    assert_same_readout(stream, whole)
    assert not np.array_equal(copied.coef_, stream.coef_)


@pytest.mark.parametrize("learner", [NLMS(0.5), RLS(0.99, alpha=1.0)], ids=str)
def test_what_a_classifier_is_told_it_says(learner: Any) -> None:
    stream = CLASSIFIERS["esn"]().fit(SERIES, LABELS).stream(learner=learner)
    for _ in range(30):
        stream.reset()
        said = [stream.step(row) for row in SERIES[0]]
        stream.learn("b")
    assert said[-1] == "b"


def test_labels_that_cannot_be_learned() -> None:
    model = CLASSIFIERS["esn"]().fit(SERIES, LABELS)
    with pytest.raises(ValueError, match="no learner"):
        model.stream().learn("a")
    stream = model.stream(learner=NLMS(), missing="skip")
    with pytest.raises(ValueError, match="no rows so far"):
        stream.learn("a")
    for row in SERIES[0]:
        stream.step(row)
    with pytest.raises(ValueError, match=r"y='d' is none of the classes \['a', 'b', 'c'\]"):
        stream.learn("d")
    stream.learn(None)
    assert_same_bits(stream.coef_, model.coef_)
    with pytest.raises(ValueError, match="y=None is none of"):
        model.stream(learner=NLMS()).learn(None)
    with pytest.raises(ValueError, match="learner=3 must be None"):
        model.stream(learner=3)
    with pytest.raises(ValueError, match="needs ridge regression"):
        LSMClassifier(**SMALL).fit(SERIES, LABELS).stream(learner=NLMS())


@every_classifier
def test_classes_and_labels_of_parts(make: Any) -> None:
    model = make()
    with pytest.raises(ValueError, match="classes=None, but the first call"):
        model.partial_fit(SERIES, LABELS)
    with pytest.raises(ValueError, match="classes holds one class only, a"):
        model.partial_fit(SERIES, LABELS, ["a"])
    with pytest.raises(ValueError, match=r"y holds .*'c'.*, which is none of the classes"):
        model.partial_fit(SERIES, LABELS, ["a", "b"])
    assert not hasattr(model, "classes_")
    model.fit(SERIES, LABELS)
    before = model.decision_function(SERIES)
    with pytest.raises(ValueError, match=r"classes=\['a', 'b'\] are not those of the first call"):
        model.partial_fit(SERIES, LABELS, ["a", "b"])
    with pytest.raises(ValueError, match=r"y holds .*'d'"):
        model.partial_fit(SERIES[:1], ["d"])
    with pytest.raises(ValueError, match="3 features"):
        model.partial_fit([np.ones((9, 3))], ["a"])
    assert_same_bits(model.decision_function(SERIES), before)


# Regressors with liquids.


@pytest.mark.parametrize("options", [{}, {"encoder": RateEncoder(20.0, random_state=0)}, {"target": "step"}], ids=str)
def test_regressors_with_liquids(options: dict[str, Any]) -> None:
    make = partial(LSMRegressor, **SMALL, features="traces", alpha=1.0, **options)
    encoded = "encoder" in options
    inputs: Any = np.abs(np.array([each[0] for each in SERIES])) if encoded else SERIES
    y = [each.sum(axis=1) for each in SERIES] if "target" in options else [each.sum() for each in SERIES]
    if encoded:
        first, second = (inputs, y), (inputs[:7], y[:7])  # its scale is of the first part
        whole = make().fit(np.concatenate([inputs, inputs[:7]]), y + y[:7])
    else:
        first, second = (inputs[:5], y[:5]), (inputs[5:], y[5:])
        whole = make().fit(inputs, y)
    assert_same_readout(make().partial_fit(*first).partial_fit(*second), whole)
    parts = make().fit(*first)
    with pytest.raises(ValueError, match="y has 2 outputs, but earlier parts had 1"):
        parts.partial_fit(second[0], [np.stack([each] * 2, -1) for each in second[1]])
    assert_same_readout(parts.partial_fit(*second), whole)


# All of them.


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (ESNForecaster(20, readout=Ridge()), (A,)),
        (LSMRegressor(**SMALL, readout=Ridge()), (SERIES, np.arange(12.0))),
    ],
)
def test_other_readouts_are_fitted_at_once(model: Any, data: Any) -> None:
    with pytest.raises(ValueError, match=r"readout=.* cannot be fitted in parts; partial_fit needs readout="):
        model.partial_fit(*data)


@pytest.mark.parametrize("model", [ESNClassifier(20, readout=LogisticRegression()), LSMClassifier(**SMALL)], ids=str)
def test_classifiers_have_partial_fit_if_their_readout_can(model: Any) -> None:
    with pytest.raises(AttributeError) as raised:
        model.partial_fit(SERIES, LABELS, ["a", "b", "c"])
    assert "cannot be fitted in parts; partial_fit needs readout=" in str(raised.value.__cause__)
    assert not hasattr(model, "partial_fit")


@pytest.mark.parametrize(
    ("make", "first", "second"),
    [
        (FORECASTERS["noisy"], (A,), (B,)),
        (FORECASTERS["nvar"], (A,), (B,)),
        (CLASSIFIERS["noisy"], (SERIES[:6], LABELS[:6]), (SERIES[6:], LABELS[6:])),
        (CLASSIFIERS["lsm"], (SERIES[:6], LABELS[:6]), (SERIES[6:], LABELS[6:])),
        (partial(LSMRegressor, **SMALL), (SERIES[:6], np.arange(6.0)), (SERIES[6:], np.arange(6.0))),
    ],
)
def test_saved_models_are_fitted_on(make: Any, first: Any, second: Any, tmp_path: Any) -> None:
    model = make().fit(*first)
    save(model, tmp_path / "model.npz")
    loaded = load(tmp_path / "model.npz").partial_fit(*second)
    model.partial_fit(*second)
    assert_same_bits(loaded.coef_, model.coef_)
