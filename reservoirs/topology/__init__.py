"""Who is connected to whom: weight matrices of echo-state networks, graphs of liquids and of their inputs."""

from reservoirs.topology.circulant import CirculantWeights, circulant_weights
from reservoirs.topology.column import Column
from reservoirs.topology.connectome import Connectome
from reservoirs.topology.contraction import diagonal_metric, metric_norm
from reservoirs.topology.deterministic import CycleWithJumps, Wave, aperiodic_signs, cycle, delay_line
from reservoirs.topology.ei import EITopology
from reservoirs.topology.graphs import ErdosRenyi, FixedInDegree, Graph, Modular, SmallWorld
from reservoirs.topology.hadamard import HadamardWeights, hadamard_weights
from reservoirs.topology.inputs import ReceptiveFields, Wiring
from reservoirs.topology.matrices import (
    Matrix,
    blocked_weights,
    random_weights,
    scale_to_spectral_radius,
    spectral_radius,
)

__all__ = [
    "CirculantWeights",
    "Column",
    "Connectome",
    "CycleWithJumps",
    "EITopology",
    "ErdosRenyi",
    "FixedInDegree",
    "Graph",
    "HadamardWeights",
    "Matrix",
    "Modular",
    "ReceptiveFields",
    "SmallWorld",
    "Wave",
    "Wiring",
    "aperiodic_signs",
    "blocked_weights",
    "circulant_weights",
    "cycle",
    "delay_line",
    "diagonal_metric",
    "hadamard_weights",
    "metric_norm",
    "random_weights",
    "scale_to_spectral_radius",
    "spectral_radius",
]
