"""Fitting and applying a readout on streamed features: ridge by default, any scikit-learn estimator instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from ..readout import Gram, solve_ridge
from ..sequences import Sequences
from ._base import BaseESN
from ._harvest import Harvester, make_readout


class LinearReadoutMixin(BaseESN):
    """An echo-state network whose readout maps the features of a time step to outputs.

    Learned: coef_, intercept_ and alpha_ (ridge), or readout_ (a scikit-learn estimator).
    """

    alpha: Any
    readout: Any

    def _accumulate(
        self, gram: Gram, inputs: Sequences, targets: np.ndarray, washout: int, final: np.ndarray | None = None
    ) -> None:
        blocks = self._harvester().blocks(inputs, washout=washout, noise=self._noise(), final=final)
        of_targets = inputs.with_values(targets)
        for block, bounds, _ in blocks:
            gram.update(block, of_targets.rows(bounds))

    def _solve(self, gram: Gram) -> None:
        solution = solve_ridge(gram, self.alpha)
        self.coef_ = solution.coef
        self.intercept_ = solution.intercept
        self.alpha_ = solution.alpha
        self._linear_ = make_readout(self.coef_, self.intercept_, self.W_.dtype)

    def _fit_readout(
        self, inputs: Sequences, targets: np.ndarray, washout: int, final: np.ndarray | None = None
    ) -> None:
        """Fit the readout on the features after `washout`; write the last states to `final`."""
        if self.readout is None:
            gram = Gram()
            self._accumulate(gram, inputs, targets, washout, final)
            self._solve(gram)
            return
        features, kept = [], []
        blocks = self._harvester().blocks(inputs, washout=washout, noise=self._noise(), final=final)
        of_targets = inputs.with_values(targets)
        for block, bounds, _ in blocks:
            features.append(block.copy())
            kept.append(of_targets.rows(bounds))
        rows = np.concatenate(kept)
        self.readout_ = clone(self.readout).fit(np.concatenate(features), rows[:, 0] if rows.shape[1] == 1 else rows)

    def _outputs(self, features: np.ndarray) -> np.ndarray:
        """Apply the readout, shape (n_rows, n_outputs)."""
        if hasattr(self, "readout_"):
            return np.asarray(self.readout_.predict(features)).reshape(len(features), -1)
        outputs: np.ndarray = self._linear_.apply(features)
        return outputs

    def _open_loop(self, inputs: Sequences, n_outputs: int) -> np.ndarray:
        """Return the outputs of every row, driven by the inputs."""
        out = np.empty((len(inputs.values), n_outputs), self.W_.dtype)
        for block, bounds, _ in self._harvester().blocks(inputs):
            outputs = self._outputs(block)
            at = 0
            for begin, end in bounds:
                out[begin:end] = outputs[at : at + end - begin]
                at += end - begin
        return out

    def _closed_loop(self, external: np.ndarray, states: np.ndarray, fed_back: np.ndarray) -> np.ndarray:
        """Run sequences of equal length on their own outputs; see Harvester.closed_loop."""
        harvester = self._harvester()
        dtype = self.W_.dtype
        fed_back = np.ascontiguousarray(fed_back, dtype)
        if not hasattr(self, "readout_"):
            return harvester.closed_loop(self._linear_, np.ascontiguousarray(external, dtype), states, fed_back)
        return _step_by_step(harvester, self._outputs, external, states, fed_back)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled estimator and compile its readout again."""
        super().__setstate__(state)
        if hasattr(self, "coef_"):
            self._linear_ = make_readout(self.coef_, self.intercept_, self.W_.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the arrays, not the compiled readout."""
        state = super().__getstate__()
        state.pop("_linear_", None)
        return state


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
    offsets = np.arange(n_sequences + 1)
    for t in range(n_steps):
        inputs = Sequences(np.hstack([external[:, t], fed_back]).astype(harvester.dtype), offsets, "list")
        final = np.empty_like(states)
        for block, bounds, _ in harvester.blocks(inputs, initial=states, final=final):
            fed_back[bounds[:, 0]] = outputs_of(block)
        outputs[:, t] = fed_back
        states = final
    return outputs

