"""The benchmark of spoken digits, on chords."""

from __future__ import annotations

import json

import numpy as np
import pytest

from reservoirs.encoding import Events

speech = pytest.importorskip("bench.speech", reason="bench/ lies in the source tree only")


def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    speech.main(["--quick", "--output", str(tmp_path)])

    report = json.loads((tmp_path / "speech.json").read_text())
    printed = capsys.readouterr().out.split("```")[1].strip().splitlines()[1:]
    assert report["quick"]
    assert len({row["name"] for row in report["rows"]}) == len(report["rows"]) == len(printed) == 14
    for row, line in zip(report["rows"], printed, strict=True):
        assert line.startswith(row["name"] + " ")
        assert row["met"] is None
        figures = [value for values in row["values"].values() for value in values]
        assert len(row["values"]) == (1 if row["name"].startswith("official") else 3)
        assert figures == [0.25] * len(figures) if "chance" in row["name"] else min(figures) > 0.4


def test_one_encoder_alone(capsys):
    speech.main(["--quick", "--encoder", "delta"])
    printed = capsys.readouterr().out
    assert "delta" in printed
    assert "bsa" not in printed


def test_a_row_is_the_mean_over_test_sets_of_each_seed():
    row = speech.Row("row", {"a": [0.9, 1.0], "b": [0.8, 1.0]}, target=0.9)
    np.testing.assert_allclose(row.means, [0.85, 1.0])
    assert row.met
    assert "0.9250 +- 0.1061  (0.8500..1.0000)" in str(row)
    assert str(row).endswith("a 0.950, b 0.900")
    assert "MISSED" in str(speech.Row("row", {"a": [0.9]}, target=0.95))
    assert speech.Row("row", {"a": [0.9]}).met is None


def test_spikes_are_counted_in_parts_of_the_recording():
    events = Events.from_arrays([0, 199, 200, 999], [1, 0, 0, 1], shape=2, duration=1000)
    counts = speech.count_spikes([events])
    assert counts.tolist() == [[1, 1, 1, 0, 0, 0, 0, 0, 0, 1]]


def test_test_sets_are_the_official_one_and_each_speaker():
    data = speech.Recordings.of(speech.chords())
    splits = data.splits()
    assert splits["official split"]["test"].sum() == 12
    assert [int(test.sum()) for test in splits["unknown speaker"].values()] == [12, 12, 12]
    assert len(data.heard) == len(data.digit) == len(data.speaker) == 36
    seen = []

    class Model:
        def fit(self, X, y):
            seen.append((len(X), len(y)))

        def score(self, X, y):
            seen.append((len(X), len(y)))
            return 0.5

    assert data.score(Model(), data.test) == 0.5
    assert seen == [(24, 24), (12, 12)]
