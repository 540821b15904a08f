import gzip
import io
import os
import struct
import tracemalloc
import zipfile
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from reservoirs import datasets
from reservoirs.datasets import nmnist
from reservoirs.datasets._files import read_npz

DATA = os.environ.get("RESERVOIRS_DATA")
FASHION = Path("/usr/share/datasets/fashion-mnist")


def needs(file):
    present = DATA is not None and (Path(DATA) / file).is_file()
    return pytest.mark.skipif(not present, reason=f"needs RESERVOIRS_DATA, a folder with {file}")


needs_mnist = needs("mnist/train-images-idx3-ubyte.gz")
needs_nmnist = needs("nmnist_1k/nmnist_1k.npz")
needs_digits = needs("fsdd/fsdd.npz")
needs_fashion = pytest.mark.skipif(not FASHION.is_dir(), reason="needs apt-get install dataset-fashion-mnist")


# The IDX format

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx_bytes(array, kind=8):
    array = np.asarray(array)
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(IDX_TYPES[kind]).tobytes()


@pytest.mark.parametrize("kind", IDX_TYPES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read_idx_of_every_type(tmp_path, kind, pack):
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "file").write_bytes(pack(idx_bytes(array, kind)))
    read = datasets.read_idx(str(tmp_path / "file"))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(IDX_TYPES[kind]).newbyteorder("=")
    read[0, 0, 0] = 1  # the caller's own


def test_read_idx_of_nothing(tmp_path):
    (tmp_path / "file").write_bytes(idx_bytes(np.zeros((0, 28, 28))))
    assert datasets.read_idx(tmp_path / "file").shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected 4 bytes of data, found 0"),
        (b"\0\0\x08", "expected 4 bytes of data, found 3"),
        (b"\0\1\x08\1\0\0\0\1\0", r"expected it to start with 00 00, a type of 08 09 0b 0c 0d 0e .* found 00 01 08 01"),
        (b"\0\0\x0a\1\0\0\0\1\0", "found 00 00 0a 01"),
        (b"\0\0\x08\0", "1 to 32 dimensions, found 00 00 08 00"),
        (b"\0\0\x08\x21" + bytes(200), "1 to 32 dimensions, found 00 00 08 21"),
        (b"\0\0\x08\2\0\0\0\1", "expected 8 bytes of data, found 4"),
        (b"\0\0\x08\1\0\0\0\2\0", "expected 2 bytes of data, found 1"),
        (b"\0\0\x08\1\0\0\0\1\0\0", "expected 1 bytes of data, found more"),
        (b"\0\0\x0e\2\xff\xff\xff\xff\xff\xff\xff\xff", r"claims 14757395252095\d+ bytes.*max_bytes=1073741824"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read_idx_refuses(tmp_path, content, message, pack):
    path = tmp_path / "bad"
    path.write_bytes(pack(content))
    with pytest.raises(ValueError, match=rf"bad is not an IDX file, or is damaged: .*{message}"):
        datasets.read_idx(path)


def test_read_idx_of_nothing_in_a_shape_beyond_numpy(tmp_path):
    (tmp_path / "bad").write_bytes(b"\0\0\x08\4\0\0\0\0" + b"\xff" * 12)
    with pytest.raises(ValueError, match="bad is not an IDX file, or is damaged"):
        datasets.read_idx(tmp_path / "bad")


def test_read_idx_max_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(np.zeros(10)))
    assert datasets.read_idx(path, max_bytes=10).shape == (10,)
    with pytest.raises(ValueError, match="claims 10 bytes of data; at most max_bytes=9 are read"):
        datasets.read_idx(path, max_bytes=9)
    with pytest.raises(ValueError, match="max_bytes=0 must be an integer of at least 1"):
        datasets.read_idx(path, max_bytes=0)


def test_read_idx_asks_for_no_more_memory_than_the_file_fills(tmp_path):
    path = tmp_path / "boast"
    path.write_bytes(b"\0\0\x08\1\x3f\xff\xff\xff" + bytes(1000))  # claims a gigabyte
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected 1073741823 bytes of data, found 1000"):
        datasets.read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_read_idx_of_damaged_files_gives_a_value_error(tmp_path_factory, data):
    whole = idx_bytes(np.arange(60).reshape(3, 20))
    whole = data.draw(st.sampled_from([whole, gzip.compress(whole, mtime=0)]))
    content = data.draw(st.one_of(st.binary(max_size=60), damaged(whole)))
    path = tmp_path_factory.getbasetemp() / "fuzzed-idx"
    path.write_bytes(content)
    try:
        datasets.read_idx(path, max_bytes=10_000)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017


