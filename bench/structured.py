"""Weights that are products of Hadamard transforms and random signs, beside random links: quality.

    python -m bench.structured [--quick] [--output FOLDER]

W = r H D_m ... H D_1, with the orthonormal Hadamard matrix H, of which the fast transform makes a product with x in
N log2 N additions, and diagonals D of random signs: orthogonal, with all eigenvalues of size r. Here W is given as a
dense matrix, for no kernel of ours makes such products (docs/architecture.md, decision 6). Seeds, settings and series
are those of `bench.quality`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import hadamard

from bench import results
from bench.accuracy import Size
from bench.quality import Form, always, report_quality


def hadamard_weights(n_units: int, n_transforms: int, rng: np.random.Generator) -> np.ndarray:
    """Return the orthogonal matrix that is so many transforms, each after a random flip of signs."""
    W = np.eye(n_units)
    for _ in range(n_transforms):
        W = hadamard(n_units) @ (rng.choice([-1.0, 1.0], n_units)[:, None] * W) / np.sqrt(n_units)
    return W


def transforms(n_transforms: int) -> Form:
    """Return the form whose recurrent weights are these."""

    def form(n_units: int, seed: int) -> dict[str, Any]:
        return {"topology": hadamard_weights(n_units, n_transforms, np.random.default_rng([seed, n_transforms]))}

    return form


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print the table."""
    options = results.parser(__doc__).parse_args(argv)
    size, n_units, n_few = (Size(n_seeds=3, shrink=20), 32, 32) if options.quick else (Size(n_seeds=20), 512, 128)
    forms = {"random": always()} | {f"{m} transforms": transforms(m) for m in (1, 2, 3)}
    with results.kept("structured", options, f"{size.n_seeds} seeds") as figures:
        figures["quality"] = report_quality(size, forms, n_units, n_few)


if __name__ == "__main__":
    main()
