"""What our way to a model costs: each engine against bare HTTP to the same server, call by call in turn.

python scripts/runtime/get_model.py smollm2
python scripts/runtime/get_ollama.py                      (prints where the program lies)
python scripts/bench/model_path.py --ollama PROGRAM >> docs/benchmarks-model.md

Both ways send the same body at temperature 0, so that the model writes the same tokens, and read the stream
to its end. The bare one keeps one connection, ours makes a client for each call. The server is llama.cpp's
out of `xllamacpp` and, with --ollama, that program.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

import httpx

from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import EngineError
from devrouter.engines.ollama import OllamaEngine, OllamaOptions
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from devrouter.engines.prompting import messages_for, schema_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

RUNTIME = Path(__file__).parents[1] / "runtime"
DRAFT = Draft("my flask app gives a 500 when i upload a file, how do i fix it", 0, "en", Destination.CHAT)
CONTEXT, LIMIT = 2048, 256  # Tokens.
PATIENCE = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF without a prompt of ours; else SmolLM2")
    parser.add_argument("--ollama", type=Path, help="the Ollama program, to be measured as well")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    finder = [sys.executable, str(RUNTIME / "get_model.py"), "smollm2"]
    model = arguments.model or Path(subprocess.check_output(finder, text=True).strip())
    rows = []
    with llama_cpp(model) as url:
        rows.append(asyncio.run(compare_llama_cpp(url, arguments.rounds)))
    if arguments.ollama:
        with ollama(arguments.ollama, model) as url:
            rows.append(asyncio.run(compare_ollama(url, arguments.rounds)))
    print(
        f"\n## Our way to a model against bare HTTP\n\n`python scripts/bench/model_path.py`, {model.name}, "
        f"{arguments.rounds} calls each way, in turn, on {platform.machine()} with {os.cpu_count()} cores.\n"
    )
    print("| server | ours, median | bare HTTP, median | median of the pairs' ratios | goal |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(f"| {row} | ≤ 1.03 |")
    return 0


async def compare_llama_cpp(url: str, rounds: int) -> str:
    options = OpenAIOptions(
        base_url=url, num_ctx=CONTEXT, num_predict=LIMIT, first_token_timeout=PATIENCE, total_timeout=PATIENCE
    )
    engine = OpenAIEngine(options, {})
    system = (await engine.verification()).system
    schema = {"name": "decision", "strict": True, "schema": schema_for(system)}
    body = {
        "messages": messages_for(DRAFT.text, verified=system is not None),
        "response_format": {"type": "json_schema", "json_schema": schema},
        "temperature": 0,
        "max_tokens": LIMIT,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return await compare("llama.cpp", engine, f"{url}/v1/chat/completions", body, rounds)


async def compare_ollama(url: str, rounds: int) -> str:
    options = OllamaOptions(
        host=url,
        model="measured",
        num_ctx=CONTEXT,
        num_predict=LIMIT,
        first_token_timeout=PATIENCE,
        total_timeout=PATIENCE,
    )
    engine = OllamaEngine(options, {})
    system = (await engine.verification()).system
    body = {
        "model": "measured",
        "messages": messages_for(DRAFT.text, verified=system is not None),
        "format": schema_for(system),
        "stream": True,
        "keep_alive": options.keep_alive,
        "options": {"temperature": 0, "num_ctx": CONTEXT, "num_predict": LIMIT},
    }
    return await compare("Ollama", engine, f"{url}/api/chat", body, rounds)


async def compare(
    title: str, engine: OllamaEngine | OpenAIEngine, address: str, body: dict[str, Any], rounds: int
) -> str:
    """One row of the table. Who goes first changes with every round; the first two rounds warm both up."""
    ours, bare = [], []
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        for number in range(-2, rounds):
            times = {}
            for who in ("ours", "bare") if number % 2 else ("bare", "ours"):
                call = decision(engine) if who == "ours" else bare_call(client, address, body)
                times[who] = await timed(call)
            if number >= 0:
                ours.append(times["ours"])
                bare.append(times["bare"])
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    return f"{title} | {median(ours):.1f} ms | {median(bare):.1f} ms | {ratio:.3f}"


async def timed(call: Awaitable[object]) -> float:
    """Milliseconds."""
    started = perf_counter()
    await call
    return (perf_counter() - started) * 1000


async def decision(engine: OllamaEngine | OpenAIEngine) -> None:
    """A reply that is no decision took its time as well."""
    try:
        await engine.decide(DRAFT)
    except EngineError as error:
        print(f"a reply was refused: {error}", file=sys.stderr)


async def bare_call(client: httpx.AsyncClient, address: str, body: dict[str, Any]) -> None:
    """Read the stream and nothing more: every line is parsed, for without that there is no reply."""
    async with client.stream("POST", address, json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ")
            if data.startswith("{"):
                json.loads(data)


@contextmanager
def llama_cpp(model: Path, slots: int = 1, context: int = CONTEXT) -> Iterator[str]:
    """`context` is that of each slot."""
    port = free_port()
    command = [sys.executable, str(RUNTIME / "llama_server.py"), str(model)]
    with subprocess.Popen(
        [*command, f"--port={port}", f"--context={context * slots}", "--threads=2", f"--parallel={slots}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None  # noqa: S101  (a pipe was asked for)
        server.stdout.readline()  # The address, once it listens.
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@contextmanager
def ollama(program: Path, model: Path) -> Iterator[str]:
    """Ollama with the file imported as `measured`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_MODELS": folder}
        with subprocess.Popen(
            [program, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            try:
                until_it_listens(port)
                data = model.read_bytes()
                digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
                body = {"model": "measured", "files": {model.name: digest}, "stream": False}
                with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
                    client.post(f"/api/blobs/{digest}", content=data).raise_for_status()
                    client.post("/api/create", json=body).raise_for_status()
                yield url
            finally:
                server.terminate()


def until_it_listens(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    sys.exit("Ollama did not start within a minute.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
