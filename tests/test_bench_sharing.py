import json

import pytest

sharing = pytest.importorskip("bench.sharing", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    sharing.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / "sharing.json").read_text())
    assert len(figures) >= 28
    rows = [row for row in figures if row.startswith(("harvest", "closed loop"))]
    assert len(rows) == 28
    assert all(f"| {row} |" in printed for row in rows)
    assert all(min(seconds) > 0 for row in rows for seconds in figures[row].values())
