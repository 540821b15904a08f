"""Liquids against Brian 2 (Stimberg, Brette and Goodman, eLife 8:e47314, 2019), where that is installed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import fma
from reference_liquid import IZHIKEVICH_ROWS, Currents, Events, Liquid, core, izhikevich, lif

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    brian = pytest.importorskip("brian2")

pytestmark = pytest.mark.filterwarnings("ignore")  # Brian's own, of deprecated SymPy and NumPy

DT = 0.5  # ms
# Ours: fire, reset, deliver, integrate. With Brian's own order every spike comes a step earlier.
ORDER = ["start", "thresholds", "resets", "synapses", "groups", "end"]


@pytest.fixture(autouse=True)
def _numpy_target() -> Any:
    brian.prefs.codegen.target = "numpy"
    brian.defaultclock.dt = DT * brian.ms
    yield
    brian.start_scope()


def run(n_steps: int, *objects: Any) -> None:
    network = brian.Network(*objects)
    network.schedule = ORDER
    network.run(n_steps * DT * brian.ms)


def spikes_of(monitor: Any) -> np.ndarray:
    steps = np.rint(np.asarray(monitor.t / brian.ms) / DT).astype(int)
    pairs = np.column_stack([steps, np.asarray(monitor.i)])
    return pairs[np.lexsort(pairs.T[::-1])]


# One neuron.


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("method", ["euler", "exact"])
def test_a_lif_neuron(method: str, hold: bool) -> None:
    n_steps, currents = 2000, np.array([10.0, 21.0, 30.0, 100.0])
    group = brian.NeuronGroup(
        len(currents),
        "dv/dt = (-60 - v + I) / (20*ms) : 1" + " (unless refractory)" * hold + "\nI : 1",
        threshold="v >= -40",
        reset="v = -62",
        refractory=2 * brian.ms,
        method=method,
    )
    group.v, group.I = -65, currents
    potentials, spikes = brian.StateMonitor(group, "v", record=True, when="end"), brian.SpikeMonitor(group)
    run(n_steps, group, potentials, spikes)
    n = len(currents)
    parameters = lif(
        n, tau=20.0, v_thresh=-40.0, v_rest=-60.0, v_reset=-62.0, refractory=4, dt=DT, euler=method == "euler"
    )
    liquid = connected(parameters, np.diag(currents), np.zeros((n, n)), hold=hold, v_init=np.full(n, -65.0))
    record = core(liquid, Currents(np.ones((1, n)), n_steps))
    assert_array_equal(np.argwhere(record.fired), spikes_of(spikes))
    assert len(spikes_of(spikes)) > 50
    assert_allclose(record.potentials, np.asarray(potentials.v).T, rtol=1e-11)


def test_an_izhikevich_neuron() -> None:
    # Short enough that the last bits, which our fused operations set otherwise, have not yet moved a spike.
    n_steps, currents = 200, np.array([4.0, 7.0, 10.0, 14.0])
    n = len(currents)
    group = brian.NeuronGroup(n, "v : 1\nu : 1\nI : 1", threshold="v >= 30", reset="v = -65; u += 8", method="euler")
    half = "v += 0.5 * (dt/ms) * (0.04*v**2 + 5*v + 140 - u + I)\n"
    group.run_regularly(half + half + "u += (dt/ms) * 0.02 * (0.2*v - u)", when="groups")
    group.v, group.u, group.I = -65, -13, currents
    potentials, spikes = brian.StateMonitor(group, "v", record=True, when="end"), brian.SpikeMonitor(group)
    run(n_steps, group, potentials, spikes)
    parameters = np.repeat(izhikevich(0.02, 0.2, -65.0, 8.0, dt=DT), n, axis=1)
    start = {"v_init": np.full(n, -65.0), "u_init": np.full(n, -13.0)}
    record = core(
        connected(parameters, np.diag(currents), np.zeros((n, n)), **start), Currents(np.ones((1, n)), n_steps)
    )
    assert_array_equal(np.argwhere(record.fired), spikes_of(spikes))
    assert len(spikes_of(spikes)) == 10
    assert_allclose(record.potentials, np.asarray(potentials.v).T, rtol=1e-6)


# Networks of 1000 neurons for a second. Weights are multiples of 2**-10: arrivals have the same sum in any order.

N, N_EXC, N_INPUTS, N_STEPS = 1000, 800, 100, 2000
LONGEST = 12


def connected(parameters: np.ndarray, W_in: np.ndarray, W: np.ndarray, **options: Any) -> Liquid:
    """Liquid of dense matrices, [source, target]."""
    n = parameters.shape[1]

    def grouped(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        source, target = np.nonzero(matrix)
        start = np.searchsorted(source, np.arange(len(matrix) + 1))
        return start.astype(np.int64), target.astype(np.int32), matrix[source, target]

    start, targets, weights = grouped(W)
    input_start, input_targets, input_weights = grouped(W_in)
    return Liquid(
        neuron="lif" if len(parameters) < len(IZHIKEVICH_ROWS) else "izhikevich",
        parameters=parameters,
        start=start,
        targets=targets,
        weights=weights,
        input_start=input_start,
        input_targets=input_targets,
        input_weights=input_weights,
        source_channel=np.zeros(n, np.uint8),
        **{"decay": np.zeros((1, n)), "v_init": np.zeros(n), **options},
    )


def matrices(rng: np.random.Generator, excitation: float, inhibition: float, drive: float) -> tuple[Any, Any, Any]:
    """Random weights to inputs and among units, and delays."""
    W = np.where(np.arange(N)[:, None] < N_EXC, excitation, -inhibition) * rng.uniform(0, 2, (N, N))
    W *= (rng.random((N, N)) < 0.02) & ~np.eye(N, dtype=bool)
    W_in = drive * rng.uniform(0, 2, (N_INPUTS, N)) * (rng.random((N_INPUTS, N)) < 0.1)
    return rounded(W_in), rounded(W), rng.integers(1, LONGEST, (N, N), endpoint=True)


def rounded(W: np.ndarray) -> np.ndarray:
    return np.rint(W * 1024) / 1024


def poisson(rng: np.random.Generator) -> Events:
    steps, channels = np.nonzero(rng.random((N_STEPS, N_INPUTS)) < 0.02)
    return Events(N_STEPS, steps.astype(np.int32), channels.astype(np.int32))


def driven(
    group: Any, W_in: np.ndarray, W: np.ndarray, delays: np.ndarray, events: Events, on_pre: str, *monitors: Any
) -> np.ndarray:
    """Run a group of Brian's with these synapses and inputs, and return its spikes."""
    inputs = brian.SpikeGeneratorGroup(N_INPUTS, events.channels, events.steps * DT * brian.ms)
    links = []
    for source, matrix in ((inputs, W_in), (group, W)):
        link = brian.Synapses(source, group, "w : 1", on_pre=on_pre)
        i, j = np.nonzero(matrix)
        link.connect(i=i, j=j)
        link.w = matrix[i, j]
        if source is group:
            link.delay = (delays[i, j] - 1) * DT * brian.ms  # what we call 1 arrives within the step of the spike
        links.append(link)
    monitor = brian.SpikeMonitor(group)
    run(N_STEPS, inputs, group, *links, monitor, *monitors)
    return spikes_of(monitor)


