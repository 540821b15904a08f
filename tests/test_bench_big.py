import json

import pytest

big = pytest.importorskip("bench.big", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    big.main(["--quick", "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "figures.json").read_text())
    assert [result["what"] for result in results] == list(big.ROWS)
    assert all(result["what"] in printed for result in results)
    assert all(value >= 0 for result in results for value in result.values() if isinstance(value, float))
