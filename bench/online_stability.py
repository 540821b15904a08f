"""Recursive least squares for ten million steps: whether the covariance stays positive definite, and the weights right.

    python -m bench.online_stability [--quick]

The features are those of a reservoir, nearly collinear, and for nine tenths of the time nothing drives it: what makes
the textbook update of P lose its sign, and P overflow with forgetting. The same steps are taken by the textbook update
in NumPy until it breaks, or a million at most.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from reservoirs import EchoStateNetwork, _core

ALPHA = 1e-4


def features(n_units: int) -> np.ndarray:
    """Return states of a reservoir: 500 driven steps, then 4500 at rest."""
    t = np.arange(5000)
    u = np.where(t < 500, np.sin(t / 5) + np.sin(t / 11), 0.0)[:, None]
    return EchoStateNetwork(n_units, random_state=0).fit(u).transform(u)


def textbook(x: np.ndarray, y: np.ndarray, forgetting: float, n_steps: int) -> str:
    """Return when P of the textbook's update stops being positive definite."""
    P = np.eye(x.shape[1]) / ALPHA
    for step in range(n_steps):
        row = x[step % len(x)]
        with np.errstate(all="ignore"):
            k = P @ row
            scale = forgetting + row @ k
            P = (P - np.outer(k, k) / scale) / forgetting
        if not scale > 0 or not np.isfinite(P).all():
            return f"broke at step {step}"
        if step % 5000 == 4999 and np.linalg.eigvalsh((P + P.T) / 2).min() <= 0:
            return f"not positive definite at step {step + 1}"
    return f"positive definite after {n_steps} steps"


def ours(x: np.ndarray, y: np.ndarray, forgetting: float, n_steps: int) -> dict[str, Any]:
    """Take the steps; return the factors' extremes and the error of what was learned."""
    n = x.shape[1]
    rls = _core.RLS64(_core.LinearReadout64(np.zeros((1, n)), np.zeros(1)), forgetting, ALPHA)
    least, most = np.inf, 0.0
    begin = time.perf_counter()
    for _ in range(n_steps // len(x)):
        rls.learn(x, y)
        diagonal = rls.moments[1]
        least, most = min(least, float(diagonal.min())), max(most, float(diagonal.max()))
    seconds = time.perf_counter() - begin
    U, D, _, _ = rls.moments
    P = (U * D) @ U.T
    error = np.abs(x @ rls.coef[0] + rls.intercept[0] - y[:, 0])
    return {
        "least D": least,
        "most D": most,
        # Its own eigenvalues are those of a matrix of rounded products: of the factor they are exact enough.
        "least eigenvalue": float(np.linalg.svd(U * np.sqrt(D), compute_uv=False).min() ** 2),
        "most eigenvalue": float(np.linalg.eigvalsh(P).max()),
        "bound": 1 / (ALPHA * forgetting**n),
        "error": float(error.max()),
        "microseconds": seconds / (n_steps // len(x) * len(x)) * 1e6,
    }


def main(argv: list[str] | None = None) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser(prog="python -m bench.online_stability")
    parser.add_argument("--quick", action="store_true", help="20 thousand steps")
    args = parser.parse_args(argv)
    n_steps = 20_000 if args.quick else 10_000_000
    x = features(30)
    y = np.ascontiguousarray(np.roll(x[:, :1], 1, axis=0) + 1)
    results = []
    for forgetting in (1.0, 0.9999, 0.99):
        result = ours(x, y, forgetting, n_steps)
        results.append(result)
        print(f"forgetting {forgetting}, {n_steps} steps of {x.shape[1]} features: ", end="")
        print(", ".join(f"{name} {value:.3g}" for name, value in result.items()))
        print(f"  textbook: {textbook(x, y, forgetting, min(n_steps, 1_000_000))}")
    return results


if __name__ == "__main__":
    main()
