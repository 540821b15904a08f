"""What a reservoir does: measures of its activity, memory and stability."""

from .avalanches import Avalanches, BranchingParameter, PowerLaw, avalanches, branching_parameter, power_law
from .contraction import contraction_bound
from .lyapunov import LyapunovExponents, lyapunov_exponents, lyapunov_exponents_of_map
from .memory import MemoryCapacity, memory_capacity
from .prediction import PredictionTimes, valid_prediction_times
from .processing import InformationProcessingCapacity, information_processing_capacity
from .rank import KernelQuality, kernel_quality
from .settling import Settling, astrocyte_state, settling
from .spiking import SpikeStatistics, branching_factor, spike_statistics, weights_by_block
from .stability import (
    Consistency,
    EchoStateIndex,
    EffectiveSpectralRadius,
    consistency,
    echo_state_index,
    effective_spectral_radius,
)
from .units import Activity, ExcitationInhibition, TimeScales, activity, excitation_inhibition, time_scales

__all__ = [
    "Activity",
    "Avalanches",
    "BranchingParameter",
    "Consistency",
    "EchoStateIndex",
    "EffectiveSpectralRadius",
    "ExcitationInhibition",
    "InformationProcessingCapacity",
    "KernelQuality",
    "LyapunovExponents",
    "MemoryCapacity",
    "PowerLaw",
    "PredictionTimes",
    "Settling",
    "SpikeStatistics",
    "TimeScales",
    "activity",
    "astrocyte_state",
    "avalanches",
    "branching_factor",
    "branching_parameter",
    "consistency",
    "contraction_bound",
    "echo_state_index",
    "effective_spectral_radius",
    "excitation_inhibition",
    "information_processing_capacity",
    "kernel_quality",
    "lyapunov_exponents",
    "lyapunov_exponents_of_map",
    "memory_capacity",
    "power_law",
    "settling",
    "spike_statistics",
    "time_scales",
    "valid_prediction_times",
    "weights_by_block",
]
