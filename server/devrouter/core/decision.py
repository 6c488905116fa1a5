"""The contract: exactly five fields, and what engines and the application add around them.

`Decision` is what the model card defines. `Answer` is one engine's decision with its gaps, confidence and
time. `Triage` is what the user sees: answers merged, the rewrite guarded, the effective tier chosen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from devrouter.core.tiers import EffectiveTier, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import TypeAdapter

    from devrouter.core.gaps import Gap
    from devrouter.core.secrets import Secret

__all__ = [
    "Answer",
    "Complexity",
    "Decision",
    "DecisionError",
    "Intent",
    "Route",
    "Triage",
    "decision_schema",
]


class Intent(StrEnum):
    """The one thing the developer wants back."""

    DEBUG = "debug"
    REFACTOR = "refactor"
    FEATURE = "feature"
    EXPLAIN = "explain"
    DOCUMENTATION = "documentation"
    BOILERPLATE = "boilerplate"
    ARCHITECTURE = "architecture"
    REVIEW = "review"
    OPTIMIZE = "optimize"
    OTHER = "other"


class Complexity(StrEnum):
    """How hard a good answer is, for a capable engineer with the needed context."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class DecisionError(ValueError):
    """A reply that is not a decision. `str(error)` is one sentence that names the field."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The five fields, in the contract's order."""

    rewrite: str
    intent: Intent
    complexity: Complexity
    route: Route
    missing: tuple[str, ...]

    # Read by pydantic: an unknown field or a wrong type is refused, nothing is coerced.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    @classmethod
    def from_json(cls, text: str | bytes) -> Decision:
        """Parse one JSON object strictly. Raises `DecisionError` with a sentence that names the field."""
        from pydantic import ValidationError

        try:
            decision = _adapter().validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            unknown = first["type"] == "unexpected_keyword_argument"
            reason = "is not one of the five fields" if unknown else first["msg"]
            raise DecisionError(f"{_place(first['loc'])}: {reason}") from None
        # A parser keeps the last of two values without a word; which one was meant cannot be known.
        json.loads(text, object_pairs_hook=_refuse_repeated)
        return decision

    def to_json(self, *, indent: int | None = None) -> str:
        """Exactly the five fields as one JSON object."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    def to_dict(self) -> dict[str, str | list[str]]:
        """The five fields as plain values, in the contract's order."""
        return {
            "rewrite": self.rewrite,
            "intent": self.intent.value,
            "complexity": self.complexity.value,
            "route": self.route.value,
            "missing": list(self.missing),
        }


FIELDS = tuple(item.name for item in fields(Decision))
"""The names of the five fields, in the contract's order."""


def decision_schema(order: Sequence[str] = FIELDS) -> dict[str, Any]:
    """The JSON schema that engines are constrained to: servers have the fields written in its `order`."""

    def choice(values: type[StrEnum]) -> dict[str, Any]:
        return {"type": "string", "enum": [value.value for value in values]}

    properties = {
        "rewrite": {"type": "string"},
        "intent": choice(Intent),
        "complexity": choice(Complexity),
        "route": choice(Route),
        "missing": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "type": "object",
        "properties": {name: properties[name] for name in order},
        "required": list(order),
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What one engine says of one draft. Gap anchors are offsets into the draft's text.

    `decision.missing` holds the phrases of `gaps`, in the same order. `confidence` maps `intent`,
    `complexity` and `route` to the probability in [0, 1] of being right, and `enough` to the probability that
    the route is large enough; an engine that has none leaves the key out.
    """

    decision: Decision
    gaps: tuple[Gap, ...]
    confidence: Mapping[str, float]
    engine: str
    version: str
    milliseconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Triage:
    """What the user sees of one draft.

    `decision.rewrite` is safe to apply: it passed the fidelity guard, or it equals the draft.
    `repaired` names what of the draft the guard put back into it, `withheld` is why there is none.
    `answered_by` maps each of the five fields to the name of the engine that answered it. `confidence` maps
    `intent` and `complexity` to the probability of being right, `route` to that of being large enough.
    `tokens` is about how long the draft is for a model.
    """

    decision: Decision
    gaps: tuple[Gap, ...]
    confidence: Mapping[str, float]
    tier: EffectiveTier
    tokens: int
    answered_by: Mapping[str, str]
    engine: str
    version: str
    milliseconds: float
    withheld: str | None = None
    repaired: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())
    secrets: tuple[Secret, ...] = ()
    personal: tuple[Secret, ...] = ()

    def decision_to_follow(self) -> Decision:
        """The five fields for a script: a draft with a secret is routed to the tier that it is held to."""
        return replace(self.decision, route=self.tier.route) if self.secrets else self.decision


@cache
def _adapter() -> TypeAdapter[Decision]:
    from pydantic import TypeAdapter

    return TypeAdapter(Decision)


def _place(location: tuple[int | str, ...]) -> str:
    """The field as a word that can stand in a sentence, though a model may have named it."""
    return " ".join(".".join(map(str, location)).split())[:60] or "reply"


def _refuse_repeated(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise DecisionError(f"{name}: is given more than once")
