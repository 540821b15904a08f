"""LAPACK, as SciPy offers it to Cython: without the interpreter lock, so that threads solve side by side.

SciPy's wrappers for Python keep the lock, those of NumPy have no tridiagonal form.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cython_lapack

_name_of = ctypes.pythonapi.PyCapsule_GetName
_name_of.restype, _name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


Argument = str | int | float | NDArray[Any]


def call(name: str, *arguments: Argument) -> int:
    """Call a routine with all its arguments but the last, `info`, which is returned.

    Arrays are float64 in Fortran order; what the routine writes goes to them.
    """
    info = ctypes.c_int64(0)
    _routine(name, None)(*map(_passed, arguments), ctypes.byref(info))
    return info.value


def value(name: str, *arguments: Argument) -> float:
    """Call a function of such arguments and return its value."""
    return float(_routine(name, ctypes.c_double)(*map(_passed, arguments)))


@cache
def _routine(name: str, result: Any) -> Any:
    capsule = cython_lapack.__pyx_capi__[name]
    return ctypes.CFUNCTYPE(result)(_pointer_of(capsule, _name_of(capsule)))


def _passed(argument: Argument) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, str):
        return ctypes.c_char_p(argument.encode())
    # Of 64 bits, wherever LAPACK's integers have 32: the lower half comes first.
    return ctypes.byref(ctypes.c_int64(argument) if isinstance(argument, int) else ctypes.c_double(argument))
