"""Networks whose recurrent weights are a fast transform: the weights, and what works with them."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference import assert_same_bits
from scipy.linalg import hadamard
from scipy.sparse.csgraph import connected_components
from sklearn.base import clone

from reservoirs import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, load, save
from reservoirs.adaptation import SynapticTurnover
from reservoirs.diagnostics import lyapunov_exponents
from reservoirs.search import ReservoirSearchCV
from reservoirs.topology import (
    CirculantWeights,
    HadamardWeights,
    circulant_weights,
    hadamard_weights,
    scale_to_spectral_radius,
    spectral_radius,
)

U = np.random.default_rng(0).uniform(-1, 1, (120, 2))
CLASSES = {"hadamard": HadamardWeights, "circulant": CirculantWeights}
DRAW = {"hadamard": hadamard_weights, "circulant": circulant_weights}
every_transform = pytest.mark.parametrize("topology", CLASSES)


def seeded(topology):
    # 37 units: one whole group of circulant blocks, and five units more.
    return {"n_units": 37, "topology": topology, "random_state": 0}


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


def naive_circulants(spectra, n_units):
    """All weights, one by one, by the definition."""
    n = spectra.shape[1]
    n_whole = n_units // (32 * n)
    W = np.zeros((n_units, n_units))
    for i in range(n_units):
        g, k, p, b = np.unravel_index(i, spectra.shape)
        heard, block = (g - 1, b) if g else (n_whole - 1, (b + 1) % 16) if n_whole else (0, b)
        s = spectra[g, :, 0, b] + 1j * spectra[g, :, 1, b]
        for m in range(n):
            c = np.mean(s * np.exp(2j * np.pi * np.arange(n) * (k - m) / n))
            for part, weight in enumerate([(c.real, -c.imag), (c.imag, c.real)][p]):
                j = np.ravel_multi_index((heard, m, part, block), spectra.shape)
                if j < n_units:
                    W[i, j] = weight
    return W


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n_units=st.integers(1, 150),
    n=st.sampled_from([1, 2, 4, 8, 16]),
    n_columns=st.integers(1, 3),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_weights_are_circulant_blocks_in_a_ring(n_units, n, n_columns, dtype):
    rng = np.random.default_rng(n_units)
    spectra = rng.uniform(-1, 1, (-(-n_units // (32 * n)), n, 2, 16)).astype(dtype)
    W = CirculantWeights(spectra, n_units)
    expected = naive_circulants(spectra, n_units)
    assert W.shape == (n_units, n_units)
    assert W.dtype == W.toarray().dtype == dtype
    close = {"rtol": 0, "atol": 20 * np.finfo(dtype).eps}
    assert_allclose(W.toarray(), expected, **close)
    assert_allclose(np.asarray(W * 0.5, np.float64), 0.5 * expected, **close)
    x = rng.uniform(-1, 1, (n_units, n_columns)).astype(dtype)
    before = x.copy()
    assert_allclose(W @ x, expected @ x, rtol=0, atol=200 * np.finfo(dtype).eps)
    assert_allclose(W @ x[:, 0], expected @ x[:, 0], rtol=0, atol=200 * np.finfo(dtype).eps)
    assert_array_equal(x, before)


def test_all_blocks_are_one_ring():
    W = circulant_weights(1024, np.random.default_rng(0))
    n_components, _ = connected_components(W.toarray() != 0, connection="strong")
    assert n_components == 1
    eigenvalues = np.linalg.eigvals(W.toarray())
    # 16 frequencies, once around 32 blocks, as real and imaginary part: so many roots of as many numbers.
    assert len(np.unique(np.round(abs(eigenvalues), 9))) == 16
    assert_allclose(abs(eigenvalues).max(), spectral_radius(W), rtol=1e-12)


@every_transform
@pytest.mark.parametrize("n_units", [1, 2, 15, 31, 32, 33, 100, 300, 301, 512, 700])
def test_radius_equals_that_of_all_weights(n_units, topology):
    W = DRAW[topology](n_units, np.random.default_rng(0))
    assert_allclose(spectral_radius(W), dense_radius(W), rtol=1e-10)
    scaled = scale_to_spectral_radius(W, 0.7)
    assert isinstance(scaled, CLASSES[topology])
    assert_allclose(dense_radius(scaled), 0.7, rtol=2e-8)


@every_transform
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_not_finite_have_no_radius(topology, wrong):
    W = DRAW[topology](40, np.random.default_rng(0))
    W.numbers.flat[3] = wrong
    for ask in spectral_radius, lambda W: scale_to_spectral_radius(W, 0.9):
        with pytest.raises(ValueError, match="W must be finite"):
            ask(W)


def test_a_silent_frequency_has_no_part_in_the_radius():
    spectra = circulant_weights(64, np.random.default_rng(0)).spectra.copy()
    spectra[0, 1, :, 3] = 0
    W = CirculantWeights(spectra, 64)
    assert_allclose(spectral_radius(W), np.exp(np.log(np.hypot(*spectra[0, 0])).mean()), rtol=1e-12)
    spectra[0, 0, :, 5] = 0
    with pytest.raises(ValueError, match="nilpotent"):
        scale_to_spectral_radius(W, 0.9)


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


def test_eigenvalues_of_blocks_have_random_directions_and_sizes_from_half_to_one():
    real, imaginary = circulant_weights(10_240, np.random.default_rng(0)).spectra.transpose(2, 0, 1, 3)
    sizes, angles = np.hypot(real, imaginary), np.arctan2(imaginary, real)
    assert 0.5 <= sizes.min() < 0.51 < 0.99 < sizes.max() < 1
    assert abs(sizes.mean() - 0.75) < 0.01
    assert abs((angles > 0).mean() - 0.5) < 0.02
    assert -np.pi <= angles.min() < -3.1 < 3.1 < angles.max() <= np.pi


@pytest.mark.parametrize(("n_units", "n"), [(1, 1), (31, 1), (63, 1), (64, 2), (511, 8), (512, 16), (1000, 16)])
def test_blocks_are_as_large_as_makes_a_whole_group(n_units, n):
    assert circulant_weights(n_units, np.random.default_rng(0)).spectra.shape[1] == n


@every_transform
@pytest.mark.parametrize("n_units", [0, 2.0, True])
def test_numbers_of_units_that_are_refused(n_units, topology):
    with pytest.raises(ValueError, match="n_units"):
        DRAW[topology](n_units, np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(16,), (1, 1, 2, 8), (1, 3, 2, 16), (1, 32, 2, 16), (2, 2, 2, 16), (0, 1, 2, 16)])
def test_spectra_that_are_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"spectra has shape {shape}")):
        CirculantWeights(np.ones(shape), 10)
    with pytest.raises(ValueError, match="n_units=0"):
        CirculantWeights(np.ones((1, 1, 2, 16)), 0)


# Networks.


@every_transform
@pytest.mark.parametrize("dynamics", ["leaky", "es2n", "voltage"])
@pytest.mark.parametrize("multiplicative_scaling", [0.0, 0.3])
def test_networks_are_those_of_all_weights(dynamics, multiplicative_scaling, topology):
    other = {"dynamics": dynamics, "multiplicative_scaling": multiplicative_scaling, "leak_rate": 0.6}
    fast = EchoStateNetwork(**seeded(topology), **other).fit(U)
    given = {**seeded(topology), "topology": fast.W_.toarray(), "spectral_radius": None}
    assert_allclose(fast.transform(U), EchoStateNetwork(**given, **other).fit_transform(U), atol=1e-13)
    assert_allclose(dense_radius(fast.W_), 0.9, rtol=2e-8)
    assert_array_equal(fast.W_exc_ - fast.W_inh_, fast.W_.toarray())


@every_transform
def test_weights_may_be_given(topology):
    drawn = EchoStateNetwork(**seeded(topology), spectral_radius=0.8).fit(U)
    given = EchoStateNetwork(**{**seeded(topology), "topology": drawn.W_}, spectral_radius=0.4).fit(U)
    assert_allclose(given.W_.numbers, drawn.W_.numbers / 2, rtol=1e-7)
    with pytest.raises(ValueError, match=f"{CLASSES[topology].__name__} contains NaN or infinite"):
        EchoStateNetwork(topology=drawn.W_ * np.nan).fit(U)


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
@pytest.mark.parametrize(
    "topology",
    ["hadamard", "circulant", HadamardWeights(np.ones(8)), circulant_weights(8, np.random.default_rng(0))],
    ids=["hadamard", "circulant", "given factors", "given spectra"],
)
def test_what_needs_links_is_refused(wrong, topology):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*transform"):
        EchoStateNetwork(10, topology=topology, **wrong).fit(U)


def fitted(cls, topology):
    data = {ESNClassifier: ([U, -U], [0, 1]), ESNForecaster: (U,)}
    return cls(**seeded(topology)).fit(*data.get(cls, (U, U[:, :1])))


def outputs(model):
    if isinstance(model, ESNForecaster):
        return model.forecast(20)
    if isinstance(model, ESNClassifier):
        return model.decision_function([U, -U])
    return model.predict(U) if isinstance(model, ESNRegressor) else model.transform(U)


@every_transform
@pytest.mark.parametrize("cls", [EchoStateNetwork, ESNRegressor, ESNClassifier, ESNForecaster])
def test_copies_and_files(cls, topology, tmp_path):
    model = fitted(cls, topology)
    save(model, tmp_path / "model.npz")
    for copy in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.npz")):
        assert isinstance(copy.W_, CLASSES[topology])
        assert_same_bits(outputs(copy), outputs(model))
    given = clone(model).set_params(topology=model.W_)
    save(given, tmp_path / "given.npz")
    assert_same_bits(load(tmp_path / "given.npz").topology.numbers, model.W_.numbers)


@every_transform
def test_long_sequences_in_pieces(topology):
    u = np.random.default_rng(0).uniform(-1, 1, (20_000, 1))
    whole = EchoStateNetwork(**seeded(topology)).fit_transform(u)
    pieces = EchoStateNetwork(**seeded(topology), time_parallel=1e-6).fit_transform(u)
    assert 0 < abs(pieces - whole).max() < 1e-6


@every_transform
def test_searches_score_what_is_fitted_alone(topology):
    y = np.cumsum(U, axis=0)[:, 0] * 0.1
    grid = {"spectral_radius": [0.3, 0.9], "leak_rate": [0.5, 1.0]}
    search = ReservoirSearchCV(ESNRegressor(**seeded(topology)), grid, cv=2)
    search.fit(np.tile(U, (4, 1)), np.tile(y, 4))
    assert isinstance(search.best_estimator_.W_, CLASSES[topology])
    alone = clone(search.best_estimator_).fit(np.tile(U, (4, 1)), np.tile(y, 4))
    assert_allclose(search.best_estimator_.predict(U), alone.predict(U), atol=1e-6)


@every_transform
def test_diagnostics_see_all_weights(topology):
    fast = EchoStateNetwork(**seeded(topology))
    weights = fast.fit(U).W_.toarray()
    dense = EchoStateNetwork(**{**seeded(topology), "topology": weights, "spectral_radius": None})
    found = [
        lyapunov_exponents(model, U, method="jacobian", washout=20, random_state=0).exponents for model in (fast, dense)
    ]
    assert_allclose(found[0], found[1], rtol=1e-6)


def test_threads_that_share_a_step_change_no_bit():
    u = U[:, :1].repeat(3, axis=0)
    one, two = (
        EchoStateNetwork(20_000, topology="circulant", random_state=0, n_jobs=n, washout=350).fit_transform(u)
        for n in (1, 2)
    )
    assert_same_bits(two, one)
