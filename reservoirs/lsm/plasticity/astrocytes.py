"""Biophysical astrocytes, the currents they drive into neurons, and slow units that do a like thing more simply."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from ... import _core
from ..._params import check_count, check_real
from ..._values import per_neuron
from ._base import Plasticity, Site


class Cell(BaseEstimator):  # type: ignore[misc]
    """Base of the models of an astrocyte: constants in their paper's units, times in ms where they are not a constant.

    Attributes
    ----------
    variables : tuple of str
        Names of the state's variables.
    """

    variables: tuple[str, ...] = ()
    _constants: ClassVar[dict[str, float]]
    _per_spike: str
    _compiled: Any

    compression: float
    weight: float
    constants: Any

    @classmethod
    def checked(cls, name: str, model: Any) -> Cell:
        """Return `model` if it is a model of an astrocyte."""
        if not isinstance(model, cls):
            raise ValueError(f"{name}={model!r} must be a model of an astrocyte such as LiRinzel()")
        return model

    def milliseconds(self, dt: float) -> float:
        """Return how long the cell lives within a time step of dt ms."""
        return dt * check_real("compression", self.compression, 0.0, 1e6, least_included=False)

    def compile(self) -> Any:
        """Check the parameters and return the cell in the compiled core's form."""
        constants = self._checked_constants()
        constants[self._per_spike] *= check_real("weight", self.weight, 0.0)
        return self._compiled({**constants, "initial": self._initial()})

    def simulate(self, n_spikes: Any, dt: float = 1.0) -> np.ndarray:
        """Return what spikes do to the cell.

        Parameters
        ----------
        n_spikes : array-like of shape (n_steps,)
            Spikes that arrive at the beginning of each step, each stimulating the cell by `weight`.
        dt : float, default=1.0
            Time step of the spikes in ms, of which the cell lives `compression` times as many.

        Returns
        -------
        ndarray of shape (n_steps, n_variables)
            The state after each step, in the order of `variables`.
        """
        spikes = np.array(n_spikes, np.float64)
        if spikes.ndim != 1 or not np.isfinite(spikes).all() or (spikes < 0).any():
            raise ValueError("n_spikes must be a 1-D array of finite numbers of at least 0")
        states: np.ndarray = self.compile().run(
            spikes, self.milliseconds(check_real("dt", dt, 0.0, least_included=False))
        )
        return states

    def resting_calcium(self) -> float:
        """Return the calcium that the cell begins with."""
        return self._initial()[self.variables.index("Ca")]

    def _checked_constants(self) -> dict[str, float]:
        given = {} if self.constants is None else dict(self.constants)
        if unknown := sorted(given.keys() - self._constants.keys()):
            raise ValueError(f"constants has {unknown[0]!r}; there are {', '.join(self._constants)}")
        checked = {name: check_real(f"constants[{name!r}]", value, 0.0) for name, value in given.items()}
        return {**self._constants, **checked}

    def _initial(self) -> list[float]:
        raise NotImplementedError


