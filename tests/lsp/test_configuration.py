"""Settings take effect without a restart, and a bad one is named once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from tests.lsp.drafts import GAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor


async def test_a_project_file_takes_effect_when_it_is_written_and_when_it_goes(
    editor: Editor, uri: str, workspace: Path
) -> None:
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    file = workspace / ".devrouter.toml"
    file.write_text('[findings]\nseverity = "hint"\n', encoding="utf-8")
    await editor.until(lambda: _severities(editor, uri) == {types.DiagnosticSeverity.Hint})
    file.unlink()
    await editor.until(lambda: _severities(editor, uri) == {types.DiagnosticSeverity.Information})


async def test_the_users_own_file_takes_effect_when_it_changes(editor: Editor, uri: str, home: Path) -> None:
    editor.open(uri, GAPPY)
    kinds = {finding.code for finding in await editor.until(lambda: editor.diagnostics.get(uri))}
    folder = home / ".config" / "devrouter"
    folder.mkdir(parents=True, exist_ok=True)
    disabled = ", ".join(f'"{kind}"' for kind in kinds)
    (folder / "config.toml").write_text(f"[findings]\ndisabled_kinds = [{disabled}]\n", encoding="utf-8")
    await editor.until(lambda: not {finding.code for finding in editor.diagnostics[uri]} & kinds)


async def test_a_bad_setting_is_named_once_with_its_file(start: Start, client: str, workspace: Path) -> None:
    (workspace / ".devrouter.toml").write_text('[findings]\nseverity = "loud"\n', encoding="utf-8")
    editor = await start(client)
    for name in ("one", "two"):
        uri = (workspace / f"{name}.prompt.md").as_uri()
        editor.open(uri, GAPPY)
        assert await editor.settled(uri), "its default is used"
    (message,) = editor.messages
    assert "findings.severity" in message.message
    assert ".devrouter.toml" in message.message


async def test_a_repository_cannot_say_where_prompts_are_sent(
    start: Start, uri: str, client: str, workspace: Path
) -> None:
    file = '[ollama]\nhost = "http://192.0.2.1:11434"\n'
    (workspace / ".devrouter.toml").write_text(file, encoding="utf-8")
    editor = await start(client)
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    (message,) = editor.messages
    assert "ollama.host" in message.message


async def test_options_of_the_editor_hold_from_the_start(start: Start, uri: str, client: str) -> None:
    editor = await start(client, {"findings": {"severity": "hint"}})
    editor.open(uri, GAPPY)
    await editor.until(lambda: editor.diagnostics.get(uri))
    assert _severities(editor, uri) == {types.DiagnosticSeverity.Hint}


async def test_status_is_sent_to_those_who_ask_for_it(start: Start, uri: str) -> None:
    for editor in (await start(status=True), await start(options={"status": True})):
        editor.open(uri, GAPPY)
        prompt = (await editor.triage(uri))["prompts"][0]
        status = await editor.until(lambda: [s for s in editor.statuses if s.get("uri") == uri])  # noqa: B023
        assert status[-1]["health"] == "ok"
        assert prompt["tier"]["route"] in str(status[-1])


async def test_status_is_not_sent_to_those_who_do_not_ask(editor: Editor, uri: str) -> None:
    editor.open(uri, GAPPY)
    await editor.settled(uri)
    assert not editor.statuses


def _severities(editor: Editor, uri: str) -> set[types.DiagnosticSeverity | None]:
    return {finding.severity for finding in editor.diagnostics[uri]}
