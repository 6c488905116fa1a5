"""The model through the language server, as an editor sees it; the model server is staged."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from lsprotocol import types

from tests.runtime.conftest import free_port
from tests.runtime.editing import (
    EGLOT,
    NAME,
    NEOVIM,
    REPLY,
    TEXT,
    VSCODE,
    draft_in,
    editing,
    hover,
    instant_answers,
    options_for,
    phrases,
    staged,
    times_told,
    until_health,
    until_progress,
    until_shown,
)
from tests.runtime.fake_server import OLLAMA, OPENAI, Connection, Kind, fake_server, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lsp.harness import Editor
    from tests.runtime.fake_server import Answer

both_kinds = pytest.mark.parametrize("kind", [OLLAMA, OPENAI], ids=lambda kind: kind.name)
STARTED = '{"rewrite": "My Flask app'
CANCELLED = types.LSPErrorCodes.RequestCancelled.value


class Fault(NamedTuple):
    """How a server fails, what is said of it, the command that helps with Ollama, and the user's limits."""

    chat: Callable[[Kind], Answer]
    message: str
    mend: str | None = None
    limits: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    no_model: bool = False


class Hanging:
    """A reply that begins and does not go on; `left` is set when the client closed the connection."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        await connection.begin()
        await connection.piece(self.kind.part(STARTED))
        self.asked.set()
        await connection.client_leaves()
        self.left.set()


async def _never(connection: Connection) -> None:
    await connection.client_leaves()


def _killed(kind: Kind) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin()
        await connection.piece(kind.part(STARTED))
        connection.writer.write_eof()

    return answer


FAULTS = {
    "slow to its first token": Fault(
        lambda _: _never,
        r"sent no first token within 3 s",
        f"ollama stop {NAME}",
        limits={"first_token_timeout": 3},
    ),
    "slow to its end": Fault(Hanging, r"did not finish its reply within 3 s", limits={"total_timeout": 3}),
    "killed in mid-stream": Fault(_killed, "its reply broke off inside the rewrite", "ollama serve"),
    "cut at the limit": Fault(lambda kind: kind.replies(STARTED, cut=True), "limit of 1,408 tokens"),
    "prompt over the context": Fault(
        lambda kind: kind.replies(REPLY, prompt_tokens=8192), "cut the prompt to its context of 8,192 tokens"
    ),
    "words instead of JSON": Fault(lambda kind: kind.replies("Sure! Here you go."), "replied in words"),
    "JSON that is no decision": Fault(
        lambda kind: kind.replies({"answer": 42}), "is not a decision: rewrite: it is not there"
    ),
    "model missing": Fault(
        lambda kind: kind.replies(REPLY), f"has no model '{NAME}'", f"ollama pull {NAME}", no_model=True
    ),
}


@both_kinds
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_told_once_and_gone_with_the_next_answer(
    kind: Kind, name: str, tmp_path: Path
) -> None:
    fault, uri = FAULTS[name], draft_in(tmp_path)
    none = whole({"models": [], "data": []}) if fault.no_model else None
    async with (
        fake_server(staged(kind, fault.chat(kind), none)) as server,
        editing(tmp_path, options_for(kind, server.url, **fault.limits)) as editor,
    ):
        editor.open(uri, TEXT)
        told = await until_health(editor, "error")
        assert re.search(fault.message, told["message"])
        assert told["mend"] == (fault.mend if kind is OLLAMA else None)
        await instant_answers(editor, uri)
        server.answers.update(staged(kind, kind.replies(REPLY)))
        await _mended(editor, uri)


@both_kinds
async def test_no_server(kind: Kind, tmp_path: Path) -> None:
    uri, port = draft_in(tmp_path), free_port()
    async with editing(tmp_path, options_for(kind, f"http://127.0.0.1:{port}")) as editor:
        editor.open(uri, TEXT)
        told = await until_health(editor, "error")
        assert "is not there: nothing answers" in told["message"]
        assert told["mend"] == ("ollama serve" if kind is OLLAMA else None)
        await instant_answers(editor, uri)
        async with fake_server(staged(kind, kind.replies(REPLY)), port):
            await _mended(editor, uri)


@both_kinds
async def test_slow_to_connect(kind: Kind, tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    with _full_socket() as port:
        options = options_for(kind, f"http://127.0.0.1:{port}", connect_timeout=0.3)
        async with editing(tmp_path, options) as editor:
            editor.open(uri, TEXT)
            told = await until_health(editor, "error")
            assert "did not accept a connection within 0.3 s" in told["message"]
            await instant_answers(editor, uri)


async def test_a_remote_server_is_refused_until_the_user_allows_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once allowed, the call goes through the proxy, which here plays the remote server as well."""
    uri, remote = draft_in(tmp_path), "http://models.example:1234"
    async with fake_server({}) as server:
        answers = staged(OLLAMA, OLLAMA.replies(REPLY))
        server.answers.update({f"{remote}{path}": answer for path, answer in answers.items()})
        monkeypatch.setenv("HTTP_PROXY", server.url)
        async with editing(tmp_path, options_for(OLLAMA, remote)) as editor:
            editor.open(uri, TEXT)
            told = await until_health(editor, "error")
            assert "models.example (from `ollama.host`) is not this machine" in told["message"]
            assert "remote.allowed" in told["message"]
            await instant_answers(editor, uri)
            assert server.requests == []
            config = home / ".config" / "devrouter" / "config.toml"
            config.parent.mkdir(parents=True)
            config.write_text('[remote]\nallowed = ["models.example"]\n', encoding="utf-8")
            await until_shown(editor, uri)
            told = await until_health(editor, "ok")
            assert "Drafts leave this machine for models.example" in told["message"]


