"""Narrow recurrent weights: what they are rounded to, and that all else is as with any other weights."""

from __future__ import annotations

import pickle
import shutil
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from reference import assert_same_bits
from scipy import sparse
from sklearn.base import clone

from reservoirs import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, load, save
from reservoirs.adaptation import IntrinsicPlasticity, SynapticTurnover
from reservoirs.esn._narrow import rounded
from reservoirs.export import to_c
from reservoirs.topology import EITopology

every_weight_dtype = pytest.mark.parametrize("weight_dtype", ["bfloat16", "int8"])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_kind = pytest.mark.parametrize(
    "given",
    [{"connectivity": 7}, {"connectivity": 1.0}, {"topology": "blocked"}, {"n_layers": 2}, {"recurrent_delay": 2}],
    ids=lambda given: next(iter(given)),
)
sizes = st.floats(1e-20, 1e8)
matrices = arrays(np.float64, (3, 4), elements=st.one_of(st.just(0.0), sizes, sizes.map(lambda x: -x)))
U = np.random.default_rng(0).uniform(-1, 1, (120, 2))


def dense(W):
    return W.toarray() if sparse.issparse(W) else W


def halves():
    """Every positive number of 16 bits, and none too large."""
    return (np.arange(0x7F80, dtype=np.uint32) << 16).view(np.float32).astype(np.float64)


# Rounding.


@settings(max_examples=200, deadline=None, derandomize=True)
@given(W=matrices)
def test_integers_are_the_nearest(W):
    narrow = rounded(W, "int8")
    for row, weights in zip(W, narrow, strict=True):
        scale = abs(weights).max() / 127
        if scale == 0:
            assert not row.any()
            continue
        assert 0 <= scale - abs(row).max() / 127 <= 2.0**-15 * scale
        integers = weights / scale
        assert_array_equal(integers, np.rint(row / scale))
        # What makes products exact also where the network computes in float32.
        assert all(
            Fraction(float(w)) == int(q) * Fraction(float(scale)) for w, q in zip(weights, integers, strict=True)
        )
        assert_array_equal(weights, weights.astype(np.float32))
    assert_array_equal(rounded(narrow, "int8"), narrow)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(W=matrices)
def test_halves_of_float32_are_the_nearest(W):
    narrow = rounded(W, "bfloat16")
    as_float32 = abs(W.astype(np.float32)).astype(np.float64)
    above = np.searchsorted(halves(), as_float32)
    below = np.maximum(above - 1, 0)
    nearest = np.minimum(halves()[above] - as_float32, as_float32 - halves()[below] + (above == 0))
    assert_array_equal(abs(abs(narrow) - as_float32), np.where(as_float32 == halves()[above], 0, nearest))
    assert_array_equal(np.sign(narrow) * (narrow != 0), np.sign(W) * (narrow != 0))
    assert_array_equal(rounded(narrow, "bfloat16"), narrow)


def test_halves_as_near_go_to_the_even_one():
    steps = 1 + np.arange(8) * 2.0**-8
    assert_array_equal(rounded(steps, "bfloat16"), 1 + np.array([0, 0, 2, 4, 4, 4, 6, 8]) * 2.0**-8)


@every_weight_dtype
def test_links_stay(weight_dtype, rng):
    W = sparse.random_array((30, 30), density=0.2, rng=rng, format="csr")
    W.data[0], W.data[-1] = 1e-12, -1e12
    narrow = rounded(W, weight_dtype)
    assert_array_equal(narrow.indices, W.indices)
    assert_array_equal(narrow.toarray(), rounded(W.toarray(), weight_dtype))


# Networks.


@every_kind
@every_dtype
@every_weight_dtype
def test_networks_compute_with_the_weights_they_show(given, dtype, weight_dtype):
    parameters = {"n_units": 50, "dtype": dtype, "random_state": 0} | given
    wide = EchoStateNetwork(**parameters).fit(U)
    narrow = EchoStateNetwork(**parameters, weight_dtype=weight_dtype).fit(U)
    assert (wide._network_.storage, narrow._network_.storage) == (dtype, weight_dtype)
    assert narrow.W_.dtype == dtype
    most = {"bfloat16": 2.0**-8 * abs(dense(wide.W_)), "int8": abs(dense(wide.W_)).max(axis=1, keepdims=True) / 250}
    assert (abs(dense(narrow.W_ - wide.W_)).max() > 0).all()
    assert (abs(dense(narrow.W_ - wide.W_)) <= most[weight_dtype]).all()


def outputs(model):
    if isinstance(model, ESNForecaster):
        return model.forecast(20)
    if isinstance(model, ESNClassifier):
        return model.decision_function([U, -U])
    return model.predict(U) if isinstance(model, ESNRegressor) else model.transform(U)


@every_weight_dtype
@pytest.mark.parametrize(
    "model",
    [
        EchoStateNetwork(40, random_state=0),
        ESNRegressor(40, random_state=0, connectivity=1.0, washout=0),
        ESNClassifier(40, random_state=0),
        ESNForecaster(40, random_state=0, topology="blocked"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_copies_and_files(model, weight_dtype, tmp_path):
    model = clone(model).set_params(weight_dtype=weight_dtype)
    data = {ESNClassifier: ([U, -U], [0, 1]), ESNForecaster: (U,)}
    model.fit(*data.get(type(model), (U, U[:, :1])))
    save(model, tmp_path / "model.npz")
    for copy in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.npz")):
        assert copy.weight_dtype == copy._network_.storage == weight_dtype
        assert_same_bits(outputs(copy), outputs(model))
    # Parameters set after a fit are for the next one.
    other = pickle.loads(pickle.dumps(model)).set_params(weight_dtype=None)
    assert_same_bits(outputs(pickle.loads(pickle.dumps(other))), outputs(model))


@every_weight_dtype
def test_streams(weight_dtype):
    esn = EchoStateNetwork(60, connectivity=1.0, weight_dtype=weight_dtype, random_state=0).fit(U)
    stream = esn.stream()
    assert_same_bits(np.stack([stream.step(u) for u in U]), esn.transform(U))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@every_weight_dtype
def test_exported_code(weight_dtype):
    u = U.astype(np.float32)
    model = ESNRegressor(40, weight_dtype=weight_dtype, random_state=0).fit(u, u[:, :1])
    assert_same_bits(to_c(model, "m").predict(u), model.predict(u))


@every_weight_dtype
@pytest.mark.parametrize("rule", [IntrinsicPlasticity(n_epochs=1), SynapticTurnover(0.2, n_rounds=2)])
def test_adapted_weights_are_rounded(weight_dtype, rule):
    esn = EchoStateNetwork(60, weight_dtype=weight_dtype, adaptation=rule, random_state=0).fit(U)
    assert esn._network_.storage == weight_dtype
    assert_array_equal(rounded(dense(esn.W_), weight_dtype), dense(esn.W_))


@every_weight_dtype
def test_signs_stay(weight_dtype):
    W = EchoStateNetwork(100, topology=EITopology(in_degree=20), weight_dtype=weight_dtype, random_state=0).fit(U).W_
    assert (dense(W)[:, :80] >= 0).all()
    assert (dense(W)[:, 80:] <= 0).all()
