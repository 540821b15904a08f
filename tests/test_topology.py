"""Tests of the reservoir topologies and their spectral radius."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigs
from scipy.stats import chi2, chisquare, ortho_group

from reservoirs.topology import (
    aperiodic_signs,
    cycle,
    delay_line,
    random_weights,
    scale_to_spectral_radius,
    spectral_radius,
)
from reservoirs.topology import matrices as topology


def dense_radius(W: Any) -> float:
    return float(np.abs(np.linalg.eigvals(W.toarray() if sparse.issparse(W) else W)).max())


def shuffled(W: np.ndarray, seed: int = 0) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(W))
    return W[np.ix_(order, order)]


# spectral_radius


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n_units", "connectivity"), [(1, 1), (20, 3), (300, 10), (301, 10), (600, 0.1), (400, 0.5)])
def test_radius_of_random_matrices_equals_dense_solver(n_units: int, connectivity: float, seed: int) -> None:
    W = random_weights(n_units, n_units, connectivity, np.random.default_rng(seed))
    assert_allclose(spectral_radius(W), dense_radius(W), rtol=1e-11)


@settings(deadline=None)
@given(n_units=st.integers(1, 30), density=st.floats(0.02, 0.3), seed=st.integers(0, 2**32 - 1))
def test_radius_of_very_sparse_matrices_equals_dense_solver(n_units: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((n_units, n_units)) * (rng.random((n_units, n_units)) < density)
    measured = spectral_radius(W)
    # loose: the dense solver splits defective eigenvalues, up to eps**(1 / n) for a nilpotent matrix
    assert measured == 0.0 or abs(measured - dense_radius(W)) <= 1e-3 * measured
    assert_array_equal(measured, spectral_radius(sparse.csc_array(W)))


STRUCTURED = {
    "cycle": (cycle(50, -0.9), 0.9),
    "long cycle": (cycle(20_000, 0.9), 0.9),
    "uneven cycle": (sparse.csr_array([[0, 0, 8.0], [1.0, 0, 0], [0, 1.0, 0]]), 2.0),
    "self-loop": (sparse.csr_array([[0.0, 1.0], [0.0, -3.0]]), 3.0),
    "zeros": (np.zeros((4, 4)), 0.0),
    "stored zeros": (sparse.csr_array((np.zeros(2), [1, 0], [0, 1, 2]), shape=(2, 2)), 0.0),
    "duplicates": (sparse.coo_array((np.ones(2), ([0, 0], [0, 0])), shape=(1, 1)), 2.0),
    "delay line": (delay_line(1000), 0.0),
    "permuted triangle": (shuffled(np.triu(np.ones((40, 40)), 1)), 0.0),
    "reducible": (np.array([[0, 2, 9, 9], [2, 0, 9, 9], [0, 0, 0, 3], [0, 0, 3, 0.0]]), 3.0),
    "rotations": (shuffled(np.kron(np.diag([0.5, 0.7]), [[0.6, -0.8], [0.8, 0.6]])), 0.7),
    "complex": (np.array([[0, 1j], [4j, 0]]), 2.0),
    "integers": (np.array([[1, 1], [1, 1]]), 2.0),
    "orthogonal": (0.8 * ortho_group.rvs(400, random_state=0), 0.8),
    "Jordan block": (shuffled(0.9 * np.eye(10) + np.eye(10, k=1)), 0.9),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_radius_of_structured_matrices(name: str) -> None:
    W, expected = STRUCTURED[name]
    assert_allclose(spectral_radius(W), expected, rtol=1e-11)


def test_radius_of_dense_jordan_block_is_near() -> None:
    basis = ortho_group.rvs(4, random_state=0)
    W = basis @ (0.9 * np.eye(4) + np.eye(4, k=1)) @ basis.T
    assert_allclose(spectral_radius(W), 0.9, rtol=1e-3)  # eps**(1 / 4) is 1e-4


def test_radius_of_symmetric_matrix() -> None:
    W = random_weights(500, 500, 10, np.random.default_rng(0))
    W = W + W.T
    assert_allclose(spectral_radius(W), np.abs(np.linalg.eigvalsh(W.toarray())).max(), rtol=1e-11)


@pytest.mark.parametrize("share", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("n_units", [320, 500])
def test_radius_where_all_eigenvalues_are_nearly_as_large(n_units: int, share: float) -> None:
    # With 150 restarts ARPACK settled on eigenvalues up to 1e-4 too small.
    disturbance = random_weights(n_units, n_units, 5, np.random.default_rng(0)).toarray()
    for base in (ortho_group.rvs(n_units, random_state=0), np.roll(np.eye(n_units), 1, axis=0)):
        W = base + share * disturbance
        assert_allclose(spectral_radius(W), dense_radius(W), rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
@pytest.mark.parametrize("n_units", [50, 400])
def test_radius_scales_with_tiny_and_huge_weights(n_units: int, factor: float) -> None:
    W = random_weights(n_units, n_units, 10, np.random.default_rng(0))
    assert_allclose(spectral_radius(W * factor), spectral_radius(W) * factor, rtol=1e-11)


def test_radius_of_ten_thousand_units_equals_a_larger_arpack_solve() -> None:
    W = random_weights(10_000, 10_000, 10, np.random.default_rng(0))
    start = np.random.default_rng(1).standard_normal(10_000)
    reference = np.abs(eigs(W, k=16, ncv=200, v0=start, tol=0, return_eigenvectors=False)).max()
    assert_allclose(spectral_radius(W), reference, rtol=1e-11)


def test_radius_of_large_networks_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        W = random_weights(3000, 3000, 10, np.random.default_rng(seed))
        exact = spectral_radius(W)
        with monkeypatch.context() as patched:
            patched.setattr(topology, "_EXACT_UNITS", 2999)
            near = spectral_radius(W)
        assert 0 < abs(near - exact) <= 1e-4 * exact


def test_radius_is_reproducible_and_leaves_its_surroundings_alone() -> None:
    W = random_weights(500, 500, 10, np.random.default_rng(0))
    copy = W.copy()
    before = str(np.random.get_state(legacy=False))  # noqa: NPY002
    assert spectral_radius(W) == spectral_radius(W)
    assert str(np.random.get_state(legacy=False)) == before  # noqa: NPY002
    assert_array_equal(W.data, copy.data)


def no_convergence(*args: Any, **kwargs: Any) -> None:
    raise ArpackNoConvergence("no convergence", np.empty(0), np.empty((0, 0)))


def test_dense_solver_takes_over_when_arpack_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    W = random_weights(400, 400, 10, np.random.default_rng(0))
    expected = spectral_radius(W)
    monkeypatch.setattr(topology, "eigs", no_convergence)
    assert_allclose(spectral_radius(W), expected, rtol=1e-11)
    monkeypatch.setattr(topology, "_DENSE_FALLBACK_UNITS", 300)
    with pytest.raises(RuntimeError, match=r"ARPACK did not converge .* component of 400 units"):
        spectral_radius(W)


@pytest.mark.parametrize(
    ("W", "message"),
    [
        (np.zeros((2, 3)), r"square matrix .* got shape \(2, 3\)"),
        (np.zeros(4), r"square matrix .* got shape \(4,\)"),
        (np.zeros((0, 0)), r"at least one row, got shape \(0, 0\)"),
        (np.array([[np.nan]]), "W must be finite"),
        (sparse.csr_array([[np.inf]]), "W must be finite"),
    ],
)
def test_radius_rejects(W: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spectral_radius(W)


# scale_to_spectral_radius


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array, sparse.lil_array, sparse.csr_matrix, np.asarray])
def test_scaling_keeps_class_and_dtype(kind: Any, dtype: Any) -> None:
    W = kind(random_weights(100, 100, 10, np.random.default_rng(0)).toarray().astype(dtype))
    scaled = scale_to_spectral_radius(W, 0.9)
    assert type(scaled) is type(W)
    assert scaled.dtype == dtype
    assert_allclose(spectral_radius(scaled), 0.9, rtol=2e-8 if dtype == np.float64 else 1e-6)


def test_scaling_hides_the_last_bits_of_the_measured_radius(monkeypatch: pytest.MonkeyPatch) -> None:
    W = random_weights(400, 400, 10, np.random.default_rng(0))
    expected = scale_to_spectral_radius(W, 0.9)
    radius = spectral_radius(W)
    for factor in (1 - 1e-13, 1 + 1e-13):
        monkeypatch.setattr(topology, "spectral_radius", lambda _, f=factor: radius * f)
        assert_array_equal(scale_to_spectral_radius(W, 0.9).data, expected.data)


def test_scaling_to_zero_and_integer_input() -> None:
    assert_array_equal(scale_to_spectral_radius(np.eye(2), 0), np.zeros((2, 2)))
    assert_allclose(scale_to_spectral_radius(np.array([[4]]), 0.5), [[0.5]])


@pytest.mark.parametrize("W", [delay_line(10), np.zeros((3, 3)), np.diag([1e-12, 0.0]) + np.eye(2, k=1)])
def test_scaling_rejects_nilpotent_matrices(W: Any) -> None:
    with pytest.raises(ValueError, match=r"cannot be scaled .* nilpotent .* add connections"):
        scale_to_spectral_radius(W, 0.9)


@pytest.mark.parametrize("radius", [-1, np.nan, np.inf, "1"])
def test_scaling_rejects_radius(radius: Any) -> None:
    with pytest.raises(ValueError, match="radius must be a finite number of at least 0"):
        scale_to_spectral_radius(np.eye(2), radius)


# random_weights


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_every_row_has_the_same_number_of_distinct_columns(n_rows: int, n_columns: int, data: st.DataObject) -> None:
    degree = data.draw(st.integers(1, n_columns))
    W = random_weights(n_rows, n_columns, degree, np.random.default_rng(data.draw(st.integers(0, 1000))))
    assert W.shape == (n_rows, n_columns)
    assert (W.dtype, W.indices.dtype, W.indptr.dtype) == (np.float64, np.int32, np.int32)
    assert_array_equal(np.diff(W.indptr), degree)
    assert (np.diff(W.indices.reshape(n_rows, degree)) > 0).all()
    assert W.indices.min() >= 0
    assert W.indices.max() < n_columns
    assert (W.data != 0).all()
    assert (np.abs(W.data) <= 1).all()


@pytest.mark.parametrize("connectivity", [4, 8])  # redrawn duplicates; smallest keys
def test_all_sets_of_columns_are_equally_likely(connectivity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n_columns, n_rows = 40, 20_000
    monkeypatch.setattr(topology, "_BLOCK_ENTRIES", 100_000)  # several blocks
    W = random_weights(n_rows, n_columns, connectivity, np.random.default_rng(0))
    pairs = (W != 0).astype(float)
    together = (pairs.T @ pairs).toarray()
    single, double = np.diag(together), together[np.triu_indices(n_columns, 1)]
    for counts in (single, double):
        statistic = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        assert chi2.sf(statistic, len(counts) - 1) > 1e-3


def test_weights_are_uniform_in_the_given_range() -> None:
    weights = random_weights(1000, 1000, 50, np.random.default_rng(0), low=2.0, high=6.0).data
    assert weights.min() >= 2.0
    assert weights.max() < 6.0
    counts = np.histogram(weights, bins=20, range=(2.0, 6.0))[0]
    assert chi2.sf(((counts - 2500) ** 2 / 2500).sum(), 19) > 1e-3


class ZeroFirst:
    """A generator whose first uniform draw is 0 throughout."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.draws = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rng, name)

    def uniform(self, low: float, high: float, size: int) -> np.ndarray:
        self.draws += 1
        return np.zeros(size) if self.draws == 1 else self.rng.uniform(low, high, size)


