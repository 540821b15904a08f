"""Which functions of its past input a network computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from math import comb, factorial
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import eval_hermitenorm, eval_legendre
from scipy.stats import chi2

from .._blas import one_thread
from .._params import check_count, check_real, n_threads
from ..readout import Gram
from ._drive import Array, Driver, Source, drive, width_of

FloatArray = NDArray[np.float64]
#: A product of polynomials of past inputs: a (delay, input) for each degree, ascending. ((3, 0), (3, 0), (5, 0)) is the
#: polynomial of degree 2 of input 0 three steps ago times that of degree 1 five steps ago.
Term = tuple[tuple[int, int], ...]

# About how many terms of a degree are tried before any is known to matter.
_FIRST_TERMS = 1000
# Neighbours that a term without capacity leads to, on average: few enough for branches of zeros to end, enough for
# branches of many small terms to go on.
_NEIGHBOURS_OF_NOTHING = 0.5
# Terms of one matrix product: with a block of rows they fit the second-level cache.
_TERMS_A_TASK = 64
# Of a run: few enough to be longer than memory, enough to measure noise by.
_PARTS = 32


@dataclass(frozen=True)
class InformationProcessingCapacity:
    """What a network computes of its past input, by degree and delay.

    Attributes
    ----------
    by_delay : ndarray of shape (max_degree, max_delay + 1)
        Capacity of all terms of degree d that were tried, in row d - 1, by their longest delay. Estimates have no bias:
        those of nothing add up to about nothing, slightly negative or positive.
    terms : dict
        Capacity of every term that passed the test. A term is a tuple of one (delay, input) for each degree:
        ``((3, 0), (3, 0), (5, 0))`` is the polynomial of degree 2 of input 0 three steps ago times that of degree 1
        five steps ago.
    n_tried : int ndarray of shape (max_degree,)
        How many terms were tried.
    rank : int
        Linearly independent states: what the capacities of all functions of a fading memory add up to.
    n_states : int
        Width of the states.
    """

    by_delay: FloatArray
    terms: dict[Term, float]
    n_tried: NDArray[np.int64]
    rank: int
    n_states: int

    @property
    def by_degree(self) -> FloatArray:
        """Capacity of each degree from 1 on, shape (max_degree,)."""
        return np.asarray(self.by_delay.sum(axis=1))

    @property
    def total(self) -> float:
        """Capacity of all degrees up to `max_degree`."""
        return float(self.by_delay.sum())

    @property
    def passed(self) -> FloatArray:
        """Capacity of each degree in terms that passed the test: as the literature counts, shape (max_degree,)."""
        degrees = [len(term) - 1 for term in self.terms]
        return np.bincount(degrees, list(self.terms.values()), len(self.by_delay)).astype(np.float64)


def information_processing_capacity(
    network: Any,
    *,
    max_degree: int = 3,
    max_delay: int | None = None,
    n_timesteps: int = 100_000,
    washout: int = 200,
    p_value: float = 1e-4,
    patience: int = 2,
    distribution: str = "uniform",
    loc: float = 0.0,
    scale: float = 1.0,
    n_jobs: int | None = -1,
    random_state: Any = None,
) -> InformationProcessingCapacity:
    r"""Measure which polynomials of past inputs a linear readout can find in the states.

    .. math:: C[z] = \langle z x \rangle^T \langle x x^T \rangle^{-1} \langle x z \rangle / \langle z^2 \rangle

    with centred states x, for products z of orthogonal polynomials of single inputs: Legendre for uniform inputs,
    Hermite for normal ones (Dambre et al. 2012). Over a complete basis they add up to the number of linearly
    independent states, if memory fades.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a
        copy with one input, to the input of the run. Outputs that are fed back count as inputs.
    max_degree : int, default=3
        The highest degree. Odd networks (tanh without bias) have odd degrees only.
    max_delay : int, default=None
        The longest delay. None means twice the number of states, at most a hundredth of `n_timesteps`.
    n_timesteps : int, default=100000
        Length of the run: capacities below about 3 n_states / n_timesteps cannot be told from chance.
    washout : int, default=200
        Time steps left out at the start of the run; never fewer than `max_delay` are.
    p_value : float, default=1e-4
        How likely a term without capacity may pass the test and be among `terms`.
    patience : int, default=2
        How many steps beyond a term its neighbours are tried: a branch ends after that many zeros.
    distribution : {"uniform", "normal"}, default="uniform"
        Inputs are ``loc + scale * z`` with z uniform in [-1, 1] or standard normal.
    loc, scale : float, default=0.0 and 1.0
        U[0, 1] is ``loc=0.5, scale=0.5``.
    n_jobs : int or None, default=-1
        Threads; they never change a result.
    random_state : int, RandomState instance or None, default=None
        Draws the input.

    Returns
    -------
    InformationProcessingCapacity

    Raises
    ------
    ValueError
        For a parameter out of its range, or a network that diverges.

    Notes
    -----
    With T time steps and r independent states, chance gives every z a capacity of about r / T, and more where
    neighbouring terms and states go together: with one correction for all, totals can exceed the number of states. We
    cut the run into 32 parts, which should be longer than the memory: products of different parts have the mean of the
    true capacity, whatever the noise, and the products within parts show how large the noise of this z is. A term
    passes if its capacity exceeds what a chi-squared variable of r degrees of freedom, scaled to that noise, does with
    probability `p_value`.

    Terms are tried from short delays on, by degree; those that are larger than most of chance have their neighbours
    tried, one delay raised by up to `patience` steps, and so on, at a level at which a term without capacity leads to
    half a neighbour on average. Every round drives the network again: states are never kept. Totals take in all terms
    that were tried: slow networks spread much of their capacity over thousands of terms each too small to pass the
    test, but not too small to be summed.

    When it misleads: what is not tried is lost: products of higher degrees, the far ends of branches too small to
    follow, and capacity that begins at long delays only, beyond an island of zeros. The error of totals falls with
    `n_timesteps`: with too few, thousands of zeros do not add up to zero. Chaotic networks stay below their rank, for
    good reason. `rank` leaves out directions below the rounding of sums; in single precision, states with large means
    have some above it that are the states' own rounding, and hold no capacity. The figure depends on the size of the
    input as much as on the network.

    References
    ----------
    .. [1] J. Dambre, D. Verstraeten, B. Schrauwen and S. Massar, "Information processing capacity of dynamical
       systems", Scientific Reports 2, 514, 2012.

    Examples
    --------
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import information_processing_capacity
    >>> network = EchoStateNetwork(n_units=10, input_scaling=1.0, random_state=0)
    >>> capacity = information_processing_capacity(network, max_degree=4, n_timesteps=20_000, random_state=0)
    >>> capacity.rank, bool(9 < capacity.total < 10)
    (10, True)
    """
    source = Source.checked(distribution, loc, scale, random_state)
    max_degree, patience = check_count("max_degree", max_degree), check_count("patience", patience)
    n_timesteps = check_count("n_timesteps", n_timesteps, 1000)
    p_value = check_real("p_value", p_value, 0.0, 1.0, least_included=False)
    n_jobs = n_threads(n_jobs)
    longest = n_timesteps // 100 if max_delay is None else check_count("max_delay", max_delay, 0)
    lead = max(check_count("washout", washout, 0), longest)
    n_inputs = width_of(network)
    z, u = source.draw(lead + n_timesteps, n_inputs)
    driver = drive(network, u)
    if max_delay is None:
        longest = min(longest, 2 * driver.n_states)
    with one_thread():
        states = _WhiteStates.of(driver, u, lead)
        run = _Run(states, _polynomials(z, max_degree, distribution), longest, n_jobs)
        tried: dict[Term, _Estimate] = {}
        degrees = range(1, max_degree + 1)
        new = {term for degree in degrees for term in _first_terms(degree, n_inputs, longest)}
        n = max(states.rank, 1)
        excess = float(chi2.isf(p_value, n)) / n - 1
        p_to_grow = np.maximum(_NEIGHBOURS_OF_NOTHING / (patience * np.arange(1, max_degree + 1)), p_value)
        to_grow = chi2.isf(p_to_grow, n) / n - 1
        while new:
            found = run.estimate(sorted(new))
            tried |= found
            grow = (term for term, (capacity, noise) in found.items() if capacity > to_grow[len(term) - 1] * noise)
            new = {further for term in grow for further in _neighbours(term, patience, longest)} - tried.keys()
    by_delay, n_tried = np.zeros((max_degree, longest + 1)), np.zeros(max_degree, np.int64)
    for term, (capacity, _) in tried.items():
        by_delay[len(term) - 1, term[-1][0]] += capacity
        n_tried[len(term) - 1] += 1
    terms = {term: capacity for term, (capacity, noise) in tried.items() if capacity > excess * noise}
    return InformationProcessingCapacity(by_delay, terms, n_tried, states.rank, driver.n_states)


class _Estimate(NamedTuple):
    """Capacity of a term, and the capacity that chance would give it."""

    capacity: float
    noise: float


@dataclass(frozen=True)
class _WhiteStates:
    """One run of a network, repeated at will: its states made uncorrelated, of mean 0 and variance 1."""

    driver: Driver
    inputs: Array
    lead: int
    shift: FloatArray
    mixing: FloatArray
    offset: FloatArray

    @classmethod
    def of(cls, driver: Driver, inputs: Array, lead: int) -> _WhiteStates:
        n = driver.n_states
        plain = cls(driver, inputs, lead, np.zeros(n), np.eye(n), np.zeros(n))
        mean, mixing = plain._moments()
        once = cls(driver, inputs, lead, mean, mixing, np.zeros(mixing.shape[1]))
        if once.rank == 0:
            return once
        # The Gram matrix squares the condition number. The second time mends what that did to the least directions.
        mean, again = once._moments()
        return cls(driver, inputs, lead, once.shift, mixing @ again, mean @ again)

    @property
    def rank(self) -> int:
        return int(self.mixing.shape[1])

    def blocks(self) -> Iterator[tuple[FloatArray, int, int]]:
        for states, begin, end in self.driver.blocks(self.inputs, self.lead):
            yield (states - self.shift) @ self.mixing - self.offset, begin, end

    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Return the mean, and what makes the directions that vary by more than rounding errors white."""
        gram = Gram()
        for states, _, _ in self.blocks():
            gram.update(states, np.zeros((len(states), 1)))
        moments = gram.centred()
        values, vectors = np.linalg.eigh(moments.gram)
        varying = values > len(values) * np.finfo(np.float64).eps * values[-1]
        return moments.feature_means, vectors[:, varying] * np.sqrt(moments.n_samples / values[varying])


