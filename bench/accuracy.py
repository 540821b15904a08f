"""How accurate the estimators are on the usual tasks, beside the targets the project set itself.

Run ``python -m bench.accuracy`` (two minutes), ``--quick`` for a toy version, ``--output FOLDER`` to keep every number.

Every row is the median (lowest..highest) of 5 seeds, twice: with settings tuned for the task, which should meet the
target, and with the defaults of the class, of which only the number of units is set, which should come within a factor
of 2. The protocols:

- NARMA-10: map u to y with 4000 training steps (the first 100 left out), NRMSE of the next 2000. Each seed draws a
  series and a network; series that diverge are passed over.
- Mackey-Glass, tau 17, unit sampling: 10,000 training steps, then 100 closed loops from later starts, each after 500
  steps of warm-up. NRMSE84 is the root mean square error at their 84th step over the standard deviation of the series.
- Lorenz-63: 10,000 training steps of .02 by an accurate integrator, then 30 closed loops of 28 time units from later
  starts after 500 steps of warm-up. The time to a normalised error of .4, in Lyapunov times, median over the starts.
- NVAR on Lorenz-63, steps of .025, 28 features: the same with 50 starts; a seed shifts the training stretch. The
  published set-up (400 points made by RK23 at SciPy's default tolerance) is shown beside accurate points, because the
  error of that integrator, not that of the model, ends its forecasts.
- Santa Fe laser: `ESNForecaster.predict`, one step ahead: 2000 training steps, NRMSE of the next 2000.
- Memory capacity of a linear cycle: the sum over delays of 1 step and more of the squared correlation between the
  delayed input and its linear reconstruction, held out, 100,000 steps each; the row shows how far it is from theory,
  N - 1 + r^(2N) (Rodan and Tino 2011).
- Japanese Vowels: test error. Settings are chosen by cross-validation within the 270 training sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold

from bench import results
from reservoirs import NVAR, EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor
from reservoirs.datasets import (
    LORENZ_LYAPUNOV_EXPONENT,
    load_japanese_vowels,
    load_santa_fe_laser,
    lorenz,
    mackey_glass,
    narma,
)
from reservoirs.metrics import nrmse, valid_prediction_time
from reservoirs.readout import Gram, solve_ridge

FloatArray = NDArray[np.float64]

WARM_UP = 500
LORENZ_HORIZON = 28.0  # time units: 25 Lyapunov times, more than any forecast lasts

NARMA = {
    "spectral_radius": 0.9,
    "leak_rate": 1.0,
    "input_scaling": 0.1,
    "bias_scaling": 0.3,
    "features": "states+input",
    "alpha": 1e-9,
}
MACKEY_GLASS = {
    "spectral_radius": 1.09,
    "leak_rate": 0.6,
    "input_scaling": 0.22,
    "bias_scaling": 0.39,
    "features": "states+input+squares",
    "alpha": 1e-9,
}
LORENZ = {
    "spectral_radius": 0.66,
    "leak_rate": 0.91,
    "input_scaling": 0.1,
    "bias_scaling": 0.11,
    "features": "states+squares",
    "alpha": 1e-10,
}
LASER = {
    "spectral_radius": 0.61,
    "leak_rate": 0.86,
    "input_scaling": 0.15,
    "bias_scaling": 0.52,
    "features": "states",
    "alpha": 1e-9,
}
VOWELS_GRID = {
    "spectral_radius": [0.5, 0.9],
    "leak_rate": [0.3, 1.0],
    "input_scaling": [0.3, 1.0],
    "pooling": ["mean", "both"],
}


@dataclass(frozen=True)
class Size:
    """How large a run is: series, networks and numbers of starts are all divided by `shrink`."""

    n_seeds: int = 5
    shrink: int = 1

    def __call__(self, n: int) -> int:
        """Return n as it is in this run."""
        return max(2, n // self.shrink)


@dataclass(frozen=True)
class Task:
    """One row of the table.

    `tuned` and `default` make an estimator from a seed and `score` fits it and returns its figure. `higher` tells
    whether a higher figure is better; without a target a row only informs.
    """

    name: str
    unit: str
    target: float | None
    score: Callable[[Any, int], float]
    tuned: Callable[[int], Any]
    default: Callable[[int], Any]
    higher: bool = False

    def limit(self) -> float | None:
        """Return the figure the defaults must reach."""
        if self.target is None:
            return None
        return self.target / 2 if self.higher else self.target * 2


@dataclass(frozen=True)
class Figures:
    """The figures of one estimator over the seeds, and whether their median meets what is asked, if anything is."""

    median: float
    lowest: float
    highest: float
    asked: float | None
    passed: bool | None
    settings: str

    def __str__(self) -> str:
        """Return the cells of the table."""
        verdict = "" if self.passed is None else "ok" if self.passed else "MISSED"
        return f"{self.median:<7.3g} ({self.lowest:.3g}..{self.highest:.3g})".ljust(32) + verdict.ljust(7)


def narma_score(size: Size) -> Callable[[Any, int], float]:
    """Return the scorer of NARMA-10."""
    n_train, n_test = size(4000), size(2000)

    def score(model: Any, seed: int) -> float:
        u, y = narma_series(n_train + n_test + 1, seed)
        model.fit(u[:n_train], y[:n_train])
        return nrmse(y[n_train:], model.predict(u)[n_train:])

    return score


def narma_series(n_timesteps: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return inputs and outputs of the first series from `seed` on, in steps of 1000, that does not diverge."""
    while True:
        try:
            u, y = narma(n_timesteps, random_state=seed)
        except ValueError:
            seed += 1000
        else:
            return u[:-1, None], y[1:]


