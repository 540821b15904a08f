"""From a fitted estimator to C99 source that computes exactly what Python computed.

The C code allocates nothing and calls no library but ``memcpy`` and ``memset``; the caller owns its state; weights are
constants that stay in flash. `docs/export.md` tells how to use it on a microcontroller.
"""

from __future__ import annotations

import re
from typing import Any

from .._params import check_choice
from ._parts import take_apart
from ._source import CSource
from ._write import write

__all__ = ["CSource", "to_c"]

DTYPES = ("float32",)
STYLES = ("single-header", "c+h")
_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
)


def to_c(model: Any, name: str, *, dtype: str = "float32", style: str = "single-header") -> CSource:
    """Write a fitted model as C99.

    Parameters
    ----------
    model : ESNRegressor, ESNForecaster, ESNClassifier, NVAR or Pipeline
        The fitted model, with the ridge readout; or a pipeline of StandardScaler or MinMaxScaler and one of these. A
        float64 model is rounded to float32 first.
    name : str
        Prefix of every identifier, and the name of the files.
    dtype : {"float32"}, default="float32"
        What the C code computes in.
    style : {"single-header", "c+h"}, default="single-header"
        One header, whose code is compiled in the one file that defines ``NAME_IMPLEMENTATION`` before it includes it;
        or a header and a C file.

    Returns
    -------
    CSource
        The text, to be written, or run on this machine.

    Raises
    ------
    ValueError
        For a model or an argument that cannot be exported.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.datasets import mackey_glass
    >>> from reservoirs.export import to_c
    >>> y = mackey_glass(1000).astype(np.float32)
    >>> model = ESNForecaster(n_units=50, random_state=0).fit(y)
    >>> code = to_c(model, "predictor")
    >>> print(code)  # doctest: +ELLIPSIS
    /* ESNForecaster in float32, written by reservoirs ...
    >>> (code.predict(y) == model.predict(y)).all()  # compiles the C code  # doctest: +SKIP
    True
    """
    check_choice("dtype", dtype, DTYPES)
    check_choice("style", style, STYLES)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in _KEYWORDS.split():
        raise ValueError(f"name={name!r} must be a C identifier: letters, digits and underscores")
    parts = take_apart(model)
    code = write(parts, name)
    header, source = code.header, f'#include "{name}.h"\n\n{code.implementation}'
    if style == "single-header":
        macro = f"{name.upper()}_IMPLEMENTATION"
        header, source = f"{header}\n#ifdef {macro}\n\n{code.implementation}\n#endif\n", ""
    return CSource(name, header, source, parts.reference, parts, code.driver)
