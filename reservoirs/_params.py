"""Checks of parameters: each names the parameter, the value and what would be right."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of the strings `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, choices))}")
    return value


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int of at least `least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r} must be an integer of at least {least}")
    return int(value)


def check_real(
    name: str, value: Any, least: float = -np.inf, most: float = np.inf, *, least_included: bool = True
) -> float:
    """Return `value` as a finite float in [least, most]."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))
    if not real or value < least or value > most or (value == least and not least_included):
        low = "[" if least_included and np.isfinite(least) else "("
        high = "]" if np.isfinite(most) else ")"
        raise ValueError(f"{name}={value!r} must be a finite number in {low}{least:g}, {most:g}{high}")
    return float(value)


def check_reals(
    name: str, value: Any, size: int, least: float = -np.inf, most: float = np.inf, *, least_included: bool = True
) -> np.ndarray:
    """Return a number or `size` numbers as a float64 array of shape (size,)."""
    if np.ndim(value) == 0:
        return np.full(size, check_real(name, value, least, most, least_included=least_included))
    array = np.asarray(value)
    if array.shape != (size,):
        raise ValueError(f"{name} has shape {array.shape}; expected a number or an array of shape ({size},)")
    for i, item in enumerate(array.tolist()):
        check_real(f"{name}[{i}]", item, least, most, least_included=least_included)
    return array.astype(np.float64)


def n_threads(n_jobs: Any) -> int:
    """Return how many threads `n_jobs` means, by joblib's rules; one inside a joblib worker."""
    if n_jobs is not None and (not isinstance(n_jobs, numbers.Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r} must be None or a non-zero integer (-1 means all processors)")
    return int(joblib.effective_n_jobs(n_jobs))
