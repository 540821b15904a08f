import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from reservoirs import cli, datasets

ABSENT = [package for package in ("aeon", "pmdarima", "reservoirpy") if find_spec(package) is None]


def run_demo(folder):
    return subprocess.run(
        [sys.executable, "-m", "reservoirs", "demo", "--quick", "--output", str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


@pytest.mark.skipif(bool(ABSENT), reason=f"the packages that ship the data are not installed: {ABSENT}")
def test_quick(tmp_path):
    done = run_demo(tmp_path / "new" / "folder")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    names = ["forecast-laser.png", "forecast-electricity.png", "confusion-japanese-vowels.png"]
    for name in names:
        path = tmp_path / "new" / "folder" / name
        assert str(path) in done.stdout
        assert path.read_bytes().startswith(b"\x89PNG")
    scores = [line for line in done.stdout.splitlines() if re.search("NRMSE  |accuracy  ", line)]
    assert len(scores) == 5
    for line in scores:
        ours, *baselines = map(float, re.findall(r"\d\.\d{4}", line))
        assert ours > max(0.98, *baselines) if "accuracy" in line else ours < min(baselines)


def test_data_missing(tmp_path, monkeypatch, capsys):
    def missing():
        raise ModuleNotFoundError("data missing: pip install --no-deps pmdarima")

    monkeypatch.setattr(datasets, "load_electricity_demand", missing)
    assert cli.main(["demo", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "reservoirs: error: data missing: pip install --no-deps pmdarima\n"


def test_output_is_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    done = run_demo(path)
    assert done.returncode == 2
    assert done.stderr.startswith("reservoirs: error: ")
    assert done.stderr.count("\n") == 1
