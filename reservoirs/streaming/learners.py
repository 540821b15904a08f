"""How the readout of a stream learns."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri
from sklearn.base import BaseEstimator

from .. import _core
from .._params import check_real
from ..readout import Gram


class Learner(BaseEstimator):  # type: ignore[misc]
    r"""A rule by which a linear readout learns from one row after another.

    For a row of features x whose outputs should have been y, every rule does

    .. math:: e = y - (W x + c), \qquad W \mathrel{+}= e k^T, \qquad c \mathrel{+}= e h

    in float64, with gains k and h of its own. An entry of W changes by a fused multiply-add, c by a product and a sum.
    W x is summed in 16 stripes, as in a prediction.
    """

    @abstractmethod
    def _begin(self, coef: np.ndarray, intercept: np.ndarray, known: Known | None) -> Any:
        """Return a compiled readout that begins with these weights."""


class Known:
    """What a fit leaves for learning to go on from.

    Parameters
    ----------
    alpha : float
        Its penalty.
    gram : Gram or None
        Its sums, if they were kept.
    """

    def __init__(self, alpha: float, gram: Gram | None) -> None:
        self.alpha = alpha
        self.gram = gram


class RLS(Learner):
    r"""Recursive least squares: the ridge regression of all rows so far, recent ones counting more.

    After each row the weights are those that minimise

    .. math:: \sum_i \lambda^{t-i} |y_i - W x_i - c|^2 + \alpha |W - W_0|^2

    with the bias c unpenalised, as in `fit`: with forgetting :math:`\lambda = 1` exactly (to rounding), and with less
    but for the penalty, which then pulls to the present weights, not to the first ones, and varies a little, as said
    below. Learning a row takes about p^2 multiply-adds for p features, and half as many again to forget.

    Parameters
    ----------
    forgetting : float, default=1.0
        The factor :math:`\lambda`, in (0, 1], by which a row counts less with each row after it: about the last
        1 / (1 - forgetting) rows are remembered. 1 forgets nothing.
    alpha : float, default=None
        Ridge penalty, above 0, towards the weights it begins with. None goes on from the sums of the fit with its
        penalty, as if its rows had been learned before; every estimator whose readout is ridge regression keeps these.

    Raises
    ------
    ValueError
        When a stream begins, for a parameter out of its range, for a `forgetting` that leaves nothing of the penalty
        in as many rows as there are features, and for ``alpha=None`` where no sums were kept or their matrix is
        singular.

    Notes
    -----
    Of the features' weighted mean m, weight s of all rows, and :math:`P = U D U^T`, the inverse of the weighted scatter
    matrix plus the penalty,

    .. math::
        g &= \lambda s / (\lambda s + 1), \quad d = x - m, \quad
        k = \frac{g P d}{\lambda + g\, d^T P d}, \quad h = \frac{1 - k^T d}{\lambda s + 1} - k^T m \\
        s' &= \lambda s + 1, \quad m' = m + d / s', \quad P' = (\lambda P^{-1} + g\, d d^T)^{-1}

    Centring on the mean so far is what leaves the bias unpenalised, exactly. At the start s is 0 and m is 0; with
    ``alpha`` given and a readout fitted before, s is alpha, which counts the fitted bias as one such weak row.

    P is never formed. Its factors, U with ones on its diagonal and D diagonal, are updated by Bierman's algorithm [1]_:
    with :math:`a_0 = \lambda`, for each column j in order (i < j are the rows above its one)

    .. math::
        f &= d_j + \sum_i U_{ij} d_i, \quad v = D_j f, \quad a_j = a_{j-1} + (g f) v, \quad b = -(g f) / a_{j-1} \\
        U'_{ij} &= b\, q_i + U_{ij}, \quad q_i = U_{ij} v + q_i, \quad q_j = v, \quad
        D'_j = D_j (a_{j-1} / (a_j \lambda))

    and then k = (g / a_p) q; sums over i have 16 stripes, the two updates over i are fused. So P is symmetric whatever
    rounding does, and positive definite because D is only ever multiplied by positive numbers. With forgetting,
    directions that no row tells of would gain :math:`1/\lambda` a step without bound. So after each row one feature,
    in turn, gets back what it lost of the penalty since its last turn, by the same update with :math:`\lambda = 1`, d
    its unit vector and g = alpha :math:`(1 - \lambda^p)`: then :math:`P \le I / (\alpha \lambda^p)` always.

    References
    ----------
    .. [1] G. J. Bierman, "Measurement updating using the U-D factorization", Automatica 12(4), 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import ESNRegressor
    >>> from reservoirs.streaming import RLS
    >>> u = np.random.default_rng(0).uniform(-1, 1, (600, 1))
    >>> y = np.roll(u[:, 0], 2)
    >>> y[300:] *= -1  # drift
    >>> model = ESNRegressor(n_units=30, random_state=0).fit(u[:300], y[:300])
    >>> stream = model.stream(learner=RLS(forgetting=0.95))
    >>> errors = []
    >>> for row, true in zip(u, y):
    ...     errors.append(abs(stream.step(row) - true))
    ...     stream.learn(true)
    >>> bool(np.mean(errors[-100:]) < 0.05)
    True
    """

    def __init__(self, forgetting: Any = 1.0, *, alpha: Any = None) -> None:
        self.forgetting = forgetting
        self.alpha = alpha

    def _begin(self, coef: np.ndarray, intercept: np.ndarray, known: Known | None) -> Any:
        forgetting = check_real("forgetting", self.forgetting, 0.0, 1.0, least_included=False)
        start = _core.LinearReadout64(coef, intercept)
        if self.alpha is not None:
            alpha = check_real("alpha", self.alpha, 0.0, least_included=False)
            return _core.RLS64(start, forgetting, alpha, weight=0.0 if known is None else alpha)
        if known is None or known.gram is None:
            raise ValueError("alpha=None, but there are no sums of a fit to go on from: RLS needs an alpha above 0")
        if known.alpha <= 0:
            raise ValueError(f"alpha=None, but the fit had alpha_={known.alpha!r}: RLS needs an alpha above 0")
        moments = known.gram.centred()
        factor, diagonal = _factors_of_inverse(moments.gram, known.alpha)
        return _core.RLS64(
            start,
            forgetting,
            known.alpha,
            factor=factor,
            diagonal=diagonal,
            mean=moments.feature_means,
            weight=float(moments.n_samples),
        )


class NLMS(Learner):
    r"""Normalised least mean squares: a step along the row, as long as the error and the learning rate say.

    .. math:: k = \mu x / (1 + x^T x), \qquad h = \mu / (1 + x^T x)

    where the 1 is the bias' own constant feature. After a row its error is :math:`1 - \mu` times what it was. It costs
    p multiply-adds for p features, and learns slowly where features are nearly collinear, as those of reservoirs are.

    Parameters
    ----------
    learning_rate : float, default=0.5
        :math:`\mu`, in (0, 2).

    Raises
    ------
    ValueError
        When a stream begins, for a parameter out of its range.

    References
    ----------
    .. [1] S. Haykin, "Adaptive filter theory", 4th ed., Prentice Hall, 2002.

    Examples
    --------
    >>> from reservoirs import NVAR
    >>> from reservoirs.datasets import lorenz
    >>> from reservoirs.streaming import NLMS
    >>> y = lorenz(1100, dt=0.025)
    >>> stream = NVAR().fit(y[:1000]).stream(learner=NLMS(learning_rate=0.1))
    >>> for row in y[1000:]:
    ...     stream.learn(row)  # of what the step before predicted
    ...     prediction = stream.step(row)
    >>> prediction.shape
    (3,)
    """

    def __init__(self, learning_rate: Any = 0.5) -> None:
        self.learning_rate = learning_rate

    def _begin(self, coef: np.ndarray, intercept: np.ndarray, known: Known | None) -> Any:
        rate = check_real("learning_rate", self.learning_rate, 0.0, 2.0, least_included=False)
        return _core.LMS64(_core.LinearReadout64(coef, intercept), rate, normalised=True)


class LMS(Learner):
    r"""Least mean squares (Widrow and Hoff): :math:`k = \mu x` and :math:`h = \mu`.

    It diverges where the learning rate is above 2 over the mean of 1 + x^T x; :class:`NLMS` does not.

    Parameters
    ----------
    learning_rate : float, default=0.001
        :math:`\mu`, above 0.

    Raises
    ------
    ValueError
        When a stream begins, for a parameter out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.streaming import LMS
    >>> u = np.sin(np.arange(500) / 5).reshape(-1, 1)
    >>> stream = EchoStateNetwork(n_units=20, random_state=0).fit(u).stream(learner=LMS(0.02))
    >>> errors = []
    >>> for now, following in zip(u[:-1], u[1:]):
    ...     errors.append(abs(stream.step(now) - following))
    ...     stream.learn(following)
    >>> bool(np.mean(errors[-50:]) < 0.6 * np.mean(errors[:50]))
    True
    """

    def __init__(self, learning_rate: Any = 0.001) -> None:
        self.learning_rate = learning_rate

    def _begin(self, coef: np.ndarray, intercept: np.ndarray, known: Known | None) -> Any:
        rate = check_real("learning_rate", self.learning_rate, 0.0, least_included=False)
        return _core.LMS64(_core.LinearReadout64(coef, intercept), rate, normalised=False)


def _factors_of_inverse(gram: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return U and D of (gram + alpha I)^-1 = U D U^T: of gram + alpha I = L L^T they are L^-T = U D^(1/2)."""
    gram[np.diag_indices_from(gram)] += alpha
    lower, info = dpotrf(gram, lower=1, clean=1)
    if info != 0:
        raise ValueError(
            f"alpha=None, but with alpha_={alpha:g} the matrix of the fit's sums is singular to working precision: RLS "
            "needs an alpha above 0"
        )
    root = dtrtri(lower, lower=1)[0].T
    scale = root.diagonal()
    return np.ascontiguousarray(root / scale), scale**2
