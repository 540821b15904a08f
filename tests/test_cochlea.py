"""The filter bank: the right bands, silence, ragged lengths, the recipe by hand, errors, and scikit-learn's manners."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import gammatone
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from reservoirs import LSMClassifier
from reservoirs.encoding import BSAEncoder, Cochlea, DeltaEncoder
from reservoirs.topology import Column

RATE = 8000

# The columns of a table of waveforms are samples in time: another number of them is a shorter or longer sound.
LENGTHS_MAY_DIFFER = {
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_transformer_general",
}
# It compares the list that a list gives with the array that an array gives, by shape.
LISTS_GIVE_LISTS = {"check_transformer_data_not_an_array"}


@parametrize_with_checks([Cochlea(n_bands=4, frame_period=0.125)])
def test_scikit_learn_checks(estimator, check):
    if check.func.__name__ in LENGTHS_MAY_DIFFER | LISTS_GIVE_LISTS:
        with pytest.raises((AssertionError, AttributeError)):
            check(estimator)
    else:
        check(estimator)


def tone(frequency, duration=0.2, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(round(duration * rate)) / rate)


@pytest.fixture(scope="module")
def cochlea():
    rng = np.random.default_rng(0)
    return Cochlea(n_bands=24).fit([1000 * rng.standard_normal(800) for _ in range(3)])


@pytest.mark.parametrize("band", [0, 7, 15, 23])
def test_a_tone_excites_its_band(cochlea, band):
    frequency = cochlea.center_frequencies_[band]
    (rows,) = cochlea.transform([tone(frequency)])
    assert (rows[-40:] * cochlea.scale_).mean(axis=0).argmax() == band
    envelopes = cochlea._envelopes(tone(frequency), 20.0)
    np.testing.assert_allclose(envelopes[-10:, band], 1.0, rtol=0.02)


def test_bands_are_equally_spaced_as_the_ear_has_them():
    cochlea = Cochlea(n_bands=5, low=200.0, high=3000.0).fit([tone(500)])
    places = 21.4 * np.log10(1 + 0.00437 * cochlea.center_frequencies_)
    np.testing.assert_allclose(np.diff(places), np.diff(places)[0])
    np.testing.assert_allclose(cochlea.center_frequencies_[[0, -1]], [200, 3000])
    # Glasberg and Moore 1990: 132.6 Hz at 1 kHz.
    at_1000 = Cochlea(n_bands=1, low=1000.0).fit([tone(500)]).bandwidths_
    np.testing.assert_allclose(at_1000, 1.019 * 132.6, rtol=1e-3)
    assert Cochlea(n_bands=2, sampling_rate=16000).fit([tone(500)]).center_frequencies_[-1] == pytest.approx(7200)


def test_envelopes_are_those_of_a_gammatone_filter(rng):
    signal = rng.standard_normal(400)
    cochlea = Cochlea(n_bands=1, low=700.0).fit([signal])
    f, b = 700 / RATE, cochlea.bandwidths_[0] / RATE
    # The cascade's impulse response is a C(t + 3, 3) p^t, which t^3 p^t approaches from t = 3 on.
    t = np.arange(400)
    response = (t + 1) * (t + 2) * (t + 3) / 6 * np.exp(2 * np.pi * t * (1j * f - b))
    response *= 2 * (1 - np.exp(-2 * np.pi * b)) ** 4
    expected = np.abs(np.convolve(signal, response)[:400]).reshape(-1, 20).mean(axis=1)
    np.testing.assert_allclose(cochlea._envelopes(signal, 20.0)[:, 0], expected, rtol=1e-9)
    # SciPy's finite one has the same envelope at the centre, when its delay is over.
    numerator, _ = gammatone(700.0, "fir", numtaps=300, fs=RATE)
    filtered = np.convolve(tone(700), numerator)[800:1200]
    assert np.abs(filtered).max() == pytest.approx(1.0, rel=0.05)


def test_the_recipe_by_hand(cochlea, rng):
    signal = rng.standard_normal(300)
    envelopes = cochlea._envelopes(signal, 20.0)
    level = np.sqrt((envelopes**2).mean())
    expected = np.log(1 + envelopes / (0.03 * level)) / cochlea.scale_
    np.testing.assert_allclose(cochlea.transform([signal])[0], expected)
    absolute = clone(cochlea).set_params(level="training", floor=0.5)
    train = [signal, 3 * signal[:100]]
    heard = absolute.fit_transform(train)
    rows = np.concatenate([absolute._envelopes(x, 20.0) for x in train])
    assert absolute.level_ == pytest.approx(np.sqrt((rows**2).mean()))
    np.testing.assert_allclose(np.concatenate(heard) * absolute.scale_, np.log1p(rows / (0.5 * absolute.level_)))
    np.testing.assert_allclose(np.concatenate(heard).std(axis=0), 1.0)


def test_loud_and_soft_recordings_give_the_same(cochlea, rng):
    signal = rng.standard_normal(500)
    soft, loud = cochlea.transform([signal, 1000 * signal])
    np.testing.assert_allclose(soft, loud)
    by_training = clone(cochlea).set_params(level="training").fit([signal])
    soft, loud = by_training.transform([signal, 1000 * signal])
    assert (loud > soft).all()


def test_silence_gives_zeros(cochlea):
    for silence in (np.zeros(100), np.zeros(100, np.int16)):
        np.testing.assert_array_equal(cochlea.transform([silence])[0], np.zeros((5, 24)))
    deaf = Cochlea(n_bands=3)
    np.testing.assert_array_equal(deaf.fit_transform([np.zeros(7)])[0], np.zeros((1, 3)))
    assert np.isfinite(deaf.transform([tone(500)])[0]).all()


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=5), period=st.sampled_from([0.125, 1.0, 2.3, 5.0]))
def test_ragged_lengths(lengths, period):
    rng = np.random.default_rng(sum(lengths))
    waveforms = [rng.integers(-(2**15), 2**15, n, dtype=np.int16) for n in lengths]
    cochlea = Cochlea(n_bands=3, frame_period=period)
    heard = cochlea.fit_transform(waveforms)
    assert [rows.shape for rows in heard] == [(int(np.ceil(n / RATE / period * 1000 - 1e-9)), 3) for n in lengths]
    for rows, again, alone in zip(heard, cochlea.transform(waveforms), waveforms, strict=True):
        assert np.isfinite(rows).all()
        assert (rows >= 0).all()
        np.testing.assert_array_equal(rows, again)
        np.testing.assert_array_equal(rows, cochlea.transform([alone])[0])


def test_what_comes_later_changes_nothing_before_it(rng):
    signal = rng.standard_normal(400)
    cochlea = Cochlea(n_bands=5, level="training").fit([signal])
    np.testing.assert_allclose(cochlea.transform([signal[:200]])[0], cochlea.transform([signal])[0][:10], rtol=1e-12)


def test_frames_keep_time_at_any_sampling_rate():
    # 110.25 samples a frame: the click in the middle of frame 300 is heard there.
    click = np.zeros(44100)
    click[round(300.5 * 110.25)] = 1.0
    cochlea = Cochlea(n_bands=2, sampling_rate=44100.0, low=4000.0, high=8000.0)
    (rows,) = cochlea.fit_transform([click])
    assert len(rows) == 400
    assert rows[:, -1].argmax() == 300


def test_arrays_give_arrays_and_lists_lists(rng):
    table = rng.standard_normal((3, 100))
    cochlea = Cochlea(n_bands=4)
    array = cochlea.fit_transform(table)
    assert array.shape == (3, 5, 4)
    assert isinstance(cochlea.transform(list(table)), list)
    np.testing.assert_array_equal(array, np.stack(cochlea.transform(table.tolist())))


def test_a_pipeline_tells_high_from_low(rng):
    pitches = rng.permutation(np.repeat([400.0, 1500.0], 8))
    waveforms = [tone(f * rng.uniform(0.95, 1.05), rng.uniform(0.08, 0.12)) for f in pitches]
    for encoder in (BSAEncoder(n_taps=10, cutoff=0.06, row_duration=2.5), DeltaEncoder(row_duration=2.5)):
        model = make_pipeline(
            Cochlea(n_bands=8),
            LSMClassifier(topology=Column((3, 3, 3)), encoder=encoder, input_weight=10.0, random_state=0),
        )
        assert model.fit(waveforms[:10], pitches[:10]).score(waveforms[10:], pitches[10:]) == 1.0


def test_a_copy_or_a_pickle_gives_the_same_and_a_failed_fit_changes_nothing(cochlea):
    waveforms = [tone(700), tone(1200, 0.05)]
    expected = cochlea.transform(waveforms)
    for a, b in zip(expected, pickle.loads(pickle.dumps(cochlea)).transform(waveforms), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(NotFittedError):
        clone(cochlea).transform(waveforms)
    with pytest.raises(ValueError, match="X holds no waveform"):
        cochlea.fit([])
    np.testing.assert_array_equal(cochlea.transform(waveforms)[0], expected[0])


WRONG = [
    ({"n_bands": 0}, "n_bands=0 must be an integer of at least 1"),
    ({"sampling_rate": 0}, "sampling_rate=0 must be a finite number in (0, inf)"),
    ({"low": 0}, "low=0 must be a finite number in (0, 3600]"),
    ({"low": 3000, "high": 2000}, "low=3000 must be a finite number in (0, 2000]"),
    ({"high": 4001}, "high=4001 must be a finite number in [0, 4000]"),
    ({"frame_period": -1}, "frame_period=-1 must be a finite number in [0, 100000]"),
    ({"frame_period": 0.1}, "frame_period=0.1 is shorter than a sample: 0.125 ms"),
    ({"floor": 0}, "floor=0 must be a finite number in (0, inf)"),
    ({"level": "mine"}, "level='mine' is not one of 'own', 'training'"),
]


@pytest.mark.parametrize(("parameters", "message"), WRONG)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Cochlea(**parameters).fit([tone(500)])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "X holds no waveform; expected at least one"),
        (tone(500), "Reshape your data"),
        ([tone(500), tone(500)[None]], "X[1] has shape (1, 1600); expected a waveform of shape (n_samples,)"),
        ([1.0, 2.0], "X[0] has shape (); expected a waveform of shape (n_samples,)"),
        ([tone(500), []], "X[1]: Found array with 0 sample(s)"),
        ([tone(500), [0.0, np.nan]], "X[1]"),
        ([["loud"]], "X[0]: could not convert string to float"),
        ([tone(500) * 1j], "X[0]: Complex data not supported"),
    ],
)
def test_wrong_waveforms(X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Cochlea().fit(X)
