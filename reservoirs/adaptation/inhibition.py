"""Hebbian inhibition."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from .._params import check_count, check_real
from .._values import Bounds, per_target
from ._base import Adaptation, DrawnNetwork

__all__ = ["VogelsInhibition"]

_RATES = Bounds(0.02, 0.98)
# Weights change after so many steps: rates of learning are so small that it matters little, and a change costs much.
_STEPS_TOGETHER = 20


class VogelsInhibition(Adaptation):
    r"""Inhibitory links that grow where both of their units are active (Vogels et al. 2011, for rates).

    .. math:: \Delta |w_{ij}| = \eta \, r_j(t-1) \, (r_i(t) - \rho_i)

    for every inhibitory link from j to i, never below 0; changes of 20 steps are made together. Unlike
    :class:`EIBalance`, links from active units change most. Excitatory links stay.

    Parameters
    ----------
    target_rate : float, array of shape (n_units,), frozen scipy.stats distribution or None, default=None
        Mean rate :math:`\rho` of each unit, in [0.02, 0.98]. None means ``scipy.stats.beta(5, 5)``.
    learning_rate : float, default=0.01
        :math:`\eta`.
    n_epochs : int, default=5
        Passes over the training input.

    Attributes
    ----------
    target_rate_ : ndarray of shape (n_units,)
        The targets.
    mean_rate_ : ndarray of shape (n_units,)
        Mean rates of the adapted network on the training input.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, an activation other than "sigmoid", and a network without
        negative weights.

    References
    ----------
    .. [1] T. P. Vogels, H. Sprekeler, F. Zenke, C. Clopath, W. Gerstner, "Inhibitory plasticity balances excitation and
       inhibition in sensory pathways and memory networks", Science 334, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import VogelsInhibition
    >>> rng = np.random.default_rng(0)
    >>> signed = (rng.random((100, 100)) < 0.2) * np.where(np.arange(100) < 80, 0.25, -1.0)
    >>> esn = EchoStateNetwork(
    ...     topology=signed, spectral_radius=None, activation="sigmoid", adaptation=VogelsInhibition(0.5),
    ...     random_state=0,
    ... ).fit(rng.uniform(0, 1, (1000, 1)))
    >>> bool(abs(esn.adaptation_.mean_rate_ - 0.5).mean() < 0.05)
    True
    """

    def __init__(self, target_rate: Any = None, *, learning_rate: Any = 0.01, n_epochs: Any = 5) -> None:
        self.target_rate = target_rate
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs

    def adapt(self, network: DrawnNetwork) -> None:
        """Change the negative weights of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        rate = check_real("learning_rate", self.learning_rate, 0.0, least_included=False)
        n_epochs = check_count("n_epochs", self.n_epochs)
        if network.activation != "sigmoid":
            raise ValueError(
                f"VogelsInhibition needs rates between 0 and 1: activation='sigmoid', not {network.activation!r}"
            )
        W = network.W.copy()
        links = np.flatnonzero(W.data < 0)
        if not len(links):
            raise ValueError("VogelsInhibition changes negative weights, and the network has none")
        given = stats.beta(5, 5) if self.target_rate is None else self.target_rate
        self.target_rate_ = per_target("target_rate", given, network.n_units, network.rng, _RATES)
        to = np.repeat(np.arange(network.n_units), np.diff(W.indptr))[links]
        source = W.indices[links]
        for _ in range(n_epochs):
            for states, _ in network.stretches(_STEPS_TOGETHER):
                excess = (states[1:] - self.target_rate_).T
                grown = np.einsum("lt,tl->l", excess[to], states[:-1, source])
                W.data[links] = np.minimum(W.data[links] - rate * grown, 0)
                network.W = W
        self.mean_rate_ = network.mean_states()
