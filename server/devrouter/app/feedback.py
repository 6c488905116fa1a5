"""What the user made of the answers, kept on this machine if they turn `feedback.keep` on.

The rows, each written once by a server:

- `accepted`, `edited` or `refused`: what became of a rewrite. One is taken when a change makes the prompt's
  text equal to it. At the next save or close, or when the prompt is sent, it is `accepted` if it stands,
  `refused` if the former text stands again, else `edited`. It is also `refused` where it was shown (on hover,
  as a preview, from a model that was asked, by a quick fix) for the very text that is sent or closed.
- `tier_overruled`: the prompt was sent or closed with a tier that the user chose and that was not suggested.
- `gap_ignored`: a finding was ignored, here, with its kind in the file, or in the project.
- `gap_filled`: the prompt was sent or closed with what an earlier finding said was missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from devrouter.core.answered import is_answered
from devrouter.core.draft import draft_of, prompts_in
from devrouter.core.edits import with_line_endings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devrouter.app.feedback_file import FeedbackFile
    from devrouter.app.findings import Finding
    from devrouter.app.opened import OpenDocument
    from devrouter.app.views import PromptView
    from devrouter.core.draft import Document
    from devrouter.core.gaps import Gap

_LONGEST_TEXT = 20_000
"""Characters of a prompt whose text is kept."""

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A surrogate by itself: JSON can carry it, no file of text can."""


@dataclass(slots=True)
class Trail:
    """What happened to the prompts of one open document, by their places; empty while nothing is kept."""

    prompts: int = 0
    taken: dict[int, PromptView] = field(default_factory=dict)
    shown: dict[int, PromptView] = field(default_factory=dict)
    gaps: dict[tuple[int, str], tuple[PromptView, Gap]] = field(default_factory=dict)

    def count(self, prompts: int) -> None:
        """Where prompts come or go, a place no longer names the same one."""
        if prompts != self.prompts:
            self.prompts = prompts
            for known in (self.taken, self.shown, self.gaps):
                known.clear()


