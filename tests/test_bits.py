"""The same seed gives the same bits: for any threads, batch, chunk of time and SIMD level. And calls can be stopped."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LEVELS, assert_same_bits, simd_level
from scipy import stats
from sklearn.base import clone

from reservoirs import NVAR, EchoStateNetwork, ESNForecaster, ESNRegressor, _core
from reservoirs.esn import _harvest

THREADS = (1, 2, 7)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])

# Every way a network is built: sparse, dense, padded by chance or not, leaky, deep, noisy, with all features.
SETTINGS: dict[str, dict[str, Any]] = {
    "sparse": {"n_units": 37, "connectivity": 5},
    "blocked": {"n_units": 45, "topology": "blocked", "connectivity": 5},
    "int8": {"n_units": 45, "topology": "blocked", "connectivity": 5, "weight_dtype": "int8"},
    "bfloat16": {"n_units": 36, "connectivity": 1.0, "weight_dtype": "bfloat16"},
    "dense": {"n_units": 32, "connectivity": 1.0, "leak_rate": 0.3},
    "hadamard": {"n_units": 37, "topology": "hadamard", "leak_rate": 0.5},
    "circulant": {"n_units": 75, "topology": "circulant", "leak_rate": 0.5},
    "deep": {"n_units": 21, "n_layers": 3, "activation": "sigmoid"},
    "noisy": {"n_units": 19, "state_noise": 0.1, "features": "states+input+squares"},
    "es2n": {"n_units": 21, "n_layers": 2, "leak_rate": 0.2, "dynamics": "es2n"},
    "euler": {"n_units": 35, "leak_rate": 0.1, "dynamics": "euler"},
    "late": {"n_units": 23, "recurrent_delay": stats.randint(1, 8), "input_delay": 3, "state_noise": 0.1},
    "gated": {"n_units": 34, "multiplicative_scaling": 0.5, "dynamics": "voltage"},
    "voltage": {"n_units": 20, "n_layers": 2, "leak_rate": 0.4, "dynamics": "voltage", "state_noise": 0.1},
}
every_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def ragged(n_sequences: int, seed: int = 0, longest: int = 60, n_features: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, (n, n_features)) for n in rng.integers(1, longest + 1, n_sequences)]


def targets(X: list[np.ndarray]) -> list[np.ndarray]:
    return [np.cumsum(x[:, ::-1], axis=0) * 0.1 for x in X]


def network(**parameters: Any) -> EchoStateNetwork:
    return EchoStateNetwork(**{"random_state": 0, "n_jobs": 1, **parameters})


def series(n: int = 300) -> np.ndarray:
    t = np.arange(n)
    return np.column_stack([np.sin(t / 7), np.cos(t / 11) + 0.1 * np.sin(t)])


@contextmanager
def short_calls(work: int = 3000, rows: int = 7) -> Iterator[None]:
    """Cut time into many short stretches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_harvest, "_WORK_A_CALL", work)
        patch.setattr(_harvest, "_ROWS_A_BLOCK", rows)
        yield


@every_dtype
@every_setting
def test_states_do_not_depend_on_threads_or_levels(setting: dict[str, Any], dtype: str) -> None:
    X = ragged(50)
    expected = network(**setting, dtype=dtype).fit_transform(X)
    for level in LEVELS:
        for n_jobs in THREADS:
            with simd_level(level):
                assert_same_bits(network(**setting, dtype=dtype, n_jobs=n_jobs).fit_transform(X), expected)


LARGE: dict[str, dict[str, Any]] = {
    "random": {"n_units": 1003, "state_noise": 0.1},
    "blocked": {"n_units": 1003, "topology": "blocked", "leak_rate": 0.3},
    "dense": {"n_units": 301, "connectivity": 1.0, "spectral_radius": None},
    "narrow": {"n_units": 301, "connectivity": 1.0, "weight_dtype": "int8", "spectral_radius": None},
}


