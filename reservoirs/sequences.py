"""Sequences come in one way: checked once, copied at most once.

A sequence is an array ``(n_timesteps, n_features)``, time first. Many are a list of such arrays (their lengths may
differ) or one array ``(n_sequences, n_timesteps, n_features)``. Inside, all of them lie one after another in a single
C-contiguous buffer of rows, with the row at which each begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

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
        rows: np.ndarray = self.values[_index(bounds)]
        return rows

    def put_rows(self, bounds: np.ndarray, values: np.ndarray) -> None:
        """Overwrite the rows that `rows` gives for the same `bounds`."""
        self.values[_index(bounds)] = values

    def in_form(self, rows: np.ndarray, dropped: int = 0) -> Any:
        """Give `rows`, in the order of ours but without the first `dropped` of each sequence, the caller's form."""
        if self.form == "single":
            return rows
        lengths = np.maximum(self.lengths - dropped, 0)
        if self.form == "array":
            return rows.reshape(len(self), int(lengths[0]), *rows.shape[1:])
        return np.split(rows, np.cumsum(lengths)[:-1])


def _index(bounds: np.ndarray) -> slice | np.ndarray:
    """Return what picks the rows ``[begin, end)`` of each pair in `bounds`, one after another."""
    if len(bounds) == 1:
        return slice(*bounds[0])
    lengths = bounds[:, 1] - bounds[:, 0]
    n_before = np.cumsum(lengths) - lengths
    index: np.ndarray = np.repeat(bounds[:, 0] - n_before, lengths) + np.arange(lengths.sum())
    return index


def are_many(X: Any) -> bool:
    """Tell whether `X` holds many sequences rather than one table or series."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        return X.ndim == 3
    if isinstance(X, np.ndarray) and X.ndim != 1:
        return False
    if not isinstance(X, list | tuple | np.ndarray):
        return False
    # The first decides for nested lists; one array among them is enough to say which of them is wrong.
    return len(X) == 0 or n_axes(X[0]) >= 2 or any(getattr(x, "ndim", 0) >= 2 for x in X)


def n_axes(x: Any) -> int:
    """Return the number of dimensions of anything like an array."""
    try:
        return np.ndim(x)
    except ValueError:  # nested lists of unequal lengths
        return 2


def check_sequences(
    estimator: Any, X: Any, *, dtype: Any, reset: bool, rows_are_series: bool = False, name: str = "X"
) -> Sequences:
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
    name : str, default="X"
        What the caller calls `X`.

    Returns
    -------
    Sequences

    Raises
    ------
    ValueError
        For a wrong number of dimensions, NaN, inf, no rows, sequences of different width, or another width than at fit.
    """
    if are_many(X):
        sequences = join(X, dtype=dtype, name=name)
        if reset:
            estimator.n_features_in_ = sequences.n_features
    else:
        table = _check_table(estimator, X, dtype, reset, name)
        if rows_are_series:
            n, length = table.shape
            sequences = Sequences(table.reshape(-1, 1), np.arange(n + 1, dtype=np.int64) * length, "array")
        else:
            sequences = Sequences(table, np.array([0, len(table)], dtype=np.int64), "single")
    # Not n_features_in_, which for a table of series is their length.
    if reset:
        estimator._width_ = sequences.n_features
    elif sequences.n_features != estimator._width_:
        raise ValueError(
            f"{name} has {sequences.n_features} features a time step, but {type(estimator).__name__} is expecting "
            f"{estimator._width_} features as input{_hint(int(sequences.lengths[0]), estimator._width_)}"
        )
    return sequences


