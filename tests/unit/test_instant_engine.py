"""The instant engine decides any draft by itself, the same way every time, and keeps quiet on a good one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.decision import Answer, Complexity, Intent
from devrouter.core.draft import Destination, Draft
from devrouter.core.gaps import is_answered
from devrouter.core.tiers import Route
from devrouter.engines.engine import Health
from devrouter.engines.instant.engine import InstantEngine

PINNED = Path(__file__).resolve().parents[1] / "corpus" / "decisions.jsonl"
ENGINE = InstantEngine()


def answer(text: str, language: str = "en") -> Answer:
    return ENGINE.answer(Draft(text, 1, language, Destination.CHAT))


ASKED_FOR = {
    "why does my flask app crash when i upload a file?": Intent.DEBUG,
    "getting TypeError: undefined is not a function when I click save, any idea?": Intent.DEBUG,
    "Explain the difference between a mutex and a semaphore.": Intent.EXPLAIN,
    "what does git rebase --onto do?": Intent.EXPLAIN,
    "Refactor this class into smaller functions, same behaviour.": Intent.REFACTOR,
    "Write a README for this project.": Intent.DOCUMENTATION,
    "write a commit message for these changes": Intent.DOCUMENTATION,
    "Please review this pull request before I merge it.": Intent.REVIEW,
    "Should we use Kafka or RabbitMQ for order events between our services?": Intent.ARCHITECTURE,
    "This query takes 12 seconds, make it faster.": Intent.OPTIMIZE,
    "Add a dark mode toggle to the settings page.": Intent.FEATURE,
    "Dockerfile for a node app": Intent.BOILERPLATE,
}

GOOD = [
    "How do I reverse a list in Python 3.12 without copying it?",
    "What is the difference between `git merge` and `git rebase`?",
    "Explain what `__slots__` does in a Python class and when it saves memory.",
    """Write a Python function `slugify(text: str) -> str` that lower-cases, turns runs of anything but
letters and digits into one hyphen, and strips hyphens at both ends.
`slugify("Hello, World!")` gives `hello-world`.""",
]
HARD = """Design a multi-region event-driven architecture to migrate our monolith with 200 tables to
microservices: data ownership, zero downtime, GDPR deletion, rollback, and how 40 teams work on meanwhile."""


@pytest.mark.parametrize(("draft", "intent"), ASKED_FOR.items(), ids=ASKED_FOR)
def test_the_intent_is_what_is_asked_for(draft: str, intent: Intent) -> None:
    assert answer(draft).decision.intent is intent


@pytest.mark.parametrize("draft", GOOD)
def test_a_good_prompt_gets_no_gap_and_no_rewrite(draft: str) -> None:
    decision = answer(draft).decision
    assert decision.missing == ()
    assert decision.rewrite == draft


def test_a_needy_prompt_is_told_what_it_lacks() -> None:
    gaps = answer("why does my flask app crash when i upload a file?").gaps
    assert "full stack trace" in [gap.phrase for gap in gaps]


def test_easy_work_goes_to_the_small_tier_and_hard_work_does_not() -> None:
    assert answer("what does git stash do?").decision.route is Route.SMALL_LOCAL
    assert answer(HARD).decision.route is Route.LARGE_API
    assert answer(HARD).decision.complexity is Complexity.HIGH


@pytest.mark.parametrize("draft", ["", " \n", "hi", "Hello there!", "thanks a lot", "?", "😀", "12345"])
def test_what_is_no_prompt_yet_gets_no_advice(draft: str) -> None:
    decision = answer(draft).decision
    assert (decision.intent, decision.complexity, decision.missing) == (Intent.OTHER, Complexity.LOW, ())
    assert decision.rewrite == draft


@pytest.mark.parametrize("language", ["de", "zh", "und"])
def test_another_language_gets_a_larger_tier_and_nothing_else(language: str) -> None:
    draft = "teh fucntion fails, was ist das?"
    decision = answer(draft, language).decision
    assert decision.route is not Route.SMALL_LOCAL
    assert decision.missing == ()
    assert decision.rewrite == draft


@pytest.mark.parametrize(
    ("draft", "language"),
    [
        ("请设计一个多区域事件驱动的微服务架构并迁移单体应用", "zh"),
        ("ログイン画面のバグを直してください。送信すると落ちます", "ja"),
        ("ช่วยออกแบบระบบสมัครสมาชิกให้หน่อย", "und"),
    ],
)
def test_a_script_without_spaces_is_more_than_one_word(draft: str, language: str) -> None:
    found = answer(draft, language)
    assert found.decision.route is not Route.SMALL_LOCAL
    assert found.confidence == {}


def test_what_a_rule_decided_has_no_probability() -> None:
    found = answer("refactor")
    assert (found.decision.intent, found.decision.route) == (Intent.OTHER, Route.SMALL_LOCAL)
    assert found.confidence == {}


def test_a_tier_is_at_least_as_likely_large_enough_as_right() -> None:
    for draft in (*ASKED_FOR, *GOOD, HARD):
        found = answer(draft)
        assert found.confidence["enough"] >= found.confidence["route"]
        if found.decision.route is Route.LARGE_API:
            assert found.confidence["enough"] == pytest.approx(1)


def test_decisions_are_the_pinned_ones() -> None:
    """`scripts/pin_decisions.py` writes them anew after a wanted change."""
    changed = []
    rows = [json.loads(line) for line in PINNED.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        decision = answer(row["text"], row["language"]).decision.to_dict()
        wanted = {field: row[field] for field in decision} | {"rewrite": row["rewrite"] or row["text"]}
        if decision != wanted:
            changed.append((row["id"], decision, wanted))
    assert not changed
    assert len(rows) == 150


@given(st.text(alphabet=st.characters(), max_size=400), st.sampled_from(["en", "de", "und"]))
def test_any_text_is_answered_whole(text: str, language: str) -> None:
    given_back = answer(text, language)
    assert given_back.decision.missing == tuple(gap.phrase for gap in given_back.gaps)
    assert set(given_back.confidence) <= {"intent", "complexity", "route", "enough"}
    assert all(0 <= value <= 1 for value in given_back.confidence.values())


def test_gaps_are_few_different_open_and_stand_in_the_draft() -> None:
    for line in PINNED.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["text"]
        gaps = answer(text).gaps
        assert len({gap.phrase.lower() for gap in gaps}) == len(gaps) <= 5
        assert all(0 <= gap.anchor.start <= gap.anchor.end <= len(text) for gap in gaps)
        assert not any(is_answered(gap.phrase, gap.kind, text) for gap in gaps)


def test_the_same_draft_gets_the_same_answer_from_another_engine() -> None:
    text = "my react component renders twice, why"
    other = InstantEngine()
    other.load()
    again = other.answer(Draft(text, 7, "en", Destination.AGENT))
    assert (again.decision, again.gaps, again.confidence) == (
        answer(text).decision,
        answer(text).gaps,
        answer(text).confidence,
    )
    assert again.version == ENGINE.version


async def test_it_is_an_engine_that_is_always_there() -> None:
    state = await ENGINE.state()
    assert state.health is Health.OK
    decided = await ENGINE.decide(Draft("fix it", 1, "en", Destination.CHAT))
    assert decided.engine == "instant"
    assert ENGINE.fields == {"rewrite", "intent", "complexity", "route", "missing"}
