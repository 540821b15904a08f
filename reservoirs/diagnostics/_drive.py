"""How diagnostics run a network: driven by an input, its states seen one block of rows at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._params import check_choice, check_real
from ..esn._base import BaseESN
from ..esn._harvest import Harvester, Noise
from ..esn.dynamics import check_dynamics
from ..sequences import Sequences

DISTRIBUTIONS = ("uniform", "normal")
# Rows that a liquid, or any other transformer, is shown in one call, and in how many pieces.
_ROWS_A_PIECE, _PIECES_A_CALL = 1000, 8
_ROWS_SIDE_BY_SIDE = 4096

Array = NDArray[Any]
Block = tuple[Array, int, int]


@dataclass(frozen=True)
class Driver(ABC):
    """A fitted network that is driven from rest.

    Attributes
    ----------
    fitted : estimator
        What is driven.
    n_inputs : int
        Width of a row of its input; what is fed back counts as input.
    n_states : int
        Width of a row of its states.
    dtype : numpy dtype
        Precision of the states, or less.
    range_of_states : tuple of float
        Between which numbers states lie.
    """

    fitted: Any
    n_inputs: int
    n_states: int
    dtype: np.dtype[Any]
    range_of_states: tuple[float, float]

    @abstractmethod
    def blocks(self, inputs: Array, washout: int) -> Iterator[Block]:
        """Iterate over the states of the rows from `washout` on: states, first row, row after the last."""

    @abstractmethod
    def last_states(self, inputs: Array) -> Array:
        """Return the states after inputs of shape (n_sequences, n_timesteps, n_inputs)."""

    @abstractmethod
    def replicas(
        self, inputs: Array, n_replicas: int, rng: np.random.Generator, noise: float = 0.0
    ) -> Iterator[tuple[Array, int]]:
        """Drive copies from different starts, side by side.

        Iterate over states of shape (n_replicas, n_rows, n_states) and the first of their rows.
        """


@dataclass(frozen=True)
class NetworkDriver(Driver):
    """Drives an echo-state network, whose states can be set and read."""

    harvester: Harvester

    @classmethod
    def of(cls, network: BaseESN) -> NetworkDriver:
        """Drive a fitted network: its states alone, without what `features` adds for a readout."""
        harvester = replace(network._harvester(), with_input=False, with_squares=False)
        n_inputs, n_states = harvester.network.n_inputs, harvester.network.n_units
        return cls(network, n_inputs, n_states, harvester.dtype, _range_of_states(network), harvester)

    @property
    def size_of_state(self) -> int:
        """Numbers that a run goes on from; late links add those of earlier steps to the states."""
        return int(self.harvester.network.n_state)

    def blocks(self, inputs: Array, washout: int) -> Iterator[Block]:
        """Iterate over the states of the rows from `washout` on."""
        for states, bounds, _ in self.harvester.blocks(self.sequences(inputs[None]), washout=washout):
            yield states, int(bounds[0, 0]), int(bounds[0, 1])

    def last_states(self, inputs: Array) -> Array:
        """Return the states after each sequence."""
        # What units show: with some dynamics that is not the state they go on from.
        steps = inputs.shape[1]
        out = np.empty((len(inputs), self.n_states), self.harvester.dtype)
        for states, _, members in self.harvester.blocks(self.sequences(inputs), washout=steps - 1):
            out[members] = states
        return out

    def replicas(
        self, inputs: Array, n_replicas: int, rng: np.random.Generator, noise: float = 0.0
    ) -> Iterator[tuple[Array, int]]:
        """Drive copies from random initial states, uniform in [-1, 1]."""
        states = rng.uniform(-1, 1, (n_replicas, self.size_of_state)).astype(self.harvester.dtype)
        n_rows = max(1, _ROWS_SIDE_BY_SIDE // n_replicas)
        for first in range(0, len(inputs), n_rows):
            rows = inputs[first : first + n_rows]
            together = self.sequences(np.broadcast_to(rows, (n_replicas, *rows.shape)))
            out = np.empty((len(together.values), self.n_states), self.harvester.dtype)
            random = Noise(noise, int(rng.integers(2**63)))
            after = np.empty_like(states)
            for block, bounds, _ in self.harvester.blocks(together, initial=states, final=after, noise=random):
                at = 0
                for begin, end in bounds:
                    out[begin:end] = block[at : at + end - begin]
                    at += end - begin
            states = after
            yield out.reshape(n_replicas, len(rows), -1), first

    def step(self, states: Array, row: Array) -> Array:
        """Return the states, one sequence a row, after one more row of input, the same for all."""
        together = np.broadcast_to(row, (len(states), 1, len(row)))
        # One step is too little work to wake threads for.
        return replace(self.harvester, n_threads=1).final_states(self.sequences(together), states)

    def sequences(self, inputs: Array) -> Sequences:
        """Lay inputs of shape (n_sequences, n_timesteps, n_inputs) into one buffer."""
        n_sequences, length, width = inputs.shape
        rows = np.ascontiguousarray(inputs.reshape(-1, width), self.harvester.dtype)
        return Sequences(rows, np.arange(n_sequences + 1, dtype=np.int64) * length, "array")


@dataclass(frozen=True)
class TransformerDriver(Driver):
    """Drives anything that transforms sequences row by row; a long one in pieces, each after its own washout."""

    def blocks(self, inputs: Array, washout: int) -> Iterator[Block]:
        """Iterate over the features of the rows from `washout` on."""
        starts = range(washout, len(inputs), _ROWS_A_PIECE)
        for at in range(0, len(starts), _PIECES_A_CALL):
            bounds = [(begin, min(begin + _ROWS_A_PIECE, len(inputs))) for begin in starts[at : at + _PIECES_A_CALL]]
            pieces = [inputs[begin - washout : end] for begin, end in bounds]
            for rows, (begin, end) in zip(self._transform(pieces), bounds, strict=True):
                yield rows[washout:], begin, end

    def last_states(self, inputs: Array) -> Array:
        """Return the features of the last row of each sequence."""
        groups = range(0, len(inputs), _PIECES_A_CALL)
        return np.array([rows[-1] for at in groups for rows in self._transform(list(inputs[at : at + _PIECES_A_CALL]))])

    def replicas(
        self, inputs: Array, n_replicas: int, rng: np.random.Generator, noise: float = 0.0
    ) -> Iterator[tuple[Array, int]]:
        """Show the input to copies of different pasts: its own rows in random order."""
        if noise > 0:
            raise ValueError(f"noise={noise!r} needs an echo-state network; of {self.fitted!r} no states can be set")
        length = min(len(inputs), _ROWS_A_PIECE)
        pasts = [rng.permutation(inputs)[:length] for _ in range(n_replicas)]
        for first in range(0, len(inputs), _ROWS_A_PIECE):
            # From rest through the whole past, as often as there are pieces: liquids cannot go on from a state.
            end = min(first + _ROWS_A_PIECE, len(inputs))
            shown = [np.concatenate([past, inputs[:end]]) for past in pasts]
            yield np.array([rows[first + length :] for rows in self._transform(shown)]), first

    def _transform(self, pieces: list[Array]) -> list[Array]:
        transformed = self.fitted.transform(pieces)
        for rows, piece in zip(transformed, pieces, strict=True):
            if np.ndim(rows) != 2 or len(rows) != len(piece):
                raise ValueError(
                    f"network={self.fitted!r} gives no row of features for every row of its input; a liquid does "
                    "with per_row=True, an EchoStateNetwork with washout=0"
                )
        return [np.asarray(rows) for rows in transformed]


def width_of(network: Any) -> int:
    """Return how many inputs a network takes; an unfitted one is given 1."""
    if not _is_fitted(network):
        return 1
    return NetworkDriver.of(network).n_inputs if isinstance(network, BaseESN) else int(network.n_features_in_)


def drive(network: Any, inputs: Array) -> Driver:
    """Return what drives a network. One that is not fitted is fitted, as a copy, to these inputs."""
    if not _is_fitted(network):
        if not hasattr(network, "transform"):
            check_is_fitted(network)
        network = clone(network).fit([inputs])
    if isinstance(network, BaseESN):
        driver: Driver = NetworkDriver.of(network)
    elif hasattr(network, "transform"):
        n_states = len(network.get_feature_names_out())
        driver = TransformerDriver(network, inputs.shape[1], n_states, np.dtype(np.float32), (-np.inf, np.inf))
    else:
        raise ValueError(
            f"network={network!r} is neither an echo-state network nor a transformer of sequences such as "
            "LiquidStateMachine(per_row=True)"
        )
    if inputs.shape[1] != driver.n_inputs:
        raise ValueError(f"X has {inputs.shape[1]} columns, but the network takes {driver.n_inputs} inputs")
    return driver


def drive_states(network: Any, inputs: Array) -> NetworkDriver:
    """Return what drives an echo-state network, in double precision."""
    if not isinstance(network, BaseESN):
        raise ValueError(
            f"network={network!r} is not an echo-state network, and the states of others cannot be set; "
            "echo_state_index and consistency take any"
        )
    driver = drive(network, inputs)
    assert isinstance(driver, NetworkDriver)
    if driver.harvester.dtype == np.float64:
        return driver
    double = driver.fitted._fresh(learned=True)
    for name, value in vars(double).items():
        if getattr(value, "dtype", None) == np.float32:
            setattr(double, name, value.astype(np.float64))
    double._compile()
    return NetworkDriver.of(double)


def check_inputs(X: Any, name: str = "X") -> Array:
    """Return the rows of a series, shape (n_timesteps, n_columns); a 1-D one has one column."""
    rows = np.asarray(check_array(X, dtype=[np.float64, np.float32], ensure_2d=False, allow_nd=True, input_name=name))
    if rows.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {rows.shape}; expected (n_timesteps,) or (n_timesteps, n_columns)")
    return rows.reshape(len(rows), -1)


def check_washout(washout: int, n_timesteps: int, least_left: int = 1) -> int:
    """Raise unless a washout leaves enough rows."""
    if n_timesteps - washout < least_left:
        raise ValueError(f"washout={washout} leaves fewer than {least_left} of {n_timesteps} time steps")
    return washout


@dataclass(frozen=True)
class Source:
    """Independent, identically distributed inputs: loc + scale * z, z uniform in [-1, 1] or standard normal."""

    distribution: str
    loc: float
    scale: float
    rng: np.random.Generator

    @classmethod
    def checked(cls, distribution: Any, loc: Any, scale: Any, random_state: Any) -> Source:
        """Check the parameters of a diagnostic."""
        check_choice("distribution", distribution, DISTRIBUTIONS)
        seed = check_random_state(random_state).randint(2**32, size=2, dtype=np.uint64)
        return cls(
            distribution,
            check_real("loc", loc),
            check_real("scale", scale, 0.0, least_included=False),
            np.random.default_rng(seed),
        )

    def draw(self, *shape: int) -> tuple[Array, Array]:
        """Return z and the inputs made of it."""
        z = self.rng.uniform(-1, 1, shape) if self.distribution == "uniform" else self.rng.standard_normal(shape)
        return z, self.loc + self.scale * z


def _range_of_states(network: BaseESN) -> tuple[float, float]:
    """Return the range of the activation, where states are rates or means of rates."""
    dynamics, leak = check_dynamics(network.dynamics), network.leak_rate_
    if not dynamics._potentials and (dynamics._gain(leak) + dynamics._keep(leak) > 1 + 1e-6).any():
        return -np.inf, np.inf
    return {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}.get(network._activation, (-np.inf, np.inf))


def _is_fitted(network: Any) -> bool:
    try:
        check_is_fitted(network)
    except NotFittedError:
        return False
    except TypeError:
        raise ValueError(
            f"network={network!r} is not an estimator; expected an echo-state network or a transformer of sequences"
        ) from None
    return True
