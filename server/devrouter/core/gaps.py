"""A gap: context the prompt should have had, as a phrase, its kind, and the words it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devrouter.core.text import Span


class GapKind(StrEnum):
    """What is missing, by the labelling guide."""

    ERROR = "error"
    CODE = "code"
    VERSION = "version"
    ENVIRONMENT = "environment"
    STACK = "stack"
    BEHAVIOUR = "behaviour"
    REQUIREMENTS = "requirements"
    TARGET = "target"
    SCALE = "scale"
    ACCEPTANCE = "acceptance"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Gap:
    """One missing item. `anchor` is in offsets of the draft's text.

    `anchored` is false where no words of the draft are concerned and `anchor` is just the prompt's first line.
    """

    phrase: str
    kind: GapKind
    anchor: Span
    anchored: bool
