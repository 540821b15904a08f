"""What a reservoir does: measures of its activity, memory and stability."""

from .contraction import contraction_bound
from .lyapunov import LyapunovExponents, lyapunov_exponents, lyapunov_exponents_of_map
from .memory import MemoryCapacity, memory_capacity
from .processing import InformationProcessingCapacity, information_processing_capacity
from .spiking import branching_factor

__all__ = [
    "InformationProcessingCapacity",
    "LyapunovExponents",
    "MemoryCapacity",
    "branching_factor",
    "contraction_bound",
    "information_processing_capacity",
    "lyapunov_exponents",
    "lyapunov_exponents_of_map",
    "memory_capacity",
]
