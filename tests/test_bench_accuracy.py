import json
import math

import numpy as np
import pytest

accuracy = pytest.importorskip("bench.accuracy", reason="bench/ is not in the source distribution")


@pytest.mark.filterwarnings("ignore:the forecast diverged:RuntimeWarning")
def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    accuracy.main(["--quick", "--output", str(tmp_path)])

    report = json.loads((tmp_path / "accuracy.json").read_text())
    names = [row["task"] for row in report["rows"]]
    assert report["quick"]
    assert len(names) == len(set(names)) == 14
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    for row in report["rows"]:
        assert row["tuned"]["lowest"] <= row["tuned"]["median"] <= row["tuned"]["highest"]
        assert (row["tuned"]["passed"] is None) == (row["tuned"]["asked"] is None)


def test_full_run_asks_for_the_targets_and_defaults_for_half_of_them():
    error = accuracy.Task("", "", 0.1, None, None, None)
    time = accuracy.Task("", "", 10.0, None, None, None, higher=True)
    assert (error.limit(), time.limit()) == (0.2, 5.0)


def test_median_decides_and_either_direction_is_judged():
    values = [3.0, 1.0, 2.0]
    lower = accuracy.Task("", "", 2.0, lambda model, seed: values[seed], None, None)
    higher = accuracy.Task("", "", 2.5, lambda model, seed: values[seed], None, None, higher=True)
    figures = accuracy.measure(lower, lambda seed: None, lower.target, 3)
    assert (figures.median, figures.lowest, figures.highest, figures.passed) == (2.0, 1.0, 3.0, True)
    assert not accuracy.measure(higher, lambda seed: None, higher.target, 3).passed


def test_memory_capacity_of_a_short_cycle_is_the_theory():
    # 11 is prime: whatever the signs of the input weights, the input reaches every direction.
    network = accuracy.EchoStateNetwork(
        11, topology="cycle", activation="identity", spectral_radius=0.8, leak_rate=1.0, bias_scaling=0.0
    )
    assert math.isclose(accuracy.memory_capacity(network, 20_000, 40, 0), 10 + 0.8**22, abs_tol=0.1)


def test_narma_series_align_input_and_output():
    u, y = accuracy.narma_series(300, 0)
    assert u.shape == (299, 1)
    assert y.shape == (299,)
    # y(t + 1) of the recursion depends on u(t) and u(t - 9): row t of the task holds both ends.
    rebuilt = 0.3 * y[98] + 0.05 * y[98] * y[89:99].sum() + 1.5 * u[90, 0] * u[99, 0] + 0.1
    np.testing.assert_allclose(y[99], rebuilt)
