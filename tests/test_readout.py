"""Tests of the streamed ridge readout."""

import copy
import pickle
import sys
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import LinAlgWarning, lstsq
from sklearn.linear_model import Ridge, RidgeCV
from threadpoolctl import threadpool_limits

from reservoirs import ESNRegressor, _core, _lapack
from reservoirs.readout import DECADES, Gram, _Eigenvectors, _Tridiagonal, check_alpha, ridge_path, solve_ridge


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small problems on busy cores: BLAS threads would mostly wait for one another."""
    with threadpool_limits(1):
        yield


def make_data(n, p, m, seed=0, offset=0.0, noise=0.5, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((n, p)) + offset).astype(dtype)
    y = (x - offset) @ rng.standard_normal((p, m)) + noise * rng.standard_normal((n, m)) + offset
    return x, y


def accumulate(x, y, cuts=()):
    gram = Gram()
    for rows in np.split(np.arange(len(x)), cuts):
        gram.update(x[rows], y[rows])
    return gram


def brute_force_gcv(x, y, alpha):
    """GCV from the explicit hat matrix, relative to the variance, averaged over the targets."""
    n, p = x.shape
    centred = x - x.mean(axis=0)
    hat = 1 / n + centred @ np.linalg.solve(centred.T @ centred + alpha * np.eye(p), centred.T)
    rss = ((y - hat @ y) ** 2).sum(axis=0)
    return np.mean(n * rss / np.trace(np.eye(n) - hat) ** 2 / y.var(axis=0))


def assert_same_moments(a, b, rtol=1e-12):
    for name, left, right in zip(a._fields, a, b, strict=True):
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol * np.abs(right).max(), err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 60),
    p=st.integers(1, 40),
    m=st.integers(1, 3),
    seed=st.integers(0, 99),
    alpha=st.sampled_from([1e-3, 0.1, 1.0, 100.0]),
    offset=st.sampled_from([0.0, 1e6]),
    dtype=st.sampled_from([np.float32, np.float64]),
    solver=st.sampled_from(["svd", "cholesky"]),
    data=st.data(),
)
def test_agrees_with_sklearn(n, p, m, seed, alpha, offset, dtype, solver, data):
    x, y = make_data(n, p, m, seed, offset, dtype=dtype)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    solution = solve_ridge(accumulate(x, y, cuts), alpha)
    x = x.astype(np.float64)
    # sklearn's own centring loses digits to the offset, so it is given data closer to centred.
    model = Ridge(alpha, solver=solver).fit(x - offset, y - offset)
    scale = np.abs(model.coef_).max()
    np.testing.assert_allclose(solution.coef, model.coef_.reshape(m, p), rtol=1e-6, atol=1e-7 * scale)
    expected = model.predict(x - offset).reshape(n, m) + offset
    np.testing.assert_allclose(x @ solution.coef.T + solution.intercept, expected, rtol=1e-8, atol=1e-6)
    assert solution.alpha == alpha
    assert solution.gcv is None


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(5, 40),
    p=st.integers(1, 60),
    m=st.integers(1, 3),
    seed=st.integers(0, 99),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_gcv_equals_the_hat_matrix_formula(n, p, m, seed, offset):
    x, y = make_data(n, p, m, seed, offset)
    alphas = [10.0, 1e-2, 1.0, 0.1, 1e3]
    solution = solve_ridge(accumulate(x, y), alphas)
    expected = [brute_force_gcv(x - offset, y - offset, alpha) for alpha in alphas]
    np.testing.assert_allclose(solution.gcv, expected, rtol=1e-7)
    assert solution.alpha == alphas[np.argmin(expected)]
    np.testing.assert_allclose(solution.coef, solve_ridge(accumulate(x, y), solution.alpha).coef, rtol=1e-6, atol=1e-9)


def test_gcv_at_alpha_zero():
    x, y = make_data(30, 4, 2)
    assert solve_ridge(accumulate(x, y), [0.0]).gcv[0] == pytest.approx(brute_force_gcv(x, y, 0.0))
    x, y = make_data(10, 20, 1)
    solution = solve_ridge(accumulate(x, y), [0.0, 1.0])
    assert solution.gcv[0] == np.inf
    assert solution.alpha == 1.0


def test_choice_is_near_leave_one_out():
    x, y = make_data(200, 30, 1, noise=20.0)
    alphas = np.logspace(-2, 4, 25)
    expected = RidgeCV(alphas).fit(x, y[:, 0]).alpha_
    assert abs(np.log10(solve_ridge(accumulate(x, y), alphas).alpha / expected)) <= 0.5


def test_ties_go_to_the_larger_alpha():
    x, _ = make_data(20, 3, 1)
    solution = solve_ridge(accumulate(x, np.full((20, 2), 0.1)), [1.0, 10.0, 0.1])
    np.testing.assert_array_equal(solution.gcv, 0.0)
    assert solution.alpha == 10.0
    assert solve_ridge(accumulate(*make_data(20, 3, 1)), [1e-14, 1e-12]).alpha == 1e-12


def test_constant_target_does_not_disturb_the_choice():
    x, y = make_data(100, 20, 1, noise=10.0)
    alphas = np.logspace(-3, 4, 15)
    alone = solve_ridge(accumulate(x, y), alphas)
    both = solve_ridge(accumulate(x, np.hstack([y, np.full((100, 1), 0.1)]), [33]), alphas)
    assert both.alpha == alone.alpha
    np.testing.assert_allclose(both.gcv, alone.gcv / 2)


def test_noise_free_data():
    # The singular values fall off over eight decades, as those of a reservoir do.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 40)) * np.logspace(0, -6, 40) @ np.linalg.qr(rng.standard_normal((40, 40)))[0]
    y = x @ rng.standard_normal((40, 2))
    solution = solve_ridge(accumulate(x, y, [100, 300]), np.logspace(-14, 2, 17))
    assert np.isfinite(solution.gcv).all()
    assert (solution.gcv > 0).all()
    assert np.mean((x @ solution.coef.T + solution.intercept - y) ** 2) < 1e-13 * y.var()


def test_gcv_ranks_residuals_near_the_rounding_of_the_data():
    x, y = make_data(500, 20, 1, noise=0.0)
    y += 1e-6 * np.std(y) * np.random.default_rng(1).standard_normal(y.shape)
    alphas = [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]
    expected = [brute_force_gcv(x, y, alpha) for alpha in alphas]
    np.testing.assert_allclose(solve_ridge(accumulate(x, y), alphas).gcv, expected, rtol=1e-2)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shape", [(40, 6), (8, 15)])
@pytest.mark.parametrize("alpha", [0.0, [0.0]])
def test_singular_gram_gives_the_minimum_norm_solution(shape, alpha, seed):
    x, y = make_data(*shape, 2, seed)
    x[:, 3] = x[:, 0] - 2 * x[:, 1]
    with pytest.warns(LinAlgWarning, match=r"condition number at least [\d.]+e\+1[4-6]\).*Raise alpha") as record:
        solution = solve_ridge(accumulate(x, y), alpha)
    assert record[0].filename == __file__
    expected = lstsq(x - x.mean(axis=0), y - y.mean(axis=0), cond=1e-10)[0]
    np.testing.assert_allclose(solution.coef, expected.T, rtol=1e-8, atol=1e-10)
    assert solution.condition > 1e14


def test_small_alpha_above_rounding_does_not_warn():
    x, y = make_data(40, 6, 1)
    x[:, 3] = x[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution = solve_ridge(accumulate(x, y), 1e-9)
    assert 1e9 < solution.condition < 1e14
    np.testing.assert_allclose(solution.coef[0, 3], solution.coef[0, 0], rtol=1e-4)


def test_condition_number():
    x, y = make_data(50, 5, 1)
    matrix = accumulate(x, y).centred().gram + np.eye(5)
    assert solve_ridge(accumulate(x, y), 1.0).condition == pytest.approx(np.linalg.cond(matrix, 1))
    assert solve_ridge(accumulate(x, y), [1.0]).condition == pytest.approx(np.linalg.cond(matrix, 2))


@pytest.mark.parametrize("alpha", [1.0, [0.1, 1.0]])
def test_features_without_variation_give_the_mean(alpha):
    for n in (1, 5):
        y = np.random.default_rng(0).standard_normal((n, 2))
        solution = solve_ridge(accumulate(np.ones((n, 3)), y), alpha)
        assert solution.alpha == 1.0
        np.testing.assert_array_equal(solution.coef, 0.0)
        np.testing.assert_allclose(solution.intercept, y.mean(axis=0))


def test_features_without_variation_warn_at_alpha_zero():
    with pytest.warns(LinAlgWarning, match="condition number at least inf"):
        solution = solve_ridge(accumulate(np.ones((4, 3)), np.ones((4, 1))), 0.0)
    np.testing.assert_array_equal(solution.coef, 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_do_not_depend_on_the_blocks(dtype):
    x, y = make_data(300, 20, 2, offset=1e3, dtype=dtype)
    whole = accumulate(x, y)
    assert_same_moments(accumulate(x, y, [0, 1, 50, 50, 299]).centred(), whole.centred(), rtol=1e-11)
    assert_same_moments(accumulate(np.asfortranarray(x), y[::-1][::-1]).centred(), whole.centred())
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(whole.centred().gram, centred.T @ centred, rtol=1e-9, atol=1e-9)
    assert (whole.n_samples, whole.n_features, whole.n_targets) == (300, 20, 2)


def test_solving_leaves_the_sums_usable():
    x, y = make_data(200, 10, 2)
    gram = accumulate(x[:120], y[:120])
    before = gram.centred()
    solve_ridge(gram, 0.1)
    solve_ridge(gram, [0.1, 1.0])
    assert_same_moments(gram.centred(), before, rtol=0)
    gram.update(x[120:], y[120:])
    np.testing.assert_allclose(solve_ridge(gram, 0.1).coef, solve_ridge(accumulate(x, y), 0.1).coef, rtol=1e-10)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda gram: pickle.loads(pickle.dumps(gram))])
def test_copies_are_independent(duplicate):
    x, y = make_data(50, 4, 1)
    gram = accumulate(x, y)
    before = gram.centred()
    other = duplicate(gram)
    assert_same_moments(other.centred(), before, rtol=0)
    other.update(x, y)
    assert other.n_samples == 100
    assert_same_moments(gram.centred(), before, rtol=0)


def spoiled(block, value):
    block = block.copy()
    block[3, 1] = value
    return block


X, Y = make_data(20, 4, 2)
BAD_BLOCKS = [
    (spoiled(X, np.nan), Y, "features contain NaN, infinite or huge values: the reservoir diverged"),
    (spoiled(X, np.inf), Y, "features contain NaN, infinite"),
    (spoiled(X, -1e200), Y, "features contain NaN, infinite"),
    (spoiled(X, np.inf).astype(np.float32), Y, "features contain NaN, infinite"),
    (X, spoiled(Y, np.nan), "targets contain NaN, infinite or huge values"),
    (X[0], Y, r"features must have shape \(samples, columns >= 1\), got \(4,\)"),
    (X[:, :0], Y, r"features must have shape .* got \(20, 0\)"),
    (X, Y[:, 0], r"targets must have shape \(samples, columns >= 1\), got \(20,\)"),
    (X, Y[1:], "features and targets must have as many samples, got 20 and 19"),
]


@pytest.mark.parametrize(("x", "y", "message"), BAD_BLOCKS)
@pytest.mark.parametrize("first", [True, False])
def test_a_failed_update_changes_nothing(x, y, message, first):
    gram = Gram() if first else accumulate(X, Y)
    before = pickle.dumps(gram)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            gram.update(x, y)
    assert pickle.dumps(gram) == before


@pytest.mark.parametrize(("x_scale", "y_scale", "name"), [(1e153, 1.0, "features"), (1.0, 1e153, "targets")])
def test_an_update_that_only_all_together_is_too_much_changes_nothing(x_scale, y_scale, name):
    x, y = x_scale * np.array([[-1.0], [1.0]]), y_scale * np.array([[2.0], [-2.0]])
    gram = accumulate(x, y)
    before = pickle.dumps(gram)

    def update_often():
        nonlocal before
        for _ in range(1000):
            gram.update(x, y)
            before = pickle.dumps(gram)

    with pytest.raises(ValueError, match=f"{name} contain NaN, infinite or huge values"):
        update_often()
    assert pickle.dumps(gram) == before
    assert np.isfinite(gram.centred().gram).all()


def test_a_part_that_diverges_leaves_what_earlier_parts_have_learned():
    u = np.linspace(-1, 1, 50)[:, None]
    model = ESNRegressor(20, alpha=1e10, activation="identity", spectral_radius=3.0, washout=0, random_state=0)
    model.fit(u[:10], u[:10])
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="features contain NaN, infinite or huge values: the reservoir diverged"):
        model.partial_fit(np.ones((2000, 1)), np.ones((2000, 1)))
    assert pickle.dumps(model) == before
    assert np.isfinite(model.partial_fit(u[:10], u[:10]).coef_).all()


def test_later_blocks_must_be_as_wide_as_the_first():
    gram = accumulate(X, Y)
    before = pickle.dumps(gram)
    with pytest.raises(ValueError, match="features must have 4 columns as in the first block, got 3"):
        gram.update(X[:, :3], Y)
    with pytest.raises(ValueError, match="targets must have 2 columns as in the first block, got 1"):
        gram.update(X, Y[:, :1])
    assert pickle.dumps(gram) == before


def test_an_empty_gram_cannot_be_solved():
    gram = Gram()
    gram.update(np.empty((0, 3)), np.empty((0, 1)))
    with pytest.raises(ValueError, match="gram must hold at least one sample, got n_samples=0"):
        solve_ridge(gram, 1.0)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (-1.0, "alpha must be finite and >= 0, got -1.0"),
        (np.nan, "alpha must be finite and >= 0, got nan"),
        (np.inf, "alpha must be finite and >= 0, got inf"),
        ([1.0, -2.0], r"alpha must be finite and >= 0, got \[1.0, -2.0\]"),
        ([], r"alpha must not be empty, got \[\]"),
        ("1", "alpha must be a number or a flat list of numbers, got '1'"),
        (None, "alpha must be a number or a flat list of numbers, got None"),
        (True, "alpha must be a number or a flat list of numbers, got True"),
        ([[1.0]], r"alpha must be a number or a flat list of numbers, got \[\[1.0\]\]"),
        ([1.0, [2.0]], "alpha must be a number or a flat list of numbers"),
    ],
)
def test_invalid_alpha(alpha, message):
    with pytest.raises(ValueError, match=message):
        check_alpha(alpha)
    with pytest.raises(ValueError, match=message):
        solve_ridge(accumulate(X, Y), alpha)


def test_valid_alpha():
    for number in (0, 1, np.float32(1), np.array(1.0)):
        assert type(check_alpha(number)) is float
    for numbers in ([1], (1, 2.0), np.arange(3)):
        checked = check_alpha(numbers)
        assert checked.dtype == np.float64
        assert checked.shape == (len(numbers),)


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streaming_memory(dtype):
    x, y = make_data(1000, 300, 1, dtype=dtype)
    gram_bytes, block_bytes = 300**2 * 8, 1000 * 300 * 8
    peak = peak_memory(lambda: [gram.update(x, y) for gram in [Gram()] for _ in range(50)])
    assert peak < gram_bytes + block_bytes + 5e5


@pytest.mark.parametrize(("alpha", "matrices"), [(1.0, 1), ([1.0, 10.0], 2), (0.0, 2)])
def test_solution_memory(alpha, matrices):
    x, y = make_data(1000, 600, 1)
    x[:, 0] = x[:, 1]
    gram = accumulate(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        peak = peak_memory(lambda: solve_ridge(gram, alpha))
    assert peak < (matrices + 0.5) * 600**2 * 8


def test_blocks_are_summed_in_place():
    x, y = make_data(50, 100, 1)
    gram = accumulate(x, y)
    # Who copied the sum would hold a second (p, p) array.
    assert peak_memory(lambda: gram.update(x[:2], y[:2])) < 100**2 * 8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_do_not_depend_on_the_number_of_threads(dtype):
    x, y = make_data(700, 200, 3, offset=10.0, dtype=dtype)
    one = Gram()
    one.update(x, y, n_jobs=1)
    for n_jobs in (2, 7, -1):
        other = Gram()
        other.update(x, y, n_jobs=n_jobs)
        for ours, theirs in zip(other.centred(), one.centred(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="n_jobs=0 must be None or a non-zero integer"):
        one.update(x, y, n_jobs=0)


def test_sums_of_integers_and_halves():
    x, y = np.arange(30).reshape(10, 3) % 7, np.arange(10)[:, None]
    expected = accumulate(x.astype(np.float64), y.astype(np.float64)).centred()
    for kind in (np.int32, np.float16):
        assert_same_moments(accumulate(x.astype(kind), y).centred(), expected, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_parts_add_up(seed):
    x, y = make_data(60, 5, 2, seed)
    x[:20] += 1e6  # each part has a shift of its own
    whole, added = accumulate(x, y).centred(), Gram()
    for rows in (slice(0, 20), slice(20, 45), slice(45, 60)):
        part = accumulate(x[rows], y[rows])
        before = part.centred()
        added.add(part)
        assert all(np.array_equal(a, b) for a, b in zip(part.centred(), before, strict=True))
    added.add(Gram())
    for actual, expected in zip(added.centred(), whole, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-6 * np.abs(expected).max())
    with pytest.raises(ValueError, match="other must have 5 features as these sums, got 4"):
        added.add(accumulate(x[:, :4], y))
    with pytest.raises(ValueError, match="other must have 2 targets as these sums, got 1"):
        added.add(accumulate(x, y[:, :1]))


def test_a_path_gives_the_bits_of_single_solutions():
    x, y = make_data(40, 6, 2, 0)
    gram = accumulate(x, y)
    alphas = [1.0, (1e-3, 10.0), 1e-6, 0.0, (2.0,)]
    for solution, alpha in zip(ridge_path(gram, alphas, slack=1.5), alphas, strict=True):
        alone = solve_ridge(gram, alpha, slack=1.5)
        np.testing.assert_array_equal(solution.coef, alone.coef)
        assert (solution.alpha, solution.condition) == (alone.alpha, alone.condition)
    x[:, 3] = x[:, 0]  # singular: some of the path needs the decomposition
    gram = accumulate(x, y)
    with pytest.warns(LinAlgWarning, match="Raise alpha") as record:
        path = ridge_path(gram, [0.0, 1.0, 0.0])
    assert record[0].filename == __file__
    np.testing.assert_array_equal(path[0].coef, path[2].coef)
    np.testing.assert_array_equal(path[1].coef, solve_ridge(gram, 1.0).coef)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 5),
    seed=st.integers(0, 99),
    decades=st.sampled_from([0, 8, 40]),
    zeros=st.booleans(),
    scale=st.sampled_from([1.0, 1e-300, 1e300]),
)
def test_spectrum_of_a_tridiagonal_matrix(n, m, seed, decades, zeros, scale):
    rng = np.random.default_rng(seed)
    sizes = scale * np.logspace(-decades, 0, n)
    diagonal, beside = rng.standard_normal(n) * sizes, rng.standard_normal(n - 1) * sizes[1:]
    if zeros:
        beside[rng.random(n - 1) < 0.3] = 0.0
        diagonal[rng.random(n) < 0.3] = 0.0
    vectors = rng.standard_normal((n, m))
    expected, of = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    values, products = diagonal.copy(), vectors.copy()
    assert _core.tridiagonal_spectrum(values, beside, products)
    order = np.argsort(values)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(values[order], expected, rtol=0, atol=1e-14 * largest)
    # Eigenvectors of values close together are any rotation of one another: functions of the matrix are not.
    for pole in (1.5 * largest, 3 * largest):
        ours = products.T @ (products / (1 + values / (pole or 1))[:, None])
        theirs = vectors.T @ of @ ((of.T @ vectors) / (1 + expected / (pole or 1))[:, None])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * (vectors**2).sum())


def exact_ridge(x, y, alpha):
    """Householder's least squares of the augmented system, in extended precision."""
    x, y = (part.astype(np.longdouble) - part.astype(np.longdouble).mean(axis=0) for part in (x, y))
    p = x.shape[1]
    a = np.vstack([x, np.sqrt(np.longdouble(alpha)) * np.eye(p)])
    b = np.vstack([y, np.zeros((p, y.shape[1]), np.longdouble)])
    for j in range(p):
        v = a[j:, j].copy()
        v[0] += np.copysign(np.sqrt((v**2).sum()), v[0])
        v /= np.sqrt((v**2).sum())
        a[j:, j:] -= 2 * np.outer(v, v @ a[j:, j:])
        b[j:] -= 2 * np.outer(v, v @ b[j:])
    weights = np.zeros((p, y.shape[1]), np.longdouble)
    for j in reversed(range(p)):
        weights[j] = (b[j] - a[j, j + 1 :] @ weights[j + 1 :]) / a[j, j]
    return weights.T.astype(np.float64)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decades", [1, 4, 6, 7])
