"""The bindings' own guards: whatever is passed, an exception, never memory that is not ours.

Several of these calls once crashed the interpreter, so a crash of the whole run is how a guard that is missing shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservoirs import _core

N, K, M = 5, 2, 3  # units, inputs, outputs
LEAST, MOST = -(2**63), 2**63 - 1
zeros = np.zeros


def ints(*rows: Any) -> np.ndarray:
    return np.array(rows, np.int64)


def read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def sparse(**changes: Any) -> Any:
    """A network with one link a unit, unless changed."""
    parts = {
        "stage_sizes": [N],
        "row_start": np.arange(N + 1),
        "columns": np.arange(N, dtype=np.int32),
        "values": np.ones(N),
        "input_weights": zeros((N, K)),
        "bias": zeros(N),
        "leak": np.ones(N),
        "keep": zeros(N),
        "activation": "tanh",
    } | changes
    weights = tuple(parts.pop(name) for name in ("row_start", "columns", "values"))
    return _core.Network64(weights=weights, **parts)


def dense(**changes: Any) -> Any:
    parts = {
        "stage_sizes": [N],
        "weights": zeros((N, N)),
        "input_weights": zeros((N, K)),
        "bias": zeros(N),
        "leak": np.ones(N),
        "keep": zeros(N),
        "activation": "tanh",
    }
    return _core.Network64(**{**parts, **changes})


def harvest(**changes: Any) -> None:
    parts = {"inputs": zeros((4, K)), "stretches": ints([0, 4, 0, 0]), "states": zeros((1, N)), "out": zeros((4, N))}
    sparse().harvest(**{**parts, **changes})


def readout(n_outputs: int = M, n_features: int = N) -> Any:
    return _core.LinearReadout64(zeros((n_outputs, n_features)), zeros(n_outputs))


def learner(n_features: int = N) -> Any:
    return _core.LMS64(readout(M, n_features), 0.1, True)


def closed_loop(n_inputs: int = M + 1, **changes: Any) -> Any:
    parts = {"readout": readout(), "external": zeros((2, 4, 1)), "states": zeros((2, N)), "fed_back": zeros((2, M))}
    return sparse(input_weights=zeros((N, n_inputs))).closed_loop(**{**parts, **changes})


def nvar(**changes: Any) -> Any:
    """Two delays two steps apart of one external input and one output, and their products."""
    parts = {
        "readout": readout(1, 6),
        "monomials": np.array([[0, 1], [3, -1]], np.int32),
        "n_delays": 2,
        "stride": 2,
        "external": zeros((4, 1)),
        "history": zeros((2, 2)),
        "fed_back": zeros(1),
    }
    return _core.nvar_closed_loop(**{**parts, **changes})


def add_rows(**changes: Any) -> None:
    parts = {"rows": zeros((4, 3)), "bounds": ints([0, 4]), "sums": zeros((1, 3))}
    _core.add_rows(**{**parts, **changes})


def memory() -> Any:
    return _core.NetworkMemory64(sparse(), False, False)


def stream(*, fed_back: bool = False, of: Any = None, **changes: Any) -> Any:
    return _core.Stream64(memory(), of, feeds_back=fed_back, **changes)


def pooled(**changes: Any) -> Any:
    parts = {"washout": 0, "with_mean": True, "with_last": False, "missing": "error"}
    return _core.PooledStream64(memory(), **{**parts, **changes})


def delay_line(**changes: Any) -> Any:
    parts = {"monomials": np.array([[0, 1]], np.int32), "n_variables": 1, "n_delays": 2, "stride": 2}
    return _core.DelayLine64(**{**parts, **changes})


def test_the_unchanged_calls_are_fine() -> None:
    for call in (
        sparse,
        dense,
        lambda: dense(weights=zeros(N)),
        harvest,
        readout,
        closed_loop,
        nvar,
        add_rows,
        stream,
        pooled,
        delay_line,
    ):
        call()


no_values = {"columns": zeros(0, np.int32), "values": zeros(0)}
WRONG_VALUES: dict[str, Callable[[], Any]] = {
    # networks
    "no stage": lambda: sparse(stage_sizes=[]),
    "empty stage": lambda: sparse(stage_sizes=[N, 0]),
    "negative stage": lambda: sparse(stage_sizes=[N + 1, -1], input_weights=zeros((N + 1, K))),
    "first stage negative": lambda: sparse(stage_sizes=[-1, N + 1]),
    "stages too large": lambda: sparse(stage_sizes=[N, 1]),
    "stages beyond memory": lambda: sparse(stage_sizes=[2**62] * 4),
    "no units": lambda: sparse(
        stage_sizes=[0], row_start=ints(0)[:1], input_weights=zeros((0, K)), bias=zeros(0), leak=zeros(0), **no_values
    ),
    "input weights 1-D": lambda: sparse(input_weights=zeros(N)),
    "input weights 3-D": lambda: sparse(input_weights=zeros((N, K, 1))),
    "input weights 0-D": lambda: sparse(input_weights=np.array(0.0)),
    "input weights short": lambda: sparse(input_weights=zeros((N - 1, K))),
    "bias short": lambda: sparse(bias=zeros(N - 1)),
    "bias 2-D": lambda: sparse(bias=zeros((N, 1))),
    "leak long": lambda: sparse(leak=zeros(N + 1)),
    "keep short": lambda: sparse(keep=zeros(N - 1)),
    "remembering less than nothing": lambda: sparse(n_remembered=-1),
    "remembering for ever": lambda: sparse(n_remembered=MOST),
    "remembering in stages": lambda: sparse(n_remembered=1, stage_sizes=[N - 1, 1], input_weights=zeros((N - 1, K))),
    "remembering potentials": lambda: sparse(n_remembered=1, potentials=True),
    "remembering densely": lambda: dense(n_remembered=1),
    "column beyond the remembered": lambda: sparse(
        n_remembered=2, columns=np.array([0, 1, 2 * (N + K), 3, 4], np.int32)
    ),
    "gates narrow": lambda: sparse(gates=zeros((N, K - 1))),
    "gates in stages": lambda: sparse(gates=zeros((N, K)), stage_sizes=[N - 1, 1], input_weights=zeros((N - 1, K))),
    "gates and a memory": lambda: sparse(gates=zeros((N, K)), n_remembered=1),
    "mixing not square": lambda: sparse(mixing=zeros((N, N + 1))),
    "mixing short": lambda: sparse(mixing=(np.arange(N), np.arange(N, dtype=np.int32), np.ones(N))),
    "mixing beyond": lambda: sparse(mixing=(np.arange(N + 1), np.full(N, N, np.int32), np.ones(N))),
    "mixing by a transform": lambda: sparse(mixing=zeros(N)),
    "factors short": lambda: dense(weights=zeros(N - 1)),
    "spectra of too few groups": lambda: dense(weights=zeros((0, 1, 2, 16))),
    "spectra of three points": lambda: dense(weights=zeros((1, 3, 2, 16))),
    "spectra of 32 points": lambda: dense(weights=zeros((1, 32, 2, 16))),
    "spectra of no points": lambda: dense(weights=zeros((1, 0, 2, 16))),
    "spectra without parts": lambda: dense(weights=zeros((1, 1, 1, 16))),
    "spectra of 8 blocks": lambda: dense(weights=zeros((1, 1, 2, 8))),
    "mixing by circulants": lambda: sparse(mixing=zeros((1, 1, 2, 16))),
    "circulants of the past": lambda: dense(weights=zeros((1, 1, 2, 16)), n_remembered=1),
    "a transform in stages": lambda: dense(weights=zeros(N), stage_sizes=[N - 1, 1], input_weights=zeros((N - 1, K))),
    "a transform of the past": lambda: dense(weights=zeros(N), n_remembered=1),
    "unknown activation": lambda: sparse(activation="softmax"),
    "row_start short": lambda: sparse(row_start=np.arange(N)),
    "row_start decreases": lambda: sparse(row_start=np.array([0, 2, 1, 3, 4, 5])),
    "row_start negative": lambda: sparse(row_start=np.array([-1, 1, 2, 3, 4, 5])),
    "row_start beyond": lambda: sparse(row_start=np.array([0, 1, 2, 3, 4, 6])),
    "row_start huge": lambda: sparse(row_start=np.array([0, 1, 2, 3, 4, MOST])),
    "row_start does not span": lambda: sparse(row_start=np.array([0, 1, 2, 3, 4, 4])),
    "row_start jumps": lambda: sparse(row_start=np.array([0, MOST, 2, 3, 4, 5])),
    "column negative": lambda: sparse(columns=np.array([0, 1, -1, 3, 4], np.int32)),
    "column beyond": lambda: sparse(columns=np.array([0, 1, N, 3, 4], np.int32)),
    "column huge": lambda: sparse(columns=np.array([0, 1, 2**31 - 1, 3, 4], np.int32)),
    "columns unsorted": lambda: sparse(
        row_start=np.array([0, 5, 5, 5, 5, 5]), columns=np.array([0, 2, 1, 3, 4], np.int32)
    ),
    "column twice": lambda: sparse(row_start=np.array([0, 5, 5, 5, 5, 5]), columns=np.array([0, 1, 1, 3, 4], np.int32)),
    "columns short": lambda: sparse(columns=np.arange(N - 1, dtype=np.int32)),
    "values long": lambda: sparse(values=np.ones(N + 1)),
    "weights not square": lambda: dense(weights=zeros((N, N + 1))),
    "weights small": lambda: dense(weights=zeros((N - 1, N - 1))),
    "weights 1-D": lambda: dense(weights=zeros(N * N)),
    # harvest
    "inputs 1-D": lambda: harvest(inputs=zeros(4)),
    "inputs 0-D": lambda: harvest(inputs=np.array(0.0)),
    "inputs wide": lambda: harvest(inputs=zeros((4, K + 1))),
    "stretches 1-D": lambda: harvest(stretches=ints(0, 4, 0, 0)),
    "stretches narrow": lambda: harvest(stretches=ints([0, 4, 0])),
    "stretch begins before": lambda: harvest(stretches=ints([-1, 4, 0, 0])),
    "stretch begins far before": lambda: harvest(stretches=ints([LEAST, 4, 0, 0])),
    "stretch ends behind": lambda: harvest(stretches=ints([0, 5, 0, 0]), out=zeros((9, N))),
    "stretch ends far behind": lambda: harvest(stretches=ints([0, MOST, 0, 0])),
    "stretch ends before it begins": lambda: harvest(stretches=ints([3, 2, 3, 0])),
    "stored from before the stretch": lambda: harvest(stretches=ints([1, 4, 0, 0])),
    "stored from far before": lambda: harvest(stretches=ints([1, 4, LEAST, 0])),
    "stored behind the output": lambda: harvest(stretches=ints([0, 4, 0, 1])),
    "stored before the output": lambda: harvest(stretches=ints([0, 4, 0, -1])),
    "stored far behind the output": lambda: harvest(stretches=ints([0, 4, 0, MOST])),
    "stored where sums overflow": lambda: harvest(stretches=ints([0, 4, 0, MOST - 3])),
    "states for other stretches": lambda: harvest(states=zeros((2, N))),
    "states narrow": lambda: harvest(states=zeros((1, N - 1))),
    "states read-only": lambda: harvest(states=read_only(zeros((1, N)))),
    "output read-only": lambda: harvest(out=read_only(zeros((4, N)))),
    "output narrow": lambda: harvest(out=zeros((4, N - 1))),
    "output 1-D": lambda: harvest(out=zeros(4 * N)),
    "output 0-D": lambda: harvest(out=np.array(0.0)),
    "noise without places": lambda: harvest(noise_scale=1.0),
    "leak rates for other stretches": lambda: harvest(leak_keep=zeros((2, 2))),
    "leak rates alone": lambda: harvest(leak_keep=zeros((1, 1))),
    "noise for other stretches": lambda: harvest(noise_scale=1.0, noise_places=zeros((2, 2), np.int64)),
    # readouts and closed loops
    "coef 1-D": lambda: _core.LinearReadout64(zeros(3), zeros(1)),
    "intercept long": lambda: _core.LinearReadout64(zeros((3, 4)), zeros(4)),
    "readout of narrow rows": lambda: readout().apply(zeros((2, N - 1))),
    "readout of one row": lambda: readout().apply(zeros(N)),
    "readout of a number": lambda: readout().apply(np.array(0.0)),
    "closed loop with a wide readout": lambda: closed_loop(readout=readout(M, N + 1)),
    "closed loop with more outputs than inputs": lambda: closed_loop(n_inputs=M - 1),
    "closed loop without room for the external": lambda: closed_loop(n_inputs=M),
    "closed loop with squares": lambda: closed_loop(with_squares=True),
    "closed loop with input": lambda: closed_loop(with_input=True),
    "closed loop, external 2-D": lambda: closed_loop(external=zeros((4, 1))),
    "closed loop, states of fewer": lambda: closed_loop(states=zeros((1, N))),
    "closed loop, fed back narrow": lambda: closed_loop(fed_back=zeros((2, M - 1))),
    # NVAR
    "nvar without delays": lambda: nvar(n_delays=0),
    "nvar with stride 0": lambda: nvar(stride=0),
    "nvar with negative stride": lambda: nvar(stride=-2),
    "nvar with overflowing stride": lambda: nvar(
        readout=readout(1, 5),
        n_delays=5,
        stride=2**62,
        monomials=zeros((0, 1), np.int32),
        external=zeros((4, 0)),
        history=zeros((0, 1)),
    ),
    "nvar with overflowing delays": lambda: nvar(
        readout=readout(0, 0),
        n_delays=2**32 + 1,
        stride=2**32,
        monomials=zeros((0, 1), np.int32),
        external=zeros((4, 0)),
        history=zeros((0, 0)),
        fed_back=zeros(0),
    ),
    "nvar history short": lambda: nvar(history=zeros((1, 2))),
    "nvar history narrow": lambda: nvar(history=zeros((2, 1))),
    "nvar fed back long": lambda: nvar(fed_back=zeros(2)),
    "nvar external 1-D": lambda: nvar(external=zeros(4)),
    "nvar readout narrow": lambda: nvar(readout=readout(1, 5)),
    "nvar monomials 1-D": lambda: nvar(monomials=zeros(2, np.int32)),
    "nvar factor beyond": lambda: nvar(monomials=np.array([[0, 4], [0, 0]], np.int32)),
    "nvar factor negative": lambda: nvar(monomials=np.array([[0, -2], [0, 0]], np.int32)),
    "nvar first factor none": lambda: nvar(monomials=np.array([[-1, 0], [0, 0]], np.int32)),
    "nvar products of nothing": lambda: nvar(monomials=zeros((2, 0), np.int32)),
    # row sums
    "rows 1-D": lambda: add_rows(rows=zeros(3)),
    "rows 0-D": lambda: add_rows(rows=np.array(0.0)),
    "bounds before": lambda: add_rows(bounds=ints([-1, 2])),
    "bounds behind": lambda: add_rows(bounds=ints([0, 5])),
    "bounds far behind": lambda: add_rows(bounds=ints([0, MOST])),
    "bounds 1-D": lambda: add_rows(bounds=ints(0, 4)),
    "sums narrow": lambda: add_rows(sums=zeros((1, 2))),
    "sums of fewer": lambda: add_rows(bounds=ints([0, 1], [1, 2])),
    "sums read-only": lambda: add_rows(sums=read_only(zeros((1, 3)))),
    # streams
    "stream feeding back nothing": lambda: stream(fed_back=True),
    "stream feeding back more than its inputs": lambda: stream(fed_back=True, of=readout(K + 1)),
    "stream with a wide readout": lambda: stream(of=readout(M, N + 1)),
    "stream, wide input": lambda: stream().step(zeros(K + 1)),
    "stream, 2-D input": lambda: stream().step(zeros((1, K))),
    "stream, input is a number": lambda: stream().step(0.0),
    "stream, long state": lambda: setattr(stream(), "state", zeros(N + 1)),
    "stream, state is NaN": lambda: setattr(stream(), "state", zeros(N) + np.nan),
    "stream, no state": lambda: setattr(stream(), "state", None),
    "stream, text": lambda: stream().step("a"),
    "stream, infinite input": lambda: stream().step([np.inf] * K),
    "stream, missing input": lambda: stream().step([np.nan] * K),
    "stream that forecasts without feeding back": lambda: stream(of=readout(), forecasts=True),
    "stream with increments of nothing": lambda: stream(increments=True),
    "stream, scales of another number": lambda: stream(of_external=([0.0] * (K + 1), [1.0] * (K + 1))),
    "stream, scales without means": lambda: stream(of_external=([], [1.0] * K)),
    "stream, unknown policy": lambda: stream(missing="guess"),
    "stream with a learner and no readout": lambda: stream(learner=learner()),
    "stream with a learner of more": lambda: stream(of=readout(), learner=learner(N + 1)),
    "stream without a learner learns": lambda: stream(of=readout()).learn(zeros(M)),
    "stream learns before a step": lambda: stream(of=readout(), learner=learner()).learn(zeros(M)),
    "stream of more as a number": lambda: stream(of=readout(2)).step_number(zeros(K)),
    "stream runs on narrow rows": lambda: stream().run(zeros((3, K + 1))),
    "pooled stream, negative washout": lambda: pooled(washout=-1),
    "pooled stream predicts": lambda: pooled(missing="predict"),
    "pooled stream, wide coef": lambda: pooled(coef=zeros((1, N + 1)), intercept=zeros(1)),
    "pooled stream, long intercept": lambda: pooled(coef=zeros((1, N)), intercept=zeros(2)),
    "pooled stream, coef alone": lambda: pooled(coef=zeros((1, N))),
    "delay line, factor beyond": lambda: delay_line(monomials=np.array([[0, 2]], np.int32)),
    "delay line of nothing": lambda: delay_line(n_variables=0),
    "delay line, no delays": lambda: delay_line(n_delays=0),
    "scores of wide rows": lambda: _core.class_scores(zeros((2, 4)), zeros((2, 3)), zeros(2)),
    "scores, long intercept": lambda: _core.class_scores(zeros((2, 3)), zeros((2, 3)), zeros(3)),
}


@pytest.mark.parametrize("call", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_arrays_that_do_not_fit_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()


WRONG_TYPES: dict[str, Callable[[], Any]] = {
    "float32 for float64": lambda: sparse(bias=zeros(N, np.float32)),
    "int32 row_start": lambda: sparse(row_start=np.arange(N + 1, dtype=np.int32)),
    "int64 columns": lambda: sparse(columns=np.arange(N)),
    "swapped bytes": lambda: sparse(values=np.ones(N, np.dtype(float).newbyteorder())),
    "column-major weights": lambda: dense(weights=np.asfortranarray(zeros((N, N)))),
    "every second value": lambda: sparse(values=np.ones(2 * N)[::2]),
    "column-major inputs": lambda: harvest(inputs=np.asfortranarray(zeros((4, K)))),
    "float32 states": lambda: harvest(states=zeros((1, N), np.float32)),
    "output with gaps": lambda: harvest(out=zeros((4, 2 * N))[:, :N]),
    "output backwards": lambda: harvest(out=zeros((4, N))[::-1]),
    "float32 leak rates": lambda: harvest(leak_keep=zeros((2, 1), np.float32)),
    "int32 stretches": lambda: harvest(stretches=ints([0, 4, 0, 0]).astype(np.int32)),
    "list of inputs": lambda: harvest(inputs=[[0.0] * K] * 4),
    "no inputs": lambda: harvest(inputs=None),
    "negative seed": lambda: harvest(noise_seed=-1),
    "n_threads beyond int": lambda: harvest(n_threads=2**40),
    "readout of float32": lambda: closed_loop(readout=_core.LinearReadout32(zeros((M, N), "f"), zeros(M, "f"))),
    "no readout": lambda: closed_loop(readout=None),
    "rows of float16": lambda: add_rows(rows=zeros((4, 3), np.float16)),
    "tanh of integers": lambda: _core.tanh(np.arange(3)),
    "tanh of every second value": lambda: _core.tanh(zeros(8)[::2]),
    "stream of nothing": lambda: _core.Stream64(None, None),
    "stream of float32": lambda: _core.Stream32(memory(), None),
    "memory of nothing": lambda: _core.NetworkMemory64(None, False, False),
    "philox counter short": lambda: _core.philox([0, 0, 0], [0, 0]),
    "philox word too large": lambda: _core.philox([0, 0, 0, 2**32], [0, 0]),
}


@pytest.mark.parametrize("call", WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_types_that_do_not_fit_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        call()


def test_empty_arrays_are_fine() -> None:
    harvest(stretches=zeros((0, 4), np.int64), states=zeros((0, N)))
    harvest(
        stretches=zeros((0, 4), np.int64), states=zeros((0, N)), noise_scale=1.0, noise_places=zeros((2, 0), np.int64)
    )
    harvest(inputs=zeros((0, K)), stretches=ints([0, 0, 0, 0]), out=zeros((0, N)))
    assert closed_loop(external=zeros((2, 0, 1))).shape == (2, 0, M)
    assert closed_loop(external=zeros((0, 4, 1)), states=zeros((0, N)), fed_back=zeros((0, M))).shape == (0, 4, M)
    assert nvar(external=zeros((0, 1))).shape == (0, 1)
    assert readout().apply(zeros((0, N))).shape == (0, M)
    assert readout(M, 0).apply(zeros((2, 0))).shape == (2, M)
    assert _core.tanh(zeros((0, 3))).shape == (0, 3)
    add_rows(rows=zeros((4, 0)), sums=zeros((1, 0)))
    sparse(row_start=zeros(N + 1, np.int64), **no_values)


@pytest.mark.parametrize("n_threads", [-(2**31), -1, 0, 2**31 - 1])
def test_any_number_of_threads_is_fine(n_threads: int) -> None:
    # As many as the tasks and the operating system allow.
    n = 100_000
    rows = np.arange(n)
    states = zeros((n, N))
    stretches = np.column_stack([rows, rows + 1, rows, rows])
    sparse(bias=np.ones(N)).harvest(zeros((n, K)), stretches, states, None, n_threads=n_threads)
    np.testing.assert_array_equal(states, _core.tanh(np.ones((n, N))))


def test_nothing_is_written_outside_the_rows_asked_for() -> None:
    out = np.full((6, N + 2), 7.0)
    sparse(bias=np.ones(N)).harvest(zeros((4, K)), ints([0, 4, 2, 3]), zeros((1, N)), out)
    written = zeros(out.shape, bool)
    written[3:5, :N] = True
    assert ((out != 7) == written).all()


def unaligned(shape: tuple[int, ...]) -> np.ndarray:
    """An array that begins between two numbers, as those of packed records do."""
    array = np.frombuffer(bytearray(8 * int(np.prod(shape)) + 1), np.uint8)[1:].view(np.float64).reshape(shape)
    assert not array.flags.aligned
    return array


@pytest.mark.parametrize("past_caches", [False, True])
@pytest.mark.parametrize("n_sequences", [1, 6])
def test_unaligned_arrays_are_fine_or_refused(n_sequences: int, past_caches: bool) -> None:
    n_steps, n_units = 3, 50
    n_rows = n_sequences * n_steps
    weights, input_weights, ones = unaligned((n_units, n_units)), unaligned((n_units, K)), np.ones(n_units)
    network = _core.Network64([n_units], weights, input_weights, zeros(n_units), ones, zeros(n_units), "sigmoid")
    begin = np.arange(n_sequences) * n_steps
    stretches = np.column_stack([begin, begin + n_steps, begin, begin])
    out = unaligned((n_rows, n_units))
    try:
        network.harvest(
            unaligned((n_rows, K)), stretches, unaligned((n_sequences, n_units)), out, past_caches=past_caches
        )
    except ValueError:
        return
    assert (out == 0.5).all()


stretches = st.tuples(*[st.integers(0, 6)] * 4).map(
    lambda s: (min(s[:2]), max(s[:2]), min(s[:2]) + s[2] // 2, s[3] // 2)
)
wrong_numbers = st.tuples(st.integers(0, 3), st.sampled_from([LEAST, LEAST + 1, -1, 7, MOST - 1, MOST]))


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(several=st.lists(stretches, max_size=6), last=stretches, wrong=st.none() | wrong_numbers)
def test_stretches_stay_inside_or_are_refused(several: list[Any], last: Any, wrong: Any) -> None:
    if wrong:  # one number that gets as far as it can
        last = (*last[: wrong[0]], wrong[1], *last[wrong[0] + 1 :])
    several = [*several, last]
    padded = np.full((3 + 6 + 3, N), 7.0)
    out = padded[3:9]
    allowed = zeros(len(out), bool)
    valid = True
    for begin, end, store_from, out_row in several:
        stored = end - max(begin, store_from)
        valid &= 0 <= begin <= end <= 6
        valid &= stored <= 0 or (store_from >= begin and 0 <= out_row <= 6 - stored)
        if valid and stored > 0:
            allowed[out_row : out_row + stored] = True
    call = {"stretches": ints(*several), "inputs": zeros((6, K)), "states": np.ones((len(several), N)), "out": out}
    if valid:
        harvest(**call)
    else:
        with pytest.raises(ValueError, match="a stretch leaves"):
            harvest(**call)
        allowed[:] = False
    assert ((out != 7).all(axis=1) == allowed).all()
    assert (padded[:3] == 7).all()
    assert (padded[9:] == 7).all()
