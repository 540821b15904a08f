"""N-MNIST: digits seen by a moving event camera, real ones from a file and simulated ones from images.

The simulated camera looks along the path that real recordings show. Per image and step it costs two small matrix
products and three passes over the pixels, because shifting and blurring a picture is separable: rows, then columns.
"""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from sklearn.utils import Bunch, check_random_state

from reservoirs._blas import one_thread
from reservoirs.datasets._files import StrPath, data_path, find_file, read_npz
from reservoirs.encoding.events import Events

_SENSOR = 34
_IMAGE = 28
_STEP = 1000  # microseconds
_N_STEPS = 315
_DURATION = _N_STEPS * _STEP

# File of real recordings

_NAME = "nmnist_1k.npz"
_ADVICE = (
    f"pass the file {_NAME}, whose layout load_nmnist describes, or set RESERVOIRS_DATA to a folder that has it in "
    "nmnist_1k/; the recordings are those in test/test_files/NMNISTsmall of https://github.com/bamsumit/slayerPytorch"
)
_PER_EVENT = {"x": "u1", "y": "u1", "p": "u1", "dt": "u2"}
_PER_RECORDING = {"n_events": "i4", "label": "u1", "mnist_index": "i4", "is_test": "?"}

# Simulated camera, fitted to real recordings

# Where the image's top left pixel is on the sensor, every 10 ms.
# fmt: off
_PATH_X = (
    0.49, 0.47, 0.41, 0.33, 0.32, 0.41, 0.93, 1.55, 1.87, 1.95, 2.03, 2.13, 2.34, 2.81, 3.55, 4.17,
    4.49, 4.88, 5.18, 5.35, 5.50, 5.73, 5.88, 5.84, 5.14, 4.13, 3.05, 2.00, 1.32, 0.84, 0.63, 0.61,
)
_PATH_Y = (
    1.20, 1.26, 1.59, 2.30, 3.38, 4.64, 5.73, 6.37, 6.57, 6.59, 6.54, 6.52, 6.51, 6.31, 5.60, 4.52,
    3.33, 2.22, 1.65, 1.48, 1.46, 1.45, 1.40, 1.38, 1.42, 1.41, 1.37, 1.31, 1.21, 1.17, 1.19, 1.20,
)
# fmt: on
_PATH_INTERVAL = 10  # steps

_INK = 0.8  # share of the light that full ink swallows
_SENSITIVITY = 4.4  # thresholds per unit of logarithmic contrast
_BLUR = 0.65  # pixels
_NOISE = 0.4e-6  # events a pixel and microsecond
_FRAME = 48  # period of the shifts: wide enough that nothing comes round to the other side

# With factors on this grid a brightness is a multiple of 2^-48 and below 2^4, so every sum is exact in float64: no
# order of adding, no BLAS and no batch can change a bit. Rounding moves a level by a few 2^-13 of a threshold at most.
_GRID = 2.0**16

_BLOCK = 32  # images; their working arrays stay in the second-level cache


def load_nmnist(path: StrPath | None = None) -> Bunch:
    """Load 1,100 real recordings of N-MNIST, where an event camera makes three small saccades over each MNIST digit.

    They are the first 1,000 training and the first 100 test samples. Of the complete set, 60,000 and 10,000, see
    `simulate_nmnist` for something similar.

    Parameters
    ----------
    path : str or path-like, default=None
        The file ``nmnist_1k.npz`` or its folder. None means the folder ``nmnist_1k`` in the folder that the
        environment variable RESERVOIRS_DATA names. The file's arrays are, for all events of one recording after the
        other, ``x``, ``y`` and ``p`` (uint8, column, row and polarity) and ``dt`` (uint16, microseconds since the
        event before, or since the start), and for all recordings ``n_events`` (int32), ``label`` (uint8),
        ``mnist_index`` (int32) and ``is_test`` (bool).

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, lists of 1000 and 100 `Events` of shape (34, 34) with polarity; ``y_train`` and
        ``y_test``, ndarrays of ints, the digits; ``mnist_index_train`` and ``mnist_index_test``, ndarrays of ints,
        the row of the digit in the same part of `load_mnist`; ``target_names``, the ten names; ``DESCR``, the
        description.

    Raises
    ------
    FileNotFoundError
        If the file is absent; the message says how to get it.
    ValueError
        If the file is malformed or truncated.

    Notes
    -----
    The digits were shown dark on light, so ink that comes makes OFF events (polarity 0). A recording lasts 315 ms, or
    until just after its last event where that is later.

    References
    ----------
    G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, "Converting static image datasets to spiking neuromorphic
    datasets using saccades", Frontiers in Neuroscience 9:437, 2015.

    Examples
    --------
    A file of two short recordings:

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from reservoirs.datasets import load_nmnist
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(
    ...         Path(folder) / "nmnist_1k.npz",
    ...         x=np.array([3, 4, 5], dtype=np.uint8),
    ...         y=np.array([0, 1, 0], dtype=np.uint8),
    ...         p=np.array([1, 0, 1], dtype=np.uint8),
    ...         dt=np.array([100, 50, 70], dtype=np.uint16),
    ...         n_events=np.array([2, 1], dtype=np.int32),
    ...         label=np.array([7, 4], dtype=np.uint8),
    ...         mnist_index=np.array([0, 0], dtype=np.int32),
    ...         is_test=np.array([False, True]),
    ...     )
    ...     recordings = load_nmnist(folder)
    >>> recordings.X_train[0].t, recordings.X_train[0].address, recordings.y_train
    (array([100, 150]), array([ 3, 38], dtype=int32), array([7]))
    """
    file = data_path(path, "nmnist_1k", _ADVICE)
    if not file.is_file():
        file = find_file(file, (_NAME,), _ADVICE)
    arrays = read_npz(file, _PER_EVENT | _PER_RECORDING)
    _check_recordings(file, arrays)
    ends = arrays["n_events"].cumsum(dtype=np.int64)
    recordings = [_recording(arrays, slice(a, b)) for a, b in zip(ends - arrays["n_events"], ends, strict=True)]
    test = arrays["is_test"]
    parts: dict[str, Any] = {}
    for part, members in (("train", np.flatnonzero(~test)), ("test", np.flatnonzero(test))):
        parts[f"X_{part}"] = [recordings[i] for i in members]
        parts[f"y_{part}"] = arrays["label"][members].astype(np.int64)
        parts[f"mnist_index_{part}"] = arrays["mnist_index"][members].astype(np.int64)
    return Bunch(
        **parts,
        target_names=np.array(list("0123456789")),
        DESCR=(
            "N-MNIST (Orchard et al. 2015): recordings of MNIST digits with an event camera of 34 x 34 pixels in three "
            "saccades of 105 ms; the first 1,000 training and the first 100 test samples."
        ),
    )


