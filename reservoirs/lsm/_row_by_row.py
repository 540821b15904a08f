"""What the next row of a stream, or piece of a recording, shows a liquid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..encoding import Events, RateEncoder
from ..encoding._base import check_microseconds


@dataclass(frozen=True)
class RowByRow:
    """Turns rows and pieces into spikes, step by step.

    Attributes
    ----------
    encoder : encoder or None
        The fitted encoder. None: rows are currents.
    steps_per_row : int
        How many steps a row lasts.
    dt : float
        In ms.
    n_channels : int
    """

    encoder: Any
    steps_per_row: int
    dt: float
    n_channels: int

    @property
    def encodes(self) -> bool:
        """Whether rows have to be turned into spikes."""
        return self.encoder is not None

    def begin(self) -> np.ndarray:
        """Return what is remembered of rows before there are any."""
        return self.encoder._begin_rows() if self.encodes else np.zeros(0)

    def show_events(self, liquid: Any, events: Events) -> None:
        """Let the next step of a compiled liquid show a piece of a recording."""
        if self.encodes:
            raise ValueError(f"u holds Events, but encoder={self.encoder!r} takes numbers: events need encoder=None")
        if events.n_channels != self.n_channels:
            raise ValueError(f"u has {events.n_channels} channels, but the liquid is expecting {self.n_channels}")
        n_steps, rest = divmod(events.duration, check_microseconds("dt", self.dt))
        if rest:
            raise ValueError(f"u lasts {events.duration / 1000:g} ms, which are no whole steps of dt={self.dt} ms")
        liquid.show_events(n_steps, *events.to_steps(self.dt))

    def show_row(self, liquid: Any, row: np.ndarray, memory: np.ndarray) -> np.ndarray:
        """Let the next step of a compiled liquid show the spikes of a row; return what is remembered then."""
        if isinstance(self.encoder, RateEncoder):
            # Drawn in the core, as for batches.
            liquid.show_rates(self.steps_per_row, self.encoder.probabilities(row[None])[0], self.encoder.seed_)
            return memory
        events, memory = self.encoder._encode_row(row, memory)
        liquid.show_events(self.steps_per_row, *events.to_steps(self.dt))
        return memory
