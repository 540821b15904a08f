import json
import shutil

import numpy as np
import pytest

roofline = pytest.importorskip("bench.roofline", reason="bench/ lies in the source tree only")


@pytest.mark.skipif(shutil.which("g++") is None, reason="the probes are compiled by g++")
def test_quick_run_prints_and_writes_every_row(tmp_path, capsys):
    roofline.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    written = json.loads((tmp_path / "roofline.json").read_text())
    assert min(written["probes"].values()) > 0
    assert len(written["results"]) == 14
    for result in written["results"]:
        assert result["row"] in printed
        medians = {of: np.median(seconds) for of, seconds in result["seconds"].items() if of != "ours"}
        assert result["limit"] == max(medians, key=medians.get)
        assert len(result["share"]) == 3
        assert all(min(seconds) > 0 for seconds in result["seconds"].values())
