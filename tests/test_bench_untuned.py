from __future__ import annotations

from importlib.util import find_spec

import pytest

untuned = pytest.importorskip("bench.untuned")


@pytest.mark.skipif(not (find_spec("reservoirpy") and find_spec("pmdarima")), reason="needs real series")
def test_quick_run_prints_every_task(capsys):
    untuned.main(["--quick"])
    printed = capsys.readouterr().out
    for name in ("NARMA-10", "Mackey-Glass", "Lorenz", "Santa Fe laser", "sunspots", "electricity"):
        assert f"| {name} | " in printed
    assert "Their medians: " in printed
