"""Links in strips (`topology="blocked"`) beside links drawn at random: quality and speed.

    python -m bench.sparsity [--quick] [--output FOLDER]

Both topologies get the same seeds, settings and series (`bench.quality`). Speed is that of one sequence whose states
are kept, on one core, in turns.
"""

from __future__ import annotations

import numpy as np

from bench import results
from bench.accuracy import Size
from bench.quality import always, report_quality
from bench.speed import take_turns
from reservoirs import EchoStateNetwork

TOPOLOGIES = ("random", "blocked")


def speed(n_units: int, n_steps: int, repetitions: int) -> dict[str, list[float]]:
    """Return steps a second of one sequence."""
    tasks = {}
    for dtype in ("float64", "float32"):
        u = np.random.default_rng(0).uniform(-1, 1, (n_steps, 1)).astype(dtype)
        for topology in TOPOLOGIES:
            network = EchoStateNetwork(n_units, topology=topology, n_jobs=1, random_state=0).fit(u)
            tasks[f"{topology}, {dtype}"] = lambda network=network, u=u: network.transform(u)
    return {name: [n_steps / s for s in seconds] for name, seconds in take_turns(tasks, repetitions).items()}


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    size, repetitions = (Size(n_seeds=3, shrink=20), 3) if options.quick else (Size(n_seeds=20), 7)
    with results.kept("sparsity", options, f"{size.n_seeds} seeds; {repetitions} repetitions of speed") as figures:
        figures["quality"] = report_quality(size, {topology: always(topology=topology) for topology in TOPOLOGIES})
        figures["speed"] = report_speed(*(100, 200) if options.quick else (1000, 4000), repetitions)


def report_speed(n_units: int, n_steps: int, repetitions: int) -> dict[str, list[float]]:
    """Print and return how fast both are."""
    rates = speed(n_units, n_steps, repetitions)
    print(f"\n## speed, N={n_units}, one sequence of {n_steps} steps (steps/s)\n")
    print("| | median | lowest | highest |")
    print("|---|---|---|---|")
    for name, values in rates.items():
        print(f"| {name} | {np.median(values):,.0f} | {min(values):,.0f} | {max(values):,.0f} |")
    for dtype in ("float64", "float32"):
        ratio = np.median(rates[f"blocked, {dtype}"]) / np.median(rates[f"random, {dtype}"])
        print(f"\nblocked to random, {dtype}: {ratio:.2f} x")
    return rates


if __name__ == "__main__":
    main()
