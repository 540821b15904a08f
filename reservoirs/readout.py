"""Linear readout fitted from streamed blocks.

A reservoir turns a long series into a tall feature matrix X (T, p) whose
readout is the ridge regression of the targets Y (T, m) on X.  That regression
depends on X and Y only through sums over time, so `Gram` accumulates those sums
block by block and X itself is never kept; `solve_ridge` then solves the
regression, or chooses the penalty by generalised cross-validation first.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, LinAlgWarning
from scipy.linalg.blas import dsyr, dsyr2

from . import _core, _lapack
from ._blas import one_thread_for_few
from ._params import n_threads

__all__ = ["DECADES", "CentredGram", "Gram", "RidgeSolution", "check_alpha", "ridge_path", "solve_ridge"]

FloatArray = NDArray[np.float64]

#: Penalties to choose from by default.
DECADES = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)

_EPS = float(np.finfo(np.float64).eps)
# Multiplications of one call into the core: less than a tenth of a second, after which Ctrl-C is honoured.
_MOST_WORK = 1 << 32
_FEWEST_ROWS = 256
# The room that is given to LAPACK sets the width of its blocks: narrow ones reduce 300 to 1000 columns soonest.
_NARROW = 8
_BLOCK = 64  # at most


class CentredGram(NamedTuple):
    """Centred second moments of a regression, as returned by `Gram.centred`.

    Attributes
    ----------
    gram : ndarray of shape (p, p), Fortran order
        (X - mean(X))^T (X - mean(X)), both triangles filled.
    cross : ndarray of shape (p, m)
        (X - mean(X))^T (Y - mean(Y)).
    feature_means : ndarray of shape (p,)
        Mean of each feature.
    target_means : ndarray of shape (m,)
        Mean of each target.
    target_squares : ndarray of shape (m,)
        Sum of (y - mean(y))^2 of each target; exactly 0 when the target is
        constant to rounding.
    n_samples : int
        Number of samples summed.
    """

    gram: FloatArray
    cross: FloatArray
    feature_means: FloatArray
    target_means: FloatArray
    target_squares: FloatArray
    n_samples: int


class Gram:
    """Sufficient statistics of a linear regression with intercept.

    The sums X^T X, X^T Y, 1^T X, 1^T Y and diag(Y^T Y) are accumulated in
    float64, one block of samples at a time, in (p, p) + (p, m) memory.

    Attributes
    ----------
    n_samples : int
        Number of samples seen; 0 before the first block.
    n_features : int
        Number of features p; 0 before the first block.
    n_targets : int
        Number of targets m; 0 before the first block.

    Notes
    -----
    The mean of the first block is subtracted from every sample before it is
    summed.  The sums are then already nearly centred, and the correction
    X^T X - n mean mean^T loses no digits to a large common offset [1]_.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing
       the sample variance: analysis and recommendations", The American
       Statistician 37(3), 242-247, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.readout import Gram, solve_ridge
    >>> x = np.arange(12.0).reshape(6, 2) ** 2
    >>> y = x @ [[1.0], [-2.0]] + 3.0
    >>> gram = Gram()
    >>> gram.update(x[:4], y[:4])
    >>> gram.update(x[4:], y[4:])
    >>> gram.n_samples, gram.n_features, gram.n_targets
    (6, 2, 1)
    >>> solution = solve_ridge(gram, 0.0)
    >>> solution.coef.round(6), solution.intercept.round(6)
    (array([[ 1., -2.]]), array([3.]))
    """

    def __init__(self) -> None:
        self.n_samples = 0
        self.n_features = 0
        self.n_targets = 0

    def __copy__(self) -> Gram:
        # The sums grow in place: a shallow copy would change with its original.
        other = Gram()
        vars(other).update(
            (name, value.copy(order="K") if isinstance(value, np.ndarray) else value)
            for name, value in vars(self).items()
        )
        return other

    def update(self, features: ArrayLike, targets: ArrayLike, *, n_jobs: int | None = -1) -> None:
        """Add a block of samples.

        Parameters
        ----------
        features : array-like of shape (T_b, p)
            Block of features, float32 or float64.  The first block fixes p;
            a block without samples changes nothing.
        targets : array-like of shape (T_b, m)
            Block of targets.  The first block fixes m.
        n_jobs : int or None, default=-1
            Threads, by joblib's rules.  No bit of the sums depends on it.

        Raises
        ------
        ValueError
            If a shape does not fit, or if a value is NaN, infinite, or too
            large to be squared.  The object is then left unchanged.
        """
        x, y = np.asarray(features), np.asarray(targets)
        self._check_shapes(x, y)
        threads, first = n_threads(n_jobs), self.n_samples == 0
        for name, block, shift, squares in (
            ("features", x, 0.0 if first else self._x_shift, 0.0 if first else self._gram.diagonal()),
            ("targets", y, 0.0 if first else self._y_shift, 0.0 if first else self._y_squares),
        ):
            with np.errstate(over="ignore"):
                # What the squares will at most grow to; the first shift, a mean, is no longer than its block.
                more = 4 * (_core.sum_of_squares(_floats(block), threads) + len(block) * np.vdot(shift, shift))
                _check_summable(name, np.sum(squares) + more)
        self._add_block(x, y, threads)

    def add(self, other: Gram) -> None:
        """Add the samples of other sums.

        Parameters
        ----------
        other : Gram
            Sums of as many features and targets, or of no sample; left unchanged.

        Raises
        ------
        ValueError
            If the numbers of features or targets differ.

        Examples
        --------
        >>> from reservoirs.readout import Gram
        >>> some, more = Gram(), Gram()
        >>> some.update([[1.0], [2.0]], [[3.0], [5.0]])
        >>> more.update([[4.0]], [[9.0]])
        >>> some.add(more)
        >>> some.n_samples, some.centred().feature_means.round(2)
        (3, array([2.33]))
        """
        if other.n_samples == 0:
            return
        if self.n_samples == 0:
            self.__dict__ = vars(copy.copy(other))
            return
        for name, ours, theirs in (
            ("features", self.n_features, other.n_features),
            ("targets", self.n_targets, other.n_targets),
        ):
            if ours != theirs:
                raise ValueError(f"other must have {ours} {name} as these sums, got {theirs}.")
        n, x_sum, y_sum = other.n_samples, other._x_sum, other._y_sum
        # What other sums of x lacks to be about our shift.
        dx, dy = other._x_shift - self._x_shift, other._y_shift - self._y_shift
        self._gram += other._gram
        dsyr2(1.0, x_sum + n / 2 * dx, dx, a=self._gram, lower=1, overwrite_a=1)
        self._cross += other._cross + np.outer(x_sum + n * dx, dy) + np.outer(dx, y_sum)
        self._x_sum += x_sum + n * dx
        self._y_sum += y_sum + n * dy
        self._y_squares += other._y_squares + 2 * dy * y_sum + n * dy**2
        self.n_samples += n

    def centred(self) -> CentredGram:
        """Return the moments about the mean; the object can be updated further.

        Returns
        -------
        CentredGram
            Newly allocated arrays, free to be overwritten.

        Raises
        ------
        ValueError
            If no sample has been added.
        """
        moments = self._moments()
        for j in range(self.n_features):
            moments.gram[j, j + 1 :] = moments.gram[j + 1 :, j]
        return moments

    def _moments(self) -> CentredGram:
        """Return `centred` but for the upper triangle, which is not filled."""
        n = self.n_samples
        if n < 1:
            raise ValueError("gram must hold at least one sample, got n_samples=0.")
        x_mean, y_mean = self._x_sum / n, self._y_sum / n
        target_means = self._y_shift + y_mean
        squares = self._y_squares - n * y_mean**2
        # The mean of equal values may be off by a rounding: that is no variation.
        squares[squares <= n * (_EPS * target_means) ** 2] = 0.0
        return CentredGram(
            gram=dsyr(-float(n), x_mean, a=self._gram.copy(order="F"), lower=1, overwrite_a=1),
            cross=self._cross - n * np.outer(x_mean, y_mean),
            feature_means=self._x_shift + x_mean,
            target_means=target_means,
            target_squares=squares,
            n_samples=n,
        )

    def _add_block(self, x: NDArray[Any], y: NDArray[Any], threads: int) -> None:
        """Do what `update` does, without checking shapes and without saving the sums where it raises.

        It looks at the sums to find out, which spares reading the features once more.
        """
        if len(x) == 0:
            return
        with np.errstate(invalid="ignore", over="ignore"):
            if self.n_samples == 0:
                self._allocate(x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64))
            rows = max(_FEWEST_ROWS, _MOST_WORK // x.shape[1] ** 2)
            for i in range(0, len(x), rows):
                self._add_rows(x[i : i + rows], y[i : i + rows], threads)
            _check_summable("features", self._gram.diagonal().sum())
            _check_summable("targets", self._y_squares.sum())

    def _add_rows(self, x: NDArray[Any], y: NDArray[Any], threads: int) -> None:
        # The targets, and ones, whose products with the features are the features' sums.
        others = np.ones((len(y), self.n_targets + 1))
        y = np.subtract(y, self._y_shift, out=others[:, :-1])
        products = np.zeros((self.n_features, self.n_targets + 1))
        _core.add_products(_floats(x), self._x_shift, others, self._gram, products, threads)
        self._cross += products[:, :-1]
        self._x_sum += products[:, -1]
        self._y_sum += y.sum(axis=0)
        self._y_squares += np.einsum("ij,ij->j", y, y)
        self.n_samples += len(x)

    def _check_shapes(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        for name, block in (("features", x), ("targets", y)):
            if block.ndim != 2 or block.shape[1] == 0:
                raise ValueError(f"{name} must have shape (samples, columns >= 1), got {block.shape}.")
        if len(x) != len(y):
            raise ValueError(f"features and targets must have as many samples, got {len(x)} and {len(y)}.")
        if self.n_samples == 0:
            return
        for name, block, width in (("features", x, self.n_features), ("targets", y, self.n_targets)):
            if block.shape[1] != width:
                raise ValueError(f"{name} must have {width} columns as in the first block, got {block.shape[1]}.")

    def _allocate(self, x_shift: FloatArray, y_shift: FloatArray) -> None:
        p, m = len(x_shift), len(y_shift)
        self.n_features, self.n_targets = p, m
        self._x_shift, self._y_shift = x_shift, y_shift
        self._gram = np.zeros((p, p), order="F")
        self._cross = np.zeros((p, m))
        self._x_sum, self._y_sum = np.zeros(p), np.zeros(m)
        self._y_squares = np.zeros(m)


def _floats(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows as the core takes them."""
    return np.ascontiguousarray(rows, rows.dtype if rows.dtype in (np.float32, np.float64) else np.float64)


