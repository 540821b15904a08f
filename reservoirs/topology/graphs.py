"""Graphs of liquids: which neuron has a synapse onto which.

A graph is a holder of parameters with two members, `n_units` and ``edges(n_exc, rng)``; anything that has them will do
(`Graph`). Neurons ``0 .. n_exc - 1`` are excitatory, the others inhibitory. Edges are grouped by the presynaptic
neuron, which is what a simulator wants that works when a neuron fires. Where a graph has a geometry (a column, a ring,
modules), both types are spread over all of it.

Inside, an edge is the integer ``pre * n_units + post``, its key: ascending keys are edges grouped by the presynaptic
neuron, with ascending targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from typing import Any, Protocol

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_count, check_real
from .matrices import _distinct_columns

__all__ = ["Column", "Connectome", "ErdosRenyi", "FixedInDegree", "Graph", "Modular", "SmallWorld"]

_BLOCKS = ("EE", "EI", "IE", "II")  # from, to
_NALSM_CONNECTION = {"EE": 0.2, "EI": 0.1, "IE": 0.3, "II": 0.05}
_BLOCK_EDGES = 1_000_000  # edges are worked on by so many at a time, for the sake of caches and memory
_SPARE_DEVIATIONS = 5.0  # successes drawn beyond the expected number, so that a second draw is rare
_NEGLIGIBLE = 1e-15  # expected synapses at one grid offset, below which it is left out

Edges = tuple[np.ndarray, np.ndarray]


class Graph(Protocol):
    """What a liquid asks of its graph. `edges` is documented in the classes of this module."""

    @property
    def n_units(self) -> int:
        """Number of neurons."""

    def edges(self, n_exc: int, rng: np.random.Generator) -> Edges:
        """Draw the synapses."""


class _Drawn(BaseEstimator):  # type: ignore[misc]
    """What all graphs share that are drawn."""

    def edges(self, n_exc: int, rng: np.random.Generator) -> Edges:
        """Draw the synapses.

        Parameters
        ----------
        n_exc : int
            How many neurons are excitatory, 0 to `n_units`.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        start : ndarray of shape (n_units + 1,)
            int64; the targets of neuron j are ``targets[start[j] : start[j + 1]]``.
        targets : ndarray of shape (n_synapses,)
            int32, ascending for each neuron, without itself.

        Raises
        ------
        ValueError
            For an impossible `n_exc`, or parameters the class speaks of.
        """
        n_units = _check_size("n_units", self.n_units)
        if check_count("n_exc", n_exc, 0) > n_units:
            raise ValueError(f"n_exc={n_exc!r} must be at most the number of neurons, {n_units}")
        return self._edges(n_units, int(n_exc), rng)

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        raise NotImplementedError


class Column(_Drawn):
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
        return _check_size("the number of sites", prod(self._checked_shape()))

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
        connection = _check_probabilities("connection", given)
        neuron_at = np.empty(n_units, dtype=np.int64)
        neuron_at[self._sites(rng)] = np.arange(n_units)
        largest = float(connection.max())
        pairs = _SitePairs(self._checked_shape(), length_scale, largest)
        drawn = pairs.draw(rng)
        keys = [np.empty(0, dtype=np.int64)]
        for first in range(0, len(drawn), _BLOCK_EDGES):
            pre, post = (neuron_at[sites] for sites in pairs.sites(drawn[first : first + _BLOCK_EDGES]))
            wanted = connection[(pre >= n_exc).astype(np.intp), (post >= n_exc).astype(np.intp)]
            kept = rng.random(len(pre)) * largest < wanted
            keys.append((pre * n_units + post)[kept])
        return _compressed(_sorted(keys), n_units)

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
            parts.append(_successes(end - first, p, rng) + first)
        return np.concatenate(parts)

    def sites(self, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the second site of each of the numbered pairs."""
        offset = np.searchsorted(self._first, pairs, side="right") - 1
        box = self._box[:, offset]
        rest, z = np.divmod(pairs - self._first[offset], box[2])
        x, y = np.divmod(rest, box[1])
        site = (x * self._shape[1] + y) * self._shape[2] + z + self._corner[offset]
        return site, site + self._jump[offset]