async def test_where_no_model_was_ever_set_up_nothing_is_wrong(tmp_path: Path) -> None:
    """`auto`, the default: the status is well, and says who answers and why the model does not."""
    uri, options = draft_in(tmp_path), options_for(OLLAMA, f"http://127.0.0.1:{free_port()}")
    async with editing(tmp_path, {**options, "engine": "auto"}) as editor:
        editor.open(uri, TEXT)
        await editor.until(lambda: any("not there" in status["message"] for status in editor.statuses))
        assert {status["health"] for status in editor.statuses} == {"ok"}
        assert editor.statuses[-1]["mend"] == "ollama serve"
        await instant_answers(editor, uri)
        assert editor.messages == []


async def test_an_editor_without_a_status_is_told_by_one_message(tmp_path: Path) -> None:
    uri, port = draft_in(tmp_path), free_port()
    options = options_for(OLLAMA, f"http://127.0.0.1:{port}", trigger="save")
    async with editing(tmp_path, options, NEOVIM) as editor:
        editor.open(uri, TEXT)
        await editor.until(lambda: editor.messages)
        assert "nothing answers. To mend it: ollama serve" in editor.messages[0].message
        editor.save(uri)
        await instant_answers(editor, uri)
        # Who asks for the model is told again that it cannot answer.
        await editor.code_action_resolve_async(await editor.action(uri, "Ask the model"))
        await editor.until(lambda: len(editor.messages) == 2)
        assert editor.messages[1].message == editor.messages[0].message
        async with fake_server(staged(OLLAMA, OLLAMA.replies(REPLY)), port):
            editor.save(uri)
            await until_shown(editor, uri)
        assert len(editor.messages) == 2


async def test_a_lost_template_stays_told_while_the_model_answers(tmp_path: Path) -> None:
    """A `devrouter` that lost its prompt answers two fields, and the status says how to mend it."""
    uri = draft_in(tmp_path)
    async with (
        fake_server(OLLAMA.answers(OLLAMA.replies(REPLY))) as server,
        editing(tmp_path, options_for(OLLAMA, server.url, model="devrouter")) as editor,
    ):
        editor.open(uri, TEXT)
        await until_shown(editor, uri)
        told = await until_health(editor, "warning")
        assert "answers only the rewrite and what is missing" in told["message"]
        assert told["mend"] == "devrouter model setup"
        assert times_told(editor, "warning") == 1
        said = await hover(editor, uri)
        assert "instant: intent, complexity, route; devrouter (Ollama): rewrite, missing" in said or (
            "devrouter (Ollama): rewrite, missing; instant: intent, complexity, route" in said
        )


