"""What classifiers of whole sequences share: a readout on one vector a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, clone, is_regressor
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from . import _core
from ._estimator import Estimator
from .readout import goes_on, solve_ridge, sums_with

Method = TypeVar("Method", bound=Callable[..., Any])


def _available_if_readout_has(name: str, *, or_ridge: bool = False) -> Callable[[Method], Method]:
    def has(self: SequenceClassifierMixin) -> bool:
        # What was fitted counts, not what was set since.
        readout = getattr(self, "readout_", None) if hasattr(self, "classes_") else self._readout_estimator()
        return or_ridge if readout is None else hasattr(readout, name)

    decorate: Callable[[Method], Method] = available_if(has)
    return decorate


def _check_ridge(self: SequenceClassifierMixin) -> bool:
    goes_on(self, None if self._readout_estimator() is None else self.readout, self._ridge)
    return True


class SequenceClassifierMixin(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A classifier that turns each sequence into a vector: ridge regression on +-1, or a scikit-learn classifier.

    Learned: classes_, and coef_, intercept_, alpha_ and _gram_ (ridge) or readout_.
    """

    classes_: np.ndarray
    readout: Any
    _vector_dtype: Any = np.float64
    # What `readout` is for ridge regression.
    _ridge = "None"

    def _readout_estimator(self, n_samples: int = 1) -> Any:
        """Return the unfitted scikit-learn classifier for so many samples, None for ridge regression."""
        raise NotImplementedError

    def _vectors(self, X: Any) -> np.ndarray:
        """Check the input of a prediction; return a vector for each sequence."""
        raise NotImplementedError

    def _fit(self, X: Any, y: Any, classes: Any = None) -> None:
        """Draw what is drawn, and learn; of classes that are given also those that `y` lacks."""
        raise NotImplementedError

    def _fit_later(self, X: Any, y: Any) -> None:
        """Learn from more sequences."""
        raise NotImplementedError

    @available_if(_check_ridge)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Add sequences to what `fit` or earlier calls have learned, with ridge regression.

        The first call draws the weights, and lets learn from its sequences alone what learns without labels. But for
        this the result equals one `fit` on all the sequences, to rounding, for which the sums of the regression, the
        squared length of a vector in numbers, are kept.

        Parameters
        ----------
        X : as in `fit`
            More sequences.
        y : array-like of shape (n_sequences,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be; needed by the first call.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            Also for labels that are none of the classes, and if the first call has no `classes`.
        AttributeError
            For another readout.
        """
        later = goes_on(self, None, self._ridge)
        if later and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes={classes!r} are not those of the first call, {self.classes_.tolist()}")
        if not later and classes is None:
            raise ValueError("classes=None, but the first call of partial_fit needs the labels of all classes")
        drawn = self._fresh(learned=later)
        if later:
            drawn._fit_later(X, y)
        else:
            drawn._fit(X, y, classes)
        return self._become(drawn)

    def _learn_classes(self, labels: np.ndarray, classes: Any) -> np.ndarray:
        """Learn classes_; return the number of each label."""
        readout = self._readout_estimator()
        if hasattr(readout, "__sklearn_tags__") and is_regressor(readout):
            raise ValueError(f"readout={readout!r} is a regressor; labels need a classifier")
        name, given = ("y", labels) if classes is None else ("classes", classes)
        self.classes_ = np.unique(given)
        if len(self.classes_) < 2:
            raise ValueError(f"{name} holds one class only, {self.classes_[0]}; a classifier needs at least 2 classes")
        return self._codes(labels)

    def _codes(self, labels: np.ndarray) -> np.ndarray:
        """Return the number of each label."""
        if len(unknown := np.setdiff1d(labels, self.classes_)):
            raise ValueError(f"y holds {unknown[0]!r}, which is none of the classes {self.classes_.tolist()}")
        return np.searchsorted(self.classes_, labels)

    def _learn(self, vectors: np.ndarray, codes: np.ndarray, alpha: Any) -> None:
        """Fit the readout."""
        readout = self._readout_estimator(len(codes))
        if readout is not None:
            self.readout_ = clone(readout).fit(vectors, codes)
            return
        targets = 2.0 * (codes[:, None] == np.arange(len(self.classes_))) - 1.0
        block = vectors, targets[:, 1:] if len(self.classes_) == 2 else targets
        self._gram_ = sums_with(self, [block], self.n_jobs)
        solution = solve_ridge(self._gram_, alpha)
        self.coef_, self.intercept_, self.alpha_ = solution.coef, solution.intercept, solution.alpha

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of each sequence.

        Parameters
        ----------
        X : as in `fit`
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences,)
        """
        check_is_fitted(self)
        return self._labels(self._vectors(X))

    @_available_if_readout_has("decision_function", or_ridge=True)
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the readout's outputs.

        Parameters
        ----------
        X : as in `fit`
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences,) for two classes, (n_sequences, n_classes) for more
        """
        check_is_fitted(self)
        return self._scores(self._vectors(X))

    @_available_if_readout_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, if the readout gives it.

        Parameters
        ----------
        X : as in `fit`
            The sequences.

        Returns
        -------
        ndarray of shape (n_sequences, n_classes)
        """
        check_is_fitted(self)
        return np.asarray(self.readout_.predict_proba(self._vectors(X)))

    def _labels(self, vectors: np.ndarray) -> np.ndarray:
        """Return the label of each vector."""
        if hasattr(self, "readout_"):
            return np.asarray(self.classes_[self.readout_.predict(vectors)])
        scores = self._scores(vectors)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return the readout's outputs for each vector."""
        if hasattr(self, "readout_"):
            return np.asarray(self.readout_.decision_function(vectors))
        # One order of each sum on every machine, which neither BLAS nor einsum has.
        scores: np.ndarray = _core.class_scores(np.ascontiguousarray(vectors, np.float64), self.coef_, self.intercept_)
        return scores[:, 0] if len(self.classes_) == 2 else scores
