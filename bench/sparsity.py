"""Links in strips (`topology="blocked"`) beside links drawn at random: quality and speed.

    python -m bench.sparsity [--quick] [--output FOLDER]

Both topologies get the same seeds, the same settings (those tuned for random links in `bench.accuracy`) and the same
series. A row gives the mean over the seeds, the mean difference, and the p-value of a paired t-test of it: below .05
the two differ. Speed is that of one sequence whose states are kept, on one core, in turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from bench import results
from bench.accuracy import LASER, LORENZ, NARMA, Size, laser_score, lorenz_score, narma_score
from bench.speed import take_turns
from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.datasets import lorenz
from reservoirs.diagnostics import information_processing_capacity, memory_capacity

TOPOLOGIES = ("random", "blocked")
Score = Callable[[str, int], float]


def quality(size: Size) -> dict[str, tuple[Score, bool]]:
    """Return for each task a score of a topology and a seed, and whether more is better."""
    n_units, n_few = size(500), max(30, size(100))

    def capacity(measure: Callable[..., Any], n: int, **how: Any) -> Score:
        def score(topology: str, seed: int) -> float:
            network = EchoStateNetwork(n, topology=topology, input_scaling=0.1, random_state=seed)
            return float(measure(network, random_state=seed, **how).total)

        return score

    def task(score: Callable[[Any, int], float], cls: Any, settings: dict[str, Any]) -> Score:
        return lambda topology, seed: score(
            cls(n_units, **(settings | {"topology": topology, "random_state": seed})), seed
        )

    of_lorenz = lorenz_score(size, lorenz, 0.02, n_train=5000, n_starts=20)
    how = {"max_degree": 3, "n_timesteps": size(100_000)}
    return {
        f"memory capacity, N={n_units}": (capacity(memory_capacity, n_units), True),
        f"processing capacity to degree 3, N={n_few}": (capacity(information_processing_capacity, n_few, **how), True),
        f"NARMA-10, N={n_units}: NRMSE": (task(narma_score(size), ESNRegressor, NARMA), False),
        f"Lorenz-63, N={n_units}: valid time": (task(of_lorenz, ESNForecaster, LORENZ), True),
        f"Santa Fe laser, N={n_units}: NRMSE": (task(laser_score(size), ESNForecaster, LASER), False),
    }


def compare(score: Score, n_seeds: int) -> dict[str, Any]:
    """Score both topologies over the seeds."""
    values = {topology: [score(topology, seed) for seed in range(n_seeds)] for topology in TOPOLOGIES}
    random, blocked = (np.array(values[topology]) for topology in TOPOLOGIES)
    return {"values": values, "p": float(stats.ttest_rel(random, blocked).pvalue)}


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
        figures["quality"] = report_quality(size)
        figures["speed"] = report_speed(*(100, 200) if options.quick else (1000, 4000), repetitions)


def report_quality(size: Size) -> dict[str, Any]:
    """Print and return how good both are."""
    print(f"\n## quality, {size.n_seeds} seeds\n")
    print("| | random | blocked | difference | p | |")
    print("|---|---|---|---|---|---|")
    figures: dict[str, Any] = {}
    for name, (score, more_is_better) in quality(size).items():
        figures[name] = compare(score, size.n_seeds)
        random, blocked = (np.mean(figures[name]["values"][topology]) for topology in TOPOLOGIES)
        worse = (blocked < random) == more_is_better and figures[name]["p"] < 0.05
        verdict = "WORSE" if worse else "not worse"
        change = f"{(blocked - random) / random:+.1%}"
        print(
            f"| {name} | {random:.4g} | {blocked:.4g} | {change} | {figures[name]['p']:.2g} | {verdict} |", flush=True
        )
    return figures


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
