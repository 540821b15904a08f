"""Deterministic topologies: cycles, delay lines and waves, and the signs of their input weights."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, prod
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_choice, check_count, check_real
from .matrices import _positive_int

__all__ = ["CycleWithJumps", "Wave", "aperiodic_signs", "cycle", "delay_line"]


def cycle(n_units: int, weight: float = 1.0) -> sparse.csr_array:
    """Return a simple cycle: unit ``i`` receives from unit ``i - 1``, and unit 0 from the last one.

    Its eigenvalues are ``weight * exp(2j * pi * m / n_units)``: the spectral radius is ``abs(weight)`` [1]_.

    Parameters
    ----------
    n_units : int
        Number of units, at least 1.
    weight : float, default=1.0
        Weight of every connection, finite and not 0.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_units, n_units)
        Recurrent weights.

    Raises
    ------
    ValueError
        If `n_units` is not a positive int, or `weight` is 0 or not finite.

    References
    ----------
    .. [1] A. Rodan, P. Tino, "Minimum complexity echo state network", IEEE Transactions on Neural Networks,
       22(1), 131-144, 2011.

    Examples
    --------
    >>> from reservoirs.topology import cycle
    >>> cycle(3, 0.5).toarray()
    array([[0. , 0. , 0.5],
           [0.5, 0. , 0. ],
           [0. , 0.5, 0. ]])
    """
    n_units, weight = _positive_int("n_units", n_units), _nonzero("weight", weight)
    sources = np.roll(np.arange(n_units, dtype=np.int32), 1)
    row_starts = np.arange(n_units + 1, dtype=np.int32)
    return sparse.csr_array((np.full(n_units, weight), sources, row_starts), shape=(n_units, n_units))


def delay_line(n_units: int, weight: float = 1.0) -> sparse.csr_array:
    """Return a delay line: unit ``i`` receives from unit ``i - 1``, and unit 0 from none.

    It is nilpotent: an input is forgotten after `n_units` steps, and the spectral radius is 0 [1]_.

    Parameters
    ----------
    n_units : int
        Number of units, at least 1.
    weight : float, default=1.0
        Weight of every connection, finite and not 0.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_units, n_units)
        Recurrent weights.

    Raises
    ------
    ValueError
        If `n_units` is not a positive int, or `weight` is 0 or not finite.

    References
    ----------
    .. [1] A. Rodan, P. Tino, "Minimum complexity echo state network", IEEE Transactions on Neural Networks,
       22(1), 131-144, 2011.

    Examples
    --------
    >>> from reservoirs.topology import delay_line
    >>> delay_line(3, 0.5).toarray()
    array([[0. , 0. , 0. ],
           [0.5, 0. , 0. ],
           [0. , 0.5, 0. ]])
    """
    n_units, weight = _positive_int("n_units", n_units), _nonzero("weight", weight)
    sources = np.arange(n_units - 1, dtype=np.int32)
    row_starts = np.arange(-1, n_units, dtype=np.int32).clip(min=0)
    return sparse.csr_array((np.full(n_units - 1, weight), sources, row_starts), shape=(n_units, n_units))


class CycleWithJumps(BaseEstimator):  # type: ignore[misc]
    """A simple cycle with shortcuts: links in both directions between units that lie `jump` apart.

    Each of the units 0, jump, 2 jump, ... is linked with the next; the last is linked with unit 0 if `jump` divides the
    number of units [1]_. All weights are scaled together to `spectral_radius`; input weights have one size and the
    signs of `aperiodic_signs`.

    Parameters
    ----------
    jump : int, default=10
        Units from one end of a shortcut to the other, at least 2 and at most half of the units.
    jump_weight : float, default=0.5
        Weight of the shortcuts, as a multiple of those of the cycle.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range.

    References
    ----------
    .. [1] A. Rodan and P. Tino, "Simple deterministically constructed cycle reservoirs with regular jumps", Neural
       Computation 24(7), 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import CycleWithJumps
    >>> CycleWithJumps(jump=2, jump_weight=0.5).weights(5, np.random.default_rng(0)).toarray()
    array([[0. , 0. , 0.5, 0. , 1. ],
           [1. , 0. , 0. , 0. , 0. ],
           [0.5, 1. , 0. , 0. , 0.5],
           [0. , 0. , 1. , 0. , 0. ],
           [0. , 0. , 0.5, 1. , 0. ]])
    """

    def __init__(self, jump: Any = 10, jump_weight: Any = 0.5) -> None:
        self.jump = jump
        self.jump_weight = jump_weight

    def weights(self, n_units: int, rng: np.random.Generator) -> sparse.csr_array:
        """Return the recurrent weights before they are scaled.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Not used.

        Returns
        -------
        csr_array of shape (n_units, n_units)
            Entry (i, j) from unit j to unit i; links of the cycle have weight 1.
        """
        jump = check_count("jump", self.jump, 2)
        jump_weight = check_real("jump_weight", self.jump_weight)
        if 2 * jump > n_units:
            raise ValueError(f"jump={self.jump!r} must be at most half of the number of units, {n_units}")
        ends = np.arange(n_units // jump + 1) * jump % n_units
        here, there = np.concatenate([ends[:-1], ends[1:]]), np.concatenate([ends[1:], ends[:-1]])
        shortcuts = sparse.csr_array((np.ones(len(here)), (here, there)), shape=(n_units, n_units))
        shortcuts.data[:] = jump_weight  # where there are two ends only, each pair came twice
        return sparse.csr_array(cycle(n_units) + shortcuts)


class Wave(BaseEstimator):  # type: ignore[misc]
    """Travelling waves: channels side by side, in each of which a unit hands its state on to the next position.

    The input enters at the first position of every channel and travels on by one position a step, so that the states
    are a picture of the recent past: where a wave is tells when it began [1]_. Unit ``c n_positions + p`` is position p
    of channel c; every link has the weight `spectral_radius`.

    Parameters
    ----------
    n_channels : int, default=1
        Channels; it must divide the number of units. With as many as input features (or more) none are mixed up.
    boundary : {"absorbing", "circular"}, default="absorbing"
        What happens at the last position: waves end, and the network has forgotten an input after n_positions steps, or
        they enter again at the first position.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range.

    References
    ----------
    .. [1] T. A. Keller, L. Muller, T. Sejnowski and M. Welling, "Traveling waves encode the recent past and enhance
       sequence learning", ICLR, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.topology import Wave
    >>> wave = EchoStateNetwork(4, topology=Wave(), spectral_radius=1, bias_scaling=0, random_state=0)
    >>> states = wave.fit_transform([[1.0], [0.0], [0.0], [0.0]])
    >>> (states != 0).astype(int)
    array([[1, 0, 0, 0],
           [0, 1, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 0, 1]])
    """

    def __init__(self, n_channels: Any = 1, boundary: Any = "absorbing") -> None:
        self.n_channels = n_channels
        self.boundary = boundary

    def weights(self, n_units: int, rng: np.random.Generator) -> sparse.csr_array:
        """Return the recurrent weights, 1 for every link.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Not used.

        Returns
        -------
        csr_array of shape (n_units, n_units)
            Entry (i, j) from unit j to unit i.
        """
        boundary = check_choice("boundary", self.boundary, ("absorbing", "circular"))
        line = delay_line if boundary == "absorbing" else cycle
        n_positions = self._n_positions(n_units)
        return sparse.csr_array(sparse.block_diag([line(n_positions)] * (n_units // n_positions), format="csr"))

    def input_gains(self, n_units: int, rng: np.random.Generator) -> np.ndarray:
        """Return where the input enters.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Not used.

        Returns
        -------
        ndarray of shape (n_units,)
            1 at the first position of every channel, else 0.
        """
        return np.where(np.arange(n_units) % self._n_positions(n_units) == 0, 1.0, 0.0)

    def _n_positions(self, n_units: int) -> int:
        n_channels = check_count("n_channels", self.n_channels)
        if n_units % n_channels:
            raise ValueError(f"n_channels={self.n_channels!r} must divide the number of units, {n_units}")
        return n_units // n_channels


def aperiodic_signs(shape: int | tuple[int, ...]) -> np.ndarray:
    r"""Return a deterministic, aperiodic pattern of +1 and -1.

    Rodan and Tino [1]_ give all input weights of a cycle reservoir the same modulus and take their signs from an
    aperiodic sequence, so that nothing in the reservoir is random. Here it is the logistic map in its chaotic
    regime, :math:`x_{t+1} = 4 x_t (1 - x_t)`, with the sign + where :math:`x_t \geq 1/2`.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the pattern, filled in C order.

    Returns
    -------
    ndarray of shape `shape`
        float64 entries, each +1 or -1. A longer pattern begins with the shorter one.

    Raises
    ------
    ValueError
        If a size is not a positive int.

    Notes
    -----
    The map is chaotic, yet its bits are portable: it takes one subtraction and two products (one of them by 4,
    which is exact) in that order, and IEEE 754 fixes how each of them is rounded. In double precision the
    trajectory from 1/3 repeats no state within its first thirty million steps.

    References
    ----------
    .. [1] A. Rodan, P. Tino, "Minimum complexity echo state network", IEEE Transactions on Neural Networks,
       22(1), 131-144, 2011.

    Examples
    --------
    >>> from reservoirs.topology import aperiodic_signs
    >>> aperiodic_signs((2, 5))
    array([[-1.,  1., -1.,  1., -1.],
           [ 1.,  1., -1., -1.,  1.]])
    """
    sizes = tuple(_positive_int("shape", n) for n in (shape if isinstance(shape, tuple) else (shape,)))
    return np.array([1.0 if x >= 0.5 else -1.0 for x in _logistic_map(prod(sizes))]).reshape(sizes)


def _nonzero(name: str, value: Any) -> float:
    if not (isinstance(value, Real) and isfinite(value) and value != 0):
        raise ValueError(f"{name} must be finite and not 0, got {value!r}.")
    return float(value)


def _logistic_map(n_steps: int) -> Iterator[float]:
    x = 1 / 3
    for _ in range(n_steps):
        yield x
        x = 4.0 * (x * (1.0 - x))
