from __future__ import annotations

from collections import Counter
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from scipy.special import eval_hermitenorm, eval_legendre, factorial
from scipy.stats import chi2
from sklearn.base import BaseEstimator, TransformerMixin

matplotlib.use("Agg")
from matplotlib import pyplot

from reservoirs import EchoStateNetwork, LiquidStateMachine
from reservoirs.diagnostics import information_processing_capacity, memory_capacity
from reservoirs.diagnostics._drive import Source
from reservoirs.plotting import DiagnosticDisplay


def target(z, term, lead, distribution="uniform"):
    """The product of polynomials, from its definition."""
    product = np.ones(len(z) - lead)
    for (delay, i), degree in Counter(term).items():
        past = z[lead - delay : len(z) - delay, i]
        if distribution == "uniform":
            product *= np.sqrt(2 * degree + 1) * eval_legendre(degree, past)
        else:
            product *= eval_hermitenorm(degree, past) / np.sqrt(factorial(degree))
    return product


def plain(states, z, n_parts=32):
    """Capacity of a target and the mean capacity of chance, on the whole matrix of states."""
    x = states - states.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True)).T)
    n, edges = len(x), len(x) * np.arange(n_parts + 1) // n_parts
    parts = [z[a:b] @ white[a:b] for a, b in pairwise(edges)]
    of_different = sum(parts[i] @ parts[j] for i in range(n_parts) for j in range(n_parts) if i != j)
    of_pairs = sum(
        (edges[i + 1] - edges[i]) * (edges[j + 1] - edges[j]) for i in range(n_parts) for j in range(n_parts) if i != j
    )
    capacity = of_different / of_pairs
    noise = (sum(part @ part for part in parts) - capacity * (np.diff(edges) ** 2).sum()) / n**2
    return capacity / np.mean(z**2), noise / np.mean(z**2)


@pytest.mark.parametrize(("distribution", "n_inputs"), [("uniform", 1), ("normal", 1), ("uniform", 2)])
def test_equals_the_definition(distribution, n_inputs):
    network = EchoStateNetwork(6, connectivity=0.5, input_scaling=0.7, random_state=0).fit(np.zeros((2, n_inputs)))
    found = information_processing_capacity(
        network, max_degree=3, max_delay=7, n_timesteps=5000, washout=50, distribution=distribution, loc=0.1, scale=0.6,
        random_state=4,
    )  # fmt: skip
    z, u = Source.checked(distribution, 0.1, 0.6, 4).draw(5050, n_inputs)
    states = network.transform(u)[50:]
    excess = chi2.isf(1e-4, 6) / 6 - 1
    assert len(found.terms) > 20
    for term, capacity in found.terms.items():
        expected, noise = plain(states, target(z, term, 50, distribution))
        assert capacity == pytest.approx(expected, abs=1e-5), term
        assert expected > 0.99 * excess * noise
    # Degree 1 is small enough to be seen whole: what is not among the terms has failed the test.
    for delay in range(8):
        for i in range(n_inputs):
            if ((delay, i),) not in found.terms:
                expected, noise = plain(states, target(z, ((delay, i),), 50, distribution))
                assert expected < 1.01 * excess * noise
    assert found.passed.sum() == pytest.approx(sum(found.terms.values()))
    assert found.total == found.by_delay.sum() == pytest.approx(found.by_degree.sum())
    whole = [plain(states, target(z, ((d, i),), 50, distribution))[0] for d in range(8) for i in range(n_inputs)]
    assert found.by_degree[0] == pytest.approx(sum(whole), abs=1e-4)
    assert (found.n_tried >= [8 * n_inputs, 10, 10]).all()


@pytest.mark.parametrize(("input_scaling", "max_degree"), [(0.1, 3), (0.3, 5)])
def test_total_is_the_number_of_states(input_scaling, max_degree):
    network = EchoStateNetwork(50, input_scaling=input_scaling, bias_scaling=0.0, random_state=0)
    found = information_processing_capacity(network, max_degree=max_degree, n_timesteps=60_000, random_state=0)
    assert found.rank == 50
    assert found.total == pytest.approx(50, rel=0.03)
    # No more than there are states, but for the error of a sum of thousands of estimates.
    assert found.passed.sum() < found.total < 50.05
    # tanh without bias is odd.
    assert np.abs(found.by_degree[1::2]).max() < 0.05


def test_degree_1_is_the_memory_capacity():
    network = EchoStateNetwork(30, input_scaling=0.5, random_state=1)
    of_degree_1 = information_processing_capacity(network, max_degree=1, n_timesteps=50_000, random_state=0)
    memory = memory_capacity(network, max_delay=60, n_train=50_000, n_test=50_000, random_state=1)
    n = len(memory.curve)
    np.testing.assert_allclose(of_degree_1.by_delay[0, :n], memory.curve, atol=0.01)
    assert of_degree_1.total == pytest.approx(memory.curve.sum(), abs=0.05)


