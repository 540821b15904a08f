"""Encoders as C: a row of numbers becomes the spikes of its steps.

What a LatencyEncoder or PopulationEncoder makes of a number is a step in which a channel spikes, or none. For each
channel and step the numbers that make it spike up to then are an interval, and the next step's contains it: so the ends
of these, in float32, are all that the C code needs to give the spikes of Python. They are found by asking the encoder,
bisecting the floats. A DeltaEncoder has a memory, and is computed as Python does, in double.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..encoding import DeltaEncoder, LatencyEncoder, PopulationEncoder
from ..encoding._base import StaticEncoder, check_microseconds

_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Encoding:
    """How rows become spikes in C.

    Attributes
    ----------
    n_columns : int
        Numbers of a row.
    n_steps : int
        Steps in which its spikes may lie.
    row_steps : int
        Steps that it lasts.
    least, below : float32 ndarray of shape (n_steps, n_channels) or None
        A channel spikes in the first step whose interval ``[least, below)`` contains the number; an absent end bounds
        nothing.
    threshold : float64 ndarray of shape (n_columns,) or None
        Of a DeltaEncoder.
    most : int
        Spikes that it makes of a number at most.
    """

    n_columns: int
    n_steps: int
    row_steps: int
    least: np.ndarray | None = None
    below: np.ndarray | None = None
    threshold: np.ndarray | None = None
    most: int = 0

    @property
    def row_a_sample(self) -> bool:
        """Whether each row is a sample of its own."""
        return self.below is None and self.threshold is None

    def numbers(self, encoder: Any, n_rows: int, rng: np.random.Generator) -> np.ndarray:
        """Return random rows that make spikes."""
        size = (n_rows, self.n_columns)
        if self.threshold is not None:
            return np.asarray(rng.normal(size=size).cumsum(axis=0) * 3 * self.threshold)
        if self.row_a_sample:
            return np.asarray(rng.uniform(0, encoder.scale_, size))
        return np.asarray(rng.uniform(encoder.centers_.min(axis=1), encoder.centers_.max(axis=1), size))


def encoding_of(model: Any) -> Encoding | None:
    """Return how a liquid's encoder works in C; None if it has none, or one that C cannot be."""
    encoder = getattr(model, "encoder_", None)
    microseconds = 1000 * model._dt_
    if encoder is None or microseconds < 1 or abs(microseconds - round(microseconds)) > 1e-9 * microseconds:
        return None
    period = round(microseconds)
    if isinstance(encoder, LatencyEncoder):
        n_steps = -(-check_microseconds("duration", encoder.duration) // period)
        row_steps = n_steps if model.duration is None else model._steps("duration", model.duration)
        return Encoding(encoder.n_channels_, n_steps, row_steps, least=_least(encoder, n_steps, period))
    n_steps = model._steps_per_row() if hasattr(encoder, "row_duration") else 0
    if not n_steps or model.duration is not None:
        return None
    if isinstance(encoder, PopulationEncoder) and encoder.code == "latency":
        least, below = _intervals(encoder, n_steps, period)
        return Encoding(len(encoder.centers_), n_steps, n_steps, least=least, below=below)
    if isinstance(encoder, DeltaEncoder):
        _, most = encoder._check_parameters()
        if most * n_steps < 2**31:
            return Encoding(len(encoder.threshold_), n_steps, n_steps, threshold=encoder.threshold_, most=most)
    return None


def _least(encoder: LatencyEncoder, n_steps: int, period: int) -> np.ndarray:
    """Return the least numbers that spike up to each step, the same for all channels."""
    steps, width = np.arange(n_steps), encoder.n_channels_

    def holds(x: np.ndarray) -> np.ndarray:
        return _spiking(encoder, np.repeat(x[:, None], width, axis=1), n_steps, period)[:, 0] <= steps

    return _first(holds, np.zeros(n_steps), np.full(n_steps, _MOST))[:, None]


def _intervals(encoder: PopulationEncoder, n_steps: int, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the numbers that make each field spike up to each step."""
    n_features, n_fields = encoder.centers_.shape
    steps = np.arange(n_steps)[:, None, None]

    def holds(x: np.ndarray) -> np.ndarray:
        """Tell of numbers (n_steps, n_features, n_fields) whether the field has spiked up to the step."""
        rows = x.transpose(0, 2, 1).reshape(-1, n_features)
        spiking = _spiking(encoder, rows, n_steps, period).reshape(n_steps, n_fields, n_features, n_fields)
        found: np.ndarray = np.einsum("tfjf->tjf", spiking) <= steps
        return found

    centers = np.broadcast_to(encoder.centers_.astype(np.float32), (n_steps, n_features, n_fields))
    end = np.full(centers.shape, _MOST)
    inside = holds(centers)
    # Outside everywhere, the interval is empty.
    least = np.where(inside, _first(holds, -end, centers), _MOST).astype(np.float32)
    below = np.where(inside, _first(lambda x: ~holds(x), centers, end), -_MOST).astype(np.float32)
    return least.reshape(n_steps, -1), below.reshape(n_steps, -1)


def _spiking(encoder: Any, X: np.ndarray, n_steps: int, period: int) -> np.ndarray:
    """Return the step in which each channel spikes for each row of X, `n_steps` if it does not."""
    spiking = np.full((len(X), encoder.n_channels_), n_steps)
    if isinstance(encoder, StaticEncoder):
        for row, events in zip(spiking, encoder.transform(X), strict=True):
            row[events.channel] = events.t // period
    else:
        (events,) = encoder.transform([X])
        row, step = np.divmod(events.t // period, n_steps)
        spiking[row, events.channel] = step
    return spiking


def _first(holds: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the least float32 from low to high for which `holds`, which does at high and from some number on."""
    begin, end = _ordered(low) - 1, _ordered(high)
    while (end - begin > 1).any():
        middle = np.maximum((begin + end) // 2, _ordered(low))
        good = holds(_floats(middle)) | (middle >= end)
        begin, end = np.where(good, begin, middle), np.where(good, np.minimum(middle, end), end)
    return _floats(end)


def _ordered(x: np.ndarray) -> np.ndarray:
    """Return the places of floats in the order of all."""
    bits = np.asarray(x, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(2**31) - bits, bits)


def _floats(order: np.ndarray) -> np.ndarray:
    bits = np.where(order < 0, -(2**31) - order, order)
    return bits.astype(np.int32).view(np.float32)
