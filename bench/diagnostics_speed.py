"""How long diagnostics take, and the figures they give where theory knows them.

    python -m bench.diagnostics_speed [--quick] [--output FOLDER]

Seconds are wall time beside processor time, which a busy machine changes less; medians of the repetitions with their
range. The plain twin holds all states and takes one target after another; its seconds are scaled up from some terms.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter

import numpy as np
from scipy.special import eval_legendre
from threadpoolctl import threadpool_limits

from bench import results
from reservoirs import EchoStateNetwork
from reservoirs.diagnostics import (
    information_processing_capacity,
    lyapunov_exponents,
    lyapunov_exponents_of_map,
    memory_capacity,
)


def timed(work, repetitions):
    """Return the last result, and wall and processor seconds of each repetition."""
    seconds = []
    for _ in range(repetitions):
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        seconds.append((time.perf_counter() - wall, time.process_time() - processor))
    return result, [f"{statistics.median(s):.2f} ({min(s):.2f} to {max(s):.2f})" for s in zip(*seconds, strict=True)]


def plain_processing(network, n_timesteps, terms):
    """Capacities by the definition, on the whole matrix of states; seconds, without those that running it takes."""
    u = np.random.default_rng(0).uniform(-1, 1, (n_timesteps + 200, 1))
    x = network.fit(u).transform(u)[200:]
    began = time.perf_counter()
    with threadpool_limits(2, user_api="blas"):
        x -= x.mean(axis=0)
        inverse = np.linalg.pinv(x.T @ x, hermitian=True)
        capacities = []
        for term in terms:
            z = np.ones(n_timesteps)
            for (delay, _), degree in Counter(term).items():
                z *= np.sqrt(2 * degree + 1) * eval_legendre(degree, u[200 - delay : len(u) - delay, 0])
            zx = z @ x
            capacities.append(zx @ inverse @ zx / (z @ z))
    return time.perf_counter() - began, capacities


def processing(n_timesteps, repetitions, n_plain):
    print(f"\n## information processing capacity, N = 100, T = {n_timesteps}, degrees 1 to 3\n")
    print("| input, bias scaling | by degree | total of rank | terms tried | wall s | processor s | plain, wall s |")
    print("|---|---|---|---|---|---|---|")
    for input_scaling, bias_scaling in ((0.1, 0.0), (0.2, 0.3), (1.0, 0.0)):
        network = EchoStateNetwork(100, input_scaling=input_scaling, bias_scaling=bias_scaling, random_state=0)
        found, (wall, processor) = timed(
            lambda network=network: information_processing_capacity(network, n_timesteps=n_timesteps, random_state=0),
            repetitions,
        )
        n_tried = int(found.n_tried.sum())
        terms = [term for term in found.terms if term[-1][0] <= 200][:n_plain]
        plain = plain_processing(network, n_timesteps, terms)[0] * n_tried / len(terms)
        degrees = ", ".join(f"{capacity:.2f}" for capacity in found.by_degree)
        print(
            f"| {input_scaling}, {bias_scaling} | {degrees} | {found.total:.2f} of {found.rank} | {n_tried} | {wall} | "
            f"{processor} | about {plain:.0f} |"
        )


def totals(n_timesteps, seeds):
    print(f"\n## total capacity, N = 50, T = {n_timesteps}, tanh without bias\n")
    print("| input scaling | degrees | networks | share of N: median (range) | in terms that passed the test |")
    print("|---|---|---|---|---|")
    for input_scaling, max_degree in ((0.1, 5), (0.3, 7), (1.0, 9)):
        shares = []
        for seed in seeds:
            network = EchoStateNetwork(50, input_scaling=input_scaling, bias_scaling=0.0, random_state=seed)
            found = information_processing_capacity(
                network, max_degree=max_degree, n_timesteps=n_timesteps, random_state=seed
            )
            shares.append((found.total / 50, found.passed.sum() / 50))
        shown = [
            f"{100 * statistics.median(s):.1f} % ({100 * min(s):.1f} to {100 * max(s):.1f})"
            for s in zip(*shares, strict=True)
        ]
        print(f"| {input_scaling} | 1 to {max_degree} | {len(seeds)} | {shown[0]} | {shown[1]} |")


def memory(n_steps, repetitions):
    print(f"\n## memory capacity, {n_steps} steps to fit and {n_steps} to judge\n")
    print("| network | total | theory | wall s | processor s |")
    print("|---|---|---|---|---|")
    cases = [(f"linear cycle, N = {n}, r = 0.95", n, n - 1 + 0.95 ** (2 * n)) for n in (50, 100)]
    networks = [
        EchoStateNetwork(n, topology="cycle", spectral_radius=0.95, activation="identity", bias_scaling=0.0)
        for _, n, _ in cases
    ]
    cases.append(("defaults, N = 500", 500, None))
    networks.append(EchoStateNetwork(500, random_state=0))
    for (name, n_units, theory), network in zip(cases, networks, strict=True):
        found, (wall, processor) = timed(
            lambda network=network, n_units=n_units: memory_capacity(
                network, max_delay=2 * n_units, n_train=n_steps, n_test=n_steps, random_state=0
            ),
            repetitions,
        )
        expected = "at most 500" if theory is None else f"{theory:.2f}"
        print(f"| {name} | {found.total:.2f} | {expected} | {wall} | {processor} |")


def _lorenz_63(s):
    x, y, z = s.T
    return np.column_stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def _lorenz_96(x):
    return (np.roll(x, -1, 1) - np.roll(x, 2, 1)) * np.roll(x, 1, 1) - x + 8


def _runge_kutta(derivative, h):
    def step(x):
        a = derivative(x)
        b = derivative(x + h / 2 * a)
        c = derivative(x + h / 2 * b)
        d = derivative(x + h * c)
        return x + h / 6 * (a + 2 * b + 2 * c + d)

    return step


def lyapunov(time_units, settling):
    print(f"\n## largest Lyapunov exponents of data-generating equations, 64 starts, {time_units} time units each\n")
    print("| system | measured, ± standard error | literature |")
    print("|---|---|---|")
    rng = np.random.default_rng(0)
    for name, derivative, h, start, literature in (
        ("Lorenz-63", _lorenz_63, 0.01, rng.standard_normal((64, 3)) + np.array([0, 0, 25]), "0.9056"),
        ("Lorenz-96, 40 variables, F = 8", _lorenz_96, 0.02, 8 + rng.standard_normal((64, 40)), "1.68"),
    ):
        found = lyapunov_exponents_of_map(
            _runge_kutta(derivative, h), start, int(time_units / h), washout=int(settling / h), dt=h, random_state=0
        )
        print(f"| {name} | {found.largest:.4f} ± {found.standard_error:.4f} | {literature} |")


def autonomous(n_units, n_steps, seeds):
    print(f"\n## largest Lyapunov exponents of autonomous tanh networks, N = {n_units}, {len(seeds)} networks\n")
    print("| spectral radius | its logarithm | near the origin: median (range) | on the attractor: median (range) |")
    print("|---|---|---|---|")
    for radius in (0.95, 0.98, 1.02, 1.05, 1.2, 1.4, 1.6):
        networks = [
            (EchoStateNetwork(n_units, spectral_radius=radius, bias_scaling=0.0, random_state=seed), seed)
            for seed in seeds
        ]
        settled = [
            lyapunov_exponents(network, np.zeros(2 * n_steps), washout=n_steps, random_state=seed).largest
            for network, seed in networks
        ]
        # From 1e-14 on, larger radii reach the size where tanh bends within the steps that are counted.
        near = [
            lyapunov_exponents(
                network, np.zeros(400), spread=1e-14, displacement=1e-14, washout=100, random_state=seed
            ).largest
            for network, seed in networks
            if radius <= 1.05
        ]
        shown = [f"{statistics.median(x):.4f} ({min(x):.4f} to {max(x):.4f})" if x else "-" for x in (near, settled)]
        print(f"| {radius} | {np.log(radius):.4f} | {shown[0]} | {shown[1]} |")


def main(argv: list[str] | None = None) -> None:
    """Measure, and print the tables."""
    options = results.parser(__doc__).parse_args(argv)
    quick = options.quick
    with results.kept("diagnostics_speed", options, "3 or 5 repetitions, 5 networks"):
        processing(*(3000, 1, 3) if quick else (200_000, 3, 200))
        memory(*(2000, 1) if quick else (10_000, 5))
        totals(*(3000, [0]) if quick else (200_000, range(5)))
        autonomous(*(20, 200, [0]) if quick else (500, 1000, range(5)))
        lyapunov(*(1, 1) if quick else (100, 20))


if __name__ == "__main__":
    main()
