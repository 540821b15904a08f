"""Encoders: exact recipes against plain loops, statistics, signals rebuilt from spikes, and scikit-learn's tools."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from reservoirs.encoding import BSAEncoder, DeltaEncoder, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.encoding._base import StaticEncoder
from reservoirs.encoding._philox import bernoulli_spikes, fnv1a, philox
from tests import reference

STATIC = [RateEncoder(duration=20.0, random_state=0), LatencyEncoder()]
TEMPORAL = [
    DeltaEncoder(),
    PopulationEncoder(n_fields=4),
    PopulationEncoder(n_fields=4, code="bernoulli", random_state=0),
    BSAEncoder(n_taps=4),
]

# transform gives a list of Events, and these compare arrays. They pass below for subclasses that give arrays.
EVENTS_ARE_NO_ARRAY = {
    "check_estimators_pickle",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_pipeline_consistency",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
}
# Where rows are time steps, a row's spikes depend on the rows before it.
OF_INDEPENDENT_ROWS = {"check_methods_sample_order_invariance", "check_methods_subset_invariance"}


@parametrize_with_checks([*STATIC, DeltaEncoder(), PopulationEncoder(code="bernoulli"), BSAEncoder(n_taps=4)])
def test_scikit_learn_checks(estimator, check):
    if check.func.__name__ in EVENTS_ARE_NO_ARRAY:
        # Not xfail, for which pytest formats hundreds of scikit-learn's frames: that takes longer than all other tests.
        with pytest.raises((TypeError, AttributeError, IndexError, AssertionError)):
            check(estimator)
    else:
        check(estimator)


class RateCounts(RateEncoder):
    def transform(self, X):
        return np.stack([events.counts() for events in super().transform(X)])


class Latencies(LatencyEncoder):
    def transform(self, X):
        return np.stack([spike_times(events) for events in super().transform(X)])


def spike_times(events):
    times = np.full(events.n_channels, -1)
    times[events.channel] = events.t
    return times


class DeltaRows(DeltaEncoder):
    def transform(self, X):
        return _rows(self, DeltaEncoder, X)


class PopulationRows(PopulationEncoder):
    def transform(self, X):
        return _rows(self, PopulationEncoder, X)


class BSARows(BSAEncoder):
    def transform(self, X):
        return _rows(self, BSAEncoder, X)


def _rows(encoder, parent, X):
    """Return one row of counts for each row of a sequence."""
    (events,) = parent.transform(encoder, X)
    period = round(1000 * encoder.row_duration)
    counts = np.zeros((events.duration // period, events.n_channels))
    np.add.at(counts, (events.t // period, events.channel), 1)
    return counts


def checks_of_arrays():
    """Give the checks that lists of events fail, for encoders that give arrays instead."""
    for encoder in (RateCounts(duration=20.0), Latencies(), DeltaRows(), PopulationRows(code="bernoulli"), BSARows()):
        rows_are_steps = not isinstance(encoder, StaticEncoder)
        for estimator, check in estimator_checks_generator(encoder):
            name = check.func.__name__
            if name in EVENTS_ARE_NO_ARRAY and not (rows_are_steps and name in OF_INDEPENDENT_ROWS):
                yield pytest.param(estimator, check, id=f"{type(encoder).__name__}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks_of_arrays()))
def test_only_the_form_of_the_output_differs(estimator, check):
    check(estimator)


def as_tuples(events):
    polarity = None if events.polarity is None else events.polarity.tolist()
    return events.t.tolist(), events.address.tolist(), polarity, events.shape, events.duration


@pytest.mark.parametrize("encoder", STATIC + TEMPORAL)
def test_clones_and_pickles_give_the_same_events(encoder, rng):
    X = rng.uniform(0, 1, (12, 3))
    encoder = clone(encoder).fit(X)
    expected = list(map(as_tuples, encoder.transform(X)))
    assert list(map(as_tuples, pickle.loads(pickle.dumps(encoder)).transform(X))) == expected
    assert list(map(as_tuples, clone(encoder).fit(X).transform(X))) == expected
    assert all(events.n_channels == encoder.n_channels_ for events in encoder.transform(X))


@pytest.mark.parametrize("encoder", TEMPORAL)
def test_sequences_do_not_depend_on_their_neighbours(encoder, rng):
    sequences = [rng.uniform(0, 1, (n, 2)) for n in (5, 30, 1, 12)]
    encoder = clone(encoder).fit(sequences)
    together = encoder.transform(sequences)
    alone = [encoder.transform(sequence)[0] for sequence in sequences]
    assert list(map(as_tuples, together)) == list(map(as_tuples, alone))
    assert [events.duration for events in together] == [1000 * n * encoder.row_duration for n in (5, 30, 1, 12)]
    assert len(encoder.transform(np.zeros((3, 4, 2)))) == 3


# Random spikes


def test_philox_and_fnv_against_plain_integers(rng):
    counter = rng.integers(0, 2**32, (4, 7), dtype=np.uint64)
    seed = 0xDEADBEEF_12345678
    words = np.stack(philox(tuple(counter), seed))
    expected = [reference.philox(column, [seed & 0xFFFFFFFF, seed >> 32]) for column in counter.T.tolist()]
    assert words.T.tolist() == expected
    values = rng.uniform(0, 1, (3, 5))
    assert fnv1a(values).tolist() == [plain_fnv1a(row.tobytes()) for row in values]


def plain_fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def plain_spikes(probabilities, n_steps, seed):
    content = plain_fnv1a(np.asarray(probabilities, "<f8").tobytes())
    spikes = []
    for channel, p in enumerate(probabilities):
        step, k = -1, 0
        while p > 0:
            counter = [k // 4, channel, content & 0xFFFFFFFF, content >> 32]
            u = (reference.philox(counter, [seed & 0xFFFFFFFF, seed >> 32])[k % 4] + 0.5) * 2.0**-32
            step += 1 if p == 1 else 1 + math.floor(math.log(u) / math.log1p(-p))
            if step >= n_steps:
                break
            spikes.append((step, channel))
            k += 1
    return sorted(spikes)


def test_spikes_follow_the_recipe(rng):
    probabilities = np.vstack([rng.uniform(0, 1, 6), [0, 1, 1e-3, 1e-300, 0.5, 1 - 2.0**-53], np.zeros(6)])
    drawn = bernoulli_spikes(probabilities, 40, 0x123456789ABCDEF0)
    for p, (step, channel) in zip(probabilities, drawn, strict=True):
        assert list(zip(step.tolist(), channel.tolist(), strict=True)) == plain_spikes(p, 40, 0x123456789ABCDEF0)
    assert [len(step) for step, _ in bernoulli_spikes(np.array([[1.0, 5e-324]]), 9, 1)] == [9]


def test_rates_within_four_sigma(rng):
    p = np.array([0.002, 0.05, 0.3, 0.9])
    encoder = RateEncoder(duration=200.0, normalization=None, random_state=3).fit(p[None])
    # Equal samples would get equal spikes: the last digits make them different.
    X = p * (1 + 1e-9 * rng.uniform(-1, 1, (500, 4)))
    counts = np.sum([events.counts() for events in encoder.transform(X)], axis=0)
    n = 500 * 200
    np.testing.assert_array_less(np.abs(counts - n * p), 4 * np.sqrt(n * p * (1 - p)))
    steps = np.concatenate([events.to_steps(1.0)[0] for events in encoder.transform(X)])
    per_step = np.bincount(steps, minlength=200)
    sigma = np.sqrt(500 * (p * (1 - p)).sum())
    assert np.abs(per_step - 500 * p.sum()).max() < 4.5 * sigma


def test_rate_normalisations():
    X = np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 4.0], [0.0, 0.0, 0.0]])
    by_sum = RateEncoder().fit(X)
    assert by_sum.scale_ == 0.75
    np.testing.assert_array_equal(
        by_sum.probabilities(X), [[0, 0.25 / 0.75, 1], [0.25 / 0.75, 0.25 / 0.75, 0.5 / 0.75], [0] * 3]
    )
    np.testing.assert_array_equal(by_sum.probabilities(10 * X), by_sum.probabilities(X))
    assert by_sum.probabilities([[0, 0, 1.0]]).tolist() == [[0, 0, 1]]  # more than any in the fit
    brightest = RateEncoder(normalization="max", max_rate=500.0).fit(X)
    np.testing.assert_array_equal(brightest.probabilities(X), X / 8)
    plain = RateEncoder(normalization=None, max_rate=100.0, dt=0.5).fit(X)
    np.testing.assert_allclose(plain.probabilities(X), X * 0.05)
    assert plain.n_steps_ == 500
    own = RateEncoder(test_scale="batch").fit(X)
    assert own.probabilities(X[1:2]).tolist() == [[0.5, 0.5, 1.0]]


def test_rate_events_lie_on_steps_and_zeros_are_silent():
    X = np.array([[0.0, 0.5, 1.0], [0.0, 0.0, 0.0]])
    encoder = RateEncoder(duration=5.0, dt=0.1, normalization=None, random_state=1).fit(X)
    first, second = encoder.transform(X)
    assert set((first.t % 100).tolist()) == {0}
    assert first.counts()[[0, 2]].tolist() == [0, 50]
    assert (len(second), second.duration, second.shape) == (0, 5000, (3,))
    assert len(RateEncoder().fit_transform(np.zeros((2, 3)))[0]) == 0


def test_a_samples_spikes_depend_on_seed_and_sample_only(rng):
    X = rng.uniform(0, 1, (70, 5))
    encoder = RateEncoder(duration=30.0, random_state=0).fit(X)
    expected = list(map(as_tuples, encoder.transform(X)))
    assert list(map(as_tuples, encoder.transform(np.asfortranarray(X[::-1])))) == expected[::-1]
    assert as_tuples(encoder.transform(X[[4]])[0]) == expected[4]
    other = RateEncoder(duration=30.0, random_state=1).fit(X)
    assert list(map(as_tuples, other.transform(X))) != expected
    assert 0 <= encoder.seed_ < 2**64


# Latency


def test_latencies():
    X = np.array([[0.0, 1.0, 2.0, 4.0]])
    (linear,) = LatencyEncoder(duration=10.0).fit_transform(X)
    assert as_tuples(linear) == ([0, 5000, 7500], [3, 2, 1], None, (4,), 10000)
    (log,) = LatencyEncoder(duration=10.0, form="log", threshold=0.25).fit_transform(X)
    assert as_tuples(log)[:2] == ([0, 5000], [3, 2])
    (late,) = LatencyEncoder(duration=10.0).fit(X).transform([[1e-9, 0.0, 0.0, 9.0]])
    assert as_tuples(late)[:2] == ([0, 9999], [3, 0])
    assert len(LatencyEncoder().fit_transform(np.zeros((1, 2)))[0]) == 0


# Delta


def plain_delta(x, threshold, most):
    reference, spikes = x[0], []
    for row, value in enumerate(x):
        n = int(max(-most, min(most, math.trunc((value - reference) / threshold))))
        reference += n * threshold
        spikes += [(row, n > 0)] * abs(n)
    return spikes


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (20, 2), elements=st.integers(-64, 64).map(lambda i: i / 8)), st.sampled_from([None, 1, 3]))
def test_delta_follows_the_recipe(X, max_events):
    encoder = DeltaEncoder(threshold=[0.5, 1.25], max_events=max_events)
    (events,) = encoder.fit_transform(X)
    for feature, threshold in enumerate((0.5, 1.25)):
        here = events.address == feature
        sent = list(zip((events.t[here] // 1000).tolist(), (events.polarity[here] == 1).tolist(), strict=True))
        assert sent == plain_delta(X[:, feature], threshold, max_events or 1000)
    (rebuilt,) = encoder.decode([events], first=X[0])
    if max_events is None:
        assert (np.abs(rebuilt - X) < [0.5, 1.25]).all()


def test_delta_rebuilds_many_sequences(rng):
    sequences = [np.cumsum(rng.standard_normal((n, 3)), axis=0) for n in (40, 7, 90)]
    encoder = DeltaEncoder(fraction=0.1).fit(sequences)
    np.testing.assert_allclose(encoder.threshold_, 0.1 * np.concatenate(sequences).std(axis=0))
    rebuilt = encoder.decode(encoder.transform(sequences), first=[x[0] for x in sequences])
    for x, y in zip(sequences, rebuilt, strict=True):
        assert (np.abs(x - y) <= encoder.threshold_ * (1 + 1e-9)).all()


def test_delta_spreads_the_spikes_of_a_row():
    (events,) = DeltaEncoder(threshold=1.0, row_duration=2.0).fit_transform([[0.0, 0.0], [4.0, -1.0]])
    assert events.t.tolist() == [2000, 2000, 2500, 3000, 3500]
    assert events.channel.tolist() == [2, 1, 2, 2, 2]
    (most,) = DeltaEncoder(threshold=1e-6, row_duration=0.01).fit_transform([[0.0], [1.0], [1.0]])
    assert most.t.tolist() == list(range(10, 30))


def test_delta_of_constants_is_silent():
    assert len(DeltaEncoder().fit_transform(np.full((9, 2), 0.1))[0]) == 0


# Population


def test_population_fields_follow_bohte():
    encoder = PopulationEncoder(n_fields=5, beta=1.5, threshold=0.1).fit([[0.0, -1.0], [3.0, 5.0]])
    np.testing.assert_allclose(encoder.centers_, [[-0.5, 0.5, 1.5, 2.5, 3.5], [-2, 0, 2, 4, 6]])
    np.testing.assert_allclose(encoder.widths_, [2 / 3, 4 / 3])
    (answers,) = encoder.activations([[1.0, 2.0]])
    np.testing.assert_allclose(answers[0, 0], np.exp(-0.5 * ((1.0 - encoder.centers_[0]) * 1.5) ** 2))
    (events,) = encoder.transform([[1.0, 2.0]] * 2)
    assert (events.shape, events.duration) == ((2, 5), 20000)
    for row in (0, 1):
        here = events.t // 10000 == row
        expected = {10 * i: t for i, t in enumerate(answers.ravel())}
        for t, address in zip(events.t[here], events.address[here], strict=True):
            assert t == 10000 * row + min(int((1 - expected[10 * address]) * 10000), 9999)
        assert sorted(events.address[here]) == np.flatnonzero(answers.ravel() > 0.1).tolist()


def test_population_bernoulli_rates_within_four_sigma():
    encoder = PopulationEncoder(n_fields=4, code="bernoulli", row_duration=1.0, random_state=0).fit([[0.0], [1.0]])
    X = np.full((20000, 1), 0.4)
    (events,) = encoder.transform(X)
    p = encoder.activations(X[:1])[0].ravel()
    p = np.where(p > 0.1, p, 0)
    assert (np.abs(events.counts().ravel() - 20000 * p) <= 4 * np.sqrt(20000 * p * (1 - p))).all()
    assert set((events.t % 1000).tolist()) == {0}


def test_population_far_away_is_silent_and_constants_are_allowed():
    encoder = PopulationEncoder().fit([[0.0, 2.0], [1.0, 2.0]])
    (events,) = encoder.transform([[1e300, 2.0]])
    assert events.counts()[0].sum() == 0
    assert events.counts()[1].sum() > 0


# Ben's Spiker Algorithm


def plain_bsa(signal, taps, threshold):
    signal, spikes = list(signal), []
    for i in range(len(signal)):
        ahead = range(min(len(taps), len(signal) - i))
        error_spike = sum(abs(signal[i + j] - taps[j]) for j in ahead)
        error_silent = sum(abs(signal[i + j]) for j in ahead)
        spikes.append(error_spike <= error_silent - threshold)
        for j in ahead if spikes[-1] else ():
            signal[i + j] -= taps[j]
    return spikes


def test_bsa_follows_the_recipe(rng):
    sequences = [np.cumsum(rng.standard_normal((n, 3)), axis=0) for n in (60, 5, 33)]
    encoder = BSAEncoder(n_taps=9, cutoff=0.1).fit(sequences)
    for x, events in zip(sequences, encoder.transform(sequences), strict=True):
        for feature in range(3):
            signal = (x[:, feature] - encoder.low_[feature]) / encoder.span_[feature]
            expected = np.flatnonzero(plain_bsa(signal, encoder.filter_, 0.9))
            assert events.t[events.address == feature].tolist() == (1000 * expected).tolist()


def test_bsa_rebuilds_signals():
    t = np.arange(600)
    X = np.column_stack([np.sin(t / 30), 3 + np.cos(t / 25) + 0.5 * np.sin(t / 40)])
    encoder = BSAEncoder()
    (rebuilt,) = encoder.decode(encoder.fit_transform(X))
    assert rebuilt.shape == X.shape
    error = ((rebuilt - X) / encoder.span_)[20:-20]
    assert (np.sqrt((error**2).mean(axis=0)) < 0.03).all()
    assert np.abs(error).max() < 0.12


def test_bsa_out_of_range():
    encoder = BSAEncoder(n_taps=4).fit([[0.0], [1.0]])
    assert encoder.filter_.sum() == pytest.approx(1)
    low, high = encoder.transform([np.full((9, 1), -1e308), np.full((9, 1), 1e308)])
    assert len(low) == 0
    assert high.counts().tolist() == [7]  # in the last two rows too little of the filter is left


# Errors

ROW = [[0.0, 1.0], [1.0, 0.5]]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (RateEncoder(duration=-1.0), "duration=-1.0 must be"),
        (RateEncoder(duration=2.5), "duration=2.5 must be a multiple of dt=1.0"),
        (RateEncoder(dt=0.0001), "dt=0.0001 must be a whole number of microseconds"),
        (RateEncoder(normalization="mean"), "normalization='mean' is not one of 'sum', 'max'"),
        (RateEncoder(max_rate=0.0), "max_rate=0.0 must be"),
        (RateEncoder(test_scale="own"), "test_scale='own' is not one of"),
        (LatencyEncoder(duration=0.0), "duration=0.0 must be"),
        (LatencyEncoder(form="exp"), "form='exp' is not one of"),
        (LatencyEncoder(threshold=1.0), "threshold=1.0 must be less than 1"),
        (LatencyEncoder(form="log", threshold=0.0), "threshold=0.0 must be"),
        (DeltaEncoder(threshold=0.0), "threshold=0.0 must be"),
        (DeltaEncoder(threshold=[1.0, 2.0, 3.0]), "threshold has shape (3,); expected a number or"),
        (DeltaEncoder(threshold="std"), "threshold='std' is not one of 'auto'"),
        (DeltaEncoder(fraction=-1.0), "fraction=-1.0 must be"),
        (DeltaEncoder(max_events=0), "max_events=0 must be"),
        (DeltaEncoder(row_duration=0.0), "row_duration=0.0 must be"),
        (PopulationEncoder(n_fields=2), "n_fields=2 must be an integer of at least 3"),
        (PopulationEncoder(beta=0.0), "beta=0.0 must be"),
        (PopulationEncoder(code="rate"), "code='rate' is not one of"),
        (PopulationEncoder(threshold=1.0), "threshold=1.0 must be less than 1"),
        (BSAEncoder(n_taps=0), "n_taps=0 must be"),
        (BSAEncoder(cutoff=0.5), "cutoff=0.5 must be less than 0.5"),
        (BSAEncoder(threshold=2.0), "threshold=2.0 must be"),
    ],
)
def test_wrong_parameters(encoder, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        encoder.fit(ROW)
    assert not hasattr(encoder, "n_channels_")


@pytest.mark.parametrize(
    ("encoder", "X", "message"),
    [
        (RateEncoder(), [[0.0, -1.0]], "X[0, 1]=-1.0 is negative"),
        (RateEncoder(), [[1.7e308, 1.7e308]], "X[0] has a sum that float64 cannot hold"),
        (DeltaEncoder(threshold=1e-300), [[0.0, 0.0], [1.0, 0.0]], "the threshold is too small for it"),
        (DeltaEncoder(), [[-1e308, 0.0], [1e308, 0.0]], "threshold='auto': the standard deviations of X would give"),
        (BSAEncoder(), [[-1e308, 0.0], [1e308, 0.0]], "the range of feature 0 is more than float64 holds"),
        (BSAEncoder(), [np.zeros((3, 2)), np.zeros((3, 1))], "X[1] has 1 features"),
        (PopulationEncoder(), [[0.0, np.nan]], "NaN"),
    ],
)
def test_wrong_data(encoder, X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        encoder.fit_transform(X)


def test_events_that_an_encoder_did_not_make():
    events = BSAEncoder().fit_transform(np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"expected 4 channels and a whole number of rows of 1 ms"):
        DeltaEncoder().fit(ROW).decode(events)
