"""Rules that change who is linked with whom, and units that do nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse

from .._params import check_count, check_real
from ..esn.dynamics import ContractingModules, Euler
from ..topology import spectral_radius
from ._base import Adaptation, DrawnNetwork

__all__ = ["DormantRecycling", "SynapticTurnover"]


class SynapticTurnover(Adaptation):
    r"""Links that matter least are pruned, and as many grow elsewhere (after Mocanu et al. 2018).

    In every round the links with the least :math:`|w_{ij}|\,\mathrm{sd}(x_j)` go. As many new ones link pairs of units
    of the same layers, uniformly at random. A new link has the sign of its source (that of all links of that unit, if
    these agree), and the size of a random link of that sign that has stayed. Then all weights are multiplied by one
    number that restores the spectral radius.

    Parameters
    ----------
    fraction : float, default=0.1
        Share of the links that is replaced in a round, in (0, 1).
    n_rounds : int, default=10
        Number of rounds; each runs the network on the training input.

    Attributes
    ----------
    n_replaced_ : int
        Links replaced in all rounds.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, and for dynamics that make the weights
        antisymmetric or contracting.

    References
    ----------
    .. [1] D. C. Mocanu, E. Mocanu, P. Stone, P. H. Nguyen, M. Gibescu, A. Liotta, "Scalable training of artificial
       neural networks with adaptive sparse connectivity inspired by network science", Nature Communications 9, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import SynapticTurnover
    >>> u = np.random.default_rng(0).uniform(-1, 1, (500, 1))
    >>> esn = EchoStateNetwork(n_units=50, adaptation=SynapticTurnover(), random_state=0).fit(u)
    >>> esn.W_.nnz, esn.adaptation_.n_replaced_
    (500, 500)
    """

    def __init__(self, fraction: Any = 0.1, *, n_rounds: Any = 10) -> None:
        self.fraction = fraction
        self.n_rounds = n_rounds

    def adapt(self, network: DrawnNetwork) -> None:
        """Replace links of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        fraction = check_real("fraction", self.fraction, 0.0, 1.0, least_included=False)
        if fraction == 1:
            raise ValueError("fraction=1 must be below 1: it leaves no links to be alike")
        n_rounds = check_count("n_rounds", self.n_rounds)
        _check_free(self, network)
        radius = spectral_radius(network.W)
        self.n_replaced_ = 0
        for _ in range(n_rounds):
            spread = np.sqrt(_moments(network)[1])
            W = self._turned_over(network, spread, fraction)
            W.sum_duplicates()
            network.W = W
            # Where a source has links of both signs, a place keeps the sign it was drawn with.
            W.data = np.where(network.W.data == 0, -W.data, W.data)
            reached = spectral_radius(W)
            network.W = W * (radius / reached) if radius > 0 and reached > 0 else W

    def _turned_over(self, network: DrawnNetwork, spread: np.ndarray, fraction: float) -> sparse.csr_array:
        n, rng = network.n_units, network.rng
        links = network.W.tocoo()
        positive = _share_of_positive(links, n)
        rows, columns, weights = links.row.astype(np.int64), links.col.astype(np.int64), links.data.copy()
        layer = np.arange(n) // len(network.W_in)
        blocks = layer[rows] * n + layer[columns]
        score = abs(weights) * spread[columns]
        for block in np.unique(blocks):
            members = np.flatnonzero(blocks == block)
            taken = np.zeros((n, n), bool)
            taken[rows[members], columns[members]] = True
            taken |= (layer[:, None] != block // n) | (layer != block % n)
            free = np.flatnonzero(~taken)
            n_pruned = min(int(fraction * len(members)), len(free))
            pruned = members[np.argsort(score[members], kind="stable")[:n_pruned]]
            kept = np.setdiff1d(members, pruned)
            rows[pruned], columns[pruned] = np.divmod(rng.choice(free, n_pruned, replace=False), n)
            is_positive = rng.random(n_pruned) < positive[columns[pruned]]
            for sign, alike in ((1, is_positive), (-1, ~is_positive)):
                same = kept[np.sign(weights[kept]) == sign]
                sizes = abs(weights[same if len(same) else kept])
                weights[pruned[alike]] = sign * rng.choice(sizes, np.count_nonzero(alike))
            self.n_replaced_ += n_pruned
        return sparse.csr_array((weights, (rows, columns)), shape=(n, n))


class DormantRecycling(Adaptation):
    r"""Units that hardly move get another chance (after Sokar et al. 2023).

    A unit is dormant if the standard deviation of its state is at most `threshold` times the mean of all units: silent,
    saturated, or without input. It gets input weights and a bias drawn from those of the other units, entry by entry,
    and its recurrent weights are multiplied by one positive number that gives them the median size (sum of absolute
    weights) of the other units. Links keep their signs.

    Parameters
    ----------
    threshold : float, default=0.1
        Share of the mean standard deviation, in [0, 1).
    n_rounds : int, default=5
        Times that dormant units are looked for.

    Attributes
    ----------
    dormant_ : ndarray of shape (n_units,), bool
        The units found in the first round.
    n_dormant_ : ndarray of shape (n_rounds + 1,)
        Number of dormant units at the start of each round, and in the end.

    Raises
    ------
    ValueError
        In the fit, for a parameter out of its range, and for dynamics that make the weights
        antisymmetric or contracting.

    Warns
    -----
    RuntimeWarning
        Where no unit moves at all.

    Notes
    -----
    The source measures mean activity, of rectified units. A reservoir's saturated unit is as useless as a silent one.

    References
    ----------
    .. [1] G. Sokar, R. Agarwal, P. S. Castro, U. Evci, "The dormant neuron phenomenon in deep reinforcement learning",
       ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import DormantRecycling
    >>> u = np.random.default_rng(0).uniform(-1, 1, (500, 1))
    >>> esn = EchoStateNetwork(n_units=50, bias_scaling=10, adaptation=DormantRecycling(), random_state=0).fit(u)
    >>> bool(esn.adaptation_.n_dormant_[-1] < esn.adaptation_.n_dormant_[0])
    True
    """

    def __init__(self, threshold: Any = 0.1, *, n_rounds: Any = 5) -> None:
        self.threshold = threshold
        self.n_rounds = n_rounds

    def adapt(self, network: DrawnNetwork) -> None:
        """Recycle dormant units of a network.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.
        """
        threshold = check_real("threshold", self.threshold, 0.0, 1.0)
        if threshold == 1:
            raise ValueError("threshold=1 must be below 1: units as lively as the mean are not dormant")
        n_rounds = check_count("n_rounds", self.n_rounds)
        _check_free(self, network)
        found = [self._dormant(network, threshold)]
        for _ in range(n_rounds):
            self._recycle(network, found[-1])
            found.append(self._dormant(network, threshold))
        self.dormant_ = found[0]
        self.n_dormant_ = np.array([np.count_nonzero(dormant) for dormant in found])

    def _dormant(self, network: DrawnNetwork, threshold: float) -> np.ndarray:
        spread = np.sqrt(_moments(network)[1])
        if not spread.any():
            warnings.warn("DormantRecycling: no unit moves, is the input constant?", RuntimeWarning, stacklevel=3)
        dormant: np.ndarray = spread <= threshold * spread.mean()
        return dormant

    def _recycle(self, network: DrawnNetwork, dormant: np.ndarray) -> None:
        lively = np.flatnonzero(~dormant)
        if not dormant.any() or not len(lively):
            return
        rng, n_first = network.rng, len(network.W_in)
        driven = lively[lively < n_first]
        W_in, bias, W = network.W_in.copy(), network.bias.copy(), network.W.copy()
        size = abs(W).sum(axis=1)
        wanted = np.median(size[lively])
        factor = np.ones(network.n_units)
        for unit in np.flatnonzero(dormant):
            if unit < n_first and len(driven):
                W_in[unit] = W_in[rng.choice(driven, W_in.shape[1]), np.arange(W_in.shape[1])]
            bias[unit] = bias[rng.choice(lively)]
            if size[unit] > 0 and wanted > 0:
                factor[unit] = wanted / size[unit]
        W.data = W.data * np.repeat(factor, np.diff(W.indptr))
        network.W, network.W_in, network.bias = W, W_in, bias


def _check_free(rule: Adaptation, network: DrawnNetwork) -> None:
    if isinstance(network.dynamics, Euler | ContractingModules):
        raise ValueError(f"{type(rule).__name__} would undo what {network.dynamics!r} makes of the weights")


def _moments(network: DrawnNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of every unit's state."""
    n_rows, mean, squares = 0, np.zeros(network.n_units), np.zeros(network.n_units)
    for block, _ in network.blocks():
        states = block.astype(np.float64)
        here = states.mean(axis=0)
        away = here - mean
        total = n_rows + len(states)
        squares += ((states - here) ** 2).sum(axis=0) + away**2 * (n_rows * len(states) / total)
        mean += away * (len(states) / total)
        n_rows = total
    return mean, squares / n_rows


def _share_of_positive(links: Any, n_units: int) -> np.ndarray:
    """Return how many of each source's links are positive; of all links, where it has none."""
    positive = np.bincount(links.col, links.data > 0, n_units)
    linked = np.bincount(links.col, links.data != 0, n_units)
    return np.where(linked > 0, positive / np.maximum(linked, 1), (links.data > 0).mean() if links.nnz else 0.5)
