from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from reservoirs.diagnostics import branching_factor


def plain(steps, units, W, n_steps, window, margin):
    spikes = {(t, i) for t, i in zip(steps, units, strict=True)}
    ratios = {}
    for t, n in sorted(spikes):
        if margin + window <= t < n_steps - margin - window:
            a = sum((s, j) in spikes for s in range(t - window, t) for j in np.flatnonzero(W[n]))
            d = sum((s, i) in spikes for s in range(t + 1, t + window + 1) for i in np.flatnonzero(W[:, n]))
            ratios.setdefault(n, []).append(d / max(a, 1))
    return np.mean([np.mean(r) for r in ratios.values()])


@pytest.mark.parametrize("window", [1, 4])
def test_branching_factor_equals_its_definition(rng, window):
    W = rng.standard_normal((12, 12)) * (rng.random((12, 12)) < 0.3)
    steps, units = np.nonzero(rng.random((80, 12)) < 0.15)
    expected = plain(steps.tolist(), units.tolist(), W, 80, window, 10)
    for matrix in (W, sparse.csc_array(W)):
        assert branching_factor(steps, units, matrix, 80, window=window, margin=10) == pytest.approx(
            expected, rel=1e-12
        )


def test_silence_has_no_branching_factor():
    assert np.isnan(branching_factor([], [], np.eye(3), 100))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [3], np.eye(3), 100), "units must be"),
        (([100], [0], np.eye(3), 100), "steps must be"),
        (([1, 2], [0], np.eye(3), 100), "units must be"),
        (([1], [0], np.eye(3), 50), "leave nothing of n_steps=50"),
        (([1], [0], np.eye(3), 0), "n_steps=0"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        branching_factor(*arguments)
