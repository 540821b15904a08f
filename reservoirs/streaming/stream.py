"""One time step a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Self

import numpy as np
from sklearn.utils.validation import check_array

from .. import _core
from .._params import check_choice, check_count
from .learners import Known, Learner

# Features that one call of the core computes at most, so that Ctrl-C is honoured in between: a tenth of a second.
_FEATURES_A_CALL = 10_000_000


class BaseStream:
    """What all streams share."""

    _core: Any
    _estimator: Any

    @property
    def state(self) -> np.ndarray:
        """All that is remembered of the rows so far, shape (n_state,), but not what was learned. May be set.

        The states of a network's units come first. What follows depends on the stream: it is for streams made the same
        way.
        """
        state: np.ndarray = self._core.state
        return state

    @state.setter
    def state(self, state: Any) -> None:
        self._core.state = state

    def reset(self) -> None:
        """Return to the start of a sequence. What was learned stays."""
        self._core.reset()

    def copy(self) -> Self:
        """Return an independent stream that has seen, and learned, the same."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._bind(self._core.copy())
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Self:
        return self.copy()

    @property
    def coef_(self) -> np.ndarray:
        """Weights of the readout now, shape (n_outputs, n_features)."""
        return self._now("coef")

    @property
    def intercept_(self) -> np.ndarray:
        """Bias of the readout now, shape (n_outputs,)."""
        return self._now("intercept")

    def estimator(self) -> Any:
        """Return the fitted estimator with the readout as learned so far: to predict, save or export.

        `partial_fit` begins anew from it, as it has no sums of what the stream learned.
        """
        if not (hasattr(self._estimator, "coef_") or hasattr(self._estimator, "readout_")):
            raise ValueError(f"{type(self._estimator).__name__} has no readout to take over what was learned")
        estimator = self._estimator._fresh(learned=True)
        if self._core.learner is not None:
            estimator.coef_, estimator.intercept_ = self.coef_, self.intercept_
            if hasattr(estimator, "_gram_"):
                estimator._gram_ = None
            estimator._compile()
        return estimator

    def _bind(self, core: Any) -> None:
        self._core = core

    def _now(self, name: str) -> np.ndarray:
        learner = self._core.learner
        source, name = (self._estimator, name + "_") if learner is None else (learner, name)
        return np.array(getattr(source, name))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Undo what is done within if it raises: a readout that only Python can call may do so after the step."""
        before = self._core.copy()
        try:
            yield
        except BaseException:
            self._bind(before)
            raise

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError(
            f"a {type(self).__name__} cannot be saved or pickled: keep its `state`, and save the estimator it is of or "
            "(with what was learned) its `estimator()`"
        )


def _check_learner(learner: Any, is_ridge: bool) -> None:
    if learner is not None and not isinstance(learner, Learner):
        raise ValueError(f"learner={learner!r} must be None, or one of RLS(), NLMS() and LMS()")
    if learner is not None and not is_ridge:
        raise ValueError(f"learner={learner!r} needs ridge regression: another readout= cannot learn on the stream")


def readout_of(estimator: Any) -> dict[str, Any]:
    """Return a stream's options for the readout of a fitted regressor or forecaster."""
    if hasattr(estimator, "readout_"):
        return {"predict": estimator._fresh(learned=True)._outputs}
    known = Known(estimator.alpha_, getattr(estimator, "_gram_", None))
    return {"readout": (estimator.coef_, estimator.intercept_), "known": known}


def readout_from_zero(learner: Any, n_outputs: Any, n_features: int, n_fed_back: int = 0) -> dict[str, Any]:
    """Return a stream's options for a transformer: its features, or with a learner a readout that begins as zeros."""
    if learner is None:
        if n_outputs is not None:
            raise ValueError(f"n_outputs={n_outputs!r}, but without a learner the stream returns the features")
        return {}
    width = (n_fed_back or 1) if n_outputs is None else check_count("n_outputs", n_outputs)
    if n_fed_back not in (0, width):
        raise ValueError(f"n_outputs={n_outputs!r}, but the fit fed back {n_fed_back}")
    zeros = np.zeros((width, n_features)), np.zeros(width)
    return {"readout": zeros, "learner": learner, "feeds_back": n_fed_back > 0}


