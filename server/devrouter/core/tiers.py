"""The three tiers, and what turns a suggested route into the effective tier.

Unsure means the larger tier: a wrong answer costs more than a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MISROUTE_COSTS",
    "EffectiveTier",
    "Route",
    "Ruled",
    "TierPolicy",
    "effective_tier",
    "estimate_tokens",
    "held_local",
]


class Route(StrEnum):
    """The smallest model tier that would very likely answer well, smallest first."""

    SMALL_LOCAL = "small_local"
    MEDIUM_API = "medium_api"
    LARGE_API = "large_api"

    @property
    def size(self) -> int:
        """Its place among the tiers, 0 for the smallest."""
        return list(Route).index(self)

    @property
    def larger(self) -> Route:
        """The next larger tier; the largest is its own."""
        return list(Route)[min(self.size + 1, len(Route) - 1)]


MISROUTE_COSTS: Mapping[Route, Mapping[Route, float]] = {
    Route.SMALL_LOCAL: {Route.SMALL_LOCAL: 0.0, Route.MEDIUM_API: 1.0, Route.LARGE_API: 2.0},
    Route.MEDIUM_API: {Route.SMALL_LOCAL: 1.1, Route.MEDIUM_API: 0.0, Route.LARGE_API: 1.0},
    Route.LARGE_API: {Route.SMALL_LOCAL: 6.0, Route.MEDIUM_API: 1.25, Route.LARGE_API: 0.0},
}
"""What it costs to call work of the outer tier by the inner one; no unit, 1 is one tier too large."""


@dataclass(frozen=True, slots=True)
class EffectiveTier:
    """The tier to use and the one sentence that says what decided."""

    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What the user decided about tiers.

    `minimum_confidence` is the probability under which the next larger tier is taken. `context_limits` holds
    tokens a tier, where the user gave any; a draft over the limit moves to a tier that can hold it. A ceiling
    below the floor wins over it.
    """

    floor: Route = Route.SMALL_LOCAL
    ceiling: Route = Route.LARGE_API
    minimum_confidence: float = 0.5
    context_limits: Mapping[Route, int] = field(default_factory=dict)


def estimate_tokens(text: str) -> int:
    """About how many tokens a model makes of the text: two for seven bytes of UTF-8.

    That is between English prose, with about 4.3 bytes a token, and code, with about 3.
    """
    return -(-2 * len(text.encode("utf-8", "surrogatepass")) // 7)


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule of the user's says: its tier, and what it asks for, to follow "your rule for"."""

    route: Route
    because: str


def effective_tier(
    route: Route, confidence: float | None, length: int, policy: TierPolicy, ruled: Ruled | None = None
) -> EffectiveTier:
    """The tier to use for a draft of `length` estimated tokens, with the sentence that says why.

    In this order: the user's rule where one holds, else the suggestion, or the next larger tier if
    `confidence` is too low; the floor, the ceiling, and last the context. A tier that cannot hold the draft
    is never suggested while another can, be it beyond the ceiling.
    """
    tier = route
    reason = f"Suggested {route}"
    if ruled is not None:
        tier = ruled.route
        reason = f"Your rule for {ruled.because} says {tier}"
    elif confidence is not None:
        reason += f" at {_shown(confidence)} confidence"
        if confidence < policy.minimum_confidence:
            reason += f", under your minimum of {_shown(policy.minimum_confidence)}"
            reason += ", so the larger tier" if route.larger is not route else "; there is no larger tier"
            tier = route.larger
    if tier.size < policy.floor.size:
        tier = policy.floor
        reason += f"; your floor is {tier}"
    if tier.size > policy.ceiling.size:
        tier = policy.ceiling
        reason += f"; your ceiling is {tier}"
    limit = policy.context_limits.get(tier)
    if limit is not None and length > limit:
        draft = f"the draft of about {length} tokens is over the {limit} of {tier}"
        tier, because = _that_holds(length, tier, policy)
        reason += f"; {draft}, {because}"
    return EffectiveTier(tier, f"{reason}.")


def held_local(tier: EffectiveTier) -> EffectiveTier:
    """The local tier as long as the draft holds a secret, whatever else was decided."""
    reason = "Held local: the draft holds a secret. Mask it, or say that it is none, for another tier"
    if tier.route is not Route.SMALL_LOCAL:
        reason += f" ({tier.route})"
    return EffectiveTier(Route.SMALL_LOCAL, f"{reason}.")


def _that_holds(length: int, tier: Route, policy: TierPolicy) -> tuple[Route, str]:
    """A tier that can hold the draft: within floor and ceiling if one can, and rather larger than smaller."""

    def cost(other: Route) -> tuple[bool, bool, int]:
        outside = not policy.floor.size <= other.size <= policy.ceiling.size
        return outside, other.size < tier.size, abs(other.size - tier.size)

    limits = policy.context_limits
    holding = [other for other in Route if other not in limits or length <= limits[other]]
    if not holding:
        largest = max(reversed(Route), key=lambda other: limits[other])
        return (
            largest,
            f"and no tier holds more than {limits[largest]}: shorten the draft or send it in parts",
        )
    chosen = min(holding, key=cost)
    beyond = ", beyond your ceiling" if chosen.size > policy.ceiling.size else ""
    return chosen, f"so {chosen}{beyond}"


def _shown(probability: float) -> str:
    """Two digits, rounded down, so that 0.499 does not read as the 0.5 it falls short of."""
    return f"{int(probability * 100 + 1e-9) / 100:g}"
