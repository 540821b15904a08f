"""From a fitted estimator to C99 source that computes exactly what Python computed.

The C code allocates nothing and calls no library but ``memcpy`` and ``memset``; the caller owns its state; weights are
constants that stay in flash. `docs/export.md` tells how to use it on a microcontroller.
"""

from __future__ import annotations

import re
from typing import Any

from sklearn.pipeline import Pipeline

from .._params import check_choice
from ..esn.dynamics import Leaky, check_dynamics
from ..lsm._base import BaseLiquid
from ..topology import HadamardWeights
from ._fixed import FixedNetwork, make_fixed
from ._learning import check_learner, make_extras
from ._liquid import take_liquid_apart, write_liquid
from ._liquid_source import LiquidSource
from ._network_source import NetworkSource
from ._parts import Network, Parts, take_apart
from ._source import CSource
from ._write import Code, write

__all__ = ["CSource", "to_c"]

DTYPES = ("float32", "int16", "int8")
STYLES = ("single-header", "c+h")
# Keywords, headers that the C code includes, and the prefix of what runs it on the host.
_TAKEN = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "stddef stdint string host"
)


def to_c(
    model: Any,
    name: str,
    *,
    dtype: str = "float32",
    style: str = "single-header",
    refit: Any = None,
    learner: Any = None,
    anomaly: float | None = None,
) -> CSource:
    """Write a fitted model as C99.

    Parameters
    ----------
    model : ESNRegressor, ESNForecaster, ESNClassifier, NVAR, liquid or Pipeline
        The fitted model, with the ridge readout; or a pipeline of StandardScaler or MinMaxScaler and one of these.
        Of a LiquidStateMachine, LSMClassifier or LSMRegressor the neurons must be LIF and the weights fixed; the
        readout may be logistic regression. A float64 model is rounded to float32 first.
    name : str
        Prefix of every identifier, and the name of the files.
    dtype : {"float32", "int16", "int8"}, default="float32"
        What the C code computes in: the numbers of the model, and the same bits; or integers, with weights of 16 or 8
        bits and states of 32. Integers are for echo-state networks with tanh or sigmoid units.
    style : {"single-header", "c+h"}, default="single-header"
        One header, whose code is compiled in the one file that defines ``NAME_IMPLEMENTATION`` before it includes it;
        or a header and a C file.
    refit : tuple, default=None
        With integers, what the readout is fitted to again, because no readout survives the rounding of the weights
        below it: the arguments of the model's `fit`, ``(X, y)`` or ``(y,)`` or ``(y, X)``, usually the same.
    learner : NLMS, LMS or RLS, default=None
        A rule of :mod:`reservoirs.streaming` by which the readout of a regressor or forecaster goes on learning on the
        device, in float32; RLS with an `alpha`.
    anomaly : float, default=None
        Adds a function that scores how unusual each row is, as :func:`reservoirs.metrics.anomaly_scores` does with this
        `forgetting`.

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
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in _TAKEN.split():
        raise ValueError(
            f"name={name!r} must be a C identifier, letters, digits and underscores, and none of: {_TAKEN}"
        )
    if (dtype == "float32") != (refit is None):
        raise ValueError(
            f"dtype={dtype!r} {'needs no refit' if refit is not None else 'needs refit, the data of the fit'}"
        )
    if isinstance(model[-1] if isinstance(model, Pipeline) else model, BaseLiquid):
        if learner is not None or anomaly is not None:
            raise ValueError("learner and anomaly are for regressors and forecasters in float32, not for liquids")
        if dtype != "float32":
            raise ValueError(f"dtype={dtype!r} is for echo-state networks; a liquid of weight_dtype='int8' has 8 bits")
        liquid = take_liquid_apart(model)
        code = write_liquid(liquid, name)
        return LiquidSource(name, *_files(code, name, style), liquid.reference, code.driver, liquid)
    parts = take_apart(model)
    if learner is not None or anomaly is not None:
        check_learner(learner, parts, dtype)
    extras = make_extras(parts, learner, anomaly)
    parts, fixed = _in_integers(parts, dtype, refit) if dtype != "float32" else (parts, None)
    code = write(parts, name, dtype, fixed, extras)
    return NetworkSource(name, *_files(code, name, style), parts.reference, code.driver, parts, fixed)


def _files(code: Code, name: str, style: str) -> tuple[str, str]:
    """Return the text of the header and of the C file, of which the second may be empty."""
    if style == "c+h":
        return code.header, f'#include "{name}.h"\n\n{code.implementation}'
    return f"{code.header}\n#ifdef {name.upper()}_IMPLEMENTATION\n\n{code.implementation}\n#endif\n", ""


def _in_integers(parts: Parts, dtype: str, refit: Any) -> tuple[Parts, FixedNetwork]:
    if not isinstance(parts.core, Network):
        name = type(parts.estimator).__name__
        raise ValueError(f"dtype={dtype!r} is for echo-state networks; export {name} as 'float32'")
    if parts.core.activation not in ("tanh", "sigmoid"):
        raise ValueError(f"dtype={dtype!r} needs bounded states, which activation={parts.core.activation!r} has not")
    if isinstance(parts.core.W, HadamardWeights):
        raise ValueError(f"Hadamard weights are for 'float32'; dtype={dtype!r} is for links, as topology='blocked' has")
    if not isinstance(dynamics := check_dynamics(parts.estimator.dynamics), Leaky):
        raise ValueError(f"dynamics={dynamics!r} is for 'float32'; dtype={dtype!r} is for 'leaky' only")
    wanted, lengths = ("(y,) or (y, X)", (1, 2)) if parts.kind == "forecaster" else ("(X, y)", (2,))
    if not isinstance(refit, tuple) or len(refit) not in lengths:
        what = f"a tuple of {len(refit)}" if isinstance(refit, tuple) else type(refit).__name__
        raise ValueError(f"refit is {what}; expected the tuple of what fit takes, {wanted}")
    return make_fixed(parts, 16 if dtype == "int16" else 8, refit)
