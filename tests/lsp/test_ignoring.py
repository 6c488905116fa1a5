"""What is ignored in an editor: by kind, listed, shown again at once, and never part of the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from tests.lsp.drafts import GAPPY
from tests.unit.command import devrouter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

TWO_OF_A_KIND = (
    "My flask app crash when i upload teh big file and it throw some error.\n\n"
    "Also the nightly import job crashes, what can it be?\n"
)


async def test_a_kind_is_ignored_in_this_file_and_only_there(
    editor: Editor, uri: str, workspace: Path
) -> None:
    other = (workspace / "other.prompt.md").as_uri()
    for one in (uri, other):
        editor.open(one, GAPPY)
    kinds = _kinds(await editor.settled(uri))
    assert _kinds(await editor.settled(other)) == kinds
    for kind in kinds:
        await editor.perform(await editor.action(uri, f"ignore in this file.*{kind}"))
        await _gone(editor, uri, kind)
    editor.replace(uri, 0, 0, "Hello. ")
    assert not await editor.settled(uri)
    assert _kinds(await editor.settled(other)) == kinds
    assert editor.texts[uri] == "Hello. " + GAPPY, "nothing of ours is written into the prompt"


async def test_a_kind_is_offered_once_however_many_findings_it_has(start: Start, uri: str) -> None:
    editor = await start()
    editor.open(uri, TWO_OF_A_KIND)
    await editor.settled(uri)
    titles = [action.title for action in await editor.actions(uri) if "in this file" in action.title]
    assert len(titles) == len(set(titles)) == len(_kinds(editor.diagnostics[uri]))


async def test_an_unsaved_document_has_no_file_to_ignore_a_kind_in(start: Start) -> None:
    editor = await start()
    editor.open("untitled:Untitled-1", GAPPY)
    assert await editor.settled("untitled:Untitled-1")
    titles = [action.title for action in await editor.actions("untitled:Untitled-1")]
    assert any(title.startswith("Ignore here") for title in titles)
    assert not any("in this file" in title for title in titles)


async def test_what_is_ignored_is_listed_and_shown_again_at_once(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    before = await editor.until(lambda: editor.diagnostics.get(uri))
    messages = {finding.message for finding in before}
    first = before[0]
    start = editor.offset(GAPPY, first.range.start)
    for title in ("ignore here", "ignore in this file", "ignore in this project"):
        await editor.perform(await editor.action(uri, title, start, start))
        await editor.until(lambda: first.message not in _messages(editor, uri))
        phrase = first.message.removeprefix("Missing: ")
        assert phrase not in await editor.hover_text(uri, start), "the hover does not bring it back"
        (entry,) = await _listed(editor, uri)
        assert entry["kind"] == first.code
        phrase = "*" if "file" in title else first.message.removeprefix("Missing: ")
        assert entry["phrase"] == phrase, "an open document tells what the hash is of"
        assert entry["uri"].endswith(".devrouter.toml" if "project" in title else "draft.prompt.md")
        await _run(editor, "showAgain", [uri, entry["key"]])
        await editor.until(lambda: _messages(editor, uri) == messages)
        assert await _listed(editor, uri) == []
        assert editor.texts[uri] == GAPPY


async def test_without_its_document_only_the_kind_of_a_finding_is_known(start: Start, uri: str) -> None:
    editor = await start()
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    await editor.perform(await editor.action(uri, "ignore here"))
    editor.close(uri)
    (entry,) = await _listed(editor, None)
    assert entry["phrase"] is None
    assert entry["uri"] == uri


async def test_the_command_line_lists_what_an_editor_ignored_and_takes_it_back(
    start: Start, uri: str
) -> None:
    editor = await start()
    editor.open(uri, GAPPY)
    first = (await editor.until(lambda: editor.diagnostics.get(uri)))[0]
    await editor.perform(await editor.action(uri, "ignore here"))
    await editor.until(lambda: first.message not in _messages(editor, uri))
    (line,) = devrouter("ignored").stdout.splitlines()[1:]
    assert "draft.prompt.md" in line
    devrouter("ignored", "--remove", line.split()[0])
    editor.replace(uri, 0, 0, " ")
    assert first.message in {finding.message for finding in await editor.settled(uri)}


async def test_what_is_sent_is_exactly_the_prompt_whatever_was_ignored(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    while editor.diagnostics[uri]:
        ignored = editor.diagnostics[uri][0].message
        place = editor.offset(GAPPY, editor.diagnostics[uri][0].range.start)
        await editor.perform(await editor.action(uri, "ignore here", place, place))
        await _gone(editor, uri, ignored)
    (prompt,) = (await editor.triage(uri))["prompts"]
    assert prompt["text"].strip() == GAPPY.strip()
    assert editor.texts[uri] == GAPPY


def _kinds(findings: Any) -> set[str]:
    return {str(finding.code) for finding in findings}


def _messages(editor: Editor, uri: str) -> set[str]:
    return {finding.message for finding in editor.diagnostics[uri]}


async def _gone(editor: Editor, uri: str, what: str) -> None:
    """Wait until no finding of this kind, or with this message, is shown."""
    await editor.until(lambda: what not in _kinds(editor.diagnostics[uri]) | _messages(editor, uri))


async def _listed(editor: Editor, uri: str | None) -> list[dict[str, Any]]:
    answer = await _run(editor, "listIgnored", [uri])
    return [
        {name: getattr(entry, name) for name in ("key", "kind", "uri", "phrase", "since")}
        if not isinstance(entry, dict)
        else entry
        for entry in answer
    ]


async def _run(editor: Editor, command: str, arguments: list[Any]) -> Any:
    params = types.ExecuteCommandParams(f"devrouter.server.{command}", arguments)
    return await editor.workspace_execute_command_async(params)
