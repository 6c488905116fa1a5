"""Runs the installed `devrouter` as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTABLE = str(Path(sys.executable).with_name("devrouter"))


@dataclass(frozen=True)
class Ended:
    """How a command ended. It never ends in a traceback."""

    status: int
    stdout: str
    stderr: str


def devrouter(
    *arguments: str | Path,
    stdin: bytes | None = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run one command to its end, without a model unless the arguments name an engine."""
    asks = "--engine" not in arguments and arguments[:1] not in (("ignored",), ("feedback",))
    options = ["--engine", "instant"] if arguments and asks else []
    first, *rest = arguments
    done = subprocess.run(
        [EXECUTABLE, first, *options, *rest] if not str(first).startswith("-") else [EXECUTABLE, *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended
