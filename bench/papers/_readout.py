"""Logistic regression on many standardised features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bench.papers._data import Split

# From strong to weak, each beginning where the one before ended.
ALPHAS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4)
_MOST_ITERATIONS = 200
# A weaker penalty is not tried when the last one lost so much on the validation part.
_LOST = 0.002
_BLOCK = 1000  # rows at a time: 8000 features of 50,000 images in float64 would be 3 GB


@dataclass(frozen=True)
class Learned:
    """The readout of the penalty that does best on the validation part."""

    alpha: float
    validation: float
    test: tuple[float, ...]


def learn(features: Split, alphas: tuple[float, ...] = ALPHAS) -> Learned:
    """Learn from float32 features, which are standardised in place; score on all parts after the validation part."""
    standardise(features)
    train, y = features.X[0], features.y[0]
    model = LogisticRegression(max_iter=_MOST_ITERATIONS, tol=1e-3, warm_start=True)
    best = Learned(0.0, -1.0, ())
    for alpha in alphas:
        model.set_params(C=1 / (alpha * len(train)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(train, y)
        validation, *test = (float(model.score(X, y)) for X, y in zip(features.X[1:], features.y[1:], strict=True))
        if validation > best.validation:
            best = Learned(alpha, validation, tuple(test))
        elif validation < best.validation - _LOST:
            break
    return best


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
