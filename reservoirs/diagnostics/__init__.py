"""What a reservoir does: measures of its activity, memory and stability."""

from .memory import MemoryCapacity, memory_capacity
from .processing import InformationProcessingCapacity, information_processing_capacity
from .spiking import branching_factor

__all__ = [
    "InformationProcessingCapacity",
    "MemoryCapacity",
    "branching_factor",
    "information_processing_capacity",
    "memory_capacity",
]
