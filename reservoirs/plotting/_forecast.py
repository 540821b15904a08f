"""Pictures of forecasts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._params import check_count
from ._axes import new_axes


class ForecastDisplay:
    """A forecast beside the series it continues.

    Make one by :meth:`from_predictions` or :meth:`from_estimator`, which also draw it.

    Parameters
    ----------
    past : ndarray of shape (n_timesteps,)
        The series up to the forecast.
    true : ndarray of shape (n_steps,) or None
        What came then, if it is known.
    forecast : ndarray of shape (n_steps,)
        The forecast.
    naive : ndarray of shape (n_steps,), default=None
        A naive forecast to compare with.
    naive_name, forecast_name : str, default="naive" and "forecast"
        Their names in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the forecast was drawn on.
    figure_ : matplotlib Figure
        The figure it is part of.
    lines_ : list of matplotlib Line2D
        The curves drawn.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.datasets import mackey_glass
    >>> from reservoirs.plotting import ForecastDisplay
    >>> y = mackey_glass(1100)
    >>> model = ESNForecaster(n_units=100, random_state=0).fit(y[:1000])
    >>> display = ForecastDisplay.from_estimator(model, y[:1000], y[1000:])
    >>> [line.get_label() for line in display.lines_]
    ['past', 'truth', 'forecast']
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(
        self,
        past: NDArray[np.float64],
        true: NDArray[np.float64] | None,
        forecast: NDArray[np.float64],
        *,
        naive: NDArray[np.float64] | None = None,
        naive_name: str = "naive",
        forecast_name: str = "forecast",
    ) -> None:
        self.past = past
        self.true = true
        self.forecast = forecast
        self.naive = naive
        self.naive_name = naive_name
        self.forecast_name = forecast_name

    @classmethod
    def from_predictions(
        cls,
        past: ArrayLike,
        true: ArrayLike | None,
        forecast: ArrayLike,
        *,
        naive: ArrayLike | None = None,
        naive_name: str = "naive",
        forecast_name: str = "forecast",
        n_past: int | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw a forecast.

        Parameters
        ----------
        past : array-like of shape (n_timesteps,)
            The series up to the forecast.
        true : array-like of shape (n_steps,) or None
            What came then, if it is known.
        forecast : array-like of shape (n_steps,)
            The forecast.
        naive : array-like of shape (n_steps,), default=None
            A naive forecast to compare with.
        naive_name, forecast_name : str, default="naive" and "forecast"
            Their names in the legend.
        n_past : int, default=None
            How many of the last values of `past` to show; None shows twice as many as there are steps.
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            For an array that is empty, not 1-D or of another length than the forecast.
        """
        steps = _check_series("forecast", forecast)
        display = cls(
            _check_series("past", past),
            None if true is None else _check_series("true", true, len(steps)),
            steps,
            naive=None if naive is None else _check_series("naive", naive, len(steps)),
            naive_name=naive_name,
            forecast_name=forecast_name,
        )
        return display.plot(ax=ax, n_past=n_past)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        past: ArrayLike,
        true: ArrayLike | None = None,
        *,
        n_steps: int | None = None,
        naive: ArrayLike | None = None,
        naive_name: str = "naive",
        n_past: int | None = None,
        ax: Any = None,
    ) -> Self:
        """Forecast with a fitted estimator and draw it.

        Parameters
        ----------
        estimator : ESNForecaster or NVAR
            Fitted to one variable without exogenous ones.
        past : array-like of shape (n_timesteps,)
            The series to continue.
        true : array-like of shape (n_steps,), default=None
            What came then, if it is known.
        n_steps : int, default=None
            How many steps to forecast; None forecasts as many as `true` has.
        naive, naive_name, n_past, ax
            As for :meth:`from_predictions`.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If both `true` and `n_steps` are missing, or as for :meth:`from_predictions`.
        """
        if n_steps is None:
            if true is None:
                raise ValueError("true=None and n_steps=None: give one of them, to say how many steps to forecast")
            n_steps = len(np.asarray(true))
        forecast = estimator.forecast(n_steps, warmup=_check_series("past", past))
        return cls.from_predictions(past, true, forecast, naive=naive, naive_name=naive_name, n_past=n_past, ax=ax)

    def plot(self, ax: Any = None, *, n_past: int | None = None) -> Self:
        """Draw the forecast.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.
        n_past : int, default=None
            How many of the last values of the past to show; None shows twice as many as there are steps.

        Returns
        -------
        ForecastDisplay
            This object, with `ax_`, `figure_` and `lines_` set.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        n_past = 2 * len(self.forecast) if n_past is None else check_count("n_past", n_past)
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        shown = self.past[-n_past:]
        self.lines_ = self.ax_.plot(np.arange(1 - len(shown), 1), shown, color="0.25", lw=1.2, label="past")
        self.ax_.axvline(0, color="0.8", lw=1, zorder=0)
        if self.true is not None:
            self._continue(shown, self.true, color="0.25", lw=3, alpha=0.35, label="truth")
        if self.naive is not None:
            self._continue(shown, self.naive, color="tab:orange", lw=1, ls="--", label=self.naive_name)
        self._continue(shown, self.forecast, color="tab:blue", lw=1.5, label=self.forecast_name)
        self.ax_.set(xlabel="steps from the start of the forecast", ylabel="value")
        self.ax_.margins(x=0.01)
        # Above the curves and to the right: a title with loc="left" fits beside it.
        self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(self.lines_), frameon=False)
        return self

    def _continue(self, past: NDArray[np.float64], values: NDArray[np.float64], **style: Any) -> None:
        self.lines_ += self.ax_.plot(np.arange(len(values) + 1), np.append(past[-1], values), **style)


def _check_series(name: str, values: ArrayLike, n_steps: int | None = None) -> NDArray[np.float64]:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or not len(series):
        raise ValueError(f"{name} has shape {series.shape}; expected one variable of shape (n_timesteps,), not empty")
    if n_steps is not None and len(series) != n_steps:
        raise ValueError(f"{name} has {len(series)} time steps, but forecast has {n_steps}")
    return series
