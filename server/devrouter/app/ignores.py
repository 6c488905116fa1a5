"""Findings that the user does not want to see, here or of a kind in a file. No prompt is written into.

What is ignored is kept in the user's state folder under a hash of what it is about, never with words of the
prompt. What is ignored in a project stands as kind and phrase in a settings file: see `ignore_settings`.
"""

from __future__ import annotations

import hashlib
import json
import time
import unicodedata
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from devrouter.app.state_file import locked, replace_file, state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devrouter.app.settings import Settings
    from devrouter.core.gaps import Gap, GapKind

_MOST_KEPT = 5000
_VERSION = 2
"""Of the state file. Version 1 had no phrase, so every entry was of one finding."""

ALL = "*"
"""The phrase that stands for all findings of a kind."""


class IgnoreError(Exception):
    """A finding could not be ignored or shown again. `str(error)` says why to the user; no file changed."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One thing that is ignored, in the document or by the settings file at `uri`.

    `phrase` is `*` for all findings of the kind, and None where only a hash says what it was. `since` is in
    seconds since the epoch; None where the place keeps no time.
    """

    key: str
    kind: str
    uri: str
    since: float | None
    phrase: str | None = None

    @property
    def id(self) -> str:
        """What a user types to name it."""
        return self.key[:8]


def default_state_file() -> Path:
    """The file in the platform's state folder."""
    return state_folder() / "ignored.json"


class Ignores:
    """What is ignored in documents, shared by all servers that use the same file.

    `problems` are sentences about the file that the user has not been told yet; who shows them clears them.
    """

    def __init__(self, state_file: Path) -> None:
        self.problems: list[str] = []
        self.file = state_file
        self._kept: dict[str, Ignored] = {}
        self._read: tuple[int, int, int] | None = None  # stamp of the file that `_kept` is from

    def is_ignored(self, uri: str, gap: Gap, text: str, settings: Settings) -> bool:
        """Whether the user ignores `gap` of `text` here, its kind in this document, or it in the project."""
        if is_ignored_in_project(gap, settings):
            return True
        self._refresh()
        return not self._kept.keys().isdisjoint((finding_key(uri, gap, text), _kind_key(uri, gap.kind)))

    def ignore_here(self, uri: str, gap: Gap, text: str) -> None:
        """Ignore `gap` as long as its phrase and its words in the draft stay. Raises `IgnoreError`.

        Where the file cannot be written, the finding is ignored until the program ends.
        """
        self.keep(Ignored(finding_key(uri, gap, text), gap.kind.value, uri, time.time()))

    def ignore_kind(self, uri: str, kind: GapKind) -> None:
        """Ignore every finding of the kind in this document. Raises `IgnoreError`, as `ignore_here`."""
        self.keep(Ignored(_kind_key(uri, kind), kind.value, uri, time.time(), ALL))

    def keeps(self, key: str) -> bool:
        """Whether what this hash is of is ignored."""
        self._refresh()
        return key in self._kept

    def keep(self, entry: Ignored) -> None:
        """Ignore it; until the program ends where the file cannot be written. Raises `IgnoreError`."""
        self._kept[entry.key] = entry
        with self._changing():
            self._write({**self._kept, entry.key: entry})

    def listed(self) -> tuple[Ignored, ...]:
        """What is ignored, the latest first."""
        self._refresh()
        return tuple(sorted(self._kept.values(), key=lambda entry: -(entry.since or 0)))

    def remove(self, *keys: str) -> bool:
        """Show these findings again; False where none of them is kept. Raises `IgnoreError`."""
        with self._changing():
            left = {name: entry for name, entry in self._kept.items() if name not in keys}
            if len(left) == len(self._kept):
                return False
            self._write(left)
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
        latest = sorted(kept.values(), key=lambda entry: entry.since or 0)[-_MOST_KEPT:]
        ignored = [asdict(entry) for entry in latest]
        replace_file(self.file, json.dumps({"version": _VERSION, "ignored": ignored}, indent=1))
        self._read = self._stamp()
        self._kept = {entry.key: entry for entry in latest}

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock that servers share, with what the others wrote read. Raises `IgnoreError`."""
        try:
            with locked(self.file):
                self._refresh()
                yield
        except OSError as error:
            raise IgnoreError(f"{self.file}: cannot be written ({error.strerror}).") from None

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def is_ignored_in_project(gap: Gap, settings: Settings) -> bool:
    """Whether `settings.ignore` holds the gap's kind with its phrase, or with `*`."""
    phrase = normalised(gap.phrase)
    return any(
        entry.kind is gap.kind and (entry.phrase == ALL or normalised(entry.phrase) == phrase)
        for entry in settings.ignore
    )


def finding_key(uri: str, gap: Gap, text: str) -> str:
    """A hash over what the finding is about: it changes when the words it concerns do."""
    words = normalised(text[gap.anchor.start : gap.anchor.end]) if gap.anchored else ""
    return hashed(uri, gap.kind.value, normalised(gap.phrase), words)


def hashed(*about: str) -> str:
    """The key of what is ignored."""
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def normalised(phrase: str) -> str:
    """A phrase as phrases are compared."""
    return " ".join(unicodedata.normalize("NFKC", phrase).casefold().split()).rstrip(" .,;:!?")


def _kind_key(uri: str, kind: GapKind) -> str:
    return hashed(uri, kind.value)


def _entries(tree: Any) -> dict[str, Ignored]:  # noqa: ANN401
    """Raises `ValueError`, `TypeError` or `KeyError` where the file is not as we write it."""
    if tree["version"] not in (1, _VERSION):
        raise ValueError
    entries = [_entry(item) for item in tree["ignored"]]
    return {entry.key: entry for entry in entries}


def _entry(item: dict[str, Any]) -> Ignored:
    since, phrase = float(item["since"]), item.get("phrase")
    return Ignored(str(item["key"]), str(item["kind"]), str(item["uri"]), since, phrase and str(phrase))
