"""A repository that means harm: opened in an editor and checked on the command line, it gains nothing.

What a repository may set is tested key by key in `test_settings.py`, addresses in `test_endpoint.py`. Here
the whole program meets every such file at once.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.app.settings_table import all_settings
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.draft import matches
from devrouter.core.gaps import GapKind
from tests.lsp.harness import Editor
from tests.runtime.editing import options_for, staged
from tests.runtime.fake_server import OLLAMA, fake_server
from tests.unit.command import devrouter
from tests.unit.made_up_secrets import ALPHANUMERIC, Maker
from tests.unit.test_settings import HOSTILE, toml

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "ghp_" + Maker(51).some(ALPHANUMERIC, 36)
TASK = "my flask app gives a 500 when i upload a file, how do i fix it"
PRIVATE = "whats teh diffrence between a list and a tuple, my own notes\n"
PHRASE = "Werkzeug version"
BOMBS = ["*a" * 400, "**a" * 300, "**/a" * 240, "?" * 900, "*" * 900 + "b", "**" + "*a" * 400]


def hostile(folder: Path, evil: str) -> Path:
    """A repository with every file that a program could be led by; `evil` is where it wants drafts to go.

    That address is on this machine and so would be allowed, which makes the attack easier. Whatever runs
    leaves a file `ran` behind.
    """
    run = f"touch {folder / 'ran'}"
    settings: dict[str, Any] = {
        **HOSTILE,
        "engine": "ollama",
        "ollama.host": evil,
        "openai.base_url": f"{evil}/v1",
        "findings.severity": "hint",
        "findings.disabled_kinds": [kind.value for kind in GapKind],
        "findings.personal_data": False,
        "prompts.include": ["**", *BOMBS],
        "prompts.agent_patterns": BOMBS,
        "tiers.floor": "large_api",
    }
    ignored = ", ".join(f'{{kind = "{kind}", phrase = "*"}}' for kind in [*GapKind, "secret", "personal"])
    rules = f'ignore = [{ignored}]\ntiers.rules = [{{route = "large_api"}}]\n'
    files = {
        ".devrouter.toml": f"{toml(settings)}\n{rules}",
        "large/.devrouter.toml": "ignore = []\n" + "# rules\n" * 200_000,
        ".vscode/settings.json": json.dumps({f"devrouter.{key}": value for key, value in settings.items()}),
        ".vscode/tasks.json": json.dumps({"tasks": [{"command": run, "runOn": "folderOpen"}]}),
        ".dir-locals.el": f'((nil . ((eval . (shell-command "{run}")))))',
        ".nvim.lua": f'os.execute("{run}")',
        ".exrc": f"!{run}",
        ".env": f"OLLAMA_HOST={evil}\nHTTP_PROXY={evil}\nDEVROUTER_CONFIG=.devrouter.toml\n",
        ".envrc": f"export OLLAMA_HOST={evil}\n{run}\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/config": f"[core]\n\tfsmonitor = {run}\n\tpager = {run}\n\thooksPath = hooks\n"
        f'\tsshCommand = {run}\n[filter "x"]\n\tclean = {run}\n\tsmudge = {run}\n',
        ".gitattributes": "* filter=x\n",
        "hooks/post-checkout": f"#!/bin/sh\n{run}\n",
        "sitecustomize.py": f"import os; os.system({run!r})",
        "devrouter.py": f"import os; os.system({run!r})",
        "conftest.py": f"import os; os.system({run!r})",
        "package.json": json.dumps({"scripts": {"preinstall": run, "test": run}}),
        "a" * 120 + ".prompt.md": f"{TASK}\n",
        "ask.prompt.md": f"{TASK}\nmy token is {TOKEN}\n",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "hooks" / "post-checkout").chmod(0o755)
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the user's that is none of the repository's business."""
    file = tmp_path / "private.txt"
    file.write_text(PRIVATE, encoding="utf-8")
    return file


def unchanged(outside: Path) -> bool:
    return outside.read_text(encoding="utf-8") == PRIVATE


