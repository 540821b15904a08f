"""Saving and loading models as files that hold data and nothing else.

`docs/file-format.md` describes the format.
"""

from __future__ import annotations

import json
import reprlib
from os import PathLike
from typing import Any

from sklearn.base import BaseEstimator

from ._archive import read_archive, write_archive
from ._values import Packer, Unpacker

__all__ = ["load", "save"]


def save(model: Any, path: str | PathLike[str]) -> None:
    """Write a model to a file.

    The file holds the parameters and what was learned, as numbers and text: it needs no pickle, and loading it runs no
    code of its own. It is written whole or not at all, so a failure leaves an older file as it was.

    Parameters
    ----------
    model : estimator
        An estimator or part of this package, fitted or not, or a scikit-learn ``Pipeline`` of these with
        ``StandardScaler``, ``MinMaxScaler`` and ``LogisticRegression``.
    path : str or path-like
        The file, of any name. An older file is replaced.

    Raises
    ------
    TypeError
        For what such a file has no place for: other estimators (as `readout`), ``RandomState`` instances, functions.
        The message names the attribute.
    ValueError
        For numbers that are not finite where they have to be.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read it again.

    Notes
    -----
    ``joblib.dump`` saves what this does not; but such a file may run any code when it is loaded.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from reservoirs import ESNForecaster
    >>> from reservoirs.persistence import load, save
    >>> model = ESNForecaster(n_units=20, random_state=0).fit(np.sin(np.arange(200) / 5))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/sine.npz")
    ...     again = load(f"{folder}/sine.npz")
    >>> bool((again.forecast(10) == model.forecast(10)).all())
    True
    """
    if not isinstance(model, BaseEstimator):
        raise TypeError(f"model={reprlib.repr(model)} is not an estimator")
    packer = Packer()
    document = {"model": packer.pack(model)}
    write_archive(path, json.dumps(document, allow_nan=False, separators=(",", ":")), packer.arrays)


def load(path: str | PathLike[str]) -> Any:
    """Read a model that :func:`save` has written.

    Nothing in the file is run or imported, and no more memory is taken than is in proportion to its size: files from
    anywhere may be loaded. What a model then does follows from its parameters, which are yours to read.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator
        Its predictions are the same bits as those of the model that was saved.

    Raises
    ------
    ValueError
        For a file that is truncated, damaged, of a newer format or not one of ours, and for a model that cannot be. The
        message says which file, and what is wrong.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write it.

    Examples
    --------
    >>> import tempfile
    >>> from reservoirs import NVAR
    >>> from reservoirs.persistence import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(NVAR(delays=3), f"{folder}/nvar.npz")
    ...     load(f"{folder}/nvar.npz")
    NVAR(delays=3)
    """
    with read_archive(path) as archive:
        document = json.loads(archive.text, parse_constant=_refuse_constant)
        if not isinstance(document, dict) or document.keys() != {"model"}:
            raise ValueError("model.json: expected an object with the one member 'model'")
        model = Unpacker(archive).unpack(document["model"])
        if not isinstance(model, BaseEstimator):
            raise ValueError(f"model.json: the model is a {type(model).__name__}; expected an estimator")
        archive.check_all_taken()
    return model


def _refuse_constant(name: str) -> None:
    raise ValueError(f"model.json: {name} is not JSON")
