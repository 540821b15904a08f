from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from reservoirs import LiquidStateMachine
from reservoirs.diagnostics import astrocyte_state, branching_factor, settling, spike_statistics, weights_by_block
from reservoirs.diagnostics.settling import _input_spikes
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import AstrocyteSTDP
from reservoirs.topology import Column


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


def test_statistics_equal_their_definitions(rng):
    trains = [np.sort(rng.uniform(0, 400, n)) for n in (0, 1, 5, 40)]
    order = rng.permutation(46)
    times, units = np.concatenate(trains)[order], np.repeat(np.arange(4), [0, 1, 5, 40])[order]
    found = spike_statistics(times, units, 4, 400.0, bin_width=20.0)
    np.testing.assert_allclose(found.rates, [0, 2.5, 12.5, 100])
    assert (found.mean_rate, found.silent_fraction) == (28.75, 0.25)
    binned = np.array([np.histogram(train, 20, (0, 400))[0] for train in trains])
    assert found.synchrony == pytest.approx(np.sqrt(binned.mean(axis=0).var() / binned.var(axis=1).mean()))
    variations = [np.diff(train).std() / np.diff(train).mean() for train in trains[2:]]
    assert found.variation == pytest.approx(np.mean(variations))


def test_synchrony_of_extremes(rng):
    times = np.sort(rng.uniform(0, 5000, 500))
    together = spike_statistics(np.tile(times, 30), np.repeat(np.arange(30), 500), 30, 5000.0)
    assert together.synchrony == pytest.approx(1)
    apart = spike_statistics(rng.uniform(0, 5000, 15_000), rng.integers(30, size=15_000), 30, 5000.0)
    assert apart.synchrony == pytest.approx(1 / np.sqrt(30), rel=0.2)
    assert apart.variation == pytest.approx(1, abs=0.1)  # Poisson


def test_statistics_of_silence():
    found = spike_statistics([], [], 3, 100.0)
    assert (found.mean_rate, found.silent_fraction) == (0, 1)
    assert np.isnan([found.synchrony, found.variation]).all()


def test_blocks_hold_all_weights_of_a_liquid():
    liquid = LiquidStateMachine("maass-2002", encoder=RateEncoder(10.0, dt=0.1), random_state=0).fit(np.eye(4))
    blocks = weights_by_block(liquid.W_, liquid.excitatory_, liquid.W_in_)
    assert sum(map(len, blocks.values())) == liquid.W_.nnz + liquid.W_in_.nnz
    W, exc = liquid.W_.toarray(), liquid.excitatory_
    for name, (to, source) in {"EE": (exc, exc), "EI": (~exc, exc), "IE": (exc, ~exc), "II": (~exc, ~exc)}.items():
        assert sorted(blocks[name]) == sorted(W[np.ix_(to, source)][W[np.ix_(to, source)] != 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spike_statistics([101.0], [0], 1, 100.0), "times must be numbers from 0 to duration=100"),
        (lambda: spike_statistics([np.nan], [0], 1, 100.0), "times must be"),
        (lambda: spike_statistics([1.0], [1], 1, 100.0), "units must be"),
        (lambda: spike_statistics([1.0], [0.5], 1, 100.0), "units must be"),
        (lambda: spike_statistics([1.0], [0], 1, 9.0), "bin_width=5.0 must be a finite number in"),
        (lambda: weights_by_block(np.eye(2), [True]), "excitatory must be a bool for each neuron"),
        (lambda: weights_by_block(np.eye(2), [1, 0]), "excitatory must be a bool for each neuron"),
        (lambda: astrocyte_state([1], [1, 2]), "n_inputs has shape"),
        (lambda: astrocyte_state([1], [1], tau_astro=0.5), "tau_astro=0.5"),
        (lambda: settling(LiquidStateMachine(), np.eye(3)), "must be AstrocyteSTDP"),
        (lambda: settling(LiquidStateMachine(plasticity=AstrocyteSTDP()), np.eye(3)), "random_state=None"),
    ],
)
def test_errors_of_activity(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_astrocyte_obeys_its_equation(rng):
    n_liquid, n_inputs = rng.integers(0, 50, (2, 200))
    state = astrocyte_state(n_liquid, n_inputs, w_astro=0.03, tau_astro=40.0, a_plus=0.2, dt=0.5)
    a = 0.2
    for t in range(200):
        assert state[t] == pytest.approx(a, rel=1e-9)
        a += 0.5 / 40 * (0.03 * (n_liquid[t] - n_inputs[t]) + 0.2 - a)


SMALL = {"topology": Column((5, 5, 5)), "random_state": 0, "n_jobs": 1}


@pytest.mark.parametrize("refractory", [2.0, 0.0, False])
def test_input_spikes_are_those_of_the_core(refractory):
    X = np.random.default_rng(0).uniform(0, 1, (1, 60))
    liquid = LiquidStateMachine(encoder=RateEncoder(120.0, random_state=0), input_refractory=refractory, **SMALL).fit(X)
    steps, channels = liquid.encoder_.transform(X)[0].to_steps(1.0)
    counts = _input_spikes(steps, channels, 120, liquid._options_["input_refractory"])
    _, batch = next(iter(liquid._presenter().shown(liquid._check(X, reset=False), recorded=[], watched=[])))
    assert counts.sum() == batch.totals["input_spikes"] > 0


def test_settling_looks_at_a_liquid_while_it_learns():
    X = np.random.default_rng(0).uniform(0, 1, (30, 60))
    liquid = LiquidStateMachine(plasticity=AstrocyteSTDP(w_astro=0.05), encoder=RateEncoder(100.0), **SMALL)
    course = settling(liquid, X, n_snapshots=(0, 60), n_samples=4)
    fitted = clone(liquid).set_params(plasticity__n_snapshots=60).fit(X)
    recordings = fitted.simulate(X[[0, 7, 15, 22]])
    factors = [
        branching_factor(r.spike_times.astype(int), r.spike_units, fitted.W_, 100, margin=20) for r in recordings
    ]
    assert course.branching[1] == pytest.approx(np.mean(factors))
    assert course.rates[1, 0] == pytest.approx(np.mean([10 * r.counts[:100].mean() for r in recordings]))
    assert course.rates[0, 0] != course.rates[1, 0]
    busier = course.rates[:, 0].argmax()
    assert course.astrocyte.argmax() == busier
    assert not hasattr(liquid, "W_")


def test_settling_needs_spikes():
    X = np.random.default_rng(0).uniform(0, 1, (5, 20, 3))
    with pytest.raises(ValueError, match="X holds numbers that are currents"):
        settling(LiquidStateMachine(plasticity=AstrocyteSTDP(), **SMALL), X, n_snapshots=2)
