"""Presenting samples to a compiled liquid: block after block of samples, a stretch of time after another.

Every call into the core is short, so Ctrl-C is honoured between calls, and memory stays bounded: the core holds the
state of the samples of one block. How samples are put into blocks and time is cut changes no bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .. import _core
from .._progress import progress
from ..encoding import Events
from ..sequences import Sequences

# What a call into the core should take, and what the first does at most: it is not known yet how busy the liquid is.
_SECONDS_A_CALL = 0.1
_FIRST_EVENTS = 1 << 26
_SAMPLES_A_THREAD = 16
_PLASTIC_SAMPLES_A_THREAD = 4
# Fixed, because sums over time are added block by block: they must not depend on threads.
_SAMPLES_BY_ROWS = 16
_ROWS_A_BLOCK = 64


class Stimulus(Protocol):
    """What samples are shown: spikes, rates or currents.

    Attributes
    ----------
    lengths : int64 ndarray of shape (n_samples,)
        Steps of each sample.
    rows : Sequences or None
        The rows of numbers that samples come from, where these are shown one after another.
    steps_per_row : int
        Steps that each of them lasts.
    """

    lengths: np.ndarray
    rows: Sequences | None
    steps_per_row: int

    def begin(self, batch: Any, members: slice) -> None:
        """Begin to show some samples."""

    def begin_piece(self, batch: Any, sample: int, n_steps: int, rng: np.random.Generator) -> None:
        """Begin to show a random piece of one sample, of at most so many steps."""

    def drive(self, samples: np.ndarray, n_inputs: int) -> np.ndarray:
        """Return how strong each input is in some samples, up to a factor a sample."""


class Given:
    """Lists of events."""

    def __init__(
        self,
        events: list[Events],
        dt: float,
        lengths: np.ndarray,
        rows: Sequences | None = None,
        steps_per_row: int = 0,
    ) -> None:
        self.events = events
        self.dt = dt
        self.lengths = lengths
        self.rows = rows
        self.steps_per_row = steps_per_row

    def begin(self, batch: Any, members: slice) -> None:
        """Begin to show some samples."""
        spikes = [each.to_steps(self.dt) for each in self.events[members]]
        offsets = np.concatenate([[0], np.cumsum([len(steps) for steps, _ in spikes])])
        steps, channels = (np.concatenate(parts) for parts in zip(*spikes, strict=True))
        batch.begin_events(self.lengths[members].tolist(), offsets, steps, channels)

    def begin_piece(self, batch: Any, sample: int, n_steps: int, rng: np.random.Generator) -> None:
        """Begin to show a random piece of one sample, of at most so many steps."""
        steps, channels = self.events[sample].to_steps(self.dt)
        begin = int(rng.integers(max(0, int(self.lengths[sample]) - n_steps) + 1))
        first, last = np.searchsorted(steps, [begin, begin + n_steps])
        batch.begin_events([n_steps], np.array([0, last - first]), steps[first:last] - begin, channels[first:last])

    def drive(self, samples: np.ndarray, n_inputs: int) -> np.ndarray:
        """Return how often each input spikes in some samples."""
        channels = (self.events[i].to_steps(self.dt)[1] for i in samples)
        return np.array([np.bincount(each, minlength=n_inputs) for each in channels], float)


class Rates:
    """A probability of a spike a step for every input, for each sample."""

    rows: Sequences | None = None
    steps_per_row = 0

    def __init__(self, probabilities: np.ndarray, seed: int, n_steps: int) -> None:
        self.probabilities = np.ascontiguousarray(probabilities, np.float64)
        self.seed = seed
        self.lengths = np.full(len(probabilities), n_steps, np.int64)

    def begin(self, batch: Any, members: slice) -> None:
        """Begin to show some samples."""
        batch.begin_rates(self.lengths[members].tolist(), self.probabilities[members], self.seed)

    def begin_piece(self, batch: Any, sample: int, n_steps: int, rng: np.random.Generator) -> None:
        """Begin to show a random piece of one sample, of at most so many steps."""
        seed = int(rng.integers(2**64, dtype=np.uint64))
        batch.begin_rates([n_steps], self.probabilities[sample : sample + 1], seed)

    def drive(self, samples: np.ndarray, n_inputs: int) -> np.ndarray:
        """Return the probabilities of some samples."""
        return np.asarray(self.probabilities[samples])


class Currents:
    """Rows of numbers, each a current for some steps."""

    def __init__(self, rows: Sequences, steps_per_row: int) -> None:
        self.rows: Sequences | None = rows
        self.steps_per_row = steps_per_row
        self.lengths = rows.lengths * steps_per_row
        self._values, self._offsets = rows.values, rows.offsets

    def begin(self, batch: Any, members: slice) -> None:
        """Begin to show some samples."""
        begin, end = self._offsets[[members.start, members.stop]]
        n_rows = self.lengths[members] // self.steps_per_row
        batch.begin_currents(n_rows.tolist(), self._values[begin:end], self.steps_per_row)

    def begin_piece(self, batch: Any, sample: int, n_steps: int, rng: np.random.Generator) -> None:
        """Begin to show a random piece of one sample, of at most so many steps."""
        first, end = self._offsets[sample], self._offsets[sample + 1]
        n_rows = min(int(end - first), -(-n_steps // self.steps_per_row))
        begin = first + int(rng.integers(end - first - n_rows + 1))
        batch.begin_currents([n_rows], self._values[begin : begin + n_rows], self.steps_per_row)

    def drive(self, samples: np.ndarray, n_inputs: int) -> np.ndarray:
        """Return the sum of the rows of some samples."""
        return np.array([self._values[self._offsets[i] : self._offsets[i + 1]].sum(axis=0) for i in samples], float)


@dataclass(frozen=True)
class Wanted:
    """What is read after a step.

    Attributes
    ----------
    names : tuple of str
        Of "counts" (spikes since the step read before), "traces" (filtered spikes) and "potentials".
    trace_decay : float
        Factor by which traces decay each step; 0 without traces.
    """

    names: tuple[str, ...]
    trace_decay: float


@dataclass
class Readings:
    """What was read of some samples.

    Attributes
    ----------
    members : slice
        Which samples.
    bounds : int64 ndarray of shape (n_samples + 1,)
        Sample i has the rows ``[bounds[i], bounds[i + 1])`` of the next three.
    counts, traces, potentials : ndarray of shape (n_rows, n_units) or None
        After each of the steps asked for: spikes since the one before, filtered spikes, membrane potentials.
    batch : compiled batch
        For what is read at the end.
    """

    members: slice
    bounds: np.ndarray
    counts: np.ndarray | None
    traces: np.ndarray | None
    potentials: np.ndarray | None
    batch: Any


@dataclass(frozen=True)
class Presenter:
    """A compiled liquid and how to run it.

    Attributes
    ----------
    network : _core.Liquid32 or _core.Liquid64
    dtype : numpy dtype
    n_threads : int
    verbose : bool
        Whether to show progress.
    learning : dict
        What changes within each sample: the core's `rules` and which neurons are `excitatory`.
    """

    network: Any
    dtype: np.dtype[Any]
    n_threads: int = 1
    verbose: bool = False
    learning: Mapping[str, Any] = field(default_factory=dict)

    def readings(
        self, stimulus: Stimulus, when: Callable[[int], np.ndarray], wanted: Wanted, *, intervals: bool = False
    ) -> Iterator[Readings]:
        """Show all samples, a block at a time.

        Parameters
        ----------
        stimulus : Stimulus
            What is shown.
        when : callable
            The steps, ascending, after which a sample of a given length is read.
        wanted : Wanted
            What is read then.
        intervals : bool, default=False
            Whether the batch collects statistics of the intervals between spikes.

        Yields
        ------
        Readings
            Valid until the next.
        """
        batch = self._batch(trace_decay=wanted.trace_decay, intervals=intervals)
        for members in self._blocks(len(stimulus.lengths)):
            stimulus.begin(batch, members)
            lengths = stimulus.lengths[members]
            steps = [when(int(length)) for length in lengths]
            yield self._advance(batch, members, (0, int(lengths.max())), steps, wanted)

    def readings_of_rows(
        self, stimulus: Stimulus, rows: Sequences, wanted: Wanted
    ) -> Iterator[tuple[Readings, np.ndarray]]:
        """Show all samples, some samples and a stretch of rows at a time, and read them at the end of every row.

        Parameters
        ----------
        stimulus : Stimulus
            What is shown.
        rows : Sequences
            Its rows of numbers.
        wanted : Wanted
            What is read.

        Yields
        ------
        readings : Readings
            Valid until the next.
        bounds : int64 ndarray of shape (n_stretches, 2)
            The rows ``[begin, end)`` that were read, one stretch after another.
        """
        every = stimulus.steps_per_row
        batch = self._batch(_SAMPLES_BY_ROWS, trace_decay=wanted.trace_decay)
        for members in self._blocks(len(stimulus.lengths), _SAMPLES_BY_ROWS):
            stimulus.begin(batch, members)
            n_rows, offsets = rows.lengths[members], rows.offsets[members]
            for first in range(0, int(n_rows.max()), _ROWS_A_BLOCK):
                last = min(first + _ROWS_A_BLOCK, int(n_rows.max()))
                begin, end = np.minimum(first, n_rows), np.minimum(last, n_rows)
                steps = [np.arange(i, j) * every + every - 1 for i, j in zip(begin, end, strict=True)]
                readings = self._advance(batch, members, (first * every, last * every), steps, wanted)
                yield readings, (np.column_stack([begin, end]) + offsets[:, None])[begin < end]

    def _advance(
        self, batch: Any, members: slice, span: tuple[int, int], steps: list[np.ndarray], wanted: Wanted
    ) -> Readings:
        """Advance the samples of a batch from step to step; read each after its own `steps`."""
        bounds = np.concatenate([[0], np.cumsum([len(each) for each in steps])])
        slots = np.repeat(np.arange(len(steps)), np.diff(bounds))
        samples = np.column_stack([slots, np.concatenate(steps)]).astype(np.int64, copy=False)
        outputs = {name: np.empty((len(samples), self.network.n_units), self.dtype) for name in wanted.names}
        for begin, end in self._stretches(*span, len(steps)):
            rows = np.flatnonzero((samples[:, 1] >= begin) & (samples[:, 1] < end))
            parts = {name: np.empty((len(rows), output.shape[1]), self.dtype) for name, output in outputs.items()}
            batch.advance(end - begin, np.ascontiguousarray(samples[rows]), n_threads=self.n_threads, **parts)
            for name, part in parts.items():
                outputs[name][rows] = part
        return Readings(members, bounds, outputs.get("counts"), outputs.get("traces"), outputs.get("potentials"), batch)

    def shown(self, stimulus: Stimulus, *, recorded: list[int], watched: list[int]) -> Iterator[tuple[slice, Any]]:
        """Show all samples, a block at a time, and yield which, and the batch with what was recorded of them."""
        batch = self._batch(recorded=recorded, watched=watched)
        for members in self._blocks(len(stimulus.lengths)):
            stimulus.begin(batch, members)
            lengths = stimulus.lengths[members]
            for begin, end in self._stretches(0, int(lengths.max()), len(lengths)):
                batch.advance(end - begin, n_threads=self.n_threads)
            yield members, batch

    def learned(
        self, stimulus: Stimulus, n_snapshots: int, n_steps: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Show pieces of samples in random order, one after another, and return what is learned from all of them.

        Parameters
        ----------
        stimulus : Stimulus
            What pieces are taken from.
        n_snapshots, n_steps : int
            Number of pieces, and their length.
        rng : numpy.random.Generator
            Draws the order and the pieces.

        Returns
        -------
        recurrent, of_inputs : ndarray
            Weights in the order the network was given them.
        raised : ndarray
            What thresholds were raised by; empty if they were not.
        """
        batch = _batches(self.dtype)(self.network, 1, keep_learned=True, **self.learning)
        n_samples = len(stimulus.lengths)
        with progress(n_snapshots, "snapshots", shown=self.verbose) as advance:
            for first in range(0, n_snapshots, n_samples):
                for sample in rng.permutation(n_samples)[: n_snapshots - first]:
                    stimulus.begin_piece(batch, int(sample), n_steps, rng)
                    batch.advance(n_steps)
                    advance(1)
        recurrent, of_inputs, raised, _ = batch.learned(0)
        return recurrent, of_inputs, raised

    @property
    def _block(self) -> int:
        # Each plastic sample has weights of its own.
        return (_PLASTIC_SAMPLES_A_THREAD if self.learning else _SAMPLES_A_THREAD) * self.n_threads

    def _batch(self, n_samples: int | None = None, **options: Any) -> Any:
        return _batches(self.dtype)(self.network, n_samples or self._block, **self.learning, **options)

    def _blocks(self, n: int, n_together: int | None = None) -> Iterator[slice]:
        together = n_together or self._block
        with progress(n, "samples", shown=self.verbose) as advance:
            for first in range(0, n, together):
                members = slice(first, min(first + together, n))
                yield members
                advance(members.stop - first)

    def _stretches(self, begin: int, last: int, n_samples: int) -> Iterator[tuple[int, int]]:
        """Cut time so that what is done for each stretch takes about as long as Ctrl-C may wait."""
        steps = max(1, _FIRST_EVENTS // (n_samples * (self.network.n_units + self.network.n_synapses)))
        while begin < last:
            end = min(begin + steps, last)
            started = time.perf_counter()
            yield begin, end
            seconds = time.perf_counter() - started
            steps = max(1, int(np.clip(steps * _SECONDS_A_CALL / max(seconds, 1e-6), steps / 4, steps * 4)))
            begin = end


def _batches(dtype: np.dtype[Any]) -> Any:
    return _core.LiquidBatch32 if dtype == np.float32 else _core.LiquidBatch64
