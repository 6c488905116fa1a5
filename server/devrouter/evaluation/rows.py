"""Labelled rows and the answers to them, as files: read strictly, added to so that a kill loses nothing.

An answers file begins with a line that says who answered which data. Each line after it answers one row, in
the order of the rows, and holds the row's id and the hash of its text but not the text.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from devrouter.core.decision import Complexity, Decision, Intent, Route  # noqa: TC001  (pydantic reads it)
from devrouter.core.draft import Destination
from devrouter.core.gaps import GapKind  # noqa: TC001  (pydantic reads it)
from devrouter.core.json_lines import RowId, json_line, numbered_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

Label = Literal["intent", "complexity", "route"]
"""The fields that are one of a few values."""

LABELS: tuple[Label, ...] = ("intent", "complexity", "route")

Form = TypeVar("Form")


class FileError(Exception):
    """A file that cannot be used. `str(error)` names it and the line, what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a prompt lacks, as labelled or as answered."""

    phrase: str
    kind: GapKind


@dataclass(frozen=True, slots=True)
class GoldRow:
    """One labelled prompt. `form` is `agent` for the draft of a coding agent."""

    id: RowId
    text: str
    intent: Intent
    complexity: Complexity
    route: Route
    missing: tuple[Missing, ...]
    form: str | None = None
    paraphrase: str | None = None

    # Read by pydantic: a wrong type is refused, other keys are left alone.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "strict": True}

    @property
    def destination(self) -> Destination:
        return Destination.AGENT if self.form == "agent" else Destination.CHAT

    @property
    def text_sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """One line of an answers file. `decision` is None where the engine failed; `problem` then says how."""

    id: RowId
    text_sha256: str
    decision: Decision | None
    gaps: tuple[Missing, ...]
    confidence: dict[Label, Annotated[float, Field(ge=0, le=1)]]
    milliseconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    problem: str | None

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "strict": True}


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of an answers file: who answered, in which version, the rows of which data."""

    engine: str
    version: str
    data_sha256: str

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "strict": True}


_ADAPTERS: dict[type, TypeAdapter[Any]] = {form: TypeAdapter(form) for form in (GoldRow, RowAnswer, Header)}


@dataclass(frozen=True, slots=True)
class Gold:
    """A labelled file: its name, the hash of its bytes, and its rows, one or more."""

    file: str
    sha256: str
    rows: tuple[GoldRow, ...]


def read_gold(content: bytes, name: str) -> Gold:
    """Read a labelled file. Raises `FileError` for the first broken row, and where there are none."""
    rows: list[GoldRow] = []
    lines: dict[RowId, int] = {}
    for line, row_content in numbered_rows(io.BytesIO(content)):
        place = f"{name}, line {line}"
        row = _parsed(GoldRow, row_content, place, "mend it, for the other rows alone would mislead")
        if not row.text.strip():
            raise FileError(f"{place}: the text is empty; give it one or remove the row")
        if row.id in lines:
            raise FileError(
                f"{place}: the id {json.dumps(row.id)} was used in line {lines[row.id]}; give it another"
            )
        lines[row.id] = line
        rows.append(row)
    if not rows:
        raise FileError(f"{name}: holds no rows, so there is nothing to measure")
    return Gold(name, hashlib.sha256(content).hexdigest(), tuple(rows))


