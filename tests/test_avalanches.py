from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from reservoirs.diagnostics import avalanches, branching_parameter, power_law


def process(m, rate, n_steps, rng):
    """A branching process: each spike causes m others one step later, beside `rate` from outside."""
    activity = np.empty(n_steps, int)
    now = round(rate / (1 - m))
    for t in range(n_steps):
        activity[t] = now = rng.poisson(m * now + rate)
    return activity


@pytest.mark.parametrize("m", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("share", [1.0, 0.05])
def test_branching_parameter_of_subsampled_processes(m, share, rng):
    seen = rng.binomial(process(m, 30 * (1 - m) * 10, 40_000, rng), share)
    estimate = branching_parameter(seen, max_lag=6 if m == 0.5 else 40)
    assert estimate.m == pytest.approx(m, abs=0.06 if m == 0.5 else 0.015)
    if share < 1:
        assert estimate.b < 0.95
        assert estimate.slopes[0] < m - 0.02  # what one regression would have said
    else:
        assert estimate.b == pytest.approx(1, abs=0.08)
    assert estimate.tau == pytest.approx(-1 / np.log(estimate.m))


def test_slopes_are_those_of_least_squares(rng):
    activity = process(0.8, 10, 300, rng)
    expected = [np.polyfit(activity[:-lag], activity[lag:], 1)[0] for lag in range(1, 6)]
    assert_allclose(branching_parameter(activity, max_lag=5).slopes, expected)


def test_trials_are_not_joined(rng):
    trials = [process(0.9, 20, 250, rng) for _ in range(200)]
    estimate = branching_parameter(trials, max_lag=20)
    assert estimate.m == pytest.approx(0.9, abs=0.02)
    shuffled = branching_parameter([rng.permutation(trial) for trial in trials], max_lag=20)
    assert abs(shuffled.slopes).max() < 0.1


def test_activity_that_does_not_last():
    estimate = branching_parameter(np.tile([0.0, 1.0, 0.0], 40)[:-1], max_lag=2)
    assert (estimate.m, estimate.tau) == (0.0, 0.0)


def test_avalanches_of_trials():
    found = avalanches([np.array([1, 0, 2, 2, 0, 0, 1]), np.array([0, 5, 1, 1, 0])])
    assert_array_equal(found.sizes, [4, 7])
    assert_array_equal(found.durations, [2, 3])
    above = avalanches([1, 3, 4, 1, 2, 0], threshold=1)
    assert_array_equal(above.sizes, [7, 2])
    assert len(avalanches([1, 1, 1]).sizes) == len(avalanches([0, 0]).sizes) == 0


def critical(n_avalanches, most, rng):
    """Spikes of each step of avalanches of a critical branching process, with silence between."""
    steps = []
    for _ in range(n_avalanches):
        now = 1
        while now and now < most:
            steps.append(now)
            now = rng.poisson(now)
        steps.append(0)
    return [0, *steps]


def test_exponents_of_a_critical_branching_process(rng):
    found = avalanches(critical(20_000, 10**4, rng))
    assert power_law(found.sizes, x_min=5, x_max=10**4).exponent == pytest.approx(1.5, abs=0.05)
    assert power_law(found.durations, x_min=10).exponent == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("exponent", [1.5, 2.5, 3.5])
def test_exponents_of_synthetic_power_laws(exponent, rng):
    values = np.arange(2, 200)
    p = values**-exponent
    sample = rng.choice(values, 20_000, p=p / p.sum())
    fit = power_law(sample, x_min=2, x_max=199)
    assert abs(fit.exponent - exponent) < 4 * fit.error < 0.15
    assert fit.distance < 2 / np.sqrt(fit.n)


def test_the_beginning_of_a_power_law_is_found(rng):
    tail = rng.zipf(2.5, 200_000)
    values = np.concatenate([tail[tail >= 12], rng.integers(1, 12, 5000)])
    fit = power_law(values)
    assert 9 <= fit.x_min <= 18
    assert fit.exponent == pytest.approx(2.5, abs=0.15)


def test_what_is_no_power_law_is_far_from_it(rng):
    assert power_law(rng.geometric(0.05, 5000), x_min=1).distance > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: branching_parameter([1.0, np.nan] * 50), "activity must be"),
        (lambda: branching_parameter(np.ones((5, 5))), "activity must be"),
        (lambda: branching_parameter([]), "activity must be"),
        (lambda: branching_parameter(np.ones(100)), "activity does not vary"),
        (lambda: branching_parameter(np.arange(21)), "activity has 21 steps; max_lag=20 needs at least 22"),
        (lambda: branching_parameter(np.arange(50), max_lag=1), "max_lag=1"),
        (lambda: avalanches([[1.0, 2.0], [3.0]], threshold="low"), "threshold='low'"),
        (lambda: power_law([0, 1, 2]), "values must be positive integers"),
        (lambda: power_law([1.5, 2]), "values must be positive integers"),
        (lambda: power_law([3, 3]), "at least two different ones"),
        (lambda: power_law([3, 3], x_min=1), "values from x_min=1 to x_max=None must hold at least two"),
        (lambda: power_law([1, 2, 3], x_max=0), "x_max=0"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
