"""Networks of excitatory and inhibitory units: Dale's law, the statistics of their weights, and their equation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.adaptation import EIBalance
from reservoirs.topology import EITopology

N = 400


@pytest.fixture
def u(rng):
    return rng.uniform(0, 1, (300, 2))


def fitted(u, topology, **parameters):
    return EchoStateNetwork(**{"n_units": N, "random_state": 0, "topology": topology} | parameters).fit(u)


@pytest.mark.parametrize(("frac_exc", "degree", "balance"), [(0.8, 50, 0.0), (0.5, 20, -0.7), (0.9, 10, 0.5)])
def test_weights(frac_exc, degree, balance, rng):
    topology = EITopology(frac_exc, degree, balance=balance, gain=3.0)
    W = topology.weights(2000, rng) / 3
    n_exc = round(2000 * frac_exc)
    exc, inh = W[:, :n_exc], -W[:, n_exc:]
    assert exc.data.min() > 0
    assert inh.data.min() > 0
    assert W.has_sorted_indices
    assert not W.diagonal().any()
    links = np.diff(W.indptr)
    # Binomial numbers of links, not fixed ones.
    assert abs(links.mean() - degree) < 4 * np.sqrt(degree / 2000)
    assert 0.85 < links.var() / (degree * (1 - degree / 2000)) < 1.15
    assert abs(exc.sum(axis=1).mean() - 1) < 0.02
    assert abs(inh.sum(axis=1).mean() - (1 - balance)) < 0.04
    assert abs(exc.data.std() * degree * frac_exc - 0.2) < 0.005
    assert abs(inh.data.std() * degree * frac_exc - 0.2 * (1 - balance)) < 0.02


def test_the_states_follow_the_equation(u):
    theta = np.linspace(-0.2, 0.2, N)
    esn = fitted(u, EITopology(gain=5.0, threshold=theta), input_scaling=[0.1, 0.3], leak_rate=0.7)
    A, B, x = esn.W_ / 5, esn.W_in_ / 5, np.zeros(N)
    np.testing.assert_allclose(esn.bias_, -5 * theta)
    states = esn.transform(u)
    for t, row in enumerate(u):
        x = 0.3 * x + 0.7 / (1 + np.exp(-5 * (A @ x + B @ row - theta)))
        np.testing.assert_allclose(states[t], x, rtol=1e-9)
    reached = B.any(axis=1)
    assert reached.sum() == 0.3 * N
    assert 0.08 < B[reached, 0].max() <= 0.1 < 0.28 < B[reached, 1].max() <= 0.3


def test_potentials_with_thresholds_follow_the_paper_s_equation(u):
    # v(t) = Lambda v(t-1) + A r(t-1) + W_in u(t), r = f(c (v - theta)); units begin at their thresholds.
    theta, leak_rate = np.linspace(-0.2, 0.2, N), np.linspace(0.2, 1.0, N)
    topology = EITopology(gain=5.0, threshold=theta)
    esn = fitted(u, topology, dynamics="voltage", leak_rate=leak_rate, input_scaling=[0.1, 0.3])
    A, B, v, r = esn.W_ / 5, esn.W_in_ / 5, theta, np.full(N, 0.5)
    states = esn.transform(u)
    for t, row in enumerate(u):
        v = (1 - leak_rate) * v + A @ r + B @ row
        r = 1 / (1 + np.exp(-5 * (v - theta)))
        np.testing.assert_allclose(states[t], r, rtol=1e-9)
    # Local balance reaches its targets here too.
    adapted = fitted(u, topology, dynamics="voltage", leak_rate=leak_rate, input_scaling=0.05, adaptation=EIBalance())
    assert abs(adapted.adaptation_.mean_rate_ - adapted.adaptation_.target_rate_).mean() < 0.02
    assert adapted.W_exc_.data.min() > 0 <= adapted.W_inh_.data.min()


def test_parts_have_streams_of_their_own(u):
    both, one = fitted(u, EITopology()), fitted(u[:, :1], EITopology(threshold=stats.norm(0, 0.1)))
    np.testing.assert_array_equal(both.W_.toarray(), one.W_.toarray())
    assert not both.bias_.any()
    assert 0.08 < (one.bias_ / EITopology()._slope()).std() < 0.12
    again = fitted(u, EITopology())
    np.testing.assert_array_equal(again.transform(u), both.transform(u))
    assert EITopology()._slope() == pytest.approx(10.18, abs=0.01)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dale_s_law_survives_adaptation(u, dtype):
    esn = fitted(u, EITopology(), adaptation=EIBalance(), dtype=dtype)
    assert esn.W_.dtype == dtype
    assert esn.W_[:, : int(0.8 * N)].min() >= 0
    assert esn.W_[:, int(0.8 * N) :].max() <= 0
    drawn = fitted(u, EITopology(), dtype=dtype)
    np.testing.assert_array_equal(esn.W_exc_.toarray(), drawn.W_exc_.toarray())
    assert sparse.issparse(esn.W_inh_)


def test_feedback_and_forecasts(u):
    model = ESNRegressor(50, topology=EITopology(in_degree=20), feedback_scaling=0.1, random_state=0).fit(u, u[:, 0])
    np.testing.assert_array_equal(model.W_fb_.any(axis=1), model.W_in_.any(axis=1))
    forecaster = ESNForecaster(50, topology=EITopology(in_degree=35), adaptation=EIBalance(0.5), random_state=0)
    assert np.isfinite(forecaster.fit(np.sin(np.arange(300) / 5)).forecast(20)).all()


def test_searches_reach_its_parameters(u):
    model = ESNRegressor(60, topology=EITopology(), adaptation=EIBalance(0.5), random_state=0)
    grid = {"topology__in_degree": [30, 40], "adaptation__target_rate": [0.4, 0.5], "topology__balance": [-0.4]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2)).fit(u, np.roll(u[:, 0], 2))
    assert search.best_estimator_.topology.balance == -0.4
    assert clone(search.best_estimator_).topology.in_degree == search.best_params_["topology__in_degree"]


@pytest.mark.parametrize(
    ("topology", "parameters", "message"),
    [
        (EITopology(frac_exc=1.2), {}, r"frac_exc=1.2 must be a finite number in \[0, 1\]"),
        (EITopology(frac_exc=0.999), {}, "frac_exc=0.999 leaves 400 excitatory of 400 units: a network has both types"),
        (EITopology(in_degree=400), {}, "in_degree=400 must be less than the number of units, 400"),
        (EITopology(in_degree=0), {}, "in_degree=0 must be an integer of at least 1"),
        (EITopology(weight_spread=-1), {}, r"weight_spread=-1 must be a finite number in \[0, inf"),
        (EITopology(balance=1.5), {}, "balance=1.5 must be a finite number in"),
        (EITopology(gain=0), {}, r"gain=0 must be a finite number in \(0, inf"),
        (EITopology(threshold=[1.0]), {}, r"threshold has shape \(1,\)"),
        (EITopology(input_fraction=0), {}, r"input_fraction=0 must be a finite number in \(0, 1\]"),
        (EITopology(), {"n_units": 0}, "n_units=0 must be an integer of at least 1"),
        (EITopology(), {"n_layers": 2}, "n_layers=2 must be 1 with an EITopology"),
        (EITopology(), {"spectral_radius": 0.5}, r"spectral_radius=0.5 has no part with topology=EITopology\(\)"),
        (EITopology(), {"activation": "relu"}, "activation='relu' has no part"),
        (EITopology(), {"connectivity": 20}, "connectivity=20 has no part"),
        (EITopology(), {"bias_scaling": 0.1}, "bias_scaling=0.1 has no part"),
    ],
)
def test_errors(u, topology, parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(u, topology, **parameters)


def test_what_says_the_same_is_allowed(u):
    esn = fitted(u, EITopology(), activation="sigmoid", spectral_radius=None, bias_scaling=0)
    np.testing.assert_array_equal(esn.transform(u), fitted(u, EITopology()).transform(u))
