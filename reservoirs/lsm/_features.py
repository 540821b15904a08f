"""What is read of a liquid's neurons, as numbers a readout can use. Silent samples never give NaN."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._params import check_choice, check_count, check_real
from ..sequences import Sequences
from ._present import Presenter, Readings, Stimulus, Wanted

FEATURES = ("counts", "traces", "potentials", "latency", "intervals")
_OF_ROWS = ("counts", "traces", "potentials")


@dataclass(frozen=True)
class Features:
    """Checked choice of features.

    Attributes
    ----------
    names : tuple of str
        In the order they are given.
    n_bins : int
    times : int or int64 ndarray
        A number of equally spaced times, or the steps after which traces and potentials are read.
    trace_decay : float
        Factor a step.
    l1 : bool
        Whether counts are divided by their sum.
    """

    names: tuple[str, ...]
    n_bins: int
    times: int | np.ndarray
    trace_decay: float
    l1: bool

    @classmethod
    def checked(cls, estimator: Any, dt: float) -> Features:
        """Check the parameters of an estimator."""
        given = estimator.features
        names = tuple(given) if isinstance(given, list | tuple) else (given,)
        for name in names:
            check_choice("features", name, FEATURES)
        if not names or len(set(names)) < len(names):
            raise ValueError(f"features={given!r} must name at least one feature, each once")
        if estimator.normalize is not None:
            check_choice("normalize", estimator.normalize, ("l1",))
        tau = check_real("tau_trace", estimator.tau_trace, 0.0, least_included=False)
        return cls(
            names,
            check_count("n_bins", estimator.n_bins),
            _check_times(estimator.sample_times, dt),
            # Not 0, which to the core means no traces.
            max(float(np.exp(-dt / tau)), float(np.finfo(np.float32).tiny)),
            estimator.normalize == "l1",
        )

    @property
    def n_per_unit(self) -> int:
        """Number of features a neuron gives."""
        n_times = self.times if isinstance(self.times, int) else len(self.times)
        sizes = {"counts": self.n_bins, "traces": n_times, "potentials": n_times, "latency": 1, "intervals": 2}
        return sum(sizes[name] for name in self.names)

    def of_samples(self, presenter: Presenter, stimulus: Stimulus) -> np.ndarray:
        """Show all samples; return one row of features for each."""
        self._check_lengths(stimulus.lengths)
        out = np.empty((len(stimulus.lengths), self.n_per_unit * presenter.network.n_units), presenter.dtype)
        for block in presenter.readings(stimulus, self._steps, self._wanted, intervals="intervals" in self.names):
            lengths = stimulus.lengths[block.members]
            parts = [getattr(self, f"_{name}")(block, lengths) for name in self.names]
            out[block.members] = np.hstack(parts)
        return out

    def of_rows(
        self, presenter: Presenter, stimulus: Stimulus
    ) -> tuple[Sequences, Iterator[tuple[np.ndarray, np.ndarray]]]:
        """Show all samples; give features for each row of numbers, read at its end.

        Returns
        -------
        rows : Sequences
            The rows of numbers.
        blocks : iterator of (features, bounds)
            Blocks of features, (n_block_rows, n_features), and the stretches ``[begin, end)`` of rows each is made of,
            (n_stretches, 2). How rows are put into blocks depends on their numbers alone.
        """
        self._check_of_rows()
        if stimulus.rows is None:
            raise ValueError(
                "X has no rows in time: time steps need sequences of numbers, shown as they are or encoded"
            )
        if (stimulus.lengths != stimulus.steps_per_row * stimulus.rows.lengths).any():
            raise ValueError(
                "time steps need rows of whole steps, shown to the end: the encoder's row_duration must be a multiple "
                "of dt, and duration None"
            )
        readings = presenter.readings_of_rows(stimulus, stimulus.rows, self._wanted)
        return stimulus.rows, ((self._hstack(block), bounds) for block, bounds in readings)

    def of_stream(self, *, by_row: bool) -> dict[str, Any]:
        """Return what the core's memory of a liquid has to know to read it: at the end of every row, or all so far."""
        if by_row:
            self._check_of_rows()
        elif "counts" in self.names and self.n_bins != 1:
            raise ValueError(f"n_bins={self.n_bins} divides a duration that no stream knows: it needs n_bins=1")
        elif {"traces", "potentials"} & set(self.names) and not (isinstance(self.times, int) and self.times == 1):
            raise ValueError("a stream reads traces and potentials as they are now: it needs sample_times=1")
        decay = self._wanted.trace_decay
        return {"features": list(self.names), "by_row": by_row, "shares": self.l1, "trace_decay": decay}

    def _check_of_rows(self) -> None:
        if others := [name for name in self.names if name not in _OF_ROWS]:
            raise ValueError(f"features={others[0]!r} is of whole samples; of time steps there are {_OF_ROWS}")

    def _hstack(self, block: Readings) -> np.ndarray:
        _warn_if_diverged(block)
        return np.hstack([getattr(block, name) for name in self.names])

    @property
    def _wanted(self) -> Wanted:
        names = tuple(name for name in self.names if name in _OF_ROWS)
        return Wanted(names, self.trace_decay if "traces" in names else 0.0)

    # -- when samples are read ----------------------------------------------------------------------------------------

    def _bins(self, length: int) -> np.ndarray:
        return _spaced(length, self.n_bins) if "counts" in self.names else np.zeros(0, np.int64)

    def _sampled(self, length: int) -> np.ndarray:
        if not ("traces" in self.names or "potentials" in self.names):
            return np.zeros(0, np.int64)
        return _spaced(length, self.times) if isinstance(self.times, int) else self.times

    def _steps(self, length: int) -> np.ndarray:
        return np.union1d(self._bins(length), self._sampled(length))

    def _check_lengths(self, lengths: np.ndarray) -> None:
        shortest = int(lengths.min())
        times = self._sampled(shortest)
        if isinstance(self.times, int):
            _check_parts("sample_times", len(times), shortest)
        elif len(times) and times[-1] >= shortest:
            raise ValueError(f"sample_times go to step {times[-1] + 1}, but the shortest sample has {shortest} steps")
        _check_parts("n_bins", len(self._bins(shortest)), shortest)

    # -- features of a block, (n_samples, n) --------------------------------------------------------------------------

    def _at(self, values: np.ndarray, block: Readings, lengths: np.ndarray) -> np.ndarray:
        """Pick what was read at the sampled times."""
        rows = [
            first + np.searchsorted(self._steps(int(length)), self._sampled(int(length)))
            for first, length in zip(block.bounds[:-1], lengths, strict=True)
        ]
        return np.asarray(values[np.concatenate(rows)].reshape(len(lengths), -1))

    def _counts(self, block: Readings, lengths: np.ndarray) -> np.ndarray:
        assert block.counts is not None
        # The rows of a bin are those up to and including its end.
        begins = [
            first + np.concatenate([[0], np.searchsorted(self._steps(int(length)), self._bins(int(length)))[:-1] + 1])
            for first, length in zip(block.bounds[:-1], lengths, strict=True)
        ]
        counts = np.add.reduceat(block.counts, np.concatenate(begins), axis=0).reshape(len(lengths), -1)
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if self.l1 else counts

    def _traces(self, block: Readings, lengths: np.ndarray) -> np.ndarray:
        assert block.traces is not None
        return self._at(block.traces, block, lengths)

    def _potentials(self, block: Readings, lengths: np.ndarray) -> np.ndarray:
        assert block.potentials is not None
        _warn_if_diverged(block)
        return self._at(block.potentials, block, lengths)

    @staticmethod
    def _latency(block: Readings, lengths: np.ndarray) -> np.ndarray:
        return np.asarray(block.batch.latency)

    @staticmethod
    def _intervals(block: Readings, lengths: np.ndarray) -> np.ndarray:
        return np.asarray(block.batch.intervals)


def _spaced(length: int, n: int) -> np.ndarray:
    """Return the last step of each of n equal parts."""
    return -(-np.arange(1, n + 1) * length // n) - 1


def _warn_if_diverged(block: Readings) -> None:
    if block.potentials is not None and not np.isfinite(block.potentials).all():
        warnings.warn(
            "membrane potentials are not finite: a smaller dt or weaker weights keep neurons stable",
            RuntimeWarning,
            stacklevel=2,
        )


def _check_parts(name: str, n: int, length: int) -> None:
    if n > length:
        raise ValueError(f"{name}={n} is more than the {length} steps of the shortest sample")


def _check_times(times: Any, dt: float) -> int | np.ndarray:
    if np.ndim(times) == 0:
        return check_count("sample_times", times)
    array = np.asarray(times)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"sample_times has shape {array.shape}; expected a number of times or a list of times in ms")
    steps = np.array([round(check_real(f"sample_times[{i}]", t, 0.0) / dt) - 1 for i, t in enumerate(array.tolist())])
    if steps[0] < 0 or (np.diff(steps) <= 0).any():
        raise ValueError(f"sample_times={times!r} must increase by at least one step of dt={dt} ms, from one step on")
    return steps
