"""Benchmark series made by recursion or by integration, as float64 with time along the first axis.

Chaos amplifies the integrator's error until it looks like the model's, so the integrators are of fourth order with
steps far below the sampling interval. Every function returns the same numbers for the same arguments.
"""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.signal import lfilter
from sklearn.utils import check_random_state

LORENZ_LYAPUNOV_EXPONENT: float = 0.9056
"""Largest Lyapunov exponent, per time unit, of `lorenz` with its default parameters (Sprott 2003)."""

# No series below comes near this on its attractor; off it they grow doubly exponentially and pass it within steps.
_LARGEST_VALUE = 1e6

_Vector = tuple[float, float, float]


def mackey_glass(
    n_timesteps: int,
    *,
    tau: float = 17.0,
    beta: float = 0.2,
    gamma: float = 0.1,
    n: float = 10.0,
    dt: float = 1.0,
    step: float = 0.1,
    x0: float = 1.2,
    discard: int = 1000,
) -> NDArray[np.float64]:
    r"""Integrate the Mackey-Glass delay differential equation.

    .. math:: \dot x(t) = \frac{\beta\, x(t - \tau)}{1 + x(t - \tau)^n} - \gamma\, x(t)

    Parameters
    ----------
    n_timesteps : int
        Number of samples to return.
    tau : float, default=17.0
        Delay, in time units. The series is mildly chaotic at 17 and more so at 30.
    beta, gamma, n : float, default=0.2, 0.1, 10.0
        Production rate, decay rate and exponent.
    dt : float, default=1.0
        Time between samples.
    step : float, default=0.1
        Largest integration step; the step used is the next smaller one that divides `tau`.
    x0 : float, default=1.2
        Constant value of the series for t <= 0. Another value gives another stretch of the same attractor.
    discard : int, default=1000
        Number of samples to drop at the start, while the series settles on the attractor.

    Returns
    -------
    x : ndarray of shape (n_timesteps,)
        The series at times ``dt * (discard + arange(n_timesteps))``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Once the delayed term is known the equation is linear. Each stretch of length `tau` is therefore advanced in one
    vectorised pass by the fourth-order Runge-Kutta method in integrating-factor form, with midpoints of the delayed
    series from its cubic Hermite interpolant.

    References
    ----------
    M. C. Mackey and L. Glass, "Oscillation and chaos in physiological control systems", Science 197, 287-289, 1977.

    Examples
    --------
    >>> from reservoirs.datasets import mackey_glass
    >>> x = mackey_glass(2000)
    >>> x.shape
    (2000,)
    >>> bool(0.2 < x.min() < x.max() < 1.4)
    True
    """
    _check_count(1, n_timesteps=n_timesteps)
    _check_count(0, discard=discard)
    _check_positive(tau=tau, beta=beta, gamma=gamma, n=n, dt=dt, step=step, x0=x0)
    steps_per_delay = _n_steps(tau, step)
    h = tau / steps_per_delay
    times = dt * (discard + np.arange(n_timesteps))
    n_delays = math.floor(times[-1] / tau) + 1
    decay = math.exp(-gamma * h)

    # One row per delay interval, both ends included; the row above holds the delayed values of the row below.
    x = np.full((n_delays + 1, steps_per_delay + 1), float(x0))
    slope = np.zeros_like(x)
    for row in range(n_delays):
        delayed, delayed_slope = x[row], slope[row]
        midpoints = (delayed[:-1] + delayed[1:]) / 2 + h / 8 * (delayed_slope[:-1] - delayed_slope[1:])
        growth = _production(delayed, beta, n)
        gain = h / 6 * (decay * growth[:-1] + 4 * math.sqrt(decay) * _production(midpoints, beta, n) + growth[1:])
        x[row + 1, 0] = delayed[-1]
        x[row + 1, 1:], _ = lfilter([1.0], [1.0, -decay], gain, zi=[decay * delayed[-1]])
        slope[row + 1] = growth - gamma * x[row + 1]

    nodes = h * np.arange(n_delays * steps_per_delay + 1)
    series = CubicHermiteSpline(nodes, _join_rows(x[1:]), _join_rows(slope[1:]))(times)
    return _bounded(series, "beta, gamma, n or step")


