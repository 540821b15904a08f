"""Plasticity of a liquid: rules that change weights and thresholds while spikes come, without targets; astrocytes."""

from ._base import Plasticity
from .astrocytes import AstrocyteUnits, GChI, LiRinzel, SlowInwardCurrent
from .homeostasis import HomeostaticThreshold, InhibitorySTDP, SynapticScaling
from .stdp import APSTDP, STDP, AstrocyteSTDP, TripletSTDP

__all__ = [
    "APSTDP",
    "STDP",
    "AstrocyteSTDP",
    "AstrocyteUnits",
    "GChI",
    "HomeostaticThreshold",
    "InhibitorySTDP",
    "LiRinzel",
    "Plasticity",
    "SlowInwardCurrent",
    "SynapticScaling",
    "TripletSTDP",
]
