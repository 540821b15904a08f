"""Encoders of sequences: signals become spikes from which they can be rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.signal import firwin
from sklearn.utils.validation import check_is_fitted

from reservoirs._params import check_choice, check_count, check_real, check_reals
from reservoirs.encoding._base import TemporalEncoder, in_lockstep, ranges, rows_of
from reservoirs.encoding.events import Events

# From here on float64 cannot tell two numbers of thresholds apart.
_MOST_THRESHOLDS = 2.0**52


class DeltaEncoder(TemporalEncoder):
    r"""Changes become spikes: one each time a feature has moved by a threshold (send-on-delta).

    Each feature has a reference, at first its first value. In each row the encoder sends

    .. math:: n = \mathrm{trunc}\left(\frac{x - \mathrm{reference}}{\theta}\right)

    spikes of polarity 1 (n > 0) or 0 (n < 0), and the reference moves by :math:`n \theta`. So what a receiver rebuilds
    by adding :math:`\pm\theta` a spike is never further than :math:`\theta` from the signal, unless `max_events` holds
    spikes back. A constant signal is silent.

    Parameters
    ----------
    threshold : float, array-like of shape (n_features,) or "auto", default="auto"
        The threshold of all features or of each, above 0. "auto" takes `fraction` times the standard deviation of the
        training data (over all rows of all sequences; 1 stands in for that of a constant feature).
    fraction : float, default=0.5
        For `threshold` "auto".
    max_events : int, default=None
        The most spikes of a feature in a row; what is left over is sent in later rows. None means as many as a row has
        microseconds, so that no two coincide.
    row_duration : float, default=1.0
        How long a row lasts, in milliseconds (a whole number of microseconds). The spikes of a row are spread evenly
        over it, the first of them at its beginning.

    Attributes
    ----------
    threshold_ : float64 ndarray of shape (n_features,)
        The threshold of each feature.
    n_channels_ : int
        Two a feature: fall and rise.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if the data have any.

    Raises
    ------
    ValueError
        If a parameter or the data are wrong.

    References
    ----------
    M. Miskowicz, "Send-on-delta concept: an event-based data reporting strategy", Sensors 6, 2006.

    Examples
    --------
    >>> from reservoirs.encoding import DeltaEncoder
    >>> encoder = DeltaEncoder(threshold=1.0)
    >>> (events,) = encoder.fit_transform([[0.0], [0.5], [2.5], [1.2]])
    >>> events.t.tolist(), events.polarity.tolist()
    ([2000, 2500], [1, 1])
    >>> encoder.decode([events])[0].ravel().tolist()
    [0.0, 0.0, 2.0, 2.0]
    """

    threshold_: np.ndarray

    def __init__(
        self,
        threshold: Any = "auto",
        *,
        fraction: float = 0.5,
        max_events: int | None = None,
        row_duration: float = 1.0,
    ):
        self.threshold = threshold
        self.fraction = fraction
        self.max_events = max_events
        self.row_duration = row_duration

    def decode(self, events: Sequence[Events], first: Any = 0.0) -> list[np.ndarray]:
        """Rebuild sequences from their spikes.

        Parameters
        ----------
        events : list of Events
            What `transform` gave.
        first : float, array-like of shape (n_features,) or (n_sequences, n_features), default=0.0
            First row of each sequence, which the spikes do not tell.

        Returns
        -------
        list of float64 ndarrays of shape (n_timesteps, n_features)
        """
        check_is_fitted(self)
        signs = [self._signs(each) for each in events]
        firsts = np.broadcast_to(np.asarray(first, dtype=np.float64), (len(signs), len(self.threshold_)))
        return [row + np.cumsum(n, axis=0) * self.threshold_ for row, n in zip(firsts, signs, strict=True)]

    def _signs(self, events: Events) -> np.ndarray:
        """Return the spikes of each row and feature, rises minus falls."""
        counts = rows_of(events, self._check_row(), 2 * len(self.threshold_))
        falls, rises = np.split(counts, 2, axis=1)
        return np.asarray(rises - falls)

    def _fit(self, X: Any) -> None:
        self._check_parameters()
        sequences = self._check(X, reset=True)
        self.threshold_ = self._learn_threshold(sequences.values)
        self.n_channels_ = 2 * sequences.n_features

    def _learn_threshold(self, rows: np.ndarray) -> np.ndarray:
        if not isinstance(self.threshold, str):
            return check_reals("threshold", self.threshold, rows.shape[1], 0.0, least_included=False)
        check_choice("threshold", self.threshold, ("auto",))
        # Constant features are told by their range: rounding gives them tiny standard deviations.
        with np.errstate(over="ignore", invalid="ignore"):
            threshold = self.fraction * np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 1.0)
        if not (np.isfinite(threshold) & (threshold > 0)).all():
            raise ValueError(f"threshold='auto': the standard deviations of X would give thresholds of {threshold}")
        return np.asarray(threshold)

    def _transform(self, X: Any) -> list[Events]:
        period, most = self._check_parameters()
        sequences = self._check(X, reset=False)
        counts = np.zeros(sequences.values.shape, dtype=np.int64)
        first = sequences.values[sequences.offsets[:-1]]
        sent = np.zeros(first.shape)  # by how many thresholds each reference has moved
        for index, rows in in_lockstep(sequences):
            n = self._due(sequences.values[rows], first[index], sent[index], most)
            sent[index] += n
            counts[rows] = n
        return [self._events(n, period) for n in sequences.with_values(counts)]

    def _due(self, rows: np.ndarray, first: np.ndarray, sent: np.ndarray, most: int) -> np.ndarray:
        """Return how many spikes are due, falls negative."""
        with np.errstate(over="ignore"):
            wanted = (rows - first) / self.threshold_
        if not (np.abs(wanted) < _MOST_THRESHOLDS).all():
            raise ValueError(f"X moves by {np.abs(wanted).max():g} thresholds: the threshold is too small for it")
        return np.asarray(np.clip(np.trunc(wanted - sent), -most, most))

    def _begin_rows(self) -> np.ndarray:
        # Whether there was a row, the first, and what was sent.
        return np.zeros(1 + 2 * len(self.threshold_))

    def _encode_row(self, row: np.ndarray, memory: np.ndarray) -> tuple[Events, np.ndarray]:
        period, most = self._check_parameters()
        first, sent = np.split(memory[1:], 2)
        first = first if memory[0] else row
        n = self._due(row, first, sent, most)
        return self._events(n[None].astype(np.int64), period), np.concatenate([[1.0], first, sent + n])

    def _events(self, counts: np.ndarray, period: int) -> Events:
        row, feature = np.nonzero(counts)
        n = counts[row, feature]
        spikes = np.repeat(np.arange(len(n)), np.abs(n))
        rank = np.arange(len(spikes)) - np.repeat(np.cumsum(np.abs(n)) - np.abs(n), np.abs(n))
        t = row[spikes] * period + rank * period // np.abs(n)[spikes]
        return Events.from_arrays(
            t, feature[spikes], (n > 0)[spikes], shape=counts.shape[1], duration=len(counts) * period
        )

    def _check_parameters(self) -> tuple[int, int]:
        """Check all parameters but the threshold; return a row's microseconds and the most spikes in it."""
        check_real("fraction", self.fraction, 0.0, least_included=False)
        period = self._check_row()
        return period, period if self.max_events is None else min(check_count("max_events", self.max_events), period)


