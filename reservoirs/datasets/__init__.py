"""Data to try a reservoir on: generators of the usual benchmarks, loaders of real data, a simulated event camera.

The package holds no data. A loader reads files that another package ships, without importing that package, or files in
a folder that it is given or that the environment variable RESERVOIRS_DATA names, and says what to do when they are
absent.
"""

from reservoirs.datasets.generators import LORENZ_LYAPUNOV_EXPONENT, henon, lorenz, mackey_glass, narma, rossler
from reservoirs.datasets.images import load_fashion_mnist, load_mnist, read_idx
from reservoirs.datasets.loaders import (
    load_basic_motions,
    load_electricity_demand,
    load_japanese_vowels,
    load_santa_fe_laser,
    load_sunspots,
    load_watch,
    read_ts,
)
from reservoirs.datasets.nmnist import load_nmnist, simulate_nmnist
from reservoirs.datasets.speech import load_spoken_digits

__all__ = [
    "LORENZ_LYAPUNOV_EXPONENT",
    "henon",
    "load_basic_motions",
    "load_electricity_demand",
    "load_fashion_mnist",
    "load_japanese_vowels",
    "load_mnist",
    "load_nmnist",
    "load_santa_fe_laser",
    "load_spoken_digits",
    "load_sunspots",
    "load_watch",
    "lorenz",
    "mackey_glass",
    "narma",
    "read_idx",
    "read_ts",
    "rossler",
    "simulate_nmnist",
]
