"""Who is connected to whom: weight matrices of echo-state networks, and graphs of liquids."""

from reservoirs.topology.ei import EITopology
from reservoirs.topology.graphs import Column, Connectome, ErdosRenyi, FixedInDegree, Graph, Modular, SmallWorld
from reservoirs.topology.matrices import (
    Matrix,
    aperiodic_signs,
    cycle,
    delay_line,
    random_weights,
    scale_to_spectral_radius,
    spectral_radius,
)

__all__ = [
    "Column",
    "Connectome",
    "EITopology",
    "ErdosRenyi",
    "FixedInDegree",
    "Graph",
    "Matrix",
    "Modular",
    "SmallWorld",
    "aperiodic_signs",
    "cycle",
    "delay_line",
    "random_weights",
    "scale_to_spectral_radius",
    "spectral_radius",
]
