"""How things are for one document, as the editor's status shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.core.decision import Triage
    from devrouter.core.tiers import Route
    from devrouter.engines.engine import EngineState


@dataclass(frozen=True, slots=True)
class Status:
    """One document's status. `triage` is its first prompt's; None where the document holds no prompt.

    `chosen` is the tier that the user set for the document, which wins over the suggestion.
    """

    uri: str
    version: int
    state: EngineState
    busy: bool
    prompts: int
    gaps: int
    triage: Triage | None
    chosen: Route | None