@dataclass(frozen=True)
class _Run:
    """Estimates the capacities of terms; every call drives the network once."""

    states: _WhiteStates
    polynomials: NDArray[np.float32]  # (degree, input, time step)
    max_delay: int
    n_jobs: int

    def estimate(self, terms: list[Term]) -> dict[Term, _Estimate]:
        tasks = list(_tasks(terms))
        # <z x> times the number of rows: of this part of the run, and of all.
        part, whole = np.zeros((2, len(terms), self.states.rank))
        within, squares = np.zeros(len(terms)), np.zeros(len(terms))
        n_rows = len(self.states.inputs) - self.states.lead
        edges = self.states.lead + n_rows * np.arange(_PARTS + 1) // _PARTS
        with ThreadPoolExecutor(self.n_jobs) as pool:
            for states, begin, end in _cut(self.states.blocks(), edges):
                # Capacities are known to three digits at best: single precision is plenty, and twice as fast.
                white = states.astype(np.float32)
                lagged = sliding_window_view(self.polynomials[:, :, begin - self.max_delay : end], end - begin, axis=2)

                def add(task: _Task, white: Array = white, lagged: Array = lagged) -> None:
                    z = lagged[task.degrees[0], task.inputs[0], self.max_delay - task.delays[0]]
                    for degree, i, delay in zip(task.degrees[1:], task.inputs[1:], task.delays[1:], strict=True):
                        z *= lagged[degree, i, self.max_delay - delay]
                    part[task.members] += z @ white
                    squares[task.members] += np.einsum("ij,ij->i", z, z)

                list(pool.map(add, tasks))
                if end in edges:
                    within += np.einsum("ij,ij->i", part, part)
                    whole += part
                    part[:] = 0
        # E|sum over parts|^2 = n^2 |<z x>|^2 + n noise, and of each part alike: two equations.
        of_whole, of_parts = n_rows**2, float((np.diff(edges) ** 2).sum())
        capacity = (np.einsum("ij,ij->i", whole, whole) - within) / (of_whole - of_parts)
        noise = (within - capacity * of_parts) / n_rows**2
        power = squares / n_rows
        pairs = zip((capacity / power).tolist(), (noise / power).tolist(), strict=True)
        return {term: _Estimate(*pair) for term, pair in zip(terms, pairs, strict=True)}


