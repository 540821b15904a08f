"""The command line: forecast a file, write a model as C, show the installation, run the demonstration."""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import sys
import time
import zipfile
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from . import demo, plotting
from ._files import write_whole
from ._info import show_config
from .autotune import TunedForecaster, persistence, seasonal_naive, tune_forecaster
from .export import DTYPES, STYLES, to_c
from .persistence import load
from .streaming import LMS, NLMS, RLS

_LEARNERS = {"nlms": NLMS, "lms": LMS, "rls": RLS}
_SETTINGS = ("n_units", "spectral_radius", "leak_rate", "input_scaling", "alpha")


class UsageError(Exception):
    """What the user can put right: one line on stderr and exit code 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        The command line after the program's name; None takes it from ``sys.argv``.

    Returns
    -------
    int
        The exit code: 0, 2 for an error the user can put right, 130 after Ctrl-C.

    Examples
    --------
    >>> from reservoirs.cli import main
    >>> main(["forecast", "series.csv", "--horizon", "0"])
    2
    """
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"reservoirs: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("reservoirs: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="reservoirs", description="Reservoir computing: forecasts, and models as C.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    forecast = commands.add_parser(
        "forecast",
        help="continue a series from a file",
        description="Continue a series from a file. Settings that are not given are searched by backtesting.",
    )
    forecast.add_argument("file", type=Path, help="CSV file, or text file of one number a line")
    forecast.add_argument("--column", help="name or 0-based index of the column (default: the only numeric one)")
    forecast.add_argument("--horizon", type=_count(1), required=True, help="how many steps to forecast")
    forecast.add_argument("--output", type=Path, help="CSV file to write the forecast to (default: print it)")
    forecast.add_argument("--plot", type=Path, help="picture to write (png, svg or pdf)")
    forecast.add_argument("--season", type=_count(2), help="steps of a season (default: detected)")
    forecast.add_argument("--n-units", type=_count(10), help="units of the network (default: by the series' length)")
    for name in _SETTINGS[1:]:
        forecast.add_argument(f"--{name.replace('_', '-')}", type=float, help="default: searched")
    forecast.add_argument("--seed", type=_count(0), default=0, help="draws weights and settings (default: 0)")
    forecast.set_defaults(run=_run_forecast)

    export = commands.add_parser(
        "export",
        help="write a fitted model from a file as C for a microcontroller",
        description="Write a fitted model as C99 that computes what Python computes, and print its sizes.",
    )
    export.add_argument("model", type=Path, help="file that reservoirs.save has written")
    export.add_argument(
        "--c", type=Path, required=True, metavar="NAME.h", help="header to write; every identifier begins with NAME"
    )
    export.add_argument("--dtype", choices=DTYPES, default="float32", help="numbers to compute in (default: float32)")
    export.add_argument("--style", choices=STYLES, default=STYLES[0], help="one header, or also NAME.c")
    export.add_argument(
        "--refit",
        type=Path,
        metavar="DATA.npz",
        help="with integers: the arrays X and y of the fit (a forecaster needs only y), to fit the readout to again; "
        "lengths cuts them into sequences",
    )
    export.add_argument("--learner", choices=_LEARNERS, help="how the readout goes on learning on the device")
    export.add_argument("--learning-rate", type=float, help="of nlms (default: 0.5) or lms (default: 0.001)")
    export.add_argument("--forgetting", type=float, help="of rls (default: 1, which forgets nothing)")
    export.add_argument("--alpha", type=float, help="ridge penalty of rls, which needs one")
    export.add_argument(
        "--anomaly",
        type=float,
        metavar="FORGETTING",
        help="add a score of how unusual each row is, with this forgetting",
    )
    export.set_defaults(run=_run_export)

    info = commands.add_parser("info", help="show version, build, SIMD level, threads and BLAS")
    info.set_defaults(run=_run_info)

    show = commands.add_parser("demo", help="forecast and classify real data, beside naive baselines")
    show.add_argument(
        "--output", type=Path, default=Path("demo-output"), help="folder of the pictures (default: %(default)s)"
    )
    show.add_argument("--quick", action="store_true", help="fewer data and settings")
    show.set_defaults(run=_run_demo)
    return parser


def _count(least: int) -> Any:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        # The seed of a RandomState has 32 bits.
        if not least <= value < 2**32:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return value

    return parse


def _run_info(_: argparse.Namespace) -> None:
    for name, value in show_config().items():
        print(f"{name:>14}  {', '.join(value) if isinstance(value, list) else value}")


def _run_demo(options: argparse.Namespace) -> None:
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        demo.run(options.output, quick=options.quick)
    except (ImportError, OSError) as error:
        raise UsageError(error) from error


