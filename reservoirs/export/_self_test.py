"""Inputs and the outputs Python computes for them, which the C code checks itself against."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..sequences import Sequences
from ._fixed import FixedNetwork
from ._parts import Affine, DelayLine, Parts, apply
from ._text import Array

_STEPS = 8


@dataclass(frozen=True)
class SelfTest:
    """Arrays and sizes of a self-test."""

    arrays: list[Array]
    sizes: dict[str, int]


def make_self_test(parts: Parts, fixed: FixedNetwork | None) -> SelfTest:
    """Run the float32 estimator, or its integer twin, on a few random rows like those of the training."""
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        # Of missing column names, and of closed loops that diverge: neither matters here.
        warnings.simplefilter("ignore")
        if parts.kind == "forecaster":
            return _of_forecaster(parts, fixed, rng)
        if parts.kind == "classifier":
            return _of_classifier(parts, fixed, rng)
        inputs = _like_training(parts.scaling, _STEPS, parts.n_inputs, rng)
        scaled = apply(parts.scaling, inputs)
        outputs = parts.estimator.predict(scaled) if fixed is None else regress(parts, fixed, scaled)
        return _self_test(inputs, outputs, _STEPS)


def _self_test(inputs: np.ndarray, outputs: np.ndarray, steps: int, **sizes: int) -> SelfTest:
    arrays = [Array("test_inputs", inputs), Array("test_outputs", np.asarray(outputs, np.float32))]
    return SelfTest(arrays, {"TEST_STEPS": steps, **sizes})


def _of_forecaster(parts: Parts, fixed: FixedNetwork | None, rng: np.random.Generator) -> SelfTest:
    """Predict some rows from given ones, then run on alone."""
    given = parts.core.depth + 4 if isinstance(parts.core, DelayLine) else _STEPS - 3
    n_steps = given + 3
    inputs = _like_training([*parts.scaling, *parts.standardise], given, parts.n_inputs, rng)
    y = apply(parts.scaling, inputs)
    x = _like_training(parts.standardise_x, n_steps, parts.n_exogenous, rng)
    outputs = _run_on(parts, y, x) if fixed is None else forecast(parts, fixed, y, x)
    test = _self_test(inputs, outputs, n_steps, TEST_GIVEN=given)
    return SelfTest([*test.arrays, Array("test_x", x)], test.sizes) if parts.n_exogenous else test


def _run_on(parts: Parts, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    model, given = parts.estimator, len(y)
    before, after, warmup = ((x[:given],), (x[given:],), {"warmup_X": x[:given]}) if parts.n_exogenous else ((), (), {})
    ahead = model.forecast(len(x) - given, *after, warmup=y, **warmup)
    return np.concatenate([rows.reshape(len(rows), -1) for rows in (model.predict(y, *before), ahead)])


def regress(parts: Parts, fixed: FixedNetwork, rows: np.ndarray) -> np.ndarray:
    """Return what the C code computes in integers for one sequence of scaled inputs."""
    feedback = parts.n_outputs * parts.feeds_back
    return fixed.run(len(rows), parts.n_outputs, lambda t, before: np.concatenate([rows[t], before[:feedback]]))


def forecast(parts: Parts, fixed: FixedNetwork, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return what the C code computes in integers for every row of x, given the first rows y of the series."""
    series, external = apply(parts.standardise, y), apply(parts.standardise_x, x)

    def drive(t: int, before: np.ndarray) -> np.ndarray:
        return np.concatenate([external[t], series[t - 1] if 0 < t <= len(series) else before])

    return apply(parts.restore, fixed.run(len(x), parts.n_outputs, drive))


def _of_classifier(parts: Parts, fixed: FixedNetwork | None, rng: np.random.Generator) -> SelfTest:
    steps = int(parts.estimator.washout_) + _STEPS
    inputs = _like_training(parts.scaling, steps, parts.n_inputs, rng)
    scaled = apply(parts.scaling, inputs)
    if fixed is not None:
        return _self_test(inputs, classify(parts, fixed, scaled), steps)
    pooled = parts.estimator._vectors([scaled])[0]
    scores = [ordered_score(pooled, *row) for row in zip(parts.coef, parts.intercept, strict=True)]
    return _self_test(inputs, np.array(scores), steps)


def classify(parts: Parts, fixed: FixedNetwork, rows: np.ndarray) -> np.ndarray:
    """Return the scores that the C code computes in integers for one sequence of scaled inputs."""
    model, one = parts.estimator, Sequences(rows, np.array([0, len(rows)]), "single")
    return fixed.outputs(fixed.pooled(one, model.pooling, int(model.washout_))[0])


def ordered_score(pooled: np.ndarray, coef: np.ndarray, intercept: float) -> float:
    """Return a classifier's score, summed from the first feature to the last as the C code does."""
    score = 0.0
    for feature, weight in zip(pooled.tolist(), coef.tolist(), strict=True):
        score += weight * feature
    return score + float(intercept)


def _like_training(steps: list[Affine], n_rows: int, n_columns: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows that these steps bring to uniform random numbers in +-1."""
    return unscaled(steps, rng.uniform(-1, 1, (n_rows, n_columns)))


def unscaled(steps: list[Affine], rows: Any) -> np.ndarray:
    """Return what these steps bring to rows, or near them."""
    for step in reversed(steps):
        if step.action != "clip":
            rows = {"add": np.subtract, "mul": np.divide, "div": np.multiply}[step.action](rows, step.constants)
    return np.asarray(rows, np.float32)
