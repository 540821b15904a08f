"""What this machine can do, and what share of it our loops reach.

    python -m bench.roofline [--quick] [--output FOLDER]

Probes (bench/roofline_probe.cpp, compiled here by g++ -O3 -march=native) measure loads from buffers of the first
cache, the second, the third and memory, fused multiply-adds, loads from scattered places (the fastest of three ways:
one by one, loads and inserts, the gather instruction) and of whole groups of lanes, sums at scattered places, and
visits of plastic synapses, on one thread and on all. Each of our loops is then timed and held against what it cannot
do without: the longest of these times is its limit, and our share is that time divided by ours.

- Loads are counted at the speed of a buffer as large as what the loop reads in a step: weights and seven numbers a
  unit. Strips are what a blocked step does for its links: weights in order, each times a state from any place.
- A liquid that learns visits a plastic synapse when its source spikes and when its target does, and delivers through
  others: one after the other, so these times are added up.
- What a step does besides its links (inputs, tanh, leak) is timed as the same step of a network without links, what a
  liquid does besides events as the liquid without input: no bound of the machine, so where that is the limit the share
  tells what links cost above it. The last column, "in turn", is the share of a step that does its links at their limit
  and all else after them.

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
        command = [os.environ.get("CXX", "g++"), "-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-pthread"]
        subprocess.run([*command, "-w", "-o", str(library), str(HERE / "roofline_probe.cpp")], check=True)
        self._library = ctypes.CDLL(str(library))
        self._seconds = seconds

    def rate(self, name: str, *size: int, n_threads: int = 1) -> float:
        """Return what a probe gives, in units a second of all threads."""
        probe = getattr(self._library, f"probe_{name}")
        probe.restype = ctypes.c_double
        return float(probe(*map(ctypes.c_int64, size), ctypes.c_double(self._seconds), ctypes.c_int(n_threads)))

    def limits(
        self, n_units: int, links: int, dtype: str, n_sequences: int, n_threads: int, blocked: bool = False
    ) -> Limits:
        """Return the seconds of a step of all sequences for nothing but arithmetic, and for nothing but loads."""
        bits = int(dtype[-2:])
        of_weights, dense = links * bits // 8, links > n_units**2 // 2
        # Bias, input weight, leak, what is kept, the state before, the same as carried, and after.
        of_step = of_weights + 7 * n_units * bits // 8

        def rate(probe: str, *sizes: int) -> float:
            return self.rate(probe, *sizes, n_threads=n_threads)

        limits: Limits = {"multiply-adds": lambda: links * n_sequences / rate(f"multiply_adds{bits}")}
        if not dense and n_sequences > 1:
            # Lanes go in groups of 128 bytes a unit.
            limits["scattered lanes"] = lambda: of_weights * n_sequences / (128 * rate("scattered_lanes", n_units))
        elif blocked:
            limits["strips"] = lambda: links / rate(f"strips{bits}", n_units, links)
        elif n_sequences == 1:
            limits["loads"] = lambda: of_step / rate("loads", of_step)
        if not dense and not blocked and n_sequences == 1:
            limits["scattered loads"] = lambda: links / rate(f"scattered_loads{bits}", n_units)
        return limits

    def figures(self, n_threads: int) -> dict[str, float]:
        """Return everything there is to know, in thousand millions a second."""
        probes: dict[str, tuple[Any, ...]] = {f"GB/s, {name}": ("loads", size) for name, size in SIZES.items()}
        for bits in (32, 64):
            probes[f"multiply-adds, float{bits}"] = (f"multiply_adds{bits}",)
            probes[f"scattered loads, float{bits}, of 1000"] = (f"scattered_loads{bits}", 1000)
            probes[f"strips, float{bits}, 10,000 of 1000"] = (f"strips{bits}", 1000, 10_000)
        probes["scattered lanes, 128 bytes, of 1000"] = ("scattered_lanes", 1000)
        probes["scattered sums, 100,000 of 1000"] = ("scattered_sums", 1000, 100_000)
        probes["visits of plastic synapses as sources spike"] = ("plastic_visits", 1000, 100_000)
        probes["visits of plastic synapses as targets spike"] = ("entering_visits", 1000, 100_000)
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
        self, name: str, n_units: int, dtype: str, n_sequences: int, n_threads: int, **params: Any
    ) -> dict[str, Any]:
        """Time a step of all sequences."""
        esn = EchoStateNetwork(n_units, dtype=dtype, random_state=0, **params).fit(np.zeros((2, 1)))
        none = unlinked(n_units, dtype)
        links = int((esn.W_ != 0).sum())
        n_steps = max(20, 400_000_000 // (self.scale * links * n_sequences))
        blocked = params.get("topology") == "blocked"
        limits = self.machine.limits(n_units, links, dtype, n_sequences, n_threads, blocked)
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
        n_exc = work["n_excitatory"] if learning else 0
        fan_out = np.diff(work["start"])
        leaving = int(np.dot(counts[:n_exc], fan_out[:n_exc]))
        of_plastic = work["target"][: fan_out[:n_exc].sum()]
        entering = int(np.dot(counts, np.bincount(of_plastic, minlength=n_units)))

        def visits() -> float:
            of_sums = (events - leaving) / self.machine.rate("scattered_sums", n_units, len(work["target"]))
            if not learning:
                return of_sums / events
            of_sources = leaving / self.machine.rate("plastic_visits", n_units, len(of_plastic))
            of_targets = entering / self.machine.rate("entering_visits", n_units, len(of_plastic))
            return (of_sums + of_sources + of_targets) / events

        def an_event(run: Callable[[], object]) -> Callable[[], float]:
            return lambda: busy(run) / events

        limits = {
            "visits" if learning else "scattered sums": visits,
            # An address of 2 bytes and a weight of 4.
            "loads": lambda: 6 / self.machine.rate("loads", 6 * len(work["target"])),
            "all but links": an_event(liquid_speed.ours(silent, n_steps).run),
        }
        name = "STDP visit" if learning else "liquid step"
        return self.row(f"{name}, N={n_units}, an event", 1, limits, an_event(liquid_speed.ours(work, n_steps).run))

    def row(self, name: str, n_threads: int, limits: Limits, ours: Callable[[], float]) -> dict[str, Any]:
        """Let limits and our loop take turns."""
        ours()
        turns = [{of: limit() for of, limit in limits.items()} | {"ours": ours()} for _ in range(self.repetitions)]
        seconds = {of: np.array([turn[of] for turn in turns]) for of in turns[0]}
        of_links = [of for of in limits if of != "all but links"]
        limit = max(limits, key=lambda of: float(np.median(seconds[of])))
        links = max(of_links, key=lambda of: float(np.median(seconds[of])))
        return {
            "row": name,
            "threads": n_threads,
            "seconds": {of: each.tolist() for of, each in seconds.items()},
            "limit": limit,
            "share": (seconds[limit] / seconds["ours"]).tolist(),
            "in turn": ((seconds[links] + seconds["all but links"]) / seconds["ours"]).tolist(),
        }

    def rows(self, folder: str) -> list[dict[str, Any]]:
        """Return all rows."""
        n, rows = max(48, 1000 // self.scale), []
        n_all = os.cpu_count() or 1
        for dtype in ("float32", "float64"):
            rows += [
                self.network_row(f"sparse step, N={n}, 10 links a unit", n, dtype, 1, 1),
                self.network_row(f"blocked step, N={n}, 10 links a unit", n, dtype, 1, 1, topology="blocked"),
                self.network_row(f"dense step, N={n}", n, dtype, 1, 1, connectivity=1.0),
                self.network_row(f"lockstep batch of 64, N={n}, 10 links a unit", n, dtype, 64, 1),
                self.network_row(f"lockstep batch of 64, N={n}, 10 links a unit", n, dtype, 64, n_all),
                self.network_row(f"lockstep batch of 64, N={n}, dense", n, dtype, 64, 1, connectivity=1.0),
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
    print("\n## Our loops\n\n| | threads | limit | at best | ours | share | wanted | in turn |")
    print("|---|---|---|---|---|---|---|---|")
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
            f"{np.median(result['in turn']):.0%}",
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