def _check_summable(name: str, squares: float) -> None:
    """Raise if a sum of squares, which by Cauchy-Schwarz bounds every other sum, is not finite."""
    if not np.isfinite(squares):
        why = ": the reservoir diverged" if name == "features" else ""
        raise ValueError(f"{name} contain NaN, infinite or huge values{why}.")


@dataclass(frozen=True, eq=False)
class RidgeSolution:
    """Linear readout y = coef x + intercept.

    Attributes
    ----------
    coef : ndarray of shape (m, p)
        Weights.
    intercept : ndarray of shape (m,)
        Biases.
    alpha : float
        Penalty used.
    gcv : ndarray of shape (k,) or None
        Generalised cross-validation score of each candidate penalty, in the
        order given, relative to the variance of the targets: about 1 for a
        readout that only predicts the mean.  None for a single penalty.
    condition : float
        Condition number of the penalised Gram matrix: in the 2-norm, at most
        1/eps, when it was decomposed; else LAPACK's estimate in the 1-norm.
    """

    coef: FloatArray
    intercept: FloatArray
    alpha: float
    gcv: FloatArray | None
    condition: float


def check_alpha(alpha: float | Sequence[float] | FloatArray) -> float | FloatArray:
    """Validate a ridge penalty or a list of candidate penalties.

    Parameters
    ----------
    alpha : float or sequence of float
        Penalty, or non-empty list of candidates; finite and >= 0.

    Returns
    -------
    float or ndarray of shape (k,)
        The penalty as a float, or the candidates as a float64 array.

    Raises
    ------
    ValueError
        If alpha is empty, nested, not numeric, negative, NaN or infinite.

    Examples
    --------
    >>> from reservoirs.readout import check_alpha
    >>> check_alpha(1)
    1.0
    >>> check_alpha([0.1, 10])
    array([ 0.1, 10. ])
    """
    try:
        values = np.asarray(alpha)
    except ValueError:
        values = np.empty((), dtype=object)
    if values.size == 0:
        raise ValueError(f"alpha must not be empty, got {alpha!r}.")
    if values.dtype.kind not in "iuf" or values.ndim > 1:
        raise ValueError(f"alpha must be a number or a flat list of numbers, got {alpha!r}.")
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError(f"alpha must be finite and >= 0, got {alpha!r}.")
    return values.astype(np.float64) if values.ndim else float(values)


