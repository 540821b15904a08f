"""Recurrent weights of 16 and 8 bits (`weight_dtype=`) beside float32: quality and speed.

    python -m bench.narrow [--quick] [--output FOLDER]

Quality is that of `bench.quality`: 10 random links a unit, few enough for every one to matter. Speed is that of steps
on one thread, without a place to put their states, in turns; a ratio is that of two steps of the same turn, and the
figure the median of the turns, in brackets the lowest and the highest. Times are those in which the thread has a
processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import results
from bench.accuracy import Size
from bench.quality import always, report_quality
from reservoirs import EchoStateNetwork

FORMS: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"weight_dtype": "bfloat16"},
    "int8": {"weight_dtype": "int8"},
}
NETWORKS: list[tuple[str, int, int, dict[str, Any]]] = [
    ("dense", 1000, 1, {"connectivity": 1.0}),
    ("dense", 3000, 1, {"connectivity": 1.0}),
    ("blocked, 1 % of all links", 10_000, 1, {"connectivity": 0.01, "topology": "blocked"}),
    ("blocked, 10 % of all links", 10_000, 1, {"connectivity": 0.1, "topology": "blocked"}),
    ("random, 1 % of all links", 10_000, 1, {"connectivity": 0.01}),
    ("random, 10 links a unit", 3000, 1, {"connectivity": 10}),
    ("dense, 64 sequences", 3000, 64, {"connectivity": 1.0}),
    ("random, 1 % of all links, 64 sequences", 10_000, 64, {"connectivity": 0.01}),
]
WANTED = 2.0


def steps(n_units: int, n_sequences: int, n_steps: int, params: dict[str, Any]) -> Callable[[], None]:
    """Return what makes so many steps of so many sequences."""
    # Their size is of no account to the time, and the eigenvalues of large matrices would take minutes.
    esn = EchoStateNetwork(n_units, dtype="float32", spectral_radius=None, random_state=0, **params)
    esn.fit(np.zeros((2, 1)))
    inputs = np.random.default_rng(0).uniform(-1, 1, (n_steps * n_sequences, 1)).astype(np.float32)
    begin = np.arange(n_sequences) * n_steps
    stretches = np.column_stack([begin, begin + n_steps, begin + n_steps, 0 * begin]).astype(np.int64)
    states = np.zeros((n_sequences, n_units), np.float32)
    return lambda: esn._network_.harvest(inputs, stretches, states, n_threads=1)


def speed(n_units: int, n_sequences: int, params: dict[str, Any], work: float, repetitions: int) -> dict[str, Any]:
    """Return the seconds that a step takes with each form, turn by turn."""
    links = n_units * (n_units * params["connectivity"] if params["connectivity"] <= 1 else params["connectivity"])
    n_steps = max(2, int(work / (links * n_sequences)))
    tasks = {name: steps(n_units, n_sequences, n_steps, params | form) for name, form in FORMS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repetitions + 1):
        for name, task in tasks.items():
            begin = time.process_time()
            task()
            if turn:
                seconds[name].append((time.process_time() - begin) / n_steps)
    return seconds


def report_speed(quick: bool, repetitions: int) -> dict[str, Any]:
    """Print and return how fast all forms are."""
    print("\n## speed, float32 states, one thread: us a step, and how many times as fast as with float32 weights\n")
    print("| | float32 | bfloat16 | int8 | |")
    print("|---|---|---|---|---|")
    figures = {}
    for name, n_units, n_sequences, params in NETWORKS:
        n, work = (n_units // 50, 1e5) if quick else (n_units, 3e8)
        seconds = figures[f"{name}, N={n}"] = speed(n, n_sequences, params, work, repetitions)
        ratios = {form: np.array(seconds["float32"]) / seconds[form] for form in list(FORMS)[1:]}
        mark = "met" if max(map(np.median, ratios.values())) >= WANTED else "MISSED"
        cells = [f"{name}, N={n}", f"{np.median(seconds['float32']) * 1e6:.4g}"]
        cells += [results.spread(ratio.tolist()) for ratio in ratios.values()]
        print(f"| {' | '.join(cells)} | >= {WANTED:.0f} x {mark} |", flush=True)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    size, repetitions = (Size(n_seeds=3, shrink=20), 3) if options.quick else (Size(n_seeds=20), 15)
    with results.kept("narrow", options, f"{size.n_seeds} seeds; {repetitions} turns of speed") as figures:
        figures["speed"] = report_speed(options.quick, repetitions)
        figures["quality"] = report_quality(
            size, {name: always(**form, dtype="float32") for name, form in FORMS.items()}
        )


if __name__ == "__main__":
    main()
