"""What all encoders share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from reservoirs._estimator import Estimator
from reservoirs._params import check_real
from reservoirs.encoding.events import Events
from reservoirs.sequences import Sequences, check_sequences

# Sequences encoded together.
_BATCH = 256


class Encoder(TransformerMixin, Estimator):  # type: ignore[misc]
    """A transformer of numbers into a list of events, one for each sample."""

    n_channels_: int

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scales of the data.

        Parameters
        ----------
        X : array-like
            The training data.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data are wrong.
        """
        fresh = self._fresh()
        fresh._fit(X)
        return self._become(fresh)

    def transform(self, X: Any) -> list[Events]:
        """Encode samples.

        Parameters
        ----------
        X : array-like
            Samples of the form and width that were fitted.

        Returns
        -------
        list of Events
            One for each sample.

        Raises
        ------
        ValueError
            If the data or a parameter set after the fit are wrong.
        """
        check_is_fitted(self)
        return self._transform(X)

    def _fit(self, X: Any) -> None:
        raise NotImplementedError

    def _transform(self, X: Any) -> list[Events]:
        raise NotImplementedError

    # What a stream needs: sequences, row by row.

    def _begin_rows(self) -> np.ndarray:
        """Return what is remembered of a sequence before its first row, numbers."""
        raise ValueError(f"{type(self).__name__} cannot encode row by row")

    def _encode_row(self, row: np.ndarray, memory: np.ndarray) -> tuple[Events, np.ndarray]:
        """Return the events of the next row, and what is remembered then."""
        raise NotImplementedError

    def _compile(self) -> None:
        """Do nothing: encoders have no compiled objects."""


class StaticEncoder(Encoder):
    """An encoder for which a row of non-negative numbers is a sample."""

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _begin_rows(self) -> np.ndarray:
        return np.zeros(0)

    def _encode_row(self, row: np.ndarray, memory: np.ndarray) -> tuple[Events, np.ndarray]:
        return self._transform(row[None])[0], memory

    def _check(self, X: Any, *, reset: bool) -> np.ndarray:
        # C order: the sum of a row must not depend on how the caller's array lies in memory.
        X = np.asarray(validate_data(self, X, dtype=np.float64, order="C", reset=reset))
        if (negative := np.argwhere(X < 0)).size:
            i, j = negative[0]
            raise ValueError(
                f"X[{i}, {j}]={X[i, j]} is negative: Negative values in data passed to {type(self).__name__}, which "
                "expects intensities of at least 0"
            )
        return np.asarray(X + 0.0)  # -0.0 becomes 0.0


class TemporalEncoder(Encoder):
    """An encoder of sequences whose rows last `row_duration` milliseconds each."""

    row_duration: float

    def _check(self, X: Any, *, reset: bool) -> Sequences:
        return check_sequences(self, X, dtype=np.float64, reset=reset)

    def _check_row(self) -> int:
        return check_microseconds("row_duration", self.row_duration)


def check_microseconds(name: str, milliseconds: Any) -> int:
    """Return a time given in milliseconds as a whole number of microseconds, at least 1."""
    value = 1000 * check_real(name, milliseconds, 0.0, 1e12, least_included=False)
    if round(value) < 1 or abs(value - round(value)) > 1e-9 * value:
        raise ValueError(f"{name}={milliseconds!r} must be a whole number of microseconds (0.001 ms), at least one")
    return round(value)


def in_lockstep(sequences: Sequences) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Go through many sequences at once: yield for each time step which have it, and its row in each of them."""
    longest_first = np.argsort(-sequences.lengths, kind="stable")
    for begin in range(0, len(longest_first), _BATCH):
        batch = longest_first[begin : begin + _BATCH]
        lengths = sequences.lengths[batch]
        for step in range(int(lengths[0])):
            index = batch[: np.searchsorted(-lengths, -step)]
            yield index, sequences.offsets[index] + step


def ranges(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each feature's minimum, and how far its maximum is from it; 1 for a constant one."""
    low = rows.min(axis=0)
    with np.errstate(over="ignore"):
        span = rows.max(axis=0) - low
    if not np.isfinite(span).all():
        raise ValueError(f"X: the range of feature {int(np.argmax(~np.isfinite(span)))} is more than float64 holds")
    return low, np.where(span > 0, span, 1.0)


def rows_of(events: Events, period: int, n_channels: int) -> np.ndarray:
    """Return how many events each channel has in each row of `period` microseconds, shape (n_rows, n_channels)."""
    if events.n_channels != n_channels or events.duration % period:
        raise ValueError(
            f"events is {events!r}; expected {n_channels} channels and a whole number of rows of {period / 1000:g} ms"
        )
    counts = np.zeros((events.duration // period, n_channels), dtype=np.int64)
    np.add.at(counts, (events.t // period, events.channel), 1)
    return counts