@pytest.mark.parametrize("n", [100, 25])
def test_the_tridiagonal_form_is_as_good_as_eigenvectors(n, decades, seed):
    # Squared, the features span two to fourteen decades: up to the last digit of the sums.
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 40)) * np.logspace(0, -decades, 40) @ np.linalg.qr(rng.standard_normal((40, 40)))[0]
    y = x @ rng.standard_normal((40, 2)) + 1e-3 * rng.standard_normal((n, 2))
    gram, alphas = accumulate(x, y), np.array(DECADES)
    short, long = _Tridiagonal(gram._moments()), _Eigenvectors(gram._moments())
    np.testing.assert_allclose(short.gcv(alphas), long.gcv(alphas), rtol=1e-5 if decades > 4 else 1e-10, atol=1e-14)
    for alpha in DECADES:
        exact, solution = exact_ridge(x, y, alpha), short.solve(alpha, alphas)
        assert solution is not None
        error, usual = (np.linalg.norm(each.coef - exact) for each in (solution, long.solve(alpha, None)))
        assert error < 10 * usual + 1e-13 * np.linalg.norm(exact)
        assert solution.condition == pytest.approx(long.condition(alpha), rel=0.1)


def test_what_is_undetermined_is_left_to_eigenvectors():
    x, y = make_data(40, 6, 1)
    x[:, 3] = x[:, 0]
    form = _Tridiagonal(accumulate(x, y)._moments())
    assert form.solve(0.0, np.ones(1)) is None
    assert form.solve(1e-6, np.ones(1)) is not None
    # Penalised by less than rounding has taken away.
    form.least = -0.9e-6
    assert form.solve(1e-6, np.ones(1)) is None


