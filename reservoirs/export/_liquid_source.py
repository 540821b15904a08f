"""Running the exported C code of a liquid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from ..encoding._base import StaticEncoder
from ..lsm import LiquidStateMachine
from ..lsm._base import _are_events
from ..lsm._present import Rates
from ._liquid import LiquidParts
from ._source import CSource, values_of


@dataclass(frozen=True)
class LiquidSource(CSource):
    """A liquid as C99 source."""

    _parts: LiquidParts = field(repr=False)

    def predict(self, X: Any, exogenous: Any = None) -> Any:
        """As `CSource.predict`."""
        if exogenous is not None:
            raise ValueError(f"exogenous={exogenous!r} must be None: {self._model} has none")
        if isinstance(self._parts.model, LiquidStateMachine):
            raise self._has_no("predict")
        if self._parts.classifies:
            return self._parts.model.classes_[[decision for decision, _ in self._shown(X)]]
        return self._in_form(X, one_dimensional=self._parts.model._one_dimensional_)

    def decision_function(self, X: Any) -> np.ndarray:
        """As `CSource.decision_function`."""
        if not self._parts.classifies:
            raise self._has_no("decision_function")
        scores = np.concatenate([rows for _, rows in self._shown(X)])
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def transform(self, X: Any) -> Any:
        """As `CSource.transform`."""
        if not isinstance(self._parts.model, LiquidStateMachine):
            raise self._has_no("transform")
        return self._in_form(X)

    def _in_form(self, X: Any, *, one_dimensional: bool = False) -> Any:
        rows = np.concatenate([rows for _, rows in self._shown(X)])
        rows = rows[:, 0] if one_dimensional else rows
        by_row = self._parts.by_row and not _are_events(X)
        return self._sequences(X).in_form(rows) if by_row else rows

    def _shown(self, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        """Show every sample; give the decision, and what was read, a row each time."""
        model, n = self._parts.model, self._parts.n_read
        if not _are_events(X) and (self._parts.takes_numbers or self._parts.encoding):
            one_row_each = isinstance(getattr(model, "encoder_", None), StaticEncoder)
            for sequence in self._samples(X)[:, None] if one_row_each else self._sequences(X):
                yield self._compiled.show_numbers(sequence, 1 if self._parts.by_row else len(sequence), n)
            return
        stimulus = model._check(X, reset=False)
        events = model.encoder_.transform(X) if isinstance(stimulus, Rates) else stimulus.events
        for spikes, n_steps in zip(events, stimulus.lengths.tolist(), strict=True):
            steps, channels = spikes.to_steps(model._dt_)
            every = stimulus.steps_per_row if self._parts.by_row else n_steps
            yield self._compiled.show_spikes(steps, channels, n_steps, every, n)

    def _sequences(self, X: Any) -> Any:
        return self._parts.model._sequences(values_of(X), np.float32, False)

    def _samples(self, X: Any) -> np.ndarray:
        assert self._parts.encoding is not None
        rows = np.asarray(check_array(values_of(X), dtype=np.float32))
        if rows.shape[1] != self._parts.encoding.n_columns:
            raise ValueError(f"X has {rows.shape[1]} columns; expected {self._parts.encoding.n_columns}")
        return rows
