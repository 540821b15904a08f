"""Plasticity in the compiled loop against a dense twin that visits every synapse at every step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import fma

from reservoirs import _core

RULE = {"a_plus": 0.15, "trace_step": 0.1, "trace_decay": 0.904774, "w_max": 3.0, "fade": 0.99}


def twin(net, rule, spikes_in, n_steps, traces=None):
    """Equations of StdpRule, one synapse matrix at a time; returns spikes, weights and the depression of each step."""
    T = net["dtype"]
    W, W_in = net["W"].copy(), net["W_in"].copy()  # [post, pre]
    has, has_in = net.get("synapses", (W != 0, W_in != 0))
    n, p = W_in.shape
    exc = net["excitatory"]
    v, blocked, g = np.zeros(n, T), np.zeros(n), np.zeros(n, T)
    x, x_in = (np.zeros(n, T), np.zeros(p, T)) if traces is None else traces
    last, last_in = np.full(n, -1), np.full(p, -1)
    value = {k: T(rule[k]) for k in rule if np.isscalar(rule[k])}
    plus, minus = value["a_plus"], value["a_minus"]
    units, inputs, bias = value["astro_units"], value["astro_inputs"], value["astro_bias"]
    low = np.where(exc, T(0), -value["w_max"])[None, :]
    high = np.where(exc, value["w_max"], T(0))[None, :]
    fired, depression = [], []
    for t in range(n_steps):
        depression.append(minus)
        s = (v >= 1) & (blocked <= 0)
        v = np.where(s, T(0), v)
        blocked = np.where(s, 2, np.maximum(blocked - 1, 0))
        arrived = np.zeros(n, T)
        for j in np.flatnonzero(s):
            arrived = np.where(has[:, j], arrived + renewal(net, t, last[j]) * W[:, j], arrived)
        s_in = np.zeros(p, bool)
        for c in spikes_in[t]:
            s_in[c] = True
            arrived = np.where(has_in[:, c], arrived + renewal(net, t, last_in[c]) * W_in[:, c], arrived)
        g = g + arrived
        v = fma(T(0.9), v, fma(T(1), g, T(0)))
        g = g * T(net["decay"])
        S, S_in = s.astype(T), s_in.astype(T)
        # Excitatory: potentiation by traces of the source; inhibitory: the two rates change places.
        causal, acausal = np.outer(S, x), np.outer(x, S)
        causal_in, acausal_in = np.outer(S, x_in), np.outer(x, S_in)
        grown = np.where(exc[None, :], plus * causal - minus * acausal, plus * acausal - minus * causal)
        W = np.where(has, np.clip(W + grown, low, high), 0).astype(T)
        grown = plus * causal_in - minus * acausal_in
        W_in = np.where(has_in, np.clip(W_in + grown, -value["w_max"], value["w_max"]), 0).astype(T)
        x, x_in = (
            (x + value["trace_step"] * S) * value["trace_decay"],
            (x_in + value["trace_step"] * S_in) * value["trace_decay"],
        )
        sensed = np.count_nonzero(s & rule.get("senses_units", np.ones(n, bool)))
        sensed_in = np.count_nonzero(s_in & rule.get("senses_inputs", np.ones(p, bool)))
        drive = units * T(sensed) - inputs * T(sensed_in) + bias
        minus = minus + value["astro_rate"] * (drive - minus)
        plus, minus, units, inputs, bias = (each * value["fade"] for each in (plus, minus, units, inputs, bias))
        last[s], last_in[s_in] = t, t
        fired += [(t, i) for i in np.flatnonzero(s)]
    return fired, W, W_in, np.array(depression), (x, x_in)


def renewal(net, t, last):
    if last < 0 or not net["nearest"]:
        return net["dtype"](1)
    left = 1.0
    for _ in range(t - last):
        left *= float(net["dtype"](net["decay"]))
    return net["dtype"](1 - left) if left > 2.0**-60 else net["dtype"](1)


def network(rng, n, p, dtype, *, nearest=True, scale=1.0):
    dtype = np.dtype(dtype).type
    excitatory = np.arange(n) < max(1, round(0.8 * n))
    size = rng.uniform(0.1, 1.0, (n, n)) * scale * (rng.random((n, n)) < 0.4)
    np.fill_diagonal(size, 0)
    W = (size * np.where(excitatory, 1, -1)).astype(dtype)
    W_in = (rng.uniform(-0.3, 1.0, (n, p)) * scale * (rng.random((n, p)) < 0.5)).astype(dtype)
    return {"W": W, "W_in": W_in, "excitatory": excitatory, "dtype": dtype, "decay": 0.4, "nearest": nearest}


def liquid(net):
    T, n = net["dtype"], len(net["W"])
    arrays = {}
    for prefix, matrix in (("", net["W"]), ("input_", net["W_in"])):
        source, target = np.nonzero(matrix.T)
        arrays[f"{prefix}start"] = np.concatenate([[0], np.bincount(source, minlength=matrix.shape[1]).cumsum()])
        arrays[f"{prefix}targets"] = target.astype(np.int32)
        arrays[f"{prefix}weights"] = np.ascontiguousarray(matrix[target, source])
    rows = [0.9, 1, 0, 1, 0, 2, -np.inf, 0, 0]
    build = _core.Liquid32 if np.float32 == T else _core.Liquid64
    return build(
        neuron="lif",
        parameters=np.tile(np.array(rows, T)[:, None], n),
        v_init=np.zeros(n, T),
        synapse="exponential",
        decay=np.full((1, n), net["decay"], T),
        nearest=net["nearest"],
        **arrays,
    )


def batch(net, rule, n_slots=1, **options):
    T, n = net["dtype"], len(net["W"])
    make = (_core.LiquidBatch32, _core.StdpRule32) if np.float32 == T else (_core.LiquidBatch64, _core.StdpRule64)
    learning = make[1](**{k: v if np.isscalar(v) else v.tolist() for k, v in rule.items()})
    return make[0](
        liquid(net),
        n_slots,
        recorded=list(range(n)),
        rules=[learning],
        excitatory=net["excitatory"].tolist(),
        **options,
    )


def show(slots, spikes_in, n_steps, *, stretch=None, n_threads=1):
    """Begin a presentation in each slot and run it to its end."""
    lists = [[(t, c) for t, now in enumerate(of_slot) for c in now] for of_slot in spikes_in]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
    flat = np.array([pair for each in lists for pair in each], dtype=np.int32).reshape(-1, 2)
    slots.begin_events(
        [n_steps] * len(lists), offsets, np.ascontiguousarray(flat[:, 0]), np.ascontiguousarray(flat[:, 1])
    )
    for _ in range(0, n_steps, stretch or n_steps):
        slots.advance(stretch or n_steps, n_threads=n_threads)


def random_spikes(rng, p, n_steps, rate):
    return [np.flatnonzero(rng.random(p) < rate).tolist() for _ in range(n_steps)]


def matrices(net, recurrent, of_input):
    W, W_in = np.zeros_like(net["W"]), np.zeros_like(net["W_in"])
    for matrix, original, values in ((W, net["W"], recurrent), (W_in, net["W_in"], of_input)):
        source, target = np.nonzero(original.T)
        matrix[target, source] = values
    return W, W_in


def learned(slots, slot=0):
    recurrent, of_input, _, (record,) = slots.learned(slot)
    return recurrent, of_input, record["depression"]


def assert_equals_twin(net, rule, spikes_in, n_steps):
    fired, W, W_in, depression, _ = twin(net, rule, spikes_in, n_steps)
    slots = batch(net, rule)
    show(slots, [spikes_in], n_steps)
    _, steps, units = slots.spikes()
    assert list(zip(steps.tolist(), units.tolist(), strict=True)) == fired
    recurrent, of_input, rates = learned(slots)
    ours = matrices(net, recurrent, of_input)
    np.testing.assert_array_equal(ours[0], W)
    np.testing.assert_array_equal(ours[1], W_in)
    np.testing.assert_array_equal(rates, depression)
    return fired


ASTROCYTE = {**RULE, "a_minus": 0.15, "astro_rate": 0.01, "astro_units": 0.05, "astro_inputs": 0.05, "astro_bias": 0.15}
PLAIN = {**RULE, "a_minus": 0.15, "astro_rate": 0.0, "astro_units": 0.0, "astro_inputs": 0.0, "astro_bias": 0.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [ASTROCYTE, PLAIN, {**PLAIN, "fade": 1.0}], ids=["astrocyte", "stdp", "no fade"])
@pytest.mark.parametrize("nearest", [True, False])
def test_every_step_equals_the_twin(rng, dtype, rule, nearest):
    net = network(rng, 40, 12, dtype, nearest=nearest)
    fired = assert_equals_twin(net, rule, random_spikes(rng, 12, 200, 0.2), 200)
    assert len(fired) > 400


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([1, 2, 15, 17, 33]),
    dtype=st.sampled_from(["float32", "float64"]),
    rate=st.sampled_from([0.01, 0.2, 0.6]),
    astro=st.sampled_from([-2.0, 0.0, 0.05, 2.0]),
)
def test_any_network_equals_the_twin(seed, n, dtype, rate, astro):
    # Drives of +-2 take the depression far out of range, below zero and above any sense.
    rng = np.random.default_rng(seed)
    net = network(rng, n, 5, dtype, scale=2.0)
    rule = {**ASTROCYTE, "astro_units": astro, "astro_inputs": astro, "fade": 1.0}
    assert_equals_twin(net, rule, random_spikes(rng, 5, 60, rate), 60)


def test_sparse_sensing(rng):
    net = network(rng, 20, 6, "float64")
    rule = {**ASTROCYTE, "senses_units": rng.random(20) < 0.5, "senses_inputs": rng.random(6) < 0.5}
    assert_equals_twin(net, rule, random_spikes(rng, 6, 100, 0.3), 100)


def test_presentations_do_not_touch_one_another(rng):
    net = network(rng, 40, 12, "float32")
    spikes_in = [random_spikes(rng, 12, 120, rate) for rate in (0.1, 0.3, 0.05, 0.2, 0.0)]
    alone = []
    for each in spikes_in:
        slots = batch(net, ASTROCYTE)
        show(slots, [random_spikes(rng, 12, 120, 0.5)], 120)  # what was before is forgotten
        show(slots, [each], 120)
        alone.append(learned(slots))
    slots = batch(net, ASTROCYTE, n_slots=5)
    show(slots, spikes_in, 120, stretch=7, n_threads=3)
    for s, expected in enumerate(alone):
        for ours, one in zip(learned(slots, s), expected, strict=True):
            np.testing.assert_array_equal(ours, one)


def test_kept_weights_and_traces_go_on_from_one_presentation_to_the_next(rng):
    net = network(rng, 30, 8, "float64", scale=0.5)
    net["synapses"] = net["W"] != 0, net["W_in"] != 0  # a weight may become zero
    slots, traces = batch(net, ASTROCYTE, keep_learned=True), None
    original = net
    for _ in range(3):
        spikes_in = random_spikes(rng, 8, 40, 0.3)
        fired, W, W_in, depression, traces = twin(net, ASTROCYTE, spikes_in, 40, traces)
        show(slots, [spikes_in], 40)
        _, steps, units = slots.spikes()
        assert list(zip(steps.tolist(), units.tolist(), strict=True)) == fired
        net = {**net, "W": W, "W_in": W_in}
    recurrent, of_input, rates = learned(slots)
    for ours, one in zip(matrices(original, recurrent, of_input), (W, W_in), strict=True):
        np.testing.assert_array_equal(ours, one)
    np.testing.assert_array_equal(rates, depression)


def test_weights_keep_their_signs_and_bounds(rng):
    net = network(rng, 40, 12, "float32", scale=3.0)
    slots = batch(net, {**PLAIN, "a_plus": 5.0, "a_minus": 4.0, "fade": 1.0})
    show(slots, [random_spikes(rng, 12, 300, 0.5)], 300)
    W, W_in = matrices(net, *learned(slots)[:2])
    excitatory = net["excitatory"]
    assert (W[:, excitatory] >= 0).all()
    assert (W[:, ~excitatory] <= 0).all()
    assert abs(W).max() == 3
    assert abs(W_in).max() == 3


def test_a_batch_that_does_not_learn_says_so(rng):
    slots = _core.LiquidBatch64(liquid(network(rng, 10, 3, "float64")), 1)
    show(slots, [[[]]], 1)
    with pytest.raises(ValueError, match="does not learn"):
        slots.learned(0)
