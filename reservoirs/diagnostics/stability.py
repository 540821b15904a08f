"""Whether the input alone decides what a network does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.utils import check_random_state

from .._blas import one_thread
from .._params import check_count, check_real
from ..readout import Gram
from ._drive import check_inputs, check_washout, drive, drive_states
from ._tangent import Tangents

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class EchoStateIndex:
    """How many different responses one input has.

    Attributes
    ----------
    distance : ndarray of shape (n_timesteps,)
        Root-mean-square difference of a unit between two starts, at every time step.
    labels : int ndarray of shape (n_starts,)
        Which response each start ends in.
    """

    distance: FloatArray
    labels: NDArray[np.int64]

    @property
    def index(self) -> int:
        """Number of different responses: 1 where the network has echo states."""
        return int(self.labels.max()) + 1

    @property
    def largest_share(self) -> float:
        """Share of the starts that end in the most frequent response."""
        return float(np.bincount(self.labels).max() / len(self.labels))


def echo_state_index(
    network: Any, X: ArrayLike, *, n_starts: int = 20, tol: float = 1e-3, random_state: Any = None
) -> EchoStateIndex:
    """Count to how many different responses a network comes from many starts, under one input.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a copy, to
        `X`. Outputs that are fed back count as inputs.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input; zeros for the network left to itself.
    n_starts : int, default=20
        How many starts, at least 2. Echo-state networks start from random states, uniform in [-1, 1]; other
        transformers, whose states cannot be set, have first seen the rows of `X` in random order (at most 1000).
    tol : float, default=1e-3
        Two starts have come to the same response if a unit differs by less than this, in the root mean square over
        units and the last tenth of the time.
    random_state : int, RandomState instance or None, default=None
        Draws the starts.

    Returns
    -------
    EchoStateIndex

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Notes
    -----
    When it misleads: starts that have not converged yet count as different responses, so look at whether `distance`
    still falls; close to the edge of stability it falls slowly. A chaotic network gives as many responses as starts,
    and so does one that oscillates with a phase of its own. Few starts miss responses that few states lead to.

    References
    ----------
    .. [1] A. Ceni, P. Ashwin, L. Livi and C. Postlethwaite, "The echo index and multistability in input-driven
    recurrent
       neural networks", Physica D 412, 2020.

    Examples
    --------
    Left to itself, a unit that excites itself strongly ends up in one of two states:

    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import echo_state_index
    >>> unit = EchoStateNetwork(topology=[[1.0]], spectral_radius=2.0, bias_scaling=0.0)
    >>> echo_state_index(unit, np.zeros(100), random_state=0).index
    2
    """
    inputs = check_inputs(X)
    n_starts, tol = check_count("n_starts", n_starts, 2), check_real("tol", tol, 0.0, least_included=False)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**32, size=2, dtype=np.uint64))
    driver = drive(network, inputs)
    distance = np.empty(len(inputs))
    # Sums over the last rows of what two starts differ by, squared.
    last, apart = len(inputs) - max(1, len(inputs) // 10), np.zeros((n_starts, n_starts))
    for states, first in driver.replicas(inputs, n_starts, rng):
        deviations = states - states.mean(axis=0, dtype=np.float64)
        end = first + states.shape[1]
        # Twice the variance is the mean over all pairs.
        distance[first:end] = np.sqrt(2 * (deviations**2).mean(axis=2).sum(axis=0) / (n_starts - 1))
        rows = deviations[:, max(last - first, 0) :].reshape(n_starts, -1)
        products = rows @ rows.T
        squares = np.diag(products)
        apart += squares[:, None] + squares - 2 * products
    apart = np.sqrt(np.maximum(apart, 0) / ((len(inputs) - last) * driver.n_states))
    return EchoStateIndex(distance, connected_components(apart < tol, directed=False)[1].astype(np.int64))


@dataclass(frozen=True)
class Consistency:
    """How alike two replicas respond to one input.

    Attributes
    ----------
    correlation : ndarray of shape (n_states,)
        Correlation of each unit between the replicas; NaN where one of them does not vary.
    capacity : float
        Sum of the correlations of the states' principal components, scaled to unit variance: how many independent
        states follow the input.
    rank : int
        How many components there are.
    """

    correlation: FloatArray
    capacity: float
    rank: int

    @property
    def mean(self) -> float:
        """Mean correlation over the units that vary; NaN if none does."""
        varying = self.correlation[~np.isnan(self.correlation)]
        return float(varying.mean()) if len(varying) else float("nan")


def consistency(
    network: Any, X: ArrayLike, *, noise: float = 0.0, washout: int = 200, random_state: Any = None
) -> Consistency:
    """Measure how alike two replicas of a network respond to the same input.

    Parameters
    ----------
    network : EchoStateNetwork, another fitted ESN, or LiquidStateMachine with per_row=True
        Or any other transformer of sequences that keeps their length. An unfitted transformer is fitted, as a copy, to
        `X`. Outputs that are fed back count as inputs.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input.
    noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to the states in every step, different in the replicas.
        Echo-state networks only.
    washout : int, default=200
        Time steps left out at the start.
    random_state : int, RandomState instance or None, default=None
        Draws the starts, as for :func:`echo_state_index`, and the noise.

    Returns
    -------
    Consistency

    Raises
    ------
    ValueError
        For a parameter out of its range, or a network that diverges.

    Notes
    -----
    Without noise an echo-state network has the consistency 1 after a long enough washout; less says that it is chaotic,
    multistable or slow to forget. With noise it says what share of the variance of units, and of how many independent
    directions, the input decides.

    When it misleads: units are dominated by the few directions of large variance, so their mean correlation can be
    close to 1 while most directions are lost in noise: `capacity` shows that. It is about reproducible responses, not
    useful ones: a network that copies its input is perfectly consistent.

    References
    ----------
    .. [1] T. Lymburn, A. Khor, T. Stemler, D. C. Correa, M. Small and T. Juengling, "Consistency in echo-state
    networks",
       Chaos 29, 023118, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import consistency
    >>> u = np.random.default_rng(0).uniform(-1, 1, 2000)
    >>> network = EchoStateNetwork(n_units=30, random_state=0)
    >>> round(consistency(network, u, random_state=0).mean, 6)
    1.0
    >>> found = consistency(network, u, noise=0.01, random_state=0)
    >>> bool(found.mean > 0.9), bool(found.capacity < 25)
    (True, True)
    """
    inputs = check_inputs(X)
    washout = check_washout(check_count("washout", washout, 0), len(inputs), 2)
    noise = check_real("noise", noise, 0.0)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**32, size=2, dtype=np.uint64))
    driver = drive(network, inputs)
    gram = Gram()
    for states, first in driver.replicas(inputs, 2, rng, noise):
        gram.update(*states[:, max(washout - first, 0) :])
    moments = gram.centred()
    power = np.diag(moments.gram) * moments.target_squares
    correlation = np.full(driver.n_states, np.nan)
    np.divide(np.diag(moments.cross), np.sqrt(np.maximum(power, 0)), out=correlation, where=power > 0)
    values, vectors = np.linalg.eigh(moments.gram)
    varying = values > len(values) * np.finfo(driver.dtype).eps * values[-1]
    components = vectors[:, varying] / np.sqrt(values[varying])
    capacity = float(np.einsum("ij,ij->", components, moments.cross @ components))
    return Consistency(correlation, capacity, int(np.count_nonzero(varying)))


@dataclass(frozen=True)
class EffectiveSpectralRadius:
    """Eigenvalues of the Jacobian of a driven network.

    Attributes
    ----------
    eigenvalues : complex ndarray of shape (n_samples, n_state)
        At time steps spread over the run. The state is that of the units; with delays, that of all remembered steps.
    at_rest : complex ndarray of shape (n_state,)
        At the zero state, without input.
    """

    eigenvalues: NDArray[np.complex128]
    at_rest: NDArray[np.complex128]

    @property
    def radii(self) -> FloatArray:
        """Spectral radius of each sample, shape (n_samples,)."""
        return np.asarray(np.abs(self.eigenvalues).max(axis=1))

    @property
    def median(self) -> float:
        """Median spectral radius under the input."""
        return float(np.median(self.radii))

    @property
    def radius_at_rest(self) -> float:
        """Spectral radius at the zero state, without input."""
        return float(np.abs(self.at_rest).max())


def effective_spectral_radius(
    network: Any, X: ArrayLike, *, n_samples: int = 10, washout: int = 200
) -> EffectiveSpectralRadius:
    r"""Measure the spectral radius of a network's Jacobian while it is driven.

    .. math:: J(t) = \operatorname{diag}(1 - a) + \operatorname{diag}(a f'(z(t))) W

    for leaky units; other dynamics have their own.

    Parameters
    ----------
    network : EchoStateNetwork or another fitted ESN
        An unfitted EchoStateNetwork is fitted, as a copy, to `X`. Networks in single precision are computed in double.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input. Outputs that are fed back count as inputs.
    n_samples : int, default=10
        At how many time steps, evenly spread over those after the washout. Each costs the eigenvalues of a full matrix.
    washout : int, default=200
        Time steps left out at the start.

    Returns
    -------
    EffectiveSpectralRadius

    Raises
    ------
    ValueError
        For a parameter out of its range, and for a network that is not an echo-state network.

    Notes
    -----
    When it misleads: differences are multiplied by a product of different Jacobians, whose growth the radii bound
    neither from above nor from below: that is what :func:`lyapunov_exponents` measures. With leak rates below 1 the
    radius is close to 1 for slow units, which is memory, not instability.

    References
    ----------
    .. [1] D. Verstraeten and B. Schrauwen, "On the quantification of dynamics in reservoir computing", ICANN 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import effective_spectral_radius
    >>> network = EchoStateNetwork(n_units=50, spectral_radius=0.9, input_scaling=3.0, bias_scaling=0.0, random_state=0)
    >>> found = effective_spectral_radius(network, np.random.default_rng(0).uniform(-1, 1, 500))
    >>> round(found.radius_at_rest, 6), bool(found.median < 0.8)  # saturation takes some of it
    (0.9, True)
    """
    inputs = check_inputs(X)
    n_samples = check_count("n_samples", n_samples)
    check_washout(check_count("washout", washout, 0), len(inputs), n_samples)
    driver = drive_states(network, inputs)
    tangents = Tangents.of(driver.fitted)
    n_state = driver.size_of_state
    states, identity, at = np.zeros((1, n_state)), np.eye(n_state)[None], 0
    with one_thread():
        at_rest = np.linalg.eigvals(tangents.advance(states, identity, np.zeros(driver.n_inputs))[1][0])
        eigenvalues = []
        for step in np.linspace(washout, len(inputs) - 1, n_samples).astype(int):
            states = (
                driver.harvester.final_states(driver.sequences(inputs[None, at:step]), states) if step > at else states
            )
            at = step
            eigenvalues.append(np.linalg.eigvals(tangents.advance(states, identity, inputs[step])[1][0]))
    return EffectiveSpectralRadius(np.array(eigenvalues, np.complex128), at_rest.astype(np.complex128))
