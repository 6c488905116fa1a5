"""The repository's own commands: clear words where they cannot work, and clean style."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lint

ROOT = Path(__file__).resolve().parents[1]
TRY = ROOT / "scripts" / "try.py"


@pytest.mark.parametrize("name", lint.CHECKS)
@pytest.mark.timeout(600)
def test_style(name: str) -> None:
    done = subprocess.run(
        [sys.executable, *lint.CHECKS[name]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "training", "others"),
    [
        ([], ["tests/train"], ["--ignore=tests/train"]),
        (["-k", "server"], ["-k", "server", "tests/train"], ["-k", "server", "--ignore=tests/train"]),
        (["tests"], ["tests/train"], ["--ignore=tests/train", "tests"]),
        (["-x", "tests/train/test_tune.py::test_a"], ["-x", "tests/train/test_tune.py::test_a"], None),
        (
            ["tests/unit", "tests/train/test_tune.py"],
            ["tests/train/test_tune.py"],
            ["--ignore=tests/train", "tests/unit"],
        ),
    ],
)
def test_tests_go_to_the_environment_that_can_run_them(
    arguments: list[str], training: list[str], others: list[str] | None
) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "test.py"))
    assert script["is_selected"]("tests/train", arguments)
    assert script["parted"](arguments) == (training, others)


def test_the_tests_of_one_folder_need_no_other() -> None:
    is_selected = runpy.run_path(str(ROOT / "scripts" / "test.py"))["is_selected"]
    assert is_selected("tests/runtime", ["tests/runtime/test_batch.py", "-k", "rewrite"])
    assert not is_selected("tests/train", ["tests/unit", "tests/test_readme.py"])


def test_an_old_python_is_told_so() -> None:
    """The real thing where an old Python is at hand; else ours claims to be one."""
    old = next((p for p in ("python3.8", "python3.9", "python3.10") if _runs(p)), None)
    claim = "sys.version_info = (3, 8, 1)"
    done = _run([old, str(TRY)] if old else [sys.executable, "-c", _try_after(claim)])
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_names_the_package(tmp_path: Path) -> None:
    lacking = "sys.modules['ensurepip'] = None"
    done = _run([sys.executable, "-c", _try_after(lacking)], XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"apt install python3.{sys.version_info.minor}-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_network_is_told_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    done = _run(
        [sys.executable, str(TRY)], XDG_CACHE_HOME=str(tmp_path), PIP_CONFIG_FILE=os.devnull, **nowhere
    )
    assert done.returncode == 1
    assert "could not be installed" in done.stderr
    assert "network" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "devrouter" / "environments").iterdir())


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def _runs(python: str) -> bool:
    """Whether the command is a Python and not just the shim of a version manager."""
    return bool(shutil.which(python)) and _run([python, "--version"]).returncode == 0


def _try_after(statement: str) -> str:
    """Code that runs scripts/try.py as a script does, in an interpreter so prepared."""
    start = f"sys.path.insert(0, {str(TRY.parent)!r}); sys.argv = [{str(TRY)!r}]"
    return f"import runpy, sys; {statement}; {start}; runpy.run_path({str(TRY)!r}, run_name='__main__')"
