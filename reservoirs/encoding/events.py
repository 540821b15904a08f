"""Events: what a sensor or an encoder emits, and what a liquid takes in."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from reservoirs._params import check_real

_MOST_CHANNELS = 2**31 - 1
_MOST_STEPS = 2**31 - 1


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """The events of one recording, in order of time.

    An event says that something happened at one address (a pixel, a unit, a feature) at one time. The arrays are
    read-only; they are not copied when they already have the right type.

    Parameters
    ----------
    t : array-like of int, of shape (n_events,)
        Times in microseconds, non-decreasing, at least 0 and below `duration`. See :meth:`from_arrays` for others.
    address : array-like of int, of shape (n_events,)
        Where: an index into the flattened sensor, from 0 up to but not including ``prod(shape)``. On a camera of
        shape ``(height, width)`` pixel (x, y) has address ``y * width + x``.
    polarity : array-like of int or bool, of shape (n_events,), or None
        1 for a rise (ON), 0 for a fall (OFF); None if events have no sign.
    shape : tuple of int
        Shape of the sensor.
    duration : int
        End of the recording in microseconds, at least 1.

    Attributes
    ----------
    t : int64 ndarray of shape (n_events,)
    address : int32 ndarray of shape (n_events,)
    polarity : int8 ndarray of shape (n_events,) or None
    shape : tuple of int
    duration : int

    Raises
    ------
    ValueError
        If any of the above does not hold; the message names the first event that is wrong.

    Examples
    --------
    >>> from reservoirs.encoding import Events
    >>> events = Events(t=[0, 1500, 1700], address=[0, 5, 5], polarity=[1, 0, 0], shape=(2, 3), duration=3000)
    >>> events
    Events(3 events, shape=(2, 3), signed, 3 ms)
    >>> events.n_channels, events.channel.tolist()
    (12, [6, 5, 5])
    >>> [steps.tolist() for steps in events.to_steps(dt_ms=1.0)]
    [[0, 1], [6, 5]]
    """

    t: np.ndarray
    address: np.ndarray
    polarity: np.ndarray | None
    shape: tuple[int, ...]
    duration: int

    def __post_init__(self) -> None:
        shape = check_shape(self.shape)
        n_addresses = math.prod(shape)
        if n_addresses * (1 if self.polarity is None else 2) > _MOST_CHANNELS:
            raise ValueError(f"shape={shape} has {2 * n_addresses} channels; expected at most {_MOST_CHANNELS}")
        duration = check_integer("duration", self.duration)
        if duration < 1:
            raise ValueError(f"duration={duration} must be at least 1 (microseconds)")
        t = _check_integers("t", self.t, 0, duration - 1)
        if (falls := np.flatnonzero(t[1:] < t[:-1])).size:
            i = int(falls[0])
            raise ValueError(
                f"t[{i + 1}]={t[i + 1]} comes after t[{i}]={t[i]}: times must not decrease (Events.from_arrays sorts)"
            )
        columns = {"t": t, "address": _check_integers("address", self.address, 0, n_addresses - 1)}
        if self.polarity is not None:
            columns["polarity"] = _check_integers("polarity", self.polarity, 0, 1)
        for name, dtype in (("t", np.int64), ("address", np.int32), ("polarity", np.int8)):
            if name in columns:
                _check_length(name, columns[name], len(t))
                object.__setattr__(self, name, _read_only(columns[name].astype(dtype, copy=False)))
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "duration", duration)

    @classmethod
    def from_arrays(
        cls,
        t: Any,
        address: Any,
        polarity: Any = None,
        *,
        shape: Iterable[int] | int | None = None,
        duration: int | None = None,
    ) -> Self:
        """Make events of arrays in any order: they are sorted by time, simultaneous ones keep their order.

        Parameters
        ----------
        t, address, polarity : array-like
            As for the class.
        shape : tuple of int or int, default=None
            Shape of the sensor; None takes the smallest one-dimensional sensor that has all addresses.
        duration : int, default=None
            End of the recording in microseconds; None means one microsecond after the last event.

        Returns
        -------
        Events

        Raises
        ------
        ValueError
            As for the class.

        Examples
        --------
        >>> from reservoirs.encoding import Events
        >>> Events.from_arrays([30, 10, 20], [0, 1, 2]).address.tolist()
        [1, 2, 0]
        """
        t = _check_integers("t", t, 0)
        address = _check_integers("address", address, 0)
        _check_length("address", address, len(t))
        if shape is None:
            shape = int(address.max(initial=0)) + 1
        if duration is None:
            duration = int(t.max(initial=0)) + 1
        if polarity is not None:
            polarity = _check_integers("polarity", polarity, 0, 1)
            _check_length("polarity", polarity, len(t))
        if (t[1:] < t[:-1]).any():
            order = np.argsort(t, kind="stable")
            t, address, polarity = t[order], address[order], None if polarity is None else polarity[order]
        return cls(t, address, polarity, (shape,) if isinstance(shape, int) else tuple(shape), duration)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.t)

    def __repr__(self) -> str:
        signed = "" if self.polarity is None else "signed, "
        return f"Events({len(self)} events, shape={self.shape}, {signed}{self.duration / 1000:g} ms)"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the class is called with: the copy's arrays are checked and read-only too."""
        return type(self), (self.t, self.address, self.polarity, self.shape, self.duration)

    @property
    def n_channels(self) -> int:
        """Number of channels: addresses, times two where events have a polarity."""
        return math.prod(self.shape) * (1 if self.polarity is None else 2)

    @property
    def channel(self) -> np.ndarray:
        """Channel of each event, ``polarity * prod(shape) + address``; int32 of shape (n_events,)."""
        if self.polarity is None:
            return self.address
        return np.asarray(self.polarity * np.int32(math.prod(self.shape)) + self.address)

    def between(self, begin: int, end: int) -> Self:
        """Return the events of the time [begin, end), which begins at 0 then.

        Parameters
        ----------
        begin, end : int
            Microseconds, ``0 <= begin < end``. What lies after the end of the recording is silent.

        Returns
        -------
        Events
            Of duration ``end - begin``.

        Raises
        ------
        ValueError
            If `begin` is negative or not less than `end`.

        Examples
        --------
        >>> from reservoirs.encoding import Events
        >>> events = Events.from_arrays([5, 15, 25], [0, 1, 2])
        >>> events.between(10, 30).t.tolist()
        [5, 15]
        """
        begin, end = check_integer("begin", begin), check_integer("end", end)
        if not 0 <= begin < end:
            raise ValueError(f"begin={begin} and end={end} must satisfy 0 <= begin < end (microseconds)")
        first, last = np.searchsorted(self.t, [begin, end])
        polarity = None if self.polarity is None else self.polarity[first:last]
        return type(self)(self.t[first:last] - begin, self.address[first:last], polarity, self.shape, end - begin)

    def crop(self, top: int, left: int, height: int, width: int) -> Self:
        """Return the events of a window of a two-dimensional sensor.

        Parameters
        ----------
        top, left : int
            The window's first row and column, which become row and column 0.
        height, width : int
            Size of the window, which lies inside the sensor.

        Returns
        -------
        Events
            Of shape ``(height, width)`` and the same duration.

        Raises
        ------
        ValueError
            If the sensor has not two dimensions or the window is not inside it.

        Examples
        --------
        >>> from reservoirs.encoding import Events
        >>> events = Events.from_arrays([1, 2, 3], [0, 4, 5], shape=(2, 3))
        >>> events.crop(top=1, left=1, height=1, width=2).address.tolist()
        [0, 1]
        """
        if len(self.shape) != 2:
            raise ValueError(f"shape={self.shape}: crop needs a sensor of two dimensions")
        window = [check_integer("top", top), check_integer("left", left)]
        size = [check_integer("height", height), check_integer("width", width)]
        for begin, length, whole in zip(window, size, self.shape, strict=True):
            if begin < 0 or length < 1 or begin + length > whole:
                raise ValueError(
                    f"top={top}, left={left}, height={height}, width={width} is not a window inside a sensor of shape "
                    f"{self.shape}"
                )
        y, x = np.divmod(self.address, self.shape[1])
        y, x = y - window[0], x - window[1]
        inside = (y >= 0) & (y < size[0]) & (x >= 0) & (x < size[1])
        polarity = None if self.polarity is None else self.polarity[inside]
        address = (y * size[1] + x)[inside]
        return type(self)(self.t[inside], address, polarity, (size[0], size[1]), self.duration)

    def counts(self) -> np.ndarray:
        """Return how many events each channel had.

        Returns
        -------
        counts : int64 ndarray of shape `shape`, or (2, *shape) where events have a polarity
            OFF first, then ON.

        Examples
        --------
        >>> from reservoirs.encoding import Events
        >>> Events.from_arrays([0, 1, 2], [1, 0, 1]).counts().tolist()
        [1, 2]
        """
        counts = np.bincount(self.channel, minlength=self.n_channels)
        return counts.reshape(self.shape if self.polarity is None else (2, *self.shape))

    def to_steps(self, dt_ms: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the events as a network with steps of `dt_ms` takes them.

        An event at time t falls into step ``floor(t / (1000 dt_ms))``. Several events of a channel within a step
        count once.

        Parameters
        ----------
        dt_ms : float
            Length of a step in milliseconds.

        Returns
        -------
        step, channel : int32 ndarrays of shape (n,)
            In order of step, then of channel.

        Raises
        ------
        ValueError
            If `dt_ms` is not positive, or so small that steps do not fit 32 bits.
        """
        dt_ms = check_real("dt_ms", dt_ms, 0.0, least_included=False)
        # Exact for steps of whole microseconds, also where 1000 dt_ms is not: 1000 * 2.3 = 2299.9999999999995.
        period = 1000 * dt_ms
        if period >= 1 and abs(period - round(period)) <= 1e-9 * period:
            steps = self.t // round(period)
        else:
            steps = np.floor(self.t / period)
        if len(steps) and steps[-1] > _MOST_STEPS:
            raise ValueError(f"dt_ms={dt_ms} gives {steps[-1]:g} steps; expected at most {_MOST_STEPS}")
        keys = np.unique(steps.astype(np.int64) * self.n_channels + self.channel)
        step, channel = np.divmod(keys, self.n_channels)
        return step.astype(np.int32), channel.astype(np.int32)


def check_integer(name: str, value: Any) -> int:
    """Return `value` as an int."""
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r} must be an integer") from None


def check_shape(shape: Any) -> tuple[int, ...]:
    """Return the shape of a sensor as ints."""
    sizes = tuple(check_integer("shape", size) for size in (shape if isinstance(shape, Iterable) else (shape,)))
    if not sizes or min(sizes) < 1:
        raise ValueError(f"shape={shape!r} must be one or more integers of at least 1")
    if math.prod(sizes) > _MOST_CHANNELS:
        raise ValueError(f"shape={sizes} has {math.prod(sizes)} addresses; expected at most {_MOST_CHANNELS}")
    return sizes


def _check_integers(name: str, values: Any, least: int, most: int | None = None) -> np.ndarray:
    """Return `values` as a 1-D array of an integer type (or bool) within [least, most]."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; expected (n_events,)")
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iub":
        raise ValueError(f"{name} has type {array.dtype}; expected integers")
    most = np.iinfo(np.int64).max if most is None else most
    low, high = int(array.min()), int(array.max())
    if low < least or high > most:
        i = int(array.argmin() if low < least else array.argmax())
        raise ValueError(f"{name}[{i}]={array[i]} must be an integer from {least} to {most}")
    return array


def _check_length(name: str, array: np.ndarray, length: int) -> None:
    if len(array) != length:
        raise ValueError(f"{name} has {len(array)} entries, but t has {length}")


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
