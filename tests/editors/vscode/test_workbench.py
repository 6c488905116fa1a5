"""The extension in a real workbench, as a user meets it. The scenarios themselves stand in `scenarios/`."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.editors.vscode.conftest import ARTIFACTS, CLIENT

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    port = _unused_port()
    settings = {
        "devrouter.engine": "ollama",
        "devrouter.ollama.host": f"127.0.0.1:{port}",
        "devrouter.ollama.model": "tiny",
    }
    scenario("health", files={"ask.prompt.md": PROMPT}, settings=settings, port=port)


def _unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


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


def test_chat_box(scenario: Scenario, tmp_path: Path) -> None:
    prompt = "My flask app crash when i upload teh big file and it throw some error."
    hints: dict[str, object] = {"devrouter.chat.hints": True}
    _chat(scenario, tmp_path, "chat-box", {**TIERS, **hints}, prompt=prompt)


def test_router(scenario: Scenario, tmp_path: Path) -> None:
    # The user's mistake of naming DevRouter's own model counts for nothing.
    tiers = {
        **TIERS,
        "devrouter.tiers.mediumApi.models": ["absent", "DevRouter (auto)"],
        "devrouter.tiers.rules": [
            {"route": "small_local", "words": ["files"]},
            {"route": "medium_api", "words": ["crash"]},
        ],
    }
    _chat(scenario, tmp_path, "router", tiers)


def _chat(
    scenario: Scenario, folder: Path, name: str, settings: Mapping[str, object], **plan: object
) -> None:
    heard = folder / "heard" / "chat.jsonl"
    heard.parent.mkdir()
    scenario(
        name,
        files={"plain.txt": "Nothing to see.\n"},
        settings={**INSTANT, **settings, "chat.disableAIFeatures": False},
        environment={"DEVROUTER_TEST_CHAT": str(heard)},
        chat=str(heard),
        **plan,
    )


def test_answer_locally(scenario: Scenario) -> None:
    port = _unused_port()
    settings = {
        "devrouter.ollama.host": f"127.0.0.1:{port}",
        "devrouter.tiers.smallLocal.models": ["absent", "qwen:7b"],
    }
    files = {"ask.prompt.md": PROMPT, "endless.prompt.md": "Write an endless story.\n"}
    scenario("answer", files=files, settings={**INSTANT, **settings}, port=port, prompt=PROMPT.strip())


def test_begin(scenario: Scenario) -> None:
    files = {"notes.md": f"{PROMPT}", "comment.py": f'"""{PROMPT}"""\n'}
    scenario("begin", files=files, settings=INSTANT)


def test_fill(scenario: Scenario) -> None:
    files = {
        "package.json": '{"name": "shop", "devDependencies": {"vitest": "3.1.2"}}\n',
        "data/rates.json": '{\n  "euro": 1,,\n}\n',
        "ask.prompt.md": "the import of data/rates.json crash with some error, how do i fix it?\n",
        "tests.prompt.md": "write tests for the csv import\n",
    }
    scenario("fill", files=files, settings=INSTANT)


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


def test_typing_in_the_chat(scenario: Scenario) -> None:
    """Times are measured and kept for `scripts/bench/vscode_chat.py`; none of them decides."""
    settings = {**INSTANT, "chat.disableAIFeatures": False}
    measured = scenario("chat-typing", files={"ask.prompt.md": PROMPT}, settings=settings)
    assert min(len(measured["without"]), len(measured["with"])) > measured["keys"]
    (ARTIFACTS / "chat-typing.json").write_text(json.dumps(measured), encoding="utf-8")
