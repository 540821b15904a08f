"""Where a bench leaves what it measured: every number as JSON, its tables as markdown, its pictures, in one folder."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from reservoirs import show_config


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows what every bench takes."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs: proves nothing")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="also leave NAME.json, NAME.md and pictures here")
    return parser


def load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def machine() -> dict[str, Any]:
    """Return what figures depend on: processor, cores, its load, versions."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": load(),
        "date": datetime.date.today().isoformat(),
        "config": show_config(),
        "environment": {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")},
    }


class _Tee:
    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()


@contextlib.contextmanager
def kept(name: str, options: argparse.Namespace, runs: str, fenced: bool = False) -> Iterator[dict[str, Any]]:
    """Print what ran where, and keep what is printed and the figures that are put into the dict.

    Parameters
    ----------
    name : str
        Of the files.
    options : Namespace
        Of :func:`parser`.
    runs : str
        How often everything ran.
    fenced : bool
        Whether what is printed is aligned text rather than markdown.
    """
    figures: dict[str, Any] = {"machine": machine(), "quick": options.quick, "runs": runs}
    of = figures["machine"]
    with contextlib.ExitStack() as stack:
        if options.output:
            options.output.mkdir(parents=True, exist_ok=True)
            table = stack.enter_context(open(options.output / f"{name}.md", "w"))
            stack.enter_context(contextlib.redirect_stdout(_Tee(sys.stdout, table)))  # type: ignore[type-var]
        config = ", ".join(f"{key} {value}" for key, value in of["config"].items())
        threads = "".join(f", {variable}={value}" for variable, value in of["environment"].items())
        print(f"# {name}{' (--quick: proves nothing)' if options.quick else ''}\n")
        print(f"{of['processor']}, {of['cores']} cores, load {of['load']:.1f}, {of['date']}; {runs}.")
        print(f"{config}{threads}." + fenced * "\n\n```", flush=True)
        yield figures
        of["load at the end"] = load()
        print(fenced * "```" + f"\nLoad at the end: {of['load at the end']:.1f}.")
    if options.output:
        (options.output / f"{name}.json").write_text(json.dumps(figures, indent=1, default=float) + "\n")


def spread(values: Sequence[float], form: str = ".3g") -> str:
    """Return the median, and in brackets the lowest and highest."""
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
