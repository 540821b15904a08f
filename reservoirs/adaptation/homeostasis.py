"""Homeostasis on several time scales: rates that come back after a shock."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse, stats

from .. import _core
from .._params import check_real
from .._values import Bounds, per_target
from ._base import Adaptation, DrawnNetwork
from ._units import UnitLoop, scale_rows

__all__ = ["MultiScaleHomeostasis"]

_RATES = Bounds(0.02, 0.98)
_SPREADS = Bounds(0.0, 0.5, least_included=False)
_N_SCALES = 4
# Mean distance from the targets, over units, from which on a network has missed them.
_MISSED = 0.05


class MultiScaleHomeostasis(Adaptation):
    r"""Four controllers a unit, each on a time scale of its own, that bring mean rates to their targets.

    Averages :math:`\bar r_k \leftarrow \bar r_k + (r - \bar r_k) / \tau_k` of a unit's rate r drive one knob each: a
    division of the rate, the bias b, the strength h of inhibition and the strength e of excitation,

    .. math::
        r &= \frac{f(e\,W^E x - h\,W^I x + W_{in} u + b)}
                  {1 + \eta_1 \tau_1 \max(0, \bar r_1 - (1 + \rho) / 2)} \\
        \Delta b &= -\eta_2 (\bar r_2 - \rho), \qquad
        \Delta h = \frac{\eta_3 (\bar r_3 - \rho)}{W^I \rho}, \qquad
        \Delta e = e \, \frac{\eta_4 (\rho - \bar r_4)}{W^E \rho}

    for sigmoid units, with :math:`W = W^E - W^I` and h at least 0. With `target_std`, the slowest keeps the spread of
    the rate instead, v being the variance of r about :math:`\bar r_2`, averaged over :math:`\tau_3`:
    :math:`\Delta e / e = \Delta h / h = \eta_4 \max(-1, 1 - v / \sigma^2)`.

    Knobs 2 to 4 are measured by what they change of a unit's net input, whose slope f' is at most 1/4: each loop alone
    obeys :math:`\tau_k \ddot s + \dot s + \eta_k f' s = 0`, which does not overshoot while
    :math:`\eta_k \tau_k < 1`. The four are kept from fighting by :math:`\tau_{k+1} \ge 10 \tau_k` and by
    :math:`\eta_k \tau_k` that never rises from a scale to the next; both are checked. In the end e, h > 0 multiply the
    weights, which keep their signs; the division leaves nothing behind.

    Parameters
    ----------
    target_rate : float, array of shape (n_units,), frozen scipy.stats distribution or None, default=None
        Mean rate :math:`\rho` of each unit, in [0.02, 0.98]; what a distribution draws outside of that is drawn again.
        None means ``scipy.stats.beta(5, 5)``.
    target_std : float, array of shape (n_units,) or None, default=None
        Standard deviation :math:`\sigma` of the rate that the slowest controller keeps, in (0, 0.5].
    taus : sequence of 4 floats, default=(5, 50, 500, 5000)
        Time constants in steps.
    rates : sequence of 4 floats, default=(0.16, 0.012, 0.001, 0.00008)
        Learning rates :math:`\eta_k`; 0 switches a controller off.
    n_epochs : int, default=5
        Passes over the training input. The slower controllers need as many steps as their time constants.

    Attributes
    ----------
    target_rate_ : ndarray of shape (n_units,)
        The targets.
    mean_rate_ : ndarray of shape (n_units,)
        Mean rates of the adapted network on the training input.
    adaptation_curve_ : ndarray of shape (n_windows,)
        Mean over units of the distance between the second average and the target, every :math:`\tau_3` steps.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, unstable `taus` and `rates`, an activation other than "sigmoid",
        dynamics other than "leaky", several layers, delays and multiplicative input.

    Warns
    -----
    RuntimeWarning
        Where mean rates still miss the targets by more than 0.05 on average.

    Notes
    -----
    The idea of a controller for each time scale is of [1]_, whose equations are not public; these are ours.

    References
    ----------
    .. [1] Hakim, "Multi-scale temporal homeostasis", arXiv 2602.07009, 2026.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import MultiScaleHomeostasis
    >>> u = np.random.default_rng(0).uniform(0, 1, (2000, 1))
    >>> esn = EchoStateNetwork(
    ...     n_units=100, activation="sigmoid", adaptation=MultiScaleHomeostasis(0.3), random_state=0
    ... ).fit(u)
    >>> bool(abs(esn.transform(u).mean(axis=0) - 0.3).mean() < 0.02)
    True
    """

    def __init__(
        self,
        target_rate: Any = None,
        *,
        target_std: Any = None,
        taus: Any = (5, 50, 500, 5000),
        rates: Any = (0.16, 0.012, 0.001, 0.00008),
        n_epochs: Any = 5,
    ) -> None:
        self.target_rate = target_rate
        self.target_std = target_std
        self.taus = taus
        self.rates = rates
        self.n_epochs = n_epochs

    def adapt(self, network: DrawnNetwork) -> None:
        """Change biases and the strengths of excitation and inhibition of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        taus, rates = self._checked_scales()
        excitation, inhibition = (network.W.maximum(0), network.W.minimum(0))
        parts = [(excitation, False), (inhibition, False), (sparse.csr_array(network.W.shape), True)]
        loop = UnitLoop(self, network, parts, self.n_epochs, ("sigmoid",))
        n_units = network.n_units
        given = stats.beta(5, 5) if self.target_rate is None else self.target_rate
        self.target_rate_ = per_target("target_rate", given, n_units, network.rng, _RATES)
        target_variance = None
        if self.target_std is not None:
            target_variance = per_target("target_std", self.target_std, n_units, network.rng, _SPREADS) ** 2
        bias, exc, inh = network.bias.copy(), np.ones(n_units), np.ones(n_units)
        averages = np.tile(self.target_rate_, (_N_SCALES, 1))
        variance = np.zeros(n_units) if target_variance is None else target_variance.copy()

        def step(done: int, **run: Any) -> None:
            _core.multi_scale(
                smoothing=(1 / taus).tolist(),
                rates=rates.tolist(),
                brake=float(rates[0] * taus[0]),
                target_rate=self.target_rate_,
                target_variance=target_variance,
                excitation_scale=_size(excitation @ self.target_rate_),
                inhibition_scale=_size(-inhibition @ self.target_rate_),
                bias=bias,
                excitation=exc,
                inhibition=inh,
                averages=averages,
                variance=variance,
                **run,
            )

        curve = [abs(averages[1] - self.target_rate_).mean() for _ in loop.run(step, int(taus[2]))]
        network.bias = bias
        network.W = scale_rows(excitation, exc) + scale_rows(inhibition, inh)
        self.adaptation_curve_ = np.array(curve)
        self.mean_rate_ = network.mean_states()
        missed = float(abs(self.mean_rate_ - self.target_rate_).mean())
        if missed > _MISSED:
            warnings.warn(
                f"MultiScaleHomeostasis: mean rates still miss their targets by {missed:.2f} on average. More "
                "n_epochs, targets nearer to 0.5, or weaker links would help.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _checked_scales(self) -> tuple[np.ndarray, np.ndarray]:
        scales = []
        for name, least in (("taus", 1.0), ("rates", 0.0)):
            values = np.ravel(getattr(self, name))
            if len(values) != _N_SCALES:
                raise ValueError(f"{name}={getattr(self, name)!r} must hold {_N_SCALES} numbers")
            scales.append(np.array([check_real(f"{name}[{k}]", v, least) for k, v in enumerate(values.tolist())]))
        taus, rates = scales
        if (taus[1:] < 10 * taus[:-1]).any():
            raise ValueError(f"taus={self.taus!r} must rise at least tenfold each: closer loops fight each other")
        strength = (rates * taus)[rates > 0]
        if (strength >= 1).any() or (np.diff(strength) > 0).any():
            raise ValueError(
                f"rates * taus={(rates * taus).round(3).tolist()} must stay below 1, where a loop overshoots, and must "
                "not rise: faster loops have to settle first"
            )
        return taus, rates


def _size(drive: np.ndarray) -> np.ndarray:
    """Return what a change of a factor is divided by: units that receive nothing keep theirs."""
    return np.where(drive > 0, drive, np.inf)
