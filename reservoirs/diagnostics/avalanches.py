"""Measures of criticality: how activity propagates, and how large and long its bursts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import curve_fit, minimize_scalar
from scipy.special import zeta

from .._params import check_count, check_real

__all__ = ["Avalanches", "BranchingParameter", "PowerLaw", "avalanches", "branching_parameter", "power_law"]

_EXPONENTS = (1.0001, 8.0)
_LEAST_TAIL = 50  # values that a lower cut-off leaves: fewer say nothing about an exponent


@dataclass(frozen=True)
class BranchingParameter:
    r"""How activity propagates from step to step, :math:`r_k = b\,m^k`.

    Attributes
    ----------
    m : float
        Branching parameter: spikes that follow a spike one step later, on average. 1 is critical.
    b : float
        Factor that falls with the share of neurons that is recorded.
    tau : float
        Time constant :math:`-1/\ln m` in steps; infinite from m = 1 on, zero for m of at most zero.
    slopes : ndarray of shape (n_lags,)
        The slopes :math:`r_k` of the regressions of activity on activity k = 1, 2, ... steps before.
    """

    m: float
    b: float
    tau: float
    slopes: np.ndarray


def branching_parameter(activity: Any, *, max_lag: int = 20) -> BranchingParameter:
    r"""Estimate the branching parameter from spike counts, even if only some of the neurons are recorded.

    Activity of which each spike causes m others in the next step on average, beside those that come from outside, obeys
    :math:`\langle A_{t+1} | A_t \rangle = m A_t + h`. Regressing :math:`A_{t+1}` on :math:`A_t` underestimates m when
    only a part of the neurons is seen; slopes at several lags, :math:`r_k = b\,m^k`, are all too small by the same
    factor b, and give m regardless (multistep regression [1]_).

    Parameters
    ----------
    activity : array-like of shape (n_steps,), or list of these
        Spikes of all recorded neurons in each step; a list holds one array for each of several trials, which are taken
        to have the same mean.
    max_lag : int, default=20
        Largest lag k; several time constants of the activity.

    Returns
    -------
    BranchingParameter

    Raises
    ------
    ValueError
        If activity is not finite, does not vary, or is shorter than `max_lag` + 2 steps.

    References
    ----------
    .. [1] J. Wilting and V. Priesemann, "Inferring collective dynamical states from widely unobserved systems", Nature
       Communications 9, 2325, 2018.

    Examples
    --------
    A branching process with m = 0.9, of which a tenth of the spikes is seen:

    >>> import numpy as np
    >>> from reservoirs.diagnostics import branching_parameter
    >>> rng = np.random.default_rng(0)
    >>> activity = [100]
    >>> for _ in range(20_000):
    ...     activity.append(rng.poisson(0.9 * activity[-1] + 10))
    >>> seen = rng.binomial(activity, 0.1)
    >>> estimate = branching_parameter(seen)
    >>> bool(abs(estimate.m - 0.9) < 0.03), bool(estimate.slopes[0] < 0.7)
    (True, True)
    """
    n_lags = check_count("max_lag", max_lag, 2)
    trials = _trials(activity)
    if min(map(len, trials)) < n_lags + 2:
        raise ValueError(f"activity has {min(map(len, trials))} steps; max_lag={max_lag} needs at least {n_lags + 2}")
    mean = np.concatenate(trials).mean()
    deviations = [trial - mean for trial in trials]
    slopes = np.array([_slope(deviations, lag) for lag in range(1, n_lags + 1)])
    lags = np.arange(1, n_lags + 1)
    if not (slopes > 0).any():
        return BranchingParameter(0.0, float("nan"), 0.0, slopes)
    first = float(np.clip(slopes[0], 0.05, 1.0))
    (b, m), _ = curve_fit(lambda k, b, m: b * m**k, lags, slopes, (1.0, first), bounds=((0, 0), (np.inf, 2)))
    with np.errstate(divide="ignore"):
        tau = float(-1 / np.log(m)) if m < 1 else float("inf")
    return BranchingParameter(float(m), float(b), tau, slopes)


def _slope(deviations: list[np.ndarray], lag: int) -> float:
    before = np.concatenate([each[:-lag] for each in deviations])
    after = np.concatenate([each[lag:] for each in deviations])
    before = before - before.mean()
    variance = float(before @ before)
    if variance == 0:
        raise ValueError("activity does not vary")
    return float(before @ after) / variance


@dataclass(frozen=True)
class Avalanches:
    """Bursts of activity.

    Attributes
    ----------
    sizes : ndarray of shape (n_avalanches,)
        Spikes of each.
    durations : int64 ndarray of shape (n_avalanches,)
        Bins of each.
    """

    sizes: np.ndarray
    durations: np.ndarray


def avalanches(activity: Any, *, threshold: float = 0.0) -> Avalanches:
    """Find the avalanches: runs of bins whose activity is above a threshold.

    Parameters
    ----------
    activity : array-like of shape (n_bins,), or list of these
        Spikes of all neurons in each bin; a list holds one array for each of several trials. Bins as wide as the mean
        interval between spikes of the population are usual [1]_.
    threshold : float, default=0.0
        Largest activity that is silence. A driven network is never silent; then take its median, say.

    Returns
    -------
    Avalanches
        In the order of time. An avalanche that the beginning or the end of a trial cuts is left out.

    Raises
    ------
    ValueError
        If activity is not finite or not one-dimensional.

    References
    ----------
    .. [1] J. M. Beggs and D. Plenz, "Neuronal avalanches in neocortical circuits", Journal of Neuroscience 23, 2003.

    Examples
    --------
    >>> from reservoirs.diagnostics import avalanches
    >>> found = avalanches([0, 2, 1, 0, 0, 4, 0, 1])
    >>> found.sizes, found.durations
    (array([3., 4.]), array([2, 1]))
    """
    threshold = check_real("threshold", threshold)
    sizes, durations = [], []
    for trial in _trials(activity):
        active = trial > threshold
        edges = np.diff(active.astype(np.int8))
        begins, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
        if active[0]:
            ends = ends[1:]
        begins = begins[: len(ends)]
        total = np.append(0, np.cumsum(trial))
        sizes.append(total[ends] - total[begins])
        durations.append(ends - begins)
    return Avalanches(np.concatenate(sizes), np.concatenate(durations).astype(np.int64))


@dataclass(frozen=True)
class PowerLaw:
    r"""A discrete power law, :math:`p(x) \propto x^{-\alpha}` for integers from `x_min` to `x_max`.

    Attributes
    ----------
    exponent : float
        :math:`\alpha`.
    x_min : int
        Where it begins.
    x_max : int or None
        Where it ends, if anywhere.
    n : int
        Values in that range.
    error : float
        Standard error of the exponent.
    distance : float
        Largest distance of the distribution functions of data and law (Kolmogorov and Smirnov): at random some
        :math:`1 / \sqrt{n}`.
    """

    exponent: float
    x_min: int
    x_max: int | None
    n: int
    error: float
    distance: float


def power_law(values: ArrayLike, *, x_min: int | None = None, x_max: int | None = None) -> PowerLaw:
    """Fit a power law to integers by maximum likelihood.

    The method of Clauset, Shalizi and Newman [1]_. That some exponent fits best does not make data a power law: look at
    `distance`, and at other laws.

    Parameters
    ----------
    values : array-like of int of shape (n_values,)
        Positive integers, such as sizes of avalanches.
    x_min : int, default=None
        Smallest value that obeys the law. None: the one that gives the least distance and leaves at least 50 values
        (or all, if there are fewer).
    x_max : int, default=None
        Largest value that does; None means no end. A system of n neurons cuts sizes off near n.

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        If values are not positive integers, or fewer than two different ones lie in the range.

    References
    ----------
    .. [1] A. Clauset, C. R. Shalizi and M. E. J. Newman, "Power-law distributions in empirical data", SIAM Review 51,
       2009.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.diagnostics import power_law
    >>> fit = power_law(np.random.default_rng(0).zipf(2.5, 5000), x_min=1)
    >>> round(fit.exponent, 1), fit.n
    (2.5, 5000)
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or not np.array_equal(array, np.rint(array)) or (array < 1).any():
        raise ValueError("values must be positive integers in one dimension")
    array = array.astype(np.int64)
    if x_max is not None:
        array = array[array <= check_count("x_max", x_max)]
    if x_min is not None:
        return _fitted(array[array >= check_count("x_min", x_min)], x_min, x_max)
    distinct, counts = np.unique(array, return_counts=True)
    left = counts[::-1].cumsum()[::-1]
    candidates = distinct[:-1][left[:-1] >= min(_LEAST_TAIL, len(array))]
    if len(candidates) == 0:
        raise ValueError("values must hold at least two different ones")
    # Not all of many: neighbours in a long tail give the same fit.
    if len(candidates) > 50:
        candidates = candidates[np.unique(np.geomspace(1, len(candidates), 50).astype(int) - 1)]
    fits = [_fitted(array[array >= x], int(x), x_max) for x in candidates]
    return min(fits, key=lambda fit: fit.distance)


