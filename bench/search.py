"""Searches for hyperparameters: ours, side by side with GridSearchCV over the same estimators on two processes.

    python -m bench.search [--quick] [--only WORD ...] [--repetitions N] [--output FOLDER]

Every row is printed, won or lost. A figure is the median of several repetitions; the two take turns, after a search of
two candidates each, which starts the workers of GridSearchCV. Neither refits the best. Scores are compared to those of
GridSearchCV, and these, for scale, to what GridSearchCV itself gives when every input is moved to the next number:
where a readout makes much of rounding (small penalties) both are as far apart.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, TimeSeriesSplit

from bench import results
from reservoirs import ESNClassifier, ESNForecaster, ESNRegressor
from reservoirs.datasets import mackey_glass, narma
from reservoirs.search import ReservoirSearchCV

SCALES = {"spectral_radius": [0.4, 0.6, 0.8, 0.95], "leak_rate": [0.3, 0.6, 1.0], "input_scaling": [0.1, 0.5]}
PENALTIES = {"alpha": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]}
WANTED = 10.0


def rows(scale: int) -> list[tuple[str, Any, dict[str, Any], Any, tuple[Any, ...]]]:
    """Return the tasks: name, estimator, grid, splits, data."""
    n_small, n_large, n_steps = 300 // scale, 500 // scale, 2000 // scale
    rng = np.random.default_rng(0)
    u, y = narma(2 * n_steps, random_state=0)
    u = u.reshape(-1, 1)
    sequences = [u[i : i + 100 // scale] for i in range(0, n_steps, 100 // scale)]
    targets = [y[i : i + 100 // scale] for i in range(0, n_steps, 100 // scale)]
    labels = rng.integers(0, 2, 100)
    labelled = [
        np.sin(np.arange(80 // scale) / (3 + k))[:, None] + rng.normal(0, 0.5, (80 // scale, 1)) for k in labels
    ]
    fixed, splits = {"random_state": 0}, TimeSeriesSplit(5)
    small, large = (ESNRegressor(n, alpha=1e-4, **fixed) for n in (n_small, n_large))
    series = mackey_glass(n_steps)
    one = f"one series of {n_steps}"
    return [
        (f"N={n_small}, {one}, 6 penalties", small, SCALES | PENALTIES, splits, (u[:n_steps], y[:n_steps])),
        (f"N={n_large}, {one}, 6 penalties", large, SCALES | PENALTIES, splits, (u[:n_steps], y[:n_steps])),
        (f"N={n_large}, one series of {2 * n_steps}, 6 penalties", large, SCALES | PENALTIES, splits, (u, y)),
        (f"N={n_small}, {one}, one penalty", small, SCALES, splits, (u[:n_steps], y[:n_steps])),
        (
            f"N={n_small}, {one}, penalty by generalised cross-validation",
            ESNRegressor(n_small, **fixed),
            SCALES,
            splits,
            (u[:n_steps], y[:n_steps]),
        ),
        (
            f"N={n_small}, {len(sequences)} sequences, 6 penalties",
            small,
            SCALES | PENALTIES,
            KFold(5),
            (sequences, targets),
        ),
        (
            f"N={n_small}, forecaster, {one}, 6 penalties",
            ESNForecaster(n_small, **fixed),
            SCALES | PENALTIES,
            splits,
            (series,),
        ),
        (
            f"N={n_small}, classifier, 100 sequences, 6 penalties",
            ESNClassifier(n_small, **fixed),
            SCALES | PENALTIES,
            StratifiedKFold(5),
            (labelled, labels),
        ),
    ]


def seconds_of(search: Any, data: tuple[Any, ...]) -> float:
    """Return how long a search takes."""
    begin = time.perf_counter()
    search.fit(*data)
    return time.perf_counter() - begin


def next_numbers(data: Any) -> Any:
    """Return inputs moved by a unit in the last place."""
    return [next_numbers(part) for part in data] if isinstance(data, list) else np.nextafter(data, np.inf)


def measure(name: str, estimator: Any, grid: Any, cv: Any, data: tuple[Any, ...], repetitions: int) -> dict[str, Any]:
    """Time both searches in turn and compare their scores."""
    ours = ReservoirSearchCV(estimator, grid, cv=cv, refit=False)
    theirs = GridSearchCV(estimator, grid, cv=cv, refit=False, n_jobs=2)
    few = {key: values[:1] for key, values in grid.items()} | {"leak_rate": grid["leak_rate"][:2]}
    for search in (ours, theirs):
        clone(search).set_params(param_grid=few).fit(*data)
    seconds: dict[str, list[float]] = {"GridSearchCV": [], "ReservoirSearchCV": []}
    for _ in range(repetitions):
        seconds["ReservoirSearchCV"].append(seconds_of(ours, data))
        seconds["GridSearchCV"].append(seconds_of(theirs, data))
    scores = theirs.cv_results_["mean_test_score"]
    apart = np.abs(ours.cv_results_["mean_test_score"] - scores).max()
    theirs.fit(next_numbers(data[0]), *data[1:])
    return {
        "row": name,
        "fits": len(scores) * theirs.n_splits_,
        "seconds": seconds,
        "apart": float(apart),
        "apart by rounding of inputs": float(np.abs(theirs.cv_results_["mean_test_score"] - scores).max()),
        "same best": ours.best_params_ == theirs.best_params_,
    }


HEADER = (
    "| | fits | GridSearchCV, n_jobs=2 | ours | times as fast | scores apart | by rounding of inputs | same best |\n"
    "|---|---|---|---|---|---|---|---|"
)


def line(result: dict[str, Any]) -> str:
    """Return a row of the table."""
    theirs, ours = (np.array(result["seconds"][name]) for name in ("GridSearchCV", "ReservoirSearchCV"))
    ratios = theirs / ours
    cells = [
        result["row"],
        str(result["fits"]),
        f"{np.median(theirs):.3g} s",
        f"{np.median(ours):.3g} s",
        f"{np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f})"
        + (" met" if np.median(ratios) >= WANTED else " MISSED"),
        f"{result['apart']:.1e}",
        f"{result['apart by rounding of inputs']:.1e}",
        "yes" if result["same best"] else "no",
    ]
    return f"| {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> None:
    """Run the rows and print the table."""
    parser = results.parser(__doc__)
    parser.add_argument("--repetitions", type=int, default=5, help="how often each search runs")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="rows whose name has all of these")
    options = parser.parse_args(argv)
    repetitions = 1 if options.quick else options.repetitions
    with results.kept("search", options, f"{repetitions} repetitions") as figures:
        print(f"\nWanted: {WANTED:g} times as fast.\n\n{HEADER}")
        figures["results"] = []
        for name, estimator, grid, *others in rows(10 if options.quick else 1):
            if not all(word in name for word in options.only):
                continue
            thinned = {key: values[:2] for key, values in grid.items()} if options.quick else grid
            figures["results"].append(measure(name, estimator, thinned, *others, repetitions))
            print(line(figures["results"][-1]), flush=True)


if __name__ == "__main__":
    main()
