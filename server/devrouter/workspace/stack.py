"""Projects in words: versions, the stack, the command that runs the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from devrouter.core.facts import Fact
from devrouter.core.kinds import GapKind
from devrouter.core.technologies import Category
from devrouter.workspace.go_and_rust import go_project, rust_project
from devrouter.workspace.node_project import node_project
from devrouter.workspace.project import (
    DATABASE_CLIENTS,
    TEST_FRAMEWORKS,
    Folder,
    Found,
    Project,
    category_of,
    usual_name,
)
from devrouter.workspace.python_project import python_project
from devrouter.workspace.reading import clean
from devrouter.workspace.tools import makefile, pinned_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.workspace.reading import Files

# What each of these finds first is the most exact.
_READERS = (makefile, pinned_tools, python_project, node_project, go_project, rust_project)
_MANIFEST_NAMES = """
    pyproject.toml setup.py setup.cfg requirements.txt Pipfile package.json go.mod Cargo.toml
    .tool-versions mise.toml .mise.toml
"""
MANIFESTS = frozenset(_MANIFEST_NAMES.split())
_PACKAGE_NAME = re.compile(r"[@\w./~+-]{1,150}")
_MOST_FOLDERS = 20  # with a project of their own, below the root
_MOST_VERSIONS = 60
_VERSION_LENGTH = 40


def is_project(names: frozenset[str]) -> bool:
    """Whether a folder with these names holds a manifest."""
    return not MANIFESTS.isdisjoint(names)


def find_projects(files: Files, folders: list[str]) -> tuple[Project, ...]:
    """The projects of the root and of the given folders below it, read again only where files changed."""
    projects: list[Project] = []
    with_manifest = [folder for folder in folders if is_project(files.names(folder))]
    for folder in ["", *with_manifest[:_MOST_FOLDERS]]:
        for reader in _READERS:
            project = files.remember(f"{reader.__name__}:{folder}", partial(reader, Folder(files, folder)))
            if project is not None:
                projects.append(project)
    return tuple(projects)


def project_facts(projects: tuple[Project, ...], named: frozenset[str]) -> Iterator[Fact]:
    """All that the projects say, what the prompt names first. `named` is in lower case."""
    versions = list(_versions(projects, named))
    versions.sort(key=lambda version: not version.is_named)
    for version in versions[:_MOST_VERSIONS]:
        yield Fact(
            GapKind.VERSION,
            version.name,
            clean(_bare(version.found.value), _VERSION_LENGTH),
            version.found.source,
        )
    yield from _unique(_stack(projects))
    yield from _unique(_test_commands(projects))


@dataclass(frozen=True, slots=True)
class _Version:
    name: str
    found: Found
    is_named: bool


def _versions(projects: tuple[Project, ...], named: frozenset[str]) -> Iterator[_Version]:
    """The root says what a version is; where only folders below it do, each that differs is told."""
    seen: dict[str, set[str]] = {}
    at_root: set[str] = set()
    for project in projects:
        entries = [(name, found, {name.lower()}) for name, found in project.versions.items()]
        for package in [*project.direct, *(name for name in project.locked if name not in project.direct)]:
            name = usual_name(package, project.registry)
            names = {package.lower(), name.lower(), package.rpartition("/")[2].lower()}
            if _PACKAGE_NAME.fullmatch(package) is None:
                continue
            if package in project.direct or not named.isdisjoint(names):
                found = project.version(package)
                entries += [(name, found, names)] if found is not None and found.value else []
        for name, found, names in entries:
            values = seen.setdefault(name, set())
            if name in at_root or found.value in values:
                continue
            values.add(found.value)
            if "/" not in found.source:
                at_root.add(name)
            yield _Version(name, found, not named.isdisjoint(names))


def _stack(projects: tuple[Project, ...]) -> Iterator[Fact]:
    """Languages, frameworks, package managers, test frameworks and databases, with their versions."""
    runtimes = {
        name: found.value for project in reversed(projects) for name, found in project.versions.items()
    }
    for project in projects:
        if project.language is not None:
            language = project.language.value
            compiler = project.version(language.lower())  # TypeScript is a package of its projects.
            version = compiler.value if compiler is not None else runtimes.get(language, "")
            yield _fact("programming language", language, version, project.language.source)
    for project in projects:
        for package, asked in project.direct.items():
            found = project.version(package) or asked
            name = usual_name(package, project.registry)
            if category_of(package, project.registry) is Category.FRAMEWORK:
                yield _fact("framework", name, found.value, found.source)
            short = "/".join(package.split("/")[-2:]) if project.registry == "Go" else package
            if short in TEST_FRAMEWORKS:
                yield _fact("test framework", name if name != package else short, found.value, found.source)
            client = re.sub(r"/v\d+\Z", "", package)
            client = client if client in DATABASE_CLIENTS else "/".join(client.split("/")[-2:])
            client = client if client in DATABASE_CLIENTS else client.rpartition("/")[2]
            if client in DATABASE_CLIENTS:
                yield _fact("database", DATABASE_CLIENTS[client], "", found.source)
    for project in projects:
        if project.manager is not None:
            yield _fact("package manager", project.manager.value, "", project.manager.source)


def _bare(version: str) -> str:
    """ "3.0.3" for "==3.0.3"."""
    return re.sub(r"\A={1,3}\s*(?=[^,]*\Z)", "", version)


def _fact(name: str, what: str, version: str, source: str) -> Fact:
    """ "Python 3.12": a version joins the name where it is one version, not a range."""
    version = _bare(version)
    exact = clean(version, _VERSION_LENGTH) if version[:1].isdigit() and "," not in version else ""
    return Fact(GapKind.STACK, name, clean(f"{what} {exact}", 80), source)


def _unique(facts: Iterator[Fact]) -> Iterator[Fact]:
    """Each name and value once: of "PostgreSQL" by two clients, the first."""
    seen: set[tuple[str, str]] = set()
    for fact in facts:
        if (key := (fact.name, fact.value)) not in seen:
            seen.add(key)
            yield fact


def _test_commands(projects: tuple[Project, ...]) -> Iterator[Fact]:
    """The command of each folder; one of a makefile stands for those that it may call."""
    commands = [project.test_command for project in projects if project.test_command is not None]
    made = {command.source.rpartition("/")[0] for command in commands if command.value == "make test"}
    for command in commands:
        folder = command.source.rpartition("/")[0]
        if command.value == "make test" or folder not in made:
            where = f" in {clean(folder, 60)}" if folder else ""
            yield Fact(
                GapKind.ACCEPTANCE, "test command", f"`{clean(command.value, 60)}`{where}", command.source
            )
