"""Fitting and applying a readout on streamed features: ridge by default, any scikit-learn estimator instead."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from ..readout import solve_ridge, sums_with
from ..sequences import Sequences
from ._base import BaseESN
from ._harvest import Harvester, make_readout


class LinearReadoutMixin(BaseESN):
    """An echo-state network whose readout maps the features of a time step to outputs.

    Learned: coef_, intercept_ and alpha_ (ridge), or readout_ (a scikit-learn estimator); _gram_, the sums of ridge
    regression, and _n_sequences_seen_.
    """

    alpha: Any
    # How many times the least cross-validation error is accepted for a larger penalty.
    _slack = 1.0
    readout: Any

    @abstractmethod
    def _training(self, X: Any, y: Any = None, /) -> tuple[Sequences, np.ndarray]:
        """Check what `fit` is given and learn its shape and moments; return what drives the network and the targets."""

    @abstractmethod
    def _driving(self, X: Any, y: Any = None, /) -> Sequences:
        """Return what drives the network where `predict` is given this."""

    def _fit_readout(self, inputs: Sequences, targets: np.ndarray, *, final: np.ndarray | None = None) -> None:
        """Fit the readout on the features after the washout; write the last states to `final`.

        The sums of ridge regression go on from those that were kept.
        """
        of_targets = inputs.with_values(targets)
        blocks = self._harvester().blocks(
            inputs,
            washout=self.washout_,
            noise=self._noise(),
            final=final,
            tolerance=self._tolerance(self.W_.dtype),
        )
        rows = ((features, of_targets.rows(bounds)) for features, bounds, _ in blocks)
        # So that the sequences of the next part get noise of their own.
        n_seen = getattr(self, "_n_sequences_seen_", 0) + len(inputs)
        if self.readout is not None:
            self.readout_ = self._fitted_estimator([(features.copy(), true) for features, true in rows])
            self._gram_ = None
        else:
            self._gram_ = sums_with(self, rows, self.n_jobs)
            solution = solve_ridge(self._gram_, self.alpha, slack=self._slack)
            self.coef_, self.intercept_, self.alpha_ = solution.coef, solution.intercept, solution.alpha
            self._compile_readout()
        self._n_sequences_seen_ = n_seen

    def _fitted_estimator(self, rows: list[tuple[np.ndarray, np.ndarray]]) -> Any:
        features, true = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        check_not_diverged(features)
        return clone(self.readout).fit(features, true[:, 0] if true.shape[1] == 1 else true)

    def _compile(self) -> None:
        super()._compile()
        if hasattr(self, "coef_"):
            self._compile_readout()

    def _compile_readout(self) -> None:
        self._linear_ = make_readout(self.coef_, self.intercept_, self.W_.dtype)

    def _outputs(self, features: np.ndarray) -> np.ndarray:
        """Apply the readout, shape (n_rows, n_outputs)."""
        if not hasattr(self, "readout_"):
            outputs: np.ndarray = self._linear_.apply(features)
            return outputs
        if not np.isfinite(features).all():
            # No scikit-learn estimator takes these: as with ridge regression the outputs are not finite, and warned of.
            return np.full((len(features), 1), np.nan)
        return np.asarray(self.readout_.predict(features)).reshape(len(features), -1)

    def _open_loop(self, inputs: Sequences, n_outputs: int) -> np.ndarray:
        """Return the outputs of every row, driven by the inputs."""
        outputs = inputs.with_values(np.empty((len(inputs.values), n_outputs), self.W_.dtype))
        for block, bounds, _ in self._harvester().blocks(inputs):
            outputs.put_rows(bounds, self._outputs(block))
        return outputs.values

    def _closed_loop(self, external: np.ndarray, states: np.ndarray, fed_back: np.ndarray) -> np.ndarray:
        """Run sequences of equal length on their own outputs; see Harvester.closed_loop."""
        harvester = self._harvester()
        if not hasattr(self, "readout_"):
            return harvester.closed_loop(self._linear_, external, states, fed_back)
        return _step_by_step(harvester, self._outputs, external, states, fed_back)


def check_not_diverged(features: np.ndarray) -> None:
    """Raise if the reservoir has left the range of numbers; Gram does so by itself."""
    if not np.isfinite(features).all():
        raise ValueError(
            "features contain NaN or infinite values: the reservoir diverged. A smaller spectral_radius or a bounded "
            "activation keeps it finite."
        )


def _step_by_step(
    harvester: Harvester,
    outputs_of: Callable[[np.ndarray], np.ndarray],
    external: np.ndarray,
    states: np.ndarray,
    fed_back: np.ndarray,
) -> np.ndarray:
    """Close the loop through a readout that only Python can call."""
    n_sequences, n_steps = external.shape[:2]
    outputs = np.empty((n_sequences, n_steps, fed_back.shape[1]), harvester.dtype)
    fed_back = fed_back.copy()
    offsets = np.arange(n_sequences + 1)
    for t in range(n_steps):
        inputs = Sequences(np.hstack([external[:, t], fed_back]), offsets, "list")
        final = np.empty_like(states)
        for block, bounds, _ in harvester.blocks(inputs, initial=states, final=final):
            fed_back[bounds[:, 0]] = outputs_of(block)
        outputs[:, t] = fed_back
        states = final
    return outputs