class ErdosRenyi(_Drawn):
    """Every ordered pair of neurons has a synapse with the same probability, independently (Erdős and Rényi 1959).

    Parameters
    ----------
    n_units : int, default=1000
        Number of neurons.
    p : float or dict, default=0.1
        Probability of a synapse in [0, 1], or one for each of the blocks "EE", "EI" (from excitatory to inhibitory),
        "IE" and "II".

    Raises
    ------
    ValueError
        When edges are drawn, for an impossible number of neurons, or probabilities outside [0, 1].

    Notes
    -----
    The gaps between the synapses are drawn, which are geometric: the work is proportional to the number of synapses.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import ErdosRenyi
    >>> graph = ErdosRenyi(5, p={"EE": 0.0, "EI": 1.0, "IE": 1.0, "II": 0.0})
    >>> start, targets = graph.edges(3, np.random.default_rng(0))
    >>> start.tolist(), targets.tolist()
    ([0, 2, 4, 6, 9, 12], [3, 4, 3, 4, 3, 4, 0, 1, 2, 0, 1, 2])
    """

    def __init__(self, n_units: Any = 1000, p: Any = 0.1) -> None:
        self.n_units = n_units
        self.p = p

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        p = _check_probabilities("p", self.p)
        if not isinstance(self.p, Mapping):
            everyone = range(n_units)
            return _compressed(_draw_block(everyone, everyone, p[0, 0], n_units, rng), n_units)
        types = range(n_exc), range(n_exc, n_units)
        keys = [_draw_block(types[i], types[j], p[i, j], n_units, rng) for i in range(2) for j in range(2)]
        return _compressed(_sorted(keys), n_units)


class FixedInDegree(_Drawn):
    """Every neuron receives the same number of synapses, from distinct random neurons.

    Parameters
    ----------
    n_units : int, default=1000
        Number of neurons.
    in_degree : int or dict, default=100
        Synapses onto a neuron, from whichever type, or ``{"exc": int, "inh": int}``: how many of them come from
        excitatory and how many from inhibitory neurons.

    Raises
    ------
    ValueError
        When edges are drawn, for an impossible number of neurons, or more synapses than there are neurons to receive
        from.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import FixedInDegree
    >>> start, targets = FixedInDegree(50, in_degree={"exc": 4, "inh": 1}).edges(40, np.random.default_rng(0))
    >>> np.bincount(targets).tolist() == [5] * 50, int(start[40])
    (True, 200)
    """

    def __init__(self, n_units: Any = 1000, in_degree: Any = 100) -> None:
        self.n_units = n_units
        self.in_degree = in_degree

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        groups: dict[str, tuple[range, Any]]
        if isinstance(self.in_degree, Mapping):
            _check_keys("in_degree", self.in_degree, ("exc", "inh"))
            groups = {
                "in_degree['exc']": (range(n_exc), self.in_degree["exc"]),
                "in_degree['inh']": (range(n_exc, n_units), self.in_degree["inh"]),
            }
        else:
            groups = {"in_degree": (range(n_units), self.in_degree)}
        checked = [(group, _check_in_degree(name, k, len(group))) for name, (group, k) in groups.items()]
        sources = np.hstack([_draw_sources(group, degree, n_units, rng) for group, degree in checked])
        return _transposed(sources)


