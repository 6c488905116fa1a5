"""Editors that write beside a model server: what they are started with, and what they see of the model."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.lsp.harness import PATIENCE_SECONDS, Editor
from tests.runtime.fake_server import OLLAMA, Kind, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from lsprotocol import types

    from tests.runtime.fake_server import Answer

VSCODE, NEOVIM, EGLOT = "vscode-1.139.1", "neovim-0.11.4", "eglot-1.9"
TEXT = "my flask app gives a 500 when i upload a file, how do i fix it"
PHRASE = "Werkzeug version"
REPLY = {"rewrite": "My Flask app gives a 500 when I upload a file. How do I fix it?", "missing": [PHRASE]}
NAME = "helper"
"""The model's name on a staged server. It is no `devrouter`, so nobody expects it to answer all fields."""


@asynccontextmanager
async def editing(folder: Path, options: dict[str, Any], client: str = VSCODE) -> AsyncIterator[Editor]:
    """An editor with a server of its own; VS Code's extension announces that it shows the status."""
    editor = Editor()
    try:
        await editor.begin(client, folder, options, status=client == VSCODE)
        yield editor
    finally:
        await editor.quit()


def options_for(kind: Kind, url: str, *, model: str = NAME, **when: str | float) -> dict[str, Any]:
    """What a user sets for this server. `when` are the settings of `model`: trigger, pause and timeouts."""
    here = {"host": url} if kind is OLLAMA else {"base_url": f"{url}/v1"}
    return {
        "engine": kind.name,
        "model": {"pause_seconds": 0.05, "first_token_timeout": 60, "total_timeout": 60, **when},
        kind.name: {"model": model, **here},
        "findings": {"delay_seconds": 0.05},
    }


def staged(kind: Kind, chat: Answer, models: Answer | None = None) -> dict[str, Answer]:
    """The answers of a staged server that has the one model."""
    listed = {"models": [{"name": f"{NAME}:latest", "digest": "a" * 64}], "data": [{"id": NAME}]}
    return kind.answers(chat, models or whole(listed))


def draft_in(folder: Path, name: str = "draft") -> str:
    """The URI of a prompt file that need not exist."""
    return (folder / f"{name}.prompt.md").as_uri()


def phrases(diagnostics: Sequence[types.Diagnostic]) -> list[str]:
    return [diagnostic.message.removeprefix("Missing: ") for diagnostic in diagnostics]


async def until_shown(editor: Editor, uri: str, phrase: str = PHRASE) -> None:
    await editor.until(lambda: phrase in phrases(editor.diagnostics.get(uri, ())))


async def until_health(editor: Editor, health: str) -> dict[str, Any]:
    """The status once it has this health and nothing is under way."""

    def last() -> dict[str, Any] | None:
        status = editor.statuses[-1] if editor.statuses else {}
        return status if status.get("health") == health and not status["busy"] else None

    return await editor.until(last)


def times_told(editor: Editor, health: str) -> int:
    """How often the status turned to this health; no two statuses in a row may say the same."""
    seen = editor.statuses
    assert all(earlier != later for earlier, later in pairwise(seen))
    healths = [None, *(status["health"] for status in seen)]
    return sum(now == health != before for before, now in pairwise(healths))


async def until_progress(editor: Editor, pattern: str) -> types.ProgressToken:
    """The token of the work-done progress whose message matches, once there is one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for token, reports in editor.progress_reports.items():
                if any(re.search(pattern, getattr(report, "message", None) or "") for report in reports):
                    return token
            await asyncio.sleep(0.01)  # pytest-lsp records progress without an event.


async def instant_answers(editor: Editor, uri: str) -> None:
    """The instant engine's findings are shown, and the hover says that it answers all."""
    shown = phrases(await editor.until(lambda: editor.diagnostics.get(uri)))
    assert PHRASE not in shown
    assert "Answered by instant in" in (await editor.hover_text(uri, 0)).replace("\\", "")


async def hover(editor: Editor, uri: str) -> str:
    """The hover as it is read, without the backslashes that make it inert."""
    return (await editor.hover_text(uri, 0)).replace("\\", "")
