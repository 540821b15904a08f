import builtins

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs import ESNForecaster
from reservoirs.plotting import ForecastDisplay

PAST = np.sin(np.arange(200) / 5)
FUTURE = np.sin(np.arange(200, 220) / 5)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def test_draws_past_truth_naive_and_forecast():
    display = ForecastDisplay.from_predictions(PAST, FUTURE, FUTURE + 1, naive=FUTURE * 0, naive_name="zero")
    past, truth, naive, forecast = display.lines_
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["past", "truth", "zero", "forecast"]
    np.testing.assert_array_equal(past.get_ydata(), PAST[-40:])
    np.testing.assert_array_equal(past.get_xdata(), np.arange(-39, 1))
    # What comes after is joined to the last value of the past, at 0.
    for line, values in ((truth, FUTURE), (naive, FUTURE * 0), (forecast, FUTURE + 1)):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(21))
        np.testing.assert_array_equal(line.get_ydata(), np.append(PAST[-1], values))
    assert display.figure_ is display.ax_.figure


def test_future_unknown_on_given_axes():
    _, ax = pyplot.subplots()
    display = ForecastDisplay.from_predictions(PAST, None, FUTURE, n_past=7, ax=ax)
    assert display.ax_ is ax
    assert len(display.lines_) == 2
    assert len(display.lines_[0].get_ydata()) == 7


def test_past_shorter_than_what_is_shown():
    display = ForecastDisplay.from_predictions(PAST[:3], None, FUTURE)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [-2, -1, 0])


def test_plot_again_draws_anew():
    display = ForecastDisplay.from_predictions(PAST, FUTURE, FUTURE)
    first = display.ax_
    assert display.plot(n_past=10) is display
    assert display.ax_ is not first


@pytest.mark.parametrize("known", [True, False])
def test_from_estimator(known):
    model = ESNForecaster(n_units=50, random_state=0).fit(PAST)
    display = ForecastDisplay.from_estimator(
        model, PAST[:150], PAST[150:160] if known else None, n_steps=None if known else 10
    )
    np.testing.assert_array_equal(display.forecast, model.forecast(10, warmup=PAST[:150]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PAST[:, None], None, FUTURE), r"past has shape \(200, 1\); expected one variable"),
        ((PAST, FUTURE[:5], FUTURE), "true has 5 time steps, but forecast has 20"),
        ((PAST, None, []), r"forecast has shape \(0,\)"),
    ],
)
def test_wrong_shapes(arguments, message):
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_predictions(*arguments)


def test_wrong_naive_and_n_past():
    with pytest.raises(ValueError, match="naive has 2 time steps, but forecast has 20"):
        ForecastDisplay.from_predictions(PAST, None, FUTURE, naive=[1, 2])
    with pytest.raises(ValueError, match="n_past=0 must be an integer of at least 1"):
        ForecastDisplay.from_predictions(PAST, None, FUTURE, n_past=0)


def test_estimator_needs_a_length():
    with pytest.raises(ValueError, match="true=None and n_steps=None: give one of them"):
        ForecastDisplay.from_estimator(ESNForecaster(), PAST)


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install reservoirs\[plot\]"):
        ForecastDisplay.from_predictions(PAST, None, FUTURE)
