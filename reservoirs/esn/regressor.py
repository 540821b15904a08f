"""Echo-state regression: a sequence of inputs to a sequence of outputs, time step by time step."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .._estimator import warn_if_diverged
from .._params import check_real
from ..readout import DECADES, check_alpha, goes_on
from ..sequences import Sequences, check_sequences, check_targets, with_feedback
from ..streaming import Stream
from ..streaming.stream import readout_of
from ._base import fill_parameters
from ._fit import LinearReadoutMixin

_DEFAULTS = {"n_units": 500, "spectral_radius": 0.9, "leak_rate": 1.0, "input_scaling": 0.2, "bias_scaling": 0.3}


@fill_parameters(**_DEFAULTS, features="states+input", time_parallel="auto", pieces_run="a fit has long sequences")
class ESNRegressor(RegressorMixin, LinearReadoutMixin):  # type: ignore[misc]
    r"""Echo-state network with a linear readout, from every time step of the input to the output of that step.

    .. math::
        x(t) &= (1 - a)\, x(t-1) + a f(W_{in} u(t) + W x(t-1) + W_{fb} y(t-1) + b) \\
        y(t) &= W_{out} [x(t); u(t)] + c

    (Jaeger 2001), where y(t-1) counts as a part of u(t) if it is fed back. W_out minimises the squared error plus alpha
    times its squared norm; c is not penalised. Sums over time are accumulated block by block in float64, so the states
    of a fit are never kept.

    Parameters
    ----------
    %(reservoir)s
    feedback_scaling : float, default=0.0
        Weights W_fb from the outputs of the step before are uniform in +-feedback_scaling: the targets in `fit`
        (teacher forcing), the network's own outputs in `predict`.
    alpha : float or sequence of floats, default=(1e-10, 1e-9, ..., 0.1, 1)
        Ridge penalty; of several, the one with the least generalised cross-validation error is taken, exactly and
        without refits.
    readout : regressor, default=None
        Used instead of ridge regression, on the features of all time steps.
    washout : int or "auto", default="auto"
        Steps at the start of every sequence that a fit leaves out. "auto" means a tenth of the shortest sequence, at
        most 100.
    %(time_parallel)s
    %(running)s

    Attributes
    ----------
    W_, W_in_, W_fb_, bias_, leak_rate_ : ndarray or CSR array
        The weights, as in :class:`EchoStateNetwork`.
    adaptation_ : Adaptation or list of Adaptation
        The rules as fitted, if any were given.
    coef_ : ndarray of shape (n_outputs, n_features_out)
        Readout weights.
    intercept_ : ndarray of shape (n_outputs,)
        Readout bias.
    alpha_ : float
        The ridge penalty used.
    readout_ : regressor
        The fitted `readout`, if one was given; there are no `coef_`, `intercept_` and `alpha_` then.
    n_features_in_ : int
        Features of a time step.

    Raises
    ------
    ValueError
        For a parameter out of its range, and for input that is not finite or does not fit.

    Notes
    -----
    Rows are time steps in order: they must not be shuffled, and splits for cross-validation should keep them together
    (``TimeSeriesSplit``), or hold whole sequences (a list of arrays).

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNRegressor
    >>> u = np.random.default_rng(0).uniform(-1, 1, (1000, 1))
    >>> y = np.roll(u[:, 0], 3) * np.roll(u[:, 0], 2)
    >>> model = ESNRegressor(n_units=200, input_scaling=0.5, bias_scaling=0.5, random_state=0)
    >>> bool(model.fit(u[:800], y[:800]).score(u[800:], y[800:]) > 0.8)
    True
    """

    def __init__(
        self,
        n_units: Any = 500,
        *,
        spectral_radius: Any = 0.9,
        leak_rate: Any = 1.0,
        input_scaling: Any = 0.2,
        bias_scaling: Any = 0.3,
        connectivity: Any = 10,
        topology: Any = "random",
        activation: Any = "tanh",
        dynamics: Any = "leaky",
        recurrent_delay: Any = 1,
        input_delay: Any = 0,
        multiplicative_scaling: Any = 0.0,
        adaptation: Any = None,
        feedback_scaling: Any = 0.0,
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
        self.feedback_scaling = feedback_scaling
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

    def fit(self, X: Any, y: Any) -> ESNRegressor:
        """Draw the weights and fit the readout.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The inputs.
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of such, or array
            The outputs of every time step, in the form of `X`.

        Returns
        -------
        ESNRegressor
            The fitted estimator.
        """
        drawn = self._fresh()
        drawn._fit_readout(*drawn._begin(X, y))
        return self._become(drawn)

    def partial_fit(self, X: Any, y: Any) -> ESNRegressor:
        """Add sequences to what `fit` or earlier calls have learned; each starts from the zero state.

        The first call draws the weights, and adapts them, if asked to, to its sequences alone. The result equals one
        `fit` on all the sequences (without adaptation, which would see them all), to rounding, for which the sums of
        the ridge regression, n_features_out squared numbers, are kept.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            More inputs.
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of such, or array
            Their outputs.

        Returns
        -------
        ESNRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            Also for a `readout` other than ridge regression.
        """
        later = goes_on(self, self.readout, "None")
        drawn = self._fresh(learned=later)
        drawn._fit_readout(*(drawn._go_on(X, y) if later else drawn._begin(X, y)))
        return self._become(drawn)

    def predict(self, X: Any) -> Any:
        """Return the outputs of every time step, each sequence from the zero state.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The inputs.

        Returns
        -------
        ndarray or list of ndarrays of shape (n_timesteps,) or (n_timesteps, n_outputs)
            In the form of `X`, and with the dimensions `y` had.
        """
        check_is_fitted(self)
        inputs = self._driving(X)
        rows = self._run_free(inputs) if hasattr(self, "W_fb_") else self._open_loop(inputs, self._n_outputs_)
        warn_if_diverged(rows, "the prediction")
        return inputs.in_form(rows[:, 0] if self._one_dimensional_ else rows)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R^2 over all time steps of all sequences.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The inputs.
        y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), list of such, or array
            The true outputs.
        sample_weight : array-like of shape (n_timesteps,), default=None
            Weights of the time steps, those of all sequences one after another.

        Returns
        -------
        float
            R^2, averaged over outputs.
        """
        predicted = self.predict(X)
        inputs = self._driving(X)
        if inputs.form != "single":
            predicted = np.concatenate(list(predicted))
        true, _ = check_targets(y, inputs)
        return float(r2_score(true, predicted.reshape(true.shape), sample_weight=sample_weight))

    def stream(self, *, learner: Any = None, missing: Any = "error") -> Stream:
        """Return a stateful copy that takes one time step a call; see :class:`~reservoirs.streaming.Stream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            How the readout goes on learning from the stream, beginning with the fitted one. Outputs fed back are the
            stream's own (FORCE learning). For the ridge readout only.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing: the outputs of the step before are returned again.

        Returns
        -------
        Stream
            Its `step(u)` returns the outputs after input `u`: a row of what `predict` returns.
        """
        check_is_fitted(self)
        harvester = self._harvester()
        return Stream(
            self,
            harvester.memory(),
            harvester.dtype,
            **readout_of(self),
            learner=learner,
            missing=missing,
            as_number=self._one_dimensional_,
            feeds_back=hasattr(self, "W_fb_"),
        )

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _training(self, X: Any, y: Any = None, /) -> tuple[Sequences, np.ndarray]:
        check_alpha(self.alpha)
        inputs = check_sequences(self, X, dtype=self._input_dtype(), reset=True)
        self._check_washout(inputs.lengths)
        targets, self._one_dimensional_ = check_targets(y, inputs)
        self._n_outputs_ = targets.shape[1]
        return inputs, targets

    def _driving(self, X: Any, y: Any = None, /) -> Sequences:
        return check_sequences(self, X, dtype=self.W_.dtype, reset=False)

    def _begin(self, X: Any, y: Any) -> tuple[Sequences, np.ndarray]:
        feedback_scaling = check_real("feedback_scaling", self.feedback_scaling, 0.0)
        inputs, targets = self._training(X, y)
        n_feedback = self._n_outputs_ if feedback_scaling > 0 else 0
        self._draw(inputs.n_features, n_feedback, inputs.values.dtype, feedback_scaling)
        inputs = with_feedback(inputs, targets) if n_feedback else inputs
        self._adapt(inputs)
        return inputs, targets

    def _go_on(self, X: Any, y: Any) -> tuple[Sequences, np.ndarray]:
        inputs = self._driving(X)
        self._leaves_something(inputs.lengths)
        targets, _ = check_targets(y, inputs)
        if targets.shape[1] != self._n_outputs_:
            raise ValueError(f"y has {targets.shape[1]} outputs, but earlier parts had {self._n_outputs_}")
        return (with_feedback(inputs, targets) if hasattr(self, "W_fb_") else inputs), targets

    def _run_free(self, inputs: Sequences) -> np.ndarray:
        out = np.empty((len(inputs.values), self._n_outputs_), self.W_.dtype)
        # The core runs sequences of one length side by side.
        for length in np.unique(inputs.lengths):
            same = np.flatnonzero(inputs.lengths == length)
            external = np.stack([inputs.values[inputs.offsets[i] : inputs.offsets[i + 1]] for i in same])
            states = np.zeros((len(same), self._network_.n_state), self.W_.dtype)
            fed_back = np.zeros((len(same), self._n_outputs_), self.W_.dtype)
            for i, rows in zip(same, self._closed_loop(external, states, fed_back), strict=True):
                out[inputs.offsets[i] : inputs.offsets[i + 1]] = rows
        return out
