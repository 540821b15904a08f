"""Pictures of what diagnostics find."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Self

import numpy as np

from ..diagnostics import (
    Activity,
    Consistency,
    EchoStateIndex,
    EffectiveSpectralRadius,
    ExcitationInhibition,
    InformationProcessingCapacity,
    KernelQuality,
    LyapunovExponents,
    MemoryCapacity,
    PredictionTimes,
    TimeScales,
)
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
    last = max((term[-1][0] for term in result.terms), default=0)
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


@_draw.register
def _kernel(result: KernelQuality, ax: Any, name: str | None) -> None:
    for spectrum, what, rank in (
        (result.kernel_spectrum, "different streams", result.kernel_rank),
        (result.generalisation_spectrum, "streams that end alike", result.generalisation_rank),
    ):
        shown = spectrum / (result.kernel_spectrum[0] or 1.0)
        ax.semilogy(np.arange(1, len(shown) + 1), shown, lw=1.2, label=f"{what}: rank {rank}")
    ax.axhline(result.tol, color="0.8", lw=1, ls="--", zorder=0)
    ax.set(xlabel="singular value", ylabel="in parts of the largest", xlim=(1, max(len(result.kernel_spectrum), 2)))
    title = f"kernel quality {result.quality}"
    ax.set_title(title if name is None else f"{name}: {title}", loc="left")


@_draw.register
def _echo_states(result: EchoStateIndex, ax: Any, name: str | None) -> None:
    # Zero has no logarithm; differences this small are rounding.
    ax.semilogy(np.arange(len(result.distance)), np.maximum(result.distance, 1e-17), lw=1.2, label=name)
    ax.set(xlabel="time (steps)", ylabel="difference of two starts", xlim=(0, max(len(result.distance) - 1, 1)))
    ax.set_title(f"{len(result.labels)} starts, {result.index} different responses", loc="left")


@_draw.register
def _consistency(result: Consistency, ax: Any, name: str | None) -> None:
    known = result.correlation[~np.isnan(result.correlation)]
    ax.hist(known, np.linspace(min(0.0, known.min(initial=0.0)), 1, 41), label=name, alpha=0.7)
    ax.set(xlabel="correlation of two replicas", ylabel="units")
    ax.set_title(f"consistency {result.mean:.3g}, capacity {result.capacity:.1f} of {result.rank}", loc="left")


@_draw.register
def _radius(result: EffectiveSpectralRadius, ax: Any, name: str | None) -> None:
    angles = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(angles), np.sin(angles), color="0.8", lw=1, zorder=0)
    ax.scatter(result.eigenvalues.real, result.eigenvalues.imag, s=4, label="driven" if name is None else name)
    ax.scatter(result.at_rest.real, result.at_rest.imag, s=4, color="0.5", label="at rest")
    ax.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    ax.set_title(f"spectral radius {result.median:.2f}, at rest {result.radius_at_rest:.2f}", loc="left")


@_draw.register
def _time_scales(result: TimeScales, ax: Any, name: str | None) -> None:
    known = result.autocorrelation[:, ~np.isnan(result.autocorrelation[0])]
    lags = np.arange(len(known))
    if known.shape[1]:
        low, median, high = np.quantile(known, [0.25, 0.5, 0.75], axis=1)
        ax.plot(lags, median, lw=1.2, label=name)
        ax.fill_between(lags, low, high, alpha=0.25, lw=0)
    ax.axhline(np.exp(-1), color="0.8", lw=1, ls="--", zorder=0)
    ax.set(xlabel="lag (steps)", ylabel="autocorrelation", xlim=(0, len(known) - 1))
    ax.set_title(f"time scale {result.median:.1f} steps", loc="left")


@_draw.register
def _activity(result: Activity, ax: Any, name: str | None) -> None:
    ax.stairs(result.histogram, result.edges, fill=True, alpha=0.6, label=name)
    ax.set(xlabel="state", ylabel="share of all states", xlim=(result.edges[0], result.edges[-1]))
    ax.set_title(f"{100 * result.saturation.mean():.0f} % saturated, {result.n_silent} units silent", loc="left")


@_draw.register
def _excitation_inhibition(result: ExcitationInhibition, ax: Any, name: str | None) -> None:
    steps = np.arange(len(result.excitation))
    ax.plot(steps, result.excitation, lw=0.8, color="tab:blue", label="excitation")
    ax.plot(steps, result.inhibition, lw=0.8, color="tab:red", label="inhibition")
    ax.set(xlabel="time (steps)", ylabel="mean input of a unit", xlim=(0, max(len(steps) - 1, 1)))
    known = result.correlation[~np.isnan(result.correlation)]
    title = f"correlation of excitation and inhibition {known.mean() if len(known) else np.nan:.2f}"
    ax.set_title(title if name is None else f"{name}: {title}", loc="left")


@_draw.register
def _prediction_times(result: PredictionTimes, ax: Any, name: str | None) -> None:
    times = np.sort(result.times)
    ax.step(np.append(times, result.horizon), np.append(1 - np.arange(len(times)) / len(times), 0), lw=1.2, label=name)
    ax.axvline(result.median, color="0.6", lw=1, ls="--", zorder=0)
    ax.set(xlabel="time", ylabel="share of forecasts still valid", xlim=(0, result.horizon), ylim=(0, 1.02))
    low, high = result.quartiles
    ax.set_title(f"valid for {result.median:.3g} (quartiles {low:.3g} to {high:.3g})", loc="left")
