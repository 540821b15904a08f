"""Pictures of what diagnostics find."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Self

import numpy as np

from ..diagnostics import InformationProcessingCapacity, LyapunovExponents, MemoryCapacity
from ._axes import new_axes


class DiagnosticDisplay:
    """What a diagnostic found, drawn.

    Make one by :meth:`from_result`, which also draws it.

    Parameters
    ----------
    result : MemoryCapacity or another result of reservoirs.diagnostics
        What to draw.
    name : str, default=None
        What the legend calls it; None leaves the legend out where there is nothing else to name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What it was drawn on.
    figure_ : matplotlib Figure
        The figure it is part of.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import memory_capacity
    >>> from reservoirs.plotting import DiagnosticDisplay
    >>> memory = memory_capacity(EchoStateNetwork(n_units=50), n_train=2000, n_test=1000, random_state=0)
    >>> display = DiagnosticDisplay.from_result(memory)
    >>> display.ax_.get_xlabel()
    'delay (steps)'
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(self, result: Any, *, name: str | None = None) -> None:
        self.result = result
        self.name = name

    @classmethod
    def from_result(cls, result: Any, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw a result.

        Parameters
        ----------
        result : MemoryCapacity or another result of reservoirs.diagnostics
            What to draw.
        name : str, default=None
            What the legend calls it.
        ax : matplotlib Axes, default=None
            What to draw on, for instance the axes of a display of the same kind, to compare two networks; None makes a
            figure.

        Returns
        -------
        DiagnosticDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            For anything but a result of a diagnostic.
        """
        return cls(result, name=name).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the result.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.

        Returns
        -------
        DiagnosticDisplay
            This object, with `ax_` and `figure_` set.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            For anything but a result of a diagnostic.
        """
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        _draw(self.result, self.ax_, self.name)
        if self.ax_.get_legend_handles_labels()[0]:
            self.ax_.legend(frameon=False)
        return self


@singledispatch
def _draw(result: Any, ax: Any, name: str | None) -> None:
    raise TypeError(f"result={result!r} is not what a function of reservoirs.diagnostics returns")


@_draw.register
def _memory(result: MemoryCapacity, ax: Any, name: str | None) -> None:
    ax.plot(np.arange(len(result.curve)), result.curve, lw=1.2, label=name)
    ax.set(xlabel="delay (steps)", ylabel="capacity", xlim=(0, len(result.curve) - 1))
    ax.set_title(f"memory capacity {result.total:.1f} of {result.n_states}", loc="left")


@_draw.register
def _processing(result: InformationProcessingCapacity, ax: Any, name: str | None) -> None:
    delays = np.arange(result.by_delay.shape[1])
    floor = np.zeros(len(delays))
    for degree, heights in enumerate(result.by_delay, start=1):
        ax.bar(delays, heights, 1.0, floor, label=f"degree {degree}")
        floor += heights
    last = int(np.flatnonzero(floor > 0)[-1]) if (floor > 0).any() else 0
    ax.set(xlabel="longest delay (steps)", ylabel="capacity", xlim=(-0.5, last + 0.5))
    title = f"capacity {result.total:.1f} of {result.rank}"
    ax.set_title(title if name is None else f"{name}: {title}", loc="left")


@_draw.register
def _lyapunov(result: LyapunovExponents, ax: Any, name: str | None) -> None:
    steps = np.arange(1, len(result.growth) + 1)
    # How the estimate of each start settles.
    running = result.growth[:, :, 0].cumsum(axis=0) / steps[:, None]
    ax.plot(steps, running, lw=0.8, color="0.7")
    ax.plot(steps, running.mean(axis=1), lw=1.5, label=name)
    ax.axhline(0, color="0.8", lw=1, ls="--", zorder=0)
    ax.set(xlabel="steps counted", ylabel="largest exponent so far", xlim=(1, len(steps)))
    ax.set_title(f"largest Lyapunov exponent {result.largest:.3g} ± {result.standard_error:.1g}", loc="left")
