from __future__ import annotations

import pytest

from reservoirs import EchoStateNetwork
from reservoirs.diagnostics import information_processing_capacity

speed = pytest.importorskip("bench.diagnostics_speed", reason="bench/ lies in the source tree only")


def test_quick_run_prints_every_table(capsys):
    speed.main(["--quick"])
    printed = capsys.readouterr().out
    assert printed.count("\n## ") == 5
    assert printed.count("\n| 0.1, 0.0 | ") == 1
    assert printed.count("| linear cycle") == 2


def test_plain_twin_agrees():
    network = EchoStateNetwork(10, input_scaling=1.0, random_state=0)
    found = information_processing_capacity(network, n_timesteps=20_000, random_state=0)
    terms = sorted(found.terms, key=found.terms.get)[-30:]
    _, capacities = speed.plain_processing(network, 20_000, terms)
    # Other inputs, and chance not subtracted.
    assert capacities == pytest.approx([found.terms[term] for term in terms], abs=0.03)
