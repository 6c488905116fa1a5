"""A day with a prompt file, in each editor: open, type, read, mend, ignore, close."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from devrouter.core.decision import Intent
from devrouter.core.gaps import GapKind
from devrouter.core.tiers import Route
from tests.lsp.drafts import GAPPY, GOOD
from tests.lsp.harness import StaleEditError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor


async def test_findings_stand_under_the_words_they_concern(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    findings = await editor.until(lambda: editor.diagnostics.get(uri))
    assert editor.publications[-1].version == 1
    for finding in findings:
        assert finding.source == "devrouter"
        assert finding.code in set(GapKind)
        assert finding.severity == types.DiagnosticSeverity.Information
        words = editor.words(uri, finding)
        assert words == words.strip() != ""
        assert "\n" not in words


async def test_findings_move_along_with_an_edit_above_them(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    before = await editor.until(lambda: editor.diagnostics.get(uri))
    words = {finding.message: editor.words(uri, finding) for finding in before}
    editor.replace(uri, 0, 0, "Hello there. ")
    await editor.until(lambda: editor.publications[-1].version == 2)
    after = editor.diagnostics[uri]
    assert {finding.message for finding in after} == set(words)
    first_line = GAPPY.splitlines()[0]
    for finding in after:
        # One that concerns no words in particular stands under the whole first line.
        expected = words[finding.message]
        greeting = "Hello there. " if expected == first_line else ""
        assert editor.words(uri, finding) == greeting + expected


async def test_a_good_prompt_is_left_alone(editor: Editor, uri: str) -> None:
    editor.open(uri, GOOD)
    assert not await editor.settled(uri)
    titles = [action.title for action in await editor.actions(uri)]
    assert not [title for title in titles if "rewrite" in title.lower()]
    assert "Good as it stands" in await editor.hover_text(uri, 3)


async def test_hover_says_intent_complexity_and_tier(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    prompt = (await editor.triage(uri))["prompts"][0]
    text = (await editor.hover_text(uri, 3)).replace("\\", "")  # Markdown is escaped.
    assert Intent(prompt["decision"]["intent"]).value in text
    assert prompt["decision"]["complexity"] in text
    assert Route(prompt["tier"]["route"]).value in text
    assert prompt["tier"]["reason"] in text
    assert "Good as it stands" not in text


async def test_the_rewrite_is_applied_whole(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    rewrite = (await editor.triage(uri))["prompts"][0]["decision"]["rewrite"]
    await editor.perform(await editor.action(uri, "rewrite"))
    assert editor.texts[uri].strip() == rewrite.strip()
    assert "teh" not in editor.texts[uri]
    assert editor.texts[uri].endswith("\n")
    assert not [a for a in await editor.actions(uri) if "rewrite" in a.title.lower()], (
        "it is not mended twice"
    )


async def test_a_gap_is_filled_with_a_line_to_complete(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    finding = (await editor.until(lambda: editor.diagnostics.get(uri)))[0]
    start = editor.offset(GAPPY, finding.range.start)
    await editor.perform(await editor.action(uri, "add a line", start, start))
    removed, added = _changed_lines(GAPPY, editor.texts[uri])
    assert not removed
    assert any(line.strip() for line in added)


async def test_a_finding_ignored_here_stays_away(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    finding = (await editor.until(lambda: editor.diagnostics.get(uri)))[0]
    start = editor.offset(GAPPY, finding.range.start)
    await editor.perform(await editor.action(uri, r"ignore.*here", start, start))
    await editor.until(lambda: finding.message not in _messages(editor.diagnostics[uri]))
    assert editor.texts[uri] == GAPPY, "nothing of ours is written into the prompt"
    editor.close(uri)
    editor.open(uri, GAPPY)
    assert finding.message not in _messages(await editor.settled(uri))


async def test_a_finding_ignored_in_the_project_is_ignored_in_every_file_of_it(
    editor: Editor, uri: str, workspace: Path
) -> None:
    editor.open(uri, GAPPY)
    finding = (await editor.until(lambda: editor.diagnostics.get(uri)))[0]
    start = editor.offset(GAPPY, finding.range.start)
    await editor.perform(await editor.action(uri, r"ignore.*project", start, start))
    await editor.until(lambda: finding.message not in _messages(editor.diagnostics[uri]))
    assert "ignore" in (workspace / ".devrouter.toml").read_text(encoding="utf-8")
    other = (workspace / "other.prompt.md").as_uri()
    editor.open(other, GAPPY)
    assert finding.message not in _messages(await editor.settled(other))


async def test_closing_clears_the_findings(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    editor.close(uri)
    await editor.until(lambda: not editor.diagnostics[uri])


async def test_two_documents_keep_to_themselves(editor: Editor, uri: str, workspace: Path) -> None:
    other = (workspace / "other.prompt.md").as_uri()
    editor.open(uri, GAPPY)
    editor.open(other, GOOD)
    assert await editor.settled(uri)
    assert not await editor.settled(other)
    editor.replace(other, 0, len(GOOD), GAPPY)
    editor.replace(uri, 0, len(GAPPY), GOOD)
    assert not await editor.settled(uri)
    assert await editor.settled(other)


async def test_prompts_in_one_document_are_separate(editor: Editor, workspace: Path) -> None:
    notes = (workspace / "notes.md").as_uri()
    text = f"# Notes\n\n```prompt\n{GAPPY}```\n\nSome prose with teh typo.\n\n```prompt\n{GOOD}```\n"
    editor.open(notes, text, "markdown")
    prompts = (await editor.triage(notes))["prompts"]
    assert len(prompts) == 2
    fence = text.index("```\n\nSome")
    for finding in await editor.settled(notes):
        assert editor.offset(text, finding.range.end) <= fence
    await editor.perform(
        await editor.action(notes, "rewrite", text.index("My flask"), text.index("My flask"))
    )
    assert "Some prose with teh typo." in editor.texts[notes]
    assert editor.texts[notes].startswith("# Notes\n\n```prompt\n")
    assert editor.texts[notes].endswith(text[fence:])


async def test_other_files_are_none_of_our_business(editor: Editor, workspace: Path) -> None:
    for name, language in (("main.py", "python"), ("README.md", "markdown"), ("AGENTS.md", "instructions")):
        other = (workspace / name).as_uri()
        editor.open(other, GAPPY, language)
        assert not await editor.settled(other)
        assert not await editor.actions(other)


async def test_an_unsaved_document_is_a_document(editor: Editor) -> None:
    editor.open("untitled:Untitled-1", GAPPY)
    assert await editor.settled("untitled:Untitled-1")


@pytest.mark.parametrize("title", ["apply rewrite", "add a line"])
async def test_an_edit_for_an_older_text_is_refused_and_not_applied(
    editor: Editor, uri: str, title: str
) -> None:
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    action = await editor.action(uri, title)
    editor.replace(uri, 0, 2, "Our")
    with pytest.raises((JsonRpcException, StaleEditError)) as refused:
        await editor.perform(action)
    if isinstance(refused.value, JsonRpcException):
        assert refused.value.code == types.LSPErrorCodes.ContentModified
    assert editor.texts[uri] == "Our" + GAPPY[2:]


async def test_the_code_lens_names_the_tier_where_no_status_is_shown(start: Start, uri: str) -> None:
    editor = await start()
    editor.open(uri, GAPPY)
    prompt = (await editor.triage(uri))["prompts"][0]
    lenses = await editor.text_document_code_lens_async(
        types.CodeLensParams(types.TextDocumentIdentifier(uri))
    )
    titles = [lens.command.title for lens in lenses or () if lens.command]
    assert any(prompt["tier"]["route"] in title for title in titles)


def _messages(findings: Iterable[types.Diagnostic]) -> set[str]:
    return {finding.message for finding in findings}


def _changed_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines that are gone and the lines that came."""
    difference = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return (
        [line[2:] for line in difference if line.startswith("- ")],
        [line[2:] for line in difference if line.startswith("+ ")],
    )
