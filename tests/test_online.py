"""The core's learning readouts: bits, equations, and what keeps the covariance positive definite."""

from typing import Any

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LEVELS, assert_same_bits, simd_level
from sklearn.linear_model import Ridge

from reservoirs import _core

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=("float32", "float64"))


def compiled(name: str, coef: np.ndarray, intercept: np.ndarray, *args: Any, **options: Any) -> Any:
    size = "32" if coef.dtype == np.float32 else "64"
    start = getattr(_core, "LinearReadout" + size)(coef, intercept)
    return getattr(_core, name + size)(start, *args, **options)


def from_zero(name: str, n_features: int, *args: Any, n_outputs: int = 1, **options: Any) -> Any:
    return compiled(name, np.zeros((n_outputs, n_features)), np.zeros(n_outputs), *args, **options)


def covariance(rls: Any) -> np.ndarray:
    U, D, _, _ = rls.moments
    return (U * D) @ U.T


@every_dtype
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    n_features=st.integers(1, 37),
    n_outputs=st.integers(1, 3),
    rule=st.sampled_from(["lms", "nlms", "rls", "forgetting"]),
    seed=st.integers(0, 99),
)
def test_learning_gives_the_bits_of_the_reference(
    dtype: Any, n_features: int, n_outputs: int, rule: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    coef, intercept = rng.normal(size=(n_outputs, n_features)).astype(dtype), rng.normal(size=n_outputs).astype(dtype)
    x, y = rng.normal(1, 1, (9, n_features)).astype(dtype), rng.normal(size=(9, n_outputs)).astype(dtype)
    rate, forgetting, penalty = dtype(0.01), dtype(1 if rule == "rls" else 0.9), dtype(0.3)
    if "lms" in rule:
        twin = reference.Lms(coef, intercept, rate, normalised=rule == "nlms")
    else:
        twin = reference.Rls(coef, intercept, forgetting, penalty)
    for row in zip(x, y, strict=True):
        twin.learn(*row)
    for level in LEVELS:
        with simd_level(level):
            if "lms" in rule:
                online = compiled("LMS", coef, intercept, float(rate), rule == "nlms")
            else:
                online = compiled("RLS", coef, intercept, float(forgetting), float(penalty))
            online.learn(x, y)
        assert_same_bits([online.coef, online.intercept], [twin.coef, twin.intercept])
        if isinstance(twin, reference.Rls):
            assert_same_bits(list(online.moments[:3]), [twin.U, twin.D, twin.mean])


@pytest.mark.parametrize("n_rows", [1, 2, 20, 400])
def test_recursive_least_squares_are_ridge_regression_with_an_unpenalised_bias(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 1, (n_rows, 30)), rng.normal(5, 1, (n_rows, 2))
    rls = from_zero("RLS", 30, 1.0, 1e-2, n_outputs=2)
    rls.learn(x, y)
    ridge = Ridge(alpha=1e-2).fit(x, y)
    np.testing.assert_allclose(rls.coef, ridge.coef_, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rls.intercept, ridge.intercept_, rtol=0, atol=1e-11)


def test_the_moments_are_those_of_the_weighted_rows() -> None:
    rng = np.random.default_rng(1)
    x, forgetting, penalty = rng.normal(2, 1, (300, 5)), 0.97, 0.5
    rls = from_zero("RLS", 5, forgetting, penalty)
    rls.learn(x, rng.normal(size=(300, 1)))
    weights = forgetting ** np.arange(299, -1, -1)
    mean = weights @ x / weights.sum()
    scatter = (x - mean).T @ (weights[:, None] * (x - mean))
    restored = np.linalg.inv(covariance(rls)) - scatter
    np.testing.assert_allclose(rls.moments[2], mean, rtol=1e-12)
    np.testing.assert_allclose(rls.moments[3], weights.sum(), rtol=1e-12)
    # What is not of the rows is the penalty, of each feature between two of its turns.
    np.testing.assert_allclose(restored, np.diag(np.diag(restored)), rtol=0, atol=1e-10)
    assert (np.diag(restored) > penalty * forgetting**5 * 0.999).all()
    assert (np.diag(restored) < penalty * 1.001).all()


def test_weights_follow_those_that_forgetting_leaves() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(2, 1, (400, 6))
    before, after = rng.normal(size=(2, 6))
    y = np.where(np.arange(400) < 200, x @ before + 1, x @ after - 1)[:, None]
    rls = from_zero("RLS", 6, 0.9, 1e-3)
    rls.learn(x[:200], y[:200])
    np.testing.assert_allclose(rls.coef[0], before, atol=1e-3)
    rls.learn(x[200:], y[200:])
    np.testing.assert_allclose(rls.coef[0], after, atol=1e-3)
    np.testing.assert_allclose(rls.intercept, -1, atol=1e-2)


@every_dtype
def test_the_covariance_stays_positive_and_bounded_without_excitation(dtype: Any) -> None:
    # Collinear features, one of them silent: ordinary covariance updates blow up within 1e4 steps.
    rng = np.random.default_rng(3)
    t = np.arange(20_000)
    x = np.column_stack([np.sin(t / 7), np.cos(t / 7), np.sin(t / 7) + 1e-6 * rng.normal(size=len(t)), 0 * t]).astype(
        dtype
    )
    forgetting, penalty = 0.98, 1e-3
    rls = compiled("RLS", np.zeros((1, 4), dtype), np.zeros(1, dtype), forgetting, penalty)
    for _ in range(5):
        rls.learn(x, x[:, :1].copy())
        U, D, _, _ = (np.asarray(part, np.float64) for part in rls.moments)
        P = (U * D) @ U.T
        assert (D > 0).all()
        assert np.linalg.eigvalsh(P).min() > 0
        assert np.linalg.eigvalsh(P).max() < 1.01 / (penalty * forgetting**4)


def test_what_is_known_at_the_start_is_gone_on_from() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(1, 1, (100, 7)), rng.normal(size=(100, 1))
    whole = from_zero("RLS", 7, 0.99, 0.1)
    whole.learn(x[:60], y[:60])
    U, D, mean, weight = whole.moments
    again = compiled("RLS", whole.coef, whole.intercept, 1.0, 0.1, factor=U, diagonal=D, mean=mean, weight=weight)
    assert_same_bits(list(again.moments[:3]), [U, D, mean])
    one_by_one = from_zero("RLS", 7, 1.0, 0.1)
    one_by_one.learn(x, y)
    first = from_zero("RLS", 7, 1.0, 0.1)
    first.learn(x[:60], y[:60])
    U, D, mean, weight = first.moments
    rest = compiled("RLS", first.coef, first.intercept, 1.0, 0.1, factor=U, diagonal=D, mean=mean, weight=weight)
    rest.learn(x[60:], y[60:])
    assert_same_bits([rest.coef, rest.intercept], [one_by_one.coef, one_by_one.intercept])


@pytest.mark.parametrize("rule", ["RLS", "LMS"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("where", ["x", "y"])
def test_numbers_that_cannot_be_learned_change_nothing(rule: str, bad: float, where: str) -> None:
    if where == "y" and bad == 1e200:
        bad = -np.inf
    online = from_zero(rule, 3, 0.99, 1.0)
    online.learn(np.ones((4, 3)), np.ones((4, 1)))
    before = [online.coef, online.intercept, *(online.moments[:3] if rule == "RLS" else ())]
    x, y = np.ones((1, 3)), np.ones((1, 1))
    (x if where == "x" else y)[0, -1] = bad
    with pytest.raises(ValueError, match="NaN"):
        online.learn(x, y)
    assert_same_bits(before, [online.coef, online.intercept, *(online.moments[:3] if rule == "RLS" else ())])


@pytest.mark.parametrize(
    "options",
    [
        {"forgetting": 0.0},
        {"forgetting": 1.5},
        {"forgetting": np.nan},
        {"forgetting": 1e-200},
        {"penalty": 0.0},
        {"penalty": np.inf},
        {"weight": -1.0},
        {"factor": np.eye(2)},
        {"mean": np.zeros(4)},
        {"diagonal": np.zeros(3)},
    ],
)
def test_impossible_parts_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_zero("RLS", 3, **{"forgetting": 1.0, "penalty": 1.0, **options})
