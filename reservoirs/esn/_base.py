"""What every echo-state estimator shares: its parameters, how weights are drawn, how inputs become features."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from .. import topology as _topology
from .._estimator import Estimator
from .._params import check_choice, check_count, check_real, check_reals, n_threads
from ..adaptation._base import run_rules
from ..sequences import Sequences
from ..topology import CycleWithJumps, EITopology, Wave
from ..topology._transform import TransformWeights
from ._harvest import Harvester, Noise, make_network
from ._late import spread_over_time, whole_steps
from ._narrow import rounded
from .dynamics import Dynamics, check_dynamics

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
FEATURES = ("states", "states+input", "states+squares", "states+input+squares")
TOPOLOGIES = ("random", "blocked", "hadamard", "circulant", "cycle", "delay_line")
# From this share of nonzeros on, reading every column in order beats looking columns up. By bytes of a number: measured
# on Zen 5 at N = 300, 1000 and 3000, the two are level at .13, .25 and .31 in float32, at .28, .40 and .53 in float64.
_DENSE_FROM = {4: 0.25, 8: 0.4}
# States at the end of two runs that have become equal differ by a few units in the last place: rounding goes on.
_ROUNDING = 64

RESERVOIR_PARAMETERS = """n_units : int, default={n_units}
        Number of units of each layer.
    spectral_radius : float or None, default={spectral_radius}
        Largest absolute eigenvalue the recurrent weights are scaled to, whatever the topology; the weight of every link
        of a cycle, delay line or wave. None leaves the weights as they are drawn or given.
    leak_rate : float or array of shape (n_units,), default={leak_rate}
        Share a of the state that is renewed each step, in (0, 1].
    input_scaling : float or array of shape (n_features,), default={input_scaling}
        Input weights are uniform in +-input_scaling (of exactly that size for a cycle or delay line).
    bias_scaling : float, default={bias_scaling}
        Biases are uniform in +-bias_scaling.
    connectivity : int or float, default=10
        Incoming recurrent links of every unit: an int is their number, a float in (0, 1] their share of all units.
    topology : {{"random", "blocked", "hadamard", "circulant", "cycle", "delay_line"}} or object, default="random"
        Who is linked with whom: a fixed number of uniformly random links with weights uniform in +-1; such links in
        strips, which single sequences run through faster (:func:`~reservoirs.topology.blocked_weights`); all with all,
        by the fast Hadamard transform, or circulant blocks, by Fourier transforms, for huge networks, faster still
        (:func:`~reservoirs.topology.hadamard_weights`, :func:`~reservoirs.topology.circulant_weights`: one layer,
        without delays, `adaptation` and `weight_dtype`); the simple cycle and delay line of Rodan and Tino (2011); a
        CycleWithJumps, Wave or EITopology of :mod:`reservoirs.topology`; or the recurrent weights themselves, an array
        of shape (n_units, n_units), dense or sparse, entry (i, j) from j to i, HadamardWeights or CirculantWeights.
    activation : {{"tanh", "relu", "sigmoid", "identity"}}, default="tanh"
        The function f.
    dynamics : {{"leaky", "es2n", "euler", "voltage"}} or an object of these, default="leaky"
        The state equation: that above, or that of :class:`~reservoirs.esn.ES2N`, :class:`~reservoirs.esn.Euler`,
        :class:`~reservoirs.esn.Voltage` or :class:`~reservoirs.esn.ContractingModules`, where `leak_rate` has the
        meaning they tell.
    recurrent_delay : int, array of shape (n_links,) or frozen scipy.stats distribution, default=1
        Steps after which a state arrives, at least 1: of all recurrent links, of each (row by row of W_, columns
        ascending), or drawn for each and rounded. The network then remembers that many steps.
    input_delay : int, array of shape (n_units * n_features,) or frozen scipy.stats distribution, default=0
        Steps after which an input arrives, at least 0: of all input links, of each (row by row of W_in_), or drawn for
        each and rounded. Outputs that are fed back are not delayed.
    multiplicative_scaling : float, default=0.0
        Weights W_mul of the input on what units send are uniform in +-multiplicative_scaling: W x(t-1) becomes
        W ((1 + W_mul u(t)) * x(t-1)), a product for each unit. States can then hold products of inputs whatever the
        activation.
    adaptation : Adaptation, list of Adaptation or None, default=None
        Rules of :mod:`reservoirs.adaptation` that change the drawn network in the fit, in this order, before the
        readout is fitted: they see the training input (and outputs that are fed back) and no targets."""

RUNNING_PARAMETERS = """state_noise : float, default=0.0
        Standard deviation of Gaussian noise added to the states in fits (fit, fit_transform and partial_fit), never
        in predictions: it makes closed loops more robust.
    features : {{"states", "states+input", "states+squares", "states+input+squares"}}, default={features!r}
        What the readout sees of each time step.
    n_layers : int, default=1
        Layers of a deep network (Gallicchio, Micheli and Pedrelli 2017): each unit reads the present states of
        `connectivity` random units of the layer below; the features hold the states of all layers.
    weight_dtype : {{"bfloat16", "int8"}} or None, default=None
        Rounds the recurrent weights, and stores them in 16 bits, or in 8 times a scale for each unit: single sequences,
        streams and closed loops of large networks, dense or "blocked", then run several times as fast, for less memory
        is read. `W_` holds the rounded weights, all else is as with given weights.
    dtype : {{None, "float32", "float64"}} or numpy dtype, default=None
        Precision of the network. None follows the training input: float32 for float32, float64 otherwise.
    n_jobs : int or None, default=-1
        Threads, over sequences, or over the units of a single one whose steps are large: they never change a result.
        -1 means all processors, None one, which is faster for a single sequence while other processes keep all busy.
    random_state : int, RandomState instance or None, default=None
        Draws the weights and the noise: the same int gives the same bits on every machine."""

TIME_PARALLEL = """time_parallel : {{"auto", False}} or float, default={time_parallel!r}
        Whether {pieces_run} cut into pieces that run side by side, each after a run-up over the end of the
        piece before it: several times as fast, on one thread too. The states agree with those of whole sequences to
        this tolerance, in parts of the largest state; "auto" means to rounding, 64 units in the last place of `dtype`.
        That is measured for every piece: where a network does not forget in a run-up, nothing is cut. How sequences are
        cut never depends on threads."""

E = TypeVar("E", bound=type)


def fill_parameters(**defaults: Any) -> Callable[[E], E]:
    """Put the shared parameters, with the class's own defaults, into its docstring."""

    def fill(cls: E) -> E:
        doc = cls.__doc__ or ""
        doc = doc.replace("%(reservoir)s", RESERVOIR_PARAMETERS.format(**defaults))
        doc = doc.replace("%(running)s", RUNNING_PARAMETERS.format(**defaults))
        if "time_parallel" in defaults:
            doc = doc.replace("%(time_parallel)s", TIME_PARALLEL.format(**defaults))
        cls.__doc__ = doc
        return cls

    return fill