async def test_an_answer_for_an_older_text_is_never_shown_on_a_newer_one(tmp_path: Path) -> None:
    """Each answer names the text it was made for; texts follow each other while answers arrive."""
    uri = draft_in(tmp_path)

    asked = asyncio.Event()

    async def answer(connection: Connection) -> None:
        asked.set()
        sent = connection.request.json()["messages"][-1]["content"]
        await OLLAMA.replies({"rewrite": sent, "missing": [f"answer to {len(sent)}"]})(connection)

    async with (
        fake_server(staged(OLLAMA, answer)) as server,
        editing(tmp_path, options_for(OLLAMA, server.url, trigger="save")) as editor,
    ):
        editor.open(uri, TEXT)
        for step in range(20):
            asked.clear()
            editor.save(uri)
            await asked.wait()
            # A little later each time, so that some answers arrive before the next text, some after it.
            await asyncio.sleep(step * 0.002)
            editor.type(uri, "?")
        editor.save(uri)
        await until_shown(editor, uri, f"answer to {len(editor.texts[uri])}")
        lengths = {version: len(TEXT) + version - 1 for version in range(1, editor.versions[uri] + 1)}
        first_shown: dict[str, int | None] = {}
        for publication in editor.publications:
            for phrase in phrases(publication.diagnostics):
                first_shown.setdefault(phrase, publication.version)
        answers = {phrase: version for phrase, version in first_shown.items() if "answer to" in phrase}
        assert answers
        assert answers == {f"answer to {lengths[version or 0]}": version for version in answers.values()}