def _run_export(options: argparse.Namespace) -> None:
    if options.c.suffix != ".h":
        raise UsageError(f"--c {options.c}: the name must end in .h")
    _check_writable(options.c)
    learner = _make_learner(options)
    try:
        model = load(options.model)
    except OSError as error:
        raise UsageError(f"cannot read {options.model}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(error) from error
    try:
        refit = None if options.refit is None else _read_fit(options.refit, model)
        code = to_c(
            model,
            options.c.stem,
            dtype=options.dtype,
            style=options.style,
            refit=refit,
            learner=learner,
            anomaly=options.anomaly,
        )
    except ValueError as error:
        raise UsageError(error) from error
    for name, text in code.files.items():
        _write(options.c.with_name(name), text.encode("ascii"))
    print(code.facts)


def _make_learner(options: argparse.Namespace) -> Any:
    """Return the rule that the options describe, or None."""
    rule = _LEARNERS.get(options.learner)
    names = ("learning_rate", "forgetting", "alpha")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    if wrong := [name for name in given if rule is None or name not in signature(rule).parameters]:
        of = "needs --learner" if rule is None else f"is no parameter of --learner {options.learner}"
        raise UsageError(f"--{wrong[0].replace('_', '-')} {of}")
    return None if rule is None else rule(**given)


def _read_fit(path: Path, model: Any) -> tuple[Any, ...]:
    """Return the arguments of the model's `fit` from a file of the arrays X, y and, of several sequences, lengths."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is not a file of arrays as numpy.savez writes them") from error
    if unknown := arrays.keys() - {"X", "y", "lengths"}:
        raise UsageError(f"{path} has {', '.join(sorted(unknown))}; expected X, y and lengths only")
    if "y" not in arrays:
        raise UsageError(f"{path} has no array y")
    lengths = arrays.pop("lengths", None)
    if lengths is not None:
        arrays = {name: _cut(path, name, rows, lengths) for name, rows in arrays.items()}
    order = signature((model[-1] if isinstance(model, Pipeline) else model).fit).parameters
    return tuple(arrays[name] for name in order if name in arrays)


def _cut(path: Path, name: str, rows: NDArray[Any], lengths: NDArray[Any]) -> Any:
    """Return stacked sequences as a list; what has one value a sequence stays."""
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or not lengths.size or lengths.min() < 1:
        raise UsageError(f"{path}: lengths must be positive integers")
    if len(rows) == len(lengths) and len(rows) != lengths.sum():
        return rows
    if len(rows) != lengths.sum():
        raise UsageError(f"{path}: {name} has {len(rows)} rows, but lengths add up to {lengths.sum()}")
    return np.split(rows, np.cumsum(lengths)[:-1])


def _run_forecast(options: argparse.Namespace) -> None:
    for path in (options.output, options.plot):
        _check_writable(path)
    if options.plot is not None:
        _check_picture(options.plot)
    name, y = read_series(options.file, options.column)
    print(f"{options.file}: {len(y)} values of {name}")
    begin = time.perf_counter()
    given = {key: value for key in (*_SETTINGS, "season") if (value := getattr(options, key)) is not None}
    try:
        tuned = tune_forecaster(y, horizon=options.horizon, random_state=options.seed, **given)
    except ValueError as error:
        raise UsageError(error) from error
    seconds = time.perf_counter() - begin
    forecast = tuned.forecast(options.horizon)
    _print_report(tuned, given, options.horizon, seconds)
    if options.output is None:
        print(_as_csv(forecast), end="")
    else:
        _write(options.output, _as_csv(forecast).encode())
    if options.plot is not None:
        _write(options.plot, _picture(tuned, forecast, name, options.plot.suffix[1:]))


def _print_report(tuned: TunedForecaster, given: dict[str, Any], horizon: int, seconds: float) -> None:
    print(f"Settings ({seconds:.1f} s):")
    for name in _SETTINGS:
        print(f"  {name} = {tuned.params[name]:g}{' (given)' if name in given else ''}")
    print(f"  features = {tuned.params['features']}")
    if tuned.season is not None:
        print(f"  season = {tuned.season}{' (given)' if 'season' in given else ' (detected)'}")
    if tuned.lag is not None:
        print(f"  differenced over {tuned.lag} step{'s' if tuned.lag > 1 else ''}")
    print(f"Backtest: error (RMSE) of {tuned.n_origins} forecasts of {horizon} steps on data not used to choose:")
    for name, error in tuned.backtest.items():
        print(f"  {name:<14} {error:.6g}")
    naive = min(error for name, error in tuned.backtest.items() if name != "ESN")
    if not tuned.backtest["ESN"] < naive:
        print("  The network is no better than the best naive forecast here: mistrust its forecast.")


def read_series(path: Path, column: str | None = None) -> tuple[str, NDArray[np.float64]]:
    r"""Read one column of numbers from a CSV file, or a text file of one number a line.

    Parameters
    ----------
    path : Path
        The file, in UTF-8. Its first row is a header unless it holds nothing but numbers.
    column : str, default=None
        Name or 0-based index of the column. None takes the only one that begins with a number.

    Returns
    -------
    name : str
        The name of the column.
    values : ndarray of shape (n_timesteps,)

    Raises
    ------
    UsageError
        For a file that cannot be read, a column that does not exist and a cell that is not a finite number.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from reservoirs.cli import read_series
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "tide.csv"
    ...     _ = path.write_text("day,level\nMon,1.5\nTue,2\n")
    ...     read_series(path)
    ('level', array([1.5, 2. ]))
    """
    rows = _read_rows(path)
    first = rows[0][1]
    if all(_is_number(cell) for cell in first):
        names = [f"column {i}" for i in range(len(first))]
    else:
        names, rows = [cell.strip() for cell in first], rows[1:]
    if not rows:
        raise UsageError(f"{path} has a header and no data")
    index = _only_numeric(path, names, rows) if column is None else _find_column(path, names, column)
    return names[index], np.array([_parse_cell(path, line, row, index, names[index]) for line, row in rows])


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows with their line numbers, without blank lines at the end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8 (byte {error.start} is not)") from error
    if "\0" in text:
        raise UsageError(f"{path} is a binary file; expected CSV or one number a line")
    reader = csv.reader(io.StringIO(text.rstrip(), newline=""))
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error
    if not rows:
        raise UsageError(f"{path} is empty")
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _only_numeric(path: Path, names: list[str], rows: list[tuple[int, list[str]]]) -> int:
    numeric = [i for i, name in enumerate(names) if _begins_with_number(rows, i)]
    if len(names) == 1 or len(numeric) == 1:
        return (numeric or [0])[0]
    found = f"{len(numeric)} numeric columns" if numeric else "no numeric column"
    raise UsageError(f"{path} has {found}; choose one with --column: {', '.join(names)}")


def _begins_with_number(rows: list[tuple[int, list[str]]], index: int) -> bool:
    cells = (row[index] for _, row in rows if len(row) > index and row[index].strip())
    return _is_number(next(cells, ""))


def _find_column(path: Path, names: list[str], column: str) -> int:
    if column in names:
        return names.index(column)
    if column.isdecimal() and int(column) < len(names):
        return int(column)
    raise UsageError(f"{path} has no column {column!r}; it has: {', '.join(names)}")


def _parse_cell(path: Path, line: int, row: list[str], index: int, name: str) -> float:
    text = row[index].strip() if len(row) > index else ""
    if not text:
        raise UsageError(f"{path}, line {line}: no value in {name}; fill gaps before forecasting")
    if not _is_number(text):
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise UsageError(f"{path}, line {line}: {shown!r} in {name} is not a number")
    value = float(text)
    if not math.isfinite(value):
        raise UsageError(f"{path}, line {line}: {text!r} in {name} is not finite; fill gaps before forecasting")
    return value


def _as_csv(forecast: NDArray[np.float64]) -> str:
    return "step,value\n" + "".join(f"{step},{value:.10g}\n" for step, value in enumerate(forecast, start=1))


def _picture(tuned: TunedForecaster, forecast: NDArray[np.float64], name: str, file_format: str) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    ax = figure.subplots()
    n_steps = len(forecast)
    if tuned.season is None:
        naive, naive_name = persistence(tuned.series, n_steps), "persistence"
    else:
        naive, naive_name = seasonal_naive(tuned.series, n_steps, tuned.season), "seasonal naive"
    plotting.ForecastDisplay.from_predictions(
        tuned.series, None, forecast, naive=naive, naive_name=naive_name, n_past=max(50, 3 * n_steps), ax=ax
    )
    ax.set_ylabel(name)
    picture = io.BytesIO()
    figure.savefig(picture, format=file_format, dpi=120)
    return picture.getvalue()


def _check_picture(path: Path) -> None:
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise UsageError("--plot needs matplotlib: pip install reservoirs[plot]") from error
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        raise UsageError(f"--plot {path}: the name must end in one of {', '.join(f'.{name}' for name in formats)}")


def _check_writable(path: Path | None) -> None:
    """Fail before the work is done rather than after it."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no directory {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: the directory {path.parent} is not writable")


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    print(f"Wrote {path}")