def simulate_nmnist(images: ArrayLike, random_state: int | np.random.RandomState | None = None) -> list[Events]:
    r"""Simulate what the event camera of N-MNIST would record of images. The result is simulated, not N-MNIST.

    The brightness of a pixel, in units of the camera's threshold, is

    .. math:: L(t) = 4.4 \, \log(1 - 0.8\, p / 255)

    of the image blurred by 0.65 pixels (the logarithm is blurred) and moved along the path measured in real
    recordings. It is looked at every millisecond from 0 to 315. Where it has risen by at least 1 since the pixel's
    last event (at first: since a level within 0.5 of where it began) there is an ON event, where it has fallen by at
    least 1 an OFF event, and the last level moves on by 1. A pixel has at most one event a step, and none in the step
    after. Every pixel also has ON and OFF events at random, 0.4 a second.

    Parameters
    ----------
    images : array-like of shape (n_images, 784) or (n_images, 28, 28)
        Values from 0 (paper) to 255 (ink), as in MNIST.
    random_state : int, RandomState or None, default=None
        Seed of thresholds, times within a step and noise. An int makes the result a function of the seed and of each
        image: it depends neither on the other images nor on the image's place among them.

    Returns
    -------
    recordings : list of n_images Events
        Of shape (34, 34), with polarity, lasting 315 ms.

    Raises
    ------
    ValueError
        If `images` has another shape or values outside 0 to 255.

    See Also
    --------
    load_nmnist : Real recordings.

    Notes
    -----
    Beside the real recordings of the first 1,000 training digits of MNIST, the maps of events by polarity and pixel
    correlate by 0.96 on average, and there are 2 % more events. Simulated digits are easier than real ones: noise is
    less and thresholds do not differ, so a score on them must not be set beside one on N-MNIST.

    A digit takes about 2 ms of one core, and its recording 55 kB of memory. Where 60,000 are too many, simulate
    some at a time: the result does not depend on it.

    References
    ----------
    G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, "Converting static image datasets to spiking neuromorphic
    datasets using saccades", Frontiers in Neuroscience 9:437, 2015, describes the recordings. Path, contrast, blur and
    thresholds were fitted to them for this package.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.datasets import simulate_nmnist
    >>> images = np.zeros((2, 28, 28))
    >>> images[0, 8:20, 12:16] = 255
    >>> bar, blank = simulate_nmnist(images, random_state=0)
    >>> bar.shape, bar.duration
    ((34, 34), 315000)
    >>> len(bar) > 5 * len(blank) > 0
    True
    """
    checked = _check_images(images)
    seed = check_random_state(random_state).bytes(8)
    # The products are too small to be worth BLAS's own threads.
    with one_thread():
        blocks = [_simulate(checked[i : i + _BLOCK], seed) for i in range(0, len(checked), _BLOCK)]
    return [recording for block in blocks for recording in block]


def _check_recordings(file: Path, arrays: dict[str, NDArray[Any]]) -> None:
    n_events, x = arrays["n_events"], arrays["x"]
    for names, shape in ((_PER_EVENT, (x.size,)), (_PER_RECORDING, (n_events.size,))):
        shapes = {name: arrays[name].shape for name in names}
        if set(shapes.values()) != {shape}:
            raise ValueError(f"{file}: expected arrays of one shape (n,), found {shapes}")
    if (n_events < 0).any() or n_events.sum(dtype=np.int64) != x.size:
        raise ValueError(f"{file}: expected n_events that are at least 0 and add up to {x.size} events")
    for name, most in (("x", _SENSOR - 1), ("y", _SENSOR - 1), ("p", 1), ("label", 9), ("mnist_index", 59_999)):
        values = arrays[name]
        if ((values < 0) | (values > most)).any():
            raise ValueError(f"{file}: expected {name} from 0 to {most}, found {values.min()} to {values.max()}")


def _recording(arrays: dict[str, NDArray[Any]], events: slice) -> Events:
    t = arrays["dt"][events].cumsum(dtype=np.int64)
    address = arrays["y"][events].astype(np.int32) * _SENSOR + arrays["x"][events]
    duration = max(_DURATION, int(t[-1]) + 1) if len(t) else _DURATION
    return Events(t, address, arrays["p"][events], (_SENSOR, _SENSOR), duration)


def _check_images(images: ArrayLike) -> NDArray[Any]:
    array = np.asarray(images)
    if array.ndim not in (2, 3) or array.shape[1:] not in ((_IMAGE * _IMAGE,), (_IMAGE, _IMAGE)):
        raise ValueError(f"images has shape {array.shape}; expected (n_images, 784) or (n_images, 28, 28)")
    if array.dtype.kind not in "iuf":
        raise ValueError(f"images has type {array.dtype}; expected numbers from 0 to 255")
    low, high = array.min(initial=0), array.max(initial=0)
    if not (low >= 0 and high <= 255):  # said so that NaN is refused, too
        raise ValueError(f"images has values from {low} to {high}; expected 0 to 255")
    if array.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(f"images has no value above {high}; expected 0 to 255 (multiply images from 0 to 1 by 255)")
    return array.reshape(len(array), _IMAGE, _IMAGE)


