import json
import os
import shutil
import sys

import pytest

liquid_speed = pytest.importorskip("bench.liquid_speed", reason="bench/ lies in the source tree only")
np = liquid_speed.np

pytestmark = pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "g++")) is None, reason="the minimal loop needs a C++ compiler"
)


def plain_counts(work, n_steps):
    """Count the spikes of the workload in float64, step by step, with dense matrices."""
    W, W_in = (np.zeros((work["n_units"], len(work["start" + end]) - 1)) for end in ("", "_in"))
    for matrix, end in ((W, ""), (W_in, "_in")):
        source = np.repeat(np.arange(matrix.shape[1]), np.diff(work["start" + end]))
        matrix[work["target" + end], source] = work["weight" + end]
    v, g, counts = np.zeros((3, work["n_units"]))
    rest = np.zeros(work["n_units"], int)
    fires = np.zeros(work["n_units"], bool)
    for t in range(n_steps):
        counts += fires
        channels = work["input"][work["input_start"][t] : work["input_start"][t + 1]]
        g += W @ fires + W_in[:, channels].sum(axis=1)
        v = np.where(rest > 0, v, liquid_speed.DECAY * v + liquid_speed.GAIN * g)
        g *= liquid_speed.CURRENT_DECAY
        fires = v >= liquid_speed.THRESHOLD
        v[fires] = 0
        rest = np.where(fires, liquid_speed.REFRACTORY, np.maximum(rest - 1, 0))
    return counts


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    liquid_speed.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "liquid_speed.json").read_text())["results"]
    assert len(results) == 6
    for result in results[2:]:
        assert result["row"] in printed
        assert set(result["rates"]) == {"plain loop", liquid_speed.OURS}
        assert "DIFFERS" not in liquid_speed.told(result["agreement"][liquid_speed.OURS])
    for result in results[:2]:
        assert result["row"] in printed
        assert {"minimal loop", liquid_speed.OURS, liquid_speed.TWO_THREADS} <= set(result["rates"])
        assert all(len(values) >= 3 and min(values) > 0 for values in result["rates"].values())
        assert 10 <= result["Hz"] <= 30
        assert "DIFFERS" not in liquid_speed.told(result["agreement"][liquid_speed.OURS])


def test_minimal_loop_runs_the_model_it_says(tmp_path):
    work = liquid_speed.workload(300, 200)
    counts, events = liquid_speed.run_minimal(liquid_speed.compile_minimal(str(tmp_path)), work, 200)()
    assert counts.sum() > 300
    agreed = liquid_speed.agreement(plain_counts(work, 200), counts)
    assert agreed["correlation"] > 0.99
    assert agreed["rate"] == pytest.approx(1, abs=0.03)
    fan_out_in = np.diff(work["start_in"])
    assert events == counts.sum() * 100 + fan_out_in[work["input"]].sum()


@pytest.mark.parametrize("kind", ["STDP", "NALSM"])
def test_the_plain_loop_learns_as_ours_does(tmp_path, kind):
    make = {"STDP": liquid_speed.stdp_workload, "NALSM": liquid_speed.nalsm_workload}[kind]
    work = make(216, 300)
    library = liquid_speed.compile_minimal(str(tmp_path), "stdp")
    plain, _ = liquid_speed.run_plain(library, work, 300)()
    static, _ = liquid_speed.run_plain(library, {**work, "a_plus": 0.0, "a_minus": 0.0, "astro_rate": 0.0}, 300)()
    _, ours = liquid_speed.ours(work, 300).run()
    agreed = liquid_speed.agreement(ours, plain)
    assert agreed["correlation"] > 0.99
    assert agreed["rate"] == pytest.approx(1, abs=0.02)
    assert (static != plain).any()


def test_workload_has_ascending_targets_and_no_autapse():
    work = liquid_speed.workload(250, 10)
    rows = work["target"].reshape(250, 100)
    assert (np.diff(rows) > 0).all()
    assert (rows != np.arange(250)[:, None]).all()
    assert rows.min() == 0
    assert rows.max() == 249


def test_row_tells_when_counts_differ():
    assert "DIFFERS" in liquid_speed.told({"correlation": 0.98, "rate": 1.0})
    assert "DIFFERS" in liquid_speed.told({"correlation": 1.0, "rate": 1.04})
    assert "DIFFERS" not in liquid_speed.told({"correlation": 0.995, "rate": 0.98})


def test_missing_peer_is_named_and_left_out(monkeypatch, capsys):
    monkeypatch.setitem(liquid_speed.PEERS, "Nobody", "no_such_library")
    with liquid_speed.peer("Nobody", sys.executable, "unused.npz", 1) as contender:
        assert contender is None
    assert "Nobody does not import" in capsys.readouterr().out
