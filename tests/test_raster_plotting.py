import builtins

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs.plotting import PotentialDisplay, RasterDisplay, RateDisplay

TIMES = [1.0, 2.0, 11.0, 12.0, 13.0]
UNITS = [0, 3, 1, 0, 3]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_raster_separates_kinds():
    display = RasterDisplay.from_spikes(TIMES, UNITS, 4, n_exc=3, duration=25.0, bin_width=10.0)
    exc, inh = display.spikes_
    np.testing.assert_array_equal(exc.get_xydata(), [[1, 0], [11, 1], [12, 0]])
    np.testing.assert_array_equal(inh.get_xydata(), [[2, 3], [13, 3]])
    assert exc.get_color() != inh.get_color()
    assert legend(display) == ["excitatory", "inhibitory"]
    assert display.ax_.get_xlim() == (0, 25)
    assert display.ax_.figure is display.rate_ax_.figure is display.figure_


def test_raster_rates_are_spikes_per_second_and_neuron():
    display = RasterDisplay.from_spikes(TIMES, UNITS, 4, n_exc=3, duration=25.0, bin_width=10.0)
    exc, inh = (patch.get_data() for patch in display.rates_)
    np.testing.assert_array_equal(exc.edges, [0, 10, 20, 25])
    np.testing.assert_allclose(exc.values, [1 / 3 / 0.01, 2 / 3 / 0.01, 0])
    np.testing.assert_allclose(inh.values, [100, 100, 0])


def test_last_bin_of_a_raster_counts_its_own_width():
    display = RasterDisplay.from_spikes([22.0], [0], 1, duration=25.0, bin_width=10.0)
    np.testing.assert_allclose(display.rates_[0].get_data().values, [0, 0, 200])


def test_raster_of_one_kind():
    display = RasterDisplay.from_spikes(TIMES, UNITS, 4)
    assert len(display.spikes_) == len(display.rates_) == 1
    assert display.ax_.get_legend() is None
    assert display.duration == 15.0  # the end of the bin of the last spike


def test_raster_without_inhibitory_neurons_shows_excitatory_ones():
    display = RasterDisplay.from_spikes(TIMES, UNITS, 4, n_exc=4)
    assert [dots.get_label() for dots in display.spikes_] == ["excitatory"]


def test_raster_without_spikes():
    display = RasterDisplay.from_spikes([], [], 4, duration=10.0)
    np.testing.assert_array_equal(display.rates_[0].get_data().values, [0, 0])


