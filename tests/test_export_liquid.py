"""Exported liquids give the core's bits: every potential of every unit, every spike, what is read of them."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_same_bits
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from test_export import COMPILERS, VARIANTS, WARNINGS, compiled, flags_of

from reservoirs import LiquidStateMachine, LSMClassifier, LSMRegressor, _core
from reservoirs.encoding import DeltaEncoder, Events, LatencyEncoder, PopulationEncoder, RateEncoder
from reservoirs.export import CSource, to_c
from reservoirs.export._encoding import _spiking, encoding_of
from reservoirs.export._host import compile_shared
from reservoirs.export._self_test import ordered_score
from reservoirs.lsm import (
    LIF,
    AdaptiveLIF,
    AstrocyteSTDP,
    DeltaSynapse,
    ExponentialSynapse,
    Izhikevich,
    TsodyksMarkram,
)
from reservoirs.topology import Column

pytestmark = pytest.mark.skipif(not COMPILERS, reason="needs a C compiler: gcc or clang")
N_INPUTS, N_STEPS = 20, 10_000


@cache
def events(n_steps: int = N_STEPS) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of 20 inputs, busy and quiet in turn."""
    rng = np.random.default_rng(0)
    odds = 0.12 * (1 + np.sin(np.arange(n_steps) / 50))[:, None]
    steps, channels = np.nonzero(rng.uniform(size=(n_steps, N_INPUTS)) < odds)
    return steps.astype(np.int32), channels.astype(np.int32)


def recordings(n: int = 12) -> list[Events]:
    """Samples of 20 channels and 60 to 70 ms."""
    rng = np.random.default_rng(1)
    return [
        Events.from_arrays(
            rng.integers(0, (60 + i % 10) * 1000, 300),
            rng.integers(0, N_INPUTS, 300),
            shape=(N_INPUTS,),
            duration=(60 + i % 10) * 1000,
        )
        for i in range(n)
    ]


LABELS = ["on */ off", "b", "c"] * 4
NUMBERS = np.random.default_rng(2).normal(size=(200, 2)).cumsum(axis=0).astype(np.float32)


def small(kind: Any = LiquidStateMachine, **parameters: Any) -> Any:
    given = {"topology": Column((3, 3, 4)), "input_weight": 6.0, "random_state": 0, "n_jobs": 1}
    return kind(**given | parameters)


# A liquid of every kind. Those that take spikes were fitted with 20 inputs.
LIQUIDS: dict[str, Callable[[], Any]] = {
    "nalsm": lambda: small().fit(recordings()),
    "delta": lambda: small(synapse=DeltaSynapse(), neuron=LIF(reset="soft", v_min=-1.0), input_refractory=False).fit(
        recordings()
    ),
    "double": lambda: small(preset="zhang-2015", topology=Column((3, 3, 4)), input_density=0.2).fit(recordings()),
    "delays": lambda: small(
        preset="maass-2002", topology=Column((3, 3, 4)), short_term=False, input_weight=stats.gamma(2.0, scale=20.0)
    ).fit(recordings()),
    "adaptive": lambda: small(
        neuron=AdaptiveLIF(tau_mem=stats.uniform(20, 20)),
        synapse=ExponentialSynapse(stats.uniform(4, 4), "additive"),
        features="traces",
    ).fit(recordings()),
    "narrow": lambda: small(weight=stats.gamma(2.0), weight_dtype="int8", features=("potentials", "counts")).fit(
        recordings()
    ),
    "long refractory": lambda: small(neuron=LIF(refractory=300.0), normalize="l1").fit(recordings()),
    "large": lambda: small(topology=Column((7, 7, 6)), features=("counts", "traces")).fit(recordings()),
    "float64": lambda: small(dtype="float64").fit(recordings()),
}


@cache
def liquid(name: str) -> Any:
    return LIQUIDS[name]()


@cache
def exported(name: str, style: str = "single-header") -> CSource:
    return to_c(liquid(name), "m", style=style)


RUN = """
void run(const int32_t *steps, const uint16_t *channels, size_t n_spikes, size_t n_steps, float *v, uint8_t *fired)
{
    static m_state s;
    size_t t, i, first = 0, last = 0;
    m_init(&s);
    for (t = 0; t < n_steps; ++t) {
        for (first = last; last < n_spikes && (size_t)steps[last] == t; ++last) {}
        m_step(&s, channels + first, last - first);
        for (i = 0; i < M_UNITS; ++i) v[t * M_UNITS + i] = s.v[i];
        for (i = 0; i < s.n_fired; ++i) fired[t * M_UNITS + s.fired[i]] = 1;
    }
}
"""