@st.composite
def damaged(draw, whole):
    content = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 3))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


# MNIST and Fashion-MNIST


def write_images(folder, changes=(), pack=bytes, suffix=""):
    images = np.arange(2 * 784).reshape(2, 28, 28) % 256
    for part, n in (("train", 2), ("t10k", 1)):
        files = {f"{part}-images-idx3-ubyte": images[:n], f"{part}-labels-idx1-ubyte": np.array([3, 9])[:n]}
        for name, array in files.items():
            (folder / f"{name}{suffix}").write_bytes(pack(idx_bytes(dict(changes).get(name, array))))


@pytest.mark.parametrize("load", [datasets.load_mnist, datasets.load_fashion_mnist])
@pytest.mark.parametrize(("pack", "suffix"), [(bytes, ""), (gzip.compress, ".gz")])
def test_images_from_a_folder(tmp_path, load, pack, suffix):
    write_images(tmp_path, pack=pack, suffix=suffix)
    data = load(str(tmp_path))
    assert data.X_train.dtype == np.uint8
    assert data.y_train.dtype == np.int64
    np.testing.assert_array_equal(data.X_train, np.arange(2 * 784).reshape(2, 784) % 256)
    assert data.X_test.shape == (1, 784)
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([3, 9], [3])
    assert len(data.target_names) == 10
    assert "28 x 28" in data.DESCR


def test_mnist_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    write_images(tmp_path / "mnist")
    monkeypatch.setenv("RESERVOIRS_DATA", str(tmp_path))
    assert datasets.load_mnist().y_test.tolist() == [3]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((2, 27, 28)), r"uint8 of shape \(2, 27, 28\); expected uint8 of shape"),
        ("train-images-idx3-ubyte", np.zeros(2), r"uint8 of shape \(2,\)"),
        ("t10k-labels-idx1-ubyte", np.zeros(2), r"shape \(2,\); expected uint8 of shape \(1,\)"),
        ("t10k-labels-idx1-ubyte", np.array([10]), "one label from 0 to 9 an image"),
    ],
)
def test_images_that_do_not_fit(tmp_path, name, array, message):
    write_images(tmp_path, {name: array})
    with pytest.raises(ValueError, match=f"{name} holds .*{message}"):
        datasets.load_mnist(tmp_path)


