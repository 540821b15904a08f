"""Events, and files of them: what is written is read, and what is malformed is refused with its place."""

from __future__ import annotations

import pickle
import re
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservoirs.encoding import Events, read_aedat, read_events, read_nmnist, write_nmnist


@pytest.fixture
def events():
    return Events([0, 999, 1000, 1001, 2500], [0, 5, 5, 5, 2], [1, 0, 0, 0, 1], (2, 3), 4000)


def assert_same(one, other):
    for name in ("t", "address", "polarity"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.shape, one.duration) == (other.shape, other.duration)


def test_types_sizes_and_channels(events):
    assert (events.t.dtype, events.address.dtype, events.polarity.dtype) == (np.int64, np.int32, np.int8)
    assert len(events) == 5
    assert events.n_channels == 12
    assert events.channel.tolist() == [6, 5, 5, 5, 8]
    assert events.channel.dtype == np.int32
    unsigned = Events([0], [3], None, (4,), 1)
    assert (unsigned.n_channels, unsigned.channel.tolist()) == (4, [3])
    assert repr(events) == "Events(5 events, shape=(2, 3), signed, 4 ms)"


def test_are_immutable_and_survive_a_pickle(events):
    with pytest.raises(AttributeError):
        events.duration = 3
    with pytest.raises(ValueError, match="read-only"):
        events.t[0] = 1
    copy = pickle.loads(pickle.dumps(events))
    assert_same(copy, events)
    assert not copy.t.flags.writeable


def test_making_events_leaves_the_given_array_writeable():
    t = np.array([1, 2])
    Events(t, [0, 0], None, (1,), 3)
    t[0] = 0


def test_from_arrays_sorts_stably():
    events = Events.from_arrays([5, 1, 5, 1], [0, 1, 2, 3], [True, False, True, False])
    assert events.t.tolist() == [1, 1, 5, 5]
    assert events.address.tolist() == [1, 3, 0, 2]
    assert events.polarity.tolist() == [0, 0, 1, 1]
    assert (events.shape, events.duration) == ((4,), 6)


def test_no_events_are_events_too():
    events = Events.from_arrays([], [], [], shape=(2, 2), duration=10)
    assert len(events) == 0
    assert events.counts().tolist() == [[[0, 0], [0, 0]]] * 2
    assert [len(steps) for steps in events.to_steps(1.0)] == [0, 0]
    assert len(events.between(0, 5)) == 0


def test_counts(events):
    assert events.counts().tolist() == [[[0, 0, 0], [0, 0, 3]], [[1, 0, 1], [0, 0, 0]]]


def test_steps_collapse_duplicates_in_order_of_step_and_channel(events):
    step, channel = events.to_steps(1.0)
    assert step.tolist() == [0, 0, 1, 2]
    assert channel.tolist() == [5, 6, 5, 8]
    assert step.dtype == channel.dtype == np.int32


@pytest.mark.parametrize("dt_ms", [0.1, 0.3, 0.7, 1.1, 2.3, 1.0])
def test_steps_of_whole_microseconds_begin_on_time(dt_ms):
    period = round(1000 * dt_ms)
    times = np.arange(500) * period
    step, _ = Events(times, np.zeros(500, int), None, (1,), 500 * period).to_steps(dt_ms)
    assert step.tolist() == list(range(500))


def test_steps_of_fractions_of_a_microsecond():
    step, _ = Events([0, 1, 2], [0, 0, 0], None, (1,), 3).to_steps(0.0004)
    assert step.tolist() == [0, 2, 5]


def test_between_begins_at_zero(events):
    part = events.between(999, 2500)
    assert part.t.tolist() == [0, 1, 2]
    assert part.duration == 1501
    assert events.between(2500, 90000).duration == 87500


