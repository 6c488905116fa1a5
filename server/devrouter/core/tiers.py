"""The three tiers, and what turns a suggested route into the effective tier.

Unsure means the larger tier: a wrong answer costs more than a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Route(StrEnum):
    """The smallest model tier that would very likely answer well, smallest first."""

    SMALL_LOCAL = "small_local"
    MEDIUM_API = "medium_api"
    LARGE_API = "large_api"

    @property
    def larger(self) -> Route:
        """The next larger tier; the largest is its own."""
        tiers = list(Route)
        return tiers[min(tiers.index(self) + 1, len(tiers) - 1)]


@dataclass(frozen=True, slots=True)
class EffectiveTier:
    """The tier to use and the one sentence that says what decided."""

    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What the user decided about tiers.

    `minimum_confidence` is the probability under which the next larger tier is taken.
    `context_limits` holds tokens a tier; a draft longer than the limit moves to a tier that can hold it.
    """

    floor: Route = Route.SMALL_LOCAL
    ceiling: Route = Route.LARGE_API
    minimum_confidence: float = 0.5
    context_limits: Mapping[Route, int] = field(default_factory=dict)
