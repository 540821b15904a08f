"""A certificate: whether a network is sure to forget how it began."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ..esn.dynamics import check_dynamics
from ..topology import diagonal_metric, metric_norm

__all__ = ["contraction_bound"]

_LARGEST_SLOPE = {"sigmoid": 0.25}


def contraction_bound(esn: Any) -> float:
    r"""Return how much of the distance between any two trajectories a step leaves at most.

    Below 1, all trajectories under the same input come together, whatever the input: the network has the echo-state
    property. At 1 or above, nothing is said. Distances are measured in the diagonal metric p in which the recurrent
    weights are least (`reservoirs.topology.diagonal_metric`). With the linear part K of the state equation (1 - a for
    leaky units), gains A and s the largest slope of the activation,

    .. math:: c = \|p K p^{-1}\| + s \|p A W p^{-1}\|

    bounds the norm of every Jacobian. For a leaky network with a = 1 it is the spectral radius of the absolute weights,
    or less.

    Parameters
    ----------
    esn : fitted EchoStateNetwork, ESNRegressor, ESNClassifier or ESNForecaster
        A network of one layer. Fed back outputs count as inputs.

    Returns
    -------
    float
        c.

    Raises
    ------
    ValueError
        For more than one layer, delays, and multiplicative input.

    Notes
    -----
    A bound, not an estimate: most networks of spectral radius 0.9 forget although theirs is above 1. The largest
    Lyapunov exponent estimates how fast, for one input.

    References
    ----------
    .. [1] L. Kozachkov, M. Ennis and J.-J. Slotine, "RNNs of RNNs: recursive construction of stable assemblies of
       recurrent neural networks", NeurIPS, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.diagnostics import contraction_bound
    >>> esn = EchoStateNetwork(100, topology="cycle", spectral_radius=0.9, leak_rate=0.5, random_state=0)
    >>> round(contraction_bound(esn.fit(np.zeros((10, 1)))), 6)
    0.95
    """
    check_is_fitted(esn)
    if len(esn.bias_) != len(esn.W_in_):
        raise ValueError(f"n_layers={esn.n_layers!r} must be 1: there is no bound for several layers")
    if not esn._is_plain:
        raise ValueError("there is no bound for networks with delays or multiplicative input")
    dynamics = check_dynamics(esn.dynamics)
    leak_rate = esn.leak_rate_.astype(np.float64)
    keep = sparse.diags_array(dynamics._keep(leak_rate))
    linear = dynamics._linear(getattr(esn, "mixing_", None), leak_rate)
    p = diagonal_metric(esn.W_)
    driven = sparse.diags_array(dynamics._gain(leak_rate)) @ sparse.csr_array(esn.W_)
    slope = _LARGEST_SLOPE.get(esn._activation, 1.0)
    return metric_norm(keep if linear is None else keep @ sparse.csr_array(linear), p) + slope * metric_norm(driven, p)
