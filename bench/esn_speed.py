"""Echo-state networks side by side in one run: ours, loops by hand (SciPy, Numba), and other libraries.

    python -m bench.esn_speed [--quick] [--peers-python PATH] [--only WORD ...] [--output FOLDER]

With --only, rows that were left in the output folder before stay there: a run may be made in pieces. Each row tells
when it was measured, and how many processes wanted a processor then.

Harvests of one and of 64 sequences, with 10 links a unit, a tenth of all and all; fits, closed loops, single steps, and
the memory of a fit. Every row is printed, won or lost. Everyone gets the same W, W_in, bias and leak rate; the column
"states" tells how far its states are from ours in float64 (the larger distance of a sequence in a batch and alone).
rclib takes no weights and shows no states: it draws a network of the same size and harvests by `predict`.

Contenders are processes (bench/esn_peers.py) that take turns. A run has as many steps as take a contender about 0.05
s, and comes right after another of the same; figures are rates, medians of several runs after a warm-up (where a run
takes seconds, of fewer). Threads are everyone's default; ours shares the steps of one sequence where they are large.
The ratio of a row is that of medians, in brackets the lowest and highest of the rounds; float32 is held against the
best peer of any precision, float64 against the best in float64.
At 10,000 units with all links, contenders run one after another: their weights would not fit side by side.

What binds ours is the longest of what it cannot do without (`bench.roofline`, measured after the row): arithmetic,
loads of weights or of states from scattered places, all but the links (inputs, tanh, leak), and writing the states, at
the speed of loads; of a fit also the multiply-adds of its Gram matrix. The share is that time in parts of ours, and
"at the limit" is how many times the best peer ours would be if it took no longer: where this is less than we want, no
better loop would bring it. Of a single step the share is what the core takes: the rest is the call from Python.

Peers live in an environment of their own, so that nobody's pins matter to us:

    make build/esn_peers/.installed
    python -m bench.esn_speed --peers-python build/esn_peers/bin/python

Without it, ours runs beside the SciPy loop alone.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bench import esn_peers, results, roofline
from reservoirs import EchoStateNetwork

SCRIPT = Path(esn_peers.__file__)
HERE = ("reservoirs", "reservoirs, in pieces", "SciPy loop")  # in this interpreter
LEAK = 0.3
AIMS = {"float32": 10.0, "float64": 5.0}
SHARED = 1 << 14  # multiply-adds of a step, from which on threads share it: network.cpp
N_SEQUENCES = 64
SECONDS = 0.05  # of a run
REST = 0.1  # before it: threads of the contender before may look for work for a while, and take processors
PATIENCE = 2.0  # of a contender's timed runs in a row; the first is made whatever it takes
TOO_LONG = 10.0  # for a warm-up: it is then the only run
LIMIT, LIMIT_OF_LOADS = 60.0, 240.0  # seconds for an answer
STATES = 8_000_000  # numbers at most that a harvest returns
OF_MEMORY = "memory of a fit, 10 a unit"


class FailedError(Exception):
    """A contender cannot do a row."""


class Running:
    """A contender's process.

    Parameters
    ----------
    name : str
        Of `esn_peers.CONTENDERS`.
    dtype : str
    python : str
    """

    def __init__(self, name: str, dtype: str, python: str) -> None:
        self.name, self.dtype = name, dtype
        self._command = [sys.executable if name in HERE else python, str(SCRIPT), name]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, task: str, *arguments: Any) -> Any:
        """Return the answer to a task."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps([task, *arguments]), file=self._process.stdin, flush=True)
        limit = LIMIT_OF_LOADS if task == "load" else LIMIT
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            line = self._process.stdout.readline() if ready.select(limit) else None
        if not line:
            self.close()
            raise FailedError("its process ended" if line == "" else f"no answer in {limit:.0f} s")
        answer = json.loads(line)
        if "error" in answer:
            raise FailedError(answer["error"])
        return answer["answer"]

    @property
    def alive(self) -> bool:
        """Whether there is a process, with the network that it was given last."""
        return self._process is not None

    def close(self) -> None:
        """End the process; the next task starts a new one."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


@dataclass
class Row:
    """What is timed, and what came out."""

    task: str
    n_units: int
    links: str
    n_sequences: int = 1
    most_steps: int = 0
    fixed: bool = False
    rates: dict[str, list[float]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    apart: dict[str, float | None] = field(default_factory=dict)
    bound: dict[str, tuple[str, float]] = field(default_factory=dict)
    measured: str = ""

    @property
    def what(self) -> str:
        """The task in words."""
        return f"{self.task} {self.n_sequences} sequences" if self.n_sequences > 1 else self.task

    @property
    def name(self) -> str:
        """The row's heading."""
        return f"{self.what}, N={self.n_units}, {self.links}"

    def has(self, one: Running) -> bool:
        """Return whether a contender is one of this row."""
        return one.name != "reservoirs, in pieces" or (self.task == "harvest" and self.n_sequences == 1)

    def run(self, one: Running, steps: int) -> float:
        """Return the seconds of one run."""
        time.sleep(REST)
        return float(one.ask(self.task, *([self.n_sequences] if self.task == "harvest" else []), steps))

    def warm_up(self, one: Running, links: int) -> float:
        """Choose steps for a run of about the wanted length; return the seconds of the last run."""
        each = self.n_sequences * (1e-9 * links + 5e-9 * self.n_units) + 1e-5
        steps = self.most_steps if self.fixed else int(np.clip(SECONDS / each, 2, self.most_steps))
        self.steps[label(one)] = steps
        seconds = self.run(one, steps)  # some compile here
        if seconds < TOO_LONG and not self.fixed:
            seconds = self.run(one, steps)
            better = int(np.clip(steps * min(20, SECONDS / seconds), 2, self.most_steps))
            if not 0.3 < better / steps < 3:
                self.steps[label(one)], seconds = better, self.run(one, better)
        return seconds

    def measure(self, contenders: list[Running], links: int, repetitions: int) -> None:
        """Let contenders take turns after a warm-up."""
        contenders = [one for one in contenders if self.has(one)]
        seconds: dict[str, list[float]] = {label(one): [] for one in contenders}
        for one in contenders:
            try:
                first = self.warm_up(one, links)
            except FailedError as error:
                self.failed[label(one)] = str(error)
                continue
            if first > TOO_LONG:
                seconds[label(one)] = [first]
        for turn in range(repetitions):
            # Nobody always comes after the same contender.
            for one in np.roll(contenders, -turn):
                name = label(one)
                if name not in self.failed and sum(seconds[name]) < PATIENCE:
                    try:
                        seconds[name].append(self.run(one, self.steps[name]))
                    except FailedError as error:
                        self.failed[name] = str(error)
        self.rates |= {
            name: [self.n_sequences * self.steps[name] / s for s in of] for name, of in seconds.items() if of
        }

    def best_peer(self, dtypes: tuple[str, ...]) -> str | None:
        """Return the peer with the best median."""
        peers = {
            name: float(np.median(rates))
            for name, rates in self.rates.items()
            if not name.startswith("reservoirs") and name.endswith(dtypes)
        }
        return max(peers, key=lambda name: peers[name]) if peers else None

    def ratio(self, ours: str, peer: str) -> list[float]:
        """Return ours over the peer: of medians, lowest and highest of rounds."""
        a, b = self.rates[ours], self.rates[peer]
        rounds = [x / y for x, y in zip(a, b, strict=False)]
        return [float(np.median(a) / np.median(b)), min(rounds), max(rounds)]


