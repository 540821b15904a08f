"""Who is connected to whom: weight matrices of echo-state networks, graphs of liquids and of their inputs."""

from reservoirs.topology.ei import EITopology
from reservoirs.topology.graphs import Column, Connectome, ErdosRenyi, FixedInDegree, Graph, Modular, SmallWorld
from reservoirs.topology.inputs import ReceptiveFields, Wiring
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
    "ReceptiveFields",
    "SmallWorld",
    "Wiring",
    "aperiodic_signs",
    "cycle",
    "delay_line",
    "random_weights",
    "scale_to_spectral_radius",
    "spectral_radius",
]
