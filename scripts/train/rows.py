"""The rows that pass from step to step, one JSON object a line.

A *prompt* is what `collect.py` writes: `id`, `text`, `source`, and where known `group` (the conversation)
and `form` (`agent` for the draft of a coding agent). A *labelled* row has more fields of `data/train.jsonl`:
`intent`, `complexity`, `route`, `missing` (a list of {"phrase", "kind"}) and `rewrite`. Other keys are left
alone by who reads, and not handed on.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from devrouter.cli.batch_state import open_to_go_on
from devrouter.cli.documents import write_atomically
from devrouter.core.decision import Complexity, Decision, Intent, Route
from devrouter.core.json_lines import json_line, numbered_rows
from devrouter.evaluation.rows import FileError, Missing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "AppendedRows",
    "FileError",
    "Labelled",
    "Missing",
    "Prompt",
    "id_of",
    "normalised",
    "parsed",
    "read_rows",
    "write_rows",
    "write_text",
]


def normalised(text: str) -> str:
    """The text as every step has it: NFC, line ends LF, no byte order mark, no white space around it."""
    unified = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    return unicodedata.normalize("NFC", unified).strip()


def id_of(text: str) -> str:
    """The name of a prompt: the first 16 hex digits of the SHA-256 of its normalised text."""
    return hashlib.sha256(normalised(text).encode()).hexdigest()[:16]


def _full(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


Text = Annotated[str, AfterValidator(_full)]
Name = Annotated[str, Field(min_length=1)]

# Read by pydantic: a wrong type is refused, other keys are left alone.
_ROW: dict[str, Any] = {"extra": "ignore", "strict": True}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that nobody has labelled yet."""

    id: Name
    text: Text
    source: Name
    group: str | None = None
    form: str | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = _ROW


@dataclass(frozen=True, slots=True)
class Labelled:
    """A prompt with its labels. `score` is what the judge gave it, from 1 to 5, where one did.

    `rewrite` is None where none was written; of such a row only the labels can be learned.
    """

    id: Name
    text: Text
    source: Name
    intent: Intent
    complexity: Complexity
    route: Route
    missing: tuple[Missing, ...]
    rewrite: str | None = None
    group: str | None = None
    form: str | None = None
    score: float | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = _ROW

    @property
    def conversation(self) -> str:
        """What must stay on one side of a split: the group, or the row itself."""
        return self.group or self.id

    @property
    def fields(self) -> dict[str, Any]:
        """The five fields, as far as they are written."""
        labels = {"intent": self.intent, "complexity": self.complexity, "route": self.route}
        return {"rewrite": self.rewrite, **labels, "missing": [item.phrase for item in self.missing]}

    @property
    def decision(self) -> Decision:
        """The five fields as the model is to write them. Raises `ValueError` where there is no rewrite."""
        if self.rewrite is None:
            raise ValueError(f"the row {self.id} has no rewrite")
        phrases = tuple(item.phrase for item in self.missing)
        return Decision(self.rewrite, self.intent, self.complexity, self.route, phrases)


Form = TypeVar("Form")
Row = TypeVar("Row", Prompt, Labelled)

_ADAPTERS: dict[type, TypeAdapter[Any]] = {form: TypeAdapter(form) for form in (Prompt, Labelled)}


def read_rows(path: Path, form: type[Row]) -> list[Row]:
    """All rows of a file that a step wrote. Raises `FileError` for the first broken one, and for none."""
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for number, content in numbered_rows(io.BytesIO(path.read_bytes())):
        place = f"{path}, line {number}"
        row = parsed(content, form, place)
        if row.id in lines:
            raise FileError(
                f"{place}: the id {json.dumps(row.id)} was used in line {lines[row.id]}; remove one"
            )
        lines[row.id] = number
        rows.append(row)
    if not rows:
        raise FileError(f"{path}: holds no rows")
    return rows


def parsed(content: bytes, form: type[Row], place: str) -> Row:
    """One line as a row. Raises `FileError` with the place, the key and what is wrong with it."""
    try:
        row: Row = _ADAPTERS[form].validate_json(content)
    except ValidationError as error:
        key, said = first_fault(error)
        reason = said.removeprefix("Value error, ").replace("at line 1 column", "at column")
        raise FileError(f"{place}: {f'{key}: ' if key else ''}{reason}") from None
    return row


def read_json(path: Path, form: type[Form], mend: str) -> Form:
    """A whole JSON file in a form; `mend` says what to do about a broken one. Raises `FileError`."""
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except ValidationError as error:
        key, said = first_fault(error)
        raise FileError(f"{path}: {f'{key}: ' if key else ''}{said}; {mend}") from None


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The key that is wrong first, empty for the whole, and pydantic's words; nothing of the content."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]


def write_rows(path: Path, rows: Iterable[Prompt | Labelled | dict[str, Any]]) -> None:
    """Write a whole file or none; keys that say nothing are left out. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, b"".join(map(_line, rows)))


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


class AppendedRows:
    """A file that is only added to, one whole line a row, each on the disk before the next call.

    A kill can leave a last line without its end: where it is a whole object, what was paid for it is kept;
    else it is cut off. `rows` are those of earlier runs and of this one. One process at a time. Raises
    `FileError` for a line that is damaged, and `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = open_to_go_on(path, "run of this step")
        self.rows: list[dict[str, Any]] = []
        try:
            self._recover()
        except BaseException:
            self._stream.close()
            raise

    def append(self, row: dict[str, Any]) -> None:
        """Add a row; it survives the end of this process and of the machine from here on."""
        self._stream.write(json_line(row))
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.rows.append(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; one without a row goes."""
        self._stream.close()
        if not self.rows:
            self.path.unlink()

    def _recover(self) -> None:
        whole, ended = 0, True
        for number, line in enumerate(self._stream, start=1):
            row, ended = _object(line), line.endswith(b"\n")
            if row is None and ended:
                raise FileError(f"{self.path}, line {number}: is damaged; remove this line to go on")
            if row is None:
                ended = True
                break
            self.rows.append(row)
            whole += len(line)
        self._stream.seek(whole)
        self._stream.truncate()
        if not ended:
            self._stream.write(b"\n")


def _line(row: Prompt | Labelled | dict[str, Any]) -> bytes:
    values = row if isinstance(row, dict) else asdict(row)
    return json_line({key: value for key, value in values.items() if value is not None})


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "id" in value else None