def solve_ridge(gram: Gram, alpha: float | Sequence[float] | FloatArray, *, slack: float = 1.0) -> RidgeSolution:
    r"""Ridge regression from accumulated sums, with an unpenalised bias.

    Minimises :math:`\|Y - 1 b^T - X W^T\|_F^2 + \alpha \|W\|_F^2` over the
    weights W (m, p) and the bias b (m,) [1]_; alpha means the same as in
    `sklearn.linear_model.Ridge`.

    Parameters
    ----------
    gram : Gram
        Sums over n samples; left unchanged.
    alpha : float or sequence of float
        Penalty >= 0.  From a sequence, the penalty of smallest generalised
        cross-validation (GCV) score is taken; of scores equal to about 8
        digits, that of the largest penalty.
    slack : float, default=1.0
        The largest penalty is taken whose score is at most this many times
        the smallest: more than 1 prefers robust weights to the last bit of
        accuracy.

    Returns
    -------
    RidgeSolution

    Raises
    ------
    ValueError
        If alpha is invalid (see `check_alpha`) or gram holds no sample.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        If the features are collinear to working precision and alpha is too
        small to tell them apart.  The undetermined directions then get no
        weight: at alpha = 0 this is the solution of minimum norm.

    Notes
    -----
    One penalty is solved by Cholesky factorisation, replaced by a spectral
    decomposition when the matrix is singular to working precision.  Several
    penalties share one reduction of the centred Gram matrix to tridiagonal
    form; eigenvectors are made only if there are directions to be left out,
    or if rounding decides what becomes of them.  Their score is that of [2]_,
    where the intercept takes one degree of freedom,

    .. math::
        \mathrm{GCV}(\alpha) = \frac{n \, \mathrm{RSS}(\alpha)}
        {(n - 1 - \mathrm{df}(\alpha))^2}, \qquad
        \mathrm{df}(\alpha) = \sum_i \frac{\lambda_i}{\lambda_i + \alpha},

    divided by the variance of the target and averaged over the targets.  It
    is exact, and infinite where no residual degree of freedom is left.  GCV
    approximates leave-one-out cross-validation, which is not offered: it needs
    the features of each sample, and these are not kept.

    References
    ----------
    .. [1] A. E. Hoerl and R. W. Kennard, "Ridge regression: biased estimation
       for nonorthogonal problems", Technometrics 12(1), 55-67, 1970.
    .. [2] G. H. Golub, M. Heath and G. Wahba, "Generalized cross-validation as
       a method for choosing a good ridge parameter", Technometrics 21(2),
       215-223, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.readout import Gram, solve_ridge
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((100, 3))
    >>> y = x @ [[1.0], [2.0], [3.0]] + 2 * rng.standard_normal((100, 1))
    >>> gram = Gram()
    >>> gram.update(x, y)
    >>> solution = solve_ridge(gram, [1e-2, 1.0, 1e2])
    >>> solution.alpha
    1.0
    >>> solution.coef.shape, solution.intercept.shape, solution.gcv.shape
    ((1, 3), (1,), (3,))
    """
    return _solve(gram, [alpha], slack)[0]