class Stream(BaseStream):
    """A network or a regressor that keeps its state between calls, and may learn meanwhile.

    Obtained from ``EchoStateNetwork.stream()`` or ``ESNRegressor.stream()``. The results equal those of `transform` or
    `predict` on the whole sequence, bit for bit, as long as nothing is learned. A stream belongs to one thread.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator.
    memory : compiled memory
        What makes features of its inputs.
    dtype : numpy dtype
        Of its numbers.
    readout : tuple of ndarrays (coef, intercept), default=None
        The readout to begin with. None returns the features.
    learner : Learner, default=None
        How `learn` changes the readout.
    known : Known, default=None
        What the fit of the readout left to the learner.
    predict : callable, default=None
        The readout if only Python can call it: features (1, n_features) to outputs (1, n_outputs).
    missing : {"error", "hold", "predict", "skip"}, default="error"
        What a value that is NaN means.
    as_number : bool, default=False
        Whether `step` returns a number.
    **options : dict
        For the compiled stream.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> u = np.sin(np.arange(100) / 10).reshape(-1, 1)
    >>> esn = EchoStateNetwork(n_units=20, random_state=0).fit(u)
    >>> stream = esn.stream()
    >>> states = [stream.step(row) for row in u]
    >>> bool((np.array(states) == esn.transform(u)).all())
    True
    """

    _policies: tuple[str, ...] = ("error", "hold", "skip")
    # The core's step, and that which returns a number.
    _steps = ("step", "step_number")

    def __init__(
        self,
        estimator: Any,
        memory: Any,
        dtype: np.dtype[Any],
        readout: tuple[np.ndarray, np.ndarray] | None = None,
        *,
        learner: Any = None,
        known: Known | None = None,
        predict: Any = None,
        missing: Any = "error",
        as_number: bool = False,
        **options: Any,
    ) -> None:
        check_choice("missing", missing, self._policies)
        _check_learner(learner, predict is None)
        size = "32" if dtype == np.float32 else "64"
        compiled = begun = None
        if readout is not None:
            coef, intercept = (np.ascontiguousarray(part, np.float64) for part in readout)
            compiled = getattr(_core, "LinearReadout" + size)(coef.astype(dtype), intercept.astype(dtype))
            begun = None if learner is None else learner._begin(coef, intercept, known)
        self._estimator = estimator._fresh(learned=True)  # as it is now, whatever is fitted later
        self._dtype = dtype
        self._as_number = as_number
        self._predict = predict
        self._returns_features = readout is None and predict is None
        n_given = 0 if predict is None else len(predict(np.zeros((1, memory.n_features), dtype))[0])
        self._rows_a_call = max(1, _FEATURES_A_CALL // memory.n_features)
        self._bind(getattr(_core, "Stream" + size)(memory, compiled, n_given, begun, missing=missing, **options))

    def step(self, u: Any) -> Any:
        """Take one row.

        Parameters
        ----------
        u : array-like of shape (n_inputs,), or a number for one input
            The inputs of one time step.

        Returns
        -------
        ndarray of shape (n_outputs,), or a number
            The row that `transform` or `predict` returns.

        Raises
        ------
        ValueError
            For inputs of another shape, infinite ones, and NaN if missing values are an error. Nothing changes then.
        """
        return self._step(u)

    def learn(self, y: Any) -> None:
        """Learn what the last step should have returned.

        Nothing is learned from a row that was skipped, of missing outputs unless they are an error, and of the first
        row of a series to forecast.

        Parameters
        ----------
        y : array-like of shape (n_outputs,), or a number for one output
            The true outputs.

        Raises
        ------
        ValueError
            Without a learner or a step before, and for numbers that are infinite or huge. Nothing changes then.
        """
        self._core.learn(y)

    def forecast(self, n_steps: int, X: Any) -> np.ndarray:
        """Return what the next steps would return, leaving the stream as it is.

        Outputs are fed back if the model does so.

        Parameters
        ----------
        n_steps : int
            How many.
        X : array-like of shape (n_steps, n_inputs)
            The inputs of these steps.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_outputs)
        """
        rows = self._external(X, check_count("n_steps", n_steps), n_steps)
        return self._in_form(self._run_on(rows))

    def _bind(self, core: Any) -> None:
        super()._bind(core)
        # Bound once: a call less a step.
        self._step = self._step_in_python if self._predict else getattr(core, self._steps[self._as_number])

    def _step_in_python(self, *row: Any) -> Any:
        with self._all_or_nothing():
            return self._follow(*row)

    def _follow(self, *row: Any) -> Any:
        return self._predicted(self._core, *row)

    def _predicted(self, core: Any, *row: Any) -> Any:
        features = getattr(core, self._steps[0])(*row)
        core.outputs = np.broadcast_to(self._predict(features[None])[0], core.outputs.shape)
        return float(core.outputs[0]) if self._as_number else core.outputs

    def _external(self, X: Any, n_steps: int, n_rows: int) -> np.ndarray:
        n_external = self._core.n_external
        if X is None:
            if n_external * n_rows:
                raise ValueError(f"X=None, but the steps need inputs: X of shape ({n_rows}, {n_external})")
            return np.empty((n_rows, n_external), self._dtype)
        X = check_array(X, dtype=self._dtype, order="C", ensure_2d=False, ensure_min_samples=0, input_name="X")
        rows: np.ndarray = X.reshape(-1, 1) if X.ndim == 1 else X
        if rows.shape != (n_rows, n_external):
            raise ValueError(f"X has shape {X.shape}; expected ({n_rows}, {n_external}) for n_steps={n_steps}")
        return rows

    def _run_on(self, rows: np.ndarray) -> np.ndarray:
        core = self._core.running_on()
        if self._predict:
            outputs = [self._predicted(core, *self._as_rows(row)) for row in rows]
            return np.array(outputs, self._dtype).reshape(len(rows), core.outputs.size)
        every = self._rows_a_call
        parts = [core.run(np.ascontiguousarray(rows[t : t + every])) for t in range(0, len(rows), every)]
        return np.concatenate(parts) if parts else np.empty((0, core.outputs.size), self._dtype)

    def _as_rows(self, external: np.ndarray) -> tuple[Any, ...]:
        return (external,)

    def _in_form(self, rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] if self._as_number else rows


class ForecasterStream(Stream):
    """A forecaster that is told a series row by row, predicts the next, and may learn meanwhile.

    Obtained from ``ESNForecaster.stream()`` or ``NVAR.stream()``. Predictions equal those of `predict` on the whole
    series, and forecasts those of ``forecast(n, warmup=series so far)``, bit for bit, as long as nothing is learned. A
    stream belongs to one thread.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.datasets import mackey_glass
    >>> y = mackey_glass(1000)
    >>> model = ESNForecaster(n_units=50, random_state=0).fit(y[:800])
    >>> stream = model.stream(missing="predict")
    >>> predictions = [stream.step(row) for row in y]  # predictions[t] is of y[t + 1]
    >>> bool((predictions[:-1] == model.predict(y)[1:]).all())
    True
    >>> bool((stream.forecast(20) == model.forecast(20, warmup=y)).all())
    True
    >>> bool(stream.step(None) == model.forecast(2, warmup=y)[1])  # missing: its prediction stands in
    True
    """

    _policies = ("error", "hold", "predict", "skip")
    _steps = ("step_forecast", "step_forecast_number")

    def step(self, y: Any, X: Any = None) -> Any:
        """Take one row of the series and predict the next.

        Parameters
        ----------
        y : array-like of shape (n_outputs,), or a number for a series of one variable
            The row. None, or NaN, where it is missing. With exogenous series the first call has None for it, and
            predicts the first row; without, a first call with None does the same, but is not needed.
        X : array-like of shape (n_exogenous,), or a number, default=None
            The exogenous series at the time that is predicted.

        Returns
        -------
        ndarray of shape (n_outputs,), or a number for a model of a 1-D series
            The prediction of the next row.

        Raises
        ------
        ValueError
            For rows of another shape, infinite ones, and missing ones if these are an error. Nothing changes then.
        """
        return self._step(y, X)

    def forecast(self, n_steps: int, X: Any = None) -> np.ndarray:
        """Continue the series in closed loop, leaving the stream as it is.

        Parameters
        ----------
        n_steps : int
            How many rows; the first is what the last step predicted.
        X : array-like of shape (n_steps - 1, n_exogenous) or (n_steps - 1,), default=None
            The exogenous series at the times after that of the last step's prediction.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_outputs)

        Raises
        ------
        ValueError
            For fewer than one step, exogenous series that do not fit, and too few rows so far.
        """
        rows = self._external(X, check_count("n_steps", n_steps), n_steps - 1)
        stream = self
        if not self._core.started and not self._core.n_external:
            stream = self.copy()
            stream.step(None)
        if not stream._core.started or not stream._core.ready:
            raise ValueError("too few rows so far: a forecast needs as many as the `warmup` of a model's")
        return stream._in_form(np.concatenate([stream._core.outputs[None], stream._run_on(rows)]))

    def _follow(self, *row: Any) -> Any:
        if row[0] is not None and not self._core.started and not self._core.n_external:
            # What the core does by itself where it can: the prediction of the first row, which may stand in for it.
            self._predicted(self._core, None, None)
        return self._predicted(self._core, *row)

    def _as_rows(self, external: np.ndarray) -> tuple[Any, ...]:
        return None, external


class ClassifierStream(BaseStream):
    """A classifier that decides after each row what the sequence so far is.

    Obtained from ``ESNClassifier.stream()``. What it says equals, bit for bit, what the classifier says of the rows so
    far as a whole sequence. A stream belongs to one thread.

    Parameters
    ----------
    estimator : ESNClassifier
        The fitted classifier.
    memory : compiled memory
        What makes features of its inputs.
    dtype : numpy dtype
        Of its numbers.
    pooling : {"mean", "last", "both"}
        How features of time steps become one vector.
    washout : int
        The steps that are left out.
    learner : Learner, default=None
        How `learn` changes the readout.
    missing : {"error", "hold", "skip"}, default="error"
        What a value that is NaN means.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNClassifier
    >>> rng = np.random.default_rng(0)
    >>> slow = [np.sin(np.arange(n) / 9).reshape(-1, 1) for n in rng.integers(40, 80, 20)]
    >>> fast = [np.sin(np.arange(n) / 3).reshape(-1, 1) for n in rng.integers(40, 80, 20)]
    >>> model = ESNClassifier(n_units=50, random_state=0).fit(slow + fast, ["slow"] * 20 + ["fast"] * 20)
    >>> stream = model.stream()
    >>> labels = [stream.step(row) for row in fast[0]]
    >>> print(labels[-1])
    fast
    >>> bool(stream.decision_function() == model.decision_function(fast[:1])[0])
    True
    """

    def __init__(
        self,
        estimator: Any,
        memory: Any,
        dtype: np.dtype[Any],
        *,
        pooling: str,
        washout: int,
        learner: Any = None,
        missing: Any = "error",
    ) -> None:
        check_choice("missing", missing, ("error", "hold", "skip"))
        is_ridge = not hasattr(estimator, "readout_")
        _check_learner(learner, is_ridge)
        size = "32" if dtype == np.float32 else "64"
        with_mean, with_last = pooling in ("mean", "both"), pooling in ("last", "both")
        readout: dict[str, Any] = {}
        if is_ridge:
            readout = {"coef": estimator.coef_, "intercept": estimator.intercept_}
        if learner is not None:
            known = Known(estimator.alpha_, getattr(estimator, "_gram_", None))
            readout["learner"] = learner._begin(estimator.coef_, estimator.intercept_, known)
        self._missing = missing
        self._estimator = estimator._fresh(learned=True)  # as it is now, whatever is fitted later
        self._washout = washout
        self._labels = list(estimator.classes_)
        pooled = getattr(_core, "PooledStream" + size)
        self._bind(pooled(memory, washout, with_mean, with_last, missing=missing, **readout))

    def step(self, u: Any) -> Any:
        """Take one row.

        Parameters
        ----------
        u : array-like of shape (n_inputs,), or a number for one input
            The inputs of one time step.

        Returns
        -------
        label or None
            What `predict` returns for the rows so far; None while they are no more than the washout.

        Raises
        ------
        ValueError
            For inputs of another shape, infinite ones, and NaN if missing values are an error. Nothing changes then.
        """
        if hasattr(self._estimator, "readout_"):
            with self._all_or_nothing():
                self._core.step(u)
                return self._estimator._labels(self._pooled())[0] if self._core.n_pooled_rows else None
        code = self._core.step(u)
        return self._labels[code] if code >= 0 else None

    def learn(self, y: Any) -> None:
        """Learn the label of the rows so far, which are a whole sequence or as much of it as is to be known it by.

        The targets are +-1, as in a fit: recursive least squares equal one `fit` on all sequences. The next sequence
        begins with `reset`.

        Parameters
        ----------
        y : label
            One of the classes. None, unless missing values are an error, teaches nothing.

        Raises
        ------
        ValueError
            Without a learner, before there are rows, and for another label. Nothing changes then.
        """
        if y is None and self._missing != "error":
            return
        if np.ndim(y) or y not in self._labels:
            raise ValueError(f"y={y!r} is none of the classes {self._estimator.classes_.tolist()}")
        self._core.learn(self._labels.index(y))

    def decision_function(self) -> Any:
        """Return what the classifier's `decision_function` returns for the rows so far: a number for two classes."""
        if hasattr(self._estimator, "readout_"):
            return self._estimator._scores(self._pooled())[0]
        scores = _core.class_scores(np.asarray(self._pooled(), np.float64), self.coef_, self.intercept_)[0]
        return scores[0] if len(scores) == 1 else scores

    def predict_proba(self) -> np.ndarray:
        """Return the probability of each class given the rows so far, shape (n_classes,), if the readout gives it."""
        if not hasattr(self._estimator, "predict_proba"):
            raise AttributeError("the classifier's readout gives no probabilities: readout=LogisticRegression() does")
        return np.asarray(self._estimator.readout_.predict_proba(self._pooled())[0])

    def _pooled(self) -> np.ndarray:
        if not self._core.n_pooled_rows:
            raise ValueError(f"no rows so far after washout={self._washout}")
        # As the classifier's own vectors, to whose precision other readouts are sensitive.
        return np.asarray(self._core.pool(), self._estimator._vector_dtype)
