"""One time step a call."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ._harvest import Harvester


class Stream:
    """A network that keeps its state between calls.

    Obtained from ``EchoStateNetwork.stream()`` or ``ESNRegressor.stream()``. The results equal those of `transform` or
    `predict` on the whole sequence, bit for bit. A stream belongs to one thread.

    Parameters
    ----------
    harvester : Harvester
        The network and what is read from it.
    readout : compiled readout or None
        Applied to the features of each step.
    feeds_back : bool
        Whether the outputs are inputs of the next step.

    Examples
    --------
    >>> import numpy as np
    >>> from reservoirs import EchoStateNetwork
    >>> u = np.sin(np.arange(100) / 10).reshape(-1, 1)
    >>> esn = EchoStateNetwork(n_units=20, random_state=0).fit(u)
    >>> stream = esn.stream()
    >>> states = [stream.step(row) for row in u]
    >>> bool((np.array(states) == esn.transform(u)).all())
    True
    """

    def __init__(self, harvester: Harvester, readout: Any = None, *, feeds_back: bool = False) -> None:
        stream = _core.Stream32 if harvester.dtype == np.float32 else _core.Stream64
        self._stream = stream(harvester.network, readout, feeds_back, harvester.with_input, harvester.with_squares)
        #: Takes the inputs of one time step, shape (n_inputs,), and returns the features, shape (n_features,), or with
        #: a readout the outputs, shape (n_outputs,). Bound directly: one call less a step.
        self.step = self._stream.step

    @property
    def state(self) -> np.ndarray:
        """The states after the last step, shape (n_units,); zeros at the start. May be set."""
        state: np.ndarray = self._stream.state
        return state

    @state.setter
    def state(self, state: np.ndarray) -> None:
        self._stream.state = state

    def reset(self) -> None:
        """Return to the start of a sequence: zero states, zero outputs fed back."""
        self._stream.reset()
