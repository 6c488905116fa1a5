"""Editors, each with a server of its own and an empty workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.lsp.harness import CLIENTS, Editor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Start(Protocol):
    """Starts one more editor in the test's workspace."""

    async def __call__(
        self, client: str = CLIENTS[0], options: dict[str, Any] | None = None, *, status: bool = False
    ) -> Editor: ...


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
async def start(workspace: Path) -> AsyncIterator[Start]:
    editors = []

    async def start(
        client: str = CLIENTS[0], options: dict[str, Any] | None = None, *, status: bool = False
    ) -> Editor:
        editor = Editor()
        editors.append(editor)
        await editor.begin(client, workspace, {"engine": "instant", **(options or {})}, status=status)
        return editor

    yield start
    for editor in editors:
        await editor.quit()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """Each recorded editor's name in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def editor(start: Start, client: str) -> Editor:
    """Each recorded editor in turn, with a server and the instant engine alone."""
    return await start(client)


@pytest.fixture
def uri(workspace: Path) -> str:
    return (workspace / "draft.prompt.md").as_uri()
