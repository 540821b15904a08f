"""Values to JSON and arrays, and back: a fixed grammar, of which every node says what it is.

None, bools, strings, ints and finite floats are themselves in JSON. Everything else is an object whose "type" is one of
the keys of `_READERS`. Nothing is looked up by name but in tables that are written out in this package.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy import sparse, stats

from ._archive import Archive, is_plain
from ._checks import called, telling
from ._kinds import KINDS

Array = NDArray[Any]

_SCALARS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
_SPARSE = {cls.__name__: cls for cls in (sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix)}
_DISTRIBUTIONS = {
    name: getattr(stats, name)
    for name in (
        "beta",
        "binom",
        "cauchy",
        "chi2",
        "expon",
        "gamma",
        "geom",
        "halfnorm",
        "invgamma",
        "laplace",
        "logistic",
        "loguniform",
        "lognorm",
        "norm",
        "pareto",
        "poisson",
        "randint",
        "rayleigh",
        "reciprocal",
        "skewnorm",
        "t",
        "triang",
        "truncnorm",
        "uniform",
        "vonmises",
        "weibull_max",
        "weibull_min",
    )
}
_OTHERWISE = "joblib.dump saves any object (load what it wrote only if you trust where it comes from)"


class Packer:
    """Turns a value into JSON, and collects its arrays.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the path of the attribute they belong to.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}

    def pack(self, value: Any, path: str = "") -> Any:
        """Return what stands for a value in JSON; `path` says of which attribute it is, "" being the model."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else _infinite(value, path)
        if isinstance(value, np.generic) and value.dtype.name in _SCALARS:
            return _node("scalar", dtype=value.dtype.name, value=self.pack(value.item(), path))
        if type(value) in (list, tuple):
            return _node(type(value).__name__, items=self._items(value, path))
        if type(value) is dict:
            return _node("dict", items=self._members(value, path))
        if type(value) is np.ndarray:
            return self._array(value, path)
        if type(value) in _SPARSE.values():
            parts = {name: self.pack(getattr(value, name), _at(path, name)) for name in ("data", "indices", "indptr")}
            return _node("sparse", format=type(value).__name__, shape=[int(n) for n in value.shape], **parts)
        if isinstance(value, np.dtype | type) and value in (float, np.float32, np.float64):
            return _node("dtype", name=np.dtype(value).name)
        if type(value) is Polynomial:
            parts = {name: self.pack(getattr(value, name).tolist(), path) for name in ("coef", "domain", "window")}
            return _node("polynomial", **parts)
        if _is_known_distribution(value):
            args, kwds = self._items(value.args, path), self._members(value.kwds, path)
            return _node("distribution", name=value.dist.name, args=args, kwds=kwds)
        if (kind := KINDS.get(type(value).__name__)) is not None and kind.cls is type(value):
            parameters, learned = kind.take_apart(value, path)
            members = {"parameters": self._members(parameters, path), "learned": self._members(learned, path)}
            return _node("object", **{"class": type(value).__name__}, **members)
        raise TypeError(f"{called(path)}={reprlib.repr(value)} cannot be saved. {_advice(value)}")

    def _items(self, values: Any, path: str) -> list[Any]:
        return [self.pack(value, _at(path, i)) for i, value in enumerate(values)]

    def _members(self, values: Mapping[Any, Any], path: str) -> dict[str, Any]:
        for key in values:
            if type(key) is not str or not key.isidentifier():
                raise TypeError(f"{called(path)} has the key {key!r}, but only names can be saved. {_OTHERWISE}")
        return {key: self.pack(value, _at(path, key)) for key, value in values.items()}

    def _array(self, array: Array, path: str) -> Any:
        if array.dtype == object and array.ndim == 1 and _are_plain(array):
            return _node("objects", items=self._items(array, path))
        if not is_plain(array.dtype.newbyteorder("<")):
            raise TypeError(f"{called(path)} is an array of {array.dtype}, which cannot be saved. {_OTHERWISE}")
        _refuse_nan(array, path)
        self.arrays[path] = array
        return _node("array", name=path)


class Unpacker:
    """Turns JSON and arrays back into a value. None of it is trusted."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def unpack(self, node: Any, path: str = "") -> Any:
        """Return the value that a node stands for."""
        if node is None or type(node) in (bool, int, str):
            return node
        if type(node) is float:
            return node if math.isfinite(node) else _refuse(path, node, "a number that float64 holds")
        kind = node.get("type") if type(node) is dict else None
        if not isinstance(kind, str) or kind not in _READERS:
            _refuse(path, node, f"an object whose type is one of {', '.join(_READERS)}")
        members, read = _READERS[kind]
        if node.keys() != {"type", *members}:
            _refuse(path, sorted(node), f"the members type, {', '.join(members)}")
        return read(self, path, *(node[name] for name in members))

    def _list(self, path: str, nodes: Any) -> list[Any]:
        return [self.unpack(node, _at(path, i)) for i, node in enumerate(_of(list, nodes, path))]

    def _tuple(self, path: str, nodes: Any) -> tuple[Any, ...]:
        return tuple(self._list(path, nodes))

    def _dict(self, path: str, nodes: Any) -> dict[str, Any]:
        return {name: self.unpack(node, _at(path, name)) for name, node in _of(dict, nodes, path).items()}

    def _infinite(self, path: str, value: Any) -> float:
        return float(value) if value in ("inf", "-inf") else _refuse(path, value, "inf or -inf")

    def _scalar(self, path: str, name: Any, node: Any) -> Any:
        value = self.unpack(node, path)
        if name not in _SCALARS or type(value) is not type(np.dtype(name).type(0).item()):
            _refuse(path, (name, value), f"a type, one of {', '.join(_SCALARS)}, and such a number")
        with telling(path), np.errstate(over="raise"):
            return np.dtype(name).type(value)

    def _array(self, path: str, name: Any) -> Array:
        array = self._archive.take(_of(str, name, path))
        _refuse_nan(array, path)
        return array

    def _objects(self, path: str, nodes: Any) -> Array:
        items = self._list(path, nodes)
        if not _are_plain(items):
            _refuse(path, items, "text and numbers")
        array = np.empty(len(items), dtype=object)
        array[:] = items
        return array

    def _sparse(self, path: str, name: Any, shape: Any, *nodes: Any) -> Any:
        parts = tuple(_of(np.ndarray, self.unpack(node, path), path) for node in nodes)
        kinds = ("biuf", "i", "i")
        if not all(part.ndim == 1 and part.dtype.kind in kind for part, kind in zip(parts, kinds, strict=True)):
            _refuse(path, [part.dtype for part in parts], "one-dimensional arrays of numbers, ints and ints")
        if _of(str, name, path) not in _SPARSE or [type(n) for n in _of(list, shape, path)] != [int, int]:
            _refuse(path, (name, shape), f"a shape of two ints, and one of {', '.join(_SPARSE)}")
        with telling(path):
            matrix = _SPARSE[name](parts, shape=tuple(shape))
            matrix.check_format(full_check=True)
        return matrix

    def _dtype(self, path: str, name: Any) -> np.dtype[Any]:
        if name not in ("float32", "float64"):
            _refuse(path, name, "float32 or float64")
        return np.dtype(np.float32 if name == "float32" else np.float64)

    def _polynomial(self, path: str, *nodes: Any) -> Polynomial:
        coef, domain, window = (_of(list, self.unpack(node, path), path) for node in nodes)
        if not _are_numbers([*coef, *domain, *window]):
            _refuse(path, (coef, domain, window), "lists of numbers")
        with telling(path):
            return Polynomial(coef, domain, window)

    def _distribution(self, path: str, name: Any, args: Any, kwds: Any) -> Any:
        arguments, keywords = self._list(path, args), self._dict(path, kwds)
        if _of(str, name, path) not in _DISTRIBUTIONS or not _are_numbers([*arguments, *keywords.values()]):
            _refuse(path, (name, arguments, keywords), f"numbers as arguments of one of {', '.join(_DISTRIBUTIONS)}")
        with telling(path):
            return _DISTRIBUTIONS[name](*arguments, **keywords)

    def _object(self, path: str, name: Any, parameters: Any, learned: Any) -> Any:
        if _of(str, name, path) not in KINDS:
            _refuse(path, name, f"one of the classes {', '.join(KINDS)}")
        return KINDS[name].put_together(self._dict(path, parameters), self._dict(path, learned), path)


