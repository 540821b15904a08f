"""Inhibitory weights that learn in the compiled loop, against a dense NumPy twin, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LEVELS, Net, assert_same_bits, simd_level
from scipy.linalg import block_diag

from reservoirs import _core
from reservoirs.esn._narrow import rounded
from reservoirs.topology import blocked_weights

LEAST = 1e-30


def draw(seed, stages, dtype, *, potentials=False, activation="sigmoid", mixing=False, strips=False, weight_dtype=None):
    rng = np.random.default_rng(seed)
    n = sum(stages)
    leak = rng.uniform(0.2, 1, n).astype(dtype)
    signs = np.where(rng.random(n) < 0.7, 1, -3)
    links = rng.random((n, n)) < 0.3
    if strips:
        # The core keeps the weights of such blocks in another order.
        links = block_diag(*(blocked_weights(size, -(-size // 16), rng).toarray() != 0 for size in stages))
    W = rounded(signs * rng.uniform(0.1, 1, (n, n)) * links, weight_dtype).astype(dtype)
    for i, size in enumerate(stages):
        W[: sum(stages[:i]), sum(stages[:i]) : sum(stages[:i]) + size] = 0
    return Net(
        stages,
        W,
        rng.uniform(-1, 1, (stages[0], 2)).astype(dtype),
        rng.uniform(-1, 1, n).astype(dtype),
        leak,
        (1 - leak).astype(dtype),
        activation,
        np.roll(np.eye(n, dtype=dtype), 1, axis=0) if mixing else None,
        potentials,
    )


def learned(net, targets, rate, inputs):
    """Return the weights and the mean of what is shown, step by step in NumPy."""
    W, dtype = net.W.copy(), net.W.dtype
    net = Net(**{**vars(net), "W": W})
    inhibitory = W < 0
    x, total = np.zeros((1, len(W)), dtype), np.zeros(len(W), dtype)
    for u in inputs:
        x = net.step(x, u[None])
        shown = net.shown(x)[0]
        change = dtype.type(rate) * (targets - shown)
        W[:] = np.where(inhibitory, np.minimum(W + change[:, None], dtype.type(-LEAST)), W)
        total += shown
    W[dtype.type(-LEAST) == W] = 0
    return W, total / dtype.type(len(inputs))


def learner_of(net, targets, rate):
    learner = _core.InhibitionLearner32 if net.W.dtype == np.float32 else _core.InhibitionLearner64
    return learner(net.compiled(dense=False), targets, rate)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_level_gives_the_bits_of_numpy(level, dtype, data):
    stages = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=2))
    seed = data.draw(st.integers(0, 1000))
    potentials = data.draw(st.booleans())
    mixing = data.draw(st.booleans()) and not potentials
    weight_dtype = data.draw(st.sampled_from([None, "bfloat16", "int8"]))
    strips = data.draw(st.booleans())
    net = draw(seed, stages, dtype, potentials=potentials, mixing=mixing, strips=strips, weight_dtype=weight_dtype)
    rng = np.random.default_rng(seed)
    targets, inputs = rng.uniform(0, 1, sum(stages)).astype(dtype), rng.uniform(0, 1, (30, 2)).astype(dtype)
    with simd_level(level):
        learner = learner_of(net, targets, 0.1)
        mean = learner.run(inputs)
        W, expected = learned(net, targets, 0.1, inputs)
    assert_same_bits(learner.weights, W[net.W != 0])
    assert_same_bits(mean, expected)


def test_it_goes_on_or_begins_anew():
    net, rng = draw(0, [30], "float64"), np.random.default_rng(0)
    targets, inputs = rng.uniform(0, 1, 30), rng.uniform(0, 1, (40, 2))
    whole, parts = learner_of(net, targets, 0.01), learner_of(net, targets, 0.01)
    mean = whole.run(inputs)
    means = [parts.run(rows) for rows in (inputs[:10], inputs[10:])]
    assert_same_bits(parts.weights, whole.weights)
    np.testing.assert_allclose((means[0] + 3 * means[1]) / 4, mean)
    anew = learner_of(net, targets, 0.0)
    first = anew.run(inputs)
    assert not np.array_equal(anew.run(inputs), first)
    anew.reset()
    assert_same_bits(anew.run(inputs), first)
    assert_same_bits(anew.weights, net.W[net.W != 0])


def test_the_network_it_was_made_from_stays_as_it_is():
    net, rng = draw(0, [20], "float64"), np.random.default_rng(0)
    compiled, inputs = net.compiled(dense=False), rng.uniform(0, 1, (30, 2))

    def states():
        out = np.empty((30, 20))
        compiled.harvest(inputs, np.array([[0, 30, 0, 0]]), np.zeros((1, 20)), out)
        return out

    before = states()
    _core.InhibitionLearner64(compiled, np.full(20, 0.5), 0.1).run(inputs)
    assert_same_bits(states(), before)


def test_wrong_arrays():
    net = draw(0, [20], "float64")
    with pytest.raises(ValueError, match=r"targets must have shape \(20\)"):
        learner_of(net, np.zeros(19), 0.1)
    with pytest.raises(ValueError, match="the recurrent weights must be sparse"):
        _core.InhibitionLearner64(net.compiled(dense=True), np.zeros(20), 0.1)
    learner = learner_of(net, np.zeros(20), 0.1)
    with pytest.raises(ValueError, match=r"inputs must have shape \(5, 2\)"):
        learner.run(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least one row"):
        learner.run(np.zeros((0, 2)))
