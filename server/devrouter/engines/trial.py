"""One real decision of a model, timed: the proof that it works here, and how long a user will wait."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import EngineError, EngineState, Health

if TYPE_CHECKING:
    from devrouter.engines.engine import ModelEngine
    from devrouter.engines.reply import Progress

DRAFT = Draft("my flask app gives a 500 when i upload a file, how do i fix it", 0, "en", Destination.CHAT)
SLOW_SECONDS = (
    5.0  # What the editor counts as slow: after three such calls the model is asked on request only.
)


async def try_decision(engine: ModelEngine) -> EngineState:
    """Ask for a decision. The message holds the seconds to the first token and to the end; never raises."""
    times: list[float] = []
    started = perf_counter()

    def count(progress: Progress) -> None:
        if progress.field is not None:
            times.append(perf_counter() - started)

    try:
        await engine.decide(DRAFT, count)
    except EngineError as error:
        return EngineState(Health.ERROR, str(error), error.mend)
    whole = perf_counter() - started
    message = f"began after {times[0]:.1f} s and ended after {whole:.1f} s"
    if whole > SLOW_SECONDS:
        return EngineState(
            Health.WARNING, f"{message}: slow; a second one is faster where the model had to load"
        )
    return EngineState(Health.OK, message)