def run_c(code: CSource, n_steps: int, compiler: str = COMPILERS[0] if COMPILERS else "", *flags: str) -> Any:
    """Return the potentials after every step, and who fired in it."""
    main = code.driver() + RUN
    library = compile_shared(code.files | {"main.c": main}, "main.c", [compiler], [*WARNINGS, *flags])
    steps, channels = events()
    n, n_units = int(np.searchsorted(steps, n_steps)), code.reference.W_.shape[0]
    channels = channels.astype(np.uint16)
    v, fired = np.zeros((n_steps, n_units), np.float32), np.zeros((n_steps, n_units), np.uint8)
    sizes = [ctypes.c_size_t(n), ctypes.c_size_t(n_steps)]
    library.run(
        *(ctypes.c_void_p(a.ctypes.data) for a in (steps, channels)),
        *sizes,
        *(ctypes.c_void_p(a.ctypes.data) for a in (v, fired)),
    )
    return v, fired


@cache
def run_core(name: str) -> Any:
    network, n_units = exported(name).reference._network_, liquid(name).W_.shape[0]
    units = list(range(n_units))
    batch = _core.LiquidBatch32(network, 1, recorded=units, watched=units)
    steps, channels = events()
    batch.begin_events([N_STEPS], np.array([0, len(steps)]), steps, channels)
    batch.advance(N_STEPS)
    fired = np.zeros((N_STEPS, n_units), np.uint8)
    _, at, of = batch.spikes()
    fired[at, of] = 1
    return batch.watched()[0], fired


@pytest.mark.parametrize("name", LIQUIDS)
def test_ten_thousand_steps_give_the_bits_of_the_core(name: str) -> None:
    (v, fired), (expected_v, expected_fired) = run_c(exported(name), N_STEPS, COMPILERS[0], "-O2"), run_core(name)
    assert exported(name).self_test() == 0
    # It is no test if nothing happens.
    assert 0.0005 < expected_fired.mean() < 0.5
    assert_same_bits(fired, expected_fired)
    assert_same_bits(v, expected_v)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flags", [*VARIANTS, "-O0", "-O1", "-O3"])
@pytest.mark.parametrize("name", ["nalsm", "double", "narrow"])
def test_every_compiler_gives_the_bits_of_the_core(name: str, flags: str, compiler: str) -> None:
    options = [flags] if flags.startswith("-") else ["-O2", *flags_of(flags, compiler)]
    v, fired = run_c(exported(name), 1000, compiler, *options)
    assert_same_bits(fired, run_core(name)[1][:1000])
    assert_same_bits(v, run_core(name)[0][:1000])


# What is read.


@pytest.mark.parametrize("name", ["nalsm", "adaptive", "narrow", "long refractory", "large"])
def test_features(name: str) -> None:
    assert_same_bits(exported(name).transform(recordings()), liquid(name).transform(recordings()))


def test_features_of_rows_of_numbers() -> None:
    fitted = small(features=("counts", "traces"), per_row=True, row_duration=3.0, input_density=0.3).fit([NUMBERS])
    code = to_c(fitted, "m")
    assert code.self_test() == 0
    series = [NUMBERS[:50], NUMBERS[50:]]
    expected = fitted.transform(series)
    assert max(each.max() for each in expected) > 1
    assert_same_bits(code.transform(series), expected)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("readout", ["ridge", "logistic"])