def ridge_path(
    gram: Gram, alphas: Sequence[float | Sequence[float] | FloatArray], *, slack: float = 1.0
) -> list[RidgeSolution]:
    """Ridge regressions of the same sums with several penalties.

    Parameters
    ----------
    gram : Gram
        Sums over n samples; left unchanged.
    alphas : sequence of floats or of sequences of floats
        For each regression what `solve_ridge` takes as alpha: a penalty, or several to choose from.
    slack : float, default=1.0
        As for `solve_ridge`.

    Returns
    -------
    list of RidgeSolution
        What `solve_ridge` gives for each of `alphas`, to the bit. A tridiagonal form or spectral decomposition is
        shared.

    Raises
    ------
    ValueError
        If an alpha is invalid (see `check_alpha`) or gram holds no sample.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.readout import Gram, ridge_path
    >>> gram = Gram()
    >>> gram.update(np.arange(4.0)[:, None], np.arange(4.0)[:, None])
    >>> [float(solution.coef[0, 0].round(6)) for solution in ridge_path(gram, [0.0, 5.0])]
    [1.0, 0.5]
    """
    return _solve(gram, alphas, slack)


def _solve(gram: Gram, alphas: Sequence[float | Sequence[float] | FloatArray], slack: float) -> list[RidgeSolution]:
    checked = [check_alpha(alpha) for alpha in alphas]
    tridiagonal = cache(lambda: _Tridiagonal(gram._moments()))
    eigenvectors = cache(lambda: _Eigenvectors(gram._moments()))
    solutions = []
    with one_thread_for_few(gram.n_features):
        for alpha in checked:
            if isinstance(alpha, float):
                solution, best, gcv = _solve_cholesky(gram._moments(), alpha), alpha, None
            else:
                best, gcv = tridiagonal().best(alpha, slack)
                solution = tridiagonal().solve(best, gcv)
            solutions.append(solution or eigenvectors().solve(best, gcv))
    return solutions


