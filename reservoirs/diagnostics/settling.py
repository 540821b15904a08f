"""How a liquid settles while its weights learn: rates, astrocyte and branching factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter
from sklearn.base import clone

from .._params import check_count, check_real
from ..encoding import Events
from .spiking import branching_factor

__all__ = ["Settling", "astrocyte_state", "settling"]


def astrocyte_state(
    n_liquid: ArrayLike,
    n_inputs: ArrayLike,
    *,
    w_astro: float = 0.015,
    tau_astro: float = 100.0,
    a_plus: float = 0.15,
    dt: float = 1.0,
) -> np.ndarray:
    r"""Return the state of the astrocyte of :class:`~reservoirs.lsm.AstrocyteSTDP` that sees so many spikes.

    It is the rate of depression, and obeys
    :math:`\tau_a \dot A_- = -A_- + w_a (n_{liquid} - n_{inputs}) + A_+`, in Euler steps from :math:`A_- = A_+`.

    Parameters
    ----------
    n_liquid, n_inputs : array-like of shape (n_steps,)
        Spikes of all neurons, and of all inputs, in each step.
    w_astro, tau_astro, a_plus : float, default=0.015, 100.0, 0.15
        As in :class:`~reservoirs.lsm.AstrocyteSTDP`.
    dt : float, default=1.0
        Time step in ms.

    Returns
    -------
    ndarray of shape (n_steps,)
        The state before each step.

    Raises
    ------
    ValueError
        If there are not as many counts of inputs as of the liquid, or `tau_astro` is less than `dt`.

    Examples
    --------
    Above :math:`A_+` the liquid is busier than its input:

    >>> from reservoirs.diagnostics import astrocyte_state
    >>> astrocyte_state([30, 30, 0], [10, 10, 10]).round(4).tolist()
    [0.15, 0.153, 0.156]
    """
    liquid, inputs = np.asarray(n_liquid, float), np.asarray(n_inputs, float)
    if liquid.ndim != 1 or liquid.shape != inputs.shape:
        raise ValueError(f"n_inputs has shape {inputs.shape}; expected that of n_liquid, {liquid.shape}, one a step")
    rate = dt / check_real("tau_astro", tau_astro, dt)
    # What it is beyond its state of rest, one step late.
    drive = rate * check_real("w_astro", w_astro) * (liquid - inputs)
    beyond = lfilter([0.0, 1.0], [1.0, rate - 1.0], drive)
    return np.asarray(check_real("a_plus", a_plus) + beyond)


@dataclass(frozen=True)
class Settling:
    """What a liquid did after having learned from more and more snapshots.

    Attributes
    ----------
    n_snapshots : int64 ndarray of shape (n,)
        Snapshots it had learned from.
    rates : ndarray of shape (n, 2)
        Mean rates of excitatory and of inhibitory neurons in Hz.
    astrocyte : ndarray of shape (n,)
        Mean over time and samples of what the astrocyte's state would be, the rate of depression.
    branching : ndarray of shape (n,)
        Branching factor.
    a_plus : float
        Rate of potentiation, at which the astrocyte rests.
    """

    n_snapshots: np.ndarray
    rates: np.ndarray
    astrocyte: np.ndarray
    branching: np.ndarray
    a_plus: float


def settling(liquid: Any, X: Any, *, n_snapshots: Any = (0, 10, 30, 100, 300, 1000), n_samples: int = 20) -> Settling:
    """Follow how a liquid settles while an astrocyte steers its plasticity.

    The liquid is drawn anew for each number of snapshots, which all draws share from the first on, and shown some
    samples with the weights as they are then: the learning time is that of the sum of `n_snapshots`.

    Parameters
    ----------
    liquid : LiquidStateMachine
        With ``plasticity=AstrocyteSTDP(...)`` and a `random_state` that is an integer; it need not be fitted and is not
        changed.
    X : list of Events or array
        What it learns from.
    n_snapshots : array-like of int, default=(0, 10, 30, 100, 300, 1000)
        After how many snapshots to look.
    n_samples : int, default=20
        How many samples, equally spaced in `X`, it is shown then.

    Returns
    -------
    Settling
        :class:`reservoirs.plotting.SettlingDisplay` draws it.

    Raises
    ------
    ValueError
        If the liquid has no astrocyte or no fixed seed, or its input is not spikes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.diagnostics import settling
    >>> from reservoirs.encoding import RateEncoder
    >>> from reservoirs.lsm import AstrocyteSTDP
    >>> from reservoirs.topology import Column
    >>> liquid = LiquidStateMachine(
    ...     topology=Column((5, 5, 5)), plasticity=AstrocyteSTDP(), encoder=RateEncoder(100.0), random_state=0
    ... )
    >>> course = settling(liquid, load_digits().data, n_snapshots=(0, 100), n_samples=5)
    >>> course.n_snapshots, course.rates.shape
    (array([  0, 100]), (2, 2))
    """
    rule = liquid.plasticity
    if not hasattr(rule, "w_astro"):
        raise ValueError(f"liquid has plasticity={rule!r}, which has no astrocyte: it must be AstrocyteSTDP(...)")
    if not isinstance(liquid.random_state, int | np.integer):
        raise ValueError(f"liquid has random_state={liquid.random_state!r}: it must be an integer to be drawn again")
    numbers = np.array([check_count("n_snapshots", n, 0) for n in np.atleast_1d(n_snapshots).tolist()])
    n_samples = min(check_count("n_samples", n_samples), len(X))
    shown = [len(X) * i // n_samples for i in range(n_samples)]
    samples = X[shown] if isinstance(X, np.ndarray) else [X[i] for i in shown]
    looks = [_look(liquid, X, samples, int(n)) for n in numbers]
    rates, astrocyte, branching = (np.array(each) for each in zip(*looks, strict=True))
    return Settling(numbers, rates, astrocyte, branching, float(rule.a_plus))


def _look(liquid: Any, X: Any, samples: Any, n_snapshots: int) -> tuple[np.ndarray, float, float]:
    drawn = clone(liquid).set_params(plasticity__n_snapshots=n_snapshots, plasticity__in_samples=False).fit(X)
    rule, dt = drawn.plasticity, drawn._dt_
    events = drawn.encoder_.transform(samples) if drawn.encoder is not None else samples
    if not all(isinstance(each, Events) for each in events):
        raise ValueError("X holds numbers that are currents: an astrocyte compares spikes with those of the input")
    refractory = drawn._options_["input_refractory"]
    rates, states, factors = [], [], []
    for recording, sample in zip(drawn.simulate(samples), events, strict=True):
        n_steps = round(recording.duration / dt)
        steps = np.rint(recording.spike_times / dt).astype(np.int64)
        n_liquid = np.bincount(steps, minlength=n_steps)
        of_events, channels = sample.to_steps(dt)
        n_inputs = _input_spikes(of_events, channels, n_steps, refractory)
        states.append(
            astrocyte_state(
                n_liquid, n_inputs, w_astro=rule.w_astro, tau_astro=rule.tau_astro, a_plus=rule.a_plus, dt=dt
            ).mean()
        )
        factors.append(branching_factor(steps, recording.spike_units, drawn.W_, n_steps, margin=min(25, n_steps // 5)))
        of_kinds = (recording.counts[drawn.excitatory_], recording.counts[~drawn.excitatory_])
        rates.append([1000 * each.mean() / recording.duration if len(each) else np.nan for each in of_kinds])
    found = [factor for factor in factors if np.isfinite(factor)]  # of samples that made any neuron fire
    return np.mean(rates, axis=0), float(np.mean(states)), float(np.mean(found)) if found else float("nan")


def _input_spikes(steps: np.ndarray, channels: np.ndarray, n_steps: int, refractory: int) -> np.ndarray:
    """Return how many inputs spike in each step: events at once, or one step later if inputs are neurons."""
    if refractory >= 0:
        free = np.zeros(channels.max(initial=-1) + 1, np.int64)  # first step at which each may spike
        relayed = []
        for step, channel in zip(steps.tolist(), channels.tolist(), strict=True):
            if free[channel] <= step + 1 + refractory:  # otherwise one is waiting already
                relayed.append(max(step + 1, int(free[channel])))
                free[channel] = relayed[-1] + refractory + 1
        steps = np.array(relayed, np.int64)
    return np.bincount(steps[steps < n_steps], minlength=n_steps)
