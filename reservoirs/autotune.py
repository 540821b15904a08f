"""Settings of a forecaster chosen by backtesting, beside the naive forecasts that it has to beat."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import detrend
from sklearn.utils import check_array, check_random_state

from ._blas import one_thread
from ._params import check_count
from .esn import ESNForecaster

_GRID: dict[str, tuple[Any, ...]] = {
    "spectral_radius": (0.3, 0.6, 0.9, 1.1, 1.25),
    "leak_rate": (0.1, 0.3, 0.7, 1.0),
    "input_scaling": (0.05, 0.1, 0.3, 0.5, 1.0, 2.0),
    "alpha": (1e-8, 1e-6, 1e-5, 1e-4, 1e-2, 1.0, 100.0),
    "features": ("states+input", "states+input+squares"),
}
# Tried first, for each lag: the defaults of the class, with squares of the states and one penalty. Chosen on the first
# 2000 values of the Santa Fe laser, by forecasts from the last 1000 of them: a random point of the grid is rarely any
# good there.
_FIRST = {
    "spectral_radius": 0.9,
    "leak_rate": 0.7,
    "input_scaling": 0.3,
    "alpha": 1e-5,
    "features": "states+input+squares",
}
_LEAST_TRAINING = 20
_N_ORIGINS = 20
# Networks of the same settings: one alone may diverge where their median does not.
_N_NETWORKS = 5
# Settings that are tried with all networks, after a first choice with one.
_N_FINALISTS = 5
# What a network remembers is long forgotten after this many steps.
_N_WARMUP = 500
# A peak of the autocorrelation below this is no season worth naming.
_LEAST_AUTOCORRELATION = 0.5

Series = NDArray[np.float64]


@dataclass(frozen=True)
class TunedForecaster:
    """Networks with the settings that :func:`tune_forecaster` chose, fitted to the whole series.

    Their forecast is the median of five networks that differ in their random weights. No network is let stray further
    from the range of what it learned than half of that range.

    Attributes
    ----------
    series : ndarray of shape (n_timesteps,)
        The training series.
    forecasters : list of ESNForecaster
        Fitted to the series, or to its differences.
    params : dict
        The settings chosen or given.
    season : int or None
        Length of the season, given or detected.
    lag : int or None
        The networks work on the differences y(t) - y(t - lag): 1, the season, or None for the series itself.
    backtest : dict of str to float
        Root-mean-square error of forecasts on the part of the series that took no part in the choice, mean over
        `n_origins` origins; of "ESN", "persistence" and, with a season, "seasonal naive".
    n_origins : int
        How many forecasts the backtest is the mean of.
    """

    series: Series
    forecasters: list[ESNForecaster]
    params: dict[str, Any]
    season: int | None
    lag: int | None
    backtest: dict[str, float]
    n_origins: int

    def forecast(self, n_steps: int, histories: Sequence[ArrayLike] | None = None) -> Series:
        """Continue the series, or other ones, in closed loop.

        Parameters
        ----------
        n_steps : int
            How many time steps.
        histories : list of array-likes of shape (n_timesteps,), default=None
            Series to continue side by side, each from its last 500 values. None continues the training series.

        Returns
        -------
        ndarray of shape (n_steps,), or (n_histories, n_steps) if `histories` are given

        Raises
        ------
        ValueError
            For fewer than one step, or a history no longer than `lag`.
        """
        n_steps = check_count("n_steps", n_steps)
        given = [self.series] if histories is None else [_check_series("histories", history) for history in histories]
        forecasts = np.median(_forecasts(self.forecasters, given, n_steps, self.lag), axis=0)
        return forecasts[0] if histories is None else forecasts


def tune_forecaster(
    y: ArrayLike,
    *,
    horizon: int,
    season: int | None = None,
    n_candidates: int = 60,
    random_state: int | np.random.RandomState | None = 0,
    verbose: bool = False,
    **given: Any,
) -> TunedForecaster:
    """Choose the settings of an :class:`ESNForecaster` for forecasts of a certain horizon, and fit it.

    Points of a grid of spectral radius, leak rate, input scaling, ridge penalty and features (with or without squares
    of the states), on the series or on its differences (over one step or a season), are compared by closed-loop
    forecasts from up to 20 origins near the end of the series. Half of them are the usual settings and random ones, the
    others differ little from the best of these; the best five of all are compared once more with five networks each. Of
    those about as good as the best, the one with the largest penalty is taken. A last part of the series is kept out of
    this: on it the chosen setting, fitted anew to all before, gives the backtest error.

    The two parts are a sixth of the series each, or two horizons if that is more; in a short series what 20 values to
    learn from leave.

    Parameters
    ----------
    y : array-like of shape (n_timesteps,)
        The series, of at least ``2 * horizon + 20`` time steps.
    horizon : int
        Steps of the forecasts to be good at.
    season : int, default=None
        Length of the season. None looks for one by :func:`detect_season`.
    n_candidates : int, default=60
        How many settings to try.
    random_state : int, RandomState instance or None, default=0
        Draws the settings and the weights.
    verbose : bool, default=False
        Whether to print the settings of the last five and their errors.
    **given
        Parameters of :class:`ESNForecaster` that are known: they are not searched. ``n_units`` is a fifth of the series
        by default, at least 20 and at most 300.

    Returns
    -------
    TunedForecaster
        The forecaster, its settings and its backtest.

    Raises
    ------
    ValueError
        For a series that is too short, constant or not finite, or a parameter out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.autotune import tune_forecaster
    >>> t = np.arange(400)
    >>> y = np.sin(2 * np.pi * t / 25) * np.sin(2 * np.pi * t / 90)
    >>> tuned = tune_forecaster(y, horizon=20, n_candidates=10)
    >>> tuned.backtest["ESN"] < tuned.backtest["persistence"]
    True
    >>> tuned.forecast(20).shape
    (20,)
    """
    y = _check_series("y", y)
    horizon = check_count("horizon", horizon)
    n_candidates = check_count("n_candidates", n_candidates)
    _check_length(y, horizon)
    tail = min(max(2 * horizon, len(y) // 6), (len(y) - _LEAST_TRAINING) // 2)
    choosing, testing = len(y) - 2 * tail, len(y) - tail
    if season is None:
        season = detect_season(y[:choosing])
    elif check_count("season", season, 2) > choosing:
        raise ValueError(f"season={season} is longer than the {choosing} time steps there are to learn from")
    # Matrices this small are solved no faster by threads, and far slower where other work keeps the processors busy.
    with one_thread():
        rng = check_random_state(random_state)
        seeds = rng.randint(2**31, size=_N_NETWORKS).tolist()
        fixed = {"n_units": min(300, max(20, len(y) // 5)), **given}
        grid = _shuffled_grid(fixed, _lags(season, choosing), rng)

        origins = _origins(choosing, testing, horizon)
        candidates = grid[: (n_candidates + 1) // 2]
        errors = _errors(candidates, seeds[:1], y, origins, horizon)
        best = candidates[int(np.argmin(errors))]
        # Sorting is stable: at the same distance the order remains random.
        nearest = sorted(grid[len(candidates) :], key=best.distance)[: n_candidates - len(candidates)]
        errors += _errors(nearest, seeds[:1], y, origins, horizon)
        candidates += nearest
        finalists = [candidates[i] for i in np.argsort(errors, kind="stable")[:_N_FINALISTS]]
        errors = _errors(finalists, seeds, y, origins, horizon)
        if verbose:
            for error, candidate in zip(errors, finalists, strict=True):
                print(f"error {error:.6g}: {candidate}")
        best = finalists[most_cautious(errors, [candidate.params["alpha"] for candidate in finalists])]

        origins = _origins(testing, len(y), horizon)
        histories = [y[:origin] for origin in origins]
        forecasts = {
            "ESN": np.median(best.backtest(y, seeds, origins, horizon), axis=0),
            "persistence": np.stack([persistence(history, horizon) for history in histories]),
        }
        if season is not None:
            forecasts["seasonal naive"] = np.stack([seasonal_naive(history, horizon, season) for history in histories])
        truth = _truth(y, origins, horizon)
        return TunedForecaster(
            series=y,
            forecasters=best.fit(y, seeds),
            params=best.params,
            season=season,
            lag=best.lag,
            backtest={name: _mean_error(forecast, truth) for name, forecast in forecasts.items()},
            n_origins=len(origins),
        )


def persistence(y: ArrayLike, n_steps: int) -> Series:
    """Continue a series by its last value.

    Parameters
    ----------
    y : array-like of shape (n_timesteps,)
        The series.
    n_steps : int
        How many time steps.

    Returns
    -------
    ndarray of shape (n_steps,)

    Examples
    --------
    >>> from reservoirs.autotune import persistence
    >>> persistence([1.0, 2.0, 5.0], 2)
    array([5., 5.])
    """
    return np.full(n_steps, np.asarray(y, dtype=np.float64)[-1])


def seasonal_naive(y: ArrayLike, n_steps: int, season: int) -> Series:
    """Continue a series by its last season, over and over.

    Parameters
    ----------
    y : array-like of shape (n_timesteps,)
        The series, at least a season long.
    n_steps : int
        How many time steps.
    season : int
        Length of the season.

    Returns
    -------
    ndarray of shape (n_steps,)

    Examples
    --------
    >>> from reservoirs.autotune import seasonal_naive
    >>> seasonal_naive([9.0, 1.0, 2.0, 3.0], 5, season=3)
    array([1., 2., 3., 1., 2.])
    """
    return np.resize(np.asarray(y, dtype=np.float64)[-season:], n_steps)


def detect_season(y: ArrayLike) -> int | None:
    """Return the lag of the highest peak of the autocorrelation, if it is above 0.5.

    Parameters
    ----------
    y : array-like of shape (n_timesteps,)
        The series; a linear trend is taken out of it. Lags up to a third of its length are looked at.

    Returns
    -------
    int or None
        The length of the season, None if there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.autotune import detect_season
    >>> detect_season(np.sin(2 * np.pi * np.arange(200) / 12))
    12
    >>> detect_season(np.arange(200.0)) is None
    True
    """
    y = np.asarray(y, dtype=np.float64)
    rest = detrend(y)
    n = len(rest)
    if n < 3 or rest.std() <= 1e-9 * np.abs(y).max():
        return None
    power = np.abs(np.fft.rfft(rest, 2 * n)) ** 2
    products = np.fft.irfft(power)[: n // 3 + 2]
    # Divided by the number of products: otherwise long seasons look weaker than they are.
    correlation = products / (n - np.arange(len(products))) / rest.var()
    middle = correlation[1:-1]
    peaks = np.flatnonzero((middle > correlation[:-2]) & (middle >= correlation[2:])) + 1
    peaks = peaks[correlation[peaks] > _LEAST_AUTOCORRELATION]
    if not len(peaks):
        return None
    # Of a season and its multiples, which correlate about as much, the shortest.
    good = peaks[correlation[peaks] >= correlation[peaks].max() - 0.02]
    return int(good[0])


def most_cautious(errors: ArrayLike, alphas: Sequence[ArrayLike]) -> int:
    """Return the index of the largest ridge penalty among those about as good as the best.

    What is within 5 % of the least error is no worse for all that a validation can tell, and a larger penalty goes less
    astray where the series leaves the range it had so far.

    Parameters
    ----------
    errors : array-like of shape (n_candidates,)
        The validation error of each.
    alphas : sequence of floats or of sequences of floats
        The ridge penalty of each; of several, the largest counts.

    Returns
    -------
    int

    Examples
    --------
    >>> from reservoirs.autotune import most_cautious
    >>> most_cautious([1.0, 1.03, 2.0], [1e-6, 1e-2, 1.0])
    1
    """
    error_of = np.asarray(errors, dtype=np.float64)
    good = np.flatnonzero(error_of <= 1.05 * error_of.min())
    return int(max(good.tolist(), key=lambda i: (np.max(alphas[i]), -error_of[i])))


@dataclass(frozen=True)
class _Candidate:
    params: dict[str, Any]
    lag: int | None

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return settings if self.lag is None else f"{settings}, differences over {self.lag}"

    def distance(self, other: _Candidate) -> int:
        """Return how many settings differ."""
        # Those given may be arrays.
        return int((self.lag != other.lag) + sum(np.any(self.params[name] != other.params[name]) for name in _GRID))

    def fit(self, y: Series, seeds: list[int]) -> list[ESNForecaster]:
        learned = y if self.lag is None else _differences(y, self.lag)
        return [ESNForecaster(**{"random_state": seed, **self.params}).fit(learned) for seed in seeds]

    def backtest(self, y: Series, seeds: list[int], origins: list[int], horizon: int) -> Series:
        """Fit before the first origin and forecast from each, shape (n_networks, n_origins, horizon)."""
        with warnings.catch_warnings():
            # Bad settings diverge or are ill-conditioned, which their error shows.
            warnings.simplefilter("ignore")
            forecasters = self.fit(y[: origins[0]], seeds)
            return _forecasts(forecasters, [y[:origin] for origin in origins], horizon, self.lag)


def _errors(candidates: list[_Candidate], seeds: list[int], y: Series, origins: list[int], horizon: int) -> list[float]:
    """Return the mean error of each candidate's networks: that of their median would hide that some diverge."""
    truth = _truth(y, origins, horizon)
    return [_mean_error(candidate.backtest(y, seeds, origins, horizon), truth) for candidate in candidates]


