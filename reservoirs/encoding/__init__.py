"""From numbers and recordings to events: encoders, readers of event files, and the events themselves.

Static encoders take a row as a sample; temporal ones take sequences ``(n_timesteps, n_features)``. All give a list of
:class:`Events`, one for each sample. :class:`Cochlea` makes such sequences of sound.
"""

from reservoirs.encoding.aedat import read_aedat
from reservoirs.encoding.cochlea import Cochlea
from reservoirs.encoding.events import Events
from reservoirs.encoding.population import PopulationEncoder
from reservoirs.encoding.readers import read_events, read_nmnist, write_nmnist
from reservoirs.encoding.static import LatencyEncoder, RateEncoder
from reservoirs.encoding.temporal import BSAEncoder, DeltaEncoder

__all__ = [
    "BSAEncoder",
    "Cochlea",
    "DeltaEncoder",
    "Events",
    "LatencyEncoder",
    "PopulationEncoder",
    "RateEncoder",
    "read_aedat",
    "read_events",
    "read_nmnist",
    "write_nmnist",
]
