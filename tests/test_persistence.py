"""Files of models: what is loaded is what was saved, and nothing that is not a model is loaded."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import re
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.polynomial import Polynomial
from scipy import sparse, stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

import reservoirs
from reservoirs import (
    NVAR,
    EchoStateNetwork,
    ESNClassifier,
    ESNForecaster,
    ESNRegressor,
    LegendreMemory,
    LiquidStateMachine,
    LSMClassifier,
    LSMRegressor,
    adaptation,
    encoding,
    lsm,
    topology,
)
from reservoirs.adaptation import Adaptation, EIBalance
from reservoirs.encoding import BSAEncoder, Cochlea, DeltaEncoder, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.esn import ES2N, ContractingModules, Euler, Leaky
from reservoirs.lsm import (
    LIF,
    STDP,
    AdaptiveLIF,
    ExponentialSynapse,
    GChI,
    HomeostaticThreshold,
    Izhikevich,
    SlowInwardCurrent,
    TsodyksMarkram,
)
from reservoirs.persistence import load, save
from reservoirs.persistence._archive import MAJOR, MINOR
from reservoirs.persistence._kinds import KINDS
from reservoirs.persistence._values import _READERS
from reservoirs.topology import Column, Connectome, CycleWithJumps, ErdosRenyi, ReceptiveFields, Wave

DATA = Path(__file__).parent / "data"
GOLDEN = sorted(DATA.glob("*-1.0.npz"))
SEEDED = {"n_units": 12, "n_jobs": 1, "random_state": 0}
LIQUID = {"topology": ErdosRenyi(30, 0.2), "input_weight": 3.0, "n_jobs": 1, "random_state": 0}

rng = np.random.default_rng(0)
ROWS = rng.uniform(-1, 1, (80, 2))
TARGETS = ROWS @ [[1.0, 0.5], [-0.5, 0.2]]
SINE = np.sin(np.arange(150) / 4)
SEQUENCES = rng.standard_normal((12, 20, 2))
THREE = ["left", "right", "middle"] * 4
PIXELS = rng.uniform(0, 1, (12, 6))
LEVELS = rng.uniform(0, 1, (40, 2))
SOUND = rng.standard_normal((3, 400))


def shown(duration=30.0, **parameters):
    return {**LIQUID, "encoder": RateEncoder(duration=duration), **parameters}


FITTED = {
    "network": lambda: (EchoStateNetwork(n_layers=2, feedback_scaling=0.1, **SEEDED).fit(ROWS, TARGETS), "W_", None),
    "frames": lambda: (
        EchoStateNetwork(**SEEDED).set_output(transform="pandas").fit(pd.DataFrame(ROWS, columns=["a", "b"])),
        "transform",
        pd.DataFrame(ROWS, columns=["a", "b"]),
    ),
    "feedback": lambda: (ESNRegressor(feedback_scaling=0.1, **SEEDED).fit(ROWS, TARGETS), "predict", ROWS),
    "float32": lambda: (ESNRegressor(dtype="float32", **SEEDED).fit(ROWS, TARGETS[:, 0]), "predict", ROWS),
    "dense": lambda: (ESNRegressor(topology=np.eye(5), leak_rate=[0.5] * 5).fit(ROWS, TARGETS), "predict", ROWS),
    "given": lambda: (
        ESNRegressor(topology=sparse.csc_matrix(np.eye(5)[::-1]), alpha=np.float32(0.1)).fit(ROWS, TARGETS),
        "predict",
        ROWS,
    ),
    "adapted": lambda: (
        ESNForecaster(
            topology=np.where(np.arange(12) < 9, 0.3, -1.0) * np.ones((12, 1)),
            spectral_radius=None,
            activation="sigmoid",
            adaptation=[EIBalance(stats.beta(20, 20))],
            random_state=0,
        ).fit(SINE),
        "forecast",
        5,
    ),
    "es2n": lambda: (
        ESNRegressor(dynamics=ES2N("random"), leak_rate=0.1, **SEEDED).fit(ROWS, TARGETS),
        "predict",
        ROWS,
    ),
    "modules": lambda: (
        EchoStateNetwork(12, topology=Wave(2), leak_rate=0.01, dynamics=ContractingModules(2), n_jobs=1).fit(ROWS),
        "transform",
        ROWS,
    ),
    "legendre": lambda: (LegendreMemory(3, 9.5, n_jobs=1).fit(ROWS), "transform", ROWS),
    "late": lambda: (
        ESNForecaster(recurrent_delay=stats.randint(1, 5), input_delay=2, **SEEDED).fit(SINE),
        "forecast",
        5,
    ),
    "gated": lambda: (ESNRegressor(multiplicative_scaling=0.3, **SEEDED).fit(ROWS, TARGETS), "predict", ROWS),
    "jumps": lambda: (ESNRegressor(topology=CycleWithJumps(3), **SEEDED).fit(ROWS, TARGETS), "predict", ROWS),
    "euler": lambda: (EchoStateNetwork(dynamics=Euler(0.1), n_layers=2, **SEEDED).fit(ROWS), "transform", ROWS),
    "voltage": lambda: (ESNForecaster(dynamics="voltage", **SEEDED).fit(SINE), "forecast", 5),
    "leaky": lambda: (ESNRegressor(dynamics=Leaky(), **SEEDED).fit(ROWS, TARGETS), "predict", ROWS),
    "two classes": lambda: (ESNClassifier(**SEEDED).fit(SEQUENCES, np.arange(12) % 2), "decision_function", SEQUENCES),
    "three classes": lambda: (ESNClassifier(**SEEDED).fit(SEQUENCES, THREE), "decision_function", SEQUENCES),
    "labels": lambda: (ESNClassifier(**SEEDED).fit(SEQUENCES, pd.Series(THREE)), "predict", SEQUENCES),
    "logistic": lambda: (
        ESNClassifier(readout=LogisticRegression(C=2.0), **SEEDED).fit(SEQUENCES, THREE),
        "predict",
        SEQUENCES,
    ),
    "forecaster": lambda: (ESNForecaster(**SEEDED).fit(SINE, SINE**2), "forecast", (5, np.ones(5))),
    "nvar": lambda: (NVAR(delays=3, order=3).fit(SINE), "forecast", 5),
    "rules": lambda: (
        LiquidStateMachine(
            **shown(),
            plasticity=[STDP(n_snapshots=3), HomeostaticThreshold(in_samples=True), SlowInwardCurrent(GChI())],
        ).fit(PIXELS),
        "transform",
        PIXELS,
    ),
    "nalsm": lambda: (LSMClassifier(**shown(), readout="ridge").fit(PIXELS, THREE), "decision_function", PIXELS),
    "rates": lambda: (LSMClassifier(**shown()).fit(PIXELS, THREE), "predict", PIXELS),
    "fields": lambda: (
        LiquidStateMachine(**shown(), input_topology=ReceptiveFields((2, 3), (1, 2))).fit(PIXELS),
        "transform",
        PIXELS,
    ),
    "latency": lambda: (
        LiquidStateMachine(**{**LIQUID, "encoder": LatencyEncoder(20.0)}, weight_dtype="int8").fit(PIXELS),
        "transform",
        PIXELS,
    ),
    "maass": lambda: (
        LiquidStateMachine("maass-2002", topology=Column((3, 3, 3)), random_state=0).fit([LEVELS] * 2),
        "transform",
        [LEVELS] * 2,
    ),
    "zhang": lambda: (
        LSMRegressor("zhang-2015", target="step", features="traces", row_duration=4.0, **LIQUID).fit(ROWS, TARGETS),
        "predict",
        ROWS,
    ),
    "mixture": lambda: (
        LiquidStateMachine(
            neuron=Izhikevich.cortical(), synapse=ExponentialSynapse(), encoder=DeltaEncoder(), **LIQUID
        ),
        "fit_transform",
        [LEVELS],
    ),
    "bands": lambda: (
        LiquidStateMachine(encoder=PopulationEncoder(row_duration=4.0), features=("traces", "latency"), **LIQUID).fit(
            [LEVELS]
        ),
        "transform",
        [LEVELS],
    ),
    "drawn": lambda: (
        LiquidStateMachine(
            weight=stats.truncnorm(0, np.inf, loc=1, scale=0.1), neuron=AdaptiveLIF(), encoder=BSAEncoder(), **LIQUID
        ).fit([LEVELS]),
        "transform",
        [LEVELS],
    ),
    "sound": lambda: (
        make_pipeline(Cochlea(8), ESNClassifier(**SEEDED)).fit(list(SOUND), [0, 1, 1]),
        "decision_function",
        list(SOUND),
    ),
    "pipeline": lambda: (make_pipeline(StandardScaler(), ESNRegressor(**SEEDED)).fit(ROWS, TARGETS), "predict", ROWS),
    "scaled": lambda: (
        make_pipeline(MinMaxScaler((-1, 1)), ESNRegressor(**SEEDED)).fit(ROWS, TARGETS),
        "predict",
        ROWS,
    ),
}


def answer(model, method, argument):
    bound = getattr(model, method)
    if not callable(bound):
        return bound.toarray()
    return bound(*argument) if isinstance(argument, tuple) else bound(argument)


def without_addresses(text):
    return re.sub("0x[0-9a-f]+", "", text)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.mark.parametrize("name", FITTED)
def test_what_is_loaded_is_what_was_saved(name, path):
    model, method, argument = FITTED[name]()
    save(model, path)
    again = load(path)
    assert type(again) is type(model)
    assert vars(again).keys() == vars(model).keys()
    assert without_addresses(repr(again)) == without_addresses(repr(model))
    save(again, path.with_name("again"))
    assert path.with_name("again").read_bytes() == path.read_bytes()
    expected, got = answer(model, method, argument), answer(again, method, argument)
    assert type(got) is type(expected)
    np.testing.assert_array_equal(got, expected)


def public_classes():
    found = [
        getattr(module, name) for module in (reservoirs, adaptation, encoding, lsm, topology) for name in module.__all__
    ]
    return [
        each for each in found if isinstance(each, type) and issubclass(each, BaseEstimator) and each is not Adaptation
    ]


@pytest.mark.parametrize("cls", public_classes())
def test_every_public_class_can_be_saved_unfitted(cls, path):
    model = cls(np.eye(3)[::-1]) if cls is Connectome else cls()
    save(model, path)
    assert repr(load(path)) == repr(model)
    assert vars(load(path)).keys() == vars(model).keys()


def test_parameters_keep_their_types(path):
    given = {
        "tau_mem": np.float64(20),
        "v_thresh": {"exc": np.arange(3.0), "inh": 4},
        "v_reset": Polynomial([1, 2.5], domain=[0, 1]),
        "bias": [1, (2.0, None), True, "x", -np.inf],
        "v_init": np.array(["a", "bc"], object),
        "refractory": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "resistance": sparse.csr_array([[0, 1.5], [2, 0]]),
        "v_min": np.int8(-3),
        "reset": stats.gamma(2.0, scale=3),
        "integration": np.array(["ü", "\U0001f600"]),
        "hold_refractory": np.bool_(True),
    }
    save(LIF(**given), path)
    again = load(path).get_params()
    assert again.keys() == LIF().get_params().keys()
    for name in ("tau_mem", "bias", "v_min", "hold_refractory"):
        assert (again[name], type(again[name])) == (given[name], type(given[name]))
    assert again["v_thresh"]["inh"] == 4
    assert again["v_reset"] == given["v_reset"]
    np.testing.assert_array_equal(again["v_thresh"]["exc"], np.arange(3.0))
    assert again["refractory"].flags.f_contiguous
    for name in ("v_init", "refractory", "integration"):
        np.testing.assert_array_equal(again[name], given[name])
    assert type(again["resistance"]) is sparse.csr_array
    assert (again["resistance"] != given["resistance"]).nnz == 0
    frozen = again["reset"]
    assert (frozen.dist.name, frozen.args, frozen.kwds) == ("gamma", (2.0,), {"scale": 3})
    save(ESNRegressor(dtype=np.float32), path)
    assert load(path).dtype == np.float32


scalars = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text() | st.floats(allow_nan=False)
arrays = hnp.arrays(
    st.sampled_from(["f4", "f8", "i1", "u8", "?", "U3"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements={"allow_nan": False},
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["exc", "inh", "type"]), inner)
    ),
    max_leaves=6,
)


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b, strict=True)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b
        assert str(a) == str(b)  # -0.0


@given(values)
@settings(max_examples=60, deadline=None)
def test_any_value_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("values") / "model.npz"
    save(LIF(tau_mem=value), path)
    assert_same(load(path).tau_mem, value)


def test_output_is_set_before_the_fit(path):
    save(EchoStateNetwork(**SEEDED).set_output(transform="pandas"), path)
    assert isinstance(load(path).fit(ROWS).transform(ROWS), pd.DataFrame)


def test_learning_goes_on(path):
    model = ESNRegressor(washout=0, **SEEDED).fit(ROWS[:50], TARGETS[:50])
    save(model, path)
    np.testing.assert_array_equal(
        load(path).partial_fit(ROWS[50:], TARGETS[50:]).coef_, model.partial_fit(ROWS[50:], TARGETS[50:]).coef_
    )


def test_numpy_reads_the_arrays(path):
    model = ESNRegressor(**SEEDED).fit(ROWS, TARGETS)
    save(model, path)
    with np.load(path) as file:
        np.testing.assert_array_equal(file["coef_"], model.coef_)
        assert json.loads(file["model.json"])["model"]["class"] == "ESNRegressor"


class Renamed(ESNForecaster):
    pass


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (ESNRegressor(readout=Ridge()), TypeError, r"^readout=Ridge\(\) cannot be saved. joblib"),
        (ESNRegressor(random_state=np.random.RandomState(0)), TypeError, r"^random_state=RandomState.* An int can"),
        (ESNRegressor(activation=lambda x: x), TypeError, r"^activation=<function"),
        (ESNRegressor(topology=sparse.eye_array(3, format="lil")), TypeError, r"^topology=.*csr_array"),
        (ESNRegressor(spectral_radius=np.nan), ValueError, r"^spectral_radius=nan cannot be saved"),
        (ESNRegressor(leak_rate=np.array([np.nan])), ValueError, r"^leak_rate holds NaN"),
        (ESNRegressor(leak_rate=np.array([1j])), TypeError, r"^leak_rate is an array of complex128"),
        (ESNRegressor(leak_rate=np.array([{}])), TypeError, r"^leak_rate is an array of object"),
        (LSMClassifier(weight={1: 2.0}), TypeError, r"^weight has the key 1"),
        (
            LSMClassifier(encoder=RateEncoder(random_state=np.random.default_rng(0))),
            TypeError,
            r"^encoder.random_state=",
        ),
        (LSMClassifier(weight=stats.norm(np.zeros(3))), TypeError, r"^weight="),
        (LSMClassifier(weight=stats.rv_histogram(np.histogram([0, 1.0]))()), TypeError, r"^weight="),
        (Renamed(), TypeError, r"^the model=Renamed\(\) cannot be saved"),
        (Ridge(), TypeError, r"^the model=Ridge\(\)"),
        (make_pipeline(FunctionTransformer(np.log), NVAR()), TypeError, r"^steps.0.1=FunctionTrans"),
        (Pipeline([("nvar", NVAR())], memory="cache"), TypeError, r"memory='cache', which cannot be saved"),
        (NVAR, TypeError, "is not an estimator"),
        (np.zeros(3), TypeError, "is not an estimator"),
    ],
)
def test_what_cannot_be_saved_is_named(model, error, message, path):
    path.write_text("old")
    with pytest.raises(error, match=message):
        save(model, path)
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_unknown_and_broken_attributes_are_named(path):
    model = ESNRegressor(**SEEDED).fit(ROWS, TARGETS)
    model.note = "mine"
    with pytest.raises(ValueError, match="the model cannot be saved: it has 'note', which is unknown"):
        save(model, path)
    del model.note
    model.coef_ = model.coef_ * np.inf
    with pytest.raises(ValueError, match=r"it has 'coef_', a ndarray .* not finite; expected finite floats of shape"):
        save(model, path)
    del model.coef_, model.washout_
    with pytest.raises(ValueError, match="it lacks 'washout_'"):
        save(model, path)
    with pytest.raises(ValueError, match="give parameters that are long lists as arrays"):
        save(ESNRegressor(topology=["x" * 2**26]), path)


def test_a_failure_leaves_the_old_file(path, monkeypatch):
    save(NVAR(), path)
    old = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(NVAR(delays=5), path)
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_paths(path):
    with pytest.raises(FileNotFoundError):
        load(path)
    with pytest.raises(FileNotFoundError):
        save(NVAR(), path.parent / "missing" / "model")
    with pytest.raises((IsADirectoryError, PermissionError)):
        load(path.parent)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_one(path):
    link = path.with_name("link")
    path.touch()
    link.symlink_to(path)
    save(NVAR(delays=4), str(link))
    assert link.is_symlink()
    assert load(path).delays == 4


# -- files of the past and of the future -------------------------------------------------------------------------------


def write_golden():
    """Write the files in tests/data. Done once for each version of the format: those of old versions stay."""
    esn = ESNForecaster(n_units=8, connectivity=3, alpha=1e-4, random_state=0)
    save(esn.fit(np.sin(np.arange(100) / 5)), DATA / "esn-1.0.npz")
    liquid = LSMClassifier(
        topology=ErdosRenyi(16, 0.3),
        neuron=LIF(v_reset=stats.uniform(0.0, 1.0)),
        weight={"EE": 1.0, "EI": np.float32(2.0), "IE": stats.gamma(2.0, scale=0.5), "II": 0.5},
        short_term=TsodyksMarkram(),
        synapse=ExponentialSynapse({"exc": 3.0, "inh": 6.0}),
        encoder=RateEncoder(duration=40.0),
        input_weight=6.0,
        random_state=0,
    )
    save(liquid.fit(*golden_samples()), DATA / "lsm-1.0.npz")


# What the models predicted when they were saved.
FORECAST = [0.9088693713083227, 0.9678462262767329, 0.9902325369314642, 0.976140073806304]
LABELS = ["a", "b", "a", "a", "a", "b", "c", "a"]
DECISIONS = [
    [5.077211380004883, -1.0701265335083008, -4.007045745849609],
    [-5.039085388183594, 4.556628227233887, 0.4825047254562378],
]


def golden_samples():
    X = (np.arange(48) * 7 % 11).reshape(8, 6) / 10.0
    return X, ["a", "b", "c", "a"] * 2


def test_files_of_version_1_0():
    assert len(GOLDEN) == 2
    forecaster = load(DATA / "esn-1.0.npz")
    assert forecaster.get_params() == ESNForecaster(n_units=8, connectivity=3, alpha=1e-4, random_state=0).get_params()
    np.testing.assert_array_equal(forecaster.forecast(4), FORECAST)
    liquid = load(DATA / "lsm-1.0.npz")
    X, _ = golden_samples()
    assert liquid.predict(X).tolist() == LABELS
    np.testing.assert_allclose(liquid.decision_function(X[:2]), DECISIONS, rtol=1e-4)  # of float32, by BLAS
    assert liquid.weight["IE"].kwds == {"scale": 0.5}


def with_version(content, version):
    return sealed(content[:-92] + b"reservoirs model " + version + b" sha256 ")


def sealed(content):
    return content + hashlib.sha256(content).hexdigest().encode()


def test_versions(path):
    content = (DATA / "esn-1.0.npz").read_bytes()
    path.write_bytes(with_version(content, b"1.7"))
    assert load(path).n_units == 8
    path.write_bytes(with_version(content, b"2.0"))
    with pytest.raises(
        ValueError, match=r"model\.npz .*its format is 2\.0, .* reads 1\.x\. Upgrade reservoirs, or save"
    ):
        load(path)
    path.write_bytes(with_version(content, b"0.9"))
    with pytest.raises(ValueError, match="older reservoirs"):
        load(path)


# -- damage ------------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_and_every_truncation_is_found(path):
    content = (DATA / "esn-1.0.npz").read_bytes()
    path.write_bytes(content)
    with path.open("r+b", buffering=0) as file:
        for i, byte in enumerate(content):
            file.seek(i)
            file.write(bytes([byte ^ 1 << i % 8]))
            with pytest.raises(ValueError, match=r"model\.npz is not a model that can be loaded: it"):
                load(path)
            file.seek(i)
            file.write(content[i : i + 1])
        load(path)
        for length in reversed(range(len(content))):
            file.truncate(length)
            with pytest.raises(ValueError, match="something else, or not whole"):
                load(path)


@pytest.mark.parametrize("content", [b"", b"reservoirs", b"\x80\x04K\x01.", b"PK\x05\x06" + bytes(18), bytes(1000)])
def test_other_files(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.npz is not a model .* something else, or not whole"):
        load(path)


# -- malice: files whose seal is right ---------------------------------------------------------------------------------


def forge(path, document, members=(), method=zipfile.ZIP_STORED):
    """Write a file as save does, with any content: `document` is JSON or text, `members` are names and bytes."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in [("model.json", text), *members]:
            archive.writestr(name, data)
        archive.comment = b"reservoirs model 1.0 sha256 " + b"0" * 64
    path.write_bytes(sealed(buffer.getvalue()[:-64]))