def mackey_glass_score(size: Size) -> Callable[[Any, int], float]:
    """Return the scorer of the 84th step of closed loops on the Mackey-Glass series."""
    n_train, n_starts, spacing, n_steps = size(10_000), size(100), 50, 84
    y = mackey_glass(n_train + WARM_UP + n_starts * spacing + n_steps)

    def score(model: Any, seed: int) -> float:
        starts = n_train + WARM_UP + spacing * np.arange(n_starts)
        forecasts = model.fit(y[:n_train]).forecast(n_steps, warmup=[y[s - WARM_UP : s, None] for s in starts])
        errors = forecasts[:, -1].ravel() - y[starts + n_steps - 1]
        return float(np.sqrt(np.mean(errors**2)) / y.std())

    return score


def lorenz_score(
    size: Size,
    series: Callable[[int], FloatArray],
    dt: float,
    *,
    n_train: int,
    n_starts: int,
    shift: int = 0,
) -> Callable[[Any, int], float]:
    """Return the scorer of closed loops on the Lorenz system sampled every `dt`, trained from row `seed * shift` on."""
    n_train, n_starts, n_steps, spacing = size(n_train), size(n_starts), round(LORENZ_HORIZON / dt), 1000
    first = n_train + 4 * shift + WARM_UP
    y = series(first + n_starts * spacing + n_steps)
    starts = first + spacing * np.arange(n_starts)

    def score(model: Any, seed: int) -> float:
        model.fit(y[seed * shift : seed * shift + n_train])
        forecasts = model.forecast(n_steps, warmup=[y[s - WARM_UP : s] for s in starts])
        true = [y[s : s + n_steps] for s in starts]
        times = valid_prediction_time(true, list(forecasts), dt=dt, lyapunov_exponent=LORENZ_LYAPUNOV_EXPONENT)
        return float(np.median(times))

    return score


def lorenz_by_rk23(n_timesteps: int, dt: float = 0.025) -> FloatArray:
    """Integrate the Lorenz system as the NVAR paper does: RK23 at its default tolerance of a thousandth."""

    def derivative(_: float, state: FloatArray) -> list[float]:
        x, y, z = state
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    times = dt * np.arange(n_timesteps)
    start = [17.67715816276679, 12.931379185960404, 43.91404334248268]  # of the paper's script, on the attractor
    return np.asarray(solve_ivp(derivative, (0, times[-1]), start, t_eval=times, method="RK23").y.T)


