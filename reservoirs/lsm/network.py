"""The liquid-state machine as a transformer: spikes or numbers in, features of spiking neurons out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ..streaming import LiquidStream
from ..streaming.stream import readout_from_zero
from ._base import BaseLiquid, fill_parameters
from ._present import Stimulus


@dataclass(frozen=True)
class Recording:
    """What neurons did while one sample was shown.

    Attributes
    ----------
    spike_times : ndarray of shape (n_spikes,)
        Times of the recorded spikes in ms, ascending.
    spike_units : int32 ndarray of shape (n_spikes,)
        The neurons they are of.
    potentials : ndarray of shape (n_steps, n_watched)
        Membrane potentials after each step.
    counts : int32 ndarray of shape (n_units,)
        Spikes of all neurons, recorded or not.
    duration : float
        How long the sample was shown, in ms.
    """

    spike_times: np.ndarray
    spike_units: np.ndarray
    potentials: np.ndarray
    counts: np.ndarray
    duration: float


@fill_parameters
class LiquidStateMachine(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseLiquid):  # type: ignore[misc]
    """Recurrent network of spiking neurons that turns what it is shown into features for a readout.

    Parameters
    ----------
    %(liquid)s
    %(features)s
    per_row : bool, default=False
        Whether `transform` reads the features at the end of every row of a sequence of numbers, instead of one row of
        features for each sample.
    %(running)s

    Attributes
    ----------
    W_ : CSC array of shape (n_units, n_units)
        Recurrent weights, entry (i, j) from j to i.
    W_in_ : CSC array of shape (n_units, n_inputs)
        Input weights.
    delay_ : float or ndarray of shape (n_synapses,)
        Delays of the recurrent synapses in ms, in the order of `W_.data`; a number if all are equal.
    excitatory_ : bool ndarray of shape (n_units,)
        Which neurons are excitatory.
    positions_ : ndarray of shape (n_units, n_dimensions)
        Where the neurons lie, if the topology says so.
    encoder_ : encoder
        The fitted encoder, if there is one.
    n_features_in_ : int
        Features of a time step or of a row; channels of events; for a 2-D `X` of series their length.

    Raises
    ------
    ValueError
        For a parameter out of its range, and for input that is not finite or does not fit.

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

    References
    ----------
    .. [1] W. Maass, T. Natschlaeger and H. Markram, "Real-time computing without stable states: a new framework for
       neural computation based on perturbations", Neural Computation 14, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.encoding import RateEncoder
    >>> X = np.random.default_rng(0).uniform(0, 1, (10, 64))
    >>> liquid = LiquidStateMachine(encoder=RateEncoder(duration=100.0), weight=1.0, input_weight=2.0, random_state=0)
    >>> counts = liquid.fit_transform(X)
    >>> counts.shape, bool(counts.mean() > 0)
    ((10, 1000), True)
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
        per_row: Any = False,
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
        self.per_row = per_row
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> LiquidStateMachine:
        """Draw the liquid, and fit the encoder if there is one.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        y : Ignored

        Returns
        -------
        LiquidStateMachine
            The fitted liquid.
        """
        drawn = self._fresh()
        drawn._draw(drawn._begin(X))
        return self._become(drawn)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Draw the liquid, and return the features of `X`.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        y : Ignored

        Returns
        -------
        ndarray of shape (n_samples, n_features_out), or with `per_row` what `transform` returns
        """
        drawn = self._fresh()
        stimulus = drawn._begin(X)
        drawn._draw(stimulus)
        features = drawn._read(stimulus)
        self._become(drawn)
        return features

    def transform(self, X: Any) -> Any:
        """Return the features of what is shown, each sample from the resting liquid.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            With `per_row` a list of arrays (n_timesteps, n_features_out), or a 3-D array for a 2-D or 3-D `X`.
        """
        check_is_fitted(self)
        return self._read(self._check(X, reset=False))

    def simulate(self, X: Any, *, record: Any = None, watch: Any = ()) -> list[Recording]:
        """Show samples and return the spikes and potentials of chosen neurons.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        record : array-like of int or bool, default=None
            The neurons whose spikes are recorded; None means all.
        watch : array-like of int or bool, default=()
            The neurons whose membrane potentials are recorded at every step.

        Returns
        -------
        list of Recording
            One for each sample.

        Examples
        --------
        >>> import numpy as np
        >>> from reservoirs import LiquidStateMachine
        >>> series = [np.full((50, 1), 3.0)]
        >>> liquid = LiquidStateMachine(input_weight=1.0, input_sign="positive", random_state=0).fit(series)
        >>> recording = liquid.simulate(series, record=[0, 1, 2])[0]
        >>> recording.duration, recording.counts.shape
        (50.0, (1000,))
        """
        check_is_fitted(self)
        presenter = self._presenter()
        recorded = self._units("record", np.arange(presenter.network.n_units) if record is None else record)
        watched = self._units("watch", watch)
        return list(self._recordings(self._check(X, reset=False), recorded, watched))

    def stream(self, *, learner: Any = None, n_outputs: Any = None, missing: Any = "error") -> LiquidStream:
        """Return a stateful copy that takes one row a call; see :class:`~reservoirs.streaming.LiquidStream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            With one, the stream has a linear readout, zero at first, that learns.
        n_outputs : int, default=None
            Outputs of that readout. None means 1.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing.

        Returns
        -------
        LiquidStream
            Its `step(u)` returns the features of a row with `per_row`, and otherwise those of all that was shown so
            far, the same bits as `transform`; or the outputs.

        Raises
        ------
        ValueError
            For an encoder that looks ahead, rules of plasticity that act while samples are shown, and, without
            `per_row`, ``n_bins`` or ``sample_times`` other than 1.
        """
        check_is_fitted(self)
        memory, rows = self._memory(by_row=bool(self.per_row))
        options = readout_from_zero(learner, n_outputs, memory.n_features)
        return LiquidStream(self, memory, rows, missing=missing, **options)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn's mixin names the columns of data frames by."""
        return self._features().n_per_unit * int(self.W_.shape[0])

    def _read(self, stimulus: Stimulus) -> Any:
        if not self.per_row:
            return self._features().of_samples(self._reader(), stimulus)
        rows, blocks = self._features().of_rows(self._reader(), stimulus)
        features = rows.with_values(np.empty((len(rows.values), self._n_features_out), self.W_.dtype))
        for block, bounds in blocks:
            features.put_rows(bounds, block)
        return rows.in_form(features.values)

    def _units(self, name: str, units: Any) -> np.ndarray:
        n_units = self.W_.shape[0]
        array = np.asarray(units)
        if array.dtype == bool and array.shape == (n_units,):
            array = np.flatnonzero(array)
        if array.size == 0:
            return np.zeros(0, np.int32)
        if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= n_units:
            raise ValueError(f"{name}={units!r} must be a list of units from 0 to {n_units - 1}, or a mask of all")
        return array.astype(np.int32)

    def _recordings(self, stimulus: Stimulus, recorded: np.ndarray, watched: np.ndarray) -> Any:
        presenter, dt = self._reader(), self._dt_
        for members, batch in presenter.shown(stimulus, recorded=recorded.tolist(), watched=watched.tolist()):
            slots, steps, units = batch.spikes()
            ends = np.searchsorted(slots, np.arange(members.stop - members.start + 1))
            potentials, counts = batch.watched(), batch.counts
            for i, sample in enumerate(range(members.start, members.stop)):
                mine = slice(ends[i], ends[i + 1])
                yield Recording(
                    steps[mine] * dt, units[mine], potentials[i], counts[i], float(stimulus.lengths[sample] * dt)
                )
