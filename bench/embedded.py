"""What exported models cost on microcontrollers, beside emlearn's: flash, RAM and instructions a step, under qemu.

    python -m bench.embedded [--quick] [--output FOLDER]

Needs the Debian packages that `bench.firmware` names, and for emlearn's rows ``pip install .[embedded-peers]``; without
it they are left out. ``--quick`` takes one small network, one processor and fewer rows.

- Forecast: Mackey-Glass (tau 17, unit sampling), six steps ahead, from one value a step. 3000 steps to fit, 2900 to
  score, 100 of transient before; the error is the NRMSE. Networks of N units (leak rate .7, 10 links a unit, seed 0) in
  float32, int16 and int8. emlearn's models see the last 16 or 24 values, which a device has to keep; of a grid of
  perceptrons (one or two hidden layers of tanh) and of forests, the smallest whose error is at most that of the
  network in float32, or else the most accurate. They are chosen by the errors that are shown, which favours them.
- Exercises: seven shoulder exercises told by raw acceleration at the wrist (`load_watch`: x, y, z at 50 Hz, nothing
  else), in windows of 4 seconds. Three of ten persons are tested, picked before anything was tried: 1, 4 and 7. The
  firmware is fed every tested window as a sensor would feed it, and its classes are those that are scored.

- AVR: the forecast by 24 units, on an ATmega328P under simavr. RAM is without the stack there, and cycles of its clock
  stand for instructions.

Flash and RAM are what the model adds to a program without it: code, the compiler's arithmetic and constants; variables
and the deepest stack. Instructions are counted by qemu (-icount), as -O2 of the compiler at hand makes them.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPRegressor

from bench import results
from bench.firmware import DEVICES
from reservoirs import ESNClassifier, ESNRegressor
from reservoirs.datasets import load_watch, mackey_glass
from reservoirs.export import CSource, to_c
from reservoirs.export._host import compile_shared

AHEAD, N_TRAIN, TRANSIENT = 6, 3000, 100
LAGS = (16, 24)
HIDDEN = ((8,), (16,), (32,), (32, 32))  # of tanh, which did better than relu throughout
FORESTS = ((10, 20), (10, 5))  # trees, least rows of a leaf; many more do not fit into 256 KB
WINDOW, TESTED = 200, (1, 4, 7)
# Chosen by leaving each of the other seven persons out in turn, with 100 units.
GESTURES = {"leak_rate": 0.6, "input_scaling": 1.0, "features": "states+squares"}
DTYPES = ("float32", "int16", "int8")

PRINT = """
#include "board.h"
#include <string.h>

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
COMMON = (
    PRINT
    + """
static const uint32_t pattern = 0xA5C3A5C3u;
extern uint32_t bss_end[];

/* The clock has 24 bits. */
static uint32_t ticks_since(uint32_t begin) { return (board_ticks() - begin) & 0xFFFFFFu; }

/* A million rounds of two instructions: how many ticks they take. */
static uint32_t calibrate(void)
{
    uint32_t begin, n = 1000000u;
    (void)board_ticks();
    begin = board_ticks();
    __asm__ volatile(".syntax unified\\n1: subs %0, %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    return ticks_since(begin);
}

static void paint_stack(uint32_t *top)
{
    uint32_t *at;
    for (at = bss_end; at < top - 16; ++at) *at = pattern;
}

static uint32_t used_stack(const uint32_t *top)
{
    const uint32_t *at = bss_end;
    while (*at == pattern) ++at;
    return (uint32_t)(top - at) * 4u;
}
"""
)
FORECAST = """
int main(void)
{
    volatile uint32_t here = 0;
    uint32_t begin, t;
    static const float inputs[] = {%(inputs)s};
    print(calibrate());
    model_begin();
    paint_stack((uint32_t *)&here);
    begin = board_ticks();
    for (t = 0; t < sizeof inputs / sizeof inputs[0]; ++t) (void)model_step(inputs[t]);
    print(ticks_since(begin));
    print(used_stack((uint32_t *)&here));
    model_begin();
    for (t = 0; t < sizeof inputs / sizeof inputs[0]; ++t) {
        const float y = model_step(inputs[t]);
        uint32_t bits;
        memcpy(&bits, &y, 4);
        print(bits);
    }
    board_end();
    return (int)here;
}
"""
CLASSIFY = """
int main(void)
{
    volatile uint32_t here = 0;
    uint32_t ticks = 0, t = 0;
    float row[3];
    print(calibrate());
    model_begin();
    paint_stack((uint32_t *)&here);
    while (board_read(row, sizeof row)) {
        const uint32_t begin = board_ticks();
        model_push(row);
        ticks += ticks_since(begin);
        if (++t % %(window)d == 0) {
            print((uint32_t)model_decide());
            model_begin();
        }
    }
    print(ticks);
    print(used_stack((uint32_t *)&here));
    board_end();
    return (int)here;
}
"""
STEPS_OF_AVR = """
int main(void)
{
    volatile float y = 0.3f;
    uint32_t begin, t;
    model_begin();
    begin = board_ticks();
    for (t = 0; t < 20; ++t) y = model_step(y < 0.5f ? 0.9f : 0.3f);
    print(board_ticks() - begin);
    board_end();
    return 0;
}
"""
NOTHING = """
static void model_begin(void) {}
static float model_step(float u) { return u; }
"""
NO_CLASSES = """
static void model_begin(void) {}
static void model_push(const float *u) { (void)u; }
static int model_decide(void) { return 0; }
"""
CLASSIFIER = """
#define M_IMPLEMENTATION
#include "m.h"
static m_state state;
static void model_begin(void) { m_init(&state); }
static void model_push(const float *u) { m_push(&state, u); }
static int model_decide(void) { return m_decide(&state, NULL); }
"""
EXPORTED = """
#define M_IMPLEMENTATION
#include "m.h"
static m_state state;
static void model_begin(void) { m_init(&state); }
static float model_step(float u)
{
    float y[M_OUTPUTS];
    m_step(&state, &u, y);
    return y[0];
}
"""
LAGGED = """
#include "em.h"
static float past[%(lags)d];
static void model_begin(void) { memset(past, 0, sizeof past); }
static float model_step(float u)
{
    memmove(past + 1, past, sizeof past - sizeof past[0]);
    past[0] = (u - %(mean).9gf) * %(scale).9gf;
    return %(call)s;
}
"""


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    n_train: int = N_TRAIN
    units: tuple[int, ...] = (50, 100, 200)
    devices: tuple[str, ...] = ("M4F", "M3", "M0")
    gesture_units: int = 100
    quick: bool = False


