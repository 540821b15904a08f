"""Balance of excitation and inhibition: rates meet their targets, and the weights obey the equation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from reservoirs import EchoStateNetwork
from reservoirs.adaptation import EIBalance

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
        (EIBalance(method="two_steps"), {}, "method='two_steps' is not one of 'one_step'"),
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
