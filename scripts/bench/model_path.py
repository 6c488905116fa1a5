"""What our way to a model costs: the engine against bare HTTP to one llama.cpp server, call by call in turn.

Both send the same messages and the same schema, and read the stream to its end. Prints the median of each and
the median of the pairs' ratios. The time is the model's, so a ratio near 1 is what is wanted. A reply that
runs into the limit of tokens is no decision, but took its time as well.

    python scripts/runtime/get_model.py smollm2
    python scripts/bench/model_path.py [--model FILE.gguf] [--rounds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import httpx

from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import ReplyBroken
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from devrouter.engines.prompting import messages_for, schema_for

if TYPE_CHECKING:
    from collections.abc import Awaitable

RUNTIME = Path(__file__).parents[1] / "runtime"
TOKENS = 240  # Of a reply at most: a very small model does not always find its end.
PATIENCE = 600.0  # Seconds.
DRAFTS = (
    "why does my flask app give 500??",
    "explain lifetimes in rust",
    "make this query faster its slow since monday",
    "write a dockerfile for a node 20 app with pnpm",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF; SmolLM2 out of the cache without it")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    finder = [sys.executable, str(RUNTIME / "get_model.py"), "smollm2"]
    model = arguments.model or subprocess.check_output(finder, text=True).strip()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(RUNTIME / "llama_server.py"), str(model), f"--port={port}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None  # noqa: S101  (a pipe was asked for)
        server.stdout.readline()  # The address, once it listens.
        try:
            asyncio.run(compare(f"http://127.0.0.1:{port}", arguments.rounds))
        finally:
            server.kill()
    return 0


async def compare(url: str, rounds: int) -> None:
    options = OpenAIOptions(
        base_url=url, num_predict=TOKENS, first_token_timeout=PATIENCE, total_timeout=PATIENCE
    )
    engine = OpenAIEngine(options, {})
    verified = (await engine.verification()).verified
    ours, bare = [], []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        for number in range(-1, rounds):
            text = DRAFTS[number % len(DRAFTS)]
            pair = [timed(engine.decide(Draft(text, 0, "en", Destination.CHAT)))]
            pair.append(timed(bare_call(client, text, verified=verified)))
            order = (0, 1) if number % 2 else (1, 0)
            times = {which: await pair[which] for which in order}
            if number >= 0:  # The first round warms both up.
                ours.append(times[0])
                bare.append(times[1])
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    print(
        f"{rounds} calls each: ours {median(ours):.1f} ms, bare HTTP {median(bare):.1f} ms, ratio {ratio:.3f}"
    )


async def timed(call: Awaitable[object]) -> float:
    """Milliseconds."""
    started = perf_counter()
    with suppress(ReplyBroken):
        await call
    return (perf_counter() - started) * 1000


async def bare_call(client: httpx.AsyncClient, text: str, *, verified: bool) -> str:
    schema = {"name": "decision", "strict": True, "schema": schema_for(verified=verified)}
    body = {
        "messages": messages_for(text, verified=verified),
        "response_format": {"type": "json_schema", "json_schema": schema},
        "temperature": 0,
        "max_tokens": TOKENS,
        "stream": True,
    }
    pieces: list[str] = []
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                choices = json.loads(line.removeprefix("data: "))["choices"]
                pieces.extend(choice["delta"].get("content") or "" for choice in choices)
    return "".join(pieces)


if __name__ == "__main__":
    sys.exit(main())
