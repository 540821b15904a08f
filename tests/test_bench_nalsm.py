from __future__ import annotations

import json

import numpy as np
import pytest

nalsm = pytest.importorskip("bench.papers.nalsm")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    nalsm.main(["--quick", "--json", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert len(rows) == 15
    assert np.isfinite([row["values"] for row in rows]).all()
    assert "NALSM, plastic in samples" in capsys.readouterr().out
