"""What the editors' tests share: a prompt file, and the set-up snippets exactly as README gives them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DRAFT = "My flask app crash when i upload teh big file and it throw some error.\n\nHow do i fix it?\n"


@dataclass(frozen=True)
class Visit:
    """What an editor reported: the findings it showed, its buffer once rewritten and after one undo."""

    findings: list[dict[str, Any]]
    rewritten: str
    undone: str


@pytest.fixture
def snippet(tmp_path: Path) -> Callable[[str], Path]:
    """README's set-up snippet that the comment `<!-- setup: NAME -->` marks, as a file."""

    def write(name: str) -> Path:
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        found = re.search(
            rf"<!-- setup: {re.escape(name)} -->\n+```\w+\n(.*?)^```", readme, re.DOTALL | re.MULTILINE
        )
        assert found, f"README.md has no set-up snippet for {name}"
        file = tmp_path / name
        file.write_text(found.group(1), encoding="utf-8")
        return file

    return write


@pytest.fixture
def visit(tmp_path: Path, home: Path) -> Callable[..., Visit]:
    """Runs an editor on the draft and reads its report. The editor finds `devrouter` on its PATH."""
    settings = home / ".config" / "devrouter"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text('engine = "instant"\n', encoding="utf-8")

    def run(command: Callable[[Path], list[str]]) -> Visit:
        draft, report = tmp_path / "draft.prompt.md", tmp_path / "report.json"
        draft.write_text(DRAFT, encoding="utf-8")
        environment = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DEVROUTER_TEST_DRAFT": str(draft),
            "DEVROUTER_TEST_REPORT": str(report),
        }
        done = subprocess.run(
            command(draft),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Visit(**json.loads(report.read_text(encoding="utf-8")))

    return run


@pytest.fixture
def expected_rewrite() -> str:
    """What the command line makes of the same draft."""
    done = subprocess.run(
        [BIN / "devrouter", "route", "--engine", "instant", "--json", "-"],
        input=DRAFT,
        capture_output=True,
        text=True,
        check=True,
    )
    rewrite: str = json.loads(done.stdout)["rewrite"]
    assert rewrite.strip() != DRAFT.strip()
    return rewrite