QUICK = Size(n_train=500, units=(20,), devices=("M4F",), gesture_units=20, quick=True)


@dataclass(frozen=True)
class Cost:
    """What a model takes on a processor."""

    flash: int
    ram: int
    instructions: float


@dataclass(frozen=True)
class Row:
    """A model and what it takes.

    Attributes
    ----------
    task, model : str
    error : float
        NRMSE of a forecast; share of wrong classes.
    costs : dict
        Cost by processor.
    """

    task: str
    model: str
    error: float
    costs: dict[str, Cost]

    def __str__(self) -> str:
        """Return a line of the table."""
        costs = (
            f"{name}: {c.flash / 1024:5.1f} KB flash {c.ram / 1024:5.2f} KB RAM {c.instructions:9.0f} instr."
            for name, c in self.costs.items()
        )
        return f"{self.task:<12} {self.model:<34} error {self.error:.4f}  {'  '.join(costs)}"


@dataclass(frozen=True)
class Run:
    """A program on an emulated processor: its sizes, the instructions it took, its deepest stack, what it printed."""

    flash: int
    ram: int
    instructions: float
    stack: int
    printed: list[int]


def measure_forecast(device: str, model: str, files: dict[str, str], inputs: np.ndarray) -> tuple[Cost, np.ndarray]:
    """Run a model on a processor; return what it takes beside a program without it, and its outputs."""
    numbers = ", ".join(f"{float(value)!r}f" for value in inputs)
    main = FORECAST % {"inputs": numbers}
    without = _without(device, COMMON + NOTHING + main, n_first=2)
    run = _run(device, COMMON + model + main, files, n_first=2)
    if len(run.printed) != len(inputs):
        raise RuntimeError(f"{device} printed {len(run.printed)} outputs of {len(inputs)}")
    return _cost(run, without, len(inputs)), np.array(run.printed, np.uint32).view(np.float32)


