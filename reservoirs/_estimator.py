"""What every estimator shares: fits that fail without harm, the choice of precision, and pickles."""

from __future__ import annotations

import re
import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

_OF_LIST = re.compile(r"[^_]+(_[^_]+)*__\d+__")


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base of all estimators. What is learned has a name that ends in an underscore, and nothing else has."""

    dtype: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the parameters of the parts: those of a rule as ``adaptation__target_rate``, of the first
            rule of a list as ``adaptation__0__target_rate``.

        Returns
        -------
        dict
            Values by name.
        """
        params: dict[str, Any] = super().get_params(deep)
        for name, value in list(params.items()) if deep else ():
            for i, part in enumerate(value if isinstance(value, list | tuple) else ()):
                if isinstance(part, BaseEstimator):
                    params |= {f"{name}__{i}__{inner}": value for inner, value in part.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, by the names that `get_params` uses.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self
            The estimator.
        """
        of_lists = {name: params.pop(name) for name in list(params) if _OF_LIST.match(name)}
        super().set_params(**params)
        for full_name, value in of_lists.items():
            name, i, inner = full_name.split("__", 2)
            parts = getattr(self, name, None)
            if not isinstance(parts, list | tuple) or int(i) >= len(parts):
                raise ValueError(f"{full_name!r} is no parameter: {name}={parts!r} has no rule {i}")
            parts[int(i)].set_params(**{inner: value})
        return self

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
        copy.__dict__.update({name: value for name, value in vars(self).items() if learned or not name.endswith("_")})
        return copy

    def _become(self, other: Self) -> Self:
        """Take over what a fit on `other` has learned."""
        self.__dict__ = other.__dict__
        return self

    def _compile(self) -> None:
        """Build from what is learned the objects of the compiled core: _network_ and _linear_, where there are any."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the arrays, not the compiled objects."""
        return {k: v for k, v in super().__getstate__().items() if k not in ("_network_", "_linear_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled estimator and compile it again."""
        super().__setstate__(state)
        if hasattr(self, "n_features_in_"):
            self._compile()


def warn_if_diverged(rows: np.ndarray, what: str, *, stacklevel: int = 3) -> None:
    """Warn of the first of `rows` that is no longer finite."""
    finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
    if not finite.all():
        warnings.warn(
            f"{what} diverged: not finite from row {int(np.argmin(finite))} on. A smaller spectral_radius, a bounded "
            "activation, a larger alpha or, in the fit, some state_noise keeps it finite.",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
