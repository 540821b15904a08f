import json

import pytest

big = pytest.importorskip("bench.big", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    big.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "big.json").read_text())["results"]
    assert [result["what"] for result in results] == list(big.ROWS)
    assert all(result["what"] in printed for result in results)
    runs = [values for result in results for name, values in result.items() if name not in ("what", "sizes")]
    assert all(len(values) == 1 and values[0] >= 0 for values in runs)
