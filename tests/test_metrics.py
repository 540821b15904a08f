import numpy as np
import pytest

from reservoirs.metrics import anomaly_scores, nrmse, valid_prediction_time


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


@pytest.mark.parametrize("forgetting", [0.0, 0.9, 0.99])
def test_anomaly_scores_follow_their_definition(forgetting):
    rng = np.random.default_rng(0)
    residuals = rng.normal(1.0, 2.0, 400)
    scores = anomaly_scores(residuals, np.zeros(400), forgetting=forgetting)
    # Of the first rows mean and variance are plain; later they are exponentially weighted sums.
    n = min(400, int(np.floor(1 / (1 - forgetting) - 1e-9)))
    for t in range(2, n):
        before = residuals[:t]
        assert scores[t] == pytest.approx((residuals[t] - before.mean()) ** 2 / before.var())
    weights = np.ones(n) / n
    for t in range(n, 400 * (forgetting > 0)):
        mean = weights @ residuals[:t]
        variance = weights @ (residuals[:t] - mean) ** 2
        assert scores[t] == pytest.approx((residuals[t] - mean) ** 2 / variance)
        weights = np.append(weights * forgetting, 1 - forgetting)
    assert scores[:2].tolist() == [0.0, 0.0]


def test_anomaly_scores_of_noise_are_about_one_and_of_a_fault_are_not():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(5000, 2)) * [1.0, 1e5] + [0.0, 1e6]
    true[4000, 1] += 8e5
    scores = anomaly_scores(true, np.zeros((5000, 2)))
    assert 0.9 < np.median(scores) / np.median((rng.normal(size=(5000, 2)) ** 2).mean(axis=1)) < 1.1
    assert scores.argmax() == 4000
    assert anomaly_scores(true.astype(np.float32), np.zeros((5000, 2), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("y_true", "forgetting", "message"),
    [
        ([1.0, 2.0], 1.0, r"forgetting=1.0 must be a finite number in \[0, "),
        ([1.0, 2.0, 3.0], 0.9, "must have the same shape"),
        ([1.0, np.nan], 0.9, "y_true"),
    ],
)
def test_anomaly_scores_refuse(y_true, forgetting, message):
    with pytest.raises(ValueError, match=message):
        anomaly_scores(y_true, [0.0, 0.0], forgetting=forgetting)