def contents(path):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members.pop("model.json")), members


def npy(array, **header):
    """Return a .npy file, with some fields of its header replaced."""
    buffer = io.BytesIO()
    fields = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    np.lib.format.write_array_header_1_0(buffer, fields)
    return buffer.getvalue() + array.tobytes()


def part(cls="LIF", **parameters):
    return {"model": {"type": "object", "class": cls, "parameters": parameters, "learned": {}}}


AN_ARRAY = part(tau_mem={"type": "array", "name": "x"})
FIVE = np.arange(5.0)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy(FIVE, shape=(10**12,)), "not as long as its shape"),
        (npy(FIVE, shape=(4,)), "not as long as its shape"),
        (npy(FIVE, shape=(-1, -5)), "not in version 1.0"),
        (npy(FIVE[:0], shape=(0, 10**15)), "but no elements"),
        (npy(FIVE, shape="5"), "not in version 1.0"),
        (npy(FIVE, shape=(5, 1) + (1,) * 70), ""),
        (npy(FIVE, descr="|O"), "not in version 1.0"),
        (npy(FIVE, descr=">f8"), "not in version 1.0"),
        (npy(FIVE, descr="<c8", shape=(5,)), "not in version 1.0"),
        (npy(FIVE, descr=[("a", "<f8")]), "not in version 1.0"),
        (npy(FIVE, descr="<U2"), "no text"),
        (npy(FIVE, descr="<f16"), "has the type|data type"),
        (npy(FIVE, descr="<U0"), "has the type"),
        (npy(FIVE, descr="<b7"), "data type"),
        (npy(FIVE, descr="<M8[s]"), "not in version 1.0"),
        (npy(FIVE, descr="nonsense"), "not in version 1.0"),
        (npy(np.array([1.0, np.nan])), "tau_mem holds NaN"),
        (npy(FIVE).replace(b"{'descr'", b"{[]:1,'d"), "not in version 1.0"),
        (npy(FIVE).replace(b"NUMPY\x01", b"NUMPY\x03"), "not in version 1.0"),
        (npy(FIVE)[:20], ""),
        (b"", ""),
        (np.array([print], object).dumps(), ""),
    ],
)
def test_hostile_arrays(member, message, path):
    forge(path, AN_ARRAY, [("x.npy", member)])
    with pytest.raises(ValueError, match=rf"model\.npz is not a model that can be loaded: .*{message}"):
        load(path)


