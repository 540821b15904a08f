"""Models of spiking neurons: holders of parameters that compile to what the core steps.

A parameter of a neuron (all but the strings and flags) is

- a number: the same for all neurons;
- an array of as many numbers as there are neurons, the excitatory ones first;
- a frozen scipy.stats distribution, which each neuron's value is drawn from (again, while outside of what is allowed);
- a ``numpy.polynomial.Polynomial`` in q, which is uniform in [0, 1] and drawn once for each neuron: parameters given as
  polynomials vary together;
- or a dict of these for each kind, ``{"exc": ..., "inh": ...}``.

Times are in milliseconds. Each parameter is drawn from a stream of its own: one that becomes a distribution leaves the
draws of the others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._params import check_choice, check_count, check_real
from .._values import ANY, NOT_NEGATIVE, POSITIVE, BoolArray, Bounds, FloatArray, per_neuron, to_steps

__all__ = ["LIF", "AdaptiveLIF", "CompiledNeurons", "Izhikevich", "Izhikevich2007", "Neuron"]

_THRESHOLD, _ADAPT_DECAY, _ADAPT_STEP = 3, 7, 8  # rows of CompiledNeurons.parameters


@dataclass(frozen=True, eq=False)
class CompiledNeurons:
    """Neurons in the form the compiled core takes.

    Attributes
    ----------
    model : {"lif", "izhikevich"}
        Which loop steps them.
    parameters : ndarray of shape (n_rows, n_units), float64
        The coefficients of each neuron. For "lif" decay, gain, drift, v_thresh, v_reset, refractory (in steps), v_min,
        adapt_decay, adapt_step; for "izhikevich" q2h, q1h, q0h, kh, uab, ua, uc, v_peak, c, d: in each step twice
        v += q2h v^2 + q1h v + q0h + kh (I - u), then u += uab v - ua u + uc.
    v_init : ndarray of shape (n_units,), float64
        Potentials at the start.
    u_init : ndarray of shape (n_units,), float64, or None
        Recovery variables at the start; None for "lif".
    soft_reset, hold, adaptive : bool
        Whether a spike lowers the potential by a constant, whether it stands still while refractory, and whether
        thresholds adapt.
    """

    model: str
    parameters: FloatArray
    v_init: FloatArray
    u_init: FloatArray | None = None
    soft_reset: bool = False
    hold: bool = False
    adaptive: bool = False

    def raised(self, by: np.ndarray) -> CompiledNeurons:
        """Return LIF neurons whose thresholds are higher by so much."""
        parameters = self.parameters.copy()
        parameters[_THRESHOLD] += by
        return replace(self, parameters=parameters)


class Neuron(BaseEstimator):  # type: ignore[misc]
    """Base of all neuron models."""

    def compile(
        self,
        n_units: int,
        n_exc: int,
        dt: float,
        rng: np.random.Generator,
        *,
        excitatory: ArrayLike | None = None,
    ) -> CompiledNeurons:
        """Check the parameters and draw those of every neuron.

        Parameters
        ----------
        n_units : int
            Number of neurons.
        n_exc : int
            How many of them are excitatory.
        dt : float
            Time step, in milliseconds.
        rng : numpy.random.Generator
            Spawns the streams that distributions draw from.
        excitatory : array-like of shape (n_units,), bool, default=None
            Which ones are; None means the first `n_exc`.

        Returns
        -------
        CompiledNeurons
            The neurons in the core's form.

        Raises
        ------
        ValueError
            For a parameter of a wrong type, shape or range; the message names it.
        """
        n_units = check_count("n_units", n_units)
        if check_count("n_exc", n_exc, 0) > n_units:
            raise ValueError(f"n_exc={n_exc} must be at most n_units={n_units}")
        is_exc = np.arange(n_units) < n_exc if excitatory is None else np.asarray(excitatory)
        if is_exc.shape != (n_units,) or is_exc.dtype != bool or np.count_nonzero(is_exc) != n_exc:
            raise ValueError(
                f"excitatory has shape {is_exc.shape}, dtype {is_exc.dtype} and {np.count_nonzero(is_exc)} non-zero "
                f"values; expected shape ({n_units},), dtype bool and n_exc={n_exc}"
            )
        dt = check_real("dt", dt, 0.0, least_included=False)
        return self._compile(_Drawer(self, is_exc, rng), dt)

    def _compile(self, draw: _Drawer, dt: float) -> CompiledNeurons:
        raise NotImplementedError


class _Drawer:
    """Gives the parameters of a model for every neuron, by name."""

    def __init__(self, model: Neuron, is_exc: BoolArray, rng: np.random.Generator) -> None:
        self._model = model
        self._is_exc = is_exc
        self._rng = rng
        self._q = rng.spawn(1)[0].random(len(is_exc))

    def __call__(self, name: str, bounds: Bounds = ANY, *, default: FloatArray | None = None) -> FloatArray:
        """Return a parameter; `default`, if there is one, where it is None."""
        # Spawned even when nothing is drawn: a parameter's stream depends only on its place in the order of calls.
        stream = self._rng.spawn(1)[0]
        value = getattr(self._model, name)
        if value is None and default is not None:
            return default
        return per_neuron(name, value, self._is_exc, stream, bounds, q=self._q)


class LIF(Neuron):
    r"""Leaky integrate-and-fire neuron, driven by currents.

    Between spikes :math:`\tau\,\dot v = v_{rest} - v + R\,(I + I_{bias})`. In each step a neuron first spikes if its
    potential, as the step before left it, has reached the threshold and it is not refractory; then the currents that
    arrive are integrated:

    .. math:: v \leftarrow v + (1 - d)\,(v_{rest} - v) + g\,(I + I_{bias}),

    with :math:`1 - d = dt / \tau` (Euler) or :math:`1 - e^{-dt / \tau}` (exact for currents constant over the step),
    and :math:`g = R\,(1 - d)`, or 1 without a resistance.

    Parameters
    ----------
    tau_mem : per-neuron value, default=64.0
        Membrane time constant in ms; at least dt where integration is "euler".
    v_thresh : per-neuron value, default=20.0
        Threshold, in mV as all potentials.
    v_reset : per-neuron value, default=0.0
        Potential after a spike; below `v_thresh`.
    v_rest : per-neuron value, default=0.0
        Potential without input.
    v_init : per-neuron value, default=None
        Potential at the start; None is `v_rest`.
    refractory : per-neuron value, default=2.0
        Absolute refractory time in ms, rounded to R = round(refractory / dt) steps (halves to even). The R steps after
        the step of a spike are blocked: the shortest interval between spikes is R + 1 steps.
    resistance : per-neuron value, default=None
        Membrane resistance R: with MOhm, currents and weights are in nA. None adds currents to the potential as they
        are, in mV a step, as the NALSM liquid does.
    bias : per-neuron value, default=0.0
        Constant current.
    reset : {"hard", "soft"}, default="hard"
        A spike sets the potential to `v_reset`, or lowers it by `v_thresh` - `v_reset`, which keeps what was above the
        threshold.
    v_min : per-neuron value, default=None
        Lowest potential, below `v_thresh`; None sets no bound.
    hold_refractory : bool, default=False
        Whether the potential stands still in the step of a spike and the R - 1 steps after; otherwise it goes on
        integrating.
    integration : {"euler", "exact"}, default="euler"
        How the membrane equation is stepped.

    Notes
    -----
    The defaults are those of the NALSM liquid [1]_ for steps of 1 ms. A per-neuron value is a number, an array, a
    frozen scipy.stats distribution, a Polynomial in q, or a dict of these (see :mod:`reservoirs.lsm.neurons`).

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 34, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from reservoirs.lsm import LIF
    >>> neuron = LIF(v_reset=stats.uniform(13.8, 0.7), refractory={"exc": 3.0, "inh": 2.0})
    >>> compiled = neuron.compile(n_units=5, n_exc=4, dt=1.0, rng=np.random.default_rng(0))
    >>> compiled.parameters[5]
    array([3., 3., 3., 3., 2.])
    >>> bool((compiled.parameters[4] >= 13.8).all())
    True
    """

    def __init__(
        self,
        tau_mem: Any = 64.0,
        v_thresh: Any = 20.0,
        v_reset: Any = 0.0,
        v_rest: Any = 0.0,
        v_init: Any = None,
        refractory: Any = 2.0,
        resistance: Any = None,
        bias: Any = 0.0,
        reset: str = "hard",
        v_min: Any = None,
        hold_refractory: bool = False,
        integration: str = "euler",
    ) -> None:
        self.tau_mem = tau_mem
        self.v_thresh = v_thresh
        self.v_reset = v_reset
        self.v_rest = v_rest
        self.v_init = v_init
        self.refractory = refractory
        self.resistance = resistance
        self.bias = bias
        self.reset = reset
        self.v_min = v_min
        self.hold_refractory = hold_refractory
        self.integration = integration

    def _compile(self, draw: _Drawer, dt: float) -> CompiledNeurons:
        check_choice("reset", self.reset, ("hard", "soft"))
        leak = self._leak(draw("tau_mem", POSITIVE), dt)
        v_thresh, v_reset, v_rest = draw("v_thresh"), draw("v_reset"), draw("v_rest")
        v_init = draw("v_init", default=v_rest)
        refractory = to_steps(draw("refractory", NOT_NEGATIVE), dt)
        resistance = draw("resistance", POSITIVE, default=np.ones_like(leak))
        gain = resistance if self.resistance is None else resistance * leak
        bias = draw("bias")
        v_min = draw("v_min", default=np.full_like(leak, -np.inf))
        _check_below("v_reset", v_reset, "v_thresh", v_thresh)
        _check_below("v_min", v_min, "v_thresh", v_thresh)
        drift = leak * v_rest + gain * bias
        no_adaptation = np.zeros((2, len(leak)))
        return CompiledNeurons(
            model="lif",
            parameters=np.vstack([1 - leak, gain, drift, v_thresh, v_reset, refractory, v_min, no_adaptation]),
            v_init=v_init,
            soft_reset=self.reset == "soft",
            hold=_check_flag("hold_refractory", self.hold_refractory),
        )

    def _leak(self, tau_mem: FloatArray, dt: float) -> FloatArray:
        """Return the share of v_rest - v that a step closes."""
        if check_choice("integration", self.integration, ("euler", "exact")) == "exact":
            return -np.expm1(-dt / tau_mem)
        if tau_mem.min() < dt:
            raise ValueError(
                f"tau_mem={tau_mem.min():g} must be at least dt={dt:g} with integration='euler'; take "
                "integration='exact' or a smaller dt"
            )
        return dt / tau_mem


class AdaptiveLIF(LIF):
    r"""Leaky integrate-and-fire neuron whose threshold rises with each of its spikes.

    As :class:`LIF`, with the threshold :math:`v_{thresh} + a`, where in every step
    :math:`a \leftarrow a\,e^{-dt / \tau_{adapt}} + \text{adapt\_step} \cdot s` after the spikes :math:`s` of that step
    are known.

    Parameters
    ----------
    tau_mem, v_thresh, v_reset, v_rest, v_init, refractory, resistance, bias, reset, v_min, hold_refractory, integration
        As for :class:`LIF`. A soft reset lowers the potential by `v_thresh` - `v_reset`, whatever the adaptation.
    tau_adapt : per-neuron value, default=100.0
        Time constant of the adaptation in ms.
    adapt_step : per-neuron value, default=1.0
        What a spike adds to the threshold, at least 0.

    References
    ----------
    .. [1] G. Bellec, D. Salaj, A. Subramoney, R. Legenstein and W. Maass, "Long short-term memory and
       learning-to-learn in networks of spiking neurons", NeurIPS 31, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import AdaptiveLIF
    >>> compiled = AdaptiveLIF(adapt_step={"exc": 2.0, "inh": 0.0}).compile(5, 4, 1.0, np.random.default_rng(0))
    >>> compiled.parameters[7:].round(3)
    array([[0.99, 0.99, 0.99, 0.99, 0.99],
           [2.  , 2.  , 2.  , 2.  , 0.  ]])
    """

    def __init__(
        self,
        tau_mem: Any = 64.0,
        v_thresh: Any = 20.0,
        v_reset: Any = 0.0,
        v_rest: Any = 0.0,
        v_init: Any = None,
        refractory: Any = 2.0,
        resistance: Any = None,
        bias: Any = 0.0,
        reset: str = "hard",
        v_min: Any = None,
        hold_refractory: bool = False,
        integration: str = "euler",
        tau_adapt: Any = 100.0,
        adapt_step: Any = 1.0,
    ) -> None:
        super().__init__(
            tau_mem,
            v_thresh,
            v_reset,
            v_rest,
            v_init,
            refractory,
            resistance,
            bias,
            reset,
            v_min,
            hold_refractory,
            integration,
        )
        self.tau_adapt = tau_adapt
        self.adapt_step = adapt_step

    def _compile(self, draw: _Drawer, dt: float) -> CompiledNeurons:
        compiled = super()._compile(draw, dt)
        compiled.parameters[_ADAPT_DECAY] = np.exp(-dt / draw("tau_adapt", POSITIVE))
        compiled.parameters[_ADAPT_STEP] = draw("adapt_step", NOT_NEGATIVE)
        return replace(compiled, adaptive=True)


class Izhikevich(Neuron):
    r"""Izhikevich's neuron of 2003.

    .. math:: \dot v = 0.04 v^2 + 5 v + 140 - u + I + I_{bias}, \qquad \dot u = a\,(b v - u),

    in mV and ms. In each step a neuron first spikes if its potential has reached `v_peak`: then v becomes c, and u
    grows by d. Then v takes two Euler steps of dt / 2 with the same u and input, and u one of dt, as in the paper.

    Parameters
    ----------
    a : per-neuron value, default=0.02
        Rate of the recovery variable u, per ms, at least 0.
    b : per-neuron value, default=0.2
        Sensitivity of u to v.
    c : per-neuron value, default=-65.0
        Potential after a spike, below `v_peak`.
    d : per-neuron value, default=8.0
        What a spike adds to u.
    v_peak : per-neuron value, default=30.0
        Potential at which a spike is cut off.
    bias : per-neuron value, default=0.0
        Constant input.
    v_init : per-neuron value, default=-65.0
        Potential at the start.
    u_init : per-neuron value, default=None
        Recovery variable at the start; None is `b` times `v_init`.

    Notes
    -----
    The defaults are a regular spiking cell. :meth:`cortical` has the mixture of cells of the paper. A per-neuron value
    is a number, an array, a frozen scipy.stats distribution, a Polynomial in q, or a dict of these (see
    :mod:`reservoirs.lsm.neurons`).

    References
    ----------
    .. [1] E. M. Izhikevich, "Simple model of spiking neurons", IEEE Transactions on Neural Networks 14, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import Izhikevich
    >>> compiled = Izhikevich().compile(n_units=1, n_exc=1, dt=1.0, rng=np.random.default_rng(0))
    >>> compiled.parameters[:, 0]
    array([ 2.0e-02,  2.5e+00,  7.0e+01,  5.0e-01,  4.0e-03,  2.0e-02,
            0.0e+00,  3.0e+01, -6.5e+01,  8.0e+00])
    >>> compiled.u_init
    array([-13.])
    """

    def __init__(
        self,
        a: Any = 0.02,
        b: Any = 0.2,
        c: Any = -65.0,
        d: Any = 8.0,
        v_peak: Any = 30.0,
        bias: Any = 0.0,
        v_init: Any = -65.0,
        u_init: Any = None,
    ) -> None:
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.v_peak = v_peak
        self.bias = bias
        self.v_init = v_init
        self.u_init = u_init

    @classmethod
    def cortical(cls, **parameters: Any) -> Self:
        """Return the mixture of cortical cells of Izhikevich (2003).

        Each neuron has a q, uniform in [0, 1]. Excitatory cells range from regular spiking (q = 0) to chattering
        (q = 1), most of them near the former: c = -65 + 15 q^2, d = 8 - 6 q^2. Inhibitory ones range from low-threshold
        spiking to fast spiking: a = 0.02 + 0.08 q, b = 0.25 - 0.05 q, d = 2.

        Parameters
        ----------
        **parameters
            The other parameters of the class.

        Returns
        -------
        Izhikevich
            A model whose parameters are polynomials in q, for any number of neurons.

        Examples
        --------
        >>> import numpy as np
        >>> from reservoirs.lsm import Izhikevich
        >>> compiled = Izhikevich.cortical(bias=3.0).compile(5, 4, 1.0, np.random.default_rng(0))
        >>> c, d = compiled.parameters[8:]
        >>> bool(np.allclose((c[:4] + 65) / 15, (8 - d[:4]) / 6))
        True
        """
        return cls(
            a={"exc": 0.02, "inh": Polynomial([0.02, 0.08])},
            b={"exc": 0.2, "inh": Polynomial([0.25, -0.05])},
            c={"exc": Polynomial([-65.0, 0.0, 15.0]), "inh": -65.0},
            d={"exc": Polynomial([8.0, 0.0, -6.0]), "inh": 2.0},
            **parameters,
        )

    def _compile(self, draw: _Drawer, dt: float) -> CompiledNeurons:
        v_init = draw("v_init")
        return _compile_quadratic(draw, dt, v_init, quadratic=0.04, linear=5.0, constant=140.0, scale=1.0, v_zero=0.0)


class Izhikevich2007(Neuron):
    r"""Izhikevich's neuron in the form of 2007, with parameters that can be measured.

    .. math:: C \dot v = k\,(v - v_r)(v - v_t) - u + I + I_{bias}, \qquad \dot u = a\,(b\,(v - v_r) - u),

    in mV, ms, pF and pA, stepped as :class:`Izhikevich`: weights and currents are in pA.

    Parameters
    ----------
    C : per-neuron value, default=100.0
        Membrane capacitance in pF.
    k : per-neuron value, default=0.7
        Steepness of the parabola, in pA / mV^2; positive.
    v_r, v_t : per-neuron value, default=-60.0 and -40.0
        Resting potential, and instantaneous threshold.
    v_peak : per-neuron value, default=35.0
        Potential at which a spike is cut off.
    a : per-neuron value, default=0.03
        Rate of the recovery current u, per ms, at least 0.
    b : per-neuron value, default=-2.0
        Conductance of u, in nS.
    c : per-neuron value, default=-50.0
        Potential after a spike, below `v_peak`.
    d : per-neuron value, default=100.0
        What a spike adds to u, in pA.
    bias : per-neuron value, default=0.0
        Constant current.
    v_init : per-neuron value, default=None
        Potential at the start; None is `v_r`.
    u_init : per-neuron value, default=None
        Recovery current at the start; None is `b` times (`v_init` - `v_r`).

    Notes
    -----
    The defaults are a regular spiking cell of the neocortex ([1]_, section 8.2.1).

    References
    ----------
    .. [1] E. M. Izhikevich, "Dynamical Systems in Neuroscience", MIT Press, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.lsm import Izhikevich2007
    >>> compiled = Izhikevich2007().compile(n_units=1, n_exc=1, dt=0.5, rng=np.random.default_rng(0))
    >>> compiled.parameters[:4, 0]  # of v^2, v, 1 and I, times dt / 2
    array([1.75e-03, 1.75e-01, 4.20e+00, 2.50e-03])
    """

    def __init__(
        self,
        C: Any = 100.0,
        k: Any = 0.7,
        v_r: Any = -60.0,
        v_t: Any = -40.0,
        v_peak: Any = 35.0,
        a: Any = 0.03,
        b: Any = -2.0,
        c: Any = -50.0,
        d: Any = 100.0,
        bias: Any = 0.0,
        v_init: Any = None,
        u_init: Any = None,
    ) -> None:
        self.C = C
        self.k = k
        self.v_r = v_r
        self.v_t = v_t
        self.v_peak = v_peak
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.bias = bias
        self.v_init = v_init
        self.u_init = u_init

    def _compile(self, draw: _Drawer, dt: float) -> CompiledNeurons:
        C, k = draw("C", POSITIVE), draw("k", POSITIVE)
        v_r, v_t = draw("v_r"), draw("v_t")
        return _compile_quadratic(
            *(draw, dt, draw("v_init", default=v_r)),
            quadratic=k / C,
            linear=-k * (v_r + v_t) / C,
            constant=k * v_r * v_t / C,
            scale=1 / C,
            v_zero=v_r,
        )


def _compile_quadratic(
    draw: _Drawer,
    dt: float,
    v_init: FloatArray,
    *,
    quadratic: Any,
    linear: Any,
    constant: Any,
    scale: Any,
    v_zero: Any,
) -> CompiledNeurons:
    """Compile v' = quadratic v^2 + linear v + constant + scale (I + bias - u), u' = a (b (v - v_zero) - u)."""
    v_peak, c, d, bias = draw("v_peak"), draw("c"), draw("d"), draw("bias")
    a, b = draw("a", NOT_NEGATIVE), draw("b")
    _check_below("c", c, "v_peak", v_peak)
    u_init = draw("u_init", default=b * (v_init - v_zero))
    half = dt / 2
    of_v = np.broadcast_arrays(half * quadratic, half * linear, half * (constant + scale * bias), half * scale)
    of_u = (dt * a * b, dt * a, dt * a * b * (0.0 - v_zero))
    return CompiledNeurons("izhikevich", np.vstack([*of_v, *of_u, v_peak, c, d]), v_init, u_init)


def _check_below(name: str, values: FloatArray, other: str, bound: FloatArray) -> None:
    wrong = np.flatnonzero(values >= bound)
    if len(wrong):
        i = wrong[0]
        raise ValueError(f"{name}={values[i]:g} of unit {i} must be below {other}={bound[i]:g}")


def _check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r} must be True or False")
    return bool(value)
