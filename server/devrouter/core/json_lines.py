"""One JSON object a line: the lines that are rows, and writing one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["RowId", "json_line", "numbered_rows"]

RowId = str | int


def numbered_rows(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each row with its line's number, counted from one; blank lines and a byte order mark are no rows."""
    for number, raw in enumerate(lines, start=1):
        content = raw.strip(b" \t\r\n")
        if number == 1:
            content = content.removeprefix(b"\xef\xbb\xbf")
        if content:
            yield number, content


def json_line(value: dict[str, Any]) -> bytes:
    """One object as a whole line of UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
