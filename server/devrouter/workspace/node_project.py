"""What the files of a Node.js project say: npm, pnpm, Yarn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.workspace.formats import Table, at, json_table, string, table, yaml_table, yarn_lock
from devrouter.workspace.project import Folder, Found, Project
from devrouter.workspace.reading import LOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "Yarn",
    "bun.lock": "Bun",
    "bun.lockb": "Bun",
}
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
# What npm writes when a project has no tests yet.
_NO_TESTS = re.compile(r"no test specified", re.IGNORECASE)


def node_project(folder: Folder) -> Project | None:
    """The project in this folder; None where there is no `package.json` that can be read."""
    manifest = json_table(folder.text("package.json"))
    if not manifest:
        return None
    source = folder.source("package.json")
    project = Project("npm")
    for group in _DEPENDENCIES:
        for name, asked in at(manifest, group).items():
            # Others are links, folders and addresses.
            specifier = string(asked) if re.match(r"[\dv^~<>=*]", string(asked)) else ""
            project.direct.setdefault(name, Found("" if specifier == "*" else specifier, source))
    typed = "typescript" in project.direct or folder.has("tsconfig.json")
    project.language = Found("TypeScript" if typed else "JavaScript", source)
    _enter_runtime(project, folder, manifest)
    lock = folder.for_lock(*_LOCKS)
    _enter_locked(project, folder, lock)
    project.manager = _manager(manifest, source, lock)
    script = string(at(manifest, "scripts").get("test"))
    if script and not _NO_TESTS.search(script):
        manager = project.manager.value.split()[0].lower() if project.manager else "npm"
        project.test_command = Found("bun run test" if manager == "bun" else f"{manager} test", source)
    return project


def _enter_runtime(project: Project, folder: Folder, manifest: Table) -> None:
    for name in (".nvmrc", ".node-version"):
        pinned = (folder.text(name) or "").split("\n", 1)[0].strip()
        if re.fullmatch(r"v?\d[\d.]*|lts/[\w*-]+", pinned):
            project.set_version("Node.js", pinned.removeprefix("v"), folder.source(name))
    for group in ("volta", "engines"):
        asked = string(at(manifest, group).get("node"))
        project.set_version("Node.js", asked, folder.source("package.json"))


def _manager(manifest: Table, source: str, lock: Folder) -> Found | None:
    named = re.match(r"(npm|pnpm|yarn|bun)@(\d[\w.-]{0,30})", string(manifest.get("packageManager")))
    if named:
        usual = {"yarn": "Yarn", "bun": "Bun"}.get(named[1], named[1])
        return Found(f"{usual} {named[2]}", source)
    name = next(filter(lock.has, _LOCKS), None)
    return Found(_LOCKS[name], lock.source(name)) if name else None


def _enter_locked(project: Project, folder: Folder, lock: Folder) -> None:
    inner = folder.path if lock.path != folder.path else ""
    for name in ("package-lock.json", "npm-shrinkwrap.json"):
        for package, version in _npm(json_table(lock.text(name, LOCK_BYTES)), inner):
            project.locked.setdefault(package, Found(version, lock.source(name)))
    for package, version in _pnpm(yaml_table(lock.text("pnpm-lock.yaml", LOCK_BYTES)), inner):
        project.locked.setdefault(package, Found(version, lock.source("pnpm-lock.yaml")))
    asked = {name: found.value for name, found in project.direct.items()}
    for package, version in _yarn(lock.text("yarn.lock", LOCK_BYTES), asked):
        project.locked.setdefault(package, Found(version, lock.source("yarn.lock")))


def _npm(lock: Table, inner: str) -> Iterator[tuple[str, str]]:
    """Versions 2 and 3 have paths ("node_modules/react"), version 1 has names."""
    packages = at(lock, "packages")
    for prefix in ([f"{inner}/node_modules/"] if inner else []) + ["node_modules/"]:
        for path, package in packages.items():
            name = path.removeprefix(prefix)
            if (
                name != path
                and "node_modules/" not in name
                and (version := string(table(package).get("version")))
            ):
                yield name, version
    for name, package in at(lock, "dependencies").items():
        if version := string(table(package).get("version")):
            yield name, version


def _pnpm(lock: Table, inner: str) -> Iterator[tuple[str, str]]:
    """Direct dependencies of the importer first, then every package that there is once."""
    importer = at(lock, "importers", inner or ".") or lock
    for group in _DEPENDENCIES:
        for name, value in at(importer, group).items():
            written = string(value) or string(table(value).get("version"))
            if re.match(r"\d", written):
                yield name, re.split(r"[(_]", written, maxsplit=1)[0]
    once: dict[str, set[str]] = {}
    for key in at(lock, "packages"):
        if match := re.match(r"/?(@?[^@(]{1,200})[@/](\d[^(_/]{0,60})", key):
            once.setdefault(match[1], set()).add(match[2])
    yield from ((name, versions.pop()) for name, versions in once.items() if len(versions) == 1)


def _yarn(text: str | None, asked: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What the manifest's own patterns resolve to, then every package that there is once."""
    once: dict[str, set[str]] = {}
    for pattern, version in yarn_lock(text):
        name, _, specifier = pattern.rpartition("@")
        protocol, _, specifier = specifier.rpartition(":")
        if not name or protocol not in ("", "npm") or not version[:1].isdigit():
            continue
        if asked.get(name) == specifier:
            yield name, version
        once.setdefault(name, set()).add(version)
    yield from ((name, versions.pop()) for name, versions in once.items() if len(versions) == 1)