def measure_classifier(device: str, code: CSource, windows: np.ndarray) -> tuple[Cost, np.ndarray]:
    """Feed windows (n, n_rows, 3) to a classifier on a processor; return what it takes, and the classes' numbers."""
    main, rows = CLASSIFY.replace("%(window)d", str(windows.shape[1])), windows.astype("<f4").tobytes()
    without = _without(device, COMMON + NO_CLASSES + main, rows, n_first=0)
    run = _run(device, COMMON + CLASSIFIER + main, code.files, rows, n_first=0)
    if len(run.printed) != len(windows):
        raise RuntimeError(f"{device} printed {len(run.printed)} classes of {len(windows)}")
    return _cost(run, without, windows.shape[0] * windows.shape[1]), np.array(run.printed)


def _cost(run: Run, without: Run, n_steps: int) -> Cost:
    flash, ram = run.flash - without.flash, run.ram - without.ram + run.stack - without.stack
    return Cost(flash, ram, (run.instructions - without.instructions) / n_steps)


@cache
def _without(device: str, main: str, fed: bytes = b"", *, n_first: int) -> Run:
    return _run(device, main, {}, fed, n_first=n_first)


def _run(device: str, main: str, files: dict[str, str], fed: bytes = b"", *, n_first: int) -> Run:
    """Build and run a program that prints its calibration and, first or last, its ticks and the depth of its stack."""
    chip = DEVICES[device]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        (folder / "input.bin").write_bytes(fed)
        program = chip.build(folder, main, "-std=gnu99", "-O2")
        words = [int(line, 16) for line in chip.run(program, "-icount", "shift=0").split()]
        flash, ram = chip.sizes(program)
    calibration, *words = words
    (ticks, stack), printed = (words[:2], words[2:]) if n_first else (words[-2:], words[:-2])
    return Run(flash, ram, ticks * 2e6 / calibration, stack, printed)


# The forecasts.


def forecasts(size: Size) -> Iterator[Row]:
    """Give our models, and emlearn's at equal error, for each number of units."""
    y = mackey_glass(size.n_train + 3000).astype(np.float32)
    u, true = y[:-AHEAD, None], y[AHEAD:]
    fit, test = (u[: size.n_train], true[: size.n_train]), true[size.n_train + TRANSIENT :]
    shown = u[size.n_train : size.n_train + 50, 0]
    rivals = list(_rivals(y, size)) if _emlearn() is not None else []
    for n_units in size.units:
        model = ESNRegressor(n_units=n_units, leak_rate=0.7, random_state=0).fit(*fit)
        errors = {}
        for dtype in DTYPES:
            code = to_c(model, "m", dtype=dtype, refit=None if dtype == "float32" else fit)
            errors[dtype] = nrmse(code.predict(u[size.n_train :])[TRANSIENT:], test)
            costs = {}
            for device in size.devices:
                costs[device], outputs = measure_forecast(device, EXPORTED, code.files, shown)
                if not np.array_equal(outputs, code.predict(shown[:, None])):
                    raise RuntimeError(f"the {device} computed other bits")
            yield Row("Mackey-Glass", f"{n_units} units, {dtype}", errors[dtype], costs)
        for kind in ("perceptron", "forest"):
            if of_kind := [rival for rival in rivals if rival.kind == kind]:
                equal = [rival for rival in of_kind if rival.error <= errors["float32"]]
                best = min(equal, key=lambda r: r.n_numbers) if equal else min(of_kind, key=lambda r: r.error)
                costs = {device: measure_forecast(device, best.glue, best.files, shown)[0] for device in size.devices}
                name = f"emlearn {best.name}{'' if equal else ' (its best)'}"
                yield Row("Mackey-Glass", name, best.error, costs)


