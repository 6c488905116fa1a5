"""One document triaged: its prompts, their findings, and the text with every rewrite applied."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from devrouter.core.edits import smallest_edit, with_line_endings
from devrouter.core.fill import add_context, fence_around
from devrouter.core.secrets import masked
from devrouter.core.text import Lines, Span, Units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devrouter.cli.documents import Source
    from devrouter.core.decision import Triage
    from devrouter.core.draft import Draft, Region
    from devrouter.core.facts import Fact
    from devrouter.core.gaps import Gap


@dataclass(frozen=True, slots=True)
class CheckedPrompt:
    """One prompt of a document; `gaps` are those that nobody has chosen to ignore.

    `known` holds the facts of the workspace that answer a gap, where they were asked for.
    """

    region: Region
    draft: Draft
    triage: Triage
    gaps: tuple[Gap, ...]
    known: Mapping[Gap, tuple[Fact, ...]] = field(default_factory=dict)

    @property
    def has_rewrite(self) -> bool:
        """True where a clearer wording is ready; one that was withheld is not."""
        return self.triage.decision.rewrite != self.draft.text

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What is known of the gaps, each fact once."""
        return tuple(dict.fromkeys(fact for found in self.known.values() for fact in found))

    def span_of(self, gap: Gap) -> Span:
        """The gap's anchor in the document."""
        return gap.anchor.moved(self.region.span.start)


@dataclass(frozen=True)
class CheckedDocument:
    source: Source
    lines: Lines
    prompts: tuple[CheckedPrompt, ...]

    @property
    def findings(self) -> int:
        return sum(len(prompt.gaps) for prompt in self.prompts) + self.secrets

    @property
    def secrets(self) -> int:
        return sum(len(prompt.triage.secrets) for prompt in self.prompts)

    @property
    def rewrites(self) -> int:
        return sum(prompt.has_rewrite for prompt in self.prompts)

    @cached_property
    def starred(self) -> str:
        """The text to quote lines of in a report: each character of a secret is a star."""
        text = self.source.text
        for prompt in self.prompts:
            for secret in prompt.triage.secrets:
                start, end = secret.span.moved(prompt.region.span.start)
                text = text[:start] + re.sub(r"[^\r\n]", "*", text[start:end]) + text[end:]
        return text

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from one, columns in characters."""
        line, column = self.lines.position(offset, Units.UTF32)
        return line + 1, column + 1

    def changed(self, *, fix: bool, fill: bool) -> str:
        """The document with each rewrite and each known fact in place, its line endings kept."""

        def text_of(prompt: CheckedPrompt) -> str:
            text = prompt.triage.decision.rewrite if fix and prompt.has_rewrite else prompt.draft.text
            fence = fence_around(self.source.text, prompt.region.span)
            edit = add_context(text, prompt.facts, fence) if fill else None
            new = edit.apply(text) if edit else text
            return new if new == prompt.draft.text else with_line_endings(new, like=self.source.text)

        return self._with_each(text_of)

    def masked(self) -> str:
        """The document with a placeholder for each secret."""
        return self._with_each(lambda prompt: masked(prompt.draft.text, prompt.triage.secrets))

    def _with_each(self, text_of: Callable[[CheckedPrompt], str]) -> str:
        text = self.source.text
        # From the last to the first, so that the spans still to be edited stay where they are.
        for prompt in sorted(self.prompts, key=lambda prompt: prompt.region.span, reverse=True):
            edit = smallest_edit(prompt.draft.text, text_of(prompt))
            if edit is not None:
                start, end = prompt.region.span
                text = text[:start] + edit.apply(prompt.draft.text) + text[end:]
        return text
