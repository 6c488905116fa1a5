"""A secret in a draft: where it stands and what it seems to be, never its value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devrouter.core.text import Span


@dataclass(frozen=True, slots=True)
class Secret:
    """`span` holds the value alone, in offsets of the draft; `kind` is a name to show, such as `password`."""

    span: Span
    kind: str

    @property
    def message(self) -> str:
        """One sentence for the user; it never quotes the value."""
        return f"This looks like a secret ({self.kind}): mask it before you send the prompt."

    @property
    def placeholder(self) -> str:
        """What stands for the value once it is masked, such as `<github-personal-access-token>`."""
        return f"<{re.sub('[^a-z0-9]+', '-', self.kind.lower()).strip('-')}>"


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """The text with each of these values replaced by its placeholder, and nothing else changed."""
    parts, end = [], 0
    for secret in sorted(secrets, key=lambda secret: secret.span):
        parts += [text[end : secret.span.start], secret.placeholder]
        end = secret.span.end
    return "".join((*parts, text[end:]))
