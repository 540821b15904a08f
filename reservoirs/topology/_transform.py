"""What weights share that are multiplied with states by a fast transform, and never written down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from .. import _core


class TransformWeights(ABC):
    """Square weights whose product with states is a transform, which reads a number for each unit."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """As of a matrix."""

    @property
    @abstractmethod
    def numbers(self) -> np.ndarray:
        """All the weights depend on, in proportion: what the core takes."""

    @abstractmethod
    def _with(self, numbers: np.ndarray) -> Self:
        """Return weights of other numbers."""

    @abstractmethod
    def toarray(self) -> np.ndarray:
        """Return all weights, shape (n_units, n_units)."""

    @abstractmethod
    def norm(self) -> float:
        """Return a norm of the matrix."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights."""
        return self.numbers.dtype

    def astype(self, dtype: Any) -> Self:
        """Return the weights in another precision."""
        return self._with(self.numbers.astype(dtype))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all weights: for numpy.asarray."""
        return self.toarray().astype(self.dtype if dtype is None else dtype, copy=False)

    def __mul__(self, scale: float) -> Self:
        """Return the weights times a number."""
        return self._with(self.numbers * scale)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        """Return the product with a vector, or with each column of a matrix."""
        x = np.asarray(x)
        dtype = np.result_type(self.dtype, x)
        rows = np.array(x.T.reshape(-1, self.shape[0]), dtype, order="C")
        n = np.arange(len(rows))
        # A step of units that only sum: their states become the product.
        self._summing(dtype).harvest(np.empty((len(rows), 0), dtype), np.stack([n, n + 1, n + 1, 0 * n], axis=1), rows)
        return rows.T.reshape(x.shape)

    def _summing(self, dtype: Any) -> Any:
        n_units = self.shape[0]
        build = _core.Network32 if dtype == np.float32 else _core.Network64
        zeros, ones = np.zeros(n_units, dtype), np.ones(n_units, dtype)
        numbers = np.ascontiguousarray(self.numbers, dtype)
        return build([n_units], numbers, np.empty((n_units, 0), dtype), zeros, ones, zeros, "identity")
