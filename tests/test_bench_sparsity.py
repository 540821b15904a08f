import json

import pytest

sparsity = pytest.importorskip("bench.sparsity", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    sparsity.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / "sparsity.json").read_text())
    quality = figures["quality"]
    assert len(quality) == 5
    assert all(name in printed for name in [*quality, *figures["speed"]])
    assert all(len(values) == 3 for figure in quality.values() for values in figure["values"].values())


def test_a_difference_that_is_there_is_told():
    same = sparsity.compare(lambda topology, seed: seed % 3 + 0.1 * ((seed * 7 + len(topology)) % 5), 20)
    other = sparsity.compare(lambda topology, seed: seed % 3 + 0.1 * (topology == "blocked") * (1 + seed % 2), 20)
    assert other["p"] < 1e-3 < same["p"]
