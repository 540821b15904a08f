"""Balance of excitation and inhibition: rates meet their targets, and the weights obey the equation."""

from __future__ import annotations

import numpy as np
import pytest
from reference import LEVELS, assert_same_bits, simd_level
from scipy import stats
from scipy.special import logit

from reservoirs import EchoStateNetwork
from reservoirs.adaptation import EIBalance
from reservoirs.topology import EITopology

N = 100


@pytest.fixture
def u(rng):
    return rng.uniform(0, 1, (1000, 2))


def connectome(rng, density=0.4):
    """Four excitatory units to an inhibitory one, whose weights are four times as large."""
    signed = np.where(np.arange(N) < 0.8 * N, 1.0, -4.0) * rng.uniform(0.8, 1.2, (N, N))
    return signed * (rng.random((N, N)) < density) * 8 / (0.8 * density * N)


def balanced(u, rule, W, **parameters):
    parameters = {
        "spectral_radius": None,
        "activation": "sigmoid",
        "input_scaling": 0.2,
        "random_state": 0,
    } | parameters
    return EchoStateNetwork(topology=W, adaptation=rule, **parameters).fit(u)


TARGETS = [0.5, 0.6, np.linspace(0.3, 0.7, N), stats.beta(5, 5), stats.beta(2, 2)]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("leak_rate", [1.0, 0.4])
def test_the_weights_obey_the_equation(u, rng, target, leak_rate):
    W = connectome(rng)
    esn = balanced(u, EIBalance(target), W, leak_rate=leak_rate)
    rule, rho = esn.adaptation_, esn.adaptation_.target_rate_
    drive = esn.W_in_ @ u.mean(axis=0) + esn.bias_
    np.testing.assert_allclose(esn.W_ @ rho + drive, logit(rho), atol=1e-9)
    np.testing.assert_array_equal(esn.W_exc_, np.maximum(W, 0))
    np.testing.assert_array_equal(esn.W_inh_ > 0, W < 0)
    factor = esn.W_inh_.sum(axis=1) / np.maximum(-W, 0).sum(axis=1)
    np.testing.assert_allclose(esn.W_inh_, factor[:, None] * np.maximum(-W, 0), rtol=1e-12)
    assert abs(rule.mean_rate_ - rho).mean() < 0.02
    np.testing.assert_allclose(rule.mean_rate_, esn.transform(u).mean(axis=0))
    assert rule.adaptation_curve_[1] == abs(rule.mean_rate_ - rho).mean() < rule.adaptation_curve_[0]
    np.testing.assert_allclose(rule.local_balance_, esn.W_.sum(axis=1) / esn.W_exc_.sum(axis=1).mean())
    assert rule.global_balance_ == rule.local_balance_.mean()


@pytest.mark.parametrize("leak_rate", [0.3, 1.0])
def test_potentials_rest_where_the_equation_says(u, rng, leak_rate):
    W = connectome(rng) * leak_rate
    esn = balanced(u, EIBalance(stats.beta(5, 5)), W, dynamics="voltage", leak_rate=leak_rate, input_scaling=0.05)
    rho = esn.adaptation_.target_rate_
    drive = esn.W_in_ @ u.mean(axis=0) + esn.bias_
    np.testing.assert_allclose(esn.W_ @ rho + drive, leak_rate * logit(rho), atol=1e-9)
    assert esn.adaptation_.adaptation_curve_[-1] < 0.02


@pytest.mark.parametrize(("dtype", "n_steps"), [("float64", 1300), ("float32", 1300), ("float64", 20_000)])
def test_the_online_rule(u, rng, dtype, n_steps):
    W, two = connectome(rng), [u[:300], u[300:]]
    rule = EIBalance(method="online", learning_rate=0.002, n_steps=n_steps)
    esn, plain = balanced(two, rule, W, dtype=dtype), balanced(two, None, W, dtype=dtype)
    fitted = esn.adaptation_
    np.testing.assert_array_equal(esn.W_exc_, plain.W_exc_)
    np.testing.assert_array_equal(esn.W_inh_ != 0, plain.W_inh_ != 0)
    curve = fitted.adaptation_curve_
    if n_steps == 1300:
        # In NumPy. Windows end where so many steps have come together: 300 + 500, 200 + 300.
        A, x, rates, starts = W.copy(), np.zeros(N), [], {0, 300, 1000}
        u, rho = np.concatenate([u, u[:300]]), fitted.target_rate_
        step = 0.002 * np.maximum(W, 0).sum(axis=1).mean()
        for t, row in enumerate(u):
            x = 0 * x if t in starts else x
            x = 1 / (1 + np.exp(-(A @ x + plain.W_in_ @ row + plain.bias_)))
            A = np.where(W < 0, np.minimum(A - step * (x - rho)[:, None], 0), A)
            rates.append(x)
        tolerance = {"atol": 1e-8} if dtype == "float64" else {"atol": 1e-3}
        np.testing.assert_allclose(esn.W_, A, **tolerance)
        windows = [abs(np.mean(rates[a:b], axis=0) - rho).mean() for a, b in ((0, 800), (800, 1300))]
        np.testing.assert_allclose(curve[1:-1], windows, **tolerance)
    else:
        assert curve[-2] < 0.01 < curve[-3]
        assert curve[-1] < 0.02 < curve[0]
    assert curve[-1] == abs(fitted.mean_rate_ - fitted.target_rate_).mean()


