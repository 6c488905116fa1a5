"""Ask a served model the rows of a labelled file, and keep what it replied, word for word.

Used by `validate.py` and `compare.py`; it is no step of its own.

Each reply is on the disk before it counts, so a run that is killed loses the calls on their way and nothing
else, and a rerun asks only what is not there. Beside the replies stand the answers, in the form of `devrouter
eval --answers`: `measured/quality/RUNTIME-QUANTIZATION-MODE/SET.jsonl`, and the replies as they came under
`measured/replies/`. A reply is a valid decision where it is, as it stands, one JSON object of exactly the
five fields and their values; nothing is cut off, mended or tried again.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx

from devrouter.cli.documents import write_atomically
from devrouter.cli.terminal import note, progress_bar
from devrouter.core.decision import FIELDS, Decision, DecisionError, decision_schema
from devrouter.core.gaps import gaps_from_phrases
from devrouter.engines.chat_template import ChatTemplateError, derive_chat_template
from devrouter.engines.exchange import ModelOptions, error_message, in_a_line
from devrouter.engines.gguf import GGUFError, read_metadata
from devrouter.engines.prompting import field_order
from devrouter.evaluation.rows import (
    AnswersFile,
    GoldRow,
    Header,
    Missing,
    RowAnswer,
    read_gold,
    sha256_of,
)
from train.manifest import write_manifest
from train.rows import AppendedRows, FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tqdm import tqdm

    from devrouter.core.json_lines import RowId
    from devrouter.engines.gguf import Metadata

LIMIT = ModelOptions().num_predict
"""Tokens that a reply may have, as in use."""

MODEL = "devrouter"
"""What the served model is called, where its server asks for a name."""

_TIMEOUT = 1800.0  # Seconds a call: a slow machine that is busy with other things.

Mode = Literal["free", "constrained"]
"""Whether the server holds the reply to the schema of the five fields."""

Runtime = Literal["llama_cpp", "ollama", "transformers"]


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a labelled file that are asked: all, or some."""

    path: Path
    rows: tuple[GoldRow, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]


