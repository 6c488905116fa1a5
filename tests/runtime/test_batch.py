"""`devrouter batch` over real llama.cpp servers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from devrouter.cli.exit_status import ExitStatus
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from tests.runtime.conftest import llama_server
from tests.runtime.test_commands import start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import Models

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

ROWS = 120


async def test_two_servers_share_a_batch_and_one_is_killed(models: Models, tmp_path: Path) -> None:
    """No row is lost, none is there twice, and none has the instant answer in place of the model's."""
    rows = [{"id": number, "text": f"why does step {number} fail??"} for number in range(ROWS)]
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (
        llama_server(models.brief, slots=2) as (first, process),
        llama_server(models.brief, slots=2) as (second, _),
    ):
        assert await OpenAIEngine(OpenAIOptions(base_url=first)).slots() == 2
        endpoints = ("--endpoint", first, "--endpoint", second)
        running = await start(second, "batch", given, "-o", out, *endpoints, "--progress")
        assert running.stderr is not None
        shown = b""
        while not any(int(done) >= 20 for done in re.findall(rb"(\d+)/120", shown)):
            piece = await running.stderr.read(4096)
            assert piece, f"ended too early: {shown!r}"
            shown += piece
        process.kill()
        shown += await running.stderr.read()
        assert await running.wait() == ExitStatus.OK, shown.decode()
    assert shown.count(b"its rows go to the other servers") == 1
    answers = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [answer["id"] for answer in answers] == list(range(ROWS))
    assert not [answer for answer in answers if "problems" in answer]
