"""Where the project runs: this machine, its containers, its services, its automatic builds."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.core.facts import Fact
from devrouter.core.kinds import GapKind
from devrouter.core.technologies import TECHNOLOGIES, Category
from devrouter.workspace.formats import at, string, table, yaml_table
from devrouter.workspace.reading import clean, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.workspace.reading import Files

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OTHER_CI = {
    ".gitlab-ci.yml": "GitLab CI",
    ".circleci/config.yml": "CircleCI",
    "azure-pipelines.yml": "Azure Pipelines",
    "Jenkinsfile": "Jenkins",
}
_FROM = re.compile(r"\s*FROM\s+(?:--\S{1,80}\s+)?(\S{1,200})(?:\s+AS\s+(\S{1,80}))?\s*", re.IGNORECASE)
_COMMITLINT = re.compile(r"(?:commitlint\.config\.(?:js|cjs|mjs|ts|cts)|\.commitlintrc(?:\.\w{2,4})?)")
_MOST_LISTED = 20


def environment_facts(files: Files) -> tuple[Fact, ...]:
    """The machine, container files, services, automatic builds and the convention for commit messages."""
    names = files.names()
    facts = [Fact(GapKind.ENVIRONMENT, "operating system", operating_system(), "this machine")]
    facts += _containers(files, names)
    facts += _services(files, names)
    facts += _automatic_builds(files, names)
    facts += _commit_convention(files, names)
    return tuple(fact for fact in facts if fact.value)


@cache
def operating_system() -> str:
    """ "Ubuntu 24.04 LTS", "macOS 14.5", "Windows 11"; empty where it is none of the three."""
    if sys.platform == "win32":
        version = sys.getwindowsversion()
        return f"Windows {11 if version.build >= 22000 else version.major} (build {version.build})"
    if sys.platform == "darwin":
        text = _system_text("/System/Library/CoreServices/SystemVersion.plist")
        found = re.search(r"<key>ProductVersion</key>\s*<string>([\d.]{1,20})</string>", text)
        return f"macOS {found[1]}" if found else "macOS"
    if not sys.platform.startswith("linux"):
        return ""
    release = _system_text("/etc/os-release") or _system_text("/usr/lib/os-release")
    found = re.search(r"^PRETTY_NAME=[\"']?([^\"'\n]{1,100})", release, re.MULTILINE)
    name = found[1] if found else "Linux"
    is_wsl = "microsoft" in _system_text("/proc/sys/kernel/osrelease").lower()
    return clean(f"{name} on WSL" if is_wsl else name, 80)


def _system_text(path: str) -> str:
    return (read_regular(str(Path(path).resolve()), 100_000) or b"").decode("utf-8", "replace")


def _containers(files: Files, names: frozenset[str]) -> Iterator[Fact]:
    for name in sorted(names):
        if re.fullmatch(r"(?:Dockerfile|Containerfile)(?:\.[\w-]{1,40})?", name) and (
            text := files.text(name)
        ):
            image = _base_image(text)
            yield Fact(GapKind.ENVIRONMENT, "container image", clean(image, 100), name)


def _base_image(dockerfile: str) -> str:
    """The image that the last stage is built on, through the stages before it."""
    stages: dict[str, str] = {}
    image = ""
    for line in dockerfile.splitlines():
        if match := _FROM.fullmatch(line[:500]):
            image = stages.get(match[1].lower(), match[1])
            if match[2]:
                stages[match[2].lower()] = image
    return "" if "$" in image else image


def _services(files: Files, names: frozenset[str]) -> Iterator[Fact]:
    name = next((name for name in _COMPOSE if name in names), None)
    if name is None:
        return
    listed = []
    databases = []
    for service, value in list(at(yaml_table(files.text(name)), "services").items())[:_MOST_LISTED]:
        # Anchors are how compose files share an image.
        image = string(table(value).get("image")) or string(at(value, "<<").get("image"))
        listed.append(f"{service} ({image})" if image else service)
        bare, _, tag = image.rpartition("/")[2].partition(":")
        technology = TECHNOLOGIES.get(bare)
        if technology is not None and technology.category is Category.DATABASE:
            version = re.match(r"v?(\d[\d.]{0,20})", tag)
            databases.append((technology.name, version[1] if version else ""))
    yield Fact(GapKind.ENVIRONMENT, "compose services", clean(", ".join(listed), 300), name)
    for database, exact in databases:
        yield Fact(GapKind.STACK, "database", f"{database} {exact}".strip(), name)
        yield Fact(GapKind.VERSION, database, exact, name)


def _automatic_builds(files: Files, names: frozenset[str]) -> Iterator[Fact]:
    folder = ".github/workflows"
    if ".github" in names:
        workflows = []
        for name in sorted(files.names(folder))[:_MOST_LISTED]:
            stem, _, extension = name.rpartition(".")
            text = files.text(f"{folder}/{name}") if extension in ("yml", "yaml") else None
            if text is not None:
                title = re.search(r"^name:[ \t]*[\"']?([^\"'#\r\n]{1,80})", text, re.MULTILINE)
                workflows.append(title[1].strip() if title and title[1].strip() else stem)
        if workflows:
            listed = clean("GitHub Actions: " + ", ".join(workflows), 300)
            yield Fact(GapKind.ENVIRONMENT, "CI", listed, folder)
    for path, system in _OTHER_CI.items():
        if path.partition("/")[0] in names and files.is_file(path):
            yield Fact(GapKind.ENVIRONMENT, "CI", system, path)


def _commit_convention(files: Files, names: frozenset[str]) -> Iterator[Fact]:
    """Told only where the convention is named: commitlint can check any other as well."""
    for name in sorted(names):
        says = "config-conventional" if _COMMITLINT.fullmatch(name) else None
        says = "conventional commits" if name.lower() in ("contributing.md", "contributing.rst") else says
        if says and says in (files.text(name) or "").lower():
            yield Fact(GapKind.AUDIENCE, "commit message convention", "Conventional Commits", name)
            return
