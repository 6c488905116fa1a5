"""What the files of Go and Rust projects say."""

from __future__ import annotations

import re

from devrouter.workspace.formats import Table, at, go_mod, string, strings, table, tables, toml
from devrouter.workspace.project import Folder, Found, Project
from devrouter.workspace.reading import LOCK_BYTES


def go_project(folder: Folder) -> Project | None:
    """The module in this folder; None where there is no `go.mod`."""
    directives, required = go_mod(folder.text("go.mod"))
    if not directives:
        return None
    source = folder.source("go.mod")
    project = Project("Go", language=Found("Go", source), manager=Found("Go modules", source))
    for key in ("toolchain", "go"):
        project.set_version("Go", directives.get(key, "").removeprefix("go").replace("default", ""), source)
    for module, (version, is_direct) in required.items():
        # go.mod is its own lock file: the build takes exactly these.
        project.locked[module] = Found(version.removeprefix("v").removesuffix("+incompatible"), source)
        if is_direct:
            project.direct[module] = project.locked[module]
    project.test_command = Found("go test ./...", source)
    return project


def rust_project(folder: Folder) -> Project | None:
    """The crate or workspace in this folder; None where there is no `Cargo.toml` that can be read."""
    manifest = toml(folder.text("Cargo.toml"))
    if not manifest:
        return None
    source = folder.source("Cargo.toml")
    project = Project("crates.io", language=Found("Rust", source), manager=Found("Cargo", source))
    _enter_toolchain(project, folder, manifest, source)
    groups = [manifest, at(manifest, "workspace"), *at(manifest, "target").values()]
    for group in groups:
        for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, value in at(group, kind).items():
                package = string(table(value).get("package")) or name
                specifier = string(value) or string(table(value).get("version"))
                project.direct.setdefault(package, Found(specifier, source))
    lock = folder.for_lock("Cargo.lock")
    versions = _cargo_lock(
        toml(lock.text("Cargo.lock", LOCK_BYTES)), string(at(manifest, "package").get("name"))
    )
    project.locked = {name: Found(version, lock.source("Cargo.lock")) for name, version in versions.items()}
    project.test_command = Found("cargo test", source)
    return project


def _enter_toolchain(project: Project, folder: Folder, manifest: Table, source: str) -> None:
    channel = string(at(toml(folder.text("rust-toolchain.toml")), "toolchain").get("channel"))
    project.set_version("Rust", channel, folder.source("rust-toolchain.toml"))
    old = folder.text("rust-toolchain") or ""
    channel = string(at(toml(old), "toolchain").get("channel")) or old.strip()
    if re.fullmatch(r"[\w.-]{1,40}", channel):
        project.set_version("Rust", channel, folder.source("rust-toolchain"))
    for package in (at(manifest, "package"), at(manifest, "workspace", "package")):
        project.set_version("Rust", string(package.get("rust-version")), source)
        project.set_version("Rust edition", string(package.get("edition")), source)


def _cargo_lock(lock: Table, root: str) -> dict[str, str]:
    """Each crate's version; of several the one that the root package names, else none."""
    versions: dict[str, set[str]] = {}
    chosen: dict[str, str] = {}
    for package in tables(lock.get("package")):
        name, version = string(package.get("name")), string(package.get("version"))
        versions.setdefault(name, set()).add(version)
        if name == root and "source" not in package:
            pairs = (written.split() for written in strings(package.get("dependencies")))
            chosen.update((pair[0], pair[1]) for pair in pairs if len(pair) >= 2)
    return {name: found.pop() for name, found in versions.items() if name and len(found) == 1} | chosen
