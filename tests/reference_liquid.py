"""A plain twin of the core's liquids, step for step, and one way to run both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from reference import fma, philox

from reservoirs import _core

LIF_ROWS = ("decay", "gain", "drift", "v_thresh", "v_reset", "refractory", "v_min", "adapt_decay", "adapt_step")
IZHIKEVICH_ROWS = ("q2h", "q1h", "q0h", "kh", "uab", "ua", "uc", "v_peak", "c", "d")


@dataclass(frozen=True, kw_only=True)
class Liquid:
    """The arrays a liquid of the core is built from, under the core's names."""

    neuron: str
    parameters: np.ndarray
    v_init: np.ndarray
    start: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    source_channel: np.ndarray
    input_start: np.ndarray
    input_targets: np.ndarray
    input_weights: np.ndarray
    decay: np.ndarray
    synapse: str = "delta"
    rise: np.ndarray | None = None
    norm: np.ndarray | None = None
    nearest: bool = False
    delays: np.ndarray | None = None
    utilisation: np.ndarray | None = None
    depression: np.ndarray | None = None
    facilitation: np.ndarray | None = None
    input_refractory: int = -1
    narrow: bool = False
    u_init: np.ndarray | None = None
    soft_reset: bool = False
    hold: bool = False
    adaptive: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.v_init.dtype

    @property
    def n_units(self) -> int:
        return len(self.v_init)

    @property
    def n_inputs(self) -> int:
        return len(self.input_start) - 1

    def compiled(self) -> Any:
        """Return the core's liquid."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        build = _core.Liquid32 if self.dtype == np.float32 else _core.Liquid64
        return build(**{name: value for name, value in given.items() if value is not None})


# Liquids by hand.


def lif(
    n: int,
    *,
    tau: float,
    v_thresh: float = np.inf,
    v_rest: float = 0.0,
    v_reset: float = 0.0,
    refractory: int = 0,
    dt: float = 1.0,
    euler: bool = False,
    gain: float | None = None,
    adapt_decay: float = 0.0,
    adapt_step: float = 0.0,
) -> np.ndarray:
    """Return the rows of n equal units; a current of 1 pulls their potential up by 1 unless another gain is given."""
    decay = 1 - dt / tau if euler else np.exp(-dt / tau)
    drift = (1 - decay) * v_rest
    gain = 1 - decay if gain is None else gain
    row = [decay, gain, drift, v_thresh, v_reset, refractory, -np.inf, adapt_decay, adapt_step]
    return np.repeat(np.array(row, float)[:, None], n, axis=1)


def memoryless(n: int) -> np.ndarray:
    """Return the rows of LIF units whose potential is their current, and that never fire."""
    return lif(n, tau=1e-3, gain=1.0)


def repeaters(n: int) -> np.ndarray:
    """Return the rows of LIF units that fire a step after any current of at least 1."""
    return lif(n, tau=1e-3, gain=1.0, v_thresh=1.0)


def izhikevich(a: Any, b: Any, c: Any, d: Any, dt: float = 1.0, v_peak: float = 30.0) -> np.ndarray:
    """Return the rows of units of the form of 2003."""
    h = dt / 2
    a, b, c, d = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (a, b, c, d)))
    rows = [0.04 * h, 5 * h, 140 * h, h, dt * a * b, dt * a, 0.0, v_peak, c, d]
    return np.stack([np.broadcast_to(row, a.shape) for row in rows])


Link = tuple[int, int, float]


def wire(
    parameters: np.ndarray, inputs: Sequence[Link], links: Sequence[Link] = (), n_inputs: int = 1, **options: Any
) -> Liquid:
    """Connect units by (source, target, weight), in ascending order; the same for the inputs."""
    n = parameters.shape[1]
    start, targets, weights = _grouped(links, n)
    input_start, input_targets, input_weights = _grouped(inputs, n_inputs)
    defaults = {
        "neuron": "lif" if len(parameters) == len(LIF_ROWS) else "izhikevich",
        "v_init": np.zeros(n),
        "decay": np.zeros((1, n)),
        "source_channel": np.zeros(n, np.uint8),
    }
    given = {"parameters": parameters, "start": start, "targets": targets, "weights": weights}
    given |= {"input_start": input_start, "input_targets": input_targets, "input_weights": input_weights}
    return Liquid(**{**defaults, **given, **options})


def _grouped(links: Sequence[Link], n_sources: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    assert list(links) == sorted(links)
    source, target, weight = np.array(links, float).reshape(-1, 3).T
    start = np.searchsorted(source, np.arange(n_sources + 1)).astype(np.int64)
    return start, target.astype(np.int32), weight.copy()


# What drives a liquid. inputs() gives every step's input spikes, a list of channels, and its numbers if it has any.


@dataclass(frozen=True)
class Events:
    n_steps: int
    steps: np.ndarray
    channels: np.ndarray

    def inputs(self, refractory: int) -> Iterator[tuple[list[int], np.ndarray | None]]:
        spikes: list[list[int]] = [[] for _ in range(self.n_steps)]
        for step, channel in zip(self.steps.tolist(), self.channels.tolist(), strict=True):
            if step < self.n_steps and channel not in spikes[step]:
                spikes[step].append(channel)
        return ((some, None) for some in (spikes if refractory < 0 else relayed(spikes, refractory)))


@dataclass(frozen=True)
class Rates:
    n_steps: int
    probabilities: np.ndarray
    seed: int

    def inputs(self, refractory: int) -> Iterator[tuple[list[int], np.ndarray | None]]:
        return drawn(self).inputs(refractory)


@dataclass(frozen=True)
class Currents:
    rows: np.ndarray
    steps_per_row: int

    @property
    def n_steps(self) -> int:
        return len(self.rows) * self.steps_per_row

    def inputs(self, refractory: int) -> Iterator[tuple[list[int], np.ndarray | None]]:
        return (([], row) for row in self.rows for _ in range(self.steps_per_row))


Drive = Events | Rates | Currents


def relayed(events: list[list[int]], refractory: int) -> list[list[int]]:
    """Return what relay neurons make of the events of each step: one a channel is held back, others are lost."""
    spikes: list[list[int]] = [[] for _ in events]
    last: dict[int, int] = {}
    pending: set[int] = set()
    for t, some in enumerate(events):
        for channel in spikes[t]:
            pending.remove(channel)
            last[channel] = t
        for channel in some:
            if channel in pending:
                continue
            pending.add(channel)
            when = max(t + 1, last.get(channel, -refractory - 1) + refractory + 1)
            if when < len(spikes):
                spikes[when].append(channel)
    return spikes


def drawn(rates: Rates) -> Events:
    """Return the events of static rates: geometric intervals, from Philox keyed by the seed and the rates."""
    events = [
        (step, channel)
        for channel, p in enumerate(rates.probabilities.tolist())
        for step in _geometric(rates, channel, p)
    ]
    steps, channels = np.array(sorted(events), np.int32).reshape(-1, 2).T.copy()
    return Events(rates.n_steps, steps, channels)


def _geometric(rates: Rates, channel: int, p: float) -> Iterator[int]:
    if p == 0:
        return
    content, low = fnv1a(rates.probabilities), 0xFFFFFFFF
    key = [rates.seed & low, rates.seed >> 32]
    log_missed = math.log1p(-p) if p < 1 else -math.inf
    t, k = -1, 0
    while True:
        word = philox([k // 4, channel, content & low, content >> 32], key)[k % 4]
        t += 1 + math.floor(math.log((word + 0.5) * 2.0**-32) / log_missed)
        if t >= rates.n_steps:
            return
        yield t
        k += 1


def fnv1a(values: np.ndarray) -> int:
    """FNV-1a, 64 bits, of the bytes of float64 numbers."""
    value = 0xCBF29CE484222325
    for byte in values.astype("<f8").tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


# The twin.


@dataclass(frozen=True)
class Record:
    """Every unit at every step: did it fire, and its potential after the step; both (n_steps, n_units)."""

    fired: np.ndarray
    potentials: np.ndarray
    input_spikes: int
    synaptic_events: int


def twin(liquid: Liquid, drive: Drive) -> Record:
    """Run one sample."""
    run = _Run(liquid, drive.n_steps)
    fired = np.zeros((drive.n_steps, liquid.n_units), bool)
    potentials = np.zeros((drive.n_steps, liquid.n_units), liquid.dtype)
    input_spikes = 0
    for t, (spikes, row) in enumerate(drive.inputs(liquid.input_refractory)):
        fired[t] = run.step(t, spikes, row)
        potentials[t] = run.v
        input_spikes += len(spikes)
    return Record(fired, potentials, input_spikes, run.recurrent.n_sent + run.input.n_sent)


class _Run:
    def __init__(self, liquid: Liquid, n_steps: int) -> None:
        T, n = liquid.dtype.type, liquid.n_units
        self.liquid, self.T = liquid, T
        self.v, self.u = liquid.v_init.copy(), liquid.u_init
        self.refractory, self.a = np.zeros(n, T), np.zeros(n, T)
        n_channels = len(liquid.decay)
        longest = 1 if liquid.delays is None or not len(liquid.delays) else liquid.delays.max()
        self.arrivals = np.zeros((n_steps + longest, n_channels, n), T)
        self.g, self.g_rise = np.zeros((2, n_channels, n), T)
        nearest = liquid.decay[:, 0] if liquid.nearest else None
        self.recurrent = _Rows(liquid.start, liquid.targets, liquid.weights, liquid.narrow, nearest)
        self.input = _Rows(liquid.input_start, liquid.input_targets, liquid.input_weights, liquid.narrow, nearest)
        self.stp = None if liquid.utilisation is None else _ShortTerm(liquid)

    def step(self, t: int, spikes: list[int], row: np.ndarray | None) -> np.ndarray:
        fired = self.fire_lif() if self.liquid.neuron == "lif" else self.fire_izhikevich()
        for j in np.flatnonzero(fired):
            self.send(t, j)
        for channel in spikes:
            targets, amplitudes = self.input.sent(channel, t, 0)
            np.add.at(self.arrivals[t, 0], targets, amplitudes)
        current = self.current(self.arrivals[t], self.external(row))
        if self.liquid.neuron == "lif":
            self.integrate_lif(current)
        else:
            self.integrate_izhikevich(current)
        return fired

    def fire_lif(self) -> np.ndarray:
        p = dict(zip(LIF_ROWS, self.liquid.parameters, strict=True))
        threshold = p["v_thresh"] + self.a if self.liquid.adaptive else p["v_thresh"]
        fired = (self.v >= threshold) & (self.refractory <= 0)
        after = self.v - (p["v_thresh"] - p["v_reset"]) if self.liquid.soft_reset else p["v_reset"]
        self.v = np.where(fired, after, self.v)
        self.refractory = np.where(fired, p["refractory"], np.maximum(self.refractory - self.T(1), self.T(0)))
        if self.liquid.adaptive:
            self.a = fma(p["adapt_decay"], self.a, np.where(fired, p["adapt_step"], self.T(0)))
        return fired

    def fire_izhikevich(self) -> np.ndarray:
        p = dict(zip(IZHIKEVICH_ROWS, self.liquid.parameters, strict=True))
        fired = self.v >= p["v_peak"]
        self.v = np.where(fired, p["c"], self.v)
        self.u = np.where(fired, self.u + p["d"], self.u)
        return fired

    def send(self, t: int, j: int) -> None:
        channel = self.liquid.source_channel[j]
        some = self.recurrent.synapses(j)
        plastic = None if self.stp is None else self.stp.amplitudes(some, t, self.recurrent.last[j])
        targets, amplitudes = self.recurrent.sent(j, t, channel, plastic)
        delays = 1 if self.liquid.delays is None else self.liquid.delays[some]
        np.add.at(self.arrivals, (t + delays - 1, channel, targets), amplitudes)

    def external(self, row: np.ndarray | None) -> np.ndarray:
        current = np.zeros(self.liquid.n_units, self.T)
        for k, number in enumerate([] if row is None else row):
            some = self.input.synapses(k)
            np.add.at(current, self.input.targets[some], number * self.input.scale[k] * self.input.weights[some])
        return current

    def current(self, arrivals: np.ndarray, current: np.ndarray) -> np.ndarray:
        for channel, arrived in enumerate(arrivals):
            if self.liquid.synapse == "delta":
                current = current + arrived
                continue
            g = self.g[channel] + arrived
            if self.liquid.synapse == "exponential":
                current = current + g
            else:
                g_rise = self.g_rise[channel] + arrived
                current = fma(self.liquid.norm[channel], g - g_rise, current)
                self.g_rise[channel] = g_rise * self.liquid.rise[channel]
            self.g[channel] = g * self.liquid.decay[channel]
        return current

    def integrate_lif(self, current: np.ndarray) -> None:
        p = dict(zip(LIF_ROWS, self.liquid.parameters, strict=True))
        v = fma(p["decay"], self.v, fma(p["gain"], current, p["drift"]))
        if self.liquid.hold:
            v = np.where(self.refractory > 0, self.v, v)
        self.v = np.maximum(v, p["v_min"])

    def integrate_izhikevich(self, current: np.ndarray) -> None:
        p = dict(zip(IZHIKEVICH_ROWS, self.liquid.parameters, strict=True))
        w = fma(p["kh"], current - self.u, p["q0h"])
        for _ in range(2):
            self.v = self.v + fma(fma(p["q2h"], self.v, p["q1h"]), self.v, w)
        self.u = self.u + fma(p["uab"], self.v, fma(-p["ua"], self.u, p["uc"]))


class _Rows:
    """Synapses by source: what one spike of a source sends."""

    def __init__(
        self, start: np.ndarray, targets: np.ndarray, weights: np.ndarray, narrow: bool, nearest: np.ndarray | None
    ) -> None:
        self.start, self.targets, self.weights, self.nearest = start, targets, weights.copy(), nearest
        self.T = weights.dtype.type
        self.scale = np.ones(len(start) - 1, weights.dtype)
        self.last = np.full(len(start) - 1, -1)
        self.n_sent = 0
        for j in range(len(self.scale) if narrow else 0):
            row = self.weights[self.synapses(j)]
            if row.any():
                self.scale[j] = np.abs(row).max() / self.T(127)
                row[:] = np.rint(row / self.scale[j])

    def synapses(self, j: int) -> slice:
        return slice(self.start[j], self.start[j + 1])

    def sent(self, j: int, t: int, channel: int, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        some = self.synapses(j)
        scale = self.scale[j]
        if self.nearest is not None and self.last[j] >= 0:
            scale = renewed(self.nearest[channel], t - self.last[j]) * scale
        self.last[j] = t
        self.n_sent += some.stop - some.start
        return self.targets[some], scale * (self.weights[some] if weights is None else weights)


def renewed(decay: Any, n: int) -> Any:
    """Return what a kernel that decayed for n steps lacks, 1 - decay**n, from products in float64."""
    left = 1.0
    for _ in range(n):
        left *= float(decay)
    return type(decay)(1.0 - left)


class _ShortTerm:
    """Synapses whose amplitude depends on the intervals of their source."""

    def __init__(self, liquid: Liquid) -> None:
        self.T = liquid.dtype.type
        self.weights, self.U = liquid.weights, liquid.utilisation
        self.depression, self.facilitation = liquid.depression, liquid.facilitation
        self.u, self.r = self.U.copy(), np.ones_like(self.U)

    def amplitudes(self, some: slice, t: int, last: int) -> np.ndarray:
        T, U, u, r = self.T, self.U[some], self.u[some], self.r[some]  # u and r are views
        if last >= 0:
            n = T(t - last)
            r[:] = fma(r * (T(1) - u) - T(1), _core.exp(-n * self.depression[some]), T(1))
            u[:] = fma(u * (T(1) - U), _core.exp(-n * self.facilitation[some]), U)
        return (self.weights[some] * u) * r


# What is kept of a run.


def traces(record: Record, decay: float) -> np.ndarray:
    """Return the exponentially filtered spikes of every unit after every step."""
    T = record.potentials.dtype.type
    rows = np.zeros_like(record.potentials)
    trace = np.zeros(rows.shape[1], T)
    for t, fired in enumerate(record.fired):
        rows[t] = trace = trace * T(decay) + fired.astype(T)
    return rows


def counts(record: Record, steps: Sequence[int]) -> np.ndarray:
    """Return the spikes of every unit up to each of some steps, since the one before."""
    total = np.cumsum(record.fired, axis=0)[list(steps)]
    return np.diff(total, axis=0, prepend=0).astype(record.potentials.dtype)


def intervals(record: Record) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first and last step each unit fired at (-1: none), and the sum of its squared intervals."""
    times = [np.flatnonzero(column) for column in record.fired.T]
    first = np.array([t[0] if len(t) else -1 for t in times], np.int32)
    last = np.array([t[-1] if len(t) else -1 for t in times], np.int32)
    squares = np.array([(np.diff(t) ** 2).sum() for t in times], record.potentials.dtype)
    return first, last, squares