def test_crop(events):
    part = events.crop(top=1, left=1, height=1, width=2)
    assert part.address.tolist() == [1, 1, 1]
    assert part.polarity.tolist() == [0, 0, 0]
    assert (part.shape, part.duration) == ((1, 2), 4000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t": [3, 2]}, "t[1]=2 comes after t[0]=3"),
        ({"t": [-1, 2]}, "t[0]=-1 must be an integer from 0 to 9"),
        ({"t": [1, 10]}, "t[1]=10 must be an integer from 0 to 9"),
        ({"t": [1.0, 2.0]}, "t has type float64; expected integers"),
        ({"t": [[1], [2]]}, "t has shape (2, 1); expected (n_events,)"),
        ({"t": [1]}, "address has 2 entries, but t has 1"),
        ({"address": [0, 4]}, "address[1]=4 must be an integer from 0 to 3"),
        ({"address": [np.nan, 1]}, "address has type float64"),
        ({"polarity": [0, 2]}, "polarity[1]=2 must be an integer from 0 to 1"),
        ({"polarity": [0]}, "polarity has 1 entries, but t has 2"),
        ({"shape": ()}, "shape=() must be one or more integers of at least 1"),
        ({"shape": (2, 0)}, "shape=(2, 0) must be"),
        ({"shape": (2.5,)}, "shape=2.5 must be an integer"),
        ({"shape": (2**16, 2**16)}, "expected at most 2147483647"),
        ({"shape": (2**15, 2**15 + 1)}, "has 2147549184 channels"),
        ({"duration": 0}, "duration=0 must be at least 1"),
        ({"duration": 1.5}, "duration=1.5 must be an integer"),
    ],
)
def test_wrong_events(arguments, message):
    right = {"t": [1, 2], "address": [0, 3], "polarity": [0, 1], "shape": (2, 2), "duration": 10}
    with pytest.raises(ValueError, match=re.escape(message)):
        Events(**(right | arguments))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda events: events.between(5, 5), "begin=5 and end=5 must satisfy 0 <= begin < end"),
        (lambda events: events.crop(1, 0, 2, 1), "is not a window inside a sensor of shape (2, 3)"),
        (lambda _: Events([0], [0], None, (3,), 1).crop(0, 0, 1, 1), "crop needs a sensor of two dimensions"),
        (lambda events: events.to_steps(0.0), "dt_ms=0.0 must be"),
        (lambda events: events.to_steps(1e-10), "steps; expected at most"),
        (lambda _: Events.from_arrays([0, 1], [0]), "address has 1 entries, but t has 2"),
        (lambda _: Events.from_arrays([0], [0], [0, 1]), "polarity has 2 entries, but t has 1"),
    ],
)
def test_wrong_calls(events, call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(events)


def camera(n, rng, shape=(34, 34), latest=300_000):
    t = np.sort(rng.integers(0, latest, n))
    polarity = rng.integers(0, 2, n)
    return Events.from_arrays(t, rng.integers(0, shape[0] * shape[1], n), polarity, shape=shape)


def aedat2(events, *, chip="# AEChip: eu.seebetter.ini.chips.davis.Davis240C", end="#End Of ASCII Header", last=b""):
    height, width = events.shape
    y, x = np.divmod(events.address.astype(np.int64), width)
    y = height - 1 - y
    if "DVS128" in chip:
        address = y << 8 | x << 1 | events.polarity
    else:
        address = y << 22 | x << 12 | events.polarity.astype(np.int64) << 11
    lines = ["#!AER-DAT2.0", "# This is a raw AE data file - do not edit", chip, end]
    header = "".join(f"{line}\r\n" for line in lines if line)
    return header.encode() + np.stack([address, events.t], axis=1).astype(">u4").tobytes() + last


def packet(words, times, *, kind=1, overflow=0, source=1, size=8, offset=4, number=None):
    number = len(words) if number is None else number
    header = struct.pack("<hhiiiiii", kind, source, size, offset, overflow, max(number, 0), number, len(words))
    return header + np.stack([words, times], axis=1).astype("<u4").tobytes()


def aedat3(events, *, header="#Source 1: DVS128", packets=2, form="RAW", last=b"", **options):
    y, x = np.divmod(events.address.astype(np.int64), events.shape[1])
    words = x << 17 | y << 2 | events.polarity.astype(np.int64) << 1 | 1
    text = f"#!AER-DAT3.1\r\n#Format: {form}\r\n{header}\r\n#Start-Time: 2016-11-20 10:40:45 (TZ+0100)\r\n"
    body = [
        packet(words[part], events.t[part] & (2**31 - 1), overflow=int(events.t[part[0]] >> 31), **options)
        for part in np.array_split(np.arange(len(events)), packets)
    ]
    return f"{text}#!END-HEADER\r\n".encode() + b"".join(body) + last


def test_nmnist_round_trip(tmp_path, rng):
    events = camera(500, rng)
    write_nmnist(tmp_path / "a.bin", events)
    assert (tmp_path / "a.bin").stat().st_size == 2500
    assert_same(read_nmnist(tmp_path / "a.bin"), events)


def test_nmnist_bits_and_overflow(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([3, 2, 0x80, 1, 4]) + bytes([0, 240, 0, 0, 0]) + bytes([33, 33, 0x7F, 0, 0]))
    events = read_nmnist(path)
    assert events.t.tolist() == [260, 0x7F0000 + 8192]
    assert events.address.tolist() == [2 * 34 + 3, 33 * 34 + 33]
    assert events.polarity.tolist() == [1, 0]


@pytest.mark.parametrize("end", ["#End Of ASCII Header", ""])
def test_aedat2_of_a_davis(tmp_path, rng, end):
    events = camera(300, rng, (180, 240), 2**31 - 1)
    # A frame's sample, a special event and an inertial measurement are skipped.
    others = np.array([[0x80000000, 1], [0x400, 2], [0x80000800, 3]], dtype=">u4").tobytes()
    (tmp_path / "a.aedat").write_bytes(aedat2(events, end=end, last=others))
    assert_same(read_aedat(tmp_path / "a.aedat"), events)


def test_aedat2_whose_data_begin_like_a_header(tmp_path):
    # The first byte of this address is '#'; its last ones and the time are no text.
    events = Events.from_arrays([10], [(259 - 140) * 346 + 7], [1], shape=(260, 346))
    data = aedat2(events, chip="# AEChip: DAVIS346", end="")
    assert data[-8:-7] == b"#"
    (tmp_path / "a.aedat").write_bytes(data)
    assert_same(read_aedat(tmp_path / "a.aedat"), events)


def test_aedat2_of_a_dvs128(tmp_path, rng):
    events = camera(300, rng, (128, 128))
    external = np.array([[0x8000, 7]], dtype=">u4").tobytes()
    path = tmp_path / "a.aedat"
    path.write_bytes(aedat2(events, chip="# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128", last=external))
    assert_same(read_aedat(path), events)
    path.write_bytes(path.read_bytes().replace(b"# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n", b""))
    assert_same(read_aedat(path, sensor="DVS128"), events)
    with pytest.raises(ValueError, match="the header names no known camera; give sensor=, one of DVS128"):
        read_aedat(path)


def test_aedat2_sorts_events_that_go_back_in_time(tmp_path):
    events = Events([5, 9], [1, 2], [0, 1], (128, 128), 10)
    data = aedat2(events, chip="#AEChip: DVS128")
    (tmp_path / "a.aedat").write_bytes(data[:-16] + data[-8:] + data[-16:-8])
    assert_same(read_aedat(tmp_path / "a.aedat"), events)


def test_aedat3(tmp_path, rng):
    events = camera(300, rng, (128, 128))
    data = aedat3(events)
    special = packet([1, 1], [0, 1], kind=0)
    invalid = packet([0], [5])
    (tmp_path / "a.aedat").write_bytes(data + special + invalid + packet([1] * 3, [2**31] * 3, kind=2, size=8))
    assert_same(read_aedat(tmp_path / "a.aedat"), events)


def test_aedat3_times_beyond_31_bits(tmp_path):
    events = Events.from_arrays([5, 3 * 2**31 + 7], [0, 1], [0, 1], shape=(128, 128))
    (tmp_path / "a.aedat").write_bytes(aedat3(events))
    assert_same(read_aedat(tmp_path / "a.aedat"), events)


def save(path, events, fields="txyp"):
    y, x = np.divmod(events.address, events.shape[1])
    columns = dict(zip("txyp", (events.t, x, y, events.polarity), strict=True))
    columns = {name: columns[name] for name in fields}
    if path.suffix == ".npz":
        np.savez_compressed(path, **columns)
    elif path.suffix == ".npy":
        array = np.zeros(len(events), dtype=[(name, column.dtype) for name, column in columns.items()])
        for name, column in columns.items():
            array[name] = column
        np.save(path, array)
    else:
        np.savetxt(path, np.stack(list(columns.values()), 1), "%d", ",", header=",".join(columns), comments="")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv"])
@pytest.mark.parametrize("fields", ["txyp", "pyxt", "txy"])
def test_plain_files(tmp_path, rng, name, fields):
    events = camera(50, rng)
    save(tmp_path / name, events, fields)
    loaded = read_events(tmp_path / name, shape=(34, 34))
    assert_same(loaded, events if "p" in fields else Events(events.t, events.address, None, (34, 34), events.duration))
    assert read_events(tmp_path / name, shape=(34, 40), duration=10**6).n_channels % (34 * 40) == 0


def test_csv_without_names_but_with_comments_and_minus_one(tmp_path):
    (tmp_path / "a.txt").write_text("# recorded\n7, 1, 2, -1\n\n5,0,0,1\n")
    events = read_events(tmp_path / "a.txt")
    assert (events.t.tolist(), events.address.tolist(), events.polarity.tolist()) == ([5, 7], [0, 5], [1, 0])
    assert events.shape == (3, 2)


def refuse(reader, path, data, message, **options):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")):
        reader(path, **options)


def test_wrong_nmnist_files(tmp_path):
    path = tmp_path / "a.bin"
    refuse(read_nmnist, path, b"", ", offset 0: the file ends within an event; expected a multiple of 5 bytes")
    refuse(read_nmnist, path, bytes(7), ", offset 7: the file ends within an event")
    refuse(read_nmnist, path, bytes(5) + bytes([34, 0, 0, 0, 0]), ", offset 5: expected x from 0 to 33, found 34")
    refuse(read_nmnist, path, bytes([0, 34, 0, 0, 0]), ", offset 0: expected y from 0 to 33, found 34")
    refuse(read_nmnist, path, bytes([0, 240, 0, 0, 0]), ": expected at least one event, found none")
    refuse(read_nmnist, path, bytes(5), ": expected a sensor of (height, width)", shape=(34,))
    with pytest.raises(FileNotFoundError):
        read_nmnist(tmp_path / "absent.bin")


def test_events_that_do_not_fit_nmnist(tmp_path):
    for wrong in (
        Events([0], [0], None, (34, 34), 1),
        Events([0], [0], [0], (34,), 1),
        Events([0], [0], [0], (241, 34), 1),
        Events([2**23], [0], [0], (34, 34), 2**24),
    ):
        with pytest.raises(ValueError, match=r"events is Events\(.*expected signed events of at most 240 x 256 pixels"):
            write_nmnist(tmp_path / "a.bin", wrong)


def test_wrong_aedat_files(tmp_path, rng):
    path = tmp_path / "a.aedat"
    davis, dvs = camera(3, rng, (180, 240)), camera(4, rng, (128, 128))
    refuse(read_aedat, path, b"hello", ", offset 0: expected '#!AER-DAT2.0' or '#!AER-DAT3.1', found b'hello'")
    refuse(read_aedat, path, b"#!AER-DAT4.0\r\n", ", offset 0: AEDAT version 4.0 is not supported")
    good = aedat2(davis)
    refuse(read_aedat, path, good[:-3], f", offset {len(good) - 3}: the file ends within an event")
    last = struct.pack(">II", 240 << 12, 5)
    refuse(read_aedat, path, aedat2(davis, last=last), f", offset {len(good)}: expected x from 0 to 239, found 240")
    last = struct.pack(">Ii", 0, -5)
    refuse(read_aedat, path, aedat2(davis, last=last), f", offset {len(good)}: expected time from 0 to")
    refuse(read_aedat, path, aedat2(davis)[: -8 * 3], ": expected at least one event")
    good = aedat3(dvs)
    start, first = len(good) - 16, ", offset 105: "
    refuse(read_aedat, path, good[:-3], f", offset {start}: expected 2 events of 8 bytes, but the file ends after 13")
    refuse(read_aedat, path, good + b"x", f", offset {len(good)}: the file ends within the header of a packet")
    refuse(read_aedat, path, aedat3(dvs, form="zip"), ": expected '#Format: RAW'")
    refuse(read_aedat, path, aedat3(dvs, header="#Source 1: EAR"), ": the header names no known camera")
    refuse(read_aedat, path, good.replace(b"#!END-HEADER\r\n", b""), ", offset")
    refuse(read_aedat, path, good + packet([1], [1], source=2), ": expected the events of one camera")
    refuse(read_aedat, path, aedat3(dvs, number=-1), f"{first}expected a packet of events, found one of -1")
    refuse(read_aedat, path, aedat3(dvs, number=2**31 - 1), ", offset 133: expected 2147483647 events of 8 bytes")
    refuse(read_aedat, path, aedat3(dvs, offset=0), f"{first}expected polarity events of 8 bytes with their")
    with pytest.raises(ValueError, match="sensor='DVS' is not one of 'DVS128'"):
        read_aedat(path, sensor="DVS")


def npy_bytes(header, data=b""):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def test_wrong_plain_files(tmp_path):
    csv, npy, npz = (tmp_path / f"a.{suffix}" for suffix in ("csv", "npy", "npz"))
    refuse(read_events, tmp_path / "a.mat", b"", ": expected a name that ends in one of .npy, .npz, .csv, .txt")
    refuse(read_events, csv, b"1,2,3\n4,5\n", ", line 2: expected 3 whole numbers of at most 64 bits set apart")
    refuse(read_events, csv, b"1,2,3\n4.5,5,6\n", ", line 2: expected 3 whole numbers")
    refuse(read_events, csv, b"1,2,99999999999999999999\n", ", line 1: expected 3 whole numbers")
    refuse(read_events, csv, b"t,x,z\n1,2,3\n", ", line 1: expected the columns t, x, y (and p)")
    refuse(read_events, csv, b"1,2,3\n\xff\n", ", offset 6: expected text")
    refuse(read_events, csv, b"1,2,3,4\n", ", event 0: expected a polarity of 0, 1 or -1, found 4")
    refuse(read_events, csv, b"-1,2,3\n", ", event 0: expected time from 0 to")
    refuse(read_events, csv, b"1,-2,3\n", ", event 0: expected x from 0 to 0, found -2")
    refuse(read_events, csv, b"1,65536,65536\n", ": expected a sensor of (height, width): shape=(65537, 65537)")
    refuse(read_events, csv, b"5,2,3\n", ", event 0: expected time from 0 to 4, found 5", duration=5)
    refuse(read_events, csv, b"", ": expected at least one event, found none")
    refuse(read_events, npy, b"\x93NUMPY", ", offset 0: expected a .npy header")
    header = b"{'descr': [('t', '<i8')], 'fortran_order': False, 'shape': (10000000000000,), }\n"
    refuse(read_events, npy, npy_bytes(header), f", offset {10 + len(header)}: expected 80000000000000 bytes")
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    refuse(read_events, npy, npy_bytes(header, b"x"), ", offset 0: expected an array of numbers, found one of Python")
    np.save(npy, np.zeros((2, 3)))
    refuse(read_events, npy, npy.read_bytes(), ", offset 0: expected an array of shape (n_events,), found (2, 3)")
    np.save(npy, np.zeros(2))
    refuse(read_events, npy, npy.read_bytes(), ": expected a structured array with fields t, x, y (and p)")
    refuse(read_events, npz, b"PK", ": not a .npz file, or a damaged one")
    np.savez(npz, t=[1], x=[2])
    refuse(read_events, npz, npz.read_bytes(), ": expected arrays named t, x, y (and p), found t, x")
    np.savez(npz, t=[1.5], x=[2], y=[2])
    refuse(read_events, npz, npz.read_bytes(), ": expected whole numbers of shape (n_events,) in t, found float64")
    np.savez(npz, t=[1, 2], x=[2], y=[2])
    refuse(read_events, npz, npz.read_bytes(), ": expected arrays t, x, y (and p) of equal length")
    np.savez(npz, t=np.array([2**63], np.uint64), x=[2], y=[2])
    refuse(read_events, npz, npz.read_bytes(), ": t has 9223372036854775808, more than 64 bits hold")
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("t.npy", b"x")
    refuse(read_events, npz, npz.read_bytes(), ", t.npy: expected an array that is stored or deflated")


def damaged(good: bytes):
    """Give what is left of a file when it is cut, when bytes in it change, or when there is something else in it."""
    changes = st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=8)
    cuts = st.integers(0, len(good))
    return st.one_of(st.binary(max_size=200), st.builds(_damage, st.just(good), changes, cuts, st.binary(max_size=20)))


