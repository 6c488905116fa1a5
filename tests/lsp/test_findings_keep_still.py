"""Typing in one place does not make findings in another come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lsp.drafts import GAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

NEVER_RESTS = {"findings": {"delay_seconds": 60}}
NEUTRAL = (
    " Keep the names as they are now, please, and tell me in a few plain words what you have done and why,"
    " so that the others in the team can follow along later without asking me about each of the steps again."
)
"""Two hundred characters that answer none of the findings."""

SUGGESTIVE = " It also throws an exception. The function is slow. Why does this not work in production?"
"""Words that would bring findings of their own."""


async def _typed(start: Start, uri: str, client: str, text: str) -> tuple[Editor, Any]:
    """Type this text at the end, each keystroke answered; the editor, and its findings as shown since."""
    editor = await start(client, NEVER_RESTS)
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    seen = len(editor.publications)
    for character in text:
        editor.type(uri, character, at=len(editor.texts[uri].rstrip("\n")))
        await editor.triage(uri)
    return editor, editor.publications[seen - 1 :]


async def test_findings_elsewhere_stay_while_two_hundred_characters_are_typed(
    start: Start, uri: str, client: str
) -> None:
    assert len(NEUTRAL) >= 200
    editor, (first, *later) = await _typed(start, uri, client, NEUTRAL)
    shown = {(finding.message, finding.code) for finding in first.diagnostics}
    assert shown
    for publication in later:
        assert {(finding.message, finding.code) for finding in publication.diagnostics} == shown
    assert later == [] or later[-1].version == editor.versions[uri]


async def test_a_new_finding_waits_until_typing_rests(start: Start, uri: str, client: str) -> None:
    _, (first, *later) = await _typed(start, uri, client, SUGGESTIVE)
    shown = {finding.message for finding in first.diagnostics}
    for publication in later:
        assert {finding.message for finding in publication.diagnostics} <= shown


async def test_the_same_text_has_the_same_findings_however_it_came_about(
    start: Start, uri: str, client: str, workspace: Path
) -> None:
    editor, _ = await _typed(start, uri, client, SUGGESTIVE)
    other = (workspace / "opened.prompt.md").as_uri()
    editor.open(other, editor.texts[uri])
    typed, opened = await editor.settled(uri), await editor.settled(other)
    assert [(f.message, f.range, f.code) for f in typed] == [(f.message, f.range, f.code) for f in opened]


async def test_an_edit_of_its_words_removes_a_finding_at_once(start: Start, uri: str, client: str) -> None:
    editor = await start(client, NEVER_RESTS)
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    editor.replace(uri, 0, len(GAPPY), "What is a tuple in Python?\n")
    await editor.until(lambda: not editor.diagnostics[uri])
