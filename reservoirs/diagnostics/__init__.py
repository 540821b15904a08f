"""What a reservoir does: measures of its activity, memory and stability."""

from .spiking import branching_factor

__all__ = ["branching_factor"]
