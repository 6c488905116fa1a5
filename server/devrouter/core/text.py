"""Lines and offsets exactly as LSP counts them: a line ends at LF, CRLF or a lone CR, and nowhere else.

`str.splitlines` also splits at form feed, U+2028 and others; one such character pasted from the web would
shift every later position. Offsets are Python string indices (code points); a column is counted in the
units that the client chose.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\n|\r")


class Span(NamedTuple):
    """A half-open range of string indices."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def touches(self, offset: int) -> bool:
        """True inside and at either rim, as a cursor behind a word is still on it."""
        return self.start <= offset <= self.end

    def overlaps(self, other: Span) -> bool:
        """True where the two share a character, or one is an empty span inside or at the rim of the other."""
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end


class Units(StrEnum):
    """The position encodings of LSP 3.17."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


@dataclass(frozen=True)
class Lines:
    """A text with its lines found once. Lookups clamp: a position outside the text is its nearest end."""

    text: str

    @cached_property
    def starts(self) -> list[int]:
        """The offset at which each line starts; the last may be an empty line after a final line end."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def line_span(self, line: int) -> Span:
        """The line's characters without its line end."""
        start = self.starts[line]
        if line + 1 == len(self.starts):
            return Span(start, len(self.text))
        end = self.starts[line + 1]
        return Span(start, end - (2 if self.text[end - 2 : end] == "\r\n" else 1))

    def position(self, offset: int, units: Units) -> tuple[int, int]:
        """Offset to (line, column in `units`), both from zero."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset) - 1
        start, end = self.line_span(line)
        return line, _width(self.text[start : min(offset, end)], units)

    def offset(self, line: int, column: int, units: Units) -> int:
        """(line, column in `units`) to offset; a column inside a character is that character's start."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.line_span(line)
        content = self.text[start:end]
        if units is Units.UTF32 or content.isascii():
            return start + max(0, min(column, len(content)))
        # The widths of the prefixes grow, so the last prefix that fits is found by halving, at encoder speed.
        fitting = bisect_right(range(len(content) + 1), column, key=lambda end: _width(content[:end], units))
        return start + max(0, fitting - 1)


def trimmed(text: str, span: Span) -> Span:
    """`span` without its surrounding white space; empty, at its start, where it holds nothing else."""
    content = text[span.start : span.end]
    lead = len(content) - len(content.lstrip())
    if lead == len(content):
        return Span(span.start, span.start)
    return Span(span.start + lead, span.start + len(content.rstrip()))


def first_line(text: str) -> Span:
    """The first line that holds more than white space, without its surrounding white space."""
    lines = Lines(text)
    for line in range(len(lines.starts)):
        span = trimmed(text, lines.line_span(line))
        if span.start < span.end:
            return span
    return Span(0, 0)


def is_word(character: str) -> bool:
    """Whether the character belongs to a word or a name; false for none at all."""
    return character.isalnum() or character == "_"


def fence_for(text: str, mark: str = "`") -> str:
    """A code fence that is longer than any run of its mark in the text, so that the text cannot end it."""
    longest = max((len(run) for run in re.findall(rf"{mark}+", text)), default=0)
    return mark * max(3, longest + 1)


def _width(text: str, units: Units) -> int:
    if units is Units.UTF32 or text.isascii():
        return len(text)
    # A lone surrogate can stand in a JSON string, so it must not stop the count.
    if units is Units.UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
