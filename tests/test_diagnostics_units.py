from __future__ import annotations

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs import NVAR, EchoStateNetwork, ESNForecaster, LiquidStateMachine
from reservoirs.datasets import lorenz
from reservoirs.diagnostics import activity, excitation_inhibition, time_scales, valid_prediction_times
from reservoirs.esn import _harvest
from reservoirs.metrics import valid_prediction_time
from reservoirs.plotting import DiagnosticDisplay


def plain_autocorrelation(x, max_lag):
    x = x - x.mean(axis=0)
    return np.array([(x[k:] * x[: len(x) - k]).sum(axis=0) for k in range(max_lag + 1)]) / (x * x).sum(axis=0)


@pytest.mark.parametrize(("n_timesteps", "max_lag"), [(300, 20), (121, 20), (5000, 7)])
def test_autocorrelation_equals_its_definition(rng, n_timesteps, max_lag):
    # Large units come in blocks of few rows: the last case runs over several.
    u = rng.uniform(0, 1, (n_timesteps, 2)).cumsum(axis=0) % 3
    network = EchoStateNetwork(12, leak_rate=0.3, activation="sigmoid", random_state=0).fit(u)
    found = time_scales(network, u, max_lag=max_lag, washout=100)
    expected = plain_autocorrelation(network.transform(u)[100:], max_lag)
    np.testing.assert_allclose(found.autocorrelation, expected, atol=1e-10)
    assert found.autocorrelation[0] == pytest.approx(1)


def test_blocks_shorter_than_the_lag(rng, monkeypatch):
    u = rng.uniform(-1, 1, (300, 1))
    network = EchoStateNetwork(40, random_state=0).fit(u)
    expected = plain_autocorrelation(network.transform(u)[20:], 50)
    # As of a network so large that a call takes a few rows only.
    monkeypatch.setattr(_harvest, "_WORK_A_CALL", 9 * network._network_.work)
    np.testing.assert_allclose(time_scales(network, u, max_lag=50, washout=20).autocorrelation, expected, atol=1e-10)


@pytest.mark.parametrize("leak_rate", [0.05, 0.3])
def test_time_scale_of_leaky_units(rng, leak_rate):
    network = EchoStateNetwork(
        5, connectivity=2, spectral_radius=0.0, leak_rate=leak_rate, input_scaling=0.1, bias_scaling=0.0, random_state=0
    )
    scales = time_scales(network, rng.uniform(-1, 1, 50_000))
    assert scales.median == pytest.approx(-1 / np.log(1 - leak_rate), rel=0.05)


def test_units_that_never_forget_or_never_vary(rng):
    slow = EchoStateNetwork(5, connectivity=2, spectral_radius=0.0, leak_rate=0.001, random_state=0)
    scales = time_scales(slow, rng.uniform(-1, 1, 3000), max_lag=5)
    assert np.isnan(scales.times).all()
    assert scales.median == np.inf
    constant = EchoStateNetwork(5, connectivity=2, input_scaling=0.0, random_state=0)
    scales = time_scales(constant, np.zeros(3000), max_lag=5, washout=2000)
    assert np.isnan(scales.autocorrelation).all()


