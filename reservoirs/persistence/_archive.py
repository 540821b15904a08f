"""The file: a zip archive of one text and many arrays, not compressed, with a seal at its end.

The seal, a hash of all that comes before it, tells of damage. It does not tell of malice, as anybody can compute it: so
nothing that the file claims is believed. As members are not compressed, none is larger than the file is.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

# A file of a larger major version cannot be read; one of a larger minor version can, if it uses nothing new.
MAJOR, MINOR = 1, 0

_TEXT = "model.json"
# Enough for a matrix of a thousand units in lists; and a bound for what a parser has to chew.
_LONGEST_TEXT = 2**26
_SEAL = re.compile(rb"reservoirs model (\d{1,4})\.(\d{1,4}) sha256 ([0-9a-f]{64})\Z")
_LONGEST_SEAL = 128
_HASH_LENGTH = 64
_NPY = b"\x93NUMPY\x01\x00"
# NumPy would evaluate this as Python, and mend it where it is wrong.
_NPY_HEADER = re.compile(
    rb"\{'descr': '([<|][biufUS]\d{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n"
)
_CHUNK = 2**20
# What the readers of zip, npy and JSON files, and we, raise for a file that is not right.
_WRONG_FILE = (
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,  # also NotImplementedError and RecursionError
    OSError,
    TypeError,
    ValueError,
)


def write_archive(path: str | PathLike[str], text: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a file whole or not at all; equal contents give equal bytes."""
    content = text.encode()
    if len(content) > _LONGEST_TEXT:
        raise ValueError(
            f"the model takes {len(content)} bytes without its arrays, at most {_LONGEST_TEXT} can be saved: give "
            "parameters that are long lists as arrays"
        )
    target = Path(path).resolve()  # a link stays one
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(zipfile.ZipInfo(_TEXT), content)
                for name, array in arrays.items():
                    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=array.nbytes > 2**30) as member:
                        np.lib.format.write_array(member, _little_endian(array), version=(1, 0), allow_pickle=False)
                archive.comment = f"reservoirs model {MAJOR}.{MINOR} sha256 {'0' * _HASH_LENGTH}".encode()
            length = file.seek(0, os.SEEK_END) - _HASH_LENGTH
            digest = _hash(file, length)
            file.seek(length)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


class Archive:
    """An open file whose seal is whole: its text, and its arrays, each of which is taken once.

    Attributes
    ----------
    text : str
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, os.SEEK_END)
        _check_seal(file, size)
        self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        self._left = {member.filename: member for member in members}
        if len(self._left) < len(members):
            raise ValueError("it has two members of one name")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
                raise ValueError(f"its member {member.filename!r} is compressed; members are to be stored as they are")
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members overlap")
        text = self._take(_TEXT)
        if text.file_size > _LONGEST_TEXT:
            raise ValueError(f"{_TEXT} has {text.file_size} bytes; at most {_LONGEST_TEXT} are read")
        self.text = self._zip.read(text).decode()

    def take(self, name: str) -> NDArray[Any]:
        """Read an array."""
        member = self._take(f"{name}.npy")
        with self._zip.open(member) as file:
            shape, fortran, dtype = _read_header(file, name)
            # Before any memory is taken: the archive is no larger than its file.
            if prod(shape) * dtype.itemsize != member.file_size - file.tell():
                raise ValueError(f"array {name!r} is not as long as its shape {shape} says")
            if max(shape, default=0) > member.file_size:
                raise ValueError(f"array {name!r} has the shape {shape}, but no elements")
            data = _read(file, member.file_size - file.tell())
        if dtype.kind == "U" and data.size and data.view("<u4").max() > 0x10FFFF:
            raise ValueError(f"array {name!r} holds what is no text")
        array = data.view(dtype).reshape(shape, order="F" if fortran else "C")
        return array.astype(dtype.newbyteorder("="), copy=False)

    def check_all_taken(self) -> None:
        """Raise if something is left that nothing refers to."""
        if self._left:
            raise ValueError(f"it holds {min(self._left)!r}, which belongs to nothing")

    def _take(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._left.pop(name)
        except KeyError:
            raise ValueError(f"it has no member {name!r}, or it is referred to twice") from None


@contextmanager
def read_archive(path: str | PathLike[str]) -> Iterator[Archive]:
    """Open a file; whatever is found wrong while it is open becomes a ValueError that names the file."""
    with Path(path).open("rb") as file:
        try:
            yield Archive(file)
        except _WRONG_FILE as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise ValueError(f"{os.fspath(path)} is not a model that can be loaded: {reason}") from error


def _check_seal(file: IO[bytes], size: int) -> None:
    file.seek(max(0, size - _LONGEST_SEAL))
    seal = _SEAL.search(file.read())
    if seal is None:
        raise ValueError("it does not end like a file of reservoirs.save; it is something else, or not whole")
    major = int(seal[1])
    if major != MAJOR:
        raise ValueError(
            f"its format is {major}.{int(seal[2])}, and this version of reservoirs reads {MAJOR}.x. "
            + ("Upgrade reservoirs" if major > MAJOR else "Load it with an older reservoirs")
            + ", or save the model again with the version that you have"
        )
    if _hash(file, size - _HASH_LENGTH) != seal[3]:
        raise ValueError("it was damaged or changed after it was written: its SHA-256 is not the one at its end")


def _hash(file: IO[bytes], length: int) -> bytes:
    """Return the SHA-256, in hexadecimal digits, of the first bytes of a file."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0 and (chunk := file.read(min(length, _CHUNK))):
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest().encode()


def _read_header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns come first, and type of an array."""
    length = struct.unpack("<H", preamble[8:])[0] if (preamble := file.read(10))[:8] == _NPY else 0
    header = _NPY_HEADER.fullmatch(file.read(length))
    if header is None:
        raise ValueError(f"array {name!r} is not in version 1.0 of the .npy format, with numbers, bools or text")
    dtype = np.dtype(header[1].decode())
    if not is_plain(dtype):
        raise ValueError(f"array {name!r} has the type {dtype}; expected numbers, bools or text")
    return tuple(int(n) for n in header[3].split(b",") if n.strip()), header[2] == b"True", dtype


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether these are numbers that every machine has, or text."""
    known = (dtype.kind in "biuf" and dtype.itemsize <= 8) or dtype.kind in "US"
    return known and dtype.itemsize > 0 and dtype.str[0] in "<|"


def _read(file: IO[bytes], size: int) -> NDArray[np.uint8]:
    data = np.empty(size, np.uint8)
    at = 0
    while at < size:
        chunk = file.read(min(size - at, _CHUNK))
        if not chunk:
            raise ValueError(f"expected {size} bytes of data, found {at}")
        data[at : at + len(chunk)] = np.frombuffer(chunk, np.uint8)
        at += len(chunk)
    file.read(1)  # makes zipfile compare the checksum
    return data
