"""What exports in 16- and 8-bit integers lose of a task's score, beside the same model in float32.

    python -m bench.integers [--quick] [--output FOLDER]

Needs a C compiler; what aeon and seglearn ship is left out where they are not installed. ``--quick`` takes one seed
and one small network.

- Mackey-Glass (tau 17, unit sampling): 3000 steps to fit, 2900 to score after 100 of transient. ESNRegressors (leak
  rate .7), one and six steps ahead, and an ESNForecaster, of 50, 100 and 200 units.
- Acceleration at the wrist: three series of `load_watch`, one step ahead, ESNForecaster of 50 units; the first half
  to fit.
- Japanese Vowels: ESNClassifier of 50 units, and one of 100 with more features.

All parameters else are the defaults, of seeds 0 to 4. Ratios are those of errors (NRMSE; 1 - R^2 is its square), for
the classifier of accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench import results
from reservoirs import ESNClassifier, ESNForecaster, ESNRegressor
from reservoirs.datasets import load_japanese_vowels, load_watch, mackey_glass
from reservoirs.export import to_c
from reservoirs.metrics import nrmse

N_TRAIN, TRANSIENT, LEAK_RATE = 3000, 100, 0.7

Task = tuple[str, Any, tuple[Any, ...], Any, Any]


def tasks(seed: int, *, quick: bool) -> Iterator[Task]:
    """Give name, model, what it is fitted to, and input and target of the score."""
    y = mackey_glass(N_TRAIN + 3000).astype(np.float32)
    for n_units in (20,) if quick else (50, 100, 200):
        for ahead in (6,) if quick else (1, 6):
            u, true = y[:-ahead, None], y[ahead:]
            regressor = ESNRegressor(n_units, leak_rate=LEAK_RATE, random_state=seed)
            fit = (u[:N_TRAIN], true[:N_TRAIN])
            yield f"Mackey-Glass, {n_units} units, {ahead} ahead", regressor, fit, u[N_TRAIN:], true[N_TRAIN:]
        forecaster = ESNForecaster(n_units, random_state=seed)
        yield f"Mackey-Glass, {n_units} units, forecaster", forecaster, (y[:N_TRAIN],), y[N_TRAIN:], y[N_TRAIN:]
    if quick:
        return
    if find_spec("seglearn"):
        for number in (0, 30, 77):
            series = load_watch().data[number][:, :3].astype(np.float32)
            rest = series[len(series) // 2 :]
            fit = (series[: len(series) // 2],)
            yield f"watch, series {number}", ESNForecaster(50, random_state=seed), fit, rest, rest
    if find_spec("aeon"):
        vowels = load_japanese_vowels()
        fit = (vowels.X_train, vowels.y_train)
        for n_units, more in ((50, {}), (100, {"pooling": "both", "features": "states+input"})):
            classifier = ESNClassifier(n_units, random_state=seed, **more)
            yield f"Japanese Vowels, {n_units} units", classifier, fit, vowels.X_test, vowels.y_test


def scores(model: Any, fit: tuple[Any, ...], X: Any, true: Any) -> tuple[float, float, float]:
    """Return the scores of a model's exports in float32, int16 and int8."""
    model.fit(*fit)

    def score(dtype: str) -> float:
        predicted = to_c(model, "m", dtype=dtype, refit=None if dtype == "float32" else fit).predict(X)
        if isinstance(model, ESNClassifier):
            return float((predicted == true).mean())
        return float(nrmse(true[TRANSIENT:], predicted[TRANSIENT:]))

    return score("float32"), score("int16"), score("int8")


def main(arguments: Sequence[str] | None = None) -> None:
    options = results.parser(__doc__).parse_args(arguments)
    n_seeds = 1 if options.quick else 5
    with results.kept("integers", options, f"{n_seeds} seeds", fenced=True) as figures:
        figures["scores"] = measure(n_seeds, options.quick)


def measure(n_seeds: int, quick: bool) -> dict[str, list[tuple[float, float, float]]]:
    """Print the table and return its figures."""
    print("# what integers lose: scores in float32, and the ratios of those in integers to it")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(n_seeds):
        for name, *task in tasks(seed, quick=quick):
            found.setdefault(name, []).append(scores(*task))
    for name, of_seeds in found.items():
        table = np.array(of_seeds)
        ratios = table[:, 1:] / table[:, :1]
        told = "  ".join(
            f"{dtype}: median {np.median(column):.3f}, {column.min():.3f} to {column.max():.3f}"
            for dtype, column in zip(("int16", "int8"), ratios.T, strict=True)
        )
        print(f"{name:<38} {np.median(table[:, 0]):.4f}  {told}", flush=True)
    return found


if __name__ == "__main__":
    main()