@dataclass(frozen=True, slots=True)
class Respondent:
    """Who is asked, and how. `model` is a GGUF file, or a folder, and `sha256` tells it from others."""

    runtime: Runtime
    quantization: str
    mode: Mode
    model: Path
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.quantization}-{self.mode}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one row. `text` is None where the server refused the call, `problem` says why.

    `cut` tells a reply that a limit of length ended. Lengths in tokens.
    """

    text: str | None
    cut: bool
    tokens_in: int
    tokens_out: int
    milliseconds: float
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows, the answers to them and the replies that these were read from, all in the same order."""

    rows: tuple[GoldRow, ...]
    answers: tuple[RowAnswer, ...]
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A model behind an OpenAI-compatible address. `system` is sent along where the prompt is not baked in.

    `slots` is how many calls it takes side by side, `order` that of the fields in a constrained reply.
    """

    url: str
    model: str
    mode: Mode
    slots: int
    system: str | None = None
    order: Sequence[str] = FIELDS


def read_data(path: Path, count: int | None = None) -> Data:
    """The rows of a labelled file; with `count` so many of them, always the same. Raises `FileError`."""
    rows = read_gold(path.read_bytes(), str(path)).rows
    if count is None or count >= len(rows):
        return Data(path, rows)
    by_hash = sorted(rows, key=lambda row: hashlib.sha256(str(row.id).encode()).digest())
    chosen = {row.id for row in by_hash[:count]}
    return Data(path, tuple(row for row in rows if row.id in chosen))


def context_for(texts: Iterable[str], gguf: Path) -> int:
    """Tokens that the longest prompt and its reply can have: no token is shorter than a byte."""
    metadata = _metadata(gguf)
    longest = max(len(text.encode()) for text in texts)
    needed = len((metadata.chat_template or "").encode()) + longest + LIMIT
    return min(needed, metadata.context_length or needed)


def order_of(gguf: Path) -> tuple[str, ...]:
    """The order in which an export writes the fields, as its baked-in prompt lists them."""
    try:
        return field_order(derive_chat_template(_metadata(gguf)).system or "")
    except ChatTemplateError as error:
        raise FileError(f"{gguf}: {error}; run export.py again") from None


def ask(
    respondents: Sequence[Respondent],
    data: Sequence[Data],
    measured: Path,
    served: Callable[[], AbstractContextManager[str]],
    slots: int = 1,
) -> list[Answered]:
    """Ask one model, in each of its modes, the rows that it has not answered yet; all answers, by respondent.

    The model is `served` only if there is something to ask. Raises `FileError`.
    """
    with ExitStack() as stack:
        kept = {
            (respondent, each): stack.enter_context(Replies.of(respondent, each, measured))
            for respondent in respondents
            for each in data
        }
        if any(replies.waiting(each.rows) for (_, each), replies in kept.items()):
            url = stack.enter_context(served())
            for (respondent, each), replies in kept.items():
                order = order_of(respondent.model) if respondent.mode == "constrained" else FIELDS
                server = Server(url, MODEL, respondent.mode, slots, order=order)
                collect(each.rows, server, replies, title=f"{respondent.name} {each.name}")
        return [
            together([finish(respondent, each, measured, kept[respondent, each]) for each in data])
            for respondent in respondents
        ]


def collect(rows: Sequence[GoldRow], server: Server, replies: Replies, title: str = "") -> None:
    """Ask the server the rows that have no reply yet, as many at a time as it has slots.

    Raises `FileError` where the server goes away, or refuses a call for another reason than its length.
    """
    waiting = replies.waiting(rows)
    with progress_bar(len(rows), done=len(rows) - len(waiting), title=title) as bar:
        asyncio.run(_collect(waiting, server, replies, bar))


def answer_of(row: GoldRow, reply: Reply) -> RowAnswer:
    """The reply as an answer; one that is no decision says why."""
    decision, problem = None, reply.problem
    if reply.text is not None:
        try:
            decision = Decision.from_json(reply.text)
        except DecisionError as error:
            problem = f"{error}; cut at {reply.tokens_out:,} tokens" if reply.cut else str(error)
    phrases = decision.missing if decision else ()
    gaps = tuple(Missing(gap.phrase, gap.kind) for gap in gaps_from_phrases(phrases, row.text))
    return RowAnswer(row.id, row.text_sha256, decision, gaps, {}, reply.milliseconds, problem)


def write_answers(path: Path, header: Header, rows: Sequence[GoldRow], answers: Sequence[RowAnswer]) -> None:
    """Write a whole answers file or none."""
    content = io.BytesIO()
    file = AnswersFile(content, str(path), header, rows)
    for answer in answers:
        file.append(answer)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())


def finish(respondent: Respondent, data: Data, measured: Path, replies: Replies) -> Answered:
    """The answers to the rows, from their replies.

    The answers file holds those to every row of the data that was ever asked: fewer rows take nothing away.
    """
    known = {row: reply for row in read_data(data.path).rows if (reply := replies.to(row))}
    answers = {row: answer_of(row, reply) for row, reply in known.items()}
    path = measured / "quality" / respondent.name / f"{data.name}.jsonl"
    rows = tuple(answers)
    write_answers(
        path, Header(respondent.name, respondent.sha256, sha256_of(rows)), rows, [*answers.values()]
    )
    write_manifest(
        path,
        "ask",
        settings={"reply": LIMIT, "temperature": 0},
        seed=0,  # Nothing is drawn.
        inputs=[respondent.model, data.path],
        counts={"rows": len(rows), "valid": sum(answer.decision is not None for answer in answers.values())},
    )
    return Answered(
        data.rows, tuple(answers[row] for row in data.rows), tuple(known[row] for row in data.rows)
    )


def together(parts: Sequence[Answered]) -> Answered:
    """The rows of several files as one."""
    return Answered(
        tuple(row for part in parts for row in part.rows),
        tuple(answer for part in parts for answer in part.answers),
        tuple(reply for part in parts for reply in part.replies),
    )


class Replies:
    """The replies of one respondent, in a file that is only added to; those of another one are dropped."""

    def __init__(self, path: Path, asked_by: str) -> None:
        self._asked_by = asked_by
        self._replies: dict[tuple[RowId, str], Reply] = {}
        with ExitStack() as opened:
            self._file = opened.enter_context(AppendedRows(path))
            if any(row.get("asked_by") != asked_by for row in self._file.rows):
                note(f"{path}: begun anew, for it holds the replies of another model")
                self._file.rows.clear()  # One without rows goes as it is closed.
                opened.close()
                self._file = opened.enter_context(AppendedRows(path))
            for number, row in enumerate(self._file.rows, start=1):
                self._read(row, f"{path}, line {number}")
            opened.pop_all()

    @classmethod
    def of(cls, respondent: Respondent, data: Data, measured: Path) -> Replies:
        return cls(measured / "replies" / respondent.name / f"{data.name}.jsonl", respondent.sha256)

    def to(self, row: GoldRow) -> Reply | None:
        return self._replies.get((row.id, row.text_sha256))

    def waiting(self, rows: Sequence[GoldRow]) -> list[GoldRow]:
        return [row for row in rows if self.to(row) is None]

    def keep(self, row: GoldRow, reply: Reply) -> None:
        """Add a reply; it survives the end of this process and of the machine from here on."""
        key = {"id": row.id, "text_sha256": row.text_sha256}
        self._file.append(key | asdict(reply) | {"asked_by": self._asked_by})
        self._replies[row.id, row.text_sha256] = reply

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()

    def _read(self, row: dict[str, Any], place: str) -> None:
        try:
            key = row["id"], row["text_sha256"]
            self._replies[key] = Reply(**{field.name: row[field.name] for field in fields(Reply)})
        except (KeyError, TypeError):
            raise FileError(f"{place}: is no reply; remove this line to have it asked again") from None


def _metadata(gguf: Path) -> Metadata:
    try:
        return read_metadata(gguf)
    except GGUFError as error:
        raise FileError(f"{error} Run export.py again.") from None


async def _collect(waiting: Sequence[GoldRow], server: Server, replies: Replies, bar: tqdm[Any]) -> None:
    rows = iter(waiting)
    async with httpx.AsyncClient(base_url=server.url, timeout=_TIMEOUT, trust_env=False) as http:

        async def work() -> None:
            for row in rows:
                replies.keep(row, await _reply(row, server, http))
                bar.update()

        await asyncio.gather(*(work() for _ in range(server.slots)))


async def _reply(row: GoldRow, server: Server, http: httpx.AsyncClient) -> Reply:
    body: dict[str, Any] = {
        "model": server.model,
        "messages": _messages(row.text, server.system),
        "temperature": 0,
        "max_tokens": LIMIT,
    }
    if server.mode == "constrained":
        form = {"name": "decision", "strict": True, "schema": decision_schema(server.order)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    began = perf_counter()
    try:
        response = await http.post("/v1/chat/completions", json=body)
    except httpx.TransportError as error:
        reason = in_a_line(str(error)) or type(error).__name__
        raise FileError(
            f"{server.url}: the server went away as it answered the row {row.id} ({reason}); the same "
            "command goes on from here"
        ) from None
    milliseconds = round((perf_counter() - began) * 1000, 3)
    if response.is_success:
        return _read_reply(response, server, milliseconds)
    said = in_a_line(error_message(response.text)) or "no reason given"
    if response.status_code == 400 and "exceed" in said and "context" in said:
        return Reply(None, cut=False, tokens_in=0, tokens_out=0, milliseconds=milliseconds, problem=said)
    raise FileError(f"{server.url}: refused the row {row.id} with status {response.status_code}: {said}")


def _messages(text: str, system: str | None) -> list[dict[str, str]]:
    """The user's message alone, for a tuned model's prompt is baked in."""
    asked = [{"role": "user", "content": text}]
    return asked if system is None else [{"role": "system", "content": system}, *asked]


def _read_reply(response: httpx.Response, server: Server, milliseconds: float) -> Reply:
    try:
        body = response.json()
        choice, usage = body["choices"][0], body["usage"]
        return Reply(
            text=str(choice["message"]["content"] or ""),
            cut=choice["finish_reason"] == "length",
            tokens_in=int(usage["prompt_tokens"]),
            tokens_out=int(usage["completion_tokens"]),
            milliseconds=milliseconds,
        )
    except (ValueError, KeyError, IndexError, TypeError):
        raise FileError(f"{server.url}: answers in an unknown form: is it the right server?") from None
