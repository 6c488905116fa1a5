"""`devrouter batch` over model servers: slots kept full, order kept, a failing server replaced."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.cli import main
from devrouter.cli.exit_status import ExitStatus
from devrouter.engines.engine import (
    EngineError,
    EngineState,
    EngineTimeout,
    EngineUnreachable,
    Health,
    ReplyBroken,
    ServerStopped,
)
from devrouter.engines.instant.engine import InstantEngine
from tests.unit.command import devrouter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devrouter.core.decision import Answer
    from devrouter.core.draft import Draft

COMMAND = ["batch", "in.jsonl", "-o", "out.jsonl", "--engine", "ollama"]
TWO_ENDPOINTS = ["batch", "in.jsonl", "-o", "out.jsonl", "--endpoint", "http://a", "--endpoint", "http://b"]
WAIT = 20.0
INSTANT = InstantEngine()


class StagedServer:
    """A model engine that does what the test says for each call; `number` counts them from one."""

    fields = frozenset({"rewrite", "missing"})

    def __init__(self, on_call: Callable[[int, Draft], Awaitable[None]], slots: int | None = 4) -> None:
        self.name = "staged"
        self._on_call = on_call
        self._slots = slots
        self.asked: list[str] = []
        self.at_a_time = self.most_at_a_time = 0

    async def state(self) -> EngineState:
        return EngineState(Health.OK, "Staged.")

    async def slots(self) -> int | None:
        return self._slots

    async def decide(self, draft: Draft, _on_progress: object = None) -> Answer:
        self.asked.append(draft.text)
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        try:
            async with asyncio.timeout(WAIT):
                await self._on_call(len(self.asked), draft)
        finally:
            self.at_a_time -= 1
        return INSTANT.answer(draft)


async def answers(_number: int, _draft: Draft) -> None:
    await asyncio.sleep(0)


def failing(error: EngineError, *, from_call: int = 1, until_call: int = 1_000_000) -> Any:
    async def on_call(number: int, _draft: Draft) -> None:
        await asyncio.sleep(0)
        if from_call <= number < until_call:
            raise error

    return on_call


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(count: int) -> None:
    rows = ({"id": number, "text": f"why does step {number} fail"} for number in range(count))
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def written() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out.jsonl").read_bytes().splitlines()]


def ids() -> list[int]:
    return [row["id"] for row in written()]


def use(monkeypatch: pytest.MonkeyPatch, *servers: StagedServer) -> None:
    monkeypatch.setattr("devrouter.app.engines.build_model_engine", lambda _: servers[0])
    monkeypatch.setattr("devrouter.app.engines.build_endpoint_engines", lambda _, urls: servers[: len(urls)])


@pytest.mark.parametrize(
    ("slots", "options", "expected"), [(3, [], 3), (None, [], 4), (3, ["--concurrency", "6"], 6)]
)
def test_all_slots_are_busy_and_the_order_is_the_inputs(
    monkeypatch: pytest.MonkeyPatch, slots: int | None, options: list[str], expected: int
) -> None:
    """Nobody is answered before all slots are taken; then the last who came goes first."""
    waiting: list[asyncio.Event] = []

    async def together(_number: int, _draft: Draft) -> None:
        waiting.append(asyncio.Event())
        mine = waiting[-1]
        if len(waiting) == expected:
            waiting.pop().set()
        await mine.wait()
        if waiting:
            waiting.pop().set()

    given(expected * 5)
    server = StagedServer(together, slots)
    use(monkeypatch, server)
    assert main.main([*COMMAND, *options]) == ExitStatus.OK
    assert server.most_at_a_time == expected
    assert ids() == list(range(expected * 5))


def test_one_long_reply_holds_up_the_output_alone_and_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the first row is bounded: a million rows do not pile up behind it."""
    begun_when_the_first_ended: list[int] = []

    async def first_is_slow(number: int, _draft: Draft) -> None:
        if number == 1:
            seen = 0
            while seen < len(server.asked):  # Until nobody is asked any more.
                seen = len(server.asked)
                for _ in range(100):
                    await asyncio.sleep(0)
            begun_when_the_first_ended.append(seen)

    given(200)
    server = StagedServer(first_is_slow)
    use(monkeypatch, server)
    assert main.main(COMMAND) == ExitStatus.OK
    assert begun_when_the_first_ended == [64]
    assert ids() == list(range(200))


@pytest.mark.parametrize(
    "error",
    [
        EngineUnreachable("The server at a is not there."),
        EngineTimeout("The server at a is too slow."),
        ServerStopped("The server at a stopped."),
        EngineError("The server at a answered with status 500."),
    ],
)
def test_the_rows_of_a_failing_server_go_to_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: EngineError
) -> None:
    given(60)
    failed, good = StagedServer(failing(error, from_call=4)), StagedServer(answers)
    use(monkeypatch, failed, good)
    assert main.main(TWO_ENDPOINTS) == ExitStatus.OK
    assert ids() == list(range(60))
    assert not [row for row in written() if "problems" in row]
    errors = capsys.readouterr().err
    assert errors.count(str(error).rstrip(".")) == errors.count("its rows go to the other servers") == 1
    assert len(failed.asked) < 20
    assert len(good.asked) == 57


def test_a_reply_that_is_no_decision_is_the_rows_own_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    given(20)
    first = StagedServer(failing(ReplyBroken("The reply is cut."), from_call=2, until_call=3))
    use(monkeypatch, first, StagedServer(answers))
    assert main.main(TWO_ENDPOINTS) == ExitStatus.REPLY
    assert [row["problems"] for row in written() if "problems" in row] == [["The reply is cut."]]


def test_all_servers_gone_ends_the_batch_and_it_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(30)
    gone = EngineUnreachable("Nothing answers.", "start it")
    use(monkeypatch, StagedServer(failing(gone, from_call=8)), StagedServer(failing(gone, from_call=3)))
    assert main.main(TWO_ENDPOINTS) == ExitStatus.ENGINE
    before = ids()
    assert before == list(range(len(before)))
    assert capsys.readouterr().err.endswith(
        f"error: Nothing answers; to mend it: start it; {len(before)} rows answered so far, and the same "
        "command goes on from there\n"
    )
    server = StagedServer(answers)
    use(monkeypatch, server, StagedServer(answers))
    assert main.main(TWO_ENDPOINTS) == ExitStatus.OK
    assert ids() == list(range(30))
    assert f"why does step {before[0]} fail" not in server.asked


def test_a_server_that_stopped_in_a_reply_is_asked_again_not_taken_for_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(3)
    stopped = failing(ServerStopped("The server stopped."), from_call=2, until_call=3)
    use(monkeypatch, StagedServer(stopped, slots=1))
    assert main.main(COMMAND) == ExitStatus.OK
    assert not [row for row in written() if "problems" in row]


def test_an_endpoint_elsewhere_must_be_allowed() -> None:
    given(1)
    ended = devrouter(
        "batch",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--endpoint",
        "http://models.example:8000",
        "--engine",
        "openai",
    )
    assert ended.status == ExitStatus.ENGINE
    assert "models.example (from `--endpoint`) is not this machine" in ended.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--engine", "ollama", "--endpoint", "http://127.0.0.1:9"],
        ["--concurrency", "0"],
        ["--concurrency", "many"],
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str]) -> None:
    given(1)
    ended = devrouter("batch", "in.jsonl", "-o", "out.jsonl", *options)
    assert (ended.status, ended.stderr.count("\n")) == (ExitStatus.USAGE, 1)
    assert not Path("out.jsonl").exists()