@every_dtype
@pytest.mark.parametrize("setting", LARGE.values(), ids=LARGE)
def test_steps_that_threads_share_have_the_bits_of_one_thread(setting: dict[str, Any], dtype: str) -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (600, 2))
    one = network(**setting, dtype=dtype, washout=3).fit(X)
    expected = one.transform(X)
    for n_jobs in (2, 3, 64):
        assert_same_bits(one.set_params(n_jobs=n_jobs).transform(X), expected)
    with short_calls(work=5_000_000):
        assert_same_bits(one.transform(X), expected)


@every_dtype
def test_few_large_steps_have_the_bits_of_one_thread(dtype: str) -> None:
    # Steps so large that threads share them in calls of a few rows, of which the first are timed alone.
    X = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    one = network(n_units=2500, connectivity=1.0, spectral_radius=None, dtype=dtype).fit(X)
    whole = one.transform(X)
    one.set_params(n_jobs=2)
    for n_steps in (1, 2, 3, 4, 5, 9, 40):
        assert_same_bits(one.transform(X[:n_steps]), whole[:n_steps].copy())


@every_dtype
@every_setting
@settings(max_examples=15, deadline=None, derandomize=True)
@given(n_sequences=st.integers(1, 100), longest=st.integers(1, 200), seed=st.integers(0, 999))
def test_a_sequence_alone_gives_the_bits_of_the_batch(
    setting: dict[str, Any], dtype: str, n_sequences: int, longest: int, seed: int
) -> None:
    X = ragged(n_sequences, seed, longest)
    fitted = network(**setting, dtype=dtype).fit(X)
    batch = fitted.transform(X)
    for i in {0, n_sequences // 2, n_sequences - 1}:
        assert_same_bits(batch[i].copy(), fitted.transform(X[i]))


@every_dtype
@every_setting
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_chunks_of_time_give_the_bits_of_the_whole(setting: dict[str, Any], dtype: str, n_jobs: int) -> None:
    X = ragged(23)
    parameters = {**setting, "dtype": dtype, "n_jobs": n_jobs, "washout": 4}
    expected = network(**parameters).fit_transform(X)
    with short_calls():
        assert_same_bits(network(**parameters).fit_transform(X), expected)


@every_dtype
@every_setting
def test_predictions_do_not_depend_on_threads_levels_or_chunks(setting: dict[str, Any], dtype: str) -> None:
    X = ragged(30, n_features=2)
    model = ESNRegressor(**setting, dtype=dtype, random_state=0, n_jobs=1, washout=0).fit(X, targets(X))
    expected = model.predict(X)
    assert_same_bits(model.predict(X[3]), expected[3].copy())
    for n_jobs in THREADS:
        model.set_params(n_jobs=n_jobs)
        for level in LEVELS:
            with simd_level(level):
                assert_same_bits(model.predict(X), expected)
        with short_calls():
            assert_same_bits(model.predict(X), expected)


@every_dtype
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(_harvest._WORK_A_CALL, id="many sequences"),
        pytest.param(100_000, id="slow steps"),
    ],
)
def test_fits_do_not_depend_on_threads(dtype: str, work: int) -> None:
    # More sequences than one thread takes at a time; or, at the lower work, blocks that time would cut short.
    X = ragged(200, longest=40)
    models = []
    with short_calls(work=work, rows=_harvest._ROWS_A_BLOCK):
        for n_jobs in THREADS:
            model = ESNRegressor(n_units=30, dtype=dtype, random_state=0, n_jobs=n_jobs, washout=0)
            models.append(model.fit(X, targets(X)))
    for model in models[1:]:
        assert_same_bits(model.coef_, models[0].coef_)
        assert_same_bits(model.predict(X[0]), models[0].predict(X[0]))


@every_dtype
def test_free_running_predictions_do_not_depend_on_threads_levels_or_chunks(dtype: str) -> None:
    X = [x for x in ragged(12, longest=9) for _ in range(3)]
    model = ESNRegressor(n_units=30, feedback_scaling=0.5, dtype=dtype, random_state=0, n_jobs=1, washout=0)
    model.fit(X, targets(X))
    expected = model.predict(X)
    assert_same_bits(model.predict(X[5]), expected[5].copy())
    for n_jobs in THREADS:
        model.set_params(n_jobs=n_jobs)
        for level in LEVELS:
            with simd_level(level):
                assert_same_bits(model.predict(X), expected)
        with short_calls():
            assert_same_bits(model.predict(X), expected)


