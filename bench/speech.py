"""Spoken digits through a filter bank and an encoder into the classical liquid, beside the readout without the liquid.

    python -m bench.speech [--quick] [--data PATH] [--encoder bsa|delta] [--seeds N] [--output FOLDER]

PATH is the folder or file that `load_spoken_digits` takes (default: RESERVOIRS_DATA). A quarter of an hour an encoder
on two cores; ``--quick`` takes chords made on the spot and proves nothing.

- Official split: takes 0 to 4 of each digit and speaker are tested, 2700 others learned from.
- Unknown speaker: each of the six is left out in turn, all 500 recordings; the figure is the mean over the six.

Figures are shares of right answers: the mean over the seeds, which draw the liquid, with standard deviation, lowest and
highest. Nothing is random without a liquid. All models get the same spikes and the same kind of features, numbers of
spikes in five equal parts of a recording, and the same readout: logistic regression on standardised features, with a
penalty for liquids and one for the bare spikes. All settings were chosen by the takes 5 to 9, 20 to 24 and 40 to 44 of
the official training set, learning from the rest of it, with network 0; none by unknown speakers, though the figures of
two without a liquid were seen while choosing the filter bank's floor. The filter bank learns nothing that the encoders
do not undo, so it is fitted once; encoders learn from the training part of each split.

The liquid is that of Maass, Natschlaeger and Markram (2002), preset "maass-2002", with these changes:

- 1000 neurons on 10 x 10 x 10 sites instead of 135 on 3 x 3 x 15;
- a synapse for 3 % instead of 30 % of the pairs of an input and a neuron, of half the size: there are 32 inputs at some
  100 spikes a second (64 at 34 with the delta encoder), not 4 at 20, under which the preset's neurons hardly rest;
- steps of .5 ms instead of .1 ms, which makes delays 1.5 ms between excitatory neurons and mostly 1 ms (.8) elsewhere.

"Its neurons unconnected" is the same with recurrent weights of 0: what the neurons make of the input on their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.stats import gamma
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import Bunch

from bench import results
from reservoirs import LSMClassifier
from reservoirs.datasets import load_spoken_digits
from reservoirs.encoding import BSAEncoder, Cochlea, DeltaEncoder, Events
from reservoirs.topology import Column

TARGET = 0.95  # of the liquid, on the official split
N_SEEDS_UNKNOWN = 3  # at most: there are six test sets a seed

FRAME = 2.5  # ms
N_BANDS = 32
ENCODERS = {
    "bsa": BSAEncoder(n_taps=10, cutoff=0.06, row_duration=FRAME),
    "delta": DeltaEncoder(row_duration=FRAME),
}
N_BINS = 5
ALPHA_WITH, ALPHA_WITHOUT = 3e-2, 3e-3

INPUT_DENSITY = 0.03
INPUT_WEIGHT = {"exc": 9.0, "inh": 4.5}
DT = 0.5  # ms

WITHOUT, LIQUID, UNCONNECTED = "readout without liquid", "classical liquid", "its neurons unconnected"

Score = Callable[[np.ndarray, int], float]


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    sites: tuple[int, int, int] = (10, 10, 10)
    n_seeds: int = 5
    quick: bool = False


@dataclass(frozen=True)
class Recordings:
    """What was heard, and who said what.

    Attributes
    ----------
    heard : list of ndarrays of shape (n_frames, n_bands)
    digit, speaker : ndarrays of shape (n_recordings,)
    test : bool ndarray of shape (n_recordings,)
        The official test set.
    """

    heard: list[np.ndarray]
    digit: np.ndarray
    speaker: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, data: Bunch) -> Recordings:
        """Send all waveforms through the filter bank."""
        heard = Cochlea(N_BANDS, sampling_rate=data.sampling_rate, frame_period=FRAME).fit_transform(
            [*data.X_train, *data.X_test]
        )
        n_train, n_test = len(data.X_train), len(data.X_test)
        return cls(
            heard,
            np.concatenate([data.y_train, data.y_test]),
            np.concatenate([data.speaker_train, data.speaker_test]),
            np.repeat([False, True], [n_train, n_test]),
        )

    def score(self, model: Any, test: np.ndarray) -> float:
        """Learn from all but the test recordings; return the share of these that is right."""
        train = np.flatnonzero(~test)
        model.fit([self.heard[i] for i in train], self.digit[train])
        held_out = np.flatnonzero(test)
        return float(model.score([self.heard[i] for i in held_out], self.digit[held_out]))

    def chance(self, test: np.ndarray) -> float:
        """Return how often the most frequent digit of the training part is right."""
        return float(np.mean(self.digit[test] == np.bincount(self.digit[~test]).argmax()))

    def splits(self) -> dict[str, dict[str, np.ndarray]]:
        """Return for each protocol its test sets by name."""
        speakers = {str(name): self.speaker == name for name in np.unique(self.speaker)}
        return {"official split": {"test": self.test}, "unknown speaker": speakers}


@dataclass
class Row:
    """A line of the table: a figure for each seed and test set."""

    name: str
    values: dict[str, list[float]]
    target: float | None = None
    seconds: float = 0.0

    @property
    def means(self) -> np.ndarray:
        """Figure of each seed: the mean over the test sets."""
        return np.asarray(np.mean(list(self.values.values()), axis=0))

    @property
    def met(self) -> bool | None:
        """Whether the mean over the seeds meets the target."""
        return None if self.target is None else bool(self.means.mean() >= self.target)

    def __str__(self) -> str:
        """Return the line."""
        means = self.means
        spread = "" if len(means) == 1 else f"+- {means.std(ddof=1):.4f}  ({means.min():.4f}..{means.max():.4f})"
        asked = "" if self.target is None else f">= {self.target:g} {'ok' if self.met else 'MISSED'}"
        parts = ", ".join(f"{name} {np.mean(each):.3f}" for name, each in self.values.items() if len(self.values) > 1)
        return f"{self.name:48}{means.mean():.4f} {spread:31}{asked:15}{self.seconds:5.0f} s  {parts}".rstrip()


def with_liquid(encoder: Any, sites: tuple[int, int, int], seed: int, **changes: Any) -> Any:
    """Return the classical liquid, with its readout."""
    model = LSMClassifier(
        "maass-2002",
        topology=Column(sites, 2.0, {"EE": 0.3, "EI": 0.2, "IE": 0.4, "II": 0.1}),
        input_density=INPUT_DENSITY,
        # The preset's spread: a standard deviation of 70 % of the mean.
        input_weight={kind: gamma(0.7**-2, scale=mean * 0.7**2) for kind, mean in INPUT_WEIGHT.items()},
        dt=DT,
        encoder=clone(encoder),
        n_bins=N_BINS,
        alpha=ALPHA_WITH,
        random_state=seed,
    )
    return model.set_params(**changes)


def without_liquid(encoder: Any, n_train: int) -> Any:
    """Return the same readout of the encoder's own spikes."""
    logistic = LogisticRegression(C=1 / (ALPHA_WITHOUT * n_train), max_iter=1000, tol=1e-3)
    return make_pipeline(clone(encoder), FunctionTransformer(count_spikes), StandardScaler(), logistic)


