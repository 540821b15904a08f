"""What an export gives: C text that can be written, and run on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

from .._files import write_whole
from .._params import check_count
from ..forecasting import _check_exogenous
from ..sequences import Sequences, check_sequences
from ._fixed import FixedNetwork
from ._host import HostModel, compile_shared
from ._parts import Parts


@dataclass(frozen=True)
class CSource:
    """A model as C99 source.

    Attributes
    ----------
    name : str
        The prefix of every identifier, and the files' name.
    header : str
        Text of ``name.h``.
    source : str
        Text of ``name.c``; empty if the header holds everything.
    reference : estimator or Pipeline
        The float32 model whose predictions the C code equals, or comes near in integers: the exported model, rounded.
    """

    name: str
    header: str
    source: str
    reference: Any = field(repr=False)
    _parts: Parts = field(repr=False)
    _fixed: FixedNetwork | None = field(repr=False)
    _driver: str = field(repr=False)

    def __str__(self) -> str:
        """Return the comment that tells sizes and costs."""
        return self.header[: self.header.index("*/") + 2]

    @property
    def facts(self) -> str:
        """Sizes and costs: the comment's text."""
        return dedent(f"   {str(self)[3:-3]}")

    @property
    def files(self) -> dict[str, str]:
        """The text of each file by its name."""
        files = {f"{self.name}.h": self.header}
        return files | {f"{self.name}.c": self.source} if self.source else files

    def write(self, directory: Any) -> list[Path]:
        """Write the files, each whole or not at all.

        Parameters
        ----------
        directory : str or path
            Where to; it is made if need be.

        Returns
        -------
        list of Path
            The files written.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            write_whole(folder / name, text.encode("ascii"))
        return [folder / name for name in self.files]

    def predict(self, X: Any, exogenous: Any = None) -> Any:
        """Run the compiled C code as the estimator's `predict` runs.

        The first call compiles the code with the system's C compiler.

        Parameters
        ----------
        X : as for the estimator
            Inputs; for a forecaster the series, its `y`. They are rounded to float32.
        exogenous : as for the estimator, default=None
            A forecaster's exogenous series, its `X`; needed if the fit had some.

        Returns
        -------
        ndarray or list of ndarrays
            What the reference's `predict` returns, in float32 bit for bit.

        Raises
        ------
        RuntimeError
            If there is no C compiler.
        ValueError
            For input that does not fit.
        """
        if self._parts.kind == "forecaster":
            return self._predict_series(X, exogenous)
        if exogenous is not None:
            raise ValueError(f"exogenous={exogenous!r} must be None: {self._model} has none")
        model = self._parts.estimator
        classifies = self._parts.kind == "classifier"
        inputs = check_sequences(model, _values(X), dtype=np.float32, reset=False, rows_are_series=classifies)
        if classifies:
            return model.classes_[[self._decision(u)[0] for u in inputs]]
        rows = np.concatenate([self._compiled.run(u, self._parts.n_outputs) for u in inputs])
        return inputs.in_form(rows[:, 0] if model._one_dimensional_ else rows)

    def decision_function(self, X: Any) -> np.ndarray:
        """Run the compiled C code of a classifier for its scores.

        Parameters
        ----------
        X : as for the estimator
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences,) for two classes, (n_sequences, n_classes) for more
            In float32. In double, they differ from the estimator's by the order of one sum.
        """
        if self._parts.kind != "classifier":
            raise ValueError(f"{self._model} has no decision_function")
        inputs = check_sequences(self._parts.estimator, _values(X), dtype=np.float32, reset=False, rows_are_series=True)
        scores = np.stack([self._decision(u)[1] for u in inputs])
        return scores[:, 0] if self._parts.n_outputs == 1 else scores

    def forecast(self, n_steps: int, X: Any = None, *, warmup: Any, warmup_X: Any = None) -> np.ndarray:
        """Run the compiled C code of a forecaster as the estimator's `forecast` runs.

        Parameters
        ----------
        n_steps : int
            How many time steps.
        X : array-like of shape (n_steps,) or (n_steps, n_exogenous), default=None
            Exogenous series of these steps.
        warmup : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs)
            The series to continue.
        warmup_X : array-like of shape (n_timesteps,) or (n_timesteps, n_exogenous), default=None
            Its exogenous series.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_outputs)
            What the reference's `forecast` returns, in float32 bit for bit.
        """
        if self._parts.kind != "forecaster":
            raise ValueError(f"{self._model} does not forecast")
        n_steps = check_count("n_steps", n_steps)
        series = self._parts.estimator._check_series(_values(warmup), "warmup")
        if series.form != "single":
            raise ValueError(f"warmup holds {len(series)} series; expected one")
        past = self._exogenous(warmup_X, "warmup_X", series)
        steps = Sequences(np.empty((n_steps, series.n_features), np.float32), np.array([0, n_steps]), "single")
        x = np.concatenate([past.values, self._exogenous(X, "X", steps).values])
        rows = self._compiled.run_on(series.values, x, len(series.values) + n_steps)[len(series.values) :]
        return rows[:, 0] if self._parts.estimator._one_dimensional_ else rows

    def self_test(self) -> int:
        """Compile the C code and run its self-test.

        Returns
        -------
        int
            0 if every bit is right, else the number of the first wrong step.
        """
        return self._compiled.self_test()

    @cached_property
    def _compiled(self) -> HostModel:
        files = self.files | {"driver.c": self.driver()}
        return HostModel(compile_shared(files, "driver.c"))

    def driver(self) -> str:
        """Return a C file that includes the others and runs whole sequences: host_run and host_self_test."""
        define = "" if self.source else f"#define {self.name.upper()}_IMPLEMENTATION\n"
        included = f"{self.name}.c" if self.source else f"{self.name}.h"
        return f'{define}#include "{included}"\n\n{self._driver}'

    @property
    def _model(self) -> str:
        return type(self._parts.estimator).__name__

    def _predict_series(self, y: Any, X: Any) -> Any:
        series = self._parts.estimator._check_series(_values(y), "y")
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


def _values(X: Any) -> Any:
    """Return tables without their column names, which scalers and estimators of a pipeline know differently."""
    return X.to_numpy() if hasattr(X, "to_numpy") else X
