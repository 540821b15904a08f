"""Pictures of forecasts, of spiking networks and of diagnostics, in the manner of scikit-learn's displays.

Needs matplotlib: ``pip install reservoirs[plot]``. For classifiers use
:class:`sklearn.metrics.ConfusionMatrixDisplay`.
"""

from ._diagnostics import DiagnosticDisplay
from ._forecast import ForecastDisplay
from ._settling import SettlingDisplay
from ._spikes import PotentialDisplay, RasterDisplay, RateDisplay

__all__ = [
    "DiagnosticDisplay",
    "ForecastDisplay",
    "PotentialDisplay",
    "RasterDisplay",
    "RateDisplay",
    "SettlingDisplay",
]
