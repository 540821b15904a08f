"""What the units of a driven network do: how strongly, how slowly, and balanced by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from .._params import check_count, check_real
from ._drive import check_inputs, check_washout, drive

FloatArray = NDArray[np.float64]
_BINS = 50


@dataclass(frozen=True)
class TimeScales:
    """How long units remember themselves.

    Attributes
    ----------
    autocorrelation : ndarray of shape (max_lag + 1, n_states)
        Of each unit at each lag; NaN for units that do not vary.
    """

    autocorrelation: FloatArray

    @property
    def times(self) -> FloatArray:
        """Steps until the autocorrelation of each unit falls below 1/e, shape (n_states,); NaN if it never does."""
        below = self.autocorrelation < np.exp(-1)
        units = np.flatnonzero(below.any(axis=0))
        lag = below[:, units].argmax(axis=0)
        before, after = self.autocorrelation[lag - 1, units], self.autocorrelation[lag, units]
        times = np.full(self.autocorrelation.shape[1], np.nan)
        times[units] = lag - 1 + (before - np.exp(-1)) / (before - after)
        return times

    @property
    def median(self) -> float:
        """Median over units, those that never fall counted as infinite."""
        return float(np.median(np.nan_to_num(self.times, nan=np.inf)))


def time_scales(network: Any, X: ArrayLike, *, max_lag: int = 100, washout: int = 200) -> TimeScales:
    """Measure the autocorrelation of every unit of a driven network.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a copy, to
        `X`. Outputs that are fed back count as inputs.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input.
    max_lag : int, default=100
        The longest lag, in time steps.
    washout : int, default=200
        Time steps left out at the start.

    Returns
    -------
    TimeScales

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Notes
    -----
    When it misleads: units inherit the time scales of their input, so for those of the network itself the input should
    be white noise. A time is where the autocorrelation first passes 1/e; for one that oscillates that is a quarter of a
    period rather than a memory.

    Examples
    --------
    A leaky unit that is driven by white noise forgets with its leak rate:

    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import time_scales
    >>> network = EchoStateNetwork(n_units=20, spectral_radius=0.0, leak_rate=0.3, bias_scaling=0.0, random_state=0)
    >>> scales = time_scales(network, np.random.default_rng(0).uniform(-1, 1, 20_000))
    >>> round(scales.median), round(-1 / np.log(1 - 0.3))
    (3, 3)
    """
    inputs = check_inputs(X)
    max_lag = check_count("max_lag", max_lag)
    washout = check_washout(check_count("washout", washout, 0), len(inputs), max_lag + 1)
    driver = drive(network, inputs)
    products = np.zeros((max_lag + 1, driver.n_states))
    n = len(inputs) - washout
    shift = before = first_rows = np.zeros((0, driver.n_states))
    total = np.zeros(driver.n_states)
    for states, begin, _ in driver.blocks(inputs, washout):
        if begin == washout:
            shift = states.mean(axis=0, dtype=np.float64)
        rows = np.concatenate([before, states - shift])
        new = len(before)
        total += rows[new:].sum(axis=0)
        for lag in range(max_lag + 1):
            late = max(new, lag)
            if late < len(rows):
                products[lag] += np.einsum("ij,ij->j", rows[late:], rows[late - lag : len(rows) - lag])
        if len(first_rows) < max_lag:
            first_rows = np.concatenate([first_rows, rows[new:]])[:max_lag]
        before = rows[max(len(rows) - max_lag, 0) :]
    # Sums of (x(t) - m) (x(t - k) - m), from those of x(t) x(t - k) and what either end leaves out.
    mean, none = total / n, np.zeros((1, driver.n_states))
    head = np.concatenate([none, first_rows.cumsum(axis=0)])
    tail = np.concatenate([none, before[::-1].cumsum(axis=0)])
    lags = np.arange(max_lag + 1)[:, None]
    covariance = products - mean * (2 * total - head - tail) + (n - lags) * mean**2
    variance = covariance[0]
    # Rounding, in the precision of the states, makes constants vary by this much.
    varying = variance > n * (8 * np.finfo(driver.dtype).eps * np.abs(shift).max()) ** 2
    autocorrelation = np.full_like(covariance, np.nan)
    np.divide(covariance, variance, out=autocorrelation, where=varying)
    return TimeScales(autocorrelation)


@dataclass(frozen=True)
class Activity:
    """How strongly units are active.

    Attributes
    ----------
    mean, std : ndarray of shape (n_states,)
        Of each unit over time.
    saturation : ndarray of shape (n_states,)
        Share of the time that each unit is close to an end of its range; 0 for activations without one.
    silence : ndarray of shape (n_states,)
        Share of the time that each unit is close to 0.
    population : ndarray of shape (n_timesteps - washout,)
        Mean over the units at every time step.
    histogram : ndarray of shape (50,)
        Share of all states in each of the bins of `edges`, or beyond the first and last.
    edges : ndarray of shape (51,)
        Over the range of the activation, or of the first states seen where it has none.
    """

    mean: FloatArray
    std: FloatArray
    saturation: FloatArray
    silence: FloatArray
    population: FloatArray
    histogram: FloatArray
    edges: FloatArray

    @property
    def n_silent(self) -> int:
        """Number of units that are silent all the time."""
        return int(np.count_nonzero(self.silence == 1))

    @property
    def n_saturated(self) -> int:
        """Number of units that are saturated all the time."""
        return int(np.count_nonzero(self.saturation == 1))


def activity(
    network: Any, X: ArrayLike, *, saturated_within: float = 0.025, silent_below: float = 1e-3, washout: int = 200
) -> Activity:
    """Measure how strongly the units of a driven network are active, saturated or silent.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a copy, to
        `X`. Outputs that are fed back count as inputs.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input.
    saturated_within : float, default=0.025
        A unit is saturated within this share of its range from either end, in [0, 0.5): tanh beyond +-0.95, the
        logistic function below 0.025 or above 0.975. Only echo-state networks have a range.
    silent_below : float, default=0.001
        A unit is silent while its absolute value is at most this.
    washout : int, default=200
        Time steps left out at the start.

    Returns
    -------
    Activity

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Notes
    -----
    When it misleads: a tanh unit of mean 0 passes through silence; what matters is being there all the time
    (`n_silent`). A unit stuck at a constant elsewhere is as useless: look at `std`. Saturation is not a fault by
    itself: what computes with products needs bent units.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import activity
    >>> u = np.random.default_rng(0).uniform(-1, 1, 1000)
    >>> gentle, harsh = (activity(EchoStateNetwork(50, input_scaling=s, random_state=0), u) for s in (0.1, 50.0))
    >>> bool(gentle.saturation.mean() < 0.01), bool(harsh.saturation.mean() > 0.5)
    (True, True)
    """
    inputs = check_inputs(X)
    washout = check_washout(check_count("washout", washout, 0), len(inputs))
    if check_real("saturated_within", saturated_within, 0.0, 0.5) == 0.5:
        raise ValueError(f"saturated_within={saturated_within!r} must be less than 0.5")
    silent_below = check_real("silent_below", silent_below, 0.0)
    driver = drive(network, inputs)
    low, high = driver.range_of_states
    margin = saturated_within * (high - low) if np.isfinite(high - low) else 0.0
    n = len(inputs) - washout
    sums, squares, saturated, silent = np.zeros((4, driver.n_states))
    population, counts = np.empty(n), np.zeros(_BINS)
    edges, shift = np.linspace(low, high, _BINS + 1) if np.isfinite(high - low) else None, np.zeros(driver.n_states)
    for states, begin, end in driver.blocks(inputs, washout):
        if begin == washout:
            shift = states.mean(axis=0, dtype=np.float64)
        if edges is None:
            edges = np.histogram_bin_edges(states, _BINS).astype(np.float64)
        deviations = states - shift
        sums += deviations.sum(axis=0)
        squares += (deviations**2).sum(axis=0)
        saturated += ((states < low + margin) | (states > high - margin)).sum(axis=0)
        silent += (np.abs(states) <= silent_below).sum(axis=0)
        population[begin - washout : end - washout] = states.mean(axis=1)
        counts += np.histogram(np.clip(states, edges[0], edges[-1]), edges)[0]
    assert edges is not None
    std = np.sqrt(np.maximum(squares / n - (sums / n) ** 2, 0))
    return Activity(shift + sums / n, std, saturated / n, silent / n, population, counts / counts.sum(), edges)


@dataclass(frozen=True)
class ExcitationInhibition:
    """What excites and what inhibits units.

    Attributes
    ----------
    excitation, inhibition : ndarray of shape (n_timesteps - washout,)
        Mean over units of what excites and of what inhibits them, at every time step; inhibition is not negative where
        rates are not.
    mean_excitation, mean_inhibition : ndarray of shape (n_units,)
        Means over time.
    correlation : ndarray of shape (n_units,)
        Of excitation and inhibition of each unit over time; NaN where one does not vary.
    """

    excitation: FloatArray
    inhibition: FloatArray
    mean_excitation: FloatArray
    mean_inhibition: FloatArray
    correlation: FloatArray

    @property
    def balance(self) -> FloatArray:
        """(E - I) / (E + I) of the mean inputs of each unit, shape (n_units,): 0 is balanced, 1 excitation alone."""
        total = self.mean_excitation + self.mean_inhibition
        balance = np.full(len(total), np.nan)
        np.divide(self.mean_excitation - self.mean_inhibition, total, out=balance, where=total > 0)
        return balance


def excitation_inhibition(network: Any, X: ArrayLike, *, washout: int = 200) -> ExcitationInhibition:
    r"""Measure what excites and what inhibits the units of a driven network, over time.

    .. math:: E(t) = W^+ x(t), \quad I(t) = W^- x(t), \quad W = W^+ - W^-

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True and one feature a neuron
        An unfitted transformer is fitted, as a copy, to `X`. Outputs that are fed back count as inputs.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input.
    washout : int, default=200
        Time steps left out at the start.

    Returns
    -------
    ExcitationInhibition

    Raises
    ------
    ValueError
        For a parameter out of its range, and a network without recurrent weights `W_` between its states.

    Notes
    -----
    Recurrent input only: that of weights `W_`, at the state of each time step. Of a liquid the features stand for what
    arrives: ``features="traces"`` with `tau_trace` at the time constant of the synapses. Delays of links are left out.

    When it misleads: with states of both signs (tanh) an excitatory weight inhibits half of the time, and the words
    lose their meaning: use rates ("sigmoid", "relu", liquids). Balance of the means does not make fluctuations cancel;
    that they do is what a `correlation` near 1 says.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import excitation_inhibition
    >>> network = EchoStateNetwork(n_units=50, activation="sigmoid", random_state=0)
    >>> found = excitation_inhibition(network, np.random.default_rng(0).uniform(-1, 1, 1000))
    >>> found.excitation.shape, bool((found.mean_inhibition >= 0).all())
    ((800,), True)
    """
    inputs = check_inputs(X)
    washout = check_washout(check_count("washout", washout, 0), len(inputs))
    driver = drive(network, inputs)
    W = getattr(driver.fitted, "W_", None)
    if W is None or W.shape[0] != driver.n_states:
        raise ValueError(
            f"network={network!r} has no recurrent weights W_ between its {driver.n_states} states; a liquid needs one "
            "feature a neuron"
        )
    links = sparse.csr_array(W, dtype=np.float64)
    parts = links.maximum(0), (-links).maximum(0)
    n = len(inputs) - washout
    over_time = np.empty((2, n))
    sums, squares, shift = (
        np.zeros((2, driver.n_states)),
        np.zeros((3, driver.n_states)),
        np.zeros((2, 1, driver.n_states)),
    )
    for states, begin, end in driver.blocks(inputs, washout):
        arriving = np.array([(part @ states.T).T for part in parts])
        over_time[:, begin - washout : end - washout] = arriving.mean(axis=2)
        if begin == washout:
            shift = arriving.mean(axis=1, keepdims=True)
        arriving -= shift
        e, i = arriving
        sums += arriving.sum(axis=1)
        squares += [(e * e).sum(axis=0), (i * i).sum(axis=0), (e * i).sum(axis=0)]
    mean_e, mean_i = sums / n
    var_e, var_i, covariance = squares / n - [mean_e**2, mean_i**2, mean_e * mean_i]
    power = np.maximum(var_e, 0) * np.maximum(var_i, 0)
    correlation = np.full(driver.n_states, np.nan)
    np.divide(covariance, np.sqrt(power), out=correlation, where=power > 0)
    excitation, inhibition = over_time
    mean_excitation, mean_inhibition = shift[:, 0] + sums / n
    return ExcitationInhibition(excitation, inhibition, mean_excitation, mean_inhibition, correlation)
