"""The smallest edit from one text to another, so that cursor, marks and undo stay where they were."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devrouter.core.text import Span, is_word


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `span` of the old text by `text`."""

    span: Span
    text: str

    def apply(self, old: str) -> str:
        return old[: self.span.start] + self.text + old[self.span.end :]

    def move(self, span: Span) -> Span | None:
        """Where `span` of the old text stands in the new one; None where the edit changed its words.

        Text that grows onto the span ("it" becomes "item") changes its words; a space beside it does not.
        """
        start, end = self.span
        if end < span.start or (end == span.start and not is_word(self.text[-1:])):
            return span.moved(len(self.text) - (end - start))
        if start > span.end or (start == span.end and not is_word(self.text[:1])):
            return span
        return None


def smallest_edit(old: str, new: str) -> Edit | None:
    """One edit over what differs once the common head and tail are cut; None for equal texts.

    Linear in the length. A CRLF is never cut in half: an editor counts it as one line end.
    """
    if old == new:
        return None
    limit = min(len(old), len(new))
    head = _common_prefix(old, new, limit)
    if head and old[head - 1] == "\r" and "\n" in (old[head : head + 1], new[head : head + 1]):
        head -= 1
    tail = _common_prefix(old[::-1], new[::-1], limit - head)
    if tail and old[len(old) - tail] == "\n" and "\r" in (_before(old, tail), _before(new, tail)):
        tail -= 1
    return Edit(Span(head, len(old) - tail), new[head : len(new) - tail])


def with_line_endings(new: str, like: str) -> str:
    """`new` with the line ending that `like` uses first; unchanged where `like` has a single line."""
    found = re.search(r"\r\n|\n|\r", like)
    return re.sub(r"\r\n|\n|\r", found.group(), new) if found else new


def _before(text: str, tail: int) -> str:
    index = len(text) - tail - 1
    return text[index] if index >= 0 else ""


def _common_prefix(left: str, right: str, limit: int) -> int:
    """Binary search over slice comparison: runs at memcmp speed where a Python loop would not."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
