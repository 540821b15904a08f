"""Readers of event files.

Files are taken for hostile: a reader gives valid events or a ValueError that names the file, the place and what was
expected there, nothing is unpickled, and no more memory is asked for than the file's bytes call for.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reservoirs.encoding.events import Events, check_integer, check_shape

_NMNIST_BYTES = 5
_NMNIST_SHAPE = (34, 34)
# The authors' reader (github.com/gorchard/event-Python): an event in this row stands for 2^13 us that have gone by.
_NMNIST_OVERFLOW_ROW = 240
_NMNIST_OVERFLOW = 2**13


def read_nmnist(path: str | PathLike[str], *, shape: tuple[int, int] = _NMNIST_SHAPE) -> Events:
    """Read a recording of N-MNIST (a ``.bin`` file); those of N-Caltech101 have the same format.

    An event has 40 bits: 8 of x, 8 of y, one of polarity (1 = ON) and 23 of time in microseconds, the high byte first.
    An event with y = 240 only says that 2^13 microseconds more have gone by.

    Parameters
    ----------
    path : str or path-like
        The file.
    shape : tuple (height, width), default=(34, 34)
        Size of the sensor.

    Returns
    -------
    Events
        With polarity; simultaneous events are in the file's order. The recording ends with its last event.

    Raises
    ------
    ValueError
        If the file is empty, ends within an event or has an event outside of the sensor.

    References
    ----------
    G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, "Converting static image datasets to spiking neuromorphic
    datasets using saccades", Frontiers in Neuroscience 9:437, 2015.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.encoding import Events, read_nmnist, write_nmnist
    >>> events = Events.from_arrays([10, 70000], [35, 1155], [1, 0], shape=(34, 34))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nmnist(Path(folder) / "00001.bin", events)
    ...     copy = read_nmnist(Path(folder) / "00001.bin")
    >>> copy.t.tolist(), copy.address.tolist(), copy.polarity.tolist()
    ([10, 70000], [35, 1155], [1, 0])
    """
    data = Path(path).read_bytes()
    if not data or len(data) % _NMNIST_BYTES:
        raise ValueError(
            f"{path}, offset {len(data)}: the file ends within an event; expected a multiple of {_NMNIST_BYTES} bytes"
        )
    x, y, *rest = np.frombuffer(data, dtype=np.uint8).reshape(-1, _NMNIST_BYTES).T.astype(np.int64)
    polarity = rest[0] >> 7
    t = (rest[0] & 127) << 16 | rest[1] << 8 | rest[2]
    overflow = y == _NMNIST_OVERFLOW_ROW
    t += _NMNIST_OVERFLOW * np.cumsum(overflow)
    offset = np.arange(len(t)) * _NMNIST_BYTES
    t, x, y, polarity, offset = (column[~overflow] for column in (t, x, y, polarity, offset))
    return pixel_events(path, t, x, y, polarity, shape, lambda i: f"offset {offset[i]}")


def write_nmnist(path: str | PathLike[str], events: Events) -> None:
    """Write events as N-MNIST has them.

    Parameters
    ----------
    path : str or path-like
        The file.
    events : Events
        Of a sensor of two dimensions, at most 240 rows and 256 columns, with polarity, before 2^23 microseconds
        (8.4 s).

    Raises
    ------
    ValueError
        If the events do not fit the format.
    """
    fits = len(events.shape) == 2 and events.shape[0] <= _NMNIST_OVERFLOW_ROW and events.shape[1] <= 256
    if not fits or events.polarity is None or (len(events) and events.t[-1] >= 2**23):
        raise ValueError(
            f"events is {events!r}; expected signed events of at most 240 x 256 pixels before 2^23 microseconds"
        )
    y, x = np.divmod(events.address, events.shape[1])
    signed_time = events.polarity.astype(np.int64) << 23 | events.t
    columns = [x, y, signed_time >> 16, signed_time >> 8 & 255, signed_time & 255]
    Path(path).write_bytes(np.stack(columns, axis=1).astype(np.uint8).tobytes())


def read_events(
    path: str | PathLike[str], *, shape: tuple[int, int] | None = None, duration: int | None = None
) -> Events:
    r"""Read events from a NumPy or CSV file.

    A ``.npy`` file holds a structured array, a ``.npz`` file arrays, and a ``.csv`` or ``.txt`` file columns set apart
    by commas, named t, x, y and, if events have a sign, p. The columns of a CSV file are in this order unless its first
    line names them. Times are whole microseconds; polarities are 0 and 1 or -1 and 1. Events may be in any order.

    Parameters
    ----------
    path : str or path-like
        The file. Nothing is unpickled.
    shape : tuple (height, width), default=None
        Size of the sensor; None takes the smallest that has all events.
    duration : int, default=None
        End of the recording in microseconds; None means one microsecond after the last event.

    Returns
    -------
    Events

    Raises
    ------
    ValueError
        If the file is of another kind, malformed or truncated, or if an event is outside of the sensor.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.encoding import read_events
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "events.csv"
    ...     _ = path.write_text("t,x,y,p\n10,2,0,1\n25,0,1,0\n")
    ...     read_events(path)
    Events(2 events, shape=(2, 3), signed, 0.026 ms)
    """
    readers: dict[str, Callable[[Any, bytes], dict[str, np.ndarray]]] = {
        ".npy": _npy_columns,
        ".npz": _npz_columns,
        ".csv": _csv_columns,
        ".txt": _csv_columns,
    }
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise ValueError(f"{path}: expected a name that ends in one of {', '.join(readers)}")
    columns = readers[suffix](path, Path(path).read_bytes())
    t, x, y = (_whole_numbers(path, name, columns) for name in "txy")
    polarity = np.maximum(_whole_numbers(path, "p", columns), 0) if "p" in columns else None
    if "p" in columns and (wrong := np.flatnonzero(~np.isin(columns["p"], (-1, 0, 1)))).size:
        raise ValueError(f"{path}, event {wrong[0]}: expected a polarity of 0, 1 or -1, found {columns['p'][wrong[0]]}")
    if any(len(column) != len(t) for column in (x, y, t if polarity is None else polarity)):
        raise ValueError(f"{path}: expected arrays t, x, y (and p) of equal length")
    if shape is None:
        shape = int(y.max(initial=0)) + 1, int(x.max(initial=0)) + 1
    return pixel_events(path, t, x, y, polarity, shape, lambda i: f"event {i}", duration)


def pixel_events(
    path: Any,
    t: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    polarity: np.ndarray | None,
    shape: tuple[int, int],
    place: Callable[[int], str],
    duration: int | None = None,
) -> Events:
    """Make events of pixels; `place` says where in the file event i is."""
    height, width = _check_camera(path, shape)
    if duration is None and len(t) == 0:
        raise ValueError(f"{path}: expected at least one event, found none")
    latest = np.iinfo(np.int64).max - 1 if duration is None else check_integer("duration", duration) - 1
    for name, values, most in (("x", x, width - 1), ("y", y, height - 1), ("time", t, latest)):
        if (wrong := np.flatnonzero((values < 0) | (values > most))).size:
            i = int(wrong[0])
            raise ValueError(f"{path}, {place(i)}: expected {name} from 0 to {most}, found {values[i]}")
    try:
        return Events.from_arrays(t, y * width + x, polarity, shape=shape, duration=duration)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _check_camera(path: Any, shape: Any) -> tuple[int, int]:
    try:
        height, width = check_shape(shape)
    except ValueError as error:
        raise ValueError(f"{path}: expected a sensor of (height, width): {error}") from error
    return height, width


def _whole_numbers(path: Any, name: str, columns: dict[str, np.ndarray]) -> np.ndarray:
    if name not in columns:
        raise ValueError(f"{path}: expected arrays named t, x, y (and p), found {', '.join(columns) or 'none'}")
    column = columns[name]
    if column.ndim != 1 or (column.dtype.kind not in "iub" and column.size):
        raise ValueError(
            f"{path}: expected whole numbers of shape (n_events,) in {name}, found {column.dtype} of shape "
            f"{column.shape}"
        )
    if column.size and int(column.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{path}: {name} has {column.max()}, more than 64 bits hold")
    return column.astype(np.int64)


def _npy_columns(path: Any, data: bytes) -> dict[str, np.ndarray]:
    array = _npy_array(path, io.BytesIO(data), len(data))
    if array.dtype.names is None:
        raise ValueError(f"{path}: expected a structured array with fields t, x, y (and p), found {array.dtype}")
    return {name: array[name] for name in array.dtype.names}


def _npz_columns(path: Any, data: bytes) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            names = [name for name in "txyp" if f"{name}.npy" in members]
            return {name: _npz_array(path, archive, members[f"{name}.npy"]) for name in names}
    # What zipfile raises for the malformed, the truncated, the encrypted and the exotic. The file itself was read.
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        OverflowError,
        UnicodeError,
    ) as error:
        raise ValueError(f"{path}: not a .npz file, or a damaged one: {error}") from error


def _npz_array(path: Any, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{path}, {info.filename}: expected an array that is stored or deflated")
    # Deflate cannot shrink more than this, so the size it claims is bounded by bytes that are there.
    if info.file_size > 1032 * info.compress_size + 1024:
        raise ValueError(f"{path}, {info.filename}: {info.compress_size} bytes cannot hold {info.file_size}")
    with archive.open(info) as file:
        data = file.read(info.file_size)
    return _npy_array(f"{path}, {info.filename}", io.BytesIO(data), len(data))


def _npy_array(path: Any, file: BinaryIO, size: int) -> np.ndarray:
    """Read an array after checking that the file has the bytes its header speaks of."""
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(file)
    except Exception as error:  # NumPy evaluates the header as Python: whatever that stumbles over
        raise ValueError(f"{path}, offset 0: expected a .npy header of version 1 or 2: {error}") from error
    if dtype.hasobject:
        raise ValueError(f"{path}, offset 0: expected an array of numbers, found one of Python objects (a pickle)")
    if len(shape) != 1:
        raise ValueError(f"{path}, offset 0: expected an array of shape (n_events,), found {shape}")
    begin, expected = file.tell(), shape[0] * dtype.itemsize
    if shape[0] < 0 or dtype.itemsize == 0 or expected != size - begin:
        raise ValueError(
            f"{path}, offset {begin}: expected {expected} bytes for {shape[0]} numbers of type {dtype}, found "
            f"{size - begin}"
        )
    return np.frombuffer(file.read(), dtype=dtype) if expected else np.empty(0, dtype)


def _csv_columns(path: Any, data: bytes) -> dict[str, np.ndarray]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, offset {error.start}: expected text: {error}") from error
    rows = _csv_rows(path, lines)
    first = next(rows, (1, []))
    if names := [word for word in first[1] if word in ("t", "x", "y", "p")]:
        if sorted(names) not in (["t", "x", "y"], ["p", "t", "x", "y"]) or len(names) != len(first[1]):
            raise ValueError(f"{path}, line {first[0]}: expected the columns t, x, y (and p), found {first[1]}")
    else:
        names = ["t", "x", "y", "p"][: max(3, len(first[1]))]
        rows = _csv_rows(path, lines)
    table = [_csv_numbers(path, number, row, len(names)) for number, row in rows]
    return dict(zip(names, np.array(table, dtype=np.int64).reshape(-1, len(names)).T, strict=True))


def _csv_rows(path: Any, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            yield number, [word.strip() for word in line.split(",")]


def _csv_numbers(path: Any, number: int, row: list[str], width: int) -> list[int]:
    try:
        values = [int(word) for word in row]
    except ValueError:
        values = []
    if len(values) != width or max(map(abs, values)) > np.iinfo(np.int64).max:
        text = ",".join(row)
        raise ValueError(
            f"{path}, line {number}: expected {width} whole numbers of at most 64 bits set apart by commas, found "
            f"{text[:40]!r}"
        )
    return values
