import numpy as np
import pytest

dynamics = pytest.importorskip("bench.dynamics", reason="bench/ is not in the source distribution")


def test_quick_run_prints_every_row(capsys):
    rows = dynamics.main(["--quick"])
    printed = capsys.readouterr().out
    assert [row["network"] for row in rows] == list(dynamics.NETWORKS)
    assert all(f"| {name} |" in printed for name in dynamics.NETWORKS)
    for row in rows:
        for task in dynamics.TASKS:
            assert len(row[task]["scores"]) == 2
            assert np.isfinite(row[task]["scores"]).all()
    capacity = {row["network"]: np.median(row["memory capacity"]["scores"]) for row in rows}
    assert capacity["ES2N, cycle"] > capacity["leaky"]