class BSAEncoder(TemporalEncoder):
    r"""Spikes from which a filter rebuilds the signal (Ben's Spiker Algorithm).

    Every feature is brought to [0, 1] by its range in the training data: s. With a low-pass filter h of m taps, in each
    row t

    .. math:: e_1 = \sum_{k=0}^{m-1} |s(t + k) - h(k)|, \quad e_2 = \sum_{k=0}^{m-1} |s(t + k)|

    over the rows there are, and if :math:`e_1 \le e_2 - \theta` the feature spikes and h is subtracted from the signal
    that follows. Convolving the spikes with h (:meth:`decode`) gives the signal back, but for the first m rows, which a
    filter takes to rise, the last m, and what is faster than the filter. Values above the range saturate, values below
    it are silent.

    Parameters
    ----------
    n_taps : int, default=20
        Length of the filter in rows, m.
    cutoff : float, default=0.03
        Cut-off frequency of the filter in cycles a row, in (0, 0.5): the window method with a Hamming window
        (:func:`scipy.signal.firwin`), scaled to a sum of 1, so that a spike in every row means the largest value.
    threshold : float, default=0.9
        :math:`\theta`, in [0, 1]. A smaller one gives more spikes. With the defaults slow sines are
        rebuilt with a root mean square error of 2 % of their range.
    row_duration : float, default=1.0
        How long a row lasts, in milliseconds (a whole number of microseconds). Spikes come at its beginning.

    Attributes
    ----------
    filter_ : float64 ndarray of shape (n_taps,)
        The filter h.
    low_, span_ : float64 ndarrays of shape (n_features,)
        Each feature's least value in the training data, and how much larger the largest is (1 if it is not).
    n_channels_ : int
        Number of channels, one a feature.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if the data have any.

    Raises
    ------
    ValueError
        If a parameter or the data are wrong.

    References
    ----------
    .. [1] B. Schrauwen and J. Van Campenhout, "BSA, a fast and accurate spike train encoding scheme", IJCNN 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.encoding import BSAEncoder
    >>> signal = np.sin(np.arange(400) / 40)[:, None]
    >>> encoder = BSAEncoder()
    >>> spikes = encoder.fit_transform(signal)
    >>> (rebuilt,) = encoder.decode(spikes)
    >>> bool(np.abs(rebuilt - signal)[20:-20].max() < 0.2)
    True
    """

    filter_: np.ndarray
    low_: np.ndarray
    span_: np.ndarray

    def __init__(self, n_taps: int = 20, *, cutoff: float = 0.03, threshold: float = 0.9, row_duration: float = 1.0):
        self.n_taps = n_taps
        self.cutoff = cutoff
        self.threshold = threshold
        self.row_duration = row_duration

    def decode(self, events: Sequence[Events]) -> list[np.ndarray]:
        """Rebuild sequences from their spikes, which are convolved with the filter.

        Parameters
        ----------
        events : list of Events
            What `transform` gave.

        Returns
        -------
        list of float64 ndarrays of shape (n_timesteps, n_features)
        """
        check_is_fitted(self)
        return [self._decode(rows_of(each, self._check_row(), self.n_channels_)) for each in events]

    def _decode(self, spikes: np.ndarray) -> np.ndarray:
        signal = np.zeros(spikes.shape)
        for k, h in enumerate(self.filter_[: len(spikes)]):
            signal[k:] += h * spikes[: len(spikes) - k]
        return np.asarray(signal * self.span_ + self.low_)

    def _fit(self, X: Any) -> None:
        self._check_parameters()
        n_taps = check_count("n_taps", self.n_taps)
        cutoff = check_real("cutoff", self.cutoff, 0.0, least_included=False)
        if cutoff >= 0.5:
            raise ValueError(f"cutoff={self.cutoff!r} must be less than 0.5 cycles a row")
        rows = self._check(X, reset=True).values
        self.filter_ = np.asarray(firwin(n_taps, cutoff, fs=1.0))
        self.low_, self.span_ = ranges(rows)
        self.n_channels_ = rows.shape[1]

    def _transform(self, X: Any) -> list[Events]:
        period, threshold = self._check_parameters()
        sequences = self._check(X, reset=False)
        with np.errstate(over="ignore"):
            rest = (sequences.values - self.low_) / self.span_
        # Numbers of this size behave as infinite ones would, without their differences.
        rest = np.clip(rest, -4.0, 4.0)
        ends = sequences.offsets[1:]
        taps = np.arange(len(self.filter_))
        spikes = np.zeros(rest.shape, dtype=bool)
        for index, rows in in_lockstep(sequences):
            ahead = rows[:, None] + taps
            inside = (ahead < ends[index, None])[:, :, None]
            ahead = np.minimum(ahead, len(rest) - 1)
            window = rest[ahead] * inside
            filters = self.filter_[:, None] * inside
            error_spike, error_silent = (np.abs(each).sum(axis=1) for each in (window - filters, window))
            spikes[rows] = fires = error_spike <= error_silent - threshold
            # Rows past the end are other sequences': they are told apart, and nothing is written to them.
            where, lag = np.nonzero(inside[:, :, 0])
            rest[ahead[where, lag]] = (window - filters * fires[:, None, :])[where, lag]
        return [self._events(each, period) for each in sequences.with_values(spikes)]

    def _begin_rows(self) -> np.ndarray:
        raise ValueError(
            f"BSAEncoder cannot encode row by row: whether a row spikes depends on the {self.n_taps} rows that follow"
        )

    def _events(self, spikes: np.ndarray, period: int) -> Events:
        row, feature = np.nonzero(spikes)
        return Events(row * period, feature, None, (spikes.shape[1],), len(spikes) * period)

    def _check_parameters(self) -> tuple[int, float]:
        return self._check_row(), check_real("threshold", self.threshold, 0.0, 1.0)
