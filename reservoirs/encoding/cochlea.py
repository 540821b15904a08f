"""From waveforms to what the ear's bands hear: a bank of gammatone filters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.signal import sosfilt
from sklearn.base import TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from reservoirs._estimator import Estimator
from reservoirs._params import check_choice, check_count, check_real


class Cochlea(TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Turns waveforms into sequences of band envelopes, as the inner ear does (gammatone filter bank).

    Band k has the centre frequency :math:`f_k`; the centres are equally spaced on the scale
    :math:`21.4 \log_{10}(1 + 0.00437 f)`, on which the bands of human hearing are equally wide. The waveform x goes
    through a gammatone filter of order 4,

    .. math:: g_k(t) \propto t^3 e^{-2 \pi b_k t} e^{2 \pi i f_k t}, \quad b_k = 1.019 \cdot 24.7 (1 + 0.00437 f_k),

    computed as four complex one-pole filters in a row. The absolute value of what comes out is the envelope, which
    half-wave rectifying and smoothing the real part would approach: 1 for a tone of amplitude 1 at the centre. Its mean
    over each frame is :math:`e_k`. As loudness grows slowly with intensity, the result is

    .. math:: \log\left(1 + \frac{e_k}{\mathrm{floor} \cdot \mathrm{level}}\right) / \mathrm{scale}_k

    with scales that give every band a standard deviation of 1 in the training data. Silence gives zeros.

    Parameters
    ----------
    n_bands : int, default=64
        Number of bands.
    sampling_rate : float, default=8000.0
        Samples a second of the waveforms.
    low, high : float, default=100.0 and None
        Centre frequencies of the first and the last band in Hz. None means 0.45 times the sampling rate.
    frame_period : float, default=2.5
        How long a frame lasts, in milliseconds, from one sample to 100 s. Frames follow each other without a gap; what
        is missing of the last one is silent. Give the encoder that follows the same `row_duration`.
    floor : float, default=0.03
        Which share of the level counts as soft: below it the result is about proportional to the envelope, above it to
        its logarithm.
    level : {"own", "training"}, default="own"
        The level: root mean square over frames and bands of the waveform's own envelopes, so that loud and soft
        recordings give the same, or of all training data.

    Attributes
    ----------
    center_frequencies_, bandwidths_ : float64 ndarrays of shape (n_bands,)
        :math:`f_k` and :math:`b_k` in Hz.
    level_ : float
        Level of the training data.
    scale_ : float64 ndarray of shape (n_bands,)
        Standard deviations in the training data; 1 where a band is constant.

    Raises
    ------
    ValueError
        If a parameter or the data are wrong.

    References
    ----------
    .. [1] B. R. Glasberg and B. C. J. Moore, "Derivation of auditory filter shapes from notched-noise data", Hearing
       Research 47, 1990 (the scale and the bandwidths).
    .. [2] V. Hohmann, "Frequency analysis and synthesis using a gammatone filterbank", Acta Acustica united with
       Acustica 88, 2002 (the complex filter).

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.encoding import BSAEncoder, Cochlea
    >>> t = np.arange(800) / 8000
    >>> tones = [np.sin(2 * np.pi * f * t[:n]) for f, n in ((300, 800), (2000, 400))]
    >>> cochlea = Cochlea(n_bands=16)
    >>> heard = cochlea.fit_transform(tones)
    >>> [rows.shape for rows in heard]
    [(40, 16), (20, 16)]
    >>> [int(cochlea.center_frequencies_[(rows * cochlea.scale_).mean(axis=0).argmax()]) for rows in heard]
    [308, 2114]
    >>> spikes = BSAEncoder(n_taps=10, cutoff=0.06, row_duration=2.5).fit_transform(heard)
    >>> [events.shape for events in spikes]
    [(16,), (16,)]
    """

    center_frequencies_: np.ndarray
    bandwidths_: np.ndarray
    level_: float
    scale_: np.ndarray

    def __init__(
        self,
        n_bands: int = 64,
        *,
        sampling_rate: float = 8000.0,
        low: float = 100.0,
        high: float | None = None,
        frame_period: float = 2.5,
        floor: float = 0.03,
        level: str = "own",
    ):
        self.n_bands = n_bands
        self.sampling_rate = sampling_rate
        self.low = low
        self.high = high
        self.frame_period = frame_period
        self.floor = floor
        self.level = level

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Lay out the bands and learn their scales.

        Parameters
        ----------
        X : list of array-likes of shape (n_samples,), or array of shape (n_waveforms, n_samples)
            Waveforms, integers or floats, of any lengths.
        y : Ignored

        Returns
        -------
        self
        """
        fresh = self._fresh()
        fresh._learn(X)
        return self._become(fresh)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Learn the scales and return what `transform` would, filtering once.

        Parameters
        ----------
        X : list of array-likes of shape (n_samples,), or array of shape (n_waveforms, n_samples)
            Waveforms.
        y : Ignored
        **fit_params : Ignored

        Returns
        -------
        list of float64 ndarrays of shape (n_frames, n_bands), or an array for an array
        """
        fresh = self._fresh()
        heard = fresh._learn(X)
        self._become(fresh)
        return _in_form([each / self.scale_ for each in heard], X)

    def transform(self, X: Any) -> Any:
        """Return the compressed envelopes of waveforms.

        Parameters
        ----------
        X : list of array-likes of shape (n_samples,), or array of shape (n_waveforms, n_samples)
            Waveforms, sampled at the rate of the training data; of any lengths.

        Returns
        -------
        list of float64 ndarrays of shape (n_frames, n_bands)
            One for each waveform, n_frames being its duration over the frame period, rounded up. An array
            (n_waveforms, n_frames, n_bands) if `X` is one.
        """
        check_is_fitted(self)
        samples_a_frame, floor, own = self._check_parameters()
        heard = (self._envelopes(x, samples_a_frame) for x in _check_waveforms(X))
        return _in_form([self._compress(each, floor, own) / self.scale_ for each in heard], X)

    def _learn(self, X: Any) -> list[np.ndarray]:
        """Learn everything; return the compressed envelopes before they are scaled."""
        samples_a_frame, floor, own = self._check_parameters()
        waveforms = _check_waveforms(X)
        self._lay_out_bands()
        envelopes = [self._envelopes(x, samples_a_frame) for x in waveforms]
        self.level_ = _level(np.concatenate(envelopes))
        heard = [self._compress(each, floor, own) for each in envelopes]
        rows = np.concatenate(heard)
        self.scale_ = np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 1.0)
        return heard

    def _lay_out_bands(self) -> None:
        n_bands = check_count("n_bands", self.n_bands)
        nyquist = self.sampling_rate / 2
        high = check_real("high", 0.9 * nyquist if self.high is None else self.high, 0.0, nyquist)
        low = check_real("low", self.low, 0.0, high, least_included=False)
        # Glasberg and Moore: 21.4 log10(1 + 0.00437 f) numbers the bands, 24.7 (1 + 0.00437 f) is their width.
        places = np.linspace(np.log10(1 + 0.00437 * low), np.log10(1 + 0.00437 * high), n_bands)
        self.center_frequencies_ = (10**places - 1) / 0.00437
        self.bandwidths_ = 1.019 * 24.7 * (1 + 0.00437 * self.center_frequencies_)

    def _check_parameters(self) -> tuple[float, float, bool]:
        """Check what is used in every call; return samples a frame, the floor and whether levels are the waveforms'."""
        sampling_rate = check_real("sampling_rate", self.sampling_rate, 0.0, least_included=False)
        samples_a_frame = check_real("frame_period", self.frame_period, 0.0, 1e5) * sampling_rate / 1000
        if samples_a_frame < 1:
            raise ValueError(
                f"frame_period={self.frame_period!r} is shorter than a sample: {1000 / sampling_rate:g} ms"
            )
        floor = check_real("floor", self.floor, 0.0, least_included=False)
        return samples_a_frame, floor, check_choice("level", self.level, ("own", "training")) == "own"

    def _envelopes(self, waveform: np.ndarray, samples_a_frame: float) -> np.ndarray:
        """Return the mean envelope of each frame and band."""
        n_frames = int(np.ceil(len(waveform) / samples_a_frame - 1e-9))
        # Frames need not be whole samples: the rounded bounds never drift from the time they stand for.
        bounds = np.rint(np.arange(n_frames + 1) * samples_a_frame).astype(np.int64)
        heard = np.zeros(bounds[-1], np.complex128)
        heard[: len(waveform)] = waveform
        envelopes = np.empty((n_frames, len(self.bandwidths_)))
        for k, (f, b) in enumerate(zip(self.center_frequencies_, self.bandwidths_, strict=True)):
            band = np.abs(sosfilt(_gammatone(f / self.sampling_rate, b / self.sampling_rate), heard))
            envelopes[:, k] = np.add.reduceat(band, bounds[:-1]) / np.diff(bounds)
        return envelopes

    def _compress(self, envelopes: np.ndarray, floor: float, own: bool) -> np.ndarray:
        return np.asarray(np.log1p(envelopes / (floor * (_level(envelopes) if own else self.level_))))

    def _compile(self) -> None:
        """Do nothing: there are no compiled objects."""