def test_lapack_tells_failures_and_values():
    matrix = np.asfortranarray([[4.0, 2.0], [2.0, 5.0]])
    assert _lapack.value("dlansy", "1", "L", 2, matrix, 2, np.empty(2)) == 7.0
    assert _lapack.call("dpotrf", "L", 2, matrix, 2) == 0
    np.testing.assert_array_equal(np.tril(matrix), [[2.0, 0.0], [1.0, 2.0]])
    assert _lapack.call("dpotrf", "L", 2, np.asfortranarray([[1.0, 2.0], [2.0, 1.0]]), 2) == 2


def test_lapack_lets_other_threads_go_on():
    matrix = np.asfortranarray(np.eye(1000))

    def is_overtaken():
        entered, done = threading.Event(), threading.Event()

        def factorise():
            entered.set()
            _lapack.call("dpotrf", "L", 1000, matrix, 1000)
            done.set()

        thread = threading.Thread(target=factorise)
        thread.start()
        entered.wait()
        overtaken = not done.is_set()
        thread.join()
        return overtaken

    before = sys.getswitchinterval()
    sys.setswitchinterval(100.0)  # the lock is handed over by those only who let it go
    try:
        assert any(is_overtaken() for _ in range(20))
    finally:
        sys.setswitchinterval(before)
