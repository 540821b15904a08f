"""Reader of AEDAT files, the recordings of iniVation's event cameras."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from reservoirs._params import check_choice
from reservoirs.encoding.events import Events
from reservoirs.encoding.readers import pixel_events

# Height and width of the cameras whose files say no more than their names.
_SENSORS = {
    "DVS128": (128, 128),
    "DAVIS128": (128, 128),
    "DAVIS208": (192, 208),
    "DAVIS240": (180, 240),
    "DAVIS346": (260, 346),
    "DAVIS640": (480, 640),
}
_POLARITY_EVENT = 1
_PACKET_HEADER = struct.Struct("<hhiiiiii")


def read_aedat(path: str | PathLike[str], *, sensor: str | None = None) -> Events:
    """Read the polarity events of an AEDAT file, version 2.0 (jAER) or 3.1 (cAER), of a DVS128 or DAVIS camera.

    Frames, inertial measurements and special events are left out, and so are events that are marked invalid. Row 0 is
    the upper one, as in images; version 2.0 counts rows from below, and they are turned over.

    Parameters
    ----------
    path : str or path-like
        The file.
    sensor : str, default=None
        The camera, "DVS128", "DAVIS128", "DAVIS208", "DAVIS240", "DAVIS346" or "DAVIS640", for files whose header does
        not name it. None takes it from the header.

    Returns
    -------
    Events
        With polarity and the file's times, which need not begin at 0 (see :meth:`Events.between`); simultaneous events
        are in the file's order, events that go back in time are sorted. The recording ends with its last event.

    Raises
    ------
    ValueError
        If the file is of another version, malformed or truncated, or if the camera is not known.

    References
    ----------
    iniVation, "AEDAT file formats", docs.inivation.com.
    """
    data = Path(path).read_bytes()
    version = re.match(rb"#!AER-DAT(\d+\.\d+)\r?\n", data)
    if version is None:
        raise ValueError(f"{path}, offset 0: expected '#!AER-DAT2.0' or '#!AER-DAT3.1', found {data[:16]!r}")
    if sensor is not None:
        check_choice("sensor", sensor, tuple(_SENSORS))
    readers = {b"2.0": _read_aedat2, b"3.1": _read_aedat3}
    if version[1] not in readers:
        raise ValueError(f"{path}, offset 0: AEDAT version {version[1].decode()} is not supported, 2.0 and 3.1 are")
    return readers[version[1]](path, data, sensor)


def _read_aedat2(path: Any, data: bytes, sensor: str | None) -> Events:
    begin, header = _aedat_header(data, rb"#\s?End Of ASCII Header")
    sensor = sensor or _named_sensor(path, header, rb"#\s*AEChip:(.*)")
    if (len(data) - begin) % 8:
        raise ValueError(
            f"{path}, offset {len(data)}: the file ends within an event; expected a multiple of 8 bytes after the "
            f"header's {begin}"
        )
    records = np.frombuffer(data, dtype=">i4", offset=begin).reshape(-1, 2).astype(np.int64)
    address, t = records[:, 0] & 0xFFFFFFFF, records[:, 1]
    if sensor == "DVS128":
        # Bit 15 marks external events; y, x and polarity are the bits 14-8, 7-1 and 0.
        wanted = address >> 15 == 0
        x, y, polarity = address >> 1 & 0x7F, address >> 8 & 0x7F, address & 1
    else:
        # Bits 31 (frames, inertial measurements) and 10 (special) mark others; y, x, polarity: bits 30-22, 21-12, 11.
        wanted = address & 0x80000400 == 0
        x, y, polarity = address >> 12 & 0x3FF, address >> 22 & 0x1FF, address >> 11 & 1
    offset = begin + 8 * np.flatnonzero(wanted)
    height = _SENSORS[sensor][0]
    t, x, y, polarity = (column[wanted] for column in (t, x, height - 1 - y, polarity))
    return pixel_events(path, t, x, y, polarity, _SENSORS[sensor], lambda i: f"offset {offset[i]}")


def _read_aedat3(path: Any, data: bytes, sensor: str | None) -> Events:
    begin, header = _aedat_header(data, rb"#!END-HEADER")
    if not header or not header[-1].startswith(b"#!END-HEADER"):
        raise ValueError(f"{path}, offset {begin}: expected the header to end with '#!END-HEADER'")
    form = next((line for line in header if line.startswith(b"#Format:")), b"#Format: RAW")
    if form.split(b":")[1].strip() != b"RAW":
        raise ValueError(f"{path}: expected '#Format: RAW', found {form!r}")
    sensor = sensor or _named_sensor(path, header, rb"#Source \d+:(.*)")
    packets = list(_polarity_packets(path, data, begin))
    if len({source for source, *_ in packets}) > 1:
        raise ValueError(f"{path}: expected the events of one camera, found several sources")
    word, time, offset = (
        np.concatenate([np.zeros(0, dtype=np.int64), *columns])
        for columns in ([packet[i] for packet in packets] for i in (1, 2, 3))
    )
    # Bit 0 marks valid events; polarity, y and x are the bits 1, 16-2 and 31-17.
    valid = word & 1 == 1
    word, time, offset = word[valid], time[valid], offset[valid]
    polarity, y, x = word >> 1 & 1, word >> 2 & 0x7FFF, word >> 17
    return pixel_events(path, time, x, y, polarity, _SENSORS[sensor], lambda i: f"offset {offset[i]}")


def _polarity_packets(path: Any, data: bytes, begin: int) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Give the source, the data words, the times and the offsets of each packet of polarity events."""
    while begin < len(data):
        if len(data) - begin < _PACKET_HEADER.size:
            raise ValueError(f"{path}, offset {begin}: the file ends within the header of a packet (28 bytes)")
        kind, source, size, time_offset, overflow, capacity, number, _ = _PACKET_HEADER.unpack_from(data, begin)
        if size < 1 or overflow < 0 or not 0 <= number <= capacity:
            raise ValueError(
                f"{path}, offset {begin}: expected a packet of events, found one of {number} events of {size} bytes "
                f"with room for {capacity} and {overflow} overflows of time"
            )
        payload = begin + _PACKET_HEADER.size
        begin = payload + number * size
        if begin > len(data):
            raise ValueError(
                f"{path}, offset {payload}: expected {number} events of {size} bytes, but the file ends after "
                f"{len(data) - payload} bytes"
            )
        if kind != _POLARITY_EVENT:
            continue
        if (size, time_offset) != (8, 4):
            raise ValueError(
                f"{path}, offset {payload - _PACKET_HEADER.size}: expected polarity events of 8 bytes with their time "
                f"at 4, found {size} bytes and time at {time_offset}"
            )
        words = np.frombuffer(data, dtype="<i4", count=2 * number, offset=payload).reshape(-1, 2).astype(np.int64)
        low = words[:, 1]
        time = np.where(low < 0, low, low + (overflow << 31))  # a negative time stays one, for the error
        yield source, words[:, 0] & 0xFFFFFFFF, time, payload + 8 * np.arange(number)


def _aedat_header(data: bytes, last: bytes) -> tuple[int, list[bytes]]:
    """Return where the header ends and its lines: text that begins with '#', up to one that matches `last`."""
    lines: list[bytes] = []
    begin = 0
    # Old files do not mark the end of their headers. Binary data may begin with a '#', but hardly look like text.
    while line := re.compile(rb"#[\t\x20-\x7e\x80-\xff]*\r?\n").match(data, begin):
        lines.append(line[0])
        begin = line.end()
        if re.match(last, line[0], re.IGNORECASE):
            break
    return begin, lines


def _named_sensor(path: Any, header: list[bytes], pattern: bytes) -> str:
    for line in header:
        if found := re.match(pattern, line):
            name = found[1].decode("latin-1").upper()
            for sensor in _SENSORS:
                if sensor in name:
                    return sensor
    raise ValueError(f"{path}: the header names no known camera; give sensor=, one of {', '.join(_SENSORS)}")
