"""Spike-timing-dependent plasticity: of pairs of spikes, of triplets, and with an astrocyte or calcium in control."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._params import check_choice, check_real
from ._base import SYNAPSES, Plasticity, Site, blocks_of
from .astrocytes import Cell

_MULTIPLICATIVE = ("additive", "multiplicative")
_PAIRING = ("all", "nearest")
_TRIPLET_TRACES = ("plus", "minus", "x", "y")


class _PairSTDP(Plasticity):
    """Rules of pairs of spikes."""

    a_plus: float
    tau_trace: float
    trace_step: float
    w_max: float
    pairing: str
    bounds: str
    synapses: Any
    sample_decay: float

    def first_weight(self) -> float | None:
        """Return the size that weights begin with where the liquid is given none."""
        return self.w_max

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        a_plus = check_real("a_plus", self.a_plus, 0.0)
        fade = site.fade(self.sample_decay)
        return site.build(
            "StdpRule",
            a_plus=a_plus,
            trace_decay=site.decay("tau_trace", self.tau_trace),
            trace_step=check_real("trace_step", self.trace_step, 0.0),
            w_max=check_real("w_max", self.w_max, 0.0, least_included=False),
            fade=fade,
            nearest=check_choice("pairing", self.pairing, _PAIRING) == "nearest",
            multiplicative=check_choice("bounds", self.bounds, _MULTIPLICATIVE) == "multiplicative",
            blocks=blocks_of(self.synapses),
            **self._depression(site, a_plus),
        )

    def _depression(self, site: Site, a_plus: float) -> dict[str, Any]:
        """Return what sets the rate of depression, in the core's terms."""
        raise NotImplementedError


