import numpy as np
import pytest

from reservoirs.metrics import nrmse, valid_prediction_time


def test_nrmse_is_zero_when_right_and_one_for_the_mean():
    y = np.random.RandomState(0).normal(size=(50, 3))
    assert nrmse(y, y) == 0.0
    assert nrmse(y, np.broadcast_to(y.mean(axis=0), y.shape)) == pytest.approx(1.0)


def test_nrmse_is_the_mean_over_outputs_and_ignores_scale():
    rng = np.random.RandomState(0)
    true, pred = rng.normal(size=(2, 50, 3))
    each = [nrmse(true[:, j], pred[:, j]) for j in range(3)]
    scale = np.array([1.0, 1e6, 1e-6])
    assert nrmse(true, pred) == pytest.approx(np.mean(each))
    assert nrmse(true * scale + 5, pred * scale + 5) == pytest.approx(nrmse(true, pred))


def test_nrmse_takes_lists_and_returns_a_float():
    error = nrmse([0, 2, 0, 2], [1, 1, 1, 1])
    assert type(error) is float
    assert error == 1.0


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([1.0, 1.0], [0.0, 1.0], "y_true must vary.*output 0"),
        ([[0.0, 0.1], [1.0, 0.1], [2.0, 0.1]], [[0.0, 1.0]] * 3, "y_true must vary.*output 1"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], r"y_true and y_pred must have the same shape, got \(2, 1\) and \(3, 1\)"),
        ([1.0, np.nan], [1.0, 2.0], "y_true must be finite.*row 1"),
        ([1.0, 2.0], [np.inf, 2.0], "y_pred must be finite.*row 0"),
        ([], [], r"y_true must have shape.*got shape \(0,\)"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), r"y_true must have shape.*got shape \(2, 2, 2\)"),
    ],
)
def test_nrmse_refuses(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        nrmse(y_true, y_pred)


def test_valid_prediction_time_counts_rows_up_to_the_first_error():
    true = np.tile([[-3.0, -4.0], [3.0, 4.0]], (10, 1))  # the normaliser is 5
    pred = true.copy()
    pred[7] += [1.2, 1.6]  # an error of exactly 2 / 5 does not exceed 0.4
    pred[12] += [1.3, 1.6]
    pred[13:] = true[13:]
    assert valid_prediction_time(true, pred, dt=0.25) == 12 * 0.25
    assert valid_prediction_time(true, pred, dt=0.25, threshold=0.39) == 7 * 0.25
    assert valid_prediction_time(true, pred, dt=0.25, lyapunov_exponent=2.0) == 12 * 0.5


def test_valid_prediction_time_of_a_perfect_and_a_hopeless_forecast():
    true = np.sin(np.arange(40.0))
    assert valid_prediction_time(true, true, dt=0.5) == 20.0
    assert valid_prediction_time(true, true + 10, dt=0.5) == 0.0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_valid_prediction_time_counts_a_diverged_forecast_as_wrong(value):
    true = np.sin(np.arange(40.0))
    pred = true.copy()
    pred[8:] = value
    assert valid_prediction_time(true, pred, dt=1.0) == 8.0


def test_valid_prediction_time_of_a_batch_equals_one_by_one():
    rng = np.random.RandomState(0)
    true = [rng.normal(size=(n, 3)).cumsum(axis=0) for n in (30, 50, 40)]
    pred = [y + 0.1 * rng.normal(size=y.shape).cumsum(axis=0) for y in true]
    times = valid_prediction_time(true, pred, dt=0.02, lyapunov_exponent=0.9)
    alone = [valid_prediction_time(t, p, dt=0.02, lyapunov_exponent=0.9) for t, p in zip(true, pred, strict=True)]
    np.testing.assert_array_equal(times, alone)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        (np.arange(3.0), np.arange(3.0), {"dt": 0.0}, "dt must be a positive finite number, got 0.0"),
        (np.arange(3.0), np.arange(3.0), {"dt": 1.0, "threshold": -1}, "threshold must be .*got -1"),
        (np.arange(3.0), np.arange(3.0), {"dt": 1.0, "lyapunov_exponent": np.nan}, "lyapunov_exponent .*got nan"),
        (np.ones(3), np.ones(3), {"dt": 1.0}, "y_true must vary"),
        (np.full(3, np.nan), np.ones(3), {"dt": 1.0}, "y_true must be finite"),
        (np.arange(3.0), np.arange(4.0), {"dt": 1.0}, "y_true and y_pred must have the same shape"),
        (np.zeros((2, 3, 1)), np.zeros((2, 3, 1)), {"dt": 1.0}, "a batch of trajectories is a list"),
        ([np.arange(3.0)], [], {"dt": 1.0}, "got 1 and 0"),
        ([], [], {"dt": 1.0}, "at least one"),
        ([np.arange(3.0), np.ones(3)], [np.ones(3)] * 2, {"dt": 1.0}, r"y_true\[1\] must vary"),
    ],
)
def test_valid_prediction_time_refuses(y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        valid_prediction_time(y_true, y_pred, **options)
