"""Running rules in the compiled loop that change, step by step, what belongs to a unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .. import _core
from .._params import check_choice, check_count
from ..esn.dynamics import Leaky
from ._base import DrawnNetwork

# Multiply-adds in one call of the core: Ctrl-C is honoured between calls.
_WORK_A_CALL = 50_000_000


class UnitLoop:
    """Passes of a network over its inputs, whose units receive sums that a rule weighs.

    Parameters
    ----------
    rule : Adaptation
        Whose loop it is, for errors.
    network : DrawnNetwork
        The network.
    parts : list of (csr_array, bool)
        What units receive: recurrent weights, and whether the inputs belong to this part.
    n_epochs : int
        Passes over all sequences.
    activations : tuple of str
        Those that the rule is made for.
    """

    def __init__(
        self,
        rule: Any,
        network: DrawnNetwork,
        parts: list[tuple[sparse.csr_array, bool]],
        n_epochs: Any,
        activations: tuple[str, ...],
    ) -> None:
        self._epochs = check_count("n_epochs", n_epochs)
        try:
            check_choice("activation", network.activation, activations)
        except ValueError as error:
            raise ValueError(f"{type(rule).__name__} cannot adapt this network: {error}") from None
        if len(network.W_in) < network.n_units:
            raise ValueError(f"{type(rule).__name__} adapts networks of one layer: n_layers must be 1")
        if not isinstance(network.dynamics, Leaky):
            raise ValueError(f"{type(rule).__name__} adapts dynamics='leaky', not {network.dynamics!r}")
        if not network.is_plain:
            raise ValueError(f"{type(rule).__name__} adapts no networks with delays or multiplicative input")
        self._inputs = network.inputs
        self._leak = network.leak_rate
        self._parts = [_summing(W, network.W_in[:, : network.W_in.shape[1] * driven]) for W, driven in parts]
        self._stretch = max(1, _WORK_A_CALL // sum(part.work for part in self._parts))

    @property
    def n_steps(self) -> int:
        """Steps of all passes."""
        return self._epochs * len(self._inputs.values)

    def run(self, step: Callable[..., None], stretch: int | None = None) -> Iterator[int]:
        """Call the core, a stretch of time after another.

        Parameters
        ----------
        step : callable
            A function of the core; it gets the arguments `parts`, `leak`, `inputs` and `state`, and the number of steps
            before.
        stretch : int, default=None
            Longest stretch; None is what takes about a tenth of a second.

        Yields
        ------
        int
            Steps done.
        """
        done = 0
        longest = self._stretch if stretch is None else min(stretch, self._stretch)
        for _ in range(self._epochs):
            for sequence in self._inputs:
                state = np.zeros(len(self._leak))
                for t in range(0, len(sequence), longest):
                    inputs = np.ascontiguousarray(sequence[t : t + longest], np.float64)
                    step(done, parts=self._parts, leak=self._leak, inputs=inputs, state=state)
                    done += len(inputs)
                    yield done


def _summing(W: sparse.csr_array, W_in: np.ndarray) -> Any:
    """Compile weights to a network that only sums."""
    W = sparse.csr_array(W)
    W.sort_indices()
    n_units = W.shape[0]
    return _core.Network64(
        [n_units],
        (W.indptr.astype(np.int64), W.indices.astype(np.int32), np.ascontiguousarray(W.data, np.float64)),
        np.ascontiguousarray(W_in, np.float64),
        np.zeros(n_units),
        np.ones(n_units),
        np.zeros(n_units),
        "identity",
    )


def scale_rows(W: sparse.csr_array, factor: np.ndarray) -> sparse.csr_array:
    """Return the weights with each row multiplied by its factor."""
    scaled = W.copy()
    scaled.data = W.data * np.repeat(factor, np.diff(W.indptr))
    return scaled
