"""State equations: what a unit keeps of the past, and what it adds to it.

Throughout, z(t) = W_in u(t) + W x(t-1) + W_fb y(t-1) + b is what reaches a unit, f is its activation and a its
`leak_rate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_choice, check_count, check_real
from ..topology import cycle, diagonal_metric, metric_norm, random_weights, scale_to_spectral_radius, spectral_radius

__all__ = ["ES2N", "ContractingModules", "Dynamics", "Euler", "Leaky", "Voltage", "check_dynamics"]

_LINKS_BETWEEN_MODULES = 5


class Dynamics(BaseEstimator):  # type: ignore[misc]
    """What all state equations share; by itself that of leaky units."""

    # Whether the state is a potential v, of which units send and show the rate x = f(v).
    _potentials = False
    # Whether at a fixed point x = f(z / _rest), unit by unit.
    _rests_alone = True

    def _recurrent(self, n_units: int, draw: Callable[[int], Any], radius: float | None, *, given: bool = False) -> Any:
        """Return the recurrent weights of a layer, from those that `draw` draws for a number of units.

        They are scaled to `radius`, if any. `given` tells that their signs have a meaning.
        """
        return _scaled(draw(n_units), radius)

    def _mixing(self, W: Any, leak_rate: np.ndarray, rng: np.random.Generator) -> Any:
        """Return the matrix of the linear part of a layer with these recurrent weights; None if it has none."""
        return None

    def _linear(self, mixing: Any, leak_rate: np.ndarray) -> Any:
        """Return what a unit keeps a share of, as a matrix that the states are multiplied by."""
        return mixing

    def _gain(self, leak_rate: np.ndarray) -> np.ndarray:
        return leak_rate

    def _keep(self, leak_rate: np.ndarray) -> np.ndarray:
        return 1 - leak_rate

    def _rest(self, leak_rate: np.ndarray) -> np.ndarray:
        """Return what a constant z is divided by in the potential it leads to."""
        return np.ones_like(leak_rate)


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

    _rests_alone = False

    def __init__(self, orthogonal: Any = "cycle") -> None:
        self.orthogonal = orthogonal

    def _mixing(self, W: Any, leak_rate: np.ndarray, rng: np.random.Generator) -> Any:
        n_units = W.shape[0]
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

    _rests_alone = False

    def __init__(self, diffusion: Any = 0.01) -> None:
        self.diffusion = diffusion

    def _recurrent(self, n_units: int, draw: Callable[[int], Any], radius: float | None, *, given: bool = False) -> Any:
        diffusion = check_real("diffusion", self.diffusion, 0.0)
        W = draw(n_units)
        if not given:
            W = W - W.T
        elif abs(W + W.T).max() > 0:
            raise ValueError(
                "topology has weights that are not antisymmetric: dynamics=Euler would change their signs; give W - W.T"
            )
        return _scaled(W, radius) - diffusion * sparse.eye_array(n_units, format="csr")

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

    def _rest(self, leak_rate: np.ndarray) -> np.ndarray:
        return leak_rate


class ContractingModules(Dynamics):
    r"""Modules that contract, coupled so that the whole does: x(t) = (1 - a) x(t-1) + a (L x(t-1) + f(z(t))).

    The units are divided into modules of equal size. The recurrent weights W link units of the same module only; their
    absolute values have the spectral radius `spectral_radius`, less than 1, in each, and then each module contracts in
    a diagonal metric p (:func:`reservoirs.topology.diagonal_metric`). Modules are coupled through the linear links L
    alone, which are antisymmetric in that metric, p_i L_ij / p_j = -p_j L_ji / p_i: they take from one module what they
    give to another [1]_. In continuous time the whole then contracts however strong the coupling. With steps of size a,
    two trajectories under the same input come closer in each step by at least the factor

    .. math:: c = \sqrt{(1 - a)^2 + a^2 \sigma^2} + a w,

    where sigma is the `coupling` and w the norm of W in the metric, at most `spectral_radius`. It is below 1, and the
    fit demands that, for a < 2 (1 - w) / (1 + sigma^2 - w^2). :func:`reservoirs.diagnostics.contraction_bound` tells c.

    Parameters
    ----------
    n_modules : int, default=4
        Modules; it must divide the number of units.
    coupling : float, default=1.0
        Norm sigma of L in the metric, at least 0. Each unit reads 5 of every other module.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, given weights, and a `leak_rate` that is too large for the
        certificate or differs between units.

    Notes
    -----
    With activation "sigmoid", whose slope is at most 1/4, distances shrink faster than c says. With several layers each
    contracts, and then so does the whole, though not at this rate.

    References
    ----------
    .. [1] L. Kozachkov, M. Ennis and J.-J. Slotine, "RNNs of RNNs: recursive construction of stable assemblies of
       recurrent neural networks", NeurIPS, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import contraction_bound
    >>> from reservoirs.esn import ContractingModules
    >>> dynamics = ContractingModules(n_modules=2, coupling=2.0)
    >>> esn = EchoStateNetwork(60, leak_rate=0.05, dynamics=dynamics, random_state=0).fit(np.zeros((10, 1)))
    >>> contraction_bound(esn) < 1
    True
    """

    _rests_alone = False

    def __init__(self, n_modules: Any = 4, coupling: Any = 1.0) -> None:
        self.n_modules = n_modules
        self.coupling = coupling

    def _recurrent(self, n_units: int, draw: Callable[[int], Any], radius: float | None, *, given: bool = False) -> Any:
        if given:
            raise ValueError("dynamics=ContractingModules draws its weights, module by module: topology has them given")
        n_modules = check_count("n_modules", self.n_modules)
        if n_units % n_modules:
            raise ValueError(f"n_modules={self.n_modules!r} must divide the number of units, {n_units}")
        modules = []
        for _ in range(n_modules):
            W = draw(n_units // n_modules)
            size = 1.0 if radius is None else radius / spectral_radius(abs(W))
            modules.append(W * size)
        return sparse.csr_array(sparse.block_diag(modules, format="csr"))

    def _mixing(self, W: Any, leak_rate: np.ndarray, rng: np.random.Generator) -> Any:
        coupling = check_real("coupling", self.coupling, 0.0)
        p = diagonal_metric(W)
        size = W.shape[0] // self.n_modules
        blocks: list[list[Any]] = [[sparse.csr_array((size, size))] * self.n_modules for _ in range(self.n_modules)]
        for i in range(self.n_modules):
            for j in range(i):
                blocks[i][j] = random_weights(size, size, min(_LINKS_BETWEEN_MODULES, size), rng)
                blocks[j][i] = -blocks[i][j].T
        antisymmetric = sparse.csr_array(sparse.block_array(blocks, format="csr"))
        norm = metric_norm(antisymmetric, np.ones(len(p)))
        w = metric_norm(W, p)
        a = float(leak_rate[0])
        if (leak_rate != a).any():
            raise ValueError("leak_rate differs between units: dynamics=ContractingModules needs one for all")
        most = 2 * (1 - w) / (1 + coupling**2 - w**2)
        if w >= 1 or a >= most:
            raise ValueError(
                f"leak_rate={a:g} must be less than {max(most, 0):.4g}, and the norm {w:.4g} of the recurrent weights "
                f"less than 1, for modules to contract with coupling={coupling:g}: lower leak_rate, spectral_radius or "
                "coupling"
            )
        scale = coupling / norm if norm else 0.0
        return sparse.csr_array(sparse.diags_array(scale / p) @ antisymmetric @ sparse.diags_array(p))

    def _linear(self, mixing: Any, leak_rate: np.ndarray) -> Any:
        linear = sparse.csr_array(sparse.diags_array(1 - leak_rate) + sparse.diags_array(leak_rate) @ mixing)
        linear.sort_indices()
        return linear

    def _keep(self, leak_rate: np.ndarray) -> np.ndarray:
        return np.ones_like(leak_rate)


_BY_NAME = {"leaky": Leaky, "es2n": ES2N, "euler": Euler, "voltage": Voltage}


def _scaled(W: Any, radius: float | None) -> Any:
    return W if radius is None else scale_to_spectral_radius(W, radius)


def check_dynamics(dynamics: Any) -> Dynamics:
    """Return the state equation that a name or an object stands for."""
    if isinstance(dynamics, Dynamics):
        return dynamics
    if not isinstance(dynamics, str) or dynamics not in _BY_NAME:
        names = ", ".join(map(repr, _BY_NAME))
        raise ValueError(f"dynamics={dynamics!r} is neither one of {names} nor one of the objects they stand for")
    return _BY_NAME[dynamics]()
