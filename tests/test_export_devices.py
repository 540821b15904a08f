"""Exported C on emulated microcontrollers: Cortex-M4F, M3 and M0 under qemu, an AVR under simavr. Python's bits on all.

These need Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm; gcc-avr, avr-libc and simavr. With
RESERVOIRS_DEVICE_STEPS=10000 they take minutes instead of seconds (`make test-devices`).
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from reservoirs import (
    NVAR,
    ESNClassifier,
    ESNForecaster,
    ESNRegressor,
    LiquidStateMachine,
    LSMClassifier,
    _core,
)
from reservoirs.encoding import DeltaEncoder, Events, PopulationEncoder
from reservoirs.export import CSource, to_c
from reservoirs.export._host import compile_shared
from reservoirs.streaming import NLMS, RLS
from reservoirs.topology import Column

DEVICES = pytest.importorskip("bench.firmware", reason="bench/ lies in the source tree only").DEVICES
STEPS = int(os.environ.get("RESERVOIRS_DEVICE_STEPS", "300"))
WARNINGS = ["-std=gnu99", "-Wall", "-Wextra", "-Wdouble-promotion", "-Wconversion", "-Werror"]


# Steps are as many times as slow as on a Cortex-M.
SLOWNESS = {"AVR": 20}

# What the program on the device, and that on this machine, do step by step.
LOOP = """
static uint32_t hash = 2166136261u, lcg = 1u;

/* Multiples of 2^-23 in [-1, 1): exact everywhere. */
static float next_input(void)
{
    lcg = lcg * 1664525u + 1013904223u;
    return (float)(int32_t)(lcg >> 8) * 1.1920928955078125e-7f - 1.0f;
}

static inline void add(float y)
{
    uint32_t bits, i;
    memcpy(&bits, &y, 4);
    for (i = 0; i < 4; ++i) hash = (hash ^ (bits >> (8 * i) & 255u)) * 16777619u;
}

static m_state state;
"""

PRINT = """
#include "board.h"

static void print(uint32_t value)
{
    char text[10];
    int i;
    for (i = 0; i < 8; ++i) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15u];
    text[8] = '\\n';
    text[9] = 0;
    board_print(text);
}
"""

MAIN = {
    "regressor": """
    uint32_t t, i;
    for (t = 0; t < STEPS; ++t) {
        float u[M_INPUTS], y[M_OUTPUTS];
        for (i = 0; i < M_INPUTS; ++i) u[i] = next_input();
        m_step(&state, u, y);
        for (i = 0; i < M_OUTPUTS; ++i) add(y[i]);
    }
""",
    "forecaster": """
    uint32_t t, i;
    for (t = 0; t < STEPS; ++t) {
        float now[M_OUTPUTS], y[M_OUTPUTS];
        for (i = 0; t > 0 && i < M_OUTPUTS; ++i) now[i] = next_input();
        m_step(&state, t > 0 ? now : NULL, y);
        for (i = 0; i < M_OUTPUTS; ++i) add(y[i]);
    }
""",
    "learner": """
    float y[M_OUTPUTS], now[M_OUTPUTS];
    uint32_t t, i;
    for (t = 0; t < STEPS; ++t) {
        m_step(&state, t > 0 ? now : NULL, y);
        for (i = 0; i < M_OUTPUTS; ++i) now[i] = 30.0f * next_input();
        add(m_anomaly(&state, now));
        add((float)m_learn(&state, now));
        for (i = 0; i < M_OUTPUTS; ++i) add(y[i]);
    }
    for (i = 0; i < M_FEATURES; ++i) add(state.coef[i]);
""",
    "classifier": """
    uint32_t t, i;
    float scores[M_SCORES];
    for (t = 0; t < STEPS; ++t) {
        float u[M_INPUTS];
        for (i = 0; i < M_INPUTS; ++i) u[i] = next_input();
        m_push(&state, u);
        if (t % 50 == 49) {
            (void)m_decide(&state, scores);
            for (i = 0; i < M_SCORES; ++i) add(scores[i]);
            m_init(&state);
        }
    }
""",
    "encoded": """
    uint32_t t, i;
    for (t = 0; t < STEPS; ++t) {
        float u[M_COLUMNS];
        for (i = 0; i < M_COLUMNS; ++i) u[i] = next_input();
        m_push(&state, u);
        for (i = 0; i < M_UNITS; ++i) add(state.v[i]);
    }
""",
    "liquid": """
    uint32_t t, i;
    for (t = 0; t < STEPS; ++t) {
        uint16_t channels[M_INPUTS];
        size_t n = 0;
        for (i = 0; i < M_INPUTS; ++i) {
            if (next_input() > 0.6f) channels[n++] = (uint16_t)i;
        }
        m_step(&state, channels, n);
        for (i = 0; i < M_UNITS; ++i) add(state.v[i]);
    }
    {
        float scores[M_SCORES];
        (void)m_decide(&state, scores);
        for (i = 0; i < M_SCORES; ++i) add(scores[i]);
    }
