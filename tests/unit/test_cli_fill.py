"""`devrouter check --fill`: what the project knows, written into prompts or shown, as a real command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from devrouter.cli.exit_status import ExitStatus
from tests.unit.command import devrouter
from tests.unit.made_up_secrets import ALPHANUMERIC, Maker

SAMPLES = Path(__file__).parents[1] / "workspaces"
ASKS = "write tests for parse_rows"
CONTEXT = "\n\nContext:\n- Test framework: pytest 8.3.2"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample of a Python project, as the current folder."""
    folder = tmp_path / "orders"
    shutil.copytree(SAMPLES / "python-uv", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_what_is_known_is_added_with_the_files_own_line_ends(end: str) -> None:
    path = Path("a.prompt.md")
    before = f"---{end}agent: ask{end}---{end}write tests for the export.{end}{ASKS}{end}" if end else ASKS
    path.write_bytes(before.encode())
    path.chmod(0o640)
    ended = devrouter("check", "--fill", path)
    after = path.read_bytes().decode()
    assert after.startswith(before.rstrip())
    assert CONTEXT.replace("\n", end or "\n") in after
    assert after.count("\n") == after.count("\r\n") or end != "\r\n"
    assert "def parse_rows(text):" in after
    assert "2 facts added" in ended.stderr
    assert "test framework" not in ended.stdout
    assert path.stat().st_mode & 0o777 == 0o640
    devrouter("check", "--fill", path)
    assert path.read_bytes().decode() == after, "nothing is added twice"


def test_diff_shows_it_and_writes_nothing() -> None:
    path = Path("a.prompt.md")
    path.write_text(f"{ASKS}\n", encoding="utf-8")
    ended = devrouter("check", "--fill", "--diff", path)
    assert ended.status == ExitStatus.FINDINGS
    assert "+- Test framework: pytest 8.3.2\n" in ended.stdout
    assert path.read_text(encoding="utf-8") == f"{ASKS}\n"
    assert "added" not in ended.stderr


def test_fix_and_fill_do_both_and_diff_alone_shows_the_rewrite() -> None:
    path = Path("a.prompt.md")
    path.write_text("write tests for teh parse_rows function\n", encoding="utf-8")
    assert "pytest" not in devrouter("check", "--diff", path).stdout
    shown = devrouter("check", "--fix", "--fill", "--diff", path).stdout
    assert "pytest 8.3.2" in shown
    ended = devrouter("check", "--fix", "--fill", path)
    text = path.read_text(encoding="utf-8")
    assert "teh" not in text
    assert "pytest 8.3.2" in text
    added = [line[1:] for line in shown.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert all(line in text.splitlines() for line in added)
    assert "1 rewrite applied" in ended.stderr
    assert "facts added" in ended.stderr


def test_fill_stays_inside_the_block_of_a_note() -> None:
    path = Path("notes.md")
    path.write_text(f"- a\n\n  ```prompt\n  {ASKS}\n  ```\n\n- b\n", encoding="utf-8")
    devrouter("check", "--fill", path)
    (prompt,) = _prompts(path)
    assert not [f for f in prompt["findings"] if f["facts"]]
    text = path.read_text(encoding="utf-8")
    assert "\n  - Test framework: pytest 8.3.2\n" in text
    assert "\n  ~~~\n  @staticmethod\n" in text or "\n  ~~~\n  def parse_rows" in text
    assert text.endswith("\n  ```\n\n- b\n")


def test_json_has_the_facts_of_each_finding() -> None:
    Path("a.prompt.md").write_text(ASKS, encoding="utf-8")
    (prompt,) = _prompts("a.prompt.md")
    facts = {finding["phrase"]: finding["facts"] for finding in prompt["findings"]}
    assert facts["test framework"] == [
        {"name": "test framework", "value": "pytest 8.3.2", "source": "uv.lock"}
    ]


def test_standard_input_is_filled_to_standard_output() -> None:
    ended = devrouter("check", "--fill", "-", stdin=f"{ASKS}\r\n".encode())
    assert ended.stdout.startswith(f"{ASKS}\r\n\r\nContext:\r\n- Test framework: pytest 8.3.2\r\n")
    assert ended.stdout.endswith("\r\n")


def test_a_file_in_no_project_takes_the_current_folders(tmp_path: Path) -> None:
    path = tmp_path / "draft.prompt.md"
    path.write_text(ASKS, encoding="utf-8")
    assert "pytest 8.3.2" in devrouter("check", "--fill", "--diff", path).stdout
    assert devrouter("check", "--fill", "--diff", path, cwd=tmp_path).stdout == ""


def test_an_ignored_finding_is_not_filled(project: Path) -> None:
    (project / ".devrouter.toml").write_text(
        'ignore = [{kind = "stack", phrase = "*"}, {kind = "code", phrase = "*"}]\n', encoding="utf-8"
    )
    Path("a.prompt.md").write_text(ASKS, encoding="utf-8")
    assert devrouter("check", "--fill", "--diff", "a.prompt.md").stdout == ""


@pytest.mark.parametrize("other", ["--mask", "--show-config"])
def test_what_goes_alone_says_so(other: str) -> None:
    ended = devrouter("check", "--fill", other)
    assert ended.status == ExitStatus.USAGE
    assert f"{other}" in ended.stderr


def _prompts(path: str | Path) -> list[dict[str, Any]]:
    report = json.loads(devrouter("check", "--format", "json", path).stdout)
    return [prompt for file in report["files"] for prompt in file["prompts"]]


def test_a_secret_in_a_file_of_the_project_is_added_masked(project: Path) -> None:
    key = Maker(43).some(ALPHANUMERIC, 32)
    (project / "conf.py").write_text(f'SECRET_KEY = "{key}"\n', encoding="utf-8")
    path = Path("a.prompt.md")
    path.write_text("why does my load handler in conf.py return an error 500?\n", encoding="utf-8")
    devrouter("check", "--fill", path)
    assert 'SECRET_KEY = "<secret-key>"' in path.read_text(encoding="utf-8")
