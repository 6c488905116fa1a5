"""What is kept of what the user made of the answers: nothing unless they say so, and then exactly that."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from devrouter.app.feedback import text_hash
from devrouter.app.feedback_file import default_feedback_file
from devrouter.evaluation.rows import read_gold
from tests.lsp.drafts import GAPPY
from tests.unit.command import devrouter
from tests.unit.made_up_secrets import Maker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

PROMPT = GAPPY.removesuffix("\n")
"""What is read as the prompt: a file's last line end is not part of it."""

LABELS = {"feedback": {"keep": "labels"}}
TEXT = {"feedback": {"keep": "text"}}


async def test_off_nothing_is_written_whatever_the_user_does(start: Start, uri: str, home: Path) -> None:
    editor = await start()
    await _a_day_with_a_prompt(editor, uri)
    assert await editor.quit() == 0
    assert _files(home) == []


async def test_a_repository_cannot_turn_it_on(start: Start, uri: str, workspace: Path, home: Path) -> None:
    (workspace / ".devrouter.toml").write_text('[feedback]\nkeep = "text"\n', encoding="utf-8")
    editor = await start()
    await _a_day_with_a_prompt(editor, uri)
    assert await editor.quit() == 0
    assert _files(home) == []
    assert any("feedback.keep is ignored" in message.message for message in editor.messages)


