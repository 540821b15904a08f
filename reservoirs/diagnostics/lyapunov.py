"""Whether small differences grow: Lyapunov exponents of networks under input, and of any map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from .._blas import one_thread
from .._params import check_choice, check_count, check_real
from ._drive import Array, check_inputs, check_washout, drive_states
from ._tangent import Tangents

FloatArray = NDArray[np.float64]
METHODS = ("displacement", "jacobian")
# States (n_starts, n_states), tangents (n_starts, n_states, n_exponents) and a row of input to both one step on.
Advance = Callable[[FloatArray, FloatArray, Array], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class LyapunovExponents:
    """How fast small differences grow or shrink.

    Attributes
    ----------
    growth : ndarray of shape (n_steps, n_starts, n_exponents)
        Growth of each direction in each step: the logarithm of its factor, divided by the length of a step.
    """

    growth: FloatArray

    @property
    def by_start(self) -> FloatArray:
        """Exponents from every start, shape (n_starts, n_exponents)."""
        return np.asarray(self.growth.mean(axis=0))

    @property
    def exponents(self) -> FloatArray:
        """Mean over starts, largest first, shape (n_exponents,)."""
        return np.asarray(self.by_start.mean(axis=0))

    @property
    def largest(self) -> float:
        """The largest exponent: positive for chaos, negative where differences die out."""
        return float(self.exponents[0])

    @property
    def standard_error(self) -> float:
        """Of the largest exponent, from the differences between starts; NaN for one start."""
        of_starts = self.by_start[:, 0]
        return float(of_starts.std(ddof=1) / np.sqrt(len(of_starts))) if len(of_starts) > 1 else float("nan")


def lyapunov_exponents(
    network: Any,
    X: ArrayLike,
    *,
    method: str = "displacement",
    n_exponents: int = 1,
    n_starts: int = 4,
    spread: float = 1.0,
    washout: int = 200,
    displacement: float = 1e-8,
    random_state: Any = None,
) -> LyapunovExponents:
    r"""Measure how fast small differences of a driven network's states grow.

    .. math:: \lambda = \lim_{T \to \infty} \frac{1}{T} \sum_t \ln \frac{|\delta(t)|}{|\delta(t-1)|}

    Neighbouring states see the same input. Their difference is followed, and scaled back to its size in every step
    (Benettin et al. 1980); for several exponents, several differences are kept orthogonal by a QR decomposition.

    Parameters
    ----------
    network : EchoStateNetwork or another fitted ESN
        An unfitted EchoStateNetwork is fitted, as a copy, to `X`. Networks in single precision are computed in double.
    X : array-like of shape (n_timesteps,) or (n_timesteps, n_inputs)
        The input; zeros for the network left to itself. Outputs that are fed back count as inputs.
    method : {"displacement", "jacobian"}, default="displacement"
        Follow displaced copies of the network through the compiled core, or multiply by the Jacobian of each step.
    n_exponents : int, default=1
        How many exponents, the largest first.
    n_starts : int, default=4
        How many initial states; they run side by side.
    spread : float, default=1.0
        Initial states are uniform in +-spread. A tiny one asks for the stability of the origin.
    washout : int, default=200
        Time steps that are not counted: states and differences settle.
    displacement : float, default=1e-8
        Size of a difference, for ``method="displacement"``.
    random_state : int, RandomState instance or None, default=None
        Draws initial states and differences.

    Returns
    -------
    LyapunovExponents
        In nats per time step.

    Raises
    ------
    ValueError
        For a parameter out of its range, and for a network that is not an echo-state network: the states of others
        cannot be set, see :func:`echo_state_index` for them.

    Notes
    -----
    When it misleads: it is a mean over one input, and the same network may be stable under a strong input and chaotic
    under a weak one. A negative exponent says that nearby states converge, not that all do. Without input, a tanh
    network without bias leaves the origin as its spectral radius passes 1, but does not become chaotic there: the
    states first settle on other fixed points, whose exponent is close to -2 ln(spectral radius), or on a closed curve,
    where it is 0. With 500 units chaos begins at a spectral radius of 1.2 to 1.4; a tiny `spread`, short inputs and a
    tiny `displacement` measure the origin instead, whose exponent changes its sign at 1.

    References
    ----------
    .. [1] G. Benettin, L. Galgani, A. Giorgilli and J.-M. Strelcyn, "Lyapunov characteristic exponents for smooth
       dynamical systems and for Hamiltonian systems", Meccanica 15, 1980.
    .. [2] J. Boedecker, O. Obst, J. T. Lizier, N. M. Mayer and M. Asada, "Information processing in echo state networks
       at the edge of chaos", Theory in Biosciences 131, 2012.

    Examples
    --------
    Left to itself below the edge of chaos, a network forgets as fast as its spectral radius says:

    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import lyapunov_exponents
    >>> network = EchoStateNetwork(n_units=50, spectral_radius=0.8, bias_scaling=0.0, random_state=0)
    >>> found = lyapunov_exponents(network, np.zeros(1000), random_state=0)
    >>> round(found.largest, 2), round(float(np.log(0.8)), 2)
    (-0.22, -0.22)
    """
    inputs = check_inputs(X)
    check_choice("method", method, METHODS)
    n_starts, washout = check_count("n_starts", n_starts), check_count("washout", washout, 0)
    check_washout(washout, len(inputs))
    displacement = check_real("displacement", displacement, 0.0, least_included=False)
    driver = drive_states(network, inputs)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**32, size=2, dtype=np.uint64))
    start = rng.uniform(-1, 1, (n_starts, driver.size_of_state)) * check_real("spread", spread, 0.0)
    advance = Tangents.of(driver.fitted).advance if method == "jacobian" else _displaced(driver.step, displacement)
    growth = _follow(advance, start, inputs, check_count("n_exponents", n_exponents), rng)
    return LyapunovExponents(growth[washout:])


def lyapunov_exponents_of_map(
    step: Callable[[FloatArray], ArrayLike],
    start: ArrayLike,
    n_steps: int,
    *,
    jacobian: Callable[[FloatArray], ArrayLike] | None = None,
    n_exponents: int = 1,
    washout: int = 0,
    displacement: float = 1e-8,
    dt: float = 1.0,
    random_state: Any = None,
) -> LyapunovExponents:
    """Measure how fast small differences grow under any map, or under a flow that a step integrates.

    Parameters
    ----------
    step : callable
        Takes states of shape (n, n_states), each a row, and returns the states one step later.
    start : array-like of shape (n_states,) or (n_starts, n_states)
        Where to start from.
    n_steps : int
        How many steps to count.
    jacobian : callable, default=None
        Takes states of shape (n_starts, n_states), and returns the derivatives of `step` there, (n_starts, n_states,
        n_states), entry (i, j) of state i by state j. None follows displaced copies of the states instead.
    n_exponents : int, default=1
        How many exponents, the largest first.
    washout : int, default=0
        Steps before those that are counted: states reach their attractor, and differences settle.
    displacement : float, default=1e-8
        Size of a difference, where there is no `jacobian`.
    dt : float, default=1.0
        Time that a step takes.
    random_state : int, RandomState instance or None, default=None
        Draws the differences.

    Returns
    -------
    LyapunovExponents
        In nats per unit of time.

    Raises
    ------
    ValueError
        For a parameter out of its range, a step or jacobian that returns another shape, and states that diverge.

    Examples
    --------
    The logistic map doubles differences, on average:

    >>> import numpy as np
    >>> from reservoirs.diagnostics import lyapunov_exponents_of_map
    >>> found = lyapunov_exponents_of_map(lambda x: 4 * x * (1 - x), [0.3], 10_000, random_state=0)
    >>> bool(abs(found.largest - np.log(2)) < 0.01)
    True
    """
    states = np.atleast_2d(np.asarray(start, dtype=np.float64))
    if states.ndim != 2 or states.size == 0 or not np.isfinite(states).all():
        raise ValueError(
            f"start has shape {np.shape(start)}; expected finite numbers, (n_states,) or (n_starts, n_states)"
        )
    n_steps, washout = check_count("n_steps", n_steps), check_count("washout", washout, 0)
    dt = check_real("dt", dt, 0.0, least_included=False)
    displacement = check_real("displacement", displacement, 0.0, least_included=False)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**32, size=2, dtype=np.uint64))

    def stepped(states: FloatArray, _: Array) -> FloatArray:
        return _of_shape("step", step(states), states.shape)

    def multiplied(states: FloatArray, tangents: FloatArray, _: Array) -> tuple[FloatArray, FloatArray]:
        derivatives = _of_shape("jacobian", jacobian(states), (*states.shape, states.shape[1]))  # type: ignore[misc]
        return stepped(states, _), derivatives @ tangents

    advance = _displaced(stepped, displacement) if jacobian is None else multiplied
    nothing = np.zeros((washout + n_steps, 0))
    growth = _follow(advance, states, nothing, check_count("n_exponents", n_exponents), rng)
    return LyapunovExponents(growth[washout:] / dt)


def _of_shape(name: str, values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} returned an array of shape {array.shape}; expected {shape}")
    return array


def _displaced(step: Callable[[FloatArray, Array], FloatArray], displacement: float) -> Advance:
    """Take differences to displaced copies for tangents."""

    def advance(states: FloatArray, tangents: FloatArray, row: Array) -> tuple[FloatArray, FloatArray]:
        n_starts, n_states, n = tangents.shape
        copies = states[:, None] + displacement * tangents.swapaxes(1, 2)
        after = step(np.concatenate([states, copies.reshape(-1, n_states)]), row)
        states, copies = after[:n_starts], after[n_starts:].reshape(n_starts, n, n_states)
        return states, (copies - states[:, None]).swapaxes(1, 2) / displacement

    return advance


def _follow(
    advance: Advance, states: FloatArray, inputs: Array, n_exponents: int, rng: np.random.Generator
) -> FloatArray:
    """Return the logarithms of the growth of orthogonal tangents, shape (n_steps, n_starts, n_exponents)."""
    n_starts, n_states = states.shape
    if n_exponents > n_states:
        raise ValueError(f"n_exponents={n_exponents} is more than the {n_states} dimensions of the states")
    tangents = np.linalg.qr(rng.standard_normal((n_starts, n_states, n_exponents)))[0]
    growth = np.empty((len(inputs), n_starts, n_exponents))
    # Each step is too small to share: threads of BLAS would only wait for one another.
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        for t, row in enumerate(inputs):
            states, tangents = advance(states, tangents, row)
            if not (np.isfinite(states).all() and np.isfinite(tangents).all()):
                raise ValueError(f"the states diverged in step {t}: they or their differences are not finite")
            tangents, R = np.linalg.qr(tangents)
            # What has vanished altogether has shrunk to less than any number.
            factors = np.maximum(np.abs(np.diagonal(R, axis1=1, axis2=2)), np.finfo(np.float64).tiny)
            growth[t] = np.log(factors)
    return growth
