"""What this machine can do, and what share of it our loops reach.

    python -m bench.roofline [--quick] [--output FOLDER]

Probes (bench/roofline_probe.cpp, compiled here by g++ -O3 -march=native) measure loads from buffers of the first
cache, the second, the third and memory, fused multiply-adds, loads from scattered places (the fastest of three ways:
one by one, loads and inserts, the gather instruction) and of whole groups of lanes, sums at scattered places, and
visits of plastic synapses, on one thread and on all. Each of our loops is then timed and held against what it cannot
do without: the longest of these times is its limit, and our share is that time divided by ours. Loads are counted at
the speed of a buffer as large as what the loop reads in a step. What a step does besides its links (inputs, tanh,
leak) is timed as the same step of a network without links: no bound of the machine, so where that is the limit the
share tells what links cost above it. The last column, "in turn", is the share of a step that does its links at their
limit and all else after them.

Times are those in which a thread has a processor, so that other work on the machine counts less. A figure is the median
of several repetitions; in brackets the lowest and the highest.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bench import liquid_speed, results
from reservoirs import EchoStateNetwork

HERE = Path(__file__).parent
SIZES = {"L1, 24 KB": 24 << 10, "L2, 512 KB": 512 << 10, "L3, 8 MB": 8 << 20, "memory, 256 MB": 256 << 20}
WANTED = 0.7


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
        self._known: dict[tuple[Any, ...], float] = {}

    def rate(self, name: str, *size: int, n_threads: int = 1) -> float:
        """Return what a probe gives, in units a second of all threads."""
        key = (name, *size, n_threads)
        if key not in self._known:
            probe = getattr(self._library, f"probe_{name}")
            probe.restype = ctypes.c_double
            sizes = map(ctypes.c_int64, size)
            self._known[key] = probe(*sizes, ctypes.c_double(self._seconds), ctypes.c_int(n_threads))
        return self._known[key]

    def limits(
        self, n_units: int, links: int, dtype: str, n_sequences: int, n_threads: int, blocked: bool = False
    ) -> dict[str, float]:
        """Return the seconds of a step of all sequences for nothing but arithmetic, and for nothing but loads."""
        bits = int(dtype[-2:])
        of_weights, dense = links * bits // 8, links > n_units**2 // 2

        def rate(probe: str, *sizes: int) -> float:
            return self.rate(probe, *sizes, n_threads=n_threads)

        limits = {"multiply-adds": links * n_sequences / rate(f"multiply_adds{bits}")}
        if dense and n_sequences == 1:
            limits["loads"] = of_weights / rate("loads", of_weights)
        elif not dense and n_sequences > 1:
            # Lanes go in groups of 128 bytes a unit.
            limits["scattered lanes"] = of_weights * n_sequences / (128 * rate("scattered_lanes", n_units))
        elif blocked:
            limits["loads"] = 2 * of_weights / rate("loads", of_weights)
        elif not dense:
            limits["scattered loads"] = links / rate(f"scattered_loads{bits}", n_units)
        return limits

    def figures(self, n_threads: int) -> dict[str, float]:
        """Return everything there is to know, in thousand millions a second."""
        of = {f"GB/s, {name}": self.rate("loads", size, n_threads=n_threads) for name, size in SIZES.items()}
        for bits in (32, 64):
            of[f"multiply-adds, float{bits}"] = self.rate(f"multiply_adds{bits}", n_threads=n_threads)
            of[f"scattered loads, float{bits}, of 1000"] = self.rate(
                f"scattered_loads{bits}", 1000, n_threads=n_threads
            )
        of["scattered lanes, 128 bytes, of 1000"] = self.rate("scattered_lanes", 1000, n_threads=n_threads)
        of["scattered sums, of 1000"] = self.rate("scattered_sums", 1000, n_threads=n_threads)
        of["visits of plastic synapses, of 1000"] = self.rate("plastic_visits", 1000, n_threads=n_threads)
        return {name: rate / 1e9 for name, rate in of.items()}


def seconds_of(task: Callable[[], object], repetitions: int, n_threads: int = 1) -> list[float]:
    """Return the time of processors that each repetition takes after a warm-up, by thread."""
    task()
    seconds = []
    for _ in range(repetitions):
        begin = time.process_time()
        task()
        seconds.append((time.process_time() - begin) / n_threads)
    return seconds


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

    def seconds_a_step(self, esn: Any, n_steps: int, n_sequences: int, n_threads: int) -> list[float]:
        """Time steps of sequences side by side, without a place to put their states."""
        dtype, n_units = esn.W_.dtype, len(esn.bias_)
        inputs = np.random.default_rng(0).uniform(-1, 1, (n_steps * n_sequences, 1)).astype(dtype)
        begin = np.arange(n_sequences) * n_steps
        stretches = np.column_stack([begin, begin + n_steps, begin + n_steps, 0 * begin]).astype(np.int64)
        states = np.zeros((n_sequences, n_units), dtype)
        seconds = seconds_of(
            lambda: esn._network_.harvest(inputs, stretches, states, n_threads=n_threads), self.repetitions, n_threads
        )
        return [s / n_steps for s in seconds]

    def all_but_links(self, n_units: int, dtype: str, n_steps: int, n_sequences: int, n_threads: int) -> float:
        """Return the seconds of a step of a network without links."""
        none = sparse.csr_array((n_units, n_units))
        esn = EchoStateNetwork(dtype=dtype, random_state=0, topology=none, spectral_radius=None).fit(np.zeros((2, 1)))
        return float(np.median(self.seconds_a_step(esn, n_steps, n_sequences, n_threads)))

    def network_row(
        self, name: str, n_units: int, dtype: str, n_sequences: int, n_threads: int, **params: Any
    ) -> dict[str, Any]:
        """Time a step of all sequences."""
        esn = EchoStateNetwork(n_units, dtype=dtype, random_state=0, **params).fit(np.zeros((2, 1)))
        links = int((esn.W_ != 0).sum())
        n_steps = max(20, 40_000_000 // (self.scale * links * n_sequences))
        blocked = params.get("topology") == "blocked"
        limits = self.machine.limits(n_units, links, dtype, n_sequences, n_threads, blocked)
        limits["all but links"] = self.all_but_links(n_units, dtype, n_steps, n_sequences, n_threads)
        seconds = self.seconds_a_step(esn, n_steps, n_sequences, n_threads)
        return self.row(f"{name}, {dtype}", n_threads, limits, seconds)

    def liquid_row(self, folder: str, learning: bool) -> dict[str, Any]:
        """Time a liquid of bench.liquid_speed: what a synaptic event costs, all else included."""
        n_units, n_steps = max(200, 1000 // self.scale), 2000 // self.scale
        work = (liquid_speed.stdp_workload if learning else liquid_speed.workload)(n_units, n_steps)
        minimal = liquid_speed.compile_minimal(folder, "stdp" if learning else "liquid")
        yardstick = liquid_speed.run_plain if learning else liquid_speed.run_minimal
        _, events = yardstick(minimal, work, n_steps)()
        ours = liquid_speed.ours(work, n_steps)
        seconds = seconds_of(ours.run, self.repetitions)
        probe = "plastic_visits" if learning else "scattered_sums"
        what = "visits of plastic synapses" if learning else "scattered sums"
        # An address of 2 bytes and a weight of 4.
        limits = {
            what: 1 / self.machine.rate(probe, n_units),
            "loads": 6 / self.machine.rate("loads", 6 * len(work["target"])),
        }
        name = "STDP visit" if learning else "liquid step"
        return self.row(f"{name}, N={n_units}, an event", 1, limits, [s / events for s in seconds])

    def row(self, name: str, n_threads: int, limits: dict[str, float], seconds: list[float]) -> dict[str, Any]:
        """Hold times against limits."""
        limit = max(limits, key=lambda of: limits[of])
        rest = limits.get("all but links", 0.0)
        in_turn = rest + max(seconds for of, seconds in limits.items() if of != "all but links")
        return {
            "row": name,
            "threads": n_threads,
            "limits": limits,
            "limit": limit,
            "seconds": seconds,
            "share": [limits[limit] / s for s in seconds],
            "one after the other": [in_turn / s for s in seconds],
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
        ours, share = np.median(result["seconds"]), np.array(result["share"])
        mark = "met" if np.median(share) >= WANTED else "MISSED"
        cells = [
            result["row"],
            str(result["threads"]),
            result["limit"],
            _time(result["limits"][result["limit"]]),
            _time(float(ours)),
            f"{np.median(share):.0%} ({share.min():.0%} to {share.max():.0%})",
            f">= {WANTED:.0%} {mark}",
            f"{np.median(result['one after the other']):.0%}",
        ]
        print(f"| {' | '.join(cells)} |")
    print("\nWhat each would take for nothing but:")
    for result in rows:
        limits = ", ".join(f"{name} {_time(seconds)}" for name, seconds in result["limits"].items())
        print(f"- {result['row']}, {result['threads']} threads: {limits}")


def _time(seconds: float) -> str:
    return f"{seconds * 1e9:.3g} ns" if seconds < 1e-6 else f"{seconds * 1e6:.3g} us"


def main(argv: list[str] | None = None) -> None:
    """Run the probes and the loops and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions = 3 if options.quick else 9
    kept = results.kept("roofline", options, f"{repetitions} repetitions")
    with kept as figures, tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, 0.002 if options.quick else 0.2)
        figures["results"] = Bench(machine, 20 if options.quick else 1, repetitions).rows(folder)
        figures["probes"] = machine.figures(1)
        report(machine, figures["results"])


if __name__ == "__main__":
    main()