class BaseESN(Estimator):
    """Draws an echo-state network and runs sequences through it.

    Subclasses store the parameters named in this class's methods; learned attributes are W_, W_in_, bias_, leak_rate_,
    washout_, with feedback W_fb_, with adaptation adaptation_, and with dynamics that mix states mixing_.
    """

    # Set by subclasses' __init__.
    n_units: Any
    spectral_radius: Any
    leak_rate: Any
    input_scaling: Any
    bias_scaling: Any
    connectivity: Any
    topology: Any
    activation: Any
    dynamics: Any
    recurrent_delay: Any
    input_delay: Any
    multiplicative_scaling: Any
    adaptation: Any
    state_noise: Any
    features: Any
    n_layers: Any
    washout: Any
    weight_dtype: Any
    n_jobs: Any
    random_state: Any

    @property
    def W_exc_(self) -> Any:
        """Excitatory weights: the positive part of W_, which is W_exc_ - W_inh_."""
        return self.W_.maximum(0) if sparse.issparse(self.W_) else np.maximum(np.asarray(self.W_), 0)

    @property
    def W_inh_(self) -> Any:
        """Inhibitory weights, none of them negative: the negative part of W_."""
        return (-self.W_).maximum(0) if sparse.issparse(self.W_) else np.maximum(-np.asarray(self.W_), 0)

    def _draw(self, n_inputs: int, n_feedback: int, dtype: np.dtype, feedback_scaling: Any = 0.0) -> None:
        """Check the parameters, draw the weights and compile the network; set the learned attributes at the end."""
        n_layers = check_count("n_layers", self.n_layers)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("features", self.features, FEATURES)
        dynamics = check_dynamics(self.dynamics)
        check_real("state_noise", self.state_noise, 0.0)
        n_threads(self.n_jobs)
        self._tolerance(dtype)
        given = None
        if isinstance(self.topology, EITopology):
            self._check_parts_of_ei()
        elif isinstance(self.topology, CycleWithJumps | Wave):
            pass
        elif isinstance(self.topology, str):
            check_choice("topology", self.topology, TOPOLOGIES)
            if self.topology in ("hadamard", "circulant"):
                self._check_parts_of_transform(dynamics)
        else:
            given = _check_given(self.topology)
            if isinstance(given, TransformWeights):
                self._check_parts_of_transform(dynamics)
        n_units = check_count("n_units", self.n_units) if given is None else given.shape[0]
        bias_scaling = check_real("bias_scaling", self.bias_scaling, 0.0)
        input_scaling = check_reals("input_scaling", self.input_scaling, n_inputs)
        leak_rate = check_reals("leak_rate", self.leak_rate, n_units, 0.0, 1.0, least_included=False)
        multiplicative_scaling = check_real("multiplicative_scaling", self.multiplicative_scaling, 0.0)
        self._check_late_and_multiplicative(dynamics)

        seed = check_random_state(self.random_state).randint(2**32, size=2, dtype=np.uint64)
        key = int(seed[0]) << 32 | int(seed[1])
        # A stream for each kind of weight: one more input does not change the recurrent weights.
        of = _streams(key)
        layers = [self._recurrent(n_units, given, dynamics, of.recurrent) for _ in range(n_layers)]
        mixing = [dynamics._mixing(W, leak_rate, of.mixing) for W in layers]
        W = layers[0] if n_layers == 1 else self._stack(layers, n_units, of.layers)
        one_size = isinstance(self.topology, CycleWithJumps) or (
            isinstance(self.topology, str) and self.topology in ("cycle", "delay_line")
        )
        if one_size:
            W_in = _topology.aperiodic_signs((n_units, n_inputs)) * input_scaling
        else:
            W_in = of.input.uniform(-1, 1, (n_units, n_inputs)) * input_scaling
        bias = of.bias.uniform(-1, 1, n_units * n_layers) * bias_scaling
        W_fb = of.feedback.uniform(-1, 1, (n_units, n_feedback)) * feedback_scaling
        if isinstance(self.topology, EITopology | Wave):
            gains = self.topology.input_gains(n_units, of.input)
            W_in, W_fb = W_in * gains[:, None], W_fb * gains[:, None]
        if isinstance(self.topology, EITopology):
            bias = self.topology.biases(n_units, of.bias) * dynamics._rest(leak_rate)
        self.W_ = rounded(W, self.weight_dtype).astype(dtype)
        if mixing[0] is not None:
            self.mixing_ = _diagonal(mixing).astype(dtype)
        self.W_in_ = W_in.astype(dtype)
        if n_feedback:
            self.W_fb_ = W_fb.astype(dtype)
        self.bias_ = bias.astype(dtype)
        self.leak_rate_ = np.tile(leak_rate, n_layers).astype(dtype)
        if self._is_late:
            self._draw_delays(of.delays)
        if multiplicative_scaling:
            self.W_mul_ = (of.multiplicative.uniform(-1, 1, (n_units, n_inputs)) * multiplicative_scaling).astype(dtype)
        self._noise_seed_ = key
        self._compile()

    def _adapt(self, inputs: Sequences) -> None:
        """Let the rules change the drawn network while the training input runs through it."""
        if self.adaptation is not None:
            rng = _streams(self._noise_seed_).adaptation
            self.adaptation_ = run_rules(self.adaptation, self, inputs, rng)

    def _compile(self) -> None:
        self._network_ = self._compiled(_in_fastest_format(self.W_))

    def _compiled(self, W: Any) -> Any:
        """Return the network in the core's form, with these recurrent weights."""
        n_units = len(self.W_in_)
        dynamics = check_dynamics(self.dynamics)
        W, W_in, n_remembered, gates = self._over_time(W)
        linear = dynamics._linear(getattr(self, "mixing_", None), self.leak_rate_)
        return make_network(
            W,
            W_in,
            self.bias_,
            dynamics._gain(self.leak_rate_),
            dynamics._keep(self.leak_rate_),
            self._activation,
            [n_units] * (len(self.bias_) // n_units),
            mixing=None if linear is None else _in_fastest_format(linear),
            potentials=dynamics._potentials,
            n_remembered=n_remembered,
            gates=gates,
        )

    def _over_time(self, W: Any) -> tuple[Any, np.ndarray, int, np.ndarray | None]:
        """Return weights of all that is remembered, weights of the present input, remembered steps, and gates."""
        W_in = np.hstack([self.W_in_, getattr(self, "W_fb_", self.W_in_[:, :0])])
        if hasattr(self, "recurrent_delay_"):
            return *spread_over_time(W, W_in, self.recurrent_delay_, self.input_delay_), None
        if not hasattr(self, "W_mul_"):
            return W, W_in, 0, None
        gates = np.zeros_like(W_in)
        gates[:, : self.W_mul_.shape[1]] = self.W_mul_
        return W, W_in, 0, gates

    @property
    def _is_plain(self) -> bool:
        """Whether, once drawn, no link is late and no input multiplies."""
        return not (hasattr(self, "recurrent_delay_") or hasattr(self, "W_mul_"))

    @property
    def _is_late(self) -> bool:
        """Whether any link is asked to be slower than it must be."""
        return not (
            np.ndim(self.recurrent_delay) == np.ndim(self.input_delay) == 0
            and self.recurrent_delay == 1
            and self.input_delay == 0
        )

    def _check_late_and_multiplicative(self, dynamics: Dynamics) -> None:
        """Refuse what cannot be together."""
        if self._is_late and (self.n_layers != 1 or dynamics._potentials):
            raise ValueError(
                f"recurrent_delay={self.recurrent_delay!r} and input_delay={self.input_delay!r} must be 1 and 0 with "
                f"n_layers={self.n_layers!r} and dynamics={self.dynamics!r}: only one layer, of units without "
                "potentials, has delays"
            )
        if self.multiplicative_scaling and (self.n_layers != 1 or self._is_late):
            raise ValueError(
                f"multiplicative_scaling={self.multiplicative_scaling!r} must be 0 with more than one layer, or with "
                "delays"
            )

    def _draw_delays(self, rng: np.random.Generator) -> None:
        self.W_ = sparse.csr_array(self.W_)
        recurrent = whole_steps("recurrent_delay", self.recurrent_delay, self.W_.nnz, rng, 1)
        self.recurrent_delay_ = sparse.csr_array((recurrent, self.W_.indices, self.W_.indptr), shape=self.W_.shape)
        steps = whole_steps("input_delay", self.input_delay, self.W_in_.size, rng, 0)
        self.input_delay_ = steps.reshape(self.W_in_.shape)

    def _recurrent(self, n_units: int, given: Any, dynamics: Dynamics, rng: np.random.Generator) -> Any:
        topology, radius = self.topology, self.spectral_radius
        if radius is not None:
            radius = check_real("spectral_radius", radius, 0.0)
        if given is not None:
            return dynamics._recurrent(n_units, lambda _: given, radius, given=True)
        if isinstance(topology, EITopology):
            return dynamics._recurrent(n_units, lambda n: topology.weights(n, rng), None, given=True)
        if isinstance(topology, CycleWithJumps):
            return dynamics._recurrent(n_units, lambda n: topology.weights(n, rng), radius)
        if topology == "random":
            return dynamics._recurrent(
                n_units, lambda n: _topology.random_weights(n, n, self.connectivity, rng), radius
            )
        if topology == "blocked":
            return dynamics._recurrent(n_units, lambda n: _topology.blocked_weights(n, self.connectivity, rng), radius)
        if topology == "hadamard":
            return dynamics._recurrent(n_units, lambda n: _topology.hadamard_weights(n, rng), radius)
        if topology == "circulant":
            return dynamics._recurrent(n_units, lambda n: _topology.circulant_weights(n, rng), radius)
        if radius == 0:
            raise ValueError(
                f"spectral_radius={self.spectral_radius!r} must be positive for topology={topology!r}, where it is the "
                "weight of every link"
            )
        weight = 1.0 if radius is None else radius
        if isinstance(topology, Wave):
            return dynamics._recurrent(n_units, lambda n: weight * topology.weights(n, rng), None)
        build = _topology.cycle if topology == "cycle" else _topology.delay_line
        return dynamics._recurrent(n_units, lambda n: build(n, weight), None)

    @property
    def _activation(self) -> str:
        """The function f: that of `activation`, but for a topology that has its own."""
        return "sigmoid" if isinstance(self.topology, EITopology) else str(self.activation)

    def _check_parts_of_ei(self) -> None:
        """Refuse what would be without effect."""
        if self.n_layers != 1:
            raise ValueError(
                f"n_layers={self.n_layers!r} must be 1 with an EITopology: links between layers know no types"
            )
        defaults = inspect.signature(type(self)).parameters
        idle = {"spectral_radius": None, "bias_scaling": 0, "activation": "sigmoid", "connectivity": ...}
        for name, same in idle.items():
            value = getattr(self, name)
            if value not in (same, defaults[name].default):
                raise ValueError(
                    f"{name}={value!r} has no part with topology={self.topology!r}: leave it at its default, and set "
                    "the parameters of the topology"
                )

    def _check_parts_of_transform(self, dynamics: Dynamics) -> None:
        """Refuse what needs links that can be told apart."""
        alone = {"n_layers": 1, "adaptation": None, "weight_dtype": None}
        wrong = {name: getattr(self, name) for name, value in alone.items() if getattr(self, name) != value}
        if self._is_late:
            wrong |= {"recurrent_delay": self.recurrent_delay, "input_delay": self.input_delay}
        if type(dynamics)._recurrent is not Dynamics._recurrent:
            wrong["dynamics"] = self.dynamics
        if wrong:
            raise ValueError(
                f"{', '.join(f'{name}={value!r}' for name, value in wrong.items())} cannot be had with weights "
                f"that are a transform, topology={self.topology!r}, not links that can be told apart; "
                "topology='blocked' is the fastest that can"
            )

    def _stack(self, layers: list[Any], n_units: int, rng: np.random.Generator) -> Any:
        """One matrix over all units: the layers on the diagonal, what each reads of the layer below beside them."""
        blocks: list[list[Any]] = [[None] * len(layers) for _ in layers]
        for i, layer in enumerate(layers):
            blocks[i][i] = sparse.csr_array(layer)
            if i:
                between = _topology.random_weights(n_units, n_units, self.connectivity, rng)
                # Divided so that a layer drives the next about as strongly as one input of its own size would.
                blocks[i][i - 1] = between / np.sqrt(between.nnz / n_units)
        stacked = sparse.csr_array(sparse.block_array(blocks, format="csr"))
        stacked.sort_indices()
        return stacked

    def _harvester(self) -> Harvester:
        return Harvester(
            self._network_,
            self.W_.dtype,
            with_input="input" in self.features,
            with_squares="squares" in self.features,
            n_threads=n_threads(self.n_jobs),
        )

    def _tolerance(self, dtype: np.dtype[Any]) -> float:
        """Return how far states in pieces may be from those of whole sequences; 0 means that nothing is cut."""
        given = getattr(self, "time_parallel", False)
        if given is False:
            return 0.0
        if isinstance(given, str) and given == "auto":
            return _ROUNDING * float(np.finfo(dtype).eps)
        try:
            return check_real("time_parallel", given, 0.0, 1.0, least_included=False)
        except ValueError as error:
            raise ValueError(f"{error}, 'auto' or False") from None

    def _noise(self) -> Noise:
        return Noise(float(self.state_noise), self._noise_seed_, getattr(self, "_n_sequences_seen_", 0))

    def _check_washout(self, lengths: np.ndarray) -> None:
        """Learn how many steps at the start of each sequence are left out."""
        if isinstance(self.washout, str) and self.washout == "auto":
            self.washout_ = min(100, int(lengths.min()) // 10)
            return
        try:
            self.washout_ = check_count("washout", self.washout, 0)
        except ValueError as error:
            raise ValueError(f"{error}, or 'auto'") from None
        self._leaves_something(lengths)

    def _leaves_something(self, lengths: np.ndarray) -> None:
        if self.washout_ >= lengths.max():
            raise ValueError(
                f"washout={self.washout_} leaves nothing of sequences of at most {lengths.max()} time steps"
            )


class _Streams(NamedTuple):
    """A generator for each kind of random number; a new kind comes last, so that the others stay."""

    recurrent: np.random.Generator
    input: np.random.Generator
    bias: np.random.Generator
    feedback: np.random.Generator
    layers: np.random.Generator
    adaptation: np.random.Generator
    mixing: np.random.Generator
    delays: np.random.Generator
    multiplicative: np.random.Generator


def _streams(key: int) -> _Streams:
    return _Streams(*np.random.default_rng(key).spawn(len(_Streams._fields)))


def _diagonal(blocks: list[Any]) -> Any:
    """Put the matrices of the layers on the diagonal of one."""
    return blocks[0] if len(blocks) == 1 else sparse.csr_array(sparse.block_diag(blocks, format="csr"))


def _check_given(W: Any) -> Any:
    """Return given recurrent weights in float64, as an array, CSR matrix with ascending columns or a transform."""
    if isinstance(W, TransformWeights):
        W = W.astype(np.float64)
        if not np.isfinite(W.numbers).all():
            raise ValueError(f"topology={type(W).__name__} contains NaN or infinite numbers")
        return W
    try:
        W = sparse.csr_array(W, dtype=np.float64) if sparse.issparse(W) else np.asarray(W, dtype=np.float64)
    except (TypeError, ValueError) as error:
        names = ", ".join(map(repr, TOPOLOGIES))
        raise ValueError(f"topology={W!r} is neither a matrix of numbers nor one of {names}") from error
    if W.ndim != 2 or W.shape[0] != W.shape[1] or W.shape[0] == 0:
        raise ValueError(f"topology has shape {W.shape}; a given matrix must be square and not empty")
    if not np.isfinite(W.data if sparse.issparse(W) else W).all():
        raise ValueError("topology contains NaN or infinite weights")
    if sparse.issparse(W):
        W.sum_duplicates()
        W.sort_indices()
    return W


def _in_fastest_format(W: Any) -> Any:
    """Return the weights dense or sparse, whichever steps faster. The bits of the states are the same."""
    if isinstance(W, TransformWeights):
        return W
    n_units = W.shape[0]
    nonzeros = W.nnz if sparse.issparse(W) else np.count_nonzero(W)
    if nonzeros >= _DENSE_FROM[W.dtype.itemsize] * n_units**2:
        return W.toarray() if sparse.issparse(W) else W
    return W if sparse.issparse(W) else sparse.csr_array(W)
