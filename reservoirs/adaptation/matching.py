"""Input weights, biases and leak rates that suit the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._params import check_real
from ..sequences import Sequences
from ._base import Adaptation, DrawnNetwork

__all__ = ["InputMatching"]


class InputMatching(Adaptation):
    r"""Input weights, biases and leak rates that suit the size and the pace of the input.

    With the mean :math:`\bar u` and the standard deviation :math:`\sigma_k` of input k, and the number of steps
    :math:`\tau` in which its autocorrelation falls below 1/e (the median of the inputs, at most T),

    .. math::
        W_{in,ik} \leftarrow \frac{s \tau}{c\, T}\, \frac{W_{in,ik}}{\sigma_k}, \qquad
        b_i = \beta_i - (W_{in} \bar u)_i, \qquad a_i = \tau^{-\lambda_i}

    with :math:`\beta_i` uniform in +-`bias_scaling` and :math:`\lambda_i` uniform in [0, 1]. The number c, the root of
    the mean over units of the sum of squared weights, makes :math:`s \tau / T` the standard deviation that independent
    inputs add to a unit. An input that is another one in every step has to be remembered, which nearly linear units do
    best; a slow one can be stronger, and some units slower. Units of measurement and offsets of inputs have no effect.
    Recurrent weights stay as they are.

    Parameters
    ----------
    input_std : float, default=0.2
        Standard deviation s that slow inputs give to what a unit receives.
    bias_scaling : float, default=0.5
        Largest absolute bias, at the mean of the input. Biases of 0 make an odd network, blind to products.
    longest_time : float, default=5
        Most steps T that :math:`\tau` may have, at least 1.

    Attributes
    ----------
    correlation_time_ : ndarray of shape (n_inputs,)
        The time of each input, in steps from 1 to `longest_time`; 1 where an input is constant.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range.

    Notes
    -----
    What the estimator's parameters `leak_rate` and `bias_scaling` say has no effect, and of `input_scaling` only the
    ratios between inputs. Inputs that were constant in the training keep their weights.

    With squares of the states as features, networks so treated were, in the median of six tasks, at least as good as
    plain ones after a random search of 50 points; where and where not is in ``docs/adaptation.md``.

    Examples
    --------
    >>> from reservoirs import ESNRegressor
    >>> from reservoirs.adaptation import InputMatching
    >>> from reservoirs.datasets import narma
    >>> from reservoirs.metrics import nrmse
    >>> u, y = narma(3001, random_state=0)
    >>> volts, y = 1e-3 * u[:-1, None] + 12, y[1:]
    >>> model = ESNRegressor(
    ...     n_units=200, adaptation=InputMatching(), features="states+input+squares", random_state=0
    ... ).fit(volts[:2000], y[:2000])
    >>> nrmse(y[2000:], model.predict(volts)[2000:]) < 0.25
    True
    >>> model.adaptation_.correlation_time_
    array([1.])
    """

    def __init__(self, input_std: Any = 0.2, *, bias_scaling: Any = 0.5, longest_time: Any = 5.0) -> None:
        self.input_std = input_std
        self.bias_scaling = bias_scaling
        self.longest_time = longest_time

    def adapt(self, network: DrawnNetwork) -> None:
        """Scale input weights, and draw biases and leak rates.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        size = check_real("input_std", self.input_std, 0.0)
        bias_scaling = check_real("bias_scaling", self.bias_scaling, 0.0)
        longest = check_real("longest_time", self.longest_time, 1.0)
        inputs = network.inputs.with_values(network.inputs.values.astype(np.float64))
        mean, std = inputs.values.mean(axis=0), inputs.values.std(axis=0)
        moves = np.ptp(inputs.values, axis=0) > 0
        self.correlation_time_ = np.where(moves, _correlation_times(inputs, longest), 1.0)
        tau = np.median(self.correlation_time_[moves]) if moves.any() else 1.0
        W_in = network.W_in / np.where(moves, std, 1.0)
        drive = np.sqrt((network.W_in[:, moves] ** 2).sum(axis=1).mean())
        network.W_in = W_in * (size * tau / longest / drive if drive > 0 else 1.0)
        bias = network.rng.uniform(-bias_scaling, bias_scaling, network.n_units)
        bias[: len(W_in)] -= network.W_in @ mean
        network.bias = bias
        network.leak_rate = tau ** -network.rng.uniform(0, 1, network.n_units)


def _correlation_times(inputs: Sequences, longest: float) -> np.ndarray:
    """Return, for each column, the first lag at which its autocorrelation is below 1/e, from 1 to `longest`."""
    centred = inputs.with_values(inputs.values - inputs.values.mean(axis=0))
    least = (centred.values**2).sum(axis=0) / np.e
    times = np.full(inputs.n_features, longest)
    for lag in range(int(longest), 0, -1):
        products = sum((x[lag:] * x[: max(0, len(x) - lag)]).sum(axis=0) for x in centred)
        times[products < least] = lag
    return times
