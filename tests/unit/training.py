"""What the tests of the training pipeline share: rows, and its commands as real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from train.rows import id_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts" / "train"

LABELS: dict[str, Any] = {
    "intent": "debug",
    "complexity": "low",
    "route": "small_local",
    "missing": [],
}


def prompt(text: str, **other: Any) -> dict[str, Any]:
    return {"id": id_of(text), "text": text, "source": "test", **other}


def labelled(text: str, **other: Any) -> dict[str, Any]:
    return {**prompt(text), **LABELS, "rewrite": text, **other}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def command(step: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(SCRIPTS / f"{step}.py"), *map(str, arguments)]


def run(step: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step to its end. It never ends in a traceback."""
    done = subprocess.run(
        command(step, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done
