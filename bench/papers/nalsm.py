"""The neuron-astrocyte liquid of Ivanov and Michmizos (NeurIPS 2021), beside the authors' figures.

    python -m bench.papers.nalsm [--quick] [--data PATH] [--seeds N] [--snapshots N] [--json PATH]

PATH is a folder with ``mnist/`` (default: RESERVOIRS_DATA). Liquids of 1000 neurons see full MNIST by the authors'
split: 50,000 images to learn from, the last 10,000 of the training file to choose the readout's penalty by, the test
file for the figure. The readout is logistic regression on standardised counts; theirs is another (a linear layer with
soft targets, Adadelta). `--snapshots` is how many pieces of 20 ms a liquid learns from (they: 50,000). Branching
factors are those of 20 training images of 250 ms, with weights plastic in samples as theirs are. `--quick` takes toy
images and proves nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from reservoirs import LiquidStateMachine
from reservoirs.datasets import load_mnist
from reservoirs.diagnostics import branching_factor
from reservoirs.encoding import RateEncoder
from reservoirs.lsm import STDP, AstrocyteSTDP
from reservoirs.lsm._readout import logistic
from reservoirs.topology import Column

# By w_astro: the authors' workbook, mean over 10 networks.
BRANCHING = {0.0075: 1.325, 0.015: 1.246, 0.05: 1.086, 0.2: 0.885}
ALPHAS = (3e-4, 1e-3, 3e-3)


@dataclass(frozen=True)
class Images:
    """Training, validation and test part."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    @classmethod
    def mnist(cls, path: Path | None) -> Images:
        """Split MNIST as the authors do."""
        data = load_mnist(None if path is None else path / "mnist")
        train, validation = slice(None, 50_000), slice(50_000, None)
        X, y = data.X_train, data.y_train
        return cls((X[train], y[train]), (X[validation], y[validation]), (data.X_test, data.y_test))

    @classmethod
    def toy(cls) -> Images:
        """Return a few small digits."""
        X, y = load_digits(return_X_y=True)
        return cls((X[:200], y[:200]), (X[200:300], y[200:300]), (X[300:400], y[300:400]))


@dataclass
class Row:
    """One figure, over networks."""

    what: str
    values: list[float]
    authors: str
    seconds: float

    def __str__(self) -> str:
        spread = f"{np.mean(self.values):.4f} +- {np.std(self.values):.4f}"
        return f"| {self.what:<52} | {spread:<18} | {self.authors:<16} | {self.seconds:.0f} s |"


def liquid(plasticity: Any, seed: int, quick: bool, **settings: Any) -> LiquidStateMachine:
    """Return an unfitted liquid."""
    if quick:
        settings["topology"] = Column((4, 4, 4))
    encoder = RateEncoder(duration=100.0 if quick else 250.0)
    return LiquidStateMachine(plasticity=plasticity, encoder=encoder, normalize="l1", random_state=seed, **settings)


def accuracy(model: LiquidStateMachine, images: Images) -> float:
    """Learn, read, choose the penalty on the validation part; return the accuracy on the test part."""
    features = [
        model.fit_transform(images.train[0]),
        *(model.transform(X) for X, _ in (images.validation, images.test)),
    ]
    best = (-1.0, 0.0)
    for alpha in ALPHAS:
        readout = logistic(alpha, len(features[0])).fit(features[0], images.train[1])
        scores = [
            float(readout.score(f, y)) for f, (_, y) in zip(features[1:], (images.validation, images.test), strict=True)
        ]
        best = max(best, (scores[0], scores[1]))
    return best[1]


def activity(model: LiquidStateMachine, images: Images) -> tuple[float, float]:
    """Learn; return the branching factor and the mean rate in Hz on 20 training images."""
    X = images.train[0]
    model.fit(X)
    recordings = model.simulate(X[:: len(X) // 20][:20])
    factors = [
        branching_factor(r.spike_times.astype(int), r.spike_units, model.W_, int(r.duration)) for r in recordings
    ]
    rates = [1000 * r.counts.mean() / r.duration for r in recordings]
    return float(np.nanmean(factors)), float(np.mean(rates))


def rows(images: Images, n_seeds: int, n_snapshots: int, quick: bool) -> Iterator[Row]:
    """Run everything, row by row."""
    plastic = {"n_snapshots": n_snapshots, "in_samples": True}
    branching: dict[str, tuple[Any, str]] = {
        f"w_astro = {w}": (AstrocyteSTDP(w_astro=w, **plastic), f"{sigma}") for w, sigma in BRANCHING.items()
    }
    branching["STDP without astrocyte"] = (STDP(**plastic), "1.415 +- 0.050")
    for what, (rule, authors) in branching.items():
        begin = perf_counter()
        figures = [activity(liquid(rule, seed, quick), images) for seed in range(n_seeds)]
        yield Row(f"branching factor, {what}", [f for f, _ in figures], authors, perf_counter() - begin)
        yield Row(f"rate in Hz, {what}", [r for _, r in figures], "", 0)
    begin = perf_counter()
    figures = [activity(liquid(None, seed, quick), images) for seed in range(n_seeds)]
    yield Row("branching factor, static, weight 0.7", [f for f, _ in figures], "0.863 +- 0.028", perf_counter() - begin)
    frozen = {"n_snapshots": n_snapshots}
    for what, rule, authors in (
        ("static, weight 0.7", None, ".9522 +- .0008"),
        ("STDP, plastic in samples", STDP(**plastic), ".8947 +- .0045"),
        ("NALSM, frozen after learning", AstrocyteSTDP(**frozen), ""),
        ("NALSM, plastic in samples", AstrocyteSTDP(**plastic), ".9596 +- .0013"),
    ):
        begin = perf_counter()
        values = [accuracy(liquid(rule, seed, quick), images) for seed in range(n_seeds)]
        yield Row(f"accuracy, {what}", values, authors, perf_counter() - begin)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.papers.nalsm", description="The NALSM paper.")
    parser.add_argument("--quick", action="store_true", help="toy images and a small liquid: proves nothing")
    parser.add_argument("--data", type=Path, metavar="PATH", help="folder of the data (default: RESERVOIRS_DATA)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many networks")
    parser.add_argument("--snapshots", type=int, default=5000, metavar="N", help="pieces a liquid learns from")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every number to this file")
    options = parser.parse_args(arguments)
    images = Images.toy() if options.quick else Images.mnist(options.data)
    n_seeds, n_snapshots = (1, 20) if options.quick else (options.seeds, options.snapshots)
    print(f"| {n_seeds} networks, {n_snapshots} snapshots | ours | authors | time |\n|---|---|---|---|")
    table = []
    for row in rows(images, n_seeds, n_snapshots, options.quick):
        print(row, flush=True)
        table.append(asdict(row))
    if options.json:
        options.json.write_text(json.dumps({"quick": options.quick, "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
