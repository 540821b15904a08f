import json
import os

import pytest

stream_speed = pytest.importorskip("bench.stream_speed", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    stream_speed.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "stream_speed.json").read_text())["results"]
    assert len(results) == 15
    assert all(result["row"] in printed for result in results)


def test_ten_million_steps_in_little():
    from bench import online_stability

    for result in online_stability.main(["--quick"]):
        assert result["least D"] > 0
        assert result["least eigenvalue"] > 0
        assert result["most eigenvalue"] < 1.01 * result["bound"]
        assert result["error"] < 0.1


@pytest.mark.skipif("RESERVOIRS_DATA" not in os.environ, reason="ETTh1 is not here")
def test_learning_follows_the_drift():
    from bench import drift

    table = drift.main(["--quick"])
    once = table.pop("fitted once")
    table.pop("the hour before")
    for errors in table.values():
        assert errors[-1] < once[-1]
