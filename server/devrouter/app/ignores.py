"""Findings that the user does not want to see, here or in a whole project. Nothing is written into a prompt.

A finding ignored here is kept in the user's state folder under a hash of what it is about, never with words
of the prompt. One ignored in a project stands as kind and phrase under `ignore` in `.devrouter.toml`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import unicodedata
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from devrouter.app.settings_sources import (
    PROJECT_FILE,
    SourceError,
    parse_toml,
    read_file,
    user_config_path,
)
from devrouter.core.edits import with_line_endings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devrouter.app.settings import Settings
    from devrouter.core.gaps import Gap

_MOST_KEPT = 5000


class IgnoreError(Exception):
    """A finding could not be kept as ignored. `str(error)` is the sentence for the user; no file changed."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One finding ignored here. `since` is in seconds since the epoch."""

    key: str
    kind: str
    uri: str
    since: float


def default_state_file() -> Path:
    """Where the platform keeps the state of a user's programs."""
    from platformdirs import user_state_path

    return user_state_path("devrouter", appauthor=False) / "ignored.json"


class Ignores:
    """The findings ignored here, shared by all servers that use the same file.

    `problems` are sentences about the file that the user has not been told yet; who shows them clears them.
    """

    def __init__(self, state_file: Path) -> None:
        self.problems: list[str] = []
        self.file = state_file
        self._kept: dict[str, Ignored] = {}
        self._read: tuple[int, int, int] | None = None  # stamp of the file that `_kept` is from

    def is_ignored(self, uri: str, gap: Gap, text: str, settings: Settings) -> bool:
        """Whether the user ignores `gap` of `text` here or in the project."""
        if is_ignored_in_project(gap, settings):
            return True
        return self.keeps(_key(uri, gap, text))

    def ignore_here(self, uri: str, gap: Gap, text: str) -> None:
        """Ignore `gap` as long as its phrase and its words in the draft stay. Raises `IgnoreError`.

        Where the file cannot be written, the finding is ignored until the program ends.
        """
        self.keep(Ignored(_key(uri, gap, text), gap.kind.value, uri, time.time()))

    def keeps(self, key: str) -> bool:
        """Whether what this hash is of is ignored."""
        self._refresh()
        return key in self._kept

    def keep(self, entry: Ignored) -> None:
        """Ignore it; until the program ends where the file cannot be written. Raises `IgnoreError`."""
        self._kept[entry.key] = entry
        with self._locked():
            self._refresh()
            self._kept[entry.key] = entry
            self._write(self._kept)

    def listed(self) -> tuple[Ignored, ...]:
        """What is ignored here, the latest first."""
        self._refresh()
        return tuple(sorted(self._kept.values(), key=lambda entry: -entry.since))

    def remove(self, key: str) -> bool:
        """Show the finding again; False where `key` is not kept. Raises `IgnoreError`."""
        with self._locked():
            self._refresh()
            if key not in self._kept:
                return False
            self._write({name: entry for name, entry in self._kept.items() if name != key})
        return True

    def _refresh(self) -> None:
        """Read the file if it is not the one read last; another server may have written it."""
        try:
            read = self._stamp()
            if read != self._read:
                self._kept = _entries(json.loads(self.file.read_bytes()))
                self._read = read
        except FileNotFoundError:
            if self._read is not None:
                self._kept, self._read = {}, None
        except OSError as error:
            self._tell(f"{self.file}: ignored findings cannot be read ({error.strerror}).")
        except (ValueError, TypeError, KeyError, RecursionError):
            self._move_aside()

    def _stamp(self) -> tuple[int, int, int]:
        state = self.file.stat()
        return state.st_ino, state.st_mtime_ns, state.st_size

    def _move_aside(self) -> None:
        aside = self.file.with_name(f"{self.file.name}.broken-{time.time_ns()}")
        try:
            self.file.rename(aside)
        except FileNotFoundError:
            return  # Another server moved it.
        except OSError as error:
            self._tell(f"{self.file}: is broken and cannot be moved away ({error.strerror}); delete it.")
        else:
            self._tell(
                f"{self.file}: was broken, so ignored findings show again. It is kept as {aside.name}."
            )

    def _write(self, kept: dict[str, Ignored]) -> None:
        latest = sorted(kept.values(), key=lambda entry: entry.since)[-_MOST_KEPT:]
        ignored = [asdict(entry) for entry in latest]
        try:
            _replace(self.file, json.dumps({"version": 1, "ignored": ignored}, indent=1))
            self._read = self._stamp()
        except OSError as error:
            raise IgnoreError(f"{self.file}: cannot be written ({error.strerror}).") from None
        self._kept = {entry.key: entry for entry in latest}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock that servers share; the system frees it if its holder dies. Held for milliseconds."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            lock = self.file.with_suffix(".lock").open("ab")
        except OSError as error:
            raise IgnoreError(f"{self.file}: cannot be written ({error.strerror}).") from None
        with lock:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
            else:
                import fcntl

                # Some network file systems have no locks; the file itself is still replaced as a whole.
                with suppress(OSError):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def is_ignored_in_project(gap: Gap, settings: Settings) -> bool:
    """Whether `settings.ignore` holds the gap's kind with its phrase, or with `*`."""
    phrase = _normalised(gap.phrase)
    return any(
        entry.kind is gap.kind and (entry.phrase == "*" or _normalised(entry.phrase) == phrase)
        for entry in settings.ignore
    )