# By the type of a node: its other members, and what turns them into a value.
_READERS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "list": (("items",), Unpacker._list),
    "tuple": (("items",), Unpacker._tuple),
    "dict": (("items",), Unpacker._dict),
    "infinite": (("value",), Unpacker._infinite),
    "scalar": (("dtype", "value"), Unpacker._scalar),
    "array": (("name",), Unpacker._array),
    "objects": (("items",), Unpacker._objects),
    "sparse": (("format", "shape", "data", "indices", "indptr"), Unpacker._sparse),
    "dtype": (("name",), Unpacker._dtype),
    "polynomial": (("coef", "domain", "window"), Unpacker._polynomial),
    "distribution": (("name", "args", "kwds"), Unpacker._distribution),
    "object": (("class", "parameters", "learned"), Unpacker._object),
}


def _node(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, **members}


def _at(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _of(cls: type, value: Any, path: str) -> Any:
    return value if type(value) is cls else _refuse(path, value, f"a {cls.__name__}")


def _refuse(path: str, value: Any, wanted: str) -> NoReturn:
    raise ValueError(f"{called(path)}={reprlib.repr(value)}: expected {wanted}")


def _infinite(value: float, path: str) -> dict[str, Any]:
    if math.isnan(value):
        raise ValueError(f"{called(path)}={value!r} cannot be saved: no parameter and nothing learned is NaN")
    return _node("infinite", value=str(value))


def _refuse_nan(array: Array, path: str) -> None:
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"{called(path)} holds NaN, which no parameter and nothing learned does")


def _are_plain(values: Iterable[Any]) -> bool:
    return {type(each) for each in values} <= {str, int, bool, float}


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(each, int | float | np.number) for each in values)


def _is_known_distribution(value: Any) -> bool:
    dist = getattr(value, "dist", None)
    known = type(dist) is type(_DISTRIBUTIONS.get(getattr(dist, "name", "")))
    return dist is not None and known and _are_numbers([*value.args, *value.kwds.values()])


def _advice(value: Any) -> str:
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return "An int can; and set_params(random_state=None) keeps what was learned"
    if sparse.issparse(value):
        return f"Convert it to one of {', '.join(_SPARSE)}"
    return _OTHERWISE
