"""What this machine can do, and what share of it our loops reach.

    python -m bench.roofline [--quick] [--output FOLDER]

Probes (bench/roofline_probe.cpp, compiled here by g++ -O3 -march=native) measure loads from buffers of the first
cache, the second, the third and memory, fused multiply-adds, and loads from scattered places (the fastest of three
ways: one by one, loads and inserts, the gather instruction), on one thread and on all. Others do what a loop cannot do
without, and nothing else. Each of our loops is timed and held against these: the longest of their times is its limit,
and our share is that time divided by ours.

- Links are a step of as many units and links without activations, leak and calls: it loads places, weights and states,
  and for every unit a bias and an input weight, and stores a state. Links come from scattered places,
  as strips (weights in order, each 16 of them with 16 states that begin a cache line), or as lanes (groups of 128 bytes
  a unit). Dense weights are loads of a buffer as large as they and four numbers a unit.
- Deliveries are those of a liquid of the same synapses, rates and inputs, row after row in random order, without its
  units. In one that learns, a plastic synapse is visited when its source spikes and when its target does, one after the
  other, so these times are added up.
- What a step does besides its links (inputs, tanh, leak) is timed as the same step of a network without links, what a
  liquid does besides events as the liquid without input: no bound of the machine, so where that is the limit the share
  tells what links cost above it.

Times are those in which a thread has a processor, so that other work on the machine counts less. The speed of a
virtual machine changes from second to second, so limits and our loop take turns: a share is that of two times of the
same turn. A figure is the median of the turns; in brackets the lowest and the highest.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bench import liquid_speed, results
from reservoirs import EchoStateNetwork

HERE = Path(__file__).parent
SIZES = {"L1, 24 KB": 24 << 10, "L2, 512 KB": 512 << 10, "L3, 8 MB": 8 << 20, "memory, 256 MB": 256 << 20}
WANTED = 0.7
FORMS: dict[str, dict[str, Any]] = {"random": {}, "blocked": {"topology": "blocked"}, "dense": {"connectivity": 1.0}}
Limits = dict[str, Callable[[], float]]


class Machine:
    """The probes.

    Parameters
    ----------
    folder : str
        Where they are compiled.
    seconds : float
        How long each runs.
    """

    def __init__(self, folder: str, seconds: float) -> None:
        library = Path(folder) / "roofline_probe.so"
        # Tuned for any processor, as the package is: GCC 12 makes slower loads for Zen 5, which it takes for Zen 3.
        how = ["-O3", "-march=native", "-mtune=generic", "-std=c++17", "-shared", "-fPIC", "-pthread"]
        command = [os.environ.get("CXX", "g++"), *how]
        subprocess.run([*command, "-w", "-o", str(library), str(HERE / "roofline_probe.cpp")], check=True)
        self._library = ctypes.CDLL(str(library))
        self._seconds = seconds

    def rate(self, name: str, *size: int, n_threads: int = 1) -> float:
        """Return what a probe gives, in units a second of all threads."""
        return float(self._probe(name)(*map(ctypes.c_int64, size), *self._how(n_threads)))

    def visits(self, name: str, start: np.ndarray, targets: np.ndarray, spikes: np.ndarray, n_units: int) -> float:
        """Return the synapses a second that a probe visits as these spikes come, in rows from `start` on."""
        arrays: list[np.ndarray] = [
            np.ascontiguousarray(start, dtype=np.int64),
            np.ascontiguousarray(targets, dtype=np.uint16),
        ]
        rows = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        order: np.ndarray = np.ascontiguousarray(spikes, dtype=np.int32)
        sizes = [ctypes.c_int64(n) for n in (len(start) - 1, len(order), n_units)]
        spiked = order.ctypes.data_as(ctypes.c_void_p)
        return float(self._probe(name)(*rows, sizes[0], spiked, *sizes[1:], *self._how(1)))

    def _probe(self, name: str) -> Any:
        probe = getattr(self._library, f"probe_{name}")
        probe.restype = ctypes.c_double
        return probe

    def _how(self, n_threads: int) -> tuple[Any, Any]:
        return ctypes.c_double(self._seconds), ctypes.c_int(n_threads)

    def limits(self, n_units: int, links: int, dtype: str, n_sequences: int, n_threads: int, form: str) -> Limits:
        """Return the seconds of a step of all sequences for nothing but each thing it cannot do without."""
        bits = int(dtype[-2:])

        def rate(probe: str, *sizes: int) -> float:
            return self.rate(probe, *sizes, n_threads=n_threads)

        limits: Limits = {"multiply-adds": lambda: links * n_sequences / rate(f"multiply_adds{bits}")}
        if form == "random" and n_sequences > 1:
            groups = n_sequences * bits // 8 / 128
            limits["lanes"] = lambda: links * groups / rate(f"scattered_lanes{bits}", n_units, links)
        elif form == "blocked":
            limits["strips"] = lambda: links / rate(f"strips{bits}", n_units, links)
        elif form == "random":
            limits["scattered loads alone"] = lambda: links / rate(f"scattered_loads{bits}", n_units)
            limits["scattered links"] = lambda: links / rate(f"scattered_links{bits}", n_units, links)
        elif n_sequences == 1:
            # Bias, input weight, the state before, the same as what is kept, and after.
            size = (links + 4 * n_units) * bits // 8
            limits["loads"] = lambda: size / rate("loads", size)
        return limits

    def figures(self, n_threads: int) -> dict[str, float]:
        """Return everything there is to know, in thousand millions a second."""
        probes: dict[str, tuple[Any, ...]] = {f"GB/s, {name}": ("loads", size) for name, size in SIZES.items()}
        for bits in (32, 64):
            probes[f"multiply-adds, float{bits}"] = (f"multiply_adds{bits}",)
            probes[f"scattered loads, float{bits}, of 1000"] = (f"scattered_loads{bits}", 1000)
            links = {"links": "scattered_links", "strips": "strips", "lanes of 128 bytes": "scattered_lanes"}
            for name, probe in links.items():
                probes[f"{name}, float{bits}, 10 a unit of 1000"] = (f"{probe}{bits}", 1000, 10_000)
        return {
            name: float(np.median([self.rate(*probe, n_threads=n_threads) for _ in range(5)])) / 1e9
            for name, probe in probes.items()
        }


class Bench:
    """Our loops beside the machine.

    Parameters
    ----------
    machine : Machine
    scale : int
        What numbers of steps are divided by.
    repetitions : int
    """

    def __init__(self, machine: Machine, scale: int, repetitions: int) -> None:
        self.machine = machine
        self.scale = scale
        self.repetitions = repetitions

    def network_row(
        self, name: str, n_units: int, dtype: str, n_sequences: int, n_threads: int, form: str = "random"
    ) -> dict[str, Any]:
        """Time a step of all sequences."""
        esn = EchoStateNetwork(n_units, dtype=dtype, random_state=0, **FORMS[form]).fit(np.zeros((2, 1)))
        none = unlinked(n_units, dtype)
        links = int((esn.W_ != 0).sum())
        n_steps = max(20, 400_000_000 // (self.scale * links * n_sequences))
        limits = self.machine.limits(n_units, links, dtype, n_sequences, n_threads, form)
        limits["all but links"] = steps(none, n_steps, n_sequences, n_threads)
        return self.row(f"{name}, {dtype}", n_threads, limits, steps(esn, n_steps, n_sequences, n_threads))

    def liquid_row(self, folder: str, learning: bool) -> dict[str, Any]:
        """Time a liquid of bench.liquid_speed: what a synaptic event costs, all else included."""
        n_units, n_steps = max(200, 1000 // self.scale), 2000 // self.scale
        work = (liquid_speed.stdp_workload if learning else liquid_speed.workload)(n_units, n_steps)
        minimal = liquid_speed.compile_minimal(folder, "stdp" if learning else "liquid")
        yardstick = liquid_speed.run_plain if learning else liquid_speed.run_minimal
        counts, events = yardstick(minimal, work, n_steps)()
        silent = work | {"input": work["input"][:0], "input_start": np.zeros_like(work["input_start"])}
        spikes = np.random.default_rng(0).choice(n_units, 10_000, p=counts / counts.sum())
        start, target = work["start"], work["target"]
        n_exc = work["n_excitatory"] if learning else 0
        learn, fixed = spikes[spikes < n_exc], spikes[spikes >= n_exc]
        plastic = slice(0, start[n_exc])
        fan_out = np.diff(start)
        of_inputs = int(np.diff(work["start_in"])[work["input"]].sum())
        # How many synapses are visited in the whole run, and as which spikes come.
        kinds: list[tuple[Any, ...]] = [
            (of_inputs, "delivery", work["start_in"], work["target_in"], work["input"]),
            (int(np.dot(counts[n_exc:], fan_out[n_exc:])), "delivery", start, target, fixed),
        ]
        if learning:
            leaving = int(np.dot(counts[:n_exc], fan_out[:n_exc]))
            entering = int(np.dot(counts, np.bincount(target[plastic], minlength=n_units)))
            kinds.append((leaving, "plastic_delivery", start[: n_exc + 1], target[plastic], learn))
            kinds.append((entering, "entering_visits", start[: n_exc + 1], target[plastic], spikes))

        def visits() -> float:
            seconds = 0.0
            for n, probe, begin, to, as_spiked in kinds:
                seconds += n / self.machine.visits(probe, begin, to, as_spiked, n_units)
            return seconds / events

        def an_event(run: Callable[[], object]) -> Callable[[], float]:
            def seconds() -> float:
                run()  # What it is held against has gone round for a while, too.
                return busy(run) / events

            return seconds

        limits = {
            "visits" if learning else "deliveries": visits,
            "all but links": an_event(liquid_speed.ours(silent, n_steps).run),
        }
        name = "STDP visit" if learning else "liquid step"
        return self.row(f"{name}, N={n_units}, an event", 1, limits, an_event(liquid_speed.ours(work, n_steps).run))

    def row(self, name: str, n_threads: int, limits: Limits, ours: Callable[[], float]) -> dict[str, Any]:
        """Let limits and our loop take turns."""
        ours()
        turns = [{of: limit() for of, limit in limits.items()} | {"ours": ours()} for _ in range(self.repetitions)]
        seconds = {of: np.array([turn[of] for turn in turns]) for of in turns[0]}
        limit = max(limits, key=lambda of: float(np.median(seconds[of])))
        return {
            "row": name,
            "threads": n_threads,
            "seconds": {of: each.tolist() for of, each in seconds.items()},
            "limit": limit,
            "share": (seconds[limit] / seconds["ours"]).tolist(),
        }

    def rows(self, folder: str) -> list[dict[str, Any]]:
        """Return all rows."""
        n, rows = max(48, 1000 // self.scale), []
        n_all = os.cpu_count() or 1
        for dtype in ("float32", "float64"):
            rows += [
                self.network_row(f"sparse step, N={n}, 10 links a unit", n, dtype, 1, 1),
                self.network_row(f"blocked step, N={n}, 10 links a unit", n, dtype, 1, 1, "blocked"),
                self.network_row(f"dense step, N={n}", n, dtype, 1, 1, "dense"),
                self.network_row(f"lockstep batch of 64, N={n}, 10 links a unit", n, dtype, 64, 1),
                self.network_row(f"lockstep batch of 64, N={n}, 10 links a unit", n, dtype, 64, n_all),
                self.network_row(f"lockstep batch of 64, N={n}, dense", n, dtype, 64, 1, "dense"),
            ]
        return [*rows, self.liquid_row(folder, learning=False), self.liquid_row(folder, learning=True)]


def busy(task: Callable[[], object]) -> float:
    """Return the seconds of processors that a call takes."""
    begin = time.process_time()
    task()
    return time.process_time() - begin


def unlinked(n_units: int, dtype: str) -> EchoStateNetwork:
    """Return a network without links."""
    none = sparse.csr_array((n_units, n_units))
    return EchoStateNetwork(dtype=dtype, random_state=0, topology=none, spectral_radius=None).fit(np.zeros((2, 1)))


def steps(esn: Any, n_steps: int, n_sequences: int, n_threads: int) -> Callable[[], float]:
    """Return what times a step of sequences side by side, without a place to put their states."""
    dtype, n_units = esn.W_.dtype, len(esn.bias_)
    inputs = np.random.default_rng(0).uniform(-1, 1, (n_steps * n_sequences, 1)).astype(dtype)
    begin = np.arange(n_sequences) * n_steps
    stretches = np.column_stack([begin, begin + n_steps, begin + n_steps, 0 * begin]).astype(np.int64)
    states = np.zeros((n_sequences, n_units), dtype)
    task = partial(esn._network_.harvest, inputs, stretches, states, n_threads=n_threads)
    return lambda: busy(task) / (n_steps * n_threads)


def report(machine: Machine, rows: list[dict[str, Any]]) -> None:
    """Print both tables."""
    n_all = os.cpu_count() or 1
    one, every = machine.figures(1), machine.figures(n_all)
    print(f"\n## The machine, thousand millions a second\n\n| | 1 thread | {n_all} threads |\n|---|---|---|")
    for name, rate in one.items():
        print(f"| {name} | {rate:.3g} | {every[name]:.3g} |")
    print("\n## Our loops\n\n| | threads | limit | at best | ours | share | wanted |")
    print("|---|---|---|---|---|---|---|")
    for result in rows:
        seconds = {of: float(np.median(each)) for of, each in result["seconds"].items()}
        share = np.array(result["share"])
        mark = "met" if np.median(share) >= WANTED else "MISSED"
        cells = [
            result["row"],
            str(result["threads"]),
            result["limit"],
            _time(seconds[result["limit"]]),
            _time(seconds["ours"]),
            f"{np.median(share):.0%} ({share.min():.0%} to {share.max():.0%})",
            f">= {WANTED:.0%} {mark}",
        ]
        print(f"| {' | '.join(cells)} |")
    print("\nWhat each would take for nothing but:")
    for result in rows:
        limits = [f"{of} {_time(float(np.median(each)))}" for of, each in result["seconds"].items() if of != "ours"]
        print(f"- {result['row']}, {result['threads']} threads: {', '.join(limits)}")


def _time(seconds: float) -> str:
    return f"{seconds * 1e9:.3g} ns" if seconds < 1e-6 else f"{seconds * 1e6:.3g} us"


def main(argv: list[str] | None = None) -> None:
    """Run the probes and the loops and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions = 3 if options.quick else 15
    kept = results.kept("roofline", options, f"{repetitions} turns")
    with kept as figures, tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, 0.002 if options.quick else 0.02)
        figures["results"] = Bench(machine, 20 if options.quick else 1, repetitions).rows(folder)
        figures["probes"] = machine.figures(1)
        report(machine, figures["results"])


if __name__ == "__main__":
    main()
