"""A given network as a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from ._edges import Edges

__all__ = ["Connectome"]


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