def _cut(blocks: Iterator[tuple[FloatArray, int, int]], edges: NDArray[np.int64]) -> Iterator[Any]:
    """Cut blocks of rows at the edges."""
    for states, begin, end in blocks:
        bounds = [begin, *edges[(edges > begin) & (edges < end)].tolist(), end]
        for first, last in pairwise(bounds):
            yield states[first - begin : last - begin], first, last


@dataclass(frozen=True)
class _Task:
    """Terms of as many factors each: degree, input and delay of every factor, arrays (n_factors, n_terms)."""

    members: NDArray[np.int64]
    degrees: NDArray[np.int64]
    inputs: NDArray[np.int64]
    delays: NDArray[np.int64]


def _tasks(terms: list[Term]) -> Iterator[_Task]:
    factors = [[(degree, i, delay) for (delay, i), degree in Counter(term).items()] for term in terms]
    widths = np.array([len(each) for each in factors])
    for width in np.unique(widths):
        members = np.flatnonzero(widths == width)
        for at in range(0, len(members), _TERMS_A_TASK):
            mine = members[at : at + _TERMS_A_TASK]
            yield _Task(mine, *np.array([factors[k] for k in mine]).T)


def _polynomials(z: FloatArray, max_degree: int, distribution: str) -> NDArray[np.float32]:
    """Return orthonormal polynomials of degrees 0 to `max_degree`, shape (degree, input, time step)."""
    degrees = range(max_degree + 1)
    if distribution == "uniform":
        values = [np.sqrt(2 * d + 1) * eval_legendre(d, z.T) for d in degrees]
    else:
        values = [eval_hermitenorm(d, z.T) / np.sqrt(factorial(d)) for d in degrees]
    return np.array(values, np.float32)


def _first_terms(degree: int, n_inputs: int, max_delay: int) -> Iterator[Term]:
    """Iterate over all terms of the shortest delays; of degree 1 over all there are."""
    n_delays = 1
    while n_delays <= max_delay and (
        degree == 1 or comb((n_delays + 1) * n_inputs + degree - 1, degree) <= _FIRST_TERMS
    ):
        n_delays += 1
    return combinations_with_replacement([(delay, i) for delay in range(n_delays) for i in range(n_inputs)], degree)


def _neighbours(term: Term, patience: int, max_delay: int) -> Iterator[Term]:
    """Iterate over the terms with one delay longer by up to `patience` steps."""
    for at, (delay, i) in enumerate(term):
        for further in range(delay + 1, min(delay + patience, max_delay) + 1):
            yield tuple(sorted((*term[:at], (further, i), *term[at + 1 :])))
