"""Echo-state networks of excitatory and inhibitory units."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._params import check_count, check_real
from .._values import per_target
from .graphs import ErdosRenyi

__all__ = ["EITopology"]


class EITopology(BaseEstimator):  # type: ignore[misc]
    r"""Excitatory and inhibitory units, linked at random (Srinivasan, Plenz and Girvan 2025).

    Unit i has the potential v, and sends the rate r, between 0 and 1,

    .. math::
        v_i(t) = \sum_j (A^E_{ij} - A^I_{ij})\, r_j(t-1) + (W_{in} u(t))_i, \qquad
        r_i(t) = \frac{1}{1 + \exp(-c (v_i(t) - \theta_i))}

    Every ordered pair of units is linked with probability K / (N - 1), independently: a unit has K inputs on average,
    K f of them from the share f of units that excite. Excitatory weights have the mean 1 / (K f), so that those onto a
    unit sum to 1, inhibitory ones (1 - balance) / (K (1 - f)). Both are the absolute values of normal numbers with the
    standard deviation `weight_spread` / (K f). The first units are the excitatory ones.

    The estimator's weights hold the gain: W_ = c (A^E - A^I), W_in_ = c W_in, bias_ = -c theta. It sets `n_units`,
    `input_scaling` (in units of the potential), `feedback_scaling`, `leak_rate` and `dynamics`; the activation is
    "sigmoid", and `spectral_radius`, `connectivity` and `bias_scaling` have no part. With ``dynamics="voltage"`` the
    potential has a memory, the share 1 - `leak_rate` of it: the Lambda of the paper.

    Parameters
    ----------
    frac_exc : float, default=0.8
        Share f of the units that are excitatory, between 0 and 1.
    in_degree : int, default=50
        Mean number K of links onto a unit, at most n_units - 1.
    weight_spread : float, default=0.2
        Standard deviation of weights, as a multiple of the mean excitatory one.
    balance : float, default=0.0
        Global balance: the weights onto a unit sum to it on average. 1 is no inhibition, 0 is balance, and negative
        values are more inhibition than excitation.
    gain : float or None, default=None
        Slope c. None means 1.44 times the square root of `in_degree`, with which a balanced network with rates of about
        0.5 is a little on the stable side of the edge of chaos.
    threshold : float, array of shape (n_units,) or frozen scipy.stats distribution, default=0.0
        Threshold theta of each unit.
    input_fraction : float, default=0.3
        Share of the units, chosen at random, that the input reaches.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, more than one layer, and an estimator's parameter that has no part
        here but is set.

    See Also
    --------
    reservoirs.adaptation.EIBalance : Brings each unit of such a network to a target rate.

    References
    ----------
    .. [1] K. Srinivasan, D. Plenz, M. Girvan, "Boosting reservoir computing with brain-inspired adaptive control of E-I
       balance", Nature Communications, 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.topology import EITopology
    >>> u = np.random.default_rng(0).uniform(0, 1, (100, 1))
    >>> esn = EchoStateNetwork(200, topology=EITopology(balance=-0.4), input_scaling=0.05, random_state=0).fit(u)
    >>> (esn.W_[:, :160] < 0).nnz, (esn.W_[:, 160:] > 0).nnz  # excitatory units never inhibit, and the reverse
    (0, 0)
    """

    def __init__(
        self,
        frac_exc: Any = 0.8,
        in_degree: Any = 50,
        *,
        weight_spread: Any = 0.2,
        balance: Any = 0.0,
        gain: Any = None,
        threshold: Any = 0.0,
        input_fraction: Any = 0.3,
    ) -> None:
        self.frac_exc = frac_exc
        self.in_degree = in_degree
        self.weight_spread = weight_spread
        self.balance = balance
        self.gain = gain
        self.threshold = threshold
        self.input_fraction = input_fraction

    def weights(self, n_units: int, rng: np.random.Generator) -> sparse.csr_array:
        """Draw the recurrent weights.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        csr_array of shape (n_units, n_units)
            c (A^E - A^I), float64, entry (i, j) from unit j to unit i.
        """
        frac_exc = check_real("frac_exc", self.frac_exc, 0.0, 1.0)
        degree = check_count("in_degree", self.in_degree)
        spread = check_real("weight_spread", self.weight_spread, 0.0)
        balance = check_real("balance", self.balance, most=1.0)
        n_exc = round(frac_exc * n_units)
        if not 0 < n_exc < n_units:
            raise ValueError(
                f"frac_exc={self.frac_exc!r} leaves {n_exc} excitatory of {n_units} units: a network has both types"
            )
        if degree >= n_units:
            raise ValueError(f"in_degree={self.in_degree!r} must be less than the number of units, {n_units}")
        start, targets = ErdosRenyi(n_units, degree / (n_units - 1)).edges(n_exc, rng)
        is_exc = np.repeat(np.arange(n_units) < n_exc, np.diff(start))
        mean_exc, mean_inh = n_units / (degree * n_exc), n_units / (degree * (n_units - n_exc))
        mean = np.where(is_exc, mean_exc, mean_inh)
        sizes = abs(mean + spread * mean_exc * rng.standard_normal(len(targets)))
        signed = np.where(is_exc, sizes, -(1 - balance) * sizes)
        return sparse.csr_array(sparse.csc_array((self._slope() * signed, targets, start), shape=(n_units, n_units)))

    def input_gains(self, n_units: int, rng: np.random.Generator) -> np.ndarray:
        """Draw which units the input reaches.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of shape (n_units,)
            c for the units it reaches, 0 for the others.
        """
        fraction = check_real("input_fraction", self.input_fraction, 0.0, 1.0, least_included=False)
        gains = np.zeros(n_units)
        gains[rng.permutation(n_units)[: max(1, round(fraction * n_units))]] = self._slope()
        return gains

    def biases(self, n_units: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the biases.

        Parameters
        ----------
        n_units : int
            Number of units.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of shape (n_units,)
            -c theta.
        """
        return -self._slope() * per_target("threshold", self.threshold, n_units, rng)

    def _slope(self) -> float:
        if self.gain is None:
            return 1.44 * sqrt(check_count("in_degree", self.in_degree))
        return check_real("gain", self.gain, 0.0, least_included=False)
