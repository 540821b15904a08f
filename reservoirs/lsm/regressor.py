"""Liquid-state regression: a sample, or each of its time steps, to numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, clone
from sklearn.metrics import r2_score
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from .._params import check_choice
from ..esn._harvest import make_readout
from ..readout import goes_on, solve_ridge, sums_with
from ..sequences import are_many, check_targets
from ..streaming import LiquidStream
from ..streaming.stream import readout_of
from ._base import BaseLiquid, fill_parameters
from ._present import Stimulus
from ._readout import check_readout


@fill_parameters
class LSMRegressor(RegressorMixin, BaseLiquid):  # type: ignore[misc]
    """Liquid-state machine that predicts numbers, for each sample or for each of its time steps.

    Parameters
    ----------
    %(liquid)s
    %(features)s
    target : {"sample", "step"}, default="sample"
        Whether `y` has an entry for each sample, or for each row of each sequence. With "step" the features are read at
        the end of every row (ridge regression keeps none of them, the fit of another readout all), and a 2-D `X` is one
        sequence, whose rows are time steps.
    readout : {"ridge"} or regressor, default="ridge"
        What maps features to outputs.
    alpha : float or sequence of floats, default=None
        Ridge penalty; of several, the one with the least generalised cross-validation error is taken. None means
        1e-10, 1e-9, ..., 1e5, 1e6.
    %(running)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features_out)
        Readout weights.
    intercept_ : ndarray of shape (n_outputs,)
        Readout bias.
    alpha_ : float
        The ridge penalty used.
    readout_ : regressor
        The fitted `readout`, if one was given; there are no `coef_`, `intercept_` and `alpha_` then.
    W_, W_in_, delay_, excitatory_, positions_, encoder_, n_features_in_
        As in :class:`LiquidStateMachine`.

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

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LSMRegressor
    >>> from reservoirs.topology import Column
    >>> u = np.repeat(np.random.default_rng(0).uniform(0, 1, 100), 10)[:, None]
    >>> y = np.convolve(u[:, 0], np.ones(10) / 10)[:1000]
    >>> model = LSMRegressor(
    ...     topology=Column((5, 5, 5)), features="traces", target="step", row_duration=5.0, input_weight=5.0,
    ...     input_density=0.5, random_state=0,
    ... )
    >>> bool(model.fit(u, y).score(u, y) > 0.9)
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
        target: Any = "sample",
        readout: Any = "ridge",
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
        self.target = target
        self.readout = readout
        self.alpha = alpha
        self.weight_dtype = weight_dtype
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> LSMRegressor:
        """Draw the liquid, show it the samples and fit the readout.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The outputs; with ``target="step"`` of every time step, in the form of `X`.

        Returns
        -------
        LSMRegressor
            The fitted estimator.
        """
        drawn = self._fresh()
        drawn._fit(X, y)
        return self._become(drawn)

    def partial_fit(self, X: Any, y: Any) -> LSMRegressor:
        """Add samples to what `fit` or earlier calls have learned.

        The first call draws the liquid, and lets it learn from its samples alone if there is plasticity. But for this
        the result equals one `fit` on all the samples, to rounding, for which the sums of the ridge regression,
        n_features_out squared numbers, are kept.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            More samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their outputs; with ``target="step"`` of every time step, in the form of `X`.

        Returns
        -------
        LSMRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            Also for a `readout` other than ridge regression.
        """
        later = goes_on(self, None if isinstance(self.readout, str) else self.readout, "'ridge'")
        drawn = self._fresh(learned=later)
        if later:
            drawn._fit_later(X, y)
        else:
            drawn._fit(X, y)
        return self._become(drawn)

    def predict(self, X: Any) -> Any:
        """Return the outputs.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            With ``target="step"`` arrays for all time steps, in the form of `X`; with the dimensions `y` had.
        """
        check_is_fitted(self)
        stimulus = self._check(X, reset=False)
        if self.target == "sample":
            return self._in_shape(self._outputs(self._features().of_samples(self._reader(), stimulus)))
        rows, blocks = self._features().of_rows(self._reader(), stimulus)
        parts = [(bounds, self._outputs(features)) for features, bounds in blocks]
        outputs = rows.with_values(np.empty((len(rows.values), parts[0][1].shape[1])))
        for bounds, part in parts:
            outputs.put_rows(bounds, part)
        return rows.in_form(self._in_shape(outputs.values))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R^2, over all time steps with ``target="step"``.

        Parameters
        ----------
        X : list of Events, list of arrays (n_timesteps, n_features), or array
            What is shown; see the notes.
        y : array-like
            The true outputs, as in `fit`.
        sample_weight : array-like, default=None
            Weights of the outputs, those of all sequences one after another.

        Returns
        -------
        float
            R^2, averaged over outputs.
        """
        predicted = self.predict(X)
        if self.target == "step" and are_many(X):
            predicted, y = np.concatenate(list(predicted)), np.concatenate([np.asarray(each) for each in y])
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def stream(self, *, learner: Any = None, missing: Any = "error") -> LiquidStream:
        """Return a stateful copy that takes one row a call; see :class:`~reservoirs.streaming.LiquidStream`.

        Parameters
        ----------
        learner : RLS, NLMS or LMS, default=None
            How the ridge readout goes on learning from the stream, beginning with the fitted one.
        missing : {"error", "hold", "skip"}, default="error"
            What happens where a row has values that are NaN: a ValueError, the values of the row before (zeros at the
            start), or nothing: the outputs of the step before are returned again.

        Returns
        -------
        LiquidStream
            Its `step(u)` returns a row of what `predict` returns with ``target="step"``, and otherwise what it returns
            for all that was shown so far.

        Raises
        ------
        ValueError
            For an encoder that looks ahead, rules of plasticity that act while samples are shown, and, with
            ``target="sample"``, ``n_bins`` or ``sample_times`` other than 1.
        """
        check_is_fitted(self)
        memory, rows = self._memory(by_row=self.target == "step")
        return LiquidStream(
            self,
            memory,
            rows,
            **readout_of(self),
            learner=learner,
            missing=missing,
            as_number=self._one_dimensional_,
        )

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags

    @property
    def _rows_are_series(self) -> bool:
        return bool(self.target != "step")

    def _fit(self, X: Any, y: Any) -> None:
        check_choice("target", self.target, ("sample", "step"))
        alpha = check_readout(self.readout, self.alpha, ("ridge",))
        stimulus = self._begin(X)
        targets, self._one_dimensional_ = self._targets(y, stimulus)
        self._draw(stimulus)
        self._learn(stimulus, targets, alpha)

    def _fit_later(self, X: Any, y: Any) -> None:
        alpha = check_readout(self.readout, self.alpha, ("ridge",))
        stimulus = self._check(X, reset=False)
        targets, _ = self._targets(y, stimulus)
        if targets.shape[1] != len(self.coef_):
            raise ValueError(f"y has {targets.shape[1]} outputs, but earlier parts had {len(self.coef_)}")
        self._learn(stimulus, targets, alpha)

    def _learn(self, stimulus: Stimulus, targets: np.ndarray, alpha: Any) -> None:
        blocks = self._blocks(stimulus, targets)
        if not isinstance(self.readout, str):
            features, targets = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
            self.readout_ = clone(self.readout).fit(features, targets[:, 0] if targets.shape[1] == 1 else targets)
            return
        self._gram_ = sums_with(self, blocks, self.n_jobs)
        solution = solve_ridge(self._gram_, alpha)
        self.coef_, self.intercept_, self.alpha_ = solution.coef, solution.intercept, solution.alpha
        self._compile_readout()

    def _compile(self) -> None:
        super()._compile()
        if hasattr(self, "coef_"):
            self._compile_readout()

    def _compile_readout(self) -> None:
        self._linear_ = make_readout(self.coef_, self.intercept_, np.dtype(np.float64))

    def _blocks(self, stimulus: Stimulus, targets: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Give the features of a fit beside their targets, block by block."""
        if self.target == "sample":
            return [(self._features().of_samples(self._reader(), stimulus), targets)]
        rows, blocks = self._features().of_rows(self._reader(), stimulus)
        of_targets = rows.with_values(targets)
        return ((features, of_targets.rows(bounds)) for features, bounds in blocks)

    def _outputs(self, features: np.ndarray) -> np.ndarray:
        """Apply the readout, shape (n_rows, n_outputs)."""
        if hasattr(self, "readout_"):
            of_liquid = features.astype(self.W_.dtype, copy=False)
            return np.asarray(self.readout_.predict(of_liquid)).reshape(len(features), -1)
        outputs: np.ndarray = self._linear_.apply(np.ascontiguousarray(features, np.float64))
        return outputs

    def _in_shape(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if self._one_dimensional_ else outputs

    def _targets(self, y: Any, stimulus: Stimulus) -> tuple[np.ndarray, bool]:
        if self.target == "step":
            if stimulus.rows is None:
                raise ValueError("target='step' needs sequences of numbers as X, shown as they are or encoded in time")
            return check_targets(y, stimulus.rows)
        if y is None:
            raise ValueError("y=None: requires y to be passed, but the target y is None")
        array = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="y")
        if array.ndim > 2:
            raise ValueError(f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_outputs)")
        n = len(stimulus.lengths)
        if len(array) != n:
            raise ValueError(
                f"y has shape {array.shape}, but X has {n} samples: found input variables with inconsistent numbers of "
                f"samples: [{n}, {len(array)}]"
            )
        return array.reshape(n, -1), array.ndim == 1
