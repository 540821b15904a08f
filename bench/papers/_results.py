"""Figures of finished runs, a line of JSON each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Results(dict[str, Any]):
    """Figures by the name of the run, read from a file and appended to it as they come."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        super().__init__((each.pop("run"), each) for each in map(json.loads, lines))

    def add(self, run: str, figures: dict[str, Any]) -> None:
        """Keep and print the figures of a run."""
        self[run] = figures
        line = json.dumps({"run": run} | figures)
        print(line, flush=True)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(line + "\n")
