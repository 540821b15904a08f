"""The self-organising recurrent network: binary units that three rules keep alive."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _core
from .._estimator import Estimator
from .._params import check_count, check_real
from ..sequences import check_sequences

__all__ = ["SORN"]

_MOST_EXC_THRESHOLD = 0.5
_MOST_INH_THRESHOLD = 1.0
_STEPS_A_CALL = 10_000  # Ctrl-C is honoured between calls


class SORN(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Self-organising recurrent network of binary units (Lazar, Pipa and Triesch 2009).

    .. math::
        x(t) &= H(W^{EE} x(t-1) - W^{EI} y(t-1) + v(t) - T^E) \\
        y(t) &= H(W^{IE} x(t) - T^I)

    where H is 1 above 0, else 0, and v is the input: each feature drives a random group of excitatory units. While
    `fit` runs the sequences through it, three rules work at every step:

    .. math::
        \Delta W^{EE}_{ij} &= \eta\, (x_i(t)\, x_j(t-1) - x_i(t-1)\, x_j(t))
            && \text{(existing links, at least 0)} \\
        W^{EE}_{ij} &\leftarrow W^{EE}_{ij} / \textstyle\sum_j W^{EE}_{ij} && \text{(where something changed)} \\
        \Delta T^E_i &= \eta_{ip}\, (x_i(t) - h) && \text{(intrinsic plasticity)}

    `transform` leaves weights and thresholds as they are, and gives x of every step, from rest.

    It is an estimator of its own, not a rule for :class:`EchoStateNetwork`: its units are binary and its rules are
    coupled.

    Parameters
    ----------
    n_exc, n_inh : int, default=200 and 40
        Numbers of excitatory and of inhibitory units.
    in_degree : int, default=10
        Links from excitatory units onto each excitatory unit, at most n_exc - 1. Inhibition is all to all.
    n_input_units : int, default=10
        Units that each feature drives; groups may overlap.
    stdp_rate : float, default=0.001
        :math:`\eta`. Without it and `ip_rate` the network is the random one that is drawn.
    ip_rate : float, default=0.001
        :math:`\eta_{ip}`.
    target_rate : float, default=0.1
        Share h of steps in which a unit is active.
    n_epochs : int, default=1
        Passes of a fit over the sequences.
    random_state : int, RandomState instance or None, default=None
        Draws links, weights, thresholds and groups.

    Attributes
    ----------
    sources_ : ndarray of shape (n_exc, in_degree)
        The units whose links lead to each unit.
    weights_ : ndarray of shape (n_exc, in_degree)
        Their weights; those onto a unit sum to 1.
    W_ei_ : ndarray of shape (n_exc, n_inh)
        Weights of inhibition.
    W_ie_ : ndarray of shape (n_inh, n_exc)
        Weights from excitatory to inhibitory units.
    threshold_exc_, threshold_inh_ : ndarray of shape (n_exc,) and (n_inh,)
        Thresholds.
    input_units_ : ndarray of shape (n_features_in_, n_input_units)
        The group of each feature.
    mean_rate_ : ndarray of shape (n_exc,)
        Share of the steps of the last pass in which each unit was active.
    n_features_in_ : int
        Features of a time step.

    Raises
    ------
    ValueError
        For a parameter out of its range, and input that is not finite.

    Notes
    -----
    Thresholds rise until driven units need recurrent input too. A small network may then stay silent when `transform`
    starts it from rest, with thresholds that no longer move: of five networks of 50 units as in the example, three did.

    References
    ----------
    .. [1] A. Lazar, G. Pipa, J. Triesch, "SORN: a self-organizing recurrent neural network", Frontiers in Computational
       Neuroscience 3:23, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs.adaptation import SORN
    >>> symbols = np.eye(3)[np.random.default_rng(0).integers(3, size=3000)]
    >>> sorn = SORN(n_exc=50, n_inh=10, n_input_units=5, ip_rate=0.01, random_state=1).fit(symbols)
    >>> states = sorn.transform(symbols)
    >>> states.shape, bool(abs(states.mean() - 0.1) < 0.03)
    ((3000, 50), True)
    """

    def __init__(
        self,
        n_exc: Any = 200,
        n_inh: Any = 40,
        *,
        in_degree: Any = 10,
        n_input_units: Any = 10,
        stdp_rate: Any = 0.001,
        ip_rate: Any = 0.001,
        target_rate: Any = 0.1,
        n_epochs: Any = 1,
        random_state: Any = None,
    ) -> None:
        self.n_exc = n_exc
        self.n_inh = n_inh
        self.in_degree = in_degree
        self.n_input_units = n_input_units
        self.stdp_rate = stdp_rate
        self.ip_rate = ip_rate
        self.target_rate = target_rate
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> SORN:
        """Draw the network, and let it organise itself while the sequences run through it.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The sequences.
        y : None
            Ignored.

        Returns
        -------
        SORN
            The fitted network.
        """
        drawn = self._fresh()
        inputs = check_sequences(drawn, X, dtype=np.float64, reset=True)
        drawn._draw(inputs.n_features)
        for _ in range(check_count("n_epochs", self.n_epochs)):
            active = sum(drawn._run(sequence, learn=True).sum(axis=0) for sequence in inputs)
        drawn.mean_rate_ = active / len(inputs.values)
        return self._become(drawn)

    def transform(self, X: Any) -> Any:
        """Return the states of the excitatory units.

        Parameters
        ----------
        X : array-like of shape (n_timesteps, n_features), list of such, or array (n_sequences, n_timesteps, n_features)
            The sequences.

        Returns
        -------
        ndarray or list of ndarrays of shape (n_timesteps, n_exc)
            Zeros and ones, in the form of `X`.
        """
        check_is_fitted(self)
        inputs = check_sequences(self, X, dtype=np.float64, reset=False)
        return inputs.in_form(np.concatenate([self._run(sequence, learn=False) for sequence in inputs]), 0)

    @property
    def _n_features_out(self) -> int:
        return len(self.threshold_exc_)

    def _compile(self) -> None:
        """There is nothing to compile."""

    def _draw(self, n_features: int) -> None:
        n_exc, n_inh = check_count("n_exc", self.n_exc, 2), check_count("n_inh", self.n_inh)
        in_degree, n_driven = check_count("in_degree", self.in_degree), check_count("n_input_units", self.n_input_units)
        if in_degree >= n_exc or n_driven > n_exc:
            raise ValueError(
                f"in_degree={in_degree} must be below n_exc={n_exc}, and n_input_units={n_driven} at most as large"
            )
        for name in ("stdp_rate", "ip_rate"):
            check_real(name, getattr(self, name), 0.0)
        check_real("target_rate", self.target_rate, 0.0, 1.0)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**32, dtype=np.uint64))
        others = np.argsort(rng.random((n_exc, n_exc - 1)), axis=1)[:, :in_degree]
        self.sources_ = (others + (others >= np.arange(n_exc)[:, None])).astype(np.int32)
        self.weights_ = _normalised(rng.random((n_exc, in_degree)))
        self.W_ei_ = _normalised(rng.random((n_exc, n_inh)))
        self.W_ie_ = _normalised(rng.random((n_inh, n_exc)))
        self.threshold_exc_ = rng.uniform(0, _MOST_EXC_THRESHOLD, n_exc)
        self.threshold_inh_ = rng.uniform(0, _MOST_INH_THRESHOLD, n_inh)
        self.input_units_ = np.argsort(rng.random((n_features, n_exc)), axis=1)[:, :n_driven]

    def _run(self, sequence: np.ndarray, *, learn: bool) -> np.ndarray:
        """Run one sequence from rest."""
        weights, threshold = self.weights_.copy(), self.threshold_exc_.copy()
        x, y = np.zeros(len(self.threshold_exc_)), np.zeros(len(self.threshold_inh_))
        states = np.empty((len(sequence), len(x)))
        for t in range(0, len(sequence), _STEPS_A_CALL):
            inputs = sequence[t : t + _STEPS_A_CALL]
            drive = np.zeros((len(inputs), len(x)))
            for feature, units in zip(inputs.T, self.input_units_, strict=True):
                drive[:, units] += feature[:, None]
            states[t : t + _STEPS_A_CALL] = _core.sorn(
                sources=self.sources_,
                weights=weights,
                to_inhibitory=np.ascontiguousarray(self.W_ie_.T),
                to_excitatory=np.ascontiguousarray(self.W_ei_.T),
                threshold_exc=threshold,
                threshold_inh=self.threshold_inh_,
                stdp_rate=float(self.stdp_rate) * learn,
                ip_rate=float(self.ip_rate) * learn,
                target_rate=float(self.target_rate),
                drive=drive,
                x=x,
                y=y,
            )
        if learn:
            self.weights_, self.threshold_exc_ = weights, threshold
        return states


def _normalised(weights: np.ndarray) -> np.ndarray:
    """Return weights whose rows sum to 1."""
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
