"""No byte of a draft reaches a log, a file or a socket but the configured one, whichever engine answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.lsp.harness import Editor
from tests.lsp.watched import CRASHES, Watch, watch
from tests.runtime.editing import options_for, staged
from tests.runtime.fake_server import OLLAMA, OPENAI, Connection, fake_server

if TYPE_CHECKING:
    from tests.runtime.fake_server import Answer, Kind

# Two texts of which no part can stand anywhere by chance: a word and a value that is taken for a secret.
WORD = f"zebra{uuid4().hex}"
PASSWORD = f"Qx!{uuid4().hex}7Z"
DRAFT = f"My flask app {WORD} crash when i upload teh file, password: {PASSWORD}\n\nHow do i fix {WORD}?\n"


class Case(NamedTuple):
    kind: Kind | None
    chat: Answer | None = None
    crashes: bool = False


async def echoes(connection: Connection) -> None:
    """A server that fails with the prompt in its error."""
    await connection.whole(json.dumps({"error": connection.request.body.decode()}), 500)


async def breaks_off(connection: Connection) -> None:
    await connection.begin()
    await connection.piece(json.dumps({"message": {"content": f'{{"rewrite": "{WORD}'}}) + "\n")
    connection.kill()


def reply(kind: Kind) -> Answer:
    return kind.replies({"rewrite": f"How do I fix {WORD}?", "missing": [f"the log of {WORD}"]})


CASES = {
    "instant": Case(None),
    "instant, failing": Case(None, crashes=True),
    "ollama": Case(OLLAMA, reply(OLLAMA)),
    "ollama, failing": Case(OLLAMA, echoes),
    "ollama, broken off": Case(OLLAMA, breaks_off),
    "ollama, no decision": Case(OLLAMA, OLLAMA.replies(f"Sure! {WORD}")),
    "openai": Case(OPENAI, reply(OPENAI)),
    "openai, failing": Case(OPENAI, echoes),
    "openai, no decision": Case(OPENAI, OPENAI.replies({"answer": WORD})),
}


@pytest.fixture
def places(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every folder that a program of the user's is told to write to: home, cache, temporary files."""
    folders = [home, tmp_path]
    for variable in ("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
        (tmp_path / variable.lower()).mkdir()
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        # Whoever asks a proxy about anything is seen.
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    return folders


@pytest.mark.parametrize("name", CASES)
async def test_nothing_of_a_draft_leaks(
    name: str, tmp_path: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    watched = watch(tmp_path / "watch", monkeypatch, CRASHES if case.crashes else "")
    kind, chat = case.kind, case.chat
    async with fake_server(staged(kind, chat) if kind and chat else {}) as server:
        options = options_for(kind, server.url) if kind else {"engine": "instant"}
        said = await a_day(tmp_path, options, fails=case.crashes)
        asked = any(WORD.encode() in request.body for request in server.requests)
    # The model was really asked, and nobody else.
    port = urlsplit(server.url).port
    assert asked is (kind is not None)
    assert watched.addresses == ({("127.0.0.1", port)} if kind else set())
    assert watched.seen("program") == []
    # A crash is told, without what it was about.
    assert (b"ValueError" in watched.stderr) is case.crashes
    leaked = [text for text in (WORD, PASSWORD) if text.encode() in watched.stderr or text in said]
    assert leaked == []
    assert files_with((WORD, PASSWORD), places) == []
    assert not strays(watched, places)


async def a_day(folder: Path, options: dict[str, Any], *, fails: bool) -> str:
    """Everything that an editor does with a draft; what the server wrote to the editor's log."""
    uri = (folder / "draft.prompt.md").as_uri()
    editor = Editor()
    try:
        await editor.begin("vscode-1.139.1", folder, options, status=True)
        editor.open(uri, DRAFT)
        await editor.until(lambda: editor.statuses)
        editor.type(uri, f" And {WORD} again.")
        await editor.request("devrouter/triage", {"textDocument": {"uri": uri}})
        await editor.hover_text(uri, 3)
        if options["engine"] != "instant":
            await editor.until(lambda: told_by_the_model(editor))
        if fails:
            await editor.until(lambda: editor.statuses[-1]["health"] == "error")
        if not fails:
            at = editor.texts[uri].index(PASSWORD)
            await editor.perform(await editor.action(uri, "^Not a secret", at, at))
            await editor.perform(await editor.action(uri, "^Ignore here"))
            await editor.perform(await editor.action(uri, "rewrite"))
            await editor.triage(uri)
        editor.save(uri)
        editor.close(uri)
    finally:
        await editor.quit()
    return "\n".join(message.message for message in editor.log_messages)


def told_by_the_model(editor: Editor) -> bool:
    """It answered, or the status says what went wrong with it."""
    status = editor.statuses[-1]
    return not status["busy"] and (status["health"] == "error" or "instant" not in str(status["engine"]))


def files_with(texts: tuple[str, ...], folders: list[Path]) -> list[str]:
    """The files that hold one of the texts, however they may be encoded."""
    forms = [text.encode(coding) for text in texts for coding in ("utf-8", "utf-16-le")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return [str(file) for file in files if any(form in file.read_bytes() for form in forms)]


def strays(watched: Watch, folders: list[Path]) -> list[object]:
    """Files written outside of the folders that are searched."""
    written = {Path(str(file)) for file in watched.seen("write")} - {Path(os.devnull)}
    return [file for file in written if not any(file.is_relative_to(folder) for folder in folders)]


def test_the_watch_sees_what_it_is_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that could not fail would prove nothing."""
    watched = watch(tmp_path / "watch", monkeypatch)
    kept = tmp_path / "kept"
    code = f"""
import pathlib, socket, subprocess, sys
print("a word", file=sys.stderr)
pathlib.Path({str(kept)!r}).write_text("zebra")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))
try:
    socket.create_connection(("127.0.0.1", 9), 0.2)
except OSError:
    pass
subprocess.run([sys.executable, "-S", "-c", ""])
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert watched.addresses == {("127.0.0.1", 9)}
    assert len(watched.seen("socket.sendto", "socket.connect")) == 2
    assert len(watched.seen("program")) >= 1
    assert str(kept) in watched.seen("write")
    assert re.search(rb"a word", watched.stderr)
    assert files_with(("zebra",), [tmp_path]) == [str(kept)]
    assert strays(watched, [tmp_path / "watch"])