def learned(name, value):
    """Return a change of what was learned."""

    def change(document, members):
        document["model"]["learned"][name] = value

    return change


def replaced(name, array):
    """Return a change of an array."""

    def change(document, members):
        members[f"{name}.npy"] = npy(array)

    return change


def stretched(name, shape):
    def change(document, members):
        document["model"]["learned"][name]["shape"] = shape

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (learned("bias_", "text"), "ESNForecaster has 'bias_', 'text'; expected finite floats of shape .*units = 8"),
        (learned("extra_", 1), "has 'extra_', which is unknown"),
        (learned("_network_", 1), "has '_network_', which is unknown"),
        (learned("predict", 1), "has 'predict', which is unknown"),
        (learned("__class__", 1), "has '__class__', which is unknown"),
        (learned("washout_", -1), "has 'washout_', -1; expected a whole number"),
        (learned("n_features_in_", 2**70), "has 'n_features_in_'"),
        (learned("readout_", part()["model"]), "has 'readout_'.*expected one of Pipeline"),
        (replaced("W_.indices", np.full(24, 8, np.int32)), "indices"),
        (replaced("W_.indices", np.full(24, -1, np.int32)), "indices"),
        (replaced("W_.indices", np.zeros(24, np.int32)), "not ascending"),
        (replaced("W_.indptr", np.arange(9, dtype=np.int32)[::-1].copy()), "ind"),
        (replaced("W_.indptr", np.arange(9.0)), "numbers, ints and ints"),
        (replaced("W_.data", np.full(24, np.inf)), "sparse array in csr form"),
        (stretched("W_", [8, 10**12]), "sparse array in csr form"),
        (stretched("W_", [10**12, 8]), "index pointer"),
        (stretched("W_", [-8, -8]), ""),
        (stretched("W_", [8.0, 8]), "a shape of two ints"),
        (replaced("bias_", np.zeros(9)), "has 'bias_'"),
        (replaced("bias_", np.zeros(8, np.float32)), "incompatible"),
        (replaced("W_in_", np.zeros((0, 1))), ""),
        (replaced("W_in_", np.zeros((3, 1))), ""),
        (replaced("coef_", np.full((1, 9), np.nan)), "coef_ holds NaN"),
        (replaced("coef_", np.zeros(9)), "has 'coef_'"),
        (lambda document, members: document["model"]["learned"].pop("washout_"), "lacks 'washout_'"),
        (lambda document, members: members.pop("bias_.npy"), "no member 'bias_.npy'"),
        (lambda document, members: members.update({"../../etc/passwd": b""}), "'../../etc/passwd', which belongs"),
        (lambda document, members: document["model"]["parameters"].update(n_unit=3), "no parameter 'n_unit'"),
        (lambda document, members: document["model"]["parameters"].update(activation="cos"), "unknown activation"),
        (lambda document, members: document["model"].update({"class": "Ridge"}), "expected one of the classes"),
        (lambda document, members: document["model"].update({"class": "os.system"}), "expected one of the classes"),
        (lambda document, members: document["model"].update({"class": ["LIF"]}), "expected a str"),
        (lambda document, members: document["model"].update({"class": "NVAR"}), "no parameter"),
        (lambda document, members: document.update(model=[1]), "expected an object whose type"),
        (lambda document, members: document.update(model=1), "expected an estimator"),
        (lambda document, members: document.update(other=1), "one member 'model'"),
    ],
)
def test_hostile_models(change, message, path):
    document, members = contents(DATA / "esn-1.0.npz")
    change(document, members)
    forge(path, document, members.items())
    with pytest.raises(ValueError, match=f"is not a model that can be loaded: .*{message}"):
        load(path)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"{", "Expecting"),
        (b"\xff", "utf-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"model":' * 50_000, "nested too deeply"),
        (b'{"model": NaN}', "NaN is not JSON"),
        (b'{"model": 1e999}', "a number that float64 holds"),
        (b'{"model": ' + b"9" * 10_000 + b"}", "digits"),
        (part(tau_mem={"type": "pickle", "data": ""}), "tau_mem={.*expected an object whose type is one of"),
        (part(tau_mem={"type": "list", "items": 1, "x": 1}), "expected the members type, items"),
        (part(tau_mem={"type": "list", "items": 1}), "tau_mem=1: expected a list"),
        (part(tau_mem={"type": "infinite", "value": "nan"}), "expected inf or -inf"),
        (part(tau_mem={"type": "scalar", "dtype": "int8", "value": 300}), "300"),
        (part(tau_mem={"type": "scalar", "dtype": "float64", "value": "x"}), "such a number"),
        (part(tau_mem={"type": "scalar", "dtype": "object", "value": 1}), "such a number"),
        (part(tau_mem={"type": "scalar", "dtype": ["f8"], "value": 1}), "such a number"),
        (part(tau_mem={"type": "scalar", "dtype": "float32", "value": 1e300}), "overflow"),
        (
            part(tau_mem={"type": "sparse", "format": {}, "shape": 1, **dict.fromkeys(("data", "indices", "indptr"))}),
            "",
        ),
        (part(tau_mem={"type": "distribution", "name": {}, "args": [], "kwds": {}}), "expected a str"),
        (part(tau_mem={"type": "dtype", "name": "O"}), "float32 or float64"),
        (part(tau_mem={"type": "array", "name": "../x"}), "no member"),
        (part(tau_mem={"type": "distribution", "name": "rv_frozen", "args": [], "kwds": {}}), "numbers as arguments"),
        (part(tau_mem={"type": "distribution", "name": "norm", "args": ["x"], "kwds": {}}), "numbers as arguments"),
        (part(tau_mem={"type": "distribution", "name": "norm", "args": [1] * 9, "kwds": {}}), "positional arguments"),
        (part(tau_mem={"type": "distribution", "name": "norm", "args": [], "kwds": {"seed": 1}}), "tau_mem: .*seed"),
        (part(tau_mem={"type": "polynomial", "coef": 1, "domain": 2, "window": 3}), "expected a list"),
        (part("Pipeline", steps=[], memory="/tmp/cache"), ""),
        (part("Pipeline", memory="/tmp/cache"), "no parameter 'memory'"),
        (part("Pipeline"), "steps"),
    ],
)
def test_hostile_json(document, message, path):
    forge(path, document)
    with pytest.raises(ValueError, match=rf"model\.npz is not a model that can be loaded: .*{message}"):
        load(path)


