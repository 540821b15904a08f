"""Reservoir computing at the speed of the machine, with a scikit-learn face."""

from ._info import set_simd_level, show_config
from .esn import EchoStateNetwork, ESNClassifier, ESNForecaster, ESNRegressor, LegendreMemory
from .lsm import LiquidStateMachine, LSMClassifier, LSMRegressor
from .nvar import NVAR
from .persistence import load, save
from .streaming import Stream

__version__ = "0.1.0"

__all__ = [
    "NVAR",
    "ESNClassifier",
    "ESNForecaster",
    "ESNRegressor",
    "EchoStateNetwork",
    "LSMClassifier",
    "LSMRegressor",
    "LegendreMemory",
    "LiquidStateMachine",
    "Stream",
    "load",
    "save",
    "set_simd_level",
    "show_config",
]
