"""What is typed or sent in a chat: read at once, by the embedded engine alone, and written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devrouter.core.tiers import Route
from tests.lsp.drafts import GAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start

CHAT = "chatSessionInput:input-1"


async def test_the_input_box_of_a_chat_is_a_prompt_as_a_whole(start: Start) -> None:
    editor = await start(status=True)
    text = f"---\nnot front matter\n---\n{GAPPY}"
    editor.open(CHAT, text, "plaintext")
    assert await editor.settled(CHAT)
    (prompt,) = (await editor.triage(CHAT))["prompts"]
    assert prompt["text"] == text.strip()
    assert prompt["tier"]["route"] in (await editor.hover_text(CHAT, 0)).replace("\\", "")
    editor.replace(CHAT, 0, len(text), "")
    await editor.until(lambda: not editor.diagnostics[CHAT])
    await editor.until(lambda: editor.statuses[-1]["tier"] is None)


async def test_nothing_about_a_chats_input_can_be_kept_on_disk(start: Start, uri: str) -> None:
    editor = await start()
    titles = {}
    for opened, language in ((uri, "prompt"), (CHAT, "plaintext")):
        editor.open(opened, GAPPY, language)
        await editor.settled(opened)
        titles[opened] = [action.title for action in await editor.actions(opened)]
    assert any(title.startswith("Ignore") for title in titles[uri])
    assert any(title.startswith("Add a line") for title in titles[CHAT])
    assert not any(title.startswith("Ignore") for title in titles[CHAT])


@pytest.mark.parametrize(
    ("text", "intent"),
    [("Write a docstring for this function: def f(x): return x", "documentation"), (GAPPY, "debug")],
)
async def test_a_text_is_triaged_as_a_prompt_file_with_it_is(
    text: str, intent: str, start: Start, uri: str
) -> None:
    editor = await start()
    editor.open(uri, text)
    (prompt,) = (await editor.triage(uri))["prompts"]
    answer = await editor.request("devrouter/triageText", {"text": text})
    assert isinstance(answer, dict)
    assert answer["intent"] == prompt["decision"]["intent"] == intent
    assert answer["complexity"] == prompt["decision"]["complexity"]
    assert answer["tier"] == prompt["tier"]
    assert [tier["route"] for tier in answer["tiers"]] == [route.value for route in Route]


async def test_a_text_obeys_the_rules_of_the_open_folder(start: Start, workspace: Path) -> None:
    rules = '[tiers]\nfloor = "large_api"\n'
    (workspace / ".devrouter.toml").write_text(rules, encoding="utf-8")
    editor = await start(options={"tiers.large_api.models": ["Opus"]})
    answer = await editor.request("devrouter/triageText", {"text": GAPPY})
    assert isinstance(answer, dict)
    assert answer["tier"]["route"] == "large_api"
    assert "your floor is large_api" in answer["tier"]["reason"]
    assert answer["tiers"][-1]["models"] == ["Opus"]


async def test_a_text_with_a_secret_is_held_local(start: Start) -> None:
    editor = await start()
    text = "Design the login service of a bank. The key is ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8."
    answer = await editor.request("devrouter/triageText", {"text": text})
    assert isinstance(answer, dict)
    assert answer["secrets"] == 1
    assert answer["tier"]["route"] == "small_local"


async def test_a_text_without_words_has_no_answer(start: Start) -> None:
    editor = await start()
    assert await editor.request("devrouter/triageText", {"text": " \n"}) is None
    with pytest.raises(Exception, match="takes a text"):
        await editor.request("devrouter/triageText", {})
