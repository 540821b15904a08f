from __future__ import annotations

import json

import numpy as np
import pytest

ei_balance = pytest.importorskip("bench.papers.ei_balance")


@pytest.mark.filterwarnings("ignore:the forecast diverged:RuntimeWarning", "ignore:EIBalance:RuntimeWarning")
def test_quick_run_prints_and_draws_everything(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "rows.json"
    ei_balance.main(["--quick", "--only", "gain", "targets", "balances", "--json", str(path)])
    printed = capsys.readouterr().out
    for said in ("1. targets", "2. memory", "3. memory", "4. NARMA-10", "5. memory", "over the best global network"):
        assert said in printed
    ei_balance.main(["--quick", "--only", "lorenz", "--json", str(path), "--figures", str(tmp_path)])
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 6 + 8 + 2 * 16 + 2 + 3 * 9
    assert np.isfinite([value for row in rows for value in row["values"]]).all()
    assert all((tmp_path / name).stat().st_size for name in ("ei_balance.png", "ei_balance_scales.png"))
