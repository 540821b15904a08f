"""Lists of rules in the compiled loop against dense twins that compute every synapse at every step, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import fma
from test_stdp_core import ASTROCYTE, PLAIN, liquid, matrices, network, random_spikes, renewal, show

from reservoirs import _core
from reservoirs.lsm import LiRinzel

ALL = [[True, True]] * 3
FROM_EXCITATORY = [[True, True], [False, False], [True, True]]


class World:
    """What rules change, as matrices [post, pre]; and the step's spikes."""

    def __init__(self, net):
        self.net, self.T = net, net["dtype"]
        self.exc = net["excitatory"]
        self.n, self.p = net["W_in"].shape
        self.weights = {"unit": net["W"].copy(), "input": net["W_in"].copy()}
        self.has = {"unit": net["W"] != 0, "input": net["W_in"] != 0}
        self.raised, self.current = np.zeros((2, self.n), self.T)

    def sources(self, name):
        return self.s if name == "unit" else self.s_in

    def number(self, rule, name, default=0.0):
        return self.T(rule.get(name, default))

    def limits(self, name, w_max):
        n = self.n if name == "unit" else self.p
        exc = self.exc if name == "unit" else np.ones(n, bool)
        low = np.full(n, -w_max) if name == "input" else np.where(exc, self.T(0), -w_max)
        return low[None, :], np.where(exc, w_max, self.T(0))[None, :]

    def chosen(self, name, blocks):
        onto = np.array(blocks)
        rows = onto[2:] if name == "input" else onto[np.where(self.exc, 0, 1)]
        table = np.where(self.exc[:, None], np.broadcast_to(rows[:, 0], (self.n, len(rows))), rows[:, 1])
        return self.has[name] & table

    def change(self, name, blocks, w_max, by):
        """Apply changes, at synapses whose source or target has spiked."""
        low, high = self.limits(name, w_max)
        W = self.weights[name]
        which = self.chosen(name, blocks) & (self.s[:, None] | self.sources(name)[None, :])
        self.weights[name] = np.where(which, np.clip(W + by, low, high), W).astype(self.T)


class Trace:
    def __init__(self, world, n, decay, step=1.0, nearest=False):
        self.x, self.decay, self.step, self.nearest = np.zeros(n, world.T), world.T(decay), world.T(step), nearest

    def move(self, s):
        self.x = np.where(s, self.step if self.nearest else self.x + self.step, self.x) * self.decay