def assert_lively(spikes: np.ndarray) -> None:
    rate = len(spikes) / N / (N_STEPS * DT / 1000)
    assert 3 < rate < 100
    assert len(np.unique(spikes[:, 1])) > 0.8 * N


def test_a_network_of_lif_neurons_with_exponential_synapses() -> None:
    rng = np.random.default_rng(0)
    W_in, W, delays = matrices(rng, excitation=0.9, inhibition=4.0, drive=6.0)
    events = poisson(rng)
    group = brian.NeuronGroup(
        N,
        "dv/dt = (12 - v + g) / (30*ms) : 1\ndg/dt = -g / (5*ms) : 1",
        threshold="v >= 15",
        reset="v = 0",
        refractory=2 * brian.ms,
        method="euler",
    )
    v_init = rng.uniform(0, 15, N)
    group.v = v_init
    expected = driven(group, W_in, W, delays, events, on_pre="g += w")
    assert_lively(expected)
    liquid = connected(
        lif(N, tau=30.0, v_thresh=15.0, v_rest=12.0, refractory=4, dt=DT, euler=True),
        W_in,
        W,
        v_init=v_init,
        delays=delays[W != 0].astype(np.int32),
        synapse="exponential",
        decay=np.full((1, N), 1 - DT / 5),
    )
    assert_array_equal(np.argwhere(core(liquid, events).fired), expected)


def test_a_network_of_izhikevich_neurons_with_our_rounding() -> None:
    # The map is chaotic: after a second the last bits of a single product decide. So Brian runs our operations.
    rng = np.random.default_rng(1)
    W_in, W, delays = matrices(rng, excitation=2.0, inhibition=4.0, drive=7.0)
    events = poisson(rng)
    fused = brian.Function(fma, arg_units=[1, 1, 1], return_unit=1)
    fused.implementations.add_numpy_implementation(fma, discard_units=True)
    q = rng.random(N)
    excitatory = np.arange(N) < N_EXC
    parameters = izhikevich(
        a=np.where(excitatory, 0.02, 0.02 + 0.08 * q),
        b=np.where(excitatory, 0.2, 0.25 - 0.05 * q),
        c=np.where(excitatory, -65 + 15 * q**2, -65),
        d=np.where(excitatory, 8 - 6 * q**2, 2),
        dt=DT,
    )
    rows = {f"{name}_": row for name, row in zip(IZHIKEVICH_ROWS, parameters, strict=True)}
    group = brian.NeuronGroup(
        N,
        "v : 1\nu : 1\narrived : 1\n" + "".join(f"{name} : 1\n" for name in rows),
        threshold="v >= v_peak_",
        reset="v = c_; u += d_",
        namespace={"fused": fused},
        method="euler",
    )
    group.run_regularly(
        """
        drive = fused(kh_, arrived - u, q0h_)
        v = v + fused(fused(q2h_, v, q1h_), v, drive)
        v = v + fused(fused(q2h_, v, q1h_), v, drive)
        u = u + fused(uab_, v, fused(-ua_, u, uc_))
        arrived = 0
        """,
        when="groups",
    )
    for name, row in rows.items():
        setattr(group, name, row)
    start = {"v_init": rng.uniform(-70, -60, N), "u_init": np.full(N, -13.0)}
    group.v, group.u = start["v_init"], start["u_init"]
    potentials = brian.StateMonitor(group, "v", record=range(0, N, 100), when="end")
    expected = driven(group, W_in, W, delays, events, "arrived += w", potentials)
    assert_lively(expected)
    record = core(connected(parameters, W_in, W, delays=delays[W != 0].astype(np.int32), **start), events)
    assert_array_equal(np.argwhere(record.fired), expected)
    assert_allclose(record.potentials[:, ::100], np.asarray(potentials.v).T, rtol=1e-12)
