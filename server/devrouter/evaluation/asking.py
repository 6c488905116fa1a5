"""Asking one engine about one labelled row."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from devrouter.core.draft import Draft
from devrouter.core.language import language_of
from devrouter.engines.engine import EndpointRefused, EngineError, EngineUnreachable, ModelMissing
from devrouter.evaluation.rows import LABELS, Missing, RowAnswer

if TYPE_CHECKING:
    from devrouter.core.decision import Answer
    from devrouter.engines.engine import Engine
    from devrouter.evaluation.rows import GoldRow


async def answer_of(row: GoldRow, engine: Engine) -> RowAnswer:
    """The engine's own answer, timed from outside: what a caller waits. A failed call is no decision.

    Raises `EngineUnreachable`, `ModelMissing` or `EndpointRefused`: whoever is not there answers no row.
    """
    draft = Draft(row.text, 0, language_of(row.text), row.destination)
    answer: Answer | None = None
    problem: str | None = None
    started = perf_counter()
    try:
        answer = await engine.decide(draft)
    except (EngineUnreachable, ModelMissing, EndpointRefused):
        raise
    except EngineError as error:
        problem = str(error)
    milliseconds = round((perf_counter() - started) * 1000, 3)
    if answer is None:
        return RowAnswer(row.id, row.text_sha256, None, (), {}, milliseconds, problem)
    return RowAnswer(
        id=row.id,
        text_sha256=row.text_sha256,
        decision=answer.decision,
        gaps=tuple(Missing(gap.phrase, gap.kind) for gap in answer.gaps),
        confidence={name: answer.confidence[name] for name in LABELS if name in answer.confidence},
        milliseconds=milliseconds,
        problem="; ".join(answer.problems) or None,
    )