LOADERS = [datasets.load_mnist, datasets.load_nmnist, datasets.load_spoken_digits]


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("value", [None, ""])
def test_loader_without_a_path(load, value, monkeypatch):
    monkeypatch.delenv("RESERVOIRS_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("RESERVOIRS_DATA", value)
    with pytest.raises(FileNotFoundError, match=r"path=None needs the environment variable RESERVOIRS_DATA.*pass the"):
        load()


@pytest.mark.parametrize("load", [*LOADERS, datasets.load_fashion_mnist])
def test_loader_names_the_missing_file(load, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path='.*nowhere' has no file .*; (pass|apt-get)"):
        load(tmp_path / "nowhere")


@needs_mnist
def test_mnist():
    digits = datasets.load_mnist()
    assert (digits.X_train.shape, digits.X_test.shape) == ((60_000, 784), (10_000, 784))
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(digits.y_train).tolist() == counts
    assert np.bincount(digits.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    raw = md5(idx_bytes(digits.X_test.reshape(-1, 28, 28)), usedforsecurity=False)
    assert raw.hexdigest() == "2646ac647ad5339dbf082846283269ea"


@needs_fashion
def test_fashion_mnist():
    clothes = datasets.load_fashion_mnist()
    assert np.bincount(clothes.y_train).tolist() == [6000] * 10
    assert np.bincount(clothes.y_test).tolist() == [1000] * 10
    assert clothes.target_names[clothes.y_train[0]] == "Ankle boot"
    raw = md5(idx_bytes(clothes.X_test.reshape(-1, 28, 28)), usedforsecurity=False)
    assert raw.hexdigest() == "8181f5470baa50b63fa0f6fddb340f0a"


# Recordings in .npz files

RECORDINGS = {
    "x": np.array([3, 4, 5], dtype=np.uint8),
    "y": np.array([0, 1, 33], dtype=np.uint8),
    "p": np.array([1, 0, 1], dtype=np.uint8),
    "dt": np.array([65535, 65535, 70], dtype=np.uint16),
    "n_events": np.array([2, 0, 1], dtype=np.int32),
    "label": np.array([7, 4, 2], dtype=np.uint8),
    "mnist_index": np.array([0, 1, 0], dtype=np.int32),
    "is_test": np.array([False, False, True]),
}
UTTERANCES = {
    "samples": np.arange(6, dtype=np.int16),
    "lengths": np.array([2, 3, 1], dtype=np.int32),
    "label": np.array([7, 4, 9], dtype=np.uint8),
    "speaker": np.array(["jackson", "theo", "lucas"]),
    "index": np.array([4, 5, 0], dtype=np.uint8),
    "rate": np.array(8000, dtype=np.int32),
}
NPZ = [
    (datasets.load_nmnist, "nmnist_1k.npz", RECORDINGS),
    (datasets.load_spoken_digits, "fsdd.npz", UTTERANCES),
]


def test_recordings_from_a_file(tmp_path):
    path = tmp_path / "any.npz"
    np.savez_compressed(path, **RECORDINGS)
    data = datasets.load_nmnist(path)
    first, silent = data.X_train
    assert first.t.tolist() == [65535, 131070]
    assert first.address.tolist() == [3, 38]
    assert first.polarity.tolist() == [1, 0]
    assert len(silent) == 0
    assert {e.shape for e in data.X_train + data.X_test} == {(34, 34)}
    assert {e.duration for e in data.X_train + data.X_test} == {315_000}
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([7, 4], [2])
    assert (data.mnist_index_train.tolist(), data.mnist_index_test.tolist()) == ([0, 1], [0])


def test_a_recording_lasts_until_its_last_event(tmp_path):
    late = {"x": [0] * 5, "y": [0] * 5, "p": [0] * 5, "dt": [65000] * 5}
    late = {name: np.array(values, dtype=RECORDINGS[name].dtype) for name, values in late.items()}
    np.savez(tmp_path / "nmnist_1k.npz", **(RECORDINGS | late | {"n_events": np.array([0, 0, 5], dtype=np.int32)}))
    assert datasets.load_nmnist(tmp_path).X_test[0].duration == 325_001


def test_utterances_from_a_file(tmp_path):
    np.savez(tmp_path / "fsdd.npz", **UTTERANCES)
    data = datasets.load_spoken_digits(tmp_path)
    assert [x.tolist() for x in data.X_train] == [[2, 3, 4]]
    assert [x.tolist() for x in data.X_test] == [[0, 1], [5]]
    assert (data.y_train.tolist(), data.y_test.tolist()) == ([4], [7, 9])
    assert (data.speaker_train.tolist(), data.speaker_test.tolist()) == (["theo"], ["jackson", "lucas"])
    assert data.sampling_rate == 8000


@pytest.mark.parametrize(("load", "name", "arrays"), NPZ)
def test_npz_from_the_environment(tmp_path, monkeypatch, load, name, arrays):
    folder = tmp_path / name.removesuffix(".npz")
    folder.mkdir()
    np.savez(folder / name, **arrays)
    monkeypatch.setenv("RESERVOIRS_DATA", str(tmp_path))
    assert len(load().X_train) + len(load().X_test) == 3


def u1(*values):
    return np.array(values, dtype=np.uint8)


def i4(*values):
    return np.array(values, dtype=np.int32)


@pytest.mark.parametrize(
    ("load", "changes", "message"),
    [
        (datasets.load_nmnist, {"x": i4(0, 0, 0)}, r"'x' is of type int32 and shape \(3,\); expected u1"),
        (datasets.load_nmnist, {"x": u1(0, 0, 0).reshape(1, 3)}, r"'x' is of type uint8 and shape \(1, 3\)"),
        (datasets.load_nmnist, {"p": u1(0, 0)}, r"one shape \(n,\), found .*'p': \(2,\)"),
        (datasets.load_nmnist, {"n_events": i4(2, 0)}, r"one shape \(n,\), found .*'n_events': \(2,\)"),
        (datasets.load_nmnist, {"n_events": i4(2, 0, 2)}, "add up to 3 events"),
        (datasets.load_nmnist, {"n_events": i4(4, -2, 1)}, "add up to 3 events"),
        (datasets.load_nmnist, {"x": u1(0, 34, 0)}, "expected x from 0 to 33, found 0 to 34"),
        (datasets.load_nmnist, {"p": u1(0, 2, 0)}, "expected p from 0 to 1, found 0 to 2"),
        (datasets.load_nmnist, {"label": u1(0, 10, 0)}, "expected label from 0 to 9"),
        (datasets.load_nmnist, {"mnist_index": i4(0, -1, 0)}, "expected mnist_index from 0 to 59999, found -1 to 0"),
        (datasets.load_nmnist, {"is_test": np.array([None] * 3)}, r"'is_test' is of type object"),
        (datasets.load_spoken_digits, {"speaker": u1(0, 0, 0)}, "'speaker' is of type uint8 .* expected U"),
        (datasets.load_spoken_digits, {"speaker": np.array([None] * 3)}, "'speaker' is of type object"),
        (datasets.load_spoken_digits, {"speaker": np.array(["a", "b"])}, r"of one shape \(n_recordings,\)"),
        (datasets.load_spoken_digits, {"lengths": i4(2, 3, 0)}, "positive and add up to 6 samples"),
        (datasets.load_spoken_digits, {"lengths": i4(2, 3, 2)}, "positive and add up to 6 samples"),
        (datasets.load_spoken_digits, {"label": u1(0, 10, 0)}, "expected labels from 0 to 9, found 10"),
        (datasets.load_spoken_digits, {"rate": np.int32(0)}, "expected rate to be one positive number"),
        (datasets.load_spoken_digits, {"rate": i4(8000, 8000)}, "expected rate to be one positive number"),
    ],
)
def test_npz_that_does_not_fit(tmp_path, load, changes, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **({datasets.load_nmnist: RECORDINGS, datasets.load_spoken_digits: UTTERANCES}[load] | changes))
    with pytest.raises(ValueError, match=rf"bad\.npz.*{message}"):
        load(path)


@pytest.mark.parametrize(("load", "name", "arrays"), NPZ)
def test_npz_without_one_of_its_arrays(tmp_path, load, name, arrays):
    np.savez(tmp_path / name, **{key: array for key, array in arrays.items() if key != "label"})
    with pytest.raises(ValueError, match="it has no array 'label'"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("shape", "n_bytes", "message"),
    [
        (1000, 10, "expected 1000 bytes of data, found 10"),
        (10, 11, "'a' is longer than its header says"),
        (2**40, 10, "claims 1099511627776 bytes"),
        (2**29, 10, "expected 536870912 bytes of data, found 10"),
    ],
)
def test_npz_with_a_boastful_header(tmp_path, shape, n_bytes, message):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"shape": (shape,), "fortran_order": False, "descr": "|u1"})
    path = tmp_path / "boast.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", member.getvalue() + bytes(n_bytes))
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        read_npz(path, {"a": "u1"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_npz_gives_a_value_error(tmp_path_factory, data):
    file = io.BytesIO()
    save = data.draw(st.sampled_from([np.savez, np.savez_compressed]))
    save(file, a=np.arange(20, dtype=np.uint8), b=np.array(["x", "yz"]))
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    path.write_bytes(data.draw(damaged(file.getvalue())))
    try:
        read_npz(path, {"a": "u1", "b": "U"})
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017


@needs_nmnist
def test_nmnist():
    data = datasets.load_nmnist()
    assert (len(data.X_train), len(data.X_test)) == (1000, 100)
    assert sum(map(len, data.X_train + data.X_test)) == 4_518_827
    assert np.mean([len(events) for events in data.X_train]) == pytest.approx(4133, abs=1)
    assert data.X_train[0].t[:3].tolist() == [893, 1060, 2443]
    assert data.X_train[0].address[:2].tolist() == [16 * 34 + 18, 17 * 34 + 20]
    assert data.y_train[:6].tolist() == [5, 0, 4, 1, 9, 2]
    assert all(events.duration == 315_000 for events in data.X_train if events.t[-1] < 315_000)


@needs_nmnist
@needs_mnist
def test_nmnist_was_recorded_from_mnist():
    data, digits = datasets.load_nmnist(), datasets.load_mnist()
    np.testing.assert_array_equal(data.y_train, digits.y_train[data.mnist_index_train])
    np.testing.assert_array_equal(data.y_test, digits.y_test[data.mnist_index_test])


@needs_digits
def test_spoken_digits():
    data = datasets.load_spoken_digits()
    assert (len(data.X_train), len(data.X_test)) == (2700, 300)
    assert np.bincount(data.y_train).tolist() == [270] * 10
    assert np.bincount(data.y_test).tolist() == [30] * 10
    assert np.unique(data.speaker_train, return_counts=True)[1].tolist() == [450] * 6
    lengths = [len(x) for x in data.X_train + data.X_test]
    assert (min(lengths), max(lengths)) == (1148, 18262)


# Simulated N-MNIST


def blobs(n_images, seed=0):
    """Smooth spots in random places, about as much ink as a digit."""
    noise = np.random.default_rng(seed).standard_normal((n_images, 28, 28))
    smooth = np.stack([gaussian_filter(image, 2.0) for image in noise])
    return np.clip(smooth * 2000 - 100, 0, 255).astype(np.uint8)


def same(first, second):
    return (
        np.array_equal(first.t, second.t)
        and np.array_equal(first.address, second.address)
        and np.array_equal(first.polarity, second.polarity)
    )


def test_simulated_recordings_are_events():
    for events in datasets.simulate_nmnist(blobs(3).reshape(3, 784), random_state=0):
        assert events.shape == (34, 34)
        assert events.duration == 315_000
        assert events.polarity is not None
        assert len(events) > 1000


def test_simulation_depends_on_seed_and_image_only(monkeypatch):
    images = blobs(7)
    together = datasets.simulate_nmnist(images, random_state=3)
    alone = [datasets.simulate_nmnist([image], random_state=3)[0] for image in images]
    assert all(map(same, together, alone))
    backwards = datasets.simulate_nmnist(images[::-1].astype(np.float32).reshape(7, 784), random_state=3)
    assert all(map(same, together, backwards[::-1]))
    monkeypatch.setattr(nmnist, "_BLOCK", 3)
    assert all(map(same, together, datasets.simulate_nmnist(images, random_state=3)))
    assert not any(map(same, together, datasets.simulate_nmnist(images, random_state=4)))


def test_simulation_without_a_seed_differs():
    first, second = (datasets.simulate_nmnist(blobs(1))[0] for _ in range(2))
    assert not same(first, second)


def test_simulation_of_no_images():
    assert datasets.simulate_nmnist(np.zeros((0, 784))) == []


def test_every_sum_of_brightness_is_exact():
    for path in (nmnist._PATH_X, nmnist._PATH_Y):
        assert np.array_equal(nmnist._motion(path) * 2**16 % 1, np.zeros((316, 34, 28)))
    brightness = nmnist._brightness(np.linspace(0, 255, 1000))
    assert not (brightness * 2**16 % 1).any()
    largest = [np.abs(nmnist._motion(path)).sum(axis=2).max() for path in (nmnist._PATH_X, nmnist._PATH_Y)]
    assert np.prod(largest) * np.abs(brightness).max() < 2**4  # and 48 bits after the point: 52 in all


def slow_changes(image, thresholds):
    """The simulator as its description says it: a Fourier transform of the plane, pixel after pixel."""
    frame = np.zeros((48, 48))
    frame[10:38, 10:38] = np.log(1 - 0.8 * image / 255)
    spectrum = np.fft.fft2(gaussian_filter(frame, 0.65))
    f = np.fft.fftfreq(48)
    times = np.arange(316)
    path = [np.interp(times, 10 * np.arange(32), table) for table in (nmnist._PATH_X, nmnist._PATH_Y)]
    seen = [
        4.4 * np.fft.ifft2(spectrum * np.exp(-2j * np.pi * (f * x + f[:, np.newaxis] * y))).real[10:44, 10:44]
        for x, y in zip(*path, strict=True)
    ]
    level = seen[0] + thresholds
    last = np.full((34, 34), -9)
    events = set()
    for step in times[1:]:
        for y, x in np.argwhere(np.abs(seen[step] - level) >= 1):
            if step - last[y, x] > 1:
                sign = 1 if seen[step][y, x] > level[y, x] else -1
                level[y, x] += sign
                last[y, x] = step
                events.add((step, 34 * y + x, sign > 0))
    return events


def test_simulation_agrees_with_its_slow_twin():
    images = blobs(3)
    thresholds = np.random.default_rng(1).uniform(-0.5, 0.5, (3, 34, 34))
    fast = nmnist._changes(nmnist._brightness(images.astype(float)), thresholds.transpose(1, 0, 2))
    for image, offset, events in zip(images, thresholds, fast, strict=True):
        expected, actual = slow_changes(image, offset), set(zip(*(each.tolist() for each in events), strict=True))
        assert len(expected) > 1000
        assert len(expected ^ actual) < 0.005 * len(expected)


def test_no_pixel_fires_in_two_steps_running():
    step, address, _ = nmnist._changes(nmnist._brightness(blobs(1).astype(float)), np.zeros((34, 1, 34)))[0]
    order = np.lexsort((step, address))
    gaps = np.diff(step[order])[np.diff(address[order]) == 0]
    assert gaps.min() == 2


def test_ink_that_comes_makes_off_events():
    image = np.zeros((1, 28, 28))
    image[0, :14] = 255  # the upper half is dark, and the picture moves down first
    events = datasets.simulate_nmnist(image, random_state=0)[0].between(0, 70_000)
    off, on = events.crop(16, 8, 4, 18).counts().sum(axis=(1, 2))
    assert off > 20 * max(on, 1)


def test_a_blank_image_gives_noise_only():
    counts = np.sum([e.counts() for e in datasets.simulate_nmnist(np.zeros((1, 784)), random_state=0)], axis=0)
    expected = 0.4 * 0.315 * 34 * 34
    assert abs(counts.sum() - expected) < 4 * expected**0.5
    assert abs(counts[0].sum() - counts[1].sum()) < 4 * expected**0.5


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros(784), r"images has shape \(784,\); expected \(n_images, 784\) or \(n_images, 28, 28\)"),
        (np.zeros((2, 28, 27)), r"shape \(2, 28, 27\)"),
        (np.zeros((2, 34, 34)), r"shape \(2, 34, 34\)"),
        (np.array([["a"] * 784]), "images has type <U1; expected numbers from 0 to 255"),
        (np.full((1, 784), 256), "images has values from 0 to 256; expected 0 to 255"),
        (np.full((1, 784), -1), "images has values from -1 to 0"),
        (np.full((1, 784), np.nan), "images has values from nan to nan"),
        (np.full((1, 784), np.inf), "images has values from 0.* to inf"),
        (np.full((1, 784), 0.5), r"images has no value above 0\.5; .*multiply"),
    ],
)
def test_simulation_refuses(images, message):
    with pytest.raises(ValueError, match=message):
        datasets.simulate_nmnist(images)


def map_correlations(simulated, real):
    return [np.corrcoef(a.counts().ravel(), b.counts().ravel())[0, 1] for a, b in zip(simulated, real, strict=True)]


@needs_nmnist
@needs_mnist
def test_simulation_resembles_real_recordings():
    # Nothing was fitted to the recordings from 150 on.
    chosen = slice(200, 300)
    real = datasets.load_nmnist()
    images = datasets.load_mnist().X_train[real.mnist_index_train[chosen]]
    simulated, recorded = datasets.simulate_nmnist(images, random_state=0), real.X_train[chosen]
    assert np.mean(map_correlations(simulated, recorded)) > 0.95
    n_simulated, n_recorded = (np.array([len(e) for e in each]) for each in (simulated, recorded))
    assert n_simulated.mean() == pytest.approx(n_recorded.mean(), rel=0.1)
    assert np.corrcoef(n_simulated, n_recorded)[0, 1] > 0.98
    rates = [np.sum([np.histogram(e.t, 63, (0, 315_000))[0] for e in each], axis=0) for each in (simulated, recorded)]
    assert np.corrcoef(*rates)[0, 1] > 0.95
