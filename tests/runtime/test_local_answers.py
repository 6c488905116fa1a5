"""The local tier's model answers a prompt, streamed to the editor; and no model reads what a chat holds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from lsprotocol import types

from tests.runtime.conftest import free_port
from tests.runtime.editing import TEXT, draft_in, editing, options_for, staged, until_shown
from tests.runtime.fake_server import OLLAMA, Connection, fake_server, whole

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.harness import Editor
    from tests.runtime.fake_server import Answer

LOCAL = {"models": [{"name": "qwen:7b", "digest": "b" * 64}, {"name": "far:cloud", "digest": "c" * 64}]}
SAID = "# Uploads\n\nRead the file in pieces."
FAILED = types.LSPErrorCodes.RequestFailed.value


class Asked(NamedTuple):
    """An answer on its way: its request, and the pieces that came so far."""

    request: asyncio.Future[Any]
    pieces: list[Any]


def _options(url: str, models: list[str], silence: float = 60) -> dict[str, Any]:
    options = options_for(OLLAMA, url, trigger="request", first_token_timeout=silence)
    return {**options, "tiers.small_local.models": models}


def _ask(editor: Editor, uri: str, text: str = TEXT) -> Asked:
    params = {"textDocument": {"uri": uri}, "text": text, "partialResultToken": "ours"}
    request = editor.protocol.send_request("devrouter/answer", params, msg_id="answer")
    return Asked(asyncio.wrap_future(request), editor.partial_results.setdefault("ours", []))


async def test_the_first_model_that_is_there_answers_the_prompt_and_nothing_else(tmp_path: Path) -> None:
    answers = OLLAMA.answers(OLLAMA.replies(SAID), whole(LOCAL))
    async with (
        fake_server(answers) as server,
        editing(tmp_path, _options(server.url, ["absent", "ollama/qwen:7b"])) as editor,
    ):
        asked = _ask(editor, draft_in(tmp_path))
        await asked.request
        assert "".join(piece["text"] for piece in asked.pieces) == SAID
        assert {piece["model"] for piece in asked.pieces} == {"qwen:7b"}
        (sent,) = server.asked("/api/chat")
        assert sent.json()["model"] == "qwen:7b"
        assert sent.json()["messages"] == [{"role": "user", "content": TEXT}]


async def test_a_cancel_reaches_the_model(tmp_path: Path) -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def hanging(connection: Connection) -> None:
        await connection.begin()
        await connection.piece(OLLAMA.part("Read"))
        begun.set()
        await connection.client_leaves()
        left.set()

    async with (
        fake_server(OLLAMA.answers(hanging, whole(LOCAL))) as server,
        editing(tmp_path, _options(server.url, ["qwen:7b"])) as editor,
    ):
        asked = _ask(editor, draft_in(tmp_path))
        await begun.wait()
        editor.cancel_request(types.CancelParams("answer"))
        await asyncio.wait_for(left.wait(), 20)
        with pytest.raises(Exception, match="cancel"):
            await asked.request


def _broken_off(*pieces: str) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin()
        for piece in pieces:
            await connection.piece(piece)
        connection.kill()

    return answer


def _silent(*pieces: str) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin()
        for piece in pieces:
            await connection.piece(piece)
        await connection.client_leaves()

    return answer


@pytest.mark.parametrize(
    ("chat", "models", "text", "message", "mend"),
    [
        (OLLAMA.replies(SAID), [], TEXT, "tiers.small_local.models", None),
        (OLLAMA.replies(SAID), ["phi4"], TEXT, "none of the local tier's models: phi4", "ollama pull phi4"),
        (OLLAMA.replies(SAID), ["a; rm -r ~"], TEXT, "none of the local tier's models: a; rm", None),
        (OLLAMA.replies(SAID), ["far:cloud"], TEXT, "ollama.com .* is not this machine", None),
        (OLLAMA.replies(SAID), ["qwen:7b"], "word " * 20_000, "too long .* Nothing was sent", None),
        (_broken_off(OLLAMA.part("Read")), ["qwen:7b"], TEXT, "stopped before the answer", "ollama serve"),
        (OLLAMA.replies(SAID, cut=True), ["qwen:7b"], TEXT, "cut at 8,192 tokens", None),
        (OLLAMA.replies(""), ["qwen:7b"], TEXT, "without a word", None),
        (_silent(OLLAMA.part("Read")), ["qwen:7b"], TEXT, "sent nothing for 1 s", "ollama stop qwen:7b"),
        (whole({"error": "no memory"}, 500), ["qwen:7b"], TEXT, "status 500: no memory", None),
    ],
)
async def test_a_failed_call_is_an_error_with_what_helps(
    chat: Answer, models: list[str], text: str, message: str, mend: str | None, tmp_path: Path
) -> None:
    async with (
        fake_server(OLLAMA.answers(chat, whole(LOCAL))) as server,
        editing(tmp_path, _options(server.url, models, silence=1)) as editor,
    ):
        with pytest.raises(Exception, match=message) as caught:
            await _ask(editor, draft_in(tmp_path), text).request
        assert getattr(caught.value, "code", None) == FAILED
        assert getattr(caught.value, "data", None) == {"mend": mend}


async def test_a_secret_stays_here_even_where_the_host_is_allowed(tmp_path: Path) -> None:
    secret = "Why is ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8 refused?"
    async with fake_server(OLLAMA.answers(OLLAMA.replies(SAID), whole(LOCAL))) as server:
        options = {**_options(server.url, ["far:cloud"]), "remote": {"allowed": ["ollama.com"]}}
        async with editing(tmp_path, options) as editor:
            await _ask(editor, draft_in(tmp_path)).request
            with pytest.raises(Exception, match="holds a secret, so it was not sent to ollama"):
                await _ask(editor, draft_in(tmp_path), secret).request
        assert [request.json()["messages"][0]["content"] for request in server.asked("/api/chat")] == [TEXT]


async def test_without_ollama_it_says_so(tmp_path: Path) -> None:
    options = _options(f"http://127.0.0.1:{free_port()}", ["qwen:7b"])
    async with editing(tmp_path, options) as editor:
        with pytest.raises(Exception, match="is not there: nothing answers"):
            await _ask(editor, draft_in(tmp_path)).request


async def test_a_chats_input_and_a_chats_message_never_reach_the_model(tmp_path: Path) -> None:
    typed, sent = f"{TEXT} in the box", f"{TEXT} in the message"
    chat, uri = "chatSessionInput:input-1", draft_in(tmp_path)
    reply = {"rewrite": TEXT, "missing": ["Werkzeug version"]}
    async with (
        fake_server(staged(OLLAMA, OLLAMA.replies(reply))) as server,
        editing(tmp_path, options_for(OLLAMA, server.url)) as editor,
    ):
        editor.open(chat, typed, "plaintext")
        await editor.settled(chat)
        await editor.request("devrouter/triageText", {"text": sent})
        command = types.ExecuteCommandParams("devrouter.server.askModel", [chat])
        await editor.workspace_execute_command_async(command)
        editor.open(uri, TEXT)
        await until_shown(editor, uri)
        asked = [json.dumps(request.json()) for request in server.asked("/api/chat")]
        assert len(asked) == 1
        assert "in the box" not in asked[0]
