"""`devrouter model setup` and what the other commands say of the model, as a user types them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devrouter.cli.exit_status import ExitStatus
from runtime.tiny_gguf import SYSTEM

if TYPE_CHECKING:
    from tests.runtime.conftest import Models

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

EXECUTABLE = Path(sys.executable).with_name("devrouter")


async def run(url: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `devrouter`."""
    process = await start(url, *arguments)
    out, errors = await process.communicate()
    assert b"Traceback" not in errors, errors.decode()
    return process.returncode or 0, out.decode(), errors.decode()


async def start(url: str, *arguments: str | Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "OLLAMA_HOST": url}
    return await asyncio.create_subprocess_exec(
        EXECUTABLE, *arguments, env=environment, stdout=pipe, stderr=pipe
    )


async def test_set_up_then_ask_then_the_doctor(ollama_url: str, models: Models) -> None:
    status, out, errors = await run(ollama_url, "model", "setup", "--from", models.brief)
    assert status == ExitStatus.OK, errors
    assert "✓ devrouter (F32) is set up" in out
    assert "its first decision took" in out
    assert "creating the model" in errors

    status, out, errors = await run(ollama_url, "route", "--engine", "ollama", "--json", "why does this fail")
    assert status == ExitStatus.OK, errors
    assert list(json.loads(out)) == ["rewrite", "intent", "complexity", "route", "missing"]

    status, out, errors = await run(ollama_url, "doctor", "--engine", "ollama", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert "F32, context 2,048 tokens: answers all five fields" in checks["devrouter (Ollama)"]["message"]
    assert "began after" in checks["first decision"]["message"]


async def test_print_shows_the_modelfile_and_does_nothing(models: Models) -> None:
    status, out, _ = await run("127.0.0.1:9", "model", "setup", "--from", models.brief, "--print")
    assert status == ExitStatus.OK
    assert out.startswith(f'FROM {models.brief}\nTEMPLATE """<|im_start|>system\n')
    assert f'SYSTEM """{SYSTEM}"""' in out
    assert 'PARAMETER stop "<|im_end|>"' in out
    assert "PARAMETER repeat_penalty 1.0\n" in out


async def test_what_cannot_be_set_up_is_told_in_one_sentence(
    ollama_url: str, models: Models, tmp_path: Path
) -> None:
    cases: list[tuple[list[str | Path], ExitStatus, str]] = [
        (["--from", models.bare], ExitStatus.ENGINE, "holds no system prompt"),
        (["--from", tmp_path / "none.gguf"], ExitStatus.ENGINE, "No such file"),
        (["--from", models.bare, "--system", tmp_path / "none"], ExitStatus.INPUT, "cannot be read"),
        (["--from", "no-such-model", "--print"], ExitStatus.ENGINE, "ollama pull no-such-model"),
    ]
    for arguments, expected, sentence in cases:
        status, out, errors = await run(ollama_url, "model", "setup", *arguments)
        assert (status, out, len(errors.splitlines())) == (expected, "", 1)
        assert sentence in errors


async def test_no_server(models: Models) -> None:
    status, _, errors = await run("127.0.0.1:9", "model", "setup", "--from", models.brief)
    assert status == ExitStatus.ENGINE
    assert "to mend it: ollama serve" in errors


async def test_interrupting_ends_at_once_and_says_so(ollama_url: str, models: Models) -> None:
    """The endless model's first decision would take its time."""
    process = await start(ollama_url, "model", "setup", "--from", models.endless)
    assert process.stderr is not None
    async for line in process.stderr:
        if b"first decision" in line:
            process.send_signal(signal.SIGINT)
            break
    rest = await process.stderr.read()
    assert await process.wait() == ExitStatus.INTERRUPTED
    assert rest.decode().strip() == "error: interrupted"
