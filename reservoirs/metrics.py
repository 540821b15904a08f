"""Errors of forecasts, in the units of the literature on reservoir computing, and scores of anomalies."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._params import check_real


def nrmse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    r"""Return the root-mean-square error divided by the standard deviation of the true series.

    .. math:: \frac{1}{d} \sum_{j=1}^{d} \sqrt{\frac{\sum_t (\hat y_{tj} - y_{tj})^2}{\sum_t (y_{tj} - \bar y_j)^2}}

    Predicting the mean scores 1, a perfect prediction 0. With several outputs it is the mean over outputs, so that
    none weighs more for its scale.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs)
        The true series and its prediction, in the same units.

    Returns
    -------
    error : float
        The normalised error, without unit.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite or an output of `y_true` is constant.

    Examples
    --------
    >>> from reservoirs.metrics import nrmse
    >>> nrmse([0.0, 2.0, 0.0, 2.0], [0.5, 1.5, 0.5, 1.5])
    0.5
    """
    true, pred = _as_columns("y_true", y_true), _as_columns("y_pred", y_pred)
    _check_same_shape("y_true", true, "y_pred", pred)
    _check_finite("y_true", true)
    _check_finite("y_pred", pred)
    constant = np.flatnonzero((true == true[0]).all(axis=0))
    if len(constant):
        raise ValueError(f"y_true must vary: its standard deviation is zero in output {constant[0]}")
    return float(np.mean(np.sqrt(np.mean((pred - true) ** 2, axis=0)) / true.std(axis=0)))


def anomaly_scores(y_true: ArrayLike, y_pred: ArrayLike, *, forgetting: float = 0.99) -> NDArray[Any]:
    r"""Return how unusual each row is: its squared residual, normalised by what residuals were so far.

    With residuals :math:`e_t = y_t - \hat y_t`, for each output, their running mean m and variance v (West 1979) give

    .. math::
        d = e_t - m, \qquad s_t = d^2 / v, \qquad m' = m + r d, \qquad v' = (1 - r) (v + r d\, d)

    where r = 1 / t until that is less than 1 - `forgetting`, which it then stays: rows are remembered for about
    1 / (1 - forgetting). A row is compared with the rows before it only; usually s is about 1. With several outputs the
    score is the mean over them. Where v is 0, as in the first two rows, it is 0.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs)
        The true series and its prediction, a step ahead. If both are float32, so is all that is computed: the bits are
        those of an export with `anomaly` (:func:`reservoirs.export.to_c`).
    forgetting : float, default=0.99
        In [0, 1).

    Returns
    -------
    ndarray of shape (n_timesteps,)

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite or `forgetting` is out of its range.

    References
    ----------
    D. H. D. West, "Updating mean and variance estimates: an improved method", Communications of the ACM 22(9), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.metrics import anomaly_scores
    >>> rng = np.random.default_rng(0)
    >>> true = rng.normal(size=500)
    >>> true[400] += 10
    >>> scores = anomaly_scores(true, np.zeros(500))
    >>> int(scores.argmax()), bool(scores[400] > 50)
    (400, True)
    """
    true, pred = _as_columns("y_true", y_true), _as_columns("y_pred", y_pred)
    _check_same_shape("y_true", true, "y_pred", pred)
    _check_finite("y_true", true)
    _check_finite("y_pred", pred)
    check_real("forgetting", forgetting, 0.0, 1.0 - 2.0**-20)
    T = np.result_type(*(each.dtype for each in map(np.asarray, (y_true, y_pred))), np.float32).type
    residuals = true.astype(T) - pred.astype(T)
    mean, variance = np.zeros((2, residuals.shape[1]), T)
    least, scores = T(1 - forgetting), np.zeros(len(residuals), T)
    for t, residual in enumerate(residuals):
        count = T(t + 1)
        rate = T(1) / count if count * least < 1 else least
        d = residual - mean
        for part, v in zip(d * d, variance, strict=True):
            scores[t] += part / v if v > 0 else T(0)
        mean = mean + rate * d
        variance = (T(1) - rate) * (variance + (rate * d) * d)
    of_rows: NDArray[Any] = scores / T(residuals.shape[1])
    return of_rows


@overload
def valid_prediction_time(
    y_true: list[Any] | tuple[Any, ...],
    y_pred: Sequence[ArrayLike],
    *,
    dt: float,
    threshold: float = ...,
    lyapunov_exponent: float | None = ...,
    scale: float | None = ...,
) -> NDArray[np.float64]: ...


@overload
def valid_prediction_time(
    y_true: NDArray[Any],
    y_pred: ArrayLike,
    *,
    dt: float,
    threshold: float = ...,
    lyapunov_exponent: float | None = ...,
    scale: float | None = ...,
) -> float: ...


def valid_prediction_time(
    y_true: Any,
    y_pred: Any,
    *,
    dt: float,
    threshold: float = 0.4,
    lyapunov_exponent: float | None = None,
    scale: float | None = None,
) -> float | NDArray[np.float64]:
    r"""Return how long a forecast stays close to the true trajectory.

    That is the time until the normalised error first exceeds the threshold:

    .. math:: \frac{\lVert \hat y_t - y_t \rVert}{\sqrt{\operatorname{mean}_s \lVert y_s - \bar y \rVert^2}}

    The mean is over the trajectory itself, which should be long enough to visit its attractor; else give the root of
    that mean as `scale`. A prediction that is
    not finite counts as wrong from there on, as closed loops may well diverge.

    Parameters
    ----------
    y_true : ndarray of shape (n_timesteps,) or (n_timesteps, n_outputs), or list of those
        The true trajectory, the first row being the first step that was forecast. A list is a batch of trajectories.
    y_pred : array-like of the same shape, or list of those
        The forecast.
    dt : float
        Time between rows.
    threshold : float, default=0.4
        Largest normalised error of a valid forecast.
    lyapunov_exponent : float, default=None
        Largest Lyapunov exponent of the system, per time unit. If given, the result is in Lyapunov times.
    scale : float, default=None
        What errors are divided by; None takes the denominator above from each trajectory.

    Returns
    -------
    time : float, or ndarray of shape (n_trajectories,) for a list
        The number of valid rows times `dt`, and times `lyapunov_exponent` if given. It is a lower bound when the
        forecast is valid to its end: then it is ``n_timesteps * dt``.

    Raises
    ------
    ValueError
        If the shapes differ, `y_true` is constant or not finite, or another argument is not positive.

    References
    ----------
    P. R. Vlachas et al., "Backpropagation algorithms and reservoir computing in recurrent neural networks for the
    forecasting of complex spatiotemporal dynamics", Neural Networks 126, 191-217, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.metrics import valid_prediction_time
    >>> y_true = np.array([-1.0, 1.0, -1.0, 1.0])
    >>> valid_prediction_time(y_true, [-1.0, 1.1, -0.5, 0.0], dt=0.5)
    1.0
    """
    _check_positive(dt=dt, threshold=threshold)
    unit = float(dt)
    if lyapunov_exponent is not None:
        _check_positive(lyapunov_exponent=lyapunov_exponent)
        unit *= float(lyapunov_exponent)
    if scale is not None:
        _check_positive(scale=scale)
    if not isinstance(y_true, list | tuple):
        return unit * _n_valid("y_true", y_true, "y_pred", y_pred, threshold, scale)
    if not y_true or len(y_true) != len(y_pred):
        raise ValueError(
            "y_true and y_pred must be lists of as many trajectories, at least one, "
            f"got {len(y_true)} and {len(y_pred)}"
        )
    n_valid = [
        _n_valid(f"y_true[{i}]", true, f"y_pred[{i}]", pred, threshold, scale)
        for i, (true, pred) in enumerate(zip(y_true, y_pred, strict=True))
    ]
    return unit * np.array(n_valid, dtype=np.float64)


def _n_valid(
    true_name: str, y_true: ArrayLike, pred_name: str, y_pred: ArrayLike, threshold: float, scale: float | None
) -> int:
    true, pred = _as_columns(true_name, y_true), _as_columns(pred_name, y_pred)
    _check_same_shape(true_name, true, pred_name, pred)
    _check_finite(true_name, true)
    if scale is None:
        if (true == true[0]).all():
            raise ValueError(f"{true_name} must vary: its standard deviation is zero")
        scale = np.sqrt(true.var(axis=0).sum())
    with np.errstate(over="ignore"):
        error = np.linalg.norm(pred - true, axis=1) / scale
    # Written so that NaN counts as invalid.
    invalid = ~(error <= threshold)
    return int(invalid.argmax()) if invalid.any() else len(invalid)


def _as_columns(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} must have shape (n_timesteps,) or (n_timesteps, n_outputs) and not be empty, "
            f"got shape {array.shape}; a batch of trajectories is a list"
        )
    return array[:, np.newaxis] if array.ndim == 1 else array


def _check_same_shape(true_name: str, y_true: NDArray[np.float64], pred_name: str, y_pred: NDArray[np.float64]) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(f"{true_name} and {pred_name} must have the same shape, got {y_true.shape} and {y_pred.shape}")


def _check_finite(name: str, values: NDArray[np.float64]) -> None:
    bad_rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad_rows):
        raise ValueError(f"{name} must be finite, but has NaN or infinity in row {bad_rows[0]}")


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive finite number, got {value!r}")