def test_activity_equals_its_definition(rng):
    u = rng.uniform(-1, 1, (5000, 1))
    network = EchoStateNetwork(20, input_scaling=3.0, random_state=0).fit(u)
    found = activity(network, u, saturated_within=0.1, silent_below=0.05, washout=50)
    x = network.transform(u)[50:]
    np.testing.assert_allclose(found.mean, x.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.std, x.std(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.saturation, (np.abs(x) > 0.8).mean(axis=0))
    np.testing.assert_allclose(found.silence, (np.abs(x) <= 0.05).mean(axis=0))
    np.testing.assert_allclose(found.population, x.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.histogram, np.histogram(x, 50, (-1, 1))[0] / x.size)
    assert found.n_silent == found.n_saturated == 0


@pytest.mark.parametrize(
    ("parameters", "ends"),
    [
        ({"activation": "sigmoid"}, (0, 1)),
        ({"activation": "sigmoid", "dynamics": "voltage", "leak_rate": 0.5}, (0, 1)),
        ({"activation": "relu"}, None),
        ({"dynamics": "euler", "leak_rate": 0.1}, None),
    ],
)
def test_range_follows_the_activation(rng, parameters, ends):
    found = activity(EchoStateNetwork(20, input_scaling=9.0, random_state=0, **parameters), rng.uniform(-1, 1, 500))
    if ends is None:
        assert not found.saturation.any()
    else:
        assert (found.edges[0], found.edges[-1]) == ends
        assert found.saturation.any()
    assert found.histogram.sum() == pytest.approx(1)


def test_silent_and_stuck_units():
    # Rectified units with a strong negative bias never fire; tanh units with a strong one are stuck at an end.
    W = np.zeros((4, 4))
    silent = EchoStateNetwork(topology=W, spectral_radius=None, activation="relu", input_scaling=0.0, bias_scaling=1.0)
    found = activity(silent.set_params(random_state=0), np.zeros(300))
    assert found.n_silent == (found.mean == 0).sum() > 0
    stuck = EchoStateNetwork(topology=W, spectral_radius=None, input_scaling=0.0, bias_scaling=100.0, random_state=0)
    assert activity(stuck, np.zeros(300)).n_saturated == 4


def test_a_liquid_in_single_precision(rng):
    u = rng.uniform(0, 2, (1300, 1))
    liquid = LiquidStateMachine("maass-2002", input_weight=30.0, per_row=True, random_state=0)
    found = activity(liquid, u, washout=100)
    counts = np.concatenate([liquid.fit([u]).transform([u[:1100]])[0][100:], liquid.transform([u[1000:]])[0][100:]])
    np.testing.assert_allclose(found.mean, counts.mean(axis=0), atol=1e-6)
    assert found.n_silent == (counts.max(axis=0) == 0).sum()
    scales = time_scales(liquid.set_params(features="traces"), u, washout=100, max_lag=80)
    assert 5 < scales.median < 60


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_excitation_and_inhibition_equal_their_definition(rng, dtype):
    u = rng.uniform(0, 1, (5000, 1))
    network = EchoStateNetwork(15, activation="sigmoid", dtype=dtype, random_state=0).fit(u)
    found = excitation_inhibition(network, u, washout=40)
    x, W = network.transform(u)[40:].astype(float), network.W_.toarray().astype(float)
    e, i = x @ np.maximum(W, 0).T, x @ np.maximum(-W, 0).T
    np.testing.assert_allclose(found.excitation, e.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.inhibition, i.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.mean_excitation, e.mean(axis=0), atol=1e-6)
    expected = [np.corrcoef(e[:, k], i[:, k])[0, 1] for k in range(15)]
    np.testing.assert_allclose(found.correlation, expected, atol=1e-4)
    means = e.mean(axis=0), i.mean(axis=0)
    np.testing.assert_allclose(found.balance, (means[0] - means[1]) / (means[0] + means[1]), atol=1e-5)


def test_excitation_alone(rng):
    W = np.abs(rng.standard_normal((6, 6)))
    network = EchoStateNetwork(topology=W, activation="sigmoid", random_state=0)
    found = excitation_inhibition(network, rng.uniform(-1, 1, 300))
    np.testing.assert_array_equal(found.balance, 1.0)
    assert np.isnan(found.correlation).all()


def test_excitation_and_inhibition_of_a_liquid(rng):
    u = rng.uniform(0, 2, (400, 1))
    liquid = LiquidStateMachine(
        "maass-2002", input_weight=30.0, per_row=True, features="traces", tau_trace=3.0, random_state=0
    )
    found = excitation_inhibition(liquid, u)
    assert found.excitation.mean() > 0
    assert found.inhibition.mean() > 0
    both = liquid.set_params(features=("traces", "counts"))
    with pytest.raises(ValueError, match="a liquid needs one feature a neuron"):
        excitation_inhibition(both, u)


def test_valid_prediction_times():
    y = lorenz(6000, dt=0.05)
    model = ESNForecaster(n_units=100, random_state=0).fit(y[:3000])
    test = y[3000:]
    found = valid_prediction_times(
        model, test, n_steps=400, warmup=100, n_starts=12, dt=0.05, lyapunov_exponent=0.9056, threshold=0.3
    )
    starts = np.linspace(100, 2600, 12).astype(int)
    scale = np.sqrt(test.var(axis=0).sum())
    for start, time in zip(starts, found.times, strict=True):
        forecast = model.forecast(400, warmup=test[start - 100 : start])
        error = np.linalg.norm(forecast - test[start : start + 400], axis=1) / scale
        assert time == pytest.approx(0.05 * 0.9056 * np.argmax(error > 0.3))
    assert found.horizon == pytest.approx(400 * 0.05 * 0.9056)
    assert found.n_censored == 0
    low, high = found.quartiles
    assert 1 < low <= found.median <= high < found.horizon
    short = valid_prediction_times(model, test, n_steps=5, warmup=100, n_starts=4)
    assert short.n_censored == 4
    assert short.median == short.horizon == 5


def test_valid_prediction_times_of_a_1d_series_and_nvar():
    y = np.sin(np.arange(600) / 4)
    model = NVAR().fit(y[:400])
    assert valid_prediction_times(model, y[400:], n_steps=20, warmup=30, n_starts=3).median == 20


def test_scale_of_valid_prediction_time():
    true = np.array([0.0, 0.0, 0.0])
    assert valid_prediction_time(true, [0.0, 0.5, 2.0], dt=1.0, scale=2.0) == 2
    with pytest.raises(ValueError, match="scale must be a positive"):
        valid_prediction_time(true, true, dt=1.0, scale=0.0)


@pytest.mark.parametrize(
    ("function", "parameters", "message"),
    [
        (time_scales, {"max_lag": 0}, "max_lag=0 must be"),
        (time_scales, {"max_lag": 100}, "washout=200 leaves fewer than 101 of 300"),
        (activity, {"saturated_within": 0.5}, "saturated_within=0.5 must be less than 0.5"),
        (activity, {"silent_below": -1.0}, "silent_below=-1.0 must be"),
        (activity, {"washout": 300}, "washout=300 leaves"),
        (excitation_inhibition, {"washout": -1}, "washout=-1 must be"),
    ],
)
def test_bad_parameters(function, parameters, message):
    with pytest.raises(ValueError, match=message):
        function(EchoStateNetwork(10), np.zeros(300), **parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_steps": 0}, "n_steps=0 must be"),
        ({"warmup": 0}, "warmup=0 must be"),
        ({"n_starts": 0}, "n_starts=0 must be"),
        ({"warmup": 195}, "y has 200 rows; warmup=195 and n_steps=10 need 205"),
        ({"dt": 0.0}, "dt must be a positive"),
        ({"threshold": -1.0}, "threshold must be a positive"),
    ],
)
def test_bad_parameters_of_valid_prediction_times(parameters, message):
    y = np.sin(np.arange(400) / 4)
    with pytest.raises(ValueError, match=message):
        valid_prediction_times(NVAR().fit(y[:200]), y[200:], **{"n_steps": 10, "warmup": 10, **parameters})


