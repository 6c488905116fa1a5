"""Calls of the model: how it is, how long it takes, and when it may be asked without a request."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Literal

from devrouter.engines.engine import EngineError, EngineState, Health

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.app.triage import Triager
    from devrouter.core.decision import Triage
    from devrouter.core.draft import Draft
    from devrouter.engines.reply import OnProgress

SLOW_SECONDS = 5.0
SLOW_CALLS = 3

_WHEN = {"pause": "when typing pauses", "save": "on save", "request": "on request"}


class ModelCalls:
    """One model and its recent history. `state` is what the status shows."""

    def __init__(self, triager: Triager, settings: Settings) -> None:
        self._triager = triager
        self._settings = settings
        self._slow = 0
        self._seen = False
        name = triager.model.name if triager.model else "The instant engine answers"
        self._found = EngineState(Health.OK, f"{name}.")

    @property
    def trigger(self) -> Literal["pause", "save", "request"] | None:
        """When the model is asked; None without a model. A slow model is asked on request only."""
        if self._triager.model is None:
            return None
        return "request" if self._slow >= SLOW_CALLS else self._settings.model.trigger

    @property
    def state(self) -> EngineState:
        """How the model was found at the last look or call, and when it is asked."""
        found = self._found
        if self.trigger is None:
            return found
        if found.health is Health.ERROR and self._settings.engine == "auto" and not self._seen:
            # Who never set a model up has nothing to mend: the instant engine answers, and it says so.
            return EngineState(Health.OK, f"The instant engine answers. {found.message}", found.mend)
        if self._slow >= SLOW_CALLS:
            slow = f"It took over {SLOW_SECONDS:.0f} seconds three times in a row: asked on request only."
            health = Health.WARNING if found.health is Health.OK else found.health
            return EngineState(health, f"{found.message} {slow}", found.mend)
        if found.health is Health.ERROR:
            return found
        when = _WHEN[self._settings.model.trigger]
        return EngineState(found.health, f"{found.message} Asked {when}.", found.mend)

    async def check(self) -> None:
        """Look at the model before it is needed, or again after something was wrong with it."""
        if self._triager.model is not None:
            self._take(await self._triager.model.state())

    async def ask(self, draft: Draft, settings: Settings, on_progress: OnProgress | None = None) -> Triage:
        """One call. Raises `EngineError`, and has put its sentence into `state`."""
        fields = self._fields
        started = perf_counter()
        try:
            triage = await self._triager.ask_model(draft, settings, on_progress)
        except EngineError as error:
            self._count(perf_counter() - started)
            self._take(EngineState(Health.ERROR, str(error), error.mend))
            raise
        self._count(perf_counter() - started)
        self._seen = True
        if self._found.health is not Health.OK or self._fields != fields:
            # An answer mends a broken connection, not a lost template: only a look tells which it was.
            await self.check()
        return triage

    @property
    def _fields(self) -> frozenset[str]:
        return self._triager.model.fields if self._triager.model else frozenset()

    def _count(self, seconds: float) -> None:
        self._slow = self._slow + 1 if seconds > SLOW_SECONDS else 0

    def _take(self, found: EngineState) -> None:
        self._seen = self._seen or found.health is not Health.ERROR
        self._found = found
