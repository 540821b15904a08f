"""Scores and times of candidates on splits, and scikit-learn's table of them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.exceptions import FitFailedWarning


class Results:
    """What is known of each candidate on each split so far.

    Parameters
    ----------
    candidates : list of dict
        Their parameters.
    n_splits : int
    scorers : dict of callables
        Scorers by name.
    error_score : "raise" or float
        The score of what fails; "raise" lets errors pass.
    with_train : bool
        Whether to score the training parts, too.
    """

    def __init__(
        self,
        candidates: list[dict[str, Any]],
        n_splits: int,
        scorers: dict[str, Any],
        error_score: Any,
        with_train: bool,
    ) -> None:
        self.candidates = candidates
        self.scorers = scorers
        self.error_score = error_score
        self.parts = ("test", "train") if with_train else ("test",)
        shape = len(candidates), n_splits
        self.done = np.zeros(shape, bool)
        self.fit_time = np.zeros(shape)
        self.score_time = np.zeros(shape)
        self.scores = {(part, name): np.full(shape, np.nan) for part in self.parts for name in scorers}
        self.errors: list[Exception] = []

    def missing(self) -> Iterator[tuple[int, int]]:
        """Iterate over the candidates and splits that have no score yet."""
        yield from zip(*map(np.ndarray.tolist, np.nonzero(~self.done)), strict=True)

    def score(self, candidate: int, split: int, model: Any, data: dict[str, tuple[Any, ...]]) -> None:
        """Score a fitted model on the parts of a split."""
        begin = time.perf_counter()
        for (part, name), scores in self.scores.items():
            try:
                scores[candidate, split] = self.scorers[name](model, *data[part])
            except Exception as error:
                if self.error_score == "raise":
                    raise
                scores[candidate, split] = self.error_score
                warnings.warn(
                    f"the score {name!r} of {self.candidates[candidate]} failed and is {self.error_score}: {error!r}",
                    UserWarning,
                    stacklevel=5,
                )
            if part == "test":
                self.score_time[candidate, split] = time.perf_counter() - begin
        self.done[candidate, split] = True

    def fail(self, candidate: int, split: int, error: Exception) -> None:
        """Note that a fit has failed."""
        self.errors.append(error)
        for scores in self.scores.values():
            scores[candidate, split] = self.error_score
        self.done[candidate, split] = True

    def report_failures(self) -> None:
        """Raise if all fits have failed, warn if some have."""
        if len(self.errors) == self.done.size:
            raise ValueError(
                f"all {self.done.size} fits failed: check the parameters. The first error was: {self.errors[0]!r}"
            ) from self.errors[0]
        if self.errors:
            warnings.warn(
                f"{len(self.errors)} of {self.done.size} fits failed; their scores are {self.error_score}. The first "
                f"error was: {self.errors[0]!r}",
                FitFailedWarning,
                stacklevel=3,
            )

    def table(self) -> dict[str, Any]:
        """Return the table, its keys those of GridSearchCV."""
        table: dict[str, Any] = {}
        for name, times in (("fit_time", self.fit_time), ("score_time", self.score_time)):
            table[f"mean_{name}"], table[f"std_{name}"] = times.mean(axis=1), times.std(axis=1)
        for name in sorted({name for candidate in self.candidates for name in candidate}):
            table[f"param_{name}"] = _column([candidate.get(name, np.ma.masked) for candidate in self.candidates])
        table["params"] = self.candidates
        for (part, name), scores in self.scores.items():
            for split, of_split in enumerate(scores.T):
                table[f"split{split}_{part}_{name}"] = of_split
            table[f"mean_{part}_{name}"] = mean = scores.mean(axis=1)
            with np.errstate(invalid="ignore"):
                table[f"std_{part}_{name}"] = scores.std(axis=1)
            if part == "test":
                table[f"rank_test_{name}"] = _ranks(mean)
                if not np.isfinite(mean).all():
                    warnings.warn(f"mean test scores {name!r} are not finite: {mean}", UserWarning, stacklevel=3)
        return table


def _column(values: list[Any]) -> Any:
    """Return a masked array, of numbers if all values are."""
    given = [value for value in values if value is not np.ma.masked]
    plain = all(isinstance(value, bool | int | float) for value in given)
    column: Any = np.ma.MaskedArray(
        np.zeros(len(values), dtype=np.result_type(*map(type, given)) if plain else object), mask=True
    )
    for i, value in enumerate(values):
        if value is not np.ma.masked:
            column[i] = value
    return column


def _ranks(means: np.ndarray) -> np.ndarray:
    if np.isnan(means).all():
        return np.ones(len(means), np.int32)
    worst = np.nan_to_num(means, nan=np.nanmin(means) - 1)
    return np.asarray(rankdata(-worst, method="min").astype(np.int32))
