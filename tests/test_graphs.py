"""Tests of the graphs of liquids: who is connected to whom, how often, and how far away."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import chi2
from sklearn.base import clone

from reservoirs.topology import (
    Column,
    Connectome,
    ErdosRenyi,
    FixedInDegree,
    Graph,
    Modular,
    SmallWorld,
    _edges,
    column,
    graphs,
)

NALSM = {"EE": 0.2, "EI": 0.1, "IE": 0.3, "II": 0.05}
BLOCKS = {"EE": 0.02, "EI": 0.1, "IE": 0.3, "II": 0.0}
DRAWN = [
    Column((4, 5, 6), 2.0, NALSM),
    ErdosRenyi(120, 0.1),
    ErdosRenyi(120, BLOCKS),
    FixedInDegree(120, 15),
    FixedInDegree(120, {"exc": 10, "inh": 3}),
    SmallWorld(120, 8, 0.3),
    Modular(10, 12, 0.4, 0.02),
]


def draw(graph: Graph, n_exc: int, seed: int = 0) -> np.ndarray:
    """Check the form of the edges and return them as a dense table, [pre, post]."""
    start, targets = graph.edges(n_exc, np.random.default_rng(seed))
    n = graph.n_units
    assert (start.dtype, targets.dtype) == (np.int64, np.int32)
    assert (start.shape, start[0], start[-1]) == ((n + 1,), 0, len(targets))
    sources = np.repeat(np.arange(n), np.diff(start))
    assert ((targets >= 0) & (targets < n)).all()
    assert (targets != sources).all()
    assert (np.diff(targets)[np.diff(sources) == 0] > 0).all()  # ascending, so no duplicates
    table = np.zeros((n, n), dtype=bool)
    table[sources, targets] = True
    return table


def blocks(table: np.ndarray, n_exc: int) -> dict[str, np.ndarray]:
    types = {"E": slice(None, n_exc), "I": slice(n_exc, None)}
    return {pre + post: table[types[pre], types[post]] for pre in types for post in types}


def assert_as_expected(table: np.ndarray, p: np.ndarray, n_exc: int, n_draws: int = 1) -> None:
    """Compare the number of synapses in each block with what the probabilities of all pairs say, within 4 sigma."""
    expected, variance = blocks(p, n_exc), blocks(p * (1 - p), n_exc)
    for name, found in blocks(table, n_exc).items():
        sigma = np.sqrt(n_draws * variance[name].sum())
        assert abs(found.sum() - n_draws * expected[name].sum()) <= 4 * sigma + 1e-9, name


def probabilities(n: int, n_exc: int, connection: dict[str, float]) -> np.ndarray:
    p = np.empty((n, n))
    for name, block in blocks(p, n_exc).items():
        block[:] = connection[name]
    np.fill_diagonal(p, 0.0)
    return p


def squared_distances(sites: np.ndarray) -> np.ndarray:
    return ((sites[:, None] - sites) ** 2).sum(axis=-1)


def column_probabilities(column: Column, n_exc: int, seed: int) -> np.ndarray:
    """Apply the rule of the column to every pair of neurons."""
    squares = squared_distances(column.layout(np.random.default_rng(seed)))
    return probabilities(column.n_units, n_exc, column.connection) * np.exp(-squares / column.length_scale**2)


# what holds for all


@pytest.mark.parametrize("graph", DRAWN, ids=repr)
@pytest.mark.parametrize("n_exc", [0, 1, 96, 119, 120])
def test_edges_are_well_formed_for_any_share_of_excitatory_neurons(graph: Any, n_exc: int) -> None:
    if isinstance(graph, FixedInDegree) and isinstance(graph.in_degree, dict):
        n_exc = min(max(n_exc, 11), 116)
    assert draw(graph, n_exc).any() or getattr(graph, "p", None) == BLOCKS  # which has no synapses within II


@pytest.mark.parametrize("graph", DRAWN, ids=repr)
def test_the_seed_determines_the_edges(graph: Any) -> None:
    first = draw(graph, 96, seed=3)
    assert_array_equal(draw(clone(graph), 96, seed=3), first)
    assert (draw(graph, 96, seed=4) != first).any()


@pytest.mark.parametrize("graph", [*DRAWN, Connectome([[0, 1], [-1, 0]]), Column()], ids=repr)
def test_parameters_are_held_as_scikit_learn_holds_them(graph: Any) -> None:
    parameters = graph.get_params()
    assert all(value is getattr(graph, name) for name, value in parameters.items())
    assert clone(graph).get_params() == parameters
    assert pickle.loads(pickle.dumps(graph)).get_params() == parameters
    assert graph.set_params(**parameters) is graph


def test_changed_parameters_take_effect() -> None:
    graph = Column().set_params(shape=(2, 3, 1), connection=1.0, length_scale=1e6)
    assert graph.n_units == 6
    assert draw(graph, 3).sum() == 30


@pytest.mark.parametrize("graph", DRAWN, ids=repr)
def test_numpy_integers_do_not_overflow(graph: Any) -> None:
    def narrow(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: narrow(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(narrow, value))
        return np.int8(value) if isinstance(value, int) else value

    twin = clone(graph).set_params(**{name: narrow(value) for name, value in graph.get_params().items()})
    assert_array_equal(draw(twin, np.int8(96)), draw(graph, 96))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "graph", [FixedInDegree(20_000, 100), ErdosRenyi(20_000, 100 / 19_999), SmallWorld(20_000, 100)], ids=repr
)
def test_two_million_synapses(graph: Any) -> None:
    start, targets = graph.edges(16_000, np.random.default_rng(0))
    assert abs(len(targets) - 2_000_000) < 4 * np.sqrt(2_000_000)
    ends = start[1:-1][np.diff(start[1:]) > 0]
    ascending = np.diff(targets) > 0
    ascending[ends - 1] = True
    assert ascending.all()


# Bernoulli trials


@pytest.mark.parametrize("spare", [5.0, 0.0, -0.5])
@pytest.mark.parametrize("p", [1e-12, 0.01, 0.3, 0.9, 1.0])
def test_trials_succeed_independently(p: float, spare: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_edges, "_SPARE_DEVIATIONS", spare)  # too few make several draws
    rng = np.random.default_rng(0)
    n_runs, n_trials = 2000, 6
    successes = np.zeros((n_runs, n_trials), dtype=bool)
    for row in successes:
        row[_edges.successes(n_trials, p, rng)] = True
    pattern = successes @ (1 << np.arange(n_trials))
    n_successes = np.array([bin(i).count("1") for i in range(1 << n_trials)])
    expected = n_runs * p**n_successes * (1 - p) ** (n_trials - n_successes)
    found = np.bincount(pattern, minlength=1 << n_trials)
    common = expected > 5
    rare = found[~common].sum()
    assert rare <= expected[~common].sum() + 4 * np.sqrt(expected[~common].sum() + 1)
    assert chi2.sf(((found - expected)[common] ** 2 / expected[common]).sum(), max(common.sum() - 1, 1)) > 1e-3


@settings(deadline=None)
@given(n_trials=st.integers(0, 10**6), p=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_successes_are_distinct_and_in_range(n_trials: int, p: float, seed: int) -> None:
    successes = _edges.successes(n_trials, p, np.random.default_rng(seed))
    assert successes.dtype == np.int64
    assert (np.diff(successes, prepend=-1, append=n_trials) > 0).all()
    assert abs(len(successes) - n_trials * p) <= 8 * np.sqrt(n_trials * p * (1 - p) + 1)


def test_rare_successes_among_many_trials_do_not_overflow() -> None:
    assert len(_edges.successes(2**60, 1e-300, np.random.default_rng(0))) == 0
    few = _edges.successes(2**60, 2.0**-57, np.random.default_rng(0))
    assert 0 < len(few) < 30
    assert (np.diff(few, prepend=-1, append=2**60) > 0).all()


# Column


def test_the_nalsm_column_has_the_expected_number_of_synapses() -> None:
    column, expected = Column(connection=NALSM), {"EE": 11_029, "EI": 1_380, "IE": 4_141, "II": 172}
    total = dict.fromkeys(expected, 0.0)
    for seed in range(10):
        table, p = draw(column, 800, seed), column_probabilities(column, 800, seed)
        assert_as_expected(table, p, 800)
        for name in expected:
            total[name] += blocks(p, 800)[name].sum() / 10
    assert_allclose([total[name] for name in expected], list(expected.values()), rtol=0.02)  # sites differ
    assert_array_equal(draw(Column(), 800), draw(column, 800))


def test_eight_thousand_neurons() -> None:
    _, targets = Column((20, 20, 20)).edges(6400, np.random.default_rng(0))
    assert abs(len(targets) - 178_349) < 4 * np.sqrt(178_349)


@pytest.mark.parametrize("shape", [(10, 10, 10), (3, 3, 15), (25, 20, 1), (1, 300, 1)])
def test_the_probability_falls_off_with_distance_as_the_rule_says(shape: tuple[int, ...]) -> None:
    column, n_exc = Column(shape, 2.0, {"EE": 0.3, "EI": 0.2, "IE": 0.4, "II": 1.0}), int(np.prod(shape)) // 2
    n_bins = 8
    found, expected, variance = np.zeros((3, 4, n_bins))
    for seed in range(10):
        table, p = draw(column, n_exc, seed), column_probabilities(column, n_exc, seed)
        squares = squared_distances(column.layout(np.random.default_rng(seed))).astype(int)
        near = np.minimum(squares, n_bins - 1)
        for i, name in enumerate(NALSM):
            bins = blocks(near, n_exc)[name].ravel()
            for total, values in ((found, table), (expected, p), (variance, p * (1 - p))):
                total[i] += np.bincount(bins, blocks(values, n_exc)[name].ravel(), n_bins)
    assert (np.abs(found - expected) <= 4 * np.sqrt(variance) + 1e-9).all()


def test_pairs_are_independent() -> None:
    column, n_draws = Column((3, 2, 1), 2.0, 0.6), 2000
    # seen from the sites, all draws have the same probabilities
    by_site = np.empty((n_draws, 6, 6))
    for seed in range(n_draws):
        order = np.argsort(column.layout(np.random.default_rng(seed)) @ [2, 1, 0])
        by_site[seed] = draw(column, 3, seed)[np.ix_(order, order)]
    pairs = by_site.reshape(n_draws, -1)[:, ~np.eye(6, dtype=bool).ravel()]
    sites = np.stack(np.unravel_index(range(6), (3, 2, 1)), axis=1)
    p = (0.6 * np.exp(-squared_distances(sites) / 4))[~np.eye(6, dtype=bool)]
    z = (pairs - p) / np.sqrt(p * (1 - p))
    moments = z.T @ z / n_draws
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(n_draws)
    assert np.abs(moments - np.diag(np.diag(moments))).max() < 4.5 / np.sqrt(n_draws)


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    length_scale=st.floats(0.05, 1e6),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_columns_of_any_shape(shape: tuple[int, ...], length_scale: float, share: float, seed: int) -> None:
    column = Column(shape, length_scale, {"EE": 1.0, "EI": 0.5, "IE": 0.0, "II": 0.2})
    n_exc = round(share * column.n_units)
    sites = column.layout(np.random.default_rng(seed))
    assert_array_equal(np.unique(sites, axis=0), np.stack(np.unravel_index(range(len(sites)), shape), axis=1))
    table, p = draw(column, n_exc, seed), column_probabilities(column, n_exc, seed)
    assert not table[p == 0].any()
    assert table[p == 1].all()
    assert abs(table.sum() - p.sum()) <= 8 * np.sqrt((p * (1 - p)).sum() + 1)


@pytest.mark.parametrize("length_scale", [1e-300, 1e-3, 1e300])
def test_extreme_length_scales(length_scale: float) -> None:
    assert draw(Column((3, 3, 3), length_scale, 1.0), 20).sum() == (27 * 26 if length_scale > 1 else 0)


def test_many_synapses_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [draw(graph, 96) for graph in DRAWN]
    for module in _edges, column:
        monkeypatch.setattr(module, "BLOCK_EDGES", 7)
    for graph, table in zip(DRAWN, whole, strict=True):
        assert_array_equal(draw(graph, 96), table)


# the other random graphs


@pytest.mark.parametrize("n_exc", [0, 300, 400])
def test_probabilities_of_blocks(n_exc: int) -> None:
    for p in (BLOCKS, dict.fromkeys(BLOCKS, 0.07)):
        assert_as_expected(draw(ErdosRenyi(400, p), n_exc), probabilities(400, n_exc, p), n_exc)
    same = probabilities(400, n_exc, dict.fromkeys(BLOCKS, 0.07))
    assert_as_expected(draw(ErdosRenyi(400, 0.07), n_exc), same, n_exc)


def assert_all_pairs_alike(tables: list[np.ndarray], p: np.ndarray) -> None:
    """Compare how often each pair has a synapse, over many draws, with its probability."""
    n_draws = len(tables)
    found = np.sum(tables, axis=0)
    possible = p > 0
    assert not found[~possible].any()
    statistic = ((found - n_draws * p)[possible] ** 2 / (n_draws * p * (1 - p))[possible]).sum()
    assert chi2.sf(statistic, possible.sum()) > 1e-3
    assert chi2.cdf(statistic, possible.sum()) > 1e-3


def test_all_pairs_of_a_block_are_equally_likely() -> None:
    p = {"EE": 0.2, "EI": 0.6, "IE": 0.4, "II": 0.1}
    tables = [draw(ErdosRenyi(12, p), 7, seed) for seed in range(2000)]
    assert_all_pairs_alike(tables, probabilities(12, 7, p))


def test_in_degrees_are_as_given() -> None:
    assert (draw(FixedInDegree(200, 30), 150).sum(axis=0) == 30).all()
    table = draw(FixedInDegree(200, {"exc": 20, "inh": 5}), 150)
    assert (table[:150].sum(axis=0) == 20).all()
    assert (table[150:].sum(axis=0) == 5).all()
    assert draw(FixedInDegree(6, 5), 3).sum() == 30
    assert draw(FixedInDegree(6, {"exc": 3, "inh": 0}), 4).sum(axis=0).tolist() == [3] * 6
    assert draw(FixedInDegree(1, 0), 1).sum() == 0


@pytest.mark.parametrize("in_degree", [1, 4, {"exc": 3, "inh": 1}])
def test_all_sources_are_equally_likely(in_degree: Any) -> None:
    n, n_exc = 12, 8
    tables = [draw(FixedInDegree(n, in_degree), n_exc, seed) for seed in range(2000)]
    p = np.full((n, n), in_degree / (n - 1)) if isinstance(in_degree, int) else np.empty((n, n))
    if isinstance(in_degree, dict):
        for name, block in blocks(p, n_exc).items():
            n_sources, degree = (n_exc, in_degree["exc"]) if name[0] == "E" else (n - n_exc, in_degree["inh"])
            block[:] = degree / (n_sources - (name[0] == name[1]))
    np.fill_diagonal(p, 0.0)
    found = np.mean(tables, axis=0)  # sources of one neuron exclude each other: pair by pair
    assert (np.abs(found - p) <= 4.5 * np.sqrt(p * (1 - p) / len(tables)) + 1e-12).all()


def test_an_unrewired_small_world_is_a_ring() -> None:
    ring = SmallWorld(11, 4, 0.0)
    place = ring.layout(np.random.default_rng(5))
    assert place.shape == (11, 1)
    steps = (place[:, 0] - place) % 11  # from pre, a row, to post
    assert_array_equal(draw(ring, 8, seed=5), np.isin(steps, [1, 2, 9, 10]))


@pytest.mark.parametrize(("n_units", "n_neighbors"), [(9, 4), (9, 8), (3, 2)])
@pytest.mark.parametrize("p_rewire", [0.3, 1.0])
def test_rewired_synapses_go_anywhere(n_units: int, n_neighbors: int, p_rewire: float) -> None:
    n_draws = 1000
    counts = np.zeros(n_units)
    for seed in range(n_draws):
        graph = SmallWorld(n_units, n_neighbors, p_rewire)
        table = draw(graph, 2, seed)
        assert (table.sum(axis=1) == n_neighbors).all()
        place = graph.layout(np.random.default_rng(seed))
        pre, post = np.nonzero(table)
        counts += np.bincount((place[post, 0] - place[pre, 0]) % n_units, minlength=n_units)
    # kept, or one of the free ones: n_units - 1 but those that are kept
    m = np.arange(n_neighbors + 1)
    weight = np.array([comb(n_neighbors, i) * p_rewire**i * (1 - p_rewire) ** (n_neighbors - i) for i in m])
    free = n_units - 1 - (n_neighbors - m)
    far = (weight * m / np.maximum(free, 1)).sum()  # a target that is no neighbour is never kept
    p = np.full(n_units, far)
    p[graphs._ring(n_units, n_neighbors)] = (n_neighbors - far * (n_units - 1 - n_neighbors)) / n_neighbors
    p[0] = 0.0
    n_trials = n_draws * n_units
    assert (np.abs(counts - n_trials * p) <= 4 * np.sqrt(n_trials * p * (1 - p).clip(0)) + 1e-6).all()


def test_modules() -> None:
    graph = Modular(5, 40, 0.3, 0.02)
    same = graph.modules[:, None] == graph.modules
    assert_array_equal(same.sum(axis=0), 40)
    p = np.where(same, 0.3, 0.02)
    np.fill_diagonal(p, 0.0)
    table = draw(graph, 160)
    for pairs in (same, ~same):
        assert abs(table[pairs].sum() - p[pairs].sum()) < 4 * np.sqrt((p * (1 - p))[pairs].sum())
    assert_array_equal(np.bincount(graph.modules[:160]), 32)  # of the excitatory


def test_all_pairs_of_modules_are_equally_likely() -> None:
    graph = Modular(3, 4, 0.5, 0.1)
    p = np.where(graph.modules[:, None] == graph.modules, 0.5, 0.1)
    np.fill_diagonal(p, 0.0)
    assert_all_pairs_alike([draw(graph, 9, seed) for seed in range(2000)], p)


@pytest.mark.parametrize(("n_modules", "module_size"), [(1, 6), (6, 1), (1, 1)])
def test_modules_of_everyone_and_of_one(n_modules: int, module_size: int) -> None:
    within = draw(Modular(n_modules, module_size, 1.0, 0.0), 1).sum()
    between = draw(Modular(n_modules, module_size, 0.0, 1.0), 1).sum()
    n = n_modules * module_size
    assert (within, between) == (n * (module_size - 1), n * (n - module_size))


# Connectome


W = np.array([[0.0, -1.0, 2.0, 0.0], [0.5, 0.0, 0.25, 0.0], [0.0, -3.0, 0.0, 0.0], [0.0, -2.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "form", [np.array, np.ndarray.tolist, sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.coo_array]
)
def test_a_connectome_gives_back_its_matrix(form: Callable[[np.ndarray], Any]) -> None:
    given = form(W)
    graph = Connectome(given)
    table = draw(graph, 2)
    assert_array_equal(table, (W != 0).T)
    start, targets = graph.edges()
    rebuilt = sparse.csc_array((graph.weights, targets, start), shape=(4, 4)).toarray()
    assert_array_equal(rebuilt, W)
    assert graph.weights.dtype == np.float64
    assert graph.excitatory.tolist() == [True, False, True, True]
    assert_array_equal(given.toarray() if sparse.issparse(given) else given, W)


def test_zeros_and_duplicates_of_a_sparse_connectome() -> None:
    matrix = sparse.coo_array(([1, 2, 0, -5], ([1, 1, 0, 0], [0, 0, 0, 1])), shape=(3, 3))
    graph = Connectome(matrix)
    assert (graph.weights.tolist(), graph.n_units) == ([3.0, -5.0], 3)
    assert matrix.nnz == 4
    assert clone(graph).excitatory.tolist() == [True, False, True]


# errors


def test_impossible_parameters() -> None:
    rejected: list[tuple[Any, str]] = [
        (Column((10, 10)), r"shape=\(10, 10\) must be three integers of at least 1, such as \(10, 10, 10\)"),
        (Column((10, 10, 0)), r"shape=\(10, 10, 0\) must be three integers"),
        (Column((10, 10, 2.5)), r"shape=\(10, 10, 2.5\) must be three integers"),
        (Column(1000), "shape=1000 must be three integers"),
        (Column((2**11,) * 3), r"the number of sites=8589934592 must be less than 2\*\*31"),
        (Column(length_scale=0), r"length_scale=0 must be a finite number in \(0, inf\)"),
        (Column(length_scale=np.inf), "length_scale=inf must be a finite number"),
        (Column(connection=1.5), r"connection=1.5 must be a finite number in \[0, 1\]"),
        (Column(connection=NALSM | {"IE": -0.1}), r"connection\['IE'\]=-0.1 must be a finite number in \[0, 1\]"),
        (Column(connection={"EE": 0.1}), "connection has the keys 'EE'; expected 'EE', 'EI', 'IE', 'II'"),
        (ErdosRenyi(0), "n_units=0 must be an integer of at least 1"),
        (ErdosRenyi(2**31), r"n_units=2147483648 must be less than 2\*\*31"),
        (ErdosRenyi(10, 1.1), r"p=1.1 must be a finite number in \[0, 1\]"),
        (ErdosRenyi(10, {"exc": 0.1}), "p has the keys 'exc'; expected 'EE', 'EI', 'IE', 'II'"),
        (FixedInDegree(10.0), "n_units=10.0 must be an integer of at least 1"),
        (FixedInDegree(10, 10), "in_degree=10 must be at most 9: there are 10 such neurons"),
        (FixedInDegree(10, -1), "in_degree=-1 must be an integer of at least 0"),
        (FixedInDegree(10, 0.5), "in_degree=0.5 must be an integer of at least 0"),
        (FixedInDegree(10, {"exc": 8, "inh": 1}), r"in_degree\['exc'\]=8 must be at most 7: there are 8 such neurons"),
        (FixedInDegree(10, {"exc": 1, "inh": 2}), r"in_degree\['inh'\]=2 must be at most 1: there are 2 such neurons"),
        (FixedInDegree(10, {"E": 1, "I": 2}), "in_degree has the keys 'E', 'I'; expected 'exc', 'inh'"),
        (SmallWorld(True), "n_units=True must be an integer of at least 1"),
        (SmallWorld(10, 3), "n_neighbors=3 must be even and less than n_units=10"),
        (SmallWorld(10, 10), "n_neighbors=10 must be even and less than n_units=10"),
        (SmallWorld(10, 0), "n_neighbors=0 must be an integer of at least 2"),
        (SmallWorld(10, 4, 2.0), r"p_rewire=2.0 must be a finite number in \[0, 1\]"),
        (Modular(0), "n_modules=0 must be an integer of at least 1"),
        (Modular(4, 2.0), "module_size=2.0 must be an integer of at least 1"),
        (Modular(2**16, 2**16), r"n_modules \* module_size=4294967296 must be less than 2\*\*31"),
        (Modular(2, 5, p_within=-1), r"p_within=-1 must be a finite number in \[0, 1\]"),
        (Modular(2, 5, p_between="high"), "p_between='high' must be a finite number"),
        (Connectome([[0.0, 1.0], [0.0]]), "must be a square matrix"),
        (Connectome(np.zeros((2, 3))), r"matrix has shape \(2, 3\); it must be square and not empty"),
        (Connectome(np.zeros((0, 0))), r"matrix has shape \(0, 0\); it must be square and not empty"),
        (Connectome([["a"]]), "matrix has the type <U1; expected real numbers"),
        (Connectome([[0.0, np.nan], [0.0, 0.0]]), "matrix contains NaN or infinite weights"),
        (Connectome(np.eye(3)), "matrix has 3 synapses of neurons onto themselves, the first of neuron 0"),
        (
            Connectome([[0, 0, 1], [0, 0, -1], [0, 0, 0]]),
            "matrix has 1 columns with weights of both signs, the first of neuron 2; by Dale's law",
        ),
    ]
    for graph, message in rejected:
        with pytest.raises(ValueError, match=message):
            graph.edges(8, np.random.default_rng(0))


@pytest.mark.parametrize("graph", DRAWN, ids=repr)
def test_impossible_numbers_of_excitatory_neurons(graph: Any) -> None:
    for n_exc, message in (
        (121, "n_exc=121 must be at most the number of neurons, 120"),
        (-1, "n_exc=-1 must be an integer of at least 0"),
        (96.0, "n_exc=96.0 must be an integer of at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            graph.edges(n_exc, np.random.default_rng(0))
