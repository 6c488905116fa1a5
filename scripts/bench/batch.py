"""Throughput of `devrouter batch` as a ratio to a raw client that keeps the same server's slots full.

python scripts/bench/batch.py >> docs/benchmarks-model.md

Both send the same bodies to one llama.cpp with four slots and read the streams to their ends, in turn. The
raw client is this process with one HTTP client and two calls a slot; ours is the whole command, its start
taken off. The model is random and tiny (scripts/runtime/tiny_gguf.py), or --model: the larger, the less our
own work counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import httpx
from model_path import bare_call, llama_cpp

from devrouter.cli.exit_status import ExitStatus
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from devrouter.engines.prompting import messages_for, schema_for
from runtime.tiny_gguf import write_tiny_gguf

SLOTS, CALLS = 4, 8
PATIENCE = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF; else the tiny random one")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or Path(folder, "tiny.gguf")
        if arguments.model is None:
            write_tiny_gguf(model, context=8192)
        with llama_cpp(model, slots=SLOTS) as url:
            ours, raw = measured(url, Path(folder), arguments.rows, arguments.rounds)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        "\n## `devrouter batch` against a raw client\n\n"
        f"`python scripts/bench/batch.py`, {model.name} in llama.cpp with {SLOTS} slots, "
        f"{arguments.rows} rows, {arguments.rounds} times in turn, on {platform.machine()} with "
        f"{os.cpu_count()} cores{load}.\n"
    )
    print("| ours, median | raw client, median | median of the pairs' ratios | goal |\n|---|---|---|---|")
    ratio = median(one / other for one, other in zip(ours, raw, strict=True))
    print(f"| {median(ours):.1f} rows/s | {median(raw):.1f} rows/s | {ratio:.2f} | ≥ 0.95 |")
    return 0


def measured(url: str, folder: Path, count: int, rounds: int) -> tuple[list[float], list[float]]:
    """Rows a second of each round, ours and the raw client's; the first round warms both up."""
    ours, raw = [], []
    for number in range(rounds + 1):
        # New texts each time: the server keeps the prompts that it has read.
        texts = [f"my flask app gives a 500 in step {number}-{row}, how do i fix it" for row in range(count)]
        start = batch(url, folder, texts[:1])
        ours.append((count - 1) / (batch(url, folder, texts[1:]) - start))
        raw.append(count / asyncio.run(raw_client(url, [f"{text}?" for text in texts])))
    return ours[1:], raw[1:]


def batch(url: str, folder: Path, texts: list[str]) -> float:
    """Seconds that the command takes."""
    given, out = folder / "in.jsonl", folder / "out.jsonl"
    out.unlink(missing_ok=True)
    rows = ({"id": number, "text": text} for number, text in enumerate(texts))
    given.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "devrouter", "batch", str(given), "-o", str(out), "--endpoint", url]
    began = perf_counter()
    status = subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode
    taken = perf_counter() - began
    if status not in {ExitStatus.OK, ExitStatus.REPLY}:  # A reply that is no decision took its time as well.
        sys.exit(f"devrouter batch ended with status {status}")
    return taken


async def raw_client(url: str, texts: list[str]) -> float:
    """Seconds until all are answered."""
    engine = OpenAIEngine(OpenAIOptions(base_url=url), {})
    system = (await engine.verification()).system
    waiting = iter(texts)
    # llama.cpp closes a connection after a while, whoever is about to write to it.
    each_its_own = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=each_its_own) as client:

        async def work() -> None:
            for text in waiting:
                await bare_call(client, f"{url}/v1/chat/completions", body_for(text, system))

        began = perf_counter()
        await asyncio.gather(*(work() for _ in range(CALLS)))
        return perf_counter() - began


def body_for(text: str, system: str | None) -> dict[str, Any]:
    """What the engine sends; `system` is the baked-in prompt of a verified model."""
    schema = {"name": "decision", "strict": True, "schema": schema_for(system)}
    return {
        "messages": messages_for(text, verified=system is not None),
        "response_format": {"type": "json_schema", "json_schema": schema},
        "temperature": 0,
        "max_tokens": OpenAIOptions().num_predict,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


if __name__ == "__main__":
    sys.exit(main())