def _shuffled_grid(fixed: dict[str, Any], lags: list[int | None], rng: np.random.RandomState) -> list[_Candidate]:
    """Return all candidates in random order, but `_FIRST` with every lag before the others."""
    first = {**_FIRST, **fixed}
    searched = {name: values for name, values in _GRID.items() if name not in fixed}
    grid = [
        _Candidate({**dict(zip(searched, point, strict=True)), **fixed}, lag)
        for point, lag in product(product(*searched.values()), lags)
    ]
    # Sorting is stable: the rest remains in random order.
    return sorted((grid[i] for i in rng.permutation(len(grid))), key=lambda candidate: candidate.params != first)


def _lags(season: int | None, n_training: int) -> list[int | None]:
    """Return what differences to try: none, those of neighbours and, given two seasons to learn from, of seasons."""
    if season is None or n_training < 2 * season + _LEAST_TRAINING:
        return [None, 1]
    return [None, 1, season]


def _forecasts(forecasters: list[ESNForecaster], histories: Sequence[Series], n_steps: int, lag: int | None) -> Series:
    """Continue each history by each forecaster, shape (n_forecasters, n_histories, n_steps)."""
    if lag is None:
        return np.stack([_bounded(forecaster, histories, n_steps) for forecaster in forecasters])
    for history in histories:
        if len(history) <= lag:
            raise ValueError(f"a history of {len(history)} time steps must be longer than the lag of {lag}")
    learned = [_differences(history, lag) for history in histories]
    changes = np.stack([_bounded(forecaster, learned, n_steps) for forecaster in forecasters])
    return _add_up(changes, lag) + np.stack([seasonal_naive(history, n_steps, lag) for history in histories])


