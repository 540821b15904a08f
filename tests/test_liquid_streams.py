"""Streams of liquids: the bits of batches for every input, states, missing values, learning, what cannot be."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import LEVELS, assert_same_bits, simd_level
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor, load, save
from reservoirs.encoding import BSAEncoder, DeltaEncoder, Events, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.lsm import STDP, AdaptiveLIF, AstrocyteUnits, Izhikevich
from reservoirs.streaming import RLS
from reservoirs.topology import Column

RNG = np.random.default_rng(0)
U = RNG.uniform(0, 5, (40, 2))
OF_ROWS = ("potentials", "counts", "traces")
OF_SAMPLES = ("latency", "counts", "intervals", "potentials", "traces")
SMALL = {"topology": Column((3, 3, 4)), "input_weight": 3.0, "input_density": 0.5, "random_state": 0}
LIQUIDS = {
    "nearest": {},
    "short-term, delays, double": {"preset": "maass-2002"},
    "adaptive, relays": {"neuron": AdaptiveLIF(), "input_refractory": 2.0},
    "izhikevich": {"neuron": Izhikevich(), "weight": 5.0, "input_weight": 20.0},
    "8 bits": {"weight_dtype": "int8", "dtype": "float64"},
    "trained": {"preset": "zhang-2015", "plasticity": STDP(n_snapshots=3, snapshot_duration=20.0)},
}
every_liquid = pytest.mark.parametrize("options", LIQUIDS.values(), ids=LIQUIDS)
ENCODERS = {
    "delta": DeltaEncoder(0.7, max_events=2, row_duration=2.0),
    "population": PopulationEncoder(4, row_duration=5.0),
    "bernoulli": PopulationEncoder(4, code="bernoulli", row_duration=2.0, random_state=1),
}
every_encoder = pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)


def liquid(**options: Any) -> LiquidStateMachine:
    return LiquidStateMachine(**{**SMALL, "features": OF_ROWS, "per_row": True, **options})


def rows_of(stream: Any, rows: Any) -> np.ndarray:
    return np.array([stream.step(row) for row in rows])


def recording(seed: int, duration: int = 60_000, n_channels: int = 3) -> Events:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, duration, 120))
    return Events(t, rng.integers(0, n_channels, 120), None, (n_channels,), duration)


def pieces(events: Events, ms: int) -> list[Events]:
    return [events.between(t, t + 1000 * ms) for t in range(0, events.duration, 1000 * ms)]


# The bits of batches.


@every_liquid
@pytest.mark.parametrize("level", LEVELS)
def test_currents_row_by_row(options: dict[str, Any], level: str) -> None:
    model = liquid(row_duration=3.0, **options).fit([U])
    expected = model.transform([U])[0]
    assert expected.std() > 0
    with simd_level(level):
        stream = model.stream()
        for _ in range(2):
            assert_same_bits(rows_of(stream, U), expected)
            assert_same_bits(stream.state[:36], expected[-1, :36].astype(np.float64))  # potentials come first
            stream.reset()
        assert_same_bits(stream.forecast(len(U), U), expected)
        assert_same_bits(rows_of(stream, U), expected)


@every_liquid
@pytest.mark.parametrize("normalize", [None, "l1"])
def test_samples_so_far(options: dict[str, Any], normalize: str | None) -> None:
    model = liquid(features=OF_SAMPLES, per_row=False, normalize=normalize, **options).fit([U])
    so_far = [model.transform([U[:t]])[0] for t in range(1, len(U) + 1)]
    assert_same_bits(rows_of(model.stream(), U), np.array(so_far))


@every_liquid
def test_recordings_piece_by_piece(options: dict[str, Any]) -> None:
    events = recording(0)
    model = liquid(features=OF_SAMPLES, per_row=False, **options).fit([events])
    for ms in (1, 7, 20):
        stream = model.stream()
        for t, piece in enumerate(pieces(events, ms), 1):
            features = stream.step(piece)
            assert_same_bits(features, model.transform([events.between(0, 1000 * ms * t)])[0].copy())
    # A model's `duration` is how long a stream has to be shown to be equal.
    cut = liquid(features=OF_SAMPLES, per_row=False, duration=20.0, **options).fit([events])
    assert_same_bits(cut.stream().step(events.between(0, 20_000)), cut.transform([events])[0].copy())


@every_encoder
@pytest.mark.parametrize("per_row", [False, True])
def test_encoded_sequences(encoder: Any, per_row: bool) -> None:
    model = liquid(encoder=encoder, per_row=per_row).fit([U])
    expected = model.transform([U])[0] if per_row else model.transform([U[: t + 1] for t in range(len(U))])
    assert expected.std() > 0
    assert_same_bits(rows_of(model.stream(), U), expected)


@pytest.mark.parametrize("encoder", [RateEncoder(30.0, random_state=1), LatencyEncoder(30.0)], ids=str)
def test_encoded_rows_are_samples(encoder: Any) -> None:
    model = liquid(encoder=encoder, per_row=False, input_refractory=2.0).fit(U)
    stream = model.stream()
    for row in U[:3]:
        assert_same_bits(stream.step(row), model.transform(row[None])[0].copy())
        stream.reset()
    # Rows one after another are what a recording of their spikes is, shown to the same liquid.
    spikes = model.encoder_.transform(U[:3])
    t = np.concatenate([each.t + 30_000 * i for i, each in enumerate(spikes)])
    together = Events(t, np.concatenate([each.address for each in spikes]), None, (2,), 90_000)
    as_recording = liquid(per_row=False, input_refractory=2.0).fit([together])
    as_recording.W_, as_recording.W_in_ = model.W_, model.W_in_
    as_recording._compile()
    assert_same_bits(rows_of(stream, U[:3])[-1].copy(), as_recording.transform([together])[0].copy())


def test_rates_are_drawn_in_the_core_as_in_the_encoder() -> None:
    model = liquid(encoder=RateEncoder(30.0, random_state=1), per_row=False).fit(U)
    stream = model.stream()
    rows_of(stream, U[:2])
    spikes = model.encoder_.transform(U[2:3])[0]
    other = stream.copy()
    other._core.memory.show_events(30, *spikes.to_steps(1.0))
    other._core.step(np.zeros(2))
    stream.step(U[2])
    assert_same_bits(stream.state, other.state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["step", "sample"])
@pytest.mark.parametrize("readout", ["ridge", DecisionTreeRegressor(random_state=0)], ids=("ridge", "tree"))
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_regressors(dtype: str, target: str, readout: Any, n_outputs: int) -> None:
    X = [U, U[:30], U[5:30]]
    y = [x[:, :n_outputs] if n_outputs > 1 else x[:, 0] for x in X]
    y = y if target == "step" else [part.mean(axis=0) for part in y]
    model = LSMRegressor(**SMALL, features=OF_ROWS, target=target, readout=readout, dtype=dtype).fit(X, y)
    stream = model.stream()
    got = rows_of(stream, U)
    expected = model.predict([U])[0] if target == "step" else model.predict([U[: t + 1] for t in range(len(U))])
    assert_same_bits(got, expected)
    assert_same_bits(stream.forecast(3, U[:3]), rows_of(stream, U[:3]))
    assert_same_bits(stream.estimator().predict([U])[0], model.predict([U])[0])


@pytest.mark.parametrize("readout", ["logistic", "ridge", LogisticRegression()], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(readout: Any, n_classes: int) -> None:
    X = [recording(10 * i + c, 20_000 * (c + 1)) for c in range(n_classes) for i in range(3)]
    model = LSMClassifier(**SMALL, readout=readout).fit(X, np.repeat(["a", "b", "c"][:n_classes], 3))
    stream = model.stream()
    with pytest.raises(ValueError, match="no rows so far"):
        stream.decision_function()
    for t, piece in enumerate(pieces(X[4], 4), 1):
        label = stream.step(piece)
        so_far = [X[4].between(0, 4000 * t)]
        assert label == model.predict(so_far)[0]
        assert_same_bits(np.array(stream.decision_function()), model.decision_function(so_far)[0].copy())
        if readout != "ridge":
            assert_same_bits(stream.predict_proba(), model.predict_proba(so_far)[0].copy())


def test_names_of_features_are_not_asked_for() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(U, columns=["a", "b"])
    model = liquid(encoder=RateEncoder(20.0, random_state=0), per_row=False).fit(frame)
    assert_same_bits(model.stream().step(U[0]), model.transform(frame[:1])[0].copy())


def test_saved_liquids_stream(tmp_path: Any) -> None:
    model = LSMRegressor(**SMALL, target="step").fit(U, U[:, 0])
    save(model, tmp_path / "model.npz")
    expected = rows_of(model.stream(), U)
    for restored in (load(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
        assert_same_bits(rows_of(restored.stream(), U), expected)


# What a stream remembers.


STREAMS = {
    **{name: partial(lambda o, **m: liquid(**o).fit([U]).stream(**m), options) for name, options in LIQUIDS.items()},
    **{
        name: partial(lambda e, **m: liquid(encoder=e).fit([U]).stream(**m), encoder)
        for name, encoder in ENCODERS.items()
    },
    "rates, relays": lambda **m: (
        liquid(encoder=RateEncoder(7.0, random_state=0), input_refractory=3.0, per_row=False).fit(U).stream(**m)
    ),
    "classifier": lambda **m: LSMClassifier(**SMALL, readout="ridge").fit([U, U / 3] * 4, [0, 1] * 4).stream(**m),
}
every_stream = pytest.mark.parametrize("make", STREAMS.values(), ids=STREAMS)


@every_stream
@pytest.mark.parametrize("missing", ["error", "hold", "skip"])
def test_states_and_copies(make: Any, missing: str) -> None:
    stream, other = make(missing=missing), make(missing=missing)
    start = stream.state
    rows_of(stream, U[:15])
    middle, copied = stream.state, stream.copy()
    expected = rows_of(stream, U[15:])
    after = stream.state
    other.state = middle
    for twin in (copied, other):
        assert_same_bits(rows_of(twin, U[15:]), expected)
        assert_same_bits(twin.state, after)
    if missing != "error":
        holes = [U[0] * np.nan, [np.nan, 1.0]]
        assert_same_bits(rows_of(other, holes), rows_of(stream, holes))
        assert_same_bits(other.state, stream.state)
    other.state = start
    stream.reset()
    assert_same_bits(rows_of(other, U[:9]), rows_of(stream, U[:9]))


@every_stream
def test_what_is_refused_changes_nothing(make: Any) -> None:
    stream = make()
    rows_of(stream, U[:7])
    before = stream.state
    for row in ([1.0], [1.0, np.nan], [np.inf, 0.0], ["a", "b"], None, recording(0, n_channels=5)):
        with pytest.raises(ValueError, match="u"):
            stream.step(row)
    wrong = [before[:-1], before * np.nan, None]
    if stream._core.memory.n_inputs:
        fraction, late = before.copy(), before.copy()
        fraction[36] += 0.5  # the steps so far
        late[36] = -1
        wrong += [fraction, late]
    for state in wrong:
        with pytest.raises(ValueError, match="state"):
            stream.state = state
    assert_same_bits(stream.state, before)
    with pytest.raises(TypeError, match="cannot be saved or pickled"):
        pickle.dumps(stream)


# Missing values.


@every_stream
def test_hold_and_skip(make: Any) -> None:
    rows = U[:20].copy()
    rows[0, 1] = rows[4, 0] = rows[11] = rows[12, 0] = np.nan
    filled = rows.copy()
    for t, row in enumerate(filled):
        row[np.isnan(row)] = (filled[t - 1] if t else np.zeros(2))[np.isnan(row)]
    assert_same_bits(rows_of(make(missing="hold"), rows), rows_of(make(), filled))
    twice = np.repeat(U[:10], 2, axis=0)
    twice[1::2, 0] = np.nan
    outputs = rows_of(make(missing="skip"), twice)
    assert_same_bits(outputs[::2].copy(), rows_of(make(), U[:10]))
    assert_same_bits(outputs[1::2].copy(), outputs[::2].copy())


# Learning.


def test_recursive_ridge_regression_equals_a_fit() -> None:
    y = U[:, 1] + np.roll(U[:, 0], 1)
    options = {**SMALL, "features": "traces"}
    model = LSMRegressor(**options, target="step", alpha=1e-2).fit(U, y)
    stream = LiquidStateMachine(**options, per_row=True).fit([U]).stream(learner=RLS(alpha=1e-2))
    for row, true in zip(U, y, strict=True):
        stream.step(row)
        stream.learn(true)
    assert_allclose(stream.coef_, model.coef_, rtol=0, atol=1e-8)
    assert_allclose(stream.intercept_, model.intercept_, rtol=0, atol=1e-8)


def test_a_regressor_learns_on() -> None:
    model = LSMRegressor(**SMALL, features="traces", target="step", alpha=1e-3).fit(U, U[:, 0])
    before = model.predict(U)
    stream = model.stream(learner=RLS(0.95, alpha=1e-3))
    for row in np.tile(U, (3, 1)):
        stream.step(row)
        stream.learn(-row[0])
    assert_same_bits(model.predict(U), before)
    learned = stream.estimator()
    assert np.corrcoef(before, U[:, 0])[0, 1] > 0.3 > -0.3 > np.corrcoef(learned.predict(U), U[:, 0])[0, 1]
    stream.reset()
    assert_same_bits(rows_of(stream, U), learned.predict(U))


# What cannot be streamed.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": BSAEncoder(n_taps=4)}, "whether a row spikes depends on the 4 rows that follow"),
        ({"encoder": DeltaEncoder(row_duration=1.5)}, "no multiple of dt"),
        ({"plasticity": AstrocyteUnits()}, "acts while samples are shown"),
        ({"per_row": False, "n_bins": 2}, "n_bins=2 divides a duration"),
        ({"per_row": False, "sample_times": 3}, "needs sample_times=1"),
        ({"per_row": False, "sample_times": [5.0, 10.0]}, "needs sample_times=1"),
        ({"features": "latency"}, "is of whole samples"),
    ],
)
def test_what_no_stream_can_do(options: dict[str, Any], message: str) -> None:
    model = liquid(**options).fit([U])
    with pytest.raises(ValueError, match=message):
        model.stream()


def test_pieces_that_do_not_fit() -> None:
    stream = liquid(per_row=False).fit([recording(0)]).stream()
    with pytest.raises(ValueError, match=r"u lasts 1\.5 ms, which are no whole steps"):
        stream.step(recording(0).between(0, 1500))
    with pytest.raises(ValueError, match="X has 2 rows; expected 3"):
        stream.forecast(3, pieces(recording(0), 30))
    encoded = liquid(encoder=RateEncoder(20.0), per_row=False).fit(U)
    with pytest.raises(ValueError, match=r"u holds Events, but encoder=RateEncoder"):
        encoded.stream().step(recording(0))
    with pytest.raises(ValueError, match="is negative"):
        encoded.stream().step([-1.0, 1.0])
    with pytest.raises(ValueError, match="has a row a sample"):
        encoded.set_params(per_row=True).stream()


@every_liquid
def test_a_stream_never_ends(options: dict[str, Any]) -> None:
    model = liquid(**options).fit([U])
    stream = model.stream()
    state = stream.state
    state[36] = 2**50  # steps of 1 ms since 35,000 years
    stream.state = state
    assert_same_bits(rows_of(stream, U), model.transform([U])[0])
    state[36] = 2**53
    stream.state = state
    with pytest.raises(ValueError, match="at most"):
        stream.step(U[0])
