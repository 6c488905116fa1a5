"""Throughput of `devrouter batch` as a ratio to a raw client that keeps the same server's slots full.

python scripts/runtime/get_model.py smollm2               (prints where the model lies)
python scripts/bench/batch.py --model MODEL.gguf >> docs/benchmarks-model.md

Both send the same bodies to one llama.cpp with four slots and read the streams to their ends, in turn. The
raw client is this process with one HTTP client and two calls a slot; ours is the whole command. Of either
counts what the rows take beyond the first few, so that its start is in no figure. The first model is random
and tiny (scripts/runtime/tiny_gguf.py), so quick that our own work shows; --model is a real one.
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
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
from model_path import bare_call, llama_cpp

from devrouter.cli.exit_status import ExitStatus
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from devrouter.engines.prompting import messages_for, schema_for
from runtime.tiny_gguf import write_tiny_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS, CALLS = 4, 8
FIRST = CALLS
"""Rows that fill the slots; what they take is taken off."""
CONTEXT = 640
"""Tokens a slot: a model that does not know when to end is ended by this, in both ways at the same token."""
PATIENCE = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a GGUF to measure beside the tiny random one")
    parser.add_argument("--rows", type=int, default=400, help="of the tiny model; default: 400")
    parser.add_argument("--model-rows", type=int, default=16, help="of --model; default: 16")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    load = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder, "tiny.gguf")
        write_tiny_gguf(tiny, context=CONTEXT)
        models = {tiny: arguments.rows, arguments.model: arguments.model_rows}
        for model, rows in models.items():
            if model is not None:
                with llama_cpp(model, SLOTS, CONTEXT) as url:
                    lines.append(line_of(model, rows, *measured(url, Path(folder), rows, arguments.rounds)))
    print(
        "\n## `devrouter batch` against a raw client\n\n"
        f"`python scripts/bench/batch.py`, llama.cpp with {SLOTS} slots, {arguments.rounds} times in turn, "
        f"on {platform.machine()} with {os.cpu_count()} cores{load}. The milliseconds are what the client "
        "itself computes for a row.\n"
    )
    print("| model | rows | ours, median | raw client, median | median of the pairs' ratios | goal |")
    print("|---|---|---|---|---|---|")
    print("\n".join(lines))
    return 0


def line_of(model: Path, rows: int, ours: list[Cost], raw: list[Cost]) -> str:
    ratios = [other.seconds / one.seconds for one, other in zip(ours, raw, strict=True)]
    each = " | ".join(
        f"{1 / median(cost.seconds for cost in costs):.3g} rows/s, "
        f"{1000 * median(cost.processor for cost in costs):.1f} ms"
        for costs in (ours, raw)
    )
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return f"| {model.name} | {rows} | {each} | {spread} | ≥ 0.95 |"


def measured(url: str, folder: Path, count: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """What a row costs in each round, ours and the raw client; the first round warms both up.

    Who goes first changes with every round.
    """
    ways: dict[str, Callable[[list[str]], object]] = {
        "ours": lambda texts: batch(url, folder, texts),
        "raw": lambda texts: asyncio.run(raw_client(url, texts)),
    }
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in sorted(ways, reverse=bool(number % 2)):
            # New texts each time: the server keeps the prompts that it has read.
            few, many = (
                [f"my flask app gives a 500 in step {number}-{row} of {way}, how do i fix it" for row in rows]
                for rows in (range(FIRST), range(FIRST, FIRST + FIRST + count))
            )
            start, whole = (Cost.of(ways[way], texts) for texts in (few, many))
            seconds, processor = whole.seconds - start.seconds, whole.processor - start.processor
            costs[way].append(Cost(seconds / count, processor / count))
    return costs["ours"][1:], costs["raw"][1:]


@dataclass(frozen=True, slots=True)
class Cost:
    """In seconds. `processor` is what the client computes, which no other load falsifies."""

    seconds: float
    processor: float

    @classmethod
    def of(cls, way: Callable[[list[str]], object], texts: list[str]) -> Cost:
        began, computed = perf_counter(), sum(os.times()[:4])  # Of this process, and of those that ended.
        way(texts)
        return cls(perf_counter() - began, sum(os.times()[:4]) - computed)


def batch(url: str, folder: Path, texts: list[str]) -> None:
    """Answer them all by the command."""
    given, out = folder / "in.jsonl", folder / "out.jsonl"
    out.unlink(missing_ok=True)
    rows = ({"id": number, "text": text} for number, text in enumerate(texts))
    given.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "devrouter", "batch", str(given), "-o", str(out), "--endpoint", url]
    status = subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode
    if status not in {ExitStatus.OK, ExitStatus.REPLY}:  # A reply that is no decision took its time as well.
        sys.exit(f"devrouter batch ended with status {status}")


async def raw_client(url: str, texts: list[str]) -> None:
    """Answer them all by bare HTTP."""
    engine = OpenAIEngine(OpenAIOptions(base_url=url), {})
    system = (await engine.verification()).system
    waiting = iter(texts)
    # llama.cpp closes a connection after a while, whoever is about to write to it.
    each_its_own = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=each_its_own) as client:

        async def work() -> None:
            for text in waiting:
                await bare_call(client, f"{url}/v1/chat/completions", body_for(text, system))

        await asyncio.gather(*(work() for _ in range(CALLS)))


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