def _fitted(tail: np.ndarray, x_min: int, x_max: int | None) -> PowerLaw:
    n = len(tail)
    distinct, counts = np.unique(tail, return_counts=True)
    if len(distinct) < 2:
        raise ValueError(f"values from x_min={x_min} to x_max={x_max} must hold at least two different ones")
    mean_log = float(np.log(distinct) @ counts) / n

    def norm(exponent: float, begin: Any) -> Any:
        end = 0.0 if x_max is None else zeta(exponent, x_max + 1)
        return zeta(exponent, begin) - end

    def cost(exponent: float) -> float:
        return exponent * mean_log + float(np.log(norm(exponent, x_min)))

    exponent = float(minimize_scalar(cost, bounds=_EXPONENTS, method="bounded", options={"xatol": 1e-6}).x)
    step = 1e-3
    curvature = (cost(exponent + step) - 2 * cost(exponent) + cost(max(exponent - step, 1.00001))) / step**2
    # Survival functions from each value on and after it.
    whole = norm(exponent, x_min)
    at, after = norm(exponent, distinct) / whole, norm(exponent, distinct + 1) / whole
    left = counts[::-1].cumsum()[::-1] / n
    distance = max(abs(at - left).max(), abs(after - (left - counts / n)).max())
    error = float(1 / np.sqrt(n * curvature)) if curvature > 0 else float("nan")
    return PowerLaw(exponent, x_min, x_max, n, error, float(distance))


def _trials(activity: Any) -> list[np.ndarray]:
    several = isinstance(activity, list | tuple) and len(activity) > 0 and np.ndim(activity[0]) == 1
    trials = [np.asarray(each, float) for each in (activity if several else [activity])]
    if any(each.ndim != 1 or each.size == 0 or not np.isfinite(each).all() for each in trials):
        raise ValueError("activity must be an array of finite numbers, one a step, or a list of such arrays")
    return trials
