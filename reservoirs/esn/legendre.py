"""The Legendre memory: the last inputs as coefficients of Legendre polynomials, exactly and without random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import expm
from scipy.special import eval_legendre
from sklearn.utils.validation import check_is_fitted

from .._params import check_count, check_real
from .network import EchoStateNetwork


class LegendreMemory(EchoStateNetwork):
    r"""Linear memory of a sliding window: sequences in, Legendre coefficients of their last `window` steps out.

    The states m(t) = A m(t-1) + B u(t) of each input are the coefficients of the shifted Legendre polynomials P_i for
    the input of the last theta = `window` steps [1]_, for 0 <= theta' <= theta:

    .. math:: u(t - \theta') \approx \sum_{i=0}^{q-1} P_i(2 \theta' / \theta - 1)\, m_i(t)

    They are an echo-state network with the activation "identity" and weights that follow from `order` and `window`
    alone: the linear ordinary differential equation of an optimal delay line, solved exactly for inputs that are
    constant over a step. A readout on them is a filter of finite memory. For what is not linear in the past, put
    ``PolynomialFeatures``, a network or any other estimator behind it.

    Parameters
    ----------
    order : int, default=12
        Coefficients q of each input. Frequencies up to about order / (4 window) cycles a step are kept.
    window : float, default=20.0
        Length theta of the window, in steps.
    washout : int or "auto", default=0
        Steps dropped from the start of every transformed sequence, as in :class:`EchoStateNetwork`.
    dtype : {None, "float32", "float64"} or numpy dtype, default=None
        Precision of the memory. None follows the training input: float32 for float32, float64 otherwise.
    n_jobs : int or None, default=-1
        Threads, over sequences: they never change a result. -1 means all processors, None one.

    Attributes
    ----------
    W_ : CSR array of shape (order * n_features_in_, order * n_features_in_)
        A for each input, on the diagonal; unit ``j order + i`` is coefficient i of input j.
    W_in_ : ndarray of shape (order * n_features_in_, n_features_in_)
        B for each input.
    n_features_in_ : int
        Features of a time step.

    Raises
    ------
    ValueError
        For an order that is not a positive integer, a window that is not a positive number, and input that is not
        finite or has the wrong shape.

    Notes
    -----
    An input is held for a step, so that it is best read in the middle of it: `reconstruct` takes theta' = delay + 1/2.
    The last bits of A depend on the machine's LAPACK.

    References
    ----------
    .. [1] A. Voelker, I. Kajić and C. Eliasmith, "Legendre memory units: continuous-time representation in recurrent
       neural networks", NeurIPS, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from reservoirs import LegendreMemory
    >>> u = np.sin(np.arange(500) / 7).reshape(-1, 1)
    >>> model = make_pipeline(LegendreMemory(order=8, window=30), Ridge(1e-6)).fit(u[:400], np.roll(u[:400, 0], 25))
    >>> bool(model.score(u[400:], np.roll(u[:, 0], 25)[400:]) > 0.5)  # a new sequence begins with an empty memory
    True
    >>> memory = LegendreMemory(order=8, window=30).fit(u)
    >>> past = memory.reconstruct(memory.transform(u), 25)
    >>> bool(np.allclose(past[100:], u[75:-25], atol=0.01))
    True
    """

    # What an echo-state network has as parameters.
    leak_rate = 1.0
    activation = "identity"
    dynamics = "leaky"
    recurrent_delay = 1
    input_delay = 0
    multiplicative_scaling = 0.0
    topology = "random"
    adaptation = None
    feedback_scaling = 0.0
    state_noise = 0.0
    features = "states"
    n_layers = 1
    time_parallel: Any = False
    random_state = 0

    def __init__(
        self, order: Any = 12, window: Any = 20.0, *, washout: Any = 0, dtype: Any = None, n_jobs: Any = -1
    ) -> None:
        self.order = order
        self.window = window
        self.washout = washout
        self.dtype = dtype
        self.n_jobs = n_jobs

    def reconstruct(self, states: Any, delay: float) -> np.ndarray:
        """Return the inputs of some steps before, as the memory has them.

        Parameters
        ----------
        states : ndarray of shape (n_timesteps, n_features_out)
            What `transform` returned.
        delay : float
            Steps back, from 0 to `window` - 1.

        Returns
        -------
        ndarray of shape (n_timesteps, n_features_in_)
            Row t holds the input of `delay` steps before row t.

        Raises
        ------
        ValueError
            For a delay outside of the window, or states of another memory.
        """
        check_is_fitted(self)
        delay = check_real("delay", delay, 0.0, max(float(self.window) - 1, 0.0))
        order, n_inputs = int(self.order), self.W_in_.shape[1]
        states = np.asarray(states)
        if states.ndim != 2 or states.shape[1] != order * n_inputs:
            raise ValueError(f"states have shape {states.shape}; expected (n_timesteps, {order * n_inputs})")
        weights = eval_legendre(np.arange(order), 2 * (delay + 0.5) / float(self.window) - 1)
        past: np.ndarray = states.reshape(len(states), n_inputs, order) @ weights.astype(states.dtype)
        return past

    def _draw(self, n_inputs: int, n_feedback: int, dtype: np.dtype, feedback_scaling: Any = 0.0) -> None:
        order = check_count("order", self.order)
        window = check_real("window", self.window, 0.0, least_included=False)
        A, B = _delay_system(order, window)
        self.W_ = sparse.csr_array(sparse.block_diag([A] * n_inputs, format="csr"), dtype=dtype)
        self.W_in_ = np.kron(np.eye(n_inputs), B[:, None]).astype(dtype)
        self.bias_ = np.zeros(order * n_inputs, dtype)
        self.leak_rate_ = np.ones(order * n_inputs, dtype)
        self._noise_seed_ = 0
        self._compile()


def _delay_system(order: int, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the step of the delay system theta dm/dt = A m + B u, for an input that is held."""
    i = np.arange(order)
    sign = np.where(i[:, None] < i, -1.0, (-1.0) ** (i[:, None] - i + 1))
    A = (2 * i[:, None] + 1) * sign / window
    B = (2 * i + 1) * (-1.0) ** i / window
    # The exponential of both together gives the integral of the input too, without a division by A.
    held = np.zeros((order + 1, order + 1))
    held[:order, :order], held[:order, order] = A, B
    step = expm(held)
    return step[:order, :order], step[:order, order]