class LiRinzel(Cell):
    r"""Astrocyte whose calcium oscillates when spikes bring it IP3: Li and Rinzel's reduced model.

    .. math::
        \dot{IP_3} &= (IP_3^0 - IP_3) / \tau_{IP_3}, \qquad IP_3 \leftarrow IP_3 + w\,\Delta \text{ at a spike},\\
        \dot{Ca} &= r v_R (m n h)^3 (Ca_{ER} - Ca) - v_S \frac{Ca^2}{K_S^2 + Ca^2} + r v_L (Ca_{ER} - Ca),\\
        \dot h &= k K_{inh} \frac{IP_3 + K_1}{IP_3 + K_2} (1 - h) - k\,Ca\,h,

    with :math:`m = IP_3 / (IP_3 + K_1)`, :math:`n = Ca / (Ca + K_{act})` and :math:`Ca_{ER} = (Ca_{tot} - Ca) / r`: the
    equations and constants of NEST's ``astrocyte_lr_1994`` (uM and ms; its :math:`\Delta` is 5 in older versions, as
    here, and 2e-4 in NEST 3.10).

    Parameters
    ----------
    compression : float, default=1000.0
        How much faster than the neurons the cell lives: its time scales are 1 to 100 s, samples last some 0.2 s.
    weight : float, default=1e-3
        Weight w of a spike.
    constants : dict, default=None
        What differs from the defaults, by name: ``LiRinzel().compile`` knows ca_tot, ip3_0, kd_ip3_1, kd_ip3_2, kd_act,
        kd_inh, km_serca, rate_ip3r, rate_leak, rate_serca, k_ip3r, ratio_er, tau_ip3 and delta_ip3.

    References
    ----------
    .. [1] Y.-X. Li and J. Rinzel, "Equations for InsP3 receptor-mediated [Ca2+]i oscillations derived from a detailed
       kinetic model", Journal of Theoretical Biology 166, 1994.
    .. [2] S. Nadkarni and P. Jung, "Spontaneous oscillations of dressed neurons: a new mechanism for epilepsy?",
       Physical Review Letters 91, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import LiRinzel
    >>> calcium = LiRinzel(weight=0.01).simulate(np.full(200, 1.0))[:, 1]  # a spike a ms, 200 s of the cell's life
    >>> bool(calcium.max() > 0.3)
    True
    """

    variables = ("IP3", "Ca", "h")
    _per_spike = "delta_ip3"
    _compiled = _core.LiRinzel
    _constants: ClassVar[dict[str, float]] = {
        "ca_tot": 2.0,
        "ip3_0": 0.16,
        "kd_ip3_1": 0.13,
        "kd_ip3_2": 0.9434,
        "kd_act": 0.08234,
        "kd_inh": 1.049,
        "km_serca": 0.1,
        "rate_ip3r": 0.006,
        "rate_leak": 0.00011,
        "rate_serca": 0.0009,
        "k_ip3r": 0.0002,
        "ratio_er": 0.185,
        "tau_ip3": 7142.0,
        "delta_ip3": 5.0,
    }

    def __init__(self, *, compression: float = 1000.0, weight: float = 1e-3, constants: Any = None) -> None:
        self.compression = compression
        self.weight = weight
        self.constants = constants

    def _initial(self) -> list[float]:
        return [self._checked_constants()["ip3_0"], 0.073, 0.793]