def ignore_in_project(gap: Gap, folder: Path) -> Path:
    """Add the gap to `ignore` in the folder's `.devrouter.toml`; that file. Raises `IgnoreError`.

    `folder` is that of the `.devrouter.toml` in force if there is one, else the workspace's root.
    """
    file = folder / PROJECT_FILE
    if file.is_symlink():
        # A repository could point it at a file of the user's.
        raise IgnoreError(
            f"{file}: is a link, which is not followed; add the finding to its target yourself."
        )
    _append(file, gap)
    return file


def ignore_for_user(gap: Gap, user_config: Path | None = None) -> Path:
    """Without a workspace: add the gap to `ignore` in the user's configuration. Raises `IgnoreError`."""
    file = user_config_path(user_config).resolve()
    _append(file, gap)
    return file


def _append(file: Path, gap: Gap) -> None:
    """Every comment and line of the file stays; a file that cannot be read as settings is left alone."""
    entry = {"kind": gap.kind.value, "phrase": gap.phrase}
    try:
        text = read_file(file) if file.exists() else ""
        present = parse_toml(file, text).get("ignore", [])
        if not isinstance(present, list):
            raise IgnoreError(f"{file}: ignore should be a list. Mend it, then ignore the finding again.")
        if any(_same(item, entry) for item in present):
            return
        text = _with_entry(file, text, entry)
        if entry not in parse_toml(file, text)["ignore"]:
            raise IgnoreError(f"{file}: the finding cannot be added to ignore there; add it by hand.")
        _replace(file, text)
    except SourceError as error:
        raise IgnoreError(f"{error} Mend it, then ignore the finding again.") from None
    except OSError as error:
        raise IgnoreError(f"{file}: cannot be written ({error.strerror}).") from None


def _with_entry(file: Path, text: str, entry: dict[str, str]) -> str:
    """TOML with one entry more under `ignore`, in the form that `ignore` has there. Raises `SourceError`."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise SourceError(f"{file}: cannot be edited: {error}.") from None
    if isinstance(document.get("ignore"), tomlkit.items.Array):
        inline = tomlkit.inline_table()
        inline.update(entry)
        document["ignore"].append(inline)
        return with_line_endings(tomlkit.dumps(document), like=text)
    # [[ignore]] may stand last after anything; tomlkit would part comments from their table.
    space = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return text + with_line_endings(space + tomlkit.dumps({"ignore": [entry]}), like=text)


def _same(item: object, entry: dict[str, str]) -> bool:
    if not isinstance(item, dict) or item.get("kind") != entry["kind"]:
        return False
    return item.get("phrase") == "*" or _normalised(str(item.get("phrase"))) == _normalised(entry["phrase"])


def _replace(file: Path, text: str) -> None:
    """Write the whole file or nothing. Raises `OSError`."""
    import shutil

    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}-{time.time_ns()}.new")
    try:
        # A lone surrogate, which JSON from a model can hold, is written as a question mark.
        new.write_bytes(text.encode("utf-8", "replace"))
        if file.exists():
            shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _key(uri: str, gap: Gap, text: str) -> str:
    """A hash over what the finding is about: it changes when the words it concerns do."""
    words = _normalised(text[gap.anchor.start : gap.anchor.end]) if gap.anchored else ""
    about = json.dumps([uri, gap.kind.value, _normalised(gap.phrase), words])
    return hashlib.sha256(about.encode()).hexdigest()


def _normalised(phrase: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", phrase).casefold().split()).rstrip(" .,;:!?")


def _entries(tree: Any) -> dict[str, Ignored]:  # noqa: ANN401
    """Raises `ValueError`, `TypeError` or `KeyError` where the file is not as we write it."""
    if tree["version"] != 1:
        raise ValueError
    entries = [
        Ignored(str(item["key"]), str(item["kind"]), str(item["uri"]), float(item["since"]))
        for item in tree["ignored"]
    ]
    return {entry.key: entry for entry in entries}