def _solution(
    moments: CentredGram, weights: FloatArray, alpha: float, gcv: FloatArray | None, condition: float
) -> RidgeSolution:
    coef = np.ascontiguousarray(weights.T)
    intercept = moments.target_means - coef @ moments.feature_means
    return RidgeSolution(coef, intercept, alpha, gcv, condition)


def _solve_cholesky(moments: CentredGram, alpha: float) -> RidgeSolution | None:
    """Solve in the triangle of moments.gram; None if the matrix is singular."""
    matrix, n = moments.gram, len(moments.gram)
    matrix.flat[:: n + 1] += alpha
    norm, rcond = _lapack.value("dlansy", "1", "L", n, matrix, n, np.empty(n)), np.zeros(1)
    if _lapack.call("dpotrf", "L", n, matrix, n) == 0:
        _lapack.call("dpocon", "L", n, matrix, n, norm, rcond, np.empty(3 * n), np.empty(n, np.int64))
    # The rule of _Spectrum.determined: rounding can make a factor of a singular matrix, so success proves nothing.
    if rcond[0] == 0.0 or rcond[0] / n + alpha / norm <= _EPS:
        return None
    weights = np.array(moments.cross, order="F")
    _lapack.call("dpotrs", "L", n, weights.shape[1], matrix, n, weights, n)
    return _solution(moments, weights, alpha, None, float(1.0 / rcond[0]))


def sums_with(estimator: Any, blocks: Iterable[tuple[NDArray[Any], NDArray[Any]]], n_jobs: int | None) -> Gram:
    """Return the sums that an estimator keeps as `_gram_`, if any, and those of more blocks: features and targets."""
    before, threads = getattr(estimator, "_gram_", None), n_threads(n_jobs)
    gram = Gram() if before is None else copy.copy(before)
    for features, targets in blocks:
        gram._check_shapes(features, targets)
        gram._add_block(features, targets, threads)
    return gram


def goes_on(estimator: Any, readout: Any, wanted: str) -> bool:
    """Tell whether `partial_fit` adds to what was learned, of which sums are kept; refuse readouts but `wanted`."""
    if readout is not None:
        raise ValueError(f"readout={readout!r} cannot be fitted in parts; partial_fit needs readout={wanted}")
    return getattr(estimator, "_gram_", None) is not None


class _Spectrum:
    """Eigenvalues of a centred Gram matrix, ascending, and the products of its eigenvectors with the cross moments."""

    def __init__(self, moments: CentredGram, values: FloatArray, projections: FloatArray) -> None:
        self.moments = moments
        # Rounding in the Gram matrix hides smaller eigenvalues, and may turn them negative.
        self.noise = _EPS * max(float(values[-1]), 0.0)
        self.values: FloatArray = np.maximum(values, self.noise)
        self.projections = projections

    def determined(self, alpha: float | FloatArray) -> NDArray[np.bool_]:
        """Directions that survive the rank decision of `lstsq`, or that alpha alone lifts above the noise."""
        kept: NDArray[np.bool_] = self.values / len(self.values) + alpha > self.noise
        return kept

    def condition(self, alpha: float) -> float:
        """Condition number of the penalised matrix."""
        damped = self.values + alpha
        return float(damped[-1] / damped[0]) if damped[0] > 0 else np.inf

    def best(self, alphas: FloatArray, slack: float) -> tuple[float, FloatArray]:
        """Return the penalty that generalised cross-validation takes, and the scores of all."""
        gcv = self.gcv(alphas)
        # Candidates that differ by less than rounding can justify are tied.
        tied = gcv <= gcv.min() * (slack + np.sqrt(_EPS))
        return float(alphas[tied].max()), gcv

    def gcv(self, alphas: FloatArray) -> FloatArray:
        """GCV score of each penalty, relative to the variance of the target, averaged over the targets."""
        n, total, p = self.moments.n_samples, self.moments.target_squares, len(self.values)
        # Centred data span at most n - 1 directions; the others hold only rounding.
        rank = min(n - 1, p)
        leading = slice(p - rank, p)
        values, column = self.values[leading, None], alphas[:, None]
        explained = _divide(self.projections[leading] ** 2, values, values > 0, 0.0)
        left = _divide(column, values.T + column, self.determined(column)[:, leading], 1.0)

        # Summing what alpha leaves over in each direction cancels nothing.  Only the part of the target outside
        # all directions is a difference: it is known to the rounding of the total, and is nil if they span everything.
        spanned = rank == n - 1 and self.determined(0.0)[leading].all()
        outside = np.zeros_like(total) if spanned else np.maximum(total - explained.sum(axis=0), 10 * _EPS * total)
        rss = outside + left**2 @ explained
        relative = _divide(rss, total, total > 0, 0.0).mean(axis=1)
        freedom = n - 1 - rank + left.sum(axis=1)
        return _divide(n**2 * relative, freedom**2, freedom > 0, np.inf)