def _simulate(images: NDArray[Any], seed: bytes) -> list[Events]:
    images = np.ascontiguousarray(images, dtype=np.float64)
    generators = [_generator(seed, image) for image in images]
    thresholds = np.stack([rng.uniform(-0.5, 0.5, (_SENSOR, _SENSOR)) for rng in generators], axis=1)
    changes = _changes(_brightness(images), thresholds)
    return [_with_noise(*events, rng) for events, rng in zip(changes, generators, strict=True)]


def _generator(seed: bytes, image: NDArray[np.float64]) -> np.random.Generator:
    """Return random numbers that depend on the seed and on the image's values."""
    key = blake2b(image.astype("<f8", copy=False).tobytes(), digest_size=16, key=seed).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def _brightness(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the light that comes from each pixel of the images, in thresholds."""
    return _on_grid(_SENSITIVITY * np.log1p(-_INK / 255 * images))


def _on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(values * _GRID) / _GRID


@cache
def _motion(path: tuple[float, ...]) -> NDArray[np.float64]:
    """Return matrices that blur a line of the image and move it to its place on the sensor at each step.

    The line lies in a period of 48 pixels and is moved by turning the phases of its Fourier series.
    """
    places = np.interp(np.arange(_N_STEPS + 1), _PATH_INTERVAL * np.arange(len(path)), path)
    pulse = np.zeros(_FRAME)
    pulse[0] = 1.0
    spectrum = np.fft.rfft(gaussian_filter1d(pulse, _BLUR, mode="wrap"))
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(_FRAME) * places[:, np.newaxis])
    moved = np.fft.irfft(spectrum * turns, _FRAME)
    distance = np.arange(_SENSOR)[:, np.newaxis] - np.arange(_IMAGE)
    return _on_grid(moved[:, distance % _FRAME])


def _changes(
    brightness: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]:
    """Return the steps, addresses and polarities of the events of each image, without noise, in order of step.

    The sensor's array is (row, image, column), as are the thresholds, so that one product moves the rows of all images
    and one more their columns.
    """
    n_images = len(brightness)
    down, across = _motion(_PATH_Y), _motion(_PATH_X)
    rows = brightness.transpose(1, 0, 2).reshape(_IMAGE, -1)
    seen = ((down[0] @ rows).reshape(-1, _IMAGE) @ across[0].T).ravel()
    level = seen + thresholds.ravel()
    size = np.empty_like(level)
    pixel = np.empty(0, dtype=np.int64)
    steps, pixels, polarities = [], [], []
    for step in range(1, _N_STEPS + 1):
        seen = ((down[step] @ rows).reshape(-1, _IMAGE) @ across[step].T).ravel()
        seen -= level
        crossed = np.abs(seen, out=size) >= 1
        crossed[pixel] = False  # refractory
        pixel = np.flatnonzero(crossed)
        is_on = seen[pixel] > 0
        level[pixel] += np.where(is_on, 1.0, -1.0)
        steps.append(np.full(len(pixel), step))
        pixels.append(pixel)
        polarities.append(is_on)
    row, rest = np.divmod(np.concatenate(pixels), n_images * _SENSOR)
    image, column = np.divmod(rest, _SENSOR)
    order = np.argsort(image, kind="stable")
    cuts = np.bincount(image, minlength=n_images).cumsum()[:-1]
    columns = (np.concatenate(steps), row * _SENSOR + column, np.concatenate(polarities))
    return list(zip(*(np.split(each[order], cuts) for each in columns), strict=True))


def _with_noise(
    step: NDArray[np.int64], address: NDArray[np.int64], is_on: NDArray[np.bool_], rng: np.random.Generator
) -> Events:
    """Give each event a time within the millisecond that ends at its step, and add events of no cause."""
    t = (step - 1) * _STEP + rng.integers(_STEP, size=len(step))
    n_pixels = _SENSOR * _SENSOR
    n_noise = rng.poisson(_NOISE * n_pixels * _DURATION)
    return Events.from_arrays(
        np.concatenate([t, rng.integers(_DURATION, size=n_noise)]),
        np.concatenate([address, rng.integers(n_pixels, size=n_noise)]),
        np.concatenate([is_on, rng.integers(2, size=n_noise)]),
        shape=(_SENSOR, _SENSOR),
        duration=_DURATION,
    )
