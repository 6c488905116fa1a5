"""From predicted kinds of gap to the concrete thing that is missing, said with what the draft mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devrouter.core.gaps import GapKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN: Mapping[GapKind, tuple[str, ...]] = {
    GapKind.ERROR: ("the exact error message",),
    GapKind.CODE: ("the code in question",),
    GapKind.VERSION: ("language and framework versions",),
    GapKind.ENVIRONMENT: ("operating system and how it is run",),
    GapKind.STACK: ("programming language",),
    GapKind.BEHAVIOUR: ("expected and actual output",),
    GapKind.REQUIREMENTS: ("what exactly the result must do",),
    GapKind.TARGET: ("what exactly is meant",),
    GapKind.SCALE: ("data sizes and measured times",),
    GapKind.ACCEPTANCE: ("an example input with its expected output",),
    GapKind.AUDIENCE: ("who will read it",),
}


def phrases_for(kind: GapKind) -> Iterator[str]:
    """Phrases for a gap of this kind, the most concrete first."""
    yield from _PLAIN[kind]
