"""What this installation is made of, and which instruction set it uses."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import numpy as np
import scipy

from . import _core
from ._params import n_threads


def show_config() -> dict[str, Any]:
    """Return how the package was built and what it runs on.

    Returns
    -------
    dict
        Keys: version, python, platform, compiler, build_type, openmp, simd_level, simd_levels (all that run here),
        threads (of ``n_jobs=-1``), numpy, scipy, scikit-learn, blas.

    Examples
    --------
    >>> from reservoirs import show_config
    >>> show_config()["simd_level"] in show_config()["simd_levels"]
    True
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "version": version("reservoirs"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **_core.build_info(),
        "simd_level": _core.simd_level(),
        "simd_levels": _core.available_simd_levels(),
        "threads": n_threads(-1) if _core.build_info()["openmp"] else 1,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": version("scikit-learn"),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
    }


def set_simd_level(name: str) -> None:
    """Force the instruction set of the compiled loops, for tests and comparisons: every level gives the same bits.

    The environment variable ``RESERVOIRS_SIMD`` does the same at import.

    Parameters
    ----------
    name : {"base", "v3", "v4", "neon"}
        "base" runs on every machine of the architecture, "v3" is AVX2 with FMA, "v4" AVX-512, "neon" AArch64.

    Raises
    ------
    ValueError
        For a name that is unknown, or a level that this machine or build does not have.

    Examples
    --------
    >>> from reservoirs import set_simd_level, show_config
    >>> set_simd_level(show_config()["simd_levels"][-1])
    """
    _core.set_simd_level(name)
