"""How many threads BLAS takes while we solve small problems, and afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from reservoirs import _blas
from reservoirs.readout import Gram, solve_ridge


@pytest.fixture(autouse=True)
def _two_threads():
    with threadpool_limits(2, user_api="blas"):
        if n_threads() != {2}:
            pytest.skip("BLAS has a single thread here")
        yield


def n_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_only_few_rows_are_limited():
    with _blas.one_thread_for_few(_blas._FEW + 1):
        assert n_threads() == {2}
    with _blas.one_thread_for_few(_blas._FEW):
        assert n_threads() == {1}


def test_small_ridges_take_one_thread(monkeypatch, rng):
    seen = []
    monkeypatch.setattr("reservoirs.readout._solve_cholesky", lambda *_: seen.append(n_threads()))
    for n_features in (3, _blas._FEW + 1):
        gram = Gram()
        gram.update(rng.standard_normal((10, n_features)), np.zeros((10, 1)))
        solve_ridge(gram, 1.0)
    assert seen == [{1}, {2}]
    assert n_threads() == {2}