def test_classes(readout: str, n_classes: int) -> None:
    labels = [LABELS[i % n_classes] for i in range(12)]
    fitted = small(LSMClassifier, readout=readout, features=("counts", "potentials")).fit(recordings(), labels)
    code = to_c(fitted, "m")
    assert code.self_test() == 0
    assert code.predict(recordings()).tolist() == fitted.predict(recordings()).tolist()
    vectors = fitted._vectors(recordings())
    coef, intercept = code._parts.coef, code._parts.intercept
    exact = np.array([[ordered_score(x, *row) for row in zip(coef, intercept, strict=True)] for x in vectors])
    scores = code.decision_function(recordings())
    assert_same_bits(scores.reshape(exact.shape), exact.astype(np.float32))
    # Ridge regression is added up in double in Python too, logistic regression in float32.
    tolerance = 1e-6 if readout == "ridge" else 1e-4
    np.testing.assert_allclose(fitted.decision_function(recordings()), scores, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("encoder", [RateEncoder(duration=80.0), LatencyEncoder(duration=40.0)])
def test_classes_of_encoded_rows(encoder: Any) -> None:
    X = np.random.default_rng(0).uniform(0, 1, (12, N_INPUTS))
    fitted = small(LSMClassifier, encoder=encoder).fit(X, LABELS)
    code = to_c(fitted, "m")
    assert code.predict(X).tolist() == fitted.predict(X).tolist()
    assert ("m_push" in code.header) == isinstance(encoder, LatencyEncoder)  # random spikes: no


@pytest.mark.parametrize("encoder", [None, DeltaEncoder(threshold=0.5, row_duration=2.0)])
def test_numbers_of_time_steps(encoder: Any) -> None:
    fitted = small(
        LSMRegressor, target="step", encoder=encoder, row_duration=2.0, features=("traces", "counts"), input_density=0.5
    ).fit(NUMBERS, NUMBERS)
    code = to_c(fitted, "m")
    assert code.self_test() == 0
    predicted = fitted.predict(NUMBERS)
    np.testing.assert_allclose(code.predict(NUMBERS), predicted, rtol=1e-6, atol=1e-6 * np.abs(predicted).max())


ENCODERS: dict[str, Any] = {
    "latency": LatencyEncoder(duration=40.0),
    "log latency": LatencyEncoder(duration=25.5, form="log", threshold=0.05),
    "delta": DeltaEncoder(threshold=[0.3, 0.7], row_duration=5.0),
    "few deltas": DeltaEncoder(threshold=0.1, row_duration=2.0, max_events=3),
    "population": PopulationEncoder(n_fields=5, row_duration=10.0),
    "population of all": PopulationEncoder(n_fields=4, beta=0.5, threshold=0.0, row_duration=3.0),
}


def encoded(name: str, **parameters: Any) -> tuple[Any, Any]:
    """Return a fitted liquid and what it was fitted to: rows or sequences."""
    static = isinstance(ENCODERS[name], LatencyEncoder)
    X = np.abs(NUMBERS)[::4] if static else [NUMBERS[:60], NUMBERS[60:200]]
    parts = {"encoder": ENCODERS[name], "input_weight": 20.0, "input_density": 0.5, "features": ("counts", "traces")}
    return small(**parts | parameters).fit(X), X


@pytest.mark.parametrize(("variant", "of"), [("integer doubles", 0), ("sanitized", -1), ("contracted", 0)])
@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_give_python_s_spikes(name: str, variant: str, of: int) -> None:
    (fitted, X), compiler = encoded(name), COMPILERS[of]
    code = compiled(to_c(fitted, "m"), compiler, "-O2", *flags_of(variant, compiler))
    assert code.self_test() == 0
    features = code.transform(X)
    assert features[:, : fitted.W_.shape[0]].sum() > 100
    assert_same_bits(features, code.reference.transform(X))


@pytest.mark.parametrize("name", ["delta", "population"])
def test_encoded_rows_are_read_one_by_one(name: str) -> None:
    fitted, X = encoded(name, per_row=True)
    for ours, theirs in zip(to_c(fitted, "m").transform(X), fitted.transform(X), strict=True):
        assert_same_bits(ours, theirs.astype(np.float32))


@pytest.mark.parametrize("name", ["latency", "log latency", "population", "population of all"])
def test_the_ends_of_intervals_are_exact(name: str) -> None:
    # The numbers at every end and their neighbours: Python's encoder and the intervals agree on all.
    fitted, _ = encoded(name)
    encoder, code = fitted.encoder_, encoding_of(fitted)
    assert code is not None
    assert code.least is not None
    least = np.broadcast_to(code.least, (code.n_steps, encoder.n_channels_))
    below = least * 0 + np.float32(np.inf) if code.below is None else code.below
    ends = np.unique(np.concatenate([least.ravel(), below.ravel()]))
    ends = np.concatenate([ends, *(np.nextafter(ends, np.float32(way)) for way in (np.inf, -np.inf))])
    ends = ends[np.isfinite(ends) & ((ends >= 0) | (code.below is not None))]
    X = np.repeat(ends[:, None], 2, axis=1)
    fields = np.repeat(X, encoder.n_channels_ // 2, axis=1)
    inside = (fields >= least[:, None]) & (fields < below[:, None])
    ours = np.where(inside.any(axis=0), inside.argmax(axis=0), code.n_steps)
    assert (ours == _spiking(encoder, X.astype(np.float64), code.n_steps, 1000)).all()
    assert len(np.unique(ours)) >= code.n_steps  # threshold=0.1 leaves the last step of ten without spikes


def test_a_sample_may_last_longer_than_its_spikes() -> None:
    fitted, X = encoded("latency", duration=60.0)
    assert_same_bits(to_c(fitted, "m").transform(X), fitted.transform(X).astype(np.float32))


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler((0, 3))])
@pytest.mark.parametrize("encoder", [None, DeltaEncoder(threshold=0.1, row_duration=2.0)])
def test_scalers_before_time_steps(scaler: Any, encoder: Any) -> None:
    X = (NUMBERS * 30 + 7).astype(np.float32)
    parts = {"target": "step", "row_duration": 2.0, "input_weight": 20.0, "input_density": 0.5}
    code = to_c(make_pipeline(scaler, small(LSMRegressor, encoder=encoder, **parts)).fit(X, NUMBERS), "m")
    predicted = code.reference.predict(X)
    assert np.ptp(predicted) > 1
    np.testing.assert_allclose(code.predict(X), predicted, rtol=1e-6, atol=1e-6 * np.abs(predicted).max())


