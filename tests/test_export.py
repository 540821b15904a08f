"""Exported C gives Python's bits: for every model, compiler, optimisation and way to multiply and add."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_same_bits
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from reservoirs import NVAR, EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, _core
from reservoirs.adaptation import EIBalance
from reservoirs.datasets import load_japanese_vowels, load_watch, mackey_glass
from reservoirs.esn import ES2N, ContractingModules, Euler
from reservoirs.export import CSource, to_c
from reservoirs.export._fixed import short_tanh, wide_tanh
from reservoirs.export._host import HostModel, compile_shared
from reservoirs.export._self_test import classify, forecast, ordered_score, regress
from reservoirs.export._text import rename, template
from reservoirs.metrics import nrmse
from reservoirs.topology import EITopology

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wdouble-promotion", "-Wconversion", "-Werror"]
pytestmark = pytest.mark.skipif(not COMPILERS, reason="needs a C compiler: gcc or clang")

# What the C code is compiled with: how it multiplies and adds, and what a careless build adds.
VARIANTS: dict[str, list[str]] = {
    "plain": [],
    "by processor": ["-mfma"],
    "by double": ["-DM_FMA=2"],
    "by integers": ["-DM_FMA=3"],
    "integer doubles": ["-DM_FMA=3", "-DM_INTEGER_DOUBLES"],
    "contracted": ["-march=native", "-ffp-contract=fast"],
    "sanitized": ["-fsanitize=undefined"],
    # What integers do on a processor that makes no products of 64 bits.
    "halves": ["-DM_HALVES", "-fsanitize=undefined"],
}
# Of a task's own score, relative to float32.
MOST_LOST = {"int16": 0.01, "int8": 0.05}
needs_vowels = pytest.mark.skipif(find_spec("aeon") is None, reason="needs pip install --no-deps aeon")
needs_watch = pytest.mark.skipif(find_spec("seglearn") is None, reason="needs pip install --no-deps seglearn")
_HAS_FMA = any(level in ("v3", "v4") for level in _core.available_simd_levels())


@cache
def inputs(n: int = 10_000) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32)


@cache
def series(n: int = 10_000) -> np.ndarray:
    return mackey_glass(n).astype(np.float32)


def regressor(**parameters: Any) -> ESNRegressor:
    u = inputs()[:1000]
    y = np.column_stack([u[:, 0] * 0.5, np.roll(u[:, 1], 1)])
    return ESNRegressor(**{"n_units": 40, "random_state": 0, **parameters}).fit(u, y)


def sequences() -> tuple[list[np.ndarray], list[str]]:
    u = inputs()
    names = ["quiet", "loud", "odd */ name"]
    return [u[i * 40 : i * 40 + 20 + i % 20] * (1 + i % 3) for i in range(90)], [names[i % 3] for i in range(90)]


def classifier(n_classes: int = 3, **parameters: Any) -> ESNClassifier:
    X, y = sequences()
    kept = [i for i in range(len(X)) if i % 3 < n_classes]
    model = ESNClassifier(**{"n_units": 30, "random_state": 0, **parameters})
    return model.fit([X[i] for i in kept], [y[i] for i in kept])


def given_weights() -> np.ndarray:
    """Rows of unequal length, some empty."""
    W = np.random.default_rng(0).uniform(-1, 1, (30, 30))
    W[np.random.default_rng(1).uniform(size=W.shape) < 0.9] = 0
    W[3] = 0
    return W


# Every way a model is built.
MODELS: dict[str, Callable[[], Any]] = {
    "regressor": regressor,
    "feedback": lambda: regressor(feedback_scaling=0.3, features="states+squares"),
    "deep": lambda: regressor(n_layers=3, activation="sigmoid", features="states+input+squares", leak_rate=0.3),
    "dense": lambda: regressor(n_units=20, connectivity=1.0, activation="relu", spectral_radius=0.3),
    "wide": lambda: regressor(n_units=300, activation="identity", spectral_radius=0.5, features="states"),
    "cycle": lambda: regressor(topology="cycle", n_units=33),
    "hadamard": lambda: regressor(topology="hadamard", n_units=33, leak_rate=0.5),
    "hadamard voltage": lambda: regressor(topology="hadamard", dynamics="voltage", n_units=8, feedback_scaling=0.3),
    "hadamard es2n": lambda: regressor(topology="hadamard", dynamics="es2n", n_units=5, leak_rate=0.2),
    "leaks": lambda: regressor(n_units=30, leak_rate=np.linspace(0.1, 1, 30), topology=given_weights()),
    "es2n": lambda: regressor(dynamics="es2n", leak_rate=np.linspace(0.1, 0.9, 20), n_units=20, n_layers=2),
    "es2n random": lambda: regressor(dynamics=ES2N("random"), leak_rate=0.3, n_units=20),
    "euler": lambda: regressor(dynamics=Euler(0.1), leak_rate=np.linspace(0.01, 0.1, 40)),
    "voltage": lambda: regressor(
        dynamics="voltage", leak_rate=np.linspace(0.1, 1, 40), n_layers=2, activation="sigmoid", feedback_scaling=0.3
    ),
    "modules": lambda: regressor(dynamics=ContractingModules(2), leak_rate=0.05),
    "forecaster": lambda: ESNForecaster(n_units=50, random_state=0).fit(series()[:2000]),
    "balanced": lambda: regressor(topology=EITopology(in_degree=30), adaptation=EIBalance(0.5)),
    "exogenous": lambda: ESNForecaster(n_units=50, random_state=0).fit(series()[:2000], inputs()[:2000]),
    "two series": lambda: ESNForecaster(n_units=30, random_state=0).fit(inputs()[:2000] * 100 + 30),
    "NVAR": lambda: NVAR(delays=3, stride=2, alpha=1e-4).fit(series()[:2000]),
    "NVAR exogenous": lambda: NVAR(delays=2, order=3, alpha=1e-2).fit(series()[:2000], inputs()[:2000]),
    "NVAR linear": lambda: NVAR(delays=1, order=1).fit(series()[:2000]),
    "scaled": lambda: make_pipeline(StandardScaler(), ESNRegressor(n_units=30, random_state=0)).fit(
        inputs()[:1000] * 30 + 7, inputs()[:1000, 0]
    ),
    "scaled twice": lambda: make_pipeline(
        StandardScaler(with_mean=False), MinMaxScaler((-1, 1), clip=True), ESNRegressor(n_units=30, random_state=0)
    ).fit(inputs()[:1000], inputs()[:1000, 0]),
    "scaled forecaster": lambda: make_pipeline(MinMaxScaler(), ESNForecaster(n_units=30, random_state=0)).fit(
        series()[:1000, None]
    ),
}
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "mean": classifier,
    "last": lambda: classifier(pooling="last", features="states+input"),
    "both": lambda: classifier(pooling="both", features="states+input+squares", washout=3),
    "two classes": lambda: classifier(2, n_layers=2),
}


@cache
def model(name: str) -> Any:
    return (MODELS | CLASSIFIERS)[name]()


@cache
def exported(name: str, style: str = "single-header") -> CSource:
    return to_c(model(name), "m", style=style)


def arguments(name: str) -> tuple[Any, ...]:
    """Return what the model predicts from: 10,000 steps."""
    if "exogenous" in name:
        return series(), inputs()
    if name == "scaled forecaster":
        return (series()[:, None],)
    if name in ("forecaster", "NVAR", "NVAR linear"):
        return (series(),)
    return (inputs() * 100 + 30 if name == "two series" else inputs(),)


def compiled(code: CSource, compiler: str, *flags: str) -> CSource:
    """Return the export as if its `predict` had compiled it so."""
    library = compile_shared(code.files | {"driver.c": code.driver()}, "driver.c", [compiler], [*WARNINGS, *flags])
    copy = replace(code)
    copy.__dict__["_compiled"] = HostModel(library)
    return copy


def flags_of(variant: str, compiler: str) -> list[str]:
    if variant in ("by processor", "contracted") and not _HAS_FMA:
        pytest.skip("this processor cannot multiply and add at once")
    if variant not in ("sanitized", "halves"):
        return VARIANTS[variant]
    # clang's runtime is not a shared library: a trap instead.
    return [*VARIANTS[variant], "-fno-sanitize-recover=all" if compiler == "gcc" else "-fsanitize-trap=all"]


# The same bits.


@pytest.mark.parametrize("name", MODELS)
def test_ten_thousand_steps_give_the_bits_of_python(name: str) -> None:
    code = exported(name)
    assert code.self_test() == 0
    assert_same_bits(code.predict(*arguments(name)), code.reference.predict(*arguments(name)))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
@pytest.mark.parametrize("name", ["regressor", "forecaster", "voltage", "NVAR", "scaled"])
def test_every_optimisation_gives_the_bits_of_python(name: str, level: str, compiler: str) -> None:
    code = compiled(exported(name), compiler, level)
    assert_same_bits(code.predict(*arguments(name)), code.reference.predict(*arguments(name)))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["regressor", "deep", "es2n", "hadamard es2n", "exogenous", "NVAR exogenous"])
def test_every_way_to_multiply_and_add_gives_the_bits_of_python(name: str, variant: str, compiler: str) -> None:
    code = compiled(exported(name), compiler, "-O1", *flags_of(variant, compiler))
    few = [each[:1000] for each in arguments(name)]
    assert code.self_test() == 0
    assert_same_bits(code.predict(*few), code.reference.predict(*few))


@pytest.mark.parametrize("name", ["regressor", "feedback"])
def test_many_sequences(name: str) -> None:
    X = [inputs()[i : i + 5 + i] for i in range(7)]
    assert_same_bits(exported(name).predict(X), exported(name).reference.predict(X))
    stacked = np.stack([inputs()[:9], inputs()[9:18]])
    assert_same_bits(exported(name).predict(stacked), exported(name).reference.predict(stacked))


@pytest.mark.parametrize("name", ["forecaster", "exogenous", "two series", "NVAR", "NVAR exogenous", "NVAR linear"])
def test_forecasts(name: str) -> None:
    y, *X = (each[:500] for each in arguments(name))
    ahead = [each[500:700] for each in arguments(name)[1:]]
    options = {"warmup": y, "warmup_X": X[0]} if X else {"warmup": y}
    code = exported(name)
    assert_same_bits(code.forecast(200, *ahead, **options), code.reference.forecast(200, *ahead, **options))


def test_a_forecast_leaves_the_state_alone() -> None:
    # As a device would: predict, look ahead on a copy, go on.
    code = exported("forecaster")
    main = code.driver() + (
        "void look_ahead(const float *y, size_t n, size_t ahead, float *out, float *next)\n"
        "{\n    static m_state s, copy;\n    size_t t;\n    m_init(&s);\n"
        "    for (t = 0; t < n; ++t) m_step(&s, t ? y + t - 1 : NULL, next + t);\n"
        "    m_forecast(&s, &copy, ahead, out);\n    m_step(&s, y + n - 1, next + n);\n}\n"
    )
    library = compile_shared(code.files | {"main.c": main}, "main.c")
    y, out, following = series()[:100].copy(), np.empty(50, np.float32), np.empty(101, np.float32)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (y, out, following)]
    library.look_ahead(pointers[0], ctypes.c_size_t(100), ctypes.c_size_t(50), *pointers[1:])
    expected = code.reference.predict(series()[:101])
    assert_same_bits(following, expected)
    # Row 99 was predicted last: its prediction is the first that is fed back.
    assert_same_bits(out, code.reference.forecast(51, warmup=series()[:99])[1:])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name: str) -> None:
    X, _ = sequences()
    code, fitted = exported(name), exported(name).reference
    assert code.self_test() == 0
    assert code.predict(X).tolist() == fitted.predict(X).tolist()
    pooled = fitted._vectors([x.astype(np.float32) for x in X])
    readout = list(zip(fitted.coef_, fitted.intercept_, strict=True))
    exact = np.array([[ordered_score(features, *row) for row in readout] for features in pooled])
    scores = code.decision_function(X)
    assert_same_bits(scores.reshape(exact.shape), exact.astype(np.float32))
    bound = 2.0**-52 * pooled.shape[1] * (np.abs(pooled) @ np.abs(fitted.coef_.T) + np.abs(fitted.intercept_))
    assert (np.abs(fitted.decision_function(X).reshape(exact.shape) - exact) < bound).all()


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_classifiers_everywhere(variant: str, compiler: str) -> None:
    X, _ = sequences()
    code = compiled(exported("both"), compiler, "-O1", *flags_of(variant, compiler))
    assert_same_bits(code.decision_function(X), exported("both").decision_function(X))


def test_a_float64_model_is_rounded_first() -> None:
    fitted = ESNRegressor(n_units=40, random_state=0).fit(inputs()[:500].astype(float), inputs()[:500, 0])
    code = to_c(fitted, "m")
    assert fitted.W_.dtype == np.float64
    assert code.reference.W_.dtype == np.float32
    assert_same_bits(code.predict(inputs()), code.reference.predict(inputs()))
    np.testing.assert_allclose(code.predict(inputs()), fitted.predict(inputs().astype(float)), atol=1e-3)


def test_numbers_at_the_edge_of_range() -> None:
    u = inputs()[:300] * np.float32(10.0) ** np.arange(-45, 38).repeat(4)[:300, None].astype(np.float32)
    code = exported("regressor")
    assert_same_bits(code.predict(u), code.reference.predict(u))


# In integers: the same bits as a twin in NumPy, and nearly the model's score.


def fixed_regressor(dtype: str, **parameters: Any) -> tuple[CSource, tuple[Any, Any]]:
    u = inputs()[:1000]
    y = np.column_stack([u[:, 0] * 0.5, np.roll(u[:, 1], 1)])
    model = ESNRegressor(**{"n_units": 20, "random_state": 0, "alpha": 1e-4, **parameters}).fit(u, y)
    return to_c(model, "m", dtype=dtype, refit=(u, y)), (u, y)


FIXED: dict[str, dict[str, Any]] = {
    "plain": {},
    "feedback": {"feedback_scaling": 0.3, "features": "states+squares"},
    "deep": {"n_layers": 3, "activation": "sigmoid", "features": "states+input+squares", "leak_rate": 0.3},
    "dense": {"connectivity": 1.0, "leak_rate": np.linspace(0.1, 1, 20)},
    "given": {"topology": given_weights(), "leak_rate": 1.0},
}


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("name", FIXED)
def test_integers_give_the_bits_of_their_twin(name: str, dtype: str) -> None:
    code, (u, _) = fixed_regressor(dtype, **FIXED[name])
    parts, fixed = code._parts, code._fixed
    assert fixed is not None
    rows = u[:300] * np.linspace(0, 30, 300, dtype=np.float32)[:, None]
    expected = regress(parts, fixed, rows)
    for compiler in COMPILERS:
        for variant in ("plain", "contracted", "sanitized", "halves"):
            built = compiled(code, compiler, "-O2", *flags_of(variant, compiler))
            assert built.self_test() == 0
            assert_same_bits(built.predict(rows), expected)


@pytest.mark.parametrize("scaled", [False, True])
def test_forecasts_in_integers_give_the_bits_of_their_twin(scaled: bool) -> None:
    y, x = series()[:1000, None], inputs()[:1000]
    fitted = ESNForecaster(n_units=20, random_state=0)
    if scaled:
        code = to_c(make_pipeline(MinMaxScaler(), fitted).fit(y), "m", dtype="int8", refit=(y,))
        assert code.self_test() == 0
        assert r2_score(code.reference.predict(y)[100:], code.predict(y)[100:]) > 0.999
    else:
        code = to_c(fitted.fit(y, x), "m", dtype="int16", refit=(y, x))
        assert code.self_test() == 0
        assert code._fixed is not None
        assert_same_bits(code.predict(y[:200], x[:200]), forecast(code._parts, code._fixed, y[:199], x[:200]))


@pytest.mark.parametrize("n_units", [50, 100])
@pytest.mark.parametrize("ahead", [1, 6])
def test_integers_cost_little_of_the_score(ahead: int, n_units: int) -> None:
    # NRMSE of Mackey-Glass some steps ahead, and of a forecaster; each on rows that no fit saw, after the transient.
    y = series()[:5000]
    u, true = y[:-ahead, None], y[ahead:]
    fitted = ESNRegressor(n_units=n_units, leak_rate=0.7, random_state=0).fit(u[:3000], true[:3000])
    compare_errors(fitted, (u[:3000], true[:3000]), u[3000:], true[3000:])
    if ahead == 1:
        compare_errors(ESNForecaster(n_units=n_units, random_state=0).fit(y[:3000]), (y[:3000],), y[3000:], y[3000:])


def compare_errors(fitted: Any, refit: tuple[Any, ...], X: Any, true: Any) -> None:
    error = nrmse(true[100:], fitted.predict(X)[100:])
    for dtype, most_lost in MOST_LOST.items():
        code = to_c(fitted, "m", dtype=dtype, refit=refit)
        assert nrmse(true[100:], code.predict(X)[100:]) < (1 + most_lost) * error


def fixed_classifier(dtype: str, n_classes: int = 3, **parameters: Any) -> CSource:
    X, y = sequences()
    kept = [i for i in range(len(X)) if i % 3 < n_classes]
    return to_c(
        classifier(n_classes, **parameters), "m", dtype=dtype, refit=([X[i] for i in kept], [y[i] for i in kept])
    )


FIXED_CLASSIFIERS: dict[str, dict[str, Any]] = {
    "mean": {},
    "last": {"pooling": "last", "features": "states+input", "activation": "sigmoid"},
    "both": {"pooling": "both", "features": "states+input+squares", "washout": 3, "n_layers": 2},
    "two classes": {"n_classes": 2, "pooling": "last"},
    "wide readout": {"alpha": 1e-12, "n_units": 45, "features": "states+squares"},
}


@pytest.mark.parametrize("dtype", ["int16", "int8"])
@pytest.mark.parametrize("name", FIXED_CLASSIFIERS)
def test_classifiers_in_integers_give_the_bits_of_their_twin(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "wide readout":  # as if no score might move
        monkeypatch.setattr("reservoirs.export._fixed._LEAST_SCORE", 0.0)
    code, (X, _) = fixed_classifier(dtype, **FIXED_CLASSIFIERS[name]), sequences()
    parts, fixed = code._parts, code._fixed
    assert fixed is not None
    assert fixed.coef.dtype == (np.int32 if name == "wide readout" else np.int16)
    few = [x * np.float32(scale) for x, scale in zip(X[:12], [1, 10, 1e6, 0.1] * 3, strict=True)]
    expected = np.stack([classify(parts, fixed, x) for x in few])
    for compiler in COMPILERS:
        for variant in ("contracted", "sanitized"):
            built = compiled(code, compiler, "-O2", *flags_of(variant, compiler))
            assert built.self_test() == 0
            assert_same_bits(built.decision_function(few).reshape(expected.shape), expected)
    best = (expected[:, 0] > 0).astype(int) if expected.shape[1] == 1 else expected.argmax(axis=1)
    assert code.predict(few).tolist() == parts.estimator.classes_[best].tolist()
    assert (code.predict(X) == code.reference.predict(X)).mean() > 0.95


@needs_vowels
@pytest.mark.parametrize(
    "parameters", [{"n_units": 50}, {"n_units": 100, "pooling": "both", "features": "states+input"}]
)
def test_integers_tell_speakers_apart_as_well(parameters: dict[str, Any]) -> None:
    vowels = load_japanese_vowels()
    fitted = ESNClassifier(random_state=0, **parameters).fit(vowels.X_train, vowels.y_train)
    accuracy = fitted.score(vowels.X_test, vowels.y_test)
    scores = fitted.decision_function(vowels.X_test)
    assert accuracy > 0.97
    for dtype, most_lost in MOST_LOST.items():
        code = to_c(fitted, "m", dtype=dtype, refit=(vowels.X_train, vowels.y_train))
        assert (code.predict(vowels.X_test) == vowels.y_test).mean() > accuracy * (1 - most_lost)
        assert 0 < np.abs(code.decision_function(vowels.X_test) - scores).max() < (0.05 if dtype == "int16" else 0.5)


@needs_watch
@pytest.mark.parametrize("exercise", [0, 30, 77])
def test_integers_forecast_a_sensor_as_well(exercise: int) -> None:
    # Acceleration at the wrist; NRMSE of the next row, over the half of the series that no fit saw.
    y = load_watch().data[exercise][:, :3].astype(np.float32)
    half = len(y) // 2
    fitted = ESNForecaster(n_units=50, random_state=0).fit(y[:half])
    compare_errors(fitted, (y[:half],), y[half:], y[half:])


@pytest.mark.parametrize("dtype", ["int16", "int8"])
def test_saturation_is_counted(dtype: str) -> None:
    code, (u, _) = fixed_regressor(dtype)
    ask = (
        "unsigned long count(const float *u, size_t n)\n{\n    static m_state s;\n    float y[2];\n    size_t t;\n"
        "    m_init(&s);\n    for (t = 0; t < n; ++t) m_step(&s, u + 2 * t, y);\n    return s.saturated;\n}\n"
    )
    library = compile_shared(code.files | {"main.c": code.driver() + ask}, "main.c")

    def count(rows: np.ndarray) -> int:
        return int(library.count(ctypes.c_void_p(rows.ctypes.data), ctypes.c_size_t(len(rows))))

    rows = u[:10].copy()
    assert count(rows * np.float32(10)) == 0
    assert count(rows * np.float32(1000)) > 0
    rows[2] = 1e9
    rows[3, 0] = np.nan
    rows[4, 1] = -np.inf
    assert count(rows) == 4


def test_the_integer_tanh() -> None:
    z = np.arange(-7 * 2**24, 7 * 2**24, 701)
    for tanh, most_wrong, least_step in ((short_tanh, 2.0**-24, 0), (wide_tanh, 1e-8, 0)):
        inside = np.abs(z) < 6 * 2**24
        assert np.abs(tanh(z) / 2**30 - np.tanh(z / 2**24))[inside].max() < most_wrong
        assert (np.abs(tanh(z[~inside])) == tanh(np.array([6 * 2**24]))).all()
        assert (tanh(-z) == -tanh(z)).all()
        assert (np.diff(tanh(np.arange(0, 2**21))) >= least_step).all()


def test_integers_take_less() -> None:
    sizes = {}
    for dtype in ("float32", "int16", "int8"):
        refit = None if dtype == "float32" else (series()[:500],)
        text = str(to_c(ESNForecaster(n_units=100, random_state=0).fit(series()[:500]), "m", dtype=dtype, refit=refit))
        sizes[dtype] = [int(each) for each in re.findall(r"(?:Flash|RAM) +(\d+)", text)]
    assert sizes["int8"][0] < 0.6 * sizes["float32"][0]
    assert sizes["int16"][0] < 0.8 * sizes["float32"][0]
    assert max(sizes["int16"][1], sizes["int8"][1]) <= sizes["float32"][1] + 8


def test_what_integers_cannot_do() -> None:
    u, y = inputs()[:100], inputs()[:100, 0]
    fitted = ESNRegressor(n_units=10, random_state=0).fit(u, y)
    with pytest.raises(ValueError, match=r"dtype='int8' needs refit, the data of the fit"):
        to_c(fitted, "m", dtype="int8")
    with pytest.raises(ValueError, match=r"dtype='float32' needs no refit"):
        to_c(fitted, "m", refit=(u, y))
    with pytest.raises(ValueError, match=r"dynamics=ES2N\(\) is for 'float32'; dtype='int8' is for 'leaky' only"):
        to_c(ESNRegressor(n_units=10, dynamics="es2n", random_state=0).fit(u, y), "m", dtype="int8", refit=(u, y))
    with pytest.raises(ValueError, match="Hadamard weights are for 'float32'; dtype='int8' is for links"):
        to_c(ESNRegressor(n_units=10, topology="hadamard", random_state=0).fit(u, y), "m", dtype="int8", refit=(u, y))
    with pytest.raises(ValueError, match=r"circulant weights .* are not exported; topology='hadamard' is"):
        to_c(ESNRegressor(n_units=10, topology="circulant", random_state=0).fit(u, y), "m")
    with pytest.raises(ValueError, match=r"refit is ndarray; expected the tuple of what fit takes, \(X, y\)"):
        to_c(fitted, "m", dtype="int8", refit=u)
    with pytest.raises(ValueError, match=r"refit is a tuple of 1; expected the tuple of what fit takes, \(X, y\)"):
        to_c(fitted, "m", dtype="int8", refit=(u,))
    with pytest.raises(ValueError, match=r"refit has 2 outputs, but the model has 1"):
        to_c(fitted, "m", dtype="int8", refit=(u, u))
    with pytest.raises(ValueError, match=r"dtype='int8' needs bounded states, which activation='relu' has not"):
        to_c(ESNRegressor(n_units=10, activation="relu").fit(u, y), "m", dtype="int8", refit=(u, y))
    biased = ESNRegressor(n_units=10, bias_scaling=400.0, random_state=0).fit(u, y)
    with pytest.raises(ValueError, match=r"dtype='int8' needs biases below 128 and recurrent weights below .*, got "):
        to_c(biased, "m", dtype="int8", refit=(u, y))
    with pytest.raises(ValueError, match=r"dtype='int16' is for echo-state networks; export NVAR as"):
        to_c(model("NVAR"), "m", dtype="int16", refit=(series(),))
    X, labels = sequences()
    with pytest.raises(ValueError, match=r"refit has the class 'other', which the model does not know"):
        to_c(model("mean"), "m", dtype="int8", refit=(X, [*labels[:-1], "other"]))
    with pytest.raises(ValueError, match=r"refit: washout=3 leaves nothing of a sequence of 2 time steps"):
        to_c(model("both"), "m", dtype="int8", refit=([*X[:-1], X[-1][:2]], labels))


# The parts of the C code, each against its twin.

SIGNATURES = """
#include <math.h>
float by_library(float a, float b, float c) { return fmaf(a, b, c); }
static uint64_t random_state;
static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 32);
}
/* Random bits; or digits with few ones and exponents near each other, where ties, cancellation and underflow are. */
static float random_float(int hard, uint32_t near_exponent)
{
    uint32_t r = next_random(), digits = r & 0x7FFFFFu, exponent = r >> 23 & 255u;
    if (hard) {
        digits = (next_random() & next_random() & next_random() & 0x7FFFFFu);
        if (r & 1u) digits = 0x7FFFFFu & ~digits;
        if (r & 2u) digits &= 0x7FF000u;
        exponent = (near_exponent + (r >> 8) % 56u - 28u) & 255u;
        if ((r & 0x7000u) == 0) exponent = 0;
    }
    return name_float_of((r & 0x80000000u) | exponent << 23 | digits);
}
long count_wrong(uint64_t seed, long n, int hard)
{
    long wrong = 0;
    random_state = seed;
    for (; n > 0; --n) {
        const uint32_t e = next_random() & 255u;
        const float a = random_float(hard, e), b = random_float(hard, hard > 1 ? 20u : 127u);
        const float c = random_float(hard, hard > 1 ? 2u : e);
        const float ours = name_fma(a, b, c), theirs = by_library(a, b, c);
        wrong += name_bits_of(ours) != name_bits_of(theirs) && !(ours != ours && theirs != theirs);
    }
    return wrong;
}
"""


def part(*names: str, before: str = "", after: str = "") -> str:
    includes = "#include <float.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
    text = "".join(template(name, {}) for name in ("platform", *names))
    return rename(includes + before + text + after, "m")


@pytest.mark.parametrize("way", [1, 2, 3])
def test_fused_multiply_add_is_the_library_s(way: int) -> None:
    if way == 1 and not _HAS_FMA:
        pytest.skip("this processor cannot multiply and add at once")
    flags = ["-std=c99", "-O2", f"-DM_FMA={way}", "-lm", *(["-mfma"] if way == 1 else [])]
    library = compile_shared({"m.c": part("fma", after=SIGNATURES)}, "m.c", None, flags)
    library.count_wrong.restype = ctypes.c_long
    for hard in (0, 1, 2):
        assert library.count_wrong(ctypes.c_uint64(hard), ctypes.c_long(2_000_000), hard) == 0


def test_fused_multiply_add_of_special_values() -> None:
    libraries = []
    values = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e-45, -1e-45, 3.4e38, -3.4e38, 1.2e-38], np.float32)
    calls = "float call(float a, float b, float c) { return name_fma(a, b, c); }\n"
    for way in (2, 3):
        library = compile_shared({"m.c": part("fma", after=calls)}, "m.c", None, ["-std=c99", "-O1", f"-DM_FMA={way}"])
        library.call.restype = ctypes.c_float
        libraries.append(library)
    a, b, c = (grid.ravel() for grid in np.meshgrid(values, values, values))
    by_double, by_integers = (
        np.array([library.call(*map(ctypes.c_float, each)) for each in zip(a, b, c, strict=True)], np.float32)
        for library in libraries
    )
    with np.errstate(all="ignore"):
        exact = (a.astype(np.float64) * b + c).astype(np.float32)
    for result in (by_double, by_integers):
        assert (np.isnan(result) == np.isnan(exact)).all()
        finite = ~np.isnan(exact)
        np.testing.assert_array_equal(np.signbit(result[finite]), np.signbit(by_double[finite]))
        np.testing.assert_array_equal(result[finite], by_double[finite])


def test_integer_doubles_are_the_compiler_s(rng: np.random.Generator) -> None:
    before = "#define NAME_INTEGER_DOUBLES\ntypedef uint64_t name_wide;\n"
    calls = (
        "void call(const double *x, const double *y, double *out, size_t n)\n{\n    size_t i;\n"
        "    for (i = 0; i < n; ++i) {\n        uint64_t a, b, r[3];\n        memcpy(&a, x + i, 8);\n"
        "        memcpy(&b, y + i, 8);\n        r[0] = name_wide_add(a, b);\n        r[1] = name_wide_mul(a, b);\n"
        "        r[2] = name_wide_div(a, b);\n        memcpy(out + 3 * i, r, 24);\n    }\n}\n"
        "void narrow(const float *x, const double *y, float *out, size_t n)\n{\n    size_t i;\n"
        "    for (i = 0; i < n; ++i) {\n        uint64_t b;\n        memcpy(&b, y + i, 8);\n"
        "        out[2 * i] = name_narrow(name_wide_of(x[i]));\n        out[2 * i + 1] = name_narrow(b);\n    }\n}\n"
        "int less(double x, double y)\n{\n    uint64_t a, b;\n    memcpy(&a, &x, 8);\n    memcpy(&b, &y, 8);\n"
        "    return name_wide_less(a, b);\n}\n"
    )
    library = compile_shared({"m.c": part("fma", "wide", before=before, after=calls)}, "m.c")
    n = 300_000
    x = rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n)
    y = x * rng.choice([1, -1, 2, 1 + 2**-52], n) * np.where(rng.uniform(size=n) < 0.5, 1, rng.normal(size=n))
    y[::1000] = 0
    x[::1500] = 0
    out = np.empty((n, 3))
    call = [ctypes.c_void_p(a.ctypes.data) for a in (x, y, out)]
    library.call(*call, ctypes.c_size_t(n))
    assert_same_bits(out[:, 0].copy(), x + y)
    assert_same_bits(out[:, 1].copy(), x * y)
    assert_same_bits(out[y != 0, 2].copy(), x[y != 0] / y[y != 0])
    floats = rng.integers(0, 2**32, n, dtype=np.uint32).view(np.float32)
    floats[~np.isfinite(floats)] = 0
    wide = rng.normal(size=n) * 2.0 ** rng.integers(-160, 130, n)
    narrow = np.empty((n, 2), np.float32)
    library.narrow(*(ctypes.c_void_p(a.ctypes.data) for a in (floats, wide, narrow)), ctypes.c_size_t(n))
    assert_same_bits(narrow[:, 0].copy(), floats)
    with np.errstate(over="ignore", under="ignore"):
        assert_same_bits(narrow[:, 1].copy(), wide.astype(np.float32))
    few = [0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 1e-50]
    for a in few:
        for b in few:
            assert library.less(ctypes.c_double(a), ctypes.c_double(b)) == (a < b)


@pytest.mark.parametrize(("name", "twin"), [("tanh", _core.tanh), ("sigmoid", _core.logistic)])
def test_activations_are_the_core_s(name: str, twin: Callable[[np.ndarray], np.ndarray]) -> None:
    calls = (
        "void call(const float *x, float *y, size_t n)\n{\n    size_t i;\n"
        "    for (i = 0; i < n; ++i) y[i] = name_activation(x[i]);\n}\n"
    )
    library = compile_shared({"m.c": part("fma", "rounding", name, after=calls)}, "m.c")
    bits = np.arange(0, 2**32, 1499, dtype=np.uint32)
    x = bits.view(np.float32)
    x = x[~np.isnan(x)].copy()
    y = np.empty_like(x)
    library.call(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_size_t(len(x)))
    assert_same_bits(y, twin(x))


# The text.


@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_both_styles_compile_without_warnings(name: str, compiler: str, tmp_path: Path) -> None:
    for style in ("single-header", "c+h"):
        code = exported(name, style)
        assert all(line.isascii() and len(line) <= 130 for line in (code.header + code.source).splitlines())
        assert "name_" not in code.header + code.source
        assert "NAME_" not in code.header + code.source
        files = code.write(tmp_path / style)
        file = files[-1]
        if style == "single-header":
            file = tmp_path / "main.c"
            file.write_text(f'#define M_IMPLEMENTATION\n#include "{files[0]}"\n')
        subprocess.run([compiler, *WARNINGS, "-c", str(file), "-o", os.devnull], check=True)


@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS, *FIXED, *(f"int8 {name}" for name in FIXED_CLASSIFIERS)])
def test_no_memory_is_touched_that_is_not_the_model_s(name: str, tmp_path: Path) -> None:
    if name.startswith("int8 "):
        code = fixed_classifier("int8", **FIXED_CLASSIFIERS[name[5:]])
    else:
        code = fixed_regressor("int8", **FIXED[name])[0] if name in FIXED else exported(name)
    code.write(tmp_path)
    main = f"{code.driver()}\nint main(void) {{ static m_state s; return m_self_test(&s); }}\n"
    (tmp_path / "main.c").write_text(main)
    flags = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    built = subprocess.run([COMPILERS[0], *flags, "main.c", "-o", "main"], cwd=tmp_path, capture_output=True)
    if built.returncode:
        pytest.skip("the compiler has no sanitizers")
    assert subprocess.run([tmp_path / "main"]).returncode == 0


@pytest.mark.parametrize("name", ["regressor", "exogenous", "NVAR", "both"])
@pytest.mark.parametrize("compiler", [name for name in ("g++", "clang++") if shutil.which(name)])
def test_it_is_also_cpp(name: str, compiler: str, tmp_path: Path) -> None:
    header = exported(name).write(tmp_path)[0]
    main = tmp_path / "main.cpp"
    main.write_text(
        f'#define M_IMPLEMENTATION\n#include "{header}"\nint main() {{ m_state s; return m_self_test(&s); }}\n'
    )
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror"]
    subprocess.run([compiler, *flags, str(main), "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([tmp_path / "main"]).returncode == 0


@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS])
def test_the_header_states_the_ram(name: str) -> None:
    code = exported(name)
    stated = int(re.search(r"RAM +(\d+) bytes", str(code))[1])  # type: ignore[index]
    assert code._compiled.state_bytes <= stated <= code._compiled.state_bytes + 7


def test_the_header_states_flash_work_and_hash() -> None:
    text = str(exported("regressor"))
    # 40 units: bias, 2 inputs, 10 links with a byte for the column; 2 outputs of 42 features; intercepts.
    assert f"{40 * (4 + 8 + 50) + 2 * 42 * 4 + 8} bytes of constants" in text
    assert f"{40 * (2 + 10 + 1) + 84} multiply-adds, 40 tanh" in text
    digest = re.search(r"Model +([0-9a-f]{16})", text)[1]  # type: ignore[index]
    assert digest in str(to_c(regressor(), "other"))
    assert digest not in str(to_c(regressor(random_state=1), "m"))


def test_the_self_test_notices_a_changed_weight() -> None:
    code = exported("regressor")
    changed = re.sub(r"(m_bias\[\] M_FLASH = \{\n +)", r"\g<1>0.5f + ", code.header)
    library = compile_shared({"m.h": changed, "driver.c": code.driver()}, "driver.c")
    assert HostModel(library).self_test() == 1


def test_fast_math_is_refused() -> None:
    with pytest.raises(RuntimeError, match="-ffast-math breaks the promise"):
        compile_shared(
            exported("NVAR").files | {"driver.c": exported("NVAR").driver()}, "driver.c", None, ["-ffast-math"]
        )


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The examples with the model they include, and what Python printed of it."""
    root = Path(__file__).parents[1] / "examples" / "export"
    if not root.is_dir():
        pytest.skip("examples/ lies in the source tree only")
    folder = shutil.copytree(root, tmp_path_factory.mktemp("examples") / "export")
    python = subprocess.run([sys.executable, "make_model.py"], cwd=folder, capture_output=True, text=True, check=True)
    return folder, python.stdout.splitlines()[-2:]


