"""The files of a workspace: those that git tracks or would, without what tools put there. Bounded."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from devrouter.workspace.stack import is_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dulwich.ignore import IgnoreFilter

    from devrouter.workspace.reading import Files

MOST_FILES = 20_000
_MOST_FOLDERS = 5000
_MOST_SECONDS = 5.0
_MOST_PATTERNS = 500  # of one .gitignore

_OF_TOOLS = """
    node_modules bower_components .venv venv site-packages __pycache__ target dist build .git .hg .svn
    .tox .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache .next .nuxt .svelte-kit .gradle
    .idea .terraform .yarn .pnpm-store coverage htmlcov .eggs .DS_Store
"""
_SKIPPED = frozenset(_OF_TOOLS.split())
_GROUPS = """
    apps packages services libs crates projects modules
"""
_GROUPS_OF_PROJECTS = frozenset(_GROUPS.split())


@dataclass(frozen=True)
class Listing:
    """`paths` are relative to the root, with `/`, sorted. Where `is_complete` is false there are more."""

    paths: tuple[str, ...] = ()
    is_complete: bool = False

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name: dict[str, list[str]] = {}
        for path in self.paths:
            by_name.setdefault(path.rpartition("/")[2], []).append(path)
        return by_name

    def ending_with(self, name: str) -> list[str]:
        """The files whose path ends with `name`, whole names compared: "ui/Button.tsx" for "Button.tsx"."""
        candidates = self._by_name.get(name.rpartition("/")[2], [])
        return [path for path in candidates if path == name or path.endswith(f"/{name}")]


def list_files(files: Files, tracked: frozenset[str]) -> Listing:
    """Walk the workspace. What is tracked is listed whatever the ignore rules say, as git does."""
    walk = _Walk(files, tracked)
    paths = list(walk.paths())
    paths += [path for path in tracked.difference(paths) if files.stamp(path) is not None][:MOST_FILES]
    return Listing(tuple(sorted(paths)), walk.is_complete)


def project_folders(files: Files) -> list[str]:
    """The folders below the root that may be projects of their own, from one or two levels down."""
    folders: list[str] = []
    candidates = [name for name in sorted(files.names()) if name not in _SKIPPED and not name.startswith(".")]
    for name in candidates[:200]:
        if is_project(files.names(name)):
            folders.append(name)
        if name in _GROUPS_OF_PROJECTS:
            inner = [f"{name}/{below}" for below in sorted(files.names(name)) if below not in _SKIPPED]
            folders += [folder for folder in inner[:50] if is_project(files.names(folder))]
    return folders


class _Walk:
    def __init__(self, files: Files, tracked: frozenset[str]) -> None:
        self.is_complete = True
        self._files = files
        self._tracked = tracked
        self._tracked_folders = {parent for path in tracked for parent in _parents(path)}
        self._is_repository = os.path.lexists(f"{files.root}/.git")
        self._deadline = time.monotonic() + _MOST_SECONDS

    def paths(self) -> Iterator[str]:
        """Breadth first, so that a limit cuts what is deep."""
        waiting: list[tuple[str, tuple[tuple[str, IgnoreFilter], ...]]] = [("", ())]
        count = 0
        for number, (folder, rules_above) in enumerate(waiting):
            if number >= _MOST_FOLDERS or count >= MOST_FILES or time.monotonic() > self._deadline:
                self.is_complete = False
                return
            rules = (*rules_above, *self._rules_of(folder))
            for path, is_folder in self._entries(folder, rules):
                if is_folder:
                    waiting.append((path, rules))
                elif count < MOST_FILES:
                    count += 1
                    yield path
                else:
                    self.is_complete = False

    def _entries(
        self, folder: str, rules: tuple[tuple[str, IgnoreFilter], ...]
    ) -> Iterator[tuple[str, bool]]:
        """What is in a folder and not ignored, with whether it is a folder. Links are not followed."""
        try:
            with os.scandir(f"{self._files.root}/{folder}") as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        known = path in self._tracked_folders or not _is_ignored(path + "/", rules)
                        if entry.name not in _SKIPPED and known and not self._is_foreign(path):
                            yield path, True
                    elif not entry.is_file(follow_symlinks=False) or entry.name in _SKIPPED:
                        continue
                    elif path in self._tracked or not _is_ignored(path, rules):
                        yield path, False
        except OSError:
            self.is_complete = False

    def _is_foreign(self, folder: str) -> bool:
        """Whether a repository in the repository begins here: it is a workspace of its own."""
        return self._is_repository and os.path.lexists(f"{self._files.root}/{folder}/.git")

    def _rules_of(self, folder: str) -> Iterator[tuple[str, IgnoreFilter]]:
        path = f"{folder}/.gitignore" if folder else ".gitignore"
        if not os.path.lexists(f"{self._files.root}/{path}"):
            return
        from dulwich.ignore import IgnoreFilter

        data = self._files.data(path, 100_000) or b""
        lines = [line.rstrip(b"\r") for line in data.split(b"\n")[:_MOST_PATTERNS]]
        # Each star is a choice to try again for every length: many of them would hold the program.
        patterns = [line for line in lines if line and line[:1] != b"#" and _is_cheap(line)]
        if patterns:
            yield folder, IgnoreFilter(patterns)


def _is_cheap(pattern: bytes) -> bool:
    stars = re.findall(rb"\*+", pattern)
    return len(pattern) <= 200 and len(stars) <= 3 and all(len(run) <= 2 for run in stars)


def _is_ignored(path: str, rules: tuple[tuple[str, IgnoreFilter], ...]) -> bool:
    """The nearest `.gitignore` that has a rule for the path decides."""
    for folder, rule in reversed(rules):
        verdict = rule.is_ignored(path[len(folder) + 1 :] if folder else path)
        if verdict is not None:
            return verdict
    return False


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
