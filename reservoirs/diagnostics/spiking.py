"""Measures of spiking activity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._params import check_count

__all__ = ["branching_factor"]


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
    for name, values, most in (("steps", steps, n_steps), ("units", units, n_units)):
        whole = values.shape == steps.shape and values.ndim == 1 and values.dtype.kind in "iu"
        if not whole or (values < 0).any() or (values >= most).any():
            raise ValueError(f"{name} must be as many integers as there are spikes, from 0 to {most - 1}")
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
