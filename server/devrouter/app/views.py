"""The prompts of a document, each with its triage: what the instant engine's thread makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.app.findings import Prompt
from devrouter.core.draft import Document, Draft, Region, draft_of, prompts_in

if TYPE_CHECKING:
    from devrouter.app.settings import Settings
    from devrouter.app.triage import Triager
    from devrouter.core.decision import Triage


@dataclass(frozen=True, slots=True)
class PromptView:
    """One prompt and its triage; `by_model` where the model's part is in it."""

    region: Region
    draft: Draft
    triage: Triage
    by_model: bool


def views_of(document: Document, settings: Settings, triager: Triager) -> tuple[PromptView, ...]:
    """Every prompt of the document answered; pure, and run in the worker's thread."""
    regions = prompts_in(document, settings.prompts.agent_patterns, settings.prompts.include)
    return tuple(view_of(document, region, settings, triager) for region in regions)


def view_of(document: Document, region: Region, settings: Settings, triager: Triager) -> PromptView:
    """One prompt answered, with the model's part where it has answered this very text before."""
    draft = draft_of(document, region)
    remembered = None if document.is_private else triager.remembered(draft, settings)
    triage = remembered or triager.instant(draft, settings)
    return PromptView(region, draft, triage, by_model=remembered is not None)


def prompts_of(views: tuple[PromptView, ...]) -> tuple[Prompt, ...]:
    """What the findings need to know of each."""
    return tuple(Prompt(view.region, view.draft.text, view.triage.gaps) for view in views)