@dataclass(frozen=True)
class Rival:
    """A model of emlearn's."""

    kind: str
    name: str
    error: float
    n_numbers: int
    glue: str
    files: dict[str, str]


def _emlearn() -> Any:
    try:
        import emlearn
    except ImportError:
        return None
    return emlearn


def _rivals(y: np.ndarray, size: Size) -> Iterator[Rival]:
    """Fit emlearn's models; score the C they become, compiled here."""
    for lags in LAGS:
        X = np.stack([y[lags - 1 - k : len(y) - AHEAD - k] for k in range(lags)], axis=1)
        true, n_train = y[lags - 1 + AHEAD :], size.n_train - lags + 1
        mean, scale = float(X[:n_train].mean()), 1 / float(X[:n_train].std())
        scaled = (X - np.float32(mean)) * np.float32(scale)
        for kind, name, model, call in _models(size):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(scaled[:n_train], true[:n_train])
            text = _converted(model)
            glue = LAGGED % {"lags": lags, "mean": mean, "scale": scale, "call": call % lags}
            first = size.n_train + TRANSIENT
            error = nrmse(_host(glue, text, y[:-AHEAD])[first:], y[first + AHEAD :])
            n_numbers = (
                sum(part.size for part in [*model.coefs_, *model.intercepts_])
                if kind == "perceptron"
                else sum(tree.tree_.node_count for tree in model.estimators_)
            )
            yield Rival(kind, f"{name}, {lags} values", error, n_numbers, glue, text)


def _models(size: Size) -> Iterator[tuple[str, str, Any, str]]:
    for hidden in HIDDEN if not size.quick else HIDDEN[1:2]:
        model = MLPRegressor(
            hidden_layer_sizes=hidden, activation="tanh", solver="lbfgs", max_iter=1000, random_state=0
        )
        yield "perceptron", f"perceptron {'-'.join(map(str, hidden))}", model, "em_regress1(past, %d)"
    for n_trees, least in FORESTS if not size.quick else FORESTS[:1]:
        forest = RandomForestRegressor(n_trees, min_samples_leaf=least, random_state=0)
        yield "forest", f"forest of {n_trees}", forest, "em_predict(past, %d)"


def _converted(model: Any) -> dict[str, str]:
    """Return the C that emlearn makes of a model, with the headers that it includes."""
    emlearn = _emlearn()
    # It leaves files behind where it is called.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "em.h"
        emlearn.convert(model, method="inline", dtype="float").save(file=str(path), name="em")
        text = path.read_text()
    headers = {header.name: header.read_text() for header in Path(emlearn.includedir).glob("eml_*.h")}
    own = re.compile(r"#include <(eml_\w+\.h)>")
    return {name: own.sub(r'#include "\1"', each) for name, each in ({"em.h": text} | headers).items()}


def _host(glue: str, files: dict[str, str], inputs: np.ndarray) -> np.ndarray:
    """Run a model on this machine."""
    loop = (
        "void run(const float *u, unsigned long n, float *y)\n{\n    unsigned long t;\n    model_begin();\n"
        "    for (t = 0; t < n; ++t) y[t] = model_step(u[t]);\n}\n"
    )
    main = f"#include <stdint.h>\n#include <string.h>\n{glue}{loop}"
    library = compile_shared(files | {"main.c": main}, "main.c", None, ["-std=gnu99", "-O2", "-lm"])
    u, y = np.ascontiguousarray(inputs, np.float32), np.empty(len(inputs), np.float32)
    library.run(ctypes.c_void_p(u.ctypes.data), ctypes.c_ulong(len(u)), ctypes.c_void_p(y.ctypes.data))
    return y


def nrmse(predicted: np.ndarray, true: np.ndarray) -> float:
    """Return the root mean square error over the standard deviation."""
    return float(np.sqrt(np.mean((predicted.astype(np.float64) - true) ** 2)) / true.std())


