"""Echo-state classification: a whole sequence to a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .. import _core
from .._estimator import warn_if_diverged
from .._params import check_choice
from ..classification import SequenceClassifierMixin
from ..readout import DECADES, check_alpha
from ..sequences import Sequences, check_labels, check_sequences
from ..streaming import ClassifierStream
from ._base import BaseESN, fill_parameters
from ._fit import check_not_diverged
from ._harvest import Harvester, Noise

POOLINGS = ("mean", "last", "both")
_DEFAULTS = {"n_units": 500, "spectral_radius": 0.9, "leak_rate": 1.0, "input_scaling": 0.2, "bias_scaling": 0.3}


@fill_parameters(**_DEFAULTS, features="states")
class ESNClassifier(SequenceClassifierMixin, BaseESN):
    r"""Echo-state network that gives a sequence one label, from its states pooled over time.

    .. math:: x(t) = (1 - a)\, x(t-1) + a f(W_{in} u(t) + W x(t-1) + b)

    The mean state of a sequence, its last state, or both go to a ridge classifier (one target of +-1 a class, the
    largest output wins) or to any scikit-learn classifier.

    Parameters
    ----------
    %(reservoir)s
    pooling : {"mean", "last", "both"}, default="mean"
        How the features of the time steps become one vector a sequence.
    alpha : float or sequence of floats, default=(1e-10, 1e-9, ..., 0.1, 1)
        Ridge penalty; of several, the one with the least generalised cross-validation error is taken.
    readout : classifier, default=None
        Used instead of the ridge classifier, on the pooled features.
    washout : int or "auto", default=0
        Steps at the start of every sequence that the mean leaves out. "auto" means a tenth of the shortest sequence of
        the fit, at most 100.
    %(running)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    W_, W_in_, bias_, leak_rate_ : ndarray or CSR array
        The weights, as in :class:`EchoStateNetwork`.
    adaptation_ : Adaptation or list of Adaptation
        The rules as fitted, if any were given.
    coef_ : ndarray of shape (n_outputs, n_pooled_features)
        Readout weights; one output for two classes, one a class otherwise.
    intercept_ : ndarray of shape (n_outputs,)
        Readout bias.
    alpha_ : float
        The ridge penalty used.
    readout_ : classifier
        The fitted `readout`, if one was given; there are no `coef_`, `intercept_` and `alpha_` then.
    n_features_in_ : int
        Features of a time step; for a 2-D `X` the length of its series.

    Raises
    ------
    ValueError
        For a parameter out of its range, input that is not finite or does not fit, and fewer than two classes.

    Notes
    -----
    A 2-D `X` holds one univariate series a row; sequences of several features are a list of arrays
    ``(n_timesteps, n_features)`` or one 3-D array.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNClassifier
    >>> rng = np.random.default_rng(0)
    >>> slow = [np.sin(np.arange(n) / 9).reshape(-1, 1) for n in rng.integers(40, 80, 20)]
    >>> fast = [np.sin(np.arange(n) / 3).reshape(-1, 1) for n in rng.integers(40, 80, 20)]
    >>> y = ["slow"] * 20 + ["fast"] * 20
    >>> model = ESNClassifier(n_units=50, random_state=0).fit(slow + fast, y)
    >>> model.score(slow + fast, y)
    1.0
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
        pooling: Any = "mean",
        alpha: Any = DECADES,
        readout: Any = None,
        washout: Any = 0,
        state_noise: Any = 0.0,
        features: Any = "states",
        n_layers: Any = 1,
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
        self.pooling = pooling
        self.alpha = alpha
        self.readout = readout
        self.washout = washout
        self.state_noise = state_noise
        self.features = features
        self.n_layers = n_layers
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> ESNClassifier:
        """Draw the weights and fit the readout.

        Parameters
        ----------
        X : list of arrays (n_timesteps, n_features), array (n_sequences, n_timesteps, n_features) or (n_sequences, \
n_timesteps)
            The sequences.
        y : array-like of shape (n_sequences,)
            Their labels.

        Returns
        -------
        ESNClassifier
            The fitted estimator.
        """
        drawn = self._fresh()
        drawn._fit(X, y)
        return self._become(drawn)

    def stream(self, *, learner: Any = None, missing: Any = "error") -> ClassifierStream:
        """Return a stateful copy that decides after each row; see :class:`~reservoirs.streaming.ClassifierStream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            How the ridge readout goes on learning, from one sequence whose label is known after another.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing.

        Returns
        -------
        ClassifierStream
            Its `step(u)` returns the label of the rows so far.
        """
        check_is_fitted(self)
        return ClassifierStream(
            self,
            self._harvester().memory(),
            self.W_.dtype,
            pooling=self.pooling,
            washout=self.washout_,
            learner=learner,
            missing=missing,
        )

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _training(self, X: Any, y: Any, classes: Any = None, /) -> tuple[Sequences, np.ndarray]:
        check_alpha(self.alpha)
        check_choice("pooling", self.pooling, POOLINGS)
        inputs = check_sequences(self, X, dtype=self._input_dtype(), reset=True, rows_are_series=True)
        codes = self._learn_classes(check_labels(y, inputs), classes)
        self._check_washout(inputs.lengths)
        return inputs, codes

    def _driving(self, X: Any, y: Any = None, /) -> Sequences:
        return check_sequences(self, X, dtype=self.W_.dtype, reset=False, rows_are_series=True)

    def _fit(self, X: Any, y: Any, classes: Any = None) -> None:
        inputs, codes = self._training(X, y, classes)
        self._draw(inputs.n_features, 0, inputs.values.dtype)
        self._adapt(inputs)
        self._learn_pooled(inputs, codes)

    def _fit_later(self, X: Any, y: Any) -> None:
        inputs = self._driving(X)
        self._learn_pooled(inputs, self._codes(check_labels(y, inputs)))

    def _learn_pooled(self, inputs: Sequences, codes: np.ndarray) -> None:
        pooled = self._pool(inputs, self._noise())
        # So that the sequences of the next part get noise of their own.
        self._n_sequences_seen_ = getattr(self, "_n_sequences_seen_", 0) + len(inputs)
        if self.readout is not None:
            check_not_diverged(pooled)
        self._learn(pooled, codes, self.alpha)

    def _readout_estimator(self, n_samples: int = 1) -> Any:
        return self.readout

    def _vectors(self, X: Any) -> np.ndarray:
        pooled = self._pool(self._driving(X), None)
        warn_if_diverged(pooled, "the reservoir", stacklevel=4)
        return pooled

    def _pool(self, inputs: Sequences, noise: Noise | None) -> np.ndarray:
        """Return the float64 vectors that stand for whole sequences, shape (n_sequences, n_pooled_features)."""
        return self._pool_from(self._harvester(), inputs, noise)

    def _pool_from(self, harvester: Harvester, inputs: Sequences, noise: Noise | None = None) -> np.ndarray:
        shortest = int(inputs.lengths.min())
        if self.washout_ >= shortest:
            raise ValueError(f"washout={self.washout_} leaves nothing of a sequence of {shortest} time steps")
        sums = np.zeros((len(inputs), harvester.n_features))
        last = np.empty((len(inputs), harvester.n_features))
        for block, bounds, members in harvester.blocks(inputs, washout=self.washout_, noise=noise):
            counts = bounds[:, 1] - bounds[:, 0]
            ends = np.cumsum(counts)
            of_block = np.column_stack([ends - counts, ends])
            sums_of_block = sums[members]
            _core.add_rows(block, of_block, sums_of_block)
            sums[members] = sums_of_block
            last[members] = block[ends - 1]
        mean: np.ndarray = sums / (inputs.lengths - self.washout_)[:, None]
        if self.pooling == "both":
            return np.hstack([mean, last])
        return mean if self.pooling == "mean" else last
