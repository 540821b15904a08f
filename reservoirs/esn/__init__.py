"""Echo-state networks: the transformer, the estimators that add a readout, their state equations, streams of steps."""

from .classifier import ESNClassifier
from .dynamics import ES2N, ContractingModules, Euler, Leaky, Voltage
from .forecaster import ESNForecaster
from .legendre import LegendreMemory
from .network import EchoStateNetwork
from .regressor import ESNRegressor
from .stream import Stream

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
    "Stream",
    "Voltage",
]
