"""Draws the picture of the README: python docs/images/make.py."""

from pathlib import Path

import matplotlib as mpl

from reservoirs import ESNForecaster
from reservoirs.datasets import mackey_glass
from reservoirs.plotting import ForecastDisplay

mpl.use("Agg")
y = mackey_glass(5500)
model = ESNForecaster(n_units=500, random_state=0).fit(y[:5000])
display = ForecastDisplay.from_predictions(y[4800:5000], y[5000:], model.forecast(500))
display.figure_.set_size_inches(9, 3)
display.figure_.savefig(Path(__file__).with_name("mackey_glass.png"), dpi=90)