def test_arrays_are_taken_once(path):
    document = part(tau_mem={"type": "array", "name": "x"}, bias={"type": "array", "name": "x"})
    forge(path, document, [("x.npy", npy(FIVE))])
    with pytest.raises(ValueError, match=r"no member 'x\.npy', or it is referred to twice"):
        load(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        forge(path, AN_ARRAY, [("x.npy", npy(FIVE)), ("x.npy", npy(FIVE))])
    with pytest.raises(ValueError, match="two members of one name"):
        load(path)


def test_memory_is_bounded_by_the_file(path):
    """A zip bomb, overlapping members and arrays that claim to be large cost next to nothing."""
    bomb = npy(np.zeros(10**7))
    forge(path, AN_ARRAY, [("x.npy", bomb)], method=zipfile.ZIP_DEFLATED)
    overlapping = path.with_name("overlapping")
    forge(overlapping, AN_ARRAY, [("x.npy", npy(np.zeros(10**4))), ("y.npy", b"")])
    content = bytearray(overlapping.read_bytes()[:-64])
    at = content.rindex(b"PK\x01\x02")
    content[at + 20 : at + 28] = (80_000).to_bytes(4, "little") * 2
    overlapping.write_bytes(sealed(bytes(content)))
    claiming = path.with_name("claiming")
    forge(claiming, AN_ARRAY, [("x.npy", npy(FIVE, shape=(10**8,)))])
    tracemalloc.start()
    try:
        for file, message in ((path, "is compressed"), (overlapping, "overlap"), (claiming, "as long as its shape")):
            with pytest.raises(ValueError, match=message):
                load(file)
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
    finally:
        tracemalloc.stop()


def refuse_or_load(path):
    try:
        load(path)
    except ValueError as error:
        message = str(error)
    else:
        return
    assert str(path) in message


@given(st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_changed_bytes_under_a_right_seal(tmp_path_factory, golden, data):
    """Such a file is refused, or it is another model; nothing else happens."""
    content = bytearray(golden.read_bytes()[:-64])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / "model.npz"
    path.write_bytes(sealed(bytes(content)))
    refuse_or_load(path)


INFINITE = {"type": "infinite", "value": "inf"}
JUNK = [None, True, -1, 2**70, 1e308, 0.0, "x", [], {}, {"type": "list", "items": []}, INFINITE]


def places(node, path=()):
    yield path
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from places(node[key], (*path, key))


@given(st.data())
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_changed_json_under_a_right_seal(tmp_path_factory, golden, data):
    document, members = contents(golden)
    *outer, last = data.draw(st.sampled_from([place for place in places(document) if place]))
    node = document
    for key in outer:
        node = node[key]
    node[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    path = tmp_path_factory.mktemp("changed") / "model.npz"
    forge(path, document, members.items())
    refuse_or_load(path)


def test_the_page_names_every_class_and_type():
    page = Path(__file__).parents[1] / "docs" / "file-format.md"
    if not page.exists():
        pytest.skip("these tests do not lie in a source tree")
    text = page.read_text(encoding="utf-8")
    assert [name for name in (*KINDS, *_READERS) if f"`{name}`" not in text] == []
    assert f"version **{MAJOR}.{MINOR}**" in text


if __name__ == "__main__":
    write_golden()
