"""Long sequences in pieces that run side by side.

A reservoir that forgets does not need the whole past. A piece of a sequence that begins with a run-up over the end of
the piece before it has the states of the whole sequence but for what the run-up has not made it forget, so pieces can
share each read of the weights, as sequences do, and use all threads. How much is forgotten is measured, not assumed:
every run-up is made from two starts, zero and states as large as units of tanh can have, and where they do not come to
agree the sequences run whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..sequences import Sequences

if TYPE_CHECKING:
    from ._harvest import Harvester, Noise

# As many as fill the widest lanes of some threads. The number of threads itself must not change how sequences are cut.
_PIECES = 64
# Fewer do not share reads, and the run-ups would be for nothing.
_FEWEST = 8
# Shorter pieces would spend too much of their time running up.
_RUN_UPS_A_PIECE = 4
# A run-up is this much longer than it was found to need where it was measured, and a multiple of so many steps.
_MARGIN = 1.25
_STEPS = 32


@dataclass(frozen=True)
class Runs:
    """What goes through a network side by side: whole sequences, or pieces of them.

    Attributes
    ----------
    bounds : int64 ndarray of shape (n_runs, 2)
        The rows ``[begin, end)`` of the inputs that each run goes over.
    members : int64 ndarray of shape (n_runs,)
        The sequence that each is of.
    initial : ndarray of shape (n_runs, n_units) or None
        States before the first row; None means zero.
    """

    bounds: np.ndarray
    members: np.ndarray
    initial: np.ndarray | None = None

    @classmethod
    def whole(cls, inputs: Sequences, initial: np.ndarray | None = None) -> Runs:
        """Return a run for each sequence."""
        bounds = np.column_stack([inputs.offsets[:-1], inputs.offsets[1:]])
        return cls(bounds, np.arange(len(inputs)), initial)

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.members)

    @property
    def lengths(self) -> np.ndarray:
        """Number of rows of each run."""
        return np.asarray(self.bounds[:, 1] - self.bounds[:, 0])


def pieces(harvester: Harvester, inputs: Sequences, noise: Noise | None, tolerance: float) -> Runs:
    """Cut sequences into pieces whose states are those of the whole sequences but for `tolerance`.

    Parameters
    ----------
    harvester : Harvester
        What they will run through.
    inputs : Sequences
        The sequences.
    noise : Noise or None
        Noise of the states.
    tolerance : float
        How far states from different starts may be apart at the beginning of a piece, in parts of the largest of them.

    Returns
    -------
    Runs
        The pieces, those of a sequence one after another. How they are cut depends on the network and the sequences,
        not on threads.
    """
    whole = Runs.whole(inputs)
    shortest = max(_RUN_UPS_A_PIECE * _STEPS, len(inputs.values) // _PIECES)
    if inputs.lengths.max() < 2 * shortest:
        return whole
    run_up = _run_up(harvester, inputs, noise, tolerance, len(inputs.values) // (_FEWEST * _RUN_UPS_A_PIECE))
    if run_up is None:
        return whole
    shortest = max(shortest, _RUN_UPS_A_PIECE * run_up)
    counts = np.maximum(inputs.lengths // shortest, 1)
    members = np.repeat(np.arange(len(inputs)), counts)
    if len(members) < max(_FEWEST, len(inputs) + 1):
        return whole
    nth = np.arange(len(members)) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = inputs.offsets[members] + inputs.lengths[members] * nth // counts[members]
    cuts = np.flatnonzero(nth)
    starts = np.repeat(_starts(harvester), len(cuts), axis=0)
    bounds = np.tile(np.column_stack([begin[cuts] - run_up, begin[cuts]]), (2, 1))
    ends = harvester.final_states(inputs, runs=Runs(bounds, np.tile(members[cuts], 2), starts), noise=noise)
    if not _agree(ends[: len(cuts)], ends[len(cuts) :], tolerance):
        return whole
    initial = np.zeros((len(members), harvester.network.n_state), harvester.dtype)
    initial[cuts] = ends[: len(cuts)]
    return Runs(np.column_stack([begin, np.append(begin[1:], len(inputs.values))]), members, initial)


def _run_up(harvester: Harvester, inputs: Sequences, noise: Noise | None, tolerance: float, most: int) -> int | None:
    """Return how many steps a run-up takes, measured at the beginning of the longest sequence; None if over `most`."""
    longest = int(inputs.lengths.argmax())
    states, begin = _starts(harvester), int(inputs.offsets[longest])
    for steps in range(_STEPS, min(most, int(inputs.lengths[longest])) + 1, _STEPS):
        bounds = np.tile([begin + steps - _STEPS, begin + steps], (2, 1))
        states = harvester.final_states(inputs, runs=Runs(bounds, np.array([longest, longest]), states), noise=noise)
        if _agree(states[:1], states[1:], tolerance):
            run_up = int(np.ceil(_MARGIN * steps / _STEPS)) * _STEPS
            return run_up if run_up <= most else None
    return None


def _starts(harvester: Harvester) -> np.ndarray:
    """Return two states: zeros, and ones of random sign."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], harvester.network.n_state)
    return np.array([0 * signs, signs], harvester.dtype)


def _agree(some: np.ndarray, others: np.ndarray, tolerance: float) -> bool:
    with np.errstate(invalid="ignore"):  # states of a reservoir that diverges do not agree
        return bool((abs(some - others).max(axis=1) <= tolerance * abs(others).max(axis=1)).all())
