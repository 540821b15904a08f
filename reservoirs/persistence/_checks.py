"""What a value has to be, said once: for the check and for its message.

A table of checks stands for the attributes of a class. Its keys are their names, with a question mark where one may be
missing. Dimensions of arrays go by names; those of one name have to agree within a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

Sizes = dict[str, int]


@dataclass(frozen=True)
class Check:
    """What a value has to be.

    Attributes
    ----------
    wanted : str
        In words.
    fits : callable
        Takes a value and the sizes of dimensions known so far, adds to these, and tells whether the value will do.
    """

    wanted: str
    fits: Callable[[Any, Sizes], bool]


Table = Mapping[str, Check]


def called(path: str) -> str:
    """Return what errors call the attribute at a path, "" being that of the model."""
    return path or "the model"


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Let errors that others raise say which attribute they are about."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{called(path)}: {error}") from error


def find_fault(table: Table, values: Mapping[str, Any]) -> str | None:
    """Return which attribute is not as a table says, and how; None if all are. All of them may be missing."""
    required = {name for name in table if not name.endswith("?")}
    if unknown := sorted(values.keys() - {name.removesuffix("?") for name in table}):
        return f"has {unknown[0]!r}, which is unknown here"
    missing = sorted(required - values.keys())
    if missing and len(missing) < len(required):
        return f"lacks {missing[0]!r}"
    sizes: Sizes = {}
    for name, check in table.items():
        value = values.get(name.removesuffix("?"), _MISSING)
        if value is not _MISSING and not check.fits(value, sizes):
            known = ", ".join(f"{dim} = {n}" for dim, n in sizes.items() if dim in check.wanted)
            return f"has {name.removesuffix('?')!r}, {_described(value)}; expected {check.wanted}" + (
                f" with {known}" if known else ""
            )
    return None


def array(kinds: str, *dims: str, infinite: bool = False, order: str = "A") -> Check:
    """Expect an array whose dtype is of certain kinds, as NumPy abbreviates them."""

    def fits(value: Any, sizes: Sizes) -> bool:
        right = isinstance(value, np.ndarray) and value.dtype.kind in kinds
        ordered = order != "F" or (right and value.flags.f_contiguous)
        return right and ordered and _agree(value.shape, dims, sizes) and (infinite or _is_finite(value))

    finite = "" if infinite or "f" not in kinds else "finite "
    names = "/".join(_KINDS[kind] for kind in kinds)
    return Check(f"{finite}{names} of shape ({', '.join(dims)})" + (" in columns" if order == "F" else ""), fits)


def floats(*dims: str, infinite: bool = False, order: str = "A") -> Check:
    """Expect an array of floats."""
    return array("f", *dims, infinite=infinite, order=order)


def matrix(form: str, *dims: str) -> Check:
    """Expect a sparse array of finite floats in the form "csr" or "csc"."""

    def fits(value: Any, sizes: Sizes) -> bool:
        right = sparse.issparse(value) and value.format == form and value.dtype.kind == "f"
        return right and _agree(value.shape, dims, sizes) and _is_finite(value.data)

    return Check(f"a sparse array in {form} form of finite floats of shape ({', '.join(dims)})", fits)


def number(least: float = 0.0) -> Check:
    """Expect a finite number."""
    return Check(
        f"a finite number of at least {least:g}",
        lambda value, _: isinstance(value, float | int | np.number) and bool(least <= value < np.inf),
    )


def size(dim: str) -> Check:
    """Expect an int that is the size of a dimension."""
    return Check(f"the number of {dim}", lambda value, sizes: type(value) is int and _agree((value,), (dim,), sizes))


def of(*classes: type) -> Check:
    """Expect an object of one of some classes."""
    return Check(f"one of {', '.join(cls.__name__ for cls in classes)}", lambda value, _: isinstance(value, classes))


def either(*checks: Check) -> Check:
    """Expect what one of the checks does."""
    return Check(
        " or ".join(check.wanted for check in checks),
        lambda value, sizes: any(check.fits(value, sizes) for check in checks),
    )


def many(check: Check) -> Check:
    """Expect a list of what a check does."""
    return Check(
        f"a list of {check.wanted}",
        lambda value, sizes: type(value) is list and all(check.fits(item, sizes) for item in value),
    )


def mapping(table: Table) -> Check:
    """Expect a dict of certain keys."""
    return Check(
        "a dict of " + ", ".join(f"{name.removesuffix('?')} ({check.wanted})" for name, check in table.items()),
        lambda value, _: type(value) is dict and find_fault(table, value) is None,
    )


NOTHING = Check("None", lambda value, _: value is None)
FLAG = Check("True or False", lambda value, _: type(value) is bool)
# Seeds have 64 bits, and nothing that is counted needs more.
WHOLE = Check("a whole number of 64 bits", lambda value, _: type(value) is int and 0 <= value < 2**64)
STEPS = Check("a whole number of at least -1", lambda value, _: type(value) is int and -1 <= value < 2**31)
TEXT = Check("text", lambda value, _: type(value) is str)

_MISSING = object()
_KINDS = {"f": "floats", "i": "ints", "u": "unsigned ints", "b": "bools", "U": "text", "S": "bytes", "O": "objects"}


def _agree(shape: tuple[int, ...], dims: tuple[str, ...], sizes: Sizes) -> bool:
    if len(shape) != len(dims) or min(shape, default=0) < 0:
        return False
    return all(sizes.setdefault(dim, n) == n for dim, n in zip(dims, shape, strict=True))


def _is_finite(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        finite = _is_finite(value if isinstance(value, np.ndarray) else value.data)
        return f"a {type(value).__name__} of {value.dtype} and shape {value.shape}{'' if finite else ', not finite'}"
    return f"{value!r:.60}"
