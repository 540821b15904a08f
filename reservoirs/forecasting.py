"""What every forecaster shares: fit, predict and forecast of standardised series, with or without exogenous ones."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array, check_is_fitted

from ._estimator import Estimator, warn_if_diverged
from ._params import check_count
from .readout import goes_on
from .sequences import Sequences, are_many, check_sequences, join, n_axes
from .streaming import ForecasterStream
from .streaming.stream import readout_of


class ForecasterMixin(Estimator):
    """Fit, predict and forecast on top of a model of standardised series.

    A model predicts row t of the series from the rows before it and from row t of the exogenous series. It is given,
    and gives back, series of mean 0 and standard deviation 1; what it remembers of a series (its memory) is its own
    affair.
    """

    # Whether the readout gives by how much a row differs from the one before.
    _predicts_increments = False
    coef_: np.ndarray
    intercept_: np.ndarray
    alpha_: float

    @property
    def _precision(self) -> Any:
        """What a fitted model computes in."""
        return self.last_state_.dtype

    @abstractmethod
    def _begin(self, exogenous: Sequences, series: np.ndarray) -> None:
        """Check the parameters, and draw what is drawn."""

    @abstractmethod
    def _learn(self, exogenous: Sequences, series: np.ndarray) -> None:
        """Add series to what was learned; keep the sums, and the memory after the last series as `last_state_`."""

    @abstractmethod
    def _one_step(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        """Return the prediction of every row from the rows before it."""

    @abstractmethod
    def _warm_up(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        """Return the memory after each series, shape (n_sequences, ...)."""

    @abstractmethod
    def _run_on(self, memory: np.ndarray, last: np.ndarray, external: np.ndarray) -> np.ndarray:
        """Continue each series from its memory and last row, shape (n_sequences, n_steps, n_outputs)."""

    @abstractmethod
    def _memory(self) -> Any:
        """Return what makes features of exogenous and fed-back rows, one after another, in the compiled core."""

    def fit(self, y: Any, X: Any = None) -> Self:
        """Learn to predict a series from its past.

        Parameters
        ----------
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of 2-D arrays, or 3-D array
            One series, or several that are learned together.
        X : array-like of shape (n_timesteps,) or (n_timesteps, n_exogenous), list of 2-D arrays, or 3-D array, \
default=None
            Exogenous series in the form of `y`: row t is known when row t of `y` is predicted (a calendar, a plan, a
            measurement taken before).

        Returns
        -------
        self
            The fitted forecaster. `forecast` continues from the end of `y` (of the last one, if there are several).
        """
        drawn = self._fresh()
        drawn._fit_first(y, X)
        return self._become(drawn)

    def partial_fit(self, y: Any, X: Any = None) -> Self:
        """Add series to what `fit` or earlier calls have learned; each starts from an empty memory.

        The first call sets mean, standard deviation and an automatic washout for all that follow, besides what is drawn
        and adapted. But for these the result equals one `fit` on all the series, to rounding, for which the sums of the
        ridge regression, n_features_out squared numbers, are kept.

        Parameters
        ----------
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of 2-D arrays, or 3-D array
            More series.
        X : array-like of shape (n_timesteps,) or (n_timesteps, n_exogenous), list of 2-D arrays, or 3-D array, \
default=None
            Their exogenous series, if the first had some.

        Returns
        -------
        self
            The fitted forecaster. `forecast` continues from the end of `y` (of the last one, if there are several).

        Raises
        ------
        ValueError
            Also for a `readout` other than ridge regression.
        """
        later = goes_on(self, getattr(self, "readout", None), "None")
        drawn = self._fresh(learned=later)
        if later:
            drawn._fit_later(y, X)
        else:
            drawn._fit_first(y, X)
        return self._become(drawn)

    def predict(self, y: Any, X: Any = None) -> Any:
        """Predict every row of a series from the rows before it, one step ahead, from an empty memory.

        Parameters
        ----------
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of 2-D arrays, or 3-D array
            The true series. The first rows are predicted from little: skip some before scoring.
        X : array-like or list of arrays, default=None
            Exogenous series, as in `fit`. Where the fit had some and they are left out here, their training mean stands
            in, with a warning.

        Returns
        -------
        ndarray or list of ndarrays
            In the form of `y`, and 1-D for a model of a 1-D series: row t is the prediction of row t.
        """
        check_is_fitted(self)
        series = self._check_series(y, "y")
        rows = self._original(self._one_step(self._exogenous(X, "X", series), self._standardised(series)))
        warn_if_diverged(rows, "the prediction")
        return series.in_form(rows[:, 0] if self._one_dimensional_ else rows)

    def forecast(self, n_steps: int, X: Any = None, *, warmup: Any = None, warmup_X: Any = None) -> np.ndarray:
        """Continue a series in closed loop: every prediction becomes the past of the next.

        Parameters
        ----------
        n_steps : int
            How many time steps.
        X : array-like of shape (n_steps,) or (n_steps, n_exogenous), or (n_sequences, n_steps, n_exogenous), \
