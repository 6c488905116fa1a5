"""When a reply tells its labels: two exports streamed in turn, through the product's own engine.

Used by `orders.py`; it is no step of its own. Both servers run all the while and each row is asked of one
right after the other, so that whatever else the machine does strikes both.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import asdict, astuple, dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from devrouter.cli.terminal import progress_bar
from devrouter.core.draft import Draft
from devrouter.core.language import language_of
from devrouter.engines.engine import DraftTooLong, EngineError, ReplyBroken, ServerStopped
from devrouter.engines.openai import OpenAIEngine, OpenAIOptions
from devrouter.evaluation.rows import LABELS
from train.asked import LIMIT, context_for
from train.rows import AppendedRows, FileError
from train.serving import llama_cpp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from devrouter.engines.reply import Progress
    from devrouter.evaluation.rows import GoldRow
    from train.asked import Data
    from train.export import Export

_PATIENCE = 1800.0  # Seconds a call.


@dataclass(frozen=True, slots=True)
class Timing:
    """When intent, complexity and route were known, and when the reply ended.

    In tokens, as llama.cpp streams them one by one, and in milliseconds from the call.
    """

    tokens_to_labels: float
    tokens: float
    milliseconds_to_labels: float
    milliseconds: float


Pair = tuple[Timing, Timing]
"""The two replies to one row."""


def medians(timings: Iterable[Timing]) -> Timing:
    """Figure by figure, of one timing or more."""
    return Timing(*map(median, zip(*map(astuple, timings), strict=True)))


def stream_in_turn(exports: Sequence[Export], data: Data, kept: Path) -> list[Pair]:
    """The timings of the rows that both replied to with a decision; what `kept` holds is not asked again.

    Raises `FileError`.
    """
    asked_by = " ".join(export.sha256 for export in exports)
    with AppendedRows(kept) as file:
        done = {
            (row["id"], row.get("text_sha256")): row["timings"]
            for row in file.rows
            if row.get("asked_by") == asked_by
        }
        waiting = [row for row in data.rows if (row.id, row.text_sha256) not in done]
        if waiting:
            for row, timings in _in_turn([export.path for export in exports], data, waiting):
                found = [timing and asdict(timing) for timing in timings]
                done[row.id, row.text_sha256] = found
                key = {"id": row.id, "text_sha256": row.text_sha256, "asked_by": asked_by}
                file.append(key | {"timings": found})
    timed = [done[row.id, row.text_sha256] for row in data.rows]
    return [(Timing(**one), Timing(**other)) for one, other in timed if one and other]


def _in_turn(
    files: Sequence[Path], data: Data, waiting: Sequence[GoldRow]
) -> Iterator[tuple[GoldRow, list[Timing | None]]]:
    """Each row with a timing of each file's reply, None where that was no decision."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        engines = [_engine(stack, gguf, context_for(data.texts, gguf)) for gguf in files]
        bar = stack.enter_context(progress_bar(len(data.rows), done=len(data.rows) - len(waiting)))
        for engine in engines:
            runner.run(_timed(engine, waiting[0]))  # Its first prompt is read whole, later ones in part.
        for row in waiting:
            yield row, [runner.run(_timed(engine, row)) for engine in engines]
            bar.update()


def _engine(stack: ExitStack, gguf: Path, context: int) -> OpenAIEngine:
    url = stack.enter_context(llama_cpp(gguf, context=context))
    return OpenAIEngine(
        OpenAIOptions(
            base_url=f"{url}/v1",
            num_ctx=context,
            num_predict=LIMIT,
            first_token_timeout=_PATIENCE,
            total_timeout=_PATIENCE,
        )
    )


async def _timed(engine: OpenAIEngine, row: GoldRow) -> Timing | None:
    heard: list[tuple[float, bool]] = []
    began = perf_counter()

    def hear(progress: Progress) -> None:
        known = len(progress.labels) == len(LABELS)
        heard.append(((perf_counter() - began) * 1000, known))

    try:
        await engine.decide(Draft(row.text, 0, language_of(row.text), row.destination), hear)
    except (ReplyBroken, DraftTooLong) as error:
        if isinstance(error, ServerStopped):
            raise FileError(f"{error} The same command goes on from here.") from None
        return None
    except EngineError as error:
        raise FileError(f"{error} The same command goes on from here.") from None
    at = next(place for place, (_, known) in enumerate(heard) if known)
    # The last thing heard is the end of the stream, which has no token.
    return Timing(at + 1, len(heard) - 1, round(heard[at][0], 3), round(heard[-1][0], 3))
