"""Neurons and synapses against closed forms and the equations that define them: the twin, and the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_liquid import (
    Currents,
    Drive,
    Events,
    Liquid,
    Rates,
    Record,
    core,
    izhikevich,
    lif,
    memoryless,
    repeaters,
    twin,
    wire,
)
from scipy.stats import chisquare, geom, norm

Simulate = Callable[[Liquid, Drive], Record]


@pytest.fixture(params=[twin, core], ids=["twin", "core"])
def simulate(request: pytest.FixtureRequest) -> Any:
    return request.param


def events(n_steps: int, *times: Any) -> Events:
    """Events of channel 0, 1, ... at these steps."""
    pairs = np.array(sorted((t, c) for c, some in enumerate(times) for t in some), np.int32).reshape(-1, 2)
    return Events(n_steps, pairs[:, 0].copy(), pairs[:, 1].copy())


def constant(current: float, n_steps: int) -> Currents:
    return Currents(np.array([[current]]), n_steps)


def spike_times(record: Record, unit: int = 0) -> np.ndarray:
    return np.flatnonzero(record.fired[:, unit])


def firing_at(times: Any, n_steps: int) -> tuple[Events, list[tuple[int, int, float]]]:
    """What makes the repeater that is unit 0 fire at these steps."""
    return events(n_steps, np.asarray(times) - 1), [(0, 0, 1.0)]


# Membranes.


def test_a_membrane_decays_exponentially_to_rest(simulate: Simulate) -> None:
    tau, rest, dt = np.array([5.0, 64.0]), -70.0, 0.5
    parameters = np.hstack([lif(1, tau=t, v_rest=rest, dt=dt) for t in tau])
    liquid = wire(parameters, [], v_init=np.array([-50.0, -90.0]))
    t = dt * np.arange(1, 201)[:, None]
    expected = rest + (liquid.v_init - rest) * np.exp(-t / tau)
    assert_allclose(simulate(liquid, events(200)).potentials, expected, rtol=1e-13)


def test_eulers_membrane_decays_geometrically(simulate: Simulate) -> None:
    liquid = wire(lif(1, tau=64.0, euler=True), [], v_init=np.array([1.0]))
    expected = (1 - 1 / 64) ** np.arange(1, 101)
    assert_allclose(simulate(liquid, events(100)).potentials[:, 0], expected, rtol=1e-13)


def test_a_postsynaptic_potential_is_a_difference_of_exponentials(simulate: Simulate) -> None:
    tau, tau_synapse, w, dt = 30.0, 3.0, 2.5, 0.01
    liquid = wire(lif(1, tau=tau, dt=dt), [(0, 0, w)], synapse="exponential", decay=np.exp([[-dt / tau_synapse]]))
    v = simulate(liquid, events(2000, [0])).potentials[:, 0]
    membrane, synapse = np.exp(-dt / np.array([tau, tau_synapse]))
    k = np.arange(1, 2001)
    exact = w * (1 - membrane) * (membrane**k - synapse**k) / (membrane - synapse)
    assert_allclose(v, exact, rtol=1e-11)
    t = dt * k
    continuous = w * tau_synapse / (tau - tau_synapse) * (np.exp(-t / tau) - np.exp(-t / tau_synapse))
    assert_allclose(v, continuous, atol=0.005 * continuous.max())


def test_inputs_are_weighted_sums(simulate: Simulate) -> None:
    rng = np.random.default_rng(0)
    W = rng.standard_normal((3, 20))
    liquid = wire(memoryless(20), [(k, i, W[k, i]) for k in range(3) for i in range(20)], n_inputs=3)
    rows = rng.standard_normal((10, 3))
    assert_allclose(simulate(liquid, Currents(rows, 4)).potentials, np.repeat(rows @ W, 4, axis=0), atol=1e-14)


# Firing.


@pytest.mark.parametrize("refractory", [0, 3])
@pytest.mark.parametrize("current", [20.5, 25.0, 40.0, 300.0])
def test_rates_follow_the_current_by_the_closed_form(simulate: Simulate, current: float, refractory: int) -> None:
    tau, v_thresh, dt = 20.0, 20.0, 0.5
    parameters = lif(1, tau=tau, v_thresh=v_thresh, refractory=refractory, dt=dt)
    times = spike_times(simulate(wire(parameters, [(0, 0, 1.0)], hold=True), constant(current, 1500)))
    charging = np.ceil(-tau / dt * np.log(1 - v_thresh / current))
    assert times[0] == charging
    assert set(np.diff(times)) == {refractory + charging}


def test_just_below_rheobase_there_is_silence(simulate: Simulate) -> None:
    liquid = wire(lif(1, tau=20.0, v_thresh=20.0), [(0, 0, 1.0)])
    assert not simulate(liquid, constant(20.0 - 1e-9, 2000)).fired.any()


def test_the_threshold_itself_fires(simulate: Simulate) -> None:
    at = np.array([20.0, np.nextafter(20, 0)])
    assert simulate(wire(lif(2, tau=20.0, v_thresh=20.0), [], v_init=at), events(1)).fired.tolist() == [[True, False]]
    liquid = wire(izhikevich(0.02, 0.2, [-65.0, -65.0], 8.0, v_peak=20.0), [], v_init=at, u_init=np.zeros(2))
    assert simulate(liquid, events(1)).fired.tolist() == [[True, False]]


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("refractory", [0, 1, 2, 5])
def test_the_shortest_interval_is_one_more_than_the_refractory_period(
    simulate: Simulate, refractory: int, hold: bool
) -> None:
    parameters = lif(1, tau=20.0, v_thresh=20.0, refractory=refractory)
    times = spike_times(simulate(wire(parameters, [(0, 0, 1.0)], hold=hold), constant(1e4, 100)))
    assert set(np.diff(times)) == {refractory + 1}


def test_soft_resets_lose_no_charge(simulate: Simulate) -> None:
    # Without a leak the rate is the current over the height of the reset, whatever their ratio.
    parameters = lif(1, tau=np.inf, v_thresh=1.0, v_reset=-0.5, gain=1.0)
    n_spikes = simulate(wire(parameters, [(0, 0, 1.0)], soft_reset=True), constant(0.37, 5001)).fired.sum()
    assert abs(n_spikes - (5000 * 0.37 + 0.5) / 1.5) <= 1


@pytest.mark.parametrize("current", [1.2, 1.7, 2.9, 4.6])
def test_an_adapting_threshold_sets_the_interval(simulate: Simulate, current: float) -> None:
    # A memoryless unit fires as soon as the threshold is down: after n steps, if n - 1 were too few for a period.
    fade, rise, v_thresh = 0.9, 0.5, 1.0
    parameters = lif(1, tau=1e-3, gain=1.0, v_thresh=v_thresh, adapt_decay=fade, adapt_step=rise)
    times = spike_times(simulate(wire(parameters, [(0, 0, 1.0)], adaptive=True), constant(current, 600)))
    n = np.arange(1, 100)
    raised = rise * fade ** (n - 1) / (1 - fade**n)  # at the next spike, of a unit that fires every n steps
    period = n[np.argmax(raised <= current - v_thresh)]
    late = np.diff(times[len(times) // 2 :])
    assert period - 1 <= late.mean() <= period
    assert late[-1] >= np.diff(times)[0]


def test_the_floor_holds_inhibition(simulate: Simulate) -> None:
    parameters = lif(1, tau=20.0)
    parameters[6] = -2.0
    record = simulate(wire(parameters, [(0, 0, 1.0)]), constant(-100.0, 50))
    assert record.potentials.min() == -2.0


# Izhikevich, 2003, by the script of the paper.

IZHIKEVICH = {"regular spiking": (0.02, 0.2, -65.0, 8.0), "fast spiking": (0.1, 0.2, -65.0, 2.0)}


CURRENTS = (4.0, 7.0, 10.0, 14.0)


def script(a: float, b: float, c: float, d: float, current: float, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    v, u, times, potentials = -65.0, b * -65.0, [], []
    for t in range(n_steps):
        if v >= 30:
            times.append(t)
            v, u = c, u + d
        for _ in range(2):
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u += a * (b * v - u)
        potentials.append(v)
    return np.array(times), np.array(potentials)


@pytest.mark.parametrize("kind", IZHIKEVICH)
def test_izhikevich_neurons_fire_as_by_the_script(simulate: Simulate, kind: str) -> None:
    a, b, c, d = IZHIKEVICH[kind]
    n, n_steps = len(CURRENTS), 1000
    start = {"v_init": np.full(n, -65.0), "u_init": np.full(n, b * -65.0)}
    parameters = np.repeat(izhikevich(a, b, c, d), n, axis=1)
    liquid = wire(parameters, [(0, i, current) for i, current in enumerate(CURRENTS)], **start)
    record = simulate(liquid, constant(1.0, n_steps))
    for unit, current in enumerate(CURRENTS):
        expected, v = script(a, b, c, d, current, n_steps)
        times = spike_times(record, unit)
        # Steps of 1 ms make this map chaotic: every spike multiplies the last bits by up to ten.
        assert_array_equal(times[times < 120], expected[expected < 120])
        assert_allclose(record.potentials[:50, unit], v[:50], rtol=1e-6)
        assert abs(len(times) - len(expected)) <= 0.15 * len(expected)


def test_fast_spiking_is_faster_and_regular_spiking_adapts(simulate: Simulate) -> None:
    a, b, c, d = zip(*IZHIKEVICH.values(), strict=True)
    start = {"v_init": np.full(2, -65.0), "u_init": np.full(2, -13.0)}
    record = simulate(wire(izhikevich(a, b, c, d), [(0, 0, 1.0), (0, 1, 1.0)], **start), constant(10.0, 1000))
    regular, fast = (np.diff(spike_times(record, unit)) for unit in range(2))
    assert 15 < len(regular) < 40
    assert len(fast) > 2 * len(regular)
    assert regular[-1] > 1.5 * regular[0]


# Synapses.


def test_a_delay_of_d_steps_is_d_steps(simulate: Simulate) -> None:
    delays = np.array([1, 2, 3, 7, 8, 9, 31, 64, 65], np.int32)
    n = len(delays) + 1
    drive, inputs = firing_at([5, 6, 20], 100)
    links = [(0, i, 1.0) for i in range(1, n)]
    record = simulate(wire(repeaters(n), inputs, links, delays=delays), drive)
    for i, delay in enumerate(delays, 1):
        assert_array_equal(spike_times(record, i), np.array([5, 6, 20]) + delay)


@pytest.mark.parametrize("interval", [1, 10, 50])
@pytest.mark.parametrize(("U", "D", "F"), [(0.5, 1100.0, 50.0), (0.05, 125.0, 1200.0), (0.25, 700.0, 20.0)])
def test_dynamic_synapses_settle_where_the_closed_form_says(
    simulate: Simulate, interval: int, U: float, D: float, F: float
) -> None:
    w, n_spikes = 30.0, 150 + 400 // interval  # enough to settle
    times = 1 + interval * np.arange(n_spikes)
    drive, inputs = firing_at(times, int(times[-1]) + 1)
    parameters = np.hstack([repeaters(1), memoryless(1)])
    stp = {"utilisation": [U], "depression": [1 / D], "facilitation": [1 / F]}
    liquid = wire(parameters, inputs, [(0, 1, w)], **{name: np.array(value) for name, value in stp.items()})
    amplitudes = simulate(liquid, drive).potentials[times, 1]

    r, u, expected = 1.0, U, []
    recover, forget = np.exp(-interval / D), np.exp(-interval / F)
    for _ in times:
        expected.append(w * u * r)
        r, u = 1 + (r - r * u - 1) * recover, U + u * (1 - U) * forget
    assert_allclose(amplitudes, expected, rtol=1e-11)

    u_end = U / (1 - (1 - U) * forget)
    r_end = (1 - recover) / (1 - (1 - u_end) * recover)
    assert_allclose(amplitudes[-1], w * u_end * r_end, rtol=1e-5)


def test_a_double_exponential_has_its_integral_and_its_peak(simulate: Simulate) -> None:
    tau_rise, tau_decay, dt, w = 2.0, 8.0, 0.05, 3.0
    rates = np.exp(-dt / np.array([[tau_rise], [tau_decay]]))
    peak = tau_rise * tau_decay / (tau_decay - tau_rise) * np.log(tau_decay / tau_rise)
    norm_to_one = 1 / (np.exp(-peak / tau_decay) - np.exp(-peak / tau_rise))
    kernel = {"rise": rates[:1], "decay": rates[1:], "norm": np.array([[norm_to_one]])}
    liquid = wire(memoryless(1), [(0, 0, w)], synapse="double", **kernel)
    current = simulate(liquid, events(4000, [0])).potentials[:, 0]
    assert_allclose(current.sum(), w * norm_to_one * (1 / (1 - rates[1, 0]) - 1 / (1 - rates[0, 0])), rtol=1e-9)
    assert_allclose(dt * current.sum(), w * norm_to_one * (tau_decay - tau_rise), rtol=1e-3)
    assert_allclose(current.max(), w, rtol=1e-4)
    assert abs(dt * current.argmax() - peak) <= dt


def test_nearest_kernels_start_anew_at_every_spike(simulate: Simulate) -> None:
    # NALSM: k_j(t) = exp(-(t - t_j) / tau) since the last spike of j, whatever was before.
    rng = np.random.default_rng(1)
    n_steps, n_inputs, tau = 300, 4, 3.0
    weights = rng.normal(0, 3, n_inputs)
    fired = rng.random((n_inputs, n_steps)) < [[0.02], [0.1], [0.5], [1.0]]
    liquid = wire(
        memoryless(1),
        [(k, 0, weights[k]) for k in range(n_inputs)],
        n_inputs=n_inputs,
        synapse="exponential",
        decay=np.exp([[-1 / tau]]),
        nearest=True,
    )
    age, expected = np.full(n_inputs, np.inf), []
    for t in range(n_steps):
        age = np.where(fired[:, t], 0, age + 1)
        expected.append(weights @ np.exp(-age / tau))
    current = simulate(liquid, events(n_steps, *map(np.flatnonzero, fired))).potentials[:, 0]
    assert_allclose(current, expected, atol=1e-12)


def test_channels_have_time_constants_of_their_own(simulate: Simulate) -> None:
    parameters = np.hstack([repeaters(2), memoryless(1)])
    decay = np.exp(-1 / np.array([[3.0], [6.0]])) * np.ones(3)
    decay[:, :2] = 0  # repeaters repeat once
    liquid = wire(
        parameters,
        [(0, 0, 1.0), (1, 1, 1.0)],
        [(0, 2, 2.0), (1, 2, -1.0)],
        n_inputs=2,
        synapse="exponential",
        decay=decay,
        source_channel=np.array([0, 1, 0], np.uint8),
    )
    current = simulate(liquid, events(60, [0], [9])).potentials[:, 2]
    t = np.arange(60)
    expected = 2 * np.exp(-(t - 1) / 3) * (t >= 1) - np.exp(-(t - 10) / 6) * (t >= 10)
    assert_allclose(current, expected, atol=1e-12)


def test_narrow_weights_are_off_by_at_most_half_a_step_of_their_source(simulate: Simulate) -> None:
    rng = np.random.default_rng(2)
    W = rng.normal(0, [[1], [100]], (2, 50))
    links = [(k, i, W[k, i]) for k in range(2) for i in range(50)]
    record = simulate(wire(memoryless(50), links, n_inputs=2, narrow=True), events(2, [0], [1]))
    errors = np.abs(record.potentials - W)
    assert (errors <= np.abs(W).max(axis=1, keepdims=True) / 254 * (1 + 1e-12)).all()
    assert (errors > 0).any()


# Inputs.


def repeated(simulate: Simulate, drive: Drive, n_inputs: int, **options: Any) -> np.ndarray:
    """Return which input spiked at which step, as repeaters tell a step later."""
    links = [(k, k, 1.0) for k in range(n_inputs)]
    return simulate(wire(repeaters(n_inputs), links, n_inputs=n_inputs, **options), drive).fired


def test_events_reach_the_units_of_their_channel_once_a_step(simulate: Simulate) -> None:
    fired = repeated(simulate, Events(6, np.array([1, 1, 1, 4], np.int32), np.array([2, 0, 2, 1], np.int32)), 3)
    assert np.argwhere(fired).tolist() == [[2, 0], [2, 2], [5, 1]]


@pytest.mark.parametrize("p", [0.01, 0.1, 0.4, 0.9])
def test_intervals_of_rates_are_geometric(simulate: Simulate, p: float) -> None:
    n_inputs, n_steps = 40, 500
    fired = repeated(simulate, Rates(n_steps, np.full(n_inputs, p), seed=2**63 + 7), n_inputs)[1:]
    # Each input's first event counts from the start; what the end cut off is censored, so only gaps that always fit.
    longest = int(min(n_steps // 2, geom.isf(1e-3, p)))
    gaps = []
    for train in fired.T:
        t = np.concatenate([[-1], np.flatnonzero(train)])
        gaps += np.diff(t)[t[:-1] < n_steps - 1 - longest].tolist()
    edges = np.unique(geom.ppf(np.linspace(0, 1, 11)[1:-1], p)).astype(int).tolist()
    edges = [0, *(edge for edge in edges if edge < longest), longest]
    observed, _ = np.histogram(np.minimum(gaps, longest + 1), [*np.add(edges, 0.5), np.inf])
    expected = np.diff([*geom.cdf(edges, p), 1]) * len(gaps)
    keep = expected > 5
    observed, expected = (np.append(x[keep], x[~keep].sum()) for x in (observed, expected))
    some = expected > 1
    assert chisquare(observed[some], expected[some] * observed[some].sum() / expected[some].sum()).pvalue > 1e-3
    count = fired.sum()
    assert norm.sf(abs(count - p * fired.size) / np.sqrt(p * (1 - p) * fired.size)) > 1e-3


def test_rates_of_inputs_and_samples_are_independent(simulate: Simulate) -> None:
    n = 30
    trains = [repeated(simulate, Rates(600, np.full(n, p), seed), n).T for p, seed in [(0.3, 1), (0.3, 2), (0.301, 1)]]
    correlation = np.corrcoef(np.concatenate(trains))[np.triu_indices(3 * n, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(600)
    assert_allclose(correlation.std(), 1 / np.sqrt(600), rtol=0.1)


def test_rates_of_none_and_all(simulate: Simulate) -> None:
    fired = repeated(simulate, Rates(50, np.array([0.0, 1.0, 0.5]), 3), 3)[1:]
    assert not fired[:, 0].any()
    assert fired[:, 1].all()
    assert 10 < fired[:, 2].sum() < 40


@pytest.mark.parametrize("refractory", [0, 2, 5])
@pytest.mark.parametrize("p", [0.05, 0.3, 0.7, 1.0])
def test_relays_are_the_input_neurons_of_nalsm(simulate: Simulate, p: float, refractory: int) -> None:
    # Input neurons of 100 mV a event: tau 64 ms, threshold 20 mV, reset to 0, the period of 2 ms for which it is said.
    n_inputs, n_steps = 20, 400
    given = np.random.default_rng(3).random((n_steps, n_inputs)) < p
    v, blocked, spikes = np.zeros(n_inputs), np.zeros(n_inputs), np.zeros_like(given)
    for t in range(n_steps):
        spikes[t] = (blocked <= 0) & (v >= 20)
        v[spikes[t]] = 0
        v = v + 100 * given[t] - v / 64
        blocked = np.where(spikes[t], refractory, blocked - 1)
    fired = repeated(simulate, events(n_steps, *map(np.flatnonzero, given.T)), n_inputs, input_refractory=refractory)
    assert_array_equal(fired[1:], spikes[:-1])
