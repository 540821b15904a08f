"""How the edges of graphs are drawn, and what is asked of their parameters.

Edges are grouped by the presynaptic neuron, which is what a simulator wants that works when a neuron fires. Inside, an
edge is the integer ``pre * n_units + post``, its key: ascending keys are edges grouped by the presynaptic neuron, with
ascending targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_count, check_real
from .matrices import _distinct_columns

BLOCK_EDGES = 1_000_000  # edges are worked on by so many at a time, for the sake of caches and memory
_BLOCKS = ("EE", "EI", "IE", "II")  # from, to
_SPARE_DEVIATIONS = 5.0  # successes drawn beyond the expected number, so that a second draw is rare

Edges = tuple[np.ndarray, np.ndarray]


class DrawnGraph(BaseEstimator):  # type: ignore[misc]
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
        n_units = check_size("n_units", self.n_units)
        if check_count("n_exc", n_exc, 0) > n_units:
            raise ValueError(f"n_exc={n_exc!r} must be at most the number of neurons, {n_units}")
        return self._edges(n_units, int(n_exc), rng)

    def _edges(self, n_units: int, n_exc: int, rng: np.random.Generator) -> Edges:
        raise NotImplementedError


def successes(n_trials: int, p: float, rng: np.random.Generator) -> np.ndarray:
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


def draw_keys(
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
    keys = successes(n_sources * n_candidates, p, rng)
    for first in range(0, len(keys), BLOCK_EDGES):
        block = keys[first : first + BLOCK_EDGES]
        source = block // n_candidates
        block[:] = source * n_units + target(source, block - source * n_candidates)
    return keys


def draw_block(pre: range, post: range, p: float, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the keys of the synapses from `pre` onto `post`, which are the same or have none in common."""
    same = pre == post

    def target(source: np.ndarray, candidate: np.ndarray) -> np.ndarray:
        return candidate + (candidate >= source) if same else candidate

    keys = draw_keys(len(pre), len(post) - same, p, n_units, target, rng)
    keys += pre.start * n_units + post.start
    return keys


def in_order(parts: list[np.ndarray]) -> np.ndarray:
    keys = np.concatenate(parts)
    parts.clear()  # they are no longer wanted, and large
    keys.sort()
    return keys


def compressed(keys: np.ndarray, n_units: int) -> Edges:
    """Return the edges of ascending keys, grouped by their source."""
    targets = np.empty(len(keys), dtype=np.int32)
    for first in range(0, len(keys), BLOCK_EDGES):
        targets[first : first + BLOCK_EDGES] = keys[first : first + BLOCK_EDGES] % n_units
    return np.searchsorted(keys, np.arange(n_units + 1) * n_units), targets


def draw_sources(group: range, degree: int, n_units: int, rng: np.random.Generator) -> np.ndarray:
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


def transposed(sources: np.ndarray) -> Edges:
    """Return edges, grouped by their source, of a table (n_units, in_degree) of the sources of each neuron."""
    n_units, degree = sources.shape
    start = np.arange(n_units + 1) * degree
    # SciPy's counting sort is linear; it moves the smallest of entries along.
    by_target = sparse.csr_array((np.ones(sources.size, dtype=np.int8), sources.ravel(), start), shape=(n_units,) * 2)
    by_source = by_target.tocsc()
    return by_source.indptr.astype(np.int64), by_source.indices.astype(np.int32, copy=False)


def check_size(name: str, value: Any) -> int:
    if check_count(name, value) > np.iinfo(np.int32).max:
        raise ValueError(f"{name}={value!r} must be less than 2**31, as targets are 32-bit integers")
    return int(value)


def check_keys(name: str, given: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
    if set(given) != set(wanted):
        raise ValueError(f"{name} has the keys {', '.join(map(repr, given))}; expected {', '.join(map(repr, wanted))}")


def check_probabilities(name: str, value: Any) -> np.ndarray:
    """Return the probabilities of the four blocks, [from, to] with 0 for excitatory and 1 for inhibitory."""
    if not isinstance(value, Mapping):
        return np.full((2, 2), check_real(name, value, 0.0, 1.0))
    check_keys(name, value, _BLOCKS)
    return np.array([check_real(f"{name}[{block!r}]", value[block], 0.0, 1.0) for block in _BLOCKS]).reshape(2, 2)


def check_in_degree(name: str, degree: Any, n_sources: int) -> int:
    if check_count(name, degree, 0) > max(n_sources - 1, 0):
        raise ValueError(
            f"{name}={degree!r} must be at most {max(n_sources - 1, 0)}: there are {n_sources} such neurons, and none "
            "receives from itself"
        )
    return int(degree)
