"""Rules that adapt a drawn echo-state network to its input, without targets, before the readout is fitted."""

from ._base import Adaptation, DrawnNetwork
from .balance import EIBalance

__all__ = ["Adaptation", "DrawnNetwork", "EIBalance"]