def test_linear_network_has_degree_1_only():
    network = EchoStateNetwork(20, activation="identity", topology="cycle", bias_scaling=0.0, random_state=0)
    found = information_processing_capacity(network, max_degree=3, n_timesteps=20_000, random_state=0)
    assert found.by_degree[0] == pytest.approx(20, abs=0.05)
    assert np.abs(found.by_degree[1:]).max() < 0.2  # a thousand zeros
    assert found.passed[1:].max() < 0.02


class Products(TransformerMixin, BaseEstimator):
    """Features that are known products of past inputs."""

    def __init__(self, terms):
        self.terms = terms

    def fit(self, X, y=None):
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        pasts = [np.vstack([np.zeros((100, 1)), x])[:, 0] for x in X]
        return [
            np.column_stack([np.prod([past[100 - d : len(past) - d] for d in term], axis=0) for term in self.terms])
            for past in pasts
        ]

    def get_feature_names_out(self, input_features=None):
        return [str(term) for term in self.terms]


def test_known_products_are_found_each_whole():
    network = Products([(1, 3), (0, 0), (2, 5, 5), (4,)])
    found = information_processing_capacity(network, max_degree=3, max_delay=20, n_timesteps=20_000, random_state=0)
    # u^2 is P2 up to its mean; u_2 u_5^2 = u_2 (2 P2(u_5) + 1) / 3, of which P2 has the share 4/9 * 1/5 : 1/9.
    expected = {((1, 0), (3, 0)): 1.0, ((0, 0), (0, 0)): 1.0, ((2, 0), (5, 0), (5, 0)): 4 / 9, ((2, 0),): 5 / 9}
    expected |= {((4, 0),): 1.0}
    for term, capacity in expected.items():
        assert found.terms[term] == pytest.approx(capacity, abs=0.02), term
    # The square of u_0 and the rest are orthogonal: nothing else is there, but for a false alarm or two.
    assert found.total == pytest.approx(4, abs=0.03)
    assert found.rank == found.n_states == 4


def test_growing_finds_what_lies_beyond_the_first_terms():
    network = Products([(k, k + 1) for k in range(70)])
    found = information_processing_capacity(network, max_degree=2, max_delay=80, n_timesteps=10_000, random_state=0)
    assert found.by_delay[1, 1:71] == pytest.approx(np.ones(70), abs=0.05)
    assert found.n_tried[1] < 0.5 * 81 * 82 / 2  # and leaves out most of what is zero


def test_branches_without_capacity_end_early():
    network = EchoStateNetwork(20, bias_scaling=0.0, random_state=0)
    found = information_processing_capacity(network, max_degree=2, max_delay=100, n_timesteps=10_000, random_state=0)
    assert found.n_tried[1] <= 1300
    assert len([term for term in found.terms if len(term) == 2]) <= 3


def test_same_bits_for_any_number_of_threads():
    network = EchoStateNetwork(8, connectivity=0.5, input_scaling=1.0, random_state=0)
    one, two = (
        information_processing_capacity(network, n_timesteps=5000, random_state=0, n_jobs=n).terms for n in (1, 2)
    )
    assert one == two


def test_states_that_never_vary():
    silent = EchoStateNetwork(5, connectivity=0.5, input_scaling=0.0, bias_scaling=0.0, random_state=0)
    found = information_processing_capacity(silent, n_timesteps=1000, random_state=0)
    assert found.rank == 0
    assert found.total == 0


def test_copies_of_a_unit_do_not_count():
    found = information_processing_capacity(Products([(1,), (1,), (2,)]), n_timesteps=5000, random_state=0)
    assert (found.rank, found.n_states) == (2, 3)
    assert found.total == pytest.approx(2, abs=0.05)


def test_a_liquid():
    liquid = LiquidStateMachine(
        "maass-2002", input_weight=30.0, per_row=True, features="potentials", dtype="float64", random_state=0
    )
    found = information_processing_capacity(
        liquid, max_degree=2, max_delay=10, n_timesteps=3000, washout=100, loc=1.0, random_state=0
    )
    assert 0.5 < found.by_degree[0] < 11


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_degree": 0}, "max_degree=0 must be"),
        ({"max_delay": -1}, "max_delay=-1 must be"),
        ({"n_timesteps": 999}, "n_timesteps=999 must be"),
        ({"p_value": 0.0}, "p_value=0.0 must be"),
        ({"patience": 0}, "patience=0 must be"),
        ({"n_jobs": 0}, "n_jobs=0 must be"),
        ({"distribution": "beta"}, "distribution='beta' is not one of"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        information_processing_capacity(EchoStateNetwork(5), **parameters)


def test_display_draws_degrees_over_delays():
    network = EchoStateNetwork(8, connectivity=0.5, input_scaling=1.0, random_state=0)
    found = information_processing_capacity(network, n_timesteps=5000, random_state=0)
    display = DiagnosticDisplay.from_result(found)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["degree 1", "degree 2", "degree 3"]
    heights = np.zeros(found.by_delay.shape[1])
    for bars in display.ax_.containers:
        heights[: len(bars)] += [bar.get_height() for bar in bars]
    np.testing.assert_allclose(heights, found.by_delay.sum(axis=0))
    pyplot.close("all")
