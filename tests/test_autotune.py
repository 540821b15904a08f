import numpy as np
import pytest

from reservoirs.autotune import detect_season, most_cautious, persistence, seasonal_naive, tune_forecaster

T = np.arange(600)
WAVES = np.sin(2 * np.pi * T / 24) + 0.5 * np.sin(2 * np.pi * T / 90)
NOISE = np.random.default_rng(0).normal(size=600)


def test_beats_naive_on_waves():
    tuned = tune_forecaster(WAVES[:550], horizon=20, n_candidates=10)
    assert tuned.backtest["ESN"] < 0.5 * min(tuned.backtest["persistence"], tuned.backtest["seasonal naive"])
    assert np.abs(tuned.forecast(20) - WAVES[550:570]).max() < 0.3


def test_same_seed_same_result():
    one, two = (tune_forecaster(WAVES, horizon=10, n_candidates=4, random_state=3) for _ in range(2))
    assert one.params == two.params
    assert one.backtest == two.backtest
    np.testing.assert_array_equal(one.forecast(10), two.forecast(10))


def test_backtest_sees_only_the_past():
    # The last part takes no part in the choice: whatever it holds, the settings stay.
    changed = WAVES.copy()
    changed[-100:] = NOISE[-100:]
    one, two = (tune_forecaster(y, horizon=20, season=24, n_candidates=8) for y in (WAVES, changed))
    assert (one.params, one.lag) == (two.params, two.lag)
    assert one.backtest != two.backtest


def test_given_parameters_are_kept():
    given = {"n_units": 30, "spectral_radius": 0.7, "leak_rate": 0.5, "input_scaling": 0.3, "alpha": 0.1}
    tuned = tune_forecaster(WAVES, horizon=10, n_candidates=50, **given)
    assert tuned.params.items() >= given.items()
    assert len(tuned.forecasters) == 5
    assert all(forecaster.n_units == 30 for forecaster in tuned.forecasters)


def test_given_list_of_penalties():
    assert tune_forecaster(WAVES, horizon=10, n_candidates=3, alpha=(1e-4, 1e-2)).params["alpha"] == (1e-4, 1e-2)


@pytest.mark.parametrize("trend", [0.0, 0.05])
def test_differences_follow_season_and_trend(trend):
    y = np.tile(np.random.default_rng(1).normal(size=20), 30) + trend * T
    tuned = tune_forecaster(y[:560], horizon=40, season=20, n_candidates=30)
    np.testing.assert_allclose(tuned.forecast(40), y[560:], atol=0.5)


def test_forecasts_side_by_side():
    tuned = tune_forecaster(WAVES, horizon=10, season=24, n_candidates=6)
    together = tuned.forecast(30, [WAVES[:300], WAVES[:551]])
    assert together.shape == (2, 30)
    np.testing.assert_array_equal(together[1], tuned.forecast(30, [WAVES[:551]])[0])


def test_forecast_checks():
    tuned = tune_forecaster(np.cumsum(NOISE), horizon=5, n_candidates=2)
    with pytest.raises(ValueError, match="n_steps=0 must be an integer of at least 1"):
        tuned.forecast(0)


def test_short_history_for_the_lag():
    y = np.tile(np.random.default_rng(1).normal(size=20), 30) + 0.1 * NOISE
    tuned = tune_forecaster(y, horizon=40, season=20, n_candidates=30)
    assert tuned.lag == 20
    with pytest.raises(ValueError, match="a history of 20 time steps must be longer than the lag of 20"):
        tuned.forecast(5, [y[:20]])


@pytest.mark.parametrize("y", [WAVES[:50], np.exp(T[:80] / 8.0), np.cumsum(NOISE), np.where(T % 7, 0.0, 1.0)])
def test_hard_series_stay_finite(y):
    tuned = tune_forecaster(y, horizon=15, n_candidates=12)
    assert np.isfinite(tuned.forecast(200)).all()
    assert np.isfinite(list(tuned.backtest.values())).all()


def test_verbose(capsys):
    tune_forecaster(WAVES, horizon=10, n_candidates=3, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("spectral_radius=" in line for line in lines)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (WAVES[:59], {"horizon": 20}, "the series has 59 values, but horizon=20 needs at least 60"),
        (np.ones(100), {"horizon": 5}, "the series is constant, 1 throughout"),
        (WAVES, {"horizon": 0}, "horizon=0 must be an integer of at least 1"),
        (WAVES, {"horizon": 5, "season": 1}, "season=1 must be an integer of at least 2"),
        (WAVES, {"horizon": 5, "season": 500}, "season=500 is longer than the 400 time steps"),
        (WAVES, {"horizon": 5, "n_candidates": 0}, "n_candidates=0 must be an integer of at least 1"),
        (WAVES, {"horizon": 5, "spectral_radius": -1.0}, "spectral_radius=-1.0 must be"),
        (np.append(WAVES, np.nan), {"horizon": 5}, "y contains NaN"),
        (WAVES.reshape(-1, 2), {"horizon": 5}, r"y has shape \(300, 2\); expected one series"),
    ],
)
def test_errors(y, options, message):
    with pytest.raises(ValueError, match=message):
        tune_forecaster(y, **options)


def test_naive_forecasts():
    np.testing.assert_array_equal(persistence([1, 2, 3], 2), [3, 3])
    np.testing.assert_array_equal(seasonal_naive([7, 1, 2], 5, 2), [1, 2, 1, 2, 1])


@pytest.mark.parametrize(
    ("y", "season"),
    [
        (np.sin(2 * np.pi * T / 24) + 0.3 * NOISE, 24),
        (np.sin(2 * np.pi * T / 24) + 0.01 * T, 24),
        (np.tile(np.random.default_rng(2).normal(size=100), 6), 100),
        (NOISE, None),
        (0.1 * T, None),
        (np.ones(50), None),
        (np.array([1.0, 2.0]), None),
    ],
)
def test_detect_season(y, season):
    assert detect_season(y) == season


def test_most_cautious():
    assert most_cautious([1.0, 1.04, 1.2], [0.1, 1.0, 10.0]) == 1
    assert most_cautious([1.01, 1.0], [1.0, 1.0]) == 1
    assert most_cautious([1.0, 1.01], [(1e-6, 1e-2), 1e-4]) == 0
