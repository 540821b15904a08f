"""The neuron-astrocyte liquid of Ivanov and Michmizos (NeurIPS 2021), beside the authors' figures, and beyond it.

    python -m bench.papers.nalsm [--quick] [--data PATH] [--results FILE] [--only WORD ...] [--list | --report]

PATH is a folder with ``mnist/`` and ``nmnist_1k/`` (default: RESERVOIRS_DATA); Fashion-MNIST is that of Debian's
package. FILE gets a line of JSON for each network; networks it has already are not run again, so what was broken off
goes on where it was. `--only` keeps the runs whose name has all of the words, `--list` prints the names of the runs
instead, `--report` the tables of what FILE has; `--pictures FOLDER` draws them, and a liquid that settles.

Accuracies follow the authors' split: 50,000 images to learn from, the last 10,000 of the training file to choose by,
the test file for the figure. Readouts are ridge and logistic regression on standardised counts, their penalties chosen
on the validation part; theirs is another (a linear layer with soft targets, Adadelta). N-MNIST is simulated, 10,000
images to learn from and 5,000 each to choose by and to test; the 1,100 real recordings are a second test, and no image
of theirs is learned from. Branching factors are those of 20 training images, with weights plastic in samples.
Choices were made by accuracies on 5,000 images of the validation part, after learning from 5,000. `--quick` takes toy
images and proves nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.papers import _data, _report
from bench.papers._data import Split
from bench.papers._readout import READOUTS, learn, standardise
from bench.papers._results import Results
from reservoirs import LiquidStateMachine
from reservoirs.datasets import simulate_nmnist
from reservoirs.diagnostics import branching_factor, settling
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import APSTDP, STDP, AstrocyteSTDP
from reservoirs.topology import Column, ReceptiveFields

N_SEEDS = 3
W_ASTRO = {1000: 0.015, 8000: 0.0075}
AP_STDP = {"n-mnist": {"threshold": 10.0, "width": 2.5}}  # the class's own are the authors' for MNIST
N_EVENTS = (10_000, 5000, 5000)
N_CHOICE = (5000, 5000)
# Sizes of recurrent and of input weights of static liquids: the authors' best, and those that did best here.
GIVEN = {"mnist": (0.7, 0.7), "fashion-mnist": (0.7, 0.7), "n-mnist": (1.05, 1.05)}
TUNED = {"mnist": (0.3, 0.7), "fashion-mnist": (0.3, 0.7)}  # by choices on MNIST
GRID = tuple(product((0.3, 0.7, 1.2), (0.35, 0.7, 1.4)))

Settings = dict[str, Any]


def _static(weights: tuple[float, float]) -> Settings:
    return dict(zip(("weight", "input_weight"), weights, strict=True))


def _astrocyte(data: str, n_units: int, **rule: Any) -> Settings:
    return {"plasticity": AstrocyteSTDP(**{"w_astro": W_ASTRO[n_units]} | rule)}


def _fields(data: str, n_units: int, **settings: Any) -> Settings:
    side = round(n_units ** (1 / 3))
    currents = {"encoder": None, "normalize": None, "row_duration": 50.0}
    return {"preset": "receptive-fields-8000", "topology": Column((side,) * 3)} | currents | settings


def _spiking_fields(data: str, n_units: int, **settings: Any) -> Settings:
    # As much current on average as the numbers themselves would be.
    return _fields(data, n_units, encoder=RateEncoder(), input_weight=20.0, **settings)


MODELS: dict[str, Callable[[str, int], Settings]] = {
    "static": lambda data, n_units: _static(GIVEN[data]),
    "static, tuned": lambda data, n_units: _static(TUNED[data]),
    "STDP, frozen": lambda *run: {"plasticity": STDP()},
    "STDP, plastic in samples": lambda *run: {"plasticity": STDP(in_samples=True)},
    "AP-STDP": lambda *run: {"plasticity": APSTDP(**AP_STDP.get(run[0], {}))},
    "NALSM, frozen": _astrocyte,
    "NALSM, plastic in samples": lambda *run: _astrocyte(*run, in_samples=True),
    "NALSM, frozen, 50,000 snapshots": lambda *run: _astrocyte(*run, n_snapshots=50_000),
    # The authors' settings.
    "NALSM, plastic in samples, 50,000 snapshots": lambda *run: _astrocyte(*run, in_samples=True, n_snapshots=50_000),
    "NALSM, plastic in samples, w_astro 0.0075": lambda *run: _astrocyte(*run, in_samples=True, w_astro=0.0075),
    "NALSM, plastic in samples, w_astro 0.05": lambda *run: _astrocyte(*run, in_samples=True, w_astro=0.05),
    "NALSM, plastic in samples, w_astro 0.2": lambda *run: _astrocyte(*run, in_samples=True, w_astro=0.2),
    "receptive fields": _fields,
    "receptive fields, not recurrent": lambda *run: _fields(*run, weight=0.0),
    "receptive fields, random weights": lambda *run: _fields(*run, input_topology=ReceptiveFields(weights="normal")),
    "receptive fields, random spikes": _spiking_fields,
    "receptive fields, random spikes, astrocyte": lambda *run: _spiking_fields(*run, **_astrocyte(*run)),
}
CHOICES: dict[str, Callable[[str, int], Settings]] = {
    **{name: MODELS[name] for name in ("STDP, frozen", "AP-STDP", "NALSM, frozen", "NALSM, plastic in samples")},
    **{f"static, weights {w} and {v} of the input": lambda *run, each=(w, v): _static(each) for w, v in GRID},
    **{f"receptive fields, weights {w}": lambda *run, w=w: _fields(*run, weight=w) for w in (0.1, 1.0)},
    **{
        f"receptive fields of {a} to {b}": lambda *run, s=(a, b): _fields(*run, input_topology=ReceptiveFields(size=s))
        for a, b in ((3, 8), (28, 28))
    },
    **{model: settings for model, settings in MODELS.items() if "fields" in model},
    "receptive fields, random spikes, not recurrent": lambda *run: _spiking_fields(*run, weight=0.0),
}
_PLASTIC = [model for model in MODELS if "plastic" in model]
_FIELDS = [model for model in MODELS if "fields" in model]
# Which models are run on what.
PLAN = {
    ("branching", "mnist", 1000): ["static", *_PLASTIC],
    ("accuracy", "mnist", 1000): [model for model in MODELS if "w_astro" not in model and model not in _FIELDS],
    ("accuracy", "mnist", 8000): ["static", "NALSM, frozen", "NALSM, frozen, 50,000 snapshots", *_FIELDS],
    ("choice", "mnist", 1000): list(CHOICES),
    ("choice", "mnist", 8000): ["NALSM, frozen", *(model for model in CHOICES if model in _FIELDS)],
    ("accuracy", "n-mnist", 1000): [
        "static",
        "STDP, plastic in samples",
        "AP-STDP",
        "NALSM, frozen",
        "NALSM, plastic in samples",
    ],
}
PLAN |= {(figure, "fashion-mnist", n): PLAN[figure, data, n] for figure, data, n in PLAN if data == "mnist"}


@dataclass(frozen=True)
class Run:
    """One network and what is measured of it."""

    figure: str
    data: str
    n_units: int
    model: str
    seed: int

    def __str__(self) -> str:
        """Return the name."""
        return f"{self.figure}: {self.data}, {self.n_units} neurons, {self.model}, seed {self.seed}"


def runs() -> Iterator[Run]:
    """Yield all runs."""
    for seed in range(N_SEEDS):
        for (figure, data, n_units), models in PLAN.items():
            for model in models if seed == 0 or figure != "choice" else ():
                yield Run(figure, data, n_units, model, seed)


@dataclass(frozen=True)
class Lab:
    """Where the data are, and whether they are toys."""

    folder: Path | None = None
    quick: bool = False

    def images(self, name: str) -> Split:
        """Return images; of N-MNIST those it is simulated from."""
        return _data.toys() if self.quick else _images(name, self.folder)

    def liquid(self, run: Run) -> LiquidStateMachine:
        """Return an unfitted liquid."""
        settings: Settings = {"preset": f"nalsm-{run.n_units}", "normalize": "l1"}
        settings |= (
            {"duration": 250.0} if run.data == "n-mnist" else {"encoder": RateEncoder(100.0 if self.quick else 250.0)}
        )
        liquid = LiquidStateMachine(**settings, n_jobs=1, random_state=run.seed)
        models = CHOICES if run.figure == "choice" else MODELS
        liquid.set_params(**models[run.model](run.data, run.n_units))
        if self.quick:
            liquid.set_params(topology=Column((4, 4, 4)))
            if liquid.plasticity is not None:
                liquid.set_params(plasticity__n_snapshots=20)
            if liquid.preset == "receptive-fields-8000":
                liquid.set_params(input_topology=ReceptiveFields((8, 8), (2, 4)))
        return liquid


@lru_cache(1)
def _images(name: str, folder: Path | None) -> Split:
    return _data.images(name, folder)


def measure(lab: Lab, run: Run) -> dict[str, Any]:
    """Return the figures of a run."""
    if run.figure == "branching":
        return branching(lab, run)
    return accuracy_on_events(lab, run) if run.data == "n-mnist" else accuracy(lab, run)


def branching(lab: Lab, run: Run) -> dict[str, Any]:
    """Learn; return the branching factor and the mean rate in Hz on 20 training images."""
    X = lab.images(run.data).X[0]
    liquid = lab.liquid(run).fit(X)
    recordings = liquid.simulate(X[:: len(X) // 20][:20])
    factors = [
        branching_factor(r.spike_times.astype(int), r.spike_units, liquid.W_, int(r.duration)) for r in recordings
    ]
    rates = [1000 * r.counts.mean() / r.duration for r in recordings]
    # Over the length of a piece of learning, from rest.
    first = [1000 * (r.spike_times < 20).sum() / 20 / len(r.counts) for r in recordings]
    return {
        "branching": float(np.nanmean(factors)),
        "rate": float(np.mean(rates)),
        "rate of 20 ms": float(np.mean(first)),
    }


def accuracy(lab: Lab, run: Run) -> dict[str, Any]:
    """Learn from images; return what the readout that does best on the validation part makes of the test part."""
    images = lab.images(run.data)
    if run.figure == "choice":
        images = images.first(*N_CHOICE)
    liquid = lab.liquid(run)
    if liquid.encoder is None:  # a current from every pixel, for as long as a row lasts
        brightest = images.X[0].max()
        images = images.map(lambda X: (X[:, None] / brightest).astype(np.float32))
    begin = perf_counter()
    liquid.fit(images.X[0])
    learned = perf_counter()
    features = images.map(liquid.transform)
    read = perf_counter()
    return _figures(features, (learned - begin, read - learned))


def accuracy_on_events(lab: Lab, run: Run) -> dict[str, Any]:
    """Learn from simulated events; test on simulated and on real ones."""
    if lab.quick:
        return accuracy(lab, Run(run.figure, "mnist", run.n_units, run.model, run.seed))
    recordings, digits, sources = _data.real(lab.folder)
    images = lab.images(run.data)
    others = np.setdiff1d(np.arange(len(images.X[0])), sources)
    images = Split((images.X[0][others], *images.X[1:]), (images.y[0][others], *images.y[1:])).first(*N_EVENTS)
    begin = perf_counter()
    rule = MODELS[run.model](run.data, run.n_units).get("plasticity")
    n_learned = 100 if rule is None else rule.n_snapshots  # static liquids only learn how many channels there are
    liquid = lab.liquid(run).fit(simulate_nmnist(images.X[0][:n_learned], random_state=0))
    learned = perf_counter()
    features = images.map(lambda X: np.concatenate([liquid.transform(part) for part in _data.simulated(X)]))
    of_real = liquid.transform(recordings)
    read = perf_counter()
    return _figures(Split((*features.X, of_real), (*features.y, digits)), (learned - begin, read - learned))


def _figures(features: Split, seconds: tuple[float, ...]) -> dict[str, Any]:
    silent = float((features.X[0].max(axis=0) == 0).mean())
    begin = perf_counter()
    standardise(features)
    readouts = {name: learn(features, name) for name in READOUTS}
    return readouts | {"silent": silent, "seconds": [round(each, 1) for each in (*seconds, perf_counter() - begin)]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.papers.nalsm", description="The NALSM paper.")
    parser.add_argument("--quick", action="store_true", help="toy images and small liquids: proves nothing")
    parser.add_argument("--data", type=Path, metavar="PATH", help="folder of the data (default: RESERVOIRS_DATA)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep the figures of every network in this file")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="runs whose name has all of these")
    parser.add_argument("--list", action="store_true", help="print the names of the runs")
    parser.add_argument("--report", action="store_true", help="print the tables of what FILE has")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw what FILE has, and a liquid that settles")
    options = parser.parse_args(arguments)
    lab, results = Lab(options.data, options.quick), Results(options.results)
    chosen = [run for run in runs() if all(word in str(run) for word in options.only)]
    if options.list:
        print(*chosen, sep="\n")
    elif options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
        _report.draw_accuracies(options.pictures / "nalsm-accuracy.png", results)
        liquid = lab.liquid(Run("branching", "mnist", 1000, "NALSM, frozen", 0))
        _report.draw_settling(options.pictures / "nalsm-settling.png", settling(liquid, lab.images("mnist").X[0]))
    elif not options.report:
        for run in chosen:
            if str(run) not in results:
                results.add(str(run), measure(lab, run))
    if options.report or options.quick:
        print(_report.tables(results))


if __name__ == "__main__":
    main()
