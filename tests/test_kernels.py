"""Tests of the compiled kernels against plain NumPy twins, at every SIMD level and in both precisions."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference import (
    LEVELS,
    Net,
    add_rows,
    apply_readout,
    assert_same_bits,
    fma,
    nvar_closed_loop,
    philox,
    simd_level,
    state_noise,
)
from scipy.linalg import block_diag
from scipy.special import ndtri
from scipy.stats import kstest

from reservoirs import _core
from reservoirs.esn._narrow import rounded
from reservoirs.topology import blocked_weights

FUNCTIONS = ("tanh", "exp", "logistic")
DTYPES = (np.float32, np.float64)
LENGTHS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 97)
OBJECTS = sorted(Path(__file__).parents[1].glob("build/tests/CMakeFiles/reservoirs_kernels.dir/csrc/kernels/*.o"))
EXTENDED = np.finfo(np.longdouble).nmant >= 63

every_level = pytest.mark.parametrize("level", LEVELS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=("float32", "float64"))
every_function = pytest.mark.parametrize("function", FUNCTIONS)


# The reference itself.


def as_fraction(values: np.ndarray) -> list[Fraction]:
    return [Fraction(float(x)) for x in values]


@every_dtype
def test_the_reference_multiply_add_is_rounded_once(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    size = 3000
    a, b = (rng.standard_normal((2, size)) * 2.0 ** rng.integers(-12, 12, (2, size))).astype(dtype)
    c = rng.standard_normal(size).astype(dtype)
    # The hard cases: sums that cancel, and sums that lie beside the middle of two numbers.
    c[: size // 3] = -(a * b)[: size // 3]
    middle = slice(size // 3, size // 2)
    a[middle] = 1 + np.finfo(dtype).eps
    b[middle] = np.finfo(dtype).eps * np.array([0.5, -0.5, 0.25, 0.75], dtype)[np.arange(size)[middle] % 4]
    c[middle] = 1 + rng.integers(0, 9, size)[middle] * np.finfo(dtype).eps
    exact = [x * y + z for x, y, z in zip(*map(as_fraction, (a, b, c)), strict=True)]
    rounded = fma(a, b, c)
    up, down = np.nextafter(rounded, dtype(np.inf)), np.nextafter(rounded, -dtype(np.inf))
    cases = zip(exact, *map(as_fraction, (rounded, up, down)), rounded, strict=True)
    for e, r, above, below, value in cases:
        distance = abs(e - r)
        nearest = min(abs(e - above), abs(e - below))
        even = np.array(value).view(np.uint32 if dtype == np.float32 else np.uint64) % 2 == 0
        assert distance < nearest or (distance == nearest and even)
    assert (rounded != a * b + c).any()


# Elementary functions.


def arguments(function: str, dtype: Any) -> np.ndarray:
    """Every magnitude there is, the range where the function bends, and the seams of its argument reduction."""
    rng = np.random.default_rng(1)
    integer = np.uint32 if dtype == np.float32 else np.uint64
    patterns = rng.integers(0, np.iinfo(integer).max, 50_000, dtype=integer, endpoint=True).view(dtype)
    span = {"tanh": (-21, 21), "exp": (-112, 92), "logistic": (-112, 112)}[function]
    if dtype == np.float64 and function != "tanh":
        span = {"exp": (-765, 725), "logistic": (-765, 765)}[function]
    bend = np.concatenate([rng.uniform(*span, 50_000), rng.uniform(-1.5, 1.5, 50_000)])
    seams = (np.arange(-2300, 2300) * (np.log(2) / 4)).astype(dtype)
    beside = [np.nextafter(seams, dtype(side)) for side in (-np.inf, np.inf)]
    return np.concatenate([patterns[np.isfinite(patterns)], bend.astype(dtype), seams, *beside])


def extended(function: str, x: np.ndarray) -> np.ndarray:
    """The function with more digits than the tested precision has: longdouble for float64, float64 for float32."""
    wide = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    with np.errstate(over="ignore", under="ignore"):
        if function == "logistic":
            tail = np.exp(-np.abs(wide))
            return np.where(wide < 0, tail, 1) / (1 + tail)
        return getattr(np, function)(wide)


def ulp_errors(actual: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Errors in units of the last place of the correctly rounded result."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = exact.astype(actual.dtype)
        last = np.spacing(np.minimum(np.abs(rounded), np.finfo(actual.dtype).max))
        # Near the least number a longdouble or float64 still resolves the spacing.
        return np.where(actual == rounded, 0, np.abs(actual.astype(exact.dtype) - exact) / last)


@every_level
@every_dtype
@every_function
def test_elementary_functions_are_accurate_to_4_ulp(function: str, dtype: Any, level: str) -> None:
    if dtype == np.float64 and not EXTENDED:
        pytest.skip("no extended precision on this platform; the mpmath test covers float64 with fewer points")
    x = arguments(function, dtype)
    with simd_level(level):
        actual = getattr(_core, function)(x)
    assert actual.dtype == dtype
    assert ulp_errors(actual, extended(function, x)).max() < 4


def exactly(function: str, x: float) -> mpmath.mpf:
    x = mpmath.mpf(x)
    return {"tanh": mpmath.tanh, "exp": mpmath.exp, "logistic": lambda v: 1 / (1 + mpmath.exp(-v))}[function](x)


@every_dtype
@every_function
def test_elementary_functions_agree_with_arbitrary_precision(function: str, dtype: Any) -> None:
    x = np.random.default_rng(2).choice(arguments(function, dtype), 300)
    actual = getattr(_core, function)(x)
    with mpmath.workprec(2200):  # tanh of the least number still differs from it
        for argument, value in zip(x.tolist(), actual.tolist(), strict=True):
            exact = exactly(function, argument)
            if np.isinf(value):
                assert exact > mpmath.mpf(float(np.finfo(dtype).max))
            else:
                assert abs(exact - mpmath.mpf(value)) < 4 * mpmath.mpf(float(np.spacing(dtype(abs(value)))))


@every_level
@every_dtype
def test_elementary_functions_at_special_arguments(dtype: Any, level: str) -> None:
    info = np.finfo(dtype)
    least = info.smallest_subnormal
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, least, -least, info.tiny, info.max, -info.max], dtype)
    with simd_level(level):
        tanh, exp, logistic = (getattr(_core, name)(x) for name in FUNCTIONS)
    assert_same_bits(tanh, np.array([0, -0.0, 1, -1, np.nan, least, -least, info.tiny, 1, -1], dtype))
    assert_same_bits(exp, np.array([1, 1, np.inf, 0, np.nan, 1, 1, 1, np.inf, 0], dtype))
    assert_same_bits(logistic, np.array([0.5, 0.5, 1, 0, np.nan, 0.5, 0.5, 0.5, 1, 0], dtype))


@every_dtype
def test_tanh_is_odd_and_never_passes_one(dtype: Any) -> None:
    x = arguments("tanh", dtype)
    y = _core.tanh(x)
    assert_same_bits(_core.tanh(-x), -y)
    assert np.abs(y).max() == 1
    assert (np.sign(y) == np.sign(x)).all()


@every_dtype
@every_function
def test_bounded_and_monotone_up_to_rounding(function: str, dtype: Any) -> None:
    x = np.sort(arguments(function, dtype))
    y = getattr(_core, function)(x)
    # Errors below 4 ULP allow a step back of 8 at most.
    before, after = y[:-1][np.isfinite(y[:-1])], y[1:][np.isfinite(y[:-1])]
    assert (after >= before - 8 * np.spacing(np.abs(before))).all()
    assert function == "exp" or np.abs(y).max() <= 1


@every_level
@every_dtype
@every_function
def test_every_length_gives_the_bits_of_a_long_array(function: str, dtype: Any, level: str) -> None:
    x = np.random.default_rng(3).normal(0, 3, max(LENGTHS)).astype(dtype)
    with simd_level("base"):
        whole = getattr(_core, function)(x)
    with simd_level(level):
        for n in LENGTHS:
            assert_same_bits(getattr(_core, function)(x[:n].copy()), whole[:n])


@every_dtype
def test_elementary_functions_keep_the_shape(dtype: Any) -> None:
    x = np.linspace(-1, 1, 24, dtype=dtype)
    assert_same_bits(_core.tanh(x.reshape(2, 3, 4)), _core.tanh(x).reshape(2, 3, 4))


# The network.

networks = st.fixed_dictionaries(
    {
        "stage": st.integers(1, 70),
        "n_stages": st.sampled_from([1, 1, 1, 2, 3]),
        "n_inputs": st.integers(0, 5),
        "density": st.sampled_from([0.0, 0.05, 0.3, 1.0]),
        "strips": st.sampled_from([False, False, True]),
        "weight_dtype": st.sampled_from([None, "bfloat16", "int8"]),
        "form": st.sampled_from(["leaky", "mixing", "potentials", "both"]),
        "leak": st.sampled_from([None, 0.3, 1.0]),  # None: each unit has its own
        "links": st.sampled_from(["at once", "at once", "late", "gated", "hadamard", "circulant"]),
        "n_sequences": st.sampled_from([1, 2, 4, 5, 6, 17, 33, 40]),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def spectra(n_units: int, rng: np.random.Generator) -> np.ndarray:
    n = int(rng.choice([1, 2, 4, 8, 16]))
    return rng.uniform(-1, 1, (-(-n_units // (32 * n)), n, 2, 16))


def draw(case: dict[str, Any], dtype: Any, kind: str, leak: float | None = None) -> Net:
    """A random network: rows of different length, links only within a stage and to the stage below."""
    rng = np.random.default_rng(case["seed"])
    size, n_stages = case["stage"], case["n_stages"]
    n = size * n_stages
    W = rng.uniform(-1, 1, (n, n)) * (rng.random((n, n)) < case["density"]) / np.sqrt(1 + case["density"] * size)
    stage_of = np.arange(n) // size
    W[stage_of[None] > stage_of[:, None]] = 0
    W[stage_of[None] < stage_of[:, None] - 1] = 0
    if case.get("strips"):
        # What needs no gathered loads, where no other link is in the way.
        degree = min(4, max(1, size - 15))
        W = block_diag(*(blocked_weights(size, degree, rng).toarray() for _ in range(n_stages)))
    arrays = [W, rng.uniform(-1, 1, (size, case["n_inputs"])), rng.uniform(-1, 1, n)]
    leak = case.get("leak") if leak is None else leak
    arrays.append(rng.uniform(0.05, 1, n) if leak is None else np.full(n, leak))
    form = case.get("form", "leaky")
    arrays.append(1 - arrays[-1] if form == "leaky" else rng.uniform(-1, 1, n))
    mixing = np.where(rng.random((n, n)) < case["density"], rng.uniform(-1, 1, (n, n)), 0) / np.sqrt(n)
    links = case.get("links", "at once") if n_stages == 1 else "at once"
    potentials = form in ("potentials", "both") and links != "late"
    n_remembered, gates = 0, None
    if links == "late":
        n_remembered = int(rng.integers(1, 5))
        n_columns = n_remembered * (n + case["n_inputs"])
        arrays[0] = rng.uniform(-1, 1, (n, n_columns)) * (rng.random((n, n_columns)) < case["density"]) / size
    elif links == "gated":
        gates = rng.uniform(-1, 1, (n, case["n_inputs"])).astype(dtype)
    elif links == "hadamard":
        arrays[0] = rng.uniform(-1, 1, n) / np.sqrt(n)
    elif links == "circulant":
        arrays[0] = spectra(n, rng)
    if arrays[0].ndim == 2:
        arrays[0] = rounded(arrays[0], case.get("weight_dtype"))
    return Net(
        [size] * n_stages,
        *(a.astype(dtype) for a in arrays),
        kind,
        mixing.astype(dtype) if form in ("mixing", "both") else None,
        potentials,
        n_remembered,
        gates,
    )


def run(
    network: Any, inputs: np.ndarray, states: np.ndarray, past_caches: bool = False, leak_keep: np.ndarray | None = None
) -> np.ndarray:
    """Drive sequences (n_sequences, n_steps, n_inputs) and return all their states; `states` holds the last after."""
    n, n_steps, _ = inputs.shape
    out = np.full((n * n_steps, network.n_units), np.nan, inputs.dtype)
    begin = np.arange(n, dtype=np.int64) * n_steps
    stretches = np.column_stack([begin, begin + n_steps, begin, begin])
    rows = inputs.reshape(n * n_steps, -1)
    network.harvest(rows, stretches, states, out, leak_keep=leak_keep, past_caches=past_caches)
    return out.reshape(n, n_steps, -1)


def check_against_twin(net: Net, n_sequences: int, seed: int, n_steps: int = 3) -> None:
    rng = np.random.default_rng(seed + 1)
    dtype = net.W.dtype
    inputs = rng.uniform(-1, 1, (n_sequences, n_steps, net.W_in.shape[1])).astype(dtype)
    start = rng.uniform(-1, 1, (n_sequences, net.n_state)).astype(dtype)
    expected, x = [], start
    for t in range(n_steps):
        x = net.step(x, inputs[:, t])
        expected.append(net.shown(x))
    states = np.stack(expected, axis=1)
    forms = (False,) if net.n_remembered else (False, True)
    for level, dense, past_caches in product(LEVELS, forms, (False, True)):
        last = start.copy()
        with simd_level(level):
            assert_same_bits(run(net.compiled(dense=dense), inputs, last, past_caches), states)
        assert_same_bits(last, x)


@every_dtype
@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=networks)
def test_sums_are_exactly_those_of_the_twin(dtype: Any, case: dict[str, int]) -> None:
    # With no leak and no nonlinearity the states are the sums.
    check_against_twin(draw(case, dtype, "identity", leak=1.0), case["n_sequences"], case["seed"], n_steps=2)


@every_dtype
@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=networks, kind=st.sampled_from(["tanh", "relu", "sigmoid", "identity"]))
def test_steps_are_exactly_those_of_the_twin(dtype: Any, case: dict[str, int], kind: str) -> None:
    check_against_twin(draw(case, dtype, kind), case["n_sequences"], case["seed"])


@every_dtype
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    n_units=st.integers(0, 13).flatmap(lambda bits: st.integers(1, 1 << bits)),
    is_circulant=st.booleans(),
    seed=st.integers(0, 999),
)
def test_transforms_of_any_size_are_exactly_those_of_the_twin(
    dtype: Any, n_units: int, is_circulant: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    W = spectra(n_units, rng) if is_circulant else rng.uniform(-1, 1, n_units)
    zeros, ones = np.zeros(n_units, dtype), np.ones(n_units, dtype)
    net = Net([n_units], W.astype(dtype), zeros[:, None], zeros, ones, zeros, "identity")
    check_against_twin(net, 2, seed, n_steps=1)


@every_dtype
@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=networks, kind=st.sampled_from(["tanh", "sigmoid"]))
def test_sequences_may_have_leak_rates_of_their_own(dtype: Any, case: dict[str, int], kind: str) -> None:
    net, n = draw(case, dtype, kind), case["n_sequences"]
    rng = np.random.default_rng(case["seed"])
    inputs = rng.uniform(-1, 1, (n, 3, net.W_in.shape[1])).astype(dtype)
    start = rng.uniform(-1, 1, (n, net.n_state)).astype(dtype)
    leak_keep = rng.uniform(-1, 1, (2, n)).astype(dtype)
    # A network for each sequence, whose units all have its leak rate.
    nets = [replace(net, leak=np.full_like(net.leak, a), keep=np.full_like(net.keep, k)) for a, k in leak_keep.T]
    for level, dense in product(LEVELS, (False,) if net.n_remembered else (False, True)):
        with simd_level(level):
            last = start.copy()
            together = run(net.compiled(dense=dense), inputs, last, leak_keep=leak_keep)
            for i, own in enumerate(nets):
                alone = start[i : i + 1].copy()
                assert_same_bits(together[i : i + 1], run(own.compiled(dense=dense), inputs[i : i + 1], alone))
                assert_same_bits(last[i : i + 1], alone)


@every_dtype
def test_a_negative_zero_does_not_depend_on_the_padding(dtype: Any) -> None:
    # The first row has no links, so that its padding alone decides whether -0 + 0 * 0 is ever formed.
    case = {"stage": 18, "n_stages": 1, "n_inputs": 0, "density": 0.3, "seed": 0}
    net = draw(case, dtype, "identity", leak=1.0)
    net.W[[0, 17]] = 0
    net.bias[[0, 17]] = -0.0
    for n_sequences in (1, 6):
        check_against_twin(net, n_sequences, seed=1)


@every_dtype
@pytest.mark.parametrize("links", ["scattered", "consecutive", "turned"])
@pytest.mark.parametrize("weight_dtype", [None, "int8"])
def test_networks_past_16_bit_columns(dtype: Any, links: str, weight_dtype: str | None) -> None:
    n, strip = 70_000, 1 if links == "scattered" else 16
    rng = np.random.default_rng(0)
    turns = rng.integers(strip, size=(n // strip, 1)) if links == "turned" else 0
    within = (np.arange(strip) + turns) % strip
    columns = (rng.permutation(n // strip)[:, None] * strip + within).ravel().astype(np.int32)
    weights = rounded(rng.uniform(-1, 1, (n, 1)), weight_dtype).ravel().astype(dtype)
    zeros, ones = np.zeros(n, dtype), np.ones(n, dtype)
    network = (_core.Network32 if dtype == np.float32 else _core.Network64)(
        [n], (np.arange(n + 1), columns, weights), np.zeros((n, 0), dtype), zeros, ones, zeros, "relu"
    )
    for n_sequences in (1, 6):
        start = rng.uniform(0, 1, (n_sequences, n)).astype(dtype)
        expected = np.maximum(weights * start[:, columns], 0)
        for level in LEVELS:
            with simd_level(level):
                assert_same_bits(run(network, np.zeros((n_sequences, 1, 0), dtype), start.copy())[:, 0], expected)


@every_dtype
def test_sequences_side_by_side_through_large_dense_networks(dtype: Any) -> None:
    # Kernels for more columns than the caches hold weights for; small integers make every order of sums exact.
    n, rng = 2011, np.random.default_rng(0)
    W = rng.integers(-3, 4, (n, n)).astype(dtype)
    zeros, ones = np.zeros(n, dtype), np.ones(n, dtype)
    network = (_core.Network32 if dtype == np.float32 else _core.Network64)(
        [n], W, np.zeros((n, 0), dtype), zeros, ones, zeros, "identity"
    )
    start = rng.integers(-8, 9, (6, n)).astype(dtype)
    for level in LEVELS:
        with simd_level(level):
            assert_same_bits(run(network, np.zeros((6, 1, 0), dtype), start.copy())[:, 0], start @ W.T)


@every_level
@every_dtype
@pytest.mark.parametrize("dense", [False, True], ids=("sparse", "dense"))
def test_a_diverged_sequence_leaves_the_others_alone(dtype: Any, level: str, dense: bool) -> None:
    # A workspace serves one sequence after another: nothing infinite may stay in its padding.
    case = {"stage": 3, "n_stages": 1, "n_inputs": 1, "density": 1.0, "seed": 0}
    net = draw(case, dtype, "identity", leak=1.0)
    net.W[:] = 2
    n_steps = 3000
    inputs = np.ones((n_steps + 4, 1), dtype)
    with simd_level(level):
        network = net.compiled(dense=dense)
        together, alone = np.empty((n_steps + 4, 3), dtype), np.empty((4, 3), dtype)
        stretches = np.array([[0, n_steps, 0, 0], [n_steps, n_steps + 4, n_steps, n_steps]])
        network.harvest(inputs, stretches, np.zeros((2, 3), dtype), together)
        network.harvest(inputs, np.array([[0, 4, 0, 0]]), np.zeros((1, 3), dtype), alone)
    assert not np.isfinite(together[n_steps - 1]).any()
    assert_same_bits(together[n_steps:], alone)


@every_dtype
@pytest.mark.parametrize("links", ["sparse", "dense", "hadamard", "circulant"])
def test_a_stream_recovers_from_divergence(dtype: Any, links: str) -> None:
    case = {"stage": 5, "n_stages": 1, "n_inputs": 1, "density": 1.0, "seed": 0, "links": links}
    network = draw(case, dtype, "relu").compiled(dense=links == "dense")
    size = "32" if dtype == np.float32 else "64"
    memory = getattr(_core, "NetworkMemory" + size)(network, False, False)
    stream = getattr(_core, "Stream" + size)(memory, None)
    expected = stream.step([0.5])
    huge = np.full(5, np.finfo(dtype).max)
    stream.state = huge
    for _ in range(9):
        diverged = stream.step(huge[:1])
    assert not np.isfinite(diverged).all()
    stream.state = np.zeros(5)
    assert_same_bits(stream.step([0.5]), expected)


# Readout, row sums, closed loops.


@every_dtype
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n_rows=st.integers(0, 20),
    n_features=st.integers(0, 70),
    n_outputs=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_readouts_are_exactly_those_of_the_twin(
    dtype: Any, n_rows: int, n_features: int, n_outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1, 1, (n_rows, n_features)).astype(dtype)
    coef = rng.uniform(-1, 1, (n_outputs, n_features)).astype(dtype)
    intercept = rng.uniform(-1, 1, n_outputs).astype(dtype)
    expected = apply_readout(rows, coef, intercept)
    for level in LEVELS:
        with simd_level(level):
            assert_same_bits(readout_of(coef, intercept).apply(rows), expected)


def readout_of(coef: np.ndarray, intercept: np.ndarray) -> Any:
    return (_core.LinearReadout32 if coef.dtype == np.float32 else _core.LinearReadout64)(coef, intercept)


@every_dtype
def test_row_sums_are_exactly_those_of_the_twin(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, 19)).astype(dtype)
    bounds = np.array([[0, 50], [3, 3], [7, 8], [0, 21]])
    actual = rng.standard_normal((4, 19))
    expected = actual.copy()
    _core.add_rows(rows, bounds, actual)
    add_rows(rows, bounds, expected)
    assert_same_bits(actual, expected)


@every_level
@every_dtype
@pytest.mark.parametrize("with_squares", [False, True])
@pytest.mark.parametrize("with_input", [False, True])
def test_closed_loops_are_exactly_those_of_the_twin(
    dtype: Any, with_input: bool, with_squares: bool, level: str
) -> None:
    n_sequences, n_steps, n_external, n_outputs = 7, 5, 2, 3
    case = {"stage": 9, "n_stages": 2, "n_inputs": n_external + n_outputs, "density": 0.3, "seed": 5}
    net = draw(case, dtype, "tanh")
    n_units = len(net.W)
    rng = np.random.default_rng(6)
    n_features = n_units * (1 + with_squares) + (n_external + n_outputs) * with_input
    external = rng.uniform(-1, 1, (n_sequences, n_steps, n_external)).astype(dtype)
    coef = (rng.uniform(-1, 1, (n_outputs, n_features)) / n_features).astype(dtype)
    intercept = rng.uniform(-1, 1, n_outputs).astype(dtype)
    x = rng.uniform(-1, 1, (n_sequences, n_units)).astype(dtype)
    y = rng.uniform(-1, 1, (n_sequences, n_outputs)).astype(dtype)
    states, fed_back = x.copy(), y.copy()
    with simd_level(level):
        actual = net.compiled(dense=False).closed_loop(
            readout_of(coef, intercept), external, states, fed_back, with_input, with_squares, 2
        )
    for t in range(n_steps):
        u = np.hstack([external[:, t], y])
        x = net.step(x, u)
        y = apply_readout(np.hstack([x] + [u] * with_input + [x * x] * with_squares), coef, intercept)
        assert_same_bits(actual[:, t].copy(), y)
    assert_same_bits(states, x)
    assert_same_bits(fed_back, y)


@every_level
@every_dtype
@pytest.mark.parametrize(
    ("n_delays", "stride", "n_external", "n_outputs", "n_steps"),
    [(1, 1, 0, 1, 4), (2, 1, 0, 3, 9), (3, 4, 2, 2, 11), (4, 3, 1, 1, 2)],
)
def test_nvar_closed_loops_are_exactly_those_of_the_twin(
    dtype: Any, level: str, n_delays: int, stride: int, n_external: int, n_outputs: int, n_steps: int
) -> None:
    rng = np.random.default_rng(7)
    n_variables = n_external + n_outputs
    n_linear = n_delays * n_variables
    monomials = rng.integers(0, n_linear, (8, 3)).astype(np.int32)
    monomials[:3, 2] = -1
    coef = (rng.uniform(-1, 1, (n_outputs, n_linear + 8)) / (n_linear + 8)).astype(dtype)
    intercept = rng.uniform(-0.1, 0.1, n_outputs).astype(dtype)
    external = rng.uniform(-1, 1, (n_steps, n_external)).astype(dtype)
    history = rng.uniform(-1, 1, ((n_delays - 1) * stride, n_variables)).astype(dtype)
    y = rng.uniform(-1, 1, n_outputs).astype(dtype)
    expected, expected_history = nvar_closed_loop(
        coef, intercept, monomials, n_delays, stride, external, history.copy(), y
    )
    with simd_level(level):
        actual = _core.nvar_closed_loop(readout_of(coef, intercept), monomials, n_delays, stride, external, history, y)
    assert_same_bits(actual, expected)
    assert_same_bits(history, expected_history)
    assert_same_bits(y, expected[-1])


@every_level
@every_dtype
@settings(max_examples=15, deadline=None)
@given(
    n_rows=st.sampled_from((1, 2, 5, 255, 256, 257, 600)),
    n_features=st.integers(1, 130),
    n_others=st.integers(0, 30),
    seed=st.integers(0, 99),
)
def test_sums_of_products(level: str, dtype: Any, n_rows: int, n_features: int, n_others: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n_rows, n_features)).astype(dtype)
    shift, others = rng.standard_normal(n_features), rng.standard_normal((n_rows, n_others))
    gram = np.asfortranarray(rng.standard_normal((n_features, n_features)))
    products = rng.standard_normal((n_features, n_others))
    shifted = features - shift
    assert shifted.dtype == np.float64
    expected = np.tril(shifted.T @ shifted) + gram, shifted.T @ others + products
    with simd_level(level):
        for n_threads in (1, 3):
            sums = gram.copy(order="F"), products.copy()
            _core.add_products(features, shift, others, *sums, n_threads)
            # Sums of n numbers, whose rounding grows with those of their sizes: sums of squares, by Cauchy and Schwarz.
            bound = 4 * n_rows * np.finfo(np.float64).eps * (1 + (shifted**2).sum(axis=0).max() + (others**2).sum())
            for actual, wanted in zip(sums, expected, strict=True):
                assert np.abs(actual - wanted).max(initial=0) <= bound
            if n_threads == 1:
                alone = sums
        assert_same_bits(list(sums), list(alone))


@every_level
@every_dtype
def test_sum_of_squares(level: str, dtype: Any, rng: np.random.Generator) -> None:
    with simd_level(level):
        for n in (*LENGTHS, 70_000, 200_001):
            x = rng.standard_normal(n).astype(dtype)
            assert_allclose(_core.sum_of_squares(x, 2), float(x.astype(np.float64) @ x), rtol=1e-12)
        for bad in (np.nan, np.inf):
            x[-1] = bad
            assert not np.isfinite(_core.sum_of_squares(x, 2))


# Random numbers.


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter: str, key: str, answer: str) -> None:
    c, k, a = ([int(word, 16) for word in words.split()] for words in (counter, key, answer))
    assert _core.philox(c, k) == a
    assert philox(c, k) == a


def test_normal_quantile_against_scipy() -> None:
    rng = np.random.default_rng(0)
    tails = 2.0 ** -rng.uniform(1, 1000, 20_000)
    seams = np.array([0.075, 0.925, np.exp(-25), 2.0**-54, 1 - 2.0**-53])
    p = np.concatenate([rng.random(20_000), 0.5 + tails[tails > 1e-17], tails, seams, np.nextafter(seams, 0)])
    p = p[(p > 0) & (p < 1)]
    assert_allclose(_core.normal_quantile(p), ndtri(p), rtol=1e-14, atol=0)
    assert _core.normal_quantile(0.5) == 0


def test_normal_quantile_against_arbitrary_precision() -> None:
    with mpmath.workdps(60):
        for p in [2.0**-54, 1e-300, 1e-12, 0.01, 0.075, 0.3, 0.4999, 0.7, 0.925, 1 - 2.0**-53]:
            exact = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1) if p > 1e-30 else None
            if exact is None:  # erfinv needs as many digits as p has zeros
                exact = mpmath.findroot(lambda x, p=p: mpmath.log(mpmath.ncdf(x)) - mpmath.log(mpmath.mpf(p)), -37)
            assert abs(_core.normal_quantile(p) / exact - 1) < 2e-15


def test_state_noise_is_a_function_of_seed_sequence_step_and_unit() -> None:
    rng = np.random.default_rng(0)
    for high in (2**8, 2**32, 2**63):
        seed, step = (int(v) for v in rng.integers(0, high, 2))
        sequence, index = (int(v) for v in rng.integers(0, min(high, 2**32), 2))
        assert_allclose(_core.state_noise(seed, sequence, step, index), state_noise(seed, sequence, step, index), 1e-14)


def test_state_noise_is_standard_normal() -> None:
    values = np.array([_core.state_noise(12345, s, t, i) for s in range(10) for t in range(40) for i in range(50)])
    n = len(values)
    assert abs(values.mean()) < 4 / np.sqrt(n)
    assert abs(values.var() - 1) < 4 * np.sqrt(2 / n)
    assert kstest(values, "norm").pvalue > 0.01
    table = values.reshape(10, 40, 50)
    for a, b in ((table[1:], table[:-1]), (table[:, 1:], table[:, :-1]), (table[..., 1:], table[..., :-1])):
        assert abs((a * b).mean()) < 4 / np.sqrt(a.size)


@every_dtype
@pytest.mark.parametrize("n_sequences", [1, 6, 40])
def test_noise_is_added_to_the_states(dtype: Any, n_sequences: int) -> None:
    # From zero weights and full leak the states are the noise.
    n, n_steps, scale, seed, first_step = 19, 3, 0.25, 987654321987, 2**33
    case = {"stage": n, "n_stages": 1, "n_inputs": 0, "density": 0.0, "seed": 0}
    net = draw(case, dtype, "identity", leak=1.0)
    net.bias[:] = 0
    numbers = np.arange(n_sequences)[::-1] + 5
    begin = np.arange(n_sequences) * n_steps
    out = np.empty((n_sequences * n_steps, n), dtype)
    net.compiled(dense=False).harvest(
        np.empty((n_sequences * n_steps, 0), dtype),
        np.column_stack([begin, begin + n_steps, begin, begin]),
        np.zeros((n_sequences, n), dtype),
        out,
        noise_scale=scale,
        noise_seed=seed,
        noise_places=np.stack([numbers, np.full(n_sequences, first_step)]),
    )
    expected = [
        [scale * _core.state_noise(seed, int(number), first_step + t, i) for i in range(n)]
        for number in numbers
        for t in range(n_steps)
    ]
    assert_array_equal(out, np.array(expected, dtype))


# What the linker sees.


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
@pytest.mark.skipif(not OBJECTS, reason="no objects in build/tests: `make test-cpp` makes them")
@pytest.mark.parametrize("path", [p for p in OBJECTS if not p.name.startswith("dispatch")], ids=lambda p: p.stem)
def test_kernels_share_no_code_between_instruction_sets(path: Path) -> None:
    # A weak symbol is linked once for all: if that copy is the one compiled for AVX-512, older processors crash.
    defined = subprocess.run(["nm", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    symbols = [line.split() for line in defined.splitlines()]
    assert any("kernels" in name for *_, name in symbols)
    assert [name for *_, kind, name in symbols if kind in "WVuvwi" or (kind in "TDRB" and "kernels_" not in name)] == []
