"""Big networks: seconds, memory, and whether all cores work.

    python -m bench.big [--quick] [--output FOLDER]

Each row runs in a process of its own, so that its peak memory is its own; the memory is what comes on top of the
imports and the data. Cores are busy for what the process's threads used of them while the row's last call ran.

- A network of 100,000 units with 10 links a unit: drawn, its spectral radius set (to about 1e-4), then run.
- 10,000 sequences of 100 steps through a classifier of 500 units, whose features are pooled as they come.
- A liquid of 200,000 neurons with 100 synapses each: the seconds it takes for one of its own. (Most of its 23 million
  synapses are the 20 million between neurons; 15 inputs reach each neuron.)
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import results

HEAD = """
import json, sys, time
import numpy as np
from reservoirs import EchoStateNetwork, ESNClassifier, LiquidStateMachine
from reservoirs.encoding import Events
from reservoirs.topology import FixedInDegree
from bench.esn_peers import peak
def timed(call):
    begin, used = time.perf_counter(), time.process_time()
    answer = call()
    return answer, time.perf_counter() - begin, time.process_time() - used
n, m = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
"""
TAIL = """
figures["MB above imports and data"] = peak() - before
print(json.dumps(figures))
"""
# Each takes two sizes and fills `figures`.
ROWS: dict[str, tuple[str, tuple[int, int], tuple[int, int]]] = {
    "units of an echo-state network, steps": (
        """
u = rng.uniform(-1, 1, (m, 1))
before = peak()
esn, built, _ = timed(lambda: EchoStateNetwork(n, connectivity=10, dtype="float32", random_state=0).fit(u))
states, ran, _ = timed(lambda: esn.transform(u))
figures = {"seconds to build": built, "steps a second": m / ran}
""",
        (100_000, 500),
        (3000, 20),
    ),
    "sequences, steps of each": (
        """
X = [rng.uniform(-1, 1, (m, 3)).astype(np.float32) for _ in range(n)]
y = rng.integers(0, 2, n)
before = peak()
esn = ESNClassifier(500, dtype="float32", n_jobs=-1, random_state=0).fit(X[: n // 10], y[: n // 10])
_, ran, used = timed(lambda: esn.predict(X))
figures = {"seconds to predict": ran, "sequence-steps a second": n * m / ran, "cores busy": used / ran}
""",
        (10_000, 100),
        (100, 20),
    ),
    "neurons of a liquid, ms": (
        """
rate, n_inputs = 0.02, 100
step, channel = np.nonzero(rng.random((m, n_inputs)) < rate)
shown = Events.from_arrays(step * 1000, channel, shape=n_inputs, duration=m * 1000)
before = peak()
weight = {"EE": 0.5, "EI": 0.5, "IE": 2.0, "II": 2.0}
liquid = LiquidStateMachine(topology=FixedInDegree(n, 100), weight=weight, input_weight=5.0, random_state=0)
_, built, _ = timed(lambda: liquid.fit([shown]))
counts, ran, _ = timed(lambda: liquid.transform([shown]))
hertz = float(counts.mean() / m * 1000)
figures = {"seconds to build": built, "Hz": hertz, "seconds for one of its own": ran / m * 1000}
""",
        (200_000, 1000),
        (2000, 20),
    ),
}


def measure(what: str, sizes: tuple[int, int]) -> dict[str, float]:
    """Run a row in a process of its own."""
    command = [sys.executable, "-c", HEAD + ROWS[what][0] + TAIL, *map(str, sizes)]
    figures: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return figures


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print them."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions = 1 if options.quick else 3
    with results.kept("big", options, f"{repetitions} repetitions: median (lowest to highest)") as figures:
        print("\n| | sizes | figures |\n|---|---|---|")
        figures["results"] = []
        for what, (_, *sizes) in ROWS.items():
            row = {"what": what, "sizes": sizes[options.quick]}
            runs = [measure(what, row["sizes"]) for _ in range(repetitions)]
            row |= {name: [run[name] for run in runs] for name in runs[0]}
            figures["results"].append(row)
            told = ", ".join(f"{name}: {results.spread(row[name], ',.3g')}" for name in runs[0])
            print(f"| {what} | {', '.join(f'{size:,}' for size in row['sizes'])} | {told} |", flush=True)


if __name__ == "__main__":
    main()
