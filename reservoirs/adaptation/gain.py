"""Gain control: units that divide what they receive, and whitening by the gains of interneurons."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _core
from .._params import check_count, check_real
from ._base import Adaptation, DrawnNetwork
from ._units import UnitLoop, scale_rows

__all__ = ["DivisiveGainControl", "GainWhitening"]

# A division by 0 would make a unit infinitely loud.
_LEAST_DIVISION = -0.99


class DivisiveGainControl(Adaptation):
    r"""Units that divide what they receive, so that its mean square is the same for all.

    .. math::
        a = \frac{W x + W_{in} u}{1 + h}, \qquad x = f(a + b), \qquad \Delta h = \eta (a^2 / \sigma^2 - 1)

    This is the rule of :class:`GainWhitening` with one interneuron for each unit. The rate falls evenly to 0 over the
    passes. In the end row i of W and W_in is divided by :math:`1 + h_i > 0`: links keep their signs.

    Parameters
    ----------
    std : float, default=0.5
        Root mean square :math:`\sigma` that a unit receives, bias apart.
    learning_rate : float, default=0.01
        :math:`\eta` at the first step.
    nonnegative : bool, default=False
        Whether h stays at or above 0: units are then only ever weakened.
    n_epochs : int, default=10
        Passes over the training input.

    Attributes
    ----------
    gain_ : ndarray of shape (n_units,)
        What each unit's weights were multiplied by.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, an activation other than "tanh" and "sigmoid", dynamics
        other than "leaky", several layers, delays and multiplicative input.

    Notes
    -----
    Where the input is too weak for the target, recurrent links are strengthened until the network's own activity makes
    up for it: it may then oscillate or be chaotic. `nonnegative` excludes that.

    References
    ----------
    .. [1] L. R. Duong, D. Lipshutz, D. J. Heeger, D. B. Chklovskii, E. P. Simoncelli, "Adaptive whitening in neural
       populations with gain-modulating interneurons", ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import DivisiveGainControl
    >>> u = 100 * np.random.default_rng(0).uniform(-1, 1, (2000, 1))
    >>> esn = EchoStateNetwork(n_units=50, adaptation=DivisiveGainControl(), random_state=0)
    >>> bool(abs(esn.fit_transform(u)).max() < 0.99)
    True
    """

    def __init__(
        self, std: Any = 0.5, *, learning_rate: Any = 0.01, nonnegative: Any = False, n_epochs: Any = 10
    ) -> None:
        self.std = std
        self.learning_rate = learning_rate
        self.nonnegative = nonnegative
        self.n_epochs = n_epochs

    def adapt(self, network: DrawnNetwork) -> None:
        """Change the gains of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        rate = check_real("learning_rate", self.learning_rate, 0.0, least_included=False)
        std = check_real("std", self.std, 0.0, least_included=False)
        loop = UnitLoop(self, network, [(network.W, True)], self.n_epochs, ("tanh", "sigmoid"))
        division = np.zeros(network.n_units)
        fall = rate / loop.n_steps

        def step(done: int, **run: Any) -> None:
            _core.divisive_gain(
                activation=network.activation,
                std=std,
                rate=rate - done * fall,
                rate_fall=fall,
                least_division=0.0 if self.nonnegative else _LEAST_DIVISION,
                bias=network.bias,
                division=division,
                **run,
            )

        for _ in loop.run(step):
            pass
        self.gain_ = 1 / (1 + division)
        network.W = scale_rows(network.W, self.gain_)
        network.W_in = self.gain_[:, None] * network.W_in


