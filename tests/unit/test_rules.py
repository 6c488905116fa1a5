"""The user's rules about tiers: which of them decides, and how the tier's sentence says so."""

from __future__ import annotations

import pytest

from devrouter.app.settings import Settings, TiersSettings
from devrouter.app.triage import Triager
from devrouter.core.decision import Complexity, Intent
from devrouter.core.draft import Destination, Draft
from devrouter.core.rules import TierRule, rule_for
from devrouter.core.tiers import EffectiveTier, Route, held_local
from devrouter.engines.instant.engine import InstantEngine

SMALL, MEDIUM, LARGE = Route
DRAFT = Draft(
    "Review the auth module for Security holes.", 1, "en", Destination.CHAT, "/home/ann/app/docs/a.md"
)


@pytest.mark.parametrize(
    ("rule", "because"),
    [
        (TierRule(LARGE, intent=Intent.REVIEW), "review"),
        (TierRule(LARGE, complexity=Complexity.HIGH), "high"),
        (TierRule(LARGE, intent=Intent.REVIEW, complexity=Complexity.HIGH), "review · high"),
        (TierRule(LARGE, path="docs/**"), "files like docs/**"),
        (TierRule(LARGE, words=("login", "security")), "the word “security”"),
        (TierRule(LARGE, Intent.REVIEW, words=("auth",)), "review, the word “auth”"),
        (TierRule(LARGE), "every prompt"),
    ],
)
def test_a_rule_holds_where_all_its_conditions_do(rule: TierRule, because: str) -> None:
    assert rule.holds(DRAFT, Intent.REVIEW, Complexity.HIGH)
    assert rule.because(DRAFT.text) == because


@pytest.mark.parametrize(
    "rule",
    [
        TierRule(LARGE, intent=Intent.DEBUG),
        TierRule(LARGE, intent=Intent.REVIEW, complexity=Complexity.LOW),
        TierRule(LARGE, path="src/**"),
        TierRule(LARGE, words=("secur",)),
        TierRule(LARGE, words=("auth mod",)),
        TierRule(LARGE, intent=Intent.REVIEW, words=("database",)),
    ],
)
def test_a_rule_does_not_hold_where_one_condition_fails(rule: TierRule) -> None:
    assert not rule.holds(DRAFT, Intent.REVIEW, Complexity.HIGH)


def test_the_first_rule_that_holds_decides() -> None:
    rules = (TierRule(SMALL, intent=Intent.DEBUG), TierRule(MEDIUM, words=("auth",)), TierRule(LARGE))
    assert rule_for(rules, DRAFT, Intent.REVIEW, Complexity.HIGH) is rules[1]


def test_a_rule_decides_before_the_label_and_the_sentence_names_it() -> None:
    rules = (TierRule(SMALL, words=("readme",)),)
    triager = Triager(InstantEngine(), None)
    draft = Draft("Why does the service deadlock? It is all in the readme.", 1, "en", Destination.CHAT)
    assert triager.instant(draft, Settings()).tier.route is not SMALL
    ruled = triager.instant(draft, Settings(tiers=TiersSettings(rules=rules))).tier
    assert ruled == EffectiveTier(SMALL, "Your rule for the word “readme” says small_local.")
    floored = triager.instant(draft, Settings(tiers=TiersSettings(rules=rules, floor=MEDIUM))).tier
    reason = "Your rule for the word “readme” says small_local; your floor is medium_api."
    assert floored == EffectiveTier(MEDIUM, reason)


def test_a_tier_held_local_says_what_would_be_taken_without_the_secret() -> None:
    held = held_local(EffectiveTier(LARGE, "Suggested large_api."))
    assert held.route is SMALL
    assert "(large_api)" in held.reason
