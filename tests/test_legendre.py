"""The Legendre memory: against its equation, and against the delays it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from reservoirs import LegendreMemory
from reservoirs.export import to_c


def low_pass(n_steps: int, cut_off: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1 without frequencies above `cut_off` cycles a step."""
    spectrum = np.fft.rfft(rng.normal(size=n_steps))
    spectrum[np.fft.rfftfreq(n_steps) > cut_off] = 0
    u = np.fft.irfft(spectrum, n_steps)
    return np.asarray(u / u.std())[:, None]


def delay_errors(order: int, window: int, cut_off: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Errors of five delays, as the polynomials give them and with a fitted readout."""
    u = low_pass(4000, cut_off, rng)
    memory = LegendreMemory(order, window, n_jobs=1)
    states = memory.fit_transform(u)
    given, fitted = [], []
    for delay in (0, window // 4, window // 2, 3 * window // 4, window - 1):
        train, test = slice(200, 2000), slice(2000, None)
        past = np.roll(u, delay, axis=0)
        given.append(float(np.sqrt(np.mean((memory.reconstruct(states, delay) - past)[test] ** 2))))
        read = Ridge(1e-9).fit(states[train], past[train])
        fitted.append(float(np.sqrt(np.mean((read.predict(states[test]).reshape(-1, 1) - past[test]) ** 2))))
    return given, fitted


@pytest.mark.parametrize(("order", "window"), [(12, 20), (12, 100), (24, 50), (6, 20)])
def test_delays_are_reconstructed(order: int, window: int, rng: np.random.Generator) -> None:
    # Up to a quarter of the order in cycles of the window; the polynomials alone, and a readout of all there is.
    given, fitted = delay_errors(order, window, order / (4 * window), rng)
    assert max(given) < (0.12 if order == 6 else 0.05)
    assert max(fitted) < (0.04 if order == 6 else 0.005)
    # Well below that, both are nearly exact.
    given, fitted = delay_errors(order, window, order / (10 * window), rng)
    assert max(given) < 0.02
    assert max(fitted) < 2e-4


def test_the_memory_of_white_noise_is_its_order(rng: np.random.Generator) -> None:
    order, window = 12, 40
    u = rng.uniform(-1, 1, (12_000, 1))
    states = LegendreMemory(order, window, n_jobs=1).fit_transform(u)
    past = np.hstack([np.roll(u, delay, axis=0) for delay in range(2 * window)])
    train, test = slice(200, 6000), slice(6000, None)
    predicted = Ridge(1e-9).fit(states[train], past[train]).predict(states[test])
    capacity = sum(np.corrcoef(predicted[:, k], past[test][:, k])[0, 1] ** 2 - 1 / 6000 for k in range(2 * window))
    assert capacity == pytest.approx(order, rel=0.03)


def test_a_constant_is_remembered_as_it_is() -> None:
    memory = LegendreMemory(10, 15.0).fit(np.ones((10, 2)))
    states = memory.transform(np.full((400, 2), [3.0, -1.0]))
    for delay in (0, 7.25, 14):
        np.testing.assert_allclose(memory.reconstruct(states, delay)[-1], [3.0, -1.0], rtol=1e-9)
    np.testing.assert_allclose(states[-1].reshape(2, 10)[:, 1:], 0, atol=1e-9)  # only the constant polynomial


def test_the_step_solves_the_differential_equation(rng: np.random.Generator) -> None:
    # theta m_i' = (2i + 1) (sum_j a_ij m_j + (-1)^i u), a_ij = -1 for i < j, else (-1)^(i - j + 1).
    order, window = 5, 7.5

    def flow(_: float, m: np.ndarray, u: float) -> list[float]:
        return [
            (2 * i + 1)
            * (sum((-1.0 if i < j else (-1.0) ** (i - j + 1)) * m[j] for j in range(order)) + (-1.0) ** i * u)
            / window
            for i in range(order)
        ]

    u, m = rng.uniform(-1, 1, 6), np.zeros(order)
    states = LegendreMemory(order, window).fit_transform(u[:, None])
    for t in range(6):
        m = solve_ivp(flow, (0, 1), m, args=(u[t],), rtol=1e-11, atol=1e-12).y[:, -1]
        np.testing.assert_allclose(states[t], m, atol=1e-9)


def test_inputs_do_not_mix(rng: np.random.Generator) -> None:
    u = rng.uniform(-1, 1, (50, 3))
    together = LegendreMemory(4, 9).fit_transform(u)
    for j in range(3):
        np.testing.assert_allclose(together[:, 4 * j : 4 * j + 4], LegendreMemory(4, 9).fit_transform(u[:, [j]]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_streams_give_the_bits_of_transform(dtype: str, rng: np.random.Generator) -> None:
    u = [rng.uniform(-1, 1, (n, 2)) for n in (30, 7, 30, 12, 30, 30, 30)]
    memory = LegendreMemory(dtype=dtype, n_jobs=1).fit(u)
    many = memory.transform(u)
    for x, states in zip(u, many, strict=True):
        stream = memory.stream()
        np.testing.assert_array_equal([stream.step(row) for row in x], states)
    again = LegendreMemory(dtype=dtype, n_jobs=2).fit_transform(u)
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(many))


def test_it_is_a_part_of_a_pipeline(rng: np.random.Generator) -> None:
    u = low_pass(1000, 0.1, rng)
    model = make_pipeline(LegendreMemory(window=25), Ridge(1e-6))
    y = np.roll(u[:, 0], 10)
    assert model.fit(u[:700], y[:700]).score(u[700:], y[700:]) > 0.9
    assert clone(model).set_params(legendrememory__order=3).fit(u, y)[0].W_.shape == (3, 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"order": 0}, "order=0 must be an integer of at least 1"),
        ({"window": 0.0}, r"window=0.0 must be a finite number in \(0, inf\)"),
        ({"window": "long"}, "window='long' must be a finite number"),
        ({"washout": 10}, "washout=10 leaves nothing"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LegendreMemory(**parameters).fit_transform(np.zeros((10, 1)))


def test_wrong_calls() -> None:
    memory = LegendreMemory(4, 9).fit(np.zeros((10, 1)))
    states = memory.transform(np.zeros((10, 1)))
    with pytest.raises(ValueError, match=r"delay=9 must be a finite number in \[0, 8\]"):
        memory.reconstruct(states, 9)
    with pytest.raises(ValueError, match=r"states have shape \(10, 3\); expected \(n_timesteps, 4\)"):
        memory.reconstruct(states[:, :3], 1)
    with pytest.raises(ValueError, match="cannot be exported"):
        to_c(memory, "memory")
