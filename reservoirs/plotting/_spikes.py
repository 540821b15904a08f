"""Pictures of spiking networks: rasters, membrane potentials, rates. They take plain arrays, times in milliseconds."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._params import check_count, check_real
from ._axes import new_axes

_FloatArray = NDArray[np.float64]
_IntArray = NDArray[np.int64]

_RASTER_HEIGHT = 250.0  # points, about


class RasterDisplay:
    """Spikes as dots, a row for each neuron, above the rate of the population.

    Make one by :meth:`from_spikes`, which also draws it.

    Parameters
    ----------
    times : ndarray of shape (n_spikes,)
        When neurons spiked, in ms.
    units : ndarray of shape (n_spikes,), int
        Which neurons did.
    n_units : int
        Number of neurons.
    n_exc : int, default=None
        How many of them, the first ones, are excitatory; None does not tell kinds apart.
    duration : float
        Length of the recording in ms.
    bin_width : float, default=5.0
        Width in ms of the bins that rates are counted in.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the spikes were drawn on.
    rate_ax_ : matplotlib Axes or None
        What the rates were drawn on.
    figure_ : matplotlib Figure
        The figure they are part of.
    spikes_ : list of matplotlib Line2D
        The dots: of all neurons, or of excitatory and of inhibitory ones.
    rates_ : list of matplotlib StepPatch
        The rates: as for `spikes_`, spikes per second and neuron.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from reservoirs.plotting import RasterDisplay
    >>> rng = np.random.default_rng(0)
    >>> times, units = rng.uniform(0, 250, 500), rng.integers(100, size=500)
    >>> display = RasterDisplay.from_spikes(times, units, 100, n_exc=80, duration=250.0)
    >>> [dots.get_label() for dots in display.spikes_]
    ['excitatory', 'inhibitory']
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(
        self,
        times: _FloatArray,
        units: _IntArray,
        n_units: int,
        *,
        n_exc: int | None = None,
        duration: float,
        bin_width: float = 5.0,
    ) -> None:
        self.times = times
        self.units = units
        self.n_units = n_units
        self.n_exc = n_exc
        self.duration = duration
        self.bin_width = bin_width

    @classmethod
    def from_spikes(
        cls,
        times: ArrayLike,
        units: ArrayLike,
        n_units: int,
        *,
        n_exc: int | None = None,
        duration: float | None = None,
        bin_width: float = 5.0,
        ax: Any = None,
        rate_ax: Any = None,
    ) -> Self:
        """Draw spikes.

        Parameters
        ----------
        times : array-like of shape (n_spikes,)
            When neurons spiked, in ms, in any order.
        units : array-like of shape (n_spikes,), int
            Which neurons did, 0 to `n_units` - 1.
        n_units : int
            Number of neurons.
        n_exc : int, default=None
            How many of them, the first ones, are excitatory; None does not tell kinds apart.
        duration : float, default=None
            Length of the recording in ms; None ends it with the bin of the last spike.
        bin_width : float, default=5.0
            Width in ms of the bins that rates are counted in.
        ax, rate_ax : matplotlib Axes, default=None
            As for :meth:`plot`.

        Returns
        -------
        RasterDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            For arrays of wrong or different shapes, times before 0 or after `duration`, units that are not there, or
            without spikes and without a duration.
        """
        n_units = check_count("n_units", n_units)
        bin_width = check_real("bin_width", bin_width, 0.0, least_included=False)
        times, units = _check_spikes(times, units)
        if len(units) and not 0 <= units.min() <= units.max() < n_units:
            raise ValueError(
                f"units has {units.min()} to {units.max()}; expected 0 to {n_units - 1} for n_units={n_units}"
            )
        if duration is None:
            if not len(times):
                raise ValueError("duration=None and no spikes: give the length of the recording in ms")
            duration = bin_width * (np.floor(times.max() / bin_width) + 1)
        duration = check_real("duration", duration, 0.0, least_included=False)
        if len(times) and times.max() > duration:
            raise ValueError(f"times has {times.max():g}, after the end of the recording: duration={duration:g}")
        n_exc = _check_n_exc(n_exc, n_units)
        display = cls(times, units, n_units, n_exc=n_exc, duration=duration, bin_width=bin_width)
        return display.plot(ax=ax, rate_ax=rate_ax)

    def plot(self, ax: Any = None, rate_ax: Any = None) -> Self:
        """Draw the spikes and the rates.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw the spikes on; None makes a figure with room for both.
        rate_ax : matplotlib Axes, default=None
            What to draw the rates on; None, if `ax` is given, draws none.

        Returns
        -------
        RasterDisplay
            This object, with `ax_`, `rate_ax_`, `figure_`, `spikes_` and `rates_` set.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        if ax is None:
            ax, below = new_axes(2, sharex=True, height_ratios=[3, 1])
            rate_ax = below if rate_ax is None else rate_ax
        self.ax_, self.rate_ax_ = ax, rate_ax
        self.figure_ = ax.figure
        kinds = _kinds(self.n_units, self.n_exc)
        self.spikes_ = [self._draw_spikes(kind) for kind in kinds]
        ax.set(xlim=(0, self.duration), ylim=(-0.5, self.n_units - 0.5), ylabel="neuron")
        self.rates_ = []
        lowest = ax
        if rate_ax is not None:
            self.rates_ = [self._draw_rates(kind) for kind in kinds]
            rate_ax.set(xlim=(0, self.duration), ylabel="rate (Hz)")
            rate_ax.set_ylim(bottom=0)
            lowest = rate_ax
        lowest.set_xlabel("time (ms)")
        if len(kinds) > 1:
            # Above the spikes and to the right: a title with loc="left" fits beside it.
            ax.legend(
                loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, markerscale=8 / self._dot_size()
            )
        return self

    def _dot_size(self) -> float:
        # As high as the rows, but neither too small to be seen nor large enough to look like something else.
        return float(np.clip(_RASTER_HEIGHT / self.n_units, 1.5, 8.0))

    def _draw_spikes(self, kind: _Kind) -> Any:
        mine = kind.contains(self.units)
        (dots,) = self.ax_.plot(
            self.times[mine],
            self.units[mine],
            "|",
            ms=self._dot_size(),
            mew=0.8,
            color=kind.color,
            label=kind.name,
            rasterized=True,
        )
        return dots

    def _draw_rates(self, kind: _Kind) -> Any:
        edges = np.append(np.arange(0, self.duration, self.bin_width), self.duration)
        counts, _ = np.histogram(self.times[kind.contains(self.units)], edges)
        rates = 1000 * counts / (np.diff(edges) * (kind.end - kind.begin))
        return self.rate_ax_.stairs(rates, edges, color=kind.color, label=kind.name)


class PotentialDisplay:
    """Membrane potentials of some neurons over time, with their spikes and the threshold.

    Make one by :meth:`from_potentials`, which also draws it.

    Parameters
    ----------
    times : ndarray of shape (n_steps,)
        When potentials were taken, in ms.
    potentials : ndarray of shape (n_steps, n_watched)
        The potentials, in mV.
    units : ndarray of shape (n_watched,), int
        Whose they are.
    spikes : list of n_watched ndarrays, default=None
        When each of them spiked, in ms.
    threshold : float, default=None
        The potential to draw a line at.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What the potentials were drawn on.
    figure_ : matplotlib Figure
        The figure it is part of.
    lines_ : list of matplotlib Line2D
        The potentials, one line for each neuron.
    spikes_ : list of matplotlib LineCollection
        The spikes of each neuron; empty if they were not given.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from reservoirs.plotting import PotentialDisplay
    >>> potentials = np.arange(100.0)[:, None] % 20
    >>> display = PotentialDisplay.from_potentials(
    ...     potentials, units=[7], spike_times=np.arange(20.0, 100, 20), spike_units=[7] * 4, threshold=20.0
    ... )
    >>> display.lines_[0].get_label()
    'neuron 7'
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(
        self,
        times: _FloatArray,
        potentials: _FloatArray,
        units: _IntArray,
        *,
        spikes: list[_FloatArray] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.times = times
        self.potentials = potentials
        self.units = units
        self.spikes = spikes
        self.threshold = threshold

    @classmethod
    def from_potentials(
        cls,
        potentials: ArrayLike,
        *,
        units: ArrayLike | None = None,
        dt: float = 1.0,
        spike_times: ArrayLike | None = None,
        spike_units: ArrayLike | None = None,
        threshold: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw potentials.

        Parameters
        ----------
        potentials : array-like of shape (n_steps, n_watched)
            Potentials in mV; row k was taken at the time k * dt.
        units : array-like of shape (n_watched,), int, default=None
            Whose they are; None numbers them from 0.
        dt : float, default=1.0
            Time step in ms.
        spike_times, spike_units : array-like of shape (n_spikes,), default=None
            When, in ms, and which neurons spiked; spikes of neurons that are not among `units` are left out. None, for
            both, draws no spikes.
        threshold : float, default=None
            A potential to draw a line at.
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.

        Returns
        -------
        PotentialDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            For arrays of wrong or different shapes.
        """
        array = np.asarray(potentials, dtype=np.float64)
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(f"potentials has shape {array.shape}; expected (n_steps, n_watched), not empty")
        numbers = np.arange(array.shape[1]) if units is None else np.asarray(units)
        if numbers.shape != array.shape[1:] or numbers.dtype.kind not in "iu":
            raise ValueError(
                f"units has shape {numbers.shape} and dtype {numbers.dtype}; expected {array.shape[1]} integers, one "
                "for each column of potentials"
            )
        if (spike_times is None) != (spike_units is None):
            raise ValueError("spike_times and spike_units go together: give both, or none of them")
        times = np.arange(len(array), dtype=np.float64) * check_real("dt", dt, 0.0, least_included=False)
        spikes = None
        if spike_times is not None and spike_units is not None:
            when, who = _check_spikes(spike_times, spike_units, "spike_times", "spike_units")
            spikes = [when[who == unit] for unit in numbers]
        threshold = None if threshold is None else check_real("threshold", threshold)
        return cls(times, array, numbers.astype(np.int64), spikes=spikes, threshold=threshold).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the potentials.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.

        Returns
        -------
        PotentialDisplay
            This object, with `ax_`, `figure_`, `lines_` and `spikes_` set.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        self.lines_ = [
            self.ax_.plot(self.times, trace, lw=1.2, label=f"neuron {unit}")[0]
            for unit, trace in zip(self.units, self.potentials.T, strict=True)
        ]
        self.spikes_ = []
        if self.spikes is not None:
            # As in textbooks: the potential shoots up from the threshold.
            low, high = float(np.nanmin(self.potentials)), float(np.nanmax(self.potentials))
            base = high if self.threshold is None else self.threshold
            top = base + 0.3 * max(base - low, high - low, 1e-9)
            self.spikes_ = [
                self.ax_.vlines(when, base, top, colors=line.get_color(), lw=1.2)
                for when, line in zip(self.spikes, self.lines_, strict=True)
            ]
        if self.threshold is not None:
            self.ax_.axhline(self.threshold, color="0.6", lw=1, ls="--", zorder=0)
        self.ax_.set(xlabel="time (ms)", ylabel="potential (mV)")
        self.ax_.margins(x=0.01)
        self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=min(len(self.lines_), 6), frameon=False)
        return self


class RateDisplay:
    """How often neurons spike: a histogram, and the share of those that never do.

    Make one by :meth:`from_counts`, which also draws it.

    Parameters
    ----------
    rates : ndarray of shape (n_units,)
        Mean rate of each neuron, in Hz.
    n_exc : int, default=None
        How many of them, the first ones, are excitatory; None does not tell kinds apart.

    Attributes
    ----------
    silent : float
        Share of the neurons that never spiked.
    ax_ : matplotlib Axes
        What the histogram was drawn on.
    figure_ : matplotlib Figure
        The figure it is part of.
    bars_ : list of matplotlib BarContainer
        The histogram: of all neurons, or of excitatory and of inhibitory ones, stacked.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from reservoirs.plotting import RateDisplay
    >>> counts = np.random.default_rng(0).poisson(2.0, size=(10, 100))
    >>> display = RateDisplay.from_counts(counts, duration=250.0, n_exc=80)
    >>> display.ax_.get_title(loc="left")
    'mean 7.9 Hz, 0 % silent'
    >>> from matplotlib import pyplot
    >>> pyplot.close(display.figure_)
    """

    def __init__(self, rates: _FloatArray, *, n_exc: int | None = None) -> None:
        self.rates = rates
        self.n_exc = n_exc

    @property
    def silent(self) -> float:
        """Share of the neurons that never spiked."""
        return float(np.mean(self.rates == 0))

    @classmethod
    def from_counts(
        cls, counts: ArrayLike, duration: float, *, n_exc: int | None = None, bins: int = 30, ax: Any = None
    ) -> Self:
        """Draw the rates of neurons whose spikes were counted.

        Parameters
        ----------
        counts : array-like of shape (n_units,) or (n_samples, n_units)
            Spikes of each neuron, in each sample.
        duration : float
            Length of a sample in ms.
        n_exc : int, default=None
            How many of the neurons, the first ones, are excitatory; None does not tell kinds apart.
        bins : int, default=30
            Bars of the histogram.
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.

        Returns
        -------
        RateDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            For counts that are empty, negative, not finite or not 1-D or 2-D, or a duration that is not positive.
        """
        array = np.asarray(counts, dtype=np.float64)
        if array.ndim not in (1, 2) or 0 in array.shape:
            raise ValueError(f"counts has shape {array.shape}; expected (n_units,) or (n_samples, n_units), not empty")
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise ValueError("counts has negative, infinite or missing values; expected numbers of spikes")
        seconds = check_real("duration", duration, 0.0, least_included=False) / 1000
        rates = np.atleast_2d(array).mean(axis=0) / seconds
        return cls(rates, n_exc=_check_n_exc(n_exc, len(rates))).plot(ax=ax, bins=bins)

    def plot(self, ax: Any = None, *, bins: int = 30) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None makes a figure.
        bins : int, default=30
            Bars of the histogram.

        Returns
        -------
        RateDisplay
            This object, with `ax_`, `figure_` and `bars_` set.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        bins = check_count("bins", bins)
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        edges = np.linspace(0, max(float(self.rates.max()), 1.0), bins + 1)
        self.bars_ = []
        floor = np.zeros(bins)
        kinds = _kinds(len(self.rates), self.n_exc)
        for kind in kinds:
            heights, _ = np.histogram(self.rates[kind.begin : kind.end], edges)
            bars = self.ax_.bar(
                *(edges[:-1], heights, np.diff(edges), floor), align="edge", color=kind.color, label=kind.name
            )
            self.bars_.append(bars)
            floor += heights
        self.ax_.set(xlim=(0, edges[-1]), xlabel="rate (Hz)", ylabel="neurons")
        self.ax_.set_title(f"mean {self.rates.mean():.1f} Hz, {100 * self.silent:.0f} % silent", loc="left")
        if len(kinds) > 1:
            self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        return self


class _Kind(NamedTuple):
    """Neurons drawn in one colour: begin to end - 1."""

    name: str
    color: str
    begin: int
    end: int

    def contains(self, units: _IntArray) -> NDArray[np.bool_]:
        return (units >= self.begin) & (units < self.end)


def _kinds(n_units: int, n_exc: int | None) -> list[_Kind]:
    if n_exc is None:
        return [_Kind("all", "0.25", 0, n_units)]
    kinds = [_Kind("excitatory", "tab:blue", 0, n_exc), _Kind("inhibitory", "tab:red", n_exc, n_units)]
    return [kind for kind in kinds if kind.begin < kind.end]


def _check_n_exc(n_exc: int | None, n_units: int) -> int | None:
    if n_exc is not None and check_count("n_exc", n_exc, 0) > n_units:
        raise ValueError(f"n_exc={n_exc} must be at most the number of neurons, {n_units}")
    return n_exc


def _check_spikes(
    times: ArrayLike, units: ArrayLike, times_name: str = "times", units_name: str = "units"
) -> tuple[_FloatArray, _IntArray]:
    when, who = np.asarray(times, dtype=np.float64), np.asarray(units)
    if when.ndim != 1 or who.shape != when.shape:
        raise ValueError(
            f"{times_name} has shape {when.shape} and {units_name} {who.shape}; expected (n_spikes,) for both"
        )
    if len(who) and who.dtype.kind not in "iu":
        raise ValueError(f"{units_name} has dtype {who.dtype}; expected integers, the numbers of neurons")
    if not (np.isfinite(when).all() and (when >= 0).all()):
        raise ValueError(f"{times_name} has negative, infinite or missing values; expected times of at least 0 ms")
    return when, who.astype(np.int64)
