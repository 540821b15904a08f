"""Echo-state classification: a whole sequence to a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .. import _core
from .._estimator import warn_if_diverged
from .._params import check_choice
from ..readout import DECADES, Gram, check_alpha, solve_ridge
from ..sequences import Sequences, check_labels, check_sequences
from ._base import BaseESN, fill_parameters
from ._fit import check_not_diverged
from ._harvest import Noise

POOLINGS = ("mean", "last", "both")
_DEFAULTS = {"n_units": 500, "spectral_radius": 0.9, "leak_rate": 1.0, "input_scaling": 0.2, "bias_scaling": 0.3}


Method = TypeVar("Method", bound=Callable[..., Any])


def _available_if_readout_has(name: str, *, or_ridge: bool = False) -> Callable[[Method], Method]:
    def has(self: ESNClassifier) -> bool:
        readout = getattr(self, "readout_", self.readout)
        return or_ridge if readout is None else hasattr(readout, name)

    decorate: Callable[[Method], Method] = available_if(has)
    return decorate


@fill_parameters(**_DEFAULTS, features="states")
class ESNClassifier(ClassifierMixin, BaseESN):  # type: ignore[misc]
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
        pooling: Any = "mean",
        alpha: Any = DECADES,
        readout: Any = None,
        washout: Any = 0,
        state_noise: Any = 0.0,
        features: Any = "states",
        n_layers: Any = 1,
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
        self.pooling = pooling
        self.alpha = alpha
        self.readout = readout
        self.washout = washout
        self.state_noise = state_noise
        self.features = features
        self.n_layers = n_layers
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

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of each sequence.

        Parameters
        ----------
        X : list of arrays (n_timesteps, n_features), array (n_sequences, n_timesteps, n_features) or (n_sequences, \
n_timesteps)
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences,)
        """
        check_is_fitted(self)
        if hasattr(self, "readout_"):
            return np.asarray(self.classes_[self.readout_.predict(self._pooled(X))])
        scores = self.decision_function(X)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[best])

    @_available_if_readout_has("decision_function", or_ridge=True)
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the readout's outputs.

        Parameters
        ----------
        X : list of arrays (n_timesteps, n_features), array (n_sequences, n_timesteps, n_features) or (n_sequences, \
n_timesteps)
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences,) for two classes, (n_sequences, n_classes) for more
        """
        pooled = self._pooled(X)
        if hasattr(self, "readout_"):
            return np.asarray(self.readout_.decision_function(pooled))
        # In float64: a pooled mean is one, whatever the precision of the network. einsum adds in one order for any
        # number of sequences, where BLAS may not.
        scores: np.ndarray = np.einsum("ij,kj->ik", pooled, self.coef_) + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    @_available_if_readout_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, if `readout` gives it.

        Parameters
        ----------
        X : list of arrays (n_timesteps, n_features), array (n_sequences, n_timesteps, n_features) or (n_sequences, \
n_timesteps)
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences, n_classes)
        """
        pooled = self._pooled(X)
        return np.asarray(self.readout_.predict_proba(pooled))

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _fit(self, X: Any, y: Any) -> None:
        check_alpha(self.alpha)
        check_choice("pooling", self.pooling, POOLINGS)
        inputs = check_sequences(self, X, dtype=self._input_dtype(), reset=True, rows_are_series=True)
        y = check_labels(y, inputs)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only, {self.classes_[0]}; a classifier needs at least 2 classes")
        self._check_washout(inputs.lengths)
        self._draw(inputs.n_features, 0, inputs.values.dtype)
        pooled = self._pool(inputs, self._noise())
        if self.readout is not None:
            check_not_diverged(pooled)
            self.readout_ = clone(self.readout).fit(pooled, codes)
            return
        targets = 2.0 * (codes[:, None] == np.arange(len(self.classes_))) - 1.0
        gram = Gram()
        gram.update(pooled, targets[:, 1:] if len(self.classes_) == 2 else targets)
        solution = solve_ridge(gram, self.alpha)
        self.coef_, self.intercept_, self.alpha_ = solution.coef, solution.intercept, solution.alpha

    def _pooled(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        inputs = check_sequences(self, X, dtype=self.W_.dtype, reset=False, rows_are_series=True)
        pooled = self._pool(inputs, None)
        warn_if_diverged(pooled, "the reservoir", stacklevel=4)
        return pooled

    def _pool(self, inputs: Sequences, noise: Noise | None) -> np.ndarray:
        """Return the float64 vectors that stand for whole sequences, shape (n_sequences, n_pooled_features)."""
        harvester = self._harvester()
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
