import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from reservoirs import __version__, cli

T = np.arange(420)
WAVES = 10 + np.sin(2 * np.pi * T / 24) + 0.5 * np.sin(2 * np.pi * T / 55)


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "reservoirs", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def main(capsys, *arguments):
    """Run in this process, which saves a start of Python per message; return the exit code and stderr."""
    code = cli.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


@pytest.fixture
def series(tmp_path):
    path = tmp_path / "series.csv"
    rows = "".join(f"2024-{i},{value!r},{i % 3}\n" for i, value in enumerate(WAVES[:400].tolist()))
    path.write_text(f"date,level,other\n{rows}")
    return path


def backtest(out):
    lines = out.split("Backtest")[1].splitlines()[1:]
    return {line[2:17].strip(): float(line[17:]) for line in lines if line.startswith("  ") and line[-1].isdigit()}


def test_forecast(series, tmp_path):
    output, plot = tmp_path / "forecast.csv", tmp_path / "picture.png"
    done = run("forecast", series, "--column", "level", "--horizon", 20, "--output", output, "--plot", plot)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    errors = backtest(done.stdout)
    assert set(errors) == {"ESN", "persistence", "seasonal naive"}
    assert errors["ESN"] < min(errors["persistence"], errors["seasonal naive"])
    with output.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["step", "value"]
    assert [row[0] for row in rows[1:]] == [str(step) for step in range(1, 21)]
    np.testing.assert_allclose([float(row[1]) for row in rows[1:]], WAVES[400:], atol=0.3)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert f"Wrote {output}" in done.stdout
    assert f"Wrote {plot}" in done.stdout
    assert sorted(os.listdir(tmp_path)) == ["forecast.csv", "picture.png", "series.csv"]


def test_forecast_printed_with_given_settings(series):
    settings = ("--n-units", 30, "--spectral-radius", 0.8, "--leak-rate", 0.5, "--input-scaling", 0.3)
    arguments = ("forecast", series, "--column", 1, "--horizon", 3, *settings, "--alpha", 0.01, "--season", 24)
    one, two = run(*arguments), run(*arguments)
    assert one.returncode == 0, one.stderr
    for line in (
        "n_units = 30 (given)",
        "spectral_radius = 0.8 (given)",
        "alpha = 0.01 (given)",
        "season = 24 (given)",
    ):
        assert line in one.stdout
    printed = one.stdout[one.stdout.index("step,value") :]
    assert len(printed.splitlines()) == 4
    assert printed in two.stdout
    other_seed = run(*arguments, "--seed", 1)
    assert printed not in other_seed.stdout


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_other_pictures(series, tmp_path, suffix, capsys):
    path = tmp_path / f"picture.{suffix}"
    code, error = main(capsys, "forecast", series, "--column", 1, "--horizon", 2, "--alpha", 1, "--plot", path)
    assert (code, error) == (0, "")
    assert path.stat().st_size > 1000


def test_output_file_is_replaced(series, tmp_path, capsys):
    path = tmp_path / "forecast.csv"
    path.write_text("old")
    code, _ = main(capsys, "forecast", series, "--column", 1, "--horizon", 2, "--alpha", 1, "--output", path)
    assert code == 0
    assert path.read_text().startswith("step,value\n1,")


@pytest.mark.parametrize(
    ("text", "column", "name", "values"),
    [
        ("1\n2.5\n-3e2\n", None, "column 0", [1, 2.5, -300]),
        ("\ufeffflow\n1\n2\n\n\n", None, "flow", [1, 2]),
        ("day,flow\r\nMon,1\r\nTue,2\r\n", None, "flow", [1, 2]),
        ('day,"flow, m3"\nMon," 1"\nTue,2\n', None, "flow, m3", [1, 2]),
        ("a,b\n1,2\n3,4\n", "b", "b", [2, 4]),
        ("a,b\n1,2\n3,4\n", "0", "a", [1, 3]),
        ("1,0\n5,6\n7,8\n", "1", "column 1", [0, 6, 8]),
        ("1,0\n5,6\n", "0", "1", None),
    ],
)
def test_read_series(tmp_path, text, column, name, values):
    path = tmp_path / "series.csv"
    path.write_text(text, encoding="utf-8", newline="")
    found, series = cli.read_series(path, column)
    if values is not None:
        assert found == name
        np.testing.assert_array_equal(series, values)
    else:
        assert found == "column 0"


