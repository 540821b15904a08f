"""Sequences come in one way: checked once, copied at most once.

A sequence is an array ``(n_timesteps, n_features)``, time first. Many are a list of such arrays (their lengths may
differ) or one array ``(n_sequences, n_timesteps, n_features)``. Inside, all of them lie one after another in a single
C-contiguous buffer of rows, with the row at which each begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

Form = Literal["single", "list", "array"]


@dataclass(frozen=True)
class Sequences:
    """Many sequences in one buffer.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features)
        The rows of all sequences, one sequence after another.
    offsets : ndarray of shape (n_sequences + 1,)
        Sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
    form : {"single", "list", "array"}
        How the caller gave them, and so gets results back.
    """

    values: np.ndarray
    offsets: np.ndarray
    form: Form

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[np.ndarray]:
        """Iterate over the sequences as views."""
        for begin, end in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield self.values[begin:end]

    @property
    def lengths(self) -> np.ndarray:
        """Number of time steps of each sequence."""
        return np.diff(self.offsets)

    @property
    def n_features(self) -> int:
        """Width of a row."""
        return int(self.values.shape[1])

    def with_values(self, values: np.ndarray) -> Sequences:
        """Return the same sequences with other rows."""
        return Sequences(values, self.offsets, self.form)

    def rows(self, bounds: np.ndarray) -> np.ndarray:
        """Return the rows ``[begin, end)`` of each pair in `bounds`, one after another."""
        if len(bounds) == 1:
            return self.values[bounds[0, 0] : bounds[0, 1]]
        return np.concatenate([self.values[begin:end] for begin, end in bounds])

    def in_form(self, rows: np.ndarray, dropped: int = 0) -> Any:
        """Give `rows`, in the order of ours but without the first `dropped` of each sequence, the caller's form."""
        if self.form == "single":
            return rows
        lengths = np.maximum(self.lengths - dropped, 0)
        if self.form == "array":
            return rows.reshape(len(self), int(lengths[0]), *rows.shape[1:])
        return np.split(rows, np.cumsum(lengths)[:-1])


def are_many(X: Any) -> bool:
    """Tell whether `X` holds many sequences rather than one 2-D table."""
    if isinstance(X, np.ndarray):
        return X.ndim == 3 or (X.dtype == object and X.ndim == 1 and len(X) > 0 and np.ndim(X[0]) == 2)
    return isinstance(X, list | tuple) and len(X) > 0 and all(np.ndim(x) == 2 for x in X)


def check_sequences(estimator: Any, X: Any, *, dtype: Any, reset: bool, rows_are_series: bool = False) -> Sequences:
    """Check `X` and set or compare the estimator's `n_features_in_` and `feature_names_in_`.

    Parameters
    ----------
    estimator : estimator
        Whose input it is.
    X : array-like of shape (n_timesteps, n_features) or list of such or array of (n_sequences, n_timesteps, n_features)
        One or many sequences.
    dtype : dtype or list of dtypes
        As for :func:`sklearn.utils.check_array`: the first of a list is what other types become.
    reset : bool
        Whether this is a fit.
    rows_are_series : bool, default=False
        Whether a 2-D `X` holds one univariate series a row, as for classifiers of whole sequences.

    Returns
    -------
    Sequences

    Raises
    ------
    ValueError
        For a wrong number of dimensions, NaN, inf, no rows, sequences of different width, or another width than at fit.
    """
    if not are_many(X):
        table = validate_data(estimator, X, dtype=dtype, reset=reset, order="C")
        if rows_are_series:
            n, length = table.shape
            return Sequences(table.reshape(-1, 1), np.arange(n + 1, dtype=np.int64) * length, "array")
        return Sequences(table, np.array([0, len(table)], dtype=np.int64), "single")
    sequences = join(X, dtype=dtype)
    # A 2-D X of series makes n_features_in_ the length of a series, as scikit-learn wants; here it is their width.
    if reset:
        estimator.n_features_in_ = sequences.n_features
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif sequences.n_features != estimator.n_features_in_:
        hint = " (is time the first axis of each sequence?)" if X[0].shape[0] == estimator.n_features_in_ else ""
        raise ValueError(
            f"X has {sequences.n_features} features a time step, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input{hint}"
        )
    return sequences


def join(X: Any, *, dtype: Any = np.float64, name: str = "X") -> Sequences:
    """Check many sequences and lay them into one buffer."""
    form: Form = "array" if isinstance(X, np.ndarray) and X.ndim == 3 else "list"
    parts = [_check_one(x, i, dtype, name) for i, x in enumerate(X)]
    if not parts:
        raise ValueError(f"{name} holds no sequence; expected at least one of shape (n_timesteps, n_features)")
    widths = [part.shape[1] for part in parts]
    for i, width in enumerate(widths):
        if width != widths[0]:
            raise ValueError(
                f"{name}[{i}] has {width} features, but {name}[0] has {widths[0]}: all sequences need the same width"
            )
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    values = np.ascontiguousarray(np.concatenate(parts) if len(parts) > 1 else parts[0])
    return Sequences(values, offsets, form)


def _check_one(x: Any, index: int, dtype: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(check_array(x, dtype=dtype, input_name=f"{name}[{index}]"))
    except ValueError as error:
        raise ValueError(f"{name}[{index}]: {error}") from error


def check_targets(y: Any, like: Sequences) -> tuple[np.ndarray, bool]:
    """Check the targets of every time step.

    Parameters
    ----------
    y : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs), or list of such, or array
        In the form of the inputs.
    like : Sequences
        The inputs.

    Returns
    -------
    targets : float64 ndarray of shape (n_rows, n_outputs)
    one_dimensional : bool
        Whether predictions of one sequence should be 1-D.
    """
    if like.form == "single":
        parts: Iterable[Any] = [y]
    else:
        if len(y) != len(like):
            raise ValueError(f"y holds {len(y)} sequences, but X holds {len(like)}")
        parts = y
    checked, one_dimensional = [], True
    for i, (part, length) in enumerate(zip(parts, like.lengths, strict=True)):
        where = "y" if like.form == "single" else f"y[{i}]"
        array = check_array(part, dtype=np.float64, ensure_2d=False, input_name=where)
        if array.ndim not in (1, 2):
            raise ValueError(f"{where} must have shape (n_timesteps,) or (n_timesteps, n_outputs), got {array.shape}")
        if len(array) != length:
            raise ValueError(
                f"{where} has {len(array)} time steps, but X has {length}: found input variables with inconsistent "
                f"numbers of samples: [{length}, {len(array)}]"
            )
        one_dimensional = array.ndim == 1
        checked.append(array.reshape(length, -1))
    if len({part.shape[1] for part in checked}) > 1:
        raise ValueError("y: all sequences need the same number of outputs")
    return np.concatenate(checked), one_dimensional
