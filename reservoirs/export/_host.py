"""Compiling exported C with this machine's compiler, and running it."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")


def find_compiler() -> list[str]:
    """Return the command of the system's C compiler: what CC names, else cc, gcc or clang."""
    named = os.environ.get("CC")
    candidates = [shlex.split(named)] if named else [["cc"], ["gcc"], ["clang"]]
    for command in candidates:
        if command and shutil.which(command[0]):
            return command
    raise RuntimeError(
        f"CC={named!r} is not a C compiler that can be run"
        if named
        else "no C compiler found: predict compiles the exported C, for which cc, gcc or clang must be on PATH, or CC "
        "name one"
    )


def compile_shared(
    files: dict[str, str], main: str, compiler: Sequence[str] | None = None, flags: Sequence[str] = _FLAGS
) -> ctypes.CDLL:
    """Compile `main`, one of `files`, which may include the others, and load the result."""
    command = list(compiler) if compiler is not None else find_compiler()
    with tempfile.TemporaryDirectory(prefix="reservoirs-export-") as directory:
        folder = Path(directory)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="ascii")
        library = folder / "model.so"
        arguments = [*command, *flags, "-shared", "-fPIC", "-o", str(library), str(folder / main)]
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(arguments)} failed:\n{done.stderr}")
        # Loaded code stays in memory after the file is gone.
        return ctypes.CDLL(str(library))


class HostModel:
    """The compiled C code of one model.

    Parameters
    ----------
    library : ctypes.CDLL
        With the functions of the driver.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.host_state_bytes.restype = ctypes.c_size_t
        self.state_bytes: int = library.host_state_bytes()

    def self_test(self) -> int:
        """Return 0 if the compiled code gives the bits it should."""
        return int(self._library.host_self_test(self._state()))

    def run(self, u: np.ndarray, n_outputs: int) -> np.ndarray:
        """Return a regressor's outputs for one sequence."""
        u = np.ascontiguousarray(u, np.float32)
        out = np.empty((len(u), n_outputs), np.float32)
        self._library.host_run(self._state(), _pointer(u), ctypes.c_size_t(len(u)), _pointer(out))
        return out

    def run_on(self, y: np.ndarray, x: np.ndarray, n_steps: int) -> np.ndarray:
        """Return a forecaster's predictions, from the rows of y as far as there are any, then from its own."""
        y, x = np.ascontiguousarray(y, np.float32), np.ascontiguousarray(x, np.float32)
        out = np.empty((n_steps, y.shape[1]), np.float32)
        self._library.host_run(
            self._state(), _pointer(y), ctypes.c_size_t(len(y)), _pointer(x), ctypes.c_size_t(n_steps), _pointer(out)
        )
        return out

    def decide(self, u: np.ndarray, n_scores: int) -> tuple[int, np.ndarray]:
        """Return a classifier's decision on one sequence, -1 if it is too short, and the scores."""
        u = np.ascontiguousarray(u, np.float32)
        scores = np.zeros(n_scores, np.float32)
        decide = self._library.host_run
        return int(decide(self._state(), _pointer(u), ctypes.c_size_t(len(u)), _pointer(scores))), scores

    def show_spikes(
        self, steps: np.ndarray, channels: np.ndarray, n_steps: int, every: int, n_read: int
    ) -> tuple[int, np.ndarray]:
        """Show a liquid spikes; return its decision, and what is read of it after every so many steps."""
        steps, channels = steps.astype(np.int32), channels.astype(np.uint16)
        out = np.empty((n_steps // every, n_read), np.float32)
        sizes = [ctypes.c_size_t(size) for size in (len(steps), n_steps, every)]
        show = self._library.host_spikes
        return int(show(self._state(), _pointer(steps), _pointer(channels), *sizes, _pointer(out))), out

    def show_numbers(self, u: np.ndarray, every: int, n_read: int) -> tuple[int, np.ndarray]:
        """Show a liquid rows of numbers; return its decision, and what is read of it after every so many rows."""
        u = np.ascontiguousarray(u, np.float32)
        out = np.empty((len(u) // every, n_read), np.float32)
        sizes = [ctypes.c_size_t(size) for size in (len(u), every)]
        return int(self._library.host_numbers(self._state(), _pointer(u), *sizes, _pointer(out))), out

    def _state(self) -> Any:
        return (ctypes.c_uint64 * -(-self.state_bytes // 8))()


def _pointer(array: np.ndarray) -> Any:
    return ctypes.c_void_p(array.ctypes.data)
