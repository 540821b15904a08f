"""Liquid-state machines: recurrent networks of spiking neurons, and the parts they are made of."""

from .classifier import LSMClassifier
from .network import LiquidStateMachine, Recording
from .neurons import LIF, AdaptiveLIF, Izhikevich, Izhikevich2007
from .plasticity import STDP, AstrocyteSTDP
from .presets import PRESETS
from .regressor import LSMRegressor
from .synapses import DeltaSynapse, DoubleExponentialSynapse, ExponentialSynapse, TsodyksMarkram

__all__ = [
    "LIF",
    "PRESETS",
    "STDP",
    "AdaptiveLIF",
    "AstrocyteSTDP",
    "DeltaSynapse",
    "DoubleExponentialSynapse",
    "ExponentialSynapse",
    "Izhikevich",
    "Izhikevich2007",
    "LSMClassifier",
    "LSMRegressor",
    "LiquidStateMachine",
    "Recording",
    "TsodyksMarkram",
]
