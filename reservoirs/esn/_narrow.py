"""Recurrent weights in fewer bits: rounded here, once; the core stores them so, as it finds that nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._params import check_choice

# Significant bits of a scale: with the 7 of an integer, less than a float32 has, so that products are exact.
_BITS_OF_SCALE = 16
_LARGEST_INTEGER = 127


def rounded(W: Any, weight_dtype: Any) -> Any:
    """Return float64 weights, dense or CSR, rounded to what `weight_dtype` (None: as they are) can hold.

    "int8" is an integer of up to 127 times a scale for each row, "bfloat16" the upper half of a float32.
    """
    if weight_dtype is None:
        return W
    if check_choice("weight_dtype", weight_dtype, ("bfloat16", "int8")) == "bfloat16":
        values = _to_bfloat16(W.data if sparse.issparse(W) else W)
        return sparse.csr_array((values, W.indices, W.indptr), shape=W.shape) if sparse.issparse(W) else values
    largest = abs(W).max(axis=1)
    mantissa, exponent = np.frexp((largest.toarray().ravel() if sparse.issparse(W) else largest) / _LARGEST_INTEGER)
    scale = np.ldexp(np.ceil(np.ldexp(mantissa, _BITS_OF_SCALE)), exponent - _BITS_OF_SCALE)
    # A row without weights has no scale, and needs none.
    scale = np.where(scale > 0, scale, 1.0)
    if not sparse.issparse(W):
        return np.rint(W / scale[:, None]) * scale[:, None]
    of_link = np.repeat(scale, np.diff(W.indptr))
    return sparse.csr_array((np.rint(W.data / of_link) * of_link, W.indices, W.indptr), shape=W.shape)


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    bits = values.astype(np.float32).view(np.uint32)
    # To the nearest, of two equally near to the even one.
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)
