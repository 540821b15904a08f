"""Images and events, split as the authors split them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from reservoirs.datasets import load_fashion_mnist, load_mnist, load_nmnist, simulate_nmnist
from reservoirs.encoding import Events

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_N_SIMULATED = 1000  # recordings that are in memory at a time


@dataclass(frozen=True)
class Split:
    """Images, or features, to learn from, to choose by, and to test."""

    X: tuple[Any, ...]
    y: tuple[np.ndarray, ...]

    def first(self, *n: int) -> Split:
        """Return the first so many of each part, of as many parts as there are numbers."""
        return Split(
            tuple(X[:k] for X, k in zip(self.X, n, strict=False)), tuple(y[:k] for y, k in zip(self.y, n, strict=False))
        )

    def map(self, function: Callable[[Any], np.ndarray]) -> Split:
        """Return the split of what a function makes of each part."""
        return Split(tuple(map(function, self.X)), self.y)


def images(name: str, folder: Path | None) -> Split:
    """Load "mnist" or "fashion-mnist"; the last 10,000 training images are those to choose by."""
    fashion = name == "fashion-mnist"
    data = load_fashion_mnist(DEBIAN) if fashion else load_mnist(None if folder is None else folder / "mnist")
    X, y = data.X_train, data.y_train
    return Split((X[:50_000], X[50_000:], data.X_test), (y[:50_000], y[50_000:], data.y_test))


def toys() -> Split:
    """Return a few small digits."""
    X, y = load_digits(return_X_y=True)
    bounds = (slice(0, 100), slice(100, 150), slice(150, 200))
    return Split(tuple(X[each] for each in bounds), tuple(y[each] for each in bounds))


def simulated(X: np.ndarray) -> Iterator[list[Events]]:
    """Yield simulated recordings of images, some at a time: those of all would take 4 GB."""
    for begin in range(0, len(X), _N_SIMULATED):
        yield simulate_nmnist(X[begin : begin + _N_SIMULATED], random_state=0)


def real(folder: Path | None) -> tuple[list[Events], np.ndarray, np.ndarray]:
    """Return the real recordings of N-MNIST, their digits, and which training images they are of."""
    data = load_nmnist(None if folder is None else folder / "nmnist_1k")
    return [*data.X_train, *data.X_test], np.concatenate([data.y_train, data.y_test]), data.mnist_index_train