def test_the_example_prints_what_python_printed(examples: tuple[Path, list[str]]) -> None:
    folder, expected = examples
    subprocess.run([COMPILERS[0], *WARNINGS, "main.c", "-o", "predict"], cwd=folder / "plain", check=True)
    program = subprocess.run([folder / "plain" / "predict"], capture_output=True, text=True, check=True)
    assert program.stdout.splitlines() == expected


@pytest.mark.skipif(not (shutil.which("cmake") or find_spec("cmake")), reason="needs CMake")
def test_the_example_is_built_by_cmake(examples: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, expected = examples
    cmake = [sys.executable, "-m", "cmake"] if find_spec("cmake") else ["cmake"]
    environment = os.environ | {"CC": COMPILERS[0]}
    for arguments in (["-S", folder / "plain", "-B", tmp_path], ["--build", tmp_path]):
        subprocess.run([*cmake, *arguments], env=environment, capture_output=True, check=True)
    program = subprocess.run([tmp_path / "predict"], capture_output=True, text=True, check=True)
    assert program.stdout.splitlines() == expected


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_the_arduino_sketch_compiles(examples: tuple[Path, list[str]], tmp_path: Path) -> None:
    # As much of Arduino as the sketch asks for.
    (tmp_path / "Arduino.h").write_text(
        "const int A0 = 0;\nint analogRead(int);\nunsigned long micros();\nvoid delay(unsigned long);\n"
        "struct { void begin(long); void print(const char *); void print(float, int); void println(const char *);\n"
        "    void println(unsigned long); } Serial;\n"
    )
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{tmp_path}"]
    subprocess.run(["g++", *flags, "-I../include", "main.cpp"], cwd=examples[0] / "arduino" / "src", check=True)


# Errors.


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("dtype", "float16", "dtype='float16' is not one of 'float32', 'int16', 'int8'"),
        ("style", "rust", "style='rust' is not one of 'single-header', 'c\\+h'"),
        ("name", "2fast", "name='2fast' must be a C identifier"),
        ("name", "while", "name='while' must be a C identifier"),
        ("name", None, "name=None must be a C identifier"),
        ("name", "string", "name='string' must be a C identifier"),
        ("model", StandardScaler(), "model=StandardScaler\\(\\) cannot be exported; expected an ESNRegressor"),
        ("model", EchoStateNetwork(), "cannot be exported; expected an ESNRegressor"),
    ],
)
def test_wrong_arguments(name: str, wrong: Any, message: str) -> None:
    right = {"model": model("regressor"), "name": "m"}
    with pytest.raises(ValueError, match=message):
        to_c(**right | {name: wrong})


