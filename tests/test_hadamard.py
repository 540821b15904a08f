"""Networks whose recurrent weights are a fast Hadamard transform: the weights, and what works with them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference import assert_same_bits
from scipy.linalg import hadamard
from sklearn.base import clone

from reservoirs import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, load, save
from reservoirs.adaptation import SynapticTurnover
from reservoirs.diagnostics import lyapunov_exponents
from reservoirs.search import ReservoirSearchCV
from reservoirs.topology import HadamardWeights, hadamard_weights, scale_to_spectral_radius, spectral_radius

U = np.random.default_rng(0).uniform(-1, 1, (120, 2))
SEEDED = {"n_units": 37, "topology": "hadamard", "random_state": 0}


def dense_radius(W):
    return float(abs(np.linalg.eigvals(np.asarray(W))).max())


# Weights.


@settings(max_examples=50, deadline=None, derandomize=True)
@given(n_units=st.integers(1, 300), n_columns=st.integers(1, 3), dtype=st.sampled_from(["float32", "float64"]))
def test_weights_are_rows_and_columns_of_the_hadamard_matrix(n_units, n_columns, dtype):
    rng = np.random.default_rng(n_units)
    factors = rng.uniform(-1, 1, n_units).astype(dtype)
    W = HadamardWeights(factors)
    expected = hadamard(512)[:n_units, :n_units].astype(dtype) * factors
    assert W.shape == (n_units, n_units)
    assert W.dtype == W.toarray().dtype == dtype
    assert_array_equal(W.toarray(), expected)
    assert_array_equal(np.asarray(W * 0.5, np.float64), 0.5 * expected)
    x = rng.uniform(-1, 1, (n_units, n_columns)).astype(dtype)
    close = {"rtol": 0, "atol": 20 * n_units * np.finfo(dtype).eps}
    assert_allclose(W @ x, expected @ x, **close)
    before = x.copy()
    assert_allclose(W @ x[:, 0], expected @ x[:, 0], **close)
    assert_array_equal(x, before)


@pytest.mark.parametrize("n_units", [1, 2, 100, 300, 301, 512, 700])
def test_radius_equals_that_of_all_weights(n_units):
    W = hadamard_weights(n_units, np.random.default_rng(0))
    assert_allclose(spectral_radius(W), dense_radius(W), rtol=1e-10)
    scaled = scale_to_spectral_radius(W, 0.7)
    assert isinstance(scaled, HadamardWeights)
    assert_allclose(dense_radius(scaled), 0.7, rtol=2e-8)


def test_radius_of_large_networks_is_near(monkeypatch):
    W = hadamard_weights(3000, np.random.default_rng(0))
    exact = spectral_radius(W)
    monkeypatch.setattr("reservoirs.topology.matrices._EXACT_UNITS", 2999)
    assert 0 < abs(spectral_radius(W) - exact) <= 1e-4 * exact


@pytest.mark.parametrize("n_units", [1, 64, 1024])
def test_signs_alone_make_orthogonal_weights(n_units):
    W = HadamardWeights(np.random.default_rng(0).choice([-0.5, 0.5], n_units))
    assert spectral_radius(W) == 0.5 * np.sqrt(n_units)
    assert_array_equal(W.toarray() @ W.toarray().T, 0.25 * n_units * np.eye(n_units))


def test_factors_have_random_signs_and_sizes_from_half_to_one():
    sizes = hadamard_weights(10_000, np.random.default_rng(0)).factors * 100
    assert 0.5 <= abs(sizes).min() < 0.51 < 0.99 < abs(sizes).max() < 1
    assert abs((sizes > 0).mean() - 0.5) < 0.02
    assert abs(abs(sizes).mean() - 0.75) < 0.01


@pytest.mark.parametrize("n_units", [0, 2.0, True])
def test_numbers_of_units_that_are_refused(n_units):
    with pytest.raises(ValueError, match="n_units"):
        hadamard_weights(n_units, np.random.default_rng(0))


# Networks.


@pytest.mark.parametrize("dynamics", ["leaky", "es2n", "voltage"])
@pytest.mark.parametrize("multiplicative_scaling", [0.0, 0.3])
def test_networks_are_those_of_all_weights(dynamics, multiplicative_scaling):
    other = {"dynamics": dynamics, "multiplicative_scaling": multiplicative_scaling, "leak_rate": 0.6}
    fast = EchoStateNetwork(**SEEDED, **other).fit(U)
    given = {**SEEDED, "topology": fast.W_.toarray(), "spectral_radius": None}
    assert_allclose(fast.transform(U), EchoStateNetwork(**given, **other).fit_transform(U), atol=1e-13)
    assert_allclose(dense_radius(fast.W_), 0.9, rtol=2e-8)
    assert_array_equal(fast.W_exc_ - fast.W_inh_, fast.W_.toarray())


def test_weights_may_be_given():
    drawn = EchoStateNetwork(**SEEDED, spectral_radius=0.8).fit(U)
    given = EchoStateNetwork(**{**SEEDED, "topology": drawn.W_}, spectral_radius=0.4).fit(U)
    assert_allclose(given.W_.factors, drawn.W_.factors / 2, rtol=1e-7)
    with pytest.raises(ValueError, match="NaN or infinite"):
        EchoStateNetwork(topology=HadamardWeights(np.array([1.0, np.nan]))).fit(U)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_layers": 2},
        {"weight_dtype": "int8"},
        {"adaptation": SynapticTurnover()},
        {"recurrent_delay": 2},
        {"input_delay": 1},
        {"dynamics": "euler"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.parametrize("topology", ["hadamard", HadamardWeights(np.ones(8))], ids=["drawn", "given"])
def test_what_needs_links_is_refused(wrong, topology):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*Hadamard"):
        EchoStateNetwork(10, topology=topology, **wrong).fit(U)


def fitted(cls):
    data = {ESNClassifier: ([U, -U], [0, 1]), ESNForecaster: (U,)}
    return cls(**SEEDED).fit(*data.get(cls, (U, U[:, :1])))


def outputs(model):
    if isinstance(model, ESNForecaster):
        return model.forecast(20)
    if isinstance(model, ESNClassifier):
        return model.decision_function([U, -U])
    return model.predict(U) if isinstance(model, ESNRegressor) else model.transform(U)


@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster])
def test_copies_and_files(cls, tmp_path):
    model = fitted(cls)
    save(model, tmp_path / "model.npz")
    for copy in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.npz")):
        assert isinstance(copy.W_, HadamardWeights)
        assert_same_bits(outputs(copy), outputs(model))
    given = clone(model).set_params(topology=model.W_)
    save(given, tmp_path / "given.npz")
    assert_same_bits(load(tmp_path / "given.npz").topology.factors, model.W_.factors)


def test_long_sequences_in_pieces():
    u = np.random.default_rng(0).uniform(-1, 1, (20_000, 1))
    whole = EchoStateNetwork(**SEEDED).fit_transform(u)
    pieces = EchoStateNetwork(**SEEDED, time_parallel="auto").fit_transform(u)
    assert 0 < abs(pieces - whole).max() < 1e-13


def test_searches_score_what_is_fitted_alone():
    y = np.cumsum(U, axis=0)[:, 0] * 0.1
    search = ReservoirSearchCV(ESNRegressor(**SEEDED), {"spectral_radius": [0.3, 0.9], "leak_rate": [0.5, 1.0]}, cv=2)
    search.fit(np.tile(U, (4, 1)), np.tile(y, 4))
    assert isinstance(search.best_estimator_.W_, HadamardWeights)
    alone = clone(search.best_estimator_).fit(np.tile(U, (4, 1)), np.tile(y, 4))
    assert_allclose(search.best_estimator_.predict(U), alone.predict(U), atol=1e-6)


def test_diagnostics_see_all_weights():
    fast = EchoStateNetwork(**SEEDED)
    weights = fast.fit(U).W_.toarray()
    dense = EchoStateNetwork(**{**SEEDED, "topology": weights, "spectral_radius": None})
    found = [
        lyapunov_exponents(model, U, method="jacobian", washout=20, random_state=0).exponents for model in (fast, dense)
    ]
    assert_allclose(found[0], found[1], rtol=1e-6)
