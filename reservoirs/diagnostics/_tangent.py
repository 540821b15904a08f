"""How small differences of a network's states move on: its Jacobian, never written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from ..esn._base import BaseESN
from ..esn.dynamics import check_dynamics
from ._drive import Array

# Activations and their derivatives.
_FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(np.float64)),
    "identity": (lambda z: z, np.ones_like),
}


@dataclass(frozen=True)
class Tangents:
    """The equations of a network, and their derivatives, for many states at once.

    Attributes
    ----------
    W : CSR array of shape (n_units, n_state)
        The state is that of the units; with late links, for each remembered step that of the units and the inputs.
    W_in : ndarray of shape (n_units of the first layer, n_inputs)
        With what is fed back; of inputs that are not late.
    gates : ndarray of shape (n_units, n_inputs) or None
        By which inputs multiply what units send.
    bias, gain, keep : ndarray of shape (n_units,)
        What a unit adds and keeps, see :mod:`reservoirs.esn.dynamics`.
    mixing : CSR array of shape (n_units, n_units) or None
        What the states are multiplied by before a share of them is kept.
    potentials : bool
        Whether states are potentials, of which units send the rates.
    activation : str
    """

    W: Any
    W_in: Array
    gates: Array | None
    bias: Array
    gain: Array
    keep: Array
    mixing: Any
    potentials: bool
    activation: str

    @classmethod
    def of(cls, network: BaseESN) -> Tangents:
        """Read a fitted network."""
        dynamics = check_dynamics(network.dynamics)
        mixing = dynamics._linear(getattr(network, "mixing_", None), network.leak_rate_)
        W, W_in, _, gates = network._over_time(network.W_)
        return cls(
            sparse.csr_array(W),
            W_in,
            gates,
            network.bias_,
            dynamics._gain(network.leak_rate_),
            dynamics._keep(network.leak_rate_),
            None if mixing is None else sparse.csr_array(mixing),
            dynamics._potentials,
            network._activation,
        )

    def advance(self, states: Array, tangents: Array, row: Array) -> tuple[Array, Array]:
        """Return states (n_starts, n_state) and tangents (n_starts, n_state, n) one step on."""
        n_starts, n_state, n = tangents.shape
        n_units = len(self.bias)
        # Units, starts, then the state and its tangents: one product with the weights does all of them.
        state = np.concatenate([states.T[:, :, None], tangents.transpose(1, 0, 2)], axis=2)
        new = state[:n_units]
        if self.mixing is not None:
            new = (self.mixing @ new.reshape(n_units, -1)).reshape(new.shape)
        new = self.keep[:, None, None] * new
        sent = self._activated(state) if self.potentials else state.copy()
        if self.gates is not None:
            sent *= (1 + self.gates @ row)[:, None, None]
        n_first = len(self.W_in)
        for begin in range(0, n_units, n_first):
            layer = slice(begin, begin + n_first)
            z = (self.W[layer] @ sent.reshape(n_state, -1)).reshape(n_first, n_starts, 1 + n)
            z[:, :, 0] += self.bias[layer, None]
            if begin == 0:
                z[:, :, 0] += (self.W_in @ row)[:, None]
            new[layer] += self.gain[layer, None, None] * (z if self.potentials else self._activated(z))
            # The layers above see what is new.
            sent[layer] = self._activated(new[layer]) if self.potentials else new[layer]
        if n_state > n_units:
            arrived = np.zeros((len(row), n_starts, 1 + n))
            arrived[:, :, 0] = row[:, None]
            new = np.concatenate([new, arrived, state])[:n_state]
        return new[:, :, 0].T, new[:, :, 1:].transpose(1, 0, 2)

    def _activated(self, z: Array) -> Array:
        """Return f(z) and its tangents, from z and its tangents along the last axis."""
        f, slope = _FUNCTIONS[self.activation]
        values = z[:, :, :1]
        return np.concatenate([f(values), slope(values) * z[:, :, 1:]], axis=2)