# The smallest.


def smallest(size: Size) -> Iterator[Row]:
    """Give a small network on an 8-bit processor."""
    chip = DEVICES["AVR"]
    if chip.missing:
        return
    y = mackey_glass(size.n_train + 3000).astype(np.float32)
    u, true = y[:-AHEAD, None], y[AHEAD:]
    fit, test = (u[: size.n_train], true[: size.n_train]), true[size.n_train + TRANSIENT :]
    model = ESNRegressor(n_units=24, leak_rate=0.7, random_state=0).fit(*fit)
    _, (flash, ram) = _run_avr(NOTHING, {})
    for dtype in DTYPES:
        code = to_c(model, "m", dtype=dtype, refit=None if dtype == "float32" else fit)
        error = nrmse(code.predict(u[size.n_train :])[TRANSIENT:], test)
        cycles, sizes = _run_avr(EXPORTED, code.files)
        yield Row("Mackey-Glass", f"24 units, {dtype}", error, {"AVR": Cost(sizes[0] - flash, sizes[1] - ram, cycles)})


def _run_avr(model: str, files: dict[str, str]) -> tuple[float, tuple[int, int]]:
    """Return the cycles of a step, and the bytes of the program in flash and RAM."""
    chip = DEVICES["AVR"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        program = chip.build(folder, f"{PRINT}{model}{STEPS_OF_AVR}", "-std=gnu99", "-O2")
        (ticks,) = re.findall(r"[0-9a-f]{8}(?=\.?\n)", chip.run(program))
        return int(ticks, 16) / 20, chip.sizes(program)


# The exercises.


def exercises(size: Size) -> Iterator[Row]:
    """Give the classifier in float64 on this machine, and its exports on the processor."""
    data = load_watch()
    X, y = _windows(data, tested=False, every=WINDOW // 2 if not size.quick else 2 * WINDOW)
    X_test, y_test = _windows(data, tested=True, every=WINDOW if not size.quick else 8 * WINDOW)
    model = ESNClassifier(**GESTURES, n_units=size.gesture_units, random_state=0).fit(X, y)
    yield Row("Exercises", f"{size.gesture_units} units, float64, in Python", 1 - model.score(X_test, y_test), {})
    for dtype in DTYPES:
        code = to_c(model, "m", dtype=dtype, refit=None if dtype == "float32" else (X, y))
        cost, classes = measure_classifier("M4F", code, X_test)
        if not np.array_equal(model.classes_[classes], code.predict(X_test)):
            raise RuntimeError("the M4F told other classes")
        wrong = float((model.classes_[classes] != y_test).mean())
        yield Row("Exercises", f"{size.gesture_units} units, {dtype}", wrong, {"M4F": cost})


def _windows(data: Any, *, tested: bool, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows of raw acceleration and the numbers of their exercises."""
    windows, labels = [], []
    for series, exercise, person in zip(data.data, data.target, data.subject, strict=True):
        if (person in TESTED) == tested:
            for begin in range(0, len(series) - WINDOW + 1, every):
                windows.append(series[begin : begin + WINDOW, :3])
                labels.append(exercise)
    return np.stack(windows), np.array(labels)


def main(arguments: Sequence[str] | None = None) -> None:
    options = results.parser(__doc__).parse_args(arguments)
    size = QUICK if options.quick else Size()
    if missing := {tool for device in size.devices for tool in DEVICES[device].missing}:
        print(f"# microcontrollers: left out, because {', '.join(sorted(missing))} is not installed")
        return
    with results.kept("embedded", options, "instructions counted once: they never vary", fenced=True) as figures:
        print("# what models take on microcontrollers" + ("" if _emlearn() else "; emlearn is not installed"))
        figures["rows"] = []
        for task in (forecasts, smallest, exercises):
            for row in task(size):
                print(row, flush=True)
                figures["rows"].append(asdict(row))


if __name__ == "__main__":
    main()