@every_dtype
def test_forecasts_do_not_depend_on_threads_levels_or_chunks(dtype: str) -> None:
    y = series()
    warmups = np.stack([y[:80], y[40:120], y[100:180]])
    expected: Any = None
    for n_jobs in THREADS:
        model = ESNForecaster(n_units=40, dtype=dtype, random_state=0, n_jobs=n_jobs).fit(y)
        for level in LEVELS:
            with simd_level(level):
                actual = [model.forecast(60), model.forecast(25, warmup=warmups), model.predict(y)]
            expected = expected or actual
            assert_same_bits(actual, expected)
        with short_calls():
            assert_same_bits([model.forecast(60), model.forecast(25, warmup=warmups), model.predict(y)], expected)
        assert_same_bits(model.forecast(25, warmup=warmups[1]), expected[1][1].copy())


@every_dtype
def test_nvar_forecasts_do_not_depend_on_levels_or_chunks(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = NVAR(delays=3, stride=2, dtype=dtype, alpha=1e-4).fit(series())
    expected = model.forecast(40)
    for level in LEVELS:
        with simd_level(level):
            assert_same_bits(model.forecast(40), expected)
    monkeypatch.setattr("reservoirs.nvar._WORK_A_CALL", 1)
    assert_same_bits(model.forecast(40), expected)


@every_dtype
@every_setting
def test_streams_give_the_bits_of_transform(setting: dict[str, Any], dtype: str) -> None:
    u = ragged(1, longest=200)[0]
    fitted = network(**setting, dtype=dtype).fit(u)
    stream = fitted.stream()
    for _ in range(2):
        assert_same_bits(np.array([stream.step(row) for row in u]), fitted.transform(u))
        stream.reset()


@every_dtype
@pytest.mark.parametrize("feedback_scaling", [0.0, 0.5])
def test_streams_give_the_bits_of_predict(feedback_scaling: float, dtype: str) -> None:
    X = ragged(5)
    model = ESNRegressor(n_units=30, feedback_scaling=feedback_scaling, dtype=dtype, random_state=0, washout=0)
    model.fit(X, targets(X))
    for x in X:
        stream = model.stream()
        assert_same_bits(np.array([stream.step(row) for row in x]), model.predict(x))


@every_setting
def test_a_pickled_copy_gives_the_same_bits(setting: dict[str, Any]) -> None:
    X = ragged(7)
    fitted = network(**setting).fit(X)
    assert_same_bits(pickle.loads(pickle.dumps(fitted)).transform(X), fitted.transform(X))


# A change here means that models saved before predict differently: say so in CHANGELOG.md.
PINNED = {
    ("float32", "cycle"): "c0d20f117a8cbb2c",
    ("float32", "given"): "09813ac8a63aac97",
    ("float64", "cycle"): "1d1ac1e1c5644066",
    ("float64", "given"): "5e33302308e51f0b",
}


@pytest.mark.parametrize(("dtype", "topology"), PINNED)
def test_the_bits_are_those_of_earlier_versions(dtype: str, topology: str) -> None:
    # Nothing of LAPACK or the C library goes into these weights and inputs.
    i, j = np.ogrid[:40, :40]
    given = np.where((7 * i + 3 * j) % 11 == 0, ((i * j) % 17 - 8) / 32, 0)
    parameters = {"topology": given, "spectral_radius": None} if topology == "given" else {"topology": "cycle"}
    u = ((np.arange(600) * 37) % 101 / 50 - 1).reshape(300, 2)
    parameters |= {"n_units": 40, "leak_rate": 0.7, "input_scaling": 1.0, "bias_scaling": 0.2, "state_noise": 0.01}
    fitted = network(dtype=dtype, **parameters)
    assert hashlib.sha256(fitted.fit_transform(u).tobytes()).hexdigest()[:16] == PINNED[dtype, topology]


# The SIMD level.


def in_subprocess(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("level", LEVELS)
def test_the_environment_sets_the_first_level(level: str) -> None:
    done = in_subprocess("from reservoirs import _core; print(_core.simd_level())", RESERVOIRS_SIMD=level)
    assert (done.stdout.strip(), done.stderr) == (level, "")


def test_an_impossible_level_in_the_environment_fails_at_import() -> None:
    done = in_subprocess("import reservoirs", RESERVOIRS_SIMD="avx1024")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert "RESERVOIRS_SIMD='avx1024': this SIMD level is not available here; available: base" in last


def test_an_unknown_level_is_refused() -> None:
    before = _core.simd_level()
    with pytest.raises(ValueError, match="name='sse': this SIMD level is not available here; available: base"):
        _core.set_simd_level("sse")
    assert _core.simd_level() == before


# Ctrl-C, and threads of Python's own.


def interrupt_latency(call: Callable[[], Any], after: float = 0.3) -> float:
    """Press Ctrl-C during a call; return the seconds until it was honoured."""
    pressed = []

    def press() -> None:
        pressed.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(after, press)
    # A shell starts what it runs in the background with the signal ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        while True:  # a fast machine may finish the first call before
            call()
    except KeyboardInterrupt:
        return time.perf_counter() - pressed[0]
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, handler)


# Some seconds of work each. 64 threads have nothing to do on one sequence, and may not make the calls longer.
LONG = np.zeros((100_000, 1))
CALLS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "transform": (network(n_units=500, connectivity=1.0), lambda model: model.transform(LONG)),
    "transform with noise": (network(n_units=600, state_noise=0.1), lambda model: model.fit_transform(LONG)),
    "fit": (ESNRegressor(n_units=1500, alpha=1.0, random_state=0), lambda model: model.fit(LONG, LONG[:, 0])),
    "predict": (ESNRegressor(n_units=400, connectivity=1.0, random_state=0), lambda model: model.predict(LONG)),
    "warm-up": (
        ESNForecaster(n_units=400, connectivity=1.0, random_state=0),
        lambda model: model.forecast(1, warmup=LONG[:, 0]),
    ),
    "forecast": (
        ESNForecaster(n_units=400, connectivity=1.0, random_state=0),
        lambda model: model.forecast(10 * len(LONG)),
    ),
    "nvar": (NVAR(delays=20, alpha=1.0), lambda model: model.forecast(10 * len(LONG))),
}


