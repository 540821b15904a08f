"""Networks in integers: weights of 16 or 8 bits, states of 32, and a readout fitted to what these compute.

Rounding the weights of a fitted model ruins it: readouts of good models are long vectors that cancel, and small changes
of the states upset them (measured on Mackey-Glass, weights of 8 bits: R^2 fell from .9999 to below .3). So the readout
is fitted again, to the states that the rounded network has.

The numbers: states in 2^-30; pre-activations in 2^-24; drive j in 2^-24 divided by its largest input weight. Rounded
weights make another network, which is as good; rounded states make noise, which the readout amplifies. On Mackey-Glass
six steps ahead states of 2^-15 had 2.3 to 7.4 times the error, of 2^-20 1.2 to 1.8 times. The readout is in 32 bits,
in each output's own unit, summed in 64; of a classifier in 16 bits where that is enough.

Weights of 8 bits save more than flash: processors that keep 32 bits of a product (Cortex-M0, AVR) are spared products
of 64, by states that are multiplied in halves and a tanh of 24 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..readout import Gram, solve_ridge
from ..sequences import Sequences, check_labels, check_sequences, check_targets, with_feedback
from ._parts import Network, Parts, apply

_STATE_BITS, _FEATURE_BITS, _Z_BITS, _LEAK_BITS = 30, 24, 24, 15
_LARGEST_DRIVE = 2**30
# Scores lie around -1 and 1: less than this decides nothing.
_LEAST_SCORE = 0.01
TANH_TABLE = np.round(2.0**31 * np.tanh(np.arange(97) / 16)).astype(np.uint32)


@dataclass(frozen=True)
class FixedNetwork:
    """The integers of a network, and what runs it in NumPy exactly as the C code does.

    Attributes
    ----------
    weights : CSR array of int16 or int8
    row_scales : int32 ndarray of shape (n_units,)
        What brings a unit's sum, of weights of 16 bits shifted right by 15, to the unit of pre-activations, in
        2^-row_bits.
    input_weights : int16 or int8 ndarray of shape (n_units, n_drives)
        In 2^-15 or 2^-7.
    drive_scales : float32 ndarray of shape (n_drives,)
        From a drive to its integer.
    bias : int32 ndarray
    leak : int32 ndarray
        In 2^-15.
    coef : int32 or int16 ndarray of shape (n_outputs, n_features)
    coef_scales, intercept : float32 ndarray of shape (n_outputs,)
    """

    network: Network
    weights: Any
    row_scales: np.ndarray
    row_bits: int
    input_weights: np.ndarray
    drive_scales: np.ndarray
    bias: np.ndarray
    leak: np.ndarray
    coef: np.ndarray
    coef_scales: np.ndarray
    intercept: np.ndarray

    @property
    def wide(self) -> bool:
        """Whether weights have 16 bits."""
        return bool(self.weights.dtype == np.int16)

    def features(self, drives: np.ndarray) -> np.ndarray:
        """Return the integer features of each row of float32 drives, from the zero state."""
        x = self._zeros(1)
        return np.array([self._step(x, row[:, None])[:, 0] for row in drives])

    def pooled(self, sequences: Sequences, pooling: str, washout: int) -> np.ndarray:
        """Return the integer vectors of whole sequences of float32 drives, a row each."""
        lengths = sequences.lengths
        order = np.argsort(-lengths, kind="stable")
        x, starts = self._zeros(len(lengths)), sequences.offsets[:-1][order]
        sums, last = np.zeros((2, self.network.n_features, len(lengths)), np.int64)
        for t in range(int(lengths.max())):
            # The longest sequences first: those that have a row t.
            n = int((lengths > t).sum())
            last[:, :n] = self._step(x[:, :n], sequences.values[starts[:n] + t].T)
            if t >= washout:
                sums[:, :n] += last[:, :n]
        counts = lengths[order] - washout
        mean = np.sign(sums) * (np.abs(sums) // counts)  # towards zero, as C divides
        rows = np.concatenate({"mean": [mean], "last": [last], "both": [mean, last]}[pooling]).T
        restored = np.empty_like(rows)
        restored[order] = rows
        return restored

    def _zeros(self, n_sequences: int) -> np.ndarray:
        return np.zeros((len(self.bias), n_sequences), np.int64)

    def _step(self, x: np.ndarray, drive: np.ndarray) -> np.ndarray:
        """Advance the states, in place, and return the features; of each sequence in a column."""
        scaled = drive * self.drive_scales[:, None]
        most = np.float32(_LARGEST_DRIVE)
        u = np.clip(np.clip(scaled, -most, most).astype(np.int64), 1 - _LARGEST_DRIVE, _LARGEST_DRIVE - 1)
        first = 0
        for i, end in enumerate(self.network.stage_ends):
            units = slice(first, end)
            sums = self.weights[units].astype(np.int64) @ x
            z = ((sums >> (15 if self.wide else 0)) * self.row_scales[units, None]) >> self.row_bits
            z += self.bias[units, None]
            if i == 0:
                for weights, drives in zip(self.input_weights[units].T.astype(np.int64), u, strict=True):
                    z += (weights[:, None] * drives) >> (15 if self.wide else 7)
            leak = self.leak[units, None]
            x[units] += (leak * (self._activation(z) - x[units])) >> _LEAK_BITS
            first = end
        shown = x >> (_STATE_BITS - _FEATURE_BITS)
        parts = [shown, u] if self.network.with_inputs else [shown]
        squares = (x * x) >> (2 * _STATE_BITS - _FEATURE_BITS)
        return np.concatenate([*parts, squares] if self.network.with_squares else parts)

    def _activation(self, z: np.ndarray) -> np.ndarray:
        tanh = wide_tanh if self.wide else short_tanh
        return tanh(z) if self.network.activation == "tanh" else (tanh(z >> 1) + (1 << _STATE_BITS)) >> 1

    def outputs(self, features: np.ndarray) -> np.ndarray:
        """Return the float32 outputs of rows of integer features."""
        sums = features @ self.coef.T.astype(np.int64)
        rows: np.ndarray = self.intercept + sums.astype(np.float32) * self.coef_scales
        return rows

    def run(self, n_steps: int, n_outputs: int, drive_of: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the outputs of `n_steps`, each driven by `drive_of` its number and the outputs before."""
        x, y = self._zeros(1), np.zeros(n_outputs, np.float32)
        outputs = np.empty((n_steps, n_outputs), np.float32)
        for t in range(n_steps):
            outputs[t] = y = self.outputs(self._step(x, drive_of(t, y)[:, None])[:, 0])
        return outputs


