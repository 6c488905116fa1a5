"""Facts of sample projects: versions, stack, environment, the test command."""

from __future__ import annotations

import builtins
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from devrouter.core.kinds import GapKind
from devrouter.workspace.environment import operating_system
from devrouter.workspace.workspace import Workspace, workspace_root
from tests.unit.workspaces import NAMES, PATIENT, SAMPLES, facts_of, lines, until

EXPECTED = {
    "empty": [],
    "go": [
        "version | Go | 1.22.5 | go.mod",
        "version | Gin | 1.10.0 | go.mod",
        "version | github.com/jackc/pgx/v5 | 5.6.0 | go.mod",
        "version | github.com/stretchr/testify | 1.9.0 | go.mod",
        "stack | programming language | Go 1.22.5 | go.mod",
        "stack | framework | Gin 1.10.0 | go.mod",
        "stack | database | PostgreSQL | go.mod",
        "stack | test framework | stretchr/testify 1.9.0 | go.mod",
        "stack | package manager | Go modules | go.mod",
        "acceptance | test command | `go test ./...` | go.mod",
        "environment | CI | Jenkins | Jenkinsfile",
    ],
    "mixed": [
        "version | Python | 3.13 | mise.toml",
        "version | Node.js | 22 | mise.toml",
        "version | FastAPI | 0.112.0 | backend/pyproject.toml",
        "version | Vue | ^3.4.0 | frontend/package.json",
        "version | Vue | ^2.7.0 | packages/legacy/package.json",
        "stack | programming language | Python 3.13 | backend/pyproject.toml",
        "stack | programming language | JavaScript | frontend/package.json",
        "stack | framework | FastAPI 0.112.0 | backend/pyproject.toml",
        "stack | framework | Vue | frontend/package.json",
        "acceptance | test command | `tox` in backend | backend/tox.ini",
        "acceptance | test command | `npm test` in frontend | frontend/package.json",
        (
            "environment | compose services | db (mysql:8.4), cache (registry.example.com/library/redis:7)"
            " | docker-compose.yml"
        ),
        "stack | database | MySQL 8.4 | docker-compose.yml",
        "version | MySQL | 8.4 | docker-compose.yml",
        "stack | database | Redis 7 | docker-compose.yml",
        "version | Redis | 7 | docker-compose.yml",
    ],
    "node-npm": [
        "version | Node.js | 20.15.1 | .nvmrc",
        "version | React | 18.3.1 | package-lock.json",
        "version | Express | 4.19.2 | package-lock.json",
        "version | Jest | 29.7.0 | package-lock.json",
        "version | TypeScript | 5.5.4 | package-lock.json",
        "version | Webpack | 5.93.0 | package-lock.json",
        "stack | programming language | TypeScript 5.5.4 | package.json",
        "stack | framework | React 18.3.1 | package-lock.json",
        "stack | framework | Express 4.19.2 | package-lock.json",
        "stack | test framework | Jest 29.7.0 | package-lock.json",
        "stack | package manager | npm | package-lock.json",
        "acceptance | test command | `npm test` | package.json",
        "audience | commit message convention | Conventional Commits | commitlint.config.js",
    ],
    "node-pnpm": [
        "version | Next.js | 14.2.5 | pnpm-lock.yaml",
        "version | React | 18.3.1 | pnpm-lock.yaml",
        "version | Vitest | 2.0.5 | pnpm-lock.yaml",
        # As YAML would have a number, this would be 1.45.1.
        "version | Playwright | 1.45.10 | pnpm-lock.yaml",
        "stack | programming language | JavaScript | package.json",
        "stack | framework | Next.js 14.2.5 | pnpm-lock.yaml",
        "stack | framework | React 18.3.1 | pnpm-lock.yaml",
        "stack | test framework | Vitest 2.0.5 | pnpm-lock.yaml",
        "stack | test framework | Playwright 1.45.10 | pnpm-lock.yaml",
        "stack | package manager | pnpm 9.6.0 | package.json",
        "acceptance | test command | `pnpm test` | package.json",
    ],
    "node-yarn": [
        "version | Node.js | 18.20.4 | .tool-versions",
        "version | Terraform | 1.9.2 | .tool-versions",
        "version | Discord.js | 14.15.3 | yarn.lock",
        "version | pg | 8.12.0 | yarn.lock",
        "version | Mocha | 10.7.3 | yarn.lock",
        "stack | programming language | JavaScript | package.json",
        "stack | framework | Discord.js 14.15.3 | yarn.lock",
        "stack | database | PostgreSQL | yarn.lock",
        "stack | test framework | Mocha 10.7.3 | yarn.lock",
        "stack | package manager | Yarn | yarn.lock",
    ],
    "python-poetry": [
        "version | Python | ^3.10 | pyproject.toml",
        "version | Django | 5.0.7 | poetry.lock",
        "version | Celery | 5.4.0 | poetry.lock",
        "version | pytest | 8.2.2 | poetry.lock",
        "stack | programming language | Python | pyproject.toml",
        "stack | framework | Django 5.0.7 | poetry.lock",
        "stack | test framework | pytest 8.2.2 | poetry.lock",
        "stack | package manager | Poetry | poetry.lock",
        "acceptance | test command | `make test` | Makefile",
        "environment | CI | GitLab CI | .gitlab-ci.yml",
        "audience | commit message convention | Conventional Commits | CONTRIBUTING.md",
    ],
    "python-requirements": [
        "version | FastAPI | 0.111.0 | requirements.txt",
        "version | uvicorn | >=0.30,<1 | requirements.txt",
        "version | pandas | 2.2.2 | requirements.txt",
        "version | NumPy | 1.26.4 | requirements.txt",
        "version | pytest | 8.3.2 | requirements-dev.txt",
        "stack | programming language | Python | requirements.txt",
        "stack | framework | FastAPI 0.111.0 | requirements.txt",
        "stack | test framework | pytest 8.3.2 | requirements-dev.txt",
        "stack | package manager | pip | requirements.txt",
        "acceptance | test command | `pytest` | requirements-dev.txt",
    ],
    "python-uv": [
        "version | Python | 3.12.4 | .python-version",
        "version | Flask | 3.0.3 | uv.lock",
        "version | SQLAlchemy | 2.0.32 | uv.lock",
        "version | psycopg | 3.2.1 | uv.lock",
        # The client's version, not the server's: so it is not called Redis.
        "version | redis | 5.0.8 | uv.lock",
        "version | pytest | 8.3.2 | uv.lock",
        "version | Ruff | 0.6.1 | uv.lock",
        "stack | programming language | Python 3.12.4 | pyproject.toml",
        "stack | framework | Flask 3.0.3 | uv.lock",
        "stack | database | Redis | uv.lock",
        "stack | test framework | pytest 8.3.2 | uv.lock",
        "stack | package manager | uv | uv.lock",
        "acceptance | test command | `uv run pytest` | pyproject.toml",
        "environment | container image | python:3.12-slim | Dockerfile",
        "environment | compose services | web, db (postgres:16.3-alpine) | compose.yaml",
        "stack | database | PostgreSQL 16.3 | compose.yaml",
        "version | PostgreSQL | 16.3 | compose.yaml",
        "environment | CI | GitHub Actions: release, Tests | .github/workflows",
    ],
    "rust": [
        "version | Rust | 1.79.0 | rust-toolchain.toml",
        "version | Rust edition | 2021 | Cargo.toml",
        "version | Tokio | 1.38.1 | Cargo.lock",
        "version | Serde | 1.0.204 | Cargo.lock",
        "version | rand | 0.8.5 | Cargo.lock",
        "version | criterion | 0.5.1 | Cargo.lock",
        "stack | programming language | Rust 1.79.0 | Cargo.toml",
        "stack | package manager | Cargo | Cargo.toml",
        "acceptance | test command | `cargo test` | Cargo.toml",
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_project_says_what_it_is_built_with(name: str) -> None:
    assert facts_of(SAMPLES / name, "Make it faster.") == EXPECTED[name]


def test_the_machine_is_told() -> None:
    facts = Workspace(SAMPLES / "empty").facts("", wait=PATIENT)
    assert [(fact.kind, fact.name, fact.value) for fact in facts if fact.source == "this machine"] == [
        (GapKind.ENVIRONMENT, "operating system", operating_system())
    ]
    assert operating_system()


def test_what_the_prompt_names_comes_first_even_if_it_is_installed_for_another() -> None:
    assert facts_of(SAMPLES / "python-uv", "Why does pytest fail with `werkzeug`?")[:3] == [
        "version | pytest | 8.3.2 | uv.lock",
        "version | werkzeug | 3.0.4 | uv.lock",
        "version | Python | 3.12.4 | .python-version",
    ]
    assert (
        facts_of(SAMPLES / "node-npm", "Use Lodash here")[0]
        == "version | Lodash | 4.17.21 | package-lock.json"
    )


def test_the_order_is_that_of_the_files(tmp_path: Path) -> None:
    names = [f"package-{letter}" for letter in "qhzaxmkb"]
    packages = {f"node_modules/{name}": {"version": "1.0.0"} for name in names}
    (tmp_path / "package.json").write_text('{"name": "a"}')
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages}))
    text = " ".join(f"`{name}`" for name in sorted(names))
    told = [fact.split(" | ")[1] for fact in facts_of(tmp_path, text) if fact.startswith("version")]
    assert told == names


