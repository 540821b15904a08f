"""State equations: each against its equation in NumPy, and against what is known of it in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.esn import ES2N, Euler, Leaky, Voltage
from reservoirs.esn.dynamics import Dynamics
from reservoirs.export import to_c
from reservoirs.topology import spectral_radius

SEEDED: dict[str, Any] = {"n_units": 20, "random_state": 0, "n_jobs": 1}
FORMS: dict[str, Dynamics] = {
    "leaky": Leaky(),
    "es2n": ES2N(),
    "es2n random": ES2N("random"),
    "euler": Euler(0.1),
    "voltage": Voltage(),
}
every_form = pytest.mark.parametrize("name", FORMS)
Equation = Callable[[Any, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def dense(W: Any) -> np.ndarray:
    return W.toarray() if sparse.issparse(W) else W


def numpy_features(esn: EchoStateNetwork, inputs: np.ndarray) -> np.ndarray:
    """Run one sequence by the equations of the docstrings, in NumPy."""
    a, W, n = esn.leak_rate_, dense(esn.W_), len(esn.W_in_)
    x, v, shown = np.zeros(len(a)), np.zeros(len(a)), []
    for u in inputs:
        before, turned = x, dense(esn.orthogonal_) @ x if hasattr(esn, "orthogonal_") else x
        for layer in range(len(a) // n):
            mine = slice(layer * n, (layer + 1) * n)
            z = W[mine] @ x + esn.bias_[mine] + (esn.W_in_ @ u if layer == 0 else 0)
            new = x.copy()
            if isinstance(esn.dynamics, Voltage):
                v[mine] = (1 - a[mine]) * v[mine] + z
                new[mine] = np.tanh(v[mine])
            elif isinstance(esn.dynamics, Euler):
                new[mine] = before[mine] + a[mine] * np.tanh(z)
            else:
                new[mine] = (1 - a[mine]) * turned[mine] + a[mine] * np.tanh(z)
            x = new
        shown.append(x)
    return np.array(shown)


@every_form
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("leak_rate", [0.2, np.linspace(0.05, 1, 20)], ids=["one", "per unit"])
def test_states_follow_the_equation(name: str, n_layers: int, leak_rate: Any, rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (40, 2))
    esn = EchoStateNetwork(dynamics=FORMS[name], n_layers=n_layers, leak_rate=leak_rate, **SEEDED).fit(u)
    np.testing.assert_allclose(esn.transform(u), numpy_features(esn, u), atol=1e-12)


@every_form
def test_closed_loops_go_on_as_the_stream_does(name: str) -> None:
    y = np.sin(np.arange(200) / 5)
    model = ESNForecaster(dynamics=FORMS[name], leak_rate=0.3, **SEEDED).fit(y)
    once = ESNRegressor(dynamics=FORMS[name], leak_rate=0.3, feedback_scaling=0.5, **SEEDED)
    once.fit(y[:, None], y)
    stream = once.stream()
    np.testing.assert_array_equal([stream.step(row)[0] for row in y[:50, None]], once.predict(y[:50, None]))
    # In two halves, the second from what the first ended with.
    whole = model.forecast(20, warmup=y)
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(model.forecast(10, warmup=np.append(y, whole[:10])), whole[10:], rtol=1e-6, atol=1e-6)


def test_names_stand_for_the_defaults(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (30, 1))
    for name, form in {"leaky": Leaky(), "es2n": ES2N(), "euler": Euler(), "voltage": Voltage()}.items():
        by_name, by_object = (
            EchoStateNetwork(dynamics=given, leak_rate=0.2, **SEEDED).fit_transform(u) for given in (name, form)
        )
        np.testing.assert_array_equal(by_name, by_object)


def test_parameters_can_be_searched(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (120, 1))
    model = ESNRegressor(dynamics=Euler(), leak_rate=0.1, **SEEDED)
    search = GridSearchCV(model, {"dynamics__diffusion": [0.01, 0.5], "leak_rate": [0.1, 0.2]}, cv=2).fit(u, u[:, 0])
    assert search.best_params_.keys() == {"dynamics__diffusion", "leak_rate"}
    assert clone(model).set_params(dynamics__diffusion=0.3).dynamics.diffusion == 0.3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dynamics": "edge"}, "dynamics='edge' is neither one of 'leaky', 'es2n', 'euler', 'voltage' nor"),
        ({"dynamics": ES2N}, "is neither one of"),
        ({"dynamics": ES2N("ring")}, "orthogonal='ring' is not one of 'cycle', 'random'"),
        ({"dynamics": Euler(-1)}, "diffusion=-1 must be a finite number"),
        ({"dynamics": "euler", "topology": np.ones((3, 3))}, "would change their signs; give W - W.T"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(**parameters).fit(np.zeros((10, 1)))


@pytest.mark.parametrize("name", ["es2n", "euler", "voltage"])
def test_export_refuses_what_it_cannot_compute(name: str) -> None:
    u = np.sin(np.arange(100) / 5)[:, None]
    with pytest.raises(ValueError, match=r"dynamics=.* cannot be exported; only 'leaky' can"):
        to_c(ESNRegressor(dynamics=FORMS[name], **SEEDED).fit(u, u[:, 0]), "model")


# ES2N.


@pytest.mark.parametrize("orthogonal", ["cycle", "random"])
def test_the_orthogonal_part_is_orthogonal(orthogonal: str) -> None:
    esn = EchoStateNetwork(dynamics=ES2N(orthogonal), n_layers=2, **SEEDED).fit(np.zeros((10, 1)))
    turn = dense(esn.orthogonal_)
    np.testing.assert_allclose(turn @ turn.T, np.eye(40), atol=1e-14)
    assert not turn[:20, 20:].any()
    assert not turn[20:, :20].any()


@pytest.mark.parametrize("orthogonal", ["cycle", "random"])
def test_eigenvalues_lie_by_the_circle(orthogonal: str) -> None:
    # Bauer and Fike: those of a normal matrix move by at most the norm of what is added.
    a = 0.1
    esn = EchoStateNetwork(60, dynamics=ES2N(orthogonal), random_state=0).fit(np.zeros((10, 1)))
    W = dense(esn.W_)
    moduli = np.abs(np.linalg.eigvals((1 - a) * dense(esn.orthogonal_) + a * W))
    assert np.abs(moduli - (1 - a)).max() <= a * np.linalg.norm(W, 2) + 1e-12


def memory_capacity(esn: EchoStateNetwork, n_delays: int, rng: np.random.Generator) -> float:
    """Sum the squared correlations of the past inputs with their best linear estimates, on held-out data."""
    u = rng.uniform(-1, 1, 5000)
    states = esn.fit(u[:, None]).transform(u[:, None])
    past = np.column_stack([np.roll(u, k) for k in range(1, n_delays + 1)])
    train, test = slice(200, 3000), slice(3000, None)
    gram = states[train].T @ states[train]
    coef = np.linalg.solve(gram + 1e-9 * np.trace(gram) * np.eye(len(gram)), states[train].T @ past[train])
    estimates = states[test] @ coef
    return float(sum(np.corrcoef(estimates[:, k], past[test][:, k])[0, 1] ** 2 for k in range(n_delays)))


@pytest.mark.parametrize("orthogonal", ["cycle", "random"])
def test_the_edge_of_stability_has_a_long_linear_memory(orthogonal: str, rng: np.random.Generator) -> None:
    n = 100
    near = EchoStateNetwork(n, dynamics=ES2N(orthogonal), leak_rate=0.05, random_state=0)
    assert memory_capacity(near, n, rng) > 0.7 * n
    assert memory_capacity(EchoStateNetwork(n, random_state=0), n, rng) < 0.5 * n


# Euler.


def test_the_weights_are_antisymmetric_but_for_the_diffusion(rng: np.random.Generator) -> None:
    V = rng.uniform(-1, 1, (20, 20))
    topologies: dict[str, Any] = {"random": "random", "dense": V - V.T, "sparse": sparse.csr_array(V - V.T)}
    for name, topology in (topologies | {"cycle": "cycle", "line": "delay_line"}).items():
        esn = EchoStateNetwork(dynamics=Euler(0.3), topology=topology, spectral_radius=0.7, **SEEDED)
        A = dense(esn.fit(np.zeros((10, 1))).W_) + 0.3 * np.eye(20)
        np.testing.assert_allclose(A, -A.T, atol=1e-15)
        if name in topologies:
            assert spectral_radius(A) == pytest.approx(0.7)


def test_without_diffusion_only_the_step_adds_to_the_norm(rng: np.random.Generator) -> None:
    # x'Ax = 0 for antisymmetric A, hence |x + aAx|^2 = |x|^2 + a^2 |Ax|^2.
    a = 0.05
    esn = EchoStateNetwork(dynamics=Euler(0.0), leak_rate=a, activation="identity", bias_scaling=0.0, **SEEDED)
    stream = esn.fit(np.zeros((10, 1))).stream()
    stream.state = x = rng.uniform(-1, 1, 20)
    for _ in range(50):
        after = stream.step(np.zeros(1))
        assert after @ after == pytest.approx(x @ x + a**2 * np.sum((dense(esn.W_) @ x) ** 2), rel=1e-12)
        x = after


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_with_enough_diffusion_states_fade(activation: str, rng: np.random.Generator) -> None:
    a, gamma, radius = 0.1, 0.1, 1.0
    assert a * (gamma**2 + radius**2) <= 2 * gamma
    parameters: dict[str, Any] = {"dynamics": Euler(gamma), "leak_rate": a, "spectral_radius": radius}
    esn = EchoStateNetwork(activation=activation, bias_scaling=0.0, **parameters, **SEEDED).fit(np.zeros((10, 1)))
    stream = esn.stream()
    stream.state = x = rng.uniform(-1, 1, 20)
    norms = np.linalg.norm([x] + [stream.step(np.zeros(1)) for _ in range(400)], axis=1)
    assert norms[-1] < 0.2 * norms[0]
    if activation == "identity":  # the weights are normal: the norm follows the eigenvalues
        assert (np.diff(norms) <= 0).all()


def test_states_stay_bounded_for_long(rng: np.random.Generator) -> None:
    # Beyond the condition the origin is unstable, but tanh saturates.
    esn = EchoStateNetwork(dynamics=Euler(0.01), leak_rate=0.5, spectral_radius=2.0, **SEEDED)
    states = esn.fit_transform(rng.uniform(-1, 1, (20_000, 1)))
    assert np.abs(states[10_000:]).max() < 1.2 * np.abs(states[:10_000]).max()


# Voltage.


def test_a_potential_that_leaks_at_once_is_the_plain_network(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (50, 2))
    for activation in ("tanh", "relu", "identity"):
        plain, potentials = (
            EchoStateNetwork(dynamics=name, leak_rate=1.0, activation=activation, **SEEDED).fit_transform(u)
            for name in ("leaky", "voltage")
        )
        np.testing.assert_array_equal(plain, potentials)


def test_a_potential_rests_where_input_and_leak_balance() -> None:
    esn = EchoStateNetwork(dynamics="voltage", leak_rate=0.25, activation="sigmoid", topology=np.zeros((3, 3)))
    esn.set_params(spectral_radius=None, random_state=0)
    stream = esn.fit(np.zeros((10, 1))).stream()
    for _ in range(300):
        stream.step([0.5])
    np.testing.assert_allclose(stream.state, (esn.W_in_[:, 0] * 0.5 + esn.bias_) / 0.25, rtol=1e-12)
