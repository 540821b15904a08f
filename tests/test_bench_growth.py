import json

import pytest

growth = pytest.importorskip("bench.growth", reason="bench/ lies in the source tree only")


def test_quick_run_prints_writes_and_draws(tmp_path, capsys):
    growth.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    panels = json.loads((tmp_path / "growth.json").read_text())["panels"]
    assert len(panels) == 8
    for panel, lines in panels.items():
        assert panel in printed
        assert all(line["line"] in printed for line in lines)
        assert all(len(seconds) == 3 and min(seconds) > 0 for line in lines for seconds in line["seconds"])
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_slope_is_that_of_the_work(monkeypatch):
    seconds = {"10": [0.3, 0.2, 0.9], "100": [20.0, 70.0, 21.0], "1000": [2000.0, 2000.0, 2000.0]}
    monkeypatch.setattr(growth, "take_turns", lambda tasks, repetitions: {name: seconds[name] for name in tasks})
    found = growth.measure(("quadratic", [10, 100, 1000], lambda n: None), 3)
    assert found["slope"] == pytest.approx(2.0)
    assert found["last slope"] == pytest.approx(2.0)
    assert found["error"] == pytest.approx(0.0, abs=1e-9)
