import json

import pytest

sparsity = pytest.importorskip("bench.sparsity", reason="bench/ lies in the source tree only")
narrow = pytest.importorskip("bench.narrow", reason="bench/ lies in the source tree only")
structured = pytest.importorskip("bench.structured", reason="bench/ lies in the source tree only")
quality = pytest.importorskip("bench.quality", reason="bench/ lies in the source tree only")


@pytest.mark.parametrize(("bench", "n_forms"), [(sparsity, 2), (narrow, 3), (structured, 4)])
def test_quick_run_prints_and_writes_every_row(bench, n_forms, tmp_path, capsys):
    bench.main(["--quick", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / f"{bench.__name__.removeprefix('bench.')}.json").read_text())
    tasks, rates = figures["quality"], figures.get("speed", {})
    assert len(tasks) == 5
    assert len(rates) == {sparsity: 4, narrow: 8, structured: 5}[bench]
    assert all(row in printed for row in [*tasks, *rates])
    assert all(len(forms) == n_forms for forms in tasks.values())
    assert all(len(form["values"]) == 3 for forms in tasks.values() for form in forms.values())


def test_a_difference_that_is_there_is_told():
    forms = {"random": (), "blocked": (1,)}
    same = quality.compare(lambda form, seed: 2 + seed % 3 + 0.1 * ((seed * 7 + len(form)) % 5), forms, 20)["blocked"]
    other = quality.compare(lambda form, seed: 2 + seed % 3 + 0.1 * len(form) * (1 + seed % 2), forms, 20)["blocked"]
    assert other["p"] < 1e-3 < same["p"]
    assert abs(same["change"]) < same["interval"]
    assert other["change"] - other["interval"] > 0
    assert other["change"] == pytest.approx(0.15 / 2.95)
