"""Gaps filled by what the workspace knows, in each editor: offered, added, hovered, refused."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.lsp.harness import PATIENCE_SECONDS, StaleEditError

if TYPE_CHECKING:
    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

SAMPLES = Path(__file__).parents[1] / "workspaces"
ASKS_FOR_TESTS = "write tests for parse_rows"
ASKS_FOR_CODE = "refactor `parse_rows` in src/orders/rows.py"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The sample of a Python project, in a folder of the test's own."""
    folder = tmp_path / "orders"
    shutil.copytree(SAMPLES / "python-uv", folder)
    return folder


async def test_a_fact_is_offered_first_with_its_source_and_fills_the_gap(editor: Editor, uri: str) -> None:
    editor.open(uri, f"{ASKS_FOR_TESTS}\n")
    assert "Missing: test framework" in {finding.message for finding in await editor.settled(uri)}
    action = await editor.action_in_time(uri, "^Add test framework")
    assert action.title == "Add test framework: pytest 8.3.2 (from uv.lock)"
    assert action.is_preferred
    assert [finding.message for finding in action.diagnostics or ()] == ["Missing: test framework"]
    of_gap = [a.title for a in await editor.actions(uri) if "test framework" in a.title]
    assert of_gap[0] == action.title
    await editor.perform(action)
    assert editor.texts[uri] == f"{ASKS_FOR_TESTS}\n\nContext:\n- Test framework: pytest 8.3.2\n"
    assert "Missing: test framework" not in {finding.message for finding in await editor.settled(uri)}


async def test_the_only_fact_is_offered_anywhere_in_the_prompt_but_once(editor: Editor, uri: str) -> None:
    editor.open(uri, "write tests for the csv import")
    await editor.settled(uri)
    await editor.action_in_time(uri, "^Add test framework: pytest", at="import")
    for place in (0, len("write tes"), len("write tests for the")):
        titles = [action.title for action in await editor.actions(uri, place, place)]
        assert len([title for title in titles if title.startswith("Add test framework")]) == 1
        assert not [title for title in titles if title.startswith("Add all known")]


async def test_the_code_that_a_chat_needs_is_added_in_a_fence(
    editor: Editor, uri: str, workspace: Path
) -> None:
    editor.open(uri, ASKS_FOR_CODE)
    await editor.settled(uri)
    await editor.perform(await editor.action_in_time(uri, "^Add the content of `src/orders/rows.py`$"))
    source = (workspace / "src/orders/rows.py").read_text(encoding="utf-8").rstrip()
    assert editor.texts[uri] == (f"{ASKS_FOR_CODE}\n\nContext:\n\n`src/orders/rows.py`:\n```\n{source}\n```")
    assert not [f for f in await editor.settled(uri) if f.code == "code"]


async def test_an_agent_is_not_told_what_it_can_read(editor: Editor, uri: str) -> None:
    editor.open(uri, f"---\nagent: coder\n---\n{ASKS_FOR_CODE}\nwhich file is it?\n")
    assert not [f for f in await editor.settled(uri) if f.code == "code"]
    await _hover_with(editor, uri, "refactor", "Good as it stands")
    assert not [action for action in await editor.actions(uri) if "content of" in action.title]


async def test_all_that_is_known_is_added_at_once(editor: Editor, workspace: Path) -> None:
    notes = (workspace / "notes.md").as_uri()
    text = f"- todo\n\n  ```prompt\n  {ASKS_FOR_TESTS}\n  ```\n\n- more\n"
    editor.open(notes, text, "markdown")
    await editor.settled(notes)
    await editor.perform(await editor.action_in_time(notes, r"^Add all known context \(2 items\)$", "tests"))
    after = editor.texts[notes]
    assert after.startswith(text.partition("\n  ```\n")[0])
    assert after.endswith("\n  ```\n\n- more\n")
    (prompt,) = (await editor.triage(notes))["prompts"]
    assert "- Test framework: pytest 8.3.2" in prompt["text"]
    assert "def parse_rows(text):" in prompt["text"]
    assert prompt["text"].count("Context:") == 1


async def test_hover_says_what_is_known_and_which_file_is_absent(editor: Editor, uri: str) -> None:
    editor.open(uri, f"{ASKS_FOR_TESTS}, see src/ap.py\n")
    hover = await _hover_with(editor, uri, "tests", "Known:")
    assert "Test framework: pytest 8.3.2 (uv.lock)" in hover
    assert "“src/ap.py” is not in the workspace." in hover
    assert "](" not in hover


