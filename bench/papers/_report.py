"""Tables and pictures of the figures of finished runs, beside the authors'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.papers._readout import READOUTS
from reservoirs.diagnostics import Settling

# Workbook of the authors: test accuracies and branching factors, over 10 networks of 1000 neurons and 5 of 8000.
AUTHORS = {
    "branching: mnist, 1000 neurons, static": "0.863 ± 0.028",
    "branching: mnist, 1000 neurons, STDP, plastic in samples": "1.415 ± 0.050",
    "branching: mnist, 1000 neurons, NALSM, plastic in samples": "1.246 ± 0.023",
    "branching: mnist, 1000 neurons, NALSM, plastic in samples, w_astro 0.0075": "1.325 ± 0.025",
    "branching: mnist, 1000 neurons, NALSM, plastic in samples, w_astro 0.05": "1.086 ± 0.023",
    "branching: mnist, 1000 neurons, NALSM, plastic in samples, w_astro 0.2": "0.885 ± 0.031",
    "accuracy: mnist, 1000 neurons, static": "95.22 ± 0.08",
    "accuracy: mnist, 1000 neurons, STDP, plastic in samples": "89.47 ± 0.45",
    "accuracy: mnist, 1000 neurons, AP-STDP": "95.49 ± 0.09",
    "accuracy: mnist, 1000 neurons, NALSM, plastic in samples": "95.96 ± 0.13",
    "accuracy: mnist, 8000 neurons, NALSM, plastic in samples": "97.49 ± 0.11, best 97.61",
    "accuracy: fashion-mnist, 1000 neurons, NALSM, plastic in samples": "83.05 ± 0.21",
    "accuracy: fashion-mnist, 8000 neurons, NALSM, plastic in samples": "85.61 ± 0.18, best 85.84",
}
_COLOURS = dict(zip(READOUTS, ("C1", "C0"), strict=True))
_NAME = re.compile(r"(?P<what>(?P<group>\w+: [\w-]+, \d+ neurons), (?P<model>.+)), seed \d+")


def grouped(results: Mapping[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield group, model, and the figures of all seeds, in the order of the runs."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run, figures in results.items():
        if name := _NAME.fullmatch(run):
            groups.setdefault((name["group"], name["model"]), []).append(figures)
    for (group, model), each in sorted(groups.items(), key=lambda item: item[0][0]):
        yield group, model, each


def tables(results: Mapping[str, Any]) -> str:
    """Return the tables, in Markdown."""
    lines, last = [], ""
    for group, model, each in grouped(results):
        if group != last:
            ours = "ours | rate" if "branching" in each[0] else "ridge | logistic"
            lines += ["", f"| {group} | networks | {ours} | authors |", "|---|---|---|---|---|"]
            last = group
        lines.append(f"| {model} | {len(each)} | {_ours(each)} | {AUTHORS.get(f'{group}, {model}', '')} |")
    return "\n".join(lines[1:])


def _ours(each: list[dict[str, Any]]) -> str:
    if "branching" in each[0]:
        return f"{_spread([one['branching'] for one in each], 3)} | {np.mean([one['rate'] for one in each]):.0f} Hz"
    return " | ".join(_accuracies([one[readout] for one in each if readout in one]) for readout in READOUTS)


def _accuracies(each: list[dict[str, Any]]) -> str:
    if not each:
        return ""
    if not each[0]["test"]:
        return f"{_spread([100 * one['validation'] for one in each], 2)} of the validation part"
    tests = [_spread([100 * one["test"][i] for one in each], 2) for i in range(len(each[0]["test"]))]
    return "; real recordings ".join(tests)


def _spread(values: list[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def draw_accuracies(path: Path, results: Mapping[str, Any]) -> None:
    """Draw the accuracies of all networks on test images."""
    from matplotlib import pyplot

    shown = [(group, model, each) for group, model, each in grouped(results) if group.startswith("accuracy")]
    names = sorted({group for group, _, _ in shown})
    figure, axes = pyplot.subplots(len(names), squeeze=False, figsize=(9, 0.6 + 1.6 * len(names)), layout="constrained")
    for ax, name in zip(axes[:, 0], names, strict=True):
        models = [(model, each) for group, model, each in shown if group == name][::-1]
        for y, (_, each) in enumerate(models):
            for readout, colour in _COLOURS.items():
                found = [100 * one[readout]["test"][0] for one in each if readout in one]
                ax.plot(found, [y] * len(found), "o", color=colour, alpha=0.6)
        ax.set_yticks(range(len(models)), [model for model, _ in models])
        ax.set_ylim(-0.6, len(models) - 0.4)
        ax.set_title(name, fontsize="medium")
    for readout, colour in _COLOURS.items():
        axes[0, 0].plot([], [], "o", color=colour, alpha=0.6, label=readout)
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(_COLOURS), frameon=False)
    axes[-1, 0].set_xlabel("accuracy on test images (%), a dot a network")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_settling(path: Path, course: Settling) -> None:
    """Draw how a liquid settles."""
    from matplotlib import pyplot

    from reservoirs.plotting import SettlingDisplay

    figure = SettlingDisplay.from_settling(course).figure_
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