class SmallWorld(_Drawn):
    """Neurons on a ring with synapses onto their neighbours, some of them rewired to random targets.

    The directed form of the model of Watts and Strogatz [1]_. Neurons take their places on the ring in random order.
    Each has a synapse onto the ``n_neighbors / 2`` next ones on either side. Each synapse is then rewired with
    probability `p_rewire`: it keeps its source and loses its target. The new targets of a neuron are drawn from all to
    which it has no synapse left, every set of them being equally likely. So ``p_rewire=0`` is a lattice and
    ``p_rewire=1`` a random graph; the out-degree is always `n_neighbors`.

    Parameters
    ----------
    n_units : int, default=1000
        Number of neurons.
    n_neighbors : int, default=10
        Synapses of each neuron, even and less than `n_units`.
    p_rewire : float, default=0.1
        Probability in [0, 1].

    Raises
    ------
    ValueError
        When edges are drawn, for an impossible number of neurons, an `n_neighbors` that is odd or as large as
        `n_units`, or a probability outside [0, 1].

    References
    ----------
    .. [1] D. J. Watts, S. H. Strogatz, "Collective dynamics of 'small-world' networks", Nature, 393, 440-442, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import SmallWorld
    >>> ring = SmallWorld(6, n_neighbors=2, p_rewire=0.0)
    >>> start, targets = ring.edges(6, np.random.default_rng(0))
    >>> place = ring.layout(np.random.default_rng(0))[:, 0]
    >>> int(place[0]), sorted(place[targets[:2]].tolist())
    (3, [2, 4])
    """

    def __init__(self, n_units: Any = 1000, n_neighbors: Any = 10, p_rewire: Any = 0.1) -> None:
        self.n_units = n_units
        self.n_neighbors = n_neighbors
        self.p_rewire = p_rewire

    def layout(self, rng: np.random.Generator) -> np.ndarray:
        """Draw where the neurons are.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness. `edges` begins with this very draw: generators in the same state (made from one
            seed, say) give the edges and the places that belong to them.

        Returns
        -------
        ndarray of shape (n_units, 1)
            int64 places on the ring.
        """
        return rng.permutation(_check_size("n_units", self.n_units))[:, None]

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        n_neighbors = check_count("n_neighbors", self.n_neighbors, 2)
        if n_neighbors % 2 or n_neighbors >= n_units:
            raise ValueError(f"n_neighbors={n_neighbors} must be even and less than n_units={n_units}")
        p_rewire = check_real("p_rewire", self.p_rewire, 0.0, 1.0)
        place = self.layout(rng)[:, 0].astype(np.int32)
        neuron_at = np.empty_like(place)
        neuron_at[place] = np.arange(n_units)
        ahead = np.tile(_ring(n_units, n_neighbors), (n_units, 1))  # how far ahead of its source each target is
        _rewire(ahead, p_rewire, rng)
        ahead += place[:, None]
        ahead -= n_units * (ahead >= n_units)
        targets = np.sort(neuron_at[ahead], axis=1)
        return np.arange(n_units + 1) * n_neighbors, targets.ravel()


