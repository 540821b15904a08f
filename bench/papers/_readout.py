"""Linear readouts of many standardised features."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import ssyrk
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bench.papers._data import Split

# Penalties as shares of the number of samples, from strong to weak.
_LOGISTIC = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4)
_RIDGE = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
_MOST_ITERATIONS = 200
# A weaker penalty is not tried when the last one lost so much on the validation part.
_LOST = 0.002
_BLOCK = 1000  # rows at a time: 8000 features of 50,000 images in float64 would be 3 GB

Predict = Callable[[np.ndarray], np.ndarray]


def standardise(features: Split) -> None:
    """Take off the means of the first part and divide by its standard deviations, in place."""
    train = features.X[0]
    blocks = [train[begin : begin + _BLOCK] for begin in range(0, len(train), _BLOCK)]
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks) / len(train)
    variance = sum(((block - mean) ** 2).sum(axis=0) for block in blocks) / len(train)
    scale = np.sqrt(np.where(variance > 0, variance, 1))
    for X in features.X:
        X -= mean.astype(X.dtype)
        X /= scale.astype(X.dtype)


def learn(features: Split, readout: str) -> dict[str, Any]:
    """Learn from standardised float32 features with several penalties; score the one that the validation part likes.

    Returns `alpha`, `validation` and a list `test` of the accuracies on all parts after the validation part.
    """
    best: dict[str, Any] = {"validation": -1.0}
    for alpha, predict in READOUTS[readout](features.X[0], features.y[0]):
        validation, *test = (
            float((predict(X) == y).mean()) for X, y in zip(features.X[1:], features.y[1:], strict=True)
        )
        if validation > best["validation"]:
            best = {"alpha": alpha, "validation": validation, "test": test}
        elif validation < best["validation"] - _LOST:
            break
    return best


def _logistic(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[float, Predict]]:
    """Yield logistic regressions, each beginning where the one before ended."""
    model = LogisticRegression(max_iter=_MOST_ITERATIONS, tol=1e-3, warm_start=True)
    for alpha in _LOGISTIC:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=1 / (alpha * len(X))).fit(X, y)
        yield alpha, model.predict


def _ridge(X: np.ndarray, y: np.ndarray) -> Iterator[tuple[float, Predict]]:
    """Yield ridge regressions on indicators of the classes, from one Gram matrix."""
    classes, labels = np.unique(y, return_inverse=True)
    targets = np.eye(len(classes), dtype=X.dtype)[labels]
    share = targets.mean(axis=0)
    gram = ssyrk(1.0 / len(X), X.T, lower=True)
    cross = X.T @ (targets - share) / len(X)
    for alpha in _RIDGE:
        penalised = gram.copy(order="F")
        penalised[np.diag_indices_from(penalised)] += alpha
        coef = cho_solve(cho_factor(penalised, lower=True, overwrite_a=True), cross)
        yield alpha, lambda X, coef=coef: classes[(X @ coef + share).argmax(axis=1)]


READOUTS = {"ridge": _ridge, "logistic": _logistic}
