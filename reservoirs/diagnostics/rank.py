"""How many inputs a network tells apart, and how many it should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._params import check_count, check_real
from ._drive import Array, Driver, Source, drive, width_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class KernelQuality:
    """Singular values of the centred states after many streams of input.

    Attributes
    ----------
    kernel_spectrum : ndarray of shape (n,)
        After streams that have nothing in common; n is the smaller of `n_streams` and the number of states.
    generalisation_spectrum : ndarray of shape (n,)
        After streams that end alike.
    tol : float
        Singular values of both count from this share of the largest kernel singular value on.
    """

    kernel_spectrum: FloatArray
    generalisation_spectrum: FloatArray
    tol: float

    @property
    def kernel_rank(self) -> int:
        """Rank after different streams: the more, the more inputs a linear readout can tell apart."""
        return self._rank(self.kernel_spectrum)

    @property
    def generalisation_rank(self) -> int:
        """Rank after streams that end alike: the less, the better the network ignores what does not matter."""
        return self._rank(self.generalisation_spectrum)

    @property
    def quality(self) -> int:
        """Kernel rank less generalisation rank, largest near the edge of chaos."""
        return self.kernel_rank - self.generalisation_rank

    def _rank(self, spectrum: FloatArray) -> int:
        return int(np.count_nonzero(spectrum > self.tol * self.kernel_spectrum[0]))


def kernel_quality(
    network: Any,
    *,
    n_streams: int | None = None,
    n_timesteps: int = 200,
    n_common: int = 10,
    tol: float = 1e-3,
    distribution: str = "uniform",
    loc: float = 0.0,
    scale: float = 1.0,
    random_state: Any = None,
) -> KernelQuality:
    """Measure how many streams of input a network separates, and how many of those that end alike.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a
        copy with one input, to one stream. Outputs that are fed back count as inputs.
    n_streams : int, default=None
        How many streams; None means one more than there are states.
    n_timesteps : int, default=200
        Length of a stream.
    n_common : int, default=10
        For the generalisation rank: how many of the last inputs all streams share.
    tol : float, default=1e-3
        Singular values count from this share of the largest one after different streams on, in [0, 1).
    distribution : {"uniform", "normal"}, default="uniform"
        Inputs are ``loc + scale * z`` with z uniform in [-1, 1] or standard normal.
    loc, scale : float, default=0.0 and 1.0
        U[0, 1] is ``loc=0.5, scale=0.5``.
    random_state : int, RandomState instance or None, default=None
        Draws the streams.

    Returns
    -------
    KernelQuality

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Notes
    -----
    The mean of the states is subtracted first, which the papers do not do: what all streams share tells none apart, and
    of units with large means (rates, membrane potentials) it would be by far the largest singular value.

    When it misleads: analogue states have full rank to rounding, so both ranks hang on `tol`, which stands for the
    noise a readout has to live with: look at the spectra, and compare networks at one tolerance. `n_common` sets how
    much the past should matter; a network of long memory has a high generalisation rank by design.

    References
    ----------
    .. [1] R. Legenstein and W. Maass, "Edge of chaos and prediction of computational performance for neural circuit
       models", Neural Networks 20(3), 2007.
    .. [2] L. Buesing, B. Schrauwen and R. Legenstein, "Connectivity, dynamics, and memory in reservoir computing with
       binary and analog neurons", Neural Computation 22(5), 2010.

    Examples
    --------
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import kernel_quality
    >>> network = EchoStateNetwork(n_units=50, spectral_radius=0.5, input_scaling=1.0, random_state=0)
    >>> found = kernel_quality(network, random_state=0)
    >>> bool(50 >= found.kernel_rank > found.generalisation_rank)
    True
    """
    source = Source.checked(distribution, loc, scale, random_state)
    n_timesteps = check_count("n_timesteps", n_timesteps)
    if check_count("n_common", n_common, 0) > n_timesteps:
        raise ValueError(f"n_common={n_common} is more than n_timesteps={n_timesteps}")
    if check_real("tol", tol, 0.0, 1.0) == 1:
        raise ValueError(f"tol={tol!r} must be less than 1")
    n_inputs = width_of(network)
    driver = drive(network, source.draw(n_timesteps, n_inputs)[1])
    n_streams = driver.n_states + 1 if n_streams is None else check_count("n_streams", n_streams, 2)
    _, streams = source.draw(n_streams, n_timesteps, n_inputs)
    of_different = _spectrum(driver, streams)
    streams[:, n_timesteps - n_common :] = streams[0, n_timesteps - n_common :]
    return KernelQuality(of_different, _spectrum(driver, streams), float(tol))


def _spectrum(driver: Driver, streams: Array) -> FloatArray:
    states = driver.last_states(streams).astype(np.float64)
    return np.asarray(np.linalg.svd(states - states.mean(axis=0), compute_uv=False))