def lorenz(
    n_timesteps: int,
    *,
    dt: float = 0.02,
    step: float = 0.002,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    x0: Sequence[float] = (1.0, 1.0, 1.0),
    discard: int = 1000,
) -> NDArray[np.float64]:
    r"""Integrate the Lorenz system by the classical fourth-order Runge-Kutta method.

    .. math:: \dot x = \sigma (y - x), \quad \dot y = x (\rho - z) - y, \quad \dot z = x y - \beta z

    Parameters
    ----------
    n_timesteps : int
        Number of samples to return.
    dt : float, default=0.02
        Time between samples.
    step : float, default=0.002
        Largest integration step; the step used is the next smaller one that divides `dt`.
    sigma, rho, beta : float, default=10, 28, 8/3
        Parameters of the system. `LORENZ_LYAPUNOV_EXPONENT` holds for the defaults.
    x0 : sequence of 3 floats, default=(1, 1, 1)
        State at time 0.
    discard : int, default=1000
        Number of samples to drop at the start, while the state settles on the attractor.

    Returns
    -------
    states : ndarray of shape (n_timesteps, 3)
        Columns x, y and z at times ``dt * (discard + arange(n_timesteps))``.

    Raises
    ------
    ValueError
        If an argument is out of range or the state grows without bound.

    References
    ----------
    E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20, 130-141, 1963.

    Examples
    --------
    >>> from reservoirs.datasets import lorenz
    >>> lorenz(500).shape
    (500, 3)
    """

    def derivative(x: float, y: float, z: float) -> _Vector:
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    _check_finite(sigma=sigma, rho=rho, beta=beta)
    states = _runge_kutta(derivative, n_timesteps, dt, step, x0, discard)
    return _bounded(states, "sigma, rho, beta, x0 or step")


def rossler(
    n_timesteps: int,
    *,
    dt: float = 0.1,
    step: float = 0.01,
    a: float = 0.2,
    b: float = 0.2,
    c: float = 5.7,
    x0: Sequence[float] = (1.0, 1.0, 1.0),
    discard: int = 1000,
) -> NDArray[np.float64]:
    r"""Integrate the Rossler system by the classical fourth-order Runge-Kutta method.

    .. math:: \dot x = -y - z, \quad \dot y = x + a y, \quad \dot z = b + z (x - c)

    Parameters
    ----------
    n_timesteps : int
        Number of samples to return.
    dt : float, default=0.1
        Time between samples.
    step : float, default=0.01
        Largest integration step; the step used is the next smaller one that divides `dt`.
    a, b, c : float, default=0.2, 0.2, 5.7
        Parameters of the system.
    x0 : sequence of 3 floats, default=(1, 1, 1)
        State at time 0.
    discard : int, default=1000
        Number of samples to drop at the start, while the state settles on the attractor.

    Returns
    -------
    states : ndarray of shape (n_timesteps, 3)
        Columns x, y and z at times ``dt * (discard + arange(n_timesteps))``.

    Raises
    ------
    ValueError
        If an argument is out of range or the state grows without bound.

    References
    ----------
    O. E. Rossler, "An equation for continuous chaos", Physics Letters A 57, 397-398, 1976.

    Examples
    --------
    >>> from reservoirs.datasets import rossler
    >>> rossler(500).shape
    (500, 3)
    """

    def derivative(x: float, y: float, z: float) -> _Vector:
        return -y - z, x + a * y, b + z * (x - c)

    _check_finite(a=a, b=b, c=c)
    states = _runge_kutta(derivative, n_timesteps, dt, step, x0, discard)
    return _bounded(states, "a, b, c, x0 or step")


def henon(
    n_timesteps: int,
    *,
    a: float = 1.4,
    b: float = 0.3,
    x0: Sequence[float] = (0.0, 0.0),
    discard: int = 1000,
) -> NDArray[np.float64]:
    r"""Iterate the Henon map.

    .. math:: x(t + 1) = 1 - a\, x(t)^2 + y(t), \quad y(t + 1) = b\, x(t)

    Parameters
    ----------
    n_timesteps : int
        Number of samples to return.
    a, b : float, default=1.4, 0.3
        Parameters of the map.
    x0 : sequence of 2 floats, default=(0, 0)
        State at time 0.
    discard : int, default=1000
        Number of samples to drop at the start, while the state settles on the attractor.

    Returns
    -------
    states : ndarray of shape (n_timesteps, 2)
        Columns x and y.

    Raises
    ------
    ValueError
        If an argument is out of range or the state grows without bound.

    References
    ----------
    M. Henon, "A two-dimensional mapping with a strange attractor", Communications in Mathematical Physics 50, 69-77,
    1976.

    Examples
    --------
    >>> from reservoirs.datasets import henon
    >>> henon(3, discard=0)
    array([[ 0. ,  0. ],
           [ 1. ,  0. ],
           [-0.4,  0.3]])
    """
    _check_count(1, n_timesteps=n_timesteps)
    _check_count(0, discard=discard)
    _check_finite(a=a, b=b)
    x, y = _check_state(x0, 2)
    states = np.empty((discard + n_timesteps, 2))
    for t in range(len(states)):
        states[t] = x, y
        x, y = 1 - a * x * x + y, b * x
    return _bounded(states, "a, b or x0")[discard:]