class Pair:
    def __init__(self, world, rule):
        step, decay, nearest = rule["trace_step"], rule["trace_decay"], rule.get("nearest", False)
        self.traces = {
            "unit": Trace(world, world.n, decay, step, nearest),
            "input": Trace(world, world.p, decay, step, nearest),
        }
        self.rule, self.calcium = rule, np.zeros(world.n, world.T)
        self.region = np.array(rule.get("region", [0] * world.n))
        self.share = np.array(rule.get("share", [1.0]), world.T)
        self.plus = world.number(rule, "a_plus")
        self.minus = np.full(len(self.share), world.number(rule, "a_minus"))
        self.drives = [world.number(rule, f"astro_{name}") for name in ("units", "inputs", "bias")]
        self.per_calcium = world.number(rule, "per_calcium")
        self.n_spikes = [[] for _ in self.share]

    def step(self, world):
        rule, T = self.rule, world.T
        minus, x_i = self.minus[self.region], self.traces["unit"].x
        for name in ("unit", "input"):
            exc = world.exc if name == "unit" else np.ones(world.p, bool)
            low, high = world.limits(name, world.number(rule, "w_max"))
            gain = np.where(exc[None, :], self.plus, -minus[:, None]) * world.s[:, None]
            loss = np.where(exc[None, :], minus[:, None], -self.plus) * x_i[:, None]
            causal, acausal = gain * self.traces[name].x[None, :], loss * world.sources(name)[None, :]
            if rule.get("multiplicative"):
                W = world.weights[name]
                above, below = (high - W) / (high - low), (W - low) / (high - low)
                causal = causal * np.where(exc[None, :], above, below)
                acausal = acausal * np.where(exc[None, :], below, above)
            change = causal - acausal
            if rule.get("gated"):
                c = (self.calcium - world.number(rule, "calcium_threshold"))[:, None]
                width = world.number(rule, "calcium_width")
                change = np.where(np.where(change > 0, (c > 0) & (c < width), (c < 0) & (c > -width)), change, T(0))
            world.change(name, rule.get("blocks", ALL), world.number(rule, "w_max"), change)
        self.calcium = self.calcium - world.number(rule, "calcium_rate") * self.calcium + world.s.astype(T)
        self.traces["unit"].move(world.s)
        self.traces["input"].move(world.s_in)
        self.move_astrocyte(world)

    def move_astrocyte(self, world):
        rule, fade = self.rule, world.number(self.rule, "fade", 1.0)
        units, inputs, bias = self.drives
        for r, share in enumerate(self.share):
            n = np.count_nonzero(world.s & (self.region == r))
            self.n_spikes[r].append(rule.get("cell_gain", 1.0) * n)
            n_in = world.T(np.count_nonzero(world.s_in))
            if "cell" in rule:
                calcium = rule["cell"].run(np.array(self.n_spikes[r], float), rule["cell_milliseconds"])[-1, 1]
                self.minus[r] = fade * (bias + self.per_calcium * world.T(calcium - rule["cell_rest"]))
            else:
                drive = units * world.T(n) - inputs * (n_in if len(self.share) == 1 else share * n_in) + bias
                self.minus[r] = (self.minus[r] + world.number(rule, "astro_rate") * (drive - self.minus[r])) * fade
        self.plus, self.per_calcium = self.plus * fade, self.per_calcium * fade
        self.drives = [drive * fade for drive in self.drives]


class Triplet:
    def __init__(self, world, rule):
        def trace(name, n):
            return Trace(world, n, rule[f"decay_{name}"], nearest=rule.get("nearest", False))

        self.rule, self.scale = rule, world.T(1)
        self.r1 = {"unit": trace("plus", world.n), "input": trace("plus", world.p)}
        self.r2 = {"unit": trace("x", world.n), "input": trace("x", world.p)}
        self.o1, self.o2 = trace("minus", world.n), trace("y", world.n)

    def step(self, world):
        a2p, a3p, a2m, a3m = (world.number(self.rule, name) for name in ("a2_plus", "a3_plus", "a2_minus", "a3_minus"))
        for name in ("unit", "input"):
            up = self.r1[name].x[None, :] * (a2p + a3p * self.o2.x)[:, None] * world.s[:, None]
            down = self.o1.x[:, None] * (a2m + a3m * self.r2[name].x)[None, :] * world.sources(name)[None, :]
            world.change(name, self.rule["blocks"], world.number(self.rule, "w_max"), self.scale * (up - down))
        for trace in (self.o1, self.o2, self.r1["unit"], self.r2["unit"]):
            trace.move(world.s)
        for trace in (self.r1["input"], self.r2["input"]):
            trace.move(world.s_in)
        self.scale *= world.number(self.rule, "fade", 1.0)


class Inhibitory:
    def __init__(self, world, rule):
        self.rule, self.trace, self.rate = (
            rule,
            Trace(world, world.n, rule["trace_decay"]),
            world.T(rule["learning_rate"]),
        )

    def step(self, world):
        alpha = np.array(self.rule["alpha"], world.T)
        change = (self.trace.x - alpha)[:, None] * world.s[None, :] + self.trace.x[None, :] * world.s[:, None]
        world.change("unit", self.rule["blocks"], world.number(self.rule, "w_max"), -(self.rate * change))
        self.trace.move(world.s)
        self.rate *= world.number(self.rule, "fade", 1.0)


class Threshold:
    def __init__(self, world, rule):
        self.rule, self.rate = rule, world.T(rule["learning_rate"])

    def step(self, world):
        most = world.number(self.rule, "most")
        moved = self.rate * (world.s.astype(world.T) - np.array(self.rule["target"], world.T))
        world.raised = np.clip(world.raised + moved, -most, most)
        self.rate *= world.number(self.rule, "fade", 1.0)