def count_spikes(recordings: Sequence[Events]) -> np.ndarray:
    """Return each channel's spikes in the parts of each recording, shape (n_recordings, N_BINS * n_channels)."""
    counts = np.zeros((len(recordings), N_BINS, recordings[0].n_channels))
    for own, events in zip(counts, recordings, strict=True):
        np.add.at(own, (events.t * N_BINS // events.duration, events.channel), 1)
    return counts.reshape(len(recordings), -1)


def measure(name: str, tests: dict[str, np.ndarray], score: Score, n_seeds: int = 1) -> Row:
    """Score every test set with every seed."""
    start = perf_counter()
    values = {test: [score(held_out, seed) for seed in range(n_seeds)] for test, held_out in tests.items()}
    return Row(name, values, seconds=perf_counter() - start)


def rows(data: Recordings, encoders: Sequence[str], size: Size) -> Iterator[Row]:
    """Measure every line of the table."""
    for protocol, tests in data.splits().items():
        official = protocol == "official split"
        n_seeds = size.n_seeds if official else min(size.n_seeds, N_SEEDS_UNKNOWN)
        yield measure(f"{protocol}, chance", tests, lambda test, _: data.chance(test))
        for name in encoders:
            scores = scorers(data, ENCODERS[name], size.sites)
            for model, score in scores.items():
                row = measure(f"{protocol}, {name}, {model}", tests, score, 1 if model == WITHOUT else n_seeds)
                asked = official and name == "bsa" and model == LIQUID and not size.quick
                yield replace(row, target=TARGET if asked else None)


def scorers(data: Recordings, encoder: Any, sites: tuple[int, int, int]) -> dict[str, Score]:
    """Return what gives each model's figure for a test set and a seed."""
    return {
        WITHOUT: lambda test, seed: data.score(without_liquid(encoder, int((~test).sum())), test),
        LIQUID: lambda test, seed: data.score(with_liquid(encoder, sites, seed), test),
        UNCONNECTED: lambda test, seed: data.score(with_liquid(encoder, sites, seed, weight=0.0), test),
    }


def chords() -> Bunch:
    """Return chords of two tones for "digits", which "speakers" play higher or lower; three takes, one for the test."""
    rng = np.random.default_rng(0)
    waveforms, digits, speakers, takes = [], [], [], []
    for digit in range(4):
        for pitch in (0.95, 1.0, 1.05):
            for take in range(3):
                t = np.arange(rng.integers(800, 1200)) / 8000
                tones = [np.sin(2 * np.pi * pitch * f * t) for f in (300 + 250 * digit, 2600 - 350 * digit)]
                waveforms.append((8000 * sum(tones) + rng.normal(0, 100, len(t))).astype(np.int16))
                digits.append(digit)
                speakers.append(f"pitch {pitch}")
                takes.append(take)
    y, speaker, test = np.array(digits), np.array(speakers), np.array(takes) == 0
    return Bunch(
        X_train=[waveforms[i] for i in np.flatnonzero(~test)],
        y_train=y[~test],
        speaker_train=speaker[~test],
        X_test=[waveforms[i] for i in np.flatnonzero(test)],
        y_test=y[test],
        speaker_test=speaker[test],
        sampling_rate=8000,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = results.parser(__doc__)
    parser.add_argument("--data", type=Path, metavar="PATH", help="fsdd.npz or its folder")
    parser.add_argument("--encoder", choices=tuple(ENCODERS), help="only this one")
    parser.add_argument("--seeds", type=int, metavar="N", default=5, help="networks")
    options = parser.parse_args(arguments)
    size = Size((4, 4, 4), n_seeds=1, quick=True) if options.quick else Size(n_seeds=options.seeds)
    with results.kept("speech", options, f"{size.n_seeds} networks", fenced=True) as figures:
        start = perf_counter()
        data = Recordings.of(chords() if options.quick else load_spoken_digits(options.data))
        print(f"{len(data.heard)} recordings through the filter bank: {perf_counter() - start:.0f} s", flush=True)
        figures["rows"] = []
        for row in rows(data, [options.encoder] if options.encoder else list(ENCODERS), size):
            print(row, flush=True)
            figures["rows"].append(asdict(row) | {"met": row.met})


if __name__ == "__main__":
    main()