async def test_in_an_editor_it_redirects_nothing_runs_nothing_and_hides_no_secret(tmp_path: Path) -> None:
    reply = {"rewrite": TASK.capitalize() + "?", "missing": [PHRASE]}
    answers = staged(OLLAMA, OLLAMA.replies(reply))
    async with fake_server(answers) as evil, fake_server(dict(answers)) as chosen:
        repository = hostile(tmp_path / "repository", evil.url)
        editor = Editor()
        # What an editor answers to `workspace/configuration` holds the settings of the opened folder.
        flat = json.loads((repository / ".vscode" / "settings.json").read_text(encoding="utf-8"))
        section = {key.removeprefix("devrouter."): value for key, value in flat.items()}
        editor.set_configuration({"devrouter": section})
        try:
            await editor.begin("vscode-1.139.1", repository, options_for(OLLAMA, chosen.url), status=True)
            uri, plain = ((repository / name).as_uri() for name in ("ask.prompt.md", "other.prompt.md"))
            editor.open(uri, (repository / "ask.prompt.md").read_text(encoding="utf-8"))
            await editor.until(
                lambda: [one for one in editor.diagnostics.get(uri, ()) if one.code == "secret"]
            )
            (prompt,) = (await editor.triage(uri))["prompts"]
            assert prompt["tier"]["route"] == "small_local"
            await editor.until(lambda: chosen.asked("/api/chat"))
            editor.open(plain, TASK)
            await editor.triage(plain)
        finally:
            assert await editor.quit() == 0
        assert evil.requests == []
        assert any("only you may set it" in told.message for told in editor.messages)
    assert not (repository / "ran").exists()


async def test_on_the_command_line_it_gains_nothing_either(tmp_path: Path, home: Path, outside: Path) -> None:
    config = home / ".config" / "devrouter" / "config.toml"
    config.parent.mkdir(parents=True)
    answers = staged(OLLAMA, OLLAMA.replies({"rewrite": TASK, "missing": [PHRASE]}))
    async with fake_server(answers) as evil, fake_server(dict(answers)) as chosen:
        config.write_text(f'[ollama]\nhost = "{chosen.url}"\nmodel = "helper"\n', encoding="utf-8")
        repository = hostile(tmp_path / "repository", evil.url)
        (repository / "notes.prompt.md").symlink_to(outside)
        (repository / "folder").symlink_to(outside.parent, target_is_directory=True)
        asking = ("check", "--engine", "ollama", "--format", "json", "ask.prompt.md")
        one = await asyncio.to_thread(devrouter, *asking, cwd=repository)
        fixing = ("check", "--format", "json", "--fix", ".")
        whole = await asyncio.to_thread(devrouter, *fixing, cwd=repository)
        assert evil.requests == []
        assert chosen.asked("/api/chat")
    assert one.status == ExitStatus.FINDINGS
    (file,) = json.loads(one.stdout)["files"]
    assert [secret["kind"] for secret in file["prompts"][0]["secrets"]] == ["GitHub token"]
    assert file["prompts"][0]["tier"]["route"] == "small_local"
    # Missing context it may hide; so its file was read, and yet the secret is told.
    assert file["prompts"][0]["findings"] == []
    checked = [file["path"] for file in json.loads(whole.stdout)["files"]]
    assert "ask.prompt.md" in checked
    assert not [path for path in checked if "notes" in path or "folder" in path]
    assert unchanged(outside)
    assert not (repository / "ran").exists()


def test_no_setting_is_about_secrets() -> None:
    """What does not exist cannot be set by a repository."""
    assert [key for key in all_settings() if "secret" in key] == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("glob", BOMBS, ids=lambda glob: glob[:6])
@pytest.mark.parametrize("name", ["a" * 250, "ab" * 120, "b" + "a" * 200])
def test_no_glob_holds_up_the_server(glob: str, name: str) -> None:
    """Each of these took a careless matcher longer than anybody lives."""
    for path in (f"/home/me/{name}/{name}!", f"{name}/" * 15 + "!"):
        matches(path, [glob])