def test_only_forecasters_have_prediction_times():
    with pytest.raises(ValueError, match="is not an ESNForecaster or NVAR"):
        valid_prediction_times(EchoStateNetwork(), np.zeros(100), n_steps=10, warmup=10)


def test_displays(rng):
    u = rng.uniform(0, 1, 500)
    network = EchoStateNetwork(20, activation="sigmoid", random_state=0)
    scales = time_scales(network, u)
    line = DiagnosticDisplay.from_result(scales, name="white noise").ax_.lines[0]
    np.testing.assert_allclose(line.get_ydata(), np.median(scales.autocorrelation, axis=1))
    active = activity(network, u)
    stairs = DiagnosticDisplay.from_result(active).ax_.patches[0]
    np.testing.assert_array_equal(stairs.get_data().values, active.histogram)
    both = excitation_inhibition(network, u)
    e, i = DiagnosticDisplay.from_result(both, name="rates").ax_.lines
    np.testing.assert_array_equal(e.get_ydata(), both.excitation)
    np.testing.assert_array_equal(i.get_ydata(), both.inhibition)
    y = np.sin(np.arange(400) / 4)
    times = valid_prediction_times(NVAR().fit(y[:200]), y[200:], n_steps=10, warmup=10, n_starts=4)
    step = DiagnosticDisplay.from_result(times).ax_.lines[0]
    assert step.get_xdata()[-1] == times.horizon
    constant = EchoStateNetwork(5, connectivity=2, input_scaling=0.0, random_state=0)
    DiagnosticDisplay.from_result(time_scales(constant, np.zeros(2500), washout=2000))
    pyplot.close("all")
