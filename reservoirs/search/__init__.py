"""Search for hyperparameters: networks that differ in scale only share each read of the weights."""

from ._search import ReservoirSearchCV

__all__ = ["ReservoirSearchCV"]
