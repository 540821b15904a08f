import json

import numpy as np
import pytest

accuracy = pytest.importorskip("bench.liquid_accuracy", reason="bench/ lies in the source tree only")


@pytest.fixture
def split():
    X, y = np.arange(12.0)[:, None], np.arange(12) % 2
    return accuracy.Split((X[:6], X[6:9], X[9:]), (y[:6], y[6:9], y[9:]))


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    accuracy.main(["--quick", "--output", str(tmp_path)])

    report = json.loads((tmp_path / "liquid_accuracy.json").read_text())
    printed = capsys.readouterr().out.split("```")[1].strip().splitlines()[1:]
    assert report["quick"]
    assert len({row["name"] for row in report["rows"]}) == len(report["rows"]) == len(printed) == 13
    for row, line in zip(report["rows"], printed, strict=True):
        assert line.startswith(row["name"] + " ")
        assert (row["met"] is None) == (row["target"] is None)
        assert row["met"] is None or line.count("ok" if row["met"] else "MISSED") == 1
        assert all(0.5 < value < 1.1 for value in row["values"])


def test_mean_over_seeds_is_held_against_the_target():
    assert accuracy.Row("", [0.9, 1.0], 0.95).met
    assert "MISSED" in str(accuracy.Row("", [0.9, 0.99], 0.95))
    assert "0.9500 +- 0.0707  (0.9000..1.0000)" in str(accuracy.Row("", [0.9, 1.0]))


def test_last_training_images_are_to_choose_by():
    data = accuracy.Bunch(X_train=np.arange(10), y_train=-np.arange(10), X_test=np.arange(3), y_test=np.arange(3))
    split = accuracy.Split.of(data, 4)
    assert [part.tolist() for part in split.X] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9], [0, 1, 2]]
    assert split.y[1].tolist() == [-6, -7, -8, -9]
    assert [part.tolist() for part in split.to_choose(2).X] == [[0, 1], [6, 7]]


def test_images_of_real_recordings_are_left_out_of_all_but_the_test(split):
    left = accuracy.without(split, np.array([1, 5, 6]))
    assert [part.ravel().tolist() for part in left.X] == [[0, 2, 3, 4], [7, 8], [9, 10, 11]]
    assert [part.tolist() for part in left.y] == [[0, 0, 1, 0], [1, 0], [1, 0, 1]]


def test_penalty_is_the_best_on_the_validation_part(monkeypatch):
    monkeypatch.setattr(accuracy, "ALPHAS", (1e3, 1e-3))
    X, y = np.array([[-3.0], [-1.0], [1.0], [1.0], [1.0]]), np.array([0, 0, 1, 1, 1])
    valid, alpha, readout = accuracy.learn(accuracy.Split((X, X), (y, y)))
    assert (valid, alpha) == (1.0, 1e-3)
    assert readout.predict([[-2.0], [2.0]]).tolist() == [0, 1]


def test_window_has_the_on_events_of_the_middle():
    events = accuracy.Events.from_arrays(
        [0, 10, 20, 30, 40, 320_000],
        [9 * 34 + 9, 9 * 34 + 9, 24 * 34 + 24, 8 * 34 + 9, 9 * 34 + 25, 9 * 34 + 9],
        [0, 1, 1, 1, 1, 1],
        shape=(34, 34),
    )
    seen = accuracy.window(events)
    assert (seen.t.tolist(), seen.address.tolist()) == ([10, 20], [0, 255])
    assert (seen.n_channels, seen.duration) == (256, 315_000)


def test_small_liquid_follows_the_protocol():
    rng = np.random.default_rng(0)
    events = accuracy.Events.from_arrays(
        rng.integers(315_000, size=1500), rng.integers(256, size=1500), shape=(16, 16), duration=315_000
    )
    liquid = accuracy.small_liquid(accuracy.QUICK, 0.7, 0.5, seed=3)
    W, W_in = (each.toarray().astype(np.float64) for each in (liquid.W_, liquid.W_in_))
    shown = np.zeros((50, 256))
    shown[events.to_steps(6.3)] = 1
    v, s, counts = np.zeros((3, 20))
    for row in shown:
        v = 0.9 * v * (1 - s) + W_in @ row + W @ s
        s = (v > 5).astype(float)
        counts += s
    assert counts.sum() > 50
    np.testing.assert_array_equal(liquid.transform([events])[0], counts)
    assert (np.count_nonzero(W), np.count_nonzero(W_in)) == (20 * 19, 20 * 256)
    assert W_in.mean() == pytest.approx(0, abs=0.03)
    assert W_in.std() == pytest.approx(0.7, abs=0.03)
    assert W.std() == pytest.approx(0.5, abs=0.08)


def test_small_liquid_may_have_no_recurrence():
    assert not accuracy.small_liquid(accuracy.QUICK, 0.7, 0.0, seed=0).W_.data.any()


def test_spike_counts_are_those_of_the_encoder():
    images = np.random.default_rng(0).integers(256, size=(3, 30))
    split = accuracy.Split((images,) * 3, (np.zeros(3),) * 3)
    encoder = accuracy.RateEncoder(3000.0).fit(images)
    drawn = accuracy.spike_counts(split, accuracy.Size(duration=3000.0), seed=0).X[2]
    encoded = np.array([each.counts() / len(each) for each in encoder.transform(images)])
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(drawn, encoded, atol=0.006)


def test_comparison_with_real_recordings_of_the_same_images():
    digits, recordings = accuracy.toys()
    correlation, ratio = accuracy.compare(digits.X_train, recordings, seed=1)
    assert (correlation, ratio) == (pytest.approx(1), 1)  # the stand-ins are of this seed
    correlation, ratio = accuracy.compare(digits.X_train, recordings, seed=2)
    assert 0.9 < correlation < 0.999
    assert ratio == pytest.approx(1, abs=0.05)


def test_no_seeds_are_refused(capsys):
    with pytest.raises(SystemExit):
        accuracy.main(["--quick", "--seeds", "0"])
    assert "--seeds 0 must be at least 1" in capsys.readouterr().err
