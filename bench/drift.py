"""A transformer station whose load and temperature drift: a readout fitted once, and readouts that go on learning.

    python -m bench.drift [--quick] [--figure PATH]

ETTh1 (Zhou et al. 2021; RESERVOIRS_DATA names the folder): seven variables, hourly, two years. An echo-state network is
fitted on the first 120 days. Then all variables of each next hour are predicted, and scored, before the hour is learned
from. The settings of the learners are those with the least error on the last 30 of the 120 days, by networks fitted on
the 90 before. The error is the root mean square of the standardised series (by the 120 days), over all variables.
"""

from __future__ import annotations

import argparse
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from reservoirs import ESNForecaster
from reservoirs.streaming import NLMS, RLS

DAY = 24
FITTED, TUNED = 120 * DAY, 90 * DAY
LEARNERS: dict[str, list[Any]] = {
    "RLS": [RLS(f, alpha=a) for f in (1.0, 0.9999, 0.9995, 0.999, 0.998) for a in (0.1, 10.0)],
    "NLMS": [NLMS(rate) for rate in (0.003, 0.01, 0.03, 0.1, 0.3)],
}


def load() -> np.ndarray:
    """Return the series, shape (17420, 7)."""
    path = Path(os.environ["RESERVOIRS_DATA"]) / "ett" / "ETTh1.csv"
    return np.genfromtxt(path, delimiter=",", skip_header=1, usecols=range(1, 8))


def errors(model: ESNForecaster, y: np.ndarray, begin: int, learner: Any) -> np.ndarray:
    """Return the standardised errors of the rows from `begin` on; what is before only warms up."""
    stream = model.stream(learner=learner)
    for row in y[max(0, begin - 500) : begin]:
        predicted = stream.step(row)
    out = np.empty_like(y[begin:])
    for t, row in enumerate(y[begin:]):
        out[t] = (predicted - row) / model.y_scale_
        if learner is not None:
            stream.learn(row)
        predicted = stream.step(row)
    return out


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def chosen(n_units: int, y: np.ndarray, candidates: list[Any]) -> Any:
    """Return the learner that does best on the end of what is fitted."""
    model = ESNForecaster(n_units, random_state=0).fit(y[:TUNED])
    return min(candidates, key=lambda learner: rms(errors(model, y[:FITTED], TUNED, learner)))


def main(argv: list[str] | None = None) -> dict[str, list[float]]:
    parser = argparse.ArgumentParser(prog="python -m bench.drift")
    parser.add_argument("--quick", action="store_true", help="a small network, 60 days, one setting of each learner")
    parser.add_argument("--figure", type=Path, help="where to draw the error over time")
    args = parser.parse_args(argv)
    y = load()
    n_units = 50 if args.quick else 200
    if args.quick:
        y = y[: FITTED + 60 * DAY]
    model = ESNForecaster(n_units, random_state=0).fit(y[:FITTED])
    learners = {name: each[2] if args.quick else chosen(n_units, y, each) for name, each in LEARNERS.items()}
    of = {
        "the hour before": (y[FITTED - 1 : -1] - y[FITTED:]) / model.y_scale_,
        "fitted once": errors(model, y, FITTED, None),
        **{f"{learner}": errors(model, y, FITTED, learner) for learner in learners.values()},
    }
    n = len(y) - FITTED
    edges = np.linspace(0, n, 7, dtype=int)
    print(f"# one hour ahead, N={n_units}, {n} hours after {FITTED} fitted ones\n")
    print(f"{'':36}" + "".join(f"{f'day {a // DAY}-{b // DAY}':>14}" for a, b in pairwise(edges)))
    table = {}
    for name, error in of.items():
        table[name] = [rms(error[a:b]) for a, b in pairwise(edges)]
        print(f"{name:36}" + "".join(f"{value:14.3f}" for value in table[name]))
    if args.figure:
        draw(of, args.figure)
    return table


def draw(of: dict[str, np.ndarray], path: Path) -> None:
    """Draw the error of every 10 days."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for name, error in of.items():
        whole = len(error) // (10 * DAY) * 10 * DAY
        value = np.sqrt((error[:whole] ** 2).reshape(-1, 10 * DAY * error.shape[1]).mean(axis=1))
        ax.plot(10 * np.arange(1, len(value) + 1), value, label=name)
    ax.set(xlabel="days after the fit", ylabel="RMS error of the next hour", ylim=(0, None))
    ax.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
