"""Plasticity of a liquid's synapses: rules that change weights while spikes come, without targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .. import _core
from .._params import check_choice, check_count, check_real

__all__ = ["STDP", "AstrocyteSTDP"]


class Plasticity(BaseEstimator):  # type: ignore[misc]
    """Base of all rules."""

    a_plus: float
    tau_trace: float
    trace_step: float
    w_max: float
    n_snapshots: int
    snapshot_duration: float
    in_samples: bool
    sample_decay: float

    def compile(
        self, excitatory: np.ndarray, n_inputs: int, dt: float, dtype: Any, rng: np.random.Generator, *, fading: bool
    ) -> Any:
        """Check the parameters and return the rule in the compiled core's form.

        Parameters
        ----------
        excitatory : ndarray of shape (n_units,), bool
            Which neurons are excitatory.
        n_inputs : int
            Number of inputs.
        dt : float
            Time step in ms.
        dtype : numpy dtype
            Precision of the liquid.
        rng : numpy.random.Generator
            Draws which spikes are sensed.
        fading : bool
            Whether rates decay by `sample_decay`.

        Returns
        -------
        compiled rule

        Raises
        ------
        ValueError
            For a parameter out of its range; the message names it.
        """
        a_plus = check_real("a_plus", self.a_plus, 0.0)
        decay = check_real("sample_decay", self.sample_decay, 0.0, 1.0, least_included=False)
        tau_trace = check_real("tau_trace", self.tau_trace, 0.0, least_included=False)
        rule = _core.StdpRule32 if dtype == np.float32 else _core.StdpRule64
        return rule(
            a_plus=a_plus,
            trace_step=check_real("trace_step", self.trace_step, 0.0),
            trace_decay=float(np.exp(-dt / tau_trace)),
            w_max=check_real("w_max", self.w_max, 0.0, least_included=False),
            fade=decay**dt if fading else 1.0,
            **self._depression(excitatory, n_inputs, dt, a_plus, rng),
        )

    def check_snapshots(self) -> tuple[int, float]:
        """Return the number of snapshots to learn from, and their length in ms."""
        return (
            check_count("n_snapshots", self.n_snapshots, 0),
            check_real("snapshot_duration", self.snapshot_duration, 0.0, least_included=False),
        )

    def _depression(
        self, excitatory: np.ndarray, n_inputs: int, dt: float, a_plus: float, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Return what sets the rate of depression, in the core's terms."""
        raise NotImplementedError


class STDP(Plasticity):
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
        n_snapshots: int = 5000,
        snapshot_duration: float = 20.0,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.a_plus = a_plus
        self.a_minus = a_minus
        self.tau_trace = tau_trace
        self.trace_step = trace_step
        self.w_max = w_max
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def _depression(
        self, excitatory: np.ndarray, n_inputs: int, dt: float, a_plus: float, rng: np.random.Generator
    ) -> dict[str, Any]:
        a_minus = a_plus if self.a_minus is None else check_real("a_minus", self.a_minus, 0.0)
        return {"a_minus": a_minus, "astro_rate": 0.0, "astro_units": 0.0, "astro_inputs": 0.0, "astro_bias": 0.0}


class AstrocyteSTDP(Plasticity):
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
    tau_trace, trace_step, w_max, n_snapshots, snapshot_duration, in_samples, sample_decay
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
        tau_trace: float = 10.0,
        trace_step: float = 0.1,
        w_max: float = 3.0,
        n_snapshots: int = 5000,
        snapshot_duration: float = 20.0,
        in_samples: bool = False,
        sample_decay: float = 0.99,
    ) -> None:
        self.a_plus = a_plus
        self.w_astro = w_astro
        self.tau_astro = tau_astro
        self.sensing = sensing
        self.normalization = normalization
        self.tau_trace = tau_trace
        self.trace_step = trace_step
        self.w_max = w_max
        self.n_snapshots = n_snapshots
        self.snapshot_duration = snapshot_duration
        self.in_samples = in_samples
        self.sample_decay = sample_decay

    def _depression(
        self, excitatory: np.ndarray, n_inputs: int, dt: float, a_plus: float, rng: np.random.Generator
    ) -> dict[str, Any]:
        w_astro = check_real("w_astro", self.w_astro)
        tau_astro = check_real("tau_astro", self.tau_astro, dt)
        share = check_real("sensing", self.sensing, 0.0, 1.0, least_included=False)
        by_mean = check_choice("normalization", self.normalization, ("count", "mean")) == "mean"
        sizes = {"units": len(excitatory), "inputs": n_inputs}
        astrocyte: dict[str, Any] = {"a_minus": a_plus, "astro_rate": dt / tau_astro, "astro_bias": a_plus}
        for name, size in sizes.items():
            astrocyte[f"astro_{name}"] = w_astro / size if by_mean else w_astro
            if share < 1:
                sensed = np.zeros(size, bool)
                sensed[rng.choice(size, int(np.ceil(share * size)), replace=False)] = True
                astrocyte[f"senses_{name}"] = sensed.tolist()
        return astrocyte
