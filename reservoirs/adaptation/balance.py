"""Balance of excitation and inhibition, unit by unit, by inhibitory weights that seek target rates."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import logit

from .._params import check_choice
from .._values import Bounds, per_target
from ._base import Adaptation, DrawnNetwork

__all__ = ["EIBalance"]

# Where the inverse of the logistic function is of a size that weights can make up for.
_RATES = Bounds(0.02, 0.98)
# Mean distance from the targets, over units, from which on a network has missed them: it oscillates.
_MISSED = 0.05


class EIBalance(Adaptation):
    r"""Inhibitory weights that bring the mean rate of every unit to its target (Srinivasan, Plenz and Girvan 2025).

    In one step: all inhibitory weights onto unit i are multiplied by one number, which makes the target rates
    :math:`\rho` the fixed point of the network under its mean input,

    .. math::
        \omega_i = \frac{\sum_j W^E_{ij} \rho_j + (W_{in} \bar u)_i + b_i - f^{-1}(\rho_i)}{\sum_j W^I_{ij} \rho_j}

    where :math:`W = W^E - W^I`, f is the logistic function, and :math:`\omega_i` is not let below 0.

    Excitatory weights, and who is linked with whom, stay as they are.

    Parameters
    ----------
    target_rate : float, array of shape (n_units,), frozen scipy.stats distribution or None, default=None
        Mean rate that each unit is brought to, in [0.02, 0.98]; what a distribution draws outside of that is drawn
        again. None means ``scipy.stats.beta(5, 5)``. One rate of 0.5 for all makes the best linear memory, and no
        product of inputs: the logistic function is odd about 0.5.
    method : {"one_step"}, default="one_step"
        How the weights are found.

    Attributes
    ----------
    target_rate_ : ndarray of shape (n_units,)
        The targets.
    mean_rate_ : ndarray of shape (n_units,)
        Mean rates of the adapted network on the training input.
    local_balance_ : ndarray of shape (n_units,)
        Excitatory less inhibitory weights onto every unit, in units of the mean excitation: 1 is no inhibition, 0 is
        balance.
    global_balance_ : float
        Its mean.
    adaptation_curve_ : ndarray of shape (2,)
        Mean over units of the distance between mean and target rate, before and after.

    Raises
    ------
    ValueError
        In the fit, for a target rate out of its range, an activation other than "sigmoid", and a network without
        negative weights.

    Warns
    -----
    RuntimeWarning
        Where targets cannot be reached: for units that are too slow without any inhibition, or that have none; and for
        networks whose mean rates miss the targets by more than 0.05 on average, because their fixed point is unstable.
        Uniform targets below 0.4 often are.

    References
    ----------
    .. [1] K. Srinivasan, D. Plenz, M. Girvan, "Boosting reservoir computing with brain-inspired adaptive control of E-I
       balance", Nature Communications, 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import EIBalance
    >>> from reservoirs.topology import EITopology
    >>> u = np.random.default_rng(0).uniform(0, 1, (1000, 1))
    >>> esn = EchoStateNetwork(
    ...     200, topology=EITopology(), adaptation=EIBalance(0.5), input_scaling=0.05, random_state=0
    ... ).fit(u)
    >>> rule = esn.adaptation_
    >>> bool(abs(rule.mean_rate_ - 0.5).mean() < 0.02), rule.local_balance_.shape
    (True, (200,))
    """

    def __init__(self, target_rate: Any = None, *, method: Any = "one_step") -> None:
        self.target_rate = target_rate
        self.method = method

    def adapt(self, network: DrawnNetwork) -> None:
        """Change the negative weights of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        check_choice("method", self.method, ("one_step",))
        if network.activation != "sigmoid":
            raise ValueError(f"EIBalance needs rates between 0 and 1: activation='sigmoid', not {network.activation!r}")
        if not (network.W.data < 0).any():
            raise ValueError("EIBalance changes negative weights, and the network has none")
        given = stats.beta(5, 5) if self.target_rate is None else self.target_rate
        self.target_rate_ = per_target("target_rate", given, network.n_units, network.rng, _RATES)
        before = self._distance(network)
        self._rescale(network)
        after = self._distance(network)
        self.adaptation_curve_ = np.array([before, after])
        self._describe(network)
        if after > _MISSED:
            warnings.warn(
                f"EIBalance: mean rates miss their targets by {after:.2f} on average, as the fixed point is unstable "
                "or the input strong. Targets nearer to 0.5, or a distribution of them, are easier to hold.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _rescale(self, network: DrawnNetwork) -> None:
        excitation, inhibition = network.W.maximum(0) @ self.target_rate_, (-network.W).maximum(0) @ self.target_rate_
        drive = network.bias.copy()
        drive[: len(network.W_in)] += network.W_in @ network.inputs.values.mean(axis=0)
        surplus = excitation + drive - logit(self.target_rate_)
        factor = np.divide(surplus, inhibition, out=np.ones_like(surplus), where=inhibition > 0)
        missed = np.where(inhibition > 0, surplus < 0, abs(surplus) > 1e-6 * excitation.max())
        if missed.any():
            warnings.warn(
                f"EIBalance: {np.count_nonzero(missed)} of {network.n_units} units cannot reach their target rates, "
                f"unit {np.argmax(missed)} the first: they are too slow even without inhibition, or nothing inhibits "
                "them. A larger in-degree, or lower targets, would help.",
                RuntimeWarning,
                stacklevel=3,
            )
        W = network.W.copy()
        rows = np.repeat(np.arange(network.n_units), np.diff(W.indptr))
        W.data = np.where(W.data < 0, W.data * np.maximum(factor, 0)[rows], W.data)
        network.W = W

    def _distance(self, network: DrawnNetwork) -> float:
        self.mean_rate_ = network.mean_states()
        return float(abs(self.mean_rate_ - self.target_rate_).mean())

    def _describe(self, network: DrawnNetwork) -> None:
        self.local_balance_ = network.W.sum(axis=1) / network.W.maximum(0).sum(axis=1).mean()
        self.global_balance_ = float(self.local_balance_.mean())