def _damage(good, changes, cut, tail):
    data = bytearray(good)
    for place, value in changes:
        data[place] = value
    return bytes(data[:cut] if cut % 2 else data) + (tail if cut % 3 == 0 else b"")


SAMPLE = camera(6, np.random.default_rng(1), latest=3000)
SMALL = Events(SAMPLE.t, SAMPLE.address % 128, SAMPLE.polarity, (128, 128), 3000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_nmnist(folder / "good.bin", SAMPLE)
    (folder / "good2.aedat").write_bytes(aedat2(SMALL, chip="# AEChip: DVS128"))
    (folder / "good3.aedat").write_bytes(aedat3(SMALL))
    for suffix in ("npy", "npz", "csv"):
        save(folder / f"good.{suffix}", SAMPLE)
    return folder


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::UserWarning")  # NumPy, of damaged headers
@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("good.bin", read_nmnist),
        ("good2.aedat", read_aedat),
        ("good3.aedat", read_aedat),
        ("good.npy", read_events),
        ("good.npz", read_events),
        ("good.csv", read_events),
    ],
)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_damaged_files_give_valid_events_or_a_value_error(folder, name, reader, data):
    path = folder / f"damaged.{name.rsplit('.')[-1]}"
    path.write_bytes(data.draw(damaged((folder / name).read_bytes())))
    try:
        events = reader(path)
    except ValueError as error:
        problem = str(error)
    else:
        assert_same(Events(events.t, events.address, events.polarity, events.shape, events.duration), events)
        problem = str(path)
    assert str(path) in problem
