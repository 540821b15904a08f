"""Rules that adapt a drawn echo-state network to its input, without targets, before the readout is fitted."""

from ._base import Adaptation, DrawnNetwork
from .balance import EIBalance
from .gain import DivisiveGainControl, GainWhitening
from .homeostasis import MultiScaleHomeostasis
from .inhibition import VogelsInhibition
from .intrinsic import IntrinsicPlasticity
from .matching import InputMatching
from .sorn import SORN
from .structural import DormantRecycling, SynapticTurnover

__all__ = [
    "SORN",
    "Adaptation",
    "DivisiveGainControl",
    "DormantRecycling",
    "DrawnNetwork",
    "EIBalance",
    "GainWhitening",
    "InputMatching",
    "IntrinsicPlasticity",
    "MultiScaleHomeostasis",
    "SynapticTurnover",
    "VogelsInhibition",
]
