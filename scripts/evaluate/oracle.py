"""What of a draft a rewrite lacks, found by other means than the guard's: a Markdown parser and plain tokens.

Cruder than the guard on purpose, so that the two are not wrong together. Letter case does not count, and a
number may be written in words; fenced blocks count byte for byte, line endings apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKDOWN = MarkdownIt("commonmark")
_TOKENS = {
    "URL": re.compile(r"\bhttps?://[\w./?=&#%+~:-]*[\w/]", re.ASCII),
    "code": re.compile(r"(?<!`)`([^`\r\n]+)`(?!`)"),
    "number": re.compile(
        r"(?<![\w.,])\d+(?:[.,:]\d+)*(?=[A-Za-z%]*(?![\w.,]|[.,]\w))(?!st|nd|rd|th)", re.ASCII
    ),
    "name": re.compile(
        r"\b(?:[A-Za-z]\w*_\w*[A-Za-z]\w*|[a-z]{2,}[A-Z][A-Za-z]+|[A-Z][a-z]+[A-Z][a-z]\w*)\b", re.ASCII
    ),
    "file": re.compile(
        r"\b[\w-]+\.(?:py|ts|tsx|js|go|rs|java|md|json|yaml|yml|toml|sql|html|css|sh)\b", re.ASCII
    ),
    "mention": re.compile(r"(?<![\w.])[@#][A-Za-z][\w-]+", re.ASCII),
}
_NUMBERS = "1 2 3 4 5 6 7 8 9 10 11 12 20 30 40 50 60 100 1000"
_WORDS = """
one two three four five six seven eight nine ten eleven twelve twenty
thirty forty fifty sixty hundred thousand
"""
_IN_WORDS = dict(zip(_NUMBERS.split(), _WORDS.split(), strict=True))


def lost(draft: str, rewrite: str) -> list[str]:
    """The fenced blocks, URLs, code spans, numbers, names, files and mentions that the rewrite lacks."""
    kept = _blocks(rewrite)
    missing = [block for block in _blocks(draft) if block not in kept]
    lowered = rewrite.lower()
    for kind, text in _tokens(_without_blocks(draft)):
        said = text.lower() in lowered or (kind == "number" and _IN_WORDS.get(text, text) in lowered)
        if not said:
            missing.append(text)
    return missing


def _blocks(text: str) -> list[str]:
    """The content of each fenced block with its info string; one that nobody closes ends with the text."""
    tokens = _MARKDOWN.parse(text)
    return [f"{token.info}\n{token.content.rstrip()}" for token in tokens if token.type == "fence"]


def _without_blocks(text: str) -> str:
    lines = re.split(r"\r\n|\r|\n", text)
    for token in _MARKDOWN.parse(text):
        if token.type == "fence" and token.map:
            lines[slice(*token.map)] = [""] * (token.map[1] - token.map[0])
    return "\n".join(lines)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _TOKENS.items():
        for match in pattern.finditer(text):
            written = match[match.lastindex or 0].strip()
            if not (kind == "number" and _counts(text, match)):
                yield kind, written


def _counts(text: str, number: re.Match[str]) -> bool:
    """Whether a number only counts an item: "1." at the start of a line, "2)" anywhere."""
    after = text[number.end() : number.end() + 1]
    starts = not text[: number.start()].rpartition("\n")[2].strip(" \t->*")
    return after == ")" or (starts and after in {".", ":"})
