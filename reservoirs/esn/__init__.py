"""Echo-state networks: the transformer, the estimators that add a readout, and their state equations."""

from .classifier import ESNClassifier
from .dynamics import ES2N, ContractingModules, Euler, Leaky, Voltage
from .forecaster import ESNForecaster
from .legendre import LegendreMemory
from .network import EchoStateNetwork
from .regressor import ESNRegressor

__all__ = [
    "ES2N",
    "ContractingModules",
    "ESNClassifier",
    "ESNForecaster",
    "ESNRegressor",
    "EchoStateNetwork",
    "Euler",
    "Leaky",
    "LegendreMemory",
    "Voltage",
]
