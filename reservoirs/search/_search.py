"""The search object: what scikit-learn's GridSearchCV and RandomizedSearchCV are, but for networks run side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from typing import Any, TypeVar

import joblib  # type: ignore[import-untyped]
import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, ParameterSampler, TimeSeriesSplit, check_cv
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._blas import one_thread
from .._params import check_count
from ..sequences import are_many
from ._family import free_scales
from ._lockstep import Fitted, Setting, Split, fit_all, runs_in_lockstep
from ._results import Results

_N_SPLITS = 5


Method = TypeVar("Method", bound=Callable[..., Any])


def _available_if_estimator_has(name: str) -> Callable[[Method], Method]:
    decorate: Callable[[Method], Method] = available_if(
        lambda self: hasattr(getattr(self, "best_estimator_", self.estimator), name)
    )
    return decorate


class ReservoirSearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Cross-validated search for the parameters of an echo-state network, many candidates at a time.

    It finds what :class:`~sklearn.model_selection.GridSearchCV` (or, with `param_distributions`,
    :class:`~sklearn.model_selection.RandomizedSearchCV`) finds, and shows it in the same attributes. Candidates that
    differ only in `spectral_radius`, `leak_rate`, `input_scaling` and `bias_scaling` have the same random weights but
    for their scale: they run side by side, and each weight is read once for all of them,

    .. math::
        x_k(t) = (1 - a_k)\, x_k(t-1) + a_k f(s_k W_{in} u(t) + r_k W x_k(t-1) + c_k b).

    What begins alike in several splits runs once. Those that differ in `alpha` or `washout` only are one run; penalties
    share the sums of their ridge regressions.

    Parameters
    ----------
    estimator : ESNRegressor, ESNForecaster or ESNClassifier
        What is searched for. Give it a `random_state`: with None, candidates that run side by side still share one
        draw. Any other estimator is accepted, as are parameters for which no sharing is known (a `readout` of time
        steps, `adaptation`, `state_noise`, outputs fed back): such candidates are fitted one by one.
    param_grid : dict or list of dicts, default=None
        Lists of values by parameter: all combinations are tried.
    param_distributions : dict or list of dicts, default=None
        Instead of `param_grid`: lists, or distributions with a method `rvs` such as those of scipy.stats, from which
        `n_iter` candidates are drawn.
    n_iter : int, default=10
        How many candidates are drawn from `param_distributions`.
    scoring : str, callable, list, tuple, set, dict or None, default=None
        As for GridSearchCV. None: the estimator's `score`. A callable may do whatever it likes with the fitted
        estimator, such as forecast in closed loop.
    cv : int, cross-validation splitter, iterable of (train, test) or None, default=None
        None: five splits; of one series or table of time steps each tests on the rows after those it learns from
        (:class:`~sklearn.model_selection.TimeSeriesSplit`), of many sequences on a fifth of them
        (:class:`~sklearn.model_selection.KFold`; for labels, stratified). An int is a number of folds as in
        GridSearchCV, which for one series learns from what comes after the test rows, too, joined across the gap.
    refit : bool, str or callable, default=True
        Whether the best candidate is fitted to all the data. With several scorers, the name of the one that decides, or
        False. A callable is given `cv_results_` and returns the index of the best.
    error_score : "raise" or float, default=nan
        The score of a candidate whose fit or score fails, which is warned of; "raise" lets the error pass.
    return_train_score : bool, default=False
        Whether the scores on the training parts are wanted, too. They cost more runs, one by one.
    random_state : int, RandomState instance or None, default=None
        Draws from `param_distributions`.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        As GridSearchCV has them: mean_test_score, std_test_score, rank_test_score, split0_test_score, ..., params,
        param_<name>, mean_fit_time, mean_score_time, ... The times of candidates that were fitted together are equal
        parts of their common time.
    best_estimator_ : estimator
        Fitted to all the data, if `refit`.
    best_params_ : dict
    best_score_ : float
        Mean score of the best candidate over the splits; none if `refit` is callable.
    best_index_ : int
        Its place in `cv_results_`.
    scorer_ : callable or dict of callables
    n_splits_ : int
    multimetric_ : bool
        Whether there are several scores.
    refit_time_ : float
        Seconds.
    n_features_in_, feature_names_in_, classes_
        Those of `best_estimator_`.

    Raises
    ------
    ValueError
        If both or none of `param_grid` and `param_distributions` are given, if `refit` names no score, or if all fits
        fail.

    Notes
    -----
    Scores are those of GridSearchCV to rounding, not to the bit: scales multiply states instead of weights, and sums
    are added in another order. A readout amplifies that the more the smaller its penalty is compared to the largest
    eigenvalue of X'X, and a network that does not forget its start (a large spectral radius) amplifies it without
    limit: there, the scores of both searches are accidents of rounding. `bench/search.py` shows how far they are apart.
    `best_estimator_` is the estimator GridSearchCV would give, to the bit.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNRegressor
    >>> from reservoirs.search import ReservoirSearchCV
    >>> u = np.random.default_rng(0).uniform(-1, 1, (600, 1))
    >>> y = np.roll(u[:, 0], 3) * np.roll(u[:, 0], 2)
    >>> grid = {"spectral_radius": [0.3, 0.9], "input_scaling": [0.1, 1.0], "alpha": [1e-6, 1e-2]}
    >>> search = ReservoirSearchCV(ESNRegressor(n_units=100, random_state=0), grid).fit(u, y)
    >>> search.best_params_
    {'alpha': 0.01, 'input_scaling': 1.0, 'spectral_radius': 0.9}
    >>> search.predict(u).shape
    (600,)
    """

    multimetric_: bool
    scorer_: Any
    best_estimator_: Any

    def __init__(
        self,
        estimator: Any,
        param_grid: Any = None,
        *,
        param_distributions: Any = None,
        n_iter: Any = 10,
        scoring: Any = None,
        cv: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: Any = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> ReservoirSearchCV:
        """Try all candidates, and fit the best to all the data.

        Parameters
        ----------
        X : array-like or list of arrays
            What the estimator's `fit` takes first: inputs, or for a forecaster the series.
        y : array-like or list of arrays, default=None
            What it takes second: targets or labels, or for a forecaster the exogenous series.
        groups : array-like of shape (n_samples,), default=None
            For splitters that keep groups together.

        Returns
        -------
        ReservoirSearchCV
            The fitted search.
        """
        scorers, candidates = self._scorers(), self._candidates()
        X, y, groups = indexable(X, y, groups)
        without_y = y is None and not get_tags(self.estimator).target_tags.required
        data = (X,) if without_y else (X, y)
        splits = [
            Split(_take(data, train), _take(data, test)) for train, test in self._splitter(X, y).split(X, y, groups)
        ]
        results = Results(candidates, len(splits), scorers, self.error_score, self.return_train_score)
        self._run(candidates, splits, results)
        results.report_failures()

        multimetric = self._is_multimetric()
        found: dict[str, Any] = {
            "n_splits_": len(splits),
            "multimetric_": multimetric,
            "scorer_": scorers if multimetric else scorers["score"],
            "cv_results_": results.table(),
        }
        if self.refit is not False or not multimetric:
            table = found["cv_results_"]
            best = found["best_index_"] = self._best_index(table)
            found["best_params_"] = candidates[best]
            if not callable(self.refit):
                found["best_score_"] = float(table[f"mean_test_{self.refit if multimetric else 'score'}"][best])
        if self.refit is not False:
            begin = time.perf_counter()
            found["best_estimator_"] = self._with(found["best_params_"]).fit(*data)
            found["refit_time_"] = time.perf_counter() - begin
        self.__dict__ = {name: value for name, value in vars(self).items() if not name.endswith("_")} | found
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the score of the best estimator by `scoring`, or by the scorer that `refit` names.

        Parameters
        ----------
        X : array-like or list of arrays
            As in `fit`.
        y : array-like or list of arrays, default=None
            As in `fit`.

        Returns
        -------
        float
        """
        check_is_fitted(self, "best_estimator_")
        scorer = self.scorer_[self.refit] if self.multimetric_ else self.scorer_
        return float(scorer(self.best_estimator_, X) if y is None else scorer(self.best_estimator_, X, y))

    @_available_if_estimator_has("predict")
    def predict(self, X: Any) -> Any:
        """Return the predictions of the best estimator.

        Parameters
        ----------
        X : array-like or list of arrays
            As the estimator takes it.

        Returns
        -------
        ndarray or list of ndarrays
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @_available_if_estimator_has("forecast")
    def forecast(self, n_steps: int, X: Any = None, *, warmup: Any = None, warmup_X: Any = None) -> np.ndarray:
        """Return the forecast of the best estimator; see :meth:`reservoirs.ESNForecaster.forecast`.

        Parameters
        ----------
        n_steps : int
            How many time steps.
        X, warmup, warmup_X : array-like or list of arrays, default=None
            As the estimator takes them.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self, "best_estimator_")
        outputs: np.ndarray = self.best_estimator_.forecast(n_steps, X, warmup=warmup, warmup_X=warmup_X)
        return outputs

    @_available_if_estimator_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the decision function of the best estimator.

        Parameters
        ----------
        X : array-like or list of arrays
            As the estimator takes it.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self, "best_estimator_")
        return np.asarray(self.best_estimator_.decision_function(X))

    @_available_if_estimator_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the best estimator.

        Parameters
        ----------
        X : array-like or list of arrays
            As the estimator takes it.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self, "best_estimator_")
        return np.asarray(self.best_estimator_.predict_proba(X))

    @property
    def classes_(self) -> np.ndarray:
        """Labels the best estimator knows."""
        return np.asarray(self.best_estimator_.classes_)

    @property
    def n_features_in_(self) -> int:
        """Features of a time step."""
        return int(self.best_estimator_.n_features_in_)

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features, if they had any."""
        return np.asarray(self.best_estimator_.feature_names_in_)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: those of the estimator."""
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self.estimator)
        for name in ("estimator_type", "classifier_tags", "regressor_tags", "input_tags", "target_tags"):
            setattr(tags, name, getattr(of_estimator, name))
        return tags

    def _is_multimetric(self) -> bool:
        return isinstance(self.scoring, list | tuple | set | dict)

    def _scorers(self) -> dict[str, Any]:
        if not self._is_multimetric():
            return {"score": check_scoring(self.estimator, self.scoring)}
        named = self.scoring if isinstance(self.scoring, dict) else {name: name for name in self.scoring}
        if self.refit is not False and not callable(self.refit) and self.refit not in named:
            raise ValueError(
                f"refit={self.refit!r} must be False, a callable or, of several scores, the one to choose by: "
                f"{', '.join(map(repr, named))}"
            )
        return {name: check_scoring(self.estimator, scorer) for name, scorer in named.items()}

    def _candidates(self) -> list[dict[str, Any]]:
        if (self.param_grid is None) == (self.param_distributions is None):
            raise ValueError(
                f"param_grid={self.param_grid!r} and param_distributions={self.param_distributions!r}: give one of them"
            )
        if self.param_grid is not None:
            return list(ParameterGrid(self.param_grid))
        n_iter = check_count("n_iter", self.n_iter)
        return list(ParameterSampler(self.param_distributions, n_iter, random_state=self.random_state))

    def _splitter(self, X: Any, y: Any) -> Any:
        if self.cv is None and not is_classifier(self.estimator) and not are_many(X):
            return TimeSeriesSplit(_N_SPLITS)
        return check_cv(self.cv, y, classifier=is_classifier(self.estimator))

    def _run(self, candidates: list[dict[str, Any]], splits: list[Split], results: Results) -> None:
        data = [{"test": split.test, "train": split.train} for split in splits]
        for settings, of_settings in _families(self.estimator, candidates):
            begin = time.perf_counter()
            # Threads take different candidates: those of BLAS would wait for one another at every small matrix, for
            # long where other work keeps the processors busy.
            with one_thread():
                for fitted in _until_an_error(fit_all(self.estimator, settings, splits)):
                    for candidate in of_settings[fitted.setting][fitted.readout]:
                        results.score(candidate, fitted.split, fitted.model, data[fitted.split])
            members = [i for of_readouts in of_settings for same in of_readouts for i in same]
            spent = time.perf_counter() - begin - results.score_time[members].sum()
            results.fit_time[members] = spent / (len(members) * len(splits))
        for i, split in results.missing():
            begin = time.perf_counter()
            try:
                model = self._with(candidates[i]).fit(*splits[split].train)
            except Exception as error:
                if self.error_score == "raise":
                    raise
                results.fail(i, split, error)
                continue
            results.fit_time[i, split] = time.perf_counter() - begin
            results.score(i, split, model, data[split])

    def _with(self, params: dict[str, Any]) -> Any:
        return clone(self.estimator).set_params(**{name: clone(value, safe=False) for name, value in params.items()})

    def _best_index(self, table: dict[str, Any]) -> int:
        if callable(self.refit):
            index = check_count("refit(cv_results_)", self.refit(table), 0)
            if index >= len(table["params"]):
                raise ValueError(f"refit(cv_results_)={index} is no index of {len(table['params'])} candidates")
            return index
        return int(table[f"rank_test_{self.refit if self._is_multimetric() else 'score'}"].argmin())


def _families(
    estimator: Any, candidates: list[dict[str, Any]]
) -> Iterator[tuple[list[Setting], list[list[list[int]]]]]:
    """Iterate over families: their settings, and for each readout of each setting the candidates that have it."""
    unfitted, own = clone(estimator), estimator.get_params(deep=False)
    families: dict[str, dict[str, tuple[dict[str, Any], dict[str, tuple[Any, list[int]]]]]] = {}
    for i, candidate in enumerate(candidates):
        params = own | candidate
        if params.keys() != own.keys():
            continue
        model = copy(unfitted)
        vars(model).update(candidate)
        if not runs_in_lockstep(model):
            continue
        free = free_scales(model)
        shared = {name: value for name, value in params.items() if name not in free | {"washout", "alpha"}}
        settings = families.setdefault(joblib.hash([sorted(free), shared]), {})
        _, readouts = settings.setdefault(joblib.hash([params[name] for name in sorted(free)]), (params, {}))
        readout = params["washout"], params["alpha"]
        readouts.setdefault(joblib.hash(readout), (readout, []))[1].append(i)
    for settings in families.values():
        yield (
            [Setting(params, [readout for readout, _ in readouts.values()]) for params, readouts in settings.values()],
            [[candidates for _, candidates in readouts.values()] for _, readouts in settings.values()],
        )


def _until_an_error(fits: Iterator[Fitted]) -> Iterator[Fitted]:
    """Iterate as far as fits go well; whose fault it is shows where the others are fitted one by one."""
    with suppress(ValueError):
        yield from fits


def _take(data: tuple[Any, ...], rows: np.ndarray) -> tuple[Any, ...]:
    def of(part: Any) -> Any:
        if part is None or hasattr(part, "iloc"):
            return None if part is None else part.iloc[rows]
        return part[rows] if hasattr(part, "shape") else [part[i] for i in rows]

    return tuple(of(part) for part in data)
