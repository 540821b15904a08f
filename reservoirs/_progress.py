"""Progress of long work: a tqdm bar if it is installed, lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(total: int, what: str, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """Give a function that says how much more is done.

    Parameters
    ----------
    total : int
        How much there is to do.
    what : str
        What is counted.
    shown : bool
        Whether to show anything.
    """
    if not shown:
        yield lambda n: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield _Lines(total, what)
        return
    with tqdm(total=total, unit=f" {what}") as bar:
        yield bar.update


class _Lines:
    """Writes a line to stderr whenever another tenth is done."""

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._done = 0

    def __call__(self, n: int) -> None:
        tenths = 10 * self._done // self._total
        self._done += n
        if 10 * self._done // self._total > tenths:
            print(f"{self._done} of {self._total} {self._what}", file=sys.stderr, flush=True)
