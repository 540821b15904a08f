from __future__ import annotations

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot
from scipy.sparse.csgraph import connected_components

from reservoirs import EchoStateNetwork, LiquidStateMachine
from reservoirs.diagnostics import consistency, echo_state_index, effective_spectral_radius, kernel_quality
from reservoirs.diagnostics._drive import Source, drive, drive_states
from reservoirs.plotting import DiagnosticDisplay

LIQUID = LiquidStateMachine(
    "maass-2002", input_weight=30.0, per_row=True, features="potentials", dtype="float64", random_state=0
)


def replicas(network, u, n, seed):
    """The starts that the diagnostics draw, each run by the definition."""
    generator = np.random.default_rng(np.random.RandomState(seed).randint(2**32, size=2, dtype=np.uint64))
    driver = drive_states(network, u)
    x = generator.uniform(-1, 1, (n, driver.n_states))
    out = []
    for row in u:
        x = driver.step(x, row)
        out.append(x)
    return np.array(out).swapaxes(0, 1)


@pytest.mark.parametrize("n_timesteps", [7, 900])
def test_echo_state_index_equals_its_definition(rng, n_timesteps):
    u = rng.uniform(-1, 1, (n_timesteps, 1))
    network = EchoStateNetwork(15, spectral_radius=1.3, input_scaling=0.1, random_state=0)
    found = echo_state_index(network, u, n_starts=6, tol=0.05, random_state=3)
    x = replicas(network, u, 6, 3)
    apart = np.sqrt(((x[:, None] - x) ** 2).mean(axis=3))
    pairs = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(found.distance, np.sqrt((apart[pairs] ** 2).mean(axis=0)), atol=1e-9)
    last = max(1, n_timesteps // 10)
    close = np.sqrt((apart[:, :, -last:] ** 2).mean(axis=2)) < 0.05
    np.testing.assert_array_equal(found.labels, connected_components(close)[1])


def test_contracting_network_has_one_response(rng):
    u = rng.uniform(-1, 1, 400)
    found = echo_state_index(EchoStateNetwork(50, spectral_radius=0.8, random_state=0), u, random_state=0)
    assert found.index == found.largest_share == 1
    assert found.distance[-1] < 1e-6 < found.distance[0]


def test_bistable_units_and_input_that_decides_for_them():
    unit = EchoStateNetwork(topology=[[1.0]], spectral_radius=2.0, input_scaling=1.0, bias_scaling=0.0, random_state=0)
    alone = echo_state_index(unit, np.zeros(200), random_state=0)
    assert alone.index == 2
    assert 0.5 <= alone.largest_share < 1
    two = EchoStateNetwork(topology=np.eye(2), spectral_radius=2.0, bias_scaling=0.0, random_state=0)
    assert echo_state_index(two, np.zeros(200), n_starts=40, random_state=0).index == 4
    assert echo_state_index(unit, np.full(200, 9.0), random_state=0).index == 1


def test_a_liquid_forgets_its_past(rng):
    u = rng.uniform(0, 2, (400, 1))
    found = echo_state_index(LIQUID, u, n_starts=3, tol=0.5, random_state=0)
    assert found.distance.shape == (400,)
    assert found.distance[-40:].mean() < found.distance[:3].mean()
    assert 0.5 < consistency(LIQUID, u, random_state=0).mean < 1


def test_pieces_of_a_long_input_follow_one_another(rng):
    u = rng.uniform(0, 2, (1500, 1))
    driver = drive(LIQUID, u)
    parts = list(driver.replicas(u, 2, np.random.default_rng(0)))
    assert [first for _, first in parts] == [0, 1000]
    together = np.concatenate([states for states, _ in parts], axis=1)
    past = np.random.default_rng(0).permutation(u)[:1000]
    expected = driver.fitted.transform([np.concatenate([past, u])])[0][1000:]
    np.testing.assert_array_equal(together[0], expected)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_consistency(rng, noise):
    u = rng.uniform(-1, 1, (3000, 1))
    network = EchoStateNetwork(12, random_state=0)
    found = consistency(network, u, noise=noise, random_state=0)
    generator = np.random.default_rng(np.random.RandomState(0).randint(2**32, size=2, dtype=np.uint64))
    parts = drive(network, u).replicas(u, 2, generator, noise)
    x, y = np.concatenate([states for states, _ in parts], axis=1)[:, 200:]
    expected = [np.corrcoef(x[:, i], y[:, i])[0, 1] for i in range(12)]
    np.testing.assert_allclose(found.correlation, expected, atol=1e-9)
    cross = (x - x.mean(axis=0)).T @ (y - y.mean(axis=0)) / len(x)
    assert found.capacity == pytest.approx(np.trace(np.linalg.solve(np.cov(x.T, bias=True), cross)), rel=1e-4)
    if noise == 0:
        assert found.mean == pytest.approx(1, abs=1e-9)
        assert found.capacity == pytest.approx(12, rel=1e-4)
    else:
        assert found.capacity < 0.8 * 12
        # A unit's own noise and the noise of others: less than the input explains all.
        assert 0.5 < found.mean < 0.999


def test_noise_differs_between_steps_and_replicas(rng):
    network = EchoStateNetwork(5, connectivity=2, spectral_radius=0.0, input_scaling=0.0, bias_scaling=0.0)
    parts = drive(network, np.zeros((9000, 1))).replicas(np.zeros((9000, 1)), 2, rng, 0.1)
    x = np.concatenate([states for states, _ in parts], axis=1)
    assert x.shape == (2, 9000, 5)
    assert x[:, 1:].std() == pytest.approx(0.1, rel=0.02)
    assert len(np.unique(x[:, 1:])) == x[:, 1:].size
    assert abs(np.corrcoef(x[0].ravel(), x[1].ravel())[0, 1]) < 0.03


def test_chaos_is_inconsistent(rng):
    network = EchoStateNetwork(100, spectral_radius=2.5, input_scaling=0.01, bias_scaling=0.0, random_state=0)
    assert consistency(network, rng.uniform(-1, 1, 1000), random_state=0).mean < 0.5


def test_constant_units_have_no_correlation(rng):
    network = EchoStateNetwork(5, connectivity=2, input_scaling=0.0, bias_scaling=0.0, random_state=0)
    found = consistency(network, rng.uniform(-1, 1, 3000), washout=2900, random_state=0)
    assert np.isnan(found.mean)
    assert np.isnan(found.correlation).all()


def test_effective_spectral_radius(rng):
    u = rng.uniform(-1, 1, (300, 1))
    network = EchoStateNetwork(20, leak_rate=0.6, input_scaling=2.0, random_state=0).fit(u)
    found = effective_spectral_radius(network, u, n_samples=3, washout=100)
    x, W = network.transform(u), network.W_.toarray()
    for step, eigenvalues in zip([100, 199, 299], found.eigenvalues, strict=True):
        z = network.W_in_ @ u[step] + W @ x[step - 1] + network.bias_
        jacobian = 0.4 * np.eye(20) + 0.6 * (1 - np.tanh(z) ** 2)[:, None] * W
        expected = np.linalg.eigvals(jacobian)
        np.testing.assert_allclose(np.sort(np.abs(eigenvalues)), np.sort(np.abs(expected)), atol=1e-9)
    at_rest = 0.4 * np.eye(20) + 0.6 * (1 - np.tanh(network.bias_) ** 2)[:, None] * W
    assert found.radius_at_rest == pytest.approx(np.abs(np.linalg.eigvals(at_rest)).max())
    assert found.median == pytest.approx(np.median(np.abs(found.eigenvalues).max(axis=1)))


def test_effective_spectral_radius_from_the_first_step(rng):
    network = EchoStateNetwork(20, bias_scaling=0.0, random_state=0)
    found = effective_spectral_radius(network, np.zeros(3), n_samples=3, washout=0)
    np.testing.assert_allclose(found.radii, 0.9, rtol=1e-6)


def test_kernel_quality_equals_its_definition():
    network = EchoStateNetwork(10, input_scaling=1.0, random_state=0)
    found = kernel_quality(network, n_streams=7, n_timesteps=50, n_common=5, tol=0.01, random_state=2)
    source = Source.checked("uniform", 0.0, 1.0, 2)
    network.fit(source.draw(50, 1)[1])
    streams = source.draw(7, 50, 1)[1]
    largest = found.kernel_spectrum[0]
    for spectrum, rank in (
        (found.kernel_spectrum, found.kernel_rank),
        (found.generalisation_spectrum, found.generalisation_rank),
    ):
        states = np.array([network.transform(stream)[-1] for stream in streams])
        expected = np.linalg.svd(states - states.mean(axis=0), compute_uv=False)
        np.testing.assert_allclose(spectrum, expected, atol=1e-12)
        assert rank == (expected > 0.01 * largest).sum()
        streams[:, -5:] = streams[0, -5:]
    assert found.quality == found.kernel_rank - found.generalisation_rank


def test_ranks_tell_order_from_chaos():
    def ranks(radius):
        network = EchoStateNetwork(60, spectral_radius=radius, input_scaling=0.5, bias_scaling=0.0, random_state=0)
        found = kernel_quality(network, random_state=0)
        return found.kernel_rank, found.generalisation_rank

    ordered, chaotic = ranks(0.3), ranks(3.0)
    assert ordered[0] < chaotic[0]
    assert ordered[1] < 5
    # What ended alike has stayed as different as what did not.
    assert chaotic[1] > 0.9 * chaotic[0]


def test_kernel_quality_of_a_liquid_and_of_shown_rates():
    found = kernel_quality(LIQUID, n_streams=12, n_timesteps=100, loc=1.0, random_state=0)
    assert found.kernel_spectrum.shape == (12,)
    assert found.kernel_rank >= found.generalisation_rank
    voltage = EchoStateNetwork(10, dynamics="voltage", activation="sigmoid", random_state=0)
    assert kernel_quality(voltage, n_streams=5, random_state=0).kernel_spectrum[0] < 0.5 * np.sqrt(5 * 10)


@pytest.mark.parametrize(
    ("function", "parameters", "message"),
    [
        (echo_state_index, {"n_starts": 1}, "n_starts=1 must be"),
        (echo_state_index, {"tol": 0.0}, "tol=0.0 must be"),
        (consistency, {"noise": -1.0}, "noise=-1.0 must be"),
        (consistency, {"washout": 299}, "washout=299 leaves fewer than 2 of 300"),
        (effective_spectral_radius, {"n_samples": 0}, "n_samples=0 must be"),
        (effective_spectral_radius, {"n_samples": 101}, "leaves fewer than 101 of 300"),
    ],
)
def test_bad_parameters(function, parameters, message):
    with pytest.raises(ValueError, match=message):
        function(EchoStateNetwork(10), np.zeros(300), **parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_streams": 1}, "n_streams=1 must be"),
        ({"n_common": 201}, "n_common=201 is more than n_timesteps=200"),
        ({"tol": 1.0}, "tol=1.0 must be less than 1"),
    ],
)
def test_bad_parameters_of_kernel_quality(parameters, message):
    with pytest.raises(ValueError, match=message):
        kernel_quality(EchoStateNetwork(10), **parameters)


