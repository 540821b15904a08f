"""State equations and topologies of echo-state networks of one size, on three tasks.

    python -m bench.dynamics [--quick]

Memory capacity (inputs of the past a linear readout recalls, held out; more is better), NARMA-10 (NRMSE) and
Mackey-Glass (NRMSE of free-running forecasts 84 steps ahead, from 20 starts). Every network has 100 units. Its leak
rate is the best of four on a series of its own; nothing else is tuned. A figure is the median of 5 networks and series,
and the lowest and highest of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bench import results
from bench.accuracy import narma_series
from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.datasets import mackey_glass
from reservoirs.diagnostics import memory_capacity
from reservoirs.esn import ES2N, ContractingModules, Euler
from reservoirs.topology import CycleWithJumps, Wave

UNITS = 100
NETWORKS: dict[str, dict[str, Any]] = {
    "leaky": {},
    "ES2N, cycle": {"dynamics": ES2N()},
    "ES2N, random": {"dynamics": ES2N("random")},
    "Euler": {"dynamics": Euler(0.05)},
    "contracting modules": {"dynamics": ContractingModules(4, coupling=0.5), "spectral_radius": 0.7},
    "cycle": {"topology": "cycle"},
    "cycle with jumps": {"topology": CycleWithJumps(10)},
    "wave": {"topology": Wave(), "spectral_radius": 1.0},
    "delays of 1 to 10": {"recurrent_delay": stats.randint(1, 11)},
    "multiplicative input": {"multiplicative_scaling": 0.3},
}
TUNING_SEED = 1000


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    n_steps: int = 3000
    n_seeds: int = 5
    n_starts: int = 20
    leak_rates: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)


Score = Callable[[dict[str, Any], int, Size], float]


def memory(settings: dict[str, Any], seed: int, size: Size) -> float:
    """Return the memory capacity at a small input scaling, where units are nearly linear."""
    network = EchoStateNetwork(UNITS, input_scaling=0.1, bias_scaling=0.0, random_state=seed, n_jobs=1, **settings)
    n = size.n_steps
    return memory_capacity(network, n_train=n, n_test=n, max_delay=2 * UNITS, random_state=seed).total


def narma_error(settings: dict[str, Any], seed: int, size: Size) -> float:
    """Return the NRMSE on the second half of a NARMA-10 series."""
    u, y = narma_series(2 * size.n_steps, seed)
    half = size.n_steps
    model = ESNRegressor(UNITS, input_scaling=0.5, random_state=seed, n_jobs=1, **settings).fit(u[:half], y[:half])
    errors = (model.predict(u)[half:] - y[half:]) ** 2
    return float(np.sqrt(errors.mean() / y[half:].var()))


def mackey_glass_error(settings: dict[str, Any], seed: int, size: Size) -> float:
    """Return the NRMSE of forecasts 84 steps ahead, over many starts."""
    series = np.tanh(mackey_glass(size.n_steps + 2500, discard=1000 + 200 * (seed % 100)) - 1)
    model = ESNForecaster(UNITS, random_state=seed, n_jobs=1, **settings).fit(series[: size.n_steps])
    begin = size.n_steps + np.linspace(0, 1900, size.n_starts).astype(int)
    ahead = model.forecast(84, warmup=[series[b : b + 400, None] for b in begin])[:, -1].ravel()
    true = series[begin + 400 + 83]
    return float(np.sqrt(np.mean((ahead - true) ** 2) / series.var()))


TASKS: dict[str, tuple[Score, bool]] = {
    "memory capacity": (memory, True),
    "NARMA-10": (narma_error, False),
    "Mackey-Glass": (mackey_glass_error, False),
}


def measure(settings: dict[str, Any], score: Score, more_is_better: bool, size: Size) -> tuple[float, list[float]]:
    """Return the leak rate chosen, and the scores with it, in order."""

    def on_tuning_series(leak_rate: float) -> float:
        try:
            value = score({**settings, "leak_rate": leak_rate}, TUNING_SEED, size)
        except ValueError as error:
            if "leak_rate" not in str(error):
                raise
            return -np.inf  # modules would not contract
        return (value if more_is_better else -value) if np.isfinite(value) else -np.inf

    leak_rate = max(size.leak_rates, key=on_tuning_series)
    return leak_rate, sorted(score({**settings, "leak_rate": leak_rate}, seed, size) for seed in range(size.n_seeds))


def _cell(leak_rate: float, scores: list[float]) -> str:
    return f"{np.median(scores):.3g} ({scores[0]:.3g} to {scores[-1]:.3g}), a = {leak_rate:g}"


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Print the table as Markdown, and return its rows."""
    options = results.parser(__doc__).parse_args(arguments)
    size = Size(400, n_seeds=2, n_starts=3, leak_rates=(0.1, 0.03)) if options.quick else Size()
    with results.kept("dynamics", options, f"{size.n_seeds} seeds") as figures, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what diverges shows in its figures
        print("\n| network | " + " | ".join(TASKS) + " |")
        print("|---|" + "---|" * len(TASKS))
        rows = figures["rows"] = []
        for name, settings in NETWORKS.items():
            row: dict[str, Any] = {"network": name}
            for task, (score, more_is_better) in TASKS.items():
                leak_rate, scores = measure(settings, score, more_is_better, size)
                row[task] = {"leak_rate": leak_rate, "scores": scores}
            cells = (_cell(row[task]["leak_rate"], row[task]["scores"]) for task in TASKS)
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
