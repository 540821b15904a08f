"""Encoders of rows: every number becomes the spikes of one channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from reservoirs._params import check_choice, check_real
from reservoirs.encoding._base import StaticEncoder, check_microseconds
from reservoirs.encoding._philox import bernoulli_spikes
from reservoirs.encoding.events import Events

# Samples drawn together: enough to make NumPy's overhead small, few enough for the cache.
_BATCH = 64


class RateEncoder(StaticEncoder):
    r"""Numbers become random spikes, more of them for larger numbers.

    In every step of `dt` milliseconds channel c spikes with probability

    .. math:: p_c = \min(1, \; q_c / s \cdot r \, dt / 1000)

    independently of other steps and channels (a Bernoulli process, which for small p is a Poisson process of p spikes a
    step). q and the scale s follow `normalization`, r is `max_rate`. With the defaults this is the input of the
    neuron-astrocyte liquid state machine [1]_.

    The spikes of a sample depend on the seed that `fit` draws and on the sample's probabilities, and on nothing else:
    they are the same alone, in any batch and in any order, and two equal samples get equal spikes.

    Parameters
    ----------
    duration : float, default=250.0
        How long a sample is shown, in milliseconds; a multiple of `dt`.
    dt : float, default=1.0
        Length of a step in milliseconds, a whole number of microseconds.
    normalization : {"sum", "max"} or None, default="sum"
        What becomes of a row x:

        - "sum": q = x / sum(x), so all samples get the same total drive however bright they are; s is the largest q of
          the training data. A row of zeros stays silent.
        - "max": q = x, and s is the largest number of the training data.
        - None: q = x and s = 1, for numbers that lie in [0, 1] already.
    max_rate : float, default=None
        Rate of a channel with q = s, in spikes a second (Hz). None means one spike in every step, 1000 / `dt`.
    test_scale : {"fit", "batch"}, default="fit"
        Whether `transform` uses the scale s that was learned in `fit`, or computes it anew from all it is given, as the
        authors of [1]_ did for their test images: a sample then depends on the others in the call.
    random_state : int, RandomState instance or None, default=None
        Determines the seed.

    Attributes
    ----------
    seed_ : int
        64 bits that, with a sample's probabilities, determine its spikes.
    scale_ : float
        The scale s.
    n_channels_ : int
        Number of channels, one a feature.
    n_steps_ : int
        Number of steps of a sample.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if the data have any.

    Raises
    ------
    ValueError
        If a parameter is wrong or the data have negative numbers.

    References
    ----------
    .. [1] V. Ivanov and K. Michmizos, "Increasing liquid state machine performance with edge-of-chaos dynamics
       organized by astrocyte-modulated plasticity", NeurIPS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.encoding import RateEncoder
    >>> X = np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 4.0]])
    >>> encoder = RateEncoder(duration=100.0, random_state=0).fit(X)
    >>> encoder.probabilities(X).round(3).tolist()
    [[0.0, 0.333, 1.0], [0.333, 0.333, 0.667]]
    >>> encoder.transform(X)[0].counts().tolist()
    [0, 32, 100]
    """

    scale_: float
    seed_: int

    def __init__(
        self,
        duration: float = 250.0,
        *,
        dt: float = 1.0,
        normalization: str | None = "sum",
        max_rate: float | None = None,
        test_scale: str = "fit",
        random_state: Any = None,
    ):
        self.duration = duration
        self.dt = dt
        self.normalization = normalization
        self.max_rate = max_rate
        self.test_scale = test_scale
        self.random_state = random_state

    @property
    def n_steps_(self) -> int:
        """Number of steps of a sample."""
        duration, dt = check_microseconds("duration", self.duration), check_microseconds("dt", self.dt)
        if duration % dt:
            raise ValueError(f"duration={self.duration!r} must be a multiple of dt={self.dt!r}")
        return duration // dt

    def probabilities(self, X: Any) -> np.ndarray:
        """Return each channel's probability of a spike in a step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers of at least 0.

        Returns
        -------
        probabilities : float64 ndarray of shape (n_samples, n_features)
            In [0, 1].

        Raises
        ------
        ValueError
            If the data or a parameter set after the fit are wrong.
        """
        check_is_fitted(self)
        peak = self._check_parameters()
        rows = self._normalised(self._check(X, reset=False))
        scale = self.scale_ if self.test_scale == "fit" else self._scale_of(rows)
        return np.minimum(rows / scale * peak, 1.0)

    def _fit(self, X: Any) -> None:
        self._check_parameters()
        rows = self._normalised(self._check(X, reset=True))
        self.scale_ = self._scale_of(rows)
        self.n_channels_ = rows.shape[1]
        self.seed_ = int(check_random_state(self.random_state).randint(2**64, dtype=np.uint64))

    def _transform(self, X: Any) -> list[Events]:
        probabilities, n_steps = self.probabilities(X), self.n_steps_
        period = check_microseconds("dt", self.dt)
        return [
            Events(step * period, channel, None, (self.n_channels_,), n_steps * period)
            for begin in range(0, len(probabilities), _BATCH)
            for step, channel in bernoulli_spikes(probabilities[begin : begin + _BATCH], n_steps, self.seed_)
        ]

    def _check_parameters(self) -> float:
        """Check all parameters and return the probability that q = s means."""
        if self.normalization is not None:
            check_choice("normalization", self.normalization, ("sum", "max"))
        check_choice("test_scale", self.test_scale, ("fit", "batch"))
        _ = self.n_steps_
        if self.max_rate is None:
            return 1.0
        return check_real("max_rate", self.max_rate, 0.0, least_included=False) * self.dt / 1000

    def _normalised(self, X: np.ndarray) -> np.ndarray:
        if self.normalization != "sum":
            return X
        with np.errstate(over="ignore"):
            sums = X.sum(axis=1, keepdims=True)
        if not np.isfinite(sums).all():
            raise ValueError(f"X[{int(np.argmax(~np.isfinite(sums)))}] has a sum that float64 cannot hold")
        return X / np.where(sums > 0, sums, 1.0)

    def _scale_of(self, rows: np.ndarray) -> float:
        # A silent training set has no scale; any will do.
        return 1.0 if self.normalization is None else float(rows.max()) or 1.0


class LatencyEncoder(StaticEncoder):
    r"""Numbers become one spike each, the earlier the larger (time to first spike).

    With :math:`z = \min(1, x / s)`, s the largest number of the training data, channel c spikes once at

    .. math:: t_c = T (1 - z_c) \quad \text{or} \quad t_c = T \ln z_c / \ln \theta

    for `form` "linear" or "log", T being `duration` and :math:`\theta` `threshold`. Numbers of at most
    :math:`\theta s` never spike, and neither does zero. The largest number spikes at once, the smallest that spikes
    just before the end.

    Parameters
    ----------
    duration : float, default=100.0
        How long a sample is shown, in milliseconds (a whole number of microseconds).
    form : {"linear", "log"}, default="linear"
        How latency falls with intensity. "log" gives equal ratios of intensity equal differences in time.
    threshold : float, default=None
        Share of the largest number at or below which there is no spike, in [0, 1); above 0 for "log". None means 0 for
        "linear" and 0.01 for "log".

    Attributes
    ----------
    scale_ : float
        The largest number of the training data, s (1 if all are zero).
    n_channels_ : int
        Number of channels, one a feature.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if the data have any.

    Raises
    ------
    ValueError
        If a parameter is wrong or the data have negative numbers.

    References
    ----------
    S. Thorpe, A. Delorme and R. Van Rullen, "Spike-based strategies for rapid processing", Neural Networks 14, 2001.

    Examples
    --------
    >>> from reservoirs.encoding import LatencyEncoder
    >>> X = [[0.0, 2.0, 4.0], [1.0, 3.0, 3.0]]
    >>> first, second = LatencyEncoder(duration=100.0).fit_transform(X)
    >>> first.t.tolist(), first.address.tolist()
    ([0, 50000], [2, 1])
    """

    scale_: float

    def __init__(self, duration: float = 100.0, *, form: str = "linear", threshold: float | None = None):
        self.duration = duration
        self.form = form
        self.threshold = threshold

    def _fit(self, X: Any) -> None:
        self._check_parameters()
        X = self._check(X, reset=True)
        self.scale_ = float(X.max()) or 1.0
        self.n_channels_ = X.shape[1]

    def _transform(self, X: Any) -> list[Events]:
        duration, threshold = self._check_parameters()
        return [self._encode(row, duration, threshold) for row in self._check(X, reset=False) / self.scale_]

    def _encode(self, row: np.ndarray, duration: int, threshold: float) -> Events:
        address = np.flatnonzero(row > threshold)
        z = np.minimum(row[address], 1.0)
        late = 1.0 - z if self.form == "linear" else np.log(z) / np.log(threshold)
        t = np.minimum((duration * late).astype(np.int64), duration - 1)
        return Events.from_arrays(t, address, shape=self.n_channels_, duration=duration)

    def _check_parameters(self) -> tuple[int, float]:
        duration = check_microseconds("duration", self.duration)
        is_log = check_choice("form", self.form, ("linear", "log")) == "log"
        if self.threshold is None:
            return duration, 0.01 if is_log else 0.0
        threshold = check_real("threshold", self.threshold, 0.0, least_included=not is_log)
        if threshold >= 1:
            raise ValueError(f"threshold={self.threshold!r} must be less than 1: nothing would spike")
        return duration, threshold
