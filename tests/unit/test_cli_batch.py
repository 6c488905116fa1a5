"""`devrouter batch`: no row lost, none doubled, whatever happens on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.cli import main
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.decision import FIELDS
from devrouter.core.gaps import GapKind
from devrouter.engines.engine import EngineState, EngineUnreachable, Health, ReplyBroken
from tests.unit.command import EXECUTABLE, Ended, devrouter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft
    from devrouter.engines.engine import EngineError

IN, OUT, REJECTED = Path("in.jsonl"), Path("out.jsonl"), Path("out.jsonl.rejected")
TEXTS = (
    "why does my flask app crash when i log in",
    "write a dockerfile for fastapi app",
    "explain what a b-tree is\nand when it is the wrong index",
    "größer 😀\u2028: warum?",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": f"row {number}", "text": TEXTS[number % len(TEXTS)]} for number in range(count)]


def write_input(lines: Iterable[dict[str, Any] | bytes]) -> None:
    encoded = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    IN.write_bytes(b"".join(line + b"\n" for line in encoded))


def batch(*arguments: str, stdin: bytes = b"") -> Ended:
    return devrouter("batch", "in.jsonl", "-o", "out.jsonl", *arguments, stdin=stdin)


def answers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUT.read_bytes().splitlines()]


def ids() -> list[object]:
    return [answer["id"] for answer in answers()]


def rejected() -> list[dict[str, Any]]:
    return [json.loads(line) for line in REJECTED.read_bytes().splitlines()]


# Rows


def test_every_row_is_answered_in_order() -> None:
    given = [{"id": 7, "text": TEXTS[0], "more": None}, *rows(9)]
    write_input(given)
    ended = batch()
    assert ended.status == ExitStatus.OK
    assert ended.stdout == ""
    assert ended.stderr == "note: 10 rows answered in out.jsonl\n"
    assert ids() == [row["id"] for row in given]
    for answer in answers():
        assert list(answer) == ["id", *FIELDS, "gaps"]
        assert answer["missing"] == [gap["phrase"] for gap in answer["gaps"]]
        assert all(list(gap) == ["phrase", "kind"] and GapKind(gap["kind"]) for gap in answer["gaps"])
    assert not REJECTED.exists()


def test_a_row_is_answered_as_route_answers_it() -> None:
    write_input(rows(1))
    batch()
    decision = json.loads(devrouter("route", "--json", TEXTS[0]).stdout)
    assert {name: answers()[0][name] for name in FIELDS} == decision


BROKEN = {
    b"{": "is not JSON",
    b"[" * 100_000: "is not JSON",
    b'{"id": 1' + b"0" * 5000 + b', "text": "x"}': "is not JSON",
    b"[1, 2]": "is a list, not an object",
    b"null": "is null, not an object",
    b'{"text": "x"}': 'has no "id"',
    b'{"id": "x"}': 'has no "text"',
    b'{"id": null, "text": "x"}': '"id" is null, not a string or a whole number',
    b'{"id": true, "text": "x"}': '"id" is true or false',
    b'{"id": 1.5, "text": "x"}': '"id" is a number, not a string or a whole number',
    b'{"id": "n", "text": 5}': '"text" is a number, not a string',
    b'{"id": "e", "text": " \\n"}': '"text" is empty',
    b'{"id": "s", "text": "\\ud83d"}': '"text" holds half a surrogate pair',
    b'{"id": "row 0", "text": "again"}': 'the id "row 0" was used in line 1',
    b'{"id": "u", "text": "gr\xf6\xdfer"}': "is not UTF-8 (byte 0xf6 at offset 23)",
}


def test_broken_rows_are_kept_apart_with_line_and_reason() -> None:
    good = rows(3)
    write_input([good[0], *BROKEN, *good[1:]])
    ended = batch()
    assert ended.status == ExitStatus.REJECTED
    assert ids() == ["row 0", "row 1", "row 2"]
    assert [row["line"] for row in rejected()] == list(range(2, len(BROKEN) + 2))
    for row, (content, reason) in zip(rejected(), BROKEN.items(), strict=True):
        assert row["reason"].startswith(reason)
        assert row["row"] == content.decode("utf-8", "backslashreplace")
        assert f"warning: line {row['line']}: {row['reason']}\n" in ended.stderr
    assert f"3 rows answered in out.jsonl, {len(BROKEN)} rejected, kept in out.jsonl.rejected" in ended.stderr


def test_of_very_many_broken_rows_only_the_first_are_named() -> None:
    write_input([b"{"] * 500)
    ended = batch()
    assert ended.status == ExitStatus.REJECTED
    assert ended.stderr.count("warning: line ") == 20
    assert "listed in out.jsonl.rejected only" in ended.stderr
    assert len(rejected()) == 500


def test_blank_lines_carriage_returns_a_byte_order_mark_and_no_last_line_end() -> None:
    IN.write_bytes(b'\xef\xbb\xbf{"id": 1, "text": "why"}\r\n\r\n\n {"id": 2, "text": "how"}')
    assert batch().status == ExitStatus.OK
    assert ids() == [1, 2]


def test_standard_input() -> None:
    content = "".join(json.dumps(row) + "\n" for row in rows(3)).encode()
    ended = devrouter("batch", "-", "-o", "out.jsonl", stdin=content)
    assert (ended.status, ids()) == (ExitStatus.OK, ["row 0", "row 1", "row 2"])
    again = devrouter("batch", "-", "-o", "out.jsonl", stdin=content)
    assert (again.status, len(ids())) == (ExitStatus.OK, 3)


# Progress


def test_progress_is_shown_on_request_and_never_on_standard_output() -> None:
    write_input(rows(5))
    ended = batch("--progress")
    assert "5/5" in ended.stderr
    assert ended.stdout == ""


# Interruptions


def test_killed_and_started_again(tmp_path: Path) -> None:
    count = 4000
    write_input(rows(count))
    command = [EXECUTABLE, "batch", "--engine", "instant", "in.jsonl", "-o", "out.jsonl", "--progress"]
    for _ in range(2):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path)
        with process:
            _wait_for_progress(process, len(OUT.read_bytes().splitlines()) if OUT.exists() else 0)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert 0 < len(OUT.read_bytes().splitlines()) < count
    # A kill seldom hits the middle of a line, so cut one.
    with OUT.open("r+b") as stream:
        stream.truncate(OUT.stat().st_size - 5)
    # A row that was answered is not asked again: its line stays as it is.
    lines = OUT.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"intent": "', b'"intent": "kept ')
    OUT.write_bytes(b"".join(lines))
    ended = batch()
    assert (ended.status, ended.stderr) == (ExitStatus.OK, f"note: {count:,} rows answered in out.jsonl\n")
    assert ids() == [f"row {number}" for number in range(count)]
    assert [number for number, line in enumerate(answers()) if line["intent"].startswith("kept ")] == [1]


def _wait_for_progress(process: subprocess.Popen[bytes], beyond: int) -> None:
    """Read the progress bar until it is more than a hundred rows further than `beyond`."""
    assert process.stderr is not None
    shown = b""
    while not any(int(done) > beyond + 100 for done in re.findall(rb"(\d+)/\d+ ", shown)):
        piece = os.read(process.stderr.fileno(), 4096)
        assert piece, f"ended too early: {shown!r}"
        shown += piece


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child")
def test_interrupted_from_the_keyboard(tmp_path: Path) -> None:
    write_input(rows(4000))
    command = [EXECUTABLE, "batch", "--engine", "instant", "in.jsonl", "-o", "out.jsonl", "--progress"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path)
    with process:
        _wait_for_progress(process, 0)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        last = process.stderr.read().splitlines()[-1].decode()
    assert process.returncode == ExitStatus.INTERRUPTED
    match = re.fullmatch(
        r"error: interrupted; ([\d,]+) rows answered so far, and the same command goes on from there", last
    )
    assert match
    # The interrupt may come between a row and its count.
    assert len(ids()) - int(match[1].replace(",", "")) in {0, 1}
    assert batch().status == ExitStatus.OK
    assert len(set(map(str, ids()))) == len(ids()) == 4000


def test_a_finished_batch_is_not_done_again() -> None:
    write_input([*rows(3), b"{"])
    assert batch().status == ExitStatus.REJECTED
    before = (OUT.read_bytes(), OUT.stat().st_ino, REJECTED.read_bytes())
    assert batch().status == ExitStatus.REJECTED
    assert (OUT.read_bytes(), OUT.stat().st_ino, REJECTED.read_bytes()) == before


def test_a_changed_input_is_refused() -> None:
    write_input(rows(3))
    batch()
    before = OUT.read_bytes()
    write_input(rows(4))
    ended = batch()
    assert ended.status == ExitStatus.INPUT
    assert ended.stderr == (
        "error: the input is not the one that out.jsonl was begun with; "
        "name another output with -o, or remove out.jsonl to begin again\n"
    )
    assert OUT.read_bytes() == before
    OUT.unlink()
    assert batch().status == ExitStatus.OK
    assert len(ids()) == 4


def test_another_engine_is_refused() -> None:
    write_input(rows(3))
    batch()
    ended = batch("--engine", "auto")
    assert ended.status == ExitStatus.USAGE
    assert "begun with the engine instant, not auto" in ended.stderr


def test_a_file_of_somebody_else_is_left_alone() -> None:
    write_input(rows(3))
    OUT.write_text("mine\n")
    ended = batch()
    assert ended.status == ExitStatus.OUTPUT
    assert "is no output of this command" in ended.stderr
    assert OUT.read_text() == "mine\n"


def test_an_output_damaged_in_the_middle_is_refused() -> None:
    write_input(rows(3))
    batch()
    OUT.write_bytes(OUT.read_bytes().replace(b"\n{", b"\n<", 1))
    before = OUT.read_bytes()
    ended = batch()
    assert ended.status == ExitStatus.OUTPUT
    assert "line 2 is damaged" in ended.stderr
    assert OUT.read_bytes() == before


def test_an_output_with_a_row_taken_out_is_refused() -> None:
    write_input(rows(3))
    batch()
    lines = OUT.read_bytes().splitlines(keepends=True)
    OUT.write_bytes(lines[0] + lines[2])
    ended = batch()
    assert ended.status == ExitStatus.OUTPUT
    assert "line 2" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    write_input(rows(100_000))
    command = [EXECUTABLE, "batch", "--engine", "instant", "in.jsonl", "-o", "out.jsonl", "--progress"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path)
    with process:
        _wait_for_progress(process, 0)
        ended = batch()
        process.kill()
    assert ended.status == ExitStatus.OUTPUT
    assert "another batch is writing it" in ended.stderr


# What cannot be read or written


@pytest.mark.parametrize("stdin", [b"", None])
def test_nothing_to_do(stdin: bytes | None) -> None:
    IN.write_bytes(b"")
    assert batch().status == ExitStatus.INPUT
    ended = devrouter("batch", "-", "-o", "out.jsonl", stdin=stdin or b"")
    assert (ended.status, ended.stderr) == (
        ExitStatus.INPUT,
        "error: standard input: is empty, so there is nothing to answer\n",
    )
    assert not OUT.exists()


@pytest.mark.parametrize(
    ("source", "out", "status"),
    [
        ("absent.jsonl", "out.jsonl", ExitStatus.INPUT),
        (".", "out.jsonl", ExitStatus.INPUT),
        ("in.jsonl", "absent/out.jsonl", ExitStatus.OUTPUT),
        ("in.jsonl", ".", ExitStatus.OUTPUT),
        ("in.jsonl", "in.jsonl", ExitStatus.USAGE),
        ("in.jsonl", "./in.jsonl", ExitStatus.USAGE),
    ],
)
def test_wrong_paths(source: str, out: str, status: ExitStatus) -> None:
    write_input(rows(1))
    before = IN.read_bytes()
    ended = devrouter("batch", source, "-o", out)
    assert (ended.status, ended.stderr.count("\n")) == (status, 1)
    assert IN.read_bytes() == before
    assert [entry.name for entry in Path().iterdir()] == ["in.jsonl"]


# Models


class StagedEngine:
    """A model engine that fails from its third row on, in the given way."""

    name = "staged"
    fields = frozenset({"rewrite", "missing"})

    def __init__(self, error: EngineError, until: int = 1_000_000) -> None:
        self._error = error
        self._until = until
        self.asked = 0

    async def state(self) -> EngineState:
        return EngineState(Health.OK, "Staged.")

    async def slots(self) -> int | None:
        return 1

    async def decide(self, draft: Draft, _on_progress: object = None) -> Answer:
        from devrouter.engines.instant.engine import InstantEngine

        self.asked += 1
        if 3 <= self.asked < self._until:
            raise self._error
        return InstantEngine().answer(draft)


def staged(monkeypatch: pytest.MonkeyPatch, error: EngineError) -> StagedEngine:
    engine = StagedEngine(error)
    monkeypatch.setattr("devrouter.app.engines.build_model_engine", lambda _: engine)
    return engine


def test_a_server_that_goes_away_stops_the_batch_and_it_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_input(rows(6))
    command = ["batch", "in.jsonl", "-o", "out.jsonl", "--engine", "ollama"]
    staged(monkeypatch, EngineUnreachable("Nothing answers.", "ollama serve"))
    assert main.main(command) == ExitStatus.ENGINE
    assert capsys.readouterr().err == (
        "error: Nothing answers; to mend it: ollama serve; "
        "2 rows answered so far, and the same command goes on from there\n"
    )
    assert ids() == ["row 0", "row 1"]
    engine = StagedEngine(EngineUnreachable(""), until=0)
    monkeypatch.setattr("devrouter.app.engines.build_model_engine", lambda _: engine)
    assert main.main(command) == ExitStatus.OK
    assert engine.asked == 4
    assert ids() == [f"row {number}" for number in range(6)]


def test_a_reply_that_is_broken_is_a_problem_of_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_input(rows(4))
    staged(monkeypatch, ReplyBroken("The reply is cut."))
    assert main.main(["batch", "in.jsonl", "-o", "out.jsonl", "--engine", "ollama"]) == ExitStatus.REPLY
    assert [answer.get("problems") for answer in answers()] == [
        None,
        None,
        ["The reply is cut."],
        ["The reply is cut."],
    ]
    assert "4 rows answered in out.jsonl, 2 of them with problems" in capsys.readouterr().err
