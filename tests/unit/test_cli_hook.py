"""`devrouter hook` as a terminal agent runs it: a real process, which must never stop a prompt."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.cli.hook import _MISSING
from devrouter.core.draft import Destination
from devrouter.core.gaps import GapKind, hidden_for
from tests.unit.command import EXECUTABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

README = Path(__file__).parents[2] / "README.md"
HOOK = (sys.executable, "-m", "devrouter", "hook")
VAGUE = "make the zebra import faster"
"""Lacks what an agent cannot look up, and is not easy."""
HARD = "migrate our monolith to microservices"
GOOD = "rename get_user to fetch_user in api.py"


def documented(prompt: str, folder: Path, **other: object) -> bytes:
    """The input that Claude Code documents for UserPromptSubmit."""
    fields = {
        "session_id": "abc123",
        "transcript_path": "/home/me/.claude/projects/x/00893aaf-19fa-41d2-8238-13269b9b3ca0.jsonl",
        "cwd": str(folder),
        "permission_mode": "default",
        "hook_event_name": "UserPromptSubmit",
        "prompt": prompt,
    }
    return json.dumps(fields | other).encode()


def hook(
    stdin: bytes, home: Path, *arguments: str, environment: Mapping[str, str] | None = None, **streams: Any
) -> tuple[str, str]:
    """(standard output, standard error) of one call; its exit status is zero whatever comes."""
    configuration = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    done = subprocess.run(
        [*HOOK, *arguments],
        input=stdin,
        cwd=home,
        env={**os.environ, **configuration, **(environment or {})},
        check=False,
        **streams,
    )
    assert done.returncode == 0
    return (done.stdout or b"").decode(), (done.stderr or b"").decode()


def says_why_not(ended: tuple[str, str], why: str) -> None:
    out, err = ended
    assert out == ""
    assert err.startswith("warning: no context is added to this prompt: ")
    assert why in err
    assert err.count("\n") == 1


# What the agent is told


def test_the_documented_input_gets_the_documented_answer(tmp_path: Path) -> None:
    out, err = hook(documented(VAGUE, tmp_path), tmp_path)
    answer = json.loads(out)
    assert list(answer) == ["hookSpecificOutput"]
    assert answer["hookSpecificOutput"].keys() == {"hookEventName", "additionalContext"}
    assert answer["hookSpecificOutput"]["hookEventName"] == "UserPromptSubmit"
    context = answer["hookSpecificOutput"]["additionalContext"]
    assert context.startswith("The request may lack: ")
    assert "sizes and measured times" in context
    assert context.endswith("state what you assume.")
    assert context.count(". ") == 1
    assert err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_the_set_up_in_readme_is_a_hook(tmp_path: Path) -> None:
    snippet = re.search(
        r"<!-- setup: claude -->\n+```json\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE
    )
    assert snippet is not None
    (group,) = json.loads(snippet[1])["hooks"]["UserPromptSubmit"]
    (entry,) = group["hooks"]
    assert entry["type"] == "command"
    path = f"{Path(EXECUTABLE).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": path}
    done = subprocess.run(
        ["sh", "-c", entry["command"]],
        input=documented(VAGUE, tmp_path),
        capture_output=True,
        env=environment,
        check=True,
    )
    assert json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]


def test_an_agent_asks_before_it_starts_a_large_task(tmp_path: Path) -> None:
    out, _ = hook(documented(HARD, tmp_path), tmp_path)
    assert "ask before you make large changes." in out


def test_the_prompt_is_never_repeated_nor_kept(tmp_path: Path) -> None:
    out, err = hook(documented(VAGUE, tmp_path), tmp_path)
    assert out
    assert "zebra" not in out + err
    assert list(tmp_path.iterdir()) == []


def test_plain_text_gets_plain_text(tmp_path: Path) -> None:
    as_json, _ = hook(documented(VAGUE, tmp_path), tmp_path)
    as_text, _ = hook(f"\n{VAGUE}\r\n".encode(), tmp_path)
    assert as_text == json.loads(as_json)["hookSpecificOutput"]["additionalContext"] + "\n"


@pytest.mark.parametrize(
    "prompt",
    [
        GOOD,
        "yes do it",
        "continue",
        "什么让导入变慢了?",
        "/clear",
        f"/deploy {VAGUE}",
        f"!{VAGUE}",
        f"# {VAGUE}",
        f"<task-notification>\n{VAGUE}\n</task-notification>",
    ],
)
def test_nothing_is_said_of_a_good_or_easy_prompt_nor_of_a_command(prompt: str, tmp_path: Path) -> None:
    assert hook(documented(prompt, tmp_path), tmp_path) == ("", "")


@pytest.mark.parametrize("prompt", [f"/srv/app.py is slow, {VAGUE}", f"# Task\n{VAGUE}", f"{VAGUE} \ud83d"])
def test_a_path_a_heading_and_half_a_character_are_no_commands(prompt: str, tmp_path: Path) -> None:
    out, err = hook(documented(prompt, tmp_path), tmp_path)
    assert "The request may lack" in out
    assert err == ""


def test_every_kind_that_an_agent_cannot_look_up_has_words() -> None:
    assert set(_MISSING) == set(GapKind) - hidden_for(Destination.AGENT)


# Settings


def test_settings_of_the_agents_folder_count(tmp_path: Path) -> None:
    project = tmp_path / "project"
    folder = project / "src"
    folder.mkdir(parents=True)
    file = project / ".devrouter.toml"
    file.write_text("findings.disabled_kinds = ['scale']\n")
    assert "measured times" not in hook(documented(VAGUE, folder), tmp_path)[0]
    kinds = ", ".join(f'{{kind = "{kind}", phrase = "*"}}' for kind in GapKind)
    file.write_text(f"ignore = [{kinds}]\n")
    assert hook(documented(VAGUE, folder), tmp_path) == ("", "")
    assert hook(documented(VAGUE, tmp_path), tmp_path)[0] != ""


def test_the_users_settings_count(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("findings.disabled_kinds = ['scale']\n")
    prompt = documented(VAGUE, tmp_path)
    named = {"DEVROUTER_CONFIG": str(tmp_path / "mine.toml")}
    assert "measured times" in hook(prompt, tmp_path)[0]
    assert "measured times" not in hook(prompt, tmp_path, environment=named)[0]
    assert "measured times" not in hook(prompt, tmp_path, "--config", "mine.toml")[0]


@pytest.mark.parametrize("content", [b"findings = ", b"findings.severity = 'loud'", b"\xff", b"[[ignore]]"])
def test_broken_settings_stop_no_prompt(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / ".devrouter.toml"
    file.write_bytes(content)
    says_why_not(hook(documented(VAGUE, tmp_path), tmp_path), str(file))
    says_why_not(hook(documented(VAGUE, Path("/")), tmp_path, "--config", file.name), str(file))


def test_settings_that_are_not_there_stop_no_prompt(tmp_path: Path) -> None:
    says_why_not(hook(documented(VAGUE, tmp_path), tmp_path, "--config", "none.toml"), "none.toml")
    assert "measured" in hook(documented(VAGUE, tmp_path / "gone"), tmp_path)[0]


def test_an_endpoint_of_the_users_is_never_asked(tmp_path: Path) -> None:
    # The discard port: a call would fail, and say so.
    (tmp_path / "mine.toml").write_text("engine = 'openai'\nopenai.base_url = 'http://127.0.0.1:9/v1'\n")
    out, err = hook(documented(VAGUE, tmp_path), tmp_path, "--config", "mine.toml")
    assert "measured times" in out
    assert err == ""


# Broken input


@pytest.mark.parametrize(
    ("stdin", "why"),
    [
        (b"", "holds no prompt"),
        (b" \n", "holds no prompt"),
        (b"{", "is not valid JSON"),
        (b'{"prompt": "zebra', "is not valid JSON"),
        (b'{"a":' * 100_000, "is not valid JSON"),
        (b"{}", "has no hook_event_name"),
        (b'{"hook_event_name": "UserPromptSubmit"}', "has no prompt"),
        (b'{"hook_event_name": "UserPromptSubmit", "prompt": ["zebra"]}', "has no prompt"),
        (b'{"hook_event_name": "UserPromptSubmit", "prompt": " "}', "holds no prompt"),
        (b'{"hook_event_name": "Stop", "prompt": "zebra"}', "is not that of a UserPromptSubmit hook"),
        (b"zebra \xf6", "is not UTF-8"),
        (b"zebra\0", "is a binary file"),
        (b"zebra " * 1_700_000, "is larger than 4 MB"),
    ],
)
def test_broken_input_stops_no_prompt(stdin: bytes, why: str, tmp_path: Path) -> None:
    ended = hook(stdin, tmp_path)
    says_why_not(ended, why)
    assert "zebra" not in ended[1]


@pytest.mark.parametrize("folder", [None, 7, "", "\0", "relative"])
def test_a_folder_that_is_none_counts_as_the_current_one(folder: object, tmp_path: Path) -> None:
    (tmp_path / ".devrouter.toml").write_text("findings.disabled_kinds = ['scale']\n")
    out, err = hook(documented(VAGUE, tmp_path, cwd=folder), tmp_path)
    assert "measured times" not in out
    assert err == ""


def test_an_agent_can_write_all_of_an_input_that_is_too_large(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        HOOK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin is not None
        for _ in range(10):
            process.stdin.write(b"x" * 1_000_000)
            process.stdin.flush()
        process.stdin.close()
        assert process.wait() == 0


# A broken installation, wrong usage, streams


def test_missing_weights_stop_no_prompt(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("devrouter")
    assert spec is not None
    assert spec.origin is not None
    package = tmp_path / "server" / "devrouter"
    shutil.copytree(
        Path(spec.origin).parent, package, ignore=shutil.ignore_patterns("encoder.bin", "__pycache__")
    )
    environment = {"PYTHONPATH": str(package.parent)}
    says_why_not(hook(documented(VAGUE, tmp_path), tmp_path, environment=environment), "encoder.bin")


def test_damaged_weights_stop_no_prompt(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("devrouter")
    assert spec is not None
    assert spec.origin is not None
    package = tmp_path / "server" / "devrouter"
    shutil.copytree(Path(spec.origin).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "engines" / "instant" / "encoder.bin").write_bytes(b"damaged")
    environment = {"PYTHONPATH": str(package.parent)}
    says_why_not(
        hook(documented(VAGUE, tmp_path), tmp_path, environment=environment), "install DevRouter again"
    )


def test_wrong_usage_stops_no_prompt(tmp_path: Path) -> None:
    out, err = hook(documented(VAGUE, tmp_path), tmp_path, "--engine", "ollama")
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_stop_no_prompt(closed: str, tmp_path: Path) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *HOOK]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    stdin = documented(VAGUE, tmp_path)
    done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert (done.stdout != b"") == (closed == "2>&-")
    assert done.stderr.count(b"\n") == (closed in {">&-", "<&-"})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_stops_no_prompt(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as stdout:  # noqa: PTH123
        _, err = hook(documented(VAGUE, tmp_path), tmp_path, stdout=stdout)
    assert err == "error: the output cannot be written: no space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX pipes")
def test_an_agent_that_went_away_is_no_failure(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as stdout:
        assert hook(documented(VAGUE, tmp_path), tmp_path, stdout=stdout) == ("", "")


def test_no_network_library_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from devrouter.cli.main import main; main(['hook']); "
        "unwanted = {'asyncio', 'httpx', 'ollama', 'pydantic', 'http.client'} & set(sys.modules); "
        "print(*unwanted, file=sys.stderr)"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / ".devrouter.toml").write_text("findings.disabled_kinds = ['audience']\n")
    stdin = documented(VAGUE, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, env=environment, check=True
    )
    assert b"The request may lack" in done.stdout
    assert done.stderr == b"\n"
