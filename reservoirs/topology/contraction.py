"""How far a network's weights can stretch distances: metrics in which they contract, if they do in any."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import svds

__all__ = ["diagonal_metric", "metric_norm"]

_DENSE_UNITS = 400  # up to here LAPACK is as fast as ARPACK
_ITERATIONS = 2000
_ENOUGH = 1e-12
# Beside the largest sum of a row: makes all units of a component reach one another, however few links they have.
_ALL_TO_ALL = 1e-9


def diagonal_metric(W: Any) -> np.ndarray:
    r"""Return the metric of a network: positive p, for which the norm of diag(p) W diag(p)^-1 is least.

    For the left and right Perron vectors u and v of the absolute weights, p = sqrt(u / v) gives \|W\| the spectral
    radius of \|W\| as its Euclidean norm: no other diagonal metric gives it less, so it is below 1 in some metric
    exactly if the spectral radius of the absolute weights is.

    Parameters
    ----------
    W : ndarray or sparse array of shape (n_units, n_units)
        Weights of any sign.

    Returns
    -------
    ndarray of shape (n_units,)
        p, with the geometric mean 1 over each part of the network that is not linked with the others. Where units
        cannot reach one another, links too weak to matter are thought of.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import diagonal_metric, metric_norm
    >>> W = np.array([[0.0, 8.0], [0.02, 0.0]])
    >>> p = diagonal_metric(W)
    >>> float(np.linalg.norm(W, 2)), round(metric_norm(W, p), 6)
    (8.0, 0.4)
    """
    absolute = abs(sparse.csr_array(W, dtype=np.float64))
    n_parts, part = connected_components(absolute, directed=False)
    p = np.ones(absolute.shape[0])
    for i in range(n_parts):
        units = np.flatnonzero(part == i)
        block = absolute[units][:, units]
        right, left = _perron(block), _perron(sparse.csr_array(block.T))
        logarithm = (np.log(left) - np.log(right)) / 2
        p[units] = np.exp(logarithm - logarithm.mean())
    return p


def metric_norm(W: Any, p: np.ndarray) -> float:
    """Return the norm of a matrix in a diagonal metric: the most by which it stretches the length of diag(p) x.

    Parameters
    ----------
    W : ndarray or sparse array of shape (n_units, n_units)
        The matrix.
    p : ndarray of shape (n_units,)
        The metric, as `diagonal_metric` returns it.

    Returns
    -------
    float
        The largest singular value of diag(p) W diag(p)^-1.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import metric_norm
    >>> metric_norm(np.diag([0.5, -2.0]), np.array([1.0, 3.0]))
    2.0
    """
    scaled = sparse.csr_array(sparse.diags_array(p) @ sparse.csr_array(W, dtype=np.float64) @ sparse.diags_array(1 / p))
    n_units = scaled.shape[0]
    if scaled.nnz == 0:
        return 0.0
    if n_units <= _DENSE_UNITS:
        return float(np.linalg.norm(scaled.toarray(), 2))
    start = np.random.default_rng(0).standard_normal(n_units)
    return float(svds(scaled, k=1, v0=start, return_singular_vectors=False, tol=0)[0])


def _perron(A: sparse.csr_array) -> np.ndarray:
    """Return the Perron vector of a matrix without negative entries, by power iteration."""
    v = np.ones(A.shape[0])
    if A.nnz == 0:
        return v
    largest = A.sum(axis=1).max()
    for _ in range(_ITERATIONS):
        before = v
        # With its own state in it, a cycle does not go round for ever.
        v = A @ v + largest * (v + _ALL_TO_ALL * v.mean())
        v /= v.max()
        if np.abs(v - before).max() <= _ENOUGH:
            break
    return v
