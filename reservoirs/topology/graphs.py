"""Graphs of liquids: which neuron has a synapse onto which.

A graph is a holder of parameters with two members, `n_units` and ``edges(n_exc, rng)``; anything that has them will do
(`Graph`). Neurons ``0 .. n_exc - 1`` are excitatory, the others inhibitory. Where a graph has a geometry (a column, a
ring, modules), both types are spread over all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .._params import check_count, check_real
from ._edges import (
    DrawnGraph,
    Edges,
    check_in_degree,
    check_keys,
    check_probabilities,
    check_size,
    compressed,
    draw_block,
    draw_keys,
    draw_sources,
    in_order,
    successes,
    transposed,
)
from .matrices import _distinct_columns

__all__ = ["ErdosRenyi", "FixedInDegree", "Graph", "Modular", "SmallWorld"]


class Graph(Protocol):
    """What a liquid asks of its graph. `edges` is documented in the classes that have it."""

    @property
    def n_units(self) -> int:
        """Number of neurons."""

    def edges(self, n_exc: int, rng: np.random.Generator) -> Edges:
        """Draw the synapses."""


class ErdosRenyi(DrawnGraph):
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
        p = check_probabilities("p", self.p)
        if not isinstance(self.p, Mapping):
            everyone = range(n_units)
            return compressed(draw_block(everyone, everyone, p[0, 0], n_units, rng), n_units)
        types = range(n_exc), range(n_exc, n_units)
        keys = [draw_block(types[i], types[j], p[i, j], n_units, rng) for i in range(2) for j in range(2)]
        return compressed(in_order(keys), n_units)


class FixedInDegree(DrawnGraph):
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
            check_keys("in_degree", self.in_degree, ("exc", "inh"))
            groups = {
                "in_degree['exc']": (range(n_exc), self.in_degree["exc"]),
                "in_degree['inh']": (range(n_exc, n_units), self.in_degree["inh"]),
            }
        else:
            groups = {"in_degree": (range(n_units), self.in_degree)}
        checked = [(group, check_in_degree(name, k, len(group))) for name, (group, k) in groups.items()]
        sources = np.hstack([draw_sources(group, degree, n_units, rng) for group, degree in checked])
        return transposed(sources)


class SmallWorld(DrawnGraph):
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
        return rng.permutation(check_size("n_units", self.n_units))[:, None]

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


class Modular(DrawnGraph):
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
        return check_size("n_modules * module_size", n_modules * module_size)

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
            draw_keys(n_units, module_size - 1, p_within, n_units, within, rng),
            draw_keys(n_units, n_units - module_size, p_between, n_units, between, rng),
        ]
        return compressed(in_order(keys), n_units)


def _ring(n_units: int, n_neighbors: int) -> np.ndarray:
    """Return how far ahead on the ring the neighbours are, ascending."""
    half = np.arange(1, n_neighbors // 2 + 1, dtype=np.int32)
    return np.concatenate([half, n_units - half[::-1]])


def _rewire(ahead: np.ndarray, p: float, rng: np.random.Generator) -> None:
    """Replace each entry with probability `p`, in place, such that a row has distinct entries of 1 .. n_units - 1."""
    n_units, degree = ahead.shape
    rewired = np.zeros(ahead.shape, dtype=bool)
    rewired.ravel()[successes(ahead.size, p, rng)] = True
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
