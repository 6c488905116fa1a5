"""The teacher, as a real process against a real server: nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.core.decision import decision_schema
from tests.runtime.fake_server import Connection, fake_server
from tests.unit.training import command, prompt, read, run, write
from train.teacher import retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Answer = Callable[[Connection, str], Awaitable[None]]

NONSENSE = "Sure! Here is the label you asked for."
PATHS = {"openai": "/v1/chat/completions", "ollama": "/api/chat"}


def decision(text: str) -> str:
    labels = {"intent": "debug", "complexity": "low", "route": "small_local", "missing": ["full stack trace"]}
    return json.dumps({"rewrite": text, **labels})


@dataclass
class Provider:
    """A server that is paid by the call: `paid` counts the replies that it gave, by prompt."""

    api: str
    answer: Answer
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    paid: Counter[str] = field(default_factory=Counter)

    async def serve(self, connection: Connection) -> None:
        body = connection.request.json()
        self.asked.append(body)
        self.times.append(asyncio.get_running_loop().time())
        await self.answer(connection, body["messages"][1]["content"])

    async def reply(self, connection: Connection, text: str, content: str | None = None) -> None:
        content = decision(text) if content is None else content
        self.paid[text] += 1
        if self.api == "ollama":
            counts = {"prompt_eval_count": 1000, "eval_count": 100}
            body = {"message": {"role": "assistant", "content": content}, "done_reason": "stop", **counts}
        else:
            usage = {"prompt_tokens": 1000, "completion_tokens": 100}
            body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": usage}
        await connection.whole(json.dumps(body))


@asynccontextmanager
async def provider(answer: Answer | None = None, api: str = "openai") -> AsyncIterator[Provider]:
    async def good(connection: Connection, text: str) -> None:
        await made.reply(connection, text)

    made = Provider(api, answer or good)
    async with fake_server({PATHS[api]: made.serve}) as server:
        made.url = server.url
        yield made


@dataclass(frozen=True)
class Work:
    """One folder to work in, and the command over it."""

    folder: Path
    texts: tuple[str, ...]

    @property
    def labels(self) -> Path:
        return self.folder / "labels.jsonl"

    @property
    def rejected(self) -> Path:
        return self.folder / "labels.rejected.jsonl"

    def arguments(self, made: Provider, *settings: str) -> list[str | Path]:
        prompts = write(self.folder / "prompts.jsonl", [prompt(text) for text in self.texts])
        values = {"api": made.api, "url": made.url, "name": "big", "first_wait": 0.01, "concurrency": 2}
        pairs = [*(f"teach.model.{key}={value}" for key, value in values.items()), *settings]
        options = [option for pair in pairs for option in ("--set", pair)]
        return [prompts, "-o", self.labels, "--yes", *options]

    async def teach(self, made: Provider, *settings: str) -> tuple[int, str]:
        """Run to the end: the exit status, and all that was said."""
        done = await asyncio.to_thread(run, "teach", *self.arguments(made, *settings), EXAMPLE_KEY="k")
        return done.returncode, done.stdout + done.stderr

    async def begun(self, made: Provider, *settings: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command("teach", *self.arguments(made, *settings)), stderr=asyncio.subprocess.PIPE
        )


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path, tuple(f"Why does test {number} fail?" for number in range(8)))


@pytest.mark.parametrize("api", ["openai", "ollama"])
async def test_each_prompt_is_asked_once_and_its_label_kept(work: Work, api: str) -> None:
    async with provider(api=api) as made:
        status, said = await work.teach(made, "teach.model.price_in=2", "teach.model.price_out=10")
    assert status == 0, said
    assert made.paid == Counter(work.texts)
    rows = {row["text"]: row for row in read(work.labels)}
    assert set(rows) == set(work.texts)
    row = rows[work.texts[0]]
    assert row["missing"] == [{"phrase": "full stack trace", "kind": "error"}]
    assert (row["rewrite"], row["intent"], row["source"]) == (work.texts[0], "debug", "test")
    # Eight calls of 1,000 tokens at 2 a million, and 100 at 10.
    assert "this run: 8,000 tokens in, 800 out: 0.02 USD" in said
    assert not work.rejected.exists()


@pytest.mark.parametrize("api", ["openai", "ollama"])
async def test_the_guide_and_the_prompt_alone_are_sent_and_the_schema_holds_the_reply(
    work: Work, api: str
) -> None:
    async with provider(api=api) as made:
        await work.teach(made)
    body = made.asked[0]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "How to label a developer's prompt" in body["messages"][0]["content"]
    assert body["messages"][1]["content"] in work.texts
    schema = body["format"] if api == "ollama" else body["response_format"]["json_schema"]["schema"]
    assert schema == decision_schema()


async def test_a_rerun_asks_only_what_is_new(work: Work) -> None:
    async with provider() as made:
        await Work(work.folder, work.texts[:3]).teach(made)
        status, said = await work.teach(made)
        assert (status, made.paid) == (0, Counter(work.texts))
        status, again = await work.teach(made)
    assert "5 calls" in said
    assert (status, len(made.asked)) == (0, 8)
    assert "all runs: 8,000 tokens in" in again


async def test_the_cost_is_told_before_and_nothing_is_sent_unless_somebody_agrees(work: Work) -> None:
    async with provider() as made:
        arguments = work.arguments(made, "teach.model.price_in=1000")
        dry = await asyncio.to_thread(run, "teach", *arguments, "--dry-run")
        arguments.remove("--yes")
        silent = await asyncio.to_thread(run, "teach", *arguments)
    assert made.asked == []
    assert "8 calls to big at http://127.0.0.1" in dry.stdout
    assert " USD." in dry.stdout
    assert dry.returncode == 0
    assert silent.returncode == 1
    assert "nothing was sent: say --yes" in silent.stderr
    assert [path.name for path in work.folder.iterdir()] == ["prompts.jsonl"]


async def test_a_reply_that_is_no_decision_is_asked_for_once_more(work: Work) -> None:
    async def first_nonsense(connection: Connection, text: str) -> None:
        await made.reply(connection, text, None if made.paid[text] else NONSENSE)

    async with provider(first_nonsense) as made:
        status, said = await work.teach(made)
    assert status == 0, said
    assert made.paid == Counter(dict.fromkeys(work.texts, 2))
    assert len(read(work.labels)) == 8
    assert {row["tokens_in"] for row in read(work.labels)} == {2000}
    again = next(body["messages"] for body in made.asked if len(body["messages"]) > 2)
    assert again[2] == {"role": "assistant", "content": NONSENSE}
    assert "replied in words" in again[3]["content"]


@pytest.mark.parametrize(
    ("nonsense", "reason"),
    [
        (NONSENSE, "replied in words"),
        ("", "replied nothing"),
        ('{"rewrite": "x", "intent": "debug"}', "complexity: it is not there"),
        (decision("x").replace("debug", "bug"), "intent"),
        (decision("x")[:40], "breaks off"),
        ("[" * 100_000, "another form"),
    ],
)
async def test_nonsense_is_rejected_with_the_reason_and_not_paid_again(
    work: Work, nonsense: str, reason: str
) -> None:
    async def bad(connection: Connection, text: str) -> None:
        await made.reply(connection, text, nonsense if text == work.texts[2] else None)

    async with provider(bad) as made:
        status, said = await work.teach(made)
        calls = len(made.asked)
        await work.teach(made)
    assert status == 0, said
    (rejected,) = read(work.rejected)
    assert rejected["id"] == prompt(work.texts[2])["id"]
    assert reason in rejected["reason"]
    assert rejected["replies"] == [nonsense] * 2
    assert len(read(work.labels)) == 7
    assert (calls, len(made.asked)) == (9, 9)


async def test_a_prompt_that_does_not_fit_is_not_sent(work: Work) -> None:
    long = Work(work.folder, (*work.texts, "word " * 20_000))
    async with provider() as made:
        status, said = await long.teach(made)
    assert status == 0, said
    assert made.paid == Counter(work.texts)
    assert "Too long" in read(work.rejected)[0]["reason"]


async def test_a_storm_of_refusals_is_weathered(work: Work) -> None:
    refusals = iter([429, 503, 429, 500, 429] * 3)

    async def busy(connection: Connection, text: str) -> None:
        if status := next(refusals, None):
            await connection.whole('{"error": {"message": "slow down"}}', status)
        else:
            await made.reply(connection, text)

    async with provider(busy) as made:
        status, said = await work.teach(made, "teach.model.attempts=20")
    assert status == 0, said
    assert made.paid == Counter(work.texts)
    assert len(made.asked) == 15 + 8


async def test_the_pause_that_a_server_asks_for_holds_all_calls(work: Work) -> None:
    async def once(connection: Connection, text: str) -> None:
        if len(made.asked) == 1:
            await connection.whole("{}", 429, "Retry-After: 1\r\n")
        else:
            await made.reply(connection, text)

    async with provider(once) as made:
        status, said = await work.teach(made, "teach.model.concurrency=1")
    assert status == 0, said
    assert made.times[1] - made.times[0] >= 0.95


async def test_calls_keep_the_pace_of_the_settings(work: Work) -> None:
    async with provider() as made:
        status, said = await work.teach(
            made, "teach.model.requests_a_minute=600", "teach.model.concurrency=8"
        )
    assert status == 0, said
    assert made.times[-1] - made.times[0] >= 0.6  # Eight calls, a tenth of a second apart; some are late.


async def test_a_dropped_connection_and_a_silent_server_are_asked_again(work: Work) -> None:
    faults = iter(["drop", "silence"])

    async def shaky(connection: Connection, text: str) -> None:
        fault = next(faults, None)
        if fault == "drop":
            connection.kill()
        elif fault == "silence":
            await connection.client_leaves()
        else:
            await made.reply(connection, text)

    async with provider(shaky) as made:
        status, said = await work.teach(made, "teach.model.timeout=2.0")
    assert status == 0, said
    assert next(faults, None) is None
    assert Counter(row["text"] for row in read(work.labels)) == Counter(work.texts)


async def test_a_refused_prompt_is_not_asked_again_in_a_run_and_is_named(work: Work) -> None:
    async def picky(connection: Connection, text: str) -> None:
        if text == work.texts[4]:
            await connection.whole('{"error": {"message": "not this one"}}', 400)
        else:
            await made.reply(connection, text)

    async with provider(picky) as made:
        status, said = await work.teach(made)
    assert status == 1
    assert len(made.asked) == 8
    assert f"not answered: {prompt(work.texts[4])['id']}" in said
    assert "not this one" in said
    assert len(read(work.labels)) == 7


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        (401, "", '{"error": {"message": "wrong key"}}', "wrong key"),
        (404, "", '{"error": "no such model"}', "no such model"),
        (302, "Location: http://127.0.0.1:9/\r\n", "", "status 302"),
        (429, "Retry-After: 86400\r\n", "{}", "asks to wait for 86,400 s"),
        (200, "", '{"hello": 1}', "answers in an unknown form"),
        (200, "", "<html>", "answers in an unknown form"),
    ],
)
async def test_what_no_call_can_mend_ends_the_run_at_once(
    work: Work, status: int, headers: str, body: str, reason: str
) -> None:
    async def wrong(connection: Connection, _: str) -> None:
        await connection.whole(body, status, headers)

    async with provider(wrong) as made:
        ended, said = await work.teach(made)
    assert ended == 1
    assert reason in said
    assert "the same command goes on from here" in said
    assert len(made.asked) <= 2  # As many as go side by side.
    assert not work.labels.exists()


async def test_a_server_that_stays_away_ends_the_run(work: Work) -> None:
    async with provider() as made:
        made.url = "http://127.0.0.1:9"
        status, said = await work.teach(made, "teach.model.attempts=2", "teach.give_up_after=3")
    assert status == 1
    assert "3 calls in a row failed" in said


async def test_the_key_comes_from_the_environment_and_is_told_where_it_is_not(work: Work) -> None:
    async with provider() as made:
        status, _ = await work.teach(made, "teach.model.key_variable=EXAMPLE_KEY")
        assert status == 0
        work.labels.unlink()
        calls = len(made.asked)
        status, said = await work.teach(made, "teach.model.key_variable=OTHER_KEY")
    assert (status, len(made.asked)) == (1, calls)
    assert "OTHER_KEY is not set in the environment" in said


async def test_a_local_server_is_not_reached_through_a_proxy(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with provider() as made:
        status, said = await work.teach(made, "teach.model.attempts=1")
    assert status == 0, said


async def test_a_killed_run_loses_nothing_and_pays_nothing_twice(work: Work) -> None:
    held = asyncio.Event()
    waiting = 0

    async def five_then_none(connection: Connection, text: str) -> None:
        nonlocal waiting
        if made.paid.total() < 5:
            await made.reply(connection, text)
            return
        waiting += 1
        if waiting == 2:
            held.set()
        await connection.client_leaves()

    async with provider(five_then_none) as made:
        process = await work.begun(made)
        await held.wait()
        process.kill()
        await process.communicate()
        assert len(read(work.labels)) == 5
        with work.labels.open("a", encoding="utf-8") as torn:
            torn.write('{"id": "0123456789abcdef", "text": "half a li')
        made.answer = made.reply
        status, said = await work.teach(made)
    assert status == 0, said
    assert made.paid == Counter(work.texts)
    assert Counter(row["text"] for row in read(work.labels)) == Counter(work.texts)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent a Ctrl-C there")
async def test_an_interrupted_run_keeps_the_calls_that_are_on_their_way(work: Work) -> None:
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection, text: str) -> None:
        if len(made.asked) == 2:
            held.set()
        await go_on.wait()
        await made.reply(connection, text)

    async with provider(slow) as made:
        process = await work.begun(made)
        assert process.stderr
        await held.wait()
        process.send_signal(signal.SIGINT)
        assert b"the calls on their way may finish" in await process.stderr.readline()
        go_on.set()
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"stopped: interrupted; the same command goes on from here" in said
    assert len(read(work.labels)) == made.paid.total() == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent a Ctrl-C there")
async def test_a_second_interruption_ends_the_calls_too(work: Work) -> None:
    held = asyncio.Event()

    async def silent(connection: Connection, _: str) -> None:
        held.set()
        await connection.client_leaves()

    async with provider(silent) as made:
        process = await work.begun(made)
        assert process.stderr
        await held.wait()
        process.send_signal(signal.SIGINT)
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert (process.returncode, said) == (130, b"")


async def test_two_runs_at_a_time_are_refused(work: Work) -> None:
    held = asyncio.Event()

    async def silent(connection: Connection, _: str) -> None:
        held.set()
        await connection.client_leaves()

    async with provider(silent) as made:
        process = await work.begun(made)
        await held.wait()
        status, said = await work.teach(made)
        process.kill()
        await process.communicate()
    assert status == 1
    assert "another run of this step is writing it" in said


async def test_labels_of_another_teacher_are_not_mixed_in(work: Work) -> None:
    async with provider() as made:
        await work.teach(made)
        status, said = await work.teach(made, "teach.model.name=bigger")
    assert (status, len(made.asked)) == (1, 8)
    assert "holds answers of big, guide" in said


async def test_prompts_that_were_not_collected_are_refused(work: Work) -> None:
    async with provider() as made:
        arguments = work.arguments(made)
        write(work.folder / "prompts.jsonl", [prompt("one") | {"id": "w0-001"}])
        done = await asyncio.to_thread(run, "teach", *arguments)
    assert (done.returncode, made.asked) == (1, [])
    assert "the id w0-001 is not that of its text" in done.stderr


def test_a_pause_is_read_as_a_number_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert 90 < retry_after({"retry-after": later}) <= 100
    assert retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) == retry_after({"retry-after": "-5"}) == retry_after({}) == 0
