"""What is published builds and works: the source distribution, unpacked somewhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytest.importorskip("scikit_build_core", reason="the build tools are not installed: `make test` installs them")


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def borrowing_venv(folder: Path) -> str:
    """Make an environment that sees our packages, but not our editable install, and return its interpreter."""
    venv.create(folder, symlinks=True)
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_sdist_builds_and_its_tests_pass(tmp_path: Path) -> None:
    if not (ROOT / "CMakeLists.txt").exists():
        pytest.skip("these tests do not lie in a source tree")
    build = "from scikit_build_core.build import build_sdist; import sys; print(build_sdist(sys.argv[1]))"
    run(sys.executable, "-c", build, str(tmp_path), cwd=ROOT)
    (archive,) = tmp_path.glob("reservoirs-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    source = tmp_path / archive.name.removesuffix(".tar.gz")
    names = {str(path.relative_to(source)) for path in source.rglob("*")}
    assert {"LICENSE", "README.md", "Makefile", "csrc/kernels/step.inl", "reservoirs/py.typed", "tests"} <= names
    assert not [name for name in names if name.endswith((".so", ".pyc", ".o"))]

    # The quickest build that is whole: one level less optimisation, and into a folder of its own.
    python = borrowing_venv(tmp_path / "venv")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-build-isolation", "--no-deps"]
    run(*pip, str(source), cwd=tmp_path)
    where = run(python, "-c", "import reservoirs; print(reservoirs.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(tmp_path / "venv")
    assert Path(where).with_name("_core.pyi").exists()
    # Without its sources beside them, the tests find the package that was installed.
    (source / "reservoirs").rename(source / "moved-away")
    tests = ["tests/test_readout.py", "tests/test_reservoirpy.py", "tests/test_esn.py"]
    output = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=source)
    assert " passed" in output
