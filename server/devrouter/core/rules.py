"""The user's own rules about tiers: which work goes where, whatever an engine says of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from devrouter.core.decision import Complexity, Intent
from devrouter.core.draft import Draft, matches
from devrouter.core.tiers import Route


@dataclass(frozen=True, slots=True)
class TierRule:
    """Work for one tier: every condition that is given must hold.

    `intent` and `complexity` are labels, `path` is a glob for the prompt's file, and one of `words` must
    stand in the prompt, in any case and as a whole word. A rule without a condition holds for everything.
    """

    route: Route
    intent: Intent | None = None
    complexity: Complexity | None = None
    path: str | None = None
    words: tuple[str, ...] = ()

    # Read by pydantic.
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "str_min_length": 1,
        "str_max_length": 200,
    }

    def holds(self, draft: Draft, intent: Intent, complexity: Complexity) -> bool:
        """Whether the rule decides about this draft with these labels."""
        return (
            self.intent in (None, intent)
            and self.complexity in (None, complexity)
            and (self.path is None or matches(draft.path, [self.path]))
            and (not self.words or self.found_in(draft.text) is not None)
        )

    def found_in(self, text: str) -> str | None:
        """The first of the rule's words, in their order, that stands in the text."""
        return next((word for word in self.words if _whole_word(word).search(text)), None)

    def because(self, text: str) -> str:
        """What the rule asks for, to follow "your rule for" in a sentence; `text` is a draft it holds for."""
        word = self.found_in(text)
        labels = " · ".join(str(label) for label in (self.intent, self.complexity) if label is not None)
        given = (labels, f"the word “{word}”" if word else "", f"files like {self.path}" if self.path else "")
        return ", ".join(filter(None, given)) or "every prompt"


def rule_for(
    rules: Iterable[TierRule], draft: Draft, intent: Intent, complexity: Complexity
) -> TierRule | None:
    """The first rule that holds, as the user ordered them."""
    return next((rule for rule in rules if rule.holds(draft, intent, complexity)), None)


@lru_cache(maxsize=256)
def _whole_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
