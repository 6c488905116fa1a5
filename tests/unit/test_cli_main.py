"""The command as a whole: help, version, errors in one sentence, and what a shell may do to it."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devrouter import __version__
from devrouter.cli import main
from devrouter.cli.exit_status import ExitStatus
from devrouter.engines.engine import EngineTimeout, EngineUnreachable, ModelMissing, ReplyBroken
from tests.unit.command import EXECUTABLE, devrouter

if TYPE_CHECKING:
    from pathlib import Path

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.engine import EngineError

PROMPT = "why does my flask app crash when i log in"
COMMANDS = main.COMMANDS


def test_version() -> None:
    ended = devrouter("--version")
    assert (ended.status, ended.stdout) == (0, f"devrouter {__version__}\n")


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "devrouter", "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"devrouter {__version__}\n"


def test_version_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom devrouter.cli.main import main\ntry: main(['--version'])\n"
        "except SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(done.stderr.decode().split())
    heavy = {"asyncio", "pydantic", "yaml", "markdown_it", "tqdm", "httpx", "numpy", "pygls", "lsprotocol"}
    assert heavy & loaded == set()


def test_help_documents_every_exit_status() -> None:
    text = devrouter("--help").stdout
    for status in ExitStatus:
        assert f"  {status.value:<4} {status.meaning}" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_teaches_by_example(command: str) -> None:
    ended = devrouter(command, "--help")
    assert ended.status == 0
    assert f"  devrouter {command}" in ended.stdout


@pytest.mark.parametrize("name", [*COMMANDS, "main"])
def test_examples_in_the_help_are_valid_commands(name: str) -> None:
    module = importlib.import_module(f"devrouter.cli.{name}")
    text: str = getattr(module, "EXAMPLES", None) or main._EXAMPLES
    lines = re.findall(r"^  (?:.*\| )?(devrouter .*)$", text, re.MULTILINE)
    assert lines
    for line in lines:
        # What stands behind two spaces is the explanation, behind < or > the shell's.
        words = shlex.split(re.split(r" {2,}| [<>] ", line)[0])
        assert main._parser(words[1:]).parse_args(words[1:]).run


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["route"],
        ["route", PROMPT, "--engine", "gpt"],
        ["check", "--mask", "--diff", "x.prompt.md"],
        ["check", "--format", "xml"],
        ["check", "x.prompt.md", "--stdin-filename", "y.prompt.md"],
        ["batch", "in.jsonl"],
    ],
)
def test_wrong_usage_is_one_sentence_with_status_2(arguments: list[str]) -> None:
    done = subprocess.run([EXECUTABLE, *arguments], capture_output=True, check=False)
    assert done.returncode == ExitStatus.USAGE
    assert done.stdout == b""
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1


# Configuration


def test_config_that_is_not_there(tmp_path: Path) -> None:
    ended = devrouter("route", PROMPT, "--config", tmp_path / "mine.toml")
    assert ended.status == ExitStatus.CONFIGURATION
    assert str(tmp_path / "mine.toml") in ended.stderr


@pytest.mark.parametrize("content", ["engine = ", "engine = 'gpt'", "[model]\ntrigger = 7"])
def test_config_that_cannot_be_used(tmp_path: Path, content: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(content)
    ended = devrouter("route", PROMPT, "--config", file)
    assert ended.status == ExitStatus.CONFIGURATION
    assert ended.stderr.startswith(f"error: {file}:")
    assert ended.stdout == ""


def test_config_is_used(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[tiers]\nfloor = "large_api"\n')
    assert "→ large_api" in devrouter("route", PROMPT, "--config", file).stdout


def test_bad_project_file_is_a_warning_and_its_default_is_used(tmp_path: Path) -> None:
    (tmp_path / ".devrouter.toml").write_text("[findings]\nseverity = 'loud'\n")
    ended = devrouter("route", PROMPT, cwd=tmp_path)
    assert ended.status == 0
    assert "warning: " in ended.stderr
    assert "findings.severity" in ended.stderr
    assert ".devrouter.toml" in ended.stderr


# Engines


class FailingEngine:
    """A model engine that cannot answer."""

    name = "staged"
    fields = frozenset({"rewrite", "missing"})

    def __init__(self, error: EngineError) -> None:
        self._error = error

    async def state(self) -> object:
        from devrouter.engines.engine import EngineState, Health

        return EngineState(Health.OK, "Staged.")

    async def decide(self, _draft: Draft, _on_progress: object = None) -> Answer:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineUnreachable("Nothing answers at 127.0.0.1:9.", "ollama serve"), ExitStatus.ENGINE),
        (ModelMissing("The model is not there.", "ollama pull x"), ExitStatus.ENGINE),
        (EngineTimeout("The server is too slow."), ExitStatus.ENGINE),
        (ReplyBroken("The reply is cut."), ExitStatus.REPLY),
    ],
)
def test_engine_named_on_the_command_line_must_answer(
    error: EngineError,
    status: ExitStatus,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("devrouter.app.engines.build_model_engine", lambda _: FailingEngine(error))
    assert main.main(["route", "--json", "--engine", "ollama", PROMPT]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {str(error).rstrip('.')}")
    assert error.mend is None or error.mend in err
    assert err.count("\n") == 1


def test_with_auto_the_instant_answer_stands_in_for_a_failing_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ReplyBroken("The reply is cut.")
    monkeypatch.setattr("devrouter.app.engines.build_model_engine", lambda _: FailingEngine(error))
    assert main.main(["route", "--json", PROMPT]) == ExitStatus.OK
    out, err = capsys.readouterr()
    assert '"intent": "debug"' in out
    assert err == "warning: The reply is cut.\n"


def test_engine_that_is_not_there(tmp_path: Path) -> None:
    # The discard port: nothing listens there.
    environment = {"OLLAMA_HOST": "127.0.0.1:9"}
    ended = devrouter("route", PROMPT, "--engine", "ollama", environment=environment, cwd=tmp_path)
    assert ended.status == ExitStatus.ENGINE
    assert ended.stdout == ""
    assert "ollama" in ended.stderr.lower()


def test_a_defect_does_not_look_like_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("staged")

    monkeypatch.setattr("devrouter.app.engines.build_model_engine", fail)
    assert main.main(["route", PROMPT]) == ExitStatus.DEFECT
    assert "please report it" in capsys.readouterr().err


# What a shell may do


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX pipes")
@pytest.mark.parametrize("arguments", [["route", PROMPT], ["check", "."]])
def test_reader_that_went_away(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.prompt.md").write_text(PROMPT)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as stdout:
        done = subprocess.run(
            [EXECUTABLE, *arguments], stdout=stdout, stderr=subprocess.PIPE, cwd=tmp_path, check=False
        )
    assert done.returncode == ExitStatus.PIPE_CLOSED
    assert done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_full_disk_at_standard_output() -> None:
    with open("/dev/full", "wb") as stdout:  # noqa: PTH123
        done = subprocess.run(
            [EXECUTABLE, "route", "--engine", "instant", PROMPT],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitStatus.OUTPUT
    assert done.stderr == b"error: the output cannot be written: no space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(closed: str) -> None:
    command = f"{shlex.quote(str(EXECUTABLE))} route --engine instant 'fix it' {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == ExitStatus.OK
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_interrupt(tmp_path: Path) -> None:
    pipe = tmp_path / "a.prompt.md"
    os.mkfifo(pipe)
    command = [EXECUTABLE, "check", "--engine", "instant", str(pipe)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Opening waits for the reader: from here on it reads and finds nothing.
    with process, pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == ExitStatus.INTERRUPTED
    assert stderr == b"error: interrupted\n"


def test_another_locale_changes_nothing(tmp_path: Path) -> None:
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "→" in devrouter("route", PROMPT, environment=environment, cwd=tmp_path).stdout
