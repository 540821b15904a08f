"""How long forecasts stay valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._params import check_count
from ..forecasting import ForecasterMixin
from ..metrics import valid_prediction_time
from ._drive import check_inputs

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PredictionTimes:
    """How long forecasts from many starts stay close to the truth.

    Attributes
    ----------
    times : ndarray of shape (n_starts,)
        Valid prediction time of each start, in units of `dt`, or Lyapunov times.
    horizon : float
        Length of the forecasts in the same unit: a time that reaches it is a lower bound.
    threshold : float
        Largest normalised error of a valid forecast.
    """

    times: FloatArray
    horizon: float
    threshold: float

    @property
    def median(self) -> float:
        """Median over starts."""
        return float(np.median(self.times))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile over starts."""
        low, high = np.quantile(self.times, [0.25, 0.75])
        return float(low), float(high)

    @property
    def n_censored(self) -> int:
        """How many forecasts were valid to their end: choose a larger `n_steps` if it is not 0."""
        return int(np.count_nonzero(self.times >= self.horizon * (1 - 1e-12)))


def valid_prediction_times(
    forecaster: Any,
    y: ArrayLike,
    *,
    n_steps: int,
    warmup: int,
    n_starts: int = 30,
    dt: float = 1.0,
    threshold: float = 0.4,
    lyapunov_exponent: float | None = None,
) -> PredictionTimes:
    r"""Forecast from many starts along a series, and tell how long each forecast stays valid.

    A forecast is valid until its error first exceeds the threshold:

    .. math:: \lVert \hat y(t) - y(t) \rVert > \theta \sqrt{\langle \lVert y - \bar y \rVert^2 \rangle}

    Parameters
    ----------
    forecaster : ESNForecaster or NVAR
        Fitted, without exogenous series, on other data than `y`.
    y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs)
        The true series. Starts are spread over it evenly; its mean and variance scale the errors.
    n_steps : int
        Length of each forecast, which should exceed what can be predicted.
    warmup : int
        Rows before each start that the forecaster is shown.
    n_starts : int, default=30
        How many forecasts.
    dt : float, default=1.0
        Time between rows.
    threshold : float, default=0.4
        Largest normalised error of a valid forecast. Papers use 0.3 to 0.9: always say which.
    lyapunov_exponent : float, default=None
        Largest Lyapunov exponent of the system, per time unit. If given, times are Lyapunov times.

    Returns
    -------
    PredictionTimes

    Raises
    ------
    ValueError
        For a parameter out of its range, or a series too short for a warm-up and a forecast.

    Notes
    -----
    When it misleads: times beyond the horizon are cut off (`n_censored`). Starts that lie closer together than the
    horizon share some of their future, and are not independent. On data from an integrator, times beyond those for
    which two integrators agree mean nothing.

    Examples
    --------
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.datasets import mackey_glass
    >>> from reservoirs.diagnostics import valid_prediction_times
    >>> y = mackey_glass(4000)
    >>> model = ESNForecaster(n_units=200, random_state=0).fit(y[:2000])
    >>> found = valid_prediction_times(model, y[2000:], n_steps=1000, warmup=200, n_starts=10)
    >>> bool(found.median > 100), found.quartiles[0] <= found.median <= found.quartiles[1]
    (True, True)
    """
    if not isinstance(forecaster, ForecasterMixin):
        raise ValueError(f"forecaster={forecaster!r} is not an ESNForecaster or NVAR")
    check_is_fitted(forecaster)
    series = check_inputs(y, "y")
    n_steps, warmup = check_count("n_steps", n_steps), check_count("warmup", warmup)
    n_starts = check_count("n_starts", n_starts)
    latest = len(series) - n_steps
    if latest < warmup:
        raise ValueError(f"y has {len(series)} rows; warmup={warmup} and n_steps={n_steps} need {warmup + n_steps}")
    starts = np.linspace(warmup, latest, n_starts).astype(int)
    forecasts = forecaster.forecast(n_steps, warmup=[series[t - warmup : t] for t in starts])
    times = valid_prediction_time(
        [series[t : t + n_steps] for t in starts],
        list(forecasts.reshape(n_starts, n_steps, -1)),
        dt=dt,
        threshold=threshold,
        lyapunov_exponent=lyapunov_exponent,
        scale=float(np.sqrt(series.var(axis=0, dtype=np.float64).sum())),
    )
    unit = dt * (1.0 if lyapunov_exponent is None else lyapunov_exponent)
    return PredictionTimes(times, n_steps * unit, threshold)
