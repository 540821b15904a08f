from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from reservoirs import EchoStateNetwork

untuned = pytest.importorskip("bench.untuned")


@pytest.mark.skipif(not (find_spec("reservoirpy") and find_spec("pmdarima")), reason="needs real series")
def test_quick_run_prints_every_task(capsys):
    untuned.main(["--quick"])
    printed = capsys.readouterr().out
    for name in ("NARMA-10", "Mackey-Glass", "Lorenz", "Santa Fe laser", "sunspots", "electricity"):
        assert f"| {name} | " in printed
    assert "median ratio of untuned to searched" in printed


def test_the_input_is_matched(rng):
    noise = rng.standard_normal((2000, 1))
    slow = np.sin(np.arange(2000) / 20)[:, None] * [3.0, 300.0]
    assert untuned.correlation_time(noise[:, 0]) == 1
    # The cosine falls below 1/e at arccos(1/e) = 1.19 rad; the taper of a finite series, little before.
    assert 23 <= untuned.correlation_time(slow[:, 0]) <= 24
    white = EchoStateNetwork(**untuned.untuned(60, 0)).fit(noise)
    assert (white.leak_rate_ == 1).all()
    smooth = EchoStateNetwork(**untuned.untuned(60, 0)).fit(slow)
    assert 0.1 <= smooth.leak_rate_.min() < 0.13 < 0.8 < smooth.leak_rate_.max() <= 1
    strength = abs(smooth.W_in_).max(axis=0) * slow.std(axis=0)
    np.testing.assert_allclose(strength / strength[0], 1, rtol=0.2)
