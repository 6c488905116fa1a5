"""The code that a prompt names: whole small files, the lines around a place, the source of a symbol."""

from __future__ import annotations

import os
import posixpath
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core.facts import Fact
from devrouter.core.kinds import GapKind
from devrouter.workspace.definitions import defined_names, definition, is_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.workspace.listing import Listing
    from devrouter.workspace.mentions import FileMention
    from devrouter.workspace.reading import Files, Stamp

_WHOLE_FILE = 8000  # characters
_EXCERPT = 4000  # characters
_LINES_AROUND = 40
_LARGEST_READ = 1_000_000  # bytes of a file that is quoted from
_LARGEST_INDEXED = 200_000  # bytes of a file that is searched for definitions
_MOST_INDEXED = 2000  # files
_MOST_INDEXED_BYTES = 20_000_000
_MOST_PLACES = 3  # of one name


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that the prompt names, as written there; `path` in the workspace, None if it is not in it."""

    name: str
    path: str | None


class DefinitionIndex:
    """Which files define a name. Goes on where it stopped, and reads again only the files that changed."""

    def __init__(self) -> None:
        self._of_file: dict[str, tuple[Stamp, frozenset[str]]] = {}

    def update(self, files: Files, paths: tuple[str, ...]) -> None:
        """Read what is new, at most 2,000 files and 20 MB of them."""
        indexed: dict[str, tuple[Stamp, frozenset[str]]] = {}
        total = 0
        for path in paths:
            stamp = files.stamp(path) if is_code(path) else None
            if stamp is None or stamp[1] > _LARGEST_INDEXED:
                continue
            total += stamp[1]
            if len(indexed) >= _MOST_INDEXED or total > _MOST_INDEXED_BYTES:
                break
            kept = self._of_file.get(path)
            if kept is None or kept[0] != stamp:
                text = files.text(path, _LARGEST_INDEXED)
                kept = (stamp, defined_names(path, text or ""))
                self._of_file[path] = kept
            indexed[path] = kept
        self._of_file = indexed

    def files_defining(self, name: str) -> list[str]:
        return [path for path, (_, names) in list(self._of_file.items()) if name in names]


def locate(files: Files, listing: Listing, mentions: tuple[FileMention, ...]) -> tuple[NamedFile, ...]:
    """Where the files are that a prompt names. What may be outside, or cannot be told yet, is left out."""
    named = []
    for mention in mentions:
        path = posixpath.normpath(mention.path)
        root = files.root.replace(os.sep, "/")
        is_absolute = path.startswith("/") or path[1:2] == ":"
        if is_absolute and path.startswith(f"{root}/"):
            path = path[len(root) + 1 :]
        elif is_absolute:
            continue  # Of some other machine, for all we know.
        if path.startswith("../") or "~" in path:
            continue
        found = [path] if files.stamp(path) is not None else listing.ending_with(path)
        if len(found) == 1:
            named.append(NamedFile(mention.name, found[0]))
        elif not found and listing.is_complete and " " not in path:
            named.append(NamedFile(mention.name, None))
    return tuple(named)


def file_facts(
    files: Files, located: tuple[NamedFile, ...], mentions: tuple[FileMention, ...]
) -> Iterator[Fact]:
    """The content of each file that was found: of a large one the lines around the place that is named."""
    lines = {mention.name: mention.line for mention in mentions}
    for named in located:
        text = files.text(named.path, _LARGEST_READ) if named.path is not None else None
        if text is None or not text.strip():
            continue
        line = lines.get(named.name)
        if len(text) <= _WHOLE_FILE:
            yield Fact(GapKind.CODE, f"`{named.name}`", _shown(text), f"{named.path}")
        elif line is not None and (around := _around(text, line)):
            excerpt, first, last = around
            yield Fact(GapKind.CODE, f"`{named.name}`", excerpt, f"{named.path}:{first}-{last}")


def symbol_facts(
    files: Files,
    index: DefinitionIndex,
    symbols: tuple[str, ...],
    preferred: frozenset[str],
    deadline: float,
) -> Iterator[Fact]:
    """The source of each symbol. Files that the prompt names come before others (`preferred`)."""
    for symbol in symbols:
        places = []
        candidates = index.files_defining(re.split(r"\.|::|#", symbol)[-1])
        candidates = [path for path in candidates if path in preferred] or candidates
        for path in candidates if len(candidates) <= 4 * _MOST_PLACES else ():
            if time.monotonic() > deadline:
                return
            text = files.text(path, _LARGEST_INDEXED) or ""
            if (span := definition(path, text, symbol)) is not None:
                places.append((path, text, span))
        for path, text, (first, last) in places if len(places) <= _MOST_PLACES else ():
            source = "\n".join(text.splitlines()[first - 1 : last])
            yield Fact(GapKind.CODE, f"`{symbol}`", _bounded(_shown(source)), f"{path}:{first}")


def _around(text: str, line: int) -> tuple[str, int, int] | None:
    """Lines around a line, with the first and last of them; fewer where they are long."""
    lines = text.splitlines()
    if not 1 <= line <= len(lines):
        return None
    first = last = line
    size = len(lines[line - 1])
    for distance in range(1, _LINES_AROUND + 1):
        more = lines[max(0, line - 1 - distance)] if line > distance else ""
        less = lines[line - 1 + distance] if line - 1 + distance < len(lines) else ""
        size += len(more) + len(less) + 2
        if size > _EXCERPT:
            break
        first, last = max(1, line - distance), min(len(lines), line + distance)
    excerpt = _bounded(_shown("\n".join(lines[first - 1 : last])))
    return excerpt, first, last


def _bounded(source: str) -> str:
    if len(source) <= _EXCERPT:
        return source
    return (
        source[:_EXCERPT].rpartition("\n")[0] + "\n\u2026" if "\n" in source[:_EXCERPT] else source[:_EXCERPT]
    )


def _shown(text: str) -> str:
    """Lines end in LF; characters that do not print are gone, but for tabs."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    return "\n".join(
        line if line.isprintable() else "".join(c for c in line if c == "\t" or c.isprintable())
        for line in lines
    )
