"""`devrouter serve` and `devrouter doctor`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from devrouter import __version__
from devrouter.app.clients import default_clients_file, record_client
from devrouter.cli.exit_status import ExitStatus
from tests.unit.command import EXECUTABLE, devrouter

if TYPE_CHECKING:
    from pathlib import Path


def message(method: str, number: int | None = None, **params: object) -> bytes:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        body["id"] = number
    content = json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


CLIENT = {"name": "Some Editor", "version": "1.2"}
SESSION = (
    message("initialize", 1, processId=None, rootUri=None, capabilities={}, clientInfo=CLIENT)
    + message("initialized")
    + message("shutdown", 2)
    + message("exit")
)


@pytest.mark.parametrize("options", [[], ["--stdio"]])
def test_serve_speaks_to_an_editor_over_standard_input_and_output(options: list[str]) -> None:
    done = subprocess.run([EXECUTABLE, "serve", *options], input=SESSION, capture_output=True, check=False)
    assert done.returncode == 0
    assert b'"name":"devrouter"' in done.stdout.replace(b" ", b"")


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0:7700", "192.168.1.2:7700", "example.com:7700", "7700", "127.0.0.1", "127.0.0.1:99999"],
)
def test_serve_listens_on_this_machine_only(address: str) -> None:
    ended = devrouter("serve", "--tcp", address)
    assert ended.status == ExitStatus.USAGE
    assert ended.stderr.startswith(f"error: --tcp {address}: ")


def test_serve_on_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = devrouter("serve", "--tcp", address)
    assert ended.status == ExitStatus.USAGE
    assert f"--tcp {address}: cannot listen there" in ended.stderr


def report(*arguments: str | Path) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    ended = devrouter("doctor", "--json", *arguments)
    checks = json.loads(ended.stdout)["checks"]
    return ended.status, {(check["section"], check["name"]): check for check in checks}


def test_doctor_finds_all_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = devrouter("doctor")
    assert ended.status == ExitStatus.OK
    assert f"✓ devrouter: {__version__}" in ended.stdout
    assert "✓ instant: " in ended.stdout
    assert "All is well." in ended.stdout
    assert ended.stderr == ""


def test_doctor_for_a_script() -> None:
    status, checks = report()
    assert status == ExitStatus.OK
    assert {section for section, _ in checks} == {"installation", "configuration", "engines", "editors"}
    assert all(set(check) == {"section", "name", "health", "message", "mend"} for check in checks.values())
    assert checks["engines", "instant"]["health"] == "ok"


def test_doctor_lists_the_editors_that_were_seen() -> None:
    assert report()[1]["editors", "seen"]["message"].startswith("none yet")
    record_client(default_clients_file(), "Neovim\x1b[2J", "0.11.4")
    out = devrouter("doctor").stdout
    assert "Neovim␛[2J: 0.11.4, last seen 20" in out
    assert "\x1b" not in out


def test_doctor_knows_an_editor_that_was_served() -> None:
    subprocess.run([EXECUTABLE, "serve"], input=SESSION, capture_output=True, check=True)
    assert "✓ Some Editor: 1.2, last seen 20" in devrouter("doctor").stdout


def test_doctor_says_how_to_mend_a_damaged_file() -> None:
    file = default_clients_file()
    file.parent.mkdir(parents=True)
    file.write_text("{")
    status, checks = report()
    assert status == ExitStatus.OK
    assert checks["editors", "seen"]["mend"] == f"rm '{file}'"


def test_doctor_reports_settings_that_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".devrouter.toml").write_text("[tiers]\nfloor = 'huge'\nceiling = 'medium_api'\n")
    status, checks = report()
    assert status == ExitStatus.OK
    assert "tiers.floor" in checks["configuration", "problem"]["message"]
    assert checks["configuration", str(tmp_path / ".devrouter.toml")]["message"] == "sets 1 setting"
    assert "1 thing to look at." in devrouter("doctor").stdout


def test_doctor_with_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    status, checks = report("--config", tmp_path / "absent.toml")
    assert status == ExitStatus.CONFIGURATION
    assert checks["configuration", "--config"]["health"] == "error"


def test_doctor_with_an_engine_that_is_not_there() -> None:
    ended = devrouter("doctor", "--engine", "ollama", environment={"OLLAMA_HOST": "127.0.0.1:9"})
    assert ended.status == ExitStatus.ENGINE
    assert "✗" in ended.stdout


def test_doctor_works_without_a_home(tmp_path: Path) -> None:
    environment = {name: str(tmp_path / "absent") for name in os.environ if name.startswith("XDG_")}
    assert devrouter("doctor", environment=environment).status == ExitStatus.OK
