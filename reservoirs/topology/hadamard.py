"""Recurrent weights that are never written down: the Hadamard matrix, with a factor for each column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import hadamard

from .._params import check_count
from ._transform import TransformWeights

__all__ = ["HadamardWeights", "hadamard_weights"]

# Sizes of the factors that `hadamard_weights` draws, times the square root of their number.
_SIZES = (0.5, 1.0)


@dataclass(frozen=True, eq=False)
class HadamardWeights(TransformWeights):
    r"""All-to-all weights :math:`W_{ij} = (-1)^{b(i, j)} d_j`, b the number of bits that are set in both i and j.

    That is the Hadamard matrix in the order of Sylvester, of which the first rows and columns are taken, times a
    diagonal. The fast Walsh-Hadamard transform [1]_ makes its product with n states in n log2 n sums and differences
    (n the next power of two), and reads no weights but the factors d.

    Parameters
    ----------
    factors : ndarray of shape (n_units,)
        The factor d of each column: of what each unit sends.

    Notes
    -----
    Products with arrays (``W @ x``) and numbers (``W * 0.5``) are made; ``numpy.asarray(W)`` and ``W.toarray()`` write
    all ``n_units ** 2`` weights down.

    References
    ----------
    .. [1] B. J. Fino and V. R. Algazi, "Unified matrix treatment of the fast Walsh-Hadamard transform", IEEE Trans.
       Computers C-25(11), 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import HadamardWeights
    >>> W = HadamardWeights(np.array([1.0, 2.0, 3.0]))
    >>> W.toarray()
    array([[ 1.,  2.,  3.],
           [ 1., -2.,  3.],
           [ 1.,  2., -3.]])
    >>> W @ np.ones(3)
    array([6., 2., 0.])
    """

    factors: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """As of a matrix."""
        return len(self.factors), len(self.factors)

    @property
    def numbers(self) -> np.ndarray:
        """The factors."""
        return self.factors

    def _with(self, numbers: np.ndarray) -> HadamardWeights:
        return HadamardWeights(numbers)

    def toarray(self) -> np.ndarray:
        """Return all weights, shape (n_units, n_units)."""
        n_units = len(self.factors)
        H = hadamard(1 << (n_units - 1).bit_length(), self.dtype)
        return np.asarray(H[:n_units, :n_units] * self.factors)

    def norm(self) -> float:
        """Return the largest sum of the sizes of a row."""
        return float(abs(self.factors).sum())


def hadamard_weights(n_units: int, rng: np.random.Generator) -> HadamardWeights:
    """Return all-to-all weights, the Hadamard matrix with random factors, that a step needs not read.

    In float32 a step with such weights takes a fifth of the time that it takes with 10 random links a unit.

    Parameters
    ----------
    n_units : int
        Number of units, at least 1. A step takes as long as with the next power of two.
    rng : numpy.random.Generator
        The only source of randomness; the same state gives the same bits.

    Returns
    -------
    HadamardWeights
        Its factors have random signs and sizes uniform in [0.5, 1) divided by the square root of `n_units`, so that the
        eigenvalues lie in a narrow ring: signs alone would make the weights of a power of two of units orthogonal,
        which remembers longer and does worse where inputs have to be mixed (docs/benchmarks.md).

    Raises
    ------
    ValueError
        If `n_units` is not a positive int.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.topology import hadamard_weights
    >>> W = hadamard_weights(1000, np.random.default_rng(0))
    >>> W.shape, W.factors.shape
    ((1000, 1000), (1000,))
    """
    n_units = check_count("n_units", n_units)
    signs = rng.choice([-1.0, 1.0], n_units)
    return HadamardWeights(signs * rng.uniform(*_SIZES, n_units) / np.sqrt(n_units))
