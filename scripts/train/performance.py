"""How fast each export is in llama.cpp: tokens a second, time of a call by length, calls at a time.

    python scripts/train/performance.py work/gguf --data data/test.jsonl -o work/measured

Calls are as DevRouter makes them: the user's message alone, the reply held to the schema. Token rates are the
server's own timings, times of calls the caller's clock. Every figure is the median of several calls with its
range; texts are never asked twice of one server, so that none is answered out of its cache. Prompts of a
length that no row has are rows joined and cut. `performance.json` holds the figures and what they depend on,
but for how busy the machine was only its load average at the start: measure on a quiet one.

An export that was measured already with these settings, on this machine, is not measured again.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Self

import httpx
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.core.decision import decision_schema
from devrouter.evaluation.report import this_machine
from devrouter.evaluation.rows import FileError, read_gold
from train.asked import LIMIT, context_for, order_of
from train.config import PerformanceSettings, parser, run_command, settings_of
from train.export import Export, exports_in
from train.manifest import write_manifest
from train.rows import read_json, write_text
from train.serving import llama_cpp

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from devrouter.evaluation.rows import GoldRow

_PATIENCE = 1800.0  # Seconds a call: a long prompt on a slow machine with four others.

# Read by pydantic: an unknown key or a wrong type is refused.
_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True)
class Figure:
    """Several measurements of one thing."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        measured = list(values)
        found = (statistics.median(measured), min(measured), max(measured))
        return cls(*(round(float(value), 3) for value in found))


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls one at a time. `seconds` are the caller's, with the system prompt in the server's cache already.

    `generation` and `prefill` are tokens a second by the server's clock, `prefill` of the whole prompt with
    nothing cached.
    """

    prompt_tokens: Figure
    reply_tokens: Figure
    seconds: Figure
    generation: Figure
    prefill: Figure


@dataclass(frozen=True, slots=True)
class Length:
    """Prompts of about so many characters; `joined` out of several rows. None did not fit the context."""

    characters: int
    joined: bool
    calls: Calls | None


@dataclass(frozen=True, slots=True)
class Throughput:
    """As many calls at a time as the server has slots; tokens are those of replies."""

    slots: int
    calls_a_second: Figure
    tokens_a_second: Figure


@dataclass(frozen=True, slots=True)
class Speed:
    """One export, named by its file and the hash of it."""

    file: str
    quantization: str
    sha256: str
    bytes: int
    lengths: tuple[Length, ...]
    throughput: tuple[Throughput, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the figures depend on. `load` is the load average when the first export was begun, if known."""

    machine: str
    server: str
    threads: int
    data: str
    data_sha256: str
    settings: PerformanceSettings


@dataclass(frozen=True, slots=True)
class Performance:
    """All of `performance.json`."""

    conditions: Conditions
    load: float | None
    exports: tuple[Speed, ...]

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    gold = read_gold(options.data.read_bytes(), str(options.data))
    exports = exports_in(options.gguf)
    conditions = Conditions(
        machine=this_machine(),
        server=f"llama.cpp, xllamacpp {version('xllamacpp')}",
        threads=settings.performance.threads or os.cpu_count() or 1,
        data=options.data.name,
        data_sha256=gold.sha256,
        settings=settings.performance,
    )
    path = options.output / "performance.json"
    found = _measured_before(path, conditions, exports) or Performance(conditions, _load(), ())
    write_text(path, _as_json(found))
    for export in exports:
        if all((speed.file, speed.sha256) != (export.path.name, export.sha256) for speed in found.exports):
            speed = measured(export, gold.rows, conditions, settings.seed)
            found = replace(found, exports=(*found.exports, speed))
            write_text(path, _as_json(found))
    write_manifest(
        path,
        "performance",
        settings=settings.performance,
        seed=settings.seed,
        inputs=[*(export.path for export in exports), options.data],
    )
    print(f"{path}: {', '.join(speed.file for speed in found.exports)}")


def read_performance(path: Path) -> Performance:
    """What `main` wrote. Raises `FileError` for what is no such file."""
    return read_json(path, Performance, "measure again")


def measured(export: Export, rows: Sequence[GoldRow], conditions: Conditions, seed: int) -> Speed:
    """One export on servers of its own, which see no text twice. Raises `FileError`."""
    settings = conditions.settings
    steps = tqdm(total=len(settings.lengths) + len(settings.slots), desc=export.path.name, unit="figure")
    with steps:
        prompts = [prompts_of(rows, characters, settings.repeats, seed) for characters in settings.lengths]
        asked = [text for found, _ in prompts for text in found]
        lengths = []
        with _server(export, asked, conditions, slots=1) as server:
            for characters, (found, joined) in zip(settings.lengths, prompts, strict=True):
                lengths.append(Length(characters, joined, _calls(server, found)))
                steps.update()
        asked = _shuffled(rows, seed)[: settings.repeats * settings.calls]
        throughput = []
        for slots in settings.slots:
            with _server(export, asked, conditions, slots) as server:
                throughput.append(_throughput(server, asked, settings.calls, slots))
                steps.update()
    size = export.path.stat().st_size
    return Speed(
        export.path.name, export.quantization, export.sha256, size, tuple(lengths), tuple(throughput)
    )


