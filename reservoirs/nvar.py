"""The next-generation reservoir: delayed values and their products, no random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from . import _core
from ._params import check_count
from .esn._harvest import make_readout
from .forecasting import ForecasterMixin
from .readout import DECADES, check_alpha, solve_ridge, sums_with
from .sequences import Sequences, row_before, with_feedback

_ROWS_A_BLOCK = 2048
_WORK_A_CALL = 50_000_000


class NVAR(ForecasterMixin):
    r"""Nonlinear vector autoregression, the next-generation reservoir computer.

    .. math:: y(t) = y(t-1) + W_{out} [z(t); \text{all products of } order \text{ entries of } z(t)] + c

    where z(t) holds the series, and the exogenous series, at times t-1, t-1-stride, ..., t-1-(delays-1) stride
    (Gauthier, Bollt, Griffith and Barbosa 2021), all standardised. It has no random numbers and little to choose. The
    exogenous series at time t counts as the most recent one: it is delayed from t, not from t-1.

    `predict` takes the first (delays-1) stride + 1 rows, which lack some of that past, to be like the row before them.

    Parameters
    ----------
    delays : int, default=2
        How many past values of each variable are seen.
    stride : int, default=1
        Time steps between them.
    order : int, default=2
        The largest number of factors in a product; products of 2 to `order` factors are formed.
    alpha : float or sequence of floats, default=(1e-6, 1e-5, ..., 0.1, 1)
        Ridge penalty; of several, the one with the least generalised cross-validation error is taken.
    dtype : {None, "float32", "float64"} or numpy dtype, default=None
        Precision. None follows the training series: float32 for float32, float64 otherwise.

    Attributes
    ----------
    coef_ : ndarray of shape (n_outputs, n_features_out)
        Readout weights, for increments of the standardised series.
    intercept_ : ndarray of shape (n_outputs,)
        Readout bias.
    alpha_ : float
        The ridge penalty used.
    monomials_ : int32 ndarray of shape (n_products, order)
        The places in z of each product's factors; -1 where it has fewer.
    y_mean_, y_scale_, X_mean_, X_scale_ : ndarray
        Mean and standard deviation of the training series.
    n_features_in_ : int
        Variables of the series.

    Raises
    ------
    ValueError
        For a parameter out of its range, input that is not finite or does not fit, and series shorter than the delays.

    References
    ----------
    .. [1] D. J. Gauthier, E. Bollt, A. Griffith and W. A. S. Barbosa, "Next generation reservoir computing", Nature
       Communications 12, 5564, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import NVAR
    >>> from reservoirs.datasets import lorenz
    >>> y = lorenz(2100, dt=0.025)
    >>> model = NVAR().fit(y[:2000])
    >>> model.coef_.shape  # 6 delayed values, 21 products; with the bias, 28 features
    (3, 27)
    >>> bool(np.abs(model.forecast(40) - y[2000:2040]).max() < 1)
    True
    """

    def __init__(
        self,
        delays: Any = 2,
        *,
        stride: Any = 1,
        order: Any = 2,
        alpha: Any = DECADES[4:],
        dtype: Any = None,
    ) -> None:
        self.delays = delays
        self.stride = stride
        self.order = order
        self.alpha = alpha
        self.dtype = dtype

    _predicts_increments = True

    def _begin(self, exogenous: Sequences, series: np.ndarray) -> None:
        delays, stride = check_count("delays", self.delays), check_count("stride", self.stride)
        order = check_count("order", self.order)
        check_alpha(self.alpha)
        self._depth_ = (delays - 1) * stride
        n_variables = exogenous.n_features + series.shape[1]
        self.monomials_ = _monomials(n_variables * delays, order)

    def _learn(self, exogenous: Sequences, series: np.ndarray) -> None:
        self._check_length("y", exogenous, self._depth_ + 2)
        parts = zip(self._variables(exogenous, series), exogenous.with_values(series), strict=True)
        blocks = (
            (self._features(part, rows), true[rows] - true[rows - 1])
            for part, true in parts
            for rows in self._blocks(len(part))
        )
        self._gram_ = sums_with(self, blocks, -1)
        solution = solve_ridge(self._gram_, self.alpha)
        self.coef_, self.intercept_, self.alpha_ = solution.coef, solution.intercept, solution.alpha
        self.last_state_ = self._warm_up(exogenous, series)[-1]
        self._compile()

    def _one_step(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        # Rows without all their past are predicted to be like the row before, the first to be the mean.
        outputs = row_before(exogenous, series)
        for part, predicted in zip(self._variables(exogenous, series), exogenous.with_values(outputs), strict=True):
            for rows in self._blocks(len(part)):
                predicted[rows] += self._linear_.apply(self._features(part, rows))
        return outputs

    def _warm_up(self, exogenous: Sequences, series: np.ndarray) -> np.ndarray:
        self._check_length("warmup", exogenous, self._depth_ + 1)
        return np.stack([part[len(part) - self._depth_ :] for part in self._variables(exogenous, series)])

    def _run_on(self, memory: np.ndarray, last: np.ndarray, external: np.ndarray) -> np.ndarray:
        # Short calls, so that Ctrl-C is honoured between them; they hand on memory and last row.
        steps = max(1, _WORK_A_CALL // self.coef_.size)
        outputs = np.empty((*external.shape[:2], last.shape[1]), last.dtype)
        for i, of_external in enumerate(external):
            of_memory, of_last = memory[i].copy(), last[i].copy()
            for t in range(0, external.shape[1], steps):
                outputs[i, t : t + steps] = _core.nvar_closed_loop(
                    self._linear_,
                    self.monomials_,
                    self.delays,
                    self.stride,
                    np.ascontiguousarray(of_external[t : t + steps]),
                    of_memory,
                    of_last,
                )
        return outputs

    def _memory(self) -> Any:
        memory = _core.DelayLine32 if self.last_state_.dtype == np.float32 else _core.DelayLine64
        return memory(self.monomials_, len(self.X_mean_) + len(self.y_mean_), self.delays, self.stride)

    def _variables(self, exogenous: Sequences, series: np.ndarray) -> list[np.ndarray]:
        """Return what is known when each row is predicted: the exogenous row, and the row of the series before."""
        return list(with_feedback(exogenous, series))

    def _blocks(self, length: int) -> Iterator[np.ndarray]:
        """Iterate over the rows of a series that have all their past, block by block."""
        for at in range(self._depth_ + 1, length, _ROWS_A_BLOCK):
            yield np.arange(at, min(at + _ROWS_A_BLOCK, length))

    def _check_length(self, name: str, exogenous: Sequences, least: int) -> None:
        if exogenous.lengths.min() < least:
            raise ValueError(
                f"{name} has a series of {exogenous.lengths.min()} time steps; delays={self.delays} and "
                f"stride={self.stride} need at least {least}"
            )

    def _features(self, variables: np.ndarray, rows: np.ndarray) -> np.ndarray:
        linear = np.hstack([variables[rows - k * self.stride] for k in range(self.delays)])
        products = np.empty((len(rows), len(self.monomials_)), linear.dtype)
        # Factors from left to right, as the core multiplies them.
        for m, factors in enumerate(self.monomials_):
            product = linear[:, factors[0]]
            for factor in factors[1:][factors[1:] >= 0]:
                product = product * linear[:, factor]
            products[:, m] = product
        return np.hstack([linear, products])

    def _compile(self) -> None:
        self._linear_ = make_readout(self.coef_, self.intercept_, self.last_state_.dtype)


def _monomials(n_values: int, order: int) -> np.ndarray:
    """Return the factors of all products of 2 to `order` of `n_values` values, filled up with -1."""
    rows = [
        [*factors, *[-1] * (order - n)]
        for n in range(2, order + 1)
        for factors in combinations_with_replacement(range(n_values), n)
    ]
    return np.array(rows, dtype=np.int32).reshape(len(rows), order)
