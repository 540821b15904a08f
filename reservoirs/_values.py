"""Parameters of units and synapses: what a user may give becomes one checked float64 for each of them.

A parameter is a number, an array, a frozen scipy.stats distribution, or a dict of these: by kind of neuron,
``{"exc": ..., "inh": ...}``, or of synapse, ``{"EE": ..., "EI": ..., "IE": ..., "II": ...}``, "EI" being from E to I.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from ._params import check_real

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

KINDS = ("exc", "inh")
BLOCKS = ("EE", "EI", "IE", "II")

# Values that are drawn, or spread over blocks, at a time: little beside the result, much beside the cost of a call.
_CHUNK = 1 << 18
# Redraws after which a distribution is given up: enough for one of which a fifth lies within the bounds.
_TRIES = 100


class Bounds(NamedTuple):
    """An interval of finite numbers."""

    least: float = -np.inf
    most: float = np.inf
    least_included: bool = True

    def contain(self, values: FloatArray) -> BoolArray:
        """Tell which values lie inside; NaN and infinities never do."""
        above = values >= self.least if self.least_included else values > self.least
        return above & (values <= self.most) & np.isfinite(values)

    def __str__(self) -> str:
        low = "[" if self.least_included and np.isfinite(self.least) else "("
        high = "]" if np.isfinite(self.most) else ")"
        return f"{low}{self.least:g}, {self.most:g}{high}"


ANY = Bounds()
POSITIVE = Bounds(0.0, least_included=False)
NOT_NEGATIVE = Bounds(0.0)
PROBABILITY = Bounds(0.0, 1.0)


def per_neuron(
    name: str,
    value: Any,
    is_exc: BoolArray,
    rng: np.random.Generator,
    bounds: Bounds = ANY,
    *,
    q: FloatArray | None = None,
) -> FloatArray:
    """Return a parameter of every neuron.

    Parameters
    ----------
    name : str
        What errors call the parameter.
    value : number, array-like of shape (n_units,), frozen distribution, Polynomial, or dict of these
        A dict has the keys "exc" and "inh"; its arrays have as many values as there are neurons of that kind. What a
        distribution draws outside of the bounds is drawn again: the distribution is truncated to them.
    is_exc : ndarray of shape (n_units,), bool
        Whether each neuron is excitatory.
    rng : numpy.random.Generator
        What distributions draw from.
    bounds : Bounds, default=ANY
        Where the values must lie.
    q : ndarray of shape (n_units,), default=None
        What a ``numpy.polynomial.Polynomial`` is evaluated at, so that parameters may depend on one another; None
        allows no polynomial.

    Returns
    -------
    ndarray of shape (n_units,), float64
        The values, a new array.

    Raises
    ------
    ValueError
        For a value of another type, a wrong number of values, a value out of bounds, a distribution almost wholly out
        of bounds, or a dict with other keys.
    """
    values = np.empty(len(is_exc))
    if not isinstance(value, Mapping):
        _fill(name, value, values, rng, bounds, q, KINDS)
        return values
    check_keys(name, value, KINDS)
    for kind, members in (("exc", is_exc), ("inh", ~is_exc)):
        drawn = np.empty(np.count_nonzero(members))
        _fill(f"{name}[{kind!r}]", value[kind], drawn, rng, bounds, None if q is None else q[members])
        values[members] = drawn
    return values


def per_target(name: str, value: Any, n_units: int, rng: np.random.Generator, bounds: Bounds = ANY) -> FloatArray:
    """Return a parameter of every neuron that knows no kinds: as `per_neuron`, but no dict."""
    values = np.empty(n_units)
    _fill(name, value, values, rng, bounds)
    return values


def per_synapse(
    name: str,
    value: Any,
    source_is_exc: BoolArray,
    target_is_exc: BoolArray,
    rng: np.random.Generator,
    bounds: Bounds = ANY,
) -> FloatArray:
    """Return a parameter of every synapse, in little more memory than that.

    Parameters
    ----------
    name : str
        What errors call the parameter.
    value : number, array-like of shape (n_synapses,), frozen distribution, or dict
        A dict has the keys "EE", "EI", "IE" and "II", and numbers or distributions.
    source_is_exc, target_is_exc : ndarray of shape (n_synapses,), bool
        Whether the neuron a synapse comes from, and the one it leads to, is excitatory.
    rng, bounds
        As for `per_neuron`.

    Returns
    -------
    ndarray of shape (n_synapses,), float64
        The values, a new array.

    Raises
    ------
    ValueError
        As for `per_neuron`.
    """
    values = np.empty(len(source_is_exc))
    if not isinstance(value, Mapping):
        _fill(name, value, values, rng, bounds, keys=BLOCKS)
        return values
    check_keys(name, value, BLOCKS)
    for block in BLOCKS:
        if not _is_distribution(value[block]):
            _check_number(f"{name}[{block!r}]", value[block], bounds, "a number or a frozen scipy.stats distribution")
    for begin in range(0, len(values), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        index = 2 * (~source_is_exc[part]).view(np.int8) + (~target_is_exc[part]).view(np.int8)
        for i, block in enumerate(BLOCKS):
            members = np.flatnonzero(index == i)
            drawn = np.empty(len(members))
            _fill(f"{name}[{block!r}]", value[block], drawn, rng, bounds)
            values[part][members] = drawn
    return values


def to_steps(milliseconds: FloatArray, dt: float) -> FloatArray:
    """Return times as the nearest whole numbers of steps, still as floats."""
    return np.rint(milliseconds / dt)


def check_keys(name: str, value: Mapping[Any, Any], keys: Sequence[str]) -> None:
    """Check that a dict has exactly the given keys."""
    if set(value) != set(keys):
        raise ValueError(f"{name} has the keys {list(value)}; expected {list(keys)}")


def _fill(
    name: str,
    value: Any,
    values: FloatArray,
    rng: np.random.Generator,
    bounds: Bounds,
    q: FloatArray | None = None,
    keys: Sequence[str] = (),
) -> None:
    """Fill `values` with a number, an array, a distribution's draws or a polynomial's values."""
    if _is_distribution(value):
        for begin in range(0, len(values), _CHUNK):
            _draw(name, value, values[begin : begin + _CHUNK], rng, bounds)
    elif isinstance(value, Polynomial) and q is not None:
        values[:] = value(q)
        _check_each(name, values, bounds)
    elif np.ndim(value) == 0:
        wanted = f"a number, an array of shape {values.shape} or a frozen scipy.stats distribution"
        if keys:
            wanted += f", or a dict of these with the keys {list(keys)}"
        values[:] = _check_number(name, value, bounds, wanted)
    else:
        array = np.asarray(value)
        if array.shape != values.shape or array.dtype.kind not in "iuf":
            raise ValueError(
                f"{name} has shape {array.shape} and dtype {array.dtype}; expected numbers of shape {values.shape}"
            )
        values[:] = array
        _check_each(name, values, bounds)


def _draw(name: str, distribution: Any, values: FloatArray, rng: np.random.Generator, bounds: Bounds) -> None:
    values[:] = distribution.rvs(size=len(values), random_state=rng)
    for _ in range(_TRIES):
        outside = np.flatnonzero(~bounds.contain(values))
        if not len(outside):
            return
        values[outside] = distribution.rvs(size=len(outside), random_state=rng)
    raise ValueError(
        f"{name}: the distribution lies almost wholly outside of {bounds}; {len(outside)} of {len(values)} values were "
        f"still outside after {_TRIES} redraws, the last {values[outside[-1]]:g}"
    )


def _check_each(name: str, values: FloatArray, bounds: Bounds) -> None:
    inside = bounds.contain(values)
    if not inside.all():
        first = int(np.argmin(inside))
        check_real(f"{name}[{first}]", float(values[first]), *bounds[:2], least_included=bounds.least_included)


def _check_number(name: str, value: Any, bounds: Bounds, wanted: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"{name}={value!r} must be {wanted}")
    return check_real(name, value, *bounds[:2], least_included=bounds.least_included)


def _is_distribution(value: Any) -> bool:
    return callable(getattr(value, "rvs", None))  # SciPy's frozen distributions have no public class in common