def join(X: Any, *, dtype: Any = np.float64, name: str = "X") -> Sequences:
    """Check many sequences and lay them into one buffer."""
    form: Form = "array" if isinstance(X, np.ndarray) and X.ndim == 3 else "list"
    given = list(X)
    # check_array takes longer for a short sequence than the network does: arrays that need no conversion are looked at
    # together, and one by one only to say which is wrong.
    parts = [x if _is_plain(x, dtype) else _check_one(x, dtype, f"{name}[{i}]") for i, x in enumerate(given)]
    if not parts:
        raise ValueError(f"{name} holds no sequence; expected at least one of shape (n_timesteps, n_features)")
    for i, part in enumerate(parts):
        if part.shape[1] != parts[0].shape[1]:
            raise ValueError(
                f"{name}[{i}] has {part.shape[1]} features, but {name}[0] has {parts[0].shape[1]}: all sequences need "
                "the same width"
            )
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    values = np.ascontiguousarray(np.concatenate(parts) if len(parts) > 1 else parts[0])
    if not np.isfinite(values).all():
        for i, x in enumerate(given):
            _check_one(x, dtype, f"{name}[{i}]")
    return Sequences(values, offsets, form)


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
    _check_given(y)
    if like.form == "single":
        parts, names = [y], ["y"]
    else:
        if not hasattr(y, "__len__") or len(y) != len(like):
            got = f"{len(y)} sequences" if hasattr(y, "__len__") else repr(y)
            raise ValueError(f"y holds {got}, but X holds {len(like)} sequences: one target array for each is needed")
        parts, names = list(y), [f"y[{i}]" for i in range(len(like))]
    arrays = [_check_target(*each) for each in zip(parts, like.lengths, names, strict=True)]
    if len({array.shape[1:] for array in arrays}) > 1:
        shapes = sorted({array.shape[1:] for array in arrays})
        raise ValueError(f"y has targets of shapes {shapes} a time step: all sequences need the same")
    return np.concatenate([array.reshape(len(array), -1) for array in arrays]), arrays[0].ndim == 1


def check_labels(y: Any, like: Sized) -> np.ndarray:
    """Check the labels of whole sequences, as many as `like` has entries, and return them as a 1-D array."""
    _check_given(y)
    with _blaming("y"):
        labels = np.asarray(column_or_1d(check_array(y, dtype=None, ensure_2d=False, input_name="y"), warn=True))
        check_classification_targets(labels)
    if len(labels) != len(like):
        raise ValueError(
            f"y has {len(labels)} labels, but X has {len(like)} sequences: found input variables with inconsistent "
            f"numbers of samples: [{len(like)}, {len(labels)}]"
        )
    return labels


def row_before(sequences: Sequences, rows: np.ndarray) -> np.ndarray:
    """Return for each of `rows` the one before it in its sequence, zeros for the first."""
    before = np.empty_like(rows)
    before[1:] = rows[:-1]
    before[sequences.offsets[:-1]] = 0
    return before


def with_feedback(inputs: Sequences, targets: np.ndarray) -> Sequences:
    """Append the targets of the step before to the inputs (teacher forcing), zeros at the start of each sequence."""
    before = row_before(inputs, targets).astype(inputs.values.dtype, copy=False)
    return inputs.with_values(np.hstack([inputs.values, before]))


def _check_given(y: Any) -> None:
    if y is None:
        raise ValueError("y=None: requires y to be passed, but the target y is None")


def _check_table(estimator: Any, X: Any, dtype: Any, reset: bool, name: str) -> np.ndarray:
    with _blaming(name):
        table = np.asarray(check_array(X, dtype=dtype, order="C", input_name=name, estimator=estimator))
        try:
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        except ValueError as error:
            raise ValueError(f"{error}{_hint(len(table), getattr(estimator, 'n_features_in_', 0))}") from error
    return table


def _is_plain(x: Any, dtype: Any) -> bool:
    allowed = dtype if isinstance(dtype, list) else [dtype]
    return type(x) is np.ndarray and x.ndim == 2 and x.size > 0 and x.dtype in allowed


def _check_one(x: Any, dtype: Any, name: str) -> np.ndarray:
    with _blaming(name):
        return np.asarray(check_array(x, dtype=dtype, input_name=name))


def _check_target(y: Any, length: int, name: str) -> np.ndarray:
    with _blaming(name):
        array = np.asarray(y)
        if array.ndim not in (1, 2):
            raise ValueError(f"{name} has shape {array.shape}; expected (n_timesteps,) or (n_timesteps, n_outputs)")
        array = np.asarray(check_array(array, dtype=np.float64, ensure_2d=False, input_name=name))
    if len(array) != length:
        raise ValueError(
            f"{name} has {len(array)} time steps, but X has {length}: found input variables with inconsistent "
            f"numbers of samples: [{length}, {len(array)}]"
        )
    return array


def _hint(n_timesteps: int, n_features: int) -> str:
    return " (is time the first axis?)" if n_timesteps == n_features else ""


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Let errors say which argument they are about."""
    try:
        yield
    except ValueError as error:
        if name in str(error).split():
            raise
        raise ValueError(f"{name}: {error}") from error
