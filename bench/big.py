"""Big networks: seconds, memory, and whether all cores work.

    python -m bench.big [--quick] [--json PATH]

Each row runs in a process of its own, so that its peak memory is its own; the memory is what comes on top of the
imports and the data. Cores are busy for what the process's threads used of them while the row's last call ran.

- A network of 100,000 units with 10 links a unit: drawn, its spectral radius set (to about 1e-4), then run.
- 10,000 sequences of 100 steps through a classifier of 500 units, whose features are pooled as they come.
- A liquid of 200,000 neurons with 100 synapses each: the seconds it takes for one of its own. (Most of its 23 million
  synapses are the 20 million between neurons; 15 inputs reach each neuron.)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.speed import PEAK

HEAD = f"""
import json, sys, time
import numpy as np
from reservoirs import EchoStateNetwork, ESNClassifier, LiquidStateMachine
from reservoirs.encoding import Events
from reservoirs.topology import FixedInDegree
{PEAK}
def timed(call):
    begin, used = time.perf_counter(), time.process_time()
    answer = call()
    return answer, time.perf_counter() - begin, time.process_time() - used
n, m = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
"""
TAIL = """
figures["MB above imports and data"] = (peak() - before) / 1024
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


def measure(what: str, quick: bool) -> dict[str, Any]:
    """Run a row in a process of its own."""
    code, full, small = ROWS[what]
    sizes = small if quick else full
    command = [sys.executable, "-c", HEAD + code + TAIL, *map(str, sizes)]
    figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"what": what, "sizes": sizes, **figures}


def main(argv: list[str] | None = None) -> None:
    """Run all rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(argv)
    print(f"# {os.cpu_count()} cores\n\n| | sizes | figures |\n|---|---|---|")
    results = []
    for what in ROWS:
        results.append(measure(what, options.quick))
        figures = {name: value for name, value in results[-1].items() if isinstance(value, float)}
        told = ", ".join(f"{name}: {value:,.3g}" for name, value in figures.items())
        print(f"| {what} | {', '.join(f'{size:,}' for size in results[-1]['sizes'])} | {told} |")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
