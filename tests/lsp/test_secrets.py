"""A secret in a draft, as an editor sees it: warned of at once, masked alone, dismissed for good."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from tests.lsp.drafts import GOOD
from tests.unit.made_up_secrets import ALPHANUMERIC, Maker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

TOKEN = "ghp_" + Maker(11).some(ALPHANUMERIC, 36)
PASSWORD = Maker(12).password()
LEAKY = f"""\
🔑 Design the sharding of our order database, it must survive the loss of a region.

```
git clone https://me:{TOKEN}@github.com/me/shop
password: {PASSWORD}
```
"""


def warnings(editor: Editor, uri: str) -> list[types.Diagnostic]:
    return [diagnostic for diagnostic in editor.diagnostics.get(uri, ()) if diagnostic.code == "secret"]


def holding(text: str, folder: Path) -> list[Path]:
    """The files below a folder that hold the text."""
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def named(name: str, folder: Path) -> list[Path]:
    return list(folder.rglob(name))


async def test_a_warning_stands_under_the_value_and_does_not_repeat_it(editor: Editor, uri: str) -> None:
    editor.open(uri, LEAKY)
    found = await editor.until(lambda: warnings(editor, uri))
    assert [editor.words(uri, warning) for warning in found] == [TOKEN, PASSWORD]
    assert {warning.severity for warning in found} == {types.DiagnosticSeverity.Warning}
    assert not [warning for warning in found if TOKEN in warning.message or PASSWORD in warning.message]


async def test_it_shows_while_typing_goes_on(start: Start, uri: str) -> None:
    """A finding waits for rest, here for a minute; a secret does not."""
    editor = await start(options={"findings": {"delay_seconds": 60}})
    editor.open(uri, GOOD)
    await editor.triage(uri)
    editor.type(uri, f"My token is {TOKEN} ")
    await editor.until(lambda: warnings(editor, uri))


async def test_masking_one_leaves_the_rest_of_the_text_alone(editor: Editor, uri: str) -> None:
    editor.open(uri, LEAKY)
    await editor.until(lambda: warnings(editor, uri))
    at = LEAKY.index(TOKEN) + 3
    fix = await editor.action(uri, "^Mask this secret", at, at)
    assert fix.is_preferred
    assert [diagnostic.code for diagnostic in fix.diagnostics or ()] == ["secret"]
    await editor.perform(fix)
    assert editor.texts[uri] == LEAKY.replace(TOKEN, "<github-token>")
    await editor.until(lambda: editor.publications[-1].version == 2)
    (left,) = warnings(editor, uri)
    assert editor.words(uri, left) == PASSWORD


async def test_masking_all(editor: Editor, uri: str) -> None:
    editor.open(uri, LEAKY)
    await editor.until(lambda: warnings(editor, uri))
    at = LEAKY.index(PASSWORD)
    await editor.perform(await editor.action(uri, "^Mask all 2 secrets", at, at))
    assert editor.texts[uri] == LEAKY.replace(TOKEN, "<github-token>").replace(PASSWORD, "<password>")
    await editor.until(lambda: not warnings(editor, uri))


async def test_the_tier_is_local_until_the_secret_is_gone(editor: Editor, uri: str) -> None:
    editor.open(uri, LEAKY.replace(TOKEN, "<token>").replace(PASSWORD, "<password>"))
    (prompt,) = (await editor.triage(uri))["prompts"]
    free = prompt["tier"]["route"]
    assert free != "small_local", "the draft must be one that would leave the machine"
    editor.replace(uri, len(editor.texts[uri]), len(editor.texts[uri]), f"\nI use {TOKEN} there.\n")
    (prompt,) = (await editor.triage(uri))["prompts"]
    assert prompt["tier"]["route"] == "small_local"
    assert "holds a secret" in prompt["tier"]["reason"]
    assert prompt["secrets"] == 1
    assert prompt["masked"] == prompt["text"].replace(TOKEN, "<github-token>")
    assert "Holds a secret" in await editor.hover_text(uri, 3)
    start = editor.texts[uri].index(TOKEN)
    editor.replace(uri, start, start + len(TOKEN), "<github-token>")
    (prompt,) = (await editor.triage(uri))["prompts"]
    assert prompt["tier"]["route"] == free
    assert prompt["secrets"] == 0


async def test_a_selection_counts_its_own_secrets(start: Start, uri: str) -> None:
    """`Send` asks for the selection; what stands outside of it is not sent."""
    editor = await start()
    editor.open(uri, LEAKY)
    for part, count in ((PASSWORD, 0), (f"password: {PASSWORD}", 1), (LEAKY, 2)):
        begin = LEAKY.index(part)
        selected = editor.range(LEAKY, begin, begin + len(part))
        place = {
            name: {"line": position.line, "character": position.character}
            for name, position in (("start", selected.start), ("end", selected.end))
        }
        params = {"textDocument": {"uri": uri}, "range": place}
        answer = await editor.request("devrouter/triage", params)
        assert isinstance(answer, dict)
        assert answer["prompts"][0]["secrets"] == count


async def test_a_dismissed_value_is_never_warned_of_again(
    start: Start, uri: str, workspace: Path, home: Path
) -> None:
    editor = await start()
    editor.open(uri, LEAKY)
    await editor.until(lambda: warnings(editor, uri))
    at = LEAKY.index(TOKEN)
    await editor.perform(await editor.action(uri, "^Not a secret", at, at))
    await editor.until(lambda: [editor.words(uri, one) for one in warnings(editor, uri)] == [PASSWORD])
    other = (workspace / "other.prompt.md").as_uri()
    another = await start()
    another.open(other, f"Is {TOKEN} well-formed?\n")
    assert (await another.triage(other))["prompts"][0]["secrets"] == 0
    assert not holding(TOKEN, home)
    (key,) = named("secrets.key", home)
    assert os.name == "nt" or stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("personal", [False, True])
async def test_personal_data_is_a_hint_if_wanted(start: Start, uri: str, *, personal: bool) -> None:
    editor = await start(options={"findings": {"personal_data": personal}})
    text = "Write to jane.doe@acme.dev or call +49 30 901820, never to me@example.com.\n"
    editor.open(uri, text)
    found = [one for one in await editor.settled(uri) if one.code == "personal"]
    words = [editor.words(uri, one) for one in found]
    assert words == (["jane.doe@acme.dev", "+49 30 901820"] if personal else [])
    assert {one.severity for one in found} <= {types.DiagnosticSeverity.Hint}
    if personal:
        at = text.index("jane")
        await editor.perform(await editor.action(uri, "^Mask this e-mail address", at, at))
        assert editor.texts[uri] == text.replace("jane.doe@acme.dev", "<e-mail-address>")