class _Tridiagonal(_Spectrum):
    """A centred Gram matrix as Q T Q^T, T tridiagonal: all that scores need, and sooner than eigenvectors."""

    def __init__(self, moments: CentredGram) -> None:
        self.factor, n = moments.gram, len(moments.gram)
        self.diagonal, self.beside, self.scales = np.empty(n), np.empty(n - 1), np.empty(n - 1)
        work = np.empty(_NARROW * n)
        _lapack.call("dsytrd", "L", n, self.factor, n, self.diagonal, self.beside, self.scales, work, len(work))
        self.cross = self._rotated("T", moments.cross)
        # Large numbers come first here; the other way round, rounding spares small eigenvalues.
        values, beside, projections = (each[::-1].copy() for each in (self.diagonal, self.beside, self.cross))
        if not _core.tridiagonal_spectrum(values, beside, projections):
            raise LinAlgError("the eigenvalues of the Gram matrix did not converge")
        order = np.argsort(values)
        self.least = values[order[0]]
        super().__init__(moments, values[order], projections[order])

    def solve(self, alpha: float, gcv: FloatArray) -> RidgeSolution | None:
        """Solve for one penalty; None if directions are undetermined, or if it matters how they are rounded."""
        if not self.determined(alpha).all() or 2 * (self.least + alpha) < self.values[0] + alpha:
            return None
        n, weights = len(self.diagonal), self.cross.copy(order="F")
        if _lapack.call("dptsv", n, weights.shape[1], self.diagonal + alpha, self.beside.copy(), weights, n) != 0:
            return None
        return _solution(self.moments, self._rotated("N", weights), alpha, gcv, self.condition(alpha))

    def _rotated(self, how: str, columns: FloatArray) -> FloatArray:
        """Return Q ("N") or its transpose ("T") times columns."""
        (n, m), rotated = columns.shape, np.array(columns, order="F")
        # With so little room LAPACK takes one reflection at a time, which is faster for few columns (5 times for one).
        work = np.empty(m if m < _BLOCK else _BLOCK * (m + _BLOCK + 1))
        _lapack.call("dormtr", "L", "L", how, n, m, self.factor, n, self.scales, rotated, n, work, len(work))
        return rotated


class _Eigenvectors(_Spectrum):
    """A centred Gram matrix as V diag(values) V^T."""

    def __init__(self, moments: CentredGram) -> None:
        values, self.vectors = np.linalg.eigh(moments.gram, UPLO="L")
        super().__init__(moments, values, self.vectors.T @ moments.cross)

    def solve(self, alpha: float, gcv: FloatArray | None) -> RidgeSolution:
        """Solve for one penalty, leaving out the undetermined directions with a warning."""
        kept, condition = self.determined(alpha), self.condition(alpha)
        if not kept.all():
            warnings.warn(
                f"The Gram matrix is ill-conditioned (condition number at least {condition:.1e}) with "
                f"alpha={alpha:g}: {kept.sum()} of its {len(kept)} directions are used. Raise alpha.",
                LinAlgWarning,
                stacklevel=4,  # whoever called solve_ridge or ridge_path
            )
        weights = self.vectors @ _divide(self.projections, (self.values + alpha)[:, None], kept[:, None], 0.0)
        return _solution(self.moments, weights, alpha, gcv, condition)


def _divide(numerator: FloatArray, denominator: FloatArray, where: NDArray[np.bool_], otherwise: float) -> FloatArray:
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient: FloatArray = np.divide(numerator, denominator, out=np.full(shape, otherwise), where=where)
    return quotient
