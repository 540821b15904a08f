"""The echo-state network as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._estimator import warn_if_diverged
from .._params import check_real
from ..sequences import Sequences, check_sequences, check_targets, with_feedback
from ..streaming import Stream
from ..streaming.stream import readout_from_zero
from ._base import BaseESN, fill_parameters
from ._harvest import Noise

_DEFAULTS = {"n_units": 500, "spectral_radius": 0.9, "leak_rate": 1.0, "input_scaling": 0.2, "bias_scaling": 0.3}


@fill_parameters(**_DEFAULTS, features="states", time_parallel=False, pieces_run="`transform` has long sequences")
class EchoStateNetwork(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseESN):  # type: ignore[misc]
    r"""Echo-state network: sequences in, the states of a fixed random recurrent network out.

    .. math:: x(t) = (1 - a)\, x(t-1) + a f(W_{in} u(t) + W x(t-1) + W_{fb} y(t-1) + b)

    (Jaeger 2001; leaky units after Jaeger, Lukoševičius, Popovici and Siewert 2007), from x = 0 at the start of every
    sequence. `fit` only draws the weights, and adapts them if asked to; any scikit-learn estimator may follow in a
    pipeline.

    Parameters
    ----------
    %(reservoir)s
    feedback_scaling : float, default=0.0
        Weights W_fb from the outputs of the step before are uniform in +-feedback_scaling. If positive, `fit` and
        `transform` need the outputs as `y`.
    washout : int or "auto", default=0
        Steps dropped from the start of every transformed sequence. "auto" means a tenth of the shortest sequence of
        the fit, at most 100. Keep 0 where rows must stay aligned: in a pipeline, or with data frames as output.
    %(time_parallel)s
    %(running)s

    Attributes
    ----------
    W_ : CSR array, ndarray, HadamardWeights or CirculantWeights of shape (n_layers * n_units, n_layers * n_units)
        Recurrent weights, entry (i, j) from unit j to unit i; with several layers, also those between layers.
    W_in_ : ndarray of shape (n_units, n_features_in_)
        Input weights.
    W_fb_ : ndarray of shape (n_units, n_outputs)
        Feedback weights, if any.
    bias_, leak_rate_ : ndarray of shape (n_layers * n_units,)
        Bias b and leak rate a of every unit.
    W_exc_, W_inh_ : as W_
        Excitatory and inhibitory weights, both >= 0: W_ = W_exc_ - W_inh_.
    adaptation_ : Adaptation or list of Adaptation
        The rules as fitted, if any were given, with what they have learned.
    mixing_ : CSR array or ndarray of shape (n_layers * n_units, n_layers * n_units)
        The matrix of the linear part of the state equation, for `dynamics` that have one.
    recurrent_delay_ : CSR array of shape (n_units, n_units)
        Steps that each recurrent link takes, if any takes more than it must.
    input_delay_ : ndarray of shape (n_units, n_features_in_)
        Steps that each input link takes, if any link takes more than it must.
    W_mul_ : ndarray of shape (n_units, n_features_in_)
        Multiplicative input weights, if any.
    washout_ : int
        The steps dropped.
    n_features_in_ : int
        Features of a time step.

    Raises
    ------
    ValueError
        For a parameter out of its range, a matrix that cannot be scaled to `spectral_radius` (a nilpotent one), more
        links than units, and input that is not finite or has the wrong shape.

    References
    ----------
    .. [1] H. Jaeger, "The echo state approach to analysing and training recurrent neural networks", GMD report 148,
       2001.
    .. [2] A. Rodan and P. Tino, "Minimum complexity echo state network", IEEE Trans. Neural Networks 22(1), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> u = np.sin(np.arange(200) / 10).reshape(-1, 1)
    >>> EchoStateNetwork(n_units=50, random_state=0).fit_transform(u).shape
    (200, 50)
    >>> two = [u[:30], u[:50]]  # sequences of different length
    >>> [x.shape for x in EchoStateNetwork(n_units=50, washout=10, random_state=0).fit_transform(two)]
    [(20, 50), (40, 50)]
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
        washout: Any = 0,
        state_noise: Any = 0.0,
        features: Any = "states",
        n_layers: Any = 1,
        time_parallel: Any = False,
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
        self.washout = washout
        self.state_noise = state_noise
        self.features = features
        self.n_layers = n_layers
        self.time_parallel = time_parallel
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> EchoStateNetwork:
        """Draw the weights.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            Only its width matters, unless the weights adapt to it.
        y : array-like or list of arrays, default=None
            The outputs of every time step, needed with feedback only.

        Returns
        -------
        EchoStateNetwork
            The fitted network.
        """
        drawn = self._fresh()
        drawn._fit(X, y)
        return self._become(drawn)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Draw the weights and return the features of `X`, with state noise.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The sequences.
        y : array-like or list of arrays, default=None
            The outputs of every time step, needed with feedback only.

        Returns
        -------
        ndarray or list of ndarrays of shape (n_timesteps - washout, n_features_out)
            In the form of `X`.
        """
        drawn = self._fresh()
        features = drawn._features(drawn._fit(X, y), drawn._noise())
        self._become(drawn)
        return features

    def transform(self, X: Any, y: Any = None) -> Any:
        """Return the features of `X`.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The sequences. Each starts from the zero state.
        y : array-like or list of arrays, default=None
            The outputs of every time step, needed with feedback only.

        Returns
        -------
        ndarray or list of ndarrays of shape (n_timesteps - washout, n_features_out)
            In the form of `X`.
        """
        check_is_fitted(self)
        inputs = check_sequences(self, X, dtype=self.W_.dtype, reset=False)
        if hasattr(self, "W_fb_"):
            targets = self._feedback(y, inputs)
            if targets.shape[1] != self.W_fb_.shape[1]:
                raise ValueError(f"y has {targets.shape[1]} outputs, but the fit had {self.W_fb_.shape[1]}")
            inputs = with_feedback(inputs, targets)
        return self._features(inputs, None)

    def stream(self, *, learner: Any = None, n_outputs: Any = None, missing: Any = "error") -> Stream:
        """Return a stateful copy that takes one time step a call; see :class:`~reservoirs.streaming.Stream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            With one, the stream has a linear readout, zero at first, that learns. It is fed back if the fit had
            feedback (FORCE learning [1]_).
        n_outputs : int, default=None
            Outputs of that readout. None means as many as are fed back, or 1.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing.

        Returns
        -------
        Stream
            Its `step(u)` returns the features after input `u`, the same bits as `transform`, or the outputs. Without a
            learner and with feedback, `u` holds the inputs, then the outputs of the step before.

        References
        ----------
        .. [1] D. Sussillo and L. F. Abbott, "Generating coherent patterns of activity from chaotic neural networks",
           Neuron 63, 2009.
        """
        check_is_fitted(self)
        harvester = self._harvester()
        n_fed_back = self.W_fb_.shape[1] if hasattr(self, "W_fb_") else 0
        options = readout_from_zero(learner, n_outputs, harvester.n_features, n_fed_back)
        return Stream(self, harvester.memory(), harvester.dtype, missing=missing, **options)

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn's mixin names the columns of data frames by."""
        return self._harvester().n_features

    def _fit(self, X: Any, y: Any) -> Sequences:
        feedback_scaling = check_real("feedback_scaling", self.feedback_scaling, 0.0)
        inputs = check_sequences(self, X, dtype=self._input_dtype(), reset=True)
        self._check_washout(inputs.lengths)
        targets = self._feedback(y, inputs) if feedback_scaling > 0 else inputs.values[:, :0]
        self._draw(inputs.n_features, targets.shape[1], inputs.values.dtype, feedback_scaling)
        inputs = with_feedback(inputs, targets) if feedback_scaling > 0 else inputs
        self._adapt(inputs)
        return inputs

    def _feedback(self, y: Any, inputs: Sequences) -> np.ndarray:
        if y is None:
            raise ValueError("y=None, but feedback_scaling > 0 needs the outputs of every time step as y")
        return check_targets(y, inputs)[0]

    def _features(self, inputs: Sequences, noise: Noise | None) -> Any:
        self._leaves_something(inputs.lengths)
        tolerance = self._tolerance(self.W_.dtype)
        rows = self._harvester().features(inputs, washout=self.washout_, noise=noise, tolerance=tolerance)
        # Bounded states stay finite unless something infinite stays in them to the end.
        if self._activation in ("relu", "identity") or not np.isfinite(rows[-1]).all():
            warn_if_diverged(rows, "the reservoir", stacklevel=4)
        return inputs.in_form(rows, self.washout_)
