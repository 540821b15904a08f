"""Draws the pictures of the README and of docs/diagnostics.md: python docs/images/make.py."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot

from reservoirs import EchoStateNetwork, ESNForecaster
from reservoirs.datasets import mackey_glass
from reservoirs.diagnostics import (
    echo_state_index,
    effective_spectral_radius,
    information_processing_capacity,
    kernel_quality,
    memory_capacity,
    time_scales,
)
from reservoirs.plotting import DiagnosticDisplay, ForecastDisplay

mpl.use("Agg")
HERE = Path(__file__).parent

y = mackey_glass(5500)
model = ESNForecaster(n_units=500, random_state=0).fit(y[:5000])
display = ForecastDisplay.from_predictions(y[4800:5000], y[5000:], model.forecast(500))
display.figure_.set_size_inches(9, 3)
display.figure_.savefig(HERE / "mackey_glass.png", dpi=90)

u = np.random.default_rng(0).uniform(-1, 1, 3000)
figure, axes = pyplot.subplots(2, 3, figsize=(13, 6.5), layout="constrained")


def _network(**parameters):
    return EchoStateNetwork(100, input_scaling=0.3, bias_scaling=0.2, random_state=0).set_params(**parameters)


for input_scaling in (0.03, 0.3, 3.0):
    memory = memory_capacity(_network(input_scaling=input_scaling), max_delay=60, random_state=0)
    name = f"input scaling {input_scaling:g}: {memory.total:.1f}"
    DiagnosticDisplay.from_result(memory, name=name, ax=axes[0, 0])
axes[0, 0].set_title("memory capacity", loc="left")
capacity = information_processing_capacity(_network(input_scaling=1.0), max_degree=5, random_state=0)
DiagnosticDisplay.from_result(capacity, ax=axes[0, 1])
DiagnosticDisplay.from_result(kernel_quality(_network(), random_state=0), ax=axes[0, 2])
for radius in (0.5, 0.9, 1.1, 1.8):
    index = echo_state_index(_network(spectral_radius=radius), u[:300], random_state=0)
    DiagnosticDisplay.from_result(index, name=f"spectral radius {radius:g}: {index.index}", ax=axes[1, 0])
axes[1, 0].set_title("echo-state index of 20 starts", loc="left")
DiagnosticDisplay.from_result(effective_spectral_radius(_network(input_scaling=2.0), u), ax=axes[1, 1])
for leak_rate in (1.0, 0.3, 0.1):
    scales = time_scales(_network(leak_rate=leak_rate), u, max_lag=60)
    DiagnosticDisplay.from_result(scales, name=f"leak rate {leak_rate:g}: {scales.median:.1f}", ax=axes[1, 2])
axes[1, 2].set_title("time scales", loc="left")
figure.savefig(HERE / "diagnostics.png", dpi=60)
