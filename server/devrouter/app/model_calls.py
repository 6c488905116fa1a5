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

SLOW_SECONDS = 5.0
SLOW_CALLS = 3

_WHEN = {"pause": "when typing pauses", "save": "on save", "request": "on request"}


class ModelCalls:
    """One model and its recent history. `state` is what the status shows; it changes only with a call."""

    def __init__(self, triager: Triager, settings: Settings) -> None:
        self._triager = triager
        self._settings = settings
        self._slow = 0
        self._seen = False
        self.state = self._ready() if triager.model else EngineState(Health.OK, "The instant engine answers.")

    @property
    def trigger(self) -> Literal["pause", "save", "request"] | None:
        """When the model is asked; None without a model. A slow model is asked on request only."""
        if self._triager.model is None:
            return None
        return "request" if self._slow >= SLOW_CALLS else self._settings.model.trigger

    async def check(self) -> None:
        """Ask the engine how it is, before it is needed."""
        if self._triager.model is not None:
            self._tell(await self._triager.model.state())

    async def ask(self, draft: Draft, settings: Settings) -> Triage:
        """One call. Raises `EngineError`, and has put its sentence into `state`."""
        started = perf_counter()
        try:
            triage = await self._triager.ask_model(draft, settings)
        except EngineError as error:
            self._tell(EngineState(Health.ERROR, str(error), error.mend))
            raise
        self._slow = self._slow + 1 if perf_counter() - started > SLOW_SECONDS else 0
        self._seen = True
        self._tell(self._ready())
        return triage

    def _tell(self, state: EngineState) -> None:
        if state.health is not Health.OK and self._settings.engine == "auto" and not self._seen:
            # Who never set a model up has nothing to mend: the instant engine answers, and it says so.
            message = f"The instant engine answers. {state.message}"
            self.state = EngineState(Health.OK, message, state.mend)
            return
        self._seen = self._seen or state.health is Health.OK
        self.state = self._ready() if state.health is Health.OK else state

    def _ready(self) -> EngineState:
        name = self._triager.model.name if self._triager.model else ""
        if self._slow >= SLOW_CALLS:
            message = (
                f"{name} took over {SLOW_SECONDS:.0f} seconds three times in a row: asked on request only."
            )
            return EngineState(Health.WARNING, message)
        return EngineState(Health.OK, f"{name} is asked {_WHEN[self._settings.model.trigger]}.")
