"""Liquids of the compiled core against their plain twin, bit for bit, at every SIMD level and in both precisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LEVELS, assert_same_bits, simd_level
from reference_liquid import (
    Currents,
    Drive,
    Events,
    Liquid,
    Rates,
    Record,
    batch,
    begin,
    core,
    counts,
    drawn,
    fnv1a,
    intervals,
    lif,
    relayed,
    repeaters,
    traces,
    twin,
    wire,
)

DTYPES = (np.float32, np.float64)
THREADS = (1, 2, 7)
SIZES = (1, 2, 7, 8, 15, 16, 17, 33, 64, 65, 100)

every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=("float32", "float64"))

neurons = st.sampled_from(["lif", "soft", "held", "adaptive", "adaptive soft held", "izhikevich"])
synapses = st.sampled_from(["delta", "exponential", "double", "nearest"])
drives = st.sampled_from(["events", "relayed", "rates", "relayed rates", "currents"])
liquids = st.fixed_dictionaries(
    {
        "n_units": st.sampled_from(SIZES),
        "n_inputs": st.sampled_from([1, 3, 20]),
        "neuron": neurons,
        "synapse": synapses,
        "n_channels": st.sampled_from([1, 2]),
        "longest_delay": st.sampled_from([1, 1, 2, 5, 8, 20]),
        "weights": st.sampled_from(["plain", "plain", "narrow", "plastic"]),
        "density": st.sampled_from([0.0, 0.1, 0.4]),
        "seed": st.integers(0, 2**32 - 1),
    }
)


# Liquids and what drives them.


def make(case: dict[str, Any], dtype: Any, drive: str) -> Liquid:
    """A random liquid in which about a tenth of the units fire every few steps."""
    rng = np.random.default_rng(case["seed"])
    n, n_channels, n_inputs = case["n_units"], case["n_channels"], case["n_inputs"]
    izhikevich = case["neuron"] == "izhikevich"
    parameters = izhikevich_parameters(n, rng) if izhikevich else lif_parameters(n, rng)
    start, targets = connect(n, n, case["density"], rng)
    input_start, input_targets = connect(n_inputs, n, 0.5, rng)
    # The weights make up for what a kernel of some steps adds.
    size = {"delta": 3.0, "exponential": 1.0, "double": 2.0, "nearest": 2.0}[case["synapse"]]
    decay = rng.uniform(0.3, 0.9, (n_channels, n))
    if case["synapse"] == "nearest":
        decay[:] = decay[:, :1]
    kinds: dict[str, Any] = {"synapse": "exponential" if case["synapse"] == "nearest" else case["synapse"]}
    if case["synapse"] == "nearest":
        kinds["nearest"] = True
    if case["synapse"] == "double":
        kinds |= {"rise": decay * rng.uniform(0.2, 0.9, decay.shape), "norm": rng.uniform(0.5, 2, decay.shape)}
    if case["longest_delay"] > 1:
        kinds["delays"] = rng.integers(1, case["longest_delay"], len(targets), np.int32, endpoint=True)
    if case["weights"] == "plastic" and case["synapse"] != "nearest":  # the core refuses both
        names = ("utilisation", "depression", "facilitation")
        kinds |= {name: rng.uniform(0.01, 0.8, len(targets)) for name in names}
    if izhikevich:
        kinds["u_init"] = rng.uniform(-15, -10, n)
    arrays: dict[str, Any] = {
        "parameters": parameters,
        "v_init": rng.uniform(-70, -50, n) if izhikevich else rng.uniform(-5, 25, n),
        "weights": rng.normal(0.2, 1, len(targets)) * size * (2 if izhikevich else 1),
        "input_weights": rng.normal(1, 2, len(input_targets)) * size * (2 if izhikevich else 1),
        "decay": decay,
        **kinds,
    }
    return Liquid(
        **{k: v.astype(dtype) if getattr(v, "dtype", None) == np.float64 else v for k, v in arrays.items()},
        neuron="izhikevich" if izhikevich else "lif",
        start=start,
        targets=targets,
        source_channel=rng.integers(0, n_channels, n).astype(np.uint8),
        input_start=input_start,
        input_targets=input_targets,
        input_refractory=int(rng.integers(0, 4)) if "relayed" in drive else -1,
        narrow=case["weights"] == "narrow",
        soft_reset="soft" in case["neuron"],
        hold="held" in case["neuron"],
        adaptive="adaptive" in case["neuron"],
    )


def lif_parameters(n: int, rng: np.random.Generator) -> np.ndarray:
    decay = rng.uniform(0.8, 1, n)
    rows = [decay, rng.uniform(0.5, 1.5, n), rng.uniform(-0.5, 2, n)]  # decay, gain, drift
    rows += [rng.uniform(8, 20, n), rng.uniform(-3, 3, n), rng.integers(0, 5, n)]  # threshold, reset, refractory
    rows += [np.where(rng.random(n) < 0.5, -np.inf, rng.uniform(-8, -4, n))]  # floor
    return np.array([*rows, rng.uniform(0.7, 0.99, n), rng.uniform(0, 4, n)])


def izhikevich_parameters(n: int, rng: np.random.Generator, dt: float = 1.0) -> np.ndarray:
    """The random cortex of Izhikevich (2003)."""
    a, b = rng.uniform(0.02, 0.1, n), rng.uniform(0.2, 0.25, n)
    q = np.array([0.04, 5.0, 140.0, 1.0])[:, None] * np.full(n, dt / 2)
    spike = [rng.uniform(25, 35, n), rng.uniform(-65, -50, n), rng.uniform(2, 8, n)]
    return np.array([*q, dt * a * b, dt * a, rng.uniform(-0.1, 0.1, n), *spike])


def connect(n_sources: int, n: int, density: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    linked = rng.random((n_sources, n)) < density
    start = np.concatenate([[0], np.cumsum(linked.sum(axis=1))]).astype(np.int64)
    return start, np.nonzero(linked)[1].astype(np.int32)


def drive_of(kind: str, liquid: Liquid, rng: np.random.Generator, seed: int, n_steps: int) -> Drive:
    """What drives one sample, at most so many steps long."""
    dtype, n = liquid.dtype, liquid.n_inputs
    if kind == "currents":
        rows = rng.normal(1, 2, (-(-n_steps // 3), n)) * (rng.random(n) < 0.9)
        return Currents(rows.astype(dtype), 3)
    if "rates" in kind:
        return Rates(n_steps, np.where(rng.random(n) < 0.2, rng.integers(0, 2, n), rng.uniform(0, 0.5, n)), seed)
    # Any order of the channels within a step, some of them twice, and some after the end.
    steps = np.sort(rng.integers(0, n_steps + 2, rng.poisson(0.2 * n * n_steps))).astype(np.int32)
    return Events(n_steps, steps, rng.integers(0, n, len(steps)).astype(np.int32))


def drives_of(kind: str, liquid: Liquid, n_samples: int, seed: int, longest: int = 40) -> list[Drive]:
    rng = np.random.default_rng(seed)
    return [drive_of(kind, liquid, rng, seed, int(rng.integers(1, longest, endpoint=True))) for _ in range(n_samples)]


# Everything the core tells of a batch, and what the twin says it should.

TRACE_DECAY = 0.875


def reading_steps(drive: Drive) -> list[int]:
    """Some steps to sample a slot at; none in some."""
    return sorted({drive.n_steps * k // 5 - 1 for k in range(1, 6)} - {-1}) if drive.n_steps % 4 else []


def expected_of(records: Sequence[Record], drives: Sequence[Drive], units: np.ndarray) -> dict[str, Any]:
    steps = [reading_steps(drive) for drive in drives]
    spikes = [(slot, t, i) for slot, r in enumerate(records) for t, i in np.argwhere(r.fired).tolist() if i in units]
    first, last, squares = (np.stack(some) for some in zip(*map(intervals, records), strict=True))
    pairs = list(zip(records, steps, strict=True))
    return {
        "counts": np.concatenate([counts(r, some) for r, some in pairs]),
        "traces": np.concatenate([traces(r, TRACE_DECAY)[some] for r, some in pairs]),
        "potentials": np.concatenate([r.potentials[some] for r, some in pairs]),
        "spikes": list(np.array(spikes, np.int32).reshape(-1, 3).T),
        "watched": [r.potentials[:, units[::-1]] for r in records],
        "first": first,
        "last": last,
        "sum_squares": squares,
        "all counts": np.stack([r.fired.sum(axis=0, dtype=np.int32) for r in records]),
        "totals": {
            "steps": sum(drive.n_steps for drive in drives),
            "spikes": sum(int(r.fired.sum()) for r in records),
            "input_spikes": sum(r.input_spikes for r in records),
            "events": sum(r.synaptic_events for r in records),
        },
    }


def actual_of(
    liquid: Liquid, drives: Sequence[Drive], units: np.ndarray, stretch: int = 1000, n_threads: int = 1
) -> dict[str, Any]:
    slots = batch(
        liquid, len(drives) + 1, trace_decay=TRACE_DECAY, intervals=True, recorded=units, watched=units[::-1].copy()
    )
    begin(slots, drives)
    when = np.array([(slot, t) for slot, drive in enumerate(drives) for t in reading_steps(drive)])
    when = when.reshape(-1, 2).astype(np.int64)
    out = {name: np.full((len(when), liquid.n_units), np.nan, liquid.dtype) for name in READINGS}
    kept, watched = [], [[np.zeros((0, len(units)), liquid.dtype)] for _ in drives]
    for at in range(0, max(drive.n_steps for drive in drives), stretch):
        now = (at <= when[:, 1]) & (when[:, 1] < at + stretch)
        some = {name: np.full((now.sum(), liquid.n_units), np.nan, liquid.dtype) for name in READINGS}
        slots.advance(stretch, when[now], *some.values(), n_threads=n_threads)
        for name, rows in some.items():
            out[name][now] = rows
        kept.append(np.stack(slots.spikes()))
        for slot, rows in zip(watched, slots.watched(), strict=False):
            slot.append(rows)
        slots.clear_kept()
    spikes = np.concatenate(kept, axis=1)
    return {
        **out,
        # In every stretch the spikes come slot by slot.
        "spikes": list(spikes[:, np.lexsort(spikes[::-1])]),
        "watched": [np.concatenate(rows) for rows in watched],
        **{name: getattr(slots, name) for name in ("first", "last", "sum_squares")},
        "all counts": slots.counts,
        "totals": dict(slots.totals),
    }


READINGS = ("counts", "traces", "potentials")


def assert_same(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            assert actual[name] == value
            continue
        try:
            assert_same_bits(actual[name], value)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def check(case: dict[str, Any], dtype: Any, kind: str, n_samples: int, n_threads: int = 1, stretch: int = 1000) -> None:
    liquid = make(case, dtype, kind)
    drives = drives_of(kind, liquid, n_samples, case["seed"] + 1)
    units = np.unique(np.random.default_rng(case["seed"]).integers(0, liquid.n_units, liquid.n_units, np.int32))
    expected = expected_of([twin(liquid, drive) for drive in drives], drives, units)
    for level in LEVELS:
        with simd_level(level):
            assert_same(actual_of(liquid, drives, units, stretch, n_threads), expected)


# The twin itself.


def test_random_liquids_are_neither_silent_nor_epileptic() -> None:
    # What the other tests compare would mean little.
    rates = []
    for seed in range(20):
        case = {"n_units": 33, "n_inputs": 20, "synapse": "exponential", "n_channels": 2, "longest_delay": 5}
        case |= {"neuron": ["lif", "izhikevich"][seed % 2], "weights": "plain", "density": 0.1, "seed": seed}
        liquid = make(case, float, "")
        rates.append(twin(liquid, drives_of("events", liquid, 1, seed)[0]).fired.mean())
    assert 0.01 < np.median(rates) < 0.3


def test_relays_hold_one_event_back() -> None:
    def times(events: list[int], refractory: int) -> list[int]:
        spikes = relayed([[0] if t in events else [] for t in range(20)], refractory)
        return [t for t, some in enumerate(spikes) if some]

    assert times([3], 2) == [4]
    assert times([3, 4, 5, 6], 2) == [4, 7]  # that of step 4 waits until 7; the others find it waiting
    assert times([3, 4, 7], 2) == [4, 7, 10]
    assert times(list(range(20)), 0) == list(range(1, 20))
    assert times([19], 2) == []


def test_known_hash() -> None:
    # FNV-1a of nothing, and of eight zero bytes, as the definition gives them.
    assert fnv1a(np.zeros(0)) == 0xCBF29CE484222325
    assert fnv1a(np.zeros(1)) == 0xCBF29CE484222325 * pow(0x100000001B3, 8, 2**64) % 2**64


# The core.


@every_dtype
@settings(max_examples=200, deadline=None, derandomize=True)
@given(case=liquids, kind=drives)
def test_steps_are_exactly_those_of_the_twin(dtype: Any, case: dict[str, Any], kind: str) -> None:
    check(case, dtype, kind, n_samples=1)


@every_dtype
@settings(max_examples=30, deadline=None, derandomize=True)
@given(case=liquids, kind=drives, n_threads=st.sampled_from(THREADS), stretch=st.sampled_from([1, 3, 7, 1000]))
def test_batches_in_stretches_are_exactly_those_of_the_twin(
    dtype: Any, case: dict[str, Any], kind: str, n_threads: int, stretch: int
) -> None:
    check(case, dtype, kind, n_samples=7, n_threads=n_threads, stretch=stretch)


@every_dtype
@pytest.mark.parametrize(("longest_delay", "weights"), [(1, "plain"), (1, "narrow"), (4, "narrow"), (4, "plastic")])
def test_addresses_past_16_bits(dtype: Any, longest_delay: int, weights: str) -> None:
    n, n_inputs = 66_000, 40
    rng = np.random.default_rng(0)
    case = {"n_inputs": 1, "neuron": "lif", "synapse": "exponential", "n_channels": 2, "density": 0.1, "seed": 0}
    small = make({**case, "n_units": 1, "longest_delay": 1, "weights": "plain"}, dtype, "")
    per_source = 3
    m = n * per_source
    targets = np.sort(rng.integers(0, n // per_source, (n, per_source)) * per_source + np.arange(per_source), axis=1)
    liquid = replace(
        small,
        parameters=np.repeat(lif(1, tau=20.0, v_thresh=2.0, gain=1.0), n, axis=1).astype(dtype),
        v_init=rng.uniform(-1, 2.01, n).astype(dtype),
        start=np.arange(n + 1) * per_source,
        targets=targets.ravel().astype(np.int32),
        weights=rng.uniform(-1, 3, m).astype(dtype),
        delays=rng.integers(1, longest_delay, m, np.int32, endpoint=True) if longest_delay > 1 else None,
        decay=np.full((2, n), 0.5, dtype),
        source_channel=rng.integers(0, 2, n).astype(np.uint8),
        input_start=np.arange(n_inputs + 1) * (n // n_inputs),
        input_targets=np.arange(n, dtype=np.int32),
        input_weights=rng.uniform(0, 1, n).astype(dtype),
        narrow=weights == "narrow",
    )
    if weights == "plastic":
        names = ("utilisation", "depression", "facilitation")
        liquid = replace(liquid, **{name: rng.uniform(0.1, 0.8, m).astype(dtype) for name in names})
    drive = drive_of("events", liquid, rng, 0, 6)
    expected = twin(liquid, drive)
    assert 0.001 < expected.fired.mean() < 0.5
    for level in LEVELS:
        with simd_level(level):
            actual = core(liquid, drive)
        assert_same_bits(actual.potentials, expected.potentials)
        assert_same_bits(actual.fired, expected.fired)


@every_dtype
@pytest.mark.parametrize(("weights", "synapse"), [("plain", "nearest"), ("narrow", "nearest"), ("plastic", "double")])
def test_rare_spikes(dtype: Any, weights: str, synapse: str) -> None:
    # Kernels and resources have time to fade, and drawn events pass through several blocks of steps.
    case = {"n_units": 9, "n_inputs": 5, "neuron": "lif", "synapse": synapse, "n_channels": 2, "longest_delay": 3}
    liquid = make({**case, "weights": weights, "density": 0.4, "seed": 3}, dtype, "relayed")
    liquid = replace(liquid, parameters=lif(9, tau=5.0, v_thresh=2.0, gain=1.0).astype(dtype))
    drives = [Rates(n, np.array([0.002, 0.01, 0.0, 0.005, 0.02]), 2**64 - 1) for n in (900, 400)]
    units = np.arange(9, dtype=np.int32)
    expected = expected_of([twin(liquid, drive) for drive in drives], drives, units)
    assert expected["totals"]["spikes"] > 30
    for level in LEVELS:
        with simd_level(level):
            assert_same(actual_of(liquid, drives, units), expected)
            assert_same(actual_of(liquid, drives, units, stretch=250, n_threads=2), expected)


@pytest.mark.parametrize("level", LEVELS)
def test_events_of_rates_are_those_of_the_twin(level: str) -> None:
    p = np.array([0.0, 1.0, 1e-300, 1e-12, 1e-4, 0.00999, 0.01001, 0.5, 0.9, 1 - 1e-6, np.nextafter(1, 0), 0.03, 0.1])
    n, links = len(p), [(k, k, 1.0) for k in range(len(p))]
    with simd_level(level):
        for seed in (0, 1, 2**32, 2**64 - 1):
            events = drawn(Rates(1500, p, seed))
            expected = np.zeros((1501, n), bool)
            expected[events.steps + 1, events.channels] = True
            fired = core(wire(repeaters(n), links, n_inputs=n), Rates(1500, p, seed)).fired
            assert_same_bits(fired, expected[:1500])


@every_dtype
@pytest.mark.parametrize("kind", ["relayed", "rates", "currents"])
@pytest.mark.parametrize("neuron", ["adaptive", "izhikevich"])
def test_slots_begin_anew(dtype: Any, neuron: str, kind: str) -> None:
    case = {"n_units": 33, "n_inputs": 5, "neuron": neuron, "synapse": "double", "n_channels": 2, "longest_delay": 8}
    liquid = make({**case, "weights": "plastic", "density": 0.2, "seed": 5}, dtype, kind)
    units = np.arange(33, dtype=np.int32)
    slots = batch(liquid, 3, recorded=units, watched=units, intervals=True, trace_decay=0.5)
    drives = drives_of(kind, liquid, 3, 0)
    begin(slots, drives)
    slots.advance(20)
    begin(slots, drives[1:])
    slots.advance(1000, n_threads=2)
    watched = slots.watched()
    assert len(watched) == 2
    for i, drive in enumerate(drives[1:]):
        expected = twin(liquid, drive)
        assert_same_bits(watched[i], expected.potentials)
        for name, value in zip(("first", "last", "sum_squares"), intervals(expected), strict=True):
            assert_same_bits(getattr(slots, name)[i].copy(), value)


@every_dtype
def test_nothing_at_all(dtype: Any) -> None:
    # No inputs, no synapses, no steps.
    liquid = wire(lif(3, tau=5.0, v_thresh=1.0), [], n_inputs=0)
    arrays = {name: getattr(liquid, name).astype(dtype) for name in ("parameters", "v_init", "weights", "decay")}
    liquid = replace(liquid, **arrays, input_weights=liquid.input_weights.astype(dtype))
    none = np.zeros(0, np.int32)
    drives = [Events(n, none, none) for n in (0, 4, 0)]
    units = np.arange(3, dtype=np.int32)
    expected = expected_of([twin(liquid, drive) for drive in drives], drives, units)
    assert_same(actual_of(liquid, drives, units), expected)


# What is refused.


def small_batch(**options: Any) -> Any:
    slots = batch(wire(repeaters(3), [(0, 1, 1.0)]), 2, **options)
    begin(slots, [Events(10, np.array([2], np.int32), np.array([0], np.int32))])
    return slots


HALVES = np.full(2, 0.5)
UNSAFE: dict[str, tuple[dict[str, Any], str]] = {
    "target past the end": ({"targets": np.array([1, 3], np.int32)}, "targets"),
    "negative target": ({"targets": np.array([-1, 2], np.int32)}, "targets"),
    "no delay": ({"delays": np.array([1, 0], np.int32)}, "delays"),
    "delay past the limit": ({"delays": np.array([1, 65537], np.int32)}, "delays"),
    "third channel": ({"source_channel": np.array([0, 1, 0], np.uint8)}, "source_channel"),
    "falling start": ({"start": np.array([0, 2, 1, 2])}, "start"),
    "start past the end": ({"start": np.array([0, 100, 2, 2])}, "start"),
    "late start": ({"start": np.array([1, 1, 2, 2])}, "start"),
    "unequal kernels": (
        {"nearest": True, "synapse": "exponential", "decay": np.array([[0.1, 0.2, 0.3]])},
        "nearest-spike kernels",
    ),
    "plastic and narrow": (
        {"utilisation": HALVES, "depression": HALVES, "facilitation": HALVES, "narrow": True},
        "narrow weights and short-term plasticity",
    ),
    "half plastic": ({"utilisation": HALVES}, "short-term plasticity"),
    "no rise": ({"synapse": "double"}, "rise"),
    "u of nothing": ({"u_init": np.zeros(3)}, "u_init"),
    "too few rows": ({"parameters": np.zeros((8, 3))}, "parameters"),
}


@pytest.mark.parametrize("change", UNSAFE)
def test_liquids_that_cannot_be_run_are_refused(change: str) -> None:
    changes, message = UNSAFE[change]
    liquid = wire(repeaters(3), [(0, 1, 1.0)], [(0, 1, 1.0), (1, 2, 1.0)])
    liquid.compiled()
    with pytest.raises(ValueError, match=message):
        replace(liquid, **changes).compiled()


@pytest.mark.parametrize(
    "samples", [[(0, 5)], [(0, 4), (0, 3)], [(0, 3), (0, 3)], [(1, 0)], [(-1, 0)], [(0, -1)]], ids=str
)
def test_samples_outside_the_stretch_are_refused(samples: list[tuple[int, int]]) -> None:
    slots = small_batch()
    with pytest.raises(ValueError, match="sample"):
        slots.advance(5, np.array(samples, np.int64), np.zeros((len(samples), 3)))
    assert slots.totals["steps"] == 0


def test_readings_that_are_not_kept_are_refused() -> None:
    slots = small_batch()
    with pytest.raises(ValueError, match="traces"):
        slots.advance(5, np.array([[0, 1]]), None, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="intervals"):
        _ = slots.sum_squares


@pytest.mark.parametrize(("step", "channel"), [(-1, 0), (1, 1), (1, -1)])
def test_events_of_no_input_are_refused(step: int, channel: int) -> None:
    slots = small_batch()
    with pytest.raises(ValueError, match="event"):
        begin(slots, [Events(10, np.array([step], np.int32), np.array([channel], np.int32))])
    slots.advance(10)
    assert slots.totals["input_spikes"] == 1


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_rates_that_are_no_probabilities_are_refused(p: float) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        begin(small_batch(), [Rates(10, np.array([p]), 0)])


def test_more_presentations_than_slots_are_refused() -> None:
    with pytest.raises(ValueError, match="slots"):
        begin(small_batch(), [Currents(np.zeros((1, 1)), 1)] * 3)
