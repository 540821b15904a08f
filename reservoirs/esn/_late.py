"""Links that are late: their delays, and the weights over several steps that the core takes instead."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._values import Bounds, per_target

# What the core remembers at most; far more than its states would have use for.
_MOST = 10_000


def whole_steps(name: str, value: Any, n_links: int, rng: np.random.Generator, least: int) -> np.ndarray:
    """Return the delay of each link, in steps: a number, numbers, or what a distribution draws, rounded."""
    drawn = per_target(name, value, n_links, rng, Bounds(least, _MOST))
    steps = np.rint(drawn)
    if not hasattr(value, "rvs") and (steps != drawn).any():
        raise ValueError(f"{name}={value!r} must be whole steps")
    return np.maximum(steps, least)


def spread_over_time(
    W: Any, W_in: np.ndarray, recurrent_delay: Any, input_delay: np.ndarray
) -> tuple[Any, np.ndarray, int]:
    """Return the weights of x and u of each remembered step, side by side; those of the present input; the steps.

    Links that have no delay, because a rule made them later, take one step.
    """
    n_units, n_inputs = W_in.shape
    links = sparse.csr_array(W).tocoo()
    steps = np.maximum(np.asarray(recurrent_delay[links.row, links.col]).ravel().astype(np.int64), 1)
    # Feedback, the last columns, comes at once.
    late = np.zeros(W_in.shape, np.int64)
    late[:, : input_delay.shape[1]] = input_delay
    row, of_input = np.nonzero(late)
    n_remembered = int(max(steps.max(initial=1), late.max(initial=0)))
    width = n_units + n_inputs
    columns = np.concatenate([(steps - 1) * width + links.col, (late[row, of_input] - 1) * width + n_units + of_input])
    spread = sparse.csr_array(
        (np.concatenate([links.data, W_in[row, of_input]]), (np.concatenate([links.row, row]), columns)),
        shape=(n_units, n_remembered * width),
    )
    spread.sort_indices()
    return spread, np.where(late > 0, 0, W_in), n_remembered