def test_what_needs_states_refuses_liquids():
    with pytest.raises(ValueError, match=r"noise=0\.1 needs an echo-state network"):
        consistency(LIQUID, np.zeros(300), noise=0.1)
    with pytest.raises(ValueError, match="is not an echo-state network"):
        effective_spectral_radius(LIQUID, np.zeros(300))


def test_displays(rng):
    u = rng.uniform(-1, 1, 400)
    network = EchoStateNetwork(20, random_state=0)
    index = echo_state_index(network, u, random_state=0)
    display = DiagnosticDisplay.from_result(index)
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), index.distance)
    assert display.ax_.get_yscale() == "log"
    alike = consistency(network, u, noise=0.1, random_state=0)
    bars = DiagnosticDisplay.from_result(alike).ax_.patches
    assert sum(bar.get_height() for bar in bars) == 20
    radius = effective_spectral_radius(network, u, n_samples=2)
    dots = DiagnosticDisplay.from_result(radius).ax_.collections[0]
    assert len(dots.get_offsets()) == 40
    quality = kernel_quality(network, random_state=0)
    lines = DiagnosticDisplay.from_result(quality, name="plain").ax_.lines
    np.testing.assert_allclose(lines[0].get_ydata(), quality.kernel_spectrum / quality.kernel_spectrum[0])
    pyplot.close("all")
