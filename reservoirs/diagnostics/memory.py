"""How much of its past input a linear readout can recall from a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .._params import check_count
from ..readout import Gram, RidgeSolution, check_alpha, solve_ridge
from ._drive import Array, Driver, Source, drive, width_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MemoryCapacity:
    """How well inputs of the past are recalled.

    Attributes
    ----------
    curve : ndarray of shape (max_delay + 1,)
        Capacity of each delay, from 0, the input just seen; summed over inputs if there are several.
    total : float
        Sum over the delays from 1 on, as Jaeger counts.
    n_states : int
        Width of the states: no linear readout recalls more.
    """

    curve: FloatArray
    n_states: int

    @property
    def total(self) -> float:
        """Sum of the curve over the delays from 1 on."""
        return float(self.curve[1:].sum())


def memory_capacity(
    network: Any,
    *,
    max_delay: int | None = None,
    n_train: int = 10_000,
    n_test: int = 10_000,
    washout: int = 200,
    alpha: float | Sequence[float] = 1e-7,
    distribution: str = "uniform",
    loc: float = 0.0,
    scale: float = 1.0,
    random_state: Any = None,
) -> MemoryCapacity:
    r"""Measure how many past inputs a linear readout recalls.

    .. math:: MC = \sum_{k \geq 1} \frac{\mathrm{cov}^2(u(t - k), y_k(t))}{\mathrm{var}(u) \mathrm{var}(y_k)}

    Inputs u are drawn independently; one readout y_k per delay is fitted by ridge regression on one run and judged on
    another (Jaeger 2001).

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a
        copy with one input, to the input of the training run. Outputs that are fed back count as inputs.
    max_delay : int, default=None
        The longest delay. None means twice the number of states, at most a tenth of `n_train`.
    n_train, n_test : int, default=10000
        Time steps to fit the readouts and to judge them.
    washout : int, default=200
        Time steps left out at the start of either run; never fewer than `max_delay` are.
    alpha : float or sequence of floats, default=1e-7
        Ridge penalty; of several, the one with the least generalised cross-validation error.
    distribution : {"uniform", "normal"}, default="uniform"
        Inputs are ``loc + scale * z`` with z uniform in [-1, 1] or standard normal.
    loc, scale : float, default=0.0 and 1.0
        U[0, 1] is ``loc=0.5, scale=0.5``.
    random_state : int, RandomState instance or None, default=None
        Draws the input.

    Returns
    -------
    MemoryCapacity

    Raises
    ------
    ValueError
        For a parameter out of its range, or a network that diverges.

    Notes
    -----
    A readout that has learned nothing still has a squared correlation of about 1 / n_test on average. We subtract what
    chance explains, (1 - r^2) / (n_test - 2), so that the sum over many delays has no such bias; single delays may come
    out slightly negative.

    Here the states at t have seen u(t). Where a paper writes them as a function of u(t - 1), its delay k is our k - 1.

    When it misleads: noise fitted from N states costs about the share N / n_train of a capacity, so the figure is low
    for short runs. With an input so weak that the network is linear, memory hangs on the smallest differences between
    states, and the penalty, the precision and any noise decide the figure. It says nothing about nonlinear memory (see
    :func:`information_processing_capacity`), nor about inputs that are correlated in time, which are easier to recall.

    References
    ----------
    .. [1] H. Jaeger, "Short term memory in echo state networks", GMD report 152, 2001.

    Examples
    --------
    A linear cycle of N units remembers N - 1 + r^(2N) inputs (Rodan and Tino 2011):

    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import memory_capacity
    >>> cycle = EchoStateNetwork(n_units=20, topology="cycle", activation="identity", bias_scaling=0.0)
    >>> memory = memory_capacity(cycle, max_delay=40, random_state=0)
    >>> round(memory.total, 1), round(19 + 0.9**40, 1)
    (19.0, 19.0)
    """
    source = Source.checked(distribution, loc, scale, random_state)
    n_train, n_test = check_count("n_train", n_train, 10), check_count("n_test", n_test, 10)
    lead = check_count("washout", washout, 0)
    check_alpha(alpha)
    n_inputs = width_of(network)
    lead = max(lead, n_train // 10 if max_delay is None else check_count("max_delay", max_delay))
    u_train, u_test = (source.draw(lead + n, n_inputs)[1] for n in (n_train, n_test))
    driver = drive(network, u_train)
    longest = min(2 * driver.n_states, n_train // 10) if max_delay is None else max_delay
    gram = Gram()
    for states, targets in _rows(driver, u_train, lead, longest):
        gram.update(states, targets)
    solution = solve_ridge(gram, alpha)
    capacity = _squared_correlations(_rows(driver, u_test, lead, longest), solution, float(loc))
    capacity -= (1 - capacity) / (n_test - 2)
    return MemoryCapacity(capacity.reshape(n_inputs, -1).sum(axis=0), driver.n_states)


def _rows(driver: Driver, u: FloatArray, lead: int, longest: int) -> Iterator[tuple[Array, FloatArray]]:
    """Iterate over blocks of states and of the inputs 0 to `longest` steps before, (n_rows, n_inputs * n_delays)."""
    windows = sliding_window_view(u, longest + 1, axis=0)[:, :, ::-1]
    for states, begin, end in driver.blocks(u, lead):
        yield states, windows[begin - longest : end - longest].reshape(end - begin, -1)


def _squared_correlations(
    rows: Iterator[tuple[Array, FloatArray]], readout: RidgeSolution, centre: float
) -> FloatArray:
    """Return the squared correlation of each target, whose mean is about `centre`, with what the readout says."""
    n, sums = 0, np.zeros((5, len(readout.coef)))
    for states, targets in rows:
        # About zero, sums of squares lose no digits.
        y, z = states @ readout.coef.T + (readout.intercept - centre), targets - centre
        sums += [each.sum(axis=0) for each in (y, z, y * y, z * z, y * z)]
        n += len(y)
    y, z, yy, zz, yz = sums / n
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = (yz - y * z) ** 2 / ((yy - y * y) * (zz - z * z))
    return np.asarray(np.nan_to_num(squared, nan=0.0, posinf=0.0))
