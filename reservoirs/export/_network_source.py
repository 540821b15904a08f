"""Running the exported C code of an echo-state network or NVAR."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._params import check_count
from ..forecasting import _check_exogenous
from ..sequences import Sequences, check_sequences
from ._fixed import FixedNetwork
from ._parts import Parts
from ._source import CSource, values_of


@dataclass(frozen=True)
class NetworkSource(CSource):
    """An echo-state network or NVAR as C99 source."""

    _parts: Parts = field(repr=False)
    _fixed: FixedNetwork | None = field(repr=False)

    def predict(self, X: Any, exogenous: Any = None) -> Any:
        """As `CSource.predict`."""
        if self._parts.kind == "forecaster":
            return self._predict_series(X, exogenous)
        if exogenous is not None:
            raise ValueError(f"exogenous={exogenous!r} must be None: {self._model} has none")
        model = self._parts.estimator
        classifies = self._parts.kind == "classifier"
        inputs = check_sequences(model, values_of(X), dtype=np.float32, reset=False, rows_are_series=classifies)
        if classifies:
            return model.classes_[[self._decision(u)[0] for u in inputs]]
        rows = np.concatenate([self._compiled.run(u, self._parts.n_outputs) for u in inputs])
        return inputs.in_form(rows[:, 0] if model._one_dimensional_ else rows)

    def decision_function(self, X: Any) -> np.ndarray:
        """As `CSource.decision_function`."""
        if self._parts.kind != "classifier":
            raise self._has_no("decision_function")
        inputs = check_sequences(
            self._parts.estimator, values_of(X), dtype=np.float32, reset=False, rows_are_series=True
        )
        scores = np.stack([self._decision(u)[1] for u in inputs])
        return scores[:, 0] if self._parts.n_outputs == 1 else scores

    def forecast(self, n_steps: int, X: Any = None, *, warmup: Any, warmup_X: Any = None) -> np.ndarray:
        """As `CSource.forecast`."""
        if self._parts.kind != "forecaster":
            raise ValueError(f"{self._model} does not forecast")
        n_steps = check_count("n_steps", n_steps)
        series = self._parts.estimator._check_series(values_of(warmup), "warmup")
        if series.form != "single":
            raise ValueError(f"warmup holds {len(series)} series; expected one")
        past = self._exogenous(warmup_X, "warmup_X", series)
        steps = Sequences(np.empty((n_steps, series.n_features), np.float32), np.array([0, n_steps]), "single")
        x = np.concatenate([past.values, self._exogenous(X, "X", steps).values])
        rows = self._compiled.run_on(series.values, x, len(series.values) + n_steps)[len(series.values) :]
        return rows[:, 0] if self._parts.estimator._one_dimensional_ else rows

    def _predict_series(self, y: Any, X: Any) -> Any:
        series = self._parts.estimator._check_series(values_of(y), "y")
        exogenous = self._exogenous(X, "X", series)
        rows = [self._compiled.run_on(part, x, len(part)) for part, x in zip(series, exogenous, strict=True)]
        joined = np.concatenate(rows)
        return series.in_form(joined[:, 0] if self._parts.estimator._one_dimensional_ else joined)

    def _exogenous(self, X: Any, name: str, series: Sequences) -> Sequences:
        width = self._parts.n_exogenous
        if X is None:
            if width:
                raise ValueError(f"{name}=None, but the fit had {width} exogenous variables: give their values")
            return series.with_values(np.zeros((len(series.values), 0), np.float32))
        exogenous = _check_exogenous(X, name, series)
        self._parts.estimator._check_width(exogenous.n_features, name)
        return exogenous

    def _decision(self, u: np.ndarray) -> tuple[int, np.ndarray]:
        best, scores = self._compiled.decide(u, self._parts.n_outputs)
        if best < 0:
            washout = self._parts.estimator.washout_
            raise ValueError(f"washout={washout} leaves nothing of a sequence of {len(u)} time steps")
        return best, scores
