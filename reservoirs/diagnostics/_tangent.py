"""How small differences of a network's states move on: its Jacobian, never written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit

from ..esn._base import BaseESN
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
    activation : str
    """

    W: Any
    W_in: Array
    bias: Array
    gain: Array
    keep: Array
    activation: str

    @classmethod
    def of(cls, network: BaseESN) -> Tangents:
        """Read a fitted network."""
        W_in = np.hstack([network.W_in_, getattr(network, "W_fb_", network.W_in_[:, :0])])
        leak = network.leak_rate_
        return cls(sparse.csr_array(network.W_), W_in, network.bias_, leak, 1 - leak, network.activation)

    def advance(self, states: Array, tangents: Array, row: Array) -> tuple[Array, Array]:
        """Return states (n_starts, n_units) and tangents (n_starts, n_units, n) one step on."""
        n_starts, n_units, n = tangents.shape
        f, slope = _FUNCTIONS[self.activation]
        # One column each, so that one product with the weights does all of them. Layers see of those below what is new.
        seen = np.concatenate([states.T[:, :, None], tangents.transpose(1, 0, 2)], axis=2)
        new = np.empty_like(seen)
        n_first = len(self.W_in)
        for begin in range(0, n_units, n_first):
            layer = slice(begin, begin + n_first)
            sums = (self.W[layer] @ seen.reshape(n_units, -1)).reshape(n_first, n_starts, 1 + n)
            z = sums[:, :, 0] + self.bias[layer, None]
            if begin == 0:
                z += (self.W_in @ row)[:, None]
            gain, keep = self.gain[layer, None, None], self.keep[layer, None, None]
            new[layer] = keep * seen[layer]
            new[layer, :, :1] += gain * f(z)[:, :, None]
            new[layer, :, 1:] += gain * slope(z)[:, :, None] * sums[:, :, 1:]
            seen[layer] = new[layer]
        return new[:, :, 0].T, new[:, :, 1:].transpose(1, 0, 2)
