"""Late links and multiplicative input: against a plain delay line for each link, and what they are for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.linear_model import Ridge

from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.adaptation import EIBalance, IntrinsicPlasticity, SynapticTurnover
from reservoirs.diagnostics import (
    consistency,
    contraction_bound,
    echo_state_index,
    effective_spectral_radius,
    lyapunov_exponents,
    memory_capacity,
)
from reservoirs.esn import ES2N, ContractingModules, Euler, Voltage
from reservoirs.export import to_c
from reservoirs.topology import EITopology

SEEDED: dict[str, Any] = {"n_units": 20, "random_state": 0, "n_jobs": 1}
LINEAR: dict[str, Any] = {"activation": "identity", "spectral_radius": None, "bias_scaling": 0.0, "random_state": 0}


def numpy_states(esn: EchoStateNetwork, inputs: np.ndarray) -> np.ndarray:
    """Look every link's past up, one by one."""
    W, delay = sparse.coo_array(esn.W_), esn.recurrent_delay_.toarray().astype(int)
    n_units, n_inputs = esn.W_in_.shape
    states = [np.zeros(n_units)]
    for t in range(len(inputs)):
        z = esn.bias_.copy()
        for i, j, w in zip(W.row, W.col, W.data, strict=True):
            steps = max(delay[i, j], 1)  # links that a rule has made have none
            if t + 1 >= steps:
                z[i] += w * states[t + 1 - steps][j]
        for i in range(n_units):
            for j in range(n_inputs):
                if t >= esn.input_delay_[i, j]:
                    z[i] += esn.W_in_[i, j] * inputs[t - int(esn.input_delay_[i, j]), j]
        states.append((1 - esn.leak_rate_) * states[-1] + esn.leak_rate_ * np.tanh(z))
    return np.array(states[1:])


@pytest.mark.parametrize(
    ("recurrent", "of_input"),
    [(1, 3), (4, 0), (3, 7), (stats.randint(1, 9), stats.poisson(2.0)), (stats.uniform(1, 5), 1)],
)
def test_every_link_has_its_delay(recurrent: Any, of_input: Any, rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (25, 2))
    esn = EchoStateNetwork(recurrent_delay=recurrent, input_delay=of_input, leak_rate=0.6, **SEEDED).fit(u)
    np.testing.assert_allclose(esn.transform(u), numpy_states(esn, u), atol=1e-12)
    if not isinstance(recurrent, int):
        assert len(np.unique(esn.recurrent_delay_.data)) > 3


def test_an_impulse_takes_its_time() -> None:
    # From the input to unit 0 in 3 steps, from there to unit 1 in 5.
    W = np.array([[0.0, 0.0], [0.5, 0.0]])
    esn = EchoStateNetwork(topology=W, recurrent_delay=5, input_delay=[3, 20], **LINEAR).fit(np.zeros((10, 1)))
    states = esn.transform(np.eye(16, 1))
    w = esn.W_in_[0, 0]
    np.testing.assert_array_equal(np.flatnonzero(states[:, 0]), [3])
    np.testing.assert_array_equal(np.flatnonzero(states[:, 1]), [8])
    assert (states[3, 0], states[8, 1]) == (w, 0.5 * w)


