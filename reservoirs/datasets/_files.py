"""Where files of data lie, and reading those that may be truncated or hostile.

A file's header is a claim: memory grows with the bytes that are really there, and never beyond a bound.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

StrPath = str | PathLike[str]

MOST_BYTES = 2**30
_CHUNK = 2**20


def data_path(path: StrPath | None, default: str, advice: str) -> Path:
    """Return `path`, or if that is None the path `default` inside the folder that RESERVOIRS_DATA names."""
    if path is not None:
        return Path(path)
    folder = os.environ.get("RESERVOIRS_DATA")
    if not folder:
        raise FileNotFoundError(f"path=None needs the environment variable RESERVOIRS_DATA, which is not set; {advice}")
    return Path(folder) / default


def find_file(path: Path, names: tuple[str, ...], advice: str) -> Path:
    """Return the first of the files `names` that the folder `path` has."""
    for name in names:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(f"path={str(path)!r} has no file {' or '.join(names)}; {advice}")


def read_bytes(file: IO[bytes], size: int) -> bytearray:
    """Read exactly `size` bytes, growing with what is there rather than with what is asked for."""
    data = bytearray()
    while len(data) < size:
        chunk = file.read(min(size - len(data), _CHUNK))
        if not chunk:
            raise ValueError(f"expected {size} bytes of data, found {len(data)}")
        data += chunk
    return data


def read_npz(path: Path, dtypes: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Read arrays of no more than one dimension from a ``.npz`` file; nothing in it is unpickled.

    `dtypes` says what each array has to be, as NumPy abbreviates it; "U" is text of any length.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read_member(archive, name, dtype) for name, dtype in dtypes.items()}
    # zipfile has no error of its own for an unknown method (NotImplementedError) or encryption (RuntimeError).
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise ValueError(f"{path} is not the .npz file that is expected: {error}") from error


def _read_member(archive: zipfile.ZipFile, name: str, expected: str) -> NDArray[Any]:
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"it has no array {name!r}") from None
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"array {name!r} is not in version 1.0 of the .npy format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if len(shape) > 1 or (dtype.kind != "U" if expected == "U" else dtype != np.dtype(expected)):
            raise ValueError(f"array {name!r} is of type {dtype} and shape {shape}; expected {expected} and (n,) or ()")
        size = prod(shape) * dtype.itemsize
        if size > MOST_BYTES:
            raise ValueError(f"array {name!r} claims {size} bytes; at most {MOST_BYTES} are read")
        data = read_bytes(file, size)
        if file.read(1):  # also makes zipfile compare the checksum
            raise ValueError(f"array {name!r} is longer than its header says")
    return np.frombuffer(data, dtype, prod(shape)).reshape(shape)