def laser_score(size: Size) -> Callable[[Any, int], float]:
    """Return the scorer of the laser one step ahead."""
    n_train = size(2000)
    y = load_santa_fe_laser()[: 2 * n_train]

    def score(model: Any, seed: int) -> float:
        return nrmse(y[n_train:], model.fit(y[:n_train]).predict(y)[n_train:])

    return score


def memory_score(size: Size) -> Callable[[Any, int], float]:
    """Return the scorer of a cycle's memory capacity: its distance from theory."""

    def score(network: Any, seed: int) -> float:
        n_units = network.n_units
        theory = n_units - 1 + network.spectral_radius ** (2 * n_units)
        return abs(memory_capacity(network, size(100_000), 2 * n_units, seed) - theory)

    return score


def memory_capacity(network: Any, n_steps: int, n_delays: int, seed: int) -> float:
    """Return the sum over 1 to `n_delays` steps of the squared correlation of input and reconstruction, held out."""
    u = np.random.default_rng(seed).uniform(-1, 1, 2 * (n_steps + n_delays))
    states = network.fit_transform(u[:, None])
    delayed = np.lib.stride_tricks.sliding_window_view(u, n_delays + 1)[:, n_delays - 1 :: -1]
    states = states[n_delays:]
    train, test = slice(n_delays, n_steps + n_delays), slice(n_steps + n_delays, None)
    gram = Gram()
    gram.update(states[train], delayed[train])
    # Enough to leave out directions the input cannot reach, too little to bias the others.
    solution = solve_ridge(gram, 1e-8)
    rebuilt = states[test] @ solution.coef.T + solution.intercept
    return float(squared_correlations(rebuilt, delayed[test]).sum())


def squared_correlations(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the squared correlation of each column of `a` with that of `b`; 0 where a column is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    product = (a * b).sum(axis=0) ** 2
    norms = (a**2).sum(axis=0) * (b**2).sum(axis=0)
    return np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)


def vowels_score(size: Size) -> Callable[[Any, int], float]:
    """Return the scorer of Japanese Vowels: the share of test sequences given a wrong speaker."""
    data = load_japanese_vowels()

    def score(model: Any, seed: int) -> float:
        return 1 - float(model.fit(data.X_train, data.y_train).score(data.X_test, data.y_test))

    return score


@cache
def vowels_settings(size: Size) -> dict[str, Any]:
    """Choose settings on the training sequences alone; reservoir 5 serves here, 0 to 4 are for the figures."""
    data = load_japanese_vowels()
    grid = VOWELS_GRID if size.shrink == 1 else {"pooling": VOWELS_GRID["pooling"]}
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=size(4), random_state=0)
    search = GridSearchCV(ESNClassifier(size(500), random_state=size.n_seeds), grid, cv=folds)
    return dict(search.fit(data.X_train, data.y_train).best_params_)