class Modular(_Drawn):
    """Groups of neurons, densely connected within and sparsely between each other.

    Neuron i belongs to module ``i % n_modules``, so that all modules have the same share of inhibitory neurons, to
    within one.

    Parameters
    ----------
    n_modules : int, default=10
        Number of modules.
    module_size : int, default=100
        Neurons in each module.
    p_within, p_between : float, default=0.1, 0.01
        Probability in [0, 1] of a synapse between two neurons of the same module, and of different ones.

    Raises
    ------
    ValueError
        When edges are drawn, for an impossible number or size of modules, or probabilities outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import Modular
    >>> modular = Modular(n_modules=2, module_size=3, p_within=1.0, p_between=0.0)
    >>> start, targets = modular.edges(4, np.random.default_rng(0))
    >>> modular.modules.tolist(), targets[: start[2]].tolist()
    ([0, 1, 0, 1, 0, 1], [2, 4, 3, 5])
    """

    def __init__(self, n_modules: Any = 10, module_size: Any = 100, p_within: Any = 0.1, p_between: Any = 0.01) -> None:
        self.n_modules = n_modules
        self.module_size = module_size
        self.p_within = p_within
        self.p_between = p_between

    @property
    def n_units(self) -> int:
        """Number of neurons in all modules."""
        n_modules, module_size = check_count("n_modules", self.n_modules), check_count("module_size", self.module_size)
        return _check_size("n_modules * module_size", n_modules * module_size)

    @property
    def modules(self) -> np.ndarray:
        """Module of each neuron: int64 array of shape (n_units,)."""
        n_units: int = self.n_units
        return np.arange(n_units) % int(self.n_modules)

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        n_modules, module_size = int(self.n_modules), int(self.module_size)
        p_within = check_real("p_within", self.p_within, 0.0, 1.0)
        p_between = check_real("p_between", self.p_between, 0.0, 1.0)

        def within(source: np.ndarray, candidate: np.ndarray) -> np.ndarray:
            rank, module = np.divmod(source, n_modules)
            return (candidate + (candidate >= rank)) * n_modules + module

        def between(source: np.ndarray, candidate: np.ndarray) -> np.ndarray:
            rank, module = np.divmod(candidate, n_modules - 1)
            return rank * n_modules + module + (module >= source % n_modules)

        keys = [
            _draw_keys(n_units, module_size - 1, p_within, n_units, within, rng),
            _draw_keys(n_units, n_units - module_size, p_between, n_units, between, rng),
        ]
        return _compressed(_sorted(keys), n_units)


class Connectome(BaseEstimator):  # type: ignore[misc]
    """A given network: its synapses, their weights and the types of its neurons.

    Parameters
    ----------
    matrix : array or sparse matrix of shape (n_units, n_units)
        Signed weights, entry (i, j) from neuron j to neuron i. By Dale's law no column has both signs; the diagonal is
        0. Neurons keep their order, whatever their types.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import Connectome
    >>> graph = Connectome([[0.0, -1.0, 2.0], [0.5, 0.0, 0.0], [0.0, -3.0, 0.0]])
    >>> graph.excitatory.tolist(), graph.weights.tolist()
    ([True, False, True], [0.5, -1.0, -3.0, 2.0])
    >>> start, targets = graph.edges()
    >>> start.tolist(), targets.tolist()
    ([0, 1, 3, 4], [1, 0, 2, 0])
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    @property
    def n_units(self) -> int:
        """Number of neurons."""
        return _check_square(self.matrix)

    @property
    def excitatory(self) -> np.ndarray:
        """Whether each neuron is excitatory: bool array of shape (n_units,), True also for one without targets."""
        W = _by_source(self.matrix)
        excitatory = np.ones(W.shape[0], dtype=bool)
        excitatory[_sources(W.indptr)[W.data < 0]] = False
        return excitatory

    @property
    def weights(self) -> np.ndarray:
        """Weight of each synapse, in the order of `edges`: float64 array of shape (n_synapses,), without zeros."""
        return np.asarray(_by_source(self.matrix).data)

    def edges(self, n_exc: Any = None, rng: Any = None) -> Edges:
        """Return the synapses.

        Parameters
        ----------
        n_exc, rng : ignored
            Nothing is drawn, and `excitatory` tells the types.

        Returns
        -------
        start : ndarray of shape (n_units + 1,)
            int64; the targets of neuron j are ``targets[start[j] : start[j + 1]]``.
        targets : ndarray of shape (n_synapses,)
            int32, ascending for each neuron, without itself.

        Raises
        ------
        ValueError
            If the matrix is not square or not finite, its diagonal is not 0, or a column has both signs.
        """
        W = _by_source(self.matrix)
        return W.indptr.astype(np.int64), W.indices.astype(np.int32, copy=False)


def _successes(n_trials: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Return which of `n_trials` independent trials of probability `p` succeed, ascending."""
    parts = [np.empty(0, dtype=np.int64)]
    last = -1
    while p > 0 and last < n_trials - 1:
        expected = (n_trials - 1 - last) * p
        n_drawn = max(1, int(expected + _SPARE_DEVIATIONS * (sqrt(expected * (1 - p)) + 1)))
        gaps = rng.geometric(p, n_drawn)
        np.minimum(gaps, n_trials + 1, out=gaps)  # sums of longer ones might overflow
        gaps[0] += last
        parts.append(np.cumsum(gaps, out=gaps))
        last = int(gaps[-1])
    drawn = parts[-1] if len(parts) <= 2 else np.concatenate(parts)
    return drawn[: np.searchsorted(drawn, n_trials)]