# The core, run the same way.


def batch(liquid: Liquid, n_slots: int, **options: Any) -> Any:
    """Return slots of the core for a liquid."""
    build = _core.LiquidBatch32 if liquid.dtype == np.float32 else _core.LiquidBatch64
    return build(liquid.compiled(), n_slots, **options)


def begin(slots: Any, drives: Sequence[Drive]) -> None:
    """Begin a presentation a drive; all are of one kind."""
    lengths = [drive.n_steps for drive in drives]
    first = drives[0]
    if isinstance(first, Events):
        steps, channels = (np.concatenate([getattr(d, of) for d in drives]) for of in ("steps", "channels"))
        offsets = np.concatenate([[0], np.cumsum([len(d.steps) for d in drives])]).astype(np.int64)
        slots.begin_events(lengths, offsets, steps, channels)
    elif isinstance(first, Rates):
        slots.begin_rates(lengths, np.stack([d.probabilities for d in drives]), first.seed)
    else:
        slots.begin_currents(
            [len(d.rows) for d in drives], np.concatenate([d.rows for d in drives]), first.steps_per_row
        )


def core(liquid: Liquid, drive: Drive) -> Record:
    """Run one sample on the core, all units watched."""
    units = np.arange(liquid.n_units, dtype=np.int32)
    slots = batch(liquid, 1, recorded=units, watched=units)
    begin(slots, [drive])
    slots.advance(drive.n_steps)
    fired = np.zeros((drive.n_steps, liquid.n_units), bool)
    _, steps, of = slots.spikes()
    fired[steps, of] = True
    totals = slots.totals
    return Record(fired, slots.watched()[0], totals["input_spikes"], totals["events"])
