"""Balance of excitation and inhibition, unit by unit, by inhibitory weights that seek target rates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import logit

from .. import _core
from .._params import check_choice, check_count, check_real
from .._values import Bounds, per_target
from ..sequences import Sequences
from ._base import Adaptation, DrawnNetwork

__all__ = ["EIBalance"]

# Where the inverse of the logistic function is of a size that weights can make up for.
_RATES = Bounds(0.02, 0.98)
# Distance from a target, of a unit or on average, from which on it is missed.
_MISSED = 0.05
# Steps over which rates are averaged while weights learn.
_WINDOW = 500


class EIBalance(Adaptation):
    r"""Inhibitory weights that bring the mean rate of every unit to its target (Srinivasan, Plenz and Girvan 2025).

    In one step: all inhibitory weights onto unit i are multiplied by one number, which makes the target rates
    :math:`\rho` the fixed point of the network under its mean input,

    .. math::
        \omega_i = \frac{\sum_j W^E_{ij} \rho_j + (W_{in} \bar u)_i + b_i - f^{-1}(\rho_i)}{\sum_j W^I_{ij} \rho_j}

    where :math:`W = W^E - W^I`, f is the logistic function, and :math:`\omega_i` is not let below 0.

    Online: while the training input runs through the network, again and again until `n_steps` are over, all inhibitory
    weights onto unit i grow by the same amount after every step,

    .. math:: W^I_{ij} \leftarrow \max(0, W^I_{ij} + \delta\, \bar W^E (r_i - \rho_i))

    with the learning rate :math:`\delta` and the mean :math:`\bar W^E` of what excitatory weights onto a unit sum to.

    Excitatory weights, and who is linked with whom, stay as they are. With ``dynamics="voltage"`` the inverse of f is
    multiplied by `leak_rate`.

    Parameters
    ----------
    target_rate : float, array of shape (n_units,), frozen scipy.stats distribution or None, default=None
        Mean rate that each unit is brought to, in [0.02, 0.98], to which a distribution is truncated. Its draws are
        stratified: one from each of as many equally likely parts as there are units, among those that inhibit and the
        others. None means ``scipy.stats.beta(5, 5)``. One rate of 0.5 for all makes the best linear memory, and no
        product of inputs: the logistic function is odd about 0.5.
    method : {"one_step", "online"}, default="one_step"
        How the weights are found.
    learning_rate : float, default=1e-3
        Online: delta.
    n_steps : int, default=5000
        Online: at most so many steps.
    tol : float, default=0.01
        Online: the end is where, over a window of 500 steps, the distance between mean and target rates is below it,
        mean over units.

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
    adaptation_curve_ : ndarray
        Mean over units of the distance between mean and target rate: before, in each window of 500 steps (online), and
        after.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, an activation other than "sigmoid", a network without negative
        weights, in one step dynamics other than "leaky" and "voltage", and online delays and multiplicative input.

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

    def __init__(
        self,
        target_rate: Any = None,
        *,
        method: Any = "one_step",
        learning_rate: Any = 1e-3,
        n_steps: Any = 5000,
        tol: Any = 0.01,
    ) -> None:
        self.target_rate = target_rate
        self.method = method
        self.learning_rate = learning_rate
        self.n_steps = n_steps
        self.tol = tol

    def adapt(self, network: DrawnNetwork) -> None:
        """Change the negative weights of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        check_choice("method", self.method, ("one_step", "online"))
        if network.activation != "sigmoid":
            raise ValueError(f"EIBalance needs rates between 0 and 1: activation='sigmoid', not {network.activation!r}")
        if not (network.W.data < 0).any():
            raise ValueError("EIBalance changes negative weights, and the network has none")
        self.target_rate_ = _targets(stats.beta(5, 5) if self.target_rate is None else self.target_rate, network)
        before = self._distance(network.mean_states())
        on_the_way = self._rescale(network) if self.method == "one_step" else self._learn(network)
        self.mean_rate_ = network.mean_states()
        self.adaptation_curve_ = np.array([before, *on_the_way, self._distance(self.mean_rate_)])
        self.local_balance_ = network.W.sum(axis=1) / _excitation(network)
        self.global_balance_ = float(self.local_balance_.mean())
        self._warn_of_missed(network)

    def _rescale(self, network: DrawnNetwork) -> list[float]:
        """Multiply the inhibition of every unit."""
        if not network.dynamics._rests_alone:
            raise ValueError(f"method='one_step' needs dynamics 'leaky' or 'voltage', not {network.dynamics!r}")
        W, rho = network.W.copy(), self.target_rate_
        drive = network.bias.copy()
        drive[: len(network.W_in)] += network.W_in @ network.inputs.values.mean(axis=0)
        surplus = W.maximum(0) @ rho + drive - network.dynamics._rest(network.leak_rate) * logit(rho)
        inhibition = (-W).maximum(0) @ rho
        factor = np.divide(np.maximum(surplus, 0), inhibition, out=np.ones_like(surplus), where=inhibition > 0)
        rows = np.repeat(np.arange(network.n_units), np.diff(W.indptr))
        W.data = np.where(W.data < 0, W.data * factor[rows], W.data)
        network.W = W
        return []

    def _learn(self, network: DrawnNetwork) -> list[float]:
        """Let inhibitory weights learn step by step; return the distances from the targets, window by window."""
        learning_rate = check_real("learning_rate", self.learning_rate, 0.0, least_included=False)
        n_steps, tol = check_count("n_steps", self.n_steps), check_real("tol", self.tol, 0.0)
        if not network.is_plain:
            raise ValueError("method='online' adapts no networks with delays or multiplicative input; 'one_step' does")
        compiled = network.compiled()
        learner_of = _core.InhibitionLearner32 if isinstance(compiled, _core.Network32) else _core.InhibitionLearner64
        values = network.inputs.values
        learner = learner_of(compiled, self.target_rate_.astype(values.dtype), learning_rate * _excitation(network))
        distances, total, n_seen = [], np.zeros(network.n_units), 0
        for begins, rows in _passes(network.inputs, n_steps):
            if begins:
                learner.reset()
            total += learner.run(rows) * float(len(rows))
            n_seen += len(rows)
            if n_seen >= _WINDOW:
                distances.append(self._distance(total / n_seen))
                total, n_seen = np.zeros(network.n_units), 0
                if distances[-1] < tol:
                    break
        W = network.W.copy()
        W.data = learner.weights.astype(np.float64)
        network.W = W
        return distances

    def _distance(self, rates: np.ndarray) -> float:
        return float(abs(rates - self.target_rate_).mean())

    def _warn_of_missed(self, network: DrawnNetwork) -> None:
        missed = abs(self.mean_rate_ - self.target_rate_) > _MISSED
        stuck = missed & ((-network.W).maximum(0).sum(axis=1) == 0)
        if stuck.any():
            warnings.warn(
                f"EIBalance: {np.count_nonzero(stuck)} of {network.n_units} units cannot reach their target rates, "
                f"unit {np.argmax(stuck)} the first: they are too slow even without inhibition, or nothing inhibits "
                "them. A larger in-degree, or lower targets, would help.",
                RuntimeWarning,
                stacklevel=2,
            )
        if (distance := self._distance(self.mean_rate_)) > _MISSED:
            warnings.warn(
                f"EIBalance: mean rates miss their targets by {distance:.2f} on average: the fixed point is unstable, "
                "the input strong, or online learning not at its end. Targets nearer to 0.5, or a distribution of "
                "them, are easier to hold, and method='online' may hold those that one step does not.",
                RuntimeWarning,
                stacklevel=2,
            )


def _targets(given: Any, network: DrawnNetwork) -> np.ndarray:
    """Return a target for every unit; those drawn from a distribution are stratified.

    What the units that inhibit are targeted at, on average, is part of how strongly the network feeds back on itself as
    a whole: where chance puts it too low, the fixed point is unstable.
    """
    targets = per_target("target_rate", given, network.n_units, network.rng, _RATES)
    if not hasattr(given, "ppf"):
        return targets
    inhibits = (network.W < 0).sum(axis=0) > 0
    least, most = given.cdf(_RATES.least), given.cdf(_RATES.most)
    for members in (inhibits, ~inhibits):
        n = np.count_nonzero(members)
        shares = (network.rng.permutation(n) + network.rng.uniform(size=n)) / n
        # The last bits of quantiles depend on the machine.
        targets[members] = given.ppf(least + (most - least) * shares).round(9)
    return np.clip(targets, _RATES.least, _RATES.most)


def _excitation(network: DrawnNetwork) -> float:
    """Return what positive weights onto a unit sum to, on average."""
    return float(network.W.maximum(0).sum(axis=1).mean())


def _passes(inputs: Sequences, n_steps: int) -> Iterator[tuple[bool, np.ndarray]]:
    """Go over all sequences again and again, for so many steps, a window at most at a time; tell where one begins."""
    while True:
        for sequence in inputs:
            for t in range(0, len(sequence), _WINDOW):
                rows = sequence[t : t + min(_WINDOW, n_steps)]
                yield t == 0, rows
                n_steps -= len(rows)
                if n_steps == 0:
                    return