def tasks(size: Size) -> list[Task]:
    """Return every row."""

    def maker(cls: Any, n_units: int, **settings: Any) -> Callable[[int], Any]:
        return lambda seed: cls(size(n_units), random_state=seed, **settings)

    rows = []
    of_narma = narma_score(size)
    for n, target in ((100, 0.265), (200, 0.15), (500, 0.105)):
        tuned, default = maker(ESNRegressor, n, **NARMA), maker(ESNRegressor, n)
        rows.append(Task(f"NARMA-10, N={size(n)}", "NRMSE", target, of_narma, tuned, default))
    of_mackey_glass = mackey_glass_score(size)
    for n, target in ((500, 3.6e-4), (1000, 1.4e-4)):
        tuned, default = maker(ESNForecaster, n, **MACKEY_GLASS), maker(ESNForecaster, n)
        rows.append(Task(f"Mackey-Glass, N={size(n)}", "NRMSE84", target, of_mackey_glass, tuned, default))
    of_lorenz = lorenz_score(size, lorenz, 0.02, n_train=10_000, n_starts=30)
    for n, target in ((300, 10.0), (1000, 12.0)):
        tuned, default = maker(ESNForecaster, n, **LORENZ), maker(ESNForecaster, n)
        rows.append(Task(f"Lorenz-63, N={size(n)}", "Lyapunov t.", target, of_lorenz, tuned, default, higher=True))
    rows += nvar_tasks(size)
    tuned, default = maker(ESNForecaster, 500, **LASER), maker(ESNForecaster, 500)
    rows.append(Task(f"Santa Fe laser, N={size(500)}", "NRMSE", 0.05, laser_score(size), tuned, default))
    linear = {"topology": "cycle", "activation": "identity"}
    tuned, default = (
        maker(EchoStateNetwork, 100, spectral_radius=0.95, **linear),
        maker(EchoStateNetwork, 100, **linear),
    )
    rows.append(Task(f"Linear cycle, N={size(100)}", "|MC-theory|", 2.0, memory_score(size), tuned, default))
    tuned, default = maker(ESNClassifier, 500, **vowels_settings(size)), maker(ESNClassifier, 500)
    rows.append(Task(f"Japanese Vowels, N={size(500)}", "error", 0.015, vowels_score(size), tuned, default))
    return rows


def nvar_tasks(size: Size) -> list[Task]:
    """Return the rows of NVAR: the default model, on more and fewer, accurate and inaccurate points."""
    sources: Sequence[tuple[str, Callable[[int], FloatArray], float | None, int]] = (
        ("2000 accurate", lambda n: lorenz(n, dt=0.025), 4.5, 2000),
        ("400 accurate", lambda n: lorenz(n, dt=0.025), None, 400),
        ("2000 by RK23", lorenz_by_rk23, None, 2000),
        ("400 by RK23", lorenz_by_rk23, None, 400),
    )
    return [
        Task(
            f"NVAR, {name} points",
            "Lyapunov t.",
            target,
            lorenz_score(size, series, 0.025, n_train=n_train, n_starts=50, shift=500),
            lambda seed: NVAR(alpha=1e-6),
            lambda seed: NVAR(),
            higher=True,
        )
        for name, series, target, n_train in sources
    ]


def measure(task: Task, make: Callable[[int], Any], asked: float | None, n_seeds: int) -> Figures:
    """Score one estimator over the seeds."""
    values = [task.score(make(seed), seed) for seed in range(n_seeds)]
    middle = median(values)
    passed = None if asked is None else middle >= asked if task.higher else middle <= asked
    return Figures(middle, min(values), max(values), asked, passed, " ".join(repr(make(0)).split()))


def run(size: Size) -> list[dict[str, Any]]:
    """Measure every row, printing each as it comes."""
    print(f"{'task':32}{'figure':12}{'target':12}{'tuned':39}{'limit':12}defaults")
    rows = []
    for task in tasks(size):
        start = perf_counter()
        tuned = measure(task, task.tuned, task.target, size.n_seeds)
        default = measure(task, task.default, task.limit(), size.n_seeds)
        print(f"{task.name:32}{task.unit:12}{_bound(task, task.target):12}{tuned}", end="")
        print(f"{_bound(task, task.limit()):12}{default}".rstrip(), flush=True)
        row = {"task": task.name, "figure": task.unit, "seconds": perf_counter() - start}
        rows.append(row | {"tuned": asdict(tuned), "defaults": asdict(default)})
    return rows


def _bound(task: Task, value: float | None) -> str:
    return "" if value is None else f"{'>=' if task.higher else '<='} {value:.3g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    options = results.parser(__doc__).parse_args(arguments)
    size = Size(n_seeds=1, shrink=10) if options.quick else Size()
    with results.kept("accuracy", options, f"{size.n_seeds} seeds", fenced=True) as figures:
        figures["rows"] = run(size)


if __name__ == "__main__":
    main()
