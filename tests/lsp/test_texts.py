"""The server's copy of a text is the editor's, and every position counts as the editor counts."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from typing import TYPE_CHECKING

import pytest

from tests.lsp.drafts import GAPPY, ODD_TEXTS

if TYPE_CHECKING:
    from tests.lsp.harness import Editor

PIECES = [*"aZ \né🎉\r\u2028\x0c\u0085", "\r\n", "error", "```prompt\n", "---\n"]


@pytest.mark.parametrize("name", ODD_TEXTS)
async def test_odd_texts(editor: Editor, uri: str, name: str) -> None:
    text = ODD_TEXTS[name]
    editor.open(uri, text)
    for finding in await editor.settled(uri):
        assert editor.words(uri, finding).strip()
    await editor.hover_text(uri, len(text) // 2)
    await _same_text(editor, uri)
    for action in await editor.actions(uri):
        if "rewrite" in action.title.lower():
            await editor.perform(action)
            assert _line_ends(editor.texts[uri]) <= _line_ends(text)
            break
    await _same_text(editor, uri)
    editor.type(uri, "\n🎉")
    await _same_text(editor, uri)


async def test_ten_thousand_random_edits(editor: Editor, uri: str) -> None:
    chance = random.Random(20_261_124)  # noqa: S311
    editor.open(uri, GAPPY)
    for number in range(10_000):
        length = len(editor.texts[uri])
        start = chance.randint(0, length)
        # Deletions grow with the text, so that it stays a few hundred characters long.
        end = min(length, start + (chance.randint(0, 8) if length > 400 else chance.randint(0, 2)))
        editor.replace(uri, start, end, "".join(chance.choices(PIECES, k=chance.randint(0, 2))))
        if number % 100 == 0:
            await asyncio.sleep(0)
        if number % 1_000 == 0:
            await _same_text(editor, uri)
    await _same_text(editor, uri)
    editor.replace(uri, 0, len(editor.texts[uri]), GAPPY)
    assert await editor.settled(uri), "the server still works as on the first day"


async def _same_text(editor: Editor, uri: str) -> None:
    triage = await editor.triage(uri)
    text = editor.texts[uri].encode("utf-8", "surrogatepass")
    assert triage["version"] == editor.versions[uri]
    assert triage["textHash"] == hashlib.sha256(text).hexdigest()


def _line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\n|\r", text))
