"""Weights that are a fast transform ("hadamard" and "circulant") beside random links: quality and speed.

    python -m bench.structured [--quick] [--output FOLDER]

All forms get the same seeds, settings and series (`bench.quality`); settings are those tuned for random links. "signs"
are Hadamard weights whose factors are all of one size, which makes them orthogonal: `hadamard_weights` draws factors of
different sizes because of what they do.

Speed is that of one sequence, or of 64 in a batch, on one thread, no states kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import results
from bench.accuracy import Size
from bench.quality import Form, always, report_quality
from bench.speed import take_turns
from reservoirs import EchoStateNetwork
from reservoirs.topology import HadamardWeights

SIZES = (1024, 4096, 16_384, 65_536, 1_048_576)
# Above, a step reads all-to-all weights from memory.
MOST_DENSE = 2048


def signs() -> Form:
    """Return the form whose factors are random signs."""

    def form(n_units: int, seed: int) -> dict[str, Any]:
        return {"topology": HadamardWeights(np.random.default_rng([seed, 1]).choice([-1.0, 1.0], n_units))}

    return form


def seconds(n_units: int, dtype: str, n_sequences: int, n_steps: int, repetitions: int) -> dict[str, list[float]]:
    """Return how long a step takes, by the form of the weights. They are not scaled: no step gets faster by that."""
    rng = np.random.default_rng(0)
    u = rng.uniform(-1, 1, (n_sequences * n_steps, 1)).astype(dtype)
    settings: dict[str, dict[str, Any]] = {
        "random, 10 links": {},
        "blocked, 10 links": {"topology": "blocked"},
        "hadamard": {"topology": "hadamard"},
        "circulant": {"topology": "circulant"},
    }
    if n_units <= MOST_DENSE and n_sequences == 1:
        settings["dense"] = {"connectivity": 1.0}
    tasks = {}
    ends = n_steps * np.arange(1, n_sequences + 1)
    stretches = np.stack([ends - n_steps, ends, ends, 0 * ends], axis=1)
    for name, params in settings.items():
        network = EchoStateNetwork(n_units, spectral_radius=None, input_scaling=1e-2, random_state=0, **params).fit(u)
        states = np.zeros((n_sequences, n_units), dtype)
        core = network._harvester().network
        tasks[name] = lambda core=core, states=states: core.harvest(u, stretches, states)
    return {name: [s / len(u) for s in times] for name, times in take_turns(tasks, repetitions).items()}


def report_speed(sizes: tuple[int, ...], work: int, repetitions: int) -> dict[str, dict[str, list[float]]]:
    """Print and return how long a step takes."""
    print("\n## speed, one thread (microseconds a step of a sequence: median, lowest to highest)\n")
    cases = [(n, dtype, 1) for dtype in ("float32", "float64") for n in sizes] + [(sizes[0], "float32", 64)]
    figures = {}
    for n, dtype, n_sequences in cases:
        name = f"N={n}, {dtype}" + f", {n_sequences} sequences" * (n_sequences > 1)
        figures[name] = seconds(n, dtype, n_sequences, max(100, work // n), repetitions)
    names = list(next(iter(figures.values())))
    print(f"| | {' | '.join(names)} |")
    print("|---" * (1 + len(names)) + "|")
    for case, rows in figures.items():
        cells = [results.spread([s * 1e6 for s in rows[name]]) if name in rows else "" for name in names]
        print(f"| {case} | {' | '.join(cells)} |", flush=True)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    size, n_units, n_few = (Size(n_seeds=3, shrink=20), 32, 32) if options.quick else (Size(n_seeds=20), 512, 128)
    sizes, work, repetitions = (SIZES, 4_000_000, 7) if not options.quick else ((64, 128), 10_000, 3)
    forms = {name: always(topology=name) for name in ("random", "hadamard", "circulant")} | {"signs": signs()}
    with results.kept("structured", options, f"{size.n_seeds} seeds; {repetitions} repetitions of speed") as figures:
        figures["speed"] = report_speed(sizes, work, repetitions)
        figures["quality"] = report_quality(size, forms, n_units, n_few)


if __name__ == "__main__":
    main()
