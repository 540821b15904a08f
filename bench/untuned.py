"""A network that nobody tunes, beside a plain tanh network after a random search of 50 points.

    python -m bench.untuned [--quick] [--networks N]

Untuned: 300 tanh units at the defaults of the estimators after `InputMatching`, which sets input weights, biases and
leak rates by size and pace of the input: no figure is looked at. Searched: 300 tanh units; spectral radius, leak rate,
input and bias scaling are drawn 50 times, and the best on the last quarter of the training part is drawn anew (another
seed) and fitted to all of it. "With squares": the readout sees the squared states, too. Alpha is the estimators' own
choice in all of them.

`InputMatching` was put together on other tasks (NARMA-3, -5 and -8, a nonlinear channel, Mackey-Glass with tau 30,
Rossler, Henon, Lorenz-96, a double scroll, the ETTh1 transformer, New York taxis, an office's temperature); 3000 steps
to train, or three quarters of a shorter series. The figures are NRMSE: of NARMA-10 as it comes, of the laser, sunspots
and electricity one step ahead, of Mackey-Glass the 84th and of Lorenz the 100th step (1.8 Lyapunov times) of 40 closed
loops, errors beyond 2 counted as 2.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.accuracy import narma_series
from reservoirs import ESNForecaster, ESNRegressor
from reservoirs.adaptation import InputMatching
from reservoirs.datasets import load_electricity_demand, load_santa_fe_laser, load_sunspots, lorenz, mackey_glass
from reservoirs.metrics import nrmse

FloatArray = NDArray[np.float64]

N_POINTS = 50
WARM_UP = 300
FEATURES = ("states+input", "states+input+squares")


@dataclass(frozen=True)
class Task:
    """What is learned: a series to continue `horizon` steps, or (u, y) by seed."""

    name: str
    series: Callable[[int], Any]
    horizon: int = 0

    def score(self, settings: dict[str, Any], seed: int, part: str) -> float:
        """Return the NRMSE of an estimator with these settings on the validation or the test part."""
        data = self.series(seed)
        n = len(data[1]) if self.horizon == 0 else len(data)
        n_train = min(3000, 3 * n // 4)
        begin, end = {"validation": (3 * n_train // 4, n_train), "test": (n_train, n)}[part]
        if self.horizon == 0:
            u, y = data
            model = ESNRegressor(**settings).fit(u[:begin], y[:begin])
            return nrmse(y[begin:end], model.predict(u[:end])[begin:end])
        model = ESNForecaster(**settings).fit(data[:begin])
        if self.horizon == 1:
            return nrmse(data[begin:end], model.predict(data[:end])[begin:end])
        starts = np.linspace(begin, end - self.horizon, 40).astype(int)
        rows = data.reshape(n, -1)
        forecasts = model.forecast(self.horizon, warmup=[rows[t - WARM_UP : t] for t in starts])
        last = np.stack([np.reshape(forecast, (self.horizon, -1))[-1] for forecast in forecasts])
        errors = np.sqrt(((last - rows[starts + self.horizon - 1]) ** 2 / rows.var(axis=0)).mean(axis=1))
        return float(np.sqrt(np.mean(np.nan_to_num(np.minimum(errors, 2.0), nan=2.0) ** 2)))


def tasks(length: int) -> list[Task]:
    """Return the six, of at most so many steps."""
    return [
        Task("NARMA-10", lambda seed: narma_series(length + 1, seed)),
        Task("Mackey-Glass", lambda seed: mackey_glass(length), 84),
        Task("Lorenz", lambda seed: lorenz(length, dt=0.02), 100),
        Task("Santa Fe laser", lambda seed: load_santa_fe_laser()[:length], 1),
        Task("sunspots", lambda seed: load_sunspots()[:length], 1),
        Task("electricity", lambda seed: load_electricity_demand()[:length], 1),
    ]


def searched(task: Task, n_units: int, seed: int, n_points: int, features: str) -> float:
    """Return the figure of the point that is best on the validation part."""
    rng = np.random.default_rng(1000 + seed)
    points = [
        {
            "spectral_radius": rng.uniform(0.1, 1.5),
            "leak_rate": rng.uniform(0.1, 1.0),
            "input_scaling": 10 ** rng.uniform(-2.0, 0.5),
            "bias_scaling": rng.uniform(0.0, 1.0),
            "features": features,
            "n_units": n_units,
            "n_jobs": 1,
        }
        for _ in range(n_points)
    ]
    errors = [task.score({**point, "random_state": seed}, seed, "validation") for point in points]
    best = points[int(np.argmin(errors))]
    return task.score({**best, "random_state": seed + 100}, seed, "test")


def rows(n_units: int, n_networks: int, n_points: int, length: int) -> Iterator[tuple[str, list[list[float]]]]:
    """Yield for each task the figures of: defaults; untuned, untuned with squares; searched, searched with squares."""
    for task in tasks(length):
        seeds = range(n_networks)
        plain = {"n_units": n_units, "n_jobs": 1}
        matched = [plain | {"adaptation": InputMatching(), "features": features} for features in FEATURES]
        yield (
            task.name,
            [
                *([task.score({**own, "random_state": s}, s, "test") for s in seeds] for own in (plain, *matched)),
                *([searched(task, n_units, seed, n_points, features) for seed in seeds] for features in FEATURES),
            ],
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--networks", type=int, default=5)
    options = parser.parse_args(argv)
    sizes = (40, 1, 2, 900) if options.quick else (300, options.networks, N_POINTS, 5000)
    warnings.filterwarnings("ignore", "EIBalance|the forecast diverged", RuntimeWarning)
    print("| NRMSE | defaults | untuned | untuned, with squares | searched | searched, with squares | ratios |")
    print("|---|---|---|---|---|---|---|")
    ratios = []
    for name, figures in rows(*sizes):
        _, untuned, with_squares, tuned, tuned_with_squares = (float(np.median(values)) for values in figures)
        ratios.append([untuned / tuned, with_squares / tuned, with_squares / tuned_with_squares])
        cells = [f"{np.median(v):.3g} ({min(v):.3g} to {max(v):.3g})" for v in figures]
        print(f"| {name} | {' | '.join(cells)} | {', '.join(f'{r:.2f}' for r in ratios[-1])} |", flush=True)
    medians = ", ".join(f"{r:.2f}" for r in np.median(ratios, axis=0))
    print("\nRatios: untuned to searched; untuned with squares to searched; both with squares.")
    print(f"Their medians: {medians}")


if __name__ == "__main__":
    main()
