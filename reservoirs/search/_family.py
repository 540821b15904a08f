"""Networks of one draw that differ in scale only, run side by side: each read of a weight serves all of them.

A family is one drawn network; its members have it with other recurrent, input and bias scales and other leak rates.
Times its radius r, the state of a member follows

    r x(t) = (1 - a) r x(t-1) + a r f(W_in s u(t) + b c + W r x(t-1)),

so a member needs nothing of its own but inputs times s, a bias c that comes in as one more input, a gain a r and a kept
share 1 - a: its states are those of the network drawn with its parameters, to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import clone

from .._params import check_real, check_reals
from ..esn._base import BaseESN
from ..esn._harvest import Harvester
from ..esn.dynamics import Leaky
from ..sequences import Sequences
from ..topology import EITopology


def free_scales(model: Any) -> frozenset[str]:
    """Return the parameters in which members of the family of a network may differ from it."""
    leaky = model.dynamics == "leaky" or type(model.dynamics) is Leaky
    late_or_multiplicative = model._is_late or model.multiplicative_scaling != 0
    if isinstance(model.topology, EITopology) or not leaky or model.n_layers != 1 or late_or_multiplicative:
        return frozenset()
    scales = {"input_scaling", "bias_scaling"}
    if np.ndim(model.leak_rate) == 0:
        scales.add("leak_rate")
        given = isinstance(model.spectral_radius, int | float | np.number) and model.spectral_radius > 0
        # Multiples of rounded weights are not rounded multiples.
        if given and model.weight_dtype is None:
            scales.add("spectral_radius")
    return frozenset(scales)


class Scale(NamedTuple):
    """In what a member differs from its family, whose own input and bias scales are 1."""

    radius: float
    leak: float
    input: np.ndarray
    bias: float


@dataclass(frozen=True)
class Family:
    """A drawn network and the scales in which its members differ.

    Attributes
    ----------
    drawn : BaseESN
        The network, its free input and bias scales 1.
    scales : frozenset of str
        Names of the parameters that are free.
    """

    drawn: Any
    scales: frozenset[str]

    @classmethod
    def of(cls, estimator: BaseESN, inputs: Sequences) -> Self:
        """Draw the family of an estimator for such inputs."""
        scales = free_scales(estimator)
        units = dict.fromkeys(scales & {"input_scaling", "bias_scaling"}, 1.0)
        drawn = clone(estimator).set_params(**units)
        drawn._draw(inputs.n_features, 0, inputs.values.dtype)
        return cls(drawn, scales)

    def scale(self, model: Any) -> Scale:
        """Check the free parameters of a model and return where it stands in the family."""
        n_inputs, radius, leak, inputs, bias = self.drawn.W_in_.shape[1], 1.0, 1.0, np.ones(1), 1.0
        if "spectral_radius" in self.scales:
            radius = check_real("spectral_radius", model.spectral_radius, 0.0) / self.drawn.spectral_radius
        if "leak_rate" in self.scales:
            leak = check_real("leak_rate", model.leak_rate, 0.0, 1.0, least_included=False)
        if "input_scaling" in self.scales:
            inputs = check_reals("input_scaling", model.input_scaling, n_inputs)
            bias = check_real("bias_scaling", model.bias_scaling, 0.0)
        return Scale(radius, leak, inputs, bias)

    def member(self, params: dict[str, Any]) -> tuple[Any, Scale]:
        """Return the network with other `params`, as if it had been drawn with them, and its scale."""
        model = self.drawn._fresh(learned=True)
        vars(model).update(params)
        scale = self.scale(model)
        dtype = self.drawn.W_.dtype
        model.W_ = (self.drawn.W_ * scale.radius).astype(dtype)
        model.W_in_ = (self.drawn.W_in_ * scale.input).astype(dtype)
        model.bias_ = (self.drawn.bias_ * scale.bias).astype(dtype)
        if "leak_rate" in self.scales:
            model.leak_rate_ = np.full_like(self.drawn.leak_rate_, scale.leak)
        model._compile()
        return model, scale

    def lockstep(self, scales: Sequence[Scale], inputs: Sequences) -> tuple[Lanes, Sequences]:
        """Return what runs the same sequences through a member of each scale, and those sequences, member by member."""
        n, n_rows, network = len(scales), len(inputs.values), self.drawn._fresh(learned=True)
        offsets = np.append((inputs.offsets[:-1] + n_rows * np.arange(n)[:, None]).ravel(), n_rows * n)
        given = Sequences(np.tile(inputs.values, (n, 1)), offsets, "list")
        driving, leak_keep, radius = given, None, np.repeat([scale.radius for scale in scales], len(inputs))
        if self.scales:
            network.W_in_ = np.hstack([self.drawn.bias_[:, None], self.drawn.W_in_])
            network.bias_ = np.zeros_like(self.drawn.bias_)
            network._compile()
            rows = [np.insert(inputs.values * scale.input, 0, scale.bias, axis=1) for scale in scales]
            driving = given.with_values(np.concatenate(rows).astype(inputs.values.dtype, copy=False))
        if "leak_rate" in self.scales:
            leak = np.repeat([scale.leak for scale in scales], len(inputs))
            leak_keep = np.stack([leak * radius, 1 - leak]).astype(network.W_.dtype)
        parts = vars(network._harvester()) | {"leak_keep": leak_keep}
        return Lanes(**parts, given=given, unscale=1 / radius), driving


@dataclass(frozen=True, kw_only=True)
class Lanes(Harvester):
    """Members of a family, each on the same sequences.

    Attributes
    ----------
    given : Sequences
        The sequences of all members as they are seen by readouts: neither scaled nor with the input that is the bias.
    unscale : ndarray of shape (n_members * n_sequences,)
        What the core's states are multiplied by, by sequence.
    """

    given: Sequences
    unscale: np.ndarray

    @property
    def n_inputs(self) -> int:
        """Inputs in a row of features."""
        return self.given.n_features

    @property
    def _rows_a_block(self) -> int:
        # More than of one network: each member has sums of its own, to which many rows should be added at a time.
        return 4 * super()._rows_a_block

    def _fill(self, block: np.ndarray, inputs: Sequences, bounds: np.ndarray) -> None:
        sequences = np.searchsorted(inputs.offsets, bounds[:, 0], side="right") - 1
        unscale = np.repeat(self.unscale[sequences], bounds[:, 1] - bounds[:, 0])
        block[:, : self.network.n_units] *= unscale[:, None]
        super()._fill(block, self.given, bounds)
