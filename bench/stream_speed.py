"""What a step from Python costs above the compiled step, and what learning a row costs.

    python -m bench.stream_speed [--quick] [--output FOLDER]

The loop in C++ is the stream's own, over the same rows in one call. It and the loop in Python take turns in short
stretches, and an overhead is the difference of two neighbours: what slows the machine down slows both. Given are the
median and the quartiles over stretches. The 99th percentile is of single steps, each between two readings of the clock,
less the median of two readings with nothing in between; it has the scheduler's and the other processes' share in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from bench import results
from reservoirs import NVAR, ESNClassifier, ESNForecaster, ESNRegressor, LSMClassifier, LSMRegressor
from reservoirs.encoding import DeltaEncoder
from reservoirs.streaming import NLMS, RLS
from reservoirs.topology import Column

TARGET = 1.0  # microseconds above the compiled step, at N = 100


def microseconds(task: Callable[[], object], n_steps: int) -> float:
    begin = time.perf_counter()
    task()
    return (time.perf_counter() - begin) / n_steps * 1e6


def paired(
    in_python: Callable[[Any], object], rows: list[Any], in_cpp: Callable[[], object], n_stretches: int
) -> tuple[list[float], list[float]]:
    """Return the microseconds a step of each stretch, in Python and in C++, after a warm-up."""

    def loop() -> None:
        for row in rows:
            in_python(row)

    tasks = (loop, in_cpp)
    times: tuple[list[float], list[float]] = ([], [])
    for i in range(n_stretches + 3):
        for task, taken in zip(tasks, times, strict=True):
            taken.append(microseconds(task, len(rows)))
            if i < 3:
                taken.clear()
    return times


def single_steps(step: Callable[[Any], object], rows: list[Any]) -> np.ndarray:
    """Return the microseconds of every step by itself."""
    clock = time.perf_counter_ns
    times, empty = np.empty(len(rows)), np.empty(len(rows))
    for i, row in enumerate(rows):
        begin = clock()
        step(row)
        times[i] = clock() - begin
        begin = clock()
        empty[i] = clock() - begin
    return (times - np.median(empty)) / 1e3


def models(quick: bool) -> dict[str, tuple[Any, Any, np.ndarray]]:
    """Return streams, what their rows are given as, and the rows."""
    rng = np.random.default_rng(0)
    u = rng.uniform(-1, 1, (1000, 1))
    y = np.sin(np.arange(1000) / 3)
    contenders: dict[str, tuple[Any, Any, np.ndarray]] = {}
    for n_units in (100,) if quick else (50, 100, 200, 500):
        for dtype in ("float64", "float32"):
            model = ESNRegressor(n_units, dtype=dtype, random_state=0).fit(u, u)
            contenders[f"ESNRegressor N={n_units} {dtype}, rows as arrays"] = (model.stream(), None, u.astype(dtype))
    model = ESNRegressor(100, random_state=0).fit(u, u[:, 0])
    contenders["ESNRegressor N=100 float64, numbers in and out"] = (model.stream(), float, u)
    contenders["ESNForecaster N=100 float64, numbers in and out"] = (
        ESNForecaster(100, random_state=0).fit(y).stream(),
        float,
        y[:, None],
    )
    contenders["NVAR of 3 variables float64, rows as arrays"] = (
        NVAR(alpha=1e-3).fit(np.column_stack([y, y**2, y**3])).stream(),
        None,
        np.column_stack([y, y**2, y**3]),
    )
    liquid = {
        "topology": Column((10, 10, 1)),
        "input_weight": 5.0,
        "input_density": 0.5,
        "n_jobs": 1,
        "random_state": 0,
    }
    for target in ("step", "sample"):
        # Of whole samples a step gives what there is to say of all rows so far.
        of_rows = [u + 1, u[:, 0]] if target == "step" else [[u[:50] + 1, u[50:100] + 1], [0.0, 1.0]]
        lsm = LSMRegressor(**liquid, features="traces", target=target).fit(*of_rows)
        contenders[f"LSMRegressor N=100 float32, target={target}, rows as arrays"] = (lsm.stream(), None, u + 1)
    return contenders


def overhead_row(name: str, stream: Any, convert: Any, values: np.ndarray, n: int, n_stretches: int) -> dict[str, Any]:
    stretch = np.ascontiguousarray(values[:n])
    rows = [row.copy() if convert is None else convert(row[0]) for row in stretch]
    if hasattr(stream, "_external") and stream._core.n_external:
        in_cpp = lambda: stream._core.run(stretch)  # noqa: E731
    else:
        # A forecaster's own rows are not external: its loop in C++ runs on its predictions, the same step.
        nothing = np.empty((n, 0), stretch.dtype)
        running_on = stream._core.running_on()
        in_cpp = lambda: running_on.run(nothing)  # noqa: E731
    in_python, in_core = paired(stream.step, rows, in_cpp, n_stretches)
    above = np.subtract(in_python, in_core)
    single = single_steps(stream.step, rows * max(1, 20 * n_stretches // 100))
    return {
        "row": name,
        "core": np.percentile(in_core, [25, 50, 75]).tolist(),
        "above": np.percentile(above, [25, 50, 75]).tolist(),
        "single": np.percentile(single, [50, 99]).tolist(),
    }


def learning_row(name: str, stream: Any, u: np.ndarray, n_stretches: int) -> dict[str, Any]:
    """Time steps with and without learning."""

    def taught(row: np.ndarray) -> None:
        stream.step(row)
        stream.learn(row)

    rows = [row.copy() for row in u]
    with_learning, without = paired(taught, rows, lambda: [stream.step(row) for row in rows], n_stretches)
    above = np.subtract(with_learning, without)
    return {"row": name, "above": np.percentile(above, [25, 50, 75]).tolist()}


def decisions(quick: bool, n_stretches: int) -> Iterator[dict[str, Any]]:
    """Time steps of which something that only Python can do is a part, or a decision."""
    rng = np.random.default_rng(0)
    X = [rng.normal(c, 1, (50, 3)) for c in (0, 1, 2) for _ in range(5)]
    y = np.repeat([0, 1, 2], 5)
    liquid = {
        "topology": Column((10, 10, 1)),
        "input_weight": 5.0,
        "input_density": 0.5,
        "n_jobs": 1,
        "random_state": 0,
    }
    models = {
        "ESNClassifier N=100, 3 classes, a decision a row": ESNClassifier(100, random_state=0).fit(X, y),
        "LSMClassifier N=100, ridge, a decision a row": LSMClassifier(**liquid, readout="ridge").fit(X, y),
        "LSMClassifier N=100, logistic, a decision a row": LSMClassifier(**liquid).fit(X, y),
        "LSMRegressor N=100, DeltaEncoder": LSMRegressor(**liquid, encoder=DeltaEncoder(), target="step").fit(
            X, [each[:, 0] for each in X]
        ),
        "ESNRegressor N=100, readout=Ridge()": ESNRegressor(100, readout=Ridge(), random_state=0).fit(
            X, [each[:, 0] for each in X]
        ),
    }
    for name, model in models.items():
        rows = [row.copy() for row in np.concatenate(X)] * (1 if quick else n_stretches // 40)
        single = single_steps(model.stream().step, rows)
        yield {"row": name, "single": np.percentile(single, [50, 99]).tolist()}


def main(argv: list[str] | None = None) -> None:
    options = results.parser(__doc__).parse_args(argv)
    n, n_stretches = (50, 5) if options.quick else (500, 400)
    with results.kept("stream_speed", options, f"{n_stretches} stretches of {n} steps", fenced=True) as figures:
        figures["results"] = measure(options.quick, n, n_stretches)


def measure(quick: bool, n: int, n_stretches: int) -> list[dict[str, Any]]:
    """Print the tables and return their rows."""
    rows = []
    print("# microseconds a step, median (quartiles)\n")
    print(f"{'':60} {'in C++':>20} {'from Python, above':>24} {'single: median':>15} {'p99':>7}")
    for name, (stream, convert, values) in models(quick).items():
        r = overhead_row(name, stream, convert, values, n, n_stretches)
        rows.append(r)
        core, above = (f"{m:.2f} ({a:.2f} to {b:.2f})" for a, m, b in (r["core"], r["above"]))
        print(f"{name:60} {core:>20} {above:>24} {r['single'][0]:15.2f} {r['single'][1]:7.2f}")
    for r in decisions(quick, n_stretches):
        rows.append(r)
        print(f"{r['row']:60} {'':>20} {'':>24} {r['single'][0]:15.2f} {r['single'][1]:7.2f}")
    u = np.random.default_rng(1).uniform(-1, 1, (n, 1))
    print("\n# learning a row, above a step\n")
    for n_units in (50,) if quick else (50, 100, 200):
        model = ESNRegressor(n_units, random_state=0).fit(u, u)
        for learner in (RLS(alpha=1.0), RLS(0.999, alpha=1.0), NLMS()):
            r = learning_row(f"N={n_units} {learner}", model.stream(learner=learner), u, max(3, n_stretches // 10))
            rows.append(r)
            a, m, b = r["above"]
            print(f"{r['row']:50} {f'{m:.2f} ({a:.2f} to {b:.2f})':>20}")
    at_100 = [r["above"][1] for r in rows if "core" in r and "N=100 " in r["row"]]
    print(
        f"\n# target: at most {TARGET} above the step in C++ at N=100; measured {min(at_100):.2f} to {max(at_100):.2f}"
    )
    return rows


if __name__ == "__main__":
    main()