class GainWhitening(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Adaptation):  # type: ignore[misc]
    r"""Whitening by the gains of interneurons whose weights never change (Duong et al. 2023).

    Outputs y are what is left of the inputs x when interneurons z, which see the outputs through a fixed frame, have
    taken away their share. Gains grow where an interneuron's variance is above 1:

    .. math::
        z = V^\top y, \qquad y = (I + V\,\mathrm{diag}(g)\,V^\top)^{-1} x, \qquad \Delta g = \eta (\overline{z^2} - 1)

    The columns of V are the :math:`n^2` unit vectors :math:`e_i` and :math:`(e_i \pm e_j) / \sqrt 2`: any covariance
    can be whitened with them. Before, x is centred and divided by one number, the root mean variance of the first data.

    It is a transformer, for instance of states for a readout. In ``adaptation=`` it is a rule that whitens what drives
    the network, by changing input weights and biases; recurrent weights stay as they are.

    Parameters
    ----------
    learning_rate : float, default=0.005
        :math:`\eta`. A step that would more than halve the least eigenvalue of :math:`I + V \mathrm{diag}(g) V^\top` is
        halved until it does not.
    nonnegative : bool, default=False
        Whether gains stay at or above 0: directions can then be made weaker only. Where centred, divided data have less
        variance than 1, they keep it.
    batch_size : int, default=64
        Rows whose mean is taken.
    n_epochs : int, default=20
        Passes of a fit over the rows. A batch of a fit holds rows from everywhere, as neighbours in time are alike.

    Attributes
    ----------
    gains_ : ndarray of shape (n_features, n_features)
        Of :math:`e_i` on the diagonal, of :math:`(e_i + e_j) / \sqrt 2` above it (row i, column j), of
        :math:`(e_i - e_j) / \sqrt 2` below it (row j, column i).
    whitening_ : ndarray of shape (n_features, n_features)
        What centred inputs are multiplied by.
    mean_ : ndarray of shape (n_features,)
        Their mean, followed at rate `learning_rate`. The first data are those of `fit`, or a first batch of
        `partial_fit`.
    scale_ : float
        What the first data make inputs be divided by.
    n_features_in_ : int
        Number of features.

    Raises
    ------
    ValueError
        For a parameter out of its range, and input that is not finite.

    Notes
    -----
    A batch takes a time that grows with the third power of the number of features.

    References
    ----------
    .. [1] L. R. Duong, D. Lipshutz, D. J. Heeger, D. B. Chklovskii, E. P. Simoncelli, "Adaptive whitening in neural
       populations with gain-modulating interneurons", ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.adaptation import GainWhitening
    >>> X = np.random.default_rng(0).standard_normal((5000, 2)) @ [[3.0, 0.0], [2.0, 0.5]]
    >>> bool(abs(np.cov(GainWhitening().fit_transform(X).T) - np.eye(2)).max() < 0.05)
    True
    """

    def __init__(
        self, *, learning_rate: Any = 0.005, nonnegative: Any = False, batch_size: Any = 64, n_epochs: Any = 20
    ) -> None:
        self.learning_rate = learning_rate
        self.nonnegative = nonnegative
        self.batch_size = batch_size
        self.n_epochs = n_epochs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the gains, from 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What to whiten.
        y : None
            Ignored.

        Returns
        -------
        GainWhitening
            The fitted transformer.
        """
        X = validate_data(self, X, dtype=np.float64)
        batch_size, n_epochs = self._checked_counts()
        self._begin(X)
        n_batches = max(1, len(X) // batch_size)
        for _ in range(n_epochs):
            for first in range(n_batches):
                self._learn(X[first::n_batches])
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on learning, from the rows in their order, once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What to whiten.
        y : None
            Ignored.

        Returns
        -------
        GainWhitening
            The fitted transformer.
        """
        first = not hasattr(self, "gains_")
        X = validate_data(self, X, dtype=np.float64, reset=first)
        batch_size, _ = self._checked_counts()
        if first:
            self._begin(X[:batch_size])
        for at in range(0, len(X), batch_size):
            self._learn(X[at : at + batch_size])
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Whiten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What to whiten.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The outputs.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray((X - self.mean_) @ self.whitening_)

    def adapt(self, network: DrawnNetwork) -> None:
        """Whiten what drives a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        self.fit(network.inputs.values)
        network.W_in = network.W_in @ self.whitening_
        bias = network.bias.copy()
        bias[: len(network.W_in)] -= network.W_in @ self.mean_
        network.bias = bias

    @property
    def _n_features_out(self) -> int:
        n_features: int = self.n_features_in_
        return n_features

    def _checked_counts(self) -> tuple[int, int]:
        check_real("learning_rate", self.learning_rate, 0.0, 1.0, least_included=False)
        return check_count("batch_size", self.batch_size), check_count("n_epochs", self.n_epochs)

    def _begin(self, X: np.ndarray) -> None:
        n = X.shape[1]
        self.mean_ = X.mean(axis=0)
        self.scale_ = float(np.sqrt(X.var(axis=0).mean())) or 1.0
        self.gains_ = np.zeros((n, n))
        self.whitening_ = np.eye(n) / self.scale_

    def _learn(self, X: np.ndarray) -> None:
        rate = float(self.learning_rate)
        self.mean_ = self.mean_ + rate * (X.mean(axis=0) - self.mean_)
        outputs = (X - self.mean_) @ self.whitening_
        change = rate * (_variances(outputs.T @ outputs / len(X)) - 1)
        before = np.linalg.eigvalsh(_response(self.gains_))[0]
        while True:
            gains = np.maximum(self.gains_ + change, 0) if self.nonnegative else self.gains_ + change
            response = _response(gains)
            if np.linalg.eigvalsh(response)[0] > before / 2:
                break
            change = change / 2
        self.gains_ = gains
        self.whitening_ = np.linalg.inv(response) / self.scale_


def _variances(covariance: np.ndarray) -> np.ndarray:
    """Return the variance of each interneuron, in the places of their gains."""
    own = np.diag(covariance)
    pairs: np.ndarray = (own[:, None] + own) / 2 + np.triu(covariance, 1) - np.tril(covariance, -1)
    np.fill_diagonal(pairs, own)
    return pairs


def _response(gains: np.ndarray) -> np.ndarray:
    """Return I + V diag(g) V^T."""
    plus, minus = np.triu(gains, 1), np.tril(gains, -1).T
    between = (plus - minus) / 2
    either = (plus + minus) / 2
    own = 1 + np.diag(gains) + (either + either.T).sum(axis=0)
    return np.asarray(between + between.T + np.diag(own))
