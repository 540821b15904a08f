"""How useful liquids are: accuracy on digits, clothes and simulated event cameras, beside the targets of the project.

    python -m bench.liquid_accuracy [--quick] [--data PATH] [--seeds N] [--output FOLDER]

PATH is a folder with ``mnist/`` and ``nmnist_1k/`` (default: RESERVOIRS_DATA); Fashion-MNIST is looked for where Debian
puts it. Half an hour on one core; ``--quick`` takes toy images made on the spot and proves nothing. A figure
is the mean over the seeds (networks and spikes), with standard deviation, lowest and highest. The first row of a group
bears the time of what the group shares: simulating, and all liquids of the events.

The split is that of NALSM: the first 50,000 images of the training file to learn from, its last 10,000 to choose by,
the test file for the figure. Every readout is logistic regression on standardised features, of those in `ALPHAS` with
the penalty that does best on the validation part, seed by seed; what stands beside a liquid gets the same choice. The
settings of liquids are chosen once, of the candidates below, by what network 0 does on the validation part. No test
image takes part in a choice.

- Static NALSM-1000: preset "nalsm-1000" with the default `RateEncoder`, counts divided by their sum. Liquid and input
  share one weight of `WEIGHTS`. "Spike counts" are those of the encoded input over 250 steps, without a liquid,
  divided by their sum too: binomial numbers with the encoder's probabilities, drawn by NumPy from a generator of the
  seed (the same distribution as the encoder's spikes, not the same draws).
- 200 neurons on 16 x 16 events, the protocol of Lin et al. (Nature Computational Science 5, 2025), on *simulated*
  N-MNIST (`simulate_nmnist`, seed 0): the middle of the sensor, ON events only, 315 ms in 50 steps of 6.3 ms, one
  spike a pixel and step at most; decay .9 a step, reset to zero, threshold 5, all-to-all Gaussian weights, a spike is
  a current of one step; spike counts, not normalised. A 51st step counts the spikes that the 50th caused. Their weights
  are standard normal numbers times .07 and a scale of conductances that is not known: N(0, .07) itself leaves the
  liquid almost silent. So the standard deviation is chosen: one that input and recurrent weights share, as in the
  protocol (`SHARED`), and one of each (`SEPARATE`), in both cases on the first 5,000 validation images, with readouts
  of the first 5,000 training images. "Not recurrent" keeps the input weights of the latter and has no others. "Event
  counts" are all events of the same pixels. Simulated digits are easier than real ones: these figures must not be set
  beside those of N-MNIST.
- The same readouts, learnt again from simulated events but without the images that the real recordings are of, tested
  on all 1,100 real recordings. Those images have no part in the choice of standard deviations either.
- `simulate_nmnist` beside the 1,000 real training recordings: correlation of the maps of events by polarity and pixel,
  mean over the recordings, and the number of events as a multiple of the real. A seed draws noise and thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from scipy.stats import halfnorm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from bench import results
from reservoirs import LiquidStateMachine
from reservoirs.datasets import load_fashion_mnist, load_mnist, load_nmnist, simulate_nmnist
from reservoirs.encoding import Events, RateEncoder
from reservoirs.lsm import LIF, DeltaSynapse
from reservoirs.topology import Column, ErdosRenyi

FASHION = Path("/usr/share/datasets/fashion-mnist")

ALPHAS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
WEIGHTS = (0.5, 0.7, 0.9)  # where their accuracy is flat (workbook of the NALSM authors)
SHARED = tuple((scale, scale) for scale in (0.2, 0.3, 0.4, 0.5, 0.7))  # of input and recurrent weights
SEPARATE = tuple((of_input, recurrent) for of_input in (0.5, 0.7, 1.0) for recurrent in (0.05, 0.1, 0.2))

WINDOW = 16
STEP = 6.3  # ms
N_STEPS = 50
DECAY = 0.9
BLANK = Events(np.zeros(0, np.int64), np.zeros(0, np.int32), None, (WINDOW, WINDOW), 1)

N_SIMULATED = 500  # at a time: 30 MB of events


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    n_seeds: int = 3
    n_valid: int = 10_000
    n_choose: int = 5_000
    column: tuple[int, int, int] = (10, 10, 10)
    n_units: int = 200
    duration: float = 250.0
    quick: bool = False


QUICK = Size(n_seeds=1, n_valid=30, n_choose=30, column=(4, 4, 4), n_units=20, duration=50.0, quick=True)


@dataclass(frozen=True)
class Split:
    """Images, or their features, to learn from, to choose by and to test."""

    X: tuple[np.ndarray, ...]
    y: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, data: Bunch, n_valid: int) -> Split:
        """Keep the last `n_valid` training images to choose by."""
        return cls(
            (data.X_train[:-n_valid], data.X_train[-n_valid:], data.X_test),
            (data.y_train[:-n_valid], data.y_train[-n_valid:], data.y_test),
        )

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Split:
        """Return the split of what a function makes of each part."""
        return replace(self, X=tuple(map(function, self.X)))

    def to_choose(self, n: int | None) -> Split:
        """Return the first `n` training and validation images (None: all), and nothing to test."""
        return Split(tuple(X[:n] for X in self.X[:2]), tuple(y[:n] for y in self.y[:2]))


@dataclass
class Row:
    """A line of the table: a figure for each seed. `target` is the least the mean should be, if anything is asked."""

    name: str
    values: list[float]
    target: float | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def met(self) -> bool | None:
        """Whether the mean meets the target."""
        return None if self.target is None else bool(np.mean(self.values) >= self.target)

    def __str__(self) -> str:
        """Return the line."""
        mean, low, high = np.mean(self.values), min(self.values), max(self.values)
        spread = "" if len(self.values) == 1 else f"+- {np.std(self.values, ddof=1):.4f}  ({low:.4f}..{high:.4f})"
        asked = "" if self.target is None else f">= {self.target:g} {'ok' if self.met else 'MISSED'}"
        chosen = ", ".join(f"{name} {value}" for name, value in self.chosen.items())
        return f"{self.name:72}{mean:.4f} {spread:31}{asked:15}{self.seconds:6.0f} s  {chosen}".rstrip()


# -- readouts ---------------------------------------------------------------------------------------------------------


def learn(split: Split) -> tuple[float, float, Any]:
    """Return the accuracy on the validation part, the penalty and the readout of the best penalty."""
    readouts = []
    for alpha in ALPHAS:
        logistic = LogisticRegression(C=1 / (alpha * len(split.X[0])), max_iter=1000, tol=1e-3)
        readout = make_pipeline(StandardScaler(), logistic).fit(split.X[0], split.y[0])
        readouts.append((readout.score(split.X[1], split.y[1]), alpha, readout))
    return max(readouts, key=lambda each: each[0])


def score_each(name: str, splits: Iterable[Split], target: float | None = None, **chosen: Any) -> Row:
    """Return the row of some splits of features, one for each seed."""
    values, alphas, valid = [], [], []
    for split in splits:
        accuracy, alpha, readout = learn(split)
        values.append(float(readout.score(split.X[2], split.y[2])))
        alphas.append(alpha)
        valid.append(float(accuracy))
    return Row(name, values, target, chosen | {"alpha": alphas, "validation": round(float(np.mean(valid)), 4)})


# -- images as rates --------------------------------------------------------------------------------------------------


def static_rows(name: str, split: Split, size: Size, target: float | None = None) -> Iterator[Row]:
    """Yield the rows of images: pixels, spikes of the encoder, the static liquid."""
    yield score_each(f"{name}, pixels", [split.map(lambda X: (X / 255).astype(np.float32))])
    seeds = range(size.n_seeds)
    yield score_each(f"{name}, spike counts", [spike_counts(split, size, seed) for seed in seeds])
    weight = choose_weight(split, size)
    units = f"{np.prod(size.column)} neurons"
    splits = (liquid_counts(split, size, weight, seed) for seed in seeds)  # one at a time: each is 280 MB
    yield score_each(f"{name}, static NALSM liquid, {units}", splits, target, weight=weight)


def spike_counts(split: Split, size: Size, seed: int) -> Split:
    """Draw how often each channel of the encoded images spikes, as a share of all spikes."""
    encoder = RateEncoder(size.duration).fit(split.X[0])
    rng = np.random.default_rng(seed)

    def draw(X: np.ndarray) -> np.ndarray:
        counts = rng.binomial(encoder.n_steps_, encoder.probabilities(X)).astype(np.float32)
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))

    return split.map(draw)


def choose_weight(split: Split, size: Size) -> float:
    """Return the weight that does best on the validation part; a choice by fewer images is mostly noise."""
    images = split.to_choose(None)
    return max(WEIGHTS, key=lambda weight: learn(liquid_counts(images, size, weight, seed=0))[0])


def liquid_counts(split: Split, size: Size, weight: float, seed: int) -> Split:
    """Show images to the static NALSM liquid."""
    liquid = LiquidStateMachine(
        "nalsm-1000",
        topology=Column(size.column),
        weight=weight,
        input_weight=weight,
        encoder=RateEncoder(size.duration),
        normalize="l1",
        random_state=seed,
    )
    return split.map(liquid.fit(split.X[0]).transform)


# -- events -----------------------------------------------------------------------------------------------------------


def event_rows(split: Split, recordings: Bunch, size: Size) -> Iterator[Row]:
    """Yield the rows of 16 x 16 events: event counts and the small liquids, tested on simulated and on real events."""
    sources = recordings.mnist_index_train
    scales = choose_scales(without(split, sources).to_choose(size.n_choose), size)
    seeds = range(size.n_seeds)
    liquids = {name: [small_liquid(size, *pair, seed) for seed in seeds] for name, pair in scales.items()}
    everyone = [liquid for group in liquids.values() for liquid in group]
    counts, *features = of_simulated(split, everyone)
    of_real = of_events([*recordings.X_train, *recordings.X_test], everyone)
    y_real = np.concatenate([recordings.y_train, recordings.y_test])
    transfer = [
        tested_on(without(each, sources), X, y_real) for each, X in zip([counts, *features], of_real, strict=True)
    ]
    for title, target, splits in (
        ("simulated N-MNIST 16x16", 0.87, [counts, *features]),
        (f"learnt from simulated, tested on {len(y_real):,} real", None, transfer),
    ):
        yield score_each(f"{title}, event counts", splits[:1])
        for i, (name, pair) in enumerate(scales.items()):
            members = splits[1 + i * size.n_seeds : 1 + (i + 1) * size.n_seeds]
            asked = target if pair[1] else None  # what does not recur is there to compare with
            yield score_each(f"{title}, {size.n_units} neurons, {name}", members, asked, weights=pair)


def without(split: Split, sources: np.ndarray) -> Split:
    """Leave some images of the training file out of the parts to learn from and to choose by."""
    begin, X, y = 0, [], []
    for part, labels in zip(split.X[:2], split.y[:2], strict=True):
        kept = ~np.isin(np.arange(begin, begin + len(part)), sources)
        begin += len(part)
        X.append(part[kept])
        y.append(labels[kept])
    return Split((*X, *split.X[2:]), (*y, *split.y[2:]))


def tested_on(split: Split, X: np.ndarray, y: np.ndarray) -> Split:
    """Return the split with another part to test."""
    return Split((*split.X[:2], X), (*split.y[:2], y))


def of_simulated(split: Split, liquids: Sequence[LiquidStateMachine]) -> list[Split]:
    """Simulate the events of images, and return their counts and what each liquid makes of them."""
    parts = [of_images(X, liquids) for X in split.X]
    return [replace(split, X=X) for X in zip(*parts, strict=True)]


def of_images(images: np.ndarray, liquids: Sequence[LiquidStateMachine]) -> list[np.ndarray]:
    """Simulate the events of some images at a time, and keep no more than the features."""
    slices = [images[begin : begin + N_SIMULATED] for begin in range(0, len(images), N_SIMULATED)]
    features = [of_events(simulate_nmnist(each, random_state=0), liquids) for each in slices]
    return [np.concatenate(each) for each in zip(*features, strict=True)]


def of_events(recordings: Sequence[Events], liquids: Sequence[LiquidStateMachine]) -> list[np.ndarray]:
    """Return event counts, and what each liquid makes of the events."""
    seen = [window(each) for each in recordings]
    counts = np.array([each.counts().ravel() for each in seen], np.float32)
    return [counts, *(liquid.transform(seen) for liquid in liquids)]


def window(recording: Events) -> Events:
    """Return the ON events in the middle of the sensor and in the time that is shown."""
    top, left = ((length - WINDOW) // 2 for length in recording.shape)
    events = recording.between(0, round(1000 * STEP * N_STEPS)).crop(top, left, WINDOW, WINDOW)
    is_on = events.polarity == 1
    return Events(events.t[is_on], events.address[is_on], None, events.shape, events.duration)


def small_liquid(size: Size, of_input: float, recurrent: float, seed: int) -> LiquidStateMachine:
    """Draw a liquid with Gaussian weights of two standard deviations."""
    liquid = LiquidStateMachine(
        topology=ErdosRenyi(size.n_units, 1.0),
        neuron=LIF(tau_mem=STEP / (1 - DECAY), v_thresh=5.0, refractory=0.0),
        synapse=DeltaSynapse(),
        weight=halfnorm(scale=recurrent) if recurrent else 0.0,
        weight_sign="random",
        delay=STEP,
        input_density=1.0,
        input_weight=halfnorm(scale=of_input),
        input_sign="random",
        input_refractory=False,
        dt=STEP,
        duration=STEP * (N_STEPS + 1),
        random_state=seed,
    )
    return liquid.fit([BLANK])


def choose_scales(split: Split, size: Size) -> dict[str, tuple[float, float]]:
    """Return the standard deviations that do best on validation images: shared, separate, and with no recurrence."""
    candidates = [*SHARED, *SEPARATE]
    _, *features = of_simulated(split, [small_liquid(size, *pair, seed=0) for pair in candidates])
    accuracy = dict(zip(candidates, (learn(each)[0] for each in features), strict=True))
    shared, separate = (max(group, key=accuracy.__getitem__) for group in (SHARED, SEPARATE))
    return {"one scale": shared, "two scales": separate, "not recurrent": (separate[0], 0.0)}


# -- the simulation ---------------------------------------------------------------------------------------------------


def simulation_rows(images: np.ndarray, recordings: Bunch, size: Size) -> Iterator[Row]:
    """Yield the rows that hold the simulation against real recordings of the same images."""
    compared = [compare(images, recordings, seed) for seed in range(size.n_seeds)]
    correlations, ratios = (list(each) for each in zip(*compared, strict=True))
    yield Row("simulate_nmnist, correlation of event maps with real ones", correlations, 0.95)
    yield Row("simulate_nmnist, number of events / real", ratios)


def compare(images: np.ndarray, recordings: Bunch, seed: int) -> tuple[float, float]:
    """Return the mean correlation of the maps of events, and the ratio of their numbers."""
    simulated = simulate_nmnist(images[recordings.mnist_index_train], random_state=seed)
    pairs = [(a.counts().ravel(), b.counts().ravel()) for a, b in zip(simulated, recordings.X_train, strict=True)]
    correlation = np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])
    ours, real = np.sum([[a.sum(), b.sum()] for a, b in pairs], axis=0)
    return float(correlation), float(ours / real)


# -- running ----------------------------------------------------------------------------------------------------------


def every_row(folder: Path | None, size: Size) -> Iterator[Row]:
    """Yield all rows."""
    if size.quick:
        digits, recordings = toys()
    else:
        paths = (None, None) if folder is None else (folder / "mnist", folder / "nmnist_1k")
        digits, recordings = load_mnist(paths[0]), load_nmnist(paths[1])
    split = Split.of(digits, size.n_valid)
    yield from simulation_rows(digits.X_train, recordings, size)
    yield from event_rows(split, recordings, size)
    yield from static_rows("MNIST", split, size, target=0.952)
    if not size.quick and FASHION.is_dir():
        yield from static_rows("Fashion-MNIST", Split.of(load_fashion_mnist(FASHION), size.n_valid), size)


def toys() -> tuple[Bunch, Bunch]:
    """Make images of ten kinds, and simulate recordings of some that stand in for real ones."""
    rng = np.random.default_rng(0)
    kinds = np.kron(rng.random((10, 7, 7)) > 0.6, np.ones((4, 4), bool)).reshape(10, -1)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(10, size=n)
        return (255 * (kinds[y] & (rng.random((n, 784)) > 0.3))).astype(np.uint8), y

    parts = dict(zip(("X_train", "y_train", "X_test", "y_test"), (*draw(110), *draw(30)), strict=True))
    digits, few = Bunch(**parts), np.arange(20)
    recordings = {}
    for part in ("train", "test"):
        recordings[f"X_{part}"] = simulate_nmnist(digits[f"X_{part}"][few], random_state=1)
        recordings[f"y_{part}"] = digits[f"y_{part}"][few]
    return digits, Bunch(**recordings, mnist_index_train=few)


def run(folder: Path | None, size: Size) -> list[Row]:
    """Measure every row, printing each as it comes."""
    threads = f"{joblib.effective_n_jobs(-1)} threads"
    print(f"{size.n_seeds} seeds, {threads}; mean +- standard deviation  (lowest..highest)", flush=True)
    rows = []
    start = perf_counter()
    for row in every_row(folder, size):
        row.seconds = perf_counter() - start
        print(row, flush=True)
        rows.append(row)
        start = perf_counter()
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = results.parser(__doc__)
    parser.add_argument("--data", type=Path, metavar="PATH", help="folder of the data (default: RESERVOIRS_DATA)")
    parser.add_argument("--seeds", type=int, metavar="N", help="how many networks (default: 3)")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else Size()
    if options.seeds is not None:
        if options.seeds < 1:
            parser.error(f"--seeds {options.seeds} must be at least 1")
        size = replace(size, n_seeds=options.seeds)
    with results.kept("liquid_accuracy", options, f"{size.n_seeds} networks", fenced=True) as figures:
        figures["rows"] = [asdict(row) | {"met": row.met} for row in run(options.data, size)]


if __name__ == "__main__":
    main()
