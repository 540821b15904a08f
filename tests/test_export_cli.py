"""`python -m reservoirs export`: files in, C out, and one line for each mistake."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from reservoirs import ESNForecaster, ESNRegressor, cli, save
from reservoirs.datasets import mackey_glass
from reservoirs.export import to_c
from reservoirs.streaming import LMS, NLMS, RLS

Y = mackey_glass(600).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(ESNForecaster(n_units=20, random_state=0).fit(Y), tmp_path / "forecaster.npz")
    save(ESNRegressor(n_units=20, random_state=0).fit(Y[:-1, None], Y[1:]), tmp_path / "regressor.npz")
    np.savez(tmp_path / "series.npz", y=Y)
    return tmp_path


def run(folder: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", "reservoirs", "export", *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def test_a_file_becomes_c(folder: Path) -> None:
    done = run(folder, "forecaster.npz", "--c", "predictor.h")
    assert (done.returncode, done.stderr) == (0, "")
    fitted = ESNForecaster(n_units=20, random_state=0).fit(Y)
    code = to_c(fitted, "predictor")
    assert (folder / "predictor.h").read_text() == code.header
    assert done.stdout.splitlines()[0] == "Wrote predictor.h"
    assert done.stdout.split("\n", 1)[1] == f"{code.facts}\n"
    for fact in (r"Flash   \d+ bytes", r"RAM     \d+ bytes", r"A step  \d+ multiply-adds"):
        assert re.search(f"^{fact}", done.stdout, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_integers_in_two_files(folder: Path) -> None:
    options = ("--dtype", "int8", "--style", "c+h", "--refit", "series.npz")
    done = run(folder, "forecaster.npz", "--c", "out.h", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Wrote out.h\nWrote out.c\nESNForecaster in int8")
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Werror", "-c", "out.c"], cwd=folder, check=True)


def test_sequences_of_a_fit(folder: Path) -> None:
    X, y = np.stack([Y[:-1], Y[1:]], axis=1), Y.copy()
    fitted = ESNRegressor(n_units=20, random_state=0).fit([X[:200], X[200:]], [y[1:201], y[201:]])
    save(fitted, folder / "two.npz")
    np.savez(folder / "fit.npz", X=X, y=y[1:], lengths=[200, len(X) - 200])
    done = run(folder, "two.npz", "--c", "m.h", "--dtype", "int16", "--refit", "fit.npz")
    assert (done.returncode, done.stderr) == (0, "")
    refit = ([X[:200], X[200:]], [y[1:201], y[201:]])
    assert (folder / "m.h").read_text() == to_c(fitted, "m", dtype="int16", refit=refit).header


@pytest.mark.parametrize(
    ("options", "learner"),
    [
        (["--learner", "nlms"], NLMS()),
        (["--learner", "lms", "--learning-rate", "0.01"], LMS(0.01)),
        (["--learner", "rls", "--forgetting", "0.999", "--alpha", "1e-3"], RLS(0.999, alpha=1e-3)),
        ([], None),
    ],
)
def test_learning_and_anomalies(folder: Path, options: list[str], learner: Any) -> None:
    files = [str(folder / name) for name in ("forecaster.npz", "m.h")]
    assert cli.main(["export", files[0], "--c", files[1], "--anomaly", "0.9", *options]) == 0
    fitted = ESNForecaster(n_units=20, random_state=0).fit(Y)
    assert (folder / "m.h").read_text() == to_c(fitted, "m", learner=learner, anomaly=0.9).header


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["forecaster.npz"], "the following arguments are required: --c"),
        (["nowhere.npz", "--c", "m.h"], "cannot read nowhere.npz: No such file or directory"),
        ([".", "--c", "m.h"], "cannot read .: Is a directory"),
        (["series.npz", "--c", "m.h"], "series.npz is not a model that can be loaded: it does not end like"),
        (["cut.npz", "--c", "m.h"], "cut.npz is not a model that can be loaded"),
        (["scaler.npz", "--c", "m.h"], "model=StandardScaler() cannot be exported; expected an ESN"),
        (["unfitted.npz", "--c", "m.h"], "This ESNRegressor instance is not fitted yet"),
        (["forecaster.npz", "--c", "m.c"], "--c m.c: the name must end in .h"),
        (["forecaster.npz", "--c", "2m.h"], "name='2m' must be a C identifier"),
        (["forecaster.npz", "--c", "no/m.h"], "cannot write no/m.h: there is no directory no"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int4"], "argument --dtype: invalid choice: 'int4'"),
        (["forecaster.npz", "--c", "m.h", "--learner", "adam"], "argument --learner: invalid choice: 'adam'"),
        (["forecaster.npz", "--c", "m.h", "--learner", "rls"], "learner=RLS(alpha=None) goes on from sums"),
        (["forecaster.npz", "--c", "m.h", "--alpha", "1"], "--alpha needs --learner"),
        (
            ["forecaster.npz", "--c", "m.h", "--learner", "rls", "--learning-rate", "1"],
            "--learning-rate is no parameter of --learner rls",
        ),
        (["forecaster.npz", "--c", "m.h", "--learner", "nlms", "--learning-rate", "3"], "learning_rate=3.0 must be"),
        (["forecaster.npz", "--c", "m.h", "--anomaly", "2"], "anomaly=2.0 must be a finite number in [0,"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8"], "dtype='int8' needs refit, the data of the fit"),
        (["forecaster.npz", "--c", "m.h", "--refit", "series.npz"], "dtype='float32' needs no refit"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "no.npz"], "cannot read no.npz: No such file"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "text"], "text is not a file of arrays as"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "empty"], "empty is not a file of arrays as"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "X.npz"], "X.npz has no array y"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "z.npz"], "z.npz has z; expected X, y and"),
        (["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "long.npz"], "long.npz: y has 600 rows, but"),
        (
            ["forecaster.npz", "--c", "m.h", "--dtype", "int8", "--refit", "odd.npz"],
            "odd.npz: lengths must be positive",
        ),
        (
            ["regressor.npz", "--c", "m.h", "--dtype", "int8", "--refit", "series.npz"],
            "refit is a tuple of 1; expected",
        ),
    ],
)
def test_mistakes(
    folder: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    Path("cut.npz").write_bytes(Path("forecaster.npz").read_bytes()[:-100])
    Path("text").write_text("hello")
    Path("empty").touch()
    save(StandardScaler().fit(Y[:, None]), "scaler.npz")
    save(ESNRegressor(), "unfitted.npz")
    for name, arrays in {
        "X": {"X": Y},
        "z": {"y": Y, "z": Y},
        "long": {"y": Y, "lengths": [5]},
        "odd": {"y": Y, "lengths": [0.5]},
    }.items():
        np.savez(f"{name}.npz", **arrays)
    before = sorted(os.listdir())
    assert cli.main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"reservoirs: error: {message}")
    assert error.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_a_mistake_ends_the_process_with_2(folder: Path) -> None:
    done = run(folder, "nowhere.npz", "--c", "m.h")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "reservoirs: error: cannot read nowhere.npz: No such file or directory\n"


def test_a_full_disk_leaves_the_older_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m.h").write_text("older")

    def full(self: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli.Path, "write_bytes", full)
    assert cli.main(["export", str(folder / "forecaster.npz"), "--c", str(folder / "m.h")]) == 2
    monkeypatch.undo()
    assert (folder / "m.h").read_text() == "older"
