"""The server starts, leaves and fails politely, and keeps what it reads to itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.lsp.drafts import GAPPY
from tests.lsp.harness import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

SECRET = "quuxzanzibar"  # noqa: S105
"""A word that stands in a prompt and must stand nowhere else."""


async def _left(editor: Editor) -> int:
    """The exit status, once the server's process has ended."""
    assert editor._server is not None
    return await asyncio.wait_for(editor._server.wait(), PATIENCE_SECONDS)


async def test_it_leaves_in_order(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    assert await editor.quit() == 0


async def test_it_leaves_while_it_is_busy(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    editor.type(uri, "and one more thing, " * 20)
    assert await editor.quit() == 0


async def test_exit_without_shutdown_is_an_error(start: Start, uri: str) -> None:
    editor = await start()
    editor.open(uri, GAPPY)
    editor.exit(None)
    assert await _left(editor) == 1


async def test_it_does_not_outlive_an_editor_that_vanished(start: Start, uri: str) -> None:
    editor = await start()
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    assert editor._server is not None
    assert editor._server.stdin is not None
    editor._server.stdin.close()
    await _left(editor)


async def test_requests_about_unknown_documents_are_answered(editor: Editor, workspace: Path) -> None:
    for unknown in ((workspace / "never-opened.prompt.md").as_uri(), "untitled:Untitled-7", "git:/no/such"):
        document = types.TextDocumentIdentifier(unknown)
        at = types.Position(5, 5)
        assert await editor.text_document_hover_async(types.HoverParams(document, at)) is None
        context = types.CodeActionContext([])
        params = types.CodeActionParams(document, types.Range(at, at), context)
        assert not await editor.text_document_code_action_async(params)
        assert not await editor.text_document_code_lens_async(types.CodeLensParams(document))


async def test_nonsense_is_refused_and_the_server_goes_on(editor: Editor, uri: str) -> None:
    nonsense: list[tuple[str, object]] = [
        ("devrouter/nonsense", {}),
        ("devrouter/triage", {"textDocument": 7}),
        ("workspace/executeCommand", types.ExecuteCommandParams("devrouter.nonsense", [{"a": 1}])),
        ("codeAction/resolve", types.CodeAction("Apply rewrite", data={"uri": 3})),
    ]
    for method, params in nonsense:
        with pytest.raises(JsonRpcException):
            await editor.request(method, params)
    editor.open(uri, GAPPY)
    assert await editor.settled(uri)
    assert not editor.messages, "nobody is told of another program's nonsense"


async def test_a_prompt_is_never_logged(
    editor: Editor, uri: str, capfd: pytest.CaptureFixture[str], workspace: Path
) -> None:
    editor.open(uri, f"My {SECRET} app crash when i upload teh file.\n")
    editor.type(uri, f"\n{SECRET} throws an error.")
    await editor.settled(uri)
    await editor.hover_text(uri, 5)
    await editor.perform(await editor.action(uri, "rewrite"))
    with pytest.raises(JsonRpcException):
        await editor.request("devrouter/triage", {"textDocument": SECRET})
    (workspace / ".devrouter.toml").write_text("[findings]\nseverity = 3\n", encoding="utf-8")
    await editor.until(lambda: editor.messages)
    assert await editor.quit() == 0
    assert SECRET not in capfd.readouterr().err
    assert SECRET not in "".join(message.message for message in editor.log_messages)
