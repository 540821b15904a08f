"""Running the exported C code of a liquid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..lsm import LiquidStateMachine
from ..lsm._present import Currents, Rates
from ._liquid import LiquidParts
from ._source import CSource


@dataclass(frozen=True)
class LiquidSource(CSource):
    """A liquid as C99 source."""

    _parts: LiquidParts = field(repr=False)

    def predict(self, X: Any, exogenous: Any = None) -> Any:
        """As `CSource.predict`."""
        if exogenous is not None:
            raise ValueError(f"exogenous={exogenous!r} must be None: {self._model} has none")
        if isinstance(self.reference, LiquidStateMachine):
            raise self._has_no("predict")
        if self._parts.classifies:
            return self.reference.classes_[[decision for decision, _ in self._shown(X)]]
        return self._in_form(X, one_dimensional=self.reference._one_dimensional_)

    def decision_function(self, X: Any) -> np.ndarray:
        """As `CSource.decision_function`."""
        if not self._parts.classifies:
            raise self._has_no("decision_function")
        scores = np.concatenate([rows for _, rows in self._shown(X)])
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def transform(self, X: Any) -> Any:
        """As `CSource.transform`."""
        if not isinstance(self.reference, LiquidStateMachine):
            raise self._has_no("transform")
        return self._in_form(X)

    def _in_form(self, X: Any, *, one_dimensional: bool = False) -> Any:
        rows = np.concatenate([rows for _, rows in self._shown(X)])
        rows = rows[:, 0] if one_dimensional else rows
        sequences = self.reference._check(X, reset=False).rows if self._parts.by_row else None
        return rows if sequences is None else sequences.in_form(rows)

    def _shown(self, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        """Show every sample; give the decision, and what was read, a row each time."""
        model, n = self.reference, self._parts.n_read
        stimulus = model._check(X, reset=False)
        if isinstance(stimulus, Currents) and stimulus.rows is not None:
            for sequence in stimulus.rows:
                yield self._compiled.show_numbers(sequence, 1 if self._parts.by_row else len(sequence), n)
            return
        events = model.encoder_.transform(X) if isinstance(stimulus, Rates) else stimulus.events
        for spikes, n_steps in zip(events, stimulus.lengths.tolist(), strict=True):
            steps, channels = spikes.to_steps(model._dt_)
            every = stimulus.steps_per_row if self._parts.by_row else n_steps
            yield self._compiled.show_spikes(steps, channels, n_steps, every, n)
