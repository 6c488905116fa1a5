"""The git folder: branch, tracked and changed files. Nothing is executed, and its configuration is not read.

Dulwich's readers of the index, of references and of objects are used one by one. Its `status`, like git's
own, would look into the configuration for filters and run them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.core.facts import Fact
from devrouter.core.kinds import GapKind
from devrouter.workspace.reading import clean, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dulwich.index import IndexEntry

    from devrouter.workspace.listing import Listing

_INDEX_BYTES = 32_000_000
_MOST_TRACKED = 100_000
_MOST_HASHED = 20_000_000  # bytes of files whose time changed, maybe not their content
_MOST_SECONDS = 10.0
_MOST_NAMED = 20
_LINKED_PROJECT = 0o160000  # the mode of a submodule


@dataclass(frozen=True, slots=True)
class GitFolder:
    """`own` holds HEAD and index, `common` objects and branches; they differ in a linked worktree."""

    root: Path
    own: Path
    common: Path


@dataclass(frozen=True, slots=True)
class GitIndex:
    """The tracked files by path, and when git wrote them down, in seconds since the epoch."""

    entries: dict[str, IndexEntry]
    written: float


def find_git_folder(root: Path) -> GitFolder | None:
    """The git folder of the worktree at `root`, whose links are resolved, or None.

    A `.git` file may point outside, to the repository that a worktree or a submodule belongs to. It is
    followed only where that repository knows of this folder, so that it cannot lead to somebody else's.
    """
    dot_git = root / ".git"
    try:
        mode = dot_git.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):
        return GitFolder(root, dot_git, dot_git)
    pointer = _line(dot_git)
    if not pointer.startswith("gitdir:"):
        return None
    own = _resolved(root / pointer.removeprefix("gitdir:").strip())
    if own is None:
        return None
    if own.parent.name == "worktrees":
        back = _line(own / "gitdir")
        points_back = back != "" and _resolved(own / back) == dot_git
        return GitFolder(root, own, own.parent.parent) if points_back else None
    of_a_parent = any(own.is_relative_to(folder / ".git" / "modules") for folder in root.parents)
    return GitFolder(root, own, own) if of_a_parent else None


def branch_facts(git: GitFolder) -> Iterator[Fact]:
    """The branch; where none is checked out, the commit."""
    head = _line(git.own / "HEAD")
    branch = head.removeprefix("ref:").strip().removeprefix("refs/heads/")
    if head.startswith("ref:") and branch:
        yield Fact(GapKind.TARGET, "git branch", clean(branch, 100), ".git/HEAD")
    elif _is_hash(head):
        yield Fact(GapKind.TARGET, "git commit", f"{head[:10]} (no branch)", ".git/HEAD")


def read_index(git: GitFolder) -> GitIndex | None:
    """The tracked files by path; None where the index is too large, broken or of a new format."""
    path = git.own / "index"
    if not os.path.lexists(path):
        return GitIndex({}, 0.0)
    if not _is_regular(path):
        return None
    from dulwich.index import ConflictedIndexEntry, Index

    entries: dict[str, IndexEntry] = {}
    try:
        # Asked before the reading: what is written meanwhile then counts as in doubt.
        state = path.stat()
        if state.st_size > _INDEX_BYTES:
            return None
        for name, entry in Index(path).items():
            mine = entry.this or entry.other if isinstance(entry, ConflictedIndexEntry) else entry
            if mine is not None:
                entries[os.fsdecode(name)] = mine
    # A parser of a format that anyone can write: whatever it stumbles on, the index is not usable.
    except Exception:  # noqa: BLE001
        return None
    return GitIndex(entries, state.st_mtime) if len(entries) <= _MOST_TRACKED else None


def changed_facts(git: GitFolder, index: GitIndex, listing: Listing) -> Iterator[Fact]:
    """The files that differ from the last commit, with how they do."""
    deadline = time.monotonic() + _MOST_SECONDS
    changes = dict(_staged(git, index, deadline))
    changes |= {
        path: change for path, change in _unstaged(git, index, deadline) if changes.get(path) != "new"
    }
    changes |= {path: "new" for path in listing.paths if path not in index.entries}
    if changes:
        names = sorted(changes)
        listed = [
            clean(path, 120) + ("" if changes[path] == "changed" else f" ({changes[path]})")
            for path in names[:_MOST_NAMED]
        ]
        listed += [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
        yield Fact(GapKind.TARGET, "changed files", ", ".join(listed), ".git")


def _unstaged(git: GitFolder, index: GitIndex, deadline: float) -> Iterator[tuple[str, str]]:
    """What differs between index and files: by size and time, as git does, else by content."""
    budget = _MOST_HASHED
    for path, entry in index.entries.items():
        if entry.mode == _LINKED_PROJECT or entry.flags & 0x8000 or entry.extended_flags & 0x4000:
            continue  # Submodules have their own state; others are marked as not to be looked at.
        if time.monotonic() > deadline:
            return
        real = git.root / path
        try:
            state = real.lstat()
        except (OSError, ValueError):
            yield path, "deleted"
            continue
        if stat.S_IFMT(state.st_mode) != stat.S_IFMT(entry.mode) or state.st_size & 0xFFFFFFFF != entry.size:
            yield path, "changed"
        elif (
            stat.S_ISREG(state.st_mode)
            and not _same_time(state, entry, index.written)
            and budget >= state.st_size
        ):
            budget -= state.st_size
            if _blob_hash(real) not in (None, entry.sha):
                yield path, "changed"


def _same_time(state: os.stat_result, entry: IndexEntry, written: float) -> bool:
    """Whether the file is surely the one that was added: written at that time, and before the index was."""
    seconds, nanoseconds = entry.mtime if isinstance(entry.mtime, tuple) else (int(entry.mtime), 0)
    if state.st_mtime >= written or int(state.st_mtime) != seconds:
        return False
    return nanoseconds in (0, state.st_mtime_ns % 1_000_000_000)


def _blob_hash(path: Path) -> bytes | None:
    data = read_regular(str(path), _MOST_HASHED)
    if data is None:
        return None
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest().encode()


def _staged(git: GitFolder, index: GitIndex, deadline: float) -> Iterator[tuple[str, str]]:
    """What differs between the last commit and the index.

    Left out where the objects are kept in another folder, which a hostile repository could choose.
    """
    objects = git.common / "objects"
    is_elsewhere = objects.is_symlink() or (objects / "pack").is_symlink()
    if is_elsewhere or os.path.lexists(objects / "info" / "alternates"):
        return
    from dulwich.object_store import DiskObjectStore, iter_tree_contents
    from dulwich.objects import Commit, ObjectID

    left = dict(index.entries)
    try:
        head = _head_commit(git)
        if head is not None:
            with closing(DiskObjectStore(objects, loose_object_size_limit=16_000_000)) as store:
                commit = store[ObjectID(head)]
                tree = commit.tree if isinstance(commit, Commit) else None
                for entry in iter_tree_contents(store, tree):
                    if time.monotonic() > deadline:
                        return
                    path = os.fsdecode(entry.path or b"")
                    mine = left.pop(path, None)
                    if mine is None:
                        yield path, "deleted"
                    elif mine.sha != entry.sha:
                        yield path, "changed"
    # The objects of a repository can be broken in more ways than can be named; the rest is still told.
    except Exception:  # noqa: BLE001
        return
    yield from ((path, "new") for path in left)


def _head_commit(git: GitFolder) -> bytes | None:
    """The checked out commit's hash; None before the first commit."""
    head = _line(git.own / "HEAD")
    if _is_hash(head):
        return head.encode()
    reference = head.removeprefix("ref:").strip()
    from dulwich.refs import DiskRefsContainer, Ref, check_ref_format

    loose, packed = git.common.joinpath(*reference.split("/")), git.common / "packed-refs"
    if not check_ref_format(Ref(reference.encode())) or not all(map(_is_regular_or_absent, (loose, packed))):
        return None
    return DiskRefsContainer(git.common, git.own).follow(Ref(reference.encode()))[1]


def _is_regular_or_absent(path: Path) -> bool:
    return not os.path.lexists(path) or _is_regular(path)


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_hash(text: str) -> bool:
    return len(text) == 40 and all(character in "0123456789abcdef" for character in text)


def _line(path: Path) -> str:
    """The first line of a small file of git's, empty where there is none."""
    return (read_regular(str(path), 4096) or b"").decode("utf-8", "replace").split("\n", 1)[0].strip()


def _resolved(path: Path) -> Path | None:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # A null byte.
        return None
