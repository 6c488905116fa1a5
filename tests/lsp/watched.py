"""A server that is watched from inside: each socket, file and program it opens is written down.

Python reports all of these to an audit hook, whichever library opens them and however. The hook is set
before the program starts, and what the program writes to standard error goes to a file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_RECORDER = """
import json, os, sys

folder = {folder!r}
record = os.open(os.path.join(folder, "audit.jsonl"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
os.dup2(os.open(os.path.join(folder, "stderr"), os.O_CREAT | os.O_APPEND | os.O_WRONLY), 2)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "pty.spawn")
SOCKETS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")


def hook(event, arguments):
    if event in SOCKETS:
        place = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        note(event, place if isinstance(place, str) else place and list(place[:2]))
    elif event in PROGRAMS or event.startswith("os.spawn"):
        note("program", repr(arguments))
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & WRITES:
        note("write", os.path.abspath(os.fsdecode(arguments[0])))


def note(event, what):
    os.write(record, (json.dumps([event, what]) + "\\n").encode())


sys.addaudithook(hook)
"""

CRASHES = """
import devrouter.engines.instant.engine as instant


def crash(self, draft):
    raise ValueError("cannot read " + draft.text)


instant.InstantEngine.answer = crash
"""
"""An instant engine that fails on every text, with the text in its error."""


@dataclass(frozen=True)
class Watch:
    """What is known of the servers started under this watch."""

    folder: Path

    @property
    def stderr(self) -> bytes:
        return (self.folder / "stderr").read_bytes()

    def seen(self, *events: str) -> list[object]:
        """What was opened by these events, in order."""
        lines = (self.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        return [what for event, what in map(json.loads, lines) if event in events]

    @property
    def addresses(self) -> set[tuple[object, ...]]:
        """Every address that was connected or sent to."""
        found = self.seen("socket.connect", "socket.sendto", "socket.sendmsg")
        return {tuple(place) if isinstance(place, list) else (place,) for place in found}


def watch(folder: Path, monkeypatch: pytest.MonkeyPatch, extra: str = "") -> Watch:
    """Watch every Python that is started from now on; `extra` is run at its start."""
    folder.mkdir()
    code = _RECORDER.format(folder=str(folder)) + extra
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    former = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), former])))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Watch(folder)
