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
    W : CSR array of shape (n_units, n_units)
    W_in : ndarray of shape (n_units of the first layer, n_inputs)
        With what is fed back.
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
        return cls(
            sparse.csr_array(network.W_),
            np.hstack([network.W_in_, getattr(network, "W_fb_", network.W_in_[:, :0])]),
            network.bias_,
            dynamics._gain(network.leak_rate_),
            dynamics._keep(network.leak_rate_),
            None if mixing is None else sparse.csr_array(mixing),
            dynamics._potentials,
            network._activation,
        )

    def advance(self, states: Array, tangents: Array, row: Array) -> tuple[Array, Array]:
        """Return states (n_starts, n_units) and tangents (n_starts, n_units, n) one step on."""
        n_starts, n_units, n = tangents.shape
        # Units, starts, then the state and its tangents: one product with the weights does all of them.
        state = np.concatenate([states.T[:, :, None], tangents.transpose(1, 0, 2)], axis=2)
        new = state if self.mixing is None else (self.mixing @ state.reshape(n_units, -1)).reshape(state.shape)
        new = self.keep[:, None, None] * new
        sent = self._activated(state) if self.potentials else state.copy()
        n_first = len(self.W_in)
        for begin in range(0, n_units, n_first):
            layer = slice(begin, begin + n_first)
            z = (self.W[layer] @ sent.reshape(n_units, -1)).reshape(n_first, n_starts, 1 + n)
            z[:, :, 0] += self.bias[layer, None]
            if begin == 0:
                z[:, :, 0] += (self.W_in @ row)[:, None]
            new[layer] += self.gain[layer, None, None] * (z if self.potentials else self._activated(z))
            # The layers above see what is new.
            sent[layer] = self._activated(new[layer]) if self.potentials else new[layer]
        return new[:, :, 0].T, new[:, :, 1:].transpose(1, 0, 2)

    def _activated(self, z: Array) -> Array:
        """Return f(z) and its tangents, from z and its tangents along the last axis."""
        f, slope = _FUNCTIONS[self.activation]
        values = z[:, :, :1]
        return np.concatenate([f(values), slope(values) * z[:, :, 1:]], axis=2)
