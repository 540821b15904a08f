"""Intrinsic plasticity: gain and bias of every unit, so that its activity is distributed as wished."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from .. import _core
from .._params import check_real
from ..topology import spectral_radius
from ._base import Adaptation, DrawnNetwork
from ._units import UnitLoop, scale_rows

__all__ = ["IntrinsicPlasticity"]

# A gain of 0 would silence its unit for good, and a negative one would turn the signs of its links.
_LEAST_GAIN = 1e-3
_BINS = 50


class IntrinsicPlasticity(Adaptation):
    r"""Gains g and biases b that give every unit's activity a wished distribution (Triesch 2005, Schrauwen 2008).

    Units :math:`y = f(g\,z + b)` with :math:`z = W x + W_{in} u` learn, at every step,

    .. math::
        \Delta b &= -\eta \left(-\frac{\mu}{\sigma^2} + \frac{y}{\sigma^2} (2 \sigma^2 + 1 - y^2 + \mu y)\right)
        && \text{(tanh: Gaussian of mean } \mu \text{, standard deviation } \sigma) \\
        \Delta b &= \eta \left(1 - \left(2 + \frac{1}{\mu}\right) y + \frac{y^2}{\mu}\right)
        && \text{(sigmoid: exponential of mean } \mu) \\
        \Delta g &= \eta / g + z\,\Delta b

    which lowers the Kullback-Leibler divergence from the target. The rate falls evenly to 0 over the passes, so that
    what stays is a fixed network. In the end row i of W and W_in is multiplied by :math:`g_i > 0`: links keep their
    signs.

    Parameters
    ----------
    mean : float, default=None
        Mean :math:`\mu` of the target. None is 0 for tanh and 0.2 for sigmoid units, whose mean must lie in (0, 1).
    std : float, default=0.2
        Standard deviation :math:`\sigma` of the target of tanh units.
    learning_rate : float, default=0.002
        :math:`\eta` at the first step.
    n_epochs : int, default=10
        Passes over the training input.

    Attributes
    ----------
    gain_ : ndarray of shape (n_units,)
        What each unit's weights were multiplied by.
    divergence_ : ndarray of shape (2,)
        Mean over units of the divergence (nats) of the states' histogram of 50 bins from the target, before and after.
    spectral_radius_ : float
        Of the recurrent weights after it: it may pass 1.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, an activation other than "tanh" and "sigmoid", dynamics
        other than "leaky", several layers, delays and multiplicative input.

    Notes
    -----
    With a leak rate below 1 it is f that is distributed so; states, which average over time, spread less.

    References
    ----------
    .. [1] J. Triesch, "A gradient rule for the plasticity of a neuron's intrinsic excitability", ICANN 2005.
    .. [2] B. Schrauwen, M. Wardermann, D. Verstraeten, J. J. Steil, D. Stroobandt, "Improving reservoirs using
       intrinsic plasticity", Neurocomputing 71, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import IntrinsicPlasticity
    >>> u = np.random.default_rng(0).uniform(-1, 1, (2000, 1))
    >>> esn = EchoStateNetwork(n_units=50, adaptation=IntrinsicPlasticity(std=0.3), random_state=0).fit(u)
    >>> before, after = esn.adaptation_.divergence_
    >>> bool(before > 5 * after)
    True
    """

    def __init__(self, mean: Any = None, std: Any = 0.2, *, learning_rate: Any = 0.002, n_epochs: Any = 10) -> None:
        self.mean = mean
        self.std = std
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs

    def adapt(self, network: DrawnNetwork) -> None:
        """Change gains and biases of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        rate = check_real("learning_rate", self.learning_rate, 0.0, least_included=False)
        std = check_real("std", self.std, 0.0, least_included=False)
        loop = UnitLoop(self, network, [(network.W, True)], self.n_epochs, ("tanh", "sigmoid"))
        target = self._target(network.activation, std)
        gain, bias = np.ones(network.n_units), network.bias.copy()
        fall = rate / loop.n_steps

        def step(done: int, **run: Any) -> None:
            _core.intrinsic_plasticity(
                activation=network.activation,
                mean=target.mean,
                std=std,
                rate=rate - done * fall,
                rate_fall=fall,
                least_gain=_LEAST_GAIN,
                gain=gain,
                bias=bias,
                **run,
            )

        before = target.divergence(network)
        for _ in loop.run(step):
            pass
        network.W, network.W_in, network.bias = scale_rows(network.W, gain), gain[:, None] * network.W_in, bias
        self.gain_ = gain
        self.divergence_ = np.array([before, target.divergence(network)])
        self.spectral_radius_ = spectral_radius(network.W)

    def _target(self, activation: str, std: float) -> _Target:
        edges = np.linspace(-1 if activation == "tanh" else 0, 1, _BINS + 1)
        if activation == "tanh":
            mean = 0.0 if self.mean is None else check_real("mean", self.mean, -1.0, 1.0)
            return _Target(mean, edges, stats.norm(mean, std))
        mean = 0.2 if self.mean is None else check_real("mean", self.mean, 0.0, 1.0, least_included=False)
        return _Target(mean, edges, stats.expon(scale=mean))


class _Target:
    """A distribution, cut to the range of states, and how far states are from it."""

    def __init__(self, mean: float, edges: np.ndarray, distribution: Any) -> None:
        self.mean = mean
        self._edges = edges
        mass = np.diff(distribution.cdf(edges))
        # Where the target has next to nothing, states are infinitely far from it: no further than by this much.
        self._probability = np.maximum(mass / mass.sum(), 1e-12)

    def divergence(self, network: DrawnNetwork) -> float:
        """Return the mean divergence of the units' histograms."""
        counts = np.zeros((network.n_units, _BINS))
        low, width = self._edges[0], self._edges[1] - self._edges[0]
        first = np.arange(network.n_units) * _BINS
        for states, _ in network.blocks():
            bins = np.clip((states - low) / width, 0, _BINS - 1).astype(np.int64)
            counts += np.bincount((bins + first).ravel(), minlength=counts.size).reshape(counts.shape)
        share = counts / counts.sum(axis=1, keepdims=True)
        ratio = np.where(share > 0, share / self._probability, 1)
        return float((share * np.log(ratio)).sum(axis=1).mean())