async def test_ten_drafts_from_a_fast_typist_cause_at_most_two_calls(tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    async with (
        fake_server(staged(OLLAMA, OLLAMA.replies(REPLY))) as server,
        editing(tmp_path, options_for(OLLAMA, server.url, pause_seconds=2)) as editor,
    ):
        editor.open(uri, "")
        for number in range(10):
            editor.replace(uri, 0, len(editor.texts[uri]), f"{number}: ")
            editor.type(uri, TEXT)
            await editor.triage(uri)
        await until_shown(editor, uri)
        calls = server.asked("/api/chat")
        assert 1 <= len(calls) <= 2
        assert calls[-1].json()["messages"][-1]["content"] == f"9: {TEXT}"


async def test_two_documents_do_not_wait_for_each_other(tmp_path: Path) -> None:
    stuck, other = draft_in(tmp_path, "stuck"), draft_in(tmp_path, "other")
    hanging = Hanging(OLLAMA)

    async def answer(connection: Connection) -> None:
        sent = connection.request.json()["messages"][-1]["content"]
        await (OLLAMA.replies(REPLY) if sent == TEXT else hanging)(connection)

    async with (
        fake_server(staged(OLLAMA, answer)) as server,
        editing(tmp_path, options_for(OLLAMA, server.url)) as editor,
    ):
        editor.open(stuck, f"{TEXT} today")
        await hanging.asked.wait()
        editor.open(other, TEXT)
        await until_shown(editor, other)
        assert not hanging.left.is_set()
        statuses = [status for status in editor.statuses if status["uri"] == stuck]
        assert statuses[-1]["busy"]


@both_kinds
async def test_a_newer_text_and_a_closed_document_reach_the_socket(kind: Kind, tmp_path: Path) -> None:
    uri, first, second = draft_in(tmp_path), Hanging(kind), Hanging(kind)
    async with (
        fake_server(staged(kind, first)) as server,
        editing(tmp_path, options_for(kind, server.url)) as editor,
    ):
        editor.open(uri, TEXT)
        await first.asked.wait()
        server.answers[kind.chat_path] = second
        editor.type(uri, "?")
        await asyncio.wait_for(first.left.wait(), 20)
        await second.asked.wait()
        editor.close(uri)
        await asyncio.wait_for(second.left.wait(), 20)


@pytest.mark.parametrize("client", [VSCODE, NEOVIM])
@pytest.mark.parametrize("way", ["action", "command"])
async def test_a_call_on_request_shows_progress_and_is_cancelled_by_its_token(
    client: str, way: str, tmp_path: Path
) -> None:
    uri, hanging = draft_in(tmp_path), Hanging(OLLAMA)
    async with (
        fake_server(staged(OLLAMA, hanging)) as server,
        editing(tmp_path, options_for(OLLAMA, server.url, trigger="request"), client) as editor,
    ):
        editor.open(uri, TEXT)
        asking = asyncio.create_task(_ask(editor, uri, way))
        length = len(STARTED) - len('{"rewrite": "')
        token = await until_progress(editor, f"^rewrite: {length} characters$")
        editor.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        with pytest.raises(Exception, match="cancel") as caught:
            await asking
        assert getattr(caught.value, "code", None) == CANCELLED
        await asyncio.wait_for(hanging.left.wait(), 20)
        # The user did not lose the way to it.
        server.answers[OLLAMA.chat_path] = OLLAMA.replies(REPLY)
        await _ask(editor, uri, way)
        await until_shown(editor, uri)
        assert [type(report).__name__ for report in editor.progress_reports[token]][
            -1
        ] == "WorkDoneProgressEnd"


async def test_the_request_itself_can_be_cancelled_where_there_is_no_progress(tmp_path: Path) -> None:
    uri, hanging = draft_in(tmp_path), Hanging(OLLAMA)
    async with (
        fake_server(staged(OLLAMA, hanging)) as server,
        editing(tmp_path, options_for(OLLAMA, server.url, trigger="request"), EGLOT) as editor,
    ):
        editor.open(uri, TEXT)
        action = await editor.action(uri, "Ask the model")
        assert action.command is not None
        params = types.ExecuteCommandParams(action.command.command, action.command.arguments)
        request = asyncio.wrap_future(
            editor.protocol.send_request("workspace/executeCommand", params, msg_id="ours")
        )
        await hanging.asked.wait()
        editor.cancel_request(types.CancelParams("ours"))
        await asyncio.wait_for(hanging.left.wait(), 20)
        with pytest.raises(Exception, match="cancel"):
            await request


async def test_the_rewrite_on_request_is_the_models(tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    async with (
        fake_server(staged(OPENAI, OPENAI.replies(REPLY))) as server,
        editing(tmp_path, options_for(OPENAI, server.url, trigger="request")) as editor,
    ):
        editor.open(uri, TEXT)
        await editor.perform(await editor.action(uri, "Ask the model for a rewrite"))
        assert editor.texts[uri] == REPLY["rewrite"]


async def test_a_code_block_that_the_model_drops_is_put_back_and_said(tmp_path: Path) -> None:
    uri = draft_in(tmp_path)
    block = "```py\nprint(rows[7])\n```"
    reply = {"rewrite": "Why does this loop crash when I run it?", "missing": ["the loop's input"]}
    async with (
        fake_server(staged(OLLAMA, OLLAMA.replies(reply))) as server,
        editing(tmp_path, options_for(OLLAMA, server.url)) as editor,
    ):
        editor.open(uri, f"teh loop crash when i run it, why\n{block}\n")
        await until_shown(editor, uri, "the loop's input")
        assert "Put back: the code block." in await hover(editor, uri)
        await editor.perform(await editor.action(uri, r"Apply rewrite \(put back: the code block\)"))
        assert editor.texts[uri] == f"{reply['rewrite']}\n\n{block}\n"


async def _ask(editor: Editor, uri: str, way: str) -> None:
    if way == "action":
        await editor.code_action_resolve_async(await editor.action(uri, "Ask the model for a rewrite"))
        return
    params = types.ExecuteCommandParams("devrouter.server.askModel", [uri])
    await editor.workspace_execute_command_async(params)


async def _mended(editor: Editor, uri: str) -> None:
    """The next answer shows, and the status is well again; the fault was told once, without a popup."""
    editor.type(uri, "?")
    await until_shown(editor, uri)
    await until_health(editor, "ok")
    assert times_told(editor, "error") == 1
    assert editor.messages == []


@contextmanager
def _full_socket() -> Iterator[int]:
    """The port of a listening socket whose queue is full, so that it accepts nothing more."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for filler in (first, second):
            filler.setblocking(False)  # noqa: FBT003
            filler.connect_ex(listening.getsockname())
        port: int = listening.getsockname()[1]
        yield port
