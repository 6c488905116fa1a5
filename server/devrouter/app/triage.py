"""From engines' answers to what the user sees of one draft."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from devrouter.app.secrets import secrets_in
from devrouter.core.decision import FIELDS, Answer, Decision, Triage
from devrouter.core.edits import with_line_endings
from devrouter.core.fidelity import Guarded, guard
from devrouter.core.gaps import shown_gaps
from devrouter.core.personal import personal_data_in
from devrouter.core.rules import rule_for
from devrouter.core.tiers import Ruled, effective_tier, estimate_tokens, held_local
from devrouter.engines.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devrouter.app.settings import Settings
    from devrouter.core.draft import Draft
    from devrouter.core.secrets import Secret
    from devrouter.core.tiers import EffectiveTier
    from devrouter.engines.engine import ModelEngine
    from devrouter.engines.instant.engine import InstantEngine
    from devrouter.engines.reply import OnProgress

    FindSecrets = Callable[[str], tuple[Secret, ...]]

REMEMBERED = 256
"""How many answers are kept in memory, so that a text already answered is not asked again."""


_LONGEST_KEPT = 20_000
"""Characters of a draft whose instant answer is kept, beside the text as its key."""


class Triager:
    """The instant engine and, where the settings name one, a model; both remember what they answered."""

    def __init__(
        self, instant: InstantEngine, model: ModelEngine | None, find_secrets: FindSecrets = secrets_in
    ) -> None:
        """`find_secrets` tells a draft's secrets, less those that the user says are none."""
        self.model = model
        self._secrets = find_secrets
        self._load = instant.load
        self._instant = instant.answer
        self._kept = lru_cache(maxsize=REMEMBERED)(instant.answer)
        self._rewritten = instant.rewritten
        # With each answer the fields that the model might answer then: it can be set up anew meanwhile.
        self._answered: OrderedDict[Draft, tuple[Answer, frozenset[str]]] = OrderedDict()

    def load(self) -> None:
        """Read the instant engine's weights now, so that the first keystroke does not wait for them."""
        self._load()
        self._secrets("")

    def instant(self, draft: Draft, settings: Settings) -> Triage:
        """The instant engine's triage: no waiting, no network. Runs in milliseconds on the calling thread."""
        return self._merged(draft, None, frozenset(), settings)

    def remembered(self, draft: Draft, settings: Settings) -> Triage | None:
        """The triage with the model's part, if the model has answered this very text before."""
        # One look only: the loop's thread may drop the answer while the engine's thread looks.
        found = self._answered.get(_content(draft))
        return None if found is None else self._merged(draft, *found, settings)

    async def ask_model(
        self, draft: Draft, settings: Settings, on_progress: OnProgress | None = None
    ) -> Triage:
        """The triage with the model's part in it. Raises `EngineError` where the model cannot answer."""
        if self.model is None:
            return self.instant(draft, settings)
        content = _content(draft)
        if content not in self._answered:
            asked = replace(draft, holds_secret=bool(self._secrets(draft.text)))
            answer = await self.model.decide(asked, on_progress)
            self._answered[content] = answer, self.model.fields
            if len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        return self._merged(draft, *self._answered[content], settings)

    def _merged(
        self, draft: Draft, model: Answer | None, fields: frozenset[str], settings: Settings
    ) -> Triage:
        """The answers as one triage, in which a secret holds the tier local whatever decided it."""
        # Beside a model that answers everything only the instant rewrite can be needed, should its own fail.
        instant = self._rewritten if fields >= set(FIELDS) else self._answered_instantly
        triage = merge(draft, instant(draft), model, fields, settings)
        secrets = self._secrets(draft.text)
        if secrets:
            triage = _without_values(triage, {draft.text[slice(*secret.span)]: secret for secret in secrets})
        return replace(
            triage,
            tier=held_local(triage.tier) if secrets else triage.tier,
            secrets=secrets,
            personal=personal_data_in(draft.text) if settings.findings.personal_data else (),
        )

    def _answered_instantly(self, draft: Draft) -> Answer:
        """The instant engine's answer, kept unless the text is so long that many would fill the memory."""
        content = _content(draft)
        return self._kept(content) if len(draft.text) <= _LONGEST_KEPT else self._instant(content)

    async def triage(self, draft: Draft, settings: Settings) -> Triage:
        """The whole triage. A failed model call leaves the instant answer and its sentence in `problems`."""
        try:
            return await self.ask_model(draft, settings)
        except EngineError as error:
            triage = self.instant(draft, settings)
            return replace(triage, problems=(*triage.problems, str(error)))