class Scaling:
    def __init__(self, world, rule):
        self.rule, self.clock, self.target = rule, 0, np.array(rule["target"], world.T)
        self.rate, self.learning_rate = self.target, world.T(rule["learning_rate"])

    def step(self, world):
        decay = world.number(self.rule, "rate_decay")
        self.rate = decay * self.rate + (world.T(1) - decay) * world.s.astype(world.T)
        self.clock += 1
        if self.clock % self.rule["interval"] == 0:
            factor = np.maximum(world.T(1) + self.learning_rate * (self.target - self.rate), world.T(0))
            for name, W in world.weights.items():
                low, high = world.limits(name, world.number(self.rule, "w_max"))
                scaled = np.clip(W * factor[:, None], low, high)
                world.weights[name] = np.where(world.chosen(name, self.rule["blocks"]), scaled, W)
        self.learning_rate *= world.number(self.rule, "fade", 1.0)


class SlowCurrent:
    def __init__(self, world, rule):
        self.rule, self.region = rule, np.array(rule.get("region", [0] * world.n))
        self.n_spikes = [[] for _ in range(rule.get("n_regions", 1))]

    def step(self, world):
        for r, history in enumerate(self.n_spikes):
            history.append(float(np.count_nonzero(world.s & (self.region == r))))
            calcium = self.rule["cell"].run(np.array(history), self.rule["cell_milliseconds"])[-1, 1]
            y = 1000 * (calcium - self.rule["threshold"])
            current = world.T(_core.log(np.array([y]))[0] if y > 1 else 0.0)
            scale = np.array(self.rule["scale"], world.T)
            world.current = world.current + np.where(self.region == r, scale * current, world.T(0))


class SlowUnits:
    def __init__(self, world, rule):
        self.rule = rule
        self.y, self.z = np.zeros((2, len(rule["driven_start"]) - 1), world.T)

    def step(self, world):
        rule, rise, decay = self.rule, world.number(self.rule, "rise"), world.number(self.rule, "decay")
        n = np.zeros(len(self.y), world.T)
        for i in np.flatnonzero(world.s):
            np.add.at(n, rule["sensed_by"][rule["sensed_start"][i] : rule["sensed_start"][i + 1]], world.T(1))
        self.y = rise * self.y + (world.T(1) - rise) * n
        self.z = decay * self.z + (world.T(1) - decay) * self.y
        weights = np.array(rule["weights"], world.T)
        for m, z in enumerate(self.z):
            for k in range(rule["driven_start"][m], rule["driven_start"][m + 1]):
                world.current[rule["driven"][k]] += weights[k] * z


TWINS = {
    "StdpRule": Pair,
    "TripletRule": Triplet,
    "InhibitoryRule": Inhibitory,
    "ThresholdRule": Threshold,
    "ScalingRule": Scaling,
    "SlowCurrentRule": SlowCurrent,
    "SlowUnitsRule": SlowUnits,
}


def twin(net, rules, spikes_in, n_steps):
    world, T = World(net), net["dtype"]
    twins = [TWINS[name](world, rule) for name, rule in rules]
    v, blocked, g = np.zeros(world.n, T), np.zeros(world.n), np.zeros(world.n, T)
    last, last_in = np.full(world.n, -1), np.full(world.p, -1)
    fired = []
    for t in range(n_steps):
        s = (v >= T(1) + world.raised) & (blocked <= 0)
        v = np.where(s, T(0), v)
        blocked = np.where(s, 2, np.maximum(blocked - 1, 0))
        s_in = np.isin(np.arange(world.p), spikes_in[t])
        arrived = np.zeros(world.n, T)
        for name, spiked, before in (("unit", s, last), ("input", s_in, last_in)):
            sources = spikes_in[t] if name == "input" else np.flatnonzero(spiked)
            for j in sources:
                sent = arrived + renewal(net, t, before[j]) * world.weights[name][:, j]
                arrived = np.where(world.has[name][:, j], sent, arrived)
        g = g + arrived
        v = fma(T(0.9), v, fma(T(1), world.current + g, T(0)))
        g = g * T(net["decay"])
        world.s, world.s_in, world.current = s, s_in, np.zeros(world.n, T)
        for each in twins:
            each.step(world)
        last[s], last_in[s_in] = t, t
        fired += [(t, i) for i in np.flatnonzero(s)]
    return fired, world


