"""What a reservoir does: measures of its activity, memory and stability."""

from .memory import MemoryCapacity, memory_capacity
from .spiking import branching_factor

__all__ = ["MemoryCapacity", "branching_factor", "memory_capacity"]
