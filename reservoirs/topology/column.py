"""Neurons in a column, connected with a probability that falls off with distance."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .._params import check_count, check_real
from ._edges import BLOCK_EDGES, DrawnGraph, Edges, check_probabilities, check_size, compressed, in_order, successes

__all__ = ["Column"]

_NALSM_CONNECTION = {"EE": 0.2, "EI": 0.1, "IE": 0.3, "II": 0.05}
_NEGLIGIBLE = 1e-15  # expected synapses at one grid offset, below which it is left out


class Column(DrawnGraph):
    r"""Neurons on a three-dimensional grid, connected with a probability that falls off with distance.

    Neuron j has a synapse onto neuron i with probability

    .. math:: p(j \to i) = C_{ji} \exp(-(D_{ji} / \lambda)^2)

    independently of all others, where D is the Euclidean distance in grid units and C depends on the types of both
    (Maass, Natschläger and Markram 2002 [1]_). Neurons occupy the sites of the grid in random order.

    Parameters
    ----------
    shape : tuple of three int, default=(10, 10, 10)
        Sites along each axis; ``(n, n, 1)`` is a flat sheet.
    length_scale : float, default=3.0
        Length :math:`\lambda`, in grid units.
    connection : float or dict, default=None
        Probability C, one number or one for each of the blocks "EE", "EI" (from excitatory to inhibitory), "IE" and
        "II". None means those of NALSM [2]_, ``{"EE": 0.2, "EI": 0.1, "IE": 0.3, "II": 0.05}``.

    Raises
    ------
    ValueError
        When edges are drawn, for a shape that is not three positive integers, a length scale that is not positive, or
        probabilities outside [0, 1].

    Notes
    -----
    The work is proportional to the number of synapses, and yet every pair of neurons is an independent Bernoulli trial.
    All pairs of sites at the same distance have the same probability but for C; they are numbered through, and the
    gaps between the successes of a Bernoulli sequence are independent geometric numbers. This draws each pair with the
    largest C. A drawn pair of another block is then kept with probability C / max C: a trial of probability p followed
    by an independent one of probability q is a trial of probability pq. Left out are only pairs at grid offsets with
    less than 1e-15 expected synapses.

    References
    ----------
    .. [1] W. Maass, T. Natschläger, H. Markram, "Real-time computing without stable states", Neural Computation,
       14(11), 2531-2560, 2002.
    .. [2] V. Ivanov, K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics organized
       by astrocyte-modulated plasticity", NeurIPS, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import Column
    >>> column = Column((3, 3, 15), length_scale=2.0, connection={"EE": 0.3, "EI": 0.2, "IE": 0.4, "II": 0.1})
    >>> start, targets = column.edges(108, np.random.default_rng(0))
    >>> column.n_units, start.shape, bool(start[-1] == len(targets))
    (135, (136,), True)
    >>> column.layout(np.random.default_rng(0))[:2].shape  # of the neurons of the same edges
    (2, 3)
    """

    def __init__(self, shape: Any = (10, 10, 10), length_scale: Any = 3.0, connection: Any = None) -> None:
        self.shape = shape
        self.length_scale = length_scale
        self.connection = connection

    @property
    def n_units(self) -> int:
        """Number of neurons, one at each site."""
        return check_size("the number of sites", prod(self._checked_shape()))

    def layout(self, rng: np.random.Generator) -> np.ndarray:
        """Draw where the neurons are.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness. `edges` begins with this very draw: generators in the same state (made from one
            seed, say) give the edges and the sites that belong to them.

        Returns
        -------
        ndarray of shape (n_units, 3)
            int64 grid coordinates.
        """
        return np.stack(np.unravel_index(self._sites(rng), self._checked_shape()), axis=1)

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        length_scale = check_real("length_scale", self.length_scale, 0.0, least_included=False)
        given = _NALSM_CONNECTION if self.connection is None else self.connection
        connection = check_probabilities("connection", given)
        neuron_at = np.empty(n_units, dtype=np.int64)
        neuron_at[self._sites(rng)] = np.arange(n_units)
        largest = float(connection.max())
        pairs = _SitePairs(self._checked_shape(), length_scale, largest)
        drawn = pairs.draw(rng)
        keys = [np.empty(0, dtype=np.int64)]
        for first in range(0, len(drawn), BLOCK_EDGES):
            pre, post = (neuron_at[sites] for sites in pairs.sites(drawn[first : first + BLOCK_EDGES]))
            wanted = connection[(pre >= n_exc).astype(np.intp), (post >= n_exc).astype(np.intp)]
            kept = rng.random(len(pre)) * largest < wanted
            keys.append((pre * n_units + post)[kept])
        return compressed(in_order(keys), n_units)

    def _sites(self, rng: np.random.Generator) -> np.ndarray:
        n_units: int = self.n_units
        return rng.permutation(n_units)

    def _checked_shape(self) -> tuple[int, ...]:
        try:
            nx, ny, nz = (check_count("shape", size) for size in self.shape)
        except (TypeError, ValueError):
            raise ValueError(
                f"shape={self.shape!r} must be three integers of at least 1, such as (10, 10, 10)"
            ) from None
        return nx, ny, nz


class _SitePairs:
    """All ordered pairs of grid sites within reach, numbered by distance, then by offset, then by the first site."""

    def __init__(self, shape: tuple[int, ...], length_scale: float, largest: float) -> None:
        sizes = np.array(shape)[:, None]
        offsets = np.stack(np.meshgrid(*(np.arange(1 - size, size) for size in shape), indexing="ij")).reshape(3, -1)
        squares = (offsets**2).sum(axis=0)
        n_pairs = (sizes - abs(offsets)).prod(axis=0)
        with np.errstate(over="ignore", under="ignore"):
            p = largest * np.exp(-((np.sqrt(squares) / length_scale) ** 2))
            near = np.flatnonzero((n_pairs * p >= _NEGLIGIBLE) & (squares > 0))
        near = near[np.argsort(squares[near], kind="stable")]
        offsets = offsets[:, near]
        self._shape = shape
        self._first = np.append(0, np.cumsum(n_pairs[near]))  # number of the first pair of each offset
        self._box = sizes - abs(offsets)  # where the first site of a pair may be
        self._corner = np.ravel_multi_index(tuple(np.maximum(-offsets, 0)), shape)
        self._jump = (offsets[0] * shape[1] + offsets[1]) * shape[2] + offsets[2]  # from the first site to the second
        self._shells = np.append(np.unique(squares[near], return_index=True)[1], len(near))
        self._p = p[near[self._shells[:-1]]]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return the numbers of pairs, ascending, each drawn with the probability of its distance."""
        bounds = self._first[self._shells]
        parts = [np.empty(0, dtype=np.int64)]
        for first, end, p in zip(bounds[:-1].tolist(), bounds[1:].tolist(), self._p.tolist(), strict=True):
            parts.append(successes(end - first, p, rng) + first)
        return np.concatenate(parts)

    def sites(self, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the second site of each of the numbered pairs."""
        offset = np.searchsorted(self._first, pairs, side="right") - 1
        box = self._box[:, offset]
        rest, z = np.divmod(pairs - self._first[offset], box[2])
        x, y = np.divmod(rest, box[1])
        site = (x * self._shape[1] + y) * self._shape[2] + z + self._corner[offset]
        return site, site + self._jump[offset]
