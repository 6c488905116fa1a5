"""Exit statuses, one a kind of outcome, and the error that carries one to `main`."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """What the command's end means to a script. `meaning` is the line `--help` shows."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "done, nothing found"
    FINDINGS = 1, "check: findings, or with --diff a rewrite to apply"
    USAGE = 2, "the command line is wrong"
    INPUT = 3, "an input is absent, unreadable, binary, not text, too large or empty; eval: a row is broken"
    CONFIGURATION = 4, "the file given with --config cannot be used"
    ENGINE = 5, "the engine asked for is unreachable or too slow, or its model is missing"
    REPLY = 6, "the engine asked for sent a reply that cannot be used, or the prompt is too long for it"
    REJECTED = 7, "batch: some rows were rejected, the others are answered"
    OUTPUT = 8, "an output could not be written"
    EXTRA = 9, "packages that it needs are not installed"
    DEFECT = 70, "a defect in devrouter"
    INTERRUPTED = 130, "interrupted"
    PIPE_CLOSED = 141, "whoever read the output went away"


class CommandError(Exception):
    """The command cannot go on. `str(error)` is the one sentence the user sees."""

    def __init__(self, status: ExitStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