async def test_labels_hold_no_word_of_the_prompt(start: Start, client: str, uri: str) -> None:
    editor = await start(client, LABELS)
    await _a_day_with_a_prompt(editor, uri)
    rows = await _rows(editor, uri)
    assert {row["event"] for row in rows} == {"accepted", "gap_ignored", "tier_overruled"}
    content = default_feedback_file().file.read_text(encoding="utf-8")
    for word in ("flask", "upload", "crash", "Missing"):
        assert word not in content
    accepted = _only(rows, "accepted")
    assert accepted["sha256"] == text_hash(PROMPT)
    assert accepted["intent"] == "debug"
    assert accepted["engine"] == "instant"
    assert accepted["version"]
    assert accepted["gaps"]
    overruled = _only(rows, "tier_overruled")
    assert overruled["chosen"] == "large_api" != overruled["suggested"]
    assert _only(rows, "gap_ignored")["gap"] in accepted["gaps"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_only_the_user_can_read_it(start: Start, uri: str) -> None:
    editor = await start(options=TEXT)
    await _a_day_with_a_prompt(editor, uri)
    await _rows(editor, uri)
    assert stat.S_IMODE(default_feedback_file().file.stat().st_mode) == 0o600


class TestRewrites:
    """What becomes of one; each with the text, so that it can be compared."""

    async def test_accepted_where_it_stands_when_the_document_is_saved(self, start: Start, uri: str) -> None:
        editor = await start(options=TEXT)
        rewrite = await _take_rewrite(editor, uri)
        editor.save(uri)
        editor.replace(uri, 0, 0, "Later, another thought. ")
        row = _only(await _rows(editor, uri), "accepted")
        assert (row["text"], row["rewrite"]) == (PROMPT, rewrite)

    async def test_edited_with_the_final_text(self, start: Start, client: str, uri: str) -> None:
        editor = await start(client, TEXT)
        rewrite = await _take_rewrite(editor, uri)
        editor.type(uri, "Thanks.")
        (row,) = await _rows(editor, uri)
        assert row["event"] == "edited"
        assert (row["text"], row["rewrite"], row["final"]) == (PROMPT, rewrite, f"{rewrite}\nThanks.")

    async def test_refused_where_it_was_undone(self, start: Start, uri: str) -> None:
        editor = await start(options=TEXT)
        await _take_rewrite(editor, uri)
        editor.replace(uri, 0, len(editor.texts[uri]), GAPPY)
        assert [row["event"] for row in await _rows(editor, uri)] == ["refused"]

    async def test_refused_where_it_was_seen_and_the_prompt_closed_without_it(
        self, start: Start, client: str, uri: str
    ) -> None:
        editor = await start(client, TEXT)
        editor.open(uri, GAPPY)
        assert "Rewrite" in await editor.hover_text(uri, 0)
        (row,) = await _rows(editor, uri)
        assert (row["event"], row["text"]) == ("refused", PROMPT)

    async def test_nothing_is_known_of_one_that_nobody_saw(self, start: Start, uri: str) -> None:
        editor = await start(options=TEXT)
        editor.open(uri, GAPPY)
        await editor.settled(uri)
        assert await _rows(editor, uri) == []

    async def test_nothing_is_known_of_one_for_a_text_that_was_not_sent(self, start: Start, uri: str) -> None:
        editor = await start(options=TEXT)
        editor.open(uri, GAPPY)
        await editor.hover_text(uri, 0)
        editor.type(uri, "And what is a tuple?\n")
        assert [row for row in await _rows(editor, uri) if row["event"] == "refused"] == []

    async def test_a_preview_is_seen_and_what_is_sent_is_judged_though_it_stays_open(
        self, start: Start, uri: str
    ) -> None:
        editor = await start(options=TEXT)
        editor.open(uri, GAPPY)
        await editor.settled(uri)
        await _tell(editor, uri, "previewed")
        await _tell(editor, uri, "sent")
        assert [row["event"] for row in await _written(editor, uri)] == ["refused"]
        assert [row["event"] for row in await _rows(editor, uri)] == ["refused"], "it is not told twice"


async def test_a_gap_that_the_prompt_then_answers_was_filled(start: Start, client: str, uri: str) -> None:
    editor = await start(client, TEXT)
    draft = "My Python script is slow, how do I make it faster?\n"
    editor.open(uri, draft)
    findings = await editor.until(lambda: editor.diagnostics.get(uri))
    assert "code" in {finding.code for finding in findings}
    code = "\n```python\ndef total(rows):\n    return sum(row.price for row in rows if row.price)\n```\n"
    editor.replace(uri, len(draft), len(draft), code)
    filled = [row for row in await _rows(editor, uri) if row["event"] == "gap_filled"]
    assert "code" in {row["gap"] for row in filled}
    assert {row["text"] for row in filled} == {draft.strip()}


async def test_each_prompt_of_a_document_has_a_fate_of_its_own(start: Start, workspace: Path) -> None:
    editor = await start(options=TEXT)
    notes = (workspace / "notes.md").as_uri()
    other = GAPPY.replace("flask", "django")
    editor.open(notes, f"# Notes\n\n```prompt\n{GAPPY}```\n\n```prompt\n{other}```\n", "markdown")
    await editor.settled(notes)
    place = editor.texts[notes].index("django")
    await editor.perform(await editor.action(notes, "apply rewrite", place, place))
    (row,) = await _rows(editor, notes)
    assert row["event"] == "accepted"
    assert "django" in row["text"]


async def test_a_chats_input_is_never_kept(start: Start, home: Path) -> None:
    editor = await start(options=TEXT)
    chat = "chatSessionInput:input-1"
    editor.open(chat, GAPPY, "plaintext")
    await editor.hover_text(chat, 0)
    editor.close(chat)
    assert await editor.quit() == 0
    assert _files(home) == []


@pytest.mark.parametrize(
    "what", [f"password: {Maker(7).password()}", "A line of the log. " * 1100, "Half a smiley \ud83d here."]
)
async def test_what_may_not_or_cannot_be_kept_leaves_hash_and_labels(
    start: Start, uri: str, what: str
) -> None:
    editor = await start(options=TEXT)
    editor.open(uri, f"{GAPPY}\n{what}\n")
    await editor.perform(await editor.action(uri, "set tier"))
    await editor.hover_text(uri, 0)
    rows = await _rows(editor, uri)
    assert "tier_overruled" in {row["event"] for row in rows}
    assert not any({"text", "rewrite", "missing"} & set(row) for row in rows)


async def test_a_folder_that_cannot_be_written_is_told_once_and_disturbs_nothing(
    start: Start, uri: str
) -> None:
    default_feedback_file().file.mkdir(parents=True)
    editor = await start(options=TEXT)
    for _ in range(2):
        rewrite = await _take_rewrite(editor, uri)
        editor.type(uri, "Thanks.\n")
        editor.close(uri)
    editor.open(uri, GAPPY)
    assert await editor.settled(uri)
    told = [message.message for message in editor.messages if "feedback" in message.message]
    assert len(told) == 1
    assert "feedback.jsonl: feedback cannot be kept" in told[0]
    assert rewrite != GAPPY


async def test_what_an_editor_kept_is_counted_exported_and_cleared(
    start: Start, uri: str, tmp_path: Path
) -> None:
    editor = await start(options=TEXT)
    await _a_day_with_a_prompt(editor, uri)
    editor_text = editor.texts[uri]
    await _rows(editor, uri)
    shown = devrouter("feedback").stdout
    assert "1  accepted" in shown
    assert str(default_feedback_file().file) in shown
    assert devrouter("feedback", "export", "-o", tmp_path / "mine.jsonl").status == 0
    draft, sent = read_gold((tmp_path / "mine.jsonl").read_bytes(), "mine.jsonl").rows
    assert draft.text == PROMPT
    assert sent.text == editor_text.strip()
    assert sent.route == "large_api", "the tier was chosen for what was sent"
    assert devrouter("feedback", "export").stdout.splitlines()[0].count(json.dumps(sent.text)[1:-1]) == 1
    devrouter("feedback", "clear", "--yes")
    assert not default_feedback_file().files()


async def _a_day_with_a_prompt(editor: Editor, uri: str) -> None:
    """Ignore a finding, choose a tier, look at the rewrite and take it, save and close."""
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    await editor.hover_text(uri, 0)
    await editor.perform(await editor.action(uri, "ignore here"))
    await editor.perform(await editor.action(uri, "set tier: large_api"))
    await editor.perform(await editor.action(uri, "apply rewrite"))
    await editor.settled(uri)


def _files(home: Path) -> list[Path]:
    return list(home.rglob("feedback*"))


async def _take_rewrite(editor: Editor, uri: str) -> str:
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    await editor.perform(await editor.action(uri, "apply rewrite"))
    assert editor.texts[uri] != GAPPY
    return editor.texts[uri].removesuffix("\n")


async def _rows(editor: Editor, uri: str) -> list[dict[str, Any]]:
    """Close the document; what is kept then."""
    editor.close(uri)
    return await _written(editor, uri)


async def _written(editor: Editor, uri: str) -> list[dict[str, Any]]:
    """What is kept once the server has read everything so far."""
    await editor.request("devrouter/triage", {"textDocument": {"uri": uri}})
    rows, broken = default_feedback_file().rows()
    assert not broken
    return rows


async def _tell(editor: Editor, uri: str, use: str) -> None:
    params = types.ExecuteCommandParams("devrouter.server.tellUse", [uri, 0, use])
    await editor.workspace_execute_command_async(params)


def _only(rows: list[dict[str, Any]], event: str) -> dict[str, Any]:
    (row,) = (row for row in rows if row["event"] == event)
    return row
