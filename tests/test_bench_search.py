import json

import pytest

search = pytest.importorskip("bench.search", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    search.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "search.json").read_text())["results"]
    assert len(results) == 8
    for result in results:
        assert result["row"] in printed
        assert result["apart"] <= 100 * max(result["apart by rounding of inputs"], 1e-10)
        assert all(min(seconds) > 0 for seconds in result["seconds"].values())