class Feedback:
    """Watches a session. With `feedback.keep` off it notes nothing, not even in memory.

    A row that cannot be written is one sentence in `problems`, and nothing else happens.
    """

    def __init__(self, file: FeedbackFile) -> None:
        self.problems: list[str] = []
        self._file = file
        self._written: set[str] = set()

    def changing(self, opened: OpenDocument, document: Document) -> None:
        """The document is about to become `document`: does that take a rewrite?"""
        if _keeps(opened) == "off" or opened.viewed is not opened.document:
            return
        for index, view in enumerate(opened.views):
            if _takes_rewrite(opened.document, view, document):
                self._end_taken(opened, index, view.draft.text)
                opened.trail.shown.pop(index, None)
                opened.trail.taken[index] = view

    def rewrite_shown(self, opened: OpenDocument, prompt: int | None = None) -> None:
        """The user sees the rewrite of this prompt, or of all."""
        if _keeps(opened) != "off":
            for index, view in enumerate(opened.views):
                if prompt in (index, None) and _offers_rewrite(view):
                    opened.trail.shown[index] = view

    def findings_shown(self, opened: OpenDocument, findings: Iterable[Finding]) -> None:
        """These findings are on screen."""
        if _keeps(opened) != "off":
            opened.trail.count(len(opened.views))
            for finding in findings:
                seen = opened.views[finding.prompt], finding.gap
                opened.trail.gaps.setdefault((finding.prompt, finding.gap.phrase), seen)

    def ignored(self, opened: OpenDocument, finding: Finding) -> None:
        """The user ignores a finding."""
        opened.trail.gaps.pop((finding.prompt, finding.gap.phrase), None)
        self._write_gap(opened, "gap_ignored", opened.views[finding.prompt], finding.gap)

    def saved(self, opened: OpenDocument) -> None:
        """A save ends what was taken: what is typed later is another thought."""
        if opened.trail.taken:
            for index, text in enumerate(_texts(opened)):
                self._end_taken(opened, index, text)

    def ended(self, opened: OpenDocument, prompt: int | None = None) -> None:
        """The document closes, or this prompt of it was sent."""
        if _keeps(opened) == "off":
            return
        for index, text in enumerate(_texts(opened)):
            if prompt in (index, None):
                self._end_taken(opened, index, text)
                self._end_shown(opened, index, text)
                self._end_gaps(opened, index, text)
        # What was chosen holds for the document, and is shown for its first prompt.
        self._end_tier(opened, prompt or 0)

    def _end_shown(self, opened: OpenDocument, index: int, text: str) -> None:
        shown = opened.trail.shown.pop(index, None)
        if shown is not None and shown.draft.text == text:
            self._write_rewrite(opened, "refused", shown)

    def _end_taken(self, opened: OpenDocument, index: int, text: str) -> None:
        taken = opened.trail.taken.pop(index, None)
        if taken is None:
            return
        if text == taken.draft.text:
            self._write_rewrite(opened, "refused", taken)
        elif _same(text, taken.triage.decision.rewrite):
            self._write_rewrite(opened, "accepted", taken)
        else:
            self._write_rewrite(opened, "edited", taken, final=text)

    def _end_gaps(self, opened: OpenDocument, index: int, text: str) -> None:
        for place in [place for place in opened.trail.gaps if place[0] == index]:
            view, gap = opened.trail.gaps.pop(place)
            before, after = (is_answered(gap.phrase, gap.kind, one) for one in (view.draft.text, text))
            if after and not before:
                self._write_gap(opened, "gap_filled", view, gap)

    def _end_tier(self, opened: OpenDocument, index: int) -> None:
        if opened.chosen is None or index >= len(opened.views):
            return
        view = opened.views[index]
        if opened.chosen is not view.triage.tier.route:
            tiers = {"suggested": view.triage.tier.route.value, "chosen": opened.chosen.value}
            self._write(opened, "tier_overruled", view, tiers, {})

    def _write_rewrite(self, opened: OpenDocument, event: str, view: PromptView, **texts: str) -> None:
        self._write(opened, event, view, {}, {"rewrite": view.triage.decision.rewrite, **texts})

    def _write_gap(self, opened: OpenDocument, event: str, view: PromptView, gap: Gap) -> None:
        self._write(opened, event, view, {"gap": gap.kind.value}, {"phrase": gap.phrase})

    def _write(
        self,
        opened: OpenDocument,
        event: str,
        view: PromptView,
        labels: dict[str, str],
        texts: dict[str, str],
    ) -> None:
        """One row. `texts` and the prompt are in it only if the user said so and none holds a secret."""
        keeps = _keeps(opened)
        if keeps == "off":
            return
        row = {"event": event, **_labels_of(view), **labels}
        texts = {"text": view.draft.text, **texts}
        if keeps == "text" and _may_be_kept(texts.values()):
            row |= texts
            row["missing"] = [{"phrase": gap.phrase, "kind": gap.kind.value} for gap in view.triage.gaps]
        said = hashlib.sha256(json.dumps(row).encode()).hexdigest()
        if said in self._written:
            return
        self._written.add(said)
        try:
            self._file.append({"time": datetime.now(UTC).isoformat(timespec="seconds"), **row})
        except OSError as error:
            problem = f"{self._file.file}: feedback cannot be kept ({error.strerror})."
            if problem not in self.problems:
                self.problems.append(problem)


def text_hash(text: str) -> str:
    """What a row says of a text in place of it: the SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _keeps(opened: OpenDocument) -> str:
    return "off" if opened.document.is_private else opened.settings.feedback.keep


def _texts(opened: OpenDocument) -> list[str]:
    """Every prompt as it now stands, whether it is answered already or not."""
    document, settings = opened.document, opened.settings.prompts
    regions = prompts_in(document, settings.agent_patterns, settings.include)
    return [draft_of(document, region).text for region in regions]


def _takes_rewrite(before: Document, view: PromptView, after: Document) -> bool:
    if not _offers_rewrite(view):
        return False
    start, end = view.region.span.start, view.region.span.end
    rewrite = with_line_endings(view.triage.decision.rewrite, like=before.text)
    rest = len(before.text) - end
    return (
        len(after.text) == start + len(rewrite) + rest
        and after.text.startswith(rewrite, start)
        and after.text.startswith(before.text[:start])
        and after.text.endswith(before.text[end:])
    )


def _offers_rewrite(view: PromptView) -> bool:
    return view.triage.decision.rewrite != view.draft.text


def _same(text: str, rewrite: str) -> bool:
    return text == with_line_endings(rewrite, like=text)


def _labels_of(view: PromptView) -> dict[str, Any]:
    triage = view.triage
    return {
        "sha256": text_hash(view.draft.text),
        "intent": triage.decision.intent.value,
        "complexity": triage.decision.complexity.value,
        "route": triage.decision.route.value,
        "gaps": [gap.kind.value for gap in triage.gaps],
        "engine": triage.engine,
        "version": triage.version,
    }


def _may_be_kept(texts: Iterable[str]) -> bool:
    from devrouter.app.secrets import secrets_in

    return not any(
        len(text) > _LONGEST_TEXT or _HALF_CHARACTER.search(text) or secrets_in(text) for text in texts
    )