def read_answers(content: bytes, name: str, rows: Sequence[GoldRow]) -> tuple[Header, list[RowAnswer]]:
    """Answers that another program wrote, in the order of `rows`; those to other rows are left out.

    Raises `FileError` for a line of another form, an answer to another text, and a row without an answer.
    """
    header: Header | None = None
    found: dict[RowId, RowAnswer] = {}
    texts = {row.id: row.text_sha256 for row in rows}
    for line, line_content in numbered_rows(io.BytesIO(content)):
        place = f"{name}, line {line}"
        if header is None:
            header = _parsed(Header, line_content, place, "write the line that begins an answers file")
            continue
        answer = _parsed(RowAnswer, line_content, place, "write it as an answers file has it")
        if answer.text_sha256 != texts.get(answer.id, answer.text_sha256):
            raise FileError(f"{place}: answers another text than the data's; let its program answer anew")
        if answer.id in found:
            raise FileError(f"{place}: answers the row {json.dumps(answer.id)} again; remove one of the two")
        found[answer.id] = answer
    if header is None:
        raise FileError(f"{name}: is empty; it should hold an answer to each row")
    if absent := [row.id for row in rows if row.id not in found]:
        raise FileError(
            f"{name}: has no answer to {len(absent):,} of {len(rows):,} rows, the first being "
            f"{json.dumps(absent[0])}; all are measured on the same rows, so let its program answer them"
        )
    return header, [found[row.id] for row in rows]


class AnswersFile:
    """The answers of one engine to `rows`, to be gone on with.

    `answers` are those given so far, the first of `rows` being the first answered. `dropped` says why the
    file was begun anew, None where it was not. Raises `FileError` for a file that is none of ours or was
    damaged in the middle, and `OSError`.
    """

    def __init__(self, stream: IO[bytes], name: str, header: Header, rows: Sequence[GoldRow]) -> None:
        self._stream = stream
        self._name = name
        self.answers: list[RowAnswer] = []
        self.dropped = self._look(header)
        if self.dropped is None and self._stream.tell():
            self._recover(rows)
        else:
            self._begin(header)

    def append(self, answer: RowAnswer) -> None:
        """Add the answer to the next row; it survives the end of this process from here on."""
        self._stream.write(_ADAPTERS[RowAnswer].dump_json(answer) + b"\n")
        self._stream.flush()
        self.answers.append(answer)

    def _look(self, wanted: Header) -> str | None:
        """Read the first line; what in it is not as wanted. In a new file the stream stays at its start."""
        first = self._stream.readline()
        if not first.endswith(b"\n") and json_line(asdict(wanted)).startswith(first):
            self._stream.seek(0)  # New, or killed within its first line.
            return None
        remedy = "it is no answers file; name another folder with -o, or remove it"
        begun = _parsed(Header, first, f"{self._name}, line 1", remedy)
        if begun.data_sha256 != wanted.data_sha256:
            return "it answers other data"
        if begun != wanted:
            return f"it holds the answers of {begun.engine} {begun.version}, not {wanted.version}"
        return None

    def _begin(self, header: Header) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self._stream.write(json_line(asdict(header)))
        self._stream.flush()

    def _recover(self, rows: Sequence[GoldRow]) -> None:
        """Read what was answered, and cut off a last line that is only half there."""
        whole = self._stream.tell()
        remedy = "remove the file to begin again"
        for number, line in enumerate(self._stream, start=2):
            if not line.endswith(b"\n"):
                break
            place = f"{self._name}, line {number}"
            answer = _parsed(RowAnswer, line, place, remedy)
            row = rows[len(self.answers)] if len(self.answers) < len(rows) else None
            if row is None or (answer.id, answer.text_sha256) != (row.id, row.text_sha256):
                raise FileError(f"{place}: answers another row than the data has there; {remedy}")
            self.answers.append(answer)
            whole += len(line)
        self._stream.seek(whole)
        self._stream.truncate()


def sha256_of(rows: Sequence[GoldRow]) -> str:
    """The hash of what is asked: ids and texts, in order."""
    asked = b"".join(json_line({"id": row.id, "text": row.text}) for row in rows)
    return hashlib.sha256(asked).hexdigest()


def _parsed(form: type[Form], content: bytes, place: str, remedy: str) -> Form:
    try:
        parsed: Form = _ADAPTERS[form].validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # An id may be a text or a number; pydantic names the alternative that it tried.
        key = ".".join(str(part) for part in first["loc"] if part not in {"str", "int"})
        reason = first["msg"].replace("at line 1 column", "at column")
        raise FileError(f"{place}: {f'{key}: ' if key else ''}{reason}; {remedy}") from None
    return parsed