def batch(net, rules, n_slots=1, **options):
    bits = 32 if net["dtype"] == np.float32 else 64
    compiled = [getattr(_core, f"{name}{bits}")(**rule) for name, rule in rules]
    make = getattr(_core, f"LiquidBatch{bits}")
    n = len(net["W"])
    return make(
        liquid(net), n_slots, recorded=list(range(n)), rules=compiled, excitatory=net["excitatory"].tolist(), **options
    )


def assert_equals_twin(net, rules, spikes_in, n_steps):
    expected, world = twin(net, rules, spikes_in, n_steps)
    slots = batch(net, rules)
    show(slots, [spikes_in], n_steps)
    _, steps, units = slots.spikes()
    assert list(zip(steps.tolist(), units.tolist(), strict=True)) == expected
    recurrent, of_input, raised, _ = slots.learned(0)
    ours = matrices(net, recurrent, of_input)
    np.testing.assert_array_equal(ours[0], world.weights["unit"])
    np.testing.assert_array_equal(ours[1], world.weights["input"])
    if len(raised):
        np.testing.assert_array_equal(raised, world.raised)
    return expected


def a_rule(name, rng, n):
    """Return a rule with some of its options."""
    cell = LiRinzel(weight=0.02).compile()
    region = rng.integers(0, 2, n).tolist()
    target = rng.uniform(0.0, 0.2, n).tolist()
    triplet = {"a2_plus": 0.01, "a3_plus": 0.05, "a2_minus": 0.02, "a3_minus": 0.03, "w_max": 3.0, "fade": 0.99}
    triplet |= {"decay_plus": 0.9, "decay_minus": 0.95, "decay_x": 0.98, "decay_y": 0.99, "blocks": FROM_EXCITATORY}
    start = np.sort(rng.integers(0, 3 * n, n - 1)).tolist()
    return {
        "pairs": ("StdpRule", PLAIN),
        "astrocyte": ("StdpRule", ASTROCYTE),
        "regions": ("StdpRule", {**ASTROCYTE, "region": region, "share": [0.25, 0.75]}),
        "cells": (
            "StdpRule",
            {**ASTROCYTE, "cell": cell, "cell_milliseconds": 300.0, "cell_rest": 0.073, "per_calcium": 0.8},
        ),
        "nearest": ("StdpRule", {**ASTROCYTE, "nearest": True}),
        "multiplicative": ("StdpRule", {**ASTROCYTE, "multiplicative": True}),
        "some blocks": ("StdpRule", {**ASTROCYTE, "blocks": [[True, False], [False, True], [True, True]]}),
        "whole blocks": ("StdpRule", {**ASTROCYTE, "blocks": FROM_EXCITATORY}),
        "gated": (
            "StdpRule",
            {**PLAIN, "gated": True, "calcium_rate": 0.02, "calcium_threshold": 4.0, "calcium_width": 2.5},
        ),
        "triplets": ("TripletRule", triplet),
        "nearest triplets": ("TripletRule", {**triplet, "nearest": True}),
        "inhibition": (
            "InhibitoryRule",
            {
                "learning_rate": 0.05,
                "trace_decay": 0.95,
                "w_max": 2.0,
                "alpha": rng.uniform(0, 3, n).tolist(),
                "blocks": [[False, False], [True, bool(rng.random() < 0.5)], [False, False]],
            },
        ),
        "thresholds": ("ThresholdRule", {"learning_rate": 0.05, "most": 0.4, "fade": 0.99, "target": target}),
        "scaling": (
            "ScalingRule",
            {
                "learning_rate": 0.5,
                "rate_decay": 0.9,
                "w_max": 2.5,
                "interval": 7,
                "target": target,
                "blocks": [[True, True], [False, True], [True, True]],
            },
        ),
        "current": (
            "SlowCurrentRule",
            {
                "cell": cell,
                "cell_milliseconds": 500.0,
                "cell_gain": 1.0,
                "threshold": 0.1,
                "scale": rng.uniform(-0.01, 0.05, n).tolist(),
                "region": region,
                "n_regions": 2,
            },
        ),
        "slow units": (
            "SlowUnitsRule",
            {
                "rise": 0.9,
                "decay": 0.97,
                "sensed_start": [0, *start, 3 * n],
                "sensed_by": rng.integers(0, n, 3 * n).tolist(),
                "driven_start": (np.arange(n + 1) * 2).tolist(),
                "driven": rng.integers(0, n, 2 * n).tolist(),
                "weights": rng.normal(0, 0.3, 2 * n).tolist(),
            },
        ),
    }[name]


