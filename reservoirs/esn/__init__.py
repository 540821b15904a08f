"""Echo-state networks: the transformer, the estimators that add a readout, and the stream of single steps."""

from .classifier import ESNClassifier
from .forecaster import ESNForecaster
from .network import EchoStateNetwork
from .regressor import ESNRegressor
from .stream import Stream

__all__ = ["ESNClassifier", "ESNForecaster", "ESNRegressor", "EchoStateNetwork", "Stream"]