def test_a_scaler_before_samples() -> None:
    X = (NUMBERS[:12] * 30 + 7).astype(np.float32)
    parts = {"encoder": LatencyEncoder(), "input_weight": 20.0, "input_density": 0.5, "features": ("counts", "traces")}
    code = to_c(make_pipeline(MinMaxScaler(clip=True), small(**parts)).fit(X), "m")
    assert_same_bits(code.transform(2 * X), code.reference.transform(2 * X))
    assert code.transform(X).sum() > 30


def test_scalers_that_cannot_be_exported() -> None:
    X = np.abs(NUMBERS[:12])
    with pytest.raises(ValueError, match=r"encoder=RateEncoder.* cannot be exported, and so the scalers before it"):
        to_c(make_pipeline(MinMaxScaler(), small(encoder=RateEncoder())).fit(X), "m")
    with pytest.raises(ValueError, match="X has 3 columns; expected 2"):
        to_c(encoded("latency")[0], "m").transform(np.ones((4, 3)))


def test_numbers_of_samples() -> None:
    y = np.linspace(0, 1, 12)
    fitted = small(LSMRegressor).fit(recordings(), y)
    code = to_c(fitted, "m")
    assert code.predict(recordings()).shape == (12,)
    np.testing.assert_allclose(code.predict(recordings()), fitted.predict(recordings()), rtol=1e-5, atol=1e-6)


# The text.


