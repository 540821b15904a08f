"""An encoder that shares each feature out among units, each of which prefers one value."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from reservoirs._params import check_choice, check_count, check_real
from reservoirs.encoding._base import TemporalEncoder, ranges
from reservoirs.encoding._philox import philox, uniform
from reservoirs.encoding.events import Events


class PopulationEncoder(TemporalEncoder):
    r"""Each feature is shared out among units, each of which prefers one value (Gaussian receptive fields).

    Field i = 1..m of a feature that ranged over [a, b] in the training data answers x with

    .. math::
        \exp\left(-\frac{(x - \mu_i)^2}{2 \sigma^2}\right), \quad
        \mu_i = a + \frac{2i - 3}{2} \cdot \frac{b - a}{m - 2}, \quad \sigma = \frac{1}{\beta} \cdot \frac{b - a}{m - 2}

    The outer fields lie half a distance outside of the range. Values far outside of it are silent.

    Parameters
    ----------
    n_fields : int, default=8
        Fields a feature, m; at least 3.
    beta : float, default=1.5
        Width of the fields: the larger, the narrower.
    code : {"latency", "bernoulli"}, default="latency"
        What an answer becomes. "latency": a spike within the row, the earlier the stronger, at ``1 - answer`` of the
        row, as in [1]_. "bernoulli": a spike at the beginning of the row with the answer as its probability, its
        randomness a function of the seed and the sequence up to this row. Latency is the default because it needs no
        randomness and one spike carries a number; a Bernoulli spike carries less than a bit. But it needs rows of many
        steps: where a row is one step of the network, use "bernoulli".
    threshold : float, default=0.1
        Answers of at most this much give no spike, in [0, 1).
    row_duration : float, default=10.0
        How long a row lasts, in milliseconds (a whole number of microseconds).
    random_state : int, RandomState instance or None, default=None
        For "bernoulli".

    Attributes
    ----------
    centers_ : float64 ndarray of shape (n_features, n_fields)
        The values that fields prefer.
    widths_ : float64 ndarray of shape (n_features,)
        Standard deviation of the fields.
    seed_ : int
        64 bits that, with the rows of a sequence so far, determine the "bernoulli" spikes of a row.
    n_channels_ : int
        ``n_features * n_fields``; events have shape (n_features, n_fields).
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
    .. [1] S. M. Bohte, J. N. Kok and H. La Poutré, "Error-backpropagation in temporally encoded networks of spiking
       neurons", Neurocomputing 48, 2002.

    Examples
    --------
    >>> from reservoirs.encoding import PopulationEncoder
    >>> encoder = PopulationEncoder(n_fields=4).fit([[0.0], [2.0]])
    >>> encoder.centers_.tolist()
    [[-0.5, 0.5, 1.5, 2.5]]
    >>> (events,) = encoder.transform([[0.5]])
    >>> events.t.tolist(), events.address.tolist()
    ([0, 6753, 6753], [1, 0, 2])
    """

    centers_: np.ndarray
    widths_: np.ndarray
    seed_: int

    def __init__(
        self,
        n_fields: int = 8,
        *,
        beta: float = 1.5,
        code: str = "latency",
        threshold: float = 0.1,
        row_duration: float = 10.0,
        random_state: Any = None,
    ):
        self.n_fields = n_fields
        self.beta = beta
        self.code = code
        self.threshold = threshold
        self.row_duration = row_duration
        self.random_state = random_state

    def activations(self, X: Any) -> list[np.ndarray]:
        """Return the answers of the fields.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features) or list or 3-D array of such
            One or many sequences.

        Returns
        -------
        list of float64 ndarrays of shape (n_timesteps, n_features, n_fields)
            In [0, 1].
        """
        check_is_fitted(self)
        return [self._answers(sequence) for sequence in self._check(X, reset=False)]

    def _answers(self, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", under="ignore"):  # far away is far away
            distance = (rows[:, :, None] - self.centers_) / self.widths_[:, None]
            return np.asarray(np.exp(-0.5 * distance**2))

    def _fit(self, X: Any) -> None:
        self._check_parameters()
        m = check_count("n_fields", self.n_fields, 3)
        rows = self._check(X, reset=True).values
        low, span = ranges(rows)
        self.centers_ = low[:, None] + (2 * np.arange(1, m + 1) - 3) / 2 * (span / (m - 2))[:, None]
        self.widths_ = span / (m - 2) / self.beta
        self.n_channels_ = rows.shape[1] * m
        self.seed_ = int(check_random_state(self.random_state).randint(2**64, dtype=np.uint64))

    def _transform(self, X: Any) -> list[Events]:
        period, threshold = self._check_parameters()
        sequences = self._check(X, reset=False)
        return [self._encode(rows, self._begin_rows(), period, threshold)[0] for rows in sequences]

    def _begin_rows(self) -> np.ndarray:
        # The two halves of a hash of the rows so far.
        return np.zeros(2 if self.code == "bernoulli" else 0)

    def _encode_row(self, row: np.ndarray, memory: np.ndarray) -> tuple[Events, np.ndarray]:
        return self._encode(row[None], memory, *self._check_parameters())

    def _encode(self, rows: np.ndarray, memory: np.ndarray, period: int, threshold: float) -> tuple[Events, np.ndarray]:
        answers = self._answers(rows).reshape(len(rows), -1)
        row, address = np.nonzero(answers > threshold)
        t = row * period
        if self.code == "latency":
            t += np.minimum(((1 - answers[row, address]) * period).astype(np.int64), period - 1)
        else:
            hashes = _hashes_so_far(rows, memory)
            low, high = hashes[row].T
            fires = _numbers(address, low, high, self.seed_) < answers[row, address]
            t, address = t[fires], address[fires]
            memory = hashes[-1].astype(np.float64)
        return Events.from_arrays(t, address, shape=self.centers_.shape, duration=len(rows) * period), memory

    def _check_parameters(self) -> tuple[int, float]:
        check_real("beta", self.beta, 0.0, least_included=False)
        check_choice("code", self.code, ("latency", "bernoulli"))
        threshold = check_real("threshold", self.threshold, 0.0)
        if threshold >= 1:
            raise ValueError(f"threshold={self.threshold!r} must be less than 1: nothing would spike")
        return self._check_row(), threshold


def _hashes_so_far(rows: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return for each row the two halves of a hash of it and of the hash of the rows before, uint64."""
    content = before.astype("<u4").tobytes()
    hashes = []
    for row in rows:
        content = hashlib.blake2b(content + row.tobytes(), digest_size=8).digest()
        hashes.append(np.frombuffer(content, "<u4"))
    return np.array(hashes, np.uint64)


def _numbers(address: np.ndarray, low: np.ndarray, high: np.ndarray, seed: int) -> np.ndarray:
    """Return one number in (0, 1) for each address of a row with the hash of these halves."""
    return uniform(philox((np.zeros_like(low), address.astype(np.uint64), low, high), seed)[0])
