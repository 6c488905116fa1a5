"""The extension in a real workbench, as a user meets it. The scenarios themselves stand in `scenarios/`."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.editors.vscode.conftest import ARTIFACTS, CLIENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.editors.vscode.conftest import Scenario

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PROMPT = "My flask app crash when i upload teh big file and it throw some error.\n\nHow do i fix it?\n"
TIERS = {
    "devrouter.tiers.smallLocal.models": ["fake-small"],
    "devrouter.tiers.mediumApi.models": ["fake-medium"],
    "devrouter.tiers.largeApi.models": ["fake-large"],
}
INSTANT = {"devrouter.engine": "instant"}


def test_first_run_sets_the_server_up_from_the_extension(first_run: Path) -> None:
    assert list(first_run.glob("environment-*/complete"))


def test_write(scenario: Scenario) -> None:
    files = {
        "ask.prompt.md": PROMPT,
        "notes.md": "# Notes\n\nHow do i fix it? Nothing here is a prompt.\n",
        "block.md": f"# Notes\n\n```prompt\n{PROMPT}```\n",
    }
    scenario("write", files=files, settings={**INSTANT, **TIERS})


def test_health(scenario: Scenario) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    settings = {
        "devrouter.engine": "ollama",
        "devrouter.ollama.host": f"127.0.0.1:{port}",
        "devrouter.ollama.model": "tiny",
    }
    scenario("health", files={"ask.prompt.md": PROMPT}, settings=settings, port=port)


def test_send(scenario: Scenario, tmp_path: Path) -> None:
    heard = tmp_path / "heard" / "chat.jsonl"
    heard.parent.mkdir()
    scenario(
        "send",
        files={"ask.prompt.md": f"---\ndescription: not part of the prompt\n---\n{PROMPT}"},
        settings={**INSTANT, **TIERS, "chat.disableAIFeatures": False},
        environment={"DEVROUTER_TEST_CHAT": str(heard)},
        chat=str(heard),
        prompt=PROMPT.strip(),
    )


def test_begin(scenario: Scenario) -> None:
    files = {"notes.md": f"{PROMPT}", "comment.py": f'"""{PROMPT}"""\n'}
    scenario("begin", files=files, settings=INSTANT)


def test_untrusted(scenario: Scenario) -> None:
    settings = {
        **INSTANT,
        "devrouter.server.path": "/does/not/exist",
        "security.workspace.trust.enabled": True,
    }
    scenario("untrusted", files={"ask.prompt.md": PROMPT}, settings=settings)


def test_measurements(scenario: Scenario) -> None:
    """Times are measured and kept for `scripts/bench/vscode.py`; none of them decides."""
    files = {"ask.prompt.md": PROMPT, "second.prompt.md": "Write a haiku about the sea.\n"}
    measured = scenario("measure", files={**files, "plain.txt": PROMPT}, settings=INSTANT)
    measured["bundle"] = (CLIENT / "dist" / "extension.js").stat().st_size
    assert all(value > 0 for value in measured.values())
    (ARTIFACTS / "measurements.json").write_text(json.dumps(measured), encoding="utf-8")
    print(measured)  # noqa: T201
