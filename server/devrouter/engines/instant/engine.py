"""The instant engine: any draft to a whole decision, in milliseconds, the same on every machine."""

from __future__ import annotations

import os
import re
import time
from functools import cached_property
from typing import TYPE_CHECKING

from devrouter import __version__
from devrouter.core.decision import FIELDS, Answer, Complexity, Decision, Intent
from devrouter.core.gaps import Gap, GapKind, is_answered, make_gap
from devrouter.core.tiers import MISROUTE_COSTS, Route
from devrouter.engines.engine import EngineState, Health
from devrouter.engines.instant.features import shortened, split
from devrouter.engines.instant.phrases import Mentions, phrases_for
from devrouter.engines.instant.rewrite import tidy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devrouter.core.draft import Draft
    from devrouter.engines.instant.model import Model

_MOST_GAPS = 5
_READ_FOR_GAPS = 4_000
"""Characters that are searched for what a gap concerns."""
_COMPLETE = "complete"
_LONGEST_WORD = 6  # Letters of a word in a script without spaces; more are several.
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLEASANTRIES = """
hi hey hello there good morning afternoon evening day thanks thank you very so much lot ok okay great nice
cool yes no bye please again
"""


class InstantEngine:
    """Answers every draft by itself: no server, no network, no waiting.

    `load` reads the weights; the first answer does so where nobody has. `weights` is another folder than the
    package's own, for one who trains.
    """

    name = "instant"
    fields = frozenset(FIELDS)

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights

    @cached_property
    def _model(self) -> Model:
        # Read by numpy's libraries when they are loaded: the editor has better use for the other cores, and
        # one thread always adds up in the same order.
        for variable in ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(variable, "1")
        from devrouter.engines.instant import model

        return model.Model(self._weights or model.PACKAGED)

    @property
    def version(self) -> str:
        """The package's version and the first digits of the weights' SHA-256."""
        return f"{__version__}+{self._model.version}"

    def load(self) -> None:
        """Read the weights now, so that the first answer is as quick as the others."""
        _ = self._model

    async def state(self) -> EngineState:
        try:
            self.load()
        except (OSError, ValueError) as error:
            message = f"The instant engine's weights cannot be read ({error}): install DevRouter again."
            return EngineState(Health.ERROR, message)
        return EngineState(Health.OK, "The instant engine is ready.")

    async def decide(self, draft: Draft) -> Answer:
        return self.answer(draft)

    def answer(self, draft: Draft) -> Answer:
        """Decide. Pure, deterministic, and never raises, whatever the text."""
        start = time.perf_counter()
        text = draft.text
        read = shortened(text)
        parts = split(read)
        guesses = self._model.probabilities(parts, len(text))
        english = draft.language == "en"
        intent, complexity = _likeliest(guesses["intent"]), _likeliest(guesses["complexity"])
        route = _cheapest(guesses["route"])
        gaps: tuple[Gap, ...] = ()
        confidence = {
            "intent": guesses["intent"][intent],
            "complexity": guesses["complexity"][complexity],
            "route": guesses["route"][route],
            "enough": _enough(guesses["route"], route),
        }
        if not _says_anything(text):
            intent, complexity, route = Intent.OTHER.value, Complexity.LOW.value, Route.SMALL_LOCAL
            confidence = {}
        elif english:
            gaps = self._gaps(guesses, Mentions(text[:_READ_FOR_GAPS], parts, Intent(intent)), read)
        else:
            # It was trained on English: what it says of another language is a guess without a probability.
            route = max(route, Route.MEDIUM_API, key=lambda tier: tier.size)
            confidence = {}
        decision = Decision(
            rewrite=_rewrite(draft),
            intent=Intent(intent),
            complexity=Complexity(complexity),
            route=route,
            missing=tuple(gap.phrase for gap in gaps),
        )
        return Answer(
            decision=decision,
            gaps=gaps,
            confidence={field: round(value, 3) for field, value in confidence.items()},
            engine=self.name,
            version=self.version,
            milliseconds=(time.perf_counter() - start) * 1000,
        )

    def rewritten(self, draft: Draft) -> Answer:
        """An answer of which only the rewrite counts: it takes a hundredth of the time of a whole one."""
        start = time.perf_counter()
        return Answer(
            decision=Decision(_rewrite(draft), Intent.OTHER, Complexity.MEDIUM, Route.MEDIUM_API, ()),
            gaps=(),
            confidence={},
            engine=self.name,
            version="",
            milliseconds=(time.perf_counter() - start) * 1000,
        )

    def _gaps(
        self, guesses: Mapping[str, Mapping[str, float]], mentions: Mentions, read: str
    ) -> tuple[Gap, ...]:
        """At most five, the likeliest first; none for a draft that is good as it stands.

        What answers a gap already is looked for in all that was `read`.
        """
        thresholds = self._model.thresholds
        if guesses[_COMPLETE][_COMPLETE] >= thresholds[_COMPLETE]:
            return ()
        likely = sorted(
            ((value, kind) for kind, value in guesses["gaps"].items() if value >= thresholds[kind]),
            reverse=True,
        )
        found: dict[str, Gap] = {}
        for _, name in likely:
            kind = GapKind(name)
            for phrase in phrases_for(kind, mentions):
                if phrase not in found and not is_answered(phrase, kind, read):
                    found[phrase] = make_gap(phrase, kind, mentions.text)
                    break
        return tuple(found.values())[:_MOST_GAPS]


def _rewrite(draft: Draft) -> str:
    return tidy(draft.text) if draft.language == "en" else draft.text


def _likeliest(guess: Mapping[str, float]) -> str:
    return max(guess, key=lambda label: guess[label])


def _cheapest(guess: Mapping[str, float]) -> Route:
    """The tier with the least expected cost; of two that cost the same, the larger."""
    return min(
        reversed(Route),
        key=lambda called: sum(guess[gold] * MISROUTE_COSTS[gold][called] for gold in Route),
    )


def _enough(guess: Mapping[str, float], route: Route) -> float:
    """The probability that this tier is large enough, which is what a user's minimum confidence asks for."""
    return sum(guess[tier] for tier in Route if tier.size <= route.size)


def _says_anything(text: str) -> bool:
    """Whether there are two words or more, not all of them pleasantries: "hi there" is not a prompt yet.

    A script that sets no spaces between words has one long one.
    """
    words = _WORD.findall(text[:1000].lower())
    if len(words) == 1:
        return not words[0].isascii() and len(words[0]) > _LONGEST_WORD
    return bool(words) and not set(_PLEASANTRIES.split()).issuperset(words)
