"""One open document, as the session keeps it, and who is told what becomes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from devrouter.app.feedback import Trail
from devrouter.app.findings import Finding, Findings

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.app.status import Status
    from devrouter.app.views import PromptView
    from devrouter.core.draft import Document
    from devrouter.core.tiers import Route


class TextChanged(Exception):
    """The text changed while the model was asked about it."""


class Listener(Protocol):
    """Who shows things."""

    def findings_changed(self, opened: OpenDocument, findings: tuple[Finding, ...]) -> None: ...

    def status_changed(self, status: Status) -> None: ...


@dataclass(slots=True, eq=False)
class OpenDocument:
    """What is known of one open document. `views` belong to `viewed`, milliseconds behind `document`."""

    document: Document
    settings: Settings
    findings: Findings = field(default_factory=Findings)
    viewed: Document | None = None
    views: tuple[PromptView, ...] = ()
    chosen: Route | None = None
    trail: Trail = field(default_factory=Trail)
    # Set while `views` are those of `document`.
    current: asyncio.Event = field(default_factory=asyncio.Event)
    # True until the first answer, and where rest came before the answer: findings then settle at once.
    resting: bool = True
    instant_task: asyncio.Task[None] | None = None
    model_task: asyncio.Task[None] | None = None
    busy: bool = False
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    last_status: Status | None = None

    def prompt_at(self, offset: int) -> int | None:
        """The index of the prompt at this offset of the document, the place behind its last word included."""
        places = (index for index, view in enumerate(self.views) if view.region.span.touches(offset))
        return next(places, None)

    def stop(self, *, instant: bool) -> None:
        """Cancel the model call and what waits for rest; the instant job too where the document closes."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        if self.model_task is not None:
            self.model_task.cancel()
        if instant and self.instant_task is not None:
            self.instant_task.cancel()
