"""The benchmark of microcontrollers, in its quick form, and the worked example."""

from __future__ import annotations

import json
import runpy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

embedded = pytest.importorskip("bench.embedded", reason="bench/ lies in the source tree only")
integers = pytest.importorskip("bench.integers")
needs_devices = pytest.mark.skipif(bool(embedded.DEVICES["M4F"].missing), reason="needs arm-none-eabi-gcc and qemu")
needs_watch = pytest.mark.skipif(find_spec("seglearn") is None, reason="needs pip install --no-deps seglearn")


@needs_devices
@needs_watch
def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    embedded.main(["--quick", "--output", str(tmp_path)])
    report = json.loads((tmp_path / "embedded.json").read_text())
    printed = capsys.readouterr().out
    assert report["quick"]
    rows = {(row["task"], row["model"]): row for row in report["rows"]}
    assert len(rows) >= 7
    assert all(task in printed and model in printed for task, model in rows)
    sizes = {dtype: rows["Mackey-Glass", f"20 units, {dtype}"]["costs"]["M4F"] for dtype in embedded.DTYPES}
    assert sizes["int8"]["flash"] < sizes["int16"]["flash"]
    for size in sizes.values():
        assert 500 < size["flash"] < 10_000
        assert 1000 < size["instructions"] < 10_000


def test_integers_quickly(tmp_path, capsys):
    integers.main(["--quick", "--output", str(tmp_path)])
    scores = json.loads((tmp_path / "integers.json").read_text())["scores"]
    printed = capsys.readouterr().out
    assert len(scores) == 2
    assert all(name in printed for name in scores)
    for of_seeds in scores.values():
        assert np.allclose(np.array(of_seeds)[:, 1:] / np.array(of_seeds)[:, :1], 1, atol=0.05)


@needs_devices
def test_costs_are_those_of_the_model_alone():
    glue = "static void model_begin(void) {}\nstatic float model_step(float u) { return 2.0f * u; }\n"
    cost, outputs = embedded.measure_forecast("M4F", glue, {}, np.array([1.5, -2.0], np.float32))
    assert outputs.tolist() == [3.0, -4.0]
    assert 0 <= cost.flash < 100
    assert cost.ram == 0
    assert abs(cost.instructions) < 40


@needs_devices
@needs_watch
def test_the_worked_example(tmp_path, capsys):
    script = Path(__file__).parents[1] / "examples" / "export" / "exercises" / "exercises.py"
    runpy.run_path(str(script))["main"](["--units", "20", "--dtype", "int8", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "As Python runs the same C: the same classes" in printed
    assert (tmp_path / "exercises.png").read_bytes().startswith(b"\x89PNG")