@pytest.mark.filterwarnings("ignore:the forecast diverged")
@pytest.mark.parametrize("n_jobs", [1, 64])
@pytest.mark.parametrize("call", CALLS)
def test_interrupts_are_honoured_within_half_a_second(call: str, n_jobs: int) -> None:
    model, run = CALLS[call]
    model = clone(model)
    if hasattr(model, "n_jobs"):
        model.set_params(n_jobs=n_jobs)
    y = series(200)[:, 0]
    model.fit(*([y] if hasattr(model, "forecast") else [y[:, None], y]))
    before = pickle.dumps(model)
    assert interrupt_latency(lambda: run(model)) < 0.5
    assert pickle.dumps(model) == before
    model.predict(y[:, None]) if hasattr(model, "predict") else model.transform(y[:, None])


@every_dtype
def test_threads_may_share_a_fitted_model(dtype: str) -> None:
    X = [ragged(40, seed) for seed in range(8)]
    model = ESNRegressor(n_units=60, dtype=dtype, random_state=0, n_jobs=2, washout=0).fit(X[0], targets(X[0]))
    forecaster = ESNForecaster(n_units=60, dtype=dtype, random_state=0, n_jobs=2).fit(series())
    expected = [model.predict(x) for x in X]
    forecast = forecaster.forecast(200)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            rows = pool.map(model.predict, X)
            forecasts = pool.map(forecaster.forecast, [200] * 8)
            assert_same_bits(list(rows), expected)
            assert_same_bits(list(forecasts), [forecast] * 8)
