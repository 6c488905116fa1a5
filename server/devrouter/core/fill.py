"""Lines that a developer fills in: a label for each missing item, at the end of the prompt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devrouter.core.edits import Edit
from devrouter.core.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devrouter.core.gaps import Gap

_LABEL_LINE = re.compile(r"(?:^|[\r\n])[^\r\n]{1,120}:[ \t]*[^\r\n]*\Z")


def fill_in(text: str, gaps: Iterable[Gap]) -> Edit:
    """Append `Label: ` for each gap after the prompt's last word, one a line, in offsets of the prompt.

    A first label stands apart by an empty line; further ones join the list that is already there. Lines end
    in LF: who applies the edit gives it the document's own line ending.
    """
    end = len(text.rstrip())
    labels = [f"{_label(gap.phrase)}: " for gap in gaps]
    apart = "\n" if _LABEL_LINE.search(text[:end]) and re.search(r"[\r\n]", text[:end]) else "\n\n"
    # White space that follows the last word belongs to the document's end, so it stays after the list.
    return Edit(Span(end, end), apart + "\n".join(labels))


def _label(phrase: str) -> str:
    """The phrase as a label: "the full stack trace" becomes "Full stack trace"."""
    bare = re.sub(r"^(?:the|a|an)\s+", "", phrase.strip(), flags=re.IGNORECASE)
    return bare[:1].upper() + bare[1:]