@pytest.mark.parametrize("name", LIQUIDS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_both_styles_compile_without_warnings(name: str, compiler: str, tmp_path: Path) -> None:
    for style in ("single-header", "c+h"):
        code = exported(name, style)
        assert all(line.isascii() and len(line) <= 130 for line in (code.header + code.source).splitlines())
        assert "name_" not in code.header + code.source
        assert "NAME_" not in code.header + code.source
        file = code.write(tmp_path / style)[-1]
        if style == "single-header":
            file = tmp_path / "main.c"
            file.write_text(f'#define M_IMPLEMENTATION\n#include "{tmp_path / style / "m.h"}"\n')
        subprocess.run([compiler, *WARNINGS, "-c", str(file), "-o", os.devnull], check=True)


@pytest.mark.parametrize("name", LIQUIDS)
def test_the_header_states_the_ram(name: str) -> None:
    stated = int(re.search(r"RAM +(\d+) bytes", str(exported(name)))[1])  # type: ignore[index]
    assert exported(name)._compiled.state_bytes == stated


@pytest.mark.parametrize("name", ["nalsm", "delays"])
def test_no_memory_is_touched_that_is_not_the_model_s(name: str, tmp_path: Path) -> None:
    code = exported(name)
    code.write(tmp_path)
    # Channels that do not exist are ignored.
    main = (
        f"{code.driver()}\nint main(void)\n{{\n    static m_state s;\n    const uint16_t wrong[] = {{20, 65535}};\n"
        "    if (m_self_test(&s)) return 1;\n    m_init(&s);\n    m_step(&s, wrong, 2);\n    return 0;\n}\n"
    )
    (tmp_path / "main.c").write_text(main)
    flags = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    built = subprocess.run([COMPILERS[0], *flags, "main.c", "-o", "main"], cwd=tmp_path, capture_output=True)
    if built.returncode:
        pytest.skip("the compiler has no sanitizers")
    assert subprocess.run([tmp_path / "main"]).returncode == 0


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_it_is_also_cpp(tmp_path: Path) -> None:
    header = exported("nalsm").write(tmp_path)[0]
    main = tmp_path / "main.cpp"
    main.write_text(
        f'#define M_IMPLEMENTATION\n#include "{header}"\nint main() {{ static m_state s; return m_self_test(&s); }}\n'
    )
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror"]
    subprocess.run(["g++", *flags, str(main), "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([tmp_path / "main"]).returncode == 0


def test_few_different_weights_take_a_byte_each() -> None:
    code = exported("large")
    assert len(np.unique(liquid("large").W_.data)) > 1
    assert "m_weight_levels" in code.header
    assert "static const uint8_t m_weight" in code.header
    assert "static const int8_t m_weight" in exported("narrow").header
    assert "static const float m_weight" in exported("delays").header


def test_the_self_test_notices_a_changed_weight() -> None:
    code = exported("delays")
    changed = re.sub(r"(m_input_weight\[\] M_FLASH = \{\n +)", r"\g<1>0.5f + ", code.header)
    assert changed != code.header
    library = compile_shared({"m.h": changed, "driver.c": code.driver()}, "driver.c")
    assert library.host_self_test((ctypes.c_uint64 * 10_000)()) > 0


def test_the_self_test_notices_another_encoder() -> None:
    code = to_c(encoded("delta")[0], "m")
    changed = re.sub(r"(#define M_MOST_SPIKES) \d+u", r"\g<1> 1u", code.header)
    assert changed != code.header
    library = compile_shared({"m.h": changed, "driver.c": code.driver()}, "driver.c")
    assert library.host_self_test((ctypes.c_uint64 * 10_000)()) == 42


# Errors.


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"neuron": Izhikevich()}, r"neuron=Izhikevich\(\) cannot be exported; only LIF and AdaptiveLIF can"),
        (
            {"short_term": TsodyksMarkram(), "synapse": ExponentialSynapse(kernel="additive")},
            "short-term plasticity cannot",
        ),
        ({"plasticity": AstrocyteSTDP(in_samples=True, n_snapshots=1)}, "acts within samples; only what stays fixed"),
        ({"features": ("counts", "latency")}, "features='latency' cannot be exported; only 'counts', 'traces', 'poten"),
        ({"n_bins": 2}, "read once, at the end: n_bins=1 and sample_times=1"),
        ({"features": "traces", "sample_times": [5.0]}, "read once, at the end: n_bins=1 and sample_times=1"),
    ],
)
def test_liquids_that_cannot_be_exported(parameters: dict[str, Any], message: str) -> None:
    fitted = small(**parameters).fit(recordings(2))
    with pytest.raises(ValueError, match=message):
        to_c(fitted, "m")


def test_wrong_use() -> None:
    with pytest.raises(
        ValueError, match=r"readout=RandomForestClassifier.* cannot be exported; only ridge and logistic"
    ):
        to_c(small(LSMClassifier, readout=RandomForestClassifier(2)).fit(recordings(), LABELS), "m")
    with pytest.raises(ValueError, match=r"dtype='int8' is for echo-state networks; a liquid"):
        to_c(liquid("nalsm"), "m", dtype="int8", refit=(recordings(),))
    with pytest.raises(Exception, match="not fitted"):
        to_c(small(), "m")
    code = exported("nalsm")
    for method in (code.predict, code.decision_function):
        with pytest.raises(ValueError, match=r"LiquidStateMachine has no \w+"):
            method(recordings())
    with pytest.raises(ValueError, match="LiquidStateMachine does not forecast"):
        code.forecast(1, warmup=[1.0])
    with pytest.raises(ValueError, match=r"X\[0\] has 3 channels, but"):
        code.transform([Events.from_arrays([1], [1], shape=(3,), duration=2000)])
