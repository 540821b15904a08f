"""States equal those of the equation itself and of ReservoirPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from reservoirs import EchoStateNetwork

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": expit,
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
}
# Far enough for errors to show, and from chaos for them not to grow.
settings = pytest.mark.parametrize(
    ("activation", "leak_rate", "connectivity"),
    [
        ("tanh", 1.0, 10),
        ("tanh", 0.3, 0.05),
        ("tanh", 0.5, 1.0),
        ("sigmoid", 0.7, 10),
        ("relu", 0.9, 5),
        ("identity", 1.0, 3),
    ],
)


def fitted(u: np.ndarray, activation: str, leak_rate: Any, connectivity: Any) -> EchoStateNetwork:
    return EchoStateNetwork(
        n_units=100,
        spectral_radius=0.8,
        activation=activation,
        leak_rate=leak_rate,
        connectivity=connectivity,
        dtype="float64",
        random_state=3,
    ).fit(u)


@pytest.fixture(scope="module")
def u() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (500, 3))


def scipy_states(esn: EchoStateNetwork, u: np.ndarray) -> np.ndarray:
    x, states = np.zeros(len(esn.bias_)), []
    for row in u:
        z = esn.W_in_ @ row + esn.W_ @ x + esn.bias_
        x = (1 - esn.leak_rate_) * x + esn.leak_rate_ * FUNCTIONS[esn.activation](z)
        states.append(x)
    return np.array(states)


@settings
def test_states_equal_a_scipy_loop(u: np.ndarray, activation: str, leak_rate: float, connectivity: Any) -> None:
    esn = fitted(u, activation, leak_rate, connectivity)
    assert_allclose(esn.transform(u), scipy_states(esn, u), rtol=0, atol=1e-12)


def test_states_of_units_with_leak_rates_of_their_own_equal_a_scipy_loop(u: np.ndarray) -> None:
    esn = fitted(u, "tanh", np.linspace(0.1, 1, 100), 10)
    assert_allclose(esn.transform(u), scipy_states(esn, u), rtol=0, atol=1e-12)


@settings
def test_states_equal_those_of_reservoirpy(u: np.ndarray, activation: str, leak_rate: float, connectivity: Any) -> None:
    nodes = pytest.importorskip("reservoirpy.nodes", reason="needs the optional extra 'peers'", exc_type=ImportError)
    esn = fitted(u, activation, leak_rate, connectivity)
    peer = nodes.Reservoir(W=esn.W_, Win=esn.W_in_, bias=esn.bias_, lr=leak_rate, activation=activation)
    assert_allclose(esn.transform(u), peer.run(u), rtol=0, atol=1e-12)
