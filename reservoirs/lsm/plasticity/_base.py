"""What all rules of plasticity share: the liquid they are compiled for, and when they learn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ... import _core
from ..._params import check_count, check_real
from ..._values import BLOCKS, POSITIVE, per_neuron

SYNAPSES = (*BLOCKS, "input")

_SNAPSHOTS = 5000
_SNAPSHOT_DURATION = 20.0


@dataclass(frozen=True)
class Site:
    """The liquid a rule is compiled for.

    Attributes
    ----------
    excitatory : bool ndarray of shape (n_units,)
        Which neurons are excitatory.
    positions : ndarray of shape (n_units, n_dimensions) or None
        Where they lie, if the topology says so.
    n_inputs : int
    model : {"lif", "izhikevich"}
        The neurons' model.
    dt : float
        Time step in ms.
    dtype : numpy dtype
        Precision of the liquid.
    fading : bool
        Whether rates decay by the rule's `sample_decay`, as within samples.
    rng : numpy.random.Generator
        The rule's own: the same draws whenever it is compiled.
    """

    excitatory: np.ndarray
    positions: np.ndarray | None
    n_inputs: int
    model: str
    dt: float
    dtype: Any
    fading: bool
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    @property
    def n_units(self) -> int:
        """Number of neurons."""
        return len(self.excitatory)

    def build(self, name: str, **parameters: Any) -> Any:
        """Return a rule of the compiled core."""
        return getattr(_core, f"{name}{32 if self.dtype == np.float32 else 64}")(**parameters)

    def decay(self, name: str, tau: Any) -> float:
        """Return the factor a step of an exponential with a time constant in ms."""
        return float(np.exp(-self.dt / check_real(name, tau, 0.0, least_included=False)))

    def fade(self, sample_decay: Any) -> float:
        """Return the factor a step by which rates decay."""
        decay = check_real("sample_decay", sample_decay, 0.0, 1.0, least_included=False)
        return decay**self.dt if self.fading else 1.0

    def spikes_a_step(self, rate: Any) -> np.ndarray:
        """Return the spikes a step of every neuron's target rate in Hz."""
        rates = per_neuron("target_rate", rate, self.excitatory, self.rng, POSITIVE)
        return rates * self.dt / 1000

    def regions(self, blocks: Any) -> tuple[np.ndarray, int]:
        """Return the region of every neuron, and their number, for so many blocks along each axis of the positions."""
        if self.positions is None:
            raise ValueError(f"regions={blocks!r} needs a topology that has positions, such as Column")
        n_axes = self.positions.shape[1]
        counts = [blocks] * n_axes if not isinstance(blocks, Sequence) else list(blocks)
        if len(counts) != n_axes:
            raise ValueError(f"regions={blocks!r} must be an integer or one for each of {n_axes} axes")
        counts = [check_count("regions", n) for n in counts]
        low, span = self.positions.min(axis=0), np.ptp(self.positions, axis=0)
        shares = (self.positions - low) / np.where(span > 0, span, 1)
        places = np.minimum((shares * counts).astype(int), np.array(counts) - 1)
        _, region = np.unique(np.ravel_multi_index(tuple(places.T), tuple(counts)), return_inverse=True)
        return region.astype(np.uint32), int(region.max()) + 1


class Plasticity(BaseEstimator):  # type: ignore[misc]
    """Base of all rules.

    A liquid that has rules first sees snapshots, short pieces of its training samples, and keeps what it learns from
    them. `n_snapshots` and `snapshot_duration` are those of the first rule of a list that sets them.
    """

    learns = True
    """Whether there is anything to learn from snapshots."""

    n_snapshots: int | None = None
    snapshot_duration: float | None = None
    in_samples: bool = False

    def compile(self, site: Site) -> Any:
        """Check the parameters and return the rule in the compiled core's form.

        Parameters
        ----------
        site : Site
            What it is compiled for.

        Returns
        -------
        compiled rule

        Raises
        ------
        ValueError
            For a parameter out of its range, or a liquid the rule is not made for.
        """
        raise NotImplementedError

    def first_weight(self) -> float | None:
        """Return the size that weights begin with where the liquid is given none; None for the preset's."""
        return None


def as_list(rules: Any) -> list[Plasticity]:
    """Return one rule, several or None as a list.

    Raises
    ------
    ValueError
        For what is no rule.
    """
    if rules is None:
        return []
    some = list(rules) if isinstance(rules, list | tuple) else [rules]
    for rule in some:
        if not isinstance(rule, Plasticity):
            raise ValueError(f"plasticity={rules!r} must be None or a rule such as AstrocyteSTDP(), or a list of rules")
    return some


def snapshots_of(rules: Iterable[Plasticity]) -> tuple[int, float]:
    """Return the number of snapshots that rules learn from, and their length in ms.

    Raises
    ------
    ValueError
        If rules disagree.
    """
    learning = [rule for rule in rules if rule.learns]
    n = _agreed("n_snapshots", [rule.n_snapshots for rule in learning], _SNAPSHOTS)
    duration = _agreed("snapshot_duration", [rule.snapshot_duration for rule in learning], _SNAPSHOT_DURATION)
    return (
        check_count("n_snapshots", n, 0) if learning else 0,
        check_real("snapshot_duration", duration, 0.0, least_included=False),
    )


def _agreed(name: str, values: list[Any], default: Any) -> Any:
    given = [value for value in values if value is not None]
    for value in given[1:]:
        if value != given[0]:
            raise ValueError(f"the rules of plasticity have {name}={given[0]!r} and {value!r}: they learn together")
    return given[0] if given else default


def blocks_of(synapses: Any, allowed: tuple[str, ...] = SYNAPSES) -> list[list[bool]]:
    """Return synapses given by names as the core's table: by kind of source, onto excitatory and inhibitory neurons."""
    names = [synapses] if isinstance(synapses, str) else list(synapses)
    for name in names:
        if name not in allowed:
            raise ValueError(f"synapses={synapses!r} must be names from {', '.join(map(repr, allowed))}")
    if not names:
        raise ValueError("synapses=() names none: leave the rule out")
    onto = ["EE" in names, "EI" in names], ["IE" in names, "II" in names], ["input" in names] * 2
    return [list(row) for row in onto]