NAMES = (
    "pairs",
    "astrocyte",
    "regions",
    "cells",
    "nearest",
    "multiplicative",
    "some blocks",
    "whole blocks",
    "gated",
    "triplets",
    "nearest triplets",
    "inhibition",
    "thresholds",
    "scaling",
    "current",
    "slow units",
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_every_step_of_every_rule_equals_its_twin(rng, dtype, name):
    net = network(rng, 24, 8, dtype, nearest=name != "pairs")
    fired = assert_equals_twin(net, [a_rule(name, rng, 24)], random_spikes(rng, 8, 100, 0.25), 100)
    assert len(fired) > 100


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=4),
    dtype=st.sampled_from(["float32", "float64"]),
    n=st.sampled_from([2, 17, 30]),
)
def test_lists_of_rules_equal_their_twins(seed, names, dtype, n):
    rng = np.random.default_rng(seed)
    net = network(rng, n, 5, dtype, scale=1.5)
    assert_equals_twin(net, [a_rule(name, rng, n) for name in names], random_spikes(rng, 5, 40, 0.3), 40)


def test_the_order_of_rules_matters(rng):
    net = network(rng, 24, 8, "float64")
    rules = [a_rule("triplets", rng, 24), a_rule("scaling", rng, 24)]
    spikes_in = random_spikes(rng, 8, 60, 0.3)
    one, other = (twin(net, some, spikes_in, 60)[1].weights["unit"] for some in (rules, rules[::-1]))
    assert (one != other).any()


@pytest.mark.parametrize("name", NAMES)
def test_presentations_threads_and_stretches_change_nothing(rng, name):
    net = network(rng, 24, 8, "float32")
    rules = [a_rule(name, rng, 24), a_rule("thresholds", rng, 24)]
    spikes_in = [random_spikes(rng, 8, 60, rate) for rate in (0.1, 0.3, 0.05)]
    together = batch(net, rules, n_slots=3)
    show(together, [random_spikes(rng, 8, 60, 0.5)] * 3, 60)  # what was before is forgotten
    show(together, spikes_in, 60, stretch=7, n_threads=3)
    for slot, each in enumerate(spikes_in):
        alone = batch(net, rules)
        show(alone, [each], 60)
        for ours, one in zip(together.learned(slot)[:3], alone.learned(0)[:3], strict=True):
            np.testing.assert_array_equal(ours, one)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("InhibitoryRule", {"learning_rate": 1.0, "trace_decay": 0.9, "w_max": 1.0, "alpha": [1.0], "blocks": ALL}),
        ("ThresholdRule", {"learning_rate": 1.0, "most": 1.0, "target": [1.0]}),
        ("StdpRule", {**PLAIN, "region": [2] * 10, "share": [0.5, 0.5]}),
        ("StdpRule", {**PLAIN, "senses_units": [True]}),
        (
            "SlowUnitsRule",
            {
                "rise": 0.9,
                "decay": 0.9,
                "sensed_start": [0] * 11,
                "sensed_by": [],
                "driven_start": [0, 1],
                "driven": [10],
                "weights": [1.0],
            },
        ),
    ],
)
def test_what_would_leave_the_arrays_is_refused(rng, name, wrong):
    with pytest.raises(ValueError, match=r"each unit|slow units"):
        batch(network(rng, 10, 3, "float64"), [(name, wrong)])
