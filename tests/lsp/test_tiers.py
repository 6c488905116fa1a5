"""The user's own rules, models and limits decide about the tier, and every place that shows it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lsp.drafts import GAPPY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lsp.conftest import Start
    from tests.lsp.harness import Editor

OPTIONS = {
    "tiers": {
        "rules": [
            {"words": ["flask"], "path": "secret/**", "route": "small_local"},
            {"words": ["flask"], "route": "large_api"},
        ],
        "largeApi": {"name": "Opus", "models": ["opus"], "contextLimit": 50, "price": 15},
    }
}


async def test_a_rule_decides_and_is_named(start: Start, client: str, workspace: Path) -> None:
    editor = await start(client, OPTIONS)
    for folder, route in {"secret": "small_local", "open": "large_api"}.items():
        uri = (workspace / folder / "draft.prompt.md").as_uri()
        editor.open(uri, GAPPY)
        hover = (await editor.hover_text(uri, 0)).replace("\\", "")
        where = ", files like secret/**" if folder == "secret" else ""
        assert f"Your rule for the word “flask”{where}" in hover
        assert f"says {route}" in hover
        assert "tokens" in hover


async def test_a_draft_over_the_context_of_its_tier_goes_elsewhere(start: Start, uri: str) -> None:
    editor = await start(options=OPTIONS, status=True)
    editor.open(uri, GAPPY)
    short = await _status(editor, uri)
    assert short["tier"]["route"] == "large_api"
    assert short["tiers"][2] == {
        "route": "large_api",
        "name": "Opus",
        "models": ["opus"],
        "contextLimit": 50,
        "price": 15.0,
    }
    editor.replace(uri, 0, 0, "Mind the details of this long request. " * 10)
    long = await _status(editor, uri)
    assert long["tokens"] > 50 > short["tokens"]
    assert long["tier"]["route"] == "medium_api"
    assert "over the 50 of large_api" in long["tier"]["reason"]


async def test_a_repository_may_bring_rules_but_neither_models_nor_a_rule_before_the_users(
    start: Start, uri: str, workspace: Path
) -> None:
    (workspace / ".devrouter.toml").write_text(
        "[[tiers.rules]]\nroute = 'medium_api'\n[tiers.small_local]\nmodels = ['evil']\n", encoding="utf-8"
    )
    rule = {"words": ["flask"], "route": "small_local"}
    editor = await start(options={"tiers": {"rules": [rule]}}, status=True)
    editor.open(uri, GAPPY)
    users = await _status(editor, uri)
    assert users["tier"]["route"] == "small_local"
    assert users["tiers"][0]["models"] == []
    editor.replace(uri, 0, len(GAPPY), "Explain what this regex does: ^a+$")
    assert (await _status(editor, uri))["tier"]["route"] == "medium_api"


async def _status(editor: Editor, uri: str) -> dict[str, Any]:
    version = editor.versions[uri]

    def found() -> dict[str, Any] | None:
        return next((s for s in editor.statuses if s["uri"] == uri and s["version"] == version), None)

    return await editor.until(found)
