"""Liquid-state machines: recurrent networks of spiking neurons, and the parts they are made of."""

from .classifier import LSMClassifier
from .network import LiquidStateMachine, Recording
from .neurons import LIF, AdaptiveLIF, Izhikevich, Izhikevich2007
from .plasticity import (
    APSTDP,
    STDP,
    AstrocyteSTDP,
    AstrocyteUnits,
    GChI,
    HomeostaticThreshold,
    InhibitorySTDP,
    LiRinzel,
    SlowInwardCurrent,
    SynapticScaling,
    TripletSTDP,
)
from .presets import PRESETS
from .regressor import LSMRegressor
from .synapses import DeltaSynapse, DoubleExponentialSynapse, ExponentialSynapse, TsodyksMarkram

__all__ = [
    "APSTDP",
    "LIF",
    "PRESETS",
    "STDP",
    "AdaptiveLIF",
    "AstrocyteSTDP",
    "AstrocyteUnits",
    "DeltaSynapse",
    "DoubleExponentialSynapse",
    "ExponentialSynapse",
    "GChI",
    "HomeostaticThreshold",
    "InhibitorySTDP",
    "Izhikevich",
    "Izhikevich2007",
    "LSMClassifier",
    "LSMRegressor",
    "LiRinzel",
    "LiquidStateMachine",
    "Recording",
    "SlowInwardCurrent",
    "SynapticScaling",
    "TripletSTDP",
    "TsodyksMarkram",
]
