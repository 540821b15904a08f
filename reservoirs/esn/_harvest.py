"""Running sequences through a compiled network, a stretch of time after another.

Every call into the core is short (a few tenths of a second), so Ctrl-C is honoured between calls, and memory stays
bounded: states are kept for the sequences under way only, features for one block of rows. Cutting time into stretches
changes no bit, because a stretch begins with the states the one before it ended with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..sequences import Sequences
from ..topology._transform import TransformWeights
from ._pieces import Runs, pieces

# Multiply-adds in one call of the core on one thread: a tenth of a second or less, a third with the slow baseline
# kernels; more only where steps are so large that the two least numbers below make more. None of these numbers depends
# on the threads, nor then does the order in which a fit adds its blocks up.
_WORK_A_CALL = 150_000_000
# So many rows pay for waking threads that share the steps of one sequence.
_FEWEST_ROWS = 32
# A normal number takes as long as this many multiply-adds.
_WORK_OF_NOISE = 200
_ROWS_A_BLOCK = 2048
# Larger outputs are written past the caches: nobody finds them there again (measured: 64 sequences 1.4 times as fast).
_CACHED_BYTES = 32 << 20
# Enough sequences under way to fill the lanes of many threads; and however large a step is, those of two: sequences
# that share each weight take a small part of the time that as many alone would.
_SEQUENCES_TOGETHER = 256
_FEWEST_TOGETHER = 64


@dataclass(frozen=True)
class Noise:
    """Gaussian noise of the states, a function of seed, sequence, step and unit.

    Attributes
    ----------
    scale : float
        Standard deviation.
    seed : int
    first_sequence : int
        Number of the first sequence: one more for every sequence that an earlier part of a fit has seen.
    """

    scale: float
    seed: int
    first_sequence: int = 0


@dataclass(frozen=True)
class Harvester:
    """A compiled network and what is read from it.

    Attributes
    ----------
    network : _core.Network32 or _core.Network64
    dtype : numpy dtype
        Of the network's numbers.
    with_input, with_squares : bool
        Whether a row of features holds, after the states, the inputs and the squared states.
    n_threads : int
    leak_keep : ndarray of shape (2, n_sequences) or None
        What replaces leak rate and kept share of all units, by sequence.
    """

    network: Any
    dtype: np.dtype[Any]
    with_input: bool = False
    with_squares: bool = False
    n_threads: int = 1
    leak_keep: np.ndarray | None = None

    @property
    def n_features(self) -> int:
        """Width of a row of features."""
        width: int = self.network.n_units * (1 + self.with_squares) + self.n_inputs * self.with_input
        return width

    @property
    def n_inputs(self) -> int:
        """Inputs in a row of features."""
        n: int = self.network.n_inputs
        return n

    def features(
        self, inputs: Sequences, *, washout: int = 0, noise: Noise | None = None, tolerance: float = 0.0
    ) -> np.ndarray:
        """Return the features of all rows but the first `washout` of each sequence.

        With a `tolerance` long sequences run in pieces, see :func:`pieces`.
        """
        runs = self._runs(inputs, noise, tolerance)
        begin = np.clip(inputs.offsets[runs.members] + washout, runs.bounds[:, 0], runs.bounds[:, 1])
        kept = runs.bounds[:, 1] - begin
        out = np.empty((int(kept.sum()), self.n_features), self.dtype)
        first = np.cumsum(kept) - kept
        for window in self._windows(inputs, runs, self._rows_a_call(noise), noise):
            stored = np.clip(begin[window.runs], window.bounds[:, 0], window.bounds[:, 1])
            window.harvest(out, stored, first[window.runs] + np.maximum(stored - begin[window.runs], 0))
        self._fill(out, inputs, np.column_stack([begin, runs.bounds[:, 1]]))
        return out

    def blocks(
        self,
        inputs: Sequences,
        *,
        washout: int = 0,
        noise: Noise | None = None,
        initial: np.ndarray | None = None,
        final: np.ndarray | None = None,
        tolerance: float = 0.0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Iterate over blocks of features.

        With a `tolerance` long sequences run in pieces, see :func:`pieces`.

        Yields
        ------
        features : ndarray of shape (n_block_rows, n_features)
            Valid until the next block.
        bounds : int64 ndarray of shape (n_stretches, 2)
            The rows of `inputs` the block is made of, one stretch ``[begin, end)`` after another.
        members : int64 ndarray of shape (n_stretches,)
            The sequence of each stretch.
        """
        runs = self._runs(inputs, noise, tolerance, initial)
        rows = min(self._rows_a_block, self._rows_a_call(noise))
        buffer = np.empty((max(rows, min(len(runs), self._most_together)), self.n_features), self.dtype)
        for window in self._windows(inputs, runs, rows, noise, final):
            members = runs.members[window.runs]
            stored = np.clip(inputs.offsets[members] + washout, window.bounds[:, 0], window.bounds[:, 1])
            counts = window.bounds[:, 1] - stored
            block = buffer[: int(counts.sum())]
            window.harvest(block, stored, np.cumsum(counts) - counts)
            if len(block):
                bounds = np.column_stack([stored, window.bounds[:, 1]])[counts > 0]
                self._fill(block, inputs, bounds)
                yield block, bounds, members[counts > 0]

    def final_states(
        self, inputs: Sequences, initial: np.ndarray | None = None, runs: Runs | None = None, noise: Noise | None = None
    ) -> np.ndarray:
        """Return the states after the last row of each run, by default of each sequence, shape (n_runs, n_units)."""
        runs = Runs.whole(inputs, initial) if runs is None else runs
        final = np.empty((len(runs), self.network.n_state), self.dtype)
        for window in self._windows(inputs, runs, self._rows_a_call(noise), noise):
            window.harvest(None, window.bounds[:, 1], np.zeros(len(window.runs), np.int64))
            # Of what goes on, this is overwritten.
            final[window.runs] = window.states
        return final

    def closed_loop(self, readout: Any, external: np.ndarray, states: np.ndarray, fed_back: np.ndarray) -> np.ndarray:
        """Run sequences of equal length on their own outputs.

        Parameters
        ----------
        readout : _core.LinearReadout32 or _core.LinearReadout64
        external : ndarray of shape (n_sequences, n_steps, n_external)
            The inputs that come from outside.
        states : ndarray of shape (n_sequences, n_units)
        fed_back : ndarray of shape (n_sequences, n_outputs)
            The outputs before the first step.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_outputs)
        """
        states, fed_back = states.copy(), fed_back.copy()
        n_sequences, n_steps = external.shape[:2]
        steps = max(1, self._rows_a_call() // n_sequences)
        outputs = [
            self.network.closed_loop(
                readout,
                np.ascontiguousarray(external[:, t : t + steps]),
                states,
                fed_back,
                self.with_input,
                self.with_squares,
                self.n_threads,
            )
            for t in range(0, n_steps, steps)
        ]
        return np.concatenate(outputs, axis=1)

    def memory(self) -> Any:
        """Return what runs the network a row at a time."""
        memory = _core.NetworkMemory32 if self.dtype == np.float32 else _core.NetworkMemory64
        return memory(self.network, self.with_input, self.with_squares)

    @property
    def _rows_a_block(self) -> int:
        return _ROWS_A_BLOCK

    @property
    def _most_together(self) -> int:
        return min(_SEQUENCES_TOGETHER, max(_FEWEST_TOGETHER, self._rows_a_call()))

    def _rows_a_call(self, noise: Noise | None = None) -> int:
        work: int = self.network.work
        if noise is not None and noise.scale > 0:
            work += _WORK_OF_NOISE * self.network.n_units
        return max(_FEWEST_ROWS, _WORK_A_CALL // work)

    def _runs(
        self, inputs: Sequences, noise: Noise | None, tolerance: float, initial: np.ndarray | None = None
    ) -> Runs:
        return pieces(self, inputs, noise, tolerance) if tolerance > 0 else Runs.whole(inputs, initial)

    def _windows(
        self, inputs: Sequences, runs: Runs, rows: int, noise: Noise | None, final: np.ndarray | None = None
    ) -> Iterator[_Window]:
        # Longest first, so that runs of similar length go together.
        order = np.argsort(-runs.lengths, kind="stable")
        for at in range(0, len(order), self._most_together):
            together = order[at : at + self._most_together]
            states = np.zeros((len(together), self.network.n_state), self.dtype)
            if runs.initial is not None:
                states[:] = runs.initial[together]
            lengths = runs.lengths[together]
            steps = max(1, rows // len(together))
            for t in range(0, int(lengths[0]), steps):
                running = together[: int(np.count_nonzero(lengths > t))]
                begin = runs.bounds[running, 0] + t
                end = np.minimum(begin + steps, runs.bounds[running, 1])
                bounds = np.column_stack([begin, end])
                yield _Window(self, inputs, runs.members[running], running, bounds, states[: len(running)], noise)
            if final is not None:
                # Of several pieces of a sequence, the last.
                ends = runs.bounds[together, 1] == inputs.offsets[runs.members[together] + 1]
                final[runs.members[together[ends]]] = states[ends]

    def _fill(self, block: np.ndarray, inputs: Sequences, bounds: np.ndarray) -> None:
        n_units = at = self.network.n_units
        if self.with_input:
            at += self.n_inputs
            block[:, n_units:at] = inputs.rows(bounds)
        if self.with_squares:
            # A square that overflows is a reservoir that diverges, which whoever asked for the features reports.
            with np.errstate(over="ignore"):
                np.square(block[:, :n_units], out=block[:, at:])


@dataclass(frozen=True)
class _Window:
    """A stretch of time of the runs under way, and the sequences they belong to."""

    harvester: Harvester
    inputs: Sequences
    members: np.ndarray
    runs: np.ndarray
    bounds: np.ndarray
    states: np.ndarray
    noise: Noise | None

    def harvest(self, out: np.ndarray | None, store_from: np.ndarray, out_row: np.ndarray) -> None:
        """Advance the states; write the rows from `store_from` on to `out`, beginning at `out_row`."""
        stretches = np.column_stack([self.bounds, store_from, out_row]).astype(np.int64, copy=False)
        of_sequences: dict[str, Any] = {}
        if self.noise is not None and self.noise.scale > 0:
            numbers = self.noise.first_sequence + self.members
            places = np.stack([numbers, self.bounds[:, 0] - self.inputs.offsets[self.members]]).astype(np.int64)
            of_sequences = {"noise_scale": self.noise.scale, "noise_seed": self.noise.seed, "noise_places": places}
        if self.harvester.leak_keep is not None:
            of_sequences["leak_keep"] = np.ascontiguousarray(self.harvester.leak_keep[:, self.members])
        self.harvester.network.harvest(
            self.inputs.values,
            np.ascontiguousarray(stretches),
            self.states,
            out,
            past_caches=out is not None and out.nbytes > _CACHED_BYTES,
            n_threads=self.harvester.n_threads,
            **of_sequences,
        )


def make_network(
    W: Any,
    W_in: np.ndarray,
    bias: np.ndarray,
    gain: np.ndarray,
    keep: np.ndarray,
    activation: str,
    layer_sizes: list[int],
    *,
    mixing: Any = None,
    potentials: bool = False,
    n_remembered: int = 0,
    gates: np.ndarray | None = None,
) -> Any:
    """Compile the arrays of a network, all of one dtype, into the core's form; matrices are dense or CSR."""
    network: Any = _core.Network32 if W.dtype == np.float32 else _core.Network64
    rest = [np.ascontiguousarray(a) for a in (W_in, bias, gain, keep)]
    mixing = None if mixing is None else _matrix(mixing)
    return network(
        layer_sizes,
        _matrix(W),
        *rest,
        activation,
        mixing=mixing,
        potentials=potentials,
        n_remembered=n_remembered,
        gates=None if gates is None else np.ascontiguousarray(gates),
    )


def _matrix(W: Any) -> Any:
    if isinstance(W, TransformWeights):
        return np.ascontiguousarray(W.numbers)
    if isinstance(W, np.ndarray):
        return np.ascontiguousarray(W)
    return W.indptr.astype(np.int64), W.indices.astype(np.int32), np.ascontiguousarray(W.data)


def make_readout(coef: np.ndarray, intercept: np.ndarray, dtype: np.dtype[Any]) -> Any:
    """Compile a linear readout into the core's form."""
    readout: Any = _core.LinearReadout32 if dtype == np.float32 else _core.LinearReadout64
    return readout(np.ascontiguousarray(coef, dtype), np.ascontiguousarray(intercept, dtype))
