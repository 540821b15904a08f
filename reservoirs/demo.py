"""The demonstration: real series forecast and classified, beside naive baselines.

Every setting is fixed here or chosen on the training part alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from . import datasets
from ._blas import one_thread
from .autotune import most_cautious, persistence, seasonal_naive, tune_forecaster
from .esn import ESNClassifier, ESNForecaster
from .plotting import ForecastDisplay

Series = NDArray[np.float64]
_N_ORIGINS = 20


@dataclass(frozen=True)
class _Task:
    """A real series: what comes before `n_train` is learned from, the rest is forecast."""

    name: str
    title: str
    unit: str
    y: Series
    n_train: int
    horizon: int
    season: int


@dataclass(frozen=True)
class Score:
    """One line of the demonstration's table.

    Attributes
    ----------
    task, measure : str
        What was done and how it is scored.
    ours : float
        The score of the echo-state network.
    baselines : dict of str to float
        The scores of the naive methods.
    fit_seconds, predict_seconds : float
        How long choosing the settings and fitting took, and predicting.
    """

    task: str
    measure: str
    ours: float
    baselines: dict[str, float]
    fit_seconds: float
    predict_seconds: float


def run(output: Path, *, quick: bool = False) -> list[Score]:
    """Run the demonstration, print its scores and draw its pictures.

    Needs matplotlib and the PyPI packages that ship the data: ``pip install --no-deps reservoirpy pmdarima aeon``.

    Parameters
    ----------
    output : Path
        Folder of the pictures, which must exist.
    quick : bool, default=False
        Leave a series out and search fewer settings.

    Returns
    -------
    list of Score

    Raises
    ------
    ImportError
        If matplotlib or a package with data is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from reservoirs import demo
    >>> scores = demo.run(Path("demo-output"))  # doctest: +SKIP
    """
    tasks, vowels = _load(quick)
    new_figure = _figure_factory()
    scores, pictures = [], []
    # As in tune_forecaster: the matrices are small.
    with one_thread():
        for task in tasks:
            of_task, figure = _forecast(task, 12 if quick else 40, new_figure)
            path = output / f"forecast-{task.name}.png"
            figure.savefig(path, dpi=120)
            scores += of_task
            pictures.append(path)
        score, figure = _classify(vowels, quick, new_figure)
    path = output / "confusion-japanese-vowels.png"
    figure.savefig(path, dpi=120)
    scores.append(score)
    pictures.append(path)
    _print_table(scores)
    print("\nPictures:")
    for path in pictures:
        print(f"  {path}")
    return scores


def _load(quick: bool) -> tuple[list[_Task], Any]:
    demand = datasets.load_electricity_demand()
    tasks = [
        _Task("laser", "Santa Fe laser", "intensity", datasets.load_santa_fe_laser()[:4000], 2000, 50, 7),
        _Task("electricity", "Electricity demand", "MW", demand, 3024, 96, 336),
    ]
    if not quick:
        tasks.append(_Task("sunspots", "Monthly sunspots", "sunspot number", datasets.load_sunspots(), 2000, 60, 132))
    return tasks, datasets.load_japanese_vowels()


def _figure_factory() -> Callable[..., Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the demo draws with matplotlib: pip install reservoirs[plot]") from error
    return Figure


def _forecast(task: _Task, n_candidates: int, new_figure: Callable[..., Any]) -> tuple[list[Score], Any]:
    closed, forecasts, origins = _closed_loop(task, n_candidates)
    one_step, predicted = _one_step(task)
    figure = new_figure(figsize=(10, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    # The origin of median error: neither the best nor the worst.
    errors = _rmse(forecasts, _windows(task, origins))
    middle = int(np.argsort(errors)[len(errors) // 2])
    origin = origins[middle]
    past, true = task.y[:origin], task.y[origin : origin + task.horizon]
    naive = seasonal_naive(past, task.horizon, task.season)
    ForecastDisplay.from_predictions(past, true, forecasts[middle], naive=naive, naive_name="seasonal naive", ax=upper)
    upper.set_title(f"{task.title}: {task.horizon} steps in closed loop", loc="left")
    until = task.n_train + task.horizon
    ForecastDisplay.from_predictions(
        task.y[: task.n_train],
        task.y[task.n_train : until],
        predicted[: task.horizon],
        forecast_name="predictions",
        n_past=task.horizon // 2,
        ax=lower,
    )
    lower.set_title(f"{task.title}: one step ahead", loc="left")
    for ax in (upper, lower):
        ax.set_ylabel(task.unit)
    return [closed, one_step], figure


def _closed_loop(task: _Task, n_candidates: int) -> tuple[Score, Series, list[int]]:
    begin = time.perf_counter()
    tuned = tune_forecaster(task.y[: task.n_train], horizon=task.horizon, season=task.season, n_candidates=n_candidates)
    fitted = time.perf_counter()
    origins = np.linspace(task.n_train, len(task.y) - task.horizon, _N_ORIGINS).astype(int).tolist()
    histories = [task.y[:origin] for origin in origins]
    forecasts = tuned.forecast(task.horizon, histories)
    done = time.perf_counter()
    true, scale = _windows(task, origins), task.y[task.n_train :].std()
    baselines = {
        "persistence": np.stack([persistence(past, task.horizon) for past in histories]),
        "seasonal naive": np.stack([seasonal_naive(past, task.horizon, task.season) for past in histories]),
    }
    score = Score(
        f"{task.name}, {task.horizon} steps in closed loop",
        "NRMSE",
        float(_rmse(forecasts, true).mean() / scale),
        {name: float(_rmse(forecast, true).mean() / scale) for name, forecast in baselines.items()},
        fitted - begin,
        done - fitted,
    )
    return score, forecasts, origins


def _one_step(task: _Task) -> tuple[Score, Series]:
    begin = time.perf_counter()
    model = _choose_one_step(task.y[: task.n_train])
    fitted = time.perf_counter()
    predicted = model.predict(task.y)[task.n_train :]
    done = time.perf_counter()
    true = task.y[task.n_train :]
    baselines = {
        "persistence": task.y[task.n_train - 1 : -1],
        "seasonal naive": task.y[task.n_train - task.season : -task.season],
    }
    score = Score(
        f"{task.name}, one step ahead",
        "NRMSE",
        float(_rmse(predicted, true) / true.std()),
        {name: float(_rmse(guess, true) / true.std()) for name, guess in baselines.items()},
        fitted - begin,
        done - fitted,
    )
    return score, predicted


def _choose_one_step(y: Series) -> ESNForecaster:
    """Fit to three quarters of the series, compare on the last, and fit the best to the whole."""
    split = 3 * len(y) // 4
    models = [
        ESNForecaster(500, leak_rate=leak_rate, input_scaling=input_scaling, alpha=alpha, random_state=0)
        for leak_rate, input_scaling, alpha in product((0.3, 1.0), (0.1, 0.3, 1.0), (1e-6, 1e-4, 1e-2, 1.0))
    ]
    errors = [_rmse(model.fit(y[:split]).predict(y)[split:], y[split:]) for model in models]
    return models[most_cautious(errors, [model.alpha for model in models])].fit(y)


def _windows(task: _Task, origins: list[int]) -> Series:
    return np.stack([task.y[origin : origin + task.horizon] for origin in origins])


def _rmse(guess: Series, true: Series) -> Any:
    return np.sqrt(((guess - true) ** 2).mean(axis=-1))


def _classify(vowels: Any, quick: bool, new_figure: Callable[..., Any]) -> tuple[Score, Any]:
    begin = time.perf_counter()
    search = GridSearchCV(
        ESNClassifier(400, spectral_radius=0.6, alpha=1.0, random_state=0),
        {
            "leak_rate": [0.3] if quick else [0.1, 0.3, 0.6],
            "input_scaling": [0.5, 1.0] if quick else [0.25, 0.5, 1.0],
            "pooling": ["mean", "both"],
        },
        # The training set lists the speakers one after another.
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(vowels.X_train, vowels.y_train)
    fitted = time.perf_counter()
    predicted = search.predict(vowels.X_test)
    done = time.perf_counter()
    labels, counts = np.unique(vowels.y_train, return_counts=True)
    neighbour = KNeighborsClassifier(1).fit(_resampled(vowels.X_train), vowels.y_train)
    score = Score(
        "Japanese vowels, 9 speakers",
        "accuracy",
        float(np.mean(predicted == vowels.y_test)),
        {
            "majority class": float(np.mean(vowels.y_test == labels[counts.argmax()])),
            "1-NN, resampled": float(neighbour.score(_resampled(vowels.X_test), vowels.y_test)),
        },
        fitted - begin,
        done - fitted,
    )
    figure = new_figure(figsize=(6, 5.5), layout="constrained")
    ax = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(vowels.y_test, predicted, cmap="Blues", colorbar=False, ax=ax)
    ax.set(title=f"Japanese vowels: {score.ours:.1%} right", xlabel="speaker predicted", ylabel="speaker")
    return score, figure


def _resampled(sequences: list[Series], n_steps: int = 20) -> Series:
    """Stretch every sequence to `n_steps` by linear interpolation and lay it flat, shape (n_sequences, ...)."""
    at = np.linspace(0, 1, n_steps)
    return np.stack(
        [
            np.concatenate([np.interp(at, np.linspace(0, 1, len(sequence)), channel) for channel in sequence.T])
            for sequence in sequences
        ]
    )


def _print_table(scores: list[Score]) -> None:
    print(f"{'':<40}{'measure':<10}{'ESN':>8}   {'naive baselines':<48}{'fit':>8}{'predict':>10}")
    for score in scores:
        baselines = ", ".join(f"{name} {value:.4f}" for name, value in score.baselines.items())
        print(
            f"{score.task:<40}{score.measure:<10}{score.ours:>8.4f}   {baselines:<48}"
            f"{score.fit_seconds:>6.2f} s{score.predict_seconds:>8.3f} s"
        )
    print("NRMSE: root-mean-square error / standard deviation of the test part; lower is better.")
    print("Fit includes the choice of settings, on the training part alone.")
