import json

import pytest

esn_speed = pytest.importorskip("bench.esn_speed", reason="bench/ lies in the source tree only")
np = esn_speed.np


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    esn_speed.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert (tmp_path / "esn_speed.md").read_text() == printed
    figures = json.loads((tmp_path / "esn_speed.json").read_text())
    assert [row["task"] for row in figures["rows"]] == ["fit", "generate", "step"] + 4 * ["harvest"]
    for row in figures["rows"]:
        assert not row["failed"]
        assert row["name"] in printed
        assert {"reservoirs, float64", "reservoirs, float32", "SciPy loop, float64"} <= set(row["rates"])
        assert all(len(rates) == 3 and min(rates) > 0 for rates in row["rates"].values())
        assert all(apart < (1e-5 if "32" in name else 1e-12) for name, apart in row["apart"].items())
    assert figures["memory"]["MB"]["reservoirs, float64"] >= 0
    assert figures["machine"]["cores"] > 0


def test_who_is_not_there_is_named(monkeypatch, capsys):
    everyone = esn_speed.esn_peers.CONTENDERS
    few = {"SciPy loop": (everyone["SciPy loop"][0], ("float32",)), "nobody": (everyone["rclib"][0], ("float64",))}
    monkeypatch.setattr(esn_speed.esn_peers, "CONTENDERS", few)
    esn_speed.main(["--quick", "--peers-python", esn_speed.sys.executable, "--only", "step"])
    printed = capsys.readouterr().out
    assert "nobody, float64 is left out: its process ended" in printed
    assert "| SciPy loop, float32 |" in printed


def test_a_run_in_pieces_leaves_all_rows(monkeypatch, tmp_path, capsys):
    everyone = esn_speed.esn_peers.CONTENDERS
    monkeypatch.setattr(esn_speed.shutil, "which", lambda name: None)  # the roof is not what this is about
    few = {name: (everyone[name][0], ("float32",)) for name in ("reservoirs", "SciPy loop")}
    monkeypatch.setattr(esn_speed.esn_peers, "CONTENDERS", few)
    folder = ["--quick", "--output", str(tmp_path)]
    esn_speed.main([*folder, "--only", "64", "dense"])
    esn_speed.main([*folder, "--only", "64", "10 a unit"])
    first, second = json.loads((tmp_path / "esn_speed.json").read_text())["rows"]
    assert (first["name"], second["name"]) == tuple(
        f"harvest 64 sequences, N=30, {of}" for of in ("10 a unit", "dense")
    )
    assert all(f"Measured {row['measured']}." in (tmp_path / "esn_speed.md").read_text() for row in (first, second))
    assert "memory" not in capsys.readouterr().out


def test_what_a_limit_would_bring(capsys):
    rates = {"reservoirs, float32": [40.0, 40.0], "a, float32": [5.0, 5.0]}
    esn_speed.summary([esn_speed.Row("harvest", 10, "dense", rates=rates, bound={"float32": ("loads", 0.5)})])
    assert "| 8 (8 to 8) MISSED 10 | loads 50%; 16 at the limit |" in capsys.readouterr().out


def test_a_row_keeps_what_was_measured_before(monkeypatch):
    monkeypatch.setattr(esn_speed.Running, "ask", lambda *task: 0.01)
    row = esn_speed.Row("fit", 10, "dense", most_steps=100, fixed=True)
    for name in ("a", "b"):
        row.measure([esn_speed.Running(name, "float64", "python")], 100, 3)
    assert {name: len(rates) for name, rates in row.rates.items()} == {"a, float64": 3, "b, float64": 3}
    assert row.rates["a, float64"][0] == pytest.approx(100 / 0.01)


def test_ratios_and_best_peer():
    rates = {"reservoirs, float32": [40.0, 50.0, 60.0], "a, float64": [5.0, 5.0, 5.0], "b, float32": [8.0, 10.0, 10.0]}
    row = esn_speed.Row("harvest", 10, "dense", rates=rates)
    assert row.best_peer(("float32", "float64")) == "b, float32"
    assert row.best_peer(("float64",)) == "a, float64"
    assert row.ratio("reservoirs, float32", "b, float32") == [5.0, 5.0, 6.0]


def test_networks_have_the_links_and_radius_they_say(tmp_path):
    for links, per_unit in (("10 a unit", 10), ("10 %", 20), ("dense", 200)):
        assert esn_speed.draw(200, links, tmp_path) == 200 * per_unit
        dense = links == "dense"
        W = np.load(tmp_path / "W.npy") if dense else esn_speed.sparse.load_npz(tmp_path / "W.npz").toarray()
        assert (W != 0).sum() == 200 * per_unit
        assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.9, abs=0.12)
