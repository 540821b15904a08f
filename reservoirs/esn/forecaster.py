"""Echo-state forecasting: a series continued in closed loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..forecasting import ForecasterMixin
from ..readout import DECADES, check_alpha
from ..sequences import Sequences, with_feedback
from ._base import fill_parameters
from ._fit import LinearReadoutMixin

_DEFAULTS = {"n_units": 500, "spectral_radius": 0.9, "leak_rate": 0.7, "input_scaling": 0.3, "bias_scaling": 0.4}


@fill_parameters(**_DEFAULTS, features="states+input", time_parallel="auto", pieces_run="a fit has long series")
class ESNForecaster(ForecasterMixin, LinearReadoutMixin):
    r"""Echo-state network that predicts a series from its own past, and continues it in closed loop.

    .. math::
        x(t) &= (1 - a)\, x(t-1) + a f(W_{in} [X(t); y(t-1)] + W x(t-1) + b) \\
        y(t) &= W_{out} [x(t); X(t); y(t-1)] + c

    with y and X standardised to mean 0 and standard deviation 1 of the training series. Fitting drives the network with
    the true series; forecasting drives it with its own outputs (Jaeger and Haas 2004).

    Parameters
    ----------
    %(reservoir)s
    alpha : float or sequence of floats, default=(1e-10, 1e-9, ..., 0.1, 1)
        Ridge penalty; of several, the largest whose generalised cross-validation error is at most 3 times the least:
        closed loops need weights more robust than the most accurate one-step prediction does.
    readout : regressor, default=None
        Used instead of ridge regression, on the features of all time steps.
    washout : int or "auto", default="auto"
        Steps at the start of every series that a fit leaves out. "auto" means a tenth of the shortest series, at most
        100.
    %(time_parallel)s
    %(running)s

    Attributes
    ----------
    W_, W_in_, bias_, leak_rate_ : ndarray or CSR array
        The weights, as in :class:`EchoStateNetwork`; the columns of W_in_ belong to X, then to y.
    adaptation_ : Adaptation or list of Adaptation
        The rules as fitted, if any were given.
    coef_, intercept_, alpha_, readout_
        The readout, as in :class:`ESNRegressor`, for the standardised series.
    y_mean_, y_scale_ : ndarray of shape (n_outputs,)
        Mean and standard deviation of the training series.
    X_mean_, X_scale_ : ndarray of shape (n_exogenous,)
        The same of the exogenous series.
    n_features_in_ : int
        Variables of the series.

    Raises
    ------
    ValueError
        For a parameter out of its range, input that is not finite or does not fit, and a series too short to fit.

    References
    ----------
    .. [1] H. Jaeger and H. Haas, "Harnessing nonlinearity: predicting chaotic systems and saving energy in wireless
       communication", Science 304, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.datasets import mackey_glass
    >>> y = mackey_glass(2100)
    >>> model = ESNForecaster(n_units=200, random_state=0).fit(y[:2000])
    >>> bool(np.abs(model.forecast(50) - y[2000:2050]).max() < 0.02)
    True
    >>> model.predict(y).shape  # one step ahead, aligned with y
    (2100,)
    """

    def __init__(
        self,
        n_units: Any = 500,
        *,
        spectral_radius: Any = 0.9,
        leak_rate: Any = 0.7,
        input_scaling: Any = 0.3,
        bias_scaling: Any = 0.4,
        connectivity: Any = 10,
        topology: Any = "random",
        activation: Any = "tanh",
        dynamics: Any = "leaky",
        recurrent_delay: Any = 1,
        input_delay: Any = 0,
        multiplicative_scaling: Any = 0.0,
        adaptation: Any = None,
        alpha: Any = DECADES,
        readout: Any = None,
        washout: Any = "auto",
        state_noise: Any = 0.0,
        features: Any = "states+input",
        n_layers: Any = 1,
        time_parallel: Any = "auto",
        weight_dtype: Any = None,
        dtype: Any = None,
        n_jobs: Any = -1,
        random_state: Any = None,
    ) -> None:
        self.n_units = n_units
        self.spectral_radius = spectral_radius
        self.leak_rate = leak_rate
        self.input_scaling = input_scaling
        self.bias_scaling = bias_scaling
        self.connectivity = connectivity
        self.topology = topology
        self.activation = activation
        self.dynamics = dynamics
        self.recurrent_delay = recurrent_delay
        self.input_delay = input_delay
        self.multiplicative_scaling = multiplicative_scaling
        self.adaptation = adaptation
        self.alpha = alpha
        self.readout = readout
        self.washout = washout
        self.state_noise = state_noise
        self.features = features
        self.n_layers = n_layers
        self.time_parallel = time_parallel
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state

    # On clean series the error grows so fast with the penalty that this hardly matters. On noisy ones it is flat, and
    # the least error leaves loops unstable (a quarter of them on sunspots, half on electricity demand).
    _slack = 3.0

    @property
    def _precision(self) -> Any:
        return self.W_.dtype

    def _training(self, y: Any, X: Any = None, /) -> tuple[Sequences, np.ndarray]:
        exogenous, series = self._training_series(y, X)
        return self._checked(exogenous, series), series

    def _driving(self, y: Any, X: Any = None, /) -> Sequences:
        series = self._check_series(y, "y")
        return with_feedback(self._exogenous(X, "X", series), self._standardised(series))

    def _checked(self, exogenous: Sequences, series: np.ndarray) -> Sequences:
        check_alpha(self.alpha)
        self._check_washout(exogenous.lengths)
        return with_feedback(exogenous, series)

    def _begin(self, exogenous: Sequences, series: np.ndarray) -> None:
        inputs = self._checked(exogenous, series)
        self._draw(inputs.n_features, 0, inputs.values.dtype)
        self._adapt(inputs)

    def _learn(self, exogenous: Sequences, series: np.ndarray) -> None:
        self._leaves_something(exogenous.lengths)
        inputs = with_feedback(exogenous, series)
        final = np.empty((len(inputs), self._network_.n_state), self.W_.dtype)
        self._fit_readout(inputs, series, final=final)
        self.last_state_ = final[-1]

    def _one_step(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        return self._open_loop(with_feedback(exogenous, series), series.shape[1])

    def _warm_up(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        return self._harvester().final_states(with_feedback(exogenous, series))

    def _run_on(self, memory: np.ndarray, last: np.ndarray, external: np.ndarray) -> np.ndarray:
        return self._closed_loop(external, memory, last)

    def _memory(self) -> Any:
        return self._harvester().memory()
