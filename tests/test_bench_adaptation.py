import json

import pytest

adaptation = pytest.importorskip("bench.adaptation", reason="bench/ is not in the source distribution")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    adaptation.main(["--quick", "--output", str(tmp_path)])

    report = json.loads((tmp_path / "adaptation.json").read_text())
    printed = capsys.readouterr().out
    assert report["quick"]
    assert [len(table) for table in report["tables"].values()] == [2, 3, 16, 2, 14, 7, 7, 7]
    for table, rows in report["tables"].items():
        assert table in printed
        assert all(name in printed for name in rows)