def bound(row: Row, links: int, machine: roofline.Machine, dtype: str) -> tuple[str, float]:
    """Return what ours cannot do without and takes longest for, and the share of its time."""
    bits, median = int(dtype[-2:]), float(np.median(row.rates[f"reservoirs, {dtype}"]))
    lanes = N_SEQUENCES if row.task == "fit" else row.n_sequences  # a fit cuts its sequence into pieces
    n = row.n_units
    # Threads share the steps of one sequence where these are large.
    shared = lanes > 1 or (row.task != "step" and links + 9 * n >= SHARED)
    n_threads = (os.cpu_count() or 1) if shared else 1
    form = "dense" if row.links == "dense" else "random"
    times = machine.limits(n, links, dtype, lanes, n_threads, form)
    n_steps = max(20, 2_000_000 // (n * lanes))
    times["all but links"] = roofline.steps(roofline.unlinked(n, dtype), n_steps, lanes, n_threads)
    limits = {name: float(np.median([seconds() for _ in range(3)])) / lanes for name, seconds in times.items()}
    if row.task == "harvest":
        of_states = bits // 8 * n * lanes * row.steps[f"reservoirs, {dtype}"]
        limits["writing states"] = bits // 8 * n / machine.rate("loads", of_states, n_threads=n_threads)
    if row.task == "fit":
        limits["multiply-adds of the Gram matrix"] = (
            n * (n + 1) / 2 / machine.rate("multiply_adds64", n_threads=n_threads)
        )
    what = max(limits, key=lambda name: limits[name])
    return ("the call from Python; the core" if row.task == "step" else what), limits[what] * median


def label(one: Running) -> str:
    """Return how a contender is called in tables."""
    return f"{one.name}, {one.dtype}"


def draw(n_units: int, links: str, folder: Path) -> int:
    """Write a network of spectral radius about 0.9 to a folder; return its number of links."""
    rng = np.random.default_rng(n_units)
    density = {"10 a unit": min(1.0, 10 / n_units), "10 %": 0.1, "dense": 1.0}[links]
    for old in folder.iterdir():
        old.unlink()
    # By the circular law: the variance of uniform weights is a third.
    bound = 0.9 * np.sqrt(3 / (density * n_units))
    W: Any
    if links == "dense":
        W = rng.uniform(-bound, bound, (n_units, n_units))
        np.save(folder / "W.npy", W)
    else:
        n_links = round(density * n_units)
        columns = [np.sort(rng.choice(n_units, n_links, replace=False, shuffle=False)) for _ in range(n_units)]
        weights = rng.uniform(-bound, bound, n_units * n_links)
        W = sparse.csr_array(
            (weights, np.concatenate(columns), np.arange(n_units + 1) * n_links), shape=(n_units, n_units)
        )
        sparse.save_npz(folder / "W.npz", W, compressed=False)
    # W_in and bias are drawn from the seed alone: those that ours will have whatever its W is.
    tiny = sparse.eye_array(n_units, format="csr")
    drawn = EchoStateNetwork(topology=tiny, spectral_radius=None, input_scaling=1.0, bias_scaling=1.0, random_state=0)
    drawn.fit(np.zeros((2, 1)))
    np.savez(folder / "rest.npz", W_in=drawn.W_in_, bias=drawn.bias_, leak=LEAK)
    return W.nnz if links != "dense" else n_units**2


def rows_of(n_units: int, links: str, most_steps: int) -> list[Row]:
    """Return the rows of a network; its fit comes first, because closed loops and steps need a fitted readout."""
    rows = []
    if links == "10 a unit" and n_units <= 3000:  # beyond, solving for the readout is all there is
        steps = min(most_steps, 10_000 if n_units <= 1000 else 5000)
        rows.append(Row("fit", n_units, links, most_steps=steps, fixed=True))
        rows += [Row(task, n_units, links, most_steps=most_steps) for task in ("generate", "step")]
    for n_sequences in (1, N_SEQUENCES):
        most = min(most_steps, max(8, STATES // (n_units * n_sequences)))
        rows.append(Row("harvest", n_units, links, n_sequences, most))
    return rows


def apart(one: Running, reference: np.ndarray | None, n_steps: int = 20) -> tuple[float | None, np.ndarray | None]:
    """Return how far the states of a contender are from the reference, and the states."""
    states = one.ask("last_state", n_steps)
    if states is None:
        return None, None
    states = np.array(states)
    return (0.0 if reference is None else float(np.abs(states - reference).max())), states


def loaded(contenders: list[Running], folder: Path, failed: dict[str, str]) -> Iterator[Running]:
    """Give a network to contenders, one by one."""
    for one in contenders:
        try:
            one.ask("load", str(folder), one.dtype)
            yield one
        except FailedError as error:
            failed[label(one)] = str(error)


def measure_network(
    contenders: list[Running], n_units: int, links: str, folder: Path, machine: roofline.Machine | None, options: Any
) -> list[Row]:
    """Return the measured rows of one network."""
    most_steps = 200 if options.quick else 1_000_000
    rows = [row for row in rows_of(n_units, links, most_steps) if all(word in row.name for word in options.only)]
    if not rows:
        return []
    n_links = draw(n_units, links, folder)
    repetitions = 3 if options.quick else 5
    distances: dict[str, float | None] = {}
    failed: dict[str, str] = {}
    one_by_one = n_links > 20_000_000
    groups = [[one] for one in contenders] if one_by_one else [contenders]
    reference = None
    for group in groups:
        ready = list(loaded(group, folder, failed))
        for one in ready:
            with contextlib.suppress(FailedError):
                distances[label(one)], states = apart(one, reference)
                reference = states if reference is None else reference
        for row in rows:
            print(f"{row.name} ...", file=sys.stderr, flush=True)
            row.failed |= {label(one): "its process ended in a row before" for one in ready if not one.alive}
            row.measured = f"{datetime.datetime.now():%Y-%m-%d %H:%M}, load {results.load():.1f}"
            row.measure([one for one in ready if one.alive], n_links, repetitions)
        if one_by_one:
            group[0].close()
    for row in rows:
        row.failed |= failed
        row.apart = distances
        ours = [dtype for dtype in AIMS if f"reservoirs, {dtype}" in row.rates and machine]
        row.bound = {dtype: bound(row, n_links, machine, dtype) for dtype in ours}
    return rows


def measure_memory(contenders: list[Running], n_units: int, n_steps: int, folder: Path) -> dict[str, Any]:
    """Return the MB that each takes for a fit, in processes of their own."""
    draw(n_units, "10 a unit", folder)
    megabytes: dict[str, float | str] = {}
    for one in contenders:
        one.close()
        if one.name == "reservoirs, in pieces":
            continue  # a fit always cuts
        try:
            one.ask("load", str(folder), one.dtype)
            megabytes[label(one)] = one.ask("fit_memory", n_steps)
        except FailedError as error:
            megabytes[label(one)] = str(error)
        one.close()
    return {"row": f"memory of a fit, N={n_units}, 10 a unit, {n_steps} steps", "MB": megabytes}


def figure(task: str, rate: float) -> str:
    """Return a rate as a cell: steps a second, of single steps microseconds."""
    return f"{1e6 / rate:,.3g} us" if task == "step" else (f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}")


def report(row: Row) -> None:
    """Print everyone's figures in one row."""
    print(f"\n### {row.name}\n\nMeasured {row.measured}.\n")
    print("| | median | lowest | highest | runs x steps | states | ours float32 to it | ours float64 to it |")
    print("|---|---|---|---|---|---|---|---|")
    for name, rates in row.rates.items():
        distance = row.apart.get(name)
        cells = [name, *(figure(row.task, value) for value in (np.median(rates), min(rates), max(rates)))]
        cells += [f"{len(rates)} x {row.steps[name]}", "own network" if distance is None else f"{distance:.0e}"]
        for dtype in ("float32", "float64"):
            ours = f"reservoirs, {dtype}"
            cells.append(f"{row.ratio(ours, name)[0]:.2g} x" if ours in row.rates else "")
        print(f"| {' | '.join(cells)} |")
    for name, reason in row.failed.items():
        print(f"\n{name}: {reason}")
    sys.stdout.flush()


def summary(rows: list[Row]) -> None:
    """Print each row's best peer beside ours."""
    print("\n## Ours and the best peer\n")
    header = [cell for dtype in AIMS for cell in (f"ours, {dtype}", "best peer", "times as fast", "bound by")]
    print(f"| | {' | '.join(header)} |\n|---|{'---|' * len(header)}")
    for row in rows:
        cells = [row.name]
        for dtype, of in (("float32", ("float32", "float64")), ("float64", ("float64",))):
            ours, peer = f"reservoirs, {dtype}", row.best_peer(of)
            cells.append(figure(row.task, float(np.median(row.rates[ours]))) if ours in row.rates else "failed")
            if peer is None or ours not in row.rates:
                cells += ["none", "", ""]
                continue
            middle, low, high = row.ratio(ours, peer)
            cells.append(f"{figure(row.task, float(np.median(row.rates[peer])))} ({peer})")
            mark = "" if middle >= AIMS[dtype] else f" MISSED {AIMS[dtype]:g}"
            cells.append(f"{middle:.2g} ({low:.2g} to {high:.2g}){mark}")
            what, share = row.bound.get(dtype, ("", 0.0))
            cells.append(f"{what} {share:.0%}; {middle / share:.2g} at the limit" if share else "")
        print(f"| {' | '.join(cells)} |")


def versions(contenders: dict[str, dict[str, str]]) -> str:
    """Return what the contenders are made of."""
    of = {package: version for found in contenders.values() for package, version in found.items()}
    return "Contenders: " + ", ".join(f"{package} {version}" for package, version in of.items())


def overview(rows: list[Row]) -> None:
    """Print everyone's medians, a table for each task: contenders by size."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.what, row.links), []).append(row)
    print("\n## Medians; the best peer in bold")
    for (what, links), of in groups.items():
        print(f"\n### {what}, {links} ({'a step' if of[0].task == 'step' else 'steps/s'})\n")
        print(f"| | {' | '.join(f'N={row.n_units}' for row in of)} |\n|---|{'---|' * len(of)}")
        names = dict.fromkeys(name for row in of for name in [*row.rates, *row.failed])
        best = [row.best_peer(("float32", "float64")) for row in of]
        for name in names:
            cells = [figure(row.task, float(np.median(row.rates[name]))) if name in row.rates else "-" for row in of]
            cells = [f"**{cell}**" if name == first else cell for cell, first in zip(cells, best, strict=True)]
            print(f"| {name} | {' | '.join(cells)} |")


def left_before(options: Any) -> tuple[dict[str, Row], Any]:
    """Return the rows that a run in pieces has left so far, by name, and what it knows of memory."""
    left = options.output and options.output / "esn_speed.json"
    if not options.only or not left or not left.exists():
        return {}, None
    figures = json.loads(left.read_text())
    names = [of.name for of in fields(Row)]
    rows = [Row(**{name: row[name] for name in names}) for row in figures["rows"]]
    return {row.name: row for row in rows}, figures["memory"]


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the tables."""
    parser = results.parser(__doc__)
    parser.add_argument("--peers-python", metavar="PATH", help="interpreter that has the other libraries")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="rows whose name has all of these")
    options = parser.parse_args(argv)
    sizes = (30,) if options.quick else (100, 300, 1000, 3000, 10_000)
    before, memory = left_before(options)
    contenders = [
        Running(name, dtype, options.peers_python)
        for name, (_, dtypes) in esn_peers.CONTENDERS.items()
        for dtype in dtypes
        if options.peers_python or name in HERE
    ]
    with contextlib.ExitStack() as stack:
        figures = stack.enter_context(results.kept("esn_speed", options, "5 repetitions, fewer where they take long"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for one in contenders:
            stack.callback(one.close)
        figures["contenders"] = {}
        for one in list(contenders):
            try:
                figures["contenders"][one.name] = one.ask("versions")
            except FailedError as error:
                contenders.remove(one)
                print(f"\n{label(one)} is left out: {error}")
                one.close()
        print(f"\n{versions(figures['contenders'])}.")
        notes = {one.name: esn_peers.CONTENDERS[one.name][0].note for one in contenders}
        print("".join(f"\n{name}: {note}.\n" for name, note in notes.items() if note), end="")
        compiled = stack.enter_context(tempfile.TemporaryDirectory())
        compiler = shutil.which(os.environ.get("CXX", "g++"))
        machine = roofline.Machine(compiled, 0.002 if options.quick else 0.1) if compiler else None
        begin, rows = time.perf_counter(), []
        for links in ("10 a unit", "10 %", "dense"):
            for n_units in sizes:
                if links != "10 %" or n_units > 100:  # of 100 units, a tenth is 10
                    measured = measure_network(contenders, n_units, links, folder, machine, options)
                    known = before | {row.name: row for row in measured}
                    names = [row.name for row in rows_of(n_units, links, 0)]
                    for name in names:
                        if name in known:
                            rows.append(known[name])
                            report(known[name])
        summary(rows)
        overview(rows)
        figures["rows"] = [vars(row) | {"name": row.name} for row in rows]
        figures["seconds"] = time.perf_counter() - begin
        figures["memory"] = memory
        if all(word in OF_MEMORY for word in options.only):
            of_memory = (contenders[:1], 30, 200) if options.quick else (contenders, 1000, 10_000)
            figures["memory"] = measure_memory(*of_memory, folder)
        if figures["memory"]:
            print(f"\n## {figures['memory']['row']}, MB above what there was before\n\n| | MB |\n|---|---|")
            for name, value in figures["memory"]["MB"].items():
                print(f"| {name} | {value if isinstance(value, str) else f'{value:,.0f}'} |")


if __name__ == "__main__":
    main()
