"""What every estimator shares: fits that leave the object as it was if they fail, and the choice of precision."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator


class Estimator(BaseEstimator):
    """Base of all estimators. What is learned has a name that ends in an underscore, and nothing else has."""

    dtype: Any

    def _input_dtype(self) -> Any:
        """Return what input is converted to, in check_array's terms: the precision to compute in."""
        if self.dtype is None:
            return [np.float64, np.float32]
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            dtype = np.dtype(object)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype={self.dtype!r} must be None, 'float32' or 'float64'")
        return dtype

    def _fresh(self, *, learned: bool = False) -> Self:
        """Return a copy for a fit to work on, so that one that fails or is interrupted leaves this object as it was."""
        copy = object.__new__(type(self))
        vars(copy).update({name: value for name, value in vars(self).items() if learned or not name.endswith("_")})
        return copy

    def _become(self, other: Self) -> Self:
        """Take over what a fit on `other` has learned."""
        self.__dict__ = other.__dict__
        return self
