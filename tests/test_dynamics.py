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
from reservoirs.diagnostics import contraction_bound
from reservoirs.esn import ES2N, ContractingModules, Euler, Leaky, Voltage
from reservoirs.esn.dynamics import Dynamics
from reservoirs.topology import CycleWithJumps, Wave, cycle, diagonal_metric, metric_norm, spectral_radius

SEEDED: dict[str, Any] = {"n_units": 20, "random_state": 0, "n_jobs": 1}
FORMS: dict[str, Dynamics] = {
    "leaky": Leaky(),
    "es2n": ES2N(),
    "es2n random": ES2N("random"),
    "euler": Euler(0.1),
    "voltage": Voltage(),
    "modules": ContractingModules(n_modules=2),
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
        before, turned = x, dense(esn.mixing_) @ x if hasattr(esn, "mixing_") else x
        for layer in range(len(a) // n):
            mine = slice(layer * n, (layer + 1) * n)
            z = W[mine] @ x + esn.bias_[mine] + (esn.W_in_ @ u if layer == 0 else 0)
            new = x.copy()
            if isinstance(esn.dynamics, Voltage):
                v[mine] = (1 - a[mine]) * v[mine] + z
                new[mine] = np.tanh(v[mine])
            elif isinstance(esn.dynamics, Euler):
                new[mine] = before[mine] + a[mine] * np.tanh(z)
            elif isinstance(esn.dynamics, ContractingModules):
                new[mine] = before[mine] + a[mine] * (turned[mine] - before[mine] + np.tanh(z))
            else:
                new[mine] = (1 - a[mine]) * turned[mine] + a[mine] * np.tanh(z)
            x = new
        shown.append(x)
    return np.array(shown)


@every_form
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("leak_rate", [0.2, np.linspace(0.05, 1, 20)], ids=["one", "per unit"])
def test_states_follow_the_equation(name: str, n_layers: int, leak_rate: Any, rng: np.random.Generator) -> None:
    if name == "modules":
        leak_rate = 0.02
    u = rng.uniform(-1, 1, (40, 2))
    esn = EchoStateNetwork(dynamics=FORMS[name], n_layers=n_layers, leak_rate=leak_rate, **SEEDED).fit(u)
    np.testing.assert_allclose(esn.transform(u), numpy_features(esn, u), atol=1e-12)


@every_form
def test_closed_loops_go_on_as_the_stream_does(name: str) -> None:
    y = np.sin(np.arange(200) / 5)
    leak_rate = 0.02 if name == "modules" else 0.3
    model = ESNForecaster(dynamics=FORMS[name], leak_rate=leak_rate, **SEEDED).fit(y)
    once = ESNRegressor(dynamics=FORMS[name], leak_rate=leak_rate, feedback_scaling=0.5, **SEEDED)
    once.fit(y[:, None], y)
    stream = once.stream()
    np.testing.assert_array_equal([stream.step(row) for row in y[:50, None]], once.predict(y[:50, None]))
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
        ({"dynamics": ContractingModules(3)}, "n_modules=3 must divide the number of units, 500"),
        ({"dynamics": ContractingModules(5), "topology": np.eye(5)}, "topology has them given"),
        ({"dynamics": ContractingModules(5)}, "leak_rate=1 must be less than 0"),
        ({"dynamics": ContractingModules(5), "spectral_radius": 3.0}, "and the norm 2.* of the recurrent weights"),
        ({"dynamics": ContractingModules(5), "leak_rate": np.linspace(0.1, 0.2, 500)}, "needs one for all"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(**parameters).fit(np.zeros((10, 1)))


# ES2N.


@pytest.mark.parametrize("orthogonal", ["cycle", "random"])
def test_the_orthogonal_part_is_orthogonal(orthogonal: str) -> None:
    esn = EchoStateNetwork(dynamics=ES2N(orthogonal), n_layers=2, **SEEDED).fit(np.zeros((10, 1)))
    turn = dense(esn.mixing_)
    np.testing.assert_allclose(turn @ turn.T, np.eye(40), atol=1e-14)
    assert not turn[:20, 20:].any()
    assert not turn[20:, :20].any()


@pytest.mark.parametrize("orthogonal", ["cycle", "random"])
def test_eigenvalues_lie_by_the_circle(orthogonal: str) -> None:
    # Bauer and Fike: those of a normal matrix move by at most the norm of what is added.
    a = 0.1
    esn = EchoStateNetwork(60, dynamics=ES2N(orthogonal), random_state=0).fit(np.zeros((10, 1)))
    W = dense(esn.W_)
    moduli = np.abs(np.linalg.eigvals((1 - a) * dense(esn.mixing_) + a * W))
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


# Modules, and certificates.


def assembly(seed: int, coupling: float) -> EchoStateNetwork:
    """Modules that step half as far as the certificate allows."""
    w = 0.8
    a = (1 - w) / (1 + coupling**2 - w**2)
    dynamics = ContractingModules(n_modules=3, coupling=coupling)
    esn = EchoStateNetwork(30, spectral_radius=w, connectivity=4, leak_rate=a, dynamics=dynamics, random_state=seed)
    return esn.fit(np.zeros((10, 2)))


def distances(esn: EchoStateNetwork, n_steps: int, seed: int) -> np.ndarray:
    """Return how far two trajectories under one input are apart, in the metric of the weights."""
    rng = np.random.default_rng(seed)
    p, streams = diagonal_metric(esn.W_), [esn.stream(), esn.stream()]
    for stream in streams:
        stream.state = rng.uniform(-1, 1, 30)
    apart = [streams[0].state - streams[1].state]
    apart += [streams[0].step(u) - streams[1].step(u) for u in rng.uniform(-1, 1, (n_steps, 2))]
    return np.linalg.norm(p * apart, axis=1)


@pytest.mark.parametrize("coupling", [0.0, 1.0, 3.0, 10.0])
def test_modules_contract_as_certified(coupling: float) -> None:
    for seed in range(5):
        esn = assembly(seed, coupling)
        p, a = diagonal_metric(esn.W_), esn.leak_rate
        norm = metric_norm(esn.W_, p)
        bound = contraction_bound(esn)
        assert norm <= 0.8 + 1e-9
        assert bound == pytest.approx(np.sqrt((1 - a) ** 2 + (a * coupling) ** 2) + a * norm, rel=1e-12)
        assert bound < 1
        apart = distances(esn, 100, seed)
        assert (apart[1:] <= bound * apart[:-1] + 1e-13).all()


def test_the_coupling_is_antisymmetric_in_the_metric() -> None:
    esn = assembly(0, 2.0)
    p = diagonal_metric(esn.W_)
    S = p[:, None] * dense(esn.mixing_) / p
    np.testing.assert_allclose(S, -S.T, atol=1e-12)
    assert np.linalg.norm(S, 2) == pytest.approx(2.0)
    module = np.arange(30) // 10
    assert not dense(esn.W_)[module[:, None] != module].any()
    assert not dense(esn.mixing_)[module[:, None] == module].any()
    for i in range(3):
        assert spectral_radius(abs(dense(esn.W_)[module == i][:, module == i])) == pytest.approx(0.8)


def test_positive_feedback_between_modules_does_not_contract() -> None:
    for seed in range(5):
        esn = assembly(seed, 3.0)
        assert distances(esn, 2000, seed)[-1] < 1e-6
        flipped = dense(esn.mixing_)
        flipped[:10, 10:] *= -1  # what the first module reads of the others
        esn.mixing_ = sparse.csr_array(flipped)
        esn._compile()
        assert contraction_bound(esn) > 1
        assert distances(esn, 2000, seed)[-1] > 1


@pytest.mark.parametrize("name", ["leaky", "voltage"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_the_bound_holds_for_any_network(name: str, activation: str) -> None:
    for seed in range(3):
        radius = 1.5 if activation == "sigmoid" else 0.3
        esn = EchoStateNetwork(30, spectral_radius=radius, dynamics=name, activation=activation, leak_rate=0.7)
        esn.set_params(random_state=seed).fit(np.zeros((10, 2)))
        bound = contraction_bound(esn)
        assert bound < 1
        if name == "leaky":
            apart = distances(esn, 50, seed)
            assert (apart[1:] <= bound * apart[:-1] + 1e-13).all()


def test_the_bound_is_for_one_layer() -> None:
    with pytest.raises(ValueError, match="n_layers=2 must be 1"):
        contraction_bound(EchoStateNetwork(10, n_layers=2).fit(np.zeros((10, 1))))


@pytest.mark.parametrize("density", [0.0, 0.03, 0.2, 1.0])
def test_no_diagonal_metric_is_better(density: float, rng: np.random.Generator) -> None:
    W = np.where(rng.random((30, 30)) < density, rng.normal(size=(30, 30)), 0)
    p = diagonal_metric(W)
    radius = spectral_radius(abs(W))
    assert metric_norm(abs(W), p) == pytest.approx(radius, abs=1e-4 + 1e-6 * radius)
    assert metric_norm(W, p) <= metric_norm(abs(W), p) + 1e-12
    if density == 1:
        np.testing.assert_allclose(diagonal_metric(p[:, None] * W / p), 1, atol=1e-6)


def test_large_norms_come_from_arpack(rng: np.random.Generator) -> None:
    W = sparse.random_array((500, 500), density=0.02, rng=rng)
    assert metric_norm(W, np.ones(500)) == pytest.approx(np.linalg.norm(W.toarray(), 2), rel=1e-9)


# Topologies.


def test_a_wave_is_a_delay_line_for_each_channel(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (60, 3))
    esn = EchoStateNetwork(
        30, topology=Wave(3), spectral_radius=1.0, activation="identity", bias_scaling=0.0, random_state=0
    )
    states = esn.fit_transform(u).reshape(60, 3, 10)
    entered = u @ esn.W_in_[::10].T
    for position in range(10):
        np.testing.assert_allclose(states[position:, :, position], entered[: 60 - position], atol=1e-14)


def test_the_memory_of_a_wave_is_its_length(rng: np.random.Generator) -> None:
    line = EchoStateNetwork(40, topology=Wave(), spectral_radius=1.0, activation="identity", bias_scaling=0.0)
    assert memory_capacity(line, 60, rng) == pytest.approx(39, rel=0.02)  # and the present input


def test_a_circular_wave_comes_round() -> None:
    esn = EchoStateNetwork(
        6, topology=Wave(boundary="circular"), spectral_radius=0.5, activation="identity", bias_scaling=0.0
    )
    states = esn.fit_transform(np.eye(13, 1))
    np.testing.assert_allclose(states[6], states[0] * 0.5**6)
    np.testing.assert_allclose(states[12, 0], states[0, 0] * 0.5**12)


def test_copying_symbols_from_a_wave(rng: np.random.Generator) -> None:
    # What was shown 30 steps ago, of 10 symbols.
    symbols = rng.integers(0, 10, 3000)
    model = ESNRegressor(
        10 * 31, topology=Wave(10), spectral_radius=1.0, input_scaling=0.1, random_state=0, features="states"
    )
    shown = np.eye(10)[symbols]
    target = np.roll(shown, 30, axis=0)
    predicted = model.fit(shown[:2000], target[:2000]).predict(shown)[2000:]
    assert (predicted.argmax(axis=1) == target[2000:].argmax(axis=1)).all()


@pytest.mark.parametrize(("n_units", "jump", "n_shortcuts"), [(12, 3, 4), (13, 3, 4), (14, 4, 3), (8, 4, 1)])
def test_cycles_with_jumps(n_units: int, jump: int, n_shortcuts: int) -> None:
    W = CycleWithJumps(jump, 0.25).weights(n_units, np.random.default_rng(0)).toarray()
    shortcuts = W - cycle(n_units).toarray()
    np.testing.assert_array_equal(shortcuts, shortcuts.T)
    assert (shortcuts[shortcuts != 0] == 0.25).all()
    assert np.count_nonzero(shortcuts) == 2 * n_shortcuts
    ends = np.argwhere(shortcuts)
    assert (ends % jump == 0).all()
    apart = np.abs(ends[:, 0] - ends[:, 1])
    assert set(np.minimum(apart, n_units - apart)) == {jump}


def test_cycles_with_jumps_have_inputs_of_one_size() -> None:
    esn = EchoStateNetwork(50, topology=CycleWithJumps(7), spectral_radius=0.8, input_scaling=0.3)
    esn.fit(np.zeros((10, 2)))
    assert spectral_radius(esn.W_) == pytest.approx(0.8)
    np.testing.assert_array_equal(abs(esn.W_in_), 0.3)


@pytest.mark.parametrize(
    ("topology", "message"),
    [
        (CycleWithJumps(1), "jump=1 must be an integer of at least 2"),
        (CycleWithJumps(11), "jump=11 must be at most half of the number of units, 20"),
        (Wave(3), "n_channels=3 must divide the number of units, 20"),
        (Wave(boundary="open"), "boundary='open' is not one of"),
    ],
)
def test_wrong_topologies(topology: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(20, topology=topology).fit(np.zeros((10, 1)))
