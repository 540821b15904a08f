"""Liquid-state classification: a sample to a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..classification import SequenceClassifierMixin
from ..sequences import check_labels
from ..streaming import LiquidClassifierStream
from ._base import BaseLiquid, fill_parameters
from ._readout import check_readout, logistic


@fill_parameters
class LSMClassifier(SequenceClassifierMixin, BaseLiquid):
    """Liquid-state machine that gives each sample a label.

    The features of the liquid go to logistic regression on standardised features, to ridge regression on targets of
    +-1, or to any scikit-learn classifier.

    Parameters
    ----------
    %(liquid)s
    %(features)s
    readout : {"logistic", "ridge"} or classifier, default="logistic"
        What maps features to labels.
    alpha : float or, for ridge regression, sequence of floats, default=None
        Penalty. Of logistic regression: of half the squared weights, added to the mean loss of a sample; None means
        1e-3. Of ridge regression: as in :class:`ESNClassifier`.
    %(running)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    readout_ : classifier
        The fitted readout; with ridge regression there are `coef_`, `intercept_` and `alpha_` instead.
    W_, W_in_, delay_, excitatory_, positions_, encoder_, n_features_in_
        As in :class:`LiquidStateMachine`.

    Raises
    ------
    ValueError
        For a parameter out of its range, input that is not finite or does not fit, and fewer than two classes.

    Notes
    -----
    `X` may be

    - a list of :class:`~reservoirs.encoding.Events`, shown as they are;
    - sequences of numbers, ``(n_timesteps, n_features)`` each, in a list or one 3-D array; a 2-D `X` holds one
      univariate series a row. Without `encoder` the numbers are currents, each row for `row_duration`: neuron i gets
      the sum over features k of W_in[i, k] u_k;
    - with an encoder of whole rows such as :class:`~reservoirs.encoding.RateEncoder`, a table of one sample a row.

    The step of the loop, in this order: neurons whose potential is at the threshold fire; their spikes and those of the
    inputs arrive at the synapses, after their delays; currents flow; potentials move on. A spike with a delay of one
    step can thus make its target fire one step later. What a sample gives depends on the liquid and on that sample
    alone: not on its place in `X`, on other samples or on threads.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from reservoirs import LSMClassifier
    >>> from reservoirs.encoding import RateEncoder
    >>> from reservoirs.topology import Column
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X[:600], y[:600], random_state=0)
    >>> model = LSMClassifier(
    ...     topology=Column((5, 5, 5)), encoder=RateEncoder(duration=100.0), input_weight=2.0, random_state=0
    ... )
    >>> bool(model.fit(X_train, y_train).score(X_test, y_test) > 0.7)
    True
    """

    def __init__(
        self,
        preset: Any = "nalsm-1000",
        *,
        topology: Any = None,
        neuron: Any = None,
        synapse: Any = None,
        weight: Any = None,
        weight_sign: Any = None,
        balance: Any = None,
        frac_exc: Any = None,
        delay: Any = None,
        short_term: Any = None,
        plasticity: Any = None,
        input_topology: Any = None,
        input_density: Any = None,
        input_weight: Any = None,
        input_sign: Any = None,
        input_refractory: Any = None,
        dt: Any = None,
        encoder: Any = None,
        duration: Any = None,
        row_duration: Any = 1.0,
        features: Any = "counts",
        n_bins: Any = 1,
        sample_times: Any = 1,
        tau_trace: Any = 30.0,
        normalize: Any = None,
        readout: Any = "logistic",
        alpha: Any = None,
        weight_dtype: Any = None,
        dtype: Any = "float32",
        n_jobs: Any = -1,
        random_state: Any = None,
        verbose: Any = False,
    ) -> None:
        self.preset = preset
        self.topology = topology
        self.neuron = neuron
        self.synapse = synapse
        self.weight = weight
        self.weight_sign = weight_sign
        self.balance = balance
        self.frac_exc = frac_exc
        self.delay = delay
        self.short_term = short_term
        self.plasticity = plasticity
        self.input_topology = input_topology
        self.input_density = input_density
        self.input_weight = input_weight
        self.input_sign = input_sign
        self.input_refractory = input_refractory
        self.dt = dt
        self.encoder = encoder
        self.duration = duration
        self.row_duration = row_duration
        self.features = features
        self.n_bins = n_bins
        self.sample_times = sample_times
        self.tau_trace = tau_trace
        self.normalize = normalize
        self.readout = readout
        self.alpha = alpha
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> LSMClassifier:
        """Draw the liquid, show it the samples and fit the readout.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        y : array-like of shape (n_samples,)
            The labels.

        Returns
        -------
        LSMClassifier
            The fitted estimator.
        """
        drawn = self._fresh()
        drawn._fit(X, y)
        return self._become(drawn)

    def stream(self, *, learner: Any = None, missing: Any = "error") -> LiquidClassifierStream:
        """Return a stateful copy that decides row by row; see :class:`~reservoirs.streaming.LiquidClassifierStream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            How a readout that is ridge regression goes on learning, from one recording whose label is known after
            another.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing.

        Returns
        -------
        LiquidClassifierStream
            Its `step(u)` returns the label of what was shown so far.

        Raises
        ------
        ValueError
            For an encoder that looks ahead, rules of plasticity that act while samples are shown, ``n_bins`` other than
            1, and ``sample_times`` other than 1.
        """
        check_is_fitted(self)
        return LiquidClassifierStream(self, *self._memory(by_row=False), learner=learner, missing=missing)

    _ridge = "'ridge'"

    @property
    def _vector_dtype(self) -> Any:
        return self.W_.dtype

    def _fit(self, X: Any, y: Any, classes: Any = None) -> None:
        alpha = check_readout(self.readout, self.alpha, ("logistic", "ridge"))
        stimulus = self._begin(X)
        codes = self._learn_classes(check_labels(y, stimulus.lengths), classes)
        self._draw(stimulus)
        self._learn(self._features().of_samples(self._reader(), stimulus), codes, alpha)

    def _fit_later(self, X: Any, y: Any) -> None:
        alpha = check_readout(self.readout, self.alpha, ("logistic", "ridge"))
        stimulus = self._check(X, reset=False)
        codes = self._codes(check_labels(y, stimulus.lengths))
        self._learn(self._features().of_samples(self._reader(), stimulus), codes, alpha)

    def _readout_estimator(self, n_samples: int = 1) -> Any:
        if not isinstance(self.readout, str):
            return self.readout
        if self.readout == "ridge":
            return None
        return logistic(check_readout(self.readout, self.alpha, ("logistic", "ridge")), n_samples)

    def _vectors(self, X: Any) -> np.ndarray:
        return self._features().of_samples(self._reader(), self._check(X, reset=False))