def test_delays_of_one_step_change_no_bit(rng: np.random.Generator) -> None:
    u = [rng.uniform(-1, 1, (n, 2)) for n in (20, 30, 9, 30, 30, 30)]
    plain = EchoStateNetwork(leak_rate=0.5, **SEEDED).fit(u)
    late = EchoStateNetwork(leak_rate=0.5, recurrent_delay=stats.randint(1, 2), **SEEDED).fit(u)
    assert hasattr(late, "recurrent_delay_")
    for a, b in zip(plain.transform(u), late.transform(u), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dynamics", [ES2N(), Euler(0.1), ContractingModules(2)])
def test_other_dynamics_have_delays(dynamics: Any, rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (40, 1))
    esn = EchoStateNetwork(dynamics=dynamics, recurrent_delay=6, leak_rate=0.01, **SEEDED).fit(u)
    plain = clone(esn).set_params(recurrent_delay=1).fit(u)
    np.testing.assert_allclose(esn.transform(u)[:6], plain.transform(u)[:6], atol=0.02)
    assert np.abs(esn.transform(u) - plain.transform(u)).max() > 1e-4
    stream = esn.stream()
    np.testing.assert_array_equal([stream.step(row) for row in u], esn.transform(u))


@pytest.mark.parametrize(
    "late", [{"recurrent_delay": stats.randint(1, 6), "input_delay": 2}, {"multiplicative_scaling": 0.5}]
)
def test_closed_loops(late: dict[str, Any]) -> None:
    y = np.sin(np.arange(300) / 5)
    model = ESNForecaster(**late, **SEEDED).fit(y)
    whole = model.forecast(20)
    assert np.abs(whole - np.sin(np.arange(300, 320) / 5)).max() < 0.2
    np.testing.assert_allclose(model.forecast(20, warmup=y), whole, atol=1e-9)
    free = ESNRegressor(feedback_scaling=0.3, **late, **SEEDED).fit(y[:, None], y)
    stream = free.stream()
    np.testing.assert_array_equal([stream.step(row) for row in y[:60, None]], free.predict(y[:60, None]))


def test_different_delays_raise_the_memory_capacity() -> None:
    def capacity(recurrent_delay: Any) -> float:
        esn = EchoStateNetwork(
            50, recurrent_delay=recurrent_delay, input_scaling=0.1, bias_scaling=0.0, random_state=0, n_jobs=1
        )
        return float(memory_capacity(esn, random_state=0).total)

    assert capacity(stats.randint(1, 11)) > 1.2 * capacity(1)


# Multiplicative input.


def test_inputs_multiply_what_units_send(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (30, 2))
    for dynamics in ("leaky", "voltage"):
        esn = EchoStateNetwork(multiplicative_scaling=0.7, leak_rate=0.4, dynamics=dynamics, **SEEDED).fit(u)
        x, v, expected = np.zeros(20), np.zeros(20), []
        for row in u:
            z = esn.W_ @ ((1 + esn.W_mul_ @ row) * x) + esn.W_in_ @ row + esn.bias_
            v = 0.6 * v + z
            x = np.tanh(v) if dynamics == "voltage" else 0.6 * x + 0.4 * np.tanh(z)
            expected.append(x)
        np.testing.assert_allclose(esn.transform(u), expected, atol=1e-12)


def test_linear_units_hold_products_of_inputs(rng: np.random.Generator) -> None:
    # A state-affine system: u(t) u(t-1) is linear in its states, but not in those of a linear network.
    u = rng.uniform(-1, 1, (3000, 1))
    y = u[1:, 0] * u[:-1, 0]
    scores = []
    for scaling in (0.0, 0.5):
        esn = EchoStateNetwork(
            40,
            activation="identity",
            bias_scaling=0.0,
            input_scaling=1.0,
            multiplicative_scaling=scaling,
            random_state=0,
        )
        states = esn.fit_transform(u)[1:]
        scores.append(Ridge(1e-6).fit(states[:2000], y[:2000]).score(states[2000:], y[2000:]))
    assert scores[0] < 0.05
    assert scores[1] > 0.95


# What runs any network.


def test_a_late_ring_decays_by_its_weight_every_lap() -> None:
    # 5 units in a ring, each link of 3 steps: a lap of 15 steps multiplies by 0.9^5.
    ring = EchoStateNetwork(5, topology="cycle", recurrent_delay=3, **{**LINEAR, "spectral_radius": 0.9})
    ring.fit(np.zeros((10, 1)))
    found = lyapunov_exponents(ring, np.zeros(600), method="jacobian", random_state=0)
    assert found.largest == pytest.approx(np.log(0.9) / 3, rel=0.01)
    at_rest = effective_spectral_radius(ring, np.zeros(300)).at_rest
    np.testing.assert_allclose(np.sort(np.abs(at_rest))[-15:], 0.9 ** (1 / 3), rtol=1e-6)


@pytest.mark.parametrize(
    "late", [{"recurrent_delay": stats.randint(1, 5), "input_delay": 2}, {"multiplicative_scaling": 0.5}]
)
def test_diagnostics_drive_them(late: dict[str, Any], rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, 600)
    esn = EchoStateNetwork(**late, **SEEDED).fit(u[:, None])
    by_both = [
        lyapunov_exponents(esn, u, method=method, n_starts=2, random_state=0).largest
        for method in ("displacement", "jacobian")
    ]
    assert by_both[0] == pytest.approx(by_both[1], abs=1e-4)
    assert by_both[0] < 0
    assert echo_state_index(esn, u, random_state=0).index == 1
    assert consistency(esn, u, random_state=0).mean == pytest.approx(1)


def test_rules_run_them_or_say_that_they_cannot(rng: np.random.Generator) -> None:
    u = rng.uniform(0, 1, (600, 1))
    late: dict[str, Any] = {"topology": EITopology(), "input_scaling": 0.05, "recurrent_delay": stats.randint(1, 6)}
    esn = EchoStateNetwork(200, adaptation=EIBalance(0.5), random_state=0, **late).fit(u)
    assert abs(esn.transform(u)[200:].mean(axis=0) - 0.5).mean() < 0.02
    for rule, message in ((EIBalance(method="online"), "method='online'"), (IntrinsicPlasticity(), "Intrinsic")):
        with pytest.raises(ValueError, match=f"{message}.* adapts no networks with delays or multiplicative input"):
            EchoStateNetwork(200, adaptation=rule, **late).fit(u)
    grown = EchoStateNetwork(activation="tanh", adaptation=SynapticTurnover(), recurrent_delay=4, **SEEDED).fit(u)
    added = (grown.W_ != 0).astype(int) - (grown.recurrent_delay_ != 0).astype(int)
    assert added.max() == 1
    np.testing.assert_allclose(grown.transform(u[:30]), numpy_states(grown, u[:30]), atol=1e-12)


# Signs, and refusals.


@pytest.mark.parametrize(
    ("dynamics", "late"), [("leaky", {}), ("es2n", {}), ("voltage", {}), ("leaky", {"input_delay": 3})]
)
def test_a_given_connectome_keeps_its_signs(dynamics: str, late: dict[str, Any], rng: np.random.Generator) -> None:
    signs = np.where(rng.random(20) < 0.8, 1.0, -1.0)
    given = sparse.csr_array(np.where(rng.random((20, 20)) < 0.3, rng.gamma(2.0, 1.0, (20, 20)), 0) * signs)
    esn = EchoStateNetwork(topology=given, dynamics=dynamics, spectral_radius=0.8, **late).fit(np.zeros((10, 1)))
    np.testing.assert_array_equal(np.sign(esn.W_.toarray()), np.sign(given.toarray()))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recurrent_delay": 0}, r"recurrent_delay=0 must be a finite number in \[1, 10000\]"),
        ({"recurrent_delay": 1.5}, "recurrent_delay=1.5 must be whole steps"),
        ({"recurrent_delay": [1, 2]}, "recurrent_delay has shape"),
        ({"input_delay": -1}, "input_delay=-1 must be"),
        ({"input_delay": "long"}, "input_delay='long'"),
        ({"input_delay": 1, "n_layers": 2}, "only one layer, of units without potentials, has delays"),
        ({"recurrent_delay": 2, "dynamics": Voltage()}, "only one layer, of units without potentials, has delays"),
        ({"multiplicative_scaling": -1.0}, "multiplicative_scaling=-1.0 must be"),
        ({"multiplicative_scaling": 1.0, "n_layers": 2}, "must be 0 with more than one layer, or with delays"),
        ({"multiplicative_scaling": 1.0, "input_delay": 2}, "must be 0 with more than one layer, or with delays"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(**parameters).fit(np.zeros((10, 1)))


@pytest.mark.parametrize("late", [{"recurrent_delay": 2}, {"input_delay": 1}, {"multiplicative_scaling": 0.5}])
def test_what_has_no_delays_says_so(late: dict[str, Any]) -> None:
    u = np.sin(np.arange(100) / 5)[:, None]
    model = ESNRegressor(**late, **SEEDED).fit(u, u[:, 0])
    with pytest.raises(ValueError, match="multiplicative_scaling cannot be exported"):
        to_c(model, "model")
    with pytest.raises(ValueError, match="no bound for networks with delays or multiplicative input"):
        contraction_bound(model)
