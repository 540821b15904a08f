"""Networks that differ in one thing, on the same five tasks with the same seeds.

Settings are those tuned for random links in `bench.accuracy`. A table gives, for each task, the mean over the seeds of
the first form, and of each other form the mean difference from it, in parts of that mean and with its 95 % interval,
and the p-value of a paired t-test: below .05 the two differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from bench.accuracy import LASER, LORENZ, NARMA, Size, laser_score, lorenz_score, narma_score
from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.datasets import lorenz
from reservoirs.diagnostics import information_processing_capacity, memory_capacity

Form = Callable[[int, int], dict[str, Any]]  # parameters of so many units and a seed
Score = Callable[[Form, int], float]


def always(**params: Any) -> Form:
    """Return the form that has the same parameters for all."""
    return lambda n_units, seed: params


def tasks(size: Size, n_units: int, n_few: int) -> dict[str, tuple[Score, bool]]:
    """Return for each task a score of a form and a seed, and whether more is better."""

    def capacity(measure: Callable[..., Any], n: int, **how: Any) -> Score:
        def score(form: Form, seed: int) -> float:
            network = EchoStateNetwork(n, input_scaling=0.1, random_state=seed, **form(n, seed))
            return float(measure(network, random_state=seed, **how).total)

        return score

    def task(score: Callable[[Any, int], float], cls: Any, settings: dict[str, Any]) -> Score:
        return lambda form, seed: score(cls(n_units, **(settings | form(n_units, seed) | {"random_state": seed})), seed)

    of_lorenz = lorenz_score(size, lorenz, 0.02, n_train=5000, n_starts=20)
    how = {"max_degree": 3, "n_timesteps": size(100_000)}
    return {
        f"memory capacity, N={n_units}": (capacity(memory_capacity, n_units), True),
        f"processing capacity to degree 3, N={n_few}": (capacity(information_processing_capacity, n_few, **how), True),
        f"NARMA-10, N={n_units}: NRMSE": (task(narma_score(size), ESNRegressor, NARMA), False),
        f"Lorenz-63, N={n_units}: valid time": (task(of_lorenz, ESNForecaster, LORENZ), True),
        f"Santa Fe laser, N={n_units}: NRMSE": (task(laser_score(size), ESNForecaster, LASER), False),
    }


def compare(score: Score, forms: dict[str, Form], n_seeds: int) -> dict[str, dict[str, Any]]:
    """Score all forms over the seeds, and hold each against the first."""
    values = {name: np.array([score(form, seed) for seed in range(n_seeds)]) for name, form in forms.items()}
    first = next(iter(values.values()))
    figures = {}
    for name, of_form in values.items():
        interval = stats.t.ppf(0.975, n_seeds - 1) * np.std(of_form - first, ddof=1) / np.sqrt(n_seeds)
        figures[name] = {
            "values": of_form.tolist(),
            "change": float((of_form.mean() - first.mean()) / first.mean()),
            "interval": float(interval / abs(first.mean())),
            "p": 1.0 if (of_form == first).all() else float(stats.ttest_rel(of_form, first).pvalue),
        }
    return figures


def report_quality(
    size: Size, forms: dict[str, Form], n_units: int | None = None, n_few: int | None = None
) -> dict[str, Any]:
    """Compare the forms on all tasks, print the table and return its figures."""
    print(f"\n## quality, {size.n_seeds} seeds\n")
    first, *others = forms
    print(f"| | {first} | {' | '.join(f'{name} | p | ' for name in others)} |")
    print("|---" * (2 + 3 * len(others)) + "|")
    figures = {}
    for task, (score, more_is_better) in tasks(size, n_units or size(500), n_few or max(30, size(100))).items():
        figures[task] = compared = compare(score, forms, size.n_seeds)
        cells = [task, f"{np.mean(compared[first]['values']):.4g}"]
        for name in others:
            change, p = compared[name]["change"], compared[name]["p"]
            worse = (change < 0) == more_is_better and p < 0.05
            cells += [
                f"{change:+.1%} ± {compared[name]['interval']:.1%}",
                f"{p:.2g}",
                "WORSE" if worse else "not worse",
            ]
        print(f"| {' | '.join(cells)} |", flush=True)
    return figures