def _bounded(forecaster: ESNForecaster, histories: Sequence[Series], n_steps: int) -> Series:
    """Forecast within the range of the longest history and half of it to both sides, shape (n_histories, n_steps)."""
    longest = max(histories, key=len)
    margin = np.ptp(longest) / 2
    forecasts = forecaster.forecast(n_steps, warmup=[history[-_N_WARMUP:, None] for history in histories])
    # A loop that has diverged is of no use any more: the middle is the least wrong.
    forecasts = np.nan_to_num(forecasts, nan=float(longest.mean()))
    return np.asarray(np.clip(forecasts, longest.min() - margin, longest.max() + margin))


def _differences(y: Series, lag: int) -> Series:
    return y[lag:] - y[:-lag]


def _add_up(changes: Series, lag: int) -> Series:
    """Add to each change those a lag, two lags, ... before it, along the last axis."""
    n_steps = changes.shape[-1]
    padded = np.concatenate([changes, np.zeros((*changes.shape[:-1], -n_steps % lag))], axis=-1)
    total: Series = padded.reshape(*changes.shape[:-1], -1, lag).cumsum(axis=-2)
    return total.reshape(*changes.shape[:-1], -1)[..., :n_steps]


def _origins(begin: int, end: int, horizon: int) -> list[int]:
    """Spread forecasts of `horizon` steps evenly over the rows from `begin` to `end`."""
    n_origins = min(_N_ORIGINS, end - begin - horizon + 1)
    return [int(origin) for origin in np.linspace(begin, end - horizon, n_origins)]


def _truth(y: Series, origins: list[int], horizon: int) -> Series:
    return np.stack([y[origin : origin + horizon] for origin in origins])


def _mean_error(forecasts: Series, truth: Series) -> float:
    """Return the root-mean-square error of a forecast, mean over forecasts."""
    return float(np.sqrt(((forecasts - truth) ** 2).mean(axis=-1)).mean())


def _check_series(name: str, y: ArrayLike) -> Series:
    series: Series = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name=name)
    if series.ndim != 1:
        raise ValueError(f"{name} has shape {series.shape}; expected one series of shape (n_timesteps,)")
    return series


def _check_length(y: Series, horizon: int) -> None:
    least = 2 * horizon + _LEAST_TRAINING
    if len(y) < least:
        raise ValueError(
            f"the series has {len(y)} values, but horizon={horizon} needs at least {least}: two horizons to choose and "
            f"test settings on, and {_LEAST_TRAINING} values to learn from"
        )
    if y.min() == y.max():
        raise ValueError(f"the series is constant, {y[0]:g} throughout: there is nothing to learn")
