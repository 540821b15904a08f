"""Train a forecaster of the Mackey-Glass series and write it as C for the programs in this folder."""

from pathlib import Path

import numpy as np

from reservoirs import ESNForecaster
from reservoirs.datasets import mackey_glass
from reservoirs.export import to_c

HERE = Path(__file__).parent

y = mackey_glass(3000).astype(np.float32)
model = ESNForecaster(n_units=50, random_state=0).fit(y[:2000])
code = to_c(model, "predictor")
print(code)
for folder in ("plain", "arduino/include"):
    for path in code.write(HERE / folder):
        print("wrote", path)

# What the program prints must be this.
observed = y[2000:2100]
ahead = code.reference.forecast(11, warmup=observed)
(HERE / "plain" / "observed.h").write_text(
    f"static const float observed[{len(observed)}] = {{{', '.join(f'{v:.9g}f' for v in observed)}}};\n"
)
print("101 rows predicted, the last:", f"{ahead[0]:.9g}")
print("and ten more:", *(f"{v:.9g}" for v in ahead[1:]))
