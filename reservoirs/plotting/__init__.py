"""Pictures of forecasts and of spiking networks, in the manner of scikit-learn's displays.

Needs matplotlib: ``pip install reservoirs[plot]``. For classifiers use
:class:`sklearn.metrics.ConfusionMatrixDisplay`.
"""

from ._forecast import ForecastDisplay
from ._spikes import PotentialDisplay, RasterDisplay, RateDisplay

__all__ = ["ForecastDisplay", "PotentialDisplay", "RasterDisplay", "RateDisplay"]
