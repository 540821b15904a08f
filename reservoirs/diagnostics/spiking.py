"""Measures of spiking activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._params import check_count, check_real

__all__ = ["SpikeStatistics", "branching_factor", "spike_statistics", "weights_by_block"]


@dataclass(frozen=True)
class SpikeStatistics:
    """What a population of neurons did.

    Attributes
    ----------
    rates : ndarray of shape (n_units,)
        Spikes of each neuron in Hz.
    mean_rate : float
        Their mean.
    silent_fraction : float
        Share of neurons that never fired.
    synchrony : float
        0 for independent neurons (some 1 / sqrt(n_units) in fact), 1 if all fire together; NaN if nothing varies.
    variation : float
        Mean over neurons of the coefficient of variation of the intervals between their spikes: 0 for clocks, 1 for
        Poisson processes; NaN if no neuron has three spikes.
    """

    rates: np.ndarray
    mean_rate: float
    silent_fraction: float
    synchrony: float
    variation: float


def spike_statistics(
    times: ArrayLike, units: ArrayLike, n_units: int, duration: float, *, bin_width: float = 5.0
) -> SpikeStatistics:
    r"""Measure the spikes of a population: rates, silence, synchrony, irregularity.

    Synchrony is :math:`\chi`, the standard deviation in time of the population's mean activity, by the root mean square
    of the neurons' own [1]_; activity is the number of spikes in bins of `bin_width`.

    Parameters
    ----------
    times : array-like of shape (n_spikes,)
        When neurons fired, in ms.
    units : array-like of int of shape (n_spikes,)
        Which neurons did.
    n_units : int
        Number of neurons.
    duration : float
        Length of the recording in ms.
    bin_width : float, default=5.0
        Width in ms of the bins that synchrony is measured in. What is left over at the end is not part of it.

    Returns
    -------
    SpikeStatistics

    Raises
    ------
    ValueError
        If spikes do not fit the network or the recording, or the recording is shorter than two bins.

    References
    ----------
    .. [1] D. Golomb, "Neuronal synchrony measures", Scholarpedia 2(1):1347, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.diagnostics import spike_statistics
    >>> times = np.repeat(np.arange(0.0, 1000.0, 100.0), 2)
    >>> together = spike_statistics(times, np.tile([0, 1], 10), n_units=4, duration=1000.0)
    >>> together.mean_rate, together.silent_fraction, together.variation
    (5.0, 0.5, 0.0)
    """
    n_units = check_count("n_units", n_units)
    duration = check_real("duration", duration, 0.0, least_included=False)
    width = check_real("bin_width", bin_width, 0.0, duration / 2, least_included=False)
    times = np.asarray(times, float)
    units = np.asarray(units, np.int64 if np.size(units) == 0 else None)
    if times.ndim != 1 or not ((times >= 0) & (times <= duration)).all():
        raise ValueError(f"times must be numbers from 0 to duration={duration} in one dimension")
    _check_indices("units", units, times.shape, n_units)
    order = np.lexsort((times, units))
    times, units = times[order], units[order]
    counts = np.bincount(units, minlength=n_units)
    n_bins = int(duration / width * (1 + 1e-12))
    bins = (times / width).astype(np.int64)
    inside = bins < n_bins
    active = np.bincount(units[inside] * n_bins + bins[inside], minlength=n_units * n_bins).reshape(n_units, n_bins)
    of_neurons = active.var(axis=1).mean()
    synchrony = float(np.sqrt(active.mean(axis=0).var() / of_neurons)) if of_neurons > 0 else float("nan")
    intervals, of_unit = np.diff(times), units[1:]
    mine = units[1:] == units[:-1]
    return SpikeStatistics(
        rates=1000 * counts / duration,
        mean_rate=float(1000 * counts.mean() / duration),
        silent_fraction=float((counts == 0).mean()),
        synchrony=synchrony,
        variation=_variation(intervals[mine], of_unit[mine], n_units),
    )


def _variation(intervals: np.ndarray, of_unit: np.ndarray, n_units: int) -> float:
    n = np.bincount(of_unit, minlength=n_units)
    enough = n >= 2
    if not enough.any():
        return float("nan")
    mean = np.bincount(of_unit, intervals, n_units) / np.maximum(n, 1)
    squares = np.bincount(of_unit, (intervals - mean[of_unit]) ** 2, n_units) / np.maximum(n, 1)
    return float((np.sqrt(squares[enough]) / mean[enough]).mean())


def weights_by_block(W: Any, excitatory: ArrayLike, W_in: Any = None) -> dict[str, np.ndarray]:
    """Return the weights of all synapses by the kinds of neurons they connect, for histograms.

    Parameters
    ----------
    W : array or sparse array of shape (n_units, n_units)
        Recurrent weights, entry (i, j) from j to i. What is stored (not zero, if dense) is a synapse.
    excitatory : array-like of bool of shape (n_units,)
        Which neurons are excitatory.
    W_in : array or sparse array of shape (n_units, n_inputs), default=None
        Input weights.

    Returns
    -------
    dict of str to ndarray
        "EE", "EI" (from excitatory to inhibitory), "IE", "II", and "input" if there are any.

    Raises
    ------
    ValueError
        If shapes do not agree.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.diagnostics import weights_by_block
    >>> W = np.array([[0.0, 2.0, -1.0], [3.0, 0.0, -4.0], [5.0, 0.0, 0.0]])
    >>> blocks = weights_by_block(W, [True, True, False])
    >>> {name: weights.tolist() for name, weights in blocks.items()}
    {'EE': [2.0, 3.0], 'EI': [5.0], 'IE': [-1.0, -4.0], 'II': []}
    """
    links = sparse.coo_array(W)
    is_exc = np.asarray(excitatory)
    if is_exc.dtype != bool or links.shape != 2 * is_exc.shape:
        raise ValueError(f"excitatory must be a bool for each neuron of W, which has the shape {links.shape}")
    target, source = links.coords
    blocks = {
        f"{'IE'[from_exc]}{'IE'[to_exc]}": links.data[(is_exc[source] == from_exc) & (is_exc[target] == to_exc)]
        for from_exc in (True, False)
        for to_exc in (True, False)
    }
    return blocks if W_in is None else blocks | {"input": sparse.coo_array(W_in).data}


def branching_factor(
    steps: ArrayLike, units: ArrayLike, W: Any, n_steps: int, *, window: int = 4, margin: int = 25
) -> float:
    r"""Return how many spikes follow a spike along the synapses of a network, for each that came before it.

    For every neuron n and every step t at which it fires, the ratio of spikes of its targets in [t + 1, t + window] to
    those of its sources in [t - window, t - 1] (at least 1) is averaged over its firings, then over the neurons that
    fire. Near 1 activity neither dies out nor grows.

    Parameters
    ----------
    steps, units : array-like of int of shape (n_spikes,)
        When and which neurons fired.
    W : array or sparse array of shape (n_units, n_units)
        Recurrent weights, entry (i, j) from j to i; what is stored (not zero) is a synapse.
    n_steps : int
        Length of the recording.
    window : int, default=4
        Steps before and after a spike.
    margin : int, default=25
        Steps at either end that are left out.

    Returns
    -------
    float
        NaN if no neuron fires.

    Raises
    ------
    ValueError
        If spikes do not fit the network or the recording, or if nothing is left between the margins.

    Notes
    -----
    This is the measure of Ivanov and Michmizos [1]_, a local ratio that counts descendants caused by the input too and
    depends on the rate: it compares networks under one input, and proves nothing about criticality.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021; as their program computes it.

    Examples
    --------
    A chain in which each spike makes the next neuron fire:

    >>> import numpy as np
    >>> from reservoirs.diagnostics import branching_factor
    >>> chain = np.eye(60, k=-1)
    >>> branching_factor(np.arange(60), np.arange(60), chain, n_steps=60, margin=10)
    1.0
    """
    n_steps = check_count("n_steps", n_steps)
    window, margin = check_count("window", window), check_count("margin", margin, 0)
    links = sparse.csr_array(W)
    n_units = links.shape[0]
    steps, units = (np.asarray(each, np.int64 if np.size(each) == 0 else None) for each in (steps, units))
    _check_indices("steps", steps, (steps.size,), n_steps)
    _check_indices("units", units, steps.shape, n_units)
    first, last = margin + window, n_steps - margin - window
    if last <= first:
        raise ValueError(f"margin={margin} and window={window} leave nothing of n_steps={n_steps}")
    fired = np.zeros((n_steps, n_units))
    fired[steps, units] = 1
    so_far = np.concatenate([np.zeros((1, n_units)), fired.cumsum(axis=0)])
    links = sparse.csr_array((np.ones(links.nnz), links.indices, links.indptr), shape=links.shape)
    times = np.arange(first, last)
    before = (links @ (so_far[times] - so_far[times - window]).T).T
    after = (links.T @ (so_far[times + 1 + window] - so_far[times + 1]).T).T
    ratios = np.where(fired[times] > 0, after / np.maximum(before, 1), 0).sum(axis=0)
    firings = fired[times].sum(axis=0)
    fires = firings > 0
    return float((ratios[fires] / firings[fires]).mean()) if fires.any() else float("nan")


def _check_indices(name: str, values: np.ndarray, shape: tuple[int, ...], most: int) -> None:
    whole = values.shape == shape and values.dtype.kind in "iu"
    if not whole or (values < 0).any() or (values >= most).any():
        raise ValueError(f"{name} must be as many integers as there are spikes, from 0 to {most - 1}")
