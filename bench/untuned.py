"""A network that nobody tunes, beside a plain tanh network after a random search of 50 points.

    python -m bench.untuned [--quick] [--networks N]

Untuned: 300 excitatory and inhibitory units (EITopology with 0.7 times its default gain, all units see the input), each
brought to a target rate (EIBalance, Beta(5, 5)), after the rule `MatchInput` below has fitted input weights and leak
rates to the input: no figure is looked at. "With squares": its readout sees the squared states, too. Searched: 300 tanh
units; spectral radius, leak rate, input and bias scaling are drawn 50 times, and the best on the last quarter of the
training part is drawn anew (another seed) and fitted to all of it. Alpha is the estimators' own choice in all of them.

The untuned network was put together on other tasks (NARMA-3, -5 and -8, Mackey-Glass with tau 30, Rossler, Henon, the
ETTh1 transformer, New York taxis), never on these six; 3000 steps to train, or three quarters of a shorter series. The
figures are NRMSE: of NARMA-10 as it comes, of the laser, sunspots and electricity one step ahead, of Mackey-Glass
the 84th and of Lorenz the 100th step (1.8 Lyapunov times) of 40 closed loops, errors beyond 2 counted as 2.
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
from reservoirs.adaptation import Adaptation, DrawnNetwork, EIBalance
from reservoirs.datasets import load_electricity_demand, load_santa_fe_laser, load_sunspots, lorenz, mackey_glass
from reservoirs.metrics import nrmse
from reservoirs.topology import EITopology

FloatArray = NDArray[np.float64]

N_POINTS = 50
WARM_UP = 300
LONGEST_TIME = 10.0


class MatchInput(Adaptation):
    """Input weights and leak rates that suit the input: its size, and the time in which it becomes another.

    With the time tau in which the input's autocorrelation falls below 1/e, at most 10 steps, leak rates are spread
    evenly over the logarithms of 1 / tau to 1, and weights multiplied by tau / 100 over the input's standard deviation.
    """

    def adapt(self, network: DrawnNetwork) -> None:
        """Scale the input weights, and draw the leak rates."""
        inputs = network.inputs.values.astype(float)
        tau = min(float(np.median([correlation_time(column) for column in inputs.T])), LONGEST_TIME)
        scale = inputs.std(axis=0)
        network.W_in = network.W_in * (tau / 100) / np.where(scale > 0, scale, 1.0)
        network.leak_rate = np.exp(-network.rng.uniform(0, np.log(tau), network.n_units))


def correlation_time(x: FloatArray) -> float:
    """Return the first lag, at least 1, at which the autocorrelation is below 1/e."""
    spectrum = np.fft.rfft(x - x.mean(), 2 * len(x))
    correlation = np.fft.irfft(abs(spectrum) ** 2)[: len(x)]
    below = np.flatnonzero(correlation < correlation[0] / np.e)
    return float(max(1, below[0])) if len(below) else float(len(x))


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


def untuned(n_units: int, seed: int, **given: Any) -> dict[str, Any]:
    """Return the settings that nobody tuned."""
    degree = min(50, n_units // 2)
    topology = EITopology(in_degree=degree, gain=0.7 * 1.44 * np.sqrt(degree), input_fraction=1.0)
    rules = [MatchInput(), EIBalance()]
    own = {"topology": topology, "adaptation": rules, "input_scaling": 1.0, "leak_rate": 1.0}
    return {"n_units": n_units, **own, "random_state": seed, "n_jobs": 1, **given}


def searched(task: Task, n_units: int, seed: int, n_points: int) -> float:
    """Return the figure of the point that is best on the validation part."""
    rng = np.random.default_rng(1000 + seed)
    points = [
        {
            "spectral_radius": rng.uniform(0.1, 1.5),
            "leak_rate": rng.uniform(0.1, 1.0),
            "input_scaling": 10 ** rng.uniform(-2.0, 0.5),
            "bias_scaling": rng.uniform(0.0, 1.0),
            "n_units": n_units,
            "n_jobs": 1,
        }
        for _ in range(n_points)
    ]
    errors = [task.score({**point, "random_state": seed}, seed, "validation") for point in points]
    best = points[int(np.argmin(errors))]
    return task.score({**best, "random_state": seed + 100}, seed, "test")


def rows(n_units: int, n_networks: int, n_points: int, length: int) -> Iterator[tuple[str, list[list[float]]]]:
    """Yield for each task the figures of: untuned, untuned with squares, defaults, searched."""
    for task in tasks(length):
        seeds = range(n_networks)
        squares = {"features": "states+input+squares"}
        yield (
            task.name,
            [
                [task.score(untuned(n_units, seed), seed, "test") for seed in seeds],
                [task.score(untuned(n_units, seed, **squares), seed, "test") for seed in seeds],
                [task.score({"n_units": n_units, "random_state": s, "n_jobs": 1}, s, "test") for s in seeds],
                [searched(task, n_units, seed, n_points) for seed in seeds],
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
    print("| NRMSE | untuned | untuned, with squares | plain, defaults | plain, searched | ratio | with squares |")
    print("|---|---|---|---|---|---|---|")
    ratios = []
    for name, figures in rows(*sizes):
        middle = [float(np.median(values)) for values in figures]
        ratios.append([middle[0] / middle[3], middle[1] / middle[3]])
        cells = [f"{np.median(v):.3g} ({min(v):.3g} to {max(v):.3g})" for v in figures]
        print(f"| {name} | {' | '.join(cells)} | {ratios[-1][0]:.2f} | {ratios[-1][1]:.2f} |", flush=True)
    medians = np.median(ratios, axis=0)
    print(f"\nmedian ratio of untuned to searched: {medians[0]:.2f}; with squares {medians[1]:.2f}")


if __name__ == "__main__":
    main()