class GChI(Cell):
    r"""Astrocyte whose receptors G, IP3 I and calcium C answer glutamate Y: the model of De Pitta and others.

    .. math::
        \dot G &= O_N Y (1 - G) - \Omega_N \Big(1 + \zeta \frac{C}{C + K_{KC}}\Big) G,\\
        \dot I &= O_\beta G + \frac{O_\delta}{1 + I/\kappa} \frac{C^2}{C^2 + K_\delta^2}
            - O_{3K} \frac{C^4}{C^4 + K_D^4} \frac{I}{I + K_3} - \Omega_{5P} I,\\
        \dot C &= (\Omega_C m^3 h^3 + \Omega_L) (C_T - (1 + \rho) C) - O_P \frac{C^2}{C^2 + K_P^2},\\
        \dot h &= O_2 \Big(d_2 \frac{I + d_1}{I + d_3} (1 - h) - C h\Big), \qquad \dot Y = -\Omega_c Y,

    with :math:`m = \frac{I}{I + d_1} \frac{C}{C + d_5}`, and :math:`Y \leftarrow Y + w \rho_c Y_T` at a spike; with the
    constants of the example of one astrocyte in Stimberg and others 2019 (uM and s).

    Parameters
    ----------
    compression : float, default=1000.0
        How much faster than the neurons the cell lives: its time scales are 1 to 100 s, samples last some 0.2 s.
    weight : float, default=1e-2
        Weight w of a spike.
    constants : dict, default=None
        What differs from the defaults, by name: o_p, k_p, c_t, rho, omega_c, omega_l, d_1, d_2, d_3, d_5, o_2, o_beta,
        o_n, omega_n, k_kc, zeta, o_delta, kappa, k_delta, omega_5p, k_d, k_3, o_3k, omega_glu and delta_glu, which is
        :math:`\rho_c Y_T` in uM.

    References
    ----------
    .. [1] M. De Pitta, M. Goldberg, V. Volman, H. Berry and E. Ben-Jacob, "Glutamate regulation of calcium and IP3
       oscillating and pulsating dynamics in astrocytes", Journal of Biological Physics 35, 2009.
    .. [2] M. Stimberg, D. F. M. Goodman, R. Brette and M. De Pitta, "Modeling neuron-glia interactions with the Brian 2
       simulator", in Computational Glioscience, Springer, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import GChI
    >>> receptors = GChI().simulate(np.ones(50))[:, 0]
    >>> bool(0 < receptors[-1] < 1)
    True
    """

    variables = ("G", "IP3", "Ca", "h", "Y")
    _per_spike = "delta_glu"
    _compiled = _core.GChI
    _constants: ClassVar[dict[str, float]] = {
        "o_p": 0.9,
        "k_p": 0.1,
        "c_t": 2.0,
        "rho": 0.18,
        "omega_c": 6.0,
        "omega_l": 0.1,
        "d_1": 0.13,
        "d_2": 1.05,
        "d_3": 0.9434,
        "d_5": 0.08,
        "o_2": 0.2,
        "o_beta": 5.0,
        "o_n": 0.3,
        "omega_n": 0.5,
        "k_kc": 0.5,
        "zeta": 10.0,
        "o_delta": 0.2,
        "kappa": 1.5,
        "k_delta": 0.3,
        "omega_5p": 0.1,
        "k_d": 0.5,
        "k_3": 1.0,
        "o_3k": 4.5,
        "omega_glu": 40.0,
        "delta_glu": 500.0,
    }

    def __init__(self, *, compression: float = 1000.0, weight: float = 1e-2, constants: Any = None) -> None:
        self.compression = compression
        self.weight = weight
        self.constants = constants

    def _initial(self) -> list[float]:
        return [0.0, 0.01, 0.05, 0.9, 0.0]


class SlowInwardCurrent(Plasticity):
    r"""Astrocytes that excite the neurons around them while their calcium is high.

    Every spike of a neuron stimulates the astrocyte of its region, whose calcium Ca drives into the neurons of the
    region, from the next step on,

    .. math:: I = g \ln y \quad \text{where} \quad y = 1000\,(Ca - \vartheta) > 1.

    Nothing is learned by it: it acts in snapshots and in samples, which each begin with the astrocyte at rest.

    Parameters
    ----------
    astrocyte : LiRinzel or GChI, default=None
        The astrocyte; None means ``LiRinzel()``.
    scale : per-neuron value, default=1.0
        Gain g, in units of a current: a number, an array, a frozen scipy.stats distribution, or a dict of these for
        "exc" and "inh" neurons.
    threshold : float, default=0.19669
        Calcium :math:`\vartheta` in uM.
    regions : int or tuple of int, default=None
        One astrocyte for each block of space, as in :class:`AstrocyteSTDP`; None means one for all.

    References
    ----------
    .. [1] S. Nadkarni and P. Jung, "Spontaneous oscillations of dressed neurons: a new mechanism for epilepsy?",
       Physical Review Letters 91, 2003; constants of NEST's ``astrocyte_lr_1994``.

    Examples
    --------
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import AstrocyteSTDP, LiRinzel, SlowInwardCurrent
    >>> astrocytes = SlowInwardCurrent(LiRinzel(compression=500.0), regions=2)
    >>> liquid = LiquidStateMachine(plasticity=[AstrocyteSTDP(n_snapshots=100), astrocytes])
    >>> liquid.get_params()["plasticity__1__astrocyte__compression"]
    500.0
    """

    learns = False
    in_samples = True

    def __init__(
        self, astrocyte: Any = None, *, scale: Any = 1.0, threshold: float = 0.19669, regions: Any = None
    ) -> None:
        self.astrocyte = astrocyte
        self.scale = scale
        self.threshold = threshold
        self.regions = regions

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        cell = LiRinzel() if self.astrocyte is None else Cell.checked("astrocyte", self.astrocyte)
        region, n_regions = (np.zeros(0, np.uint32), 1) if self.regions is None else site.regions(self.regions)
        return site.build(
            "SlowCurrentRule",
            cell=cell.compile(),
            cell_milliseconds=cell.milliseconds(site.dt),
            cell_gain=1.0,
            threshold=check_real("threshold", self.threshold, 0.0),
            scale=per_neuron("scale", self.scale, site.excitatory, site.rng).tolist(),
            region=region.tolist(),
            n_regions=n_regions,
        )


