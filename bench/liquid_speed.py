"""Speed of the spiking core on one static liquid, side by side: ours, a minimal loop, and peers if they are installed.

    python -m bench.liquid_speed [--quick] [--learning] [--peers-python PATH] [--output FOLDER]

The workload: N LIF units (80 % excitatory), steps of 1 ms, exponential currents, 100 recurrent synapses a unit, 784
Poisson inputs of 30 Hz that each reach 1 % of the units, a liquid of about 21 Hz, static weights, one thread. Everyone
gets the same weights and the same input spikes, and everyone's spike counts are held against those of the minimal loop
(bench/minimal_liquid.cpp, compiled here by g++ -O3 -march=native): a row whose counts correlate less than .99, or whose
rate is off by more than 3 %, says DIFFERS. Only the row that draws in the core has other input spikes, of equal rates.

Two more pairs of tables are of liquids that learn. STDP: the same workload with plastic excitatory synapses (all pairs,
additive bounds), beside a straightforward event-driven loop (bench/minimal_stdp.cpp), Brian2 and NEST. NALSM: the
paper's column, one sample as from MNIST (250 ms, 17 spikes a ms from 150 of 784 inputs), all synapses plastic and an
astrocyte; nobody but that loop does it.

A figure is the median of several repetitions after a warm-up; the contenders take turns. One thread and two take turns
by themselves, before any peer is there, and more often. Their ratio is that of the fastest repetitions: what others do
on the machine only ever slows, and two threads more than one. (Where the two processors of a virtual machine are at
times one core's, even two threads that only multiply make 1.0 times as much as one, and 2.0 in other seconds.) Only
running is timed: neither building nor compiling nor loading spikes. Synaptic events are those of the minimal loop over
the same steps. Bytes an event are what delivery reads: target and weight.

Peers run in processes of their own (bench/liquid_peers.py), if there is an interpreter that has them:

    make build/liquid_peers/.installed
    python -m bench.liquid_speed --peers-python build/liquid_peers/bin/python

(Brian2 needs a C++ compiler; torch for the CPU is enough.)
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import results
from reservoirs import _core
from reservoirs.topology import Column

HERE = Path(__file__).parent
# One step: v = DECAY v + GAIN g where the unit does not rest, g = CURRENT_DECAY g; a spike where v >= THRESHOLD.
DECAY, GAIN, CURRENT_DECAY, THRESHOLD, REFRACTORY = 0.95, 0.05, 0.8, 1.0, 1
EXCITATION, INHIBITION, INPUT_WEIGHT = 0.2, -0.8, 0.72  # means of weights, for 19 and 23 Hz at N = 1000 and 8000
FAN_OUT, N_INPUTS, INPUT_SHARE, INPUT_RATE = 100, 784, 0.01, 0.03
# Many short samples, as in use: of few long ones the last would run alone for long.
N_SAMPLES, SAMPLES_SHARE, OFTEN = 64, 10, 5
SAMPLE_STEPS = 250  # of an image; under input that goes on the astrocyte would calm the liquid to 10 Hz
PEERS = {
    "Brian2 standalone": "brian2", "NEST": "nest", "snnTorch": "snntorch", "Norse": "norse", "BindsNET": "bindsnet",
}  # fmt: skip
FEWER_STEPS = {"snnTorch": 100, "Norse": 100, "BindsNET": 100}  # what dense matrices do in a second or two
# Ours, one thread, as a multiple of the contender.
TARGETS = {"minimal loop": 1 / 1.5, "Brian2 standalone": 2.0, "NEST": 25.0, "snnTorch": 100.0, "Norse": 100.0}
OURS, TWO_THREADS, ONE_THREAD = "reservoirs", "reservoirs, 64 samples, 2 threads", "reservoirs, 64 samples, 1 thread"
TARGETS[TWO_THREADS] = 1.8
LEARNING_PEERS = ("Brian2 standalone", "NEST")
LEARNING_TARGETS = {
    "STDP": {1000: {"Brian2 standalone": 5.0, "NEST": 25.0}, 8000: {"Brian2 standalone": 4.0, "NEST": 25.0}},
    "NALSM": {1000: {}, 8000: {"plain loop": 3.0}},
}


@dataclass
class Contender:
    """A way to run the workload: ``run()`` returns the seconds it took and every unit's spike count (or None)."""

    run: Callable[[], tuple[float, np.ndarray | None]]
    n_steps: int
    n_samples: int = 1
    bytes_an_event: float | None = None