@pytest.mark.parametrize("name", ["NAME_x", "driver", "name"])
def test_odd_names(name: str) -> None:
    u = inputs()[:40]
    plain = model("regressor")
    code = to_c(plain, name, style="c+h")
    assert f" {name}_init(" in code.header
    assert f"#define {name.upper()}_INPUTS" in code.header
    assert_same_bits(code.predict(u), plain.predict(u))


def test_labels_are_not_renamed() -> None:
    X = [inputs()[:20], inputs()[20:40]]
    fitted = ESNClassifier(n_units=10, random_state=0).fit(X, ["name_of_one", "NAME_of_two"])
    assert "0: NAME_of_two, 1: name_of_one" in str(to_c(fitted, "m"))


def test_models_that_cannot_be_exported() -> None:
    u, y = inputs()[:100], inputs()[:100, 0]
    with pytest.raises(ValueError, match=r"readout=Ridge\(\) cannot be exported; only readout=None"):
        to_c(ESNRegressor(n_units=10, readout=Ridge()).fit(u, y), "m")
    with pytest.raises(ValueError, match=r"step RobustScaler\(\) cannot be exported; only StandardScaler"):
        to_c(make_pipeline(RobustScaler(), ESNRegressor(n_units=10)).fit(u, y), "m")
    table = np.random.default_rng(0).normal(size=(20, 30))
    with pytest.raises(ValueError, match=r"scales 30 columns, but a time step of ESNClassifier has 1 features"):
        to_c(make_pipeline(StandardScaler(), ESNClassifier(n_units=10)).fit(table, [0, 1] * 10), "m")
    fitted = ESNForecaster(n_units=10, random_state=0).fit(series()[:100])
    fitted.y_mean_ = np.array([1e-200])
    with pytest.raises(ValueError, match="the scaling holds 1e-200; expected 0 or sizes from 1e-60"):
        to_c(fitted, "m")
    with pytest.raises(Exception, match="not fitted"):
        to_c(ESNRegressor(), "m")


