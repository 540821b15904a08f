"""No diagnostic of a driven network keeps the matrix of its states."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from reservoirs import EchoStateNetwork
from reservoirs.diagnostics import (
    activity,
    consistency,
    echo_state_index,
    effective_spectral_radius,
    excitation_inhibition,
    information_processing_capacity,
    memory_capacity,
    time_scales,
)

N_UNITS, N_TIMESTEPS = 100, 60_000
NETWORK = EchoStateNetwork(N_UNITS, activation="sigmoid", n_jobs=1, random_state=0)
U = np.random.default_rng(0).uniform(0, 1, (N_TIMESTEPS, 1))


@pytest.mark.parametrize(
    "measure",
    [
        lambda: memory_capacity(NETWORK, max_delay=20, n_train=N_TIMESTEPS, n_test=N_TIMESTEPS),
        lambda: information_processing_capacity(NETWORK, max_degree=1, max_delay=20, n_timesteps=N_TIMESTEPS, n_jobs=1),
        lambda: echo_state_index(NETWORK, U, n_starts=2),
        lambda: consistency(NETWORK, U),
        lambda: effective_spectral_radius(NETWORK, U, n_samples=2),
        lambda: time_scales(NETWORK, U, max_lag=10),
        lambda: activity(NETWORK, U),
        lambda: excitation_inhibition(NETWORK, U),
    ],
    ids=["memory", "processing", "echo states", "consistency", "radius", "time scales", "activity", "balance"],
)
def test_memory_stays_far_below_the_matrix_of_states(measure):
    tracemalloc.start()
    measure()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * 8 * N_UNITS * N_TIMESTEPS
