"""Models of synapses: how a spike becomes a current, and how strong it is after the spikes before it.

Times are in milliseconds. Time constants of currents are those of the target: a number, an array of as many numbers as
there are neurons, or a frozen scipy.stats distribution. A dict ``{"exc": ..., "inh": ...}`` of these goes by the kind
of the *source*, as excitatory and inhibitory synapses have receptors of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator

from .._params import check_choice, check_count, check_real
from .._values import (
    BLOCKS,
    KINDS,
    POSITIVE,
    BoolArray,
    Bounds,
    FloatArray,
    check_keys,
    per_synapse,
    per_target,
)

__all__ = [
    "CompiledPlasticity",
    "CompiledSynapses",
    "DeltaSynapse",
    "DoubleExponentialSynapse",
    "ExponentialSynapse",
    "Synapse",
    "TsodyksMarkram",
]


@dataclass(frozen=True, eq=False)
class CompiledSynapses:
    """Currents in the form the compiled core takes.

    With two channels the first is that of excitatory, the second that of inhibitory sources; inputs use the first.

    Attributes
    ----------
    kind : {"delta", "exponential", "double"}
        How a current goes on after a spike.
    decay : ndarray of shape (n_channels, n_units), float64
        Factor by which a target's current decays each step.
    rise : ndarray of shape (n_channels, n_units), float64, or None
        The same of the rising part; only for "double".
    norm : ndarray of shape (n_channels, n_units), float64, or None
        What the difference of the two is multiplied with; only for "double".
    nearest : bool
        Whether a spike renews what its source had left over from the spike before, instead of adding to it.
    """

    kind: str
    decay: FloatArray
    rise: FloatArray | None = None
    norm: FloatArray | None = None
    nearest: bool = False

    @property
    def n_channels(self) -> int:
        """Number of channels: 2 where time constants depend on the kind of the source, else 1."""
        return len(self.decay)

    @property
    def charge(self) -> FloatArray:
        """Sum over steps of the current of a spike of weight 1, by channel and target."""
        sums = 1 / (1 - self.decay)
        return sums if self.rise is None or self.norm is None else self.norm * (sums - 1 / (1 - self.rise))


@dataclass(frozen=True, eq=False)
class CompiledPlasticity:
    """Short-term plasticity in the form the compiled core takes.

    Attributes
    ----------
    utilisation, depression, facilitation : ndarray of shape (n_synapses,), float64
        U, dt / D and dt / F of every synapse.
    """

    utilisation: FloatArray
    depression: FloatArray
    facilitation: FloatArray


class Synapse(BaseEstimator):  # type: ignore[misc]
    """Base of all models of synaptic currents."""

    def compile(self, n_units: int, dt: float, rng: np.random.Generator) -> CompiledSynapses:
        """Check the parameters and draw those of every target.

        Parameters
        ----------
        n_units : int
            Number of neurons.
        dt : float
            Time step, in milliseconds.
        rng : numpy.random.Generator
            Spawns the streams that distributions draw from.

        Returns
        -------
        CompiledSynapses
            The currents in the core's form.

        Raises
        ------
        ValueError
            For a parameter of a wrong type, shape or range; the message names it.
        """
        return self._compile(check_count("n_units", n_units), _check_dt(dt), rng)

    def _compile(self, n_units: int, dt: float, rng: np.random.Generator) -> CompiledSynapses:
        raise NotImplementedError


class DeltaSynapse(Synapse):
    """A spike is a current of one step.

    With a :class:`LIF` neuron without resistance, a spike moves the potential by the weight at once.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import DeltaSynapse
    >>> DeltaSynapse().compile(n_units=3, dt=1.0, rng=np.random.default_rng(0)).kind
    'delta'
    """

    def _compile(self, n_units: int, dt: float, rng: np.random.Generator) -> CompiledSynapses:
        return CompiledSynapses("delta", np.zeros((1, n_units)))


class ExponentialSynapse(Synapse):
    r"""A spike is a current that decays exponentially.

    n steps after it arrived a spike of weight w gives the current :math:`w\,e^{-n\,dt / \tau}`: the weight is the peak.

    Parameters
    ----------
    tau_syn : number, array of shape (n_units,), frozen distribution, or dict of these, default=1.0
        Time constant in ms. A dict has those of excitatory and inhibitory sources, ``{"exc": ..., "inh": ...}``.
    kernel : {"additive", "nearest"}, default="additive"
        Whether the spikes of a source add up, or each sets what the source contributes back to the peak. The latter
        needs a number for `tau_syn`, or a dict of numbers.

    Notes
    -----
    The default with ``kernel="nearest"`` is the synapse of the NALSM liquid [1]_.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import ExponentialSynapse
    >>> synapse = ExponentialSynapse(tau_syn={"exc": 3.0, "inh": 6.0})
    >>> synapse.compile(n_units=2, dt=1.0, rng=np.random.default_rng(0)).decay.round(4)
    array([[0.7165, 0.7165],
           [0.8465, 0.8465]])
    """

    def __init__(self, tau_syn: Any = 1.0, kernel: str = "additive") -> None:
        self.tau_syn = tau_syn
        self.kernel = kernel

    def _compile(self, n_units: int, dt: float, rng: np.random.Generator) -> CompiledSynapses:
        nearest = check_choice("kernel", self.kernel, ("additive", "nearest")) == "nearest"
        tau_syn = _channels("tau_syn", self.tau_syn, n_units, rng)
        if nearest and (tau_syn != tau_syn[:, :1]).any():
            raise ValueError(
                f"tau_syn={self.tau_syn!r} must be a number, or a dict of two, with kernel='nearest': a source has one "
                "kernel for all of its targets"
            )
        return CompiledSynapses("exponential", np.exp(-dt / tau_syn), nearest=nearest)


class DoubleExponentialSynapse(Synapse):
    r"""A spike is a current that rises and decays: the difference of two exponentials.

    n steps after it arrived a spike of weight w gives the current

    .. math:: \frac{w}{\tau_{decay} - \tau_{rise}} \left(e^{-n\,dt / \tau_{decay}} - e^{-n\,dt / \tau_{rise}}\right),

    whose integral over time is w: the weight is the area, in the unit of current times ms.

    Parameters
    ----------
    tau_rise : number, array of shape (n_units,), frozen distribution, or dict of these, default=4.0
        Time constant of the rise in ms, below `tau_decay`. A dict has those of excitatory and inhibitory sources,
        ``{"exc": ..., "inh": ...}``.
    tau_decay : as `tau_rise`, default=8.0
        Time constant of the decay in ms.

    Notes
    -----
    The defaults are those of excitatory synapses in the digital liquid of Zhang et al. [1]_; its inhibitory ones have 2
    and 4 ms.

    References
    ----------
    .. [1] Y. Zhang, P. Li, Y. Jin and Y. Choe, "A digital liquid state machine with biologically inspired learning and
       its application to speech recognition", IEEE Transactions on Neural Networks and Learning Systems 26, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import DoubleExponentialSynapse
    >>> compiled = DoubleExponentialSynapse().compile(n_units=1, dt=1.0, rng=np.random.default_rng(0))
    >>> n = np.arange(100)
    >>> float((compiled.norm * (compiled.decay**n - compiled.rise**n)).sum().round(3))
    0.997
    """

    def __init__(self, tau_rise: Any = 4.0, tau_decay: Any = 8.0) -> None:
        self.tau_rise = tau_rise
        self.tau_decay = tau_decay

    def _compile(self, n_units: int, dt: float, rng: np.random.Generator) -> CompiledSynapses:
        tau_rise = _channels("tau_rise", self.tau_rise, n_units, rng)
        tau_decay = _channels("tau_decay", self.tau_decay, n_units, rng)
        tau_rise, tau_decay = (array.copy() for array in np.broadcast_arrays(tau_rise, tau_decay))
        wrong = np.argwhere(tau_rise >= tau_decay)
        if len(wrong):
            at = tuple(wrong[0])
            raise ValueError(f"tau_rise={tau_rise[at]:g} of unit {at[1]} must be below tau_decay={tau_decay[at]:g}")
        return CompiledSynapses(
            "double", np.exp(-dt / tau_decay), rise=np.exp(-dt / tau_rise), norm=1 / (tau_decay - tau_rise)
        )


class TsodyksMarkram(BaseEstimator):  # type: ignore[misc]
    r"""Short-term plasticity: synapses that depress and facilitate.

    A spike that follows the one before of the same source after a time :math:`\Delta` has the strength w u r, with

    .. math:: r \leftarrow 1 + (r\,(1 - u) - 1)\,e^{-\Delta / D}, \qquad u \leftarrow U + u\,(1 - U)\,e^{-\Delta / F},

    the u in the first formula being the old one; at a source's first spike u = U and r = 1.

    Parameters
    ----------
    U : number, array of shape (n_synapses,), frozen distribution, or dict of these, default=0.5
        Share of its resources that a synapse at rest uses for a spike, in (0, 1]. A dict has numbers or distributions
        for the blocks of synapses, ``{"EE": ..., "EI": ..., "IE": ..., "II": ...}``, "EI" being from E to I.
    D : as `U`, default=1100.0
        Time constant of recovery from depression in ms.
    F : as `U`, default=50.0
        Time constant of facilitation in ms.
    spread : float, default=0.5
        A number, unless it is 0, becomes a normal distribution around it with a standard deviation of `spread` times
        that number, truncated to what is allowed. 0 gives all synapses the number itself.

    Notes
    -----
    The defaults are those of synapses between excitatory neurons in [2]_; all four blocks are in the preset
    "maass-2002".

    References
    ----------
    .. [1] H. Markram, Y. Wang and M. Tsodyks, "Differential signaling via the same axon of neocortical pyramidal
       neurons", PNAS 95, 1998.
    .. [2] W. Maass, T. Natschlaeger and H. Markram, "Real-time computing without stable states", Neural Computation 14,
       2002.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import TsodyksMarkram
    >>> is_exc = np.ones(3, dtype=bool)
    >>> compiled = TsodyksMarkram(spread=0.0).compile(is_exc, is_exc, dt=1.0, rng=np.random.default_rng(0))
    >>> compiled.utilisation, compiled.facilitation
    (array([0.5, 0.5, 0.5]), array([0.02, 0.02, 0.02]))
    """

    def __init__(self, U: Any = 0.5, D: Any = 1100.0, F: Any = 50.0, spread: float = 0.5) -> None:
        self.U = U
        self.D = D
        self.F = F
        self.spread = spread

    def compile(
        self, source_is_exc: BoolArray, target_is_exc: BoolArray, dt: float, rng: np.random.Generator
    ) -> CompiledPlasticity:
        """Check the parameters and draw those of every synapse.

        Parameters
        ----------
        source_is_exc, target_is_exc : ndarray of shape (n_synapses,), bool
            Whether the neuron a synapse comes from, and the one it leads to, is excitatory.
        dt : float
            Time step, in milliseconds.
        rng : numpy.random.Generator
            Spawns the streams that distributions draw from.

        Returns
        -------
        CompiledPlasticity
            The synapses in the core's form.

        Raises
        ------
        ValueError
            For a parameter of a wrong type, shape or range; the message names it.
        """
        dt = _check_dt(dt)
        spread = check_real("spread", self.spread, 0.0)

        def draw(name: str, bounds: Bounds) -> FloatArray:
            value = _spread_out(name, getattr(self, name), spread, bounds)
            return per_synapse(name, value, source_is_exc, target_is_exc, rng.spawn(1)[0], bounds)

        utilisation, depression, facilitation = draw("U", _SHARE), draw("D", POSITIVE), draw("F", POSITIVE)
        for time in (depression, facilitation):  # in place: there may be 20 million synapses
            np.divide(dt, time, out=time)
        return CompiledPlasticity(utilisation, depression, facilitation)


_SHARE = Bounds(0.0, 1.0, least_included=False)


def _spread_out(name: str, value: Any, spread: float, bounds: Bounds) -> Any:
    """Replace numbers by truncated normal distributions around them."""
    if isinstance(value, Mapping):
        check_keys(name, value, BLOCKS)
        return {block: _spread_out(f"{name}[{block!r}]", value[block], spread, bounds) for block in BLOCKS}
    if spread == 0.0 or not isinstance(value, Real) or isinstance(value, bool):
        return value
    mean = check_real(name, value, bounds.least, bounds.most, least_included=bounds.least_included)
    return stats.norm(mean, spread * mean)


def _channels(name: str, value: Any, n_units: int, rng: np.random.Generator) -> FloatArray:
    """Return a time constant as an array (n_channels, n_units)."""
    if not isinstance(value, Mapping):
        return per_target(name, value, n_units, rng.spawn(1)[0], POSITIVE)[np.newaxis]
    check_keys(name, value, KINDS)
    draws = [per_target(f"{name}[{kind!r}]", value[kind], n_units, rng.spawn(1)[0], POSITIVE) for kind in KINDS]
    return np.stack(draws)


def _check_dt(dt: Any) -> float:
    return check_real("dt", dt, 0.0, least_included=False)