def make_fixed(parts: Parts, bits: int, refit: Any) -> tuple[Parts, FixedNetwork]:
    """Round a model's weights, fit its readout again on the rows of `refit`, and round that too."""
    fixed = _round_network(parts, bits)
    estimator, unit, gram = parts.estimator, _units(fixed), Gram()
    if parts.kind == "classifier":
        sequences, targets = _labelled(parts, *refit)
        unit = np.tile(unit, parts.coef.shape[1] // len(unit))
        vectors = fixed.pooled(sequences, estimator.pooling, int(estimator.washout_))
        gram.update(vectors * unit, targets)
        solution = solve_ridge(gram, estimator.alpha)
    else:
        drives, rows = (_series_of if parts.kind == "forecaster" else _pairs_of)(parts, *refit)
        for drive, target in zip(drives, rows, strict=True):
            washout = int(estimator.washout_)
            gram.update((fixed.features(drive) * unit)[washout:], target[washout:].astype(np.float64))
        solution = solve_ridge(gram, estimator.alpha, slack=estimator._slack)
    parts = replace(parts, coef=solution.coef, intercept=solution.intercept)
    coef = solution.coef * unit
    if parts.kind == "classifier":
        narrow = _round_readout(fixed, coef, solution.intercept, np.int16)
        moved = narrow.outputs(vectors) - (vectors @ coef.T + solution.intercept)
        # What moves all scores alike is taken back.
        common = moved.mean(axis=0)
        if np.abs(moved - common).max() < _LEAST_SCORE:
            return parts, replace(narrow, intercept=(solution.intercept - common).astype(np.float32))
    return parts, _round_readout(fixed, coef, solution.intercept, np.int32)


def _labelled(parts: Parts, X: Any, y: Any) -> tuple[Sequences, np.ndarray]:
    """Return the drives of a classifier's fit, and its targets of +-1."""
    model = parts.estimator
    inputs = check_sequences(model, X, dtype=np.float32, reset=False, rows_are_series=True, name="refit")
    labels = check_labels(y, inputs)
    if unknown := sorted(set(labels.tolist()) - set(model.classes_.tolist())):
        raise ValueError(f"refit has the class {unknown[0]!r}, which the model does not know")
    shortest = int(inputs.lengths.min())
    if model.washout_ >= shortest:
        raise ValueError(f"refit: washout={model.washout_} leaves nothing of a sequence of {shortest} time steps")
    targets = 2.0 * (labels[:, None] == model.classes_) - 1.0
    return inputs.with_values(apply(parts.scaling, inputs.values)), targets[:, 1:] if parts.n_outputs == 1 else targets


def _pairs_of(parts: Parts, X: Any, y: Any) -> tuple[Sequences, Sequences]:
    """Return the drives and targets of a regressor's fit."""
    inputs = check_sequences(parts.estimator, X, dtype=np.float32, reset=False, name="refit")
    inputs = inputs.with_values(apply(parts.scaling, inputs.values))
    targets, _ = check_targets(y, inputs)
    if targets.shape[1] != parts.n_outputs:
        raise ValueError(f"refit has {targets.shape[1]} outputs, but the model has {parts.n_outputs}")
    return (with_feedback(inputs, targets) if parts.feeds_back else inputs), inputs.with_values(targets)


def _series_of(parts: Parts, y: Any, X: Any = None) -> tuple[Sequences, Sequences]:
    """Return the drives and targets of a forecaster's fit."""
    model = parts.estimator
    series = model._check_series(y, "refit")
    series = series.with_values(apply(parts.scaling, series.values))
    standardised = model._standardised(series)
    exogenous = model._exogenous(X, "refit", series)
    return with_feedback(exogenous, standardised), series.with_values(standardised)


def _round_network(parts: Parts, bits: int) -> FixedNetwork:
    network = parts.core
    assert isinstance(network, Network)
    most = 2 ** (bits - 1) - 1
    W = network.W.astype(np.float64)
    size, links = abs(W), np.diff(W.indptr)
    scale = size.max(axis=1).toarray().ravel() / most
    if bits == 8:
        # With what rounding may add, no sum of products with half a state, of 16 bits, leaves 32 bits.
        scale = np.maximum(scale, size.sum(axis=1) / (32768 - links))
    scale[scale == 0] = 1
    weights = W.copy()
    weights.data = np.round(W.data / np.repeat(scale, links))
    # Sums, which 2^46 bounds with either weights, times 16 bits are below 2^62.
    factors = scale * 2.0 ** (_Z_BITS - _STATE_BITS + (15 if bits == 16 else 0))
    if factors.max() > 2**16 or np.abs(network.bias).max() * 2.0**_Z_BITS >= 2**31:
        raise ValueError(
            f"dtype='int{bits}' needs biases below 128 and recurrent weights below "
            f"{2**16 / factors.max() * size.max():g}, got "
            f"{np.abs(network.bias).max():g} and {size.max():g}"
        )
    row_bits = int(np.clip(16 - np.ceil(np.log2(factors.max())), 0, 62))
    largest = np.abs(network.W_in).max(axis=0, initial=0).astype(np.float64)
    largest[largest == 0] = 1
    n_outputs = parts.n_outputs
    return FixedNetwork(
        network=network,
        weights=weights.astype(f"int{bits}"),
        row_scales=np.round(factors * 2.0**row_bits).astype(np.int32),
        row_bits=row_bits,
        input_weights=np.round(network.W_in / largest * most).astype(f"int{bits}"),
        drive_scales=(largest * 2.0**_Z_BITS).astype(np.float32),
        bias=np.round(network.bias.astype(np.float64) * 2.0**_Z_BITS).astype(np.int32),
        leak=np.maximum(np.round(network.gain.astype(np.float64) * 2.0**_LEAK_BITS), 1).astype(np.int32),
        coef=np.zeros((n_outputs, network.n_features), np.int32),
        coef_scales=np.ones(n_outputs, np.float32),
        intercept=np.zeros(n_outputs, np.float32),
    )


def _units(fixed: FixedNetwork) -> np.ndarray:
    """Return what one of each integer feature is worth."""
    network = fixed.network
    states = np.full(len(fixed.bias), 2.0**-_FEATURE_BITS)
    inputs = 1.0 / fixed.drive_scales.astype(np.float64)
    parts = [states, inputs] if network.with_inputs else [states]
    return np.concatenate([*parts, states] if network.with_squares else parts)


def _round_readout(fixed: FixedNetwork, coef: np.ndarray, intercept: np.ndarray, dtype: Any) -> FixedNetwork:
    n_units, n_drives = len(fixed.bias), len(fixed.drive_scales)
    largest = np.full(fixed.network.n_features, 2.0**_FEATURE_BITS)
    if fixed.network.with_inputs:
        largest[n_units : n_units + n_drives] = _LARGEST_DRIVE
    largest = np.tile(largest, coef.shape[1] // len(largest))
    size = np.abs(coef)
    scales = np.maximum(size.max(axis=1) / np.iinfo(dtype).max, (size @ largest) / 2.0**62).astype(np.float32)
    scales = np.nextafter(scales, np.float32(np.inf))
    rounded = np.round(coef / scales[:, None].astype(np.float64)).astype(dtype)
    return replace(fixed, coef=rounded, coef_scales=scales, intercept=intercept.astype(np.float32))


def short_tanh(z: np.ndarray) -> np.ndarray:
    """Return 2^30 tanh of z in 2^-24 to 24 bits: the series of `wide_tanh` with no product of more than 32 bits."""
    third = round(2**15 / 3)
    d, t = _nearest(z)
    high, low = t >> 16, t & 65535
    square = high * high + (high * low >> 15)  # in 2^-30
    s, short_square, short_d = 2**30 - square, square >> 15, d >> 4
    short_s = s >> 15
    ts = high * short_s >> 14  # in 2^-16
    term = -(short_s * (third - short_square) >> 15) + (short_d * ((ts >> 1) * (2 * third - short_square) >> 15) >> 20)
    term = -ts + (short_d * term >> 19)
    term = (s >> 8) + (short_d * term >> 14)
    return _signed(z, (t + (d * term >> 15) + 1) >> 1)


def wide_tanh(z: np.ndarray) -> np.ndarray:
    """Return 2^30 tanh of z in 2^-24: four terms of the series about the nearest table entry t, in 2^-31.

    With s = 1 - t^2 these are s, -ts, -s (1 - 3 t^2) / 3 and ts (2 - 3 t^2) / 3.
    """
    one, third = 2**31, round(2**31 / 3)
    d, t = _nearest(z)
    square = t * t >> 31
    s = one - square
    ts = t * s >> 31
    fourth = (ts * (2 * third - square)) >> 31
    term = -((s * (third - square)) >> 31) + (d * fourth >> 24)
    term = -ts + (d * term >> 24)
    term = s + (d * term >> 24)
    return _signed(z, (t + (d * term >> 24) + 1) >> 1)


def _nearest(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far |z| is from the nearest table entry, and that entry."""
    size = np.minimum(np.abs(z), 6 * 2**24 - 1)
    i = (size + (1 << 19)) >> 20
    return size - (i << 20), TANH_TABLE[i].astype(np.int64)


def _signed(z: np.ndarray, size: np.ndarray) -> np.ndarray:
    y = np.minimum(size, 2**30 - 1)
    signed: np.ndarray = np.where(z < 0, -y, y)
    return signed