def test_one_step_and_online_agree(u, rng):
    W = connectome(rng)
    one, online = (balanced(u, EIBalance(0.5, method=method, n_steps=20_000), W) for method in ("one_step", "online"))
    assert online.adaptation_.adaptation_curve_[-1] < 0.02
    assert abs(online.adaptation_.local_balance_ - one.adaptation_.local_balance_).mean() < 0.02


# A target of 0.95 may be out of reach.
@pytest.mark.filterwarnings("ignore:EIBalance. . of 100 units cannot reach:RuntimeWarning")
def test_targets_come_from_the_seed(u, rng):
    W = connectome(rng)
    first, again = (balanced(u, EIBalance(), W).adaptation_.target_rate_ for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, balanced(u, EIBalance(), W, random_state=1).adaptation_.target_rate_)
    assert abs(first.mean() - 0.5) < 0.05
    wide = balanced(u, EIBalance(stats.beta(1, 1)), W).adaptation_.target_rate_
    assert 0.02 <= wide.min() < 0.1 < 0.9 < wide.max() <= 0.98


def test_targets_are_stratified_among_units_that_inhibit_and_others(u, rng):
    W = connectome(rng)
    rho = balanced(u, EIBalance(stats.beta(2, 2)), W).adaptation_.target_rate_
    beta = stats.beta(2, 2)
    least, most = beta.cdf([0.02, 0.98])
    exc = np.arange(N) < 0.8 * N
    for members in (exc, ~exc):
        shares = (np.sort(beta.cdf(rho[members])) - least) / (most - least) * members.sum()
        np.testing.assert_array_equal(np.floor(shares), np.arange(members.sum()))
    assert abs(np.corrcoef(rho[exc], np.arange(exc.sum()))[0, 1]) < 0.3


@pytest.mark.parametrize("method", ["one_step", "online"])
def test_same_bits_for_any_threads_and_instruction_set(u, method):
    two = [u[:400], u[400:]]

    def run(n_jobs):
        rule = EIBalance(method=method, n_steps=600)
        esn = EchoStateNetwork(N, topology=EITopology(), adaptation=rule, n_jobs=n_jobs, random_state=0).fit(two)
        return esn.W_.data, *esn.transform(two)

    expected = run(1)
    for n_jobs in (2, 4):
        assert_same_bits(list(run(n_jobs)), list(expected))
    for level in LEVELS:
        with simd_level(level):
            assert_same_bits(list(run(1)), list(expected))


def test_unreachable_targets_are_named(u, rng):
    W = connectome(rng)
    W[3] = np.minimum(W[3], 0)  # nothing excites it
    W[5] = np.maximum(W[5], 0)  # nothing inhibits it
    with pytest.warns(RuntimeWarning, match="2 of 100 units cannot reach their target rates, unit 3 the first"):
        esn = balanced(u, EIBalance(0.9), W, bias_scaling=0)
    assert esn.W_inh_[3].max() == 0
    np.testing.assert_array_equal(esn.W_[5], W[5])


def test_a_fixed_point_that_is_not_stable_is_named(u, rng):
    with pytest.warns(RuntimeWarning, match=r"mean rates miss their targets by 0\.\d+ on average"):
        esn = balanced(u, EIBalance(0.2), 3 * connectome(rng), bias_scaling=0)
    assert np.isfinite(esn.transform(u)).all()


@pytest.mark.parametrize(
    ("rule", "parameters", "message"),
    [
        (EIBalance(0.0), {}, r"target_rate=0.0 must be a finite number in \[0.02, 0.98\]"),
        (EIBalance([0.5, 0.4]), {}, r"target_rate has shape \(2,\) .* expected numbers of shape \(100,\)"),
        (EIBalance("beta"), {}, "target_rate='beta' must be a number, an array"),
        (EIBalance(method="two_steps"), {}, "method='two_steps' is not one of 'one_step', 'online'"),
        (EIBalance(method="online", learning_rate=0), {}, r"learning_rate=0 must be a finite number in \(0, inf"),
        (EIBalance(method="online", n_steps=0), {}, "n_steps=0 must be an integer of at least 1"),
        (EIBalance(method="online", tol=-1), {}, "tol=-1 must be a finite number in"),
        (EIBalance(), {"dynamics": "es2n"}, r"method='one_step' needs dynamics 'leaky' or 'voltage', not ES2N\(\)"),
        (
            EIBalance(),
            {"activation": "tanh"},
            "EIBalance needs rates between 0 and 1: activation='sigmoid', not 'tanh'",
        ),
        (EIBalance(), {"topology": np.eye(N)}, "EIBalance changes negative weights, and the network has none"),
    ],
)
def test_errors(u, rng, rule, parameters, message):
    W = parameters.pop("topology", connectome(rng))
    with pytest.raises(ValueError, match=message):
        balanced(u, rule, W, **parameters)
