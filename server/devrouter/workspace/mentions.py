"""The files, symbols and packages that a prompt names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devrouter.core.pieces import Rule, protected_pieces
from devrouter.core.technologies import EXTENSIONS, TECHNOLOGIES, technologies_in

_MOST = 20  # files, and symbols, of one prompt
_EXTENSIONS_OF_DATA = """
    json jsonc yaml yml toml md mdx rst txt cfg ini conf xml csv tsv lock mod sum gradle proto pyi cjs
    mts cts hh cxx less astro prisma graphql
"""
_OTHER_EXTENSIONS = frozenset(_EXTENSIONS_OF_DATA.split())
_FILE = re.compile(r"[\w@.+()\[\]/~-][\w@.+()\[\] /\\-]{0,200}")
_LINE = re.compile(r"[`\"']?(?::|#L|\(|,?\s+(?:on\s+|at\s+|in\s+)?line\s+)(\d{1,6})", re.IGNORECASE)
_INSIDE_LINE = re.compile(r"(?::|#L)(\d{1,6})(?:[-:].*)?\Z")
_SYMBOL = re.compile(r"[A-Za-z_$][\w$]{2,80}(?:(?:\.|::|#)[A-Za-z_$][\w$]{0,80}){0,3}")


@dataclass(frozen=True, slots=True)
class FileMention:
    """`name` is as the prompt writes it, `path` the same without marks; `line` counts from one."""

    name: str
    path: str
    line: int | None


def mentioned_files(text: str) -> tuple[FileMention, ...]:
    """The files that the prompt names outside of code blocks: what has an extension that files have."""
    found: dict[str, FileMention] = {}
    for piece in protected_pieces(text):
        if piece.rule not in (Rule.PATH, Rule.IDENTIFIER, Rule.CODE, Rule.QUOTATION, Rule.MENTION):
            continue
        inside = _INSIDE_LINE.search(piece.text)
        name = _INSIDE_LINE.sub("", piece.text)
        path = re.sub(r"\A(?:@|#file:)", "", name).replace("\\", "/").removeprefix("./")
        if not _is_file_name(path):
            continue
        after = _LINE.match(text, piece.span.end)
        if after is None and (end := text.find(name, piece.span.start)) >= 0:
            after = _LINE.match(text, end + len(name))
        number = inside or after
        line = int(number[1]) if number else None
        if path not in found or found[path].line is None:
            found[path] = FileMention(name, path, line)
    return tuple(found.values())[:_MOST]


def mentioned_symbols(text: str) -> tuple[str, ...]:
    """The names of functions, classes and the like: in backticks, or of a shape that prose has not."""
    found: dict[str, None] = {}
    for piece in protected_pieces(text):
        if piece.rule in (Rule.CODE, Rule.IDENTIFIER, Rule.ERROR):
            name = re.sub(r"\((?:\.\.\.)?\)\Z", "", piece.text)
            if _SYMBOL.fullmatch(name) and not _is_file_name(name):
                found[name] = None
    return tuple(found)[:_MOST]


def mentioned_packages(text: str) -> frozenset[str]:
    """Technologies by their usual names, and whatever stands in backticks, in lower case."""
    names = {technology.name for technology, _ in technologies_in(text)}
    names |= {
        piece.text for piece in protected_pieces(text) if piece.rule is Rule.CODE and len(piece.text) < 100
    }
    return frozenset(name.lower() for name in names)


def _is_file_name(path: str) -> bool:
    """Whether it can only be meant as a file: "app.py", but not "Node.js" or "user.name"."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    known = extension.lower() in EXTENSIONS or extension.lower() in _OTHER_EXTENSIONS
    if not (dot and stem and known) or _FILE.fullmatch(path) is None or "//" in path:
        return False
    return "/" in path or path.lower() not in TECHNOLOGIES