def _draw_keys(
    n_sources: int,
    n_candidates: int,
    p: float,
    n_units: int,
    target: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw each pair of a source and one of its candidates with probability `p`; return the keys, ascending.

    ``target(source, candidate)`` is the neuron that a candidate's number stands for, and ascends with that number.
    """
    keys = _successes(n_sources * n_candidates, p, rng)
    for first in range(0, len(keys), _BLOCK_EDGES):
        block = keys[first : first + _BLOCK_EDGES]
        source = block // n_candidates
        block[:] = source * n_units + target(source, block - source * n_candidates)
    return keys


def _draw_block(pre: range, post: range, p: float, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the keys of the synapses from `pre` onto `post`, which are the same or have none in common."""
    same = pre == post

    def target(source: np.ndarray, candidate: np.ndarray) -> np.ndarray:
        return candidate + (candidate >= source) if same else candidate

    keys = _draw_keys(len(pre), len(post) - same, p, n_units, target, rng)
    keys += pre.start * n_units + post.start
    return keys


def _sorted(parts: list[np.ndarray]) -> np.ndarray:
    keys = np.concatenate(parts)
    parts.clear()  # they are no longer wanted, and large
    keys.sort()
    return keys


def _compressed(keys: np.ndarray, n_units: int) -> Edges:
    """Return the edges of ascending keys, grouped by their source."""
    targets = np.empty(len(keys), dtype=np.int32)
    for first in range(0, len(keys), _BLOCK_EDGES):
        targets[first : first + _BLOCK_EDGES] = keys[first : first + _BLOCK_EDGES] % n_units
    return np.searchsorted(keys, np.arange(n_units + 1) * n_units), targets


def _draw_sources(group: range, degree: int, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `degree` distinct sources out of `group` for every neuron, itself excluded; ascending, (n_units, degree)."""
    sources = np.empty((n_units, degree), dtype=np.int32)
    if degree == 0:
        return sources
    own = _distinct_columns(len(group), len(group) - 1, degree, rng)
    own += own >= np.arange(len(group), dtype=np.int32)[:, None]
    sources[group.start : group.stop] = own
    for others in (range(group.start), range(group.stop, n_units)):
        sources[others.start : others.stop] = _distinct_columns(len(others), len(group), degree, rng)
    sources += group.start
    return sources


def _transposed(sources: np.ndarray) -> Edges:
    """Return edges, grouped by their source, of a table (n_units, in_degree) of the sources of each neuron."""
    n_units, degree = sources.shape
    start = np.arange(n_units + 1) * degree
    # SciPy's counting sort is linear; it moves the smallest of entries along.
    by_target = sparse.csr_array((np.ones(sources.size, dtype=np.int8), sources.ravel(), start), shape=(n_units,) * 2)
    by_source = by_target.tocsc()
    return by_source.indptr.astype(np.int64), by_source.indices.astype(np.int32, copy=False)


def _ring(n_units: int, n_neighbors: int) -> np.ndarray:
    """Return how far ahead on the ring the neighbours are, ascending."""
    half = np.arange(1, n_neighbors // 2 + 1, dtype=np.int32)
    return np.concatenate([half, n_units - half[::-1]])


def _rewire(ahead: np.ndarray, p: float, rng: np.random.Generator) -> None:
    """Replace each entry with probability `p`, in place, such that a row has distinct entries of 1 .. n_units - 1."""
    n_units, degree = ahead.shape
    rewired = np.zeros(ahead.shape, dtype=bool)
    rewired.ravel()[_successes(ahead.size, p, rng)] = True
    n_rewired = rewired.sum(axis=1)
    for count in np.unique(n_rewired[n_rewired > 0]).tolist():  # rows with as many rewired entries make a table
        rows = np.flatnonzero(n_rewired == count)
        chosen, table = rewired[rows], ahead[rows]
        kept = table[~chosen].reshape(len(rows), degree - count)
        free = _distinct_columns(len(rows), n_units - 1 - (degree - count), count, rng) + 1
        for taken in kept.T:  # ascending: the number among the free ones becomes the number among all
            free += free >= taken[:, None]
        table[chosen] = free.ravel()
        ahead[rows] = table


def _by_source(matrix: Any) -> sparse.csr_array:
    """Check a connectome and return it as float64 with a row for each source, without stored zeros."""
    _check_square(matrix)
    W = matrix if sparse.issparse(matrix) else np.asarray(matrix)
    if W.dtype.kind not in "buif":
        raise ValueError(f"matrix has the type {W.dtype}; expected real numbers")
    W = sparse.csr_array(W.T, dtype=np.float64, copy=True)
    W.sum_duplicates()
    W.eliminate_zeros()
    if not np.isfinite(W.data).all():
        raise ValueError("matrix contains NaN or infinite weights")
    autapses = np.flatnonzero(W.diagonal())
    if autapses.size:
        raise ValueError(
            f"matrix has {autapses.size} synapses of neurons onto themselves, the first of neuron {autapses[0]}; "
            "its diagonal must be 0"
        )
    sources = _sources(W.indptr)
    n_negative = np.bincount(sources[W.data < 0], minlength=W.shape[0])
    mixed = np.flatnonzero((n_negative > 0) & (n_negative < np.diff(W.indptr)))
    if mixed.size:
        raise ValueError(
            f"matrix has {mixed.size} columns with weights of both signs, the first of neuron {mixed[0]}; by Dale's "
            "law all weights of a column have the same sign"
        )
    return W


def _check_square(matrix: Any) -> int:
    """Return the number of rows of a square matrix."""
    try:
        shape = matrix.shape if sparse.issparse(matrix) else np.shape(matrix)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"matrix={matrix!r} must be a square matrix") from error
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(f"matrix has shape {shape}; it must be square and not empty")
    return int(shape[0])


def _sources(start: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _check_size(name: str, value: Any) -> int:
    if check_count(name, value) > np.iinfo(np.int32).max:
        raise ValueError(f"{name}={value!r} must be less than 2**31, as targets are 32-bit integers")
    return int(value)


def _check_keys(name: str, given: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
    if set(given) != set(wanted):
        raise ValueError(f"{name} has the keys {', '.join(map(repr, given))}; expected {', '.join(map(repr, wanted))}")


def _check_probabilities(name: str, value: Any) -> np.ndarray:
    """Return the probabilities of the four blocks, [from, to] with 0 for excitatory and 1 for inhibitory."""
    if not isinstance(value, Mapping):
        return np.full((2, 2), check_real(name, value, 0.0, 1.0))
    _check_keys(name, value, _BLOCKS)
    return np.array([check_real(f"{name}[{block!r}]", value[block], 0.0, 1.0) for block in _BLOCKS]).reshape(2, 2)


def _check_in_degree(name: str, degree: Any, n_sources: int) -> int:
    if check_count(name, degree, 0) > max(n_sources - 1, 0):
        raise ValueError(
            f"{name}={degree!r} must be at most {max(n_sources - 1, 0)}: there are {n_sources} such neurons, and none "
            "receives from itself"
        )
    return int(degree)
