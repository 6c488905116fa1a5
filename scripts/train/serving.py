"""The two model servers that an export is measured on, each on a free port of this machine.

    with llama_cpp(Path("work/gguf/devrouter-Q8_0.gguf"), slots=2) as url: ...
    with ollama(Path("work/gguf/devrouter-Q8_0.gguf"), "devrouter") as url: ...

A server runs as long as its block. `url` has no path: both answer under `/v1/chat/completions`, and each
under its own paths beside it. One that does not start raises `FileError` with the server's own reason.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from devrouter.engines.exchange import in_a_line
from runtime import get_ollama
from train.rows import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS_WITHIN = 300.0
"""Seconds. A model of a few gigabytes is read from a slow disk in that time."""

_LLAMA_SERVER = Path(get_ollama.__file__).with_name("llama_server.py")
_STOPS_WITHIN = 10.0  # Seconds until a server that was asked to end is ended.
_LISTENS = re.compile(r"Listening on ([\d.]+:\d+)")
_LOG_PREFIX = re.compile(r"\A[\d.]+ [A-Z] ")  # Of llama.cpp: the time since its start, and the level.


@contextmanager
def llama_cpp(
    gguf: Path, *, slots: int = 1, context: int = 8192, threads: int = os.cpu_count() or 1
) -> Iterator[str]:
    """llama.cpp's server with this model. `context` is in tokens and that of each slot."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise FileError("llama.cpp's server is not installed: pip install xllamacpp")
    command = [
        *(sys.executable, _LLAMA_SERVER, gguf),
        *("--context", context * slots, "--parallel", slots, "--threads", threads),
    ]
    with tempfile.TemporaryFile() as log, _process(command, log, stdin=subprocess.PIPE) as process:
        # It says its address when the model is loaded, or ends without a word.
        address = process.stdout.readline().decode().strip() if process.stdout else ""
        if not address:
            raise FileError(f"{gguf}: llama.cpp's server does not start with it: {_reason(log)}")
        yield address


@contextmanager
def ollama(gguf: Path, name: str, *, slots: int = 1) -> Iterator[str]:
    """An Ollama of its own, with the one model `name`, created from the Modelfile beside the GGUF file."""
    modelfile = gguf.with_suffix(".Modelfile")
    if not modelfile.is_file():
        raise FileError(
            f"{gguf}: has no {modelfile.name} beside it, so it was refused by validate.py or not made by "
            "export.py; Ollama needs that"
        )
    program = get_ollama.path()
    if not program.exists():
        raise FileError(f"Ollama is not there: python3 {get_ollama.__file__}")
    with tempfile.TemporaryDirectory(prefix="devrouter-ollama-") as home:
        environment = {
            **os.environ,
            "HOME": home,
            "OLLAMA_HOST": "127.0.0.1:0",
            "OLLAMA_MODELS": f"{home}/models",
            "OLLAMA_NUM_PARALLEL": str(slots),
        }
        log = Path(home, "log")
        with log.open("w+b") as stream, _process([program, "serve"], stream, environment) as process:
            address = _listening(log, process)
            create = [str(program), "create", name, "-f", str(modelfile.resolve())]
            done = subprocess.run(
                create, env={**environment, "OLLAMA_HOST": address}, capture_output=True, check=False
            )
            if done.returncode:
                raise FileError(
                    f"{modelfile}: Ollama does not create a model of it: {_last_line(done.stderr)}"
                )
            yield f"http://{address}"


@contextmanager
def _process(
    command: list[object], log: IO[bytes], environment: dict[str, str] | None = None, stdin: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server whose standard error goes to the log; with a pipe as its input it ends when we do."""
    process = subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdin else log,
        stderr=log,
    )
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        else:
            process.terminate()
        try:
            process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Where Ollama listens, which it chose itself and says in its log."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if found := _LISTENS.search(log.read_text(encoding="utf-8", errors="replace")):
            return found[1]
        time.sleep(0.05)
    raise FileError(f"Ollama's server does not start: {_last_line(log.read_bytes())}")


def _reason(log: IO[bytes]) -> str:
    """The first line that llama.cpp marks as an error, or its last line."""
    log.seek(0)
    written = log.read()
    lines = written.decode(errors="replace").splitlines()
    errors = [line for line in lines if (mark := _LOG_PREFIX.match(line)) and mark[0].endswith(" E ")]
    return in_a_line(_LOG_PREFIX.sub("", errors[0])) if errors else _last_line(written)


def _last_line(written: bytes) -> str:
    lines = [line for line in written.decode(errors="replace").splitlines() if line.strip()]
    return in_a_line(lines[-1]) if lines else "it gives no reason"
