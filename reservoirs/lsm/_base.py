"""What the liquid estimators share: drawing a liquid, and turning what users give into what it is shown."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from numbers import Real
from typing import Any, TypeVar

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import Tags, check_random_state, get_tags

from .. import _core
from .._estimator import Estimator
from .._params import check_choice, check_real, n_threads
from .._values import NOT_NEGATIVE, Bounds, per_neuron, per_synapse, to_steps
from ..encoding import Events, RateEncoder
from ..encoding._base import Encoder, StaticEncoder, check_microseconds
from ..sequences import Sequences, check_sequences
from ..topology import Connectome
from ._features import Features
from ._present import Currents, Given, Presenter, Rates, Stimulus
from ._row_by_row import RowByRow
from .neurons import Neuron
from .plasticity._base import Site, as_list, snapshots_of
from .presets import PRESETS
from .synapses import Synapse, TsodyksMarkram

# What the core takes, in steps.
_LONGEST_DELAY = 1 << 16
_LONGEST_REFRACTORY = 100_000

LIQUID_PARAMETERS = """preset : str, default="nalsm-1000"
        A liquid by name, "nalsm-1000", "nalsm-8000", "receptive-fields-8000", "maass-2002" or "zhang-2015": the values
        of all parameters from `topology` to `dt` that are left at None. See :data:`reservoirs.lsm.PRESETS`.
    topology : graph, default=None
        Which neurons are connected, and how many there are: an object of :mod:`reservoirs.topology` such as
        ``Column((10, 10, 10))``. A :class:`~reservoirs.topology.Connectome` also sets the weights and which neurons
        are excitatory; `weight` and `frac_exc` are not used then.
    neuron : neuron model, default=None
        :class:`LIF`, :class:`AdaptiveLIF`, :class:`Izhikevich` or :class:`Izhikevich2007`.
    synapse : synapse model, default=None
        :class:`DeltaSynapse`, :class:`ExponentialSynapse` or :class:`DoubleExponentialSynapse`.
    weight : float, array of shape (n_synapses,), frozen scipy.stats distribution or dict, default=None
        Size of the recurrent weights. A dict has one for each of the blocks "EE", "EI", "IE" and "II", "EI" being from
        excitatory to inhibitory neurons.
    weight_sign : {"dale", "random"}, default=None
        Sign of the recurrent weights: that of the neuron they come from (Dale's law), or random synapse by synapse.
    balance : float, default=None
        Scales the negative weights onto each neuron by one factor so that, if all neurons fired alike, inhibition would
        carry 1 - balance times the charge of excitation: 0 is balance, 1 no inhibition, below 0 more inhibition than
        excitation. Inputs and short-term plasticity do not count; neurons that only one of the two reaches keep their
        weights. None leaves all weights as they are drawn.
    frac_exc : float, default=None
        Share of excitatory neurons, which come first.
    delay : float, array, distribution or dict, default=None
        Delay of the recurrent synapses in ms, as `weight`; rounded to steps, at least one.
    short_term : TsodyksMarkram or False, default=None
        Short-term plasticity of the recurrent synapses; False for none.
    plasticity : rule, list of rules, "preset" or None, default=None
        How weights and thresholds learn, unsupervised, from the training samples: a rule of
        :mod:`reservoirs.lsm.plasticity` such as ``AstrocyteSTDP()``, or several that act in their order in every step.
        Weights that are not given then begin as the first rule that says so wants: with STDP at its `w_max`. "preset"
        means the rule of the preset, which for NALSM is the paper's in full: it takes its time. None: no learning.
    input_topology : wiring or False, default=None
        Which inputs each neuron reads: an object of :mod:`reservoirs.topology` such as ``ReceptiveFields((28, 28))``,
        which sets the signs of the input weights and how they relate; `input_weight` is then the root of the sum of
        squares of a neuron's input weights, and `input_density` and `input_sign` are not used. False: as these two say.
    input_density : float, default=None
        Share of all pairs of an input and a neuron that have a synapse: exactly so many, drawn at random.
    input_weight : float, distribution or dict, default=None
        Size of the input weights; a dict has "exc" and "inh", for the neurons they lead to.
    input_sign : {"random", "positive"}, default=None
        Sign of the input weights, synapse by synapse.
    input_refractory : float or False, default=None
        Inputs are neurons that every event fires one step later, blocked for so many ms after a spike (events that come
        then wait for its end, as one); False: events are spikes at once.
    dt : float, default=None
        Time step in ms.
    encoder : encoder, default=None
        Turns numbers into spikes (:mod:`reservoirs.encoding`). None: numbers are currents, events are spikes already.
    duration : float, default=None
        How long events are shown in ms, whatever comes later; None: to the end of each recording.
    row_duration : float, default=1.0
        How long a row of numbers that are currents lasts, in ms."""

FEATURE_PARAMETERS = """features : str or tuple of str, default="counts"
        What is read of each neuron, one after another:

        - "counts": number of spikes, in each of `n_bins` parts of the time;
        - "traces": exponentially filtered spikes, at each of `sample_times`;
        - "potentials": membrane potential, at each of `sample_times`;
        - "latency": time of the first spike as a share of the duration, 1 where there is none;
        - "intervals": mean and coefficient of variation of the intervals between spikes, the mean as a share of the
          duration; 1 and 0 where there are too few.
    n_bins : int, default=1
        Number of equal parts of the time in which spikes are counted.
    sample_times : int or array-like of float, default=1
        When traces and potentials are read: at so many equally spaced times, the last at the end; or at these times in
        ms.
    tau_trace : float, default=30.0
        Time constant of the traces in ms.
    normalize : {"l1"} or None, default=None
        "l1" divides the counts of a sample by their sum (by 1 if it is silent)."""

RUNNING_PARAMETERS = """weight_dtype : {"int8"} or None, default=None
        "int8" stores weights in 8 bits times one factor a neuron: less memory to read, errors of up to 0.4 % of a
        neuron's largest weight. Not with short-term plasticity.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the liquid and of the features.
    n_jobs : int or None, default=-1
        Threads, over samples: they never change a result. -1 means all processors, None one.
    random_state : int, RandomState instance or None, default=None
        Draws the liquid, and the encoder's randomness if the encoder has none of its own.
    verbose : bool, default=False
        Whether to show progress."""

C = TypeVar("C", bound=type)


def fill_parameters(cls: C) -> C:
    """Put the shared parameters into a class's docstring."""
    for name, text in (
        ("liquid", LIQUID_PARAMETERS),
        ("features", FEATURE_PARAMETERS),
        ("running", RUNNING_PARAMETERS),
    ):
        cls.__doc__ = (cls.__doc__ or "").replace(f"%({name})s", text)
    return cls


class BaseLiquid(Estimator):
    """Draws a liquid and presents samples to it.

    Subclasses store the parameters above. Learned: W_, W_in_, excitatory_, delay_, positions_, encoder_.
    """

    preset: Any
    topology: Any
    neuron: Any
    synapse: Any
    weight: Any
    weight_sign: Any
    balance: Any
    frac_exc: Any
    delay: Any
    short_term: Any
    plasticity: Any
    input_topology: Any
    input_density: Any
    input_weight: Any
    input_sign: Any
    input_refractory: Any
    dt: Any
    encoder: Any
    duration: Any
    row_duration: Any
    features: Any
    n_bins: Any
    sample_times: Any
    tau_trace: Any
    normalize: Any
    weight_dtype: Any
    n_jobs: Any
    random_state: Any
    verbose: Any

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if isinstance(self.encoder, Encoder):
            tags.input_tags.positive_only = get_tags(self.encoder).input_tags.positive_only
        return tags

    def _input_dtype(self) -> Any:
        try:
            dtype = super()._input_dtype()
        except ValueError:
            dtype = None
        if not isinstance(dtype, np.dtype):
            raise ValueError(f"dtype={self.dtype!r} must be 'float32' or 'float64'")
        return dtype

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _begin(self, X: Any) -> Stimulus:
        """Check the parameters and the training input, learn its width and the encoder; return what to show."""
        rng = check_random_state(self.random_state)
        self._seed_ = int(rng.randint(2**64, dtype=np.uint64))
        self._dt_ = check_real("dt", self._value("dt"), 0.0, least_included=False)
        if self.encoder is not None:
            if not isinstance(self.encoder, Encoder):
                raise ValueError(f"encoder={self.encoder!r} must be None or an encoder such as RateEncoder()")
            self.encoder_ = clone(self.encoder)
            if getattr(self.encoder_, "random_state", 0) is None:
                self.encoder_.set_params(random_state=int(rng.randint(2**31)))
        as_list(self._learning)
        self._features()
        return self._check(X, reset=True)

    def _check(self, X: Any, *, reset: bool) -> Stimulus:
        """Check input and return what to show of it."""
        encoder = getattr(self, "encoder_", None)  # not the parameter, which may have been set since
        if _are_events(X):
            if encoder is not None:
                raise ValueError(f"X holds Events, but encoder={encoder!r} takes numbers: events need encoder=None")
            return self._given(self._checked_events(X, reset))
        if encoder is None:
            sequences = self._sequences(X, self._input_dtype() if reset else self.W_.dtype, reset)
            if reset:
                self._n_inputs_ = sequences.n_features
            return Currents(sequences, self._steps("row_duration", self.row_duration))
        if isinstance(encoder, StaticEncoder):
            return self._encoded(X, reset)
        sequences = self._sequences(X, np.float64, reset)
        return self._encoded(list(sequences), reset, sequences)

    @property
    def _rows_are_series(self) -> bool:
        """Whether a 2-D X holds a series a row, or is one sequence."""
        return True

    def _sequences(self, X: Any, dtype: Any, reset: bool) -> Sequences:
        return check_sequences(self, X, dtype=dtype, reset=reset, rows_are_series=self._rows_are_series)

    def _encoded(self, X: Any, reset: bool, sequences: Sequences | None = None) -> Stimulus:
        if reset:
            self.encoder_.fit(X)
            self._n_inputs_ = self.encoder_.n_channels_
            if sequences is None:
                self._take_names()
        if isinstance(self.encoder_, RateEncoder):
            self._check_rate_step()
            return Rates(self.encoder_.probabilities(X), self.encoder_.seed_, self.encoder_.n_steps_)
        return self._given(self.encoder_.transform(X), sequences)

    def _take_names(self) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.encoder_, name):
                setattr(self, name, getattr(self.encoder_, name))

    def _check_rate_step(self) -> None:
        if self.encoder_.dt != self._dt_:
            raise ValueError(
                f"encoder has dt={self.encoder_.dt!r}, but the liquid has dt={self._dt_!r}: they must be equal"
            )

    def _checked_events(self, X: Any, reset: bool) -> list[Events]:
        events = [X] if isinstance(X, Events) else list(X)
        for i, each in enumerate(events):
            if not isinstance(each, Events):
                raise ValueError(f"X[{i}] is a {type(each).__name__}, but others are Events: all must be")
        if reset:
            self.n_features_in_ = self._n_inputs_ = self._width_ = events[0].n_channels
        for i, each in enumerate(events):
            if each.n_channels != self._n_inputs_:
                raise ValueError(
                    f"X[{i}] has {each.n_channels} channels, but {type(self).__name__} is expecting {self._n_inputs_}"
                )
        return events

    def _given(self, events: list[Events], rows: Sequences | None = None) -> Given:
        dt = self._dt_
        if self.duration is not None:
            lengths = [self._steps("duration", self.duration)] * len(events)
        else:
            # Rounded first: 0.3 ms are three steps of 0.1 ms.
            lengths = [max(1, int(np.ceil(np.round(each.duration / (1000 * dt), 6)))) for each in events]
        return Given(events, dt, np.array(lengths), rows, 0 if rows is None else self._steps_per_row())

    def _steps_per_row(self) -> int:
        """Return the steps of a row that is encoded, 0 if they are not whole."""
        steps = float(np.round(self.encoder_.row_duration / self._dt_, 6))
        return int(steps) if steps.is_integer() else 0

    # -- the liquid ---------------------------------------------------------------------------------------------------

    def _value(self, name: str) -> Any:
        """Return a parameter, or the preset's value where it is None; None where it is False for nothing."""
        value = getattr(self, name)
        if value is None and name in ("weight", "input_weight"):
            value = next((w for w in (rule.first_weight() for rule in as_list(self._learning)) if w is not None), None)
        if value is None:
            value = PRESETS[check_choice("preset", self.preset, tuple(PRESETS))][name]
        return None if value is False and name in ("short_term", "input_topology", "input_refractory") else value

    @property
    def _learning(self) -> Any:
        """The rules that are asked for."""
        if not isinstance(self.plasticity, str) or self.plasticity != "preset":
            return self.plasticity
        rule = PRESETS[check_choice("preset", self.preset, tuple(PRESETS))]["plasticity"]
        if rule is None:
            raise ValueError(f"plasticity='preset', but preset={self.preset!r} has no plasticity")
        return rule

    def _part(self, name: str, kind: type, wanted: str) -> Any:
        """Return a part of the liquid."""
        part = self._value(name)
        if not isinstance(part, kind):
            raise ValueError(f"{name}={part!r} must be {wanted}")
        return part

    def _graph(self) -> Any:
        graph = self._value("topology")
        if not hasattr(type(graph), "edges"):
            raise ValueError(f"topology={graph!r} must be a graph such as Column((10, 10, 10))")
        return graph

    def _steps(self, name: str, milliseconds: Any, least: int = 1, most: float = np.inf) -> int:
        steps = round(check_real(name, milliseconds, 0.0, most * self._dt_) / self._dt_)
        if steps < least:
            raise ValueError(f"{name}={milliseconds!r} is less than {least} step of dt={self._dt_} ms")
        return steps

    def _draw(self, stimulus: Stimulus) -> None:
        """Check the parameters of the liquid, draw it and compile it; let it learn from what it is shown."""
        dtype = self._input_dtype()
        dt = self._dt_
        n_threads(self.n_jobs)
        # A stream for each kind of value: one more input does not change the recurrent weights.
        streams = dict(zip(_STREAMS, np.random.default_rng(self._seed_).spawn(len(_STREAMS)), strict=True))
        graph = self._graph()
        n_units = graph.n_units
        self.excitatory_, n_exc = self._excitatory(graph, n_units)
        if hasattr(graph, "layout"):
            self.positions_ = graph.layout(deepcopy(streams["graph"]))
        start, targets = graph.edges(n_exc, streams["graph"])
        source, target = self.excitatory_.repeat(np.diff(start)), self.excitatory_[targets]
        weights = self._recurrent_weights(graph, source, target, streams["weight"], dtype)
        self.W_ = _columns(weights, targets, start, n_units)
        self.delay_ = self._delays(source, target, streams["delay"], dt)
        self.W_in_ = self._input_synapses(stimulus, n_units, streams["input"], dtype)
        neuron = self._part("neuron", Neuron, "a model of neurons such as LIF()")
        self._neurons_ = neuron.compile(n_units, n_exc, dt, streams["neuron"], excitatory=self.excitatory_)
        synapse = self._part("synapse", Synapse, "a model of synapses such as ExponentialSynapse()")
        self._synapses_ = synapse.compile(n_units, dt, streams["synapse"])
        if self.balance is not None:
            self._balance(check_real("balance", self.balance, most=1.0))
        self._short_term_ = None
        if self._value("short_term") is not None:
            short_term = self._part("short_term", TsodyksMarkram, "TsodyksMarkram(...), False or None")
            self._short_term_ = short_term.compile(source, target, dt, streams["short_term"])
        self._check_combination()
        blocked = self._value("input_refractory")
        steps = -1 if blocked is None else self._steps("input_refractory", blocked, 0, _LONGEST_REFRACTORY)
        # Kept for copies, as parameters may be set after the fit.
        self._options_ = {"input_refractory": steps, "narrow": self.weight_dtype is not None}
        self._compile()
        if self._learning is not None:
            self.plasticity_ = clone(self._learning)
            self._learn_weights(stimulus, streams["plasticity"])

    def _learn_weights(self, stimulus: Stimulus, rng: np.random.Generator) -> None:
        n_snapshots, duration = snapshots_of(as_list(self.plasticity_))
        n_steps = self._steps("snapshot_duration", duration)
        presenter = self._presenter(self._rules(fading=False))
        if n_snapshots == 0:
            return
        W, W_in, raised = presenter.learned(stimulus, n_snapshots, n_steps, rng)
        self.W_.data[:], self.W_in_.data[:] = W, W_in
        if raised.size:
            self._neurons_ = self._neurons_.raised(raised)
        self._compile()

    def _rules(self, *, fading: bool) -> list[Any]:
        """Return the compiled rules: all of them, or (`fading`) those that act within samples."""
        site = Site(
            self.excitatory_,
            getattr(self, "positions_", None),
            self._n_inputs_,
            self._neurons_.model,
            self._dt_,
            self.W_.dtype,
            fading=fading,
        )
        return [
            rule.compile(replace(site, rng=np.random.default_rng([self._seed_, _SENSING, i])))
            for i, rule in enumerate(as_list(getattr(self, "plasticity_", None)))
            if rule.in_samples or not fading
        ]

    def _check_combination(self) -> None:
        if self.weight_dtype is not None:
            check_choice("weight_dtype", self.weight_dtype, ("int8",))
            if self._short_term_ is not None:
                raise ValueError(f"weight_dtype={self.weight_dtype!r} needs short_term=False")
        if self._short_term_ is not None and self._synapses_.nearest:
            raise ValueError("short-term plasticity needs synapses with kernel='additive', or short_term=False")
        if self._learning is not None:
            if self._short_term_ is not None or self.weight_dtype is not None:
                raise ValueError("plasticity needs short_term=False and weight_dtype=None")
            if self._value("weight_sign") != "dale":
                raise ValueError(f"plasticity needs weight_sign='dale', not {self._value('weight_sign')!r}")

    def _excitatory(self, graph: Any, n_units: int) -> tuple[np.ndarray, int]:
        if isinstance(graph, Connectome):
            excitatory = np.asarray(graph.excitatory)
        else:
            n_exc = round(check_real("frac_exc", self._value("frac_exc"), 0.0, 1.0) * n_units)
            excitatory = np.arange(n_units) < n_exc
        return excitatory, int(np.count_nonzero(excitatory))

    def _recurrent_weights(
        self, graph: Any, source: np.ndarray, target: np.ndarray, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> np.ndarray:
        if isinstance(graph, Connectome):
            return np.asarray(graph.weights, dtype)
        weights = per_synapse("weight", self._value("weight"), source, target, rng, NOT_NEGATIVE).astype(dtype)
        if check_choice("weight_sign", self._value("weight_sign"), ("dale", "random")) == "dale":
            np.negative(weights, out=weights, where=~source)
        else:
            weights *= rng.choice(np.array([-1, 1], dtype), len(weights))
        return weights

    def _balance(self, balance: float) -> None:
        """Scale the negative weights onto each neuron to what its positive ones carry."""
        W, charge = self.W_, self._synapses_.charge
        channel = np.where(self.excitatory_, 0, len(charge) - 1).repeat(np.diff(W.indptr))
        carried = W.data * charge[channel, W.indices]
        exc, inh = (np.bincount(W.indices, np.maximum(sign * carried, 0), len(self.excitatory_)) for sign in (1, -1))
        factor = np.divide((1 - balance) * exc, inh, out=np.ones_like(exc), where=(exc > 0) & (inh > 0))
        W.data *= np.where(W.data < 0, factor[W.indices], 1).astype(W.dtype)

    def _delays(self, source: np.ndarray, target: np.ndarray, rng: np.random.Generator, dt: float) -> Any:
        """Return the delays in ms, one number if all are equal."""
        value, bounds = self._value("delay"), Bounds(0.0, _LONGEST_DELAY * dt, least_included=False)
        if isinstance(value, Real):
            return max(1, round(check_real("delay", value, *bounds[:2], least_included=False) / dt)) * dt
        return np.maximum(to_steps(per_synapse("delay", value, source, target, rng, bounds), dt), 1) * dt

    def _input_synapses(
        self, stimulus: Stimulus, n_units: int, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> sparse.csc_array:
        if self._value("input_topology") is not None:
            return self._wired(stimulus, n_units, rng, dtype)
        n_inputs = self._n_inputs_
        density = check_real("input_density", self._value("input_density"), 0.0, 1.0, least_included=False)
        of_pairs, of_sizes, of_signs = rng.spawn(3)
        # At least one, or the liquid hears nothing; the small excess keeps 0.15 * 20 from being 2.
        n = max(1, int(density * n_inputs * n_units + 1e-9))
        pairs = np.sort(of_pairs.choice(n_inputs * n_units, n, replace=False, shuffle=False))
        inputs, units = np.divmod(pairs, n_units)
        sizes = per_neuron("input_weight", self._value("input_weight"), self.excitatory_[units], of_sizes, NOT_NEGATIVE)
        if check_choice("input_sign", self._value("input_sign"), ("random", "positive")) == "random":
            sizes *= of_signs.choice([-1.0, 1.0], n)
        start = np.concatenate([[0], np.cumsum(np.bincount(inputs, minlength=n_inputs))])
        return _columns(sizes.astype(dtype), units.astype(np.int32), start, n_units)

    def _wired(
        self, stimulus: Stimulus, n_units: int, rng: np.random.Generator, dtype: np.dtype[Any]
    ) -> sparse.csc_array:
        wiring = self._value("input_topology")
        if not hasattr(type(wiring), "synapses"):
            raise ValueError(f"input_topology={wiring!r} must be False or a wiring such as ReceptiveFields((28, 28))")
        of_samples, of_sizes, of_wiring = rng.spawn(3)
        n_samples = len(stimulus.lengths)
        samples = of_samples.permutation(n_samples)[:n_units]
        W_in = wiring.synapses(stimulus.drive(samples, self._n_inputs_), n_units, of_wiring)
        sizes = per_neuron("input_weight", self._value("input_weight"), self.excitatory_, of_sizes, NOT_NEGATIVE)
        return _columns((W_in.data * sizes[W_in.indices]).astype(dtype), W_in.indices, W_in.indptr, n_units)

    def _compile(self) -> None:
        dtype = self.W_.dtype
        dt = self._dt_

        def plain(values: Any) -> Any:
            return None if values is None else np.ascontiguousarray(values, dtype)

        neurons, synapses, short_term = self._neurons_, self._synapses_, self._short_term_
        delays = None
        if np.ndim(self.delay_) or round(self.delay_ / dt) > 1:
            delays = np.rint(np.broadcast_to(self.delay_, self.W_.nnz) / dt).astype(np.int32)
        build = _core.Liquid32 if dtype == np.float32 else _core.Liquid64
        self._network_ = build(
            neuron=neurons.model,
            parameters=plain(neurons.parameters),
            v_init=plain(neurons.v_init),
            u_init=plain(neurons.u_init),
            soft_reset=neurons.soft_reset,
            hold=neurons.hold,
            adaptive=neurons.adaptive,
            synapse=synapses.kind,
            decay=plain(synapses.decay),
            rise=plain(synapses.rise),
            norm=plain(synapses.norm),
            nearest=synapses.nearest,
            start=self.W_.indptr.astype(np.int64),
            targets=self.W_.indices.astype(np.int32, copy=False),
            weights=plain(self.W_.data),
            delays=delays,
            source_channel=np.where(self.excitatory_, 0, synapses.n_channels - 1).astype(np.uint8),
            utilisation=None if short_term is None else plain(short_term.utilisation),
            depression=None if short_term is None else plain(short_term.depression),
            facilitation=None if short_term is None else plain(short_term.facilitation),
            input_start=self.W_in_.indptr.astype(np.int64),
            input_targets=self.W_in_.indices.astype(np.int32, copy=False),
            input_weights=plain(self.W_in_.data),
            **self._options_,
        )

    def _memory(self, *, by_row: bool) -> tuple[Any, RowByRow]:
        """Return what runs the liquid a row at a time in the compiled core, and what turns rows into spikes for it."""
        if self._rules(fading=True):
            raise ValueError(
                f"plasticity={self.plasticity_!r} acts while samples are shown, and a stream's weights stay as they are"
            )
        encoder, width = getattr(self, "encoder_", None), self._n_inputs_
        if encoder is not None:
            # Rows come without the names of their features.
            encoder = encoder._fresh(learned=True)
            encoder.__dict__.pop("feature_names_in_", None)
            width = getattr(encoder, "_width_", encoder.n_features_in_)
        rows = RowByRow(encoder, self._steps_of_streamed_row(encoder, by_row), self._dt_, self._n_inputs_)
        rows.begin()
        build = _core.LiquidMemory32 if self.W_.dtype == np.float32 else _core.LiquidMemory64
        reading = self._features().of_stream(by_row=by_row)
        return build(self._network_, width, 0 if rows.encodes else rows.steps_per_row, **reading), rows

    def _steps_of_streamed_row(self, encoder: Any, by_row: bool) -> int:
        if encoder is None:
            return self._steps("row_duration", self.row_duration)
        if isinstance(encoder, StaticEncoder):
            if by_row:
                raise ValueError(f"encoder={encoder!r} has a row a sample: time steps need sequences of numbers")
            if isinstance(encoder, RateEncoder):
                self._check_rate_step()
                return encoder.n_steps_
            milliseconds = encoder.duration if self.duration is None else self.duration
            return max(1, int(np.ceil(np.round(milliseconds / self._dt_, 6))))
        steps = self._steps_per_row()
        if steps < 1 or check_microseconds("dt", self._dt_) < 1:
            raise ValueError(
                f"row_duration={encoder.row_duration} ms of the encoder is no multiple of dt={self._dt_} ms, as a "
                "stream needs"
            )
        return steps

    def _features(self) -> Features:
        return Features.checked(self, self._dt_)

    def _presenter(self, rules: list[Any] | None = None) -> Presenter:
        learning = {"rules": rules, "excitatory": self.excitatory_.tolist()} if rules else {}
        return Presenter(self._network_, self.W_.dtype, n_threads(self.n_jobs), bool(self.verbose), learning)

    def _reader(self) -> Presenter:
        """Return what shows samples for their features: with the rules that act in them."""
        return self._presenter(self._rules(fading=True))


def _are_events(X: Any) -> bool:
    """Tell whether any of X are events."""
    is_list = isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)
    return isinstance(X, Events) or (is_list and any(isinstance(each, Events) for each in X))


def _columns(values: np.ndarray, rows: np.ndarray, start: np.ndarray, n_rows: int) -> sparse.csc_array:
    """Return a matrix of which a column begins at each of `start`, with indices of 32 bits if these are enough."""
    if start[-1] <= np.iinfo(np.int32).max:
        start = start.astype(np.int32)
    return sparse.csc_array((values, rows, start), shape=(n_rows, len(start) - 1))


# Beside the streams of the seed.
_SENSING = 1
_STREAMS = ("graph", "weight", "delay", "input", "neuron", "synapse", "short_term", "plasticity")