class AstrocyteUnits(Plasticity):
    r"""A population of slow units beside the neurons, which do not spike.

    Each senses some neurons, with n spikes a step, and is a cascade of two leaky integrators whose state drives a
    current into some neurons, from the next step on:

    .. math:: \tau_r \dot y = n / dt - y, \qquad \tau_d \dot z = y - z, \qquad I_i = \sum_m w_{im} z_m

    (rates y and z in spikes a step; exact decays). Nothing is learned by it: it acts in snapshots and in samples, which
    each begin with all units at zero.

    Parameters
    ----------
    units_per_neuron : float, default=2.0
        Slow units, as a multiple of the neurons.
    fan_in, fan_out : int, default=10
        Neurons that each senses, and neurons that it drives: random ones, with replacement.
    tau_rise, tau_decay : float, default=20.0 and 200.0
        Time constants of y and z in ms.
    weight : float, default=1.0
        Standard deviation of the weights, which are Gaussian.

    References
    ----------
    .. [1] Yang and others, arXiv 2503.06798, 2025: a liquid with slow second-order units beside LIF neurons learns
       fastest with some two for each neuron. The constants here are ours.

    Examples
    --------
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.lsm import AstrocyteUnits
    >>> LiquidStateMachine(plasticity=AstrocyteUnits(tau_decay=300.0)).plasticity.tau_decay
    300.0
    """

    learns = False
    in_samples = True

    def __init__(
        self,
        units_per_neuron: float = 2.0,
        *,
        fan_in: int = 10,
        fan_out: int = 10,
        tau_rise: float = 20.0,
        tau_decay: float = 200.0,
        weight: float = 1.0,
    ) -> None:
        self.units_per_neuron = units_per_neuron
        self.fan_in = fan_in
        self.fan_out = fan_out
        self.tau_rise = tau_rise
        self.tau_decay = tau_decay
        self.weight = weight

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form."""
        share = check_real("units_per_neuron", self.units_per_neuron, 0.0, 1000.0, least_included=False)
        n_slow = max(1, round(share * site.n_units))
        fan_in, fan_out = check_count("fan_in", self.fan_in), check_count("fan_out", self.fan_out)
        sensed = site.rng.integers(site.n_units, size=n_slow * fan_in)
        order = np.argsort(sensed, kind="stable")
        return site.build(
            "SlowUnitsRule",
            rise=site.decay("tau_rise", self.tau_rise),
            decay=site.decay("tau_decay", self.tau_decay),
            sensed_start=np.searchsorted(sensed[order], np.arange(site.n_units + 1)).tolist(),
            sensed_by=(order // fan_in).tolist(),
            driven_start=(np.arange(n_slow + 1) * fan_out).tolist(),
            driven=site.rng.integers(site.n_units, size=n_slow * fan_out).tolist(),
            weights=(check_real("weight", self.weight, 0.0) * site.rng.normal(size=n_slow * fan_out)).tolist(),
        )