async def test_what_a_manifest_says_is_no_markup(start: Start, uri: str, workspace: Path) -> None:
    manifest = {"devDependencies": {"vitest": "1](command:evil)[<b>"}}
    (workspace / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    editor = await start()
    editor.open(uri, ASKS_FOR_TESTS)
    await _hover_with(editor, uri, "tests", "command:evil")
    hover = await editor.hover_text(uri, 0)
    assert r"1\]\(command:evil\)\[\<b\>" in hover
    assert "](" not in hover


async def test_hover_says_where_added_context_is_from(editor: Editor, uri: str) -> None:
    editor.open(uri, f"{ASKS_FOR_TESTS}\n\nContext:\n- Test framework: pytest 8.3.2\n- our own rule\n")
    await _hover_with(editor, uri, "pytest", "From uv.lock.")
    assert "From" not in await editor.hover_text(uri, editor.texts[uri].index("own rule"))


async def test_context_for_an_older_text_is_refused(editor: Editor, uri: str) -> None:
    editor.open(uri, ASKS_FOR_TESTS)
    await editor.settled(uri)
    action = await editor.action_in_time(uri, "^Add test framework")
    editor.replace(uri, 0, 5, "make")
    with pytest.raises((JsonRpcException, StaleEditError)) as refused:
        await editor.perform(action)
    if isinstance(refused.value, JsonRpcException):
        assert refused.value.code == types.LSPErrorCodes.ContentModified
    assert editor.texts[uri] == f"make{ASKS_FOR_TESTS[5:]}"


async def test_context_that_no_longer_holds_is_refused(start: Start, uri: str, workspace: Path) -> None:
    editor = await start()
    editor.open(uri, ASKS_FOR_TESTS)
    await editor.settled(uri)
    action = await editor.action_in_time(uri, "^Add test framework: pytest 8.3.2")
    lock = workspace / "uv.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace("8.3.2", "9.0.0"), encoding="utf-8")
    await editor.action_in_time(uri, "^Add test framework: pytest 9.0.0")
    with pytest.raises(JsonRpcException):
        await editor.perform(action)
    assert editor.texts[uri] == ASKS_FOR_TESTS


async def test_the_cursor_goes_behind_the_label_where_the_editor_can_do_that(
    editor: Editor, client: str, uri: str
) -> None:
    text = "My $flask} app \\crash when i upload teh big file and it throw some error.\n\nHow do i fix it?\n"
    editor.open(uri, text)
    await editor.settled(uri)
    await editor.perform(await editor.action(uri, "add lines for all"))
    after = editor.texts[uri]
    assert after.startswith(text.rstrip())
    if client.startswith("vscode"):
        assert len(editor.stops) == after.count(": \n") > 1
        assert all(before.endswith(": ") for before in editor.stops)
    else:
        assert not editor.stops


async def test_a_document_that_is_in_no_project_has_no_facts(start: Start, tmp_path: Path) -> None:
    editor = await start()
    for uri in ("untitled:Untitled-1", (tmp_path / "claude-prompt-1.prompt.md").as_uri()):
        editor.open(uri, f"{ASKS_FOR_TESTS} in src/orders/rows.py and src/ap.py")
        await editor.settled(uri)
        assert not [action for action in await editor.actions(uri) if action.title.startswith("Add test ")]
        hover = await editor.hover_text(uri, 3)
        assert "Known" not in hover
        assert "not in the workspace" not in hover


async def test_a_project_counts_where_the_editor_has_other_folders_open(start: Start, tmp_path: Path) -> None:
    editor = await start()
    shutil.copytree(SAMPLES / "node-npm", tmp_path / "shop")
    uri = (tmp_path / "shop" / "src" / "draft.prompt.md").as_uri()
    editor.open(uri, "reduce the bundle size of our react app, which test framework do we use")
    await editor.settled(uri)
    hover = await _hover_with(editor, uri, "react", "Known:")
    assert "package" in hover


async def test_problems_of_the_editor_join_the_context_of_their_prompt(
    editor: Editor, workspace: Path
) -> None:
    notes = (workspace / "notes.md").as_uri()
    text = "```prompt\r\nwhy 🎉\r\n```\r\n\r\n```prompt\r\nsrc/app.py throws an error\r\n```\r\n"
    editor.open(notes, text, "markdown")
    prompt = (await editor.triage(notes))["prompts"][1]
    problems = [
        {"place": "src/app.py:12", "text": 'error: "x" is not\ndefined'},
        {"place": "src/app.py:3", "text": "warning: unused ```"},
    ]
    params = {"textDocument": {"uri": notes}, "range": prompt["range"], "problems": problems}
    answer = await editor.request("devrouter/addContext", params)
    assert isinstance(answer, dict)
    assert answer["version"] == 1
    where = types.Position(**answer["range"]["start"])
    assert answer["range"]["end"] == answer["range"]["start"]
    editor.replace(notes, at := editor.offset(text, where), at, answer["text"])
    added = '- src/app.py:12: error: "x" is not defined\r\n- src/app.py:3: warning: unused ```'
    assert editor.texts[notes] == text.replace("an error\r\n", f"an error\r\n\r\nContext:\r\n{added}\r\n")
    assert not [finding for finding in await editor.settled(notes) if finding.code == "error"]
    assert await editor.request("devrouter/addContext", params) is None, "nothing is added twice"


async def test_problems_for_what_is_no_prompt_are_answered_with_nothing(start: Start, uri: str) -> None:
    editor = await start()
    params = {"textDocument": {"uri": uri}, "range": _RANGE, "problems": []}
    assert await editor.request("devrouter/addContext", params) is None
    editor.open(uri, "---\nagent: x\n---\nfix it\n")
    outside = [{"place": "a.py:1", "text": "error: x"}]
    assert await editor.request("devrouter/addContext", {**params, "problems": outside}) is None
    with pytest.raises(JsonRpcException):
        await editor.request("devrouter/addContext", {"textDocument": {"uri": uri}})


_RANGE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


async def _hover_with(editor: Editor, uri: str, at: str, words: str) -> str:
    """The hover at these words, asked for until it says the other ones: the workspace is read meanwhile."""
    offset = editor.texts[uri].index(at)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in (hover := (await editor.hover_text(uri, offset)).replace("\\", "")):
            pass
    return hover
