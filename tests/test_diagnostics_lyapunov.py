from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs import EchoStateNetwork, ESNRegressor, LiquidStateMachine
from reservoirs.datasets.generators import LORENZ_LYAPUNOV_EXPONENT
from reservoirs.diagnostics import lyapunov_exponents, lyapunov_exponents_of_map
from reservoirs.diagnostics._drive import drive_states
from reservoirs.diagnostics._tangent import Tangents
from reservoirs.esn import ContractingModules
from reservoirs.plotting import DiagnosticDisplay
from reservoirs.topology import EITopology


def runge_kutta(derivative, h):
    def step(x):
        a = derivative(x)
        b = derivative(x + h / 2 * a)
        c = derivative(x + h / 2 * b)
        d = derivative(x + h * c)
        return x + h / 6 * (a + 2 * b + 2 * c + d)

    return step


def lorenz_63(s):
    x, y, z = s.T
    return np.column_stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def lorenz_96(x):
    return (np.roll(x, -1, 1) - np.roll(x, 2, 1)) * np.roll(x, 1, 1) - x + 8


def test_lorenz_63(rng):
    start = rng.standard_normal((64, 3)) + np.array([0, 0, 25])
    found = lyapunov_exponents_of_map(
        runge_kutta(lorenz_63, 0.01), start, 5000, n_exponents=3, washout=500, dt=0.01, random_state=0
    )
    assert found.largest == pytest.approx(LORENZ_LYAPUNOV_EXPONENT, rel=0.03)
    assert abs(found.exponents[1]) < 0.01
    # The divergence of the flow is constant.
    assert found.exponents.sum() == pytest.approx(-41 / 3, rel=1e-4)
    assert found.largest == pytest.approx(LORENZ_LYAPUNOV_EXPONENT, abs=4 * found.standard_error)


def test_lorenz_96(rng):
    start = 8 + rng.standard_normal((24, 40))
    found = lyapunov_exponents_of_map(runge_kutta(lorenz_96, 0.02), start, 3000, washout=500, dt=0.02, random_state=0)
    # 40 variables, forcing 8: the figure used with them, for instance by Vlachas et al., Neural Networks 126 (2020).
    assert found.largest == pytest.approx(1.68, rel=0.03)


def henon(s):
    return np.column_stack([1 - 1.4 * s[:, 0] ** 2 + s[:, 1], 0.3 * s[:, 0]])


def henon_jacobian(s):
    derivatives = np.zeros((len(s), 2, 2))
    derivatives[:, 0, 0], derivatives[:, 0, 1], derivatives[:, 1, 0] = -2.8 * s[:, 0], 1, 0.3
    return derivatives


def test_henon_by_both_methods():
    arguments = (henon, [[0.1, 0.1], [0.2, 0.1]], 5000)
    options = {"n_exponents": 2, "washout": 100, "random_state": 0}
    displaced = lyapunov_exponents_of_map(*arguments, **options)
    exact = lyapunov_exponents_of_map(*arguments, jacobian=henon_jacobian, **options)
    np.testing.assert_allclose(displaced.exponents, exact.exponents, atol=1e-6)
    assert exact.exponents.sum() == pytest.approx(np.log(0.3), abs=1e-12)
    assert exact.largest == pytest.approx(0.419, abs=0.005)


def test_logistic_map_doubles():
    found = lyapunov_exponents_of_map(lambda x: 4 * x * (1 - x), [[0.3], [0.4]], 5000, random_state=0)
    assert found.largest == pytest.approx(np.log(2), abs=0.01)
    assert found.by_start.shape == (2, 1)


