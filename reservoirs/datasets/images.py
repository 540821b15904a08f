"""Images of digits and of clothes in the IDX format of MNIST."""

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from reservoirs._params import check_count
from reservoirs.datasets._files import MOST_BYTES, StrPath, data_path, find_file, read_bytes

_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
_MOST_DIMENSIONS = 32  # of an array in NumPy 1
_GZIP_MAGIC = b"\x1f\x8b"

_MNIST_ADVICE = (
    "pass the folder of MNIST's four IDX files, for instance MNIST/raw below the root that "
    "torchvision.datasets.MNIST(root, download=True) fills, or set RESERVOIRS_DATA to a folder that has them in mnist/"
)
_FASHION_ADVICE = (
    "apt-get install dataset-fashion-mnist (Debian), or pass the folder of the four files "
    "that https://github.com/zalandoresearch/fashion-mnist has in data/fashion"
)
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def load_mnist(path: StrPath | None = None) -> Bunch:
    """Load MNIST: handwritten digits, 60,000 to learn from and 10,000 to test.

    Parameters
    ----------
    path : str or path-like, default=None
        The folder of ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
        ``t10k-labels-idx1-ubyte``, each as it is or with ``.gz`` appended. None means the folder ``mnist`` in the
        folder that the environment variable RESERVOIRS_DATA names.

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, ndarrays of uint8 of shapes (60000, 784) and (10000, 784), the images row by row,
        0 for paper and 255 for ink; ``y_train`` and ``y_test``, ndarrays of ints, the digits; ``target_names``, the
        ten names; ``DESCR``, the description.

    Raises
    ------
    FileNotFoundError
        If a file is absent; the message says how to get it.
    ValueError
        If a file is malformed or truncated, or the files do not belong together.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86, 2278-2324, 1998.

    Examples
    --------
    A folder of two blank images:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.datasets import load_mnist
    >>> images = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(28 * 28)
    >>> labels = bytes([0, 0, 8, 1, 0, 0, 0, 1]) + bytes([7])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "t10k"):
    ...         _ = (Path(folder) / f"{part}-images-idx3-ubyte").write_bytes(images)
    ...         _ = (Path(folder) / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    ...     digits = load_mnist(folder)
    >>> digits.X_train.shape, digits.y_train.tolist()
    ((1, 784), [7])
    """
    description = (
        "MNIST (LeCun et al. 1998): handwritten digits of 28 x 28 pixels from 0 (paper) to 255 (ink); 60,000 to learn "
        "from and 10,000 to test."
    )
    return _load_images(data_path(path, "mnist", _MNIST_ADVICE), "0123456789", description, _MNIST_ADVICE)


def load_fashion_mnist(path: StrPath = "/usr/share/datasets/fashion-mnist") -> Bunch:
    """Load Fashion-MNIST: pictures of clothes in the format of MNIST, and harder to tell apart.

    Parameters
    ----------
    path : str or path-like, default="/usr/share/datasets/fashion-mnist"
        The folder of the four files, which are named as those of MNIST. The default is where Debian's package
        ``dataset-fashion-mnist`` puts them.

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, ndarrays of uint8 of shapes (60000, 784) and (10000, 784), the images row by row;
        ``y_train`` and ``y_test``, ndarrays of ints that index ``target_names``; ``target_names``, the ten names;
        ``DESCR``, the description.

    Raises
    ------
    FileNotFoundError
        If a file is absent; the message says how to get it.
    ValueError
        If a file is malformed or truncated, or the files do not belong together.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv:1708.07747, 2017.

    Examples
    --------
    A folder of two blank images:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.datasets import load_fashion_mnist
    >>> images = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(28 * 28)
    >>> labels = bytes([0, 0, 8, 1, 0, 0, 0, 1]) + bytes([7])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part in ("train", "t10k"):
    ...         _ = (Path(folder) / f"{part}-images-idx3-ubyte").write_bytes(images)
    ...         _ = (Path(folder) / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    ...     clothes = load_fashion_mnist(folder)
    >>> clothes.target_names[clothes.y_train].tolist()
    ['Sneaker']
    """
    description = (
        "Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): pictures of clothes of 28 x 28 pixels from 0 to 255, ten "
        "kinds; 60,000 to learn from and 10,000 to test."
    )
    return _load_images(Path(path), _CLOTHES, description, _FASHION_ADVICE)


def read_idx(path: StrPath, *, max_bytes: int = MOST_BYTES) -> NDArray[Any]:
    """Read an array in the IDX format of MNIST.

    The format: two zero bytes, a byte for the type of the numbers, a byte for the number of dimensions, each
    dimension as four bytes, the numbers with the last index running fastest; all of them big-endian.

    Parameters
    ----------
    path : str or path-like
        The file, compressed by gzip or not, whatever its name.
    max_bytes : int, default=2**30
        The largest array that is read.

    Returns
    -------
    array : ndarray
        Of type uint8, int8, int16, int32, float32 or float64 and of the file's shape.

    Raises
    ------
    ValueError
        If the file is malformed, truncated, too long, or larger than `max_bytes`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "tiny-idx2-ubyte"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    ...     read_idx(path)
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    """
    max_bytes = check_count("max_bytes", max_bytes)
    with Path(path).open("rb") as packed:
        compressed = packed.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        packed.seek(0)
        try:
            return _parse_idx(cast(BinaryIO, gzip.GzipFile(fileobj=packed)) if compressed else packed, max_bytes)
        except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is not an IDX file, or is damaged: {error}") from error


def _parse_idx(file: BinaryIO, max_bytes: int) -> NDArray[Any]:
    *zeros, kind, n_dimensions = read_bytes(file, 4)
    if any(zeros) or kind not in _IDX_DTYPES or not 1 <= n_dimensions <= _MOST_DIMENSIONS:
        start = bytes([*zeros, kind, n_dimensions]).hex(" ")
        raise ValueError(
            f"expected it to start with 00 00, a type of {bytes(_IDX_DTYPES).hex(' ')} and 1 to {_MOST_DIMENSIONS} "
            f"dimensions, found {start}"
        )
    shape = tuple(np.frombuffer(read_bytes(file, 4 * n_dimensions), ">u4").tolist())
    dtype = np.dtype(_IDX_DTYPES[kind])
    size = prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise ValueError(f"its header claims {size} bytes of data; at most max_bytes={max_bytes} are read")
    data = read_bytes(file, size)
    if file.read(1):
        raise ValueError(f"expected {size} bytes of data, found more")
    return np.frombuffer(data, dtype.newbyteorder(">")).astype(dtype, copy=False).reshape(shape)


def _load_images(folder: Path, names: str | tuple[str, ...], description: str, advice: str) -> Bunch:
    X_train, y_train = _load_part(folder, "train", len(names), advice)
    X_test, y_test = _load_part(folder, "t10k", len(names), advice)
    return Bunch(
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        target_names=np.array(list(names)),
        DESCR=description,
    )


def _load_part(folder: Path, part: str, n_classes: int, advice: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    files = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    images, labels = (read_idx(find_file(folder, (name, f"{name}.gz"), advice)) for name in files)
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"{folder / files[0]} holds {images.dtype} of shape {images.shape}; expected uint8 of shape (n, 28, 28)"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1] or (labels >= n_classes).any():
        raise ValueError(
            f"{folder / files[1]} holds {labels.dtype} of shape {labels.shape}; expected uint8 of shape "
            f"({len(images)},), one label from 0 to {n_classes - 1} an image"
        )
    return images.reshape(-1, 28 * 28), labels.astype(np.int64)
