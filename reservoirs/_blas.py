"""How many threads BLAS and LAPACK take.

Their threads go on spinning for a while after they are done. Meanwhile ours wait for a processor, 4 ms at a time: whole
fits of 100 units took two to three times as long.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

# Up to so many rows threads gain a millisecond at most (measured on 2 cores).
_FEW = 400


def one_thread() -> AbstractContextManager[Any]:
    """Keep BLAS to the thread that calls it."""
    limit: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limit


def one_thread_for_few(n_rows: int) -> AbstractContextManager[Any]:
    """Do so for matrices of so few rows that threads gain nothing."""
    return one_thread() if n_rows <= _FEW else nullcontext()


@cache
def _controller() -> Any:
    # To look for the libraries takes milliseconds; NumPy and SciPy have loaded theirs by now.
    return ThreadpoolController()