@pytest.mark.parametrize("method", ["displacement", "jacobian"])
def test_sign_changes_where_the_origin_of_an_autonomous_network_becomes_unstable(method):
    for radius in (0.95, 1.05):
        network = EchoStateNetwork(200, spectral_radius=radius, bias_scaling=0.0, random_state=0)
        found = lyapunov_exponents(
            network, np.zeros(400), method=method, spread=1e-14, washout=100, displacement=1e-14, random_state=0
        )
        assert found.largest == pytest.approx(np.log(radius), abs=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_just_past_1_the_attractor_is_what_bifurcation_theory_says(seed):
    # A pitchfork or flip if the leading eigenvalue is real, a Neimark-Sacker bifurcation if there are two: distances
    # from the new attractor shrink by -2 ln rho, and those along a circle stay. No chaos however close to 1.
    radius = 1.005
    esn = EchoStateNetwork(30, spectral_radius=radius, bias_scaling=0.0, random_state=seed).fit(np.zeros((10, 1)))
    eigenvalues = np.linalg.eigvals(esn.W_.toarray())
    is_circle = abs(eigenvalues[np.argmax(abs(eigenvalues))].imag) > 1e-9
    found = lyapunov_exponents(
        esn, np.zeros(4000), method="jacobian", n_exponents=2, n_starts=1, washout=3000, random_state=0
    ).exponents
    assert found[int(is_circle)] == pytest.approx(-2 * np.log(radius), rel=0.05)
    if is_circle:
        assert abs(found[0]) < 1e-3


@pytest.mark.parametrize("radius", [0.9, 1.05, 2.0, 5.0])
def test_symmetric_weights_never_give_chaos(radius, rng):
    # Goles and others: all attractors of symmetric weights, updated at once, are fixed points and cycles of 2.
    W = rng.standard_normal((60, 60))
    esn = EchoStateNetwork(topology=W + W.T, spectral_radius=radius, bias_scaling=0.0)
    found = lyapunov_exponents(esn, np.zeros(2000), washout=1500, random_state=0)
    assert (found.by_start < 1e-6).all()


def test_autonomous_network_on_its_attractor():
    def largest(radius):
        network = EchoStateNetwork(300, spectral_radius=radius, bias_scaling=0.0, random_state=0)
        return lyapunov_exponents(network, np.zeros(1000), washout=600, random_state=0).largest

    assert largest(0.95) < -0.04
    # A cycle or a torus: neither shrinking nor growing; then chaos.
    assert abs(largest(1.05)) < 0.005
    assert largest(1.6) > 0.03


def test_input_tames_chaos(rng):
    network = EchoStateNetwork(100, spectral_radius=2.0, input_scaling=1.0, bias_scaling=0.0, random_state=0)
    weak, strong = (lyapunov_exponents(network, a * rng.uniform(-1, 1, 500), random_state=0) for a in (0.1, 5.0))
    assert weak.largest > 0 > strong.largest


@settings(max_examples=40, deadline=None)
@given(
    n_units=st.integers(3, 12),
    n_layers=st.integers(1, 3),
    activation=st.sampled_from(["tanh", "sigmoid", "relu", "identity"]),
    leak_rate=st.sampled_from([1.0, 0.3]),
    dynamics=st.sampled_from(["leaky", "es2n", "euler", "voltage"]),
    seed=st.integers(0, 1000),
)
def test_tangents_are_the_derivatives_of_the_core(n_units, n_layers, activation, leak_rate, dynamics, seed):
    check_tangents(
        EchoStateNetwork(
            n_units, n_layers=n_layers, activation=activation, leak_rate=leak_rate, connectivity=2, dynamics=dynamics,
            random_state=seed,
        ), seed,
    )  # fmt: skip


@pytest.mark.parametrize(
    "network",
    [
        EchoStateNetwork(20, dynamics=ContractingModules(2), leak_rate=0.1, random_state=0),
        EchoStateNetwork(60, topology=EITopology(), random_state=0),
        EchoStateNetwork(12, recurrent_delay=stats.randint(1, 4), input_delay=2, leak_rate=0.5, random_state=0),
        EchoStateNetwork(12, dynamics="es2n", recurrent_delay=3, random_state=0),
        EchoStateNetwork(20, multiplicative_scaling=0.5, random_state=0),
        EchoStateNetwork(20, multiplicative_scaling=0.5, dynamics="voltage", random_state=0),
    ],
)
def test_tangents_of_other_networks(network):
    check_tangents(network, 0)


def check_tangents(network, seed):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((1, 2))
    driver = drive_states(network, u)
    n_state = driver.size_of_state
    states = rng.standard_normal((3, n_state))
    identity = np.broadcast_to(np.eye(n_state), (3, n_state, n_state))
    after, jacobians = Tangents.of(driver.fitted).advance(states, identity, u[0])
    np.testing.assert_allclose(after, driver.step(states, u[0]), atol=1e-12)
    h = 1e-6
    for j in range(n_state):
        moved = [driver.step(states + sign * h * np.eye(n_state)[j], u[0]) for sign in (1, -1)]
        np.testing.assert_allclose(jacobians[:, :, j], (moved[0] - moved[1]) / (2 * h), atol=1e-7)


def test_methods_agree_on_a_driven_deep_network(rng):
    u = rng.uniform(-1, 1, (300, 2))
    network = EchoStateNetwork(20, n_layers=2, leak_rate=0.5, random_state=0).fit(u)
    one, two = (
        lyapunov_exponents(network, u, method=m, n_exponents=4, washout=50, random_state=0)
        for m in ("displacement", "jacobian")
    )
    np.testing.assert_allclose(one.exponents, two.exponents, atol=1e-6)
    assert one.growth.shape == (250, 4, 4)
    # All exponents of a network add up to the mean logarithm of the determinant of its Jacobian.
    every = lyapunov_exponents(network, u, method="jacobian", n_exponents=40, washout=50, n_starts=1, random_state=0)
    states, determinants = np.zeros((1, 40)), []
    for row in u:
        states, jacobian = Tangents.of(network).advance(states, np.eye(40)[None], row)
        determinants.append(np.linalg.slogdet(jacobian[0])[1])
    assert every.exponents.sum() == pytest.approx(np.mean(determinants[50:]), rel=1e-4)


def test_single_precision_is_computed_in_double(rng):
    u = rng.uniform(-1, 1, 400).astype(np.float32)
    network = EchoStateNetwork(30, dtype="float32", random_state=0)
    twin = EchoStateNetwork(30, dtype="float64", random_state=0)
    one, two = (lyapunov_exponents(each, u, random_state=0).largest for each in (network, twin))
    assert one == pytest.approx(two, abs=1e-4)
    fitted = network.fit(u[:, None])
    lyapunov_exponents(fitted, u, random_state=0)
    assert fitted.W_.dtype == np.float32


def test_fitted_regressor_with_feedback(rng):
    u = rng.uniform(-1, 1, (300, 1))
    model = ESNRegressor(20, feedback_scaling=0.1, random_state=0).fit(u, u)
    found = lyapunov_exponents(model, np.hstack([u, u]), random_state=0)
    assert found.largest < 0
    with pytest.raises(ValueError, match="X has 1 columns, but the network takes 2 inputs"):
        lyapunov_exponents(model, u)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "qr"}, "method='qr' is not one of"),
        ({"n_exponents": 0}, "n_exponents=0 must be"),
        ({"n_exponents": 21}, "n_exponents=21 is more than the 20 dimensions"),
        ({"n_starts": 0}, "n_starts=0 must be"),
        ({"washout": 100}, "washout=100 leaves fewer than 1 of 100"),
        ({"displacement": 0.0}, "displacement=0.0 must be"),
        ({"spread": -1.0}, "spread=-1.0 must be"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        lyapunov_exponents(EchoStateNetwork(20), np.zeros(100), **{"washout": 10, **parameters})


def test_bad_networks_and_inputs():
    with pytest.raises(ValueError, match="is not an echo-state network"):
        lyapunov_exponents(LiquidStateMachine("maass-2002"), np.zeros(300))
    with pytest.raises(ValueError, match="X contains NaN"):
        lyapunov_exponents(EchoStateNetwork(20), [np.nan, 1.0])
    with pytest.raises(ValueError, match="X has shape"):
        lyapunov_exponents(EchoStateNetwork(20), np.zeros((3, 3, 3)))
    explosive = EchoStateNetwork(20, activation="identity", spectral_radius=100.0, random_state=0)
    with pytest.raises(ValueError, match="diverged in step"):
        lyapunov_exponents(explosive, np.zeros(300))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((henon, [[np.nan, 1]], 10), {}, "start has shape"),
        ((henon, [0.1, 0.1], 0), {}, "n_steps=0 must be"),
        ((henon, [0.1, 0.1], 10), {"dt": 0.0}, "dt=0.0 must be"),
        ((lambda s: s[:, 0], [0.1, 0.1], 10), {}, "step returned an array of shape"),
        ((henon, [0.1, 0.1], 10), {"jacobian": lambda s: s}, "jacobian returned an array of shape"),
        ((lambda s: 1e200 * s, [0.1, 0.1], 10), {}, "diverged in step 1"),
    ],
)
def test_bad_maps(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        lyapunov_exponents_of_map(*arguments, **options)


def test_what_vanishes_has_a_finite_exponent():
    found = lyapunov_exponents_of_map(np.zeros_like, [1.0, 1.0], 3)
    assert np.isfinite(found.largest)
    assert found.largest < -700


def test_display_draws_how_the_estimates_settle():
    found = lyapunov_exponents_of_map(lambda x: 4 * x * (1 - x), [[0.3], [0.4]], 100, random_state=0)
    display = DiagnosticDisplay.from_result(found, name="logistic")
    assert display.ax_.lines[2].get_ydata()[-1] == pytest.approx(found.largest)
    pyplot.close("all")
