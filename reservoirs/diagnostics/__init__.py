"""What a reservoir does: measures of its activity, memory and stability."""

from .avalanches import Avalanches, BranchingParameter, PowerLaw, avalanches, branching_parameter, power_law
from .contraction import contraction_bound
from .lyapunov import LyapunovExponents, lyapunov_exponents, lyapunov_exponents_of_map
from .memory import MemoryCapacity, memory_capacity
from .processing import InformationProcessingCapacity, information_processing_capacity
from .settling import Settling, astrocyte_state, settling
from .spiking import SpikeStatistics, branching_factor, spike_statistics, weights_by_block

__all__ = [
    "Avalanches",
    "BranchingParameter",
    "InformationProcessingCapacity",
    "LyapunovExponents",
    "MemoryCapacity",
    "PowerLaw",
    "Settling",
    "SpikeStatistics",
    "astrocyte_state",
    "avalanches",
    "branching_factor",
    "branching_parameter",
    "contraction_bound",
    "information_processing_capacity",
    "lyapunov_exponents",
    "lyapunov_exponents_of_map",
    "memory_capacity",
    "power_law",
    "settling",
    "spike_statistics",
    "weights_by_block",
]