""",
}


def series() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (400, 1)).astype(np.float32)


def regressor(**parameters: Any) -> Any:
    u = series()
    return ESNRegressor(random_state=0, leak_rate=0.7, **parameters).fit(u, np.roll(u[:, 0], 2) * u[:, 0])


def gestures() -> tuple[list[np.ndarray], list[int]]:
    return [series()[i : i + 40] * (1 + i % 3) for i in range(90)], [i % 3 for i in range(90)]


def classifier() -> Any:
    return ESNClassifier(n_units=12, pooling="both", random_state=0).fit(*gestures())


def liquid() -> Any:
    rng = np.random.default_rng(0)
    spikes = [(np.sort(rng.integers(0, 50_000, 60)), rng.integers(0, 8, 60)) for _ in range(12)]
    events = [Events.from_arrays(t, channels, shape=(8,), duration=50_000) for t, channels in spikes]
    parts = {"topology": Column((2, 2, 4)), "input_weight": 8.0, "features": ("counts", "traces")}
    return LSMClassifier(random_state=0, **parts).fit(events, [i % 3 for i in range(12)])


def encoded(encoder: Any) -> Any:
    parts = {"topology": Column((2, 2, 4)), "input_weight": 20.0, "input_density": 0.5}
    return make_pipeline(StandardScaler(), LiquidStateMachine(random_state=0, encoder=encoder, **parts)).fit(series())


# Small enough for the 2 KB of the AVR, but for the one whose name says so.
MODELS: dict[str, Callable[[], Any]] = {
    "large": lambda: regressor(n_units=100),
    "small": lambda: regressor(n_units=8, connectivity=3),
    "regressor": lambda: regressor(n_units=24),
    "sigmoid": lambda: regressor(n_units=12, activation="sigmoid", n_layers=2, features="states+input+squares"),
    "forecaster": lambda: ESNForecaster(n_units=20, random_state=0).fit(series() * 30 + 7),
    "NVAR": lambda: NVAR(delays=3, order=3, alpha=1e-3).fit(series()),
    "scaled": lambda: make_pipeline(StandardScaler(), MinMaxScaler(), ESNRegressor(n_units=12, random_state=0)).fit(
        series(), series()[:, 0]
    ),
    "classifier": classifier,
    "liquid": liquid,
    "delta": lambda: encoded(DeltaEncoder(threshold=0.1, row_duration=3.0)),
    "population": lambda: encoded(PopulationEncoder(n_fields=4)),
    "NLMS": lambda: ESNForecaster(n_units=12, random_state=0).fit(series() * 30 + 7),
    "RLS": lambda: ESNForecaster(n_units=12, random_state=0).fit(series() * 30 + 7),
    "int16": lambda: regressor(n_units=24, features="states+input+squares"),
    "int16 classifier": classifier,
    "int8": lambda: ESNForecaster(n_units=20, random_state=0, activation="sigmoid").fit(series() * 30 + 7),
}


LEARNERS = {"NLMS": NLMS(0.5), "RLS": RLS(0.99, alpha=0.1)}


@cache
def exported(name: str) -> CSource:
    if name in LEARNERS:
        return to_c(MODELS[name](), "m", learner=LEARNERS[name], anomaly=0.99)
    if name == "int16":
        u = series()
        return to_c(MODELS[name](), "m", dtype="int16", refit=(u, np.roll(u[:, 0], 2) * u[:, 0]))
    if name == "int16 classifier":
        return to_c(MODELS[name](), "m", dtype="int16", refit=gestures())
    if name == "int8":
        return to_c(MODELS[name](), "m", dtype="int8", refit=(series() * 30 + 7,))
    return to_c(MODELS[name](), "m")


def next_inputs(n: int) -> np.ndarray:
    state, rows = 1, np.empty((n, 1), np.float32)
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        rows[i] = (state >> 8) * 2.0**-23 - 1
    return rows


def expected_hash(code: CSource, steps: int) -> str:
    if kind_of(code) == "liquid":
        return hashed(*of_liquid(code, steps))
    if kind_of(code) in ("learner", "encoded"):
        return hash_of_host(code, steps)
    u = next_inputs(steps)
    if code._parts.kind == "classifier":
        outputs = code.decision_function([u[i : i + 50] for i in range(0, steps - 49, 50)])
    else:
        # What integers compute, the host computes too, and its bits are those of the twin in NumPy.
        outputs = (code if code._fixed else code.reference).predict(u)
    return hashed(outputs)


def kind_of(code: CSource) -> str:
    if "m_learn" in code.header:
        return "learner"
    return "encoded" if "M_COLUMNS" in code.header else getattr(code._parts, "kind", "liquid")


def hash_of_host(code: CSource, steps: int) -> str:
    """Return the hash of the same loop on this machine, whose bits other tests hold to the core's."""
    text = (
        f"{code.driver()}#define STEPS {steps}u\n{LOOP}\nuint32_t host_hash(void)\n{{\n    m_init(&state);\n"
        f"    {{{MAIN[kind_of(code)]}    }}\n    return hash;\n}}\n"
    )
    library = compile_shared(code.files | {"main.c": text}, "main.c")
    library.host_hash.restype = ctypes.c_uint32
    return f"{library.host_hash():08x}"


