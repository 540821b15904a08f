"""What liquids are shown and what is read of them: each kind of input, each feature, and on what they do not depend."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from reference import LEVELS, assert_same_bits, simd_level
from scipy import stats

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor
from reservoirs.encoding import BSAEncoder, DeltaEncoder, Events, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.lsm import (
    LIF,
    PRESETS,
    AdaptiveLIF,
    DeltaSynapse,
    DoubleExponentialSynapse,
    ExponentialSynapse,
    Izhikevich,
    Izhikevich2007,
    TsodyksMarkram,
    _present,
)
from reservoirs.topology import Column, Connectome, ErdosRenyi, FixedInDegree, Modular, SmallWorld

N_CHANNELS = 6
EVERYTHING = ("counts", "traces", "potentials", "latency", "intervals")
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def liquid(**parameters):
    """A small liquid that its input makes busy."""
    lively = {"topology": Column((3, 3, 3)), "weight": 4.0, "input_weight": 25.0, "input_density": 0.4}
    return LiquidStateMachine(**{**lively, "random_state": 0, "n_jobs": 1, **parameters})


def recording(n_events, duration, rng):
    """Random events of so many milliseconds."""
    t, address = rng.integers(0, 1000 * duration, n_events), rng.integers(0, N_CHANNELS, n_events)
    return Events.from_arrays(t, address, shape=N_CHANNELS, duration=1000 * duration)


@pytest.fixture
def ragged(rng):
    """Recordings of different lengths, one of them silent."""
    return [recording(n, length, rng) for n, length in [(90, 40), (30, 13), (0, 21), (200, 67), (60, 40)]]


@pytest.fixture
def rows(rng):
    return rng.uniform(0, 1, (9, N_CHANNELS))


@pytest.fixture
def series(rng):
    return [rng.uniform(0, 1, (n, N_CHANNELS)) for n in (20, 7, 41, 20)]


def trains(recorded, n_units, dt=1.0):
    """Whether each unit spiked in each step, (n_steps, n_units)."""
    spikes = np.zeros((round(recorded.duration / dt), n_units), bool)
    spikes[np.rint(recorded.spike_times / dt).astype(int), recorded.spike_units] = True
    return spikes


# Features


def expected_counts(spikes, n_bins):
    ends = [-(-k * len(spikes) // n_bins) for k in range(n_bins + 1)]
    return np.concatenate([spikes[a:b].sum(axis=0) for a, b in itertools.pairwise(ends)])


def expected_traces(spikes, decay, dtype):
    traces = np.zeros(spikes.shape, dtype)
    for t, now in enumerate(spikes):
        traces[t] = (traces[t - 1] * dtype(decay) if t else dtype(0)) + now.astype(dtype)
    return traces


def expected_intervals(spikes):
    means, variations = [], []
    for train in spikes.T:
        intervals = np.diff(np.flatnonzero(train))
        means.append(intervals.mean() / len(spikes) if len(intervals) else 1.0)
        variations.append(intervals.std() / intervals.mean() if len(intervals) else 0.0)
    return np.array(means + variations)


@every_dtype
@pytest.mark.parametrize("n_bins", [1, 4, 13])
def test_counts(ragged, dtype, n_bins):
    model = liquid(n_bins=n_bins, dtype=dtype).fit(ragged)
    spikes = [trains(each, 27) for each in model.simulate(ragged)]
    assert sum(each.sum() for each in spikes) > 500
    assert_same_bits(model.transform(ragged), np.array([expected_counts(each, n_bins) for each in spikes], dtype))


def test_counts_as_shares(ragged):
    plain, shares = liquid(n_bins=3).fit_transform(ragged), liquid(n_bins=3, normalize="l1").fit_transform(ragged)
    np.testing.assert_array_equal(shares, plain / np.maximum(plain.sum(axis=1, keepdims=True), 1))
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1, 0, 1, 1], rtol=1e-6)


@every_dtype
@pytest.mark.parametrize("sample_times", [1, 5, [13.0], [1.0, 4.0, 12.4]])
def test_traces_and_potentials(ragged, dtype, sample_times):
    model = liquid(features=("traces", "potentials"), sample_times=sample_times, tau_trace=7.0, dtype=dtype).fit(ragged)
    actual = model.transform(ragged)
    for given, got in zip(ragged, actual, strict=True):
        (seen,) = model.simulate([given], watch=range(27))
        n = len(seen.potentials)
        if isinstance(sample_times, int):
            steps = [-(-(k + 1) * n // sample_times) - 1 for k in range(sample_times)]
        else:
            steps = [round(time) - 1 for time in sample_times]
        traces = expected_traces(trains(seen, 27), np.exp(-1 / 7), np.dtype(dtype).type)
        assert_same_bits(got, np.concatenate([traces[steps].ravel(), seen.potentials[steps].ravel()]))


def test_traces_may_be_forgotten_at_once(ragged):
    spiked = trains(liquid().fit(ragged).simulate(ragged[:1])[0], 27)[-1]
    traces = liquid(features="traces", tau_trace=1e-3).fit(ragged).transform(ragged[:1])
    np.testing.assert_allclose(traces[0], spiked, atol=1e-30)


@every_dtype
def test_latency_and_intervals(ragged, dtype):
    model = liquid(features=("latency", "intervals"), dtype=dtype).fit(ragged)
    actual = model.transform(ragged)
    for seen, got in zip(model.simulate(ragged), actual, strict=True):
        spikes = trains(seen, 27)
        latency = np.where(spikes.any(axis=0), spikes.argmax(axis=0) / len(spikes), 1.0)
        tolerance = {"rtol": 1e-5, "atol": 1e-3} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-7}
        np.testing.assert_allclose(got, np.concatenate([latency, expected_intervals(spikes)]), **tolerance)


def test_features_come_in_the_given_order(ragged):
    parameters = {"n_bins": 2, "sample_times": 3}
    for names in (EVERYTHING, EVERYTHING[::-1], ["latency", "counts"]):
        together = liquid(features=names, **parameters).fit_transform(ragged)
        apart = [liquid(features=name, **parameters).fit_transform(ragged) for name in names]
        np.testing.assert_array_equal(together, np.hstack(apart))
    assert together.dtype == np.float32


def test_silence_gives_numbers(ragged):
    silent = ragged[2:3]
    features = liquid(features=EVERYTHING, n_bins=2, normalize="l1").fit(ragged).transform(silent)
    counts, traces, potentials, latency, mean, variation = np.split(features[0], [54, 81, 108, 135, 162])
    for zeros in (counts, traces, potentials, variation):
        assert not zeros.any()
    for ones in (latency, mean):
        np.testing.assert_array_equal(ones, 1)


@pytest.mark.parametrize(
    ("encoder", "silent"),
    [
        (RateEncoder(duration=20.0), np.zeros((8, N_CHANNELS))),
        (LatencyEncoder(duration=20.0), np.zeros((8, N_CHANNELS))),
        (DeltaEncoder(), np.ones((8, 30))),
        (None, np.zeros((8, 30))),
        (None, [Events.from_arrays([], [], shape=3, duration=9000)] * 8),
    ],
)
def test_predictions_of_silent_samples(encoder, silent):
    parameters = {**liquid().get_params(), "features": EVERYTHING, "encoder": encoder}
    del parameters["per_row"]
    parameters = {name: value for name, value in parameters.items() if "__" not in name}
    labels = np.arange(8) % 2
    for readout in ("logistic", "ridge"):
        model = LSMClassifier(**parameters, readout=readout).fit(silent, labels)
        assert np.isfinite(model.decision_function(silent)).all()
        assert set(model.predict(silent)) <= {0, 1}
    predicted = LSMRegressor(**parameters).fit(silent, labels).predict(silent)
    np.testing.assert_allclose(predicted, 0.5)


@pytest.mark.parametrize("encoder", [None, DeltaEncoder(threshold=0.2, row_duration=3.0)], ids=["currents", "delta"])
def test_rows_are_samples_that_end_there(series, encoder):
    settings = {"encoder": encoder, "row_duration": 2.0, "features": ("counts", "traces", "potentials")}
    by_row = liquid(per_row=True, **settings).fit(series).transform(series)
    whole = liquid(**settings).fit(series)
    assert [each.shape for each in by_row] == [(len(x), 81) for x in series]
    for x, got in zip(series, by_row, strict=True):
        ends = whole.transform([x[: n + 1] for n in range(len(x))])
        np.testing.assert_array_equal(got[:, 27:], ends[:, 27:])
        np.testing.assert_array_equal(got[:, :27].cumsum(axis=0), ends[:, :27])
    assert sum(each[:, :27].sum() for each in by_row) > 50


def test_rows_have_the_form_of_the_input(series):
    pair = np.stack([series[0], series[3]])
    model = liquid(per_row=True).fit(pair)
    assert model.transform(pair).shape == (2, 20, 27)
    assert_same_bits(model.transform(list(pair)), list(model.transform(pair)))
    assert liquid(per_row=True).fit_transform(series[0]).shape == (20, N_CHANNELS, 27)  # 20 univariate series


def test_rows_do_not_depend_on_what_is_shown_beside_them(rng):
    """Over several blocks of samples and of rows, of which one ends with a block."""
    series = [rng.uniform(0, 4, (length, N_CHANNELS)) for length in [1, 200, 64, 128, *range(60, 77)]]
    model = liquid(per_row=True, features=("counts", "traces")).fit(series)
    together = model.transform(series)
    assert_same_bits(together, [model.transform([x])[0] for x in series])
    assert_same_bits(together, model.set_params(n_jobs=3).transform(series))


# Inputs


def test_forms_of_events(ragged):
    model = liquid().fit(ragged)
    expected = model.transform(ragged)
    assert model.n_features_in_ == N_CHANNELS
    assert_same_bits(model.transform(tuple(ragged)), expected)
    array = np.empty(len(ragged), object)
    array[:] = ragged
    assert_same_bits(model.transform(array), expected)
    assert_same_bits(model.transform(ragged[3]), expected[3:4])
    assert_same_bits(liquid().fit(ragged[3]).transform(ragged), expected)


def test_polarities_are_channels():
    signed = [Events.from_arrays([1000, 3000, 5000], [0, 1, 2], [1, 0, 1], shape=(1, 3), duration=30_000)]
    plain = [Events.from_arrays([1000, 3000, 5000], [3, 1, 5], shape=6, duration=30_000)]
    assert_same_bits(liquid().fit_transform(signed), liquid().fit_transform(plain))


def test_duration_cuts_and_prolongs(ragged):
    cut = [each.between(0, 20_000) for each in ragged]
    assert_same_bits(liquid(duration=20.0).fit_transform(ragged), liquid().fit_transform(cut))
    longer = [each.between(0, 100_000) for each in ragged]
    assert_same_bits(liquid(duration=100.0, n_bins=4).fit_transform(ragged), liquid(n_bins=4).fit_transform(longer))


def test_a_recording_ends_with_its_last_step():
    events = [Events.from_arrays([0], [0], shape=1, duration=duration) for duration in (1, 299, 300, 301, 2300)]
    lengths = [each.duration for each in liquid(dt=0.1).fit(events).simulate(events)]
    np.testing.assert_allclose(lengths, [0.1, 0.3, 0.3, 0.4, 2.3])


def test_inputs_are_blocked_after_a_spike():
    def events(*steps):
        return [Events.from_arrays([1000 * step for step in steps], [0] * len(steps), shape=1, duration=30_000)]

    def traces(given, **parameters):
        return liquid(features="traces", sample_times=30, **parameters).fit_transform(given)

    # One step later; what comes while blocked waits for the end, as one.
    assert_same_bits(traces(events(0, 5, 9)), traces(events(1, 6, 10), input_refractory=False))
    assert_same_bits(traces(events(0, 1, 2, 3)), traces(events(1, 4), input_refractory=False))
    relayed = traces(events(0, 1, 2, 3), input_refractory=0.0)
    assert_same_bits(relayed, traces(events(1, 2, 3, 4), input_refractory=False))
    assert (traces(events(0, 1, 2, 3), input_refractory=False) != relayed).any()


def test_numbers_are_currents(series):
    # Membranes that forget at once show the current of each step.
    silent = {"neuron": LIF(tau_mem=1.0, v_thresh=1e9), "dtype": "float64"}
    model = liquid(**silent, row_duration=2.0).fit(series)
    for x, seen in zip(series, model.simulate(series, watch=range(27)), strict=True):
        np.testing.assert_allclose(seen.potentials, np.repeat(x @ model.W_in_.T, 2, axis=0), rtol=1e-12, atol=1e-12)


def test_row_duration_repeats_rows(series):
    repeated = [np.repeat(x, 3, axis=0) for x in series]
    parameters = {"features": EVERYTHING, "sample_times": 2}
    slow = liquid(row_duration=3.0, **parameters).fit_transform(series)
    assert_same_bits(slow, liquid(**parameters).fit_transform(repeated))


def test_forms_of_numbers(series):
    stack = np.stack([series[0], series[3]])
    expected = liquid().fit_transform(stack)
    assert_same_bits(liquid().fit_transform(list(stack)), expected)
    assert_same_bits(liquid().fit_transform(stack.tolist()), expected)
    table = stack[:, :, 0]
    assert_same_bits(liquid().fit_transform(table), liquid().fit_transform(table[:, :, None]))


@every_dtype
def test_rates_are_the_events_of_the_encoder(rows, dtype):
    encoder = RateEncoder(duration=300.0, max_rate=200.0, random_state=3)
    rows[4] = 0
    drawn = liquid(encoder=encoder, features=EVERYTHING, dtype=dtype).fit(rows)
    events = drawn.encoder_.transform(rows)
    given = liquid(features=EVERYTHING, dtype=dtype).fit(events)
    assert_same_bits(drawn.transform(rows), given.transform(events))
    for a, b in zip(drawn.simulate(rows), given.simulate(events), strict=True):
        assert_same_bits([a.spike_times, a.spike_units, a.counts], [b.spike_times, b.spike_units, b.counts])
    assert drawn.transform(rows)[:, :27].sum() > 1000


@pytest.mark.parametrize(
    "encoder",
    [
        DeltaEncoder(threshold=0.2, row_duration=2.0),
        PopulationEncoder(n_fields=4, row_duration=5.0),
        PopulationEncoder(n_fields=4, code="bernoulli", row_duration=1.0, random_state=1),
        BSAEncoder(n_taps=5, threshold=0.5, row_duration=0.4),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_sequences_are_the_events_of_the_encoder(series, encoder):
    model = liquid(encoder=encoder, features=EVERYTHING).fit(series)
    events = model.encoder_.transform(series)
    assert sum(map(len, events)) > 20
    assert_same_bits(model.transform(series), liquid(features=EVERYTHING).fit_transform(events))
    assert model.n_features_in_ == N_CHANNELS
    assert model.W_in_.shape == (27, model.encoder_.n_channels_)


def test_latencies_are_the_events_of_the_encoder(rows):
    model = liquid(encoder=LatencyEncoder(duration=30.0), input_refractory=False).fit(rows)
    events = model.encoder_.transform(rows)
    assert_same_bits(model.transform(rows), liquid(input_refractory=False).fit_transform(events))


def test_an_encoder_without_a_seed_gets_one(rows):
    given, seeded = RateEncoder(duration=50.0), liquid(encoder=RateEncoder(duration=50.0))
    expected = seeded.fit_transform(rows)
    assert_same_bits(liquid(encoder=given).fit_transform(rows), expected)
    assert given.random_state is None
    assert not hasattr(given, "seed_")
    assert (liquid(encoder=given, random_state=1).fit(rows).encoder_.seed_) != seeded.encoder_.seed_


# What results do not depend on

LIQUIDS = {
    "renewing": {},
    "delayed": {"synapse": DoubleExponentialSynapse(), "delay": stats.uniform(1, 9), "weight": 40.0},
    "plastic": {
        "synapse": ExponentialSynapse(tau_syn={"exc": 3.0, "inh": 6.0}),
        "short_term": TsodyksMarkram(),
        "input_refractory": False,
    },
    "quadratic": {"neuron": Izhikevich.cortical(), "synapse": ExponentialSynapse(3.0), "weight_sign": "random"},
    "narrow": {"neuron": AdaptiveLIF(), "weight": stats.uniform(1, 5), "weight_dtype": "int8"},
}
every_liquid = pytest.mark.parametrize("setting", LIQUIDS.values(), ids=LIQUIDS)


def shown(setting, kind, ragged, rows, series, **parameters):
    """A fitted liquid and what it is shown."""
    encoder = RateEncoder(duration=100.0, max_rate=200.0) if kind == "rates" else None
    X = {"events": ragged * 4, "rates": np.vstack([rows] * 2), "currents": series * 5}[kind]
    read = {"features": EVERYTHING, "n_bins": 3, "sample_times": [2.0, 5.0]}
    return liquid(**read, **setting, encoder=encoder, **parameters).fit(X), X


@every_dtype
@pytest.mark.parametrize("kind", ["events", "rates", "currents"])
@every_liquid
def test_bits_do_not_depend_on_how_samples_are_run(setting, kind, dtype, ragged, rows, series, monkeypatch):
    model, X = shown(setting, kind, ragged, rows, series, dtype=dtype)
    expected = model.transform(X)
    assert np.isfinite(expected).all()
    assert expected[:, :81].sum() > 50
    for n_jobs in (2, 7):
        assert_same_bits(model.set_params(n_jobs=n_jobs).transform(X), expected)
    for level in LEVELS:
        with simd_level(level):
            assert_same_bits(model.transform(X), expected)
    monkeypatch.setattr(_present, "_FIRST_EVENTS", 1)
    monkeypatch.setattr(_present, "_SECONDS_A_CALL", 0.0)  # one step a call
    for together in (1, 3):
        monkeypatch.setattr(_present, "_SAMPLES_A_THREAD", together)
        assert_same_bits(model.set_params(n_jobs=1).transform(X), expected)


@pytest.mark.parametrize("kind", ["events", "rates", "currents"])
@every_liquid
def test_a_sample_depends_on_itself_alone(setting, kind, ragged, rows, series, rng):
    model, X = shown(setting, kind, ragged, rows, series)
    expected = model.transform(X)
    order = rng.permutation(len(X))
    pick = (lambda i: X[i]) if kind == "rates" else lambda i: [X[j] for j in i]
    assert_same_bits(model.transform(pick(order)), expected[order])
    assert_same_bits(model.transform(pick([3, 0, 3])), expected[[3, 0, 3]])  # back to rest in between
    assert_same_bits(model.transform(pick([1])), expected[[1]])


def test_rows_do_not_depend_on_how_they_are_run(series, monkeypatch):
    model = liquid(per_row=True, features=("counts", "traces", "potentials")).fit(series)
    expected = model.transform(series * 3)
    monkeypatch.setattr(_present, "_FIRST_EVENTS", 1)
    monkeypatch.setattr(_present, "_SECONDS_A_CALL", 0.0)
    monkeypatch.setattr(_present, "_SAMPLES_A_THREAD", 2)
    for n_jobs in (1, 3):
        assert_same_bits(model.set_params(n_jobs=n_jobs).transform(series * 3), expected)


def test_recordings_do_not_depend_on_how_samples_are_run(ragged, monkeypatch):
    model = liquid().fit(ragged)

    def seen():
        every = model.simulate(ragged * 4, record=[3, 1, 20], watch=[7, 2])
        return [array for each in every for array in vars(each).values() if isinstance(array, np.ndarray)]

    expected = seen()
    monkeypatch.setattr(_present, "_FIRST_EVENTS", 1)
    monkeypatch.setattr(_present, "_SECONDS_A_CALL", 0.0)
    monkeypatch.setattr(_present, "_SAMPLES_A_THREAD", 2)
    for n_jobs in (1, 3):
        model.set_params(n_jobs=n_jobs)
        assert_same_bits(seen(), expected)


def test_recordings_are_of_chosen_units(ragged):
    model = liquid().fit(ragged)
    whole, part = model.simulate(ragged, watch=range(27)), model.simulate(ragged, record=[3, 1, 20], watch=[7, 2, 7])
    mask = np.isin(np.arange(27), [1, 3, 20])
    for all_units, some, masked in zip(whole, part, model.simulate(ragged, record=mask), strict=True):
        mine = np.isin(all_units.spike_units, [1, 3, 20])
        for other in (some, masked):
            np.testing.assert_array_equal(other.spike_units, all_units.spike_units[mine])
            np.testing.assert_array_equal(other.spike_times, all_units.spike_times[mine])
            np.testing.assert_array_equal(other.counts, all_units.counts)
        np.testing.assert_array_equal(some.potentials, all_units.potentials[:, [7, 2, 7]])
        np.testing.assert_array_equal(np.bincount(all_units.spike_units, minlength=27), all_units.counts)
        assert (np.diff(all_units.spike_times) >= 0).all()
    assert len(model.simulate(ragged, record=[])[0].spike_times) == 0


# Liquids


@pytest.mark.parametrize("preset", [name for name, values in PRESETS.items() if values["input_topology"] is None])
def test_presets(preset, rng):
    X = rng.uniform(0, 1, (3, 20))
    dt = PRESETS[preset]["dt"]
    encoder = RateEncoder(duration=50.0, dt=dt)
    model = LiquidStateMachine(preset, encoder=encoder, features=EVERYTHING, random_state=0, n_jobs=1)
    features = model.fit_transform(X)
    n = PRESETS[preset]["topology"].n_units
    assert features.shape == (3, 6 * n)
    assert np.isfinite(features).all()
    assert features[:, :n].sum() > 0
    assert model.excitatory_.sum() == 0.8 * n
    assert model.excitatory_[: round(0.8 * n)].all()
    dense = model.W_.tocsc()
    signs = np.where(model.excitatory_, 1, -1).repeat(np.diff(dense.indptr))
    assert (dense.data * signs >= 0).all()
    assert model.positions_.shape == (n, 3)
    # As many input synapses as the share says, at different pairs.
    assert model.W_in_.nnz == int(PRESETS[preset]["input_density"] * 20 * n + 1e-9)
    assert model.W_in_.has_canonical_format


@pytest.mark.parametrize(
    "topology",
    [ErdosRenyi(40, 0.2), FixedInDegree(40, 5), SmallWorld(40, 4, 0.2), Modular(4, 10, 0.4, 0.05), Column((2, 4, 5))],
    ids=lambda topology: type(topology).__name__,
)
def test_topologies(ragged, topology):
    model = liquid(topology=topology).fit(ragged)
    assert model.W_.shape == (40, 40)
    assert model.W_.nnz > 20
    assert not model.W_.diagonal().any()
    assert hasattr(model, "positions_") == hasattr(topology, "layout")
    assert model.transform(ragged).sum() > 100


def test_any_graph_will_do(ragged):
    class Ring:
        n_units = 10

        def edges(self, n_exc, rng):
            return np.arange(11), np.roll(np.arange(10, dtype=np.int32), -1)

    model = liquid(topology=Ring(), weight=2.0).fit(ragged)
    np.testing.assert_array_equal(model.W_.toarray(), np.roll(np.diag([2.0] * 8 + [-2.0] * 2), 1, axis=0))


@every_dtype
def test_a_connectome_is_taken_as_it_is(ragged, rng, dtype):
    signs = np.where(rng.random(12) < 0.6, 1, -1)
    matrix = rng.uniform(0, 5, (12, 12)) * signs * (rng.random((12, 12)) < 0.4)
    np.fill_diagonal(matrix, 0)
    matrix[0] = 5 * signs * (np.arange(12) != 0)  # nobody without targets
    model = liquid(topology=Connectome(matrix), input_density=1.0, dtype=dtype).fit(ragged)
    np.testing.assert_array_equal(model.W_.toarray(), matrix.astype(dtype))
    np.testing.assert_array_equal(model.excitatory_, signs > 0)
    # The kinds of neurons go with the user's order.
    by_kind = liquid(topology=Connectome(matrix), input_weight={"exc": 2.0, "inh": 3.0}, input_density=1.0).fit(ragged)
    np.testing.assert_array_equal(np.abs(by_kind.W_in_.toarray()), np.where(signs > 0, 2.0, 3.0)[:, None].repeat(6, 1))
    # Other units in other order: the same liquid.
    order = rng.permutation(12)
    other = liquid(topology=Connectome(matrix[np.ix_(order, order)]), input_density=1.0, dtype=dtype).fit(ragged)
    other.W_in_ = model.W_in_[order].tocsc()
    other._compile()
    np.testing.assert_array_equal(other.transform(ragged), model.transform(ragged)[:, order])


def test_weights_of_blocks(ragged):
    sizes = {"EE": 1.0, "EI": 2.0, "IE": 3.0, "II": 4.0}
    model = liquid(topology=ErdosRenyi(30, 0.5), weight=sizes, frac_exc=0.6, dtype="float64").fit(ragged)
    W = model.W_.toarray()
    assert model.excitatory_.tolist() == [True] * 18 + [False] * 12
    for block, sign in (("EE", 1), ("EI", 1), ("IE", -1), ("II", -1)):
        source, target = (slice(0, 18) if kind == "E" else slice(18, 30) for kind in block)
        part = W[target, source]
        assert set(part[part != 0]) == {sign * sizes[block]}
    free = liquid(topology=ErdosRenyi(30, 0.5), weight=2.0, weight_sign="random").fit(ragged).W_
    assert set(np.unique(free.data)) == {-2.0, 2.0}
    assert 0.3 < (free.data > 0).mean() < 0.7
    positive = liquid(input_sign="positive", input_weight=stats.gamma(2.0)).fit(ragged).W_in_
    assert (positive.data > 0).all()
    assert len(np.unique(positive.data)) > 20


@pytest.mark.parametrize("frac_exc", [0.0, 0.5, 1.0])
def test_share_of_excitatory_neurons(ragged, frac_exc):
    model = liquid(frac_exc=frac_exc).fit(ragged)
    assert model.excitatory_.sum() == round(27 * frac_exc)
    assert np.isfinite(model.transform(ragged)).all()


@pytest.mark.parametrize("n_inputs", [1, 20])
def test_some_input_is_heard(n_inputs):
    model = liquid(input_density=1e-6).fit([np.ones((5, n_inputs))])
    assert model.W_in_.shape == (27, n_inputs)
    assert model.W_in_.nnz == 1


def test_delays_are_in_milliseconds(ragged):
    # One neuron fires another, after the delay.
    pair = {"topology": Connectome([[0.0, 0.0], [50.0, 0.0]]), "synapse": DeltaSynapse(), "input_refractory": False}
    given = [Events.from_arrays([2000], [0], shape=1, duration=60_000)]
    for delay, steps in ((1.0, 2), (3.3, 7), (20.0, 40), (0.1, 1), (stats.uniform(5, 0.2), 10), ([4.0], 8)):
        parameters = {"input_density": 1.0, "input_sign": "positive", "input_weight": {"exc": 50.0, "inh": 0.0}}
        model = liquid(**pair, **parameters, delay=delay, dt=0.5).fit(given)
        model.W_in_.data[:] = [50.0, 0.0]
        model._compile()
        np.testing.assert_array_equal(model.delay_, steps * 0.5)
        assert np.ndim(model.delay_) == np.ndim([] if not isinstance(delay, float) else 0)
        first, second = model.simulate(given)[0].spike_times
        assert second - first == steps * 0.5
    delays = {"EE": 1.0, "EI": 2.0, "IE": 3.0, "II": 4.0}
    model = liquid(topology=ErdosRenyi(30, 0.5), delay=delays).fit(ragged)
    target, source = model.W_.indices, np.arange(30).repeat(np.diff(model.W_.indptr))
    np.testing.assert_array_equal(model.delay_, 1.0 + 2 * ~model.excitatory_[source] + ~model.excitatory_[target])


def test_short_term_plasticity_depresses():
    parameters = {
        "topology": Connectome([[0.0, 0.0], [8.0, 0.0]]),
        "neuron": LIF(tau_mem=1.0, v_thresh=np.array([1.0, 1e9])),
        "synapse": DeltaSynapse(),
        "input_refractory": False,
        "input_density": 1.0,
        "dtype": "float64",
    }
    given = [Events.from_arrays([0, 10_000, 20_000], [0, 0, 0], shape=1, duration=40_000)]
    for short_term, expected in (
        (TsodyksMarkram(U=0.5, D=1e9, F=1e-3, spread=0.0), [4.0, 2.0, 1.0]),
        (False, [8.0, 8.0, 8.0]),
    ):
        model = liquid(short_term=short_term, **parameters).fit(given)
        model.W_in_.data[:] = [5.0, 0.0]
        model._compile()
        potentials = model.simulate(given, watch=[1])[0].potentials[:, 0]
        np.testing.assert_allclose(potentials[potentials > 0], expected, rtol=1e-6)


def test_narrow_weights_are_nearly_the_same(ragged):
    # As one neuron's weights lie in 8 bits: an error of at most half a step of the largest.
    # Half of the neurons hear the input, the others these.
    matrix = np.zeros((100, 100))
    matrix[50:, :50] = stats.gamma(3.0).rvs((50, 50), random_state=0)
    parameters = {
        "topology": Connectome(matrix),
        "neuron": LIF(tau_mem=1.0, v_thresh=np.r_[np.full(50, 1.0), np.full(50, 1e9)]),
        "synapse": DeltaSynapse(),
        "features": "potentials",
        "sample_times": 10,
    }
    wide = liquid(**parameters).fit(ragged)
    narrow = liquid(weight_dtype="int8", **parameters).fit(ragged)
    assert_same_bits(narrow.W_.data, wide.W_.data)  # the attribute stays as it was drawn
    assert narrow._network_.nbytes < wide._network_.nbytes
    a, b = (model.transform(ragged).reshape(5, 10, 100)[:, :, 50:] for model in (wide, narrow))
    assert (a != b).any()
    largest = np.abs(wide.W_.toarray()).max(axis=0)
    assert np.abs(a - b).max() <= (largest / 254).sum()
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9999


NEURONS = {
    "lif": (LIF(), 25.0),
    "adaptive": (AdaptiveLIF(), 25.0),
    "soft": (LIF(reset="soft", v_min=-5.0), 25.0),
    "holding": (LIF(hold_refractory=True, integration="exact"), 25.0),
    "izhikevich": (Izhikevich(), 40.0),
    "cortical": (Izhikevich.cortical(bias=4.0), 40.0),
    "2007": (Izhikevich2007(C=20.0), 300.0),
}
SYNAPSES = [DeltaSynapse(), ExponentialSynapse(3.0), ExponentialSynapse(2.0, kernel="nearest")]
SYNAPSES += [DoubleExponentialSynapse(), DoubleExponentialSynapse({"exc": 4, "inh": 2}, {"exc": 8, "inh": 4})]


@pytest.mark.parametrize("synapse", SYNAPSES, ids=lambda synapse: type(synapse).__name__)
@pytest.mark.parametrize(("neuron", "input_weight"), NEURONS.values(), ids=NEURONS)
def test_every_neuron_with_every_synapse(ragged, neuron, input_weight, synapse):
    parameters = {"neuron": neuron, "synapse": synapse, "input_weight": input_weight, "features": EVERYTHING}
    features = liquid(**parameters).fit_transform(ragged)
    assert np.isfinite(features).all()
    assert features[:, :27].sum() > 50
    assert_same_bits(liquid(**parameters).fit_transform(ragged), features)


@pytest.mark.parametrize("topology", [Column((1, 1, 1)), Connectome([[0.0]]), ErdosRenyi(1, 0.5), Modular(1, 1)])
def test_a_liquid_of_one(ragged, topology):
    for parameters in ({}, {"short_term": TsodyksMarkram(), "synapse": ExponentialSynapse()}, {"weight_dtype": "int8"}):
        parameters |= {"input_density": 1.0, "input_sign": "positive"}
        model = liquid(topology=topology, features=EVERYTHING, **parameters).fit(ragged)
        assert model.W_.nnz == 0
        features = model.transform(ragged)
        assert features.shape == (5, 6)
        assert np.isfinite(features).all()
        assert features[:, 0].sum() > 0


def test_neurons_that_diverge_are_told_of():
    # Euler steps of 1 ms do not follow a parabola that far.
    unstable = {"neuron": Izhikevich(), "features": ("counts", "potentials"), "input_sign": "positive"}
    inhibited = [np.full((100, 1), -1e4)]
    for model in (liquid(**unstable), liquid(per_row=True, **unstable)):
        with pytest.warns(RuntimeWarning, match="membrane potentials are not finite: a smaller dt or weaker weights"):
            model.fit(inhibited).transform(inhibited)


def test_a_large_liquid():
    model = LiquidStateMachine(topology=FixedInDegree(20_000, 100), input_density=0.01, n_jobs=1, random_state=0)
    features = model.set_params(input_weight=50.0).fit_transform([np.ones((20, 30))])
    assert model.W_.nnz == 2_000_000
    assert model.W_.indices.dtype == np.int32  # half the memory
    assert features.sum() > 100


def test_large_times(rng):
    """Steps beyond what 16 bits hold."""
    times = np.array([0, 70_000_000, 99_000_000])
    events = [Events.from_arrays(times, [0, 0, 0], shape=1, duration=100_000_000)]
    model = liquid(topology=Connectome([[0.0]]), input_density=1.0, input_weight=30.0, features=EVERYTHING)
    model.set_params(input_sign="positive", input_refractory=False).fit(events)
    (seen,) = model.simulate(events)
    np.testing.assert_array_equal(seen.spike_times, times / 1000 + 1)
    intervals = np.diff(seen.spike_times)
    expected = [3, 0, 0, 1e-5, intervals.mean() / 1e5, intervals.std() / intervals.mean()]
    np.testing.assert_allclose(model.transform(events)[0], expected, rtol=1e-3, atol=1e-3)
