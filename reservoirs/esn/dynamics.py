"""State equations: what a unit keeps of the past, and what it adds to it.

Throughout, z(t) = W_in u(t) + W x(t-1) + W_fb y(t-1) + b is what reaches a unit, f is its activation and a its
`leak_rate`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_choice, check_real
from ..topology import cycle

__all__ = ["ES2N", "Dynamics", "Euler", "Leaky", "Voltage", "check_dynamics"]


class Dynamics(BaseEstimator):  # type: ignore[misc]
    """What all state equations share; by itself that of leaky units."""

    # Whether the state is a potential v, of which units send and show the rate x = f(v).
    _potentials = False

    def _recurrent(self, W: Any, *, given: bool) -> Any:
        """Return the recurrent weights of a layer, before they are scaled, from those drawn or given."""
        return W

    def _orthogonal(self, n_units: int, rng: np.random.Generator) -> Any:
        """Return the matrix whose product with the states is kept a share of; None for the states themselves."""
        return None

    def _final(self, W: Any) -> Any:
        """Return the recurrent weights of a layer from the scaled ones."""
        return W

    def _gain(self, leak_rate: np.ndarray) -> np.ndarray:
        return leak_rate

    def _keep(self, leak_rate: np.ndarray) -> np.ndarray:
        return 1 - leak_rate


class Leaky(Dynamics):
    """Leaky units, the default: x(t) = (1 - a) x(t-1) + a f(z(t)).

    References
    ----------
    .. [1] H. Jaeger, M. Lukoševičius, D. Popovici and U. Siewert, "Optimization and applications of echo state networks
       with leaky-integrator neurons", Neural Networks 20(3), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> u = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    >>> EchoStateNetwork(50, leak_rate=0.3, dynamics="leaky", random_state=0).fit_transform(u).shape
    (100, 50)
    """


class ES2N(Dynamics):
    r"""Edge-of-stability units: x(t) = (1 - a) O x(t-1) + a f(z(t)), with an orthogonal O.

    The orthogonal part turns the states without loss; a, which the paper calls the proximity and writes beta, says how
    far the network is from that. All eigenvalues of the Jacobian lie within a \|W\| of the circle of radius 1 - a: a
    small a gives a long linear memory, a = 1 the plain network [1]_.

    Parameters
    ----------
    orthogonal : {"cycle", "random"}, default="cycle"
        O: the permutation that hands each state on to the next unit, which costs one link a unit, or a uniformly random
        orthogonal matrix, which costs as much as all-to-all weights. docs/dynamics.md compares them.

    Raises
    ------
    ValueError
        In the fit, for another value.

    Notes
    -----
    A random O is the Q of a QR decomposition: unlike those of all else that is drawn, its last bits depend on the
    machine's LAPACK.

    References
    ----------
    .. [1] A. Ceni and C. Gallicchio, "Edge of stability echo state network", IEEE Trans. Neural Networks and Learning
       Systems, 2024 (arXiv:2308.02902).

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.esn import ES2N
    >>> u = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    >>> EchoStateNetwork(50, leak_rate=0.05, dynamics=ES2N(), random_state=0).fit_transform(u).shape
    (100, 50)
    """

    def __init__(self, orthogonal: Any = "cycle") -> None:
        self.orthogonal = orthogonal

    def _orthogonal(self, n_units: int, rng: np.random.Generator) -> Any:
        if check_choice("orthogonal", self.orthogonal, ("cycle", "random")) == "cycle":
            return cycle(n_units)
        Q, R = np.linalg.qr(rng.standard_normal((n_units, n_units)))
        # The signs make it uniform over all orthogonal matrices.
        return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


class Euler(Dynamics):
    r"""Euler state networks: x(t) = x(t-1) + a f(z(t)), with antisymmetric recurrent weights less a little diffusion.

    The recurrent weights are W = A - gamma I, where A = V - V' of the weights V of the topology is antisymmetric, with
    the largest absolute eigenvalue `spectral_radius`. The equation is Euler's method with the step size a, the
    `leak_rate`, for an ordinary differential equation whose flow loses nothing but through gamma [1]_.

    Parameters
    ----------
    diffusion : float, default=0.01
        gamma, at least 0.

    Raises
    ------
    ValueError
        In the fit, for a negative diffusion, or where recurrent weights are given that are not antisymmetric: V - V'
        would not keep their signs.

    Notes
    -----
    Around the origin the modulus of the linear map's eigenvalues is sqrt((1 - a gamma)^2 + (a omega)^2), omega up to
    `spectral_radius`. It is at most 1, and inputs fade, where a (gamma^2 + spectral_radius^2) <= 2 gamma. Beyond, tanh
    keeps the states bounded as long as gamma > 0.

    References
    ----------
    .. [1] C. Gallicchio, "Euler state networks: non-dissipative reservoir computing", Neurocomputing 579, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.esn import Euler
    >>> u = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    >>> esn = EchoStateNetwork(50, leak_rate=0.02, dynamics=Euler(diffusion=0.05), random_state=0).fit(u)
    >>> W = esn.W_.toarray() + 0.05 * np.eye(50)
    >>> bool(np.allclose(W, -W.T))
    True
    """

    def __init__(self, diffusion: Any = 0.01) -> None:
        self.diffusion = diffusion

    def _recurrent(self, W: Any, *, given: bool) -> Any:
        if not given:
            return W - W.T
        if abs(W + W.T).max() > 0:
            raise ValueError(
                "topology has weights that are not antisymmetric: dynamics=Euler would change their signs; give W - W.T"
            )
        return W

    def _final(self, W: Any) -> Any:
        diffusion = check_real("diffusion", self.diffusion, 0.0)
        return W - diffusion * sparse.eye_array(W.shape[0], format="csr")

    def _keep(self, leak_rate: np.ndarray) -> np.ndarray:
        return np.ones_like(leak_rate)


class Voltage(Dynamics):
    """Leaky potentials: v(t) = (1 - a) v(t-1) + z(t), and x(t) = f(v(t)).

    The units send one another, and show the readout, the rates x; the states of a stream, and what `state_noise` is
    added to, are the potentials v. With a = 1 it is the plain network. The weights are not multiplied by a, so that a
    potential rests at z / a. With weights scaled by a (`spectral_radius`, `input_scaling`, `bias_scaling`), the
    equation is Euler's method for tau dv/dt = -v + z, the rate model of FORCE learning [1]_, with a = dt / tau.

    References
    ----------
    .. [1] D. Sussillo and L. F. Abbott, "Generating coherent patterns of activity from chaotic neural networks", Neuron
       63(4), 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> u = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    >>> esn = EchoStateNetwork(50, leak_rate=0.5, activation="sigmoid", dynamics="voltage", random_state=0).fit(u)
    >>> stream = esn.stream()
    >>> rates = stream.step(u[0])
    >>> bool(np.allclose(rates, 1 / (1 + np.exp(-stream.state))))
    True
    """

    _potentials = True

    def _gain(self, leak_rate: np.ndarray) -> np.ndarray:
        return np.ones_like(leak_rate)


_BY_NAME = {"leaky": Leaky, "es2n": ES2N, "euler": Euler, "voltage": Voltage}


def check_dynamics(dynamics: Any) -> Dynamics:
    """Return the state equation that a name or an object stands for."""
    if isinstance(dynamics, Dynamics):
        return dynamics
    if not isinstance(dynamics, str) or dynamics not in _BY_NAME:
        names = ", ".join(map(repr, _BY_NAME))
        raise ValueError(f"dynamics={dynamics!r} is neither one of {names} nor one of the objects they stand for")
    return _BY_NAME[dynamics]()
