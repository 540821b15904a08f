"""What all rules share: what they are given, and what they may change.

An estimator's `fit` draws its network, lets the rules of its parameter `adaptation` change it, one after another, and
fits the readout on what has become of it. From then on the weights are frozen: predictions, streams, files and exported
code know ordinary networks only. What a rule has learned stays with its fitted copy, in the attribute `adaptation_` of
the estimator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from ..esn._narrow import rounded
from ..esn.dynamics import check_dynamics
from ..sequences import Sequences

__all__ = ["Adaptation", "DrawnNetwork", "run_rules"]


class DrawnNetwork:
    """A network between drawing and training: what a rule sees, and changes.

    A rule assigns new arrays (``network.bias = bias``); they are in force from the next call that runs the network on.
    Links keep their signs whatever is assigned to `W`: a weight of the wrong sign becomes 0, and may grow again with
    the sign it had. A link that is new must have the sign of all other links of its source, where these agree (Dale's
    law).

    Attributes
    ----------
    W : csr_array of shape (n_units, n_units)
        Recurrent weights, float64, entry (i, j) from unit j to unit i. Assign a new matrix: its data are read-only.
    W_in : ndarray of shape (n_units of the first layer, n_inputs)
        Input weights, those of outputs that are fed back last.
    bias, leak_rate : ndarray of shape (n_units,)
        Bias and leak rate of every unit; units of all layers.
    activation : {"tanh", "relu", "sigmoid", "identity"}
        The function f.
    dynamics : Dynamics
        The state equation.
    is_plain : bool
        Whether all links take one step, inputs none, and no input multiplies what units send.
    inputs : Sequences
        What drives the network in the fit: ``inputs.values`` of shape (n_rows, n_inputs), sequence after sequence.
    washout : int
        Steps at the start of each sequence that the readout does not see.
    rng : numpy.random.Generator
        This rule's own source of randomness.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> from reservoirs.adaptation import Adaptation
    >>> class Centre(Adaptation):
    ...     def adapt(self, network):
    ...         network.bias = network.bias - network.mean_states()
    >>> u = np.random.default_rng(0).uniform(0, 1, (200, 1))
    >>> EchoStateNetwork(n_units=20, adaptation=Centre(), random_state=0).fit(u).adaptation_
    Centre()
    """

    W_in: np.ndarray
    bias: np.ndarray
    leak_rate: np.ndarray

    def __init__(self, esn: Any, inputs: Sequences) -> None:
        self._esn = esn
        self.activation: str = esn._activation
        self.dynamics: Any = check_dynamics(esn.dynamics)
        self.is_plain: bool = esn._is_plain
        self.inputs = inputs
        self.washout: int = esn.washout_
        self.rng = np.random.default_rng()
        self._n_feedback = esn.W_fb_.shape[1] if hasattr(esn, "W_fb_") else 0
        self._drawn = sparse.csr_array(esn.W_, dtype=np.float64)
        self._sign_of_source = _signs_of_columns(self._drawn)
        self.W = self._drawn
        self.W_in = np.hstack([esn.W_in_, esn.W_fb_] if self._n_feedback else [esn.W_in_]).astype(np.float64)
        self.bias = esn.bias_.astype(np.float64)
        self.leak_rate = esn.leak_rate_.astype(np.float64)

    @property
    def n_units(self) -> int:
        """Number of units of all layers."""
        return int(self._drawn.shape[0])

    @property
    def W(self) -> sparse.csr_array:
        """Recurrent weights."""
        return self._W

    @W.setter
    def W(self, weights: Any) -> None:
        W = sparse.csr_array(weights, dtype=np.float64, copy=True)
        _checked("W", W.data, W.data.shape)
        if W.shape != self._drawn.shape:
            raise ValueError(f"a rule gave W the shape {W.shape}; expected {self._drawn.shape}")
        W.sum_duplicates()
        links = W.tocoo()
        drawn = np.asarray(self._drawn[links.row, links.col]).ravel() if W.nnz else np.zeros(0)
        sign = np.where(drawn != 0, np.sign(drawn), self._sign_of_source[links.col])
        W.data[sign * W.data < 0] = 0
        W.data.flags.writeable = False
        self._W = W

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Run all sequences, side by side, and give the rows after the washout, a block after another.

        Yields
        ------
        states : ndarray of shape (n_rows, n_units)
            Valid until the next block.
        inputs : ndarray of shape (n_rows, n_inputs)
            Theirs.
        """
        for block, bounds, _ in self._harvester().blocks(self.inputs, washout=self.washout):
            yield block, self.inputs.rows(bounds)

    def mean_states(self) -> np.ndarray:
        """Run all sequences and return the mean state of every unit after the washout, shape (n_units,)."""
        total, n_rows = np.zeros(self.n_units), 0
        for states, _ in self.blocks():
            total += states.sum(axis=0, dtype=np.float64)
            n_rows += len(states)
        return total / n_rows

    def run(self, inputs: np.ndarray, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Run one sequence.

        Parameters
        ----------
        inputs : ndarray of shape (n_timesteps, n_inputs)
            What drives the network.
        start : ndarray, default=None
            Where to begin: what an earlier call has returned as `end`. None is the zero state.

        Returns
        -------
        states : ndarray of shape (n_timesteps, n_units)
            One row a step.
        end : ndarray
            What the next call has to begin with to go on.
        """
        harvester = self._harvester()
        values = np.ascontiguousarray(inputs, harvester.dtype)
        one = Sequences(values, np.array([0, len(values)]), "single")
        end = np.empty((1, harvester.network.n_state), harvester.dtype)
        blocks = harvester.blocks(one, initial=None if start is None else start[None], final=end)
        return np.concatenate([block.copy() for block, _, _ in blocks]), end[0]

    def stretches(self, n_steps: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Run sequence after sequence, a stretch of time after another: what a rule changes acts from the next on.

        Parameters
        ----------
        n_steps : int
            Length of a stretch; the last of a sequence may be shorter.

        Yields
        ------
        states : ndarray of shape (n_timesteps, n_units)
            The states, washout included.
        inputs : ndarray of shape (n_timesteps, n_inputs)
            Theirs.
        """
        for sequence in self.inputs:
            end = None
            for t in range(0, len(sequence), n_steps):
                inputs = sequence[t : t + n_steps]
                states, end = self.run(inputs, end)
                yield states, inputs

    def compiled(self) -> Any:
        """Return the network in the core's form, its recurrent weights sparse: for rules that the core runs.

        Returns
        -------
        _core.Network32 or _core.Network64
            Of the arrays as they are now, rounded to the network's precision.
        """
        self.write_back()
        return self._esn._compiled(self.W.astype(self._esn.W_.dtype))

    def _harvester(self) -> Any:
        self.write_back()
        return replace(self._esn._harvester(), with_input=False, with_squares=False)

    def write_back(self) -> None:
        """Give the estimator the arrays as they are now."""
        esn, dtype = self._esn, self._esn.W_.dtype
        n_inputs = self.W_in.shape[1] - self._n_feedback
        W_in = _checked("W_in", self.W_in, (len(esn.W_in_), self.inputs.n_features))
        esn.W_in_ = W_in[:, :n_inputs].astype(dtype)
        if self._n_feedback:
            esn.W_fb_ = W_in[:, n_inputs:].astype(dtype)
        esn.bias_ = _checked("bias", self.bias, (self.n_units,)).astype(dtype)
        esn.leak_rate_ = _checked("leak_rate", self.leak_rate, (self.n_units,)).astype(dtype)
        esn.W_ = rounded(self.W if sparse.issparse(esn.W_) else self.W.toarray(), esn.weight_dtype).astype(dtype)
        esn._compile()


class Adaptation(BaseEstimator):  # type: ignore[misc]
    """Base of all rules: parameters in `__init__`, what is learned in attributes that end in an underscore.

    An estimator's fit adapts a clone, so a rule that was given as a parameter stays as it is.
    """

    def adapt(self, network: DrawnNetwork) -> Any:
        """Change a network, and learn what there is to say about it.

        Parameters
        ----------
        network : DrawnNetwork
            The network and what drives it.

        Raises
        ------
        ValueError
            For a parameter out of its range, and a network the rule is not made for.
        """
        raise NotImplementedError


def run_rules(rules: Any, esn: Any, inputs: Sequences, rng: np.random.Generator) -> Any:
    """Let one rule, or the rules of a list in their order, change a drawn network; return fitted copies.

    Parameters
    ----------
    rules : Adaptation or list of Adaptation
    esn : estimator
        Its network is drawn; it is left with the adapted one.
    inputs : Sequences
        What drives the network in the fit.
    rng : numpy.random.Generator
        Each rule gets a stream of its own.

    Returns
    -------
    Adaptation or list of Adaptation
        As `rules`.
    """
    many = isinstance(rules, list | tuple)
    for rule in rules if many else [rules]:
        if not isinstance(rule, Adaptation):
            raise ValueError(
                f"adaptation={rules!r} must be None, a rule of reservoirs.adaptation, or a list of such rules"
            )
    fitted = [clone(rule) for rule in (rules if many else [rules])]
    network = DrawnNetwork(esn, inputs)
    for rule, network.rng in zip(fitted, rng.spawn(len(fitted)), strict=True):
        rule.adapt(network)
        network.write_back()
    return fitted if many else fitted[0]


def _checked(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(given)
    if array.shape != shape:
        raise ValueError(f"a rule gave {name} the shape {array.shape}; expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is no longer finite: the adaptation diverged, a smaller learning rate may help")
    return array


def _signs_of_columns(W: sparse.csr_array) -> np.ndarray:
    """Return 1 or -1 for a source whose links all have that sign, 0 for the others."""
    columns = sparse.csc_array(W)
    positive, negative = ((sign * columns > 0).sum(axis=0) > 0 for sign in (1, -1))
    signs: np.ndarray = positive.astype(np.int8) - negative.astype(np.int8)
    return signs
