"""Readouts of liquids by name."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .._params import check_choice, check_real
from ..readout import check_alpha

# Standardised counts of 1000 neurons and 50,000 images: 1e-3 to 3e-3 do best.
_LOGISTIC_ALPHA = 1e-3
# Counts are no states of tanh: those of 8000 neurons and 50,000 images want 1e4.
_RIDGE_ALPHAS = tuple(10.0**k for k in range(-10, 7))


def check_readout(readout: Any, alpha: Any, names: tuple[str, ...]) -> Any:
    """Check a readout, of which some go by name, and return the penalty it takes."""
    if isinstance(readout, str) and check_choice("readout", readout, names) == "logistic":
        return _LOGISTIC_ALPHA if alpha is None else check_real("alpha", alpha, 0.0, least_included=False)
    if not isinstance(readout, str) and (isinstance(readout, type) or not hasattr(readout, "fit")):
        # Now, not when all samples have been shown.
        choices = ", ".join(map(repr, names))
        raise ValueError(f"readout={readout!r} must be {choices} or an object of scikit-learn that can be fitted")
    return check_alpha(_RIDGE_ALPHAS if alpha is None else alpha)


def logistic(alpha: float, n_samples: int) -> Any:
    """Return logistic regression on standardised features.

    Its loss is the mean cross-entropy of the samples plus ``alpha / 2`` times the sum of squared weights.
    """
    return make_pipeline(StandardScaler(), LogisticRegression(C=1 / (alpha * n_samples), max_iter=1000, tol=1e-3))
