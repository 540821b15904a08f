"""How cost grows: seconds of an echo-state network and of a liquid over size, time, batch and threads.

    python -m bench.growth [--quick] [--output FOLDER]

One quantity varies, all else stays. The points of a line take turns, several times after a warm-up. The slope is that
of a straight line through the logarithms of each point's fastest run, which other work on the machine disturbs least
(with its standard error); the last slope is that of the two largest points: 1 means in proportion. What begins below
its final slope has a cost that does not grow: a call, or lanes that are not yet full. The echo-state network returns
its states; the liquid is that of `bench.liquid_speed`, 100 synapses a neuron, about 20 Hz.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import linregress

from bench import liquid_speed, results
from bench.speed import Task, take_turns
from reservoirs import EchoStateNetwork

Line = tuple[str, list[int], Callable[[int], Task]]  # its name, the points, what to time at one


def esn_task(n_units: int = 300, n_steps: int = 2000, n_sequences: int = 1, n_jobs: int = 1, **params: Any) -> Task:
    """Return a harvest, in float64 unless said."""
    dtype = params.setdefault("dtype", "float64")
    network = EchoStateNetwork(n_units, n_jobs=n_jobs, random_state=0, **params)
    if params.get("connectivity") == 1.0:  # the circular law is near enough, and quick
        weights = np.random.default_rng(0).normal(0, 0.9 / np.sqrt(n_units), (n_units, n_units))
        network.set_params(topology=weights, spectral_radius=None)
    network.fit(np.zeros((2, 1), dtype))
    u = np.random.default_rng(0).uniform(-1, 1, (n_sequences, n_steps, 1)).astype(dtype)
    return lambda: network.transform(u if n_sequences > 1 else u[0])


def liquid_task(n_units: int = 1000, n_steps: int = 1000, n_samples: int = 1, n_threads: int = 1) -> Task:
    """Return a run of a liquid."""
    work = liquid_speed.workload(n_units, n_steps)
    return liquid_speed.ours(work, n_steps, n_samples, n_threads).run


def up_to(most: int, first: int, scale: int) -> list[int]:
    """Return sizes that double, from the first; with a scale above 1 only three of them."""
    sizes = [first * 2**k for k in range(20) if first * 2**k <= most]
    return sizes if scale == 1 else sizes[:3]


def lines(scale: int) -> dict[str, list[Line]]:
    """Return for every panel its lines."""
    cores = sorted({1, *range(2, (os.cpu_count() or 1) + 1, 2)})
    few = 1 if scale == 1 else 10
    sparse, dense = up_to(12_800, 100, scale), up_to(3200, 100, scale)
    times, batches = up_to(102_400 // scale, 100, scale), up_to(256, 1, scale)
    neurons = up_to(16_000, 500 // few, scale)
    return {
        "echo-state network: units": [
            ("10 links a unit, float64", sparse, lambda n: esn_task(n, 400 // few)),
            ("10 links a unit, float32", sparse, lambda n: esn_task(n, 400 // few, dtype="float32")),
            ("all links, float64", dense, lambda n: esn_task(n, 400 // few, connectivity=1.0)),
        ],
        "echo-state network: steps": [
            ("300 units, float64", times, lambda n: esn_task(n_steps=n)),
            ("300 units, float32", times, lambda n: esn_task(n_steps=n, dtype="float32")),
        ],
        "echo-state network: sequences": [
            ("300 units, 200 steps, float64", batches, lambda n: esn_task(300, 200, n)),
            ("300 units, 200 steps, float32", batches, lambda n: esn_task(300, 200, n, dtype="float32")),
        ],
        "echo-state network: threads": [
            ("300 units, 64 sequences", cores, lambda n: esn_task(300, 500 // few, 64, n)),
        ],
        "liquid: neurons": [("1000 steps", neurons, lambda n: liquid_task(n, 1000 // few))],
        "liquid: steps": [("1000 neurons", up_to(12_800, 100, scale), lambda n: liquid_task(1000 // few, n))],
        "liquid: samples": [
            ("1000 neurons, 200 steps", up_to(64, 1, scale), lambda n: liquid_task(1000 // few, 200, n))
        ],
        "liquid: threads": [
            ("1000 neurons, 64 samples", cores, lambda n: liquid_task(1000 // few, 500 // few, 64, n)),
        ],
    }


def measure(line: Line, repetitions: int) -> dict[str, Any]:
    """Return the seconds at every point, and the slopes."""
    name, points, task_of = line
    seconds = list(take_turns({str(point): task_of(point) for point in points}, repetitions).values())
    x, y = np.log(points), np.log([min(of) for of in seconds])
    found: dict[str, Any] = {"line": name, "points": points, "seconds": seconds, "slope": None, "error": None}
    if len(points) > 1:
        fit = linregress(x, y)
        found |= {"slope": fit.slope, "error": fit.stderr if len(points) > 2 else None, "at 1": fit.intercept}
        found["last slope"] = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return found


def told(found: dict[str, Any]) -> str:
    """Return a row of the table."""
    slope = "one point" if found["slope"] is None else f"{found['slope']:.2f}"
    error = "" if found["error"] is None else f" ± {found['error']:.2f}"
    cells = [
        found["line"],
        f"{found['points'][0]:,} to {found['points'][-1]:,}",
        *(f"{results.spread([1e3 * s for s in found['seconds'][end]])} ms" for end in (0, -1)),
        slope + error,
        "" if found["slope"] is None else f"{found['last slope']:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def draw(panels: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draw the fastest runs, bars up to the medians, and the fitted lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7), layout="constrained")
    for ax, (panel, found) in zip(figure.subplots(2, 4).flat, panels.items(), strict=True):
        for line in found:
            points, seconds = np.array(line["points"]), line["seconds"]
            least = np.array([min(of) for of in seconds])
            bars = [0 * least, np.median(seconds, axis=1) - least]
            slope = "" if line["slope"] is None else f": slope {line['slope']:.2f}"
            (drawn, *_) = ax.errorbar(points, least, bars, fmt="o", markersize=4, capsize=2, label=line["line"] + slope)
            if line["slope"] is not None:
                ax.plot(points, np.exp(line["at 1"]) * points ** line["slope"], "--", color=drawn.get_color(), lw=1)
        ax.set(xscale="log", yscale="log", title=panel, xlabel=panel.split(": ")[1], ylabel="seconds")
        ax.grid(alpha=0.3, which="both")
        ax.legend(fontsize=8, loc="best" if panel.endswith("threads") else "lower right")
    figure.savefig(path, dpi=100)


def main(argv: list[str] | None = None) -> None:
    """Measure all lines, print the tables and draw them."""
    options = results.parser(__doc__).parse_args(argv)
    repetitions, scale = (3, 50) if options.quick else (7, 1)
    with results.kept("growth", options, f"{repetitions} repetitions: median (lowest to highest)") as figures:
        panels = figures["panels"] = {}
        for panel, of in lines(scale).items():
            print(f"\n## {panel}\n\n| | range | first point | last point | slope | last slope |")
            print("|---|---|---|---|---|---|")
            panels[panel] = []
            for line in of:
                panels[panel].append(measure(line, repetitions))
                print(told(panels[panel][-1]), flush=True)
        if options.output:
            draw(panels, options.output / "growth.png")
            print("\n![growth](growth.png)")


if __name__ == "__main__":
    main()