MANY = "\n".join(map(repr, WAVES.tolist()))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", (), "{path} is empty"),
        ("\n\n", (), "{path} is empty"),
        ("flow\n", (), "{path} has a header and no data"),
        ("a,b\n1,2\n", (), "{path} has 2 numeric columns; choose one with --column: a, b"),
        ("a,b\nx,y\n", (), "{path} has no numeric column; choose one with --column: a, b"),
        ("a,b\n1,2\n", ("--column", "c"), "{path} has no column 'c'; it has: a, b"),
        ("a,b\n1,2\n", ("--column", "2"), "{path} has no column '2'; it has: a, b"),
        ("day,a\n1,2\n3,\n", ("--column", "a"), "{path}, line 3: no value in a; fill gaps before forecasting"),
        ("day,a\nx,2\ny\n", (), "{path}, line 3: no value in a; fill gaps before forecasting"),
        ("a\n1\n\n2\n", (), "{path}, line 3: no value in a; fill gaps before forecasting"),
        ("a\n1\nNaN\n", (), "{path}, line 3: 'NaN' in a is not finite; fill gaps before forecasting"),
        ("a\n1\n-inf\n", (), "{path}, line 3: '-inf' in a is not finite; fill gaps before forecasting"),
        ("a\n1\n1;5\n", (), "{path}, line 3: '1;5' in a is not a number"),
        ("a\nx\n", (), "{path}, line 2: 'x' in a is not a number"),
        ("a\n1\n" + 50 * "x", (), "{path}, line 3: '" + 40 * "x" + "...' in a is not a number"),
        ("a\n1\n" + 140_000 * "x", (), "{path}, line 3: field larger than field limit (131072)"),
        (b"a\n\xff\xfe\n", (), "{path} is not text in UTF-8 (byte 2 is not)"),
        (b"a\n\0\0\n", (), "{path} is a binary file; expected CSV or one number a line"),
        ("1\n2\n3\n", (), "the series has 3 values, but horizon=2 needs at least 24: two horizons to choose and "),
        (100 * "7\n", (), "the series is constant, 7 throughout: there is nothing to learn"),
        (MANY, ("--horizon", "0"), "argument --horizon: '0' is not a whole number of at least 1"),
        (MANY, ("--horizon", "x"), "argument --horizon: 'x' is not a whole number of at least 1"),
        (MANY, ("--seed", str(2**32)), "argument --seed: '4294967296' is not a whole number"),
        (MANY, ("--season", "1"), "argument --season: '1' is not a whole number of at least 2"),
        (MANY, ("--season", "400"), "season=400 is longer than the 280 time steps there are to learn from"),
        (MANY, ("--n-units", "9"), "argument --n-units: '9' is not a whole number of at least 10"),
        (MANY, ("--leak-rate", "2"), "leak_rate=2.0 must be a finite number in (0, 1]"),
        (MANY, ("--alpha", "x"), "argument --alpha: invalid float value: 'x'"),
        (MANY, ("--alpha", "-1"), "alpha must be finite and >= 0, got -1.0"),
        (MANY, ("--output", "{folder}"), "cannot write {folder}: it is a directory"),
        (MANY, ("--output", "{folder}/no/f.csv"), "cannot write {folder}/no/f.csv: there is no directory {folder}/no"),
        (MANY, ("--plot", "{folder}/p.xyz"), "--plot {folder}/p.xyz: the name must end in one of "),
        (MANY, ("--plot", "{folder}"), "cannot write {folder}: it is a directory"),
        (MANY, ("--nothing",), "unrecognized arguments: --nothing"),
    ],
)
def test_errors(tmp_path, content, options, message, capsys):
    path = tmp_path / "series.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    options = [option.format(folder=tmp_path) for option in options]
    code, error = main(capsys, "forecast", path, "--horizon", "2", *options)
    assert code == 2
    assert error.startswith(f"reservoirs: error: {message.format(path=path, folder=tmp_path)}")
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == ["series.csv"]


def test_error_of_the_process(tmp_path):
    path = tmp_path / "missing.csv"
    done = run("forecast", path, "--horizon", 2)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"reservoirs: error: cannot read {path}: No such file or directory\n"


def test_directory_as_file(tmp_path, capsys):
    code, error = main(capsys, "forecast", tmp_path, "--horizon", 2)
    assert code == 2
    assert error.startswith(f"reservoirs: error: cannot read {tmp_path}: ")


@pytest.mark.parametrize("arguments", [(), ("dance",), ("forecast",)])
def test_wrong_command(arguments, capsys):
    code, error = main(capsys, *arguments)
    assert code == 2
    assert error.startswith("reservoirs: error: ")
    assert error.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_directory(series, tmp_path, capsys):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    code, error = main(capsys, "forecast", series, "--column", 1, "--horizon", 2, "--output", folder / "f.csv")
    assert code == 2
    assert error == f"reservoirs: error: cannot write {folder / 'f.csv'}: the directory {folder} is not writable\n"


def test_disk_full(series, tmp_path, capsys, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli.Path, "write_bytes", full)
    path = tmp_path / "f.csv"
    code, error = main(
        capsys, "forecast", series, "--column", 1, "--horizon", 2, "--alpha", 1, "--n-units", 10, "--output", path
    )
    assert (code, error) == (2, f"reservoirs: error: cannot write {path}: No space left on device\n")
    assert os.listdir(tmp_path) == ["series.csv"]


def test_plot_without_matplotlib(series, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    code, error = main(capsys, "forecast", series, "--column", 1, "--horizon", 2, "--plot", "p.png")
    assert (code, error) == (2, "reservoirs: error: --plot needs matplotlib: pip install reservoirs[plot]\n")


def test_warns_where_naive_is_better(tmp_path, capsys):
    path = tmp_path / "noise.txt"
    walk = np.random.default_rng(0).normal(size=200).cumsum()
    path.write_text("\n".join(map(repr, walk.tolist())))
    given = ("--n-units", 100, "--alpha", 1e-9, "--input-scaling", 2, "--spectral-radius", 1.5, "--leak-rate", 1)
    assert cli.main(["forecast", str(path), "--horizon", "10", *map(str, given)]) == 0
    assert "no better than the best naive forecast" in capsys.readouterr().out


def test_info():
    done = run("info")
    assert done.returncode == 0, done.stderr
    assert f"version  {__version__}" in done.stdout
    for name in ("simd_level", "threads", "blas", "compiler"):
        assert f"{name}  " in done.stdout


def test_help():
    done = run("forecast", "--help")
    assert done.returncode == 0
    assert "--horizon" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_interrupt(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("\n".join(map(repr, np.sin(np.arange(60_000) / 7.3).tolist())))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "reservoirs", "forecast", str(path), "--horizon", "10"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what it runs in the background with the signal ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    # Its first line says that the search begins.
    assert process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "reservoirs: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX pipe")
def test_reader_goes_away():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "reservoirs", "info"], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