def test_raster_on_given_axes():
    _, (ax, rate_ax) = pyplot.subplots(2)
    assert RasterDisplay.from_spikes(TIMES, UNITS, 4, ax=ax).rate_ax_ is None
    display = RasterDisplay.from_spikes(TIMES, UNITS, 4, ax=ax, rate_ax=rate_ax)
    assert display.ax_ is ax
    assert display.rate_ax_ is rate_ax
    assert display.plot().ax_ is not ax


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0], [0, 1], 4), {}, r"times has shape \(1,\) and units \(2,\); expected \(n_spikes,\) for both"),
        (([1.0], [0.5], 4), {}, "units has dtype float64; expected integers"),
        (([1.0, 2.0], [0, 4], 4), {}, "units has 0 to 4; expected 0 to 3 for n_units=4"),
        (([-1.0], [0], 4), {}, "times has negative, infinite or missing values"),
        (([np.nan], [0], 4), {}, "times has negative, infinite or missing values"),
        (([], [], 4), {}, "duration=None and no spikes: give the length"),
        (([9.0], [0], 4), {"duration": 8.0}, "times has 9, after the end of the recording: duration=8"),
        (([9.0], [0], 4), {"duration": 0.0}, "duration=0.0 must be a finite number in"),
        (([9.0], [0], 4), {"bin_width": 0.0}, "bin_width=0.0 must be a finite number in"),
        (([9.0], [0], 4), {"n_exc": 5}, "n_exc=5 must be at most the number of neurons, 4"),
        (([9.0], [0], 0), {}, "n_units=0 must be an integer of at least 1"),
    ],
)
def test_wrong_rasters(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        RasterDisplay.from_spikes(*arguments, **options)


def test_potentials_with_spikes_and_threshold():
    potentials = np.array([[0.0, 5.0], [10.0, 6.0], [19.0, 7.0], [0.0, 8.0]])
    display = PotentialDisplay.from_potentials(
        potentials, units=[4, 2], dt=0.5, spike_times=[1.5, 0.5], spike_units=[4, 9], threshold=20.0
    )
    first, second = display.lines_
    np.testing.assert_array_equal(first.get_xydata(), [[0, 0], [0.5, 10], [1, 19], [1.5, 0]])
    np.testing.assert_array_equal(second.get_ydata(), potentials[:, 1])
    assert legend(display) == ["neuron 4", "neuron 2"]
    # Neuron 9 is not watched; a spike shoots up from the threshold.
    spike, none = display.spikes_
    np.testing.assert_allclose(spike.get_segments(), [[[1.5, 20], [1.5, 26]]])
    assert none.get_segments() == []


def test_potentials_alone():
    display = PotentialDisplay.from_potentials(np.zeros((3, 2)))
    assert legend(display) == ["neuron 0", "neuron 1"]
    assert display.spikes_ == []
    _, ax = pyplot.subplots()
    assert display.plot(ax).ax_ is ax


def test_spikes_of_potentials_without_threshold_start_at_the_top():
    display = PotentialDisplay.from_potentials([[0.0], [10.0]], spike_times=[1.0], spike_units=[0])
    np.testing.assert_allclose(display.spikes_[0].get_segments(), [[[1, 10], [1, 13]]])


@pytest.mark.parametrize(
    ("potentials", "options", "message"),
    [
        ([1.0, 2.0], {}, r"potentials has shape \(2,\); expected \(n_steps, n_watched\)"),
        ([[1.0]], {"units": [1, 2]}, r"units has shape \(2,\) and dtype int64; expected 1 integers"),
        ([[1.0]], {"spike_times": [1.0]}, "spike_times and spike_units go together"),
        ([[1.0]], {"spike_times": [1.0], "spike_units": []}, r"spike_times has shape \(1,\) and spike_units \(0,\)"),
        ([[1.0]], {"dt": 0.0}, "dt=0.0 must be a finite number in"),
        ([[1.0]], {"threshold": "high"}, "threshold='high' must be a finite number"),
    ],
)
def test_wrong_potentials(potentials, options, message):
    with pytest.raises(ValueError, match=message):
        PotentialDisplay.from_potentials(potentials, **options)


def test_rates():
    display = RateDisplay.from_counts([[0, 1, 2, 0], [0, 3, 2, 0]], duration=500.0, n_exc=3, bins=4)
    np.testing.assert_array_equal(display.rates, [0, 4, 4, 0])
    assert display.silent == 0.5
    assert display.ax_.get_title(loc="left") == "mean 2.0 Hz, 50 % silent"
    exc, inh = display.bars_
    assert [bar.get_height() for bar in exc] == [1, 0, 0, 2]
    assert [bar.get_height() for bar in inh] == [1, 0, 0, 0]
    assert inh[0].get_y() == 1  # stacked


def test_rates_of_a_silent_population():
    display = RateDisplay.from_counts([0, 0], duration=100.0)
    assert display.ax_.get_title(loc="left") == "mean 0.0 Hz, 100 % silent"
    assert display.ax_.get_legend() is None
    _, ax = pyplot.subplots()
    assert display.plot(ax, bins=3).ax_ is ax


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([], {}, r"counts has shape \(0,\); expected \(n_units,\) or"),
        ([-1], {}, "counts has negative, infinite or missing values"),
        ([1], {"duration": 0.0}, "duration=0.0 must be a finite number in"),
        ([1], {"bins": 0}, "bins=0 must be an integer of at least 1"),
        ([1], {"n_exc": 2}, "n_exc=2 must be at most the number of neurons, 1"),
    ],
)
def test_wrong_rates(counts, options, message):
    with pytest.raises(ValueError, match=message):
        RateDisplay.from_counts(counts, **{"duration": 100.0, **options})


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install reservoirs\[plot\]"):
        RasterDisplay.from_spikes(TIMES, UNITS, 4)
