"""Fitted models a row at a time, and readouts that learn meanwhile."""

from .learners import LMS, NLMS, RLS
from .liquid import LiquidClassifierStream, LiquidStream
from .stream import ClassifierStream, ForecasterStream, Stream

__all__ = [
    "LMS",
    "NLMS",
    "RLS",
    "ClassifierStream",
    "ForecasterStream",
    "LiquidClassifierStream",
    "LiquidStream",
    "Stream",
]
