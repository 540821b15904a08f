"""The compiled core; its arrays are C-contiguous and of exactly the dtype named."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_Int32s = NDArray[np.int32]
_Int64s = NDArray[np.int64]
_Float64s = NDArray[np.float64]
_T = TypeVar("_T", np.float32, np.float64)
# Compressed sparse rows (row_start, columns, values), or a dense matrix.
_Matrix = tuple[_Int64s, _Int32s, NDArray[_T]] | NDArray[_T]

def simd_level() -> str: ...
def available_simd_levels() -> list[str]: ...
def set_simd_level(name: str) -> None: ...
def build_info() -> dict[str, Any]: ...
def max_threads() -> int: ...
def tanh(x: NDArray[_T]) -> NDArray[_T]: ...
def exp(x: NDArray[_T]) -> NDArray[_T]: ...
def logistic(x: NDArray[_T]) -> NDArray[_T]: ...
def log(x: NDArray[_T]) -> NDArray[_T]: ...
def add_rows(rows: NDArray[_T], bounds: _Int64s, sums: _Float64s) -> None: ...
def philox(arg0: Sequence[int], arg1: Sequence[int], /) -> list[int]: ...
def normal_quantile(p: Any) -> Any: ...
def state_noise(seed: int, sequence: int, step: int, index: int) -> float: ...
def nvar_closed_loop(
    readout: _LinearReadout[_T],
    monomials: _Int32s,
    n_delays: int,
    stride: int,
    external: NDArray[_T],
    history: NDArray[_T],
    fed_back: NDArray[_T],
) -> NDArray[_T]: ...

# The bases below exist for the type checker only.

class _LinearReadout(Generic[_T]):
    def __init__(self, coef: NDArray[_T], intercept: NDArray[_T]) -> None: ...
    def apply(self, rows: NDArray[_T]) -> NDArray[_T]: ...

class _Network(Generic[_T]):
    def __init__(
        self,
        stage_sizes: Sequence[int],
        weights: _Matrix[_T],
        input_weights: NDArray[_T],
        bias: NDArray[_T],
        leak: NDArray[_T],
        keep: NDArray[_T],
        activation: str,
        mixing: _Matrix[_T] | None = None,
        potentials: bool = False,
    ) -> None: ...
    @property
    def n_units(self) -> int: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def work(self) -> int: ...
    def harvest(
        self,
        inputs: NDArray[_T],
        stretches: _Int64s,
        states: NDArray[_T],
        out: NDArray[_T] | None = None,
        noise_scale: float = 0.0,
        noise_seed: int = 0,
        noise_places: _Int64s | None = None,
        past_caches: bool = False,
        n_threads: int = 1,
    ) -> None: ...
    def closed_loop(
        self,
        readout: _LinearReadout[_T],
        external: NDArray[_T],
        states: NDArray[_T],
        fed_back: NDArray[_T],
        with_input: bool = False,
        with_squares: bool = False,
        n_threads: int = 1,
    ) -> NDArray[_T]: ...

class _Stream(Generic[_T]):
    state: NDArray[_T]
    def __init__(
        self,
        network: _Network[_T],
        readout: _LinearReadout[_T] | None,
        feeds_back: bool,
        with_input: bool,
        with_squares: bool,
    ) -> None: ...
    def step(self, u: Any) -> NDArray[_T]: ...
    def reset(self) -> None: ...

class LinearReadout32(_LinearReadout[np.float32]): ...
class LinearReadout64(_LinearReadout[np.float64]): ...
class Network32(_Network[np.float32]): ...
class Network64(_Network[np.float64]): ...
class Stream32(_Stream[np.float32]): ...
class Stream64(_Stream[np.float64]): ...

class Liquid32:
    n_units: int
    n_inputs: int
    n_synapses: int
    nbytes: int
    def __init__(self, **spec: Any) -> None: ...

class Liquid64(Liquid32): ...
class Rule32: ...
class Rule64(Rule32): ...

class StdpRule32(Rule32):
    def __init__(self, **rule: Any) -> None: ...

class StdpRule64(Rule64):
    def __init__(self, **rule: Any) -> None: ...

class LiquidBatch32:
    counts: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    sum_squares: NDArray[Any]
    totals: dict[str, int]
    def __init__(
        self,
        liquid: Liquid32,
        n_slots: int,
        trace_decay: float = 0.0,
        intervals: bool = False,
        recorded: list[int] = ...,
        watched: list[int] = ...,
        rules: list[Any] = ...,
        excitatory: list[bool] = ...,
        keep_learned: bool = False,
    ) -> None: ...
    def begin_events(
        self, lengths: list[int], offsets: NDArray[np.int64], steps: NDArray[np.int32], inputs: NDArray[np.int32]
    ) -> None: ...
    def begin_rates(self, lengths: list[int], probabilities: NDArray[np.float64], seed: int) -> None: ...
    def begin_currents(self, n_rows: list[int], rows: NDArray[Any], steps_per_row: int = 1) -> None: ...
    def advance(
        self,
        n_steps: int,
        samples: NDArray[np.int64] | None = None,
        counts: NDArray[Any] | None = None,
        traces: NDArray[Any] | None = None,
        potentials: NDArray[Any] | None = None,
        n_threads: int = 1,
    ) -> None: ...
    def spikes(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]: ...
    def watched(self) -> list[NDArray[Any]]: ...
    def clear_kept(self) -> None: ...
    def learned(self, slot: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[dict[str, NDArray[Any]]]]: ...

class LiquidBatch64(LiquidBatch32): ...