def test_wrong_inputs() -> None:
    with pytest.raises(ValueError, match="3 features, but ESNRegressor is expecting 2 features"):
        exported("regressor").predict(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="exogenous=1 must be None: ESNRegressor has none"):
        exported("regressor").predict(inputs(), 1)
    with pytest.raises(ValueError, match="X=None, but the fit had 2 exogenous variables"):
        exported("exogenous").predict(series())
    with pytest.raises(ValueError, match="warmup holds 2 series; expected one"):
        exported("forecaster").forecast(3, warmup=np.zeros((2, 9, 1)))
    with pytest.raises(ValueError, match="n_steps=0 must be an integer of at least 1"):
        exported("forecaster").forecast(0, warmup=series())
    with pytest.raises(ValueError, match="washout=3 leaves nothing of a sequence of 2 time steps"):
        exported("both").predict([inputs()[:2]])
    with pytest.raises(ValueError, match="ESNRegressor does not forecast"):
        exported("regressor").forecast(1, warmup=series())
    with pytest.raises(ValueError, match="ESNRegressor has no decision_function"):
        exported("regressor").decision_function(inputs())


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    code = to_c(model("NVAR"), "m")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(RuntimeError, match="no C compiler found: predict compiles the exported C"):
        code.predict(series())
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(RuntimeError, match="CC='no-such-compiler' is not a C compiler"):
        code.predict(series())