def test_a_workspace_without_lock_files_says_what_its_manifest_asks_for(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"react": "^18.2.0"}}))
    assert "version | React | ^18.2.0 | package.json" in facts_of(tmp_path)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "pyproject.toml": '[project]\nname = "a"\ndependencies = ["Flask"]\n',
                "pdm.lock": '[[package]]\nname = "flask"\nversion = "3.0.1"\n',
            },
            ["version | Flask | 3.0.1 | pdm.lock", "stack | package manager | PDM | pdm.lock"],
        ),
        (
            {
                "Pipfile": '[packages]\nflask = "*"\n[requires]\npython_version = "3.11"\n',
                "Pipfile.lock": json.dumps({"default": {"flask": {"version": "==3.0.2"}}}),
            },
            ["version | Python | 3.11 | Pipfile", "version | Flask | 3.0.2 | Pipfile.lock"],
        ),
        (
            {
                "package.json": json.dumps({"dependencies": {"react": "^16.0.0"}}),
                "package-lock.json": json.dumps(
                    {"lockfileVersion": 1, "dependencies": {"react": {"version": "16.14.0"}}}
                ),
            },
            ["version | React | 16.14.0 | package-lock.json"],
        ),
        (
            {
                "package.json": json.dumps({"dependencies": {"react": "^18.2.0"}}),
                "yarn.lock": '__metadata:\n  version: 8\n\n"react@npm:^17.0.0":\n  version: 17.0.2\n\n'
                '"react@npm:^18.0.0, react@npm:^18.2.0":\n  version: 18.3.1\n',
            },
            ["version | React | 18.3.1 | yarn.lock"],
        ),
        (
            {
                "package.json": json.dumps({"dependencies": {"react": "^17.0.0"}}),
                "pnpm-lock.yaml": "lockfileVersion: 5.4\ndependencies:\n  react: 17.0.2_abc\n",
            },
            ["version | React | 17.0.2 | pnpm-lock.yaml", "stack | package manager | pnpm | pnpm-lock.yaml"],
        ),
        (
            # Installed in two versions for two platforms: the manifest is all that is sure.
            {
                "pyproject.toml": '[project]\nname = "a"\ndependencies = ["numpy>=1"]\n',
                "uv.lock": '[[package]]\nname = "numpy"\nversion = "1.26.4"\n'
                '[[package]]\nname = "numpy"\nversion = "2.0.1"\n',
            },
            ["version | NumPy | >=1 | pyproject.toml"],
        ),
        (
            {"requirements.txt": "Django==5.0.7\n", "manage.py": "\n"},
            ["acceptance | test command | `python manage.py test` | manage.py"],
        ),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\nFlask = "^3.0"\n'},
            ["version | Flask | ^3.0 | pyproject.toml", "stack | package manager | Poetry | pyproject.toml"],
        ),
        (
            {"pyproject.toml": '[tool.hatch.envs.default.scripts]\ntest = "pytest"\n'},
            ["acceptance | test command | `hatch run test` | pyproject.toml"],
        ),
        (
            {
                "rust-toolchain": "nightly-2024-07-01\n",
                "Cargo.toml": '[workspace.package]\nedition = "2021"\n',
            },
            [
                "version | Rust | nightly-2024-07-01 | rust-toolchain",
                "version | Rust edition | 2021 | Cargo.toml",
            ],
        ),
        (
            {"requirements.txt": "flask==3.0.3\r\nSQLAlchemy==2.0.32\r\n", "runtime.txt": "\r\n"},
            [
                "version | Flask | 3.0.3 | requirements.txt",
                "version | SQLAlchemy | 2.0.32 | requirements.txt",
            ],
        ),
        (
            {"package.json": '\ufeff{"engines": {"node": "20"},\r\n "scripts": {"test": "größe"}}\r\n'},
            [
                "version | Node.js | 20 | package.json",
                "acceptance | test command | `npm test` | package.json",
            ],
        ),
    ],
)
def test_other_tools_and_line_ends(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
    assert set(expected) <= set(facts_of(tmp_path))


def test_a_package_of_a_monorepo_has_the_versions_of_the_root_lock_file(tmp_path: Path) -> None:
    (tmp_path / "packages" / "web").mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"name": "all", "workspaces": ["packages/*"]}')
    (tmp_path / "packages" / "web" / "package.json").write_text('{"dependencies": {"react": "^18.0.0"}}')
    packages = {
        "node_modules/react": {"version": "17.0.2"},
        "packages/web/node_modules/react": {"version": "18.3.1"},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    assert "version | React | 18.3.1 | package-lock.json" in facts_of(tmp_path)


def test_a_changed_file_changes_its_facts(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("flask==2.0.0\n")
    workspace = Workspace(tmp_path)
    assert "version | Flask | 2.0.0 | requirements.txt" in lines(workspace.facts("", wait=PATIENT))
    file.write_text("flask==3.0.33\n")
    until(lambda: "version | Flask | 3.0.33 | requirements.txt" in lines(workspace.facts("", wait=PATIENT)))
    file.unlink()
    until(lambda: lines(workspace.facts("", wait=PATIENT)) == [])


def test_nothing_is_read_before_a_question(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "not yet there")
    (tmp_path / "not yet there").mkdir()
    (tmp_path / "not yet there" / "go.mod").write_text("module a\n\ngo 1.22\n")
    assert "version | Go | 1.22 | go.mod" in lines(workspace.facts("", wait=PATIENT))


def test_a_folder_that_is_gone_knows_nothing(tmp_path: Path) -> None:
    assert facts_of(tmp_path / "gone", "Look at app.py and `parse_rows`") == []


def test_many_may_ask_at_once() -> None:
    workspace = Workspace(SAMPLES / "python-uv")
    answers: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(lines(workspace.facts("`parse_rows`", wait=PATIENT))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [*EXPECTED["python-uv"], "code | `parse_rows` | ... | src/orders/rows.py:18"]
    assert answers == [expected] * 8


def test_without_patience_there_is_an_answer_all_the_same() -> None:
    workspace = Workspace(SAMPLES / "node-npm")
    assert workspace.facts("", wait=0.0) is not None
    until(lambda: lines(workspace.facts("", wait=0.0)) == EXPECTED["node-npm"])


def test_facts_run_no_program_and_open_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []

    def refuse(*arguments: object, **_: object) -> NoReturn:
        refused.append(repr(arguments))
        raise AssertionError(arguments)

    for module, name in [
        (subprocess, "Popen"),
        (os, "system"),
        (os, "popen"),
        (os, "execv"),
        (os, "execve"),
        (os, "posix_spawn"),
        (os, "fork"),
        (socket.socket, "connect"),
        (socket, "getaddrinfo"),
        (builtins, "exec"),
        (builtins, "eval"),
    ]:
        if hasattr(module, name):
            monkeypatch.setattr(module, name, refuse)
    for name in NAMES:
        facts = Workspace(SAMPLES / name).facts("See src/index.ts and `parse_rows` with Flask", wait=PATIENT)
        assert set(EXPECTED[name]) <= set(lines(facts))
    assert refused == []


def test_the_workspace_is_imported_without_its_libraries() -> None:
    script = (
        "import sys, devrouter.workspace.workspace; "
        "print(sorted({'dulwich', 'yaml', 'packaging'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_root_is_the_repository_else_the_nearest_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    project = home / "work" / "project"
    inner = project / "packages" / "web"
    (inner / "prompts").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    prompt = inner / "prompts" / "a.prompt.md"
    (home / "package.json").write_text("{}")
    (tmp_path / "go.mod").write_text("module a\n")
    assert workspace_root(prompt) is None
    assert workspace_root(tmp_path / "other.prompt.md") is None
    (project / "pyproject.toml").write_text("")
    assert workspace_root(prompt) == project
    (inner / ".tool-versions").write_text("nodejs 20.1.0\n")
    assert workspace_root(prompt) == inner
    (project / ".git").mkdir()
    assert workspace_root(prompt) == project, "the branch and the lock file are the repository's"
    (inner / ".git").write_text("gitdir: elsewhere\n")
    assert workspace_root(prompt) == inner
    assert workspace_root(Path("/etc/hosts")) is None