def narma(
    n_timesteps: int,
    *,
    order: int = 10,
    a: float = 0.3,
    b: float = 0.05,
    c: float = 1.5,
    d: float = 0.1,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Draw a nonlinear autoregressive moving-average (NARMA) system driven by noise.

    .. math::

        y(t + 1) = a\, y(t) + b\, y(t) \sum_{i=0}^{m-1} y(t - i) + c\, u(t - m + 1)\, u(t) + d,
        \qquad u(t) \sim \mathcal U[0, 0.5]

    where m is `order`, and y is zero up to and including ``t = order - 1``.

    Parameters
    ----------
    n_timesteps : int
        Number of samples to return.
    order : int, default=10
        Number of steps the system remembers.
    a, b, c, d : float, default=0.3, 0.05, 1.5, 0.1
        Coefficients of the equation.
    random_state : int, RandomState or None, default=None
        Seed or source of the noise. An int makes the result reproducible.

    Returns
    -------
    u : ndarray of shape (n_timesteps,)
        The input.
    y : ndarray of shape (n_timesteps,)
        The output. As y(t + 1) is the first value to depend on u(t), the task is to map ``u[:-1]`` to ``y[1:]``.

    Raises
    ------
    ValueError
        If an argument is out of range or the output grows without bound. With the default coefficients about one
        draw of 10,000 steps in fifteen does so, and with ``order=20`` every long one: a smaller `b` keeps it stable.

    References
    ----------
    A. F. Atiya and A. G. Parlos, "New results on recurrent network training", IEEE Transactions on Neural Networks 11,
    697-709, 2000.

    Examples
    --------
    >>> from reservoirs.datasets import narma
    >>> u, y = narma(1000, random_state=0)
    >>> u.shape, y.shape
    ((1000,), (1000,))
    """
    _check_count(1, n_timesteps=n_timesteps, order=order)
    _check_finite(a=a, b=b, c=c, d=d)
    u = check_random_state(random_state).uniform(0.0, 0.5, n_timesteps)
    noise, y = u.tolist(), [0.0] * n_timesteps
    for t in range(order - 1, n_timesteps - 1):
        first = t - order + 1
        y[t + 1] = a * y[t] + b * y[t] * sum(y[first : t + 1]) + c * noise[first] * noise[t] + d
    return u, _bounded(np.array(y), "random_state, n_timesteps, a, b, c or d")


def _production(x: NDArray[np.float64], beta: float, n: float) -> NDArray[np.float64]:
    return beta * x / (1 + x**n)


def _join_rows(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flatten rows of which each starts with the value that ended the row above."""
    return np.append(x[:, :-1].ravel(), x[-1, -1])


def _runge_kutta(
    derivative: Callable[[float, float, float], _Vector],
    n_timesteps: int,
    dt: float,
    step: float,
    x0: Sequence[float],
    discard: int,
) -> NDArray[np.float64]:
    _check_count(1, n_timesteps=n_timesteps)
    _check_count(0, discard=discard)
    _check_positive(dt=dt, step=step)
    x, y, z = _check_state(x0, 3)
    steps_per_sample = _n_steps(dt, step)
    h = dt / steps_per_sample
    states = np.empty((discard + n_timesteps, 3))
    # Plain floats: three-element arrays would cost ten times as much per step.
    for t in range(len(states)):
        states[t] = x, y, z
        for _ in range(steps_per_sample):
            x1, y1, z1 = derivative(x, y, z)
            x2, y2, z2 = derivative(x + h / 2 * x1, y + h / 2 * y1, z + h / 2 * z1)
            x3, y3, z3 = derivative(x + h / 2 * x2, y + h / 2 * y2, z + h / 2 * z2)
            x4, y4, z4 = derivative(x + h * x3, y + h * y3, z + h * z3)
            x += h / 6 * (x1 + 2 * (x2 + x3) + x4)
            y += h / 6 * (y1 + 2 * (y2 + y3) + y4)
            z += h / 6 * (z1 + 2 * (z2 + z3) + z4)
    return states[discard:]


def _n_steps(interval: float, step: float) -> int:
    """Return the fewest equal steps, none longer than `step`, that make up `interval`."""
    # 0.3 / 0.1 is a hair above 3, and must not become 4 steps.
    return max(1, math.ceil(interval / step * (1 - 1e-12)))


def _check_count(minimum: int, **counts: Any) -> None:
    for name, value in counts.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
            raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")


def _check_finite(**values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")


def _check_positive(**values: Any) -> None:
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 < float(value) < math.inf):
            raise ValueError(f"{name} must be a positive finite number, got {value!r}")


def _check_state(x0: Sequence[float], size: int) -> list[float]:
    try:
        state = np.asarray(x0, dtype=np.float64)
    except (TypeError, ValueError):
        state = np.empty(0)
    if state.shape != (size,) or not np.isfinite(state).all():
        raise ValueError(f"x0 must be {size} finite numbers, got {x0!r}")
    return [float(value) for value in state]


def _bounded(series: NDArray[np.float64], to_change: str) -> NDArray[np.float64]:
    # Written so that NaN counts as out of bounds.
    outside = ~(np.abs(series) < _LARGEST_VALUE)
    if outside.any():
        raise ValueError(f"the series diverges at sample {np.argwhere(outside)[0, 0]}: change {to_change}")
    return series
