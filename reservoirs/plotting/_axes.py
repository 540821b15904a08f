"""Figures, made only when something is drawn: matplotlib is optional."""

from __future__ import annotations

from typing import Any


def new_axes(n_rows: int = 1, **grid: Any) -> Any:
    """Return the axes of a new figure: one, or an array of `n_rows` above each other."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install reservoirs[plot]") from error
    return pyplot.subplots(n_rows, figsize=(9, 3.5 if n_rows == 1 else 5), layout="constrained", **grid)[1]
