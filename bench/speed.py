"""Speed of what echo-state networks are made of, beside a plain NumPy/SciPy loop; bench.esn_speed has other libraries.

    python -m bench.speed [--quick] [--output FOLDER]

A figure is the median of several repetitions after a warm-up; the contenders of a
row take turns, so that a machine that speeds up or slows down does so for all of them. The loop is what one would write
by hand in float64: CSR weights, tanh, states written out. It runs on one core; so does ours for one sequence, whole and
in pieces (`time_parallel`), while 64 sequences, and one long one of which no states are kept, run on all cores. States
of up to 32 MB go to memory that the process has in hand; the long rows show what it costs when the system must clear
new pages.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg.blas import dsyrk
from sklearn.base import clone

from bench import results
from bench.esn_peers import plain_batch, plain_loop
from reservoirs import EchoStateNetwork, ESNRegressor, _core
from reservoirs.readout import DECADES, Gram
from reservoirs.sequences import Sequences
from reservoirs.topology import EITopology

Task = Callable[[], object]
TARGETS = {
    ("N=100, one sequence of 20000 steps", "float64"): 20.0,
    ("N=100, one sequence of 20000 steps", "float32"): 20.0,
    ("N=1000, one sequence of 4000 steps", "float64"): 4.5,
    ("N=1000, one sequence of 4000 steps", "float32"): 8.0,
    ("N=1000, one sequence of 20000 steps", "float64"): 4.5,
    ("N=1000, one sequence of 20000 steps", "float32, in pieces"): 8.0,
    ("N=1000, 64 sequences of 50 steps", "float64"): 10.0,
    ("N=1000, 64 sequences of 50 steps", "float32"): 20.0,
    ("N=1000, one sequence of 100000 steps in pieces, no states kept", "float64"): 12.0,
    ("N=1000, one sequence of 100000 steps in pieces, no states kept", "float32"): 25.0,
    ("fit of N=500, T=100000, float64", "whole fit"): 1 / 1.3,
    ("fit of N=500, T=100000, float32", "whole fit"): 1 / 1.3,
    ("fit of N=1000, T=100000, float64", "whole fit"): 1 / 1.3,
    ("fit of N=1000, T=100000, float32", "whole fit"): 1 / 1.3,
    ("N=500, 50 inputs a unit, excitatory and inhibitory, float64", "inhibition learns"): 0.5,
    ("N=500, 50 inputs a unit, excitatory and inhibitory, float32", "inhibition learns"): 0.5,
}


def take_turns(tasks: dict[str, Task], repetitions: int, rest: float = 0.0) -> dict[str, list[float]]:
    """Return the seconds of every repetition of every task, run in turn after one warm-up, each after a rest."""
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repetitions):
        for name, task in tasks.items():
            time.sleep(rest)
            begin = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def networks(n_units: int, n_jobs: int, leak_rate: float = 0.3) -> tuple[dict[str, EchoStateNetwork], tuple[Any, ...]]:
    """Return our network in both precisions, and its arrays."""
    ours = {
        dtype: EchoStateNetwork(
            n_units, connectivity=10, leak_rate=leak_rate, dtype=dtype, n_jobs=n_jobs, random_state=0
        ).fit(np.zeros((2, 1)))
        for dtype in ("float64", "float32")
    }
    reference = ours["float64"]
    return ours, (sparse.csr_array(reference.W_), reference.W_in_, reference.bias_, leak_rate)


def harvest_row(n_units: int, n_sequences: int, n_steps: int, repetitions: int) -> dict[str, Any]:
    """Time harvesting states; return sequence-steps a second of every contender."""
    ours, arrays = networks(n_units, 1 if n_sequences == 1 else -1)
    rng = np.random.default_rng(0)
    u = rng.uniform(-1, 1, (n_sequences, n_steps, 1))
    tasks: dict[str, Task] = {"NumPy/SciPy loop": lambda: [plain_loop(*arrays, one) for one in u[:1]]}
    # The loop's time grows with the number of sequences exactly: one of them is enough to know it.
    counts = {"NumPy/SciPy loop": n_steps}
    if n_sequences > 1:
        tasks["NumPy/SciPy batch"] = lambda: plain_batch(*arrays, u)
    for dtype, network in ours.items():
        inputs = [np.ascontiguousarray(one, dtype) for one in u] if n_sequences > 1 else u[0].astype(dtype)
        tasks[f"reservoirs {dtype}"] = lambda network=network, inputs=inputs: network.transform(inputs)
        if n_sequences == 1:
            cut = clone(network).set_params(time_parallel="auto").fit(u[0])
            tasks[f"reservoirs {dtype}, in pieces"] = lambda network=cut, inputs=inputs: network.transform(inputs)
    seconds = take_turns(tasks, repetitions)
    rates = {name: [counts.get(name, n_steps * n_sequences) / s for s in of_name] for name, of_name in seconds.items()}
    what = "one sequence" if n_sequences == 1 else f"{n_sequences} sequences"
    return {"row": f"N={n_units}, {what} of {n_steps} steps", "unit": "steps/s", "rates": rates}


def long_row(n_units: int, n_steps: int, repetitions: int) -> dict[str, Any]:
    """Time harvesting one long sequence block by block, as a fit does, whole and in pieces; no states are kept."""
    ours, arrays = networks(n_units, -1, leak_rate=1.0)
    u = np.random.default_rng(0).uniform(-1, 1, (n_steps, 1))
    part = u[: n_steps // 10]  # the loop's time grows with the number of steps exactly
    tasks: dict[str, Task] = {"NumPy/SciPy loop": lambda: plain_loop(*arrays, part)}
    for dtype, network in ours.items():
        inputs, harvester = Sequences(u.astype(dtype), np.array([0, n_steps]), "single"), network._harvester()
        for how, tolerance in ((" whole", 0.0), ("", 64 * float(np.finfo(dtype).eps))):

            def harvest(harvester: Any = harvester, inputs: Any = inputs, tolerance: float = tolerance) -> None:
                for _ in harvester.blocks(inputs, tolerance=tolerance):
                    pass

            tasks[f"reservoirs {dtype}{how}"] = harvest
    seconds = take_turns(tasks, repetitions)
    n = {"NumPy/SciPy loop": len(part)}
    rates = {name: [n.get(name, n_steps) / s for s in of_name] for name, of_name in seconds.items()}
    what = f"N={n_units}, one sequence of {n_steps} steps in pieces, no states kept"
    return {"row": what, "unit": "steps/s", "rates": rates}


def inhibition_row(n_units: int, n_steps: int, repetitions: int, dtype: str) -> dict[str, Any]:
    """Time a network of excitatory and inhibitory units, with fixed weights and with inhibition that learns."""
    u = np.random.default_rng(0).uniform(0, 1, (n_steps, 1)).astype(dtype)
    esn = EchoStateNetwork(n_units, topology=EITopology(), input_scaling=0.05, dtype=dtype, random_state=0).fit(u)
    network, whole = esn._compiled(esn.W_), np.array([[0, n_steps, n_steps, 0]])
    learner_of = _core.InhibitionLearner32 if dtype == "float32" else _core.InhibitionLearner64
    learner = learner_of(network, np.full(n_units, 0.5, dtype), 0.01)
    tasks: dict[str, Task] = {
        "weights fixed": lambda: network.harvest(u, whole, np.zeros((1, n_units), dtype)),
        "inhibition learns": lambda: learner.run(u),
    }
    rates = {name: [n_steps / s for s in seconds] for name, seconds in take_turns(tasks, repetitions).items()}
    what = f"N={n_units}, 50 inputs a unit, excitatory and inhibitory, {dtype}"
    return {"row": what, "unit": "steps/s", "rates": rates, "reference": "weights fixed"}


def fit_row(n_units: int, n_steps: int, repetitions: int, dtype: str) -> dict[str, Any]:
    """Time a fit, and each of the two parts that it cannot do without by itself: harvesting, and the Gram matrix."""
    u = np.random.default_rng(0).uniform(-1, 1, (n_steps, 1)).astype(dtype)
    y = np.roll(u, 1)
    model = ESNRegressor(n_units, alpha=1e-6, dtype=dtype, random_state=0).fit(u, y)
    harvester, inputs = model._harvester(), Sequences(u, np.array([0, n_steps]), "single")
    block = np.random.default_rng(0).standard_normal((min(2048, n_steps), n_units + 1))
    sums = np.zeros((n_units + 1, n_units + 1), order="F")

    def harvest() -> None:
        for _ in harvester.blocks(inputs, tolerance=64 * float(np.finfo(dtype).eps)):
            pass

    def syrk() -> None:
        for begin in range(0, n_steps, len(block)):
            dsyrk(1.0, block[: n_steps - begin].T, beta=1.0, c=sums, lower=1, overwrite_c=1)

    gram, rows, outputs = Gram(), block[:, :-1].astype(dtype), block[:, -1:]

    def products() -> None:
        for begin in range(0, n_steps, len(block)):
            gram.update(rows[: n_steps - begin], outputs[: n_steps - begin])

    by_validation = clone(model).set_params(alpha=DECADES)
    tasks: dict[str, Task] = {
        "harvest alone": harvest,
        "dsyrk alone": syrk,
        "our sums alone": products,
        "drawing alone": lambda: model._fresh()._draw(1, 0, np.dtype(dtype)),
        "whole fit": lambda: model.fit(u, y),
        "whole fit, one of 11 penalties": lambda: by_validation.fit(u, y),
    }
    # The threads of BLAS spin for a tenth of a second after a product, and would take processors from whoever is next.
    seconds = take_turns(tasks, repetitions, rest=0.3)
    rates = {name: [n_steps / s for s in of_task] for name, of_task in seconds.items()}
    slower = min(("harvest alone", "dsyrk alone"), key=lambda name: float(np.median(rates[name])))
    row = f"fit of N={n_units}, T={n_steps}, {dtype}"
    return {"row": row, "unit": "steps/s", "rates": rates, "reference": slower}


def step_row(n_units: int, n_steps: int, repetitions: int) -> dict[str, Any]:
    """Time one step from Python, state kept, above the same step inside the core."""
    ours, _ = networks(n_units, 1)
    network = ours["float64"]
    u = np.random.default_rng(0).uniform(-1, 1, (n_steps, 1))
    stream = network.stream()
    rows = list(u)

    def steps() -> None:
        step = stream.step
        for row in rows:
            step(row)

    seconds = take_turns({"step": steps, "whole": lambda: network.transform(u)}, repetitions)
    us = {name: [s / n_steps * 1e6 for s in of_name] for name, of_name in seconds.items()}
    above = [a - b for a, b in zip(us["step"], us["whole"], strict=True)]
    return {"row": f"N={n_units}, one step", "unit": "us", "rates": {**us, "step above whole": above}}


FIT = """
import sys, time, numpy as np
from bench.esn_peers import peak
from reservoirs import ESNRegressor
T, N = int(sys.argv[1]), int(sys.argv[2])
u = np.random.default_rng(0).uniform(-1, 1, (T, 1))
y = np.roll(u, 1)
before = peak()
begin = time.perf_counter()
ESNRegressor(N, alpha=1e-6, random_state=0).fit(u, y)
print(time.perf_counter() - begin, peak() - before)
"""


def fit_memory(n_steps: int, n_units: int) -> dict[str, float]:
    """Return the seconds of a fit and its peak memory above the input, measured in a process of its own."""
    command = [sys.executable, "-c", FIT, str(n_steps), str(n_units)]
    seconds, peak = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    return {"seconds": seconds, "MB above the input": peak}


def report(result: dict[str, Any], targets: dict[tuple[str, str], float]) -> None:
    """Print the table of one row: median, spread, ratio to the loop, and what it should be."""
    print(f"\n## {result['row']} ({result['unit']})\n")
    rates = result["rates"]
    reference = result.get("reference", "NumPy/SciPy loop")
    loop = np.median(rates[reference]) if reference in rates else None
    print(f"| | median | lowest | highest | to {reference} | wanted |")
    print("|---|---|---|---|---|---|")
    for name, values in rates.items():
        middle = float(np.median(values))
        ratio = f"{middle / loop:.2g} x" if loop else ""
        wanted = targets.get((result["row"], name.removeprefix("reservoirs ")))
        mark = (
            "" if wanted is None or loop is None else f">= {wanted:g} {'met' if middle / loop >= wanted else 'MISSED'}"
        )
        digits = ",.0f" if middle > 100 else ".3g"
        print(f"| {name} | {middle:{digits}} | {min(values):{digits}} | {max(values):{digits}} | {ratio} | {mark} |")


def rows(repetitions: int, scale: int) -> Iterator[dict[str, Any]]:
    """Yield the rows, with numbers of steps divided by the scale."""
    for n_units, n_sequences, n_steps in (
        (100, 1, 20000),
        (1000, 1, 4000),
        (1000, 1, 20000),
        (100, 64, 500),
        (1000, 64, 50),
        (1000, 64, 500),
    ):
        yield harvest_row(n_units, n_sequences, n_steps // scale, repetitions)
    yield long_row(1000, 100_000 // scale, repetitions)
    for n_units in (100, 1000):
        yield step_row(n_units, 20000 // scale, repetitions)
    for n_units, n_steps in ((500, 100_000), (1000, 100_000)):
        for dtype in ("float64", "float32"):
            yield fit_row(n_units, n_steps // scale, repetitions, dtype)
    for dtype in ("float64", "float32"):
        yield inhibition_row(500, 10_000 // scale, repetitions, dtype)


def main(argv: list[str] | None = None) -> None:
    """Run the rows and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions, scale = (3, 50) if options.quick else (7, 1)
    with results.kept("speed", options, f"{repetitions} repetitions") as figures:
        figures["results"] = []
        for row in rows(repetitions, scale):
            report(row, {} if options.quick else TARGETS)
            figures["results"].append(row)
        n_steps, n_units = (2000, 50) if options.quick else (100_000, 1000)
        memory = figures["fit"] = fit_memory(n_steps, n_units)
        print(f"\n## fit of T={n_steps} x N={n_units}, ridge, once\n")
        peak = f"peak {memory['MB above the input']:.0f} MB above the input"
        print(f"{memory['seconds']:.2f} s; {peak} (wanted: under 200)")


if __name__ == "__main__":
    main()