class STDP(_PairSTDP):
    r"""Spike-timing-dependent plasticity of all synapses of a liquid, those of the inputs included.

    With spikes s and traces x of before the step, a synapse from j to i changes by

    .. math::
        \Delta w_{ij} = A_+ x_j s_i - A_- x_i s_j \quad \text{(excitatory and input)}, \qquad
        \Delta w_{ij} = A_+ x_i s_j - A_- x_j s_i \quad \text{(inhibitory)}

    and stays in [0, w_max], [-w_max, 0] and, from an input, [-w_max, w_max]; then
    :math:`x \leftarrow e^{-dt / \tau} (x + a s)`, pairing all spikes with all.

    The liquid first sees `n_snapshots` short pieces of the training samples, one after another, and keeps what it
    learns from them (unsupervised). Its features then come from these weights: as they are, or plastic within every
    sample.

    Parameters
    ----------
    a_plus : float, default=0.15
        Rate :math:`A_+` of potentiation.
    a_minus : float, default=None
        Rate :math:`A_-` of depression; None means that of potentiation.
    tau_trace : float, default=10.0
        Time constant of the traces in ms.
    trace_step : float, default=0.1
        What a spike adds to its trace.
    w_max : float, default=3.0
        Largest size of a weight, and the size with which all begin unless the liquid is given another.
    pairing : {"all", "nearest"}, default="all"
        Which spikes are paired: all, or each only with the last one of the other neuron, whose trace a spike then sets
        to `trace_step` (Morrison, Diesmann and Gerstner 2008 [2]_).
    bounds : {"additive", "multiplicative"}, default="additive"
        "multiplicative" multiplies what raises a weight by the room above it, and what lowers it by the room below, as
        shares of the whole range (Rubin, Lee and Sompolinsky 2001 [3]_); either way weights are cut to their range.
    synapses : tuple of {"EE", "EI", "IE", "II", "input"}, default=("EE", "EI", "IE", "II", "input")
        Which synapses change, "EI" being those from excitatory to inhibitory neurons.
    n_snapshots : int, default=5000
        Number of pieces the liquid learns from: samples in random order, again from the first when all were seen.
        The paper has 50,000.
    snapshot_duration : float, default=20.0
        Length of a piece in ms, from anywhere within a sample.
    in_samples : bool, default=False
        Whether weights also change while features are read, for each sample anew from the learned weights.
    sample_decay : float, default=0.99
        Factor by which all rates decay every ms of a sample, with `in_samples`.

    Notes
    -----
    The equations are those of the authors' program [1]_. It never resets traces; here they go on from snapshot to
    snapshot while the liquid learns, but each sample that is read begins without, so that its features depend on
    nothing else.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021; github.com/combra-lab/NALSM.
    .. [2] A. Morrison, M. Diesmann and W. Gerstner, "Phenomenological models of synaptic plasticity based on spike
       timing", Biological Cybernetics 98, 2008.
    .. [3] J. Rubin, D. Lee and H. Sompolinsky, "Equilibrium properties of temporally asymmetric Hebbian plasticity",
       Physical Review Letters 86, 2001.

    Examples
    --------
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import STDP
    >>> LiquidStateMachine(plasticity=STDP(n_snapshots=100)).get_params()["plasticity__n_snapshots"]
    100
    """

    def __init__(
        self,
        a_plus: float = 0.15,
        a_minus: float | None = None,
        *,
        tau_trace: float = 10.0,
        trace_step: float = 0.1,
        w_max: float = 3.0,
        pairing: str = "all",
        bounds: str = "additive",
        synapses: Any = SYNAPSES,
        n_snapshots: int | None = 5000,
        snapshot_duration: float | None = 20.0,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.a_plus = a_plus
        self.a_minus = a_minus
        self.tau_trace = tau_trace
        self.trace_step = trace_step
        self.w_max = w_max
        self.pairing = pairing
        self.bounds = bounds
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def _depression(self, site: Site, a_plus: float) -> dict[str, Any]:
        return {"a_minus": a_plus if self.a_minus is None else check_real("a_minus", self.a_minus, 0.0)}


class AstrocyteSTDP(_PairSTDP):
    r"""STDP whose rate of depression is set by an astrocyte that compares the spikes of liquid and inputs.

    The rate :math:`A_-` of :class:`STDP` is the state of a leaky integrator,

    .. math:: \tau_a \frac{dA_-}{dt} = -A_- + w_a \Big(\sum_{i \in liquid} s_i - \sum_{j \in inputs} s_j\Big) + A_+

    (Euler steps of `dt`, from :math:`A_- = A_+`). A liquid that is more active than its input is depressed, a silent
    one strengthened: the rate may become negative. It settles near the edge of chaos [1]_.

    Parameters
    ----------
    a_plus : float, default=0.15
        Rate :math:`A_+` of potentiation.
    w_astro : float, default=0.015
        Weight :math:`w_a` of the astrocyte's input. The paper has 0.015 for 1000 neurons and 0.0075 for 8000, with some
        17 input spikes a ms; for other inputs, what keeps `w_astro` times their spikes a ms the same.
    tau_astro : float, default=100.0
        Time constant of the astrocyte in ms.
    sensing : float, default=1.0
        Share of the neurons, and of the inputs, that the astrocyte senses: a random choice.
    normalization : {"count", "mean"}, default="count"
        Whether spikes are counted, or counts divided by the number of neurons and of inputs, which balances mean rates
        instead.
    regions : int or tuple of int, default=None
        One astrocyte for each block of space, so many blocks along each axis of the topology's positions: it senses the
        neurons of its block, takes the block's share of the inputs' spikes, and sets the rate of the synapses onto
        them. None means one for all.
    astrocyte : LiRinzel, GChI or None, default=None
        A biophysical model instead of the leaky integrator: the spikes it senses of the neurons (not of inputs) each
        stimulate it, by `w_astro` times its own `weight`, and :math:`A_- = A_+ + g (Ca - Ca_0)` with
        g = `per_calcium` and its calcium Ca in uM, from :math:`Ca_0`. `tau_astro` means nothing then.
    per_calcium : float, default=1.0
        Gain g, a uM.
    tau_trace, trace_step, w_max, pairing, bounds, synapses, n_snapshots, snapshot_duration, in_samples, sample_decay
        As in :class:`STDP`.

    Notes
    -----
    The paper keeps weights plastic within samples (`in_samples`). The default reads features from frozen weights, which
    takes a fraction of the time; ``docs/papers/nalsm.md`` has the figures so far.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.encoding import RateEncoder
    >>> from reservoirs.lsm import AstrocyteSTDP
    >>> from reservoirs.topology import Column
    >>> liquid = LiquidStateMachine(
    ...     topology=Column((5, 5, 5)), plasticity=AstrocyteSTDP(n_snapshots=50, w_astro=0.05),
    ...     encoder=RateEncoder(duration=100.0), random_state=0,
    ... ).fit(load_digits().data[:50])
    >>> bool(abs(liquid.W_).mean() < 3.0)
    True
    """

    def __init__(
        self,
        a_plus: float = 0.15,
        *,
        w_astro: float = 0.015,
        tau_astro: float = 100.0,
        sensing: float = 1.0,
        normalization: str = "count",
        regions: Any = None,
        astrocyte: Any = None,
        per_calcium: float = 1.0,
        tau_trace: float = 10.0,
        trace_step: float = 0.1,
        w_max: float = 3.0,
        pairing: str = "all",
        bounds: str = "additive",
        synapses: Any = SYNAPSES,
        n_snapshots: int | None = 5000,
        snapshot_duration: float | None = 20.0,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.a_plus = a_plus
        self.w_astro = w_astro
        self.tau_astro = tau_astro
        self.sensing = sensing
        self.normalization = normalization
        self.regions = regions
        self.astrocyte = astrocyte
        self.per_calcium = per_calcium
        self.tau_trace = tau_trace
        self.trace_step = trace_step
        self.w_max = w_max
        self.pairing = pairing
        self.bounds = bounds
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def _depression(self, site: Site, a_plus: float) -> dict[str, Any]:
        w_astro = check_real("w_astro", self.w_astro)
        tau_astro = check_real("tau_astro", self.tau_astro, site.dt)
        share = check_real("sensing", self.sensing, 0.0, 1.0, least_included=False)
        by_mean = check_choice("normalization", self.normalization, ("count", "mean")) == "mean"
        sizes = {"units": site.n_units, "inputs": site.n_inputs}
        astro: dict[str, Any] = {"a_minus": a_plus, "astro_rate": site.dt / tau_astro, "astro_bias": a_plus}
        for name, size in sizes.items():
            astro[f"astro_{name}"] = w_astro / size if by_mean else w_astro
            if share < 1:
                sensed = np.zeros(size, bool)
                sensed[site.rng.choice(size, int(np.ceil(share * size)), replace=False)] = True
                astro[f"senses_{name}"] = sensed.tolist()
        if self.regions is not None:
            region, n_regions = site.regions(self.regions)
            shares = np.bincount(region, minlength=n_regions) / site.n_units
            astro |= {"region": region.tolist(), "share": shares.tolist()}
        if self.astrocyte is not None:
            cell = Cell.checked("astrocyte", self.astrocyte)
            astro |= {
                "cell": cell.compile(),
                "cell_milliseconds": cell.milliseconds(site.dt),
                "cell_gain": astro["astro_units"],
                "cell_rest": cell.resting_calcium(),
                "per_calcium": check_real("per_calcium", self.per_calcium),
            }
        return astro


class APSTDP(_PairSTDP):
    r"""STDP that activity permits: the calcium of the target decides which changes may be.

    Weights change as in :class:`STDP` with :math:`A_- = A_+`, but up only where the calcium c of the target lies in
    :math:`(\theta, \theta + \delta)`, and down only in :math:`(\theta - \delta, \theta)`;
    :math:`c \leftarrow c - c\,dt / \tau_c + s`. With the default time constant c is about the neuron's rate in Hz.

    Parameters
    ----------
    a_plus : float, default=0.15
        Both rates.
    threshold : float, default=37.0
        Calcium :math:`\theta` between depression and potentiation. NALSM's authors found 37 for MNIST and 10 for
        N-MNIST [1]_.
    width : float, default=23.0
        Width :math:`\delta` of both ranges; theirs was 19 to 25 and 2 to 3.
    tau_calcium : float, default=1000.0
        Time constant of calcium in ms.
    first : float, default=1.0
        Size with which all weights begin unless the liquid is given another.
    tau_trace, trace_step, w_max, pairing, bounds, synapses, n_snapshots, snapshot_duration
        As in :class:`STDP`. Calcium goes on from snapshot to snapshot, and weights are never plastic in samples.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021: the baseline "LSM+AP-STDP", without its random
       choice of updates. After Y. Jin and P. Li, "AP-STDP: a novel self-organizing mechanism for efficient reservoir
       computing", IJCNN 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.encoding import RateEncoder
    >>> from reservoirs.lsm import APSTDP
    >>> from reservoirs.topology import Column
    >>> X = np.random.default_rng(0).uniform(0, 1, (10, 64))
    >>> liquid = LiquidStateMachine(
    ...     topology=Column((5, 5, 5)), plasticity=APSTDP(n_snapshots=100), encoder=RateEncoder(), random_state=0
    ... ).fit(X)
    >>> bool((liquid.W_.data != 1).any())
    True
    """

    sample_decay = 1.0

    def __init__(
        self,
        a_plus: float = 0.15,
        *,
        threshold: float = 37.0,
        width: float = 23.0,
        tau_calcium: float = 1000.0,
        first: float = 1.0,
        tau_trace: float = 10.0,
        trace_step: float = 0.1,
        w_max: float = 3.0,
        pairing: str = "all",
        bounds: str = "additive",
        synapses: Any = SYNAPSES,
        n_snapshots: int | None = 5000,
        snapshot_duration: float | None = 20.0,
    ) -> None:
        self.a_plus = a_plus
        self.threshold = threshold
        self.width = width
        self.tau_calcium = tau_calcium
        self.first = first
        self.tau_trace = tau_trace
        self.trace_step = trace_step
        self.w_max = w_max
        self.pairing = pairing
        self.bounds = bounds
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration

    def first_weight(self) -> float | None:
        """Return the size that weights begin with where the liquid is given none."""
        return check_real("first", self.first, 0.0)

    def _depression(self, site: Site, a_plus: float) -> dict[str, Any]:
        return {
            "a_minus": a_plus,
            "gated": True,
            "calcium_rate": site.dt / check_real("tau_calcium", self.tau_calcium, site.dt),
            "calcium_threshold": check_real("threshold", self.threshold, 0.0),
            "calcium_width": check_real("width", self.width, 0.0, least_included=False),
        }


class TripletSTDP(Plasticity):
    r"""Spike-timing-dependent plasticity of triplets of spikes, of excitatory and input synapses.

    With traces :math:`r_1, r_2` of the source's and :math:`o_1, o_2` of the target's spikes, which all decay and to
    which each spike adds 1, all of before the step,

    .. math::
        \Delta w_{ij} / w_{max} = s_i\,r_{1,j}\,(A_2^+ + A_3^+ o_{2,i}) - s_j\,o_{1,i}\,(A_2^- + A_3^- r_{2,j}).

    Unlike :class:`STDP`, it becomes potentiation at high rates, as in experiments.

    Parameters
    ----------
    a2_plus, a3_plus : float, default=0.0 and 6.5e-3
        Potentiation by pairs, and by a spike of the target, one of the source and one of the target.
    a2_minus, a3_minus : float, default=7.1e-3 and 0.0
        Depression by pairs, and by a spike of the source, one of the target and one of the source.
    tau_plus, tau_minus : float, default=16.8 and 33.7
        Time constants of :math:`r_1` and :math:`o_1` in ms.
    tau_x, tau_y : float, default=101.0 and 114.0
        Time constants of :math:`r_2` and :math:`o_2` in ms.
    w_max : float, default=3.0
        Largest size of a weight; amplitudes are shares of it.
    pairing : {"all", "nearest"}, default="all"
        Whether a spike adds 1 to its traces or sets them to 1.
    synapses : tuple of {"EE", "EI", "input"}, default=("EE", "EI", "input")
        Which synapses change.
    n_snapshots, snapshot_duration : int and float, default=None
        As in :class:`STDP`; None means those of the other rules of a list, 5000 and 20 if none has any.
    in_samples, sample_decay
        As in :class:`STDP`.

    Notes
    -----
    The defaults are the minimal all-to-all model of the paper's fit to visual cortex [1]_.

    References
    ----------
    .. [1] J.-P. Pfister and W. Gerstner, "Triplets of spikes in a model of spike timing-dependent plasticity", Journal
       of Neuroscience 26, 2006.

    Examples
    --------
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import InhibitorySTDP, TripletSTDP
    >>> liquid = LiquidStateMachine(plasticity=[TripletSTDP(n_snapshots=100), InhibitorySTDP()])
    >>> liquid.get_params()["plasticity__0__tau_y"]
    114.0
    """

    def __init__(
        self,
        a2_plus: float = 0.0,
        a3_plus: float = 6.5e-3,
        a2_minus: float = 7.1e-3,
        a3_minus: float = 0.0,
        *,
        tau_plus: float = 16.8,
        tau_minus: float = 33.7,
        tau_x: float = 101.0,
        tau_y: float = 114.0,
        w_max: float = 3.0,
        pairing: str = "all",
        synapses: Any = ("EE", "EI", "input"),
        n_snapshots: int | None = None,
        snapshot_duration: float | None = None,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.a2_plus = a2_plus
        self.a3_plus = a3_plus
        self.a2_minus = a2_minus
        self.a3_minus = a3_minus
        self.tau_plus = tau_plus
        self.tau_minus = tau_minus
        self.tau_x = tau_x
        self.tau_y = tau_y
        self.w_max = w_max
        self.pairing = pairing
        self.synapses = synapses
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        w_max = check_real("w_max", self.w_max, 0.0, least_included=False)
        amplitudes = ("a2_plus", "a3_plus", "a2_minus", "a3_minus")
        return site.build(
            "TripletRule",
            **{name: w_max * check_real(name, getattr(self, name), 0.0) for name in amplitudes},
            **{
                f"decay_{of}": site.decay(f"tau_{of}", getattr(self, f"tau_{of}")) for of in ("plus", "minus", "x", "y")
            },
            w_max=w_max,
            fade=site.fade(self.sample_decay),
            nearest=check_choice("pairing", self.pairing, _PAIRING) == "nearest",
            blocks=blocks_of(self.synapses, ("EE", "EI", "input")),
        )
