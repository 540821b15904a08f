"""What an export gives: C text that can be written, and run on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._files import write_whole
from ._host import HostModel, compile_shared


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
        raise self._has_no("predict")

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
        raise self._has_no("decision_function")

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
        raise ValueError(f"{self._model} does not forecast")

    def transform(self, X: Any) -> Any:
        """Run the compiled C code of a liquid for its features.

        Parameters
        ----------
        X : as for the estimator
            What is shown.

        Returns
        -------
        ndarray or list of ndarrays
            What the reference's `transform` returns, bit for bit.
        """
        raise self._has_no("transform")

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
        driver = "host-driver.c"  # no model has this name
        return HostModel(compile_shared(self.files | {driver: self.driver()}, driver))

    def driver(self) -> str:
        """Return a C file that includes the others and runs whole sequences: host_run and host_self_test."""
        define = "" if self.source else f"#define {self.name.upper()}_IMPLEMENTATION\n"
        included = f"{self.name}.c" if self.source else f"{self.name}.h"
        return f'{define}#include "{included}"\n\n{self._driver}'

    @property
    def _model(self) -> str:
        return type(self.reference[-1] if isinstance(self.reference, Pipeline) else self.reference).__name__

    def _has_no(self, method: str) -> ValueError:
        return ValueError(f"{self._model} has no {method}")


def values_of(X: Any) -> Any:
    """Return tables without their column names, which scalers and estimators of a pipeline know differently."""
    return X.to_numpy() if hasattr(X, "to_numpy") else X
