from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs import NVAR, EchoStateNetwork, ESNForecaster, ESNRegressor, LegendreMemory, LiquidStateMachine
from reservoirs.diagnostics import memory_capacity
from reservoirs.diagnostics._drive import Source
from reservoirs.plotting import DiagnosticDisplay

SMALL = {"n_train": 700, "n_test": 500, "washout": 30}


def plain(network, n_inputs, max_delay, seed, loc=0.0, scale=1.0, alpha=1e-7, distribution="uniform"):
    """The definition, on the whole matrix of states."""
    source = Source.checked(distribution, loc, scale, seed)
    lead = max(30, max_delay)
    u, v = (source.draw(lead + n, n_inputs)[1] for n in (700, 500))
    if not hasattr(network, "n_features_in_"):
        network.fit(u)
    curve = np.zeros(max_delay + 1)
    train, test = network.transform(u)[lead:], network.transform(v)[lead:]
    for j in range(n_inputs):
        for k in range(max_delay + 1):
            guess = Ridge(alpha).fit(train, u[lead - k : len(u) - k, j]).predict(test)
            squared = np.corrcoef(guess, v[lead - k : len(v) - k, j])[0, 1] ** 2
            curve[k] += squared - (1 - squared) / 498
    return curve


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_equals_the_definition(distribution):
    network = EchoStateNetwork(n_units=15, random_state=0)
    memory = memory_capacity(
        network, max_delay=20, random_state=5, loc=0.5, scale=0.5, distribution=distribution, alpha=1e-4, **SMALL
    )
    expected = plain(network, 1, 20, 5, 0.5, 0.5, 1e-4, distribution)
    np.testing.assert_allclose(memory.curve, expected, atol=1e-8)
    assert memory.total == pytest.approx(expected[1:].sum())
    assert memory.n_states == 15


def test_fitted_network_of_two_inputs_whatever_its_features():
    u = np.zeros((5, 2))
    plain_network = EchoStateNetwork(n_units=12, random_state=1).fit(u)
    richer = EchoStateNetwork(n_units=12, features="states+input+squares", washout=3, random_state=1).fit(u)
    curve = memory_capacity(richer, max_delay=6, random_state=2, **SMALL).curve
    np.testing.assert_allclose(curve, plain(plain_network, 2, 6, 2), atol=1e-8)


@pytest.mark.parametrize("n_units", [50, 100])
@pytest.mark.parametrize(("activation", "input_scaling"), [("identity", 1.0), ("tanh", 1e-3)])
def test_linear_cycle_has_the_capacity_of_theory(n_units, activation, input_scaling):
    cycle = EchoStateNetwork(
        n_units, topology="cycle", spectral_radius=0.95, activation=activation, input_scaling=input_scaling,
        bias_scaling=0.0, random_state=0,
    )  # fmt: skip
    memory = memory_capacity(cycle, random_state=0)
    assert memory.total == pytest.approx(n_units - 1 + 0.95 ** (2 * n_units), abs=2)
    assert memory.total <= n_units
    # Of what it just saw it recalls the share 1 - r^(2N).
    assert memory.curve[0] == pytest.approx(1 - 0.95 ** (2 * n_units), abs=0.01)


def test_legendre_memory_recalls_as_much_as_it_has_states():
    memory = memory_capacity(LegendreMemory(), max_delay=150, n_train=5000, n_test=20_000, random_state=0)
    assert memory.n_states == 12
    assert memory.curve.sum() == pytest.approx(12, abs=0.15)


def test_chance_is_subtracted():
    # A delay line of 3 units remembers 2 steps; the delays from 3 on hold chance alone.
    line = EchoStateNetwork(3, topology="delay_line", activation="identity", bias_scaling=0.0, random_state=0)
    curve = memory_capacity(line, max_delay=2000, n_train=1000, n_test=500, random_state=0).curve
    # Without the correction the mean is 1 / 500; the standard error of the mean is about sqrt(2 / 2000) / 500.
    assert abs(curve[3:].mean()) < 4 * np.sqrt(2 / 2000) / 500
    assert curve[3:].std() > 0.001


def test_network_without_input_remembers_nothing():
    memory = memory_capacity(EchoStateNetwork(10, input_scaling=0.0, random_state=0), random_state=0, **SMALL)
    assert np.abs(memory.curve).max() < 0.05


def test_takes_every_network_of_ours():
    y = np.sin(np.arange(300) / 5)[:, None]
    cases = [
        (ESNRegressor(30, random_state=0).fit(y, y), 1),
        (ESNForecaster(30, random_state=0).fit(y, np.cos(y)), 2),
        (EchoStateNetwork(30, dtype="float32", n_layers=2, random_state=0), 1),
        (make_pipeline(EchoStateNetwork(30, random_state=0)), 1),
    ]
    for network, n_inputs in cases:
        memory = memory_capacity(network, max_delay=30, random_state=0, **SMALL)
        assert 0.5 < memory.total < 30 * n_inputs, network


def test_a_liquid_is_shown_in_pieces():
    liquid = LiquidStateMachine(
        "maass-2002",
        input_weight=30.0,
        per_row=True,
        features=("traces", "potentials"),
        random_state=0,
        dtype="float64",
    )
    memory = memory_capacity(
        liquid, n_train=1500, n_test=1500, washout=100, max_delay=10, loc=1.0, alpha=1e-2, random_state=0
    )
    assert memory.n_states == 2 * 135
    assert 1 < memory.total < 10


def test_same_seed_same_curve():
    network = EchoStateNetwork(10, random_state=0)
    one, two = (memory_capacity(network, random_state=3, **SMALL).curve for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_delay": 0}, "max_delay=0 must be"),
        ({"n_train": 5}, "n_train=5 must be"),
        ({"n_test": 5.0}, "n_test=5.0 must be"),
        ({"washout": -1}, "washout=-1 must be"),
        ({"alpha": -1.0}, "alpha must be finite and >= 0"),
        ({"distribution": "gauss"}, "distribution='gauss' is not one of"),
        ({"scale": 0.0}, "scale=0.0 must be"),
        ({"loc": np.nan}, "loc=nan must be"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        memory_capacity(EchoStateNetwork(5), **parameters)


def test_bad_networks():
    with pytest.raises(NotFittedError, match="ESNRegressor"):
        memory_capacity(ESNRegressor(5))
    with pytest.raises(ValueError, match="network=3 is not an estimator"):
        memory_capacity(3)
    with pytest.raises(ValueError, match="neither an echo-state network nor a transformer"):
        memory_capacity(NVAR().fit(np.arange(50.0)))
    with pytest.raises(ValueError, match="per_row=True"):
        memory_capacity(LiquidStateMachine("maass-2002", random_state=0), max_delay=5, **SMALL)
    with pytest.raises(ValueError, match="diverged"):
        memory_capacity(EchoStateNetwork(5, activation="identity", spectral_radius=2.0, connectivity=3))


def test_display_draws_the_curve():
    memory = memory_capacity(EchoStateNetwork(10, random_state=0), random_state=0, max_delay=15, **SMALL)
    display = DiagnosticDisplay.from_result(memory, name="plain")
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), memory.curve)
    assert display.ax_.get_legend().get_texts()[0].get_text() == "plain"
    again = DiagnosticDisplay.from_result(memory, ax=display.ax_)
    assert again.figure_ is display.figure_
    assert len(display.ax_.lines) == 2
    pyplot.close("all")


def test_display_of_something_else():
    with pytest.raises(TypeError, match="result=3 is not"):
        DiagnosticDisplay.from_result(3)
    pyplot.close("all")
