import json

import pytest

speed = pytest.importorskip("bench.speed", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    speed.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "speed.json").read_text())["results"]
    assert len(results) == 15
    for result in results:
        assert result["row"] in printed
        assert all(
            len(values) == 3 and min(values) > 0 for name, values in result["rates"].items() if "above" not in name
        )


def test_plain_loops_agree_with_the_core():
    ours, arrays = speed.networks(30, 1)
    u = speed.np.random.default_rng(0).uniform(-1, 1, (3, 20, 1))
    states = ours["float64"].transform(u)
    assert states == pytest.approx(speed.plain_batch(*arrays, u), abs=1e-12)
    assert states[0] == pytest.approx(speed.plain_loop(*arrays, u[0]), abs=1e-12)
