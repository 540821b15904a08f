from __future__ import annotations

import json

import numpy as np
import pytest

nalsm = pytest.importorskip("bench.papers.nalsm")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(nalsm, "N_SEEDS", 1)
    plan = {run: models[-8:] if run[0] == "choice" else models for run, models in nalsm.PLAN.items()}
    monkeypatch.setattr(nalsm, "PLAN", {run: models for run, models in plan.items() if "fashion" not in run[1]})
    return tmp_path / "results.jsonl"


def test_quick_runs_give_tables_and_pictures(file, tmp_path, capsys):
    nalsm.main(["--quick", "--results", str(file)])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["run"] for line in lines] == [str(run) for run in nalsm.runs()]
    tests = [line[name]["test"] for line in lines for name in ("ridge", "logistic") if name in line]
    assert all(0.3 < each[0] <= 1 for each in tests if each)
    assert all(np.isfinite([line["branching"], line["rate"]]).all() for line in lines if "branching" in line)
    assert "| STDP, plastic in samples | 1 |" in capsys.readouterr().out
    pytest.importorskip("matplotlib").use("Agg")
    nalsm.main(["--quick", "--results", str(file), "--pictures", str(tmp_path / "pictures")])
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"nalsm-accuracy.png", "nalsm-settling.png"}


def test_finished_runs_are_not_run_again(file, monkeypatch):
    words = ["--quick", "--results", str(file), "--only", "accuracy: mnist, 1000", "static,"]
    nalsm.main(words)
    before = file.read_text()
    assert len(before.splitlines()) == 2
    monkeypatch.setattr(nalsm, "measure", None)
    nalsm.main(words)
    assert file.read_text() == before


def test_lists_name_what_would_run(file, capsys):
    nalsm.main(["--list", "--only", ": n-mnist", "frozen"])
    assert capsys.readouterr().out == "accuracy: n-mnist, 1000 neurons, NALSM, frozen, seed 0\n"
