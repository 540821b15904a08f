"""Rules that bring neurons to target rates: by inhibition, by thresholds, by scaling what comes in."""

from __future__ import annotations

from typing import Any

from ..._params import check_real
from ._base import Plasticity, Site, blocks_of


class InhibitorySTDP(Plasticity):
    r"""Plasticity of inhibitory synapses that balances each neuron's excitation, at a rate of its own.

    The size of a weight from an inhibitory neuron j to i changes by

    .. math:: \Delta |w_{ij}| = \eta \left( s_j (x_i - 2 \rho_i \tau) + s_i x_j \right)

    and stays in [0, w_max]: near coincidence in either order strengthens it, a spike of j alone weakens it. Traces x
    decay with :math:`\tau`, a spike adds 1, and they are those of before the step. On average the weights stand still
    where the target fires at :math:`\rho_i`.

    Parameters
    ----------
    target_rate : per-neuron value, default=5.0
        Rates :math:`\rho` in Hz: a number, an array, a frozen scipy.stats distribution, or a dict of these for "exc"
        and "inh" neurons.
    learning_rate : float, default=0.01
        Rate :math:`\eta`, in units of a weight.
    tau_trace : float, default=20.0
        Time constant :math:`\tau` in ms.
    w_max : float, default=10.0
        Largest size of a weight.
    synapses : tuple of {"IE", "II"}, default=("IE",)
        Which synapses change: those onto excitatory neurons, onto inhibitory ones, or both.
    n_snapshots, snapshot_duration : int and float, default=None
        As in :class:`STDP`; None means those of the other rules of a list, 5000 and 20 if none has any.
    in_samples, sample_decay
        As in :class:`STDP`.

    Notes
    -----
    In a list with :class:`STDP`, leave inhibitory synapses to this rule: ``STDP(synapses=("EE", "EI", "input"))``.

    References
    ----------
    .. [1] T. P. Vogels, H. Sprekeler, F. Zenke, C. Clopath and W. Gerstner, "Inhibitory plasticity balances excitation
       and inhibition in sensory pathways and memory networks", Science 334, 2011.

    Examples
    --------
    >>> from scipy import stats
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import InhibitorySTDP
    >>> rates = stats.lognorm(0.5, scale=10.0)  # a target of its own for each neuron
    >>> liquid = LiquidStateMachine(plasticity=InhibitorySTDP(rates, n_snapshots=100))
    >>> liquid.set_params(plasticity__learning_rate=0.02).plasticity.learning_rate
    0.02
    """

    def __init__(
        self,
        target_rate: Any = 5.0,
        *,
        learning_rate: float = 0.01,
        tau_trace: float = 20.0,
        w_max: float = 10.0,
        synapses: Any = ("IE",),
        n_snapshots: int | None = None,
        snapshot_duration: float | None = None,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.target_rate = target_rate
        self.learning_rate = learning_rate
        self.tau_trace = tau_trace
        self.w_max = w_max
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        decay = site.decay("tau_trace", self.tau_trace)
        # The mean of a trace, seen before each step, of one spike a step: in the limit of short steps tau / dt.
        mean_trace = decay / (1 - decay)
        return site.build(
            "InhibitoryRule",
            learning_rate=check_real("learning_rate", self.learning_rate, 0.0),
            trace_decay=decay,
            w_max=check_real("w_max", self.w_max, 0.0, least_included=False),
            fade=site.fade(self.sample_decay),
            alpha=(2 * mean_trace * site.spikes_a_step(self.target_rate)).tolist(),
            blocks=blocks_of(self.synapses, ("IE", "II")),
        )


class HomeostaticThreshold(Plasticity):
    r"""Thresholds that rise with every spike and sink without, until each neuron fires at its target rate.

    .. math:: \theta_i \leftarrow \theta_i + \eta \left( s_i - \rho_i\,dt \right)

    every step, within `max_shift` of the neuron's own threshold. LIF neurons only.

    Parameters
    ----------
    target_rate : per-neuron value, default=10.0
        Rates :math:`\rho` in Hz: a number, an array, a frozen scipy.stats distribution, or a dict of these for "exc"
        and "inh" neurons.
    learning_rate : float, default=0.1
        What a spike raises the threshold by, in mV.
    max_shift : float, default=15.0
        Thresholds move by at most so much, up or down, in mV.
    n_snapshots, snapshot_duration : int and float, default=None
        As in :class:`STDP`; None means those of the other rules of a list, 5000 and 20 if none has any.
    in_samples, sample_decay
        As in :class:`STDP`.

    Notes
    -----
    What the thresholds have risen by after learning becomes part of the liquid's neurons.

    References
    ----------
    .. [1] A. Lazar, G. Pipa and J. Triesch, "SORN: a self-organizing recurrent neural network", Frontiers in
       Computational Neuroscience 3, 2009: its intrinsic plasticity, here of spiking neurons.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.encoding import RateEncoder
    >>> from reservoirs.lsm import HomeostaticThreshold
    >>> from reservoirs.topology import Column
    >>> X = np.random.default_rng(0).uniform(0, 1, (20, 64))
    >>> liquid = LiquidStateMachine(
    ...     topology=Column((5, 5, 5)), plasticity=HomeostaticThreshold(20.0, n_snapshots=200),
    ...     encoder=RateEncoder(), random_state=0,
    ... ).fit(X)
    >>> bool(liquid.transform(X).mean() > 0)
    True
    """

    def __init__(
        self,
        target_rate: Any = 10.0,
        *,
        learning_rate: float = 0.1,
        max_shift: float = 15.0,
        n_snapshots: int | None = None,
        snapshot_duration: float | None = None,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.target_rate = target_rate
        self.learning_rate = learning_rate
        self.max_shift = max_shift
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        if site.model != "lif":
            raise ValueError("HomeostaticThreshold needs LIF neurons: those of Izhikevich have no threshold")
        return site.build(
            "ThresholdRule",
            learning_rate=check_real("learning_rate", self.learning_rate, 0.0),
            most=check_real("max_shift", self.max_shift, 0.0),
            fade=site.fade(self.sample_decay),
            target=site.spikes_a_step(self.target_rate).tolist(),
        )


class SynapticScaling(Plasticity):
    r"""Multiplies all that excites a neuron, until it fires at its target rate.

    Every `interval` ms each weight onto neuron i is multiplied by

    .. math:: 1 + \beta\,(\rho_i - r_i),

    but at least by 0, and cut to its bound; :math:`r_i` is the rate of i, filtered with `tau_rate`, from
    :math:`\rho_i`. The ratios of a neuron's weights, which other rules learn, stay as they are.

    Parameters
    ----------
    target_rate : per-neuron value, default=10.0
        Rates :math:`\rho` in Hz: a number, an array, a frozen scipy.stats distribution, or a dict of these for "exc"
        and "inh" neurons.
    learning_rate : float, default=1e-3
        Rate :math:`\beta`, a Hz.
    tau_rate : float, default=1000.0
        Time constant of the rates in ms.
    interval : float, default=20.0
        How often weights are scaled, in ms.
    w_max : float, default=3.0
        Largest size of a weight.
    synapses : tuple of {"EE", "EI", "IE", "II", "input"}, default=("EE", "EI")
        Which synapses are scaled.
    n_snapshots, snapshot_duration : int and float, default=None
        As in :class:`STDP`; None means those of the other rules of a list, 5000 and 20 if none has any.
    in_samples, sample_decay
        As in :class:`STDP`.

    References
    ----------
    .. [1] M. C. W. van Rossum, G. Q. Bi and G. G. Turrigiano, "Stable Hebbian learning from spike timing-dependent
       plasticity", Journal of Neuroscience 20, 2000.

    Examples
    --------
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import STDP, SynapticScaling
    >>> liquid = LiquidStateMachine(plasticity=[STDP(n_snapshots=500), SynapticScaling(15.0)])
    >>> liquid.set_params(plasticity__1__target_rate=20.0).plasticity[1].target_rate
    20.0
    """

    def __init__(
        self,
        target_rate: Any = 10.0,
        *,
        learning_rate: float = 1e-3,
        tau_rate: float = 1000.0,
        interval: float = 20.0,
        w_max: float = 3.0,
        synapses: Any = ("EE", "EI"),
        n_snapshots: int | None = None,
        snapshot_duration: float | None = None,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.target_rate = target_rate
        self.learning_rate = learning_rate
        self.tau_rate = tau_rate
        self.interval = interval
        self.w_max = w_max
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        interval = round(check_real("interval", self.interval, site.dt) / site.dt)
        return site.build(
            "ScalingRule",
            # A Hz is dt / 1000 spikes a step.
            learning_rate=check_real("learning_rate", self.learning_rate, 0.0) * 1000 / site.dt,
            rate_decay=site.decay("tau_rate", self.tau_rate),
            w_max=check_real("w_max", self.w_max, 0.0, least_included=False),
            fade=site.fade(self.sample_decay),
            interval=interval,
            target=site.spikes_a_step(self.target_rate).tolist(),
            blocks=blocks_of(self.synapses),
        )