def test_a_weight_of_zero_is_redrawn() -> None:
    assert (random_weights(5, 5, 2, ZeroFirst()).data != 0).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("connectivity", [10, 0.5])
def test_same_seed_gives_same_bits(connectivity: float) -> None:
    first, second = (random_weights(200, 200, connectivity, np.random.default_rng(7)) for _ in range(2))
    assert_array_equal(first.data, second.data)
    assert_array_equal(first.indices, second.indices)
    other = random_weights(200, 200, connectivity, np.random.default_rng(8))
    assert (first.data != other.data).any()


@pytest.mark.parametrize(
    ("connectivity", "degree"), [(1, 1), (1.0, 50), (0.1, 5), (1e-9, 1), (np.int64(3), 3), (np.float32(0.5), 25)]
)
def test_connectivity_is_a_count_or_a_density(connectivity: float, degree: int) -> None:
    assert random_weights(3, 50, connectivity, np.random.default_rng(0)).nnz == 3 * degree


@pytest.mark.parametrize("connectivity", [0, -3, 0.0, -0.1, 1.5, np.nan, True, "all", None])
def test_connectivity_out_of_range(connectivity: Any) -> None:
    with pytest.raises(ValueError, match="connectivity must be an int of at least 1"):
        random_weights(5, 5, connectivity, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 5, 6), "connectivity=6 asks for more synapses than pairs: a row has 5 columns"),
        ((0, 5, 1), "n_rows must be an int of at least 1, got 0"),
        ((5, 2.0, 1), "n_columns must be an int of at least 1, got 2.0"),
        ((100_000, 100_000, 0.5), r"5000000000 weights, more than 2\*\*31 - 1"),
    ],
)
def test_random_weights_rejects(arguments: tuple[Any, Any, Any], message: str) -> None:
    n_rows, n_columns, connectivity = arguments
    with pytest.raises(ValueError, match=message):
        random_weights(n_rows, n_columns, connectivity, np.random.default_rng(0))


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (1.0, -1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_random_weights_rejects_range(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low and high must be finite with low < high"):
        random_weights(5, 5, 1, np.random.default_rng(0), low=low, high=high)


# cycle, delay_line, aperiodic_signs


@given(n_units=st.integers(1, 200), data=st.data())
def test_blocks_of_16_units_read_units_that_follow_one_another(n_units: int, data: st.DataObject) -> None:
    degree = data.draw(st.integers(1, n_units - min(16, n_units) + 1))
    W = topology.blocked_weights(n_units, degree, np.random.default_rng(data.draw(st.integers(0, 99))))
    columns = W.indices.reshape(n_units, degree)
    assert W.shape == (n_units, n_units)
    assert columns.min() >= 0
    assert columns.max() < n_units
    assert (np.diff(columns, axis=1) > 0).all()
    assert (W.data != 0).all()
    size, few = min(16, n_units), degree <= -(-n_units // 16)
    for rows in np.split(columns, range(16, n_units, 16)):
        steps = np.diff(rows, axis=0)
        assert (steps == 1).all() if not few else np.isin(steps, [1, 1 - size]).all()
        if few and len(rows) == size:
            begins = rows.min(axis=0)
            assert ((begins % 16 == 0) | (begins == n_units - size)).all()
            # All strips of a block are turned by the same.
            assert (rows - begins == (rows - begins)[:, :1]).all()


def test_blocks_of_units_are_turned_differently() -> None:
    columns = topology.blocked_weights(16 * 1000, 3, np.random.default_rng(0)).indices.reshape(1000, 16, 3)
    turns = columns[:, 0, 0] % 16
    assert chisquare(np.bincount(turns, minlength=16)).pvalue > 0.01


def test_units_of_blocked_weights_are_read_about_equally_often() -> None:
    rng = np.random.default_rng(0)
    read = sum(np.bincount(topology.blocked_weights(320, 10, rng).indices, minlength=320) for _ in range(200))
    assert read.min() / read.mean() > 0.7
    assert read.max() / read.mean() < 1.3
    # Where strips begin anywhere, 15 of their places have been pushed together at both ends.
    read = sum(np.bincount(topology.blocked_weights(320, 30, rng).indices, minlength=320) for _ in range(200))
    assert read.min() / read.mean() > 0.4
    assert read.max() / read.mean() < 2.2


@pytest.mark.parametrize(
    ("n_units", "connectivity", "message"),
    [
        (0, 1, "n_units"),
        (40, 26, "connectivity=26 asks for 26 nonzeros per row, but strips of 16 columns have only 25 places among 40"),
        (10, 2, "connectivity=2 asks for 2 nonzeros per row, but strips of 10 columns have only 1 places"),
        (40, 0, "connectivity"),
        (200_000, 20_000, "weights, more than 2"),
    ],
)
def test_blocked_weights_rejects(n_units: int, connectivity: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        topology.blocked_weights(n_units, connectivity, np.random.default_rng(0))


@pytest.mark.parametrize("n_units", [1, 2, 7])
def test_cycle_and_delay_line(n_units: int) -> None:
    assert_array_equal(delay_line(n_units, 0.5).toarray(), 0.5 * np.eye(n_units, k=-1))
    assert_array_equal(cycle(n_units, 0.5).toarray(), 0.5 * np.roll(np.eye(n_units), 1, axis=0))
    for W in (cycle(n_units), delay_line(n_units)):
        assert (W.dtype, W.indices.dtype, W.indptr.dtype) == (np.float64, np.int32, np.int32)
        W.check_format(full_check=True)


@pytest.mark.parametrize("make", [cycle, delay_line])
def test_cycle_and_delay_line_reject(make: Any) -> None:
    with pytest.raises(ValueError, match="n_units must be an int of at least 1, got 0"):
        make(0)
    for weight in (0.0, np.nan, "1"):
        with pytest.raises(ValueError, match="weight must be finite and not 0"):
            make(3, weight)


def test_signs_are_deterministic_balanced_and_aperiodic() -> None:
    signs = aperiodic_signs(10_000)
    assert set(signs) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.03
    correlations = [abs(np.mean(signs[lag:] * signs[:-lag])) for lag in range(1, 500)]
    assert max(correlations) < 0.06
    assert_array_equal(aperiodic_signs((100, 3)).ravel(), signs[:300])


def test_signs_are_the_same_on_every_machine() -> None:
    # after 2000 steps a single different rounding would show
    assert "".join("-+"[int(s > 0)] for s in aperiodic_signs(2020)[2000:]) == "---++--+-+-+-++-+---"


@pytest.mark.parametrize("shape", [0, (3, 0), -1, 2.5, (True,)])
def test_signs_reject_shape(shape: Any) -> None:
    with pytest.raises(ValueError, match="shape must be an int of at least 1"):
        aperiodic_signs(shape)
