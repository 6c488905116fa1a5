"""What the files of a Python project say: uv, Poetry, PDM, Pipenv, pip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.workspace.formats import Table, at, json_table, string, strings, table, tables, toml
from devrouter.workspace.project import Folder, Found, Project
from devrouter.workspace.reading import LOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKS = {"uv.lock": "uv", "poetry.lock": "Poetry", "pdm.lock": "PDM", "Pipfile.lock": "Pipenv"}
_TOOLS = {"uv": "uv", "poetry": "Poetry", "pdm": "PDM", "hatch": "Hatch"}
_RUNNERS = {"uv": "uv run ", "Poetry": "poetry run ", "PDM": "pdm run ", "Pipenv": "pipenv run "}
_REQUIREMENTS = re.compile(r"(?:requirements|dev-requirements|test-requirements)[\w.-]{0,40}\.txt")


def python_project(folder: Folder) -> Project | None:
    """The project in this folder; None where nothing says that it is one of Python."""
    named = [
        name for name in folder.files.names(folder.path) if _REQUIREMENTS.fullmatch(name) and folder.has(name)
    ]
    requirements = sorted(named, key=lambda name: (len(name), name))  # The general one first.
    signs = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", *requirements)
    sign = next(filter(folder.has, signs), None)
    if sign is None:
        return None
    pyproject = toml(folder.text("pyproject.toml"))
    project = Project("PyPI", language=Found("Python", folder.source(sign)))
    _enter_language(project, folder, pyproject)
    for name, specifier, source in _direct(folder, pyproject):
        project.direct.setdefault(_canonical(name), Found(specifier, folder.source(source)))
    _enter_locked(project, folder.for_lock(*_LOCKS, "pylock.toml"))
    for source in requirements:
        for name, specifier in _requirements((folder.text(source) or "").splitlines()):
            found = Found(specifier.removeprefix("=="), folder.source(source))
            project.direct.setdefault(name, found)
            if re.fullmatch(r"==[^,*]+", specifier):
                project.locked.setdefault(name, found)
    if project.manager is None and requirements:
        project.manager = Found("pip", folder.source(requirements[0]))
    tool = next((tool for tool in _TOOLS if tool in at(pyproject, "tool")), None)
    if project.manager is None and tool is not None:
        project.manager = Found(_TOOLS[tool], folder.source("pyproject.toml"))
    project.test_command = _test_command(project, folder, pyproject)
    return project


def _enter_language(project: Project, folder: Folder, pyproject: Table) -> None:
    pinned = (folder.text(".python-version") or "").split("\n", 1)[0].strip()
    if re.fullmatch(r"(?:cpython-)?\d[\w.]*", pinned):
        project.set_version("Python", pinned.removeprefix("cpython-"), folder.source(".python-version"))
    poetry = at(pyproject, "tool", "poetry", "dependencies")
    for asked in (at(pyproject, "project").get("requires-python"), poetry.get("python")):
        project.set_version("Python", string(asked), folder.source("pyproject.toml"))
    requires = at(toml(folder.text("Pipfile")), "requires")
    asked = string(requires.get("python_full_version")) or string(requires.get("python_version"))
    project.set_version("Python", asked, folder.source("Pipfile"))


def _direct(folder: Folder, pyproject: Table) -> Iterator[tuple[str, str, str]]:
    """Name, version specifier and file of each dependency that a manifest names."""
    lists = [at(pyproject, "project").get("dependencies")]
    lists += at(pyproject, "project", "optional-dependencies").values()
    lists += at(pyproject, "dependency-groups").values()
    lists += [at(pyproject, "tool", "uv").get("dev-dependencies")]
    lists += at(pyproject, "tool", "pdm", "dev-dependencies").values()
    for items in lists:
        for name, specifier in _requirements(strings(items)):
            yield name, specifier, "pyproject.toml"
    poetry = at(pyproject, "tool", "poetry")
    groups = [at(poetry, "dependencies"), at(poetry, "dev-dependencies")]
    groups += [at(group, "dependencies") for group in at(poetry, "group").values()]
    pipfile = toml(folder.text("Pipfile"))
    for source, group in [("pyproject.toml", group) for group in groups] + [
        ("Pipfile", at(pipfile, kind)) for kind in ("packages", "dev-packages")
    ]:
        for name, value in group.items():
            if name != "python":
                specifier = string(value) or string(table(value).get("version"))
                yield name, "" if specifier == "*" else specifier, source


def _requirements(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Name and specifier of each line that is a requirement; options and broken lines are passed over."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        written = re.split(r"\s#|\s--|\s\\\Z", line, maxsplit=1)[0].strip()
        if not written or written[0] in "#-" or len(written) > 500:
            continue
        try:
            requirement = Requirement(written)
        except InvalidRequirement:
            continue
        # As it is written: packaging would put the parts into an order of its own.
        specifier = re.sub(r"\A[\w.-]+\s*(?:\[[^\]]*\])?", "", written.partition(";")[0]).strip(" ()")
        yield _canonical(requirement.name), specifier if requirement.specifier else ""


def _enter_locked(project: Project, folder: Folder) -> None:
    for name, manager in _LOCKS.items():
        if not folder.has(name):
            continue
        source = folder.source(name)
        project.manager = project.manager or Found(manager, source)
        text = folder.text(name, LOCK_BYTES)
        pairs = (
            _pipfile_lock(json_table(text)) if name == "Pipfile.lock" else _packages(toml(text), "package")
        )
        _enter(project, pairs, source)
    _enter(
        project,
        _packages(toml(folder.text("pylock.toml", LOCK_BYTES)), "packages"),
        folder.source("pylock.toml"),
    )


def _enter(project: Project, pairs: Iterator[tuple[str, str]], source: str) -> None:
    versions: dict[str, set[str]] = {}
    for name, version in pairs:
        versions.setdefault(_canonical(name), set()).add(version)
    for name, found in versions.items():
        # Of several, one for each platform, none can be told to be the one in use.
        if len(found) == 1:
            project.locked.setdefault(name, Found(found.pop(), source))


def _packages(lock: Table, key: str) -> Iterator[tuple[str, str]]:
    for package in tables(lock.get(key)):
        if string(package.get("name")) and string(package.get("version")):
            yield package["name"], package["version"]


def _pipfile_lock(lock: Table) -> Iterator[tuple[str, str]]:
    for group in ("default", "develop"):
        for name, package in at(lock, group).items():
            if version := string(table(package).get("version")):
                yield name, version.removeprefix("==")


def _test_command(project: Project, folder: Folder, pyproject: Table) -> Found | None:
    tools = at(pyproject, "tool")
    for name, command in (("tox.ini", "tox"), ("noxfile.py", "nox")):
        if folder.has(name):
            return Found(command, folder.source(name))
    if "tox" in tools:
        return Found("tox", folder.source("pyproject.toml"))
    for environment, values in at(tools, "hatch", "envs").items():
        if "test" in at(values, "scripts"):
            prefix = "" if environment == "default" else f"{environment}:"
            return Found(f"hatch run {prefix}test", folder.source("pyproject.toml"))
    source = "pytest.ini" if folder.has("pytest.ini") else "pyproject.toml" if "pytest" in tools else ""
    source = folder.source(source) if source else getattr(project.version("pytest"), "source", "")
    if not source and folder.has("manage.py"):
        return Found("python manage.py test", folder.source("manage.py"))
    if not source:
        return None
    runner = _RUNNERS.get(project.manager.value, "") if project.manager else ""
    return Found(f"{runner}pytest", source)


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name[:200])
