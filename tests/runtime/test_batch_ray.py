"""`devrouter batch --runner ray` on a local Ray cluster, a worker killed in mid-run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devrouter.cli.exit_status import ExitStatus
from tests.runtime.conftest import llama_server
from tests.runtime.test_commands import run, start

if TYPE_CHECKING:
    import asyncio

    from tests.runtime.conftest import Models

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(240),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.skipif(not Path("/proc").exists(), reason="workers are found in /proc"),
]

ROWS = 640


def write_rows(path: Path) -> None:
    rows = [{"id": number, "text": f"why does step {number} fail??"} for number in range(ROWS)]
    lines = [json.dumps(row) + "\n" for row in rows]
    path.write_text("".join([*lines[:100], "no row\n", *lines[100:]]))


async def until_rows_are_done(running: asyncio.subprocess.Process, shown: bytearray) -> None:
    assert running.stderr is not None
    while not any(int(done) >= 64 for done in re.findall(rb"(\d+)/641", shown)):
        piece = await running.stderr.read(4096)
        assert piece, f"ended too early: {shown.decode()}"
        shown += piece


def workers_of(process: int) -> list[int]:
    """Ray's actors among the descendants of our own process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = []
    for number in parents:
        ancestor = number
        while ancestor in parents and ancestor != process:
            ancestor = parents[ancestor]
        if ancestor == process and b"MapWorker" in Path(f"/proc/{number}/cmdline").read_bytes():
            found.append(number)
    return found


@pytest.mark.parametrize("kind", ["instant", "two servers"])
async def test_a_worker_is_killed_and_every_row_is_answered_once(
    models: Models, tmp_path: Path, kind: str
) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_rows(given)
    shown = bytearray()
    with ExitStack() as servers:
        options = ["--engine", "instant"]
        if kind == "two servers":
            urls = [servers.enter_context(llama_server(models.brief, slots=2))[0] for _ in range(2)]
            options = [part for url in urls for part in ("--endpoint", url)]
        command: tuple[str | Path, ...] = (
            "batch",
            given,
            "-o",
            out,
            *options,
            "--runner",
            "ray",
            "--progress",
        )
        running = await start("127.0.0.1:9", *command)
        await until_rows_are_done(running, shown)
        workers = workers_of(running.pid)
        assert workers
        os.kill(workers[0], signal.SIGKILL)
        assert running.stderr is not None
        shown += await running.stderr.read()
        assert await running.wait() == ExitStatus.REJECTED, shown.decode()
    answers = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [answer["id"] for answer in answers] == list(range(ROWS))
    assert not [answer for answer in answers if "problems" in answer]
    assert sorted(os.listdir(tmp_path)) == [  # noqa: PTH208
        "in.jsonl",
        "out.jsonl",
        "out.jsonl.rejected",
        "out.jsonl.state",
    ]


async def test_the_command_itself_killed_goes_on_with_the_blocks_it_has(tmp_path: Path) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_rows(given)
    command = ("batch", given, "-o", out, "--engine", "instant", "--runner", "ray", "--progress")
    running = await start("127.0.0.1:9", *command)
    await until_rows_are_done(running, bytearray())
    running.kill()
    await running.wait()
    kept = {path: path.stat().st_ino for path in (tmp_path / "out.jsonl.blocks").glob("*.answers.jsonl")}
    assert kept
    marked, *_ = kept
    marked.write_bytes(marked.read_bytes().replace(b'"intent": "', b'"intent": "kept ', 1))
    status, _, errors = await run("127.0.0.1:9", *command)
    assert status == ExitStatus.REJECTED, errors
    answers = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [answer["id"] for answer in answers] == list(range(ROWS))
    assert sum(answer["intent"].startswith("kept ") for answer in answers) == 1
