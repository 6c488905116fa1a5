"""A small loss put back: a code block, or an error text, exactly as the draft has it.

Nothing else is mended, and no more than two passages: a rewrite that lost more was not written with care.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from devrouter.core.kept import compared, lost_pieces
from devrouter.core.pieces import Piece, fenced_blocks, quoted
from devrouter.core.text import Lines, Span

MOST = 2
"""So many passages are put back at most."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """`names` says what was put back, as it can stand in "Put back: …"."""

    text: str
    names: tuple[str, ...]


def put_back(original: str, rewrite: str) -> Repaired | None:
    """The rewrite with its lost passages; None where nothing is lost, or something that is none of these."""
    lost = lost_pieces(*compared(original, rewrite))
    if not lost:
        return None
    passages = [passage for passage in _passages(original) if _is_lost(passage, rewrite)]
    needed = [passage for passage in passages if any(_lies_in(piece, passage) for piece in lost)]
    if not 0 < len(needed) <= MOST:
        return None
    text = rewrite
    for passage in needed:
        text = _with(text, passage, original)
    return Repaired(text, tuple(passage.name for passage in needed))


@dataclass(frozen=True, slots=True)
class _Passage:
    name: str
    text: str
    span: Span


def _is_lost(passage: _Passage, rewrite: str) -> bool:
    return _plain(passage.text) not in _plain(rewrite)


def _lies_in(piece: Piece, passage: _Passage) -> bool:
    """Pieces of the changed lines have no place in the draft, so their text decides."""
    return piece.text in _plain(passage.text) or piece.text in passage.text


def _plain(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


_ERROR_NAME = (
    r"(?:[A-Za-z_][\w.]{0,80}(?:Error|Exception|Warning)|E[A-Z]{4,20}|panic|fatal|error\[?\w{0,8}\]?)"
)
_ERROR_LINE = re.compile(
    rf"[ \t]*(?:{_ERROR_NAME}: ?\S|Traceback \(most recent call last\)|Caused by: |Exception in thread "
    r"|thread '.{1,60}' panicked|goroutine \d)"
)
_TRACE_LINE = re.compile(
    r"[ \t]+(?:at |File \"|\.\.\. \d+ more|--> |\d+ \||\||\^|from )|\s+\S|(?:[\w.$<>]+\(\.\.\.\)"
    r"|[\w./-]+:\d+:)"
)
# Behind the message the sentence may go on: "KeyError: 'id' when I call load()".
_INLINE_ERROR = re.compile(
    rf"\b{_ERROR_NAME}: ?[^\r\n,;]{{1,200}}?"
    r"(?=[\r\n,;]|\Z|[.?!](?:\s|\Z)| (?:when|if|but|and|after|while|how|what|why|on|in my|in the)\b)"
)
_QUOTED_ERROR = re.compile(r"\"[^\"\r\n]{4,200}\"|\u201c[^\u201d\r\n]{4,200}\u201d|`[^`\r\n]{4,200}`")
_READS_AS_ERROR = re.compile(
    r"error|exception|fail|cannot|can't|could not|denied|refused|not found|invalid|undefined"
    r"|unexpected|missing"
    r"|expired|timed? ?out|unable|panic|abort|fatal|no such|not (?:a|an|allowed|defined|supported|exist)",
    re.IGNORECASE,
)


def _passages(text: str) -> list[_Passage]:
    """What can be put back, in the draft's order; of two that overlap the first and longer one."""
    blocks = fenced_blocks(text)
    found = [_Passage("the code block", text[slice(*block.span)], block.span) for block in blocks]
    found += _error_passages(text)
    found.sort(key=lambda passage: (passage.span.start, -passage.span.end))
    kept: list[_Passage] = []
    for passage in found:
        if not kept or passage.span.start >= kept[-1].span.end:
            kept.append(passage)
    return kept


def _error_passages(text: str) -> list[_Passage]:
    passages = []
    lines = Lines(text)
    begun: int | None = None
    end = 0
    for line in range(len(lines.starts)):
        start, stop = lines.line_span(line)
        if _ERROR_LINE.match(text, start, stop):
            begun = start if begun is None else begun
            end = stop
        elif begun is not None and _TRACE_LINE.match(text, start, stop):
            end = stop
        elif begun is not None:
            passages.append(_error(text, Span(begun, end)))
            begun = None
    if begun is not None:
        passages.append(_error(text, Span(begun, end)))
    for match in _INLINE_ERROR.finditer(text):
        stop = match.start() + len(match.group().rstrip(" .?!"))
        passages.append(_error(text, Span(match.start(), stop)))
    quotations = (Span(*match.span()) for match in _QUOTED_ERROR.finditer(text))
    passages.extend(_error(text, span) for span in quotations if _READS_AS_ERROR.search(text, *span))
    return passages


def _error(text: str, span: Span) -> _Passage:
    written = text[slice(*span)]
    many = "\n" in written or "\r" in written
    return _Passage("the error output" if many else quoted(written.strip('`"\u201c\u201d ')), written, span)


def _with(rewrite: str, passage: _Passage, original: str) -> str:
    """In place of the altered block where that is plain, else at the end."""
    before, after = fenced_blocks(original), fenced_blocks(rewrite)
    if passage.span in [block.span for block in before] and len(before) == len(after):
        index = [block.span for block in before].index(passage.span)
        start, end = after[index].span
        return rewrite[:start] + passage.text + rewrite[end:]
    return f"{rewrite.rstrip()}\n\n{passage.text}"
