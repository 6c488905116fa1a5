"""Rows of `devrouter batch`: reading the input, and what is wrong with a row that cannot be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from devrouter.core.json_lines import RowId, json_line, numbered_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devrouter.core.decision import Triage


class RowError(Exception):
    """What is wrong with a row."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    id: RowId
    text: str


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is kept apart. `reason` says what is wrong; `content` is the row as it stood."""

    line: int
    reason: str
    content: bytes

    def to_json_line(self) -> bytes:
        # A byte that is not UTF-8 becomes an escape such as \xff; the input itself is still there.
        content = self.content.decode("utf-8", "backslashreplace")
        return json_line({"line": self.line, "reason": self.reason, "row": content})


def read_rows(stream: IO[bytes]) -> Iterator[Row | BrokenRow]:
    """Every row in order, lines counted from one; blank lines are no rows. An id counts once, the first."""
    first_use: dict[RowId, int] = {}
    for number, content in numbered_rows(stream):
        try:
            row_id, text = _parse(content)
        except RowError as error:
            yield BrokenRow(number, str(error), content)
            continue
        if row_id in first_use:
            reason = f"the id {json.dumps(row_id)} was used in line {first_use[row_id]}"
            yield BrokenRow(number, reason, content)
            continue
        first_use[row_id] = number
        yield Row(number, row_id, text)


def answer_line(row: Row, triage: Triage) -> bytes:
    """One row of the output: id, the five fields, the gaps, and secrets and problems where there are any."""
    answer: dict[str, Any] = {"id": row.id, **triage.decision_to_follow().to_dict()}
    answer["gaps"] = [{"phrase": gap.phrase, "kind": gap.kind.value} for gap in triage.gaps]
    if triage.secrets:
        answer["secrets"] = [secret.kind for secret in triage.secrets]
    if triage.problems:
        answer["problems"] = list(triage.problems)
    return json_line(answer)


def _parse(content: bytes) -> tuple[RowId, str]:
    """The id and text of one line. Raises `RowError` with what is wrong."""
    try:
        decoded = content.decode()
    except UnicodeDecodeError as error:
        raise RowError(f"is not UTF-8 (byte 0x{content[error.start]:02x} at offset {error.start})") from None
    try:
        row = json.loads(decoded)
    except json.JSONDecodeError as error:
        raise RowError(f"is not JSON ({error.msg} at column {error.colno})") from None
    except (RecursionError, ValueError):
        raise RowError("is not JSON that can be read (nested too deep, or a number too long)") from None
    if not isinstance(row, dict):
        raise RowError(f'is {_kind(row)}, not an object such as {{"id": "a1", "text": "…"}}')
    return _row_id(row), _row_text(row)


def _row_id(row: dict[str, Any]) -> RowId:
    if "id" not in row:
        raise RowError('has no "id"')
    row_id = row["id"]
    if isinstance(row_id, bool) or not isinstance(row_id, str | int):
        raise RowError(f'"id" is {_kind(row_id)}, not a string or a whole number')
    if isinstance(row_id, str):
        _encodable("id", row_id)
    return row_id


def _row_text(row: dict[str, Any]) -> str:
    if "text" not in row:
        raise RowError('has no "text"')
    text = row["text"]
    if not isinstance(text, str):
        raise RowError(f'"text" is {_kind(text)}, not a string')
    if not text.strip():
        raise RowError('"text" is empty')
    _encodable("text", text)
    return text


def _encodable(key: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowError(f'"{key}" holds half a surrogate pair, which is no character') from None


def _kind(value: object) -> str:
    names: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "a string"}
    return {**names, list: "a list", dict: "an object"}.get(type(value), "null")
