"""The real workbench: the packaged extension in code-server on loopback, driven in Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import get_code_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
CLIENT = ROOT / "vscode-client"
ARTIFACTS = Path(os.environ.get("DEVROUTER_ARTIFACTS") or get_code_server.artifacts())
"""Where screenshots are written, outside the repository."""

GALLERY = ("serviceUrl", "itemUrl", "resourceUrlTemplate")
QUIET_SETTINGS: Mapping[str, object] = {
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.tips.enabled": False,
    "workbench.reduceMotion": "on",
    "workbench.colorTheme": "Default Dark Modern",
    "window.commandCenter": False,
    "editor.minimap.enabled": False,
    "files.autoSave": "off",
    "files.hotExit": "off",
    "git.enabled": False,
    "chat.disableAIFeatures": True,
    "security.workspace.trust.enabled": False,
}


class Scenario(Protocol):
    """Runs `scenarios/NAME.mjs` in a fresh profile and returns what it measured."""

    def __call__(
        self,
        name: str,
        *,
        files: Mapping[str, str],
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        **plan: object,
    ) -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return program
    pytest.skip("Chromium is not installed (Debian: chromium fonts-dejavu-core)")


@pytest.fixture(scope="session")
def code_server() -> Path:
    if not get_code_server.is_installed():
        pytest.skip("code-server is not installed; run python3 scripts/get_code_server.py")
    return get_code_server.code_server()


@pytest.fixture(scope="session")
def node_modules(code_server: Path) -> Path:
    """The client's packages, installed as its lock file says."""
    del code_server  # It brings the Node that npm runs on.
    folder = CLIENT / "node_modules"
    installed, wanted = folder / ".package-lock.json", CLIENT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        npm("ci")
    return folder


@pytest.fixture(scope="session")
def vsix(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as a user gets it, linted and type-checked, with the server's wheel in it."""
    file = tmp_path_factory.mktemp("vsix") / "devrouter.vsix"
    npm("run", "package", "--", "--out", str(file), cwd=node_modules.parent)
    return file


@pytest.fixture(scope="session")
def extensions(vsix: Path, code_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the extension and the fake chat models installed."""
    folder = tmp_path_factory.mktemp("extensions")
    fake = folder.with_suffix(".vsix")
    with zipfile.ZipFile(fake, "w") as archive:
        for file in (HERE / "fake-models").iterdir():
            archive.write(file, f"extension/{file.name}")
    data = tmp_path_factory.mktemp("installing")
    _run(
        [
            str(code_server),
            *_folders(data, folder),
            "--install-extension",
            str(vsix),
            "--install-extension",
            str(fake),
        ]
    )
    return folder


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python that a user has, without `devrouter` beside it."""
    folder = tmp_path_factory.mktemp("programs")
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "python3").symlink_to(base)
    return folder


@pytest.fixture(scope="session")
def first_run(
    chromium: str, extensions: Path, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The extension's storage after its first run, with the server's environment; all profiles share it."""
    storage, folder = tmp_path_factory.mktemp("storage"), tmp_path_factory.mktemp("first-run")
    run_scenario(
        "first-run",
        chromium=chromium,
        extensions=extensions,
        programs=programs,
        storage=storage,
        tmp_path=folder,
        files={"ask.prompt.md": "why does my flask app crash?\n"},
        timeout=150_000,
    )
    return storage


@pytest.fixture
def scenario(chromium: str, extensions: Path, programs: Path, first_run: Path, tmp_path: Path) -> Scenario:
    return partial(
        run_scenario,
        chromium=chromium,
        extensions=extensions,
        programs=programs,
        storage=first_run,
        tmp_path=tmp_path,
    )


def run_scenario(
    name: str,
    *,
    chromium: str,
    extensions: Path,
    programs: Path,
    storage: Path,
    tmp_path: Path,
    files: Mapping[str, str],
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    **plan: object,
) -> dict[str, Any]:
    """Run `scenarios/NAME.mjs` on these files in a profile of its own. `plan` is handed to it."""
    data, folder = tmp_path / "data", tmp_path / "project"
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    _write_profile(data, storage, {**QUIET_SETTINGS, **(settings or {})})
    with _serving(data, extensions, _environment(programs, environment or {})) as url:
        whole = {
            "scenario": name,
            "url": f"{url}?folder={folder}",
            "client": str(CLIENT),
            "chromium": chromium,
            "folder": str(folder),
            "shots": str(ARTIFACTS),
            "data": str(data),
            "timeout": 40_000,
            **plan,
        }
        plan_file = tmp_path / "plan.json"
        plan_file.write_text(json.dumps(whole), encoding="utf-8")
        node = get_code_server.node_folder() / "bin" / "node"
        drive = [node, HERE / "drive.mjs", plan_file]
        done = subprocess.run(drive, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{_logs(data)}"
        measured: dict[str, Any] = json.loads(done.stdout)
        return measured


def _write_profile(data: Path, storage: Path, settings: Mapping[str, object]) -> None:
    # What has scope `machine` counts only in the settings of the machine that the extensions run on.
    for part in ("User", "Machine"):
        file = data / part / "settings.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    own = data / "User" / "globalStorage" / "devrouter.devrouter"
    own.parent.mkdir(parents=True)
    own.symlink_to(storage, target_is_directory=True)


def _environment(programs: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """A PATH without `devrouter`, and no extension gallery to talk to."""
    path = os.environ["PATH"].split(os.pathsep)
    others = [folder for folder in path if folder and not (Path(folder) / "devrouter").exists()]
    node = get_code_server.node_folder() / "bin"
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), str(node), *others]),
        "EXTENSIONS_GALLERY": json.dumps(
            {"serviceUrl": "http://127.0.0.1:9", "itemUrl": "", "resourceUrlTemplate": ""}
        ),
        **extra,
    }


@contextmanager
def _serving(data: Path, extensions: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """code-server with its own profile on a free port of the loopback interface."""
    listen = ["--auth", "none", "--bind-addr", "127.0.0.1:0"]
    quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"]
    process = subprocess.Popen(
        [str(get_code_server.code_server()), *_folders(data, extensions), *listen, *quiet],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(r"HTTP server listening on (http://127\.0\.0\.1:\d+)", line):
                yield match[1]
                break
        else:
            pytest.fail("code-server ended before it listened")
    finally:
        # The process alone would leave its extension hosts behind.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _folders(data: Path, extensions: Path) -> list[str]:
    config = data / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("", encoding="utf-8")
    return ["--config", str(config), "--user-data-dir", str(data), "--extensions-dir", str(extensions)]


def _logs(data: Path) -> str:
    """What the extension logged, for the report of a failure."""
    files = sorted(data.glob("**/DevRouter.log"))
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)


def npm(*arguments: str, cwd: Path = CLIENT) -> None:
    """npm on the Node that code-server brought, with this Python to build the wheel."""
    program = shutil.which("npm")
    if program is None:
        pytest.skip("npm is not installed (Debian: npm)")
    _run([program, *arguments], cwd=cwd)


def _run(command: list[str], *, cwd: Path = CLIENT) -> None:
    node = str(get_code_server.node_folder() / "bin")
    path = os.pathsep.join([node, os.environ["PATH"]])
    environment = {**os.environ, "PYTHON": sys.executable, "PATH": path}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
