"""Reading files of a folder that is not to be trusted: bounded, never outside of it, never a secret store.

Whoever made the folder may have put links, pipes, devices and huge or broken files into it. What cannot be
read counts as absent, so that it takes away only its own facts.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST_BYTES = 1_000_000
LOCK_BYTES = 8_000_000

_MOST_NAMES = 20_000  # of one folder's listing
_SECRET_STORE = re.compile(
    r"\.env(?:rc|\b.*)?|.*\.(?:env|pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|asc)|id_(?:rsa|dsa|ecdsa|ed25519).*"
    r"|\.?(?:netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials|vault[-_]?pass\w*)|_netrc"
    r"|(?:.*[-_.])?(?:credentials?|secrets?)(?:[-_.].*)?|.*\.tfstate(?:\..*)?|master\.key",
    re.IGNORECASE,
)
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".git", ".kube", ".docker"})
_CODE = re.compile(
    r".*\.(?:py|pyi|js|mjs|cjs|jsx|ts|tsx|go|rs|java|kt|cs|rb|php|swift|c|h|cc|cpp|hpp)", re.IGNORECASE
)

Stamp = tuple[int, int, int]  # modification time in nanoseconds, size in bytes, inode
T = TypeVar("T")


def is_secret_store(path: str) -> bool:
    """Whether a file of this name is likely to hold secrets: its content must never become part of a prompt.

    Code about secrets ("credentials.py") is code. An example (".env.example") is still left alone, because
    such files are often filled in.
    """
    *folders, name = path.replace("\\", "/").split("/")
    if _SECRET_FOLDERS & {folder.lower() for folder in folders}:
        return True
    return _SECRET_STORE.fullmatch(name) is not None and (
        _CODE.fullmatch(name) is None or name.lower().startswith((".env", "id_"))
    )


class Files:
    """The files below `root`. Paths are relative to it, with `/`.

    `remember` and what it calls are for one thread; reading by itself is for any.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._remembered: dict[str, tuple[dict[str, Stamp | None], object]] = {}
        self._used: dict[str, Stamp | None] | None = None

    def real(self, path: str) -> str | None:
        """The absolute path with all links followed, or None where that leads out of the root."""
        try:
            real = os.path.realpath(f"{self.root}/{path}")
            inside = os.path.commonpath([self.root, real]) == self.root
        except (OSError, ValueError):  # A null byte, or another drive.
            return None
        return real if inside else None

    def relative(self, real: str) -> str:
        """An absolute path below the root as the rest of the package writes it."""
        return os.path.relpath(real, self.root).replace(os.sep, "/")

    def stamp(self, path: str) -> Stamp | None:
        """What changes when the file does; None where there is no regular file or folder inside the root."""
        real = self.real(path)
        try:
            state = os.stat(real) if real is not None else None  # noqa: PTH116
        except (OSError, ValueError):
            return None
        if state is None or not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file inside the root, links followed."""
        self._use(path)
        real = self.real(path)
        return real is not None and os.path.isfile(real)  # noqa: PTH113

    def text(self, path: str, most: int = MANIFEST_BYTES) -> str | None:
        """The file's text; None where it is absent, larger than `most` bytes, not UTF-8 or not to be read."""
        data = self.data(path, most)
        try:
            return None if data is None or b"\0" in data else data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    def data(self, path: str, most: int) -> bytes | None:
        """The file's bytes; None where it is absent, larger than `most`, not regular or a secret store."""
        self._use(path)
        real = self.real(path)
        if real is None or is_secret_store(path) or is_secret_store(self.relative(real)):
            return None
        return read_regular(real, most)

    def names(self, folder: str = "") -> frozenset[str]:
        """The names in a folder, at most 20,000 of them; none where it cannot be read."""
        self._use(folder)
        real = self.real(folder)
        if real is None:
            return frozenset()
        try:
            with os.scandir(real) as entries:
                return frozenset(entry.name for entry, _ in zip(entries, range(_MOST_NAMES), strict=False))
        except (OSError, ValueError):
            return frozenset()

    def remember(self, key: str, compute: Callable[[], T]) -> T:
        """What `compute` returned last time, unless a file that it asked for has changed since."""
        kept = self._remembered.get(key)
        if kept is not None and all(self.stamp(path) == stamp for path, stamp in kept[0].items()):
            return cast("T", kept[1])
        self._used = {}
        try:
            value = compute()
            self._remembered[key] = (self._used, value)
        finally:
            self._used = None
        return value

    def _use(self, path: str) -> None:
        if self._used is not None and path not in self._used:
            # The stamp is taken before the reading, so that a change meanwhile is seen the next time.
            self._used[path] = self.stamp(path)


def read_regular(path: str, most: int) -> bytes | None:
    """The bytes of a regular file of at most `most` bytes, else None. Never waits for a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        # Asked first, because the mere opening of some devices does something.
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        with open(descriptor, "rb") as file:  # noqa: PTH123
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_size > most:
                return None
            data = file.read(most + 1)
            return data if len(data) <= most else None
    except OSError:
        return None


def clean(value: str, most: int) -> str:
    """One line of at most `most` characters, without what does not print or turns the reading direction."""
    spaced = "".join(character if character.isprintable() else " " for character in value[: 4 * most])
    line = " ".join(spaced.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "\u2026"