def _gammatone(frequency: float, bandwidth: float) -> np.ndarray:
    """Return a complex gammatone filter of order 4 as two second-order sections; frequencies in cycles a sample."""
    pole = np.exp(2 * np.pi * (1j * frequency - bandwidth))
    # Of a real tone the filter hears one half, that of positive frequency.
    gain = np.sqrt(2) * (1 - abs(pole)) ** 2
    return np.array([[gain, 0, 0, 1, -2 * pole, pole**2]] * 2)


def _level(envelopes: np.ndarray) -> float:
    """Return the root mean square; 1 of silence."""
    return float(np.sqrt(np.mean(envelopes**2))) or 1.0


def _check_waveforms(X: Any) -> list[np.ndarray]:
    """Return waveforms as 1-D float64 arrays."""
    if not isinstance(X, list | tuple):
        return list(check_array(X, dtype=np.float64, input_name="X"))
    if not X:
        raise ValueError("X holds no waveform; expected at least one of shape (n_samples,)")
    return [_check_waveform(x, f"X[{i}]") for i, x in enumerate(X)]


def _check_waveform(x: Any, name: str) -> np.ndarray:
    if np.ndim(x) != 1:
        raise ValueError(f"{name} has shape {np.shape(x)}; expected a waveform of shape (n_samples,) in a list of them")
    try:
        return np.asarray(check_array(x, dtype=np.float64, ensure_2d=False, input_name=name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _in_form(sequences: list[np.ndarray], X: Any) -> Any:
    """Give lists for lists, an array for what else was an array of waveforms."""
    return sequences if isinstance(X, list | tuple) else np.stack(sequences)