def merge(
    draft: Draft, instant: Answer, model: Answer | None, model_fields: frozenset[str], settings: Settings
) -> Triage:
    """One triage from the instant answer and a model's, which counts for `model_fields` only.

    A model that answers everything replaces all gaps; another one replaces the gaps of the kinds it names.
    Beside the former only the rewrite of the instant answer is looked at. A rewrite that fails the guard is
    withheld, and the instant engine's stands in for it.
    """
    source = {name: model if model and name in model_fields else instant for name in FIELDS}
    gaps = instant.gaps
    if model is not None and source["missing"] is model:
        named = {gap.kind for gap in model.gaps}
        everything = model_fields >= set(FIELDS)
        gaps = (*model.gaps, *(gap for gap in instant.gaps if not everything and gap.kind not in named))
    gaps = shown_gaps(gaps, draft.destination, settings.findings.disabled_kinds)
    guarded = _guarded(draft, source["rewrite"])
    withheld = guarded.withheld
    if withheld and source["rewrite"] is not instant:
        source["rewrite"] = instant
        guarded = _guarded(draft, instant)
    labels = source["route"]
    answers = (instant,) if model is None else (instant, model)
    # The route already weighs what a wrong one costs; what is left to ask is whether it is large enough.
    confidence = {name: value for name, value in labels.confidence.items() if name != "enough"}
    if "enough" in labels.confidence:
        confidence["route"] = labels.confidence["enough"]
    tokens = estimate_tokens(draft.text)
    return Triage(
        decision=Decision(
            rewrite=draft.text if guarded.rewrite is None else guarded.rewrite,
            intent=source["intent"].decision.intent,
            complexity=source["complexity"].decision.complexity,
            route=labels.decision.route,
            missing=tuple(gap.phrase for gap in gaps),
        ),
        gaps=gaps,
        confidence=confidence,
        tier=_tier(draft, source, confidence.get("route"), tokens, settings),
        tokens=tokens,
        answered_by={name: answer.engine for name, answer in source.items()},
        engine=answers[-1].engine,
        version=answers[-1].version,
        milliseconds=sum(answer.milliseconds for answer in answers),
        withheld=withheld,
        repaired=guarded.repaired,
        problems=tuple(problem for answer in answers for problem in answer.problems),
    )


def _without_values(triage: Triage, secrets: Mapping[str, Secret]) -> Triage:
    """The triage with no secret's value in what is said of the draft: that is shown, ignored and exported.

    A gap that names a secret asks for what must not be sent, so it is none.
    """
    gaps = tuple(gap for gap in triage.gaps if not any(value in gap.phrase for value in secrets))
    missing = tuple(gap.phrase for gap in gaps)

    def told(sentence: str) -> str:
        for value, secret in secrets.items():
            sentence = sentence.replace(value, secret.placeholder)
        return sentence

    return replace(
        triage,
        decision=replace(triage.decision, missing=missing),
        gaps=gaps,
        withheld=triage.withheld and told(triage.withheld),
        repaired=tuple(map(told, triage.repaired)),
    )


def _tier(
    draft: Draft, source: Mapping[str, Answer], confidence: float | None, tokens: int, settings: Settings
) -> EffectiveTier:
    intent, complexity = source["intent"].decision.intent, source["complexity"].decision.complexity
    rule = rule_for(settings.tiers.rules, draft, intent, complexity)
    ruled = Ruled(rule.route, rule.because(draft.text)) if rule else None
    return effective_tier(source["route"].decision.route, confidence, tokens, settings.tier_policy, ruled)


def _content(draft: Draft) -> Draft:
    """The draft without its version and place: the same content has the same answer."""
    return replace(draft, version=0, path="")


def _guarded(draft: Draft, answer: Answer) -> Guarded:
    """What the guard lets through of an answer's rewrite.

    The white space around the draft and its line endings are the document's, not the engine's.
    """
    guarded = guard(draft.text.strip(), answer.decision.rewrite.strip())
    if guarded.rewrite is None:
        return guarded
    lead = draft.text[: len(draft.text) - len(draft.text.lstrip())]
    trail = draft.text[len(draft.text.rstrip()) :]
    return replace(guarded, rewrite=lead + with_line_endings(guarded.rewrite, like=draft.text) + trail)
