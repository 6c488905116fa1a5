"""What is shown now: findings keep still while the user types.

The rules, for each finding on screen when the text changes:

- Its words were not edited: it stays, its range moved along, whatever the engine says of the new text.
- The edit touched its words, or the draft now answers it: what the engine says of the new text shows at once.
- A finding that is new waits until typing rests (or the document is saved).

At rest the shown findings are exactly what the engines say of the text. A model's findings hold their place
against the instant engine's until the model answers again, fails, or most of the prompt has been rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devrouter.core.gaps import is_answered
from devrouter.core.text import Span, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devrouter.core.draft import Region
    from devrouter.core.edits import Edit
    from devrouter.core.gaps import Gap


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt of a document with the gaps that the engines now see in it."""

    region: Region
    text: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A gap as shown: `prompt` is the index of its prompt, `span` is in offsets of the document."""

    prompt: int
    gap: Gap
    span: Span
    by_model: bool = False


@dataclass(slots=True)
class _ModelHold:
    """That a model's answer stands for a prompt: how much was typed since, against the length it answered."""

    length: int
    typed: int = 0

    @property
    def spent(self) -> bool:
        return self.typed * 2 > self.length


@dataclass(slots=True)
class Findings:
    """The shown findings of one document. Every method leaves `shown` current; none does I/O."""

    shown: tuple[Finding, ...] = ()
    _holds: dict[int, _ModelHold] = field(default_factory=dict)
    _prompts: int = 0

    def typing(self, edit: Edit | None, prompts: Sequence[Prompt]) -> None:
        """The text changed by `edit`; `prompts` holds what the instant engine says of the new text."""
        same_prompts = len(prompts) == self._prompts
        self._prompts = len(prompts)
        if not same_prompts:
            # Prompts came or went, so the indices no longer name the same ones; only places can be kept.
            self._holds.clear()
        elif edit is not None:
            self._count(edit, prompts)
        if edit is None:
            return
        moved = (self._after(finding, edit, prompts, same=same_prompts) for finding in self.shown)
        self.shown = _ordered(finding for finding in moved if finding is not None)

    def resting(self, prompts: Sequence[Prompt]) -> None:
        """Typing rests: show what the instant engine says, except where a model's answer still stands."""
        self._prompts = len(prompts)
        fresh = [finding for index, prompt in enumerate(prompts) for finding in self._settled(index, prompt)]
        self.shown = _ordered(fresh)

    def model_answered(self, index: int, prompt: Prompt) -> None:
        """A model answered the prompt as it now stands; `prompt.gaps` is the merged answer."""
        others = [finding for finding in self.shown if finding.prompt != index]
        self._holds[index] = _ModelHold(len(prompt.text))
        self.shown = _ordered(
            [*others, *(_finding(index, prompt, gap, by_model=True) for gap in prompt.gaps)]
        )

    def model_failed(self, index: int, prompt: Prompt) -> None:
        """The model has no answer for this text, so its older one no longer stands."""
        if self._holds.pop(index, None) is None:
            return
        others = [finding for finding in self.shown if finding.prompt != index]
        self.shown = _ordered([*others, *(_finding(index, prompt, gap) for gap in prompt.gaps)])

    def _settled(self, index: int, prompt: Prompt) -> list[Finding]:
        hold = self._holds.get(index)
        if hold is None or hold.spent:
            self._holds.pop(index, None)
            return [_finding(index, prompt, gap) for gap in prompt.gaps]
        return [finding for finding in self.shown if finding.prompt == index and finding.by_model]

    def _count(self, edit: Edit, prompts: Sequence[Prompt]) -> None:
        for index, hold in self._holds.items():
            region = prompts[index].region.span
            if edit.span.start <= region.end and edit.span.start >= region.start:
                hold.typed += max(len(edit.text), edit.span.end - edit.span.start)

    def _after(
        self, finding: Finding, edit: Edit, prompts: Sequence[Prompt], *, same: bool
    ) -> Finding | None:
        """The finding after the edit, or None where it is gone."""
        moved = edit.move(finding.span) if finding.gap.anchored else None
        if same:
            index = finding.prompt
        else:
            found = _containing(prompts, moved or _nearest(finding.span, edit))
            if found is None:
                return None
            index = found
        prompt = prompts[index]
        if is_answered(finding.gap.phrase, finding.gap.kind, prompt.text):
            return None
        start = prompt.region.span.start
        replaced = edit.span.start <= finding.span.start and finding.span.end <= edit.span.end
        if not finding.gap.anchored and not replaced:
            # It concerns no words in particular, so typing in its line does not touch it; a new line does.
            span = first_line(prompt.text).moved(start)
            return _placed(finding, index, prompt, span) if prompt.text.strip() else None
        if moved is None or moved.end > prompt.region.span.end or moved.start < start:
            # Its words were edited: what the engine says now holds, at the engine's own place.
            gap = _same_gap(finding.gap, prompt.gaps)
            return _finding(index, prompt, gap, by_model=finding.by_model) if gap else None
        return _placed(finding, index, prompt, moved)


def _placed(finding: Finding, index: int, prompt: Prompt, span: Span) -> Finding:
    gap = replace(finding.gap, anchor=span.moved(-prompt.region.span.start))
    return Finding(index, gap, span, finding.by_model)


def _finding(index: int, prompt: Prompt, gap: Gap, *, by_model: bool = False) -> Finding:
    return Finding(index, gap, gap.anchor.moved(prompt.region.span.start), by_model)


def _same_gap(gap: Gap, candidates: Sequence[Gap]) -> Gap | None:
    """The same phrase if it is still there, else another gap of the kind: its words follow the edit."""
    of_kind = [other for other in candidates if other.kind is gap.kind]
    exact = [other for other in of_kind if other.phrase.casefold() == gap.phrase.casefold()]
    return next(iter(exact or of_kind), None)


def _containing(prompts: Sequence[Prompt], span: Span) -> int | None:
    inside = (i for i, p in enumerate(prompts) if p.region.span.start <= span.start < p.region.span.end)
    return next(inside, None)


def _nearest(span: Span, edit: Edit) -> Span:
    """Where the start of a touched span stands in the new text, for finding its prompt only."""
    by = 0 if span.start <= edit.span.start else len(edit.text) - (edit.span.end - edit.span.start)
    start = max(edit.span.start, span.start + by) if by else span.start
    return Span(start, start)


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place, one of each phrase: an edit can leave two findings that now say the same."""
    unique = {(finding.prompt, finding.gap.phrase.casefold()): finding for finding in findings}
    return tuple(sorted(unique.values(), key=lambda finding: (finding.prompt, finding.span)))