default=None
            Exogenous series of the steps to forecast.
        warmup : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of 2-D arrays, or 3-D array, \
default=None
            Series to continue, long enough to fill the memory. None continues the training series.
        warmup_X : array-like or list of arrays, default=None
            Exogenous series of the warm-up.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_outputs), or (n_sequences, n_steps, n_outputs) for several warm-ups

        Raises
        ------
        ValueError
            For fewer than one step, or exogenous series that do not fit.
        """
        check_is_fitted(self)
        n_steps = check_count("n_steps", n_steps)
        if warmup is None:
            if warmup_X is not None:
                raise ValueError(
                    "warmup_X was given without warmup: give both, or neither to continue the training series"
                )
            memory, last, many = self.last_state_[None], self.last_row_[None], False
        else:
            series = self._check_series(warmup, "warmup")
            standardised = self._standardised(series)
            memory = self._warm_up(self._exogenous(warmup_X, "warmup_X", series), standardised)
            last, many = standardised[series.offsets[1:] - 1], series.form != "single"
        external = self._external(X, len(memory), n_steps, memory.dtype)
        rows = self._original(self._run_on(memory, last, external))
        warn_if_diverged(rows.swapaxes(0, 1), "the forecast")
        if self._one_dimensional_:
            rows = rows[:, :, 0]
        return rows if many else np.asarray(rows[0])

    def stream(self, *, learner: Any = None, missing: Any = "error") -> ForecasterStream:
        """Return a stateful copy that takes one row a call; see :class:`~reservoirs.streaming.ForecasterStream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            How the ridge readout goes on learning from the stream, beginning with the fitted one.
        missing : {"error", "hold", "predict", "skip"}, default="error"
            What happens where the row of the series is None or has values that are NaN: a ValueError; the values of
            the row before stand in (the training mean at the start); their predictions do; or nothing, and the
            prediction is returned again.

        Returns
        -------
        ForecasterStream
            Its `step(y)` returns the prediction of the row after `y`.
        """
        check_is_fitted(self)
        return ForecasterStream(
            self,
            self._memory(),
            self.last_state_.dtype,
            **readout_of(self),
            learner=learner,
            missing=missing,
            as_number=self._one_dimensional_,
            feeds_back=True,
            forecasts=True,
            increments=self._predicts_increments,
            of_external=(self.X_mean_.tolist(), self.X_scale_.tolist()),
            of_series=(self.y_mean_.tolist(), self.y_scale_.tolist()),
        )

    def score(self, y: Any, X: Any = None) -> float:
        """Return R^2 of the one-step predictions of a series.

        Parameters
        ----------
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of 2-D arrays, or 3-D array
            The true series.
        X : array-like or list of arrays, default=None
            Exogenous series, as in `fit`.

        Returns
        -------
        float
            R^2 averaged over outputs; the first tenth of each series (at most 100 rows) only warms up.
        """
        predicted = self.predict(y, X)
        series = self._check_series(y, "y")
        parts = [predicted] if series.form == "single" else list(predicted)
        skips = [min(100, len(part) // 10) for part in parts]
        true = [part[skip:] for part, skip in zip(series, skips, strict=True)]
        guess = [part[skip:].reshape(len(part) - skip, -1) for part, skip in zip(parts, skips, strict=True)]
        return float(r2_score(np.concatenate(true), np.concatenate(guess)))

    def _fit_first(self, y: Any, X: Any) -> None:
        exogenous, standardised = self._training_series(y, X)
        self._begin(exogenous, standardised)
        self._learn(exogenous, standardised)

    def _training_series(self, y: Any, X: Any) -> tuple[Sequences, np.ndarray]:
        """Check the series to learn from and learn their moments; return them standardised."""
        series = self._check_series(y, "y", reset=True)
        self._check_lengths(series)
        self._one_dimensional_ = not are_many(y) and n_axes(y) == 1
        exogenous = series.with_values(series.values[:, :0]) if X is None else _check_exogenous(X, "X", series)
        self.y_mean_, self.y_scale_ = _moments(series.values)
        self.X_mean_, self.X_scale_ = _moments(exogenous.values)
        exogenous = exogenous.with_values(self._standardised_X(exogenous.values))
        standardised = self._standardised(series)
        self.last_row_ = standardised[-1]
        return exogenous, standardised

    def _fit_later(self, y: Any, X: Any) -> None:
        series = self._check_series(y, "y")
        self._check_lengths(series)
        if X is None and len(self.X_mean_):
            raise ValueError(f"X=None, but the first part had {len(self.X_mean_)} exogenous variables")
        standardised = self._standardised(series)
        self._learn(self._exogenous(X, "X", series), standardised)
        self.last_row_ = standardised[-1]

    def _check_lengths(self, series: Sequences) -> None:
        if series.lengths.min() < 2:
            raise ValueError(
                f"y has a series of {series.lengths.min()} time step (n_samples={series.lengths.min()}); "
                "a minimum of 2 samples is required to learn how one follows from another"
            )

    def _check_series(self, y: Any, name: str, *, reset: bool = False) -> Sequences:
        if not are_many(y) and n_axes(y) == 1:
            if not reset and self._width_ > 1:
                raise ValueError(
                    f"{name}: expected a 2D array of {self._width_} variables, got a 1D array instead. Reshape your "
                    f"data to (n_timesteps, {self._width_})"
                )
            y = np.asarray(y).reshape(-1, 1)
        dtype = self._input_dtype() if reset else self._precision
        return check_sequences(self, y, dtype=dtype, reset=reset, name=name)

    def _exogenous(self, X: Any, name: str, series: Sequences) -> Sequences:
        """Return the standardised exogenous rows that belong to those of `series`."""
        if X is None:
            return series.with_values(self._mean_exogenous(name, (len(series.values),), series.values.dtype))
        exogenous = _check_exogenous(X, name, series)
        self._check_width(exogenous.n_features, name)
        return exogenous.with_values(self._standardised_X(exogenous.values))

    def _external(self, X: Any, n_sequences: int, n_steps: int, dtype: Any) -> np.ndarray:
        """Return the standardised exogenous rows of the steps to forecast, (n_sequences, n_steps, n_exogenous)."""
        if X is None:
            return self._mean_exogenous("X", (n_sequences, n_steps), dtype)
        X = np.asarray(check_array(X, dtype=dtype, ensure_2d=False, allow_nd=True, input_name="X"))
        rows = X.reshape(1, -1, 1) if X.ndim == 1 else X.reshape((1,) * (3 - X.ndim) + X.shape)
        if rows.ndim != 3 or rows.shape[1] != n_steps or rows.shape[0] not in (1, n_sequences):
            raise ValueError(f"X has shape {X.shape}; expected {n_steps} time steps for each of {n_sequences} series")
        self._check_width(rows.shape[2], "X")
        return np.broadcast_to(self._standardised_X(rows), (n_sequences, *rows.shape[1:]))

    def _mean_exogenous(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        n_exogenous = len(self.X_mean_)
        if n_exogenous:
            warnings.warn(
                f"the fit had {n_exogenous} exogenous variables, but {name}=None: their training means stand in",
                UserWarning,
                stacklevel=4,
            )
        return np.zeros((*shape, n_exogenous), dtype)

    def _check_width(self, width: int, name: str) -> None:
        if width != len(self.X_mean_):
            raise ValueError(f"{name} has {width} exogenous variables, but the fit had {len(self.X_mean_)}")

    def _standardised(self, series: Sequences) -> np.ndarray:
        return _as(series.values.dtype, (series.values - self.y_mean_) / self.y_scale_)

    def _standardised_X(self, values: np.ndarray) -> np.ndarray:
        return _as(values.dtype, (values - self.X_mean_) / self.X_scale_)

    def _original(self, rows: np.ndarray) -> np.ndarray:
        # Of a diverging model, which is warned of once, at the end.
        with np.errstate(over="ignore", invalid="ignore"):
            return _as(rows.dtype, rows * self.y_scale_ + self.y_mean_)


def _as(dtype: Any, rows: np.ndarray) -> np.ndarray:
    return rows.astype(dtype, copy=False)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column in float64, the latter 1 for a constant one."""
    values = values.astype(np.float64)
    scale = values.std(axis=0)
    return values.mean(axis=0), np.where(scale > 0, scale, 1.0)


def _check_exogenous(X: Any, name: str, series: Sequences) -> Sequences:
    parts = X if are_many(X) else [np.asarray(X).reshape(-1, 1) if n_axes(X) == 1 else X]
    exogenous = join(parts, dtype=series.values.dtype, name=name)
    if not np.array_equal(exogenous.lengths, series.lengths):
        raise ValueError(
            f"{name} has series of {exogenous.lengths.tolist()} time steps, but those it belongs to have "
            f"{series.lengths.tolist()}"
        )
    return series.with_values(exogenous.values)