def workload(n_units: int, n_steps: int) -> dict[str, Any]:
    """Draw weights and input spikes; synapses are grouped by the unit they come from, targets ascending."""
    rng = np.random.default_rng(n_units)
    fan_out = min(FAN_OUT, n_units // 2)
    rows = [np.sort(rng.choice(n_units - 1, fan_out, replace=False, shuffle=False)) for _ in range(n_units)]
    target = np.concatenate([row + (row >= j) for j, row in enumerate(rows)])
    mean = np.where(np.arange(n_units) < round(0.8 * n_units), EXCITATION, INHIBITION) * FAN_OUT / fan_out
    from_input, target_in = np.nonzero(rng.random((N_INPUTS, n_units)) < INPUT_SHARE)
    step, channel = np.nonzero(rng.random((n_steps, N_INPUTS)) < INPUT_RATE)
    return {
        "n_units": n_units,
        "start": np.arange(n_units + 1) * fan_out,
        "target": target.astype(np.int32),
        "weight": (np.repeat(mean, fan_out) * rng.uniform(0.5, 1.5, len(target))).astype(np.float32),
        "start_in": np.searchsorted(from_input, np.arange(N_INPUTS + 1)).astype(np.int64),
        "target_in": target_in.astype(np.int32),
        "weight_in": (INPUT_WEIGHT * rng.uniform(0.5, 1.5, len(target_in))).astype(np.float32),
        "input_start": np.searchsorted(step, np.arange(n_steps + 1)).astype(np.int64),
        "input": channel.astype(np.int32),
        "decay": DECAY,
        "gain": GAIN,
        "current_decay": CURRENT_DECAY,
        "threshold": THRESHOLD,
        "refractory": REFRACTORY,
    }


# What minimal_stdp.cpp takes, in its order.
LEARNING = {"a_plus": 2e-3, "a_minus": 2.1e-3, "trace_step": 1.0, "trace_decay": float(np.exp(-1 / 20)), "w_max": 0.4}
ASTROCYTE = {"astro_rate": 0.0, "astro_units": 0.0, "astro_inputs": 0.0, "astro_bias": 0.0}
WHICH = {"n_excitatory": 0, "plastic_inhibitory": 0, "plastic_input": 0}


def stdp_workload(n_units: int, n_steps: int) -> dict[str, Any]:
    """Draw the workload with excitatory synapses that learn."""
    work = workload(n_units, n_steps)
    n_exc = round(0.8 * n_units)
    work["weight"] = np.minimum(work["weight"], LEARNING["w_max"]).astype(np.float32)
    return {**work, **LEARNING, **ASTROCYTE, **WHICH, "n_excitatory": n_exc, "hold": 1}


def nalsm_workload(n_units: int, n_steps: int) -> dict[str, Any]:
    """Draw the paper's network as it is after learning, roughly: weights, inputs and rates of MNIST."""
    rng = np.random.default_rng(n_units)
    side = round(n_units ** (1 / 3))
    n_exc = round(0.8 * n_units)
    start, target = Column((side, side, side)).edges(n_exc, rng)
    n_units = side**3
    sizes = np.repeat(np.where(np.arange(n_units) < n_exc, 1.6, -1.5), np.diff(start))
    pairs = np.sort(rng.choice(N_INPUTS * n_units, int(0.15 * N_INPUTS * n_units), replace=False, shuffle=False))
    from_input, target_in = np.divmod(pairs, n_units)
    active = np.sort(rng.choice(N_INPUTS, 150, replace=False))
    step, which = np.nonzero(rng.random((n_steps, len(active))) < 17 / len(active))
    return {
        "n_units": n_units,
        "start": start.astype(np.int64),
        "target": target.astype(np.int32),
        "weight": (sizes * rng.uniform(0, 2, len(target))).clip(-3, 3).astype(np.float32),
        "start_in": np.searchsorted(from_input, np.arange(N_INPUTS + 1)).astype(np.int64),
        "target_in": target_in.astype(np.int32),
        "weight_in": rng.choice(np.array([-2.9, 2.9], np.float32), len(pairs)),
        "input_start": np.searchsorted(step, np.arange(n_steps + 1)).astype(np.int64),
        "input": active[which].astype(np.int32),
        "decay": 63 / 64,
        "gain": 1.0,
        "current_decay": float(np.exp(-1)),
        "threshold": 20.0,
        "refractory": 2,
        "hold": 0,
        "a_plus": 0.15,
        "a_minus": 0.15,
        "trace_step": 0.1,
        "trace_decay": float(np.exp(-1 / 10)),
        "w_max": 3.0,
        "astro_rate": 0.01,
        "astro_units": 15 / n_units,
        "astro_inputs": 15 / n_units,
        "astro_bias": 0.15,
        "n_excitatory": n_exc,
        "plastic_inhibitory": 1,
        "plastic_input": 1,
    }


def run_plain(library: ctypes.CDLL, work: dict[str, Any], n_steps: int) -> Callable[[], tuple[np.ndarray, int]]:
    """Return a task that runs the straightforward loop that learns; it returns counts and the synaptic events."""
    real = ("decay", "gain", "current_decay", "threshold")
    names = [*real, "refractory", "hold", *LEARNING, *ASTROCYTE, *WHICH]
    types = [ctypes.c_int32 if name in ("refractory", "hold", *WHICH) else ctypes.c_float for name in names]
    constants = type("Constants", (ctypes.Structure,), {"_fields_": list(zip(names, types, strict=True))})(
        *(kind(work[name]) for name, kind in zip(names, types, strict=True))
    )
    groups, keep = [], []
    for end in ("", "_in"):
        target = work["target" + end]
        order = np.argsort(target, kind="stable").astype(np.uint32)
        source = np.repeat(np.arange(len(work["start" + end]) - 1), np.diff(work["start" + end])).astype(np.uint16)
        into = np.searchsorted(target[order], np.arange(work["n_units"] + 1)).astype(np.int64)
        weights = work["weight" + end].copy()
        group = [work["start" + end].astype(np.int64), target.astype(np.uint16), weights, into, order, source[order]]
        keep.append((weights, work["weight" + end], group))
        groups += [array.ctypes.data for array in group]
    inputs = [work["input_start"], work["input"]]
    table = (ctypes.c_void_p * len(groups))(*groups)

    def task() -> tuple[np.ndarray, int]:
        for weights, drawn, _ in keep:
            weights[:] = drawn
        counts = np.zeros(work["n_units"], np.int32)
        events = library.run_stdp(
            ctypes.c_int64(work["n_units"]),
            ctypes.c_int64(N_INPUTS),
            table,
            ctypes.byref(constants),
            ctypes.c_int64(n_steps),
            *(array.ctypes.data_as(ctypes.c_void_p) for array in [*inputs, counts]),
        )
        return counts, events

    return task


def timed(task: Callable[[], np.ndarray | None]) -> Callable[[], tuple[float, np.ndarray | None]]:
    """Return a task that also tells its seconds."""

    def run() -> tuple[float, np.ndarray | None]:
        begin = time.perf_counter()
        counts = task()
        return time.perf_counter() - begin, counts

    return run


def compile_minimal(folder: str, name: str = "liquid") -> ctypes.CDLL:
    """Compile a yardstick for this machine."""
    library = Path(folder) / f"minimal_{name}.so"
    command = [os.environ.get("CXX", "g++"), "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(HERE / f"minimal_{name}.cpp")], check=True)
    minimal = ctypes.CDLL(str(library))
    getattr(minimal, f"run_{name}").restype = ctypes.c_int64
    return minimal


def run_minimal(minimal: ctypes.CDLL, work: dict[str, Any], n_steps: int) -> Callable[[], tuple[np.ndarray, int]]:
    """Return a task that runs the minimal loop and returns counts and the number of synaptic events."""
    integer, real = ctypes.c_int64, ctypes.c_float
    narrow = {name: work[name].astype(np.uint16) for name in ("target", "target_in")}
    arrays = [
        narrow.get(name, work[name]) for name in ("start", "target", "weight", "start_in", "target_in", "weight_in")
    ]
    inputs = [work["input_start"], work["input"]]

    def address(array: np.ndarray) -> ctypes.c_void_p:
        return array.ctypes.data_as(ctypes.c_void_p)

    def task() -> tuple[np.ndarray, int]:
        counts = np.zeros(work["n_units"], np.int32)
        events = minimal.run_liquid(
            integer(work["n_units"]),
            *map(address, arrays),
            *map(real, (DECAY, GAIN, CURRENT_DECAY, THRESHOLD)),
            ctypes.c_int32(REFRACTORY),
            integer(n_steps),
            *map(address, [*inputs, counts]),
        )
        return counts, events

    return task


def our_liquid(work: dict[str, Any], narrow: bool) -> Any:
    """Return the workload's liquid in our core."""
    n_units = work["n_units"]
    lif = [work["decay"], work["gain"], 0.0, work["threshold"], 0.0, work["refractory"], -np.inf, 0.0, 0.0]
    return _core.Liquid32(
        neuron="lif",
        parameters=np.repeat(np.array(lif, np.float32)[:, None], n_units, axis=1),
        v_init=np.zeros(n_units, np.float32),
        hold=bool(work.get("hold", True)),
        synapse="exponential",
        decay=np.full((1, n_units), work["current_decay"], np.float32),
        start=work["start"],
        targets=work["target"],
        weights=work["weight"],
        source_channel=np.zeros(n_units, np.uint8),
        input_start=work["start_in"],
        input_targets=work["target_in"],
        input_weights=work["weight_in"],
        narrow=narrow,
    )


def our_learning(work: dict[str, Any]) -> dict[str, Any]:
    """Return what a batch of our core has to know to learn."""
    if "a_plus" not in work:
        return {}
    blocks = [[True] * 2, [bool(work["plastic_inhibitory"])] * 2, [bool(work["plastic_input"])] * 2]
    rule = _core.StdpRule32(**{name: work[name] for name in (*LEARNING, *ASTROCYTE)}, blocks=blocks)
    return {"rules": [rule], "excitatory": (np.arange(work["n_units"]) < work["n_excitatory"]).tolist()}


def events_of(work: dict[str, Any], n_steps: int, n_samples: int) -> tuple[np.ndarray, ...]:
    """Return lengths, offsets, steps and channels: sample s has the input spikes turned round by s/n_samples."""
    ends = work["input_start"]
    step, channel = np.repeat(np.arange(n_steps), np.diff(ends[: n_steps + 1])), work["input"][: ends[n_steps]]
    steps, channels = [], []
    for sample in range(n_samples):
        turned = (step + sample * n_steps // n_samples) % n_steps
        order = np.argsort(turned, kind="stable")
        steps.append(turned[order])
        channels.append(channel[order])
    offsets = np.arange(n_samples + 1) * len(step)
    return (
        np.full(n_samples, n_steps, np.int64),
        offsets.astype(np.int64),
        np.concatenate(steps).astype(np.int32),
        np.concatenate(channels).astype(np.int32),
    )


def ours(work: dict[str, Any], n_steps: int, n_samples: int = 1, n_threads: int = 1, **how: bool) -> Contender:
    """Return our core, with the given events or (``drawn``) with spikes that it draws itself."""
    liquid = our_liquid(work, how.get("narrow", False))
    none, learning = np.empty(0, np.int32), our_learning(work)
    batch = _core.LiquidBatch32(
        liquid, n_samples, trace_decay=0.0, intervals=False, recorded=none, watched=none, **learning
    )
    events = events_of(work, n_steps, n_samples)
    rates = (events[0], np.full((n_samples, N_INPUTS), INPUT_RATE), 0)
    ends = np.stack([np.arange(n_samples), np.full(n_samples, n_steps - 1)], axis=1).astype(np.int64)
    counts = np.empty((n_samples, work["n_units"]), np.float32)

    def task() -> np.ndarray | None:
        if how.get("drawn"):
            batch.begin_rates(*rates)
        else:
            batch.begin_events(*events)
        batch.advance(n_steps, ends, counts, None, None, n_threads=n_threads)
        return None if how.get("drawn") else counts[0].copy()

    return Contender(timed(task), n_steps, n_samples, 3 if how.get("narrow") else 6)


@contextlib.contextmanager
def peer(name: str, python: str, path: str, n_steps: int) -> Iterator[Contender | None]:
    """Keep one peer's process; None if its library is not there."""
    command = [python, str(HERE / "liquid_peers.py"), PEERS[name], path, str(n_steps)]
    if subprocess.run([python, "-c", f"import {PEERS[name]}"], capture_output=True).returncode:
        print(f"# {name} does not import in {python}: see --help")
        yield None
        return
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | one_thread
        ) as process,
    ):
        assert process.stdin
        assert process.stdout

        def run() -> tuple[float, np.ndarray]:
            print("run", file=process.stdin, flush=True)
            line = process.stdout.readline()
            if not line:
                log.seek(0)
                raise RuntimeError(f"{name} failed:\n{log.read()[-3000:]}")
            answer = json.loads(line)
            return answer["seconds"], np.array(answer["counts"])

        yield Contender(run, n_steps)


def take_turns(contenders: dict[str, Contender], repetitions: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Return everyone's sample-steps a second in every repetition, run in turn after one warm-up, and spike counts."""
    counts = {name: one.run()[1] for name, one in contenders.items()}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, one in contenders.items():
            rates[name].append(one.n_steps * one.n_samples / one.run()[0])
    return rates, counts


def agreement(counts: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return the correlation of spike counts and the ratio of rates."""
    return {"correlation": float(np.corrcoef(counts, reference)[0, 1]), "rate": float(counts.sum() / reference.sum())}


def row(n_units: int, n_steps: int, repetitions: int, minimal: ctypes.CDLL, python: str | None) -> dict[str, Any]:
    """Time everyone at one size."""
    work = workload(n_units, n_steps)
    reference = run_minimal(minimal, work, n_steps)
    contenders = {
        "minimal loop": Contender(timed(lambda: reference()[0]), n_steps, 1, 6),
        OURS: ours(work, n_steps),
        f"{OURS}, narrow weights": ours(work, n_steps, narrow=True),
        f"{OURS}, drawing its input": ours(work, n_steps, drawn=True),
    }
    threads = {
        ONE_THREAD: ours(work, n_steps // SAMPLES_SHARE, N_SAMPLES),
        TWO_THREADS: ours(work, n_steps // SAMPLES_SHARE, N_SAMPLES, n_threads=2),
    }
    of_samples = compared(work, threads, lambda n: run_minimal(minimal, work, n), OFTEN * repetitions, None, ())
    result = compared(work, contenders, lambda n: run_minimal(minimal, work, n), repetitions, python, tuple(PEERS))
    for name in ("rates", "events a step", "bytes an event", "agreement"):
        result[name] |= of_samples[name]
    return {"row": f"N={n_units}, {n_steps} steps", **result}


def learning_row(
    kind: str, n_units: int, n_steps: int, repetitions: int, library: ctypes.CDLL, python: str | None
) -> dict[str, Any]:
    """Time everyone on a liquid that learns."""
    work = {"STDP": stdp_workload, "NALSM": nalsm_workload}[kind](n_units, n_steps)
    plain = run_plain(library, work, n_steps)
    contenders = {"plain loop": Contender(timed(lambda: plain()[0]), n_steps), OURS: ours(work, n_steps)}
    peers = LEARNING_PEERS if kind == "STDP" else ()
    result = compared(work, contenders, lambda n: run_plain(library, work, n), repetitions, python, peers)
    return {"row": f"{kind}, N={work['n_units']}, {n_steps} steps", **result}


def compared(
    work: dict[str, Any],
    contenders: dict[str, Contender],
    reference: Callable[[int], Callable[[], tuple[np.ndarray, int]]],
    repetitions: int,
    python: str | None,
    peers: tuple[str, ...],
) -> dict[str, Any]:
    """Let contenders and peers take turns, and hold their counts against the reference's."""
    n_steps = next(iter(contenders.values())).n_steps
    with contextlib.ExitStack() as stack:
        if python:
            path = f"{stack.enter_context(tempfile.TemporaryDirectory())}/workload.npz"
            np.savez(path, **work)
            for name in peers:
                one = stack.enter_context(peer(name, python, path, FEWER_STEPS.get(name, n_steps)))
                if one:
                    contenders[name] = one
        rates, counts = take_turns(contenders, repetitions)
    of_steps = {one.n_steps: reference(one.n_steps)() for one in contenders.values()}
    return {
        "Hz": float(of_steps[n_steps][0].mean() / n_steps * 1000),
        "rates": rates,
        "events a step": {name: of_steps[one.n_steps][1] / one.n_steps for name, one in contenders.items()},
        "bytes an event": {name: one.bytes_an_event for name, one in contenders.items()},
        "agreement": {
            name: agreement(of_name, of_steps[contenders[name].n_steps][0])
            for name, of_name in counts.items()
            if of_name is not None
        },
    }


def told(agreed: dict[str, float] | None) -> str:
    """Return the cell that tells how well spike counts agree."""
    if agreed is None:
        return "own spikes"
    good = agreed["correlation"] >= 0.99 and abs(agreed["rate"] - 1) <= 0.03
    return f"{agreed['correlation']:.4f}, {agreed['rate'] - 1:+.1%}{'' if good else ' DIFFERS'}"


def wanted(name: str, rates: dict[str, list[float]], targets: dict[str, float]) -> tuple[str, str]:
    """Return the cells of ours over this contender (two threads: over one, at their fastest) and of what is wanted."""
    if name == TWO_THREADS:
        ratio = max(rates[name]) / max(rates[ONE_THREAD])
    else:
        ratio = float(np.median(rates[OURS]) / np.median(rates[name]))
    target = targets.get(name)
    mark = f">= {target:.3g} {'met' if ratio >= target else 'MISSED'}" if target else ""
    return f"{ratio:.2f} x", mark


def report(result: dict[str, Any], targets: dict[str, float]) -> None:
    """Print the table of one size."""
    print(f"\n## {result['row']}, {result['Hz']:.1f} Hz (steps/s; of several samples, all their steps)\n")
    print("| | median | lowest | highest | M events/s | ns/event | bytes/event | counts | ours to it | wanted |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, values in result["rates"].items():
        middle = float(np.median(values))
        events = middle * result["events a step"][name]
        cells = [
            name,
            *(f"{value:,.0f}" for value in (middle, min(values), max(values))),
            f"{events / 1e6:,.1f}",
            f"{1e9 / events:.3g}",
            f"{result['bytes an event'][name] or ''}",
            told(result["agreement"].get(name)),
            *wanted(name, result["rates"], targets),
        ]
        print(f"| {' | '.join(cells)} |")


def main(argv: list[str] | None = None) -> None:
    """Run both sizes and print the tables."""
    parser = results.parser(__doc__)
    parser.add_argument("--peers-python", metavar="PATH", help="interpreter that has the other libraries")
    parser.add_argument("--learning", action="store_true", help="only the liquids that learn")
    options = parser.parse_args(argv)
    sizes = ((200, 200), (1000, 200)) if options.quick else ((1000, 5000), (8000, 2000))
    python, repetitions = options.peers_python, 3 if options.quick else 7
    kept = results.kept("liquid_speed", options, f"{repetitions} repetitions")
    with kept as figures, tempfile.TemporaryDirectory() as folder:
        minimal, plain = compile_minimal(folder), compile_minimal(folder, "stdp")
        rows = figures["results"] = []
        for n_units, n_steps in sizes if not options.learning else ():
            rows.append(row(n_units, n_steps, repetitions, minimal, python))
            report(rows[-1], {} if options.quick else TARGETS)
        for kind, targets in LEARNING_TARGETS.items():
            for n_units, n_steps in sizes:
                steps = min(n_steps, SAMPLE_STEPS) if kind == "NALSM" else n_steps
                rows.append(learning_row(kind, n_units, steps, repetitions, plain, python))
                report(rows[-1], {} if options.quick else targets[n_units])


if __name__ == "__main__":
    main()
