"""Liquids a row, or a piece of a recording, at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._params import check_count
from ..encoding import Events
from .stream import BaseStream, ClassifierStream, Stream


class LiquidInput(BaseStream):
    """What streams of liquids take: rows of numbers, which are currents or become spikes, and pieces of recordings."""

    _rows: Any
    _before: np.ndarray

    def _shown(self, u: Any, step: Callable[[Any], Any]) -> Any:
        """Take what the core cannot turn into spikes by itself; `step` is what it does then."""
        if isinstance(u, Events):
            self._rows.show_events(self._core.memory, u)
            return step(self._no_row)
        row, after = self._core.admitted(u), self._before
        if row is not None:
            after = self._rows.show_row(self._core.memory, row, self._before)
        returned = step(u)
        self._before = after
        return returned

    @property
    def state(self) -> np.ndarray:
        """All that is remembered of the rows so far, float64 of shape (n_state,); potentials first. May be set."""
        return np.concatenate([self._core.state, self._before])

    @state.setter
    def state(self, state: Any) -> None:
        n_before = len(self._before)
        given = np.asarray(state)
        if n_before == 0 or given.shape != self.state.shape:
            self._core.state = state
            return
        if not np.isfinite(np.asarray(given, np.float64)).all():
            raise ValueError("state contains NaN or infinite values")
        self._core.state = given[:-n_before]
        self._before = given[-n_before:].astype(np.float64)

    def reset(self) -> None:
        """Return to the start of a sequence. What was learned stays."""
        super().reset()
        self._before = self._rows.begin()

    def _take(self, rows: Any, width: int) -> None:
        self._rows = rows
        self._encodes = rows.encodes
        self._before = rows.begin()
        self._no_row = np.zeros(width)


class LiquidStream(LiquidInput, Stream):
    """A liquid, or a regressor with one, that keeps its state between calls, and may learn meanwhile.

    Obtained from ``LiquidStateMachine.stream()`` or ``LSMRegressor.stream()``. With features read at the end of every
    row the results equal those of `transform` or `predict` on the whole sequence; otherwise those on the rows so far as
    one sample; bit for bit, as long as nothing is learned. `duration` of the model is not used: a stream lasts as long
    as it is shown something. A stream belongs to one thread.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LiquidStateMachine
    >>> from reservoirs.topology import Column
    >>> u = np.random.default_rng(0).uniform(0, 5, (50, 1))
    >>> liquid = LiquidStateMachine(topology=Column((5, 5, 5)), input_weight=2.0, per_row=True, random_state=0).fit([u])
    >>> stream = liquid.stream()
    >>> counts = [stream.step(row) for row in u]
    >>> bool((np.array(counts) == liquid.transform([u])[0]).all())
    True
    """

    def __init__(self, estimator: Any, memory: Any, rows: Any, readout: Any = None, **options: Any) -> None:
        super().__init__(estimator, memory, np.dtype(np.float64), readout, **options)
        self._take(rows, memory.n_inputs)

    def step(self, u: Any) -> Any:
        """Take one row, or one piece of a recording.

        Parameters
        ----------
        u : array-like of shape (n_features,), a number for one feature, or Events
            The numbers of one time step: currents for the model's `row_duration`, or what its encoder turns into
            spikes. Without an encoder also events, what has happened since the step before: their duration, which has
            to be a whole number of steps of the liquid, is how long they last.

        Returns
        -------
        ndarray of shape (n_features_out,) or (n_outputs,), or a number
            Features or outputs: where features are read at the end of every row of this row, and otherwise of all that
            was shown so far.

        Raises
        ------
        ValueError
            For inputs of another shape, that are infinite or that the encoder does not take, and NaN if missing values
            are an error. Nothing changes then.
        """
        returned = self._shown(u, self._step) if self._encodes or isinstance(u, Events) else self._step(u)
        # The core's numbers are float64; those of features are the liquid's.
        return returned.astype(self._estimator.W_.dtype) if self._returns_features else returned

    def forecast(self, n_steps: int, X: Any) -> np.ndarray:
        """Return what the next steps would return, leaving the stream as it is.

        Parameters
        ----------
        n_steps : int
            How many.
        X : array-like of shape (n_steps, n_features), or list of n_steps Events
            What is shown at these steps.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_outputs)
        """
        if check_count("n_steps", n_steps) != len(X):
            raise ValueError(f"X has {len(X)} rows; expected {n_steps} for n_steps={n_steps}")
        stream = self.copy()
        return np.array([stream.step(row) for row in X])


class LiquidClassifierStream(LiquidInput, ClassifierStream):
    """A classifier of recordings that decides after each row, or piece, what the recording so far is.

    Obtained from ``LSMClassifier.stream()``. What it says equals, bit for bit, what the classifier says of all that was
    shown so far as one sample. `duration` of the model is not used. A stream belongs to one thread.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import LSMClassifier
    >>> from reservoirs.topology import Column
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.uniform(0, high, (40, 2)) for high in (2, 6) for _ in range(10)]
    >>> model = LSMClassifier(topology=Column((5, 5, 5)), input_weight=2.0, random_state=0)
    >>> stream = model.fit(X, ["weak"] * 10 + ["strong"] * 10).stream()
    >>> labels = [stream.step(row) for row in X[0]]
    >>> print(labels[-1])
    weak
    """

    def __init__(self, estimator: Any, memory: Any, rows: Any, **options: Any) -> None:
        super().__init__(estimator, memory, np.dtype(np.float64), pooling="last", washout=0, **options)
        self._take(rows, memory.n_inputs)

    def step(self, u: Any) -> Any:
        """Take one row, or one piece of a recording, as :meth:`LiquidStream.step` does.

        Parameters
        ----------
        u : array-like of shape (n_features,), a number for one feature, or Events
            The numbers of one time step, or what has happened since the step before.

        Returns
        -------
        label
            What `predict` returns for all that was shown so far.

        Raises
        ------
        ValueError
            As there. Nothing changes then.
        """
        if self._encodes or isinstance(u, Events):
            return self._shown(u, super().step)
        return super().step(u)