def of_liquid(code: CSource, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the potentials after every step, from the core, and the scores at the end."""
    model = code.reference
    n_units, n_inputs = model.W_in_.shape
    spikes = next_inputs(steps * n_inputs).reshape(steps, n_inputs) > np.float32(0.6)
    step, channel = (each.astype(np.int32) for each in np.nonzero(spikes))
    batch = _core.LiquidBatch32(model._network_, 1, watched=list(range(n_units)))
    batch.begin_events([steps], np.array([0, len(step)]), step, channel)
    batch.advance(steps)
    times = step.astype(np.int64) * 1000 + 500
    events = Events.from_arrays(times, channel, shape=(n_inputs,), duration=steps * 1000)
    return batch.watched()[0], code.decision_function([events])


def hashed(*outputs: np.ndarray) -> str:
    value = 2166136261
    for byte in b"".join(np.asarray(each, np.float32).tobytes() for each in outputs):
        value = (value ^ byte) * 16777619 % 2**32
    return f"{value:08x}"


def build(device: Any, code: CSource, folder: Path, level: str, steps: int) -> Path:
    code.write(folder)
    main = MAIN[kind_of(code)]
    text = (
        f'#define M_IMPLEMENTATION\n#include "m.h"\n#define STEPS {steps}u\n{PRINT}{LOOP}\nint main(void)\n{{\n'
        f"    print((uint32_t)m_self_test(&state));\n    m_init(&state);\n    {{{main}    }}\n"
        "    print(hash);\n    board_end();\n    return 0;\n}\n"
    )
    return device.build(folder, text, *WARNINGS, level)


def run(device: Any, program: Path) -> list[str]:
    return re.findall(r"[0-9a-f]{8}(?=\.?\n)", device.run(program))[-2:]


def needs(device: Any) -> None:
    if device.missing:
        pytest.skip(f"needs {', '.join(device.missing)}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", MODELS)
def test_a_microcontroller_computes_python_s_bits(name: str, device: str, tmp_path: Path) -> None:
    chip = DEVICES[device]
    needs(chip)
    if (name, device) == ("large", "AVR"):
        pytest.skip("too large for 2 KB of RAM")
    # The smallest model goes all the way everywhere.
    steps = STEPS if name == "small" else max(50, STEPS // SLOWNESS.get(device, 1))
    program = build(chip, exported(name), tmp_path, "-O2", steps)
    assert run(chip, program) == ["00000000", expected_hash(exported(name), steps)]


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
@pytest.mark.parametrize("device", ["M4F", "M0"])
def test_every_optimisation_does(level: str, device: str, tmp_path: Path) -> None:
    chip = DEVICES[device]
    needs(chip)
    program = build(chip, exported("forecaster"), tmp_path, level, 100)
    assert run(chip, program) == ["00000000", expected_hash(exported("forecaster"), 100)]


@pytest.mark.parametrize("device", ["M4F", "M0"])
@pytest.mark.parametrize("name", MODELS)
def test_the_header_states_enough_stack_and_flash(name: str, device: str, tmp_path: Path) -> None:
    chip = DEVICES[device]
    needs(chip)
    stated = re.search(r"Stack +at most (\d+) bytes", str(exported(name)))
    constants = re.search(r"Flash +(\d+) bytes", str(exported(name)))
    assert stated is not None
    assert constants is not None
    for level in ("-Os", "-O2"):
        exported(name).write(tmp_path)
        (tmp_path / "m.c").write_text('#define M_IMPLEMENTATION\n#include "m.h"\n')
        flags = [*WARNINGS, level, *chip.flags[: chip.flags.index("-nostartfiles")], "-fstack-usage"]
        subprocess.run([chip.compiler, *flags, "-c", "m.c"], check=True, cwd=tmp_path)
        # Every function once: no way down is deeper.
        frames = [int(line.split("\t")[1]) for line in (tmp_path / "m.su").read_text().splitlines()]
        assert sum(frames) <= int(stated[1])
        sizes = subprocess.run(["arm-none-eabi-size", "m.o"], check=True, cwd=tmp_path, capture_output=True, text=True)
        code = int(sizes.stdout.split()[6]) - int(constants[1])
        assert code <= 3 * 1024
