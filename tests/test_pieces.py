"""Long sequences in pieces: the states of whole sequences, to the tolerance, wherever a network forgets."""

from __future__ import annotations

import numpy as np
import pytest
from reference import assert_same_bits
from sklearn.linear_model import Ridge

from reservoirs import EchoStateNetwork, ESNForecaster, ESNRegressor
from reservoirs.datasets import mackey_glass
from reservoirs.esn._pieces import pieces
from reservoirs.sequences import Sequences

RAGGED = [9000, 3, 700, 2600]


def inputs_of(lengths, dtype="float64", scale=1.0):
    rng = np.random.default_rng(1)
    return [rng.uniform(-scale, scale, (n, 2)).astype(dtype) for n in lengths]


def n_pieces(network, u, tolerance):
    offsets = np.cumsum([0, *map(len, u)])
    return len(pieces(network._harvester(), Sequences(np.concatenate(u), offsets, "list"), None, tolerance))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"leak_rate": 0.8, "washout": 90, "features": "states+input+squares"},
        {"n_layers": 2, "activation": "relu", "spectral_radius": 0.7},
        {"topology": "cycle", "spectral_radius": 0.8, "activation": "identity"},
        {"activation": "sigmoid"},
    ],
)
def test_states_agree_with_those_of_whole_sequences(dtype, settings):
    u = inputs_of(RAGGED, dtype)
    network = EchoStateNetwork(50, random_state=0, **settings).fit(u)
    rounding = 64 * np.finfo(dtype).eps
    assert n_pieces(network, u, rounding) > len(u)
    whole = network.transform(u)
    for got, expected in zip(network.set_params(time_parallel="auto").transform(u), whole, strict=True):
        assert got.shape == expected.shape
        scale = np.abs(expected).max(initial=0)
        np.testing.assert_allclose(got, expected, rtol=0, atol=rounding * max(scale, scale**2))
    loose = network.set_params(time_parallel=1e-3)
    assert n_pieces(loose, u, 1e-3) >= n_pieces(loose, u, rounding)
    worst = max(np.abs(a - b).max(initial=0) for a, b in zip(loose.transform(u), whole, strict=True))
    assert worst < 2e-3 * max(np.abs(x).max(initial=0) for x in whole)


def test_pieces_do_not_depend_on_threads():
    u = inputs_of(RAGGED)
    network = EchoStateNetwork(50, time_parallel=1e-6, random_state=0).fit(u)
    assert_same_bits(network.set_params(n_jobs=1).transform(u), network.set_params(n_jobs=3).transform(u))


def test_noise_is_that_of_whole_sequences():
    u = inputs_of([4000])
    model = EchoStateNetwork(50, state_noise=0.01, random_state=0)
    whole, cut = model.fit_transform(u), model.set_params(time_parallel="auto").fit_transform(u)
    np.testing.assert_allclose(cut[0], whole[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"spectral_radius": 3.0}, 0.1),  # chaotic
        ({"spectral_radius": 1.0, "topology": "cycle", "activation": "identity"}, 1.0),  # remembers everything
        ({"leak_rate": 1e-3}, 1.0),  # forgets too slowly
        ({"spectral_radius": 1.5, "activation": "relu"}, 1.0),  # diverges
        ({"spectral_radius": 0.0}, 1.0),  # forgets at once, but is too short to cut
    ],
)
@pytest.mark.filterwarnings("ignore:the reservoir diverged")
def test_what_does_not_forget_runs_whole(settings, scale):
    short = "spectral_radius" in settings and settings["spectral_radius"] == 0
    u = inputs_of([100 if short else 8000], scale=scale)
    network = EchoStateNetwork(60, random_state=0, **settings).fit(u)
    assert n_pieces(network, u, 1e-13) == 1
    whole = network.transform(u)
    assert_same_bits(network.set_params(time_parallel="auto").transform(u), whole)


def test_what_forgets_at_the_beginning_only_runs_whole():
    """Strong input holds a chaotic network down; then it ends."""
    u = inputs_of([8000], scale=20.0)
    u[0][4000:] = 0
    network = EchoStateNetwork(100, spectral_radius=2.0, input_scaling=1.0, random_state=0).fit(u)
    assert n_pieces(network, [u[0][:4000]], 1e-10) > 1
    assert n_pieces(network, u, 1e-10) == 1


def test_fits_agree_with_those_of_whole_sequences():
    u = inputs_of(RAGGED)
    y = [np.roll(x, 2, axis=0) for x in u]
    models = [
        ESNRegressor(50, alpha=1e-3, time_parallel=how, feedback_scaling=fed, random_state=0, readout=readout).fit(u, y)
        for fed, readout in ((0.0, None), (0.1, None), (0.0, Ridge(1e-3)))
        for how in ("auto", False)
    ]
    for cut, whole in zip(models[::2], models[1::2], strict=True):
        for a, b in zip(cut.predict(u), whole.predict(u), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)
    assert not np.array_equal(models[0].coef_, models[1].coef_)  # or nothing was cut


def test_forecasters_go_on_from_the_end_of_the_last_piece():
    y = mackey_glass(3000)
    cut, whole = (ESNForecaster(60, time_parallel=how, random_state=0).fit(y) for how in ("auto", False))
    np.testing.assert_allclose(cut.last_state_, whole.last_state_, rtol=0, atol=1e-12)
    np.testing.assert_allclose(cut.forecast(20), whole.forecast(20), rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrong", [True, 0, -1e-3, 2.0, "always", None, float("nan")])
def test_impossible_tolerances(wrong):
    message = rf"time_parallel={wrong!r} must be a finite number in \(0, 1\], 'auto' or False"
    with pytest.raises(ValueError, match=message):
        EchoStateNetwork(10, time_parallel=wrong).fit(np.zeros((5, 1)))
