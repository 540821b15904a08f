"""Series to try a reservoir on: generators of the usual benchmarks, and loaders of real data.

The package holds no data. A loader reads files that another PyPI package ships, without importing that package, and
says what to install when it is absent.
"""

from reservoirs.datasets.generators import LORENZ_LYAPUNOV_EXPONENT, henon, lorenz, mackey_glass, narma, rossler
from reservoirs.datasets.loaders import (
    load_basic_motions,
    load_electricity_demand,
    load_japanese_vowels,
    load_santa_fe_laser,
    load_sunspots,
    load_watch,
    read_ts,
)

__all__ = [
    "LORENZ_LYAPUNOV_EXPONENT",
    "henon",
    "load_basic_motions",
    "load_electricity_demand",
    "load_japanese_vowels",
    "load_santa_fe_laser",
    "load_sunspots",
    "load_watch",
    "lorenz",
    "mackey_glass",
    "narma",
    "read_ts",
    "rossler",
]
