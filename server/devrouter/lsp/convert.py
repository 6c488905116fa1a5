"""Between the core and lsprotocol. The only place that builds a `Position` or a `Range`."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from devrouter.core.secrets import masked
from devrouter.core.text import Lines, Span, Units
from devrouter.core.tiers import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devrouter.app.findings import Finding
    from devrouter.app.settings import Settings, TierSettings
    from devrouter.app.status import Status
    from devrouter.app.views import PromptView
    from devrouter.core.draft import Document
    from devrouter.core.edits import Edit
    from devrouter.core.tiers import EffectiveTier
    from devrouter.lsp.protocol import (
        ContextEditMessage,
        GapMessage,
        PositionMessage,
        PromptMessage,
        RangeMessage,
        StatusMessage,
        TextTriageMessage,
        TierChoiceMessage,
        TierMessage,
        TriageMessage,
    )

_SEVERITIES = {
    "information": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}


class Positions:
    """Offsets of one text as positions, in the units that client and server agreed on."""

    def __init__(self, text: str, units: Units) -> None:
        self._lines = Lines(text)
        self._units = units

    def position(self, offset: int) -> types.Position:
        line, character = self._lines.position(offset, self._units)
        return types.Position(line=line, character=character)

    def range(self, span: Span) -> types.Range:
        return types.Range(start=self.position(span.start), end=self.position(span.end))

    def offset(self, position: types.Position) -> int:
        return self._lines.offset(position.line, position.character, self._units)

    def span(self, range_: types.Range) -> Span:
        start, end = sorted((self.offset(range_.start), self.offset(range_.end)))
        return Span(start, end)


def units_of(encoding: str | types.PositionEncodingKind | None) -> Units:
    """The agreed encoding; UTF-16 where nothing was agreed, as the protocol says."""
    return Units(str(getattr(encoding, "value", encoding))) if encoding else Units.UTF16


def range_of(message: Any) -> types.Range:  # noqa: ANN401
    """The range in a message of ours, which pygls hands over as named tuples. Raises `AttributeError`."""
    start, end = message.start, message.end
    return types.Range(
        start=types.Position(line=int(start.line), character=int(start.character)),
        end=types.Position(line=int(end.line), character=int(end.character)),
    )


def diagnostics(
    findings: Iterable[Finding], positions: Positions, settings: Settings
) -> list[types.Diagnostic]:
    """One diagnostic for each finding; the code is the gap's kind."""
    return [
        types.Diagnostic(
            range=positions.range(finding.span),
            message=f"Missing: {finding.gap.phrase}",
            severity=_SEVERITIES[settings.findings.severity],
            code=finding.gap.kind.value,
            source="devrouter",
        )
        for finding in findings
    ]


def secret_diagnostics(views: Iterable[PromptView], positions: Positions) -> list[types.Diagnostic]:
    """A warning for each secret, whatever the settings say, and a hint for each piece of personal data."""
    result = []
    for view in views:
        start = view.region.span.start
        result += [
            types.Diagnostic(
                range=positions.range(secret.span.moved(start)),
                message=secret.message,
                severity=types.DiagnosticSeverity.Warning,
                code="secret",
                source="devrouter",
            )
            for secret in view.triage.secrets
        ]
        result += [
            types.Diagnostic(
                range=positions.range(found.span.moved(start)),
                message=f"This looks like personal data ({found.kind}).",
                severity=types.DiagnosticSeverity.Hint,
                code="personal",
                source="devrouter",
            )
            for found in view.triage.personal
        ]
    return result