def prompts_of(rows: Sequence[GoldRow], characters: int, count: int, seed: int) -> tuple[list[str], bool]:
    """So many prompts of about that length, within a tenth, and whether they had to be joined of several.

    Each length has an order of its own, so that long prompts do not begin as shorter ones do.
    """
    texts = _shuffled(rows, f"{seed} {characters}")
    near = [text for text in texts if abs(len(text) - characters) <= characters / 10]
    if len(near) >= count:
        return near[:count], False
    supply = cycle(texts)
    joined = []
    for _ in range(count):
        text = next(supply)
        while len(text) < characters:
            text = f"{text}\n\n{next(supply)}"
        joined.append(text[:characters])
    return joined, True


# Calls


@dataclass(frozen=True, slots=True)
class _Call:
    seconds: float
    prompt_tokens: int
    reply_tokens: int
    generation: float
    prefill: float


class _TooLong(FileError):
    """The prompt does not fit the server's context."""


@dataclass(frozen=True, slots=True)
class _Server:
    """llama.cpp with one export, which writes the fields in this order."""

    client: httpx.Client
    order: Sequence[str]

    def call(self, text: str, *, cached: bool = True) -> _Call:
        """One reply as DevRouter asks for it; without the cache only the reading. Raises `FileError`."""
        body: dict[str, Any] = {
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": LIMIT if cached else 1,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": decision_schema(self.order)},
            },
            "cache_prompt": cached,
        }
        began = perf_counter()
        try:
            response = self.client.post("/v1/chat/completions", json=body)
            seconds = perf_counter() - began
            content = response.json()
            if response.is_error and content["error"]["type"] == "exceed_context_size_error":
                raise _TooLong(f"a prompt of {len(text):,} characters: {content['error']['message']}")
            timings = response.raise_for_status().json()["timings"]
            return _Call(
                seconds,
                timings["cache_n"] + timings["prompt_n"],
                timings["predicted_n"],
                float(timings["predicted_per_second"]),
                float(timings["prompt_per_second"]),
            )
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise FileError(
                f"llama.cpp's server gave no reply with timings ({error!r}); measure again"
            ) from None


@contextmanager
def _server(export: Export, texts: Sequence[str], conditions: Conditions, slots: int) -> Iterator[_Server]:
    """A server whose slots hold the longest of the texts and its reply, each of them warm."""
    context = context_for(texts, export.path)
    with (
        llama_cpp(export.path, slots=slots, context=context, threads=conditions.threads) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=_PATIENCE) as client,
        ThreadPoolExecutor(slots) as pool,
    ):
        server = _Server(client, order_of(export.path))
        list(pool.map(lambda number: server.call(f"warm-up {number}"), range(slots)))
        yield server


def _calls(server: _Server, texts: Sequence[str]) -> Calls | None:
    """Each text asked, and then read anew with nothing cached, for the speed of reading alone."""
    try:
        pairs = [(server.call(text), server.call(text, cached=False)) for text in texts]
    except _TooLong:
        return None
    return Calls(
        prompt_tokens=Figure.of(call.prompt_tokens for call, _ in pairs),
        reply_tokens=Figure.of(call.reply_tokens for call, _ in pairs),
        seconds=Figure.of(call.seconds for call, _ in pairs),
        generation=Figure.of(call.generation for call, _ in pairs),
        prefill=Figure.of(read.prefill for _, read in pairs),
    )


def _throughput(server: _Server, texts: Sequence[str], calls: int, slots: int) -> Throughput:
    """The texts in lots of `calls`, each lot with all slots busy."""
    of_calls, of_tokens = [], []
    with ThreadPoolExecutor(slots) as pool:
        for first in range(0, len(texts), calls):
            began = perf_counter()
            lot = list(pool.map(server.call, texts[first : first + calls]))
            seconds = perf_counter() - began
            of_calls.append(len(lot) / seconds)
            of_tokens.append(sum(call.reply_tokens for call in lot) / seconds)
    return Throughput(slots, Figure.of(of_calls), Figure.of(of_tokens))


def _shuffled(rows: Iterable[GoldRow], seed: object) -> list[str]:
    """The texts in an order that the seed decides, whatever theirs was."""

    def place(row: GoldRow) -> bytes:
        return hashlib.sha256(f"{seed} {row.id}".encode()).digest()

    return [row.text for row in sorted(rows, key=place)]


def _measured_before(path: Path, conditions: Conditions, exports: Sequence[Export]) -> Performance | None:
    """What an earlier run measured of these exports under the same conditions; None where it did not."""
    if not path.is_file() or (earlier := read_performance(path)).conditions != conditions:
        return None
    wanted = {(export.path.name, export.sha256) for export in exports}
    kept = tuple(speed for speed in earlier.exports if (speed.file, speed.sha256) in wanted)
    return replace(earlier, exports=kept) if kept else None


def _as_json(found: Performance) -> str:
    return json.dumps(asdict(found), indent=1) + "\n"


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("gguf", type=Path, help="the folder of export.py")
    made.add_argument("--data", type=Path, required=True, help="rows whose texts are asked")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for performance.json")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
