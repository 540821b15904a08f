"""One sequence on one thread and on all, which share each of its steps where these are large.

    python -m bench.sharing [--quick] [--output FOLDER]

Steps of one sequence without a place to put their states, and closed loops of forecasters. One thread and all take
turns. A ratio is that of two runs of a turn, and the figure the median of the turns, in brackets the lowest and the
highest. Threads that share a step wait for each other: what else the machine does counts twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import results
from reservoirs import EchoStateNetwork, ESNForecaster

NETWORKS: list[tuple[str, int, dict[str, Any]]] = [
    ("10 links a unit", 300, {"connectivity": 10}),
    ("10 links a unit", 1000, {"connectivity": 10}),
    ("10 links a unit", 3000, {"connectivity": 10}),
    ("10 links a unit", 10_000, {"connectivity": 10}),
    ("blocked", 1000, {"connectivity": 10, "topology": "blocked"}),
    ("circulant", 65_536, {"connectivity": 10, "topology": "circulant"}),
    ("10 %", 1000, {"connectivity": 0.1}),
    ("dense", 1000, {"connectivity": 1.0}),
    ("dense", 3000, {"connectivity": 1.0}),
]
Run = Callable[[int], object]  # on so many threads


def steps(n_units: int, dtype: str, n_steps: int, params: dict[str, Any]) -> Run:
    """Return what makes steps of a harvest."""
    esn = EchoStateNetwork(n_units, dtype=dtype, spectral_radius=None, random_state=0, **params).fit(np.zeros((2, 1)))
    inputs = np.random.default_rng(0).uniform(-1, 1, (n_steps, 1)).astype(dtype)
    stretch, state = np.array([[0, n_steps, n_steps, 0]]), np.zeros((1, n_units), dtype)
    return lambda n_threads: esn._network_.harvest(inputs, stretch, state, n_threads=n_threads)


def closed_loop(n_units: int, dtype: str, n_steps: int, params: dict[str, Any]) -> Run:
    """Return what makes steps of a forecast."""
    series = np.sin(np.arange(500) / 7)
    # A penalty with which the loops of the smallest networks last, whatever the last bits of LAPACK are here.
    model = ESNForecaster(n_units, alpha=0.01, dtype=dtype, random_state=0, **params).fit(series)
    return lambda n_threads: model.set_params(n_jobs=n_threads).forecast(n_steps)


def measure(run: Run, n_steps: int, repetitions: int) -> dict[str, list[float]]:
    """Return the seconds a step takes on one thread and on all, turn by turn."""
    seconds: dict[str, list[float]] = {"one thread": [], "all": []}
    for turn in range(repetitions + 1):
        for name, n_threads in (("one thread", 1), ("all", os.cpu_count() or 1)):
            begin = time.perf_counter()
            run(n_threads)
            if turn:
                seconds[name].append((time.perf_counter() - begin) / n_steps)
    return seconds


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the table."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions = 3 if options.quick else 9
    with results.kept("sharing", options, f"{repetitions} turns") as figures:
        print("| | one thread, us a step | all | times as fast |\n|---|---|---|---|")
        for task, make in (("harvest", steps), ("closed loop", closed_loop)):
            for links, n_units, params in NETWORKS:
                if make is closed_loop and n_units > 1000:
                    continue  # whose fits take longer than all else here
                n = n_units // 20 if options.quick else n_units
                each = n * (params["connectivity"] if params["connectivity"] > 1 else n * params["connectivity"])
                n_steps = max(20, int((1e5 if options.quick else 4e8) / each))
                if options.quick and params["connectivity"] > n - 16:
                    params = params | {"connectivity": 1}
                for dtype in ("float32", "float64"):
                    row = f"{task}, N={n}, {links}, {dtype}"
                    seconds = figures[row] = measure(make(n, dtype, n_steps, params), n_steps, repetitions)
                    ratios = np.array(seconds["one thread"]) / seconds["all"]
                    medians = [f"{np.median(of) * 1e6:.3g}" for of in seconds.values()]
                    print(f"| {row} | {' | '.join(medians)} | {results.spread(ratios.tolist())} |", flush=True)


if __name__ == "__main__":
    main()