def workspace_edit(
    document: Document, edit: Edit, positions: Positions, *, versioned: bool, is_snippet: bool = False
) -> types.WorkspaceEdit:
    """One edit of one document, bound to the version it was made for where the client understands that.

    A client that understands snippets understands versions too.
    """
    place = positions.range(edit.span)
    if not versioned:
        return types.WorkspaceEdit(changes={document.uri: [types.TextEdit(range=place, new_text=edit.text)]})
    text_edit: types.TextEdit | types.SnippetTextEdit = (
        types.SnippetTextEdit(range=place, snippet=types.StringValue(value=edit.text))
        if is_snippet
        else types.TextEdit(range=place, new_text=edit.text)
    )
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    change = types.TextDocumentEdit(text_document=identifier, edits=[text_edit])
    return types.WorkspaceEdit(document_changes=[change])


def context_edit_message(document: Document, edit: Edit, positions: Positions) -> ContextEditMessage:
    """An edit of one document as `devrouter/addContext` answers it."""
    place = _range_message(positions.range(edit.span))
    return {"version": document.version, "range": place, "text": edit.text}


def status_message(status: Status, settings: Settings) -> StatusMessage:
    """The status as `devrouter/status` carries it, with the document's tiers."""
    triage = status.triage
    return {
        "uri": status.uri,
        "version": status.version,
        "health": status.state.health.value,
        "message": status.state.message,
        "mend": status.state.mend,
        "busy": status.busy,
        "prompts": status.prompts,
        "gaps": status.gaps,
        "engine": triage.engine if triage else None,
        "intent": triage.decision.intent.value if triage else None,
        "complexity": triage.decision.complexity.value if triage else None,
        "tier": _tier_message(triage.tier) if triage else None,
        "confidence": triage.confidence.get("route") if triage else None,
        "tokens": triage.tokens if triage else None,
        "chosen": status.chosen.value if status.chosen else None,
        "tiers": [_tier_choice_message(route, settings.tiers.of(route)) for route in Route],
    }


def triage_message(document: Document, views: Iterable[PromptView], positions: Positions) -> TriageMessage:
    """Every prompt as `devrouter/triage` answers it."""
    digest = sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()
    prompts = [_prompt_message(view, positions) for view in views]
    return {"version": document.version, "textHash": digest, "prompts": prompts}


def text_triage_message(view: PromptView, settings: Settings) -> TextTriageMessage:
    """A text's intent, complexity and tier, with the tiers to choose from."""
    triage = view.triage
    return {
        "secrets": len(triage.secrets),
        "intent": triage.decision.intent.value,
        "complexity": triage.decision.complexity.value,
        "tier": _tier_message(triage.tier),
        "tiers": [_tier_choice_message(route, settings.tiers.of(route)) for route in Route],
    }


def _tier_message(tier: EffectiveTier) -> TierMessage:
    return {"route": tier.route.value, "reason": tier.reason}


def _tier_choice_message(route: Route, tier: TierSettings) -> TierChoiceMessage:
    return {
        "route": route.value,
        "name": tier.name,
        "models": list(tier.models),
        "contextLimit": tier.context_limit,
        "price": tier.price,
    }


def _prompt_message(view: PromptView, positions: Positions) -> PromptMessage:
    triage, start = view.triage, view.region.span.start
    gaps: list[GapMessage] = [
        {
            "phrase": gap.phrase,
            "kind": gap.kind.value,
            "range": _range_message(positions.range(gap.anchor.moved(start))),
        }
        for gap in triage.gaps
    ]
    return {
        "range": _range_message(positions.range(view.region.span)),
        "destination": view.region.destination.value,
        "text": view.draft.text,
        "decision": triage.decision.to_dict(),
        "gaps": gaps,
        "confidence": dict(triage.confidence),
        "tier": _tier_message(triage.tier),
        "answeredBy": dict(triage.answered_by),
        "engine": triage.engine,
        "withheld": triage.withheld,
        "repaired": list(triage.repaired),
        "problems": list(triage.problems),
        "secrets": len(triage.secrets),
        "masked": masked(view.draft.text, triage.secrets),
    }


def _range_message(range_: types.Range) -> RangeMessage:
    return {"start": _position_message(range_.start), "end": _position_message(range_.end)}


def _position_message(position: types.Position) -> PositionMessage:
    return {"line": position.line, "character": position.character}
