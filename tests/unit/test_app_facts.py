"""Which folder's facts count for a file, and that asking for them holds up nothing."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from typing import TYPE_CHECKING

import pytest

from devrouter.app.facts import Known, Workspaces, root_of
from devrouter.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "docs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    return folder


def test_the_innermost_open_folder_comes_first(project: Path) -> None:
    file = project / "docs" / "a.prompt.md"
    assert root_of(file, [project.parent, project / "docs", project]) == project / "docs"
    assert root_of(file, [project / "other"]) == project
    assert root_of(file, []) == project


def test_a_file_of_no_project_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = tmp_path / "claude-prompt-1.md"
    assert root_of(draft, []) is None
    # Whoever puts a manifest into the folder for temporary files shall not be read for others' drafts.
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    assert root_of(draft, []) == tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert root_of(draft, []) is None
    assert root_of(draft, [tmp_path]) == tmp_path, "a folder that the user opened counts"


async def test_the_loop_goes_on_while_a_folder_is_slow(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    facts = Workspace.facts

    def slow(self: Workspace, text: str, *, wait: float) -> object:
        assert released.wait(30)
        return facts(self, text, wait=wait)

    monkeypatch.setattr(Workspace, "facts", slow)
    workspaces = Workspaces()
    asked = asyncio.create_task(workspaces.ask(project / "a.prompt.md", [], "see src/ap.py"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not asked.done()
    released.set()
    assert isinstance(await asked, Known)
    workspaces.close()


async def test_a_document_that_is_no_file_is_not_looked_up() -> None:
    workspaces = Workspaces()
    assert await workspaces.ask(None, [], "see src/ap.py") == Known()
    workspaces.close()


def test_files_that_are_named_and_absent_are_known(project: Path) -> None:
    (project / "app.py").write_text("x = 1\n", encoding="utf-8")
    known = Workspaces().of_folder(project, "see app.py and src/ap.py", wait=30)
    assert known.absent_files == ("src/ap.py",)
    assert "`app.py`" in {fact.name for fact in known.facts}
