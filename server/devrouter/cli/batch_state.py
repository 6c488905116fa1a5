"""What a batch has answered so far, so that an interrupted one goes on where it stopped.

Beside `OUT` stands `OUT.state`, written before the first row: which input, which engine. `OUT` itself says
how far the batch came: one whole line is one answered row. `OUT.rejected` follows from the input alone and
is written anew each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Self

from devrouter.cli.documents import write_atomically
from devrouter.cli.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devrouter.core.json_lines import RowId

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class InputMark:
    """What tells one input from another. `rows` counts lines, for the progress bar."""

    sha256: str
    size: int
    rows: int


def mark_of(stream: IO[bytes]) -> InputMark:
    """Read the input once to its end, and go back to its start."""
    digest, size, rows, last = hashlib.sha256(), 0, 0, b"\n"
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        rows += chunk.count(b"\n")
        last = chunk[-1:]
    stream.seek(0)
    return InputMark(digest.hexdigest(), size, rows + (last != b"\n"))


@dataclass(frozen=True, slots=True)
class Answered:
    """How many rows an earlier run answered, and how many of them carry a problem."""

    rows: int
    with_problems: int


class BatchOutput:
    """The three files of one batch, opened for going on. One process at a time.

    Raises `CommandError` where `OUT` belongs to something else, or cannot be written.
    """

    def __init__(self, out: Path, mark: InputMark, engine: str) -> None:
        if out.exists() and not out.is_file():
            raise CommandError(ExitStatus.OUTPUT, f"{out}: is not a file, so a batch cannot go on in it")
        self.out = out
        self.rejected = out.with_name(out.name + ".rejected")
        self.blocks = out.with_name(out.name + ".blocks")
        self._state = out.with_name(out.name + ".state")
        try:
            self._claim(mark, engine)
            self._stream = open_to_go_on(out, "batch")
            self.answered = self._recover()
            self.rejected.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(error) from None

    def answered_ids(self) -> Iterator[RowId]:
        """The ids of the rows that an earlier run answered, in order; read as they are asked for."""
        with self.out.open("rb") as stream:
            for line in islice(stream, self.answered.rows):
                row_id: RowId = json.loads(line)["id"]
                yield row_id

    def append(self, line: bytes) -> None:
        """Add one answered row; it survives the end of this process from here on."""
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise self._failed(error) from None

    def reject(self, line: bytes) -> None:
        try:
            with self.rejected.open("ab") as stream:
                stream.write(line)
        except OSError as error:
            raise self._failed(error) from None

    def drop_blocks(self) -> None:
        """Remove what the runner `ray` left of this batch, or of another one with this name."""
        shutil.rmtree(self.blocks, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """To the disk, and done."""
        try:
            os.fsync(self._stream.fileno())
            self._stream.close()
        except OSError as error:
            raise self._failed(error) from None

    def _claim(self, mark: InputMark, engine: str) -> None:
        """Begin the batch, or make sure that this is the one that was begun."""
        wanted = {"batch": 1, "engine": engine, **asdict(mark)}
        if not self.out.exists() or (self.out.stat().st_size == 0 and not self._state.exists()):
            self.drop_blocks()
            write_atomically(self._state, json.dumps(wanted).encode() + b"\n")
            return
        try:
            begun = json.loads(self._state.read_bytes())
        except FileNotFoundError:
            raise CommandError(
                ExitStatus.OUTPUT,
                f"{self.out}: exists and is no output of this command; name another with -o, or remove it",
            ) from None
        except ValueError:
            begun = {}
        if not isinstance(begun, dict) or begun.get("sha256") != mark.sha256:
            raise CommandError(
                ExitStatus.INPUT,
                f"the input is not the one that {self.out} was begun with; name another output with -o, or "
                f"remove {self.out} to begin again",
            )
        if begun.get("engine") != engine:
            raise CommandError(
                ExitStatus.USAGE,
                f"{self.out} was begun with the engine {begun.get('engine')}, not {engine}; name another "
                f"output with -o, or remove {self.out} to begin again",
            )

    def _recover(self) -> Answered:
        """Read what was answered, and cut off a last line that is only half there."""
        rows = with_problems = whole = 0
        for number, line in enumerate(self._stream, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                with_problems += has_problems(line)
            except (ValueError, TypeError, KeyError):
                raise CommandError(
                    ExitStatus.OUTPUT, f"{self.out}: line {number} is damaged; remove the file to begin again"
                ) from None
            rows = number
            whole += len(line)
        self._stream.seek(whole)
        self._stream.truncate()
        return Answered(rows, with_problems)

    def _failed(self, error: OSError) -> CommandError:
        reason = (error.strerror or str(error)).lower()
        return CommandError(ExitStatus.OUTPUT, f"{error.filename or self.out}: cannot be written: {reason}")


def has_problems(line: bytes) -> bool:
    """Of one row of the output. Raises `ValueError`, `TypeError` or `KeyError` for anything else."""
    row: dict[str, Any] = json.loads(line)
    _ = row["id"]
    return "problems" in row


def open_to_go_on(out: Path, command: str) -> IO[bytes]:
    """A file for reading and writing, made where it is not there, and this process's until it ends.

    Raises `CommandError` while another `command` writes it, and `OSError`.
    """
    stream = out.open("r+b") if out.exists() else out.open("x+b")
    _lock(stream, out, command)
    return stream


def _lock(stream: IO[bytes], out: Path, command: str) -> None:
    """Held until the process ends, however it ends. On Windows nothing is locked."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(
            ExitStatus.OUTPUT, f"{out}: another {command} is writing it; wait for its end"
        ) from None
